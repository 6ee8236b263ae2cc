//! Why values are missing: the reasons a run knows, how often each stands in an array or a column, and which of them
//! are faults once they reach a row.

use crate::check::spec::Column;
use crate::data::array::{Array, NO_LABEL, Reason};
use crate::fault::Fault;
use crate::plan::columns::Eval;
use crate::plan::panels::PanelData;
use crate::plan::{Planner, Step};
use crate::source::Span;

/// Reasons every run knows; further ones are named by the program.
pub(super) const DIVISION: &str = "division_by_zero";
pub(super) const LOGARITHM: &str = "logarithm_of_zero_or_less";
pub(super) const ROOT: &str = "root_of_a_negative_number";
pub(super) const OVERFLOW: &str = "overflow";
/// Before the name of a data set that has no value there.
pub(in crate::plan) const NO_VALUE: &str = "no_value_in_";

impl Planner<'_> {
    /// The number of a reason. There are few: further ones share the last number.
    pub(in crate::plan) fn reason(&mut self, text: &str) -> Reason {
        let at = self.reasons.iter().position(|r| r == text).unwrap_or_else(|| {
            self.reasons.push(text.to_string());
            self.reasons.len() - 1
        });
        (at + 1).min(usize::from(NO_LABEL - 1)) as Reason
    }

    pub(super) fn reason_text(&self, reason: Reason) -> &str {
        if reason == NO_LABEL {
            return "no_such_label";
        }
        self.reasons.get(usize::from(reason).wrapping_sub(1)).map_or("missing", String::as_str)
    }

    /// `undefined` of an array of the program.
    pub(super) fn undefined_cells(&mut self, value: &Column, made: &Array) {
        let mut counts: Vec<(Reason, usize)> = Vec::new();
        for reason in made.why.iter().flatten().copied().filter(|&r| r != 0) {
            match counts.iter_mut().find(|c| c.0 == reason) {
                Some(c) => c.1 += 1,
                None => counts.push((reason, 1)),
            }
        }
        let total: usize = counts.iter().map(|c| c.1).sum();
        if total > 0 {
            let parts: Vec<String> = counts.iter().map(|c| format!("{} ({})", self.reason_text(c.0), c.1)).collect();
            let cells = crate::fault::counted(made.cells(), "cell", "cells");
            let message = format!("`{}` is undefined in {total} of {cells}: {}", value.text, parts.join(", "));
            let mut fault = Fault::note("durbin::data::undefined", message);
            fault.help = self.gaps_behind(counts.iter().map(|c| c.0));
            self.report(fault, value.place.0);
        }
    }

    /// `undefined`: how many rows of a derived column are missing, and why.
    pub(in crate::plan) fn undefined(&mut self, name: &str, panel: &PanelData, why: &[Reason], place: Span) {
        let mut counts: Vec<(Reason, usize, u32)> = Vec::new();
        for &row in &panel.rows {
            let reason = why.get(row as usize).copied().unwrap_or(0);
            match counts.iter_mut().find(|c| c.0 == reason) {
                _ if reason == 0 => {}
                Some(c) => c.1 += 1,
                None => counts.push((reason, 1, row)),
            }
        }
        let total: usize = counts.iter().map(|c| c.1).sum();
        if total == 0 {
            return;
        }
        let label = |row: u32| {
            format!("{} {}", panel.table.get(row as usize, panel.unit), panel.table.get(row as usize, panel.time))
        };
        let parts: Vec<String> =
            counts.iter().map(|c| format!("{} ({}, first {})", self.reason_text(c.0), c.1, label(c.2))).collect();
        let message = format!(
            "`{name}` is undefined in {total} of {}: {}",
            crate::fault::counted(panel.rows.len(), "row", "rows"),
            parts.join(", ")
        );
        let help =
            "an undefined value is missing: `missing drop` leaves its row out of estimates, `where` out of the panel";
        let help = match self.gaps_behind(counts.iter().map(|c| c.0)) {
            Some(gaps) => format!("{gaps}; {help}"),
            None => help.to_string(),
        };
        self.report(Fault::note("durbin::data::undefined", message).help(help), place);
    }

    /// The combinations of keys without a row, in the data sets that reasons name: the gap may lie at another unit than
    /// the one whose value is missing.
    fn gaps_behind(&self, reasons: impl Iterator<Item = Reason>) -> Option<String> {
        let texts: Vec<&str> = reasons.filter_map(|r| self.reason_text(r).strip_prefix(NO_VALUE)).collect();
        let told = texts.iter().filter_map(|name| {
            let set = self.data.iter().flatten().find(|d| d.rows.name == *name)?;
            let (count, first) = set.gaps()?;
            Some(format!("`{name}` has no row for {count}, the first {first}"))
        });
        let told: Vec<String> = told.collect();
        (!told.is_empty()).then(|| {
            let repair = "what sums over them is missing too: leave their unit or period out of the data with `where`, \
                or write `absent 0` where no row means none";
            format!("{}; {repair}", told.join("; "))
        })
    }
}

impl Eval<'_, '_> {
    /// `not_finite` where a logarithm of zero, the root of a negative number or an overflow reaches a row.
    pub(super) fn sound(&mut self, column: &Column) -> Step<()> {
        let Some(why) = &self.why else { return Ok(()) };
        let fatal = |r: Reason| matches!(self.planner.reason_text(r), LOGARITHM | ROOT | OVERFLOW);
        let bad: Vec<usize> =
            self.panel.rows.iter().map(|&r| r as usize).filter(|&r| why.get(r).is_some_and(|&w| fatal(w))).collect();
        let Some(&first) = bad.first() else { return Ok(()) };
        let what = self.planner.reason_text(why[first]).replace('_', " ");
        let index = self.index()?;
        let more = if bad.len() > 1 { format!("; {} rows in all", bad.len()) } else { String::new() };
        let message = format!("`{}` is not a finite number for {}: {what}{more}", column.text, index.named(first));
        let fault = Fault::error("durbin::data::not_finite", message)
            .help("leave these rows out with `where`, or say what they are: `if x > 0 then log(x) else missing`");
        Err(self.planner.report(fault, column.place.0))
    }
}
