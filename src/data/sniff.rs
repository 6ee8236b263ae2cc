//! What a file is when it is not what its name says: its first bytes, its likely encoding, its extension.

use crate::fault::Fault;

/// Extensions that are read as tables.
pub const READ: [&str; 9] = [".csv", ".tsv", ".csv.gz", ".tsv.gz", ".dta", ".xlsx", ".parquet", ".arrow", ".feather"];

/// Refuses an extension that is not read, naming those that are.
pub fn check_extension(path: &str) -> Result<(), Fault> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = match name.rfind('.') {
        Some(dot) if dot > 0 => &name[dot..],
        _ => "",
    };
    let lower = name.to_ascii_lowercase();
    let reads = |ending: &&str| lower.len() > ending.len() && lower.ends_with(*ending);
    if READ.iter().any(reads) {
        return Ok(());
    }
    let found = if extension.is_empty() {
        format!("\"{path}\" has no extension")
    } else {
        format!("\"{path}\" ends in `{extension}`, which durbin does not read")
    };
    Err(Fault::error("durbin::data::unknown_format", format!("{found}; it reads {}", READ.join(", ")))
        .help("export the table as CSV UTF-8 and name that file"))
}

/// What the first bytes say, where they are not those of a text table: words, and what to do.
pub fn foreign_format(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    const CSV: &str = "export it as CSV UTF-8";
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") {
        return Some(archive(bytes));
    }
    let stata = starts(b"<stata_dta>")
        || matches!(bytes, [version, order, 1, 0, ..] if (105..=115).contains(version) && matches!(order, 1 | 2));
    let by_magic: [(&[u8], &str, &str); 19] = [
        (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "an Excel workbook (.xls)", CSV),
        (b"%PDF", "a PDF document", "export the table from its source as CSV UTF-8"),
        (b"\x1F\x8B", "a gzip archive", "add `.gz` to its name, or unpack it"),
        (b"BZh", "a bzip2 archive", "unpack it"),
        (b"\xFD7zXZ\0", "an xz archive", "unpack it"),
        (b"7z\xBC\xAF\x27\x1C", "a 7z archive", "unpack it"),
        (b"\x28\xB5\x2F\xFD", "a zstd archive", "unpack it"),
        (b"Rar!", "a RAR archive", "unpack it"),
        (b"PAR1", "a Parquet file", "rename it to `.parquet`, or export it as CSV UTF-8"),
        (b"ARROW1", "an Arrow file", "rename it to `.arrow`, or export it as CSV UTF-8"),
        (b"FEA1", "a Feather file", CSV),
        (b"$FL2", "an SPSS file", CSV),
        (b"$FL3", "an SPSS file", CSV),
        (b"RDX", "an R data file", CSV),
        (b"SQLite format 3", "an SQLite database", CSV),
        (b"\x89PNG", "a PNG picture", CSV),
        (b"\xFF\xD8\xFF", "a JPEG picture", CSV),
        (b"\x89HDF", "an HDF5 file", CSV),
        (b"{\\rtf", "a rich-text document", "save it as plain text"),
    ];
    if stata {
        return Some(("a Stata file", "export it as CSV UTF-8, or rename it to `.dta`"));
    }
    by_magic.iter().find(|(magic, _, _)| starts(magic)).map(|&(_, what, help)| (what, help)).or_else(|| markup(bytes))
}

fn archive(bytes: &[u8]) -> (&'static str, &'static str) {
    let holds = |part: &[u8]| bytes.windows(part.len()).any(|w| w == part);
    if holds(b"xl/") {
        ("an Excel workbook", "rename it to `.xlsx`, or in Excel save the sheet as \"CSV UTF-8\"")
    } else if holds(b"opendocument") {
        ("an OpenDocument spreadsheet", "save the sheet as CSV in UTF-8")
    } else {
        ("a zip archive", "unpack it")
    }
}

