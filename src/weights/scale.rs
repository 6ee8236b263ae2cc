//! Scaling (methods B.4): rows, spectral radius, min-max.

use super::periods::block;
use super::{Scaling, Weights};
use crate::linalg::LinalgError;
use faer::{Mat, Side};

/// Largest matrix whose spectrum is computed densely.
const MOST_DENSE: usize = 2000;

/// Every row sums to one; zero rows stay zero.
pub fn row(a: &Weights) -> Weights {
    let sums = a.row_sums();
    let mut matrix = a.matrix.clone();
    for (i, mut r) in matrix.outer_iterator_mut().enumerate() {
        r.iter_mut().for_each(|(_, v)| *v /= sums[i]);
    }
    let one = |s: &f64| *s == 1.0;
    // √δ makes the row-standardised matrix of a symmetric one symmetric (methods B.6)
    let symmetrizer = match &a.symmetrizer {
        Some(s) if s.iter().all(one) => Some(sums.iter().map(|d| if *d > 0.0 { d.sqrt() } else { 1.0 }).collect()),
        _ => super::is_symmetric(&matrix).then(|| vec![1.0; sums.len()]),
    };
    Weights { matrix, scaling: Scaling::Row, symmetrizer, periods: a.periods }
}

/// Divided by the largest modulus of the eigenvalues.
pub fn spectral(a: &Weights) -> Result<Weights, LinalgError> {
    let radius = spectral_radius(a)?;
    Ok(divided(a, radius, Scaling::Spectral))
}

/// Divided by the smaller of the largest row and the largest column sum (Kelejian & Prucha 2010).
pub fn minmax(a: &Weights) -> Weights {
    let rows = a.row_sums().into_iter().fold(0.0, f64::max);
    let mut columns = vec![0.0; a.units()];
    a.matrix.iter().for_each(|(v, (_, k))| columns[k] += v);
    divided(a, rows.min(columns.into_iter().fold(0.0, f64::max)), Scaling::MinMax)
}

fn divided(a: &Weights, by: f64, scaling: Scaling) -> Weights {
    let matrix = if by > 0.0 { a.matrix.map(|v| v / by) } else { a.matrix.clone() };
    Weights { matrix, scaling, symmetrizer: a.symmetrizer.clone(), periods: a.periods }
}

/// The largest modulus of the eigenvalues, over all periods.
pub fn spectral_radius(a: &Weights) -> Result<f64, LinalgError> {
    if a.changes() {
        return (0..a.periods).try_fold(0.0f64, |most, t| Ok(most.max(spectral_radius(&block(a, t))?)));
    }
    let n = a.units();
    if n > MOST_DENSE {
        return Err(LinalgError::TooLarge { what: "the dense spectrum", bytes: (n as u64).pow(2) * 16 });
    }
    let mut dense = Mat::<f64>::zeros(n, n);
    for (v, (i, k)) in a.matrix.iter() {
        let scale = a.symmetrizer.as_ref().map_or(1.0, |s| s[i] / s[k]);
        dense[(i, k)] = v * scale;
    }
    let moduli: Vec<f64> = if a.symmetrizer.is_some() {
        let values = dense.self_adjoint_eigenvalues(Side::Lower).map_err(|_| LinalgError::NoConvergence)?;
        values.into_iter().map(f64::abs).collect()
    } else {
        let values = dense.eigenvalues().map_err(|_| LinalgError::NoConvergence)?;
        values.into_iter().map(|v| v.re.hypot(v.im)).collect()
    };
    Ok(moduli.into_iter().fold(0.0, f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::from_entries;

    fn path() -> Weights {
        let links = [(0, 1), (1, 0), (1, 2), (2, 1)].map(|(i, k)| (i, k, 1.0));
        Weights::unscaled(from_entries(4, &links))
    }

    #[test]
    fn rows_sum_to_one_but_for_islands() {
        let w = row(&path());
        assert_eq!(w.row_sums(), [1.0, 1.0, 1.0, 0.0]);
        let s = w.symmetrizer.unwrap();
        for (v, (i, k)) in w.matrix.iter() {
            let mirrored = w.matrix.get(k, i).unwrap();
            assert!((s[i] * v / s[k] - s[k] * mirrored / s[i]).abs() < 1e-15);
        }
    }

    #[test]
    fn the_spectral_radius_of_a_path_is_known() {
        assert!((spectral_radius(&path()).unwrap() - 2f64.sqrt()).abs() < 1e-12);
        let w = spectral(&path()).unwrap();
        assert!((spectral_radius(&w).unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(minmax(&path()).matrix.get(0, 1), Some(&0.5));
    }
}
