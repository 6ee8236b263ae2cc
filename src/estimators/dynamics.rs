//! Dynamic models (methods C.7, D.3): the coefficients on lags of the outcome, what estimated unit effects take from the
//! score, stability, effects of the long run.

use super::axis::Axis;
use super::sample::Sample;
use super::{DynamicsOf, EffectOf, EstimateError, Interrupt, Measured, Remark};
use crate::inference::effects::measured;
use crate::inference::long_run::{Coefficients, LongRun, Matrix};
use crate::inference::roots::largest_root;
use crate::linalg::filter::SpatialFilter;
use crate::weights::Weights;
use nalgebra::{DMatrix, DVector};

/// A column of the design that is a lag of the outcome.
#[derive(Clone, Copy)]
struct Term<'a> {
    /// Its place among the slopes.
    slope: usize,
    weights: Matrix<'a>,
}

/// The lags of the outcome in a model, with the matrix of its spatial lag.
pub(crate) struct Dynamics<'a> {
    sample: &'a Sample<'a>,
    terms: Vec<Term<'a>>,
    lag: Matrix<'a>,
    /// The filter of the search.
    known: Option<(&'a Weights, &'a SpatialFilter)>,
    interrupt: &'a dyn Interrupt,
    dense: bool,
}

impl<'a> Dynamics<'a> {
    /// `None` for a static model; `dense` keeps whole matrices.
    pub fn of(
        sample: &'a Sample<'a>,
        axis: Option<&'a Axis<'a>>,
        interrupt: &'a dyn Interrupt,
        dense: bool,
    ) -> Option<Self> {
        let problem = sample.problem;
        if problem.time_lags.is_empty() {
            return None;
        }
        let mut terms = Vec::new();
        for time_lag in &problem.time_lags {
            terms.push(Term { slope: sample.own(time_lag.regressor), weights: time_lag.weights.as_deref() });
            for (b, w) in problem.durbin_weights.iter().enumerate() {
                let lagged = sample.lag_of(b, time_lag.regressor);
                terms.extend(lagged.map(|slope| Term { slope, weights: Some(&**w) }));
            }
        }
        let lag = problem.lag_weights.as_deref().filter(|_| problem.model.has_lag());
        let known = axis.map(|a| (a.weights, &a.filter));
        Some(Dynamics { sample, terms, lag, known, interrupt, dense })
    }

