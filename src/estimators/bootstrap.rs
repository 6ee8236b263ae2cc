//! The residual bootstrap of likelihood models (methods C.6 item 4): residuals resampled by period or by unit, sent through
//! the reduced form, and the model estimated again, corrections and all.

use super::axis::Axis;
use super::draws::{Counter, columns};
use super::fit::point_estimate;
use super::renumber::Renumbered;
use super::sample::{Sample, lag};
use super::shared::{Shared, Spectrum};
use super::simulate::with_effects;
use super::spread::{Resampled, Spread};
use super::wild::WildWeights;
use super::{EstimateError, Estimated, FixedEffects, Interrupt, Problem};
use crate::linalg::LinalgError;
use crate::linalg::iterate::axpy;
use crate::linalg::order::permute_panel;
use crate::linalg::probes::below;
use crate::weights::Weights;
use nalgebra::DVector;
use rayon::prelude::*;
use std::sync::Arc;

/// Keeps the streams of one seed apart.
pub(crate) const BOOTSTRAP: u64 = 0xD2A1_0000_0000_0003;

/// What is resampled together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Whole periods are drawn with replacement and multiplied by one weight each: what units of a period have in common
    /// stays. Weights alone would leave `ê_t'Gê_t`, half of the score of ρ, as it is: its variance would be lost.
    WildPeriod,
    /// Whole units are drawn with replacement: what a unit has in common over time stays.
    BlockUnit,
}

impl Scheme {
    /// Its word in the language.
    pub fn word(self) -> &'static str {
        match self {
            Scheme::WildPeriod => "wild_period",
            Scheme::BlockUnit => "block_unit",
        }
    }
}

/// The settings of a residual bootstrap.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bootstrap {
    pub scheme: Scheme,
    pub reps: usize,
    pub seed: u64,
    pub level: f64,
}

/// Standard deviations, percentiles and covariance of the estimates of all replications. Replications without an estimate
/// (at the end of an interval, not converged) are discarded and counted.
///
/// # Errors
/// `Interrupted`, `VarianceNotDefined` of a model without a likelihood or with lags of its outcome; what is wrong with more
/// than one replication, as memory that is not there.
pub fn bootstrap(
    problem: &Problem,
    estimated: &Estimated,
    settings: Bootstrap,
    shared: &Shared,
    interrupt: &dyn Interrupt,
) -> Result<Resampled, EstimateError> {
    if !(problem.model.has_lag() || problem.model.has_error()) || !problem.time_lags.is_empty() {
        return Err(EstimateError::VarianceNotDefined);
    }
    let renumbered = Renumbered::of(problem, shared)?;
    let order = renumbered.as_ref().map(|r| r.order().to_vec());
    let problem = renumbered.as_ref().map_or(problem, |r| &r.problem);
    let sample = Sample::new(problem)?;
    let source = Source::new(problem, &sample, estimated, order.as_deref(), settings, shared, interrupt)?;
    interrupt.begin("bootstrap");
    let counter = Counter::new(settings.reps, interrupt);
    let replicate = |r: u64| -> Result<Option<DVector<f64>>, EstimateError> {
        let outcome = source.outcome(r)?;
        let again = Problem { outcome, ..problem.clone() };
        let found = match point_estimate(&again, shared, &Quiet(interrupt)) {
            Ok(found) => found,
            Err(error) if has_no_estimate(&error) => None,
            Err(error) => return Err(error),
        };
        counter.next()?;
        Ok(found.map(DVector::from_vec))
    };
    let all: Vec<Option<DVector<f64>>> =
        (0..settings.reps as u64).into_par_iter().map(replicate).collect::<Result<_, _>>()?;
    let draws: Vec<DVector<f64>> = all.into_iter().flatten().filter(|d| d.iter().all(|v| v.is_finite())).collect();
    let found = with_effects(problem, &sample, estimated, settings.level, shared, interrupt, |e| e.spread(&draws))?;
    let size = estimated.coefficients.len();
    let rows: Vec<Vec<f64>> = draws.iter().map(|d| d.as_slice().to_vec()).collect();
    let coefficients = if rows.len() < 2 { vec![Spread::NONE; size] } else { columns(&rows, settings.level) };
    Ok(Resampled { discarded: settings.reps - found.used, coefficients, vcov: Some(covariance(&draws, size)), ..found })
}

/// Whether a replicated outcome has no estimate: any other error is one of the run, not of what was drawn.
fn has_no_estimate(error: &EstimateError) -> bool {
    matches!(
        error,
        EstimateError::NotConverged { .. }
            | EstimateError::PerfectFit
            | EstimateError::NotFinite
            | EstimateError::Linalg(LinalgError::NoConvergence)
    )
}

