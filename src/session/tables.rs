//! Tables that live in memory and are read as files: what an embedding program hands over.

use crate::fault::Fault;
use crate::loader::Loader;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Columns of equal length, under names. Numbers keep every bit; NaN is a missing value.
///
/// ```
/// use durbin::session::Columns;
///
/// let towns = Columns::new().text("town", ["a", "a", "b", "b"]).integers("year", [1, 2, 1, 2]).numbers("y", [0.5, 1.0, 2.0, f64::NAN]);
/// assert_eq!(towns.to_csv(), "town,year,y\na,1,0.5\na,2,1\nb,1,2\nb,2,\n");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns {
    columns: Vec<(String, Vec<String>)>,
}

impl Columns {
    /// No columns.
    pub fn new() -> Columns {
        Columns::default()
    }

    fn with(mut self, name: &str, cells: Vec<String>) -> Columns {
        self.columns.push((name.to_string(), cells));
        self
    }

    /// A column of keys or categories; an empty text is missing.
    pub fn text<S: AsRef<str>>(self, name: &str, cells: impl IntoIterator<Item = S>) -> Columns {
        self.with(name, cells.into_iter().map(|c| c.as_ref().to_string()).collect())
    }

    /// A column of whole numbers, such as years.
    pub fn integers(self, name: &str, cells: impl IntoIterator<Item = i64>) -> Columns {
        self.with(name, cells.into_iter().map(|c| c.to_string()).collect())
    }

    /// A column of numbers; NaN is missing.
    pub fn numbers(self, name: &str, cells: impl IntoIterator<Item = f64>) -> Columns {
        let cell = |x: f64| if x.is_nan() { String::new() } else { format!("{x}") };
        self.with(name, cells.into_iter().map(cell).collect())
    }

    /// The table as a program reads it. Columns that are too short end in missing values.
    pub fn to_csv(&self) -> String {
        let rows = self.columns.iter().map(|c| c.1.len()).max().unwrap_or(0);
        let line = |cells: Vec<&str>| cells.into_iter().map(field).collect::<Vec<_>>().join(",") + "\n";
        let mut out = line(self.columns.iter().map(|c| c.0.as_str()).collect());
        for row in 0..rows {
            out.push_str(&line(self.columns.iter().map(|c| c.1.get(row).map_or("", String::as_str)).collect()));
        }
        out
    }
}

/// A cell, quoted where it has to be.
fn field(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) || cell.trim() != cell {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_string()
    }
}

/// Registered tables before the files of a loader.
pub(super) struct Overlay<'a> {
    pub tables: &'a BTreeMap<String, Arc<Vec<u8>>>,
    pub files: &'a dyn Loader,
}

impl Loader for Overlay<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, Fault> {
        self.tables.get(path).map_or_else(|| self.files.read(path), |bytes| Ok(bytes.to_vec()))
    }

    fn stream(&self, path: &str) -> Result<Box<dyn std::io::Read + Send>, Fault> {
        let whole =
            |bytes: &Arc<Vec<u8>>| -> Box<dyn std::io::Read + Send> { Box::new(std::io::Cursor::new(bytes.to_vec())) };
        self.tables.get(path).map_or_else(|| self.files.stream(path), |bytes| Ok(whole(bytes)))
    }

    fn head(&self, path: &str, limit: usize) -> Result<Vec<u8>, Fault> {
        let first = |bytes: &Arc<Vec<u8>>| bytes[..limit.min(bytes.len())].to_vec();
        self.tables.get(path).map_or_else(|| self.files.head(path, limit), |bytes| Ok(first(bytes)))
    }

    fn stamp(&self, path: &str) -> Option<String> {
        let of = |bytes: &Arc<Vec<u8>>| Some(format!("table {}", blake3::hash(bytes).to_hex()));
        self.tables.get(path).map_or_else(|| self.files.stamp(path), of)
    }
}
