//! Excel workbooks (`.xlsx`): one sheet, or a range of it, as a table of text.
//!
//! Cells are taken as Excel holds them and not as it shows them: a number in full, a date as `2003-05-01`, an error as its
//! code (`#N/A`). Of a formula the value is read that was last computed. The line of a row is its number in the sheet.

use std::io::Cursor;

use calamine::{DataRef, Reader, Xlsx, XlsxError};

use crate::data::csv::nfc;
use crate::data::shortest;
use crate::data::sniff::foreign_format;
use crate::data::table::{Table, TextColumn};
use crate::data::unpack::swollen;
use crate::data::writing::{CellRange, Writing, column_letters};
use crate::fault::{Fault, quoted_list, ticked_list};
use crate::suggest;

type Book<'a> = Xlsx<Cursor<&'a [u8]>>;

/// Parts of a workbook may unpack to so many times their size, and never mind below so many bytes.
const MOST_SWOLLEN: u64 = 200;
const HARMLESS: u64 = 32 << 20;

/// Column names and warnings; `bytes` is the whole file.
pub fn header(file: &str, bytes: &[u8], writing: &Writing) -> Result<(Vec<String>, Vec<Fault>), Fault> {
    let (rows, notes) = sheet(file, bytes, writing, true)?;
    let (names, _, warnings) = names(file, &rows)?;
    Ok((names, notes.into_iter().chain(warnings).collect()))
}

/// Rows and columns that a sheet can have.
const MOST_ROWS: u32 = 1 << 20;
const MOST_COLUMNS: u32 = 1 << 14;

/// Reads a sheet. Errors: `wrong_format`, `damaged`, `too_large`, `unknown_sheet`, `no_rows`, `duplicate_header`,
/// `ragged_row`.
pub fn read(file: &str, bytes: &[u8], writing: &Writing) -> Result<(Table, Vec<Fault>), Fault> {
    let (rows, notes) = sheet(file, bytes, writing, false)?;
    let (header, first, warnings) = names(file, &rows)?;
    let mut columns = vec![TextColumn::default(); header.len()];
    let mut lines = Vec::new();
    for row in rows.iter().skip(1) {
        if let Some((column, text)) =
            row.cells.iter().find(|(c, _)| c.checked_sub(first).is_none_or(|k| k as usize >= header.len()))
        {
            let place = format!("{}{}", column_letters(*column), row.number + 1);
            let message = format!("cell {place} of {file} holds \"{text}\", in a column without a name");
            return Err(Fault::error("durbin::data::ragged_row", message)
                .help("name the column in the header, or say which cells are the table: `range \"A1:F200\"`")
                .label(file, row.number as usize + 1, *column as usize + 1, "here"));
        }
        let mut cells = row.cells.iter().peekable();
        for (k, column) in columns.iter_mut().enumerate() {
            let cell = cells.next_if(|(c, _)| (*c - first) as usize == k).map_or("", |(_, text)| text.as_str());
            if !column.push(&nfc(cell)) {
                return Err(Fault::error(
                    "durbin::data::too_large",
                    format!("a column of {file} holds more than 4 GiB of text"),
                ));
            }
        }
        lines.push(row.number + 1);
    }
    if lines.is_empty() {
        let line = rows.first().map_or(1, |r| r.number as usize + 1);
        return Err(Fault::error("durbin::data::no_rows", format!("{file} has a header and no rows")).label(
            file,
            line,
            1,
            "nothing follows this row",
        ));
    }
    Ok((Table::new(file, header, columns, lines), notes.into_iter().chain(warnings).collect()))
}

/// A row that is not empty: its number from 0 and its cells by column.
struct Row {
    number: u32,
    cells: Vec<(u32, String)>,
}

