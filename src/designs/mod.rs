//! Treatments and the designs built on them.

pub mod honest;
pub mod matching;
pub mod staggered;
pub mod treatment;
pub mod two_way;
pub mod uniform;
