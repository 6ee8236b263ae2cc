//! The standard library: every module parses alone, every entry is documented, every example is right.

#![allow(clippy::unwrap_used)]

use durbin::check::library::{Library, MODULES};
use durbin::diagnostic::{Diagnostic, Style, render};
use durbin::loader::{DiskLoader, MemoryLoader};
use durbin::outcome::Outcome;
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

/// Four regions, two periods, three industries.
fn employment() -> MemoryLoader {
    let mut long = "region,year,industry,employed\n".to_string();
    let mut wide = "region,year,size\n".to_string();
    for (i, region) in ["Bayern", "Berlin", "Bremen", "Hessen"].iter().enumerate() {
        for year in [2008, 2009] {
            wide.push_str(&format!("{region},{year},{}\n", i + 1));
            for (j, industry) in ["A", "B-E", "C"].iter().enumerate() {
                long.push_str(&format!("{region},{year},{industry},{}\n", 10 + (i + 1) * (j + 2) % 7 + year % 5));
            }
        }
    }
    let mut loader = MemoryLoader::default();
    loader.files.insert("employment.csv".into(), long.into_bytes());
    loader.files.insert("panel.csv".into(), wide.into_bytes());
    loader
}

/// An example of an index is a finite column of a panel.
fn index_example(name: &str, example: &str) {
    let loader = employment();
    let text = format!(
        "use std::indices\ndata jobs from \"employment.csv\" {{ keys region, year, industry  value employed }}\n\
         panel study from \"panel.csv\" {{\n  unit region\n  time year\n  let  index = {example}\n}}\nstudy\n"
    );
    let text = match name {
        // What keeps the dimension is reduced to be shown.
        "share" | "rest" | "of_unit" | "within" if !example.contains("over") && !example.starts_with("krugman") => {
            text.replace(&format!("let  index = {example}"), &format!("let  index = max({example} over industry)"))
        }
        _ => text,
    };
    let run = Session::new(&loader).run(&Program::new("index.durbin", &text));
    assert!(!run.failed(), "example of `{name}`:\n{}", shown(&run.diagnostics, &run.sources));
    let Outcome::Panel(panel) = &run.entries[0].outcome else { panic!("`{name}` shows no panel") };
    let index = panel.columns.iter().find(|c| c.name == "index").unwrap();
    assert!(index.missing == 0 && index.mean.is_finite(), "`{name}` is undefined: {index:?}");
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
        if module == "indices" {
            index_example(&name, &example);
            ran += 1;
            continue;
        }
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
