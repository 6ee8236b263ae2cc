//! The attributes of a shapefile (`.dbf`, dBASE III): the texts of one column.

use encoding_rs::Encoding;

use super::{Parts, companions, unknown_attribute};
use crate::data::csv::nfc;
use crate::data::writing::{self, Writing};
use crate::fault::Fault;

/// How the texts are encoded: as the `.cpg` says, else the clause, else the number in the header; `None`: UTF-8.
pub(super) fn encoding(parts: &Parts, writing: &Writing) -> Option<&'static Encoding> {
    let said = parts.encoding.as_deref().and_then(|b| {
        let name = String::from_utf8_lossy(b).trim().to_ascii_lowercase();
        let page: String = name.chars().skip_while(|c| !c.is_ascii_digit()).collect();
        writing::encoding(&name)
            .or_else(|| writing::encoding(&page))
            .or_else(|| writing::encoding(&format!("windows-{page}")))
            .or_else(|| (page.starts_with("8859")).then(|| writing::encoding(&format!("iso-{page}"))).flatten())
    });
    let header = parts.attributes.as_deref().and_then(|b| b.get(29)).and_then(|&id| {
        writing::encoding(match id {
            0x03 | 0x57 | 0x58 | 0x59 => "windows-1252",
            0x4D | 0x7A => "gbk",
            0x4F | 0x78 => "big5",
            0x13 | 0x7B => "shift_jis",
            0x4E | 0x79 => "euc-kr",
            0xC8 => "windows-1250",
            0xC9 => "windows-1251",
            _ => return None,
        })
    });
    said.or(writing.encoding).or(header)
}

struct Field {
    name: String,
    /// `C` text, `N` and `F` numbers, `D` dates, `L` truth.
    kind: u8,
    /// Within a record, behind the mark of deletion.
    start: usize,
    length: usize,
}

struct Head {
    fields: Vec<Field>,
    rows: usize,
    /// Where the first record begins, and how long each is.
    data: usize,
    width: usize,
}

fn head(path: &str, bytes: &[u8], encoding: Option<&'static Encoding>) -> Result<Head, Fault> {
    let table = companions(path).0.remove(0);
    let at = |i: usize, n: usize| {
        bytes.get(i..i + n).map(|b| b.iter().rev().fold(0usize, |s, b| (s << 8) | usize::from(*b)))
    };
    let cut = || damaged(&table, 1);
    let (rows, data, width) = (at(4, 4).ok_or_else(cut)?, at(8, 2).ok_or_else(cut)?, at(10, 2).ok_or_else(cut)?);
    let mut fields = Vec::new();
    let mut start = 1;
    for k in 1.. {
        let from = 32 * k;
        if from + 1 > data || bytes.get(from) == Some(&0x0D) {
            break;
        }
        let raw = bytes.get(from..from + 32).ok_or_else(cut)?;
        let name = raw[..11].split(|b| *b == 0).next().unwrap_or_default();
        let name = text(&table, name, encoding, 1)?;
        let length = usize::from(raw[16]);
        fields.push(Field { name: name.trim().to_string(), kind: raw[11], start, length });
        start += length;
    }
    if fields.is_empty() || width < start || data < 33 {
        return Err(damaged(&table, 1));
    }
    Ok(Head { fields, rows, data, width })
}

/// Names of the columns; only the beginning of the file is looked at.
pub(super) fn names(path: &str, bytes: &[u8], encoding: &Option<&'static Encoding>) -> Result<Vec<String>, Fault> {
    Ok(head(path, bytes, *encoding)?.fields.into_iter().map(|f| f.name).collect())
}

/// The texts of a column, one per record; numbers in their shortest form.
pub(super) fn column(
    path: &str,
    bytes: &[u8],
    by: &str,
    encoding: &Option<&'static Encoding>,
) -> Result<Vec<String>, Fault> {
    let table = companions(path).0.remove(0);
    let head = head(path, bytes, *encoding)?;
    let Some(field) = head.fields.iter().find(|f| f.name == by) else {
        let names: Vec<String> = head.fields.into_iter().map(|f| f.name).collect();
        return Err(unknown_attribute(path, by, &names));
    };
    let mut out = Vec::new();
    for row in 0..head.rows {
        let from = head.data + row * head.width + field.start;
        let raw = bytes.get(from..from + field.length).ok_or_else(|| damaged(&table, row + 1))?;
        let cell = text(&table, raw.split(|b| *b == 0).next().unwrap_or_default(), *encoding, row + 1)?;
        let cell = cell.trim();
        out.push(match (field.kind, cell.parse::<f64>()) {
            (b'N' | b'F', Ok(x)) if x.is_finite() => format!("{x}"),
            (b'N' | b'F', _) => String::new(),
            _ => nfc(cell).into_owned(),
        });
    }
    Ok(out)
}

fn text(table: &str, raw: &[u8], encoding: Option<&'static Encoding>, row: usize) -> Result<String, Fault> {
    let decoded = match encoding {
        Some(e) => e.decode_without_bom_handling_and_without_replacement(raw).map(|t| t.into_owned()),
        None => std::str::from_utf8(raw).ok().map(str::to_string),
    };
    decoded.ok_or_else(|| {
        let name = encoding.map_or("UTF-8", |e| e.name());
        Fault::error("durbin::data::not_utf8", format!("{table} holds text that is not {name}"))
            .help("say how it is encoded: `encoding \"gb18030\"`, `encoding \"windows-1252\"`, or put a `.cpg` file beside it")
            .label(table, row, 1, "in this row")
    })
}

fn damaged(table: &str, row: usize) -> Fault {
    Fault::error("durbin::data::truncated", format!("{table} is damaged or cut off at its row {row}"))
        .help("it may have been cut off on its way: get it again")
        .label(table, row, 1, "this row is not all there")
}
