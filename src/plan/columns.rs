//! Expressions over the rows of a panel become values: one per row of its table.
//!
//! Missing values pass through; what is not finite although its inputs are is a fault. Values of rows that left the
//! panel are computed where that is simplest and never looked at.

mod looks;
mod near;
mod walk;

use super::panels::PanelData;
use super::{Planner, Reported, Step};
use crate::check::spec::{Column, ColumnKind, Function};
use crate::data::array::Reason;
use crate::data::finite::{Operation, check_finite, compared_kinds, no_such_level};
use crate::data::keys::{PanelIndex, read_keys};
use crate::data::numbers::{numbers, numbers_unless_text};
use crate::data::series::{
    Binary, Comparison, Item, KindError, Series, Unary, Value, and, binary, choose, coalesce, compare, is_in, missing,
    not, or, unary,
};
use crate::diagnostic::Diagnostic;
use crate::fault::Fault;
use crate::source::Span;
use crate::syntax::ast::Operator;
use std::sync::Arc;
pub(super) use walk::split_spatial;
pub(crate) use walk::{has_spatial_lag, looks_along_time, names_of};

/// What an expression's values are wanted for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Want {
    Number,
    Any,
}

/// Evaluates expressions on one panel; with `index`, on the units of a sample and with weights struck to them.
pub(crate) struct Eval<'e, 'a> {
    pub(super) planner: &'e mut Planner<'a>,
    pub(super) panel: &'e PanelData,
    /// Units of the panel that stay, where some leave.
    kept: Option<&'e [bool]>,
    index: Option<Arc<PanelIndex>>,
    /// What the reductions around an expression look at, outermost first.
    pub(super) scopes: Vec<Column>,
    /// Why rows of the last array expression are missing, one per row of the table.
    pub(super) why: Option<Vec<Reason>>,
    /// Rows whose value will be looked at, where a choice leaves some out.
    mask: Option<Vec<bool>>,
}

impl<'e, 'a> Eval<'e, 'a> {
    pub fn new(planner: &'e mut Planner<'a>, panel: &'e PanelData, kept: Option<&'e [bool]>) -> Eval<'e, 'a> {
        Eval { planner, panel, kept, index: None, scopes: Vec::new(), why: None, mask: None }
    }

    /// The values of an expression.
    pub fn value(&mut self, column: &Column) -> Step<Value> {
        self.wanted(column, Want::Any)
    }

    /// The values of what must be a condition.
    pub fn condition(&mut self, column: &Column) -> Step<Value> {
        let value = self.wanted(column, Want::Any)?;
        match value {
            Value::Bool(_) | Value::Column(Series::Bools(_)) | Value::Missing => Ok(value),
            _ => Err(self.planner.diagnose(
                Diagnostic::error(
                    "durbin::check::wrong_kind",
                    column.place.0,
                    format!(
                        "`{}` is {} where a condition is wanted",
                        column.text,
                        if value.kind() == Some("text") { "text" } else { "a number" }
                    ),
                )
                .help("a condition compares, such as `x > 0`, `sector == \"tech\"` or `year in 2003..2010`"),
            )),
        }
    }

    fn number(&mut self, column: &Column) -> Step<Value> {
        let value = self.wanted(column, Want::Number)?;
        match value.kind() {
            None | Some("number") => Ok(value),
            Some(found) => Err(self.planner.diagnose(
                Diagnostic::error(
                    "durbin::check::wrong_kind",
                    column.place.0,
                    format!("`{}` is {found} where a number is wanted", column.text),
                )
                .help("categories are compared with text: `sector == \"tech\"`; of a condition a number is made by `if c then 1 else 0`"),
            )),
        }
    }

