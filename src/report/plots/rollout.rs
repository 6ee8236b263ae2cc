//! The roll-out of a treatment: who is treated from when, and how many are.

use super::whole;
use crate::fault::counted;
use crate::outcome::TreatmentSummary;
use crate::outcome::figures::{Axis, Column, Figure, Ink, Layer, Marks, Panel, Patch};

/// Cohorts down the left and periods along the bottom, and the number of treated units in each period.
pub fn rollout(name: &str, t: &TreatmentSummary) -> Figure {
    let mut names = Vec::new();
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for (k, cohort) in t.starts.iter().enumerate() {
        names.push(format!("{} ({})", cohort.time, counted(cohort.units, "unit", "units")));
        let says = format!("from {}: {}", cohort.time, cohort.names.join(", "));
        for period in t.first_period..=t.last_period {
            let patch = cell(k, period, &says);
            if period >= cohort.time { after.push(patch) } else { before.push(patch) }
        }
    }
    if t.never > 0 {
        let k = names.len();
        names.push(format!("never ({})", counted(t.never, "unit", "units")));
        before.extend((t.first_period..=t.last_period).map(|p| cell(k, p, "never treated")));
    }
    let patches = |series: &str, ink: Ink, cells: Vec<Patch>| Layer {
        series: Some(series.to_string()),
        ink,
        marks: Marks::Cells(cells),
    };
    let cohorts = Panel {
        heading: Some("Cohorts".to_string()),
        x: whole("period"),
        y: Axis::Names { label: String::new(), names, own: true },
        layers: vec![patches("treated", Ink::Series(0), after), patches("not treated", Ink::Faint, before)],
        aspect: None,
    };
    let columns = t.treated_by_period.iter().zip(t.first_period..).map(|(count, period)| Column {
        from: period as f64 - 0.42,
        to: period as f64 + 0.42,
        height: *count as f64,
        says: format!("{period}: {} treated", counted(*count, "unit", "units")),
    });
    let counts = Panel {
        heading: Some("Treated units".to_string()),
        x: whole("period"),
        y: whole("units"),
        layers: vec![Layer { series: None, ink: Ink::Series(0), marks: Marks::Columns(columns.collect()) }],
        aspect: None,
    };
    let panels = if t.absorbing { vec![cohorts, counts] } else { vec![counts] };
    let notes =
        if t.absorbing { Vec::new() } else { vec!["Treatments end: cohorts do not tell who is treated.".to_string()] };
    Figure { title: Some(format!("Roll-out of {name}")), panels, notes, ..Figure::default() }
}

fn cell(line: usize, period: i64, says: &str) -> Patch {
    let (x, y) = (period as f64, line as f64);
    Patch { x: [x - 0.5, x + 0.5], y: [y - 0.4, y + 0.4], says: says.to_string() }
}
