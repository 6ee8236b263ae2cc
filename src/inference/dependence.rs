//! Dependence left in residuals: across units (Pesaran's CD and its weighted form), over time, and in their variance
//! (methods F.5).
//!
//! Residuals are `N × T`, unit fastest, NaN at absent cells.

use crate::estimators::EstimateError;
use crate::linalg::iterate::dot;
use crate::linalg::probes::rademacher;
use crate::linalg::{cross, panel};
use crate::weights::Weights;

/// Pesaran's CD: `√(2/(N(N−1))) Σ_{i<k} √T_ik ρ̂_ik`, standard normal where residuals of units are independent and no period
/// effects were removed. With gaps `N(N−1)/2` is the number of pairs that have a correlation: three periods in common in
/// which both vary. NaN where no pair has one.
pub fn pesaran(e: &[f64], units: usize, periods: usize) -> f64 {
    if e.iter().all(|v| v.is_finite()) {
        let n = units as f64;
        let z = standardized(e, units, periods);
        return (2.0 * periods as f64 / (n * (n - 1.0))).sqrt() * pairs(&z, units);
    }
    let by_unit = panel::transpose(e, units, periods);
    let of = |i: usize| &by_unit[i * periods..(i + 1) * periods];
    let (mut total, mut pairs) = (0.0, 0usize);
    for i in 0..units {
        for k in i + 1..units {
            if let Some((rho, common)) = correlation(of(i), of(k)) {
                total += (common as f64).sqrt() * rho;
                pairs += 1;
            }
        }
    }
    if pairs > 0 { total / (pairs as f64).sqrt() } else { f64::NAN }
}

/// The same over the pairs that a matrix links only, whichever way: `Σ √T_ik ρ̂_ik / √pairs`; with how many have a
/// correlation.
pub fn local_pesaran(e: &[f64], w: &Weights, periods: usize) -> (f64, usize) {
    let n = w.units();
    let by_unit = panel::transpose(e, n, periods);
    let of = |i: usize| &by_unit[i * periods..(i + 1) * periods];
    let mut links: Vec<(usize, usize)> = w.matrix.iter().map(|(_, (i, k))| (i.min(k), i.max(k))).collect();
    links.sort_unstable();
    links.dedup();
    let found: Vec<f64> = links
        .iter()
        .filter_map(|&(i, k)| correlation(of(i), of(k)))
        .map(|(rho, common)| (common as f64).sqrt() * rho)
        .collect();
    let statistic = if found.is_empty() { f64::NAN } else { found.iter().sum::<f64>() / (found.len() as f64).sqrt() };
    (statistic, found.len())
}

/// What Juodis and Reese (2022) put in CD's place where period effects were removed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weighted {
    /// Every unit's residuals times a random sign: standard normal under independence.
    pub plain: f64,
    /// The same with the large correlations added, which gives it power.
    pub enhanced: f64,
    /// How many pairs were added.
    pub large: usize,
}

/// `CD_W` and its power-enhanced form, with signs drawn by `seed`.
pub fn weighted_pesaran(e: &[f64], units: usize, periods: usize, seed: u64) -> Weighted {
    let (n, t) = (units as f64, periods as f64);
    let mut scales = vec![0.0; units];
    for column in e.chunks_exact(units) {
        scales.iter_mut().zip(column).for_each(|(s, v)| *s += v * v);
    }
    let scales: Vec<f64> = scales.iter().map(|s| (s / t).sqrt()).collect();
    let mut total = 0.0;
    for column in e.chunks_exact(units) {
        let z = |i: usize| rademacher(seed, 0, i as u64) * column[i] / scales[i];
        let (sum, square) = (0..units).map(z).fold((0.0, 0.0), |(s, q), z| (s + z, q + z * z));
        total += 0.5 * (sum * sum - square);
    }
    let plain = (2.0 / (t * n * (n - 1.0))).sqrt() * total;
    let bound = 2.0 * (n.ln() / t).sqrt();
    let (mut added, mut large) = (0.0, 0);
    if bound < 1.0 {
        let by_unit = panel::transpose(&standardized(e, units, periods), units, periods);
        let of = |i: usize| &by_unit[i * periods..(i + 1) * periods];
        for i in 0..units {
            for k in i + 1..units {
                let rho = dot(of(i), of(k)).abs();
                if rho > bound {
                    added += rho;
                    large += 1;
                }
            }
        }
    }
    Weighted { plain, enhanced: plain + added, large }
}

