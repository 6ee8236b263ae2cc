//! Random numbers of tests: a counter hashed with a key, so that every draw is named by (seed, stream, place).

use statrs::distribution::{ContinuousCDF, Normal};

/// A stream of draws.
pub struct Random {
    key: u64,
    counter: u64,
    normal: Normal,
}

/// The finaliser of SplitMix64 (Steele, Lea & Flood 2014).
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Random {
    pub fn new(seed: u64, stream: u64) -> Random {
        let key = mix(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ mix(stream.wrapping_add(0x632B_E59B_D9B4_E019)));
        Random { key, counter: 0, normal: Normal::standard() }
    }

    /// Uniform on (0, 1), never an end.
    pub fn uniform(&mut self) -> f64 {
        self.counter += 1;
        let bits = mix(self.key.wrapping_add(self.counter.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        ((bits >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// Standard normal, by the inverse of its distribution.
    pub fn normal(&mut self) -> f64 {
        let u = self.uniform();
        self.normal.inverse_cdf(u)
    }

    pub fn normals(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.normal()).collect()
    }
}
