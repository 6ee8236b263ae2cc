//! Formatting is another layout of the same program: programs drawn from the grammar, and every program of the
//! repository.

#![allow(clippy::unwrap_used)]

#[allow(dead_code)] // each test uses what it needs
#[path = "support/cases.rs"]
mod cases;
#[path = "support/generator.rs"]
mod generator;
#[allow(dead_code)]
#[path = "support/random.rs"]
mod random;

use cases::{data_files, program, rendered};
use durbin::loader::{DiskLoader, Loader};
use durbin::report;
use durbin::session::Session;
use durbin::source::SourceId;
use durbin::syntax::{self, ast::Ast};
use generator::Generator;
use std::fs;
use std::path::{Path, PathBuf};

/// A tree without its places.
fn bare(ast: &Ast) -> String {
    let shown = format!("{ast:?}");
    let mut out = String::with_capacity(shown.len());
    let mut rest = shown.as_str();
    while let Some(at) = rest.find("Span { source:") {
        out.push_str(&rest[..at]);
        let end = rest[at..].find('}').unwrap();
        out.push_str("Span");
        rest = &rest[at + end + 1..];
    }
    out.push_str(rest);
    out
}

/// Every comment, in any order: two may have come to stand on one line.
fn comments(ast: &Ast) -> Vec<String> {
    let texts: Vec<&str> = ast.comments.iter().flat_map(|c| c.text.split('#')).map(str::trim).collect();
    let mut texts: Vec<String> = texts.into_iter().filter(|t| !t.is_empty()).map(String::from).collect();
    texts.sort();
    texts
}

#[track_caller]
fn parsed(text: &str) -> Ast {
    syntax::parse(SourceId(0), text).unwrap_or_else(|faults| {
        let told: Vec<String> = faults.iter().map(|f| format!("{:?} {}", f.span, f.message)).collect();
        panic!("{}\n{text}", told.join("\n"))
    })
}

/// What formatting does to a program that it must not.
fn altered(text: &str) -> Option<String> {
    let ast = parsed(text);
    let once = syntax::format(text, &ast);
    let again = match syntax::parse(SourceId(0), &once) {
        Ok(again) => again,
        Err(faults) => return Some(format!("no longer parses: {}\n{once}", faults[0].message)),
    };
    if comments(&ast) != comments(&again) {
        return Some(format!("other comments:\n{:?}\n{:?}\n{once}", comments(&ast), comments(&again)));
    }
    let without = |ast: &Ast| bare(&Ast { comments: Vec::new(), ..ast.clone() });
    let (before, after) = (without(&ast), without(&again));
    if before != after {
        let at = before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
        let around = |s: &str| {
            s.chars()
                .skip(s[..s.floor_char_boundary(at)].chars().count().saturating_sub(80))
                .take(200)
                .collect::<String>()
        };
        return Some(format!("another tree:\n{}\n{}\n{once}", around(&before), around(&after)));
    }
    let twice = syntax::format(&once, &again);
    (twice != once).then(|| format!("another form the second time:\n{once}\n---\n{twice}"))
}

#[test]
fn a_program_of_the_grammar_keeps_its_tree_when_formatted() {
    let mut kinds = std::collections::BTreeSet::new();
    let mut faults: Vec<(String, String)> = Vec::new();
    for seed in 0..3000 {
        let text = Generator::program(seed);
        let shown = bare(&parsed(&text));
        kinds.extend(KINDS.iter().filter(|k| shown.contains(*k)).copied());
        faults.extend(altered(&text).map(|fault| (text, fault)));
    }
    faults.sort_by_key(|f| f.0.len());
    let count = faults.len();
    let shortest: Vec<String> =
        faults.into_iter().take(12).map(|(text, fault)| format!("{text}\n=== {fault}")).collect();
    assert!(count == 0, "{count} programs, the shortest:\n{}", shortest.join("\n\n"));
    let never: Vec<&&str> = KINDS.iter().filter(|k| !kinds.contains(*k)).collect();
    assert!(never.is_empty(), "no program has {never:?}");
}

/// As trees show them: every statement, clause, kind of value and operator.
#[rustfmt::skip]
const KINDS: &[&str] = &[
    "Use(Module", "Use(File", "Options(", "Data(", "Panel(", "Weights {", "Treatment {", "kind: Let {", "Fn {", "Model {", "Save {",
    "Assert {", "Print(", "Unit(", "Time(", "Join {", "optional: true", "Coords {", "planar: true", "Shapes {", "Where(",
    "MissingMarkers(", "Missing(Name", "Balance(", "Keys(", "Value(", "Absent(", "Encoding(", "Separator(", "Decimal(",
    "Number(", "Length {", "Text(", "Bool(true)", "Bool(false)", "kind: Missing,", "kind: Name(", "List(", "Comprehension {",
    "Record(", "Group(", "Call {", "Field {", "Prefix {", "(Minus, ", "(Plus, ", "(Not, ", "Chain {", "If {", "Formula {",
    "over: Some(", "default: Some(", "on: Some(", "doc: Some(", "quoted: true", "comments: [Comment",
    "(Or, ", "(And, ", "(Equal, ", "(NotEqual, ", "(Less, ", "(AtMost, ", "(Greater, ", "(AtLeast, ", "(In, ", "(NotIn, ",
    "(Range, ", "(Times, ", "(Divide, ", "(At, ", "(Colon, ", "(Power, ",
];

fn programs(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().flatten().map(|e| e.path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "durbin"));
    paths.sort();
    paths
}

/// What a program answers: the results of its document, and what it prints.
fn answer(name: &str, text: &str, files: &dyn Loader) -> String {
    let run = Session::new(files).run(&program(name, text.as_bytes()));
    let document = run.document();
    let codes: Vec<&str> = run.diagnostics.iter().map(|d| d.code).collect();
    assert!(!document["results"].is_null() || run.failed(), "{}", rendered(&run, files));
    let printed: Vec<String> = run.entries.iter().filter(|e| e.printed).map(report::text).collect();
    // Sources are quoted as written: blanks and line ends are no part of what they say.
    let squeezed = |s: String| s.replace("\\n", "").split_whitespace().collect::<String>();
    format!("{codes:?}\n{}\n{}", squeezed(document["results"].to_string()), squeezed(printed.join("\n")))
}

#[test]
fn sound_programs_answer_the_same_in_their_canonical_form() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut checked = 0;
    let mut hold = |path: &Path, files: &dyn Loader| {
        let text = String::from_utf8(fs::read(path).unwrap()).unwrap();
        let name = path.file_name().unwrap().to_string_lossy();
        let once = syntax::format(&text, &parsed(&text));
        assert_eq!(answer(&name, &once, files), answer(&name, &text, files), "{name}");
        checked += 1;
    };
    let files = data_files();
    programs(&root.join("tests/cases/ok")).iter().for_each(|p| hold(p, &files));
    for folder in ["castle", "flagship"] {
        let folder = root.join("examples").join(folder);
        let files = DiskLoader::new(&folder, &[]);
        programs(&folder).iter().for_each(|p| hold(p, &files));
    }
    assert!(checked > 90, "{checked}");
}
