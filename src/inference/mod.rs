//! Variance estimators, effects and tests.
