//! The `durbin` command.

fn main() -> std::process::ExitCode {
    durbin::cli::main()
}
