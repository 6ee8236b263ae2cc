//! Text columns used as numbers: what counts as a number, as missing, and what is said of everything else.

use std::collections::BTreeMap;

use crate::data::door::{Format, format_of};
use crate::data::table::Table;
use crate::data::writing::Decimal;
use crate::fault::{Fault, counted};

/// What is written for a missing value by other programs, beside Stata's `.a` to `.z`.
const MARKERS: [&str; 13] =
    ["na", "n/a", "nan", "null", "none", "nil", ".", "..", "...", "-", "#n/a", "<na>", "#value!"];

/// Whether the non-missing cells of a column are all numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Number,
    Text,
}

impl Kind {
    /// Its word in results and messages.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Number => "number",
            Kind::Text => "text",
        }
    }
}

/// Whether a cell is missing: empty (but for blanks) or a marker the program declares.
pub fn is_missing(cell: &str, markers: &[String]) -> bool {
    let cell = trimmed(cell);
    cell.is_empty() || markers.iter().any(|m| m == cell)
}

/// A cell without blanks around it; hardly any has some.
pub(super) fn trimmed(cell: &str) -> &str {
    match cell.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => cell,
        _ => cell.trim(),
    }
}

/// A finite number as files write them (`1e3`, `+5`, `.5`, `-0`, blanks around), never `inf` or `nan`.
pub fn parse(cell: &str) -> Option<f64> {
    let cell = trimmed(cell);
    short(cell.as_bytes()).or_else(|| cell.parse::<f64>().ok().filter(|x| x.is_finite()))
}

/// Powers of ten, all of them exact.
const TENS: [f64; 15] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14];

/// A number of a few digits, as nearly all are: digits and power of ten are exact, so that one division rounds as the
/// standard library does, in half the time.
fn short(cell: &[u8]) -> Option<f64> {
    let unsigned = cell.strip_prefix(b"-").unwrap_or(cell);
    let point = unsigned.iter().position(|&b| b == b'.');
    let count = unsigned.len() - usize::from(point.is_some());
    if count == 0 || count >= TENS.len() {
        return None;
    }
    let mut digits = 0u64;
    for (k, b) in unsigned.iter().enumerate() {
        match b {
            b'0'..=b'9' => digits = 10 * digits + u64::from(b - b'0'),
            _ if point == Some(k) => {}
            _ => return None,
        }
    }
    let value = match point {
        Some(p) => digits as f64 / TENS[count - p],
        None => digits as f64,
    };
    Some(if unsigned.len() < cell.len() { -value } else { value })
}

/// As [`parse`], with the decimal mark of the file: where that is a comma, `3,5` is a number and `3.5` is none.
pub fn parse_written(cell: &str, decimal: Decimal) -> Option<f64> {
    if decimal == Decimal::Point {
        return parse(cell);
    }
    match cell.split_once(',') {
        _ if cell.contains('.') => None,
        Some((whole, fraction)) => parse(&format!("{whole}.{fraction}")),
        None => parse(cell),
    }
}

/// Number where all cells that are not missing are numbers; a column without any value is a number column.
pub fn kind_of(table: &Table, col: usize, markers: &[String], rows: &[u32]) -> Kind {
    let number = rows.iter().all(|&r| {
        let cell = table.get(r as usize, col);
        is_missing(cell, markers) || table.number(r as usize, col).is_some()
    });
    if number { Kind::Number } else { Kind::Text }
}

/// A column as numbers, one per row of the table; NaN where missing and in rows that were not asked for. What is no
/// number in the rows asked for is reported: `missing_marker`, `decimal_comma`, `thousand_separator`, `not_a_number`.
pub fn numbers(table: &Table, col: usize, markers: &[String], rows: &[u32]) -> Result<Vec<f64>, Vec<Fault>> {
    let mut read = Read::new(table);
    let odd = rows.iter().copied().filter(|&row| !read.take(table, col, markers, row)).map(|r| r as usize).collect();
    read.judged(table, col, odd)
}

