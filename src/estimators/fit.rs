//! One model from sample to estimate: search, corrections, variance, effects.

use super::answer::{answer, least_squares};
use super::axis::Axis;
use super::correct::corrected;
use super::dynamics::Dynamics;
use super::instruments::two_stage;
use super::moments::moments;
use super::profile::Profile;
use super::random::random;
use super::renumber::Renumbered;
use super::sample::Sample;
use super::search::{Optimum, Search, Searcher};
use super::shared::Shared;
use super::solution::Solution;
use super::*;
use crate::inference::effects::effects;
use crate::inference::events::events;
use crate::inference::information::{Places, expected, invert, observed};
use crate::inference::martingale::outer_product;
use crate::inference::operators::Operators;
use crate::inference::policy::policy;
use crate::inference::probing::{Bread, Probed, of_information};
use crate::inference::quasi::excess;
use crate::linalg::iterate::dot;
use crate::weights::Weights;
use nalgebra::{DMatrix, DVector};
use std::f64::consts::PI;
use std::sync::Arc;

/// A residual sum of squares below this share of the outcome's is zero.
const PERFECT: f64 = 1e-24;

/// Fits one model by the formulas of methods C.1–C.6, C.11, D.1, D.2 and D.4.
///
/// Units of a large sample are renumbered so that neighbors are close in memory; what comes back has the problem's order.
pub fn estimate(problem: &Problem, interrupt: &dyn Interrupt) -> Result<Estimated, EstimateError> {
    estimate_with(problem, &Shared::default(), None, interrupt)
}

/// As [`estimate`], with what models of one run have in common in `shared`; no bit depends on what is known there.
/// Problems of one `key` differ in variances and levels alone: they have one optimum.
pub fn estimate_with(
    problem: &Problem,
    shared: &Shared,
    key: Option<&str>,
    interrupt: &dyn Interrupt,
) -> Result<Estimated, EstimateError> {
    match Renumbered::of(problem, shared)? {
        Some(renumbered) => Ok(renumbered.undo(fit_with(&renumbered.problem, shared, key, interrupt)?)),
        None => fit_with(problem, shared, key, interrupt),
    }
}

/// The estimate with whole matrices up to `dense_units` units, and without above.
#[cfg(test)]
pub(crate) fn fit(
    problem: &Problem,
    interrupt: &dyn Interrupt,
    dense_units: usize,
) -> Result<Estimated, EstimateError> {
    fit_with(problem, &Shared::with(dense_units), None, interrupt)
}

fn fit_with(
    problem: &Problem,
    shared: &Shared,
    key: Option<&str>,
    interrupt: &dyn Interrupt,
) -> Result<Estimated, EstimateError> {
    interrupt.begin("sample");
    let sample = Sample::new(problem)?;
    match problem.approach {
        Approach::Instruments { .. } => return two_stage(&sample, shared, interrupt),
        Approach::Moments => return moments(&sample, shared, interrupt),
        Approach::Random(place) => return random(&sample, place, shared, interrupt),
        Approach::Likelihood => {}
    }
    if !problem.model.has_lag() && !problem.model.has_error() {
        return least_squares(&sample, interrupt, shared.dense_units());
    }
    with_axes(&sample, shared, interrupt, |fit| {
        fit.run(|searcher| {
            shared.search(key, || {
                interrupt.done("search", key.unwrap_or_default());
                searcher.search()
            })
        })
    })
}

/// The coefficients alone (slopes, ρ, λ), corrections and all, of a static likelihood model; `None` at the end of an
/// interval, where there is no estimate to speak of.
pub(crate) fn point_estimate(
    problem: &Problem,
    shared: &Shared,
    interrupt: &dyn Interrupt,
) -> Result<Option<Vec<f64>>, EstimateError> {
    let sample = Sample::new(problem)?;
    with_axes(&sample, shared, interrupt, |fit| fit.coefficients())
}

/// The model on its sample, with the axes of its spatial parameters.
fn with_axes<T>(
    sample: &Sample,
    shared: &Shared,
    interrupt: &dyn Interrupt,
    then: impl FnOnce(&Fit) -> Result<T, EstimateError>,
) -> Result<T, EstimateError> {
    let problem = sample.problem;
    let lag_weights = problem.lag_weights.as_ref().filter(|_| problem.model.has_lag());
    let error_weights = problem.error_weights.as_ref().filter(|_| problem.model.has_error());
    let lag = lag_weights.map(|w| shared.spectrum(w, interrupt)).transpose()?;
    let error = error_weights.map(|w| shared.spectrum(w, interrupt)).transpose()?;
    let dense_units = shared.dense_units();
    let lag = lag.as_deref().map(|s| Axis::new(s, interrupt, dense_units));
    let error = error.as_deref().map(|s| Axis::new(s, interrupt, dense_units));
    then(&Fit { sample, axes: [lag.as_ref(), error.as_ref()], interrupt, dense_units })
}

