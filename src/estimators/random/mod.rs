//! Random unit effects by maximum likelihood (methods C.10): the outcome's lag, spatial errors with the unit effect inside
//! of the filter (Kapoor, Kelejian and Prucha) or outside of it (Baltagi, Song and Koh), or both.

mod between;
mod likelihood;
mod products;

use super::answer::answer;
use super::axis::{Axis, Curve};
use super::sample::{Sample, lag as lagged};
use super::shared::Shared;
use super::*;
use crate::inference::effects::effects;
use crate::inference::events::events;
use crate::inference::information::invert;
use crate::inference::operator::Operator;
use crate::inference::policy::policy;
use crate::linalg::iterate::{axpy, combine, dot};
use crate::linalg::panel;
use crate::weights::Weights;
use between::Between;
use likelihood::{Likelihood as Profile, Point};
use nalgebra::{DMatrix, DVector};
use products::Products;

/// ω above this is zero: there are no unit effects left.
const NOTHING: f64 = -1e-7;
/// Half-widths of the windows of log-determinants in which an optimum is settled.
const WINDOWS: [f64; 4] = [0.1, 0.05, 0.02, 0.02];

/// The fit of a model with random unit effects.
pub(crate) fn random(
    sample: &Sample,
    place: RandomEffects,
    shared: &Shared,
    interrupt: &dyn Interrupt,
) -> Result<Estimated, EstimateError> {
    let problem = sample.problem;
    let lag_weights = problem.lag_weights.as_ref().filter(|_| problem.model.has_lag());
    let error_weights = problem.error_weights.as_ref().filter(|_| problem.model.has_error());
    let spectra = [lag_weights, error_weights].map(|w| w.map(|w| shared.spectrum(w, interrupt)).transpose());
    let [lag, error] = spectra;
    let (lag, error) = (lag?, error?);
    let dense = shared.dense_units();
    let lag = lag.as_deref().map(|s| Axis::new(s, interrupt, dense));
    let error = error.as_deref().map(|s| Axis::new(s, interrupt, dense));
    let between = match (place, error_weights) {
        (RandomEffects::Baltagi, Some(w)) => Some(Between::new(w)?),
        _ => None,
    };
    let fit = Fit { sample, axes: [lag.as_ref(), error.as_ref()], between: between.as_ref(), interrupt, dense };
    fit.run()
}

struct Fit<'a> {
    sample: &'a Sample<'a>,
    axes: [Option<&'a Axis<'a>>; 2],
    between: Option<&'a Between>,
    interrupt: &'a dyn Interrupt,
    dense: usize,
}

/// Where the likelihood is largest.
struct Optimum<'a> {
    x: [f64; 3],
    point: Point,
    profile: Profile<'a>,
    iterations: usize,
}

impl<'a> Fit<'a> {
    fn size(&self) -> (usize, usize) {
        (self.sample.units, self.sample.periods)
    }

