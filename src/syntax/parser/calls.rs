//! Calls, fields and arguments.

use super::chains::infix;
use super::values::Allowed;
use super::{Builder, Node, Rule};
use crate::source::Span;
use crate::syntax::ast::{Argument, Expr, ExprKind, Name};
use crate::syntax::scan::DEEPEST;
use crate::syntax::{faults, foreign};

/// An argument written with `=`.
struct Assigned {
    left: String,
    at: Span,
    right: String,
    /// The value is a literal, as an option's often is and a formula's terms never are.
    literal: bool,
}

impl Builder<'_> {
    /// A primary with calls and fields after it.
    pub(super) fn application(&mut self, node: Node) -> Option<Expr> {
        let start = node.as_span().start();
        let mut parts = node.into_inner();
        let mut expr = self.primary(parts.next()?)?;
        for (depth, part) in parts.enumerate() {
            let span = Span::new(self.source, start, part.as_span().end());
            if depth >= DEEPEST {
                self.fault(faults::too_deep(self.span(&part)));
                return None;
            }
            let of = Box::new(expr);
            let kind = match part.as_rule() {
                Rule::field => {
                    let name = part.into_inner().find(|p| p.as_rule() != Rule::dot).map(|n| self.name(&n))?;
                    ExprKind::Field { of, name }
                }
                _ => ExprKind::Call { arguments: self.arguments(part, of.span)?, callee: of },
            };
            expr = Expr { kind, span };
        }
        Some(expr)
    }

    /// `NAME(arguments)` where only a source may stand.
    pub(super) fn word_call(&mut self, node: Node) -> Option<Expr> {
        let span = self.span(&node);
        let mut parts = node.into_inner();
        let name: Name = self.name(&parts.next()?);
        let callee = Box::new(Expr { span: name.span, kind: ExprKind::Name(name) });
        let arguments = self.arguments(parts.next()?, callee.span)?;
        Some(Expr { kind: ExprKind::Call { callee, arguments }, span })
    }

    /// The value of a setting: a signed number, a text, a call or a word.
    pub(super) fn setting_value(&mut self, node: Node) -> Option<Expr> {
        let mut sign = None;
        for part in node.into_inner() {
            let span = self.span(&part);
            let kind = match part.as_rule() {
                Rule::minus => {
                    sign = Some(span);
                    continue;
                }
                Rule::number => self.number(&part),
                Rule::string => ExprKind::Text(self.text_literal(&part).text),
                Rule::word_call => return self.word_call(part),
                _ => ExprKind::Name(self.name(&part)),
            };
            let value = Expr { kind, span };
            let Some(at) = sign else { return Some(value) };
            let operators = vec![(crate::syntax::ast::PrefixOperator::Minus, at)];
            return Some(Expr { span: at.to(span), kind: ExprKind::Prefix { operators, operand: Box::new(value) } });
        }
        None
    }

    fn arguments(&mut self, node: Node, callee: Span) -> Option<Vec<Argument>> {
        let mut items = Vec::new();
        let mut missing = Vec::new();
        for part in node.into_inner() {
            match part.as_rule() {
                Rule::argument => items.push(part),
                Rule::missing_comma => missing.push(items.len()),
                _ => {}
            }
        }
        let called = self.on_one_line(callee);
        if !missing.is_empty() {
            self.missing_commas(&missing, &items, &format!("{called}("), ")");
            return None;
        }
        let mut arguments = Some(Vec::new());
        for (i, item) in items.into_iter().enumerate() {
            let built = self.argument(item, i == 0, &called);
            arguments = arguments.zip(built).map(|(mut all, one)| {
                all.push(one);
                all
            });
        }
        arguments
    }

    fn argument(&mut self, node: Node, first: bool, called: &str) -> Option<Argument> {
        let (mut label, mut value, mut over): (Option<Name>, _, _) = (None, None, None);
        for part in node.into_inner() {
            match part.as_rule() {
                Rule::label => label = Some(self.name(&part)),
                Rule::value => {
                    if label.is_none()
                        && let Some(slip) = self.assigned(&part)
                    {
                        self.equals_in_argument(&slip, first, called);
                        return None;
                    }
                    value = Some(match label.as_ref().map(|l| l.text.as_str()) {
                        Some("where") => self.value(part, Allowed::Condition)?,
                        Some("iv") => self.formulas(part)?,
                        _ => self.value(part, Allowed::Formula)?,
                    });
                }
                Rule::name => {
                    let name = self.name(&part);
                    over = Some(Expr { span: name.span, kind: ExprKind::Name(name) });
                }
                Rule::list => over = Some(self.primary(part)?),
                _ => {}
            }
        }
        Some(Argument { label, value: value?, over })
    }

    /// `income = jobs + trade` as an argument, without a `~`.
    fn assigned(&self, value: &Node) -> Option<Assigned> {
        let mut parts = value.clone().into_inner();
        let expression = parts.next().filter(|p| p.as_rule() == Rule::expression)?;
        let tilde = value.clone().into_inner().any(|p| p.as_rule() == Rule::tilde);
        let inner: Vec<Node> = expression.into_inner().collect();
        let index = inner.iter().position(|p| infix(p) == Rule::assign)?;
        if tilde {
            return None;
        }
        let at = self.span(&inner[index]);
        let end = inner.last().map_or(at.end as usize, |p| p.as_span().end());
        let whole = Span::new(self.source, at.end as usize, value.as_span().end().max(end));
        let left = Span::new(self.source, value.as_span().start(), at.start as usize);
        let right = self.on_one_line(whole);
        let alone = inner.len() == index + 2;
        let bare =
            right.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit() || matches!(c, '"' | '[' | '{'));
        let literal = alone && (bare || matches!(right.as_str(), "true" | "false" | "missing"));
        Some(Assigned { left: self.on_one_line(left), at, right, literal })
    }

    /// The first argument of a query is a formula; any other with `=` is an option.
    fn equals_in_argument(&mut self, slip: &Assigned, first: bool, called: &str) {
        let Assigned { left, at, right, literal } = slip;
        if first && (foreign::is_query(called) || !literal) {
            let rewritten = format!("{called}({left} ~ {right})");
            self.fault(faults::equals_for_tilde(*at, left, right, &rewritten));
        } else {
            self.fault(faults::equals_for_colon(*at, left, &format!("{left}: {right}")));
        }
    }
}
