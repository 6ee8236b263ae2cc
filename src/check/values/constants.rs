//! Constants of one kind where that kind is wanted: numbers, lengths and their units, ranges, texts, booleans.

use crate::check::scope::Value;
use crate::check::spec::{Place, ScalarExpr};
use crate::check::{Check, Checker, Reported};
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::suggest;
use crate::syntax::ast::*;
use crate::syntax::print;

/// Kilometers in a unit of length.
fn kilometers(unit: &str) -> Option<f64> {
    match unit {
        "km" => Some(1.0),
        "m" => Some(0.001),
        "mi" => Some(1.609344),
        _ => None,
    }
}

/// The longest range a program may write.
const LONGEST_RANGE: f64 = 100_000.0;
/// Ends of ranges beyond this are a slip: periods and counts are nearer to zero.
const FARTHEST: f64 = 1e9;

impl Checker<'_> {
    pub(crate) fn length_unit(&mut self, unit: &Name) -> Check<f64> {
        kilometers(&unit.text).ok_or_else(|| {
            let near = suggest::nearest(&unit.text, ["km", "m", "mi"]).unwrap_or("km");
            self.report(
                Diagnostic::error(
                    "durbin::check::unknown_length_unit",
                    self.at(unit.span),
                    format!("`{}` is no unit of length", unit.text),
                )
                .help(format!("lengths are in `km`, `m` or `mi`; did you mean `{near}`?")),
            )
        })
    }

    /// Lengths add, subtract and compare among themselves and scale by numbers.
    pub(super) fn length_arithmetic(&mut self, rest: &[(Operator, Span, Expr)], values: Vec<Value>) -> Check<Value> {
        let mut values = values.into_iter();
        let Some(mut total) = values.next() else { return Err(Reported) };
        for ((operator, span, _), next) in rest.iter().zip(values) {
            let number = |v: &Value| if let Value::Scalar(ScalarExpr::Number(x)) = v { Some(*x) } else { None };
            total = match (&total, operator, &next) {
                (Value::Length(a), Operator::Plus, Value::Length(b)) => Value::Length(a + b),
                (Value::Length(a), Operator::Minus, Value::Length(b)) => Value::Length(a - b),
                (Value::Length(a), Operator::Divide, Value::Length(b)) => Value::Scalar(ScalarExpr::Number(a / b)),
                (Value::Length(a), Operator::Times, v) if number(v).is_some() => {
                    Value::Length(a * number(v).unwrap_or(f64::NAN))
                }
                (v, Operator::Times, Value::Length(b)) if number(v).is_some() => {
                    Value::Length(b * number(v).unwrap_or(f64::NAN))
                }
                (Value::Length(a), Operator::Divide, v) if number(v).is_some() => {
                    Value::Length(a / number(v).unwrap_or(f64::NAN))
                }
                (Value::Length(a), op, Value::Length(b)) if op.precedence() == 4 => {
                    let chain = ScalarExpr::Chain {
                        first: Box::new(ScalarExpr::Number(*a)),
                        rest: vec![(*op, ScalarExpr::Number(*b))],
                        place: Place(*span),
                    };
                    Value::Scalar(self.folded(chain, *span)?)
                }
                (a, op, b) => {
                    let message =
                        format!("{} `{}` {}: a length and a number do not mix", a.kind(), op.text(), b.kind());
                    return Err(self.report(
                        Diagnostic::error("durbin::check::unit_of_measure", self.at(*span), message)
                            .help("give the number a unit, such as `100 km`, or leave the unit out"),
                    ));
                }
            };
        }
        Ok(total)
    }

    pub(super) fn range(&mut self, expr: &Expr, lo: &Expr, hi: &Expr) -> Check<Value> {
        let lo = self.number(lo, "the beginning of a range")?;
        let hi = self.number(hi, "the end of a range")?;
        let show = |x: f64| format!("{x}");
        if lo > hi {
            return Err(self.report(
                Diagnostic::error(
                    "durbin::check::empty_range",
                    self.at(expr.span),
                    format!("the range from {} to {} is empty", show(lo), show(hi)),
                )
                .help(format!("write `{}..{}`", show(hi), show(lo))),
            ));
        }
        if lo.fract() != 0.0 || hi.fract() != 0.0 {
            return Err(self.report(Diagnostic::error(
                "durbin::check::out_of_range",
                self.at(expr.span),
                format!("the ends of a range are whole numbers, {} and {} were given", show(lo), show(hi)),
            )));
        }
        if hi - lo + 1.0 > LONGEST_RANGE {
            return Err(self.report(Diagnostic::error(
                "durbin::check::range_too_long",
                self.at(expr.span),
                if hi - lo < 1e15 {
                    format!("the range has {} values; at most 100000 are allowed", hi - lo + 1.0)
                } else {
                    "the range has more than 1e15 values; at most 100000 are allowed".to_string()
                },
            )));
        }
        if lo.abs() > FARTHEST || hi.abs() > FARTHEST {
            let message =
                format!("the ends of a range lie between -1e9 and 1e9, {} and {} were given", show(lo), show(hi));
            return Err(self.report(Diagnostic::error("durbin::check::out_of_range", self.at(expr.span), message)));
        }
        Ok(Value::Range(lo as i64, hi as i64))
    }

    /// A constant number.
    pub(crate) fn number(&mut self, expr: &Expr, what: &str) -> Check<f64> {
        match self.value(expr)? {
            Value::Scalar(ScalarExpr::Number(x)) => Ok(x),
            Value::Length(_) => Err(self.report(
                Diagnostic::error(
                    "durbin::check::unit_of_measure",
                    self.at(expr.span),
                    format!("{what} is a number, `{}` is a length", print::expression(expr)),
                )
                .help("leave the unit out"),
            )),
            Value::Later(_) => Err(Reported),
            Value::Scalar(found) => {
                let found = match found {
                    ScalarExpr::Text(_) => "is text",
                    ScalarExpr::Bool(_) => "is a boolean",
                    _ => "is known only after estimation",
                };
                let message = format!("{what} is a number, `{}` {found}", print::expression(expr));
                Err(self.report(Diagnostic::error("durbin::check::wrong_kind", self.at(expr.span), message)))
            }
            other => Err(self.wrong_kind(expr.span, "a number", &other, None)),
        }
    }

    /// A length in kilometers; a bare number is one.
    pub(crate) fn length(&mut self, expr: &Expr, what: &str) -> Check<f64> {
        match self.value(expr)? {
            Value::Length(km) => Ok(km),
            Value::Scalar(ScalarExpr::Number(x)) => Ok(x),
            other => {
                let wanted = format!("a length for {what}");
                Err(self.wrong_kind(expr.span, &wanted, &other, None))
            }
        }
    }

    /// A constant text.
    pub(crate) fn string(&mut self, expr: &Expr) -> Check<String> {
        match self.value(expr)? {
            Value::Scalar(ScalarExpr::Text(t)) => Ok(t),
            other => Err(self.wrong_kind(expr.span, "text", &other, None)),
        }
    }

    /// A constant boolean.
    pub(crate) fn boolean(&mut self, option: &str, expr: &Expr) -> Check<bool> {
        match &expr.kind {
            ExprKind::Bool(b) => Ok(*b),
            _ => match self.value(expr) {
                Ok(Value::Scalar(ScalarExpr::Bool(b))) => Ok(b),
                Ok(_) => Err(self.bad_option_value(option, expr, &["true", "false"])),
                Err(e) => Err(e),
            },
        }
    }
}
