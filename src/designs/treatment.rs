//! Who is treated, from when (methods E.1): built from a column of starts, starts written out, or a 0/1 indicator.
//!
//! Building refuses what cannot be read and what identifies nothing; [`Treatment::warnings`] says, once, what a reader
//! of the estimate should know.

use std::collections::BTreeMap;

use crate::data::keys::{Keys, PanelIndex};
use crate::fault::{Fault, counted, ticked_list};
use crate::outcome::{Cohort, TreatmentSummary};

mod indicator;
mod starts;

use indicator::Indicator;
use starts::{Column, Start};

/// A treatment on the units and periods of a panel.
#[derive(Clone, Debug, PartialEq)]
pub struct Treatment {
    pub name: String,
    /// The panel's name.
    pub panel: String,
    /// In key order, as the panel index has them.
    pub units: Vec<String>,
    /// Ascending.
    pub periods: Vec<i64>,
    /// First treated period of each unit; `None` where it is never treated up to the last period.
    pub starts: Vec<Option<i64>>,
    /// Starts after the last period, by unit: such units count as untreated throughout.
    pub after_sample: Vec<(usize, i64)>,
    /// 1 where treated, else 0: `N × T`, unit fastest, position `t·N + i` (methods 0). NaN in a gap of a treatment that
    /// reverses.
    pub treated: Vec<f64>,
    /// Whether no unit returns to being untreated.
    pub absorbing: bool,
}

/// Where per-row starts stand.
#[derive(Clone, Copy, Debug)]
pub enum Starts<'a> {
    /// A column of the table, with the markers that mean missing.
    Cells { column: usize, markers: &'a [String] },
    /// A derived column: its name and one number per row of the table, NaN where missing.
    Numbers { name: &'a str, values: &'a [f64] },
}

/// Whether an indicator may return to 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reversal {
    Refused,
    /// `reversible: true`
    Allowed,
}

impl Treatment {
    /// `starts(COL)`: missing means never. Errors: `bad_start`, `zero_start`, `start_varies`, and those of
    /// [`Treatment::check`].
    pub fn from_starts(name: &str, keys: &Keys, index: &PanelIndex, starts: Starts) -> Result<Treatment, Vec<Fault>> {
        let rows = index.rows();
        let column = Column { keys, index, starts };
        let read: Vec<Start> = rows.iter().map(|&r| column.start(r as usize)).collect();
        let faults: Vec<Fault> = [column.bad(&rows, &read), column.zero(&rows, &read)].into_iter().flatten().collect();
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut first_row: Vec<Option<usize>> = vec![None; index.units.len()];
        let mut by_unit: Vec<Option<i64>> = vec![None; index.units.len()];
        let mut varying: Vec<(usize, usize, usize)> = Vec::new();
        for (&row, start) in rows.iter().zip(&read) {
            let Some((unit, _)) = index.cell(row as usize) else { continue };
            let start = start.year();
            match first_row[unit] {
                None => (first_row[unit], by_unit[unit]) = (Some(row as usize), start),
                Some(first) if by_unit[unit] != start => varying.push((unit, first, row as usize)),
                Some(_) => {}
            }
        }
        if let Some(fault) = column.varies(&varying) {
            return Err(vec![fault]);
        }
        Treatment::built(name, keys.panel, index, by_unit)
    }

