//! Labelled arrays inside expressions: columns of data sets over their keys, reductions that name the dimension they
//! take away, labels of dimensions, and which dimensions an expression is left with.

use super::library::Entry;
use super::scope::Value;
use super::spec::*;
use super::{Check, Checker, PanelInfo, Reported};
use crate::diagnostic::Diagnostic;
use crate::fault::ticked_all;
use crate::suggest;
use crate::syntax::ast::*;
use crate::syntax::print;
use std::rc::Rc;

/// Functions along a dimension that stays; `cumsum` only with `over`.
pub(crate) const ALONG: [&str; 5] = ["standardize", "winsorize", "rank", "cumsum", "group_sum"];

/// Whose columns bare names are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    Panel(usize),
    Data(usize),
    /// Nobody's: an array of the program.
    Program,
}

impl From<usize> for On {
    fn from(panel: usize) -> On {
        On::Panel(panel)
    }
}

impl On {
    pub fn word(self) -> &'static str {
        if matches!(self, On::Data(_)) { "data set" } else { "panel" }
    }
}

/// An array of the program and its dimensions.
#[derive(Clone, Debug)]
pub struct BoundArray {
    pub value: Column,
    pub dims: Vec<String>,
}

impl Column {
    /// The dimensions of its values; `unit` and `time` where it names columns of a panel.
    pub fn dims(&self) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        self.add_dims(&mut out);
        out
    }

    fn add_dims(&self, out: &mut Vec<String>) {
        let mut add = |name: &str| {
            if !out.iter().any(|d| d == name) {
                out.push(name.to_string());
            }
        };
        match &self.kind {
            ColumnKind::Number(_)
            | ColumnKind::Text(_)
            | ColumnKind::Bool(_)
            | ColumnKind::Missing
            | ColumnKind::Undefined(_) => {}
            ColumnKind::Name(_)
            | ColumnKind::Treatment(_)
            | ColumnKind::EventTime { .. }
            | ColumnKind::ExposureTime { .. }
            | ColumnKind::Near { .. }
            | ColumnKind::NearLine { .. }
            | ColumnKind::SpatialLag { .. }
            | ColumnKind::Split { .. }
            | ColumnKind::Levels(_) => {
                add("unit");
                add("time");
            }
            ColumnKind::Data { dims, .. } => dims.iter().for_each(|d| add(d)),
            ColumnKind::Foreign { dims, .. } => dims.iter().for_each(|d| add(d)),
            ColumnKind::Label(dim) => add(dim),
            ColumnKind::Negate(c) | ColumnKind::Not(c) => c.add_dims(out),
            ColumnKind::Chain { first, rest } => {
                first.add_dims(out);
                rest.iter().for_each(|(_, c)| c.add_dims(out));
            }
            ColumnKind::In { value, list, .. } => {
                value.add_dims(out);
                list.iter().for_each(|c| c.add_dims(out));
            }
            ColumnKind::If { branches, otherwise } => {
                for (c, v) in branches {
                    c.add_dims(out);
                    v.add_dims(out);
                }
                otherwise.add_dims(out);
            }
            ColumnKind::Call { arguments, .. } => arguments.iter().for_each(|c| c.add_dims(out)),
            ColumnKind::Reduce { of, over, .. } => of.dims().iter().filter(|d| !over.contains(d)).for_each(|d| add(d)),
            ColumnKind::Along { of, by, .. } => {
                of.add_dims(out);
                by.iter().for_each(|b| b.add_dims(out));
            }
        }
    }

    /// Renames dimensions in it.
    fn rename(&mut self, from: &str, to: &str) {
        let swap = |d: &mut String| {
            if d == from {
                *d = to.to_string();
            }
        };
        self.each_mut(&mut |c| match &mut c.kind {
            ColumnKind::Data { dims, .. } => dims.iter_mut().for_each(swap),
            ColumnKind::Foreign { dims, .. } => dims.iter_mut().for_each(swap),
            ColumnKind::Label(dim) => swap(dim),
            ColumnKind::Reduce { over, .. } | ColumnKind::Along { over, .. } => over.iter_mut().for_each(swap),
            _ => {}
        });
    }

    fn each_mut(&mut self, see: &mut dyn FnMut(&mut Column)) {
        see(self);
        match &mut self.kind {
            ColumnKind::Negate(c)
            | ColumnKind::Not(c)
            | ColumnKind::Levels(c)
            | ColumnKind::SpatialLag { of: c, .. }
            | ColumnKind::Reduce { of: c, .. } => c.each_mut(see),
            ColumnKind::Chain { first, rest } => {
                first.each_mut(see);
                rest.iter_mut().for_each(|(_, c)| c.each_mut(see));
            }
            ColumnKind::In { value, list, .. } => {
                value.each_mut(see);
                list.iter_mut().for_each(|c| c.each_mut(see));
            }
            ColumnKind::If { branches, otherwise } => {
                for (c, v) in branches {
                    c.each_mut(see);
                    v.each_mut(see);
                }
                otherwise.each_mut(see);
            }
            ColumnKind::Call { arguments, .. } => arguments.iter_mut().for_each(|c| c.each_mut(see)),
            ColumnKind::Along { of, by, .. } => {
                of.each_mut(see);
                by.iter_mut().for_each(|c| c.each_mut(see));
            }
            _ => {}
        }
    }
}