    fn wanted(&mut self, column: &Column, want: Want) -> Step<Value> {
        let place = column.place.0;
        if !matches!(column.kind, ColumnKind::SpatialLag { .. }) && super::arrays::is_array(column) {
            return self.array_column(column);
        }
        match &column.kind {
            ColumnKind::Data { .. }
            | ColumnKind::Foreign { .. }
            | ColumnKind::Reduce { .. }
            | ColumnKind::Along { .. }
            | ColumnKind::Undefined(_) => self.array_column(column),
            ColumnKind::Label(dim) => {
                let key = if dim == "unit" { self.panel.unit } else { self.panel.time };
                let name = self.panel.table.name(key).to_string();
                self.named(&name, want, place)
            }
            ColumnKind::Number(x) => Ok(Value::Number(*x)),
            ColumnKind::Text(x) => Ok(Value::Text(x.as_str().into())),
            ColumnKind::Bool(x) => Ok(Value::Bool(*x)),
            ColumnKind::Missing => Ok(Value::Missing),
            ColumnKind::Name(name) => self.named(name, want, place),
            ColumnKind::Treatment(number) => self.treatment(*number),
            ColumnKind::EventTime { treatment, bin } => self.event_time(*treatment, *bin),
            ColumnKind::ExposureTime { treatment, bin, weights } => self.exposure_time(*treatment, *bin, weights),
            ColumnKind::Near { treatment, ring } => self.near(*treatment, *ring),
            ColumnKind::NearLine { file, ring, metric, at } => self.near_line(file, *ring, *metric, at, place),
            ColumnKind::Negate(inner) => {
                let x = self.number(inner)?;
                self.kinds(unary(Unary::Negate, &x), place)
            }
            ColumnKind::Not(inner) => {
                let x = self.wanted(inner, Want::Any)?;
                self.kinds(not(&x), place)
            }
            ColumnKind::Chain { first, rest } => self.chain(column, first, rest),
            ColumnKind::In { value, list, negated } => self.membership(value, list, *negated, place),
            ColumnKind::If { branches, otherwise } => self.choice(branches, otherwise, want, place),
            ColumnKind::Call { function, arguments, number } => self.call(column, *function, arguments, *number),
            ColumnKind::SpatialLag { weights, of } => self.spatial_lag(weights, of),
            ColumnKind::Levels(inner) | ColumnKind::Split { of: inner, .. } => self.wanted(inner, Want::Any),
        }
    }

    /// `if … then … else …`: every branch is computed, and faulted for its own rows alone.
    fn choice(&mut self, branches: &[(Column, Column)], otherwise: &Column, want: Want, place: Span) -> Step<Value> {
        let outer = self.mask.take();
        let rows = self.panel.table.rows();
        let mut left = outer.clone().unwrap_or_else(|| vec![true; rows]);
        let mut parts = Vec::new();
        let mut failed = None;
        for (condition, value) in branches {
            self.mask = Some(left.clone());
            let Ok(condition) = self.wanted(condition, Want::Any) else {
                failed = Some(Reported);
                continue;
            };
            let holds = |r: usize, wanted: bool| matches!(condition.item(r), Item::Bool(b) if b == wanted);
            self.mask = Some((0..rows).map(|r| left[r] && holds(r, true)).collect());
            left.iter_mut().enumerate().for_each(|(r, l)| *l = *l && holds(r, false));
            match self.wanted(value, want) {
                Ok(value) => parts.push((condition, value)),
                Err(r) => failed = Some(r),
            }
        }
        self.mask = Some(left);
        let last = self.wanted(otherwise, want);
        self.mask = outer;
        if let Some(r) = failed {
            return Err(r);
        }
        let mut result = last?;
        for (condition, value) in parts.iter().rev() {
            result = self.kinds(choose(condition, value, &result), place)?;
        }
        Ok(result)
    }

    fn named(&mut self, name: &str, want: Want, place: Span) -> Step<Value> {
        let panel = self.panel;
        if let Some(value) = panel.lets.get(name) {
            return Ok(value.clone());
        }
        let column = panel.table.column(name).ok_or(Reported)?;
        let read = match want {
            Want::Any => numbers_unless_text(&panel.table, column, &panel.markers, &panel.rows),
            _ => Some(numbers(&panel.table, column, &panel.markers, &panel.rows)),
        };
        let Some(read) = read else {
            return Ok(Value::Column(Series::of_texts(&panel.table, column, &panel.markers)));
        };
        match read {
            Ok(values) => Ok(Value::Column(Series::Numbers(values))),
            Err(faults) => Err(self.planner.report_all(faults, place)),
        }
    }

