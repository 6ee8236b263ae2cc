//! What a printed weights matrix says.

use super::{Weights, is_symmetric};
use crate::outcome::{NeighborCounts, WeightsSummary};

/// Connected components of the graph, links taken in both directions.
pub fn components(weights: &Weights) -> usize {
    let n = weights.units();
    let mut parent: Vec<usize> = (0..n).collect();
    fn root(parent: &mut [usize], mut i: usize) -> usize {
        while parent[i] != i {
            parent[i] = parent[parent[i]];
            i = parent[i];
        }
        i
    }
    let mut count = n;
    for (_, (i, k)) in weights.matrix.iter() {
        let (a, b) = (root(&mut parent, i), root(&mut parent, k));
        if a != b {
            parent[a.max(b)] = a.min(b);
            count -= 1;
        }
    }
    count
}

/// A fingerprint of units, structure and values.
pub fn hash(weights: &Weights, units: &[String]) -> String {
    let mut hasher = blake3::Hasher::new();
    for u in units {
        hasher.update(u.as_bytes());
        hasher.update(&[0]);
    }
    for (v, (i, k)) in weights.matrix.iter() {
        hasher.update(&(i as u64).to_le_bytes());
        hasher.update(&(k as u64).to_le_bytes());
        hasher.update(&v.to_le_bytes());
    }
    hasher.finalize().to_hex()[..16].to_string()
}

/// The summary; `recipe` is the rule that built the matrix, `interval` that of ρ with the rule that found it.
pub fn summary(
    weights: &Weights,
    units: &[String],
    panel: &str,
    recipe: &str,
    interval: ([f64; 2], &str),
) -> WeightsSummary {
    let counts: Vec<usize> = weights.matrix.outer_iterator().map(|r| r.nnz()).collect();
    let links: usize = counts.iter().sum();
    WeightsSummary {
        panel: panel.to_string(),
        units: units.len(),
        links,
        neighbors: NeighborCounts {
            min: counts.iter().copied().min().unwrap_or(0),
            mean: links as f64 / units.len().max(1) as f64,
            max: counts.iter().copied().max().unwrap_or(0),
        },
        islands: weights.islands().into_iter().map(|i| units[i].clone()).collect(),
        components: components(weights),
        symmetric: is_symmetric(&weights.matrix),
        scaling: weights.scaling.word().to_string(),
        rho_interval: interval.0,
        rho_interval_rule: interval.1.to_string(),
        recipe: recipe.to_string(),
        hash: hash(weights, units),
        near_edge: None,
        notes: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::from_entries;

    #[test]
    fn a_summary_counts_links_islands_and_components() {
        let units: Vec<String> = ["a", "b", "c", "d"].map(String::from).to_vec();
        let w = Weights::unscaled(from_entries(4, &[(0, 1, 1.0), (1, 0, 1.0), (1, 2, 2.0), (2, 1, 2.0)]));
        let s = summary(&w, &units, "towns", "edges(\"e.csv\")", ([-0.5, 0.5], "eigen"));
        assert_eq!((s.links, s.neighbors.min, s.neighbors.max, s.components), (4, 0, 2, 2));
        assert_eq!(s.islands, ["d"]);
        assert!(s.symmetric);
        let renamed: Vec<String> = ["a", "b", "c", "e"].map(String::from).to_vec();
        assert_ne!(hash(&w, &units), hash(&w, &renamed));
    }
}
