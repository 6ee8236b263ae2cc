//! Treatments and the designs built on them.

pub mod assignment;
pub mod early;
pub mod exposure;
pub mod honest;
mod logit;
pub mod matching;
pub mod nearest;
pub mod placebo;
pub mod simulate;
pub mod staggered;
pub mod treatment;
pub mod two_way;
pub mod uniform;
