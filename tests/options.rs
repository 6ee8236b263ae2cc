//! Which option value does what for which estimator: every value of the checker's own lists is given to every kind of
//! model, on one small panel. Either the numbers change, or the value is the default, or it is refused with a reason.
//! `docs/options.md` is that table; `DURBIN_DOCS=update cargo test --test options` writes it.

#![allow(clippy::unwrap_used)]

#[path = "support/random.rs"]
mod random;
#[path = "support/towns.rs"]
mod towns;

use durbin::check::option_values;
use durbin::loader::MemoryLoader;
use durbin::session::{Program, Run, Session};
use std::fmt::Write;
use std::path::Path;
use towns::{HEAD, files};

/// A kind of model: its heading, its query and the options it is asked for with.
const ESTIMATORS: [(&str, &str, &str); 17] = [
    ("`ols`", "ols(y ~ x + v", ""),
    ("`slx`", "slx(y ~ x + v | W", ""),
    ("`sar`", "sar(y ~ x + v | W", ""),
    ("`sdm`", "sdm(y ~ x + v | W", ""),
    ("`sem`", "sem(y ~ x + v | W", ""),
    ("`sdem`", "sdem(y ~ x + v | W", ""),
    ("`sac`", "sac(y ~ x + v | W, error_weights: V", ""),
    ("`gns`", "gns(y ~ x + v | W, error_weights: V", ""),
    ("`did`", "did(y ~ law + x", ""),
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
What is set inside a value (`lags:` of `conley`, `weights:` of `wild`) and the options of designs and tests have the same test, `tests/settings.rs`, with the reason wherever two settings
give the same numbers.

";

#[test]
fn every_option_value_is_honored_or_refused() {
    let files = files(20);
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
