//! The standard library: every module parses alone, every entry is documented, every example is right.

#![allow(clippy::unwrap_used)]

use durbin::check::library::MODULES;
use durbin::diagnostic::{Diagnostic, Style, render};
use durbin::doc::comment::{Comment, Shown};
use durbin::doc::trial::{Place, Standing};
use durbin::doc::{EntryPage, library, values};
use durbin::session::Session;
use durbin::source::Sources;
use durbin::syntax;

fn shown(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    render(diagnostics, sources, &|_| None, Style::Plain)
}

fn entries() -> Vec<EntryPage> {
    library().into_iter().flat_map(|m| m.entries).collect()
}

/// Where the examples of a module stand.
fn place(module: &str) -> Place {
    let (_, text) = MODULES.iter().find(|(name, _)| *name == module).unwrap();
    let mut sources = Sources::default();
    let id = sources.add("std", *text);
    Place::of(&Comment::parse(&syntax::parse(id, text).unwrap().doc.unwrap()))
}

#[test]
fn every_module_parses_and_says_what_it_holds() {
    for (module, text) in MODULES {
        let mut sources = Sources::default();
        let id = sources.add(format!("std/{module}.durbin"), text);
        match syntax::parse(id, text) {
            Ok(ast) => assert!(ast.doc.is_some_and(|d| d.len() > 40), "std::{module} has no comment at its head"),
            Err(faults) => panic!("{}", shown(&faults, &sources)),
        }
    }
}

#[test]
fn every_entry_is_documented_with_parameters_source_and_use() {
    // What is plain arithmetic has no source to name.
    let plain = ["answers", "functions"];
    let mut faults = Vec::new();
    for entry in entries() {
        let name = format!("`{}` of std::{}", entry.name, entry.module);
        if entry.summary.is_empty() {
            faults.push(format!("{name} says nothing"));
        }
        for parameter in entry.parameters.iter().filter(|p| p.text.is_empty()) {
            faults.push(format!("{name} does not say what `{}` is", parameter.name));
        }
        if entry.source.is_none() && !plain.contains(&entry.module) {
            faults.push(format!("{name} names no source"));
        }
        if entry.shown.is_none() {
            faults.push(format!("{name} shows no use"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// An example runs after the statements of the program its module names, or names what this version does not execute.
#[test]
fn every_example_runs_or_waits() {
    let (mut ran, mut waiting) = (0, 0);
    for entry in entries() {
        let Some(Shown::Example(example)) = &entry.shown else { continue };
        match &entry.standing {
            Standing::Later => waiting += 1,
            Standing::Refused(why) => panic!("example of `{}`: {example}\n{why}", entry.name),
            Standing::Available => {
                let place = place(entry.module);
                let files = place.files();
                let run = Session::new(&files).run(&place.program(example));
                assert!(!run.failed(), "example of `{}`:\n{}", entry.name, shown(&run.diagnostics, &run.sources));
                ran += 1;
            }
        }
    }
    assert!(ran >= 40, "{ran} examples ran, {waiting} wait");
}

/// A value that stands in backticks beside an option of words is one the option takes.
#[test]
fn values_that_options_name_are_values_they_take() {
    let words = ["se", "fe", "likelihood", "method", "random", "islands", "df_adjust", "effects"];
    let mut faults = Vec::new();
    for entry in entries().iter().filter(|e| e.standing == Standing::Available) {
        let Some(Shown::Example(example)) = &entry.shown else { continue };
        let options = entry.parameters.iter().filter(|p| words.contains(&p.name.as_str()));
        let (named, texts): (Vec<String>, Vec<String>) =
            options.flat_map(|p| values(entry, p, example)).filter(|(value, _)| !value.contains("province")).unzip();
        for (value, standing) in named.iter().zip(place(entry.module).standings(&texts)) {
            if let Standing::Refused(why) = standing {
                faults.push(format!("`{}` names `{value}`: {why}", entry.name));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
