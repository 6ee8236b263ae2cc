//! The program a command is given: a file, or standard input.

use crate::fault::Fault;
use crate::loader::{DiskLoader, Loader};
use crate::session::Program;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The name of a program that comes from standard input.
pub const STANDARD_INPUT: &str = "-";

/// Where a program's files are: its own folder, or the current one for standard input.
pub fn home(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// Reads a program; `name` in messages is its file name as given.
pub fn program(file: &Path, sets: &[(String, String)]) -> Result<Program, Fault> {
    let shown = file.to_string_lossy().into_owned();
    let mut bytes = Vec::new();
    if shown == STANDARD_INPUT {
        std::io::stdin()
            .read_to_end(&mut bytes)
            .map_err(|e| Fault::error("durbin::io::not_found", format!("standard input cannot be read: {e}")))?;
    } else {
        let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let loader = DiskLoader::new(&home(file), &[]);
        let readable = if name.is_empty() || name == ".." { ".".to_string() } else { name };
        bytes = loader.read(&readable).map_err(|mut fault| {
            fault.message = fault.message.replacen(&format!("`{readable}`"), &format!("`{shown}`"), 1);
            fault
        })?;
    }
    Ok(Program { name: shown, bytes, sets: sets.to_vec() })
}
