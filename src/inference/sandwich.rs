//! Variance of least-squares coefficients on the orthonormal basis of the design (methods C.11).

use crate::estimators::sample::Sample;
use crate::estimators::{FixedEffects, Reference, Remark, Variance};
use crate::linalg::iterate::dot;
use crate::linalg::{cross, panel};
use nalgebra::{DMatrix, DVector};

/// Rows whose scores are held at once.
const ROWS: usize = 1 << 14;

/// The variance of the basis coefficients, and the reference distribution; `None` where the estimator does not apply.
pub(crate) fn variance(sample: &Sample, residual: &[f64], which: Variance) -> Option<(DMatrix<f64>, Reference)> {
    variance_on(sample, &sample.basis, residual, which)
}

/// As [`variance`], for coefficients on orthonormal columns that take the place of the basis: those of a first stage, or
/// of filtered data.
pub(crate) fn variance_on(
    sample: &Sample,
    basis: &[Vec<f64>],
    residual: &[f64],
    which: Variance,
) -> Option<(DMatrix<f64>, Reference)> {
    let (n, p) = (sample.units, basis.len());
    let counts = &sample.counts;
    let rows = counts.rows as f64;
    let df = rows - p as f64 - counts.dummies as f64;
    let effects = sample.problem.fixed_effects;
    let by_unit = || products_of(basis.iter().map(|b| panel::unit_products(b, residual, n)).collect());
    let of_periods = |b: &[f64]| b.chunks_exact(n).zip(residual.chunks_exact(n)).map(|(b, e)| dot(b, e)).collect();
    let by_time = || products_of(basis.iter().map(|b| of_periods(b)).collect());
    let by_row = || by_row(basis, residual);
    let factor = |g: usize, k: f64| (rows - 1.0) / (rows - k) * g as f64 / (g as f64 - 1.0);
    let own = |count: usize, nested: bool| if nested { 0 } else { count };
    // K counts the effects that are not nested in the clusters, and one constant.
    let k = |unit_nested: bool, time_nested: bool| {
        let extra = match effects {
            FixedEffects::None => 0,
            FixedEffects::Unit => own(counts.units, unit_nested).max(1),
            FixedEffects::Time => own(counts.periods, time_nested).max(1),
            FixedEffects::Both => match (unit_nested, time_nested) {
                (true, true) => 1,
                (true, false) => counts.periods,
                (false, true) => counts.units,
                (false, false) => counts.dummies,
            },
        };
        (p + extra) as f64
    };
    Some(match which {
        Variance::Iid => {
            let s2 = residual.iter().map(|e| e * e).sum::<f64>() / df;
            (DMatrix::identity(p, p) * s2, Reference::T(df))
        }
        Variance::Robust => (by_row() * (rows / df), Reference::T(df)),
        Variance::ClusterUnit => {
            (by_unit() * factor(counts.units, k(true, false)), Reference::T(counts.units as f64 - 1.0))
        }
        Variance::ClusterTime => {
            (by_time() * factor(counts.periods, k(false, true)), Reference::T(counts.periods as f64 - 1.0))
        }
        Variance::ClusterUnitTime => {
            let pieces = by_unit() + by_time() - by_row();
            let least = counts.units.min(counts.periods);
            (pieces * factor(least, k(true, true)), Reference::T(least as f64 - 1.0))
        }
        Variance::Observed | Variance::Qml => return None,
    })
}

/// `Σ s s'` of the scores of clusters, given column by column.
fn products_of(scores: Vec<Vec<f64>>) -> DMatrix<f64> {
    let columns: Vec<&[f64]> = scores.iter().map(Vec::as_slice).collect();
    cross::gram(&columns)
}

/// `Σ ψψ'` over the rows, a stretch of them at a time.
fn by_row(basis: &[Vec<f64>], residual: &[f64]) -> DMatrix<f64> {
    let mut sum = DMatrix::zeros(basis.len(), basis.len());
    for (block, e) in residual.chunks(ROWS).enumerate() {
        let first = block * ROWS;
        let score = |b: &Vec<f64>| b[first..first + e.len()].iter().zip(e).map(|(b, e)| b * e).collect();
        sum += products_of(basis.iter().map(score).collect());
    }
    sum
}

/// A variance matrix fit for use.
pub(crate) struct Sound {
    /// Symmetric; NaN in the rows and columns of parameters without a variance.
    pub vcov: DMatrix<f64>,
    pub remark: Option<Remark>,
}

/// Eigenvalues below this share of the largest are negative and not rounding.
const NEGATIVE: f64 = 1e-10;
/// Parameters have no standard error where setting negative eigenvalues to zero makes up this share of their variance.
const MOVED: f64 = 0.01;
/// Variances below this share of the homoskedastic ones are rounding: the scores of every cluster sum to zero.
const ROUNDING: f64 = 1e-24;

