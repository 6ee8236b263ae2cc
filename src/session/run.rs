//! [`Program`] in, [`Run`] out: what came of a program or of an input, as data and as documents.

use crate::diagnostic::Diagnostic;
use crate::execute::Reported;
use crate::fault::{Fault, Level};
use crate::outcome::steps::Steps;
use crate::outcome::{Entry, Fit, Lang, Outcome, Scalar};
use crate::plan::InputFile;
use crate::report::page::{About, Remark};
use crate::report::{self, json};
use crate::source::Sources;
use crate::syntax;
use serde_json::{Map, Value, json};

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
    /// Of labels and notes.
    pub lang: Lang,
    pub program_name: String,
    pub program_blake3: String,
    /// The run was stopped from outside; there are no entries.
    pub interrupted: bool,
    /// Of an input: its declarations in canonical form, defaults written out.
    pub declared: Vec<String>,
    /// Of an input: what became of names it bound again.
    pub notices: Vec<String>,
    /// Files that were written, as the program writes them.
    pub saved: Vec<String>,
    /// The columns of each panel and data set, derived ones included.
    pub columns: Vec<(String, Vec<String>)>,
    /// The kind of the last value that was asked for.
    pub kind: Option<String>,
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

    /// The fit of a name, or of a query as it was written.
    pub fn fit(&self, name: &str) -> Option<&Fit> {
        self.entries.iter().find_map(|e| match &e.outcome {
            Outcome::Fit(fit) if e.name.as_deref() == Some(name) || e.source == name => Some(&**fit),
            _ => None,
        })
    }

    /// The last number that was printed.
    pub fn number(&self) -> Option<f64> {
        self.entries.iter().rev().find_map(|e| match &e.outcome {
            Outcome::Value(Scalar::Number(x)) => Some(*x),
            _ => None,
        })
    }

    /// Whether a fault ended it, and else what it gave.
    ///
    /// # Errors
    /// The errors alone.
    pub fn outcome(&self) -> Result<&[Entry], Vec<&Diagnostic>> {
        if self.failed() { Err(self.diagnostics.iter().filter(|d| d.is_error()).collect()) } else { Ok(&self.entries) }
    }

    /// What was remarked beside the results.
    pub fn warnings(&self) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics.iter().filter(|d| !d.is_error())
    }

    /// Diagnostics as records: errors, or what is below an error.
    fn records(&self, errors: bool) -> Vec<Value> {
        self.diagnostics.iter().filter(|d| d.is_error() == errors).map(|d| d.to_json(&self.sources)).collect()
    }

    /// The document of a check: faults alone.
    pub fn findings(&self) -> Value {
        json::refusal(self.records(true), self.records(false))
    }

    /// The document of a run: results, or the faults.
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

    /// The page of a report.
    pub(super) fn page(&self, page: &Reported, text: &str) -> String {
        let remark =
            |d: &Diagnostic| Remark { code: d.code.to_string(), message: d.message.clone(), help: d.help.clone() };
        let remarks: Vec<Remark> = self.warnings().map(remark).collect();
        let about = About {
            doc: &page.doc,
            program_name: &self.program_name,
            program: text,
            program_blake3: &self.program_blake3,
            version: env!("CARGO_PKG_VERSION"),
            seed: self.seed,
            inputs: &self.read(),
            remarks: &remarks,
            lang: self.lang,
        };
        report::page::page(&page.sections, &about)
    }

    fn read(&self) -> Vec<json::Input> {
        let input = |f: &InputFile| json::Input { path: f.path.clone(), bytes: f.bytes, blake3: f.blake3.clone() };
        self.inputs.iter().map(input).collect()
    }

    /// The document of a plan: steps, or the faults, or both where it is refused for its size.
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
