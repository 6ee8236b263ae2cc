//! Effects group by group (methods E.8), and exposure on treated and untreated units apart (D.4).

use super::fit::{Tails, fit};
use super::testing::{finding, p_value};
use super::{Fitted, Run};
use crate::check::spec::{Column, DesignSpec};
use crate::designs::exposure::exposed;
use crate::estimators::{Estimated, Problem, Reference};
use crate::fault::Fault;
use crate::inference::wald::wald;
use crate::outcome::designs::Design;
use crate::outcome::groups::{ByGroup, GroupEffects, SplitExposure};
use crate::outcome::testing::{Distribution, Finding};
use crate::outcome::{Effect, Impact};
use crate::plan::ModelPlan;
use crate::plan::groups::Group;
use crate::plan::placebo::Prepared;
use rayon::prelude::*;

impl Run<'_> {
    /// `by_group(m, region)`
    pub(super) fn by_group(
        &self,
        design: &DesignSpec,
        (of, model): (&str, usize),
        by: &Column,
        split: bool,
    ) -> Result<Design, Fault> {
        let Prepared::Groups(groups) = self.prepared(design)? else {
            return Err(super::designs::bug("groups were not formed"));
        };
        let fitted = self.fitted(model)?;
        let found = match split {
            true => self.interaction(groups, fitted)?,
            false => self.subsamples(groups, model, by)?,
        };
        let (groups, equality) = found;
        let treatment = match split {
            true => fitted.plan.terms[0].split('[').next().unwrap_or_default().to_string(),
            false => fitted.plan.terms[0].clone(),
        };
        Ok(Design::ByGroup(Box::new(ByGroup {
            model: of.to_string(),
            treatment,
            by: by.text.clone(),
            method: if split { "interaction" } else { "subsample" }.to_string(),
            level: fitted.fit.level,
            groups,
            equality,
            fit: split.then(|| Box::new(fitted.fit.clone())),
            spatial: fitted.fit.model != "ols",
            made_from: crate::report::designs::made_from(of, &fitted.fit),
        })))
    }

    /// One model with a column per group.
    fn interaction(&self, groups: &[Group], fitted: &Fitted) -> Result<(Vec<GroupEffects>, Finding), Fault> {
        let (plan, e) = (&fitted.plan, &fitted.estimated);
        let Some(events) = &e.events else { return Err(super::designs::bug("a split treatment has no groups")) };
        let tails = Tails::new(e.reference, fitted.fit.level);
        let mut out = Vec::new();
        for (k, group) in groups.iter().enumerate() {
            let Some(Effect { direct, indirect, total, .. }) = fitted.fit.effects.get(k).cloned() else {
                return Err(super::designs::bug("a group has no effect"));
            };
            out.push(GroupEffects {
                group: group.name.clone(),
                units: group.units,
                treated_units: group.treated,
                direct,
                indirect,
                total,
                on_treated: tails.impact(&events.on_treated[k]),
                weights_lost: None,
                fit: None,
            });
        }
        let places: Vec<Vec<usize>> = (0..groups.len()).map(|k| places(&plan.problem, k)).collect();
        Ok((out, equality(&places, &e.coefficients, &e.vcov, e.reference)))
    }

    /// A model for each group, on its units alone.
    fn subsamples(&self, groups: &[Group], model: usize, by: &Column) -> Result<(Vec<GroupEffects>, Finding), Fault> {
        let spec = &self.spec.models[model];
        self.interrupt.begin("models of groups");
        let found: Vec<Result<Estimated, Fault>> = groups
            .par_iter()
            .map(|group| {
                let Some((plan, _)) = &group.alone else { return Err(super::designs::bug("a group has no plan")) };
                self.again(spec, plan).map_err(|f| {
                    let message = format!("with `{}` = {} alone: {}", by.text, group.name, f.message);
                    Fault { message, ..f }
                })
            })
            .collect();
        let mut out = Vec::new();
        let mut estimates: Vec<(&ModelPlan, Estimated)> = Vec::new();
        for (group, found) in groups.iter().zip(found) {
            let estimated = found?;
            let Some((plan, lost)) = &group.alone else { return Err(super::designs::bug("a group has no plan")) };
            let fit = fit(spec, &self.spec.panels[spec.panel].name, plan, &estimated);
            let (Some(effect), Some(policy)) = (fit.effects.first().cloned(), &fit.policy_effects) else {
                return Err(super::designs::bug("a group has no effect"));
            };
            let on_treated = Impact {
                direct: policy.direct_on_treated.clone(),
                indirect: policy.indirect_on_treated.clone(),
                total: policy.total_on_treated.clone(),
            };
            let Effect { direct, indirect, total, .. } = effect;
            out.push(GroupEffects {
                group: group.name.clone(),
                units: group.units,
                treated_units: group.treated,
                direct,
                indirect,
                total,
                on_treated,
                weights_lost: (fit.model != "ols").then_some(*lost),
                fit: Some(Box::new(fit)),
            });
            estimates.push((plan, estimated));
        }
        // Estimates on different units are independent: their variances stand in blocks.
        let own: Vec<Vec<usize>> = estimates.iter().map(|(plan, _)| places(&plan.problem, 0)).collect();
        let size: usize = own.iter().map(Vec::len).sum();
        let (mut coefficients, mut vcov, mut at) = (Vec::new(), vec![vec![0.0; size]; size], Vec::new());
        for (places, (_, e)) in own.iter().zip(&estimates) {
            let from = coefficients.len();
            at.push((from..from + places.len()).collect::<Vec<usize>>());
            for (a, &i) in places.iter().enumerate() {
                coefficients.push(e.coefficients[i]);
                places.iter().enumerate().for_each(|(b, &k)| vcov[from + a][from + b] = e.vcov[i][k]);
            }
        }
        Ok((out, equality(&at, &coefficients, &vcov, Reference::Normal)))
    }

    /// `split_exposure(m)`
    pub(super) fn split_exposure(&self, of: &str, model: usize, matrices: usize) -> Result<Design, Fault> {
        let fitted = self.fitted(model)?;
        let (plan, e, spec) = (&fitted.plan, &fitted.estimated, &self.spec.models[model]);
        super::placebo::settled("split_exposure", plan)?;
        let found = exposed(&plan.problem, e, matrices, self.shown.shared, self.interrupt)
            .map_err(|error| super::remarks::refusal(spec, plan, &error))?;
        let tails = Tails::new(e.reference, spec.level);
        let first = usize::from(plan.problem.has_intercept());
        let pairs: Vec<(usize, usize)> = (0..matrices).map(|b| (first + 1 + 2 * b, first + 2 + 2 * b)).collect();
        let size = e.coefficients.len();
        let values: Vec<f64> = pairs.iter().map(|&(i, k)| e.coefficients[i] - e.coefficients[k]).collect();
        let row = |&(i, k): &(usize, usize)| {
            (0..size).map(|j| f64::from(u8::from(j == i)) - f64::from(u8::from(j == k))).collect()
        };
        let gradient: Vec<Vec<f64>> = pairs.iter().map(row).collect();
        let statistic = wald(&values, &gradient, &e.vcov).unwrap_or(f64::NAN);
        Ok(Design::SplitExposure(Box::new(SplitExposure {
            model: of.to_string(),
            treatment: plan.terms[0].clone(),
            level: spec.level,
            coefficients: fitted.fit.coefficients.iter().skip(first).take(1 + 2 * matrices).cloned().collect(),
            equality: tested("equality", statistic, pairs.len(), e.reference),
            on_treated: tails.measured(found.on_treated),
            by_exposure_on_treated: tails.measured(found.by_exposure_on_treated),
            on_untreated: tails.measured(found.on_untreated),
            on_exposed: tails.measured(found.on_exposed),
            treated_cells: found.treated_cells,
            untreated_cells: found.untreated_cells,
            exposed_cells: found.exposed_cells,
            fit: Box::new(fitted.fit.clone()),
        })))
    }
}

