//! The simulated corridors of `examples/stic`: the files are what their generator writes, and what the example's program
//! estimates is what is stored as true.

#![allow(clippy::unwrap_used)]

#[path = "support/random.rs"]
mod random;
#[path = "../examples/stic/simulate.rs"]
mod simulate;
#[path = "recovery/tally.rs"]
#[allow(dead_code)]
mod tally;
#[path = "../examples/stic/truth.rs"]
mod truth;

use durbin::loader::MemoryLoader;
use durbin::outcome::designs::{Design, EventStudy};
use durbin::outcome::{Estimate, Fit, Outcome};
use durbin::session::{Program, Run, Session};
use serde_json::Value;
use simulate::{DIV, Files, SEED, SPEC, Study};
use std::fs;
use std::path::{Path, PathBuf};
use tally::Tally;

const SEEDS: u64 = 200;
const NORMAL: f64 = 1.959963984540054;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/stic")
}

fn shipped(file: &str) -> String {
    fs::read_to_string(folder().join(file)).unwrap()
}

fn study() -> Study {
    Study::new(&shipped("cities.csv"))
}

#[test]
fn shipped_data_are_what_the_generator_writes() {
    let files = study().draw(SEED);
    for (name, text) in [("panel.csv", files.panel), ("employment.csv", files.employment), ("nation.csv", files.nation)]
    {
        assert!(shipped(name) == text, "{name}: `cargo run --example stic` writes it anew");
    }
}

/// Numbers of two documents, by their place.
fn numbers(place: String, value: &Value, out: &mut Vec<(String, f64)>) {
    match value {
        Value::Number(n) => out.push((place, n.as_f64().unwrap())),
        Value::Array(all) => all.iter().enumerate().for_each(|(i, v)| numbers(format!("{place}[{i}]"), v, out)),
        Value::Object(all) => all.iter().for_each(|(k, v)| numbers(format!("{place}.{k}"), v, out)),
        _ => {}
    }
}

#[test]
fn the_stored_truth_is_that_of_the_parameters() {
    let (mut stored, mut computed) = (Vec::new(), Vec::new());
    numbers(String::new(), &serde_json::from_str(&shipped("truth.json")).unwrap(), &mut stored);
    numbers(String::new(), &serde_json::from_str(&truth::document(&study())).unwrap(), &mut computed);
    assert_eq!(stored.len(), computed.len());
    assert!(stored.len() > 70);
    for ((place, a), (other, b)) in stored.iter().zip(&computed) {
        assert_eq!(place, other);
        assert!((a - b).abs() < 1e-6, "{place}: {a} is stored, {b} is true");
    }
}

/// The example's own declarations with its two main models, and their event studies.
fn program() -> Program {
    let paper = shipped("paper.durbin");
    let (head, _) = paper.split_once("model lagged").unwrap();
    Program::new("paper.durbin", &format!("{head}event_study(base, -5..5)\nevent_study(diverse, -5..5)\n"))
}

fn run(files: Files) -> Run {
    let mut loader = MemoryLoader::default();
    let mut put = |name: &str, text: String| loader.files.insert(name.into(), text.into_bytes());
    put("panel.csv", files.panel);
    put("employment.csv", files.employment);
    put("nation.csv", files.nation);
    put("cities.csv", shipped("cities.csv"));
    put("industries.csv", shipped("industries.csv"));
    let run = Session::new(&loader).run(&program());
    assert!(!run.failed(), "{:?}", run.diagnostics);
    run
}

/// Direct, indirect, and policy effects of the pooled model.
fn pooled(fit: &Fit) -> [Estimate; 5] {
    let effect = fit.effects.iter().find(|e| e.term == "stic").unwrap();
    let policy = fit.policy_effects.as_ref().unwrap();
    [
        &effect.direct,
        &effect.indirect,
        &policy.direct_on_treated,
        &policy.indirect_on_treated,
        &policy.indirect_on_untreated,
    ]
    .map(Estimate::clone)
}

fn studies(run: &Run) -> Vec<&EventStudy> {
    let all = run.entries.iter().filter_map(|e| match &e.outcome {
        Outcome::Design(Design::EventStudy(study)) => Some(&**study),
        _ => None,
    });
    all.collect()
}

/// All that has a stored truth, in one order: of each outcome the pooled effects, then those by event time.
fn estimates(run: &Run) -> Vec<Estimate> {
    let studies = studies(run);
    assert_eq!(studies.len(), 2);
    let mut all = Vec::new();
    for (model, study) in ["base", "diverse"].iter().zip(studies) {
        all.extend(pooled(run.fit(model).unwrap()));
        for period in study.periods.iter().filter(|p| p.event_time >= 0) {
            all.extend([period.direct.clone(), period.indirect.clone()]);
        }
    }
    all
}

fn tallies() -> Vec<Tally> {
    let stored: Value = serde_json::from_str(&shipped("truth.json")).unwrap();
    let mut all = Vec::new();
    for outcome in ["spec", "div"] {
        let mut add = |name: String, value: &Value| {
            all.push(Tally::new(&format!("{outcome}: {name}"), value.as_f64().unwrap(), NORMAL));
        };
        let of = &stored[outcome]["pooled"];
        add("direct".into(), &of["direct"]);
        add("indirect".into(), &of["indirect"]);
        for name in ["direct_on_treated", "indirect_on_treated", "indirect_on_untreated"] {
            add(name.into(), &of["policy"][name]);
        }
        for period in stored[outcome]["by_event_time"].as_array().unwrap() {
            for name in ["direct", "indirect"] {
                add(format!("{name} at {}", period["event_time"]), &period[name]);
            }
        }
    }
    all
}

/// One draw: every effect with a stored truth is found, and none is further away than six standard errors.
#[test]
fn the_shipped_draw_is_near_the_truth() {
    let found = estimates(&run(study().draw(SEED)));
    let tallies = tallies();
    assert_eq!(found.len(), tallies.len());
    for (e, t) in found.iter().zip(&tallies) {
        assert!(
            (e.estimate - t.truth).abs() < 6.0 * e.se,
            "{}: {} with error {}, true {}",
            t.name,
            e.estimate,
            e.se,
            t.truth
        );
    }
    const { assert!(SPEC.direct[0] < 0.0 && DIV.direct[0] > 0.0) };
}

/// At least 90 % of the 95 % intervals of pooled direct, indirect and policy effects cover what the pooled model
/// estimates. Effects by event time, whose model is the true one, are without bias; their clustered intervals rest on
/// the 12 cities that are ever treated (6 at the end), too few for more than 84 %.
#[test]
#[ignore = "slow: hundreds of estimates"]
fn intervals_cover_the_stored_truth() {
    let study = study();
    let mut tallies = tallies();
    for seed in 1..=SEEDS {
        for (tally, e) in tallies.iter_mut().zip(estimates(&run(study.draw(seed)))) {
            tally.note(e.estimate, e.se);
        }
    }
    tallies.iter().for_each(Tally::show);
    for tally in &tallies {
        let by_event_time = tally.name.contains(" at ");
        let least = if by_event_time { 0.84 } else { 0.9 };
        assert!(tally.coverage() >= least, "{}: coverage {}", tally.name, tally.coverage());
        tally.has_bias_within(0.0);
    }
}
