//! Programs run in memory: the data files of `tests/cases/data`, and what a terminal would show of a run.

use durbin::diagnostic::{Style, render};
use durbin::loader::{Loader, MemoryLoader};
use durbin::session::{Program, Run};
use std::fs;
use std::path::Path;

/// The files below `tests/cases/data`, each under its file name, and one with a field of more than 1 MiB.
pub fn data_files() -> MemoryLoader {
    let mut loader = MemoryLoader::default();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/data");
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        loader.files.insert(name, fs::read(entry.path()).unwrap());
    }
    let long = format!("town,year,y,x\nArden,2010,1,2\nBexley,2010,3,\"{}\"\n", "9".repeat((1 << 20) + 1));
    loader.files.insert("long_field.csv".to_string(), long.into_bytes());
    loader
}

/// A program of a case; lines `# set NAME=VALUE` at its head are what `--set` would say.
pub fn program(name: &str, bytes: &[u8]) -> Program {
    let text = String::from_utf8_lossy(bytes);
    let sets = text
        .lines()
        .map_while(|line| line.strip_prefix("# set "))
        .filter_map(|set| set.split_once('='))
        .map(|(name, value)| (name.trim().to_string(), value.trim().to_string()))
        .collect();
    Program { name: name.to_string(), bytes: bytes.to_vec(), sets }
}

/// Estimates of memory count the threads there are: two in every test.
pub fn two_threads<T: Send>(what: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap().install(what)
}

/// Diagnostics as a terminal without colour shows them.
pub fn rendered(run: &Run, files: &dyn Loader) -> String {
    let text = |file: &str| files.read(file).ok().and_then(|b| String::from_utf8(b).ok());
    render(&run.diagnostics, &run.sources, &text, Style::Plain)
}
