//! Labelled arrays inside expressions: columns of data sets and panels over named dimensions, aligned, reduced, and
//! brought to the rows of a panel.
//!
//! What is undefined (a share of nothing, a ratio to zero) is missing with its reason; a logarithm of zero that reaches
//! a column is a fault.

use super::columns::{Eval, arithmetic, comparison, visit};
use super::{Planner, Reported, Step};
use crate::check::spec::{Along, Column, ColumnKind, Function, Reduction};
use crate::data::array::{
    Array, Dimension, NO_LABEL, Reason, broadcast, check_size, common_dimensions, joined_reasons, label_array, over,
};
use crate::data::finite::compared_kinds;
use crate::data::keys::PanelIndex;
use crate::data::reduce::{along, reduce, shifted};
use crate::data::series::{
    Binary, KindError, Series, Unary, Value, and, binary, choose, coalesce, compare, is_in, missing, not, or, unary,
};
use crate::fault::Fault;
use crate::outcome::LabeledArray;
use crate::source::Span;
use crate::syntax::ast::Operator;
use std::sync::Arc;

/// Reasons every run knows; further ones are named by the program.
const DIVISION: &str = "division_by_zero";
const LOGARITHM: &str = "logarithm_of_zero_or_less";
const ROOT: &str = "root_of_a_negative_number";
const OVERFLOW: &str = "overflow";

/// Results this small are remembered, so that indices share their totals.
const REMEMBERED_CELLS: usize = 1_000_000;

/// Whether an expression is evaluated as an array: it has a column of a data set, a reduction or the like in it.
pub(super) fn is_array(column: &Column) -> bool {
    let mut found = false;
    visit(column, &mut |c| {
        found |= matches!(
            c.kind,
            ColumnKind::Data { .. }
                | ColumnKind::Foreign { .. }
                | ColumnKind::Reduce { .. }
                | ColumnKind::Along { .. }
                | ColumnKind::Undefined(_)
        );
    });
    found
}

/// Whether nothing of a panel is in it.
fn is_pure(column: &Column) -> bool {
    let mut pure = true;
    visit(column, &mut |c| {
        pure &= !matches!(
            c.kind,
            ColumnKind::Name(_)
                | ColumnKind::Treatment(_)
                | ColumnKind::EventTime { .. }
                | ColumnKind::SpatialLag { .. }
                | ColumnKind::Levels(_)
                | ColumnKind::Foreign { .. }
                | ColumnKind::Reduce { of_panel: true, .. }
        );
    });
    pure
}

