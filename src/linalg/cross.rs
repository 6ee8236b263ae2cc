//! Columns of a design: cross-products, least squares, rank and conditioning (methods B.7, C.2, C.3).

use super::LinalgError;
use faer::linalg::matmul::triangular::{BlockStructure, matmul as triangular_matmul};
use faer::{Accum, Mat, MatRef, Par};
use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;

/// Rows multiplied at once: one panel of twenty columns stays in the second-level cache.
const PANEL_ROWS: usize = 2048;
/// Panels added up by one task, in order.
const PANELS_PER_TASK: usize = 32;
/// Columns are dependent when what others leave of them is below this share of their norm (methods B.7).
pub const RANK_TOLERANCE: f64 = 1e-9;
/// What is left of a column of equal values after its mean is removed is rounding below this share.
const VANISHED: f64 = 1e-11;
/// Coefficients of a combination below this are rounding.
const COMBINATION_TOLERANCE: f64 = 1e-8;

/// `X'X` of columns of equal length: `gram[(i, j)] = x_i · x_j`.
///
/// Panels of 2,048 rows are multiplied by a matrix kernel and added in a fixed tree, whatever the threads. Columns
/// longer than the shortest are cut.
pub fn gram(columns: &[&[f64]]) -> DMatrix<f64> {
    let k = columns.len();
    let rows = columns.iter().map(|c| c.len()).min().unwrap_or(0);
    let per_task = PANEL_ROWS * PANELS_PER_TASK;
    let tasks: Vec<usize> = (0..rows).step_by(per_task).collect();
    let part = |&first: &usize| gram_of_rows(columns, first, (first + per_task).min(rows));
    let parts: Vec<Mat<f64>> =
        if tasks.len() < 2 { tasks.iter().map(part).collect() } else { tasks.par_iter().map(part).collect() };
    let mut total = Mat::<f64>::zeros(k, k);
    for part in &parts {
        total += part;
    }
    DMatrix::from_fn(k, k, |i, j| total[(i.max(j), i.min(j))])
}

/// The lower triangle of the cross-products of rows `first..last`.
fn gram_of_rows(columns: &[&[f64]], first: usize, last: usize) -> Mat<f64> {
    let k = columns.len();
    let mut sum = Mat::<f64>::zeros(k, k);
    let mut packed = vec![0.0; PANEL_ROWS.min(last - first) * k];
    for start in (first..last).step_by(PANEL_ROWS) {
        let rows = PANEL_ROWS.min(last - start);
        for (target, column) in packed.chunks_exact_mut(rows).zip(columns) {
            target.copy_from_slice(&column[start..start + rows]);
        }
        let panel = MatRef::from_column_major_slice(&packed[..rows * k], rows, k);
        triangular_matmul(
            sum.as_mut(),
            BlockStructure::TriangularLower,
            Accum::Add,
            panel.transpose(),
            BlockStructure::Rectangular,
            panel,
            BlockStructure::Rectangular,
            1.0,
            Par::Seq,
        );
    }
    sum
}

/// Coefficients of the regression of `y` on `columns` by Householder QR of the columns scaled to unit norm.
///
/// # Errors
/// `RankDeficient` by [`rank`]; `Shape` for lengths that differ.
pub fn least_squares(columns: &[&[f64]], y: &[f64]) -> Result<Vec<f64>, LinalgError> {
    if columns.iter().any(|c| c.len() != y.len()) {
        return Err(LinalgError::Shape { what: "columns as long as the outcome" });
    }
    if columns.is_empty() {
        return Ok(Vec::new());
    }
    let triangle = Triangle::of(columns, Some(y));
    triangle.check(RANK_TOLERANCE)?;
    triangle.solve()
}

