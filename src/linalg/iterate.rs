//! Solves with `I − ρW` by products alone: BiCGSTAB inside rounds of refinement on the true residual.

use super::csr::Csr;

/// Residual that counts as solved, relative to the right-hand side and the solution.
pub const RESIDUAL: f64 = 1e-13;
const ROUNDS: usize = 12;
const STEPS: usize = 600;
/// Rows combined at once: they stay in the first-level cache.
const ROWS: usize = 1024;

/// `y = (I − ρA) x`.
pub fn apply(a: &Csr, rho: f64, x: &[f64], y: &mut [f64]) {
    a.multiply(x, y);
    for (y, x) in y.iter_mut().zip(x) {
        *y = x - rho * *y;
    }
}

/// `‖b − (I − ρA)x‖ / (‖b‖ + ‖x‖)`, zero for a zero right-hand side solved by zero.
pub fn relative_residual(a: &Csr, rho: f64, x: &[f64], b: &[f64]) -> f64 {
    let mut r = vec![0.0; x.len()];
    apply(a, rho, x, &mut r);
    let gap = b.iter().zip(&r).map(|(b, r)| (b - r) * (b - r)).sum::<f64>().sqrt();
    let size = norm(b) + norm(x);
    if size == 0.0 { gap } else { gap / size }
}

/// Solves `(I − ρA) x = b` with `b` given in `x`; false when the residual stays above [`RESIDUAL`].
pub fn solve(a: &Csr, rho: f64, x: &mut [f64]) -> bool {
    let b = x.to_vec();
    let mut correction = vec![0.0; x.len()];
    let mut residual = b.clone();
    x.fill(0.0);
    for _ in 0..ROUNDS {
        let size = norm(&residual);
        if size <= RESIDUAL * 0.5 * (norm(&b) + norm(x)) {
            return true;
        }
        if !size.is_finite() {
            return false;
        }
        bicgstab(a, rho, &residual, &mut correction);
        for (x, c) in x.iter_mut().zip(&correction) {
            *x += c;
        }
        apply(a, rho, x, &mut residual);
        for (r, b) in residual.iter_mut().zip(&b) {
            *r = b - *r;
        }
    }
    relative_residual(a, rho, x, &b) <= RESIDUAL
}

/// One round: reduces the residual by about 1e-9, or as far as the recurrence goes before it breaks down.
fn bicgstab(a: &Csr, rho: f64, b: &[f64], x: &mut [f64]) {
    let n = b.len();
    x.fill(0.0);
    let shadow = b.to_vec();
    let mut r = b.to_vec();
    let (mut p, mut v, mut s, mut t) = (b.to_vec(), vec![0.0; n], vec![0.0; n], vec![0.0; n]);
    let goal = 1e-9 * norm(b);
    let mut rr = dot(&shadow, &r);
    for _ in 0..STEPS {
        apply(a, rho, &p, &mut v);
        let alpha = rr / dot(&shadow, &v);
        if !alpha.is_finite() {
            return;
        }
        for i in 0..n {
            s[i] = r[i] - alpha * v[i];
        }
        apply(a, rho, &s, &mut t);
        let tt = dot(&t, &t);
        let omega = if tt == 0.0 { 0.0 } else { dot(&t, &s) / tt };
        for i in 0..n {
            x[i] += alpha * p[i] + omega * s[i];
            r[i] = s[i] - omega * t[i];
        }
        if norm(&r) <= goal || omega == 0.0 {
            return;
        }
        let next = dot(&shadow, &r);
        let beta = next / rr * (alpha / omega);
        if !beta.is_finite() || next == 0.0 {
            return;
        }
        rr = next;
        for i in 0..n {
            p[i] = r[i] + beta * (p[i] - omega * v[i]);
        }
    }
}

/// Inner product in eight running sums: fast, and the same bits everywhere.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0f64; 8];
    let (left, right) = (a.chunks_exact(8), b.chunks_exact(8));
    let tail: f64 = left.remainder().iter().zip(right.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in left.zip(right) {
        for k in 0..8 {
            sums[k] += x[k] * y[k];
        }
    }
    ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7])) + tail
}

/// `y += c x`.
pub fn axpy(c: f64, x: &[f64], y: &mut [f64]) {
    y.iter_mut().zip(x).for_each(|(b, a)| *b += c * a);
}

/// `y += Σ_j c_j x_j`, a stretch of rows at a time so that `y` is read and written once.
pub fn combine(terms: &[(f64, &[f64])], y: &mut [f64]) {
    for (block, rows) in y.chunks_mut(ROWS).enumerate() {
        let first = block * ROWS;
        for (c, x) in terms {
            axpy(*c, &x[first..first + rows.len()], rows);
        }
    }
}

/// Euclidean norm.
pub fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::samples;

    #[test]
    fn iteration_reaches_the_residual_on_both_sides_of_zero() {
        let w = Csr::from_sprs(&samples::knn(400, 6, 11)).unwrap();
        for rho in [-0.9, -0.3, 0.0, 0.5, 0.9, 0.99] {
            let b = samples::vector(5, 400);
            let mut x = b.clone();
            assert!(solve(&w, rho, &mut x), "rho {rho}");
            assert!(relative_residual(&w, rho, &x, &b) <= RESIDUAL);
        }
    }

    #[test]
    fn a_zero_right_hand_side_gives_zero() {
        let w = Csr::from_sprs(&samples::ring(9)).unwrap();
        let mut x = vec![0.0; 9];
        assert!(solve(&w, 0.4, &mut x));
        assert_eq!(x, vec![0.0; 9]);
    }
}
