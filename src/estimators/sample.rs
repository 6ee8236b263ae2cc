//! The sample of a model: lags on raw data, effects removed afterwards (methods 0, convention 3), and an orthonormal
//! basis of the design in which every later cross-product is well conditioned.

use super::kernels::{axpy, dot};
use super::rows::Row;
use super::{EstimateError, FixedEffects, Problem};
use crate::weights::Weights;
use nalgebra::{DMatrix, DVector};

/// Relative size under which a demeaned column is a combination of others (methods B.7).
const RANK_TOLERANCE: f64 = 1e-9;
/// Relative size under which demeaning has left nothing but rounding.
const VANISHED: f64 = 1e-11;

/// Columns of one problem; each is `N·T` long, unit fastest.
pub(crate) struct Sample<'a> {
    pub units: usize,
    pub periods: usize,
    pub row: Row,
    pub problem: &'a Problem,
    /// Columns of the design on raw data: intercept, regressors, their lags matrix by matrix.
    pub design: Vec<Vec<f64>>,
    pub intercept: bool,
    /// Indices of the regressors that are lagged.
    pub lagged: Vec<usize>,
    /// `W y` on raw data, where the model has a lag.
    pub outcome_lag: Option<Vec<f64>>,
    /// Orthonormal columns B with `Q(Z) = B R`.
    pub basis: Vec<Vec<f64>>,
    /// R, upper triangular.
    pub triangle: DMatrix<f64>,
    /// `e₀ = Q(y)` and `e₁ = Q(Wy)` off the basis (methods C.3).
    pub e0: Vec<f64>,
    pub e1: Option<Vec<f64>>,
    /// `B'Q(y)` and `B'Q(Wy)`.
    pub d0: DVector<f64>,
    pub d1: Option<DVector<f64>>,
    /// `Q(y)'Q(y)`.
    pub outcome_square: f64,
}

impl<'a> Sample<'a> {
    /// Builds lags, removes effects and finds the basis; `RankDeficient` names dependent columns.
    pub fn new(problem: &'a Problem) -> Result<Self, EstimateError> {
        let (units, periods) = (problem.units, problem.periods);
        let row = Row::new(units, periods, problem.fixed_effects, problem.likelihood)?;
        let intercept = problem.fixed_effects == FixedEffects::None;
        let lagged: Vec<usize> = if problem.model.has_durbin() {
            (0..problem.regressors.len()).filter(|&k| problem.regressors[k].lagged).collect()
        } else {
            Vec::new()
        };
        let mut design = Vec::new();
        if intercept {
            design.push(vec![1.0; units * periods]);
        }
        design.extend(problem.regressors.iter().map(|r| r.values.clone()));
        if problem.model.has_durbin() {
            for w in &problem.durbin_weights {
                design.extend(lagged.iter().map(|&k| lag(w, &problem.regressors[k].values, periods)));
            }
        }
        let mut demeaned = Vec::with_capacity(design.len());
        for column in &design {
            let mut q = column.clone();
            remove_effects(&mut q, units, periods, &row);
            demeaned.push(q);
        }
        let (basis, triangle) = orthonormalize(&design, demeaned)?;
        let outcome_lag = match (&problem.lag_weights, problem.model.has_lag()) {
            (Some(w), true) => Some(lag(w, &problem.outcome, periods)),
            _ => None,
        };
        let (e0, d0, outcome_square) = off_basis(&problem.outcome, units, periods, &row, &basis);
        let (e1, d1) = match &outcome_lag {
            Some(wy) => {
                let (e1, d1, _) = off_basis(wy, units, periods, &row, &basis);
                (Some(e1), Some(d1))
            }
            None => (None, None),
        };
        let finite = outcome_square.is_finite()
            && triangle.iter().all(|v| v.is_finite())
            && e1.as_ref().is_none_or(|e| dot(e, e).is_finite());
        if !finite {
            return Err(EstimateError::NotFinite);
        }
        Ok(Sample {
            units,
            periods,
            row,
            problem,
            design,
            intercept,
            lagged,
            outcome_lag,
            basis,
            triangle,
            e0,
            e1,
            d0,
            d1,
            outcome_square,
        })
    }

