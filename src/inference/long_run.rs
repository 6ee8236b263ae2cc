//! The long-run multiplier `K = [(1 − τ)I − ρW − Σ_e η_e W_e]⁻¹` of a dynamic model (methods C.7 step 3, D.3): products
//! with vectors, traces of `KX` and of `KYKX`.
//!
//! `K = (I − κV)⁻¹/(1 − τ)`: with one matrix `V = W` and `κ = (ρ + η)/(1 − τ)`, with several `V` is their combination and
//! `κ = 1`. Up to two thousand units K is held as a whole. Above, traces of powers of one matrix are derivatives of its
//! log-determinant; what is left is estimated by random signs, and remarked upon.

use super::dense::Dense;
use crate::estimators::{EstimateError, Interrupt, Remark};
use crate::linalg::filter::SpatialFilter;
use crate::linalg::interpolant::LogDetInterpolant;
use crate::linalg::iterate::dot;
use crate::linalg::panel;
use crate::linalg::probes::{ProbedMean, signs};
use crate::weights::Weights;
use nalgebra::DMatrix;
use sprs::{CsMat, TriMat};
use std::cell::RefCell;

/// Half-width of the window in which the log-determinant is differentiated, and its nodes.
const NEAR: f64 = 0.01;
const NODES: usize = 6;
/// Probes of a trace, and their seed.
const PROBES: u64 = 32;
const SEED: u64 = 0x5EED_0005;

/// A matrix of the model; `None` is the identity.
pub(crate) type Matrix<'w> = Option<&'w Weights>;

/// What the time lags of a model are multiplied with.
#[derive(Clone, Debug)]
pub(crate) struct Coefficients<'w> {
    /// τ.
    pub own: f64,
    /// ρ with its matrix, and every η with its own.
    pub spatial: Vec<(f64, &'w Weights)>,
}

/// A filter that the search has already, or one of its own.
pub(crate) enum Filter<'w> {
    Known(&'w SpatialFilter),
    Own(Box<SpatialFilter>),
}

impl<'w> Filter<'w> {
    /// Of a matrix: that of the search, where it is one of the same matrix.
    pub fn of(w: &Weights, known: Option<(&'w Weights, &'w SpatialFilter)>) -> Result<Self, EstimateError> {
        match known {
            Some((matrix, filter)) if same(matrix, w) => Ok(Filter::Known(filter)),
            _ => Ok(Filter::Own(Box::new(SpatialFilter::new(&w.matrix, w.symmetrizer.as_deref())?))),
        }
    }
}

impl std::ops::Deref for Filter<'_> {
    type Target = SpatialFilter;

    fn deref(&self) -> &SpatialFilter {
        match self {
            Filter::Known(filter) => filter,
            Filter::Own(filter) => filter,
        }
    }
}

/// K at one point.
pub(crate) struct LongRun<'w> {
    units: usize,
    /// `1/(1 − τ)`.
    scale: f64,
    /// κ.
    at: f64,
    filter: Option<Filter<'w>>,
    /// The one matrix there is, where there is one.
    shared: Option<&'w Weights>,
    whole: Option<Dense>,
    /// The log-determinant of the one matrix around κ.
    curve: Option<LogDetInterpolant>,
    remarks: RefCell<Vec<Remark>>,
    interrupt: &'w dyn Interrupt,
}

/// Whether two matrices are one.
pub(crate) fn same(a: &Weights, b: &Weights) -> bool {
    std::ptr::eq(a, b) || a.matrix == b.matrix
}

impl<'w> LongRun<'w> {
    /// K at coefficients of a stable model; `known` is the filter of the search, with its matrix; `dense` keeps it as a whole.
    pub fn new(
        units: usize,
        at: &Coefficients<'w>,
        known: Option<(&'w Weights, &'w SpatialFilter)>,
        dense: bool,
        interrupt: &'w dyn Interrupt,
    ) -> Result<Self, EstimateError> {
        let scale = 1.0 / (1.0 - at.own);
        let mut out = LongRun {
            units,
            scale,
            at: 0.0,
            filter: None,
            shared: None,
            whole: None,
            curve: None,
            remarks: RefCell::new(Vec::new()),
            interrupt,
        };
        let Some((_, first)) = at.spatial.first() else { return Ok(out) };
        interrupt.begin("long-run multiplier");
        let filter = if at.spatial.iter().all(|(_, w)| same(w, first)) {
            out.at = scale * at.spatial.iter().map(|s| s.0).sum::<f64>();
            out.shared = Some(first);
            Filter::of(first, known)?
        } else {
            out.at = 1.0;
            Filter::Own(Box::new(SpatialFilter::new(&combined(units, at, scale), None)?))
        };
        if dense {
            let mut whole = Dense::from_mat(&filter.dense_inverse(out.at)?);
            whole.data.iter_mut().for_each(|v| *v *= scale);
            out.whole = Some(whole);
        } else if out.shared.is_some() {
            out.curve = curve(&filter, out.at, interrupt)?;
        }
        out.filter = Some(filter);
        Ok(out)
    }

