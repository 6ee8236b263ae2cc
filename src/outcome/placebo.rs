//! What placebos return: estimates where no treatment was.

use super::{Estimate, Fit, Impact};
use serde::Serialize;

/// One number for each part of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Parts<T> {
    pub direct: T,
    pub indirect: T,
    pub total: T,
}

/// What one random assignment gives: the estimate, its statistic, and the p-value of the model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Drawn {
    pub estimate: f64,
    pub statistic: f64,
    pub p: f64,
}

/// Coefficient and effects of the treatment as it was.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Actual {
    pub coefficient: Estimate,
    #[serde(flatten)]
    pub effects: Impact,
}

/// One random assignment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Draw {
    pub coefficient: Drawn,
    #[serde(flatten)]
    pub effects: Parts<Drawn>,
}

/// The estimate among those of random assignments of its treatment (methods E.9).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Placebo {
    /// The model it is asked of.
    pub model: String,
    pub treatment: String,
    /// `units`, `corridors`, `clusters` or `torus`.
    pub permute: String,
    /// The column of the groups.
    pub by: Option<String>,
    pub groups: Option<usize>,
    pub reps: usize,
    /// Assignments without an estimate, or without a place.
    pub discarded: usize,
    /// How many different assignments there are, where that is known.
    pub possible: Option<f64>,
    pub seed: u64,
    pub level: f64,
    pub actual: Actual,
    /// Whose p-value `p` is: `direct`, `indirect` or `total`.
    pub statistic: String,
    /// The share of assignments whose studentised statistic is at least as far from zero, the actual one among them.
    pub p: f64,
    pub p_values: Parts<f64>,
    /// How often the model's own test rejects at its level where nothing happened.
    pub rejections: Parts<f64>,
    /// Quantiles of the estimates of the draws.
    pub shares: Vec<f64>,
    pub quantiles: Parts<Vec<f64>>,
    pub draws: Vec<Draw>,
    /// The model has effects on others.
    #[serde(skip)]
    pub spatial: bool,
    #[serde(skip)]
    pub made_from: String,
}

/// Units by the period in which they start.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Start {
    pub time: i64,
    pub units: usize,
}

/// A model on what came before treatment, with earlier starts (methods E.9).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FakeTiming {
    pub model: String,
    pub treatment: String,
    pub shift: usize,
    /// Where the starts stand now.
    pub starts: Vec<Start>,
    pub first_period: i64,
    pub last_period: i64,
    /// Unit-periods that take part, those that count as treated, and those left out for being treated or exposed.
    pub cells: usize,
    pub treated_cells: usize,
    pub left_out: usize,
    pub direct: Estimate,
    pub indirect: Estimate,
    pub total: Estimate,
    pub fit: Box<Fit>,
}

/// A model without one group of treated units.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WithoutGroup {
    pub group: String,
    pub units: Vec<String>,
    #[serde(flatten)]
    pub actual: Actual,
    pub direct_on_treated: Estimate,
    pub indirect_on_untreated: Estimate,
    pub fit: Box<Fit>,
}

/// How far an estimate rests on one group of treated units (methods E.9).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeaveOneOut {
    pub model: String,
    pub treatment: String,
    pub by: String,
    pub level: f64,
    pub actual: Actual,
    pub direct_on_treated: Estimate,
    pub groups: Vec<WithoutGroup>,
    /// The least and the largest estimate.
    pub range: Range,
    #[serde(skip)]
    pub spatial: bool,
    #[serde(skip)]
    pub made_from: String,
}

/// From the least to the largest estimate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Range {
    pub coefficient: [f64; 2],
    pub direct: [f64; 2],
    pub indirect: [f64; 2],
    pub total: [f64; 2],
    pub direct_on_treated: [f64; 2],
}