    /// The index of the rows there are now.
    pub(super) fn index(&mut self) -> Step<Arc<PanelIndex>> {
        if let Some(index) = &self.index {
            return Ok(index.clone());
        }
        let panel = self.panel;
        let index = if panel.index.unit_of.is_empty() {
            read_keys(&panel.keys(), &panel.rows).map(|found| found.0)
        } else {
            Ok(panel.index.clone())
        };
        match index {
            Ok(index) => {
                let index = Arc::new(index);
                self.index = Some(index.clone());
                Ok(index)
            }
            Err(faults) => {
                let number = self.planner.spec.panels.iter().find(|p| p.name == panel.name);
                let place = number.map_or(Span::default(), |p| p.unit_place.0);
                Err(self.planner.report_all(faults, place))
            }
        }
    }

    /// Refuses what is not finite though its inputs are.
    fn finite(&mut self, column: &Column, operation: Operation, inputs: &[(&str, &Value)], out: Value) -> Step<Value> {
        let panel = self.panel;
        let series = match &out {
            Value::Number(x) if x.is_finite() => return Ok(out),
            Value::Missing => return Ok(out),
            Value::Number(x) => Series::Numbers(vec![*x; panel.table.rows()]),
            Value::Column(s) => s.clone(),
            _ => return Ok(out),
        };
        let Series::Numbers(values) = &series else { return Ok(out) };
        let sound = |r: usize| inputs.iter().all(|(_, v)| !matches!(v.item(r), crate::data::series::Item::Missing));
        // Rows for which a choice takes another branch are not looked at.
        let looked: Vec<u32> = match &self.mask {
            Some(mask) => panel.rows.iter().copied().filter(|&r| mask.get(r as usize) == Some(&true)).collect(),
            None => panel.rows.clone(),
        };
        if !looked.iter().any(|&r| !values[r as usize].is_finite() && sound(r as usize)) {
            return Ok(out);
        }
        let index = if panel.is_data { Arc::new(PanelIndex::default()) } else { self.index()? };
        match check_finite(&panel.keys(), &index, &looked, (operation, &column.text), inputs, values) {
            Ok(()) => Ok(out),
            Err(fault) => Err(self.planner.report(fault, column.place.0)),
        }
    }

    fn chain(&mut self, column: &Column, first: &Column, rest: &[(Operator, Column)]) -> Step<Value> {
        let place = column.place.0;
        let Some((operator, _)) = rest.first() else { return self.wanted(first, Want::Any) };
        if let Some(how) = comparison(*operator) {
            return self.compared(how, first, &rest[0].1, place);
        }
        if matches!(operator, Operator::And | Operator::Or) {
            let mut left = self.wanted(first, Want::Any)?;
            for (operator, c) in rest {
                let right = self.wanted(c, Want::Any)?;
                let both = if *operator == Operator::And { and(&left, &right) } else { or(&left, &right) };
                left = self.kinds(both, place)?;
            }
            return Ok(left);
        }
        if operator.groups_right()
            && let Some((_, second)) = rest.get(1)
        {
            // `a ^ b ^ c` is `a ^ (b ^ c)`.
            let inner = ColumnKind::Chain { first: Box::new(rest[0].1.clone()), rest: rest[1..].to_vec() };
            let inner = Column { kind: inner, text: second.text.clone(), place: column.place };
            return self.chain(column, first, &[(*operator, inner)]);
        }
        let mut left = self.number(first)?;
        let mut text = first.text.clone();
        for (operator, c) in rest {
            let right = self.number(c)?;
            let Some(f) = arithmetic(*operator) else { return Err(Reported) };
            let out = self.kinds(binary(f, &left, &right), place)?;
            let kind = if f == Binary::Divide { Operation::Divide } else { Operation::Other };
            let inputs = [(text.as_str(), &left), (c.text.as_str(), &right)];
            left = self.finite(column, kind, &inputs, out)?;
            text = format!("{text} {} {}", operator.text(), c.text);
        }
        Ok(left)
    }

