//! [`Spec`] and data → [`Plan`]: panels loaded, samples fixed, designs named, weights built. Nothing is estimated yet.
//!
//! Whatever is wrong with data, weights, treatments and samples is found here, for the whole program in one pass, so
//! that an estimate that begins can end. Equal recipes of weights are built once.

pub mod columns;
pub mod faults;
pub mod panels;
pub mod rollout;

mod design;
mod files;
mod sample;
mod sources;
mod treatments;
mod weights;

use crate::check::spec::{Output, ScalarExpr, Spec, StepKind, WeightsUse};
use crate::designs::treatment::Treatment;
use crate::diagnostic::Diagnostic;
use crate::estimators::Problem;
use crate::fault::Fault;
use crate::loader::Loader;
use crate::outcome::{Dropped, WeightsSummary};
use crate::source::Span;
use crate::weights::Weights;
use files::Files;
pub use files::InputFile;
use panels::PanelData;
use std::collections::HashMap;
use std::sync::Arc;

/// A matrix as a model uses it: on the units of its sample, after algebra and scaling.
#[derive(Clone, Debug)]
pub struct MatrixUsed {
    /// As the terms name it.
    pub name: String,
    /// The rule that built it.
    pub recipe: String,
    pub weights: Arc<Weights>,
}

/// One model, ready to be estimated.
#[derive(Clone, Debug)]
pub struct ModelPlan {
    pub problem: Problem,
    /// Names of the regressors, in the order of the problem.
    pub terms: Vec<String>,
    pub units: Vec<String>,
    pub periods: Vec<i64>,
    pub nobs: usize,
    pub dropped: Vec<Dropped>,
    pub durbin_weights: Vec<MatrixUsed>,
    pub lag_weights: Option<MatrixUsed>,
    pub error_weights: Option<MatrixUsed>,
    pub notes: Vec<String>,
}

/// What a run needs: invariant, every model and output of the spec that is reachable has its entry.
#[derive(Default)]
pub struct Plan {
    pub panels: Vec<PanelData>,
    pub treatments: Vec<Option<Treatment>>,
    /// By number of the model in the spec.
    pub models: Vec<Option<ModelPlan>>,
    /// Printed matrices by name and panel.
    pub summaries: HashMap<(String, usize), WeightsSummary>,
    pub inputs: Vec<InputFile>,
}

/// A plan, or what stands against it; warnings come with either.
pub struct Planned {
    pub plan: Option<Plan>,
    pub diagnostics: Vec<Diagnostic>,
    pub inputs: Vec<InputFile>,
}

/// What was reported; nothing that depends on it is looked at.
pub(crate) struct Reported;

pub(crate) type Step<T> = Result<T, Reported>;

/// Loads, builds and fixes everything a spec asks for.
pub fn plan(spec: &Spec, loader: &dyn Loader) -> Planned {
    let mut planner = Planner {
        spec,
        files: Files::new(loader),
        panels: Vec::new(),
        treatments: Vec::new(),
        leaves: HashMap::new(),
        diagnostics: Vec::new(),
        gave_up: false,
    };
    let plan = planner.run();
    let failed = planner.diagnostics.iter().any(Diagnostic::is_error);
    if !failed && planner.gave_up {
        // Whoever gives up says why: silence is an oversight of this crate, and no success.
        planner.diagnose(Diagnostic::at(faults::silent(), None));
    }
    let failed = planner.diagnostics.iter().any(Diagnostic::is_error);
    let inputs = planner.files.inputs();
    let plan = plan.filter(|_| !failed).map(|p| Plan { inputs: inputs.clone(), ..p });
    Planned { plan, diagnostics: planner.diagnostics, inputs }
}

/// The state of planning.
pub(crate) struct Planner<'a> {
    spec: &'a Spec,
    files: Files<'a>,
    panels: Vec<Option<PanelData>>,
    treatments: Vec<Option<Treatment>>,
    /// Raw matrices by panel and recipe; `None` where building failed and was reported.
    leaves: HashMap<(usize, String), Option<Arc<weights::Leaf>>>,
    diagnostics: Vec<Diagnostic>,
    /// Something could not be made.
    gave_up: bool,
}

