//! The command is not there yet: this says so and ends with the status of bad usage.

fn main() -> std::process::ExitCode {
    eprintln!(
        "durbin {}: there is no command yet; docs/limitations.md says what the library does",
        env!("CARGO_PKG_VERSION")
    );
    std::process::ExitCode::from(2)
}
