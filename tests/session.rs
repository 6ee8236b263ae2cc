//! A session as an embedding program uses it: inputs one after the other, tables handed over, typed results, undo.

#![allow(clippy::unwrap_used)]

#[path = "support/cases.rs"]
mod cases;

use cases::{data_files, program, rendered, two_threads};
use durbin::fault::Fault;
use durbin::loader::MemoryLoader;
use durbin::outcome::Outcome;
use durbin::session::{Columns, Interrupt, Run, Session};
use durbin::writer::Writer;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

fn files() -> MemoryLoader {
    data_files()
}

fn well(session: &mut Session, text: &str) -> Run {
    let run = two_threads(|| session.eval(text));
    assert!(!run.failed(), "{text}\n{}", rendered(&run, &files()));
    run
}

fn refused(session: &mut Session, text: &str) -> String {
    let run = session.eval(text);
    assert!(run.failed() && run.entries.is_empty() && run.declared.is_empty(), "{text}");
    rendered(&run, &files())
}

fn begun() -> Session<'static> {
    let mut session = Session::new(files());
    well(&mut session, "panel towns from \"towns.csv\" { unit town  time year }");
    well(&mut session, "weights W = row(edges(\"roads.csv\"))");
    session
}

#[test]
fn an_input_with_a_fault_leaves_no_trace() {
    let mut session = begun();
    let before = (session.program(), session.names());
    let told = refused(&mut session, "let k = 2\nmodel m = ols(jobs ~ incme)");
    assert!(told.contains("did you mean `income`?") && told.contains("input 3:2:"), "{told}");
    refused(&mut session, "model m = ols(");
    assert_eq!((session.program(), session.names()), before);
    assert!(refused(&mut session, "k").contains("nothing is called `k`"));
    assert_eq!(well(&mut session, "let k = 2\nk").number(), Some(2.0));
}

#[test]
fn declarations_are_echoed_with_their_defaults() {
    let mut session = Session::new(files());
    let panel = well(&mut session, "panel towns from \"towns.csv\" {unit town; time year}");
    assert_eq!(panel.declared.len(), 1);
    assert!(panel.declared[0].contains("missing error") && panel.declared[0].contains("balance error"));
    let weights = well(&mut session, "weights W=row(edges(\"roads.csv\"))");
    assert_eq!(weights.declared, ["weights W = row(edges(\"roads.csv\", islands: error))\n"]);
    let model = well(&mut session, "model m = sar(jobs ~ income | W)");
    for option in ["fe: [unit, time]", "se: iid", "level: 0.95", "method: qml"] {
        assert!(model.declared[0].contains(option), "{option}: {}", model.declared[0]);
    }
    // An echo is a program: it means the same.
    let again = well(&mut Session::new(files()), &[panel, weights, model].map(|r| r.declared.concat()).concat());
    assert_eq!(again.entries.len(), 1);
}

#[test]
fn a_name_bound_again_leaves_the_old_one_to_those_who_rest_on_it() {
    let mut session = begun();
    let old = well(&mut session, "model m = sar(jobs ~ income | W)\nloglik(m)").number();
    let rebound =
        well(&mut session, "weights W = row(edges(\"roads.csv\") + transpose(edges(\"roads.csv\")))\nlet free = 1");
    assert_eq!(rebound.notices, ["`m` keeps the old `W`, now called `W_1`; declare it again to use the new one"]);
    assert_eq!(well(&mut session, "loglik(m)").number(), old);
    let new = well(&mut session, "loglik(sar(jobs ~ income | W + W_1))").number();
    assert!(new.is_some() && new != old);
    let alone = well(&mut session, "let free = 2\nfree");
    assert_eq!((alone.number(), alone.notices.len()), (Some(2.0), 0), "nobody rests on it");
    let whole = two_threads(|| Session::new(files()).run(&program("saved.durbin", session.program().as_bytes())));
    assert!(!whole.failed(), "{}\n{}", session.program(), rendered(&whole, &files()));
}

