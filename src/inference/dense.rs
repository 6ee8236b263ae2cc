//! A dense square matrix, for panels of up to two thousand units.

use crate::linalg::iterate::{axpy, dot};
use crate::linalg::panel;
use crate::weights::Weights;
use faer::{Mat, MatMut, MatRef, Par};

/// A dense square matrix, column by column.
#[derive(Clone, Debug)]
pub(crate) struct Dense {
    pub n: usize,
    pub data: Vec<f64>,
}

impl Dense {
    pub fn from_mat(m: &Mat<f64>) -> Self {
        let n = m.nrows();
        let data = (0..n).flat_map(|j| (0..n).map(move |i| (i, j))).map(|(i, j)| m[(i, j)]).collect();
        Dense { n, data }
    }

    pub fn at(&self, i: usize, k: usize) -> f64 {
        self.data[k * self.n + i]
    }

    pub fn trace(&self) -> f64 {
        self.diagonal().iter().sum()
    }

    pub fn diagonal(&self) -> Vec<f64> {
        (0..self.n).map(|i| self.at(i, i)).collect()
    }

    /// `A X` for `N × k` columns, or `A'X`.
    pub fn apply(&self, x: &[f64], transposed: bool) -> Vec<f64> {
        let a = MatRef::from_column_major_slice(&self.data, self.n, self.n);
        let a = if transposed { a.transpose() } else { a };
        let columns = x.len() / self.n;
        let mut out = vec![0.0; x.len()];
        faer::linalg::matmul::matmul(
            MatMut::from_column_major_slice_mut(&mut out, self.n, columns),
            faer::Accum::Replace,
            a,
            MatRef::from_column_major_slice(x, self.n, columns),
            1.0,
            Par::Seq,
        );
        out
    }

    /// `W A`.
    pub fn lagged(&self, w: &Weights) -> Dense {
        Dense { n: self.n, data: panel::spatial_lag(&w.matrix, &self.data, self.n, self.n) }
    }

    /// `A W`.
    pub fn times(&self, w: &Weights) -> Dense {
        let mut data = vec![0.0; self.data.len()];
        for (v, (j, k)) in w.matrix.iter() {
            axpy(*v, &self.data[j * self.n..(j + 1) * self.n], &mut data[k * self.n..(k + 1) * self.n]);
        }
        Dense { n: self.n, data }
    }

    /// `tr(A'B)`.
    pub fn inner(&self, other: &Dense) -> f64 {
        dot(&self.data, &other.data)
    }

    /// Diagonal of `AB`.
    pub fn product_diagonal(&self, other: &Dense) -> Vec<f64> {
        let n = self.n;
        let rows = panel::transpose(&self.data, n, n);
        rows.chunks_exact(n).zip(other.data.chunks_exact(n)).map(|(row, column)| dot(row, column)).collect()
    }

    /// `tr(AB)`.
    pub fn product_trace(&self, other: &Dense) -> f64 {
        self.product_diagonal(other).iter().sum()
    }

    /// `P A P` with P off the vector `s`.
    pub fn projected(&self, s: &[f64]) -> Dense {
        let n = self.n;
        let norm = dot(s, s);
        let mut data = self.data.clone();
        for column in data.chunks_exact_mut(n) {
            let c = dot(s, column) / norm;
            axpy(-c, s, column);
        }
        let mut rows = vec![0.0; n];
        for (k, column) in data.chunks_exact(n).enumerate() {
            axpy(s[k] / norm, column, &mut rows);
        }
        for (k, column) in data.chunks_exact_mut(n).enumerate() {
            axpy(-s[k], &rows, column);
        }
        Dense { n, data }
    }
}
