//! Files that are broken on purpose: each is answered at its place, within two seconds of work, and all of them together
//! within 500 MB.

#![allow(clippy::unwrap_used)]

use cpu_time::ProcessTime;
use durbin::loader::MemoryLoader;
use durbin::session::{Program, Session};
use std::io::{Cursor, Write};
use std::path::Path;
use std::time::Duration;

/// A file, its name, what its program says, and the code it is answered with.
struct Broken {
    name: &'static str,
    bytes: Vec<u8>,
    program: String,
    code: &'static str,
}

fn panel(name: &str, clauses: &str) -> String {
    format!("panel p from \"{name}\" {{ unit town  time year  {clauses} }}\nols(jobs ~ income, fe: none)\n")
}

fn shapes(name: &str) -> String {
    format!("panel p from \"towns.csv\" {{ unit town  time year  shapes \"{name}\" by town }}\ncontiguity(queen)\n")
}

fn weights(source: &str) -> String {
    format!("panel p from \"towns.csv\" {{ unit town  time year }}\n{source}\n")
}

fn case(file: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/data").join(file)).unwrap()
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    bomb(bytes, b"", 0)
}

/// An archive of a beginning and of so many repetitions of a part, which are nowhere held at once.
fn bomb(beginning: &[u8], part: &[u8], times: usize) -> Vec<u8> {
    let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    to.write_all(beginning).unwrap();
    for _ in 0..times {
        to.write_all(part).unwrap();
    }
    to.finish().unwrap()
}

/// A workbook of one sheet with these rows, and so many megabytes of blanks behind them.
fn workbook(rows: &str, blanks: usize) -> Vec<u8> {
    const TYPES: &str = "http://schemas.openxmlformats.org/package/2006/content-types";
    const RELATIONS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
    const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let parts = [
        ("[Content_Types].xml", format!("<Types xmlns=\"{TYPES}\"/>")),
        (
            "_rels/.rels",
            format!(
                "<Relationships xmlns=\"{RELATIONS}\"><Relationship Id=\"r1\" Type=\"{OFFICE}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships xmlns=\"{RELATIONS}\"><Relationship Id=\"r1\" Type=\"{OFFICE}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
            ),
        ),
        ("xl/worksheets/sheet1.xml", format!("<worksheet xmlns=\"{MAIN}\"><sheetData>{rows}")),
    ];
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        out.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        out.write_all(text.as_bytes()).unwrap();
    }
    for _ in 0..blanks {
        out.write_all(&[b' '; 1 << 20]).unwrap();
    }
    out.write_all(b"</sheetData></worksheet>").unwrap();
    out.finish().unwrap().into_inner()
}

fn cell(place: &str, text: &str) -> String {
    format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
}

/// A file with some bytes replaced, from where a text stands in it.
fn with(bytes: &[u8], at: &[u8], skip: usize, new: &[u8]) -> Vec<u8> {
    let start = bytes.windows(at.len()).position(|w| w == at).unwrap() + at.len() + skip;
    let mut out = bytes.to_vec();
    out[start..start + new.len()].copy_from_slice(new);
    out
}

