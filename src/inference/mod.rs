//! Variance estimators, effects and tests.

pub(crate) mod dense;
pub(crate) mod effects;
pub(crate) mod information;
pub(crate) mod long_run;
pub(crate) mod martingale;
pub(crate) mod meat;
pub(crate) mod operator;
pub(crate) mod operators;
pub(crate) mod policy;
pub(crate) mod probing;
pub(crate) mod quasi;
pub(crate) mod roots;
pub(crate) mod sandwich;
