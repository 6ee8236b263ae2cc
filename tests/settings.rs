//! What is set inside an option, and the options of designs and tests: every value moves a number, or is listed with the
//! reason why it does not. `tests/options.rs` does the same for the options of models.

#![allow(clippy::unwrap_used)]

#[path = "support/random.rs"]
mod random;
#[path = "support/towns.rs"]
mod towns;

use durbin::loader::MemoryLoader;
use durbin::session::{Program, Session};
use serde_json::Value;
use towns::{HEAD, files};

const TOWNS: usize = 60;

/// A query with a place for settings, `{}`, and settings of which no two give the same numbers; the first says nothing
/// where there is a default.
const DIFFERENT: &[(&str, &[&str])] = &[
    (
        "ols(y ~ x + v{})",
        &[
            "",
            ", se: robust",
            ", se: cluster(unit)",
            ", se: cluster(time)",
            ", se: cluster(unit, time)",
            ", se: cluster(province)",
            ", se: driscoll_kraay",
            ", se: driscoll_kraay(0)",
            ", se: driscoll_kraay(3)",
            ", se: conley(60 km)",
            ", se: conley(120 km)",
            ", se: conley(60 km, lags: 2)",
            ", se: conley(60 km, kernel: uniform)",
            ", se: wild(cluster: unit)",
            ", se: wild(cluster: unit, reps: 499)",
            ", se: wild(cluster: unit, weights: webb)",
            ", se: wild(cluster: time)",
            ", se: wild(cluster: province)",
        ],
    ),
    (
        "slx(y ~ x + v | W{})",
        &[
            "",
            ", se: cluster(province)",
            ", se: driscoll_kraay",
            ", se: conley(60 km)",
            ", se: conley(60 km, lags: 2)",
            ", se: wild(cluster: unit)",
            ", effects: simulate(draws: 1000)",
            ", effects: simulate(draws: 500)",
        ],
    ),
    (
        "sar(y ~ x + v | W, method: gs2sls{})",
        &[
            "",
            ", se: robust",
            ", se: cluster(province)",
            ", se: driscoll_kraay",
            ", se: driscoll_kraay(3)",
            ", se: conley(60 km)",
            ", se: conley(60 km, lags: 2)",
            ", se: conley(60 km, kernel: uniform)",
        ],
    ),
    (
        "sem(y ~ x + v | W, method: gmm{})",
        &["", ", se: cluster(province)", ", se: driscoll_kraay", ", se: conley(60 km)", ", se: conley(60 km, lags: 2)"],
    ),
    (
        "sdm(y ~ x + v | W{})",
        &[
            "",
            ", se: bootstrap(wild_period)",
            ", se: bootstrap(wild_period, reps: 99)",
            ", se: bootstrap(block_unit, reps: 99)",
            ", effects: simulate(draws: 1000)",
            ", effects: simulate(draws: 500)",
        ],
    ),
    (
        "att_gt(y ~ law + x{})",
        &[
            "",
            ", control: not_yet",
            ", estimator: reg",
            ", estimator: ipw",
            ", base: universal",
            ", anticipation: 1",
            ", exposure: W",
            ", se: cluster(wave)",
            ", draws: 499",
            ", multiplier: mammen",
            ", level: 0.9",
            ", where: year > 2001",
        ],
    ),
    (
        "sun_abraham(y ~ law + x{})",
        &["", ", anticipation: 1", ", exposure: W", ", se: cluster(wave)", ", level: 0.9", ", where: year > 2001"],
    ),
    (
        "imputation(y ~ law + x{})",
        &["", ", leads: 2", ", anticipation: 1", ", exposure: W", ", se: cluster(wave)", ", level: 0.9"],
    ),
    (
        "two_stage(y ~ law + x{})",
        &["", ", leads: 2", ", anticipation: 1", ", exposure: W", ", se: cluster(wave)", ", level: 0.9"],
    ),
    (
        "psm_did(y ~ law + x + v{})",
        &[
            "",
            ", neighbors: 2",
            ", replacement: false",
            ", caliper: 0.0005",
            ", match: radius, caliper: 0.05",
            ", match: kernel",
            ", match: kernel, bandwidth: 0.1",
            ", covariates: last",
            ", adjust: true",
            ", exposure: W",
            ", se: cluster(province)",
            ", level: 0.9",
        ],
    ),
    ("event_study(m{})", &[", -3..3", ", -2..3", ", -3..2", ", -3..3, reference: -2"]),
    ("parallel_trends(m{})", &["", ", window: -2..0"]),
    ("by_band(m{})", &[", [0, 30, 60]", ", [0, 40, 60]"]),
    ("by_group(m, province{})", &["", ", method: subsample"]),
    ("rings_did(y ~ law + x, {})", &["[0, 23]", "[0, 23, 40]", "[0, 23], se: cluster(wave)", "[0, 23], level: 0.9"]),
    (
        "placebo(m, reps: 19{})",
        &["", ", permute: corridors", ", permute: torus", ", permute: clusters, by: wave", ", statistic: total"],
    ),
    ("fake_timing(m{})", &[", shift: 1", ", shift: 2"]),
    ("simulate(m, reps: 19{})", &["", ", errors: residuals", ", truth: {law: 0}", ", truth: {rho: 0.1}"]),
    ("joint([m, n], reps: 19{})", &["", ", effect: direct", ", effect: indirect"]),
    ("spec_curve([m, n]{})", &["", ", effect: direct", ", effect: indirect"]),
    (
        "honest(event_study(m, -3..3){})",
        &[
            "",
            ", effect: indirect",
            ", effect: total",
            ", at: 1",
            ", at: average",
            ", restriction: smooth",
            ", bound: 0.5",
            ", level: 0.9",
        ],
    ),
    (
        "moran(y, W, at: 2003{})",
        &["", ", variance: normal", ", variance: permutation", ", variance: permutation, draws: 99"],
    ),
    ("moran(y, {})", &["W, at: 2003", "V, at: 2003", "W, at: 2004", "W, by: year"]),
    ("moran(m{})", &["", ", draws: 99", ", V"]),
    ("moran(p, {})", &["W", "V"]),
    ("geary(y, W, at: 2003{})", &["", ", variance: normal", ", variance: permutation"]),
    ("local_moran(y, W, at: 2003{})", &["", ", draws: 99"]),
    ("lm_tests(p, W{})", &["", ", style: elhorst"]),
    ("lm_tests(p, {})", &["W", "V"]),
    ("pesaran_cd(q{})", &["", ", W", ", V"]),
    ("specification_tests(y ~ x + v | [W, V]{})", &["", ", fe: unit", ", fe: none"]),
    ("compare_models([sdm(y ~ x | w) for w in [W, V]]{})", &["", ", prior: beta"]),
    ("effects(m{})", &["", ", by: unit", ", by: order", ", by: order, orders: 3"]),
    ("effects(d{})", &["", ", horizons: 4", ", horizons: 6"]),
];

