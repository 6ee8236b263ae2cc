//! Bytes of a text table → [`Table`]: RFC 4180 with what files in the wild add, and the line of every record as an
//! editor shows it.
//!
//! The `csv` crate splits records and fields; the lines are counted here, because a record may follow blank lines,
//! span several, or end with a lone CR.

use std::borrow::Cow;
use std::collections::HashMap;

use ::csv::{ReaderBuilder, StringRecord};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::data::places::{Fields, Lines};
use crate::data::sniff::{foreign_format, likely_encoding, looks_utf16};
use crate::data::table::{Table, TextColumn};
use crate::data::writing::Writing;
use crate::fault::{Fault, counted, ticked_list};

/// The longest field of a data file, in bytes.
pub const LONGEST_FIELD: usize = 1 << 20;

/// The separator that is said, or that the file's name implies: a tab for `.tsv`, a comma else.
pub fn separator_of(path: &str, writing: &Writing) -> u8 {
    let name = path.to_ascii_lowercase();
    let tabs = name.strip_suffix(".gz").unwrap_or(&name).ends_with(".tsv");
    writing.separator.unwrap_or(if tabs { b'\t' } else { b',' })
}

/// Reads only the header: its column names (trimmed, NFC) and warnings. No row is looked at.
pub fn header(file: &str, bytes: &[u8], writing: &Writing) -> Result<(Vec<String>, Vec<Fault>), Fault> {
    let bytes = text_of(file, bytes)?;
    let mut records = Records::new(file, bytes, separator_of(file, writing));
    let (names, warnings, _) = read_header(&mut records)?;
    Ok((names, warnings))
}

/// Reads a whole file written as usual; the separator follows the file's name.
pub fn read(file: &str, bytes: &[u8]) -> Result<(Table, Vec<Fault>), Fault> {
    read_as(file, bytes, &Writing::default())
}

/// Reads a whole file of UTF-8 with the separator and decimal mark that are said. Warnings come with the table.
pub fn read_as(file: &str, bytes: &[u8], writing: &Writing) -> Result<(Table, Vec<Fault>), Fault> {
    let bytes = text(file, bytes)?.as_bytes();
    let mut records = Records::new(file, bytes, separator_of(file, writing));
    let (header, warnings, header_line) = read_header(&mut records)?;
    let mut columns = vec![TextColumn::of(writing.decimal); header.len()];
    let mut lines: Vec<u32> = Vec::new();
    let mut ragged = Ragged::default();
    while records.next()? {
        if records.record.len() != header.len() {
            ragged.note(&mut records);
            continue;
        }
        let line = u32::try_from(records.line()).ok().filter(|_| lines.len() < u32::MAX as usize - 1);
        let fits = columns.iter_mut().zip(records.record.iter()).all(|(column, cell)| column.push(&nfc(cell)));
        match line {
            Some(line) if fits => lines.push(line),
            _ => return Err(too_large(file)),
        }
    }
    ragged.check(file, header.len())?;
    if lines.is_empty() {
        return Err(Fault::error("durbin::data::no_rows", format!("{file} has a header and no rows")).label(
            file,
            header_line,
            1,
            "nothing follows this line",
        ));
    }
    Ok((Table::new(file, header, columns, lines), warnings))
}

fn too_large(file: &str) -> Fault {
    Fault::error(
        "durbin::data::too_large",
        format!("{file} is too large: a table holds at most {} rows and 4 GiB of text per column", u32::MAX),
    )
    .help("split the file, or leave out what the program does not use")
}

/// Refuses what is no text table, and leaves out a byte order mark.
pub(super) fn text_of<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a [u8], Fault> {
    let start = Some(()).filter(|_| !bytes.is_empty());
    if let Some((what, help)) = foreign_format(bytes) {
        return Err(Fault::error("durbin::data::wrong_format", format!("{file} is {what}, not a text table"))
            .help(help)
            .label(file, 1, 1, "the first bytes say so"));
    }
    if looks_utf16(bytes) {
        return Err(not_utf8(file, 1, 1, "UTF-16"));
    }
    if bytes[..bytes.len().min(4096)].contains(&0) {
        return Err(Fault::error("durbin::data::wrong_format", format!("{file} is a binary file, not a text table"))
            .help("export it as CSV UTF-8")
            .label(file, 1, 1, "it holds zero bytes"));
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if start.is_none() || bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Fault::error("durbin::data::no_rows", format!("{file} is empty"))
            .help("the first line names the columns, the others are rows"));
    }
    Ok(bytes)
}

