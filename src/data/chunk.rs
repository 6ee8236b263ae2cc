//! A piece of a text table in columns: the labels of every record's keys, its numbers, the texts conditions need.

use std::collections::HashMap;

use ::csv::{ByteRecord, ReaderBuilder};

use crate::data::csv::{LONGEST_FIELD, nfc};
use crate::data::numbers::parse_written;
use crate::data::places::Lines;
use crate::data::table::TextColumn;
use crate::data::writing::Decimal;

/// Which fields of a file are wanted for what, and how the file is written.
pub struct Wanted {
    pub fields: usize,
    pub keys: Vec<usize>,
    pub numbers: Vec<usize>,
    pub texts: Vec<usize>,
    pub separator: u8,
    pub decimal: Decimal,
    pub markers: Vec<String>,
}

/// A column of numbers; NaN where missing and in the records of `odd`.
#[derive(Default)]
pub struct Numbers {
    pub values: Vec<f64>,
    /// Records whose cell is no number.
    pub odd: Vec<u32>,
    /// Records that hold −999, which may mean missing.
    pub sentinels: Vec<u32>,
}

/// A key: which of its labels each record has.
#[derive(Default)]
pub struct Key {
    pub codes: Vec<u32>,
    /// In the order in which they come first.
    pub labels: TextColumn,
}

/// The records of a piece. Invariant: every column has one entry per record.
pub struct Chunk {
    pub keys: Vec<Key>,
    pub numbers: Vec<Numbers>,
    pub texts: Vec<TextColumn>,
    starts: Vec<u32>,
    piece: Vec<u8>,
}

impl Chunk {
    /// Takes a piece apart; `None` where something in it has to be told with its place.
    pub fn of(piece: Vec<u8>, first: bool, wanted: &Wanted) -> Option<Chunk> {
        std::str::from_utf8(&piece).ok()?;
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(wanted.separator)
            .buffer_capacity(1 << 16)
            .from_reader(&piece[..]);
        let mut chunk = Chunk {
            keys: wanted.keys.iter().map(|_| Key::default()).collect(),
            numbers: wanted.numbers.iter().map(|_| Numbers::default()).collect(),
            texts: vec![TextColumn::of(wanted.decimal); wanted.texts.len()],
            starts: Vec::new(),
            piece: Vec::new(),
        };
        let mut known: Vec<HashMap<Box<[u8]>, u32>> = vec![HashMap::new(); wanted.keys.len()];
        let mut record = ByteRecord::new();
        let mut header = first;
        while reader.read_byte_record(&mut record).ok()? {
            let blank = record.len() == 1 && text(&record, 0).is_some_and(|f| !f.is_empty() && f.trim().is_empty());
            if blank {
                continue;
            }
            let long = record.as_slice().len() > LONGEST_FIELD && record.iter().any(|f| f.len() > LONGEST_FIELD);
            if record.len() != wanted.fields || long {
                return None;
            }
            if std::mem::take(&mut header) {
                continue;
            }
            for ((key, known), &field) in chunk.keys.iter_mut().zip(&mut known).zip(&wanted.keys) {
                key.push(&record, field, known)?;
            }
            chunk.push(&record, wanted)?;
            chunk.starts.push(record.position().map_or(0, |p| p.byte() as u32));
        }
        chunk.piece = piece;
        Some(chunk)
    }

    fn push(&mut self, record: &ByteRecord, wanted: &Wanted) -> Option<()> {
        let row = self.starts.len() as u32;
        for (column, &field) in self.numbers.iter_mut().zip(&wanted.numbers) {
            let cell = trimmed(text(record, field)?);
            let missing = cell.is_empty() || wanted.markers.iter().any(|m| m == cell);
            let value = if missing { None } else { parse_written(cell, wanted.decimal) };
            if value.is_none() && !missing {
                column.odd.push(row);
            }
            if value == Some(-999.0) && cell == "-999" {
                column.sentinels.push(row);
            }
            column.values.push(value.unwrap_or(f64::NAN));
        }
        for (column, &field) in self.texts.iter_mut().zip(&wanted.texts) {
            column.push(&nfc(text(record, field)?));
        }
        Some(())
    }

    pub fn rows(&self) -> usize {
        self.starts.len()
    }

    /// The lines on which some records begin, from 1 in the piece; asked for in order.
    pub fn lines(&self) -> impl FnMut(usize) -> usize + '_ {
        let mut lines = Lines::new(&self.piece);
        move |row| {
            let before = self.starts.get(row).map_or(0, |&s| s as usize);
            let ends = self.piece[before.min(self.piece.len())..].iter().take_while(|b| matches!(b, b'\r' | b'\n'));
            lines.line_at(before + ends.count())
        }
    }

    /// How many lines end in the piece.
    pub fn line_ends(&self) -> usize {
        Lines::new(&self.piece).line_at(self.piece.len()) - 1
    }
}

impl Key {
    fn push(&mut self, record: &ByteRecord, field: usize, known: &mut HashMap<Box<[u8]>, u32>) -> Option<()> {
        let cell = record.get(field)?;
        let code = match known.get(cell) {
            Some(&code) => code,
            None => {
                let code = known.len() as u32;
                known.insert(cell.into(), code);
                self.labels.push(&nfc(text(record, field)?));
                code
            }
        };
        self.codes.push(code);
        Some(())
    }
}

/// A cell without blanks around it; hardly any has some.
fn trimmed(cell: &str) -> &str {
    match cell.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => cell,
        _ => cell.trim(),
    }
}

/// A field; the piece is UTF-8, and so are its fields.
fn text(record: &ByteRecord, field: usize) -> Option<&str> {
    std::str::from_utf8(record.get(field)?).ok()
}
