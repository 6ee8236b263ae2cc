//! What a session remembers: what is done again is counted, and that nothing else changes is held against runs without.

#![allow(clippy::unwrap_used)]

#[path = "support/cases.rs"]
mod cases;

use cases::{data_files, program, rendered, two_threads};
use durbin::estimators::Interrupt;
use durbin::loader::MemoryLoader;
use durbin::session::{Memory, Program, Run, Session};
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Counts what is really done.
#[derive(Default)]
struct Counts(Mutex<Vec<(&'static str, String)>>);

impl Interrupt for Counts {
    fn stop(&self) -> bool {
        false
    }

    fn begin(&self, step: &'static str) {
        self.0.lock().unwrap().push(("begin", step.to_string()));
    }

    fn done(&self, kind: &'static str, name: &str) {
        self.0.lock().unwrap().push((kind, name.to_string()));
    }
}

/// Files read, panels loaded, matrices built, log-determinants prepared, optima searched, models fitted.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
struct Done {
    reads: usize,
    panels: usize,
    weights: usize,
    factors: usize,
    searches: usize,
    fits: usize,
}

const NOTHING: Done = Done { reads: 0, panels: 0, weights: 0, factors: 0, searches: 0, fits: 0 };

fn run(files: &MemoryLoader, memory: &Arc<Memory>, text: &str) -> (Done, Run) {
    let counts = Counts::default();
    let program = program("p.durbin", text.as_bytes());
    let session = Session::new(files).remembering(memory.clone()).watched(&counts);
    let run = two_threads(|| session.run(&program));
    assert!(!run.failed(), "{}", rendered(&run, files));
    let all = counts.0.into_inner().unwrap();
    let of = |kind: &str| all.iter().filter(|d| d.0 == kind).count();
    let done = Done {
        reads: of("read"),
        panels: of("panel"),
        weights: of("weights"),
        factors: of("log_determinant") + all.iter().filter(|d| d.0 == "begin" && d.1.starts_with("interval")).count(),
        searches: of("search"),
        fits: of("fit"),
    };
    (done, run)
}

const HEAD: &str = r#"panel towns from "towns.csv" { unit town  time year  join "places.csv" by town  coords lon, lat }
weights W = row(edges("roads.csv"))
treatment law = starts(law_year)
"#;

fn with(tail: &str) -> String {
    format!("{HEAD}{tail}\n")
}

#[test]
fn what_is_asked_again_is_not_done_again() {
    let (files, memory) = (data_files(), Arc::new(Memory::default()));
    let (first, cold) = run(&files, &memory, &with("sdm_did(jobs ~ law + income | W)"));
    assert_eq!(first, Done { reads: 3, panels: 1, weights: 1, factors: 2, searches: 1, fits: 1 });
    let (again, warm) = run(&files, &memory, &with("sdm_did(jobs ~ law + income | W)"));
    assert_eq!(again, NOTHING);
    assert_eq!(cold.document().to_string(), warm.document().to_string(), "not a bit may differ");
    let (named, _) = run(&files, &memory, &with("let k = 2\nmodel m = sdm_did(jobs ~ law + income | W)\ntable(m)"));
    assert_eq!(named, NOTHING, "neither its name, nor its place, nor an output more");
    let (saved, _) = run(&files, &memory, &with("effects(sdm_did(jobs ~ law + income | W))\nW\nlaw\ntowns"));
    assert_eq!(saved, NOTHING);
}

#[test]
fn other_standard_errors_search_for_no_optimum() {
    let (files, memory) = (data_files(), Arc::new(Memory::default()));
    run(&files, &memory, &with("sdm_did(jobs ~ law + income | W)"));
    let (errors, _) = run(&files, &memory, &with("sdm_did(jobs ~ law + income | W, se: qml)"));
    assert_eq!(errors, Done { fits: 1, ..NOTHING });
    let (level, _) = run(&files, &memory, &with("sdm_did(jobs ~ law + income | W, se: qml, level: 0.9)"));
    assert_eq!(level, Done { fits: 1, ..NOTHING });
}

#[test]
fn another_control_builds_and_factors_nothing() {
    let (files, memory) = (data_files(), Arc::new(Memory::default()));
    run(&files, &memory, &with("sdm_did(jobs ~ law + income | W)"));
    let (control, _) = run(&files, &memory, &with("sdm_did(jobs ~ law | W)"));
    assert_eq!(control, Done { searches: 1, fits: 1, ..NOTHING });
    let (band, _) = run(&files, &memory, &with("sdm_did(jobs ~ law | W_band(0, 90))"));
    assert_eq!(band, Done { weights: 1, factors: 2, searches: 1, fits: 1, ..NOTHING });
}

#[test]
fn a_file_that_changed_is_read_again_and_what_rests_on_it_is_done_again() {
    let (mut files, memory) = (data_files(), Arc::new(Memory::default()));
    let text = with("sar(jobs ~ income | W)");
    let (_, before) = run(&files, &memory, &text);
    let towns = String::from_utf8(files.files["towns.csv"].clone()).unwrap().replacen("11.08", "12.5", 1);
    files.files.insert("towns.csv".into(), towns.into_bytes());
    let (changed, after) = run(&files, &memory, &text);
    assert_eq!(changed, Done { reads: 1, panels: 1, weights: 1, factors: 2, searches: 1, fits: 1 });
    assert_ne!(before.document()["results"], after.document()["results"]);
    let fresh = Session::new(&files).run(&program("p.durbin", text.as_bytes()));
    assert_eq!(fresh.document()["results"].to_string(), after.document()["results"].to_string());
}

#[test]
fn a_small_memory_forgets_and_is_still_right() {
    let files = data_files();
    let (small, large) = (Arc::new(Memory::bounded(2000)), Arc::new(Memory::default()));
    let text = with("sar(jobs ~ income | W)");
    for _ in 0..2 {
        let (done, _) = run(&files, &small, &text);
        assert!(done.fits + done.weights + done.panels > 0 && small.bytes() <= 2000, "{done:?} {small:?}");
        run(&files, &large, &text);
    }
    assert!(large.bytes() > 2000, "{large:?}");
    let results = |m: &Arc<Memory>| run(&files, m, &text).1.document()["results"].to_string();
    assert_eq!(results(&small), results(&large));
}

/// Everything that a user would notice of a run.
fn shown(run: &Run, files: &MemoryLoader) -> (String, String) {
    let mut inputs = run.inputs.clone();
    inputs.sort_by(|a, b| a.path.cmp(&b.path));
    let plan: Vec<_> = run.steps.iter().flat_map(|s| &s.steps).map(|s| (&s.name, &s.what, &s.needs)).collect();
    (format!("{}\n{inputs:?}\n{plan:?}", rendered(run, files)), run.document()["results"].to_string())
}

#[test]
fn a_memory_changes_nothing_that_is_told() {
    let files = data_files();
    let memory = Arc::new(Memory::default());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/ok");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().flatten().map(|e| e.path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "durbin"));
    paths.sort();
    let read = |p: &Path| program(&p.file_name().unwrap().to_string_lossy(), &fs::read(p).unwrap());
    let programs: Vec<Program> = paths.iter().map(|p| read(p)).filter(|p| !p.bytes.starts_with(b"# memory")).collect();
    assert!(programs.len() > 30);
    for round in 0..2 {
        for p in &programs {
            let plain = Session::new(&files).run(p);
            let known = Session::new(&files).remembering(memory.clone()).run(p);
            assert_eq!(shown(&plain, &files), shown(&known, &files), "{} in round {round}", p.name);
        }
    }
}
