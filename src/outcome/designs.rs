//! What designs around a model return.

use super::groups::{ByGroup, SplitExposure};
use super::honest::Honest;
use super::matching::MatchedDid;
use super::placebo::{FakeTiming, LeaveOneOut, Placebo};
use super::replications::{Joint, Simulation, SpecCurve};
use super::rings::Rings;
use super::staggered::{Decomposition, Staggered};
use super::testing::Finding;
use super::{Estimate, Fit, Impact};
use serde::Serialize;

/// The value of a design.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Design {
    EventStudy(Box<EventStudy>),
    ByBand(ByBand),
    Placebo(Box<Placebo>),
    FakeTiming(Box<FakeTiming>),
    LeaveOneOut(Box<LeaveOneOut>),
    Simulation(Box<Simulation>),
    SpecCurve(Box<SpecCurve>),
    Rings(Box<Rings>),
    Joint(Box<Joint>),
    ByGroup(Box<ByGroup>),
    SplitExposure(Box<SplitExposure>),
    /// `att_gt`, `sun_abraham`, `imputation`, `two_stage`.
    Staggered(Box<Staggered>),
    Bacon(Decomposition),
    Honest(Honest),
    Matched(Box<MatchedDid>),
}

/// Joint tests that nothing happened before the start: all leads, those of the own treatment, those of the neighbors'.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Leads {
    pub pretrend: Finding,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pretrend_own: Option<Finding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pretrend_spillover: Option<Finding>,
}

/// One event time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EventPeriod {
    pub event_time: i64,
    /// As shown: `-5 and before`.
    pub label: String,
    pub direct: Estimate,
    /// With `spill_clock: own` the mean of what comes from other units over the untreated whose clock of exposure shows
    /// this time.
    pub indirect: Estimate,
    /// Absent with `spill_clock: own`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<Estimate>,
    /// Averages over the unit-periods there, with all treated units as they were (methods D.4).
    pub on_treated: Impact,
    /// Units ever observed there, and unit-periods.
    pub treated_units: usize,
    pub treated_cells: usize,
    /// The same of untreated units by the clock of their exposure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exposed_units: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exposed_cells: Option<usize>,
    /// Intervals that hold at all event times at once.
    pub uniform: Uniform,
}

/// Uniform intervals.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Uniform {
    pub direct: [f64; 2],
    pub indirect: [f64; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<[f64; 2]>,
}

/// Effects by time since the start of a treatment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EventStudy {
    /// The model it is asked of.
    pub model: String,
    pub treatment: String,
    pub reference: i64,
    /// `neighbor`: spillovers by the event times of neighbors; `own`: by the time since a unit was first exposed.
    pub spill_clock: &'static str,
    pub level: f64,
    pub periods: Vec<EventPeriod>,
    #[serde(flatten)]
    pub leads: Option<Leads>,
    /// Critical values of the uniform intervals of direct, indirect and total effects, and the draws behind them.
    pub uniform_critical: [f64; 3],
    pub draws: usize,
    /// Covariances of the direct effects, and of the indirect ones, across event times.
    pub vcov_direct: Vec<Vec<f64>>,
    pub vcov_indirect: Vec<Vec<f64>>,
    pub fit: Box<Fit>,
}

/// A model with one band as its matrix.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BandEffects {
    pub lo: f64,
    pub hi: f64,
    pub unit: &'static str,
    /// Units that, untreated, have a treated unit in the band in some period.
    pub exposed_units: usize,
    pub direct: Estimate,
    pub indirect: Estimate,
    pub total: Estimate,
    /// How much of the variance of the treatment's lag the other regressors and the fixed effects explain: 1/(1 − R²).
    pub vif: f64,
    /// 2.8 standard errors of the indirect effect: the least that would be found with power 0.8 at level 0.05.
    pub detectable: f64,
    pub fit: Box<Fit>,
}

/// The model again for each band.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ByBand {
    pub model: String,
    pub treatment: String,
    pub level: f64,
    pub bands: Vec<BandEffects>,
    /// The outer bound of the last band whose indirect effect differs from zero; none beyond it does.
    pub boundary: Option<f64>,
}
