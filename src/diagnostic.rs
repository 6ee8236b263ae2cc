//! Faults with their places in the program: the record of `--format json` and the rendering on a terminal.
//!
//! This is the only file that knows the renderer (miette). A [`Diagnostic`] is plain data.

use crate::fault::{Fault, FileLabel, Level};
use crate::source::{SourceId, Sources, Span};
use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, Severity, SourceCode,
    SourceSpan, SpanContents,
};
use serde_json::{Map, Value, json};
use unicode_width::UnicodeWidthStr;

/// A label in a source of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanLabel {
    pub span: Span,
    pub text: String,
}

/// A fault, where it is in the program, and further places in programs and data files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: &'static str,
    pub level: Level,
    pub message: String,
    pub help: Option<String>,
    pub span: Option<Span>,
    /// What stands under `span` in the rendering.
    pub span_text: String,
    pub labels: Vec<SpanLabel>,
    pub files: Vec<FileLabel>,
}

impl Diagnostic {
    /// A diagnostic of any level at a place of the program.
    pub fn new(level: Level, code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            level,
            message: message.into(),
            help: None,
            span: Some(span),
            span_text: String::new(),
            labels: Vec::new(),
            files: Vec::new(),
        }
    }

    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Level::Error, code, span, message)
    }

    pub fn lint(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Level::Lint, code, span, message)
    }

    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// The words under the main span.
    pub fn here(mut self, text: impl Into<String>) -> Diagnostic {
        self.span_text = text.into();
        self
    }

    /// A further place in a program.
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.labels.push(SpanLabel { span, text: text.into() });
        self
    }

    /// A fault of a layer without syntax, at the clause on whose behalf it was called.
    pub fn at(fault: Fault, span: Option<Span>) -> Diagnostic {
        Diagnostic {
            code: fault.code,
            level: fault.level,
            message: fault.message,
            help: fault.help,
            span,
            span_text: String::new(),
            labels: Vec::new(),
            files: fault.labels,
        }
    }

    /// Its words without its place in the program.
    pub fn into_fault(self) -> Fault {
        let Diagnostic { code, level, message, help, files: labels, .. } = self;
        Fault { code, level, message, help, labels }
    }

    pub fn is_error(&self) -> bool {
        self.level == Level::Error
    }

    /// The record of a JSON document.
    pub fn to_json(&self, sources: &Sources) -> Value {
        let mut map = Map::new();
        map.insert("code".into(), json!(self.code));
        map.insert("level".into(), json!(self.level));
        map.insert("message".into(), json!(readable(&self.message)));
        map.insert("help".into(), json!(self.help.as_deref().map(readable)));
        map.insert("span".into(), self.span.map_or(Value::Null, |s| place(s, sources)));
        let mut labels: Vec<Value> = Vec::new();
        for l in &self.labels {
            let mut v = place(l.span, sources);
            if let (Value::Object(m), Some(src)) = (&mut v, sources.get(l.span.source)) {
                m.insert("file".into(), json!(src.name));
                m.insert("text".into(), json!(l.text));
            }
            labels.push(v);
        }
        labels.extend(self.files.iter().map(|l| json!(l)));
        map.insert("labels".into(), Value::Array(labels));
        Value::Object(map)
    }
}

fn place(span: Span, sources: &Sources) -> Value {
    let Some(source) = sources.get(span.source) else { return Value::Null };
    let at = source.line_column(span.start as usize);
    json!({"start": span.start, "end": span.end, "line": at.line, "column": at.column})
}

/// How the terminal wants its diagnostics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// No colour, Unicode frames.
    Plain,
    /// With colour.
    Color,
}

/// The text of a data file a diagnostic points into, where it can be had.
pub type FileText<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Diagnostics as the terminal shows them, one after the other: code, message, snippets of the program and of data
/// files, help. `files` gives the text of data files.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, files: FileText, style: Style) -> String {
    let frames = Frames { handler: handler(style), sources, files };
    let shown: Vec<String> = diagnostics.iter().map(|d| frames.diagnostic(d)).collect();
    shown.join("\n")
}

fn handler(style: Style) -> GraphicalReportHandler {
    let theme = match style {
        Style::Plain => GraphicalTheme::unicode_nocolor(),
        Style::Color => GraphicalTheme::unicode(),
    };
    GraphicalReportHandler::new_themed(theme).with_width(WIDTH).with_links(false).with_context_lines(1)
}

/// Columns of a rendered diagnostic.
const WIDTH: usize = 100;
/// Labels of one file stand in one frame while they are at most this many lines apart.
const NEAR_LINES: usize = 4;
/// A longer line of a data file is cut.
const LONGEST_LINE: usize = 160;
/// Of a longer line of a program only a part is shown.
const LONGEST_PROGRAM_LINE: usize = 1000;
/// A program of so many bytes is handed to the renderer as a whole.
const SMALL_PROGRAM: usize = 1 << 16;
/// Bytes of such a line before the label, and after it.
const BEFORE_LABEL: usize = 40;
/// A message or help longer than this many bytes is cut.
const LONGEST_MESSAGE: usize = 4000;

