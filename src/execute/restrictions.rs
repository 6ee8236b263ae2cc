//! Restrictions on coefficients: their values and exact gradients, for Wald's test (methods F.3, delta method).

use crate::check::spec::{Function, Quantity, RestrictionSpec};
use crate::fault::{Fault, ticked_list};
use crate::suggest;
use crate::syntax::ast::Operator;

/// A value with its derivatives by every coefficient.
#[derive(Clone, Debug)]
struct Dual {
    value: f64,
    gradient: Vec<f64>,
}

impl Dual {
    fn constant(value: f64, size: usize) -> Dual {
        Dual { value, gradient: vec![0.0; size] }
    }

    /// `f(a)` with derivative `slope`.
    fn through(self, value: f64, slope: f64) -> Dual {
        Dual { value, gradient: self.gradient.iter().map(|g| slope * g).collect() }
    }

    /// `f(a, b)` with derivatives `da` and `db`.
    fn joined(&self, other: &Dual, value: f64, da: f64, db: f64) -> Dual {
        // A factor that multiplies no derivative says nothing, be it infinite.
        let times = |d: f64, g: f64| if g == 0.0 { 0.0 } else { d * g };
        let gradient = self.gradient.iter().zip(&other.gradient).map(|(a, b)| times(da, *a) + times(db, *b)).collect();
        Dual { value, gradient }
    }

    fn with(&self, operator: Operator, other: &Dual) -> Dual {
        let (a, b) = (self.value, other.value);
        match operator {
            Operator::Plus => self.joined(other, a + b, 1.0, 1.0),
            Operator::Minus => self.joined(other, a - b, 1.0, -1.0),
            Operator::Times => self.joined(other, a * b, b, a),
            Operator::Divide => self.joined(other, a / b, 1.0 / b, -a / (b * b)),
            _ => self.joined(other, a.powf(b), b * a.powf(b - 1.0), a.powf(b) * a.ln()),
        }
    }
}

/// `left − right` of every restriction, and its gradient.
pub(super) fn values(
    restrictions: &[RestrictionSpec],
    names: &[String],
    coefficients: &[f64],
) -> Result<(Vec<f64>, Vec<Vec<f64>>), Fault> {
    let mut out = (Vec::new(), Vec::new());
    for r in restrictions {
        if let Some(fault) = unknown_term(r, names) {
            return Err(fault);
        }
        let found = dual(&r.left, names, coefficients).with(Operator::Minus, &dual(&r.right, names, coefficients));
        if !found.value.is_finite() || found.gradient.iter().any(|g| !g.is_finite()) {
            let message = format!("`{}` has no value or no derivative at the estimates", r.text);
            return Err(Fault::error("durbin::estimate::no_statistic", message)
                .help("look for a logarithm or root of what is negative, and for a division by zero"));
        }
        out.0.push(found.value);
        out.1.push(found.gradient);
    }
    Ok(out)
}

fn dual(quantity: &Quantity, names: &[String], coefficients: &[f64]) -> Dual {
    let size = names.len();
    let of_term = |term: &str| {
        let k = names.iter().position(|n| n == term)?;
        let mut gradient = vec![0.0; size];
        gradient[k] = 1.0;
        Some(Dual { value: coefficients[k], gradient })
    };
    match quantity {
        Quantity::Number(x) => Dual::constant(*x, size),
        Quantity::Term(term) => of_term(term).unwrap_or_else(|| Dual::constant(f64::NAN, size)),
        Quantity::Negate(inner) => Dual::constant(0.0, size).with(Operator::Minus, &dual(inner, names, coefficients)),
        Quantity::Call { term, function, argument } => of_term(term).unwrap_or_else(|| {
            let a = dual(argument, names, coefficients);
            let x = a.value;
            match function {
                Function::Log => a.through(x.ln(), 1.0 / x),
                Function::Exp => a.through(x.exp(), x.exp()),
                _ => a.through(x.sqrt(), 0.5 / x.sqrt()),
            }
        }),
        Quantity::Chain { first, rest } => {
            let of = |q: &Quantity| dual(q, names, coefficients);
            if rest.first().is_some_and(|(o, _)| o.groups_right()) {
                let mut all: Vec<Dual> = std::iter::once(&**first).chain(rest.iter().map(|r| &r.1)).map(of).collect();
                let last = all.pop().unwrap_or_else(|| Dual::constant(f64::NAN, size));
                return all
                    .into_iter()
                    .rev()
                    .zip(rest.iter().rev())
                    .fold(last, |right, (left, (o, _))| left.with(*o, &right));
            }
            rest.iter().fold(of(first), |left, (o, q)| left.with(*o, &of(q)))
        }
    }
}

