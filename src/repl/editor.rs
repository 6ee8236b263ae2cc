//! The line editor: history, completion, colors and hints, and when an input is complete.

use super::complete::Knowledge;
use super::highlight;
use crate::syntax;
use rustyline::completion::{Completer, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter};
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{ColorMode, CompletionType, Config, Context, Editor, Helper};
use std::borrow::Cow;
use std::path::PathBuf;

pub use rustyline::error::ReadlineError;

const PROMPT: &str = "durbin> ";
/// Inputs that are kept across sessions.
const HISTORY: usize = 10_000;

/// What answers the editor's questions.
pub struct Answers {
    pub knowledge: Knowledge,
    color: bool,
}

/// Shown behind the cursor, never put in.
pub struct Shown(String);

impl Hint for Shown {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Completer for Answers {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let (start, found) = self.knowledge.complete(line, pos);
        let pair = |w: String| Pair { display: w.trim_end_matches(['(', ' ']).to_string(), replacement: w };
        Ok((start, found.into_iter().map(pair).collect()))
    }
}

impl Hinter for Answers {
    type Hint = Shown;

    fn hint(&self, line: &str, pos: usize, _: &Context<'_>) -> Option<Shown> {
        if pos < line.len() { None } else { self.knowledge.hint(line).map(Shown) }
    }
}

impl Highlighter for Answers {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        if self.color { highlight::colored(line, |w| self.knowledge.is_function(w)).into() } else { line.into() }
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        if self.color { format!("\x1b[1m{prompt}\x1b[0m").into() } else { prompt.into() }
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        if self.color { format!("\x1b[2m{hint}\x1b[0m").into() } else { hint.into() }
    }

    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        self.color && kind != CmdKind::MoveCursor
    }
}

impl Validator for Answers {
    fn validate(&self, context: &mut ValidationContext) -> rustyline::Result<ValidationResult> {
        let input = context.input();
        let more = !input.starts_with(':') && syntax::is_unfinished(input);
        Ok(if more { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

impl Helper for Answers {}

/// The editor of a terminal.
pub struct Lines {
    editor: Editor<Answers, DefaultHistory>,
    history: Option<PathBuf>,
}

impl Lines {
    /// An editor with the history of earlier sessions.
    ///
    /// # Errors
    /// Those of the terminal.
    pub fn new(knowledge: Knowledge, color: bool) -> rustyline::Result<Lines> {
        let config = Config::builder()
            .max_history_size(HISTORY)?
            .history_ignore_space(true)
            .completion_type(CompletionType::List)
            .color_mode(if color { ColorMode::Enabled } else { ColorMode::Disabled })
            .build();
        let mut editor = Editor::with_config(config)?;
        editor.set_helper(Some(Answers { knowledge, color }));
        let history = history_file();
        if let Some(file) = &history {
            // Without earlier sessions there is none.
            let _ = editor.load_history(file);
        }
        Ok(Lines { editor, history })
    }

    /// What the next completion knows.
    pub fn knowledge(&mut self) -> Option<&mut Knowledge> {
        self.editor.helper_mut().map(|h| &mut h.knowledge)
    }

    /// The next input.
    ///
    /// # Errors
    /// `Interrupted` for Ctrl-C, `Eof` for Ctrl-D.
    pub fn next(&mut self) -> rustyline::Result<String> {
        let input = self.editor.readline(PROMPT)?;
        if !input.trim().is_empty() {
            let _ = self.editor.add_history_entry(input.as_str());
            if let Some(file) = &self.history {
                // A history that cannot be written is no reason to stop.
                let _ = self.editor.append_history(file);
            }
        }
        Ok(input)
    }
}

/// `$XDG_STATE_HOME/durbin/history`, else `~/.local/state/durbin/history`; its folder is made.
fn history_file() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let state = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")))?;
    let folder = state.join("durbin");
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history"))
}