/// Replaces columns by an orthonormal basis of their span and answers the upper triangle `R`, positive on its diagonal,
/// with `columns = basis · R`.
///
/// `R` is the Cholesky factor of the cross-products where these are well conditioned, else that of a Householder QR panel
/// by panel; a second pass by the Cholesky factor of the basis' own cross-products
/// leaves them orthonormal to rounding (Yamamoto, Nakatsukasa, Yanagisawa & Fukaya 2015).
///
/// # Errors
/// `RankDeficient` by [`rank`]; the columns are left as they were.
pub fn orthonormalize(columns: &mut [Vec<f64>]) -> Result<DMatrix<f64>, LinalgError> {
    let k = columns.len();
    if k == 0 {
        return Ok(DMatrix::zeros(0, 0));
    }
    let first = match well_conditioned(&gram(&views(columns))) {
        Some(r) => r,
        None => {
            let triangle = Triangle::of(&views(columns), None);
            triangle.check(RANK_TOLERANCE)?;
            DMatrix::from_fn(k, k, |i, j| triangle.r[(i, j)] * triangle.norms[j] * triangle.r[(i, i)].signum())
        }
    };
    divide_by(columns, &first);
    let second =
        nalgebra::Cholesky::new(gram(&views(columns))).ok_or(LinalgError::NotPositiveDefinite)?.l().transpose();
    divide_by(columns, &second);
    Ok(second * first)
}

/// `R` with `R'R` the cross-products, when no column scaled to unit norm loses all but a thousandth of it to the others:
/// then the second pass repairs what squaring costs.
fn well_conditioned(gram: &DMatrix<f64>) -> Option<DMatrix<f64>> {
    let norms = gram.diagonal().map(f64::sqrt);
    let scaled = DMatrix::from_fn(gram.nrows(), gram.ncols(), |i, j| gram[(i, j)] / norms[i] / norms[j]);
    let mut r = nalgebra::Cholesky::new(scaled)?.l().transpose();
    if !r.diagonal().iter().all(|d| *d > 1e-3) {
        return None;
    }
    for (j, norm) in norms.iter().enumerate() {
        r.column_mut(j).scale_mut(*norm);
    }
    Some(r)
}

/// `X'y`: one pass over the columns, a stretch of rows at a time.
pub fn against(columns: &[&[f64]], y: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; columns.len()];
    for (block, part) in y.chunks(PANEL_ROWS).enumerate() {
        let first = block * PANEL_ROWS;
        for (sum, column) in sums.iter_mut().zip(columns) {
            *sum += super::iterate::dot(&column[first..first + part.len()], part);
        }
    }
    sums
}

fn views(columns: &[Vec<f64>]) -> Vec<&[f64]> {
    columns.iter().map(Vec::as_slice).collect()
}

/// `X R⁻¹` in place, a stretch of rows at a time.
fn divide_by(columns: &mut [Vec<f64>], r: &DMatrix<f64>) {
    let rows = columns.iter().map(Vec::len).min().unwrap_or(0);
    for first in (0..rows).step_by(PANEL_ROWS) {
        let span = first..(first + PANEL_ROWS).min(rows);
        for j in 0..columns.len() {
            let (before, rest) = columns.split_at_mut(j);
            let target = &mut rest[0][span.clone()];
            for (i, column) in before.iter().enumerate() {
                super::iterate::axpy(-r[(i, j)], &column[span.clone()], target);
            }
            let scale = 1.0 / r[(j, j)];
            target.iter_mut().for_each(|v| *v *= scale);
        }
    }
}

/// Says which columns are combinations of the others.
///
/// Columns are scaled to unit norm and taken in their order; one whose part orthogonal to the earlier independent ones
/// is shorter than `tolerance` is dependent, so that the later of two twins is named. A column of zeros is dependent.
///
/// # Errors
/// `RankDeficient` with the dependent columns, ascending.
pub fn rank(columns: &[&[f64]], tolerance: f64) -> Result<(), LinalgError> {
    if columns.is_empty() {
        return Ok(());
    }
    Triangle::of(columns, None).check(tolerance)
}

/// Columns that removing effects left nothing of: those shorter than `1e-11` times what they were. Their rounding noise
/// would pass for an independent column, so ask this before [`rank`] (methods C.2: time-invariant regressors).
pub fn vanished(columns: &[&[f64]], raw: &[&[f64]]) -> Vec<usize> {
    let gone = |(now, before): (&&[f64], &&[f64])| scaled_norm(now) <= VANISHED * scaled_norm(before);
    columns.iter().zip(raw).enumerate().filter(|(_, pair)| gone(*pair)).map(|(j, _)| j).collect()
}