fn texts() -> Vec<Broken> {
    let towns = String::from_utf8(case("towns.csv")).unwrap();
    let file =
        |name: &'static str, bytes: Vec<u8>, code: &'static str| Broken { name, bytes, program: panel(name, ""), code };
    let columns: String = (0..1_000_000).map(|k| format!("c{k},")).collect();
    let few: String = (0..60_000).map(|k| format!("c{k},")).collect();
    vec![
        file("empty.csv", Vec::new(), "durbin::data::no_rows"),
        file("mark.csv", b"\xEF\xBB\xBF".to_vec(), "durbin::data::no_rows"),
        file("blank.csv", b"\r\n \n\n".to_vec(), "durbin::data::no_rows"),
        file("header.csv", b"town,year,jobs,income\n".to_vec(), "durbin::data::no_rows"),
        file("zeros.csv", vec![0; 5000], "durbin::data::wrong_format"),
        file("zero.csv", towns.replacen("Arden", "Ar\0en", 1).into_bytes(), "durbin::data::wrong_format"),
        file("wide.csv", towns.encode_utf16().flat_map(u16::to_le_bytes).collect(), "durbin::data::not_utf8"),
        file(
            "latin.csv",
            towns.replace("Arden", "M\u{e1}laga").chars().map(|c| c as u8).collect(),
            "durbin::data::not_utf8",
        ),
        file(
            "noise.csv",
            (0..100_000u32).map(|k| (k.wrapping_mul(2_654_435_761) >> 13) as u8 | 1).collect(),
            "durbin::data::not_utf8",
        ),
        file("open.csv", towns.replacen("Arden", "\"Arden", 1).into_bytes(), "durbin::data::unclosed_quote"),
        file(
            "open_far.csv",
            format!("{}\"open,1\n{}", towns, "Arden,2010,1,2,,\n".repeat(60_000)).into_bytes(),
            "durbin::data::unclosed_quote",
        ),
        file("twice.csv", towns.replacen("income", "jobs", 1).into_bytes(), "durbin::data::duplicate_header"),
        file("million.csv", format!("{columns}\n{columns}\n").into_bytes(), "durbin::data::too_large"),
        file("many_twice.csv", format!("{few}c7\n").into_bytes(), "durbin::data::duplicate_header"),
        file("endless.csv", vec![b'a'; 30 << 20], "durbin::data::too_large"),
        file("ragged.csv", towns.replacen("2011,", "2011,9,9,", 1).into_bytes(), "durbin::data::ragged_row"),
        file(
            "long.csv",
            format!("{towns}Arden,2020,{},1,,\n", "9".repeat(2 << 20)).into_bytes(),
            "durbin::data::field_too_long",
        ),
        file("semicolons.csv", towns.replace(',', ";").into_bytes(), "durbin::data::delimiter"),
        file("tabs.csv", towns.replace(',', "\t").into_bytes(), "durbin::data::delimiter"),
        file("bars.csv", towns.replace(',', "|").into_bytes(), "durbin::data::delimiter"),
        file("words.csv", towns.replacen("61.19", "sixty", 1).into_bytes(), "durbin::data::not_a_number"),
        file("markers.csv", towns.replacen("61.19", "NA", 1).into_bytes(), "durbin::data::missing_marker"),
        file("commas.csv", towns.replacen("61.19", "\"61,19\"", 1).into_bytes(), "durbin::data::decimal_comma"),
        file("year.csv", towns.replacen("2010", "MMX", 1).into_bytes(), "durbin::data::time_not_integer"),
        file("book.csv", case("towns.xlsx"), "durbin::data::wrong_format"),
        file("stata.csv", case("towns.dta"), "durbin::data::wrong_format"),
        file("paper.csv", b"%PDF-1.7 \n".to_vec(), "durbin::data::wrong_format"),
        file("page.csv", b"<!DOCTYPE html><html><body>404</body></html>".to_vec(), "durbin::data::wrong_format"),
        file("packed.csv", gz(towns.as_bytes()), "durbin::data::wrong_format"),
    ]
}