/// Where regressor `k` and its lags stand among the coefficients.
fn places(problem: &Problem, k: usize) -> Vec<usize> {
    let first = usize::from(problem.has_intercept());
    let mut out = vec![first + k];
    if problem.model.has_durbin() && problem.regressors[k].lagged {
        let lagged = problem.regressors.iter().filter(|r| r.lagged).count();
        let before = problem.regressors[..k].iter().filter(|r| r.lagged).count();
        let from = first + problem.regressors.len();
        out.extend((0..problem.durbin_weights.len()).map(|b| from + b * lagged + before));
    }
    out
}

/// The Wald test that coefficients at corresponding places are the same in every group.
fn equality(places: &[Vec<usize>], coefficients: &[f64], vcov: &[Vec<f64>], reference: Reference) -> Finding {
    let (mut values, mut gradient) = (Vec::new(), Vec::new());
    for other in &places[1..] {
        for (&a, &b) in places[0].iter().zip(other) {
            values.push(coefficients[b] - coefficients[a]);
            let mut row = vec![0.0; coefficients.len()];
            (row[b], row[a]) = (1.0, -1.0);
            gradient.push(row);
        }
    }
    let statistic = wald(&values, &gradient, vcov).unwrap_or(f64::NAN);
    tested("equality", statistic, values.len(), reference)
}

/// Chi-squared of likelihood models and independent ones, F of least squares.
fn tested(test: &str, statistic: f64, q: usize, reference: Reference) -> Finding {
    match reference {
        Reference::Normal => finding(test, "equality", statistic, Distribution::ChiSquared(q)),
        Reference::T(df) => {
            let f = Distribution::F(q, df);
            Finding::new(test, "equality", statistic / q as f64, f, p_value(statistic / q as f64, f))
        }
    }
}
