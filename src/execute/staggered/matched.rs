//! Difference in differences on matched units under the names of a program.

use super::{Asked, Measured};
use crate::check::spec::{CaliperUse, MatchUse};
use crate::designs::matching::{self, Balance, Caliper, MatchError, Matching};
use crate::estimators::Reference;
use crate::execute::testing::p_value;
use crate::fault::{Fault, ticked_list};
use crate::outcome::Restriction;
use crate::outcome::matching::{BalanceRow, MatchedDid, MatchedTerm, MatchedUnit, Told};
use crate::outcome::testing::Distribution;

/// How units are matched, as asked for.
pub(super) struct How {
    pub matching: MatchUse,
    pub caliper: CaliperUse,
    pub last_period: bool,
    pub common_support: bool,
    pub adjust: bool,
}

impl How {
    fn asked(&self) -> matching::Asked {
        matching::Asked {
            matching: match self.matching {
                MatchUse::Nearest { neighbors, replacement } => Matching::Nearest { neighbors, replacement },
                MatchUse::Radius => Matching::Radius,
                MatchUse::Kernel { bandwidth } => Matching::Kernel { bandwidth },
            },
            caliper: match self.caliper {
                CaliperUse::None => Caliper::None,
                CaliperUse::OfLogOdds => Caliper::OfLogOdds,
                CaliperUse::OfScores(width) => Caliper::OfScores(width),
            },
            last_period: self.last_period,
            common_support: self.common_support,
            adjust: self.adjust,
        }
    }

    fn words(&self) -> (String, String) {
        let matching = match self.matching {
            MatchUse::Nearest { neighbors, replacement } => {
                let who = if neighbors == 1 { "the nearest".to_string() } else { format!("the {neighbors} nearest") };
                format!("{who} with{} replacement", if replacement { "" } else { "out" })
            }
            MatchUse::Radius => "all within the caliper".to_string(),
            MatchUse::Kernel { bandwidth } => format!("an Epanechnikov kernel of bandwidth {bandwidth}"),
        };
        let caliper = match self.caliper {
            CaliperUse::None => "none".to_string(),
            CaliperUse::OfLogOdds => "0.2 standard deviations of the log odds".to_string(),
            CaliperUse::OfScores(width) => width.to_string(),
        };
        (matching, caliper)
    }
}

impl Asked<'_> {
    pub(super) fn matched(&self, how: &How) -> Result<MatchedDid, Fault> {
        let sample = self.sample();
        let found = matching::matched(sample, &how.asked()).map_err(|e| self.unmatched(&e))?;
        let reference = Reference::T(found.clusters as f64 - 1.0);
        let tails = self.tails(reference);
        let header = self.header("psm_did", reference);
        let estimate =
            |k: usize| tails.measured(Measured { estimate: found.coefficients[k], se: found.vcov[(k, k)].sqrt() });
        let terms = &self.plan.model.terms;
        let names =
            |units: &[usize]| -> Vec<String> { units.iter().map(|&i| self.plan.model.units[i].clone()).collect() };
        let is_treated = |i: usize| found.treated.contains(&i);
        let controls: Vec<f64> =
            (0..sample.units).filter(|&i| !is_treated(i) && found.weights[i] > 0.0).map(|i| found.weights[i]).collect();
        let (mass, squares): (f64, f64) = (controls.iter().sum(), controls.iter().map(|w| w * w).sum());
        let df = sample.covariates.len();
        let ratio = |statistic: f64| Restriction { statistic, df, p: p_value(statistic, Distribution::ChiSquared(df)) };
        let unit = |i: usize| {
            Some(MatchedUnit {
                unit: self.plan.model.units[i].clone(),
                treated: is_treated(i),
                score: found.scores[i]?,
                weight: found.weights[i],
            })
        };
        let always: Vec<usize> =
            (0..sample.units).filter(|&i| sample.starts[i].is_some_and(|g| g <= header.first_period)).collect();
        let never = sample.starts.iter().filter(|s| s.is_none()).count();
        let (matching, caliper) = how.words();
        Ok(MatchedDid {
            of: header.of,
            outcome: header.outcome,
            treatment: header.treatment,
            covariates: header.covariates,
            exposure: header.exposure,
            matching,
            caliper,
            covariates_from: found.before.0,
            covariates_to: found.before.1,
            level: header.level,
            se_type: header.se_type,
            estimate: estimate(0),
            coefficients: (0..found.coefficients.len())
                .map(|k| MatchedTerm { term: terms[k].clone(), value: estimate(k) })
                .collect(),
            balance: terms.iter().skip(1).zip(&found.balance).map(|(term, b)| row(term, b)).collect(),
            told: Told { before: ratio(found.likelihood_ratio[0]), after: ratio(found.likelihood_ratio[1]) },
            treated_units: found.treated.len(),
            matched_treated: found.treated.iter().filter(|&&i| found.weights[i] > 0.0).count(),
            candidates: sample.never_dirty().len(),
            matched_controls: controls.len(),
            effective_controls: mass * mass / squares,
            off_support: names(&found.off_support),
            without_match: names(&found.without_match),
            always_treated: names(&always),
            exposed: never - sample.never_dirty().len(),
            units: (0..sample.units).filter_map(unit).collect(),
            nobs: found.rows,
            first_period: header.first_period,
            last_period: header.last_period,
            dropped: header.dropped,
            notes: header.notes,
        })
    }

    fn unmatched(&self, error: &MatchError) -> Fault {
        let treatment = &self.plan.treatment;
        let terms = &self.plan.model.terms;
        match error {
            MatchError::NoPeriodBefore => Fault::error(
                "durbin::treatment::no_period_before",
                format!("no unit that `{treatment}` treats has a period before the first start to be matched on"),
            )
            .help("begin the panel earlier"),
            MatchError::NoControls => Fault::error(
                "durbin::treatment::no_clean_controls",
                format!("no unit stays untreated by `{treatment}` and unexposed: there is nobody to match with"),
            )
            .help("a matrix with fewer neighbors, or `exposure: none`"),
            MatchError::NoOverlap { least, largest } => Fault::error(
                "durbin::estimate::no_overlap",
                format!(
                    "the covariates tell treated from controls: the lowest propensity score of the treated is {least:.4}, \
                     the highest of controls {largest:.4}"
                ),
            )
            .help("fewer covariates: what decides treatment by itself cannot be matched on"),
            MatchError::Collinear { covariates } => {
                let names: Vec<&String> = covariates.iter().filter_map(|&k| terms.get(k + 1)).collect();
                let message =
                    format!("{} is a linear combination of others before the first start", ticked_list(&names));
                Fault::error("durbin::plan::collinear", message).help("leave it out, or `covariates: last`")
            }
            MatchError::NoMatch => Fault::error(
                "durbin::estimate::no_overlap",
                "no treated unit has a control within the caliper and the common support",
            )
            .help("a wider `caliper:`, `support: all`, or fewer covariates"),
        }
    }
}

fn row(term: &str, b: &Balance) -> BalanceRow {
    BalanceRow {
        term: term.to_string(),
        treated_before: b.treated[0],
        controls_before: b.controls[0],
        treated_after: b.treated[1],
        controls_after: b.controls[1],
        bias_before: b.bias[0],
        bias_after: b.bias[1],
        variance_ratio_before: b.variance_ratio[0],
        variance_ratio_after: b.variance_ratio[1],
    }
}
