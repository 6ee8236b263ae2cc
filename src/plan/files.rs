//! Files a program reads: each once, with its fingerprint for the record of the run; not even once where it is known from
//! an earlier run of the session and has not changed.

use super::store::{KnownFile, KnownTable, Memory};
use crate::data::door;
use crate::data::shapes::{self, Parts};
use crate::data::table::Table;
use crate::data::writing::Writing;
use crate::estimators::Interrupt;
use crate::fault::{Fault, FileLabel};
use crate::loader::Loader;
use indexmap::IndexMap;
use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Arc;

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFile {
    /// As the program writes it.
    pub path: String,
    pub bytes: u64,
    pub blake3: String,
}

/// A file that was read and not yet looked at.
struct Waiting {
    bytes: Vec<u8>,
    input: InputFile,
    stamp: Option<String>,
}

/// The files of one run, in the order in which they were first read.
pub(crate) struct Files<'a> {
    loader: &'a dyn Loader,
    interrupt: &'a dyn Interrupt,
    memory: Option<&'a Memory>,
    read: IndexMap<String, InputFile>,
    /// By path and how the file is written.
    tables: IndexMap<(String, String), Arc<Table>>,
    /// How each file is written that was read as a table.
    written: IndexMap<String, Writing>,
    waiting: IndexMap<String, Waiting>,
    /// Files of earlier runs that are as they were.
    known: IndexMap<String, Arc<KnownFile>>,
    /// Files that were read in order and not held.
    streams: BTreeSet<String>,
    /// Every path that was asked for, as often as it was.
    pub asked: Vec<String>,
}