impl Planner<'_> {
    /// Every array that is shown as a whole or asked about.
    pub(super) fn whole_arrays(&mut self) -> Vec<LabeledArray> {
        let spec = self.spec;
        let mut out = Vec::new();
        let nowhere = super::panels::PanelData::nowhere();
        for array in &spec.arrays {
            let made = Eval::new(self, &nowhere, None).array(&array.value);
            match made {
                Ok(made) if matches!(made.values, Series::Texts(_)) => {
                    let message = format!("`{}` is an array of text, which is not shown", array.value.text);
                    let fault = Fault::error("durbin::check::wrong_kind", message)
                        .help("compare it with a text, or count: `count(x over d)`");
                    self.report(fault, array.value.place.0);
                    self.gave_up = true;
                }
                Ok(made) => {
                    self.undefined_cells(&array.value, &made);
                    out.push(shown(&made, &array.dims));
                }
                Err(Reported) => self.gave_up = true,
            }
        }
        out
    }

    /// The number of a reason. There are few: further ones share the last number.
    pub(super) fn reason(&mut self, text: &str) -> Reason {
        let at = self.reasons.iter().position(|r| r == text).unwrap_or_else(|| {
            self.reasons.push(text.to_string());
            self.reasons.len() - 1
        });
        (at + 1).min(usize::from(NO_LABEL - 1)) as Reason
    }

    fn reason_text(&self, reason: Reason) -> &str {
        if reason == NO_LABEL {
            return "no_such_label";
        }
        self.reasons.get(usize::from(reason).wrapping_sub(1)).map_or("missing", String::as_str)
    }

    /// `undefined` of an array of the program.
    fn undefined_cells(&mut self, value: &Column, made: &Array) {
        let mut counts: Vec<(Reason, usize)> = Vec::new();
        for reason in made.why.iter().flatten().copied().filter(|&r| r != 0) {
            match counts.iter_mut().find(|c| c.0 == reason) {
                Some(c) => c.1 += 1,
                None => counts.push((reason, 1)),
            }
        }
        let total: usize = counts.iter().map(|c| c.1).sum();
        if total > 0 {
            let parts: Vec<String> = counts.iter().map(|c| format!("{} ({})", self.reason_text(c.0), c.1)).collect();
            let cells = crate::fault::counted(made.cells(), "cell", "cells");
            let message = format!("`{}` is undefined in {total} of {cells}: {}", value.text, parts.join(", "));
            self.report(Fault::note("durbin::data::undefined", message), value.place.0);
        }
    }

    /// `undefined`: how many rows of a derived column are missing, and why.
    pub(super) fn undefined(&mut self, name: &str, panel: &super::panels::PanelData, why: &[Reason], place: Span) {
        let mut counts: Vec<(Reason, usize, u32)> = Vec::new();
        for &row in &panel.rows {
            let reason = why.get(row as usize).copied().unwrap_or(0);
            match counts.iter_mut().find(|c| c.0 == reason) {
                _ if reason == 0 => {}
                Some(c) => c.1 += 1,
                None => counts.push((reason, 1, row)),
            }
        }
        let total: usize = counts.iter().map(|c| c.1).sum();
        if total == 0 {
            return;
        }
        let label = |row: u32| {
            format!("{} {}", panel.table.get(row as usize, panel.unit), panel.table.get(row as usize, panel.time))
        };
        let parts: Vec<String> =
            counts.iter().map(|c| format!("{} ({}, first {})", self.reason_text(c.0), c.1, label(c.2))).collect();
        let message = format!(
            "`{name}` is undefined in {total} of {}: {}",
            crate::fault::counted(panel.rows.len(), "row", "rows"),
            parts.join(", ")
        );
        let fault = Fault::note("durbin::data::undefined", message).help(
            "an undefined value is missing: `missing drop` leaves its row out of estimates, `where` out of the panel",
        );
        self.report(fault, place);
    }

    fn fits(&mut self, dims: &[Dimension], place: Span) -> Step<usize> {
        check_size(dims).map_err(|e| {
            let dims: Vec<String> = e.dims.iter().map(|(n, k)| format!("{n} {k}")).collect();
            let message = format!("an array of {:.3e} cells is too large ({})", e.cells, dims.join(" × "));
            let fault = Fault::error("durbin::data::too_large", message).help(
                "at most 200 million cells are held: take a dimension away first, or leave labels out with `where`",
            );
            self.report(fault, place)
        })
    }
}

impl Eval<'_, '_> {
    /// An array expression as a column of the panel's rows; reasons of missing rows stay in `why`.
    pub(super) fn array_column(&mut self, column: &Column) -> Step<Value> {
        let place = column.place.0;
        let array = self.array(column)?;
        if array.dims.is_empty() {
            let (value, why) = broadcast(&array, &[]);
            self.why = why.map(|w| vec![w.first().copied().unwrap_or(0); self.panel.table.rows()]);
            self.sound(column)?;
            return Ok(value);
        }
        let index = self.index()?;
        let from = self.rows_from(&array, &index, place)?;
        let values = array.values.gather(&from);
        let why: Vec<Reason> = (0..from.len())
            .map(|r| match from[r] {
                _ if !values.is_missing(r) => 0,
                Some(cell) => array.reason(cell as usize),
                None => NO_LABEL,
            })
            .collect();
        self.why = why.iter().any(|&w| w != 0).then_some(why);
        self.sound(column)?;
        Ok(Value::Column(values))
    }

