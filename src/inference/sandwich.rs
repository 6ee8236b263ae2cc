//! Variance of least-squares coefficients on the orthonormal basis of the design (methods C.11).

use super::meat::meat;
use crate::estimators::sample::Sample;
use crate::estimators::{EstimateError, Reference, Remark, SmallSample, Variance};
use nalgebra::{DMatrix, DVector};

/// A variance with what its statistics are compared with.
pub(crate) struct Found {
    /// Of the coefficients on the orthonormal basis.
    pub variance: DMatrix<f64>,
    pub reference: Reference,
    pub small_sample: Option<SmallSample>,
}

/// The variance of the basis coefficients; `VarianceNotDefined` where the estimator does not apply.
///
/// Driscoll–Kraay and Conley have no factor for small samples, and residual degrees of freedom (methods C.11).
pub(crate) fn variance(sample: &Sample, residual: &[f64], which: Variance) -> Result<Found, EstimateError> {
    variance_on(sample, &sample.basis, residual, which)
}

/// As [`variance`], for coefficients on orthonormal columns that take the place of the basis: those of a first stage, or
/// of filtered data.
pub(crate) fn variance_on(
    sample: &Sample,
    basis: &[Vec<f64>],
    residual: &[f64],
    which: Variance,
) -> Result<Found, EstimateError> {
    let p = basis.len();
    let df = sample.df_residual() + sample.slopes() as f64 - p as f64;
    if which == Variance::Iid {
        let s2 = residual.iter().map(|e| e * e).sum::<f64>() / df;
        let variance = DMatrix::identity(p, p) * s2;
        return Ok(Found { variance, reference: Reference::T(df), small_sample: None });
    }
    let columns: Vec<&[f64]> = basis.iter().map(Vec::as_slice).collect();
    let meat = meat(&columns, residual, &sample.rows(), which).ok_or(EstimateError::VarianceNotDefined)?;
    let small_sample = small_sample(sample, p, which)?;
    let reference = match small_sample.and_then(|s| s.clusters) {
        Some(g) => Reference::T(g as f64 - 1.0),
        None => Reference::T(df),
    };
    let variance = meat * small_sample.map_or(1.0, |s| s.factor);
    Ok(Found { variance, reference, small_sample })
}

/// `n/(n − K)` for robust errors, `(n − 1)/(n − K) · G/(G − 1)` for clustered ones.
pub(crate) fn small_sample(
    sample: &Sample,
    slopes: usize,
    which: Variance,
) -> Result<Option<SmallSample>, EstimateError> {
    let rows = sample.counts.rows;
    let n = rows as f64;
    let clusters = sample.rows().clusters(which);
    if clusters.is_none() && which != Variance::Robust {
        return Ok(None);
    }
    let k = slopes as f64 + sample.effects_beside(which)? as f64;
    let factor = match clusters {
        Some(g) => (n - 1.0) / (n - k) * g as f64 / (g as f64 - 1.0),
        None => n / (n - k),
    };
    Ok(Some(SmallSample { factor, rows, counted: Some(k), clusters }))
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
///
/// Conley's matrix is not repaired but reported (methods C.11).
pub(crate) fn sound(vcov: DMatrix<f64>, homoskedastic: &DVector<f64>, which: Variance) -> Sound {
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
    let repairs = is_negative && !matches!(which, Variance::Conley(_));
    let mut repaired = scaled.clone();
    if repairs {
        let kept = DMatrix::from_diagonal(&eigen.eigenvalues.map(|v| v.max(0.0)));
        repaired = &eigen.eigenvectors * kept * eigen.eigenvectors.transpose();
    }
    let bare = |j: &usize| {
        let (was, is) = (scaled[(*j, *j)], repaired[(*j, *j)]);
        // written so that a negative variance, which is left as it is, counts
        is <= ROUNDING || is - was > MOVED * is
    };
    let parameters: Vec<usize> = (0..p).filter(bare).collect();
    let mut out = if repairs { DMatrix::from_fn(p, p, |i, j| repaired[(i, j)] * scale[i] * scale[j]) } else { vcov };
    for &j in &parameters {
        out.row_mut(j).fill(f64::NAN);
        out.column_mut(j).fill(f64::NAN);
    }
    let remark = match (is_negative, parameters.is_empty()) {
        (true, _) if !repairs => Some(Remark::IndefiniteVariance { parameters }),
        (true, _) => Some(Remark::RepairedVariance { parameters }),
        (false, false) => Some(Remark::SingularVariance { parameters }),
        (false, true) => None,
    };
    Sound { vcov: out, remark }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimators::{Conley, ConleyKernel};

    fn of(rows: &[&[f64]]) -> Sound {
        let p = rows.len();
        sound(DMatrix::from_fn(p, p, |i, j| rows[i][j]), &DVector::from_element(p, 1.0), Variance::ClusterUnitTime)
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
    fn conleys_matrix_is_reported_and_not_repaired() {
        let v = DMatrix::from_row_slice(3, 3, &[2.0, 0.0, 1.0, 0.0, -0.5, 0.0, 1.0, 0.0, 3.0]);
        let conley = Variance::Conley(Conley { cutoff_km: 1.0, lags: 0, kernel: ConleyKernel::Uniform });
        let s = sound(v, &DVector::from_element(3, 1.0), conley);
        assert_eq!(s.remark, Some(Remark::IndefiniteVariance { parameters: vec![1] }));
        assert_eq!((s.vcov[(0, 0)], s.vcov[(0, 2)], s.vcov[(2, 2)]), (2.0, 1.0, 3.0));
        assert!(s.vcov[(1, 1)].is_nan());
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
            sound(vcov, &DVector::from_fn(2, |i, _| products[i] * c[i] * c[i]), Variance::Iid)
        };
        let (one, other) = (with([1.0, 1.0]), with([1.0, 1e4]));
        assert_eq!(one.remark, other.remark);
        for i in 0..2 {
            let (a, b) = (one.vcov[(i, i)], other.vcov[(i, i)] / [1.0, 1e8][i]);
            assert!(a.is_nan() && b.is_nan() || (a - b).abs() < 1e-12 * a, "{a} {b}");
        }
    }
}
