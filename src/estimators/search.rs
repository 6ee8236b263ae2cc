//! The global optimum of a likelihood: a look over the whole interval on rough curves, then each promising optimum
//! settled on exact log-determinants in narrowing windows around it (methods C.3, scaling 3).

use super::axis::{Axis, Curve};
use super::optimize::Objective;
use super::profile::Profile;
use super::rows::Row;
use super::{EstimateError, Interrupt};

/// Points of the grid over an interval.
const GRID: usize = 41;
/// Windows tried around one optimum.
const WINDOWS: usize = 16;
/// Half-widths of windows.
const NARROWEST: f64 = 1e-3;
const WIDEST: f64 = 0.1;
/// Expected error of a settled parameter: a tenth of what methods ask for.
const ERROR: f64 = 1e-10;
/// An optimum this far below the best still deserves to be settled, beside the error of the rough curves.
const DOUBT: f64 = 2.0;

/// One local optimum, with the curves on which it was settled.
#[derive(Clone, Debug)]
pub(crate) struct Optimum {
    pub rho: f64,
    pub lambda: f64,
    pub loglik: f64,
    pub curves: [Option<Curve>; 2],
}

/// All optima found, best first, and the evaluations spent.
#[derive(Debug)]
pub(crate) struct Search {
    pub optima: Vec<Optimum>,
    pub iterations: usize,
}

/// A local optimum of the rough likelihood.
#[derive(Clone, Copy)]
struct Candidate {
    x: [f64; 2],
    loglik: f64,
}

/// The search of one model.
pub(crate) struct Searcher<'a> {
    pub row: Row,
    pub profile: &'a Profile,
    pub axes: [Option<&'a Axis<'a>>; 2],
    pub interrupt: &'a dyn Interrupt,
}

impl<'a> Searcher<'a> {
    /// Searches over the parameters there are.
    pub fn search(&self) -> Result<Search, EstimateError> {
        let looks = self.each(|_, axis| axis.look())?;
        let error: f64 = looks.iter().flatten().map(|c| c.error).sum();
        let rough = self.objective(looks);
        let mut iterations = 0;
        let candidates = match self.axes {
            [Some(_), Some(_)] => self.plane(&rough, &mut iterations)?,
            [Some(axis), None] => self.line(&rough, axis, 0, &mut iterations)?,
            [None, Some(axis)] => self.line(&rough, axis, 1, &mut iterations)?,
            [None, None] => Vec::new(),
        };
        let best = candidates.iter().map(|c| c.loglik).fold(f64::NEG_INFINITY, f64::max);
        let doubt = DOUBT + 4.0 * self.row.periods * error;
        let mut optima: Vec<Optimum> = Vec::new();
        for candidate in candidates.iter().filter(|c| c.loglik >= best - doubt) {
            let found = self.settle(&rough, *candidate, &mut iterations)?;
            let same = |o: &Optimum| (o.rho - found.rho).abs() < 1e-5 && (o.lambda - found.lambda).abs() < 1e-5;
            if !optima.iter().any(same) {
                optima.push(found);
            }
        }
        optima.sort_by(|a, b| b.loglik.total_cmp(&a.loglik));
        Ok(Search { optima, iterations })
    }

