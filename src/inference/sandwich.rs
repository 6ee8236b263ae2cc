//! Variance of least-squares coefficients on the orthonormal basis of the design (methods C.11).

use crate::estimators::sample::Sample;
use crate::estimators::{FixedEffects, Reference, Variance};
use nalgebra::{DMatrix, DVector};

/// The variance of the basis coefficients, and the reference distribution; `None` where the estimator does not apply.
pub(crate) fn variance(sample: &Sample, residual: &[f64], which: Variance) -> Option<(DMatrix<f64>, Reference)> {
    let (n, t, p) = (sample.units, sample.periods, sample.slopes());
    let counts = &sample.counts;
    let rows = counts.rows as f64;
    let df = sample.df_residual();
    let effects = sample.problem.fixed_effects;
    let scores = |unit_of: &dyn Fn(usize) -> usize, groups: usize| {
        let mut sums = DMatrix::<f64>::zeros(groups, p);
        for (j, b) in sample.basis.iter().enumerate() {
            for (r, (x, e)) in b.iter().zip(residual).enumerate() {
                sums[(unit_of(r), j)] += x * e;
            }
        }
        sums.transpose() * sums
    };
    let by_unit = || scores(&|r| r % n, n);
    let by_time = || scores(&|r| r / n, t);
    let by_row = || scores(&|r| r, n * t);
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
            (repaired(pieces * factor(least, k(true, true))), Reference::T(least as f64 - 1.0))
        }
        Variance::Observed | Variance::Qml => return None,
    })
}

/// Two-way clusters may leave a matrix that is not positive semi-definite: negative eigenvalues become zero.
fn repaired(matrix: DMatrix<f64>) -> DMatrix<f64> {
    let symmetric = (&matrix + matrix.transpose()) * 0.5;
    let eigen = symmetric.clone().symmetric_eigen();
    if eigen.eigenvalues.iter().all(|v| *v >= 0.0) {
        return symmetric;
    }
    let clipped: DVector<f64> = eigen.eigenvalues.map(|v| v.max(0.0));
    &eigen.eigenvectors * DMatrix::from_diagonal(&clipped) * eigen.eigenvectors.transpose()
}
