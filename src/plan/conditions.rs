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
        self.condition_gone(&panel.name, condition, &Gone::of(panel, condition, value), clause)
    }

    /// The note for rows of a panel or data set of that name.
    pub(super) fn condition_gone(
        &mut self,
        panel: &str,
        condition: &Column,
        gone: &Gone,
        clause: &str,
    ) -> Option<Dropped> {
        if gone.rows == 0 {
            return None;
        }
        let lacking = gone.lacking.iter().filter(|(_, n)| *n > 0);
        let columns: Vec<String> = lacking.map(|(name, n)| format!("`{name}` is missing in {n}")).collect();
        let why = if columns.is_empty() { String::new() } else { format!(": {}", columns.join(", ")) };
        let message = format!(
            "`{clause}` left {} out of panel `{}` because the condition is missing there{why}",
            counted(gone.rows, "row", "rows"),
            panel
        );
        self.report(Fault::note("durbin::panel::rows_dropped", message), condition.place.0);
        let detail = Some(condition.text.clone());
        Some(Dropped { reason: "condition missing".into(), rows: gone.rows, units: None, detail })
    }
}

/// Rows in which a condition is missing, and in how many of them each of its columns is.
#[derive(Default)]
pub(super) struct Gone {
    pub rows: usize,
    pub lacking: Vec<(String, usize)>,
}

impl Gone {
    pub fn of(panel: &PanelData, condition: &Column, value: &Value) -> Gone {
        let gone: Vec<usize> = panel.rows.iter().map(|&r| r as usize).filter(|&r| unknown(value, r)).collect();
        let lacking = |name: String| {
            let n = gone.iter().filter(|&&r| lacks(panel, &name, r)).count();
            (name, n)
        };
        let lacking = if gone.is_empty() { Vec::new() } else { names_of(condition).into_iter().map(lacking).collect() };
        Gone { rows: gone.len(), lacking }
    }

    /// With those of further rows.
    pub fn and(&mut self, more: Gone) {
        self.rows += more.rows;
        for (name, n) in more.lacking {
            match self.lacking.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known += n,
                None => self.lacking.push((name, n)),
            }
        }
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
