//! Sums, products and transposes of weights matrices. The results are unscaled.

use super::{Weights, from_entries};
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

/// A link of weight 1 both ways, wherever there is one either way.
pub fn either_way(a: &Weights) -> Weights {
    let mut entries: Vec<(usize, usize, f64)> =
        a.matrix.iter().flat_map(|(_, (i, k))| [(i, k, 1.0), (k, i, 1.0)]).collect();
    entries.sort_unstable_by_key(|e| (e.0, e.1));
    entries.dedup();
    Weights::unscaled(from_entries(a.units(), &entries))
}

/// The links of weight 1 that there are both ways.
pub fn both_ways(a: &Weights) -> Weights {
    let mutual = a.matrix.iter().filter(|(_, (i, k))| a.matrix.get(*k, *i).is_some());
    let entries: Vec<(usize, usize, f64)> = mutual.map(|(_, (i, k))| (i, k, 1.0)).collect();
    Weights::unscaled(from_entries(a.units(), &entries))
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
