//! Durbin inside another program: tables handed over, inputs evaluated one after the other, results read as data.
//!
//! `cargo run --example embed`

use durbin::outcome::Outcome;
use durbin::session::{Columns, Session};

/// Twelve towns on a ring over four years; the tax began in four of them in the third year.
fn tables() -> (Columns, Columns) {
    let (towns, years) = (12, 4);
    let cells = || (0..towns).flat_map(move |i| (0..years).map(move |t| (i, t)));
    let name = |i: i64| format!("T{i:02}");
    let wave = |i: i64, t: i64| ((7 * i + 3 * t) % 11) as f64 / 10.0;
    let panel = Columns::new()
        .text("town", cells().map(|(i, _)| name(i)))
        .integers("year", cells().map(|(_, t)| 2020 + t))
        .numbers("income", cells().map(|(i, t)| 10.0 + wave(i, t)))
        .numbers(
            "jobs",
            cells().map(|(i, t)| 5.0 + wave(i, t) + wave(t * t, i) - if i % 3 == 0 && t > 1 { 0.4 } else { 0.0 }),
        );
    let links = || (0..towns).flat_map(move |i| [(i, (i + 1) % towns), (i, (i + towns - 1) % towns)]);
    let edges = Columns::new().text("from", links().map(|l| name(l.0))).text("to", links().map(|l| name(l.1)));
    (panel, edges)
}

fn main() {
    let (panel, edges) = tables();
    let mut session = Session::in_memory();
    session.table("panel.csv", &panel);
    session.table("edges.csv", &edges);

    // Declarations stand for all later inputs; an input with a fault leaves no trace.
    let declared = session.eval(
        "panel towns from \"panel.csv\" { unit town  time year }\n\
         weights W = row(edges(\"edges.csv\"))\n\
         model m = sdm(jobs ~ income | W)",
    );
    assert!(!declared.failed(), "{:?}", declared.diagnostics);
    let wrong = session.eval("model other = sdm(jobs ~ incme | W)");
    for fault in wrong.diagnostics.iter().filter(|d| d.is_error()) {
        println!("refused: {} ({})", fault.message, fault.help.as_deref().unwrap_or("no help"));
    }

    // Results are plain data.
    let run = session.eval("m");
    let fit = run.fit("m").expect("the model was estimated");
    for effect in &fit.effects {
        println!(
            "{}: direct {:.4} (se {:.4}), indirect {:.4}, total {:.4}",
            effect.term, effect.direct.estimate, effect.direct.se, effect.indirect.estimate, effect.total.estimate
        );
    }
    for remark in run.warnings() {
        println!("remark: {}", remark.message);
    }
    // Other standard errors estimate nothing again: the optimum is remembered.
    let robust = session.eval("sdm(jobs ~ income | W, se: qml)");
    if let Some(Outcome::Fit(fit)) = robust.entries.first().map(|e| &e.outcome) {
        println!(
            "log-likelihood {:.4}, as before: {}",
            fit.loglik,
            run.fit("m").is_some_and(|m| m.loglik == fit.loglik)
        );
    }

    // A session moves to another thread, and can be stopped from this one.
    let cancel = session.canceller();
    let worker = std::thread::spawn(move || session.eval("nobs(m)").number());
    println!("observations: {:?}", worker.join().expect("the thread ended"));
    assert!(!cancel.cancelled());
}
