//! Transformations and comparisons that depend on what they should not depend on, and options without effect.

use crate::check::Checker;
use crate::check::spec::*;
use crate::diagnostic::Diagnostic;
use crate::syntax::ast::{self, Argument, Expr, ExprKind, Operator, StatementKind};
use crate::syntax::print;

impl Checker<'_> {
    pub(super) fn questionable_values(&self) -> Vec<Diagnostic> {
        let mut out = self.logs();
        out.extend(self.comparisons());
        out.extend(self.idle_settings());
        out.extend(self.idle_options());
        out
    }

    /// `log_plus_constant`: `log(x + 1)` in a column of a panel or a formula.
    fn logs(&self) -> Vec<Diagnostic> {
        let lets = (self.panels.iter().map(|p| &p.spec)).chain(self.data.iter().map(|d| &d.info.spec)).flat_map(|s| {
            s.steps.iter().filter_map(|step| match step {
                PanelStep::Let { value, .. } => Some(value),
                PanelStep::Where { .. } => None,
            })
        });
        let used =
            self.spec.models.iter().flat_map(|m| std::iter::once(&m.outcome).chain(m.terms.iter().map(|t| &t.value)));
        let mut out: Vec<Diagnostic> = Vec::new();
        for column in lets.chain(used) {
            column.visit(&mut |c| {
                if let Some(x) = shifted(c)
                    && !out.iter().any(|d| d.span == Some(c.place.0))
                {
                    let message = format!(
                        "`{}` depends on the unit `{x}` is measured in: its effect is neither a percentage nor \
                         comparable",
                        c.text
                    );
                    let lint = Diagnostic::lint("durbin::check::log_plus_constant", c.place.0, message);
                    out.push(lint.help(format!("take `{x}` itself, or `log({x})` of the rows with `where {x} > 0`")));
                }
            });
        }
        out
    }

    /// `exact_comparison`: an estimate held to be equal to the last bit.
    fn comparisons(&self) -> Vec<Diagnostic> {
        let mut out = Vec::new();
        for step in &self.spec.steps {
            let StepKind::Assert { condition: ScalarExpr::Chain { first, rest, place }, .. } = &step.kind else {
                continue;
            };
            let [(Operator::Equal | Operator::NotEqual, second)] = rest.as_slice() else { continue };
            if is_estimate(first) || is_estimate(second) {
                let message = "an estimate is compared to the last bit: another machine may round it otherwise";
                let lint = Diagnostic::lint("durbin::check::exact_comparison", place.0, message);
                out.push(lint.help("say how near: `assert abs(a - b) < 1e-6`"));
            }
        }
        out
    }

    /// `idle_option`: the setting `draws` where nothing is drawn.
    fn idle_settings(&self) -> Vec<Diagnostic> {
        let blocks = self.request.program.statements.iter().filter_map(|s| match &s.kind {
            StatementKind::Options(settings) => Some(settings),
            _ => None,
        });
        let draws = blocks.flatten().filter(|s| s.name.text == "draws");
        let mut drawn = false;
        self.expressions(&mut |e| {
            drawn |= is(e, "simulate") || matches!(&e.kind, ExprKind::Call { callee, .. } if is(callee, "simulate"))
        });
        draws
            .filter(|_| !drawn)
            .map(|s| {
                Diagnostic::lint(
                    "durbin::check::idle_option",
                    s.name.span,
                    "nothing in the program draws: `draws` is idle",
                )
                .help("leave it out, or ask for `effects: simulate(draws: 1000)`")
            })
            .collect()
    }

    /// `idle_option`: options that repeat what the formula says.
    fn idle_options(&self) -> Vec<Diagnostic> {
        let mut out = Vec::new();
        self.expressions(&mut |e| {
            let ExprKind::Call { arguments, .. } = &e.kind else { return };
            let formula = arguments.iter().find_map(|a| match &a.value.kind {
                ExprKind::Formula { terms: Some(terms), weights: Some(weights), .. } => Some((terms, weights)),
                _ => None,
            });
            let Some((terms, weights)) = formula else { return };
            out.extend(arguments.iter().filter_map(|a| repeats(a, terms, weights)));
        });
        out
    }

    /// Every expression of the program's own statements.
    pub(super) fn expressions<'e>(&'e self, see: &mut dyn FnMut(&'e Expr)) {
        for statement in &self.request.program.statements {
            match &statement.kind {
                StatementKind::Weights { value, .. }
                | StatementKind::Treatment { value, .. }
                | StatementKind::Let { value, .. }
                | StatementKind::Model { value, .. }
                | StatementKind::Save { value, .. }
                | StatementKind::Fn { body: Some(value), .. }
                | StatementKind::Assert { condition: value, .. }
                | StatementKind::Print(value) => ast::visit(value, see),
                StatementKind::Panel(block) | StatementKind::Data(block) => {
                    for clause in &block.clauses {
                        if let ast::ClauseKind::Let { value, .. } | ast::ClauseKind::Where(value) = &clause.kind {
                            ast::visit(value, see);
                        }
                    }
                }
                StatementKind::Report { items, .. } => items.iter().for_each(|item| {
                    if let StatementKind::Print(value) = &item.kind {
                        ast::visit(value, see);
                    }
                }),
                StatementKind::Use(_) | StatementKind::Options(_) | StatementKind::Fn { body: None, .. } => {}
            }
        }
    }
}

