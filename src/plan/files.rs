//! Files a program reads: each once, with its fingerprint for the record of the run.

use crate::data::csv;
use crate::data::table::Table;
use crate::estimators::Interrupt;
use crate::fault::{Fault, FileLabel};
use crate::loader::Loader;
use indexmap::IndexMap;
use std::sync::Arc;

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFile {
    /// As the program writes it.
    pub path: String,
    pub bytes: u64,
    pub blake3: String,
}

/// The files of one run, in the order in which they were first read.
pub(crate) struct Files<'a> {
    loader: &'a dyn Loader,
    interrupt: &'a dyn Interrupt,
    read: IndexMap<String, InputFile>,
    tables: IndexMap<String, Arc<Table>>,
}

impl<'a> Files<'a> {
    pub fn new(loader: &'a dyn Loader, interrupt: &'a dyn Interrupt) -> Files<'a> {
        Files { loader, interrupt, read: IndexMap::new(), tables: IndexMap::new() }
    }

    pub fn bytes(&mut self, path: &str) -> Result<Vec<u8>, Fault> {
        let bytes = self.loader.read(path)?;
        self.interrupt.done("read", path);
        if !self.read.contains_key(path) {
            let blake3 = blake3::hash(&bytes).to_hex().to_string();
            self.read.insert(path.to_string(), InputFile { path: path.to_string(), bytes: bytes.len() as u64, blake3 });
        }
        Ok(bytes)
    }

    /// A table with the warnings of its reading; a second reading has none.
    pub fn table(&mut self, path: &str) -> Result<(Arc<Table>, Vec<Fault>), Fault> {
        if let Some(table) = self.tables.get(path) {
            return Ok((table.clone(), Vec::new()));
        }
        let bytes = self.bytes(path)?;
        let (table, warnings) = csv::read(path, &bytes)?;
        let table = Arc::new(table);
        self.tables.insert(path.to_string(), table.clone());
        Ok((table, warnings))
    }

    /// The column of a label that names a field of a line.
    pub fn placed(&self, label: &mut FileLabel) {
        let Some(field) = label.field else { return };
        if let Ok(bytes) = self.loader.read(&label.file) {
            label.column = csv::column_of_field(&label.file, &bytes, label.line, field);
        }
    }

    /// Every file with its table, where it is one.
    pub fn tables(&self) -> Vec<(InputFile, Option<Arc<Table>>)> {
        self.read.values().map(|f| (f.clone(), self.tables.get(&f.path).cloned())).collect()
    }

    pub fn inputs(&self) -> Vec<InputFile> {
        self.read.values().cloned().collect()
    }
}
