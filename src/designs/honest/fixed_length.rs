//! The shortest confidence interval of fixed length around an affine estimator where trends are smooth: its half-length
//! is the 1 − α quantile of `|N(b, σ²)|`, b the largest bias that changes of slope of at most M allow.
//!
//! An estimator `v'β` with the target's weights after the reference has bias `v'δ`. With `Σ v_e (e − r) = 0` straight
//! trends drop out, and `v'δ = Σ_k w_k (δ_{k+1} − 2δ_k + δ_{k−1})` with w linear in v: the largest bias is `M Σ|w_k|`.

use super::Path;
use nalgebra::{DMatrix, DVector};
use statrs::distribution::{ContinuousCDF, Normal};

/// Values of the trade between bias and variance that are looked at.
const TRADES: usize = 60;

/// The weights of the estimator, and half the length of its interval.
#[derive(Clone, Debug, PartialEq)]
pub struct FixedLength {
    pub weights: DVector<f64>,
    pub half_length: f64,
    pub bias: f64,
    pub se: f64,
}

/// The `level` quantile of `|N(t, 1)|`.
pub fn folded_quantile(t: f64, level: f64) -> f64 {
    let normal = Normal::standard();
    let t = t.abs();
    if t > 20.0 {
        return t + normal.inverse_cdf(level);
    }
    let (mut low, mut high) = (0.0, t + 10.0);
    for _ in 0..200 {
        let c = 0.5 * (low + high);
        if normal.cdf(c - t) - normal.cdf(-c - t) < level { low = c } else { high = c }
    }
    0.5 * (low + high)
}

/// The estimators there are: `v = start + Σ u_j direction_j`, and their `w` likewise.
struct Family {
    start: DVector<f64>,
    directions: DMatrix<f64>,
    bias_start: DVector<f64>,
    bias_directions: DMatrix<f64>,
}

impl Path {
    /// `w` of weights that leave straight trends out: `w_k = Σ_e v_e ∂δ_e/∂d_k`, with δ and its slope zero at the
    /// reference to the side looked at.
    fn curvature(&self, v: &DVector<f64>) -> DVector<f64> {
        let inner: Vec<i64> = (self.first() + 1..self.last()).collect();
        // δ from δ_r = 0, the move into the reference zero, and the changes of slope.
        let response = |e: i64, k: i64| -> f64 {
            let r = self.reference;
            if e > r && k >= r && k < e {
                (e - k) as f64
            } else if e < r - 1 && k < r && k > e {
                (k - e) as f64
            } else {
                0.0
            }
        };
        let of = |k: i64| -> f64 { self.event_times.iter().zip(v.iter()).map(|(&e, v)| v * response(e, k)).sum() };
        DVector::from_iterator(inner.len(), inner.iter().map(|&k| of(k)))
    }

    fn family(&self, target: &DVector<f64>) -> Family {
        let size = self.event_times.len();
        let before: Vec<usize> = (0..size).filter(|&k| self.event_times[k] < self.reference).collect();
        let lever = |k: usize| (self.event_times[k] - self.reference) as f64;
        let needed: f64 = (0..size).map(|k| target[k] * lever(k)).sum();
        // The nearest lead takes the straight trend out; the others are free against it.
        let near = before[before.len() - 1];
        let mut start = target.clone();
        start[near] -= needed / lever(near);
        let free = &before[..before.len() - 1];
        let mut directions = DMatrix::zeros(size, free.len());
        for (j, &k) in free.iter().enumerate() {
            directions[(k, j)] = 1.0;
            directions[(near, j)] = -lever(k) / lever(near);
        }
        let bias_start = self.curvature(&start);
        let columns: Vec<DVector<f64>> = directions.column_iter().map(|d| self.curvature(&d.into_owned())).collect();
        let bias_directions = DMatrix::from_fn(bias_start.len(), free.len(), |i, j| columns[j][i]);
        Family { start, directions, bias_start, bias_directions }
    }

