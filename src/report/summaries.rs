//! Printed weights, treatments and panels; a treatment's roll-out is drawn.

use super::fit::field;
use super::layout::{Align, Columns, Line, padded};
use super::number::{count, fixed, significant};
use super::words;
use crate::fault::quoted_list;
use crate::outcome::{ColumnSummary, DataSummary, PanelSummary, TreatmentSummary, WeightsSummary};

/// How long the longest bar of a roll-out is.
const BAR: usize = 40;
/// Panels longer than this show only the periods in which something changes.
const MANY_PERIODS: usize = 40;
/// So many islands are named.
const MANY_ISLANDS: usize = 20;

/// A weights matrix: size, neighbors, islands by name, admissible interval (methods B.8).
pub fn weights(source: &str, w: &WeightsSummary) -> String {
    let mut out = format!("Weights {source}\n\n");
    out.push_str(&field("Built as", &w.recipe));
    out.push_str(&field("Panel", &w.panel));
    out.push_str(&field("Units", &count(w.units)));
    let cells = w.units as f64 * (w.units as f64 - 1.0);
    let density = fixed(100.0 * w.links as f64 / cells, 2);
    out.push_str(&field("Links", &format!("{} ({density} % of all pairs)", count(w.links))));
    let n = &w.neighbors;
    out.push_str(&field("Neighbors", &format!("min {}, mean {}, max {}", n.min, fixed(n.mean, 2), n.max)));
    out.push_str(&field("Islands", &islands(&w.islands)));
    out.push_str(&field("Components", &count(w.components)));
    out.push_str(&field("Symmetric", if w.symmetric { "yes" } else { "no" }));
    out.push_str(&field("Scaling", &words::scaling(&w.scaling)));
    let [lo, hi] = w.rho_interval;
    let interval = format!("({}, {}), rule {}", fixed(lo, 4), fixed(hi, 4), w.rho_interval_rule);
    out.push_str(&field("Admissible rho", &interval));
    for note in &w.notes {
        out.push_str(&field("Note", note));
    }
    out
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
    let mut out = format!("Treatment {source}\n\n");
    out.push_str(&field("Panel", &format!("{}, {} to {}", t.panel, t.first_period, t.last_period)));
    out.push_str(&field("Units", &count(t.units)));
    out.push_str(&field("Never treated", &count(t.never)));
    out.push_str(&field("Always treated", &count(t.always)));
    out.push_str(&field("Absorbing", if t.absorbing { "yes" } else { "no" }));
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
    let mut out = format!("Panel {source}\n\n");
    out.push_str(&field("Units", &format!("{} ({})", count(p.units), p.unit)));
    out.push_str(&field("Periods", &format!("{} ({}, {} to {})", p.periods, p.time, p.first_period, p.last_period)));
    let balanced = if p.balanced { "balanced" } else { "not balanced" };
    out.push_str(&field("Rows", &format!("{}, {balanced}", count(p.rows))));
    out.push_str(&columns_of(&p.columns));
    out
}

/// A data set: its keys and its columns.
pub fn data(source: &str, d: &DataSummary) -> String {
    let mut out = format!("Data {source}\n\n");
    out.push_str(&field("Rows", &count(d.rows)));
    let absent = if d.absent > 0 { format!(", {} without a row", count(d.absent)) } else { String::new() };
    out.push_str(&field("Cells", &format!("{}{absent}", count(d.cells))));
    for key in &d.keys {
        let range = format!("{} ({} to {})", count(key.labels), key.first, key.last);
        out.push_str(&field(&format!("Key {}", key.name), &range));
    }
    out.push_str(&columns_of(&d.columns));
    out
}

/// What is known of each column.
fn columns_of(described: &[ColumnSummary]) -> String {
    let mut columns = Columns { lines: vec![Line::Blank], left: vec![1] };
    columns.cells(["Column", "Type", "Missing", "Mean", "Std. dev.", "Min", "Max"].map(String::from).to_vec());
    columns.lines.push(Line::Rule);
    for c in described {
        let text = c.kind != "number";
        let number = |x: f64| if text { String::new() } else { plain(x) };
        let numbers = [c.mean, c.sd, c.min, c.max].map(number);
        columns.cells([c.name.clone(), c.kind.clone(), count(c.missing)].into_iter().chain(numbers).collect());
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