    /// For each row of the panel, the cell of an array over unit and time.
    fn rows_from(&mut self, array: &Array, index: &PanelIndex, place: Span) -> Step<Vec<Option<u32>>> {
        let strides = array.strides();
        let mut offsets: Vec<(bool, Vec<Option<u32>>)> = Vec::new();
        for (dim, &stride) in array.dims.iter().zip(&strides) {
            let is_unit = dim.name == "unit";
            let at = |l: usize| Some((l * stride) as u32);
            let of: Vec<Option<u32>> = if is_unit {
                let place: std::collections::HashMap<&str, usize> =
                    dim.labels.iter().enumerate().map(|(i, l)| (l.as_ref(), i)).collect();
                index.units.iter().map(|u| place.get(u.as_str()).and_then(|&i| at(i))).collect()
            } else {
                let time = |l: &Arc<str>| crate::data::keys::parse_time(l);
                let place: std::collections::HashMap<i64, usize> =
                    dim.labels.iter().enumerate().filter_map(|(i, l)| time(l).map(|t| (t, i))).collect();
                index.periods.iter().map(|p| place.get(p).and_then(|&i| at(i))).collect()
            };
            if of.iter().all(Option::is_none) && !of.is_empty() {
                return Err(self.no_label_meets(dim, index, place));
            }
            offsets.push((is_unit, of));
        }
        let cell = |row: usize| {
            let (unit, period) = index.cell(row)?;
            offsets.iter().try_fold(0, |sum, (is_unit, of)| Some(sum + of[if *is_unit { unit } else { period }]?))
        };
        Ok((0..self.panel.table.rows()).map(cell).collect())
    }

    fn no_label_meets(&mut self, dim: &Dimension, index: &PanelIndex, place: Span) -> Reported {
        let of_panel = match dim.name.as_str() {
            "unit" => index.units.first().cloned(),
            _ => index.periods.first().map(i64::to_string),
        };
        let (ours, theirs) = (of_panel.unwrap_or_default(), dim.labels.first().map_or("", AsRef::as_ref));
        let message = format!(
            "no {} of panel `{}` is a label of the array: the panel has \"{ours}\", the array \"{theirs}\"",
            if dim.name == "unit" { "unit" } else { "period" },
            self.panel.name
        );
        let fault = Fault::error("durbin::data::labels_unmatched", message)
            .help("keys are compared as written: bring both files to one spelling");
        self.planner.report(fault, place)
    }

    /// `not_finite` where a logarithm of zero, the root of a negative number or an overflow reaches a row.
    fn sound(&mut self, column: &Column) -> Step<()> {
        let Some(why) = &self.why else { return Ok(()) };
        let fatal = |r: Reason| matches!(self.planner.reason_text(r), LOGARITHM | ROOT | OVERFLOW);
        let bad: Vec<usize> =
            self.panel.rows.iter().map(|&r| r as usize).filter(|&r| why.get(r).is_some_and(|&w| fatal(w))).collect();
        let Some(&first) = bad.first() else { return Ok(()) };
        let what = self.planner.reason_text(why[first]).replace('_', " ");
        let index = self.index()?;
        let more = if bad.len() > 1 { format!("; {} rows in all", bad.len()) } else { String::new() };
        let message = format!("`{}` is not a finite number for {}: {what}{more}", column.text, index.named(first));
        let fault = Fault::error("durbin::data::not_finite", message)
            .help("leave these rows out with `where`, or say what they are: `if x > 0 then log(x) else missing`");
        Err(self.planner.report(fault, column.place.0))
    }

