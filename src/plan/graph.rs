//! The steps of a run as a graph: what each does, what it needs, its size, and the key that equal steps share.
//!
//! Files, panels, treatments and matrices are made while planning; what is left to do stands in [`Work`], and
//! `execute` does it in this order or at the same time. A step is one of the list however many models need it.

mod models;

use super::memory::{self, Size};
use super::testing::TestPlan;
use super::weights::Built;
use super::{InputFile, ModelPlan, Plan, needs, scalar_needs};
use crate::check::spec::{
    Column, ColumnKind, DescribedBy, DesignSpec, Output, PanelSpec, PanelStep, RowSource, Spec, StepKind, TestQuery,
    WeightsExpr, WeightsKind, WeightsUse,
};
use crate::data::table::Table;
use crate::estimators::shared::Shared;
use crate::outcome::steps::{Step, Steps, What};
use crate::source::Span;
use crate::weights::Weights;
use std::sync::Arc;

/// What is left of a step when planning ends.
pub enum Work {
    /// Nothing: it was done to plan, or is part of what it needs.
    Done,
    /// The order of units, eigenvalues or analysis, and interval of `matrix`, where `giver` sets the order.
    Prepare { giver: Arc<Weights>, matrix: Arc<Weights> },
    /// The interval of a matrix that is printed.
    Interval { matrix: Arc<Weights> },
    /// A model is estimated; fits of one `optimum` differ in variances alone.
    Fit { model: usize, optimum: Option<String> },
}

/// The steps, what is left of each, where in the program each stands, and what models share.
pub(super) struct Graph {
    pub steps: Steps,
    pub work: Vec<Work>,
    pub places: Vec<Option<Span>>,
    pub shared: Arc<Shared>,
}

/// A file that was read, with its table where it is one; whether it was read in order and not held.
type Input = (InputFile, Option<Arc<Table>>, bool);

/// The graph of a plan.
pub(super) fn graph(spec: &Spec, plan: &Plan, built: &[Built], files: &[Input], shared: Arc<Shared>) -> Graph {
    let mut builder = Builder {
        spec,
        plan,
        built,
        steps: Vec::new(),
        work: Vec::new(),
        places: Vec::new(),
        shared,
        threads: rayon::current_num_threads(),
        files: Vec::new(),
        data: vec![None; spec.data.len()],
        rows: Vec::new(),
        panels: Vec::new(),
        treatments: vec![None; spec.treatments.len()],
        matrices: vec![None; built.len()],
        prepared: Vec::new(),
        fits: vec![None; spec.models.len()],
        effects: vec![None; spec.models.len()],
    };
    builder.read(files);
    for load in super::loading_order(spec) {
        match load {
            super::Load::Data(number) => builder.data_set(number),
            super::Load::Panel(number) => builder.panel(number),
        }
    }
    for k in 0..built.len() {
        builder.matrix(k);
    }
    for number in 0..spec.models.len() {
        builder.log_determinants(number);
    }
    builder.intervals();
    for number in 0..spec.models.len() {
        builder.model(number);
    }
    builder.outputs();
    builder.finish()
}

/// The graph while it grows; places of steps are their numbers.
struct Builder<'a> {
    spec: &'a Spec,
    plan: &'a Plan,
    built: &'a [Built],
    steps: Vec<Step>,
    work: Vec<Work>,
    places: Vec<Option<Span>>,
    shared: Arc<Shared>,
    threads: usize,
    /// Path and step of every file.
    files: Vec<(String, usize)>,
    /// By data set.
    data: Vec<Option<usize>>,
    /// By panel: the step of its rows, and that of all its columns.
    rows: Vec<usize>,
    panels: Vec<usize>,
    treatments: Vec<Option<usize>>,
    /// By place among `built`.
    matrices: Vec<Option<usize>>,
    /// Giver, matrix and step of every log-determinant or interval.
    prepared: Vec<(Arc<Weights>, Arc<Weights>, usize)>,
    fits: Vec<Option<usize>>,
    effects: Vec<Option<usize>>,
}

/// What a step is made of, for its key.
struct Made<'t> {
    what: What,
    name: String,
    /// What it does, layout left out.
    text: &'t str,
    needs: Vec<usize>,
    size: Size,
    place: Option<Span>,
}

