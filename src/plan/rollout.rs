//! Who of a sample is treated from when: the sample may have lost units and periods of the panel the treatment is
//! declared on.

use super::ModelPlan;
use std::collections::BTreeMap;

/// The roll-out of a treatment on the units and periods of a sample.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RollOut {
    /// Units by their first treated period, where that is not the first of the sample.
    pub starts: BTreeMap<i64, usize>,
    /// Units treated from the first period of the sample.
    pub always: usize,
    pub never: usize,
    /// A unit returns to being untreated.
    pub reverses: bool,
}

impl RollOut {
    /// Of the treatment of a difference-in-differences; `None` for other models.
    pub fn of(plan: &ModelPlan) -> Option<RollOut> {
        let problem = &plan.problem;
        let treated = &problem.regressors.get(problem.treatment?)?.values;
        Some(RollOut::new(treated, &plan.periods, problem.units))
    }

    /// From the 0/1 values, unit fastest; NaN at gaps.
    fn new(treated: &[f64], periods: &[i64], units: usize) -> RollOut {
        let mut out = RollOut::default();
        for unit in 0..units {
            let at = |t: usize| treated.get(t * units + unit).copied().unwrap_or(f64::NAN);
            match (0..periods.len()).find(|&t| at(t) > 0.5) {
                None => out.never += 1,
                Some(start) => {
                    out.reverses |= (start..periods.len()).any(|t| at(t) < 0.5);
                    // A gap before the first row of a unit says nothing about when it started.
                    match (0..start).any(|t| !at(t).is_nan()) {
                        true => *out.starts.entry(periods[start]).or_default() += 1,
                        false => out.always += 1,
                    }
                }
            }
        }
        out
    }

    /// Units that are treated at some time.
    pub fn treated(&self) -> usize {
        self.always + self.starts.values().sum::<usize>()
    }

    /// Units start in more than one period.
    pub fn is_staggered(&self) -> bool {
        self.starts.len() > 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_counted_by_their_first_treated_period() {
        let nan = f64::NAN;
        // Three periods of five units: never, always, from 2, from 3 and back, a gap first.
        let treated = [[0.0, 1.0, 0.0, 0.0, nan], [0.0, 1.0, 1.0, 0.0, 1.0], [0.0, 1.0, 1.0, 1.0, 1.0]].concat();
        let out = RollOut::new(&treated, &[1, 2, 3], 5);
        assert_eq!((out.never, out.always, out.reverses), (1, 2, false));
        assert_eq!(out.starts.into_iter().collect::<Vec<_>>(), [(2, 1), (3, 1)]);
    }

    #[test]
    fn a_return_to_untreated_is_seen() {
        let out = RollOut::new(&[0.0, 0.0, 1.0, 0.0, 0.0, 0.0], &[1, 2, 3], 2);
        assert!(out.reverses && !out.is_staggered());
        assert_eq!((out.treated(), out.never), (1, 1));
    }
}
