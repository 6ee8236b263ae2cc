//! [`Plan`] → outcomes: models estimated, answers put, assertions held, saved values rendered. Nothing is written here.
//!
//! The steps of the plan are done once each, independent ones at the same time; every fault of every model is reported, and where there is one
//! there are no outcomes.

mod answers;
mod collinear;
mod describe;
mod designs;
mod explain;
mod figures;
mod fit;
mod groups;
mod honest;
mod joint;
mod near_collinear;
mod placebo;
mod remarks;
mod replications;
mod resample;
mod restrictions;
mod schedule;
mod split;
mod staggered;
mod steps;
mod testing;

use crate::check::scalar::{FITTING, UNFIT, each_answer, evaluate, sides};
use crate::check::spec::{Answer, DesignSpec, Output, ScalarExpr, Spec, Step, StepKind, TableSpec};
use crate::diagnostic::Diagnostic;
use crate::estimators::{EstimateError, Estimated, Interrupt, estimate_with};
use crate::fault::Fault;
use crate::outcome::designs::Design;
use crate::outcome::testing::TestResult;
use crate::outcome::{Entry, Fit, Outcome, Scalar, Table};
use crate::plan::{Memory, ModelPlan, Plan};
use crate::report::page::Section;
use crate::report::{self, Stars, TableOptions, side_by_side};
use std::sync::{Arc, Mutex, OnceLock};
use steps::{Left, Shown};

/// A file a `save` asks for, rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// As the program writes it.
    pub path: String,
    pub content: Vec<u8>,
    pub place: crate::source::Span,
}

/// A page a `report` asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Reported {
    pub path: String,
    pub sections: Vec<Section>,
    /// The words at the head of the program.
    pub doc: String,
    pub place: crate::source::Span,
}

/// What a run gives; where a diagnostic is an error, entries and files are empty.
#[derive(Debug, Default)]
pub struct Executed {
    pub entries: Vec<Entry>,
    pub files: Vec<Saved>,
    pub reports: Vec<Reported>,
    pub diagnostics: Vec<Diagnostic>,
    /// The run was stopped from outside.
    pub interrupted: bool,
}

/// A model with its answers.
pub(crate) struct Fitted {
    pub plan: Arc<ModelPlan>,
    pub estimated: Estimated,
    pub fit: Fit,
}

/// One model's fit with its warnings, or why there is none.
type Estimation = Result<(Arc<Fitted>, Vec<Diagnostic>), Vec<Diagnostic>>;

/// Estimates every model of a plan and answers every statement, in program order; what `memory` knows is not done again.
pub fn execute(spec: &Spec, plan: Plan, memory: Option<&Memory>, interrupt: &dyn Interrupt) -> Executed {
    let mut out = Executed::default();
    let Plan {
        panels,
        treatments,
        models,
        tests,
        designs,
        staggered,
        keys,
        summaries,
        arrays,
        data,
        steps,
        work,
        shared,
        ..
    } = plan;
    let left = Left { spec, steps: &steps, memory, keys: &keys, work: &work, shared: &shared, interrupt };
    let results = left.estimates(&models);
    out.interrupted = interrupt.stop();
    let mut fits = Vec::new();
    for result in results {
        fits.push(match result {
            Some(Ok((fitted, remarks))) => {
                add_all(&mut out.diagnostics, remarks);
                Some(fitted)
            }
            Some(Err(faults)) => {
                add_all(&mut out.diagnostics, faults);
                None
            }
            None => None,
        });
    }
    if out.interrupted || out.diagnostics.iter().any(Diagnostic::is_error) {
        return out;
    }
    let shown = Shown { summaries: &summaries, arrays: &arrays, data: &data, shared: &shared, interrupt };
    let run = Run {
        spec,
        panels: &panels,
        treatments: &treatments,
        tests: &tests,
        tested: tests.iter().map(|_| OnceLock::new()).collect(),
        designs: &designs,
        answered: Mutex::default(),
        staggered: &staggered,
        shown,
        fits: &fits,
        interrupt,
    };
    for step in spec.fresh_steps() {
        run.step(step, &mut out);
    }
    if out.diagnostics.iter().any(Diagnostic::is_error) {
        out.entries.clear();
        out.files.clear();
        out.reports.clear();
    }
    out
}

