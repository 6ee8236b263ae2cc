//! Direct, indirect and total effects with delta-method errors (methods D.1, D.2), exact for any scaling of W.

use super::operators::Dense;
use crate::estimators::kernels::dot;
use crate::estimators::sample::{Sample, lag};
use crate::estimators::{EffectOf, Measured};
use crate::weights::Weights;
use nalgebra::{DMatrix, DVector};

/// Traces and sums of `A` and `A W_b`, which every effect is a combination of.
struct Sums {
    /// `tr A`, `l'Al`.
    own: [f64; 2],
    /// `tr A W_b`, `l'A W_b l`.
    lags: Vec<[f64; 2]>,
}

/// `S⁻¹` and `G = WS⁻¹` of a model with a lag of the outcome.
pub(crate) struct Multipliers<'a> {
    pub inverse: &'a Dense,
    pub g: &'a Dense,
}

fn trace_with(a: &Dense, w: &Weights) -> f64 {
    w.matrix.iter().map(|(v, (j, i))| v * a.at(i, j)).sum()
}

impl Sums {
    fn of(a: &Dense, durbin: &[&Weights]) -> Sums {
        let columns: Vec<f64> = a.data.chunks_exact(a.n).map(|c| c.iter().sum()).collect();
        let ones = vec![1.0; a.n];
        let lags = durbin.iter().map(|w| [trace_with(a, w), dot(&columns, &lag(w, &ones, 1))]).collect();
        Sums { own: [a.trace(), columns.iter().sum()], lags }
    }

    fn identity(n: usize, durbin: &[&Weights]) -> Sums {
        let lags = durbin.iter().map(|w| [w.matrix.diag().iter().map(|(_, v)| v).sum(), w.matrix.data().iter().sum()]);
        Sums { own: [n as f64, n as f64], lags: lags.collect() }
    }
}

/// The effects of every regressor; `coefficients` and `vcov` in the order of the slopes, then ρ.
pub(crate) fn effects(
    sample: &Sample,
    multipliers: Option<&Multipliers>,
    coefficients: &DVector<f64>,
    vcov: &DMatrix<f64>,
) -> Vec<EffectOf> {
    let n = sample.units;
    let durbin: Vec<&Weights> = sample.problem.durbin_weights.iter().map(|w| &**w).collect();
    let level = multipliers.map_or_else(|| Sums::identity(n, &durbin), |m| Sums::of(m.inverse, &durbin));
    // ∂M/∂ρ = G M
    let slope = multipliers.map(|m| Sums::of(&Dense { n, data: m.g.apply(&m.inverse.data) }, &durbin));
    let rho = sample.slopes();
    let count = n as f64;
    (0..sample.problem.regressors.len())
        .map(|k| {
            let mut parts: Vec<(usize, Option<usize>)> = vec![(sample.own(k), None)];
            parts.extend((0..durbin.len()).filter_map(|b| sample.lag_of(b, k).map(|at| (at, Some(b)))));
            let sum = |s: &Sums, lag: Option<usize>, which: usize| match lag {
                None => s.own[which],
                Some(b) => s.lags[b][which],
            };
            let functional = |which: usize| {
                let mut value = 0.0;
                let mut gradient = DVector::zeros(vcov.nrows());
                for &(at, lag) in &parts {
                    let derivative = sum(&level, lag, which) / count;
                    value += coefficients[at] * derivative;
                    gradient[at] = derivative;
                    if let Some(s) = &slope {
                        gradient[rho] += coefficients[at] * sum(s, lag, which) / count;
                    }
                }
                (value, gradient)
            };
            let (direct, d) = functional(0);
            let (total, t) = functional(1);
            let indirect = &t - &d;
            EffectOf {
                direct: measured(direct, &d, vcov),
                indirect: measured(total - direct, &indirect, vcov),
                total: measured(total, &t, vcov),
            }
        })
        .collect()
}

/// A value with its delta-method error `√(∇'V∇)`; NaN where V has none.
pub(crate) fn measured(estimate: f64, gradient: &DVector<f64>, vcov: &DMatrix<f64>) -> Measured {
    let mut variance = 0.0;
    for (i, a) in gradient.iter().enumerate().filter(|(_, a)| **a != 0.0) {
        for (j, b) in gradient.iter().enumerate().filter(|(_, b)| **b != 0.0) {
            variance += a * b * vcov[(i, j)];
        }
    }
    Measured { estimate, se: variance.sqrt() }
}
