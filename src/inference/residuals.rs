//! Tests on least-squares residuals that know what the fit took out of them: Moran's I with its exact moments
//! (methods F.1) and the Lagrange multiplier tests of methods F.2.
//!
//! Nothing is as large as `N·T × N·T`: the residual maker is `𝑀 = Q − BB'` with the orthonormal basis `B` of the design.

use super::autocorrelation::Measured;
use crate::estimators::sample::{Sample, lag, remove_effects};
use crate::estimators::{EstimateError, Problem};
use crate::linalg::iterate::{combine, dot};
use crate::weights::Weights;
use nalgebra::DMatrix;

/// Traces of `W* = J W J`, or of `W` itself.
struct Traces {
    /// `tr W*`
    first: f64,
    /// `tr(W*²)`
    square: f64,
    /// `tr(W*'W*)`
    inner: f64,
}

/// Which effects a trace is taken off: the mean over units of each period, or nothing.
fn traces(w: &Weights, centered: bool) -> Traces {
    let n = w.units() as f64;
    let (mut square, mut inner) = (0.0, 0.0);
    for (&v, (i, k)) in w.matrix.iter() {
        inner += v * v;
        square += v * w.matrix.get(k, i).copied().unwrap_or(0.0);
    }
    if !centered {
        return Traces { first: 0.0, square, inner };
    }
    let rows = w.row_sums();
    let mut columns = vec![0.0; w.units()];
    w.matrix.iter().for_each(|(&v, (_, k))| columns[k] += v);
    let total: f64 = rows.iter().sum();
    let own = total * total / (n * n);
    Traces {
        first: -total / n,
        square: square - 2.0 * dot(&columns, &rows) / n + own,
        inner: inner - (dot(&rows, &rows) + dot(&columns, &columns)) / n + own,
    }
}

/// The trace of what unit effects leave of the periods: `T`, or `T − 1`.
fn left_of_periods(sample: &Sample) -> f64 {
    sample.periods as f64 - f64::from(u8::from(sample.row.unit_effects))
}

/// Moran's I of least-squares residuals with the mean and variance it has where errors are independent and normal, given
/// the regressors and the effects.
///
/// # Errors
/// A design without full rank; `UnbalancedLags` of a panel with gaps.
pub fn residual_moran(problem: &Problem, w: &Weights) -> Result<Measured, EstimateError> {
    let sample = Sample::new(problem)?;
    if sample.cells.is_some() {
        return Err(EstimateError::UnbalancedLags);
    }
    let (n, t) = (sample.units, sample.periods);
    let e = &sample.e0;
    let rows = w.row_sums();
    let s0 = t as f64 * rows.iter().sum::<f64>();
    let factor = (n * t) as f64 / s0;
    let estimate = factor * dot(e, &lag(w, e, t)) / dot(e, e);
    let df = sample.df_residual();
    let of = traces(w, sample.row.period_effects);
    let periods = left_of_periods(&sample);
    let transposed = transposed(w);
    let remove = |mut x: Vec<f64>| -> Result<Vec<f64>, EstimateError> {
        remove_effects(&mut x, n, t, &sample.row, None)?;
        Ok(x)
    };
    let mut forward = Vec::new();
    let mut backward = Vec::new();
    for b in &sample.basis {
        forward.push(remove(lag(w, b, t))?);
        backward.push(remove(lag(&transposed, b, t))?);
    }
    let p = sample.basis.len();
    // B'W̃B
    let small = DMatrix::from_fn(p, p, |i, j| dot(&sample.basis[i], &forward[j]));
    let first = periods * of.first - small.trace();
    let norms = |x: &[Vec<f64>]| x.iter().map(|v| dot(v, v)).sum::<f64>();
    let inner = periods * of.inner - norms(&forward) - norms(&backward) + small.norm_squared();
    let crossed: f64 = forward.iter().zip(&backward).map(|(f, b)| dot(f, b)).sum();
    let square = periods * of.square - 2.0 * crossed + (&small * &small).trace();
    let expected = factor * first / df;
    let second = factor * factor * (inner + square + first * first) / (df * (df + 2.0));
    let variance = second - expected * expected;
    Ok(Measured { estimate, expected, variance, statistic: (estimate - expected) / variance.sqrt(), p: None })
}

/// `W'`, without its scaling.
fn transposed(w: &Weights) -> Weights {
    crate::weights::algebra::transpose(w)
}

/// The Lagrange multiplier statistics of methods F.2, chi-squared with one degree of freedom, `joint` with two. The robust
/// forms are NaN where the regressors leave nothing to tell lag and error apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lagrange {
    pub lag: f64,
    pub error: f64,
    pub robust_lag: f64,
    pub robust_error: f64,
    pub joint: f64,
}

/// How [`lagrange`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Scores less their mean under the null, on the observations that effects leave.
    Centered,
    /// The textbook form: `m = T`, no centering, `W` itself.
    Elhorst,
}

/// Lagrange multiplier tests for a spatial lag and a spatial error by `w` from the residuals of least squares.
///
/// # Errors
/// As [`residual_moran`].
pub fn lagrange(problem: &Problem, w: &Weights, style: Style) -> Result<Lagrange, EstimateError> {
    let sample = Sample::new(problem)?;
    if sample.cells.is_some() {
        return Err(EstimateError::UnbalancedLags);
    }
    let (n, t) = (sample.units, sample.periods);
    let remove = |x: &mut [f64]| remove_effects(x, n, t, &sample.row, None);
    let e = &sample.e0;
    let (counted, periods) = match style {
        Style::Centered => (sample.row.observations, sample.row.periods),
        Style::Elhorst => ((n * t) as f64, t as f64),
    };
    let of = traces(w, sample.row.period_effects && style == Style::Centered);
    let sigma2 = dot(e, e) / counted;
    let mut lagged = lag(w, &sample.outcome, t);
    remove(&mut lagged)?;
    let residual_lag = lag(w, e, t);
    let center = if style == Style::Centered { -periods * of.first } else { 0.0 };
    let lag_score = dot(e, &lagged) / sigma2 + center;
    let error_score = dot(e, &residual_lag) / sigma2 + center;
    // g₀ = Q(WY) − Q(WÊ), off the design.
    let mut g = residual_lag;
    remove(&mut g)?;
    g.iter_mut().zip(&lagged).for_each(|(g, l)| *g = l - *g);
    let size = dot(&g, &g);
    let terms: Vec<(f64, &[f64])> = sample.basis.iter().map(|b| (-dot(b, &g), b.as_slice())).collect();
    combine(&terms, &mut g);
    let mut rest = dot(&g, &g);
    if rest <= 1e-18 * size {
        rest = 0.0;
    }
    let own = periods * (of.square + of.inner);
    let whole = rest / sigma2 + own;
    let apart = if rest > 0.0 { rest / sigma2 } else { f64::NAN };
    let robust_lag = (lag_score - error_score).powi(2) / apart;
    let share = own / whole;
    let error = error_score * error_score / own;
    Ok(Lagrange {
        lag: lag_score * lag_score / whole,
        error,
        robust_lag,
        robust_error: (error_score - share * lag_score).powi(2) / (own * apart / whole),
        joint: robust_lag + error,
    })
}
