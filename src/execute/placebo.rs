//! Placebos: the model again where no treatment was, and without parts of what was treated (methods E.9).

use super::fit::{Tails, fit};
use super::{Run, remarks};
use crate::check::spec::{Aspect, Column, DesignSpec, ModelSpec, PlaceboSpec};
use crate::designs::assignment::Assignment;
use crate::designs::early::{NoRoom, early};
use crate::designs::placebo::{Quantities, p_value, quantities, replicate};
use crate::estimators::{Approach, EstimateError, Estimated, Measured, estimate_with};
use crate::fault::{Fault, counted};
use crate::outcome::designs::Design;
use crate::outcome::placebo::{
    Actual, Draw, Drawn, FakeTiming, LeaveOneOut, Parts, Placebo, Range, Start, WithoutGroup,
};
use crate::outcome::{Dropped, Estimate, Impact};
use crate::plan::ModelPlan;
use crate::plan::placebo::Prepared;
use rayon::prelude::*;
use std::sync::Arc;

/// Shares whose quantiles are told.
const SHARES: [f64; 7] = [0.025, 0.05, 0.25, 0.5, 0.75, 0.95, 0.975];

impl Run<'_> {
    pub(super) fn prepared(&self, design: &DesignSpec) -> Result<&Prepared, Fault> {
        let found = self.designs.iter().find(|(known, _)| known == design).map(|(_, p)| p);
        found.ok_or_else(|| super::designs::bug("a design was not prepared"))
    }

    /// `placebo(m)`
    pub(super) fn placebo(&self, design: &DesignSpec, asked: &PlaceboSpec) -> Result<Design, Fault> {
        let Prepared::Assignments { from, groups } = self.prepared(design)? else {
            return Err(super::designs::bug("a placebo has no assignments"));
        };
        let fitted = self.fitted(asked.model)?;
        let (plan, spec) = (&fitted.plan, &self.spec.models[asked.model]);
        let seed = self.spec.settings.seed;
        let found = replicate(&plan.problem, 0, from, (asked.reps, seed), self.shown.shared, self.interrupt)
            .map_err(|e| refused(spec, plan, &e))?;
        let Some(actual) = quantities(&plan.problem, 0, &fitted.estimated) else {
            return Err(super::designs::bug("a treatment has no effect"));
        };
        let used: Vec<Quantities> = found.into_iter().flatten().collect();
        if used.is_empty() {
            let message = format!("none of {} has an estimate", counted(asked.reps, "assignment", "assignments"));
            return Err(Fault::error("durbin::estimate::no_statistic", message).help(match from {
                Assignment::Corridors { .. } => "corridors this large find no other place: use `permute: torus`",
                _ => "look at the model with a simpler formula",
            }));
        }
        let tails = Tails::new(fitted.estimated.reference, spec.level);
        let draws: Vec<Draw> = used.iter().map(|q| draw(&tails, q)).collect();
        let actual = as_actual(&tails, &actual);
        let of = |aspect: &dyn Fn(&Parts<Drawn>) -> Drawn, actual: &Estimate| {
            p_value(actual.statistic, draws.iter().map(|d| aspect(&d.effects).statistic))
        };
        let effects = &actual.effects;
        let p_values = Parts {
            direct: of(&|e| e.direct, &effects.direct),
            indirect: of(&|e| e.indirect, &effects.indirect),
            total: of(&|e| e.total, &effects.total),
        };
        let alpha = 1.0 - spec.level;
        let rejected = |aspect: &dyn Fn(&Parts<Drawn>) -> Drawn| {
            let p: Vec<f64> = draws.iter().map(|d| aspect(&d.effects).p).filter(|p| p.is_finite()).collect();
            p.iter().filter(|p| **p < alpha).count() as f64 / p.len() as f64
        };
        let spread = |aspect: &dyn Fn(&Parts<Drawn>) -> Drawn| {
            let mut values: Vec<f64> =
                draws.iter().map(|d| aspect(&d.effects).estimate).filter(|x| x.is_finite()).collect();
            values.sort_by(f64::total_cmp);
            SHARES.iter().map(|share| quantile(&values, *share)).collect::<Vec<f64>>()
        };
        Ok(Design::Placebo(Box::new(Placebo {
            model: asked.of.clone(),
            treatment: plan.terms.first().cloned().unwrap_or_default(),
            permute: asked.scheme.word().to_string(),
            by: asked.scheme.by().map(|by| by.text.clone()),
            groups: *groups,
            reps: asked.reps,
            discarded: asked.reps - draws.len(),
            possible: possible(from, plan),
            seed,
            level: spec.level,
            statistic: asked.statistic.word().to_string(),
            p: match asked.statistic {
                Aspect::Direct => p_values.direct,
                Aspect::Indirect => p_values.indirect,
                Aspect::Total => p_values.total,
            },
            p_values,
            rejections: Parts {
                direct: rejected(&|e| e.direct),
                indirect: rejected(&|e| e.indirect),
                total: rejected(&|e| e.total),
            },
            shares: SHARES.to_vec(),
            quantiles: Parts {
                direct: spread(&|e| e.direct),
                indirect: spread(&|e| e.indirect),
                total: spread(&|e| e.total),
            },
            actual,
            draws,
            spatial: fitted.fit.model != "ols",
            made_from: crate::report::designs::made_from(&asked.of, &fitted.fit),
        })))
    }

    /// `fake_timing(m, shift: 3)`
    pub(super) fn fake_timing(&self, of: &str, model: usize, shift: usize) -> Result<Design, Fault> {
        let fitted = self.fitted(model)?;
        settled("fake_timing", &fitted.plan)?;
        let spec = &self.spec.models[model];
        let moved = early(&fitted.plan.problem, 0, shift).map_err(|why| no_room(why, shift, &fitted.plan))?;
        let left_out = fitted.plan.nobs - moved.cells.min(fitted.plan.nobs);
        let mut plan = ModelPlan {
            problem: moved.problem,
            periods: fitted.plan.periods[..moved.periods].to_vec(),
            nobs: moved.cells,
            ..(*fitted.plan).clone()
        };
        let (reason, detail) = ("treated or exposed".to_string(), Some(format!("starts {shift} periods earlier")));
        plan.dropped.push(Dropped { reason, rows: left_out, units: None, detail });
        let estimated = self.again(spec, &plan)?;
        let fit = fit(spec, &self.spec.panels[spec.panel].name, &plan, &estimated);
        let Some(effect) = fit.effects.first().cloned() else { return Err(super::designs::bug("no effect")) };
        let at = |p: usize| plan.periods.get(p).copied().unwrap_or(0);
        Ok(Design::FakeTiming(Box::new(FakeTiming {
            model: of.to_string(),
            treatment: effect.term.clone(),
            shift,
            starts: moved.starts.iter().map(|&(p, units)| Start { time: at(p), units }).collect(),
            first_period: fit.first_period,
            last_period: fit.last_period,
            cells: moved.cells,
            treated_cells: moved.treated,
            left_out,
            direct: effect.direct,
            indirect: effect.indirect,
            total: effect.total,
            fit: Box::new(fit),
        })))
    }

    /// `leave_one_out(m, by: corridor)`
    pub(super) fn leave_one_out(
        &self,
        design: &DesignSpec,
        of: &str,
        model: usize,
        by: &Column,
    ) -> Result<Design, Fault> {
        let Prepared::Without(left) = self.prepared(design)? else {
            return Err(super::designs::bug("a design has no groups"));
        };
        let fitted = self.fitted(model)?;
        let spec = &self.spec.models[model];
        self.interrupt.begin("models without a group");
        let found: Vec<Result<(Estimated, Arc<ModelPlan>), Fault>> = left
            .par_iter()
            .map(|one| {
                let estimated = self.again(spec, &one.plan).map_err(|f| {
                    let message = format!("without `{}` = {}: {}", by.text, one.group, f.message);
                    Fault { message, ..f }
                })?;
                Ok((estimated, one.plan.clone()))
            })
            .collect();
        let actual_of = |plan: &ModelPlan, e: &Estimated| {
            let tails = Tails::new(e.reference, spec.level);
            quantities(&plan.problem, 0, e).map(|q| as_actual(&tails, &q))
        };
        let mut groups = Vec::new();
        for (one, found) in left.iter().zip(found) {
            let (estimated, plan) = found?;
            let fit = fit(spec, &self.spec.panels[spec.panel].name, &plan, &estimated);
            let (Some(actual), Some(policy)) = (actual_of(&plan, &estimated), &fit.policy_effects) else {
                return Err(super::designs::bug("a model without a group has no effects"));
            };
            groups.push(WithoutGroup {
                group: one.group.clone(),
                units: one.units.clone(),
                actual,
                direct_on_treated: policy.direct_on_treated.clone(),
                indirect_on_untreated: policy.indirect_on_untreated.clone(),
                fit: Box::new(fit),
            });
        }
        let (Some(actual), Some(policy)) = (actual_of(&fitted.plan, &fitted.estimated), &fitted.fit.policy_effects)
        else {
            return Err(super::designs::bug("a treatment has no effect"));
        };
        let range = |of: &dyn Fn(&WithoutGroup) -> f64| {
            let values = groups.iter().map(of);
            values.fold([f64::INFINITY, f64::NEG_INFINITY], |[lo, hi], x| [lo.min(x), hi.max(x)])
        };
        let range = Range {
            coefficient: range(&|g| g.actual.coefficient.estimate),
            direct: range(&|g| g.actual.effects.direct.estimate),
            indirect: range(&|g| g.actual.effects.indirect.estimate),
            total: range(&|g| g.actual.effects.total.estimate),
            direct_on_treated: range(&|g| g.direct_on_treated.estimate),
        };
        Ok(Design::LeaveOneOut(Box::new(LeaveOneOut {
            model: of.to_string(),
            treatment: fitted.plan.terms.first().cloned().unwrap_or_default(),
            by: by.text.clone(),
            level: spec.level,
            actual,
            direct_on_treated: policy.direct_on_treated.clone(),
            groups,
            range,
            spatial: fitted.fit.model != "ols",
            made_from: crate::report::designs::made_from(of, &fitted.fit),
        })))
    }

    /// A derived problem estimated with what the run knows of its matrices.
    pub(super) fn again(&self, spec: &ModelSpec, plan: &ModelPlan) -> Result<Estimated, Fault> {
        estimate_with(&plan.problem, self.shown.shared, None, self.interrupt).map_err(|e| refused(spec, plan, &e))
    }
}

