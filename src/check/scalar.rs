//! Arithmetic of single values: constants before estimation, answers of fits after it.

use super::spec::{Answer, Function, ScalarExpr};
use crate::syntax::ast::Operator;

/// Looks up an answer of a fit; `None` while it is not known.
pub type Answers<'a> = &'a dyn Fn(Answer, usize, Option<&str>) -> Option<ScalarExpr>;

/// The value of an expression as a constant (`Number`, `Text` or `Bool`), or `None` where an answer is not known or the
/// kinds do not fit.
pub fn evaluate(expr: &ScalarExpr, answers: Answers) -> Option<ScalarExpr> {
    match expr {
        ScalarExpr::Number(_) | ScalarExpr::Text(_) | ScalarExpr::Bool(_) => Some(expr.clone()),
        ScalarExpr::Answer { answer, model, entry, .. } => answers(*answer, *model, entry.as_deref()),
        ScalarExpr::Negate(x) => Some(ScalarExpr::Number(-number(&evaluate(x, answers)?)?)),
        ScalarExpr::Not(x) => Some(ScalarExpr::Bool(!boolean(&evaluate(x, answers)?)?)),
        ScalarExpr::If { branches, otherwise } => {
            for (condition, value) in branches {
                if boolean(&evaluate(condition, answers)?)? {
                    return evaluate(value, answers);
                }
            }
            evaluate(otherwise, answers)
        }
        ScalarExpr::In { value, list, negated } => {
            let value = evaluate(value, answers)?;
            let mut found = false;
            for item in list {
                found |= evaluate(item, answers)? == value;
            }
            Some(ScalarExpr::Bool(found != *negated))
        }
        ScalarExpr::Call { function, arguments, .. } => {
            let values: Option<Vec<f64>> = arguments.iter().map(|a| number(&evaluate(a, answers)?)).collect();
            Some(ScalarExpr::Number(apply(*function, &values?)?))
        }
        ScalarExpr::Chain { first, rest, .. } => chain(first, rest, answers),
    }
}

fn chain(first: &ScalarExpr, rest: &[(Operator, ScalarExpr)], answers: Answers) -> Option<ScalarExpr> {
    if rest.first().is_some_and(|(o, _)| o.groups_right()) {
        let mut values = vec![evaluate(first, answers)?];
        for (_, e) in rest {
            values.push(evaluate(e, answers)?);
        }
        let mut total = values.pop()?;
        for ((operator, _), value) in rest.iter().zip(values).rev() {
            total = binary(*operator, &value, &total)?;
        }
        return Some(total);
    }
    let mut total = evaluate(first, answers)?;
    for (operator, e) in rest {
        let next = evaluate(e, answers)?;
        total = binary(*operator, &total, &next)?;
    }
    Some(total)
}

/// What is said of parts that do not fit, and what would.
pub const UNFIT: &str = "the parts of this expression do not fit together";
pub const FITTING: &str = "numbers are computed with and compared; conditions are joined by `and`, `or`, `not`";

/// Calls `see` with every answer an expression asks of a fit.
pub fn each_answer(scalar: &ScalarExpr, see: &mut dyn FnMut(Answer, usize, Option<&str>)) {
    match scalar {
        ScalarExpr::Number(_) | ScalarExpr::Text(_) | ScalarExpr::Bool(_) => {}
        ScalarExpr::Answer { answer, model, entry, .. } => see(*answer, *model, entry.as_deref()),
        ScalarExpr::Negate(x) | ScalarExpr::Not(x) => each_answer(x, see),
        ScalarExpr::Chain { first, rest, .. } => {
            each_answer(first, see);
            rest.iter().for_each(|(_, x)| each_answer(x, see));
        }
        ScalarExpr::If { branches, otherwise } => {
            for (a, b) in branches {
                each_answer(a, see);
                each_answer(b, see);
            }
            each_answer(otherwise, see);
        }
        ScalarExpr::Call { arguments, .. } => arguments.iter().for_each(|x| each_answer(x, see)),
        ScalarExpr::In { value, list, .. } => {
            each_answer(value, see);
            list.iter().for_each(|x| each_answer(x, see));
        }
    }
}

/// The two sides of a comparison, evaluated, for `assert` to show.
pub fn sides(expr: &ScalarExpr, answers: Answers) -> Option<(ScalarExpr, ScalarExpr)> {
    match expr {
        ScalarExpr::Chain { first, rest, .. } if rest.len() == 1 && rest[0].0.precedence() == 4 => {
            Some((evaluate(first, answers)?, evaluate(&rest[0].1, answers)?))
        }
        _ => None,
    }
}

fn binary(operator: Operator, a: &ScalarExpr, b: &ScalarExpr) -> Option<ScalarExpr> {
    use Operator::*;
    Some(match operator {
        Or => ScalarExpr::Bool(boolean(a)? || boolean(b)?),
        And => ScalarExpr::Bool(boolean(a)? && boolean(b)?),
        Equal => ScalarExpr::Bool(a == b),
        NotEqual => ScalarExpr::Bool(a != b),
        Less => ScalarExpr::Bool(number(a)? < number(b)?),
        AtMost => ScalarExpr::Bool(number(a)? <= number(b)?),
        Greater => ScalarExpr::Bool(number(a)? > number(b)?),
        AtLeast => ScalarExpr::Bool(number(a)? >= number(b)?),
        Plus => ScalarExpr::Number(number(a)? + number(b)?),
        Minus => ScalarExpr::Number(number(a)? - number(b)?),
        Times => ScalarExpr::Number(number(a)? * number(b)?),
        Divide => ScalarExpr::Number(number(a)? / number(b)?),
        Power => ScalarExpr::Number(number(a)?.powf(number(b)?)),
        In | NotIn | Range | At | Colon => return None,
    })
}

fn apply(function: Function, x: &[f64]) -> Option<f64> {
    Some(match (function, x) {
        (Function::Log, [x]) => x.ln(),
        (Function::Exp, [x]) => x.exp(),
        (Function::Sqrt, [x]) => x.sqrt(),
        (Function::Abs, [x]) => x.abs(),
        (Function::Round, [x]) => x.round(),
        (Function::Round, [x, digits]) => {
            let scale = 10f64.powi(*digits as i32);
            (x * scale).round() / scale
        }
        (Function::Min, [_, ..]) => x.iter().copied().fold(f64::INFINITY, f64::min),
        (Function::Max, [_, ..]) => x.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        _ => return None,
    })
}

fn number(value: &ScalarExpr) -> Option<f64> {
    if let ScalarExpr::Number(x) = value { Some(*x) } else { None }
}

fn boolean(value: &ScalarExpr) -> Option<bool> {
    if let ScalarExpr::Bool(b) = value { Some(*b) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::spec::Place;

    #[test]
    fn powers_group_right_and_sums_left() {
        let n = |x| ScalarExpr::Number(x);
        let chain = |first, rest| ScalarExpr::Chain { first: Box::new(first), rest, place: Place::default() };
        let none: Answers = &|_, _, _| None;
        let power = chain(n(2.0), vec![(Operator::Power, n(3.0)), (Operator::Power, n(2.0))]);
        assert_eq!(evaluate(&power, none), Some(n(512.0)));
        let minus = chain(n(5.0), vec![(Operator::Minus, n(3.0)), (Operator::Minus, n(1.0))]);
        assert_eq!(evaluate(&minus, none), Some(n(1.0)));
    }
}