    fn objective(&self, curves: [Option<Curve>; 2]) -> Objective<'a> {
        Objective { row: self.row, profile: self.profile, axes: self.axes, curves }
    }

    fn each(
        &self,
        make: impl Fn(usize, &Axis<'a>) -> Result<Curve, EstimateError>,
    ) -> Result<[Option<Curve>; 2], EstimateError> {
        let one = |k: usize| self.axes[k].map(|axis| make(k, axis)).transpose();
        Ok([one(0)?, one(1)?])
    }

    fn pause(&self) -> Result<(), EstimateError> {
        if self.interrupt.stop() { Err(EstimateError::Interrupted) } else { Ok(()) }
    }

    /// The open intervals; a point for a parameter there is not.
    fn bounds(&self) -> [(f64, f64); 2] {
        self.axes.map(|axis| axis.map_or((0.0, 0.0), Axis::open))
    }

    /// One parameter: every maximum between neighbors of a grid where the score turns from rising to falling, and an end
    /// towards which the likelihood rises.
    fn line(
        &self,
        rough: &Objective,
        axis: &Axis,
        which: usize,
        iterations: &mut usize,
    ) -> Result<Vec<Candidate>, EstimateError> {
        let (lo, hi) = axis.open();
        let place = |k: usize| lo + (hi - lo) * k as f64 / (GRID - 1) as f64;
        let grid: Vec<(f64, f64)> =
            (0..GRID).map(|k| rough.along(which, place(k))).collect::<Result<_, EstimateError>>()?;
        *iterations += GRID;
        let (mut places, last) = (Vec::new(), GRID - 1);
        if grid[0].1 <= 0.0 {
            places.push(lo);
        }
        for k in (0..last).filter(|&k| grid[k].1 > 0.0 && grid[k + 1].1 <= 0.0) {
            let (x, steps) = rough.root(which, place(k), place(k + 1))?;
            *iterations += steps;
            places.push(x);
        }
        if grid[last].1 > 0.0 {
            places.push(hi);
        }
        let mut out = Vec::new();
        for x in places {
            let mut point = [0.0; 2];
            point[which] = x;
            let loglik = rough.along(which, x)?.0;
            if loglik.is_finite() {
                out.push(Candidate { x: point, loglik });
            }
        }
        if out.is_empty() { Err(EstimateError::NotFinite) } else { Ok(out) }
    }

    /// Two parameters: Newton from nine starts, every local optimum kept (methods C.3, SAC/GNS).
    fn plane(&self, rough: &Objective, iterations: &mut usize) -> Result<Vec<Candidate>, EstimateError> {
        let bounds = self.bounds();
        let starts = bounds.map(|(lo, hi)| [0.8 * lo, 0.0, 0.8 * hi]);
        let mut out: Vec<Candidate> = Vec::new();
        let mut failure = None;
        for rho in starts[0] {
            for lambda in starts[1] {
                self.pause()?;
                let (x, score, steps) = rough.climb([rho, lambda], bounds)?;
                *iterations += steps;
                if !self.at_boundary(x) && score > 1e-6 * self.row.observations {
                    failure = Some(self.not_converged(*iterations, score));
                    continue;
                }
                let loglik = rough.at(x[0], x[1])?.0;
                let known = |c: &Candidate| (c.x[0] - x[0]).abs() < 1e-5 && (c.x[1] - x[1]).abs() < 1e-5;
                if loglik.is_finite() && !out.iter().any(known) {
                    out.push(Candidate { x, loglik });
                }
            }
        }
        if out.is_empty() { Err(failure.unwrap_or(EstimateError::NotFinite)) } else { Ok(out) }
    }

    fn at_boundary(&self, x: [f64; 2]) -> bool {
        (0..2).any(|k| self.axes[k].is_some_and(|axis| axis.at_boundary(x[k])))
    }

    fn not_converged(&self, iterations: usize, score: f64) -> EstimateError {
        match self.axes.iter().flatten().next() {
            Some(axis) => EstimateError::NotConverged { iterations, score, interval: axis.interval },
            None => EstimateError::NotFinite,
        }
    }

    /// Climbs from a candidate on exact curves in windows that follow the optimum and narrow until the interpolation
    /// moves it by less than [`ERROR`].
    fn settle(
        &self,
        rough: &Objective,
        candidate: Candidate,
        iterations: &mut usize,
    ) -> Result<Optimum, EstimateError> {
        let mut x = candidate.x;
        let open = self.bounds();
        let curvature = rough.hessian(x, open)?;
        let mut half = [0, 1].map(|k| width(curvature[k][k]));
        for _ in 0..WINDOWS {
            self.pause()?;
            let curves = self.each(|k, axis| axis.window(x[k], half[k]))?;
            let local = self.objective(curves);
            let stretch = |k: usize| (open[k].0.max(x[k] - half[k]), open[k].1.min(x[k] + half[k]));
            let bounds = [0, 1].map(|k| if self.axes[k].is_some_and(Axis::exact) { open[k] } else { stretch(k) });
            let (next, score) = self.climb(&local, x, bounds, iterations)?;
            x = next;
            // At the end of a window that is not the interval's the optimum lies beyond.
            let beyond = |k: usize| {
                let close = 1e-3 * half[k];
                x[k] - bounds[k].0 <= close && bounds[k].0 > open[k].0
                    || bounds[k].1 - x[k] <= close && bounds[k].1 < open[k].1
            };
            let outside = [beyond(0), beyond(1)];
            let curvature = local.hessian(x, bounds)?;
            let error = |k: usize| {
                let slope = local.curves[k].as_ref().map_or(0.0, |c| c.log_determinant.tail().1);
                if slope == 0.0 { 0.0 } else { self.row.periods * slope / curvature[k][k].abs() }
            };
            let errors = [error(0), error(1)];
            let fine = |k: usize| !outside[k] && (errors[k] <= ERROR || half[k] <= NARROWEST);
            if fine(0) && fine(1) {
                return self.optimum(local, x, score, *iterations);
            }
            for k in 0..2 {
                half[k] = match (outside[k], errors[k] > ERROR) {
                    (true, _) => (2.0 * half[k]).min(WIDEST),
                    (false, true) => (0.2 * half[k]).max(NARROWEST),
                    (false, false) => half[k],
                };
            }
        }
        Err(self.not_converged(*iterations, f64::NAN))
    }

    /// The optimum within bounds and the score there.
    fn climb(
        &self,
        local: &Objective,
        x: [f64; 2],
        bounds: [(f64, f64); 2],
        iterations: &mut usize,
    ) -> Result<([f64; 2], f64), EstimateError> {
        let which = match self.axes {
            [Some(_), Some(_)] => {
                let (x, score, steps) = local.climb(x, bounds)?;
                *iterations += steps;
                return Ok((x, score));
            }
            [_, Some(_)] => 1,
            _ => 0,
        };
        // Exact curves hold everywhere: only the surroundings of the candidate, lest another mode be found twice.
        let (lo, hi) = bounds[which];
        let exact = self.axes[which].is_some_and(Axis::exact);
        let reach = if exact { (hi - lo) / (GRID - 1) as f64 } else { hi - lo };
        let below = self.turned(local, which, (x[which], lo.max(x[which] - reach)), 1.0)?;
        let above = self.turned(local, which, (x[which], hi.min(x[which] + reach)), -1.0)?;
        let (found, steps) = local.root(which, below, above)?;
        *iterations += steps;
        let mut point = [0.0; 2];
        point[which] = found;
        Ok((point, local.along(which, found)?.1.abs()))
    }

    /// The nearest of ever wider steps from a candidate towards `end` at which the score has a sign, or `end`: a valley
    /// between two modes stays outside.
    fn turned(
        &self,
        local: &Objective,
        which: usize,
        (from, end): (f64, f64),
        sign: f64,
    ) -> Result<f64, EstimateError> {
        let mut share = 1.0 / 256.0;
        while share < 1.0 {
            let x = from + share * (end - from);
            if sign * local.along(which, x)?.1 > 0.0 {
                return Ok(x);
            }
            share *= 4.0;
        }
        Ok(end)
    }

    fn optimum(&self, local: Objective, x: [f64; 2], score: f64, iterations: usize) -> Result<Optimum, EstimateError> {
        let loglik = local.at(x[0], x[1])?.0;
        if !loglik.is_finite() {
            return Err(EstimateError::NotFinite);
        }
        if !self.at_boundary(x) && score > 1e-6 * self.row.observations {
            return Err(self.not_converged(iterations, score));
        }
        Ok(Optimum { rho: x[0], lambda: x[1], loglik, curves: local.curves })
    }
}

/// Four standard errors to either side, within reason.
fn width(curvature: f64) -> f64 {
    if curvature < 0.0 { (4.0 / (-curvature).sqrt()).clamp(2.0 * NARROWEST, WIDEST) } else { WIDEST }
}
