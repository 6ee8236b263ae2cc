//! The records of a piece of a text table, one after the other and without copying their cells.
//!
//! A record is cut at its separators; one with a quote inside quotes goes through the crate `csv-core`. Both give what the
//! crate `csv` reads, which takes tables as a whole.

use csv_core::ReadRecordResult;
use memchr::{memchr, memchr3};

/// Goes through the records of whole lines of text.
pub(super) struct Records<'p> {
    text: &'p str,
    separator: u8,
    /// Where the next record is looked for.
    at: usize,
    /// How many lines end before it.
    ends: usize,
    /// Where the record begins, and on which line.
    start: usize,
    line: usize,
    /// Where the cells of the record begin and end, in `text` or in `unquoted`.
    cells: Vec<(usize, usize)>,
    /// The record is in `unquoted`.
    quoted: bool,
    unquoted: String,
    cell_ends: Vec<usize>,
    reader: csv_core::Reader,
}

impl<'p> Records<'p> {
    pub(super) fn of(text: &'p str, separator: u8) -> Records<'p> {
        let mut reader = csv_core::ReaderBuilder::new().delimiter(separator).build();
        // A byte-order mark is one at the beginning of a file; this reader has begun.
        reader.read_record(b"\n", &mut [0], &mut [0]);
        Records {
            text,
            separator,
            at: 0,
            ends: 0,
            start: 0,
            line: 1,
            cells: Vec::new(),
            quoted: false,
            unquoted: String::new(),
            cell_ends: vec![0; 64],
            reader,
        }
    }

    /// Goes to the next record; false at the end.
    pub(super) fn advance(&mut self) -> bool {
        let bytes = self.text.as_bytes();
        let blank = bytes[self.at..].iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        self.ends += line_ends(bytes, self.at, self.at + blank);
        self.start = self.at + blank;
        self.line = self.ends + 1;
        if self.start == bytes.len() {
            return false;
        }
        self.quoted = !self.cut();
        if self.quoted {
            self.unquote();
        }
        true
    }

    /// Cuts a record at its separators; false where that takes more than looking for quotes that close.
    fn cut(&mut self) -> bool {
        let bytes = &self.text.as_bytes();
        self.cells.clear();
        let mut from = self.start;
        let mut lines = 0;
        loop {
            let (cell, end) = if bytes.get(from) == Some(&b'"') {
                let Some(close) = memchr(b'"', &bytes[from + 1..]).map(|q| from + 1 + q) else { return false };
                lines += line_ends(bytes, from, close);
                ((from + 1, close), close + 1)
            } else {
                let end = memchr3(self.separator, b'\n', b'\r', &bytes[from..]).map_or(bytes.len(), |e| from + e);
                ((from, end), end)
            };
            self.cells.push(cell);
            match bytes.get(end) {
                Some(&b) if b == self.separator => from = end + 1,
                Some(b'\n' | b'\r') | None => {
                    self.at = end;
                    self.ends += lines;
                    return true;
                }
                // Something follows the quote, such as another.
                Some(_) => return false,
            }
        }
    }

    fn unquote(&mut self) {
        let mut input = &self.text.as_bytes()[self.start..];
        let mut bytes = std::mem::take(&mut self.unquoted).into_bytes();
        bytes.resize(bytes.len().max(1 << 10), 0);
        let (mut written, mut fields) = (0, 0);
        loop {
            let (into, ends) = (&mut bytes[written..], &mut self.cell_ends[fields..]);
            let (result, read, wrote, ended) = self.reader.read_record(input, into, ends);
            input = &input[read..];
            (written, fields) = (written + wrote, fields + ended);
            match result {
                ReadRecordResult::OutputFull => bytes.resize(2 * bytes.len(), 0),
                ReadRecordResult::OutputEndsFull => self.cell_ends.resize(2 * self.cell_ends.len(), 0),
                // an empty input tells the reader that nothing follows
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::Record | ReadRecordResult::End => break,
            }
        }
        self.at = self.text.len() - input.len();
        self.ends += line_ends(self.text.as_bytes(), self.start, self.at);
        bytes.truncate(written);
        // Whole fields of UTF-8 without their quotes are UTF-8.
        self.unquoted = String::from_utf8(bytes).unwrap_or_default();
        self.cells.clear();
        let ends = self.cell_ends[..fields].iter();
        self.cells.extend(ends.scan(0, |from, &end| Some((std::mem::replace(from, end), end))));
    }

    /// How many cells the record has.
    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    pub(super) fn get(&self, cell: usize) -> Option<&str> {
        let &(from, to) = self.cells.get(cell)?;
        if self.quoted { self.unquoted.get(from..to) } else { self.text.get(from..to) }
    }

    /// How many bytes the longest cell has.
    pub(super) fn longest(&self) -> usize {
        self.cells.iter().map(|&(from, to)| to - from).max().unwrap_or(0)
    }

    /// The line on which the record begins, from 1.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// How many lines ended so far.
    pub(super) fn line_ends(&self) -> usize {
        self.ends
    }
}

/// How many lines end in a part of a text: LF, CR LF and a lone CR each end one.
fn line_ends(text: &[u8], from: usize, to: usize) -> usize {
    let ends = |i: usize| text[i] == b'\n' || text[i] == b'\r' && text.get(i + 1) != Some(&b'\n');
    (from..to).filter(|&i| ends(i)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::places::Lines;

    /// The cells of every record, and the line on which it begins.
    type Read = Vec<(Vec<String>, usize)>;

    fn ours(text: &str) -> (Read, usize) {
        let mut records = Records::of(text, b',');
        let mut out = Vec::new();
        while records.advance() {
            out.push(((0..records.len()).map(|k| records.get(k).unwrap().to_string()).collect(), records.line()));
        }
        (out, records.line_ends())
    }

    fn theirs(text: &str) -> (Read, usize) {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        let mut lines = Lines::new(text.as_bytes());
        let read = |record: csv::StringRecord| {
            let from = record.position().unwrap().byte() as usize;
            let blank = text.as_bytes()[from..].iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
            (record.iter().map(String::from).collect(), lines.line_at(from + blank))
        };
        let records = reader.records().map(Result::unwrap).map(read).collect();
        (records, Lines::new(text.as_bytes()).line_at(text.len()) - 1)
    }

    #[test]
    fn records_are_those_of_the_crate_csv() {
        let mut z = 9u64;
        let mut step = |below: u64| {
            z = z.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (z >> 33) % below
        };
        let parts = ["a", "12.5", "é", ",", ",", "\"", "\"", "\n", "\r\n", "\r", " ", "\"b\"", "\u{feff}"];
        for _ in 0..20_000 {
            // A mark before anything is the file's, and the crate's readers leave it out.
            let text: String = std::iter::once("x").chain((0..step(24)).map(|_| parts[step(13) as usize])).collect();
            assert_eq!(ours(&text), theirs(&text), "{text:?}");
        }
        assert_eq!(ours(""), (Vec::new(), 0));
    }
}
