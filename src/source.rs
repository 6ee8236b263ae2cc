//! The texts of a run and places in them: programs, modules of the standard library, `--set` values.
//!
//! A [`Span`] is a byte range of one source; [`Sources`] turns it into lines and columns, counted from 1,
//! columns in characters, a line ending at LF, CR LF or a lone CR, as an editor counts.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Which text a span lies in: an index into [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
pub struct SourceId(pub u32);

/// A byte range of one source, `start <= end`, both on character boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
pub struct Span {
    pub source: SourceId,
    pub start: u32,
    pub end: u32,
}

impl Span {
    /// A range of `source`; offsets beyond 4 GiB saturate.
    pub fn new(source: SourceId, start: usize, end: usize) -> Span {
        let clip = |x: usize| u32::try_from(x).unwrap_or(u32::MAX);
        Span { source, start: clip(start), end: clip(end) }
    }

    /// The smallest span that holds both; of two sources, the first.
    pub fn to(self, other: Span) -> Span {
        if self.source != other.source {
            return self;
        }
        Span { source: self.source, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// As a range for slicing the source's text.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// One text: its name as messages show it, and where its lines begin.
#[derive(Clone, Debug)]
pub struct Source {
    pub name: String,
    pub text: String,
    line_starts: Vec<usize>,
}

/// A place as an editor shows it, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineColumn {
    pub line: usize,
    pub column: usize,
}

impl Source {
    /// Reads the line table of `text`.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Source {
        let text = text.into();
        let bytes = text.as_bytes();
        let mut line_starts = vec![0];
        for (i, &b) in bytes.iter().enumerate() {
            let lone_cr = b == b'\r' && bytes.get(i + 1) != Some(&b'\n');
            if b == b'\n' || lone_cr {
                line_starts.push(i + 1);
            }
        }
        Source { name: name.into(), text, line_starts }
    }

    /// Line and column of a byte offset; beyond the end, the end.
    pub fn line_column(&self, offset: usize) -> LineColumn {
        let offset = offset.min(self.text.len());
        let line = self.line_starts.partition_point(|&s| s <= offset);
        let start = self.line_starts[line - 1];
        let before = self.text.get(start..offset).unwrap_or("");
        let bom = usize::from(line == 1 && before.starts_with('\u{feff}'));
        LineColumn { line, column: before.chars().count() + 1 - bom }
    }

    /// The text of a line (from 1), without its line end.
    pub fn line(&self, line: usize) -> &str {
        let Some(&start) = self.line_starts.get(line.wrapping_sub(1)) else { return "" };
        let end = self.line_starts.get(line).copied().unwrap_or(self.text.len());
        self.text.get(start..end).unwrap_or("").trim_end_matches(['\n', '\r'])
    }
}

/// All texts of a run; a [`SourceId`] is an index here.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    list: Vec<Arc<Source>>,
}

impl Sources {
    /// Adds a text and says how spans refer to it.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        self.list.push(Arc::new(Source::new(name, text)));
        SourceId((self.list.len() - 1) as u32)
    }

    /// The text of this name if it is here as it stands, else it is added.
    pub fn known_or_add(&mut self, name: &str, text: &str) -> SourceId {
        match self.list.iter().position(|s| s.name == name && s.text == text) {
            Some(place) => SourceId(place as u32),
            None => self.add(name, text),
        }
    }

    /// The source of an id.
    pub fn get(&self, id: SourceId) -> Option<&Source> {
        self.list.get(id.0 as usize).map(Arc::as_ref)
    }

    /// The text under a span, empty where it does not exist.
    pub fn slice(&self, span: Span) -> &str {
        self.get(span.source).and_then(|s| s.text.get(span.range())).unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_line_end_counts_once() {
        let s = Source::new("x", "a\r\nbé\rc\nd");
        assert_eq!(s.line_column(0), LineColumn { line: 1, column: 1 });
        assert_eq!(s.line_column(3), LineColumn { line: 2, column: 1 });
        assert_eq!(s.line_column(6), LineColumn { line: 2, column: 3 });
        assert_eq!(s.line_column(7), LineColumn { line: 3, column: 1 });
        assert_eq!(s.line_column(9), LineColumn { line: 4, column: 1 });
        assert_eq!(s.line(2), "bé");
    }

    #[test]
    fn a_byte_order_mark_takes_no_column() {
        let s = Source::new("x", "\u{feff}panel");
        assert_eq!(s.line_column(3), LineColumn { line: 1, column: 1 });
    }
}
