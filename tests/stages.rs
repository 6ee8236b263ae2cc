//! Every stage of a program, printed: its canonical form, its meaning, its plan, its results; what is done once is
//! counted; and programs that mean the same have one meaning.

#![allow(clippy::unwrap_used)]

#[path = "support/cases.rs"]
mod cases;

use cases::{data_files, program, rendered, two_threads};
use durbin::estimators::Interrupt;
use durbin::fault::Fault;
use durbin::loader::{DiskLoader, Loader};
use durbin::report;
use durbin::session::{Program, Run, Session, formatted};
use durbin::writer::Writer;
use proptest::prelude::*;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A program with all its stages, each under a heading.
fn stages(program: &Program, files: &dyn Loader) -> Vec<(&'static str, String)> {
    let session = Session::new(files);
    let (run, spec) = session.spec(program);
    assert!(!run.failed(), "{}", rendered(&run, files));
    let plan = two_threads(|| session.plan(program));
    assert!(!plan.failed(), "{}", rendered(&plan, files));
    let text = report::plan::text(&program.name, plan.steps.as_ref().unwrap());
    vec![("formatted", formatted(program).unwrap()), ("spec", spec.unwrap().shown()), ("plan", text)]
}

fn hold(name: &str, stages: Vec<(&'static str, String)>) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for (stage, shown) in stages {
            insta::assert_snapshot!(format!("stage@{name}.{stage}"), shown);
        }
    });
}

/// Programs of a folder, by name.
fn programs(folder: &Path) -> Vec<Program> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().flatten().map(|e| e.path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "durbin"));
    paths.sort();
    let name = |p: &Path| p.file_name().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|p| program(&name(p), &fs::read(p).unwrap())).collect()
}

/// What an example saves is not looked at here.
struct Nowhere;

impl Writer for Nowhere {
    fn write(&self, _: &[(&str, &[u8])], _: &[&str]) -> Result<(), (usize, Fault)> {
        Ok(())
    }
}

#[test]
fn every_example_has_its_stages() {
    let mut folders: Vec<_> = fs::read_dir(root().join("examples")).unwrap().flatten().map(|e| e.path()).collect();
    folders.retain(|f| f.is_dir());
    folders.sort();
    assert!(!folders.is_empty());
    for folder in folders {
        let files = DiskLoader::new(&folder, &[]);
        for program in programs(&folder) {
            let mut all = stages(&program, &files);
            let run = Session::new(&files).writing(Nowhere).run(&program);
            assert!(!run.failed(), "{}", rendered(&run, &files));
            let printed: Vec<String> = run.entries.iter().filter(|e| e.printed).map(report::text).collect();
            all.push(("output", printed.join("\n")));
            // several examples have a paper
            let (of, stem) = (folder.file_name().unwrap().to_string_lossy(), program.name.trim_end_matches(".durbin"));
            hold(&if stem == "paper" { format!("{of}_paper") } else { stem.to_string() }, all);
        }
    }
}

#[test]
fn a_program_with_every_construct_has_its_stages() {
    let folder = root().join("tests/cases/ok");
    let all = programs(&folder);
    let every = all.iter().find(|p| p.name == "every_construct.durbin").unwrap();
    // What it prints is held by tests/language.rs.
    hold("every_construct", stages(every, &data_files()));
}

/// Counts what is done, and files that are read whole.
#[derive(Default)]
struct Counts {
    begun: Mutex<Vec<&'static str>>,
    done: Mutex<Vec<(&'static str, String)>>,
}

impl Interrupt for Counts {
    fn stop(&self) -> bool {
        false
    }

    fn begin(&self, step: &'static str) {
        self.begun.lock().unwrap().push(step);
    }

    fn done(&self, kind: &'static str, name: &str) {
        self.done.lock().unwrap().push((kind, name.to_string()));
    }
}

impl Counts {
    fn of(&self, kind: &str) -> Vec<String> {
        let mut names: Vec<String> =
            self.done.lock().unwrap().iter().filter(|d| d.0 == kind).map(|d| d.1.clone()).collect();
        names.sort();
        names
    }

