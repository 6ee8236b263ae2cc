//! `durbin check FILE…`

use super::input::{home, program};
use super::{Common, Format, terminal};
use crate::fault::{Level, counted};
use crate::loader::DiskLoader;
use crate::session::{Run, Session};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(clap::Args, Debug)]
pub struct Check {
    /// Programs; `-` reads one from standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    common: Common,
}

impl Check {
    pub fn execute(&self) -> ExitCode {
        let mut failed = false;
        for file in &self.files {
            let loader = DiskLoader::new(&home(file), &self.common.allow_read);
            let run = match program(file, &self.common.sets) {
                Ok(program) => Session::new(&loader).check(&program),
                Err(fault) => Run::refused(&file.to_string_lossy(), fault),
            };
            failed |= run.failed();
            terminal::diagnostics(&run, &self.common, &loader);
            let shown = match self.common.format {
                Format::Json => crate::report::json::written(&run.findings()),
                Format::Text if run.failed() => String::new(),
                Format::Text => said(file, &run),
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
