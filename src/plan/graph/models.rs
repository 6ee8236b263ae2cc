//! The steps of models: log-determinants, designs, fits, effects.

use super::{Builder, Made, ModelPlan, Work};
use crate::check::spec::{ColumnKind, EffectErrors, ModelSpec, Resampling, StepKind};
use crate::estimators::{Approach, FixedEffects, Likelihood, giver, observations};
use crate::outcome::steps::What;
use crate::plan::memory::{self, Size};
use crate::plan::weights::sums_to_one;
use crate::weights::Weights;
use std::sync::Arc;

impl<'a> Builder<'a> {
    fn planned(&self, number: usize) -> Option<&'a ModelPlan> {
        let plan = self.plan;
        plan.models.get(number).and_then(Option::as_deref)
    }

    /// The name of a model, else its query and outcome.
    pub(super) fn label(&self, number: usize) -> String {
        let named = self.spec.steps.iter().find_map(|s| match &s.kind {
            StepKind::Model { name, model } if *model == number => Some(name.clone()),
            _ => None,
        });
        named.unwrap_or_else(|| {
            let spec = &self.spec.models[number];
            format!("model {} ({} of {})", number + 1, spec.query, spec.outcome.text)
        })
    }

    /// Matrices of the lag and of the error of a model, each once.
    fn carriers(&self, number: usize) -> Vec<(String, Arc<Weights>)> {
        let Some(plan) = self.planned(number) else { return Vec::new() };
        let mut out: Vec<(String, Arc<Weights>)> = Vec::new();
        for used in plan.lag_weights.iter().chain(&plan.error_weights) {
            if !out.iter().any(|(_, w)| Arc::ptr_eq(w, &used.weights)) {
                out.push((used.name.clone(), used.weights.clone()));
            }
        }
        out
    }

    /// What a model's log-determinants need, where no earlier model has asked for it.
    pub(super) fn log_determinants(&mut self, number: usize) {
        let Some(giver) = self.planned(number).and_then(|p| giver(&p.problem)).cloned() else { return };
        for (name, matrix) in self.carriers(number) {
            let known =
                |p: &(Arc<Weights>, Arc<Weights>, usize)| Arc::ptr_eq(&p.0, &giver) && Arc::ptr_eq(&p.1, &matrix);
            if self.prepared.iter().any(known) {
                continue;
            }
            // An analysis that fails is told by the estimate that needs it.
            let filter = self.shared.filter_of(&giver, &matrix).ok();
            let method = filter.as_ref().map_or("lu", |f| f.method());
            let factor = filter.as_ref().and_then(|f| f.factor_numbers().ok()).unwrap_or(0);
            let (units, links) = (matrix.units(), matrix.matrix.nnz());
            let mut needs: Vec<usize> = self.step_of(&matrix).into_iter().collect();
            needs.extend(self.step_of(&giver));
            let made = Made {
                what: What::LogDeterminant {
                    method: method.to_string(),
                    why: why_method(method, units, links),
                    numbers: factor,
                },
                name,
                text: "",
                needs,
                size: memory::log_determinant(method, units, links, factor, self.threads),
                place: Some(self.spec.models[number].formula_place.0),
            };
            let step = self.add(made, Work::Prepare { giver: giver.clone(), matrix: matrix.clone() });
            self.prepared.push((giver.clone(), matrix, step));
        }
    }

    /// Design, fit and effects of a model.
    pub(super) fn model(&mut self, number: usize) {
        let Some(plan) = self.planned(number) else { return };
        let spec = &self.spec.models[number];
        let (label, place) = (self.label(number), Some(spec.formula_place.0));
        let design = Made {
            what: design(spec, plan),
            name: label.clone(),
            text: &format!("{spec:?}"),
            needs: self.before(spec, plan),
            size: memory::design(&plan.problem),
            place,
        };
        let problem = &plan.problem;
        let (giver, slopes) = (giver(problem).cloned(), slopes(plan));
        let terms = plan.terms.clone();
        let (mut fit, text) = (fit(spec, plan, slopes), format!("{:?} {:?}", spec.variance, problem.likelihood));
        let design = self.add(design, Work::Done);
        let mut needs = vec![design];
        let mut factors = 0;
        for (_, matrix) in self.carriers(number) {
            let at = |p: &&(Arc<Weights>, Arc<Weights>, usize)| {
                giver.as_ref().is_some_and(|g| Arc::ptr_eq(&p.0, g)) && Arc::ptr_eq(&p.1, &matrix)
            };
            if let Some(step) = self.prepared.iter().find(at).map(|p| p.2) {
                factors += self.steps[step - 1].working_bytes;
                needs.push(step);
            }
        }
        let searches = needs.len() > 1 && problem.approach == Approach::Likelihood;
        let optimum = searches.then(|| self.optimum(number, &needs[1..], design));
        let first = optimum.as_ref().and_then(|key| self.same_optimum(key));
        needs.extend(first);
        if let What::Fit { optimum_of, .. } = &mut fit {
            *optimum_of = first;
        }
        let size = memory::fit(problem, slopes, factors);
        let made = Made { what: fit, name: label.clone(), text: &text, needs, size, place };
        let step = self.add(made, Work::Fit { model: number, optimum });
        self.fits[number] = Some(step);
        let spec = &self.spec.models[number];
        let policy = spec.treatment.and_then(|_| terms.first().cloned());
        let (errors, draws) = match (spec.resampling, spec.effect_errors) {
            (Some(Resampling::Wild { reps, .. }), _) => ("wild", Some(reps)),
            (Some(Resampling::Residuals { reps, .. }), _) => ("bootstrap", Some(reps)),
            (None, EffectErrors::Simulate { draws }) => ("simulate", Some(draws)),
            (None, EffectErrors::Delta) => ("delta", None),
        };
        let text = draws.map_or(errors.to_string(), |d| format!("{errors} {d}, seed {}", self.spec.settings.seed));
        let what = What::Effects { terms, policy, errors, draws };
        let made = Made { what, name: label, text: &text, needs: vec![step], size: Size::default(), place };
        self.effects[number] = Some(self.add(made, Work::Done));
    }

    /// What a design is made of: the panel, treatments, and the matrices of its lags.
    fn before(&self, spec: &ModelSpec, plan: &ModelPlan) -> Vec<usize> {
        let mut needs: Vec<usize> = self.panels.get(spec.panel).copied().into_iter().collect();
        let columns = spec.columns();
        for column in columns.chain(&spec.condition) {
            column.visit(&mut |c| match &c.kind {
                ColumnKind::Treatment(k)
                | ColumnKind::EventTime { treatment: k, .. }
                | ColumnKind::Near { treatment: k, .. } => needs.extend(self.treatments.get(*k).copied().flatten()),
                ColumnKind::SpatialLag { weights, .. } | ColumnKind::ExposureTime { weights, .. } => {
                    if let ColumnKind::ExposureTime { treatment, .. } = &c.kind {
                        needs.extend(self.treatments.get(*treatment).copied().flatten());
                    }
                    let of = |b: &super::Built| b.of.panel == weights.panel && b.of.recipe == weights.recipe.text;
                    let found = (0..self.built.len()).filter(|&k| of(&self.built[k]));
                    let found = found.filter(|&k| self.built[k].weights.units() == plan.units.len());
                    needs.extend(found.filter_map(|k| self.matrices[k]));
                }
                _ => {}
            });
        }
        let used = plan.durbin_weights.iter().chain(&plan.lag_weights).chain(&plan.error_weights);
        needs.extend(used.filter_map(|m| self.step_of(&m.weights)));
        needs
    }

    /// The key of a model's optimum: everything of the model but its variances and levels.
    fn optimum(&self, number: usize, log_determinants: &[usize], design: usize) -> String {
        let spec = &self.spec.models[number];
        let likelihood = self.planned(number).map(|p| p.problem.likelihood);
        let alike = spec.without_inference();
        let before = log_determinants.iter().chain(&self.steps[design - 1].needs);
        let keys: Vec<&str> = before.map(|&n| self.steps[n - 1].key.as_str()).collect();
        let known = self.plan.keys.get(number).and_then(Option::as_ref).map(|k| &k.optimum);
        format!("{alike:?} {likelihood:?} {keys:?} {known:?}")
    }

    fn same_optimum(&self, key: &str) -> Option<usize> {
        let same = |w: &Work| matches!(w, Work::Fit { optimum: Some(k), .. } if k == key);
        self.work.iter().position(same).map(|i| i + 1)
    }
}

