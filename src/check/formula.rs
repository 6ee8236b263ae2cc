//! Formulas: outcome, terms with spliced formulas and interactions expanded, weights after the bar.

use super::scope::Value;
use super::spec::*;
use super::{Check, Checker, Reported};
use crate::diagnostic::Diagnostic;
use crate::fault::ticked_list;
use crate::source::Span;
use crate::syntax::ast::*;
use crate::syntax::print;

/// Factors that one `*` may cross: 255 terms.
const MOST_FACTORS: usize = 8;

/// A formula on its panel.
#[derive(Clone, Debug)]
pub(crate) struct Formula {
    pub outcome: Column,
    pub terms: Vec<Term>,
    pub weights: Vec<WeightsUse>,
    /// Terms that are the outcome of the period before, or its spatial lag.
    pub time_lags: Vec<TimeLagUse>,
}

impl Checker<'_> {
    /// The panel whose columns a formula names.
    pub(crate) fn formula_panel(&mut self, expr: &Expr) -> Check<usize> {
        if self.panels.len() == 1 {
            return Ok(0);
        }
        if self.panels.is_empty() {
            return self.only_panel(expr.span, "a query", "");
        }
        let mut names = Vec::new();
        names_in(expr, &mut names);
        let holds = |p: &super::PanelInfo| {
            let known = |n: &&Name| p.columns.contains_key(&n.text) || p.broken_columns.contains(&n.text);
            names.iter().filter(|n| self.scope.peek(&n.text).is_none()).all(known)
        };
        let current = self.current_panels();
        if let (Some(_), [pinned]) = (self.pinned, current.as_slice()) {
            return Ok(*pinned);
        }
        let mut fitting = (0..self.panels.len()).filter(|&i| holds(&self.panels[i]));
        match (fitting.next(), fitting.next()) {
            (Some(p), None) if current.contains(&p) => Ok(p),
            _ => {
                // a treatment says which panel
                let of_treatment = names.iter().find_map(|n| match self.scope.peek(&n.text) {
                    Some(Value::Treatment(t)) => self.spec.treatments.get(*t).map(|t| t.panel),
                    Some(Value::Weights(_, Some(p))) => Some(*p),
                    _ => None,
                });
                match of_treatment {
                    Some(p) => Ok(p),
                    None => self.only_panel(
                        expr.span,
                        "this query",
                        "columns that only `PANEL` has, a treatment or weights `on PANEL` say which",
                    ),
                }
            }
        }
    }

    /// Resolves `y ~ terms | weights` on `panel`; every fault of the formula is reported.
    pub(crate) fn formula(&mut self, expr: &Expr, panel: usize) -> Check<Formula> {
        let ExprKind::Formula { outcome, terms, weights, tilde, .. } = &expr.kind else { return Err(Reported) };
        let Some(left) = outcome else {
            return Err(self.report(
                Diagnostic::error("durbin::check::no_formula", self.at(expr.span), "the formula has no outcome")
                    .help("write the outcome left of the `~`: `y ~ x`"),
            ));
        };
        let mut failed = None;
        let outcome = self.column(left, panel).map_err(|r| failed = Some(r)).ok();
        let mut out: Vec<Term> = Vec::new();
        match terms {
            Some(terms) => {
                if let Err(r) = self.terms(terms, panel, &mut out) {
                    failed = Some(r);
                }
            }
            None => {
                let at = tilde.unwrap_or(expr.span);
                failed = Some(
                    self.report(
                        Diagnostic::error("durbin::check::no_terms", self.at(at), "nothing stands between `~` and `|`")
                            .help("a model has at least one regressor: `y ~ x | W`"),
                    ),
                );
            }
        }
        let mut uses = Vec::new();
        if let Some(w) = weights
            && let Err(r) = self.formula_weights(w, panel, &mut uses)
        {
            failed = Some(r);
        }
        let (Some(outcome), None) = (outcome, failed) else { return Err(Reported) };
        self.outcome_among(&outcome, &out)?;
        let time_lags = self.time_lags(&outcome, &out, panel)?;
        Ok(Formula { outcome, terms: out, weights: uses, time_lags })
    }

    fn outcome_among(&mut self, outcome: &Column, terms: &[Term]) -> Check<()> {
        let is_outcome = |c: &Column| c.text == outcome.text;
        for term in terms {
            let lagged = matches!(&term.value.kind, ColumnKind::SpatialLag { of, .. } if is_outcome(of));
            if is_outcome(&term.value) || lagged {
                return Err(self.report(
                    Diagnostic::error(
                        "durbin::check::outcome_among_terms",
                        term.value.place.0,
                        format!("`{}` is the outcome{}", term.value.text, if lagged { "'s spatial lag" } else { "" }),
                    )
                    .help(format!(
                        "`sar` and `sdm` estimate the spatial lag of the outcome; the lag in time is `lag({})`",
                        outcome.text
                    )),
                ));
            }
        }
        Ok(())
    }

    /// Splits the right-hand side at its top-level `+` and adds each term once.
    pub(crate) fn terms(&mut self, expr: &Expr, panel: usize, out: &mut Vec<Term>) -> Check<()> {
        let mut failed = None;
        let mut parts = vec![expr];
        if let ExprKind::Chain { first, rest } = &expr.kind
            && rest[0].0.precedence() == Operator::Plus.precedence()
        {
            parts = vec![first];
            for (operator, span, e) in rest {
                if *operator == Operator::Minus {
                    failed = Some(self.minus_between_terms(expr, *span, e));
                } else {
                    parts.push(e);
                }
            }
        }
        for part in parts {
            if let Err(r) = self.term(part, panel, out) {
                failed = Some(r);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    fn minus_between_terms(&mut self, all: &Expr, span: Span, right: &Expr) -> Reported {
        let constant = matches!(right.kind, ExprKind::Number(_));
        let fault = Diagnostic::error(
            "durbin::check::not_a_term",
            self.at(span.to(right.span)),
            format!("`- {}` is no term of a formula", print::expression(right)),
        );
        let fault = if constant {
            fault.help("the constant belongs to `fe: none`; with fixed effects there is none")
        } else {
            let text = print::expression(all);
            fault.help(format!(
                "a difference of columns stands in brackets, `({text})`; the constant belongs to `fe: none`"
            ))
        };
        self.report(fault)
    }

    pub(crate) fn term(&mut self, expr: &Expr, panel: usize, out: &mut Vec<Term>) -> Check<()> {
        let no_term = |what: String, help: &str, checker: &mut Self| {
            Err(checker.report(
                Diagnostic::error("durbin::check::not_a_term", checker.at(expr.span), what).help(help.to_string()),
            ))
        };
        match &expr.kind {
            ExprKind::Name(name) => {
                if let Some(Value::Column(column)) = self.bound(name)
                    && column.span != expr.span
                {
                    return self.term(&column, panel, out);
                }
                if let Some(Value::Terms(_)) = self.scope.peek(&name.text) {
                    let Some(Value::Terms(formula)) = self.scope.look_up(&name.text) else { return Err(Reported) };
                    let ExprKind::Formula { terms: Some(terms), .. } = &formula.kind else { return Err(Reported) };
                    return self.terms(terms, panel, out);
                }
                if matches!(self.scope.peek(&name.text), Some(Value::Broken)) {
                    return Err(Reported);
                }
                let column = self.column(expr, panel)?;
                self.add_term(column, out);
                Ok(())
            }
            ExprKind::Formula { outcome: None, terms: Some(terms), weights: None, .. } => self.terms(terms, panel, out),
            ExprKind::Group(inner) if matches!(inner.kind, ExprKind::Formula { .. }) => self.term(inner, panel, out),
            ExprKind::Number(x) => no_term(
                format!("`{x}` is no term of a formula"),
                "the constant belongs to `fe: none`; with fixed effects there is none",
                self,
            ),
            ExprKind::Text(_) => no_term(
                format!("`{}` is text, not a column", print::expression(expr)),
                "columns are named without quotes; one that is no identifier stands in backticks",
                self,
            ),
            ExprKind::Call { callee, arguments } if self.makes_levels(callee) => {
                let column = self.levels(expr, arguments, panel)?;
                self.add_term(column, out);
                Ok(())
            }
            ExprKind::Dot => no_term("`.` stands for no columns".into(), "columns are named", self),
            ExprKind::Chain { first, rest } if rest[0].0 == Operator::Times => {
                let any_weights = self.names_weights(first) || rest.iter().any(|r| self.names_weights(&r.2));
                if any_weights || rest.iter().any(|r| r.0 != Operator::Times) {
                    let column = self.column(expr, panel)?;
                    self.add_term(column, out);
                    return Ok(());
                }
                let factors: Vec<&Expr> = std::iter::once(&**first).chain(rest.iter().map(|r| &r.2)).collect();
                self.crossed(&factors, panel, out)
            }
            _ => {
                let column = self.column(expr, panel)?;
                self.add_term(column, out);
                Ok(())
            }
        }
    }

    /// Whether a call is `i(…)`, unless the program names something else so.
    fn makes_levels(&self, callee: &Expr) -> bool {
        matches!(&callee.kind, ExprKind::Name(n) if n.text == "i" && self.scope.peek("i").is_none())
    }

    /// `a*b`: the factors and all their interactions, lower orders first.
    fn crossed(&mut self, factors: &[&Expr], panel: usize, out: &mut Vec<Term>) -> Check<()> {
        if factors.len() > MOST_FACTORS {
            let span = factors[0].span.to(factors[factors.len() - 1].span);
            let message = format!("`*` crosses {} factors; at most {MOST_FACTORS} are allowed", factors.len());
            let fault = Diagnostic::error("durbin::check::out_of_range", self.at(span), message)
                .help("`a:b` is one interaction, `(a * b)` a product");
            return Err(self.report(fault));
        }
        if let Some(number) = factors.iter().find(|f| matches!(f.kind, ExprKind::Number(_))) {
            let text = factors.iter().map(|f| print::expression(f)).collect::<Vec<_>>().join(" * ");
            let message = format!("`*` crosses columns, and `{}` is a number", print::expression(number));
            let fault = Diagnostic::error("durbin::check::not_a_term", self.at(number.span), message)
                .help(format!("a number times a column stands in brackets: `({text})`"));
            return Err(self.report(fault));
        }
        let mut columns = Vec::new();
        let mut failed = None;
        for f in factors {
            match self.column(f, panel) {
                Ok(c) => columns.push(c),
                Err(r) => failed = Some(r),
            }
        }
        if let Some(r) = failed {
            return Err(r);
        }
        let mut subsets: Vec<u32> = (1..1u32 << columns.len()).collect();
        subsets.sort_by_key(|s| (s.count_ones(), std::cmp::Reverse(s.reverse_bits())));
        for subset in subsets {
            let chosen: Vec<&Column> =
                (0..columns.len()).filter(|i| subset >> i & 1 == 1).map(|i| &columns[i]).collect();
            let Some((head, rest)) = chosen.split_first() else { continue };
            if rest.is_empty() {
                self.add_term((*head).clone(), out);
                continue;
            }
            let text = chosen.iter().map(|c| c.text.as_str()).collect::<Vec<_>>().join(":");
            let kind = ColumnKind::Chain {
                first: Box::new((*head).clone()),
                rest: rest.iter().map(|c| (Operator::Times, (*c).clone())).collect(),
            };
            self.add_term(Column { kind, text, place: head.place }, out);
        }
        Ok(())
    }

    fn add_term(&mut self, column: Column, out: &mut Vec<Term>) {
        if let Some(earlier) = out.iter().find(|t| t.value.text == column.text) {
            let fault = Diagnostic::lint(
                "durbin::check::term_repeated",
                column.place.0,
                format!("`{}` comes twice in the formula; it is counted once", column.text),
            )
            .label(earlier.value.place.0, "first here")
            .help("remove one of them");
            self.report(fault);
            return;
        }
        out.push(Term { value: column });
    }

    /// What stands after the bar: weights, or fixest's fixed effects.
    pub(crate) fn formula_weights(&mut self, expr: &Expr, panel: usize, out: &mut Vec<WeightsUse>) -> Check<()> {
        if let Some(fault) = self.fixed_effects_after_bar(expr, panel) {
            return Err(fault);
        }
        let mut failed = None;
        let items: Vec<Expr> = match &expr.kind {
            ExprKind::List(items) => items.clone(),
            ExprKind::Name(n) => match self.bound(n) {
                Some(Value::List(items)) => items.into_iter().map(|(_, e)| e).collect(),
                _ => vec![expr.clone()],
            },
            _ => vec![expr.clone()],
        };
        for item in &items {
            match self.weights_use(item, panel) {
                Ok(w) => out.push(w),
                Err(r) => failed = Some(r),
            }
        }
        failed.map_or(Ok(()), Err)
    }

    fn fixed_effects_after_bar(&mut self, expr: &Expr, panel: usize) -> Option<Reported> {
        let mut parts: Vec<&Expr> = vec![expr];
        if let ExprKind::Chain { first, rest } = &expr.kind
            && rest.iter().all(|r| r.0 == Operator::Plus)
        {
            parts = std::iter::once(&**first).chain(rest.iter().map(|r| &r.2)).collect();
        }
        let mut names = Vec::new();
        for p in parts {
            let ExprKind::Name(n) = &p.kind else { return None };
            if self.scope.peek(&n.text).is_some() || !self.panels[panel].columns.contains_key(&n.text) {
                return None;
            }
            names.push(n.text.clone());
        }
        let spec = &self.panels[panel].spec;
        let effects: Vec<&str> = names
            .iter()
            .map(|n| {
                if *n == spec.unit {
                    "unit"
                } else if *n == spec.time {
                    "time"
                } else {
                    n.as_str()
                }
            })
            .collect();
        let repaired = if effects.len() == 1 { effects[0].to_string() } else { format!("[{}]", effects.join(", ")) };
        let fault = Diagnostic::error(
            "durbin::check::fixed_effects_after_bar",
            self.at(expr.span),
            format!("after the bar stand weights; {} {} of the panel", ticked_list(&names), plural(names.len())),
        )
        .help(format!("fixed effects are an option: `fe: {repaired}`"));
        Some(self.report(fault))
    }
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "is a column" } else { "are columns" }
}

/// The names an expression uses.
pub(crate) fn names_in<'e>(expr: &'e Expr, out: &mut Vec<&'e Name>) {
    match &expr.kind {
        ExprKind::Name(n) => out.push(n),
        ExprKind::List(items) => items.iter().for_each(|e| names_in(e, out)),
        ExprKind::Group(e) | ExprKind::Prefix { operand: e, .. } => names_in(e, out),
        ExprKind::Call { arguments, .. } => arguments.iter().for_each(|a| names_in(&a.value, out)),
        ExprKind::Chain { first, rest } => {
            names_in(first, out);
            rest.iter().for_each(|r| names_in(&r.2, out));
        }
        ExprKind::If { branches, otherwise } => {
            for (c, v) in branches {
                names_in(c, out);
                names_in(v, out);
            }
            names_in(otherwise, out);
        }
        ExprKind::Formula { outcome, terms, weights, .. } => {
            for e in [outcome, terms, weights].into_iter().flatten() {
                names_in(e, out);
            }
        }
        _ => {}
    }
}
