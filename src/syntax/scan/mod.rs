//! The search of the text before its grammar counts: characters, strings, comments, operators of other languages,
//! brackets and nesting. It walks the text once and also notes what the later stages need: where comments stand, and
//! where a fault may be cut off so that the rest can still be read.

pub mod brackets;
pub mod characters;
mod operators;
mod strings;

pub use strings::content;

use crate::diagnostic::Diagnostic;
use crate::source::{Source, SourceId, Span};
use crate::syntax::faults;
use brackets::{Bracket, CommentRange};

/// Levels of brackets, and of `if` inside `if`, a program may have.
pub const DEEPEST: usize = 128;

/// Faults of one kind of search beyond which the rest is not told.
const MOST_FAULTS: usize = 100;

/// What the search found.
#[derive(Debug, Default)]
pub struct Scan {
    pub comments: Vec<ScannedComment>,
    /// Line ends outside brackets, in order.
    pub cuts: Vec<Cut>,
    /// The braces of `panel`, `data`, `options` and `report`: opening and closing offsets.
    pub blocks: Vec<(usize, usize)>,
    pub faults: Vec<Diagnostic>,
    /// Brackets are open at the end, and nothing else is wrong.
    pub still_open: bool,
}

/// A comment, and whether it documents what follows: `##` at the start of a line, outside brackets.
#[derive(Clone, Copy, Debug)]
pub struct ScannedComment {
    pub range: CommentRange,
    pub documents: bool,
}

/// A line end outside brackets; it ends a statement or clause unless the line `continues`.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    pub at: usize,
    pub in_block: bool,
    pub continues: bool,
}

/// Searches the whole of `text`.
pub fn scan(source: SourceId, text: &str) -> Scan {
    let mut walker = Walker::new(source, text);
    if text.starts_with('\u{feff}') {
        walker.at = '\u{feff}'.len_utf8();
    }
    while walker.at < text.len() {
        walker.step();
    }
    walker.finish()
}

/// An open bracket, with the number of `if`s begun inside it and not yet left.
struct Level {
    open: usize,
    ifs: usize,
    block: bool,
}

struct Walker<'a> {
    source: SourceId,
    text: &'a str,
    at: usize,
    /// Open brackets; the first stands for the text itself.
    levels: Vec<Level>,
    depth: usize,
    too_deep: bool,
    open_string: bool,
    /// The last token that is neither blank nor comment.
    last: (usize, usize),
    line_is_blank: bool,
    brackets: Vec<Bracket>,
    foreign: Vec<(char, usize)>,
    invisible: Vec<(char, usize, bool)>,
    found: Scan,
}

impl<'a> Walker<'a> {
    fn new(source: SourceId, text: &'a str) -> Walker<'a> {
        Walker {
            source,
            text,
            at: 0,
            levels: vec![Level { open: 0, ifs: 0, block: false }],
            depth: 0,
            too_deep: false,
            open_string: false,
            last: (0, 0),
            line_is_blank: true,
            brackets: Vec::new(),
            foreign: Vec::new(),
            invisible: Vec::new(),
            found: Scan::default(),
        }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.source, start, end)
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn fault(&mut self, fault: Diagnostic) {
        if !self.is_full() {
            self.found.faults.push(fault);
        }
    }

    /// No further fault is listed, and none need be worded.
    fn is_full(&self) -> bool {
        self.found.faults.len() >= MOST_FAULTS
    }

    /// Neither in brackets nor in a record: at the top, or directly inside a block.
    fn outside(&self) -> bool {
        self.levels.len() == 1 || (self.levels.len() == 2 && self.levels[1].block)
    }

    /// The end of the line that holds `from`, without its line end.
    fn line_end(&self, from: usize) -> usize {
        self.text[from..].find(['\n', '\r']).map_or(self.text.len(), |n| from + n)
    }

    /// Takes the next `bytes` bytes as a token.
    fn token(&mut self, bytes: usize) {
        self.last = (self.at, self.at + bytes);
        self.at += bytes;
        self.line_is_blank = false;
    }

    fn step(&mut self) {
        let Some(c) = self.rest().chars().next() else { return };
        match c {
            '\n' | '\r' => self.line_ends(c),
            '"' => self.string(),
            '`' => self.backticks(),
            '#' => self.comment(),
            '(' | '[' | '{' => self.opens(c),
            ')' | ']' | '}' => self.closes(c),
            _ if c.is_ascii_digit() => self.number(),
            _ if characters::plain_form(c).is_some() => self.foreign_mark(c),
            _ if c.is_alphabetic() || c == '_' => self.word(),
            _ if characters::is_invisible(c) => self.unseen(c, false),
            _ if c.is_whitespace() => self.at += c.len_utf8(),
            _ if c.is_ascii_punctuation() => self.operator(c),
            _ => self.token(c.len_utf8()),
        }
    }

    fn line_ends(&mut self, c: char) {
        let at = self.at;
        self.at += if c == '\r' && self.rest().starts_with("\r\n") { 2 } else { 1 };
        self.line_is_blank = true;
        if !self.outside() {
            return;
        }
        let continues = self.last_continues();
        self.found.cuts.push(Cut { at, in_block: self.levels.len() == 2, continues });
        let open_ifs = self.levels.last().is_some_and(|l| l.ifs > 0);
        if open_ifs && !continues && !matches!(next_word(self.rest()), "then" | "else") {
            self.leave_ifs();
        }
    }

    /// Whether the last token asks for more on the next line.
    fn last_continues(&self) -> bool {
        let last = &self.text[self.last.0..self.last.1];
        matches!(last, "then" | "else" | "and" | "or" | "not" | "in" | "if")
            || last.ends_with(|c: char| "+-*/^@:=<>~|,.".contains(c))
    }

    fn leave_ifs(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            self.depth -= level.ifs;
            level.ifs = 0;
        }
    }

