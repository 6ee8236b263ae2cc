//! The spatial filter `I − ρW` of one matrix: its log-determinant, its admissible interval and solves (methods B.6, C.8).

use super::LinalgError;
use super::cholesky::{CholeskyFactor, SparseCholesky, symmetrizes};
use super::csr::Csr;
use super::dense::{self, DenseLu};
use super::elimination::Elimination;
use super::interpolant::{LogDetInterpolant, chebyshev_nodes, log_determinant_of};
pub use super::interval::RhoInterval;
use super::iterate;
use super::lanczos::{self, End};
use super::multifrontal::MultifrontalLu;
use super::pivoted::PivotedLu;
use super::structure::{StrongComponents, closed_unit_classes};
use rayon::prelude::*;
use sprs::CsMat;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Up to this many units all eigenvalues are computed.
const EIGEN_UNITS: usize = 200;
/// Up to this many units a dense matrix is acceptable.
pub const DENSE_UNITS: usize = 2000;
/// Without diagonal dominance, elimination without pivoting is trusted only with pivots above this …
const SMALLEST_PIVOT: f64 = 1e-10;
/// … and multipliers below this, which costs five of sixteen digits at worst.
const LARGEST_MULTIPLIER: f64 = 1e5;

/// Pivots, or factors `|1 − ρω|`, below this make the filter of `n` units singular: rounding makes such pivots of zero.
pub fn singular_pivot(n: usize) -> f64 {
    4e-15 * n.max(3) as f64
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    Eigen,
    Cholesky,
    Lu,
}

/// Real and imaginary parts.
type Eigenvalues = Arc<Vec<(f64, f64)>>;

/// `ln|I − ρW|`, solves with `I − ρW` and its transpose, and the admissible interval, for one `W`.
///
/// Whatever does not depend on ρ (eigenvalues, order of elimination, fronts) is found once, when first needed.
/// It may be shared between threads; results do not depend on them.
#[derive(Debug)]
pub struct SpatialFilter {
    of: Arc<Fixed>,
    last_dense: Last<DenseLu>,
    last_cholesky: Last<CholeskyFactor>,
    last_pivoted: Last<PivotedLu>,
}

/// What does not depend on ρ.
#[derive(Debug)]
struct Fixed {
    w: Csr,
    transposed: OnceLock<Csr>,
    components: StrongComponents,
    unit_classes: usize,
    row_bound: f64,
    column_bound: f64,
    symmetrizer: Option<Vec<f64>>,
    route: Route,
    eigenvalues: OnceLock<Result<Eigenvalues, LinalgError>>,
    interval: OnceLock<Result<RhoInterval, LinalgError>>,
    elimination: OnceLock<Result<Arc<Elimination>, LinalgError>>,
    fronts: OnceLock<Result<MultifrontalLu, LinalgError>>,
    cholesky: OnceLock<Result<SparseCholesky, LinalgError>>,
}

impl SpatialFilter {
    /// `symmetrizer`: `s > 0` with `diag(s) W diag(s)⁻¹` symmetric, where it is known; one that does not symmetrise `W`
    /// is not used.
    ///
    /// # Errors
    /// `Shape` when `W` is not square, `TooLarge` beyond `u32` indices.
    pub fn new(w: &CsMat<f64>, symmetrizer: Option<&[f64]>) -> Result<SpatialFilter, LinalgError> {
        let w = Csr::from_sprs(w)?;
        let symmetrizer = symmetrizer.filter(|s| symmetrizes(&w, s)).map(<[f64]>::to_vec);
        let dense = w.n <= DENSE_UNITS && w.nnz() > w.n * w.n / 3;
        let route = match (&symmetrizer, w.n <= EIGEN_UNITS || dense) {
            (_, true) => Route::Eigen,
            (Some(_), false) => Route::Cholesky,
            (None, false) => Route::Lu,
        };
        let components = StrongComponents::find(&w);
        let mut column_sums = vec![0.0f64; w.n];
        for (&j, v) in w.col.iter().zip(&w.val) {
            column_sums[j as usize] += v.abs();
        }
        let of = Fixed {
            unit_classes: closed_unit_classes(&w, &components),
            row_bound: w.largest_row_sum(),
            column_bound: column_sums.into_iter().fold(0.0, f64::max),
            components,
            symmetrizer,
            route,
            w,
            transposed: OnceLock::new(),
            eigenvalues: OnceLock::new(),
            interval: OnceLock::new(),
            elimination: OnceLock::new(),
            fronts: OnceLock::new(),
            cholesky: OnceLock::new(),
        };
        Ok(SpatialFilter::sharing(Arc::new(of)))
    }

