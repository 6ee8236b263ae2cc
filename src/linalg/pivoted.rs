//! Sparse LU with row pivoting: the slow, sure way when elimination without pivoting cannot be trusted.

use super::LinalgError;
use super::csr::Csr;
use super::elimination::Elimination;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::perm::PermRef;
use faer::sparse::linalg::lu::simplicial::{
    SimplicialLu, factorize_simplicial_numeric_lu, factorize_simplicial_numeric_lu_scratch, solve_in_place_scratch,
};
use faer::sparse::{SparseColMatRef, SymbolicSparseColMatRef};
use faer::{Conj, MatMut, Par};

/// Factors of `I − ρW` with rows exchanged.
#[derive(Debug)]
pub struct PivotedLu {
    n: usize,
    factors: SimplicialLu<u32, f64>,
    row_order: Vec<u32>,
    row_place: Vec<u32>,
    column_order: Vec<u32>,
    column_place: Vec<u32>,
}

impl PivotedLu {
    /// Factors `I − ρW`; `transposed` holds `W'`, whose rows are the columns of `W`.
    ///
    /// # Errors
    /// `Singular` when a column has no pivot, `TooLarge` when the factors do not fit.
    pub fn factor(transposed: &Csr, elimination: &Elimination, rho: f64) -> Result<PivotedLu, LinalgError> {
        let n = transposed.n;
        let (column_order, column_place) = elimination.order();
        let (mut ptr, mut row, mut value) = (vec![0u32], Vec::new(), Vec::new());
        for j in 0..n {
            let mut diagonal = Some(1.0);
            for (i, v) in transposed.row(j) {
                if i >= j
                    && let Some(one) = diagonal.take()
                {
                    row.push(j as u32);
                    value.push(if i == j { one - rho * v } else { one });
                    if i == j {
                        continue;
                    }
                }
                row.push(i as u32);
                value.push(-rho * v);
            }
            if let Some(one) = diagonal {
                row.push(j as u32);
                value.push(one);
            }
            ptr.push(row.len() as u32);
        }
        let matrix = SparseColMatRef::new(SymbolicSparseColMatRef::new_checked(n, n, &ptr, None, &row), &value[..]);
        let mut lu = PivotedLu {
            n,
            factors: SimplicialLu::new(),
            row_order: vec![0; n],
            row_place: vec![0; n],
            column_order,
            column_place,
        };
        let mut memory = MemBuffer::try_new(factorize_simplicial_numeric_lu_scratch::<u32, f64>(n, n))
            .map_err(|_| LinalgError::TooLarge { what: "a sparse factor", bytes: 8 * n as u64 })?;
        factorize_simplicial_numeric_lu(
            &mut lu.row_order,
            &mut lu.row_place,
            &mut lu.factors,
            matrix,
            PermRef::new_checked(&lu.column_order, &lu.column_place, n),
            MemStack::new(&mut memory),
        )
        .map_err(|_| LinalgError::Singular { rho })?;
        Ok(lu)
    }

    /// `ln|det|`, minus infinity or NaN for a zero pivot.
    pub fn ln_abs_det(&self) -> f64 {
        self.pivots().map(f64::ln).sum()
    }

    pub fn smallest_pivot(&self) -> f64 {
        self.pivots().fold(f64::INFINITY, f64::min)
    }

    /// |pivots|; each is stored last in its column of U.
    fn pivots(&self) -> impl Iterator<Item = f64> {
        let u = self.factors.u_factor_unsorted();
        (0..self.n).map(move |j| u.val_of_col(j).last().map_or(0.0, |pivot| pivot.abs()))
    }

    /// Solves in place, columns concatenated; with the transpose where asked.
    pub fn solve(&self, rhs: &mut [f64], transposed: bool) -> Result<(), LinalgError> {
        let columns = rhs.len() / self.n.max(1);
        let mut memory = MemBuffer::try_new(solve_in_place_scratch::<u32, f64>(self.n, columns, Par::Seq))
            .map_err(|_| LinalgError::TooLarge { what: "right-hand sides", bytes: 8 * rhs.len() as u64 })?;
        let rows = PermRef::new_checked(&self.row_order, &self.row_place, self.n);
        let order = PermRef::new_checked(&self.column_order, &self.column_place, self.n);
        let stack = MemStack::new(&mut memory);
        let view = MatMut::from_column_major_slice_mut(rhs, self.n, columns);
        if transposed {
            self.factors.solve_transpose_in_place_with_conj(rows, order, Conj::No, view, Par::Seq, stack);
        } else {
            self.factors.solve_in_place_with_conj(rows, order, Conj::No, view, Par::Seq, stack);
        }
        Ok(())
    }
}
