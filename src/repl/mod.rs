//! The prompt: inputs one after the other, each a statement or a command, on a terminal or piped.

mod complete;
mod editor;
mod highlight;
mod words;
mod worker;

use crate::diagnostic::{Diagnostic, Style, render};
use crate::doc::{self, text};
use crate::fault::Fault;
use crate::report;
use crate::session::{Run, Session};
use crate::source::Sources;
use crate::syntax;
use complete::{COMMANDS, Knowledge};
use editor::{Lines, ReadlineError};
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::time::Instant;
use worker::{Progress, Signal, evaluate};

/// Bytes of a file in which its columns are looked for.
const HEAD: usize = 1 << 16;

/// How the prompt is set up.
pub struct Settings {
    /// The folder that paths are relative to.
    pub home: PathBuf,
    /// A program to begin with.
    pub file: Option<String>,
    /// Columns of the terminal.
    pub width: usize,
    /// Declarations are shown as they were understood.
    pub echo: bool,
    /// Colors on standard output, and on standard error.
    pub color: [bool; 2],
}

/// Whether to go on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Next,
    Quit,
}

/// A session with its user.
struct Prompt {
    session: Session<'static>,
    signal: Signal,
    settings: Settings,
    failed: bool,
}

/// Talks on a terminal until it is told to stop.
///
/// # Errors
/// Those of the terminal, as text.
pub fn interactive(session: Session<'static>, settings: Settings) -> Result<(), String> {
    let files = session.clone();
    let heads = move |file: &str| files.head(file, HEAD).unwrap_or_default();
    let mut lines = Lines::new(Knowledge::new(&settings.home, heads), settings.color[0]).map_err(|e| e.to_string())?;
    let mut prompt = Prompt::new(session, settings);
    println!("durbin {} · :help lists commands, Ctrl-D ends", env!("CARGO_PKG_VERSION"));
    prompt.begin();
    loop {
        if let Some(knowledge) = lines.knowledge() {
            prompt.teach(knowledge);
        }
        match lines.next() {
            Ok(input) => {
                if prompt.input(&input) == After::Quit {
                    return Ok(());
                }
            }
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => return Ok(()),
            Err(e) => return Err(e.to_string()),
        }
    }
}

/// Reads inputs that are piped: no prompt, no colors, no echo; false where one of them failed.
pub fn piped(session: Session<'static>, settings: Settings, mut input: impl BufRead) -> bool {
    let mut prompt = Prompt::new(session, settings);
    prompt.begin();
    let mut bytes = Vec::new();
    loop {
        let read = input.read_until(b'\n', &mut bytes);
        let ended = !matches!(read, Ok(n) if n > 0);
        let text = String::from_utf8_lossy(&bytes);
        if ended || text.starts_with(':') || !syntax::is_unfinished(&text) {
            let whole = std::mem::take(&mut bytes);
            if prompt.piped(&whole) == After::Quit {
                return !prompt.failed;
            }
        }
        if let Err(e) = read {
            prompt.fault(Fault::error("durbin::io::not_found", format!("standard input cannot be read: {e}")));
        }
        if ended {
            return !prompt.failed;
        }
    }
}

impl Prompt {
    fn new(session: Session<'static>, settings: Settings) -> Prompt {
        let signal = Signal::default();
        signal.listen();
        Prompt { session, signal, settings, failed: false }
    }

    fn begin(&mut self) {
        if let Some(file) = self.settings.file.take() {
            self.load(&file);
        }
    }

    /// An input as bytes.
    fn piped(&mut self, bytes: &[u8]) -> After {
        match syntax::decode("standard input", bytes) {
            Ok(text) => self.input(text.trim_end_matches(['\n', '\r'])),
            Err(foreign) => {
                self.foreign("standard input", &foreign);
                After::Next
            }
        }
    }

    fn foreign(&mut self, name: &str, foreign: &syntax::NotUtf8) {
        let mut sources = Sources::default();
        let id = sources.add(name, &foreign.text);
        self.failed = true;
        self.told(&[foreign.diagnostic(id)], &sources);
    }