    /// The array of an expression.
    pub(super) fn array(&mut self, column: &Column) -> Step<Arc<Array>> {
        let place = column.place.0;
        Ok(Arc::new(match &column.kind {
            ColumnKind::Number(x) => Array::scalar(&Value::Number(*x), 0),
            ColumnKind::Text(x) => Array::scalar(&Value::Text(x.as_str().into()), 0),
            ColumnKind::Bool(x) => Array::scalar(&Value::Bool(*x), 0),
            ColumnKind::Missing => Array::scalar(&Value::Missing, 0),
            ColumnKind::Undefined(reason) => {
                let reason = self.planner.reason(reason);
                Array::scalar(&Value::Missing, reason)
            }
            ColumnKind::Name(_)
            | ColumnKind::Treatment(_)
            | ColumnKind::EventTime { .. }
            | ColumnKind::SpatialLag { .. }
            | ColumnKind::Levels(_) => {
                let value = self.value(column)?;
                self.array_of_rows(value)?
            }
            ColumnKind::Label(dim) => self.labels(dim, place)?,
            ColumnKind::Data { data, column, dims } => self.planner.cube(*data, column, dims, place)?,
            ColumnKind::Foreign { panel, column, dims } => self.foreign(*panel, column, dims)?,
            ColumnKind::Negate(c) => {
                let x = self.array(c)?;
                self.numeric(vec![x], place, |v| unary(Unary::Negate, &v[0]))?
            }
            ColumnKind::Not(c) => {
                let x = self.array(c)?;
                self.each(vec![x], place, |v| not(&v[0]))?
            }
            ColumnKind::Chain { first, rest } => return self.array_chain(first, rest, place),
            ColumnKind::In { value, list, negated } => self.array_in(value, list, *negated, place)?,
            ColumnKind::If { branches, otherwise } => return self.array_if(branches, otherwise, place),
            ColumnKind::Call { function, arguments, number } => {
                self.array_call(*function, arguments, *number, place)?
            }
            ColumnKind::Reduce { how, of, over, skip, of_panel } => {
                return self.reduced(column, (*how, *skip, *of_panel), of, over);
            }
            ColumnKind::Along { how, of, by, over } => self.looked_along(*how, of, by.as_deref(), over, place)?,
        }))
    }

    /// An operation cell by cell on operands brought to common dimensions.
    fn each(
        &mut self,
        operands: Vec<Arc<Array>>,
        place: Span,
        f: impl FnOnce(&[Value]) -> Result<Value, KindError>,
    ) -> Step<Array> {
        let dims = common_dimensions(&operands.iter().map(AsRef::as_ref).collect::<Vec<_>>());
        let cells = self.planner.fits(&dims, place)?;
        let (values, whys): (Vec<Value>, Vec<_>) = operands.iter().map(|a| broadcast(a, &dims)).unzip();
        let out = match f(&values) {
            Err(KindError::Compared { left, right }) => {
                return Err(self
                    .planner
                    .report(compared_kinds(("the left side", left), ("the right side", right)), place));
            }
            other => self.kinds(other, place)?,
        };
        let values = out.spread(cells);
        let why = joined_reasons(&values, &whys.iter().map(Option::as_ref).collect::<Vec<_>>());
        Ok(over(dims, values, why))
    }

    /// [`Self::each`] for numbers: what is not finite though its inputs are is missing with a reason.
    fn numeric(
        &mut self,
        operands: Vec<Arc<Array>>,
        place: Span,
        f: impl FnOnce(&[Value]) -> Result<Value, KindError>,
    ) -> Step<Array> {
        self.guarded(operands, place, OVERFLOW, f)
    }

