//! Which model: every test of methods F.2 to F.4 over several matrices, and posterior probabilities (methods F.7).

use super::nested::{hausman, likelihood_ratio, simplifications};
use super::residuals::multiplier_findings;
use super::{Named, Run, failed, finding, several};
use crate::check::spec::{EffectsFamily, Family};
use crate::estimators::marginal::{Prior, log_marginal};
use crate::fault::{Fault, counted};
use crate::inference::residuals::{Style, lagrange};
use crate::outcome::testing::{Distribution, Finding, Key, TestResult};
use crate::plan::testing::has_common_factor;

impl Run<'_> {
    /// Lagrange multipliers, Wald tests and likelihood ratios for each matrix, and tests of the effects.
    pub(super) fn specification(&self, effects: &EffectsFamily, families: &[Family]) -> Result<TestResult, Fault> {
        let base = self.model_of(effects.base)?;
        let mut parts = Vec::new();
        let mut notes = Vec::new();
        for family in families {
            let of = |f: Finding| Finding { weights: Some(family.weights.name.clone()), ..f };
            let sdm = self.model_of(family.sdm)?;
            let durbin = &sdm.fitted.plan.problem;
            let Some(w) = &durbin.lag_weights else {
                return Err(Fault::error("durbin::run::bug", "a matrix was not planned"));
            };
            let found = lagrange(&base.fitted.plan.problem, w, Style::Centered)
                .map_err(|e| failed("specification_tests", &e))?;
            parts.extend(multiplier_findings(&found).into_iter().map(of));
            for f in simplifications(&sdm)? {
                let Key::Test(small) = &f.key else { continue };
                let (label, test) = (format!("Wald, SDM to {}", small.to_uppercase()), format!("wald_{small}"));
                parts.push(of(Finding { label, key: Key::Test(test), ..f }));
            }
            if let Some(random) = family.random {
                match hausman(&sdm, &self.model_of(random)?) {
                    Ok(found) => parts.extend(found.whole.map(|f| {
                        of(Finding { label: "Hausman, fixed and random effects of the SDM".to_string(), ..f })
                    })),
                    Err(fault) => {
                        notes.push(format!("no Hausman test with `{}`: {}", family.weights.name, fault.message))
                    }
                }
            }
            if durbin.likelihood == crate::estimators::Likelihood::Partial {
                notes.push(format!(
                    "no likelihood ratios with `{}`: its estimates are corrected after the maximum",
                    family.weights.name
                ));
                continue;
            }
            for (test, label, small) in [
                ("lr_sar", "LR, SDM to SAR", family.sar),
                ("lr_sem", "LR, SDM to SEM", family.sem),
                ("lr_slx", "LR, SDM to SLX", family.slx),
            ] {
                if test == "lr_sem" && !has_common_factor(&sdm.fitted.plan) {
                    notes.push(format!(
                        "SEM is no part of SDM with `{}`: the model with an intercept lacks the intercept's lag, which matters where rows do not sum to one",
                        family.weights.name
                    ));
                    continue;
                }
                let ratio = likelihood_ratio(&self.model_of(small)?, &sdm);
                if let Some(whole) = ratio.whole {
                    let null = "the smaller model holds";
                    parts.push(of(finding(test, label, whole.statistic, whole.distribution).about(null, "keep `sdm`")));
                }
            }
        }
        if base.fitted.fit.periods > 1 {
            parts.extend(self.effects_tests(effects)?);
        }
        let fit = &base.fitted.fit;
        let about = vec![("Outcome", fit.outcome.clone()), ("Least squares", base.described())];
        notes.push("where the tests against SAR and SEM both reject, or disagree, the spatial Durbin model stays (Elhorst 2010)".to_string());
        if families.len() > 1 {
            notes.push(format!(
                "{} matrices are tried here: a choice by the smallest p among them is no test",
                families.len()
            ));
        }
        Ok(several("specification_tests", format!("Specification of {}", fit.outcome), about, parts, notes))
    }

    /// Likelihood ratios and F tests of the effects against none, under `direct` (methods F.4).
    fn effects_tests(&self, effects: &EffectsFamily) -> Result<Vec<Finding>, Fault> {
        let mut out = Vec::new();
        let models =
            [("unit", "unit", effects.unit), ("time", "time", effects.time), ("both", "unit and time", effects.both)];
        for (word, words, with) in models {
            let Some(with) = with else { continue };
            let (none, with) = (self.model_of(effects.none)?, self.model_of(with)?);
            let (a, b) = (&none.fitted.fit, &with.fitted.fit);
            let df = crate::plan::testing::parameters_of(&with.fitted.plan)
                - crate::plan::testing::parameters_of(&none.fitted.plan);
            let null = format!("one intercept for all, no {words} effects");
            let rejected = format!("there are {words} effects");
            let lr = 2.0 * (b.loglik - a.loglik);
            let part = finding(
                &format!("lr_{word}_effects"),
                &format!("LR, {words} effects"),
                lr,
                Distribution::ChiSquared(df),
            );
            out.push(part.about(&null, &rejected));
            let (rest, all) = (b.sigma2 * b.m_effective, a.sigma2 * a.m_effective);
            let f = (all - rest) / df as f64 / (rest / b.df_residual);
            let part = finding(
                &format!("f_{word}_effects"),
                &format!("F, {words} effects"),
                f,
                Distribution::F(df, b.df_residual),
            );
            out.push(part.about(&null, &rejected));
        }
        Ok(out)
    }

    /// Log marginal likelihoods and posterior probabilities of models that were equally likely before.
    pub(super) fn comparison(&self, models: &[(String, usize)], uniform: bool) -> Result<TestResult, Fault> {
        let prior = if uniform { Prior::Uniform } else { Prior::Beta };
        let mut named: Vec<(String, Named, f64)> = Vec::new();
        for (name, number) in models {
            let model = self.model_of(*number)?;
            let log = log_marginal(&model.fitted.plan.problem, self.shown.shared, prior, self.interrupt)
                .map_err(|e| failed("compare_models", &e))?;
            named.push((name.clone(), model, log));
        }
        let most = named.iter().map(|n| n.2).fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = named.iter().map(|n| (n.2 - most).exp()).sum();
        let slopes = |m: &Named| {
            m.fitted.plan.terms.len() + m.fitted.fit.coefficients.iter().filter(|c| c.term.contains(" @ ")).count()
        };
        let mut unequal = false;
        let mut parts = Vec::new();
        for (name, model, log) in &named {
            unequal |= slopes(model) != slopes(&named[0].1);
            let fit = &model.fitted.fit;
            let weights = fit.weights.clone().unwrap_or_else(|| "-".to_string());
            parts.push(Finding {
                numbers: vec![("log_marginal", *log), ("probability", (log - most).exp() / total)],
                words: vec![("model", fit.model.clone()), ("matrix", weights)],
                ..Finding::new(name, name, f64::NAN, Distribution::None, f64::NAN)
            });
        }
        let first = &named[0].1;
        let ranges = if uniform { "uniform on its interval" } else { "Beta(1.01, 1.01) on (-1, 1)" };
        let about = vec![
            ("Outcome", first.fitted.fit.outcome.clone()),
            ("Models", format!("{}, equally likely before the data", counted(models.len(), "model", "models"))),
            ("Priors", format!("slopes flat, sigma2 proportional to 1/sigma2, rho or lambda {ranges}")),
        ];
        let mut notes = vec!["outcome and regressors have standard deviation one within the effects, so that no unit of measure moves a probability".to_string()];
        if unequal {
            notes.push("the models have different numbers of slopes: with flat priors their probabilities lean on the scale of the regressors; those of equal numbers compare".to_string());
        }
        Ok(several(
            "compare_models",
            format!("Posterior probabilities of models of {}", first.fitted.fit.outcome),
            about,
            parts,
            notes,
        ))
    }
}
