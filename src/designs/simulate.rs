//! An estimate as a data-generating process: outcomes drawn from it, the model estimated again on each, and what the
//! estimator makes of a known truth (methods G.3, G.4).
//!
//! Design, treatment, matrices and fixed effects stay as they are; errors alone are drawn anew. Every replication is a
//! function of seed and number, on any number of threads.

use crate::estimators::axis::Axis;
use crate::estimators::shared::{Shared, Spectrum};
use crate::estimators::{
    Counter, EstimateError, Estimated, Interrupt, Measured, Problem, Quiet, effects_at, estimate_with,
};
use crate::linalg::iterate::axpy;
use crate::linalg::panel::spatial_lag;
use crate::linalg::probes::{below, normal};
use rayon::prelude::*;
use std::sync::Arc;

/// Keeps the streams of one seed apart.
const PROCESS: u64 = 0xD2A1_0000_0000_0006;

/// Where errors come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errors {
    /// Independent and normal with variance σ².
    Normal,
    /// The residuals of whole units, drawn with replacement: what a unit has in common over time stays.
    Residuals,
}

/// The parameters that outcomes are drawn with, in the order of the estimate's coefficients, and σ².
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    pub coefficients: Vec<f64>,
    pub sigma2: f64,
}

/// How many outcomes, from which seed, with which errors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Replications {
    pub reps: usize,
    pub seed: u64,
    pub errors: Errors,
}

/// Coefficients, then direct, indirect and total effects of every regressor, then policy effects.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers<T> {
    pub coefficients: Vec<T>,
    pub effects: Vec<[T; 3]>,
    pub policy: Option<[T; 6]>,
}

/// What the truth says and what every replication found, in their order; `None` where there is no estimate.
#[derive(Clone, Debug)]
pub struct Simulated {
    pub truth: Numbers<f64>,
    pub found: Vec<Option<Numbers<Measured>>>,
}

/// Draws outcomes and estimates the model on each.
///
/// # Errors
/// `Interrupted`; those of a filter at the true ρ or λ.
pub fn simulate(
    problem: &Problem,
    estimated: &Estimated,
    truth: &Truth,
    replications: Replications,
    shared: &Shared,
    interrupt: &dyn Interrupt,
) -> Result<Simulated, EstimateError> {
    let (effects, policy) = effects_at(problem, &truth.coefficients, shared, interrupt)?;
    let process = Process::new(problem, estimated, truth, replications, shared, interrupt)?;
    interrupt.begin("simulation");
    let counter = Counter::new(replications.reps, interrupt);
    let one = |r: u64| -> Result<Option<Numbers<Measured>>, EstimateError> {
        let again = Problem { outcome: process.outcome(r)?, ..problem.clone() };
        let found = match estimate_with(&again, shared, None, &Quiet(interrupt)) {
            Ok(found) => measured(&found),
            Err(EstimateError::Interrupted) => return Err(EstimateError::Interrupted),
            Err(_) => None,
        };
        counter.next()?;
        Ok(found)
    };
    let found = (0..replications.reps as u64).into_par_iter().map(one).collect::<Result<_, _>>()?;
    Ok(Simulated { truth: Numbers { coefficients: truth.coefficients.clone(), effects, policy }, found })
}

/// The numbers of an estimate; `None` where its errors do not exist.
fn measured(e: &Estimated) -> Option<Numbers<Measured>> {
    let coefficients: Vec<Measured> =
        e.coefficients.iter().enumerate().map(|(i, b)| Measured { estimate: *b, se: e.vcov[i][i].sqrt() }).collect();
    let sound = coefficients.iter().all(|m| m.estimate.is_finite() && m.se > 0.0);
    let effects = e.effects.iter().map(|e| [e.direct, e.indirect, e.total]).collect();
    let policy = e.policy.as_ref().map(|p| {
        [
            p.direct_on_treated,
            p.indirect_on_treated,
            p.total_on_treated,
            p.indirect_on_untreated,
            p.indirect_on_exposed,
            p.aggregate,
        ]
    });
    sound.then_some(Numbers { coefficients, effects, policy })
}

/// A spatial parameter with its matrix, where there is one.
type Carried = Option<(Arc<Spectrum>, f64)>;

/// Where outcomes come from: `y = S⁻¹(Zβ + effects + R⁻¹ε)`.
struct Process<'a> {
    problem: &'a Problem,
    replications: Replications,
    /// `Zβ + effects` at the truth.
    mean: Vec<f64>,
    sigma: f64,
    /// Residuals with the variance of the truth; empty where errors are normal.
    residuals: Vec<f64>,
    lag: Carried,
    error: Carried,
    dense_units: usize,
    interrupt: &'a dyn Interrupt,
}

