//! Spatial weights: sources and geometry become a sparse matrix in the panel's unit order.

pub mod algebra;
pub mod block;
pub mod centroid;
pub mod contiguity;
pub mod edges;
pub mod ellipsoid;
pub mod files;
pub mod gal;
pub mod geometry;
pub mod gravity;
pub mod gwt;
pub mod islands;
pub mod kernel;
pub mod lines;
mod listing;
mod matching;
pub mod matrix;
pub mod mtx;
pub mod periods;
pub mod scale;
pub mod similarity;
pub mod subset;
pub mod summary;
pub mod swm;

use sprs::CsMat;

/// How a matrix was scaled last (methods B.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scaling {
    None,
    Row,
    Spectral,
    MinMax,
}

impl Scaling {
    /// Its word in the language and in results.
    pub fn word(self) -> &'static str {
        match self {
            Scaling::None => "none",
            Scaling::Row => "row",
            Scaling::Spectral => "spectral",
            Scaling::MinMax => "minmax",
        }
    }
}

/// A spatial weights matrix: `N × N`, CSR, zero diagonal, non-negative, rows and columns in the panel's unit order.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    pub matrix: CsMat<f64>,
    pub scaling: Scaling,
    /// `s > 0` such that `diag(s) W diag(s)⁻¹` is symmetric, where it is known (methods B.6): all ones for a symmetric
    /// matrix, `√δ` for the row-standardised one of a symmetric `A` with row sums `δ`.
    pub symmetrizer: Option<Vec<f64>>,
    /// 1, or of how many periods the diagonal blocks are the matrices: units are then those of each period, unit fastest,
    /// and nobody has a neighbor in another period.
    pub periods: usize,
}

/// A matrix from entries `(i, k, w)` sorted by row and column, without repetitions; zeros are left out.
pub(crate) fn from_entries(n: usize, entries: &[(usize, usize, f64)]) -> CsMat<f64> {
    from_rows(n, entries.len(), entries.iter().copied())
}

/// As [`from_entries`], of at most so many entries as they come.
pub(crate) fn from_rows(n: usize, most: usize, entries: impl Iterator<Item = (usize, usize, f64)>) -> CsMat<f64> {
    let (mut starts, mut columns, mut values) = (vec![0; n + 1], Vec::with_capacity(most), Vec::with_capacity(most));
    let mut last = None;
    for (i, k, w) in entries.filter(|e| e.2 != 0.0) {
        // One that is there twice counts twice.
        if let Some(value) = values.last_mut().filter(|_| last == Some((i, k))) {
            *value += w;
            continue;
        }
        last = Some((i, k));
        starts[i + 1] += 1;
        columns.push(k);
        values.push(w);
    }
    for i in 0..n {
        starts[i + 1] += starts[i];
    }
    CsMat::new((n, n), starts, columns, values)
}

impl Weights {
    /// An unscaled matrix; its symmetry is read off its values.
    pub fn unscaled(matrix: CsMat<f64>) -> Weights {
        let symmetrizer = is_symmetric(&matrix).then(|| vec![1.0; matrix.rows()]);
        Weights { matrix, scaling: Scaling::None, symmetrizer, periods: 1 }
    }

    /// The same with its blocks counted.
    pub fn over(self, periods: usize) -> Weights {
        Weights { periods, ..self }
    }

    /// Whether there is a matrix for each of several periods.
    pub fn changes(&self) -> bool {
        self.periods > 1
    }

    pub fn units(&self) -> usize {
        self.matrix.rows()
    }

    /// Row sums, in unit order.
    pub fn row_sums(&self) -> Vec<f64> {
        self.matrix.outer_iterator().map(|row| row.data().iter().sum()).collect()
    }

    /// Units without neighbors, by position.
    pub fn islands(&self) -> Vec<usize> {
        self.matrix.outer_iterator().enumerate().filter(|(_, row)| row.nnz() == 0).map(|(i, _)| i).collect()
    }
}

/// Whether every value equals its mirror image, bit for bit.
pub fn is_symmetric(matrix: &CsMat<f64>) -> bool {
    // Rows go up, and so do the columns of the row in which each mirror image stands: one place per row is looked at.
    let starts: Vec<usize> = matrix.indptr().iter_outer_sz().map(|range| range.start).collect();
    let mut next = starts.clone();
    let (columns, values) = (matrix.indices(), matrix.data());
    let ends = |k: usize| starts.get(k + 1).copied().unwrap_or(columns.len());
    matrix.iter().all(|(v, (i, k))| {
        let at = next[k];
        next[k] += 1;
        at < ends(k) && columns[at] == i && values[at] == *v
    })
}
