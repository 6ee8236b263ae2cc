//! Parameters of a body replaced by the arguments of a call, which keep their own places in the text.

use super::ast::{Argument, Expr, ExprKind, Name};
use indexmap::IndexMap;

/// What stands for each name.
pub type Replacements = IndexMap<String, Expr>;

/// A body with its parameters replaced; `None` where it would pass `budget` nodes, of which it takes its part.
/// A replacement that is a sum, a choice or the like is bracketed where an operand is wanted, so that it stays one
/// value; a formula stands for its terms.
pub fn substitute(body: &Expr, with: &Replacements, budget: &mut usize) -> Option<Expr> {
    Substitution { with, budget }.expr(body, false)
}

/// How many nodes an expression has.
pub fn size(expr: &Expr) -> usize {
    let mut nodes = 0;
    super::ast::visit(expr, &mut |_| nodes += 1);
    nodes
}

struct Substitution<'a> {
    with: &'a Replacements,
    budget: &'a mut usize,
}

impl Substitution<'_> {
    /// `operand`: whether the place wants a single operand.
    fn expr(&mut self, expr: &Expr, operand: bool) -> Option<Expr> {
        *self.budget = self.budget.checked_sub(1)?;
        let kind = match &expr.kind {
            ExprKind::Name(n) => return self.name(n, expr, operand),
            ExprKind::Number(_)
            | ExprKind::Length { .. }
            | ExprKind::Text(_)
            | ExprKind::Bool(_)
            | ExprKind::Missing
            | ExprKind::Dot => expr.kind.clone(),
            ExprKind::List(items) => ExprKind::List(self.each(items)?),
            ExprKind::Comprehension { item, clauses } => return self.comprehension(expr, item, clauses),
            ExprKind::Record(entries) => ExprKind::Record(
                entries.iter().map(|(k, v)| Some((k.clone(), self.expr(v, false)?))).collect::<Option<_>>()?,
            ),
            ExprKind::Group(inner) => ExprKind::Group(Box::new(self.expr(inner, false)?)),
            ExprKind::Call { callee, arguments } => ExprKind::Call {
                callee: Box::new(self.expr(callee, true)?),
                arguments: arguments.iter().map(|a| self.argument(a)).collect::<Option<_>>()?,
            },
            ExprKind::Field { of, name } => ExprKind::Field { of: Box::new(self.expr(of, true)?), name: name.clone() },
            ExprKind::Prefix { operators, operand } => {
                ExprKind::Prefix { operators: operators.clone(), operand: Box::new(self.expr(operand, true)?) }
            }
            ExprKind::Chain { first, rest } => ExprKind::Chain {
                first: Box::new(self.expr(first, true)?),
                rest: rest.iter().map(|(o, s, e)| Some((*o, *s, self.expr(e, true)?))).collect::<Option<_>>()?,
            },
            ExprKind::If { branches, otherwise } => ExprKind::If {
                branches: branches
                    .iter()
                    .map(|(c, v)| Some((self.expr(c, false)?, self.expr(v, false)?)))
                    .collect::<Option<_>>()?,
                otherwise: Box::new(self.expr(otherwise, false)?),
            },
            ExprKind::Formula { outcome, terms, weights, tilde, bar } => ExprKind::Formula {
                outcome: self.optional(outcome.as_deref(), true)?,
                terms: self.optional(terms.as_deref(), true)?,
                weights: self.optional(weights.as_deref(), false)?,
                tilde: *tilde,
                bar: *bar,
            },
        };
        Some(Expr { kind, span: expr.span })
    }

    fn each(&mut self, items: &[Expr]) -> Option<Vec<Expr>> {
        items.iter().map(|i| self.expr(i, false)).collect()
    }

    fn optional(&mut self, expr: Option<&Expr>, operand: bool) -> Option<Option<Box<Expr>>> {
        match expr {
            Some(e) => Some(Some(Box::new(self.expr(e, operand)?))),
            None => Some(None),
        }
    }

    fn argument(&mut self, a: &Argument) -> Option<Argument> {
        let over = match &a.over {
            Some(o) => Some(self.expr(o, false)?),
            None => None,
        };
        Some(Argument { label: a.label.clone(), value: self.expr(&a.value, false)?, over })
    }

    fn name(&mut self, n: &Name, expr: &Expr, operand: bool) -> Option<Expr> {
        let Some(value) = self.with.get(&n.text).filter(|_| !n.quoted) else { return Some(expr.clone()) };
        *self.budget = self.budget.checked_sub(size(value))?;
        let compound = matches!(value.kind, ExprKind::Chain { .. } | ExprKind::Prefix { .. } | ExprKind::If { .. });
        if operand && compound {
            return Some(Expr { kind: ExprKind::Group(Box::new(value.clone())), span: value.span });
        }
        Some(value.clone())
    }

    /// The variables of a comprehension hide parameters of the same name.
    fn comprehension(&mut self, expr: &Expr, item: &Expr, clauses: &[(Name, Expr)]) -> Option<Expr> {
        let mut hidden = self.with.clone();
        let mut out = Vec::new();
        for (name, values) in clauses {
            let values = Substitution { with: &hidden, budget: self.budget }.expr(values, false)?;
            hidden.shift_remove(&name.text);
            out.push((name.clone(), values));
        }
        let item = Box::new(Substitution { with: &hidden, budget: self.budget }.expr(item, false)?);
        Some(Expr { kind: ExprKind::Comprehension { item, clauses: out }, span: expr.span })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Sources;
    use crate::syntax::{parse_value, print};

    fn value(text: &str) -> Expr {
        let mut sources = Sources::default();
        let id = sources.add("t", text);
        parse_value(id, text).unwrap()
    }

    fn replaced(body: &str, with: &[(&str, &str)]) -> String {
        let with: Replacements = with.iter().map(|(n, v)| (n.to_string(), value(v))).collect();
        print::expression(&substitute(&value(body), &with, &mut 1000).unwrap())
    }

    #[test]
    fn arguments_stay_one_value() {
        assert_eq!(
            replaced("x / sum(x over d)", &[("x", "a + b"), ("d", "industry")]),
            "(a + b) / sum(a + b over industry)"
        );
        assert_eq!(replaced("f(x, y: x)", &[("x", "a + b"), ("f", "g")]), "g(a + b, y: a + b)");
        assert_eq!(replaced("f(y ~ x + z | w)", &[("x", "~ a + b"), ("w", "[A, B]")]), "f(y ~ (~ a + b) + z | [A, B])");
    }

    #[test]
    fn backticks_labels_fields_and_hidden_names_are_not_parameters() {
        assert_eq!(replaced("`x` + r.x + f(x: 1)", &[("x", "9")]), "x + r.x + f(x: 1)");
        assert_eq!(replaced("[x + k for x in [k, x]]", &[("x", "1"), ("k", "2")]), "[x + 2 for x in [2, 1]]");
    }

    #[test]
    fn a_body_that_grows_without_bound_is_given_up() {
        let with: Replacements = [("x".to_string(), value("a + b + c"))].into_iter().collect();
        assert!(substitute(&value("x + x + x + x"), &with, &mut 10).is_none());
    }
}
