//! Files of columns, batch by batch.

use std::collections::HashSet;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::RecordBatch;
use arrow_ipc::reader::FileReader;
use arrow_schema::{ArrowError, SchemaRef};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{Stored, cells};
use crate::data::csv::nfc;
use crate::data::table::{Table, TextColumn};
use crate::fault::Fault;

/// Rows that are unpacked at a time.
const BATCH: usize = 8192;

type Batches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>>>;

pub fn header(file: &str, bytes: &[u8], stored: Stored) -> Result<Vec<String>, Fault> {
    guarded(file, || names(file, &open(file, bytes, stored)?.0))
}

pub fn read(file: &str, bytes: &[u8], stored: Stored) -> Result<Table, Fault> {
    guarded(file, || whole(file, bytes, stored))
}

/// The readers of these formats trust lengths and positions that a damaged file states, and panic where they lead nowhere.
fn guarded<T>(file: &str, read: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    let nowhere = || Err(damaged(file, &"what it says of its own parts leads nowhere"));
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| nowhere())
}

fn whole(file: &str, bytes: &[u8], stored: Stored) -> Result<Table, Fault> {
    let (schema, batches) = open(file, bytes, stored)?;
    let names = names(file, &schema)?;
    for field in schema.fields() {
        if !cells::is_read(field.data_type()) {
            let message =
                format!("column `{}` of {file} holds {}, which no cell does", field.name(), field.data_type());
            return Err(Fault::error("durbin::data::wrong_format", message)
                .help("write the file without that column, or with its parts in columns of their own"));
        }
    }
    let mut columns = vec![TextColumn::default(); names.len()];
    let mut rows = 0usize;
    for batch in batches {
        let batch = batch.map_err(|e| damaged(file, &e))?;
        rows += batch.num_rows();
        for (column, array) in columns.iter_mut().zip(batch.columns()) {
            cells::append(array.as_ref(), column).map_err(|at| at.fault(file))?;
        }
    }
    if rows == 0 {
        let message = format!("{file} has {} columns and no row", names.len());
        return Err(Fault::error("durbin::data::no_rows", message).label(file, 1, 1, "there is no first row"));
    }
    let rows = u32::try_from(rows).map_err(|_| too_large(file))?;
    Ok(Table::new(file, names, columns, (1..=rows).collect()))
}

fn open(file: &str, bytes: &[u8], stored: Stored) -> Result<(SchemaRef, Batches), Fault> {
    let bytes = Bytes::copy_from_slice(bytes);
    match stored {
        Stored::Parquet => {
            let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(|e| damaged(file, &e))?;
            let schema = builder.schema().clone();
            let reader = builder.with_batch_size(BATCH).build().map_err(|e| damaged(file, &e))?;
            Ok((schema, Box::new(reader)))
        }
        Stored::Arrow => {
            let reader = FileReader::try_new(Cursor::new(bytes), None).map_err(|e| damaged(file, &e))?;
            Ok((reader.schema(), Box::new(reader)))
        }
    }
}

/// Names of the columns, no two the same.
fn names(file: &str, schema: &SchemaRef) -> Result<Vec<String>, Fault> {
    let names: Vec<String> = schema.fields().iter().map(|f| nfc(f.name().trim()).into_owned()).collect();
    let mut seen = HashSet::new();
    match names.iter().find(|n| !n.is_empty() && !seen.insert(n.as_str())) {
        Some(twice) => {
            let message = format!("{file} has two columns named `{twice}`");
            Err(Fault::error("durbin::data::duplicate_header", message).help("rename one of them"))
        }
        None => Ok(names),
    }
}

pub(super) fn too_large(file: &str) -> Fault {
    let message = format!("{file} is too large: a table holds at most {} rows and 4 GiB of text per column", u32::MAX);
    Fault::error("durbin::data::too_large", message).help("split the file, or leave out what the program does not use")
}

fn damaged(file: &str, why: &dyn std::fmt::Display) -> Fault {
    Fault::error("durbin::data::damaged", format!("{file} cannot be read to its end: {why}"))
        .help("it may have been cut off on its way, or packed in a way that is not read (zstd): write it again, with `snappy`")
        .label(file, 1, 1, "the file is not whole")
}
