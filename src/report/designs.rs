//! Designs as tables: one row per event time or band.

use super::table::TableOptions;
use super::testing;
use super::txt;
use super::{groups, number, placebo, replications, rings};
use crate::outcome::designs::{ByBand, Design, EventPeriod, EventStudy, Leads};
use crate::outcome::testing::Finding;
use crate::outcome::{Block, Cell, Fit, Row, Table};

/// A design for the terminal: what was asked, then its table.
pub fn text(source: &str, design: &Design) -> String {
    let shown = match design {
        Design::Staggered(s) => super::staggered::shown(s),
        _ => table(design, &TableOptions::default()),
    };
    let heading = format!("{}: {}", on_one_line(source), about(design));
    format!("{}\n{}", super::fit::joined(&super::layout::wrapped("", 2, &heading)), txt::table(&shown))
}

/// An expression of several lines as it would stand in one.
fn on_one_line(source: &str) -> String {
    let mut line = source.split_whitespace().collect::<Vec<_>>().join(" ");
    if source.contains('\n') {
        for (open, close) in [("(", ")"), ("[", "]"), ("{", "}")] {
            line = line.replace(&format!("{open} "), open).replace(&format!(", {close}"), close);
        }
    }
    line
}

fn about(design: &Design) -> String {
    match design {
        Design::EventStudy(e) => {
            let clock = if own_clock(e) { ", of exposed units since their first neighbor's" } else { "" };
            format!("effects by time since the start of `{}`{clock}, reference {}", e.treatment, e.reference)
        }
        Design::Placebo(p) => placebo::about(p),
        Design::FakeTiming(f) => placebo::about_timing(f),
        Design::LeaveOneOut(l) => placebo::about_left(l),
        Design::Simulation(s) => replications::about_simulation(s),
        Design::SpecCurve(c) => replications::about_curve(c),
        Design::Rings(r) => rings::about(r),
        Design::Joint(j) => replications::about_joint(j),
        Design::ByGroup(g) => groups::about(g),
        Design::SplitExposure(s) => groups::about_exposure(s),
        Design::ByBand(b) => format!("the effects of `{}` with each band as the matrix of `{}`", b.treatment, b.model),
        Design::Staggered(s) => super::staggered::about(s),
        Design::Bacon(b) => super::staggered::about_comparisons(b),
        Design::Honest(h) => super::honest::about(h),
        Design::Matched(m) => super::matching::about(m),
    }
}

/// The table of a design, as it is printed and saved.
pub fn table(design: &Design, options: &TableOptions) -> Table {
    let mut table = match design {
        Design::EventStudy(e) => event_study(e, options),
        Design::ByBand(b) => by_band(b, options),
        Design::Placebo(p) => placebo::table(p),
        Design::FakeTiming(f) => placebo::timing(f),
        Design::LeaveOneOut(l) => placebo::left(l),
        Design::Simulation(s) => replications::simulation(s),
        Design::SpecCurve(c) => replications::curve(c),
        Design::Rings(r) => rings::table(r),
        Design::Joint(j) => replications::joint(j),
        Design::ByGroup(g) => groups::table(g),
        Design::SplitExposure(s) => groups::exposure(s),
        Design::Staggered(s) => super::staggered::table(s, options),
        Design::Bacon(b) => super::staggered::comparisons(b),
        Design::Honest(h) => super::honest::table(h),
        Design::Matched(m) => super::matching::table(m, options),
    };
    table.notes.retain(|n| !n.is_empty());
    table
}

fn spatial(fit: &Fit) -> bool {
    fit.model != "ols"
}

