//! Matrices for the tests of this folder: rings, grids, nearest neighbors of scattered points, blocks.

use sprs::{CsMat, TriMat};

/// A reproducible number in [0, 1).
pub fn uniform(seed: u64, k: u64) -> f64 {
    let mut z =
        seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(k.wrapping_mul(0xD134_2543_DE82_EF95)) ^ 0x5851_F42D;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

pub fn vector(seed: u64, n: usize) -> Vec<f64> {
    (0..n).map(|k| 2.0 * uniform(seed, k as u64) - 1.0).collect()
}

/// Row-standardised matrix of neighbor lists.
pub fn standardized(neighbors: &[Vec<usize>]) -> CsMat<f64> {
    let n = neighbors.len();
    let mut t = TriMat::new((n, n));
    for (i, row) in neighbors.iter().enumerate() {
        for &j in row {
            t.add_triplet(i, j, 1.0 / row.len() as f64);
        }
    }
    t.to_csr()
}

/// The symmetrizer of a row-standardised symmetric contiguity: square roots of the neighbor counts (one for islands).
pub fn symmetrizer(w: &CsMat<f64>) -> Vec<f64> {
    w.outer_iterator().map(|row| (row.nnz().max(1) as f64).sqrt()).collect()
}

pub fn ring_neighbors(n: usize) -> Vec<Vec<usize>> {
    (0..n).map(|i| vec![(i + n - 1) % n, (i + 1) % n]).collect()
}

pub fn ring(n: usize) -> CsMat<f64> {
    standardized(&ring_neighbors(n))
}

/// A grid whose squares are cut by one diagonal: six neighbors inside.
pub fn triangulated(side: usize) -> CsMat<f64> {
    let mut neighbors = vec![Vec::new(); side * side];
    for r in 0..side as i64 {
        for c in 0..side as i64 {
            for (dr, dc) in [(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1)] {
                let (a, b) = (r + dr, c + dc);
                if (0..side as i64).contains(&a) && (0..side as i64).contains(&b) {
                    neighbors[(r * side as i64 + c) as usize].push((a * side as i64 + b) as usize);
                }
            }
        }
    }
    standardized(&neighbors)
}

/// The `k` nearest of `n` points scattered over the unit square: not symmetric.
pub fn knn(n: usize, k: usize, seed: u64) -> CsMat<f64> {
    let points: Vec<(f64, f64)> = (0..n as u64).map(|i| (uniform(seed, 2 * i), uniform(seed, 2 * i + 1))).collect();
    let neighbors: Vec<Vec<usize>> = (0..n)
        .map(|i| {
            let mut others: Vec<usize> = (0..n).filter(|&j| j != i).collect();
            let d = |j: &usize| (points[i].0 - points[*j].0).powi(2) + (points[i].1 - points[*j].1).powi(2);
            others.sort_by(|a, b| d(a).total_cmp(&d(b)));
            others.truncate(k);
            others
        })
        .collect();
    standardized(&neighbors)
}

/// The same points, neighbors whoever is within the distance: symmetric, often with islands.
pub fn band(n: usize, distance: f64, seed: u64) -> CsMat<f64> {
    let points: Vec<(f64, f64)> = (0..n as u64).map(|i| (uniform(seed, 2 * i), uniform(seed, 2 * i + 1))).collect();
    let near = |i: usize, j: usize| {
        (points[i].0 - points[j].0).powi(2) + (points[i].1 - points[j].1).powi(2) < distance * distance
    };
    let neighbors: Vec<Vec<usize>> = (0..n).map(|i| (0..n).filter(|&j| j != i && near(i, j)).collect()).collect();
    standardized(&neighbors)
}

/// Inverse distances of all pairs, row-standardised: dense.
pub fn inverse_distance(n: usize, seed: u64) -> (CsMat<f64>, Vec<f64>) {
    let points: Vec<(f64, f64)> = (0..n as u64).map(|i| (uniform(seed, 2 * i), uniform(seed, 2 * i + 1))).collect();
    let a =
        |i: usize, j: usize| 1.0 / ((points[i].0 - points[j].0).powi(2) + (points[i].1 - points[j].1).powi(2)).sqrt();
    let sums: Vec<f64> = (0..n).map(|i| (0..n).filter(|&j| j != i).map(|j| a(i, j)).sum()).collect();
    let mut t = TriMat::new((n, n));
    for i in 0..n {
        for j in (0..n).filter(|&j| j != i) {
            t.add_triplet(i, j, a(i, j) / sums[i]);
        }
    }
    (t.to_csr(), sums.iter().map(|s| s.sqrt()).collect())
}

/// Block-diagonal matrix.
pub fn blocks(parts: &[CsMat<f64>]) -> CsMat<f64> {
    let n = parts.iter().map(|p| p.rows()).sum();
    let mut t = TriMat::new((n, n));
    let mut start = 0;
    for part in parts {
        for (&v, (i, j)) in part.iter() {
            t.add_triplet(start + i, start + j, v);
        }
        start += part.rows();
    }
    t.to_csr()
}
