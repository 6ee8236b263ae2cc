//! The likelihood of methods C.1 written out: every fixed effect a parameter or an explicit orthonormal
//! transformation, `I_T ⊗ W` a dense matrix, nothing concentrated out.
//!
//! `ε = R(λ)[S(ρ)y − Xβ − Dδ]`, `lnL = −M/2 ln 2πσ² + T ln|S| + T ln|R| − ε'ε/2σ²` with the `N × T` of the transformed
//! data. Expectations are means over a cubature that is exact for quadratic forms of `y`, which scores and Hessians are.

use nalgebra::{DMatrix, DVector};
use std::f64::consts::PI;

/// Data after explicit transformation.
pub struct Reference {
    pub units: usize,
    pub periods: usize,
    pub y: DVector<f64>,
    /// Slopes' columns.
    pub x: DMatrix<f64>,
    /// Dummies that are parameters, of full rank.
    pub d: DMatrix<f64>,
    /// `I_T ⊗ W` of the outcome's lag.
    pub lag: Option<Operator>,
    /// `I_T ⊗ W₂` of the errors.
    pub error: Option<Operator>,
}

/// A weights matrix and its Kronecker product.
pub struct Operator {
    pub small: DMatrix<f64>,
    pub large: DMatrix<f64>,
}

impl Operator {
    pub fn new(small: DMatrix<f64>, periods: usize) -> Operator {
        let large = DMatrix::identity(periods, periods).kronecker(&small);
        Operator { small, large }
    }

    /// `I − xW`.
    fn filter(&self, x: f64) -> DMatrix<f64> {
        DMatrix::identity(self.small.nrows(), self.small.nrows()) - &self.small * x
    }

    fn large_filter(&self, x: f64) -> DMatrix<f64> {
        DMatrix::identity(self.large.nrows(), self.large.nrows()) - &self.large * x
    }
}

/// All parameters.
#[derive(Clone, Debug)]
pub struct Point {
    pub beta: DVector<f64>,
    pub rho: f64,
    pub lambda: f64,
    pub sigma2: f64,
    pub delta: DVector<f64>,
}

/// `RX`, `RD` and what else one point needs.
struct Parts {
    filter: DMatrix<f64>,
    residual: DVector<f64>,
    innovations: DVector<f64>,
}

pub fn least_squares(a: &DMatrix<f64>, b: &DVector<f64>) -> DVector<f64> {
    if a.ncols() == 0 {
        return DVector::zeros(0);
    }
    let qr = a.clone().qr();
    qr.r().solve_upper_triangular(&qr.q().tr_mul(b)).unwrap()
}

pub fn beside(a: &DMatrix<f64>, b: &DMatrix<f64>) -> DMatrix<f64> {
    let mut out = DMatrix::zeros(a.nrows(), a.ncols() + b.ncols());
    out.columns_mut(0, a.ncols()).copy_from(a);
    out.columns_mut(a.ncols(), b.ncols()).copy_from(b);
    out
}

impl Reference {
    /// M.
    pub fn observations(&self) -> f64 {
        (self.units * self.periods) as f64
    }

    /// Where ρ, λ and σ² stand: after the slopes. δ follows.
    pub fn places(&self) -> (Option<usize>, Option<usize>, usize) {
        let p = self.x.ncols();
        let rho = self.lag.is_some().then_some(p);
        let lambda = self.error.is_some().then_some(p + usize::from(rho.is_some()));
        (rho, lambda, p + usize::from(rho.is_some()) + usize::from(lambda.is_some()))
    }

    fn parts(&self, at: &Point, y: &DVector<f64>) -> Parts {
        let n = y.len();
        let filter = self.error.as_ref().map_or(DMatrix::identity(n, n), |o| o.large_filter(at.lambda));
        let mut residual = y - &self.x * &at.beta - &self.d * &at.delta;
        if let Some(o) = &self.lag {
            residual -= &o.large * y * at.rho;
        }
        let innovations = &filter * &residual;
        Parts { filter, residual, innovations }
    }

    pub fn log_likelihood(&self, at: &Point, y: &DVector<f64>) -> f64 {
        let e = self.parts(at, y).innovations;
        let mut value = -0.5 * self.observations() * (2.0 * PI * at.sigma2).ln() - e.dot(&e) / (2.0 * at.sigma2);
        for (operator, x) in [(&self.lag, at.rho), (&self.error, at.lambda)] {
            if let Some(o) = operator {
                value += self.periods as f64 * o.filter(x).determinant().ln();
            }
        }
        value
    }

