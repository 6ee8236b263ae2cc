//! The likelihood of a random-effects model with slopes and σ² concentrated out (methods C.10), and its maximum.
//!
//! `lnL(ρ, λ, ω) = −(NT/2)(ln 2π + 1 + ln(SSE/NT)) + T ln|S(ρ)| + T ln|R(λ)| − ½ ln|between|`, with `(N/2)ω` for the last
//! term where the unit effect is inside of the filter. At most three parameters: derivatives are differences of fourth
//! order of exact values.

use super::between::Between;
use super::products::Products;
use crate::estimators::EstimateError;
use crate::estimators::axis::{Axis, Curve};
use nalgebra::{DMatrix, DVector};
use std::f64::consts::PI;

/// ω lies between this and zero, where the unit effects vanish.
pub(crate) const LEAST: f64 = -40.0;
/// Newton steps at most.
const STEPS: usize = 100;
/// Steps of differences, relative to the room a parameter has.
const DIFFERENCE: f64 = 1e-3;

/// One point with what was concentrated out.
pub(crate) struct Point {
    pub loglik: f64,
    pub sse: f64,
    /// Coefficients on the basis off `e₀ − ρe₁`.
    pub shift: DVector<f64>,
}

/// The model; parameters in the order ρ, λ, ω.
pub(crate) struct Likelihood<'a> {
    pub products: Products<'a>,
    pub between: Option<&'a Between>,
    pub axes: [Option<&'a Axis<'a>>; 2],
    pub curves: [Option<Curve>; 2],
    pub units: f64,
    pub periods: f64,
    /// Whether there is an `e₁`.
    pub lag: bool,
}

