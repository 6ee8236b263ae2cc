//! Moran's I and Geary's C of one cross-section, with their moments under normality and under randomization, and by
//! permutation; Moran's I unit by unit (methods F.1).
//!
//! `x` has one value per unit; moments need at least four units. Source: Cliff and Ord 1981; Anselin 1995 for the local form.

use super::draws::Shuffles;
use crate::weights::Weights;
use rayon::prelude::*;

/// How the mean and the variance of a statistic without autocorrelation are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moments {
    /// The values are one of their equally likely orders over the units.
    Randomization,
    /// The values are independent draws of one normal distribution.
    Normal,
    /// So many orders are drawn.
    Permutation(usize),
}

/// A statistic of autocorrelation with its moments where there is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    pub estimate: f64,
    pub expected: f64,
    pub variance: f64,
    /// Standardized so that likeness of neighbors is positive.
    pub statistic: f64,
    /// Two-sided; of drawn orders their share that lies as far from the mean, the sample's own order among them.
    pub p: Option<f64>,
}

impl Measured {
    /// `sign` is −1 for a statistic that falls where neighbors are alike.
    fn new(estimate: f64, expected: f64, variance: f64, sign: f64) -> Measured {
        let statistic = sign * (estimate - expected) / variance.sqrt();
        Measured { estimate, expected, variance, statistic, p: None }
    }

    /// From the values of drawn orders.
    pub(crate) fn of_draws(estimate: f64, draws: &[f64], sign: f64) -> Measured {
        let b = draws.len() as f64;
        let mean = draws.iter().sum::<f64>() / b;
        let variance = draws.iter().map(|d| (d - mean) * (d - mean)).sum::<f64>() / (b - 1.0);
        // An order that gives the sample's own value is as far away, whatever the rounding.
        let distance = (estimate - mean).abs() * (1.0 - 1e-12);
        let beyond = draws.iter().filter(|d| (*d - mean).abs() >= distance).count();
        let p = (1.0 + beyond as f64) / (b + 1.0);
        Measured { p: Some(p), ..Measured::new(estimate, mean, variance, sign) }
    }
}

/// `S0`, `S1`, `S2` of methods F.1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sums {
    pub s0: f64,
    pub s1: f64,
    pub s2: f64,
}

impl Sums {
    pub fn of(w: &Weights) -> Sums {
        let n = w.units();
        let (mut rows, mut columns) = (vec![0.0; n], vec![0.0; n]);
        let (mut squares, mut crossed) = (0.0, 0.0);
        for (&v, (i, k)) in w.matrix.iter() {
            rows[i] += v;
            columns[k] += v;
            squares += v * v;
            crossed += v * w.matrix.get(k, i).copied().unwrap_or(0.0);
        }
        Sums {
            s0: rows.iter().sum(),
            // ½Σ(w_ik + w_ki)² = Σ w_ik² + Σ w_ik w_ki
            s1: squares + crossed,
            s2: rows.iter().zip(&columns).map(|(r, c)| (r + c) * (r + c)).sum(),
        }
    }
}

/// Deviations from the mean with `Σz²` and `b = nΣz⁴/(Σz²)²`; `None` where the values do not vary.
struct Deviations {
    z: Vec<f64>,
    square: f64,
    kurtosis: f64,
}

impl Deviations {
    fn of(x: &[f64]) -> Option<Deviations> {
        let n = x.len() as f64;
        let mean = x.iter().sum::<f64>() / n;
        let z: Vec<f64> = x.iter().map(|v| v - mean).collect();
        let square: f64 = z.iter().map(|z| z * z).sum();
        let size = x.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        if square.is_nan() || square.sqrt() <= 1e-13 * size * n.sqrt() {
            return None;
        }
        let kurtosis = n * z.iter().map(|z| z.powi(4)).sum::<f64>() / (square * square);
        Some(Deviations { z, square, kurtosis })
    }
}