impl<'a> Builder<'a> {
    fn add(&mut self, made: Made, work: Work) -> usize {
        let mut needs: Vec<usize> = made.needs;
        needs.sort_unstable();
        needs.dedup();
        let mut hasher = blake3::Hasher::new();
        hasher.update(made.what.kind().as_bytes()).update(&[0]).update(made.text.as_bytes());
        for &n in &needs {
            hasher.update(&[0]).update(self.steps[n - 1].key.as_bytes());
        }
        let number = self.steps.len() + 1;
        self.steps.push(Step {
            number,
            key: hasher.finalize().to_hex()[..16].to_string(),
            name: made.name,
            needs,
            used_by: Vec::new(),
            kept_bytes: made.size.kept,
            working_bytes: made.size.working,
            what: made.what,
        });
        self.work.push(work);
        self.places.push(made.place);
        number
    }

    fn read(&mut self, files: &[Input]) {
        for (file, table, streamed) in files {
            let (rows, columns) = (table.as_ref().map(|t| t.rows()), table.as_ref().map(|t| t.header.len()));
            let made = Made {
                what: What::Read { bytes: file.bytes, rows, columns },
                name: file.path.clone(),
                text: &format!("{} {}", file.path, file.blake3),
                needs: Vec::new(),
                size: match streamed {
                    true => memory::stream(file.bytes),
                    false => memory::file(file.bytes, rows.unwrap_or(0) * columns.unwrap_or(0)),
                },
                place: None,
            };
            let number = self.add(made, Work::Done);
            self.files.push((file.path.clone(), number));
        }
    }

    fn file(&self, path: &str) -> Option<usize> {
        self.files.iter().find(|f| f.0 == path).map(|f| f.1)
    }

    /// A panel's rows, the matrices its own columns wait for, those columns, and its treatments.
    fn panel(&mut self, number: usize) {
        let (spec, data) = (&self.spec.panels[number], &self.plan.panels[number]);
        let before = self.sources(spec);
        let joins = spec.joins.iter().map(|j| self.source_name(&j.source)).collect();
        let lets: Vec<&str> = data.lets.keys().map(String::as_str).collect();
        let spatial: Vec<String> = spec.steps.iter().filter_map(spatial_let).collect();
        let derived: Vec<String> =
            lets.iter().filter(|l| !spatial.iter().any(|s| s == *l)).map(|l| l.to_string()).collect();
        let index = &data.index;
        let made = Made {
            what: What::Panel {
                unit: spec.unit.clone(),
                time: spec.time.clone(),
                units: index.units.len(),
                periods: index.periods.len(),
                first_period: index.periods.first().copied().unwrap_or(0),
                last_period: index.periods.last().copied().unwrap_or(0),
                rows: data.rows.len(),
                balanced: data.balanced,
                joins,
                derived: derived.clone(),
                dropped: data.dropped.clone(),
            },
            name: spec.name.clone(),
            text: &format!("{spec:?}"),
            needs: before,
            size: memory::panel(data.table.rows(), derived.len()),
            place: Some(spec.place.0),
        };
        let rows = self.add(made, Work::Done);
        self.rows.push(rows);
        let built = self.built;
        let early: Vec<usize> = (0..built.len()).filter(|&k| built[k].early && built[k].of.panel == number).collect();
        let mut before = vec![rows];
        for k in early {
            self.matrix(k);
            before.extend(self.matrices[k]);
        }
        let all = if spatial.is_empty() { rows } else { self.derived(number, spatial, before) };
        self.panels.push(all);
        self.treatments_of(number);
    }

    /// The steps a panel or data set is made from: files, earlier ones, and the data its columns look at.
    fn sources(&self, spec: &PanelSpec) -> Vec<usize> {
        let of = |source: &RowSource| match source {
            RowSource::File(path) => self.file(path),
            RowSource::Panel(p) => self.panels.get(*p).copied(),
            RowSource::Data(d) => self.data.get(*d).copied().flatten(),
        };
        let mut out: Vec<usize> = of(&spec.source).into_iter().collect();
        out.extend(spec.joins.iter().filter_map(|j| of(&j.source)));
        for step in &spec.steps {
            let (PanelStep::Let { value: column, .. } | PanelStep::Where { condition: column }) = step;
            column.visit(&mut |c| self.looked_at(c, &mut out));
        }
        out
    }

