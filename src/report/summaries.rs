//! Printed weights, treatments and panels; a treatment's roll-out is drawn.

use super::fit::field;
use super::layout::{Align, Columns, Line, padded};
use super::number::{count, fixed, significant};
use super::words;
use crate::fault::quoted_list;
use crate::outcome::described::Description;
use crate::outcome::{ColumnSummary, DataSummary, PanelSummary, TreatmentSummary, WeightsSummary};

/// How long the longest bar of a roll-out is.
const BAR: usize = 40;
/// Panels longer than this show only the periods in which something changes.
const MANY_PERIODS: usize = 40;
/// So many islands are named.
const MANY_ISLANDS: usize = 20;

/// A weights matrix: size, neighbors, islands by name, admissible interval (methods B.8).
pub fn weights(source: &str, w: &WeightsSummary) -> String {
    format!("Weights {source}\n\n{}", told(&weights_facts(w)))
}

/// Facts as lines of the terminal.
fn told(facts: &[(String, String)]) -> String {
    facts.iter().map(|(key, value)| field(key, value)).collect()
}

fn fact(key: &str, value: impl Into<String>) -> (String, String) {
    (key.to_string(), value.into())
}

/// What is said of a matrix.
pub fn weights_facts(w: &WeightsSummary) -> Vec<(String, String)> {
    let cells = w.units as f64 * (w.units as f64 - 1.0);
    let density = fixed(100.0 * w.links as f64 / cells, 2);
    let n = &w.neighbors;
    let [lo, hi] = w.rho_interval;
    let mut out = vec![
        fact("Built as", &w.recipe),
        fact("Panel", &w.panel),
        fact("Units", count(w.units)),
        fact("Links", format!("{} ({density} % of all pairs)", count(w.links))),
        fact("Neighbors", format!("min {}, mean {}, max {}", n.min, fixed(n.mean, 2), n.max)),
        fact("Islands", islands(&w.islands)),
        fact("Components", count(w.components)),
        fact("Symmetric", if w.symmetric { "yes" } else { "no" }),
        fact("Scaling", words::scaling(&w.scaling)),
        fact("Admissible rho", format!("({}, {}), rule {}", fixed(lo, 4), fixed(hi, 4), w.rho_interval_rule)),
    ];
    out.extend(w.near_edge.map(|pairs| fact("Near an edge", format!("{} within 0.6 %", pairs_of(pairs)))));
    out.extend(w.notes.iter().map(|note| fact("Note", note)));
    out
}

fn pairs_of(pairs: usize) -> String {
    if pairs == 1 { "1 pair of units".to_string() } else { format!("{} pairs of units", count(pairs)) }
}

/// How many and which; beyond [`MANY_ISLANDS`] how many more.
fn islands(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_string();
    }
    let shown: Vec<String> = names.iter().take(MANY_ISLANDS).map(|i| format!("\"{i}\"")).collect();
    let more = names.len() - shown.len();
    let rest = if more > 0 { format!(" and {} more", count(more)) } else { String::new() };
    format!("{}: {}{rest}", count(names.len()), shown.join(", "))
}

/// A treatment: who starts when, never and always, and the roll-out period by period.
pub fn treatment(source: &str, t: &TreatmentSummary) -> String {
    let mut out = format!("Treatment {source}\n\n{}", told(&treatment_facts(t)));
    if !t.starts.is_empty() {
        out.push_str("\n  Starts\n");
        for c in &t.starts {
            let names = if c.names.is_empty() { String::new() } else { quoted_list(&c.names) };
            let units = padded(&count(c.units), 6, Align::Right);
            out.push_str(
                super::fit::joined(&super::layout::wrapped(&format!("    {}{units}  ", c.time), 16, &names)).as_str(),
            );
        }
    }
    out.push_str("\n  Treated units\n");
    out.push_str(&roll_out(t));
    out
}

/// What is said of a treatment beside its roll-out.
pub fn treatment_facts(t: &TreatmentSummary) -> Vec<(String, String)> {
    vec![
        fact("Panel", format!("{}, {} to {}", t.panel, t.first_period, t.last_period)),
        fact("Units", count(t.units)),
        fact("Never treated", count(t.never)),
        fact("Always treated", count(t.always)),
        fact("Absorbing", if t.absorbing { "yes" } else { "no" }),
    ]
}

