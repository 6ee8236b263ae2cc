//! A step of planning that may be known from an earlier run: its value with everything it did beside, so that a run that
//! remembers tells, reads and lists the same as one that does not.

use super::store::Memory;
use super::weights::Built;
use super::{Planner, Step};
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use std::sync::Arc;

/// A step that was done.
struct Recorded<T> {
    value: Arc<T>,
    /// What it said, by places of then.
    diagnostics: Vec<Diagnostic>,
    origin: Span,
    /// Files it asked for, and matrices it used.
    files: Vec<String>,
    used: Vec<Built>,
}

/// What names a step, where it stands, and what it takes.
pub(super) struct Named {
    /// `None`: it is not remembered.
    pub key: Option<String>,
    pub layout: String,
    pub origin: Span,
}

impl Planner<'_> {
    /// A step from memory, or done and remembered; `bytes` estimates what holding it takes.
    pub(super) fn remembered<T: Send + Sync + 'static>(
        &mut self,
        named: Named,
        bytes: impl FnOnce(&T) -> u64,
        make: impl FnOnce(&mut Self) -> Step<T>,
    ) -> Step<Arc<T>> {
        self.recorded(named, make, |memory, key, recorded| {
            let bytes = bytes(&recorded.value);
            memory.put(key, recorded, bytes);
        })
    }

    /// As [`Planner::remembered`], for a matrix, with which what is made of it goes.
    pub(super) fn remembered_matrix(
        &mut self,
        named: Named,
        make: impl FnOnce(&mut Self) -> Step<crate::weights::Weights>,
    ) -> Step<Arc<crate::weights::Weights>> {
        self.recorded(named, make, |memory, key, recorded| {
            let matrix = recorded.value.clone();
            let bytes = super::memory::weights(matrix.units(), matrix.matrix.nnz() as u64).kept;
            memory.put_matrix(key, recorded, matrix, bytes);
        })
    }

    fn recorded<T: Send + Sync + 'static>(
        &mut self,
        named: Named,
        make: impl FnOnce(&mut Self) -> Step<T>,
        keep: impl FnOnce(&Memory, &str, Arc<Recorded<T>>),
    ) -> Step<Arc<T>> {
        let (Some(memory), Some(key)) = (self.means.steps, named.key) else { return make(self).map(Arc::new) };
        let key = format!("{key} {}", named.layout);
        if let Some(known) = memory.get::<Recorded<T>>(&key) {
            self.told_again(&known, named.origin);
            return Ok(known.value.clone());
        }
        let told = std::mem::take(&mut self.diagnostics);
        let (files, used) = (self.files.asked.len(), self.used.len());
        let made = make(self);
        let diagnostics = std::mem::replace(&mut self.diagnostics, told);
        for d in &diagnostics {
            self.diagnose(d.clone());
        }
        let recorded = Recorded {
            value: Arc::new(made?),
            diagnostics,
            origin: named.origin,
            files: self.files.asked[files..].to_vec(),
            used: self.used[used..].to_vec(),
        };
        let value = recorded.value.clone();
        keep(memory, &key, Arc::new(recorded));
        Ok(value)
    }

    fn told_again<T>(&mut self, known: &Recorded<T>, origin: Span) {
        known.files.iter().for_each(|path| self.files.touch(path));
        known.used.iter().for_each(|b| self.use_again(b.clone()));
        for d in &known.diagnostics {
            self.diagnose(moved(d.clone(), known.origin, origin));
        }
    }

    /// A matrix is used, whoever built it and when.
    pub(super) fn use_again(&mut self, built: Built) {
        if !self.built.iter().any(|b| b.of == built.of) {
            self.built.push(built.clone());
        }
        self.used.push(built);
    }
}

/// A diagnostic of a declaration that stood at `from` and now stands at `to`.
fn moved(mut diagnostic: Diagnostic, from: Span, to: Span) -> Diagnostic {
    let shift = |span: Span| {
        if span.source != from.source {
            return span;
        }
        let by = |x: u32| (i64::from(x) - i64::from(from.start) + i64::from(to.start)).max(0) as usize;
        Span::new(to.source, by(span.start), by(span.end))
    };
    diagnostic.span = diagnostic.span.map(shift);
    diagnostic.labels.iter_mut().for_each(|l| l.span = shift(l.span));
    diagnostic
}
