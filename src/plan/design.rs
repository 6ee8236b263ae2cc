//! A model's design: columns named and laid out unit fastest, weights struck, requirements looked at before anything
//! is estimated.

use super::columns::{Eval, number_at};
use super::panels::PanelData;
use super::sample::Sample;
use super::weights::sums_to_one;
use super::{MatrixUsed, ModelPlan, Planner, Reported, Step, faults};
use crate::check::spec::{ApproachSpec, Column, ColumnKind, ModelSpec, Term, WeightsUse};
use crate::data::balance::cells;
use crate::data::keys::PanelIndex;
use crate::data::series::{Series, Value};
use crate::estimators::{FixedEffects, Likelihood, Model, Problem, Regressor, TimeLag};
use crate::fault::{Fault, counted};
use crate::linalg::panel as kernels;
use crate::weights::Weights;
use crate::weights::periods::repeated;
use std::sync::Arc;

mod groups;
mod layout;

/// Periods below which the bias of a dynamic model is of note (methods C.7).
const SHORT: usize = 10;

/// Columns by name, and which term of a list each comes from.
pub(super) type TermColumns = (Vec<(String, Vec<f64>)>, Vec<usize>);

/// The columns of a sample, `N·T` each, unit fastest.
pub(super) struct Columns {
    pub outcome: Vec<f64>,
    pub terms: Vec<(String, Vec<f64>)>,
    /// Which term of the formula each column comes from.
    pub origin: Vec<usize>,
}

