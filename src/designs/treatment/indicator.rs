//! A 0/1 indicator of who is treated when: its starts, its returns to 0, and what cannot be read.

use crate::data::keys::{Keys, PanelIndex};
use crate::fault::{Fault, counted};

/// The indicator as written, where it stands in the table, and its value in each row.
pub(super) struct Indicator<'a> {
    pub(super) keys: &'a Keys<'a>,
    pub(super) index: &'a PanelIndex,
    pub(super) written: &'a str,
    pub(super) column: Option<usize>,
    pub(super) values: &'a [f64],
}

impl Indicator<'_> {
    fn value(&self, row: usize) -> f64 {
        self.values.get(row).copied().unwrap_or(f64::NAN)
    }

    fn label(&self, fault: Fault, row: usize, text: String) -> Fault {
        match self.column {
            Some(column) => self.keys.table.label(fault, row, column, text),
            None => fault.label(&self.keys.table.file, self.keys.table.line(row), 1, text),
        }
    }

    pub(super) fn lacking(&self) -> Option<Fault> {
        let without: Vec<u32> = self.index.rows().into_iter().filter(|&r| self.value(r as usize).is_nan()).collect();
        let first = *without.first()? as usize;
        let message = format!(
            "indicator `{}` is missing in {}, first for {}",
            self.written,
            counted(without.len(), "row", "rows"),
            self.index.named(first)
        );
        let fault = Fault::error("durbin::data::missing_value", message).help(format!(
            "write 0 or 1 in each row, or leave such rows out with `where not is_missing({})`",
            self.written
        ));
        Some(self.label(fault, first, format!("no `{}` for {}", self.written, self.index.named(first))))
    }

    pub(super) fn not_binary(&self) -> Option<Fault> {
        let odd = |x: f64| !x.is_nan() && x != 0.0 && x != 1.0;
        let rows: Vec<usize> =
            self.index.rows().into_iter().map(|r| r as usize).filter(|&r| odd(self.value(r))).collect();
        rows.first()?;
        let mut distinct: Vec<(f64, usize)> = Vec::new();
        for &row in &rows {
            if distinct.len() < 5 && !distinct.iter().any(|d| d.0 == self.value(row)) {
                distinct.push((self.value(row), row));
            }
        }
        let values: Vec<String> = distinct.iter().map(|d| d.0.to_string()).collect();
        let message = format!(
            "indicator `{}` holds values other than 0 and 1 in {}: {}",
            self.written,
            counted(rows.len(), "row", "rows"),
            values.join(", ")
        );
        let mut fault = Fault::error("durbin::treatment::not_binary", message).help(
            "an indicator is 1 where a unit is treated and 0 where it is not; a first treated period is `starts`",
        );
        for (value, row) in distinct {
            fault = self.label(fault, row, format!("{value} for {}", self.index.named(row)));
        }
        Some(fault)
    }

    /// First treated periods, and the rows in which a treated unit is untreated again (the first of each unit).
    pub(super) fn starts(&self) -> (Vec<Option<i64>>, Vec<usize>) {
        let cells = self.index.cell_map();
        let mut reversals = Vec::new();
        let starts = (0..self.index.units.len())
            .map(|unit| {
                let rows: Vec<usize> =
                    (0..self.index.periods.len()).filter_map(|period| cells.row(unit, period)).collect();
                let first = rows.iter().position(|&r| self.value(r) == 1.0)?;
                reversals.extend(rows[first..].iter().copied().find(|&r| self.value(r) == 0.0));
                self.index.period_at(rows[first])
            })
            .collect();
        (starts, reversals)
    }

    pub(super) fn reverses(&self, reversals: &[usize]) -> Option<Fault> {
        let &first = reversals.first()?;
        let named: Vec<String> = reversals.iter().take(5).map(|&r| self.index.named(r)).collect();
        let more = if reversals.len() > 5 { format!(" and {} more", reversals.len() - 5) } else { String::new() };
        let message = format!(
            "indicator `{}` returns to 0 in {}: {}{more}",
            self.written,
            counted(reversals.len(), "unit", "units"),
            named.join(", ")
        );
        let fault = Fault::error("durbin::treatment::reverses", message).help(format!(
            "`indicator({}, reversible: true)` takes it as it is, and closes the designs on event time: `event_study`, `att_gt`, `sun_abraham`, `imputation`",
            self.written
        ));
        Some(self.label(fault, first, format!("{} is 0 again here", self.index.named(first))))
    }

    pub(super) fn matrix(&self) -> Vec<f64> {
        let cells = self.index.cell_map();
        let (n, t) = (self.index.units.len(), self.index.periods.len());
        let value = |p: usize, u: usize| cells.row(u, p).map_or(f64::NAN, |r| self.value(r));
        (0..t).flat_map(|p| (0..n).map(move |u| (p, u))).map(|(p, u)| value(p, u)).collect()
    }
}
