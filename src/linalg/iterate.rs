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

/// Eight columns side by side: each entry of the matrix is read once for eight products (scaling 5).
type Eight = [f64; 8];

/// Solves `(I − ρA) X = B` for up to eight columns of length N, one after the other, with `B` given in `x`; false when
/// a residual stays above [`RESIDUAL`]. A column's solution does not depend on those beside it.
pub fn solve(a: &Csr, rho: f64, x: &mut [f64]) -> bool {
    let n = a.n;
    let mut b = vec![[0.0; 8]; n];
    for (k, column) in x.chunks_exact(n).take(8).enumerate() {
        b.iter_mut().zip(column).for_each(|(row, v)| row[k] = *v);
    }
    let size = dot_eight(&b, &b).map(f64::sqrt);
    let (mut answer, mut residual) = (vec![[0.0; 8]; n], b.clone());
    let mut correction = vec![[0.0; 8]; n];
    let mut solved = false;
    for _ in 0..=ROUNDS {
        let left = dot_eight(&residual, &residual).map(f64::sqrt);
        let reached = dot_eight(&answer, &answer).map(f64::sqrt);
        if left.iter().any(|r| !r.is_finite()) {
            return false;
        }
        let done: [bool; 8] = std::array::from_fn(|k| left[k] <= RESIDUAL * 0.5 * (size[k] + reached[k]));
        solved = done.iter().all(|d| *d);
        if solved {
            break;
        }
        for row in &mut residual {
            for k in 0..8 {
                if done[k] {
                    row[k] = 0.0;
                }
            }
        }
        bicgstab(a, rho, &residual, &mut correction);
        for (x, c) in answer.iter_mut().zip(&correction) {
            for k in 0..8 {
                x[k] += c[k];
            }
        }
        apply_eight(a, rho, &answer, &mut residual);
        for (r, b) in residual.iter_mut().zip(&b) {
            for k in 0..8 {
                r[k] = b[k] - r[k];
            }
        }
    }
    for (k, column) in x.chunks_exact_mut(n).take(8).enumerate() {
        column.iter_mut().zip(&answer).for_each(|(v, row)| *v = row[k]);
    }
    solved
}

/// One round of van der Vorst's BiCGSTAB (1992): reduces each residual by about 1e-9, or as far as its recurrence goes
/// before it breaks down. A column that is there stands still.
fn bicgstab(a: &Csr, rho: f64, b: &[Eight], x: &mut [Eight]) {
    let n = b.len();
    x.fill([0.0; 8]);
    let (mut r, mut p) = (b.to_vec(), b.to_vec());
    let (mut v, mut s, mut t) = (vec![[0.0; 8]; n], vec![[0.0; 8]; n], vec![[0.0; 8]; n]);
    let mut rr = dot_eight(b, b);
    let goal = rr.map(|square| 1e-18 * square);
    let mut going = rr.map(|square| square > 0.0);
    for _ in 0..STEPS {
        apply_eight(a, rho, &p, &mut v);
        let alpha = quotient(rr, dot_eight(b, &v), &mut going);
        for i in 0..n {
            for k in 0..8 {
                s[i][k] = r[i][k] - alpha[k] * v[i][k];
            }
        }
        apply_eight(a, rho, &s, &mut t);
        // A residual of zero after the first half leaves nothing for the second.
        let (ts, tt) = (dot_eight(&t, &s), dot_eight(&t, &t));
        let omega: Eight = std::array::from_fn(|k| if going[k] && tt[k] > 0.0 { ts[k] / tt[k] } else { 0.0 });
        for i in 0..n {
            for k in 0..8 {
                x[i][k] += alpha[k] * p[i][k] + omega[k] * s[i][k];
                r[i][k] = s[i][k] - omega[k] * t[i][k];
            }
        }
        let (left, next) = (dot_eight(&r, &r), dot_eight(b, &r));
        for k in 0..8 {
            going[k] &= left[k] > goal[k] && omega[k] != 0.0;
        }
        let mut beta = quotient(next, rr, &mut going);
        for k in 0..8 {
            beta[k] *= alpha[k] / if omega[k] == 0.0 { 1.0 } else { omega[k] };
        }
        if !going.contains(&true) {
            return;
        }
        rr = next;
        for i in 0..n {
            for k in 0..8 {
                p[i][k] = r[i][k] + beta[k] * (p[i][k] - omega[k] * v[i][k]);
            }
        }
    }
}

/// `a / b` of the columns that go on; one without a quotient stops.
fn quotient(a: Eight, b: Eight, going: &mut [bool; 8]) -> Eight {
    std::array::from_fn(|k| {
        let value = a[k] / b[k];
        going[k] &= value.is_finite() && value != 0.0;
        if going[k] { value } else { 0.0 }
    })
}

/// `Y = (I − ρA) X`.
fn apply_eight(a: &Csr, rho: f64, x: &[Eight], y: &mut [Eight]) {
    a.multiply_eight(x, y);
    for (y, x) in y.iter_mut().zip(x) {
        for k in 0..8 {
            y[k] = x[k] - rho * y[k];
        }
    }
}

fn dot_eight(a: &[Eight], b: &[Eight]) -> Eight {
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for k in 0..8 {
            sums[k] += a[k] * b[k];
        }
    }
    sums
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
    fn columns_side_by_side_do_not_know_of_each_other() {
        let w = Csr::from_sprs(&samples::knn(300, 5, 4)).unwrap();
        let mut together: Vec<f64> = (0..5).flat_map(|k| samples::vector(k, 300)).collect();
        together[600..900].fill(0.0);
        let mut apart = together.clone();
        assert!(solve(&w, 0.7, &mut together));
        for column in apart.chunks_exact_mut(300) {
            assert!(solve(&w, 0.7, column));
        }
        assert_eq!(together, apart);
    }

    #[test]
    fn a_zero_right_hand_side_gives_zero() {
        let w = Csr::from_sprs(&samples::ring(9)).unwrap();
        let mut x = vec![0.0; 9];
        assert!(solve(&w, 0.4, &mut x));
        assert_eq!(x, vec![0.0; 9]);
    }
}
