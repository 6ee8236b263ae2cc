//! The formatter: one canonical form, no comment lost, a second pass changes nothing.

#![allow(clippy::unwrap_used)]

#[allow(dead_code)] // its blocks alone are of use here
#[path = "support/book.rs"]
mod book;

use book::{blocks, documents, root};
use durbin::doc::comment::Shown;
use durbin::doc::library;
use durbin::session::{Program, formatted};
use durbin::source::SourceId;
use durbin::syntax;
use std::fs;
use std::path::{Path, PathBuf};

fn canonical(text: &str) -> String {
    formatted(&Program::new("p.durbin", text)).unwrap_or_else(|run| panic!("{:?}", run.diagnostics))
}

fn programs(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            programs(&path, out);
        } else if path.extension().is_some_and(|e| e == "durbin") {
            out.push(path);
        }
    }
}

#[test]
fn examples_and_library_are_in_canonical_form() {
    let root = root();
    let mut files = Vec::new();
    programs(&root.join("examples"), &mut files);
    programs(&root.join("std"), &mut files);
    assert!(files.len() >= 8);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(canonical(&text), text, "{}", file.display());
    }
}

/// The canonical form of a block, where it parses: what is refused for its spelling has none.
fn spelt(info: &str, body: &str) -> Option<String> {
    let around = ("panel p from \"p.csv\" {\n", "}\n");
    let whole = if info == "durbin,clauses" { format!("{}{body}{}", around.0, around.1) } else { body.to_string() };
    let ast = syntax::parse(SourceId(0), &whole);
    assert!(ast.is_ok() || info.ends_with("refused"), "{info}\n{body}");
    let once = syntax::format(&whole, &ast.ok()?);
    Some(match info {
        "durbin,clauses" => once.strip_prefix(around.0)?.strip_suffix(around.1)?.to_string(),
        _ => once,
    })
}

/// With `DURBIN_DOCS=update` blocks are written in their canonical form.
#[test]
fn programs_of_the_book_are_in_canonical_form() {
    let mut faults = Vec::new();
    for path in documents("docs").into_iter().chain(["README.md".to_string()]) {
        let text = fs::read_to_string(root().join(&path)).unwrap();
        let mut mended = text.clone();
        for block in blocks(&text).iter().filter(|b| b.info.starts_with("durbin") && b.info != "durbin,layout") {
            let Some(spelt) = spelt(&block.info, &block.body).filter(|s| *s != block.body) else { continue };
            mended = mended
                .replace(&format!("```{}\n{}```", block.info, block.body), &format!("```{}\n{spelt}```", block.info));
            faults.push(format!("{path}:{}\n{}is spelt\n{spelt}", block.first, block.body));
        }
        if mended != text && std::env::var("DURBIN_DOCS").as_deref() == Ok("update") {
            fs::write(root().join(&path), mended).unwrap();
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn examples_of_the_library_are_in_canonical_form() {
    let mut faults = Vec::new();
    let mut count = 0;
    for entry in library().into_iter().flat_map(|m| m.entries) {
        let Some(Shown::Example(example)) = &entry.shown else { continue };
        count += 1;
        let once = canonical(example);
        if once.trim_end() != example.trim_end() {
            faults.push(format!("`{}` of std::{}\n{example}\nis spelt\n{once}", entry.name, entry.module));
        }
    }
    assert!(count > 40 && faults.is_empty(), "{count} examples\n{}", faults.join("\n"));
}

/// Cases that are about layout, and one whose titles quote its queries.
const LAYOUTS: [&str; 4] = [
    "clauses_on_one_line.durbin",
    "crlf_and_blank_lines.durbin",
    "newlines_and_semicolons.durbin",
    "spec_curve.durbin",
];

#[test]
fn sound_cases_are_in_canonical_form() {
    let mut files = Vec::new();
    programs(&root().join("tests/cases/ok"), &mut files);
    files.sort();
    let mut faults = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let about_layout = LAYOUTS.iter().any(|name| file.ends_with(name));
        if !about_layout && canonical(&text) != text {
            faults.push(file.display().to_string());
        }
    }
    assert!(faults.is_empty(), "`durbin fmt` writes them:\n{}", faults.join("\n"));
}

#[test]
fn layout_has_one_form() {
    let written = "options{seed 1\n level 0.9}\npanel p from \"a.csv\" {unit   u;time t # when\n\n\n where x>0\n}\n\n\n\nols(y~x,fe:none)# done";
    let spelt = "options {\n  seed 1\n  level 0.9\n}\npanel p from \"a.csv\" {\n  unit  u\n  time  t  # when\n\n  where x > 0\n}\n\nols(y ~ x, fe: none)  # done\n";
    assert_eq!(canonical(written), spelt);
    assert_eq!(canonical(spelt), spelt);
}

#[test]
fn a_long_call_has_one_option_a_line_and_keeps_its_comments() {
    let written = "model m = sdm_did(log_homicides_per_head ~ castle_doctrine + unemployment_rate + poverty_rate | [W_band(0, 100), W_band(100, 250)], # two bands\n se: cluster(unit), level: 0.9)";
    let spelt = "model m = sdm_did(
  log_homicides_per_head ~ castle_doctrine + unemployment_rate + poverty_rate | [W_band(0, 100),
    W_band(100, 250)],
  se: cluster(unit),
  level: 0.9,
)
";
    let once = canonical(written);
    assert_eq!(
        once.replace("  # two bands", ""),
        spelt.replace("| [W_band(0, 100),\n    W_band(100, 250)]", "|\n    [W_band(0, 100), W_band(100, 250)]")
    );
    assert!(once.contains("# two bands"));
    assert_eq!(canonical(&once), once);
}

#[test]
fn comments_in_odd_places_survive() {
    let written =
        "## head\n\n# alone\nlet a = 1 + # why\n 2\nlet b = [1, # one\n 2] # two\n## doc\nlet c = f( # inside\n a)\n";
    let once = canonical(written);
    for comment in ["## head", "# alone", "# why", "# one", "# two", "## doc", "# inside"] {
        assert_eq!(once.matches(comment).count(), 1, "{comment} in\n{once}");
    }
    assert_eq!(canonical(&once), once);
}

#[test]
fn the_tree_of_a_formatted_program_has_the_same_spelling() {
    let root = root();
    let mut files = Vec::new();
    programs(&root.join("tests"), &mut files);
    programs(&root.join("examples"), &mut files);
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let Ok(ast) = syntax::parse(SourceId(0), &text) else { continue };
        let once = syntax::format(&text, &ast);
        let again = syntax::parse(SourceId(0), &once).unwrap_or_else(|f| panic!("{}: {f:?}\n{once}", file.display()));
        assert_eq!(syntax::format(&once, &again), once, "{}", file.display());
        assert_eq!(ast.statements.len(), again.statements.len(), "{}", file.display());
        assert_eq!(ast.comments.len(), again.comments.len(), "{}", file.display());
    }
}