/// How column `j` is made up of the columns before it that are independent: `(column, coefficient)` in their units, those
/// whose scaled coefficient exceeds 1e-8.
pub fn combination(columns: &[&[f64]], j: usize) -> Vec<(usize, f64)> {
    if j >= columns.len() {
        return Vec::new();
    }
    let triangle = Triangle::of(&columns[..=j], None);
    let dependent = triangle.dependent(RANK_TOLERANCE);
    let basis: Vec<usize> = (0..j).filter(|k| !dependent.contains(k)).collect();
    let (Some(target), true) = (triangle.norms.get(j), triangle.norms[j] > 0.0) else {
        return Vec::new();
    };
    let chosen: Vec<&[f64]> = basis.iter().map(|&k| columns[k]).collect();
    let fit = Triangle::of(&chosen, Some(columns[j])).solve().unwrap_or_default();
    basis
        .iter()
        .zip(&fit)
        .filter(|&(&k, c)| (c * triangle.norms[k] / target).abs() > COMBINATION_TOLERANCE)
        .map(|(&k, &c)| (k, c))
        .collect()
}

/// The triangular factor of unit-norm columns, with a right-hand side carried along.
///
/// Built panel by panel: QR of a stack of the triangle so far and the next rows. Memory is one panel, and the error that
/// of Householder QR on the whole.
struct Triangle {
    r: DMatrix<f64>,
    rhs: Option<DVector<f64>>,
    norms: Vec<f64>,
}

impl Triangle {
    fn of(columns: &[&[f64]], y: Option<&[f64]>) -> Triangle {
        let k = columns.len();
        let rows = columns.iter().map(|c| c.len()).min().unwrap_or_else(|| y.map_or(0, <[f64]>::len));
        let norms: Vec<f64> = columns.iter().map(|c| scaled_norm(c)).collect();
        let width = k + usize::from(y.is_some());
        let mut triangle = DMatrix::<f64>::zeros(width, width);
        let step = PANEL_ROWS.max(4 * width);
        for first in (0..rows).step_by(step) {
            let count = step.min(rows - first);
            let mut stack = Mat::<f64>::zeros(width + count, width);
            for j in 0..width {
                for i in 0..=j {
                    stack[(i, j)] = triangle[(i, j)];
                }
                let (source, scale) = if j < k {
                    (columns[j], if norms[j] > 0.0 { 1.0 / norms[j] } else { 0.0 })
                } else {
                    (y.unwrap_or_default(), 1.0)
                };
                for (i, v) in source[first..first + count].iter().enumerate() {
                    stack[(width + i, j)] = v * scale;
                }
            }
            let r = stack.qr();
            let r = r.thin_R();
            triangle = DMatrix::from_fn(width, width, |i, j| if i <= j { r[(i, j)] } else { 0.0 });
        }
        let rhs = y.map(|_| DVector::from_fn(k, |i, _| triangle[(i, k)]));
        Triangle { r: triangle.view((0, 0), (k, k)).into_owned(), rhs, norms }
    }

    /// Columns that those before them make up, in their order.
    fn dependent(&self, tolerance: f64) -> Vec<usize> {
        let k = self.norms.len();
        // Gram–Schmidt with a second pass on the small triangle, which has all inner products of the columns.
        let mut basis: Vec<DVector<f64>> = Vec::new();
        let mut dependent = Vec::new();
        for j in 0..k {
            let mut left = self.r.column(j).into_owned();
            for _ in 0..2 {
                for q in &basis {
                    let c = q.dot(&left);
                    left.axpy(-c, q, 1.0);
                }
            }
            let size = left.norm();
            if size > tolerance {
                basis.push(left / size);
            } else {
                dependent.push(j);
            }
        }
        dependent
    }