    /// What was estimated by probes.
    pub fn remarks(&self) -> Vec<Remark> {
        self.remarks.borrow().clone()
    }

    /// `K X`, or `K'X`, for `N × k` columns.
    pub fn apply(&self, x: &[f64], transposed: bool) -> Result<Vec<f64>, EstimateError> {
        if let Some(whole) = &self.whole {
            return Ok(whole.apply(x, transposed));
        }
        let mut out: Vec<f64> = x.iter().map(|v| self.scale * v).collect();
        if let Some(filter) = &self.filter {
            if self.interrupt.stop() {
                return Err(EstimateError::Interrupted);
            }
            match transposed {
                true => filter.solve_transposed(self.at, &mut out)?,
                false => filter.solve(self.at, &mut out)?,
            }
        }
        Ok(out)
    }

    /// `l'XKl`.
    pub fn sum_before(&self, x: Matrix) -> Result<f64, EstimateError> {
        Ok(panel::sum(&times(x, &self.apply(&vec![1.0; self.units], false)?, self.units)))
    }

    /// `l'KXl` for every matrix, and `l'KYKXl` in the rows of `outer` and the columns of `inner`.
    pub fn sums(&self, outer: &[Matrix], inner: &[Matrix]) -> Result<(Vec<f64>, DMatrix<f64>), EstimateError> {
        let ones = vec![1.0; self.units];
        if self.filter.is_none() {
            // K is a number: nothing is left to rounding.
            let total = |x: Matrix, y: Matrix| panel::sum(&times(y, &times(x, &ones, self.units), self.units));
            let first = inner.iter().map(|x| self.scale * total(*x, None)).collect();
            let square = self.scale * self.scale;
            let second = DMatrix::from_fn(outer.len(), inner.len(), |y, x| square * total(inner[x], outer[y]));
            return Ok((first, second));
        }
        let left = self.apply(&ones, true)?;
        let columns: Vec<f64> = inner.iter().flat_map(|x| times(*x, &ones, self.units)).collect();
        let right = self.apply(&columns, false)?;
        let first = columns.chunks_exact(self.units).map(|c| dot(&left, c)).collect();
        let second = DMatrix::from_fn(outer.len(), inner.len(), |y, x| {
            dot(&left, &times(outer[y], &right[x * self.units..(x + 1) * self.units], self.units))
        });
        Ok((first, second))
    }

    /// `tr KX`.
    pub fn trace(&self, x: Matrix) -> Result<f64, EstimateError> {
        if self.filter.is_none() {
            return Ok(self.scale * diagonal_sum(x, self.units));
        }
        if let Some(whole) = &self.whole {
            return Ok(product_trace(whole, x));
        }
        match self.moments(&[x]) {
            Some([g, _]) => Ok(self.scale * if x.is_none() { self.units as f64 + self.at * g } else { g }),
            None => self.probed(&|z| self.apply(&times(x, z, self.units), false)),
        }
    }

    /// `tr KYKX` in the rows of `outer` and the columns of `inner`.
    pub fn traces(&self, outer: &[Matrix], inner: &[Matrix]) -> Result<DMatrix<f64>, EstimateError> {
        let mut out = DMatrix::zeros(outer.len(), inner.len());
        for (i, y) in outer.iter().enumerate() {
            for (j, x) in inner.iter().enumerate() {
                out[(i, j)] = self.second_trace(*y, *x)?;
            }
        }
        Ok(out)
    }

