//! Treatments and the designs built on them.

pub mod assignment;
pub mod early;
pub mod exposure;
pub mod nearest;
pub mod placebo;
pub mod simulate;
pub mod treatment;
pub mod two_way;
pub mod uniform;
