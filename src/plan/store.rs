//! What a session remembers of the steps it has done: panels, matrices, designs, fits, and what log-determinants need,
//! each under a key of everything it was made from. Bounded: what was used least recently goes first.

use super::InputFile;
use crate::data::table::Table;
use crate::estimators::shared::Shared;
use crate::fault::Fault;
use crate::weights::Weights;
use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes that are held where nobody says otherwise.
const BOUND: u64 = 1_000_000_000;

/// The memory of a session. Equal keys mean equal values: whoever puts a value in names everything it depends on.
pub struct Memory {
    store: Mutex<Store>,
    /// What depends on matrices alone; its matrices are those of the store.
    pub(crate) shared: Arc<Shared>,
}

#[derive(Default)]
struct Store {
    items: BTreeMap<String, Item>,
    /// Counts uses: the larger, the more recent.
    clock: u64,
    bound: u64,
}

struct Item {
    value: Arc<dyn Any + Send + Sync>,
    /// The matrix, where it is one: what [`Shared`] holds for it goes with it.
    matrix: Option<Arc<Weights>>,
    bytes: u64,
    used: u64,
}

/// A file as it was when it was read.
pub(crate) struct KnownFile {
    /// What the loader said of it before it was read: a file with another stamp is read again.
    pub stamp: String,
    pub input: InputFile,
    /// The table last read from it, where it is one.
    pub table: Option<KnownTable>,
}

/// A table with the warnings of its reading, and how the file was taken to be written.
pub(crate) struct KnownTable {
    pub written: String,
    pub table: Arc<Table>,
    pub warnings: Vec<Fault>,
}

impl Default for Memory {
    fn default() -> Memory {
        Memory::bounded(BOUND)
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "Memory {{ {} steps, {} bytes }}", self.steps(), self.bytes())
    }
}

impl Memory {
    /// A memory of at most so many bytes, by estimate.
    pub fn bounded(bound: u64) -> Memory {
        Memory { store: Mutex::new(Store { bound, ..Store::default() }), shared: Arc::default() }
    }

    /// How many steps are remembered.
    pub fn steps(&self) -> usize {
        self.lock().items.len()
    }

    /// What they take, by estimate.
    pub fn bytes(&self) -> u64 {
        self.lock().items.values().map(|i| i.bytes).sum()
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.lock().items.clear();
        self.shared.keep(&[]);
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was put in under a key; the kind of value is part of the key.
    pub(crate) fn get<T: Send + Sync + 'static>(&self, key: &str) -> Option<Arc<T>> {
        let mut store = self.lock();
        store.clock += 1;
        let now = store.clock;
        let item = store.items.get_mut(key)?;
        item.used = now;
        item.value.clone().downcast().ok()
    }

    /// Remembers a value of so many bytes.
    pub(crate) fn put<T: Send + Sync + 'static>(&self, key: &str, value: Arc<T>, bytes: u64) {
        self.insert(key, Item { value, matrix: None, bytes, used: 0 });
    }

    /// Remembers what was made of a matrix that is [`Shared`]'s.
    pub(crate) fn put_matrix<T: Send + Sync + 'static>(
        &self,
        key: &str,
        value: Arc<T>,
        matrix: Arc<Weights>,
        bytes: u64,
    ) {
        self.insert(key, Item { value, matrix: Some(matrix), bytes, used: 0 });
    }

    fn insert(&self, key: &str, item: Item) {
        let mut store = self.lock();
        store.clock += 1;
        let used = store.clock;
        store.items.insert(key.to_string(), Item { used, ..item });
    }

    /// What log-determinants hold beside a matrix.
    pub(crate) fn grow(&self, matrix: &Arc<Weights>, bytes: u64) {
        let mut store = self.lock();
        let of = |i: &&mut Item| i.matrix.as_ref().is_some_and(|m| Arc::ptr_eq(m, matrix));
        if let Some(item) = store.items.values_mut().find(of) {
            let alone = super::memory::weights(matrix.units(), matrix.matrix.nnz() as u64).kept;
            item.bytes = item.bytes.max(alone.saturating_add(bytes));
        }
    }

    /// Lets go of what was used least recently until the rest fits. Called between runs: a run holds what it uses.
    pub(crate) fn settle(&self) {
        let mut store = self.lock();
        let mut by_use: Vec<(u64, String, u64)> =
            store.items.iter().map(|(key, i)| (i.used, key.clone(), i.bytes)).collect();
        by_use.sort();
        let mut held: u64 = by_use.iter().map(|i| i.2).fold(0, u64::saturating_add);
        for (_, key, bytes) in by_use {
            if held <= store.bound {
                break;
            }
            store.items.remove(&key);
            held -= bytes;
        }
        let matrices: Vec<Arc<Weights>> = store.items.values().filter_map(|i| i.matrix.clone()).collect();
        drop(store);
        self.shared.keep(&matrices);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_least_recently_goes_first() {
        let memory = Memory::bounded(25);
        for key in ["a", "b", "c"] {
            memory.put(key, Arc::new(key.to_string()), 10);
        }
        assert!(memory.get::<String>("a").is_some());
        memory.settle();
        assert_eq!((memory.steps(), memory.bytes()), (2, 20));
        assert!(memory.get::<String>("b").is_none());
        assert_eq!(memory.get::<String>("a").as_deref().map(String::as_str), Some("a"));
        assert!(memory.get::<u64>("a").is_none(), "another kind of value is another step");
        memory.clear();
        assert_eq!(memory.steps(), 0);
    }
}
