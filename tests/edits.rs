//! Slips of the hand: every example and every sound case with one character replaced, inserted or left out. None may
//! bring the program down, and what is refused is refused at a place in the text.

#![allow(clippy::unwrap_used)]

#[allow(dead_code)] // each test uses what it needs
#[path = "support/cases.rs"]
mod cases;
#[allow(dead_code)]
#[path = "support/random.rs"]
mod random;

use cases::{data_files, program, rendered};
use durbin::loader::{DiskLoader, Loader};
use durbin::session::{Run, Session};
use random::Random;
use rayon::prelude::*;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Edits of each example.
const EDITS: u64 = 200;

/// What a hand or a word processor may put in: every mark of the language, quotes and brackets of other scripts, blanks
/// and line ends of every kind, marks that combine, marks that are not seen.
const SLIPS: &str = "()[]{}\"'`~|@:;,.=<>!+-*/^%&$#?\\_ \t\n\r\u{0}\u{b}\u{c}\u{1b}\u{7f}\u{85}\u{a0}\u{2028}\u{2029}\u{3000}\
    “”‘’«»‹›「」『』（）［］｛｝，：；＝＋－×÷−–—…≤≥≠≈·．٫０１٣½²ⅷªµßıİſÅΩ专业éẽ\u{301}\u{308}\u{200b}\u{200d}\u{200e}\u{202e}\u{2066}\u{feff}\
    \u{fffd}\u{ffff}\u{e000}\u{10ffff}🦀🇩🇪0123456789abcdefghijklmnopqrstuvwxyzABCDEINTWXY";

struct Edit {
    text: String,
    what: String,
}

fn edit(text: &str, random: &mut Random, slips: &[char]) -> Edit {
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let mut below = |n: usize| ((random.uniform() * n as f64) as usize).min(n - 1);
    let (kind, chosen, pool) = (below(3), below(places.len()), below(8));
    let put = match pool {
        // Any character there is.
        0 => char::from_u32(below(0x11_0000) as u32).unwrap_or('\u{fffd}'),
        // One of the program's own.
        1 | 2 => text[places[below(places.len() - 1)]..].chars().next().unwrap(),
        _ => slips[below(slips.len())],
    };
    let at = if kind == 0 { places[chosen] } else { places[chosen.min(places.len() - 2)] };
    let end = if kind == 0 { at } else { at + text[at..].chars().next().map_or(0, char::len_utf8) };
    let put = if kind == 2 { String::new() } else { put.to_string() };
    Edit {
        text: format!("{}{put}{}", &text[..at], &text[end..]),
        what: format!("{:?} at {at} becomes {put:?}", &text[at..end]),
    }
}

/// What is wrong with the answer to a program: an error without a place, or one outside its text.
fn wrong(run: &Run, files: &dyn Loader) -> Option<String> {
    let shown = rendered(run, files);
    let document = if run.failed() { run.document().to_string() } else { String::new() };
    for d in run.diagnostics.iter().filter(|d| d.is_error()) {
        // A name of `--set` stands on the command line.
        if d.code == "durbin::check::unknown_set_name" {
            continue;
        }
        let Some(span) = d.span else { return Some(format!("{} has no place: {}", d.code, d.message)) };
        let Some(source) = run.sources.get(span.source) else { return Some(format!("{} is in no source", d.code)) };
        let (start, end) = (span.start as usize, span.end as usize);
        if start > end || source.text.get(start..end).is_none() {
            return Some(format!("{} is at {start}..{end} of {} bytes", d.code, source.text.len()));
        }
        if d.code == "durbin::run::bug" || d.message.is_empty() || !shown.contains(d.code) || document.is_empty() {
            return Some(format!("{}: {}", d.code, d.message));
        }
    }
    None
}

/// A program, and the folder of the files it reads where that is not the one of all cases.
struct Home {
    path: PathBuf,
    folder: Option<PathBuf>,
}