    fn begun(&self, step: &str) -> usize {
        self.begun.lock().unwrap().iter().filter(|s| s.starts_with(step)).count()
    }
}

/// Models on two matrices, written in several ways, and a printed matrix.
const SHARING: &str = r#"
panel towns from "towns.csv" { unit town  time year  join "places.csv" by town  coords lon, lat }
weights W = row(edges("roads.csv"))
weights also = row(edges("roads.csv", islands: error))
treatment law = starts(law_year)
model a = sdm_did(jobs ~ law + income | W)
model b = sar(jobs ~ income | also)
model c = sem(jobs ~ income | W, fe: unit)
model d = sac(jobs ~ income | W, error_weights: W_band(0, 90))
model e = slx(jobs ~ income | W_band(0, 90))
model f = sar(jobs ~ income | W, where: town != "Hythe")
model g = sar(jobs ~ income | W, se: qml, level: 0.9)
model h = sdm(income ~ jobs | W_band(0, 90))
W
table(a, b, c, d, e, f, g, h)
"#;

fn shared(threads: usize) -> (Counts, Run) {
    let (counts, files) = (Counts::default(), data_files());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let program = program("sharing.durbin", SHARING.as_bytes());
    let run = pool.install(|| Session::new(&files).watched(&counts).run(&program));
    assert!(!run.failed(), "{}", rendered(&run, &files));
    (counts, run)
}

#[test]
fn models_on_one_matrix_build_and_factor_it_once() {
    for threads in [1, 2, 4] {
        let (counts, _) = shared(threads);
        assert_eq!(counts.of("read"), ["places.csv", "roads.csv", "towns.csv"]);
        assert_eq!(counts.of("panel"), ["towns"]);
        // W on all towns and without Hythe, and the band: `also` is W.
        assert_eq!(counts.of("weights").len(), 3, "{:?}", counts.of("weights"));
        assert_eq!(counts.of("log_determinant").len(), 4, "W, the band beside it, W without Hythe, and the band alone");
        assert_eq!(counts.of("fit"), ["a", "b", "c", "d", "e", "f", "g", "h"]);
        // Eight models with nine spatial parameters, and a printed matrix, on three matrices.
        // Two steps may take a first look at the same moment.
        assert!((3..=4).contains(&counts.begun("interval of the spatial parameter")));
        // Each of the seven searches settles in windows; g takes the optimum of b over.
        // One first look for each matrix; the band beside W and the band alone may take theirs at the same time.
        assert!((3..=4).contains(&counts.begun("log-determinant at 16 nodes")));
    }
}

#[test]
fn models_that_differ_in_errors_alone_have_one_optimum() {
    let files = data_files();
    let one = |text: &str| {
        let counts = Counts::default();
        let head = "panel towns from \"towns.csv\" { unit town  time year }\nweights W = row(edges(\"roads.csv\"))\n";
        let run = Session::new(&files).watched(&counts).run(&program("one.durbin", format!("{head}{text}").as_bytes()));
        assert!(!run.failed(), "{}", rendered(&run, &files));
        (counts, run.document()["results"].clone())
    };
    let (alone, plain) = one("model b = sar(jobs ~ income | W, se: qml)\n");
    let (both, found) = one("model a = sar(jobs ~ income | W)\nmodel b = sar(jobs ~ income | W, se: qml)\n");
    // As texts: not a bit may differ.
    assert_eq!(found[1].to_string(), plain[0].to_string());
    assert_eq!(both.begun("log-determinant at"), alone.begun("log-determinant at"));
    assert_eq!(both.begun("sample"), 2);
}

#[test]
fn what_is_shared_changes_no_bit() {
    let (_, together) = shared(2);
    let all = together.document()["results"].clone();
    let (files, mut checked) = (data_files(), 0);
    for entry in all.as_array().unwrap().iter().filter(|e| e["kind"] == "fit") {
        let name = entry["name"].as_str().unwrap();
        let others = |l: &&str| !l.starts_with("model ") || l.starts_with(&format!("model {name} "));
        let lines: Vec<&str> = SHARING.lines().filter(others).filter(|l| !l.starts_with("table")).collect();
        let run = Session::new(&files).run(&program("alone.durbin", lines.join("\n").as_bytes()));
        assert!(!run.failed(), "{}", rendered(&run, &files));
        assert_eq!(run.document()["results"][0].to_string(), entry.to_string(), "{name} alone and among others");
        checked += 1;
    }
    assert_eq!(checked, 8);
}

#[test]
fn a_plan_estimates_nothing_and_reads_what_a_run_reads() {
    let (counts, files) = (Counts::default(), data_files());
    let program = program("sharing.durbin", SHARING.as_bytes());
    let plan = Session::new(&files).watched(&counts).plan(&program);
    assert!(!plan.failed() && plan.entries.is_empty());
    assert!(counts.of("fit").is_empty() && counts.of("log_determinant").is_empty());
    assert_eq!(counts.begun("sample") + counts.begun("interval"), 0);
    let (_, run) = shared(2);
    assert_eq!(plan.inputs, run.inputs);
}

#[test]
fn steps_need_earlier_steps_and_differ_in_their_keys() {
    let plan = Session::new(data_files()).plan(&program("sharing.durbin", SHARING.as_bytes()));
    let steps = plan.steps.unwrap().steps;
    for step in &steps {
        assert!(step.needs.iter().all(|n| (1..step.number).contains(n)), "{step:?}");
        let same = steps.iter().filter(|s| s.key == step.key).count();
        assert_eq!(same, 1, "{step:?}");
    }
    let again = Session::new(data_files()).plan(&program("other.durbin", format!("\n# a note\n{SHARING}").as_bytes()));
    let keys = |s: &[durbin::outcome::steps::Step]| s.iter().map(|s| s.key.clone()).collect::<Vec<_>>();
    assert_eq!(keys(&again.steps.unwrap().steps), keys(&steps), "layout is no part of a step");
    let mut files = data_files();
    let mut towns = files.files["towns.csv"].clone();
    towns.push(b'\n');
    files.files.insert("towns.csv".into(), towns);
    let moved = Session::new(&files).plan(&program("sharing.durbin", SHARING.as_bytes())).steps.unwrap().steps;
    let name = |s: &&durbin::outcome::steps::Step| ["places.csv", "roads.csv"].contains(&s.name.as_str());
    for (a, b) in moved.iter().zip(&steps) {
        assert_eq!(a.key == b.key, name(&a), "what rests on towns.csv has another key: {}", a.name);
    }
}

/// A loader that counts what is read.
struct Reading<'a> {
    files: &'a dyn Loader,
    read: Mutex<Vec<String>>,
}

