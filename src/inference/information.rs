//! Expected and observed information of likelihood models (methods C.6), unnormalised.
//!
//! Parameters in the order (γ, ρ, λ, σ²) with γ on the orthonormal basis of the design; absent ones are left out.

use super::operators::Traces;
use crate::estimators::sample::lag;
use crate::estimators::solution::Solution;
use crate::linalg::cross;
use crate::linalg::iterate::dot;
use nalgebra::{DMatrix, DVector};

/// Where the spatial parameters and σ² are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Places {
    pub slopes: usize,
    pub rho: Option<usize>,
    pub lambda: Option<usize>,
    pub sigma2: usize,
}

impl Places {
    pub fn of(solution: &Solution) -> Self {
        let slopes = solution.gamma.len();
        let rho = solution.outcome_lag.is_some().then_some(slopes);
        let after = slopes + usize::from(rho.is_some());
        let lambda = solution.error.is_some().then_some(after);
        Places { slopes, rho, lambda, sigma2: after + usize::from(lambda.is_some()) }
    }

    pub fn size(&self) -> usize {
        self.sigma2 + 1
    }
}

fn put(matrix: &mut DMatrix<f64>, i: usize, j: usize, value: f64) {
    matrix[(i, j)] = value;
    matrix[(j, i)] = value;
}

/// 𝓘 of methods C.6; `g` is the systematic part of the outcome's lag.
pub(crate) fn expected(solution: &Solution, g: Option<&[f64]>, traces: &Traces) -> DMatrix<f64> {
    let places = Places::of(solution);
    let (m, s2) = (solution.sample.row.periods, solution.sigma2);
    let mut out = DMatrix::zeros(places.size(), places.size());
    slopes_block(solution, &mut out);
    if let (Some(r), Some(g)) = (places.rho, g) {
        for (j, b) in against(solution, g).iter().enumerate() {
            put(&mut out, j, r, b / s2);
        }
        out[(r, r)] = dot(g, g) / s2 + m * (traces.gg + traces.gtg);
        put(&mut out, r, places.sigma2, m * traces.g / s2);
    }
    if let Some(l) = places.lambda {
        out[(l, l)] = m * (traces.hh + traces.hth);
        put(&mut out, l, places.sigma2, m * traces.h / s2);
    }
    if let (Some(r), Some(l)) = (places.rho, places.lambda) {
        put(&mut out, r, l, m * (traces.hg + traces.htg));
    }
    out[(places.sigma2, places.sigma2)] = solution.sample.row.observations / (2.0 * s2 * s2);
    out
}

/// `B'x` for the filtered basis.
fn against(solution: &Solution, x: &[f64]) -> Vec<f64> {
    let columns: Vec<&[f64]> = solution.basis.iter().map(Vec::as_slice).collect();
    cross::against(&columns, x)
}

fn slopes_block(solution: &Solution, out: &mut DMatrix<f64>) {
    let columns: Vec<&[f64]> = solution.basis.iter().map(Vec::as_slice).collect();
    let p = columns.len();
    out.view_mut((0, 0), (p, p)).copy_from(&(cross::gram(&columns) / solution.sigma2));
}

