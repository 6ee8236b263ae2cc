//! Bytes to text: a program is UTF-8, and one that is not gets told which encoding it is likely in.

use crate::diagnostic::Diagnostic;
use crate::source::{Source, SourceId, Span};
use crate::syntax::faults;

/// A program in another encoding, with what can be shown of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotUtf8 {
    pub name: String,
    /// The text with U+FFFD for what could not be read; its lines are those of the file.
    pub text: String,
    /// Where in `text` the first unreadable character stands.
    pub offset: usize,
    pub line: usize,
    /// `GB18030`, `UTF-16` or `Latin-1`.
    pub likely: &'static str,
}

impl NotUtf8 {
    /// The fault, `source` being the id under which `text` was added to the sources.
    pub fn diagnostic(&self, source: SourceId) -> Diagnostic {
        let length = self.text.get(self.offset..).and_then(|t| t.chars().next()).map_or(0, char::len_utf8);
        let span = Span::new(source, self.offset, self.offset + length);
        faults::not_utf8(span, &self.name, self.line, self.likely)
    }
}

/// Reads a program's bytes. The byte order mark, if any, stays: the parser knows it.
///
/// # Errors
/// [`NotUtf8`] where the bytes are of another encoding.
pub fn decode(name: &str, bytes: &[u8]) -> Result<String, Box<NotUtf8>> {
    let error = match std::str::from_utf8(bytes) {
        Ok(text) if !looks_like_utf16(bytes) => return Ok(text.to_string()),
        Ok(_) => None,
        Err(e) => Some(e.valid_up_to()),
    };
    let (text, offset, likely) = if looks_like_utf16(bytes) {
        (utf16_text(bytes), 0, "UTF-16")
    } else {
        let likely = if looks_like_gb18030(bytes) { "GB18030" } else { "Latin-1" };
        (String::from_utf8_lossy(bytes).into_owned(), error.unwrap_or(0), likely)
    };
    let line = Source::new("", text.as_str()).line_column(offset).line;
    Err(Box::new(NotUtf8 { name: name.to_string(), text, offset, line, likely }))
}

/// A mark of byte order, or a zero in every other byte of the beginning.
fn looks_like_utf16(bytes: &[u8]) -> bool {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return true;
    }
    let head = &bytes[..bytes.len().min(64)];
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|b| **b == 0).count();
    head.len() >= 4 && (zeros(0) * 4 > head.len() || zeros(1) * 4 > head.len()) && zeros(0).min(zeros(1)) == 0
}

fn utf16_text(bytes: &[u8]) -> String {
    let big = bytes.starts_with(&[0xfe, 0xff]) || (bytes.first() == Some(&0) && bytes.get(1) != Some(&0));
    let units = bytes.chunks_exact(2).map(|pair| {
        let pair = [pair[0], pair[1]];
        if big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    });
    char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).filter(|c| *c != '\u{feff}').collect()
}

/// Chinese text in GB18030 is made of pairs whose bytes are both high; in Latin-1 a high byte stands among letters.
fn looks_like_gb18030(bytes: &[u8]) -> bool {
    let (mut pairs, mut mixed, mut at) = (0usize, 0usize, 0usize);
    while at < bytes.len() {
        if bytes[at] < 0x80 {
            at += 1;
            continue;
        }
        match (bytes[at], bytes.get(at + 1)) {
            (0x81..=0xfe, Some(0x80..=0xfe)) => pairs += 1,
            (0x81..=0xfe, Some(0x40..=0x7e)) => mixed += 1,
            (0x81..=0xfe, Some(0x30..=0x39)) if bytes.get(at + 2).is_some_and(|b| *b >= 0x81) => {
                pairs += 1;
                at += 2;
            }
            _ => return false,
        }
        at += 2;
    }
    pairs > mixed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likely_encoding_and_the_line_are_told() {
        let gb = b"panel p from \"p.csv\" {\n  unit u\n  time t\n}\nlet \xd7\xa8\xd2\xb5\xbb\xaf = 1\n";
        let e = decode("gbk.durbin", gb).unwrap_err();
        assert_eq!((e.likely, e.line), ("GB18030", 5));
        let d = e.diagnostic(SourceId(0));
        assert!(d.message.contains("UTF-8") && d.message.contains("GB18030"));
        assert_eq!(&e.text[d.span.unwrap().range()], "\u{fffd}");

        let latin = decode("x", b"a\nlet r\xe9gion = 1").unwrap_err();
        assert_eq!((latin.likely, latin.line), ("Latin-1", 2));

        let wide: Vec<u8> =
            [0xff, 0xfe].into_iter().chain("let a = 1".encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let e = decode("x", &wide).unwrap_err();
        assert_eq!((e.likely, e.line, e.text.as_str()), ("UTF-16", 1, "let a = 1"));
        assert_eq!(decode("x", "let é = 1".as_bytes()).unwrap(), "let é = 1");
    }
}