/// The text of a file, without its byte order mark; refuses what is no text and bytes that are not UTF-8.
pub fn text<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, Fault> {
    let bytes = text_of(file, bytes)?;
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let mut lines = Lines::new(bytes);
        not_utf8(file, lines.line_at(at), lines.column_at(at), likely_encoding(bytes))
    })
}

fn not_utf8(file: &str, line: usize, column: usize, encoding: &str) -> Fault {
    Fault::error("durbin::data::not_utf8", format!("{file} is not UTF-8; its encoding is probably {encoding}"))
        .help(format!(
            "say so with the clause `encoding \"{}\"`, or save the file as UTF-8 (in Excel, \"CSV UTF-8\")",
            clause_of(encoding)
        ))
        .label(file, line, column, "the first byte that is not UTF-8")
}

/// A likely encoding in the words of the clause.
fn clause_of(likely: &str) -> &'static str {
    match likely {
        "UTF-16" => "utf-16",
        "GB18030" => "gb18030",
        _ => "windows-1252",
    }
}

/// The column at which a field of a line begins, from 1 in characters; 1 where the line has no such field.
pub fn column_of_field(bytes: &[u8], separator: u8, line: usize, field: usize) -> usize {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.trim_start_matches('\u{feff}').split('\n').flat_map(|l| l.trim_end_matches('\r').split('\r'));
    let Some(raw) = lines.nth(line.saturating_sub(1)) else { return 1 };
    let start = Fields::of(raw.as_bytes(), separator).starts.get(field).copied();
    start.and_then(|s| raw.get(..s)).map_or(1, |before| before.chars().count() + 1)
}

/// Text in NFC, copied only where it must change.
pub fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc(text) { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) }
}

/// The records of a file, each with its place.
struct Records<'a> {
    file: &'a str,
    bytes: &'a [u8],
    separator: u8,
    reader: ::csv::Reader<&'a [u8]>,
    lines: Lines<'a>,
    record: StringRecord,
    /// Where the current record begins, blank lines before it left out.
    start: usize,
}

impl<'a> Records<'a> {
    fn new(file: &'a str, bytes: &'a [u8], separator: u8) -> Records<'a> {
        let reader = ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(bytes);
        Records { file, bytes, separator, reader, lines: Lines::new(bytes), record: StringRecord::new(), start: 0 }
    }

    /// Steps to the next record that is not blank; false at the end.
    fn next(&mut self) -> Result<bool, Fault> {
        loop {
            match self.reader.read_record(&mut self.record) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(error) => return Err(self.refused(&error)),
            }
            let before = self.record.position().map_or(0, |p| p.byte() as usize);
            let ends = self.bytes[before.min(self.bytes.len())..].iter().take_while(|b| matches!(b, b'\r' | b'\n'));
            self.start = before + ends.count();
            self.check_fields()?;
            let blank = self.record.len() == 1
                && self.record.get(0).is_some_and(|f| !f.is_empty() && f.chars().all(char::is_whitespace));
            if !blank {
                return Ok(true);
            }
        }
    }

    /// The line on which the current record begins, as an editor counts.
    fn line(&mut self) -> usize {
        self.lines.line_at(self.start)
    }

    fn end(&self) -> usize {
        (self.reader.position().byte() as usize).min(self.bytes.len())
    }

    fn check_fields(&mut self) -> Result<(), Fault> {
        let end = self.end();
        if end == self.bytes.len() {
            // Only the last record can hold a quote that never closes.
            if let Some(open) = Fields::of(&self.bytes[self.start..end], self.separator).open_quote {
                return Err(self.unclosed(self.start + open));
            }
        }
        let Some(longest) = self.record.iter().position(|f| f.len() > LONGEST_FIELD) else { return Ok(()) };
        let line = self.line();
        Err(Fault::error(
            "durbin::data::field_too_long",
            format!("field {} on line {line} of {} is longer than 1 MiB", longest + 1, self.file),
        )
        .help("a quote that opens without closing swallows the rows after it")
        .label(self.file, line, 1, "the record begins here"))
    }

    fn unclosed(&mut self, at: usize) -> Fault {
        let line = self.lines.line_at(at);
        let column = self.lines.column_at(at);
        Fault::error("durbin::data::unclosed_quote", format!("a quoted field of {} never closes", self.file))
            .help("close the quote; a quote inside a quoted field is written twice")
            .label(self.file, line, column, "the quote opens here")
    }

    /// Records are read from memory, so what fails is the text: bytes that are not UTF-8.
    fn refused(&mut self, error: &::csv::Error) -> Fault {
        let at = error.position().map_or(0, |p| p.byte() as usize).min(self.bytes.len());
        let bad = match std::str::from_utf8(&self.bytes[at..]) {
            Err(e) => at + e.valid_up_to(),
            Ok(_) => at,
        };
        let line = self.lines.line_at(bad);
        let column = self.lines.column_at(bad);
        not_utf8(self.file, line, column, likely_encoding(self.bytes))
    }
}

