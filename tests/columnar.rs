//! Parquet and Arrow files written by pyarrow (`tests/readers/make.py`): the numbers of the same table as CSV, every type
//! of cell, and files that are not whole. `cargo test --features parquet --test columnar`.

#![cfg(feature = "parquet")]
#![allow(clippy::unwrap_used)]

use durbin::data::door;
use durbin::data::table::Table;
use durbin::data::writing::Writing;
use durbin::loader::DiskLoader;
use durbin::session::{Program, Session};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers")
}

fn bytes(file: &str) -> Vec<u8> {
    std::fs::read(folder().join(file)).unwrap()
}

fn table(file: &str) -> Table {
    door::read(file, &bytes(file), &Writing::default()).unwrap().0
}

/// What a program prints, the hash of its file and its name left out.
fn printed(file: &str) -> String {
    let text = format!(
        "panel states from \"{file}\" {{\n unit state\n time year\n}}\ntreatment law = starts(law_year)\n\
         did(l_homicide ~ law + unemployrt + poverty + l_police)\nstates\n"
    );
    let files = DiskLoader::new(&folder(), &[]);
    let run = Session::new(&files).run(&Program::new("columnar.durbin", &text));
    assert!(!run.failed(), "{file}: {:#?}", run.diagnostics);
    serde_json::to_string(&run.document()["results"]).unwrap()
}

#[test]
fn castle_is_the_same_by_columns() {
    let plain = printed("castle.csv");
    for file in ["castle.parquet", "castle_gzip.parquet", "castle.arrow"] {
        assert_eq!(printed(file), plain, "{file}");
    }
}

#[test]
fn every_type_is_the_text_that_stands_for_it() {
    for file in ["every.parquet", "every.arrow"] {
        let t = table(file);
        let (header, _) = door::header(file, &bytes(file), &Writing::default()).unwrap();
        assert_eq!(header, t.header, "{file}");
        let column = |name: &str| {
            let at = t.column(name).unwrap();
            (0..3).map(|r| t.get(r, at).to_string()).collect::<Vec<_>>()
        };
        assert_eq!(column("whole"), ["-5", "", "7"], "{file}");
        assert_eq!(column("large"), ["9223372036854775807", "0", ""], "{file}");
        assert_eq!(column("natural"), ["18446744073709551615", "0", ""], "{file}");
        assert_eq!(column("coarse"), ["0.1", "", "-3.5e-7"], "{file}");
        assert_eq!(column("real"), ["0.1", "", "1.25e300"], "{file}");
        assert_eq!(column("flag"), ["TRUE", "", "FALSE"], "{file}");
        assert_eq!(column("text"), ["Köln", "", "é"], "{file}");
        assert_eq!(column("view"), ["a", "", "a text of more than twelve bytes"], "{file}");
        assert_eq!(column("coded"), ["Nord", "", "Nord"], "{file}");
        assert_eq!(column("day"), ["2015-03-01", "", "1969-12-31"], "{file}");
        assert_eq!(column("moment"), ["2015-03-01", "", "2015-03-01 01:02:03"], "{file}");
        assert_eq!(column("exact"), ["1.50", "", "-0.25"], "{file}");
        assert_eq!(column("nothing"), ["", "", ""], "{file}");
        assert_eq!((t.rows(), t.line(2)), (3, 3), "{file}");
    }
}

#[test]
fn what_cannot_be_read_is_said() {
    let fault = |file: &str, bytes: &[u8]| door::read(file, bytes, &Writing::default()).unwrap_err();
    let lists = fault("lists.parquet", &bytes("lists.parquet"));
    assert_eq!(lists.code, "durbin::data::wrong_format");
    assert!(lists.message.contains("`parts`"), "{lists}");
    let packed = fault("zstd.parquet", &bytes("zstd.parquet"));
    assert_eq!(packed.code, "durbin::data::damaged");
    assert!(packed.help.unwrap().contains("zstd"));
    assert_eq!(fault("towns.parquet", b"town,year\n").code, "durbin::data::wrong_format");
    assert_eq!(fault("towns.arrow", &bytes("castle.parquet")).code, "durbin::data::wrong_format");
    assert_eq!(fault("towns.parquet", b"").code, "durbin::data::wrong_format");
    assert!(fault("t.csv", &bytes("castle.parquet")).help.unwrap().contains(".parquet"));
}

#[test]
fn wherever_a_file_is_cut_or_altered_it_is_said_and_nothing_breaks() {
    for file in ["castle.parquet", "every.parquet", "castle.arrow", "every.arrow"] {
        let whole = bytes(file);
        for end in (0..whole.len()).step_by(whole.len() / 97) {
            let cut = door::read(file, &whole[..end], &Writing::default());
            assert!(cut.unwrap_err().code.starts_with("durbin::data::"), "{file} at {end}");
        }
        for at in (0..whole.len()).step_by(whole.len() / 211) {
            let mut altered = whole.clone();
            altered[at] ^= 0x5A;
            let _ = door::header(file, &altered, &Writing::default());
            let _ = door::read(file, &altered, &Writing::default());
        }
    }
}
