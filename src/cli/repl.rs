//! `durbin repl [FILE]`, and `durbin` alone on a terminal.

use super::input::home;
use super::memory::{Size, limit};
use super::{terminal, threads};
use crate::loader::DiskLoader;
use crate::repl::{self, Settings};
use crate::session::{Limit, Memory, Session};
use crate::writer::DiskWriter;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

#[derive(clap::Args, Debug, Default)]
pub struct Repl {
    /// A program to begin with; paths are relative to its folder, else to the current one
    file: Option<PathBuf>,
    /// Where `save` writes (default: the program's folder)
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// A further folder to read from; may be given again
    #[arg(long = "allow-read", value_name = "DIR")]
    allow_read: Vec<PathBuf>,
    /// Processor threads (default: all)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Memory an evaluation may take, half of which is kept for what was computed (default: what the machine has left)
    #[arg(long, value_name = "SIZE")]
    memory: Option<Size>,
}

impl Repl {
    pub fn execute(&self) -> ExitCode {
        threads(self.threads);
        let folder = self.file.as_deref().map_or_else(|| PathBuf::from("."), home);
        let loader = DiskLoader::new(&folder, &self.allow_read);
        // The session is no program of its own; a file that it began with is not written over.
        let own = self.file.clone().unwrap_or_default();
        let writer = DiskWriter::new(self.out.as_deref().unwrap_or(&folder), &folder, &own);
        let limit = limit(self.memory);
        let memory = limit.map_or_else(Memory::default, |l: Limit| Memory::bounded(l.bytes() / 2));
        let session = Session::new(loader).writing(writer).limited(limit).remembering(Arc::new(memory));
        let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        let settings = Settings {
            home: folder,
            file: self.file.as_deref().and_then(Path::file_name).map(|n| n.to_string_lossy().into_owned()),
            width: terminal::width(),
            echo: terminal,
            color: [terminal && terminal::color(&std::io::stdout()), terminal::color(&std::io::stderr())],
        };
        if !terminal {
            return ExitCode::from(u8::from(!repl::piped(session, settings, std::io::stdin().lock())));
        }
        match repl::interactive(session, settings) {
            Ok(()) => ExitCode::SUCCESS,
            Err(message) => {
                eprintln!("durbin: the terminal cannot be used: {message}");
                ExitCode::from(1)
            }
        }
    }
}