fn archives() -> Vec<Broken> {
    let towns = case("towns.csv");
    let file =
        |name: &'static str, bytes: Vec<u8>, code: &'static str| Broken { name, bytes, program: panel(name, ""), code };
    let packed = gz(&towns);
    let mut bad_sum = packed.clone();
    let last = bad_sum.len() - 6;
    bad_sum[last] ^= 0xFF;
    let book = case("towns.xlsx");
    let names = ["town", "year", "jobs", "income"].iter().zip(["A1", "B1", "C1", "D1"]);
    let header = format!("<row r=\"1\">{}</row>", names.map(|(n, at)| cell(at, n)).collect::<String>());
    let mut letter = zip::ZipWriter::new(Cursor::new(Vec::new()));
    letter.start_file("readme.txt", zip::write::SimpleFileOptions::default()).unwrap();
    letter.write_all(b"the data follow by post").unwrap();
    let other = letter.finish().unwrap().into_inner();
    vec![
        file("plain.csv.gz", towns.clone(), "durbin::data::wrong_format"),
        file("cut.csv.gz", packed[..packed.len() / 2].to_vec(), "durbin::data::truncated"),
        file("sum.csv.gz", bad_sum, "durbin::data::truncated"),
        file("letters.csv.gz", bomb(b"", &[b'a'; 1 << 20], 200), "durbin::data::too_large"),
        file("nothing.csv.gz", bomb(b"", &[0; 1 << 20], 200), "durbin::data::wrong_format"),
        file("text.xlsx", towns.clone(), "durbin::data::wrong_format"),
        file("cut.xlsx", book[..book.len() / 2].to_vec(), "durbin::data::damaged"),
        file("other.xlsx", other, "durbin::data::damaged"),
        file("bomb.xlsx", workbook(&header, 120), "durbin::data::too_large"),
        file(
            "far.xlsx",
            workbook(&format!("{header}<row r=\"1048576\">{}</row>", cell("XFD1048576", "x")), 0),
            "durbin::data::ragged_row",
        ),
        file(
            "twice.xlsx",
            workbook(&format!("<row r=\"1\">{}{}</row>", cell("A1", "town"), cell("C1", "town")), 0),
            "durbin::data::duplicate_header",
        ),
        file("bare.xlsx", workbook("", 0), "durbin::data::no_rows"),
        file("header.xlsx", workbook(&header, 0), "durbin::data::no_rows"),
    ]
}

fn stata() -> Vec<Broken> {
    let whole = case("towns.dta");
    let file =
        |name: &'static str, bytes: Vec<u8>, code: &'static str| Broken { name, bytes, program: panel(name, ""), code };
    vec![
        file("text.dta", case("towns.csv"), "durbin::data::wrong_format"),
        file("head.dta", whole[..70].to_vec(), "durbin::data::truncated"),
        file("data.dta", whole[..whole.len() * 6 / 10].to_vec(), "durbin::data::truncated"),
        file("many_rows.dta", with(&whole, b"<N>", 0, &[0xFF; 7]), "durbin::data::truncated"),
        file("all_rows.dta", with(&whole, b"<N>", 0, &[0xFF; 8]), "durbin::data::damaged"),
        file("columns.dta", with(&whole, b"<K>", 0, &[0xFF; 2]), "durbin::data::truncated"),
        file("map.dta", with(&whole, b"<map>", 16, &[0xFF; 7]), "durbin::data::truncated"),
        file("tags.dta", with(&whole, b"<byteorder>", 0, b"XYZ"), "durbin::data::damaged"),
        file("newer.dta", with(&whole, b"<release>", 0, b"121"), "durbin::data::unknown_format"),
        file("older.dta", vec![110, 2, 1, 0, 0, 0], "durbin::data::unknown_format"),
        file("old_cut.dta", [vec![114, 2, 1, 0, 9, 0], vec![0; 200]].concat(), "durbin::data::truncated"),
    ]
}

