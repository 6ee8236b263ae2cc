//! Effects unit by unit (methods D.1): diagonal, row sums and column sums of `M`, with delta-method errors.

use super::axis::Axis;
use super::renumber::Renumbered;
use super::sample::Sample;
use super::shared::Shared;
use super::{EffectOf, EstimateError, Estimated, Interrupt, Measured, Problem, Remark};
use crate::inference::effects::measured;
use crate::inference::operator::{Diagonals, Operator};
use crate::inference::policy::own_part;
use crate::linalg::order::inverse;
use crate::linalg::panel;
use crate::weights::Weights;
use nalgebra::{DMatrix, DVector};

/// Half-width of the window in which log-determinants are differentiated.
const NEAR: f64 = 0.01;

/// The effects of one regressor on and from one unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnitEffect {
    /// `M_ii`, the row's rest, the row's sum: what a change everywhere does to the unit.
    pub on: EffectOf,
    /// The column's rest: what a change in the unit does to all others together.
    pub from: Measured,
}

/// The effects of every regressor on and from every unit.
#[derive(Clone, Debug, PartialEq)]
pub struct ByUnit {
    /// In the order of [`Problem::regressors`]; within, in the order of units.
    pub regressors: Vec<Vec<UnitEffect>>,
    /// Number of the random probes of diagonals and their largest relative error, where they are not exact.
    pub probes: Option<(usize, f64)>,
}

/// Vectors over units of one part `S⁻¹X_x`, and of their derivatives in ρ.
struct Vectors {
    place: usize,
    own: Diagonals,
    rows: Diagonals,
    columns: Diagonals,
}

/// The effects of every regressor on and from every unit; those of the short run in a dynamic model.
///
/// # Errors
/// `Interrupted`, or a filter that cannot be solved.
pub fn effects_by_unit(
    problem: &Problem,
    estimated: &Estimated,
    shared: &Shared,
    interrupt: &dyn Interrupt,
) -> Result<ByUnit, EstimateError> {
    let renumbered = Renumbered::of(problem, shared)?;
    let problem = renumbered.as_ref().map_or(problem, |r| &r.problem);
    interrupt.begin("effects by unit");
    let sample = Sample::new(problem)?;
    let mut found = with_operator(problem, estimated, shared, interrupt, |operator| {
        let of = |k: usize| of_regressor(&sample, operator, estimated, k);
        let regressors = (0..problem.regressors.len()).map(of).collect::<Result<Vec<_>, _>>()?;
        let remarks = operator.map_or_else(Vec::new, Operator::remarks);
        let probes = remarks.iter().filter_map(|r| match r {
            Remark::Probes { probes, relative_error } => Some((*probes, *relative_error)),
            _ => None,
        });
        Ok(ByUnit { regressors, probes: probes.reduce(|a, b| (a.0.max(b.0), a.1.max(b.1))) })
    })?;
    if let Some(renumbered) = renumbered {
        let back = inverse(renumbered.order());
        for units in &mut found.regressors {
            *units = back.iter().map(|&i| units[i as usize]).collect();
        }
    }
    Ok(found)
}

fn with_operator<T>(
    problem: &Problem,
    estimated: &Estimated,
    shared: &Shared,
    interrupt: &dyn Interrupt,
    then: impl FnOnce(Option<&Operator>) -> Result<T, EstimateError>,
) -> Result<T, EstimateError> {
    let Some(w) = problem.lag_weights.as_ref().filter(|_| problem.model.has_lag()) else { return then(None) };
    let spectrum = shared.spectrum(w, interrupt)?;
    let axis = Axis::new(&spectrum, interrupt, shared.dense_units());
    let dense = axis.filter.units() <= shared.dense_units();
    let rho = rho(problem, estimated);
    let curve = if dense { axis.look()? } else { axis.window(rho, NEAR)? };
    then(Some(&Operator::new(&axis, rho, &curve, dense)?))
}

/// ρ̂, which stands before λ̂ at the end of the coefficients.
pub(crate) fn rho(problem: &Problem, estimated: &Estimated) -> f64 {
    let last = estimated.coefficients.len() - 1 - usize::from(problem.model.has_error());
    if problem.model.has_lag() { estimated.coefficients[last] } else { 0.0 }
}

pub(crate) fn matrix(vcov: &[Vec<f64>]) -> DMatrix<f64> {
    DMatrix::from_fn(vcov.len(), vcov.len(), |i, k| vcov[i][k])
}

fn of_regressor(
    sample: &Sample,
    operator: Option<&Operator>,
    estimated: &Estimated,
    k: usize,
) -> Result<Vec<UnitEffect>, EstimateError> {
    let n = operator.map_or(sample.units, Operator::units);
    let mut parts = vec![vectors(n, operator, None, sample.own(k))?];
    for (b, w) in sample.problem.durbin_weights.iter().enumerate() {
        if let Some(place) = sample.lag_of(b, k) {
            parts.push(vectors(n, operator, Some(w), place)?);
        }
    }
    let vcov = matrix(&estimated.vcov);
    let rho = operator.map(|_| sample.slopes());
    let functional = |of: &dyn Fn(&Vectors) -> (f64, f64)| {
        let mut gradient = DVector::zeros(vcov.nrows());
        let mut value = 0.0;
        for part in &parts {
            let (level, slope) = of(part);
            let coefficient = estimated.coefficients[part.place];
            value += coefficient * level;
            gradient[part.place] = level;
            if let Some(rho) = rho {
                gradient[rho] += coefficient * slope;
            }
        }
        (value, gradient)
    };
    Ok((0..n)
        .map(|i| {
            let at = |d: &Diagonals| (d.level[i], d.slope[i]);
            let (direct, d) = functional(&|p| at(&p.own));
            let (total, t) = functional(&|p| at(&p.rows));
            let (sent, s) = functional(&|p| at(&p.columns));
            let on = EffectOf {
                direct: measured(direct, &d, &vcov),
                indirect: measured(total - direct, &(&t - &d), &vcov),
                total: measured(total, &t, &vcov),
            };
            UnitEffect { on, from: measured(sent - direct, &(s - d), &vcov) }
        })
        .collect())
}

fn vectors(n: usize, operator: Option<&Operator>, x: Option<&Weights>, place: usize) -> Result<Vectors, EstimateError> {
    let own = own_part(n, operator, x)?;
    let ones = vec![1.0; n];
    let source = x.map_or_else(|| ones.clone(), Weights::row_sums);
    let transposed = x.map(|w| w.matrix.transpose_view().to_csr());
    let lagged = |v: Vec<f64>| transposed.as_ref().map_or(v.clone(), |w| panel::spatial_lag(w, &v, n, 1));
    let (rows, columns) = match operator {
        None => {
            let sums = Diagonals { level: source, slope: vec![0.0; n] };
            (sums, Diagonals { level: lagged(ones), slope: vec![0.0; n] })
        }
        Some(o) => {
            let level = o.inverse(&source, false)?;
            let slope = o.image(&level, false)?;
            // l'S⁻¹X and l'GS⁻¹X.
            let left = o.inverse(&ones, true)?;
            let left_slope = o.inverse(&o.image(&ones, true)?, true)?;
            (Diagonals { level, slope }, Diagonals { level: lagged(left), slope: lagged(left_slope) })
        }
    };
    Ok(Vectors { place, own, rows, columns })
}
