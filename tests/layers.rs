//! Who may know whom: the `crate::` paths of every folder under `src` held against one table.
//!
//! A layer is a folder or a file of `src`. What a layer may name stands in [`MAY_KNOW`], nothing follows by itself.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Plain data and words that know no other layer, or only each other.
const NUMERICS: [&str; 5] = ["linalg", "weights", "estimators", "inference", "designs"];

/// Every layer and what it may name. A layer that is not here fails the test: give it a place.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("source", &[]),
    ("fault", &[]),
    ("suggest", &["fault"]),
    ("diagnostic", &["source", "fault"]),
    ("outcome", &[]),
    ("linalg", &["fault"]),
    ("loader", &["fault", "suggest"]),
    ("writer", &["fault", "loader"]),
    ("weights", &["linalg", "data", "fault", "suggest", "outcome"]),
    ("estimators", &["linalg", "weights", "inference", "fault"]),
    ("inference", &["linalg", "weights", "estimators", "fault"]),
    ("designs", &["linalg", "weights", "estimators", "inference", "data", "fault", "suggest", "outcome"]),
    ("data", &["linalg", "fault", "suggest", "outcome"]),
    ("report", &["outcome", "fault"]),
    ("syntax", &["source", "fault", "diagnostic", "suggest"]),
    (
        "check",
        &["source", "fault", "diagnostic", "suggest", "syntax", "data", "loader", "estimators", "weights", "outcome"],
    ),
    (
        "plan",
        &[
            "source",
            "fault",
            "diagnostic",
            "suggest",
            "syntax",
            "check",
            "data",
            "linalg",
            "weights",
            "estimators",
            "inference",
            "designs",
            "loader",
            "outcome",
        ],
    ),
    (
        "execute",
        &[
            "source",
            "fault",
            "diagnostic",
            "suggest",
            "syntax",
            "check",
            "plan",
            "data",
            "linalg",
            "weights",
            "estimators",
            "inference",
            "designs",
            "outcome",
            "report",
        ],
    ),
    ("modules", &["source", "diagnostic", "syntax", "plan", "loader"]),
    (
        "session",
        &[
            "modules",
            "source",
            "fault",
            "diagnostic",
            "suggest",
            "syntax",
            "check",
            "plan",
            "execute",
            "data",
            "linalg",
            "weights",
            "estimators",
            "inference",
            "designs",
            "outcome",
            "report",
            "loader",
            "writer",
        ],
    ),
    ("doc", &["source", "fault", "suggest", "syntax", "check", "loader", "session"]),
    (
        "cli",
        &[
            "doc",
            "source",
            "fault",
            "diagnostic",
            "suggest",
            "syntax",
            "check",
            "plan",
            "outcome",
            "report",
            "session",
            "record",
            "repl",
            "loader",
            "writer",
        ],
    ),
    ("record", &["fault", "check", "plan", "estimators", "outcome", "report", "session"]),
    (
        "repl",
        &["doc", "source", "fault", "diagnostic", "suggest", "syntax", "check", "plan", "outcome", "report", "session"],
    ),
    ("main", &["cli"]),
];

/// Crates that stay behind one door: the crate's name and where it may be named.
const DOORS: &[(&str, Behind)] = &[
    ("pest", in_parser),
    ("pest_derive", in_parser),
    ("miette", |file| file == "diagnostic.rs"),
    ("rustyline", |file| file == "repl.rs" || file.starts_with("repl/")),
];

/// `syntax/parser.rs`, or the files of `syntax/parser/`.
fn in_parser(file: &str) -> bool {
    file.starts_with("syntax/parser")
}

/// Whether a path below `src` lies behind the door.
type Behind = fn(&str) -> bool;

/// A file of `src`: its path below it, and its text without comments and string literals.
struct Source {
    file: String,
    raw: String,
    code: String,
}

impl Source {
    /// The folder, or the file's own name at the top.
    fn layer(&self) -> &str {
        let first = self.file.split('/').next().unwrap_or(&self.file);
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// The layers that `crate::…` (and the library's own name, from the binary) names, groups in braces included.
    fn known(&self) -> BTreeSet<String> {
        let mut known = BTreeSet::new();
        for root in ["crate::", "durbin::"] {
            for after in tails(&self.code, root) {
                first_segments(after, &mut known);
            }
        }
        known
    }

    /// Whether a path begins with this crate's name, or a derive or attribute names it.
    fn names_crate(&self, name: &str) -> bool {
        !tails(&self.code, &format!("{name}::")).is_empty() || !tails(&self.code, &format!("use {name}")).is_empty()
    }
}

/// What follows each occurrence of `word` that does not continue a longer word or path.
fn tails<'a>(code: &'a str, word: &str) -> Vec<&'a str> {
    let continues = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let alone = |i: usize| !code[..i].ends_with(continues);
    let ended = |i: usize| {
        word.ends_with("::") || !code[i + word.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
    };
    code.match_indices(word).filter(|(i, _)| alone(*i) && ended(*i)).map(|(i, w)| &code[i + w.len()..]).collect()
}