    fn teach(&self, knowledge: &mut Knowledge) {
        knowledge.names = self.session.names().into_iter().map(|n| n.0).collect();
        let columns = self.session.columns().iter().flat_map(|c| &c.1);
        knowledge.columns = columns.map(|c| syntax::print::name(c)).collect();
    }

    fn input(&mut self, input: &str) -> After {
        let trimmed = input.trim();
        if trimmed.is_empty() {
            return After::Next;
        }
        if trimmed.starts_with(':') {
            return self.command(trimmed);
        }
        let text = input.to_string();
        self.evaluated(move |session| session.eval(&text));
        After::Next
    }

    /// Evaluates and shows; what was done comes back.
    fn evaluated(&mut self, work: impl FnOnce(&mut Session<'static>) -> Run + Send + 'static) -> Progress {
        let progress = Progress::default();
        match evaluate(&mut self.session, &self.signal, &progress, work) {
            Some(run) => self.show(&run),
            None => self.interrupted(),
        }
        progress
    }

    fn interrupted(&mut self) {
        self.failed = true;
        eprintln!("interrupted; the session is as it was");
    }

    fn show(&mut self, run: &Run) {
        self.failed |= run.failed();
        self.told(&run.diagnostics, &run.sources);
        let mut parts: Vec<String> = Vec::new();
        if run.failed() {
            return;
        }
        if self.settings.echo {
            parts.extend(run.declared.iter().map(|d| self.faint(d)));
        }
        parts.extend(run.notices.iter().map(|n| format!("{n}\n")));
        let printed: Vec<String> = run.entries.iter().filter(|e| e.printed).map(report::text).collect();
        if !printed.is_empty() {
            parts.push(printed.join("\n"));
        }
        let saved = run.saved.iter().map(|path| format!("saved {path}\n"));
        parts.extend(saved);
        self.print(&parts.concat());
    }

    /// Echoes are told apart from results.
    fn faint(&self, text: &str) -> String {
        if !self.settings.color[0] {
            return text.to_string();
        }
        text.lines().map(|l| format!("\x1b[2m{l}\x1b[0m\n")).collect()
    }

    fn print(&mut self, text: &str) {
        let mut out = std::io::stdout().lock();
        // A reader that went away is no fault.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    fn told(&self, diagnostics: &[Diagnostic], sources: &Sources) {
        if diagnostics.is_empty() {
            return;
        }
        let style = if self.settings.color[1] { Style::Color } else { Style::Plain };
        let text = |file: &str| self.session.read(file).ok().and_then(|b| String::from_utf8(b).ok());
        eprint!("{}", render(diagnostics, sources, &text, style));
    }

    fn fault(&mut self, fault: Fault) {
        self.failed = true;
        self.told(&[Diagnostic::at(fault, None)], &Sources::default());
    }

    fn command(&mut self, input: &str) -> After {
        let (word, argument) = input.split_once(char::is_whitespace).unwrap_or((input, ""));
        let argument = argument.trim();
        match word {
            ":quit" | ":q" | ":exit" => return After::Quit,
            ":help" | ":doc" | ":h" => self.help(argument),
            ":names" => self.names(),
            ":undo" => self.undo(),
            ":reset" => {
                self.session.reset();
                println!("everything is forgotten");
            }
            ":kind" | ":plan" | ":time" | ":load" | ":save" if argument.is_empty() => {
                let what = if matches!(word, ":load" | ":save") { "FILE" } else { "EXPR" };
                self.fault(usage(format!("`{word}` wants more: `{word} {what}`")));
            }
            ":kind" => self.kind(argument),
            ":plan" => self.plan(argument),
            ":time" => self.time(argument),
            ":load" => self.load(unquoted(argument)),
            ":save" => self.save(unquoted(argument)),
            _ => {
                let known = COMMANDS.iter().map(|c| c.0);
                let fault = usage(format!("there is no command `{word}`"));
                let help = crate::suggest::did_you_mean(word, known);
                self.fault(fault.help(help.unwrap_or_else(|| "`:help` lists the commands".to_string())));
            }
        }
        After::Next
    }

    fn help(&mut self, name: &str) {
        let mut layout = text::Layout::plain(self.settings.width);
        if self.settings.color[0] {
            layout = layout.styled();
        }
        if name.is_empty() {
            let width = COMMANDS.iter().map(|c| c.0.len()).max().unwrap_or(0);
            let lines: Vec<String> = COMMANDS.iter().map(|(c, what)| format!("{c:width$}  {what}\n")).collect();
            let more = "Anything else is a statement of the language; `_` is the last value that was printed, Tab completes.\n";
            return self.print(&format!("{}\n{more}", lines.concat()));
        }
        match doc::find(name) {
            Ok(page) => self.print(&text::page(&page, &layout)),
            Err(help) => {
                let fault = usage(format!("the library has no entry, module or fault `{name}`"));
                self.fault(fault.help(help.unwrap_or_else(|| "`durbin doc` lists what there is".to_string())));
            }
        }
    }

    fn names(&mut self) {
        let all: Vec<String> = self.session.names().into_iter().map(|n| n.2).collect();
        let shown = if all.is_empty() { "nothing is declared yet\n".to_string() } else { all.concat() };
        self.print(&shown);
    }

    fn undo(&mut self) {
        match self.session.undo() {
            None => self.fault(usage("there is nothing to take back".to_string())),
            Some(text) => {
                let more = if text.lines().count() > 1 { " …" } else { "" };
                self.print(&format!("taken back: {}{more}\n", text.lines().next().unwrap_or_default()));
            }
        }
    }

    fn kind(&mut self, text: &str) {
        let text = text.to_string();
        let progress = Progress::default();
        match evaluate(&mut self.session, &self.signal, &progress, move |s| s.kind(&text)) {
            Some(Ok(kind)) => println!("{kind}"),
            Some(Err(run)) => self.show(&run),
            None => self.interrupted(),
        }
    }

    fn plan(&mut self, text: &str) {
        let (text, shown) = (text.to_string(), format!("`{text}`"));
        let progress = Progress::default();
        match evaluate(&mut self.session, &self.signal, &progress, move |s| s.plan_input(&text)) {
            Some(run) => {
                self.failed |= run.failed();
                self.told(&run.diagnostics, &run.sources);
                if let Some(steps) = run.steps.as_ref().filter(|_| !run.failed()) {
                    self.print(&report::plan::text(&shown, steps));
                }
            }
            None => self.interrupted(),
        }
    }

    fn time(&mut self, text: &str) {
        let text = text.to_string();
        let began = Instant::now();
        let progress = self.evaluated(move |session| session.eval(&text));
        let took = began.elapsed();
        let shown = if took.as_secs() > 0 {
            format!("{:.2} s", took.as_secs_f64())
        } else {
            format!("{:.1} ms", took.as_secs_f64() * 1000.0)
        };
        let kinds = [
            ("read", "file read", "files read"),
            ("panel", "panel loaded", "panels loaded"),
            ("weights", "matrix built", "matrices built"),
            ("log_determinant", "log-determinant prepared", "log-determinants prepared"),
            ("search", "optimum searched", "optima searched"),
            ("fit", "model fitted", "models fitted"),
        ];
        let counts = kinds.iter().map(|(kind, one, many)| (progress.count(kind), one, many));
        let done: Vec<String> =
            counts.filter(|c| c.0 > 0).map(|(n, one, many)| crate::fault::counted(n, one, many)).collect();
        let done = if done.is_empty() { "nothing had to be computed".to_string() } else { done.join(", ") };
        println!("{shown}: {done}");
    }

    fn load(&mut self, file: &str) {
        let bytes = match self.session.read(file) {
            Ok(bytes) => bytes,
            Err(fault) => return self.fault(fault),
        };
        match syntax::decode(file, &bytes) {
            Ok(text) => {
                let name = file.to_string();
                self.evaluated(move |session| session.eval_as(&name, &text));
            }
            Err(foreign) => self.foreign(file, &foreign),
        }
    }

    fn save(&mut self, file: &str) {
        if self.session.program().is_empty() {
            return self.fault(usage("there is nothing to save yet".to_string()));
        }
        match self.session.save_program(file) {
            Ok(()) => println!("saved {file}"),
            Err(fault) => self.fault(fault),
        }
    }
}

fn usage(message: String) -> Fault {
    Fault::error("durbin::run::command", message)
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text)
}
