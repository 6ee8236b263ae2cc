//! [`Session`]: the library's front door. A program goes through every stage, or stops at the first that finds a fault.
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

pub use crate::check::Lints;
use crate::check::library::Library;
use crate::check::spec::Spec;
use crate::check::{self, Request};
use crate::diagnostic::Diagnostic;
pub use crate::estimators::Interrupt;
use crate::estimators::Never;
use crate::execute::execute;
use crate::fault::{Fault, Level};
use crate::loader::Loader;
use crate::modules;
use crate::outcome::Entry;
use crate::outcome::steps::Steps;
pub use crate::plan::Limit;
pub use crate::plan::Memory;
use crate::plan::{self, InputFile, Means, Planned};
use crate::report::{self, json};
use crate::source::Sources;
use crate::syntax::{self, ast::Expr};
use crate::writer::Writer;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// A program as it comes: its file name (as messages show it), its bytes, and `--set` values.
#[derive(Clone, Debug)]
pub struct Program {
    pub name: String,
    pub bytes: Vec<u8>,
    /// Name and value, the value as text of the language.
    pub sets: Vec<(String, String)>,
}

impl Program {
    pub fn new(name: &str, text: &str) -> Program {
        Program { name: name.to_string(), bytes: text.as_bytes().to_vec(), sets: Vec::new() }
    }
}

/// What came of a program: outcomes, or the faults against it; warnings travel with either.
#[derive(Debug, Default)]
pub struct Run {
    pub sources: Sources,
    pub diagnostics: Vec<Diagnostic>,
    /// Empty where the run failed.
    pub entries: Vec<Entry>,
    pub inputs: Vec<InputFile>,
    /// What is done for it, where it came to a plan.
    pub steps: Option<Steps>,
    pub seed: u64,
    pub program_name: String,
    pub program_blake3: String,
    /// The run was stopped from outside; there are no entries.
    pub interrupted: bool,
}

impl Run {
    /// A run that did not come to its first stage.
    pub fn refused(name: &str, fault: Fault) -> Run {
        Run { diagnostics: vec![Diagnostic::at(fault, None)], program_name: name.to_string(), ..Run::default() }
    }

    /// Whether a fault ended it.
    pub fn failed(&self) -> bool {
        self.interrupted || self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// Diagnostics as records: errors, or what is below an error.
    fn records(&self, errors: bool) -> Vec<Value> {
        self.diagnostics.iter().filter(|d| d.is_error() == errors).map(|d| d.to_json(&self.sources)).collect()
    }

    /// The document of a check: faults alone.
    pub fn findings(&self) -> Value {
        json::refusal(self.records(true), self.records(false))
    }

    /// The document of results.md: results, or the faults.
    pub fn document(&self) -> Value {
        if self.failed() {
            return self.findings();
        }
        let inputs = self.read();
        let run = json::Run {
            version: env!("CARGO_PKG_VERSION"),
            program_path: &self.program_name,
            program_blake3: &self.program_blake3,
            inputs: &inputs,
            seed: self.seed,
            entries: &self.entries,
        };
        json::document(&run, self.records(false))
    }

    fn read(&self) -> Vec<json::Input> {
        let input = |f: &InputFile| json::Input { path: f.path.clone(), bytes: f.bytes, blake3: f.blake3.clone() };
        self.inputs.iter().map(input).collect()
    }

    /// The document of a plan (docs/plan.md): steps, or the faults, or both where it is refused for its size.
    pub fn plan_document(&self) -> Value {
        let mut head = Map::new();
        head.insert("durbin".to_string(), Value::from(env!("CARGO_PKG_VERSION")));
        let program = json!({"path": self.program_name, "blake3": self.program_blake3});
        head.insert("program".to_string(), program);
        head.insert("inputs".to_string(), json!(self.read()));
        report::plan::document(head, self.steps.as_ref(), self.records(true), self.records(false))
    }

    /// How many diagnostics have a level.
    pub fn count(&self, level: Level) -> usize {
        self.diagnostics.iter().filter(|d| d.level == level).count()
    }
}

/// Runs programs whose files come from one loader.
pub struct Session<'a> {
    loader: &'a dyn Loader,
    writer: Option<&'a dyn Writer>,
    interrupt: &'a dyn Interrupt,
    memory: Option<Limit>,
    lints: Lints,
    steps: Option<Arc<Memory>>,
}

