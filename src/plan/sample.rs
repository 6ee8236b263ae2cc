//! The sample of a model: which rows take part, what is left out and why.

use super::columns::Eval;
use super::panels::PanelData;
use super::{Planner, Reported, Step};
use crate::check::spec::{
    BalancePolicy, Column, ColumnKind, EffectPart, Function, MissingPolicy, ModelSpec, PanelSpec, PanelStep,
};
use crate::data::balance::{check_balanced, drop_unbalanced, is_balanced, nothing_left};
use crate::data::missing::{Used, check_missing, drop_missing};
use crate::data::numbers;
use crate::data::series::{Series, Value};
use crate::diagnostic::Diagnostic;
use crate::fault::{Fault, counted, ticked_list};
use crate::outcome::Dropped;

/// Rows of an estimate, ascending, and what was left out of it.
pub(super) struct Sample {
    pub rows: Vec<u32>,
    pub balanced: bool,
    pub dropped: Vec<Dropped>,
    /// Units of the panel that stay; `None` where all do.
    pub kept: Option<Vec<bool>>,
}

/// A column an estimate uses, with where it stands in the file.
struct Needed {
    name: String,
    column: Option<usize>,
    values: Series,
}

impl Planner<'_> {
    /// Fixes the rows of a model: `where:`, starting values of lags, missing values, balance, islands, in that order.
    pub(super) fn sample(&mut self, spec: &ModelSpec, panel: &PanelData) -> Step<Sample> {
        let declared = &self.spec.panels[spec.panel];
        let place = spec.formula_place.0;
        let (mut rows, undecided) = self.chosen(spec, panel)?;
        let mut dropped = Vec::new();
        let needed = self.needed(spec, panel)?;
        if declared.missing == MissingPolicy::Error {
            self.lost_to_lag(spec, declared, panel, &needed, &mut rows, &mut dropped)?;
        }
        let used: Vec<Used> =
            needed.iter().map(|n| Used { name: &n.name, column: n.column, values: &n.values }).collect();
        match declared.missing {
            MissingPolicy::Error => {
                check_missing(&panel.keys(), &panel.index, &rows, &used).map_err(|f| self.report(f, place))?;
            }
            MissingPolicy::Drop => {
                let kept = drop_missing(&panel.keys(), &panel.index, &rows, &used)
                    .map_err(|f| self.report(f, declared.missing_place.0))?;
                let units = (!kept.units.is_empty()).then_some(kept.units);
                dropped.push(Dropped { reason: "missing".into(), rows: kept.dropped, units, detail: None });
                if let Some(note) = kept.note {
                    self.report(note, declared.missing_place.0);
                }
                rows = kept.rows;
            }
        }
        match declared.balance {
            BalancePolicy::Error => {
                check_balanced(&panel.keys(), &panel.index, &rows).map_err(|f| self.report(f, place))?;
            }
            BalancePolicy::Drop => {
                let kept = drop_unbalanced(&panel.keys(), &panel.index, &rows)
                    .map_err(|f| self.report(f, declared.balance_place.0))?;
                if let Some(note) = kept.note {
                    self.report(note, declared.balance_place.0);
                    let units = Some(kept.units);
                    dropped.push(Dropped { reason: "unbalanced".into(), rows: kept.dropped, units, detail: None });
                }
                rows = kept.rows;
            }
            BalancePolicy::Allow => {}
        }
        dropped.extend(panel.dropped.iter().cloned().chain(undecided));
        self.without_islands(spec, panel, &mut rows, &mut dropped)?;
        let present = present_units(panel, &rows);
        let balanced = is_balanced(&panel.index, &rows);
        let kept = present.iter().any(|k| !k).then_some(present);
        Ok(Sample { rows, balanced, dropped, kept })
    }

    /// Rows that `where:` of the query keeps, and those it leaves out for being missing.
    fn chosen(&mut self, spec: &ModelSpec, panel: &PanelData) -> Step<(Vec<u32>, Option<Dropped>)> {
        let Some(condition) = &spec.condition else { return Ok((panel.rows.clone(), None)) };
        let value = Eval::new(self, panel, None).condition(condition)?;
        let undecided = self.condition_missing(panel, condition, &value, &format!("where: {}", condition.text));
        let holds = |row: u32| match &value {
            Value::Bool(b) => *b,
            Value::Column(Series::Bools(b)) => b.get(row as usize).copied().flatten() == Some(true),
            _ => false,
        };
        let rows: Vec<u32> = panel.rows.iter().copied().filter(|&r| holds(r)).collect();
        if rows.is_empty() {
            let clause = format!("where: {}", condition.text);
            let fault = nothing_left(&panel.name, &clause, panel.rows.len())
                .help("the condition holds for no row: look at its values and their spelling");
            return Err(self.report(fault, condition.place.0));
        }
        Ok((rows, undecided))
    }

    /// The columns of outcome and terms, each with the name under which a missing value is reported.
    fn needed(&mut self, spec: &ModelSpec, panel: &PanelData) -> Step<Vec<Needed>> {
        let mut needed: Vec<Needed> = Vec::new();
        let mut failed = false;
        let parts = spec.columns();
        for (position, part) in parts.enumerate() {
            let mut inner = Vec::new();
            operands(part, &mut inner);
            for column in inner {
                if position > 0 && self.is_text_term(column, panel) {
                    failed = true;
                    continue;
                }
                match self.need(column, panel) {
                    Ok(Some(n)) if !needed.iter().any(|m| m.name == n.name) => needed.push(n),
                    Ok(_) => {}
                    Err(Reported) => failed = true,
                }
            }
        }
        // Groups may be texts.
        let of_effects = spec.effects.iter().flat_map(|e| &e.parts).filter_map(|p| match p {
            EffectPart::Column(column) => Some(column),
            EffectPart::Unit | EffectPart::Time => None,
        });
        for column in of_effects.chain(&spec.cluster) {
            let value = Eval::new(self, panel, None).value(column)?;
            match self.need_of(column, panel, value)? {
                Some(n) if !needed.iter().any(|m| m.name == n.name) => needed.push(n),
                _ => {}
            }
        }
        if failed { Err(Reported) } else { Ok(needed) }
    }

    fn need(&mut self, column: &Column, panel: &PanelData) -> Step<Option<Needed>> {
        let whole = matches!(&column.kind, ColumnKind::Levels(_));
        let value = if whole { Eval::new(self, panel, None).value(column)? } else { self.numeric(column, panel)? };
        self.need_of(column, panel, value)
    }

    fn need_of(&mut self, column: &Column, panel: &PanelData, value: Value) -> Step<Option<Needed>> {
        let values = value.spread(panel.table.rows());
        let name = match &column.kind {
            ColumnKind::Treatment(_)
            | ColumnKind::EventTime { .. }
            | ColumnKind::ExposureTime { .. }
            | ColumnKind::Near { ring: Some(_), .. }
            | ColumnKind::Split { .. }
            | ColumnKind::Number(_) => return Ok(None),
            ColumnKind::Levels(inner) => inner.text.clone(),
            _ => column.text.clone(),
        };
        let file = |name: &str| (!panel.lets.contains_key(name)).then(|| panel.table.column(name)).flatten();
        if let Some(at) = file(&name) {
            return Ok(Some(Needed { name, column: Some(at), values }));
        }
        // A derived value that is missing because a column of the file is: that column is named.
        let gone: Vec<usize> = panel.rows.iter().map(|&r| r as usize).filter(|&r| values.is_missing(r)).collect();
        if gone.is_empty() {
            return Ok(Some(Needed { name, column: None, values }));
        }
        for base in super::columns::names_of(column) {
            let Some(at) = file(&base) else { continue };
            let cell = |r: usize| numbers::is_missing(panel.table.get(r, at), &panel.markers);
            if gone.iter().all(|&r| cell(r)) {
                return Ok(Some(Needed { name: base, column: Some(at), values }));
            }
        }
        Ok(Some(Needed { name, column: None, values }))
    }

    /// The values of a term, which must be numbers.
    pub(super) fn numeric(&mut self, column: &Column, panel: &PanelData) -> Step<Value> {
        Eval::new(self, panel, None).numbers(column)
    }

    /// A text column as a regressor: `text_term`.
    fn is_text_term(&mut self, column: &Column, panel: &PanelData) -> bool {
        let ColumnKind::Name(name) = &column.kind else { return false };
        let texts = match panel.lets.get(name) {
            Some(Value::Column(Series::Texts(t))) => t.clone(),
            Some(_) => return false,
            None => {
                let Some(at) = panel.table.column(name) else { return false };
                let number = |&r: &u32| panel.table.number(r as usize, at).is_some();
                if panel.rows.iter().any(number) || Self::is_number(panel, at) {
                    return false;
                }
                match Series::of_texts(&panel.table, at, &panel.markers) {
                    Series::Texts(t) => t,
                    _ => return false,
                }
            }
        };
        let mut seen: Vec<usize> = panel.rows.iter().filter_map(|&r| texts.code(r as usize)).collect();
        seen.sort_unstable();
        seen.dedup();
        let shown: Vec<&str> = seen.iter().filter_map(|&c| texts.levels().get(c)).map(AsRef::as_ref).collect();
        let message = format!(
            "`{name}` is text with {}: {}",
            counted(seen.len(), "level", "levels"),
            crate::fault::quoted_list(&shown)
        );
        let help = format!("`i({name})` makes one dummy of every level but the first");
        self.say(Diagnostic::error("durbin::plan::text_term", column.place.0, message).help(help));
        true
    }

    /// Leaves out periods that only serve as starting values: `lost_to_lag`.
    fn lost_to_lag(
        &mut self,
        spec: &ModelSpec,
        declared: &PanelSpec,
        panel: &PanelData,
        needed: &[Needed],
        rows: &mut Vec<u32>,
        dropped: &mut Vec<Dropped>,
    ) -> Step<()> {
        let parts = spec.columns();
        let (back, ahead) = parts.map(|c| reach(c, declared)).fold((0, 0), |a, b| (a.0.max(b.0), a.1.max(b.1)));
        let (Some(&first), Some(&last)) = (panel.index.periods.first(), panel.index.periods.last()) else {
            return Ok(());
        };
        if back == 0 && ahead == 0 {
            return Ok(());
        }
        let span = last.saturating_sub(first);
        if back.saturating_add(ahead) > span {
            let k = back.max(ahead);
            let message = format!(
                "a lag of {k} reaches beyond the panel: `{}` has {}",
                panel.name,
                counted(panel.index.periods.len(), "period", "periods")
            );
            let fault = Fault::error("durbin::plan::too_many_lags", message).help("shorten the lag");
            return Err(self.report(fault, spec.formula_place.0));
        }
        let edge = |p: i64| p.saturating_sub(back) < first || p.saturating_add(ahead) > last;
        let gone: Vec<i64> = panel
            .index
            .periods
            .iter()
            .copied()
            .filter(|&p| edge(p))
            .filter(|&p| {
                let mut here = rows.iter().map(|&r| r as usize).filter(|&r| panel.index.period_at(r) == Some(p));
                here.all(|r| needed.iter().any(|n| n.values.is_missing(r)))
            })
            .collect();
        let had = rows.len();
        rows.retain(|&r| panel.index.period_at(r as usize).is_none_or(|p| !gone.contains(&p)));
        if rows.len() == had {
            return Ok(());
        }
        let periods: Vec<String> = gone.iter().map(i64::to_string).collect();
        let message = format!(
            "{} of {} serve as starting values of lags",
            counted(had - rows.len(), "row", "rows"),
            ticked_list(&periods).replace('`', "")
        );
        dropped.push(Dropped {
            reason: "lost to lag".into(),
            rows: had - rows.len(),
            units: None,
            detail: Some(periods.join(", ")),
        });
        self.report(Fault::note("durbin::plan::lost_to_lag", message), spec.formula_place.0);
        Ok(())
    }

    /// Leaves out units that matrices with `islands: drop` leave alone.
    fn without_islands(
        &mut self,
        spec: &ModelSpec,
        panel: &PanelData,
        rows: &mut Vec<u32>,
        dropped: &mut Vec<Dropped>,
    ) -> Step<()> {
        let used: Vec<_> = spec.weights.iter().chain(&spec.lag_weights).chain(&spec.error_weights).collect();
        let mut kept = present_units(panel, rows);
        let before = kept.clone();
        loop {
            let round = kept.clone();
            for matrix in &used {
                self.drop_islands(matrix, panel, &mut kept)?;
            }
            if round == kept {
                break;
            }
        }
        if kept == before {
            return Ok(());
        }
        let names: Vec<String> =
            (0..kept.len()).filter(|&u| before[u] && !kept[u]).map(|u| panel.index.units[u].clone()).collect();
        let had = rows.len();
        rows.retain(|&r| panel.index.cell(r as usize).is_some_and(|(u, _)| kept[u]));
        if rows.is_empty() {
            let fault = nothing_left(&panel.name, "islands: drop", had).help("no unit has a neighbor");
            return Err(self.report(fault, spec.formula_place.0));
        }
        let message =
            format!("`islands: drop` left {} out: {}", counted(names.len(), "unit", "units"), ticked_list(&names));
        self.report(Fault::note("durbin::panel::units_dropped", message), spec.formula_place.0);
        dropped.push(Dropped { reason: "islands".into(), rows: had - rows.len(), units: Some(names), detail: None });
        Ok(())
    }
}

