//! The multiplier bootstrap of influence functions: standard errors by the interquartile range, and intervals that hold
//! for all estimates at once (Callaway and Sant'Anna 2021, section 4; methods E.4).

use crate::linalg::probes::{rademacher, uniform};
use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, Normal};

/// The distribution of multipliers; both have mean 0 and variance 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Multiplier {
    Rademacher,
    /// Two points with third moment 1 (Mammen 1993).
    Mammen,
}

impl Multiplier {
    pub fn word(self) -> &'static str {
        match self {
            Multiplier::Rademacher => "rademacher",
            Multiplier::Mammen => "mammen",
        }
    }

    fn draw(self, seed: u64, draw: u64, cluster: u64) -> f64 {
        match self {
            Multiplier::Rademacher => rademacher(seed, draw, cluster),
            Multiplier::Mammen => {
                let root = 5f64.sqrt();
                if uniform(seed, draw, cluster) < (root + 1.0) / (2.0 * root) {
                    (1.0 - root) / 2.0
                } else {
                    (1.0 + root) / 2.0
                }
            }
        }
    }
}

/// What the draws say of several estimates.
#[derive(Clone, Debug, PartialEq)]
pub struct Bands {
    /// Standard errors: the interquartile range of the draws over that of the normal.
    pub se: Vec<f64>,
    /// Standard errors to each side of the intervals that hold at once; NaN where no estimate varies.
    pub critical: f64,
}

/// Bands of estimates with these influence functions, summed by cluster (one row each) of `n` units in all.
pub fn bands(influence: &DMatrix<f64>, n: usize, draws: usize, level: f64, seed: u64, weights: Multiplier) -> Bands {
    let (clusters, k) = influence.shape();
    let drawn: Vec<Vec<f64>> = (0..draws as u64)
        .into_par_iter()
        .map(|draw| {
            let xi = DVector::from_iterator(clusters, (0..clusters as u64).map(|c| weights.draw(seed, draw, c)));
            (influence.tr_mul(&xi) / n as f64).iter().copied().collect()
        })
        .collect();
    let normal = Normal::standard();
    let width = normal.inverse_cdf(0.75) - normal.inverse_cdf(0.25);
    let se: Vec<f64> = (0..k)
        .map(|j| {
            let mut values: Vec<f64> = drawn.iter().map(|d| d[j]).collect();
            values.sort_by(f64::total_cmp);
            (ranked(&values, 0.75) - ranked(&values, 0.25)) / width
        })
        .collect();
    // An estimate that no unit influences does not vary and bounds nothing.
    let size = se.iter().copied().fold(0.0, f64::max);
    let varies: Vec<usize> = (0..k).filter(|&j| se[j] > 1e-10 * size && se[j] > 0.0).collect();
    let mut largest: Vec<f64> =
        drawn.iter().map(|d| varies.iter().fold(0.0f64, |m, &j| m.max(d[j].abs() / se[j]))).collect();
    largest.sort_by(f64::total_cmp);
    let critical = if varies.is_empty() || draws == 0 { f64::NAN } else { ranked(&largest, level) };
    Bands { se, critical }
}

/// The smallest value that a share of all does not exceed (R's type 1).
fn ranked(sorted: &[f64], share: f64) -> f64 {
    let at = ((share * sorted.len() as f64).ceil() as usize).clamp(1, sorted.len().max(1));
    sorted.get(at - 1).copied().unwrap_or(f64::NAN)
}
