//! The largest root of a dynamic model (methods C.7, stability): the spectral radius of `A = S⁻¹(τI + Σ_e η_e W_e)`.
//!
//! With one matrix the eigenvalues of A are `(τ + ηω)/(1 − ρω)`: exact where those of W are known, and at the ends of a
//! real spectrum, between which that fraction is monotone, or where one dominates. Otherwise by powers of A.

use super::long_run::{Coefficients, Filter, same, times};
use crate::estimators::{EstimateError, Interrupt};
use crate::linalg::filter::SpatialFilter;
use crate::linalg::iterate::{axpy, dot};
use crate::linalg::probes::signs;
use crate::weights::Weights;

/// Pairs of steps at most, the relative change at which they end, and the seed of the first vector.
const STEPS: usize = 400;
const SETTLED: f64 = 1e-12;
const SEED: u64 = 0x5EED_0006;

/// The spectral radius; `lag` is ρ with its matrix, the first entry of `at.spatial` where there is one.
pub(crate) fn largest_root(
    units: usize,
    at: &Coefficients,
    lag: Option<(f64, &Weights)>,
    known: Option<(&Weights, &SpatialFilter)>,
    interrupt: &dyn Interrupt,
) -> Result<f64, EstimateError> {
    let Some((_, first)) = at.spatial.first() else { return Ok(at.own.abs()) };
    interrupt.begin("roots of the dynamic model");
    let filter = Filter::of(first, known)?;
    let rho = lag.map_or(0.0, |l| l.0);
    if at.spatial.iter().all(|(_, w)| same(w, first)) {
        let eta: f64 = at.spatial.iter().skip(usize::from(lag.is_some())).map(|s| s.0).sum();
        let modulus = |(re, im): (f64, f64)| {
            let above = (at.own + eta * re).hypot(eta * im);
            above / (1.0 - rho * re).hypot(rho * im)
        };
        if let Some(all) = filter.eigenvalues() {
            return Ok(all.iter().map(|w| modulus(*w)).fold(0.0, f64::max));
        }
        if let Some(root) = at_one(&filter, modulus, rho) {
            return Ok(root);
        }
        let interval = if first.symmetrizer.is_some() { Some(filter.interval()?) } else { None };
        if let Some(interval) = interval.filter(|i| i.rule == "eigen") {
            return Ok(modulus((1.0 / interval.lo, 0.0)).max(modulus((1.0 / interval.hi, 0.0))));
        }
    }
    by_powers(units, at, lag.map(|_| rho), &filter, interrupt)
}

/// Where one is an eigenvalue of W and none is larger in modulus, `f(ω) = (τ + ηω)/(1 − ρω)` maps the unit disk, `|ρ| < 1`,
/// onto the disk with the diameter `f(−1) … f(1)`: no eigenvalue of A is beyond `f(1)` unless `f(−1)` is.
fn at_one(filter: &SpatialFilter, modulus: impl Fn((f64, f64)) -> f64, rho: f64) -> Option<f64> {
    let stochastic = filter.unit_classes() > 0 && filter.row_bound() <= 1.0 + 1e-12;
    let (most, least) = (modulus((1.0, 0.0)), modulus((-1.0, 0.0)));
    (stochastic && rho.abs() < 1.0 && most >= least).then_some(most)
}

/// From `Aᵏx` for growing k, and the row sum of A where it is an eigenvalue.
fn by_powers(
    units: usize,
    at: &Coefficients,
    rho: Option<f64>,
    filter: &SpatialFilter,
    interrupt: &dyn Interrupt,
) -> Result<f64, EstimateError> {
    let step = |x: &[f64]| -> Result<Vec<f64>, EstimateError> {
        if interrupt.stop() {
            return Err(EstimateError::Interrupted);
        }
        let mut out: Vec<f64> = x.iter().map(|v| at.own * v).collect();
        for (c, w) in at.spatial.iter().skip(usize::from(rho.is_some())) {
            axpy(*c, &times(Some(w), x, units), &mut out);
        }
        if let Some(rho) = rho {
            filter.solve(rho, &mut out)?;
        }
        Ok(out)
    };
    // Row sums that agree are an eigenvalue, the one growth may find last.
    let ones = step(&vec![1.0; units])?;
    let common = ones.iter().all(|v| (v - ones[0]).abs() < 1e-9).then_some(ones[0].abs());
    let mut x = signs(SEED, 0, units);
    let mut known = 0.0;
    for _ in 0..STEPS {
        let size = dot(&x, &x).sqrt();
        if size == 0.0 {
            break;
        }
        x.iter_mut().for_each(|v| *v /= size);
        let first = step(&x)?;
        let second = step(&first)?;
        let found = pair(&x, &first, &second);
        let settled = (found - known).abs() <= SETTLED * found;
        known = found;
        x = second;
        if settled {
            break;
        }
    }
    Ok(known.max(common.unwrap_or(0.0)))
}

/// The larger modulus of the roots of `z² = pz + q`, with `A²x ≈ pAx + qx` by least squares: a dominating pair of
/// conjugate roots as well as a single one.
fn pair(x: &[f64], first: &[f64], second: &[f64]) -> f64 {
    let (a, b, d) = (dot(first, first), dot(first, x), dot(x, x));
    let (u, v) = (dot(first, second), dot(x, second));
    let determinant = a * d - b * b;
    if determinant <= 1e-14 * a * d {
        return if d > 0.0 { (a / d).sqrt() } else { 0.0 };
    }
    let (p, q) = ((u * d - v * b) / determinant, (a * v - b * u) / determinant);
    let discriminant = p * p + 4.0 * q;
    if discriminant < 0.0 { (-q).sqrt() } else { 0.5 * (p.abs() + discriminant.sqrt()) }
}