/// Settings that give the same numbers, and why.
const EQUAL: &[(&str, &str, &str, &str)] = &[
    ("ols(y ~ x + v{})", ", se: driscoll_kraay", ", se: driscoll_kraay(2)", "4(T/100)^(2/9) is 2 for eight periods"),
    ("ols(y ~ x + v{})", ", se: conley(60 km)", ", se: conley(60 km, lags: 0, kernel: bartlett)", "the defaults"),
    ("ols(y ~ x + v{})", ", se: conley(1 km, kernel: uniform)", ", se: conley(1 km)", "no two towns are so near"),
    (
        "ols(y ~ x + v{})",
        ", se: wild(cluster: unit)",
        ", se: wild(cluster: unit, reps: 999, weights: rademacher)",
        "the defaults",
    ),
    (
        "ols(y ~ x + v{})",
        ", se: wild(cluster: province)",
        ", se: wild(cluster: province, weights: webb)",
        "few clusters",
    ),
    ("sdm(y ~ x + v | W{})", ", se: bootstrap(wild_period)", ", se: bootstrap(wild_period, reps: 499)", "the default"),
    ("sdm(y ~ x + v | W{})", ", effects: simulate", ", effects: simulate(draws: 1000)", "the default"),
    ("sem(y ~ x + v | W, fe: random{})", "", ", se: observed", "`iid` is the observed information with random effects"),
    ("sem(y ~ x + v | W, fe: random{})", "", ", random: kkp", "the default"),
    ("att_gt(y ~ law{})", "", ", estimator: reg", "without covariates every comparison is a difference of means"),
    ("att_gt(y ~ law{})", "", ", estimator: ipw", "without covariates every comparison is a difference of means"),
    (
        "sun_abraham(y ~ law + x{})",
        "",
        ", control: last",
        "the last group stands in where nobody stays untreated, and here some do",
    ),
    ("psm_did(y ~ law + x + v{})", "", ", replacement: true, neighbors: 1, support: common", "the defaults"),
    ("psm_did(y ~ law + x + v, match: kernel{})", "", ", caliper: none", "a kernel has its bandwidth"),
    ("placebo(m, reps: 19{})", "", ", permute: units, statistic: direct", "the defaults"),
    ("moran(y, W, at: 2003{})", "", ", variance: randomization", "the default"),
];

