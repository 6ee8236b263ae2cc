//! Treatments and the designs built on them.

pub mod assignment;
pub mod early;
pub mod placebo;
pub mod treatment;
pub mod two_way;
pub mod uniform;