    fn sharing(of: Arc<Fixed>) -> SpatialFilter {
        SpatialFilter { of, last_dense: Last::new(), last_cholesky: Last::new(), last_pivoted: Last::new() }
    }

    /// A filter of the same matrix for somebody else: what does not depend on ρ is found once for both.
    pub fn another(&self) -> SpatialFilter {
        SpatialFilter::sharing(self.of.clone())
    }

    /// Finds what every log-determinant needs: eigenvalues, or the order of elimination and the pattern of factors.
    ///
    /// # Errors
    /// `NoConvergence` of the eigenvalues; `TooLarge` when the factors do not fit.
    pub fn prepare(&self) -> Result<(), LinalgError> {
        match self.of.route {
            Route::Eigen => self.all_eigenvalues().map(drop),
            Route::Cholesky => self.cholesky().map(drop),
            Route::Lu => self.fronts().map(drop),
        }
    }

    /// Numbers that one log-determinant holds: a dense matrix for eigenvalues, a factor, or the fronts of an elimination.
    ///
    /// # Errors
    /// `TooLarge` when the factors do not fit.
    pub fn factor_numbers(&self) -> Result<usize, LinalgError> {
        Ok(match self.of.route {
            Route::Eigen => self.of.w.n * self.of.w.n,
            Route::Cholesky => self.elimination()?.symbolic.len_val(),
            Route::Lu => self.fronts()?.numbers(),
        })
    }

    /// N.
    pub fn units(&self) -> usize {
        self.of.w.n
    }

