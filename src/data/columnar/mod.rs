//! Tables stored by columns: Parquet and Arrow files (Feather is another name of the latter). They are read where durbin
//! is built with the feature `parquet`, and else refused with the way to build it so.

#[cfg(feature = "parquet")]
mod cells;
#[cfg(feature = "parquet")]
mod files;

use crate::data::sniff::foreign_format;
use crate::data::table::Table;
use crate::fault::Fault;

/// Which of the two formats a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    Parquet,
    Arrow,
}

impl Stored {
    fn words(self) -> &'static str {
        match self {
            Stored::Parquet => "a Parquet file",
            Stored::Arrow => "an Arrow file",
        }
    }

    /// What such a file begins with.
    fn magic(self) -> &'static [u8] {
        match self {
            Stored::Parquet => b"PAR1",
            Stored::Arrow => b"ARROW1",
        }
    }
}

/// Names of the columns.
pub fn header(file: &str, bytes: &[u8], stored: Stored) -> Result<Vec<String>, Fault> {
    recognized(file, bytes, stored)?;
    built::header(file, bytes, stored)
}

/// Reads a whole file. Errors: `wrong_format`, `damaged`, `no_rows`, `too_large`, `duplicate_header`, and
/// `unknown_format` where durbin was built without the reader.
pub fn read(file: &str, bytes: &[u8], stored: Stored) -> Result<Table, Fault> {
    recognized(file, bytes, stored)?;
    built::read(file, bytes, stored)
}

#[cfg(feature = "parquet")]
use files as built;

#[cfg(not(feature = "parquet"))]
mod built {
    use super::{Fault, Stored, Table};

    pub fn header(file: &str, _: &[u8], stored: Stored) -> Result<Vec<String>, Fault> {
        Err(without_reader(file, stored))
    }

    pub fn read(file: &str, _: &[u8], stored: Stored) -> Result<Table, Fault> {
        Err(without_reader(file, stored))
    }

    fn without_reader(file: &str, stored: Stored) -> Fault {
        let message = format!("`{file}` is {}, and this durbin is built without their reader", stored.words());
        Fault::error("durbin::data::unknown_format", message)
            .help("build it with `cargo install --path . --features parquet`, or export the table as CSV UTF-8")
    }
}

fn recognized(file: &str, bytes: &[u8], stored: Stored) -> Result<(), Fault> {
    if bytes.starts_with(stored.magic()) {
        return Ok(());
    }
    let what = match foreign_format(bytes) {
        Some((what, _)) => what,
        None if bytes.is_empty() => "empty",
        None => "something else",
    };
    Err(Fault::error("durbin::data::wrong_format", format!("{file} is not {}: it is {what}", stored.words()))
        .help("give the file the ending of what it is, or get it again")
        .label(file, 1, 1, "the first bytes say so"))
}
