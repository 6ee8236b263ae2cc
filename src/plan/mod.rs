//! [`Spec`] and data → [`Plan`]: panels loaded, samples fixed, designs named, weights built. Nothing is estimated yet.
//!
//! Whatever is wrong with data, weights, treatments and samples is found here, for the whole program in one pass, so
//! that an estimate that begins can end. Equal recipes of weights are built once.

mod arrays;
pub mod columns;
mod cubes;
pub mod faults;
pub mod panels;
pub mod rollout;

mod approach;
mod conditions;
mod design;
mod events;
mod files;
mod graph;
pub mod groups;
mod keys;
mod lints;
mod memory;
mod mends;
mod outlines;
pub mod placebo;
mod recorded;
pub mod rings;
mod sample;
mod sources;
pub mod staggered;
mod store;
mod summed;
pub mod testing;
mod treatments;
mod weights;

use crate::check::Lints;
use crate::check::spec::{Answer, DesignSpec, Output, RowSource, ScalarExpr, Spec, StepKind, TestQuery, WeightsUse};
use crate::data::array::Array;
use crate::data::natives::Native;
use crate::data::series::Series;
use crate::designs::treatment::Treatment;
use crate::diagnostic::{Diagnostic, SpanLabel};
use crate::estimators::shared::Shared;
use crate::estimators::{Interrupt, Problem};
use crate::fault::Fault;
use crate::loader::Loader;
use crate::outcome::steps::Steps;
use crate::outcome::{DataSummary, Dropped, LabeledArray};
use crate::source::Span;
use crate::weights::Weights;
use crate::weights::lines::{Lines, Metric};
use files::Files;
pub use files::InputFile;
pub use graph::Work;
use keys::Layout;
pub use keys::ModelKeys;
pub use memory::Limit;
use panels::PanelData;
use recorded::Named;
use std::collections::HashMap;
use std::sync::Arc;
pub use store::Memory;
pub use weights::Printed;
use weights::{Built, Leaf};

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
    /// Which term of the formula each of them comes from: several for the levels of one.
    pub origin: Vec<usize>,
    /// How many of them, the last ones, are unit means of others.
    pub means: usize,
    pub units: Vec<String>,
    pub periods: Vec<i64>,
    pub nobs: usize,
    /// Every set of effects by its name, trends last.
    pub fixed_effects: Vec<String>,
    /// The variance estimator with every default decided.
    pub variance_name: String,
    pub dropped: Vec<Dropped>,
    /// Units that were ever observed at each event time of a model of an event study.
    pub event_units: Vec<usize>,
    /// Units that, untreated, were ever observed at each time of a clock of their exposure.
    pub exposed_units: Vec<usize>,
    pub durbin_weights: Vec<MatrixUsed>,
    pub lag_weights: Option<MatrixUsed>,
    pub error_weights: Option<MatrixUsed>,
    pub notes: Vec<String>,
}

/// What a run needs: invariant, every model and output of the spec that is reachable has its entry.
#[derive(Default)]
pub struct Plan {
    pub panels: Vec<Arc<PanelData>>,
    pub treatments: Vec<Option<Treatment>>,
    /// By number of the model in the spec.
    pub models: Vec<Option<Arc<ModelPlan>>>,
    /// Of each model, where a memory is kept.
    pub keys: Vec<Option<ModelKeys>>,
    /// Printed matrices by name and panel.
    pub summaries: HashMap<(String, usize), Printed>,
    /// By number of the array in the spec.
    pub arrays: Vec<LabeledArray>,
    /// Printed data sets by number.
    pub data: Vec<Option<DataSummary>>,
    /// Rows, and the labels of each key, of every data set.
    pub cubes: Vec<(usize, Vec<usize>)>,
    /// By number of the test in the spec; `None` where no statement asks for it.
    pub tests: Vec<Option<testing::TestPlan>>,
    /// What designs need beside the fits of their models.
    pub designs: Vec<(DesignSpec, placebo::Prepared)>,
    /// By number of the design in the spec; `None` where no statement asks for it.
    pub staggered: Vec<Option<Arc<staggered::StaggeredPlan>>>,
    pub inputs: Vec<InputFile>,
    /// What is done, in an order in which it can be done.
    pub steps: Steps,
    /// What each step still asks for, in the order of `steps`.
    pub work: Vec<Work>,
    /// What models have in common.
    pub shared: Arc<Shared>,
}

