//! README and documents stay true: what they show is what durbin prints.

#![allow(clippy::unwrap_used)]

use durbin::diagnostic::{Style, render};
use durbin::loader::DiskLoader;
use durbin::report;
use durbin::session::{Program, Run, Session};
use std::fs;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn program(path: &str) -> Program {
    let text = fs::read_to_string(root().join(path)).unwrap();
    Program::new(path.rsplit('/').next().unwrap(), &text)
}

fn run(path: &str) -> Run {
    let loader = DiskLoader::new(root().join(path).parent().unwrap(), &[]);
    let run = Session::new(&loader).run(&program(path));
    assert!(!run.failed(), "{path}: {}", render(&run.diagnostics, &run.sources, &|_| None, Style::Plain));
    run
}

fn printed(run: &Run) -> String {
    run.entries.iter().filter(|e| e.printed).map(report::text).collect::<Vec<_>>().join("\n")
}

/// Fenced blocks of a document with their language.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => open = Some((language.to_string(), String::new())),
            (Some(_), Some(_)) => out.extend(open.take()),
            (Some((_, body)), None) => {
                body.push_str(line);
                body.push('\n');
            }
            (None, None) => {}
        }
    }
    out
}

#[test]
fn the_readme_shows_the_example_and_its_output() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let blocks = blocks(&readme);
    let castle = fs::read_to_string(root().join("examples/castle/castle.durbin")).unwrap();
    let output = printed(&run("examples/castle/castle.durbin"));
    let misspelt = castle.replace("+ poverty", "+ povrty");
    let loader = DiskLoader::new(&root().join("examples/castle"), &[]);
    let refused = Session::new(&loader).run(&Program::new("castle.durbin", &misspelt));
    let fault = render(&refused.diagnostics, &refused.sources, &|_| None, Style::Plain);
    let mut counts = (0, 0);
    for (language, body) in &blocks {
        match language.as_str() {
            "durbin" => {
                assert!(castle.starts_with(body), "the program of the README is not the example");
                counts.0 += 1;
            }
            "text" => {
                assert!(output.contains(body) || fault.contains(body), "not printed:\n{body}\nbut\n{output}\n{fault}");
                counts.1 += 1;
            }
            _ => {}
        }
    }
    assert_eq!(counts, (1, 3), "programs and outputs the README shows");
}

#[test]
fn the_readme_names_a_command_that_runs_and_one_that_tests() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let commands: Vec<String> = blocks(&readme).into_iter().filter(|b| b.0 == "sh").map(|b| b.1).collect();
    assert_eq!(commands.len(), 2);
    let file = commands[0].split_whitespace().last().unwrap();
    assert!(root().join(file).exists(), "{file}");
    assert!(commands[1].starts_with("cargo test"));
}

#[test]
fn every_example_runs_and_prints_something() {
    let mut count = 0;
    for folder in fs::read_dir(root().join("examples")).unwrap() {
        for file in fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|e| e == "durbin") {
                let below = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
                assert!(!printed(&run(&below)).is_empty(), "{below} prints nothing");
                count += 1;
            }
        }
    }
    assert!(count >= 2);
}
