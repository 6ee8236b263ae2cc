//! Impulse responses of a dynamic model by horizon (methods D.3): `Φ_h = A^h S⁻¹C` with `A = S⁻¹(τI + ηW)` and
//! `C = βI + Σ θ_b W_b`, cumulated `Ψ_h = Σ_{s≤h} Φ_s`, with delta-method errors from the exact recursion
//! `∂Φ_h = ∂A Φ_{h−1} + A ∂Φ_{h−1}`.

use super::dynamics::Dynamics;
use super::sample::Sample;
use super::{EffectOf, EstimateError, Estimated, Interrupt, Problem};
use crate::inference::effects::measured;
use crate::inference::long_run::{Coefficients, Filter, Matrix, times};
use crate::linalg::iterate::{axpy, dot};
use crate::linalg::probes::signs;
use nalgebra::{DMatrix, DVector};

/// Units up to which traces are exact.
const EXACT: usize = 512;
/// Columns carried together; as many random signs estimate the traces of more units.
const BLOCK: usize = 64;
const SEED: u64 = 0x5EED_0007;

/// The responses of one regressor, horizon by horizon from zero.
#[derive(Clone, Debug, PartialEq)]
pub struct ResponsesOf {
    /// To an impulse of one period.
    pub impulse: Vec<EffectOf>,
    /// To a permanent change: the sum so far.
    pub cumulated: Vec<EffectOf>,
}

/// Values and derivatives of one functional of `B_h X`, by horizon: `values[h][x]`, `slopes[h][(p, x)]`.
struct Functional {
    values: Vec<Vec<f64>>,
    slopes: Vec<DMatrix<f64>>,
}

impl Functional {
    fn add(&mut self, other: &Functional) {
        for (a, b) in self.values.iter_mut().zip(&other.values) {
            axpy(1.0, b, a);
        }
        for (a, b) in self.slopes.iter_mut().zip(&other.slopes) {
            *a += b;
        }
    }

    fn scale(&mut self, share: f64) {
        self.values.iter_mut().flatten().for_each(|v| *v *= share);
        self.slopes.iter_mut().for_each(|s| *s *= share);
    }
}

/// The responses of every regressor over the horizons `0..=horizons`, in the order of [`Problem::regressors`]; empty for
/// a static model.
///
/// # Errors
/// `Interrupted`, or a filter that cannot be solved.
pub fn responses(
    problem: &Problem,
    estimated: &Estimated,
    horizons: usize,
    interrupt: &dyn Interrupt,
) -> Result<Vec<ResponsesOf>, EstimateError> {
    let sample = Sample::new(problem)?;
    let Some(dynamics) = Dynamics::of(&sample, None, interrupt, false) else { return Ok(Vec::new()) };
    interrupt.begin("impulse responses");
    let p = sample.slopes();
    let theta = DVector::from_vec(estimated.coefficients.clone());
    let rho = if problem.model.has_lag() { theta[p] } else { 0.0 };
    let size = theta.len();
    let vcov = DMatrix::from_fn(size, size, |i, k| estimated.vcov[i][k]);
    let inner: Vec<Matrix> = std::iter::once(None).chain(problem.durbin_weights.iter().map(|w| Some(&**w))).collect();
    let recursion = Recursion::new(&dynamics, dynamics.coefficients(&theta.as_slice()[..p], rho), rho, horizons)?;
    let n = sample.units;
    let traces = recursion.traces(&inner, n, interrupt)?;
    let sums = recursion.run(&inner, &vec![1.0; n], n, interrupt)?;
    let all = Functionals { traces, sums, places: recursion.places, count: n as f64 };
    Ok((0..problem.regressors.len())
        .map(|k| {
            let mut parts = vec![(sample.own(k), 0)];
            let lags = 0..problem.durbin_weights.len();
            parts.extend(lags.filter_map(|b| sample.lag_of(b, k).map(|slope| (slope, b + 1))));
            all.responses(&parts, &theta, &vcov)
        })
        .collect())
}

/// Direct and total functionals of one model.
struct Functionals {
    traces: Functional,
    sums: Functional,
    /// Where the parameters of the recursion stand among the coefficients.
    places: Vec<usize>,
    count: f64,
}

impl Functionals {
    fn responses(&self, parts: &[(usize, usize)], theta: &DVector<f64>, vcov: &DMatrix<f64>) -> ResponsesOf {
        let mut cumulated = [(0.0, DVector::zeros(theta.len())), (0.0, DVector::zeros(theta.len()))];
        let mut out = ResponsesOf { impulse: Vec::new(), cumulated: Vec::new() };
        let effect = |[(direct, d), (total, t)]: &[(f64, DVector<f64>); 2]| EffectOf {
            direct: measured(*direct, d, vcov),
            indirect: measured(total - direct, &(t - d), vcov),
            total: measured(*total, t, vcov),
        };
        for h in 0..self.sums.values.len() {
            let now = [&self.traces, &self.sums].map(|f| self.at(f, h, parts, theta));
            for (sum, term) in cumulated.iter_mut().zip(&now) {
                sum.0 += term.0;
                sum.1 += &term.1;
            }
            out.impulse.push(effect(&now));
            out.cumulated.push(effect(&cumulated));
        }
        out
    }

