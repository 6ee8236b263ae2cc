//! What every estimate has: fit, residuals, effects of units and periods (methods I); and least squares, which is no more.

use super::dynamics::Dynamics;
use super::sample::Sample;
use super::*;
use crate::inference::effects::effects;
use crate::inference::events::events;
use crate::inference::policy::policy;
use crate::inference::sandwich;
use crate::linalg::iterate::{combine, dot};
use crate::linalg::panel;
use nalgebra::{DMatrix, DVector};
use std::f64::consts::PI;

/// Ordinary least squares on the sample (methods C.11).
///
/// Beside lags of the outcome estimated unit effects bias it: the correction of methods C.7 with ρ = 0.
pub(crate) fn least_squares(
    sample: &Sample,
    interrupt: &dyn Interrupt,
    dense_units: usize,
) -> Result<Estimated, EstimateError> {
    let dynamics = Dynamics::of(sample, None, interrupt, sample.units <= dense_units);
    let m = sample.row.observations;
    let mut sigma2 = dot(&sample.e0, &sample.e0) / m;
    let mut gamma = sample.d0.clone();
    let mut unbiased = true;
    if let Some(dynamics) = dynamics.as_ref().filter(|_| sample.row.time_bias) {
        let slopes = sample.slopes_from(&gamma);
        unbiased = dynamics.largest_root(slopes.as_slice(), 0.0)? < 1.0;
        if unbiased {
            let (missing, _) = dynamics.missing_score(slopes.as_slice(), 0.0)?;
            gamma += sample.inverse_triangle().transpose() * missing * sigma2;
            sigma2 *= 1.0 + dynamics.missing_units() / m;
        }
    }
    let residual = &residual_at(sample, &gamma);
    let sandwich::Found { variance, reference, small_sample } =
        sandwich::variance(sample, residual, sample.problem.variance)?;
    let back = sample.inverse_triangle();
    let homoskedastic = (&back * back.transpose()).diagonal() * (dot(residual, residual) / sample.df_residual());
    let sound = sandwich::sound(&back * variance * back.transpose(), &homoskedastic, sample.problem.variance);
    let vcov = sound.vcov;
    let slopes = sample.slopes_from(&gamma);
    let coefficients: Vec<f64> = slopes.iter().copied().collect();
    let mut remarks = if sigma2 * m <= 1e-24 * sample.outcome_square {
        vec![Remark::SingularVariance { parameters: Vec::new() }]
    } else {
        sound.remark.into_iter().collect()
    };
    let dynamics = dynamics.map(|d| d.outcome(&slopes, &vcov, unbiased)).transpose()?;
    let (dynamics, of_dynamics) = dynamics.unzip();
    remarks.extend(of_dynamics.into_iter().flatten());
    let square = dot(residual, residual);
    Ok(Estimated {
        effects: effects(sample, None, &slopes, &vcov)?,
        policy: policy(sample, None, &slopes, &vcov)?,
        events: events(sample, None, &slopes, &vcov)?,
        dynamics,
        sigma2,
        loglik: -0.5 * m * (2.0 * PI * sigma2).ln() - square / (2.0 * sigma2),
        parameters: coefficients.len() + 1,
        reference,
        small_sample,
        remarks,
        ..answer(sample, &coefficients, vcov, residual, residual.clone())?
    })
}

/// `Q(y) − Bγ`.
pub(crate) fn residual_at(sample: &Sample, gamma: &DVector<f64>) -> Vec<f64> {
    let mut out = sample.e0.clone();
    let off = &sample.d0 - gamma;
    let terms: Vec<(f64, &[f64])> =
        off.iter().zip(&sample.basis).filter(|(c, _)| **c != 0.0).map(|(c, b)| (*c, b.as_slice())).collect();
    combine(&terms, &mut out);
    out
}

