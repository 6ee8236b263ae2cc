//! Kernels on one variable of a panel: spatial lags, removal of means (methods C.2), transposition.
//!
//! A variable is a slice of `N·T` values, unit fastest: position `t·N + i`. Every kernel works unit by unit or on blocks
//! of fixed size, so that the number of threads changes no bit.

use rayon::prelude::*;
use sprs::CsMat;

/// Units handled together: a stretch of sums that stays in the first-level cache.
const BLOCK: usize = 1024;
/// Below this many values one thread is faster.
const PARALLEL_VALUES: usize = 1 << 17;

/// `W x_t` for each of `t` periods: the spatial lag of a variable, on the values as they are.
///
/// # Panics
/// When `x` is not `n·t` long or `W` not `n × n`: the caller's mistake, never the user's.
pub fn spatial_lag(w: &CsMat<f64>, x: &[f64], n: usize, t: usize) -> Vec<f64> {
    spatial_lags(w, &[x], n, t).pop().unwrap_or_default()
}

/// [`spatial_lag`] of several variables. Eight columns (periods of variables) at a time are interleaved, so that each
/// entry of `W` is read once for eight products.
///
/// # Panics
/// As [`spatial_lag`].
pub fn spatial_lags(w: &CsMat<f64>, variables: &[&[f64]], n: usize, t: usize) -> Vec<Vec<f64>> {
    let by_rows = if w.is_csr() { None } else { Some(w.to_csr()) };
    let w = by_rows.as_ref().unwrap_or(w);
    assert!((w.rows(), w.cols()) == (n, n), "W is {} × {} for {n} units", w.rows(), w.cols());
    variables.iter().for_each(|x| assert_panel(x, n, t));
    let mut lags: Vec<Vec<f64>> = variables.iter().map(|_| vec![0.0; n * t]).collect();
    if n == 0 {
        return lags;
    }
    let sources: Vec<&[f64]> = variables.iter().flat_map(|x| x.chunks_exact(n)).collect();
    let mut targets: Vec<&mut [f64]> = lags.iter_mut().flat_map(|x| x.chunks_exact_mut(n)).collect();
    let one = |(source, target): (&[&[f64]], &mut [&mut [f64]])| lag_columns(w, source, target);
    if n * sources.len() < PARALLEL_VALUES {
        sources.chunks(8).zip(targets.chunks_mut(8)).for_each(one);
    } else {
        sources.par_chunks(8).zip(targets.par_chunks_mut(8)).for_each(one);
    }
    lags
}

fn lag_columns(w: &CsMat<f64>, sources: &[&[f64]], targets: &mut [&mut [f64]]) {
    if sources.len() == 1 {
        for (i, row) in w.outer_iterator().enumerate() {
            targets[0][i] = row.iter().map(|(j, v)| v * sources[0][j]).sum();
        }
        return;
    }
    let n = w.rows();
    let mut interleaved = vec![[0.0f64; 8]; n];
    for (k, source) in sources.iter().enumerate() {
        for (row, &value) in interleaved.iter_mut().zip(*source) {
            row[k] = value;
        }
    }
    for (i, row) in w.outer_iterator().enumerate() {
        let mut sums = [0.0f64; 8];
        for (j, &v) in row.iter() {
            for (sum, x) in sums.iter_mut().zip(&interleaved[j]) {
                *sum += v * x;
            }
        }
        for (target, sum) in targets.iter_mut().zip(sums) {
            target[i] = sum;
        }
    }
}

/// Subtracts each unit's mean over the periods: `Q₁` of methods C.2.
pub fn demean_unit(x: &mut [f64], n: usize, t: usize) {
    assert_panel(x, n, t);
    if x.is_empty() {
        return;
    }
    let means = unit_means(x, n, t);
    for_periods(x, n, |period| {
        for (v, m) in period.iter_mut().zip(&means) {
            *v -= m;
        }
    });
}

/// Subtracts each period's mean over the units: `Q_T` of methods C.2.
pub fn demean_time(x: &mut [f64], n: usize, t: usize) {
    assert_panel(x, n, t);
    if x.is_empty() {
        return;
    }
    for_periods(x, n, |period| {
        let mean = sum(period) / period.len() as f64;
        period.iter_mut().for_each(|v| *v -= mean);
    });
}

/// Subtracts unit and period means and adds the overall mean: `Q₂` of methods C.2, in two passes over the data.
pub fn demean_both(x: &mut [f64], n: usize, t: usize) {
    assert_panel(x, n, t);
    if x.is_empty() {
        return;
    }
    let means = unit_means(x, n, t);
    let overall = sum(&means) / n as f64;
    for_periods(x, n, |period| {
        // The second half of the pass reads the period from cache.
        let shift = sum(period) / period.len() as f64 - overall;
        for (v, m) in period.iter_mut().zip(&means) {
            *v -= m + shift;
        }
    });
}

/// Means over periods, length N.
pub fn unit_means(x: &[f64], n: usize, t: usize) -> Vec<f64> {
    assert_panel(x, n, t);
    let mut means = vec![0.0; n];
    if x.is_empty() {
        return means;
    }
    let fill = |(block, means): (usize, &mut [f64])| {
        let first = block * BLOCK;
        for period in x.chunks_exact(n) {
            for (m, v) in means.iter_mut().zip(&period[first..]) {
                *m += v;
            }
        }
        means.iter_mut().for_each(|m| *m /= t as f64);
    };
    if x.len() < PARALLEL_VALUES {
        means.chunks_mut(BLOCK).enumerate().for_each(fill);
    } else {
        means.par_chunks_mut(BLOCK).enumerate().for_each(fill);
    }
    means
}

