//! Whether rings around treated units hold anybody, and whether anybody is beyond them (methods E.7).

use super::{ModelPlan, Planner, Step};
use crate::check::spec::Place;
use crate::fault::{Fault, counted, ticked_list};

/// Who is in which ring.
#[derive(Clone, Debug)]
pub struct RingCounts {
    /// Units ever in each ring, and unit-periods in it.
    pub exposed: Vec<usize>,
    pub cells: Vec<usize>,
    /// Units that are never treated and in no ring in any period.
    pub clean: usize,
    pub treated: usize,
}

impl Planner<'_> {
    /// Every ring holds a unit, and some unit is outside all of them.
    pub(super) fn rings(
        &mut self,
        treatment: &str,
        rings: &[[f64; 2]],
        place: Place,
        plan: &ModelPlan,
    ) -> Step<RingCounts> {
        let (n, problem) = (plan.units.len(), &plan.problem);
        let on = |k: usize, r: usize| problem.regressors[k].values[r] > 0.5;
        let ever = |k: usize, i: usize| (0..problem.periods).any(|t| on(k, t * n + i));
        let exposed: Vec<usize> = (0..rings.len()).map(|b| (0..n).filter(|&i| ever(b + 1, i)).count()).collect();
        let cells = (0..rings.len()).map(|b| (0..n * problem.periods).filter(|&r| on(b + 1, r)).count()).collect();
        let treated = (0..n).filter(|&i| ever(0, i)).count();
        let beyond: Vec<usize> = (0..n).filter(|&i| (0..=rings.len()).all(|k| !ever(k, i))).collect();
        let empty: Vec<String> = rings
            .iter()
            .zip(&exposed)
            .filter(|(_, units)| **units == 0)
            .map(|([lo, hi], _)| format!("{lo} to {hi} km"))
            .collect();
        if !empty.is_empty() {
            let message = format!(
                "no untreated unit is ever {} from its nearest unit treated by `{treatment}`",
                empty.join(", nor ")
            );
            let fault = Fault::error("durbin::treatment::empty_ring", message)
                .help("widen the ring: `distance_to(…)` as a column shows the distances there are");
            return Err(self.report(fault, place.0));
        }
        if beyond.is_empty() {
            let hi = rings.last().map_or(0.0, |r| r[1]);
            let never: Vec<String> = (0..n).filter(|&i| !ever(0, i)).map(|i| plan.units[i].clone()).collect();
            let message = format!(
                "no unit stays clean: all {} that are never treated come within {hi} km of a treated one: {}",
                counted(never.len(), "unit", "units"),
                ticked_list(&never)
            );
            let fault = Fault::error("durbin::treatment::no_clean_controls", message)
                .help("spillovers are told from the course of units beyond the last ring: draw it closer");
            return Err(self.report(fault, place.0));
        }
        Ok(RingCounts { exposed, cells, clean: beyond.len(), treated })
    }
}
