//! The effects of every parameter draw of a model: what simulation (methods D.2) and the bootstrap (C.6) have in common.

use super::along::{Along, Part, parts, parts_at};
use super::axis::Axis;
use super::dynamics::Dynamics;
use super::sample::Sample;
use super::spread::{Resampled, Spread};
use super::{EstimateError, Interrupt};
use crate::inference::long_run::{Coefficients, LongRun, Matrix, same};
use crate::inference::policy::PolicyCells;
use nalgebra::DVector;
use rayon::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Draws between two reports of progress.
const STRIDE: usize = 16;

/// Counts what is done and reports it; asks whether to go on.
pub(crate) struct Counter<'a> {
    done: AtomicUsize,
    of: usize,
    interrupt: &'a dyn Interrupt,
}

/// Direct, indirect and total effect of every term, and the policy effects.
type AtPoint = (Vec<[f64; 3]>, Option<[f64; 6]>);

impl<'a> Counter<'a> {
    pub fn new(of: usize, interrupt: &'a dyn Interrupt) -> Counter<'a> {
        Counter { done: AtomicUsize::new(0), of, interrupt }
    }

    /// One more is done.
    ///
    /// # Errors
    /// `Interrupted`.
    pub fn next(&self) -> Result<(), EstimateError> {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(STRIDE) || done == self.of {
            self.interrupt.progress(done, self.of);
        }
        if self.interrupt.stop() { Err(EstimateError::Interrupted) } else { Ok(()) }
    }
}

/// The model whose effects are drawn.
pub(crate) struct Effects<'a> {
    pub sample: &'a Sample<'a>,
    pub axis: Option<&'a Axis<'a>>,
    pub dense_units: usize,
    pub interrupt: &'a dyn Interrupt,
    /// Whether the estimate itself has a long run; if not, neither has any draw.
    pub stable: bool,
    pub level: f64,
}

impl<'a> Effects<'a> {
    /// The spread of all effects over draws of the coefficients. Draws outside the admissible or the stable region are
    /// discarded and counted.
    pub fn spread(&self, draws: &[DVector<f64>]) -> Result<Resampled, EstimateError> {
        let sample = self.sample;
        let dense = sample.units <= self.dense_units;
        let dynamics = Dynamics::of(sample, self.axis, self.interrupt, dense).filter(|_| self.stable);
        let kept = self.kept(draws, dynamics.as_ref())?;
        let cells = PolicyCells::of(sample);
        self.interrupt.begin("effects along the spatial parameter");
        let along = self.axis.map(|axis| self.along(axis, &kept, cells.as_ref())).transpose()?;
        let fixed = if along.is_none() { parts(sample, None, cells.as_ref())? } else { Vec::new() };
        let long = dynamics.as_ref().map(|d| self.long_run(d, &kept)).transpose()?;
        self.interrupt.begin("effects of draws");
        let counter = Counter::new(kept.len(), self.interrupt);
        let of = |draw: &&DVector<f64>| -> Result<Vec<f64>, EstimateError> {
            counter.next()?;
            let (slopes, rho) = (self.slopes(draw), self.rho(draw));
            let found = along.as_ref().map(|a| a.at(rho));
            let short = found.as_ref().unwrap_or(&fixed);
            let mut out = self.effects(slopes, short);
            out.extend(cells.iter().flat_map(|c| self.policy(slopes, short, c.regressor)));
            if let (Some(long), Some(d)) = (&long, &dynamics) {
                out.extend(self.effects(slopes, &long.parts(self, d, slopes, rho)?));
            }
            Ok(out)
        };
        let found: Vec<Vec<f64>> = kept.par_iter().map(of).collect::<Result<_, _>>()?;
        let all = columns(&found, self.level);
        let three = |s: &[Spread]| s.chunks_exact(3).map(|c| [c[0], c[1], c[2]]).collect();
        let (effects, rest) = all.split_at(all.len().min(3 * sample.problem.regressors.len()));
        let (policy, long_run) = rest.split_at(rest.len().min(if cells.is_some() { 6 } else { 0 }));
        Ok(Resampled {
            used: kept.len(),
            discarded: draws.len() - kept.len(),
            coefficients: Vec::new(),
            vcov: None,
            effects: three(effects),
            long_run: three(long_run),
            policy: policy.try_into().ok(),
        })
    }