    /// The step of a column of a data set or of another panel.
    fn looked_at(&self, column: &Column, out: &mut Vec<usize>) {
        match &column.kind {
            ColumnKind::Data { data, .. } => out.extend(self.data.get(*data).copied().flatten()),
            ColumnKind::Foreign { panel, .. } => out.extend(self.panels.get(*panel)),
            ColumnKind::Treatment(treatment) | ColumnKind::Near { treatment, .. } => {
                out.extend(self.treatments.get(*treatment).copied().flatten());
            }
            _ => {}
        }
    }

    fn source_name(&self, source: &RowSource) -> String {
        match source {
            RowSource::File(path) => path.clone(),
            RowSource::Panel(p) => self.spec.panels[*p].name.clone(),
            RowSource::Data(d) => self.spec.data[*d].rows.name.clone(),
        }
    }

    fn data_set(&mut self, number: usize) {
        let spec = &self.spec.data[number];
        let Some((rows, labels)) = self.plan.cubes.get(number).cloned() else { return };
        let cells: usize = labels.iter().product();
        let made = Made {
            needs: self.sources(&spec.rows),
            size: Size { kept: (8 * cells + 8 * rows) as u64, working: 16 * cells as u64 },
            what: What::Data { keys: spec.keys.clone(), labels, rows, cells },
            name: spec.rows.name.clone(),
            text: &format!("{spec:?}"),
            place: Some(spec.rows.place.0),
        };
        self.data[number] = Some(self.add(made, Work::Done));
    }

    fn derived(&mut self, number: usize, columns: Vec<String>, needs: Vec<usize>) -> usize {
        let spec = &self.spec.panels[number];
        let made = Made {
            name: columns.join(", "),
            size: Size { kept: 8 * (self.plan.panels[number].table.rows() * columns.len()) as u64, working: 0 },
            what: What::Derived { panel: spec.name.clone(), columns },
            text: &format!("{:?}", spec.steps),
            needs,
            place: Some(spec.place.0),
        };
        self.add(made, Work::Done)
    }

    fn treatments_of(&mut self, number: usize) {
        let (spec, plan) = (self.spec, self.plan);
        for (k, declared) in spec.treatments.iter().enumerate().filter(|(_, t)| t.panel == number) {
            let Some(Some(treatment)) = plan.treatments.get(k) else { continue };
            let starts = || treatment.starts.iter().flatten().copied();
            let made = Made {
                what: What::Treatment {
                    panel: spec.panels[number].name.clone(),
                    units: treatment.units.len(),
                    never: treatment.starts.iter().filter(|s| s.is_none()).count(),
                    first_start: starts().min(),
                    last_start: starts().max(),
                },
                name: declared.name.clone(),
                text: &format!("{:?}", declared.rule),
                needs: vec![self.panels[number]],
                size: Size { kept: 8 * treatment.treated.len() as u64, working: 0 },
                place: Some(declared.place.0),
            };
            self.treatments[k] = Some(self.add(made, Work::Done));
        }
    }

    /// The step of a matrix; matrices are steps in the order in which they were built.
    fn matrix(&mut self, k: usize) {
        if self.matrices[k].is_some() {
            return;
        }
        let built = &self.built[k];
        let panel = built.of.panel;
        let mut paths = Vec::new();
        let mut of_data = false;
        files_of(&built.used.recipe, &mut paths, &mut of_data);
        let mut before: Vec<usize> = paths.iter().filter_map(|p| self.file(p)).collect();
        before.extend(if built.early { self.rows.get(panel) } else { self.panels.get(panel) });
        if of_data && !built.early {
            // Economic distance looks at the years before anybody is treated.
            let declared = self.spec.treatments.iter().zip(&self.treatments).filter(|(t, _)| t.panel == panel);
            before.extend(declared.filter_map(|(_, step)| *step));
        }
        let w = &built.weights;
        let made = Made {
            what: What::Weights {
                panel: self.spec.panels.get(panel).map_or(String::new(), |p| p.name.clone()),
                recipe: built.of.recipe.clone(),
                units: w.units(),
                links: w.matrix.nnz(),
                islands: w.islands().len(),
                scaling: w.scaling.word().to_string(),
            },
            name: built.used.name.clone(),
            text: &format!("{:?}", built.of),
            needs: before,
            size: memory::weights(w.units(), w.matrix.nnz() as u64),
            place: Some(built.used.recipe.place.0),
        };
        self.matrices[k] = Some(self.add(made, Work::Done));
    }

