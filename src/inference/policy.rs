//! What the policy did: effects with the actual treatment (methods D.4), pooled over unit-periods.

use super::effects::{Multipliers, measured};
use super::operators::Dense;
use crate::estimators::kernels::axpy;
use crate::estimators::sample::{Sample, lag};
use crate::estimators::{Measured, PolicyOf};
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
    multipliers: Option<&Multipliers>,
    coefficients: &DVector<f64>,
    vcov: &DMatrix<f64>,
) -> Option<PolicyOf> {
    let k = sample.problem.treatment?;
    let d = &sample.problem.regressors.get(k)?.values;
    let (n, t) = (sample.units, sample.periods);
    let spread = |x: &[f64]| multipliers.map_or_else(|| x.to_vec(), |m| m.inverse.apply(x));
    let own_of = |w: Option<&Weights>| own_part(n, multipliers.map(|m| m.inverse), w);
    let mut directions = vec![Direction { at: sample.own(k), effect: spread(d), own: own_of(None) }];
    let mut exposed_by: Vec<Vec<f64>> = Vec::new();
    for (b, w) in sample.problem.durbin_weights.iter().enumerate() {
        let wd = lag(w, d, t);
        if let Some(at) = sample.lag_of(b, k) {
            directions.push(Direction { at, effect: spread(&wd), own: own_of(Some(w)) });
        }
        if sample.problem.model.has_durbin() {
            exposed_by.push(wd);
        }
    }
    if let (Some(w), false) = (&sample.problem.lag_weights, sample.problem.model.has_durbin()) {
        exposed_by.push(lag(w, d, t));
    }
    let mut effect = vec![0.0; n * t];
    let mut own = vec![0.0; n];
    for direction in &directions {
        axpy(coefficients[direction.at], &direction.effect, &mut effect);
        axpy(coefficients[direction.at], &direction.own, &mut own);
    }
    if let Some(m) = multipliers {
        // ∂e/∂ρ = G e; of the own part diag(G M), M = S⁻¹C column by column
        directions.push(Direction {
            at: sample.slopes(),
            effect: m.g.apply(&effect),
            own: own_slope(sample, m, k, coefficients),
        });
    }
    let total = Direction { at: usize::MAX, effect, own };
    Some(pooled(n, d, &exposed_by, &total, &directions, vcov))
}

/// `diag(S⁻¹)` or `diag(S⁻¹W)`.
fn own_part(n: usize, inverse: Option<&Dense>, w: Option<&Weights>) -> Vec<f64> {
    match (inverse, w) {
        (None, None) => vec![1.0; n],
        (None, Some(_)) => vec![0.0; n],
        (Some(a), None) => a.diagonal(),
        (Some(a), Some(w)) => diagonal_with(a, w),
    }
}

/// `diag(A W)`.
fn diagonal_with(a: &Dense, w: &Weights) -> Vec<f64> {
    let mut out = vec![0.0; a.n];
    for (v, (j, i)) in w.matrix.iter() {
        out[i] += a.at(i, j) * v;
    }
    out
}

fn own_slope(sample: &Sample, m: &Multipliers, k: usize, coefficients: &DVector<f64>) -> Vec<f64> {
    let product = Dense { n: sample.units, data: m.g.apply(&m.inverse.data) };
    let mut out = vec![0.0; sample.units];
    axpy(coefficients[sample.own(k)], &product.diagonal(), &mut out);
    for (b, w) in sample.problem.durbin_weights.iter().enumerate() {
        if let Some(at) = sample.lag_of(b, k) {
            axpy(coefficients[at], &diagonal_with(&product, w), &mut out);
        }
    }
    out
}

fn pooled(
    n: usize,
    d: &[f64],
    exposed_by: &[Vec<f64>],
    total: &Direction,
    directions: &[Direction],
    vcov: &DMatrix<f64>,
) -> PolicyOf {
    let first = d.iter().position(|v| *v > 0.5).map_or(d.len(), |r| r / n * n);
    let treated: Vec<usize> = (0..d.len()).filter(|&r| d[r] > 0.5).collect();
    let untreated: Vec<usize> = (first..d.len()).filter(|&r| d[r] <= 0.5).collect();
    let exposed: Vec<usize> = untreated.iter().copied().filter(|&r| exposed_by.iter().any(|w| w[r] > 0.0)).collect();
    let all: Vec<usize> = (0..d.len()).collect();
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
