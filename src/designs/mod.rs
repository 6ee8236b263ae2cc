//! Treatments and the designs built on them.

pub mod treatment;
pub mod two_way;
pub mod uniform;
