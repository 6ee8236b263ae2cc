//! What reaches the terminal: documents and reports on standard output, diagnostics on standard error.

use super::{Format, RunFormat};
use crate::diagnostic::{Diagnostic, Style, render};
use crate::fault::{Fault, Level, counted};
use crate::loader::Loader;
use crate::report;
use crate::session::Run;
use crate::source::Sources;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

/// Shows a run and says how the command ends.
pub fn show(run: &Run, format: RunFormat, quiet: bool, loader: &dyn Loader) -> ExitCode {
    diagnostics(run, quiet, loader);
    let out = match format {
        RunFormat::Json => report::json::written(&run.document()),
        RunFormat::Md | RunFormat::Html if run.failed() => String::new(),
        RunFormat::Md => report::markdown_run(&run.entries, run.lang),
        RunFormat::Html => report::html_run(&run.program_name, &run.entries, run.lang),
        RunFormat::Text => {
            let printed: Vec<String> = run.entries.iter().filter(|e| e.printed).map(report::text).collect();
            printed.join("\n")
        }
    };
    if !print(&out) {
        return ExitCode::from(1);
    }
    ExitCode::from(if run.interrupted { 130 } else { u8::from(run.failed()) })
}

/// A fault without a program; it too has a document where one is asked for.
pub fn refused(fault: Fault, format: Format) -> ExitCode {
    let run = Run::refused("", fault);
    let style = if color(&std::io::stderr()) { Style::Color } else { Style::Plain };
    eprint!("{}", render(&run.diagnostics, &Sources::default(), &|_| None, style));
    if format == Format::Json {
        print(&report::json::written(&run.findings()));
    }
    ExitCode::from(1)
}

/// Columns of the terminal, where there is one.
pub fn width() -> usize {
    terminal_size::terminal_size().map_or(90, |(width, _)| usize::from(width.0))
}

/// Whether a stream shows colors: a terminal, and `NO_COLOR` is not set.
pub fn color(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// Writes to standard output; a reader that went away (`| head`) is no fault, a full disk is.
pub fn print(text: &str) -> bool {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => true,
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => true,
        Err(e) => {
            eprintln!("durbin: standard output cannot be written: {e}");
            false
        }
    }
}

/// Errors always; warnings, notes and lints unless asked to be quiet.
pub fn diagnostics(run: &Run, quiet: bool, loader: &dyn Loader) {
    let shown: Vec<Diagnostic> = run.diagnostics.iter().filter(|d| d.is_error() || !quiet).cloned().collect();
    if shown.is_empty() {
        return;
    }
    let style = if color(&std::io::stderr()) { Style::Color } else { Style::Plain };
    let text = |file: &str| loader.read(file).ok().and_then(|b| String::from_utf8(b).ok());
    eprint!("{}", render(&shown, &run.sources, &text, style));
    let errors = run.count(Level::Error);
    if errors > 1 {
        eprintln!("\n{}; nothing was estimated", counted(errors, "error", "errors"));
    }
}