/// What the queries above are about.
const MODELS: &str = "
let m = sdm_did(y ~ law + x | W)
let n = sdm_did(y ~ law + x | V)
let p = ols(y ~ x + v)
let q = ols(y ~ x + v, fe: unit)
let d = sdm(y ~ lag(y) + x + v | W)
";

/// Names of numbers that say what was asked for, not what was found.
const ECHOES: [&str; 14] = [
    "anticipation",
    "bandwidth",
    "caliper",
    "draws",
    "horizons",
    "lags",
    "leads",
    "level",
    "neighbors",
    "reference",
    "reps",
    "seed",
    "shift",
    "window",
];

/// Every number of a result, with its place.
fn numbers(value: &Value, place: &str, out: &mut Vec<String>) {
    match value {
        Value::Number(x) => out.push(format!("{place} {x}")),
        Value::Array(items) => items.iter().for_each(|v| numbers(v, place, out)),
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| !ECHOES.contains(&name.as_str()))
            .for_each(|(name, v)| numbers(v, &format!("{place}.{name}"), out)),
        _ => {}
    }
}

/// The numbers a query finds with these settings.
fn ask(files: &MemoryLoader, query: &str, settings: &str) -> Result<Vec<String>, String> {
    let query = query.replace("{}", settings);
    let run = Session::new(files).run(&Program::new("settings.durbin", &format!("{HEAD}{MODELS}{query}\n")));
    if let Some(fault) = run.diagnostics.iter().find(|d| d.level == durbin::fault::Level::Error) {
        return Err(format!("{query}: {} {:?}", fault.message, fault.help));
    }
    let mut out = Vec::new();
    let document = run.document();
    let result = document["results"].as_array().unwrap().last().unwrap().clone();
    numbers(&result, "", &mut out);
    assert!(!out.is_empty(), "{query} has no number");
    Ok(out)
}

#[test]
fn settings_move_a_number() {
    let files = files(TOWNS);
    let mut wrong = Vec::new();
    for (query, settings) in DIFFERENT {
        let mut known: Vec<(&str, Vec<String>)> = Vec::new();
        for given in *settings {
            match ask(&files, query, given) {
                Err(refused) => wrong.push(refused),
                Ok(found) => {
                    wrong.extend(
                        known.iter().filter(|k| k.1 == found).map(|k| format!("{query}: `{given}` is as `{}`", k.0)),
                    );
                    known.push((given, found));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn settings_that_move_none_have_a_reason() {
    let files = files(TOWNS);
    let mut wrong = Vec::new();
    for (query, one, other, why) in EQUAL {
        match (ask(&files, query, one), ask(&files, query, other)) {
            (Ok(a), Ok(b)) if a == b => {}
            (Ok(_), Ok(_)) => wrong.push(format!("{query}: `{one}` and `{other}` differ, though: {why}")),
            (a, b) => wrong.extend([a.err(), b.err()].into_iter().flatten()),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
