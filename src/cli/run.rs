//! `durbin run FILE`

use super::input::{home, program};
use super::memory::{Size, limit};
use super::watch::Watch;
use super::{Common, lints, terminal, threads};
use crate::loader::DiskLoader;
use crate::session::{Run as Outcome, Session};
use crate::writer::DiskWriter;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(clap::Args, Debug)]
pub struct Run {
    /// The program; `-` reads it from standard input
    file: PathBuf,
    /// Where `save` writes (default: the program's folder)
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Processor threads (default: all)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Memory the run may take, such as 4GB or 512MB (default: what the machine has left, where it says so)
    #[arg(long, value_name = "SIZE")]
    memory: Option<Size>,
    /// Also what could be done better, in the program and in what the data show of it
    #[arg(long)]
    pedantic: bool,
    #[command(flatten)]
    common: Common,
}

impl Run {
    pub fn execute(&self) -> ExitCode {
        threads(self.threads);
        let folder = home(&self.file);
        let loader = DiskLoader::new(&folder, &self.common.allow_read);
        let watch = Watch::start(self.common.quiet, self.common.format);
        let run = match program(&self.file, &self.common.sets) {
            Ok(program) => {
                let writer = DiskWriter::new(self.out.as_deref().unwrap_or(&folder), &folder, &self.file);
                let session = Session::new(&loader).writing(&writer).watched(&watch).lints(lints(self.pedantic));
                session.limited(limit(self.memory)).run(&program)
            }
            Err(fault) => Outcome::refused(&self.file.to_string_lossy(), fault),
        };
        watch.end();
        terminal::show(&run, &self.common, &loader)
    }
}
