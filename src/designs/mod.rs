//! Treatments and the designs built on them.