    fn guarded(
        &mut self,
        operands: Vec<Arc<Array>>,
        place: Span,
        reason: &str,
        f: impl FnOnce(&[Value]) -> Result<Value, KindError>,
    ) -> Step<Array> {
        let mut broken: Vec<u32> = Vec::new();
        let mut out = self.each(operands, place, |values| {
            let out = f(values)?;
            let item = |v: &Value, r: usize| matches!(v.item(r), crate::data::series::Item::Missing);
            match &out {
                Value::Column(Series::Numbers(x)) => broken.extend(
                    (0..x.len()).filter(|&r| !x[r].is_finite() && !values.iter().any(|v| item(v, r))).map(|r| r as u32),
                ),
                Value::Number(x) if !x.is_finite() && !values.iter().any(|v| item(v, 0)) => broken.push(0),
                _ => {}
            }
            Ok(out)
        })?;
        if broken.is_empty() {
            return Ok(out);
        }
        let reason = self.planner.reason(reason);
        let cells = out.values.len();
        let Series::Numbers(x) = &mut out.values else { return Ok(out) };
        let why = out.why.get_or_insert_with(|| vec![0; cells]);
        // A scalar result was spread over all cells.
        let all = broken.len() == 1 && cells > 1 && x.iter().all(|v| !v.is_finite());
        let marked: Vec<usize> = if all { (0..cells).collect() } else { broken.iter().map(|&r| r as usize).collect() };
        for r in marked {
            x[r] = f64::NAN;
            why[r] = reason;
        }
        Ok(out)
    }

    fn array_chain(&mut self, first: &Column, rest: &[(Operator, Column)], place: Span) -> Step<Arc<Array>> {
        let Some((operator, second)) = rest.first() else { return self.array(first) };
        if let Some(how) = comparison(*operator) {
            let both = vec![self.array(first)?, self.array(second)?];
            return self.each(both, place, |v| compare(how, &v[0], &v[1])).map(Arc::new);
        }
        if operator.groups_right() {
            let mut operands = vec![first];
            operands.extend(rest.iter().map(|r| &r.1));
            let mut value = self.array(operands.pop().ok_or(Reported)?)?;
            for base in operands.into_iter().rev() {
                let both = vec![self.array(base)?, value];
                value = Arc::new(self.numeric(both, place, |v| binary(Binary::Power, &v[0], &v[1]))?);
            }
            return Ok(value);
        }
        let mut left = self.array(first)?;
        for (operator, c) in rest {
            let both = vec![left, self.array(c)?];
            left = Arc::new(match operator {
                Operator::And => self.each(both, place, |v| and(&v[0], &v[1]))?,
                Operator::Or => self.each(both, place, |v| or(&v[0], &v[1]))?,
                _ => {
                    let Some(f) = arithmetic(*operator) else { return Err(Reported) };
                    let reason = if f == Binary::Divide { DIVISION } else { OVERFLOW };
                    self.guarded(both, place, reason, |v| binary(f, &v[0], &v[1]))?
                }
            });
        }
        Ok(left)
    }

    fn array_in(&mut self, value: &Column, list: &[Column], negated: bool, place: Span) -> Step<Array> {
        let mut operands = vec![self.array(value)?];
        for item in list {
            operands.push(self.array(item)?);
        }
        self.each(operands, place, |v| {
            let found = is_in(&v[0], &v[1..])?;
            if negated { not(&found) } else { Ok(found) }
        })
    }

    fn array_if(&mut self, branches: &[(Column, Column)], otherwise: &Column, place: Span) -> Step<Arc<Array>> {
        let Some(((condition, then), others)) = branches.split_first() else { return self.array(otherwise) };
        let condition = self.array(condition)?;
        if let (true, Series::Bools(b)) = (condition.dims.is_empty(), &condition.values)
            && let Some(&Some(holds)) = b.first()
        {
            return if holds { self.array(then) } else { self.array_if(others, otherwise, place) };
        }
        let a = self.array(then)?;
        let b = self.array_if(others, otherwise, place)?;
        let dims = common_dimensions(&[&condition, &a, &b]);
        let cells = self.planner.fits(&dims, place)?;
        let (c, c_why) = broadcast(&condition, &dims);
        let (a, a_why) = broadcast(&a, &dims);
        let (b, b_why) = broadcast(&b, &dims);
        let values = self.kinds(choose(&c, &a, &b), place)?.spread(cells);
        let at = |why: &Option<Vec<Reason>>, cell: usize| why.as_ref().map_or(0, |w| w[cell]);
        let why = (c_why.is_some() || a_why.is_some() || b_why.is_some()).then(|| {
            let reason = |cell: usize| match c.item(cell) {
                _ if !values.is_missing(cell) => 0,
                crate::data::series::Item::Bool(true) => at(&a_why, cell),
                crate::data::series::Item::Bool(false) => at(&b_why, cell),
                _ => at(&c_why, cell),
            };
            (0..cells).map(reason).collect()
        });
        Ok(Arc::new(over(dims, values, why)))
    }

