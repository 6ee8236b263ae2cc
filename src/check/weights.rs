//! Weights expressions: sources, constructors, algebra and scaling become a recipe; on a panel they are checked for what
//! they need of it.

use super::arguments::Bound;
use super::library::{Body, Entry};
use super::recipe::recipe_text;
use super::scope::{Callable, Value};
use super::spec::*;
use super::{Check, Checker, Input, Reported};
use crate::data::door;
use crate::data::writing::Writing;
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::suggest;
use crate::syntax::ast::*;
use crate::syntax::print;
use std::sync::Arc;

const ISLAND_WORDS: [&str; 4] = ["error", "keep", "nearest", "drop"];
const KERNEL_WORDS: [&str; 5] = ["gaussian", "epanechnikov", "bisquare", "triangular", "uniform"];

impl Checker<'_> {
    /// Whether a library name makes weights.
    pub(crate) fn is_weights_function(&self, name: &str) -> bool {
        self.request.library.get(name).is_some_and(|e| e.module == "weights" || matches!(e.body, Body::Family(_)))
    }

    /// Weights as a formula or a spatial lag names them, on `panel`.
    pub(crate) fn weights_use(&mut self, expr: &Expr, panel: usize) -> Check<WeightsUse> {
        let place = Place(self.at(expr.span));
        let name = print::expression(strip(expr));
        let value = match &strip(expr).kind {
            ExprKind::Name(n) => match self.scope.look_up(&n.text) {
                Some(v @ (Value::Weights(..) | Value::Broken)) => v,
                Some(other) => return Err(self.wrong_kind(n.span, "weights", &other, Some(&n.text))),
                None => return Err(self.unknown_name(n, |v| matches!(v, Value::Weights(..)))),
            },
            _ => self.value(expr)?,
        };
        match value {
            Value::Weights(recipe, on) => {
                if let Some(p) = on
                    && p != panel
                {
                    let (own, query) = (self.panels[p].spec.name.clone(), self.panels[panel].spec.name.clone());
                    return Err(self.report(
                        Diagnostic::error(
                            "durbin::check::which_panel",
                            place.0,
                            format!("`{name}` is on panel `{own}`, the columns are of panel `{query}`"),
                        )
                        .help(format!("declare weights of that panel: `weights NAME on {query} = …`")),
                    ));
                }
                self.needs(&recipe, panel)?;
                Ok(WeightsUse { name, panel, recipe, place })
            }
            Value::Broken | Value::Later(_) => Err(Reported),
            other => Err(self.wrong_kind(expr.span, "weights", &other, None)),
        }
    }

    /// What a recipe needs of its panel: coordinates, a column.
    pub(crate) fn needs(&mut self, recipe: &WeightsExpr, panel: usize) -> Check<()> {
        let shapes = self.panels[panel].spec.shapes.is_some();
        let coordinates = shapes || self.panels[panel].spec.coords.is_some();
        let distance = |word: &str, checker: &mut Self| {
            if coordinates {
                return Ok(());
            }
            Err(checker.no_places(word, recipe.place.0, panel))
        };
        match &recipe.kind {
            WeightsKind::Band { .. } => distance("band", self),
            WeightsKind::Knn { .. } => distance("knn", self),
            WeightsKind::Inverse { .. } => distance("inverse_distance", self),
            WeightsKind::Kernel { .. } => distance("kernel", self),
            WeightsKind::Exponential { .. } => distance("exponential_distance", self),
            WeightsKind::Contiguity { .. } if !shapes => Err(self.no_shapes(recipe.place.0, panel)),
            WeightsKind::Contiguity { .. } => Ok(()),
            WeightsKind::Gravity { column, .. } => {
                self.needs_column(column, recipe.place.0, panel)?;
                if coordinates { Ok(()) } else { Err(self.no_places("gravity", recipe.place.0, panel)) }
            }
            WeightsKind::Block { column, islands } | WeightsKind::Similarity { column, islands, .. } => {
                self.needs_column(column, recipe.place.0, panel)?;
                if *islands == IslandPolicy::Nearest { distance("islands: nearest", self) } else { Ok(()) }
            }
            WeightsKind::Edges { islands, .. }
            | WeightsKind::Matrix { islands, .. }
            | WeightsKind::Gal { islands, .. }
            | WeightsKind::Mtx { islands, .. }
            | WeightsKind::Swm { islands, .. }
            | WeightsKind::Gwt { islands, .. } => {
                if *islands == IslandPolicy::Nearest {
                    distance("islands: nearest", self)
                } else {
                    Ok(())
                }
            }
            WeightsKind::Add(a, b) | WeightsKind::Hadamard(a, b) | WeightsKind::Product(a, b) => {
                self.needs(a, panel)?;
                self.needs(b, panel)
            }
            WeightsKind::Transpose(a)
            | WeightsKind::Scale(_, a)
            | WeightsKind::HigherOrder(_, a)
            | WeightsKind::Row(a)
            | WeightsKind::Spectral(a)
            | WeightsKind::MinMax(a) => self.needs(a, panel),
        }
    }

    fn no_places(&mut self, word: &str, place: Span, panel: usize) -> Reported {
        let name = self.panels[panel].spec.name.clone();
        let message = format!("`{word}` needs distances, and panel `{name}` has no `coords`");
        let fault = Diagnostic::error("durbin::check::no_coordinates", place, message);
        self.report(fault.help(format!("add `coords LON, LAT` to panel `{name}` (longitude first)")))
    }

    /// A column that a source looks at is there.
    fn needs_column(&mut self, column: &str, place: Span, panel: usize) -> Check<()> {
        if self.panels[panel].broken_columns.iter().any(|c| c == column) {
            return Err(Reported);
        }
        if self.panels[panel].columns.contains_key(column) {
            return Ok(());
        }
        Err(self.unknown_column(&Name { text: column.to_string(), quoted: false, span: place }, panel))
    }

    /// `W(0, 250)` of a family declared in the program or the library.
    pub(crate) fn expand_family(&mut self, family: &Callable, arguments: &[Argument], call: &Expr) -> Check<Value> {
        match self.expand(family, arguments, call, |checker, body| checker.value(body))? {
            Value::Weights(recipe, on) => Ok(Value::Weights(recipe, on)),
            other => Err(self.wrong_kind(call.span, "weights", &other, None)),
        }
    }

    /// A weights function of the library.
    pub(crate) fn weights_call(&mut self, call: &Expr, entry: &Entry, arguments: &[Argument]) -> Check<Value> {
        if let Body::Family(body) = &entry.body {
            let family =
                Callable { name: entry.name.clone(), parameters: entry.parameters.clone(), body: body.clone() };
            return self.expand_family(&family, arguments, call);
        }
        let bound = self.bind(&entry.name, &entry.parameters, arguments, call.span)?;
        let first = entry.parameters.first().and_then(|p| bound.get(&p.name.text));
        let islands = self.islands(&entry.name, &bound)?;
        let kind = match (entry.name.as_str(), first) {
            ("row", Some(e)) => WeightsKind::Row(self.recipe(e)?),
            ("spectral", Some(e)) => WeightsKind::Spectral(self.recipe(e)?),
            ("minmax", Some(e)) => WeightsKind::MinMax(self.recipe(e)?),
            ("transpose", Some(e)) => WeightsKind::Transpose(self.recipe(e)?),
            ("edges", Some(e)) => self.edges(call, e, &bound, islands)?,
            ("matrix", Some(e)) => {
                let writing = self.written_arguments(e, &bound)?;
                WeightsKind::Matrix { file: self.square_file(e, &writing)?, writing, islands }
            }
            ("gal", Some(e)) => WeightsKind::Gal { file: self.plain_file(e)?, islands },
            ("gwt", Some(e)) => WeightsKind::Gwt { file: self.plain_file(e)?, islands },
            ("mtx", Some(e)) => {
                let units = match bound.get("units") {
                    Some(u) => Some(self.square_file(u, &Writing::default())?),
                    None => None,
                };
                WeightsKind::Mtx { file: self.plain_file(e)?, units, islands }
            }
            ("swm", Some(e)) => WeightsKind::Swm { file: self.plain_file(e)?, islands },
            ("contiguity", first) => self.contiguity(first, &bound, islands)?,
            ("exponential_distance", Some(e)) => {
                let decay = self.number(e, "`decay`")?;
                let allowed = decay > 0.0 && decay.is_finite();
                self.in_range(allowed, e, format!("`decay` is a positive number in 1/km, {decay} was given"))?;
                WeightsKind::Exponential { decay, cutoff: self.cutoff(&bound)?, islands }
            }
            ("gravity", Some(e)) => {
                let column = self.bare_column(e)?;
                WeightsKind::Gravity {
                    column,
                    power: self.power(&bound)?,
                    cutoff: self.cutoff(&bound)?,
                    until: self.until(&bound)?,
                    islands,
                }
            }
            ("higher_order", Some(e)) => {
                let order = match bound.get("order") {
                    Some(o) => self.count(o, "order", 1)?,
                    None => 2,
                };
                WeightsKind::HigherOrder(order, self.recipe(e)?)
            }
            ("band", Some(lo)) => self.band(call, lo, &bound, entry, islands)?,
            ("knn", Some(e)) => {
                let symmetric = match bound.get("symmetric") {
                    Some(s) => match self.string(s)?.as_str() {
                        "none" => Symmetric::No,
                        "or" => Symmetric::Or,
                        "and" => Symmetric::And,
                        other => {
                            let message = format!("`symmetric` is \"none\", \"or\" or \"and\", \"{other}\" was given");
                            return Err(self.report(
                                Diagnostic::error("durbin::check::bad_option_value", self.at(s.span), message)
                                    .help("`\"or\"` links both ways where one unit is near the other, `\"and\"` where both are"),
                            ));
                        }
                    },
                    None => Symmetric::No,
                };
                WeightsKind::Knn { k: self.count(e, "k", 1)?, symmetric, islands }
            }
            ("inverse_distance", _) => self.inverse(&bound, islands)?,
            ("block", Some(e)) => WeightsKind::Block { column: self.bare_column(e)?, islands },
            ("similarity", Some(e)) => {
                let until = self.until(&bound)?;
                let least = match bound.get("min_gap") {
                    Some(gap) => {
                        let least = self.number(gap, "`min_gap`")?;
                        let sound = least > 0.0 && (1.0 / least).is_finite();
                        self.in_range(sound, gap, format!("`min_gap` is a positive number, {least} was given"))?;
                        Some(least)
                    }
                    None => None,
                };
                WeightsKind::Similarity { column: self.bare_column(e)?, until, least, islands }
            }
            ("kernel", Some(e)) => {
                let shape = self.kernel_shape(e)?;
                let Some(width) = bound.get("bandwidth") else { return Err(Reported) };
                WeightsKind::Kernel { shape, bandwidth: self.bandwidth(width)?, islands }
            }
            _ => return Err(self.later(call.span, format!("`{}`", entry.name))),
        };
        let place = Place(self.at(call.span));
        Ok(Value::Weights(Arc::new(WeightsExpr { text: recipe_text(&kind), kind, place }), None))
    }

    /// The name of a column as an argument.
    fn bare_column(&mut self, expr: &Expr) -> Check<String> {
        if let ExprKind::Name(n) = &expr.kind {
            return Ok(n.text.clone());
        }
        let value = self.value(expr)?;
        Err(self.wrong_kind(expr.span, "a column", &value, None))
    }

    /// A constant period.
    pub(super) fn period(&mut self, expr: &Expr) -> Check<i64> {
        let x = self.number(expr, "a period")?;
        if x.fract() != 0.0 || x.abs() > 9e15 {
            return Err(self.report(Diagnostic::error(
                "durbin::check::out_of_range",
                self.at(expr.span),
                format!("a period is a whole number, {x} was given"),
            )));
        }
        Ok(x as i64)
    }

    fn kernel_shape(&mut self, expr: &Expr) -> Check<Kernel> {
        let word = self.choice("kernel", expr, &KERNEL_WORDS)?;
        Ok(match word {
            "gaussian" => Kernel::Gaussian,
            "epanechnikov" => Kernel::Epanechnikov,
            "bisquare" => Kernel::Bisquare,
            "triangular" => Kernel::Triangular,
            _ => Kernel::Uniform,
        })
    }

    /// A length, or `knn(k)`: each unit's distance to its k-th neighbor.
    fn bandwidth(&mut self, expr: &Expr) -> Check<Bandwidth> {
        if let ExprKind::Call { arguments, .. } = &expr.kind
            && self.word(expr) == Some("knn")
            && let [argument] = arguments.as_slice()
        {
            return Ok(Bandwidth::Nearest(self.count(&argument.value, "k", 1)?));
        }
        let h = self.length(expr, "`bandwidth`")?;
        if h > 0.0 && h.is_finite() {
            return Ok(Bandwidth::Fixed(h));
        }
        Err(self.report(Diagnostic::error(
            "durbin::check::out_of_range",
            self.at(expr.span),
            "`bandwidth` is a positive length",
        )))
    }

    fn islands(&mut self, name: &str, bound: &Bound) -> Check<IslandPolicy> {
        match bound.get("islands") {
            None if name == "band" => Ok(IslandPolicy::Keep),
            None => Ok(IslandPolicy::Error),
            Some(e) => self.choice("islands", e, &ISLAND_WORDS).map(IslandPolicy::of),
        }
    }

    /// The recipe of an expression that must be weights.
    pub(crate) fn recipe(&mut self, expr: &Expr) -> Check<Arc<WeightsExpr>> {
        let name = if let ExprKind::Name(n) = &expr.kind { Some(n.text.clone()) } else { None };
        match self.value(expr)? {
            Value::Weights(w, _) => Ok(w),
            Value::Later(_) => Err(Reported),
            other => Err(self.wrong_kind(expr.span, "weights", &other, name.as_deref())),
        }
    }

    /// A whole number of at least `least`.
    pub(crate) fn count(&mut self, expr: &Expr, what: &str, least: usize) -> Check<usize> {
        let x = self.number(expr, &format!("`{what}`"))?;
        if x.fract() != 0.0 || x < least as f64 || x > 1e9 {
            return Err(self.report(Diagnostic::error(
                "durbin::check::out_of_range",
                self.at(expr.span),
                format!("`{what}` is a whole number from {least} on, {x} was given"),
            )));
        }
        Ok(x as usize)
    }

    fn band(
        &mut self,
        call: &Expr,
        lo: &Expr,
        bound: &Bound,
        entry: &Entry,
        islands: IslandPolicy,
    ) -> Check<WeightsKind> {
        let hi = entry.parameters.get(1).and_then(|p| bound.get(&p.name.text));
        let lo = self.length(lo, "the inner bound of a band")?;
        let hi = hi.map_or(Ok(f64::INFINITY), |e| self.length(e, "the outer bound of a band"))?;
        if lo < 0.0 || hi <= lo || lo.is_nan() || hi.is_nan() {
            let swapped =
                if hi >= 0.0 && lo > hi { format!("; did you mean `band({hi}, {lo})`?") } else { String::new() };
            return Err(self.report(
                Diagnostic::error(
                    "durbin::weights::band_bounds",
                    self.at(call.span),
                    format!("a band from {lo} km to {hi} km holds no distance"),
                )
                .help(format!("a band holds the distances in (lo, hi], with 0 <= lo < hi{swapped}")),
            ));
        }
        Ok(WeightsKind::Band { lo, hi, islands })
    }

    fn inverse(&mut self, bound: &Bound, islands: IslandPolicy) -> Check<WeightsKind> {
        let power = self.power(bound)?;
        let cutoff = Some(self.cutoff(bound)?).filter(|c| c.is_finite());
        let least = self.positive_length(bound, "min_distance")?;
        Ok(WeightsKind::Inverse { power, cutoff, least, islands })
    }

    fn in_range(&mut self, holds: bool, expr: &Expr, message: String) -> Check<()> {
        if holds {
            return Ok(());
        }
        Err(self.report(Diagnostic::error("durbin::check::out_of_range", self.at(expr.span), message)))
    }

    /// `power`, 1 where it is left out.
    fn power(&mut self, bound: &Bound) -> Check<f64> {
        let Some(e) = bound.get("power") else { return Ok(1.0) };
        let power = self.number(e, "`power`")?;
        self.in_range(power > 0.0, e, format!("`power` is positive, {power} was given"))?;
        Ok(power)
    }

    /// `cutoff`, infinite where it is left out.
    fn cutoff(&mut self, bound: &Bound) -> Check<f64> {
        Ok(self.positive_length(bound, "cutoff")?.unwrap_or(f64::INFINITY))
    }

    pub(crate) fn positive_length(&mut self, bound: &Bound, option: &str) -> Check<Option<f64>> {
        let Some(e) = bound.get(option) else { return Ok(None) };
        let length = self.length(e, &format!("`{option}`"))?;
        self.in_range(length > 0.0, e, format!("`{option}` is a positive length"))?;
        Ok(Some(length))
    }

    /// `until`, the last period of means.
    fn until(&mut self, bound: &Bound) -> Check<Option<i64>> {
        match bound.get("until") {
            Some(u) => self.period(u).map(Some),
            None => Ok(None),
        }
    }

    fn edges(&mut self, call: &Expr, file: &Expr, bound: &Bound, islands: IslandPolicy) -> Check<WeightsKind> {
        let writing = self.written_arguments(file, bound)?;
        let (file, header) = self.table_file(file, &writing)?;
        let mut named = |role: &str| -> Check<Option<String>> {
            let Some(e) = bound.get(role) else { return Ok(None) };
            let name = match &e.kind {
                ExprKind::Name(n) => n.text.clone(),
                _ => self.string(e)?,
            };
            if header.contains(&name) {
                return Ok(Some(name));
            }
            let mut fault = Diagnostic::error(
                "durbin::check::unknown_column",
                self.at(e.span),
                format!("`{file}` has no column `{name}`"),
            );
            fault.help = suggest::did_you_mean(&name, header.iter().map(String::as_str));
            Err(self.report(fault))
        };
        let (from, to, weight, time) = (named("from")?, named("to")?, named("weight")?, named("time")?);
        if let (Some(e), true) = (bound.get("time"), matches!(islands, IslandPolicy::Nearest | IslandPolicy::Drop)) {
            let message = format!("`islands: {}` is for weights that stay the same", islands.word());
            let help = "`islands: keep` leaves a unit without neighbors in a period as it is";
            let fault = Diagnostic::error("durbin::check::bad_option_value", self.at(e.span), message);
            return Err(self.report(fault.help(help)));
        }
        if (from.is_none() || to.is_none()) && header.len() < 2 {
            return Err(self.report(
                Diagnostic::error(
                    "durbin::check::unknown_column",
                    self.at(call.span),
                    format!("`{file}` has {} column; an edge list has two or three", header.len()),
                )
                .help("the columns are from, to and, if there is one, weight"),
            ));
        }
        Ok(WeightsKind::Edges { file, writing, from, to, weight, time, islands })
    }

    /// The path of a table and its header, registered as an input.
    fn table_file(&mut self, expr: &Expr, writing: &Writing) -> Check<(String, Vec<String>)> {
        let path = self.string(expr)?;
        let header = self.header(&path, writing, expr.span)?;
        Ok((path, header))
    }

    /// The path of a square table, whose first column needs no name.
    fn square_file(&mut self, expr: &Expr, writing: &Writing) -> Check<String> {
        let before = self.diagnostics.len();
        let (path, _) = self.table_file(expr, writing)?;
        let known = self.diagnostics.split_off(before);
        self.diagnostics.extend(known.into_iter().filter(|d| d.code != "durbin::data::unnamed_column"));
        Ok(path)
    }

    fn plain_file(&mut self, expr: &Expr) -> Check<String> {
        let path = self.string(expr)?;
        self.inputs.push(Input { path: path.clone(), place: self.at(expr.span) });
        match self.request.loader.head(&path, 64) {
            Ok(_) => Ok(path),
            Err(fault) => {
                let span = self.at(expr.span);
                Err(self.report(Diagnostic::at(fault, Some(span))))
            }
        }
    }

    /// The header of a table, read once per use; its faults are `io::` and `data::`.
    pub(crate) fn header(&mut self, path: &str, writing: &Writing, span: Span) -> Check<Vec<String>> {
        let span = self.at(span);
        self.inputs.push(Input { path: path.to_string(), place: span });
        let all = door::needs_all(path);
        let bytes = if all { self.request.loader.read(path) } else { self.request.loader.head(path, door::HEAD) };
        let bytes = bytes.map_err(|f| self.report(Diagnostic::at(f, Some(span))))?;
        match door::header(path, &bytes, writing) {
            Ok((names, faults)) => {
                for f in faults {
                    self.report(Diagnostic::at(f, Some(span)));
                }
                Ok(names)
            }
            Err(f) => Err(self.report(Diagnostic::at(f, Some(span)))),
        }
    }

    /// `A + B`, `A * B`, `2 * A`.
    pub(crate) fn weights_arithmetic(
        &mut self,
        expr: &Expr,
        first: &Expr,
        rest: &[(Operator, Span, Expr)],
        values: Vec<Value>,
    ) -> Check<Value> {
        let spans: Vec<Span> = std::iter::once(first.span).chain(rest.iter().map(|r| r.2.span)).collect();
        let place = Place(self.at(expr.span));
        let mut items = values.into_iter().zip(spans);
        let Some((mut total, _)) = items.next() else { return Err(Reported) };
        for ((operator, at, _), (next, span)) in rest.iter().zip(items) {
            let kind = match (&total, operator, &next) {
                (Value::Weights(a, _), Operator::Plus, Value::Weights(b, _)) => WeightsKind::Add(a.clone(), b.clone()),
                (Value::Weights(a, _), Operator::Times, Value::Weights(b, _)) => {
                    WeightsKind::Hadamard(a.clone(), b.clone())
                }
                (Value::Weights(w, _), Operator::Times, Value::Scalar(ScalarExpr::Number(x)))
                | (Value::Scalar(ScalarExpr::Number(x)), Operator::Times, Value::Weights(w, _)) => {
                    if !x.is_finite() || *x < 0.0 {
                        return Err(self.report(Diagnostic::error(
                            "durbin::check::out_of_range",
                            self.at(*at),
                            format!("weights are not negative: they cannot be multiplied by {x}"),
                        )));
                    }
                    WeightsKind::Scale(*x, w.clone())
                }
                (Value::Scalar(ScalarExpr::Number(a)), Operator::Times, Value::Scalar(ScalarExpr::Number(b))) => {
                    total = Value::Scalar(ScalarExpr::Number(a * b));
                    continue;
                }
                (a, op, b) => {
                    let message = format!("{} `{}` {} is not weights algebra", a.kind(), op.text(), b.kind());
                    return Err(self.report(
                        Diagnostic::error("durbin::check::wrong_kind", self.at(span), message)
                            .help("weights take `A + B`, `A * B`, `A @ B` and `2 * A`; a spatial lag is `W @ x`"),
                    ));
                }
            };
            total = Value::Weights(Arc::new(WeightsExpr { text: recipe_text(&kind), kind, place }), None);
        }
        Ok(total)
    }

    /// `A @ B` outside formulas: products of matrices, from the right.
    pub(crate) fn product(&mut self, expr: &Expr, first: &Expr, rest: &[(Operator, Span, Expr)]) -> Check<Value> {
        let place = Place(self.at(expr.span));
        let operands: Vec<&Expr> = std::iter::once(first).chain(rest.iter().map(|r| &r.2)).collect();
        let Some((last, matrices)) = operands.split_last() else { return Err(Reported) };
        let is_column = matches!(&last.kind, ExprKind::Name(n) if self.scope.peek(&n.text).is_none()
            && self.panels.iter().any(|p| p.columns.contains_key(&n.text)));
        if is_column {
            return Err(self.later(expr.span, "a spatial lag outside formulas and panel clauses"));
        }
        let mut total = self.recipe(last)?;
        for w in matrices.iter().rev() {
            let kind = WeightsKind::Product(self.recipe(w)?, total);
            total = Arc::new(WeightsExpr { text: recipe_text(&kind), kind, place });
        }
        Ok(Value::Weights(total, None))
    }
}

/// Without redundant brackets.
fn strip(expr: &Expr) -> &Expr {
    match &expr.kind {
        ExprKind::Group(inner) => strip(inner),
        _ => expr,
    }
}