    fn compared(&mut self, how: Comparison, left: &Column, right: &Column, place: Span) -> Step<Value> {
        let (a, b) = (self.wanted(left, Want::Any)?, self.wanted(right, Want::Any)?);
        // A column that is text only for its markers has that fault, and not a comparison of kinds.
        let (a, b) = match (a.kind(), b.kind()) {
            (Some("text"), Some("number")) => (self.as_number(left, a, place)?, b),
            (Some("number"), Some("text")) => (a, self.as_number(right, b, place)?),
            _ => (a, b),
        };
        for (value, text, column) in [(&a, &b, left), (&b, &a, right)] {
            if let (Value::Column(series), Value::Text(text)) = (value, text)
                && let Some(w) = no_such_level(&column.text, series, text)
            {
                self.planner.report(w, place);
            }
        }
        match compare(how, &a, &b) {
            Ok(v) => Ok(v),
            Err(KindError::Compared { left: l, right: r }) => {
                let fault = compared_kinds((&left.text, l), (&right.text, r));
                Err(self.planner.report(fault, place))
            }
            Err(e) => self.kinds(Err(e), place),
        }
    }

    fn as_number(&mut self, column: &Column, value: Value, place: Span) -> Step<Value> {
        let ColumnKind::Name(name) = &column.kind else { return Ok(value) };
        let Some(number) = self.panel.table.column(name).filter(|_| !self.panel.lets.contains_key(name)) else {
            return Ok(value);
        };
        match numbers(&self.panel.table, number, &self.panel.markers, &self.panel.rows) {
            Ok(values) => Ok(Value::Column(Series::Numbers(values))),
            Err(faults) if faults.iter().any(|f| f.code == "durbin::data::not_a_number") => Ok(value),
            Err(faults) => Err(self.planner.report_all(faults, place)),
        }
    }

    fn membership(&mut self, value: &Column, list: &[Column], negated: bool, place: Span) -> Step<Value> {
        let x = self.wanted(value, Want::Any)?;
        let mut items = Vec::new();
        for item in list {
            let item_value = self.wanted(item, Want::Any)?;
            if let (Value::Column(series), Value::Text(text)) = (&x, &item_value)
                && let Some(w) = no_such_level(&value.text, series, text)
            {
                self.planner.report(w, item.place.0);
            }
            items.push(item_value);
        }
        let found = match is_in(&x, &items) {
            Err(KindError::Compared { left, right }) => {
                let other = list.iter().zip(&items).find(|(_, v)| v.kind() == Some(right));
                let text = other.map_or("the list", |(c, _)| c.text.as_str());
                let fault = compared_kinds((&value.text, left), (text, right));
                return Err(self.planner.report(fault, place));
            }
            other => self.kinds(other, place)?,
        };
        if negated { self.kinds(not(&found), place) } else { Ok(found) }
    }