impl<'a> Files<'a> {
    pub fn new(loader: &'a dyn Loader, interrupt: &'a dyn Interrupt, memory: Option<&'a Memory>) -> Files<'a> {
        Files {
            loader,
            interrupt,
            memory,
            read: IndexMap::new(),
            tables: IndexMap::new(),
            written: IndexMap::new(),
            waiting: IndexMap::new(),
            known: IndexMap::new(),
            streams: BTreeSet::new(),
            asked: Vec::new(),
        }
    }

    fn fetch(&mut self, path: &str) -> Result<Waiting, Fault> {
        // Asked before reading: what is written meanwhile has another stamp the next time.
        let stamp = self.memory.and_then(|_| self.loader.stamp(path));
        let bytes = self.loader.read(path)?;
        self.interrupt.done("read", path);
        let blake3 = blake3::hash(&bytes).to_hex().to_string();
        let input = InputFile { path: path.to_string(), bytes: bytes.len() as u64, blake3 };
        Ok(Waiting { bytes, input, stamp })
    }

    /// A file of an earlier run, where it is as it was; looked at once a run.
    fn unchanged(&mut self, path: &str) -> Option<Arc<KnownFile>> {
        if let Some(known) = self.known.get(path) {
            return Some(known.clone());
        }
        let known = self.memory?.get::<KnownFile>(&file_key(path))?;
        let same = self.loader.stamp(path).is_some_and(|stamp| stamp == known.stamp);
        same.then(|| {
            self.known.insert(path.to_string(), known.clone());
            known
        })
    }

    fn keep(&mut self, path: &str, of: Waiting, table: Option<KnownTable>) {
        let (Some(memory), Some(stamp)) = (self.memory, of.stamp) else { return };
        let cells = table.as_ref().map_or(0, |t| t.table.rows() * t.table.header.len());
        let bytes = super::memory::file(of.input.bytes, cells).kept;
        memory.put(&file_key(path), Arc::new(KnownFile { stamp, input: of.input, table }), bytes);
    }

    /// The fingerprint of a file's content.
    pub fn fingerprint(&mut self, path: &str) -> Option<String> {
        if let Some(known) = self.unchanged(path) {
            return Some(known.input.blake3.clone());
        }
        if let Some(read) = self.read.get(path).or(self.waiting.get(path).map(|w| &w.input)) {
            return Some(read.blake3.clone());
        }
        // What is at fault with it is told by the step that needs it.
        let fetched = self.fetch(path).ok()?;
        let blake3 = fetched.input.blake3.clone();
        self.waiting.insert(path.to_string(), fetched);
        Some(blake3)
    }

    fn taken(&mut self, path: &str) -> Result<Waiting, Fault> {
        self.asked.push(path.to_string());
        let of = match self.waiting.swap_remove(path) {
            Some(waiting) => waiting,
            None => self.fetch(path)?,
        };
        self.read.entry(path.to_string()).or_insert_with(|| of.input.clone());
        Ok(of)
    }

    pub fn bytes(&mut self, path: &str) -> Result<Vec<u8>, Fault> {
        let mut of = self.taken(path)?;
        let bytes = std::mem::take(&mut of.bytes);
        self.keep(path, of, None);
        Ok(bytes)
    }

    /// A table with the warnings of its reading; a second reading has none.
    pub fn table(&mut self, path: &str, writing: &Writing) -> Result<(Arc<Table>, Vec<Fault>), Fault> {
        let slot = (path.to_string(), writing.key());
        self.written.insert(path.to_string(), writing.clone());
        if let Some(table) = self.tables.get(&slot) {
            self.asked.push(path.to_string());
            return Ok((table.clone(), Vec::new()));
        }
        if let Some(known) = self.unchanged(path)
            && let Some(known) = known.table.as_ref().filter(|t| t.written == slot.1)
        {
            self.touch(path);
            self.tables.insert(slot, known.table.clone());
            return Ok((known.table.clone(), known.warnings.clone()));
        }
        let of = self.taken(path)?;
        let (table, warnings) = door::read(path, &of.bytes, writing)?;
        let table = Arc::new(table);
        self.tables.insert(slot.clone(), table.clone());
        let known = KnownTable { written: slot.1, table: table.clone(), warnings: warnings.clone() };
        self.keep(path, of, Some(known));
        Ok((table, warnings))
    }

    /// The names of a table's columns and warnings, from its beginning.
    pub fn header(&self, path: &str, writing: &Writing) -> Result<(Vec<String>, Vec<Fault>), Fault> {
        let head = self.loader.head(path, door::HEAD)?;
        door::header(path, &head, writing)
    }

    /// A file to be read once and in order; what it was is noted with [`Files::streamed`].
    pub fn stream(&mut self, path: &str) -> Result<Box<dyn Read + Send>, Fault> {
        self.asked.push(path.to_string());
        self.loader.stream(path)
    }

    /// A stream ended: the file is one of the run's.
    pub fn streamed(&mut self, path: &str, writing: &Writing, bytes: u64, blake3: String) {
        self.interrupt.done("read", path);
        self.written.insert(path.to_string(), writing.clone());
        self.streams.insert(path.to_string());
        self.read.entry(path.to_string()).or_insert(InputFile { path: path.to_string(), bytes, blake3 });
    }

    /// The fingerprint of a file that is streamed: read in parts, and not kept.
    pub fn fingerprint_of_stream(&mut self, path: &str) -> Option<String> {
        let stamp = self.loader.stamp(path);
        if let Some(known) = self.unchanged(path) {
            return Some(known.input.blake3.clone());
        }
        let mut hasher = blake3::Hasher::new();
        let mut from = self.loader.stream(path).ok()?;
        let (mut bytes, mut part) = (0, vec![0; 1 << 20]);
        loop {
            let n = from.read(&mut part).ok()?;
            if n == 0 {
                break;
            }
            hasher.update(&part[..n]);
            bytes += n as u64;
        }
        let input = InputFile { path: path.to_string(), bytes, blake3: hasher.finalize().to_hex().to_string() };
        let blake3 = input.blake3.clone();
        self.keep(path, Waiting { bytes: Vec::new(), input, stamp }, None);
        Some(blake3)
    }

    /// The files there are of a layer of shapes.
    pub fn layer(&self, path: &str) -> Vec<String> {
        let (needed, optional) = shapes::companions(path);
        let there = optional.into_iter().filter(|p| self.loader.head(p, 1).is_ok());
        std::iter::once(path.to_string()).chain(needed).chain(there).collect()
    }

    /// The bytes of a layer of shapes.
    pub fn shapes(&mut self, path: &str) -> Result<Parts, Fault> {
        let mut parts = Parts::default();
        for file in self.layer(path) {
            let bytes = self.bytes(&file)?;
            match file.to_ascii_lowercase().rsplit('.').next() {
                Some("dbf") => parts.attributes = Some(bytes),
                Some("prj") => parts.projection = Some(bytes),
                Some("cpg") => parts.encoding = Some(bytes),
                Some("gpkg-wal") => parts.unwritten = Some(bytes),
                _ => parts.shapes = bytes,
            }
        }
        Ok(parts)
    }

    /// A remembered step needs a file: it is one of the run's.
    pub fn touch(&mut self, path: &str) {
        self.asked.push(path.to_string());
        if let Some(known) = self.unchanged(path) {
            self.read.entry(path.to_string()).or_insert_with(|| known.input.clone());
            if let Some(known) = &known.table {
                let slot = (path.to_string(), known.written.clone());
                self.tables.entry(slot).or_insert_with(|| known.table.clone());
            }
        } else if let Some(waiting) = self.waiting.get(path) {
            self.read.entry(path.to_string()).or_insert_with(|| waiting.input.clone());
        }
    }

    /// The column of a label that names a field of a line.
    pub fn placed(&self, label: &mut FileLabel) {
        let Some(field) = label.field else { return };
        if let Ok(bytes) = self.loader.read(&label.file) {
            let writing = self.written.get(&label.file).cloned().unwrap_or_default();
            label.column = door::column_of_field(&label.file, &bytes, &writing, label.line, field);
        }
    }

    /// Every file with its table, where it is one, and whether it was read in order and not held.
    pub fn tables(&self) -> Vec<(InputFile, Option<Arc<Table>>, bool)> {
        let of = |path: &str| self.tables.iter().find(|((p, _), _)| p == path).map(|(_, table)| table.clone());
        let streamed = |f: &InputFile, held: &Option<Arc<Table>>| held.is_none() && self.streams.contains(&f.path);
        let all = self.read.values().map(|f| (f.clone(), of(&f.path)));
        all.map(|(f, table)| (f.clone(), table.clone(), streamed(&f, &table))).collect()
    }

    pub fn inputs(&self) -> Vec<InputFile> {
        self.read.values().cloned().collect()
    }
}

fn file_key(path: &str) -> String {
    format!("file {path}")
}
