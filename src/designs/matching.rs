//! Difference in differences on units matched by a propensity score (methods E.8): a logit of being treated on what
//! units were like before anybody was, weights of controls, balance, and the weighted two-way estimate.

use super::logit::{NoLogit, logit};
use super::staggered::Sample;
use crate::linalg::dense::{dependent, symmetric_inverse};
use nalgebra::{DMatrix, DVector};
use thiserror::Error;

/// How controls are chosen for a treated unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Matching {
    /// The nearest so many; without replacement the treated choose in the order of their score, the highest first.
    Nearest { neighbors: usize, replacement: bool },
    /// All within the caliper, alike.
    Radius,
    /// All within the bandwidth, by an Epanechnikov kernel of the distance of scores.
    Kernel { bandwidth: f64 },
}

/// How far apart a pair may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Caliper {
    None,
    /// 0.2 standard deviations of the log odds (Austin 2011).
    OfLogOdds,
    /// In scores.
    OfScores(f64),
}

/// What matching is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asked {
    pub matching: Matching,
    pub caliper: Caliper,
    /// Covariates of the last period before the first start; else their means over all of those.
    pub last_period: bool,
    /// Treated units whose score no control reaches from below and above are left out.
    pub common_support: bool,
    /// Covariates also enter the weighted regression.
    pub adjust: bool,
}

/// Means of one covariate: of the treated, and of controls before and after matching.
#[derive(Clone, Debug, PartialEq)]
pub struct Balance {
    pub treated: [f64; 2],
    pub controls: [f64; 2],
    /// `100 (x̄₁ − x̄₀)/√((s₁² + s₀²)/2)` with the variances before matching.
    pub bias: [f64; 2],
    /// `s₁²/s₀²`.
    pub variance_ratio: [f64; 2],
}

/// The matched sample and the estimate on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Matched {
    /// Candidates: treated units with a period before the first start, and units that stay clean.
    pub scores: Vec<Option<f64>>,
    /// 1 of matched treated units, what matching gives controls, 0 of all others.
    pub weights: Vec<f64>,
    pub off_support: Vec<usize>,
    pub without_match: Vec<usize>,
    pub treated: Vec<usize>,
    pub balance: Vec<Balance>,
    /// Likelihood ratio of the logit against none, before and after matching.
    pub likelihood_ratio: [f64; 2],
    /// Slopes of treatment and covariates, with their variance.
    pub coefficients: Vec<f64>,
    pub vcov: DMatrix<f64>,
    pub clusters: usize,
    pub rows: usize,
    /// Periods behind the covariates.
    pub before: (i64, i64),
}

/// Why there is no matched sample.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum MatchError {
    #[error("no period before the first start")]
    NoPeriodBefore,
    #[error("no control that stays untreated and unexposed")]
    NoControls,
    /// The lowest score of the treated, the highest of controls.
    #[error("scores of the treated from {least} on, of controls up to {largest}")]
    NoOverlap { least: f64, largest: f64 },
    #[error("covariates {covariates:?} are linear combinations of others")]
    Collinear { covariates: Vec<usize> },
    /// Nobody has a match.
    #[error("no treated unit has a match")]
    NoMatch,
}

/// Candidates with their covariates.
struct Candidates {
    units: Vec<usize>,
    /// The first so many are treated.
    treated: usize,
    design: DMatrix<f64>,
    before: (usize, usize),
}