/// Each unit's residuals less their mean, of length one.
fn standardized(e: &[f64], units: usize, periods: usize) -> Vec<f64> {
    let mut z = e.to_vec();
    panel::demean_unit(&mut z, units, periods);
    let mut norms = vec![0.0; units];
    for column in z.chunks_exact(units) {
        norms.iter_mut().zip(column).for_each(|(s, v)| *s += v * v);
    }
    for column in z.chunks_exact_mut(units) {
        column.iter_mut().zip(&norms).for_each(|(v, s)| *v /= s.sqrt());
    }
    z
}

/// `Σ_{i<k} z_i'z_k` of rows of length one.
fn pairs(z: &[f64], units: usize) -> f64 {
    let sums = z.chunks_exact(units).map(|column| panel::sum(column).powi(2)).sum::<f64>();
    0.5 * (sums - units as f64)
}

/// Correlation over common periods, and how many there are; `None` below three, or where one does not vary.
fn correlation(a: &[f64], b: &[f64]) -> Option<(f64, usize)> {
    let common: Vec<(f64, f64)> =
        a.iter().zip(b).filter(|(a, b)| !(a.is_nan() || b.is_nan())).map(|(a, b)| (*a, *b)).collect();
    let m = common.len() as f64;
    if common.len() < 3 {
        return None;
    }
    let (ma, mb) = (common.iter().map(|c| c.0).sum::<f64>() / m, common.iter().map(|c| c.1).sum::<f64>() / m);
    let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
    for (a, b) in &common {
        aa += (a - ma) * (a - ma);
        bb += (b - mb) * (b - mb);
        ab += (a - ma) * (b - mb);
    }
    let rho = ab / (aa * bb).sqrt();
    rho.is_finite().then_some((rho, common.len()))
}

/// The regression of residuals on those of the period before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Serial {
    pub estimate: f64,
    /// What it is without serial correlation: `−1/(T−1)` where unit effects were removed from units of T periods, else zero.
    pub expected: f64,
    /// Clustered by unit.
    pub variance: f64,
    /// Student's t with [`Serial::df`].
    pub statistic: f64,
    /// One less than the units that tell: two periods in a row, and three in all where unit effects were removed.
    pub df: f64,
}

/// Wooldridge's test (2010, 10.5.4): residuals on their lag, clustered by unit.
///
/// The mean of `T_i` cells removed, residuals of variance `σ²(1 − 1/T_i)` have covariance `−σ²/T_i`: the slope of that unit
/// is `δ_i = −1/(T_i − 1)`, whichever of its periods are there, and that of all is `Σ δ_i S_i / Σ S_i` with the sums of squares
/// `S_i = Σ e²_{i,t−1}` of the regression. Scores `Σ_t e_{i,t−1}(e_it − δ_i e_{i,t−1})` have mean zero unit by unit then,
/// whatever the variance of its errors.
pub fn serial(e: &[f64], units: usize, periods: usize, unit_effects: bool) -> Serial {
    let at = |i: usize, t: usize| e[t * units + i];
    // By unit: sums of products and of squares, and its slope.
    let mut of_units = Vec::new();
    for i in 0..units {
        let (mut crossed, mut square, mut pairs) = (0.0, 0.0, 0);
        for (before, now) in (1..periods).map(|t| (at(i, t - 1), at(i, t))) {
            if !(before.is_nan() || now.is_nan()) {
                crossed += before * now;
                square += before * before;
                pairs += 1;
            }
        }
        let cells = (0..periods).filter(|&t| !at(i, t).is_nan()).count();
        if pairs > 0 {
            let slope = if unit_effects { -1.0 / (cells as f64 - 1.0) } else { 0.0 };
            of_units.push((crossed, square, slope, !unit_effects || cells > 2));
        }
    }
    let square: f64 = of_units.iter().map(|u| u.1).sum();
    let estimate = of_units.iter().map(|u| u.0).sum::<f64>() / square;
    let expected = of_units.iter().map(|u| u.2 * u.1).sum::<f64>() / square;
    let scores = of_units.iter().map(|(crossed, own, slope, _)| crossed - (slope + estimate - expected) * own);
    let telling = of_units.iter().filter(|u| u.3).count();
    let df = telling.saturating_sub(1) as f64;
    let variance = scores.map(|s| s * s).sum::<f64>() / (square * square) * (telling as f64 / df);
    // Scores that vanish to rounding, as with two usable periods, and one unit alone have no variance.
    let variance = if variance > 1e-24 && df > 0.0 { variance } else { f64::NAN };
    Serial { estimate, expected, variance, statistic: (estimate - expected) / variance.sqrt(), df }
}

