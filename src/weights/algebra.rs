//! Sums, products and transposes of weights matrices. The results are unscaled.

use super::Weights;
use sprs::binop::mul_mat_same_storage;
use sprs::{CsMat, TriMat};

/// `A + B`.
pub fn add(a: &Weights, b: &Weights) -> Weights {
    Weights::unscaled(clean(&(&a.matrix + &b.matrix))).over(a.periods)
}

/// `A * B`, element by element.
pub fn hadamard(a: &Weights, b: &Weights) -> Weights {
    Weights::unscaled(clean(&mul_mat_same_storage(&a.matrix, &b.matrix))).over(a.periods)
}

/// `A @ B` with its diagonal set to zero; the count says on how many units it was not.
pub fn product(a: &Weights, b: &Weights) -> (Weights, usize) {
    let full = &a.matrix * &b.matrix;
    let on_diagonal = full.iter().filter(|(v, (i, k))| i == k && **v != 0.0).count();
    (Weights::unscaled(clean(&full)).over(a.periods), on_diagonal)
}

/// `transpose(A)`.
pub fn transpose(a: &Weights) -> Weights {
    Weights::unscaled(a.matrix.transpose_view().to_csr()).over(a.periods)
}

/// `x * A` with `x ≥ 0`; what makes A symmetric makes the multiple so.
pub fn multiple(x: f64, a: &Weights) -> Weights {
    let scaled = clean(&a.matrix.map(|v| x * v));
    Weights { matrix: scaled, scaling: super::Scaling::None, ..a.clone() }
}

/// Without diagonal and explicit zeros.
fn clean(m: &CsMat<f64>) -> CsMat<f64> {
    let mut out = TriMat::new(m.shape());
    for (v, (i, k)) in m.iter().filter(|(v, (i, k))| i != k && **v != 0.0) {
        out.add_triplet(i, k, *v);
    }
    out.to_csr()
}
