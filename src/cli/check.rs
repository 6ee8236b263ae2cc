//! `durbin check FILE…`

use super::input::{home, program};
use super::{Common, Format, lints, terminal};
use crate::fault::{Level, counted};
use crate::loader::DiskLoader;
use crate::session::{Run, Session};
use clap::ValueEnum;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(clap::Args, Debug)]
pub struct Check {
    /// Programs; `-` reads one from standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Prints a stage of the program: `spec`, what it means with every default written out
    #[arg(long, value_enum, value_name = "STAGE")]
    emit: Option<Stage>,
    /// Also what could be done better: controls the treatment may move, unused declarations, weights and names that mislead
    #[arg(long)]
    pedantic: bool,
    #[command(flatten)]
    common: Common,
}

/// A stage that can be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Stage {
    Spec,
}

impl Check {
    pub fn execute(&self) -> ExitCode {
        let mut failed = false;
        for file in &self.files {
            let loader = DiskLoader::new(&home(file), &self.common.allow_read);
            let (run, spec) = match program(file, &self.common.sets) {
                Ok(program) => Session::new(&loader).lints(lints(self.pedantic)).spec(&program),
                Err(fault) => (Run::refused(&file.to_string_lossy(), fault), None),
            };
            let spec = spec.filter(|_| self.emit == Some(Stage::Spec)).map(|s| s.shown());
            failed |= run.failed();
            terminal::diagnostics(&run, self.common.quiet, &loader);
            let shown = match self.common.format {
                Format::Json => {
                    let mut findings = run.findings();
                    if let Some(spec) = spec {
                        findings["spec"] = spec.into();
                    }
                    crate::report::json::written(&findings)
                }
                Format::Text if run.failed() => String::new(),
                Format::Text => spec.unwrap_or_else(|| said(file, &run)),
            };
            if !terminal::print(&shown) {
                return ExitCode::from(1);
            }
        }
        ExitCode::from(u8::from(failed))
    }
}

/// The line of a program without errors.
fn said(file: &Path, run: &Run) -> String {
    let lints = run.count(Level::Lint) + run.count(Level::Note) + run.count(Level::Warning);
    let more = if lints > 0 { format!(", {}", counted(lints, "remark", "remarks")) } else { String::new() };
    format!("{}: no errors{more}\n", file.display())
}
