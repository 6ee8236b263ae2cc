//! Strings and names in backticks: whether they end, and what they escape.

use super::{Walker, characters};
use crate::syntax::faults;

impl Walker<'_> {
    /// A string, to its closing quote or the end of its line.
    pub(super) fn string(&mut self) {
        let start = self.at;
        let line_end = self.line_end(start);
        let mut bad: Option<(usize, usize)> = None;
        let mut at = start + 1;
        let mut before = None;
        while at < line_end {
            let Some(c) = self.text[at..].chars().next() else { break };
            if c == '"' {
                return self.string_ends(start, at + 1, bad);
            }
            let mut length = c.len_utf8();
            if c == '\\' {
                let (escape, fits) = escape(&self.text[at..line_end]);
                length = escape;
                if !fits && bad.is_none() {
                    bad = Some((at, at + escape));
                }
            } else if characters::is_invisible(c) {
                let after = self.text[at + length..line_end].chars().next();
                if !characters::is_joiner_in_place(c, before, after) {
                    self.invisible.push((c, at, true));
                }
            }
            before = Some(c);
            at += length;
        }
        self.string_stays_open(start, line_end);
    }

    fn string_ends(&mut self, start: usize, end: usize, bad: Option<(usize, usize)>) {
        if let Some((from, to)) = bad {
            let whole = &self.text[start..end];
            let fault = faults::bad_escape(self.span(from, to), &self.text[from..to], whole);
            self.fault(fault);
        }
        self.at = start;
        self.token(end - start);
    }

    fn string_stays_open(&mut self, start: usize, line_end: usize) {
        let line = &self.text[start..line_end];
        let foreign = line.char_indices().rfind(|&(_, c)| characters::is_foreign_quote(c) && c != '\'');
        if let Some((i, c)) = foreign {
            // `"towns.csv”`: the quote of a word processor closes what a plain one opened.
            self.foreign.push((c, start + i));
            self.at = start;
            return self.token(i + c.len_utf8());
        }
        self.open_string = true;
        let fault = faults::unclosed_string(self.span(start, start + 1), line.trim_end());
        self.fault(fault);
        self.at = start;
        self.token(line_end - start);
    }

    /// A name in backticks, on one line.
    pub(super) fn backticks(&mut self) {
        let start = self.at;
        let line_end = self.line_end(start);
        let inside = &self.text[start + 1..line_end];
        let Some(length) = inside.find('`') else {
            self.open_string = true;
            let fault = faults::unclosed_string(self.span(start, start + 1), self.text[start..line_end].trim_end());
            self.fault(fault);
            return self.token(line_end - start);
        };
        for (i, c) in inside[..length].char_indices() {
            let before = inside[..i].chars().next_back();
            let after = inside[i + c.len_utf8()..].chars().next();
            if characters::is_invisible(c) && !characters::is_joiner_in_place(c, before, after) {
                self.invisible.push((c, start + 1 + i, false));
            }
        }
        self.token(length + 2);
    }
}

/// The length of the escape `text` begins with, and whether it is one of the language's.
fn escape(text: &str) -> (usize, bool) {
    let mut chars = text.chars();
    chars.next();
    match chars.next() {
        Some('"' | '\\' | 'n' | 't') => (2, true),
        Some('u') => match text.get(2..).and_then(|t| t.strip_prefix('{')).and_then(|t| t.find('}')) {
            Some(n) => (n + 4, unescape(&text[..n + 4]).is_some()),
            None => (2, false),
        },
        Some(c) => (1 + c.len_utf8(), false),
        None => (1, false),
    }
}

/// The character an escape stands for.
pub fn unescape(escape: &str) -> Option<char> {
    match escape {
        "\\\"" => Some('"'),
        "\\\\" => Some('\\'),
        "\\n" => Some('\n'),
        "\\t" => Some('\t'),
        _ => {
            let digits = escape.strip_prefix("\\u{")?.strip_suffix('}')?;
            let hexadecimal = (1..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
            if hexadecimal { u32::from_str_radix(digits, 16).ok().and_then(char::from_u32) } else { None }
        }
    }
}

/// The text of a string literal, its quotes included, with escapes resolved; unknown ones stay as written.
pub fn content(literal: &str) -> String {
    let mut rest = literal.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(literal);
    let mut text = String::with_capacity(rest.len());
    while let Some(n) = rest.find('\\') {
        text.push_str(&rest[..n]);
        let (length, _) = escape(&rest[n..]);
        match unescape(&rest[n..n + length]) {
            Some(c) => text.push(c),
            None => text.push_str(&rest[n..n + length]),
        }
        rest = &rest[n + length..];
    }
    text.push_str(rest);
    text
}