/// Everything but variances of spatial parameters; `u` are the residuals on the outcome's scale.
pub(crate) fn answer(
    sample: &Sample,
    coefficients: &[f64],
    vcov: DMatrix<f64>,
    u: &[f64],
    mut residuals: Vec<f64>,
) -> Result<Estimated, EstimateError> {
    let y = &*sample.outcome;
    let mut fitted: Vec<f64> = y.iter().zip(u).map(|(y, u)| y - u).collect();
    let (unit_effects, time_effects) = fixed_effects(sample, coefficients)?;
    let total = variation(sample, y);
    let mut within = y.to_vec();
    sample.remove(&mut within)?;
    let within_total = variation(sample, &within);
    let square = dot(u, u);
    if let Some(cells) = &sample.cells {
        cells.mark(&mut residuals);
        cells.mark(&mut fitted);
    }
    let size = coefficients.len();
    Ok(Estimated {
        coefficients: coefficients.to_vec(),
        vcov: rows(&vcov),
        triangle: rows(&sample.triangle),
        sigma2: f64::NAN,
        loglik: f64::NAN,
        m_effective: sample.row.observations,
        parameters: 0,
        df_residual: sample.counts.rows as f64 - size as f64 - sample.counts.dummies as f64,
        reference: Reference::Normal,
        small_sample: None,
        r2: 1.0 - square / total,
        r2_within: 1.0 - square / within_total,
        effects: Vec::new(),
        policy: None,
        events: None,
        dynamics: None,
        first_stage: None,
        sigma2_unit: None,
        rho_interval: None,
        lambda_interval: None,
        log_determinant: None,
        iterations: 0,
        converged: true,
        fitted,
        residuals,
        unit_effects,
        time_effects,
        remarks: Vec::new(),
    })
}

fn rows(matrix: &DMatrix<f64>) -> Vec<Vec<f64>> {
    matrix.row_iter().map(|row| row.iter().copied().collect()).collect()
}

/// Sum of squares around the mean of the cells that are there.
fn variation(sample: &Sample, x: &[f64]) -> f64 {
    let mean = panel::sum(x) / sample.counts.rows as f64;
    let square = |r: usize, v: f64| {
        let there = sample.cells.as_ref().is_none_or(|cells| cells.is_present(r));
        if there { (v - mean) * (v - mean) } else { 0.0 }
    };
    x.iter().enumerate().map(|(r, v)| square(r, *v)).sum()
}

/// Unit and period effects of `y − ρWy − Zβ` on raw data; both sum to zero where there are both, what is left of the
/// level is not reported. NaN for a unit or period without cells.
fn fixed_effects(sample: &Sample, coefficients: &[f64]) -> Result<(Vec<f64>, Vec<f64>), EstimateError> {
    let row = &sample.row;
    // Effects of units and periods are not identified beside those that contain them.
    if (!row.unit_effects && !row.period_effects) || sample.absorber.is_some() {
        return Ok((Vec::new(), Vec::new()));
    }
    let (n, t) = (sample.units, sample.periods);
    let mut raw = sample.outcome.to_vec();
    let mut terms: Vec<(f64, &[f64])> =
        sample.design.iter().zip(coefficients).map(|(column, b)| (-b, &**column)).collect();
    if let (Some(wy), Some(rho)) = (&sample.outcome_lag, coefficients.get(sample.slopes())) {
        terms.push((-rho, wy));
    }
    combine(&terms, &mut raw);
    let (mut units, mut periods) = match &sample.cells {
        None => (panel::unit_means(&raw, n, t), panel::period_means(&raw, n)),
        Some(cells) if row.unit_effects && row.period_effects => {
            let found = cells.demean_both(&mut raw)?;
            (found.units, found.periods)
        }
        Some(cells) => (cells.demean_unit(&mut raw.clone()), cells.demean_time(&mut raw)),
    };
    if row.unit_effects && row.period_effects {
        center(&mut units);
        center(&mut periods);
    }
    if !row.unit_effects {
        units.clear();
    }
    if !row.period_effects {
        periods.clear();
    }
    Ok((units, periods))
}

/// Subtracts the mean of the values there are.
fn center(x: &mut [f64]) {
    let there: Vec<f64> = x.iter().copied().filter(|v| v.is_finite()).collect();
    let mean = panel::sum(&there) / there.len() as f64;
    x.iter_mut().for_each(|v| *v -= mean);
}
