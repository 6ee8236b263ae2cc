//! Faults with their places in the program: the record of `--format json` and the rendering on a terminal.
//!
//! This is the only file that knows the renderer (miette). A [`Diagnostic`] is plain data.

use crate::fault::{Fault, FileLabel, Level};
use crate::source::{Sources, Span};
use serde_json::{Map, Value, json};

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

    pub fn is_error(&self) -> bool {
        self.level == Level::Error
    }

    /// The record of results.md.
    pub fn to_json(&self, sources: &Sources) -> Value {
        let mut map = Map::new();
        map.insert("code".into(), json!(self.code));
        map.insert("level".into(), json!(self.level));
        map.insert("message".into(), json!(self.message));
        map.insert("help".into(), json!(self.help));
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
