//! Stata files (`.dta`) of versions 113 to 115 (Stata 8 to 12) and 117 to 119 (Stata 13 and later), as StataCorp
//! documents the formats.
//!
//! Numbers become the shortest text that stands for them in their own precision, so that the same data exported as CSV
//! give the same bits; every missing code (`.`, `.a` to `.z`) is an empty cell. A variable with value labels keeps its
//! numbers, and gets a column `NAME_label` with the labels. The line of a row is its number as Stata counts
//! observations, from 1.

mod bytes;
mod layout;
mod values;

use std::collections::HashMap;

use encoding_rs::Encoding;

use crate::data::csv::nfc;
use crate::data::sniff::foreign_format;
use crate::data::table::{Table, TextColumn};
use crate::data::writing::Writing;
use crate::fault::{Fault, ticked_list};
use bytes::Bytes;
use layout::{Layout, layout};
use values::{Cells, labels, long_strings};

/// Column names and warnings from the beginning of a file.
pub fn header(file: &str, bytes: &[u8], writing: &Writing) -> Result<(Vec<String>, Vec<Fault>), Fault> {
    let bytes = Bytes::new(file, recognized(file, bytes)?);
    let layout = layout(bytes, true)?;
    let text = Text { file, encoding: encoding_of(&layout, writing) };
    Ok((columns(&layout, &text)?.0, Vec::new()))
}

/// Reads a whole file. Errors: `wrong_format`, `unknown_format`, `truncated`, `not_utf8`, `no_rows`, `too_large`.
pub fn read(file: &str, bytes: &[u8], writing: &Writing) -> Result<(Table, Vec<Fault>), Fault> {
    let bytes = Bytes::new(file, recognized(file, bytes)?);
    let layout = layout(bytes, false)?;
    let text = Text { file, encoding: encoding_of(&layout, writing) };
    let (names, labelled) = columns(&layout, &text)?;
    if layout.observations == 0 {
        let message = format!("{file} has {} variables and no observation", layout.variables.len());
        return Err(Fault::error("durbin::data::no_rows", message).label(file, 1, 1, "there is no first observation"));
    }
    let strings = long_strings(bytes, &layout)?;
    let tables = labels(bytes, &layout, &text)?;
    let mut columns = vec![TextColumn::default(); layout.variables.len()];
    let mut label_columns: Vec<(usize, TextColumn)> = labelled.iter().map(|&v| (v, TextColumn::default())).collect();
    let cells = Cells { bytes, layout: &layout, strings: &strings, text: &text };
    let mut buffer = String::new();
    for row in 0..layout.observations {
        for (v, column) in columns.iter_mut().enumerate() {
            cells.write(row, v, &mut buffer)?;
            fits(file, column.push(&nfc(&buffer)))?;
        }
        for (v, column) in &mut label_columns {
            let cell = columns[*v].get(row);
            let table = tables.get(&layout.variables[*v].label_table);
            let label = cell.parse().ok().and_then(|code: i32| table.and_then(|t| t.get(&code)));
            fits(file, column.push(label.map_or(cell, String::as_str)))?;
        }
    }
    columns.extend(label_columns.into_iter().map(|c| c.1));
    let lines: Vec<u32> = (1..=layout.observations as u32).collect();
    Ok((Table::new(file, names, columns, lines), labels_note(file, &layout, &labelled, &text)?.into_iter().collect()))
}

fn fits(file: &str, pushed: bool) -> Result<(), Fault> {
    let fault =
        || Fault::error("durbin::data::too_large", format!("a variable of {file} holds more than 4 GiB of text"));
    pushed.then_some(()).ok_or_else(fault)
}

