//! Sparse Cholesky of `I − ρB`, `B = diag(s) W diag(s)⁻¹` symmetric: log-determinants and solves (methods C.8 `chol`).

use super::LinalgError;
use super::csr::Csr;
use super::elimination::Elimination;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::sparse::linalg::cholesky::LltRef;
use faer::sparse::linalg::cholesky::supernodal::SupernodalLltRef;
use faer::sparse::{SparseColMatRef, SymbolicSparseColMatRef};
use faer::{Conj, MatMut, Par, Side};
use std::sync::{Arc, Mutex, PoisonError};

/// The symmetric matrix similar to `W`, on the pattern analyzed for elimination.
#[derive(Debug)]
pub struct SparseCholesky {
    elimination: Arc<Elimination>,
    symmetrizer: Vec<f64>,
    /// `b_ij`, upper triangle with the diagonal of `B` itself (not of `I − ρB`).
    upper: Vec<f64>,
    /// A factor's storage to use again.
    spare: Mutex<Vec<f64>>,
}

/// The factor of `I − ρB` at one ρ.
#[derive(Debug)]
pub struct CholeskyFactor {
    values: Vec<f64>,
}

/// Whether `diag(s) W diag(s)⁻¹` is symmetric up to rounding, `s` positive and finite.
pub fn symmetrizes(w: &Csr, s: &[f64]) -> bool {
    if s.len() != w.n || s.iter().any(|&x| !x.is_finite() || x <= 0.0) {
        return false;
    }
    (0..w.n).all(|i| {
        w.row(i).all(|(j, v)| {
            let (here, there) = (v * s[i] / s[j], w.get(j, i) * s[j] / s[i]);
            (here - there).abs() <= 1e-10 * here.abs()
        })
    })
}

impl SparseCholesky {
    /// Prepares `B` from a symmetrizer that [`symmetrizes`] `W`.
    pub fn new(w: &Csr, symmetrizer: &[f64], elimination: Arc<Elimination>) -> SparseCholesky {
        let mut upper = Vec::with_capacity(elimination.upper_row.len());
        for j in 0..w.n {
            let span = elimination.upper_ptr[j] as usize..elimination.upper_ptr[j + 1] as usize;
            for &i in &elimination.upper_row[span] {
                let i = i as usize;
                upper.push(similar_entry(w, i, j));
            }
        }
        SparseCholesky { elimination, symmetrizer: symmetrizer.to_vec(), upper, spare: Mutex::new(Vec::new()) }
    }

    /// `ln|I − ρW| = 2 Σ ln l_ii`.
    ///
    /// # Errors
    /// `NotPositiveDefinite` when ρ lies outside the interval of the real eigenvalues.
    pub fn log_determinant(&self, rho: f64) -> Result<f64, LinalgError> {
        let factor = self.factor(rho)?;
        let supernodes = self.elimination.supernodes()?;
        let view = SupernodalLltRef::new(supernodes, &factor.values);
        let (mut sum, mut smallest) = (0.0, f64::INFINITY);
        for s in 0..supernodes.n_supernodes() {
            let block = view.supernode(s).val();
            for j in 0..block.ncols() {
                sum += block[(j, j)].ln();
                smallest = smallest.min(block[(j, j)]);
            }
        }
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        *spare = factor.values;
        // A pivot that rounding may have made of zero does not prove definiteness.
        let definite = sum.is_finite() && smallest * smallest >= super::filter::singular_pivot(self.symmetrizer.len());
        if definite { Ok(2.0 * sum) } else { Err(LinalgError::NotPositiveDefinite) }
    }

    /// Factors `I − ρB`.
    ///
    /// # Errors
    /// `NotPositiveDefinite`, or `TooLarge` when the factor does not fit in memory.
    pub fn factor(&self, rho: f64) -> Result<CholeskyFactor, LinalgError> {
        let n = self.symmetrizer.len();
        let (ptr, row) = (&self.elimination.upper_ptr, &self.elimination.upper_row);
        let mut shifted: Vec<f64> = self.upper.iter().map(|b| -rho * b).collect();
        for j in 0..n {
            // The diagonal ends its column of the upper triangle.
            shifted[ptr[j + 1] as usize - 1] += 1.0;
        }
        let matrix = SparseColMatRef::new(SymbolicSparseColMatRef::new_checked(n, n, ptr, None, row), &shifted[..]);
        let symbolic = &self.elimination.symbolic;
        let mut values = std::mem::take(&mut *self.spare.lock().unwrap_or_else(PoisonError::into_inner));
        let length = symbolic.len_val();
        let too_large = || LinalgError::TooLarge { what: "a sparse factor", bytes: 8 * length as u64 };
        values.clear();
        values.try_reserve_exact(length).map_err(|_| too_large())?;
        values.resize(length, 0.0);
        let scratch = symbolic.factorize_numeric_llt_scratch::<f64>(Par::Seq, Default::default());
        let mut memory = MemBuffer::try_new(scratch).map_err(|_| too_large())?;
        symbolic
            .factorize_numeric_llt(
                &mut values,
                matrix,
                Side::Upper,
                Default::default(),
                Par::Seq,
                MemStack::new(&mut memory),
                Default::default(),
            )
            .map_err(|_| LinalgError::NotPositiveDefinite)?;
        Ok(CholeskyFactor { values })
    }

    /// `(I − ρB)⁻¹ rhs` in place, columns concatenated.
    pub fn solve_symmetric(&self, factor: &CholeskyFactor, rhs: &mut [f64]) -> Result<(), LinalgError> {
        let n = self.symmetrizer.len();
        if n == 0 || !rhs.len().is_multiple_of(n) {
            return Err(LinalgError::Shape { what: "right-hand sides of N rows" });
        }
        let columns = rhs.len() / n;
        let symbolic = &self.elimination.symbolic;
        let scratch = symbolic.solve_in_place_scratch::<f64>(columns, Par::Seq);
        let mut memory = MemBuffer::try_new(scratch)
            .map_err(|_| LinalgError::TooLarge { what: "right-hand sides", bytes: 8 * rhs.len() as u64 })?;
        LltRef::new(symbolic, &factor.values).solve_in_place_with_conj(
            Conj::No,
            MatMut::from_column_major_slice_mut(rhs, n, columns),
            Par::Seq,
            MemStack::new(&mut memory),
        );
        Ok(())
    }

    /// `(I − ρW)⁻¹ rhs` (or with the transpose) in place through the similarity by `s`.
    pub fn solve(&self, factor: &CholeskyFactor, rhs: &mut [f64], transposed: bool) -> Result<(), LinalgError> {
        self.scale(rhs, transposed);
        self.solve_symmetric(factor, rhs)?;
        self.scale(rhs, !transposed);
        Ok(())
    }

    fn scale(&self, columns: &mut [f64], divide: bool) {
        for column in columns.chunks_exact_mut(self.symmetrizer.len()) {
            for (x, s) in column.iter_mut().zip(&self.symmetrizer) {
                if divide { *x /= s } else { *x *= s }
            }
        }
    }
}

/// `b_ij = ±√(w_ij w_ji)`: the entry of the similar symmetric matrix, free of the symmetrizer's rounding.
pub fn similar_entry(w: &Csr, i: usize, j: usize) -> f64 {
    let (a, b) = (w.get(i, j), w.get(j, i));
    if i == j { a } else { (a * b).max(0.0).sqrt().copysign(a) }
}