    /// The shortest interval of fixed length under changes of slope of at most `bound`.
    pub fn fixed_length(&self, target: &DVector<f64>, bound: f64, level: f64) -> FixedLength {
        let family = self.family(target);
        let judged = |u: &DVector<f64>| -> FixedLength {
            let weights = &family.start + &family.directions * u;
            let w = &family.bias_start + &family.bias_directions * u;
            let bias = bound * w.iter().map(|x| x.abs()).sum::<f64>();
            let se = self.variance(&weights, &weights).sqrt();
            FixedLength { half_length: se * folded_quantile(bias / se, level), weights, bias, se }
        };
        let none = DVector::zeros(family.directions.ncols());
        if family.directions.ncols() == 0 {
            return judged(&none);
        }
        // The least variance first, then ever more weight on the bias; each start is the last optimum.
        let quadratic = family.directions.transpose() * &self.vcov * &family.directions;
        let linear = family.directions.transpose() * &self.vcov * &family.start;
        let least = quadratic.clone().cholesky().map_or(none, |c| -c.solve(&linear));
        let mut best = judged(&least);
        if bound == 0.0 {
            return best;
        }
        let size = (best.se * best.se / family.bias_start.amax().max(1e-300)).max(1e-300);
        let optimum = |trade: f64, from: &DVector<f64>| shrunk(&family, &quadratic, &linear, trade, from);
        let at = |k: f64| size * 10f64.powf(-6.0 + 10.0 * k / TRADES as f64);
        let (mut u, mut place) = (least, 0);
        for k in 0..=TRADES {
            u = optimum(at(k as f64), &u);
            let found = judged(&u);
            if found.half_length < best.half_length {
                (best, place) = (found, k);
            }
        }
        // Around the best of them once more, finer.
        let (mut low, mut high) = (place as f64 - 1.0, place as f64 + 1.0);
        for _ in 0..40 {
            let (a, b) = (low + 0.382 * (high - low), low + 0.618 * (high - low));
            let (x, y) = (judged(&optimum(at(a), &u)), judged(&optimum(at(b), &u)));
            let less = x.half_length < y.half_length;
            let better = if less { x } else { y };
            if better.half_length < best.half_length {
                best = better;
            }
            if less { high = b } else { low = a }
        }
        best
    }

    /// Effects that estimates before the reference allow if they had no error: the straight line through the last of
    /// them, less or more what M bends it; NaN where they bend more than M themselves.
    pub(super) fn smooth_set(&self, target: &DVector<f64>, bound: f64) -> [f64; 2] {
        let delta = |e: i64| self.value(&self.unit(e));
        let r = self.reference;
        let bends = (self.first() + 1..r).map(|k| (delta(k + 1) - 2.0 * delta(k) + delta(k - 1)).abs());
        if bends.fold(0.0, f64::max) > bound * (1.0 + 1e-9) {
            return [f64::NAN; 2];
        }
        let slope = -delta(r - 1);
        let (mut straight, mut bent) = (0.0, 0.0);
        for (k, &e) in self.event_times.iter().enumerate().filter(|(_, e)| **e > r) {
            straight += target[k] * slope * (e - r) as f64;
        }
        for k in r..self.last() {
            let w: f64 = self
                .event_times
                .iter()
                .zip(target.iter())
                .filter(|(e, _)| **e > k)
                .map(|(e, l)| l * (e - k) as f64)
                .sum();
            bent += bound * w.abs();
        }
        let center = self.value(target) - straight;
        [center - bent, center + bent]
    }
}

/// The minimum of `½ v'Vv + trade Σ|w|`: Newton steps on |w| rounded ever less at zero.
fn shrunk(
    family: &Family,
    quadratic: &DMatrix<f64>,
    linear: &DVector<f64>,
    trade: f64,
    from: &DVector<f64>,
) -> DVector<f64> {
    let size = family.bias_start.amax().max(1e-300);
    let a = &family.bias_directions;
    let mut u = from.clone();
    for rounding in [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7] {
        let epsilon = rounding * size;
        let value = |u: &DVector<f64>| -> f64 {
            let w = &family.bias_start + a * u;
            let rounded: f64 = w.iter().map(|x| (x * x + epsilon * epsilon).sqrt()).sum();
            0.5 * (u.transpose() * quadratic * u)[0] + linear.dot(u) + trade * rounded
        };
        for _ in 0..50 {
            let w = &family.bias_start + a * &u;
            let root = w.map(|x| (x * x + epsilon * epsilon).sqrt());
            let gradient = quadratic * &u + linear + a.transpose() * w.component_div(&root) * trade;
            let bend = DMatrix::from_diagonal(&root.map(|s| trade * epsilon * epsilon / (s * s * s)));
            let hessian = quadratic + a.transpose() * bend * a;
            let Some(step) = hessian.cholesky().map(|c| c.solve(&gradient)) else { break };
            let (now, drop) = (value(&u), gradient.dot(&step));
            let mut length = 1.0;
            while length > 1e-10 && value(&(&u - &step * length)) > now - 1e-4 * length * drop {
                length *= 0.5;
            }
            u -= &step * length;
            if drop <= 1e-14 * now.abs() || length <= 1e-10 {
                break;
            }
        }
    }
    u
}
