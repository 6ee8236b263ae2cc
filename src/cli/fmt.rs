//! `durbin fmt FILE… [--check]`

use super::input::{home, program};
use super::terminal;
use crate::loader::DiskLoader;
use crate::session::{Run, formatted};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(clap::Args, Debug)]
pub struct Fmt {
    /// Programs, rewritten in place; `-` reads standard input and writes standard output
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Changes nothing; names the files that are not in canonical form and ends with status 1
    #[arg(long)]
    check: bool,
}

impl Fmt {
    pub fn execute(&self) -> ExitCode {
        let mut failed = false;
        for file in &self.files {
            failed |= !self.one(file);
        }
        ExitCode::from(u8::from(failed))
    }

    /// Whether the file is, or now is, in canonical form.
    fn one(&self, file: &Path) -> bool {
        let result =
            program(file, &[]).map_err(|fault| Box::new(Run::refused(&file.to_string_lossy(), fault))).and_then(|p| {
                let text = formatted(&p)?;
                Ok((p, text))
            });
        let (program, text) = match result {
            Ok(pair) => pair,
            Err(run) => {
                terminal::diagnostics(&run, false, &DiskLoader::new(&home(file), &[]));
                return false;
            }
        };
        let same = program.bytes == text.as_bytes();
        if self.check {
            if !same {
                eprintln!("{}: not in canonical form", file.display());
            }
            return same;
        }
        if file.as_os_str() == "-" {
            return terminal::print(&text);
        }
        same || write(file, &text)
    }
}

/// Replaces a file by way of a complete one beside it.
fn write(file: &Path, text: &str) -> bool {
    let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let beside = file.with_file_name(format!(".{name}.part"));
    let done = fs::write(&beside, text)
        .and_then(|()| fs::set_permissions(&beside, fs::metadata(file)?.permissions()))
        .and_then(|()| fs::rename(&beside, file));
    if let Err(e) = done {
        let _ = fs::remove_file(&beside);
        eprintln!("{}: cannot be written: {e}", file.display());
        return false;
    }
    true
}