/// A plan, or what stands against it; warnings come with either.
pub struct Planned {
    pub plan: Option<Plan>,
    /// Also of a plan that was refused for its size.
    pub steps: Option<Steps>,
    pub diagnostics: Vec<Diagnostic>,
    pub inputs: Vec<InputFile>,
}

/// What planning may use, and who is told of it.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    /// `None`: no limit is known.
    pub memory: Option<Limit>,
    /// What is known from earlier runs, and where this one is remembered.
    pub steps: Option<&'a Memory>,
    /// Functions of the embedding program.
    pub natives: &'a [Native],
    pub interrupt: &'a dyn Interrupt,
    pub lints: Lints,
}

/// What was reported; nothing that depends on it is looked at.
pub(crate) struct Reported;

pub(crate) type Step<T> = Result<T, Reported>;

/// Loads, builds and fixes everything a spec asks for.
pub fn plan<'a>(spec: &'a Spec, loader: &'a dyn Loader, means: Means<'a>) -> Planned {
    let mut planner = Planner {
        spec,
        means,
        files: Files::new(loader, means.interrupt, means.steps),
        keys: keys::Keys::new(),
        data: Vec::new(),
        cubes: HashMap::new(),
        remembered: HashMap::new(),
        reasons: Vec::new(),
        panels: Vec::new(),
        treatments: Vec::new(),
        leaves: HashMap::new(),
        lines: HashMap::new(),
        built: Vec::new(),
        used: Vec::new(),
        diagnostics: Vec::new(),
        gave_up: false,
    };
    let plan = planner.run();
    let failed = |planner: &Planner| planner.diagnostics.iter().any(Diagnostic::is_error);
    if !failed(&planner) && planner.gave_up {
        // Whoever gives up says why: silence is an oversight of this crate, and no success.
        planner.diagnose(Diagnostic::at(faults::silent(), None));
    }
    let plan = plan.filter(|_| !failed(&planner)).map(|plan| planner.with_steps(plan));
    let inputs = planner.files.inputs();
    let steps = plan.as_ref().map(|p| p.steps.clone());
    let plan = plan.filter(|_| !failed(&planner)).map(|p| Plan { inputs: inputs.clone(), ..p });
    Planned { plan, steps, diagnostics: planner.diagnostics, inputs }
}

/// The state of planning.
pub(crate) struct Planner<'a> {
    spec: &'a Spec,
    means: Means<'a>,
    files: Files<'a>,
    keys: keys::Keys,
    data: Vec<Option<Arc<cubes::DataSet>>>,
    /// Columns of data sets as arrays, by data set and column.
    cubes: HashMap<(usize, String), Arc<Series>>,
    /// Small arrays by what they are.
    remembered: HashMap<String, Arc<Array>>,
    /// Why cells of arrays are missing: the text of each reason, from number 1.
    reasons: Vec<String>,
    panels: Vec<Option<Arc<PanelData>>>,
    treatments: Vec<Option<Treatment>>,
    /// Raw matrices by panel and recipe; `None` where building failed and was reported.
    leaves: HashMap<(usize, String), Option<Arc<Leaf>>>,
    /// Lines of files that distances are measured to.
    lines: HashMap<(String, Metric), Arc<Lines>>,
    /// Every matrix, in the order in which they were built.
    built: Vec<Built>,
    /// Every use of one, as often as there is one.
    used: Vec<Built>,
    diagnostics: Vec<Diagnostic>,
    /// Something could not be made.
    gave_up: bool,
}

