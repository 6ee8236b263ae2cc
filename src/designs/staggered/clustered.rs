//! Least squares with unit and period effects and errors clustered by groups of units (methods C.11).

use super::StaggeredError;
use crate::linalg::cells::Cells;
use crate::linalg::dense::{dependent, symmetric_inverse};
use crate::linalg::panel::demean_both;
use nalgebra::{DMatrix, DVector};

/// Numbers a design may have.
const MOST_NUMBERS: usize = 400_000_000;
/// Residuals below this share of the outcome are rounding.
const PERFECT: f64 = 1e-11;
/// What is left of a column that others explain, relative to its size.
const EXPLAINED: f64 = 1e-9;

/// A regression's slopes with their variance, small-sample factor included.
pub(super) struct Slopes {
    pub coefficients: Vec<f64>,
    pub vcov: DMatrix<f64>,
    /// G.
    pub clusters: usize,
}

/// Why a regression has no slopes.
pub(super) enum NoSlopes {
    /// These columns are combinations of those before them and of the effects.
    Collinear(Vec<usize>),
    Other(StaggeredError),
}

/// `y` on columns with unit and period effects, over the cells that are there; `clusters` by unit. The factor is
/// `(n − 1)/(n − K) · G/(G − 1)`, K slopes and periods.
pub(super) fn two_way(
    y: &[f64],
    columns: Vec<Vec<f64>>,
    present: Option<&[bool]>,
    (n, t): (usize, usize),
    clusters: &[u32],
) -> Result<Slopes, NoSlopes> {
    let numbers = y.len().saturating_mul(columns.len());
    if numbers > MOST_NUMBERS {
        return Err(NoSlopes::Other(StaggeredError::TooLarge { numbers }));
    }
    let all = vec![true; n * t];
    let there = present.unwrap_or(&all);
    let rows = there.iter().filter(|p| **p).count();
    let cells = Cells::new(there, n, t).map_err(|_| NoSlopes::Other(StaggeredError::NothingIdentified))?;
    let within = |mut x: Vec<f64>| -> Result<Vec<f64>, NoSlopes> {
        if present.is_none() {
            demean_both(&mut x, n, t);
        } else {
            cells.clear(&mut x);
            cells.demean_both(&mut x).map_err(|_| NoSlopes::Other(StaggeredError::NothingIdentified))?;
        }
        Ok(x)
    };
    let size = |x: &[f64]| x.iter().zip(there).filter(|(_, p)| **p).map(|(v, _)| v * v).sum::<f64>();
    let sizes: Vec<f64> = columns.iter().map(|c| size(c)).collect();
    let p = columns.len();
    let mut z = Vec::with_capacity(numbers);
    for column in columns {
        z.extend(within(column)?);
    }
    let z = DMatrix::from_vec(n * t, p, z);
    let absorbed: Vec<usize> =
        (0..p).filter(|&k| z.column(k).norm_squared() <= EXPLAINED * EXPLAINED * sizes[k]).collect();
    if !absorbed.is_empty() {
        return Err(NoSlopes::Collinear(absorbed));
    }
    let y = DVector::from_vec(within(y.to_vec())?);
    let cross = z.tr_mul(&z);
    let inverse = symmetric_inverse(&cross).map_err(|_| NoSlopes::Collinear(explained(&cross)))?;
    let coefficients = &inverse * z.tr_mul(&y);
    let total = y.norm_squared();
    let residuals = y - &z * &coefficients;
    let groups = clusters.iter().max().map_or(0, |m| *m as usize + 1);
    let mut scores = DMatrix::zeros(p, groups);
    for (r, e) in residuals.iter().enumerate().filter(|(r, _)| there[*r]) {
        let mut column = scores.column_mut(clusters[r % n] as usize);
        for k in 0..p {
            column[k] += z[(r, k)] * e;
        }
    }
    let mut known = vec![false; groups];
    there.iter().enumerate().filter(|(_, p)| **p).for_each(|(r, _)| known[clusters[r % n] as usize] = true);
    let seen = known.iter().filter(|k| **k).count() as f64;
    let counted = (p + cells.periods_seen()) as f64;
    let factor = (rows as f64 - 1.0) / (rows as f64 - counted) * seen / (seen - 1.0);
    let half = inverse * scores;
    // Slopes that fit every cell have no errors to judge them by.
    let perfect = residuals.norm_squared() <= PERFECT * PERFECT * total;
    let vcov = &half * half.transpose() * if perfect { f64::NAN } else { factor };
    Ok(Slopes { coefficients: coefficients.iter().copied().collect(), vcov, clusters: seen as usize })
}

/// Columns of cross-products that are combinations of those before them; the last one where none stands out.
pub(super) fn explained(cross: &DMatrix<f64>) -> Vec<usize> {
    match dependent(cross) {
        columns if columns.is_empty() => cross.nrows().checked_sub(1).into_iter().collect(),
        columns => columns,
    }
}