    fn array_call(&mut self, function: Function, arguments: &[Column], k: f64, place: Span) -> Step<Array> {
        let mut operands = Vec::new();
        for a in arguments {
            operands.push(self.array(a)?);
        }
        match function {
            Function::IsMissing => {
                let mut out = self.each(operands, place, |v| Ok(missing(&v[0])))?;
                out.why = None;
                Ok(out)
            }
            Function::Coalesce => self.each(operands, place, |v| coalesce(&v.iter().collect::<Vec<_>>())),
            Function::Log => self.guarded(operands, place, LOGARITHM, |v| unary(Unary::Log, &v[0])),
            Function::Sqrt => self.guarded(operands, place, ROOT, |v| unary(Unary::Sqrt, &v[0])),
            Function::Exp => self.numeric(operands, place, |v| unary(Unary::Exp, &v[0])),
            Function::Abs => self.numeric(operands, place, |v| unary(Unary::Abs, &v[0])),
            Function::Round => self.numeric(operands, place, |v| unary(Unary::Round, &v[0])),
            Function::Min | Function::Max => {
                let f = if function == Function::Min { Binary::Min } else { Binary::Max };
                self.numeric(operands, place, |v| {
                    v[1..].iter().try_fold(v[0].clone(), |least, next| binary(f, &least, next))
                })
            }
            Function::Lag | Function::Lead | Function::Diff | Function::Growth | Function::Cumsum => {
                let Some(x) = operands.pop() else { return Err(Reported) };
                self.array_along_time(function, x, k, place)
            }
        }
    }

    fn array_along_time(&mut self, function: Function, x: Arc<Array>, k: f64, place: Span) -> Step<Array> {
        let is_time = |d: &Dimension| d.name == "time" || self.planner.spec.panels.iter().any(|p| p.time == d.name);
        let Some(time) = x.dims.iter().position(is_time) else {
            let names: Vec<&str> = x.dims.iter().map(|d| d.name.as_str()).collect();
            let message = format!("this looks along time, and the dimensions are {}", crate::fault::ticked_all(&names));
            let fault = Fault::error("durbin::check::unknown_dimension", message)
                .help("a key is the time where a panel of the program has it as its `time`");
            return Err(self.planner.report(fault, place));
        };
        let lag = if function == Function::Lead { -k as i64 } else { k as i64 };
        match function {
            Function::Lag | Function::Lead => Ok(shifted(&x, time, lag)),
            Function::Cumsum => {
                let names = vec![x.dims[time].name.clone()];
                let numbers = self.numbers_in(&x, place)?;
                Ok(along(&x, &numbers, None, &names, Along::Cumulate))
            }
            _ => {
                let before = Arc::new(shifted(&x, time, lag));
                let change =
                    self.numeric(vec![x, before.clone()], place, |v| binary(Binary::Subtract, &v[0], &v[1]))?;
                if function == Function::Diff {
                    return Ok(change);
                }
                self.guarded(vec![Arc::new(change), before], place, DIVISION, |v| binary(Binary::Divide, &v[0], &v[1]))
            }
        }
    }