fn maps() -> Vec<Broken> {
    let file =
        |name: &'static str, bytes: Vec<u8>, code: &'static str| Broken { name, bytes, program: shapes(name), code };
    let source = |name: &'static str, bytes: &[u8], call: &str, code: &'static str| Broken {
        name,
        bytes: bytes.to_vec(),
        program: weights(call),
        code,
    };
    let shp = case("towns.shp");
    let json = case("towns.geojson");
    let package = case("towns.gpkg");
    let swm = [b"UNIQUEID@ID;\n".to_vec(), vec![9, 0, 0, 0, 0, 0, 0, 0, 1, 0]].concat();
    vec![
        file("cut.shp", shp[..shp.len() - 30].to_vec(), "durbin::data::truncated"),
        file("text.shp", case("towns.csv"), "durbin::data::wrong_format"),
        file("points.shp", with(&shp, &shp[24..32], 0, &[1, 0, 0, 0]), "durbin::data::shapes_kind"),
        file("parts.shp", with(&shp, &shp[100..108], 36, &[0xFF; 3]), "durbin::data::truncated"),
        file("cut.geojson", json[..json.len() / 2].to_vec(), "durbin::data::truncated"),
        file("deep.geojson", b"[".repeat(1 << 20), "durbin::data::damaged"),
        file("cut.gpkg", package[..package.len() / 2].to_vec(), "durbin::data::truncated"),
        file("list.gpkg", with(&package, b"SQLite", 94, &[7]), "durbin::data::damaged"),
        file("shape.gpkg", with(&package, b"GP\0\x03", 41, &[0xFF; 4]), "durbin::data::damaged"),
        file("text.gpkg", case("towns.csv"), "durbin::data::wrong_format"),
        file("point.geojson", b"{\"type\": \"Point\", \"coordinates\": [1, 2]}".to_vec(), "durbin::data::wrong_format"),
        source("cut.gal", b"8\nArden 3\nBexley\n", "gal(\"cut.gal\")", "durbin::weights::bad_gal"),
        source("cut.gwt", b"0 8 x y\nArden Bexley\n", "gwt(\"cut.gwt\")", "durbin::weights::bad_gal"),
        source(
            "cut.mtx",
            b"%%MatrixMarket matrix coordinate real general\n8 8 99999999999\n1 2 3\n",
            "mtx(\"cut.mtx\", units: \"places.csv\")",
            "durbin::weights::bad_gal",
        ),
        source("cut.swm", &swm, "swm(\"cut.swm\")", "durbin::weights::bad_gal"),
    ]
}

/// The most this process has held, in MB, where the system says it.
fn most_held() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kb| kb / 1024)
}

#[test]
fn every_broken_file_is_answered_at_its_place_in_time_and_memory() {
    let mut all = texts();
    all.extend(stata());
    all.extend(maps());
    all.extend(archives());
    assert!(all.len() >= 40, "{}", all.len());
    let mut wrong = Vec::new();
    for broken in all {
        let Broken { name, bytes, program, code } = broken;
        let mut files = MemoryLoader::default();
        for beside in ["towns.csv", "places.csv"] {
            files.files.insert(beside.to_string(), case(beside));
        }
        if let Some(stem) = name.strip_suffix(".shp") {
            files.files.insert(format!("{stem}.dbf"), case("towns.dbf"));
        }
        files.files.insert(name.to_string(), bytes);
        let clock = ProcessTime::now();
        let run = Session::new(&files).run(&Program::new("broken.durbin", &program));
        let took = clock.elapsed();
        let errors: Vec<_> = run.diagnostics.iter().filter(|d| d.is_error()).collect();
        let first = errors.first().map_or("none", |d| d.code);
        if first != code {
            wrong.push(format!("{name}: {first} and not {code}: {}", errors.first().map_or("", |d| &d.message)));
            continue;
        }
        let placed = errors[0].span.is_some() && errors[0].files.iter().all(|l| l.line >= 1 && l.column >= 1);
        // What has no first line has no place in it.
        let files = errors[0].files.iter().any(|l| l.file == name) || errors[0].message.ends_with("is empty");
        if !placed || !files {
            wrong.push(format!("{name}: not placed: {:?}", errors[0]));
        }
        if took > Duration::from_secs(2) {
            wrong.push(format!("{name}: took {took:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    if let Some(held) = most_held() {
        assert!(held < 500, "{held} MB, of which the files themselves are a part");
    }
}
