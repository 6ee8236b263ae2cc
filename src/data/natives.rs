//! Functions of numbers that an embedding program supplies: called row by row, missing where an argument is.

use super::series::{Item, Series, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Tells registrations apart, so that what one function gave is never taken for another's.
static REGISTERED: AtomicU64 = AtomicU64::new(0);

/// What is called with the arguments of a row.
type Call = dyn Fn(&[f64]) -> f64 + Send + Sync;

/// A function under a name of the language.
#[derive(Clone)]
pub struct Native {
    pub name: String,
    /// How many arguments it takes.
    pub arity: usize,
    /// Of this registration.
    pub id: u64,
    call: Arc<Call>,
}

impl std::fmt::Debug for Native {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "Native {{ {}/{}, {} }}", self.name, self.arity, self.id)
    }
}

impl Native {
    /// Registers a function. It must give equal results for equal arguments: what it gave is remembered.
    pub fn new(name: &str, arity: usize, call: impl Fn(&[f64]) -> f64 + Send + Sync + 'static) -> Native {
        let id = REGISTERED.fetch_add(1, Ordering::Relaxed);
        Native { name: name.to_string(), arity, id, call: Arc::new(call) }
    }

    /// Its values for columns and numbers.
    pub fn apply(&self, arguments: &[Value]) -> Value {
        let rows = arguments.iter().filter_map(|v| if let Value::Column(s) = v { Some(s.len()) } else { None }).max();
        let at = |row: usize| {
            let number = |v: &Value| if let Item::Number(x) = v.item(row) { x } else { f64::NAN };
            let numbers: Vec<f64> = arguments.iter().map(number).collect();
            if numbers.iter().any(|x| x.is_nan()) { f64::NAN } else { (self.call)(&numbers) }
        };
        match rows {
            Some(rows) => Value::Column(Series::Numbers((0..rows).map(at).collect())),
            None => Value::Number(at(0)),
        }
    }
}
