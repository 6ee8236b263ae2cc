//! What the policy did: effects with the actual treatment (methods D.4), pooled over unit-periods.

use super::effects::measured;
use super::operator::{Diagonals, Operator};
use crate::estimators::sample::{Sample, lag};
use crate::estimators::{EstimateError, Measured, PolicyOf};
use crate::linalg::iterate::axpy;
use crate::weights::Weights;
use nalgebra::{DMatrix, DVector};

/// A parameter's derivative of the effect of the policy: of `e_it = (M D_t)_i`, and of the own part `M_ii`.
struct Direction {
    at: usize,
    effect: Vec<f64>,
    own: Vec<f64>,
}

/// The pooled policy effects of regressor `k`; `None` unless it is a 0/1 treatment of the problem.
pub(crate) fn policy(
    sample: &Sample,
    operator: Option<&Operator>,
    coefficients: &DVector<f64>,
    vcov: &DMatrix<f64>,
) -> Result<Option<PolicyOf>, EstimateError> {
    let Some(k) = sample.problem.treatment.filter(|&k| k < sample.problem.regressors.len()) else { return Ok(None) };
    let d = &*sample.design[sample.own(k)];
    let (n, t) = (sample.units, sample.periods);
    let spread = |x: Vec<f64>| operator.map_or(Ok(x.clone()), |o| o.inverse(&x, false));
    let own = own_part(n, operator, None)?;
    let mut directions =
        vec![(Direction { at: sample.own(k), effect: spread(d.to_vec())?, own: own.level }, own.slope)];
    let mut exposed_by: Vec<Vec<f64>> = Vec::new();
    for (b, w) in sample.problem.durbin_weights.iter().enumerate() {
        let wd = lag(w, d, t);
        if let Some(at) = sample.lag_of(b, k) {
            let own = own_part(n, operator, Some(w))?;
            directions.push((Direction { at, effect: spread(wd.clone())?, own: own.level }, own.slope));
        }
        if sample.problem.model.has_durbin() {
            exposed_by.push(wd);
        }
    }
    if let (Some(w), false) = (&sample.problem.lag_weights, sample.problem.model.has_durbin()) {
        exposed_by.push(lag(w, d, t));
    }
    let mut total = Direction { at: usize::MAX, effect: vec![0.0; n * t], own: vec![0.0; n] };
    // ∂e/∂ρ = G e; of the own part diag(G M), M = S⁻¹C column by column.
    let mut own_slope = vec![0.0; n];
    for (direction, slope) in &directions {
        axpy(coefficients[direction.at], &direction.effect, &mut total.effect);
        axpy(coefficients[direction.at], &direction.own, &mut total.own);
        axpy(coefficients[direction.at], slope, &mut own_slope);
    }
    let mut directions: Vec<Direction> = directions.into_iter().map(|(direction, _)| direction).collect();
    if let Some(operator) = operator {
        let effect = operator.image(&total.effect, false)?;
        directions.push(Direction { at: sample.slopes(), effect, own: own_slope });
    }
    Ok(Some(pooled(sample, d, &exposed_by, &total, &directions, vcov)))
}

/// Diagonals of `S⁻¹` or `S⁻¹W`, and of their derivatives in ρ.
pub(crate) fn own_part(n: usize, operator: Option<&Operator>, w: Option<&Weights>) -> Result<Diagonals, EstimateError> {
    match (operator, w) {
        (None, None) => Ok(Diagonals { level: vec![1.0; n], slope: vec![0.0; n] }),
        (None, Some(_)) => Ok(Diagonals { level: vec![0.0; n], slope: vec![0.0; n] }),
        (Some(operator), None) => operator.inverse_diagonals(),
        (Some(operator), Some(w)) => operator.lagged_diagonals(w),
    }
}

fn pooled(
    sample: &Sample,
    d: &[f64],
    exposed_by: &[Vec<f64>],
    total: &Direction,
    directions: &[Direction],
    vcov: &DMatrix<f64>,
) -> PolicyOf {
    let n = sample.units;
    let there = |r: &usize| sample.cells.as_ref().is_none_or(|cells| cells.is_present(*r));
    let first = d.iter().position(|v| *v > 0.5).map_or(d.len(), |r| r / n * n);
    let treated: Vec<usize> = (0..d.len()).filter(|&r| d[r] > 0.5).collect();
    let untreated: Vec<usize> = (first..d.len()).filter(|&r| d[r] <= 0.5).filter(there).collect();
    let exposed: Vec<usize> = untreated.iter().copied().filter(|&r| exposed_by.iter().any(|w| w[r] > 0.0)).collect();
    let all: Vec<usize> = (0..d.len()).filter(there).collect();
    let mean_effect =
        |x: &Direction, cells: &[usize]| cells.iter().map(|&r| x.effect[r]).sum::<f64>() / cells.len() as f64;
    let mean_own =
        |x: &Direction, cells: &[usize]| cells.iter().map(|&r| x.own[r % n]).sum::<f64>() / cells.len() as f64;
    let of = |functional: &dyn Fn(&Direction) -> f64| -> Measured {
        let mut gradient = DVector::zeros(vcov.nrows());
        for direction in directions {
            gradient[direction.at] = functional(direction);
        }
        measured(functional(total), &gradient, vcov)
    };
    PolicyOf {
        direct_on_treated: of(&|x| mean_own(x, &treated)),
        indirect_on_treated: of(&|x| mean_effect(x, &treated) - mean_own(x, &treated)),
        total_on_treated: of(&|x| mean_effect(x, &treated)),
        indirect_on_untreated: of(&|x| mean_effect(x, &untreated)),
        indirect_on_exposed: of(&|x| mean_effect(x, &exposed)),
        aggregate: of(&|x| all.iter().map(|&r| x.effect[r]).sum()),
        treated_cells: treated.len(),
        untreated_cells: untreated.len(),
        exposed_cells: exposed.len(),
    }
}
