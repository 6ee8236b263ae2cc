//! The spatial error by moments (methods C.9): λ from the three moments of Kelejian and Prucha (1999) on residuals, then
//! one step of generalized least squares.

use super::answer::{answer, residual_at};
use super::axis::{Axis, row_sum};
use super::fit::structural;
use super::profile::Profile;
use super::sample::{Sample, lag};
use super::shared::Shared;
use super::solution::Solution;
use super::*;
use crate::inference::effects::effects;
use crate::inference::events::events;
use crate::inference::policy::policy;
use crate::inference::sandwich;
use crate::linalg::cross;
use crate::linalg::iterate::dot;
use crate::weights::Weights;
use nalgebra::{DMatrix, DVector};

/// Points at which the slope of the moments' sum of squares is looked at for changes of sign.
const GRID: usize = 400;

/// The spatial error model by moments; λ has no standard error.
pub(crate) fn moments(sample: &Sample, shared: &Shared, interrupt: &dyn Interrupt) -> Result<Estimated, EstimateError> {
    let problem = sample.problem;
    let Some(weights) = &problem.error_weights else { return Err(EstimateError::VarianceNotDefined) };
    let spectrum = shared.spectrum(weights, interrupt)?;
    let axis = Axis::new(&spectrum, interrupt, shared.dense_units());
    if dot(&sample.e0, &sample.e0) <= 1e-24 * sample.outcome_square {
        return Err(EstimateError::PerfectFit);
    }
    let lambda = error_parameter(sample, weights, &residual_at(sample, &sample.d0), &axis)?;
    let point = Profile::new(sample, Some(weights))?.at(0.0, lambda)?;
    let sigma2 = point.sse / sample.row.observations;
    let gamma = &sample.d0 + &point.shift;
    let solution = Solution::new(sample, Some(weights), gamma, 0.0, lambda, sigma2);
    // Least squares of the filtered data: its variance on an orthonormal basis, turned back to the slopes.
    let mut basis = solution.basis.to_vec();
    let triangle = cross::orthonormalize(&mut basis)?;
    let which = problem.variance;
    let (variance, small_sample) = match which {
        Variance::Iid => (DMatrix::identity(basis.len(), basis.len()) * sigma2, None),
        which => {
            let found = sandwich::variance_on(sample, &basis, &solution.residual, which)?;
            (found.variance, found.small_sample)
        }
    };
    let back = sample.inverse_triangle() * inverse(&triangle)?;
    let sound =
        sandwich::sound(&back * variance * back.transpose(), &((&back * back.transpose()).diagonal() * sigma2), which);
    let slopes = solution.slopes();
    let mut coefficients: Vec<f64> = slopes.iter().copied().collect();
    coefficients.push(lambda);
    let mut vcov = without_variance(&sound.vcov);
    if axis.at_boundary(lambda) {
        vcov.fill(f64::NAN);
    }
    let theta = DVector::from_vec(coefficients.clone());
    let boundary = axis.at_boundary(lambda).then_some(Remark::Boundary {
        parameter: "lambda",
        value: lambda,
        interval: axis.interval,
    });
    Ok(Estimated {
        effects: effects(sample, None, &theta, &vcov)?,
        policy: policy(sample, None, &theta, &vcov)?,
        events: events(sample, None, &theta, &vcov)?,
        small_sample,
        sigma2,
        parameters: coefficients.len() + 1,
        reference: Reference::Normal,
        lambda_interval: Some(axis.interval),
        remarks: sound.remark.into_iter().chain(boundary).collect(),
        ..answer(sample, &coefficients, vcov, &structural(&solution), solution.residual.clone())?
    })
}

