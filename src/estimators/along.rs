//! Effects as functions of the spatial parameter, for many parameter draws at the price of a few.
//!
//! Every effect is `Σ_x c_x f_x(ρ)`, with one number `f_x(ρ)` for each part `x` of the design (a regressor itself, its lag
//! by each matrix) and each functional: `tr S⁻¹X_x`, `l'S⁻¹X_x l` (methods D.1), means over treated and untreated cells
//! (D.4). They are analytic inside the admissible interval with simple poles at its ends at most: the polynomial through
//! Chebyshev points of `f_x(ρ)(hi − ρ)(ρ − lo)` gives them all to nine digits.

use super::EstimateError;
use super::axis::Axis;
use super::sample::{Sample, lag};
use crate::inference::operator::Operator;
use crate::inference::policy::{PolicyCells, own_part};
use crate::linalg::iterate::dot;
use crate::weights::Weights;
use std::f64::consts::PI;

/// `tr/N`, `l'Ml/N`, then the means of [`PolicyCells::means`].
pub(crate) const FUNCTIONALS: usize = 7;
/// The functionals of one part.
pub(crate) type Part = [f64; FUNCTIONALS];

/// Intervals between points: at first, and at most.
const FEWEST: usize = 8;
const MOST: usize = 64;
/// Error relative to the largest value at which no more points are added.
const ENOUGH: f64 = 1e-9;
/// Units up to which a whole inverse at every point costs less than solves.
const SMALL: usize = 500;
/// Half-width of the window in which log-determinants are differentiated.
const NEAR: f64 = 0.01;

/// The functionals of every part at one ρ; without an operator `S = I`.
pub(crate) fn parts(
    sample: &Sample,
    operator: Option<&Operator>,
    cells: Option<&PolicyCells>,
) -> Result<Vec<Part>, EstimateError> {
    let problem = sample.problem;
    let n = operator.map_or(sample.units, Operator::units);
    let count = n as f64;
    let matrices: Vec<Option<&Weights>> =
        std::iter::once(None).chain(problem.durbin_weights.iter().map(|w| Some(&**w))).collect();
    let ones = vec![1.0; n];
    let columns: Vec<f64> = matrices.iter().flat_map(|x| x.map_or_else(|| ones.clone(), Weights::row_sums)).collect();
    let left = operator.map_or_else(|| Ok(ones.clone()), |o| o.inverse(&ones, true))?;
    let mut out = Vec::with_capacity(matrices.len());
    for (x, column) in matrices.iter().zip(columns.chunks_exact(n)) {
        let trace = match (operator, x) {
            (Some(o), None) => o.inverse_traces()[0],
            (Some(o), Some(w)) => o.lagged_traces(w)?[0],
            (None, None) => count,
            (None, Some(w)) => w.matrix.diag().iter().map(|(_, v)| v).sum(),
        };
        let mut part = [0.0; FUNCTIONALS];
        part[0] = trace / count;
        part[1] = dot(&left, column) / count;
        if let Some(cells) = cells {
            let d = &*sample.met(cells.regressor);
            let source = x.map_or_else(|| d.to_vec(), |w| lag(w, d, sample.periods));
            let effect = operator.map_or_else(|| Ok(source.clone()), |o| o.inverse(&source, false))?;
            let own = own_part(n, operator, *x)?.level;
            part[2..].copy_from_slice(&cells.means(&own, &effect));
        }
        out.push(part);
    }
    Ok(out)
}

/// As [`parts`], at a value of the parameter of `axis`.
pub(crate) fn parts_at(
    sample: &Sample,
    axis: &Axis,
    at: f64,
    cells: Option<&PolicyCells>,
    dense_units: usize,
) -> Result<Vec<Part>, EstimateError> {
    if axis.interrupt.stop() {
        return Err(EstimateError::Interrupted);
    }
    let n = axis.filter.units();
    let one_matrix = sample.problem.durbin_weights.iter().all(|w| w.matrix == axis.weights.matrix);
    let dense = n <= dense_units && (n <= SMALL || cells.is_some() || !one_matrix);
    let curve = if dense { axis.look()? } else { axis.window(at, NEAR)? };
    parts(sample, Some(&Operator::new(axis, at, &curve, dense)?), cells)
}