/// Names, warnings and the line of the header.
fn read_header(records: &mut Records) -> Result<(Vec<String>, Vec<Fault>, usize), Fault> {
    let file = records.file;
    if !records.next()? {
        return Err(Fault::error("durbin::data::no_rows", format!("{file} is empty")));
    }
    let line = records.line();
    let names: Vec<String> = records.record.iter().map(|name| nfc(name.trim()).into_owned()).collect();
    check_delimiter(file, line, &names, records.separator)?;
    let raw = &records.bytes[records.start..records.end()];
    let fields = Fields::of(raw, records.separator);
    // Counted when asked for: a header of many columns is counted once.
    let column_of =
        |i: usize| fields.starts.get(i).map_or(1, |&s| String::from_utf8_lossy(&raw[..s]).chars().count() + 1);
    duplicate_header(file, line, &names, column_of)?;
    let unnamed: Vec<usize> = (0..names.len()).filter(|&i| names[i].is_empty()).collect();
    let warnings = unnamed_columns(file, line, &unnamed, column_of).into_iter().collect();
    Ok((names, warnings, line))
}

/// Refuses two columns of one name; columns without a name are no duplicates.
fn duplicate_header(
    file: &str,
    line: usize,
    names: &[String],
    column_of: impl Fn(usize) -> usize,
) -> Result<(), Fault> {
    let mut firsts: HashMap<&str, usize> = HashMap::with_capacity(names.len());
    let mut twice: Vec<(usize, usize)> = Vec::new();
    for (i, name) in names.iter().enumerate().filter(|(_, n)| !n.is_empty()) {
        let first = *firsts.entry(name).or_insert(i);
        if first != i {
            twice.push((first, i));
        }
    }
    let Some(&(first, second)) = twice.first() else { return Ok(()) };
    let mut same: Vec<&str> = twice.iter().map(|&(_, i)| names[i].as_str()).collect();
    same.dedup();
    let message = format!(
        "the header of {file} has two columns named {}, at positions {} and {}",
        ticked_list(&same),
        first + 1,
        second + 1
    );
    Err(Fault::error("durbin::data::duplicate_header", message)
        .help("rename one of them in the file")
        .label(file, line, column_of(first), format!("`{}` is here", names[first]))
        .label(file, line, column_of(second), "and here again"))
}

fn unnamed_columns(file: &str, line: usize, unnamed: &[usize], column_of: impl Fn(usize) -> usize) -> Option<Fault> {
    let &first = unnamed.first()?;
    let shown: Vec<String> = unnamed.iter().take(5).map(|i| (i + 1).to_string()).collect();
    let more = if unnamed.len() > 5 { format!(" and {} more", unnamed.len() - 5) } else { String::new() };
    let (noun, verb) = if unnamed.len() == 1 { ("column", "has") } else { ("columns", "have") };
    let message = format!("{noun} {}{more} of {file} {verb} no name", shown.join(", "));
    let fault = Fault::warning("durbin::data::unnamed_column", message)
        .help("a column without a name cannot be used; R's row names are left out with `row.names = FALSE`");
    Some(fault.label(file, line, column_of(first), "an empty field of the header"))
}