/// Puts a diagnostic together from pieces the renderer draws.
struct Frames<'a> {
    handler: GraphicalReportHandler,
    sources: &'a Sources,
    files: FileText<'a>,
}

impl Frames<'_> {
    fn diagnostic(&self, d: &Diagnostic) -> String {
        let head = Piece {
            message: readable(&d.message).into_owned(),
            code: Some(d.code),
            level: Some(d.level),
            ..Piece::default()
        };
        let mut out = self.draw(&head);
        for (source, labels) in self.program_labels(d) {
            out.push_str(&self.frame(source, labels));
        }
        for (file, labels) in self.file_labels(d) {
            match (self.files)(file) {
                Some(text) => out.push_str(&self.excerpts(file, &text, &labels)),
                None => labels.iter().for_each(|l| out.push_str(&format!("   {file}:{}  {}\n", l.line, l.text))),
            }
        }
        if let Some(help) = &d.help {
            out.push_str(&wrapped_help(&readable(help)));
        }
        out
    }

    fn draw(&self, piece: &Piece) -> String {
        let mut out = String::new();
        // Writing into a string cannot fail.
        let _ = self.handler.render_report(&mut out, piece);
        out
    }

    /// A snippet alone: the renderer's heading is taken off.
    fn frame(&self, source: Excerpt, labels: Vec<LabeledSpan>) -> String {
        let drawn = self.draw(&Piece { excerpt: Some(source), labels, ..Piece::default() });
        drawn.split_inclusive('\n').skip_while(|line| !line.contains('╭')).collect()
    }

    /// Labels by source of the run, the main one first.
    fn program_labels(&self, d: &Diagnostic) -> Vec<(Excerpt, Vec<LabeledSpan>)> {
        let main = d.span.map(|span| (span, d.span_text.as_str()));
        let others = d.labels.iter().map(|l| (l.span, l.text.as_str()));
        let mut out: Vec<(SourceId, Vec<Label>)> = Vec::new();
        for (span, text) in main.into_iter().chain(others) {
            let Some(source) = self.sources.get(span.source) else { continue };
            let end = (span.end as usize).min(source.text.len());
            let start = (span.start as usize).min(end);
            let label = Label { start, end, text: (!text.is_empty()).then(|| text.to_string()) };
            match out.iter_mut().find(|o| o.0 == span.source) {
                Some(o) => o.1.push(label),
                None => out.push((span.source, vec![label])),
            }
        }
        let source = |id: SourceId| self.sources.get(id);
        out.into_iter().filter_map(|(id, labels)| Some(around(source(id)?, labels))).collect()
    }

    fn file_labels<'d>(&self, d: &'d Diagnostic) -> Vec<(&'d str, Vec<&'d FileLabel>)> {
        let mut out: Vec<(&str, Vec<&FileLabel>)> = Vec::new();
        for l in &d.files {
            match out.iter_mut().find(|o| o.0 == l.file) {
                Some(o) => o.1.push(l),
                None => out.push((&l.file, vec![l])),
            }
        }
        out
    }

    /// Lines of a data file around its labels, far ones in frames of their own.
    fn excerpts(&self, file: &str, text: &str, labels: &[&FileLabel]) -> String {
        let source = crate::source::Source::new(file, text);
        let mut sorted: Vec<&FileLabel> = labels.to_vec();
        sorted.sort_by_key(|l| (l.line, l.column));
        let mut out = String::new();
        for group in sorted.chunk_by(|a, b| b.line - a.line <= NEAR_LINES) {
            let (first, last) = (group[0].line, group[group.len() - 1].line);
            let mut text = String::new();
            let mut spans = Vec::new();
            for number in first..=last {
                let line = source.line(number);
                for l in group.iter().filter(|l| l.line == number) {
                    let (at, length) = field(line, l.column);
                    let (at, length) = if at + length > LONGEST_LINE { (0, 0) } else { (at, length) };
                    spans.push(LabeledSpan::new(Some(l.text.clone()), text.len() + at, length));
                }
                text.extend(line.chars().take(LONGEST_LINE));
                text.push('\n');
            }
            out.push_str(&self.frame(Excerpt { name: file.to_string(), text, first_line: first - 1, cut: 0 }, spans));
        }
        out
    }
}

/// A place in a text and what stands under it.
struct Label {
    start: usize,
    end: usize,
    text: Option<String>,
}

