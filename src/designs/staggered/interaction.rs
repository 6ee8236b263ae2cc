//! The interaction-weighted event study (Sun and Abraham 2021, *Journal of Econometrics* 225:175–199; methods E.5):
//! one two-way regression with a dummy for every group and period but the last clean one, then means by event time.
//! With exposure the groups of exposed units have dummies of their own, so that none of their dirty cells is compared
//! with.

use super::clustered::{NoSlopes, two_way};
use super::{Control, Effect, Sample, StaggeredError};
use nalgebra::{DMatrix, DVector};

/// A mean of interactions: of one event time, or of all dirty cells.
#[derive(Clone, Debug, PartialEq)]
pub struct Interacted {
    pub effect: Effect,
    pub event_time: i64,
    pub estimate: f64,
    /// Units, and cells, that it averages.
    pub units: usize,
    pub cells: usize,
}

/// The study.
#[derive(Clone, Debug, PartialEq)]
pub struct SunAbraham {
    /// By effect and event time, leads among them.
    pub periods: Vec<Interacted>,
    pub vcov: DMatrix<f64>,
    /// Over all treated cells, and over all exposed ones, each with its variance.
    pub overall: Vec<(Interacted, f64)>,
    pub clusters: usize,
    /// Units without a clean base period, left out.
    pub without_base: Vec<usize>,
    /// The last group, taken as the controls: its first dirty period, from which on periods are left out.
    pub last_as_control: Option<i64>,
}

/// `Never` compares with units that stay clean, `NotYet` with the last group before its start where no unit does.
///
/// # Errors
/// `NoNever`, `NothingIdentified`, `Collinear`, `TooLarge`.
pub fn sun_abraham(sample: &Sample, control: Control, anticipation: i64) -> Result<SunAbraham, StaggeredError> {
    let (mut groups, without_base) = sample.groups(anticipation);
    let mut last = None;
    if sample.never_dirty().is_empty() {
        if control == Control::Never {
            return Err(StaggeredError::NoNever);
        }
        let latest = groups.iter().map(|g| g.dirty).max().ok_or(StaggeredError::NothingIdentified)?;
        groups.retain(|g| g.dirty < latest);
        last = Some(latest);
    }
    let (n, t) = (sample.units, sample.periods.len());
    let mut kept = vec![true; n];
    without_base.iter().for_each(|&i| kept[i] = false);
    let used = |r: usize| {
        sample.is_present(r)
            && kept[r % n]
            && last.is_none_or(|l| sample.periods[r / n].saturating_add(anticipation) < l)
    };
    let marks: Vec<bool> = (0..n * t).map(used).collect();
    let present = marks.contains(&false).then_some(marks.as_slice());
    // One dummy per group and period but its base.
    let mut dummies: Vec<(usize, usize)> = Vec::new();
    for (k, group) in groups.iter().enumerate() {
        let base = sample.base_of(group.dirty, anticipation);
        let seen = (0..t).filter(|&s| Some(s) != base && group.units.iter().any(|&i| marks[s * n + i]));
        dummies.extend(seen.map(|s| (k, s)));
    }
    if !dummies.iter().any(|&(k, s)| groups[k].is_dirty_at(sample.periods[s])) {
        return Err(StaggeredError::NothingIdentified);
    }
    let column = |&(k, s): &(usize, usize)| {
        let mut out = vec![0.0; n * t];
        groups[k].units.iter().filter(|&&i| marks[s * n + i]).for_each(|&i| out[s * n + i] = 1.0);
        out
    };
    let columns: Vec<Vec<f64>> = dummies.iter().map(column).chain(sample.covariates.iter().cloned()).collect();
    let found = two_way(&sample.outcome, columns, present, (n, t), &sample.clusters).map_err(|e| match e {
        NoSlopes::Collinear(at) if at.iter().all(|c| *c >= dummies.len()) => {
            StaggeredError::Collinear { covariates: at.into_iter().map(|c| c - dummies.len()).collect() }
        }
        NoSlopes::Collinear(_) => StaggeredError::NothingIdentified,
        NoSlopes::Other(e) => e,
    })?;
    let size = |&(k, s): &(usize, usize)| groups[k].units.iter().filter(|&&i| marks[s * n + i]).count();
    // The mean of interactions by the share of their cells, which is taken as given.
    let mean = |effect: Effect, event_time: i64, which: &[usize]| {
        let cells: usize = which.iter().map(|&d| size(&dummies[d])).sum();
        let mut weights = DVector::zeros(found.coefficients.len());
        which.iter().for_each(|&d| weights[d] = size(&dummies[d]) as f64 / cells as f64);
        let estimate = which.iter().map(|&d| weights[d] * found.coefficients[d]).sum();
        let mut of: Vec<usize> = which.iter().map(|&d| dummies[d].0).collect();
        of.sort_unstable();
        of.dedup();
        let units = of.into_iter().map(|k| groups[k].units.len()).sum();
        (Interacted { effect, event_time, estimate, units, cells }, weights)
    };
    let key = |&(k, s): &(usize, usize)| groups[k].effect_at(sample.periods[s]);
    let mut keys: Vec<(Effect, i64)> = dummies.iter().map(key).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut periods = Vec::new();
    let mut weights = DMatrix::zeros(found.coefficients.len(), keys.len());
    for (c, wanted) in keys.iter().enumerate() {
        let which: Vec<usize> = (0..dummies.len()).filter(|&d| key(&dummies[d]) == *wanted).collect();
        let (period, own) = mean(wanted.0, wanted.1, &which);
        weights.set_column(c, &own);
        periods.push(period);
    }
    let vcov = weights.transpose() * &found.vcov * &weights;
    let mut overall = Vec::new();
    for effect in [Effect::Direct, Effect::Spillover] {
        let post = |d: &usize| {
            let (k, s) = dummies[*d];
            key(&dummies[*d]).0 == effect && groups[k].is_dirty_at(sample.periods[s])
        };
        let which: Vec<usize> = (0..dummies.len()).filter(post).collect();
        if !which.is_empty() {
            let (average, own) = mean(effect, 0, &which);
            let variance = (own.transpose() * &found.vcov * &own)[0];
            overall.push((average, variance));
        }
    }
    Ok(SunAbraham { periods, vcov, overall, clusters: found.clusters, without_base, last_as_control: last })
}