impl<'a> Planner<'a> {
    fn run(&mut self) -> Option<Plan> {
        let order = loading_order(self.spec);
        self.data = self.spec.data.iter().map(|_| None).collect();
        self.panels = Vec::new();
        for load in order {
            let Load::Panel(number) = load else {
                if let Load::Data(number) = load {
                    self.data[number] = self.known_data(number).ok();
                    self.gave_up |= self.data[number].is_none();
                }
                continue;
            };
            let panel = self.known_panel(number).ok();
            self.panels.push(panel);
            self.treatments_of(number);
        }
        let spec = self.spec;
        let mut models: Vec<Option<Arc<ModelPlan>>> = vec![None; spec.models.len()];
        let mut keys: Vec<Option<ModelKeys>> = vec![None; spec.models.len()];
        let mut summaries = HashMap::new();
        let mut data = vec![None; spec.data.len()];
        let mut tests = vec![None; spec.tests.len()];
        let mut designs: Vec<(DesignSpec, placebo::Prepared)> = Vec::new();
        let mut staggered = vec![None; spec.staggered.len()];
        let arrays = self.whole_arrays();
        for step in spec.fresh_steps() {
            let mut wanted = Vec::new();
            let mut printed = Vec::new();
            let mut described = Vec::new();
            let mut asked = Vec::new();
            match &step.kind {
                StepKind::Model { model, .. } => wanted.push(*model),
                StepKind::Print(_) | StepKind::Save { .. } | StepKind::Report { .. } => {
                    for output in step.kind.outputs() {
                        needs(output, &mut wanted, &mut printed, &mut described, &mut asked);
                    }
                }
                StepKind::Assert { condition, .. } => scalar_needs(condition, &mut wanted, &mut asked),
            }
            wanted.extend(asked.iter().flat_map(|&t| self.models_of(t)));
            for model in wanted {
                if models[model].is_none() {
                    keys[model] = self.model_keys(&spec.models[model]);
                    models[model] = self.known_model(&spec.models[model], keys[model].as_ref()).ok();
                    self.gave_up |= models[model].is_none();
                }
            }
            for number in asked {
                if tests[number].is_none() {
                    tests[number] = self.test(&spec.tests[number], &models).ok();
                    self.gave_up |= tests[number].is_none();
                }
            }
            for design in step.kind.designs() {
                if designs.iter().any(|(known, _)| known == design) {
                    continue;
                }
                match self.prepare(design, &models) {
                    Ok(prepared) => designs.extend(prepared.map(|p| (design.clone(), p))),
                    Err(Reported) => self.gave_up = true,
                }
            }
            for number in step.kind.designs().into_iter().filter_map(DesignSpec::staggered) {
                if staggered[number].is_none() {
                    staggered[number] = self.staggered_design(&spec.staggered[number]).ok().map(Arc::new);
                    self.gave_up |= staggered[number].is_none();
                }
            }
            for number in described {
                data[number] = self.data[number].as_ref().map(|set| cubes::described(set, &spec.data[number]));
            }
            for used in printed {
                let key = (used.name.clone(), used.panel);
                if summaries.contains_key(&key) {
                    continue;
                }
                match self.printed(used) {
                    Ok(printed) => drop(summaries.insert(key, printed)),
                    Err(Reported) => self.gave_up = true,
                }
            }
        }
        self.lints(&models);
        self.gave_up |= self.panels.iter().any(Option::is_none) || self.treatments.iter().any(Option::is_none);
        let panels = std::mem::take(&mut self.panels).into_iter().collect::<Option<Vec<_>>>()?;
        let treatments = std::mem::take(&mut self.treatments);
        let sizes = |d: &Option<Arc<cubes::DataSet>>| d.as_ref().map(|d| d.sizes()).unwrap_or_default();
        let cubes = self.data.iter().map(sizes).collect();
        Some(Plan {
            panels,
            treatments,
            models,
            keys,
            summaries,
            arrays,
            data,
            cubes,
            tests,
            designs,
            staggered,
            ..Plan::default()
        })
    }

