//! The files a run asked for, so that it runs again when one of them is saved: also those that were not there, or that it
//! was refused for.

use crate::fault::Fault;
use crate::loader::{DiskLoader, Loader};
use indexmap::IndexMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A loader that keeps how each file was before it was read.
pub struct Asked<'a> {
    files: &'a DiskLoader,
    stamps: Mutex<IndexMap<String, Option<String>>>,
}

impl Asked<'_> {
    pub fn of(files: &DiskLoader) -> Asked<'_> {
        Asked { files, stamps: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, IndexMap<String, Option<String>>> {
        self.stamps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing was asked for yet but the file of this name: the program itself.
    pub fn begin(&self, program: &str) {
        self.lock().clear();
        self.note(program);
    }

    /// Whether a file is not what it was when it was asked for first.
    pub fn changed(&self) -> bool {
        self.lock().iter().any(|(path, before)| self.files.stamp(path) != *before)
    }

    fn note(&self, path: &str) {
        self.lock().entry(path.to_string()).or_insert_with(|| self.files.stamp(path));
    }
}

impl Loader for Asked<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, Fault> {
        self.note(path);
        self.files.read(path)
    }

    fn stream(&self, path: &str) -> Result<Box<dyn std::io::Read + Send>, Fault> {
        self.note(path);
        self.files.stream(path)
    }

    fn stamp(&self, path: &str) -> Option<String> {
        self.note(path);
        self.files.stamp(path)
    }

    fn head(&self, path: &str, limit: usize) -> Result<Vec<u8>, Fault> {
        self.note(path);
        self.files.head(path, limit)
    }
}
