//! Tests of a run: statistics of `inference` under their names, with the null in words and what a rejection means.

mod autocorrelation;
pub(super) mod leads;
mod nested;
mod residuals;
mod specification;

use super::{Fitted, Run};
use crate::check::spec::{ScalarExpr, StepKind, TestQuery};
use crate::estimators::EstimateError;
use crate::fault::{Fault, ticked_all};
use crate::outcome::testing::{Distribution, Finding, Key, TestResult};
use crate::plan::testing::TestPlan;
use statrs::distribution::{ChiSquared, ContinuousCDF, FisherSnedecor, Normal, StudentsT};

/// The p-value of a statistic: two-sided of the normal and of Student's t, the upper tail of the others.
pub(super) fn p_value(statistic: f64, distribution: Distribution) -> f64 {
    if !statistic.is_finite() {
        return f64::NAN;
    }
    let unknown = f64::NAN;
    match distribution {
        Distribution::Normal => 2.0 * Normal::standard().sf(statistic.abs()),
        Distribution::ChiSquared(df) => ChiSquared::new(df as f64).map_or(unknown, |d| d.sf(statistic.max(0.0))),
        Distribution::F(above, below) => {
            FisherSnedecor::new(above as f64, below).map_or(unknown, |d| d.sf(statistic.max(0.0)))
        }
        Distribution::T(df) => StudentsT::new(0.0, 1.0, df).map_or(unknown, |d| 2.0 * d.sf(statistic.abs())),
        Distribution::Permutation(_) | Distribution::None => unknown,
    }
}

/// A statistic with its p-value.
pub(super) fn finding(test: &str, label: &str, statistic: f64, distribution: Distribution) -> Finding {
    Finding::new(test, label, statistic, distribution, p_value(statistic, distribution))
}

