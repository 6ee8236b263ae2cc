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
        let of = self.output(x);
        let title = bound.get("title").map(|e| self.string(e)).transpose();
        let width = self.side(&bound, "width");
        let height = self.side(&bound, "height");
        let of = of?;
        let picture = match entry.name.as_str() {
            "map" => self.ground(x, &of).map(|panel| Picture::Map { panel })?,
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
            Output::Test(number) => match &self.spec.tests[*number].query {
                TestQuery::Column { statistic, periods, .. } => {
                    *statistic != Autocorrelation::Geary && matches!(periods, Periods::At(_))
                }
                _ => false,
            },
            Output::List(items) => !items.is_empty() && items.iter().all(|(_, o)| matches!(o, Output::Fit(_))),
            _ => false,
        }
    }

    /// The panel whose units a map shows; it has coordinates or shapes.
    fn ground(&mut self, x: &Expr, of: &Output) -> Check<usize> {
        let panel = match of {
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
const MAPPED: &str = "there are maps of treatments, of `local_moran`, and of `effects(m, by: unit)`";
