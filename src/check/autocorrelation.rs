//! Tests of autocorrelation: of a column in some periods, with one matrix or several, or of residuals.

use super::arguments::Bound;
use super::formula::Formula;
use super::library::Entry;
use super::options::QueryOptions;
use super::query::model_query;
use super::scope::Value;
use super::spec::*;
use super::{Check, Checker, Reported};
use crate::diagnostic::Diagnostic;
use crate::estimators::{FixedEffects, Model};
use crate::syntax::ast::*;
use crate::syntax::print;

/// Drawn orders where none are asked for (methods F.1).
const DRAWS: usize = 999;
/// The most that may be asked for.
const MOST_DRAWS: usize = 1_000_000;

/// What a test of autocorrelation is about.
enum Tested {
    Model(usize),
    Column(Box<Column>, usize),
}

impl Checker<'_> {
    pub(super) fn is_list(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::List(_) | ExprKind::Comprehension { .. } => true,
            ExprKind::Name(name) => matches!(self.scope.peek(&name.text), Some(Value::List(_))),
            _ => false,
        }
    }

    /// `moran(x, [W1, W2], by: year)`: the test with each of the matrices.
    pub(super) fn for_each_matrix(&mut self, call: &Expr, entry: &Entry, bound: &Bound, w: &Expr) -> Check<Value> {
        let Value::List(matrices) = self.value(w)? else { return Err(Reported) };
        let ExprKind::Call { callee, .. } = &call.kind else { return Err(Reported) };
        let mut out = Vec::new();
        for (_, matrix) in &matrices {
            let mut bound = bound.clone();
            bound.named.insert("w".to_string(), matrix);
            let query = self.autocorrelation(call, entry, &bound)?;
            let test = self.test(query, call);
            let argument = |(name, value): (&String, &&Expr)| {
                let stands_by_place = matches!(name.as_str(), "x" | "w");
                let label = (!stands_by_place).then(|| Name { text: name.clone(), span: value.span, quoted: false });
                Argument { label, value: (*value).clone(), over: None }
            };
            let arguments = bound.named.iter().map(argument).collect();
            let kind = ExprKind::Call { callee: callee.clone(), arguments };
            out.push((test, Expr { kind, span: call.span }));
        }
        Ok(Value::List(out))
    }

    /// `moran`, `geary`, `local_moran` of a column; `moran` of a model.
    pub(super) fn autocorrelation(&mut self, call: &Expr, entry: &Entry, bound: &Bound) -> Check<TestQuery> {
        let statistic = match entry.name.as_str() {
            "moran" => Autocorrelation::Moran,
            "geary" => Autocorrelation::Geary,
            _ => Autocorrelation::LocalMoran,
        };
        let Some(x) = bound.get("x") else { return Err(Reported) };
        let draws = bound.get("draws").map(|e| self.draws(e)).transpose()?;
        let (column, panel) = match self.tested(x)? {
            Tested::Column(column, panel) => (column, panel),
            Tested::Model(model) => {
                if let Some(option) = ["at", "by", "variance"].into_iter().find(|o| bound.get(o).is_some()) {
                    let place = bound.get(option).map_or(call.span, |e| e.span);
                    let message = format!("`{option}:` is for columns, and `{}` is a model", print::expression(x));
                    let fault = Diagnostic::error("durbin::check::bad_option_value", self.at(place), message)
                        .help("the residuals of a model are tested over all its periods; leave the option out");
                    return Err(self.report(fault));
                }
                if statistic != Autocorrelation::Moran {
                    let message = format!("`{}` takes a column, and `{}` is a model", entry.name, print::expression(x));
                    let fault = Diagnostic::error("durbin::check::wrong_kind", self.at(x.span), message)
                        .help(format!("`moran({})` tests the residuals of a model", print::expression(x)));
                    return Err(self.report(fault));
                }
                let weights = match bound.get("w") {
                    Some(w) => self.weights_use(w, self.spec.models.get(model).map_or(0, |m| m.panel))?,
                    None => self.weights_or_first(call, bound, model)?,
                };
                return Ok(TestQuery::Residuals { model, weights, draws: draws.unwrap_or(DRAWS) });
            }
        };
        let Some(w) = bound.get("w") else {
            let names = self.scope.names_of(|v| matches!(v, Value::Weights(..)));
            let have = names.first().copied().unwrap_or("W_knn(6)").to_string();
            let message = format!("`{}` of a column needs weights", entry.name);
            let help = format!("name a matrix: `{}({}, {have})`", entry.name, print::expression(x));
            return Err(
                self.report(Diagnostic::error("durbin::check::no_weights", self.at(call.span), message).help(help))
            );
        };
        let weights = self.constant_weights(w, panel)?;
        let periods = self.periods(call, bound, panel)?;
        let moments = match bound.get("variance") {
            None if statistic == Autocorrelation::LocalMoran => MomentsOf::Permutation,
            None => MomentsOf::Randomization,
            Some(e) => match self.choice("variance", e, &["randomization", "normal", "permutation"])? {
                "normal" => MomentsOf::Normal,
                "permutation" => MomentsOf::Permutation,
                _ => MomentsOf::Randomization,
            },
        };
        if let (Some(e), true) = (bound.get("draws"), moments != MomentsOf::Permutation) {
            let message = "`draws:` is how many orders a permutation draws, and none is asked for";
            let fault = Diagnostic::error("durbin::check::bad_option_value", self.at(e.span), message)
                .help("add `variance: permutation`, or leave `draws:` out");
            return Err(self.report(fault));
        }
        let sample = Box::new(self.sample_of(*column, panel, &weights)?);
        Ok(TestQuery::Column { statistic, sample, weights, periods, moments, draws: draws.unwrap_or(DRAWS) })
    }

    fn draws(&mut self, expr: &Expr) -> Check<usize> {
        let draws = self.count(expr, "draws", 19)?;
        if draws <= MOST_DRAWS {
            return Ok(draws);
        }
        let message = format!("`draws` is a whole number from 19 to {MOST_DRAWS}, {draws} was given");
        Err(self.report(Diagnostic::error("durbin::check::out_of_range", self.at(expr.span), message)))
    }

    /// A model, or a column of a panel.
    fn tested(&mut self, x: &Expr) -> Check<Tested> {
        let is_model = match &x.kind {
            ExprKind::Name(n) => {
                matches!(self.scope.peek(&n.text), Some(Value::Model(_) | Value::Later(_) | Value::Broken))
            }
            ExprKind::Call { callee, .. } => matches!(&callee.kind, ExprKind::Name(n)
                if self.scope.peek(&n.text).is_none() && model_query(&n.text).is_some()),
            _ => false,
        };
        if is_model {
            return self.model_argument(x).map(Tested::Model);
        }
        let panel = self.formula_panel(x)?;
        Ok(Tested::Column(Box::new(self.column(x, panel)?), panel))
    }

    fn periods(&mut self, call: &Expr, bound: &Bound, panel: usize) -> Check<Periods> {
        let time = self.panels[panel].spec.time.clone();
        match (bound.get("at"), bound.get("by")) {
            (None, None) => Ok(Periods::Only),
            (Some(at), None) => self.period(at).map(Periods::At),
            (None, Some(by)) => match &by.kind {
                ExprKind::Name(n) if n.text == time || n.text == "time" => Ok(Periods::Each),
                _ => Err(self.bad_option_value("by", by, &[&time])),
            },
            (Some(_), Some(_)) => {
                let fault = Diagnostic::error(
                    "durbin::check::arguments",
                    self.at(call.span),
                    "`at:` and `by:` exclude each other",
                )
                .help("`at:` tests one period, `by:` every one on its own");
                Err(self.report(fault))
            }
        }
    }

    /// A model without terms: it says which rows and units a column's test uses.
    fn sample_of(&mut self, column: Column, panel: usize, weights: &WeightsUse) -> Check<ModelSpec> {
        let place = column.place;
        let formula = Formula { outcome: column, terms: Vec::new(), weights: Vec::new(), time_lags: Vec::new() };
        let options = QueryOptions { fixed_effects: Some(FixedEffects::None), ..QueryOptions::default() };
        let spec = self.assembled(Model::Ols, panel, formula, options)?;
        Ok(ModelSpec { weights: vec![weights.clone()], formula_place: place, place, ..spec })
    }
}
