//! Effects by time since the start of a treatment, or of a neighbor's for exposed units (methods E.2, D.4).

use super::effects::{Functional, functionals, measured};
use super::operator::{Diagonals, Operator};
use super::policy::own_part;
use crate::estimators::sample::{Sample, lag};
use crate::estimators::{EffectOf, EstimateError, EventsOf, Exposure, Measured};
use crate::linalg::iterate::axpy;
use nalgebra::{DMatrix, DVector};

/// A slope of the event times: its place, what a unit change of it does to every cell, and the own part of that.
struct Slope {
    at: usize,
    /// Which event time it belongs to.
    event: usize,
    effect: Vec<f64>,
    /// Which of the diagonals is its own part: 0 for the regressor itself, `b + 1` for its lag by matrix `b`; exposure
    /// comes from others alone.
    own: Option<usize>,
}

/// What the event times of a problem did; `None` where it has none.
pub(crate) fn events(
    sample: &Sample,
    operator: Option<&Operator>,
    coefficients: &DVector<f64>,
    vcov: &DMatrix<f64>,
) -> Result<Option<EventsOf>, EstimateError> {
    let count = sample.problem.events;
    if count == 0 {
        return Ok(None);
    }
    let (n, t) = (sample.units, sample.periods);
    let mut own: Vec<Diagonals> = vec![own_part(n, operator, None)?];
    for w in &sample.problem.durbin_weights {
        own.push(own_part(n, operator, Some(w))?);
    }
    let spread = |x: Vec<f64>| match operator {
        Some(operator) => operator.inverse(&x, false),
        None => Ok(x),
    };
    let mut slopes = Vec::new();
    for event in 0..count {
        let at_event = &*sample.met(event);
        slopes.push(Slope { at: sample.own(event), event, effect: spread(at_event.to_vec())?, own: Some(0) });
        for (b, w) in sample.problem.durbin_weights.iter().enumerate() {
            if let Some(at) = sample.lag_of(b, event) {
                slopes.push(Slope { at, event, effect: spread(lag(w, at_event, t))?, own: Some(b + 1) });
            }
        }
    }
    for b in 0..sample.problem.exposures {
        for event in 0..count {
            let k = exposed(count, b, event);
            slopes.push(Slope { at: sample.own(k), event, effect: spread(sample.met(k).to_vec())?, own: None });
        }
    }
    // What all event times together do to every cell, and how it moves with ρ: ∂e/∂ρ = G e.
    let mut all = vec![0.0; n * t];
    slopes.iter().for_each(|s| axpy(coefficients[s.at], &s.effect, &mut all));
    let moved = operator.map(|operator| operator.image(&all, false)).transpose()?;
    let averages = Averages { sample, slopes: &slopes, own: &own, all: &all, moved: moved.as_deref() };
    let found: Vec<(EffectOf, usize)> =
        (0..count).map(|event| averages.on_treated(event, coefficients, vcov)).collect();
    let (on_treated, cells) = found.into_iter().unzip();
    let mut covariances = covariances(sample, operator, coefficients, vcov)?;
    let mut on_exposed = None;
    if sample.problem.exposures > 0 {
        let found: Vec<(Functional, usize)> =
            (0..count).map(|event| averages.on_exposed(event, coefficients)).collect();
        covariances[1] = across(&found.iter().map(|f| &f.0.1).collect::<Vec<_>>(), vcov);
        let exposure =
            |(of, cells): &(Functional, usize)| Exposure { effect: measured(of.0, &of.1, vcov), cells: *cells };
        on_exposed = Some(found.iter().map(exposure).collect());
    }
    Ok(Some(EventsOf { on_treated, cells, covariances, on_exposed }))
}

/// The regressor of exposure by matrix `b` at one of so many event times.
fn exposed(count: usize, b: usize, event: usize) -> usize {
    count * (b + 1) + event
}

struct Averages<'a> {
    sample: &'a Sample<'a>,
    slopes: &'a [Slope],
    own: &'a [Diagonals],
    all: &'a [f64],
    moved: Option<&'a [f64]>,
}