/// The functionals of every part over a stretch of the parameter.
pub(crate) struct Along {
    poles: [f64; 2],
    points: Vec<f64>,
    /// `values[point][part]`, each times `(hi − ρ)(ρ − lo)`.
    values: Vec<Vec<Part>>,
}

impl Along {
    /// Through values of `at` on `[lo, hi]`, inside the interval that `poles` end.
    pub fn new(
        [lo, hi]: [f64; 2],
        poles: [f64; 2],
        at: &dyn Fn(f64) -> Result<Vec<Part>, EstimateError>,
    ) -> Result<Along, EstimateError> {
        let mut along = Along { poles, points: Vec::new(), values: Vec::new() };
        let place = |k: usize, of: usize| 0.5 * (lo + hi) - 0.5 * (hi - lo) * (PI * k as f64 / of as f64).cos();
        let weighed = |along: &Along, x: f64| -> Result<Vec<Part>, EstimateError> {
            let weight = along.weight(x);
            Ok(at(x)?.into_iter().map(|part| part.map(|v| v * weight)).collect())
        };
        if hi - lo <= 1e-12 {
            along.values.push(weighed(&along, lo)?);
            along.points.push(lo);
            return Ok(along);
        }
        let mut intervals = FEWEST;
        for k in 0..=intervals {
            along.points.push(place(k, intervals));
            along.values.push(weighed(&along, along.points[k])?);
        }
        while intervals < MOST {
            intervals *= 2;
            let (mut points, mut values) = (Vec::new(), Vec::new());
            let (mut error, mut size) = ([0.0f64; FUNCTIONALS], [0.0f64; FUNCTIONALS]);
            for k in 0..=intervals {
                points.push(place(k, intervals));
                if k % 2 == 0 {
                    values.push(along.values[k / 2].clone());
                    continue;
                }
                let exact = weighed(&along, points[k])?;
                for (found, exact) in along.through(points[k]).iter().zip(&exact) {
                    for f in 0..FUNCTIONALS {
                        error[f] = error[f].max((found[f] - exact[f]).abs());
                        size[f] = size[f].max(exact[f].abs());
                    }
                }
                values.push(exact);
            }
            along.points = points;
            along.values = values;
            // Values that do not exist (means over no cells) stay out of it.
            if (0..FUNCTIONALS).all(|f| !size[f].is_finite() || error[f] <= ENOUGH * size[f]) {
                break;
            }
        }
        Ok(along)
    }

    fn weight(&self, x: f64) -> f64 {
        (self.poles[1] - x) * (x - self.poles[0])
    }

    /// The polynomial, by the barycentric formula of Chebyshev points of the second kind.
    fn through(&self, x: f64) -> Vec<Part> {
        if let Some(k) = self.points.iter().position(|p| *p == x) {
            return self.values[k].clone();
        }
        if self.points.len() == 1 {
            return self.values[0].clone();
        }
        let last = self.points.len() - 1;
        let mut sums = vec![[0.0; FUNCTIONALS]; self.values[0].len()];
        let mut total = 0.0;
        for (k, (point, values)) in self.points.iter().zip(&self.values).enumerate() {
            let half = if k == 0 || k == last { 0.5 } else { 1.0 };
            let sign = if k % 2 == 0 { 1.0 } else { -1.0 };
            let share = sign * half / (x - point);
            total += share;
            for (sum, part) in sums.iter_mut().zip(values) {
                sum.iter_mut().zip(part).for_each(|(s, v)| *s += share * v);
            }
        }
        sums.into_iter().map(|part| part.map(|s| s / total)).collect()
    }

    /// The functionals at a value inside the stretch.
    pub fn at(&self, x: f64) -> Vec<Part> {
        let weight = self.weight(x);
        self.through(x).into_iter().map(|part| part.map(|v| v / weight)).collect()
    }
}
