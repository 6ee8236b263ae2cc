//! How a file is written: what the clauses `encoding`, `separator`, `decimal`, `sheet` and `range` say.

use encoding_rs::Encoding;

/// How a file is written, where that is not UTF-8 with commas and points, or not the first sheet as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writing {
    /// `None`: UTF-8.
    pub encoding: Option<&'static Encoding>,
    /// `None`: what the file's name implies.
    pub separator: Option<u8>,
    pub decimal: Decimal,
    /// Of a workbook; `None`: the first.
    pub sheet: Option<String>,
    /// Of a sheet; `None`: all of it.
    pub range: Option<CellRange>,
}

/// What stands between the whole and the fraction of a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decimal {
    #[default]
    Point,
    Comma,
}

/// Rows and columns of a sheet, from 0, ends included; `None`: as far as there are cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellRange {
    pub first: (u32, u32),
    pub last: (Option<u32>, Option<u32>),
}

impl Writing {
    /// Whether nothing was said.
    pub fn is_usual(&self) -> bool {
        *self == Writing::default()
    }

    /// As part of a name under which a table is remembered.
    pub fn key(&self) -> String {
        if self.is_usual() { String::new() } else { format!("{self:?}") }
    }
}

/// An encoding by one of its names (`gb18030`, `gbk`, `cp936`, `latin1`, `windows-1252` …), in any case.
pub fn encoding(name: &str) -> Option<&'static Encoding> {
    let name = name.trim().to_ascii_lowercase();
    let usual = match name.as_str() {
        "cp936" | "936" | "windows-936" => "gbk",
        "cp950" | "950" => "big5",
        "cp932" | "932" => "shift_jis",
        "cp949" | "949" => "euc-kr",
        "latin-1" | "ansi" | "cp-1252" | "1252" => "windows-1252",
        "utf16" => "utf-16",
        "utf8" => "utf-8",
        other => other,
    };
    Encoding::for_label_no_replacement(usual.as_bytes())
}

/// Names of encodings that a message may list.
pub const ENCODINGS: [&str; 10] =
    ["utf-8", "gb18030", "gbk", "big5", "shift_jis", "euc-kr", "windows-1252", "windows-1251", "iso-8859-2", "utf-16"];

/// A range in the letters and numbers of a spreadsheet: `A3:F200`, `B2` (from there on), `A:F` (whole columns).
pub fn range(text: &str) -> Option<CellRange> {
    let text = text.trim().replace('$', "");
    let (from, to) = match text.split_once(':') {
        Some((from, to)) => (cell(from)?, Some(cell(to)?)),
        None => (cell(&text)?, None),
    };
    let column = from.0?;
    let first = (from.1.unwrap_or(0), column);
    let last = to.map_or((None, None), |t| (t.1, t.0));
    let falls = |end: Option<u32>, start: u32| end.is_some_and(|e| e < start);
    (!falls(last.0, first.0) && !falls(last.1, first.1)).then_some(CellRange { first, last })
}

/// Column and row of `F200`, of `F` or of `200`, from 0.
fn cell(text: &str) -> Option<(Option<u32>, Option<u32>)> {
    let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (column, row) = text.split_at(letters);
    if text.is_empty() || column.len() > 3 || row.len() > 7 || !row.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = column.bytes().fold(0u32, |n, b| 26 * n + u32::from(b.to_ascii_uppercase() - b'A') + 1);
    let row = if row.is_empty() { None } else { Some(row.parse::<u32>().ok()?.checked_sub(1)?) };
    Some((number.checked_sub(1), row))
}

/// The letters of a column from 0: `A`, `Z`, `AA`.
pub fn column_letters(column: u32) -> String {
    let (mut left, mut out) = (column as u64 + 1, Vec::new());
    while left > 0 {
        out.push((b'A' + ((left - 1) % 26) as u8) as char);
        left = (left - 1) / 26;
    }
    out.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_known_by_their_usual_names() {
        assert_eq!(encoding("GB18030").unwrap().name(), "gb18030");
        assert_eq!(encoding("cp936").unwrap().name(), "GBK");
        assert_eq!(encoding("latin1").unwrap().name(), "windows-1252");
        assert!(encoding("klingon").is_none());
        assert!(ENCODINGS.iter().all(|e| encoding(e).is_some()));
    }

    #[test]
    fn ranges_are_those_of_a_spreadsheet() {
        let full = range("A3:F200").unwrap();
        assert_eq!((full.first, full.last), ((2, 0), (Some(199), Some(5))));
        assert_eq!(range("$B$2").unwrap(), CellRange { first: (1, 1), last: (None, None) });
        assert_eq!(range("a:f").unwrap(), CellRange { first: (0, 0), last: (None, Some(5)) });
        for bad in ["", "F3:A1", "3:9", "A0", "A1:B2:C3", "ABCD1", "A1-B2"] {
            assert_eq!(range(bad), None, "{bad}");
        }
        assert_eq!([0, 25, 26, 701, 702].map(column_letters), ["A", "Z", "AA", "ZZ", "AAA"]);
    }
}