    fn error(&self) -> Option<&'a Weights> {
        self.axes[1].map(|axis| axis.weights)
    }

    fn run(&self) -> Result<Estimated, EstimateError> {
        let sample = self.sample;
        if dot(&sample.e0, &sample.e0) <= 1e-24 * sample.outcome_square {
            return Err(EstimateError::PerfectFit);
        }
        let best = self.search()?;
        let [rho, lambda, omega] = best.x;
        let mut remarks = self.boundary(&best);
        let has_variance = omega < NOTHING;
        if !has_variance {
            remarks.push(Remark::NoUnitVariance);
        }
        let sigma2 = best.point.sse / sample.row.observations;
        let psi = if has_variance { (-omega).exp_m1() } else { 0.0 };
        let gamma = self.gamma(rho, &best.point.shift);
        let slopes = sample.slopes_from(&gamma);
        let mut coefficients: Vec<f64> = slopes.iter().copied().collect();
        coefficients.extend(self.axes[0].map(|_| rho));
        coefficients.extend(self.axes[1].map(|_| lambda));
        let size = coefficients.len();
        self.interrupt.begin("information");
        let whole = sample.units <= self.dense;
        let operator = match (self.axes[0], &best.profile.curves[0]) {
            (Some(axis), Some(curve)) => Some(Operator::new(axis, rho, curve, whole)?),
            _ => None,
        };
        let at_end = remarks.iter().any(|r| matches!(r, Remark::Boundary { .. }));
        let variance = match (at_end, sample.problem.variance) {
            (true, _) => None,
            (_, Variance::Iid | Variance::Observed) => self.observed(&best)?,
            _ => return Err(EstimateError::VarianceNotDefined),
        };
        if variance.is_none() && !at_end {
            remarks.push(Remark::SingularVariance { parameters: (0..size).collect() });
        }
        let vcov = self.on_slopes(variance, size);
        let theta = DVector::from_vec(coefficients.clone());
        self.interrupt.begin("effects");
        let effects = effects(sample, operator.as_ref(), &theta, &vcov)?;
        let policy = policy(sample, operator.as_ref(), &theta, &vcov)?;
        let events = events(sample, operator.as_ref(), &theta, &vcov)?;
        remarks.extend(operator.iter().flat_map(Operator::remarks));
        let parts = self.predicted(&coefficients, &best, psi)?;
        let [lag, error] = self.axes;
        Ok(Estimated {
            effects,
            policy,
            events,
            sigma2,
            sigma2_unit: Some(sigma2 * psi / sample.periods as f64),
            loglik: best.point.loglik,
            parameters: size + 2,
            reference: Reference::Normal,
            rho_interval: lag.map(|axis| axis.interval),
            lambda_interval: error.map(|axis| axis.interval),
            log_determinant: lag.or(error).map(|axis| axis.filter.method()),
            iterations: best.iterations,
            unit_effects: parts.unit_effects,
            triangle: self.triangle(&best)?,
            r2_within: parts.r2_within,
            remarks,
            ..answer(sample, &coefficients, vcov, &parts.rest, parts.innovations)?
        })
    }

    fn profile(&self, curves: [Option<Curve>; 2], between: Option<&'a Between>) -> Profile<'a> {
        let sample = self.sample;
        let mut columns: Vec<&[f64]> = vec![&sample.e0];
        columns.extend(sample.e1.iter().map(Vec::as_slice));
        columns.extend(sample.basis.iter().map(Vec::as_slice));
        Profile {
            products: Products::new(&columns, self.size(), self.error(), between),
            between,
            axes: self.axes,
            curves,
            units: sample.units as f64,
            periods: sample.periods as f64,
            lag: sample.e1.is_some(),
        }
    }

    /// Climbs from several starts on rough log-determinants, then on exact ones around the best.
    fn search(&self) -> Result<Optimum<'a>, EstimateError> {
        let stop = || self.interrupt.stop();
        let looks = [0, 1].map(|k| self.axes[k].map(|axis| axis.look()).transpose());
        let [first, second] = looks;
        let looks = [first?, second?];
        // An effect outside of the filter is expensive to move: it starts where one inside of it ends.
        let rough = self.profile(looks.clone(), None);
        let bounds = rough.bounds();
        let grid = |k: usize| match self.axes[k] {
            Some(_) => vec![0.8 * bounds[k].0, 0.0, 0.8 * bounds[k].1],
            None => vec![0.0],
        };
        let mut found: Option<([f64; 3], f64)> = None;
        let mut iterations = 0;
        for rho in grid(0) {
            for lambda in grid(1) {
                for omega in [-0.3, -3.0] {
                    let (x, _, steps) = rough.climb([rho, lambda, omega], bounds, &stop)?;
                    iterations += steps;
                    let value = rough.at(x)?.loglik;
                    if found.is_none_or(|(_, best)| value > best) {
                        found = Some((x, value));
                    }
                }
            }
        }
        let (start, _) = found.ok_or(EstimateError::NotFinite)?;
        let mut profile = rough;
        let mut starts = vec![start];
        if self.between.is_some() {
            profile = self.profile(looks, self.between);
            starts.extend([[start[0], 0.0, start[2]], [start[0], 0.5 * start[1], -1.0]]);
        }
        let mut best: Option<([f64; 3], f64, f64)> = None;
        for start in starts {
            let (x, score, steps) = profile.climb(start, bounds, &stop)?;
            iterations += steps;
            let value = profile.at(x)?.loglik;
            if best.is_none_or(|(_, most, _)| value > most) {
                best = Some((x, value, score));
            }
        }
        let (mut x, _, mut score) = best.ok_or(EstimateError::NotFinite)?;
        if self.axes.iter().flatten().any(|axis| !axis.exact()) {
            for half in WINDOWS {
                let window = |k: usize| self.axes[k].map(|axis| axis.window(x[k], half)).transpose();
                profile.curves = [window(0)?, window(1)?];
                let inside = [0, 1, 2].map(|k| match &profile.curves.get(k) {
                    Some(Some(c)) => (c.lo.max(bounds[k].0), c.hi.min(bounds[k].1)),
                    _ => bounds[k],
                });
                let (next, s, steps) = profile.climb(x, inside, &stop)?;
                (x, score) = (next, s);
                iterations += steps;
            }
        }
        if score > 1e-5 * self.sample.row.observations && !self.at_end(x) {
            return match self.axes.iter().flatten().next() {
                Some(axis) => Err(EstimateError::NotConverged { iterations, score, interval: axis.interval }),
                None => Err(EstimateError::NotFinite),
            };
        }
        let point = profile.at(x)?;
        Ok(Optimum { x, point, profile, iterations })
    }

    fn at_end(&self, x: [f64; 3]) -> bool {
        (0..2).any(|k| self.axes[k].is_some_and(|axis| axis.at_boundary(x[k])))
    }

    fn boundary(&self, best: &Optimum) -> Vec<Remark> {
        let of = |(k, parameter): (usize, &'static str)| {
            let axis = self.axes[k].filter(|axis| axis.at_boundary(best.x[k]))?;
            Some(Remark::Boundary { parameter, value: best.x[k], interval: axis.interval })
        };
        [(0, "rho"), (1, "lambda")].into_iter().filter_map(of).collect()
    }

    /// Coefficients on the basis: `d₀ − ρd₁ + shift`.
    fn gamma(&self, rho: f64, shift: &DVector<f64>) -> DVector<f64> {
        let mut gamma = &self.sample.d0 + shift;
        if let Some(d1) = &self.sample.d1 {
            gamma -= d1 * rho;
        }
        gamma
    }

    /// `V` of slopes on the basis and spatial parameters: the inverse of the negative Hessian of the whole likelihood, by its
    /// partition into `V_θ` of the concentrated likelihood and
    /// `V_γ = σ²(B'Σ⁻¹B)⁻¹ + J V_θ J'`, `J` the derivative of the slopes that θ leaves best.
    fn observed(&self, best: &Optimum) -> Result<Option<DMatrix<f64>>, EstimateError> {
        let mut free = best.profile.free();
        if best.x[2] >= NOTHING {
            free.retain(|&k| k != 2);
        }
        let Some(inner) = invert(&-best.profile.hessian(best.x, &free)?) else { return Ok(None) };
        let p = self.sample.slopes();
        let mut jacobian = DMatrix::zeros(p, free.len());
        for (j, &k) in free.iter().enumerate() {
            let h = 1e-4;
            let at = |s: f64| -> Result<DVector<f64>, EstimateError> {
                let mut y = best.x;
                y[k] += s * h;
                Ok(self.gamma(y[0], &best.profile.at(y)?.shift))
            };
            jacobian.set_column(j, &((at(1.0)? - at(-1.0)?) / (2.0 * h)));
        }
        let Some(own) = invert(&self.slopes_block(best)?) else { return Ok(None) };
        let sigma2 = best.point.sse / self.sample.row.observations;
        let q = free.iter().filter(|&&k| k < 2).count();
        let mut out = DMatrix::zeros(p + q, p + q);
        out.view_mut((0, 0), (p, p)).copy_from(&(own * sigma2 + &jacobian * &inner * jacobian.transpose()));
        let cross = &jacobian * &inner;
        out.view_mut((0, p), (p, q)).copy_from(&cross.columns(0, q));
        out.view_mut((p, 0), (q, p)).copy_from(&cross.columns(0, q).transpose());
        out.view_mut((p, p), (q, q)).copy_from(&inner.view((0, 0), (q, q)));
        Ok(Some(out))
    }

    /// `B'Σ⁻¹B σ²` of the basis.
    fn slopes_block(&self, best: &Optimum) -> Result<DMatrix<f64>, EstimateError> {
        let a = best.profile.products.at(best.x[1], best.x[2])?;
        let head = a.nrows() - self.sample.slopes();
        Ok(a.view((head, head), (self.sample.slopes(), self.sample.slopes())).into_owned())
    }

    /// From the basis to the slopes, parameters of the variance left out.
    fn on_slopes(&self, variance: Option<DMatrix<f64>>, size: usize) -> DMatrix<f64> {
        let p = self.sample.slopes();
        let Some(v) = variance else { return DMatrix::from_element(size, size, f64::NAN) };
        let mut back = DMatrix::identity(size, size);
        back.view_mut((0, 0), (p, p)).copy_from(&self.sample.inverse_triangle());
        &back * v.view((0, 0), (size, size)) * back.transpose()
    }

    /// R with `R'R = Z'Σ⁻¹Z σ²`: that of generalized least squares.
    fn triangle(&self, best: &Optimum) -> Result<Vec<Vec<f64>>, EstimateError> {
        let t = &self.sample.triangle;
        let products = t.transpose() * self.slopes_block(best)? * t;
        let r = products.cholesky().ok_or(EstimateError::NotFinite)?.l().transpose();
        Ok(r.row_iter().map(|row| row.iter().copied().collect()).collect())
    }

    /// The unit effects as best predicted, and what is left.
    fn predicted(&self, coefficients: &[f64], best: &Optimum, psi: f64) -> Result<Parts, EstimateError> {
        let sample = self.sample;
        let (n, t) = self.size();
        let [_, lambda, omega] = best.x;
        let mut u = sample.outcome.to_vec();
        let mut terms: Vec<(f64, &[f64])> = sample.design.iter().zip(coefficients).map(|(x, b)| (-b, &**x)).collect();
        if let Some(wy) = &sample.outcome_lag {
            terms.push((-best.x[0], wy));
        }
        combine(&terms, &mut u);
        let filter = |x: &[f64], periods: usize| {
            let mut out = x.to_vec();
            if let Some(w) = self.error() {
                axpy(-lambda, &lagged(w, x, periods), &mut out);
            }
            out
        };
        let means = panel::unit_means(&u, n, t);
        // On the outcome's scale: (1 − φ²)ū, and ψKū with the effect outside of the filter.
        let unit_effects: Vec<f64> = match self.between {
            Some(between) if psi > 0.0 => between.at(lambda, omega)?.apply(&means)?.iter().map(|v| psi * v).collect(),
            Some(_) => vec![0.0; n],
            None => means.iter().map(|m| -omega.exp_m1() * m).collect(),
        };
        let mut rest = u.clone();
        for column in rest.chunks_exact_mut(n) {
            axpy(-1.0, &unit_effects, column);
        }
        let innovations = filter(&rest, t);
        let mut inner = u;
        panel::demean_unit(&mut inner, n, t);
        let mut within = sample.outcome.to_vec();
        panel::demean_unit(&mut within, n, t);
        Ok(Parts { r2_within: 1.0 - dot(&inner, &inner) / dot(&within, &within), unit_effects, rest, innovations })
    }
}

struct Parts {
    unit_effects: Vec<f64>,
    /// Residuals on the outcome's scale without the unit effects, and their filtrate.
    rest: Vec<f64>,
    innovations: Vec<f64>,
    r2_within: f64,
}