    /// The matrix of the outcome's lag.
    pub fn lag(&self) -> Matrix<'a> {
        self.lag
    }

    /// τ, every η and, last, ρ: their places among the coefficients, and what each multiplies.
    pub fn places(&self) -> Vec<(usize, Matrix<'a>)> {
        let mut out: Vec<(usize, Matrix)> = self.terms.iter().map(|t| (t.slope, t.weights)).collect();
        out.extend(self.lag.map(|w| (self.sample.slopes(), Some(w))));
        out
    }

    /// τ, and ρ and η with their matrices, of slopes and ρ.
    pub fn coefficients(&self, slopes: &[f64], rho: f64) -> Coefficients<'a> {
        let mut out = Coefficients { own: 0.0, spatial: self.lag.map(|w| (rho, w)).into_iter().collect() };
        for term in &self.terms {
            match term.weights {
                None => out.own += slopes[term.slope],
                Some(w) => out.spatial.push((slopes[term.slope], w)),
            }
        }
        out
    }

    /// The largest modulus of an eigenvalue of `A = S⁻¹(τI + ηW)`.
    pub fn largest_root(&self, slopes: &[f64], rho: f64) -> Result<f64, EstimateError> {
        let at = self.coefficients(slopes, rho);
        largest_root(self.sample.units, &at, self.lag.map(|w| (rho, w)), self.known, self.interrupt)
    }

    /// `a` of methods C.7 step 3 on the slopes and on ρ, with the sign of what is missing.
    ///
    /// The entry of ρ there, `τ tr_P(G𝓗) + η tr_P(GW𝓗) + tr_P(G)`, is `tr_P(W𝓗)`: `S⁻¹(τI + ηW)𝓗 = 𝓗 − S⁻¹`. It is
    /// computed in this form, which also holds with several matrices.
    pub fn missing_score(&self, slopes: &[f64], rho: f64) -> Result<(DVector<f64>, f64), EstimateError> {
        let at = self.coefficients(slopes, rho);
        let long_run = LongRun::new(self.sample.units, &at, self.known, self.dense, self.interrupt)?;
        let projected = |x: Matrix| -> Result<f64, EstimateError> {
            let trace = long_run.trace(x)?;
            if !self.sample.row.period_effects {
                return Ok(trace);
            }
            Ok(trace - long_run.sum_before(x)? / self.sample.units as f64)
        };
        let mut out = DVector::zeros(slopes.len());
        for term in &self.terms {
            out[term.slope] = projected(term.weights)?;
        }
        let of_rho = self.lag.map_or(Ok(0.0), |w| projected(Some(w)))?;
        Ok((out, of_rho))
    }

    /// n* of methods C.7: `tr P`.
    pub fn missing_units(&self) -> f64 {
        self.sample.units as f64 - f64::from(u8::from(self.sample.row.period_effects))
    }

    /// Stability and effects of the long run; `theta` are slopes, then ρ where there is one.
    pub fn outcome(
        &self,
        theta: &DVector<f64>,
        vcov: &DMatrix<f64>,
        corrected: bool,
    ) -> Result<(DynamicsOf, Vec<Remark>), EstimateError> {
        let p = self.sample.slopes();
        let rho = if self.lag.is_some() { theta[p] } else { 0.0 };
        let slopes = &theta.as_slice()[..p];
        let root = self.largest_root(slopes, rho)?;
        let mut gradient = DVector::zeros(theta.len());
        self.terms.iter().for_each(|t| gradient[t.slope] = 1.0);
        if self.lag.is_some() {
            gradient[p] = 1.0;
        }
        let sum = measured(gradient.dot(theta), &gradient, vcov);
        let none = Measured { estimate: f64::NAN, se: f64::NAN };
        let count = self.sample.problem.regressors.len();
        let nothing = vec![EffectOf { direct: none, indirect: none, total: none }; count];
        // A root this close to one is one: the long run would be a ratio to rounding.
        let (long_run, mut remarks) = if root < 1.0 - 1e-12 {
            self.long_run(theta, vcov, &self.coefficients(slopes, rho))?
        } else {
            (nothing, Vec::new())
        };
        if root >= 1.0 {
            remarks.push(Remark::Unstable { largest_root: root, corrected });
        }
        Ok((DynamicsOf { long_run, largest_root: root, sum, corrected }, remarks))
    }

    /// `Ψ = K(βI + Σ θ_b W_b)` with delta-method errors: `∂Ψ/∂τ = KΨ`, `∂Ψ/∂ρ = ∂Ψ/∂η = KWΨ`, `∂Ψ/∂β = K`, `∂Ψ/∂θ = KW`.
    fn long_run(
        &self,
        theta: &DVector<f64>,
        vcov: &DMatrix<f64>,
        at: &Coefficients<'a>,
    ) -> Result<(Vec<EffectOf>, Vec<Remark>), EstimateError> {
        let sample = self.sample;
        let problem = sample.problem;
        let kernel = LongRun::new(sample.units, at, self.known, self.dense, self.interrupt)?;
        let durbin: Vec<&Weights> = problem.durbin_weights.iter().map(|w| &**w).collect();
        let inner: Vec<Matrix> = std::iter::once(None).chain(durbin.iter().map(|w| Some(*w))).collect();
        let places = self.places();
        let outer: Vec<Matrix> = places.iter().map(|p| p.1).collect();
        let traces: Vec<f64> = inner.iter().map(|x| kernel.trace(*x)).collect::<Result<_, _>>()?;
        let (sums, second_sums) = kernel.sums(&outer, &inner)?;
        let second_traces = kernel.traces(&outer, &inner)?;
        let n = sample.units as f64;
        let functional = |parts: &[(usize, usize)], first: &[f64], second: &DMatrix<f64>| {
            let mut gradient = DVector::zeros(theta.len());
            let mut value = 0.0;
            for &(slope, x) in parts {
                value += theta[slope] * first[x] / n;
                gradient[slope] += first[x] / n;
                for (y, (place, _)) in places.iter().enumerate() {
                    gradient[*place] += theta[slope] * second[(y, x)] / n;
                }
            }
            (value, gradient)
        };
        let effects = (0..problem.regressors.len())
            .map(|k| {
                let mut parts = vec![(sample.own(k), 0)];
                parts.extend((0..durbin.len()).filter_map(|b| sample.lag_of(b, k).map(|slope| (slope, b + 1))));
                let (direct, d) = functional(&parts, &traces, &second_traces);
                let (total, t) = functional(&parts, &sums, &second_sums);
                EffectOf {
                    direct: measured(direct, &d, vcov),
                    indirect: measured(total - direct, &(&t - &d), vcov),
                    total: measured(total, &t, vcov),
                }
            })
            .collect();
        Ok((effects, kernel.remarks()))
    }
}
