//! `shadows`: one word for two things, so that a reader has to know which of them a place means.

use super::lineage::Table;
use crate::check::Checker;
use crate::check::library::OPTIONAL_MODULES;
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::syntax::ast::{ExprKind, Name, StatementKind};

const CODE: &str = "durbin::check::shadows";

impl Checker<'_> {
    pub(super) fn shadows(&self) -> Vec<Diagnostic> {
        let mut out = self.over_columns();
        out.extend(self.over_the_library());
        out.extend(self.over_names());
        out
    }

    /// A name of the program that a column bears too.
    fn over_columns(&self) -> Vec<Diagnostic> {
        let mut out = Vec::new();
        let bound = self.scope.names.iter().filter(|(_, b)| !matches!(b.word, "panel" | "data"));
        for (name, binding) in bound {
            let Some(panel) = self.panels.iter().find(|p| p.columns.contains_key(name)) else { continue };
            let wins = match binding.word {
                "treatment" => "the treatment",
                "let" if matches!(binding.value, crate::check::scope::Value::Terms(_)) => "the terms",
                _ => "the column",
            };
            let message =
                format!("`{name}` is also a column of `{}`; in formulas the word means {wins}", panel.spec.name);
            out.push(Diagnostic::lint(CODE, binding.place, message).help("give one of them another name"));
        }
        out
    }

    /// A name of the program that hides an entry of the library.
    fn over_the_library(&self) -> Vec<Diagnostic> {
        let there = |module: &str| !OPTIONAL_MODULES.contains(&module) || self.used_modules.iter().any(|m| m == module);
        let hidden = self
            .scope
            .names
            .iter()
            .filter(|(name, _)| self.request.library.get(name).is_some_and(|entry| there(entry.module)));
        hidden
            .map(|(name, b)| {
                let message = format!("`{name}` hides the function `{name}` of the library from here on");
                Diagnostic::lint(CODE, b.place, message).help("choose another name")
            })
            .collect()
    }

    /// A parameter, or the variable of a comprehension, that hides a name or a column.
    fn over_names(&self) -> Vec<Diagnostic> {
        let mut out = Vec::new();
        for statement in &self.request.program.statements {
            let parameters = match &statement.kind {
                StatementKind::Fn { parameters, .. } => parameters,
                StatementKind::Let { parameters: Some(p), .. } | StatementKind::Weights { parameters: Some(p), .. } => {
                    p
                }
                _ => continue,
            };
            out.extend(parameters.iter().filter_map(|p| self.hides(&p.name, "parameter")));
        }
        self.expressions(&mut |e| {
            if let ExprKind::Comprehension { clauses, .. } = &e.kind {
                for (name, _) in clauses {
                    out.extend(self.hides(name, "variable").or_else(|| self.hides_column(name)));
                }
            }
        });
        out
    }

    fn hides(&self, name: &Name, what: &str) -> Option<Diagnostic> {
        let binding = self.scope.names.get(&name.text)?;
        let message = format!("the {what} `{0}` hides the program's own `{0}`", name.text);
        Some(labelled(name, message, binding.place, "hidden by it"))
    }

    fn hides_column(&self, name: &Name) -> Option<Diagnostic> {
        let at = self.panels.iter().position(|p| p.columns.contains_key(&name.text))?;
        let spec = self.table(Table::Panel(at));
        let message = format!("the variable `{}` hides a column of `{}`", name.text, spec.name);
        Some(labelled(name, message, spec.place.0, "a column of this panel"))
    }
}

fn labelled(name: &Name, message: String, hidden: Span, what: &str) -> Diagnostic {
    Diagnostic::lint(CODE, name.span, message).label(hidden, what).help("choose another name")
}
