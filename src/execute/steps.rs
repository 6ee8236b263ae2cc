//! The steps that planning left to do: what log-determinants need, intervals of printed matrices, estimates.

use super::{Estimation, Fitted, fitted, schedule};
use crate::check::spec::{Spec, WeightsUse};
use crate::diagnostic::Diagnostic;
use crate::estimators::Interrupt;
use crate::estimators::shared::Shared;
use crate::fault::Fault;
use crate::outcome::steps::Steps;
use crate::outcome::{DataSummary, LabeledArray, WeightsSummary};
use crate::plan::{Memory, ModelKeys, ModelPlan, Printed, Work};
use crate::weights::summary::summary;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// An estimate of an earlier run.
struct Known {
    fitted: Arc<Fitted>,
    remarks: Vec<Fault>,
}

/// What is left of a plan.
pub(super) struct Left<'a> {
    pub spec: &'a Spec,
    pub steps: &'a Steps,
    /// What earlier runs estimated, and the keys of this one's models.
    pub memory: Option<&'a Memory>,
    pub keys: &'a [Option<ModelKeys>],
    pub work: &'a [Work],
    pub shared: &'a Shared,
    pub interrupt: &'a dyn Interrupt,
}

impl Left<'_> {
    /// Does every step once, each when what it needs has ended; estimates by number of the model.
    pub fn estimates(&self, models: &[Option<Arc<ModelPlan>>]) -> Vec<Option<Estimation>> {
        let found: Vec<Mutex<Option<Estimation>>> = models.iter().map(|_| Mutex::new(None)).collect();
        let needs: Vec<Vec<usize>> = self.steps.steps.iter().map(|s| s.needs.iter().map(|n| n - 1).collect()).collect();
        schedule::run(&needs, &|i| {
            let Some(work) = self.work.get(i).filter(|w| !matches!(w, Work::Done)) else { return };
            if self.known(work, &found) {
                return;
            }
            // What fails here fails again for the model or statement that needs it, which has a place and words for it.
            match work {
                Work::Done => {}
                Work::Prepare { giver, matrix } => drop(self.shared.prepare(giver, matrix, self.interrupt)),
                Work::Interval { matrix } => drop(self.shared.spectrum(matrix, self.interrupt)),
                Work::Fit { model, optimum } => {
                    if let Some(plan) = models[*model].clone() {
                        let estimation = fitted(self, *model, optimum.as_deref(), plan);
                        self.remember(*model, &estimation);
                        *found[*model].lock().unwrap_or_else(PoisonError::into_inner) = Some(estimation);
                    }
                }
            }
            let step = &self.steps.steps[i];
            self.interrupt.done(step.what.kind(), &step.name);
        });
        found.iter().map(taken).collect()
    }

    /// Whether nothing is left of a step; an estimate of an earlier run is put in its place.
    fn known(&self, work: &Work, found: &[Mutex<Option<Estimation>>]) -> bool {
        let Some(memory) = self.memory else { return false };
        match work {
            Work::Done => true,
            Work::Prepare { giver, matrix } => self.shared.prepared(giver, matrix),
            Work::Interval { matrix } => self.shared.knows_interval(matrix),
            Work::Fit { model, .. } => {
                let key = self.keys.get(*model).and_then(Option::as_ref);
                let Some(known) = key.and_then(|k| memory.get::<Known>(&k.fit)) else { return false };
                let place = self.spec.models[*model].place.0;
                let remarks = known.remarks.iter().map(|f| Diagnostic::at(f.clone(), Some(place))).collect();
                let estimation = Ok((known.fitted.clone(), remarks));
                *found[*model].lock().unwrap_or_else(PoisonError::into_inner) = Some(estimation);
                true
            }
        }
    }

    fn remember(&self, model: usize, estimation: &Estimation) {
        let (Some(memory), Ok((fitted, remarks))) = (self.memory, estimation) else { return };
        let Some(key) = self.keys.get(model).and_then(Option::as_ref) else { return };
        let remarks = remarks.iter().map(|d| d.clone().into_fault()).collect();
        let terms = fitted.fit.coefficients.len();
        let bytes = 8 * (2 * fitted.estimated.residuals.len() + 2 * terms * terms) as u64;
        memory.put(&key.fit, Arc::new(Known { fitted: fitted.clone(), remarks }), bytes);
    }
}

fn taken<T>(of: &Mutex<Option<T>>) -> Option<T> {
    of.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Matrices that statements show.
pub(super) struct Shown<'a> {
    pub summaries: &'a HashMap<(String, usize), Printed>,
    pub arrays: &'a [LabeledArray],
    pub data: &'a [Option<DataSummary>],
    pub shared: &'a Shared,
    pub interrupt: &'a dyn Interrupt,
}

impl Shown<'_> {
    /// A matrix as the text of a file, with a note where the format does not hold all of it.
    pub fn file(&self, used: &WeightsUse, ending: &str, path: &str) -> Result<(String, Option<Fault>), Fault> {
        let Some(printed) = self.summaries.get(&(used.name.clone(), used.panel)) else {
            return Err(Fault::error("durbin::run::bug", "a matrix was not built"));
        };
        crate::weights::files::written(&printed.weights, &printed.units, ending, path)
    }

    /// What a printed matrix says, with the interval of ρ.
    pub fn summary(&self, used: &WeightsUse) -> Result<WeightsSummary, Fault> {
        let Some(printed) = self.summaries.get(&(used.name.clone(), used.panel)) else {
            return Err(Fault::error("durbin::run::bug", "a matrix was not built"));
        };
        let found = self
            .shared
            .spectrum(&printed.weights, self.interrupt)
            .map_err(|e| Fault::error("durbin::weights::scaling", format!("the interval of rho was not found: {e}")))?;
        let interval = ([found.interval.lo, found.interval.hi], found.interval.rule);
        let mut shown = summary(&printed.weights, &printed.units, &printed.panel, &printed.recipe, interval);
        shown.near_edge = printed.near_edge;
        shown.notes.extend(printed.notes.iter().cloned());
        Ok(shown)
    }
}