    fn check(&self, tolerance: f64) -> Result<(), LinalgError> {
        let columns = self.dependent(tolerance);
        if columns.is_empty() { Ok(()) } else { Err(LinalgError::RankDeficient { columns }) }
    }

    /// Coefficients in the columns' own units.
    fn solve(&self) -> Result<Vec<f64>, LinalgError> {
        let k = self.norms.len();
        let Some(rhs) = &self.rhs else { return Ok(Vec::new()) };
        let singular = || LinalgError::RankDeficient { columns: self.dependent(RANK_TOLERANCE) };
        let solution = self.r.solve_upper_triangular(rhs).ok_or_else(singular)?;
        Ok((0..k).map(|j| solution[j] / self.norms[j]).collect())
    }
}

/// A column's norm, safe from overflow of the squares.
fn scaled_norm(x: &[f64]) -> f64 {
    let square = super::iterate::dot(x, x);
    // Away from overflow and underflow the plain sum is exact enough.
    if (1e-200..1e200).contains(&square) {
        return square.sqrt();
    }
    let size = x.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    if size == 0.0 || !size.is_finite() {
        return size;
    }
    size * x.iter().map(|v| (v / size) * (v / size)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::{panel, samples};

    use super::views as view;

    #[test]
    fn cross_products_are_inner_products() {
        for rows in [1, 5, 2047, 2048, 2049, 70_000] {
            let columns: Vec<Vec<f64>> = (0..5).map(|k| samples::vector(k, rows)).collect();
            let g = gram(&view(&columns));
            for i in 0..5 {
                for j in 0..5 {
                    let exact: f64 = columns[i].iter().zip(&columns[j]).map(|(a, b)| a * b).sum();
                    assert!((g[(i, j)] - exact).abs() < 1e-13 * rows as f64, "{rows}");
                }
            }
        }
        assert_eq!(gram(&[]).len(), 0);
    }

    #[test]
    fn threads_change_no_bit() {
        let columns: Vec<Vec<f64>> = (0..4).map(|k| samples::vector(k, 300_000)).collect();
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| gram(&view(&columns)))
        };
        assert_eq!(run(1), run(3));
    }

    /// A two-way demeaned Durbin design on 48 units and 17 periods, with columns of very different sizes.
    fn durbin_design() -> (Vec<Vec<f64>>, Vec<f64>) {
        let (n, t) = (48, 17);
        let w = samples::knn(n, 5, 2);
        let raw: Vec<Vec<f64>> = (0..4)
            .map(|k| {
                let size = [1.0, 1e3, 1e-2, 40.0][k];
                samples::vector(10 + k as u64, n * t).iter().map(|v| size * (5.0 + v)).collect()
            })
            .collect();
        let mut design = raw.clone();
        design.extend(panel::spatial_lags(&w, &view(&raw), n, t));
        let mut y = samples::vector(99, n * t);
        for column in design.iter_mut().chain([&mut y]) {
            panel::demean_both(column, n, t);
        }
        (design, y)
    }

    #[test]
    fn an_orthonormal_basis_spans_badly_scaled_and_nearly_dependent_columns() {
        let (mut design, _) = durbin_design();
        let noise = samples::vector(7, design[0].len());
        design.push(design[1].iter().zip(&noise).map(|(a, e)| a + 1e-4 * e).collect());
        let mut basis = design.clone();
        let r = orthonormalize(&mut basis).unwrap();
        let k = design.len();
        assert!((gram(&view(&basis)) - DMatrix::identity(k, k)).abs().max() < 1e-14);
        for (j, column) in design.iter().enumerate() {
            let mut gap = column.clone();
            let terms: Vec<(f64, &[f64])> = (0..=j).map(|i| (-r[(i, j)], basis[i].as_slice())).collect();
            crate::linalg::iterate::combine(&terms, &mut gap);
            assert!(r[(j, j)] > 0.0 && scaled_norm(&gap) < 1e-13 * scaled_norm(column), "{j}");
        }
        basis.push(basis[0].clone());
        assert_eq!(orthonormalize(&mut basis), Err(LinalgError::RankDeficient { columns: vec![k] }));
    }

    #[test]
    fn normal_equations_agree_with_qr_on_a_small_durbin_design() {
        let (design, y) = durbin_design();
        let columns = view(&design);
        let qr = least_squares(&columns, &y).unwrap();
        let inverse = crate::linalg::dense::symmetric_inverse(&gram(&columns)).unwrap();
        let normal = inverse * DVector::from_vec(against(&columns, &y));
        for (a, b) in qr.iter().zip(normal.iter()) {
            assert!((a / b - 1.0).abs() < 1e-9, "{a} {b}");
        }
    }

    #[test]
    fn residuals_of_least_squares_are_orthogonal_to_the_columns() {
        let columns: Vec<Vec<f64>> = (0..6).map(|k| samples::vector(k, 9000)).collect();
        let y = samples::vector(50, 9000);
        let b = least_squares(&view(&columns), &y).unwrap();
        let residual: Vec<f64> = (0..9000).map(|i| y[i] - (0..6).map(|j| columns[j][i] * b[j]).sum::<f64>()).collect();
        assert!(against(&view(&columns), &residual).iter().all(|c| c.abs() < 1e-11));
    }

    #[test]
    fn rank_names_exactly_the_dependent_columns() {
        let mut columns: Vec<Vec<f64>> = (0..4).map(|k| samples::vector(k, 500)).collect();
        assert_eq!(rank(&view(&columns), RANK_TOLERANCE), Ok(()));
        let sum: Vec<f64> = (0..500).map(|i| 1e6 * columns[0][i] - 2e6 * columns[2][i]).collect();
        columns.insert(3, sum);
        columns.push(vec![0.0; 500]);
        columns.push(columns[1].clone());
        let dependent = LinalgError::RankDeficient { columns: vec![3, 5, 6] };
        assert_eq!(rank(&view(&columns), RANK_TOLERANCE), Err(dependent.clone()));
        assert_eq!(least_squares(&view(&columns), &samples::vector(9, 500)), Err(dependent));
        let made_of = combination(&view(&columns), 3);
        assert_eq!(made_of.iter().map(|&(k, _)| k).collect::<Vec<_>>(), [0, 2]);
        assert!((made_of[0].1 / 1e6 - 1.0).abs() < 1e-10 && (made_of[1].1 / -2e6 - 1.0).abs() < 1e-10);
        assert_eq!(combination(&view(&columns), 6).iter().map(|&(k, _)| k).collect::<Vec<_>>(), [1]);
        assert!(combination(&view(&columns), 5).is_empty());
    }

    #[test]
    fn the_tolerance_separates_near_from_exact_dependence() {
        let x = samples::vector(1, 400);
        let noise = samples::vector(2, 400);
        let near: Vec<f64> = x.iter().zip(&noise).map(|(a, e)| a + 1e-6 * e).collect();
        let nearer: Vec<f64> = x.iter().zip(&noise).map(|(a, e)| a + 1e-11 * e).collect();
        assert_eq!(rank(&[&x, &near], RANK_TOLERANCE), Ok(()));
        assert_eq!(rank(&[&x, &nearer], RANK_TOLERANCE), Err(LinalgError::RankDeficient { columns: vec![1] }));
    }

    #[test]
    fn a_time_invariant_column_vanishes_with_the_unit_means() {
        let (n, t) = (40, 12);
        let fixed: Vec<f64> = samples::vector(3, n).iter().map(|v| 1e5 + v / 3.0).collect();
        let raw = [fixed.repeat(t), samples::vector(4, n * t)];
        let mut left = raw.clone();
        left.iter_mut().for_each(|c| panel::demean_unit(c, n, t));
        assert_eq!(vanished(&view(&left), &view(&raw)), [0]);
    }

    #[test]
    fn more_columns_than_rows_are_dependent() {
        let columns: Vec<Vec<f64>> = (0..4).map(|k| samples::vector(k, 2)).collect();
        assert_eq!(rank(&view(&columns), RANK_TOLERANCE), Err(LinalgError::RankDeficient { columns: vec![2, 3] }));
    }
}