/// Warnings of one cause are said once, whatever the number of models that meet it.
fn add_all(diagnostics: &mut Vec<Diagnostic>, more: Vec<Diagnostic>) {
    for d in more {
        let same = |k: &Diagnostic| k.code == d.code && k.message == d.message && (!d.is_error() || k.span == d.span);
        if !diagnostics.iter().any(same) {
            diagnostics.push(d);
        }
    }
}

/// One model's estimate; models of one `optimum` share it.
fn fitted(left: &Left, number: usize, optimum: Option<&str>, plan: Arc<ModelPlan>) -> Estimation {
    let spec = left.spec;
    let model = &spec.models[number];
    let place = model.place.0;
    match estimate_with(&plan.problem, left.shared, optimum, left.interrupt) {
        Ok(mut estimated) => {
            let said = remarks::remarks(model, &plan, &estimated);
            let mut diagnostics: Vec<Diagnostic> = said.into_iter().map(|f| Diagnostic::at(f, Some(place))).collect();
            let panel = &spec.panels[model.panel].name;
            let mut fit = fit::fit(model, panel, &plan, &estimated);
            match resample::resample(spec.settings.seed, model, &plan, &mut estimated, left, &mut fit) {
                Ok(faults) => diagnostics.extend(faults.into_iter().map(|f| Diagnostic::at(f, Some(place)))),
                Err(EstimateError::Interrupted) => return Err(Vec::new()),
                Err(e) => return Err(vec![Diagnostic::at(remarks::refusal(model, &plan, &e), Some(place))]),
            }
            Ok((Arc::new(Fitted { plan, estimated, fit }), diagnostics))
        }
        Err(EstimateError::Interrupted) => Err(Vec::new()),
        Err(EstimateError::RankDeficient { columns }) => {
            let faults = collinear::faults(model, &plan, &columns);
            Err(faults.into_iter().map(|f| Diagnostic::at(f, Some(model.formula_place.0))).collect())
        }
        Err(e) => Err(vec![Diagnostic::at(remarks::refusal(model, &plan, &e), Some(place))]),
    }
}

/// What statements are answered from.
struct Run<'a> {
    spec: &'a Spec,
    panels: &'a [Arc<crate::plan::panels::PanelData>],
    treatments: &'a [Option<crate::designs::treatment::Treatment>],
    tests: &'a [Option<crate::plan::testing::TestPlan>],
    /// The results of tests that were asked for: a report asks for their numbers one by one.
    tested: Vec<OnceLock<Result<TestResult, Fault>>>,
    designs: &'a [(DesignSpec, crate::plan::placebo::Prepared)],
    /// Designs of many estimates that were answered already: printed and saved, they are done once.
    answered: Mutex<Vec<(DesignSpec, Design)>>,
    staggered: &'a [Option<Arc<crate::plan::staggered::StaggeredPlan>>],
    shown: Shown<'a>,
    fits: &'a [Option<Arc<Fitted>>],
    interrupt: &'a dyn Interrupt,
}