impl<'a> Planner<'a> {
    fn run(&mut self) -> Option<Plan> {
        for number in 0..self.spec.panels.len() {
            let panel = self.panel(number).ok();
            self.panels.push(panel);
            self.treatments_of(number);
        }
        let spec = self.spec;
        let mut models: Vec<Option<ModelPlan>> = vec![None; spec.models.len()];
        let mut summaries = HashMap::new();
        for step in &spec.steps {
            let mut wanted = Vec::new();
            let mut printed = Vec::new();
            match &step.kind {
                StepKind::Model { model, .. } => wanted.push(*model),
                StepKind::Print(output) | StepKind::Save { output, .. } => needs(output, &mut wanted, &mut printed),
                StepKind::Assert { condition, .. } => scalar_needs(condition, &mut wanted),
            }
            for model in wanted {
                if models[model].is_none() {
                    models[model] = self.model(&spec.models[model]).ok();
                    self.gave_up |= models[model].is_none();
                }
            }
            for used in printed {
                let key = (used.name.clone(), used.panel);
                if summaries.contains_key(&key) {
                    continue;
                }
                match self.summary(used) {
                    Ok(summary) => drop(summaries.insert(key, summary)),
                    Err(Reported) => self.gave_up = true,
                }
            }
        }
        self.gave_up |= self.panels.iter().any(Option::is_none) || self.treatments.iter().any(Option::is_none);
        let panels = std::mem::take(&mut self.panels).into_iter().collect::<Option<Vec<_>>>()?;
        Some(Plan { panels, treatments: std::mem::take(&mut self.treatments), models, summaries, inputs: Vec::new() })
    }

    /// Puts a fault at its place in the program; one cause is said once.
    fn report(&mut self, fault: Fault, place: Span) -> Reported {
        self.diagnose(Diagnostic::at(fault, Some(place)))
    }

    fn diagnose(&mut self, mut diagnostic: Diagnostic) -> Reported {
        diagnostic.files.iter_mut().for_each(|label| self.files.placed(label));
        let warning = !diagnostic.is_error();
        let known = self
            .diagnostics
            .iter()
            .any(|d| d == &diagnostic || (warning && d.code == diagnostic.code && d.message == diagnostic.message));
        if !known {
            self.diagnostics.push(diagnostic);
        }
        Reported
    }

    fn report_all(&mut self, faults: Vec<Fault>, place: Span) -> Reported {
        for fault in faults {
            self.report(fault, place);
        }
        Reported
    }

    /// The panel of a number, where it could be loaded.
    fn loaded(&self, panel: usize) -> Step<&PanelData> {
        self.panels.get(panel).and_then(Option::as_ref).ok_or(Reported)
    }
}

/// Models and matrices an output shows.
fn needs<'a>(output: &'a Output, models: &mut Vec<usize>, matrices: &mut Vec<&'a WeightsUse>) {
    match output {
        Output::Fit(model) | Output::Answer { model, .. } => models.push(*model),
        Output::Weights(used) => matrices.push(used),
        Output::Treatment(_) | Output::Panel(_) => {}
        Output::Scalar(scalar) => scalar_needs(scalar, models),
        Output::Table(table) => models.extend(table.columns.iter().map(|c| c.1)),
        Output::List(items) => items.iter().for_each(|(_, o)| needs(o, models, matrices)),
    }
}

fn scalar_needs(scalar: &ScalarExpr, models: &mut Vec<usize>) {
    match scalar {
        ScalarExpr::Number(_) | ScalarExpr::Text(_) | ScalarExpr::Bool(_) => {}
        ScalarExpr::Answer { model, .. } => models.push(*model),
        ScalarExpr::Negate(inner) | ScalarExpr::Not(inner) => scalar_needs(inner, models),
        ScalarExpr::Chain { first, rest, .. } => {
            scalar_needs(first, models);
            rest.iter().for_each(|(_, s)| scalar_needs(s, models));
        }
        ScalarExpr::If { branches, otherwise } => {
            for (condition, value) in branches {
                scalar_needs(condition, models);
                scalar_needs(value, models);
            }
            scalar_needs(otherwise, models);
        }
        ScalarExpr::Call { arguments, .. } => arguments.iter().for_each(|a| scalar_needs(a, models)),
        ScalarExpr::In { value, list, .. } => {
            scalar_needs(value, models);
            list.iter().for_each(|s| scalar_needs(s, models));
        }
    }
}
