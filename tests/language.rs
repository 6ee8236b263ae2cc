//! The language by examples: one behaviour per file of `tests/cases`, what it shows held to a snapshot.
//!
//! `cases/ok/*.durbin` run, and their snapshot is what they print, save and remark. `cases/error/PART/*.durbin` are
//! refused, and theirs is the diagnostics as a terminal without colour shows them. Adding a test is adding a file, and
//! reading the snapshot that `INSTA_UPDATE=always cargo test --test language` writes for it.

#![allow(clippy::unwrap_used)]

#[path = "support/cases.rs"]
mod cases;
#[path = "support/runs.rs"]
mod runs;

use cases::{data_files, program, rendered};
use durbin::loader::Loader;
use durbin::report;
use durbin::session::{Lints, Run, Session};
use runs::run;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Codes a program of two lines and small files does not provoke, and why.
const NOT_BY_A_CASE: &[(&str, &str)] = &[
    ("durbin::data::too_large", "needs a file of 4 GiB"),
    ("durbin::estimate::not_converged", "the search is over a bounded interval: only weights beyond 64 bits stop it"),
    ("durbin::io::changed", "needs a file that changes meanwhile"),
    ("durbin::io::is_directory", "needs a disk: tests/cli.rs"),
    ("durbin::io::no_permission", "needs a disk, and not to be its administrator"),
    ("durbin::io::outside", "needs a disk: tests/cli.rs"),
    ("durbin::io::write_failed", "needs a disk: tests/cli.rs"),
    ("durbin::lock::unreadable", "needs a lock: tests/lock.rs"),
    ("durbin::output::no_fonts", "needs a machine without fonts"),
    ("durbin::run::bug", "an error of durbin itself"),
    ("durbin::run::command", "needs a prompt: tests/repl.rs"),
    ("durbin::run::interrupted", "needs Ctrl-C"),
    ("durbin::syntax::too_long", "needs a program of 16 MiB: tests/limits.rs"),
    ("durbin::weights::scaling", "the iteration for the spectral radius ends on matrices of any size tried"),
];

/// What is printed, saved and remarked.
fn shown(run: &Run, saved: &str, files: &dyn Loader) -> String {
    let printed = run.entries.iter().filter(|e| e.printed).map(report::text);
    let mut parts: Vec<String> = printed.collect();
    parts.push(saved.to_string());
    parts.push(rendered(run, files));
    parts.retain(|p| !p.is_empty());
    parts.join("\n")
}

fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

fn case(path: &Path) -> (String, Vec<u8>) {
    (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(path).unwrap())
}

#[test]
fn sound_programs_show_what_their_snapshots_show() {
    let files = data_files();
    insta::glob!("cases/ok/*.durbin", |path| {
        let (name, bytes) = case(path);
        let (run, saved) = run(&program(&name, &bytes), &files);
        assert!(!run.failed(), "{name} was refused:\n{}", rendered(&run, &files));
        settings().bind(|| insta::assert_snapshot!("ok", shown(&run, &saved, &files)));
    });
}

#[test]
fn faulty_programs_are_refused_in_the_words_of_their_snapshots() {
    let files = data_files();
    insta::glob!("cases/error/*/*.durbin", |path| {
        let (name, bytes) = case(path);
        let (run, saved) = run(&program(&name, &bytes), &files);
        assert!(run.failed(), "{name} was not refused:\n{}", shown(&run, &saved, &files));
        assert!(run.entries.is_empty() && saved.is_empty(), "{name} was refused and has results");
        settings().bind(|| insta::assert_snapshot!("error", rendered(&run, &files)));
    });
}

/// What is said of a case with the lints wanted, data read and nothing estimated.
fn plan_of(path: &Path, lints: Lints) -> (String, Run) {
    let (name, bytes) = case(path);
    let run = Session::new(data_files()).lints(lints).plan(&program(&name, &bytes));
    assert!(!run.failed(), "{name} was refused:\n{}", rendered(&run, &data_files()));
    (name, run)
}

/// Whether a case shows the lint its file is named after: the part of the name before a double underscore.
fn shows(path: &Path, run: &Run) -> bool {
    let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
    let lint = stem.split("__").next().unwrap();
    run.diagnostics.iter().any(|d| d.code.ends_with(&format!("::{lint}")))
}

#[test]
fn pedantic_lints_fire_where_they_should_and_only_when_asked() {
    let files = data_files();
    insta::glob!("cases/pedantic/fires/*.durbin", |path| {
        let (name, run) = plan_of(path, Lints::Pedantic);
        assert!(shows(path, &run), "{name} does not fire:\n{}", rendered(&run, &files));
        assert!(!shows(path, &plan_of(path, Lints::Usual).1), "{name} fires without --pedantic");
        settings().bind(|| insta::assert_snapshot!("pedantic", rendered(&run, &files)));
    });
}