impl<'a> Process<'a> {
    fn new(
        problem: &'a Problem,
        estimated: &Estimated,
        truth: &Truth,
        replications: Replications,
        shared: &Shared,
        interrupt: &'a dyn Interrupt,
    ) -> Result<Process<'a>, EstimateError> {
        let (n, t) = (problem.units, problem.periods);
        let model = problem.model;
        let design = design(problem);
        let size = estimated.coefficients.len();
        let mut mean = estimated.fitted.clone();
        let lag = problem.lag_weights.as_ref().filter(|_| model.has_lag());
        if let Some(w) = lag {
            axpy(-estimated.coefficients[design.len()], &spatial_lag(&w.matrix, &problem.outcome, n, t), &mut mean);
        }
        for (k, column) in design.iter().enumerate() {
            axpy(truth.coefficients[k] - estimated.coefficients[k], column, &mut mean);
        }
        let error = problem.error_weights.as_ref().filter(|_| model.has_error());
        let carried = |w: Option<&Arc<crate::weights::Weights>>, at: usize| -> Result<Carried, EstimateError> {
            w.map(|w| Ok((shared.spectrum(w, interrupt)?, truth.coefficients[at]))).transpose()
        };
        let residuals = match replications.errors {
            Errors::Normal => Vec::new(),
            Errors::Residuals => scaled(&estimated.residuals, truth.sigma2),
        };
        Ok(Process {
            problem,
            replications,
            mean,
            sigma: truth.sigma2.sqrt(),
            residuals,
            lag: carried(lag, design.len())?,
            error: carried(error, size - 1)?,
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
        let (n, seed) = (self.problem.units, self.replications.seed ^ PROCESS);
        match self.replications.errors {
            Errors::Normal => (0..self.mean.len() as u64).map(|c| self.sigma * normal(seed, replication, c)).collect(),
            Errors::Residuals => {
                let drawn: Vec<usize> = (0..n as u64).map(|i| below(seed, replication, i, n)).collect();
                self.residuals.chunks_exact(n).flat_map(|e| drawn.iter().map(|&i| e[i])).collect()
            }
        }
    }

    fn solve(&self, by: &Carried, x: &mut [f64]) -> Result<(), EstimateError> {
        let Some((spectrum, at)) = by else { return Ok(()) };
        let axis = Axis::new(spectrum, self.interrupt, self.dense_units);
        Ok(axis.filter.solve(*at, x)?)
    }
}

/// Residuals scaled to a variance: estimated effects and slopes took part of it away.
fn scaled(residuals: &[f64], sigma2: f64) -> Vec<f64> {
    let mean_square = residuals.iter().map(|e| e * e).sum::<f64>() / residuals.len() as f64;
    let scale = (sigma2 / mean_square).sqrt();
    residuals.iter().map(|e| scale * e).collect()
}

/// Columns of the design on raw data: intercept, regressors, their lags matrix by matrix.
fn design(problem: &Problem) -> Vec<Vec<f64>> {
    let (n, t) = (problem.units, problem.periods);
    let mut out = Vec::new();
    if problem.has_intercept() {
        out.push(vec![1.0; n * t]);
    }
    out.extend(problem.regressors.iter().map(|r| r.values.clone()));
    if problem.model.has_durbin() {
        for w in &problem.durbin_weights {
            let lagged = problem.regressors.iter().filter(|r| r.lagged);
            out.extend(lagged.map(|r| spatial_lag(&w.matrix, &r.values, n, t)));
        }
    }
    out
}

/// What replications say of one number whose truth is known (methods G.4).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    pub truth: f64,
    pub mean: f64,
    pub sd: f64,
    pub rmse: f64,
    /// The mean standard error over the spread of the estimates.
    pub error_ratio: f64,
    /// How often the interval holds the truth.
    pub coverage: f64,
    /// How often zero is rejected.
    pub power: f64,
    pub replications: usize,
}

/// The quality of estimates with standard errors; `quantile` of the reference distribution gives intervals and tests.
pub fn quality(truth: f64, found: impl Iterator<Item = Measured>, quantile: f64) -> Quality {
    let found: Vec<Measured> = found.filter(|m| m.estimate.is_finite() && m.se > 0.0).collect();
    let count = found.len() as f64;
    let mean_of = |f: &dyn Fn(&Measured) -> f64| found.iter().map(f).sum::<f64>() / count;
    let share = |f: &dyn Fn(&Measured) -> bool| mean_of(&|m| f64::from(u8::from(f(m))));
    let mean = mean_of(&|m| m.estimate);
    let square = found.iter().map(|m| (m.estimate - mean).powi(2)).sum::<f64>();
    let sd = (square / (count - 1.0)).sqrt();
    Quality {
        truth,
        mean,
        sd,
        rmse: mean_of(&|m| (m.estimate - truth).powi(2)).sqrt(),
        error_ratio: mean_of(&|m| m.se) / sd,
        coverage: share(&|m| (m.estimate - truth).abs() <= quantile * m.se),
        power: share(&|m| m.estimate.abs() > quantile * m.se),
        replications: found.len(),
    }
}

impl Quality {
    /// The Monte Carlo error of the mean, and so of the bias.
    pub fn error_of_mean(&self) -> f64 {
        self.sd / (self.replications as f64).sqrt()
    }

    /// The Monte Carlo error of a rate.
    pub fn error_of(&self, rate: f64) -> f64 {
        (rate * (1.0 - rate) / self.replications as f64).sqrt()
    }

    /// That of the root mean squared error, for estimates that are about normal.
    pub fn error_of_rmse(&self) -> f64 {
        self.rmse / (2.0 * self.replications as f64).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quality_is_counted_by_hand() {
        let m = |estimate: f64, se: f64| Measured { estimate, se };
        let found = [m(1.0, 0.4), m(2.0, 0.6), m(3.0, 0.5), m(f64::NAN, 1.0)];
        let q = quality(1.5, found.into_iter(), 2.0);
        assert_eq!((q.replications, q.mean, q.sd), (3, 2.0, 1.0));
        assert!((q.rmse - ((0.25 + 0.25 + 2.25) / 3.0f64).sqrt()).abs() < 1e-15);
        assert!((q.error_ratio - 0.5).abs() < 1e-15);
        assert_eq!((q.coverage, q.power), (2.0 / 3.0, 1.0));
        assert!((q.error_of_mean() - 1.0 / 3f64.sqrt()).abs() < 1e-15);
    }
}
