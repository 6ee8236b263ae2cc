//! Cells, long strings and value labels of a Stata file.

use super::Text;
use super::bytes::Bytes;
use super::layout::{Layout, Storage};
use crate::data::shortest;
use crate::fault::Fault;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

/// Texts by the variable and observation that name them.
pub(super) type Strings<'a> = HashMap<(u64, u64), &'a [u8]>;

/// Labels of numbers by the name of their table.
pub(super) type LabelTables = HashMap<Vec<u8>, BTreeMap<i32, String>>;

/// The cells of the observations.
pub(super) struct Cells<'a> {
    pub bytes: Bytes<'a>,
    pub layout: &'a Layout,
    pub strings: &'a Strings<'a>,
    pub text: &'a Text<'a>,
}

impl Cells<'_> {
    /// A cell as text (rows and variables from 0), empty where it is missing.
    pub fn write(&self, row: usize, variable: usize, out: &mut String) -> Result<(), Fault> {
        out.clear();
        let of = &self.layout.variables[variable];
        let bytes = Bytes { little: self.layout.little, ..self.bytes };
        let at = self.layout.data + row * self.layout.width + of.offset;
        let whole = |length: usize| bytes.unsigned(at, length, "data");
        // Writing into a string cannot fail.
        let mut number = |x: i64, most: i64| {
            if x <= most {
                let _ = write!(out, "{x}");
            }
        };
        match of.storage {
            Storage::Byte => number(i64::from(whole(1)? as u8 as i8), 100),
            Storage::Int => number(i64::from(whole(2)? as u16 as i16), 32_740),
            Storage::Long => number(i64::from(whole(4)? as u32 as i32), 2_147_483_620),
            Storage::Float => {
                // 2^127 and above are the missing codes.
                let x = f32::from_bits(whole(4)? as u32);
                if x < f32::from_bits(0x7f00_0000) {
                    shortest::single(x, out);
                }
            }
            Storage::Double => {
                // 2^1023 and above are the missing codes.
                let x = f64::from_bits(whole(8)?);
                if x < f64::from_bits(0x7fe0_0000_0000_0000) {
                    shortest::double(x, out);
                }
            }
            Storage::Text(n) => out.push_str(&self.text.read(bytes.slice(at, n, "data")?, row + 1)?),
            Storage::LongText => {
                let key = string_key(bytes, self.layout.version, at)?;
                if key != (0, 0) {
                    let raw = self.strings.get(&key).ok_or_else(|| bytes.damaged("strls"))?;
                    out.push_str(&self.text.read(raw, row + 1)?);
                }
            }
        }
        Ok(())
    }
}

/// Variable and observation of a long string, as a cell names it.
fn string_key(bytes: Bytes, version: u16, at: usize) -> Result<(u64, u64), Fault> {
    let first = match version {
        117 => 4,
        118 => 2,
        _ => 3,
    };
    Ok((bytes.unsigned(at, first, "data")?, bytes.unsigned(at + first, 8 - first, "data")?))
}

/// All long strings, binary ones left out.
pub(super) fn long_strings<'a>(bytes: Bytes<'a>, layout: &Layout) -> Result<Strings<'a>, Fault> {
    let mut out = Strings::new();
    let Some(mut at) = layout.strings.filter(|_| layout.variables.iter().any(|v| v.storage == Storage::LongText))
    else {
        return Ok(out);
    };
    let bytes = Bytes { little: layout.little, ..bytes };
    let wide = if layout.version == 117 { 4 } else { 8 };
    while bytes.slice(at, 3, "strls")? == b"GSO" {
        let v = bytes.unsigned(at + 3, 4, "strls")?;
        let o = bytes.unsigned(at + 7, wide, "strls")?;
        let length = bytes.count(at + 8 + wide, 4, "strls")?;
        out.insert((v, o), bytes.slice(at + 12 + wide, length, "strls")?);
        at += 12 + wide + length;
    }
    Ok(out)
}

/// All tables of value labels.
pub(super) fn labels(bytes: Bytes, layout: &Layout, text: &Text) -> Result<LabelTables, Fault> {
    let mut out = LabelTables::new();
    if layout.variables.iter().all(|v| v.label_table.is_empty()) {
        return Ok(out);
    }
    let bytes = Bytes { little: layout.little, ..bytes };
    let (tags, name) = if layout.version >= 117 { (5, if layout.version == 117 { 33 } else { 129 }) } else { (0, 33) };
    let mut at = layout.labels;
    loop {
        let there = if tags > 0 { bytes.slice(at, 5, "value_labels")? == b"<lbl>" } else { at < bytes.all.len() };
        if !there {
            return Ok(out);
        }
        at += tags;
        let length = bytes.count(at, 4, "value_labels")?;
        let named = bytes.slice(at + 4, name, "value_labels")?;
        let table = bytes.slice(at + 4 + name + 3, length, "value_labels")?;
        let named = named.split(|b| *b == 0).next().unwrap_or_default().to_vec();
        out.insert(named, table_of(Bytes { all: table, ..bytes }, text)?);
        at += 4 + name + 3 + length + if tags > 0 { "</lbl>".len() } else { 0 };
    }
}

fn table_of(bytes: Bytes, text: &Text) -> Result<BTreeMap<i32, String>, Fault> {
    let what = "value_labels";
    let (n, length) = (bytes.count(0, 4, what)?, bytes.count(4, 4, what)?);
    let numbers = n.checked_mul(8).and_then(|k| k.checked_add(8)).ok_or_else(|| bytes.damaged(what))?;
    let texts = bytes.slice(numbers, length, what)?;
    let mut out = BTreeMap::new();
    for k in 0..n {
        let start = bytes.count(8 + 4 * k, 4, what)?;
        let value = bytes.unsigned(8 + 4 * n + 4 * k, 4, what)? as u32 as i32;
        let raw = texts.get(start..).ok_or_else(|| bytes.damaged(what))?;
        out.insert(value, crate::data::csv::nfc(text.read(raw, 0)?.trim()).into_owned());
    }
    Ok(out)
}
