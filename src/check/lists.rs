//! Lists and comprehensions: `[a, b]`, `[sdm_did(y ~ law | C) for y in outcomes]`.

use super::scope::Value;
use super::{Check, Checker, Reported};
use crate::diagnostic::Diagnostic;
use crate::syntax::ast::*;
use crate::syntax::print;
use crate::syntax::substitute::{Replacements, substitute};
use std::rc::Rc;

/// The most items a comprehension may have.
const MOST_ITEMS: usize = 100_000;

impl Checker<'_> {
    pub(crate) fn list(&mut self, items: &[Expr]) -> Check<Value> {
        let mut out = Vec::new();
        let mut failed = None;
        for item in items {
            match self.item(item) {
                Ok(v) => out.push((v, item.clone())),
                Err(e) => failed = Some(e),
            }
        }
        failed.map_or(Ok(Value::List(out)), Err)
    }

    /// An item of a list: a value, or the name of a column, which the formula that uses it resolves.
    fn item(&mut self, item: &Expr) -> Check<Value> {
        if let ExprKind::Name(n) = &item.kind
            && self.bound(n).is_none()
            && (self.panels.iter().any(|p| p.columns.contains_key(&n.text)) || n.quoted)
        {
            return Ok(Value::Column(Rc::new(item.clone())));
        }
        if let ExprKind::Formula { outcome: Some(_), .. } = &item.kind {
            return Ok(Value::Column(Rc::new(item.clone())));
        }
        self.value(item)
    }

    /// `[item for x in values for z in others]`: the item with each value in the variable's place.
    pub(crate) fn comprehension(&mut self, expr: &Expr, item: &Expr, clauses: &[(Name, Expr)]) -> Check<Value> {
        let mut items = vec![(item.clone(), Replacements::new())];
        for (name, values) in clauses {
            let mut next = Vec::new();
            for (body, with) in &items {
                let Some(values) = substitute(values, with, &mut self.budget) else {
                    return Err(self.too_many(expr));
                };
                for value in self.elements(&values)? {
                    let mut with = with.clone();
                    with.insert(name.text.clone(), value);
                    next.push((body.clone(), with));
                }
                if next.len() > MOST_ITEMS {
                    return Err(self.too_many(expr));
                }
            }
            items = next;
        }
        let mut out = Vec::new();
        for (body, with) in items {
            let Some(body) = substitute(&body, &with, &mut self.budget) else { return Err(self.too_many(expr)) };
            out.push(body);
        }
        self.list(&out)
    }

    fn too_many(&mut self, expr: &Expr) -> Reported {
        let message = format!("the list has more than {MOST_ITEMS} items");
        self.report(
            Diagnostic::error("durbin::check::too_large", self.at(expr.span), message)
                .help("a list of models is a few dozen; draw replications with `simulate` or `placebo`"),
        )
    }

    /// The items a variable runs over, as expressions.
    fn elements(&mut self, values: &Expr) -> Check<Vec<Expr>> {
        if let ExprKind::List(items) = &values.kind {
            return Ok(items.clone());
        }
        match self.value(values)? {
            Value::List(items) => Ok(items.into_iter().map(|(_, e)| e).collect()),
            Value::Range(lo, hi) => Ok((lo..=hi).map(|i| Expr { kind: number(i), span: values.span }).collect()),
            Value::Broken | Value::Later(_) => Err(Reported),
            other => {
                let text = print::expression(values);
                Err(self.wrong_kind(values.span, "a list", &other, Some(&text)))
            }
        }
    }
}

/// A whole number as the language writes it.
fn number(i: i64) -> ExprKind {
    ExprKind::Number(i as f64)
}