/// A likelihood model on its sample.
struct Fit<'a> {
    sample: &'a Sample<'a>,
    axes: [Option<&'a Axis<'a>>; 2],
    interrupt: &'a dyn Interrupt,
    dense_units: usize,
}

/// The point at which variances and effects are taken.
struct Point<'a> {
    solution: Solution<'a>,
    operators: Operators<'a>,
    loglik: f64,
    /// The bias of methods C.7 was taken out, or there is none.
    unbiased: bool,
}

impl<'a> Fit<'a> {
    fn run(
        &self,
        found: impl FnOnce(&Searcher) -> Result<Arc<Search>, EstimateError>,
    ) -> Result<Estimated, EstimateError> {
        let sample = self.sample;
        let profile = Profile::new(sample, self.error())?;
        if profile.at(0.0, 0.0)?.sse <= PERFECT * sample.outcome_square {
            return Err(EstimateError::PerfectFit);
        }
        let searcher = Searcher { row: sample.row, profile: &profile, axes: self.axes, interrupt: self.interrupt };
        let search = found(&searcher)?;
        let best = search.optima.first().ok_or(EstimateError::NotFinite)?;
        let boundary = self.boundary(best);
        let mut remarks = two_optima(&search);
        remarks.extend(boundary.clone());
        let point = self.point(&profile, best, boundary.is_empty())?;
        self.pause()?;
        let size = Places::of(&point.solution).sigma2;
        let variance = if boundary.is_empty() { self.variance(&point, &mut remarks)? } else { None };
        let vcov = self.on_slopes(variance, size);
        self.finish(&point, vcov, &search, remarks)
    }

    /// See [`point_estimate`].
    fn coefficients(&self) -> Result<Option<Vec<f64>>, EstimateError> {
        let sample = self.sample;
        let profile = Profile::new(sample, self.error())?;
        let searcher = Searcher { row: sample.row, profile: &profile, axes: self.axes, interrupt: self.interrupt };
        let search = searcher.search()?;
        let best = search.optima.first().ok_or(EstimateError::NotFinite)?;
        if !self.boundary(best).is_empty() {
            return Ok(None);
        }
        let (slopes, rho, lambda) = if sample.row.corrected || sample.problem.df_adjust {
            let solution = self.point(&profile, best, true)?.solution;
            (solution.slopes(), solution.rho, solution.lambda)
        } else {
            (sample.slopes_from(&self.gamma(&profile, best.rho, best.lambda)?.0), best.rho, best.lambda)
        };
        let mut out: Vec<f64> = slopes.iter().copied().collect();
        out.extend(self.axes[0].map(|_| rho));
        out.extend(self.axes[1].map(|_| lambda));
        Ok(Some(out))
    }

    /// The best coefficients on the basis at (ρ, λ), and their sum of squares.
    fn gamma(&self, profile: &Profile, rho: f64, lambda: f64) -> Result<(DVector<f64>, f64), EstimateError> {
        let point = profile.at(rho, lambda)?;
        // Without an error matrix e₀ and e₁ are off the basis already: nothing to shift.
        let d0 = &self.sample.d0;
        let mut gamma = if point.shift.is_empty() { d0.clone() } else { d0 + &point.shift };
        if let Some(d1) = &self.sample.d1 {
            gamma -= d1 * rho;
        }
        Ok((gamma, point.sse))
    }

