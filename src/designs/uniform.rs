//! Intervals that hold for several estimates at once (methods E.2).

use crate::linalg::probes::normal;
use nalgebra::{DMatrix, DVector};

/// The quantile of `max |z|`, z normal with the correlations of a variance matrix, by draws from a seed; `None` where
/// the matrix has no correlations (Montiel Olea and Plagborg-Møller 2019).
pub fn critical_value(variance: &DMatrix<f64>, level: f64, draws: usize, seed: u64) -> Option<f64> {
    let size: Vec<f64> = variance.diagonal().iter().map(|v| v.sqrt()).collect();
    let k = size.len();
    if k == 0 || !size.iter().all(|s| *s > 0.0 && s.is_finite()) {
        return None;
    }
    let correlation = DMatrix::from_fn(k, k, |i, j| variance[(i, j)] / (size[i] * size[j]));
    // A root of the correlations, which may be singular.
    let eigen = correlation.symmetric_eigen();
    let spread = eigen.eigenvalues.map(|v| v.max(0.0).sqrt());
    let root = eigen.eigenvectors * DMatrix::from_diagonal(&spread);
    let mut largest: Vec<f64> = (0..draws as u64)
        .map(|draw| {
            let z = DVector::from_iterator(k, (0..k as u64).map(|i| normal(seed, draw, i)));
            (&root * z).amax()
        })
        .collect();
    largest.sort_by(f64::total_cmp);
    let at = ((level * draws as f64).ceil() as usize).clamp(1, draws);
    largest.get(at - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::distribution::{ContinuousCDF, Normal};

    #[test]
    fn one_estimate_has_the_normal_value_and_independent_ones_the_root_of_the_level() {
        let normal = Normal::standard();
        for (k, level) in [(1, 0.95), (5, 0.9)] {
            let found = critical_value(&(DMatrix::identity(k, k) * 4.0), level, 40_000, 1).unwrap();
            let each = level.powf(1.0 / k as f64);
            assert!((found - normal.inverse_cdf(0.5 + each / 2.0)).abs() < 0.03, "{k}: {found}");
        }
    }

    #[test]
    fn perfectly_correlated_estimates_are_one() {
        let found = critical_value(&DMatrix::from_element(4, 4, 2.0), 0.95, 40_000, 1).unwrap();
        assert!((found - 1.96).abs() < 0.03, "{found}");
    }

    #[test]
    fn without_a_variance_there_is_none() {
        assert_eq!(critical_value(&DMatrix::from_element(2, 2, f64::NAN), 0.95, 10, 1), None);
    }
}