/// λ that comes closest to `E e'e/M = σ²`, `E ē'ē/M = σ² tr(W*'W*)/n*`, `E ē'e/M = σ² tr W*/n*`, the squares of what is
/// missing unweighted, with `e = u − λWu`, `ē = We`. `W* = JWJ` and `n* = N − 1` under period effects, `W` and `N` else.
pub(crate) fn error_parameter(
    sample: &Sample,
    weights: &Weights,
    u: &[f64],
    axis: &Axis,
) -> Result<f64, EstimateError> {
    let period_effects = sample.row.period_effects;
    if period_effects && row_sum(weights).is_none() {
        return Err(EstimateError::UnevenRows);
    }
    let lagged = |x: &[f64]| -> Result<Vec<f64>, EstimateError> {
        let mut out = lag(weights, x, sample.periods);
        sample.remove(&mut out)?;
        Ok(out)
    };
    let first = lagged(u)?;
    let second = lagged(&first)?;
    let m = sample.row.observations;
    let (u0, u1, u2) = (u, first.as_slice(), second.as_slice());
    let polynomials = [
        [dot(u0, u0), -2.0 * dot(u0, u1), dot(u1, u1)],
        [dot(u1, u1), -2.0 * dot(u1, u2), dot(u2, u2)],
        [dot(u1, u0), -(dot(u1, u1) + dot(u2, u0)), dot(u2, u1)],
    ]
    .map(|p| p.map(|c| c / m));
    let shares = variance_shares(weights, period_effects);
    let (lo, hi) = axis.open();
    let missing = |x: f64| missing(&polynomials, &shares, x);
    let place = |k: usize| lo + (hi - lo) * k as f64 / GRID as f64;
    let mut best = [lo, hi].map(|x| (missing(x).0, x));
    best.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut least, mut found) = best[0];
    for k in 0..GRID {
        let (mut a, mut b) = (place(k), place(k + 1));
        if !(missing(a).1 < 0.0 && missing(b).1 >= 0.0) {
            continue;
        }
        // A quartic in λ: bisection of its slope down to neighboring numbers.
        for _ in 0..80 {
            let middle = 0.5 * (a + b);
            if missing(middle).1 < 0.0 { a = middle } else { b = middle }
        }
        let x = 0.5 * (a + b);
        if missing(x).0 < least {
            (least, found) = (missing(x).0, x);
        }
    }
    if least.is_finite() { Ok(found) } else { Err(EstimateError::NotFinite) }
}

/// What each moment is as a multiple of σ².
fn variance_shares(weights: &Weights, period_effects: bool) -> [f64; 3] {
    let n = weights.units() as f64;
    let square: f64 = weights.matrix.data().iter().map(|v| v * v).sum();
    let trace: f64 = weights.matrix.diag().iter().map(|(_, v)| v).sum();
    if !period_effects {
        return [1.0, square / n, trace / n];
    }
    let rows = weights.row_sums();
    let mut columns = vec![0.0; weights.units()];
    weights.matrix.iter().for_each(|(v, (_, k))| columns[k] += v);
    let mean = rows.iter().sum::<f64>() / n;
    let projected = square - (dot(&rows, &rows) + dot(&columns, &columns)) / n + mean * mean;
    [1.0, projected / (n - 1.0), (trace - mean) / (n - 1.0)]
}

/// The sum of squares of what the moments miss at λ with the best σ², and its slope.
fn missing(polynomials: &[[f64; 3]; 3], shares: &[f64; 3], x: f64) -> (f64, f64) {
    let value = polynomials.map(|p| p[0] + x * (p[1] + x * p[2]));
    let slope = polynomials.map(|p| p[1] + 2.0 * x * p[2]);
    let (norm, along) = (dot(shares, shares), dot(&value, shares));
    let square = dot(&value, &value) - along * along / norm;
    (square, 2.0 * (dot(&value, &slope) - along * dot(&slope, shares) / norm))
}

/// A variance matrix with one more parameter that has none.
pub(crate) fn without_variance(vcov: &DMatrix<f64>) -> DMatrix<f64> {
    let k = vcov.nrows();
    DMatrix::from_fn(k + 1, k + 1, |i, j| if i < k && j < k { vcov[(i, j)] } else { f64::NAN })
}

fn inverse(triangle: &DMatrix<f64>) -> Result<DMatrix<f64>, EstimateError> {
    let k = triangle.nrows();
    triangle.solve_upper_triangular(&DMatrix::identity(k, k)).ok_or(EstimateError::NotFinite)
}