/// The rows of the sheet that is meant, only the first with `head`, and notes.
fn sheet(file: &str, bytes: &[u8], writing: &Writing, head: bool) -> Result<(Vec<Row>, Vec<Fault>), Fault> {
    recognized(file, bytes)?;
    contained(file, bytes)?;
    let mut book: Book = Xlsx::new(Cursor::new(bytes)).map_err(|e| damaged(file, &e))?;
    let (name, note) = chosen(file, &book.sheet_names(), writing)?;
    let mut reader = book.worksheet_cells_reader(&name).map_err(|e| damaged(file, &e))?;
    let mut rows: Vec<Row> = Vec::new();
    while let Some(cell) = reader.next_cell().map_err(|e| damaged(file, &e))? {
        let (row, column) = cell.get_position();
        if row >= MOST_ROWS || column >= MOST_COLUMNS {
            return Err(damaged(file, &"a cell lies outside of any sheet"));
        }
        if !writing.range.is_none_or(|r| inside(r, row, column)) {
            continue;
        }
        let Some(text) = text_of(cell.get_value()) else { continue };
        let at = match rows.last().map(|r| r.number.cmp(&row)) {
            Some(std::cmp::Ordering::Equal) => rows.len() - 1,
            Some(std::cmp::Ordering::Greater) => return Err(damaged(file, &"its rows are not in order")),
            _ if head && !rows.is_empty() => break,
            _ => {
                rows.push(Row { number: row, cells: Vec::new() });
                rows.len() - 1
            }
        };
        rows[at].cells.push((column, text));
    }
    if rows.is_empty() {
        let message = format!(
            "the sheet \"{name}\" of {file} has no cells{}",
            if writing.range.is_some() { " in that range" } else { "" }
        );
        return Err(Fault::error("durbin::data::no_rows", message)
            .help("the first row names the columns, the others are rows")
            .label(file, 1, 1, format!("sheet \"{name}\"")));
    }
    rows.iter_mut().for_each(|r| r.cells.sort_by_key(|c| c.0));
    if rows.iter().any(|r| r.cells.windows(2).any(|w| w[0].0 == w[1].0)) {
        return Err(damaged(file, &"a cell is there twice"));
    }
    Ok((rows, note.into_iter().collect()))
}

fn inside(range: CellRange, row: u32, column: u32) -> bool {
    row >= range.first.0
        && column >= range.first.1
        && range.last.0.is_none_or(|last| row <= last)
        && range.last.1.is_none_or(|last| column <= last)
}

/// A cell as text; `None` where it is empty.
fn text_of(value: &DataRef) -> Option<String> {
    let text = match value {
        DataRef::Empty => return None,
        DataRef::Int(i) => i.to_string(),
        DataRef::Float(x) => {
            let mut text = String::new();
            shortest::double(*x, &mut text);
            text
        }
        DataRef::String(s) | DataRef::DateTimeIso(s) | DataRef::DurationIso(s) => s.clone(),
        DataRef::SharedString(s) => (*s).to_string(),
        DataRef::Bool(b) => if *b { "TRUE" } else { "FALSE" }.to_string(),
        DataRef::DateTime(d) if d.is_duration() => format!("{}", d.as_f64()),
        DataRef::DateTime(d) => {
            let (year, month, day, hour, minute, second, _) = d.to_ymd_hms_milli();
            let date = format!("{year:04}-{month:02}-{day:02}");
            if (hour, minute, second) == (0, 0, 0) { date } else { format!("{date} {hour:02}:{minute:02}:{second:02}") }
        }
        DataRef::Error(e) => e.to_string(),
    };
    (!text.trim().is_empty()).then_some(text)
}

/// The sheet that is said, or the first, with a note where there are others.
fn chosen(file: &str, sheets: &[String], writing: &Writing) -> Result<(String, Option<Fault>), Fault> {
    if let Some(wanted) = &writing.sheet {
        if sheets.contains(wanted) {
            return Ok((wanted.clone(), None));
        }
        let help = suggest::did_you_mean(wanted, sheets.iter().map(String::as_str));
        let list = format!("its sheets are {}", quoted_list(sheets));
        return Err(Fault::error("durbin::data::unknown_sheet", format!("{file} has no sheet \"{wanted}\""))
            .help(help.map_or(list.clone(), |h| format!("{h} {list}"))));
    }
    let Some(first) = sheets.first() else { return Err(damaged(file, &"it has no sheet")) };
    let note = (sheets.len() > 1).then(|| {
        let message = format!("of the {} sheets of {file} the first is read: \"{first}\"", sheets.len());
        Fault::note("durbin::data::first_sheet", message).help(format!("say which is meant: `sheet \"{first}\"`"))
    });
    Ok((first.clone(), note))
}

