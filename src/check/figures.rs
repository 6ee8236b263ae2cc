//! `plot` and `map`: which values have a picture.

use super::arguments::Bound;
use super::library::Entry;
use super::scope::Value;
use super::spec::*;
use super::{Check, Checker, Reported};
use crate::diagnostic::Diagnostic;
use crate::syntax::ast::*;
use crate::syntax::print;
use std::rc::Rc;

/// The sides of a figure in pixels.
const SIDES: std::ops::RangeInclusive<usize> = 160..=4000;

impl Checker<'_> {
    /// `plot(x)` and `map(x)`.
    pub(crate) fn figure_call(&mut self, call: &Expr, entry: &Entry, arguments: &[Argument]) -> Check<Value> {
        let bound = self.bind(&entry.name, &entry.parameters, arguments, call.span)?;
        let Some(x) = bound.get("x") else { return Err(Reported) };
        let at = bound.get("at");
        let of = if entry.name == "map" { self.mapped(x) } else { self.output(x) };
        let title = bound.get("title").map(|e| self.string(e)).transpose();
        let width = self.side(&bound, "width");
        let height = self.side(&bound, "height");
        let of = of?;
        let picture = match entry.name.as_str() {
            "map" => {
                let panel = self.ground(x, &of)?;
                Picture::Map { panel, at: self.map_period(at, &of)? }
            }
            _ if self.has_plot(&of) => Picture::Plot,
            _ => return Err(self.no_picture(x, "plot", PLOTTED)),
        };
        let name = Written(print::expression(x));
        let spec = FigureSpec { picture, of, name, title: title?, width: width?, height: height? };
        Ok(Value::Figure(Rc::new(spec)))
    }

    fn side(&mut self, bound: &Bound, name: &str) -> Check<Option<f64>> {
        let Some(e) = bound.get(name) else { return Ok(None) };
        let pixels = self.count(e, name, 1)?;
        if SIDES.contains(&pixels) {
            return Ok(Some(pixels as f64));
        }
        let message = format!("`{name}` lies from {} to {} pixels, {pixels} was given", SIDES.start(), SIDES.end());
        Err(self.report(Diagnostic::error("durbin::check::out_of_range", self.at(e.span), message)))
    }

    fn has_plot(&self, of: &Output) -> bool {
        match of {
            Output::Fit(_) | Output::Treatment(_) => true,
            Output::Design(design) => !matches!(
                design,
                DesignSpec::FakeTiming { .. }
                    | DesignSpec::Simulate(_)
                    | DesignSpec::SplitExposure { .. }
                    | DesignSpec::Joint(_)
            ),
            Output::Answer { answer, .. } => matches!(
                answer,
                Answer::Effects
                    | Answer::Responses(_)
                    | Answer::EffectsByUnit
                    | Answer::EffectsByOrder(_)
                    | Answer::Residuals
            ),
            Output::Test(_) => self.has_scatter(of),
            Output::List(items) => {
                let all = |has: &dyn Fn(&Output) -> bool| items.iter().all(|(_, o)| has(o));
                !items.is_empty() && (all(&|o| matches!(o, Output::Fit(_))) || all(&|o| self.has_scatter(o)))
            }
            _ => false,
        }
    }

    /// `moran` or `local_moran` of one period.
    fn has_scatter(&self, of: &Output) -> bool {
        let Output::Test(number) = of else { return false };
        match &self.spec.tests[*number].query {
            TestQuery::Column { statistic, periods, .. } => {
                *statistic != Autocorrelation::Geary && matches!(periods, Periods::At(_))
            }
            _ => false,
        }
    }

    /// What a map shows: an outcome, a column of a panel, or several layers of them.
    fn mapped(&mut self, x: &Expr) -> Check<Output> {
        match &x.kind {
            ExprKind::Group(inner) => self.mapped(inner),
            ExprKind::List(items) => {
                let layers = items.iter().map(|e| Ok((Written(print::expression(e)), self.mapped(e)?)));
                layers.collect::<Check<Vec<_>>>().map(Output::List)
            }
            _ if self.is_of_rows(x) => {
                let panel = self.formula_panel(x)?;
                let value = self.column(x, panel)?;
                let dims = vec!["unit".to_string(), "time".to_string()];
                Ok(Output::Array(self.interned(ArraySpec { value, dims, rows_of: Some(panel) })))
            }
            _ => self.output(x),
        }
    }

    /// Whether an expression is computed row by row: a column of a panel, or a function of columns.
    fn is_of_rows(&self, x: &Expr) -> bool {
        match &x.kind {
            ExprKind::Name(name) => {
                matches!(self.scope.peek(&name.text), None | Some(Value::Column(_)))
                    && self.panels.iter().any(|p| p.columns.contains_key(&name.text))
            }
            ExprKind::Call { callee, .. } => match &callee.kind {
                ExprKind::Name(name) if self.scope.peek(&name.text).is_none() => {
                    matches!(name.text.as_str(), "ring" | "distance_to")
                        || self.library_entry(name).is_some_and(|e| matches!(e.module, "functions" | "indices"))
                }
                _ => false,
            },
            ExprKind::Chain { .. } | ExprKind::Prefix { .. } | ExprKind::If { .. } => true,
            _ => false,
        }
    }

    /// `at: 2022`, for columns alone.
    fn map_period(&mut self, at: Option<&Expr>, of: &Output) -> Check<Option<i64>> {
        let Some(at) = at else { return Ok(None) };
        let is_column = |o: &Output| matches!(o, Output::Array(_));
        if !(is_column(of) || matches!(of, Output::List(layers) if layers.iter().any(|(_, o)| is_column(o)))) {
            let message = "`at:` is the period of a column, and this map shows none";
            let fault = Diagnostic::error("durbin::check::bad_option_value", self.at(at.span), message)
                .help("leave it out; `local_moran(x, W, at: 2022)` takes its own");
            return Err(self.report(fault));
        }
        self.period(at).map(Some)
    }

    /// The panel whose units a map shows; it has coordinates or shapes.
    fn ground(&mut self, x: &Expr, of: &Output) -> Check<usize> {
        let panel = match of {
            Output::Array(number) => match self.spec.arrays[*number].rows_of {
                Some(panel) => panel,
                None => return Err(self.no_picture(x, "map", MAPPED)),
            },
            Output::List(layers) if !layers.is_empty() => {
                let mut panels = Vec::new();
                for (_, layer) in layers {
                    panels.push(self.ground(x, layer)?);
                }
                let layers_of = |has: fn(&Output) -> bool| layers.iter().all(|(_, o)| has(o));
                if !layers_of(|o| matches!(o, Output::Array(_) | Output::Treatment(_)))
                    && !layers_of(|o| matches!(o, Output::Test(_)))
                {
                    return Err(self.no_picture(x, "map", MAPPED));
                }
                if panels.iter().any(|p| *p != panels[0]) {
                    let message = "the layers of a map are of one panel, and these are of two";
                    let fault = Diagnostic::error("durbin::check::wrong_kind", self.at(x.span), message)
                        .help("make a map of each");
                    return Err(self.report(fault));
                }
                panels[0]
            }
            Output::Treatment(t) => self.spec.treatments[*t].panel,
            Output::Answer { answer: Answer::EffectsByUnit, model } => self.spec.models[*model].panel,
            Output::Test(number) => match &self.spec.tests[*number].query {
                TestQuery::Column { statistic: Autocorrelation::LocalMoran, sample, .. } => sample.panel,
                _ => return Err(self.no_picture(x, "map", MAPPED)),
            },
            _ => return Err(self.no_picture(x, "map", MAPPED)),
        };
        let bound = &self.panels[panel].spec;
        if bound.coords.is_some() || bound.shapes.is_some() {
            return Ok(panel);
        }
        let message = format!("a map needs to know where units are, and panel `{}` has no `coords`", bound.name);
        let help = format!("add `coords LON, LAT` to panel `{}` (longitude first)", bound.name);
        Err(self.report(Diagnostic::error("durbin::check::no_coordinates", self.at(x.span), message).help(help)))
    }

    fn no_picture(&mut self, x: &Expr, function: &str, have: &str) -> Reported {
        let message = format!("`{function}` has no picture of `{}`", print::expression(x));
        self.report(Diagnostic::error("durbin::check::wrong_kind", self.at(x.span), message).help(have.to_string()))
    }
}

const PLOTTED: &str = "there are plots of models, lists of models, effects, responses, residuals, treatments, designs, and \
of `moran` or `local_moran` of one period";
const MAPPED: &str = "there are maps of treatments, of columns, of `local_moran`, of `effects(m, by: unit)`, and of lists of a treatment and \
columns of 0 and 1: `[law, ring(law, 0, 300)]`, or of `local_moran`";
