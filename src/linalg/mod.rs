//! Kernels without statistics: demeaning, cross-products, least squares, sparse factorisations, log-determinants, solves.
//!
//! Matrices of a panel are `N × T` slices of `f64`, unit fastest: position `t·N + i` (methods 0).

pub mod absorb;
pub mod cells;
pub mod cholesky;
pub mod cross;
pub mod csr;
pub mod dense;
pub mod elimination;
pub mod filter;
pub mod interpolant;
pub mod interval;
pub mod iterate;
mod lanczos;
pub mod linked;
pub mod multifrontal;
pub mod order;
pub mod panel;
pub mod pivoted;
pub mod probes;
#[cfg(test)]
pub mod samples;
pub mod series;
pub mod structure;
pub mod walks;

use thiserror::Error;

/// Why a kernel cannot answer.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum LinalgError {
    /// Column indices that are combinations of others.
    #[error("columns {columns:?} are linear combinations of others")]
    RankDeficient { columns: Vec<usize> },
    #[error("matrix is not positive definite")]
    NotPositiveDefinite,
    /// `I − ρW` cannot be factored at this ρ without a tiny pivot.
    #[error("I − ρW is singular near ρ = {rho}")]
    Singular { rho: f64 },
    /// The caller asked to stop.
    #[error("stopped")]
    Stopped,
    #[error("the eigenvalue iteration did not converge")]
    NoConvergence,
    #[error("{what} would need {bytes} bytes")]
    TooLarge { what: &'static str, bytes: u64 },
    /// An argument of the wrong shape.
    #[error("expected {what}")]
    Shape { what: &'static str },
}