fn roll_out(t: &TreatmentSummary) -> String {
    let all = t.treated_by_period.len();
    let mut columns = Columns { lines: vec![], left: vec![1] };
    let mut previous = None;
    for (i, (&n, period)) in t.treated_by_period.iter().zip(t.first_period..).enumerate() {
        if all <= MANY_PERIODS || previous != Some(n) || i + 1 == all {
            columns.cells(vec![period.to_string(), bar(n, t.units), count(n)]);
        }
        previous = Some(n);
    }
    columns.render(4)
}

/// A bar as long as the share of the units, at least one mark where there is any.
fn bar(n: usize, units: usize) -> String {
    let share = n as f64 / units.max(1) as f64;
    let filled = ((share * BAR as f64).round() as usize).clamp(usize::from(n > 0), BAR);
    format!("{}{}", "█".repeat(filled), "·".repeat(BAR - filled))
}

/// A panel and its columns.
pub fn panel(source: &str, p: &PanelSummary) -> String {
    format!("Panel {source}\n\n{}{}", told(&panel_facts(p)), columns_of(&p.columns))
}

/// A panel described: its size and the table that was asked for.
pub fn description(source: &str, d: &Description) -> String {
    let head = format!("{source}\n\n{}\n", told(&panel_facts(&d.panel)));
    head + &super::txt::table(&super::described::description(d))
}

/// What is said of a panel beside its columns.
pub fn panel_facts(p: &PanelSummary) -> Vec<(String, String)> {
    let balanced = if p.balanced { "balanced" } else { "not balanced" };
    vec![
        fact("Units", format!("{} ({})", count(p.units), p.unit)),
        fact("Periods", format!("{} ({}, {} to {})", p.periods, p.time, p.first_period, p.last_period)),
        fact("Rows", format!("{}, {balanced}", count(p.rows))),
    ]
}

/// A data set: its keys and its columns.
pub fn data(source: &str, d: &DataSummary) -> String {
    format!("Data {source}\n\n{}{}", told(&data_facts(d)), columns_of(&d.columns))
}

/// What is said of a data set beside its columns.
pub fn data_facts(d: &DataSummary) -> Vec<(String, String)> {
    let absent = if d.absent > 0 { format!(", {} without a row", count(d.absent)) } else { String::new() };
    let rows = match d.records {
        Some(records) => format!("{}, sums of {} records", count(d.rows), count(records)),
        None => count(d.rows),
    };
    let mut out = vec![fact("Rows", rows), fact("Cells", format!("{}{absent}", count(d.cells)))];
    out.extend(d.keys.iter().map(|key| {
        fact(&format!("Key {}", key.name), format!("{} ({} to {})", count(key.labels), key.first, key.last))
    }));
    out
}

/// What is known of each column.
fn columns_of(described: &[ColumnSummary]) -> String {
    let mut columns = Columns { lines: vec![Line::Blank], left: vec![1] };
    columns.cells(["Column", "Type", "Missing", "Mean", "Std. dev.", "Min", "Max"].map(String::from).to_vec());
    columns.lines.push(Line::Rule);
    for c in described {
        let numbers = if c.kind == "number" {
            [c.mean, c.sd, c.min, c.max].map(plain)
        } else {
            [format!("{} distinct", count(c.distinct)), String::new(), String::new(), String::new()]
        };
        columns.cells([c.name.clone(), c.holds.clone(), count(c.missing)].into_iter().chain(numbers).collect());
    }
    columns.render(2)
}

/// Six significant digits without zeros at the end, whole numbers without decimals.
pub(super) fn plain(x: f64) -> String {
    if x.is_finite() && x.fract() == 0.0 && x.abs() < 1e15 {
        return fixed(x, 0);
    }
    let shown = significant(x, 6);
    match shown.split_once('e') {
        None if shown.contains('.') && x.is_finite() => shown.trim_end_matches('0').trim_end_matches('.').to_string(),
        _ => shown,
    }
}
