//! What may not change a number: the order of rows, the names of units, layout, and defaults written out.

#![allow(clippy::unwrap_used)]

#[path = "support/cases.rs"]
mod cases;
#[path = "support/runs.rs"]
mod runs;

use cases::{data_files, program, rendered};
use durbin::loader::MemoryLoader;
use runs::run;
use serde_json::Value;

/// Joins, coordinates, bands, lists of links, groups, a treatment, spatial and other models, tables and answers.
const PROGRAM: &str = r#"
panel towns from "towns.csv" {
  unit town
  time year
  join "places.csv" by town
  coords lon, lat
  let ratio = jobs / income
  let near  = row(knn(3)) @ income
}
weights W = row(edges("roads.csv"))
treatment law = starts(law_year)
model base = sdm_did(jobs ~ law + income | W)
model ring = slx_did(jobs ~ law + income | [W, W_band(40, 90)])
model plain = ols(jobs ~ income + near + i(sector), fe: time, se: robust)
model lagged = sar(ratio ~ lag(income) | W, fe: unit, se: qml)
model block = sem(jobs ~ income | row(block(region)), se: iid)
base
table(base, ring, plain, lagged, block)
effects(base)
residuals(base)
law
W
W_band(40, 90)
row(similarity(income, until: 2012))
row(inverse_distance(power: 2))
towns
"#;

fn results(text: &str, files: &MemoryLoader) -> Value {
    let (run, _) = run(&program("invariants.durbin", text.as_bytes()), files);
    assert!(!run.failed(), "{}", rendered(&run, files));
    run.document()["results"].clone()
}

/// The lines of a file after its header in another order.
fn shuffled(text: &str, round: usize) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    lines[1..].sort_by_key(|line| *blake3::hash(format!("{round} {line}").as_bytes()).as_bytes());
    lines.iter().map(|l| format!("{l}\n")).collect()
}

/// Entry by entry, so that what differs is named.
fn same(found: &Value, expected: &Value) {
    let entries = |v: &Value| -> Vec<Value> { v.as_array().unwrap().clone() };
    let (found, expected) = (entries(found), entries(expected));
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(&expected) {
        // As texts: -0 is not 0.
        let (text, wanted) = (a.to_string(), b.to_string());
        assert!(text == wanted, "`{}` differs:\n{text}\n{wanted}", b["source"]);
    }
}

fn text_of(files: &MemoryLoader, name: &str) -> String {
    String::from_utf8(files.files[name].clone()).unwrap()
}

#[test]
fn the_order_of_rows_changes_no_bit() {
    let files = data_files();
    let expected = results(PROGRAM, &files);
    for round in 0..5 {
        let mut other = files.clone();
        for name in ["towns.csv", "places.csv", "roads.csv"] {
            other.files.insert(name.to_string(), shuffled(&text_of(&files, name), round).into_bytes());
        }
        same(&results(PROGRAM, &other), &expected);
    }
}

/// Towns under other names, the same in every file.
fn renamed(files: &MemoryLoader, names: &[(&str, &str)]) -> MemoryLoader {
    let mut other = files.clone();
    for file in ["towns.csv", "places.csv", "roads.csv"] {
        let text: Vec<String> = text_of(files, file).lines().map(|l| renamed_line(l, names)).collect();
        other.files.insert(file.to_string(), (text.join("\n") + "\n").into_bytes());
    }
    other
}

fn renamed_line(line: &str, names: &[(&str, &str)]) -> String {
    let new = |field: &str| names.iter().find(|n| n.0 == field).map_or(field.to_string(), |n| n.1.to_string());
    line.split(',').map(new).collect::<Vec<_>>().join(",")
}

/// Numbers that may differ by rounding, in whatever order a renaming leaves them: those of fits and effects.
fn numbers(value: &Value, path: &str, out: &mut Vec<(String, f64)>) {
    match value {
        Value::Number(n) => out.push((path.to_string(), n.as_f64().unwrap())),
        Value::Array(items) => items.iter().for_each(|v| numbers(v, path, out)),
        Value::Object(map) => map.iter().for_each(|(k, v)| numbers(v, &format!("{path}.{k}"), out)),
        _ => {}
    }
}

fn sorted_numbers(value: &Value) -> Vec<(String, f64)> {
    let mut out = Vec::new();
    numbers(value, "", &mut out);
    out.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    out
}

#[test]
fn the_names_of_units_change_no_number() {
    let towns = ["Arden", "Bexley", "Corby", "Dover", "Epsom", "Frome", "Goole", "Hythe"];
    let same_order = ["a1", "b2", "c3", "d4", "e5", "f6", "g7", "h8"];
    let other_order = ["北京", "7", "z", "Aa", "-", "m m", "é", "0"];
    let files = data_files();
    let expected = results(PROGRAM, &files);
    for names in [same_order, other_order] {
        let names: Vec<(&str, &str)> = towns.into_iter().zip(names).collect();
        let found = results(PROGRAM, &renamed(&files, &names));
        let (a, b) = (sorted_numbers(&expected), sorted_numbers(&found));
        assert_eq!(a.len(), b.len());
        for ((path, x), (other, y)) in a.iter().zip(&b) {
            assert_eq!(path, other);
            let close = (x - y).abs() <= 1e-10 * x.abs().max(1.0);
            // sums in another order differ in their last bit, and so does how many values are distinct
            let may_differ = path.ends_with(".iterations") || path.ends_with(".distinct");
            assert!(close || may_differ, "{path}: {x} and {y}");
        }
    }
}

/// What two programs compute, without the texts of their own that differ by intent.
fn without_sources(mut value: Value) -> Value {
    strip(&mut value);
    value
}

fn strip(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(strip),
        Value::Object(map) => {
            map.shift_remove("source");
            map.values_mut().for_each(strip);
        }
        _ => {}
    }
}

#[test]
fn layout_changes_nothing() {
    let files = data_files();
    let loose = PROGRAM
        .replace("  unit town\n  time year\n", "  unit town;   time year  # the keys\n\n\n")
        .replace("sdm_did(jobs ~ law + income | W)", "sdm_did(\n  jobs ~ law\n    + income  # a control\n    | W,\n)")
        .replace("\n", "\r\n");
    same(&without_sources(results(&loose, &files)), &without_sources(results(PROGRAM, &files)));
}

#[test]
fn defaults_written_out_change_nothing() {
    let files = data_files();
    let full = PROGRAM
        .replace("  let ratio", "  missing error\n  balance error\n  let ratio")
        .replace("edges(\"roads.csv\")", "edges(\"roads.csv\", islands: error)")
        .replace("income | W)\n", "income | W, fe: [unit, time], se: cluster(unit), level: 0.95, method: qml, effects: delta, df_adjust: false)\n")
        .replace("fe: unit, se: qml", "fe: unit, se: qml, likelihood: transform, lag_weights: W")
        .replace("lag(income)", "lag(income, 1)")
        .replace("table(base, ring, plain, lagged, block)", "table(base, ring, plain, lagged, block, stars: true)");
    let full = format!("options {{ level 0.95 }}\n{full}");
    let clean = |v: Value| -> Value {
        serde_json::from_str(&without_sources(v).to_string().replace("lag(income, 1)", "lag(income)")).unwrap()
    };
    same(&clean(results(&full, &files)), &clean(results(PROGRAM, &files)));
}
