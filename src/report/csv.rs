//! Tables and arrays as CSV (RFC 4180): commas, CR LF, fields with commas, quotes or line ends in quotes.
//!
//! A spreadsheet reads a field that begins with `=`, `+`, `-` or `@` as a formula: such a text gets an apostrophe before
//! it, numbers do not. A table with other signs than ASCII begins with the mark by which spreadsheets know UTF-8; an
//! array, which programs read, does not.

use super::grid::{GridLine, lines, spans};
use super::text::labels_at;
use crate::outcome::{LabeledArray, Table};

/// A table: a header, a record per line; block headings stand alone in the first field; the notes come last.
pub fn table(table: &Table) -> String {
    let fields = table.columns.len() + 1;
    let mut out = String::new();
    for row in spans(table) {
        let texts = row.iter().flat_map(|s| std::iter::repeat_n(s.text.as_str(), s.columns));
        record(&mut out, &std::iter::once("").chain(texts).collect::<Vec<_>>(), fields);
    }
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
    if out.is_ascii() { out } else { format!("\u{feff}{out}") }
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
    let field = if is_formula(field) { format!("'{field}") } else { field.to_string() };
    if field.contains([',', '"', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
}

/// Whether a spreadsheet would compute a text instead of showing it. After a sign and a digit, letters and blanks are
/// harmless: `-0.5***`, `-5 and before`.
fn is_formula(field: &str) -> bool {
    let mut signs = field.chars();
    match signs.next() {
        Some('=' | '@' | '\t' | '\r' | '\n') => true,
        Some('+' | '-') => {
            let rest = signs.as_str();
            let harmless = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '.' | '*' | ',');
            // What stands in brackets after a blank is a remark, `-1 (reference)`, and no call.
            let plain = rest.replace("e-", "e").replace(" (", " ").replace(')', "");
            let number = rest.starts_with(|c: char| c.is_ascii_digit() || c == '.') && plain.chars().all(harmless);
            !number && rest != "inf"
        }
        _ => false,
    }
}
