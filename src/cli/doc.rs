//! `durbin doc [NAME]`

use super::terminal;
use crate::diagnostic::{Diagnostic, Style, render};
use crate::doc::{self, markdown, text};
use crate::fault::Fault;
use crate::source::Sources;
use clap::CommandFactory;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Columns where standard output is no terminal.
const COLUMNS: usize = 90;

#[derive(clap::Args, Debug)]
pub struct Doc {
    /// An entry, a module (`std::weights`) or the code of a fault; left out, everything in one line each
    name: Option<String>,
    /// Writes the reference as Markdown pages into a folder
    #[arg(long, value_name = "DIR", hide = true, conflicts_with = "name")]
    write: Option<PathBuf>,
}

impl Doc {
    pub fn execute(&self) -> ExitCode {
        if let Some(folder) = &self.write {
            return written(folder);
        }
        let layout = layout();
        let Some(name) = &self.name else {
            return ended(terminal::print(&text::overview(&doc::overview(), &layout)));
        };
        match doc::find(name) {
            Ok(page) => ended(terminal::print(&text::page(&page, &layout))),
            Err(help) => {
                let message = format!("the library has no entry, module or fault `{name}`");
                let fault = Fault::error("durbin::check::unknown_name", message);
                refused(fault.help(help.unwrap_or_else(|| "`durbin doc` lists what there is".to_string())))
            }
        }
    }
}

fn ended(well: bool) -> ExitCode {
    ExitCode::from(u8::from(!well))
}

fn refused(fault: Fault) -> ExitCode {
    let style = if std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        Style::Color
    } else {
        Style::Plain
    };
    eprint!("{}", render(&[Diagnostic::at(fault, None)], &Sources::default(), &|_| None, style));
    ExitCode::from(1)
}

/// As wide as the terminal; styles on a terminal alone, and not against `NO_COLOR`.
fn layout() -> text::Layout {
    if !std::io::stdout().is_terminal() {
        return text::Layout::plain(COLUMNS);
    }
    let width = terminal_size::terminal_size().map_or(COLUMNS, |(width, _)| usize::from(width.0));
    let layout = text::Layout::plain(width);
    if std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty()) { layout } else { layout.styled() }
}

/// Writes every page of the reference; the folder holds nothing else.
fn written(folder: &Path) -> ExitCode {
    let mut files = markdown::library(&doc::library());
    files.push(markdown::command(&helps()));
    let done = std::fs::create_dir_all(folder)
        .and_then(|()| files.iter().try_for_each(|f| std::fs::write(folder.join(&f.name), &f.text)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            let message = format!("`{}` cannot be written: {e}", folder.display());
            refused(Fault::error("durbin::io::write_failed", message))
        }
    }
}

/// The help of the command and of each of its parts, as `--help` prints it.
fn helps() -> Vec<(String, String)> {
    let mut whole = super::Arguments::command().term_width(COLUMNS);
    whole.build();
    let mut out = vec![("durbin".to_string(), whole.render_help().to_string())];
    for part in whole.get_subcommands_mut() {
        let title = format!("durbin {}", part.get_name());
        out.push((title, part.render_help().to_string()));
    }
    out
}
