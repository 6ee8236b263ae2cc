//! Many estimates as one answer: outcomes drawn from a model (methods G.3), and one effect over many models.

use super::fit::{Tails, terms};
use super::{Run, remarks};
use crate::check::spec::{Aspect, SimulateSpec, SpecCurveSpec};
use crate::designs::simulate::{Errors, Numbers, Quality as Found, Replications, Truth, quality, simulate};
use crate::estimators::{Estimated, Measured};
use crate::fault::{Fault, ticked_list};
use crate::outcome::designs::Design;
use crate::outcome::replications::{
    EffectQuality, PolicyQuality, Quality, QualityErrors, Simulation, SpecCurve, Specification, TermQuality,
};
use crate::plan::ModelPlan;

/// Spreads of an estimate that a test of level 0.05 finds with power 0.8 (methods D.5).
const DETECTABLE: f64 = 2.8;

impl Run<'_> {
    /// `simulate(m, truth: {law: 0.05})`
    pub(super) fn simulation(&self, asked: &SimulateSpec) -> Result<Design, Fault> {
        let fitted = self.fitted(asked.model)?;
        let (plan, spec, estimated) = (&fitted.plan, &self.spec.models[asked.model], &fitted.estimated);
        super::placebo::settled("simulate", plan)?;
        let names = terms(plan);
        let truth = truth(asked, &names, estimated)?;
        if asked.residuals && plan.problem.present.is_some() {
            let message = "`errors: residuals` draws whole units, and the panel has gaps";
            return Err(Fault::error("durbin::plan::needs_balanced", message).help("`errors: normal` takes gaps"));
        }
        let replications = Replications {
            reps: asked.reps,
            seed: self.spec.settings.seed,
            errors: if asked.residuals { Errors::Residuals } else { Errors::Normal },
        };
        let found = simulate(&plan.problem, estimated, &truth, replications, self.shown.shared, self.interrupt)
            .map_err(|e| remarks::refusal(spec, plan, &e))?;
        let used: Vec<&Numbers<Measured>> = found.found.iter().flatten().collect();
        if used.len() < 2 {
            let message = format!("{} of {} drawn outcomes have an estimate", used.len(), asked.reps);
            return Err(Fault::error("durbin::estimate::no_statistic", message)
                .help("the parameters set may lie close to the end of their interval"));
        }
        let quantile = Tails::new(estimated.reference, spec.level).quantile();
        let of = |truth: f64, pick: &dyn Fn(&Numbers<Measured>) -> Option<Measured>| {
            told(quality(truth, used.iter().filter_map(|n| pick(n)), quantile))
        };
        let coefficients = names.iter().enumerate().map(|(i, term)| TermQuality {
            term: term.clone(),
            quality: of(found.truth.coefficients[i], &|n| n.coefficients.get(i).copied()),
        });
        let effect = |k: usize, part: usize| {
            of(found.truth.effects[k][part], &|n: &Numbers<Measured>| n.effects.get(k).map(|e| e[part]))
        };
        let effects = plan.terms.iter().enumerate().take(found.truth.effects.len()).map(|(k, term)| EffectQuality {
            term: term.clone(),
            direct: effect(k, 0),
            indirect: effect(k, 1),
            total: effect(k, 2),
        });
        let policy_effects = found.truth.policy.map(|truth| {
            let part = |j: usize| of(truth[j], &|n: &Numbers<Measured>| n.policy.map(|p| p[j]));
            PolicyQuality {
                direct_on_treated: part(0),
                indirect_on_treated: part(1),
                total_on_treated: part(2),
                indirect_on_untreated: part(3),
                indirect_on_exposed: part(4),
                aggregate: part(5),
            }
        });
        Ok(Design::Simulation(Box::new(Simulation {
            model: asked.of.clone(),
            treatment: fitted.fit.treatment.clone(),
            reps: asked.reps,
            discarded: asked.reps - used.len(),
            seed: replications.seed,
            level: spec.level,
            errors: if asked.residuals { "residuals" } else { "normal" }.to_string(),
            set: asked.truth.iter().map(|(name, ..)| name.clone()).collect(),
            sigma2: truth.sigma2,
            units: plan.problem.units,
            periods: plan.problem.periods,
            treated_units: plan.problem.treatment.map(|k| treated_units(plan, k)),
            terms: coefficients.collect(),
            effects: effects.collect(),
            policy_effects,
            spatial: fitted.fit.model != "ols",
            made_from: crate::report::designs::made_from(&asked.of, &fitted.fit),
        })))
    }

    /// `spec_curve([…])`
    pub(super) fn spec_curve(&self, asked: &SpecCurveSpec) -> Result<Design, Fault> {
        let mut specifications = Vec::new();
        let mut level = self.spec.settings.level;
        for (name, model) in &asked.models {
            let (fit, spec) = (&self.fitted(*model)?.fit, &self.spec.models[*model]);
            let Some(effect) = fit.effects.iter().find(|e| e.term == asked.term) else {
                return Err(super::designs::bug("a model of a curve lacks its term"));
            };
            level = fit.level;
            let value = match asked.aspect {
                Aspect::Direct => &effect.direct,
                Aspect::Indirect => &effect.indirect,
                Aspect::Total => &effect.total,
            };
            let controls = spec.terms.iter().map(|t| t.value.text.clone()).filter(|t| *t != asked.term);
            specifications.push(Specification {
                model: name.clone(),
                value: value.clone(),
                query: fit.query.clone(),
                outcome: fit.outcome.clone(),
                weights: fit.weights.clone(),
                controls: controls.collect(),
                sample: spec.condition.as_ref().map(|c| c.text.clone()),
                panel: fit.panel.clone(),
                fixed_effects: fit.fixed_effects.clone(),
                se_type: fit.se_type.clone(),
                likelihood: fit.likelihood.clone(),
                nobs: fit.nobs,
            });
        }
        specifications.sort_by(|a, b| a.value.estimate.total_cmp(&b.value.estimate));
        let estimates: Vec<f64> = specifications.iter().map(|s| s.value.estimate).collect();
        let n = estimates.len();
        let found = |sign: f64| {
            let beyond = |s: &&Specification| s.value.p < 1.0 - level && sign * s.value.estimate > 0.0;
            specifications.iter().filter(beyond).count()
        };
        Ok(Design::SpecCurve(Box::new(SpecCurve {
            term: asked.term.clone(),
            effect: asked.aspect.word().to_string(),
            level,
            median: 0.5 * (estimates[(n - 1) / 2] + estimates[n / 2]),
            range: [estimates[0], estimates[n - 1]],
            positive: found(1.0),
            negative: found(-1.0),
            specifications,
        })))
    }
}