/// Matches and estimates; `starts` of units treated from the first period on must not be among the sample's treated.
///
/// # Errors
/// Every variant of [`MatchError`].
pub fn matched(sample: &Sample, asked: &Asked) -> Result<Matched, MatchError> {
    let candidates = candidates(sample, asked)?;
    let (scores, before_ratio) = scores_of(&candidates, None)?;
    let (m, n) = (candidates.treated, candidates.units.len());
    let (low, high) = scores[m..].iter().fold((f64::INFINITY, 0.0f64), |a, s| (a.0.min(*s), a.1.max(*s)));
    let supported = |k: usize| !asked.common_support || (low <= scores[k] && scores[k] <= high);
    let off_support: Vec<usize> = (0..m).filter(|&k| !supported(k)).map(|k| candidates.units[k]).collect();
    let chosen: Vec<usize> = (0..m).filter(|&k| supported(k)).collect();
    let (weights, without) = weigh(&scores, m, &chosen, asked);
    if weights[..m].iter().all(|w| *w == 0.0) {
        return Err(MatchError::NoMatch);
    }
    let balance = (1..candidates.design.ncols()).map(|c| balance_of(&candidates, &weights, c)).collect();
    // On the matched sample the logit has little left to tell; one that cannot be fitted has no ratio.
    let after_ratio = scores_of(&candidates, Some(&weights)).map_or(f64::NAN, |l| l.1);
    let mut by_unit = vec![0.0; sample.units];
    let mut scored = vec![None; sample.units];
    for k in 0..n {
        by_unit[candidates.units[k]] = weights[k];
        scored[candidates.units[k]] = Some(scores[k]);
    }
    let fit = weighted(sample, &by_unit, asked.adjust)?;
    Ok(Matched {
        scores: scored,
        weights: by_unit,
        off_support,
        without_match: without.into_iter().map(|k| candidates.units[k]).collect(),
        treated: candidates.units[..m].to_vec(),
        balance,
        likelihood_ratio: [before_ratio, after_ratio],
        coefficients: fit.coefficients,
        vcov: fit.vcov,
        clusters: fit.clusters,
        rows: fit.rows,
        before: (sample.periods[candidates.before.0], sample.periods[candidates.before.1]),
    })
}

fn candidates(sample: &Sample, asked: &Asked) -> Result<Candidates, MatchError> {
    let first_period = sample.periods.first().copied().unwrap_or(0);
    let timed = |i: &usize| sample.starts[*i].is_some_and(|g| g > first_period);
    let treated: Vec<usize> = (0..sample.units).filter(timed).collect();
    let first = treated.iter().filter_map(|&i| sample.starts[i]).min().ok_or(MatchError::NoPeriodBefore)?;
    let last = sample.periods.iter().rposition(|p| *p < first).ok_or(MatchError::NoPeriodBefore)?;
    let from = if asked.last_period { last } else { 0 };
    let controls = sample.never_dirty();
    if controls.is_empty() {
        return Err(MatchError::NoControls);
    }
    let units: Vec<usize> = treated.iter().chain(&controls).copied().collect();
    let n = sample.units;
    let mean = |x: &[f64], i: usize| (from..=last).map(|t| x[t * n + i]).sum::<f64>() / (last + 1 - from) as f64;
    let design = DMatrix::from_fn(units.len(), 1 + sample.covariates.len(), |r, c| match c {
        0 => 1.0,
        _ => mean(&sample.covariates[c - 1], units[r]),
    });
    Ok(Candidates { units, treated: treated.len(), design, before: (from, last) })
}

/// Scores, and twice the log-likelihood above that of the share of treated; weights multiply rows.
fn scores_of(c: &Candidates, weights: Option<&[f64]>) -> Result<(Vec<f64>, f64), MatchError> {
    let p = match logit(&c.design, c.treated, weights) {
        Ok(found) => found.probabilities,
        Err(NoLogit::Collinear(columns)) => return Err(collinear(columns)),
        Err(NoLogit::Separated(p)) => return Err(apart(&p, c.treated)),
    };
    let w = |i: usize| weights.map_or(1.0, |w| w[i]);
    let y = |i: usize| f64::from(u8::from(i < c.treated));
    let sure = p.iter().enumerate().map(|(i, p)| if y(i) > 0.5 { *p } else { 1.0 - p }).fold(1.0, f64::min);
    if sure > 0.999 || p.iter().any(|p| !(1e-9..=1.0 - 1e-9).contains(p)) {
        return Err(apart(&p, c.treated));
    }
    let mass: f64 = (0..p.len()).map(w).sum();
    let share = (0..p.len()).map(|i| w(i) * y(i)).sum::<f64>() / mass;
    let log = |q: f64, i: usize| if y(i) > 0.5 { q.ln() } else { (1.0 - q).ln() };
    let ratio = 2.0 * (0..p.len()).filter(|&i| w(i) > 0.0).map(|i| w(i) * (log(p[i], i) - log(share, i))).sum::<f64>();
    Ok((p, ratio))
}