/// HTML, XML and JSON, which begin with text.
fn markup(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii_start();
    let head = bytes[..bytes.len().min(64)].to_ascii_lowercase();
    let starts = |t: &str| head.starts_with(t.as_bytes());
    if ["<!doctype html", "<html", "<head", "<body", "<table", "<!--"].iter().any(|t| starts(t)) {
        Some(("an HTML page", "download the file itself, not the page that links to it"))
    } else if starts("<?xml") {
        Some(("an XML document", "export the table as CSV UTF-8"))
    } else if starts("{\"") || starts("[{") || starts("{\n") || starts("{\r\n") {
        Some(("a JSON document", "export the table as CSV UTF-8"))
    } else {
        None
    }
}

/// The likely encoding of bytes that are not UTF-8.
pub fn likely_encoding(bytes: &[u8]) -> &'static str {
    if looks_utf16(bytes) {
        return "UTF-16";
    }
    let (mut even, mut odd, mut run) = (0usize, 0usize, 0usize);
    for &b in bytes.iter().chain(std::iter::once(&b' ')) {
        if b >= 0x80 {
            run += 1;
        } else if run > 0 {
            // A Chinese word is pairs of high bytes; an accent of a European one stands alone.
            if run.is_multiple_of(2) {
                even += 1;
            } else {
                odd += 1;
            }
            run = 0;
        }
    }
    if even > odd { "GB18030" } else { "Latin-1 (Windows-1252)" }
}

/// Whether the head of a file is UTF-16: its mark, or every other byte zero.
pub fn looks_utf16(bytes: &[u8]) -> bool {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return true;
    }
    let head = &bytes[..bytes.len().min(64)];
    let zeros = |from: usize| head.iter().skip(from).step_by(2).filter(|&&b| b == 0).count();
    head.len() >= 4 && (zeros(0) * 4 > head.len()) != (zeros(1) * 4 > head.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_table_is_named() {
        let what = |b: &[u8]| foreign_format(b).map(|f| f.0);
        assert_eq!(what(b"PK\x03\x04....xl/workbook.xml"), Some("an Excel workbook"));
        assert_eq!(what(b"PK\x03\x04...."), Some("a zip archive"));
        assert_eq!(what(b"%PDF-1.7"), Some("a PDF document"));
        assert_eq!(what(b"\n  <!DOCTYPE html><html>"), Some("an HTML page"));
        assert_eq!(what(b"<stata_dta><header>"), Some("a Stata file"));
        assert_eq!(what(&[114, 2, 1, 0, 5]), Some("a Stata file"));
        assert_eq!(what(b"\x1F\x8B\x08"), Some("a gzip archive"));
        assert_eq!(what(b"PAR1..."), Some("a Parquet file"));
        assert_eq!(what(b"town,year\n"), None);
        assert_eq!(what(b"<town>,year\n"), None);
    }

    #[test]
    fn the_encoding_is_guessed_from_runs_of_high_bytes() {
        assert_eq!(likely_encoding(b"\xba\xbc\xd6\xdd,2001"), "GB18030");
        assert_eq!(likely_encoding(b"M\xfcnchen,K\xf6ln"), "Latin-1 (Windows-1252)");
        assert_eq!(likely_encoding(b"\xff\xfet\0o\0"), "UTF-16");
    }

    #[test]
    fn extensions_say_what_is_read() {
        assert!(check_extension("a/b.CSV").is_ok());
        assert!(check_extension("b.tsv").is_ok() && check_extension("b.csv.gz").is_ok());
        assert!(check_extension("b.dta").is_ok() && check_extension("b.gz").is_err());
        let fault = check_extension("towns.sav").unwrap_err();
        assert_eq!(fault.code, "durbin::data::unknown_format");
        assert!(fault.message.contains(".sav") && fault.message.contains(".csv"));
        assert!(check_extension("data.d/towns").unwrap_err().message.contains("no extension"));
    }
}