    /// The effects at one point, and the policy effects.
    pub fn at(&self, coefficients: &[f64]) -> Result<AtPoint, EstimateError> {
        let cells = PolicyCells::of(self.sample);
        let slopes = &coefficients[..self.sample.slopes()];
        let parts = match self.axis {
            Some(axis) => parts_at(self.sample, axis, coefficients[slopes.len()], cells.as_ref(), self.dense_units)?,
            None => parts(self.sample, None, cells.as_ref())?,
        };
        let effects = self.effects(slopes, &parts).chunks_exact(3).map(|c| [c[0], c[1], c[2]]).collect();
        Ok((effects, cells.map(|c| self.policy(slopes, &parts, c.regressor))))
    }

    fn slopes<'d>(&self, draw: &'d DVector<f64>) -> &'d [f64] {
        &draw.as_slice()[..self.sample.slopes()]
    }

    fn rho(&self, draw: &DVector<f64>) -> f64 {
        if self.axis.is_some() { draw[self.sample.slopes()] } else { 0.0 }
    }

    /// The draws inside the interval of ρ, of a dynamic model also with roots below one.
    fn kept<'d>(
        &self,
        draws: &'d [DVector<f64>],
        dynamics: Option<&Dynamics<'a>>,
    ) -> Result<Vec<&'d DVector<f64>>, EstimateError> {
        let is_kept = |draw: &DVector<f64>| -> Result<bool, EstimateError> {
            let rho = self.rho(draw);
            let inside = self.axis.is_none_or(|axis| axis.open().0 < rho && rho < axis.open().1);
            let finite = draw.iter().all(|v| v.is_finite());
            Ok(finite && inside && dynamics.map_or(Ok(0.0), |d| d.largest_root(self.slopes(draw), rho))? < 1.0)
        };
        let kept: Vec<bool> = draws.par_iter().map(is_kept).collect::<Result<_, _>>()?;
        Ok(draws.iter().zip(kept).filter(|(_, k)| *k).map(|(d, _)| d).collect())
    }

    fn along(&self, axis: &Axis, kept: &[&DVector<f64>], cells: Option<&PolicyCells>) -> Result<Along, EstimateError> {
        let range = range(kept.iter().map(|d| self.rho(d)));
        self.through(axis, range, cells)
    }

    fn through(&self, axis: &Axis, range: [f64; 2], cells: Option<&PolicyCells>) -> Result<Along, EstimateError> {
        let at = |rho: f64| parts_at(self.sample, axis, rho, cells, self.dense_units);
        Along::new(range, [axis.interval.lo, axis.interval.hi], &at)
    }

    /// The long-run multiplier of draws: along `κ = (ρ + η)/(1 − τ)` where there is one matrix, draw by draw elsewhere.
    fn long_run(&self, dynamics: &Dynamics<'a>, kept: &[&DVector<f64>]) -> Result<LongRuns, EstimateError> {
        let Some(axis) = self.axis else { return Ok(LongRuns { along: None }) };
        let at: Vec<f64> =
            kept.iter().filter_map(|d| one_matrix(&self.coefficients(dynamics, d), axis)).map(|k| k.1).collect();
        let (lo, hi) = axis.open();
        if at.len() < kept.len() || at.is_empty() || at.iter().any(|k| !(lo < *k && *k < hi)) {
            return Ok(LongRuns { along: None });
        }
        Ok(LongRuns { along: Some(self.through(axis, range(at.into_iter()), None)?) })
    }

    fn coefficients(&self, dynamics: &Dynamics<'a>, draw: &DVector<f64>) -> Coefficients<'a> {
        dynamics.coefficients(self.slopes(draw), self.rho(draw))
    }

    /// Where regressor `k` and its lags stand among slopes and parts.
    fn places(&self, k: usize) -> Vec<(usize, usize)> {
        let lags = 0..self.sample.problem.durbin_weights.len();
        let lags = lags.filter_map(|b| self.sample.lag_of(b, k).map(|at| (at, b + 1)));
        std::iter::once((self.sample.own(k), 0)).chain(lags).collect()
    }

    /// Direct, indirect, total of every regressor.
    fn effects(&self, slopes: &[f64], parts: &[Part]) -> Vec<f64> {
        let of = |k: usize| {
            let sum = |f: usize| self.places(k).iter().map(|(at, x)| slopes[*at] * parts[*x][f]).sum::<f64>();
            let (direct, total) = (sum(0), sum(1));
            [direct, total - direct, total]
        };
        (0..self.sample.problem.regressors.len()).flat_map(of).collect()
    }

    /// The policy effects, in the order of [`super::PolicyOf`].
    fn policy(&self, slopes: &[f64], parts: &[Part], k: usize) -> [f64; 6] {
        let sum = |f: usize| self.places(k).iter().map(|(at, x)| slopes[*at] * parts[*x][f]).sum::<f64>();
        let [own, treated, untreated, exposed, all] = [2, 3, 4, 5, 6].map(sum);
        [own, treated - own, treated, untreated, exposed, all]
    }
}