    fn dynamics(&self) -> Option<Dynamics<'a>> {
        Dynamics::of(self.sample, self.axes[0], self.interrupt, self.sample.units <= self.dense_units)
    }

    fn error(&self) -> Option<&'a Weights> {
        self.axes[1].map(|axis| axis.weights)
    }

    fn pause(&self) -> Result<(), EstimateError> {
        if self.interrupt.stop() { Err(EstimateError::Interrupted) } else { Ok(()) }
    }

    fn boundary(&self, best: &Optimum) -> Vec<Remark> {
        let places = [("rho", best.rho), ("lambda", best.lambda)];
        let at_end = |(axis, (parameter, value)): (&Option<&Axis>, (&'static str, f64))| {
            let axis = axis.filter(|a| a.at_boundary(value))?;
            Some(Remark::Boundary { parameter, value, interval: axis.interval })
        };
        self.axes.iter().zip(places).filter_map(at_end).collect()
    }

    /// The optimum's data and operators, after the corrections of methods C.5 where they apply.
    fn point(&self, profile: &Profile, best: &Optimum, correct: bool) -> Result<Point<'a>, EstimateError> {
        let sample = self.sample;
        let at = |rho: f64, lambda: f64| self.gamma(profile, rho, lambda);
        let (gamma, sse) = at(best.rho, best.lambda)?;
        if sse <= PERFECT * sample.outcome_square {
            return Err(EstimateError::PerfectFit);
        }
        let sigma2 = sse / sample.row.observations;
        let solution = Solution::new(sample, self.error(), gamma, best.rho, best.lambda, sigma2);
        let dense = sample.units <= self.dense_units;
        let operators = |s: &Solution| Operators::new(s, self.axes, &best.curves, dense);
        let first = operators(&solution)?;
        let dynamics = self.dynamics().filter(|_| sample.row.time_bias);
        // The bias of methods C.7 is that of a stable model.
        let stable = match &dynamics {
            Some(d) => d.largest_root(solution.slopes().as_slice(), solution.rho)? < 1.0,
            None => true,
        };
        let dynamics = dynamics.filter(|_| stable);
        if !correct || !(sample.row.corrected || sample.problem.df_adjust || dynamics.is_some()) {
            return Ok(Point { operators: first, solution, loglik: best.loglik, unbiased: stable && correct });
        }
        let solution = corrected(sample, &solution, &first, self.error(), dynamics.as_ref(), &at)?;
        let loglik = self.loglik(&solution)?;
        Ok(Point { operators: operators(&solution)?, solution, loglik, unbiased: stable })
    }

    /// The log-likelihood of methods C.4 away from the optimum.
    fn loglik(&self, solution: &Solution) -> Result<f64, EstimateError> {
        let row = &self.sample.row;
        let sse = dot(&solution.residual, &solution.residual);
        let mut value = -0.5 * row.observations * (2.0 * PI * solution.sigma2).ln() - sse / (2.0 * solution.sigma2);
        for (axis, x) in self.axes.iter().zip([solution.rho, solution.lambda]) {
            if let Some(axis) = axis {
                value += row.periods * axis.filter.log_determinant(x)? - axis.constant(row, x).0;
            }
        }
        Ok(value)
    }

    /// V of methods C.6 on the basis coefficients, the spatial parameters and σ²; `None` where it does not exist.
    fn variance(&self, point: &Point, remarks: &mut Vec<Remark>) -> Result<Option<DMatrix<f64>>, EstimateError> {
        let (solution, operators) = (&point.solution, &point.operators);
        let row = &self.sample.row;
        let which = self.sample.problem.variance;
        self.interrupt.begin("information");
        let is_observed = which == Variance::Observed;
        let systematic = if is_observed { None } else { operators.systematic_lag(solution)? };
        let g = systematic.as_deref();
        let traces = operators.traces(row.projected, !is_observed)?;
        let information = if is_observed { observed(solution, &traces) } else { expected(solution, g, &traces) };
        let Some(i) = invert(&information) else {
            let size = Places::of(solution).sigma2;
            remarks.push(Remark::SingularVariance { parameters: (0..size).collect() });
            return Ok(None);
        };
        let size = Places::of(solution).sigma2;
        let back = self.back(size);
        let bread = Bread { inverse: &i, back: &back };
        let of_information = of_information(&Places::of(solution), row.periods, &traces);
        let n = self.sample.panel_units() as f64;
        let (variance, probed, within) = match which {
            Variance::Iid | Variance::Observed => (i.clone(), Probed::exact(DMatrix::zeros(0, 0)), true),
            // The cumulants of residuals are known off means of units and periods alone.
            Variance::Qml if self.sample.absorber.is_some() => return Err(EstimateError::VarianceNotDefined),
            Variance::Qml => {
                let omega = excess(solution, operators, g)?;
                (&i + bread.around(&omega.matrix), omega, true)
            }
            Variance::ClusterUnit => {
                self.interrupt.begin("clustered variance");
                if row.corrected {
                    remarks.extend(leverage(self.sample, g));
                }
                let share = |meat: &DMatrix<f64>, deviations: &[DMatrix<f64>]| {
                    let moved: Vec<DMatrix<f64>> = deviations.iter().map(|d| bread.around(d)).collect();
                    bread.largest_share(&bread.around(meat), &moved)
                };
                let scores = outer_product(solution, operators, g, share)?;
                let small_sample = n / (n - 1.0);
                let scores = Probed {
                    matrix: scores.matrix * small_sample,
                    deviations: scores.deviations.into_iter().map(|d| d * small_sample).collect(),
                    ..scores
                };
                (bread.around(&scores.matrix), scores, false)
            }
            _ => return Err(EstimateError::VarianceNotDefined),
        };
        let mut deviations = bread.through_information(&variance, &of_information, within);
        deviations.extend(probed.deviations.iter().map(|d| bread.around(d)));
        let probes = traces.probes.max(probed.probes);
        if probes > 0 {
            let share = bread.largest_share(&variance, &deviations);
            remarks.push(Remark::ProbedErrors { probes, share });
        }
        Ok(Some(variance))
    }

    /// `N/(N − 1)` of the clustered variance.
    fn small_sample(&self) -> Option<SmallSample> {
        let n = self.sample.panel_units();
        (self.sample.problem.variance == Variance::ClusterUnit).then(|| SmallSample {
            factor: n as f64 / (n as f64 - 1.0),
            rows: self.sample.counts.rows,
            counted: None,
            clusters: Some(n),
        })
    }

    /// From the orthonormal basis to the slopes; spatial parameters as they are, σ² left out.
    fn back(&self, size: usize) -> DMatrix<f64> {
        let p = self.sample.slopes();
        let mut back = DMatrix::identity(size, size);
        back.view_mut((0, 0), (p, p)).copy_from(&self.sample.inverse_triangle());
        back
    }

    /// A variance on the slopes.
    fn on_slopes(&self, variance: Option<DMatrix<f64>>, size: usize) -> DMatrix<f64> {
        let Some(v) = variance else { return DMatrix::from_element(size, size, f64::NAN) };
        let back = self.back(size);
        &back * v.view((0, 0), (size, size)) * back.transpose()
    }

    fn finish(
        &self,
        point: &Point,
        vcov: DMatrix<f64>,
        search: &Search,
        mut remarks: Vec<Remark>,
    ) -> Result<Estimated, EstimateError> {
        let (sample, solution) = (self.sample, &point.solution);
        let places = Places::of(solution);
        let mut coefficients: Vec<f64> = solution.slopes().iter().copied().collect();
        coefficients.extend(places.rho.map(|_| solution.rho));
        coefficients.extend(places.lambda.map(|_| solution.lambda));
        let theta = DVector::from_vec(coefficients.clone());
        let operator = point.operators.lag.as_ref();
        self.interrupt.begin("effects");
        let effects = effects(sample, operator, &theta, &vcov)?;
        let policy = policy(sample, operator, &theta, &vcov)?;
        let events = events(sample, operator, &theta, &vcov)?;
        let dynamics = self.dynamics().map(|d| d.outcome(&theta, &vcov, point.unbiased)).transpose()?;
        let (dynamics, of_dynamics) = dynamics.unzip();
        remarks.extend(of_dynamics.into_iter().flatten());
        remarks.extend(point.operators.remarks());
        let [lag, error] = self.axes;
        Ok(Estimated {
            effects,
            policy,
            events,
            dynamics,
            sigma2: solution.sigma2,
            loglik: point.loglik,
            parameters: coefficients.len() + 1,
            reference: Reference::Normal,
            small_sample: self.small_sample(),
            rho_interval: lag.map(|axis| axis.interval),
            lambda_interval: error.map(|axis| axis.interval),
            log_determinant: lag.or(error).map(|axis| axis.filter.method()),
            iterations: search.iterations,
            remarks,
            ..answer(sample, &coefficients, vcov, &structural(solution), solution.residual.clone())?
        })
    }
}

