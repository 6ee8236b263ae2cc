//! Averages of group-time effects: overall, by time since the start, by group, by period, with the influence of the
//! estimated shares of groups (Callaway and Sant'Anna 2021, section 3; methods E.4).

use super::{Effect, GroupTime, Sample};
use nalgebra::{DMatrix, DVector};

/// An average with its influence function, one number per unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// Event time, start of the group, or period.
    pub key: i64,
    pub estimate: f64,
    pub influence: Vec<f64>,
    /// Units of the groups it averages.
    pub units: usize,
}

/// The averages of one effect.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregates {
    /// Over all dirty cells, by the share of their groups; `None` where there is none.
    pub simple: Option<Aggregate>,
    /// By event time, leads among them.
    pub dynamic: Vec<Aggregate>,
    pub group: Vec<Aggregate>,
    pub calendar: Vec<Aggregate>,
    /// Means of the event times from 0 on, of the groups by their shares, of the periods.
    pub overall: [Option<Aggregate>; 3],
}

/// The averages of group-time effects. Groups of the spillover go by their first exposed period.
pub fn aggregates(found: &GroupTime, effect: Effect) -> Aggregates {
    let of = |keep: &dyn Fn(usize) -> Option<i64>| -> Vec<Aggregate> {
        let mut keys: Vec<i64> = (0..found.cells.len()).filter_map(keep).collect();
        keys.sort_unstable();
        keys.dedup();
        let cells = |key: i64| (0..found.cells.len()).filter(|&c| keep(c) == Some(key)).collect::<Vec<_>>();
        keys.into_iter().map(|key| average(found, &cells(key), key)).collect()
    };
    let mine = |c: usize| Some(&found.cells[c]).filter(|cell| cell.effect == effect);
    let post = |c: usize| mine(c).filter(|cell| cell.post);
    let group_key = |k: usize| match effect {
        Effect::Direct => found.groups[k].start.unwrap_or(found.groups[k].dirty),
        Effect::Spillover => found.groups[k].dirty,
    };
    let dynamic = of(&|c| mine(c).map(|cell| cell.event_time));
    let group = of(&|c| post(c).map(|cell| group_key(cell.group)));
    let calendar = of(&|c| post(c).map(|cell| cell.time));
    let after: Vec<&Aggregate> = dynamic.iter().filter(|a| a.key >= 0).collect();
    let overall = [mean(&after), by_share(found, &group, &group_key), mean(&calendar.iter().collect::<Vec<_>>())];
    Aggregates { simple: of(&|c| post(c).map(|_| 0)).pop(), dynamic, group, calendar, overall }
}

/// `Σ p θ / Σ p` over cells, p the share of a cell's group among all units.
fn average(found: &GroupTime, cells: &[usize], key: i64) -> Aggregate {
    let n = found.influence.nrows();
    let share = |c: usize| found.groups[found.cells[c].group].units.len() as f64 / n as f64;
    let mass: f64 = cells.iter().map(|&c| share(c)).sum();
    let estimate = cells.iter().map(|&c| share(c) * found.cells[c].estimate).sum::<f64>() / mass;
    let mut influence = vec![0.0; n];
    for &c in cells {
        let weight = share(c) / mass;
        influence.iter_mut().zip(found.influence.column(c).iter()).for_each(|(v, own)| *v += weight * own);
        // Shares are estimated: a unit of the group moves its weight, and that of all others.
        let moved = (found.cells[c].estimate - estimate) / mass;
        influence.iter_mut().for_each(|v| *v -= share(c) * moved);
        found.groups[found.cells[c].group].units.iter().for_each(|&i| influence[i] += moved);
    }
    Aggregate { key, estimate, influence, units: units_of(found, cells) }
}

fn units_of(found: &GroupTime, cells: &[usize]) -> usize {
    let mut groups: Vec<usize> = cells.iter().map(|&c| found.cells[c].group).collect();
    groups.sort_unstable();
    groups.dedup();
    groups.into_iter().map(|k| found.groups[k].units.len()).sum()
}

