//! A model again and again with treatments that never were: the distribution of its estimates where there is no effect
//! (methods E.9).
//!
//! Nothing but the treatment changes: filters, eigenvalues and the first look at the log-determinant are those of the
//! estimate, and every replication is a function of seed and number alone, on any number of threads.

use super::assignment::{Assignment, Taken};
use crate::estimators::shared::Shared;
use crate::estimators::{Counter, EstimateError, Interrupt, Measured, Problem, Quiet, estimate_with};
use rayon::prelude::*;

/// Coefficient, direct, indirect and total effect of the treatment.
pub const QUANTITIES: usize = 4;

/// What one estimate says of the treatment: its coefficient, and its direct, indirect and total effect.
pub type Quantities = [Measured; QUANTITIES];

/// The estimates of all replications, in their order; `None` where an assignment has no place or no estimate.
///
/// `regressor` is the treatment's place among the regressors of the problem.
///
/// # Errors
/// `Interrupted`.
pub fn replicate(
    problem: &Problem,
    regressor: usize,
    assignment: &Assignment,
    (reps, seed): (usize, u64),
    shared: &Shared,
    interrupt: &dyn Interrupt,
) -> Result<Vec<Option<Quantities>>, EstimateError> {
    interrupt.begin("placebo");
    let counter = Counter::new(reps, interrupt);
    let one = |r: u64| -> Result<Option<Quantities>, EstimateError> {
        let found = match assignment.draw(seed, r) {
            Some(taken) => estimate_of(&assigned(problem, regressor, &taken), regressor, shared, interrupt)?,
            None => None,
        };
        counter.next()?;
        Ok(found)
    };
    (0..reps as u64).into_par_iter().map(one).collect()
}

/// The problem with another assignment of its treatment. Cells that are not there stay so.
pub fn assigned(problem: &Problem, regressor: usize, taken: &Taken) -> Problem {
    let n = problem.units;
    let mut out = Problem { treatment: None, ..problem.clone() };
    let actual = &problem.regressors[regressor].values;
    for (cell, value) in out.regressors[regressor].values.iter_mut().enumerate() {
        let course = taken[cell % n].map(|from| actual[cell / n * n + from as usize]);
        let there = problem.present.as_ref().is_none_or(|present| present[cell]);
        *value = match course {
            _ if !there => f64::NAN,
            None => 0.0,
            Some(d) => d,
        };
    }
    out
}

/// The estimates of the treatment; `None` where they or their errors do not exist.
fn estimate_of(
    problem: &Problem,
    regressor: usize,
    shared: &Shared,
    interrupt: &dyn Interrupt,
) -> Result<Option<Quantities>, EstimateError> {
    match estimate_with(problem, shared, None, &Quiet(interrupt)) {
        Ok(found) => Ok(quantities(problem, regressor, &found).filter(|q| q[0].se.is_finite() && q[1].se.is_finite())),
        Err(EstimateError::Interrupted) => Err(EstimateError::Interrupted),
        // An assignment that the effects or the other terms span, or that ends at the edge of an interval.
        Err(_) => Ok(None),
    }
}

/// What an estimate says of one of its regressors.
pub fn quantities(problem: &Problem, regressor: usize, found: &crate::estimators::Estimated) -> Option<Quantities> {
    let at = usize::from(problem.has_intercept()) + regressor;
    let coefficient = Measured { estimate: *found.coefficients.get(at)?, se: found.vcov.get(at)?.get(at)?.sqrt() };
    let effect = found.effects.get(regressor)?;
    Some([coefficient, effect.direct, effect.indirect, effect.total])
}

/// `(1 + #{|t*| ≥ |t|})/(B + 1)` over the draws that have the statistic (methods E.9).
pub fn p_value(actual: f64, draws: impl Iterator<Item = f64>) -> f64 {
    if !actual.is_finite() {
        return f64::NAN;
    }
    let (mut count, mut beyond) = (0usize, 0usize);
    for t in draws.filter(|t| t.is_finite()) {
        count += 1;
        beyond += usize::from(t.abs() >= actual.abs());
    }
    (1 + beyond) as f64 / (1 + count) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_p_value_counts_the_actual_assignment_among_the_draws() {
        let draws = [0.5, -2.0, 1.0, f64::NAN, 3.0];
        assert_eq!(p_value(2.0, draws.into_iter()), 3.0 / 5.0);
        assert_eq!(p_value(-4.0, draws.into_iter()), 1.0 / 5.0);
        assert!(p_value(f64::NAN, draws.into_iter()).is_nan());
    }
}
