//! Variance estimators, effects and tests.

pub mod autocorrelation;
pub(crate) mod dense;
pub mod dependence;
pub(crate) mod draws;
pub(crate) mod effects;
pub(crate) mod events;
pub(crate) mod information;
pub(crate) mod long_run;
pub(crate) mod martingale;
pub(crate) mod meat;
pub(crate) mod operator;
pub(crate) mod operators;
pub(crate) mod policy;
pub(crate) mod probing;
pub(crate) mod quasi;
pub mod residuals;
pub(crate) mod roots;
pub(crate) mod sandwich;
pub mod wald;
