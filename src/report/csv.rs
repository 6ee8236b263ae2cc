//! Tables and arrays as CSV (RFC 4180): commas, CR LF, fields with commas, quotes or line ends in quotes.

use super::grid::{GridLine, lines};
use super::text::labels_at;
use crate::outcome::{LabeledArray, Table};

/// A table: a header, a record per line; block headings stand alone in the first field; the notes come last.
pub fn table(table: &Table) -> String {
    let fields = table.columns.len() + 1;
    let mut out = String::new();
    let heads: Vec<&str> = std::iter::once("").chain(table.columns.iter().map(String::as_str)).collect();
    record(&mut out, &heads, fields);
    for line in lines(table) {
        match line {
            GridLine::Heading(text) => record(&mut out, &[&text], fields),
            GridLine::Cells(cells) => record(&mut out, &cells.iter().map(String::as_str).collect::<Vec<_>>(), fields),
            GridLine::Rule => {}
        }
    }
    for note in &table.notes {
        record(&mut out, &[note], fields);
    }
    out
}

/// An array in long form: a column per dimension, then `value` at full precision, empty where missing.
pub fn array(array: &LabeledArray) -> String {
    let fields = array.dimensions.len() + 1;
    let mut out = String::new();
    let heads: Vec<&str> = array.dimensions.iter().map(String::as_str).chain(["value"]).collect();
    record(&mut out, &heads, fields);
    for (i, x) in array.values.iter().enumerate() {
        let value = if x.is_nan() { String::new() } else { x.to_string() };
        let cells: Vec<&str> = labels_at(array, i).into_iter().chain([value.as_str()]).collect();
        record(&mut out, &cells, fields);
    }
    out
}

fn record(out: &mut String, cells: &[&str], fields: usize) {
    for j in 0..fields {
        if j > 0 {
            out.push(',');
        }
        out.push_str(&quoted(cells.get(j).copied().unwrap_or("")));
    }
    out.push_str("\r\n");
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_string()
    }
}