/// Slopes of the design, the intercept among them.
fn slopes(plan: &ModelPlan) -> usize {
    let lagged = plan.problem.regressors.iter().filter(|r| r.lagged).count();
    let intercept = usize::from(plan.problem.has_intercept());
    intercept + plan.terms.len() + lagged * plan.durbin_weights.len()
}

fn design(spec: &ModelSpec, plan: &ModelPlan) -> What {
    let lagged = || plan.terms.iter().zip(&plan.problem.regressors).filter(|(_, r)| r.lagged).map(|(t, _)| t.clone());
    What::Design {
        query: spec.query.clone(),
        outcome: spec.outcome.text.clone(),
        terms: plan.terms.clone(),
        lagged: if plan.durbin_weights.is_empty() { Vec::new() } else { lagged().collect() },
        lagged_by: plan.durbin_weights.iter().map(|m| m.name.clone()).collect(),
        units: plan.problem.units,
        periods: plan.problem.periods,
        observations: plan.nobs,
        dropped: plan.dropped.clone(),
    }
}

fn fit(spec: &ModelSpec, plan: &ModelPlan, slopes: usize) -> What {
    let problem = &plan.problem;
    let (rho, lambda) = (problem.model.has_lag(), problem.model.has_error());
    let random = matches!(problem.approach, Approach::Random(_));
    let likelihood = problem.approach == Approach::Likelihood;
    let estimator = match (rho, lambda) {
        _ if problem.approach == Approach::Moments => "moments for lambda and generalized least squares",
        (false, false) if random => "maximum likelihood over the variance of unit effects",
        (true, false) if random => "maximum likelihood over rho and the variance of unit effects",
        (false, true) if random => "maximum likelihood over lambda and the variance of unit effects",
        (true, true) if random => "maximum likelihood over rho, lambda and the variance of unit effects",
        (false, _) if !likelihood => "two-stage least squares",
        (true, false) if !likelihood => "spatial two-stage least squares",
        (true, true) if !likelihood => "spatial two-stage least squares and moments for lambda",
        (false, false) => "least squares",
        (true, false) => "maximum likelihood over rho",
        (false, true) => "maximum likelihood over lambda",
        (true, true) => "maximum likelihood over rho and lambda",
    };
    let counted = observations(problem.units, problem.periods, problem.fixed_effects, problem.likelihood);
    let word = match problem.likelihood {
        Likelihood::Transform => "transform",
        Likelihood::Partial => "partial",
        Likelihood::Direct => "direct",
    };
    What::Fit {
        estimator: estimator.to_string(),
        fixed_effects: if random { vec!["random unit".to_string()] } else { plan.fixed_effects.clone() },
        coefficients: slopes + usize::from(rho) + usize::from(lambda),
        likelihood: (likelihood && (rho || lambda)).then(|| word.to_string()),
        why: if likelihood { why_likelihood(spec, plan) } else { String::new() },
        // Of a panel with gaps the estimate counts itself.
        m_effective: if problem.present.is_some() || problem.layout.has_more_effects() { f64::NAN } else { counted },
        variance: plan.variance_name.clone(),
        optimum_of: None,
    }
}

