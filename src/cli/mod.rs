//! The command: arguments to a session, a session's run to the terminal and an exit status.
//!
//! Results go to standard output; progress and diagnostics to standard error. Exit status: 0 success, 1 the program has
//! a fault, 2 bad usage, 3 a locked number moved, 130 interrupted.

mod asked;
mod check;
mod doc;
mod fmt;
mod input;
mod lock;
mod memory;
mod new;
mod plan;
mod repl;
mod run;
mod terminal;
mod watch;

use crate::session::Lints;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use std::io::IsTerminal;
use std::process::ExitCode;

/// Spatial panel econometrics and spatial difference-in-differences from a text file.
#[derive(Parser, Debug)]
#[command(name = "durbin", version, disable_help_subcommand = true, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Runs the program on standard input
    #[arg(value_name = "-", value_parser = ["-"], hide_possible_values = true)]
    input: Option<String>,
    /// Runs a program given here; paths are relative to the current folder
    #[arg(short = 'e', long = "eval", value_name = "CODE", conflicts_with = "input")]
    code: Option<String>,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Runs a program
    Run(run::Run),
    /// Prints what a run would do: steps, sizes, methods, memory
    Plan(plan::Plan),
    /// Checks programs: names, kinds and columns, without reading data
    Check(check::Check),
    /// Writes programs in their one canonical form
    Fmt(fmt::Fmt),
    /// Shows the documentation of the standard library and of faults
    Doc(doc::Doc),
    /// Makes a starter project that runs
    New(new::New),
    /// Keeps every number of a program's results in FILE.lock
    Lock(lock::Locking),
    /// Runs a locked program again and names every number that moved; ends with status 3 where one did
    Verify(lock::Verify),
    /// Says what differs between two programs as analyses
    Diff(lock::Diff),
    /// Evaluates statements as they are typed; `durbin` alone on a terminal does so too
    Repl(repl::Repl),
}

/// How findings are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// How the results of a run are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RunFormat {
    Text,
    Json,
    /// Markdown, its tables as GitHub and pandoc read them
    Md,
    /// One page that is complete in itself
    Html,
}

impl From<Format> for RunFormat {
    fn from(format: Format) -> RunFormat {
        match format {
            Format::Text => RunFormat::Text,
            Format::Json => RunFormat::Json,
        }
    }
}

/// What several commands take.
#[derive(clap::Args, Debug)]
struct Common<F: ValueEnum + Clone + Send + Sync + 'static = Format> {
    /// How results and faults are written to standard output
    #[arg(long, value_enum, default_value = "text")]
    format: F,
    /// A further folder the program may read from; may be given again
    #[arg(long = "allow-read", value_name = "DIR")]
    allow_read: Vec<std::path::PathBuf>,
    /// Overrides a `let` of the program; may be given again
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = name_and_value)]
    sets: Vec<(String, String)>,
    /// No progress, warnings or notes on standard error
    #[arg(long)]
    quiet: bool,
}

/// Sets the number of processor threads.
fn threads(given: Option<u16>) {
    if let Some(n) = given {
        // Fails only when a pool exists already, and there is none yet.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(usize::from(n)).build_global();
    }
}

/// Options that do not go together, or ask for what cannot be.
fn misused(message: &str) -> ExitCode {
    let _ = Arguments::command().error(clap::error::ErrorKind::ArgumentConflict, message).print();
    ExitCode::from(2)
}

/// What `--pedantic` asks for.
fn lints(pedantic: bool) -> Lints {
    if pedantic { Lints::Pedantic } else { Lints::Usual }
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() && !value.trim().is_empty() => {
            Ok((name.trim().to_string(), value.trim().to_string()))
        }
        _ => Err("expected NAME=VALUE".to_string()),
    }
}

impl Arguments {
    fn execute(&self) -> ExitCode {
        match (&self.command, &self.code, &self.input) {
            (Some(Command::Run(run)), ..) => run.execute(),
            (Some(Command::Plan(plan)), ..) => plan.execute(),
            (Some(Command::Check(check)), ..) => check.execute(),
            (Some(Command::Fmt(fmt)), ..) => fmt.execute(),
            (Some(Command::Doc(doc)), ..) => doc.execute(),
            (Some(Command::Repl(repl)), ..) => repl.execute(),
            (Some(Command::New(new)), ..) => new.execute(),
            (Some(Command::Lock(lock)), ..) => lock.execute(),
            (Some(Command::Verify(verify)), ..) => verify.execute(),
            (Some(Command::Diff(diff)), ..) => diff.execute(),
            (None, Some(code), _) => run::Run::text(code).execute(),
            (None, None, Some(_)) => run::Run::standard_input().execute(),
            (None, None, None) if std::io::stdin().is_terminal() => repl::Repl::default().execute(),
            (None, None, None) => run::Run::standard_input().execute(),
        }
    }
}

/// Parses the command line and runs its command.
pub fn main() -> ExitCode {
    match Arguments::try_parse() {
        Ok(arguments) => arguments.execute(),
        Err(e) => {
            let code = if e.use_stderr() { 2 } else { 0 };
            // A closed pipe leaves nothing to be told.
            let _ = e.print();
            ExitCode::from(code)
        }
    }
}
