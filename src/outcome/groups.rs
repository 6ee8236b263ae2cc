//! What effects that differ return: between groups of units, and between treated and untreated neighbors.

use super::testing::Finding;
use super::{Coefficient, Estimate, Fit, Impact};
use serde::Serialize;

/// The effects in one group.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupEffects {
    pub group: String,
    pub units: usize,
    pub treated_units: usize,
    pub direct: Estimate,
    pub indirect: Estimate,
    pub total: Estimate,
    /// Averages over the treated unit-periods of the group, with all treated units as they were (methods D.4).
    pub on_treated: Impact,
    /// Of a subsample: the share of the weights of its rows that leads to other groups, and is lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights_lost: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fit: Option<Box<Fit>>,
}

/// The effects of a treatment group by group (methods E.8).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ByGroup {
    pub model: String,
    pub treatment: String,
    pub by: String,
    /// `interaction` or `subsample`.
    pub method: String,
    pub level: f64,
    pub groups: Vec<GroupEffects>,
    /// The Wald test that own and lagged coefficients of the treatment are the same in all groups.
    pub equality: Finding,
    /// The one model of an interaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fit: Option<Box<Fit>>,
    #[serde(skip)]
    pub spatial: bool,
    #[serde(skip)]
    pub made_from: String,
}

/// Spillovers on treated and untreated units apart (methods D.4, Chagas et al.).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SplitExposure {
    pub model: String,
    pub treatment: String,
    pub level: f64,
    /// Of the treatment, then by matrix: exposure on treated, on untreated units.
    pub coefficients: Vec<Coefficient>,
    /// The Wald test that exposure acts alike on both.
    pub equality: Finding,
    pub on_treated: Estimate,
    pub by_exposure_on_treated: Estimate,
    pub on_untreated: Estimate,
    pub on_exposed: Estimate,
    pub treated_cells: usize,
    pub untreated_cells: usize,
    pub exposed_cells: usize,
    pub fit: Box<Fit>,
}
