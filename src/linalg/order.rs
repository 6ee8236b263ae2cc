//! A numbering of units in which neighbors have near numbers, and the moves to and from it (scaling 5).
//!
//! Reverse Cuthill–McKee: a breadth-first numbering of each component from one of its ends, neighbors by rising degree.

use super::LinalgError;
use super::csr::Csr;
use sprs::{CsMat, CsMatI};
use std::collections::VecDeque;

/// `order[new] = old`: a permutation of the units that keeps neighbors of the symmetrised pattern close together.
/// Ties go to the lower number, so the same pattern always gets the same order.
///
/// # Errors
/// Those of [`Csr::from_sprs`].
pub fn neighbor_order(w: &CsMat<f64>) -> Result<Vec<u32>, LinalgError> {
    let w = Csr::from_sprs(w)?;
    let graph = Neighbors::of(&w);
    let mut order = Vec::with_capacity(w.n);
    let mut numbered = vec![false; w.n];
    let mut level = vec![u32::MAX; w.n];
    for unit in 0..w.n {
        if !numbered[unit] {
            let start = graph.far_end(unit, &mut level);
            graph.number_from(start, &mut numbered, &mut order);
        }
    }
    order.reverse();
    Ok(order)
}

/// `place[old] = new` for an order.
pub fn inverse(order: &[u32]) -> Vec<u32> {
    let mut place = vec![0u32; order.len()];
    for (new, &old) in order.iter().enumerate() {
        if let Some(slot) = place.get_mut(old as usize) {
            *slot = new as u32;
        }
    }
    place
}

/// `W` with rows and columns in the new order.
///
/// # Errors
/// Those of [`Csr::from_sprs`]; `Shape` when the order is of another length.
pub fn permute_matrix(w: &CsMat<f64>, order: &[u32]) -> Result<CsMat<f64>, LinalgError> {
    if order.len() != w.rows() {
        return Err(LinalgError::Shape { what: "an order of all units" });
    }
    let moved = Csr::from_sprs(w)?.permuted(order);
    let columns: Vec<usize> = moved.col.iter().map(|&j| j as usize).collect();
    Ok(CsMatI::new((moved.n, moved.n), moved.ptr, columns, moved.val))
}

/// The `N × T` values of a variable with units in the new order; with [`inverse`] of the order it undoes the move.
pub fn permute_panel<T: Copy>(x: &[T], order: &[u32]) -> Vec<T> {
    if order.is_empty() {
        return Vec::new();
    }
    x.chunks_exact(order.len()).flat_map(|period| order.iter().map(|&old| period[old as usize])).collect()
}

/// Neighbors on either side of an arc, by rising degree then number.
struct Neighbors {
    ptr: Vec<usize>,
    list: Vec<u32>,
}

impl Neighbors {
    fn of(w: &Csr) -> Neighbors {
        let transposed = w.transpose();
        let mut graph = Neighbors { ptr: vec![0], list: Vec::with_capacity(w.nnz()) };
        let mut row: Vec<u32> = Vec::new();
        for i in 0..w.n {
            row.clear();
            row.extend(&w.col[w.ptr[i]..w.ptr[i + 1]]);
            row.extend(&transposed.col[transposed.ptr[i]..transposed.ptr[i + 1]]);
            row.sort_unstable();
            row.dedup();
            graph.list.extend(row.iter().filter(|&&j| j as usize != i));
            graph.ptr.push(graph.list.len());
        }
        let degree: Vec<usize> = graph.ptr.windows(2).map(|p| p[1] - p[0]).collect();
        for i in 0..w.n {
            graph.list[graph.ptr[i]..graph.ptr[i + 1]].sort_by_key(|&j| (degree[j as usize], j));
        }
        graph
    }

    fn around(&self, i: u32) -> &[u32] {
        &self.list[self.ptr[i as usize]..self.ptr[i as usize + 1]]
    }

    /// A unit at one end of the component of `start`: the last reached of the last reached, a few times over.
    fn far_end(&self, start: usize, level: &mut [u32]) -> u32 {
        let (mut end, mut depth) = (start as u32, 0);
        for _ in 0..4 {
            let (reached, farthest, deepest) = self.levels_from(end, level);
            for unit in reached {
                level[unit as usize] = u32::MAX;
            }
            if deepest <= depth {
                break;
            }
            (end, depth) = (farthest, deepest);
        }
        end
    }

    /// Units reached from `start`, the one of least degree on the last level, and that level.
    fn levels_from(&self, start: u32, level: &mut [u32]) -> (Vec<u32>, u32, u32) {
        let mut reached = vec![start];
        level[start as usize] = 0;
        let mut next = 0;
        while next < reached.len() {
            let unit = reached[next];
            next += 1;
            for &j in self.around(unit) {
                if level[j as usize] == u32::MAX {
                    level[j as usize] = level[unit as usize] + 1;
                    reached.push(j);
                }
            }
        }
        let deepest = reached.last().map_or(0, |&u| level[u as usize]);
        let last = reached.iter().copied().filter(|&u| level[u as usize] == deepest);
        let farthest = last.min_by_key(|&u| (self.around(u).len(), u)).unwrap_or(start);
        (reached, farthest, deepest)
    }

    fn number_from(&self, start: u32, numbered: &mut [bool], order: &mut Vec<u32>) {
        let mut queue = VecDeque::from([start]);
        numbered[start as usize] = true;
        while let Some(unit) = queue.pop_front() {
            order.push(unit);
            for &j in self.around(unit) {
                if !numbered[j as usize] {
                    numbered[j as usize] = true;
                    queue.push_back(j);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::{panel, samples};

    /// A grid with its units in a pseudo-random order.
    fn shuffled(side: usize) -> CsMat<f64> {
        let n = side * side;
        let mut order: Vec<u32> = (0..n as u32).collect();
        order.sort_by(|&a, &b| samples::uniform(8, a.into()).total_cmp(&samples::uniform(8, b.into())));
        permute_matrix(&samples::triangulated(side), &order).unwrap()
    }

    fn bandwidth(w: &CsMat<f64>) -> usize {
        w.iter().map(|(_, (i, j))| i.abs_diff(j)).max().unwrap_or(0)
    }

    #[test]
    fn the_order_is_a_permutation_that_brings_neighbors_together() {
        let w = shuffled(30);
        let order = neighbor_order(&w).unwrap();
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..900u32).collect::<Vec<_>>());
        let near = permute_matrix(&w, &order).unwrap();
        assert!(bandwidth(&w) > 800 && bandwidth(&near) < 70, "{} {}", bandwidth(&w), bandwidth(&near));
    }

    #[test]
    fn islands_and_components_keep_everyone() {
        let w = samples::blocks(&[samples::ring(10), CsMat::zero((3, 3)), samples::knn(40, 3, 1)]);
        let mut order = neighbor_order(&w).unwrap();
        order.sort_unstable();
        assert_eq!(order, (0..53u32).collect::<Vec<_>>());
    }

    #[test]
    fn lags_commute_with_the_order() {
        let (w, t) = (shuffled(12), 3);
        let order = neighbor_order(&w).unwrap();
        let x = samples::vector(4, 144 * t);
        let direct = panel::spatial_lag(&w, &x, 144, t);
        let moved = panel::spatial_lag(&permute_matrix(&w, &order).unwrap(), &permute_panel(&x, &order), 144, t);
        let back = permute_panel(&moved, &inverse(&order));
        assert!(back.iter().zip(&direct).all(|(a, b)| (a - b).abs() < 1e-14));
        assert_eq!(permute_panel(&permute_panel(&x, &order), &inverse(&order)), x);
    }
}