/// Names of the columns from the first row, the first column, and warnings.
fn names(file: &str, rows: &[Row]) -> Result<(Vec<String>, u32, Vec<Fault>), Fault> {
    let Some(row) = rows.first() else { return Err(damaged(file, &"it has no rows")) };
    let first = row.cells.first().map_or(0, |c| c.0);
    let last = row.cells.last().map_or(0, |c| c.0);
    let mut names = vec![String::new(); (last - first) as usize + 1];
    for (column, text) in &row.cells {
        names[(column - first) as usize] = nfc(text.trim()).into_owned();
    }
    let mut seen = std::collections::HashMap::new();
    for (k, name) in names.iter().enumerate().filter(|(_, n)| !n.is_empty()) {
        if let Some(before) = seen.insert(name.as_str(), k) {
            let place = |k: usize| column_letters(first + k as u32);
            let message = format!(
                "the header of {file} has two columns named {}, {} and {}",
                ticked_list(&[name]),
                place(before),
                place(k)
            );
            return Err(Fault::error("durbin::data::duplicate_header", message)
                .help("rename one of them in the file")
                .label(file, row.number as usize + 1, first as usize + k + 1, "the second"));
        }
    }
    let unnamed: Vec<String> =
        (0..names.len()).filter(|&k| names[k].is_empty()).map(|k| column_letters(first + k as u32)).collect();
    let warning = (!unnamed.is_empty()).then(|| {
        let message = format!("columns {} of {file} have no name", ticked_list(&unnamed));
        Fault::warning("durbin::data::unnamed_column", message).help("a column without a name cannot be used")
    });
    Ok((names, first, warning.into_iter().collect()))
}

fn recognized(file: &str, bytes: &[u8]) -> Result<(), Fault> {
    if bytes.starts_with(b"PK\x03\x04") {
        return Ok(());
    }
    let message = match foreign_format(bytes) {
        _ if bytes.is_empty() => format!("{file} is empty"),
        Some((what, _)) => format!("{file} is {what}, not an Excel workbook"),
        None => format!("{file} is no Excel workbook: its first bytes are not those of one"),
    };
    Err(Fault::error("durbin::data::wrong_format", message)
        .help("give it the ending of what it is, such as `.csv`, or save it again from Excel as `.xlsx`")
        .label(file, 1, 1, "the first bytes say so"))
}

fn damaged(file: &str, why: &dyn std::fmt::Display) -> Fault {
    Fault::error("durbin::data::damaged", format!("{file} cannot be read as a workbook: {why}"))
        .help("it may have been cut off on its way, or is protected by a password: save it again from Excel")
        .label(file, 1, 1, "the workbook is not whole")
}

/// Refuses parts that unpack to more than any sheet: what they announce, and what comes out of them.
fn contained(file: &str, bytes: &[u8]) -> Result<(), Fault> {
    let failed = |e: zip::result::ZipError| damaged(file, &XlsxError::Zip(e));
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(failed)?;
    for k in 0..archive.len() {
        let part = archive.by_index(k).map_err(failed)?;
        let name = part.name().map_err(failed)?;
        if !name.ends_with(".xml") && !name.ends_with(".rels") {
            continue;
        }
        let (packed, announced) = (part.compressed_size(), part.size());
        let most = HARMLESS.max(MOST_SWOLLEN.saturating_mul(packed));
        if announced > most {
            return Err(swollen(file, packed, announced));
        }
        if most > HARMLESS || packed.saturating_mul(1032) > HARMLESS {
            let out = std::io::copy(&mut std::io::Read::take(part, most + 1), &mut std::io::sink());
            if out.map_err(|e| damaged(file, &e))? > most {
                return Err(swollen(file, packed, most));
            }
        }
    }
    Ok(())
}
