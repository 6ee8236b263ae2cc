//! A piece of a text table in columns: the labels of every record's keys, its numbers, the texts conditions need.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::data::csv::{LONGEST_FIELD, nfc};
use crate::data::numbers::{parse_written, trimmed};
use crate::data::records::Records;
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
    /// The line on which each record begins, from 1 in the piece.
    pub lines: Vec<u32>,
    /// How many lines end in the piece.
    pub line_ends: usize,
}

/// The number of every label of a key, as the file writes it.
type Known = HashMap<Box<str>, u32, FixedState>;

impl Chunk {
    /// Takes a piece apart; `None` where something in it has to be told with its place.
    pub fn of(piece: Vec<u8>, first: bool, wanted: &Wanted) -> Option<Chunk> {
        let piece = String::from_utf8(piece).ok()?;
        let mut chunk = Chunk {
            keys: wanted.keys.iter().map(|_| Key::default()).collect(),
            numbers: wanted.numbers.iter().map(|_| Numbers::default()).collect(),
            texts: vec![TextColumn::of(wanted.decimal); wanted.texts.len()],
            lines: Vec::new(),
            line_ends: 0,
        };
        let mut known: Vec<Known> = vec![Known::default(); wanted.keys.len()];
        let mut records = Records::of(&piece, wanted.separator);
        let mut header = first;
        while records.advance() {
            let blank = records.len() == 1 && records.get(0).is_some_and(|f| !f.is_empty() && f.trim().is_empty());
            if blank {
                continue;
            }
            if records.len() != wanted.fields || records.longest() > LONGEST_FIELD {
                return None;
            }
            if std::mem::take(&mut header) {
                continue;
            }
            for ((key, known), &field) in chunk.keys.iter_mut().zip(&mut known).zip(&wanted.keys) {
                key.push(records.get(field)?, known);
            }
            chunk.push(&records, wanted)?;
        }
        chunk.line_ends = records.line_ends();
        Some(chunk)
    }

    fn push(&mut self, record: &Records, wanted: &Wanted) -> Option<()> {
        let row = self.lines.len() as u32;
        for (column, &field) in self.numbers.iter_mut().zip(&wanted.numbers) {
            let cell = trimmed(record.get(field)?);
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
            column.push(&nfc(record.get(field)?));
        }
        self.lines.push(record.line() as u32);
        Some(())
    }

    pub fn rows(&self) -> usize {
        self.lines.len()
    }
}

impl Key {
    fn push(&mut self, cell: &str, known: &mut Known) {
        let code = match known.get(cell) {
            Some(&code) => code,
            None => {
                let code = known.len() as u32;
                known.insert(cell.into(), code);
                self.labels.push(&nfc(cell));
                code
            }
        };
        self.codes.push(code);
    }
}