#[test]
fn a_name_bound_again_does_not_reach_into_other_scopes() {
    let mut session = Session::new(files());
    well(&mut session, "let k = 1\nfn f(k) = k * 2\nlet g(a, k: 5) = a + k\nf(3)");
    let rebound = well(&mut session, "let k = 2");
    assert!(rebound.notices.is_empty(), "a parameter is no `k` of the program: {:?}", rebound.notices);
    assert_eq!(well(&mut session, "f(3)").number(), Some(6.0));
    assert_eq!(well(&mut session, "g(3)").number(), Some(8.0));
    // What does rest on it keeps it.
    well(&mut session, "fn h(a) = a * k");
    well(&mut session, "let k = 7");
    assert_eq!((well(&mut session, "h(3)").number(), well(&mut session, "k").number()), (Some(6.0), Some(7.0)));

    let mut session = Session::new(files());
    well(&mut session, "let i = 10\nlet squares = [i * i for i in [1, 2, 3]]\nlet own = [i for j in [i]]");
    let rebound = well(&mut session, "let i = 20");
    assert_eq!(rebound.notices.len(), 1, "{:?}", rebound.notices);
    assert!(rebound.notices[0].starts_with("`own` keeps the old `i`"), "{:?}", rebound.notices);
    assert!(session.program().contains("[i * i for i in [1, 2, 3]]"), "{}", session.program());
    assert!(session.program().contains("[i_1 for j in [i_1]]"), "{}", session.program());

    let mut session = Session::new(files());
    let panel = "panel towns from \"towns.csv\" { unit town  time year  let rich = income^2  let top = rich + k }";
    well(
        &mut session,
        &format!("let k = 1\nlet income = 3\nlet rich = 4\n{panel}\nmodel m = ols(jobs ~ income + rich)"),
    );
    let before = well(&mut session, "sum(towns.top over [town, year])").number();
    let rebound = well(&mut session, "let income = 30\nlet rich = 40");
    assert!(rebound.notices.is_empty(), "columns come first: {:?}", rebound.notices);
    assert_eq!(well(&mut session, "sum(towns.top over [town, year])").number(), before);
    let rebound = well(&mut session, "let k = 100");
    assert!(rebound.notices[0].starts_with("`towns` keeps the old `k`"), "{:?}", rebound.notices);
    assert_eq!(well(&mut session, "sum(towns.top over [town, year])").number(), before);
}

#[test]
fn words_of_options_are_no_names() {
    let mut session = begun();
    well(&mut session, "let robust = 1\nlet unit = 5\nlet error = 3");
    well(
        &mut session,
        "model m = ols(jobs ~ income, se: robust, fe: [unit, time])\nweights V = edges(\"roads.csv\", islands: error)",
    );
    let rebound = well(&mut session, "let robust = 2\nlet unit = 6\nlet error = 4");
    assert!(rebound.notices.is_empty(), "{:?}", rebound.notices);
    well(&mut session, "let k = unit + 1");
    let rebound = well(&mut session, "let unit = 7");
    assert_eq!(rebound.notices, ["`k` keeps the old `unit`, now called `unit_1`; declare it again to use the new one"]);
}

#[test]
fn the_last_value_is_one_value() {
    let mut session = Session::new(files());
    well(&mut session, "let k = 1\nk + 1");
    assert_eq!(well(&mut session, "_ * 2").number(), Some(4.0));
    assert_eq!(well(&mut session, "0 - _ ^ 2").number(), Some(-16.0));
    assert_eq!(well(&mut session, "2 - _").number(), Some(18.0));
}

#[test]
fn a_clone_is_stopped_by_its_own_handle() {
    let session = begun();
    let clone = session.clone();
    session.canceller().cancel();
    assert!(session.canceller().cancelled() && !clone.canceller().cancelled());
}

/// Counts what it is told of parts.
#[derive(Default)]
struct Parts(Mutex<Vec<(usize, usize)>>);

impl Interrupt for Parts {
    fn stop(&self) -> bool {
        false
    }

