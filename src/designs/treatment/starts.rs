//! A column of starts, per row: which cells are periods, which mean never, and what cannot be read.

use crate::data::keys::{Keys, PanelIndex, parse_time};
use crate::data::numbers::is_missing;
use crate::designs::treatment::Starts;
use crate::fault::{Fault, counted, ticked_list};

/// One cell of a column of starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    Never,
    In(i64),
    Bad,
}

impl Start {
    pub(super) fn year(self) -> Option<i64> {
        match self {
            Start::In(year) => Some(year),
            _ => None,
        }
    }
}

pub(super) struct Column<'a> {
    pub(super) keys: &'a Keys<'a>,
    pub(super) index: &'a PanelIndex,
    pub(super) starts: Starts<'a>,
}

impl Column<'_> {
    fn name(&self) -> &str {
        match self.starts {
            Starts::Cells { column, .. } => self.keys.table.name(column),
            Starts::Numbers { name, .. } => name,
        }
    }

    pub(super) fn start(&self, row: usize) -> Start {
        match self.starts {
            Starts::Cells { column, markers } => {
                let cell = self.keys.table.get(row, column);
                if is_missing(cell, markers) { Start::Never } else { parse_time(cell).map_or(Start::Bad, Start::In) }
            }
            Starts::Numbers { values, .. } => match values.get(row) {
                Some(x) if x.is_nan() => Start::Never,
                Some(x) if x.fract() == 0.0 && x.abs() < 9e15 => Start::In(*x as i64),
                Some(_) => Start::Bad,
                None => Start::Never,
            },
        }
    }

    /// A start as the file has it, or as the derived column holds it.
    fn written(&self, row: usize) -> String {
        match self.starts {
            Starts::Cells { column, .. } if self.start(row) == Start::Never => {
                let cell = self.keys.table.get(row, column).trim();
                if cell.is_empty() { "empty".to_string() } else { format!("\"{cell}\"") }
            }
            Starts::Cells { column, .. } => self.keys.table.get(row, column).trim().to_string(),
            Starts::Numbers { values, .. } => match values.get(row) {
                Some(x) if !x.is_nan() => x.to_string(),
                _ => "missing".to_string(),
            },
        }
    }

    fn label(&self, fault: Fault, row: usize, text: String) -> Fault {
        match self.starts {
            Starts::Cells { column, .. } => self.keys.table.label(fault, row, column, text),
            Starts::Numbers { .. } => fault.label(&self.keys.table.file, self.keys.table.line(row), 1, text),
        }
    }

    pub(super) fn bad(&self, rows: &[u32], read: &[Start]) -> Option<Fault> {
        let bad: Vec<usize> =
            rows.iter().zip(read).filter(|(_, s)| **s == Start::Bad).map(|(&r, _)| r as usize).collect();
        let &first = bad.first()?;
        let value = self.written(first);
        let more = if bad.len() > 1 { format!("; {} rows have such a start", bad.len()) } else { String::new() };
        let message = format!(
            "the start \"{value}\" of `{}` in column `{}` is not an integer{more}",
            self.index.unit_name(first),
            self.name()
        );
        let marker = match value.parse::<f64>() {
            Ok(_) => String::new(),
            Err(_) => format!(", or a declared marker: `missing \"{value}\"`"),
        };
        let fault = Fault::error("durbin::treatment::bad_start", message)
            .help(format!("a start is a period of the panel; never is an empty cell{marker}"));
        Some(self.label(fault, first, format!("\"{value}\"")))
    }

    pub(super) fn zero(&self, rows: &[u32], read: &[Start]) -> Option<Fault> {
        let zero: Vec<usize> =
            rows.iter().zip(read).filter(|(_, s)| **s == Start::In(0)).map(|(&r, _)| r as usize).collect();
        let &first = zero.first()?;
        let mut units: Vec<&str> = zero.iter().map(|&r| self.index.unit_name(r)).collect();
        units.sort_unstable();
        units.dedup();
        let name = self.name();
        let message = format!(
            "{} {} 0 in column `{name}`: {}",
            counted(units.len(), "unit", "units"),
            if units.len() == 1 { "starts in" } else { "start in" },
            ticked_list(&units)
        );
        let fault = Fault::error("durbin::treatment::zero_start", message).help(format!(
            "never is an empty cell; or derive it in the panel: `let first = if {name} == 0 then missing else {name}`"
        ));
        Some(self.label(fault, first, "0 here".to_string()))
    }

    pub(super) fn varies(&self, varying: &[(usize, usize, usize)]) -> Option<Fault> {
        let &(unit, first, row) = varying.first()?;
        let mut units: Vec<usize> = varying.iter().map(|v| v.0).collect();
        units.sort_unstable();
        units.dedup();
        let more = if units.len() > 1 { format!("; {} units have several", units.len()) } else { String::new() };
        let message = format!(
            "`{}` has several starts in column `{}`: {} and {}{more}",
            self.index.units[unit],
            self.name(),
            self.written(first),
            self.written(row)
        );
        let fault = Fault::error("durbin::treatment::start_varies", message).help(
            "a unit has one start, the same in each of its rows; a treatment that comes and goes is an `indicator`",
        );
        let fault = self.label(fault, first, format!("{} here", self.written(first)));
        Some(self.label(fault, row, format!("{} here", self.written(row))))
    }
}
