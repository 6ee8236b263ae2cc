//! What `honest` returns.

use super::Estimate;
use serde::Serialize;

/// An effect under one bound on departures from parallel trends.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RobustEffect {
    pub bound: f64,
    /// Effects that the estimates allow if they had no error; `null` where none fits the bound.
    pub identified: [f64; 2],
    pub ci: [f64; 2],
}

/// How far an effect survives departures from parallel trends.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Honest {
    /// The study as written.
    pub of: String,
    pub treatment: String,
    /// `direct`, `indirect` or `total`.
    pub effect: &'static str,
    /// `null`: the mean from 0 on.
    pub event_time: Option<i64>,
    pub reference: i64,
    /// `relative` or `smooth`.
    pub restriction: &'static str,
    pub level: f64,
    /// Under parallel trends.
    pub original: Estimate,
    pub bounds: Vec<RobustEffect>,
    /// The largest bound whose interval leaves zero out; `null` where none does, or every one.
    pub breakdown: f64,
    /// `found`, `none` (zero is in the interval already under parallel trends) or `beyond` (no bound looked at brings it in).
    pub breakdown_state: &'static str,
    pub notes: Vec<String>,
}