impl Planner<'_> {
    /// Everything of one model but its estimation.
    pub(super) fn model(&mut self, spec: &ModelSpec) -> Step<ModelPlan> {
        let panel = self.panels.get_mut(spec.panel).and_then(Option::take).ok_or(Reported)?;
        let plan = self.design(spec, &panel);
        self.panels[spec.panel] = Some(panel);
        plan
    }

    fn design(&mut self, spec: &ModelSpec, panel: &PanelData) -> Step<ModelPlan> {
        let place = spec.formula_place.0;
        let sample = self.sample(spec, panel)?;
        let index = panel.index.restrict(&sample.rows);
        let (n, t) = (index.units.len(), index.periods.len());
        let spatial = !spec.weights.is_empty() || spec.lag_weights.is_some() || spec.error_weights.is_some();
        if n < 2 {
            return Err(self.report(faults::too_few_units(&index), place));
        }
        if !sample.balanced && (spatial || !spec.time_lags.is_empty()) {
            return Err(self.report(faults::needs_balanced(&spec.query, &index), place));
        }
        let event_units = match &spec.events {
            Some(events) => self.event_times(events, &index)?,
            None => Vec::new(),
        };
        let fixed_effects = self.effects_removed(spec, n, t)?;
        let cells = cells(&index, &sample.rows);
        let mut columns = self.columns(spec, panel, &sample, &cells)?;
        let exposed_units = match &spec.events {
            Some(events) if events.exposures > 0 => self.exposure_times(events, &spec.weights, n, &columns.terms)?,
            _ => Vec::new(),
        };
        let means = self.random_effects(spec, &index, sample.balanced, &mut columns)?;
        let mut durbin_weights = self.matrices(&spec.weights, spec, panel, &sample)?;
        let first = durbin_weights.first().cloned();
        let mut one = |used: &Option<WeightsUse>| -> Step<Option<MatrixUsed>> {
            match used {
                Some(used) => Ok(self.matrices(std::slice::from_ref(used), spec, panel, &sample)?.pop()),
                None => Ok(first.clone()),
            }
        };
        let mut lag_weights = if spec.model.has_lag() { one(&spec.lag_weights)? } else { None };
        let mut error_weights = if spec.model.has_error() { one(&spec.error_weights)? } else { None };
        let all = || durbin_weights.iter().chain(&lag_weights).chain(&error_weights);
        if all().any(|m| m.weights.changes()) {
            let mut known = Vec::new();
            let all = durbin_weights.iter_mut().chain(&mut lag_weights).chain(&mut error_weights);
            all.for_each(|m| m.weights = in_every_period(&m.weights, t, &mut known));
        }
        let mut notes = Vec::new();
        let carriers: Vec<&MatrixUsed> = lag_weights.iter().chain(&error_weights).collect();
        let likelihood = self.likelihood(spec, fixed_effects, &carriers, &index, &mut notes)?;
        let approach = self.approach(spec, panel, &sample, &cells, &columns)?;
        let laid = self.layout(spec, panel, &sample, &index, &cells)?;
        let nobs = sample.rows.len() - laid.left_out.as_ref().map_or(0, |d| d.rows);
        self.requirements(spec, &index, &columns, fixed_effects, nobs)?;
        notes.extend(laid.notes);
        let estimated = estimated_beside(spec);
        self.warnings(spec, &index, &carriers);
        let time_lags = self.time_lags(spec, panel, &sample, fixed_effects, t, &columns)?;
        let lagged = |origin: usize| match &spec.durbin {
            Some(chosen) => chosen.contains(&origin),
            None => true,
        };
        let regressors = columns
            .terms
            .iter()
            .zip(&columns.origin)
            .map(|((_, values), &o)| Regressor { values: values.clone(), lagged: lagged(o) })
            .collect();
        let durbin = if spec.model.has_durbin() { durbin_weights } else { Vec::new() };
        // Groups of a split treatment are told apart as event times are.
        let is_split = matches!(spec.terms.first().map(|t| &t.value.kind), Some(ColumnKind::Split { .. }));
        let split = if is_split { columns.origin.iter().filter(|o| **o == 0).count() } else { 0 };
        let problem = Problem {
            model: spec.model,
            units: n,
            periods: t,
            outcome: columns.outcome,
            regressors,
            durbin_weights: durbin.iter().map(|m| m.weights.clone()).collect(),
            lag_weights: lag_weights.as_ref().map(|m| m.weights.clone()),
            error_weights: error_weights.as_ref().map(|m| m.weights.clone()),
            fixed_effects,
            approach,
            likelihood,
            variance: laid.variance,
            df_adjust: spec.df_adjust,
            time_lags,
            treatment: spec.treatment.map(|_| 0),
            events: spec.events.as_ref().map_or(split, |events| events.bins.len()),
            exposures: spec.events.as_ref().map_or(0, |events| events.exposures),
            present: (!sample.balanced).then(|| cells.iter().map(Option::is_some).collect()),
            layout: laid.layout,
        };
        let rank = self.enough_rows(&problem, nobs, spec)?;
        self.treated_controls(spec, &problem, &index.periods);
        if let (Some(why), 1..) = (estimated, rank) {
            notes.push(format!(
                "likelihood `direct`: {why}; {} estimated beside the slopes from {}, which leaves a bias of that order in \
                 rho and sigma2",
                counted(rank, "effect is", "effects are"),
                counted(nobs, "row", "rows")
            ));
        }
        Ok(ModelPlan {
            problem,
            terms: columns.terms.into_iter().map(|(name, _)| name).collect(),
            origin: columns.origin,
            means,
            units: index.units,
            periods: index.periods,
            nobs,
            variance_name: laid.variance_name,
            dropped: sample.dropped.into_iter().chain(laid.left_out).collect(),
            fixed_effects: effects_named(spec, fixed_effects),
            event_units,
            exposed_units,
            durbin_weights: durbin,
            lag_weights,
            error_weights,
            notes,
        })
    }

    /// Effects beyond units and periods have a rank of their own.
    /// Answers it; 0 where means of units and periods do.
    fn enough_rows(&mut self, problem: &Problem, nobs: usize, spec: &ModelSpec) -> Step<usize> {
        let place = spec.formula_place.0;
        let rank = match problem.absorber().and_then(|a| a.map(|a| a.rank()).transpose()) {
            Ok(rank) => rank.unwrap_or(0),
            Err(e) => {
                let fault = Fault::error("durbin::plan::memory", format!("the fixed effects are too many: {e}"));
                return Err(self.report(fault.help("interact coarser groups"), place));
            }
        };
        let lagged = problem.regressors.iter().filter(|r| r.lagged).count() * problem.durbin_weights.len();
        let parameters = rank + problem.regressors.len() + lagged;
        if problem.layout.has_more_effects() && parameters >= nobs {
            return Err(self.report(faults::too_few_rows(parameters, nobs), place));
        }
        Ok(rank)
    }

    fn effects_removed(&mut self, spec: &ModelSpec, n: usize, t: usize) -> Step<FixedEffects> {
        match spec.fixed_effects {
            None if t == 1 => Ok(FixedEffects::None),
            None => Ok(FixedEffects::Both),
            Some(FixedEffects::Unit | FixedEffects::Both) if t == 1 => {
                Err(self.report(faults::too_few_periods(n), spec.formula_place.0))
            }
            Some(effects) => Ok(effects),
        }
    }

    fn columns(
        &mut self,
        spec: &ModelSpec,
        panel: &PanelData,
        sample: &Sample,
        cells: &[Option<u32>],
    ) -> Step<Columns> {
        let kept = sample.kept.as_deref();
        let outcome = Eval::new(self, panel, kept).numbers(&spec.outcome)?;
        let outcome = laid_out(&outcome, cells);
        let (terms, origin) = self.term_columns(&spec.terms, spec, panel, sample, cells)?;
        Ok(Columns { outcome, terms, origin })
    }

    /// The columns of terms by name, and which term each comes from.
    pub(super) fn term_columns(
        &mut self,
        listed: &[Term],
        spec: &ModelSpec,
        panel: &PanelData,
        sample: &Sample,
        cells: &[Option<u32>],
    ) -> Step<TermColumns> {
        let kept = sample.kept.as_deref();
        let mut terms = Vec::new();
        let mut origin = Vec::new();
        for (number, term) in listed.iter().enumerate() {
            let column = &term.value;
            if let ColumnKind::Levels(inner) = &column.kind {
                let value = Eval::new(self, panel, kept).value(inner)?;
                for dummy in dummies(column, &value.spread(panel.table.rows()), cells) {
                    terms.push(dummy);
                    origin.push(number);
                }
                continue;
            }
            if let ColumnKind::Split { of, by } = &column.kind {
                let found = self.split(of, by, panel, kept, cells)?;
                origin.extend(found.iter().map(|_| number));
                terms.extend(found);
                continue;
            }
            let value = Eval::new(self, panel, kept).numbers(column)?;
            terms.push((column.text.clone(), laid_out(&value, cells)));
            origin.push(number);
        }
        if let Some((name, _)) = terms.iter().find(|(_, v)| cells.iter().zip(v).any(|(c, v)| c.is_some() && v.is_nan()))
        {
            let fault = faults::missing_lag(name);
            return Err(self.report(fault, spec.formula_place.0));
        }
        Ok((terms, origin))
    }

    fn matrices(
        &mut self,
        used: &[WeightsUse],
        spec: &ModelSpec,
        panel: &PanelData,
        sample: &Sample,
    ) -> Step<Vec<MatrixUsed>> {
        let mut out = Vec::new();
        for matrix in used {
            let cells = matrix.recipe.changes().then(|| cells_kept(panel, sample));
            let weights = self.build(matrix, panel, cells.as_deref().or(sample.kept.as_deref()))?;
            if weights.matrix.nnz() == 0 {
                let fault = faults::empty_matrix(&matrix.name);
                return Err(self.report(fault, spec.formula_place.0));
            }
            out.push(MatrixUsed { name: matrix.name.clone(), recipe: matrix.recipe.text.clone(), weights });
        }
        Ok(out)
    }

    /// The lags of the outcome with their matrices; few periods leave bias (methods C.7).
    fn time_lags(
        &mut self,
        spec: &ModelSpec,
        panel: &PanelData,
        sample: &Sample,
        fixed_effects: FixedEffects,
        periods: usize,
        columns: &Columns,
    ) -> Step<Vec<TimeLag>> {
        let mut out = Vec::new();
        for used in &spec.time_lags {
            let matrices = self.matrices(used.weights.as_slice(), spec, panel, sample)?;
            let weights = matrices.into_iter().next().map(|m| m.weights);
            if let Some(regressor) = columns.origin.iter().position(|o| *o == used.term) {
                out.push(TimeLag { regressor, weights });
            }
        }
        let removed = matches!(fixed_effects, FixedEffects::Unit | FixedEffects::Both);
        if !out.is_empty() && removed && periods < SHORT {
            self.report(faults::short_dynamic(periods), spec.formula_place.0);
        }
        Ok(out)
    }

    /// The row of methods C.3: as asked for, or `transform` where row sums allow it.
    fn likelihood(
        &mut self,
        spec: &ModelSpec,
        fixed_effects: FixedEffects,
        carriers: &[&MatrixUsed],
        index: &PanelIndex,
        notes: &mut Vec<String>,
    ) -> Step<Likelihood> {
        let period_effects = matches!(fixed_effects, FixedEffects::Time | FixedEffects::Both);
        let uneven = carriers.iter().find(|m| !sums_to_one(&m.weights)).filter(|_| period_effects);
        if estimated_beside(spec).is_some() {
            return Ok(Likelihood::Direct);
        }
        match (spec.likelihood, uneven) {
            (None, Some(matrix)) => {
                notes.push(format!(
                    "likelihood `partial`: {}, so that period effects cannot be transformed out",
                    faults::uneven_rows(matrix, &index.units)
                ));
                Ok(Likelihood::Partial)
            }
            (Some(Likelihood::Transform), Some(matrix)) => {
                Err(self.report(faults::row_sums(matrix, &index.units), spec.formula_place.0))
            }
            (Some(Likelihood::Partial), _) if !period_effects => {
                Err(self.report(faults::partial_without_periods(), spec.place.0))
            }
            (given, _) => Ok(given.unwrap_or(Likelihood::Transform)),
        }
    }

    /// What makes an estimate impossible.
    fn requirements(
        &mut self,
        spec: &ModelSpec,
        index: &PanelIndex,
        columns: &Columns,
        fixed_effects: FixedEffects,
        nobs: usize,
    ) -> Step<()> {
        let place = spec.formula_place.0;
        let (n, t) = (index.units.len(), index.periods.len());
        let effects = match fixed_effects {
            FixedEffects::None => 1,
            FixedEffects::Unit => n,
            FixedEffects::Time => t,
            FixedEffects::Both => n + t - 1,
        };
        let lagged = match (&spec.durbin, spec.model.has_durbin()) {
            (_, false) => 0,
            (None, true) => columns.terms.len(),
            (Some(chosen), true) => columns.origin.iter().filter(|o| chosen.contains(o)).count(),
        };
        let spatial = usize::from(spec.model.has_lag()) + usize::from(spec.model.has_error());
        let parameters = effects + columns.terms.len() + lagged * spec.weights.len() + spatial;
        if parameters >= nobs {
            return Err(self.report(faults::too_few_rows(parameters, nobs), place));
        }
        let outcome = &columns.outcome;
        let present = || outcome.iter().copied().filter(|v| !v.is_nan());
        let (least, most) = (present().fold(f64::INFINITY, f64::min), present().fold(f64::NEG_INFINITY, f64::max));
        if least == most {
            return Err(self.report(faults::constant_outcome(&spec.outcome.text, least, None), place));
        }
        if nobs == n * t && fixed_effects != FixedEffects::None {
            let mut within = outcome.clone();
            let which = match fixed_effects {
                FixedEffects::Unit => "unit",
                FixedEffects::Time => "time",
                FixedEffects::Both | FixedEffects::None => "unit and time",
            };
            match fixed_effects {
                FixedEffects::Unit => kernels::demean_unit(&mut within, n, t),
                FixedEffects::Time => kernels::demean_time(&mut within, n, t),
                FixedEffects::Both | FixedEffects::None => kernels::demean_both(&mut within, n, t),
            }
            let size = |v: &[f64]| v.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
            if size(&within) <= 1e-11 * size(outcome) {
                return Err(self.report(faults::constant_outcome(&spec.outcome.text, least, Some(which)), place));
            }
        }
        Ok(())
    }

    /// What makes an estimate doubtful.
    fn warnings(&mut self, spec: &ModelSpec, index: &PanelIndex, carriers: &[&MatrixUsed]) {
        if spec.model == Model::Gns {
            self.report(faults::weakly_identified(), spec.place.0);
        }
        if !spec.model.has_lag() {
            return;
        }
        let n = index.units.len();
        for matrix in carriers.iter().filter(|m| !m.weights.changes()) {
            let share = matrix.weights.matrix.nnz() as f64 / (n * (n - 1)) as f64;
            if share > 1.0 / 3.0 && n > 3 {
                self.report(faults::dense(&matrix.name, share), spec.formula_place.0);
            }
        }
    }
}