fn check_delimiter(file: &str, line: usize, names: &[String], separator: u8) -> Result<(), Fault> {
    let [only] = names else { return Ok(()) };
    let others = [(';', "`;`"), ('\t', "tab"), ('|', "`|`"), (',', "`,`")];
    let found = others.iter().filter(|(c, _)| only.contains(*c) && *c as u32 != u32::from(separator));
    let Some((delimiter, word)) = found.max_by_key(|(c, _)| only.matches(*c).count()) else { return Ok(()) };
    let help = match (delimiter, separator) {
        ('\t', b',') => "say `separator \"\\t\"`, or name the file `.tsv`",
        (';', _) => "say `separator \";\"`, and `decimal \",\"` where numbers are written `3,5`",
        ('|', _) => "say `separator \"|\"`",
        (_, b'\t') => "a `.tsv` file separates fields by tabs; with commas, name it `.csv`, or say `separator \",\"`",
        (',', _) => "say `separator \",\"`, or leave the clause out",
        _ => "say which mark separates the fields: `separator \";\"`",
    };
    Err(Fault::error("durbin::data::delimiter", format!("the fields of {file} are separated by {word}"))
        .help(help)
        .label(file, line, 1, "the header is one field"))
}

/// Rows whose fields do not fit the header.
#[derive(Default)]
struct Ragged {
    count: usize,
    /// Fields, line, and the line on which the record ends, of the first.
    first: Option<(usize, usize, usize)>,
}

impl Ragged {
    fn note(&mut self, records: &mut Records) {
        self.count += 1;
        if self.first.is_none() {
            let raw = &records.bytes[records.start..records.end()];
            let inside = Lines::new(raw.trim_ascii_end()).line_at(raw.len());
            let line = records.line();
            self.first = Some((records.record.len(), line, line + inside - 1));
        }
    }

