//! Rows that a condition leaves out because it is missing there: counted and said, for they are neither kept nor refused.

use super::Planner;
use super::columns::names_of;
use super::panels::PanelData;
use crate::check::spec::Column;
use crate::data::numbers;
use crate::data::series::{Series, Value};
use crate::fault::{Fault, counted};
use crate::outcome::Dropped;

impl Planner<'_> {
    /// The note for rows of `panel` where `condition`, which has the values `value`, is missing; `clause` is how the
    /// program words it.
    pub(super) fn condition_missing(
        &mut self,
        panel: &PanelData,
        condition: &Column,
        value: &Value,
        clause: &str,
    ) -> Option<Dropped> {
        let gone: Vec<usize> = panel.rows.iter().map(|&r| r as usize).filter(|&r| unknown(value, r)).collect();
        if gone.is_empty() {
            return None;
        }
        let columns: Vec<String> = names_of(condition)
            .into_iter()
            .filter_map(|name| {
                let lacking = gone.iter().filter(|&&r| lacks(panel, &name, r)).count();
                (lacking > 0).then(|| format!("`{name}` is missing in {lacking}"))
            })
            .collect();
        let why = if columns.is_empty() { String::new() } else { format!(": {}", columns.join(", ")) };
        let message = format!(
            "`{clause}` left {} out of panel `{}` because the condition is missing there{why}",
            counted(gone.len(), "row", "rows"),
            panel.name
        );
        self.report(Fault::note("durbin::panel::rows_dropped", message), condition.place.0);
        let detail = Some(condition.text.clone());
        Some(Dropped { reason: "condition missing".into(), rows: gone.len(), units: None, detail })
    }
}

/// Whether a condition is missing in a row.
fn unknown(value: &Value, row: usize) -> bool {
    match value {
        Value::Column(Series::Bools(b)) => b.get(row).copied().flatten().is_none(),
        Value::Missing => true,
        _ => false,
    }
}

fn lacks(panel: &PanelData, name: &str, row: usize) -> bool {
    if let Some(derived) = panel.lets.get(name) {
        return match derived {
            Value::Column(series) => series.is_missing(row),
            Value::Missing => true,
            _ => false,
        };
    }
    panel.table.column(name).is_some_and(|at| numbers::is_missing(panel.table.get(row, at), &panel.markers))
}
