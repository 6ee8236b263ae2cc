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
    let Some(cells) = PolicyCells::of(sample) else { return Ok(None) };
    let k = cells.regressor;
    let d = &*sample.met(k);
    let (n, t) = (sample.units, sample.periods);
    let spread = |x: Vec<f64>| operator.map_or(Ok(x.clone()), |o| o.inverse(&x, false));
    let own = own_part(n, operator, None)?;
    let mut directions =
        vec![(Direction { at: sample.own(k), effect: spread(d.to_vec())?, own: own.level }, own.slope)];
    for (b, w) in sample.problem.durbin_weights.iter().enumerate() {
        if let Some(at) = sample.lag_of(b, k) {
            let own = own_part(n, operator, Some(w))?;
            directions.push((Direction { at, effect: spread(lag(w, d, t))?, own: own.level }, own.slope));
        }
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
    Ok(Some(pooled(&cells, &total, &directions, vcov)))
}

/// The unit-periods that policy effects run over.
pub(crate) struct PolicyCells {
    /// The treatment among the regressors.
    pub regressor: usize,
    pub treated: Vec<usize>,
    /// From the first treated period on.
    pub untreated: Vec<usize>,
    /// Untreated with a treated neighbor by a matrix of the lags.
    pub exposed: Vec<usize>,
    pub all: Vec<usize>,
}

impl PolicyCells {
    /// `None` unless the problem has a treatment.
    pub fn of(sample: &Sample) -> Option<PolicyCells> {
        let problem = sample.problem;
        let regressor = problem.treatment.filter(|&k| k < problem.regressors.len())?;
        // Which cells count, and what every cell's neighbors are.
        let (d, met) = (&*sample.design[sample.own(regressor)], &*sample.met(regressor));
        let has_durbin = problem.model.has_durbin();
        let by = if has_durbin { problem.durbin_weights.as_slice() } else { problem.lag_weights.as_slice() };
        let exposed_by: Vec<Vec<f64>> = by.iter().map(|w| lag(w, met, sample.periods)).collect();
        let there = |r: &usize| sample.cells.as_ref().is_none_or(|cells| cells.is_present(*r));
        let n = sample.panel_units();
        let first = met.iter().position(|v| *v > 0.5).map_or(d.len(), |r| r / n * n);
        let untreated: Vec<usize> = (first..d.len()).filter(|&r| d[r] <= 0.5).filter(there).collect();
        let is_exposed = |r: &usize| exposed_by.iter().any(|w| w[*r] > 0.0);
        Some(PolicyCells {
            regressor,
            treated: (0..d.len()).filter(|&r| d[r] > 0.5).collect(),
            exposed: untreated.iter().copied().filter(is_exposed).collect(),
            untreated,
            all: (0..d.len()).filter(there).collect(),
        })
    }

    /// Means of `own` (by unit) over the treated, of `effect` over treated, untreated and exposed, and its sum.
    pub fn means(&self, own: &[f64], effect: &[f64]) -> [f64; 5] {
        let mean = |cells: &[usize]| cells.iter().map(|&r| effect[r]).sum::<f64>() / cells.len() as f64;
        let own_mean = self.treated.iter().map(|&r| own[r % own.len()]).sum::<f64>() / self.treated.len() as f64;
        let sum = self.all.iter().map(|&r| effect[r]).sum();
        [own_mean, mean(&self.treated), mean(&self.untreated), mean(&self.exposed), sum]
    }
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

fn pooled(cells: &PolicyCells, total: &Direction, directions: &[Direction], vcov: &DMatrix<f64>) -> PolicyOf {
    let means: Vec<[f64; 5]> = directions.iter().map(|d| cells.means(&d.own, &d.effect)).collect();
    let level = cells.means(&total.own, &total.effect);
    let of = |functional: &dyn Fn(&[f64; 5]) -> f64| -> Measured {
        let mut gradient = DVector::zeros(vcov.nrows());
        for (direction, means) in directions.iter().zip(&means) {
            gradient[direction.at] = functional(means);
        }
        measured(functional(&level), &gradient, vcov)
    };
    PolicyOf {
        direct_on_treated: of(&|m| m[0]),
        indirect_on_treated: of(&|m| m[1] - m[0]),
        total_on_treated: of(&|m| m[1]),
        indirect_on_untreated: of(&|m| m[2]),
        indirect_on_exposed: of(&|m| m[3]),
        aggregate: of(&|m| m[4]),
        treated_cells: cells.treated.len(),
        untreated_cells: cells.untreated.len(),
        exposed_cells: cells.exposed.len(),
    }
}
