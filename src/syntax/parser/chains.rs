//! Operands and operators in a row become chains by precedence climbing, flat and without recursion over the line.

use super::{Builder, Node, Rule};
use crate::source::Span;
use crate::syntax::ast::{Expr, ExprKind, Operator, PrefixOperator};
use crate::syntax::faults;
use crate::syntax::scan::DEEPEST;
use std::collections::VecDeque;

/// The level of an operand of a sign, and of `not`.
const AFTER_SIGN: u8 = 11;
const AFTER_NOT: u8 = 4;

/// The tightest level, that of a comparison and that of a range, which do not chain.
const COMPARISON: u8 = 4;
const RANGE: u8 = 5;

struct Operand {
    prefixes: Vec<(PrefixOperator, Span)>,
    expr: Expr,
}

/// What is left of a row, first operand first.
struct Row {
    operands: VecDeque<Operand>,
    operators: VecDeque<(Operator, Span)>,
}

impl Builder<'_> {
    /// Operands and operators in a row.
    pub(super) fn expression(&mut self, node: Node) -> Option<Expr> {
        let whole = node.as_span();
        let mut row = Row { operands: VecDeque::new(), operators: VecDeque::new() };
        let mut prefixes = Vec::new();
        let mut marks: Vec<(Rule, Span)> = Vec::new();
        for part in node.into_inner() {
            match part.as_rule() {
                Rule::minus => prefixes.push((PrefixOperator::Minus, self.span(&part))),
                Rule::plus => prefixes.push((PrefixOperator::Plus, self.span(&part))),
                Rule::not_word => prefixes.push((PrefixOperator::Not, self.span(&part))),
                Rule::conditional | Rule::application => {
                    let expr = match part.as_rule() {
                        Rule::conditional => self.conditional(part)?,
                        _ => self.application(part)?,
                    };
                    row.operands.push_back(Operand { prefixes: std::mem::take(&mut prefixes), expr });
                }
                _ => {
                    let (rule, span) = (infix(&part), self.span(&part));
                    marks.push((rule, span));
                    row.operators.push_back((operator(rule), span));
                }
            }
        }
        let end = row.operands.back().map_or(whole.end(), |o| o.expr.span.end as usize);
        self.judge_marks(&row, &marks, Span::new(self.source, whole.start(), end))?;
        self.climb(&mut row, 1)
    }

    /// `=` for `==`, and what stands for `..` elsewhere.
    fn judge_marks(&mut self, row: &Row, marks: &[(Rule, Span)], whole: Span) -> Option<()> {
        let mut sound = Some(());
        for (i, &(rule, at)) in marks.iter().enumerate() {
            let (Some(left), Some(right)) = (row.operands.get(i), row.operands.get(i + 1)) else { continue };
            let number = |o: &Operand| matches!(o.expr.kind, ExprKind::Number(_));
            let wrong_range = match rule {
                Rule::long_range | Rule::to_range => true,
                Rule::colon => number(left) && number(right),
                _ => false,
            };
            if wrong_range {
                let from = left.prefixes.first().map_or(left.expr.span, |p| p.1.to(left.expr.span));
                let to = right.prefixes.first().map_or(right.expr.span, |p| p.1.to(right.expr.span));
                let rewritten = format!("{}..{}", self.on_one_line(from), self.on_one_line(to));
                let written = self.on_one_line(from.to(to));
                self.fault(faults::bad_range(from.to(to), &written, &rewritten));
                sound = None;
            }
            if rule == Rule::assign {
                let before = Span::new(self.source, whole.start as usize, at.start as usize);
                let after = Span::new(self.source, at.end as usize, whole.end as usize);
                let rewritten = format!("{} == {}", self.on_one_line(before), self.on_one_line(after));
                self.fault(faults::equals_in_condition(at, &rewritten));
                sound = None;
            }
        }
        sound
    }

    /// The operand at the head of the row and all operators of level `least` and tighter after it.
    fn climb(&mut self, row: &mut Row, least: u8) -> Option<Expr> {
        let mut left = self.prefixed(row)?;
        while let Some(level) = row.operators.front().map(|o| o.0.precedence()).filter(|&level| level >= least) {
            let mut rest = Vec::new();
            while let Some((operator, at)) = row.operators.pop_front_if(|o| o.0.precedence() == level) {
                if !rest.is_empty() && (level == COMPARISON || level == RANGE) {
                    self.no_chain(operator, at, level);
                    return None;
                }
                rest.push((operator, at, self.climb(row, level + 1)?));
            }
            let span = rest.last().map_or(left.span, |last: &(_, _, Expr)| left.span.to(last.2.span));
            left = Expr { kind: ExprKind::Chain { first: Box::new(left), rest }, span };
        }
        Some(left)
    }

    fn no_chain(&mut self, operator: Operator, at: Span, level: u8) {
        let help = match level {
            COMPARISON => "one comparison at a time: `a < b and b < c`",
            _ => "a range has two ends: `-5..3`",
        };
        self.fault(faults::unexpected(at, &format!("a second `{}`", operator.text()), "`and` or `or`", help));
    }

    /// An operand with its signs and `not`s; a `not` takes all that is tighter than it.
    fn prefixed(&mut self, row: &mut Row) -> Option<Expr> {
        let head = row.operands.front_mut()?;
        if head.prefixes.is_empty() {
            return row.operands.pop_front().map(|o| o.expr);
        }
        let last_not = head.prefixes.iter().rposition(|p| p.0 == PrefixOperator::Not);
        let (operators, level) = match last_not {
            Some(last) => (head.prefixes.drain(..=last).collect::<Vec<_>>(), AFTER_NOT),
            None => (std::mem::take(&mut head.prefixes), AFTER_SIGN),
        };
        let start = operators.first().map(|o| o.1)?;
        self.depth += 1;
        if self.depth > DEEPEST {
            self.fault(faults::too_deep(start));
            return None;
        }
        let operand = self.climb(row, level);
        self.depth -= 1;
        let operand = operand?;
        let span = start.to(operand.span);
        Some(Expr { kind: ExprKind::Prefix { operators, operand: Box::new(operand) }, span })
    }
}

/// Which operator stands between two operands; any other node stays what it is.
pub(super) fn infix(node: &Node) -> Rule {
    match node.as_rule() {
        Rule::infix => node.clone().into_inner().next().map_or(Rule::infix, |mark| mark.as_rule()),
        rule => rule,
    }
}

/// The operator of a rule; the slips stand for what was meant.
fn operator(rule: Rule) -> Operator {
    match rule {
        Rule::or_word => Operator::Or,
        Rule::and_word => Operator::And,
        Rule::not_equal => Operator::NotEqual,
        Rule::less => Operator::Less,
        Rule::at_most => Operator::AtMost,
        Rule::greater => Operator::Greater,
        Rule::at_least => Operator::AtLeast,
        Rule::in_word => Operator::In,
        Rule::not_in => Operator::NotIn,
        Rule::range | Rule::long_range | Rule::to_range => Operator::Range,
        Rule::plus => Operator::Plus,
        Rule::minus => Operator::Minus,
        Rule::times => Operator::Times,
        Rule::divide => Operator::Divide,
        Rule::at => Operator::At,
        Rule::colon => Operator::Colon,
        Rule::power => Operator::Power,
        _ => Operator::Equal,
    }
}