/// Divisor n − 1; NaN of fewer than two draws.
fn covariance(draws: &[DVector<f64>], size: usize) -> Vec<Vec<f64>> {
    if draws.len() < 2 {
        return vec![vec![f64::NAN; size]; size];
    }
    let count = draws.len() as f64;
    let mean = draws.iter().fold(DVector::zeros(size), |sum, d| sum + d) / count;
    let entry = |i: usize, k: usize| draws.iter().map(|d| (d[i] - mean[i]) * (d[k] - mean[k])).sum::<f64>();
    (0..size).map(|i| (0..size).map(|k| entry(i, k) / (count - 1.0)).collect()).collect()
}

/// Passes the question on and keeps the steps of replications to itself.
pub(crate) struct Quiet<'a>(pub &'a dyn Interrupt);

impl Interrupt for Quiet<'_> {
    fn stop(&self) -> bool {
        self.0.stop()
    }
}

/// A spatial parameter with its matrix, where there is one.
type Carried = Option<(Arc<Spectrum>, f64)>;

/// Where replicated outcomes come from: `y* = S⁻¹(Zβ̂ + effects + R⁻¹ε*)`.
struct Source<'a> {
    problem: &'a Problem,
    settings: Bootstrap,
    weights: WildWeights,
    /// `Zβ̂ + effects`.
    mean: Vec<f64>,
    /// Residuals, scaled up for what estimated effects took from their variance.
    residual: Vec<f64>,
    lag: Carried,
    error: Carried,
    dense_units: usize,
    interrupt: &'a dyn Interrupt,
}

impl<'a> Source<'a> {
    fn new(
        problem: &'a Problem,
        sample: &Sample,
        estimated: &Estimated,
        order: Option<&[u32]>,
        settings: Bootstrap,
        shared: &Shared,
        interrupt: &'a dyn Interrupt,
    ) -> Result<Source<'a>, EstimateError> {
        let moved = |x: &[f64]| order.map_or_else(|| x.to_vec(), |o| permute_panel(x, o));
        let size = estimated.coefficients.len();
        let spectrum = |w: &Option<Arc<Weights>>, is_there: bool, at: usize| -> Result<Carried, EstimateError> {
            let w = w.as_ref().filter(|_| is_there);
            w.map(|w| Ok((shared.spectrum(w, interrupt)?, estimated.coefficients[at]))).transpose()
        };
        let model = problem.model;
        let lag_at = spectrum(&problem.lag_weights, model.has_lag(), sample.slopes())?;
        let error_at = spectrum(&problem.error_weights, model.has_error(), size - 1)?;
        let mut mean = moved(&estimated.fitted);
        if let (Some(w), Some((_, rho))) = (&problem.lag_weights, &lag_at) {
            axpy(-rho, &lag(w, &problem.outcome, problem.periods), &mut mean);
        }
        let mut residual = moved(&estimated.residuals);
        let scale = inflation(problem);
        residual.iter_mut().for_each(|v| *v *= scale);
        Ok(Source {
            problem,
            settings,
            weights: WildWeights::or_default(None, problem.periods),
            mean,
            residual,
            lag: lag_at,
            error: error_at,
            dense_units: shared.dense_units(),
            interrupt,
        })
    }

    fn outcome(&self, replication: u64) -> Result<Vec<f64>, EstimateError> {
        let mut out = self.innovations(replication);
        self.solve(&self.error, &mut out)?;
        axpy(1.0, &self.mean, &mut out);
        self.solve(&self.lag, &mut out)?;
        Ok(out)
    }

    fn innovations(&self, replication: u64) -> Vec<f64> {
        let n = self.problem.units;
        let seed = self.settings.seed ^ BOOTSTRAP;
        match self.settings.scheme {
            Scheme::WildPeriod => {
                let periods = self.problem.periods;
                let flipped = |t: usize| {
                    let v = self.weights.draw(seed, replication, t as u64);
                    let drawn = below(seed, replication, (periods + t) as u64, periods);
                    self.residual[drawn * n..(drawn + 1) * n].iter().map(move |e| v * e)
                };
                (0..periods).flat_map(flipped).collect()
            }
            Scheme::BlockUnit => {
                let drawn: Vec<usize> = (0..n as u64).map(|i| below(seed, replication, i, n)).collect();
                self.residual.chunks_exact(n).flat_map(|e| drawn.iter().map(|&i| e[i])).collect()
            }
        }
    }

    fn solve(&self, by: &Carried, x: &mut [f64]) -> Result<(), EstimateError> {
        let Some((spectrum, at)) = by else { return Ok(()) };
        let axis = Axis::new(spectrum, self.interrupt, self.dense_units);
        Ok(axis.filter.solve(*at, x)?)
    }
}

/// `√(NT / what effects leave)`.
fn inflation(problem: &Problem) -> f64 {
    let (n, t) = (problem.units as f64, problem.periods as f64);
    let across = matches!(problem.fixed_effects, FixedEffects::Time | FixedEffects::Both);
    let along = matches!(problem.fixed_effects, FixedEffects::Unit | FixedEffects::Both);
    let left = (if across { n - 1.0 } else { n }) * (if along { t - 1.0 } else { t });
    (n * t / left).sqrt()
}
