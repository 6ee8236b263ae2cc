//! One effect in several models on the same units, with their joint variance (methods E.8): whole units are drawn together
//! for all models, so that what their residuals have in common stays.

use super::fit::Tails;
use super::{Run, remarks};
use crate::check::spec::{Aspect, JointSpec};
use crate::designs::simulate::{Errors, Numbers, Replications, Truth, simulate};
use crate::estimators::{Measured, Reference};
use crate::fault::Fault;
use crate::inference::wald::wald;
use crate::outcome::designs::Design;
use crate::outcome::replications::{Joint, JointEffect};
use crate::outcome::testing::Distribution;

impl Run<'_> {
    /// `joint([m1, m2])`
    pub(super) fn joint(&self, asked: &JointSpec) -> Result<Design, Fault> {
        let part = match asked.aspect {
            Aspect::Direct => 0,
            Aspect::Indirect => 1,
            Aspect::Total => 2,
        };
        let seed = self.spec.settings.seed;
        let first = self.fitted(asked.models[0].1)?;
        let mut draws: Vec<Vec<Option<f64>>> = Vec::new();
        let mut values = Vec::new();
        for (name, model) in &asked.models {
            let fitted = self.fitted(*model)?;
            let (plan, e, spec) = (&fitted.plan, &fitted.estimated, &self.spec.models[*model]);
            if plan.units != first.plan.units || plan.periods != first.plan.periods || plan.problem.present.is_some() {
                let message = format!(
                    "`{name}` uses {} units and {} periods, `{}` {} and {}: joint draws need the same ones, without gaps",
                    plan.units.len(),
                    plan.periods.len(),
                    asked.models[0].0,
                    first.plan.units.len(),
                    first.plan.periods.len()
                );
                return Err(Fault::error("durbin::plan::not_comparable", message)
                    .help("give all models one sample, with `where:` or `missing drop`"));
            }
            super::placebo::settled("joint", plan)?;
            let Some(k) = plan.terms.iter().position(|t| *t == asked.term) else {
                return Err(super::designs::bug("a model lacks the term that is compared"));
            };
            let truth = Truth { coefficients: e.coefficients.clone(), sigma2: e.sigma2 };
            let how = Replications { reps: asked.reps, seed, errors: Errors::Residuals };
            let found = simulate(&plan.problem, e, &truth, how, self.shown.shared, self.interrupt)
                .map_err(|error| remarks::refusal(spec, plan, &error))?;
            let of = |n: &Numbers<Measured>| n.effects.get(k).map(|x| x[part].estimate).filter(|x| x.is_finite());
            draws.push(found.found.iter().map(|n| n.as_ref().and_then(of)).collect());
            values.push(found.truth.effects[k][part]);
        }
        let rows: Vec<Vec<f64>> =
            (0..asked.reps).filter_map(|r| draws.iter().map(|d| d[r]).collect::<Option<Vec<f64>>>()).collect();
        if rows.len() < 2 * values.len() {
            let message = format!("{} of {} joint draws have an estimate in every model", rows.len(), asked.reps);
            return Err(Fault::error("durbin::estimate::no_statistic", message).help("ask for more with `reps:`"));
        }
        let vcov = covariance(&rows);
        let level = first.fit.level;
        let tails = Tails::new(Reference::Normal, level);
        let size = values.len();
        let effects = asked.models.iter().enumerate().map(|(k, (name, model))| -> Result<JointEffect, Fault> {
            let fit = &self.fitted(*model)?.fit;
            let value = tails.measured(Measured { estimate: values[k], se: vcov[k][k].sqrt() });
            Ok(JointEffect { model: name.clone(), outcome: fit.outcome.clone(), query: fit.query.clone(), value })
        });
        let effects = effects.collect::<Result<Vec<_>, Fault>>()?;
        let differences: Vec<f64> = (1..size).map(|k| values[k] - values[0]).collect();
        let row = |k: usize| (0..size).map(|j| f64::from(u8::from(j == k)) - f64::from(u8::from(j == 0))).collect();
        let gradient: Vec<Vec<f64>> = (1..size).map(row).collect();
        let statistic = wald(&differences, &gradient, &vcov).unwrap_or(f64::NAN);
        let equality = super::testing::finding("equality", "equality", statistic, Distribution::ChiSquared(size - 1));
        let correlation =
            (0..size).map(|i| (0..size).map(|k| vcov[i][k] / (vcov[i][i] * vcov[k][k]).sqrt()).collect()).collect();
        Ok(Design::Joint(Box::new(Joint {
            term: asked.term.clone(),
            effect: asked.aspect.word().to_string(),
            level,
            reps: asked.reps,
            discarded: asked.reps - rows.len(),
            seed,
            effects,
            vcov,
            correlation,
            equality,
        })))
    }
}

/// Divisor n − 1.
fn covariance(rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let (count, size) = (rows.len() as f64, rows[0].len());
    let mean: Vec<f64> = (0..size).map(|k| rows.iter().map(|r| r[k]).sum::<f64>() / count).collect();
    let entry = |i: usize, k: usize| rows.iter().map(|r| (r[i] - mean[i]) * (r[k] - mean[k])).sum::<f64>();
    (0..size).map(|i| (0..size).map(|k| entry(i, k) / (count - 1.0)).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_covariance_of_draws_is_that_by_hand() {
        let v = covariance(&[vec![1.0, 2.0], vec![3.0, 2.0], vec![2.0, 5.0]]);
        assert!((v[0][0] - 1.0).abs() < 1e-15 && (v[1][1] - 3.0).abs() < 1e-15 && v[0][1].abs() < 1e-15);
    }
}