    /// The models a test needs; of a cross-section none that would say whether effects are there.
    fn models_of(&self, test: usize) -> Vec<usize> {
        let test = &self.spec.tests[test];
        let TestQuery::Specification { effects, .. } = &test.query else { return test.models() };
        let periods = self.spec.models.get(effects.base).and_then(|m| self.loaded(m.panel).ok());
        let cross_section = periods.is_some_and(|p| p.index.periods.len() == 1);
        let without = if cross_section { effects.of_effects() } else { Vec::new() };
        test.models().into_iter().filter(|m| !without.contains(m)).collect()
    }

    fn known_panel(&mut self, number: usize) -> Step<Arc<PanelData>> {
        let spec = &self.spec.panels[number];
        let (key, layout) = (self.panel_key(number), Layout::of_panel(spec));
        let named = Named { key, layout, origin: spec.place.0 };
        let bytes = |p: &PanelData| memory::panel(p.table.rows(), p.lets.len()).kept;
        self.remembered(named, bytes, |planner| {
            let panel = planner.panel(number);
            planner.means.interrupt.done("panel", &spec.name);
            panel
        })
    }

    fn known_data(&mut self, number: usize) -> Step<Arc<cubes::DataSet>> {
        let spec = &self.spec.data[number];
        let (key, layout) = (self.data_key(number), Layout::of_data(spec));
        let named = Named { key, layout, origin: spec.rows.place.0 };
        let bytes = |d: &cubes::DataSet| memory::panel(d.rows.table.rows(), d.rows.lets.len() + 1).kept;
        self.remembered(named, bytes, |planner| planner.data_set(number))
    }

    fn known_model(&mut self, spec: &crate::check::spec::ModelSpec, keys: Option<&ModelKeys>) -> Step<Arc<ModelPlan>> {
        let key = keys.map(|k| format!("design {}", k.fit));
        let named = Named { key, layout: Layout::of_model(spec), origin: spec.formula_place.0 };
        self.remembered(named, |m: &ModelPlan| memory::design(&m.problem).kept, |planner| planner.model(spec))
    }

    /// The plan with its steps; a fault where they need more memory than there is.
    fn with_steps(&mut self, mut plan: Plan) -> Plan {
        let shared = self.means.steps.map_or_else(Arc::default, |m| m.shared.clone());
        let graph = graph::graph(self.spec, &plan, &self.built, &self.files.tables(), shared);
        (plan.steps, plan.work) = (graph.steps, graph.work);
        plan.shared = graph.shared;
        if let Some(memory) = self.means.steps {
            for (step, work) in plan.steps.steps.iter().zip(&plan.work) {
                if let Work::Prepare { matrix, .. } | Work::Interval { matrix } = work {
                    memory.grow(matrix, step.kept_bytes);
                }
            }
        }
        if let Some(fault) = memory::check(&plan.steps, self.means.memory) {
            let place = graph.places.get(plan.steps.peak_step.wrapping_sub(1)).copied().flatten();
            self.diagnose(Diagnostic::at(fault, place));
        }
        plan
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
        if !known && !self.told_elsewhere(&diagnostic) {
            self.diagnostics.push(diagnostic);
        }
        Reported
    }

    /// The same rows of the same file are one fault, whichever queries need them: further places become labels.
    fn told_elsewhere(&mut self, fault: &Diagnostic) -> bool {
        let same = |d: &&mut Diagnostic| {
            d.is_error()
                && !d.files.is_empty()
                && (d.code, &d.message, &d.files) == (fault.code, &fault.message, &fault.files)
        };
        let (Some(first), Some(span)) = (self.diagnostics.iter_mut().find(same), fault.span) else { return false };
        if first.span != Some(span) && first.labels.iter().all(|l| l.span != span) {
            first.labels.push(SpanLabel { span, text: "needed here too".to_string() });
        }
        true
    }

    fn report_all(&mut self, faults: Vec<Fault>, place: Span) -> Reported {
        for fault in faults {
            self.report(fault, place);
        }
        Reported
    }

    /// The panel of a number, where it could be loaded.
    fn loaded(&self, panel: usize) -> Step<&PanelData> {
        self.panels.get(panel).and_then(Option::as_deref).ok_or(Reported)
    }
}