    fn deeper(&mut self) {
        self.depth += 1;
        if self.depth > DEEPEST && !self.too_deep {
            self.too_deep = true;
            let fault = faults::too_deep(self.span(self.at, self.at + 1));
            self.fault(fault);
        }
    }

    fn opens(&mut self, mark: char) {
        let block = mark == '{' && self.levels.len() == 1 && self.begins_block();
        self.deeper();
        self.open_bracket(mark, self.at, block);
        self.token(1);
    }

    fn open_bracket(&mut self, mark: char, at: usize, block: bool) {
        self.brackets.push(Bracket { at, mark });
        self.levels.push(Level { open: at, ifs: 0, block });
    }

    /// A brace after a word, a string or a call opens a block; after `=`, `(`, `,` or an operator, a record.
    fn begins_block(&self) -> bool {
        let before = self.text[..self.last.1].chars().next_back();
        before.is_some_and(|c| {
            c.is_alphanumeric() || matches!(c, '_' | '"' | '`' | ')') || characters::is_foreign_quote(c)
        }) && self.last.1 > 0
    }

    fn closes(&mut self, mark: char) {
        self.close_bracket(mark, self.at);
        self.token(1);
    }

    fn close_bracket(&mut self, mark: char, at: usize) {
        self.brackets.push(Bracket { at, mark });
        // Here any closing mark closes what is open: which of the two is wrong is told at the end.
        if self.levels.len() > 1
            && let Some(level) = self.levels.pop()
        {
            self.depth -= (1 + level.ifs).min(self.depth);
            if level.block {
                self.found.blocks.push((level.open, at));
            }
        }
    }

    fn comment(&mut self) {
        let end = self.line_end(self.at);
        let range = CommentRange { hash: self.at, end };
        let documents = self.line_is_blank && self.outside() && self.rest().starts_with("##");
        self.found.comments.push(ScannedComment { range, documents });
        for (i, c) in self.text[self.at..end].char_indices() {
            if characters::is_bidirectional(c) {
                self.invisible.push((c, self.at + i, false));
            }
        }
        self.at = end;
    }

    fn word(&mut self) {
        let mut before = None;
        let mut length = 0;
        let mut chars = self.rest().char_indices().peekable();
        while let Some((i, c)) = chars.next() {
            let after = chars.peek().map(|&(_, c)| c);
            let joins = characters::is_joiner_in_place(c, before, after);
            if !(c.is_alphanumeric() || c == '_' || joins || characters::is_mark(c))
                || characters::plain_form(c).is_some()
            {
                break;
            }
            before = Some(c);
            length = i + c.len_utf8();
        }
        let word = &self.rest()[..length.max(1)];
        let after_else = &self.text[self.last.0..self.last.1] == "else";
        if word == "if" && !after_else {
            self.deeper();
            if let Some(level) = self.levels.last_mut() {
                level.ifs += 1;
            }
        }
        self.token(word.len());
    }

