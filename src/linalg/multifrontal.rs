//! `ln|I − ρW|` of a general sparse matrix by a multifrontal LU without pivoting (scaling 0.2, methods C.8 `lu`).
//!
//! The elimination follows the supernodes of the symmetrised pattern. Each supernode gathers its rows and columns of
//! `I − ρW` and the Schur complements of its children in a dense front, eliminates its own columns and leaves a smaller
//! Schur complement for its parent. Only the determinant is kept, so memory is the stack of waiting complements.

use super::LinalgError;
use super::csr::Csr;
use super::elimination::Elimination;
use faer::linalg::matmul::matmul;
use faer::linalg::triangular_solve::solve_unit_lower_triangular_in_place;
use faer::{Accum, MatMut, Par};

/// Columns eliminated one by one before the rest of a front is updated at once.
const PANEL: usize = 16;
/// Fronts of at most this order are eliminated without blocking.
const SMALL_FRONT: usize = 20;

/// The assembly tree of one matrix with every position worked out beforehand.
#[derive(Debug)]
pub struct MultifrontalLu {
    fronts: Vec<Front>,
    /// Entries of W by front: position in the front (column-major) and value.
    entry_at: Vec<u32>,
    entry_value: Vec<f64>,
    /// For each row left over by a front, its row in the parent's front.
    place_in_parent: Vec<u32>,
    largest_front: usize,
    largest_stack: usize,
}

/// One supernode, in the order of elimination: children come right before their parent.
#[derive(Debug)]
struct Front {
    /// Columns eliminated here.
    pivots: usize,
    /// Order of the dense front.
    order: usize,
    entries: std::ops::Range<usize>,
    places: std::ops::Range<usize>,
    /// Children, in the reverse of the order in which they were pushed on the stack.
    children: Vec<u32>,
}

/// A log-determinant and what is needed to trust it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Eliminated {
    pub ln_abs_det: f64,
    pub smallest_pivot: f64,
    /// Largest |entry of L|: rounding errors grow with it.
    pub largest_multiplier: f64,
}

impl MultifrontalLu {
    /// Lays out the fronts of `I − ρW`.
    ///
    /// # Errors
    /// `TooLarge` when one dense front exceeds what can be indexed.
    pub fn new(w: &Csr, elimination: &Elimination) -> Result<MultifrontalLu, LinalgError> {
        let tree = Tree::of(elimination)?;
        let (order, _) = elimination.order();
        let rows = w.permuted(&order);
        let columns = rows.transpose();
        let mut lu = MultifrontalLu {
            fronts: Vec::with_capacity(tree.postorder.len()),
            entry_at: Vec::with_capacity(w.nnz()),
            entry_value: Vec::with_capacity(w.nnz()),
            place_in_parent: Vec::new(),
            largest_front: 0,
            largest_stack: 0,
        };
        let mut local = vec![0u32; w.n];
        let mut position = vec![0u32; tree.postorder.len()];
        for (k, &s) in tree.postorder.iter().enumerate() {
            position[s as usize] = k as u32;
        }
        for &s in &tree.postorder {
            let s = s as usize;
            let (begin, end) = (tree.begin[s], tree.begin[s + 1]);
            let (pivots, order) = (end - begin, end - begin + tree.pattern(s).len());
            if order >= 1 << 16 {
                return Err(LinalgError::TooLarge { what: "a dense front", bytes: 8 * (order as u64).pow(2) });
            }
            for j in begin..end {
                local[j] = (j - begin) as u32;
            }
            for (x, &r) in tree.pattern(s).iter().enumerate() {
                local[r as usize] = (pivots + x) as u32;
            }
            let first_entry = lu.entry_at.len();
            for j in begin..end {
                let column = (j - begin) as u32;
                for (i, v) in columns.row(j).filter(|&(i, _)| i >= begin) {
                    lu.entry_at.push(local[i] + column * order as u32);
                    lu.entry_value.push(v);
                }
                for (c, v) in rows.row(j).filter(|&(c, _)| c >= end) {
                    lu.entry_at.push(column + local[c] * order as u32);
                    lu.entry_value.push(v);
                }
            }
            let children: Vec<u32> = tree.children[s].iter().rev().map(|&c| position[c as usize]).collect();
            for &child in &tree.children[s] {
                let places = lu.fronts[position[child as usize] as usize].places.clone();
                for (at, &r) in places.zip(tree.pattern(child as usize)) {
                    lu.place_in_parent[at] = local[r as usize];
                }
            }
            let first_place = lu.place_in_parent.len();
            lu.place_in_parent.resize(first_place + order - pivots, 0);
            lu.fronts.push(Front {
                pivots,
                order,
                entries: first_entry..lu.entry_at.len(),
                places: first_place..lu.place_in_parent.len(),
                children,
            });
        }
        lu.measure_stack();
        Ok(lu)
    }

    /// Numbers that one elimination holds at a time.
    pub fn numbers(&self) -> usize {
        self.largest_front + self.largest_stack
    }

    fn measure_stack(&mut self) {
        let mut height = 0usize;
        for front in &self.fronts {
            self.largest_front = self.largest_front.max(front.order * front.order);
            for &child in &front.children {
                height -= self.fronts[child as usize].left_over().pow(2);
            }
            height += front.left_over().pow(2);
            self.largest_stack = self.largest_stack.max(height);
        }
    }