/// The variance matrix of the slopes with its negative eigenvalues set to zero (methods C.11: pieces of two-way clusters
/// are subtracted), and which parameters have no variance by that or because theirs is zero. `homoskedastic` are the
/// variances of iid errors: by them parameters are scaled, so that the units of a regressor change nothing.
pub(crate) fn sound(vcov: DMatrix<f64>, homoskedastic: &DVector<f64>) -> Sound {
    let vcov = (&vcov + vcov.transpose()) * 0.5;
    let p = vcov.nrows();
    let scale = homoskedastic.map(f64::sqrt);
    let scaled = DMatrix::from_fn(p, p, |i, j| vcov[(i, j)] / (scale[i] * scale[j]));
    if p == 0 || !scaled.iter().all(|v| v.is_finite()) {
        return Sound { vcov, remark: None };
    }
    let eigen = scaled.clone().symmetric_eigen();
    let largest = eigen.eigenvalues.amax();
    let is_negative = eigen.eigenvalues.iter().any(|v| *v < -NEGATIVE * largest);
    let mut repaired = scaled.clone();
    if is_negative {
        let kept = DMatrix::from_diagonal(&eigen.eigenvalues.map(|v| v.max(0.0)));
        repaired = &eigen.eigenvectors * kept * eigen.eigenvectors.transpose();
    }
    let bare = |j: &usize| {
        let (was, is) = (scaled[(*j, *j)], repaired[(*j, *j)]);
        is <= ROUNDING || is - was > MOVED * is
    };
    let parameters: Vec<usize> = (0..p).filter(bare).collect();
    let mut out =
        if is_negative { DMatrix::from_fn(p, p, |i, j| repaired[(i, j)] * scale[i] * scale[j]) } else { vcov };
    for &j in &parameters {
        out.row_mut(j).fill(f64::NAN);
        out.column_mut(j).fill(f64::NAN);
    }
    let remark = match (is_negative, parameters.is_empty()) {
        (true, _) => Some(Remark::RepairedVariance { parameters }),
        (false, false) => Some(Remark::SingularVariance { parameters }),
        (false, true) => None,
    };
    Sound { vcov: out, remark }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: &[&[f64]]) -> Sound {
        let p = rows.len();
        sound(DMatrix::from_fn(p, p, |i, j| rows[i][j]), &DVector::from_element(p, 1.0))
    }

    #[test]
    fn a_variance_matrix_that_is_positive_definite_stays_as_it_is() {
        let s = of(&[&[2.0, 1.0], &[1.0, 3.0]]);
        assert_eq!((s.vcov, s.remark), (DMatrix::from_row_slice(2, 2, &[2.0, 1.0, 1.0, 3.0]), None));
    }

    #[test]
    fn a_negative_variance_is_no_variance_and_touches_no_other() {
        let s = of(&[&[2.0, 0.0, 1.0], &[0.0, -0.5, 0.0], &[1.0, 0.0, 3.0]]);
        assert_eq!(s.remark, Some(Remark::RepairedVariance { parameters: vec![1] }));
        assert!(s.vcov.row(1).iter().chain(s.vcov.column(1).iter()).all(|v| v.is_nan()));
        assert!((s.vcov[(0, 2)] - 1.0).abs() < 1e-14 && (s.vcov[(2, 2)] - 3.0).abs() < 1e-14);
    }

    #[test]
    fn parameters_that_share_the_negative_direction_are_all_named() {
        // Eigenvalues 3 and −1 on (1, 1) and (1, −1): set to zero, both variances become 1.5 instead of 1.
        let s = of(&[&[1.0, 2.0, 0.0], &[2.0, 1.0, 0.0], &[0.0, 0.0, 4.0]]);
        assert_eq!(s.remark, Some(Remark::RepairedVariance { parameters: vec![0, 1] }));
        assert_eq!(s.vcov[(2, 2)], 4.0);
    }

    #[test]
    fn a_variance_of_rounding_is_no_variance() {
        let s = of(&[&[1.0, 0.0], &[0.0, 1e-31]]);
        assert_eq!(s.remark, Some(Remark::SingularVariance { parameters: vec![1] }));
    }

    #[test]
    fn the_units_of_a_regressor_change_nothing() {
        let (v, products) = ([[1.0, 1.2], [1.2, 1.4]], [1.0, 2.0]);
        let with = |c: [f64; 2]| {
            let vcov = DMatrix::from_fn(2, 2, |i, j| v[i][j] * c[i] * c[j]);
            sound(vcov, &DVector::from_fn(2, |i, _| products[i] * c[i] * c[i]))
        };
        let (one, other) = (with([1.0, 1.0]), with([1.0, 1e4]));
        assert_eq!(one.remark, other.remark);
        for i in 0..2 {
            let (a, b) = (one.vcov[(i, i)], other.vcov[(i, i)] / [1.0, 1e8][i]);
            assert!(a.is_nan() && b.is_nan() || (a - b).abs() < 1e-12 * a, "{a} {b}");
        }
    }
}