/// Moran's I; `None` where the values do not vary or the matrix has no link.
pub fn moran(x: &[f64], w: &Weights, moments: Moments, seed: u64) -> Option<Measured> {
    let d = Deviations::of(x)?;
    let sums = Sums::of(w);
    if sums.s0 <= 0.0 {
        return None;
    }
    let n = x.len() as f64;
    let value = |z: &[f64]| n / sums.s0 * quadratic(w, z) / d.square;
    let estimate = value(&d.z);
    if let Moments::Permutation(count) = moments {
        let draws = Shuffles::new(seed, x.len()).values(count, &|order| value(&ordered(&d.z, order)));
        return Some(Measured::of_draws(estimate, &draws, 1.0));
    }
    let Sums { s0, s1, s2 } = sums;
    let expected = -1.0 / (n - 1.0);
    let second = match moments {
        Moments::Normal => (n * n * s1 - n * s2 + 3.0 * s0 * s0) / (s0 * s0 * (n * n - 1.0)),
        _ => {
            let b = d.kurtosis;
            let free = n * ((n * n - 3.0 * n + 3.0) * s1 - n * s2 + 3.0 * s0 * s0);
            let held = b * ((n * n - n) * s1 - 2.0 * n * s2 + 6.0 * s0 * s0);
            (free - held) / ((n - 1.0) * (n - 2.0) * (n - 3.0) * s0 * s0)
        }
    };
    Some(Measured::new(estimate, expected, second - expected * expected, 1.0))
}

/// The values centered and divided by their standard deviation (divisor n), and the spatial lag of these; `None` where
/// they do not vary.
pub fn standardized_with_lag(x: &[f64], w: &Weights) -> Option<(Vec<f64>, Vec<f64>)> {
    let d = Deviations::of(x)?;
    let sd = (d.square / x.len() as f64).sqrt();
    let z: Vec<f64> = d.z.iter().map(|z| z / sd).collect();
    let mut lag = vec![0.0; z.len()];
    for (&v, (i, k)) in w.matrix.iter() {
        lag[i] += v * z[k];
    }
    Some((z, lag))
}

/// Geary's C; `None` as for [`moran`].
pub fn geary(x: &[f64], w: &Weights, moments: Moments, seed: u64) -> Option<Measured> {
    let d = Deviations::of(x)?;
    let sums = Sums::of(w);
    if sums.s0 <= 0.0 {
        return None;
    }
    let n = x.len() as f64;
    let value = |z: &[f64]| {
        let apart: f64 = w.matrix.iter().map(|(&v, (i, k))| v * (z[i] - z[k]) * (z[i] - z[k])).sum();
        (n - 1.0) * apart / (2.0 * sums.s0 * d.square)
    };
    let estimate = value(&d.z);
    if let Moments::Permutation(count) = moments {
        let draws = Shuffles::new(seed, x.len()).values(count, &|order| value(&ordered(&d.z, order)));
        return Some(Measured::of_draws(estimate, &draws, -1.0));
    }
    let Sums { s0, s1, s2 } = sums;
    let variance = match moments {
        Moments::Normal => ((2.0 * s1 + s2) * (n - 1.0) - 4.0 * s0 * s0) / (2.0 * (n + 1.0) * s0 * s0),
        _ => {
            let b = d.kurtosis;
            let first = (n - 1.0) * s1 * (n * n - 3.0 * n + 3.0 - (n - 1.0) * b);
            let second = 0.25 * (n - 1.0) * s2 * (n * n + 3.0 * n - 6.0 - (n * n - n + 2.0) * b);
            let third = s0 * s0 * (n * n - 3.0 - (n - 1.0) * (n - 1.0) * b);
            (first - second + third) / (n * (n - 2.0) * (n - 3.0) * s0 * s0)
        }
    };
    Some(Measured::new(estimate, 1.0, variance, -1.0))
}

/// Moran's I of one unit: `z_i (Wz)_i / (Σz²/n)`, its neighbors' values drawn from those of all others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Local {
    pub estimate: f64,
    pub expected: f64,
    pub variance: f64,
    pub statistic: f64,
    /// Two-sided, over the drawn values.
    pub p: f64,
    /// The unit's own value and the weighted mean of its neighbors', relative to the mean: `true` above.
    pub high: bool,
    pub neighbors_high: bool,
}

