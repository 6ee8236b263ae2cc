//! Which option value does what for which estimator: every value of the checker's own lists is given to every kind of
//! model, on one small panel. Either the numbers change, or the value is the default, or it is refused with a reason.
//! `docs/options.md` is that table; `DURBIN_DOCS=update cargo test --test options` writes it.

#![allow(clippy::unwrap_used)]

#[path = "support/random.rs"]
mod random;

use durbin::check::option_values;
use durbin::loader::MemoryLoader;
use durbin::session::{Program, Run, Session};
use random::Random;
use std::fmt::Write;
use std::path::Path;

const UNITS: usize = 20;
const YEARS: std::ops::Range<usize> = 2001..2009;

/// A kind of model: its heading, its query and the options it is asked for with.
const ESTIMATORS: [(&str, &str, &str); 15] = [
    ("`ols`", "ols(y ~ x + v", ""),
    ("`slx`", "slx(y ~ x + v | W", ""),
    ("`sar`", "sar(y ~ x + v | W", ""),
    ("`sdm`", "sdm(y ~ x + v | W", ""),
    ("`sem`", "sem(y ~ x + v | W", ""),
    ("`sdem`", "sdem(y ~ x + v | W", ""),
    ("`sac`", "sac(y ~ x + v | W, error_weights: V", ""),
    ("`sdm_did`", "sdm_did(y ~ law + x | W", ""),
    ("by instruments", "sar(y ~ x + v | W", "method: gs2sls"),
    ("by moments", "sem(y ~ x + v | W", "method: gmm"),
    ("random effects", "sem(y ~ x + v | W", "fe: random"),
    ("dynamic", "sdm(y ~ lag(y) + x + v | W", ""),
    ("effects of groups", "sdm(y ~ x + v | W", "fe: [unit, province:time]"),
    ("unit trends", "sdm(y ~ x + v | W", "trends: unit"),
    ("changing weights", "sdm(y ~ x + v | F", ""),
];

/// Options that take no words, with a value each.
const OTHERS: [(&str, &[&str]); 8] = [
    ("df_adjust", &["true"]),
    ("durbin", &["[x]"]),
    ("lag_weights", &["V"]),
    ("error_weights", &["V"]),
    ("iv", &["x ~ z"]),
    ("mundlak", &["true"]),
    ("level", &["0.9"]),
    ("where", &["year > 2002"]),
];

const HEAD: &str = r#"
panel towns from "towns.csv" { unit town  time year  coords lon, lat }
weights W = row(edges("roads.csv"))
weights V = row(knn(4))
weights F = row(edges("roads_by_year.csv", time: year))
treatment law = starts(start)
"#;

/// Towns on a grid with roads to their neighbors, some of which are built over time.
fn files() -> MemoryLoader {
    let mut random = Random::new(11, 1);
    let mut towns = "town,year,y,x,v,z,province,start,lon,lat\n".to_string();
    let mut past = random.normals(UNITS);
    let level = past.clone();
    for year in YEARS {
        let x = random.normals(UNITS);
        let shock: Vec<f64> = (0..UNITS).map(|i| random.normal() * (0.5 + i as f64 / UNITS as f64)).collect();
        for i in 0..UNITS {
            let law = i % 4 == 1 && year >= 2004 + i % 3;
            let around = 0.5 * (x[(i + 1) % UNITS] + x[(i + UNITS - 1) % UNITS]);
            let own = shock[i] + 0.4 * shock[(i + 1) % UNITS];
            let y = 0.3 * past[i] + level[i] + x[i] + 0.4 * around + 0.8 * f64::from(u8::from(law)) + own;
            let start = if i % 4 == 1 { (2004 + i % 3).to_string() } else { String::new() };
            let (v, z) = (random.normal(), x[i] + random.normal());
            let (lon, lat) = (10.0 + 0.3 * (i % 5) as f64, 50.0 + 0.2 * (i / 5) as f64);
            let province = ["north", "east", "south", "west"][i / 5];
            writeln!(towns, "t{i:02},{year},{y},{},{v},{z},{province},{start},{lon},{lat}", x[i]).unwrap();
            past[i] = y;
        }
    }
    let (mut roads, mut by_year) = ("from,to\n".to_string(), "from,to,year\n".to_string());
    for i in 0..UNITS {
        // One road in three goes across, so that towns differ in their place.
        let across = if i % 3 == 0 { Some((i + 5) % UNITS) } else { None };
        for k in [(i + 1) % UNITS, (i + UNITS - 1) % UNITS].into_iter().chain(across) {
            writeln!(roads, "t{i:02},t{k:02}").unwrap();
            let opened = if Some(k) == across { 2001 + i % 6 } else { 2001 };
            YEARS.filter(|y| *y >= opened).for_each(|y| writeln!(by_year, "t{i:02},t{k:02},{y}").unwrap());
        }
    }
    let mut files = MemoryLoader::default();
    for (name, text) in [("towns.csv", towns), ("roads.csv", roads), ("roads_by_year.csv", by_year)] {
        files.files.insert(name.into(), text.into_bytes());
    }
    files
}