#[test]
fn pedantic_lints_are_silent_where_nothing_is_to_be_said() {
    insta::glob!("cases/pedantic/silent/*.durbin", |path| {
        let (name, run) = plan_of(path, Lints::Pedantic);
        assert!(!shows(path, &run), "{name} fires:\n{}", rendered(&run, &data_files()));
    });
}

#[test]
fn every_pedantic_lint_has_a_case_that_fires_and_one_that_must_not() {
    let stems = |folder: &str| -> BTreeSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/pedantic").join(folder);
        let names = fs::read_dir(folder).unwrap().flatten().map(|e| e.file_name().into_string().unwrap());
        names.map(|n| n.trim_end_matches(".durbin").split("__").next().unwrap().to_string()).collect()
    };
    assert_eq!(stems("fires"), stems("silent"));
}

/// The text before `#[cfg(test)]` of every file of `src`.
fn sources() -> Vec<String> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten().map(|e| e.path()) {
            if entry.is_dir() { folders.push(entry) } else { files.push(entry) }
        }
    }
    files
        .iter()
        .filter(|f| f.file_stem().is_none_or(|s| s != "tests"))
        .map(|f| fs::read_to_string(f).unwrap())
        .map(|text| text.split("#[cfg(test)]").next().unwrap_or_default().to_string())
        .collect()
}

/// Codes in a text: `durbin::part::name`, in quotes or alone on a line.
fn codes(text: &str, before: char, after: char) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("durbin::") {
        let rest = &text[at..];
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | ':'))).unwrap_or(rest.len());
        let code = &rest[..end];
        let bounded = text[..at].ends_with(before) && rest[end..].starts_with(after);
        if bounded && code.matches("::").count() == 2 {
            found.insert(code.to_string());
        }
    }
    found
}

fn codes_of_src() -> BTreeSet<String> {
    sources().iter().flat_map(|text| codes(text, '"', '"')).collect()
}

#[test]
fn every_code_has_a_case() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let snapshots = fs::read_dir(folder).unwrap().flatten().map(|e| e.path());
    let shown: BTreeSet<String> = snapshots.flat_map(|p| codes(&fs::read_to_string(p).unwrap(), '\n', '\n')).collect();
    let excused: BTreeSet<String> = NOT_BY_A_CASE.iter().map(|(code, _)| (*code).to_string()).collect();
    let known = codes_of_src();
    let bare: Vec<&String> = known.iter().filter(|c| !shown.contains(*c) && !excused.contains(*c)).collect();
    assert!(bare.is_empty(), "without a case in tests/cases: {bare:#?}");
    let idle: Vec<&String> = excused.iter().filter(|c| shown.contains(*c) || !known.contains(*c)).collect();
    assert!(idle.is_empty(), "excused, though shown by a case or no code: {idle:#?}");
}

/// Codes and levels of `docs/faults.md`, in its order.
fn documented() -> Vec<(String, String)> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/faults.md")).unwrap();
    let mut part = String::new();
    let mut out = Vec::new();
    for line in page.lines() {
        if let Some((_, rest)) = line.split_once("`durbin::").filter(|_| line.starts_with("## ")) {
            part = rest.trim_end_matches("::…`").to_string();
        } else if let Some((name, cells)) = line.strip_prefix("| `").and_then(|row| row.split_once("` | ")) {
            let level = cells.split(" |").next().unwrap_or_default();
            out.push((format!("durbin::{part}::{name}"), level.to_string()));
        }
    }
    out
}

#[test]
fn every_code_is_documented_and_every_documented_code_exists() {
    let pages = documented();
    let codes: BTreeSet<String> = pages.iter().map(|p| p.0.clone()).collect();
    assert_eq!(codes.len(), pages.len(), "a code has two rows");
    assert_eq!(codes, codes_of_src());
    for (code, level) in pages {
        assert!(["error", "warning", "note", "lint"].contains(&level.as_str()), "{code} has the level {level}");
    }
}

#[test]
fn documented_levels_are_those_of_the_cases() {
    let pages = documented();
    let mut shown: BTreeSet<(String, &str)> = BTreeSet::new();
    for snapshot in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots")).unwrap().flatten() {
        let text = fs::read_to_string(snapshot.path()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for pair in lines.windows(3).filter(|l| l[0].starts_with("durbin::") && l[1].is_empty()) {
            let mark = pair[2].trim_start().chars().next();
            let level = match mark {
                Some('×') => "error",
                Some('⚠') => "warning",
                _ => "note or lint",
            };
            shown.insert((pair[0].to_string(), level));
        }
    }
    for (code, level) in pages {
        let seen: Vec<&str> = shown.iter().filter(|s| s.0 == code).map(|s| s.1).collect();
        let fits = seen.is_empty() || seen.iter().any(|s| s.split(" or ").any(|l| l == level));
        assert!(fits, "{code} is documented as {level} and shown as {seen:?}");
    }
}