impl Loader for Reading<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, Fault> {
        self.read.lock().unwrap().push(path.to_string());
        self.files.read(path)
    }

    fn head(&self, path: &str, limit: usize) -> Result<Vec<u8>, Fault> {
        self.files.head(path, limit)
    }
}

#[test]
fn a_run_reads_each_file_once_and_a_check_reads_none() {
    let files = data_files();
    let reading = Reading { files: &files, read: Mutex::default() };
    let program = program("sharing.durbin", SHARING.as_bytes());
    assert!(!Session::new(&reading).check(&program).failed());
    assert!(reading.read.lock().unwrap().is_empty());
    assert!(!Session::new(&reading).run(&program).failed());
    let mut read = reading.read.into_inner().unwrap();
    read.sort();
    assert_eq!(read, ["places.csv", "roads.csv", "towns.csv"]);
}

/// Statements as they may be written: with defaults left out, and with all of them, in more than one layout.
const WAYS: &[&[&str]] = &[
    &["", "options { level 0.95 }", "options {\n  seed 42; draws 1_000\n}", "options { digits 4 }  # as ever"],
    &[
        "panel towns from \"towns.csv\" { unit town  time year  join \"places.csv\" by town  coords lon, lat\n  let r = jobs / income }",
        "## towns\npanel towns from \"towns.csv\" {\n  unit town; time year\n  join \"places.csv\" by town\n  coords lon, lat\n  let r = jobs /\n    income\n  missing error\n  balance error\n}",
    ],
    &[
        "weights W = row(edges(\"roads.csv\"))",
        "weights W on towns = row(\n  edges(\n    \"roads.csv\", islands: error,\n  ),\n)",
    ],
    &[
        "weights B = row(band(0, 90))",
        "weights B = row(band(0 km, 90km, islands: keep))",
        "weights B = row(band(0, 90_000 m))",
    ],
    &["treatment law = starts(law_year)", "treatment law on towns =\n  starts(law_year)"],
    &[
        "model a = sdm_did(jobs ~ law + income | W)",
        "model a = sdm_did(\n  jobs ~ law\n    + income | W,\n  fe: [unit, time], se: cluster(unit), df_adjust: false, level: 0.95,\n)",
        "model a = sdm_did(jobs ~ law + income | W, lag_weights: W, method: qml, effects: delta)",
    ],
    &[
        "model b = ols(log(r) ~ lag(income) + i(sector), fe: time)",
        "model b = ols(log(r) ~ lag(income) + i(sector),  # a note\n  se: iid, fe: [time])",
    ],
    &[
        "model c = sem(jobs ~ income:r + B @ income | B)",
        "model c = sem(jobs ~ income : r + (B @ income) | B, trends: none)",
    ],
    &["[a, nobs(b)]", "[\n  a,\n  nobs(b),\n]"],
    &["table(a, b, c)", "table(a, b, c, stars: true)", "table(a,\n  b, c, digits: 4)"],
    &["save table(a) to \"t.csv\"", "save table( a ) to \"t.csv\";"],
    &["assert nobs(a) > 3, \"few\"", "assert nobs(a)>3,\n  \"few\""],
];

fn written(ways: &[usize]) -> String {
    WAYS.iter().zip(ways).map(|(all, way)| format!("{}\n", all[way % all.len()])).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn layout_and_defaults_written_out_leave_one_spec(ways in proptest::collection::vec(0usize..12, WAYS.len())) {
        let files = data_files();
        let session = Session::new(&files);
        let spec = |ways: &[usize]| {
            let text = written(ways);
            let (run, spec) = session.spec(&program("ways.durbin", text.as_bytes()));
            (spec, format!("{text}\n{}", rendered(&run, &files)))
        };
        let (plain, _) = spec(&[0; WAYS.len()]);
        let (other, shown) = spec(&ways);
        prop_assert!(other.is_some(), "{}", shown);
        let (plain, other) = (plain.unwrap(), other.unwrap());
        prop_assert_eq!(plain.shown(), other.shown());
        prop_assert!(plain == other);
    }
}

#[test]
fn another_meaning_is_another_spec() {
    let files = data_files();
    let spec = |text: &str| Session::new(&files).spec(&program("ways.durbin", text.as_bytes())).1.unwrap();
    let plain = written(&[0; WAYS.len()]);
    for (from, to) in
        [("90", "91"), ("law + income", "law"), ("fe: time", "fe: unit"), ("lag(income)", "lag(income, 2)")]
    {
        let (a, b) = (spec(&plain), spec(&plain.replace(from, to)));
        assert!(a != b && a.shown() != b.shown(), "{from} and {to}");
    }
}
