//! `durbin run FILE`

use super::input::{home, program};
use super::watch::Watch;
use super::{Common, terminal};
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
    #[command(flatten)]
    common: Common,
}

impl Run {
    pub fn execute(&self) -> ExitCode {
        if let Some(n) = self.threads {
            // Fails only when a pool exists already, and there is none yet.
            let _ = rayon::ThreadPoolBuilder::new().num_threads(usize::from(n)).build_global();
        }
        let folder = home(&self.file);
        let loader = DiskLoader::new(&folder, &self.common.allow_read);
        let watch = Watch::start(self.common.quiet, self.common.format);
        let run = match program(&self.file, &self.common.sets) {
            Ok(program) => {
                let writer = DiskWriter::new(self.out.as_deref().unwrap_or(&folder), &folder, &self.file);
                Session::new(&loader).writing(&writer).watched(&watch).run(&program)
            }
            Err(fault) => Outcome::refused(&self.file.to_string_lossy(), fault),
        };
        watch.end();
        terminal::show(&run, &self.common, &loader)
    }
}
