//! Designs are answered from the fits of the models derived for them (methods D.5, E.2).

use super::fit::Tails;
use super::testing::{Named, leads};
use super::{Fitted, Run};
use crate::check::spec::{BandSpec, Bin, DesignSpec, EventTimes, ModelSpec};
use crate::designs::uniform;
use crate::fault::Fault;
use crate::linalg::panel::spatial_lag;
use crate::outcome::designs::{BandEffects, ByBand, Design, EventPeriod, EventStudy, Uniform};
use crate::outcome::rings::{RingEffect, Rings};
use crate::outcome::{Effect, Estimate};
use crate::plan::placebo::Prepared;
use nalgebra::DMatrix;
use std::sync::PoisonError;

/// Draws behind uniform intervals (methods E.2).
const DRAWS: usize = 10_000;
/// Standard errors of an effect found with power 0.8 by a test of level 0.05 (methods D.5).
const DETECTABLE: f64 = 2.8;

impl Run<'_> {
    pub(super) fn design(&self, design: &DesignSpec) -> Result<Design, Fault> {
        Ok(match design {
            DesignSpec::EventStudy { of, model } => Design::EventStudy(Box::new(self.event_study(of, *model)?)),
            DesignSpec::ByBand { of, bands } => Design::ByBand(self.by_band(of, bands)?),
            DesignSpec::Placebo(asked) => self.once(design, || self.placebo(design, asked))?,
            DesignSpec::FakeTiming { of, model, shift, .. } => self.fake_timing(of, *model, *shift)?,
            DesignSpec::LeaveOneOut { of, model, by, .. } => {
                self.once(design, || self.leave_one_out(design, of, *model, by))?
            }
            DesignSpec::Simulate(asked) => self.once(design, || self.simulation(asked))?,
            DesignSpec::SpecCurve(asked) => self.spec_curve(asked)?,
            DesignSpec::Joint(asked) => self.once(design, || self.joint(asked))?,
            DesignSpec::ByGroup { of, model, by, split, .. } => {
                self.once(design, || self.by_group(design, (of, *model), by, *split))?
            }
            DesignSpec::SplitExposure { of, model, matrices } => self.split_exposure(of, *model, *matrices)?,
            DesignSpec::Rings { of, model, treatment, rings, .. } => {
                self.rings(design, of, *model, treatment, rings)?
            }
            DesignSpec::Staggered(number) => self.staggered(*number)?,
            DesignSpec::Honest(spec) => Design::Honest(self.honest(spec)?),
        })
    }

    /// An answer that takes many estimates: printed and saved, it is worked out once.
    fn once(&self, design: &DesignSpec, make: impl FnOnce() -> Result<Design, Fault>) -> Result<Design, Fault> {
        let known = || self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = known().iter().find(|(asked, _)| asked == design) {
            return Ok(known.clone());
        }
        let made = make()?;
        known().push((design.clone(), made.clone()));
        Ok(made)
    }

    /// A model with its event times and the name of its treatment.
    pub(super) fn events(&self, model: usize) -> Result<(&Fitted, &EventTimes, String), Fault> {
        let spec: &ModelSpec = &self.spec.models[model];
        let fitted = self.fitted(model)?;
        match &spec.events {
            Some(events) => Ok((fitted, events, self.spec.treatments[events.treatment].name.clone())),
            None => Err(bug("a model of an event study has no event times")),
        }
    }

    fn event_study(&self, of: &str, model: usize) -> Result<EventStudy, Fault> {
        let (fitted, events, treatment) = self.events(model)?;
        let Some(found) = &fitted.estimated.events else { return Err(bug("an event study was not estimated")) };
        let tails = Tails::new(fitted.estimated.reference, fitted.fit.level);
        let level = fitted.fit.level;
        let critical = found
            .covariances
            .each_ref()
            .map(|v| uniform::critical_value(v, level, DRAWS, self.spec.settings.seed).unwrap_or(f64::NAN));
        let band = |e: &Estimate, c: f64| [e.estimate - c * e.se, e.estimate + c * e.se];
        let exposed = |k: usize| found.on_exposed.as_ref().map(|of| of[k]);
        let periods = events
            .bins
            .iter()
            .zip(&fitted.fit.effects)
            .enumerate()
            .map(|(k, (bin, effect))| {
                let exposure = exposed(k);
                let indirect = exposure.map_or_else(|| effect.indirect.clone(), |e| tails.measured(e.effect));
                // The treated and the exposed are different units: their effects have no sum.
                let total = exposure.is_none().then(|| effect.total.clone());
                EventPeriod {
                    event_time: bin.event_time(),
                    label: label(bin),
                    uniform: Uniform {
                        direct: band(&effect.direct, critical[0]),
                        indirect: band(&indirect, critical[1]),
                        total: total.as_ref().map(|total| band(total, critical[2])),
                    },
                    direct: effect.direct.clone(),
                    indirect,
                    total,
                    on_treated: tails.impact(&found.on_treated[k]),
                    treated_units: fitted.plan.event_units[k],
                    treated_cells: found.cells[k],
                    exposed_units: exposure.map(|_| fitted.plan.exposed_units[k]),
                    exposed_cells: exposure.map(|e| e.cells),
                }
            })
            .collect();
        Ok(EventStudy {
            model: of.to_string(),
            treatment,
            reference: events.reference,
            spill_clock: if events.exposures > 0 { "own" } else { "neighbor" },
            level,
            periods,
            leads: leads::of(&Named { name: of.to_string(), fitted }, events),
            uniform_critical: critical,
            draws: DRAWS,
            vcov_direct: rows(&found.covariances[0]),
            vcov_indirect: rows(&found.covariances[1]),
            fit: Box::new(fitted.fit.clone()),
        })
    }

    fn rings(
        &self,
        design: &DesignSpec,
        of: &str,
        model: usize,
        treatment: &str,
        rings: &[[f64; 2]],
    ) -> Result<Design, Fault> {
        let Prepared::Rings(counts) = self.prepared(design)? else { return Err(bug("rings were not counted")) };
        let fit = &self.fitted(model)?.fit;
        let value = |k: usize| fit.coefficients.get(k).map(|c| c.value.clone());
        let mut found = Vec::new();
        for (b, [lo, hi]) in rings.iter().enumerate() {
            let Some(value) = value(b + 1) else { return Err(bug("a ring has no coefficient")) };
            let (exposed_units, cells) = (counts.exposed[b], counts.cells[b]);
            found.push(RingEffect { lo: *lo, hi: *hi, unit: "km", value, exposed_units, cells });
        }
        let Some(direct) = value(0) else { return Err(bug("a treatment has no coefficient")) };
        Ok(Design::Rings(Box::new(Rings {
            model: of.to_string(),
            treatment: treatment.to_string(),
            level: fit.level,
            direct,
            treated_units: counts.treated,
            rings: found,
            clean_units: counts.clean,
            fit: Box::new(fit.clone()),
        })))
    }

    fn by_band(&self, of: &str, bands: &[BandSpec]) -> Result<ByBand, Fault> {
        let mut found = Vec::new();
        let mut treatment = String::new();
        let mut level = self.spec.settings.level;
        for band in bands {
            let fitted = self.fitted(band.model)?;
            let Some(effect) = fitted.fit.effects.first() else { return Err(bug("a band has no effects")) };
            treatment = effect.term.clone();
            level = fitted.fit.level;
            found.push(band_effects(band, fitted, effect));
        }
        let differs = |b: &BandEffects| b.indirect.p < 1.0 - level;
        let boundary = found.iter().rfind(|b| differs(b)).map(|b| b.hi);
        Ok(ByBand { model: of.to_string(), treatment, level, bands: found, boundary })
    }
}

