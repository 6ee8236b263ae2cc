//! [`Session`]: the library's front door. A program goes through every stage, or stops at the first that finds a fault;
//! inputs go through the same stages one after the other, each with what the session was told before.
//!
//! A whole program, with files from memory:
//!
//! ```
//! use durbin::loader::MemoryLoader;
//! use durbin::session::{Program, Session};
//!
//! let mut files = MemoryLoader::default();
//! files.files.insert("towns.csv".into(), b"town,year,y,x\na,1,1,2\na,2,3,5\nb,1,2,2\nb,2,6,1\nc,1,0,4\nc,2,1,9\n".to_vec());
//! let program = Program::new("demo.durbin", "panel towns from \"towns.csv\" { unit town  time year }\nols(y ~ x, fe: none)");
//! let run = Session::new(&files).run(&program);
//! assert!(!run.failed());
//! assert_eq!(run.entries.len(), 1);
//! ```
//!
//! Inputs one after the other, with tables handed over: [`Session::eval`]. A session is `Send`, its clones are
//! independent, and there is no state outside it.

mod cancel;
mod echo;
mod environment;
mod eval;
mod mentions;
mod run;
mod tables;

pub use crate::check::Lints;
use crate::check::library::Library;
use crate::check::spec::{Output, ScalarExpr, Spec, StepKind};
use crate::check::{self, Request};
use crate::data::natives::Native;
use crate::diagnostic::Diagnostic;
pub use crate::estimators::Interrupt;
use crate::estimators::Never;
use crate::execute::{Saved, execute};
use crate::fault::Fault;
use crate::loader::{Loader, MemoryLoader};
use crate::modules;
use crate::plan::{self, Means, Planned};
pub use crate::plan::{InputFile, Limit, Memory};
use crate::source::SourceId;
use crate::syntax::{self, ast::Ast, ast::Expr};
use crate::writer::Writer;
pub use cancel::Cancel;
use cancel::Watched;
use environment::Environment;
pub use run::{Program, Run, formatted};
use std::collections::BTreeMap;
use std::sync::Arc;
pub use tables::Columns;
use tables::Overlay;

/// Runs programs and inputs whose files come from one loader. Clones share what was computed and nothing else.
pub struct Session<'a> {
    loader: Arc<dyn Loader + 'a>,
    writer: Option<Arc<dyn Writer + 'a>>,
    interrupt: Arc<dyn Interrupt + 'a>,
    memory: Option<Limit>,
    lints: Lints,
    steps: Option<Arc<Memory>>,
    cancel: Cancel,
    tables: BTreeMap<String, Arc<Vec<u8>>>,
    natives: Vec<Native>,
    environment: Environment,
    /// What stood before each input, and the input.
    undo: Vec<(Environment, String)>,
    /// Inputs are planned and not run.
    planning: bool,
}

/// A clone has a handle of its own: what stops one does not stop the other.
impl Clone for Session<'_> {
    fn clone(&self) -> Self {
        Session { cancel: Cancel::default(), ..self.same() }
    }
}

/// What checking is told beside the program.
struct Checking<'c> {
    library: &'c Library,
    sets: &'c [(String, Expr)],
    /// So many statements at the beginning were run before.
    settled: usize,
    retired: &'c [String],
    /// By statement.
    pinned: &'c [Option<String>],
}

impl<'a> Session<'a> {
    /// A session that reads but writes nothing: a `save` is a fault there.
    pub fn new(loader: impl Loader + 'a) -> Session<'a> {
        Session {
            loader: Arc::new(loader),
            writer: None,
            interrupt: Arc::new(Never),
            memory: None,
            lints: Lints::Usual,
            steps: None,
            cancel: Cancel::default(),
            tables: BTreeMap::new(),
            natives: Vec::new(),
            environment: Environment::default(),
            undo: Vec::new(),
            planning: false,
        }
    }

    /// A session without files: it knows the tables it is given.
    pub fn in_memory() -> Session<'a> {
        Session::new(MemoryLoader::default())
    }

    /// Where `save` writes.
    pub fn writing(self, writer: impl Writer + 'a) -> Session<'a> {
        Session { writer: Some(Arc::new(writer)), ..self }
    }

    /// Who is told of steps and may stop them.
    pub fn watched(self, interrupt: impl Interrupt + 'a) -> Session<'a> {
        Session { interrupt: Arc::new(interrupt), ..self }
    }

    /// Programs that would need more memory are refused; without a limit none is.
    pub fn limited(self, memory: Option<Limit>) -> Session<'a> {
        Session { memory, ..self }
    }

    /// Which lints are shown: those of every run, or also those of `--pedantic`.
    pub fn lints(self, lints: Lints) -> Session<'a> {
        Session { lints, ..self }
    }

