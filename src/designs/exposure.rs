//! Spillovers on treated and on untreated units apart (Chagas, Azzoni and Almeida 2016; methods D.4).
//!
//! `y = ρWy + βD + Σ_b [θ_Tb D∘W_bD + θ_Ub (1−D)∘W_bD] + …`: what the policy did to each cell is
//! `e = S⁻¹(βD + Σ_b θ_Tb D∘W_bD + θ_Ub (1−D)∘W_bD)`.

use crate::estimators::axis::Axis;
use crate::estimators::shared::Shared;
use crate::estimators::{EstimateError, Estimated, Interrupt, Measured, Problem};
use crate::linalg::iterate::axpy;
use crate::linalg::panel::spatial_lag;
use nalgebra::{DMatrix, DVector};

/// What the policy did, as means over unit-periods with delta-method errors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exposed {
    /// Over treated cells: all of it, and what comes by the exposure of the treated.
    pub on_treated: Measured,
    pub by_exposure_on_treated: Measured,
    /// Over untreated cells from the first treated period on, and those of them with a treated neighbor.
    pub on_untreated: Measured,
    pub on_exposed: Measured,
    pub treated_cells: usize,
    pub untreated_cells: usize,
    pub exposed_cells: usize,
}

/// The effects of a model whose first regressors are the treatment and, for each of `matrices`, exposure on treated and
/// on untreated units.
///
/// # Errors
/// A filter that cannot be solved at ρ.
pub fn exposed(
    problem: &Problem,
    estimated: &Estimated,
    matrices: usize,
    shared: &Shared,
    interrupt: &dyn Interrupt,
) -> Result<Exposed, EstimateError> {
    let (n, t) = (problem.units, problem.periods);
    let first = usize::from(problem.has_intercept());
    let columns: Vec<&[f64]> = problem.regressors[..=2 * matrices].iter().map(|r| r.values.as_slice()).collect();
    let size = estimated.coefficients.len();
    let lag = problem.lag_weights.as_ref().filter(|_| problem.model.has_lag());
    let spectrum = lag.map(|w| shared.spectrum(w, interrupt)).transpose()?;
    let axis = spectrum.as_deref().map(|s| Axis::new(s, interrupt, shared.dense_units()));
    let at_rho = size - 1 - usize::from(problem.model.has_error());
    let solved = |x: &[f64]| -> Result<Vec<f64>, EstimateError> {
        let mut x = x.to_vec();
        if let Some(axis) = &axis {
            axis.filter.solve(estimated.coefficients[at_rho], &mut x)?;
        }
        Ok(x)
    };
    let spread: Vec<Vec<f64>> = columns.iter().map(|c| solved(c)).collect::<Result<_, _>>()?;
    let sum = |of: &dyn Fn(usize) -> bool| {
        let mut e = vec![0.0; n * t];
        for (k, x) in spread.iter().enumerate().filter(|(k, _)| of(*k)) {
            axpy(estimated.coefficients[first + k], x, &mut e);
        }
        e
    };
    let (all, by_exposure) = (sum(&|_| true), sum(&|k| k % 2 == 1));
    // ∂e/∂ρ = S⁻¹We
    let moved = |e: &[f64]| -> Result<Option<Vec<f64>>, EstimateError> {
        lag.map(|w| solved(&spatial_lag(&w.matrix, e, n, t))).transpose()
    };
    let (all_moved, exposure_moved) = (moved(&all)?, moved(&by_exposure)?);
    let vcov = DMatrix::from_fn(size, size, |i, k| estimated.vcov[i][k]);
    let mean = |x: &[f64], cells: &[usize]| cells.iter().map(|&r| x[r]).sum::<f64>() / cells.len() as f64;
    let measured = |e: &[f64], moved: &Option<Vec<f64>>, of: &dyn Fn(usize) -> bool, cells: &[usize]| {
        let mut gradient = DVector::zeros(size);
        for (k, x) in spread.iter().enumerate().filter(|(k, _)| of(*k)) {
            gradient[first + k] = mean(x, cells);
        }
        if let Some(moved) = moved {
            gradient[at_rho] = mean(moved, cells);
        }
        Measured { estimate: mean(e, cells), se: (&vcov * &gradient).dot(&gradient).sqrt() }
    };
    let d = columns[0];
    let start = d.iter().position(|v| *v > 0.5).map_or(d.len(), |r| r / n * n);
    let treated: Vec<usize> = (0..d.len()).filter(|&r| d[r] > 0.5).collect();
    let untreated: Vec<usize> = (start..d.len()).filter(|&r| d[r] <= 0.5).collect();
    let near = |r: &usize| (0..matrices).any(|b| columns[2 * b + 2][*r] > 0.0);
    let exposed: Vec<usize> = untreated.iter().copied().filter(near).collect();
    let every = |_: usize| true;
    Ok(Exposed {
        on_treated: measured(&all, &all_moved, &every, &treated),
        by_exposure_on_treated: measured(&by_exposure, &exposure_moved, &|k| k % 2 == 1, &treated),
        on_untreated: measured(&all, &all_moved, &every, &untreated),
        on_exposed: measured(&all, &all_moved, &every, &exposed),
        treated_cells: treated.len(),
        untreated_cells: untreated.len(),
        exposed_cells: exposed.len(),
    })
}
