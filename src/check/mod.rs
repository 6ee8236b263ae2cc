//! `Ast` → [`Spec`]: names, kinds, columns, units of measure and arguments of the whole program, before any data are
//! read (file headers only). Every fault is found in one pass, none follows from another.

pub mod library;
pub mod scalar;
pub mod scope;
pub mod spec;

mod approach;
mod arguments;
pub(crate) mod arrays;
mod autocorrelation;
mod changing;
mod columns;
mod cycles;
mod data;
mod describe;
mod designs;
mod dynamics;
mod effects;
mod figures;
mod foreign;
mod formula;
mod functions;
mod groups;
mod honest;
mod lint;
mod lists;
mod matching;
mod options;
mod outputs;
mod panel;
mod pedantic;
mod placebo;
mod query;
mod recipe;
mod replications;
mod resampling;
mod rings;
mod shapes;
mod staggered;
mod statements;
mod tables;
mod testing;
mod told;
mod values;
mod variance;
mod weights;
mod writing;

use crate::data::natives::Native;
use crate::diagnostic::Diagnostic;
use crate::loader::Loader;
use crate::source::{Sources, Span};
use crate::syntax::ast::{Ast, Expr, Name};
use indexmap::IndexMap;
use library::Library;
pub use options::option_values;
pub use pedantic::Lints;
pub(crate) use pedantic::post_treatment_weights;
use scope::Scope;
use spec::{PanelSpec, Spec};

/// What the checker is given.
pub struct Request<'a> {
    pub program: &'a Ast,
    /// The files of declarations that `use` names, by path.
    pub modules: &'a IndexMap<String, Ast>,
    pub sources: &'a Sources,
    pub loader: &'a dyn Loader,
    pub library: &'a Library,
    /// `--set NAME=VALUE`.
    pub sets: &'a [(String, Expr)],
    /// The program's own file name, which no `save` may overwrite.
    pub program_path: &'a str,
    /// So many statements at the beginning were run before: they declare for the others.
    pub settled: usize,
    /// Panels that are meant only where a name says so: others took their names.
    pub retired: &'a [String],
    /// The panel that a statement is about, by its number, where that is settled.
    pub pinned: &'a [Option<String>],
    /// Functions of the program that embeds this one.
    pub natives: &'a [Native],
    pub lints: Lints,
}

/// The outcome of checking: warnings and lints come with a spec, errors without.
pub struct Checked {
    pub spec: Option<Spec>,
    pub diagnostics: Vec<Diagnostic>,
    /// The columns of each panel and data set, derived ones included.
    pub columns: Vec<(String, Vec<String>)>,
}

/// Checks a whole program.
pub fn check(request: &Request) -> Checked {
    let mut checker = Checker::new(request);
    checker.run();
    checker.finish()
}

/// A panel while it is being checked: its spec and the names its expressions may use.
#[derive(Clone, Debug)]
pub(crate) struct PanelInfo {
    pub spec: PanelSpec,
    /// Columns by name, with the file they come from (empty for a `let`).
    pub columns: IndexMap<String, String>,
    /// Columns whose definition failed.
    pub broken_columns: Vec<String>,
    pub files: Vec<String>,
}

/// A data set while it is being checked.
#[derive(Clone, Debug)]
pub(crate) struct DataInfo {
    pub info: PanelInfo,
    pub keys: Vec<String>,
    pub values: Option<Vec<String>>,
    pub sums: Option<spec::SumsSpec>,
    pub absent: Option<f64>,
    pub keys_place: spec::Place,
}

/// A file the program reads, and where it says so.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub path: String,
    pub place: Span,
}

pub(crate) struct Checker<'a> {
    request: &'a Request<'a>,
    scope: Scope,
    spec: Spec,
    panels: Vec<PanelInfo>,
    data: Vec<DataInfo>,
    /// The panel that the statement being checked is about, where that is settled.
    pinned: Option<&'a String>,
    /// A panel failed to check: queries on it say nothing.
    broken_panel: bool,
    inputs: Vec<Input>,
    /// Path and place of every `save`.
    saves: Vec<(String, Span)>,
    diagnostics: Vec<Diagnostic>,
    told: told::Told,
    /// Functions whose bodies are being checked, outermost first.
    expanding: Vec<functions::Expansion>,
    /// Nodes that expansions may still add.
    budget: usize,
    /// The dimensions that the reductions around an expression take away, outermost first.
    reducing: Vec<Vec<String>>,
    /// Modules of the library that the program uses.
    used_modules: Vec<String>,
    /// Files of declarations whose statements are being checked or have been, by path.
    used_files: Vec<String>,
    /// What every declaration of the program mentions.
    declarations: cycles::Declarations,
    /// Functions and families known to call themselves.
    circular: Vec<String>,
    /// `not_available` faults: reported after every other.
    unavailable: Vec<Diagnostic>,
    /// Something could not be checked.
    gave_up: bool,
}

/// What could not be checked was reported; nothing more is said about it.
pub(crate) struct Reported;