    fn at(&self, f: &Functional, h: usize, parts: &[(usize, usize)], theta: &DVector<f64>) -> (f64, DVector<f64>) {
        let mut gradient = DVector::zeros(theta.len());
        let mut value = 0.0;
        for &(slope, x) in parts {
            value += theta[slope] * f.values[h][x] / self.count;
            gradient[slope] += f.values[h][x] / self.count;
            for (y, place) in self.places.iter().enumerate() {
                gradient[*place] += theta[slope] * f.slopes[h][(y, x)] / self.count;
            }
        }
        (value, gradient)
    }
}

/// `U_h = A U_{h−1}` from `U₀ = S⁻¹X Z`, with its derivatives in τ, η and ρ.
struct Recursion<'a> {
    at: Coefficients<'a>,
    rho: f64,
    filter: Option<Filter<'a>>,
    /// The parameters: their places among the coefficients, and what each multiplies.
    places: Vec<usize>,
    matrices: Vec<Matrix<'a>>,
    lag: Matrix<'a>,
    horizons: usize,
}

impl<'a> Recursion<'a> {
    fn new(dynamics: &Dynamics<'a>, at: Coefficients<'a>, rho: f64, horizons: usize) -> Result<Self, EstimateError> {
        let lag = dynamics.lag();
        let filter = lag.map(|w| Filter::of(w, None)).transpose()?;
        let (places, matrices) = dynamics.places().into_iter().unzip();
        Ok(Recursion { at, rho, filter, places, matrices, lag, horizons })
    }

    /// `S⁻¹x` in place.
    fn solve(&self, x: &mut [f64]) -> Result<(), EstimateError> {
        if let Some(filter) = &self.filter {
            filter.solve(self.rho, x)?;
        }
        Ok(())
    }

    /// `(τI + ηW)x`.
    fn carried(&self, x: &[f64], n: usize) -> Vec<f64> {
        let mut out: Vec<f64> = x.iter().map(|v| self.at.own * v).collect();
        for (c, w) in self.at.spatial.iter().skip(usize::from(self.lag.is_some())) {
            axpy(*c, &times(Some(w), x, n), &mut out);
        }
        out
    }

    /// `Σ z'B_h X z` over the columns of `z`, and its derivatives.
    fn run(
        &self,
        inner: &[Matrix],
        z: &[f64],
        n: usize,
        interrupt: &dyn Interrupt,
    ) -> Result<Functional, EstimateError> {
        let steps = self.horizons + 1;
        let mut out = Functional {
            values: vec![vec![0.0; inner.len()]; steps],
            slopes: vec![DMatrix::zeros(self.places.len(), inner.len()); steps],
        };
        for (x, matrix) in inner.iter().enumerate() {
            let mut u = times(*matrix, z, n);
            let mut slopes: Vec<Vec<f64>> = vec![vec![0.0; z.len()]; self.places.len()];
            for h in 0..steps {
                if interrupt.stop() {
                    return Err(EstimateError::Interrupted);
                }
                let before = u.clone();
                if h > 0 {
                    u = self.carried(&before, n);
                }
                self.solve(&mut u)?;
                for (p, slope) in slopes.iter_mut().enumerate() {
                    let is_rho = self.lag.is_some() && p + 1 == self.places.len();
                    // S ∂U_h = (τI + ηW) ∂U_{h−1} + what the parameter multiplies.
                    let mut next = self.carried(slope, n);
                    match (is_rho, h) {
                        (true, _) => axpy(1.0, &times(self.matrices[p], &u, n), &mut next),
                        (false, 0) => {}
                        (false, _) => axpy(1.0, &times(self.matrices[p], &before, n), &mut next),
                    }
                    self.solve(&mut next)?;
                    *slope = next;
                    out.slopes[h][(p, x)] += dot(z, slope);
                }
                out.values[h][x] += dot(z, &u);
            }
        }
        Ok(out)
    }

    /// Traces: over all unit vectors, or as means over random signs.
    fn traces(&self, inner: &[Matrix], n: usize, interrupt: &dyn Interrupt) -> Result<Functional, EstimateError> {
        let mut out: Option<Functional> = None;
        let (last, share) = if n <= EXACT { (n, 1.0) } else { (BLOCK, 1.0 / BLOCK as f64) };
        for first in (0..last).step_by(BLOCK) {
            let columns = first..(first + BLOCK).min(last);
            let z: Vec<f64> = if n <= EXACT {
                columns.flat_map(|k| (0..n).map(move |i| f64::from(u8::from(i == k)))).collect()
            } else {
                columns.flat_map(|k| signs(SEED, k as u64, n)).collect()
            };
            let found = self.run(inner, &z, n, interrupt)?;
            match &mut out {
                None => out = Some(found),
                Some(sum) => sum.add(&found),
            }
        }
        let mut out = out.ok_or(EstimateError::NotFinite)?;
        out.scale(share);
        Ok(out)
    }
}
