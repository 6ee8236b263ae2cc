//! What the header of a Stata file says: version, variables, how many observations, and where everything stands.

use super::bytes::Bytes;
use crate::fault::Fault;

/// How a variable is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Storage {
    Byte,
    Int,
    Long,
    Float,
    Double,
    /// Text of at most so many bytes.
    Text(usize),
    /// A place among the long strings.
    LongText,
}

impl Storage {
    fn width(self) -> usize {
        match self {
            Storage::Byte => 1,
            Storage::Int => 2,
            Storage::Long | Storage::Float => 4,
            Storage::Double | Storage::LongText => 8,
            Storage::Text(n) => n,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Variable {
    pub storage: Storage,
    /// Where it stands in an observation.
    pub offset: usize,
    /// As stored, up to its first zero byte.
    pub name: Vec<u8>,
    /// The name of its table of value labels, empty where it has none.
    pub label_table: Vec<u8>,
}

impl Variable {
    pub fn is_text(&self) -> bool {
        matches!(self.storage, Storage::Text(_) | Storage::LongText)
    }
}

/// Places are bytes from the file's beginning; those after the variables are 0 where only the header was asked for.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub version: u16,
    pub little: bool,
    pub variables: Vec<Variable>,
    pub observations: usize,
    /// Bytes of one observation.
    pub width: usize,
    pub data: usize,
    /// Where the long strings begin (versions from 117).
    pub strings: Option<usize>,
    pub labels: usize,
}

/// Reads the header; with `head`, of a file whose end may not be there.
pub(super) fn layout(bytes: Bytes, head: bool) -> Result<Layout, Fault> {
    let layout = if bytes.all.starts_with(b"<stata_dta>") { tagged(bytes)? } else { binary(bytes, head)? };
    // Every observation is there before memory is taken for any.
    if !head {
        let length = layout.width.checked_mul(layout.observations).ok_or_else(|| bytes.damaged("N"))?;
        let there = bytes.all.len().saturating_sub(layout.data);
        if length > there {
            let first = there / layout.width.max(1) + 1;
            let message =
                format!("{} announces {} observations and ends within number {first}", bytes.file, layout.observations);
            return Err(Fault::error("durbin::data::truncated", message)
                .help("it may have been cut off on its way: get it again, or save it again from Stata")
                .label(bytes.file, first, 1, "the file ends here"));
        }
        if u32::try_from(layout.observations).is_err() || (layout.width == 0 && layout.observations > 0) {
            return Err(bytes.damaged("N"));
        }
    }
    Ok(layout)
}

/// Field lengths of a version.
struct Lengths {
    name: usize,
    format: usize,
    label: usize,
    /// Bytes of the number of variables, and of places in the order they are sorted by.
    variables: usize,
    observations: usize,
}

fn lengths(version: u16) -> Lengths {
    match version {
        113 => Lengths { name: 33, format: 12, label: 81, variables: 2, observations: 4 },
        114 | 115 => Lengths { name: 33, format: 49, label: 81, variables: 2, observations: 4 },
        117 => Lengths { name: 33, format: 49, label: 81, variables: 2, observations: 4 },
        118 => Lengths { name: 129, format: 57, label: 321, variables: 2, observations: 8 },
        _ => Lengths { name: 129, format: 57, label: 321, variables: 4, observations: 8 },
    }
}

/// Versions 113 to 115.
fn binary(mut bytes: Bytes, head: bool) -> Result<Layout, Fault> {
    let version = u16::from(bytes.slice(0, 1, "header")?[0]);
    if !(113..=115).contains(&version) {
        return Err(unknown_version(bytes, version));
    }
    bytes.little = bytes.slice(0, 109, "header")?[1] == 2;
    let lengths = lengths(version);
    let variables = bytes.count(4, 2, "nvar")?;
    let observations = bytes.count(6, 4, "nobs")?;
    let mut at = 109;
    let mut take = |length: usize, what: &str| {
        let found = bytes.slice(at, length, what);
        at += length;
        found
    };
    let types = take(variables, "typlist")?;
    let names = take(lengths.name * variables, "varlist")?;
    take(2 * (variables + 1), "srtlist")?;
    take(lengths.format * variables, "fmtlist")?;
    let tables = take(lengths.name * variables, "lbllist")?;
    let storage = |code: u8| match code {
        251 => Some(Storage::Byte),
        252 => Some(Storage::Int),
        253 => Some(Storage::Long),
        254 => Some(Storage::Float),
        255 => Some(Storage::Double),
        1..=244 => Some(Storage::Text(code.into())),
        _ => None,
    };
    let codes: Option<Vec<Storage>> = types.iter().map(|&c| storage(c)).collect();
    let codes = codes.ok_or_else(|| bytes.damaged("typlist"))?;
    let (variables, width) = variables_of(&codes, names, tables, lengths.name);
    let mut layout =
        Layout { version, little: bytes.little, variables, observations, width, data: 0, strings: None, labels: 0 };
    if head {
        return Ok(layout);
    }
    at += lengths.label * layout.variables.len();
    // Characteristics: a kind, a length, so many bytes; kind and length of zero end them.
    loop {
        let (kind, length) = (bytes.slice(at, 1, "expansion fields")?[0], bytes.count(at + 1, 4, "expansion fields")?);
        at = at.checked_add(5 + length).ok_or_else(|| bytes.damaged("expansion fields"))?;
        if kind == 0 && length == 0 {
            break;
        }
    }
    layout.data = at;
    layout.labels = at.saturating_add(layout.width.saturating_mul(observations));
    Ok(layout)
}

/// Versions 117 to 119.
fn tagged(mut bytes: Bytes) -> Result<Layout, Fault> {
    let start = bytes.tagged("<stata_dta>".len(), "header", 0)?.0;
    let (release, after) = bytes.tagged(start, "release", 3)?;
    let release = bytes.slice(release, 3, "release")?;
    let version = std::str::from_utf8(release).ok().and_then(|r| r.parse::<u16>().ok()).unwrap_or(0);
    if !(117..=119).contains(&version) {
        return Err(unknown_version(bytes, version));
    }
    let lengths = lengths(version);
    let (order, after) = bytes.tagged(after, "byteorder", 3)?;
    bytes.little = match bytes.slice(order, 3, "byteorder")? {
        b"LSF" => true,
        b"MSF" => false,
        _ => return Err(bytes.damaged("byteorder")),
    };
    let (k, after) = bytes.tagged(after, "K", lengths.variables)?;
    let variables = bytes.count(k, lengths.variables, "K")?;
    let (n, after) = bytes.tagged(after, "N", lengths.observations)?;
    let observations = bytes.count(n, lengths.observations, "N")?;
    let label = bytes.tagged(after, "label", 0)?.0;
    let size = if version == 117 { 1 } else { 2 };
    let after = bytes.tagged(after, "label", size + bytes.count(label, size, "label")?)?.1;
    let stamp = bytes.tagged(after, "timestamp", 0)?.0;
    let after = bytes.tagged(after, "timestamp", 1 + bytes.count(stamp, 1, "timestamp")?)?.1;
    let (map, _) = bytes.tagged(after + "</header>".len(), "map", 14 * 8)?;
    let place = |k: usize| bytes.count(map + 8 * k, 8, "map");
    let section = |k: usize, tag: &str, length: usize| {
        let (at, _) = bytes.tagged(place(k)?, tag, length)?;
        bytes.slice(at, length, tag)
    };
    let types = section(2, "variable_types", 2 * variables)?;
    let names = section(3, "varnames", lengths.name * variables)?;
    let tables = section(6, "value_label_names", lengths.name * variables)?;
    let storage = |code: u16| match code {
        65530 => Some(Storage::Byte),
        65529 => Some(Storage::Int),
        65528 => Some(Storage::Long),
        65527 => Some(Storage::Float),
        65526 => Some(Storage::Double),
        32768 => Some(Storage::LongText),
        1..=2045 => Some(Storage::Text(code.into())),
        _ => None,
    };
    let code = |pair: &[u8]| {
        if bytes.little { u16::from_le_bytes([pair[0], pair[1]]) } else { u16::from_be_bytes([pair[0], pair[1]]) }
    };
    let codes: Option<Vec<Storage>> = types.chunks_exact(2).map(|pair| storage(code(pair))).collect();
    let codes = codes.ok_or_else(|| bytes.damaged("variable_types"))?;
    let (variables, width) = variables_of(&codes, names, tables, lengths.name);
    let data = place(9)?.saturating_add("<data>".len());
    Ok(Layout {
        version,
        little: bytes.little,
        variables,
        observations,
        width,
        data,
        strings: Some(place(10)?.saturating_add("<strls>".len())),
        labels: place(11)?.saturating_add("<value_labels>".len()),
    })
}

fn variables_of(codes: &[Storage], names: &[u8], tables: &[u8], length: usize) -> (Vec<Variable>, usize) {
    let ended = |raw: &[u8]| raw.split(|b| *b == 0).next().unwrap_or_default().to_vec();
    let mut offset = 0;
    let mut variables = Vec::with_capacity(codes.len());
    for ((&storage, name), table) in codes.iter().zip(names.chunks_exact(length)).zip(tables.chunks_exact(length)) {
        variables.push(Variable { storage, offset, name: ended(name), label_table: ended(table) });
        offset += storage.width();
    }
    (variables, offset)
}

fn unknown_version(bytes: Bytes, version: u16) -> Fault {
    let message =
        format!("{} is of version {version} of Stata's format; durbin reads 113 to 115 and 117 to 119", bytes.file);
    Fault::error("durbin::data::unknown_format", message)
        .help("in Stata, `saveold \"FILE.dta\", version(13)` writes one that is read")
        .label(bytes.file, 1, 1, "its header says so")
}
