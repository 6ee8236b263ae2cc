//! What `psm_did` returns.

use super::{Dropped, Estimate, Restriction};
use serde::Serialize;

/// Means of a covariate among treated and controls, before and after matching.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BalanceRow {
    pub term: String,
    pub treated_before: f64,
    pub controls_before: f64,
    pub treated_after: f64,
    pub controls_after: f64,
    /// Standardized differences in percent.
    pub bias_before: f64,
    pub bias_after: f64,
    /// Variance of the treated over that of controls.
    pub variance_ratio_before: f64,
    pub variance_ratio_after: f64,
}

/// Covariates tell treated from controls: before matching, and on the matched sample.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Told {
    pub before: Restriction,
    pub after: Restriction,
}

/// A candidate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MatchedUnit {
    pub unit: String,
    pub treated: bool,
    pub score: f64,
    /// In the regression; 0: not in it.
    pub weight: f64,
}

/// A term of the weighted regression.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MatchedTerm {
    pub term: String,
    #[serde(flatten)]
    pub value: Estimate,
}

/// Difference in differences on matched units.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MatchedDid {
    pub of: String,
    pub outcome: String,
    pub treatment: String,
    pub covariates: Vec<String>,
    pub exposure: Vec<String>,
    /// As asked for, in words.
    pub matching: String,
    pub caliper: String,
    /// The periods behind the covariates of the score.
    pub covariates_from: i64,
    pub covariates_to: i64,
    pub level: f64,
    pub se_type: String,
    pub estimate: Estimate,
    pub coefficients: Vec<MatchedTerm>,
    pub balance: Vec<BalanceRow>,
    pub told: Told,
    pub treated_units: usize,
    pub matched_treated: usize,
    pub candidates: usize,
    pub matched_controls: usize,
    /// Controls that would stand for as many if all had one weight: (Σw)²/Σw².
    pub effective_controls: f64,
    pub off_support: Vec<String>,
    pub without_match: Vec<String>,
    pub always_treated: Vec<String>,
    /// Never treated, but exposed: no candidates.
    pub exposed: usize,
    pub units: Vec<MatchedUnit>,
    pub nobs: usize,
    pub first_period: i64,
    pub last_period: i64,
    pub dropped: Vec<Dropped>,
    pub notes: Vec<String>,
}
