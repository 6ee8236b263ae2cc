//! Direct, indirect and total effects with delta-method errors (methods D.1, D.2), exact for any scaling of W.

use super::operator::Operator;
use crate::estimators::sample::Sample;
use crate::estimators::{EffectOf, EstimateError, Measured};
use crate::linalg::iterate::dot;
use crate::linalg::panel;
use crate::weights::Weights;
use nalgebra::{DMatrix, DVector};

/// Traces and sums of `A` and `A W_b`, which every effect is a combination of.
struct Sums {
    /// `tr A`, `l'Al`.
    own: [f64; 2],
    /// `tr A W_b`, `l'A W_b l`.
    lags: Vec<[f64; 2]>,
}

impl Sums {
    fn identity(n: usize, durbin: &[&Weights]) -> Sums {
        let lags = durbin.iter().map(|w| [w.matrix.diag().iter().map(|(_, v)| v).sum(), w.matrix.data().iter().sum()]);
        Sums { own: [n as f64, n as f64], lags: lags.collect() }
    }

    /// Of `S⁻¹` and of its derivative `∂S⁻¹/∂ρ = S⁻¹WS⁻¹`: traces from the log-determinant, sums by solves.
    fn of(operator: &Operator, durbin: &[&Weights]) -> Result<[Sums; 2], EstimateError> {
        let n = operator.units();
        let ones = vec![1.0; n];
        // l'S⁻¹ once; S⁻¹ of l and of every W_b l.
        let left = operator.inverse(&ones, true)?;
        let mut columns = ones;
        durbin.iter().for_each(|w| columns.extend(w.row_sums()));
        let right = operator.inverse(&columns, false)?;
        let lagged = panel::spatial_lag(&operator.axis.weights.matrix, &right, n, columns.len() / n);
        let level: Vec<f64> = columns.chunks_exact(n).map(|c| dot(&left, c)).collect();
        let slope: Vec<f64> = lagged.chunks_exact(n).map(|c| dot(&left, c)).collect();
        let own = operator.inverse_traces();
        let mut sums = [0, 1].map(|k| Sums { own: [own[k], [level[0], slope[0]][k]], lags: Vec::new() });
        for (b, w) in durbin.iter().enumerate() {
            let traces = operator.lagged_traces(w)?;
            sums[0].lags.push([traces[0], level[b + 1]]);
            sums[1].lags.push([traces[1], slope[b + 1]]);
        }
        Ok(sums)
    }
}

/// A value and its gradient in the parameters.
pub(crate) type Functional = (f64, DVector<f64>);

/// The effects of every regressor; `coefficients` and `vcov` in the order of the slopes, then ρ.
pub(crate) fn effects(
    sample: &Sample,
    operator: Option<&Operator>,
    coefficients: &DVector<f64>,
    vcov: &DMatrix<f64>,
) -> Result<Vec<EffectOf>, EstimateError> {
    let found = functionals(sample, operator, coefficients)?;
    Ok(found
        .iter()
        .map(|of| {
            let [direct, indirect, total] = of.each_ref().map(|(value, gradient)| measured(*value, gradient, vcov));
            EffectOf { direct, indirect, total }
        })
        .collect())
}

/// The direct, indirect and total effect of every regressor, each with its gradient.
pub(crate) fn functionals(
    sample: &Sample,
    operator: Option<&Operator>,
    coefficients: &DVector<f64>,
) -> Result<Vec<[Functional; 3]>, EstimateError> {
    let n = sample.units;
    let durbin: Vec<&Weights> = sample.problem.durbin_weights.iter().map(|w| &**w).collect();
    let (level, slope) = match operator {
        Some(operator) => {
            let [level, slope] = Sums::of(operator, &durbin)?;
            (level, Some(slope))
        }
        None => (Sums::identity(n, &durbin), None),
    };
    let rho = sample.slopes();
    let count = n as f64;
    let sum = |s: &Sums, lag: Option<usize>, which: usize| match lag {
        None => s.own[which],
        Some(b) => s.lags[b][which],
    };
    let of = |k: usize| {
        let mut parts: Vec<(usize, Option<usize>)> = vec![(sample.own(k), None)];
        parts.extend((0..durbin.len()).filter_map(|b| sample.lag_of(b, k).map(|at| (at, Some(b)))));
        let functional = |which: usize| {
            let mut value = 0.0;
            let mut gradient = DVector::zeros(coefficients.len());
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
        let (direct, total) = (functional(0), functional(1));
        let indirect = (total.0 - direct.0, &total.1 - &direct.1);
        [direct, indirect, total]
    };
    Ok((0..sample.problem.regressors.len()).map(of).collect())
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