    /// `starts({ "Shanghai": 2016, … })`: units that are not named are never treated. Errors: `unknown_unit`,
    /// `zero_start`, and those of [`Treatment::check`].
    pub fn from_list(
        name: &str,
        panel: &str,
        index: &PanelIndex,
        starts: &[(String, i64)],
    ) -> Result<Treatment, Vec<Fault>> {
        let unknown: Vec<&str> =
            starts.iter().map(|s| s.0.as_str()).filter(|unit| index.unit(unit).is_none()).collect();
        let zeros: Vec<&str> = starts.iter().filter(|s| s.1 == 0).map(|s| s.0.as_str()).collect();
        let mut faults = Vec::new();
        if !unknown.is_empty() {
            faults.push(unknown_unit(panel, index, &unknown));
        }
        if !zeros.is_empty() {
            let message = format!("{} {} in 0", ticked_list(&zeros), if zeros.len() == 1 { "starts" } else { "start" });
            faults.push(
                Fault::error("durbin::treatment::zero_start", message)
                    .help("leave out units that are never treated; 0 is a period like any other"),
            );
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut by_unit = vec![None; index.units.len()];
        for (unit, start) in starts {
            if let Some(unit) = index.unit(unit) {
                by_unit[unit] = Some(*start);
            }
        }
        Treatment::built(name, panel, index, by_unit)
    }

    /// `indicator(COL)`: a 0/1 column, one number per row of the table (`column` where it stands in the file). Errors:
    /// `missing_value`, `not_binary`, `reverses`, and those of [`Treatment::check`].
    pub fn from_indicator(
        name: &str,
        keys: &Keys,
        index: &PanelIndex,
        (written, column, values): (&str, Option<usize>, &[f64]),
        reversal: Reversal,
    ) -> Result<Treatment, Vec<Fault>> {
        let indicator = Indicator { keys, index, written, column, values };
        let faults: Vec<Fault> = [indicator.lacking(), indicator.not_binary()].into_iter().flatten().collect();
        if !faults.is_empty() {
            return Err(faults);
        }
        let (starts, reversals) = indicator.starts();
        if reversal == Reversal::Refused
            && let Some(fault) = indicator.reverses(&reversals)
        {
            return Err(vec![fault]);
        }
        if reversals.is_empty() {
            return Treatment::built(name, keys.panel, index, starts);
        }
        let mut treatment = Treatment::empty(name, keys.panel, index);
        treatment.starts = starts;
        treatment.absorbing = false;
        treatment.treated = indicator.matrix();
        treatment.check().map_err(|f| vec![f])?;
        Ok(treatment)
    }

    fn empty(name: &str, panel: &str, index: &PanelIndex) -> Treatment {
        Treatment {
            name: name.to_string(),
            panel: panel.to_string(),
            units: index.units.clone(),
            periods: index.periods.clone(),
            starts: Vec::new(),
            after_sample: Vec::new(),
            treated: Vec::new(),
            absorbing: true,
        }
    }

    fn built(name: &str, panel: &str, index: &PanelIndex, starts: Vec<Option<i64>>) -> Result<Treatment, Vec<Fault>> {
        let mut treatment = Treatment::empty(name, panel, index);
        treatment.set_starts(starts);
        treatment.check().map_err(|f| vec![f])?;
        Ok(treatment)
    }

    /// An absorbing treatment from starts: D_it = 1{t ≥ g_i} (methods E.1).
    fn set_starts(&mut self, starts: Vec<Option<i64>>) {
        let last = self.periods.last().copied().unwrap_or(i64::MIN);
        self.after_sample =
            starts.iter().enumerate().filter_map(|(u, s)| s.filter(|s| *s > last).map(|s| (u, s))).collect();
        self.starts = starts.into_iter().map(|s| s.filter(|s| *s <= last)).collect();
        self.treated = self
            .periods
            .iter()
            .flat_map(|t| self.starts.iter().map(move |g| f64::from(u8::from(g.is_some_and(|g| *t >= g)))))
            .collect();
    }

    /// The treatment on fewer units and periods, e.g. those an estimate uses; units are matched by key.
    pub fn on(&self, index: &PanelIndex) -> Treatment {
        let mut out = Treatment::empty(&self.name, &self.panel, index);
        let from: Vec<Option<usize>> = index.units.iter().map(|u| self.units.binary_search(u).ok()).collect();
        if self.absorbing {
            let after: BTreeMap<usize, i64> = self.after_sample.iter().copied().collect();
            let start = |u: usize| self.starts[u].or_else(|| after.get(&u).copied());
            out.set_starts(from.iter().map(|u| u.and_then(start)).collect());
            return out;
        }
        out.absorbing = false;
        let n = self.units.len();
        for t in &index.periods {
            let t = self.periods.binary_search(t).ok();
            out.treated.extend(from.iter().map(|u| match (t, u) {
                (Some(t), Some(u)) => self.treated[t * n + u],
                _ => f64::NAN,
            }));
        }
        let first = |u: usize| (0..out.periods.len()).find(|t| out.treated[t * out.units.len() + u] == 1.0);
        out.starts = (0..out.units.len()).map(|u| first(u).map(|t| out.periods[t])).collect();
        out
    }

    /// Whether unit `unit` is treated in period number `period`.
    pub fn is_treated(&self, unit: usize, period: usize) -> bool {
        self.treated.get(period * self.units.len() + unit).is_some_and(|d| *d == 1.0)
    }

    fn first_period(&self) -> i64 {
        self.periods.first().copied().unwrap_or(0)
    }

    fn last_period(&self) -> i64 {
        self.periods.last().copied().unwrap_or(0)
    }

    /// Units treated at or before the first period, in key order.
    pub fn always(&self) -> Vec<usize> {
        let first = self.first_period();
        (0..self.units.len()).filter(|&u| self.starts[u].is_some_and(|g| g <= first)).collect()
    }

    /// Units that are not treated in any period, in key order; those that start after the last one are among them.
    pub fn never(&self) -> Vec<usize> {
        (0..self.units.len()).filter(|&u| self.starts[u].is_none()).collect()
    }

    /// Units by start after the first period, ascending.
    pub fn cohorts(&self) -> BTreeMap<i64, Vec<usize>> {
        let mut out: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for (u, start) in self.starts.iter().enumerate() {
            if let Some(g) = start.filter(|g| *g > self.first_period()) {
                out.entry(g).or_default().push(u);
            }
        }
        out
    }

    fn names(&self, units: &[usize]) -> String {
        ticked_list(&units.iter().map(|&u| self.units[u].as_str()).collect::<Vec<_>>())
    }

    /// Refuses what identifies nothing: `none_treated`, `no_untreated`.
    pub fn check(&self) -> Result<(), Fault> {
        let span = format!("{} to {}", self.first_period(), self.last_period());
        if !self.treated.contains(&1.0) {
            let years: Vec<i64> = self.after_sample.iter().map(|a| a.1).collect();
            let starts = match (years.iter().min(), years.iter().max()) {
                (Some(lo), Some(hi)) if lo == hi => format!("every start is in {lo}"),
                (Some(lo), Some(hi)) => format!("starts run from {lo} to {hi}"),
                _ => "no unit has a start".to_string(),
            };
            let message = format!("`{}` treats no unit of panel `{}` from {span}; {starts}", self.name, self.panel);
            return Err(Fault::error("durbin::treatment::none_treated", message)
                .help("starts are periods of the panel, in the numbers of its time column"));
        }
        if !self.treated.contains(&0.0) {
            let message =
                format!("`{}` treats every unit of panel `{}` in every period from {span}", self.name, self.panel);
            return Err(Fault::error("durbin::treatment::no_untreated", message).help(
                "an effect is a difference to untreated units or periods: add some, or begin the panel earlier",
            ));
        }
        Ok(())
    }

    /// What a reader should know, once per cause: `always_treated`, `no_never_treated`, `small_cohort`, `last_period_only`
    /// (warnings), `after_sample` (note).
    pub fn warnings(&self) -> Vec<Fault> {
        let mut out = Vec::new();
        let always = self.always();
        if !always.is_empty() {
            let message = format!(
                "{} of panel `{}` {} treated by `{}` from the first period on: {}",
                counted(always.len(), "unit", "units"),
                self.panel,
                if always.len() == 1 { "is" } else { "are" },
                self.name,
                self.names(&always)
            );
            out.push(Fault::warning("durbin::treatment::always_treated", message).help(
                "without a period before treatment they tell nothing of its effect; `att_gt`, `sun_abraham` and `imputation` leave them out",
            ));
        }
        if self.never().is_empty() {
            out.push(self.no_never_treated());
        }
        if self.absorbing {
            out.extend(self.small_cohorts());
            out.extend(self.last_period_alone());
        }
        out.extend(self.note_after_sample());
        out
    }

    fn no_never_treated(&self) -> Fault {
        let last = self.starts.iter().flatten().max().copied().unwrap_or(0);
        let cohort: Vec<usize> = (0..self.units.len()).filter(|&u| self.starts[u] == Some(last)).collect();
        let message = format!(
            "`{}` treats every unit of panel `{}` in the end, the last in {last}: {}",
            self.name,
            self.panel,
            self.names(&cohort)
        );
        Fault::warning("durbin::treatment::no_never_treated", message).help(
            "the effect is identified by units that are not yet treated; from the last start on there is no comparison",
        )
    }

    fn small_cohorts(&self) -> Option<Fault> {
        let cohorts = self.cohorts();
        let small: Vec<String> = cohorts
            .iter()
            .filter(|(_, units)| units.len() <= 2)
            .map(|(year, units)| format!("{year} ({})", self.names(units)))
            .collect();
        if small.is_empty() {
            return None;
        }
        let more = if small.len() > 5 { format!(" and {} more", small.len() - 5) } else { String::new() };
        let message = format!(
            "{} of `{}` {} one or two units: {}{more}",
            counted(small.len(), "cohort", "cohorts"),
            self.name,
            if small.len() == 1 { "has" } else { "have" },
            small[..small.len().min(5)].join(", ")
        );
        Some(
            Fault::warning("durbin::treatment::small_cohort", message)
                .help("effects and standard errors by cohort rest on these units alone"),
        )
    }

    /// Nobody starts before the last of several periods: one period says what the treatment did.
    fn last_period_alone(&self) -> Option<Fault> {
        let starts: Vec<i64> = self.starts.iter().flatten().copied().collect();
        let last = self.last_period();
        if self.periods.len() <= 2 || starts.iter().any(|start| *start != last) {
            return None;
        }
        let message = format!(
            "`{}` starts in {last} alone, the last of {} periods of panel `{}`: {}",
            self.name,
            self.periods.len(),
            self.panel,
            counted(starts.len(), "unit has one treated period", "units have one treated period each"),
        );
        Some(Fault::warning("durbin::treatment::last_period_only", message).help(
            "the effect rests on what happened in that period, and there is none over time; later periods tell more",
        ))
    }

    fn note_after_sample(&self) -> Option<Fault> {
        if self.after_sample.is_empty() {
            return None;
        }
        let mut years: Vec<i64> = self.after_sample.iter().map(|a| a.1).collect();
        years.sort_unstable();
        years.dedup();
        let shown: Vec<String> = years.iter().take(5).map(i64::to_string).collect();
        let more = if years.len() > 5 { format!(" and {} more", years.len() - 5) } else { String::new() };
        let message = format!(
            "{} of panel `{}` {} after {}, in {}{more}: they count as untreated throughout",
            counted(self.after_sample.len(), "unit", "units"),
            self.panel,
            if self.after_sample.len() == 1 { "starts" } else { "start" },
            self.last_period(),
            shown.join(", ")
        );
        Some(Fault::note("durbin::treatment::after_sample", message))
    }

    /// The roll-out.
    pub fn summary(&self) -> TreatmentSummary {
        let n = self.units.len();
        let treated_in = |t: usize| (0..n).filter(|&u| self.is_treated(u, t)).count();
        let cohort = |(time, units): (i64, Vec<usize>)| Cohort {
            time,
            units: units.len(),
            names: units.iter().map(|&u| self.units[u].clone()).collect(),
        };
        TreatmentSummary {
            panel: self.panel.clone(),
            units: n,
            never: self.never().len(),
            always: self.always().len(),
            starts: self.cohorts().into_iter().map(cohort).collect(),
            absorbing: self.absorbing,
            first_period: self.first_period(),
            last_period: self.last_period(),
            treated_by_period: (0..self.periods.len()).map(treated_in).collect(),
        }
    }
}

fn unknown_unit(panel: &str, index: &PanelIndex, unknown: &[&str]) -> Fault {
    let message = format!(
        "{} {} no unit of panel `{panel}`",
        crate::fault::quoted_list(unknown),
        if unknown.len() == 1 { "is" } else { "are" }
    );
    let units = || index.units.iter().map(String::as_str);
    let help = unknown.iter().take(5).find_map(|u| {
        let near = crate::data::similar::near(u, units())?;
        Some(format!("did you mean `{near}`?"))
    });
    let fault = Fault::error("durbin::treatment::unknown_unit", message);
    match help.or_else(|| crate::suggest::did_you_mean(unknown[0], units())) {
        Some(help) => fault.help(help),
        None => fault,
    }
}

#[cfg(test)]
mod tests;
