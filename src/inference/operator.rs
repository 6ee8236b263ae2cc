//! One spatial parameter at its value: `S⁻¹` and `G = WS⁻¹` as products with vectors, traces and diagonals.
//!
//! Up to two thousand units both are dense matrices. Above, products are solves, `tr G` and `tr G²` derivatives of the
//! log-determinant (scaling 3), diagonals exact walks with a remainder by random signs, and what is left by random signs
//! alone; their errors are remarked upon.

use super::dense::Dense;
use crate::estimators::axis::{Axis, Curve};
use crate::estimators::{EstimateError, Interrupt, Remark};
use crate::linalg::interpolant::LogDetInterpolant;
use crate::linalg::iterate::{axpy, dot};
use crate::linalg::panel;
use crate::linalg::probes::{ProbedMean, signs};
use crate::weights::Weights;
use rayon::prelude::*;
use sprs::CsMat;
use std::cell::{OnceCell, RefCell};

/// Columns solved together.
const BATCH: usize = 8;
/// Probes of a trace: at least, and at most.
const FEWEST: usize = 8;
const MOST: usize = 256;
/// Relative error of a trace at which no more probes are added, for one spatial parameter and for two, whose information
/// is a difference of traces.
pub(crate) const ENOUGH: f64 = 0.004;
pub(crate) const ENOUGH_OF_TWO: f64 = 0.0015;
/// Probes of a diagonal's remainder.
const DIAGONAL: usize = 16;
/// Half-width of the window in which derivatives at a corrected value are taken.
const NEAR: f64 = 0.01;
/// Seeds of the random signs: one for each use, the same in every run.
const TRACE_SEED: u64 = 0x5EED_0001;
const DIAGONAL_SEED: u64 = 0x5EED_0002;
const LAG_SEED: u64 = 0x5EED_0003;

/// `tr G`, `tr G²`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Moments {
    pub g: f64,
    pub square: f64,
}

/// What is made of columns of random signs: one value of a quadratic form for each, or their image.
type Form<'f> = dyn Fn(&[f64]) -> Result<Vec<f64>, EstimateError> + 'f;

/// Diagonals of `A` and of its derivative in the parameter.
#[derive(Clone, Debug)]
pub(crate) struct Diagonals {
    pub level: Vec<f64>,
    pub slope: Vec<f64>,
}

/// A diagonal of which a remainder was probed.
#[derive(Clone, Debug)]
pub(crate) struct ProbedDiagonal {
    pub values: Vec<f64>,
    /// What each vector of signs says of the remainder; their mean is in `values`.
    pub remainders: Vec<Vec<f64>>,
}

pub(crate) struct Operator<'a> {
    pub axis: &'a Axis<'a>,
    /// The parameter's value.
    pub at: f64,
    curve: LogDetInterpolant,
    /// `S⁻¹` and `G`.
    dense: Option<[Dense; 2]>,
    transposed: OnceCell<CsMat<f64>>,
    diagonals: OnceCell<Diagonals>,
    diagonal: OnceCell<ProbedDiagonal>,
    remarks: RefCell<Vec<Remark>>,
}

impl<'a> Operator<'a> {
    /// At a value; `curve` is the log-determinant where it was found. `dense` keeps whole matrices.
    pub fn new(axis: &'a Axis<'a>, at: f64, curve: &Curve, dense: bool) -> Result<Self, EstimateError> {
        let inside = curve.lo + 0.05 * NEAR < at && at < curve.hi - 0.05 * NEAR;
        let dense = if dense {
            axis.interrupt.begin("inverse of the spatial filter");
            let inverse = Dense::from_mat(&axis.filter.dense_inverse(at)?);
            let g = inverse.lagged(axis.weights);
            Some([inverse, g])
        } else {
            None
        };
        // A corrected value may lie beside the window of the search.
        let curve = if inside || dense.is_some() { curve.clone() } else { axis.window(at, NEAR)? };
        Ok(Operator {
            axis,
            at,
            curve: curve.log_determinant,
            dense,
            transposed: OnceCell::new(),
            diagonals: OnceCell::new(),
            diagonal: OnceCell::new(),
            remarks: RefCell::new(Vec::new()),
        })
    }

    pub fn units(&self) -> usize {
        self.axis.filter.units()
    }

    /// `G` as a whole, where it is held.
    pub fn whole(&self) -> Option<&Dense> {
        self.dense.as_ref().map(|[_, g]| g)
    }

