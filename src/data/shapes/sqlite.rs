//! Tables of an SQLite database file, as its format description has them: read whole, from the pages of their b-trees.
//!
//! No reader in pure Rust survives a damaged file, and a layer of shapes needs no more than this.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// A database in memory. Whatever it says of itself is checked before it is followed; `None` where it leads nowhere.
pub(super) struct Database<'b> {
    bytes: &'b [u8],
    /// Bytes of a page, and those of them that hold content.
    page: usize,
    usable: usize,
    encoding: &'static Encoding,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

/// A table: its name, the statement that made it, where its rows are.
pub(super) struct Stored {
    pub name: String,
    pub sql: String,
    root: usize,
}

/// A column: its name, and whether it is another name of the row's number.
pub(super) struct Named {
    pub name: String,
    pub is_row: bool,
}

/// A row's number and its cells.
pub(super) type Row = (i64, Vec<Cell>);

impl<'b> Database<'b> {
    pub(super) fn open(bytes: &'b [u8]) -> Option<Database<'b>> {
        let size = u16::from_be_bytes(bytes.get(16..18)?.try_into().ok()?);
        let page = if size == 1 { 1 << 16 } else { usize::from(size) };
        let usable = page.checked_sub(usize::from(*bytes.get(20)?)).filter(|&u| u >= 480)?;
        let encoding = match bytes.get(56..60)? {
            [0, 0, 0, 2] => UTF_16LE,
            [0, 0, 0, 3] => UTF_16BE,
            _ => UTF_8,
        };
        Some(Database { bytes, page, usable, encoding })
    }

    /// Whether pages that the file says it has are not there.
    pub(super) fn is_cut(&self) -> bool {
        let pages = self.bytes.get(28..32).and_then(|b| b.try_into().ok()).map_or(0, u32::from_be_bytes);
        (pages as usize).saturating_mul(self.page) > self.bytes.len()
    }

    pub(super) fn tables(&self) -> Option<Vec<Stored>> {
        let mut out = Vec::new();
        for (_, mut cells) in self.rows_from(1)? {
            cells.resize(5, Cell::Null);
            if let [Cell::Text(kind), Cell::Text(name), _, Cell::Integer(root), Cell::Text(sql)] = &cells[..5]
                && kind == "table"
                && let Ok(root) = usize::try_from(*root)
            {
                out.push(Stored { name: name.clone(), sql: sql.clone(), root });
            }
        }
        Some(out)
    }

    /// The rows of a table by number.
    pub(super) fn rows(&self, table: &Stored) -> Option<Vec<Row>> {
        self.rows_from(table.root)
    }

    fn page(&self, number: usize) -> Option<&'b [u8]> {
        let from = number.checked_sub(1)?.checked_mul(self.page)?;
        self.bytes.get(from..from.checked_add(self.page)?)
    }

    fn rows_from(&self, root: usize) -> Option<Vec<Row>> {
        let mut seen = vec![false; self.bytes.len() / self.page + 1];
        // Rows do not overlap: together they are no longer than the file.
        let mut left = self.bytes.len();
        let mut waiting = vec![root];
        let mut rows = Vec::new();
        while let Some(number) = waiting.pop() {
            let page = self.page(number)?;
            // A page that is reached twice would be reached for ever.
            if std::mem::replace(seen.get_mut(number)?, true) {
                return None;
            }
            let head = if number == 1 { 100 } else { 0 };
            let two = |at: usize| Some(usize::from(u16::from_be_bytes(page.get(at..at + 2)?.try_into().ok()?)));
            let four = |at: usize| Some(u32::from_be_bytes(page.get(at..at + 4)?.try_into().ok()?) as usize);
            let cells = two(head + 3)?;
            match page.get(head)? {
                5 => {
                    waiting.push(four(head + 8)?);
                    for k in (0..cells).rev() {
                        waiting.push(four(two(head + 12 + 2 * k)?)?);
                    }
                }
                13 => {
                    for k in 0..cells {
                        rows.push(self.row(page.get(two(head + 8 + 2 * k)?..)?, &mut seen, &mut left)?);
                    }
                }
                _ => return None,
            }
        }
        Some(rows)
    }

    /// The row of a cell of a page, with what of it stands on pages of its own.
    fn row(&self, cell: &[u8], seen: &mut [bool], left: &mut usize) -> Option<Row> {
        let (length, rest) = varint(cell)?;
        let (number, rest) = varint(rest)?;
        let length = usize::try_from(length).ok()?;
        *left = left.checked_sub(length)?;
        let most = self.usable - 35;
        if length <= most {
            return Some((number, self.record(rest.get(..length)?)?));
        }
        let least = (self.usable - 12) * 32 / 255 - 23;
        let fitting = least + (length - least) % (self.usable - 4);
        let here = if fitting <= most { fitting } else { least };
        let mut payload = rest.get(..here)?.to_vec();
        let mut next = u32::from_be_bytes(rest.get(here..here + 4)?.try_into().ok()?) as usize;
        while payload.len() < length {
            let page = self.page(next)?;
            if std::mem::replace(seen.get_mut(next)?, true) {
                return None;
            }
            let part = (length - payload.len()).min(self.usable - 4);
            payload.extend_from_slice(page.get(4..4 + part)?);
            next = u32::from_be_bytes(page.get(..4)?.try_into().ok()?) as usize;
        }
        Some((number, self.record(&payload)?))
    }

