//! The two-way estimate as a weighted mean of comparisons of two groups (Goodman-Bacon 2021, *Journal of Econometrics*
//! 225:254–277; methods E.3), and the weight of exposed cells among its controls.

use super::{Sample, StaggeredError, State};
use crate::linalg::panel::demean_both;
use std::collections::BTreeMap;

/// Who is compared with in a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Versus {
    /// Units that are never treated.
    Never,
    /// A group that starts later, before it does.
    Later,
    /// A group that started earlier, treated already.
    Earlier,
    /// Units that were treated from the first period on.
    Always,
}

/// One comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    pub treated: i64,
    /// `None`: the never treated; the always treated go by `Versus`.
    pub control: Option<i64>,
    pub versus: Versus,
    pub weight: f64,
    pub estimate: f64,
}

/// The decomposition: weights sum to one, and the weighted estimates to the two-way estimate.
#[derive(Clone, Debug, PartialEq)]
pub struct Bacon {
    pub estimate: f64,
    pub comparisons: Vec<Comparison>,
}

/// A group of units with one start, by period.
struct Cohort {
    start: i64,
    units: f64,
    /// The number of its first treated period.
    from: usize,
    means: Vec<f64>,
}

impl Cohort {
    /// The mean over periods `a..b`.
    fn mean(&self, a: usize, b: usize) -> f64 {
        self.means[a..b].iter().sum::<f64>() / (b - a) as f64
    }
}

/// # Errors
/// `Unbalanced` where cells are absent, `NothingIdentified` where effects leave nothing of the treatment.
pub fn bacon(sample: &Sample) -> Result<Bacon, StaggeredError> {
    if sample.present.is_some() {
        return Err(StaggeredError::Unbalanced);
    }
    let (n, t) = (sample.units, sample.periods.len());
    let (estimate, _, spread) = two_way(sample)?;
    let mut by_start: BTreeMap<Option<i64>, Vec<usize>> = BTreeMap::new();
    let first = sample.periods.first().copied().unwrap_or(0);
    for (i, start) in sample.starts.iter().enumerate() {
        // Units that are treated throughout are one group.
        by_start.entry(start.map(|g| g.max(first))).or_default().push(i);
    }
    let cohort = |start: i64, units: &[usize]| Cohort {
        start,
        units: units.len() as f64 / n as f64,
        from: sample.periods.iter().position(|p| *p >= start).unwrap_or(t),
        means: (0..t)
            .map(|s| units.iter().map(|&i| sample.outcome[s * n + i]).sum::<f64>() / units.len() as f64)
            .collect(),
    };
    let never = by_start.get(&None).map(|units| cohort(i64::MAX, units));
    let all: Vec<Cohort> = by_start.iter().filter_map(|(g, units)| Some(cohort((*g)?, units))).collect();
    let (always, timed): (Vec<&Cohort>, Vec<&Cohort>) = all.iter().partition(|c| c.from == 0);
    let mut out = Vec::new();
    let mut compare =
        |k: &Cohort, c: &Cohort, control: Option<i64>, versus: Versus, (a, from, b): (usize, usize, usize)| {
            // Periods a..b, the treated group from `from` on; shares of these periods and of the two groups.
            let window = (b - a) as f64 / t as f64;
            let (both, own) = (k.units + c.units, k.units / (k.units + c.units));
            let share = (b - from) as f64 / (b - a) as f64;
            let weight = (both * window).powi(2) * own * (1.0 - own) * share * (1.0 - share) / spread;
            let change = |g: &Cohort| g.mean(from, b) - g.mean(a, from);
            out.push(Comparison { treated: k.start, control, versus, weight, estimate: change(k) - change(c) });
        };
    for k in &timed {
        if let Some(never) = &never {
            compare(k, never, None, Versus::Never, (0, k.from, t));
        }
        always.iter().for_each(|c| compare(k, c, Some(c.start), Versus::Always, (0, k.from, t)));
        for l in &timed {
            match k.start.cmp(&l.start) {
                std::cmp::Ordering::Less => compare(k, l, Some(l.start), Versus::Later, (0, k.from, l.from)),
                std::cmp::Ordering::Greater => compare(k, l, Some(l.start), Versus::Earlier, (l.from, k.from, t)),
                std::cmp::Ordering::Equal => {}
            }
        }
    }
    Ok(Bacon { estimate, comparisons: out })
}

/// The two-way estimate, the treatment off its effects, and its mean square.
fn two_way(sample: &Sample) -> Result<(f64, Vec<f64>, f64), StaggeredError> {
    let (n, t) = (sample.units, sample.periods.len());
    let treated = |r: usize| sample.starts[r % n].is_some_and(|g| g <= sample.periods[r / n]);
    let mut d: Vec<f64> = (0..n * t).map(|r| f64::from(u8::from(treated(r)))).collect();
    demean_both(&mut d, n, t);
    let square: f64 = d.iter().map(|v| v * v).sum();
    if square <= 1e-12 * (n * t) as f64 {
        return Err(StaggeredError::NothingIdentified);
    }
    let estimate = d.iter().zip(&sample.outcome).map(|(d, y)| d * y).sum::<f64>() / square;
    Ok((estimate, d, square / (n * t) as f64))
}

/// The weight of exposed untreated cells in the two-way estimate without spillovers, and their number: a spillover of s
/// on each of them adds s times the weight to the estimate (the bias of methods G.2, S11).
///
/// # Errors
/// As [`bacon`].
pub fn exposed_weight(sample: &Sample) -> Result<(f64, usize), StaggeredError> {
    if sample.present.is_some() {
        return Err(StaggeredError::Unbalanced);
    }
    let n = sample.units;
    let (_, d, square) = two_way(sample)?;
    let total = square * d.len() as f64;
    let exposed = |r: &usize| matches!(sample.state(r % n, sample.periods[r / n]), State::Exposed(_));
    let cells: Vec<usize> = (0..d.len()).filter(exposed).collect();
    Ok((cells.iter().map(|&r| d[r]).sum::<f64>() / total, cells.len()))
}