/// What a model answers to a value of an option.
enum Answer {
    /// The numbers of the fit.
    Honored(String),
    Refused(String),
    /// The estimator is that very option.
    Itself,
}

fn numbers(run: &Run) -> String {
    let fit = &run.document()["results"][0];
    let asked = [
        "coefficients",
        "effects",
        "policy_effects",
        "loglik",
        "m_effective",
        "sigma2",
        "sigma2_unit",
        "level",
        "nobs",
    ];
    asked.map(|key| fit[key].to_string()).join(" ")
}

fn ask(files: &MemoryLoader, (query, with): (&str, &str), option: Option<(&str, &str)>) -> Answer {
    let own = with.split(':').next().unwrap_or_default();
    let mut text = query.to_string();
    if !with.is_empty() {
        write!(text, ", {with}").unwrap();
    }
    if let Some((name, value)) = option {
        if own == name || text.contains(&format!("{name}:")) {
            return Answer::Itself;
        }
        write!(text, ", {name}: {value}").unwrap();
    }
    let run = Session::new(files).run(&Program::new("options.durbin", &format!("{HEAD}{text})\n")));
    match run.failed() {
        false => Answer::Honored(numbers(&run)),
        true => {
            let first = run.diagnostics.iter().find(|d| d.level == durbin::fault::Level::Error).unwrap();
            assert!(first.code != "durbin::run::bug" && first.help.is_some(), "{text}: {first:?}");
            Answer::Refused(format!("{}; {}", first.message, first.help.as_deref().unwrap_or_default()))
        }
    }
}

/// One option's table, refusals as numbers of `notes`.
fn table(files: &MemoryLoader, option: &str, values: &[&str], notes: &mut Vec<String>) -> String {
    let mut rows: Vec<Vec<String>> = values.iter().map(|v| vec![format!("`{v}`")]).collect();
    for (_, query, with) in ESTIMATORS {
        let Answer::Honored(plain) = ask(files, (query, with), None) else { panic!("{query}, {with}: refused") };
        let mut known = vec![("default", plain)];
        for (row, value) in rows.iter_mut().zip(values) {
            row.push(match ask(files, (query, with), Some((option, value))) {
                Answer::Itself => "–".to_string(),
                Answer::Honored(found) => match known.iter().find(|k| k.1 == found) {
                    Some(("default", _)) => "default".to_string(),
                    Some((same, _)) => format!("as `{same}`"),
                    None => {
                        known.push((value, found));
                        "yes".to_string()
                    }
                },
                Answer::Refused(why) => {
                    let at = notes.iter().position(|n| *n == why).unwrap_or_else(|| {
                        notes.push(why);
                        notes.len() - 1
                    });
                    format!("[{}]", at + 1)
                }
            });
        }
    }
    let heads: Vec<&str> = ESTIMATORS.iter().map(|e| e.0).collect();
    let mut out = format!("| `{option}` | {} |\n|{}\n", heads.join(" | "), " --- |".repeat(heads.len() + 1));
    rows.iter().for_each(|row| writeln!(out, "| {} |", row.join(" | ")).unwrap());
    out
}

const INTRODUCTION: &str = "# Options and estimators

What every value of every option does, for every kind of model: written by `tests/options.rs`, which gives each value to each model on a small panel with two-way
effects and compares the numbers. *yes*: the numbers change. *default*: it is what the model does anyway. *as …*: the numbers are those of another value. A number
in brackets: the value is refused, with the message below the tables. A dash: the column is about that option. Effects of groups are `fe: [unit, province:time]`.

";

#[test]
fn every_option_value_is_honored_or_refused() {
    let files = files();
    let mut notes = Vec::new();
    let mut text = INTRODUCTION.to_string();
    for (option, values) in option_values().iter().chain(&OTHERS) {
        text.push_str(&table(&files, option, values, &mut notes));
        text.push('\n');
    }
    text.push_str("## Refusals\n\n");
    notes.iter().enumerate().for_each(|(k, n)| writeln!(text, "{}. {n}", k + 1).unwrap());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/options.md");
    if std::env::var("DURBIN_DOCS").as_deref() == Ok("update") {
        std::fs::write(&path, &text).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    for (found, shown) in text.lines().zip(written.lines()) {
        assert_eq!(found, shown, "`DURBIN_DOCS=update cargo test --test options` writes docs/options.md");
    }
    assert_eq!(text.lines().count(), written.lines().count());
}
