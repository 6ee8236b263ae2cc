//! Values that look beyond their own row: along a unit's time, at its neighbors, at its treatment.

use super::number_at;
use crate::check::spec::{Bin, Column, Function, WeightsUse};
use crate::data::finite::Operation;
use crate::data::keys::PanelIndex;
use crate::data::series::{Series, Value};
use crate::data::time;
use crate::plan::columns::Eval;
use crate::plan::{Reported, Step};

impl Eval<'_, '_> {
    pub(super) fn along_time(&mut self, column: &Column, function: Function, x: &Value, k: f64) -> Step<Value> {
        let rows = self.panel.table.rows();
        let index = self.index()?;
        let k = k as i64;
        let shift = if function == Function::Lead { -k } else { k };
        if function != Function::Cumsum
            && let Err(fault) = time::check_gap(&self.panel.name, &index, shift, &column.text)
        {
            return Err(self.planner.report(fault, column.place.0));
        }
        let series = x.spread(rows);
        if matches!(function, Function::Lag | Function::Lead) {
            return Ok(Value::Column(time::lag(&series, &index, shift)));
        }
        let Series::Numbers(values) = &series else { return Err(Reported) };
        let out = match function {
            Function::Diff => time::diff(values, &index, k),
            Function::Growth => time::growth(values, &index, k),
            _ => time::cumsum(values, &index),
        };
        let out = Value::Column(Series::Numbers(out));
        if function != Function::Growth {
            return Ok(out);
        }
        let before = Value::Column(time::lag(&series, &index, k));
        let subject = format!("lag({}, {k})", column.text);
        self.finite(column, Operation::Divide, &[("the value", x), (&subject, &before)], out)
    }

    /// `W @ x` period by period; missing where a neighbor's value is, or where the neighbor has no row.
    pub(super) fn spatial_lag(&mut self, used: &WeightsUse, of: &Column) -> Step<Value> {
        let x = self.number(of)?;
        let panel = self.panel;
        let index = self.index()?;
        let weights = self.planner.build(used, panel, self.kept)?;
        let here = self.units_here(&index);
        let cells = index.cell_map();
        let mut out = vec![f64::NAN; panel.table.rows()];
        for period in 0..index.periods.len() {
            // Of weights that change, the block of the period.
            let block = if weights.changes() { period * here.len() } else { 0 };
            for (&unit, row) in here.iter().zip(weights.matrix.outer_iterator().skip(block)) {
                let Some(at) = cells.row(unit, period) else { continue };
                out[at] = row
                    .iter()
                    .map(|(k, w)| cells.row(here[k - block], period).map_or(f64::NAN, |r| w * number_at(&x, r)))
                    .sum::<f64>();
            }
        }
        Ok(Value::Column(Series::Numbers(out)))
    }

    /// Struck matrices number the units that stay: these, of those of the panel.
    fn units_here(&self, index: &PanelIndex) -> Vec<usize> {
        (0..index.units.len()).filter(|&u| self.kept.is_none_or(|kept| kept[u])).collect()
    }

    /// 1 of untreated units where the time since the first start among their neighbors lies in the bin; 0 of units no
    /// neighbor of which is ever treated (methods E.2).
    pub(super) fn exposure_time(&mut self, number: usize, bin: Bin, used: &WeightsUse) -> Step<Value> {
        let treatment = self.planner.treatments.get(number).cloned().flatten().ok_or(Reported)?;
        let index = self.index()?;
        let treatment = treatment.on(&index);
        let weights = self.planner.build(used, self.panel, self.kept)?;
        let here = self.units_here(&index);
        let mut first: Vec<Option<i64>> = vec![None; index.units.len()];
        for (&unit, row) in here.iter().zip(weights.matrix.outer_iterator()) {
            let starts = row.iter().filter(|(_, w)| **w > 0.0).filter_map(|(k, _)| treatment.starts[here[k]]);
            first[unit] = starts.min();
        }
        let at = |row: usize| {
            let Some((unit, period)) = index.cell(row) else { return f64::NAN };
            let time = index.periods[period];
            let untreated = treatment.starts[unit].is_none_or(|own| time < own);
            let inside = first[unit].is_some_and(|start| bin.holds(time.saturating_sub(start)));
            f64::from(u8::from(untreated && inside))
        };
        Ok(Value::Column(Series::Numbers((0..self.panel.table.rows()).map(at).collect())))
    }

    /// 1 where the time since the unit's start lies in the bin; 0 of units that are never treated.
    pub(super) fn event_time(&mut self, number: usize, bin: Bin) -> Step<Value> {
        let treatment = self.planner.treatments.get(number).cloned().flatten().ok_or(Reported)?;
        let index = self.index()?;
        let treatment = treatment.on(&index);
        let at = |row: usize| {
            let Some((unit, period)) = index.cell(row) else { return f64::NAN };
            let start = treatment.starts.get(unit).copied().flatten();
            let inside = start.is_some_and(|start| bin.holds(index.periods[period].saturating_sub(start)));
            f64::from(u8::from(inside))
        };
        Ok(Value::Column(Series::Numbers((0..self.panel.table.rows()).map(at).collect())))
    }

    pub(super) fn treatment(&mut self, number: usize) -> Step<Value> {
        let treatment = self.planner.treatments.get(number).cloned().flatten().ok_or(Reported)?;
        let index = self.index()?;
        let treatment = treatment.on(&index);
        let n = index.units.len();
        let values = (0..self.panel.table.rows())
            .map(|row| match index.cell(row) {
                Some((unit, period)) => treatment.treated.get(period * n + unit).copied().unwrap_or(f64::NAN),
                None => f64::NAN,
            })
            .collect();
        Ok(Value::Column(Series::Numbers(values)))
    }
}
