//! Random numbers that depend on their place only (signs, uniform and normal ones), and averages over vectors of signs.

use statrs::distribution::{ContinuousCDF, Normal};

/// ±1, the same for the same `(seed, probe, index)` wherever and whenever it is asked for.
pub fn rademacher(seed: u64, probe: u64, index: u64) -> f64 {
    if hash(seed, probe, index) >> 63 == 0 { 1.0 } else { -1.0 }
}

/// 64 random bits of a place.
pub fn uniform_bits(seed: u64, probe: u64, index: u64) -> u64 {
    hash(seed, probe, index)
}

/// The vector of signs of one probe.
pub fn signs(seed: u64, probe: u64, n: usize) -> Vec<f64> {
    (0..n as u64).map(|i| rademacher(seed, probe, i)).collect()
}

/// A number in (0, 1), never an end, the same for the same `(seed, draw, index)`.
pub fn uniform(seed: u64, draw: u64, index: u64) -> f64 {
    ((hash(seed, draw, index) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
}

/// A standard normal number, by the inverse of its distribution.
pub fn normal(seed: u64, draw: u64, index: u64) -> f64 {
    Normal::standard().inverse_cdf(uniform(seed, draw, index))
}

/// A whole number below `count`.
pub fn below(seed: u64, draw: u64, index: u64, count: usize) -> usize {
    ((uniform(seed, draw, index) * count as f64) as usize).min(count - 1)
}

/// Three rounds of the SplitMix64 finaliser, one for each coordinate.
fn hash(seed: u64, probe: u64, index: u64) -> u64 {
    [probe, index].iter().fold(mix(seed), |state, &key| mix(state ^ key.wrapping_mul(0xA24B_AED4_963E_E407)))
}

fn mix(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A mean over probes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProbedMean {
    pub probes: usize,
    pub mean: f64,
    /// Standard error over the mean's size; zero where the mean is zero, NaN of a single value.
    pub relative_error: f64,
}

impl ProbedMean {
    /// A value without probes.
    pub fn exact(mean: f64) -> ProbedMean {
        ProbedMean { probes: 0, mean, relative_error: 0.0 }
    }

    /// Its standard error.
    pub fn error(self) -> f64 {
        (self.relative_error * self.mean).abs()
    }

    pub fn of(values: &[f64]) -> ProbedMean {
        let m = values.len() as f64;
        let mean = values.iter().sum::<f64>() / m;
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (m - 1.0) / m;
        let relative_error = if mean == 0.0 { 0.0 } else { variance.sqrt() / mean.abs() };
        ProbedMean { probes: values.len(), mean, relative_error }
    }

    /// With an exact part added, which has no error.
    pub fn plus(self, exact: f64) -> ProbedMean {
        let mean = self.mean + exact;
        let relative_error = if mean == 0.0 { 0.0 } else { (self.relative_error * self.mean / mean).abs() };
        ProbedMean { mean, relative_error, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_balanced_and_uncorrelated() {
        let n = 40_000u64;
        let sum = |f: &dyn Fn(u64) -> f64| (0..n).map(f).sum::<f64>().abs() / (n as f64).sqrt();
        assert!(sum(&|i| rademacher(1, 0, i)) < 4.0);
        assert!(sum(&|i| rademacher(1, 0, i) * rademacher(1, 1, i)) < 4.0);
        assert!(sum(&|i| rademacher(1, 0, i) * rademacher(2, 0, i)) < 4.0);
        assert!(sum(&|i| rademacher(1, 0, i) * rademacher(1, 0, i + 1)) < 4.0);
        assert!(sum(&|k| rademacher(1, k, 7)) < 4.0);
        assert_eq!(signs(3, 2, 5)[4], rademacher(3, 2, 4));
    }

    #[test]
    fn normal_numbers_have_the_moments_of_their_distribution() {
        let n = 40_000u64;
        let mean = |f: &dyn Fn(f64) -> f64| (0..n).map(|i| f(normal(5, 2, i))).sum::<f64>() / n as f64;
        assert!(mean(&|x| x).abs() < 0.02 && (mean(&|x| x * x) - 1.0).abs() < 0.03);
        assert!((mean(&|x| x.powi(4)) - 3.0).abs() < 0.25);
        let counts = (0..n).fold([0u64; 6], |mut c, i| {
            c[below(3, 1, i, 6)] += 1;
            c
        });
        assert!(counts.iter().all(|c| c.abs_diff(n / 6) < 400), "{counts:?}");
    }

    #[test]
    fn a_mean_comes_with_its_error() {
        let found = ProbedMean::of(&[1.0, 3.0]);
        assert_eq!((found.probes, found.mean, found.relative_error), (2, 2.0, 0.5));
        assert_eq!((found.plus(2.0).mean, found.plus(2.0).relative_error), (4.0, 0.25));
        assert_eq!(ProbedMean::of(&[0.0, 0.0]).relative_error, 0.0);
    }
}