    /// `S⁻¹` as a whole, where it is held.
    pub fn whole_inverse(&self) -> Option<&Dense> {
        self.dense.as_ref().map(|[inverse, _]| inverse)
    }

    /// What was estimated by probes so far.
    pub fn remarks(&self) -> Vec<Remark> {
        self.remarks.borrow().clone()
    }

    fn interrupt(&self) -> &dyn Interrupt {
        self.axis.interrupt
    }

    /// `S⁻¹ X`, or `S⁻ᵀ X`, for `N × k` columns.
    pub fn inverse(&self, x: &[f64], transposed: bool) -> Result<Vec<f64>, EstimateError> {
        if let Some([inverse, _]) = &self.dense {
            return Ok(inverse.apply(x, transposed));
        }
        let mut out = x.to_vec();
        let (axis, at) = (self.axis, self.at);
        let solve = |columns: &mut [f64]| -> Result<(), EstimateError> {
            if axis.interrupt.stop() {
                return Err(EstimateError::Interrupted);
            }
            let filter = &axis.filter;
            Ok(if transposed { filter.solve_transposed(at, columns) } else { filter.solve(at, columns) }?)
        };
        let mut batches = out.chunks_mut(BATCH * self.units());
        // The factor first, so that the batches do not wait for it.
        if let Some(first) = batches.next() {
            solve(first)?;
        }
        let rest: Vec<&mut [f64]> = batches.collect();
        rest.into_par_iter().try_for_each(solve)?;
        Ok(out)
    }

    /// `G X`, or `G'X`.
    pub fn image(&self, x: &[f64], transposed: bool) -> Result<Vec<f64>, EstimateError> {
        if let Some([_, g]) = &self.dense {
            return Ok(g.apply(x, transposed));
        }
        let columns = x.len() / self.units();
        Ok(if transposed {
            let w = self.transposed.get_or_init(|| self.axis.weights.matrix.transpose_view().to_csr());
            self.inverse(&panel::spatial_lag(w, x, self.units(), columns), true)?
        } else {
            self.lag(&self.inverse(x, false)?)
        })
    }

    fn lag(&self, x: &[f64]) -> Vec<f64> {
        panel::spatial_lag(&self.axis.weights.matrix, x, self.units(), x.len() / self.units())
    }

    pub fn moments(&self) -> Moments {
        match self.whole() {
            Some(g) => Moments { g: g.trace(), square: g.product_trace(g) },
            None => Moments { g: -self.curve.first(self.at), square: -self.curve.second(self.at) },
        }
    }

    /// `tr(G'G)`: exact for the first powers `G ≈ W + ρW²`, probes for what is left.
    pub fn frobenius(&self, enough: f64) -> Result<ProbedMean, EstimateError> {
        if let Some(g) = self.whole() {
            return Ok(ProbedMean::exact(g.inner(g)));
        }
        let (powers, exact) = self.axis.walks().frobenius(self.at);
        let n = self.units();
        self.probed(exact, enough, &|z| {
            let image = self.image(z, false)?;
            let mut power = self.lag(z);
            let mut first = power.clone();
            if powers > 1 {
                power = self.lag(&power);
                axpy(self.at, &power, &mut first);
            }
            Ok(image.chunks_exact(n).zip(first.chunks_exact(n)).map(|(a, b)| dot(a, a) - dot(b, b)).collect())
        })
    }

    /// A trace as its exact part and the mean of a quadratic form of random signs, until its relative error is `enough`;
    /// `form` answers one value for each column.
    pub fn probed(&self, exact: f64, enough: f64, form: &Form) -> Result<ProbedMean, EstimateError> {
        self.interrupt().begin("traces by probes");
        let mut values: Vec<f64> = Vec::new();
        loop {
            let first = values.len() as u64;
            let z: Vec<f64> = (first..first + FEWEST as u64).flat_map(|k| signs(TRACE_SEED, k, self.units())).collect();
            values.extend(form(&z)?);
            let found = ProbedMean::of(&values).plus(exact);
            if found.relative_error <= enough || values.len() >= MOST {
                self.remark(found);
                return Ok(found);
            }
        }
    }

    pub fn remark(&self, found: ProbedMean) {
        let remark = Remark::Probes { probes: found.probes, relative_error: found.relative_error };
        self.remarks.borrow_mut().push(remark);
    }

