//! `durbin plan FILE`

use super::input::{home, program};
use super::memory::{Size, limit};
use super::watch::Watch;
use super::{Common, Format, lints, terminal, threads};
use crate::loader::DiskLoader;
use crate::report;
use crate::session::{Run, Session};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(clap::Args, Debug)]
pub struct Plan {
    /// The program; `-` reads it from standard input
    file: PathBuf,
    /// Memory a run may take, such as 4GB or 512MB (default: what the machine has left, where it says so)
    #[arg(long, value_name = "SIZE")]
    memory: Option<Size>,
    /// Processor threads a run would have (default: all)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Also what could be done better, in the program and in what the data show of it
    #[arg(long)]
    pedantic: bool,
    #[command(flatten)]
    common: Common,
}

impl Plan {
    pub fn execute(&self) -> ExitCode {
        threads(self.threads);
        let loader = DiskLoader::new(&home(&self.file), &self.common.allow_read);
        let watch = Watch::start(self.common.quiet, self.common.format.into());
        let run = match program(&self.file, &self.common.sets) {
            Ok(program) => {
                let session = Session::new(&loader).watched(&watch).lints(lints(self.pedantic));
                session.limited(limit(self.memory)).plan(&program)
            }
            Err(fault) => Run::refused(&self.file.to_string_lossy(), fault),
        };
        watch.end();
        terminal::diagnostics(&run, self.common.quiet, &loader);
        let shown = match (self.common.format, &run.steps) {
            (Format::Json, _) => report::json::written(&run.plan_document()),
            // Also of a program that is refused for its size: where the memory goes is the question then.
            (Format::Text, Some(steps)) => report::plan::text(&run.program_name, steps),
            (Format::Text, None) => String::new(),
        };
        let printed = terminal::print(&shown);
        ExitCode::from(u8::from(run.failed() || !printed))
    }
}
