//! The optimum of the concentrated log-likelihood over ρ, λ, or both (methods C.3).

use super::kernels::SpatialFilter;
use super::profile::Profile;
use super::rows::Row;
use super::{EstimateError, Interrupt, Interval};
use std::f64::consts::PI;

/// Points of the first grid over an interval.
const GRID: usize = 41;
/// Newton or bisection steps at most.
const STEPS: usize = 200;

/// A spatial parameter: its operator and where it may lie.
pub(crate) struct Axis<'a> {
    pub filter: &'a SpatialFilter,
    pub interval: Interval,
    /// Common row sum of its matrix, where rows have one.
    pub row_sum: Option<f64>,
}

impl Axis<'_> {
    /// The interval without its ends (methods B.6).
    fn open(&self) -> (f64, f64) {
        let margin = 1e-6 * (self.interval.hi - self.interval.lo);
        (self.interval.lo + margin, self.interval.hi - margin)
    }

    /// `m ln|I − ρW| − c ln(1 − κρ)` and its derivative.
    fn term(&self, row: &Row, x: f64) -> Result<(f64, f64), EstimateError> {
        let [value, slope, _] = self.filter.log_determinant(x)?;
        let (mut value, mut slope) = (row.periods * value, row.periods * slope);
        if row.constant > 0.0 {
            let k = self.row_sum.unwrap_or(1.0);
            value -= row.constant * (1.0 - k * x).ln();
            slope += row.constant * k / (1.0 - k * x);
        }
        Ok((value, slope))
    }

    /// Within a thousandth of the interval's width from its ends.
    pub fn at_boundary(&self, x: f64) -> bool {
        let width = self.interval.hi - self.interval.lo;
        (x - self.interval.lo).min(self.interval.hi - x) < 1e-3 * width
    }
}

/// One local optimum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Optimum {
    pub rho: f64,
    pub lambda: f64,
    pub loglik: f64,
}

/// The concentrated likelihood of one model.
pub(crate) struct Objective<'a> {
    pub row: Row,
    pub profile: &'a Profile,
    pub rho: Option<Axis<'a>>,
    pub lambda: Option<Axis<'a>>,
    pub interrupt: &'a dyn Interrupt,
}

/// All optima found, best first, and the evaluations spent.
pub(crate) struct Search {
    pub optima: Vec<Optimum>,
    pub iterations: usize,
}

