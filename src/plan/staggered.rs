//! Designs for staggered treatments before anything is estimated: the sample laid out, who starts and who is exposed
//! when, and what identifies nothing refused.

use super::{ModelPlan, Planner, Reported, Step};
use crate::check::spec::{ControlUse, ModelSpec, StaggeredKind, StaggeredSpec};
use crate::designs::staggered::{Sample, Versus, bacon, exposed_from, exposed_weight};
use crate::estimators::{FixedEffects, Problem};
use crate::fault::{Fault, counted, ticked_all, ticked_list};
use std::sync::Arc;

/// The weight of comparisons with treated units that is worth a warning.
const LEAST_WEIGHT: f64 = 0.01;

/// The sample of a design.
#[derive(Clone, Debug)]
pub struct StaggeredPlan {
    /// Never estimated.
    pub model: Arc<ModelPlan>,
    pub sample: Sample,
    /// The matrices of exposure by name.
    pub matrices: Vec<String>,
    pub treatment: String,
}

impl Planner<'_> {
    /// What a design needs.
    pub(super) fn staggered_design(&mut self, spec: &StaggeredSpec) -> Step<StaggeredPlan> {
        let plan = self.staggered_sample(spec)?;
        if let Some(fault) = self.unidentified(spec, &plan) {
            return Err(self.report(fault, spec.place.0));
        }
        if spec.kind == StaggeredKind::Bacon && !plan.matrices.is_empty() {
            self.exposed_controls(spec, &plan);
        }
        Ok(plan)
    }

    /// Untreated units with a treated neighbor are controls of a two-way estimate: their weight.
    fn exposed_controls(&mut self, spec: &StaggeredSpec, plan: &StaggeredPlan) {
        let Ok((weight, cells @ 1..)) = exposed_weight(&plan.sample) else { return };
        let message = format!(
            "{} with a treated neighbor by {} {} among the controls of the two-way estimate, with weight {weight:.3}: a \
             spillover of s on each adds {weight:.3} s to it",
            counted(cells, "untreated unit-period", "untreated unit-periods"),
            ticked_all(&plan.matrices),
            if cells == 1 { "is" } else { "are" }
        );
        let fault = Fault::warning("durbin::treatment::exposed_controls", message)
            .help("`imputation` and `att_gt` with the same matrix compare with units that are not exposed");
        self.report(fault, spec.place.0);
    }

    /// Units that are treated already are controls of a two-way difference-in-differences: their weight.
    pub(super) fn treated_controls(&mut self, spec: &ModelSpec, problem: &Problem, periods: &[i64]) {
        let two_way = problem.fixed_effects == FixedEffects::Both && !problem.layout.has_more_effects();
        let Some(treated) = problem.treatment.and_then(|k| problem.regressors.get(k)) else { return };
        if spec.query != "did" || !two_way || problem.present.is_some() {
            return;
        }
        let n = problem.units;
        let start =
            |i: usize| periods.iter().enumerate().find(|(t, _)| treated.values[t * n + i] > 0.5).map(|(_, p)| *p);
        let sample = Sample {
            units: n,
            periods: periods.to_vec(),
            outcome: problem.outcome.clone(),
            covariates: Vec::new(),
            present: None,
            starts: (0..n).map(start).collect(),
            exposed: Vec::new(),
            clusters: Vec::new(),
        };
        let reverses =
            (0..n).any(|i| (1..periods.len()).any(|t| treated.values[t * n + i] < treated.values[(t - 1) * n + i]));
        let Ok(found) = bacon(&sample) else { return };
        let already = found.comparisons.iter().filter(|c| matches!(c.versus, Versus::Earlier | Versus::Always));
        let weight: f64 = already.map(|c| c.weight).sum();
        if reverses || weight < LEAST_WEIGHT {
            return;
        }
        let name = &spec.terms[0].value.text;
        let message = format!(
            "{:.1} % of the two-way estimate of `{name}` compares units that start with units that are treated already{}",
            100.0 * weight,
            if spec.terms.len() > 1 { " (its covariates left aside)" } else { "" }
        );
        let fault = Fault::warning("durbin::treatment::treated_controls", message).help(format!(
            "`bacon({} ~ {name})` lists the comparisons; `att_gt`, `sun_abraham` and `imputation` compare with untreated \
             units alone",
            spec.outcome.text
        ));
        self.report(fault, spec.formula_place.0);
    }

    fn staggered_sample(&mut self, spec: &StaggeredSpec) -> Step<StaggeredPlan> {
        let place = spec.place.0;
        let number = spec.sample.treatment.ok_or(Reported)?;
        let treatment = self.treatments.get(number).cloned().flatten().ok_or(Reported)?;
        if !treatment.absorbing {
            let message = format!("`{}` may end: `{}` counts time since a start", treatment.name, spec.query);
            let fault = Fault::error("durbin::plan::needs_absorbing", message)
                .help("the treatment has to stay on: `starts(COLUMN)`, or `indicator(COLUMN)` without `reversible`");
            return Err(self.report(fault, place));
        }
        let model = self.model(&spec.sample)?;
        let needs_all =
            matches!(spec.kind, StaggeredKind::GroupTime { .. } | StaggeredKind::Bacon | StaggeredKind::Matched { .. });
        let problem = &model.problem;
        if needs_all && let Some(present) = &problem.present {
            let gap = present.iter().position(|p| !p).unwrap_or(0);
            let (unit, period) = (&model.units[gap % problem.units], model.periods[gap / problem.units]);
            let message = format!("`{}` needs a balanced panel, and \"{unit}\" has no row in {period}", spec.query);
            let fault = Fault::error("durbin::plan::needs_balanced", message)
                .help("`balance drop` leaves units with gaps out; `imputation` and `sun_abraham` take gaps");
            return Err(self.report(fault, place));
        }
        let last = model.periods.last().copied().unwrap_or(i64::MAX);
        let start = |unit: &String| {
            let at = treatment.units.binary_search(unit).ok()?;
            treatment.starts[at].filter(|g| *g <= last)
        };
        let starts: Vec<Option<i64>> = model.units.iter().map(start).collect();
        let exposed = model.durbin_weights.iter().map(|m| exposed_from(&m.weights.matrix, &starts)).collect();
        let clusters = self.clusters_of(spec, &model)?;
        let sample = Sample {
            units: problem.units,
            periods: model.periods.clone(),
            outcome: problem.outcome.clone(),
            covariates: problem.regressors.iter().skip(1).map(|r| r.values.clone()).collect(),
            present: problem.present.clone(),
            starts,
            exposed,
            clusters,
        };
        let matrices = model.durbin_weights.iter().map(|m| m.name.clone()).collect();
        Ok(StaggeredPlan { model: Arc::new(model), sample, matrices, treatment: treatment.name })
    }

    /// The cluster of each unit: its own, or that of a column which must not cut units.
    fn clusters_of(&mut self, spec: &StaggeredSpec, model: &ModelPlan) -> Step<Vec<u32>> {
        let (n, codes) = (model.problem.units, &model.problem.layout.clusters);
        let Some(column) = spec.sample.cluster.as_ref().filter(|_| !codes.is_empty()) else {
            return Ok((0..n as u32).collect());
        };
        let there = |r: usize| model.problem.present.as_ref().is_none_or(|p| p[r]);
        let mut out = vec![None; n];
        for (r, code) in codes.iter().enumerate().filter(|(r, _)| there(*r)) {
            let known = *out[r % n].get_or_insert(*code);
            if known != *code {
                let unit = &model.units[r % n];
                let message = format!(
                    "`{}` clusters units, and \"{unit}\" has more than one value of `{}`",
                    spec.sample.variance_name, column.text
                );
                let fault = Fault::error("durbin::treatment::cluster_varies", message)
                    .help("cluster by a column that is constant within units, or by `unit`");
                return Err(self.report(fault, spec.place.0));
            }
        }
        Ok(out.into_iter().map(|c| c.unwrap_or(0)).collect())
    }

    /// Why a roll-out identifies nothing that the design asks for.
    fn unidentified(&self, spec: &StaggeredSpec, plan: &StaggeredPlan) -> Option<Fault> {
        let sample = &plan.sample;
        let (first, last) = (*sample.periods.first()?, *sample.periods.last()?);
        let treatment = &plan.treatment;
        let treated: Vec<usize> = (0..sample.units).filter(|&i| sample.starts[i].is_some()).collect();
        if treated.is_empty() {
            let message = format!("`{treatment}` treats no unit of the sample from {first} to {last}");
            return Some(
                Fault::error("durbin::treatment::none_treated", message)
                    .help("starts are periods of the sample: look at `where:` and at what was left out"),
            );
        }
        if spec.kind == StaggeredKind::Bacon {
            return None;
        }
        if let [only] = treated[..] {
            let message = format!(
                "`{treatment}` treats one unit, {}: one unit has no standard error, for nothing tells its effect from \
                 its own shocks",
                ticked_list(&[&plan.model.units[only]])
            );
            return Some(
                Fault::error("durbin::plan::one_treated", message)
                    .help("`placebo` compares its estimate with those of untreated units"),
            );
        }
        let is_matched = matches!(spec.kind, StaggeredKind::Matched { .. });
        if !is_matched && treated.iter().all(|&i| sample.starts[i].is_some_and(|g| g >= last)) {
            let message = format!(
                "`{treatment}` starts in {last} alone, the last period of the sample ({}): there is one period after \
                 the start, and no effect over time",
                counted(treated.len(), "unit", "units")
            );
            return Some(
                Fault::error("durbin::treatment::last_period_only", message)
                    .help("with one period after one start `did` is the comparison there is; later periods tell more"),
            );
        }
        self.no_controls(spec, plan)
    }

    /// Nobody, or no cell, that is neither treated nor exposed.
    fn no_controls(&self, spec: &StaggeredSpec, plan: &StaggeredPlan) -> Option<Fault> {
        let sample = &plan.sample;
        let treatment = &plan.treatment;
        let never = sample.starts.iter().filter(|s| s.is_none()).count();
        let clean = sample.never_dirty().len();
        let control = match spec.kind {
            StaggeredKind::GroupTime { control, .. } | StaggeredKind::SunAbraham { control } => Some(control),
            StaggeredKind::Matched { .. } => Some(ControlUse::Never),
            _ => None,
        };
        let exposure = plan.matrices.join("`, `");
        if clean > 0 {
            return None;
        }
        if never > 0 {
            let everywhere = control == Some(ControlUse::Never) || no_clean_before(sample);
            let message = format!(
                "every one of the {never} units that `{treatment}` never treats has a treated neighbor by `{exposure}`: \
                 no unit stays neither treated nor exposed"
            );
            let help = match control {
                Some(ControlUse::Never) if spec.query == "att_gt" => {
                    "take a matrix with fewer neighbors, or `control: not_yet`, which compares with units before they are \
                     exposed"
                }
                _ => "take a matrix with fewer neighbors, or `exposure: none` if nothing spills over",
            };
            return everywhere.then(|| Fault::error("durbin::treatment::no_clean_controls", message).help(help));
        }
        if control != Some(ControlUse::Never) {
            return None;
        }
        let latest = sample.starts.iter().flatten().max()?;
        let cohort: Vec<&String> =
            (0..sample.units).filter(|&i| sample.starts[i] == Some(*latest)).map(|i| &plan.model.units[i]).collect();
        let message = format!(
            "`{treatment}` treats every unit in the end, the last in {latest}: {}; `{}` compares with units that are \
             never treated",
            ticked_all(&cohort.iter().take(5).collect::<Vec<_>>()),
            spec.query
        );
        let help = match spec.query.as_str() {
            "att_gt" => "`control: not_yet` compares with units that are not yet treated",
            "psm_did" => {
                "add units that are never treated; `att_gt` with `control: not_yet` compares with those not yet treated"
            }
            _ => "`control: last` compares with the last ones before they start",
        };
        Some(Fault::error("durbin::treatment::no_never_treated", message).help(help))
    }
}

/// Whether units are dirty from the first period on, all of them.
fn no_clean_before(sample: &Sample) -> bool {
    let first = sample.periods.first().copied().unwrap_or(i64::MAX);
    (0..sample.units).all(|i| sample.dirty_from(i).is_some_and(|c| c <= first))
}