/// Columns of a design without the first, the intercept.
fn collinear(columns: Vec<usize>) -> MatchError {
    MatchError::Collinear { covariates: columns.into_iter().filter_map(|c| c.checked_sub(1)).collect() }
}

/// Scores that do not meet.
fn apart(p: &[f64], treated: usize) -> MatchError {
    let least = p[..treated].iter().copied().fold(1.0, f64::min);
    MatchError::NoOverlap { least, largest: p[treated..].iter().copied().fold(0.0, f64::max) }
}

/// Weights of all candidates from the matches of the chosen treated ones, and those of them without one.
fn weigh(scores: &[f64], treated: usize, chosen: &[usize], asked: &Asked) -> (Vec<f64>, Vec<usize>) {
    let log_odds: Vec<f64> = scores.iter().map(|p| (p / (1.0 - p)).ln()).collect();
    let width = 0.2 * deviation(&log_odds);
    let allowed = |k: usize, c: usize| match asked.caliper {
        Caliper::None => true,
        Caliper::OfScores(width) => (scores[k] - scores[c]).abs() <= width,
        Caliper::OfLogOdds => (log_odds[k] - log_odds[c]).abs() <= width,
    };
    let mut weights = vec![0.0; scores.len()];
    let mut without = Vec::new();
    let mut order = chosen.to_vec();
    let mut free = vec![true; scores.len()];
    if matches!(asked.matching, Matching::Nearest { replacement: false, .. }) {
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
    }
    for &k in &order {
        let distance = |c: usize| (scores[k] - scores[c]).abs();
        let mut found: Vec<(usize, f64)> = match asked.matching {
            Matching::Nearest { neighbors, replacement } => {
                let mut near: Vec<usize> =
                    (treated..scores.len()).filter(|&c| allowed(k, c) && (replacement || free[c])).collect();
                near.sort_by(|a, b| distance(*a).total_cmp(&distance(*b)).then(a.cmp(b)));
                near.into_iter().take(neighbors).map(|c| (c, 1.0)).collect()
            }
            Matching::Radius => (treated..scores.len()).filter(|&c| allowed(k, c)).map(|c| (c, 1.0)).collect(),
            Matching::Kernel { bandwidth } => {
                let kernel = |c: usize| 0.75 * (1.0 - (distance(c) / bandwidth).powi(2));
                let near = (treated..scores.len()).filter(|&c| distance(c) < bandwidth && allowed(k, c));
                near.map(|c| (c, kernel(c))).collect()
            }
        };
        let mass: f64 = found.iter().map(|f| f.1).sum();
        if mass <= 0.0 {
            without.push(k);
            continue;
        }
        weights[k] = 1.0;
        for (c, w) in found.drain(..) {
            weights[c] += w / mass;
            free[c] = false;
        }
    }
    without.sort_unstable();
    (weights, without)
}

