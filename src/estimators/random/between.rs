//! The unit means of a random effect outside of the spatial error (Baltagi, Song and Koh 2003): `I + ψR'R`, its factor at
//! every (λ, ψ) on one pattern.
//!
//! `I + ψR'R = (1 + ψ)(I − rC)` with `r = ψ/(1 + ψ)` and `C = λ(W + W') − λ²W'W` symmetric.

use crate::estimators::EstimateError;
use crate::linalg::cholesky::{CholeskyFactor, SparseCholesky};
use crate::linalg::csr::Csr;
use crate::linalg::elimination::Elimination;
use crate::linalg::iterate::{axpy, dot};
use crate::weights::Weights;
use nalgebra::DMatrix;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The matrix of the error with the pattern of `W + W' + W'W`.
pub(crate) struct Between {
    w: Csr,
    transposed: Csr,
    /// The pattern, with the entries of `W + W'` as values, and those of `W'W`.
    sum: Csr,
    square: Vec<f64>,
    elimination: Arc<Elimination>,
}

impl Between {
    pub fn new(weights: &Weights) -> Result<Between, EstimateError> {
        let w = Csr::from_sprs(&weights.matrix)?;
        let transposed = w.transpose();
        let mut sum = Csr { n: w.n, ptr: vec![0], col: Vec::new(), val: Vec::new() };
        let mut square = Vec::new();
        for i in 0..w.n {
            // (W + W')_ij and (W'W)_ij of row i, columns ascending.
            let mut row: BTreeMap<usize, [f64; 2]> = BTreeMap::new();
            for (j, v) in w.row(i).chain(transposed.row(i)) {
                row.entry(j).or_default()[0] += v;
            }
            for (k, v) in transposed.row(i) {
                w.row(k).for_each(|(j, u)| row.entry(j).or_default()[1] += v * u);
            }
            for (j, [s, q]) in row {
                sum.col.push(j as u32);
                sum.val.push(s);
                square.push(q);
            }
            sum.ptr.push(sum.col.len());
        }
        let elimination = Arc::new(Elimination::analyze(&sum)?);
        Ok(Between { w, transposed, sum, square, elimination })
    }

    pub fn units(&self) -> usize {
        self.w.n
    }

    fn matrix(&self, lambda: f64) -> SparseCholesky {
        let val = self.sum.val.iter().zip(&self.square).map(|(s, q)| lambda * s - lambda * lambda * q).collect();
        let c = Csr { n: self.sum.n, ptr: self.sum.ptr.clone(), col: self.sum.col.clone(), val };
        SparseCholesky::new(&c, &vec![1.0; c.n], self.elimination.clone())
    }

    /// `ln|I + ψR'R|`.
    pub fn log_determinant(&self, lambda: f64, omega: f64) -> Result<f64, EstimateError> {
        let shrunk = share(omega);
        let inner = if shrunk == 0.0 { 0.0 } else { self.matrix(lambda).log_determinant(shrunk)? };
        Ok(inner - omega * self.units() as f64)
    }

    /// At one (λ, ω), for products with vectors.
    pub fn at(&self, lambda: f64, omega: f64) -> Result<At<'_>, EstimateError> {
        let matrix = self.matrix(lambda);
        let factor = matrix.factor(share(omega))?;
        Ok(At { between: self, lambda, scale: omega.exp(), matrix, factor })
    }

    /// `V'KV` of columns of N, `K = R'R(I + ψR'R)⁻¹`.
    pub fn products(&self, columns: &[Vec<f64>], lambda: f64, omega: f64) -> Result<DMatrix<f64>, EstimateError> {
        let at = self.at(lambda, omega)?;
        let solved = at.solve(&columns.concat())?;
        let filtered: Vec<Vec<f64>> = columns.iter().map(|c| self.filter(c, lambda)).collect();
        let other: Vec<Vec<f64>> = solved.chunks_exact(self.units()).map(|c| self.filter(c, lambda)).collect();
        let k = columns.len();
        let raw = DMatrix::from_fn(k, k, |i, j| dot(&filtered[i], &other[j]));
        Ok((&raw + raw.transpose()) * 0.5)
    }

    /// `R x`.
    fn filter(&self, x: &[f64], lambda: f64) -> Vec<f64> {
        filtered(&self.w, x, lambda)
    }
}

/// `x − λAx`, column by column.
fn filtered(a: &Csr, x: &[f64], lambda: f64) -> Vec<f64> {
    let mut out = x.to_vec();
    let mut lagged = vec![0.0; a.n];
    for (out, x) in out.chunks_exact_mut(a.n).zip(x.chunks_exact(a.n)) {
        a.multiply(x, &mut lagged);
        axpy(-lambda, &lagged, out);
    }
    out
}

/// `ψ/(1 + ψ) = 1 − φ²`.
fn share(omega: f64) -> f64 {
    -omega.exp_m1()
}

/// `I + ψR'R` factored.
pub(crate) struct At<'a> {
    between: &'a Between,
    lambda: f64,
    /// `φ² = 1/(1 + ψ)`.
    scale: f64,
    matrix: SparseCholesky,
    factor: CholeskyFactor,
}

impl At<'_> {
    /// `(I + ψR'R)⁻¹ X`.
    pub fn solve(&self, x: &[f64]) -> Result<Vec<f64>, EstimateError> {
        let mut out = x.to_vec();
        self.matrix.solve_symmetric(&self.factor, &mut out)?;
        out.iter_mut().for_each(|v| *v *= self.scale);
        Ok(out)
    }

    /// `KX = R'R(I + ψR'R)⁻¹ X`.
    pub fn apply(&self, x: &[f64]) -> Result<Vec<f64>, EstimateError> {
        let solved = self.solve(x)?;
        let inner = self.between.filter(&solved, self.lambda);
        Ok(filtered(&self.between.transposed, &inner, self.lambda))
    }
}
