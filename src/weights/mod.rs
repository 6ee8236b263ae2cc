//! Spatial weights: sources and geometry become a sparse matrix in the panel's unit order.

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
}
