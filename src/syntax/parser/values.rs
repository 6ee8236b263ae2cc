//! Values: formulas, conditionals, and the primaries an expression is made of.

use super::{Builder, Node, Rule};
use crate::source::Span;
use crate::syntax::ast::{Expr, ExprKind, Name, RecordKey};
use crate::syntax::faults;
use pest::iterators::Pairs;

/// Which formula may stand here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// `y ~ a + b | W`: an argument.
    Formula,
    /// `~ a + b`: a `let`, the body or a default of a function.
    OneSided,
    /// None: a condition, where `|` is R's `or`.
    Condition,
    /// None.
    Nothing,
}

/// The parts of a formula as the text has them.
#[derive(Default)]
struct FormulaParts {
    outcome: Option<Box<Expr>>,
    terms: Option<Box<Expr>>,
    weights: Option<Box<Expr>>,
    tilde: Option<Span>,
    bar: Option<Span>,
    end: Option<Span>,
}

impl Builder<'_> {
    pub(super) fn lone_value(&mut self, pairs: Pairs<Rule>) -> Option<Expr> {
        let value = pairs.flat_map(Node::into_inner).find(|p| p.as_rule() == Rule::value)?;
        self.value(value, Allowed::OneSided)
    }

    /// An expression, or a formula where one may stand. `None` after a fault that leaves nothing to build on.
    pub(super) fn value(&mut self, node: Node, allowed: Allowed) -> Option<Expr> {
        let start = node.as_span().start();
        let mut parts = FormulaParts::default();
        for part in node.into_inner() {
            match part.as_rule() {
                Rule::tilde => self.tilde(&mut parts, self.span(&part), allowed)?,
                Rule::bar => self.bar(&mut parts, self.span(&part), allowed)?,
                Rule::expression => {
                    let expression = self.expression(part)?;
                    parts.end = Some(expression.span);
                    let place = match (parts.tilde, parts.bar) {
                        (_, Some(_)) => &mut parts.weights,
                        (Some(_), None) => &mut parts.terms,
                        (None, None) => &mut parts.outcome,
                    };
                    *place = Some(Box::new(expression));
                }
                _ => {}
            }
        }
        if parts.tilde.is_none() && parts.bar.is_none() {
            return parts.outcome.map(|e| *e);
        }
        let span = Span::new(self.source, start, parts.end.map_or(start, |s| s.end as usize));
        let FormulaParts { outcome, terms, weights, tilde, bar, .. } = parts;
        let last = [tilde, bar].into_iter().flatten().fold(span, Span::to);
        Some(Expr { kind: ExprKind::Formula { outcome, terms, weights, tilde, bar }, span: last })
    }

    fn tilde(&mut self, parts: &mut FormulaParts, at: Span, allowed: Allowed) -> Option<()> {
        if let Some(first) = parts.tilde {
            self.fault(faults::second_tilde(first, at));
            return None;
        }
        if parts.bar.is_some() {
            let help = "the weights come last: `ols(y ~ a + b | W)`";
            self.fault(faults::unexpected(at, "`~`", "the end of the formula", help));
            return None;
        }
        let one_sided = parts.outcome.is_none();
        match allowed {
            Allowed::Formula => {}
            Allowed::OneSided if one_sided => {}
            Allowed::OneSided => {
                let help = "a list of terms is `~ a + b`; a formula with an outcome stands in a query: `model m = ols(y ~ a + b)`";
                self.fault(faults::unexpected(at, "`~` after an outcome", "an expression or a list of terms", help));
                return None;
            }
            Allowed::Condition | Allowed::Nothing => {
                let help = "a formula stands in a query: `ols(y ~ a + b)`";
                self.fault(faults::unexpected(at, "`~`", "an expression", help));
                return None;
            }
        }
        parts.tilde = Some(at);
        Some(())
    }

    fn bar(&mut self, parts: &mut FormulaParts, at: Span, allowed: Allowed) -> Option<()> {
        if let Some(first) = parts.bar {
            self.fault(faults::second_bar(first, at));
            return None;
        }
        match allowed {
            Allowed::Formula => {
                parts.bar = Some(at);
                Some(())
            }
            Allowed::Condition => {
                self.fault(faults::foreign_operator(at, "|", "write `or`: `a > 1 or b > 2`"));
                None
            }
            Allowed::OneSided | Allowed::Nothing => {
                let help =
                    "weights follow the formula of a query: `sdm(y ~ a + b | W)`; of two conditions one is `a or b`";
                self.fault(faults::unexpected(at, "`|`", "an operator or the end of the line", help));
                None
            }
        }
    }

    pub(super) fn conditional(&mut self, node: Node) -> Option<Expr> {
        let start = self.span(&node);
        let mut branches = Vec::new();
        let mut otherwise = None;
        for part in node.into_inner() {
            match part.as_rule() {
                Rule::branch => {
                    let mut two = part.into_inner().filter(|p| p.as_rule() == Rule::expression);
                    let condition = self.expression(two.next()?)?;
                    branches.push((condition, self.expression(two.next()?)?));
                }
                Rule::expression => otherwise = Some(self.expression(part)?),
                _ => {}
            }
        }
        let otherwise = otherwise?;
        let span = Span::new(self.source, start.start as usize, otherwise.span.end as usize);
        Some(Expr { kind: ExprKind::If { branches, otherwise: Box::new(otherwise) }, span })
    }

    pub(super) fn primary(&mut self, node: Node) -> Option<Expr> {
        let span = self.span(&node);
        let kind = match node.as_rule() {
            Rule::length => self.length(node),
            Rule::number => self.number(&node),
            Rule::string => ExprKind::Text(self.text_literal(&node).text),
            Rule::true_word => ExprKind::Bool(true),
            Rule::false_word => ExprKind::Bool(false),
            Rule::missing_word => ExprKind::Missing,
            Rule::name => ExprKind::Name(self.name(&node)),
            Rule::dot => ExprKind::Dot,
            Rule::list => return self.list(node),
            Rule::record => self.record(node)?,
            Rule::group => self.group(node)?,
            _ => return None,
        };
        Some(Expr { kind, span })
    }

    fn group(&mut self, node: Node) -> Option<ExprKind> {
        let whole = self.span(&node);
        let mut values = Vec::new();
        let mut second = None;
        let mut comma = None;
        for part in node.into_inner() {
            match part.as_rule() {
                Rule::comma => comma = comma.or(Some(self.span(&part))),
                Rule::value => {
                    if !values.is_empty() && second.is_none() {
                        second = Some(self.span(&part));
                    }
                    values.push(part);
                }
                _ => {}
            }
        }
        let Some(second) = second else {
            let value = self.value(values.pop()?, Allowed::Nothing)?;
            return Some(ExprKind::Group(Box::new(value)));
        };
        let items: Vec<&str> = values.iter().map(|v| v.as_str().trim()).collect();
        let list = format!("a list has square brackets: `[{}]`", items.join(", "));
        match comma {
            Some(at) => self.fault(faults::unexpected(at, "`,`", "an operator or `)`", &list)),
            None => {
                let (found, length) = super::words::found(self.text, second.start as usize);
                let at = Span::new(self.source, second.start as usize, second.start as usize + length);
                self.fault(faults::unexpected(at, &found, "an operator or `)`", &list));
            }
        }
        let _ = whole;
        None
    }

    /// A formula or a list of formulas: `[x ~ z1 + z2, v ~ z3]`.
    pub(super) fn formulas(&mut self, node: Node) -> Option<Expr> {
        let mut inner = node.clone();
        while inner.as_rule() != Rule::list {
            let mut parts = inner.clone().into_inner();
            match (parts.next(), parts.next()) {
                (Some(only), None) => inner = only,
                _ => return self.value(node, Allowed::Formula),
            }
        }
        self.list_of(inner, Allowed::Formula)
    }

    fn list(&mut self, node: Node) -> Option<Expr> {
        self.list_of(node, Allowed::Nothing)
    }

    fn list_of(&mut self, node: Node, allowed: Allowed) -> Option<Expr> {
        let span = self.span(&node);
        let mut items = Vec::new();
        let mut clauses = Vec::new();
        let mut missing = Vec::new();
        for part in node.into_inner() {
            match part.as_rule() {
                Rule::value => items.push(part),
                Rule::missing_comma => missing.push(items.len()),
                Rule::for_each => clauses.push(part),
                _ => {}
            }
        }
        if !missing.is_empty() {
            self.missing_commas(&missing, &items, "[", "]");
            return None;
        }
        if clauses.is_empty() {
            let items: Option<Vec<Expr>> = items.into_iter().map(|v| self.value(v, allowed)).collect();
            return Some(Expr { kind: ExprKind::List(items?), span });
        }
        let item = Box::new(self.value(items.pop()?, Allowed::Nothing)?);
        let clauses: Option<Vec<(Name, Expr)>> = clauses.into_iter().map(|c| self.for_each(c)).collect();
        Some(Expr { kind: ExprKind::Comprehension { item, clauses: clauses? }, span })
    }

    fn for_each(&mut self, node: Node) -> Option<(Name, Expr)> {
        let (mut name, mut values) = (None, None);
        for part in node.into_inner() {
            match part.as_rule() {
                Rule::declared => name = Some(self.declared(&part)),
                Rule::expression => values = Some(self.expression(part)?),
                _ => {}
            }
        }
        Some((name?, values?))
    }

    fn record(&mut self, node: Node) -> Option<ExprKind> {
        let mut entries = Vec::new();
        let mut missing = Vec::new();
        for part in node.into_inner() {
            match part.as_rule() {
                Rule::entry => entries.push(part),
                Rule::missing_comma => missing.push(entries.len()),
                _ => {}
            }
        }
        if !missing.is_empty() {
            self.missing_commas(&missing, &entries, "{", "}");
            return None;
        }
        let entries: Option<Vec<_>> = entries.into_iter().map(|e| self.entry(e)).collect();
        Some(ExprKind::Record(entries?))
    }

    fn entry(&mut self, node: Node) -> Option<(RecordKey, Expr)> {
        let mut key = None;
        for part in node.into_inner() {
            match part.as_rule() {
                Rule::string => key = Some(RecordKey::Text(self.text_literal(&part))),
                Rule::number => key = Some(RecordKey::Number(self.plain_number(&part), self.span(&part))),
                Rule::name => key = Some(RecordKey::Name(self.name(&part))),
                Rule::value => return Some((key?, self.value(part, Allowed::Nothing)?)),
                _ => {}
            }
        }
        None
    }

    /// One fault for all commas missing between two brackets; `missing` counts the items before each.
    pub(super) fn missing_commas(&mut self, missing: &[usize], items: &[Node], open: &str, close: &str) {
        let first_token = |item: &Node| {
            let at = item.as_span().start();
            let (_, length) = super::words::found(self.text, at);
            Span::new(self.source, at, at + length)
        };
        let places: Vec<Span> = missing.iter().filter_map(|&n| items.get(n)).map(first_token).collect();
        if places.is_empty() {
            return;
        }
        let texts: Vec<String> = items.iter().map(|i| self.on_one_line(self.span(i))).collect();
        self.fault(faults::missing_comma(&places, &format!("{open}{}{close}", texts.join(", "))));
    }
}
