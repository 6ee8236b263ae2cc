//! One table in every format durbin reads, written by other programs (`tests/readers/make.py`): the same numbers, to the
//! last bit, and a plain answer where a file is not what its name says.

#![allow(clippy::unwrap_used)]

use durbin::data::door;
use durbin::data::writing::{self, Writing};
use durbin::loader::DiskLoader;
use durbin::outcome::Outcome;
use durbin::session::{Program, Run, Session};
use std::path::Path;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers")
}

fn run(text: &str) -> Run {
    let files = DiskLoader::new(&folder(), &[]);
    Session::new(&files).run(&Program::new("readers.durbin", text))
}

/// A block of clauses for the file, and the estimates.
fn program(file: &str, clauses: &str) -> String {
    format!(
        "panel states from \"{file}\" {{\n unit state\n time year\n {clauses}\n}}\ntreatment law = starts(law_year)\n\
         model m = did(l_homicide ~ law + unemployrt + poverty + l_police)\nm\nstates\n"
    )
}

/// Every number of the fit and of the panel's description.
fn numbers(text: &str) -> Vec<u64> {
    let run = run(text);
    assert!(!run.failed(), "{text}\n{:#?}", run.diagnostics);
    let mut out = Vec::new();
    for entry in &run.entries {
        match &entry.outcome {
            Outcome::Fit(fit) => {
                out.extend(fit.coefficients.iter().flat_map(|c| [c.value.estimate.to_bits(), c.value.se.to_bits()]));
            }
            Outcome::Panel(panel) => {
                for c in &panel.columns {
                    out.extend([c.missing as u64, c.mean.to_bits(), c.sd.to_bits(), c.min.to_bits(), c.max.to_bits()]);
                }
            }
            _ => {}
        }
    }
    assert!(out.len() > 20);
    out
}

#[test]
fn castle_is_the_same_from_every_format() {
    let plain = numbers(&program("castle.csv", ""));
    let written = [
        ("castle.csv.gz", ""),
        ("castle.dta", ""),
        ("castle.xlsx", "sheet \"Panel\""),
        ("castle.xlsx", "sheet \"Panel\"  range \"B3\""),
        ("castle_european.csv", "separator \";\"  decimal \",\""),
        ("castle_gb18030.csv", "encoding \"gb18030\""),
        ("castle_utf16.csv", "encoding \"utf-16\""),
    ];
    for (file, clauses) in written {
        assert_eq!(numbers(&program(file, clauses)), plain, "{file}");
    }
}

#[test]
fn keys_in_another_encoding_are_those_that_were_written() {
    let run = run(&program("castle_gb18030.csv", "encoding \"gb18030\"  where state == \"州07\" or state == \"州08\""));
    assert!(!run.failed(), "{:#?}", run.diagnostics);
    assert!(run.entries.iter().any(|e| matches!(&e.outcome, Outcome::Panel(p) if p.units == 2)));
}

#[test]
fn every_version_of_stata_files_gives_the_same_cells() {
    let latin = Writing { encoding: writing::encoding("latin1"), ..Writing::default() };
    for file in [
        "mixed_113_little.dta",
        "mixed_114_little.dta",
        "mixed_114_big.dta",
        "mixed_115_little.dta",
        "mixed_117_little.dta",
        "mixed_117_big.dta",
        "mixed_118_little.dta",
        "mixed_118_big.dta",
        "mixed_119_little.dta",
        "mixed_119_big.dta",
    ] {
        let bytes = std::fs::read(folder().join(file)).unwrap();
        let (table, notes) = door::read(file, &bytes, &latin).unwrap();
        let (header, _) = door::header(file, &bytes, &latin).unwrap();
        assert_eq!(header, table.header, "{file}");
        assert_eq!(notes[0].code, "durbin::data::value_labels", "{file}");
        let column = |name: &str| {
            let at = table.column(name).unwrap_or_else(|| panic!("{file}: {:?}", table.header));
            (0..3).map(|r| table.get(r, at).to_string()).collect::<Vec<_>>()
        };
        assert_eq!(column("town"), ["Köln", "Málaga", "Øy"], "{file}");
        assert_eq!(column("year"), ["2001", "2002", "2003"], "{file}");
        assert_eq!(column("region"), ["0", "1", "0"], "{file}");
        assert_eq!(column("region_label"), ["Nord", "Süd", "Nord"], "{file}");
        assert_eq!(column("small"), ["-127", "0", "100"], "{file}");
        assert_eq!(column("large"), ["-2000000000", "0", "2000000000"], "{file}");
        assert_eq!(column("coarse"), ["0.1", "", "-3.5e-7"], "{file}");
        assert_eq!(column("real"), ["0.1", "", "1.25e300"], "{file}");
        if !file.contains("_113") && !file.contains("_114") && !file.contains("_115") {
            let remark = column("remark");
            assert_eq!(
                (remark[0].as_str(), remark[1].as_str(), remark[2].chars().count()),
                ("short", "", 3000),
                "{file}"
            );
        }
        assert_eq!(table.line(2), 3);
        // Wherever the file is cut, it is said and nothing breaks.
        for end in (0..bytes.len()).step_by(7) {
            let _ = door::header(file, &bytes[..end], &latin);
            if let Err(fault) = door::read(file, &bytes[..end], &latin) {
                assert!(fault.labels.iter().all(|l| l.line >= 1), "{file} at {end}: {fault}");
            }
        }
    }
}