impl Run<'_> {
    fn step(&self, step: &Step, out: &mut Executed) {
        match &step.kind {
            StepKind::Model { name, model } => {
                if let Some(fitted) = &self.fits[*model] {
                    let outcome = Outcome::Fit(Box::new(fitted.fit.clone()));
                    let name = Some(name.clone());
                    out.entries.push(Entry { name, source: step.source.clone(), outcome, printed: false });
                }
            }
            StepKind::Print(output) => match self.outcome(output) {
                Ok(outcome) => out.entries.push(self.entry(&step.source, output, outcome, true)),
                Err(fault) => out.diagnostics.push(Diagnostic::at(fault, Some(step.place.0))),
            },
            StepKind::Save { output, path, path_place } => match self.outcome(output) {
                Ok(mut outcome) => {
                    if let Outcome::Figure(figure) = &mut outcome {
                        figure.path = Some(path.clone());
                    }
                    let entry = self.entry(&step.source, output, outcome, false);
                    let extension = path.rsplit_once('.').map_or(String::new(), |(_, e)| e.to_lowercase());
                    if let (Output::Weights(used), "csv" | "gal" | "gwt" | "mtx") = (output, extension.as_str()) {
                        match self.shown.file(used, &extension, path) {
                            Ok((content, note)) => {
                                out.files.push(Saved {
                                    path: path.clone(),
                                    content: content.into(),
                                    place: path_place.0,
                                });
                                let note = note.map(|n| Diagnostic::at(n, Some(path_place.0)));
                                add_all(&mut out.diagnostics, note.into_iter().collect());
                            }
                            Err(fault) => out.diagnostics.push(Diagnostic::at(fault, Some(path_place.0))),
                        }
                    } else if let (Outcome::Figure(figure), "png") = (&entry.outcome, extension.as_str()) {
                        match figures::pixels(figure) {
                            Ok(content) => {
                                out.files.push(Saved { path: path.clone(), content, place: path_place.0 });
                            }
                            Err(fault) => out.diagnostics.push(Diagnostic::at(fault, Some(path_place.0))),
                        }
                    } else if let Some(content) = report::saved(&entry, &extension, self.spec.settings.lang) {
                        out.files.push(Saved { path: path.clone(), content, place: path_place.0 });
                    }
                    out.entries.push(entry);
                }
                Err(fault) => out.diagnostics.push(Diagnostic::at(fault, Some(step.place.0))),
            },
            StepKind::Report { items, path, path_place, doc } => {
                let mut sections = Vec::new();
                for item in items {
                    match self.outcome(&item.output) {
                        Ok(outcome) => {
                            let source = item.source.0.clone();
                            let entry = self.entry(&source, &item.output, outcome, false);
                            sections.push(Section { words: item.words.clone(), entry });
                        }
                        Err(fault) => out.diagnostics.push(Diagnostic::at(fault, Some(step.place.0))),
                    }
                }
                out.entries.extend(sections.iter().map(|s| s.entry.clone()));
                out.reports.push(Reported { path: path.clone(), sections, doc: doc.0.clone(), place: path_place.0 });
            }
            StepKind::Assert { condition, text, message } => {
                if let Err(fault) = self.hold(condition, text, message.as_deref()) {
                    out.diagnostics.push(Diagnostic::at(fault, Some(step.place.0)));
                }
            }
        }
    }

    /// An expression that is a model's name bears that name.
    fn entry(&self, source: &str, output: &Output, outcome: Outcome, printed: bool) -> Entry {
        let named =
            |n: &&Step| matches!((&n.kind, output), (StepKind::Model { model, .. }, Output::Fit(m)) if model == m);
        let name = self.spec.steps.iter().find(named).and_then(|s| match &s.kind {
            StepKind::Model { name, .. } => Some(name.clone()),
            _ => None,
        });
        Entry { name: name.filter(|n| *n == source), source: source.to_string(), outcome, printed }
    }

    fn fitted(&self, model: usize) -> Result<&Fitted, Fault> {
        self.fits.get(model).and_then(Option::as_deref).ok_or_else(|| {
            Fault::error("durbin::run::bug", "a model was not estimated")
                .help("please report the program to the authors")
        })
    }

    fn outcome(&self, output: &Output) -> Result<Outcome, Fault> {
        Ok(match output {
            Output::Fit(model) => Outcome::Fit(Box::new(self.fitted(*model)?.fit.clone())),
            Output::Weights(used) => Outcome::Weights(self.shown.summary(used)?),
            Output::Treatment(number) => match self.treatments.get(*number).and_then(Option::as_ref) {
                Some(treatment) => Outcome::Treatment(treatment.summary()),
                None => return Err(Fault::error("durbin::run::bug", "a treatment was not read")),
            },
            Output::Panel(number) => Outcome::Panel(self.panels[*number].summary()),
            Output::Described(d) => Outcome::Described(Box::new(self.described(d)?)),
            Output::Data(number) => match self.shown.data.get(*number).and_then(Option::as_ref) {
                Some(summary) => Outcome::Data(summary.clone()),
                None => return Err(Fault::error("durbin::run::bug", "a data set was not read")),
            },
            Output::Array(number) => match self.shown.arrays.get(*number) {
                Some(array) => Outcome::Array(array.clone()),
                None => return Err(Fault::error("durbin::run::bug", "an array was not made")),
            },
            Output::Scalar(scalar) => Outcome::Value(self.scalar(scalar)?),
            Output::Answer { answer, model } => {
                answers::answer(*answer, self.spec, *model, self.fitted(*model)?, self.shown.shared, self.interrupt)?
            }
            Output::Table(table) => Outcome::Table(self.table(table)?),
            Output::Figure(figure) => Outcome::Figure(Box::new(self.figure(figure)?)),
            Output::Design(design) => Outcome::Design(self.design(design)?),
            Output::Test(number) => Outcome::Test(Box::new(self.test(*number)?)),
            Output::List(items) => {
                let mut entries = Vec::new();
                for (source, item) in items {
                    let outcome = self.outcome(item)?;
                    entries.push(Entry { name: None, source: source.0.clone(), outcome, printed: true });
                }
                Outcome::List(entries)
            }
        })
    }

    fn table(&self, table: &TableSpec) -> Result<Table, Fault> {
        let options = TableOptions {
            stars: if table.stars { Stars::Conventional } else { Stars::None },
            under: table.under,
            digits: table.digits,
            labels: table.labels.iter().cloned().collect(),
            controls: table.controls.clone(),
            show: table.show.clone(),
            groups: table.groups.clone(),
            lang: self.spec.settings.lang,
        };
        if let Some(of) = &table.of {
            let plain = report::table_of(&self.outcome(of)?, &options);
            let plain = plain.ok_or_else(|| {
                Fault::error("durbin::run::bug", "a value was taken for a table")
                    .help("please report the program to the authors")
            })?;
            let digits = if plain.digits == TableOptions::default().digits { table.digits } else { plain.digits };
            let options = TableOptions { digits, ..options };
            return Ok(report::relabelled(plain, table.title.clone(), &options));
        }
        let mut columns = Vec::new();
        for (heading, model) in &table.columns {
            columns.push((heading.as_str(), &self.fitted(*model)?.fit));
        }
        Ok(Table { title: table.title.clone(), ..side_by_side(&columns, &options) })
    }

    fn look_up(&self, answer: Answer, model: usize, entry: Option<&str>) -> Option<ScalarExpr> {
        if answer == Answer::Array {
            let value = self.shown.arrays.get(model)?.values.first().copied()?;
            return Some(ScalarExpr::Number(value));
        }
        if answer == Answer::Test {
            return self.test_number(model, entry.unwrap_or("p"));
        }
        answers::scalar(answer, entry, self.fits.get(model)?.as_ref()?).map(ScalarExpr::Number)
    }

    fn scalar(&self, scalar: &ScalarExpr) -> Result<Scalar, Fault> {
        match evaluate(scalar, &|a, m, e| self.look_up(a, m, e)) {
            Some(ScalarExpr::Number(x)) => Ok(Scalar::Number(x)),
            Some(ScalarExpr::Text(t)) => Ok(Scalar::Text(t)),
            Some(ScalarExpr::Bool(b)) => Ok(Scalar::Bool(b)),
            _ => Err(self.unknown(scalar)),
        }
    }

    /// Why a scalar has no value: an entry a fit does not have, else kinds that do not fit.
    fn unknown(&self, scalar: &ScalarExpr) -> Fault {
        let mut missing = None;
        each_answer(scalar, &mut |answer, model, entry| {
            if let (None, Answer::Test, Some(entry)) = (&missing, answer, entry) {
                missing = self.no_number(model, entry);
            } else if missing.is_none()
                && let (Some(entry), Some(fitted)) = (entry, self.fits.get(model).and_then(Option::as_ref))
                && answers::scalar(answer, Some(entry), fitted).is_none()
            {
                let terms: Vec<&str> = fitted.fit.coefficients.iter().map(|c| c.term.as_str()).collect();
                let mut fault =
                    Fault::error("durbin::check::unknown_name", format!("the model has no coefficient `{entry}`"));
                fault.help = crate::suggest::did_you_mean(entry, terms.iter().copied())
                    .or_else(|| Some(format!("its coefficients are {}", crate::fault::ticked_list(&terms))));
                missing = Some(fault);
            }
        });
        missing.unwrap_or_else(|| Fault::error("durbin::check::wrong_kind", UNFIT).help(FITTING))
    }

    fn hold(&self, condition: &ScalarExpr, text: &str, message: Option<&str>) -> Result<(), Fault> {
        match self.scalar(condition)? {
            Scalar::Bool(true) => Ok(()),
            Scalar::Bool(false) => {
                let both = sides(condition, &|a, m, e| self.look_up(a, m, e));
                let found = both.map_or(String::new(), |(a, b)| format!(": {} against {}", shown(&a), shown(&b)));
                let said = message.map_or(String::new(), |m| format!("{m}; "));
                Err(Fault::error("durbin::run::assertion", format!("{said}`{text}` does not hold{found}")))
            }
            _ => Err(Fault::error("durbin::check::wrong_kind", format!("`{text}` is no condition"))),
        }
    }
}

fn shown(value: &ScalarExpr) -> String {
    match value {
        ScalarExpr::Number(x) => x.to_string(),
        ScalarExpr::Text(t) => format!("\"{t}\""),
        ScalarExpr::Bool(b) => b.to_string(),
        _ => "?".to_string(),
    }
}
