//! A piece of a text table in columns: the group of every record by its keys, its numbers, the texts conditions need.

use std::collections::HashMap;

use ::csv::{ByteRecord, ReaderBuilder};

use crate::data::csv::{LONGEST_FIELD, nfc};
use crate::data::numbers::{is_missing, parse_written};
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

/// The records of a piece. Invariant: columns and `groups` have one entry per record.
pub struct Chunk {
    pub groups: Vec<u32>,
    /// The keys of each group, one column per key.
    pub keys: Vec<TextColumn>,
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
            groups: Vec::new(),
            keys: vec![TextColumn::default(); wanted.keys.len()],
            numbers: wanted.numbers.iter().map(|_| Numbers::default()).collect(),
            texts: vec![TextColumn::of(wanted.decimal); wanted.texts.len()],
            starts: Vec::new(),
            piece: Vec::new(),
        };
        let mut known: HashMap<Box<[u8]>, u32> = HashMap::new();
        let mut key: Vec<u8> = Vec::new();
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
            key.clear();
            for &field in &wanted.keys {
                let cell = record.get(field)?;
                key.extend_from_slice(&(cell.len() as u32).to_le_bytes());
                key.extend_from_slice(cell);
            }
            let group = match known.get(&key[..]) {
                Some(&group) => group,
                None => {
                    let group = known.len() as u32;
                    known.insert(key.as_slice().into(), group);
                    for (column, &field) in chunk.keys.iter_mut().zip(&wanted.keys) {
                        column.push(&nfc(text(&record, field)?));
                    }
                    group
                }
            };
            chunk.push(&record, group, wanted)?;
            chunk.starts.push(record.position().map_or(0, |p| p.byte() as u32));
        }
        chunk.piece = piece;
        Some(chunk)
    }

    fn push(&mut self, record: &ByteRecord, group: u32, wanted: &Wanted) -> Option<()> {
        let row = self.groups.len() as u32;
        self.groups.push(group);
        for (column, &field) in self.numbers.iter_mut().zip(&wanted.numbers) {
            let cell = text(record, field)?;
            let value = if is_missing(cell, &wanted.markers) {
                f64::NAN
            } else {
                parse_written(cell, wanted.decimal).unwrap_or_else(|| {
                    column.odd.push(row);
                    f64::NAN
                })
            };
            if value == -999.0 && cell.trim() == "-999" {
                column.sentinels.push(row);
            }
            column.values.push(value);
        }
        for (column, &field) in self.texts.iter_mut().zip(&wanted.texts) {
            column.push(&nfc(text(record, field)?));
        }
        Some(())
    }

    pub fn rows(&self) -> usize {
        self.groups.len()
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

/// A field; the piece is UTF-8, and so are its fields.
fn text(record: &ByteRecord, field: usize) -> Option<&str> {
    std::str::from_utf8(record.get(field)?).ok()
}