    /// `eigen` up to 200 units and for dense matrices up to 2,000; `cholesky` where a symmetrizer is known; else `lu`.
    pub fn method(&self) -> &'static str {
        match self.of.route {
            Route::Eigen => "eigen",
            Route::Cholesky => "cholesky",
            Route::Lu => "lu",
        }
    }

    /// How many eigenvalues of `W` are one by its structure: its row-standardised connected components, islands apart.
    pub fn unit_classes(&self) -> usize {
        self.of.unit_classes
    }

    /// The largest sum of absolute entries of a row: a bound on the spectral radius.
    pub fn row_bound(&self) -> f64 {
        self.of.row_bound
    }

    /// `W`.
    pub fn matrix(&self) -> &Csr {
        &self.of.w
    }

    /// `(re, im)` of all eigenvalues, ascending, when the method is `eigen`.
    pub fn eigenvalues(&self) -> Option<&[(f64, f64)]> {
        match self.of.route {
            Route::Eigen => self.all_eigenvalues().ok().map(|all| all.as_slice()),
            Route::Cholesky | Route::Lu => None,
        }
    }

    /// `y = W x`.
    pub fn multiply(&self, x: &[f64], y: &mut [f64]) {
        self.of.w.multiply(x, y);
    }

    /// The interval around zero on which `I − ρW` is nonsingular (methods B.6).
    ///
    /// # Errors
    /// `NoConvergence` of an eigenvalue iteration for at most 2,000 units.
    pub fn interval(&self) -> Result<RhoInterval, LinalgError> {
        self.of.interval.get_or_init(|| self.find_interval()).clone()
    }

    fn find_interval(&self) -> Result<RhoInterval, LinalgError> {
        if self.of.w.nnz() == 0 {
            return Ok(RhoInterval::unit(0.0));
        }
        let mut interval = match (&self.of.symmetrizer, self.of.route) {
            (Some(s), Route::Cholesky) => match self.lanczos_interval(s) {
                Ok(found) => found,
                Err(_) if self.of.w.n <= DENSE_UNITS => RhoInterval::of_eigenvalues(self.all_eigenvalues()?),
                Err(_) => RhoInterval::unit(self.of.row_bound),
            },
            _ if self.of.w.n <= DENSE_UNITS => RhoInterval::of_eigenvalues(self.all_eigenvalues()?),
            _ => RhoInterval::unit(self.of.row_bound),
        };
        if self.largest_is_one() {
            interval.hi = 1.0;
        }
        Ok(interval)
    }

    /// No row sums to more than one and some class keeps all its weight: the Perron root is exactly one.
    fn largest_is_one(&self) -> bool {
        self.of.unit_classes > 0 && self.of.row_bound <= 1.0 + 1e-12
    }

    fn lanczos_interval(&self, symmetrizer: &[f64]) -> Result<RhoInterval, LinalgError> {
        let end = |end| lanczos::extreme(&self.of.w, symmetrizer, self.cholesky()?, self.of.row_bound, end);
        let smallest = end(End::Smallest)?;
        let largest = if self.largest_is_one() { 1.0 } else { end(End::Largest)? };
        Ok(RhoInterval { lo: 1.0 / smallest, hi: 1.0 / largest, rule: "eigen" })
    }

    fn all_eigenvalues(&self) -> Result<&Arc<Vec<(f64, f64)>>, LinalgError> {
        let find = || {
            let mut all = dense::eigenvalues(&self.of.w, &self.of.components, self.of.symmetrizer.is_some())?;
            if self.largest_is_one() {
                snap_to_one(&mut all, self.of.unit_classes);
            }
            Ok(Arc::new(all))
        };
        self.of.eigenvalues.get_or_init(find).as_ref().map_err(Clone::clone)
    }

    fn elimination(&self) -> Result<&Arc<Elimination>, LinalgError> {
        let find = || Elimination::analyze(&self.of.w).map(Arc::new);
        self.of.elimination.get_or_init(find).as_ref().map_err(Clone::clone)
    }

    fn fronts(&self) -> Result<&MultifrontalLu, LinalgError> {
        let find = || MultifrontalLu::new(&self.of.w, self.elimination()?);
        self.of.fronts.get_or_init(find).as_ref().map_err(Clone::clone)
    }

    fn cholesky(&self) -> Result<&SparseCholesky, LinalgError> {
        let find = || {
            let s = self.of.symmetrizer.as_deref().ok_or(LinalgError::NotPositiveDefinite)?;
            Ok(SparseCholesky::new(&self.of.w, s, self.elimination()?.clone()))
        };
        self.of.cholesky.get_or_init(find).as_ref().map_err(Clone::clone)
    }

    fn transposed(&self) -> &Csr {
        self.of.transposed.get_or_init(|| self.of.w.transpose())
    }

    /// `ln|det(I − ρW)|`, exact up to rounding, at any ρ where the matrix is not singular.
    ///
    /// # Errors
    /// `Singular` at the reciprocal of a real eigenvalue; `TooLarge` when the factors do not fit.
    pub fn log_determinant(&self, rho: f64) -> Result<f64, LinalgError> {
        if !rho.is_finite() {
            return Err(LinalgError::Singular { rho });
        }
        if rho == 0.0 || self.of.w.nnz() == 0 {
            return Ok(0.0);
        }
        match self.of.route {
            Route::Eigen => {
                let all = self.all_eigenvalues()?;
                let smallest = all.iter().map(|&(a, b)| (1.0 - rho * a).hypot(rho * b)).fold(f64::INFINITY, f64::min);
                if smallest < singular_pivot(self.of.w.n) {
                    return Err(LinalgError::Singular { rho });
                }
                Ok(log_determinant_of(all, rho))
            }
            Route::Cholesky => match self.cholesky()?.log_determinant(rho) {
                Err(LinalgError::NotPositiveDefinite) => self.log_determinant_lu(rho),
                other => other,
            },
            Route::Lu => self.log_determinant_lu(rho),
        }
    }

    fn log_determinant_lu(&self, rho: f64) -> Result<f64, LinalgError> {
        let dominant = rho.abs() * self.of.row_bound.min(self.of.column_bound) < 1.0;
        if let Some(found) = self.fronts()?.eliminate(rho) {
            let safe = found.smallest_pivot >= SMALLEST_PIVOT && found.largest_multiplier <= LARGEST_MULTIPLIER;
            if dominant && found.smallest_pivot < singular_pivot(self.of.w.n) {
                // Dominance bounds the multipliers, so a pivot of the size of rounding is one of zero.
                return Err(LinalgError::Singular { rho });
            }
            if dominant || safe {
                return Ok(found.ln_abs_det);
            }
        }
        self.log_determinant_pivoted(rho)
    }

    fn log_determinant_pivoted(&self, rho: f64) -> Result<f64, LinalgError> {
        let (value, smallest) = if self.of.w.n <= DENSE_UNITS {
            let lu = DenseLu::factor(&self.of.w, rho)?;
            (lu.ln_abs_det(), lu.smallest_pivot())
        } else {
            let lu = PivotedLu::factor(self.transposed(), self.elimination()?, rho)?;
            (lu.ln_abs_det(), lu.smallest_pivot())
        };
        if value.is_finite() && smallest >= singular_pivot(self.of.w.n) {
            Ok(value)
        } else {
            Err(LinalgError::Singular { rho })
        }
    }

    /// `ln|I − ρW|` on `lo..hi` from exact values at `nodes` Chebyshev points (2 to 64), or the exact sums when the
    /// method is `eigen`. Scaling 3 says how many nodes a window needs. `stop` is asked before each node.
    ///
    /// # Errors
    /// `Shape` for an empty window; `Stopped` when `stop` says so; those of [`SpatialFilter::log_determinant`].
    pub fn interpolate(
        &self,
        lo: f64,
        hi: f64,
        nodes: usize,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<LogDetInterpolant, LinalgError> {
        if self.of.route == Route::Eigen {
            return Ok(LogDetInterpolant::of_eigenvalues(self.all_eigenvalues()?.clone()));
        }
        if !(lo < hi && lo.is_finite() && hi.is_finite()) {
            return Err(LinalgError::Shape { what: "a window of positive width" });
        }
        let points = chebyshev_nodes(lo, hi, nodes.clamp(2, 64));
        // The shared analysis first, so that the nodes do not wait for one another in the middle.
        let first = self.log_determinant(points[0])?;
        let at = |rho: &f64| if stop() { Err(LinalgError::Stopped) } else { self.log_determinant(*rho) };
        let rest: Vec<f64> = points[1..].par_iter().map(at).collect::<Result<_, _>>()?;
        let values: Vec<f64> = std::iter::once(first).chain(rest).collect();
        Ok(LogDetInterpolant::of_values(lo, hi, &values, self.of.unit_classes))
    }

    /// `(I − ρW)⁻¹ rhs` in place, columns of length N one after the other; relative residual at most 1e-13 (of the
    /// right-hand side and the solution together).
    ///
    /// # Errors
    /// `Singular`, or `Shape` when `rhs` is not whole columns.
    pub fn solve(&self, rho: f64, rhs: &mut [f64]) -> Result<(), LinalgError> {
        self.solve_either(rho, rhs, false)
    }

    /// `(I − ρW')⁻¹ rhs` in place, as [`SpatialFilter::solve`].
    ///
    /// # Errors
    /// As [`SpatialFilter::solve`].
    pub fn solve_transposed(&self, rho: f64, rhs: &mut [f64]) -> Result<(), LinalgError> {
        self.solve_either(rho, rhs, true)
    }

    fn solve_either(&self, rho: f64, rhs: &mut [f64], transposed: bool) -> Result<(), LinalgError> {
        if !rho.is_finite() {
            return Err(LinalgError::Singular { rho });
        }
        if rhs.is_empty() || rho == 0.0 || self.of.w.nnz() == 0 {
            return Ok(());
        }
        if !rhs.len().is_multiple_of(self.of.w.n) {
            return Err(LinalgError::Shape { what: "right-hand sides of N rows" });
        }
        match self.of.route {
            Route::Eigen => self.solve_direct(rho, rhs, transposed),
            Route::Cholesky => match self.last_cholesky.at(rho, || self.cholesky()?.factor(rho)) {
                Ok(factor) => {
                    let cholesky = self.cholesky()?;
                    self.refine(rho, rhs, transposed, |x| cholesky.solve(&factor, x, transposed))
                }
                Err(LinalgError::NotPositiveDefinite) => self.solve_direct(rho, rhs, transposed),
                Err(other) => Err(other),
            },
            Route::Lu => {
                let a = if transposed { self.transposed() } else { &self.of.w };
                let mut answer = rhs.to_vec();
                if answer.chunks_mut(8 * self.of.w.n).all(|columns| iterate::solve(a, rho, columns)) {
                    rhs.copy_from_slice(&answer);
                    return Ok(());
                }
                self.solve_direct(rho, rhs, transposed)
            }
        }
    }

    /// Pivoted LU: dense up to 2,000 units, sparse above; the factor of the last ρ is kept.
    fn solve_direct(&self, rho: f64, rhs: &mut [f64], transposed: bool) -> Result<(), LinalgError> {
        if self.of.w.n <= DENSE_UNITS {
            let lu = self.dense_lu(rho)?;
            return self.refine(rho, rhs, transposed, |x| {
                lu.solve(x, transposed);
                Ok(())
            });
        }
        let lu = self.last_pivoted.at(rho, || PivotedLu::factor(self.transposed(), self.elimination()?, rho))?;
        self.refine(rho, rhs, transposed, |x| lu.solve(x, transposed))
    }

    fn dense_lu(&self, rho: f64) -> Result<Arc<DenseLu>, LinalgError> {
        self.last_dense.at(rho, || DenseLu::factor(&self.of.w, rho))
    }

    /// Solves with a factor and corrects the answer by its residual until it is small.
    fn refine(
        &self,
        rho: f64,
        rhs: &mut [f64],
        transposed: bool,
        solve: impl Fn(&mut [f64]) -> Result<(), LinalgError>,
    ) -> Result<(), LinalgError> {
        let a = if transposed { self.transposed() } else { &self.of.w };
        let n = self.of.w.n;
        let given = rhs.to_vec();
        solve(rhs)?;
        for (x, b) in rhs.chunks_exact_mut(n).zip(given.chunks_exact(n)) {
            for round in 0.. {
                let residual = iterate::relative_residual(a, rho, x, b);
                if residual <= iterate::RESIDUAL {
                    break;
                }
                if round == 3 || !residual.is_finite() {
                    return Err(LinalgError::Singular { rho });
                }
                let mut gap = vec![0.0; n];
                iterate::apply(a, rho, x, &mut gap);
                for (g, b) in gap.iter_mut().zip(b) {
                    *g = b - *g;
                }
                solve(&mut gap)?;
                for (x, g) in x.iter_mut().zip(&gap) {
                    *x += g;
                }
            }
        }
        Ok(())
    }

    /// `(I − ρW)⁻¹` as a dense matrix, up to 2,000 units.
    ///
    /// # Errors
    /// `TooLarge` above, `Singular` at the reciprocal of an eigenvalue.
    pub fn dense_inverse(&self, rho: f64) -> Result<faer::Mat<f64>, LinalgError> {
        if self.of.w.n > DENSE_UNITS {
            let bytes = 8 * (self.of.w.n as u64).pow(2);
            return Err(LinalgError::TooLarge { what: "a dense inverse", bytes });
        }
        if !rho.is_finite() {
            return Err(LinalgError::Singular { rho });
        }
        Ok(self.dense_lu(rho)?.inverse())
    }
}

