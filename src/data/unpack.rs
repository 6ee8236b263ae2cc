//! Bytes before they are a table: archives of gzip, which may not swell without end, and other encodings than UTF-8.

use std::borrow::Cow;
use std::io::Read;

use encoding_rs::{DecoderResult, Encoding, UTF_8};
use flate2::read::MultiGzDecoder;

use crate::data::sniff::foreign_format;
use crate::fault::{Fault, size};

/// Text that swells further than this is no table: DEFLATE packs nothing tighter than about 1030 times.
const MOST_SWOLLEN: u64 = 400;
/// Less than this is never too much.
const HARMLESS: u64 = 32 << 20;

/// Whether a file's name says that it is packed.
pub fn is_packed(path: &str) -> bool {
    path.to_ascii_lowercase().ends_with(".gz")
}

/// Characters of two bytes.
fn is_wide(encoding: &'static Encoding) -> bool {
    matches!(encoding.name(), "UTF-16LE" | "UTF-16BE")
}

/// Unpacks a gzip file. `head`: only its beginning was read and wanted, so that it may end anywhere.
pub fn unpacked(
    file: &str,
    bytes: &[u8],
    head: Option<usize>,
    encoding: Option<&'static Encoding>,
) -> Result<Vec<u8>, Fault> {
    if !bytes.starts_with(b"\x1F\x8B") {
        let what = foreign_format(bytes).map_or("not packed", |f| f.0);
        return Err(Fault::error("durbin::data::wrong_format", format!("{file} is no gzip file: it is {what}"))
            .help("leave `.gz` out of its name, or pack it again")
            .label(file, 1, 1, "the first bytes say so"));
    }
    let mut out = Vec::new();
    let mut decoder = MultiGzDecoder::new(bytes);
    let most = HARMLESS.max(MOST_SWOLLEN.saturating_mul(bytes.len() as u64));
    let limit = head.map_or(most, |h| most.min(h as u64));
    let mut part = vec![0u8; 1 << 16];
    loop {
        match decoder.read(&mut part) {
            Ok(0) => return Ok(out),
            Ok(n) => out.extend_from_slice(&part[..n]),
            Err(_) if head.is_some() && !out.is_empty() => return Ok(out),
            Err(e) => return Err(broken_archive(file, out.len() as u64, &e)),
        }
        // What no text table holds need not be unpacked to its end; UTF-16 is half zeros.
        if !encoding.is_some_and(is_wide) && out.len() as u64 > HARMLESS && out[..4096].contains(&0) {
            return Ok(out);
        }
        if out.len() as u64 >= limit {
            if head.is_some() {
                return Ok(out);
            }
            return Err(swollen(file, bytes.len() as u64, out.len() as u64));
        }
    }
}

fn broken_archive(file: &str, after: u64, error: &std::io::Error) -> Fault {
    Fault::error("durbin::data::truncated", format!("{file} cannot be unpacked to its end: {error}"))
        .help("it may have been cut off on its way: get it again")
        .label(file, 1, 1, format!("{} came out of it", size(after)))
}

/// A file that unpacks to much more than any table.
pub(super) fn swollen(file: &str, packed: u64, unpacked: u64) -> Fault {
    let message =
        format!("{file} ({}) unpacks to more than {}: no table is packed so tightly", size(packed), size(unpacked));
    Fault::error("durbin::data::too_large", message).help("unpack it by hand and look at what it holds").label(
        file,
        1,
        1,
        "an archive made to fill the memory looks like this",
    )
}

/// The UTF-8 of a text in another encoding, with a warning where it seems to be UTF-8 already.
pub fn decoded<'a>(
    file: &str,
    bytes: &'a [u8],
    encoding: Option<&'static Encoding>,
) -> Result<(Cow<'a, [u8]>, Option<Fault>), Fault> {
    let Some(encoding) = encoding.filter(|e| *e != UTF_8) else { return Ok((Cow::Borrowed(bytes), None)) };
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let wide = is_wide(encoding);
    if !wide && foreign_format(bytes).is_some() {
        return Ok((Cow::Borrowed(bytes), None));
    }
    let utf8 = !wide && !bytes.is_ascii() && std::str::from_utf8(bytes).is_ok();
    let doubt = utf8.then(|| doubtful(file, encoding));
    let mut text = String::with_capacity(bytes.len() + bytes.len() / 2 + 16);
    let mut decoder = encoding.new_decoder_with_bom_removal();
    let mut read = 0;
    loop {
        text.reserve(decoder.max_utf8_buffer_length(bytes.len() - read).unwrap_or(bytes.len()).min(1 << 26));
        let (result, n) = decoder.decode_to_string_without_replacement(&bytes[read..], &mut text, true);
        read += n;
        match result {
            DecoderResult::InputEmpty => return Ok((Cow::Owned(text.into_bytes()), doubt)),
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => return Err(malformed(file, encoding, &text)),
        }
    }
}

