//! Wald's statistic of restrictions and the Hausman statistic: quadratic forms in inverses of variances
//! (methods F.3 and F.4).

use nalgebra::{DMatrix, DVector};

/// A quadratic form with the rank it has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Form {
    pub statistic: f64,
    pub df: usize,
    /// The matrix was not positive definite: a generalized inverse of its rank took the inverse's place.
    pub generalized: bool,
}

/// `r'(GVG')⁻¹r` for restrictions of value `r` with gradient rows `G`; `None` where a gradient vanishes or restrictions
/// repeat each other.
pub fn wald(values: &[f64], gradient: &[Vec<f64>], vcov: &[Vec<f64>]) -> Option<f64> {
    let (q, k) = (values.len(), vcov.len());
    let g = DMatrix::from_fn(q, k, |i, j| gradient[i][j]);
    let v = DMatrix::from_fn(k, k, |i, j| vcov[i][j]);
    // Parameters that no restriction mentions may have no variance.
    let used: Vec<usize> = (0..k).filter(|&j| (0..q).any(|i| g[(i, j)] != 0.0)).collect();
    let g = g.select_columns(&used);
    let v = v.select_columns(&used).select_rows(&used);
    let middle = &g * v * g.transpose();
    let r = DVector::from_column_slice(values);
    let scale: Vec<f64> = (0..q).map(|i| middle[(i, i)].sqrt()).collect();
    if scale.iter().any(|s| s.is_nan() || *s <= 0.0) {
        return None;
    }
    let correlation = DMatrix::from_fn(q, q, |i, j| middle[(i, j)] / (scale[i] * scale[j]));
    let z = DVector::from_fn(q, |i, _| r[i] / scale[i]);
    if correlation.clone().symmetric_eigenvalues().iter().any(|l| l.is_nan() || *l <= 1e-10) {
        return None;
    }
    let factor = correlation.cholesky()?;
    let statistic = z.dot(&factor.solve(&z));
    statistic.is_finite().then_some(statistic)
}

/// `d'(V₁ − V₀)⁻¹d` with `V₁` of the consistent estimator and `V₀` of the efficient one. Where the difference is not
/// positive definite, its positive part is inverted and its rank counts.
pub fn hausman(consistent: &[f64], efficient: &[f64], v1: &[Vec<f64>], v0: &[Vec<f64>]) -> Option<Form> {
    let k = consistent.len();
    let difference = DMatrix::from_fn(k, k, |i, j| v1[i][j] - v0[i][j]);
    let scale: Vec<f64> = (0..k).map(|i| v1[i][i].sqrt()).collect();
    if scale.iter().any(|s| s.is_nan() || *s <= 0.0) || difference.iter().any(|x| !x.is_finite()) {
        return None;
    }
    let scaled = DMatrix::from_fn(k, k, |i, j| 0.5 * (difference[(i, j)] + difference[(j, i)]) / (scale[i] * scale[j]));
    let z = DVector::from_fn(k, |i, _| (consistent[i] - efficient[i]) / scale[i]);
    let eigen = scaled.symmetric_eigen();
    let kept: Vec<usize> = (0..k).filter(|&j| eigen.eigenvalues[j] > 1e-12).collect();
    let along = |j: usize| eigen.eigenvectors.column(j).dot(&z);
    let statistic = kept.iter().map(|&j| along(j).powi(2) / eigen.eigenvalues[j]).sum();
    Some(Form { statistic, df: kept.len(), generalized: kept.len() < k })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_restriction_is_a_squared_t() {
        let found = wald(&[0.6], &[vec![1.0, 0.0]], &[vec![0.04, 0.01], vec![0.01, 9.0]]).unwrap();
        assert!((found - 9.0).abs() < 1e-12);
    }

    #[test]
    fn restrictions_that_repeat_each_other_have_no_statistic() {
        let v = [vec![1.0, 0.2], vec![0.2, 2.0]];
        assert_eq!(wald(&[1.0, 2.0], &[vec![1.0, 1.0], vec![2.0, 2.0]], &v), None);
    }

    #[test]
    fn a_statistic_does_not_hang_on_units_of_measure() {
        let v = [vec![1.0, 0.3], vec![0.3, 2.0]];
        let plain = wald(&[1.0, -0.5], &[vec![1.0, 0.0], vec![0.0, 1.0]], &v).unwrap();
        let scaled = [vec![1e12, 0.3e6], vec![0.3e6, 2.0]];
        let other = wald(&[1e6, -0.5], &[vec![1.0, 0.0], vec![0.0, 1.0]], &scaled).unwrap();
        assert!((plain - other).abs() < 1e-10 * plain);
    }
}
