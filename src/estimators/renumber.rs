//! A problem with its units renumbered so that neighbors are close in memory (scaling 5), and the way back.

use super::{EstimateError, Estimated, Problem, Regressor, Remark, TimeLag};
use crate::linalg::order::{inverse, neighbor_order, permute_matrix, permute_panel};
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
    pub fn of(problem: &Problem) -> Result<Option<Renumbered>, EstimateError> {
        let matrices = [&problem.lag_weights, &problem.error_weights].into_iter().flatten();
        let Some(w) = matrices.chain(&problem.durbin_weights).next() else { return Ok(None) };
        if problem.units <= SMALL || problem.present.is_some() || well_ordered(w) {
            return Ok(None);
        }
        let order = neighbor_order(&w.matrix)?;
        let mut moved: Vec<(Arc<Weights>, Arc<Weights>)> = Vec::new();
        let mut move_weights = |w: &Arc<Weights>| -> Result<Arc<Weights>, EstimateError> {
            if let Some((_, known)) = moved.iter().find(|(from, _)| Arc::ptr_eq(from, w)) {
                return Ok(known.clone());
            }
            let to = Arc::new(Weights {
                matrix: permute_matrix(&w.matrix, &order)?,
                scaling: w.scaling,
                symmetrizer: w.symmetrizer.as_ref().map(|s| permute_panel(s, &order)),
            });
            moved.push((w.clone(), to.clone()));
            Ok(to)
        };
        let durbin_weights = problem.durbin_weights.iter().map(&mut move_weights).collect::<Result<_, _>>()?;
        let lag_weights = problem.lag_weights.as_ref().map(&mut move_weights).transpose()?;
        let error_weights = problem.error_weights.as_ref().map(&mut move_weights).transpose()?;
        let regressors = problem
            .regressors
            .iter()
            .map(|r| Regressor { values: permute_panel(&r.values, &order), lagged: r.lagged })
            .collect();
        let time_lags = problem
            .time_lags
            .iter()
            .map(|t| Ok(TimeLag { weights: t.weights.as_ref().map(&mut move_weights).transpose()?, ..*t }))
            .collect::<Result<_, EstimateError>>()?;
        let outcome = permute_panel(&problem.outcome, &order);
        let problem = Problem {
            outcome,
            regressors,
            durbin_weights,
            lag_weights,
            error_weights,
            time_lags,
            present: None,
            ..*problem
        };
        Ok(Some(Renumbered { problem, order }))
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

fn well_ordered(w: &Weights) -> bool {
    let distance: f64 = w.matrix.iter().map(|(_, (i, k))| i.abs_diff(k) as f64).sum();
    distance <= CLOSE * (w.units() as f64).sqrt() * w.matrix.nnz() as f64
}
