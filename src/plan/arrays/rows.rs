//! Between arrays and the rows of panels: an array brought to the rows of a panel, rows as an array over unit and time,
//! columns of other panels, and the labels of dimensions.

use crate::check::spec::{Column, ColumnKind};
use crate::data::array::{Array, Dimension, NO_LABEL, Reason, broadcast, label_array, over};
use crate::data::keys::PanelIndex;
use crate::data::series::Value;
use crate::fault::Fault;
use crate::plan::columns::Eval;
use crate::plan::{Reported, Step};
use crate::source::Span;
use std::sync::Arc;

impl Eval<'_, '_> {
    /// An array expression as a column of the panel's rows; reasons of missing rows stay in `why`.
    pub(in crate::plan) fn array_column(&mut self, column: &Column) -> Step<Value> {
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
    pub(super) fn rows_from(&mut self, array: &Array, index: &PanelIndex, place: Span) -> Step<Vec<Option<u32>>> {
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

    pub(super) fn no_label_meets(&mut self, dim: &Dimension, index: &PanelIndex, place: Span) -> Reported {
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

    /// The units of the panel alone.
    pub(super) fn of_panel(&mut self, array: &Array) -> Step<Array> {
        let index = self.index()?;
        let mut dims = array.dims.clone();
        for dim in dims.iter_mut().filter(|d| d.name == "unit") {
            *dim = Dimension::new("unit", index.units.iter().map(|u| Arc::from(u.as_str())));
        }
        let (values, why) = broadcast(array, &dims);
        let cells = dims.iter().map(Dimension::len).product();
        Ok(over(dims, values.spread(cells), why))
    }

    /// Labels of a dimension: those of the data around it, else the panel's own.
    pub(super) fn labels(&mut self, dim: &str, place: Span) -> Step<Array> {
        let numbers = dim == "time" || self.planner.spec.panels.iter().any(|p| p.time == dim);
        let scopes = std::mem::take(&mut self.scopes);
        let mut leaf = None;
        for scope in scopes.iter().rev() {
            scope.visit(&mut |c| {
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
    pub(super) fn foreign(&mut self, panel: usize, column: &str, dims: &[String; 2]) -> Step<Array> {
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
    pub(super) fn array_of_rows(&mut self, value: Value) -> Step<Array> {
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

pub(super) fn panel_dimensions(index: &PanelIndex) -> [Dimension; 2] {
    let unit = Dimension {
        name: "unit".into(),
        labels: Arc::new(index.units.iter().map(|u| Arc::from(u.as_str())).collect()),
    };
    let labels = index.periods.iter().map(|p| Arc::from(p.to_string())).collect();
    [unit, Dimension { name: "time".into(), labels: Arc::new(labels) }]
}