fn mean(parts: &[&Aggregate]) -> Option<Aggregate> {
    let m = parts.len() as f64;
    let first = parts.first()?;
    let mut influence = vec![0.0; first.influence.len()];
    for part in parts {
        influence.iter_mut().zip(&part.influence).for_each(|(v, own)| *v += own / m);
    }
    let estimate = parts.iter().map(|p| p.estimate).sum::<f64>() / m;
    let units = parts.iter().map(|p| p.units).max().unwrap_or(0);
    Some(Aggregate { key: 0, estimate, influence, units })
}

/// Groups by their shares, which are estimated.
fn by_share(found: &GroupTime, parts: &[Aggregate], key: &dyn Fn(usize) -> i64) -> Option<Aggregate> {
    let n = found.influence.nrows();
    let members = |part: &Aggregate| -> Vec<usize> {
        let of_key = (0..found.groups.len()).filter(|&k| key(k) == part.key);
        let seen = of_key.filter(|&k| found.cells.iter().any(|c| c.group == k && c.post));
        seen.flat_map(|k| found.groups[k].units.iter().copied()).collect()
    };
    let units: Vec<Vec<usize>> = parts.iter().map(members).collect();
    let mass = units.iter().map(Vec::len).sum::<usize>() as f64 / n as f64;
    parts.first()?;
    let share = |k: usize| units[k].len() as f64 / n as f64;
    let estimate = parts.iter().enumerate().map(|(k, p)| share(k) * p.estimate).sum::<f64>() / mass;
    let mut influence = vec![0.0; n];
    for (k, part) in parts.iter().enumerate() {
        let moved = (part.estimate - estimate) / mass;
        influence.iter_mut().zip(&part.influence).for_each(|(v, own)| *v += share(k) / mass * own - share(k) * moved);
        units[k].iter().for_each(|&i| influence[i] += moved);
    }
    Some(Aggregate { key: 0, estimate, influence, units: units.iter().map(Vec::len).sum() })
}

/// Influence functions summed by cluster: one row per cluster.
pub fn by_cluster(influence: &DMatrix<f64>, clusters: &[u32]) -> DMatrix<f64> {
    let groups = clusters.iter().max().map_or(0, |m| *m as usize + 1);
    let mut out = DMatrix::zeros(groups, influence.ncols());
    for (i, row) in influence.row_iter().enumerate() {
        let mut sum = out.row_mut(clusters[i] as usize);
        sum += row;
    }
    out
}

/// `√(Σ_c (Σ_i ψ_i)²)/n`, the sum within clusters squared.
pub fn standard_error(influence: &[f64], sample: &Sample) -> f64 {
    let mut sums = vec![0.0; sample.cluster_count()];
    influence.iter().zip(&sample.clusters).for_each(|(v, c)| sums[*c as usize] += v);
    sums.iter().map(|s| s * s).sum::<f64>().sqrt() / influence.len() as f64
}

/// `θ'V⁻¹θ`; `None` where V has no inverse to rely on.
pub fn wald(estimates: &[f64], variance: &DMatrix<f64>) -> Option<f64> {
    let k = estimates.len();
    let scale: Vec<f64> = (0..k).map(|i| variance[(i, i)].sqrt()).collect();
    if k == 0 || scale.iter().any(|s| s.is_nan() || *s <= 0.0) {
        return None;
    }
    let correlation = DMatrix::from_fn(k, k, |i, j| variance[(i, j)] / (scale[i] * scale[j]));
    if correlation.clone().symmetric_eigenvalues().iter().any(|l| l.is_nan() || *l <= 1e-9) {
        return None;
    }
    let z = DVector::from_fn(k, |i, _| estimates[i] / scale[i]);
    let statistic = z.dot(&correlation.cholesky()?.solve(&z));
    statistic.is_finite().then_some(statistic)
}
