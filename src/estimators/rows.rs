//! The rows of methods C.3: what a likelihood counts and how it removes effects.

use super::{EstimateError, FixedEffects, Likelihood};
use crate::linalg::cells::Cells;

/// One row of the table in methods C.3, with what methods C.5 and C.6 need to know about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Row {
    /// M, the observations the likelihood counts.
    pub observations: f64,
    /// m, how many log-determinants it carries.
    pub periods: f64,
    /// c, how many factors `1 − ρ` leave the determinant when period effects are transformed away.
    pub constant: f64,
    /// M° of the score adjustment (methods C.5, last item).
    pub adjusted: f64,
    pub unit_effects: bool,
    pub period_effects: bool,
    /// Rows 5 and 6: traces are those of `J G J`.
    pub projected: bool,
    /// Rows 4 and 7 under `partial`: the correction of methods C.5 follows.
    pub corrected: bool,
    /// The outcome of earlier periods is among the regressors (methods C.7).
    pub dynamic: bool,
    /// Unit effects estimated beside lags of the outcome take from its score: the correction of methods C.7 follows.
    pub time_bias: bool,
}

/// M of methods C.3 for a balanced sample: the observations a likelihood counts; NaN where none is left.
pub fn observations(units: usize, periods: usize, effects: FixedEffects, likelihood: Likelihood) -> f64 {
    Row::new(units, periods, effects, likelihood).map_or(f64::NAN, |row| row.observations)
}

impl Row {
    /// The row with the observations of an unbalanced sample, which is one of least squares: all cells under `direct`,
    /// else as many as the dummies leave (`partial` keeps those of periods, methods C.3).
    pub fn unbalanced(self, counts: &Counts, likelihood: Likelihood) -> Result<Self, EstimateError> {
        let spent = match likelihood {
            Likelihood::Direct => 0,
            Likelihood::Transform => counts.dummies,
            Likelihood::Partial if self.unit_effects => counts.units,
            Likelihood::Partial => 0,
        };
        if counts.rows <= spent {
            return Err(EstimateError::NotFinite);
        }
        Ok(Row { observations: (counts.rows - spent) as f64, ..self })
    }

    /// The row of a dynamic model (methods C.7): the likelihood counts every usable period, `M = n*T`, `m = T`. Under
    /// `direct` nothing is corrected.
    pub fn dynamic(self, units: usize, periods: usize, likelihood: Likelihood) -> Self {
        let (n, t) = (units as f64, periods as f64);
        let across = if self.projected { n - 1.0 } else { n };
        Row {
            observations: across * t,
            periods: t,
            constant: if self.projected { t } else { 0.0 },
            dynamic: true,
            time_bias: self.unit_effects && likelihood != Likelihood::Direct,
            ..self
        }
    }

    /// The row for `units × periods` observations. `NotFinite` when no observation is left to count.
    pub fn new(
        units: usize,
        periods: usize,
        effects: FixedEffects,
        likelihood: Likelihood,
    ) -> Result<Self, EstimateError> {
        let (n, t) = (units as f64, periods as f64);
        let direct = likelihood == Likelihood::Direct;
        let transform = likelihood == Likelihood::Transform;
        let unit_effects = matches!(effects, FixedEffects::Unit | FixedEffects::Both);
        let period_effects = matches!(effects, FixedEffects::Time | FixedEffects::Both);
        let across = if period_effects && transform { n - 1.0 } else { n };
        let along = if unit_effects && !direct { t - 1.0 } else { t };
        let adjusted = if direct {
            n * t
        } else {
            (if period_effects { n - 1.0 } else { n }) * (if unit_effects { t - 1.0 } else { t })
        };
        if across * along <= 0.0 {
            return Err(EstimateError::NotFinite);
        }
        Ok(Row {
            observations: across * along,
            periods: along,
            constant: if period_effects && transform { along } else { 0.0 },
            adjusted,
            unit_effects,
            period_effects,
            projected: period_effects && transform,
            corrected: period_effects && likelihood == Likelihood::Partial,
            dynamic: false,
            time_bias: false,
        })
    }
}

/// What there is to count in a sample, absent cells left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Counts {
    pub rows: usize,
    pub units: usize,
    pub periods: usize,
    /// Dummies the effects stand for (methods C.11): `N + T − 1`, N, T or none (the intercept is among the slopes).
    pub dummies: usize,
}

impl Counts {
    /// Of a balanced panel, or of the cells that are there.
    pub fn new(units: usize, periods: usize, cells: Option<&Cells>, row: &Row) -> Self {
        let (units, periods, rows, groups) = match cells {
            Some(c) => (c.units_seen(), c.periods_seen(), c.rows(), c.groups()),
            None => (units, periods, units * periods, 1),
        };
        let dummies = match (row.unit_effects, row.period_effects) {
            (true, true) => units + periods - groups,
            (true, false) => units,
            (false, true) => periods,
            (false, false) => 0,
        };
        Counts { rows, units, periods, dummies }
    }
}