    /// What is done is remembered, and what is known there is not done again; results and remarks are the same.
    pub fn remembering(self, steps: Arc<Memory>) -> Session<'a> {
        Session { steps: Some(steps), ..self }
    }

    /// The session again, under the same handle.
    fn same(&self) -> Session<'a> {
        Session {
            loader: self.loader.clone(),
            writer: self.writer.clone(),
            interrupt: self.interrupt.clone(),
            memory: self.memory,
            lints: self.lints,
            steps: self.steps.clone(),
            cancel: self.cancel.clone(),
            tables: self.tables.clone(),
            natives: self.natives.clone(),
            environment: self.environment.clone(),
            undo: self.undo.clone(),
            planning: self.planning,
        }
    }

    /// A handle that stops what this session is doing from another thread.
    pub fn canceller(&self) -> Cancel {
        self.cancel.clone()
    }

    /// Hands a table over: programs read it as the file of this name, before any file of the loader.
    pub fn table(&mut self, name: &str, columns: &Columns) {
        self.tables.insert(name.to_string(), Arc::new(columns.to_csv().into_bytes()));
    }

    /// Makes a function of numbers known under a name: expressions of columns call it row by row. It must give equal
    /// results for equal arguments.
    ///
    /// ```
    /// use durbin::session::{Columns, Session};
    ///
    /// let mut session = Session::in_memory();
    /// session.table("t.csv", &Columns::new().text("u", ["a", "b"]).integers("t", [1, 1]).numbers("x", [3.0, 4.0]));
    /// session.function("hypotenuse", 2, |a| a[0].hypot(a[1]));
    /// let run = session.eval("data d from \"t.csv\" { keys u, t }\nsum(hypotenuse(d.x, 4) over [u, t])");
    /// assert_eq!(run.number(), Some(5.0 + 32f64.sqrt()));
    /// ```
    pub fn function(&mut self, name: &str, arity: usize, call: impl Fn(&[f64]) -> f64 + Send + Sync + 'static) {
        self.natives.retain(|n| n.name != name);
        self.natives.push(Native::new(name, arity, call));
    }

    /// Names, kinds and columns alone: file headers are read and no more.
    pub fn check(&self, program: &Program) -> Run {
        self.checked(program).0
    }

    /// What a program means; `None` where it is refused.
    pub fn spec(&self, program: &Program) -> (Run, Option<Spec>) {
        self.checked(program)
    }

    /// Everything but estimates: data are read, matrices built, and [`Run::steps`] says what a run would do.
    pub fn plan(&self, program: &Program) -> Run {
        let (mut run, spec) = self.checked(program);
        if let Some(spec) = spec {
            let _ = self.planned(&spec, &self.files(), &mut run);
        }
        run
    }

    /// A file as programs of this session read it.
    ///
    /// # Errors
    /// `durbin::io::…`: what is outside, missing or unreadable.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, Fault> {
        self.files().read(path)
    }

    /// At most `limit` bytes from the beginning of a file, as programs of this session read it.
    ///
    /// # Errors
    /// As [`Session::read`].
    pub fn head(&self, path: &str, limit: usize) -> Result<Vec<u8>, Fault> {
        self.files().head(path, limit)
    }

    fn files(&self) -> Overlay<'_> {
        Overlay { tables: &self.tables, files: self.loader.as_ref() }
    }

    fn watch(&self) -> Watched<'_> {
        Watched { of: self.interrupt.as_ref(), cancel: &self.cancel }
    }

    fn planned(&self, spec: &Spec, loader: &dyn Loader, run: &mut Run) -> Option<plan::Plan> {
        run.seed = spec.settings.seed;
        run.lang = spec.settings.lang;
        let interrupt = self.watch();
        interrupt.begin("data and weights");
        let means = Means {
            memory: self.memory,
            steps: self.steps.as_deref(),
            natives: &self.natives,
            interrupt: &interrupt,
            lints: self.lints,
        };
        let Planned { plan, steps, diagnostics, inputs } = plan::plan(spec, loader, means);
        run.inputs.extend(inputs);
        run.steps = steps;
        // A remark on a header is made when it is checked and again when the file is read.
        let new: Vec<Diagnostic> = diagnostics.into_iter().filter(|d| !run.diagnostics.contains(d)).collect();
        run.diagnostics.extend(new);
        run.interrupted = interrupt.stop();
        plan.filter(|_| !run.interrupted)
    }

    /// A whole run. Files are written last, all or none.
    pub fn run(&self, program: &Program) -> Run {
        self.cancel.reset();
        let (mut run, spec) = self.checked(program);
        if let Some(spec) = spec {
            let text = run.sources.get(SourceId::default()).map_or(String::new(), |s| s.text.clone());
            self.run_spec(&spec, &self.files(), &mut run, &text);
        }
        run
    }

    /// `text` is the program as a page shows it.
    fn run_spec(&self, spec: &Spec, loader: &dyn Loader, run: &mut Run, text: &str) {
        run.kind = spec.fresh_steps().last().and_then(|s| match &s.kind {
            StepKind::Print(output) => Some(kind(output).to_string()),
            _ => None,
        });
        let Some(plan) = self.planned(spec, loader, run) else { return };
        if self.planning {
            return;
        }
        let done = execute(spec, plan, self.steps.as_deref(), &self.watch());
        if let Some(steps) = &self.steps {
            steps.settle();
        }
        run.diagnostics.extend(done.diagnostics);
        run.interrupted = done.interrupted || !self.cancel.commit();
        if run.failed() {
            return;
        }
        let pages = done.reports.into_iter().map(|page| {
            let content = run.page(&page, text).into_bytes();
            Saved { path: page.path, content, place: page.place }
        });
        let saves: Vec<Saved> = done.files.into_iter().chain(pages).collect();
        let files: Vec<(&str, &[u8])> = saves.iter().map(|f| (f.path.as_str(), f.content.as_slice())).collect();
        let read: Vec<&str> = run.inputs.iter().map(|f| f.path.as_str()).collect();
        let saved = self.save(&files, &read);
        self.cancel.reset();
        match saved {
            Ok(()) => {
                run.saved = saves.iter().map(|f| f.path.clone()).collect();
                run.entries = done.entries;
            }
            Err((number, fault)) => {
                run.diagnostics.push(Diagnostic::at(fault, saves.get(number).map(|f| f.place)));
            }
        }
    }

    fn save(&self, files: &[(&str, &[u8])], inputs: &[&str]) -> Result<(), (usize, Fault)> {
        match &self.writer {
            _ if files.is_empty() => Ok(()),
            Some(writer) => writer.write(files, inputs),
            None => {
                let message = format!("`{}` cannot be written: this session writes no files", files[0].0);
                Err((0, Fault::error("durbin::io::write_failed", message)))
            }
        }
    }

    fn checked(&self, program: &Program) -> (Run, Option<Spec>) {
        let mut run = Run {
            program_name: program.name.clone(),
            program_blake3: blake3::hash(&program.bytes).to_hex().to_string(),
            ..Run::default()
        };
        let text = match syntax::decode(&program.name, &program.bytes) {
            Ok(text) => text,
            Err(foreign) => {
                let id = run.sources.add(&program.name, &foreign.text);
                run.diagnostics.push(foreign.diagnostic(id));
                return (run, None);
            }
        };
        let id = run.sources.add(&program.name, &text);
        let library = Library::standard(&mut run.sources);
        let sets = sets(program, &mut run);
        let ast = match syntax::parse(id, &text) {
            Ok(ast) => ast,
            Err(faults) => {
                run.diagnostics.extend(faults);
                return (run, None);
            }
        };
        if run.failed() {
            return (run, None);
        }
        let checking = Checking { library: &library, sets: &sets, settled: 0, retired: &[], pinned: &[] };
        let spec = self.checked_ast(&ast, &self.files(), checking, &mut run);
        (run, spec)
    }

    fn checked_ast(&self, ast: &Ast, loader: &dyn Loader, checking: Checking, run: &mut Run) -> Option<Spec> {
        let used = modules::load(&run.program_name, ast, loader, &mut run.sources);
        run.inputs = used.inputs;
        run.diagnostics.extend(used.faults);
        if run.failed() {
            return None;
        }
        let request = Request {
            program: ast,
            modules: &used.trees,
            sources: &run.sources,
            loader,
            library: checking.library,
            sets: checking.sets,
            program_path: &run.program_name,
            settled: checking.settled,
            retired: checking.retired,
            pinned: checking.pinned,
            natives: &self.natives,
            lints: self.lints,
        };
        let checked = check::check(&request);
        run.diagnostics.extend(checked.diagnostics);
        run.columns = checked.columns;
        checked.spec
    }
}

/// The kind of an output in words.
fn kind(output: &Output) -> &'static str {
    match output {
        Output::Fit(_) => "a model",
        Output::Weights(_) => "weights",
        Output::Treatment(_) => "a treatment",
        Output::Panel(_) => "a panel",
        Output::Described(_) => "a description",
        Output::Data(_) => "a data set",
        Output::Array(_) => "an array",
        Output::Scalar(ScalarExpr::Text(_)) => "text",
        Output::Scalar(ScalarExpr::Bool(_)) => "a boolean",
        Output::Scalar(_) => "a number",
        Output::Answer { .. } => "an answer of a model",
        Output::Test(_) => "a test",
        Output::Design(_) => "a design",
        Output::Figure(_) => "a figure",
        Output::Table(_) => "a table",
        Output::List(_) => "a list",
    }
}

/// The values of `--set`, each a source of its own.
fn sets(program: &Program, run: &mut Run) -> Vec<(String, Expr)> {
    let mut out = Vec::new();
    for (name, value) in &program.sets {
        let id = run.sources.add(format!("--set {name}"), value);
        match syntax::parse_value(id, value) {
            Ok(value) => out.push((name.clone(), value)),
            Err(faults) => run.diagnostics.extend(faults),
        }
    }
    out
}
