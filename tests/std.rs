//! The standard library: every module parses alone, every entry is documented, every example is right.

#![allow(clippy::unwrap_used)]

use durbin::check::library::{Library, MODULES};
use durbin::diagnostic::{Diagnostic, Style, render};
use durbin::loader::DiskLoader;
use durbin::session::{Program, Session};
use durbin::source::Sources;
use durbin::syntax;
use std::path::Path;

fn shown(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    render(diagnostics, sources, &|_| None, Style::Plain)
}

fn library() -> Library {
    Library::standard(&mut Sources::default())
}

#[test]
fn every_module_parses() {
    for (module, text) in MODULES {
        let mut sources = Sources::default();
        let id = sources.add(format!("std/{module}.durbin"), text);
        if let Err(faults) = syntax::parse(id, text) {
            panic!("{}", shown(&faults, &sources));
        }
    }
}

#[test]
fn every_entry_is_documented_and_shows_its_use() {
    for entry in library().entries.values() {
        let doc = entry.doc.as_deref().unwrap_or("");
        assert!(doc.contains("Example: ") || doc.contains("Usage: "), "`{}` shows no use:\n{doc}", entry.name);
    }
}

/// The expressions that entries show as examples, with the entry's name and module.
fn examples() -> Vec<(String, &'static str, String)> {
    let mut out = Vec::new();
    for entry in library().entries.values() {
        for line in entry.doc.as_deref().unwrap_or("").lines() {
            if let Some(example) = line.trim().strip_prefix("Example: ") {
                let example = example.trim().trim_matches('`').to_string();
                out.push((entry.name.clone(), entry.module, example));
            }
        }
    }
    out
}

/// An example either runs after the statements of the castle program, or names what this version does not execute.
#[test]
fn every_example_runs_or_waits() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/castle");
    let castle = std::fs::read_to_string(home.join("castle.durbin")).unwrap();
    let loader = DiskLoader::new(&home, &[]);
    let session = Session::new(&loader);
    let (mut ran, mut waiting) = (0, 0);
    let column = "let    lhom = log(homicide)";
    for (name, module, example) in examples() {
        // Functions of columns are at home in a panel.
        let text = match module {
            "functions" if !example.contains('~') => {
                castle.replacen(column, &format!("{column}\n  let again = {example}\n"), 1)
            }
            _ => format!("{castle}\n{example}\n"),
        };
        let program = Program::new("castle.durbin", &text);
        let checked = session.check(&program);
        let errors: Vec<&Diagnostic> = checked.diagnostics.iter().filter(|d| d.is_error()).collect();
        if !errors.is_empty() {
            let known = errors.iter().all(|d| d.code == "durbin::check::not_available");
            assert!(known, "example of `{name}`:\n{}", shown(&checked.diagnostics, &checked.sources));
            waiting += 1;
            continue;
        }
        let run = session.run(&program);
        assert!(!run.failed(), "example of `{name}`:\n{}", shown(&run.diagnostics, &run.sources));
        ran += 1;
    }
    assert!(ran >= 40, "{ran} examples ran, {waiting} wait");
}