pub(crate) type Check<T> = Result<T, Reported>;

impl<'a> Checker<'a> {
    fn new(request: &'a Request<'a>) -> Checker<'a> {
        Checker {
            request,
            scope: Scope::default(),
            spec: Spec::default(),
            panels: Vec::new(),
            data: Vec::new(),
            pinned: None,
            broken_panel: false,
            inputs: Vec::new(),
            saves: Vec::new(),
            diagnostics: Vec::new(),
            told: told::Told::default(),
            expanding: Vec::new(),
            budget: functions::MOST_NODES,
            reducing: Vec::new(),
            used_modules: Vec::new(),
            used_files: Vec::new(),
            declarations: cycles::Declarations::of(request.program),
            circular: Vec::new(),
            unavailable: Vec::new(),
            gave_up: false,
        }
    }

    fn finish(mut self) -> Checked {
        self.diagnostics.append(&mut self.unavailable);
        self.diagnostics.extend(self.told.beyond());
        if self.gave_up && !self.diagnostics.iter().any(Diagnostic::is_error) {
            // Whoever gives up says why: silence is an oversight of this crate, and no success.
            let fault = crate::fault::Fault::error("durbin::run::bug", "checking stopped without a reason")
                .help("this is an error of durbin: please report the program to its authors");
            self.diagnostics.push(Diagnostic::at(fault, None));
        }
        let failed = self.diagnostics.iter().any(Diagnostic::is_error);
        let tables = self.panels.iter().chain(self.data.iter().map(|d| &d.info));
        let columns = tables.map(|t| (t.spec.name.clone(), t.columns.keys().cloned().collect())).collect();
        self.spec.panels = self.panels.into_iter().map(|p| p.spec).collect();
        self.spec.data = self.data.into_iter().map(DataInfo::spec).collect();
        Checked { spec: (!failed).then_some(self.spec), diagnostics: self.diagnostics, columns }
    }

    fn report(&mut self, diagnostic: Diagnostic) -> Reported {
        let diagnostic = self.in_expansion(diagnostic);
        self.told.add(&mut self.diagnostics, diagnostic);
        Reported
    }

    /// A statement, query or option this version does not execute.
    fn later(&mut self, span: Span, what: impl Into<String>) -> Reported {
        let what = what.into();
        let fault = Diagnostic::error(
            "durbin::check::not_available",
            self.at(span),
            format!("{what} is part of the language but not available in this version"),
        )
        .help("`docs/limitations.md` lists what this version executes");
        let told = self.unavailable.iter().chain(self.diagnostics.iter().filter(|d| d.is_error()));
        if !told.into_iter().any(|d| d.span == fault.span) {
            self.unavailable.push(fault);
        }
        Reported
    }

    /// The text of a span as written.
    fn text(&self, span: Span) -> &str {
        self.request.sources.slice(span)
    }

    /// Panels that are meant where nothing says which.
    pub(crate) fn current_panels(&self) -> Vec<usize> {
        let meant = |p: &PanelInfo| match self.pinned {
            Some(pinned) => *pinned == p.spec.name,
            None => !self.request.retired.contains(&p.spec.name),
        };
        (0..self.panels.len()).filter(|&p| meant(&self.panels[p])).collect()
    }

    /// The panel of a statement that does not say which: the only one.
    fn only_panel(&mut self, span: Span, what: &str, repair: &str) -> Check<usize> {
        let current = self.current_panels();
        match current.len() {
            1 => Ok(current[0]),
            0 if self.broken_panel => Err(Reported),
            0 => Err(self.report(
                Diagnostic::error(
                    "durbin::check::no_panel",
                    self.at(span),
                    format!("{what} needs a panel, and the program declares none"),
                )
                .help("declare one: `panel NAME from \"file.csv\" { unit COLUMN  time COLUMN }`"),
            )),
            _ => {
                let names: Vec<String> = current.iter().map(|&p| self.panels[p].spec.name.clone()).collect();
                Err(self.report(
                    Diagnostic::error(
                        "durbin::check::which_panel",
                        self.at(span),
                        format!(
                            "{what} may be about any of {} panels: {}",
                            names.len(),
                            crate::fault::ticked_list(&names)
                        ),
                    )
                    .help(repair.replace("PANEL", &names[0])),
                ))
            }
        }
    }

    /// The panel of an `on NAME`, or the only one.
    fn panel_of(&mut self, on: Option<&Name>, span: Span, what: &str, repair: &str) -> Check<usize> {
        let Some(name) = on else { return self.only_panel(span, what, repair) };
        match self.scope.look_up(&name.text) {
            Some(scope::Value::Panel(p)) => Ok(p),
            Some(scope::Value::Broken) => Err(Reported),
            Some(other) => Err(self.wrong_kind(name.span, "a panel", &other, Some(&name.text))),
            None => Err(self.unknown_name(name, |v| matches!(v, scope::Value::Panel(_)))),
        }
    }
}
