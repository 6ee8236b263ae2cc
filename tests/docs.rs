//! README and book stay true: what they show is what durbin prints, what they name exists.
//!
//! `DURBIN_DOCS=update cargo test --test docs` writes real outputs, marks and reference pages where they differ.

#![allow(clippy::unwrap_used)]

#[path = "support/book.rs"]
mod book;

use book::{blocks, checked, documents, printed, root, told};
use durbin::doc::trial::{Place, Standing};
use durbin::loader::DiskLoader;
use durbin::session::{Program, Run, Session};
use durbin::writer::Writer;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Pages that are written by the command itself.
const REFERENCE: &str = "docs/reference";

fn update() -> bool {
    std::env::var("DURBIN_DOCS").as_deref() == Ok("update")
}

/// What examples save is not looked at here.
struct Nowhere;

impl Writer for Nowhere {
    fn write(&self, _: &[(&str, &[u8])], _: &[&str]) -> Result<(), (usize, durbin::fault::Fault)> {
        Ok(())
    }
}

fn run(path: &str) -> Run {
    let loader = DiskLoader::new(root().join(path).parent().unwrap(), &[]);
    let text = fs::read_to_string(root().join(path)).unwrap();
    let run = Session::new(&loader).writing(Nowhere).run(&Program::new(path.rsplit('/').next().unwrap(), &text));
    assert!(!run.failed(), "{path}: {}", told(&run));
    run
}

#[test]
fn the_readme_shows_the_example_and_its_output() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let castle = fs::read_to_string(root().join("examples/castle/castle.durbin")).unwrap();
    let output = printed(&run("examples/castle/castle.durbin"));
    let misspelt = castle.replace("+ poverty", "+ povrty");
    let loader = DiskLoader::new(&root().join("examples/castle"), &[]);
    let refused = Session::new(&loader).run(&Program::new("castle.durbin", &misspelt));
    let fault = told(&refused);
    let mut counts = (0, 0);
    for block in blocks(&readme) {
        let body = &block.body;
        match block.info.as_str() {
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
    let commands: Vec<String> = blocks(&readme).into_iter().filter(|b| b.info == "sh").map(|b| b.body).collect();
    assert_eq!(commands.len(), 2);
    let file = commands[0].split_whitespace().last().unwrap();
    assert!(root().join(file).exists(), "{file}");
    assert!(commands[1].starts_with("cargo test"));
}

#[test]
fn every_example_runs_and_prints_something() {
    let mut count = 0;
    for folder in fs::read_dir(root().join("examples")).unwrap() {
        let folder = folder.unwrap().path();
        for file in folder.is_dir().then(|| fs::read_dir(&folder).unwrap()).into_iter().flatten() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|e| e == "durbin") {
                let below = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
                assert!(!run(&below).entries.is_empty(), "{below} has no result");
                count += 1;
            }
        }
    }
    assert!(count >= 2);
}

