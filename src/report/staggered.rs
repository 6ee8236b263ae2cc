//! Designs for staggered treatments as tables: effects by time since the start, by group, by period, and what spills
//! over.

use super::designs::in_words;
use super::table::{TableOptions, star_note};
use crate::fault::counted;
use crate::outcome::staggered::{Aggregated, Decomposition, EventEffect, GroupTimeEffect, SpilloverEffects, Staggered};
use crate::outcome::{Block, Cell, Estimate, Row, Table};

/// What was asked, in a line.
pub fn about(s: &Staggered) -> String {
    let how = match s.kind {
        "att_gt" => "by group and time (Callaway and Sant'Anna)",
        "sun_abraham" => "by time since the start (Sun and Abraham)",
        "imputation" => "by imputation (Borusyak, Jaravel and Spiess)",
        _ => "in two stages (Gardner)",
    };
    let exposed = match s.exposure.is_empty() {
        true => String::new(),
        false => format!(", exposure by {}", ticked(&s.exposure)),
    };
    format!("effects of `{}` on {} {how}{exposed}", s.treatment, s.outcome)
}

pub fn about_comparisons(b: &Decomposition) -> String {
    format!("what the two-way estimate of the effect of `{}` on {} compares", b.treatment, b.outcome)
}

fn ticked(names: &[String]) -> String {
    crate::fault::ticked_all(names)
}

fn row(label: impl Into<String>, units: Option<usize>, value: &Estimate, options: &TableOptions) -> Row {
    let count = units.map_or(Cell::Empty, Cell::Count);
    Row { label: label.into(), cells: vec![count, options.cell(value)] }
}

fn block(heading: &str, rows: Vec<Row>) -> Option<Block> {
    (!rows.is_empty()).then(|| Block { heading: Some(heading.to_string()), rows })
}

fn events(periods: &[EventEffect], options: &TableOptions) -> Vec<Row> {
    periods.iter().map(|p| row(p.event_time.to_string(), Some(p.units), &p.value, options)).collect()
}

fn aggregated(of: &Aggregated, when: &str, who: &str, options: &TableOptions) -> Vec<Block> {
    let dynamic = block(&format!("By time since {when}"), events(&of.dynamic, options));
    let group = of.group.iter().map(|g| row(g.group.to_string(), Some(g.units), &g.value, options)).collect();
    let calendar = of.calendar.iter().map(|p| row(p.time.to_string(), Some(p.units), &p.value, options)).collect();
    let mut overall: Vec<Row> = of.simple.iter().map(|e| row("all groups and periods", None, e, options)).collect();
    let averages = &of.overall;
    for (label, value) in [
        (format!("mean over time since {when}"), &averages.dynamic),
        ("mean over groups".to_string(), &averages.group),
        ("mean over periods".to_string(), &averages.calendar),
    ] {
        overall.extend(value.iter().map(|e| row(label.clone(), None, e, options)));
    }
    let headings = [format!("By {who}"), "By period".to_string(), "Overall".to_string()];
    let rest = [group, calendar, overall];
    dynamic.into_iter().chain(headings.iter().zip(rest).filter_map(|(h, rows)| block(h, rows))).collect()
}

fn group_times(att: &[GroupTimeEffect], what: &str, options: &TableOptions) -> Option<Block> {
    let label = |a: &GroupTimeEffect| match (a.exposed_from, a.treated_from) {
        (Some(x), _) => format!("{} in {}, exposed from {x}", a.group, a.time),
        (None, Some(g)) => format!("{} in {}, treated from {g}", a.group, a.time),
        (None, None) => format!("{} in {}", a.group, a.time),
    };
    let rows = att.iter().map(|a| row(label(a), Some(a.units), &a.value, options)).collect();
    block(what, rows)
}

/// Group-time effects that a terminal shows; more are in what is saved.
const SHOWN: usize = 12;

/// The table as a terminal shows it: many group-time effects are counted, and told where they are.
pub fn shown(s: &Staggered) -> Table {
    let cells = s.att.len() + s.spillover.as_ref().map_or(0, |x| x.att.len());
    let full = table(s, &TableOptions::default());
    if cells <= SHOWN {
        return full;
    }
    let is_list = |b: &Block| b.heading.as_ref().is_some_and(|h| h.to_lowercase().ends_with("group and period"));
    let blocks = full.blocks.into_iter().filter(|b| !is_list(b)).collect();
    let mut notes = full.notes;
    let last = notes.len().saturating_sub(1);
    notes.insert(
        last,
        format!("The {cells} effects by group and period stand in what `save … to` writes, and in the document."),
    );
    Table { blocks, notes, ..full }
}