    fn numbers_in(&mut self, array: &Array, place: Span) -> Step<Vec<f64>> {
        match &array.values {
            Series::Numbers(x) => Ok(x.clone()),
            Series::Bools(_) | Series::Texts(_) => {
                let found = if matches!(array.values, Series::Texts(_)) { "text" } else { "true or false" };
                Err(self.planner.report(
                    Fault::error("durbin::check::wrong_kind", format!("numbers are wanted here, this is {found}"))
                        .help("of a condition a number is made by `if c then 1 else 0`"),
                    place,
                ))
            }
        }
    }

    fn reduced(
        &mut self,
        column: &Column,
        (how, skip, of_panel): (Reduction, bool, bool),
        of: &Column,
        over_dims: &[String],
    ) -> Step<Arc<Array>> {
        let key = is_pure(column).then(|| format!("{:?}", column.kind));
        if let Some(known) = key.as_ref().and_then(|k| self.planner.remembered.get(k)) {
            return Ok(known.clone());
        }
        let place = column.place.0;
        self.scopes.push(of.clone());
        let array = self.array(of);
        self.scopes.pop();
        let mut array = array?;
        if of_panel {
            array = Arc::new(self.of_panel(&array)?);
        }
        let counted = how == Reduction::Count;
        let numbers = match &array.values {
            Series::Numbers(x) => x.clone(),
            // What is counted need not be a number.
            other if counted => (0..other.len()).map(|r| if other.is_missing(r) { f64::NAN } else { 1.0 }).collect(),
            _ => self.numbers_in(&array, place)?,
        };
        let (out, skipped) = reduce(&array, &numbers, over_dims, how, skip);
        if skipped > 0 {
            let message = format!(
                "`{}` left {} out",
                column.text,
                crate::fault::counted(skipped, "missing cell", "missing cells")
            );
            self.planner.report(Fault::note("durbin::data::skipped", message), place);
        }
        let out = Arc::new(out);
        if let Some(key) = key.filter(|_| out.cells() <= REMEMBERED_CELLS) {
            self.planner.remembered.insert(key, out.clone());
        }
        Ok(out)
    }

    /// The units of the panel alone.
    fn of_panel(&mut self, array: &Array) -> Step<Array> {
        let index = self.index()?;
        let mut dims = array.dims.clone();
        for dim in dims.iter_mut().filter(|d| d.name == "unit") {
            *dim = Dimension::new("unit", index.units.iter().map(|u| Arc::from(u.as_str())));
        }
        let (values, why) = broadcast(array, &dims);
        let cells = dims.iter().map(Dimension::len).product();
        Ok(over(dims, values.spread(cells), why))
    }

    fn looked_along(
        &mut self,
        how: Along,
        of: &Column,
        by: Option<&Column>,
        over_dims: &[String],
        place: Span,
    ) -> Step<Array> {
        self.scopes.push(of.clone());
        let x = self.array(of);
        let by = by.map(|b| self.array(b));
        self.scopes.pop();
        let (x, by) = (x?, by.transpose()?);
        let Some(by) = by else {
            let numbers = self.numbers_in(&x, place)?;
            return Ok(along(&x, &numbers, None, over_dims, how));
        };
        let dims = common_dimensions(&[&x, &by]);
        let cells = self.planner.fits(&dims, place)?;
        let (values, why) = broadcast(&x, &dims);
        let order = match broadcast(&by, &dims).0.spread(cells) {
            Series::Numbers(o) => o,
            Series::Texts(t) => (0..cells).map(|r| t.code(r).map_or(f64::NAN, |c| c as f64)).collect(),
            Series::Bools(b) => b.into_iter().map(|b| b.map_or(f64::NAN, |b| f64::from(u8::from(b)))).collect(),
        };
        let whole = over(dims, values.spread(cells), why);
        let numbers = self.numbers_in(&whole, place)?;
        Ok(along(&whole, &numbers, Some(&order), over_dims, how))
    }

