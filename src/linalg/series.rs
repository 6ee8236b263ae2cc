//! A rough `ln|I − ρW|` over a whole interval at the price of a few factorisations: the power series of Barry & Pace
//! (1999) with exact first traces (scaling 2), good enough to say where an optimum is looked for.

use super::LinalgError;
use super::filter::SpatialFilter;
use super::interpolant::{LogDetInterpolant, chebyshev_nodes};
use super::probes::rademacher;
use super::walks::ClosedWalks;

/// Vectors of random signs, multiplied together.
const PROBES: usize = 8;
/// Powers of `W` that are taken.
const POWERS: usize = 30;
/// Powers up to which the traces are continued at the pace of the last ones.
const CONTINUED: usize = 2000;
/// Share of the unit interval on which the series is trusted.
const REACH: f64 = 0.995;
/// Nodes of the polynomial that stands for the sum.
const NODES: usize = 48;

/// A rough log-determinant, where it holds, and the standard error of its values there.
#[derive(Clone, Debug)]
pub struct Rough {
    pub log_determinant: LogDetInterpolant,
    pub lo: f64,
    pub hi: f64,
    pub error: f64,
}

/// The series on the part of `lo..hi` on which it converges. `stop` is asked between powers.
///
/// # Errors
/// `Stopped` when `stop` says so.
pub fn rough(
    filter: &SpatialFilter,
    (lo, hi): (f64, f64),
    walks: &ClosedWalks,
    seed: u64,
    stop: &dyn Fn() -> bool,
) -> Result<Rough, LinalgError> {
    let bound = filter.row_bound().max(f64::MIN_POSITIVE);
    let (lo, hi) = (lo.max(-REACH / bound), hi.min(REACH / bound));
    let moments = moments(filter, seed, stop)?;
    // `1 − ρ` is taken out with its multiplicity, as in the interpolant.
    let classes = if bound <= 1.0 + 1e-12 { filter.unit_classes() } else { 0 };
    let mean = |k: usize| moments.iter().map(|m| m[k - 1]).sum::<f64>() / PROBES as f64;
    let mut traces: Vec<f64> =
        (1..=POWERS).map(|k| if k <= walks.order() { walks.trace(k) } else { mean(k) } - classes as f64).collect();
    continue_at_pace(&mut traces);
    let nodes = chebyshev_nodes(lo, hi, NODES);
    let one = |rho: f64| if classes > 0 { classes as f64 * (-rho).ln_1p() } else { 0.0 };
    let values: Vec<f64> = nodes.iter().map(|&rho| one(rho) - sum(&traces, 1, rho)).collect();
    let mut error = 0.0f64;
    for rho in [lo, hi] {
        let of: Vec<f64> = moments.iter().map(|m| sum(&m[walks.order()..], walks.order() + 1, rho)).collect();
        let center = of.iter().sum::<f64>() / PROBES as f64;
        let square: f64 = of.iter().map(|v| (v - center) * (v - center)).sum();
        error = error.max((square / (PROBES * (PROBES - 1)) as f64).sqrt());
    }
    let unit_classes = filter.unit_classes();
    Ok(Rough { log_determinant: LogDetInterpolant::of_values(lo, hi, &values, unit_classes), lo, hi, error })
}

/// `Σ_k t_k ρ^k / k` with the first trace that of power `first`.
fn sum(traces: &[f64], first: usize, rho: f64) -> f64 {
    let mut power = rho.powi(first as i32);
    let mut total = 0.0;
    for (k, t) in (first..).zip(traces) {
        total += t * power / k as f64;
        power *= rho;
    }
    total
}

/// Appends traces that fall as the last four pairs of powers did.
fn continue_at_pace(traces: &mut Vec<f64>) {
    let pair = |traces: &[f64], k: usize| traces[k] + traces[k - 1];
    let (before, last) = (pair(traces, POWERS - 9), pair(traces, POWERS - 1));
    if !(before > 0.0 && last > 0.0 && last < before) {
        return;
    }
    let pace = (last / before).powf(0.125);
    let mut next = 0.5 * last * pace.powf(1.5);
    for _ in POWERS..CONTINUED {
        traces.push(next);
        next *= pace;
    }
}

/// `z'W^k z` for each probe and `k` from 1.
fn moments(filter: &SpatialFilter, seed: u64, stop: &dyn Fn() -> bool) -> Result<Vec<Vec<f64>>, LinalgError> {
    let n = filter.units();
    let signs: Vec<[f64; PROBES]> =
        (0..n as u64).map(|i| std::array::from_fn(|p| rademacher(seed, p as u64, i))).collect();
    let (mut now, mut next) = (signs.clone(), vec![[0.0; PROBES]; n]);
    let mut out = vec![Vec::new(); PROBES];
    for _ in 0..POWERS {
        if stop() {
            return Err(LinalgError::Stopped);
        }
        filter.matrix().multiply_eight(&now, &mut next);
        std::mem::swap(&mut now, &mut next);
        let mut sums = [0.0; PROBES];
        for (x, z) in now.iter().zip(&signs) {
            for (s, (x, z)) in sums.iter_mut().zip(x.iter().zip(z)) {
                *s += x * z;
            }
        }
        out.iter_mut().zip(sums).for_each(|(m, s)| m.push(s));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::samples;

    #[test]
    fn the_series_is_close_to_the_exact_values() {
        for (w, symmetric) in [(samples::triangulated(40), true), (samples::knn(900, 6, 5), false)] {
            let s = samples::symmetrizer(&w);
            let filter = SpatialFilter::new(&w, symmetric.then_some(&s[..])).unwrap();
            let walks = ClosedWalks::of(filter.matrix());
            let rough = rough(&filter, (-0.999, 0.999), &walks, 1, &|| false).unwrap();
            let n = filter.units() as f64;
            for rho in [-0.9, -0.5, 0.0, 0.3, 0.6, 0.8, 0.95] {
                let exact = filter.log_determinant(rho).unwrap();
                let gap = (rough.log_determinant.value(rho) - exact).abs();
                assert!(gap < 4.0 * rough.error + 2e-4 * n, "{rho}: {gap} {}", rough.error);
            }
            assert!(rough.error < 0.01 * n);
        }
    }
}