/// Moran's I unit by unit with conditional permutation; an island has `None`. `None` where the values do not vary.
pub fn local_moran(x: &[f64], w: &Weights, draws: usize, seed: u64) -> Option<Vec<Option<Local>>> {
    let d = Deviations::of(x)?;
    let n = x.len();
    let scale = d.square / n as f64;
    let unit = |i: usize| -> Option<Local> {
        let row = w.matrix.outer_view(i)?;
        let links: Vec<f64> = row.iter().map(|(_, v)| *v).collect();
        if links.iter().all(|v| *v == 0.0) {
            return None;
        }
        let lag: f64 = row.iter().map(|(k, v)| v * d.z[k]).sum();
        let value = |lag: f64| d.z[i] * lag / scale;
        // Every unit draws from its own stream, so that no unit's p hangs on another's neighbors.
        let other = |k: u32| d.z[k as usize + usize::from(k as usize >= i)];
        let shuffles = Shuffles::of(seed, i as u64 + 1, n - 1).some(links.len());
        let drawn: Vec<f64> = (0..draws as u64)
            .map(|draw| value(shuffles.order(draw).iter().zip(&links).map(|(&k, v)| v * other(k)).sum()))
            .collect();
        let found = Measured::of_draws(value(lag), &drawn, 1.0);
        Some(Local {
            estimate: found.estimate,
            expected: found.expected,
            variance: found.variance,
            statistic: found.statistic,
            p: found.p.unwrap_or(f64::NAN),
            high: d.z[i] > 0.0,
            neighbors_high: lag > 0.0,
        })
    };
    Some((0..n).into_par_iter().map(unit).collect())
}

/// Moran's I of residuals by drawn orders of whole units, with `e` unit fastest: `(NT/S0)·Σ_t e_t'W_t e_t / e'e`, S0 the sum
/// of all weights of all periods.
pub fn permuted_moran(e: &[f64], w: &Weights, periods: usize, draws: usize, seed: u64) -> Option<Measured> {
    let n = e.len() / periods.max(1);
    let square: f64 = e.iter().map(|v| v * v).sum();
    let s0: f64 = w.row_sums().iter().sum();
    if square.is_nan() || square <= 0.0 || s0 <= 0.0 {
        return None;
    }
    // Periods of a unit stand together, so that one link of all periods is one inner product.
    let by_unit = crate::linalg::panel::transpose(e, n, periods);
    let of = |unit: u32| &by_unit[unit as usize * periods..(unit as usize + 1) * periods];
    let factor = (n * if w.changes() { periods } else { 1 }) as f64 / (s0 * square);
    let value = |order: &[u32]| {
        let link = |i: usize, k: usize| match w.changes() {
            // a block of the matrix is a period
            true => of(order[i % n])[i / n] * of(order[k % n])[i / n],
            false => of(order[i]).iter().zip(of(order[k])).map(|(a, b)| a * b).sum::<f64>(),
        };
        factor * w.matrix.iter().map(|(&v, (i, k))| v * link(i, k)).sum::<f64>()
    };
    let own: Vec<u32> = (0..n as u32).collect();
    let drawn = Shuffles::new(seed, n).values(draws, &value);
    Some(Measured::of_draws(value(&own), &drawn, 1.0))
}

fn quadratic(w: &Weights, z: &[f64]) -> f64 {
    w.matrix.iter().map(|(&v, (i, k))| v * z[i] * z[k]).sum()
}

fn ordered(z: &[f64], order: &[u32]) -> Vec<f64> {
    order.iter().map(|&i| z[i as usize]).collect()
}

/// Benjamini and Hochberg's adjusted p-values: the smallest false discovery rate at which each is rejected.
pub fn false_discovery(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).filter(|&i| !p[i].is_nan()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]).then(a.cmp(&b)));
    let m = order.len() as f64;
    let mut out = vec![f64::NAN; p.len()];
    let mut least = 1.0f64;
    for (rank, &i) in order.iter().enumerate().rev() {
        least = least.min(p[i] * m / (rank as f64 + 1.0));
        out[i] = least;
    }
    out
}
