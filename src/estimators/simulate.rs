//! Standard errors and intervals of effects by simulation (methods D.2): parameters drawn from their normal distribution.

use super::axis::Axis;
use super::draws::Effects;
use super::renumber::Renumbered;
use super::sample::Sample;
use super::shared::Shared;
use super::spread::Resampled;
use super::{Approach, EstimateError, Estimated, Interrupt, Problem};
use crate::linalg::probes::normal;
use nalgebra::{DMatrix, DVector};

/// How many draws, from which seed, for intervals of which coverage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draws {
    pub count: usize,
    pub seed: u64,
    pub level: f64,
}

/// Keeps the streams of one seed apart.
pub(crate) const SIMULATION: u64 = 0xD2A1_0000_0000_0001;

/// The spread of every effect over draws of the coefficients around `estimated`.
///
/// Without a variance of the coefficients (an optimum at the end of its interval) nothing is drawn and every spread is
/// NaN.
///
/// # Errors
/// `Interrupted`, or a filter that cannot be solved.
pub fn simulate(
    problem: &Problem,
    estimated: &Estimated,
    draws: Draws,
    shared: &Shared,
    interrupt: &dyn Interrupt,
) -> Result<Resampled, EstimateError> {
    let renumbered = Renumbered::of(problem, shared)?;
    let problem = renumbered.as_ref().map_or(problem, |r| &r.problem);
    let sample = Sample::new(problem)?;
    let size = estimated.coefficients.len();
    let center = DVector::from_vec(estimated.coefficients.clone());
    // λ by moments has no variance, and no part in effects: it stays where it is.
    let fixed = problem.model.has_error()
        && matches!(problem.approach, Approach::Instruments { .. } | Approach::Moments)
        && estimated.vcov.iter().take(size - 1).enumerate().all(|(i, row)| row[i].is_finite());
    let drawn = if fixed { size - 1 } else { size };
    let vcov = DMatrix::from_fn(size, size, |i, k| if i.max(k) < drawn { estimated.vcov[i][k] } else { 0.0 });
    let points: Vec<DVector<f64>> = match root(&vcov) {
        Some(root) => (0..draws.count as u64)
            .map(|r| {
                let z = DVector::from_fn(size, |j, _| normal(draws.seed ^ SIMULATION, r, j as u64));
                &center + &root * z
            })
            .collect(),
        None => Vec::new(),
    };
    with_effects(problem, &sample, estimated, draws.level, shared, interrupt, |effects| effects.spread(&points))
}

/// Hands over the effects of a model on its sample.
pub(crate) fn with_effects<T>(
    problem: &Problem,
    sample: &Sample,
    estimated: &Estimated,
    level: f64,
    shared: &Shared,
    interrupt: &dyn Interrupt,
    then: impl FnOnce(&Effects) -> Result<T, EstimateError>,
) -> Result<T, EstimateError> {
    let lag = problem.lag_weights.as_ref().filter(|_| problem.model.has_lag());
    let spectrum = lag.map(|w| shared.spectrum(w, interrupt)).transpose()?;
    let dense_units = shared.dense_units();
    let axis = spectrum.as_deref().map(|s| Axis::new(s, interrupt, dense_units));
    let stable = estimated.dynamics.as_ref().is_some_and(|d| d.largest_root < 1.0);
    then(&Effects { sample, axis: axis.as_ref(), dense_units, interrupt, stable, level })
}

/// Direct, indirect and total of one regressor.
pub type Triple = [f64; 3];

/// Direct, indirect and total effect of every regressor at given coefficients (in the order of an estimate's), and the
/// policy effects in the order of [`super::PolicyOf`].
///
/// # Errors
/// `Interrupted`, or a filter that cannot be solved at that ρ.
pub fn effects_at(
    problem: &Problem,
    coefficients: &[f64],
    shared: &Shared,
    interrupt: &dyn Interrupt,
) -> Result<(Vec<Triple>, Option<[f64; 6]>), EstimateError> {
    let sample = Sample::new(problem)?;
    let lag = problem.lag_weights.as_ref().filter(|_| problem.model.has_lag());
    let spectrum = lag.map(|w| shared.spectrum(w, interrupt)).transpose()?;
    let dense_units = shared.dense_units();
    let axis = spectrum.as_deref().map(|s| Axis::new(s, interrupt, dense_units));
    let of = Effects { sample: &sample, axis: axis.as_ref(), dense_units, interrupt, stable: true, level: 0.95 };
    of.at(coefficients)
}

/// A matrix `L` with `LL' = V`: Cholesky's, or for a semidefinite `V` by its eigenvectors. `None` where `V` has none.
fn root(vcov: &DMatrix<f64>) -> Option<DMatrix<f64>> {
    if !vcov.iter().all(|v| v.is_finite()) {
        return None;
    }
    if let Some(factor) = vcov.clone().cholesky() {
        return Some(factor.unpack());
    }
    let eigen = ((vcov + vcov.transpose()) * 0.5).symmetric_eigen();
    let scaled = DMatrix::from_diagonal(&eigen.eigenvalues.map(|v| v.max(0.0).sqrt()));
    Some(eigen.eigenvectors * scaled)
}