    /// A number as written, and whether it has commas between thousands.
    fn number(&mut self) {
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let mut end = digits;
        let mut leading_zero = false;
        if digits <= 3 {
            while let Some(group) = thousands(&self.rest()[end..]) {
                leading_zero |= group.starts_with('0');
                end += 4;
            }
        }
        if end > digits && (self.outside() || leading_zero) {
            let decimals = self.rest()[end..].strip_prefix('.').map_or(0, |d| {
                let n = d.bytes().take_while(u8::is_ascii_digit).count();
                if n > 0 { n + 1 } else { 0 }
            });
            let written = &self.rest()[..end + decimals];
            let fault = faults::bad_number(
                self.span(self.at, self.at + written.len()),
                written,
                "a comma does not group digits",
                &format!("`{}` or `{}`", written.replace(',', "_"), written.replace(',', "")),
            );
            self.fault(fault);
            self.token(end + decimals);
            return;
        }
        let length = self.rest().bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        self.token(length);
    }

    /// A mark of another keyboard; quotes take what stands between them, brackets count as their plain form.
    fn foreign_mark(&mut self, c: char) {
        self.foreign.push((c, self.at));
        let at = self.at;
        if characters::is_foreign_quote(c) {
            let line = &self.text[at..self.line_end(at)];
            let inside = &line[c.len_utf8()..];
            let close = inside.char_indices().find(|&(_, q)| q == '"' || characters::is_foreign_quote(q));
            if let Some((i, q)) = close {
                if q != '"' {
                    self.foreign.push((q, at + c.len_utf8() + i));
                }
                return self.token(c.len_utf8() + i + q.len_utf8());
            }
        }
        match characters::plain_form(c).and_then(|p| p.chars().next()) {
            Some(mark) if brackets::opens(mark) => {
                let block = mark == '{' && self.levels.len() == 1 && self.begins_block();
                self.deeper();
                self.open_bracket(mark, at, block);
            }
            Some(mark @ (')' | ']' | '}')) => self.close_bracket(mark, at),
            _ => {}
        }
        self.token(c.len_utf8());
    }

    fn unseen(&mut self, c: char, in_string: bool) {
        self.invisible.push((c, self.at, in_string));
        self.at += c.len_utf8();
    }

    fn finish(mut self) -> Scan {
        // After an open string, or beyond the deepest level, brackets are no longer known well enough to be judged.
        if !self.open_string && !self.too_deep {
            let ranges: Vec<CommentRange> = self.found.comments.iter().map(|c| c.range).collect();
            self.found.still_open = brackets::still_open(&self.brackets);
            self.found.faults.extend(brackets::examine(self.source, self.text, &self.brackets, &ranges));
        }
        self.tell_marks();
        self.found.still_open &= self.found.faults.len() == 1;
        self.found.faults.sort_by_key(|f| f.span.map(|s| s.start));
        self.found
    }

    /// One fault for all marks of other keyboards, and one for all that cannot be seen.
    fn tell_marks(&mut self) {
        if !self.foreign.is_empty() {
            let marks: Vec<(char, Span)> =
                self.foreign.iter().map(|&(c, at)| (c, self.span(at, at + c.len_utf8()))).collect();
            let lines = self.rewritten_lines();
            self.found.faults.push(faults::foreign_punctuation(&marks, &lines));
        }
        if !self.invisible.is_empty() {
            let lines = Source::new("", self.text);
            let marks: Vec<faults::Unseen> = self
                .invisible
                .iter()
                .map(|&(c, at, in_string)| faults::Unseen {
                    mark: c,
                    span: self.span(at, at + c.len_utf8()),
                    place: lines.line_column(at),
                    in_string,
                })
                .collect();
            self.found.faults.push(faults::invisible_character(&marks));
        }
    }

    /// The first lines with foreign marks, in plain characters.
    fn rewritten_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut done = 0;
        for &(_, at) in &self.foreign {
            if at < done || lines.len() == 3 {
                continue;
            }
            let start = self.text[..at].rfind(['\n', '\r']).map_or(0, |n| n + 1);
            done = self.line_end(at);
            let mut line = String::new();
            for (i, c) in self.text[start..done].char_indices() {
                let foreign = self.foreign.binary_search_by_key(&(start + i), |&(_, at)| at).is_ok();
                match characters::plain_form(c).filter(|_| foreign) {
                    Some(plain) => line.push_str(&plain),
                    None => line.push(c),
                }
            }
            lines.push(line.trim().to_string());
        }
        lines
    }
}

/// `,250` followed by no further digit or letter.
fn thousands(text: &str) -> Option<&str> {
    let digits = text.strip_prefix(',')?.get(..3)?;
    let more = text[4..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
    (digits.bytes().all(|b| b.is_ascii_digit()) && !more).then_some(digits)
}

/// The first word after blanks, line ends and comments; empty where something else stands.
pub fn next_word(text: &str) -> &str {
    let mut rest = text.trim_start();
    while rest.starts_with('#') {
        rest = rest.find(['\n', '\r']).map_or("", |n| &rest[n..]).trim_start();
    }
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    &rest[..end]
}