/// A coefficient that a restriction names and the model does not have.
fn unknown_term(restriction: &RestrictionSpec, names: &[String]) -> Option<Fault> {
    let mut missing = None;
    each_term(&restriction.left, names, &mut |t| missing = missing.take().or(Some(t.to_string())));
    each_term(&restriction.right, names, &mut |t| missing = missing.take().or(Some(t.to_string())));
    let term = missing?;
    let mut fault = Fault::error(
        "durbin::check::unknown_name",
        format!("`{}` names `{term}`, and the model has no such coefficient", restriction.text),
    );
    fault.help = suggest::did_you_mean(&term, names.iter().map(String::as_str))
        .or_else(|| Some(format!("its coefficients are {}", ticked_list(names))));
    Some(fault)
}

/// Terms that are none of `names`.
fn each_term(quantity: &Quantity, names: &[String], see: &mut dyn FnMut(&str)) {
    match quantity {
        Quantity::Number(_) => {}
        Quantity::Term(term) => {
            if !names.contains(term) {
                see(term);
            }
        }
        Quantity::Negate(inner) => each_term(inner, names, see),
        Quantity::Chain { first, rest } => {
            each_term(first, names, see);
            rest.iter().for_each(|(_, q)| each_term(q, names, see));
        }
        Quantity::Call { term, argument, .. } => {
            if !names.contains(term) {
                each_term(argument, names, see);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `exp(a) * b ^ 2 / (1 - a)`
    fn quantity() -> Quantity {
        let term = |t: &str| Quantity::Term(t.to_string());
        let exp = Quantity::Call { term: "exp(a)".into(), function: Function::Exp, argument: Box::new(term("a")) };
        let square =
            Quantity::Chain { first: Box::new(term("b")), rest: vec![(Operator::Power, Quantity::Number(2.0))] };
        let below =
            Quantity::Chain { first: Box::new(Quantity::Number(1.0)), rest: vec![(Operator::Minus, term("a"))] };
        Quantity::Chain { first: Box::new(exp), rest: vec![(Operator::Times, square), (Operator::Divide, below)] }
    }

    #[test]
    fn gradients_are_those_of_differences() {
        let names = ["a".to_string(), "b".to_string()];
        let at = |a: f64, b: f64| dual(&quantity(), &names, &[a, b]);
        let (a, b, h) = (0.3, -1.7, 1e-6);
        let found = at(a, b);
        assert!((found.value - (0.3f64.exp() * 1.7 * 1.7 / 0.7)).abs() < 1e-12);
        let by_a = (at(a + h, b).value - at(a - h, b).value) / (2.0 * h);
        let by_b = (at(a, b + h).value - at(a, b - h).value) / (2.0 * h);
        assert!((found.gradient[0] - by_a).abs() < 1e-7 && (found.gradient[1] - by_b).abs() < 1e-7, "{found:?}");
    }

    #[test]
    fn powers_group_right() {
        let two = || Quantity::Number(2.0);
        let three = Quantity::Number(3.0);
        let q =
            Quantity::Chain { first: Box::new(two()), rest: vec![(Operator::Power, three), (Operator::Power, two())] };
        assert_eq!(dual(&q, &[], &[]).value, 512.0);
    }
}