/// `weights::Weights` gives `weights`; `{fault::Fault, outcome::{Fit, Table}}` gives both.
fn first_segments(after: &str, known: &mut BTreeSet<String>) {
    let Some(group) = after.strip_prefix('{') else {
        let name: String = after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        // Macros and items of the crate root belong to no layer.
        if !name.is_empty() && after[name.len()..].starts_with("::") || is_layer(&name) {
            known.insert(name);
        }
        return;
    };
    let (mut depth, mut start) = (0, 0);
    for (i, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return first_segments(group[start..i].trim_start(), known),
            '}' => depth -= 1,
            ',' if depth == 0 => {
                first_segments(group[start..i].trim_start(), known);
                start = i + 1;
            }
            _ => {}
        }
    }
}

fn is_layer(name: &str) -> bool {
    MAY_KNOW.iter().any(|(layer, _)| *layer == name)
}

/// Blanks out comments and string literals, so that words in them count for nothing.
fn code_of(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skip = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |i| i + 2),
            '"' => string_length(rest),
            'r' if !out.ends_with(|c: char| c.is_alphanumeric() || c == '_') => raw_string_length(rest),
            '\'' if rest.starts_with("'\"'") => 3,
            '\'' if rest.starts_with("'\\\"'") => 4,
            _ => 0,
        };
        match skip {
            0 => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
            n => {
                out.push(' ');
                rest = &rest[n..];
            }
        }
    }
    out
}

fn string_length(rest: &str) -> usize {
    let mut escaped = false;
    for (i, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return i + 1,
            _ => {}
        }
    }
    rest.len()
}

/// 0 where no raw string begins here.
fn raw_string_length(rest: &str) -> usize {
    let hashes = rest[1..].chars().take_while(|&c| c == '#').count();
    let open = 1 + hashes;
    if !rest[open..].starts_with('"') {
        return 0;
    }
    let close = format!("\"{}", "#".repeat(hashes));
    rest[open + 1..].find(&close).map_or(rest.len(), |i| open + 1 + i + close.len())
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    let read = |path: &PathBuf| {
        let raw = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let below = path.strip_prefix(&root).expect("collected below the root").to_string_lossy().replace('\\', "/");
        Source { file: below, code: code_of(&raw), raw }
    };
    files.iter().map(read).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of src") {
        let path = entry.expect("an entry of src").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

#[test]
fn every_layer_names_only_layers_it_may_know() {
    let mut faults = Vec::new();
    for source in sources().iter().filter(|s| s.file != "lib.rs") {
        let layer = source.layer();
        let Some((_, allowed)) = MAY_KNOW.iter().find(|(l, _)| *l == layer) else {
            faults.push(format!("src/{}: the layer `{layer}` has no place in the table", source.file));
            continue;
        };
        for known in source.known() {
            if known != layer && !allowed.contains(&known.as_str()) {
                faults.push(format!("src/{}: `{layer}` may not know `{known}`", source.file));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn numerics_never_see_syntax() {
    let forbidden = ["syntax", "check", "diagnostic", "source"];
    for layer in NUMERICS.iter().chain(&["data"]) {
        let (_, allowed) = MAY_KNOW.iter().find(|(l, _)| l == layer).expect("numerics stand in the table");
        assert!(!allowed.iter().any(|a| forbidden.contains(a)), "{layer}");
    }
}

#[test]
fn pest_miette_and_rustyline_stay_behind_their_doors() {
    let mut faults = Vec::new();
    for source in sources() {
        for (name, may) in DOORS {
            if source.names_crate(name) && !may(&source.file) {
                faults.push(format!("src/{} names `{name}`", source.file));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_file_says_what_lives_there() {
    let silent: Vec<String> = sources().into_iter().filter(|s| !s.raw.starts_with("//! ")).map(|s| s.file).collect();
    assert!(silent.is_empty(), "no `//!` head comment: {}", silent.join(", "));
}

#[test]
fn the_reader_of_paths_finds_what_is_named() {
    let text = r##"
        //! crate::syntax in a comment
        use crate::fault::Fault;
        use crate::{outcome::{Fit, Table}, weights};
        fn f() -> crate::linalg::Q { "crate::check"; r#"crate::plan"#; mycrate::data::x; '"'; crate::designs::a() }
        pub(crate) fn g() {}
    "##;
    let source = Source { file: "x/y.rs".into(), code: code_of(text), raw: String::new() };
    let known: Vec<String> = source.known().into_iter().collect();
    assert_eq!(known, ["designs", "fault", "linalg", "outcome", "weights"]);
    assert_eq!(source.layer(), "x");
    let door = |code: &str| Source { file: String::new(), code: code_of(code), raw: String::new() }.names_crate("pest");
    assert!(door("use pest::Parser;") && door("let e: pest::error::Error<R>;") && door("use pest;"));
    assert!(!door("use tempest::a; // pest::b") && !door("use pest_derive::Parser;") && !door("rest::pest::x"));
}