impl Averages<'_> {
    /// Means over the cells at an event time, and how many there are.
    fn on_treated(&self, event: usize, coefficients: &DVector<f64>, vcov: &DMatrix<f64>) -> (EffectOf, usize) {
        let n = self.sample.units;
        let column = &*self.sample.design[self.sample.own(event)];
        let cells: Vec<usize> = (0..column.len()).filter(|&r| column[r] > 0.5).collect();
        let mean = |x: &dyn Fn(usize) -> f64| cells.iter().map(|&r| x(r)).sum::<f64>() / cells.len() as f64;
        let rho = self.sample.slopes();
        let mut total = (mean(&|r| self.all[r]), DVector::zeros(coefficients.len()));
        let mut direct = (0.0, DVector::zeros(coefficients.len()));
        for slope in self.slopes {
            total.1[slope.at] = mean(&|r| slope.effect[r]);
            if let Some(own) = slope.own.filter(|_| slope.event == event) {
                let diagonals = &self.own[own];
                let level = mean(&|r| diagonals.level[r % n]);
                direct.0 += coefficients[slope.at] * level;
                direct.1[slope.at] = level;
                if self.moved.is_some() {
                    direct.1[rho] += coefficients[slope.at] * mean(&|r| diagonals.slope[r % n]);
                }
            }
        }
        if let Some(moved) = self.moved {
            total.1[rho] = mean(&|r| moved[r]);
        }
        let of = |value: f64, gradient: &DVector<f64>| -> Measured { measured(value, gradient, vcov) };
        let effect = EffectOf {
            direct: of(direct.0, &direct.1),
            indirect: of(total.0 - direct.0, &(&total.1 - &direct.1)),
            total: of(total.0, &total.1),
        };
        (effect, cells.len())
    }

    /// The mean over untreated cells at an event time of a clock of their exposure of what comes from other units, and
    /// how many there are: all of the effect but what the own event times, which may have leads there, do by themselves.
    fn on_exposed(&self, event: usize, coefficients: &DVector<f64>) -> (Functional, usize) {
        let (n, problem) = (self.sample.units, self.sample.problem);
        let at_event = |r: &usize| {
            (0..problem.exposures).any(|b| {
                let k = exposed(problem.events, b, event);
                self.sample.design[self.sample.own(k)][*r] > 0.5
            })
        };
        let cells: Vec<usize> = (0..self.all.len()).filter(at_event).collect();
        let mean = |x: &dyn Fn(usize) -> f64| cells.iter().map(|&r| x(r)).sum::<f64>() / cells.len() as f64;
        let rho = self.sample.slopes();
        let mut value = mean(&|r| self.all[r]);
        let mut gradient = DVector::zeros(coefficients.len());
        if let Some(moved) = self.moved {
            gradient[rho] = mean(&|r| moved[r]);
        }
        for slope in self.slopes {
            gradient[slope.at] = mean(&|r| slope.effect[r]);
            let Some(own) = slope.own else { continue };
            let (diagonals, column) = (&self.own[own], &*self.sample.design[slope.at]);
            let level = mean(&|r| column[r] * diagonals.level[r % n]);
            value -= coefficients[slope.at] * level;
            gradient[slope.at] -= level;
            if self.moved.is_some() {
                gradient[rho] -= coefficients[slope.at] * mean(&|r| column[r] * diagonals.slope[r % n]);
            }
        }
        ((value, gradient), cells.len())
    }
}

/// The covariance of functionals by their gradients.
fn across(gradients: &[&DVector<f64>], vcov: &DMatrix<f64>) -> DMatrix<f64> {
    let gradients = DMatrix::from_fn(vcov.nrows(), gradients.len(), |i, k| gradients[k][i]);
    gradients.transpose() * vcov * gradients
}

/// Of the direct, indirect and total effects of the event times.
fn covariances(
    sample: &Sample,
    operator: Option<&Operator>,
    coefficients: &DVector<f64>,
    vcov: &DMatrix<f64>,
) -> Result<[DMatrix<f64>; 3], EstimateError> {
    let found = functionals(sample, operator, coefficients)?;
    let count = sample.problem.events;
    let of = |which: usize| across(&found[..count].iter().map(|f| &f[which].1).collect::<Vec<_>>(), vcov);
    Ok([of(0), of(1), of(2)])
}
