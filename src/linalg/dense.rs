//! Dense kernels: eigenvalues of a weights matrix, LU of `I − ρW`, inverses of small symmetric matrices.

use super::LinalgError;
use super::csr::Csr;
use super::structure::StrongComponents;
use faer::linalg::solvers::{DenseSolveCore, PartialPivLu, Solve};
use faer::{Mat, MatMut, Side};

/// `(re, im)` of all eigenvalues of `W`, ascending by real then imaginary part.
///
/// The matrix is block triangular in its strong components, so each is solved on its own: nilpotent parts keep their
/// exact zeros. `symmetric` says that `diag(s) W diag(s)⁻¹` is symmetric for some `s` (methods B.6).
///
/// # Errors
/// `NoConvergence` of the QR iteration.
pub fn eigenvalues(w: &Csr, components: &StrongComponents, symmetric: bool) -> Result<Vec<(f64, f64)>, LinalgError> {
    let mut all = Vec::with_capacity(w.n);
    let mut place = vec![u32::MAX; w.n];
    for members in components.members() {
        let n = members.len();
        if let [unit] = members[..] {
            all.push((w.get(unit as usize, unit as usize), 0.0));
            continue;
        }
        for (k, &unit) in members.iter().enumerate() {
            place[unit as usize] = k as u32;
        }
        let mut block = Mat::<f64>::zeros(n, n);
        for (k, &unit) in members.iter().enumerate() {
            for (j, v) in w.row(unit as usize) {
                if components.of_unit[j] == components.of_unit[unit as usize] {
                    let l = place[j] as usize;
                    let entry = if symmetric { super::cholesky::similar_entry(w, unit as usize, j) } else { v };
                    block[(k, l)] = entry;
                }
            }
        }
        if symmetric {
            let values = block.self_adjoint_eigenvalues(Side::Lower).map_err(|_| LinalgError::NoConvergence)?;
            all.extend(values.into_iter().map(|v| (v, 0.0)));
        } else {
            let values = block.eigenvalues().map_err(|_| LinalgError::NoConvergence)?;
            all.extend(values.into_iter().map(|v| (v.re, v.im)));
        }
    }
    if all.iter().any(|&(re, im)| !re.is_finite() || !im.is_finite()) {
        return Err(LinalgError::NoConvergence);
    }
    all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    Ok(all)
}

/// Row-pivoted LU of `I − ρW`.
#[derive(Clone, Debug)]
pub struct DenseLu {
    factors: PartialPivLu<f64>,
}

impl DenseLu {
    /// # Errors
    /// `Singular` when a pivot is zero or not finite.
    pub fn factor(w: &Csr, rho: f64) -> Result<DenseLu, LinalgError> {
        let mut a = Mat::<f64>::identity(w.n, w.n);
        for i in 0..w.n {
            for (j, v) in w.row(i) {
                a[(i, j)] -= rho * v;
            }
        }
        let lu = DenseLu { factors: a.partial_piv_lu() };
        if lu.ln_abs_det().is_finite() { Ok(lu) } else { Err(LinalgError::Singular { rho }) }
    }

    pub fn ln_abs_det(&self) -> f64 {
        let u = self.factors.U();
        (0..u.nrows()).map(|i| u[(i, i)].abs().ln()).sum()
    }

    pub fn smallest_pivot(&self) -> f64 {
        let u = self.factors.U();
        (0..u.nrows()).map(|i| u[(i, i)].abs()).fold(f64::INFINITY, f64::min)
    }

    /// Solves in place, columns concatenated; with the transpose where asked.
    pub fn solve(&self, rhs: &mut [f64], transposed: bool) {
        let n = self.factors.U().nrows();
        let columns = rhs.len() / n.max(1);
        let view = MatMut::from_column_major_slice_mut(rhs, n, columns);
        if transposed {
            self.factors.solve_transpose_in_place(view);
        } else {
            self.factors.solve_in_place(view);
        }
    }

    pub fn inverse(&self) -> Mat<f64> {
        self.factors.inverse()
    }
}