    /// `∂ε/∂ψ`, columns in the order (β, ρ, λ, σ², δ).
    fn jacobian(&self, parts: &Parts, y: &DVector<f64>) -> DMatrix<f64> {
        let (rho, lambda, sigma) = self.places();
        let mut out = DMatrix::zeros(y.len(), sigma + 1 + self.d.ncols());
        out.columns_mut(0, self.x.ncols()).copy_from(&(-(&parts.filter * &self.x)));
        if let (Some(r), Some(o)) = (rho, &self.lag) {
            out.set_column(r, &(-(&parts.filter * (&o.large * y))));
        }
        if let (Some(l), Some(o)) = (lambda, &self.error) {
            out.set_column(l, &(-(&o.large * &parts.residual)));
        }
        out.columns_mut(sigma + 1, self.d.ncols()).copy_from(&(-(&parts.filter * &self.d)));
        out
    }

    /// `WS⁻¹` or `W₂R⁻¹`.
    fn ratio(operator: &Operator, x: f64) -> DMatrix<f64> {
        &operator.small * operator.filter(x).try_inverse().unwrap()
    }

    pub fn score(&self, at: &Point, y: &DVector<f64>) -> DVector<f64> {
        let (rho, lambda, sigma) = self.places();
        let parts = self.parts(at, y);
        let e = &parts.innovations;
        let mut out = -self.jacobian(&parts, y).tr_mul(e) / at.sigma2;
        let t = self.periods as f64;
        if let (Some(r), Some(o)) = (rho, &self.lag) {
            out[r] -= t * Self::ratio(o, at.rho).trace();
        }
        if let (Some(l), Some(o)) = (lambda, &self.error) {
            out[l] -= t * Self::ratio(o, at.lambda).trace();
        }
        out[sigma] = e.dot(e) / (2.0 * at.sigma2.powi(2)) - self.observations() / (2.0 * at.sigma2);
        out
    }

    /// Minus the matrix of second derivatives.
    pub fn curvature(&self, at: &Point, y: &DVector<f64>) -> DMatrix<f64> {
        let (rho, lambda, sigma) = self.places();
        let parts = self.parts(at, y);
        let (e, s2, t) = (&parts.innovations, at.sigma2, self.periods as f64);
        let jacobian = self.jacobian(&parts, y);
        let mut out = jacobian.tr_mul(&jacobian) / s2;
        if let (Some(l), Some(o)) = (lambda, &self.error) {
            let own = o.large.tr_mul(e) / s2;
            let mut mixed = DVector::zeros(out.nrows());
            mixed.rows_mut(0, self.x.ncols()).copy_from(&self.x.tr_mul(&own));
            mixed.rows_mut(sigma + 1, self.d.ncols()).copy_from(&self.d.tr_mul(&own));
            if let (Some(r), Some(w)) = (rho, &self.lag) {
                mixed[r] = (&w.large * y).dot(&own);
            }
            for k in 0..out.nrows() {
                out[(k, l)] += mixed[k];
                out[(l, k)] += mixed[k];
            }
            let h = Self::ratio(o, at.lambda);
            out[(l, l)] += t * (&h * &h).trace();
        }
        if let (Some(r), Some(o)) = (rho, &self.lag) {
            let g = Self::ratio(o, at.rho);
            out[(r, r)] += t * (&g * &g).trace();
        }
        let slope = -jacobian.tr_mul(e) / s2.powi(2);
        for k in 0..out.nrows() {
            out[(k, sigma)] = slope[k];
            out[(sigma, k)] = slope[k];
        }
        out[(sigma, sigma)] = e.dot(e) / s2.powi(3) - self.observations() / (2.0 * s2 * s2);
        out
    }

    /// The block of (β, ρ, λ, σ²) with δ maximised out: its Schur complement.
    pub fn without_dummies(&self, full: &DMatrix<f64>) -> DMatrix<f64> {
        let kept = self.places().2 + 1;
        let rest = full.nrows() - kept;
        let own = full.view((0, 0), (kept, kept)).into_owned();
        if rest == 0 {
            return own;
        }
        let cross = full.view((kept, 0), (rest, kept)).into_owned();
        let block = full.view((kept, kept), (rest, rest)).into_owned();
        own - cross.tr_mul(&block.try_inverse().unwrap()) * &cross
    }

    /// δ (and β with `slopes`) by least squares given the rest.
    pub fn fill(&self, at: &Point, y: &DVector<f64>, slopes: bool) -> Point {
        let mut empty = at.clone();
        empty.delta.fill(0.0);
        let mut out = at.clone();
        if slopes {
            empty.beta.fill(0.0);
        }
        let parts = self.parts(&empty, y);
        let design = if slopes { beside(&self.x, &self.d) } else { self.d.clone() };
        let found = least_squares(&(&parts.filter * design), &parts.innovations);
        let p = if slopes { self.x.ncols() } else { 0 };
        if slopes {
            out.beta = found.rows(0, p).into_owned();
        }
        out.delta = found.rows(p, self.d.ncols()).into_owned();
        out
    }