/// The negative Hessian of the log-likelihood with the period effects concentrated out.
///
/// With `r = Q(y) − ρQ(Wy) − Q(Z)β − lξ̂_t` and `ε = R r`, half the Hessian of `ε'ε` has the products of `−RZ, −RWy, −W₂r,
/// −s` and, off `λ`, `ε'W₂Z`, `ε'W₂Wy`, `ε'W₂l`; the block of ξ is taken out by its Schur complement `s's`.
pub(crate) fn observed(solution: &Solution, traces: &Traces) -> DMatrix<f64> {
    let places = Places::of(solution);
    let sample = solution.sample;
    let (m, s2) = (sample.row.periods, solution.sigma2);
    let mut out = DMatrix::zeros(places.size(), places.size());
    slopes_block(solution, &mut out);
    let e = &solution.residual;
    if let (Some(r), Some(wy)) = (places.rho, &solution.outcome_lag) {
        for (j, b) in against(solution, wy).iter().enumerate() {
            put(&mut out, j, r, b / s2);
        }
        out[(r, r)] = dot(wy, wy) / s2 + m * traces.gg;
        put(&mut out, r, places.sigma2, dot(wy, e) / (s2 * s2));
    }
    if let (Some(l), Some(w2)) = (places.lambda, solution.error) {
        let error = ErrorDirection::new(solution, w2);
        let lagged = |x: &[f64]| lag(w2, x, sample.periods);
        let cross = |x: &[f64]| error.product(solution, &solution.filtered(x), &lagged(x));
        for (j, b) in sample.basis.iter().enumerate() {
            put(&mut out, j, l, cross(b) / s2);
        }
        if let (Some(r), Some(wy)) = (places.rho, solution.demeaned_outcome_lag()) {
            put(&mut out, r, l, cross(&wy) / s2);
        }
        out[(l, l)] = error.square() / s2 + m * traces.hh;
        put(&mut out, l, places.sigma2, dot(&error.column, e) / (s2 * s2));
    }
    out[(places.sigma2, places.sigma2)] = sample.row.observations / (2.0 * s2 * s2);
    out
}

/// `W₂r` and its products with the period effects.
struct ErrorDirection {
    column: Vec<f64>,
    /// `s'(W₂r)_t + (W₂l)'ε_t`, empty without period effects.
    period: Vec<f64>,
    norm: f64,
}

impl ErrorDirection {
    fn new(solution: &Solution, w2: &crate::weights::Weights) -> Self {
        let (units, periods) = (solution.sample.units, solution.sample.periods);
        let s = &solution.direction;
        let norm = dot(s, s);
        let mut r = solution.unfiltered_residual();
        if !solution.sample.row.period_effects {
            return ErrorDirection { column: lag(w2, &r, periods), period: Vec::new(), norm };
        }
        let filtered = solution.filtered(&r);
        for (column, f) in r.chunks_exact_mut(units).zip(filtered.chunks_exact(units)) {
            let effect = dot(s, f) / norm;
            column.iter_mut().for_each(|v| *v -= effect);
        }
        let column = lag(w2, &r, periods);
        let sums = lag(w2, &vec![1.0; units], 1);
        let period = column
            .chunks_exact(units)
            .zip(solution.residual.chunks_exact(units))
            .map(|(c, e)| dot(s, c) + dot(&sums, e))
            .collect();
        ErrorDirection { column, period, norm }
    }

    /// Half the mixed derivative of `ε'ε` in λ and the coefficient of a column with filtered and lagged forms.
    fn product(&self, solution: &Solution, filtered: &[f64], lagged: &[f64]) -> f64 {
        let mut value = dot(filtered, &self.column) + dot(lagged, &solution.residual);
        for (t, p) in self.period.iter().enumerate() {
            let units = solution.sample.units;
            value -= dot(&solution.direction, &filtered[t * units..(t + 1) * units]) * p / self.norm;
        }
        value
    }

    fn square(&self) -> f64 {
        dot(&self.column, &self.column) - dot(&self.period, &self.period) / self.norm
    }
}

/// Inverse by Cholesky after scaling the diagonal to one; `None` unless positive definite.
pub(crate) fn invert(matrix: &DMatrix<f64>) -> Option<DMatrix<f64>> {
    let scale: DVector<f64> = matrix.diagonal().map(|d| 1.0 / d.sqrt());
    if !scale.iter().all(|s| s.is_finite()) {
        return None;
    }
    let scaled = DMatrix::from_fn(matrix.nrows(), matrix.ncols(), |i, j| matrix[(i, j)] * scale[i] * scale[j]);
    let inverse = scaled.cholesky()?.inverse();
    Some(DMatrix::from_fn(matrix.nrows(), matrix.ncols(), |i, j| inverse[(i, j)] * scale[i] * scale[j]))
}
