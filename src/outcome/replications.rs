//! What many estimates say together: the quality of an analysis on outcomes drawn from it, and one effect over many models.

use super::Estimate;
use super::testing::Finding;
use serde::Serialize;

/// How an estimator does where the truth is known (methods G.4).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quality {
    pub truth: f64,
    pub mean: f64,
    pub bias: f64,
    pub rmse: f64,
    /// The spread of the estimates, and the mean standard error over it.
    pub sd: f64,
    pub error_ratio: f64,
    /// How often the interval holds the truth, and how often zero is rejected.
    pub coverage: f64,
    pub power: f64,
    /// 2.8 spreads: the least that a test of level 0.05 finds with power 0.8.
    pub detectable: f64,
    pub monte_carlo_error: QualityErrors,
}

/// The Monte Carlo errors of a quality.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct QualityErrors {
    pub bias: f64,
    pub rmse: f64,
    pub coverage: f64,
    pub power: f64,
}

/// Of a coefficient.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TermQuality {
    pub term: String,
    #[serde(flatten)]
    pub quality: Quality,
}

/// Of the effects of a term.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EffectQuality {
    pub term: String,
    pub direct: Quality,
    pub indirect: Quality,
    pub total: Quality,
}

/// Of what a policy did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PolicyQuality {
    pub direct_on_treated: Quality,
    pub indirect_on_treated: Quality,
    pub total_on_treated: Quality,
    pub indirect_on_untreated: Quality,
    pub indirect_on_exposed: Quality,
    pub aggregate: Quality,
}

/// A model on outcomes drawn from it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Simulation {
    pub model: String,
    pub treatment: Option<String>,
    pub reps: usize,
    /// Outcomes without an estimate.
    pub discarded: usize,
    pub seed: u64,
    pub level: f64,
    /// `normal` or `residuals`.
    pub errors: String,
    /// The parameters that were set; the others are as estimated.
    pub set: Vec<String>,
    pub sigma2: f64,
    pub units: usize,
    pub periods: usize,
    /// Units that are ever treated.
    pub treated_units: Option<usize>,
    pub terms: Vec<TermQuality>,
    pub effects: Vec<EffectQuality>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_effects: Option<PolicyQuality>,
    #[serde(skip)]
    pub spatial: bool,
    #[serde(skip)]
    pub made_from: String,
}

/// One model of a curve.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Specification {
    /// As written.
    pub model: String,
    #[serde(flatten)]
    pub value: Estimate,
    pub query: String,
    pub outcome: String,
    pub weights: Option<String>,
    pub controls: Vec<String>,
    /// The condition of the sample.
    pub sample: Option<String>,
    pub panel: String,
    pub fixed_effects: Vec<String>,
    pub se_type: String,
    pub likelihood: String,
    pub nobs: usize,
}

/// One effect over many models, in ascending order.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SpecCurve {
    pub term: String,
    /// `direct`, `indirect` or `total`.
    pub effect: String,
    pub level: f64,
    pub specifications: Vec<Specification>,
    pub median: f64,
    pub range: [f64; 2],
    /// How many differ from zero at the level above it, and below it.
    pub positive: usize,
    pub negative: usize,
}

/// The effect in one model of several.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JointEffect {
    /// As written.
    pub model: String,
    pub outcome: String,
    pub query: String,
    #[serde(flatten)]
    pub value: Estimate,
}

/// One effect in several models on the same units, with their joint variance (methods E.8).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Joint {
    pub term: String,
    pub effect: String,
    pub level: f64,
    pub reps: usize,
    /// Draws without an estimate in every model.
    pub discarded: usize,
    pub seed: u64,
    pub effects: Vec<JointEffect>,
    pub vcov: Vec<Vec<f64>>,
    pub correlation: Vec<Vec<f64>>,
    /// The Wald test that the effect is the same in all models.
    pub equality: Finding,
}