    fn call(&mut self, column: &Column, function: Function, arguments: &[Column], k: f64) -> Step<Value> {
        let place = column.place.0;
        if function == Function::IsMissing || function == Function::Coalesce {
            let values: Vec<Value> =
                arguments.iter().map(|a| self.wanted(a, Want::Any)).collect::<Step<Vec<Value>>>()?;
            return match function {
                Function::IsMissing => Ok(missing(values.first().unwrap_or(&Value::Missing))),
                _ => self.kinds(coalesce(&values.iter().collect::<Vec<_>>()), place),
            };
        }
        if let Function::Native(id) = function {
            return self.native(column, id, arguments);
        }
        let Some(first) = arguments.first() else { return Err(Reported) };
        if function == Function::Lag || function == Function::Lead {
            let x = self.wanted(first, Want::Any)?;
            return self.along_time(column, function, &x, k);
        }
        let x = self.number(first)?;
        let (f, operation) = match function {
            Function::Log => (Unary::Log, Operation::Log),
            Function::Exp => (Unary::Exp, Operation::Other),
            Function::Sqrt => (Unary::Sqrt, Operation::Sqrt),
            Function::Abs => (Unary::Abs, Operation::Other),
            Function::Round => (Unary::Round, Operation::Other),
            Function::Min | Function::Max => {
                let f = if function == Function::Min { Binary::Min } else { Binary::Max };
                let mut result = x;
                for argument in &arguments[1..] {
                    let y = self.number(argument)?;
                    result = self.kinds(binary(f, &result, &y), place)?;
                }
                return Ok(result);
            }
            _ => return self.along_time(column, function, &x, k),
        };
        let out = self.kinds(unary(f, &x), place)?;
        self.finite(column, operation, &[(first.text.as_str(), &x)], out)
    }

    /// A function of the embedding program; a value that is no number where all arguments are is a fault.
    fn native(&mut self, column: &Column, id: u64, arguments: &[Column]) -> Step<Value> {
        let values: Vec<Value> = arguments.iter().map(|a| self.number(a)).collect::<Step<Vec<Value>>>()?;
        let natives = self.planner.means.natives;
        let native = natives.iter().find(|n| n.id == id).ok_or(Reported)?;
        let out = native.apply(&values);
        let inputs: Vec<(&str, &Value)> = arguments.iter().map(|a| a.text.as_str()).zip(&values).collect();
        self.finite(column, Operation::Other, &inputs, out)
    }

    pub(super) fn kinds(&mut self, value: Result<Value, KindError>, place: Span) -> Step<Value> {
        value.map_err(|e| {
            self.planner.report(
                Fault::error("durbin::check::wrong_kind", e.to_string())
                    .help("conditions are joined by `and`, `or` and `not`; numbers are added and compared"),
                place,
            )
        })
    }
}

/// The number of a row; NaN where missing.
pub(crate) fn number_at(value: &Value, row: usize) -> f64 {
    match value.item(row) {
        crate::data::series::Item::Number(x) => x,
        _ => f64::NAN,
    }
}

pub(super) fn comparison(operator: Operator) -> Option<Comparison> {
    Some(match operator {
        Operator::Equal => Comparison::Equal,
        Operator::NotEqual => Comparison::NotEqual,
        Operator::Less => Comparison::Less,
        Operator::AtMost => Comparison::LessEqual,
        Operator::Greater => Comparison::Greater,
        Operator::AtLeast => Comparison::GreaterEqual,
        _ => return None,
    })
}

/// Arithmetic on columns; in a formula `a:b` and `a*b` are products.
pub(super) fn arithmetic(operator: Operator) -> Option<Binary> {
    Some(match operator {
        Operator::Plus => Binary::Add,
        Operator::Minus => Binary::Subtract,
        Operator::Times | Operator::Colon => Binary::Multiply,
        Operator::Divide => Binary::Divide,
        Operator::Power => Binary::Power,
        _ => return None,
    })
}

impl Eval<'_, '_> {
    /// A 0/1 column, one number per row; a condition counts as 0 and 1.
    pub fn indicator(&mut self, column: &Column) -> Step<Vec<f64>> {
        let rows = self.panel.table.rows();
        let value = self.wanted(column, Want::Any)?;
        if let Series::Bools(b) = value.spread(rows) {
            return Ok(b.into_iter().map(|b| b.map_or(f64::NAN, |b| f64::from(u8::from(b)))).collect());
        }
        match self.number(column)?.spread(rows) {
            Series::Numbers(values) => Ok(values),
            _ => Err(Reported),
        }
    }
}

impl Eval<'_, '_> {
    /// The values of a term of a formula, which are numbers.
    pub fn numbers(&mut self, column: &Column) -> Step<Value> {
        self.number(column)
    }
}
