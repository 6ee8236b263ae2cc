//! Placebos as tables: the estimate beside those of treatments that never were.

use super::designs::made_from;
use super::number;
use super::table::{TableOptions, star_note};
use crate::outcome::placebo::{Actual, FakeTiming, LeaveOneOut, Parts, Placebo};
use crate::outcome::{Block, Cell, Estimate, Row, Table};

/// The title of a placebo.
pub fn about(p: &Placebo) -> String {
    let moved = match (p.permute.as_str(), &p.by, p.groups) {
        ("corridors", None, Some(n)) => format!("{} moved to other neighbors", counted(n, "connected set")),
        ("corridors", Some(by), Some(n)) => format!("{} of `{by}` moved to other neighbors", counted(n, "corridor")),
        ("clusters", Some(by), Some(n)) => format!("{} of `{by}` shuffled", counted(n, "cluster")),
        ("torus", ..) => "the map shifted on a torus".to_string(),
        _ => "units shuffled".to_string(),
    };
    format!("`{}` among {} random assignments, {moved}", p.treatment, number::count(p.reps))
}

fn counted(n: usize, one: &str) -> String {
    format!("{n} {one}{}", if n == 1 { "" } else { "s" })
}

/// The estimate, both p-values, and where the draws lie.
pub fn table(p: &Placebo) -> Table {
    let options = TableOptions::default();
    let percent = |share: f64| format!("{} %", number::significant(100.0 * share, 3));
    let row = |label: &str, e: &Estimate, of: &dyn Fn(&Parts<f64>) -> f64, q: &[f64]| Row {
        label: label.to_string(),
        cells: vec![
            options.cell(e),
            Cell::Text(number::p_value(e.p)),
            Cell::Text(number::p_value(of(&p.p_values))),
            Cell::Text(percent(of(&p.rejections))),
            some(q.first()),
            some(q.get(q.len() / 2)),
            some(q.last()),
        ],
    };
    let (effects, quantiles) = (&p.actual.effects, &p.quantiles);
    let mut rows =
        vec![row(if p.spatial { "direct" } else { "effect" }, &effects.direct, &|v| v.direct, &quantiles.direct)];
    if p.spatial {
        rows.push(row("indirect", &effects.indirect, &|v| v.indirect, &quantiles.indirect));
        rows.push(row("total", &effects.total, &|v| v.total, &quantiles.total));
    }
    let columns = ["estimate", "p (model)", "p (placebo)", "rejects", "2.5 %", "50 %", "97.5 %"];
    Table {
        title: None,
        columns: columns.map(String::from).to_vec(),
        blocks: vec![Block { heading: None, rows }],
        notes: notes(p, &options),
        digits: options.digits,
    }
}

fn some(x: Option<&f64>) -> Cell {
    x.filter(|x| x.is_finite()).map_or(Cell::Empty, |x| Cell::Number(*x))
}

fn notes(p: &Placebo, options: &TableOptions) -> Vec<String> {
    let used = p.draws.len();
    let (actual, aspect): (&Estimate, fn(&crate::outcome::placebo::Draw) -> f64) = match p.statistic.as_str() {
        "indirect" => (&p.actual.effects.indirect, |d| d.effects.indirect.statistic),
        "total" => (&p.actual.effects.total, |d| d.effects.total.statistic),
        _ => (&p.actual.effects.direct, |d| d.effects.direct.statistic),
    };
    let beyond = p.draws.iter().filter(|d| aspect(d).abs() >= actual.statistic.abs()).count();
    let what = match (p.spatial, p.statistic.as_str()) {
        (false, _) => "an effect".to_string(),
        (true, "indirect") => "an indirect effect".to_string(),
        (true, other) => format!("a {other} effect"),
    };
    let mut notes = vec![
        "Standard errors in brackets; p (model): of the standard errors; p (placebo): the share of assignments, the actual \
         one among them, whose |t| is at least as large."
            .to_string(),
        star_note(options).concat(),
        format!(
            "{} of {} assignments have {what} with |t| of {:.2} or more.",
            number::count(beyond),
            number::count(used),
            actual.statistic.abs()
        ),
        format!(
            "Rejects: how often the model's own test finds an effect at level {:.2} where there is none; far more than \
             that says its standard errors are too small here.",
            1.0 - p.level
        ),
        "2.5 %, 50 %, 97.5 %: quantiles of the estimates of the assignments.".to_string(),
    ];
    if p.discarded > 0 {
        let why = if p.permute == "corridors" { "a place or an estimate" } else { "an estimate" };
        notes.push(format!("{} of {} assignments have no {why} and are left out.", p.discarded, number::count(p.reps)));
    }
    if let Some(n) = p.possible.filter(|n| *n < 2.0 * p.reps as f64) {
        notes.push(format!(
            "There are {} different assignments: the smallest p they can give is about {}.",
            number::count(n.round() as usize),
            number::p_value(1.0 / n)
        ));
    }
    if p.permute == "units" {
        notes.push(
            "Shuffled units do not cluster as treated ones may do: compare with `permute: corridors` or `torus`."
                .to_string(),
        );
    }
    notes.push(format!("Seed {}.", p.seed));
    notes.push(p.made_from.clone());
    notes
}