    fn record(&self, payload: &[u8]) -> Option<Vec<Cell>> {
        let (length, rest) = varint(payload)?;
        let length = usize::try_from(length).ok()?;
        let mut kinds = payload.get(payload.len() - rest.len()..length)?;
        let mut content = payload.get(length..)?;
        let mut out = Vec::new();
        while !kinds.is_empty() {
            let (kind, others) = varint(kinds)?;
            kinds = others;
            let size = match kind {
                0 | 8 | 9 => 0,
                1..=4 => kind as usize,
                5 => 6,
                6 | 7 => 8,
                12.. => usize::try_from((kind - 12) / 2).ok()?,
                _ => return None,
            };
            let (value, others) = content.split_at_checked(size)?;
            content = others;
            out.push(match kind {
                0 => Cell::Null,
                7 => Cell::Real(f64::from_be_bytes(value.try_into().ok()?)),
                8 | 9 => Cell::Integer(kind - 8),
                1..=6 => {
                    let sign = if value[0] < 128 { 0 } else { -1 };
                    Cell::Integer(value.iter().fold(sign, |n, &b| n << 8 | i64::from(b)))
                }
                _ if kind % 2 == 0 => Cell::Blob(value.to_vec()),
                _ => Cell::Text(self.encoding.decode_without_bom_handling(value).0.into_owned()),
            });
        }
        Some(out)
    }
}

/// A whole number of one to nine bytes, and what follows it.
fn varint(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let mut value = 0u64;
    for (k, &b) in bytes.iter().take(9).enumerate() {
        if k == 8 {
            return Some(((value << 8 | u64::from(b)) as i64, &bytes[9..]));
        }
        value = value << 7 | u64::from(b & 127);
        if b < 128 {
            return Some((value as i64, &bytes[k + 1..]));
        }
    }
    None
}

impl Stored {
    /// The columns that the statement names which made the table.
    pub(super) fn columns(&self) -> Vec<Named> {
        let inside = self.sql.split_once('(').map_or("", |(_, rest)| rest);
        let mut out = Vec::new();
        let (mut depth, mut quote, mut part) = (0, None, String::new());
        for c in inside.chars() {
            match (c, quote) {
                (c, Some(end)) if c == end => quote = None,
                (_, Some(_)) => {}
                ('"' | '`' | '\'', None) => quote = Some(c),
                ('[', None) => quote = Some(']'),
                ('(', None) => depth += 1,
                (')', None) => depth -= 1,
                _ => {}
            }
            if quote.is_none() && (depth < 0 || c == ',' && depth == 0) {
                out.extend(named(part.trim()));
                part.clear();
                if depth < 0 {
                    break;
                }
            } else {
                part.push(c);
            }
        }
        out
    }
}

/// The column of a part of a statement; `None` where it is a constraint of the table.
fn named(part: &str) -> Option<Named> {
    let first = part.chars().next()?;
    let (name, rest) = match first {
        '"' | '`' | '\'' | '[' => part[1..].split_once(if first == '[' { ']' } else { first })?,
        _ => part.split_at(part.find(char::is_whitespace).unwrap_or(part.len())),
    };
    let constraints = ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"];
    if first.is_alphabetic() && constraints.iter().any(|c| name.eq_ignore_ascii_case(c)) {
        return None;
    }
    let kind = rest.trim_start().to_ascii_uppercase();
    Some(Named { name: name.to_string(), is_row: kind.starts_with("INTEGER") && kind.contains("PRIMARY KEY") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_lie_over_each_other_are_refused() {
        let mut bytes = vec![0u8; 1 << 16];
        (bytes[17], bytes[100]) = (1, 13);
        // Two rows of 40,000 bytes at one place.
        let cell = [0x82, 0xB8, 0x40, 1, 3, 0, 0];
        bytes[1000..1007].copy_from_slice(&cell);
        bytes[108..112].copy_from_slice(&[1000u16.to_be_bytes(), 1000u16.to_be_bytes()].concat());
        bytes[104] = 1;
        assert_eq!(Database::open(&bytes).unwrap().rows_from(1).map(|r| r.len()), Some(1));
        bytes[104] = 2;
        assert_eq!(Database::open(&bytes).unwrap().rows_from(1), None);
    }

    #[test]
    fn numbers_of_one_to_nine_bytes() {
        assert_eq!(varint(&[5, 9]), Some((5, &[9u8][..])));
        assert_eq!(varint(&[0x81, 0x00]), Some((128, &[][..])));
        assert_eq!(varint(&[0xFF; 9]), Some((-1, &[][..])));
        assert_eq!(varint(&[0x81]), None);
    }

    #[test]
    fn columns_are_those_of_the_statement() {
        let sql = "CREATE TABLE \"a (b)\" ( \"fid\" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom MULTIPOLYGON, \
                   `na,me` TEXT(80) DEFAULT 'x,)y', [the area] REAL, CONSTRAINT u UNIQUE (geom))";
        let table = Stored { name: String::new(), sql: sql.replacen("\"a (b)\"", "a", 1), root: 0 };
        let columns = table.columns();
        assert_eq!(columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["fid", "geom", "na,me", "the area"]);
        assert_eq!(columns.iter().map(|c| c.is_row).collect::<Vec<_>>(), [true, false, false, false]);
    }
}