/// The programs of the examples and of the sound cases.
fn homes() -> Vec<Home> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sorted = |folder: &Path| -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().flatten().map(|e| e.path()).collect();
        paths.sort();
        paths
    };
    let is_program = |path: &PathBuf| path.extension().is_some_and(|e| e == "durbin");
    let mut out = Vec::new();
    for folder in sorted(&root.join("examples")).into_iter().filter(|p| p.is_dir()) {
        let programs = sorted(&folder).into_iter().filter(is_program);
        out.extend(programs.map(|path| Home { path, folder: Some(folder.clone()) }));
    }
    let cases = sorted(&root.join("tests/cases/ok")).into_iter().filter(is_program);
    out.extend(cases.map(|path| Home { path, folder: None }));
    out
}

/// What came of edits: how many were refused, how many are sound programs, and what went wrong.
#[derive(Default)]
struct Answers {
    refused: usize,
    sound: usize,
    faults: Vec<String>,
}

/// How thoroughly: edits of each case, and one edit in so many is run where the others are checked.
#[derive(Clone, Copy)]
struct Care {
    of_a_case: u64,
    run_each: u64,
}

/// Answers to edits of one program.
fn of_one(number: usize, home: &Home, care: Care, slips: &[char]) -> Answers {
    let files: Box<dyn Loader> = match &home.folder {
        Some(folder) => Box::new(DiskLoader::new(folder, &[])),
        None => Box::new(data_files()),
    };
    let text = fs::read_to_string(&home.path).unwrap();
    let name = home.path.file_name().unwrap().to_string_lossy().into_owned();
    let mut random = Random::new(2026, number as u64);
    let mut out = Answers::default();
    let edits = if home.folder.is_some() { EDITS } else { care.of_a_case };
    for k in 0..edits {
        let edited = edit(&text, &mut random, slips);
        let answer = catch_unwind(AssertUnwindSafe(|| {
            let program = program(&name, edited.text.as_bytes());
            let session = Session::new(files.as_ref());
            let run = if k % care.run_each == 0 { session.run(&program) } else { session.check(&program) };
            (run.failed(), wrong(&run, files.as_ref()))
        }));
        let fault = match answer {
            Err(panic) => {
                let words = panic.downcast_ref::<String>().cloned();
                let words = words.or(panic.downcast_ref::<&str>().map(|s| s.to_string()));
                Some(format!("panics: {}", words.unwrap_or_default()))
            }
            Ok((failed, wrong)) => {
                *(if failed { &mut out.refused } else { &mut out.sound }) += 1;
                wrong
            }
        };
        out.faults.extend(fault.map(|f| format!("{name}, {}: {f}", edited.what)));
    }
    out
}

fn answers(care: Care) {
    std::panic::set_hook(Box::new(|_| {}));
    let slips: Vec<char> = SLIPS.chars().collect();
    let all: Vec<Answers> =
        homes().par_iter().enumerate().map(|(number, home)| of_one(number, home, care, &slips)).collect();
    let _ = std::panic::take_hook();
    let (refused, sound) = all.iter().fold((0, 0), |sum, a| (sum.0 + a.refused, sum.1 + a.sound));
    println!("{refused} edits are refused, {sound} are sound programs");
    let faults: Vec<&str> = all.iter().flat_map(|a| &a.faults).map(String::as_str).collect();
    let shown = faults[..faults.len().min(40)].join("\n");
    assert!(faults.is_empty(), "{} of {}:\n{shown}", faults.len(), refused + sound);
    assert!(refused > 500 && sound > 500, "{refused} refused, {sound} sound");
}

#[test]
fn one_character_brings_no_program_down() {
    answers(Care { of_a_case: 20, run_each: 40 });
}

/// Every edit is run to its end.
#[test]
#[ignore = "minutes"]
fn one_character_brings_no_run_down() {
    answers(Care { of_a_case: EDITS, run_each: 1 });
}