    /// Diagonal of `G`, with what its probes leave open.
    pub fn diagonal(&self) -> Result<&ProbedDiagonal, EstimateError> {
        if let Some(found) = self.diagonal.get() {
            return Ok(found);
        }
        let found = match self.whole() {
            Some(g) => ProbedDiagonal { values: g.diagonal(), remainders: Vec::new() },
            None => self.walked_diagonal(&|z| self.image(z, false))?,
        };
        Ok(self.diagonal.get_or_init(|| found))
    }

    /// Diagonals of `G` and of its derivative `G²`.
    pub fn diagonals(&self) -> Result<&Diagonals, EstimateError> {
        if let Some(found) = self.diagonals.get() {
            return Ok(found);
        }
        let found = match self.whole() {
            Some(g) => Diagonals { level: g.diagonal(), slope: g.product_diagonal(g) },
            None => self.walked_diagonals()?,
        };
        Ok(self.diagonals.get_or_init(|| found))
    }

    /// `(W^k z)` for the powers whose diagonals are known, given to `take` with their coefficients in `G` and `G²`.
    fn known_powers(&self, z: &[f64], mut take: impl FnMut([f64; 2], &[f64])) {
        let mut power = z.to_vec();
        for k in 1..=self.axis.walks().order() {
            power = self.lag(&power);
            take(self.coefficients(k), &power);
        }
    }

    /// Of `W^k` in `G = Σ_{k≥1} ρ^(k−1) W^k` and in `G² = Σ_{k≥2} (k−1)ρ^(k−2) W^k`.
    fn coefficients(&self, k: usize) -> [f64; 2] {
        let power = |e: i32| if e < 0 { 0.0 } else { self.at.powi(e) };
        [power(k as i32 - 1), (k as f64 - 1.0) * power(k as i32 - 2)]
    }

    /// The diagonal of a matrix close to `G`, given by its product with columns: exact diagonals of the first powers in
    /// `G`, and random signs for the rest.
    pub fn walked_diagonal(&self, image: &Form) -> Result<ProbedDiagonal, EstimateError> {
        let walks = self.axis.walks();
        let mut values = vec![0.0; self.units()];
        (1..=walks.order()).for_each(|k| axpy(self.coefficients(k)[0], walks.diagonal(k), &mut values));
        let remainders = self.add_remainder([&mut values], DIAGONAL_SEED, |z| {
            let mut level = image(z)?;
            self.known_powers(z, |[c, _], power| axpy(-c, power, &mut level));
            Ok([level])
        })?;
        Ok(ProbedDiagonal { values, remainders })
    }

    /// Those of `G` and `G²`.
    fn walked_diagonals(&self) -> Result<Diagonals, EstimateError> {
        let walks = self.axis.walks();
        let n = self.units();
        let mut out = Diagonals { level: vec![0.0; n], slope: vec![0.0; n] };
        for k in 1..=walks.order() {
            let [level, slope] = self.coefficients(k);
            axpy(level, walks.diagonal(k), &mut out.level);
            axpy(slope, walks.diagonal(k), &mut out.slope);
        }
        self.add_remainder([&mut out.level, &mut out.slope], DIAGONAL_SEED, |z| {
            let mut level = self.image(z, false)?;
            let mut slope = self.image(&level, false)?;
            self.known_powers(z, |[c, d], power| {
                axpy(-c, power, &mut level);
                axpy(-d, power, &mut slope);
            });
            Ok([level, slope])
        })?;
        Ok(out)
    }

    /// Adds `mean(z ∘ Az)` of what exact diagonals leave of matrices, and answers `z ∘ Az` of the first.
    fn add_remainder<const K: usize>(
        &self,
        out: [&mut Vec<f64>; K],
        seed: u64,
        image: impl Fn(&[f64]) -> Result<[Vec<f64>; K], EstimateError>,
    ) -> Result<Vec<Vec<f64>>, EstimateError> {
        self.interrupt().begin("diagonals by probes");
        let n = self.units();
        let mut remainders = Vec::with_capacity(DIAGONAL);
        for batch in (0..DIAGONAL).step_by(BATCH) {
            let z: Vec<f64> = (batch..batch + BATCH).flat_map(|k| signs(seed, k as u64, n)).collect();
            for (which, image) in image(&z)?.iter().enumerate() {
                for (z, y) in z.chunks_exact(n).zip(image.chunks_exact(n)) {
                    let product: Vec<f64> = z.iter().zip(y).map(|(z, y)| z * y).collect();
                    axpy(1.0 / DIAGONAL as f64, &product, out[which]);
                    if which == 0 {
                        remainders.push(product);
                    }
                }
            }
        }
        let spread: f64 = (0..n).map(|i| variance_of_mean(&remainders, i)).sum();
        let size = dot(out[0], out[0]);
        let relative_error = if size == 0.0 { 0.0 } else { (spread / size).sqrt() };
        self.remark(ProbedMean { probes: DIAGONAL, mean: f64::NAN, relative_error });
        Ok(remainders)
    }