fn is(callee: &Expr, word: &str) -> bool {
    matches!(&callee.kind, ExprKind::Name(n) if n.text == word)
}

/// What is shifted within a logarithm: the `x` of `log(x + 1)`.
fn shifted(column: &Column) -> Option<&str> {
    let ColumnKind::Call { function: Function::Log, arguments, .. } = &column.kind else { return None };
    let ColumnKind::Chain { first, rest } = &arguments.first()?.kind else { return None };
    let [(Operator::Plus, second)] = rest.as_slice() else { return None };
    match (&first.kind, &second.kind) {
        (ColumnKind::Number(_), ColumnKind::Number(_)) => None,
        (_, ColumnKind::Number(_)) => Some(&first.text),
        (ColumnKind::Number(_), _) => Some(&second.text),
        _ => None,
    }
}

/// Whether a value comes from an estimate that rounds.
fn is_estimate(value: &ScalarExpr) -> bool {
    match value {
        ScalarExpr::Answer { answer, .. } => !matches!(answer, Answer::Nobs | Answer::Array),
        ScalarExpr::Negate(inner) => is_estimate(inner),
        ScalarExpr::Chain { first, rest, .. } => is_estimate(first) || rest.iter().any(|r| is_estimate(&r.1)),
        ScalarExpr::Call { function, arguments, .. } => {
            *function != Function::Round && arguments.iter().any(is_estimate)
        }
        _ => false,
    }
}

/// The lint of an option that says what holds without it.
fn repeats(argument: &Argument, terms: &Expr, weights: &Expr) -> Option<Diagnostic> {
    let label = argument.label.as_ref()?;
    let given = print::expression(&argument.value);
    let reason = match label.text.as_str() {
        "lag_weights" | "error_weights" => {
            let first = match &weights.kind {
                ExprKind::List(items) => items.first()?,
                _ => weights,
            };
            (print::expression(first) == given).then(|| format!("`{given}` after the bar is already the matrix for it"))
        }
        "durbin" => {
            let all: Vec<String> = match &terms.kind {
                ExprKind::Chain { first, rest } if rest.iter().all(|r| r.0 == Operator::Plus) => {
                    std::iter::once(&**first).chain(rest.iter().map(|r| &r.2)).map(print::expression).collect()
                }
                _ => vec![print::expression(terms)],
            };
            let ExprKind::List(items) = &argument.value.kind else { return None };
            let mut listed: Vec<String> = items.iter().map(print::expression).collect();
            let mut all = all;
            listed.sort();
            all.sort();
            (listed == all).then(|| "every term has its spatial lag by default".to_string())
        }
        _ => None,
    }?;
    let message = format!("`{}` changes nothing: {reason}", label.text);
    Some(
        Diagnostic::lint("durbin::check::idle_option", label.span, message)
            .help(format!("leave `{}: {given}` out", label.text)),
    )
}