    /// The best (β, δ, σ²) at (ρ, λ).
    pub fn concentrated(&self, rho: f64, lambda: f64) -> Point {
        let (p, q) = (self.x.ncols(), self.d.ncols());
        let start = Point { beta: DVector::zeros(p), rho, lambda, sigma2: 1.0, delta: DVector::zeros(q) };
        let mut at = self.fill(&start, &self.y, true);
        let e = self.parts(&at, &self.y).innovations;
        at.sigma2 = e.dot(&e) / self.observations();
        at
    }

    /// `SSE` at a point.
    pub fn sum_of_squares(&self, at: &Point) -> f64 {
        let e = self.parts(at, &self.y).innovations;
        e.dot(&e)
    }

    /// `ε` at a point.
    pub fn innovations(&self, at: &Point) -> DVector<f64> {
        self.parts(at, &self.y).innovations
    }

    fn moved(&self, at: &Point, step: &DVector<f64>) -> Point {
        let (rho, lambda, sigma) = self.places();
        Point {
            beta: &at.beta + step.rows(0, self.x.ncols()),
            rho: at.rho + rho.map_or(0.0, |r| step[r]),
            lambda: at.lambda + lambda.map_or(0.0, |l| step[l]),
            sigma2: at.sigma2 + step[sigma],
            delta: &at.delta + step.rows(sigma + 1, self.d.ncols()),
        }
    }

    /// Newton's step from a point.
    pub fn newton_step(&self, at: &Point) -> DVector<f64> {
        self.curvature(at, &self.y).lu().solve(&self.score(at, &self.y)).unwrap()
    }

    /// The greatest likelihood on a grid over the intervals, polished by Newton's method.
    pub fn maximum(&self, rho: [f64; 2], lambda: [f64; 2]) -> Point {
        let axis = |present: bool, ends: [f64; 2], count: usize| -> Vec<f64> {
            let at = |k: usize| ends[0] + (ends[1] - ends[0]) * (k as f64 + 0.5) / count as f64;
            if present { (0..count).map(at).collect() } else { vec![0.0] }
        };
        let count = if self.lag.is_some() && self.error.is_some() { 24 } else { 60 };
        let mut best: Option<(f64, Point)> = None;
        for &r in &axis(self.lag.is_some(), rho, count) {
            for &l in &axis(self.error.is_some(), lambda, count) {
                let at = self.concentrated(r, l);
                let value = self.log_likelihood(&at, &self.y);
                if best.as_ref().is_none_or(|b| value > b.0) {
                    best = Some((value, at));
                }
            }
        }
        let (_, mut at) = best.unwrap();
        for _ in 0..60 {
            let step = self.newton_step(&at);
            let mut next = self.moved(&at, &step);
            // Newton in the spatial parameters, the others at their best: far from the top the full step may go down
            next = self.concentrated(next.rho.clamp(rho[0], rho[1]), next.lambda.clamp(lambda[0], lambda[1]));
            let small = (next.rho - at.rho).abs() + (next.lambda - at.lambda).abs() < 1e-14;
            at = next;
            if small {
                break;
            }
        }
        at
    }

    /// The mean of a quadratic function of `y` under the model at a point: `y = S⁻¹(Xβ + Dδ + R⁻¹ε)`.
    pub fn expectation(&self, at: &Point, f: &dyn Fn(&DVector<f64>) -> DMatrix<f64>) -> DMatrix<f64> {
        let n = self.y.len();
        let invert = |o: &Option<Operator>, x: f64| {
            o.as_ref().map_or(DMatrix::identity(n, n), |o| o.large_filter(x).try_inverse().unwrap())
        };
        let s = invert(&self.lag, at.rho);
        let mean = &s * (&self.x * &at.beta + &self.d * &at.delta);
        let spread = s * invert(&self.error, at.lambda) * (at.sigma2 * n as f64).sqrt();
        let mut sum: Option<DMatrix<f64>> = None;
        for j in 0..n {
            for sign in [1.0, -1.0] {
                let value = f(&(&mean + spread.column(j) * sign));
                sum = Some(sum.map_or(value.clone(), |s| s + value));
            }
        }
        sum.unwrap() / (2 * n) as f64
    }

    /// The expected information of (β, ρ, λ, σ²), δ concentrated out.
    pub fn information(&self, at: &Point) -> DMatrix<f64> {
        self.without_dummies(&self.expectation(at, &|y| self.curvature(at, y)))
    }

    /// Minus the mean of the score with δ (and β with `slopes`) at their best for every `y`: the `m·a` of methods C.5.
    pub fn lost_score(&self, at: &Point, slopes: bool) -> DVector<f64> {
        let kept = self.places().2 + 1;
        let mean = self.expectation(at, &|y| {
            let score = self.score(&self.fill(at, y, slopes), y);
            DMatrix::from_column_slice(score.len(), 1, score.as_slice())
        });
        -mean.column(0).rows(0, kept).into_owned()
    }
}