/// What is loaded next.
#[derive(Clone, Copy)]
pub(crate) enum Load {
    Data(usize),
    Panel(usize),
}

/// Data sets and panels in the order of the program, each after what it is made from: a data set made from a panel
/// follows it, a panel follows every data set that does not.
pub(crate) fn loading_order(spec: &Spec) -> Vec<Load> {
    let (mut early, mut late): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
    for (number, data) in spec.data.iter().enumerate() {
        let from_panel = match data.rows.source {
            RowSource::Panel(_) => true,
            RowSource::Data(d) => late.contains(&d),
            RowSource::File(_) => false,
        };
        let joins_panel = data.rows.joins.iter().any(|j| matches!(j.source, RowSource::Data(d) if late.contains(&d)));
        if from_panel || joins_panel { late.push(number) } else { early.push(number) }
    }
    let mut order: Vec<Load> = early.into_iter().map(Load::Data).collect();
    for panel in 0..spec.panels.len() {
        order.push(Load::Panel(panel));
        let ready = |d: &usize| match spec.data[*d].rows.source {
            RowSource::Panel(p) => p <= panel,
            _ => false,
        };
        let (now, rest): (Vec<usize>, Vec<usize>) = late.iter().partition(|d| ready(d));
        order.extend(now.into_iter().map(Load::Data));
        late = rest;
    }
    order.extend(late.into_iter().map(Load::Data));
    order
}

/// Models, matrices, data sets and tests an output shows.
fn needs<'a>(
    output: &'a Output,
    models: &mut Vec<usize>,
    matrices: &mut Vec<&'a WeightsUse>,
    data: &mut Vec<usize>,
    tests: &mut Vec<usize>,
) {
    match output {
        Output::Test(number) => tests.push(*number),
        Output::Data(number) => data.push(*number),
        Output::Fit(model) | Output::Answer { model, .. } => models.push(*model),
        Output::Weights(used) => matrices.push(used),
        Output::Treatment(_) | Output::Panel(_) | Output::Described(_) | Output::Array(_) => {}
        Output::Scalar(scalar) => scalar_needs(scalar, models, tests),
        Output::Figure(figure) => needs(&figure.of, models, matrices, data, tests),
        Output::Table(table) => {
            models.extend(table.columns.iter().map(|c| c.1));
            table.of.iter().for_each(|of| needs(of, models, matrices, data, tests));
        }
        Output::Design(design) => models.extend(design.models()),
        Output::List(items) => items.iter().for_each(|(_, o)| needs(o, models, matrices, data, tests)),
    }
}

fn scalar_needs(scalar: &ScalarExpr, models: &mut Vec<usize>, tests: &mut Vec<usize>) {
    match scalar {
        ScalarExpr::Number(_) | ScalarExpr::Text(_) | ScalarExpr::Bool(_) => {}
        ScalarExpr::Answer { answer: Answer::Array, .. } => {}
        ScalarExpr::Answer { answer: Answer::Test, model: test, .. } => tests.push(*test),
        ScalarExpr::Answer { model, .. } => models.push(*model),
        ScalarExpr::Negate(inner) | ScalarExpr::Not(inner) => scalar_needs(inner, models, tests),
        ScalarExpr::Chain { first, rest, .. } => {
            scalar_needs(first, models, tests);
            rest.iter().for_each(|(_, s)| scalar_needs(s, models, tests));
        }
        ScalarExpr::If { branches, otherwise } => {
            for (condition, value) in branches {
                scalar_needs(condition, models, tests);
                scalar_needs(value, models, tests);
            }
            scalar_needs(otherwise, models, tests);
        }
        ScalarExpr::Call { arguments, .. } => arguments.iter().for_each(|a| scalar_needs(a, models, tests)),
        ScalarExpr::In { value, list, .. } => {
            scalar_needs(value, models, tests);
            list.iter().for_each(|s| scalar_needs(s, models, tests));
        }
    }
}