impl Likelihood<'_> {
    pub fn at(&self, [rho, lambda, omega]: [f64; 3]) -> Result<Point, EstimateError> {
        let a = self.products.at(lambda, omega)?;
        let head = 1 + usize::from(self.lag);
        let p = a.nrows() - head;
        let mut v = DVector::zeros(a.nrows());
        v[0] = 1.0;
        if self.lag {
            v[1] = -rho;
        }
        let right = (&a * &v).rows(head, p).into_owned();
        // Between-unit columns shrink with φ: scaled to a diagonal of ones.
        let scale = DVector::from_fn(p, |j, _| 1.0 / a[(head + j, head + j)].sqrt());
        let square = DMatrix::from_fn(p, p, |i, j| a[(head + i, head + j)] * scale[i] * scale[j]);
        let factor = square.cholesky().ok_or(EstimateError::NotFinite)?;
        let shift = factor.solve(&right.component_mul(&scale)).component_mul(&scale);
        v.rows_mut(head, p).copy_from(&-&shift);
        let sse = v.dot(&(&a * &v));
        let m = self.units * self.periods;
        let mut loglik = -0.5 * m * ((2.0 * PI).ln() + 1.0 + (sse / m).ln());
        for (k, x) in [rho, lambda].into_iter().enumerate() {
            if let Some(curve) = &self.curves[k] {
                loglik += self.periods * curve.at(x).0;
            }
        }
        loglik += match self.between {
            Some(between) => -0.5 * between.log_determinant(lambda, omega)?,
            None => 0.5 * self.units * omega,
        };
        if loglik.is_finite() { Ok(Point { loglik, sse, shift }) } else { Err(EstimateError::NotFinite) }
    }

    fn value(&self, x: [f64; 3]) -> Result<f64, EstimateError> {
        Ok(self.at(x)?.loglik)
    }

    /// The parameters there are.
    pub fn free(&self) -> Vec<usize> {
        (0..3).filter(|&k| k == 2 || self.axes[k].is_some()).collect()
    }

    pub fn bounds(&self) -> [(f64, f64); 3] {
        let open = |k: usize| self.axes[k].map_or((0.0, 0.0), Axis::open);
        [open(0), open(1), (LEAST, 0.0)]
    }

    /// A step of differences that stays inside; ω may pass zero by it, where the likelihood goes on.
    fn step(&self, x: [f64; 3], k: usize) -> f64 {
        let (lo, hi) = self.bounds()[k];
        if k == 2 { 2.0 * DIFFERENCE } else { (DIFFERENCE * (hi - lo)).min(0.2 * (x[k] - lo).min(hi - x[k])) }
    }

    pub fn gradient(&self, x: [f64; 3], free: &[usize]) -> Result<Vec<f64>, EstimateError> {
        let one = |&k: &usize| -> Result<f64, EstimateError> {
            let h = self.step(x, k);
            let at = |s: f64| {
                let mut y = x;
                y[k] += s * h;
                self.value(y)
            };
            Ok((8.0 * (at(1.0)? - at(-1.0)?) - (at(2.0)? - at(-2.0)?)) / (12.0 * h))
        };
        free.iter().map(one).collect()
    }

    /// Second derivatives by second differences.
    fn curvature(&self, x: [f64; 3], free: &[usize]) -> Result<DMatrix<f64>, EstimateError> {
        let here = self.value(x)?;
        let count = free.len();
        let mut out = DMatrix::zeros(count, count);
        for i in 0..count {
            let (a, h) = (free[i], self.step(x, free[i]));
            let moved = |s: f64| {
                let mut y = x;
                y[a] += s * h;
                self.value(y)
            };
            out[(i, i)] = (moved(1.0)? - 2.0 * here + moved(-1.0)?) / (h * h);
            for j in 0..i {
                let (b, g) = (free[j], self.step(x, free[j]));
                let both = |s: f64, t: f64| {
                    let mut y = x;
                    y[a] += s * h;
                    y[b] += t * g;
                    self.value(y)
                };
                let mixed = both(1.0, 1.0)? - both(1.0, -1.0)? - both(-1.0, 1.0)? + both(-1.0, -1.0)?;
                out[(i, j)] = mixed / (4.0 * h * g);
                out[(j, i)] = out[(i, j)];
            }
        }
        Ok(out)
    }

    /// The Hessian by fourth-order differences of gradients.
    pub fn hessian(&self, x: [f64; 3], free: &[usize]) -> Result<DMatrix<f64>, EstimateError> {
        let count = free.len();
        let mut out = DMatrix::zeros(count, count);
        for (i, &k) in free.iter().enumerate() {
            let h = self.step(x, k);
            let at = |s: f64| {
                let mut y = x;
                y[k] += s * h;
                self.gradient(y, free)
            };
            let (up, down, far, away) = (at(1.0)?, at(-1.0)?, at(2.0)?, at(-2.0)?);
            for j in 0..count {
                out[(i, j)] = (8.0 * (up[j] - down[j]) - (far[j] - away[j])) / (12.0 * h);
            }
        }
        Ok((&out + out.transpose()) * 0.5)
    }

    /// Newton within bounds from `x`: the place, the largest free score, and the steps.
    pub fn climb(
        &self,
        mut x: [f64; 3],
        bounds: [(f64, f64); 3],
        stop: &dyn Fn() -> bool,
    ) -> Result<([f64; 3], f64, usize), EstimateError> {
        let all = self.free();
        let mut value = self.value(x)?;
        let mut size = f64::INFINITY;
        for step in 0..STEPS {
            if stop() {
                return Err(EstimateError::Interrupted);
            }
            let gradient = self.gradient(x, &all)?;
            let held = |i: usize| {
                let (k, g) = (all[i], gradient[i]);
                x[k] <= bounds[k].0 && g < 0.0 || x[k] >= bounds[k].1 && g > 0.0
            };
            let free: Vec<usize> = (0..all.len()).filter(|&i| !held(i)).collect();
            size = free.iter().map(|&i| gradient[i].abs()).fold(0.0, f64::max);
            if free.is_empty() {
                return Ok((x, 0.0, step));
            }
            let places: Vec<usize> = free.iter().map(|&i| all[i]).collect();
            let slope = DVector::from_iterator(free.len(), free.iter().map(|&i| gradient[i]));
            let direction = uphill(&self.curvature(x, &places)?, &slope, &places, bounds);
            let longest = direction.amax();
            let mut scale = 1.0;
            let mut moved = false;
            for _ in 0..40 {
                let mut next = x;
                for (d, &k) in direction.iter().zip(&places) {
                    next[k] = (x[k] + scale * d).clamp(bounds[k].0, bounds[k].1);
                }
                let found = self.value(next)?;
                // A last small step of Newton is right where values cannot tell points apart.
                if found > value || (longest < 1e-5 && found >= value - 1e-11 * value.abs()) {
                    moved = next != x;
                    (x, value) = (next, found);
                    break;
                }
                scale *= 0.5;
            }
            if !moved || longest < 1e-10 {
                return Ok((x, size, step + 1));
            }
        }
        Ok((x, size, STEPS))
    }
}

/// Newton's direction where the curvature is negative definite, else one of steepest ascent in the room there is; never
/// further than a quarter of the room.
fn uphill(curvature: &DMatrix<f64>, slope: &DVector<f64>, places: &[usize], bounds: [(f64, f64); 3]) -> DVector<f64> {
    let room = |k: usize| if k == 2 { 8.0 } else { bounds[k].1 - bounds[k].0 };
    let raw = match (-curvature).cholesky() {
        Some(factor) => factor.solve(slope),
        None => DVector::from_fn(slope.len(), |i, _| {
            let h = curvature[(i, i)];
            if h < 0.0 { -slope[i] / h } else { slope[i].signum() * 0.1 * room(places[i]) }
        }),
    };
    DVector::from_fn(raw.len(), |i, _| raw[i].clamp(-0.25 * room(places[i]), 0.25 * room(places[i])))
}
