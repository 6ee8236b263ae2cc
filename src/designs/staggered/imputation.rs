//! Imputation (Borusyak, Jaravel and Spiess 2024, *Review of Economic Studies* 91:3253–3285) and two stages (Gardner
//! 2022; Butts 2021 with exposure): outcomes of dirty cells less what clean cells say they would be (methods E.6).

use super::clustered::{NoSlopes, two_way};
use super::untreated::Untreated;
use super::{Sample, StaggeredError, State};
use nalgebra::DMatrix;
use std::collections::BTreeMap;

/// A mean of effects over cells.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub cells: Vec<usize>,
}

/// What stands for the error of a dirty cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Residuals {
    /// Its effect less the mean of its group: cells of one start, one first dirty period and one event time.
    /// Conservative.
    ByGroup,
    /// Its effect less the mean of the target: the residual of the second stage.
    SecondStage,
}

/// Effects of dirty cells, and means of them with their variance.
#[derive(Clone, Debug, PartialEq)]
pub struct Imputed {
    /// By target.
    pub estimates: Vec<f64>,
    pub vcov: DMatrix<f64>,
    /// Effect of every dirty cell that can be imputed; NaN elsewhere.
    pub effects: Vec<f64>,
    /// Dirty cells without a unit effect or a period effect from clean ones, left out.
    pub left_out: Vec<usize>,
}

/// The clean cells: neither treated nor exposed, and not within `anticipation` periods of either.
fn clean_cells(sample: &Sample, anticipation: i64) -> Vec<bool> {
    let n = sample.units;
    (0..n * sample.periods.len())
        .map(|r| {
            let period = sample.periods[r / n];
            let dirty = sample.dirty_from(r % n);
            sample.is_present(r) && dirty.is_none_or(|c| period.saturating_add(anticipation) < c)
        })
        .collect()
}

/// Means of effects over the cells that `targets` picks from those imputed.
///
/// # Errors
/// `NoCleanCells`, `NothingImputable`, `Collinear`.
pub fn imputation(
    sample: &Sample,
    anticipation: i64,
    residuals: Residuals,
    targets: &dyn Fn(&[usize]) -> Vec<Target>,
) -> Result<Imputed, StaggeredError> {
    let n = sample.units;
    let untreated = Untreated::new(sample, clean_cells(sample, anticipation))?;
    let dirty = (0..n * sample.periods.len()).filter(|&r| sample.is_present(r) && !untreated.is_clean(r));
    let (cells, left_out): (Vec<usize>, Vec<usize>) = dirty.partition(|&r| untreated.is_imputable(r));
    if !cells.iter().any(|&r| sample.state(r % n, sample.periods[r / n]) != State::Clean) {
        return Err(StaggeredError::NothingImputable);
    }
    let fitted = untreated.fit();
    let mut effects = vec![f64::NAN; n * sample.periods.len()];
    cells.iter().for_each(|&r| effects[r] = sample.outcome[r] - untreated.value(&fitted, r));
    let targets = targets(&cells);
    let group_means = group_means(sample, &cells, &effects);
    let clusters = sample.cluster_count();
    let mut influence = DMatrix::zeros(clusters, targets.len());
    let mut estimates = Vec::with_capacity(targets.len());
    for (k, target) in targets.iter().enumerate() {
        let share = 1.0 / target.cells.len() as f64;
        let estimate = target.cells.iter().map(|&r| effects[r]).sum::<f64>() * share;
        estimates.push(estimate);
        for &r in &target.cells {
            let mean = match residuals {
                Residuals::ByGroup => group_means[r],
                Residuals::SecondStage => estimate,
            };
            influence[(sample.clusters[r % n] as usize, k)] += share * (effects[r] - mean);
        }
        // The weights of clean outcomes: −X₀(X₀'X₀)⁻¹X₁'w.
        let weights = untreated.solve(target.cells.iter().map(|&r| (r, share)));
        for r in (0..effects.len()).filter(|&r| untreated.is_clean(r)) {
            let residual = sample.outcome[r] - untreated.value(&fitted, r);
            influence[(sample.clusters[r % n] as usize, k)] -= untreated.value(&weights, r) * residual;
        }
    }
    let vcov = influence.tr_mul(&influence);
    Ok(Imputed { estimates, vcov, effects, left_out })
}

/// The mean effect of each cell's group.
fn group_means(sample: &Sample, cells: &[usize], effects: &[f64]) -> Vec<f64> {
    let n = sample.units;
    let key = |r: usize| (sample.starts[r % n], sample.dirty_from(r % n), sample.periods[r / n]);
    let mut sums: BTreeMap<_, (f64, f64)> = BTreeMap::new();
    for &r in cells {
        let sum = sums.entry(key(r)).or_default();
        *sum = (sum.0 + effects[r], sum.1 + 1.0);
    }
    let mut out = vec![f64::NAN; effects.len()];
    for &r in cells {
        if let Some((sum, count)) = sums.get(&key(r)) {
            out[r] = sum / count;
        }
    }
    out
}

/// Effects before the start, from clean cells alone: least squares with dummies of the last event times.
#[derive(Clone, Debug, PartialEq)]
pub struct Leads {
    /// Event time, estimate.
    pub estimates: Vec<(i64, f64)>,
    pub vcov: DMatrix<f64>,
    pub clusters: usize,
    /// Units seen at each event time.
    pub units: Vec<usize>,
}

/// The last `count` event times before the first dirty period (less the periods of anticipation) against those before;
/// `None` where clean cells do not tell any of them apart.
///
/// # Errors
/// `Collinear` of covariates, `TooLarge`.
pub fn leads(sample: &Sample, anticipation: i64, count: usize) -> Result<Option<Leads>, StaggeredError> {
    let n = sample.units;
    let clean = clean_cells(sample, anticipation);
    let event = |r: usize| sample.dirty_from(r % n).map(|c| sample.periods[r / n] - c);
    let wanted = -anticipation - count as i64..=-anticipation - 1;
    let mut times: Vec<i64> =
        (0..clean.len()).filter(|&r| clean[r]).filter_map(event).filter(|e| wanted.contains(e)).collect();
    times.sort_unstable();
    times.dedup();
    while !times.is_empty() {
        let dummy = |e: &i64| -> Vec<f64> {
            (0..clean.len()).map(|r| f64::from(u8::from(clean[r] && event(r) == Some(*e)))).collect()
        };
        let seen =
            |i: usize, e: i64| (0..sample.periods.len()).map(|s| s * n + i).any(|r| clean[r] && event(r) == Some(e));
        let columns: Vec<Vec<f64>> = times.iter().map(dummy).chain(sample.covariates.iter().cloned()).collect();
        match two_way(&sample.outcome, columns, Some(&clean), (n, sample.periods.len()), &sample.clusters) {
            Ok(found) => {
                let k = times.len();
                return Ok(Some(Leads {
                    estimates: times.iter().copied().zip(found.coefficients).collect(),
                    vcov: found.vcov.view((0, 0), (k, k)).into_owned(),
                    clusters: found.clusters,
                    units: times.iter().map(|&e| (0..n).filter(|&i| seen(i, e)).count()).collect(),
                }));
            }
            // The earliest lead has nothing before it to be told from.
            Err(NoSlopes::Collinear(at)) if at.iter().any(|k| *k < times.len()) => drop(times.remove(0)),
            Err(NoSlopes::Collinear(at)) => {
                let covariates = at.into_iter().map(|c| c - times.len()).collect();
                return Err(StaggeredError::Collinear { covariates });
            }
            Err(NoSlopes::Other(e)) => return Err(e),
        }
    }
    Ok(None)
}