/// `Σ_t x_it y_it` for each unit, length N.
///
/// # Panics
/// When the two are not equally long.
pub fn unit_products(x: &[f64], y: &[f64], n: usize) -> Vec<f64> {
    assert!(x.len() == y.len(), "{} values against {}", x.len(), y.len());
    let mut sums = vec![0.0; n];
    if x.is_empty() {
        return sums;
    }
    for (block, sums) in sums.chunks_mut(BLOCK).enumerate() {
        let first = block * BLOCK;
        for (x, y) in x.chunks_exact(n).zip(y.chunks_exact(n)) {
            for (s, (x, y)) in sums.iter_mut().zip(x[first..].iter().zip(&y[first..])) {
                *s += x * y;
            }
        }
    }
    sums
}

/// Means over units, length T.
pub fn period_means(x: &[f64], n: usize) -> Vec<f64> {
    if n == 0 {
        return Vec::new();
    }
    x.chunks_exact(n).map(|period| sum(period) / n as f64).collect()
}

/// A slice of another length would give wrong numbers in silence.
fn assert_panel(x: &[f64], n: usize, t: usize) {
    assert!(x.len() == n * t, "{} values for {n} units and {t} periods", x.len());
}

fn for_periods(x: &mut [f64], n: usize, change: impl Fn(&mut [f64]) + Sync + Send) {
    if x.len() < PARALLEL_VALUES {
        x.chunks_exact_mut(n).for_each(change);
    } else {
        x.par_chunks_exact_mut(n).for_each(change);
    }
}

/// A sum in eight running parts: fast, and more accurate than one.
pub fn sum(x: &[f64]) -> f64 {
    let mut parts = [0.0f64; 8];
    let chunks = x.chunks_exact(8);
    let tail: f64 = chunks.remainder().iter().sum();
    for chunk in chunks {
        for (part, v) in parts.iter_mut().zip(chunk) {
            *part += v;
        }
    }
    ((parts[0] + parts[4]) + (parts[1] + parts[5])) + ((parts[2] + parts[6]) + (parts[3] + parts[7])) + tail
}

/// An `n × t` panel, unit fastest, as one with the period fastest: position `i·T + t`. Swapping `n` and `t` undoes it.
pub fn transpose(x: &[f64], n: usize, t: usize) -> Vec<f64> {
    assert_panel(x, n, t);
    let mut out = vec![0.0; x.len()];
    if x.is_empty() {
        return out;
    }
    // Tiles of units keep both sides in cache.
    for first in (0..n).step_by(64) {
        let last = (first + 64).min(n);
        for (s, period) in x.chunks_exact(n).enumerate() {
            for (i, &v) in period[first..last].iter().enumerate() {
                out[(first + i) * t + s] = v;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::samples;

    fn largest(x: impl IntoIterator<Item = f64>) -> f64 {
        x.into_iter().fold(0.0, |m, v| m.max(v.abs()))
    }

    #[test]
    fn lags_are_weighted_sums_of_the_same_period() {
        let (n, t) = (37, 11);
        let w = samples::knn(n, 4, 5);
        let x = samples::vector(1, n * t);
        let y = samples::vector(2, n * t);
        let lags = spatial_lags(&w, &[&x, &y], n, t);
        for (lag, x) in lags.iter().zip([&x, &y]) {
            for s in 0..t {
                for i in 0..n {
                    let exact: f64 = (0..n).map(|j| w.get(i, j).copied().unwrap_or(0.0) * x[s * n + j]).sum();
                    assert!((lag[s * n + i] - exact).abs() < 1e-14);
                }
            }
        }
        assert_eq!(spatial_lag(&w, &y, n, t), lags[1]);
        assert_eq!(spatial_lag(&w.to_csc(), &y, n, t), lags[1]);
        let first = spatial_lag(&w, &x[..n], n, 1);
        assert!(largest(first.iter().zip(&lags[0]).map(|(a, b)| a - b)) < 1e-15);
    }

    #[test]
    fn demeaning_twice_changes_nothing_more() {
        for (n, t) in [(1, 1), (7, 3), (48, 17), (5000, 40)] {
            for demean in [demean_unit, demean_time, demean_both] {
                let mut once: Vec<f64> = samples::vector(3, n * t).iter().map(|v| 10.0 + v).collect();
                demean(&mut once, n, t);
                let mut twice = once.clone();
                demean(&mut twice, n, t);
                assert!(largest(once.iter().zip(&twice).map(|(a, b)| a - b)) < 1e-13);
            }
        }
    }

    #[test]
    fn what_is_left_has_no_means() {
        let (n, t) = (1300, 9);
        let mut x: Vec<f64> =
            (0..n * t).map(|k| samples::uniform(4, k as u64) + (k % n) as f64 * 0.01 + (k / n) as f64).collect();
        let by_steps = {
            let mut y = x.clone();
            demean_unit(&mut y, n, t);
            demean_time(&mut y, n, t);
            y
        };
        demean_both(&mut x, n, t);
        assert!(largest(unit_means(&x, n, t)) < 1e-13);
        assert!(largest(period_means(&x, n)) < 1e-13);
        assert!(largest(x.iter().zip(&by_steps).map(|(a, b)| a - b)) < 1e-12);
    }

    #[test]
    fn transposing_back_gives_the_panel() {
        let (n, t) = (131, 6);
        let x = samples::vector(5, n * t);
        let y = transpose(&x, n, t);
        assert_eq!(y[7 * t + 2], x[2 * n + 7]);
        assert_eq!(transpose(&y, t, n), x);
    }

    #[test]
    fn threads_change_no_bit() {
        let (n, t) = (9000, 20);
        let w = samples::ring(n);
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut x = spatial_lag(&w, &samples::vector(6, n * t), n, t);
                demean_both(&mut x, n, t);
                x
            })
        };
        assert_eq!(run(1), run(3));
    }
}