/// Matrices that change over time stack periods, and random effects are no part of a process drawn here.
pub(super) fn settled(what: &str, plan: &ModelPlan) -> Result<(), Fault> {
    let kind = match (plan.problem.weights_change(), &plan.problem.approach) {
        (true, _) => "weights that change over time",
        (_, Approach::Random(_)) => "random effects",
        _ => return Ok(()),
    };
    let message = format!("`{what}` of a model with {kind} is not available in this version");
    Err(Fault::error("durbin::check::not_available", message)
        .help("`docs/limitations.md` lists what this version executes"))
}

fn refused(spec: &ModelSpec, plan: &ModelPlan, error: &EstimateError) -> Fault {
    if let EstimateError::RankDeficient { columns } = error
        && let Some(fault) = super::collinear::faults(spec, plan, columns).into_iter().next()
    {
        return fault;
    }
    remarks::refusal(spec, plan, error)
}

fn drawn(tails: &Tails, m: &Measured) -> Drawn {
    let e = tails.measured(*m);
    Drawn { estimate: e.estimate, statistic: e.statistic, p: e.p }
}

fn draw(tails: &Tails, [coefficient, direct, indirect, total]: &Quantities) -> Draw {
    let effects = Parts { direct: drawn(tails, direct), indirect: drawn(tails, indirect), total: drawn(tails, total) };
    Draw { coefficient: drawn(tails, coefficient), effects }
}