impl<'a> Session<'a> {
    /// A session that reads but writes nothing: a `save` is a fault there.
    pub fn new(loader: &'a dyn Loader) -> Session<'a> {
        Session { loader, writer: None, interrupt: &Never, memory: None, lints: Lints::Usual, steps: None }
    }

    /// Where `save` writes.
    pub fn writing(self, writer: &'a dyn Writer) -> Session<'a> {
        Session { writer: Some(writer), ..self }
    }

    /// Who is told of steps and may stop them.
    pub fn watched(self, interrupt: &'a dyn Interrupt) -> Session<'a> {
        Session { interrupt, ..self }
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
            let _ = self.planned(&spec, &mut run);
        }
        run
    }

    fn planned(&self, spec: &Spec, run: &mut Run) -> Option<plan::Plan> {
        run.seed = spec.settings.seed;
        self.interrupt.begin("data and weights");
        let steps = self.steps.as_deref();
        let means = Means { memory: self.memory, steps, interrupt: self.interrupt, lints: self.lints };
        let Planned { plan, steps, diagnostics, inputs } = plan::plan(spec, self.loader, means);
        run.inputs.extend(inputs);
        run.steps = steps;
        // A remark on a header is made when it is checked and again when the file is read.
        let new: Vec<Diagnostic> = diagnostics.into_iter().filter(|d| !run.diagnostics.contains(d)).collect();
        run.diagnostics.extend(new);
        plan
    }

    /// A whole run. Files are written last, all or none.
    pub fn run(&self, program: &Program) -> Run {
        let (mut run, spec) = self.checked(program);
        let Some(spec) = spec else { return run };
        let Some(plan) = self.planned(&spec, &mut run) else { return run };
        let done = execute(&spec, plan, self.steps.as_deref(), self.interrupt);
        if let Some(steps) = &self.steps {
            steps.settle();
        }
        run.diagnostics.extend(done.diagnostics);
        run.interrupted = done.interrupted;
        if run.failed() {
            return run;
        }
        let files: Vec<(&str, &str)> = done.files.iter().map(|f| (f.path.as_str(), f.content.as_str())).collect();
        let read: Vec<&str> = run.inputs.iter().map(|f| f.path.as_str()).collect();
        match self.save(&files, &read) {
            Ok(()) => run.entries = done.entries,
            Err((number, fault)) => {
                run.diagnostics.push(Diagnostic::at(fault, done.files.get(number).map(|f| f.place)));
            }
        }
        run
    }

    fn save(&self, files: &[(&str, &str)], inputs: &[&str]) -> Result<(), (usize, Fault)> {
        match self.writer {
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
        let used = modules::load(&program.name, &ast, self.loader, &mut run.sources);
        run.inputs = used.inputs;
        run.diagnostics.extend(used.faults);
        if run.failed() {
            return (run, None);
        }
        let request = Request {
            program: &ast,
            modules: &used.trees,
            sources: &run.sources,
            loader: self.loader,
            library: &library,
            sets: &sets,
            program_path: &program.name,
            lints: self.lints,
        };
        let checked = check::check(&request);
        run.diagnostics.extend(checked.diagnostics);
        (run, checked.spec)
    }
}

/// A program in canonical form.
///
/// # Errors
/// The run with the faults of its syntax.
pub fn formatted(program: &Program) -> Result<String, Box<Run>> {
    let mut run = Run { program_name: program.name.clone(), ..Run::default() };
    let parsed = match syntax::decode(&program.name, &program.bytes) {
        Ok(text) => {
            let id = run.sources.add(&program.name, &text);
            syntax::parse(id, &text).map(|ast| syntax::format(&text, &ast))
        }
        Err(foreign) => {
            let id = run.sources.add(&program.name, &foreign.text);
            Err(vec![foreign.diagnostic(id)])
        }
    };
    parsed.map_err(|faults| {
        run.diagnostics = faults;
        Box::new(run)
    })
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