/// Puts exact ones in place of the `count` eigenvalues nearest to one, which structure says they are: close to the end
/// of the interval `ln(1 − ρω)` would blow up their rounding errors.
fn snap_to_one(eigenvalues: &mut [(f64, f64)], count: usize) {
    let mut nearest: Vec<usize> = (0..eigenvalues.len()).collect();
    let gap = |k: &usize| (eigenvalues[*k].0 - 1.0).hypot(eigenvalues[*k].1);
    nearest.sort_by(|a, b| gap(a).total_cmp(&gap(b)));
    nearest.truncate(count);
    for k in nearest {
        eigenvalues[k] = (1.0, 0.0);
    }
}

/// The factor of the last ρ asked for.
#[derive(Debug)]
struct Last<F>(Mutex<Option<(u64, Arc<F>)>>);

impl<F> Last<F> {
    fn new() -> Last<F> {
        Last(Mutex::new(None))
    }

    /// The kept factor if ρ is the same to the bit, else a new one, which is kept.
    fn at(&self, rho: f64, make: impl FnOnce() -> Result<F, LinalgError>) -> Result<Arc<F>, LinalgError> {
        // Held while factoring, so that threads asking for the same ρ do the work once.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((bits, factor)) = kept.as_ref()
            && *bits == rho.to_bits()
        {
            return Ok(factor.clone());
        }
        *kept = None;
        let factor = Arc::new(make()?);
        *kept = Some((rho.to_bits(), factor.clone()));
        Ok(factor)
    }
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
