//! `durbin run FILE`

use super::asked::Asked;
use super::input::{STANDARD_INPUT, home, program};
use super::memory::{Size, limit};
use super::watch::Watch;
use super::{Common, RunFormat, lints, misused, terminal, threads};
use crate::fault::Fault;
use crate::loader::DiskLoader;
use crate::session::{Program, Run as Outcome, Session};
use crate::writer::DiskWriter;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// How often files are looked at.
const LOOK: Duration = Duration::from_millis(200);

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
    /// Runs again whenever the program or a file it reads is saved; Ctrl-C ends
    #[arg(long)]
    watch: bool,
    /// Also what could be done better, in the program and in what the data show of it
    #[arg(long)]
    pedantic: bool,
    #[command(flatten)]
    common: Common<RunFormat>,
    /// A program that is no file.
    #[arg(skip)]
    text: Option<String>,
}

impl Run {
    /// Runs a program given on the command line.
    pub fn text(code: &str) -> Run {
        Run { text: Some(code.to_string()), ..Run::standard_input() }
    }

    /// Runs what standard input brings.
    pub fn standard_input() -> Run {
        let common = Common { format: RunFormat::Text, allow_read: Vec::new(), sets: Vec::new(), quiet: false };
        Run {
            file: PathBuf::from("-"),
            out: None,
            threads: None,
            memory: None,
            watch: false,
            pedantic: false,
            common,
            text: None,
        }
    }

    fn program(&self) -> Result<Program, Fault> {
        match &self.text {
            Some(code) => Ok(Program { sets: self.common.sets.clone(), ..Program::new("-e", code) }),
            None => program(&self.file, &self.common.sets),
        }
    }

    pub fn execute(&self) -> ExitCode {
        if self.watch && self.file.as_os_str() == STANDARD_INPUT {
            return misused("`--watch` looks at files, and standard input is none: name the program's file");
        }
        threads(self.threads);
        let folder = home(&self.file);
        let loader = DiskLoader::new(&folder, &self.common.allow_read);
        let asked = Asked::of(&loader);
        let watch = Watch::start(self.common.quiet, self.common.format);
        let writer = DiskWriter::new(self.out.as_deref().unwrap_or(&folder), &folder, &self.file);
        let session = Session::new(&asked).writing(&writer).watched(&watch).lints(lints(self.pedantic));
        let session = session.limited(limit(self.memory));
        if !self.watch {
            return self.once(&session, &loader, &watch);
        }
        // Between runs what did not change is remembered.
        let session = session.remembering(Arc::default());
        let name = self.file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        loop {
            asked.begin(&name);
            self.once(&session, &loader, &watch);
            loop {
                std::thread::sleep(LOOK);
                if asked.changed() {
                    break;
                }
            }
            eprintln!("\n── {} again ──", self.file.display());
            watch.again();
        }
    }

    /// One run, shown.
    fn once(&self, session: &Session, loader: &DiskLoader, watch: &Watch) -> ExitCode {
        let run = match self.program() {
            Ok(program) => session.run(&program),
            Err(fault) => Outcome::refused(&self.file.to_string_lossy(), fault),
        };
        watch.end();
        terminal::show(&run, self.common.format, self.common.quiet, loader)
    }
}
