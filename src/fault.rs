//! What is wrong, in words and places of files, without a place in the program.
//!
//! Layers that know nothing of syntax (`data`, `weights`, `designs`, `estimators`) return a [`Fault`]; whoever
//! called them on behalf of a clause adds the clause's span (`diagnostic::Diagnostic::at`). The wording follows
//! the catalogue: what was found and how many in the message, where in the labels, what to write in the help.

use serde::Serialize;

/// How much a fault costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// No result.
    Error,
    /// The result is doubtful.
    Warning,
    /// A decision was made for the author.
    Note,
    /// It can be written better.
    Lint,
}

/// A place in a data file, from 1, as an editor counts (the header is line 1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileLabel {
    pub text: String,
    pub file: String,
    pub line: usize,
    pub column: usize,
    /// The field of the line that is meant, from 0: whoever has the file finds its column.
    #[serde(skip)]
    pub field: Option<usize>,
}

/// One fault: a stable code, its words, and places in data files.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    pub code: &'static str,
    pub level: Level,
    pub message: String,
    pub help: Option<String>,
    pub labels: Vec<FileLabel>,
}

impl Fault {
    /// A fault of any level; codes are those of the catalogue, `durbin::part::name`.
    pub fn new(level: Level, code: &'static str, message: impl Into<String>) -> Fault {
        Fault { code, level, message: message.into(), help: None, labels: Vec::new() }
    }

    pub fn error(code: &'static str, message: impl Into<String>) -> Fault {
        Fault::new(Level::Error, code, message)
    }

    pub fn warning(code: &'static str, message: impl Into<String>) -> Fault {
        Fault::new(Level::Warning, code, message)
    }

    pub fn note(code: &'static str, message: impl Into<String>) -> Fault {
        Fault::new(Level::Note, code, message)
    }

    pub fn lint(code: &'static str, message: impl Into<String>) -> Fault {
        Fault::new(Level::Lint, code, message)
    }

    pub fn help(mut self, help: impl Into<String>) -> Fault {
        self.help = Some(help.into());
        self
    }

    /// Adds a place in a data file (line and column from 1).
    pub fn label(mut self, file: &str, line: usize, column: usize, text: impl Into<String>) -> Fault {
        self.labels.push(FileLabel { text: text.into(), file: file.to_string(), line, column, field: None });
        self
    }

    /// Adds a field of a line of a data file (line from 1, field from 0).
    pub fn label_field(mut self, file: &str, line: usize, field: usize, text: impl Into<String>) -> Fault {
        let (file, field) = (file.to_string(), Some(field));
        self.labels.push(FileLabel { text: text.into(), file, line, column: 1, field });
        self
    }
}

/// Names in quotes, the first five and how many more: `"a", "b" and 3 more`.
pub fn quoted_list<S: AsRef<str>>(names: &[S]) -> String {
    listed(names.iter().map(|n| format!("\"{}\"", n.as_ref())))
}

/// Names in backticks, the first five and how many more.
pub fn ticked_list<S: AsRef<str>>(names: &[S]) -> String {
    listed(names.iter().map(|n| format!("`{}`", n.as_ref())))
}

fn listed(items: impl ExactSizeIterator<Item = String>) -> String {
    let n = items.len();
    let shown: Vec<String> = items.take(5).collect();
    if n > 5 { format!("{} and {} more", shown.join(", "), n - 5) } else { shown.join(", ") }
}

/// `1 row`, `2 rows`: a count with its noun.
pub fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// `812 B`, `78 kB`, `1.3 GB`: bytes in powers of a thousand.
pub fn size(bytes: u64) -> String {
    let (mut value, mut unit) = (bytes as f64, "B");
    for next in ["kB", "MB", "GB", "TB", "PB"] {
        if value < 999.5 {
            break;
        }
        (value, unit) = (value / 1000.0, next);
    }
    let decimals = usize::from(value < 9.95 && unit != "B");
    format!("{value:.decimals$} {unit}")
}

/// All names in backticks.
pub fn ticked_all<S: AsRef<str>>(names: &[S]) -> String {
    names.iter().map(|n| format!("`{}`", n.as_ref())).collect::<Vec<_>>().join(", ")
}
