//! The interval around zero on which `I − ρW` is nonsingular (methods B.6).

/// Bounds of a spatial parameter, open at both ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RhoInterval {
    pub lo: f64,
    pub hi: f64,
    /// `eigen`: reciprocals of the extreme real eigenvalues; `unit`: ∓1 / (largest row sum).
    pub rule: &'static str,
}

impl RhoInterval {
    /// `(−1/r, 1/r)` for a bound `r` on the spectral radius; `(−1, 1)` for a matrix of zeros, which no ρ makes singular.
    pub fn unit(bound: f64) -> RhoInterval {
        let r = if bound > 0.0 { bound } else { 1.0 };
        RhoInterval { lo: -1.0 / r, hi: 1.0 / r, rule: "unit" }
    }

    /// Reciprocals of the extreme real eigenvalues among `(re, im)`. Without a negative (positive) real one the end is
    /// `∓1/max|ω|`, which keeps the Neumann series convergent. All zero: `(−1, 1)`.
    pub fn of_eigenvalues(eigenvalues: &[(f64, f64)]) -> RhoInterval {
        let radius = eigenvalues.iter().map(|&(a, b)| a.hypot(b)).fold(0.0, f64::max);
        // Rounding moves a defective zero by about eps^(1/k): such values are not ends of an interval.
        if radius <= 1e-12 {
            return RhoInterval::unit(0.0);
        }
        let (mut least, mut most) = (0.0f64, 0.0f64);
        for &(re, im) in eigenvalues {
            if im.abs() <= 1e-9 * radius && re.abs() > 1e-6 * radius {
                least = least.min(re);
                most = most.max(re);
            }
        }
        let lo = if least < 0.0 { 1.0 / least } else { -1.0 / radius };
        let hi = if most > 0.0 { 1.0 / most } else { 1.0 / radius };
        RhoInterval { lo, hi, rule: "eigen" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complex_eigenvalues_do_not_bound_the_interval() {
        let i = RhoInterval::of_eigenvalues(&[(-0.9, 0.3), (-0.9, -0.3), (-0.25, 0.0), (0.1, 0.0), (1.0, 0.0)]);
        assert_eq!(i, RhoInterval { lo: -4.0, hi: 1.0, rule: "eigen" });
    }

    #[test]
    fn without_a_negative_real_eigenvalue_the_radius_bounds_below() {
        let i = RhoInterval::of_eigenvalues(&[(-0.5, 0.5), (-0.5, -0.5), (0.0, 0.0), (2.0, 0.0)]);
        assert_eq!(i, RhoInterval { lo: -0.5, hi: 0.5, rule: "eigen" });
    }

    #[test]
    fn a_matrix_of_zeros_gets_the_unit_interval() {
        assert_eq!(RhoInterval::of_eigenvalues(&[(0.0, 0.0)]), RhoInterval { lo: -1.0, hi: 1.0, rule: "unit" });
    }
}