/// Why effects are estimated beside the slopes of a likelihood: none of the transformations of methods C.3 takes them out.
fn estimated_beside(spec: &ModelSpec) -> Option<String> {
    if !(spec.model.has_lag() || spec.model.has_error()) || spec.approach != ApproachSpec::Likelihood {
        return None;
    }
    match spec.changing() {
        Some(matrix) => Some(format!("`{}` changes over time and does not commute with effects", matrix.name)),
        None if spec.has_more_effects() => Some("effects of groups and trends are not transformed out".to_string()),
        None => None,
    }
}

/// The units in the periods of a sample, which is balanced.
pub(super) fn cells_kept(panel: &PanelData, sample: &Sample) -> Vec<bool> {
    let n = panel.index.units.len();
    let mut out = vec![false; n * panel.index.periods.len()];
    for &row in &sample.rows {
        if let Some((unit, period)) = panel.index.cell(row as usize) {
            out[period * n + unit] = true;
        }
    }
    out
}

/// A matrix with a block for each period; one that stays the same is repeated once.
fn in_every_period(w: &Arc<Weights>, periods: usize, known: &mut Vec<(Arc<Weights>, Arc<Weights>)>) -> Arc<Weights> {
    if w.changes() {
        return w.clone();
    }
    if let Some((_, made)) = known.iter().find(|(of, _)| Arc::ptr_eq(of, w)) {
        return made.clone();
    }
    let made = Arc::new(repeated(w, periods));
    known.push((w.clone(), made.clone()));
    made
}