    fn progress(&self, done: usize, of: usize) {
        self.0.lock().unwrap().push((done, of));
    }
}

#[test]
fn parts_of_a_step_are_told_through_a_session() {
    let parts = Parts::default();
    let mut session = Session::new(files()).watched(&parts);
    let text = "panel towns from \"towns.csv\" { unit town  time year }\nols(jobs ~ income, se: wild(cluster: unit, reps: 99))";
    let run = session.eval(text);
    assert!(!run.failed(), "{}", rendered(&run, &files()));
    let told = parts.0.lock().unwrap();
    assert!(told.len() > 1 && told.iter().all(|(done, of)| done < of && *of == told.len()), "{told:?}");
}

#[test]
fn a_panel_bound_again_is_the_one_that_queries_are_about() {
    let mut session = begun();
    well(&mut session, "model m = sar(jobs ~ income | W)\nmodel n = ols(jobs ~ income)");
    let again = "panel towns from \"towns.csv\" { unit town  time year  where town != \"Hythe\" }";
    let rebound = well(&mut session, again);
    assert_eq!(rebound.notices.len(), 1, "{:?}", rebound.notices);
    assert!(rebound.notices[0].contains("`W`, `m`, `n` keep the old `towns`"), "{:?}", rebound.notices);
    let count = |s: &mut Session, of: &str| well(s, &format!("nobs({of})")).number().unwrap();
    assert_eq!((count(&mut session, "m"), count(&mut session, "n")), (48.0, 48.0));
    assert!(count(&mut session, "ols(jobs ~ income)") < 48.0);
    assert!(session.program().contains("weights W on towns_1 = "), "{}", session.program());
    let whole = two_threads(|| Session::new(files()).run(&program("saved.durbin", session.program().as_bytes())));
    // A program has no panel that stands back: it is told which one a query means.
    assert!(rendered(&whole, &files()).contains("which_panel"));
    // What nobody rests on any more goes.
    well(
        &mut session,
        "weights W = row(edges(\"roads.csv\", islands: keep))\nmodel m = ols(jobs ~ income)\nmodel n = m",
    );
    let names: Vec<String> = session.names().into_iter().map(|n| n.0).collect();
    assert_eq!(names, ["towns", "W", "m", "n"]);
}

#[test]
fn the_last_value_has_a_name() {
    let mut session = begun();
    assert!(refused(&mut session, "effects(_)").contains("there is no last value"));
    well(&mut session, "sar(jobs ~ income | W)");
    let run = well(&mut session, "effects(_)");
    assert!(matches!(run.entries[0].outcome, Outcome::Effects { .. }));
    assert!(session.program().contains("effects(sar(jobs ~ income | W))"));
}

#[test]
fn what_is_taken_back_was_never_said() {
    let mut session = begun();
    let before = session.program();
    well(&mut session, "let k = 2");
    assert_eq!(session.undo().as_deref(), Some("let k = 2"));
    assert_eq!(session.program(), before);
    refused(&mut session, "k");
    session.undo();
    session.undo();
    assert_eq!((session.program().as_str(), session.undo()), ("", None));
    well(&mut session, "let k = 3");
    session.reset();
    assert!(session.names().is_empty());
}

#[test]
fn settings_hold_until_they_are_set_again() {
    let mut session = begun();
    well(&mut session, "options { level 0.9; seed 7 }");
    let level =
        |run: Run| run.entries.iter().find_map(|e| if let Outcome::Fit(f) = &e.outcome { Some(f.level) } else { None });
    assert_eq!(level(well(&mut session, "ols(jobs ~ income)")), Some(0.9));
    well(&mut session, "options { level 0.99 }");
    assert_eq!(level(well(&mut session, "ols(jobs ~ income)")), Some(0.99));
    assert_eq!(session.program().matches("options").count(), 2, "{}", session.program());
}