fn event_study(e: &EventStudy, options: &TableOptions) -> Table {
    let spatial = spatial(&e.fit);
    let columns = match (spatial, own_clock(e)) {
        (_, true) => vec!["treated", "direct", "exposed", "indirect"],
        (true, false) => vec!["units", "direct", "indirect", "total"],
        (false, false) => vec!["units", "effect"],
    };
    let rows = |cells: &dyn Fn(&EventPeriod) -> Vec<Cell>| -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        let blank = vec![Cell::Empty; columns.len()];
        let reference = Row { label: format!("{} (reference)", e.reference), cells: blank };
        for period in &e.periods {
            if period.event_time > e.reference && !rows.iter().any(|r| r.label == reference.label) {
                rows.push(reference.clone());
            }
            rows.push(Row { label: period.label.clone(), cells: cells(period) });
        }
        rows
    };
    let averages = rows(&|p| {
        let mut cells = vec![Cell::Count(p.treated_units), options.cell(&p.direct)];
        match (&p.total, p.exposed_units) {
            (_, Some(exposed)) => cells.extend([Cell::Count(exposed), options.cell(&p.indirect)]),
            (Some(total), None) if spatial => cells.extend([&p.indirect, total].map(|x| options.cell(x))),
            _ => {}
        }
        cells
    });
    let heading = if own_clock(e) {
        "Effects of the own start on the treated, and of the first neighbor's on the untreated"
    } else {
        "Effects, averaged over units"
    };
    let mut blocks = vec![Block { heading: Some(heading.to_string()), rows: averages }];
    if spatial && !own_clock(e) {
        let on_treated = rows(&|p| {
            let of = &p.on_treated;
            let cells = [&of.direct, &of.indirect, &of.total].map(|x| options.cell(x));
            std::iter::once(Cell::Count(p.treated_cells)).chain(cells).collect()
        });
        let heading = Some("On the treated at that time, as they were treated (unit-periods)".to_string());
        blocks.push(Block { heading, rows: on_treated });
    }
    let counted = if own_clock(e) {
        "treated and exposed: units ever observed at the event time, the exposed while untreated, by the time since the first \
         start among their neighbors. Indirect: all that reaches them from other units; direct and indirect effects are \
         those on different units and have no total."
    } else {
        "units: those ever observed at the event time."
    };
    let mut notes = vec![options.beneath(counted), super::table::star_note(options).concat()];
    notes.extend(e.leads.iter().map(|l| format!("{}.", pretrend_in_words(l, own_clock(e)))));
    let [direct, indirect, _] = e.uniform_critical;
    let percent = plain(100.0 * e.level);
    if direct.is_finite() {
        let c = if spatial && indirect.is_finite() {
            format!("{direct:.2} (direct) and {indirect:.2} (indirect)")
        } else {
            format!("{direct:.2}")
        };
        notes.push(format!(
            "{percent} % intervals that hold at all event times at once reach {c} standard errors to each side."
        ));
    }
    notes.push(made_from(&e.model, &e.fit));
    Table {
        title: None,
        columns: columns.into_iter().map(String::from).collect(),
        blocks,
        notes,
        digits: options.digits,
    }
}

/// How the model behind a design was estimated.
pub(crate) fn made_from(model: &str, fit: &Fit) -> String {
    let matrix = fit.weights.as_ref().map_or(String::new(), |w| format!(", matrix {w}"));
    format!("From `{model}`: {} of {}{matrix}, standard errors {}.", super::words::short(fit), fit.outcome, fit.se_type)
}

fn own_clock(e: &EventStudy) -> bool {
    e.spill_clock == "own"
}

fn pretrend_in_words(leads: &Leads, own_clock: bool) -> String {
    let spillover = if own_clock { "those of exposure" } else { "those of neighbors" };
    let mut parts = vec![format!("All leads are zero: {}", in_words(&leads.pretrend))];
    parts.extend(leads.pretrend_own.iter().map(|t| format!("the own ones {}", in_words(t))));
    parts.extend(leads.pretrend_spillover.iter().map(|t| format!("{spillover} {}", in_words(t))));
    parts.join("; ")
}

/// `chi-squared(8) = 12.3, p = 0.14`
pub(super) fn in_words(test: &Finding) -> String {
    let distribution = testing::distribution(test.distribution);
    if test.statistic.is_nan() {
        return format!("{distribution} cannot be computed: their variance is singular");
    }
    let p = number::p_value(test.p);
    let p = p.strip_prefix('<').map_or(format!("= {p}"), |bound| format!("< {bound}"));
    format!("{distribution} = {:.2}, p {p}", test.statistic)
}

fn by_band(b: &ByBand, options: &TableOptions) -> Table {
    let level = plain(1.0 - b.level);
    let rows = b.bands.iter().map(|band| {
        let mut cells = vec![Cell::Count(band.exposed_units)];
        cells.extend([&band.direct, &band.indirect, &band.total].map(|x| options.cell(x)));
        cells.push(rounded(band.detectable));
        cells.push(rounded(band.vif));
        Row { label: format!("{} to {} {}", band.lo, band.hi, band.unit), cells }
    });
    let mut notes = vec![
        options.beneath("exposed: untreated units with a treated unit in the band in some period."),
        super::table::star_note(options).concat(),
        "Detectable: the least indirect effect a test of level 0.05 finds with power 0.8 (2.8 standard errors); VIF: that \
         of the treatment's lag."
            .to_string(),
        match b.boundary {
            Some(hi) => format!("Beyond {hi} km no indirect effect differs from zero at level {level}."),
            None => format!("No band's indirect effect differs from zero at level {level}."),
        },
        "Each band is a model of its own, without the other bands: where treated units cluster, what \
         it leaves out biases it. All bands in one model: `| [W_band(…), W_band(…)]`."
            .to_string(),
    ];
    notes.extend(b.bands.first().map(|band| made_from(&b.model, &Fit { weights: None, ..(*band.fit).clone() })));
    let columns = ["exposed", "direct", "indirect", "total", "detectable", "VIF"].map(String::from).to_vec();
    let blocks = vec![Block { heading: None, rows: rows.collect() }];
    Table { title: None, columns, blocks, notes, digits: options.digits }
}

fn rounded(x: f64) -> Cell {
    if x.is_finite() { Cell::Number(x) } else { Cell::Empty }
}

/// A share as it was written: the rounding of `1 - 0.95` is no part of it.
fn plain(x: f64) -> f64 {
    (x * 1e9).round() / 1e9
}