/// The sets of effects as the program names them.
fn effects_named(spec: &ModelSpec, fixed_effects: FixedEffects) -> Vec<String> {
    let mut names: Vec<String> = spec.effects.iter().map(|e| e.text.clone()).collect();
    if names.is_empty() {
        let words: &[&str] = match fixed_effects {
            FixedEffects::None => &[],
            FixedEffects::Unit => &["unit"],
            FixedEffects::Time => &["time"],
            FixedEffects::Both => &["unit", "time"],
        };
        names.extend(words.iter().map(|w| w.to_string()));
    }
    if spec.trends {
        names.push("unit trends".to_string());
    }
    names
}

/// Values at the cells of a sample; NaN at gaps.
fn laid_out(value: &Value, cells: &[Option<u32>]) -> Vec<f64> {
    cells.iter().map(|c| c.map_or(f64::NAN, |row| number_at(value, row as usize))).collect()
}

/// One 0/1 column per level of the sample but the first; levels in order.
fn dummies(column: &Column, values: &Series, cells: &[Option<u32>]) -> Vec<(String, Vec<f64>)> {
    let ColumnKind::Levels(inner) = &column.kind else { return Vec::new() };
    let level = |row: usize| -> Option<(f64, String)> {
        match values {
            Series::Numbers(v) => v.get(row).filter(|x| !x.is_nan()).map(|x| (*x, x.to_string())),
            Series::Texts(t) => t.get(row).map(|s| (0.0, s.to_string())),
            Series::Bools(b) => b.get(row).copied().flatten().map(|b| (f64::from(u8::from(b)), b.to_string())),
        }
    };
    let here: Vec<Option<(f64, String)>> = cells.iter().map(|c| c.and_then(|row| level(row as usize))).collect();
    let mut levels: Vec<(f64, String)> = here.iter().flatten().cloned().collect();
    levels.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
    levels.dedup_by(|a, b| a.1 == b.1);
    levels
        .iter()
        .skip(1)
        .map(|l| {
            let values =
                here.iter().map(|h| h.as_ref().map_or(f64::NAN, |h| f64::from(u8::from(h.1 == l.1)))).collect();
            (format!("i({})[{}]", inner.text, l.1), values)
        })
        .collect()
}