fn deviation(x: &[f64]) -> f64 {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    (x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()
}

/// The mean and the variance of a column over rows by weight; the divisor is the mass less its mean weight.
fn moments(x: &DMatrix<f64>, column: usize, weight: &dyn Fn(usize) -> f64) -> (f64, f64) {
    let mass: f64 = (0..x.nrows()).map(weight).sum();
    let squares: f64 = (0..x.nrows()).map(|r| weight(r).powi(2)).sum();
    let mean = (0..x.nrows()).map(|r| weight(r) * x[(r, column)]).sum::<f64>() / mass;
    let spread: f64 = (0..x.nrows()).map(|r| weight(r) * (x[(r, column)] - mean).powi(2)).sum();
    (mean, spread / (mass - squares / mass))
}

fn balance_of(c: &Candidates, weights: &[f64], column: usize) -> Balance {
    let m = c.treated;
    let all = |own: bool| move |r: usize| f64::from(u8::from((r < m) == own));
    let kept = |own: bool| move |r: usize| if (r < m) == own { weights[r] } else { 0.0 };
    let before = [moments(&c.design, column, &all(true)), moments(&c.design, column, &all(false))];
    let after = [moments(&c.design, column, &kept(true)), moments(&c.design, column, &kept(false))];
    let scale = (0.5 * (before[0].1 + before[1].1)).sqrt();
    let bias = |x: [(f64, f64); 2]| 100.0 * (x[0].0 - x[1].0) / scale;
    Balance {
        treated: [before[0].0, after[0].0],
        controls: [before[1].0, after[1].0],
        bias: [bias(before), bias(after)],
        variance_ratio: [before[0].1 / before[1].1, after[0].1 / after[1].1],
    }
}

/// A weighted regression with its clustered variance.
struct Weighted {
    coefficients: Vec<f64>,
    vcov: DMatrix<f64>,
    clusters: usize,
    rows: usize,
}

/// Two-way least squares with a weight per unit: weights are taken as given.
fn weighted(sample: &Sample, weights: &[f64], adjust: bool) -> Result<Weighted, MatchError> {
    let (n, t) = (sample.units, sample.periods.len());
    let mass: f64 = weights.iter().sum();
    let within = |x: &[f64]| -> Vec<f64> {
        let mut out = x.to_vec();
        for i in 0..n {
            let mean = (0..t).map(|s| x[s * n + i]).sum::<f64>() / t as f64;
            (0..t).for_each(|s| out[s * n + i] -= mean);
        }
        for period in out.chunks_exact_mut(n) {
            let mean = period.iter().zip(weights).map(|(v, w)| v * w).sum::<f64>() / mass;
            period.iter_mut().for_each(|v| *v -= mean);
        }
        out
    };
    let treated = |r: usize| sample.starts[r % n].is_some_and(|g| g <= sample.periods[r / n]);
    let d: Vec<f64> = (0..n * t).map(|r| f64::from(u8::from(treated(r)))).collect();
    let mut columns = vec![within(&d)];
    columns.extend(sample.covariates.iter().filter(|_| adjust).map(|x| within(x)));
    let p = columns.len();
    let z = DMatrix::from_vec(n * t, p, columns.concat());
    let y = DVector::from_vec(within(&sample.outcome));
    let mut zw = z.clone();
    zw.row_iter_mut().enumerate().for_each(|(r, mut row)| row *= weights[r % n]);
    let cross = zw.tr_mul(&z);
    let inverse = symmetric_inverse(&cross).map_err(|_| collinear(dependent(&cross)))?;
    let coefficients = &inverse * zw.tr_mul(&y);
    let residuals = y - &z * &coefficients;
    let mut scores = DMatrix::zeros(p, sample.cluster_count());
    for (r, e) in residuals.iter().enumerate() {
        let mut column = scores.column_mut(sample.clusters[r % n] as usize);
        column += zw.row(r).transpose() * *e;
    }
    let kept: Vec<usize> = (0..n).filter(|&i| weights[i] > 0.0).collect();
    let mut seen: Vec<u32> = kept.iter().map(|&i| sample.clusters[i]).collect();
    seen.sort_unstable();
    seen.dedup();
    let (rows, g) = ((kept.len() * t) as f64, seen.len() as f64);
    let factor = (rows - 1.0) / (rows - (p + t) as f64) * g / (g - 1.0);
    let half = inverse * scores;
    Ok(Weighted {
        coefficients: coefficients.iter().copied().collect(),
        vcov: &half * half.transpose() * factor,
        clusters: seen.len(),
        rows: kept.len() * t,
    })
}