#[test]
fn every_block_of_the_book_is_true() {
    let mut faults = Vec::new();
    let mut programs = 0;
    for path in documents("docs").iter().filter(|p| !p.starts_with(REFERENCE)) {
        let found = checked(path);
        found.mend(path);
        faults.extend(found.faults);
        let text = fs::read_to_string(root().join(path)).unwrap();
        programs += blocks(&text).iter().filter(|b| b.info.starts_with("durbin")).count();
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
    assert!(programs > 20, "{programs} programs");
}

/// The pages below `docs/reference` are those the command writes.
#[test]
fn the_reference_is_as_the_library_says() {
    let fresh = std::env::temp_dir().join(format!("durbin-reference-{}", std::process::id()));
    let _ = fs::remove_dir_all(&fresh);
    let target = if update() { root().join(REFERENCE) } else { fresh.clone() };
    let done = Command::new(env!("CARGO_BIN_EXE_durbin")).args(["doc", "--write"]).arg(&target).status().unwrap();
    assert!(done.success());
    if update() {
        return;
    }
    let names = |folder: &Path| -> BTreeSet<String> {
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    };
    let committed = root().join(REFERENCE);
    assert_eq!(names(&committed), names(&fresh), "pages of {REFERENCE}");
    for name in names(&fresh) {
        let read = |folder: &Path| fs::read_to_string(folder.join(&name)).unwrap();
        let same = read(&committed) == read(&fresh);
        assert!(same, "{REFERENCE}/{name} is old: run `durbin doc --write {REFERENCE}`");
    }
    fs::remove_dir_all(fresh).unwrap();
}

/// Targets of the links of a page that are files.
fn links(text: &str) -> Vec<String> {
    let after = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let targets = after.map(|(target, _)| target.split('#').next().unwrap_or_default().to_string());
    targets.filter(|t| !t.is_empty() && !t.contains("://")).collect()
}

#[test]
fn every_link_leads_to_a_file_and_every_page_is_in_the_summary() {
    let mut linked = BTreeSet::new();
    for path in documents("docs") {
        let text = fs::read_to_string(root().join(&path)).unwrap();
        let folder = Path::new(&path).parent().unwrap();
        for target in links(&text) {
            let file = folder.join(&target);
            assert!(root().join(&file).exists(), "{path} links to `{target}`");
            if path == "docs/SUMMARY.md" {
                linked.insert(file.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    let pages: BTreeSet<String> = documents("docs").into_iter().filter(|p| p != "docs/SUMMARY.md").collect();
    assert_eq!(linked, pages, "pages in docs/SUMMARY.md and pages there are");
    let settings = fs::read_to_string(root().join("docs/book.toml")).unwrap();
    assert!(settings.contains("src = \".\""));
}

#[test]
fn limitations_are_told_once() {
    let text = fs::read_to_string(root().join("docs/limitations.md")).unwrap();
    let heads: Vec<&str> = text.lines().filter_map(|l| l.strip_prefix("**")?.split_once(".**")).map(|h| h.0).collect();
    assert!(heads.len() >= 6, "{heads:?}");
    for (k, head) in heads.iter().enumerate() {
        assert!(!heads[..k].contains(head), "`{head}` has two paragraphs");
    }
}

/// `methods C.1 to C.6` of an entry is a heading of the page of methods.
#[test]
fn every_section_an_entry_names_is_in_the_book() {
    let page = fs::read_to_string(root().join("docs/methods.md")).unwrap();
    let headings: BTreeSet<&str> =
        page.lines().filter(|l| l.starts_with('#')).flat_map(|l| l.split_whitespace().skip(1).take(1)).collect();
    let mut faults = Vec::new();
    for entry in durbin::doc::overview().iter().flat_map(|m| &m.entries) {
        let source = entry.source.as_deref().unwrap_or_default();
        let named = source.split_once("methods ").map_or("", |(_, rest)| rest);
        for word in named.split_whitespace().map(|w| w.trim_matches(|c| matches!(c, ',' | '.' | ';'))) {
            let mut chars = word.chars();
            let section = chars.next().is_some_and(|c| ('A'..='I').contains(&c));
            let rest = chars.as_str();
            let numbered = rest.strip_prefix('.').is_some_and(|n| n.parse::<u8>().is_ok());
            let found = headings.contains(word) || headings.contains(format!("{word}.").as_str());
            if section && (numbered || rest.is_empty()) && !found {
                faults.push(format!("`{}` names methods {word}", entry.name));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The phrase book: where the second cell of a row holds our words, they are checked after the castle program. A row
/// bears the mark *later* if and only if this version does not execute it.
#[test]
fn every_phrase_is_a_phrase_of_the_language() {
    let path = "docs/coming-from.md";
    let text = fs::read_to_string(root().join(path)).unwrap();
    let place = Place::of(&durbin::doc::comment::Comment::default());
    let (mut faults, mut mended, mut phrases) = (Vec::new(), String::new(), 0);
    for line in text.lines() {
        let row = line.replace("\\|", "\u{0}");
        let mut cells: Vec<String> = row.split('|').map(str::to_string).collect();
        let ours = cells.get(2).filter(|_| row.starts_with("| ")).cloned().unwrap_or_default();
        let codes: Vec<String> = ours.split('`').skip(1).step_by(2).map(|c| c.replace('\u{0}', "|")).collect();
        let mut later = false;
        for (code, standing) in codes.iter().zip(place.phrases(&codes)) {
            phrases += 1;
            match standing {
                Standing::Available => {}
                Standing::Later => later = true,
                Standing::Refused(why) => faults.push(format!("{path}: `{code}`\n  {why}")),
            }
        }
        if later != ours.contains("*later*") && !codes.is_empty() {
            faults.push(format!(
                "{path}: {} `{}`",
                if later { "later:" } else { "no longer later:" },
                codes.join("` `")
            ));
            cells[2] = if later { format!("{} *later* ", ours.trim_end()) } else { ours.replace(" *later*", "") };
        }
        mended.push_str(&(cells.join("|").replace('\u{0}', "\\|") + "\n"));
    }
    if update() {
        fs::write(root().join(path), mended).unwrap();
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(phrases > 40, "{phrases} phrases");
}
