//! Units struck from a matrix.

use super::Weights;

/// Rows and columns of the units that stay.
pub fn subset(weights: &Weights, keep: &[bool]) -> Weights {
    let mut place = Vec::with_capacity(keep.len());
    let mut next = 0;
    for &k in keep {
        place.push(k.then_some(next));
        next += usize::from(k);
    }
    let entries: Vec<(usize, usize, f64)> =
        weights.matrix.iter().filter_map(|(v, (i, k))| Some((place[i]?, place[k]?, *v))).collect();
    Weights::unscaled(super::from_entries(next, &entries))
}