/// The table of a design, every effect in it.
pub fn table(s: &Staggered, options: &TableOptions) -> Table {
    let mut blocks = Vec::new();
    match &s.aggregates {
        Some(of) => {
            blocks.extend(aggregated(of, "the start", "group, by its start", options));
            blocks.extend(group_times(&s.att, "Group and period", options));
        }
        None => {
            blocks.extend(block("Before the start, by clean cells alone", events(&s.leads, options)));
            blocks.extend(block("By time since the start", events(&s.periods, options)));
            let overall = s.overall.iter().map(|e| row("all treated unit-periods", None, e, options)).collect();
            blocks.extend(block("Overall", overall));
        }
    }
    if let Some(spill) = &s.spillover {
        blocks.extend(spillover(spill, options));
    }
    let columns = ["units", "effect"].map(String::from).to_vec();
    Table { title: None, columns, blocks, notes: notes(s, options), digits: options.digits }
}

fn spillover(spill: &SpilloverEffects, options: &TableOptions) -> Vec<Block> {
    let mut blocks = Vec::new();
    if let Some(of) = &spill.aggregates {
        let prefixed = |b: Block| Block {
            heading: b.heading.map(|h| format!("Spillover: {}{}", h[..1].to_lowercase(), &h[1..])),
            ..b
        };
        let parts = aggregated(of, "the exposure", "group, by its first exposed period", options);
        blocks.extend(parts.into_iter().map(prefixed));
        blocks.extend(group_times(&spill.att, "Spillover: group and period", options));
        return blocks;
    }
    blocks.extend(block("Spillover on the exposed, by time since the exposure", events(&spill.periods, options)));
    let mut overall: Vec<Row> =
        spill.overall.iter().map(|e| row("all exposed unit-periods", Some(spill.units), e, options)).collect();
    if spill.matrices.len() > 1 {
        overall.extend(
            spill.matrices.iter().map(|m| row(format!("first by {}", m.weights), Some(m.units), &m.value, options)),
        );
    }
    blocks.extend(block("Spillover, overall", overall));
    blocks
}

/// Who is compared with.
fn controls(s: &Staggered) -> String {
    let clean = counted(s.clean_units, "unit", "units");
    let state = if s.exposure.is_empty() { "treated" } else { "treated nor exposed" };
    let either = if s.exposure.is_empty() { "never" } else { "never either" };
    match (s.kind, s.control.as_deref()) {
        ("att_gt" | "sun_abraham", Some("never")) => format!("Controls: the {clean} that are {either} {state}."),
        ("att_gt", _) => format!("Controls: units that are not yet {}; {clean} never are.", state.replace("nor", "or")),
        ("sun_abraham", _) => String::new(),
        _ => format!(
            "Untreated outcomes are fitted on unit-periods that are {} {state}; {clean} {} so throughout.",
            if s.exposure.is_empty() { "not" } else { "neither" },
            if s.clean_units == 1 { "stays" } else { "stay" }
        ),
    }
}

fn notes(s: &Staggered, options: &TableOptions) -> Vec<String> {
    let mut notes =
        vec![options.beneath("units: those of the groups that an effect averages."), star_note(options).concat()];
    let controls = controls(s);
    if !controls.is_empty() {
        notes.push(controls);
    }
    if !s.exposure.is_empty() {
        notes.push(
            "Effects on the treated include what treated neighbors add; spillovers are those on units that have a treated \
             neighbor and are not treated."
                .to_string(),
        );
    }
    for left in &s.left_out {
        let who = match left.units.len() {
            0 => counted(left.cells, "group-period", "group-periods"),
            n => format!(
                "{} ({}{})",
                counted(n, "unit", "units"),
                left.units.iter().take(5).cloned().collect::<Vec<_>>().join(", "),
                if n > 5 { format!(" and {} more", n - 5) } else { String::new() }
            ),
        };
        notes.push(format!("Left out: {who}: {}.", left.reason));
    }
    if let Some(test) = &s.pretrend {
        notes.push(format!("No effect before the start: {}.", in_words(test)));
    }
    if let Some(test) = s.spillover.as_ref().and_then(|x| x.pretrend.as_ref()) {
        notes.push(format!("No effect before the exposure: {}.", in_words(test)));
    }
    if let Some(b) = s.bootstrap.as_ref().filter(|b| b.critical_dynamic.is_finite()) {
        notes.push(format!(
            "{} % intervals that hold at all event times at once reach {:.2} bootstrapped standard errors to each side ({} \
             {} draws, seed {}).",
            100.0 * s.level,
            b.critical_dynamic,
            b.draws,
            b.weights,
            b.seed
        ));
    }
    notes.extend(s.notes.iter().cloned());
    notes.push(made_from(s));
    notes
}

