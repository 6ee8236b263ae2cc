//! Effects by group and time (Callaway and Sant'Anna 2021, *Journal of Econometrics* 225:200–230; methods E.4).

use super::two_by_two::{Failure, Method, TwoByTwo};
use super::{Effect, Group, Sample, StaggeredError};
use nalgebra::DMatrix;
use rayon::prelude::*;

/// Groups below this have no propensity score (methods E.4).
const SMALL: usize = 5;

/// Who is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Units that stay clean throughout.
    Never,
    /// These and units that are clean so far.
    NotYet,
}

/// The base period of comparisons before the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// The period before.
    Varying,
    /// The last clean one, as after the start.
    Universal,
}

/// How effects are estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    pub control: Control,
    pub method: Method,
    pub base: Base,
    /// Periods before the start in which units may respond already.
    pub anticipation: i64,
}

/// The effect on one group in one period.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupCell {
    /// Its group's place.
    pub group: usize,
    pub time: i64,
    pub base: i64,
    pub effect: Effect,
    pub event_time: i64,
    /// At or after the first dirty period.
    pub post: bool,
    /// Before it, less the periods of anticipation: where nothing is expected.
    pub pre: bool,
    pub estimate: f64,
    pub controls: usize,
}

/// All of them, by group and then by period.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupTime {
    pub groups: Vec<Group>,
    pub cells: Vec<GroupCell>,
    /// Influence functions: one row per unit, one column per cell; the variance is their cross-product over n².
    pub influence: DMatrix<f64>,
    /// Units without a clean base period.
    pub without_base: Vec<usize>,
    /// Cells without a control, left out: start and period.
    pub without_controls: Vec<(Option<i64>, i64)>,
    /// Groups that are too small for a propensity score: outcome regression took its place.
    pub regressed: Vec<usize>,
}

/// # Errors
/// `NoNever`, `NothingIdentified`, `FewControls`, `Collinear`, `NoOverlap`; `Unbalanced` where cells are absent.
pub fn group_time(sample: &Sample, asked: &Asked) -> Result<GroupTime, StaggeredError> {
    if sample.present.is_some() {
        return Err(StaggeredError::Unbalanced);
    }
    if asked.control == Control::Never && sample.never_dirty().is_empty() {
        return Err(StaggeredError::NoNever);
    }
    let (groups, without_base) = sample.groups(asked.anticipation);
    let dirty: Vec<i64> = (0..sample.units).map(|i| sample.dirty_from(i).unwrap_or(i64::MAX)).collect();
    let mut group_of = vec![usize::MAX; sample.units];
    groups.iter().enumerate().for_each(|(k, g)| g.units.iter().for_each(|&i| group_of[i] = k));
    let mut asked_for = Vec::new();
    let mut without_controls = Vec::new();
    for (k, group) in groups.iter().enumerate() {
        let Some(long) = sample.base_of(group.dirty, asked.anticipation) else { continue };
        for (p, &time) in sample.periods.iter().enumerate() {
            let short = time.saturating_add(asked.anticipation) < group.dirty && asked.base == Base::Varying;
            let base = if short { p.checked_sub(1) } else { Some(long) };
            let Some(base) = base.filter(|b| *b != p) else { continue };
            let until = time.max(sample.periods[base]).saturating_add(asked.anticipation);
            let is_control = |i: usize| match asked.control {
                Control::Never => dirty[i] == i64::MAX,
                Control::NotYet => dirty[i] > until && group_of[i] != k,
            };
            let controls: Vec<usize> = (0..sample.units).filter(|&i| is_control(i)).collect();
            match controls.is_empty() {
                true => without_controls.push((group.start, time)),
                false => asked_for.push((k, p, base, controls)),
            }
        }
    }
    let small =
        |k: usize| groups[k].units.len() < SMALL && asked.method != Method::Reg && !sample.covariates.is_empty();
    let compared: Result<Vec<_>, StaggeredError> = asked_for
        .par_iter()
        .map(|(k, p, base, controls)| {
            let method = if small(*k) { Method::Reg } else { asked.method };
            compare(sample, &groups[*k], (*p, *base), controls, method)
        })
        .collect();
    let compared = compared?;
    if !asked_for.iter().any(|(k, p, _, _)| groups[*k].is_dirty_at(sample.periods[*p])) {
        return Err(StaggeredError::NothingIdentified);
    }
    let mut influence = DMatrix::zeros(sample.units, compared.len());
    let mut cells = Vec::with_capacity(compared.len());
    for (c, ((k, p, base, controls), (estimate, own))) in asked_for.iter().zip(compared).enumerate() {
        let (group, time) = (&groups[*k], sample.periods[*p]);
        let (effect, event_time) = group.effect_at(time);
        group.units.iter().chain(controls).zip(own).for_each(|(&i, v)| influence[(i, c)] = v);
        cells.push(GroupCell {
            group: *k,
            time,
            base: sample.periods[*base],
            effect,
            event_time,
            post: group.is_dirty_at(time),
            pre: time.saturating_add(asked.anticipation) < group.dirty,
            estimate,
            controls: controls.len(),
        });
    }
    let regressed = (0..groups.len()).filter(|&k| small(k) && cells.iter().any(|c| c.group == k)).collect();
    Ok(GroupTime { groups, cells, influence, without_base, without_controls, regressed })
}

/// One comparison: the effect, and influences of the group's units and then of the controls, for all units of the sample.
fn compare(
    sample: &Sample,
    group: &Group,
    (period, base): (usize, usize),
    controls: &[usize],
    method: Method,
) -> Result<(f64, Vec<f64>), StaggeredError> {
    let n = sample.units;
    let units: Vec<usize> = group.units.iter().chain(controls).copied().collect();
    let columns = 1 + sample.covariates.len();
    let time = sample.periods[period];
    let start = group.start;
    if columns > 1 && controls.len() < columns {
        return Err(StaggeredError::FewControls { start, time, controls: controls.len(), coefficients: columns });
    }
    let design = DMatrix::from_fn(units.len(), columns, |r, k| match k {
        0 => 1.0,
        _ => sample.covariates[k - 1][base * n + units[r]],
    });
    let change = units.iter().map(|&i| sample.outcome[period * n + i] - sample.outcome[base * n + i]).collect();
    let compared = TwoByTwo { change, design, treated: group.units.len() }.compare(method).map_err(|f| match f {
        Failure::Collinear(columns) => {
            StaggeredError::Collinear { covariates: columns.into_iter().filter_map(|c| c.checked_sub(1)).collect() }
        }
        Failure::NoOverlap(largest) => StaggeredError::NoOverlap { start, time, largest },
    })?;
    let scale = n as f64 / units.len() as f64;
    Ok((compared.estimate, compared.influence.into_iter().map(|v| scale * v).collect()))
}