fn recognized<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a [u8], Fault> {
    let what = foreign_format(bytes);
    if what.is_some_and(|(what, _)| what == "a Stata file") {
        return Ok(bytes);
    }
    let old = matches!(bytes, [102..=112, 1 | 2, ..]);
    let message = match what {
        _ if bytes.is_empty() => format!("{file} is empty"),
        _ if old => format!("{file} was saved by Stata 7 or earlier (version {})", bytes[0]),
        Some((what, _)) => format!("{file} is {what}, not a Stata file"),
        None => format!("{file} is no Stata file: its first bytes are none of the format's"),
    };
    let help =
        if old { "save it again from a newer Stata" } else { "give it the ending of what it is, such as `.csv`" };
    let code = if old { "durbin::data::unknown_format" } else { "durbin::data::wrong_format" };
    Err(Fault::error(code, message).help(help).label(file, 1, 1, "the first bytes say so"))
}

/// Before version 118 nothing says how text is encoded: the author does.
fn encoding_of(layout: &Layout, writing: &Writing) -> Option<&'static Encoding> {
    if layout.version >= 118 { None } else { writing.encoding }
}

/// How the text of a file is read; `None`: as UTF-8.
struct Text<'a> {
    file: &'a str,
    encoding: Option<&'static Encoding>,
}

impl Text<'_> {
    /// The text up to the first zero byte, at an observation (0: in the header).
    fn read<'b>(&self, raw: &'b [u8], row: usize) -> Result<std::borrow::Cow<'b, str>, Fault> {
        let raw = raw.iter().position(|b| *b == 0).map_or(raw, |end| &raw[..end]);
        match self.encoding {
            None => std::str::from_utf8(raw).map(Into::into).map_err(|_| self.not_utf8(row)),
            Some(encoding) => encoding.decode_without_bom_handling_and_without_replacement(raw).ok_or_else(|| {
                let message = format!("{} is not {}", self.file, encoding.name());
                Fault::error("durbin::data::encoding", message)
                    .help("name another encoding: `encoding \"gb18030\"`, `\"windows-1252\"`")
                    .label(self.file, row.max(1), 1, "text here means nothing in it")
            }),
        }
    }

    fn not_utf8(&self, row: usize) -> Fault {
        let message = format!("{} holds text that is not UTF-8, and does not say in which encoding it is", self.file);
        let place = if row == 0 {
            "in the names or labels of its variables".to_string()
        } else {
            format!("in observation {row}")
        };
        Fault::error("durbin::data::not_utf8", message)
            .help("say so with the clause `encoding \"gb18030\"` or `encoding \"windows-1252\"`, or save it again from Stata 14 or later (`unicode translate`)")
            .label(self.file, row.max(1), 1, place)
    }
}

/// Names of all columns, those of labels last, and the variables that have labels.
fn columns(layout: &Layout, text: &Text) -> Result<(Vec<String>, Vec<usize>), Fault> {
    let mut names = Vec::with_capacity(layout.variables.len());
    for variable in &layout.variables {
        names.push(nfc(text.read(&variable.name, 0)?.trim()).into_owned());
    }
    let mut taken: HashMap<String, usize> = HashMap::new();
    for (at, name) in names.iter().enumerate() {
        if let Some(first) = taken.insert(name.clone(), at) {
            let message =
                format!("two variables of {} are named `{name}`, at positions {} and {}", text.file, first + 1, at + 1);
            return Err(Fault::error("durbin::data::duplicate_header", message)
                .help("the file is damaged: Stata allows each name once")
                .label(text.file, 1, at + 1, "the second"));
        }
    }
    let mut labelled = Vec::new();
    for (at, variable) in layout.variables.iter().enumerate() {
        let own = format!("{}_label", names[at]);
        if !variable.label_table.is_empty() && !variable.is_text() && !taken.contains_key(&own) {
            labelled.push(at);
            names.push(own);
        }
    }
    Ok((names, labelled))
}

fn labels_note(file: &str, layout: &Layout, labelled: &[usize], text: &Text) -> Result<Option<Fault>, Fault> {
    let mut names = Vec::new();
    for &v in labelled {
        names.push(format!("{}_label", text.read(&layout.variables[v].name, 0)?));
    }
    if names.is_empty() {
        return Ok(None);
    }
    let message =
        format!("variables of {file} with value labels keep their numbers; the labels are in {}", ticked_list(&names));
    Ok(Some(Fault::note("durbin::data::value_labels", message)))
}
