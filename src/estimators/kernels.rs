//! Dense kernels for panels of up to a few thousand units.

use super::Interval;
use crate::linalg::LinalgError;
use crate::weights::Weights;
use faer::Mat;
use faer::linalg::solvers::DenseSolveCore;

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (ca, cb) = (a.chunks_exact(8), b.chunks_exact(8));
    let tail: f64 = ca.remainder().iter().zip(cb.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in ca.zip(cb) {
        for k in 0..8 {
            sums[k] += x[k] * y[k];
        }
    }
    sums.iter().sum::<f64>() + tail
}

pub(crate) fn axpy(c: f64, x: &[f64], y: &mut [f64]) {
    y.iter_mut().zip(x).for_each(|(b, a)| *b += c * a);
}

pub(crate) fn spatial_lag(weights: &Weights, x: &[f64], periods: usize) -> Vec<f64> {
    let n = weights.matrix.rows();
    let mut out = vec![0.0; n * periods];
    for (source, target) in x.chunks_exact(n).zip(out.chunks_exact_mut(n)) {
        for (i, row) in weights.matrix.outer_iterator().enumerate() {
            target[i] = row.iter().map(|(k, w)| w * source[k]).sum();
        }
    }
    out
}

pub(crate) fn demean_units(x: &mut [f64], units: usize, periods: usize) {
    for i in 0..units {
        let mean = (0..periods).map(|t| x[t * units + i]).sum::<f64>() / periods as f64;
        (0..periods).for_each(|t| x[t * units + i] -= mean);
    }
}

pub(crate) fn demean_periods(x: &mut [f64], units: usize, _periods: usize) {
    for column in x.chunks_exact_mut(units) {
        let mean = column.iter().sum::<f64>() / units as f64;
        column.iter_mut().for_each(|v| *v -= mean);
    }
}

pub(crate) fn demean_both(x: &mut [f64], units: usize, periods: usize) {
    demean_units(x, units, periods);
    demean_periods(x, units, periods);
}

pub(crate) struct SpatialFilter {
    eigenvalues: Vec<(f64, f64)>,
    w: Mat<f64>,
}

impl SpatialFilter {
    pub fn new(weights: &Weights) -> Result<Self, LinalgError> {
        let n = weights.matrix.rows();
        let mut w = Mat::<f64>::zeros(n, n);
        for (v, (i, k)) in weights.matrix.iter() {
            w[(i, k)] = *v;
        }
        let mut eigenvalues = Vec::with_capacity(n);
        if let Some(s) = &weights.symmetrizer {
            let sym = Mat::from_fn(n, n, |i, k| 0.5 * (s[i] * w[(i, k)] / s[k] + s[k] * w[(k, i)] / s[i]));
            let values = sym.self_adjoint_eigenvalues(faer::Side::Lower).map_err(|_| LinalgError::NoConvergence)?;
            eigenvalues.extend(values.iter().map(|v| (*v, 0.0)));
        } else {
            let values = w.eigenvalues().map_err(|_| LinalgError::NoConvergence)?;
            eigenvalues.extend(values.iter().map(|v| (v.re, v.im)));
        }
        Ok(SpatialFilter { eigenvalues, w })
    }

    pub fn interval(&self) -> Interval {
        let real = self.eigenvalues.iter().filter(|e| e.1.abs() < 1e-10).map(|e| e.0);
        let (mut lo, mut hi) = (0.0_f64, 0.0_f64);
        for e in real {
            lo = lo.min(e);
            hi = hi.max(e);
        }
        let radius = self.eigenvalues.iter().map(|e| e.0.hypot(e.1)).fold(0.0, f64::max);
        Interval { lo: if lo < -1e-12 { 1.0 / lo } else { -1.0 / radius }, hi: 1.0 / hi, rule: "eigen" }
    }

    pub fn method(&self) -> &'static str {
        "eigen"
    }

    /// ln|I − ρW| and its first two derivatives.
    pub fn log_determinant(&self, rho: f64) -> Result<[f64; 3], LinalgError> {
        let mut out = [0.0; 3];
        for &(re, im) in &self.eigenvalues {
            let (a, b) = (1.0 - rho * re, -rho * im);
            let square = a * a + b * b;
            // q = ω / (1 − ρω); the determinant's derivatives are −Σ Re q and −Σ Re q².
            let (qr, qi) = ((re * a + im * b) / square, (im * a - re * b) / square);
            out[0] += 0.5 * square.ln();
            out[1] -= qr;
            out[2] -= qr * qr - qi * qi;
        }
        Ok(out)
    }

    pub fn dense_inverse(&self, rho: f64) -> Result<Mat<f64>, LinalgError> {
        let n = self.w.nrows();
        let s = Mat::from_fn(n, n, |i, k| f64::from(u8::from(i == k)) - rho * self.w[(i, k)]);
        Ok(s.partial_piv_lu().inverse())
    }
}