/// Tests that residuals have one variance, and one shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// `Σ_i (σ̂_i² − σ̂²)²/V_i`, chi-squared with N degrees of freedom as T grows; `groups` units entered.
    pub modified_wald: f64,
    /// `R²·NT` of squared residuals on unit means, chi-squared with N − 1.
    pub groupwise: f64,
    pub groups: usize,
    /// Koenker's: `R²·NT` of squared residuals on the regressors, chi-squared with `regressors`.
    pub koenker: f64,
    pub regressors: usize,
    /// Jarque and Bera's, chi-squared with two.
    pub normality: f64,
}

/// Heteroskedasticity by unit and along the regressors, and normality.
///
/// # Errors
/// Regressors that are combinations of each other.
pub fn spread(e: &[f64], units: usize, periods: usize, regressors: &[&[f64]]) -> Result<Spread, EstimateError> {
    let here: Vec<usize> = (0..e.len()).filter(|&i| !e[i].is_nan()).collect();
    let rows = here.len() as f64;
    let moment = |k: i32| here.iter().map(|&i| e[i].powi(k)).sum::<f64>() / rows;
    let sigma2 = moment(2);
    let (mut wald, mut between, mut groups) = (0.0, 0.0, 0);
    for i in 0..units {
        let own: Vec<f64> = (0..periods).map(|t| e[t * units + i]).filter(|v| !v.is_nan()).map(|v| v * v).collect();
        let t = own.len() as f64;
        if own.len() < 2 {
            continue;
        }
        let mean = own.iter().sum::<f64>() / t;
        let v = own.iter().map(|s| (s - mean) * (s - mean)).sum::<f64>() / (t * (t - 1.0));
        wald += (mean - sigma2) * (mean - sigma2) / v;
        between += t * (mean - sigma2) * (mean - sigma2);
        groups += 1;
    }
    let total = here.iter().map(|&i| (e[i] * e[i] - sigma2).powi(2)).sum::<f64>();
    let (explained, count) = explained(e, &here, sigma2, regressors)?;
    let (skew, kurtosis) = (moment(3) / sigma2.powf(1.5), moment(4) / (sigma2 * sigma2));
    Ok(Spread {
        modified_wald: if wald.is_finite() { wald } else { f64::NAN },
        groupwise: rows * between / total,
        groups,
        koenker: rows * explained / total,
        regressors: count,
        normality: rows * (skew * skew / 6.0 + (kurtosis - 3.0).powi(2) / 24.0),
    })
}

/// What regressors with an intercept explain of squared residuals; those that do not vary are left out.
fn explained(e: &[f64], here: &[usize], mean: f64, regressors: &[&[f64]]) -> Result<(f64, usize), EstimateError> {
    let rows = here.len() as f64;
    let squares: Vec<f64> = here.iter().map(|&i| e[i] * e[i] - mean).collect();
    let mut columns = Vec::new();
    for x in regressors {
        let center = here.iter().map(|&i| x[i]).sum::<f64>() / rows;
        let column: Vec<f64> = here.iter().map(|&i| x[i] - center).collect();
        if dot(&column, &column) > 1e-24 * rows * center * center {
            columns.push(column);
        }
    }
    if columns.is_empty() {
        return Ok((f64::NAN, 0));
    }
    cross::orthonormalize(&mut columns)?;
    let explained = columns.iter().map(|c| dot(c, &squares).powi(2)).sum();
    Ok((explained, columns.len()))
}
