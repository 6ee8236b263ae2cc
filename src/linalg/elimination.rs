//! The order of elimination of `I − ρW` and the pattern of its factors: done once for one matrix, whatever ρ.

use super::LinalgError;
use super::csr::Csr;
use faer::Side;
use faer::sparse::SymbolicSparseColMatRef;
use faer::sparse::linalg::SupernodalThreshold;
use faer::sparse::linalg::cholesky::supernodal::SymbolicSupernodalCholesky;
use faer::sparse::linalg::cholesky::{
    CholeskySymbolicParams, SymbolicCholesky, SymbolicCholeskyRaw, SymmetricOrdering, factorize_symbolic_cholesky,
};

/// Minimum-degree order and supernodes of the pattern of `I + W + W'`.
#[derive(Debug)]
pub struct Elimination {
    pub symbolic: SymbolicCholesky<u32>,
    /// Upper triangle with its diagonal by columns: the pattern that was analyzed.
    pub upper_ptr: Vec<u32>,
    pub upper_row: Vec<u32>,
}

impl Elimination {
    /// Analyzes the symmetrised pattern of `W`.
    ///
    /// # Errors
    /// `TooLarge` when the factors have more entries than can be indexed or held.
    pub fn analyze(w: &Csr) -> Result<Elimination, LinalgError> {
        let transposed = w.transpose();
        let mut upper_ptr = Vec::with_capacity(w.n + 1);
        let mut upper_row = Vec::with_capacity(w.nnz() / 2 + w.n);
        upper_ptr.push(0u32);
        for j in 0..w.n {
            // Row j of W below j is the lower triangle, whose mirror image belongs to column j too.
            let mut a = w.row(j).map(|(i, _)| i).take_while(|&i| i < j).peekable();
            let mut b = transposed.row(j).map(|(i, _)| i).take_while(|&i| i < j).peekable();
            loop {
                let next = match (a.peek(), b.peek()) {
                    (None, None) => break,
                    (Some(&x), None) => x,
                    (None, Some(&y)) => y,
                    (Some(&x), Some(&y)) => x.min(y),
                };
                a.next_if_eq(&next);
                b.next_if_eq(&next);
                upper_row.push(next as u32);
            }
            upper_row.push(j as u32);
            let Ok(end) = u32::try_from(upper_row.len()) else {
                return Err(LinalgError::TooLarge { what: "a sparse pattern", bytes: 12 * upper_row.len() as u64 });
            };
            upper_ptr.push(end);
        }
        let pattern = SymbolicSparseColMatRef::new_checked(w.n, w.n, &upper_ptr, None, &upper_row);
        let parameters = CholeskySymbolicParams {
            supernodal_flop_ratio_threshold: SupernodalThreshold::FORCE_SUPERNODAL,
            ..Default::default()
        };
        let symbolic = factorize_symbolic_cholesky(pattern, Side::Upper, SymmetricOrdering::Amd, parameters)
            .map_err(|_| LinalgError::TooLarge { what: "a sparse factor", bytes: 8 * u64::from(u32::MAX) })?;
        Ok(Elimination { symbolic, upper_ptr, upper_row })
    }

    /// The supernodes; the analysis always asks for them.
    pub fn supernodes(&self) -> Result<&SymbolicSupernodalCholesky<u32>, LinalgError> {
        match self.symbolic.raw() {
            SymbolicCholeskyRaw::Supernodal(supernodes) => Ok(supernodes),
            SymbolicCholeskyRaw::Simplicial(_) => Err(LinalgError::NoConvergence),
        }
    }

    /// `(order, place)`: the unit eliminated as number k, and the number at which a unit is eliminated.
    pub fn order(&self) -> (Vec<u32>, Vec<u32>) {
        match self.symbolic.perm() {
            Some(permutation) => {
                let (order, place) = permutation.arrays();
                (order.to_vec(), place.to_vec())
            }
            None => {
                let identity: Vec<u32> = (0..self.symbolic.nrows() as u32).collect();
                (identity.clone(), identity)
            }
        }
    }
}