    /// The step of a matrix by its address.
    fn step_of(&self, w: &Arc<Weights>) -> Option<usize> {
        let k = self.built.iter().position(|b| Arc::ptr_eq(&b.weights, w))?;
        self.matrices[k]
    }

    /// Intervals of printed matrices that no model has found.
    fn intervals(&mut self) {
        for used in self.printed() {
            let Some(printed) = self.plan.summaries.get(&(used.name.clone(), used.panel)) else { continue };
            let matrix = printed.weights.clone();
            if self.prepared.iter().any(|p| Arc::ptr_eq(&p.1, &matrix)) {
                continue;
            }
            let filter = self.shared.filter_of(&matrix, &matrix);
            let method = filter.map_or("lu", |f| f.method()).to_string();
            let made = Made {
                size: memory::log_determinant(&method, matrix.units(), matrix.matrix.nnz(), 0, 1),
                what: What::Interval { method },
                name: used.name.clone(),
                text: "",
                needs: self.step_of(&matrix).into_iter().collect(),
                place: Some(used.place.0),
            };
            let step = self.add(made, Work::Interval { matrix: matrix.clone() });
            self.prepared.push((matrix.clone(), matrix, step));
        }
    }

    /// Matrices of the statements that print or save one.
    fn printed(&self) -> Vec<&'a WeightsUse> {
        let spec = self.spec;
        let (mut models, mut matrices, mut data, mut tests) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for step in spec.fresh_steps() {
            for output in step.kind.outputs() {
                needs(output, &mut models, &mut matrices, &mut data, &mut tests);
            }
        }
        matrices
    }

    fn outputs(&mut self) {
        let spec = self.spec;
        for step in spec.fresh_steps() {
            let (mut models, mut matrices, mut before, mut data) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
            let mut tests = Vec::new();
            let path = match &step.kind {
                StepKind::Model { .. } => continue,
                StepKind::Print(_) => None,
                StepKind::Save { path, .. } | StepKind::Report { path, .. } => Some(path.clone()),
                StepKind::Assert { condition, .. } => {
                    scalar_needs(condition, &mut models, &mut tests);
                    None
                }
            };
            for output in step.kind.outputs() {
                needs(output, &mut models, &mut matrices, &mut data, &mut tests);
                self.declared(output, &mut before);
            }
            models.extend(tests.iter().flat_map(|&t| spec.tests[t].models()));
            before.extend(self.of_tests(&tests));
            let designs: Vec<usize> = step.kind.designs().into_iter().filter_map(DesignSpec::staggered).collect();
            before.extend(self.of_staggered(&designs));
            let studied: Vec<_> = designs.iter().map(|&d| &spec.staggered[d]).collect();
            let asked: Vec<&TestQuery> = tests.iter().map(|&t| &spec.tests[t].query).collect();
            before.extend(models.iter().filter_map(|&m| self.effects.get(m).copied().flatten()));
            for used in matrices {
                let Some(printed) = self.plan.summaries.get(&(used.name.clone(), used.panel)) else { continue };
                let found = self.prepared.iter().find(|p| Arc::ptr_eq(&p.1, &printed.weights));
                before.extend(found.map(|p| p.2));
            }
            let source = match &step.kind {
                StepKind::Assert { text, .. } => format!("assert {text}"),
                _ => step.source.split_whitespace().collect::<Vec<_>>().join(" "),
            };
            let made = Made {
                text: &format!("{:?} {asked:?} {studied:?}", step.kind),
                name: source.clone(),
                what: What::Output { source, path },
                needs: before,
                size: Size::default(),
                place: Some(step.place.0),
            };
            self.add(made, Work::Done);
        }
    }

    /// The panels of columns that are tested, and the matrices of tests.
    fn of_tests(&self, tests: &[usize]) -> Vec<usize> {
        let mut out = Vec::new();
        for &test in tests {
            if let TestQuery::Column { sample, .. } = &self.spec.tests[test].query {
                out.extend(self.panels.get(sample.panel));
            }
            match self.plan.tests.get(test).and_then(Option::as_ref) {
                Some(TestPlan::Sections(sections)) => out.extend(self.step_of(&sections.weights)),
                Some(TestPlan::Matrix(Some(matrix))) => out.extend(self.step_of(matrix)),
                _ => {}
            }
        }
        out
    }

    /// The panels, treatments and matrices of designs for staggered treatments.
    fn of_staggered(&self, designs: &[usize]) -> Vec<usize> {
        let mut out = Vec::new();
        for &design in designs {
            let sample = &self.spec.staggered[design].sample;
            out.extend(self.panels.get(sample.panel));
            out.extend(sample.treatment.and_then(|t| self.treatments.get(t).copied().flatten()));
            if let Some(plan) = self.plan.staggered.get(design).and_then(Option::as_ref) {
                out.extend(plan.model.durbin_weights.iter().filter_map(|m| self.step_of(&m.weights)));
            }
        }
        out
    }

    /// Panels and treatments that are shown.
    fn declared(&self, output: &Output, before: &mut Vec<usize>) {
        match output {
            Output::Panel(number) => before.extend(self.panels.get(*number)),
            Output::Described(d) => {
                before.extend(self.panels.get(d.panel));
                if let Some(DescribedBy::Treatment(number)) = d.by {
                    before.extend(self.treatments.get(number).copied().flatten());
                }
            }
            Output::Data(number) => before.extend(self.data.get(*number).copied().flatten()),
            Output::Array(number) => {
                let Some(array) = self.spec.arrays.get(*number) else { return };
                before.extend(array.rows_of.and_then(|p| self.panels.get(p)));
                array.value.visit(&mut |c| self.looked_at(c, before));
            }
            Output::Treatment(number) => before.extend(self.treatments.get(*number).copied().flatten()),
            Output::Figure(figure) => self.declared(&figure.of, before),
            Output::List(items) => items.iter().for_each(|(_, o)| self.declared(o, before)),
            Output::Table(table) => table.of.iter().for_each(|of| self.declared(of, before)),
            _ => {}
        }
    }

    fn finish(mut self) -> Graph {
        for (model, last) in self.effects.iter().enumerate() {
            let Some(last) = last else { continue };
            let label = self.label(model);
            let mut open = vec![*last];
            while let Some(number) = open.pop() {
                let step = &mut self.steps[number - 1];
                // Models come one after the other: what bears this label was seen.
                if step.used_by.last() != Some(&label) {
                    step.used_by.push(label.clone());
                    open.extend(step.needs.iter().copied());
                }
            }
        }
        let mut steps = Steps { threads: self.threads, peak_bytes: 0, peak_step: 0, steps: self.steps };
        memory::peak(&mut steps);
        Graph { steps, work: self.work, places: self.places, shared: self.shared }
    }
}

/// The name of a derived column that is a spatial lag.
fn spatial_let(step: &PanelStep) -> Option<String> {
    match step {
        PanelStep::Let { name, value } => super::columns::has_spatial_lag(value).then(|| name.clone()),
        PanelStep::Where { .. } => None,
    }
}

/// Files of a recipe, and whether it looks at columns of the panel.
pub(super) fn files_of<'r>(recipe: &'r WeightsExpr, files: &mut Vec<&'r str>, of_data: &mut bool) {
    match &recipe.kind {
        WeightsKind::Edges { file, .. }
        | WeightsKind::Matrix { file, .. }
        | WeightsKind::Gal { file, .. }
        | WeightsKind::Swm { file, .. }
        | WeightsKind::Gwt { file, .. } => files.push(file),
        WeightsKind::Mtx { file, units, .. } => {
            files.push(file);
            files.extend(units.as_deref());
        }
        WeightsKind::Similarity { .. } | WeightsKind::Gravity { .. } => *of_data = true,
        _ => recipe.parts().into_iter().for_each(|p| files_of(p, files, of_data)),
    }
}
