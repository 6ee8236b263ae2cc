//! Dynamic models: which terms of a formula are lags of its outcome, and which queries take them (methods C.7).

use super::arguments::Bound;
use super::formula::Formula;
use super::library::Entry;
use super::options::QueryOptions;
use super::spec::*;
use super::{Check, Checker};
use crate::diagnostic::Diagnostic;
use crate::estimators::Model;
use crate::syntax::ast::Expr;

/// Periods over which responses are followed at most.
const MOST_HORIZONS: usize = 1000;

impl Checker<'_> {
    /// The terms that are `lag(y)` or `W @ lag(y)`, also where a `let` of the panel says so.
    pub(crate) fn time_lags(&mut self, outcome: &Column, terms: &[Term], panel: usize) -> Check<Vec<TimeLagUse>> {
        let mut out = Vec::new();
        for (term, Term { value }) in terms.iter().enumerate() {
            let steps = &self.panels[panel].spec.steps;
            let Some((order, mut through)) = time_lag(value, outcome, steps) else { continue };
            let what = if order != 1.0 {
                "a dynamic model of a higher order than one"
            } else if through.len() > 1 {
                "a dynamic model with a product of matrices"
            } else {
                out.push(TimeLagUse { term, weights: through.pop() });
                continue;
            };
            return Err(self.later(value.place.0, format!("{what} (`{}`)", value.text)));
        }
        Ok(out)
    }

    /// `effects(m, horizons: 8)` of a dynamic model.
    pub(crate) fn responses(&mut self, call: &Expr, model: usize, horizons: &Expr) -> Check<Answer> {
        let count = self.count(horizons, "horizons", 1)?;
        if count > MOST_HORIZONS {
            let message = format!("`horizons` is a whole number from 1 to {MOST_HORIZONS}, {count} was given");
            return Err(self.report(Diagnostic::error("durbin::check::out_of_range", self.at(horizons.span), message)));
        }
        if self.spec.models.get(model).is_some_and(|m| m.time_lags.is_empty()) {
            let message = "`horizons:` is for dynamic models, and this one has no lag of its outcome";
            let fault = Diagnostic::error("durbin::check::bad_option_value", self.at(call.span), message)
                .help("a dynamic model has `lag(y)` among its terms");
            return Err(self.report(fault));
        }
        Ok(Answer::Responses(count))
    }

    /// Refuses lags of the outcome where methods C.7 have no estimator, and says which terms a Durbin model lags by
    /// default: a spatial lag of the lag that the formula names is the only one.
    pub(crate) fn dynamic_options(
        &mut self,
        entry: &Entry,
        model: Model,
        bound: &Bound,
        formula: &Formula,
        options: &mut QueryOptions,
    ) -> Check<()> {
        let Some(first) = formula.time_lags.first() else { return Ok(()) };
        let term = &formula.terms[first.term].value;
        if model.has_error() {
            return Err(self.later(term.place.0, format!("a dynamic `{}` (`{}`)", entry.name, term.text)));
        }
        if let Some(e) = bound.get("df_adjust").filter(|_| options.df_adjust) {
            let message = format!("`df_adjust: true` counts regressors as given, and `{}` is not", term.text);
            let fault = Diagnostic::error("durbin::check::bad_option_value", self.at(e.span), message)
                .help("leave `df_adjust:` out: a dynamic model has a correction of its own");
            return Err(self.report(fault));
        }
        if let (Some(e), true) = (bound.get("se"), options.variance.as_ref().is_some_and(|v| v.resampling.is_some())) {
            return Err(self.later(e.span, format!("a bootstrap of a dynamic model (`{}`)", term.text)));
        }
        let spatial: Vec<usize> = formula.time_lags.iter().filter(|t| t.weights.is_some()).map(|t| t.term).collect();
        match &options.durbin {
            None if !spatial.is_empty() => {
                let time_lag = |k: &usize| formula.time_lags.iter().any(|t| t.term == *k);
                options.durbin = Some((0..formula.terms.len()).filter(|k| !time_lag(k)).collect());
            }
            Some(chosen) => {
                if let Some(k) = chosen.iter().find(|k| spatial.contains(k)) {
                    let text = formula.terms[*k].value.text.clone();
                    let place = bound.get("durbin").map_or(term.place.0, |e| e.span);
                    return Err(self.later(place, format!("the spatial lag of `{text}` in a dynamic model")));
                }
            }
            None => {}
        }
        Ok(())
    }
}

/// How many periods back a column is the outcome, and the matrices it is multiplied with; `None` for other columns.
fn time_lag(column: &Column, outcome: &Column, steps: &[PanelStep]) -> Option<(f64, Vec<WeightsUse>)> {
    match &column.kind {
        ColumnKind::Call { function: Function::Lag, arguments, number } => {
            let inner = arguments.first()?;
            if inner.text == outcome.text {
                return Some((*number, Vec::new()));
            }
            let (order, through) = time_lag(inner, outcome, steps)?;
            Some((order + number, through))
        }
        ColumnKind::SpatialLag { weights, of } => {
            let (order, mut through) = time_lag(of, outcome, steps)?;
            through.push(weights.clone());
            Some((order, through))
        }
        // A `let` knows those before it.
        ColumnKind::Name(name) => steps.iter().enumerate().find_map(|(k, step)| match step {
            PanelStep::Let { name: n, value } if n == name => time_lag(value, outcome, &steps[..k]),
            _ => None,
        }),
        _ => None,
    }
}
