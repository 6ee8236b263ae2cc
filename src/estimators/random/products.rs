//! Cross-products of the data of a random-effects model at (λ, ω), formed once as polynomials (methods C.10).
//!
//! `Σ⁻¹` has a part within units, `E_T ⊗ R'R`, and one between them, `J̄_T ⊗ K` with `K = φ²R'R` where the unit effect is
//! inside of the spatial filter, and `K = R'R(I + ψR'R)⁻¹` where it is outside; `φ² = exp(ω) = 1/(1 + ψ)`.

use super::between::Between;
use crate::estimators::EstimateError;
use crate::estimators::sample::lag;
use crate::linalg::{cross, panel};
use crate::weights::Weights;
use nalgebra::DMatrix;

/// Products of columns `V`: `V'Σ⁻¹V σ²`.
pub(crate) struct Products<'a> {
    /// Coefficients of 1, λ, λ² within units, and between them.
    within: [DMatrix<f64>; 3],
    between: [DMatrix<f64>; 3],
    /// Unit means times √T, for the effect outside of the filter.
    means: Option<(&'a Between, Vec<Vec<f64>>)>,
}

impl<'a> Products<'a> {
    /// Of raw columns, `N·T` each; `outside` where the unit effect is.
    pub fn new(
        columns: &[&[f64]],
        (units, periods): (usize, usize),
        error: Option<&Weights>,
        outside: Option<&'a Between>,
    ) -> Products<'a> {
        let root = (periods as f64).sqrt();
        let means: Vec<Vec<f64>> =
            columns.iter().map(|c| panel::unit_means(c, units, periods).iter().map(|m| m * root).collect()).collect();
        let mut inner: Vec<Vec<f64>> = columns.iter().map(|c| c.to_vec()).collect();
        inner.iter_mut().for_each(|c| panel::demean_unit(c, units, periods));
        let between = polynomial(&means, error, 1);
        Products { within: polynomial(&inner, error, periods), between, means: outside.map(|b| (b, means)) }
    }

    /// At (λ, ω).
    pub fn at(&self, lambda: f64, omega: f64) -> Result<DMatrix<f64>, EstimateError> {
        let of = |[a, b, c]: &[DMatrix<f64>; 3]| a + b * lambda + c * (lambda * lambda);
        let between = match &self.means {
            None => of(&self.between) * omega.exp(),
            Some((between, means)) => between.products(means, lambda, omega)?,
        };
        Ok(of(&self.within) + between)
    }
}

/// `V'R'RV` as coefficients of 1, λ, λ².
fn polynomial(columns: &[Vec<f64>], error: Option<&Weights>, periods: usize) -> [DMatrix<f64>; 3] {
    let mut all: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    let k = all.len();
    let Some(w) = error else {
        let zero = DMatrix::zeros(k, k);
        return [cross::gram(&all), zero.clone(), zero];
    };
    let lagged: Vec<Vec<f64>> = columns.iter().map(|c| lag(w, c, periods)).collect();
    all.extend(lagged.iter().map(Vec::as_slice));
    let gram = cross::gram(&all);
    let block = |i: usize, j: usize| gram.view((i * k, j * k), (k, k)).into_owned();
    let mixed = block(0, 1);
    [block(0, 0), -(&mixed + mixed.transpose()), block(1, 1)]
}