/// Inverse of a small symmetric positive definite matrix by a Cholesky factorisation of its unit-diagonal scaling.
///
/// # Errors
/// `NotPositiveDefinite` when a diagonal entry is not positive or the scaled matrix has a pivot below `1e-14`;
/// `Shape` when the matrix is not square.
pub fn symmetric_inverse(a: &nalgebra::DMatrix<f64>) -> Result<nalgebra::DMatrix<f64>, LinalgError> {
    let n = a.nrows();
    if n != a.ncols() {
        return Err(LinalgError::Shape { what: "a square matrix" });
    }
    let scale: Vec<f64> = (0..n).map(|i| 1.0 / a[(i, i)].sqrt()).collect();
    if scale.iter().any(|s| !s.is_finite() || *s <= 0.0) {
        return Err(LinalgError::NotPositiveDefinite);
    }
    let scaled = nalgebra::DMatrix::from_fn(n, n, |i, j| 0.5 * (a[(i, j)] + a[(j, i)]) * scale[i] * scale[j]);
    let factor = nalgebra::Cholesky::new(scaled).ok_or(LinalgError::NotPositiveDefinite)?;
    let l = factor.l_dirty();
    // Written so that a NaN pivot fails too.
    if !(0..n).all(|i| l[(i, i)] * l[(i, i)] > 1e-14) {
        return Err(LinalgError::NotPositiveDefinite);
    }
    let inverse = factor.inverse();
    Ok(nalgebra::DMatrix::from_fn(n, n, |i, j| 0.5 * (inverse[(i, j)] + inverse[(j, i)]) * scale[i] * scale[j]))
}

/// What is left of a column that others explain, relative to its size.
const EXPLAINED: f64 = 1e-9;

/// Columns of cross-products that are combinations of those before them: what elimination in order leaves of their
/// diagonal.
pub fn dependent(cross: &nalgebra::DMatrix<f64>) -> Vec<usize> {
    let k = cross.nrows();
    let mut left = cross.clone();
    let mut out = Vec::new();
    for j in 0..k {
        let pivot = left[(j, j)];
        if pivot.is_nan() || pivot <= EXPLAINED * cross[(j, j)].abs() {
            out.push(j);
            continue;
        }
        for a in j + 1..k {
            let share = left[(a, j)] / pivot;
            for b in j..k {
                let taken = share * left[(j, b)];
                left[(a, b)] -= taken;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::samples;
    use nalgebra::DMatrix;

    #[test]
    fn eigenvalues_of_a_ring_are_cosines() {
        let n = 15;
        let w = Csr::from_sprs(&samples::ring(n)).unwrap();
        let components = StrongComponents::find(&w);
        let mut cosines: Vec<f64> = (0..n).map(|k| (std::f64::consts::TAU * k as f64 / n as f64).cos()).collect();
        cosines.sort_by(f64::total_cmp);
        for symmetric in [true, false] {
            let found = eigenvalues(&w, &components, symmetric).unwrap();
            for (f, c) in found.iter().zip(&cosines) {
                assert!((f.0 - c).abs() < 1e-13 && f.1.abs() < 1e-7, "{f:?} {c}");
            }
        }
    }

    #[test]
    fn a_nilpotent_matrix_has_exact_zeros() {
        let mut t = sprs::TriMat::new((6, 6));
        for i in 0..5 {
            t.add_triplet(i, i + 1, 1.0);
        }
        let w = Csr::from_sprs(&t.to_csr()).unwrap();
        assert_eq!(eigenvalues(&w, &StrongComponents::find(&w), false).unwrap(), vec![(0.0, 0.0); 6]);
    }

    #[test]
    fn scaling_lets_badly_scaled_matrices_be_inverted() {
        let base = DMatrix::from_row_slice(3, 3, &[2.0, 0.5, 0.1, 0.5, 1.0, 0.3, 0.1, 0.3, 3.0]);
        let d = DMatrix::from_diagonal(&nalgebra::DVector::from_vec(vec![1e-9, 1.0, 1e8]));
        let a = &d * &base * &d;
        let product = symmetric_inverse(&a).unwrap() * &a;
        assert!((d.clone() * product * d.try_inverse().unwrap() - DMatrix::identity(3, 3)).abs().max() < 1e-12);
    }

    #[test]
    fn an_indefinite_matrix_is_refused() {
        let a = DMatrix::from_row_slice(2, 2, &[1.0, 2.0, 2.0, 1.0]);
        assert_eq!(symmetric_inverse(&a), Err(LinalgError::NotPositiveDefinite));
        let twins = DMatrix::from_element(2, 2, 1.0);
        assert_eq!(symmetric_inverse(&twins), Err(LinalgError::NotPositiveDefinite));
    }
}
