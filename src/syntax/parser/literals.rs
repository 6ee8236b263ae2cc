//! Numbers, lengths, texts and names as they are written.

use super::{Builder, Node};
use crate::source::Span;
use crate::syntax::ast::{ExprKind, Name, Text};
use crate::syntax::faults;
use crate::syntax::scan;
use unicode_normalization::UnicodeNormalization;

/// A name, in backticks or not, in Unicode normal form C.
pub fn name(span: Span, written: &str) -> Name {
    let bare = written.strip_prefix('`').and_then(|w| w.strip_suffix('`'));
    Name { text: bare.unwrap_or(written).nfc().collect(), quoted: bare.is_some(), span }
}

/// The parts of a number-like word: digits, and the unit that clings to them.
enum Written<'a> {
    Number(&'a str),
    Length(&'a str, &'a str),
    Wrong(&'static str, String),
}

impl Builder<'_> {
    pub(super) fn text_literal(&self, node: &Node) -> Text {
        Text { text: scan::content(node.as_str()), span: self.span(node) }
    }

    /// A number, or a length where a unit clings to it: `100km`.
    pub(super) fn number(&mut self, node: &Node) -> ExprKind {
        let written = node.as_str();
        let span = self.span(node);
        match dissect(written) {
            Written::Number(digits) => ExprKind::Number(self.float(digits, span)),
            Written::Length(digits, unit) => {
                let value = self.float(digits, span);
                let at = span.start as usize + digits.len();
                let unit = name(Span::new(self.source, at, at + unit.len()), unit);
                ExprKind::Length { value, unit }
            }
            Written::Wrong(why, write) => {
                self.fault(faults::bad_number(span, written, why, &write));
                ExprKind::Number(0.0)
            }
        }
    }

    /// A number alone, where no unit may follow: the key of a record.
    pub(super) fn plain_number(&mut self, node: &Node) -> f64 {
        match self.number(node) {
            ExprKind::Number(value) => value,
            _ => {
                let digits: String = node.as_str().chars().take_while(|c| c.is_ascii_digit()).collect();
                self.fault(faults::bad_number(
                    self.span(node),
                    node.as_str(),
                    "a length is no key",
                    &format!("`{digits}`, or a text in quotes"),
                ));
                0.0
            }
        }
    }

    /// `100 km`: a number and a word.
    pub(super) fn length(&mut self, node: Node) -> ExprKind {
        let mut parts = node.into_inner();
        let (Some(digits), Some(unit)) = (parts.next(), parts.next()) else { return ExprKind::Missing };
        match self.number(&digits) {
            ExprKind::Number(value) => ExprKind::Length { value, unit: self.name(&unit) },
            // `100km km`
            other => {
                self.fault(faults::unexpected(
                    self.span(&unit),
                    &format!("`{}`", unit.as_str()),
                    "an operator or `,`",
                    "a length has one unit: `100 km`",
                ));
                other
            }
        }
    }

    fn float(&mut self, digits: &str, span: Span) -> f64 {
        let plain: String = digits.chars().filter(|c| *c != '_').collect();
        match plain.parse::<f64>() {
            Ok(value) if value.is_finite() => value,
            _ => {
                let write = "a number below 1.8e308; `inf` is infinity";
                self.fault(faults::bad_number(span, digits, "it is beyond 64-bit floats", write));
                0.0
            }
        }
    }
}

/// Digits with single underscores between them at the start of `text`: their length.
fn digit_run(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut end = 0;
    while let Some(b) = bytes.get(end) {
        let joins =
            *b == b'_' && end > 0 && bytes[end - 1] != b'_' && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
        if !b.is_ascii_digit() && !joins {
            break;
        }
        end += 1;
    }
    end
}

fn dissect(written: &str) -> Written<'_> {
    let plain = written.replace('_', "");
    if written.starts_with('.') {
        return Written::Wrong("digits stand on both sides of the point", format!("`0{written}`"));
    }
    let whole = digit_run(written);
    let mut end = whole;
    if written[end..].starts_with('.') {
        let decimals = digit_run(&written[end + 1..]);
        if decimals == 0 {
            let rest = &written[end + 1..];
            let write = format!("`{}`", if rest.is_empty() { &written[..end] } else { "1.0" });
            return Written::Wrong("digits stand on both sides of the point", write);
        }
        end += 1 + decimals;
    }
    let rest = &written[end..];
    if let Some(power) = rest.strip_prefix(['e', 'E']) {
        let sign = usize::from(power.starts_with(['+', '-']));
        let digits = digit_run(&power[sign..]);
        if digits == 0 && (power.is_empty() || sign == 1) {
            return Written::Wrong("digits are missing after `e`", format!("`{}e3`", &written[..end]));
        }
        if digits > 0 {
            end += 1 + sign + digits;
        }
    }
    let rest = &written[end..];
    match rest.chars().next() {
        None => Written::Number(&written[..end]),
        Some('_') => Written::Wrong("one underscore stands between two digits", format!("`1_000` or `{plain}`")),
        Some('.') => Written::Wrong("it has two points", format!("one point: `{}`", &written[..end])),
        Some('x' | 'X' | 'o' | 'b')
            if &written[..end] == "0" && rest.chars().nth(1).is_some_and(|c| c.is_ascii_hexdigit()) =>
        {
            Written::Wrong("numbers are decimal", decimal(written))
        }
        Some(_) if rest.chars().all(|c| c.is_alphabetic() || c == '²') => Written::Length(&written[..end], rest),
        Some(_) => Written::Wrong("letters and digits are mixed", "digits, or a name that begins with a letter".into()),
    }
}

/// The decimal form of `0x1F`, `0o17` and `0b101`.
fn decimal(written: &str) -> String {
    let base = match written.as_bytes().get(1) {
        Some(b'x' | b'X') => 16,
        Some(b'o') => 8,
        _ => 2,
    };
    let digits = written[2..].replace('_', "");
    match u64::from_str_radix(&digits, base) {
        Ok(value) => format!("`{value}`"),
        Err(_) => "it in decimal digits".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(written: &str) -> &'static str {
        match dissect(written) {
            Written::Number(_) => "number",
            Written::Length(..) => "length",
            Written::Wrong(..) => "wrong",
        }
    }

    #[test]
    fn numbers_lengths_and_neither_are_told_apart() {
        for good in ["0", "1_000", "2.5e-3", "1e5", "007", "1.5E+3"] {
            assert_eq!(kind(good), "number", "{good}");
        }
        for good in ["100km", "60mi", "500ft", "2.5m", "1e3km"] {
            assert_eq!(kind(good), "length", "{good}");
        }
        for bad in [".5", "1.", "1.2.3", "1e", "1e+", "1__0", "1_", "0x1F", "12abc3", "1.km"] {
            assert_eq!(kind(bad), "wrong", "{bad}");
        }
    }
}