    /// Labels of a dimension: those of the data around it, else the panel's own.
    fn labels(&mut self, dim: &str, place: Span) -> Step<Array> {
        let numbers = dim == "time" || self.planner.spec.panels.iter().any(|p| p.time == dim);
        let scopes = std::mem::take(&mut self.scopes);
        let mut leaf = None;
        for scope in scopes.iter().rev() {
            visit(scope, &mut |c| {
                let has = |dims: &[String]| dims.iter().any(|d| d == dim);
                let fits = match &c.kind {
                    ColumnKind::Data { dims, .. } => has(dims),
                    ColumnKind::Foreign { dims, .. } => has(dims),
                    _ => false,
                };
                if leaf.is_none() && fits {
                    leaf = Some(c.clone());
                }
            });
        }
        self.scopes = scopes;
        if let Some(leaf) = leaf {
            let array = self.array(&leaf)?;
            let Some(at) = array.dimension(dim) else { return Err(Reported) };
            return Ok(label_array(&array.dims[at], numbers));
        }
        if matches!(dim, "unit" | "time") && !self.panel.name.is_empty() {
            let index = self.index()?;
            let [unit, time] = panel_dimensions(&index);
            return Ok(label_array(if dim == "unit" { &unit } else { &time }, numbers));
        }
        let message = format!("the labels of `{dim}` are known where an array of the expression has that dimension");
        Err(self.planner.report(
            Fault::error("durbin::check::unknown_dimension", message)
                .help("use the name inside a reduction or beside an array over it: `sum((if d == \"a\" then x else 0) over d)`"),
            place,
        ))
    }

    /// A column of another panel.
    fn foreign(&mut self, panel: usize, column: &str, dims: &[String; 2]) -> Step<Array> {
        let other = self.planner.loaded(panel)?.clone();
        let name =
            Column { kind: ColumnKind::Name(column.to_string()), text: column.to_string(), place: Default::default() };
        let mut eval = Eval::new(self.planner, &other, None);
        let value = eval.value(&name)?;
        let mut array = eval.array_of_rows(value)?;
        for (dim, name) in array.dims.iter_mut().zip(dims) {
            dim.name = name.clone();
        }
        Ok(array)
    }

    /// Rows of the panel as an array over unit and time.
    fn array_of_rows(&mut self, value: Value) -> Step<Array> {
        let index = self.index()?;
        let dims = panel_dimensions(&index).to_vec();
        let periods = index.periods.len();
        let mut from: Vec<Option<u32>> = vec![None; index.units.len() * periods];
        for &row in &self.panel.rows {
            if let Some((unit, period)) = index.cell(row as usize) {
                from[unit * periods + period] = Some(row);
            }
        }
        let values = value.spread(self.panel.table.rows()).gather(&from);
        Ok(over(dims, values, None))
    }
}

fn panel_dimensions(index: &PanelIndex) -> [Dimension; 2] {
    let unit = Dimension {
        name: "unit".into(),
        labels: Arc::new(index.units.iter().map(|u| Arc::from(u.as_str())).collect()),
    };
    let labels = index.periods.iter().map(|p| Arc::from(p.to_string())).collect();
    [unit, Dimension { name: "time".into(), labels: Arc::new(labels) }]
}

/// An array as results have it, its dimensions in the order in which the program names them.
fn shown(array: &Array, dims: &[String]) -> LabeledArray {
    let mut order: Vec<Dimension> = Vec::new();
    for name in dims {
        order.extend(array.dims.iter().find(|d| d.name == *name).cloned());
    }
    let cells = order.iter().map(Dimension::len).product();
    let values = match broadcast(array, &order).0.spread(cells) {
        Series::Numbers(x) => x,
        Series::Bools(b) => b.into_iter().map(|b| b.map_or(f64::NAN, |b| f64::from(u8::from(b)))).collect(),
        Series::Texts(t) => vec![f64::NAN; t.len()],
    };
    LabeledArray {
        dimensions: order.iter().map(|d| d.name.clone()).collect(),
        labels: order.iter().map(|d| d.labels.iter().map(|l| l.to_string()).collect()).collect(),
        values,
    }
}
