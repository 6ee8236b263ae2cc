//! What the cells of a sample have in common beside unit and period: clusters, places, the periods themselves; and what
//! a variance estimator needs of them before anything is estimated.

use super::Sample;
use crate::check::spec::{Column, EffectPart, ModelSpec, Resampling};
use crate::data::keys::PanelIndex;
use crate::data::series::Series;
use crate::estimators::{FixedEffects, Layout, Variance, default_lags};
use crate::fault::{Fault, Level, counted};
use crate::linalg::absorb::{Factor, singletons};
use crate::outcome::Dropped;
use crate::plan::columns::Eval;
use crate::plan::panels::PanelData;
use crate::plan::weights::struck;
use crate::plan::{Planner, Reported, Step, faults};
use std::collections::HashMap;
use std::sync::Arc;

/// The number of a cell's group at cells that are not there.
const NOWHERE: u32 = 0;

/// The layout of a sample, and its variance estimator with every default decided.
pub(super) struct Laid {
    pub layout: Layout,
    pub variance: Variance,
    pub variance_name: String,
    pub notes: Vec<String>,
    /// Rows that effects fit exactly.
    pub left_out: Option<Dropped>,
}

impl Planner<'_> {
    pub(super) fn layout(
        &mut self,
        spec: &ModelSpec,
        panel: &PanelData,
        sample: &Sample,
        index: &PanelIndex,
        cells: &[Option<u32>],
    ) -> Step<Laid> {
        let (n, t) = (index.units.len(), index.periods.len());
        let mut layout = Layout { times: index.periods.clone(), ..Layout::default() };
        let left_out = self.effects(spec, panel, sample, cells, (n, t), &mut layout)?;
        let (mut variance, mut variance_name) = (spec.variance, spec.variance_name.clone());
        let mut notes = Vec::new();
        let place = spec.place.0;
        match spec.variance {
            Variance::ClusterUnit => self.clusters(n, "units", spec)?,
            Variance::ClusterTime => self.clusters(t, "periods", spec)?,
            Variance::ClusterUnitTime => self.clusters(n.min(t), if n <= t { "units" } else { "periods" }, spec)?,
            Variance::ClusterColumn => {
                let Some(column) = &spec.cluster else { return Err(Reported) };
                let (codes, levels) = self.groups(std::slice::from_ref(column), panel, sample, cells)?;
                self.clusters(levels, &format!("values of `{}`", column.text), spec)?;
                notes.extend(self.treated_clusters(spec, panel, sample, cells, &codes, levels));
                layout.clusters = codes;
            }
            Variance::DriscollKraay(lags) => {
                let lags = lags.unwrap_or_else(|| default_lags(t));
                if lags >= t {
                    return Err(self.report(faults::variance_lags(&spec.variance_name, lags, t), place));
                }
                if t < 30 {
                    self.report(faults::few_periods(t), place);
                }
                (variance, variance_name) = (Variance::DriscollKraay(Some(lags)), format!("driscoll_kraay({lags})"));
            }
            Variance::Conley(conley) => {
                if conley.lags >= t.max(1) {
                    return Err(self.report(faults::variance_lags(&spec.variance_name, conley.lags, t), place));
                }
                let Some(coordinates) = &panel.coordinates else { return Err(Reported) };
                let kept = match &sample.kept {
                    Some(kept) => struck(coordinates, kept),
                    None => coordinates.clone(),
                };
                layout.coordinates = Some(Arc::new(kept));
            }
            Variance::Iid | Variance::Observed | Variance::Qml | Variance::Robust => {}
        }
        Ok(Laid { layout, variance, variance_name, notes, left_out })
    }

    /// Effects beyond those of units and periods, trends, and the rows that they fit exactly, which take no part.
    fn effects(
        &mut self,
        spec: &ModelSpec,
        panel: &PanelData,
        sample: &Sample,
        cells: &[Option<u32>],
        (n, t): (usize, usize),
        layout: &mut Layout,
    ) -> Step<Option<Dropped>> {
        if spec.effects.is_empty() && !spec.trends {
            return Ok(None);
        }
        let mut factors = Vec::new();
        let periods = spec.fixed_effects.is_none_or(|fe| fe == FixedEffects::Both);
        if spec.trends || spec.effects.is_empty() {
            factors.push(Factor::units(n, t));
        }
        if spec.effects.is_empty() && periods {
            factors.push(Factor::periods(n, t));
        }
        for used in &spec.effects {
            let columns: Vec<Column> = used
                .parts
                .iter()
                .filter_map(|p| if let EffectPart::Column(c) = p { Some(c.clone()) } else { None })
                .collect();
            let (level, _) = self.groups(&columns, panel, sample, cells)?;
            let (own, of): (usize, fn(usize, usize) -> usize) = match used.parts.as_slice() {
                parts if parts.contains(&EffectPart::Unit) => (n, |r, n| r % n),
                parts if parts.contains(&EffectPart::Time) => (t, |r, n| r / n),
                _ => (1, |_, _| 0),
            };
            let code = |r: usize| u64::from(level[r]) * own as u64 + of(r, n) as u64;
            factors.push(numbered(&|r| cells[r].map(|_| code(r)), n * t));
        }
        layout.effects = factors;
        layout.trends = spec.trends;
        // What a row says of its neighbors' outcomes is not lost where the effects fit it exactly.
        if spec.model.has_lag() {
            return Ok(None);
        }
        let mut mask: Vec<bool> = cells.iter().map(Option::is_some).collect();
        let gone = singletons(&layout.effects, spec.trends, &mut mask);
        if gone.is_empty() {
            return Ok(None);
        }
        layout.left_out = vec![false; n * t];
        gone.iter().for_each(|&r| layout.left_out[r] = true);
        let rows = counted(gone.len(), "row is", "rows are");
        let message =
            format!("{rows} left out: the effects fit them exactly, so that they say nothing about the slopes");
        self.report(Fault::note("durbin::plan::singletons", message), spec.formula_place.0);
        Ok(Some(Dropped { reason: "singletons".into(), rows: gone.len(), units: None, detail: None }))
    }

    /// Few clusters are of note, one is none.
    fn clusters(&mut self, count: usize, kind: &str, spec: &ModelSpec) -> Step<()> {
        if count >= 30 {
            return Ok(());
        }
        let fault = faults::few_clusters(count, kind);
        let error = fault.level == Level::Error;
        // Few clusters are what the wild bootstrap is for.
        if !error && matches!(spec.resampling, Some(Resampling::Wild { .. })) {
            return Ok(());
        }
        self.report(fault, spec.place.0);
        if error { Err(Reported) } else { Ok(()) }
    }

    /// The number, from 0, of the combination of values that each cell has of some columns, and how many there are.
    pub(super) fn groups(
        &mut self,
        columns: &[Column],
        panel: &PanelData,
        sample: &Sample,
        cells: &[Option<u32>],
    ) -> Step<(Vec<u32>, usize)> {
        let mut out = vec![NOWHERE; cells.len()];
        let mut levels = 1;
        for column in columns {
            let value = Eval::new(self, panel, sample.kept.as_deref()).value(column)?;
            let values = value.spread(panel.table.rows());
            let mut known: HashMap<(u32, Key), u32> = HashMap::new();
            for (group, row) in out.iter_mut().zip(cells) {
                let Some(row) = row else { continue };
                let next = known.len() as u32;
                *group = *known.entry((*group, key(&values, *row as usize))).or_insert(next);
            }
            levels = known.len();
        }
        Ok((out, levels))
    }

    /// How many clusters ever have a treated cell: few of them carry the estimate (methods C.11).
    fn treated_clusters(
        &mut self,
        spec: &ModelSpec,
        panel: &PanelData,
        sample: &Sample,
        cells: &[Option<u32>],
        clusters: &[u32],
        count: usize,
    ) -> Option<String> {
        spec.treatment?;
        let term = &spec.terms.first()?.value;
        let value = Eval::new(self, panel, sample.kept.as_deref()).numbers(term).ok()?;
        let Series::Numbers(values) = value.spread(panel.table.rows()) else { return None };
        let mut treated: Vec<u32> = cells
            .iter()
            .zip(clusters)
            .filter(|(row, _)| row.is_some_and(|row| values.get(row as usize).is_some_and(|v| *v > 0.5)))
            .map(|(_, cluster)| *cluster)
            .collect();
        treated.sort_unstable();
        treated.dedup();
        let column = spec.cluster.as_ref().map_or("", |c| c.text.as_str());
        let clusters = counted(count, "cluster", "clusters");
        Some(format!("`{}` is ever on in {} of {clusters} of `{column}`", term.text, treated.len()))
    }
}

