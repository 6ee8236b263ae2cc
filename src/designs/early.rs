//! Starts that never were: a model on what was observed before treatment, with every start some periods earlier
//! (methods E.9).

use crate::estimators::{Layout, Problem, Regressor};
use crate::linalg::absorb::Factor;
use crate::linalg::panel::spatial_lag;

/// A problem with its starts moved.
#[derive(Clone, Debug)]
pub struct Early {
    pub problem: Problem,
    /// How many of the first periods are left.
    pub periods: usize,
    /// Unit-periods that take part, and those of them that count as treated now.
    pub cells: usize,
    pub treated: usize,
    /// Units by the number of the period in which they start now.
    pub starts: Vec<(usize, usize)>,
}

/// Why starts cannot be moved so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoom {
    /// So many periods come before the first start, at most the shift or fewer than two.
    Periods(usize),
    /// No unit has a start that moves into the periods that are left, with an untreated period before it.
    Starts(usize),
}

/// The problem before anybody was treated, with every start `shift` periods earlier.
///
/// Least squares keeps each unit's own untreated periods: cells that are treated, or have a treated neighbor by a matrix
/// of the lags, take no part. A likelihood with a spatial parameter needs whole periods: those before the first start.
///
/// # Errors
/// [`NoRoom`].
pub fn early(problem: &Problem, regressor: usize, shift: usize) -> Result<Early, NoRoom> {
    let (n, t) = (problem.units, problem.periods);
    let d = &problem.regressors[regressor].values;
    let start = |i: usize| (0..t).find(|&p| d[p * n + i] > 0.5);
    let starts: Vec<Option<usize>> = (0..n).map(start).collect();
    let first = starts.iter().flatten().min().copied().unwrap_or(t);
    let by_cell = !problem.model.has_lag() && !problem.model.has_error() && problem.time_lags.is_empty();
    let periods = if by_cell { t } else { first };
    if !by_cell && first < 2 {
        return Err(NoRoom::Periods(first));
    }
    let moved: Vec<Option<usize>> = starts.iter().map(|s| s.map(|s| s.saturating_sub(shift))).collect();
    let values: Vec<f64> = (0..n * periods)
        .map(|r| match d[r].is_nan() {
            true => f64::NAN,
            false => f64::from(u8::from(moved[r % n].is_some_and(|s| r / n >= s))),
        })
        .collect();
    let mut out = Problem { periods, treatment: Some(regressor), ..problem.clone() };
    out.outcome.truncate(n * periods);
    out.regressors = problem
        .regressors
        .iter()
        .map(|r| Regressor { values: r.values[..n * periods].to_vec(), lagged: r.lagged })
        .collect();
    out.regressors[regressor].values = values.clone();
    out.present = problem.present.as_ref().map(|p| p[..n * periods].to_vec());
    out.layout = cut(&problem.layout, n, periods);
    if by_cell {
        out.layout.left_out = touched(problem, regressor);
    }
    let takes_part = out.taking_part();
    let here = |r: &usize| takes_part.as_ref().is_none_or(|p| p[*r]);
    let cells = (0..n * periods).filter(here).count();
    let treated = (0..n * periods).filter(here).filter(|&r| values[r] > 0.5).count();
    let before = |i: usize| (0..periods).map(|p| p * n + i).filter(here).any(|r| values[r] < 0.5);
    let now = |i: usize| (0..periods).map(|p| p * n + i).filter(here).find(|&r| values[r] > 0.5);
    let mut counted: Vec<(usize, usize)> = Vec::new();
    for p in (0..n).filter(|&i| before(i)).filter_map(now).map(|r| r / n) {
        match counted.iter_mut().find(|(start, _)| *start == p) {
            Some((_, units)) => *units += 1,
            None => counted.push((p, 1)),
        }
    }
    counted.sort_unstable();
    if counted.is_empty() {
        return Err(NoRoom::Starts(first));
    }
    Ok(Early { problem: out, periods, cells, treated, starts: counted })
}

/// Cells that are treated, or exposed to treated neighbors, or took no part before.
fn touched(problem: &Problem, regressor: usize) -> Vec<bool> {
    let (n, t) = (problem.units, problem.periods);
    let d = &problem.regressors[regressor].values;
    let mut out: Vec<bool> = d.iter().map(|d| *d > 0.5).collect();
    if problem.regressors[regressor].lagged {
        for w in &problem.durbin_weights {
            let exposed = spatial_lag(&w.matrix, d, n, t);
            out.iter_mut().zip(&exposed).for_each(|(o, x)| *o |= *x > 0.0);
        }
    }
    out.iter_mut().zip(&problem.layout.left_out).for_each(|(o, left)| *o |= left);
    out
}

/// The layout of the first periods.
fn cut(layout: &Layout, n: usize, periods: usize) -> Layout {
    let cells = n * periods;
    let head = |x: &[u32]| x[..x.len().min(cells)].to_vec();
    Layout {
        clusters: head(&layout.clusters),
        coordinates: layout.coordinates.clone(),
        times: layout.times[..layout.times.len().min(periods)].to_vec(),
        effects: layout.effects.iter().map(|f| Factor { level: head(&f.level), levels: f.levels }).collect(),
        trends: layout.trends,
        left_out: layout.left_out[..layout.left_out.len().min(cells)].to_vec(),
    }
}