/// Another optimum within 2 log-likelihood units.
fn two_optima(search: &Search) -> Vec<Remark> {
    let triple = |o: &Optimum| [o.rho, o.lambda, o.loglik];
    match &search.optima[..] {
        [best, other, ..] if best.loglik - other.loglik < 2.0 => {
            vec![Remark::TwoOptima { best: triple(best), other: triple(other) }]
        }
        _ => Vec::new(),
    }
}

/// `Q(y − ρWy − Zβ)` with the period effects of the filtered model taken out.
pub(crate) fn structural(solution: &Solution) -> Vec<f64> {
    let mut u = solution.unfiltered_residual();
    if solution.error.is_some() && solution.sample.row.period_effects {
        let filtered = solution.filtered(&u);
        let norm = dot(&solution.direction, &solution.direction);
        let n = solution.sample.units;
        for (column, f) in u.chunks_exact_mut(n).zip(filtered.chunks_exact(n)) {
            let effect = dot(&solution.direction, f) / norm;
            column.iter_mut().for_each(|v| *v -= effect);
        }
    }
    u
}

/// One unit with more than a quarter of g'g (methods C.6, item 1).
fn leverage(sample: &Sample, g: Option<&[f64]>) -> Option<Remark> {
    let g = g?;
    let total = dot(g, g);
    (0..sample.units)
        .map(|i| (i, (0..sample.periods).map(|t| g[t * sample.units + i].powi(2)).sum::<f64>() / total))
        .filter(|(_, share)| *share > 0.25)
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(unit, share)| Remark::Leverage { unit, share })
}