#[test]
fn text_of_old_stata_files_needs_its_encoding() {
    let bytes = std::fs::read(folder().join("mixed_114_little.dta")).unwrap();
    let fault = door::read("mixed_114_little.dta", &bytes, &Writing::default()).unwrap_err();
    assert_eq!(fault.code, "durbin::data::not_utf8");
    assert!(fault.help.unwrap().contains("encoding"));
}

fn codes(text: &str) -> Vec<String> {
    run(text).diagnostics.iter().filter(|d| d.is_error()).map(|d| d.code.to_string()).collect()
}

#[test]
fn what_is_written_otherwise_than_said_is_answered() {
    let first = |file: &str, clauses: &str| codes(&program(file, clauses)).first().cloned().unwrap_or_default();
    assert_eq!(first("castle_european.csv", ""), "durbin::data::delimiter");
    assert_eq!(first("castle_european.csv", "separator \";\""), "durbin::data::decimal_comma");
    assert_eq!(first("castle_gb18030.csv", ""), "durbin::data::not_utf8");
    assert_eq!(first("castle_gb18030.csv", "encoding \"gb18031\""), "durbin::check::bad_option_value");
    assert_eq!(first("castle.dta", "separator \";\""), "durbin::check::bad_option_value");
    assert_eq!(first("castle.xlsx", "sheet \"Pannel\""), "durbin::data::unknown_sheet");
    assert_eq!(first("castle.csv", "range \"A:F\""), "durbin::check::bad_option_value");
    assert_eq!(first("castle.csv", "separator \"ab\""), "durbin::check::bad_option_value");
}

#[test]
fn keys_are_mended_as_the_author_says_and_never_silently() {
    let text = |clauses: &str| program("castle.csv", clauses);
    let run = run(&text("recode state { \"Alabama\": \"AL\", Ohio: \"OH\" }\n trim state"));
    assert!(!run.failed(), "{:#?}", run.diagnostics);
    let said: Vec<&str> =
        run.diagnostics.iter().filter(|d| d.code == "durbin::data::mended").map(|d| d.message.as_str()).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("22 rows") && said[0].contains("\"Alabama\""), "{}", said[0]);
    assert_eq!(codes(&text("recode state { \"Alabame\": \"AL\" }"))[0], "durbin::data::recode_unmatched");
    assert_eq!(codes(&text("recode state \"AL\""))[0], "durbin::check::wrong_kind");
}

#[test]
#[cfg(not(feature = "parquet"))]
fn files_of_columns_say_how_durbin_is_built_to_read_them() {
    for file in ["castle.parquet", "castle.arrow"] {
        let bytes = std::fs::read(folder().join(file)).unwrap();
        let fault = door::read(file, &bytes, &Writing::default()).unwrap_err();
        assert_eq!(fault.code, "durbin::data::unknown_format", "{file}");
        assert!(fault.help.unwrap().contains("--features parquet"), "{file}");
    }
}