#[test]
fn a_saved_session_gives_the_same_numbers() {
    let mut session = begun();
    well(&mut session, "# by hand\nmodel m = sar(jobs ~ income | W); let k = 2");
    let typed = well(&mut session, "m");
    let text = session.program();
    assert!(text.contains("# by hand\n"), "{text}");
    let run = two_threads(|| Session::new(files()).run(&program("saved.durbin", text.as_bytes())));
    assert!(!run.failed(), "{text}\n{}", rendered(&run, &files()));
    // As texts: what has no value is equal to itself.
    assert_eq!(format!("{:?}", run.entries.last().unwrap().outcome), format!("{:?}", typed.entries[0].outcome));
}

#[test]
fn tables_are_handed_over_with_every_bit() {
    let third = 1.0 / 3.0;
    let mut session = Session::in_memory();
    let y = [third, 2.0, 0.5, f64::MIN_POSITIVE, 7.25, 1e10, 3.0, 4.0];
    let towns = Columns::new()
        .text("town", ["a", "a", "b,c", "b,c", "c", "c", "d", "d"])
        .integers("year", [1, 2, 1, 2, 1, 2, 1, 2])
        .numbers("y", y);
    session.table("towns.csv", &towns);
    let run =
        well(&mut session, "panel p from \"towns.csv\" { unit town  time year }\nfitted(ols(y ~ year, fe: none))");
    assert!(matches!(&run.entries[0].outcome, Outcome::Array(a) if a.values.len() == 8));
    assert_eq!(session.columns()[0].1, ["town", "year", "y"]);
    // Handed over again it is another table.
    session
        .table("towns.csv", &Columns::new().text("town", ["a", "b"]).integers("year", [1, 1]).numbers("y", [1.0, 2.0]));
    assert!(session.eval("nobs(ols(y ~ year, fe: none))").failed());
}

/// Takes files and keeps them.
#[derive(Default)]
struct Kept(Mutex<Vec<String>>);

impl Writer for Kept {
    fn write(&self, files: &[(&str, &[u8])], _: &[&str]) -> Result<(), (usize, Fault)> {
        self.0.lock().unwrap().extend(files.iter().map(|f| f.0.to_string()));
        Ok(())
    }
}

