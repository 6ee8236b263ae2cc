//! Estimators: numbers in, numbers out. Names, spans and words belong to whoever calls.
//!
//! [`Problem`] is one model on one sample (`N × T`, unit fastest); [`estimate`] fits it by the formulas of
//! methods C.1–C.6 and C.11 and returns coefficients, their variance, effects (D.1, D.2) and policy effects (D.4).

mod along;
mod answer;
pub(crate) mod axis;
mod bootstrap;
mod by_order;
mod by_unit;
mod correct;
mod draws;
mod dynamics;
#[cfg(test)]
mod effects_tests;
mod estimated;
mod fit;
mod instruments;
pub mod marginal;
mod moments;
mod optimize;
mod problem;
mod profile;
mod random;
mod renumber;
mod responses;
mod rows;
pub(crate) mod sample;
#[cfg(test)]
mod scale_tests;
mod search;
pub mod shared;
mod simulate;
pub(crate) mod solution;
mod spread;
#[cfg(test)]
mod unbalanced_tests;
mod wild;

pub(crate) use bootstrap::Quiet;
pub use bootstrap::{Bootstrap, Scheme, bootstrap};
pub use by_order::{ByOrder, OrderedEffects, effects_by_order};
pub use by_unit::{ByUnit, UnitEffect, effects_by_unit};
pub(crate) use draws::Counter;
pub use estimated::{
    DynamicsOf, EffectOf, EstimateError, Estimated, EventsOf, Exposure, FirstStageOf, Interval, Measured, PolicyOf,
    Reference, Remark, SmallSample, StrengthOf,
};
pub use fit::{estimate, estimate_with};
pub use problem::{
    Approach, Conley, ConleyKernel, FixedEffects, Layout, Likelihood, Model, Problem, RandomEffects, Regressor,
    TimeLag, Variance, default_lags,
};
pub use renumber::giver;
pub use responses::{ResponsesOf, responses};
pub use rows::observations;
pub use simulate::{Draws, effects_at, simulate};
pub use spread::{Resampled, Spread};
pub use wild::{Wild, WildFound, WildWeights, wild};

/// Says whether to go on and hears what is going on.
pub trait Interrupt: Send + Sync {
    /// Asked between the expensive steps of an estimate; where it says yes, the estimate ends with `Interrupted`.
    fn stop(&self) -> bool;

    /// An expensive step begins.
    fn begin(&self, _step: &'static str) {}

    /// So many parts of the step that began last are done.
    fn progress(&self, _done: usize, _of: usize) {}

    /// A step of the plan was done: its kind, and the key that equal steps share.
    fn done(&self, _kind: &'static str, _key: &str) {}
}

impl<T: Interrupt + ?Sized> Interrupt for &T {
    fn stop(&self) -> bool {
        (**self).stop()
    }

    fn begin(&self, step: &'static str) {
        (**self).begin(step);
    }

    fn progress(&self, done: usize, of: usize) {
        (**self).progress(done, of);
    }

    fn done(&self, kind: &'static str, key: &str) {
        (**self).done(kind, key);
    }
}

/// Never stops.
pub struct Never;

impl Interrupt for Never {
    fn stop(&self) -> bool {
        false
    }
}