/// Long-run multipliers of draws.
struct LongRuns {
    along: Option<Along>,
}

impl LongRuns {
    fn parts<'a>(
        &self,
        of: &Effects<'a>,
        dynamics: &Dynamics<'a>,
        slopes: &[f64],
        rho: f64,
    ) -> Result<Vec<Part>, EstimateError> {
        let at = dynamics.coefficients(slopes, rho);
        if let (Some(along), Some(axis)) = (&self.along, of.axis)
            && let Some((scale, k)) = one_matrix(&at, axis)
        {
            return Ok(along.at(k).into_iter().map(|part| part.map(|v| scale * v)).collect());
        }
        let n = of.sample.units;
        let known = of.axis.map(|axis| (axis.weights, &axis.filter));
        let kernel = LongRun::new(n, &at, known, n <= of.dense_units, of.interrupt)?;
        let durbin = of.sample.problem.durbin_weights.iter().map(|w| Some(&**w));
        let inner: Vec<Matrix> = std::iter::once(None).chain(durbin).collect();
        let (sums, _) = kernel.sums(&[], &inner)?;
        let part = |(x, sum): (&Matrix, &f64)| -> Result<Part, EstimateError> {
            let mut part = Part::default();
            part[0] = kernel.trace(*x)? / n as f64;
            part[1] = sum / n as f64;
            Ok(part)
        };
        inner.iter().zip(&sums).map(part).collect()
    }
}

/// `1/(1 − τ)` and κ, where every matrix is that of the axis.
fn one_matrix(at: &Coefficients, axis: &Axis) -> Option<(f64, f64)> {
    let scale = 1.0 / (1.0 - at.own);
    let alike = at.spatial.iter().all(|(_, w)| same(w, axis.weights));
    alike.then(|| (scale, scale * at.spatial.iter().map(|s| s.0).sum::<f64>()))
}

fn range(values: impl Iterator<Item = f64>) -> [f64; 2] {
    let [lo, hi] = values.fold([f64::INFINITY, f64::NEG_INFINITY], |[lo, hi], v| [lo.min(v), hi.max(v)]);
    if lo <= hi { [lo, hi] } else { [0.0; 2] }
}

/// The spread of every column.
pub(crate) fn columns(rows: &[Vec<f64>], level: f64) -> Vec<Spread> {
    let width = rows.first().map_or(0, Vec::len);
    let of = |k: usize| Spread::of(&mut rows.iter().map(|row| row[k]).collect::<Vec<f64>>(), level);
    (0..width).map(of).collect()
}
