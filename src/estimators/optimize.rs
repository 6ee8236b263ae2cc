//! Local optima of the concentrated log-likelihood over ρ, λ, or both, with the log-determinants given as curves.

use super::EstimateError;
use super::axis::{Axis, Curve};
use super::profile::Profile;
use super::rows::Row;
use std::f64::consts::PI;

/// Newton or bisection steps at most.
const STEPS: usize = 200;

/// The concentrated likelihood of one model; index 0 is ρ, index 1 is λ.
pub(crate) struct Objective<'a> {
    pub row: Row,
    pub profile: &'a Profile,
    pub axes: [Option<&'a Axis<'a>>; 2],
    /// The log-determinant of each axis there is.
    pub curves: [Option<Curve>; 2],
}

impl Objective<'_> {
    /// The log-likelihood with every constant (methods C.3, C.4) and its gradient in (ρ, λ).
    pub fn at(&self, rho: f64, lambda: f64) -> Result<(f64, [f64; 2]), EstimateError> {
        let point = self.profile.at(rho, lambda)?;
        let m = self.row.observations;
        let mut value = -0.5 * m * ((2.0 * PI).ln() + 1.0 + (point.sse / m).ln());
        let mut gradient = [-0.5 * m * point.d_rho / point.sse, -0.5 * m * point.d_lambda / point.sse];
        for (k, x) in [rho, lambda].into_iter().enumerate() {
            if let (Some(axis), Some(curve)) = (self.axes[k], &self.curves[k]) {
                let (term, slope) = axis.term(&self.row, curve, x);
                value += term;
                gradient[k] += slope;
            }
        }
        Ok((value, gradient))
    }

    /// Value and score along one parameter, the other at zero.
    pub fn along(&self, which: usize, x: f64) -> Result<(f64, f64), EstimateError> {
        let (value, gradient) = if which == 0 { self.at(x, 0.0)? } else { self.at(0.0, x)? };
        Ok((value, gradient[which]))
    }

    /// The score's differences at `x`: the Hessian, from points inside of `bounds`.
    pub fn hessian(&self, x: [f64; 2], bounds: [(f64, f64); 2]) -> Result<[[f64; 2]; 2], EstimateError> {
        let mut hessian = [[0.0; 2]; 2];
        for k in (0..2).filter(|&k| self.axes[k].is_some()) {
            let h = 1e-5 * (bounds[k].1 - bounds[k].0);
            let (mut up, mut down) = (x, x);
            up[k] = (x[k] + h).min(bounds[k].1);
            down[k] = (x[k] - h).max(bounds[k].0);
            let (gu, gd) = (self.at(up[0], up[1])?.1, self.at(down[0], down[1])?.1);
            for (j, entry) in hessian[k].iter_mut().enumerate() {
                *entry = (gu[j] - gd[j]) / (up[k] - down[k]);
            }
        }
        Ok(hessian)
    }

    /// Where the score changes sign between `a` and `b`: secant steps kept inside a shrinking bracket.
    pub fn root(&self, which: usize, mut a: f64, mut b: f64) -> Result<(f64, usize), EstimateError> {
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

    /// Newton on the score with its differenced Hessian, gradient steps where that is not concave, halved until it rises.
    pub fn climb(&self, mut x: [f64; 2], bounds: [(f64, f64); 2]) -> Result<([f64; 2], f64, usize), EstimateError> {
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
        let hessian = self.hessian(x, bounds)?;
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
}