    /// Diagonals of `S⁻¹W_b` and of its derivative `G S⁻¹W_b`.
    pub fn lagged_diagonals(&self, durbin: &Weights) -> Result<Diagonals, EstimateError> {
        if std::ptr::eq(durbin, self.axis.weights) || durbin.matrix == self.axis.weights.matrix {
            return self.diagonals().cloned();
        }
        if let Some([inverse, g]) = &self.dense {
            // diag(G S⁻¹ W_b): rows of G against columns of S⁻¹W_b.
            let right = inverse.times(durbin);
            return Ok(Diagonals { level: right.diagonal(), slope: g.product_diagonal(&right) });
        }
        // S⁻¹W_b = W_b + ρW W_b + …: two exact terms, and one of the derivative G S⁻¹W_b = W W_b + ….
        let n = self.units();
        let mut out =
            Diagonals { level: vec![0.0; n], slope: product_diagonal(&self.axis.weights.matrix, &durbin.matrix) };
        axpy(self.at, &out.slope, &mut out.level);
        durbin.matrix.iter().filter(|(_, (i, k))| i == k).for_each(|(v, (i, _))| out.level[i] += v);
        self.add_remainder([&mut out.level, &mut out.slope], LAG_SEED, |z| {
            let first = panel::spatial_lag(&durbin.matrix, z, n, z.len() / n);
            let second = self.lag(&first);
            let mut level = self.inverse(&first, false)?;
            let mut slope = self.image(&level, false)?;
            axpy(-1.0, &first, &mut level);
            axpy(-self.at, &second, &mut level);
            axpy(-1.0, &second, &mut slope);
            Ok([level, slope])
        })?;
        Ok(out)
    }

    /// Diagonals of `S⁻¹` and of its derivative `G S⁻¹`.
    pub fn inverse_diagonals(&self) -> Result<Diagonals, EstimateError> {
        let of = self.diagonals()?;
        Ok(Diagonals {
            level: of.level.iter().map(|g| 1.0 + self.at * g).collect(),
            slope: of.level.iter().zip(&of.slope).map(|(g, s)| g + self.at * s).collect(),
        })
    }

    /// `tr S⁻¹W_b` and its derivative.
    pub fn lagged_traces(&self, durbin: &Weights) -> Result<[f64; 2], EstimateError> {
        if std::ptr::eq(durbin, self.axis.weights) || durbin.matrix == self.axis.weights.matrix {
            let of = self.moments();
            return Ok([of.g, of.square]);
        }
        let of = self.lagged_diagonals(durbin)?;
        Ok([panel::sum(&of.level), panel::sum(&of.slope)])
    }

    /// `tr S⁻¹` and its derivative.
    pub fn inverse_traces(&self) -> [f64; 2] {
        let of = self.moments();
        [self.units() as f64 + self.at * of.g, of.g + self.at * of.square]
    }
}

/// Of the mean over probes of the value of one unit.
pub(crate) fn variance_of_mean(remainders: &[Vec<f64>], unit: usize) -> f64 {
    let m = remainders.len() as f64;
    if m < 2.0 {
        return 0.0;
    }
    let mean = remainders.iter().map(|r| r[unit]).sum::<f64>() / m;
    remainders.iter().map(|r| (r[unit] - mean).powi(2)).sum::<f64>() / (m * (m - 1.0))
}

/// Diagonal of `A B` of sparse matrices.
fn product_diagonal(a: &CsMat<f64>, b: &CsMat<f64>) -> Vec<f64> {
    let row =
        |row: sprs::CsVecView<f64>, i: usize| row.iter().map(|(j, v)| v * b.get(j, i).copied().unwrap_or(0.0)).sum();
    a.outer_iterator().enumerate().map(|(i, r)| row(r, i)).collect()
}
