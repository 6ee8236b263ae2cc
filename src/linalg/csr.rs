//! A compact compressed-row matrix for the kernels: `u32` columns, no explicit zeros, and the products they need.

use super::LinalgError;
use sprs::CsMat;

/// A square sparse matrix by rows, columns ascending, without stored zeros.
#[derive(Clone, Debug, PartialEq)]
pub struct Csr {
    /// Number of rows and of columns.
    pub n: usize,
    /// Row `i` is `ptr[i]..ptr[i + 1]` of `col` and `val`.
    pub ptr: Vec<usize>,
    pub col: Vec<u32>,
    pub val: Vec<f64>,
}

impl Csr {
    /// Copies a square `sprs` matrix of either storage order.
    ///
    /// # Errors
    /// `Shape` for a matrix that is not square, `TooLarge` beyond the range of `u32` indices.
    pub fn from_sprs(w: &CsMat<f64>) -> Result<Csr, LinalgError> {
        let n = w.rows();
        if n != w.cols() {
            return Err(LinalgError::Shape { what: "a square spatial weights matrix" });
        }
        if n >= (u32::MAX / 2) as usize {
            return Err(LinalgError::TooLarge { what: "a matrix index", bytes: 8 * n as u64 });
        }
        let by_rows = if w.is_csr() { None } else { Some(w.to_csr()) };
        let source = by_rows.as_ref().unwrap_or(w);
        let mut csr = Csr {
            n,
            ptr: Vec::with_capacity(n + 1),
            col: Vec::with_capacity(w.nnz()),
            val: Vec::with_capacity(w.nnz()),
        };
        csr.ptr.push(0);
        for row in source.outer_iterator() {
            for (j, &v) in row.iter() {
                if v != 0.0 {
                    csr.col.push(j as u32);
                    csr.val.push(v);
                }
            }
            csr.ptr.push(csr.col.len());
        }
        Ok(csr)
    }

    /// Stored entries.
    pub fn nnz(&self) -> usize {
        self.col.len()
    }

    /// Columns and values of row `i`.
    pub fn row(&self, i: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let span = self.ptr[i]..self.ptr[i + 1];
        self.col[span.clone()].iter().map(|&j| j as usize).zip(self.val[span].iter().copied())
    }

    /// The entry `(i, j)`, zero where nothing is stored.
    pub fn get(&self, i: usize, j: usize) -> f64 {
        let span = self.ptr[i]..self.ptr[i + 1];
        match self.col[span.clone()].binary_search(&(j as u32)) {
            Ok(at) => self.val[span.start + at],
            Err(_) => 0.0,
        }
    }

    /// The transpose, rows ascending again.
    pub fn transpose(&self) -> Csr {
        let mut ptr = vec![0usize; self.n + 1];
        for &j in &self.col {
            ptr[j as usize + 1] += 1;
        }
        for j in 0..self.n {
            ptr[j + 1] += ptr[j];
        }
        let mut next = ptr.clone();
        let mut col = vec![0u32; self.nnz()];
        let mut val = vec![0.0; self.nnz()];
        for i in 0..self.n {
            for (j, v) in self.row(i) {
                col[next[j]] = i as u32;
                val[next[j]] = v;
                next[j] += 1;
            }
        }
        Csr { n: self.n, ptr, col, val }
    }

    /// `y = A x`.
    pub fn multiply(&self, x: &[f64], y: &mut [f64]) {
        for (i, out) in y.iter_mut().enumerate() {
            let span = self.ptr[i]..self.ptr[i + 1];
            *out = self.col[span.clone()].iter().zip(&self.val[span]).map(|(&j, &v)| v * x[j as usize]).sum();
        }
    }

    /// `Y = A X` for eight interleaved columns: each entry of `A` is read once for eight products (scaling 5).
    pub fn multiply_eight(&self, x: &[[f64; 8]], y: &mut [[f64; 8]]) {
        for (i, out) in y.iter_mut().enumerate() {
            let span = self.ptr[i]..self.ptr[i + 1];
            let mut sums = [0.0; 8];
            for (&j, &v) in self.col[span.clone()].iter().zip(&self.val[span]) {
                for (s, x) in sums.iter_mut().zip(&x[j as usize]) {
                    *s += v * x;
                }
            }
            *out = sums;
        }
    }

    /// The largest sum of absolute entries of a row: a bound on the spectral radius.
    pub fn largest_row_sum(&self) -> f64 {
        (0..self.n).map(|i| self.row(i).map(|(_, v)| v.abs()).sum::<f64>()).fold(0.0, f64::max)
    }

    /// Rows and columns renumbered: entry `(a, b)` of the result is `(order[a], order[b])` of this matrix.
    pub fn permuted(&self, order: &[u32]) -> Csr {
        let mut place = vec![0u32; self.n];
        for (new, &old) in order.iter().enumerate() {
            place[old as usize] = new as u32;
        }
        let mut out = Csr { n: self.n, ptr: vec![0], col: Vec::new(), val: Vec::new() };
        out.col.reserve_exact(self.nnz());
        out.val.reserve_exact(self.nnz());
        let mut row: Vec<(u32, f64)> = Vec::new();
        for &old in order {
            row.clear();
            row.extend(self.row(old as usize).map(|(j, v)| (place[j], v)));
            row.sort_unstable_by_key(|&(j, _)| j);
            for &(j, v) in &row {
                out.col.push(j);
                out.val.push(v);
            }
            out.ptr.push(out.col.len());
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::samples;

    #[test]
    fn transposing_twice_gives_the_matrix_back() {
        let a = Csr::from_sprs(&samples::knn(60, 5, 3)).unwrap();
        assert_eq!(a.transpose().transpose(), a);
        assert_eq!(a.get(4, a.col[a.ptr[4]] as usize), a.val[a.ptr[4]]);
    }

    #[test]
    fn permuting_moves_entries() {
        let a = Csr::from_sprs(&samples::knn(20, 3, 1)).unwrap();
        let order: Vec<u32> = (0..20u32).rev().collect();
        let b = a.permuted(&order);
        for i in 0..20 {
            for j in 0..20 {
                assert_eq!(b.get(i, j), a.get(19 - i, 19 - j));
            }
        }
    }

    #[test]
    fn a_rectangular_matrix_is_refused() {
        assert!(matches!(Csr::from_sprs(&CsMat::zero((2, 3))), Err(LinalgError::Shape { .. })));
    }
}