/// The estimate with the parameters that are set.
fn truth(asked: &SimulateSpec, names: &[String], estimated: &Estimated) -> Result<Truth, Fault> {
    let mut truth = Truth { coefficients: estimated.coefficients.clone(), sigma2: estimated.sigma2 };
    for (name, x, _) in &asked.truth {
        if name == "sigma2" {
            truth.sigma2 = *x;
            continue;
        }
        let Some(at) = names.iter().position(|n| n == name) else {
            let known: Vec<&str> = names.iter().map(String::as_str).chain(["sigma2"]).collect();
            let mut fault = Fault::error(
                "durbin::check::unknown_name",
                format!("`truth:` names `{name}`, no parameter of the model"),
            );
            fault.help = crate::suggest::did_you_mean(name, known.iter().copied())
                .or_else(|| Some(format!("its parameters are {}", ticked_list(&known))));
            return Err(fault);
        };
        let interval = match name.as_str() {
            "rho" => estimated.rho_interval,
            "lambda" => estimated.lambda_interval,
            _ => None,
        };
        if let Some(i) = interval.filter(|i| !(i.lo < *x && *x < i.hi)) {
            let message = format!("`{name}` lies between {:.4} and {:.4} here, {x} was given", i.lo, i.hi);
            return Err(Fault::error("durbin::check::out_of_range", message)
                .help("beyond its interval the model has no stable outcome"));
        }
        truth.coefficients[at] = *x;
    }
    Ok(truth)
}

fn told(q: Found) -> Quality {
    Quality {
        truth: q.truth,
        mean: q.mean,
        bias: q.mean - q.truth,
        rmse: q.rmse,
        sd: q.sd,
        error_ratio: q.error_ratio,
        coverage: q.coverage,
        power: q.power,
        detectable: DETECTABLE * q.sd,
        monte_carlo_error: QualityErrors {
            bias: q.error_of_mean(),
            rmse: q.error_of_rmse(),
            coverage: q.error_of(q.coverage),
            power: q.error_of(q.power),
        },
    }
}

fn treated_units(plan: &ModelPlan, regressor: usize) -> usize {
    let problem = &plan.problem;
    let d = &problem.regressors[regressor].values;
    (0..problem.units).filter(|i| (0..problem.periods).any(|t| d[t * problem.units + i] > 0.5)).count()
}