    /// P, the columns of the design.
    pub fn slopes(&self) -> usize {
        self.design.len()
    }

    /// Coefficients on the design from coefficients on the basis: `β = R⁻¹ γ`.
    pub fn slopes_from(&self, gamma: &DVector<f64>) -> DVector<f64> {
        self.triangle.solve_upper_triangular(gamma).unwrap_or_else(|| DVector::from_element(gamma.len(), f64::NAN))
    }

    /// `R⁻¹`, which turns variances of basis coefficients into those of slopes.
    pub fn inverse_triangle(&self) -> DMatrix<f64> {
        let p = self.slopes();
        self.triangle
            .solve_upper_triangular(&DMatrix::identity(p, p))
            .unwrap_or_else(|| DMatrix::from_element(p, p, f64::NAN))
    }

    /// Position of regressor `k` among the slopes.
    pub fn own(&self, k: usize) -> usize {
        usize::from(self.intercept) + k
    }

    /// Position of the lag of regressor `k` by durbin matrix `b` among the slopes, if it is lagged.
    pub fn lag_of(&self, b: usize, k: usize) -> Option<usize> {
        let place = self.lagged.iter().position(|&j| j == k)?;
        Some(usize::from(self.intercept) + self.problem.regressors.len() + b * self.lagged.len() + place)
    }
}

/// `(I_T ⊗ W) x`.
pub(crate) fn lag(weights: &Weights, x: &[f64], periods: usize) -> Vec<f64> {
    super::kernels::spatial_lag(weights, x, periods)
}

/// Q of methods C.2.
pub(crate) fn remove_effects(x: &mut [f64], units: usize, periods: usize, row: &Row) {
    use super::kernels as panel;
    match (row.unit_effects, row.period_effects) {
        (true, true) => panel::demean_both(x, units, periods),
        (true, false) => panel::demean_units(x, units, periods),
        (false, true) => panel::demean_periods(x, units, periods),
        (false, false) => {}
    }
}

/// Residual of `Q(x)` off an orthonormal basis, its coordinates there, and `Q(x)'Q(x)`.
fn off_basis(x: &[f64], units: usize, periods: usize, row: &Row, basis: &[Vec<f64>]) -> (Vec<f64>, DVector<f64>, f64) {
    let mut q = x.to_vec();
    remove_effects(&mut q, units, periods, row);
    let square = dot(&q, &q);
    let coordinates = project_off(&mut q, basis);
    (q, coordinates, square)
}

/// Takes the basis out of `x` twice (once more than exact arithmetic needs) and returns the coordinates.
pub(crate) fn project_off(x: &mut [f64], basis: &[Vec<f64>]) -> DVector<f64> {
    let mut coordinates = DVector::zeros(basis.len());
    for _ in 0..2 {
        for (j, b) in basis.iter().enumerate() {
            let c = dot(b, x);
            axpy(-c, b, x);
            coordinates[j] += c;
        }
    }
    coordinates
}

/// Gram–Schmidt with a second pass, in the columns' order.
fn orthonormalize(raw: &[Vec<f64>], demeaned: Vec<Vec<f64>>) -> Result<(Vec<Vec<f64>>, DMatrix<f64>), EstimateError> {
    let p = demeaned.len();
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(p);
    let mut triangle = DMatrix::zeros(p, p);
    let mut dependent = Vec::new();
    for (j, mut q) in demeaned.into_iter().enumerate() {
        let before = dot(&q, &q).sqrt();
        let size = dot(&raw[j], &raw[j]).sqrt();
        if !before.is_finite() || !size.is_finite() {
            return Err(EstimateError::NotFinite);
        }
        let coordinates = project_off(&mut q, &basis);
        let left = dot(&q, &q).sqrt();
        if before <= VANISHED * size || left <= RANK_TOLERANCE * before {
            dependent.push(j);
            continue;
        }
        for (i, c) in coordinates.iter().enumerate() {
            triangle[(i, j)] = *c;
        }
        q.iter_mut().for_each(|v| *v /= left);
        triangle[(basis.len(), j)] = left;
        basis.push(q);
    }
    if dependent.is_empty() { Ok((basis, triangle)) } else { Err(EstimateError::RankDeficient { columns: dependent }) }
}