/// A test of one finding, which says null and rejection itself.
pub(super) fn single(
    title: String,
    about: Vec<(&'static str, String)>,
    finding: Finding,
    notes: Vec<String>,
) -> TestResult {
    let test = match &finding.key {
        Key::Test(test) => test.clone(),
        _ => String::new(),
    };
    let (null, rejected) = (finding.null.clone(), finding.rejected.clone());
    TestResult { test, title, about, null, rejected, whole: Some(finding), parts: Vec::new(), notes, scatter: None }
}

/// A test of several parts, each with its own null.
pub(super) fn several(
    test: &str,
    title: String,
    about: Vec<(&'static str, String)>,
    parts: Vec<Finding>,
    notes: Vec<String>,
) -> TestResult {
    TestResult {
        test: test.to_string(),
        title,
        about,
        null: String::new(),
        rejected: String::new(),
        whole: None,
        parts,
        notes,
        scatter: None,
    }
}

/// A fault of a kernel that a test called.
pub(super) fn failed(test: &str, error: &EstimateError) -> Fault {
    match error {
        EstimateError::Interrupted => Fault::error("durbin::run::interrupted", "stopped"),
        e => Fault::error("durbin::estimate::no_statistic", format!("`{test}` has no statistic here: {e}")),
    }
}

impl Run<'_> {
    /// The result of a test by its number, computed once.
    pub(super) fn test(&self, number: usize) -> Result<TestResult, Fault> {
        let unknown = || Fault::error("durbin::run::bug", "a test was not planned");
        let plan = self.tests.get(number).and_then(Option::as_ref).ok_or_else(unknown)?;
        self.tested.get(number).ok_or_else(unknown)?.get_or_init(|| self.compute_test(number, plan)).clone()
    }

    fn compute_test(&self, number: usize, plan: &TestPlan) -> Result<TestResult, Fault> {
        let spec = &self.spec.tests[number];
        let seed = self.spec.settings.seed;
        match &spec.query {
            TestQuery::Column { statistic, weights, moments, draws, sample, .. } => {
                let asked = autocorrelation::Asked {
                    statistic: *statistic,
                    moments: *moments,
                    draws: *draws,
                    seed,
                    column: &sample.outcome.text,
                    weights: &weights.name,
                };
                autocorrelation::column(&asked, plan)
            }
            TestQuery::Residuals { model, weights, draws } => {
                autocorrelation::residuals(&self.model_of(*model)?, &weights.name, plan, *draws, seed)
            }
            TestQuery::Lagrange { model, weights, centered } => {
                residuals::lagrange(&self.model_of(*model)?, &weights.name, plan, *centered)
            }
            TestQuery::Hausman { fixed, random } => nested::hausman(&self.model_of(*fixed)?, &self.model_of(*random)?),
            TestQuery::Wald { model, restrictions } => nested::wald(&self.model_of(*model)?, restrictions),
            TestQuery::LikelihoodRatio { small, big } => {
                Ok(nested::likelihood_ratio(&self.model_of(*small)?, &self.model_of(*big)?))
            }
            TestQuery::Dependence { model, weights } => {
                let name = weights.as_ref().map(|w| w.name.as_str());
                residuals::dependence(&self.model_of(*model)?, name, plan, seed)
            }
            TestQuery::Serial { model } => Ok(residuals::serial(&self.model_of(*model)?)),
            TestQuery::Leads { of, model } => {
                let (fitted, events, treatment) = self.events(*model)?;
                leads::parallel_trends(&Named { name: of.clone(), fitted }, events, &treatment)
            }
            TestQuery::Spread { model } => residuals::spread(&self.model_of(*model)?),
            TestQuery::Specification { effects, families } => self.specification(effects, families),
            TestQuery::Compare { models, uniform } => self.comparison(models, *uniform),
        }
    }

    /// Why a test has no such number: its own fault, or what it has.
    pub(super) fn no_number(&self, number: usize, entry: &str) -> Option<Fault> {
        if self.test_number(number, entry).is_some() {
            return None;
        }
        let result = match self.test(number) {
            Ok(result) => result,
            Err(fault) => return Some(fault),
        };
        let parts: Vec<String> = result
            .parts
            .iter()
            .filter_map(|f| match &f.key {
                Key::Test(test) => Some(test.clone()),
                _ => None,
            })
            .collect();
        let fault = Fault::error("durbin::check::unknown_name", format!("the test `{}` has no `{entry}`", result.test));
        let part = entry.split('.').next().unwrap_or(entry);
        if result.parts_of(part) > 1 {
            return Some(
                Fault::error(
                    "durbin::check::unknown_name",
                    format!("`{part}` of the test `{}` stands for one number per matrix", result.test),
                )
                .help("ask the test with one matrix alone"),
            );
        }
        Some(if result.whole.is_none() && !parts.is_empty() {
            fault.help(format!("its parts are {}, each with `statistic` and `p`", ticked_all(&parts)))
        } else {
            fault.help("a test has `statistic`, `df` and `p`, some `estimate`, `expected` and `variance`")
        })
    }

    fn model_of(&self, number: usize) -> Result<Named<'_>, Fault> {
        let named = self.spec.steps.iter().find_map(|s| match &s.kind {
            StepKind::Model { name, model } if *model == number => Some(name.clone()),
            _ => None,
        });
        let fitted = self.fitted(number)?;
        let name = named.unwrap_or_else(|| format!("{} of {}", fitted.fit.query, fitted.fit.outcome));
        Ok(Named { name, fitted })
    }

    /// A number of a test: `p`, or `lm_lag.p` of one of its parts.
    pub(super) fn test_number(&self, number: usize, entry: &str) -> Option<ScalarExpr> {
        let result = self.test(number).ok()?;
        let (part, field) = match entry.rsplit_once('.') {
            Some((part, field)) => (Some(part), field),
            None => (None, entry),
        };
        if part.is_some_and(|part| result.parts_of(part) > 1) {
            return None;
        }
        let found = result.finding(part)?;
        let moment = |k: usize| found.moments.map(|m| m[k]);
        let x = match field {
            "statistic" => Some(found.statistic),
            "p" => Some(found.p),
            "df" => match found.distribution {
                Distribution::ChiSquared(df) | Distribution::F(df, _) => Some(df as f64),
                Distribution::T(df) => Some(df),
                _ => None,
            },
            "estimate" => moment(0),
            "expected" => moment(1),
            "variance" => moment(2),
            other => found.numbers.iter().find(|(name, _)| *name == other).map(|(_, x)| *x),
        }?;
        Some(ScalarExpr::Number(x))
    }
}

/// A fit under the name that a report calls it by.
pub(super) struct Named<'a> {
    pub name: String,
    pub fitted: &'a Fitted,
}

impl Named<'_> {
    /// Model, sample and effects, as lines under a title.
    pub fn about(&self) -> Vec<(&'static str, String)> {
        vec![("Model", self.described())]
    }

    /// `base: sdm of lhom, 48 units × 11 periods, unit and time effects`.
    pub fn described(&self) -> String {
        let fit = &self.fitted.fit;
        let effects = match &fit.fixed_effects[..] {
            [] => "no effects".to_string(),
            some => format!("{} effects", some.join(" and ")),
        };
        let asked = format!("{} of {}", fit.query, fit.outcome);
        let name = if self.name == asked { asked } else { format!("{}, {asked}", self.name) };
        format!("{name}; {} units × {} periods, {effects}", fit.units, fit.periods)
    }

    /// Innovations: what is left where the error is spatial, too.
    pub fn innovations(&self) -> &[f64] {
        &self.fitted.estimated.residuals
    }

    /// Least squares without lags of the outcome in time.
    pub fn is_static_least_squares(&self) -> bool {
        let problem = &self.fitted.plan.problem;
        self.fitted.fit.method == "ols"
            && problem.time_lags.is_empty()
            && !problem.model.has_lag()
            && !problem.model.has_error()
    }
}
