//! Random signs that depend on their place only, and the trace estimates made with them.

use super::LinalgError;
use super::filter::SpatialFilter;
use super::iterate::dot;
use rayon::prelude::*;

/// ±1, the same for the same `(seed, probe, index)` wherever and whenever it is asked for.
pub fn rademacher(seed: u64, probe: u64, index: u64) -> f64 {
    if hash(seed, probe, index) >> 63 == 0 { 1.0 } else { -1.0 }
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

/// Hutchinson estimates for `G = W(I − ρW)⁻¹`.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbedTraces {
    pub probes: usize,
    /// Estimate of `tr(G'G)`.
    pub trace_gtg: f64,
    /// Its standard error divided by the estimate (zero where the estimate is zero).
    pub relative_error: f64,
    /// Estimates of `g_ii`, length N.
    pub diagonal: Vec<f64>,
    /// Euclidean norm of the diagonal's standard errors divided by the norm of its estimate.
    pub diagonal_error: f64,
}

/// `tr(G'G) = E‖Gz‖²` and `diag(G) = E[z ∘ Gz]` with `probes` vectors of random signs.
///
/// # Errors
/// `Shape` for fewer than two probes; those of [`SpatialFilter::solve`].
pub fn probe_traces(filter: &SpatialFilter, rho: f64, probes: usize, seed: u64) -> Result<ProbedTraces, LinalgError> {
    if probes < 2 {
        return Err(LinalgError::Shape { what: "two probes or more" });
    }
    let n = filter.units();
    let (mut squares, mut sum, mut sum_sq) = (Vec::with_capacity(probes), vec![0.0; n], vec![0.0; n]);
    let numbers: Vec<u64> = (0..probes as u64).collect();
    for batch in numbers.chunks(8) {
        let images: Vec<Vec<f64>> = batch
            .par_iter()
            .map(|&probe| {
                let mut z: Vec<f64> = (0..n as u64).map(|i| rademacher(seed, probe, i)).collect();
                filter.solve(rho, &mut z)?;
                let mut image = vec![0.0; n];
                filter.multiply(&z, &mut image);
                Ok(image)
            })
            .collect::<Result<_, LinalgError>>()?;
        for (&probe, image) in batch.iter().zip(&images) {
            squares.push(dot(image, image));
            for (i, g) in image.iter().enumerate() {
                let term = rademacher(seed, probe, i as u64) * g;
                sum[i] += term;
                sum_sq[i] += term * term;
            }
        }
    }
    let m = probes as f64;
    let mean = squares.iter().sum::<f64>() / m;
    let variance = squares.iter().map(|s| (s - mean) * (s - mean)).sum::<f64>() / (m - 1.0) / m;
    let diagonal: Vec<f64> = sum.iter().map(|s| s / m).collect();
    let spread: f64 = sum_sq.iter().zip(&diagonal).map(|(s, d)| ((s / m - d * d) / (m - 1.0)).max(0.0)).sum();
    Ok(ProbedTraces {
        probes,
        trace_gtg: mean,
        relative_error: share(variance.sqrt(), mean),
        diagonal_error: share(spread.sqrt(), dot(&diagonal, &diagonal).sqrt()),
        diagonal,
    })
}

fn share(error: f64, size: f64) -> f64 {
    if size == 0.0 { 0.0 } else { error / size.abs() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::samples;

    #[test]
    fn signs_are_balanced_and_uncorrelated() {
        let n = 40_000u64;
        let sum = |f: &dyn Fn(u64) -> f64| (0..n).map(f).sum::<f64>().abs() / (n as f64).sqrt();
        assert!(sum(&|i| rademacher(1, 0, i)) < 4.0);
        assert!(sum(&|i| rademacher(1, 0, i) * rademacher(1, 1, i)) < 4.0);
        assert!(sum(&|i| rademacher(1, 0, i) * rademacher(2, 0, i)) < 4.0);
        assert!(sum(&|i| rademacher(1, 0, i) * rademacher(1, 0, i + 1)) < 4.0);
        assert!(sum(&|k| rademacher(1, k, 7)) < 4.0);
    }

    #[test]
    fn estimates_agree_with_the_dense_inverse_within_their_errors() {
        let w = samples::knn(150, 6, 4);
        let filter = SpatialFilter::new(&w, None).unwrap();
        let rho = 0.5;
        let inverse = filter.dense_inverse(rho).unwrap();
        let mut g = vec![vec![0.0; 150]; 150];
        for (i, row) in w.outer_iterator().enumerate() {
            for (k, &v) in row.iter() {
                for j in 0..150 {
                    g[i][j] += v * inverse[(k, j)];
                }
            }
        }
        let exact: f64 = g.iter().flatten().map(|x| x * x).sum();
        let found = probe_traces(&filter, rho, 400, 9).unwrap();
        assert!((found.trace_gtg / exact - 1.0).abs() < 4.0 * found.relative_error);
        assert!(found.relative_error < 0.02);
        let (mut gap, mut size) = (0.0, 0.0);
        for i in 0..150 {
            gap += (found.diagonal[i] - g[i][i]).powi(2);
            size += g[i][i].powi(2);
        }
        assert!((gap / size).sqrt() < 1.5 * found.diagonal_error);
    }

    #[test]
    fn one_probe_is_refused() {
        let filter = SpatialFilter::new(&samples::ring(10), None).unwrap();
        assert!(matches!(probe_traces(&filter, 0.2, 1, 0), Err(LinalgError::Shape { .. })));
    }
}