/// The codes that occur, numbered in their order: products of many values may be more than there are cells, or numbers.
fn numbered(code: &dyn Fn(usize) -> Option<u64>, cells: usize) -> Factor {
    let mut codes: Vec<u64> = (0..cells).filter_map(code).collect();
    codes.sort_unstable();
    codes.dedup();
    let place = |r: usize| code(r).and_then(|c| codes.binary_search(&c).ok()).map_or(NOWHERE, |k| k as u32);
    Factor { level: (0..cells).map(place).collect(), levels: codes.len().max(1) }
}

/// A value as a group is told by it.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Number(u64),
    Text(String),
    Bool(Option<bool>),
}

fn key(values: &Series, row: usize) -> Key {
    match values {
        // -0 and 0 are one number
        Series::Numbers(v) => Key::Number((v.get(row).copied().unwrap_or(f64::NAN) + 0.0).to_bits()),
        Series::Texts(t) => Key::Text(t.get(row).unwrap_or_default().to_string()),
        Series::Bools(b) => Key::Bool(b.get(row).copied().flatten()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `province:unit` of 70,000 units, each its own province: the product of both is beyond 32 bits.
    #[test]
    fn combinations_count_where_they_occur() {
        let n = 70_000u64;
        let found = numbered(&|r| (r != 5).then_some(r as u64 * n + r as u64), n as usize);
        assert_eq!(found.levels, 69_999);
        assert_eq!((found.level[4], found.level[5], found.level[6], found.level[69_999]), (4, NOWHERE, 5, 69_998));
    }

    #[test]
    fn their_numbers_are_in_the_order_of_their_codes() {
        let codes = [7u64, 3, 7, 5, 3];
        let found = numbered(&|r| Some(codes[r]), 5);
        assert_eq!((found.level, found.levels), (vec![2, 0, 2, 1, 0], 3));
    }
}