impl Objective<'_> {
    /// The log-likelihood with every constant (methods C.3, C.4) and its gradient in (ρ, λ).
    pub fn at(&self, rho: f64, lambda: f64) -> Result<(f64, [f64; 2]), EstimateError> {
        let point = self.profile.at(rho, lambda)?;
        let m = self.row.observations;
        let mut value = -0.5 * m * ((2.0 * PI).ln() + 1.0 + (point.sse / m).ln());
        let mut gradient = [-0.5 * m * point.d_rho / point.sse, -0.5 * m * point.d_lambda / point.sse];
        if let Some(axis) = &self.rho {
            let (term, slope) = axis.term(&self.row, rho)?;
            value += term;
            gradient[0] += slope;
        }
        if let Some(axis) = &self.lambda {
            let (term, slope) = axis.term(&self.row, lambda)?;
            value += term;
            gradient[1] += slope;
        }
        Ok((value, gradient))
    }

    /// Searches over the parameters there are.
    pub fn search(&self) -> Result<Search, EstimateError> {
        match (&self.rho, &self.lambda) {
            (Some(axis), None) => self.line(axis, 0),
            (None, Some(axis)) => self.line(axis, 1),
            (Some(rho), Some(lambda)) => self.plane(rho, lambda),
            (None, None) => {
                let loglik = self.at(0.0, 0.0)?.0;
                Ok(Search { optima: vec![Optimum { rho: 0.0, lambda: 0.0, loglik }], iterations: 0 })
            }
        }
    }

    fn along(&self, which: usize, x: f64) -> Result<(f64, f64), EstimateError> {
        let (value, gradient) = if which == 0 { self.at(x, 0.0)? } else { self.at(0.0, x)? };
        Ok((value, gradient[which]))
    }

    /// One parameter: the best of a grid, then the root of the score between its neighbors.
    fn line(&self, axis: &Axis, which: usize) -> Result<Search, EstimateError> {
        let (lo, hi) = axis.open();
        let place = |k: usize| lo + (hi - lo) * k as f64 / (GRID - 1) as f64;
        let mut best = (0, f64::NEG_INFINITY);
        for k in 0..GRID {
            let value = self.along(which, place(k))?.0;
            if value > best.1 {
                best = (k, value);
            }
        }
        self.pause()?;
        let (x, steps) = self.root(which, place(best.0.saturating_sub(1)), place((best.0 + 1).min(GRID - 1)))?;
        let (loglik, score) = self.along(which, x)?;
        let iterations = GRID + steps;
        if !loglik.is_finite() {
            return Err(EstimateError::NotFinite);
        }
        if !axis.at_boundary(x) && score.abs() > 1e-6 * self.row.observations {
            return Err(EstimateError::NotConverged { iterations, score, interval: axis.interval });
        }
        let (rho, lambda) = if which == 0 { (x, 0.0) } else { (0.0, x) };
        Ok(Search { optima: vec![Optimum { rho, lambda, loglik }], iterations })
    }

    /// Where the score changes sign between `a` and `b`: secant steps kept inside a shrinking bracket.
    fn root(&self, which: usize, mut a: f64, mut b: f64) -> Result<(f64, usize), EstimateError> {
        let (mut fa, mut fb) = (self.along(which, a)?.1, self.along(which, b)?.1);
        if fa <= 0.0 {
            return Ok((a, 0));
        }
        if fb >= 0.0 {
            return Ok((b, 0));
        }
        for step in 1..=STEPS {
            let secant = a + (b - a) * fa / (fa - fb);
            // Every third step bisects, so that the bracket shrinks whatever the curvature.
            let x = if step % 3 == 0 { 0.5 * (a + b) } else { secant };
            let f = self.along(which, x)?.1;
            if f == 0.0 || (b - a) < 1e-14 * (1.0 + x.abs()) {
                return Ok((x, step));
            }
            // A step of the size of rounding on both sides of the root ends the search.
            let nudge = f * (b - a) / (fa - fb);
            if f > 0.0 {
                (a, fa) = (x, f);
            } else {
                (b, fb) = (x, f);
            }
            if nudge.abs() < 1e-15 * (1.0 + x.abs()) {
                return Ok((x, step));
            }
        }
        Ok((0.5 * (a + b), STEPS))
    }

    /// Two parameters: Newton from nine starts, every local optimum kept (methods C.3, SAC/GNS).
    fn plane(&self, first: &Axis, second: &Axis) -> Result<Search, EstimateError> {
        let bounds = [first.open(), second.open()];
        let starts = |axis: &Axis| [0.8 * axis.interval.lo, 0.0, 0.8 * axis.interval.hi];
        let mut optima: Vec<Optimum> = Vec::new();
        let mut iterations = 0;
        let mut failure = None;
        for rho in starts(first) {
            for lambda in starts(second) {
                self.pause()?;
                let (x, score, steps) = self.climb([rho, lambda], bounds)?;
                iterations += steps;
                let settled = first.at_boundary(x[0]) || second.at_boundary(x[1]);
                if !settled && score > 1e-6 * self.row.observations {
                    failure = Some(EstimateError::NotConverged { iterations, score, interval: first.interval });
                    continue;
                }
                let found = Optimum { rho: x[0], lambda: x[1], loglik: self.at(x[0], x[1])?.0 };
                let known =
                    optima.iter().any(|o| (o.rho - found.rho).abs() < 1e-5 && (o.lambda - found.lambda).abs() < 1e-5);
                if !known && found.loglik.is_finite() {
                    optima.push(found);
                }
            }
        }
        optima.sort_by(|a, b| b.loglik.total_cmp(&a.loglik));
        match (optima.is_empty(), failure) {
            (false, _) => Ok(Search { optima, iterations }),
            (true, Some(e)) => Err(e),
            (true, None) => Err(EstimateError::NotFinite),
        }
    }

    /// Newton on the score with its differenced Hessian, gradient steps where that is not concave, halved until it rises.
    fn climb(&self, mut x: [f64; 2], bounds: [(f64, f64); 2]) -> Result<([f64; 2], f64, usize), EstimateError> {
        let (mut value, mut gradient) = self.at(x[0], x[1])?;
        for step in 0..STEPS {
            let free = self.free(x, gradient, bounds);
            let size = (0..2).filter(|&k| free[k]).map(|k| gradient[k].abs()).fold(0.0, f64::max);
            if size == 0.0 {
                return Ok((x, 0.0, step));
            }
            let direction = self.direction(x, gradient, free, bounds)?;
            let mut scale = 1.0;
            let mut moved = false;
            for _ in 0..40 {
                let next = [0, 1].map(|k| (x[k] + scale * direction[k]).clamp(bounds[k].0, bounds[k].1));
                let (v, g) = self.at(next[0], next[1])?;
                let smaller = g[0].hypot(g[1]) < gradient[0].hypot(gradient[1]);
                // Close to the optimum values cannot tell points apart; the score still can.
                if v > value || (v >= value - 1e-12 * value.abs() && smaller) {
                    moved = next != x;
                    (x, value, gradient) = (next, v, g);
                    break;
                }
                scale *= 0.5;
            }
            if !moved {
                return Ok((x, size, step));
            }
        }
        let size = gradient[0].abs().max(gradient[1].abs());
        Ok((x, size, STEPS))
    }

    /// Coordinates that are not held by a bound.
    fn free(&self, x: [f64; 2], gradient: [f64; 2], bounds: [(f64, f64); 2]) -> [bool; 2] {
        [0, 1].map(|k| !(x[k] <= bounds[k].0 && gradient[k] < 0.0 || x[k] >= bounds[k].1 && gradient[k] > 0.0))
    }

    fn direction(
        &self,
        x: [f64; 2],
        gradient: [f64; 2],
        free: [bool; 2],
        bounds: [(f64, f64); 2],
    ) -> Result<[f64; 2], EstimateError> {
        let mut hessian = [[0.0; 2]; 2];
        for k in 0..2 {
            let h = 1e-5 * (bounds[k].1 - bounds[k].0);
            let (mut up, mut down) = (x, x);
            up[k] = (x[k] + h).min(bounds[k].1);
            down[k] = (x[k] - h).max(bounds[k].0);
            let (gu, gd) = (self.at(up[0], up[1])?.1, self.at(down[0], down[1])?.1);
            for (j, entry) in hessian[k].iter_mut().enumerate() {
                *entry = (gu[j] - gd[j]) / (up[k] - down[k]);
            }
        }
        let off = 0.5 * (hessian[0][1] + hessian[1][0]);
        let (a, d) = (hessian[0][0], hessian[1][1]);
        let determinant = a * d - off * off;
        // Never further than a quarter of the interval in one step.
        let limit = |k: usize, s: f64| s.clamp(-0.25 * (bounds[k].1 - bounds[k].0), 0.25 * (bounds[k].1 - bounds[k].0));
        let single = |k: usize, h: f64| {
            let s = if h < 0.0 { -gradient[k] / h } else { gradient[k].signum() * 0.1 * (bounds[k].1 - bounds[k].0) };
            limit(k, s)
        };
        Ok(match free {
            [true, true] if a < 0.0 && determinant > 0.0 => [
                limit(0, -(d * gradient[0] - off * gradient[1]) / determinant),
                limit(1, -(a * gradient[1] - off * gradient[0]) / determinant),
            ],
            [first, second] => [if first { single(0, a) } else { 0.0 }, if second { single(1, d) } else { 0.0 }],
        })
    }

    fn pause(&self) -> Result<(), EstimateError> {
        if self.interrupt.stop() { Err(EstimateError::Interrupted) } else { Ok(()) }
    }
}