impl Checker<'_> {
    /// The panel or data set whose columns bare names are.
    pub(crate) fn info(&self, on: On) -> Option<&PanelInfo> {
        match on {
            On::Panel(p) => self.panels.get(p),
            On::Data(d) => self.data.get(d).map(|d| &d.info),
            On::Program => None,
        }
    }

    pub(crate) fn info_mut(&mut self, on: On) -> Option<&mut PanelInfo> {
        match on {
            On::Panel(p) => self.panels.get_mut(p),
            On::Data(d) => self.data.get_mut(d).map(|d| &mut d.info),
            On::Program => None,
        }
    }

    /// A dimension's name where columns are of a panel: its own two are `unit` and `time`.
    fn canonical(&self, name: &str, on: On) -> String {
        if let On::Panel(p) = on {
            let spec = &self.panels[p].spec;
            if name == spec.unit {
                return "unit".into();
            }
            if name == spec.time {
                return "time".into();
            }
        }
        name.to_string()
    }

    /// `jobs.employed`: an array over the keys of its data set.
    pub(crate) fn data_column(&mut self, name: &Name, d: usize, on: On) -> Check<ColumnKind> {
        let data = &self.data[d];
        if data.info.broken_columns.contains(&name.text) {
            return Err(Reported);
        }
        let dims: Vec<String> = data.keys.iter().map(|k| self.canonical(k, on)).collect();
        if let Some(at) = data.keys.iter().position(|k| *k == name.text) {
            return Ok(ColumnKind::Label(dims[at].clone()));
        }
        let owner = data.info.spec.name.clone();
        if !data.info.columns.contains_key(&name.text) {
            let columns: Vec<String> = data.info.columns.keys().cloned().collect();
            let file = crate::fault::ticked_list(&data.info.files);
            let mut fault = Diagnostic::error(
                "durbin::check::unknown_column",
                self.at(name.span),
                format!("data set `{owner}` has no column `{}` (read from {file})", name.text),
            );
            fault.help = suggest::did_you_mean(&name.text, columns.iter().map(String::as_str));
            return Err(self.report(fault));
        }
        if let Some(values) = &data.values
            && !values.contains(&name.text)
        {
            let message = format!("`{}` is a column of data set `{owner}`, but none of its values", name.text);
            let fault = Diagnostic::error("durbin::check::unknown_column", self.at(name.span), message).help(format!(
                "add it to the clause: `value {}, {}`",
                values.join(", "),
                print::name(&name.text)
            ));
            return Err(self.report(fault));
        }
        Ok(ColumnKind::Data { data: d, column: name.text.clone(), dims })
    }

    /// A column of a panel where the columns are not that panel's: an array over its unit and time.
    pub(crate) fn foreign_column(&mut self, name: &Name, p: usize, on: On) -> Check<ColumnKind> {
        if self.panels[p].broken_columns.contains(&name.text) {
            return Err(Reported);
        }
        if !self.panels[p].columns.contains_key(&name.text) {
            return Err(self.unknown_column(name, p));
        }
        let spec = &self.panels[p].spec;
        let dims = [self.canonical(&spec.unit, on), self.canonical(&spec.time, on)];
        Ok(ColumnKind::Foreign { panel: p, column: name.text.clone(), dims })
    }

    /// Inside a reduction the name of a dimension is its label; so are `unit` and `time` in a library body.
    pub(crate) fn label_name(&self, name: &Name, on: On) -> Option<ColumnKind> {
        if name.quoted {
            return None;
        }
        let canonical = self.canonical(&name.text, on);
        let library = self.is_library_span(name.span) && matches!(name.text.as_str(), "unit" | "time");
        let reduced = self.reducing.iter().flatten().any(|d| *d == canonical);
        (library || reduced).then(|| ColumnKind::Label(self.in_program(&canonical, on)))
    }

    /// `unit`, `time`, or a key of a data set, where no column bears the name.
    pub(crate) fn dimension_name(&self, name: &Name, on: On) -> Option<ColumnKind> {
        if name.quoted || matches!(on, On::Data(_)) {
            return None;
        }
        let known = self.data.iter().any(|d| d.keys.contains(&name.text))
            || matches!(name.text.as_str(), "unit" | "time") && !self.panels.is_empty();
        known.then(|| ColumnKind::Label(self.in_program(&self.canonical(&name.text, on), on)))
    }

    /// `unit` and `time` outside panels are the keys of the program's only panel.
    fn in_program(&self, dim: &str, on: On) -> String {
        match (on, dim, self.panels.as_slice()) {
            (On::Program, "unit", [only]) => only.spec.unit.clone(),
            (On::Program, "time", [only]) => only.spec.time.clone(),
            _ => dim.to_string(),
        }
    }

    /// An array of the program inside a panel or elsewhere: its dimensions take the names they have there.
    pub(crate) fn adopted(&mut self, name: &Name, array: &Rc<BoundArray>, on: On) -> Check<ColumnKind> {
        let mut column = array.value.clone();
        if let On::Data(_) = on {
            return Err(self.wrong_kind(name.span, "a column", &Value::Array(array.clone()), Some(&name.text)));
        }
        if let On::Panel(p) = on {
            let (unit, time) = (self.panels[p].spec.unit.clone(), self.panels[p].spec.time.clone());
            column.rename(&unit, "unit");
            column.rename(&time, "time");
        }
        Ok(column.kind)
    }

    /// `dimension_left`: a panel's column has the dimensions unit and time and no others.
    pub(crate) fn no_dimension_left(&mut self, column: &Column, panel: usize) -> Check<()> {
        let left: Vec<String> = column.dims().into_iter().filter(|d| d != "unit" && d != "time").collect();
        let Some(first) = left.first() else { return Ok(()) };
        let spec = &self.panels[panel].spec;
        let (own, time) = (spec.unit.clone(), spec.time.clone());
        let message = format!(
            "`{}` still has the dimension{} {}; a column of panel `{}` has unit and time",
            column.text,
            if left.len() == 1 { "" } else { "s" },
            ticked_all(&left),
            spec.name
        );
        let fault = Diagnostic::error("durbin::check::dimension_left", column.place.0, message).help(format!(
            "take it away, such as by `sum({} over {first})`; a key meets the panel's where it bears the same name, \
             `{own}` or `{time}`",
            column.text
        ));
        Err(self.report(fault))
    }

    /// The dimensions an `over` names, as they are called here.
    fn over(&mut self, arguments: &[Argument], on: On) -> Check<Vec<(String, Name)>> {
        let mut out: Vec<(String, Name)> = Vec::new();
        let mut failed = None;
        for over in arguments.iter().filter_map(|a| a.over.as_ref()) {
            let items = match &over.kind {
                ExprKind::List(items) => items.iter().collect(),
                _ => vec![over],
            };
            for item in items {
                let ExprKind::Name(n) = &item.kind else {
                    let message = format!("`over` names dimensions, `{}` is none", print::expression(item));
                    failed =
                        Some(self.report(Diagnostic::error("durbin::check::wrong_kind", self.at(item.span), message)));
                    continue;
                };
                out.push((self.in_program(&self.canonical(&n.text, on), on), n.clone()));
            }
        }
        failed.map_or(Ok(out), Err)
    }

    /// The array a function looks at and the dimensions it names, each of which the array has.
    fn along_dimensions(
        &mut self,
        of: &Expr,
        arguments: &[Argument],
        on: On,
        function: &str,
    ) -> Check<(Column, Vec<String>)> {
        let over = self.over(arguments, on)?;
        self.reducing.push(over.iter().map(|(d, _)| d.clone()).collect());
        let column = self.array(of, on);
        self.reducing.pop();
        let column = column?;
        let dims = column.dims();
        if over.is_empty() {
            let message = format!("`{function}` does not say along which dimension");
            let example = dims.first().map_or("d", String::as_str);
            let help = format!("write `{function}({} over {example})`", column.text);
            return Err(
                self.report(Diagnostic::error("durbin::check::arguments", self.at(of.span), message).help(help))
            );
        }
        let mut failed = None;
        for (dim, name) in &over {
            if !dims.contains(dim) {
                failed = Some(self.unknown_dimension(name, &column, &dims));
            }
        }
        failed.map_or(Ok((column, over.into_iter().map(|(d, _)| d).collect())), Err)
    }

    fn unknown_dimension(&mut self, name: &Name, of: &Column, dims: &[String]) -> Reported {
        let message = match dims {
            [] => format!("`{}` is a single value and has no dimension `{}`", of.text, name.text),
            _ => format!("`{}` has no dimension `{}`; its dimensions are {}", of.text, name.text, ticked_all(dims)),
        };
        let mut fault = Diagnostic::error("durbin::check::unknown_dimension", self.at(name.span), message);
        fault.help = suggest::did_you_mean(&name.text, dims.iter().map(String::as_str));
        self.report(fault)
    }

    /// `sum(x over d)`, `quantile(x, 0.9 over d, skip: true)`.
    pub(crate) fn reduction(
        &mut self,
        expr: &Expr,
        entry: &Entry,
        how: Reduction,
        arguments: &[Argument],
        on: On,
    ) -> Check<ColumnKind> {
        let (values, q, options) = self.reduction_arguments(expr, entry, how, arguments)?;
        let how = match (how, q) {
            (Reduction::Quantile(_), Some(q)) => Reduction::Quantile(self.share(q, "the share of a quantile")?),
            _ => how,
        };
        let (mut skip, mut of_panel) = (false, false);
        for (name, e) in options {
            match name.as_str() {
                "skip" => skip = self.boolean("skip", e)?,
                _ => of_panel = self.choice("reference", e, &["all", "panel"])? == "panel",
            }
        }
        let (column, over) = self.along_dimensions(values, arguments, on, &entry.name)?;
        if of_panel && !matches!(on, On::Panel(_)) {
            let message = "`reference: panel` keeps to the units of a panel, and this stands in none".to_string();
            let fault = Diagnostic::error("durbin::check::bad_option_value", self.at(expr.span), message)
                .help("leave it out, or write the expression as a `let` of the panel");
            return Err(self.report(fault));
        }
        Ok(ColumnKind::Reduce { how, of: Box::new(column), over, skip, of_panel })
    }

    #[allow(clippy::type_complexity)]
    fn reduction_arguments<'e>(
        &mut self,
        expr: &Expr,
        entry: &Entry,
        how: Reduction,
        arguments: &'e [Argument],
    ) -> Check<(&'e Expr, Option<&'e Expr>, Vec<(String, &'e Expr)>)> {
        let bound = self.bind(&entry.name, &entry.parameters, arguments, expr.span)?;
        let positional: Vec<&Expr> = arguments.iter().filter(|a| a.label.is_none()).map(|a| &a.value).collect();
        let wanted = if matches!(how, Reduction::Quantile(_)) { 2 } else { 1 };
        let q = bound.get("q");
        let given = positional.len() + usize::from(q.is_some() && positional.len() < 2 && wanted == 2);
        if given != wanted {
            return Err(self.wrong_count(expr, &entry.name, &entry.signature(), positional.len()));
        }
        let options = arguments
            .iter()
            .filter_map(|a| a.label.as_ref().map(|l| (l.text.clone(), &a.value)))
            .filter(|(l, _)| matches!(l.as_str(), "skip" | "reference"))
            .collect();
        Ok((positional[0], q, options))
    }

    /// A share from 0 to 1.
    fn share(&mut self, expr: &Expr, what: &str) -> Check<f64> {
        let x = self.number(expr, what)?;
        if (0.0..=1.0).contains(&x) {
            return Ok(x);
        }
        Err(self.report(
            Diagnostic::error(
                "durbin::check::out_of_range",
                self.at(expr.span),
                format!("{what} lies from 0 to 1, {x} was given"),
            )
            .help("the median is `quantile(x, 0.5 over d)`"),
        ))
    }

    /// `rank(x over d)` and its like.
    pub(crate) fn along(&mut self, expr: &Expr, entry: &Entry, arguments: &[Argument], on: On) -> Check<ColumnKind> {
        let bound = self.bind(&entry.name, &entry.parameters, arguments, expr.span)?;
        let Some(first) = arguments.iter().find(|a| a.label.is_none()).map(|a| &a.value) else {
            return Err(self.wrong_count(expr, &entry.name, &entry.signature(), 0));
        };
        let how = match entry.name.as_str() {
            "standardize" => Along::Standardize,
            "winsorize" => Along::Winsorize(match bound.get("tails") {
                Some(t) => self.share(t, "`tails`")?,
                None => 0.01,
            }),
            "rank" => match bound.get("ties") {
                Some(t) if self.choice("ties", t, &["mean", "first"])? == "first" => Along::Order,
                _ => Along::Rank,
            },
            "group_sum" => Along::GroupSum,
            _ => Along::Cumulate,
        };
        let (column, over) = self.along_dimensions(first, arguments, on, &entry.name)?;
        let by = match (how, bound.get("by")) {
            (Along::Cumulate | Along::GroupSum, Some(by)) => {
                self.reducing.push(over.clone());
                let by = self.array(by, on);
                self.reducing.pop();
                Some(Box::new(by?))
            }
            _ => None,
        };
        Ok(ColumnKind::Along { how, of: Box::new(column), by, over })
    }

    /// `undefined("zero_total")`.
    pub(crate) fn undefined(&mut self, expr: &Expr, entry: &Entry, arguments: &[Argument]) -> Check<ColumnKind> {
        let bound = self.bind(&entry.name, &entry.parameters, arguments, expr.span)?;
        let Some(reason) = bound.get("reason") else { return Err(Reported) };
        Ok(ColumnKind::Undefined(self.string(reason)?))
    }

    /// An array expression of the program: a value by itself where no dimension is left.
    pub(crate) fn array_value(&mut self, expr: &Expr) -> Check<Value> {
        let value = self.array(expr, On::Program)?;
        let dims = value.dims();
        if !dims.is_empty() {
            return Ok(Value::Array(Rc::new(BoundArray { value, dims })));
        }
        let model = self.interned(ArraySpec { value, dims, rows_of: None });
        Ok(Value::Scalar(ScalarExpr::Answer { answer: Answer::Array, model, entry: None, place: Place(expr.span) }))
    }

    /// The number of an array that is wanted as a whole.
    pub(crate) fn interned(&mut self, array: ArraySpec) -> usize {
        if let Some(known) = self.spec.arrays.iter().position(|a| *a == array) {
            return known;
        }
        self.spec.arrays.push(array);
        self.spec.arrays.len() - 1
    }
}
