//! Sensitivity to departures from parallel trends as a table: one row per bound.

use super::number;
use super::table::TableOptions;
use crate::outcome::honest::Honest;
use crate::outcome::{Block, Cell, Row, Table};

pub fn about(h: &Honest) -> String {
    let when = match h.event_time {
        Some(0) => "in the first treated period".to_string(),
        Some(e) => format!("{} after the start", crate::fault::counted(e.unsigned_abs() as usize, "period", "periods")),
        None => "from the start on, on average".to_string(),
    };
    format!("the {} effect of `{}` {when}, if trends are not parallel", h.effect, h.treatment)
}

/// The table of bounds.
pub fn table(h: &Honest) -> Table {
    let options = TableOptions::default();
    let number = |x: f64| if x.is_finite() { Cell::Number(x) } else { Cell::Empty };
    let row = |label: String, identified: [f64; 2], ci: [f64; 2]| Row {
        label,
        cells: identified.into_iter().chain(ci).map(number).collect(),
    };
    let mut rows = vec![row("parallel trends".to_string(), [h.original.estimate; 2], h.original.ci)];
    let symbol = if h.restriction == "relative" { "times the largest move before" } else { "per period" };
    rows.extend(h.bounds.iter().map(|b| {
        let bound = plain(b.bound, options.digits);
        row(format!("{bound} {symbol}"), b.identified, b.ci)
    }));
    let columns = ["least", "most", "lower", "upper"].map(String::from).to_vec();
    let mut notes = vec![format!(
        "Least and most: effects that the estimates allow if they had no error; lower and upper: a {} % interval.",
        100.0 * h.level
    )];
    notes.push(
        match h.restriction {
            "relative" => {
                "Relative: after the reference trends of treated and untreated move apart, from period to period, by at \
                 most so many times what they moved at most before (conditional least-favorable intervals)."
            }
            _ => {
                "Smooth: the slope of the difference of trends changes by at most so much from period to period; at 0 it \
                 is a straight line (the shortest intervals of fixed length)."
            }
        }
        .to_string(),
    );
    if h.bounds.iter().any(|b| b.identified[0].is_nan()) {
        notes.push("Blank: trends before the reference bend more than the bound allows.".to_string());
    }
    notes.push(breakdown(h, options.digits));
    notes.extend(h.notes.iter().cloned());
    notes.push(format!("From `{}`, reference {} (Rambachan and Roth 2023).", h.of, h.reference));
    Table { title: None, columns, blocks: vec![Block { heading: None, rows }], notes, digits: options.digits }
}

/// A number without the zeros at its end.
fn plain(x: f64, digits: usize) -> String {
    let text = number::significant(x, digits);
    if text.contains('.') && !text.contains('e') {
        return text.trim_end_matches('0').trim_end_matches('.').to_string();
    }
    text
}

fn breakdown(h: &Honest, digits: usize) -> String {
    let [lower, upper] = h.original.ci;
    match h.breakdown_state {
        "found" if h.restriction == "relative" => format!(
            "The effect differs from zero unless trends move more than {} times as much as they did at most before.",
            number::significant(h.breakdown, digits)
        ),
        "found" => format!(
            "The effect differs from zero unless the slope changes by more than {} per period.",
            number::significant(h.breakdown, digits)
        ),
        "beyond" => "The effect differs from zero whatever the bound that was looked at.".to_string(),
        _ if lower <= 0.0 && 0.0 <= upper => {
            "Under parallel trends already the effect does not differ from zero: there is nothing to break down."
                .to_string()
        }
        _ => "A straight difference of trends, without any change of slope, already explains the effect.".to_string(),
    }
}