/// Stops the session at a step.
struct StopAt(&'static str, Mutex<Option<durbin::session::Cancel>>);

impl Interrupt for StopAt {
    fn stop(&self) -> bool {
        false
    }

    fn begin(&self, step: &'static str) {
        if step == self.0
            && let Some(cancel) = &*self.1.lock().unwrap()
        {
            cancel.cancel();
        }
    }
}

#[test]
fn what_is_stopped_writes_nothing_and_changes_nothing() {
    let (kept, stop) = (Kept::default(), StopAt("effects", Mutex::default()));
    let mut session = Session::new(files()).writing(&kept).watched(&stop);
    well(
        &mut session,
        "panel towns from \"towns.csv\" { unit town  time year }\nweights W = row(edges(\"roads.csv\"))",
    );
    let before = session.program();
    *stop.1.lock().unwrap() = Some(session.canceller());
    let run = session.eval("save sar(jobs ~ income | W) to \"t.csv\"");
    assert!(run.interrupted && run.failed() && run.entries.is_empty());
    assert_eq!((session.program(), kept.0.lock().unwrap().len()), (before, 0));
    *stop.1.lock().unwrap() = None;
    assert_eq!(well(&mut session, "save table(sar(jobs ~ income | W)) to \"t.csv\"").saved, ["t.csv"]);
}

#[test]
fn sessions_move_between_threads_and_do_not_meet() {
    fn sent<T: Send>(_: &T) {}
    let session = begun();
    sent(&session);
    let both: Vec<_> = ["income", "year"]
        .map(|x| {
            let mut own = session.clone();
            std::thread::spawn(move || {
                let run = own.eval(&format!("model m = ols(jobs ~ {x}, fe: none)\nloglik(m)"));
                (run.number(), own.names().len())
            })
        })
        .into_iter()
        .map(|t| t.join().unwrap())
        .collect();
    assert!(both[0].0.is_some() && both[0].0 != both[1].0 && both[0].1 == 3);
    assert_eq!(session.names().len(), 2, "a clone's names are its own");
}

/// A thousand towns on a ring, some quiet, over ten years.
fn ring(units: usize) -> (Columns, Columns) {
    let periods = 10;
    let noise = |k: usize| ((k * 7919 + 104_729) % 1000) as f64 / 1000.0;
    let rows = || (0..units).flat_map(move |u| (0..periods).map(move |t| (u, t)));
    let panel = Columns::new()
        .text("unit", rows().map(|(u, _)| format!("u{u:05}")))
        .integers("year", rows().map(|(_, t)| 2000 + t as i64))
        .numbers("y", rows().map(|(u, t)| noise(u * 31 + t * 17) + noise(u)))
        .numbers("x", rows().map(|(u, t)| noise(u * 13 + t * 29)))
        .numbers("z", rows().map(|(u, t)| noise(u * 57 + t * 3)));
    let pairs =
        || (0..units).flat_map(move |u| [(u, (u + 1) % units), (u, (u + units - 1) % units), (u, (u + 7) % units)]);
    let edges = Columns::new()
        .text("from", pairs().map(|(a, _)| format!("u{a:05}")))
        .text("to", pairs().map(|(_, b)| format!("u{b:05}")));
    (panel, edges)
}

#[test]
#[ignore = "measures time: run in release"]
fn a_query_of_three_thousand_units_is_repeated_within_20_ms() {
    let (panel, edges) = ring(3000);
    let mut session = Session::in_memory();
    session.table("panel.csv", &panel);
    session.table("edges.csv", &edges);
    well(&mut session, "panel p from \"panel.csv\" { unit unit  time year }\nweights W = row(edges(\"edges.csv\"))");
    well(&mut session, "sdm(y ~ x + z | W)");
    let best = (0..5)
        .map(|_| {
            let began = Instant::now();
            well(&mut session, "sdm(y ~ x + z | W)");
            began.elapsed()
        })
        .min()
        .unwrap();
    println!("repeated in {best:?}");
    assert!(best < Duration::from_millis(20), "{best:?}");
}

#[test]
fn a_shared_memory_serves_several_sessions() {
    let memory = Arc::new(durbin::session::Memory::default());
    let ask = || {
        let mut session = Session::new(files()).remembering(memory.clone());
        well(&mut session, "panel towns from \"towns.csv\" { unit town  time year }\nloglik(ols(jobs ~ income))")
            .number()
    };
    let first = ask();
    let steps = memory.steps();
    assert_eq!((ask(), memory.steps()), (first, steps));
}

#[test]
fn functions_of_the_embedding_program_are_called_row_by_row() {
    let mut session = begun();
    let unknown = refused(&mut session, "panel p from \"towns.csv\" { unit town  time year  let z = twice(jobs) }");
    assert!(unknown.contains("twice"), "{unknown}");
    session.function("twice", 1, |x| 2.0 * x[0]);
    session.function("root", 2, |x| (x[0] - x[1]).sqrt());
    let panel = "panel towns from \"towns.csv\" { unit town  time year  let z = twice(jobs) }";
    well(&mut session, panel);
    let fit = |s: &mut Session, y: &str| well(s, &format!("coef(ols({y} ~ income)).income")).number().unwrap();
    let (plain, doubled) = (fit(&mut session, "jobs"), fit(&mut session, "z"));
    assert!((doubled - 2.0 * plain).abs() < 1e-9 * plain.abs(), "{plain} {doubled}");
    // Registered again it is another function, and nothing of the old one is remembered.
    session.function("twice", 1, |x| 4.0 * x[0]);
    well(&mut session, panel);
    assert!((fit(&mut session, "z") - 4.0 * plain).abs() < 1e-9 * plain.abs());
    let count = refused(&mut session, "ols(jobs ~ root(income))");
    assert!(count.contains("does not take 1 argument"), "{count}");
    let undefined = refused(&mut session, "ols(jobs ~ root(income, 1000))");
    assert!(undefined.contains("durbin::"), "{undefined}");
}
