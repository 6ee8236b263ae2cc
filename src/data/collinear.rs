//! How much of a column the others explain: variance inflation factors of descriptive tables.

/// What stands for a factor beyond every bound: the column is an exact combination of others.
pub const EXACT: f64 = f64::INFINITY;
/// A column whose residual is less than this share of its own variance is a combination of the columns before it.
const TOLERANCE: f64 = 1e-10;
/// A share of a combination below this is rounding.
const SHARE: f64 = 1e-6;

/// The factor 1/(1 − R²) of each column given all others and a constant; infinite where a column is a combination of
/// others, NaN where it does not vary. Columns are of equal length without missing values.
///
/// The diagonal of the inverse of the correlation matrix (Belsley, Kuh and Welsch 1980). Columns that others determine
/// are taken out first, and those they are combinations of are infinite with them.
pub fn inflation(columns: &[Vec<f64>]) -> Vec<f64> {
    let scaled: Vec<Option<Vec<f64>>> = columns.iter().map(|c| standardized(c)).collect();
    let there: Vec<usize> = (0..columns.len()).filter(|&j| scaled[j].is_some()).collect();
    let x: Vec<&Vec<f64>> = scaled.iter().flatten().collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(u, v)| u * v).sum::<f64>();
    let r: Vec<Vec<f64>> = x.iter().map(|a| x.iter().map(|b| dot(a, b)).collect()).collect();
    let mut out = vec![f64::NAN; columns.len()];
    for (k, factor) in factors(&r).into_iter().enumerate() {
        out[there[k]] = factor;
    }
    out
}

/// Centered and of length one; `None` where it does not vary.
fn standardized(column: &[f64]) -> Option<Vec<f64>> {
    let mean = column.iter().sum::<f64>() / column.len() as f64;
    let centered: Vec<f64> = column.iter().map(|x| x - mean).collect();
    let length = centered.iter().map(|x| x * x).sum::<f64>().sqrt();
    let size = column.iter().map(|x| x.abs()).fold(0.0, f64::max) * (column.len() as f64).sqrt();
    (length > 1e-12 * size && length.is_finite()).then(|| centered.iter().map(|x| x / length).collect())
}

/// Factors from a correlation matrix.
fn factors(r: &[Vec<f64>]) -> Vec<f64> {
    let p = r.len();
    // Columns in order, each kept where those kept before it do not determine it; `l` is the factor of the kept ones.
    let mut kept: Vec<usize> = Vec::new();
    let mut l: Vec<Vec<f64>> = Vec::new();
    let mut determined: Vec<(usize, Vec<f64>)> = Vec::new();
    for j in 0..p {
        let row = forward(&l, &kept.iter().map(|&k| r[j][k]).collect::<Vec<_>>());
        let left = r[j][j] - row.iter().map(|v| v * v).sum::<f64>();
        if left > TOLERANCE {
            l.push(row.into_iter().chain([left.sqrt()]).collect());
            kept.push(j);
        } else {
            determined.push((j, backward(&l, row)));
        }
    }
    let mut out = vec![EXACT; p];
    for (k, &j) in kept.iter().enumerate() {
        let mut unit = vec![0.0; kept.len()];
        unit[k] = 1.0;
        out[j] = forward(&l, &unit).iter().map(|v| v * v).sum();
    }
    for (_, shares) in &determined {
        for (k, share) in shares.iter().enumerate().filter(|(_, s)| s.abs() > SHARE) {
            debug_assert!(share.is_finite());
            out[kept[k]] = EXACT;
        }
    }
    out
}

/// Solves `L v = b` for a lower triangle given by rows.
fn forward(l: &[Vec<f64>], b: &[f64]) -> Vec<f64> {
    let mut v: Vec<f64> = Vec::with_capacity(b.len());
    for (i, row) in l.iter().enumerate() {
        let before: f64 = row.iter().zip(&v).map(|(a, x)| a * x).sum();
        v.push((b[i] - before) / row[i]);
    }
    v
}

/// Solves `L' v = b`.
fn backward(l: &[Vec<f64>], b: Vec<f64>) -> Vec<f64> {
    let mut v = b;
    for i in (0..v.len()).rev() {
        let after: f64 = (i + 1..v.len()).map(|k| l[k][i] * v[k]).sum();
        v[i] = (v[i] - after) / l[i][i];
    }
    v
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1/(1 − R²) by an explicit regression on a constant and the others: normal equations, Gauss–Jordan.
    fn by_regression(columns: &[Vec<f64>], j: usize) -> f64 {
        let n = columns[0].len();
        let mut x: Vec<Vec<f64>> = vec![vec![1.0; n]];
        x.extend(columns.iter().enumerate().filter(|(k, _)| *k != j).map(|(_, c)| c.clone()));
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(u, v)| u * v).sum::<f64>();
        let y = &columns[j];
        let p = x.len();
        let mut m: Vec<Vec<f64>> = x.iter().map(|a| x.iter().map(|b| dot(a, b)).chain([dot(a, y)]).collect()).collect();
        for i in 0..p {
            let pivot = m[i][i];
            m[i].iter_mut().for_each(|v| *v /= pivot);
            for k in (0..p).filter(|&k| k != i) {
                let share = m[k][i];
                for c in 0..=p {
                    m[k][c] -= share * m[i][c];
                }
            }
        }
        let mean = y.iter().sum::<f64>() / n as f64;
        let rss: f64 = (0..n).map(|t| (y[t] - (0..p).map(|k| m[k][p] * x[k][t]).sum::<f64>()).powi(2)).sum();
        let tss: f64 = y.iter().map(|v| (v - mean).powi(2)).sum();
        tss / rss
    }

    fn columns() -> Vec<Vec<f64>> {
        let wave = |k: f64| (0..17).map(|t| (k * t as f64).sin() + 0.1 * k * t as f64).collect::<Vec<f64>>();
        vec![wave(0.7), wave(1.3), wave(2.9)]
    }

    #[test]
    fn factors_are_those_of_regressions() {
        let columns = columns();
        for (j, factor) in inflation(&columns).into_iter().enumerate() {
            let other = by_regression(&columns, j);
            assert!((factor / other - 1.0).abs() < 1e-9, "{factor} {other}");
        }
    }

    #[test]
    fn exact_combinations_are_infinite_and_others_are_not() {
        let mut columns = columns();
        let sum = columns[0].iter().zip(&columns[2]).map(|(a, b)| 2.0 * a - b + 3.0).collect();
        columns.push(sum);
        columns.push(vec![5.0; 17]);
        let found = inflation(&columns);
        assert_eq!([found[0], found[2], found[3]], [EXACT; 3]);
        assert!(found[1].is_finite() && found[4].is_nan());
        let without: Vec<Vec<f64>> = columns[..3].to_vec();
        assert!((found[1] - inflation(&without)[1]).abs() < 1e-9);
    }

    #[test]
    fn columns_at_right_angles_have_one() {
        let found = inflation(&[vec![1.0, -1.0, 1.0, -1.0], vec![1.0, 1.0, -1.0, -1.0]]);
        assert!(found.iter().all(|f| (f - 1.0).abs() < 1e-12));
    }
}