/// As [`numbers`], of a column that may be text, as soon as one of its cells is no number: `None`.
pub fn numbers_unless_text(
    table: &Table,
    col: usize,
    markers: &[String],
    rows: &[u32],
) -> Option<Result<Vec<f64>, Vec<Fault>>> {
    let mut read = Read::new(table);
    rows.iter().all(|&row| read.take(table, col, markers, row)).then(|| read.judged(table, col, Vec::new()))
}

/// What was read of a column of numbers.
struct Read {
    values: Vec<f64>,
    sentinels: Vec<usize>,
    numbers: usize,
    negative: bool,
}

impl Read {
    fn new(table: &Table) -> Read {
        Read { values: vec![f64::NAN; table.rows()], sentinels: Vec::new(), numbers: 0, negative: false }
    }

    /// Reads the cell of a row; false where it is no number.
    fn take(&mut self, table: &Table, col: usize, markers: &[String], row: u32) -> bool {
        let row = row as usize;
        let cell = table.get(row, col);
        if row >= self.values.len() || is_missing(cell, markers) {
            return true;
        }
        let Some(value) = parse_written(cell, table.decimal(col)) else { return false };
        self.values[row] = value;
        if value == -999.0 && cell.trim() == "-999" {
            self.sentinels.push(row);
        } else {
            self.numbers += 1;
            self.negative |= value < 0.0;
        }
        true
    }

    /// The values, unless there are cells that are no numbers.
    fn judged(self, table: &Table, col: usize, mut odd: Vec<usize>) -> Result<Vec<f64>, Vec<Fault>> {
        // −999 among numbers of which no other is negative was hardly measured.
        if self.numbers > 0 && !self.negative {
            odd.extend(self.sentinels);
            odd.sort_unstable();
        }
        if odd.is_empty() { Ok(self.values) } else { Err(Judged::of(table, col, &odd).faults(table, col)) }
    }
}

/// Cells that are no numbers, sorted by what they look like; rows ascending.
#[derive(Default)]
struct Judged {
    markers: Vec<usize>,
    commas: Vec<usize>,
    thousands: Vec<usize>,
    others: Vec<usize>,
}

impl Judged {
    fn of(table: &Table, col: usize, rows: &[usize]) -> Judged {
        let cell = |row: usize| table.get(row, col).trim();
        let mut judged = Judged::default();
        // `1,234` is a thousand, unless the column writes `3,5` elsewhere.
        let comma = table.decimal(col) == Decimal::Comma;
        let commas = rows.iter().any(|&r| has_decimal_comma(cell(r)) && !has_thousands(cell(r)));
        for &row in rows {
            let cell = cell(row);
            if is_marker(cell) {
                judged.markers.push(row);
            } else if comma {
                // `1.234` and `1.234,5` are thousands there; a point alone before other than three digits is none.
                let whole = unsigned(cell).split_once(',').map_or(unsigned(cell), |(w, _)| w);
                let thousands = grouped(whole, |c| c == '.' || c.is_whitespace() || c == '\'', 1);
                if thousands { judged.thousands.push(row) } else { judged.others.push(row) }
            } else if has_decimal_comma(cell) && (commas || !has_thousands(cell)) {
                judged.commas.push(row);
            } else if has_thousands(cell) {
                judged.thousands.push(row);
            } else {
                judged.others.push(row);
            }
        }
        judged
    }

    fn faults(&self, table: &Table, col: usize) -> Vec<Fault> {
        // In a column of words, `NA` is not the trouble.
        if let Some(fault) = not_a_number(table, col, &self.others) {
            return vec![fault];
        }
        let faults = [
            missing_marker(table, col, &self.markers),
            written_otherwise(table, col, &self.commas, Otherwise::DecimalComma),
            written_otherwise(table, col, &self.thousands, Otherwise::Thousands),
        ];
        faults.into_iter().flatten().collect()
    }
}