    fn second_trace(&self, y: Matrix, x: Matrix) -> Result<f64, EstimateError> {
        let n = self.units as f64;
        if self.filter.is_none() {
            let product = match (y, x) {
                (Some(y), Some(x)) => y.matrix.iter().map(|(v, (i, k))| v * entry(&x.matrix, k, i)).sum(),
                (one, other) => diagonal_sum(one.or(other), self.units),
            };
            return Ok(self.scale * self.scale * product);
        }
        if let Some(whole) = &self.whole {
            let of = |m: Matrix| m.map_or_else(|| whole.clone(), |w| whole.times(w));
            return Ok(of(y).product_trace(&of(x)));
        }
        let Some([g, square]) = self.moments(&[y, x]) else {
            return self.probed(&|z| {
                let inner = self.apply(&times(x, z, self.units), false)?;
                self.apply(&times(y, &inner, self.units), false)
            });
        };
        // S⁻¹ = I + κG: S⁻¹S⁻¹, GS⁻¹ and GG by the number of matrices.
        let k = self.at;
        let value = match usize::from(y.is_some()) + usize::from(x.is_some()) {
            0 => n + 2.0 * k * g + k * k * square,
            1 => g + k * square,
            _ => square,
        };
        Ok(self.scale * self.scale * value)
    }

    /// `tr G`, `tr G²` at κ, where the log-determinant knows them and every matrix is the one it is of.
    fn moments(&self, matrices: &[Matrix]) -> Option<[f64; 2]> {
        let (curve, shared) = (self.curve.as_ref()?, self.shared?);
        let known = matrices.iter().flatten().all(|w| same(w, shared));
        known.then(|| [-curve.first(self.at), -curve.second(self.at)])
    }

    /// A trace as the mean of `z'Az` over random signs.
    fn probed(&self, image: Image) -> Result<f64, EstimateError> {
        self.interrupt.begin("traces by probes");
        let mut values = Vec::new();
        for probe in 0..PROBES {
            let z = signs(SEED, probe, self.units);
            values.push(dot(&z, &image(&z)?));
        }
        let found = ProbedMean::of(&values);
        let remark = Remark::Probes { probes: found.probes, relative_error: found.relative_error };
        self.remarks.borrow_mut().push(remark);
        Ok(found.mean)
    }
}

/// What a matrix makes of a vector.
type Image<'i> = &'i dyn Fn(&[f64]) -> Result<Vec<f64>, EstimateError>;

/// `Xv` for `N × k` columns.
pub(crate) fn times(x: Matrix, v: &[f64], n: usize) -> Vec<f64> {
    x.map_or_else(|| v.to_vec(), |w| panel::spatial_lag(&w.matrix, v, n, v.len() / n))
}

/// `tr X`.
fn diagonal_sum(x: Matrix, n: usize) -> f64 {
    x.map_or(n as f64, |w| w.matrix.diag().iter().map(|(_, v)| v).sum())
}

fn entry(w: &CsMat<f64>, i: usize, k: usize) -> f64 {
    w.get(i, k).copied().unwrap_or(0.0)
}

/// `tr AX` of a whole and a sparse matrix.
fn product_trace(a: &Dense, x: Matrix) -> f64 {
    x.map_or_else(|| a.trace(), |w| w.matrix.iter().map(|(v, (i, k))| v * a.at(k, i)).sum())
}

/// `(ρW + Σ η_e W_e)/(1 − τ)`.
fn combined(n: usize, at: &Coefficients, scale: f64) -> CsMat<f64> {
    let mut triplets = TriMat::new((n, n));
    for (c, w) in &at.spatial {
        w.matrix.iter().for_each(|(v, (i, k))| triplets.add_triplet(i, k, scale * c * v));
    }
    triplets.to_csr()
}

/// The log-determinant around κ where κ is admissible; elsewhere traces are probed.
fn curve(
    filter: &SpatialFilter,
    at: f64,
    interrupt: &dyn Interrupt,
) -> Result<Option<LogDetInterpolant>, EstimateError> {
    let interval = filter.interval()?;
    let (lo, hi) = ((at - NEAR).max(interval.lo + 1e-6), (at + NEAR).min(interval.hi - 1e-6));
    if !(lo < at && at < hi) {
        return Ok(None);
    }
    Ok(Some(filter.interpolate(lo, hi, NODES, &|| interrupt.stop())?))
}
