//! Every model on every row of methods C.3 against an evaluation that shares no formula with the estimators: explicit
//! dummies or transformations, dense Kronecker products, numerical derivatives (methods H.2, first oracle).
//!
//! Tolerances are those of methods I: log-likelihood 1e-12 relative, ρ 1e-9, β 1e-8, variance 1e-7 relative, effects
//! 1e-8; where a reference is a numerical derivative, its own error is the tolerance and said so.

#![allow(clippy::unwrap_used)]

mod bootstrap;
mod cases;
mod changing;
mod draws;
mod dynamics;
mod effects;
mod exposure;
mod fits;
mod honest;
mod instruments;
mod invariants;
mod likelihood;
mod matching;
mod placebo;
#[path = "../support/random.rs"]
mod random;
mod random_effects;
mod reference;
mod simulate;
mod staggered;
mod testing;
mod variance;
