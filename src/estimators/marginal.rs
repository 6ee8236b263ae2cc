//! The marginal likelihood of a model with its parameters integrated out, for posterior probabilities of models and of
//! weights (methods F.7; LeSage 2014).
//!
//! Priors: β flat on standardized columns, `p(σ²) ∝ 1/σ²`, ρ uniform on its interval or Beta(a, a) on (−1, 1). The outcome
//! is standardized too, so that no unit of measure moves a probability. With `ν = (M − k)/2`
//! `ln p = lnΓ(ν) − ν ln π − ½ln|Z̃'Z̃| + ln∫ p(ρ) |S(ρ)|^m (1 − ρ)^−c SSE(ρ)^−ν dρ`.

use super::axis::{Axis, Curve};
use super::profile::Profile;
use super::sample::Sample;
use super::shared::Shared;
use super::{EstimateError, Interrupt, Problem};
use statrs::function::beta::ln_beta;
use statrs::function::gamma::ln_gamma;
use std::f64::consts::PI;

/// Intervals of the composite Simpson rule.
const INTERVALS: usize = 2000;
/// `a` of Beta(a, a): nearly uniform, zero at the ends.
const SHAPE: f64 = 1.01;
/// Half the width of the stretch around the mode where the log-determinant is followed closely.
const NEAR: f64 = 0.1;

/// The prior of the spatial parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prior {
    Uniform,
    Beta,
}

/// `ln p(y | model)`.
///
/// # Errors
/// Those of the sample and of the log-determinant; `NotFinite` of a model with two spatial parameters, or without
/// observations left.
pub fn log_marginal(
    problem: &Problem,
    shared: &Shared,
    prior: Prior,
    interrupt: &dyn Interrupt,
) -> Result<f64, EstimateError> {
    let sample = Sample::new(problem)?;
    let (m, k) = (sample.row.observations, sample.slopes() as f64);
    let nu = 0.5 * (m - k);
    let (lag, error) = (problem.model.has_lag(), problem.model.has_error());
    if nu <= 0.0 || sample.outcome_square <= 0.0 || (lag && error) {
        return Err(EstimateError::NotFinite);
    }
    // ½ln|Z'Z| of columns of unit standard deviation: R has their lengths.
    let diagonal: f64 = (0..sample.slopes()).map(|j| sample.triangle[(j, j)].abs().ln()).sum();
    let lengths: f64 = (0..sample.slopes()).map(|j| (sample.triangle.column(j).norm() / m.sqrt()).ln()).sum();
    let design = diagonal - lengths;
    let outcome = sample.outcome_square / m;
    let base = ln_gamma(nu) - nu * PI.ln() - design;
    let weights = if lag { &problem.lag_weights } else { &problem.error_weights };
    let (Some(w), true) = (weights, lag || error) else {
        return Ok(base - nu * (crate::linalg::iterate::dot(&sample.e0, &sample.e0) / outcome).ln());
    };
    let spectrum = shared.spectrum(w, interrupt)?;
    let axis = Axis::new(&spectrum, interrupt, shared.dense_units());
    let profile = Profile::new(&sample, error.then_some(w.as_ref()))?;
    let (mut lo, mut hi) = axis.open();
    if prior == Prior::Beta {
        (lo, hi) = (lo.max(-1.0 + 1e-9), hi.min(1.0 - 1e-9));
    }
    let look = axis.look()?;
    let value = |curve: &Curve, x: f64| -> Result<f64, EstimateError> {
        let (rho, lambda) = if lag { (x, 0.0) } else { (0.0, x) };
        let sse = profile.at(rho, lambda)?.sse / outcome;
        let filtered = if error { 0.5 * profile.log_design(lambda) } else { 0.0 };
        let density = match prior {
            Prior::Uniform => -(axis.interval.hi - axis.interval.lo).ln(),
            Prior::Beta => {
                (SHAPE - 1.0) * ((1.0 + x).ln() + (1.0 - x).ln())
                    - ln_beta(SHAPE, SHAPE)
                    - (2.0 * SHAPE - 1.0) * 2f64.ln()
            }
        };
        Ok(density + axis.term(&sample.row, curve, x).0 - nu * sse.ln() - filtered)
    };
    let step = (hi - lo) / INTERVALS as f64;
    let point = |i: usize| lo + step * i as f64;
    let mut logs = (0..=INTERVALS).map(|i| value(&look, point(i))).collect::<Result<Vec<f64>, _>>()?;
    if !axis.exact() {
        // Almost all of the integral lies around the mode, where exact values are worth their price.
        let mode = (0..=INTERVALS).max_by(|&a, &b| logs[a].total_cmp(&logs[b])).map_or(0.0, point);
        let near = axis.window(mode, NEAR)?;
        for (i, log) in logs.iter_mut().enumerate().filter(|(i, _)| (near.lo..=near.hi).contains(&point(*i))) {
            *log = value(&near, point(i))?;
        }
    }
    Ok(base + simpson(&logs, step))
}

/// `ln ∫ exp f` of values at equal steps, an even number of them.
fn simpson(logs: &[f64], step: f64) -> f64 {
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let last = logs.len() - 1;
    let weight = |i: usize| match i {
        0 => 1.0,
        i if i == last => 1.0,
        i if i % 2 == 1 => 4.0,
        _ => 2.0,
    };
    let sum: f64 = logs.iter().enumerate().map(|(i, l)| weight(i) * (l - most).exp()).sum();
    most + (step / 3.0 * sum).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_integrates_a_bell() {
        let (sd, step) = (0.07, 2.0 / 2000.0);
        let logs: Vec<f64> = (0..=2000).map(|i| -0.5 * ((-1.0 + step * i as f64 - 0.2) / sd).powi(2) + 700.0).collect();
        let expected = 700.0 + (sd * (2.0 * PI).sqrt()).ln();
        assert!((simpson(&logs, step) - expected).abs() < 1e-10);
    }
}
