//! Estimates of simulated panels against the truth they were drawn from (methods G.1, G.2): bias, coverage, and
//! standard errors against the spread of the estimates, within limits that allow for the number of replications (G.4).
//!
//! The slow tier: `cargo test --release --test recovery -- --ignored --nocapture` prints the numbers too.

#![allow(clippy::unwrap_used)]

mod design;
mod designs;
mod draws;
mod dynamics;
mod events;
mod heteroskedasticity;
mod indices;
mod instruments;
mod placebo;
#[path = "../support/random.rs"]
mod random;
mod random_effects;
mod spillovers;
mod staggered;
mod tally;
mod testing;