/// Why the likelihood removes effects as it does (methods C.3).
fn why_likelihood(spec: &ModelSpec, plan: &ModelPlan) -> String {
    let problem = &plan.problem;
    if !problem.model.has_lag() && !problem.model.has_error() {
        return String::new();
    }
    if spec.likelihood.is_some() {
        return "asked for".to_string();
    }
    let period_effects = matches!(problem.fixed_effects, FixedEffects::Time | FixedEffects::Both);
    let carriers: Vec<_> = plan.lag_weights.iter().chain(&plan.error_weights).collect();
    match problem.likelihood {
        Likelihood::Partial => plan
            .notes
            .iter()
            .find_map(|n| n.strip_prefix("likelihood `partial`: "))
            .map_or("rows of the matrix do not all sum to one".to_string(), str::to_string),
        _ if period_effects && carriers.iter().all(|m| sums_to_one(&m.weights)) => {
            let mut names: Vec<String> = carriers.iter().map(|m| format!("`{}`", m.name)).collect();
            names.dedup();
            format!("rows of {} sum to one, so that period effects can be transformed out", names.join(" and "))
        }
        _ if problem.fixed_effects == FixedEffects::Unit => "unit effects can always be transformed out".to_string(),
        _ => "there are no effects to remove".to_string(),
    }
}

fn why_method(method: &str, units: usize, links: usize) -> String {
    match method {
        "eigen" if links > units * units / 3 && units > 200 => {
            format!("all {units} of them, for more than a third of all pairs is linked and a factor would be full")
        }
        "eigen" => format!("all {units} of them, exact at every rho"),
        "cholesky" => "similar to a symmetric matrix".to_string(),
        _ => "not similar to a symmetric matrix".to_string(),
    }
}