    /// Eliminates `I − ρW`; `None` when a pivot is exactly zero or not finite.
    pub fn eliminate(&self, rho: f64) -> Option<Eliminated> {
        let mut front_space = vec![0.0; self.largest_front];
        let mut stack: Vec<f64> = Vec::with_capacity(self.largest_stack);
        let mut out = Eliminated { ln_abs_det: 0.0, smallest_pivot: f64::INFINITY, largest_multiplier: 0.0 };
        for front in &self.fronts {
            let (m, k) = (front.order, front.pivots);
            let space = &mut front_space[..m * m];
            space.fill(0.0);
            for j in 0..k {
                space[j * (m + 1)] = 1.0;
            }
            for (&at, &v) in self.entry_at[front.entries.clone()].iter().zip(&self.entry_value[front.entries.clone()]) {
                space[at as usize] -= rho * v;
            }
            for &child in &front.children {
                let child = &self.fronts[child as usize];
                let start = stack.len() - child.left_over().pow(2);
                extend_add(space, m, &stack[start..], &self.place_in_parent[child.places.clone()]);
                stack.truncate(start);
            }
            out.largest_multiplier = out.largest_multiplier.max(eliminate_columns(space, m, k));
            for j in 0..k {
                let pivot = space[j * (m + 1)].abs();
                out.smallest_pivot = out.smallest_pivot.min(pivot);
                out.ln_abs_det += pivot.ln();
            }
            if !out.ln_abs_det.is_finite() {
                return None;
            }
            for column in k..m {
                stack.extend_from_slice(&space[column * m + k..(column + 1) * m]);
            }
        }
        Some(out)
    }
}

impl Front {
    /// Order of the Schur complement handed to the parent.
    fn left_over(&self) -> usize {
        self.order - self.pivots
    }
}

/// Adds a child's Schur complement to its parent's front.
fn extend_add(front: &mut [f64], order: usize, complement: &[f64], places: &[u32]) {
    if places.is_empty() {
        return;
    }
    for (column, values) in places.iter().zip(complement.chunks_exact(places.len())) {
        let target = &mut front[*column as usize * order..(*column as usize + 1) * order];
        for (&row, &v) in places.iter().zip(values) {
            target[row as usize] += v;
        }
    }
}

/// Eliminates the first `k` columns of an `m × m` column-major front in place; the largest |multiplier|.
fn eliminate_columns(front: &mut [f64], m: usize, k: usize) -> f64 {
    let panel = if m <= SMALL_FRONT { k } else { PANEL };
    let mut largest = 0.0f64;
    let mut start = 0;
    while start < k {
        let end = (start + panel).min(k);
        let last = if m <= SMALL_FRONT { m } else { end };
        for j in start..end {
            let (left, right) = front.split_at_mut((j + 1) * m);
            let column = &mut left[j * m..];
            let inverse = 1.0 / column[j];
            for x in &mut column[j + 1..] {
                *x *= inverse;
                largest = largest.max(x.abs());
            }
            for other in right.chunks_exact_mut(m).take(last - j - 1) {
                let u = other[j];
                if u != 0.0 {
                    for (y, x) in other[j + 1..].iter_mut().zip(&column[j + 1..]) {
                        *y -= u * x;
                    }
                }
            }
        }
        if last < m {
            update_trailing(front, m, start, end);
        }
        start = end;
    }
    largest
}

/// `A₂₂ −= L₂₁ L₁₁⁻¹ A₁₂` for the panel `start..end`.
fn update_trailing(front: &mut [f64], m: usize, start: usize, end: usize) {
    let whole = MatMut::from_column_major_slice_mut(front, m, m);
    let (left, right) = whole.split_at_col_mut(end);
    let (top, bottom) = right.split_at_row_mut(end);
    let left = left.as_ref();
    let l11 = left.submatrix(start, start, end - start, end - start);
    let l21 = left.submatrix(end, start, m - end, end - start);
    let mut u12 = top.subrows_mut(start, end - start);
    solve_unit_lower_triangular_in_place(l11, u12.as_mut(), Par::Seq);
    matmul(bottom, Accum::Add, l21, u12.as_ref(), -1.0, Par::Seq);
}

/// The supernodes as a forest, with an order in which every subtree is contiguous.
struct Tree {
    begin: Vec<usize>,
    pattern_ptr: Vec<usize>,
    pattern: Vec<u32>,
    children: Vec<Vec<u32>>,
    postorder: Vec<u32>,
}

impl Tree {
    fn of(elimination: &Elimination) -> Result<Tree, LinalgError> {
        let supernodes = elimination.supernodes()?;
        let (n, count) = (supernodes.nrows(), supernodes.n_supernodes());
        let mut begin: Vec<usize> = supernodes.supernode_begin().iter().map(|&x| x as usize).collect();
        begin.truncate(count);
        begin.push(n);
        let mut owner = vec![0u32; n];
        for s in 0..count {
            owner[begin[s]..begin[s + 1]].fill(s as u32);
        }
        let mut tree = Tree {
            begin,
            pattern_ptr: vec![0],
            pattern: Vec::new(),
            children: vec![Vec::new(); count],
            postorder: Vec::with_capacity(count),
        };
        let mut roots = Vec::new();
        for s in 0..count {
            let pattern = supernodes.supernode(s).pattern();
            match pattern.iter().min() {
                Some(&first) => tree.children[owner[first as usize] as usize].push(s as u32),
                None => roots.push(s as u32),
            }
            tree.pattern.extend_from_slice(pattern);
            tree.pattern_ptr.push(tree.pattern.len());
        }
        for root in roots {
            let mut walk = vec![(root, 0usize)];
            while let Some(&mut (s, ref mut next)) = walk.last_mut() {
                if let Some(&child) = tree.children[s as usize].get(*next) {
                    *next += 1;
                    walk.push((child, 0));
                } else {
                    tree.postorder.push(s);
                    walk.pop();
                }
            }
        }
        Ok(tree)
    }

    fn pattern(&self, s: usize) -> &[u32] {
        &self.pattern[self.pattern_ptr[s]..self.pattern_ptr[s + 1]]
    }
}
