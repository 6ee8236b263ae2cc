//! Calls of functions and families of weights written in the language: the body with the arguments in place of the
//! parameters is checked where the call stands. There is no recursion, so every call ends.

use super::scope::{Callable, Value};
use super::{Check, Checker, Reported};
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::syntax::ast::*;
use crate::syntax::substitute::{Replacements, substitute};

/// How many nodes all expansions of a program may have together.
pub(crate) const MOST_NODES: usize = 1_000_000;

/// A function whose body is being checked, and the call.
#[derive(Clone, Debug)]
pub(crate) struct Expansion {
    pub name: String,
    pub call: Span,
}

impl Checker<'_> {
    /// Checks the body of a function as if it stood at the call, by `then`.
    pub(crate) fn expand<T>(
        &mut self,
        function: &Callable,
        arguments: &[Argument],
        call: &Expr,
        then: impl FnOnce(&mut Self, &Expr) -> Check<T>,
    ) -> Check<T> {
        if let Some(from) = self.expanding.iter().position(|e| e.name == function.name) {
            let chain: Vec<String> =
                self.expanding[from..].iter().map(|e| e.name.clone()).chain([function.name.clone()]).collect();
            let first = self.expanding[from].call;
            return Err(self.cycle(first, &chain));
        }
        if let Some(a) = arguments.iter().find(|a| a.over.is_some()) {
            let message = format!("`{}` is no reduction: `over` has no meaning in its call", function.name);
            let fault = Diagnostic::error("durbin::check::arguments", self.at(a.value.span), message)
                .help("pass the dimension as an argument: `fn f(x, d) = sum(x over d)`, `f(x, industry)`");
            return Err(self.report(fault));
        }
        let body = self.body(function, arguments, call)?;
        self.expanding.push(Expansion { name: function.name.clone(), call: call.span });
        let value = then(self, &body);
        self.expanding.pop();
        value
    }

    fn body(&mut self, function: &Callable, arguments: &[Argument], call: &Expr) -> Check<Expr> {
        let bound = self.bind(&function.name, &function.parameters, arguments, call.span)?;
        let mut with = Replacements::new();
        let mut budget = self.budget;
        for p in &function.parameters {
            let value = match (bound.get(&p.name.text), &p.default) {
                (Some(e), _) => Some(e.clone()),
                // A default may use the parameters before it.
                (None, Some(d)) => substitute(d, &with, &mut budget),
                (None, None) => return Err(Reported),
            };
            match value {
                Some(value) => drop(with.insert(p.name.text.clone(), value)),
                None => return Err(self.too_large(call)),
            }
        }
        let Some(body) = substitute(&function.body, &with, &mut budget) else { return Err(self.too_large(call)) };
        self.budget = budget;
        Ok(body)
    }

    /// `too_large`, once: what comes after it has no budget left.
    fn too_large(&mut self, call: &Expr) -> Reported {
        if std::mem::take(&mut self.budget) == 0 {
            return Reported;
        }
        let message = format!("functions of functions grow beyond {MOST_NODES} parts here");
        self.report(
            Diagnostic::error("durbin::check::too_large", self.at(call.span), message)
                .help("each use of a parameter repeats its argument: name intermediate results with `let`"),
        )
    }

    /// Whether a place lies in the standard library.
    pub(crate) fn is_library_span(&self, span: Span) -> bool {
        self.request.library.holds(span.source)
    }

    /// Where a fault points: into the author's files, also when a library body is being expanded.
    pub(crate) fn at(&self, span: Span) -> Span {
        if !self.is_library_span(span) {
            return span;
        }
        let calls = self.expanding.iter().rev().map(|e| e.call);
        calls.into_iter().find(|c| !self.is_library_span(*c)).unwrap_or(span)
    }

    /// Adds to a fault inside an expansion by which calls it came there.
    pub(crate) fn in_expansion(&self, fault: Diagnostic) -> Diagnostic {
        let Some(outermost) = self.expanding.first() else { return fault };
        let mut chain: Vec<&str> = self.expanding.iter().map(|e| e.name.as_str()).collect();
        if chain.len() > 6 {
            chain.splice(3..chain.len() - 2, ["…"]);
        }
        let inside = format!("inside `{}`", chain.join(" → "));
        let call = outermost.call;
        let within = |s: Span| s.source == call.source && call.start <= s.start && s.end <= call.end;
        if !fault.span_text.is_empty() || fault.labels.iter().any(|l| l.span == call) {
            return fault;
        }
        match fault.span {
            Some(span) if within(span) => fault.here(inside),
            _ => fault.label(call, format!("called here, {inside}")),
        }
    }

    /// What a name of a program or of a library body is bound to: a library body sees the library's names, not those
    /// of the program that calls it.
    pub(crate) fn bound(&mut self, name: &Name) -> Option<Value> {
        if self.is_library_span(name.span) {
            return None;
        }
        self.scope.look_up(&name.text)
    }
}
