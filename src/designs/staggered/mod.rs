//! Estimators for treatments that start at different times, with and without exposure to treated neighbors
//! (methods E.3–E.6).
//!
//! A unit is *treated* from its start g on and *dirty* from c = min(g, first period with a treated neighbor) on; without
//! matrices of exposure c = g. Only cells before c, and units that never become dirty, are compared with: clean controls
//! are those neither treated nor exposed. A cell at or after g tells of the effect on the treated, one from c up to g of
//! the spillover on units that are exposed and not treated.

mod aggregate;
mod bacon;
mod clustered;
mod group_time;
mod imputation;
mod interaction;
mod multiplier;
mod two_by_two;
mod untreated;

pub use aggregate::{Aggregate, Aggregates, aggregates, by_cluster, standard_error, wald};
pub use bacon::{Bacon, Comparison, Versus, bacon, exposed_weight};
pub use group_time::{Asked, Base, Control, GroupCell, GroupTime, group_time};
pub use imputation::{Imputed, Leads, Residuals, Target, imputation, leads};
pub use interaction::{Interacted, SunAbraham, sun_abraham};
pub use multiplier::{Bands, Multiplier, bands};
pub use two_by_two::Method;

use sprs::CsMat;
use thiserror::Error;

/// Outcome, covariates and the roll-out on one sample, `N × T`, unit fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub units: usize,
    /// Ascending.
    pub periods: Vec<i64>,
    pub outcome: Vec<f64>,
    pub covariates: Vec<Vec<f64>>,
    /// Cells that are there; `None`: all.
    pub present: Option<Vec<bool>>,
    /// First treated period of each unit; `None`: not treated up to the last period.
    pub starts: Vec<Option<i64>>,
    /// By matrix of exposure: the first period in which a unit has a treated neighbor.
    pub exposed: Vec<Vec<Option<i64>>>,
    /// The cluster of each unit, from 0.
    pub clusters: Vec<u32>,
}

/// What a cell is to the effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Clean,
    /// Not treated, exposed by the matrix of that number: the first of the list that does.
    Exposed(usize),
    Treated,
}

/// Which effect a cell tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// On the treated.
    Direct,
    /// On the exposed that are not treated.
    Spillover,
}

/// Units with one start and one first dirty period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub start: Option<i64>,
    /// The first period that is treated or exposed.
    pub dirty: i64,
    pub units: Vec<usize>,
}

/// Why there is no estimate.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum StaggeredError {
    /// `control: never` without a unit that is never treated (and never exposed).
    #[error("no unit is never treated and never exposed")]
    NoNever,
    /// No group has both a clean base period and controls.
    #[error("no group has a clean base period and controls")]
    NothingIdentified,
    /// No cell that is neither treated nor exposed.
    #[error("no cell is neither treated nor exposed")]
    NoCleanCells,
    /// No dirty cell has a unit effect and a period effect from clean cells.
    #[error("no treated cell can be imputed")]
    NothingImputable,
    /// Covariates (by number) that are combinations of others and the effects, where they are estimated.
    #[error("covariates {covariates:?} are linear combinations of others")]
    Collinear { covariates: Vec<usize> },
    /// Fewer controls than coefficients in one comparison.
    #[error("{controls} controls for {coefficients} coefficients")]
    FewControls { start: Option<i64>, time: i64, controls: usize, coefficients: usize },
    /// A propensity score without overlap in one comparison.
    #[error("the propensity score of the group is separated from its controls")]
    NoOverlap { start: Option<i64>, time: i64, largest: f64 },
    #[error("absent cells")]
    Unbalanced,
    /// The regression needs so many numbers.
    #[error("{numbers} numbers")]
    TooLarge { numbers: usize },
}

/// The first period in which each unit has a treated neighbor, by the links of a matrix.
pub fn exposed_from(w: &CsMat<f64>, starts: &[Option<i64>]) -> Vec<Option<i64>> {
    let mut out: Vec<Option<i64>> = vec![None; starts.len()];
    for (&v, (i, k)) in w.iter() {
        if i != k
            && v > 0.0
            && let Some(start) = starts[k]
        {
            out[i] = Some(out[i].map_or(start, |known| known.min(start)));
        }
    }
    out
}

impl Sample {
    /// The first period in which a unit is treated or exposed.
    pub fn dirty_from(&self, unit: usize) -> Option<i64> {
        let exposed = self.exposed.iter().filter_map(|m| m[unit]);
        exposed.chain(self.starts[unit]).min()
    }

    pub fn state(&self, unit: usize, period: i64) -> State {
        if self.starts[unit].is_some_and(|g| g <= period) {
            return State::Treated;
        }
        let by = self.exposed.iter().position(|m| m[unit].is_some_and(|x| x <= period));
        by.map_or(State::Clean, State::Exposed)
    }

    pub fn is_present(&self, cell: usize) -> bool {
        self.present.as_ref().is_none_or(|p| p[cell])
    }

    /// Units that are never treated and never exposed.
    pub fn never_dirty(&self) -> Vec<usize> {
        (0..self.units).filter(|&i| self.dirty_from(i).is_none()).collect()
    }

    /// The last period that, with so many periods of anticipation after it, lies before `dirty`.
    pub fn base_of(&self, dirty: i64, anticipation: i64) -> Option<usize> {
        self.periods.iter().rposition(|p| p.saturating_add(anticipation) < dirty)
    }

    /// Units by start and first dirty period, those without a clean base period apart; groups ascend by start, the
    /// never treated last.
    pub fn groups(&self, anticipation: i64) -> (Vec<Group>, Vec<usize>) {
        let mut keys: Vec<(i64, i64, usize)> = Vec::new();
        let mut without_base = Vec::new();
        for unit in 0..self.units {
            let Some(dirty) = self.dirty_from(unit) else { continue };
            match self.base_of(dirty, anticipation) {
                Some(_) => keys.push((self.starts[unit].unwrap_or(i64::MAX), dirty, unit)),
                None => without_base.push(unit),
            }
        }
        keys.sort_unstable();
        let mut groups: Vec<Group> = Vec::new();
        for (start, dirty, unit) in keys {
            let start = (start < i64::MAX).then_some(start);
            match groups.last_mut().filter(|g| g.start == start && g.dirty == dirty) {
                Some(group) => group.units.push(unit),
                None => groups.push(Group { start, dirty, units: vec![unit] }),
            }
        }
        (groups, without_base)
    }

    /// How many clusters the units have.
    pub fn cluster_count(&self) -> usize {
        self.clusters.iter().max().map_or(0, |m| *m as usize + 1)
    }
}

impl Group {
    /// Which effect a period tells of, and its event time: since the start, or since the exposure; before either, the
    /// periods to the first dirty one.
    pub fn effect_at(&self, period: i64) -> (Effect, i64) {
        match self.start {
            Some(g) if period >= g => (Effect::Direct, period - g),
            _ if period >= self.dirty => (Effect::Spillover, period - self.dirty),
            start if start == Some(self.dirty) => (Effect::Direct, period - self.dirty),
            _ => (Effect::Spillover, period - self.dirty),
        }
    }

    /// Treated or exposed then.
    pub fn is_dirty_at(&self, period: i64) -> bool {
        period >= self.dirty
    }
}

#[cfg(test)]
mod tests;
