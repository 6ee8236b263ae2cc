//! The one door of tables: a file's name says which reader takes it, and every reader gives a [`Table`].

use std::borrow::Cow;

use crate::data::columnar::{self, Stored};
use crate::data::table::Table;
use crate::data::unpack::{decoded, is_packed, unpacked};
use crate::data::writing::Writing;
use crate::data::{csv, excel, sniff, stata};
use crate::fault::Fault;

/// How much of a file the checker reads for its header.
pub const HEAD: usize = 1 << 20;

/// What a file's name says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated or tab-separated, packed or not.
    Text,
    Stata,
    Excel,
    /// Parquet or Arrow.
    Columnar(Stored),
}

/// The format a name implies. Error: `unknown_format`.
pub fn format_of(path: &str) -> Result<Format, Fault> {
    sniff::check_extension(path)?;
    let name = path.to_ascii_lowercase();
    Ok(match name.rsplit('.').next().unwrap_or("") {
        "dta" => Format::Stata,
        "xlsx" => Format::Excel,
        "parquet" => Format::Columnar(Stored::Parquet),
        "arrow" | "feather" => Format::Columnar(Stored::Arrow),
        _ => Format::Text,
    })
}

/// What is said of how a file is written that its format has no use for.
pub fn out_of_place(path: &str, writing: &Writing) -> Option<Fault> {
    let format = format_of(path).ok()?;
    let said = [
        ("encoding", writing.encoding.is_some(), matches!(format, Format::Text | Format::Stata)),
        ("separator", writing.separator.is_some(), format == Format::Text),
        ("decimal", writing.decimal != Default::default(), format == Format::Text),
        ("sheet", writing.sheet.is_some(), format == Format::Excel),
        ("range", writing.range.is_some(), format == Format::Excel),
    ];
    let (clause, ..) = said.into_iter().find(|(_, said, fits)| *said && !fits)?;
    let what = match format {
        Format::Text => "a text table",
        Format::Stata => "a Stata file",
        Format::Excel => "a workbook",
        Format::Columnar(Stored::Parquet) => "a Parquet file",
        Format::Columnar(Stored::Arrow) => "an Arrow file",
    };
    let message = format!("`{path}` is {what}, for which the clause `{clause}` says nothing");
    Some(Fault::error("durbin::check::bad_option_value", message).help(format!("leave `{clause}` out")))
}

/// Column names (trimmed, NFC) and warnings, without looking at rows. `bytes`: the beginning of the file, at most
/// [`HEAD`] of them, or all of it where [`needs_all`].
pub fn header(file: &str, bytes: &[u8], writing: &Writing) -> Result<(Vec<String>, Vec<Fault>), Fault> {
    match format_of(file)? {
        Format::Stata => stata::header(file, bytes, writing),
        Format::Excel => excel::header(file, bytes, writing),
        Format::Columnar(stored) => Ok((columnar::header(file, bytes, stored)?, Vec::new())),
        Format::Text => {
            let plain = if is_packed(file) {
                Cow::Owned(unpacked(file, bytes, Some(HEAD), writing.encoding)?)
            } else {
                Cow::Borrowed(bytes)
            };
            let end = if plain.len() < HEAD { plain.len() } else { last_whole_line(&plain, writing) };
            if end == 0 && !plain.is_empty() {
                // What is no text has no lines.
                let start = csv::header(file, &plain[..plain.len().min(4096)], writing);
                let foreign = start.err().filter(|f| f.code == "durbin::data::wrong_format");
                return Err(foreign.unwrap_or_else(|| long_header(file)));
            }
            let (text, doubt) = decoded(file, &plain[..end], writing.encoding)?;
            let (names, mut warnings) = csv::header(file, &text, writing)?;
            warnings.extend(doubt);
            Ok((names, warnings))
        }
    }
}

/// Whether the header can only be found in the whole file.
pub fn needs_all(path: &str) -> bool {
    !matches!(format_of(path), Ok(Format::Text) | Err(_))
}

/// Reads a whole file; warnings come with the table.
pub fn read(file: &str, bytes: &[u8], writing: &Writing) -> Result<(Table, Vec<Fault>), Fault> {
    match format_of(file)? {
        Format::Stata => stata::read(file, bytes, writing),
        Format::Excel => excel::read(file, bytes, writing),
        Format::Columnar(stored) => Ok((columnar::read(file, bytes, stored)?, Vec::new())),
        Format::Text => {
            let plain = if is_packed(file) {
                Cow::Owned(unpacked(file, bytes, None, writing.encoding)?)
            } else {
                Cow::Borrowed(bytes)
            };
            let (text, doubt) = decoded(file, &plain, writing.encoding)?;
            let (table, mut warnings) = csv::read_as(file, &text, writing)?;
            warnings.extend(doubt);
            Ok((table, warnings))
        }
    }
}

/// The column at which a field of a line begins, from 1 in characters; of tables that are no text, its number.
pub fn column_of_field(file: &str, bytes: &[u8], writing: &Writing, line: usize, field: usize) -> usize {
    match format_of(file) {
        Ok(Format::Text) => {}
        Ok(Format::Excel) => return field + 1 + writing.range.map_or(0, |r| r.first.1 as usize),
        _ => return field + 1,
    }
    let plain = if is_packed(file) {
        unpacked(file, bytes, None, writing.encoding).map(Cow::Owned)
    } else {
        Ok(Cow::Borrowed(bytes))
    };
    let text = plain.as_ref().ok().and_then(|p| decoded(file, p, writing.encoding).ok());
    text.map_or(1, |(text, _)| csv::column_of_field(&text, csv::separator_of(file, writing), line, field))
}

/// Where the last line that is there in full ends: a character may be cut in its middle where the bytes end.
fn last_whole_line(bytes: &[u8], writing: &Writing) -> usize {
    let end: &[u8] = match writing.encoding.map(|e| e.name()) {
        Some("UTF-16LE") => b"\n\0",
        Some("UTF-16BE") => b"\0\n",
        _ if bytes.contains(&b'\n') => b"\n",
        _ => b"\r",
    };
    let at = (0..bytes.len()).step_by(end.len()).rev().find(|&i| bytes[i..].starts_with(end));
    at.map_or(0, |i| i + end.len())
}

fn long_header(file: &str) -> Fault {
    Fault::error("durbin::data::too_large", format!("the first line of {file} is longer than 1 MiB"))
        .help("the first line names the columns: leave out those the program does not use")
        .label(file, 1, 1, "this line has no end within 1 MiB")
}