/// The title of earlier starts.
pub fn about_timing(f: &FakeTiming) -> String {
    let starts = if f.shift == 1 { "one period".to_string() } else { format!("{} periods", f.shift) };
    format!("`{}` {starts} early, before anything happened", f.treatment)
}

/// The effects of starts that never were.
pub fn timing(f: &FakeTiming) -> Table {
    let options = TableOptions::default();
    let spatial = f.fit.model != "ols";
    let mut rows = vec![("direct", &f.direct)];
    if spatial {
        rows.extend([("indirect", &f.indirect), ("total", &f.total)]);
    } else {
        rows[0].0 = "effect";
    }
    let rows = rows.into_iter().map(|(label, e)| Row {
        label: label.to_string(),
        cells: vec![options.cell(e), Cell::Text(number::p_value(e.p))],
    });
    let starts: Vec<String> = f.starts.iter().map(|s| format!("{} in {}", counted(s.units, "unit"), s.time)).collect();
    let alpha = 1.0 - f.fit.level;
    let any = f.direct.p < alpha || (spatial && (f.indirect.p < alpha || f.total.p < alpha));
    let notes = vec![
        "Standard errors in brackets.".to_string(),
        star_note(&options).concat(),
        format!("Starts: {}.", starts.join(", ")),
        format!(
            "{} rows from {} to {} take part, {} of them after a moved start; {} rows that are treated{} are left out.",
            number::count(f.cells),
            f.first_period,
            f.last_period,
            number::count(f.treated_cells),
            number::count(f.left_out),
            if spatial { ", exposed or in a period with treatment" } else { "" },
        ),
        match any {
            true => format!(
                "Something differs from zero at level {alpha:.2} before anybody was treated: units to be treated, or their \
                 neighbors, were on another course already."
            ),
            false => format!(
                "Nothing differs from zero at level {alpha:.2}: no sign that the treated were on another course, as far as \
                 these rows can tell."
            ),
        },
        made_from(&f.model, &f.fit),
    ];
    Table {
        title: None,
        columns: vec!["estimate".to_string(), "p".to_string()],
        blocks: vec![Block { heading: None, rows: rows.collect() }],
        notes,
        digits: options.digits,
    }
}

/// The title of models without a group.
pub fn about_left(l: &LeaveOneOut) -> String {
    format!("the effects of `{}` without each `{}` of treated units", l.treatment, l.by)
}

/// One row per group that is left out.
pub fn left(l: &LeaveOneOut) -> Table {
    let options = TableOptions::default();
    let cells = |units: Cell, actual: &Actual, on_treated: &Estimate| {
        let mut cells = vec![units, options.cell(&actual.coefficient)];
        if l.spatial {
            let e = &actual.effects;
            cells.extend([&e.direct, &e.indirect, &e.total].map(|x| options.cell(x)));
            cells.push(options.cell(on_treated));
        }
        cells
    };
    let mut rows =
        vec![Row { label: "all units".to_string(), cells: cells(Cell::Empty, &l.actual, &l.direct_on_treated) }];
    rows.extend(l.groups.iter().map(|g| Row {
        label: format!("without {}", g.group),
        cells: cells(Cell::Count(g.units.len()), &g.actual, &g.direct_on_treated),
    }));
    let mut columns = vec!["units", "coefficient"];
    if l.spatial {
        columns.extend(["direct", "indirect", "total", "on treated"]);
    }
    let word = if l.spatial { "total effect" } else { "effect" };
    let [lo, hi] = l.range.total;
    let short = |x: f64| number::significant(x, 4);
    let alpha = 1.0 - l.level;
    let found = |e: &Estimate| e.p < alpha;
    let all = found(&l.actual.effects.total);
    let turned: Vec<&str> =
        l.groups.iter().filter(|g| found(&g.actual.effects.total) != all).map(|g| g.group.as_str()).collect();
    let verdict = match (turned.is_empty(), all) {
        (true, true) => format!("no single group carries it: it differs from zero at level {alpha:.2} without each."),
        (true, false) => format!("it differs from zero at level {alpha:.2} neither with all nor without any one."),
        (false, true) => format!("it no longer differs from zero at level {alpha:.2} without {}.", turned.join(", ")),
        (false, false) => format!("it differs from zero at level {alpha:.2} only without {}.", turned.join(", ")),
    };
    let notes = vec![
        "Standard errors in brackets; units: treated units left out with all their rows, and struck from the matrices."
            .to_string(),
        star_note(&options).concat(),
        format!("The {word} lies between {} and {}; {verdict}", short(lo), short(hi)),
        l.made_from.clone(),
    ];
    Table {
        title: None,
        columns: columns.into_iter().map(String::from).collect(),
        blocks: vec![Block { heading: None, rows }],
        notes,
        digits: options.digits,
    }
}