    fn check(&self, file: &str, wanted: usize) -> Result<(), Fault> {
        let Some((found, line, last)) = self.first else { return Ok(()) };
        let mut message =
            format!("line {line} of {file} has {}, the header has {wanted}", counted(found, "field", "fields"));
        if self.count > 1 {
            message.push_str(&format!("; {} rows do not fit the header", self.count));
        }
        let help = if last > line {
            format!("the record runs on to line {last}: close the quote that opens in it")
        } else if found > wanted {
            "put quotes around a field that holds a comma".to_string()
        } else {
            "write every field of the row; an empty one is missing".to_string()
        };
        Err(Fault::error("durbin::data::ragged_row", message).help(help).label(
            file,
            line,
            1,
            format!("{} here", counted(found, "field", "fields")),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn table(text: &str) -> Table {
        read("t.csv", text.as_bytes()).unwrap().0
    }

    fn fault(bytes: &[u8]) -> Fault {
        read("t.csv", bytes).unwrap_err()
    }

    #[test]
    fn every_line_end_and_blank_lines_are_tolerated() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["\u{feff}town, x ", "A,1", "", "  ", "B,2"].join(end);
            let t = table(&text);
            assert_eq!(t.header, ["town", "x"], "{end:?}");
            assert_eq!(t.lines, [2, 5], "{end:?}");
            assert_eq!((t.get(1, 0), t.get(1, 1)), ("B", "2"));
        }
        assert_eq!(table("\n\na,b\n1,2\n\n").lines, [4]);
    }

    #[test]
    fn quoted_fields_hold_commas_quotes_and_newlines() {
        let t = table("town,note\nA,\"one, \"\"two\"\"\nthree\"\nB,\"x\ry\r\nz\"\n\nC,\n");
        assert_eq!(t.get(0, 1), "one, \"two\"\nthree");
        assert_eq!(t.lines, [2, 4, 8]);
    }

    #[test]
    fn letters_are_composed() {
        assert_eq!(table("to\u{65}\u{301},x\ne\u{301},1\n").get(0, 0), "é");
    }

    #[test]
    fn a_tsv_file_has_tabs() {
        let (t, _) = read("t.tsv", b"a\tb\n1,5\t2\n").unwrap();
        assert_eq!(t.get(0, 0), "1,5");
        assert!(read("t.tsv", b"a,b\n1,2\n").unwrap_err().message.contains("`,`"));
    }

    #[test]
    fn a_ragged_row_says_both_counts_and_its_line() {
        let f = fault(b"a,b\n1,2\n1,2,3\n1\n");
        assert_eq!((f.code, f.labels[0].line), ("durbin::data::ragged_row", 3));
        assert!(f.message.contains("3 fields") && f.message.contains('2'), "{}", f.message);
        assert!(f.message.contains("2 rows do not fit"), "{}", f.message);
        assert!(f.help.unwrap().contains("quotes"));
        let f = fault(b"a,b\n\"1,2\n3\",4,5\n1,2\n");
        assert!(f.help.unwrap().contains("runs on to line 3"));
    }

    #[test]
    fn an_unclosed_quote_is_shown_where_it_opens() {
        let f = fault(b"a,b\n1,2\n3,\"4\n5,6\n");
        assert_eq!((f.code, f.labels[0].line, f.labels[0].column), ("durbin::data::unclosed_quote", 3, 3));
        assert!(read("t.csv", b"a,b\n1,\"2\"").is_ok());
        assert!(read("t.csv", b"a,b\n1,\"2\"\"\"\n").is_ok());
        assert!(read("t.csv", b"a,b\n1,2\"\n").is_ok());
    }

    #[test]
    fn headers_are_checked() {
        let f = fault("å,jobs,x,jobs\n1,2,3,4\n".as_bytes());
        assert_eq!((f.code, f.labels[0].column, f.labels[1].column), ("durbin::data::duplicate_header", 3, 10));
        assert!(f.message.contains("`jobs`, at positions 2 and 4"), "{}", f.message);
        let (_, warnings) = read("t.csv", b"\"\",a\n1,2\n").unwrap();
        assert_eq!((warnings[0].code, warnings.len()), ("durbin::data::unnamed_column", 1));
        assert!(warnings[0].message.contains("column 1"));
        assert_eq!(fault(b"a;b\n1;2\n").message, "the fields of t.csv are separated by `;`");
        assert!(fault(b"a\tb\n1\t2\n").message.contains("tab"));
        assert!(fault(b"a|b\n1|2\n").message.contains("`|`"));
    }

    #[test]
    fn files_without_rows_are_refused() {
        for text in ["", "\u{feff}", " \n\n"] {
            assert_eq!(fault(text.as_bytes()).message, "t.csv is empty");
        }
        let f = fault(b"a,b\n\n");
        assert_eq!((f.code, f.labels[0].line), ("durbin::data::no_rows", 1));
    }

    #[test]
    fn bytes_that_are_not_utf8_are_placed() {
        let f = fault(b"town,x\nA,1\n\xba\xbc\xd6\xdd,2\n");
        assert_eq!((f.code, f.labels[0].line, f.labels[0].column), ("durbin::data::not_utf8", 3, 1));
        assert!(f.message.contains("GB18030"));
        assert!(fault(b"t\0o\0w\0n\0,\0x\0\n\0").message.contains("UTF-16"));
    }

    #[test]
    fn what_is_no_table_is_named() {
        let f = fault(b"PK\x03\x04 xl/workbook.xml");
        assert_eq!(f.code, "durbin::data::wrong_format");
        assert!(f.message.contains("Excel workbook") && f.message.contains("t.csv"));
    }

    #[test]
    fn a_field_beyond_the_limit_is_named() {
        let text = format!("a,b\n1,2\n3,\"{}\"\n", "x".repeat(LONGEST_FIELD + 1));
        let f = fault(text.as_bytes());
        assert!(f.message.contains("1 MiB") && f.labels[0].line == 3);
    }

    #[test]
    fn the_header_is_read_without_its_rows() {
        let bytes = b"town,x\nA,1,7\n\xff\xff";
        let header = |bytes: &[u8]| header("t.csv", bytes, &Writing::default());
        assert_eq!(header(bytes).unwrap().0, ["town", "x"]);
        assert_eq!(header(b"town;x\n").unwrap_err().code, "durbin::data::delimiter");
        assert_eq!(header(b"t\xe9l,x\n").unwrap_err().code, "durbin::data::not_utf8");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(cells in prop::collection::vec("[ -~é\n\r\"]{0,12}", 2..40)) {
            let mut text = String::from("a,b\n");
            for pair in cells.chunks_exact(2) {
                let quoted: Vec<String> = pair.iter().map(|c| format!("\"{}\"", c.replace('"', "\"\""))).collect();
                text.push_str(&quoted.join(","));
                text.push('\n');
            }
            let t = table(&text);
            for (row, pair) in cells.chunks_exact(2).enumerate() {
                prop_assert_eq!(t.get(row, 0), pair[0].as_str());
                prop_assert_eq!(t.get(row, 1), pair[1].as_str());
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read("t.csv", &bytes);
            let _ = header("t.csv", &bytes, &Writing::default());
        }

        #[test]
        fn no_text_makes_it_panic(text in "[a,\"\r\n;\t é]{0,80}") {
            let _ = read("t.csv", text.as_bytes());
        }
    }
}
