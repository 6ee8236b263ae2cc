//! What designs for staggered treatments return.

use super::testing::Finding;
use super::{Dropped, Estimate};
use serde::Serialize;

/// An effect by time since the start, or since the exposure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EventEffect {
    pub event_time: i64,
    #[serde(flatten)]
    pub value: Estimate,
    /// The interval that holds at all event times at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uniform: Option<[f64; 2]>,
    /// By the multiplier bootstrap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub se_bootstrap: Option<f64>,
    pub units: usize,
}

/// The effect on one group in one period.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupTimeEffect {
    /// The start of the group; of exposed units its first exposed period.
    pub group: i64,
    pub time: i64,
    /// The first exposed period of a group that was exposed before it was treated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exposed_from: Option<i64>,
    /// The start of an exposed group that is treated later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub treated_from: Option<i64>,
    #[serde(flatten)]
    pub value: Estimate,
    pub uniform: [f64; 2],
    pub se_bootstrap: f64,
    pub base: i64,
    pub units: usize,
    pub controls: usize,
}

/// The effect on one group over time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupEffect {
    pub group: i64,
    #[serde(flatten)]
    pub value: Estimate,
    pub units: usize,
}

/// The effect on all groups in one period.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PeriodEffect {
    pub time: i64,
    #[serde(flatten)]
    pub value: Estimate,
    pub units: usize,
}

/// Averages over averages: of event times from 0 on, of groups, of periods.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Averages {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dynamic: Option<Estimate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<Estimate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calendar: Option<Estimate>,
}

/// Averages of group-time effects.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Aggregated {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub simple: Option<Estimate>,
    pub dynamic: Vec<EventEffect>,
    pub group: Vec<GroupEffect>,
    pub calendar: Vec<PeriodEffect>,
    pub overall: Averages,
}

/// The mean spillover by one matrix: on units that it exposes and no earlier one does.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ByMatrix {
    pub weights: String,
    #[serde(flatten)]
    pub value: Estimate,
    pub units: usize,
    pub cells: usize,
}

/// The effects on units that are exposed and not treated.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SpilloverEffects {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overall: Option<Estimate>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub periods: Vec<EventEffect>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub matrices: Vec<ByMatrix>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub att: Vec<GroupTimeEffect>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregates: Option<Aggregated>,
    /// Nothing happens before the exposure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pretrend: Option<Finding>,
    /// Covariance across event times, in their order.
    pub vcov: Vec<Vec<f64>>,
    pub units: usize,
    pub cells: usize,
}

/// Units or cells that take no part, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeftOut {
    pub reason: String,
    pub units: Vec<String>,
    pub cells: usize,
}

/// The multiplier bootstrap behind uniform intervals.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Multiplied {
    pub draws: usize,
    pub weights: &'static str,
    pub clusters: usize,
    pub seed: u64,
    /// Standard errors to each side at all event times at once, and at all groups and periods at once.
    pub critical_dynamic: f64,
    pub critical: f64,
}

/// Effects of a treatment that starts at different times.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Staggered {
    #[serde(skip)]
    pub kind: &'static str,
    /// The formula or model it was asked of.
    pub of: String,
    pub outcome: String,
    pub treatment: String,
    pub covariates: Vec<String>,
    /// Matrices by which untreated units are exposed; none: nothing spills over by assumption.
    pub exposure: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimator: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_period: Option<String>,
    pub anticipation: i64,
    pub level: f64,
    pub se_type: String,
    /// `normal`, or `t` with its degrees of freedom.
    pub distribution: String,
    pub distribution_df: f64,
    pub nobs: usize,
    pub units: usize,
    pub first_period: i64,
    pub last_period: i64,
    pub treated_units: usize,
    /// Units that are never treated and never exposed.
    pub clean_units: usize,
    pub dropped: Vec<Dropped>,
    pub left_out: Vec<LeftOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overall: Option<Estimate>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub periods: Vec<EventEffect>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub leads: Vec<EventEffect>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub att: Vec<GroupTimeEffect>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregates: Option<Aggregated>,
    /// Nothing happens before the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pretrend: Option<Finding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spillover: Option<SpilloverEffects>,
    /// Covariance across event times, in their order.
    pub vcov: Vec<Vec<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bootstrap: Option<Multiplied>,
    pub notes: Vec<String>,
}

impl Staggered {
    /// Effects by time since the start, leads among them where the design has them.
    pub fn dynamic(&self) -> &[EventEffect] {
        self.aggregates.as_ref().map_or(&self.periods, |a| &a.dynamic)
    }
}

impl SpilloverEffects {
    /// Effects by time since the exposure.
    pub fn dynamic(&self) -> &[EventEffect] {
        self.aggregates.as_ref().map_or(&self.periods, |a| &a.dynamic)
    }
}

/// One comparison of two groups in the two-way estimate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BaconComparison {
    pub treated: i64,
    /// `null`: the never treated.
    pub control: Option<i64>,
    pub versus: &'static str,
    pub weight: f64,
    pub estimate: f64,
}

/// Comparisons of one type together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BaconType {
    pub group: &'static str,
    pub weight: f64,
    pub estimate: f64,
    pub comparisons: usize,
}

/// Untreated cells with a treated neighbor among the controls.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExposedControls {
    pub cells: usize,
    pub units: usize,
    /// A spillover of s on each adds s times this to the two-way estimate.
    pub weight: f64,
}

/// The two-way estimate as a weighted mean of comparisons.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decomposition {
    pub of: String,
    pub outcome: String,
    pub treatment: String,
    pub estimate: f64,
    pub types: Vec<BaconType>,
    pub comparisons: Vec<BaconComparison>,
    pub exposure: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exposed_controls: Option<ExposedControls>,
    pub nobs: usize,
    pub units: usize,
    pub first_period: i64,
    pub last_period: i64,
    pub dropped: Vec<Dropped>,
    pub notes: Vec<String>,
}