fn is_marker(cell: &str) -> bool {
    let lower = cell.to_ascii_lowercase();
    let stata = matches!(lower.as_bytes(), [b'.', letter] if letter.is_ascii_lowercase());
    stata || cell == "-999" || MARKERS.contains(&lower.as_str())
}

fn unsigned(cell: &str) -> &str {
    cell.strip_prefix(['-', '+', '−']).unwrap_or(cell)
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Groups of three digits after a first group of one to three.
fn grouped(text: &str, is_separator: impl Fn(char) -> bool + Copy, least: usize) -> bool {
    let mut parts = text.split(is_separator);
    let first = parts.next().unwrap_or("");
    let rest: Vec<&str> = parts.collect();
    digits(first) && first.len() <= 3 && rest.len() >= least && rest.iter().all(|p| p.len() == 3 && digits(p))
}

/// `3,5`, `1.234,5`, `3,5e2`.
fn has_decimal_comma(cell: &str) -> bool {
    let Some((whole, fraction)) = unsigned(cell).split_once(',') else { return false };
    let (fraction, exponent) = fraction.split_once(['e', 'E']).unwrap_or((fraction, "0"));
    let whole_fits = whole.is_empty() || digits(whole) || grouped(whole, |c| c == '.', 1);
    whole_fits && digits(fraction) && digits(unsigned(exponent))
}

/// `1,234.5`, `12 345`, `1'234`, `1.234.567`.
fn has_thousands(cell: &str) -> bool {
    let cell = unsigned(cell);
    let (whole, fraction) = cell.split_once('.').unwrap_or((cell, ""));
    let blank = |c: char| c.is_whitespace() || c == '\'' || c == '’' || c == '_';
    let fraction_fits = fraction.is_empty() || digits(fraction);
    let by_comma = fraction_fits && grouped(whole, |c| c == ',', 1);
    let by_blank = fraction_fits && grouped(whole, blank, 1);
    let blank_and_comma = cell.split_once(',').is_some_and(|(w, f)| digits(f) && grouped(w, blank, 1));
    by_comma || by_blank || blank_and_comma || grouped(cell, |c| c == '.', 2)
}

fn missing_marker(table: &Table, col: usize, rows: &[usize]) -> Option<Fault> {
    let &first = rows.first()?;
    let distinct = distinct(table, col, rows);
    let shown: Vec<String> = distinct.iter().map(|(_, cell)| format!("\"{cell}\"")).collect();
    let (file, line) = table.place(first, col);
    let message = format!(
        "column `{}` is used as numbers and holds {} in {} of {file}, first on line {line}",
        table.name(col),
        shown.join(", "),
        counted(rows.len(), "row", "rows")
    );
    let help = format!("say that it means missing: `missing {}`", shown.join(", "));
    Some(table.label(Fault::error("durbin::data::missing_marker", message).help(help), first, col, shown[0].clone()))
}

enum Otherwise {
    DecimalComma,
    Thousands,
}

fn written_otherwise(table: &Table, col: usize, rows: &[usize], writing: Otherwise) -> Option<Fault> {
    let &first = rows.first()?;
    let cell = table.get(first, col).trim();
    let (code, what, plain) = match writing {
        Otherwise::DecimalComma => {
            let plain: String = cell.chars().filter(|c| *c != '.').collect();
            ("durbin::data::decimal_comma", "a decimal comma", plain.replace(',', "."))
        }
        Otherwise::Thousands => ("durbin::data::thousand_separator", "a thousand separator", without_groups(cell)),
    };
    let (file, line) = table.place(first, col);
    let message = format!(
        "column `{}` has {what} in {} of {file}, first \"{cell}\" on line {line}",
        table.name(col),
        counted(rows.len(), "row", "rows")
    );
    let plain = if table.decimal(col) == Decimal::Comma {
        cell.chars().filter(|c| c.is_ascii_digit() || matches!(c, '-' | '+' | ',')).collect()
    } else {
        plain
    };
    let help = match writing {
        Otherwise::DecimalComma if format_of(file) == Ok(Format::Text) => {
            format!("say `decimal \",\"`, or write `{plain}` in the file")
        }
        Otherwise::DecimalComma => format!("write it as a number in the file, `{plain}`: here it is text"),
        Otherwise::Thousands => format!("write `{plain}` in the file"),
    };
    let fault = Fault::error(code, message).help(help);
    Some(table.label(fault, first, col, format!("\"{cell}\"")))
}

/// The number without its thousand separators.
fn without_groups(cell: &str) -> String {
    let points = cell.matches('.').count();
    let kept: String = cell
        .chars()
        .filter(|c| c.is_ascii_digit() || matches!(c, '-' | '+') || (*c == '.' && points == 1) || *c == ',')
        .collect();
    let blanks = cell.chars().any(|c| c.is_whitespace() || matches!(c, '\'' | '’' | '_'));
    if blanks && points == 0 { kept.replace(',', ".") } else { kept.replace(',', "") }
}

fn not_a_number(table: &Table, col: usize, rows: &[usize]) -> Option<Fault> {
    let &first = rows.first()?;
    let shown = distinct(table, col, rows);
    let names: Vec<String> = shown.iter().map(|(_, cell)| format!("\"{}\"", clipped(cell))).collect();
    let total = if rows.len() == 1 { String::new() } else { format!(", in {} rows", rows.len()) };
    let message = format!(
        "column `{}` of {} is used as numbers and holds {}{total}",
        table.name(col),
        table.file_of(col),
        names.join(", ")
    );
    let beyond = table.get(first, col).trim().parse::<f64>().is_ok_and(f64::is_infinite);
    let help = if beyond {
        "numbers are 64-bit floats, up to about 1.8e308; there is no infinity in data".to_string()
    } else if table.decimal(col) == Decimal::Comma && parse(table.get(first, col)).is_some() {
        "the file is said to have decimal commas and has points here: write it one way, or leave `decimal \",\"` out"
            .to_string()
    } else {
        format!("mend the file, say `missing {}` if that means missing, or use another column", names[0])
    };
    let mut fault = Fault::error("durbin::data::not_a_number", message).help(help);
    for ((row, _), name) in shown.iter().zip(&names) {
        fault = table.label(fault, *row, col, name.clone());
    }
    Some(fault)
}

fn clipped(cell: &str) -> String {
    if cell.chars().count() <= 40 { cell.to_string() } else { cell.chars().take(39).chain(['…']).collect() }
}

/// Up to five distinct cells with the first row of each, in file order.
fn distinct<'a>(table: &'a Table, col: usize, rows: &[usize]) -> Vec<(usize, &'a str)> {
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for &row in rows {
        first.entry(table.get(row, col).trim()).or_insert(row);
    }
    let mut out: Vec<(usize, &str)> = first.into_iter().map(|(cell, row)| (row, cell)).collect();
    out.sort_unstable();
    out.truncate(5);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_numbers_have_the_bits_of_the_standard_library() {
        let mut z = 1u64;
        let mut short_ones = 0;
        for k in 0..200_000u32 {
            z = z.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let digits = (z >> 8) % 10u64.pow(1 + k % 16);
            let mut cell = digits.to_string();
            if k % 3 > 0 {
                cell.insert(z as usize % (cell.len() + 1), '.');
            }
            if k % 7 == 0 {
                cell.insert(0, '-');
            }
            short_ones += u32::from(short(cell.as_bytes()).is_some());
            assert_eq!(parse(&cell).map(f64::to_bits), cell.parse::<f64>().ok().map(f64::to_bits), "{cell}");
        }
        assert!(short_ones > 100_000);
        let others = ["", "-", ".", "-.", "+5", "1e3", "--1", "1.2.3", "1_0", "0x1", "inf", "nan", "１"];
        others.iter().for_each(|c| assert_eq!(short(c.as_bytes()), None, "{c}"));
        assert_eq!(parse("-0").map(f64::to_bits), Some((-0.0f64).to_bits()));
    }
    use crate::data::csv::read;

    fn column(cells: &[&str]) -> Table {
        let rows: String = cells.iter().map(|c| format!("k,\"{c}\"\n")).collect();
        read("t.csv", format!("k,x\n{rows}").as_bytes()).unwrap().0
    }

    fn values(cells: &[&str]) -> Result<Vec<f64>, Vec<Fault>> {
        let t = column(cells);
        numbers(&t, 1, &["NA".to_string()], &t.all_rows())
    }

    fn only(cells: &[&str]) -> Fault {
        let mut faults = values(cells).unwrap_err();
        assert_eq!(faults.len(), 1, "{faults:?}");
        faults.remove(0)
    }

    #[test]
    fn numbers_are_read_as_files_write_them() {
        let x = values(&["1e3", "+5", ".5", "-0", " 7 ", "", "NA", "  "]).unwrap();
        assert_eq!(x[..5], [1000.0, 5.0, 0.5, 0.0, 7.0]);
        assert!(x[5..].iter().all(|v| v.is_nan()));
    }

    #[test]
    fn undeclared_markers_are_named_with_count_and_line() {
        for marker in ["N/A", "NaN", "null", "None", ".", "..", "-", "#N/A", ".a", "-999"] {
            let f = only(&["1", marker, "2", marker]);
            assert_eq!((f.code, f.labels[0].line), ("durbin::data::missing_marker", 3), "{marker}");
            assert!(f.help.unwrap().contains(&format!("missing \"{marker}\"")));
            assert!(f.message.contains("`x`") && f.message.contains("2 rows"), "{}", f.message);
        }
    }

    #[test]
    fn a_negative_column_may_hold_minus_999() {
        assert_eq!(values(&["-998", "-999"]).unwrap(), [-998.0, -999.0]);
        assert_eq!(values(&["-999"]).unwrap(), [-999.0]);
    }

    #[test]
    fn commas_and_thousands_are_told_apart() {
        let f = only(&["1", "3,5", "1,234"]);
        assert_eq!((f.code, f.labels[0].line), ("durbin::data::decimal_comma", 3));
        assert!(f.message.contains("2 rows") && f.help.unwrap().contains("`3.5`"));
        for (cell, plain) in [
            ("1,234.5", "1234.5"),
            ("12 345", "12345"),
            ("1.234.567", "1234567"),
            ("1,234", "1234"),
            ("1 234,5", "1234.5"),
        ] {
            let f = only(&["1", cell]);
            assert_eq!(f.code, "durbin::data::thousand_separator", "{cell}");
            assert!(f.message.contains(cell) && f.help.unwrap().contains(&format!("`{plain}`")));
        }
        assert_eq!(only(&["1.234,5"]).code, "durbin::data::decimal_comma");
    }

    #[test]
    fn words_are_listed_up_to_five() {
        let f = only(&["1", "many", "N/A", "inf", "many", "a", "b", "c", "d"]);
        assert_eq!((f.code, f.labels.len()), ("durbin::data::not_a_number", 5));
        assert_eq!(f.labels[0].line, 3);
        assert!(f.message.contains("\"many\", \"inf\", \"a\", \"b\", \"c\", in 7 rows"), "{}", f.message);
        assert!(only(&["1e400"]).help.unwrap().contains("64-bit"));
    }

    #[test]
    fn rows_that_were_not_asked_for_do_not_matter() {
        let t = column(&["1", "many", "3"]);
        let x = numbers(&t, 1, &[], &[0, 2]).unwrap();
        assert_eq!((x[0], x[2]), (1.0, 3.0));
        assert!(x[1].is_nan());
    }

    #[test]
    fn kinds_follow_the_values_that_are_there() {
        let t = column(&["1", "", "NA"]);
        assert_eq!(kind_of(&t, 1, &["NA".into()], &t.all_rows()), Kind::Number);
        assert_eq!(kind_of(&t, 1, &[], &t.all_rows()), Kind::Text);
    }
}
