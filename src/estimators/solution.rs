//! A point of the parameter space with everything inference needs there: filtered residuals and design.

use super::sample::{Sample, lag};
use crate::linalg::LinalgError;
use crate::linalg::iterate::{axpy, combine, dot};
use crate::weights::Weights;
use nalgebra::DVector;
use std::borrow::Cow;

/// Parameters and the data filtered at them. `P` projects each period off `s = R(λ)l` where there are period effects.
pub(crate) struct Solution<'a> {
    pub sample: &'a Sample<'a>,
    pub error: Option<&'a Weights>,
    pub rho: f64,
    pub lambda: f64,
    /// Coefficients on the orthonormal basis of the design.
    pub gamma: DVector<f64>,
    pub sigma2: f64,
    /// `s(λ)`.
    pub direction: Vec<f64>,
    /// `Ê = P R(λ)[Q(y) − ρQ(Wy) − Q(Z)β]`, `N·T`.
    pub residual: Vec<f64>,
    /// `P R(λ) B`.
    pub basis: Cow<'a, [Vec<f64>]>,
    /// `P R(λ) Q(Wy)`.
    pub outcome_lag: Option<Vec<f64>>,
}

impl<'a> Solution<'a> {
    /// The data at `(γ, ρ, λ, σ²)`.
    pub fn new(
        sample: &'a Sample<'a>,
        error: Option<&'a Weights>,
        gamma: DVector<f64>,
        rho: f64,
        lambda: f64,
        sigma2: f64,
    ) -> Self {
        let direction = filter_direction(sample.units, error, lambda);
        let mut solution = Solution {
            sample,
            error,
            rho,
            lambda,
            gamma,
            sigma2,
            direction,
            residual: Vec::new(),
            basis: Cow::Borrowed(&[]),
            outcome_lag: None,
        };
        // Off the effects already, and without an error matrix nothing moves it.
        let mut residual = solution.filtered(&solution.unfiltered_residual());
        solution.project_periods(&mut residual);
        solution.residual = residual;
        // Without an error matrix the data are orthogonal to `s = l` already.
        solution.basis = match error {
            None => Cow::Borrowed(&sample.basis),
            Some(_) => sample.basis.iter().map(|b| solution.filter_and_project(b)).collect(),
        };
        solution.outcome_lag = match (solution.demeaned_outcome_lag(), error) {
            (Some(wy), Some(_)) => Some(solution.filter_and_project(&wy)),
            (wy, _) => wy,
        };
        solution
    }

    /// `Q(y) − ρQ(Wy) − Q(Z)β`: the basis part is put together from coordinates, without cancellation.
    pub fn unfiltered_residual(&self) -> Vec<f64> {
        let sample = self.sample;
        let mut u = sample.e0.clone();
        let mut coordinates = &sample.d0 - &self.gamma;
        let mut terms: Vec<(f64, &[f64])> = Vec::new();
        if let (Some(e1), Some(d1)) = (&sample.e1, &sample.d1) {
            terms.push((-self.rho, e1));
            coordinates -= d1 * self.rho;
        }
        terms
            .extend(coordinates.iter().zip(&sample.basis).filter(|(c, _)| **c != 0.0).map(|(c, b)| (*c, b.as_slice())));
        combine(&terms, &mut u);
        u
    }

    /// `Q(Wy)`, where the model has a lag.
    pub fn demeaned_outcome_lag(&self) -> Option<Vec<f64>> {
        let (e1, d1) = (self.sample.e1.as_ref()?, self.sample.d1.as_ref()?);
        let mut wy = e1.clone();
        let terms: Vec<(f64, &[f64])> = d1.iter().zip(&self.sample.basis).map(|(c, b)| (*c, b.as_slice())).collect();
        combine(&terms, &mut wy);
        Some(wy)
    }

    /// `R(λ) x` period by period.
    pub fn filtered(&self, x: &[f64]) -> Vec<f64> {
        let mut out = x.to_vec();
        if let Some(w) = self.error {
            axpy(-self.lambda, &lag(w, x, self.sample.periods), &mut out);
        }
        out
    }

    /// P of the effects: period by period, the identity without period effects; all effects where they are more.
    ///
    /// # Errors
    /// `NoConvergence` of the effects.
    pub fn project(&self, x: &mut [f64]) -> Result<(), LinalgError> {
        match &self.sample.absorber {
            Some(absorber) => absorber.remove(x),
            None => {
                self.project_periods(x);
                Ok(())
            }
        }
    }

    fn project_periods(&self, x: &mut [f64]) {
        if !self.sample.row.period_effects || self.sample.absorber.is_some() {
            return;
        }
        let s = &self.direction;
        let norm = dot(s, s);
        for column in x.chunks_exact_mut(self.sample.units) {
            let c = dot(s, column) / norm;
            axpy(-c, s, column);
        }
    }

    fn filter_and_project(&self, x: &[f64]) -> Vec<f64> {
        let mut out = self.filtered(x);
        self.project_periods(&mut out);
        out
    }

    /// The slopes β.
    pub fn slopes(&self) -> DVector<f64> {
        self.sample.slopes_from(&self.gamma)
    }
}

/// `s(λ) = (I − λW₂)l`, the filtered period dummy.
pub(crate) fn filter_direction(units: usize, error: Option<&Weights>, lambda: f64) -> Vec<f64> {
    let mut s = vec![1.0; units];
    if let Some(w) = error {
        let sums = lag(w, &vec![1.0; units], 1);
        axpy(-lambda, &sums, &mut s);
    }
    s
}