/// The lines of a program from the first label to the last. Of a line too long for any screen only what is around the
/// main label is shown.
fn around(source: &crate::source::Source, labels: Vec<Label>) -> (Excerpt, Vec<LabeledSpan>) {
    let text = source.text.as_str();
    let line = |start: usize, end: usize| {
        let from = text[..start].rfind('\n').map_or(0, |n| n + 1);
        (from, text[end..].find('\n').map_or(text.len(), |n| end + n))
    };
    let lines: Vec<(usize, usize)> = labels.iter().map(|l| line(l.start, l.end)).collect();
    let long = lines.iter().any(|(from, to)| text[*from..*to].split('\n').any(|l| l.len() > LONGEST_PROGRAM_LINE));
    let (mut from, mut to) = lines.iter().fold((text.len(), 0), |(a, b), (from, to)| (a.min(*from), b.max(*to)));
    let mut cut = 0;
    if let (true, Some(main), Some((first, last))) = (long, labels.first(), lines.first()) {
        from = boundary(text, main.start.saturating_sub(BEFORE_LABEL).max(*first));
        to = boundary(text, (main.end.min(main.start + WIDTH) + BEFORE_LABEL).min(*last));
        to = text[main.start..to].find('\n').map_or(to, |n| main.start + n);
        cut = text[*first..from].chars().count();
    }
    if !long && text.len() <= SMALL_PROGRAM {
        // With the lines around them, labels of neighboring lines stand in one frame.
        (from, to) = (0, text.len());
    }
    let inside = labels.into_iter().filter(|l| (from..=to).contains(&l.start));
    let spans = inside.map(|l| LabeledSpan::new(l.text, l.start - from, l.end.min(to) - l.start)).collect();
    let first_line = text[..from].matches('\n').count();
    (Excerpt { name: source.name.clone(), text: text[from..to].to_string(), first_line, cut }, spans)
}

/// The start of the character at or before a byte.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0)
}

/// A message a screen can hold: a name of a megabyte is cut.
fn readable(text: &str) -> std::borrow::Cow<'_, str> {
    if text.len() <= LONGEST_MESSAGE {
        return text.into();
    }
    format!("{} … (cut: {} bytes)", &text[..boundary(text, LONGEST_MESSAGE)], text.len()).into()
}

/// Byte offset and length of the field that begins at a column (from 1, in characters): up to the next comma.
fn field(line: &str, column: usize) -> (usize, usize) {
    let start = line.char_indices().nth(column.saturating_sub(1)).map_or(line.len(), |(i, _)| i);
    let rest = &line[start..];
    let quoted = rest.strip_prefix('"').and_then(|inside| inside.find('"')).map_or(0, |end| end + 2);
    let length = rest[quoted..].find([',', ';', '\t']).map_or(rest.len(), |end| quoted + end);
    // Nothing can be drawn under the end of a line: an empty last field is shown by the mark before it.
    match line[..start].chars().next_back() {
        Some(mark) if length == 0 && start == line.len() => (start - mark.len_utf8(), mark.len_utf8()),
        _ => (start, length),
    }
}

fn wrapped_help(help: &str) -> String {
    let mut out = String::new();
    for (i, paragraph) in help.split('\n').enumerate() {
        let mut line = if i == 0 { "  help: ".to_string() } else { "        ".to_string() };
        let mut empty = true;
        for word in paragraph.split(' ') {
            if !empty && line.width() + 1 + word.width() > WIDTH {
                out.push_str(line.trim_end());
                out.push('\n');
                line = "        ".to_string();
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            line.push_str(word);
            empty = false;
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// A text whose first line bears the number `first_line + 1`.
#[derive(Clone, Debug, Default)]
struct Excerpt {
    name: String,
    text: String,
    first_line: usize,
    /// Characters of the first line that are left out before the text.
    cut: usize,
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        // Without context the renderer asks for the place alone; with context for the snippet: whole lines, no others.
        let inner = if before + after == 0 {
            self.text.read_span(span, 0, 0)?
        } else {
            let (from, to) = (span.offset().min(self.text.len()), (span.offset() + span.len()).min(self.text.len()));
            let start = self.text[..from].rfind('\n').map_or(0, |i| i + 1);
            let end = self.text[to..].find('\n').map_or(self.text.len(), |i| to + i);
            self.text.read_span(&(start, end - start).into(), 0, 0)?
        };
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            inner.data(),
            *inner.span(),
            inner.line() + self.first_line,
            inner.column() + self.cut,
            inner.line_count(),
        )))
    }
}

/// What the renderer draws at once.
#[derive(Debug, Default, thiserror::Error)]
#[error("{message}")]
struct Piece {
    message: String,
    code: Option<&'static str>,
    level: Option<Level>,
    excerpt: Option<Excerpt>,
    labels: Vec<LabeledSpan>,
}

impl miette::Diagnostic for Piece {
    fn code<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.code.map(|c| Box::new(c) as Box<dyn std::fmt::Display>)
    }

    fn severity(&self) -> Option<Severity> {
        Some(match self.level? {
            Level::Error => Severity::Error,
            Level::Warning => Severity::Warning,
            Level::Note | Level::Lint => Severity::Advice,
        })
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.excerpt.as_ref().map(|s| s as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}
