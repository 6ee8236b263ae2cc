//! What rings around treated units return.

use super::{Estimate, Fit};
use serde::Serialize;

/// The effect on untreated units of one ring.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RingEffect {
    pub lo: f64,
    pub hi: f64,
    pub unit: &'static str,
    #[serde(flatten)]
    pub value: Estimate,
    /// Units ever in the ring, untreated then, and their unit-periods.
    pub exposed_units: usize,
    pub cells: usize,
}

/// Effects on the treated and, ring by ring, on the units around them (methods E.7).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rings {
    /// The formula or model it is asked of.
    pub model: String,
    pub treatment: String,
    pub level: f64,
    /// On the treated, spillovers from other treated units in it.
    pub direct: Estimate,
    pub treated_units: usize,
    pub rings: Vec<RingEffect>,
    /// Units never treated and never in a ring.
    pub clean_units: usize,
    pub fit: Box<Fit>,
}
