//! The command: arguments to a session, a session's run to the terminal and an exit status.
//!
//! Results go to standard output; progress and diagnostics to standard error. Exit status: 0 success, 1 the program has
//! a fault, 2 bad usage, 130 interrupted.

mod check;
mod doc;
mod fmt;
mod input;
mod memory;
mod plan;
mod run;
mod terminal;
mod watch;

use crate::session::Lints;
use clap::{Parser, Subcommand, ValueEnum};
use std::process::ExitCode;

/// Spatial panel econometrics and spatial difference-in-differences from a text file.
#[derive(Parser, Debug)]
#[command(name = "durbin", version, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
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
}

/// How results are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// What several commands take.
#[derive(clap::Args, Debug)]
struct Common {
    /// How results and faults are written to standard output
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
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

/// Parses the command line and runs its command.
pub fn main() -> ExitCode {
    match Arguments::try_parse() {
        Ok(Arguments { command: Command::Run(run) }) => run.execute(),
        Ok(Arguments { command: Command::Plan(plan) }) => plan.execute(),
        Ok(Arguments { command: Command::Check(check) }) => check.execute(),
        Ok(Arguments { command: Command::Fmt(fmt) }) => fmt.execute(),
        Ok(Arguments { command: Command::Doc(doc) }) => doc.execute(),
        Err(e) => {
            let code = if e.use_stderr() { 2 } else { 0 };
            // A closed pipe leaves nothing to be told.
            let _ = e.print();
            ExitCode::from(code)
        }
    }
}