fn present_units(panel: &PanelData, rows: &[u32]) -> Vec<bool> {
    let mut present = vec![false; panel.index.units.len()];
    for &row in rows {
        if let Some((unit, _)) = panel.index.cell(row as usize) {
            present[unit] = true;
        }
    }
    present
}

/// A term, or what its spatial lags are lags of: those are computed once the units are known.
fn operands<'c>(column: &'c Column, out: &mut Vec<&'c Column>) {
    let mut spatial = Vec::new();
    let mut of_matrices_alone = false;
    column.visit(&mut |c| match &c.kind {
        ColumnKind::SpatialLag { of, .. } => spatial.push(of.as_ref()),
        ColumnKind::ExposureTime { .. } => of_matrices_alone = true,
        _ => {}
    });
    if spatial.is_empty() && !of_matrices_alone {
        out.push(column);
    }
    spatial.into_iter().for_each(|of| operands(of, out));
}

/// How many periods an expression looks back and ahead, also through derived columns.
fn reach(column: &Column, panel: &PanelSpec) -> (i64, i64) {
    let most = |columns: &mut dyn Iterator<Item = &Column>| {
        columns.map(|c| reach(c, panel)).fold((0, 0), |a: (i64, i64), b| (a.0.max(b.0), a.1.max(b.1)))
    };
    match &column.kind {
        ColumnKind::Name(name) => panel
            .steps
            .iter()
            .find_map(|s| match s {
                PanelStep::Let { name: n, value } if n == name => Some(reach(value, panel)),
                _ => None,
            })
            .unwrap_or((0, 0)),
        ColumnKind::Number(_)
        | ColumnKind::Text(_)
        | ColumnKind::Bool(_)
        | ColumnKind::Missing
        | ColumnKind::Data { .. }
        | ColumnKind::Foreign { .. }
        | ColumnKind::Label(_)
        | ColumnKind::Undefined(_)
        | ColumnKind::Treatment(_)
        | ColumnKind::EventTime { .. }
        | ColumnKind::ExposureTime { .. }
        | ColumnKind::Near { .. }
        | ColumnKind::NearLine { .. }
        | ColumnKind::Split { .. } => (0, 0),
        ColumnKind::Reduce { of, .. } | ColumnKind::Along { of, .. } => reach(of, panel),
        ColumnKind::Negate(inner) | ColumnKind::Not(inner) | ColumnKind::Levels(inner) => reach(inner, panel),
        ColumnKind::Chain { first, rest } => {
            most(&mut std::iter::once(first.as_ref()).chain(rest.iter().map(|(_, c)| c)))
        }
        ColumnKind::In { value, list, .. } => most(&mut std::iter::once(value.as_ref()).chain(list)),
        ColumnKind::If { branches, otherwise } => {
            most(&mut branches.iter().flat_map(|(c, v)| [c, v]).chain(std::iter::once(otherwise.as_ref())))
        }
        ColumnKind::SpatialLag { of, .. } => reach(of, panel),
        ColumnKind::Call { function, arguments, number } => {
            let (back, ahead) = most(&mut arguments.iter());
            match function {
                Function::Lag | Function::Diff | Function::Growth => (back.saturating_add(*number as i64), ahead),
                Function::Lead => (back, ahead.saturating_add(*number as i64)),
                _ => (back, ahead),
            }
        }
    }
}