pub(super) fn bug(what: &str) -> Fault {
    Fault::error("durbin::run::bug", what).help("please report the program to the authors")
}

fn rows(matrix: &DMatrix<f64>) -> Vec<Vec<f64>> {
    matrix.row_iter().map(|row| row.iter().copied().collect()).collect()
}

/// An event time as a reader sees it.
pub(super) fn label(bin: &Bin) -> String {
    match (bin.from, bin.to) {
        (None, Some(to)) => format!("{to} and before"),
        (Some(from), None) => format!("{from} and after"),
        (Some(from), Some(to)) if from < to => format!("{from} to {to}"),
        _ => bin.event_time().to_string(),
    }
}

fn band_effects(band: &BandSpec, fitted: &Fitted, effect: &Effect) -> BandEffects {
    let problem = &fitted.plan.problem;
    let (n, t) = (problem.units, problem.periods);
    let d = &problem.regressors[0].values;
    let matrix = problem.durbin_weights.first().or(problem.lag_weights.as_ref()).or(problem.error_weights.as_ref());
    let exposed_units = matrix.map_or(0, |w| {
        let wd = spatial_lag(&w.matrix, d, n, t);
        (0..n).filter(|&i| (0..t).any(|p| d[p * n + i] < 0.5 && wd[p * n + i] > 0.0)).count()
    });
    BandEffects {
        lo: band.lo,
        hi: band.hi,
        unit: "km",
        exposed_units,
        direct: effect.direct.clone(),
        indirect: effect.indirect.clone(),
        total: effect.total.clone(),
        vif: lag_vif(fitted).unwrap_or(f64::NAN),
        detectable: DETECTABLE * effect.indirect.se,
        fit: Box::new(fitted.fit.clone()),
    }
}

/// The variance inflation of the treatment's spatial lag off the fixed effects.
fn lag_vif(fitted: &Fitted) -> Option<f64> {
    let problem = &fitted.plan.problem;
    let lagged = problem.regressors.first()?.lagged && !problem.durbin_weights.is_empty();
    let at = usize::from(problem.has_intercept()) + problem.regressors.len();
    let r = &fitted.estimated.triangle;
    if !lagged || at >= r.len() {
        return None;
    }
    let r = DMatrix::from_fn(r.len(), r.len(), |i, j| r[i][j]);
    let cross = r.transpose() * &r;
    let inverse = cross.clone().cholesky()?.inverse();
    Some(cross[(at, at)] * inverse[(at, at)])
}
