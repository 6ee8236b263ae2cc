//! Labelled arrays inside expressions: columns of data sets and panels over named dimensions, aligned, reduced, and
//! brought to the rows of a panel.
//!
//! What is undefined (a share of nothing, a ratio to zero) is missing with its reason; a logarithm of zero that reaches
//! a column is a fault.

mod dimensions;
mod reasons;
mod rows;

use super::columns::{Eval, arithmetic, comparison};
use super::{Planner, Reported, Step};
use crate::check::spec::{Column, ColumnKind, Function};
use crate::data::array::{Array, Dimension, Reason, broadcast, check_size, common_dimensions, joined_reasons, over};
use crate::data::finite::compared_kinds;
use crate::data::series::{
    Binary, KindError, Series, Unary, Value, and, binary, choose, coalesce, compare, is_in, missing, not, or, unary,
};
use crate::fault::Fault;
use crate::outcome::LabeledArray;
use crate::source::Span;
use crate::syntax::ast::Operator;
pub(super) use reasons::NO_VALUE;
use reasons::{DIVISION, LOGARITHM, OVERFLOW, ROOT};
use std::sync::Arc;
/// Whether an expression is evaluated as an array: it has a column of a data set, a reduction or the like in it.
pub(super) fn is_array(column: &Column) -> bool {
    let mut found = false;
    column.visit(&mut |c| {
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

impl Planner<'_> {
    /// Every array that is shown as a whole or asked about.
    pub(super) fn whole_arrays(&mut self) -> Vec<LabeledArray> {
        let spec = self.spec;
        let mut out = Vec::new();
        let nowhere = super::panels::PanelData::nowhere();
        for array in &spec.arrays {
            let made = match array.rows_of {
                None => Eval::new(self, &nowhere, None).array(&array.value),
                Some(panel) => self.loaded(panel).cloned().and_then(|panel| {
                    let mut eval = Eval::new(self, &panel, None);
                    let value = eval.value(&array.value)?;
                    eval.array_of_rows(value).map(Arc::new)
                }),
            };
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
            | ColumnKind::ExposureTime { .. }
            | ColumnKind::Near { .. }
            | ColumnKind::NearLine { .. }
            | ColumnKind::SpatialLag { .. }
            | ColumnKind::Split { .. }
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
            Function::Native(id) => {
                let natives = self.planner.means.natives;
                let native = natives.iter().find(|n| n.id == id).ok_or(Reported)?;
                self.numeric(operands, place, |v| Ok(native.apply(v)))
            }
            Function::Lag | Function::Lead | Function::Diff | Function::Growth | Function::Cumsum => {
                let Some(x) = operands.pop() else { return Err(Reported) };
                self.array_along_time(function, x, k, place)
            }
        }
    }
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
