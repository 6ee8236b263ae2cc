//! What can be written better, seen without data.

use super::Checker;
use crate::diagnostic::Diagnostic;

impl Checker<'_> {
    /// `never_used`: `let`, `fn`, `weights` and `treatment` that nothing uses. Silent where something failed to check,
    /// for that may be what uses them.
    pub(crate) fn never_used(&mut self) {
        if !self.unavailable.is_empty() || self.diagnostics.iter().any(Diagnostic::is_error) {
            return;
        }
        let unused: Vec<Diagnostic> = (self.scope.names.iter())
            .filter(|(_, b)| !b.used && matches!(b.word, "let" | "fn" | "weights" | "treatment"))
            .filter(|(_, b)| !matches!(b.value, super::scope::Value::Broken))
            .map(|(name, b)| {
                Diagnostic::lint("durbin::check::never_used", b.place, format!("nothing uses `{name}`"))
                    .help(format!("remove it, or print it with a line `{name}`"))
            })
            .collect();
        for d in unused {
            self.report(d);
        }
    }
}