/// A file in another encoding that seems to be UTF-8 already.
pub fn doubtful(file: &str, encoding: &'static Encoding) -> Fault {
    let message = format!("{file} is read as {}, but all of it is valid UTF-8", encoding.name());
    Fault::warning("durbin::data::encoding_doubtful", message)
        .help("if names look wrong, leave the clause `encoding` out")
}

fn malformed(file: &str, encoding: &'static Encoding, before: &str) -> Fault {
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
    let message = format!("{file} is not {}: line {line} holds bytes that mean nothing in it", encoding.name());
    Fault::error("durbin::data::encoding", message)
        .help("name the encoding of the program that wrote the file: `encoding \"gb18030\"`, `\"big5\"`, `\"windows-1252\"`; UTF-8 needs no clause")
        .label(file, line, column, "the first such bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::writing;
    use std::io::Write;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        to.write_all(bytes).unwrap();
        to.finish().unwrap()
    }

    #[test]
    fn gzip_is_unpacked_and_its_beginning_too() {
        let text = "town,x\nA,1\n".repeat(5000);
        let archive = packed(text.as_bytes());
        assert_eq!(unpacked("t.csv.gz", &archive, None, None).unwrap(), text.as_bytes());
        let head = unpacked("t.csv.gz", &archive[..archive.len() / 2], Some(1 << 20), None).unwrap();
        assert!(!head.is_empty() && text.as_bytes().starts_with(&head));
        assert_eq!(
            unpacked("t.csv.gz", &archive[..archive.len() / 2], None, None).unwrap_err().code,
            "durbin::data::truncated"
        );
        assert_eq!(unpacked("t.csv.gz", b"town,x\n", None, None).unwrap_err().code, "durbin::data::wrong_format");
    }

    #[test]
    fn a_packed_table_of_wide_characters_is_unpacked_to_its_end() {
        let row: Vec<u8> = "Arden,2010,1.5\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let text = row.repeat((34 << 20) / row.len());
        let utf16 = writing::encoding("utf-16le");
        assert!(utf16.is_some());
        let plain = unpacked("t.csv.gz", &gently(&text), None, utf16).unwrap();
        assert_eq!(plain.len(), text.len());
    }

    /// Packed so lightly that nobody takes it for an archive that swells.
    fn gently(bytes: &[u8]) -> Vec<u8> {
        let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
        to.write_all(bytes).unwrap();
        to.finish().unwrap()
    }

    #[test]
    fn an_archive_that_swells_without_end_is_refused() {
        let archive = packed(&vec![b'a'; 100 << 20]);
        assert_eq!(unpacked("t.csv.gz", &archive, None, None).unwrap_err().code, "durbin::data::too_large");
    }

    #[test]
    fn other_encodings_become_utf8() {
        let gb = writing::encoding("gb18030");
        let (text, doubt) = decoded("t.csv", b"\xba\xbc\xd6\xdd,1\n", gb).unwrap();
        assert_eq!((text.as_ref(), doubt.is_none()), ("杭州,1\n".as_bytes(), true));
        let (text, _) = decoded("t.csv", b"K\xf6ln", writing::encoding("latin1")).unwrap();
        assert_eq!(text.as_ref(), "Köln".as_bytes());
        let (text, _) = decoded("t.csv", b"\xff\xfea\0,\0b\0", writing::encoding("utf-16")).unwrap();
        assert_eq!(text.as_ref(), b"a,b");
        let fault = decoded("t.csv", b"a\nxy\xff\n", gb).unwrap_err();
        assert_eq!((fault.code, fault.labels[0].line, fault.labels[0].column), ("durbin::data::encoding", 2, 3));
        assert!(decoded("t.csv", "Köln".as_bytes(), writing::encoding("latin1")).unwrap().1.is_some());
    }
}