fn as_actual(tails: &Tails, [coefficient, direct, indirect, total]: &Quantities) -> Actual {
    let [coefficient, direct, indirect, total] = [coefficient, direct, indirect, total].map(|m| tails.measured(*m));
    Actual { coefficient, effects: Impact { direct, indirect, total } }
}

/// Of sorted values, interpolated linearly (R type 7).
fn quantile(sorted: &[f64], share: f64) -> f64 {
    if sorted.is_empty() {
        return f64::NAN;
    }
    let place = share * (sorted.len() - 1) as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
}

/// How many different assignments shuffling can give: the orders of its units or clusters over those of equal courses.
fn possible(from: &Assignment, plan: &ModelPlan) -> Option<f64> {
    let representatives: Vec<usize> = match from {
        Assignment::Units { units } => (0..*units).collect(),
        Assignment::Clusters { cluster, clusters } => {
            (0..*clusters).filter_map(|c| cluster.iter().position(|x| *x == c)).collect()
        }
        Assignment::Corridors { .. } | Assignment::Torus { .. } => return None,
    };
    let problem = &plan.problem;
    let course = |i: usize| -> Vec<bool> {
        (0..problem.periods).map(|t| problem.regressors[0].values[t * problem.units + i] > 0.5).collect()
    };
    let mut courses: Vec<Vec<bool>> = representatives.into_iter().map(course).collect();
    courses.sort();
    let log_factorial = |n: usize| (2..=n).map(|k| (k as f64).ln()).sum::<f64>();
    let equal = courses.chunk_by(|a, b| a == b).map(|c| log_factorial(c.len())).sum::<f64>();
    Some((log_factorial(courses.len()) - equal).exp())
}

fn no_room(why: NoRoom, shift: usize, plan: &ModelPlan) -> Fault {
    let treatment = plan.terms.first().map_or("", String::as_str);
    let first = plan.periods.first().copied().unwrap_or(0);
    let (message, help) = match why {
        NoRoom::Periods(0) => (
            format!("a unit is treated by `{treatment}` from {first} on: there is no period before treatment"),
            "leave units that are always treated out with `where:`".to_string(),
        ),
        NoRoom::Periods(_) => (
            format!("one period, {first}, comes before the first start of `{treatment}`: earlier starts need two"),
            "leave the earliest cohort out with `where:`".to_string(),
        ),
        NoRoom::Starts(before) => (
            format!(
                "starts {} earlier leave no unit that is first untreated and then treated before {}",
                counted(shift, "period", "periods"),
                plan.periods.get(before).copied().unwrap_or(first)
            ),
            format!("{} before the first start: move starts by fewer", counted(before, "period comes", "periods come")),
        ),
    };
    Fault::error("durbin::plan::too_few_periods", message).help(help)
}
