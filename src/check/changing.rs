//! Weights that change over time (methods B.7): which models take them, and with which options.

use super::arguments::Bound;
use super::formula::Formula;
use super::library::Entry;
use super::options::QueryOptions;
use super::spec::*;
use super::{Check, Checker};
use crate::diagnostic::Diagnostic;
use crate::estimators::{FixedEffects, Likelihood, Model};
use crate::source::Span;
use crate::syntax::ast::Expr;

impl Checker<'_> {
    /// Refuses a question about a model whose weights change over time.
    pub(super) fn not_of_changing_weights(&mut self, call: &Expr, entry: &Entry, model: usize) -> Check<()> {
        let name = self.spec.models.get(model).and_then(|m| m.changing()).map(|w| w.name.clone());
        match name {
            Some(w) => {
                let what = format!("`{}` with weights that change over time (`{w}`)", entry.name);
                Err(self.later(call.span, what))
            }
            None => Ok(()),
        }
    }

    /// Refuses what has no estimator where a matrix changes over time.
    pub(super) fn changing_options(
        &mut self,
        model: Model,
        did: bool,
        bound: &Bound,
        formula: &Formula,
        options: &QueryOptions,
    ) -> Check<()> {
        let own = formula.weights.iter().filter(|_| model != Model::Ols);
        let lag = options.lag_weights.iter().filter(|_| model.has_lag());
        let error = options.error_weights.iter().filter(|_| model.has_error());
        let used: Vec<&WeightsUse> = own.chain(lag).chain(error).collect();
        let Some(changing) = used.into_iter().find(|w| w.recipe.changes()) else { return Ok(()) };
        let (name, place) = (changing.name.clone(), changing.place.0);
        if let Some(first) = formula.time_lags.first() {
            let text = formula.terms[first.term].value.text.clone();
            return Err(
                self.later(place, format!("a dynamic model (`{text}`) with weights that change over time (`{name}`)"))
            );
        }
        let refuse = |checker: &mut Self, place: Span, message: String, help: &str| {
            Err(checker.report(Diagnostic::error("durbin::check::bad_option_value", place, message).help(help)))
        };
        let place_of = |checker: &Self, option: &str| bound.get(option).map_or(place, |e| checker.at(e.span));
        match options.approach {
            ApproachSpec::Likelihood | ApproachSpec::Instruments { .. } => {}
            ApproachSpec::Random { .. } => {
                let message = format!("random effects of units do not commute with `{name}`, which changes over time");
                return refuse(self, place_of(self, "fe"), message, "`fe: unit`, or weights that stay the same");
            }
            ApproachSpec::Moments => {
                let message = format!("the moments of lambda are those of one matrix, and `{name}` changes over time");
                return refuse(
                    self,
                    place_of(self, "method"),
                    message,
                    "weights that stay the same, or `method: qml` with `fe: none`",
                );
            }
        }
        let none =
            !did && options.fixed_effects == Some(FixedEffects::None) && !options.trends && options.effects.is_empty();
        if model.has_error() && !none {
            let message = format!(
                "`{name}` changes over time, and so does the filter of the errors: no effects are left to take out after it"
            );
            let help = "`fe: none`; or `sdm` or `slx`, which keep their effects, with `se: cluster(unit)`";
            return refuse(self, place_of(self, "fe"), message, help);
        }
        let likelihood = (model.has_lag() || model.has_error()) && options.approach == ApproachSpec::Likelihood;
        if let (Some(given @ (Likelihood::Transform | Likelihood::Partial)), true) = (options.likelihood, likelihood) {
            let word = if given == Likelihood::Partial { "partial" } else { "transform" };
            let message = format!(
                "`likelihood: {word}` needs effects that commute with the weights, and `{name}` changes over time"
            );
            let help = "leave `likelihood:` out, which is `direct` here: effects are estimated beside the slopes";
            return refuse(self, place_of(self, "likelihood"), message, help);
        }
        if likelihood && !none {
            return self.variance_beside_effects(options, bound, "weights that change over time");
        }
        if likelihood && options.variance.as_ref().is_some_and(|v| v.resampling.is_some()) {
            let message = format!("a bootstrap rebuilds outcomes through one matrix, and `{name}` changes over time");
            return refuse(self, place_of(self, "se"), message, "use `cluster(unit)` or `iid`");
        }
        Ok(())
    }
}