fn made_from(s: &Staggered) -> String {
    let estimator = match (s.estimator.as_deref(), s.covariates.is_empty()) {
        (_, true) => String::new(),
        (None, false) => format!("; given {}", s.covariates.join(", ")),
        (Some(word), false) => {
            let how = match word {
                "dr" => "doubly robust",
                "reg" => "outcome regression",
                _ => "inverse probability weights",
            };
            format!("; given {} at the base period ({how})", s.covariates.join(", "))
        }
    };
    let anticipation = match s.anticipation {
        0 => String::new(),
        k => format!("; {} of anticipation", counted(k as usize, "period", "periods")),
    };
    format!(
        "From `{}`: {} units, {} to {}, {} treated{estimator}{anticipation}; standard errors {}.",
        s.of, s.units, s.first_period, s.last_period, s.treated_units, s.se_type
    )
}

/// The comparisons of a two-way estimate.
pub fn comparisons(b: &Decomposition) -> Table {
    let options = TableOptions::default();
    let number = |x: f64| if x.is_finite() { Cell::Number(x) } else { Cell::Empty };
    let label = |group: &str| {
        match group {
            "never" => "treated vs never treated",
            "earlier_vs_later" => "earlier vs not yet treated",
            "later_vs_earlier" => "later vs already treated",
            _ => "later vs always treated",
        }
        .to_string()
    };
    let types = b.types.iter().map(|t| Row {
        label: label(t.group),
        cells: vec![Cell::Count(t.comparisons), number(t.weight), number(t.estimate)],
    });
    let all = Row {
        label: "two-way estimate".to_string(),
        cells: vec![
            Cell::Count(b.comparisons.len()),
            number(b.types.iter().map(|t| t.weight).sum()),
            number(b.estimate),
        ],
    };
    let each = b.comparisons.iter().map(|c| Row {
        label: match (c.control, c.versus) {
            (None, _) => format!("{} vs never", c.treated),
            (Some(_), "later_vs_always") => format!("{} vs always", c.treated),
            (Some(k), _) => format!("{} vs {k}", c.treated),
        },
        cells: vec![Cell::Empty, number(c.weight), number(c.estimate)],
    });
    let mut notes =
        vec!["Weights sum to one, and the weighted estimates to the two-way estimate without covariates.".to_string()];
    let already: f64 =
        b.types.iter().filter(|t| matches!(t.group, "later_vs_earlier" | "later_vs_always")).map(|t| t.weight).sum();
    if already > 0.0 {
        notes.push(format!(
            "{:.1} % of the weight compares with units that are treated already: a change of their effect counts against \
             the treated.",
            100.0 * already
        ));
    }
    if let Some(e) = &b.exposed_controls {
        notes.push(format!(
            "{} of {} with a treated neighbor by {} serve as controls: a spillover of s on each adds {:.3} s to the \
             estimate.",
            counted(e.cells, "untreated unit-period", "untreated unit-periods"),
            counted(e.units, "unit", "units"),
            ticked(&b.exposure),
            e.weight
        ));
    }
    notes.push(format!("From `{}`: {} units, {} to {}.", b.of, b.units, b.first_period, b.last_period));
    let blocks = vec![
        Block { heading: Some("By type".to_string()), rows: types.chain([all]).collect() },
        Block { heading: Some("By pair of groups, each by its start".to_string()), rows: each.collect() },
    ];
    let columns = ["comparisons", "weight", "estimate"].map(String::from).to_vec();
    Table { title: None, columns, blocks, notes, digits: options.digits }
}
