//! Records added up while a file is read: the same numbers as from the whole table, to the last bit, whatever the number
//! of threads, and faults at their lines.

#![allow(clippy::unwrap_used)]

use durbin::loader::MemoryLoader;
use durbin::outcome::Outcome;
use durbin::session::{Program, Run, Session};
use std::fmt::Write;

/// More than two pieces of records, in some of which a field has a line end.
fn records(rows: usize) -> String {
    let mut text = String::from("\u{feff}firm,city,note,industry,year,employed,sales\r\n");
    let mut z = 7u64;
    for k in 0..rows {
        z = z.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (city, industry, year) = (z >> 59, (z >> 50) % 13, 2000 + (z >> 40) % 5);
        let sales = (z >> 11) as f64 / 1e13;
        let note = if k % 997 == 0 { "\"two\r\nlines, \"\"so\"\"\"" } else { "" };
        let sales = if k % 1009 == 0 { String::new() } else { sales.to_string() };
        write!(text, "f{k},Städt {city},{note},i{industry:02},{year},{},{sales}\r\n", (z >> 33) % 500).unwrap();
    }
    text
}

fn run(files: &MemoryLoader, program: &str, threads: usize) -> Run {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| Session::new(files).run(&Program::new("firms.durbin", program)))
}

/// The bits of every array that is shown.
fn bits(run: &Run) -> Vec<u64> {
    assert!(!run.failed(), "{:#?}", run.diagnostics);
    let arrays = run.entries.iter().filter_map(|e| if let Outcome::Array(a) = &e.outcome { Some(a) } else { None });
    let out: Vec<u64> = arrays.flat_map(|a| a.values.iter().map(|x| x.to_bits())).collect();
    assert!(out.len() > 100);
    out
}

fn program(more: &str) -> String {
    format!(
        "data jobs from \"firms.csv\" {{\n  keys city, industry, year\n  where year > 2000 and industry != \"i03\"\n  \
         let large = if employed > 250 then sales else 0\n  missing drop\n  sum sales, large, employed\n  count firms\n{more}}}\n\
         jobs.sales\njobs.large\njobs.employed\njobs.firms\n"
    )
}

#[test]
fn a_stream_adds_up_as_the_whole_table_does() {
    let mut files = MemoryLoader::default();
    files.files.insert("firms.csv".into(), records(260_000).into_bytes());
    let one = bits(&run(&files, &program(""), 1));
    assert_eq!(one, bits(&run(&files, &program(""), 2)));
    // A clause that mends keys takes the table as a whole.
    assert_eq!(one, bits(&run(&files, &program("  trim city\n"), 2)));
}

#[test]
fn packed_and_encoded_files_are_streamed_too() {
    let text = records(2000);
    let mut files = MemoryLoader::default();
    files.files.insert("firms.csv".into(), text.clone().into_bytes());
    let plain = bits(&run(&files, &program(""), 2));
    let (latin, _, _) = encoding_rs::WINDOWS_1252.encode(text.trim_start_matches('\u{feff}'));
    files.files.insert("firms.csv".into(), latin.into_owned());
    assert_eq!(plain, bits(&run(&files, &program("  encoding \"latin1\"\n"), 2)));
}

#[test]
fn what_is_wrong_far_down_is_told_at_its_line() {
    let text = records(150_000);
    for (bad, code) in [
        ("f1,Ulm,,i01,2003,many,1\r\n", "durbin::data::not_a_number"),
        ("f1,Ulm,,i01,2003,1\r\n", "durbin::data::ragged_row"),
        ("f1,,,i01,2003,1,1\r\n", "durbin::data::missing_key"),
        ("f1,Ulm ,,i01,2003,1,1\r\n", "durbin::data::padded_key"),
        ("f1,Ulm,\"never closed,i01,2003,1,1\r\n", "durbin::data::unclosed_quote"),
    ] {
        let mut files = MemoryLoader::default();
        files.files.insert("firms.csv".into(), format!("{text}{bad}").into_bytes());
        let program =
            "data jobs from \"firms.csv\" { keys city, industry, year  missing drop  sum sales, employed }\njobs\n";
        let run = run(&files, program, 2);
        let found = run.diagnostics.iter().find(|d| d.is_error()).unwrap();
        let line = text.lines().count() + 1;
        assert_eq!((found.code, found.files[0].line), (code, line), "{found:#?}");
    }
}

#[test]
fn a_file_without_rows_and_a_condition_that_holds_nowhere_are_faults() {
    let mut files = MemoryLoader::default();
    files.files.insert("firms.csv".into(), b"city,industry,year,employed,sales\n".to_vec());
    assert!(run(&files, &program(""), 1).failed());
    files.files.insert("firms.csv".into(), records(100).into_bytes());
    let nowhere = program("").replace("year > 2000", "year > 3000");
    let run = run(&files, &nowhere, 1);
    assert!(run.diagnostics.iter().any(|d| d.code == "durbin::panel::empty"), "{:#?}", run.diagnostics);
}
