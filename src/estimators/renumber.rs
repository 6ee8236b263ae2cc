//! A problem with its units renumbered so that neighbors are close in memory (scaling 5), and the way back.

use super::shared::Shared;
use super::{Approach, EstimateError, Estimated, Layout, Problem, Regressor, Remark, TimeLag};
use crate::linalg::absorb::Factor;
use crate::linalg::order::{inverse, neighbor_order, permute_panel};
use crate::weights::Weights;
use std::sync::Arc;

/// Samples of at most this many units stay in cache whatever their order.
const SMALL: usize = 2000;
/// Neighbors this many multiples of √N apart on average are close enough.
const CLOSE: f64 = 4.0;

/// The problem in the new order.
pub(crate) struct Renumbered {
    pub problem: Problem,
    order: Vec<u32>,
}

impl Renumbered {
    /// `None` for a small problem, one without matrices, or one that is well ordered already.
    pub fn of(problem: &Problem, shared: &Shared) -> Result<Option<Renumbered>, EstimateError> {
        let Some(w) = giver(problem).filter(|_| problem.present.is_none()) else { return Ok(None) };
        let found = shared.order(w)?;
        let Some(order) = found.as_ref() else { return Ok(None) };
        let move_weights = |of: &Arc<Weights>| shared.moved(w, of);
        let durbin_weights = problem.durbin_weights.iter().map(move_weights).collect::<Result<_, _>>()?;
        let lag_weights = problem.lag_weights.as_ref().map(move_weights).transpose()?;
        let error_weights = problem.error_weights.as_ref().map(move_weights).transpose()?;
        let regressors = problem
            .regressors
            .iter()
            .map(|r| Regressor { values: permute_panel(&r.values, order), lagged: r.lagged })
            .collect();
        let time_lags = problem
            .time_lags
            .iter()
            .map(|t| Ok(TimeLag { weights: t.weights.as_ref().map(move_weights).transpose()?, ..*t }))
            .collect::<Result<_, EstimateError>>()?;
        let outcome = permute_panel(&problem.outcome, order);
        let mut approach = problem.approach.clone();
        if let Approach::Instruments { instruments, .. } = &mut approach {
            instruments.iter_mut().for_each(|z| *z = permute_panel(z, order));
        }
        let layout = moved(&problem.layout, order);
        let problem = Problem {
            outcome,
            regressors,
            durbin_weights,
            lag_weights,
            error_weights,
            time_lags,
            approach,
            present: None,
            layout,
            ..*problem
        };
        Ok(Some(Renumbered { problem, order: order.clone() }))
    }

    /// The place in the given problem of every unit of the new one.
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// An estimate in the order of the problem it came from.
    pub fn undo(&self, found: Estimated) -> Estimated {
        let back = inverse(&self.order);
        let units = |x: &[f64]| if x.is_empty() { Vec::new() } else { permute_panel(x, &back) };
        let remark = |r: Remark| match r {
            Remark::Leverage { unit, share } => Remark::Leverage { unit: self.order[unit] as usize, share },
            other => other,
        };
        Estimated {
            residuals: units(&found.residuals),
            fitted: units(&found.fitted),
            unit_effects: units(&found.unit_effects),
            remarks: found.remarks.into_iter().map(remark).collect(),
            ..found
        }
    }
}

/// The layout of the units in their new order.
fn moved(layout: &Layout, order: &[u32]) -> Layout {
    let units = || order.iter().map(|&i| i as usize);
    Layout {
        clusters: permute_panel(&layout.clusters, order),
        coordinates: layout.coordinates.as_ref().map(|c| Arc::new(c.of(units()))),
        times: layout.times.clone(),
        effects: layout
            .effects
            .iter()
            .map(|f| Factor { level: permute_panel(&f.level, order), levels: f.levels })
            .collect(),
        trends: layout.trends,
        left_out: permute_panel(&layout.left_out, order),
    }
}

/// The matrix whose neighbors set the order of units: of the lag, of the error, or the first of regressors.
pub fn giver(problem: &Problem) -> Option<&Arc<Weights>> {
    let carriers = [&problem.lag_weights, &problem.error_weights].into_iter().flatten();
    carriers.chain(&problem.durbin_weights).next()
}

/// The order in which the neighbors of a matrix are close; `None` where it has few units, or has that order already.
pub(crate) fn order_of(w: &Weights) -> Result<Option<Vec<u32>>, EstimateError> {
    // Blocks of periods are apart as they stand, and units keep their places in each.
    if w.units() <= SMALL || w.changes() || well_ordered(w) {
        return Ok(None);
    }
    Ok(Some(neighbor_order(&w.matrix)?))
}

fn well_ordered(w: &Weights) -> bool {
    let distance: f64 = w.matrix.iter().map(|(_, (i, k))| i.abs_diff(k) as f64).sum();
    distance <= CLOSE * (w.units() as f64).sqrt() * w.matrix.nnz() as f64
}
