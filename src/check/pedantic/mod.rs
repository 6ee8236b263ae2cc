//! `check --pedantic`: habits that make an analysis weaker than it could be, seen without data. Each lint names its
//! place, gives its reason in a sentence and says what to write. Those that need data stand in `plan::lints`.

mod controls;
mod lineage;
mod matrices;
mod shadows;
mod unused;
mod values;

use super::Checker;
use super::spec::{ColumnKind, ModelSpec, Output, StepKind, Term, TestQuery};
use crate::diagnostic::Diagnostic;
use lineage::Lineage;
pub(crate) use matrices::post_treatment_weights;
use std::collections::BTreeSet;

/// Which lints are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lints {
    /// Those every run shows.
    #[default]
    Usual,
    /// Also those of `--pedantic`.
    Pedantic,
}

/// Offenders that one lint labels.
const MOST_LABELS: usize = 5;

impl Checker<'_> {
    /// Every pedantic lint. Silent where something failed to check, for what failed may be the answer to it.
    pub(crate) fn pedantic(&mut self) {
        let failed = !self.unavailable.is_empty() || self.diagnostics.iter().any(Diagnostic::is_error);
        if self.request.lints == Lints::Usual || failed {
            return;
        }
        let lineage = Lineage::of(self);
        let bad = self.bad_controls(&lineage);
        let found = [
            self.outcome_like_terms(&lineage),
            self.post_treatment_controls(&lineage, &bad),
            bad,
            self.treatments_as_terms(),
            self.unclustered(),
            self.matrices(&lineage),
            self.unused(),
            self.shadows(),
            self.questionable_values(),
        ];
        for diagnostic in found.into_iter().flatten() {
            self.report(diagnostic);
        }
    }

    /// Models that a test or a design made and the author did not write.
    fn derived(&self) -> BTreeSet<usize> {
        let (mut made, mut written) = (BTreeSet::new(), BTreeSet::new());
        for test in self.spec.tests.iter().filter(|t| matches!(t.query, TestQuery::Specification { .. })) {
            made.extend(test.models());
        }
        for step in &self.spec.steps {
            match &step.kind {
                StepKind::Model { model, .. } => drop(written.insert(*model)),
                StepKind::Print(Output::Fit(model)) => drop(written.insert(*model)),
                StepKind::Print(Output::Design(design)) | StepKind::Save { output: Output::Design(design), .. } => {
                    made.extend(design.models());
                }
                _ => {}
            }
        }
        made.difference(&written).copied().collect()
    }

    /// The name of the treatment of a difference-in-differences.
    fn treatment_name(&self, model: &ModelSpec) -> Option<&str> {
        self.spec.treatments.get(model.treatment?).map(|t| t.name.as_str())
    }
}

/// The terms of a model in which no treatment takes part.
fn controls(model: &ModelSpec) -> impl Iterator<Item = (usize, &Term)> {
    model.terms.iter().enumerate().filter(|(_, t)| {
        let mut treated = false;
        t.value.visit(&mut |c| treated |= matches!(c.kind, ColumnKind::Treatment(_)));
        !treated
    })
}
