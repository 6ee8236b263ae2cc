//! Many estimates from one question: outcomes drawn from a model, and one effect over many models.

use super::arguments::Bound;
use super::library::Entry;
use super::scope::Value;
use super::spec::*;
use super::{Check, Checker, Reported};
use crate::diagnostic::Diagnostic;
use crate::syntax::ast::*;
use crate::syntax::print;

/// Drawn outcomes where nobody says how many.
const REPS: usize = 500;
/// The same of joint draws.
const JOINT: usize = 499;

/// Models with their names, the term that all of them have, and the part of its effect.
type Compared = (Vec<(String, usize)>, String, Aspect);

impl Checker<'_> {
    /// `simulate(m, truth: {law: 0.05}, reps: 500)`
    pub(crate) fn simulate_design(&mut self, call: &Expr, entry: &Entry, bound: &Bound) -> Check<DesignSpec> {
        let found = self.design_model(bound);
        let reps = match bound.get("reps") {
            Some(e) => self.replications(e, "reps", 2),
            None => Ok(REPS),
        };
        let residuals = match bound.get("errors") {
            Some(e) => self.choice("errors", e, &["normal", "residuals"]).map(|word| word == "residuals"),
            None => Ok(false),
        };
        let truth = match bound.get("truth") {
            Some(e) => self.truth(e),
            None => Ok(Vec::new()),
        };
        let (model, of) = found?;
        self.not_of_changing_weights(call, entry, model)?;
        self.errors_by_formula(entry, model, bound)?;
        if !self.spec.models[model].time_lags.is_empty() {
            return Err(self.later(call.span, "`simulate` of a model with a lag of the outcome in time"));
        }
        Ok(DesignSpec::Simulate(SimulateSpec { of, model, reps: reps?, truth: truth?, residuals: residuals? }))
    }

    /// Replications take the errors of the formula: bootstraps inside of them would be bootstraps of bootstraps.
    pub(crate) fn errors_by_formula(&mut self, entry: &Entry, model: usize, bound: &Bound) -> Check<()> {
        let spec = &self.spec.models[model];
        let name = match (&spec.resampling, spec.effect_errors) {
            (None, EffectErrors::Delta) => return Ok(()),
            (Some(_), _) => format!("se: {}", spec.variance_name),
            (None, EffectErrors::Simulate { .. }) => "effects: simulate".to_string(),
        };
        let place = bound.get("m").map_or(entry.parameters[0].name.span, |e| e.span);
        let message = format!("`{}` estimates the model again and again, and `{name}` draws for every one", entry.name);
        let fault = Diagnostic::error("durbin::check::bad_option_value", self.at(place), message).help(
            "ask it of the model with errors by formula: without `effects:`, and with `se: cluster(unit)` or `se: iid`",
        );
        Err(self.report(fault))
    }

    /// Numbers by the names of parameters.
    fn truth(&mut self, expr: &Expr) -> Check<Vec<(String, f64, Place)>> {
        let entries = match self.value(expr)? {
            Value::Record(entries) => entries,
            other => return Err(self.wrong_kind(expr.span, "a record such as `{law: 0.05}`", &other, None)),
        };
        let mut out = Vec::new();
        for (name, value, span) in entries {
            let Value::Scalar(ScalarExpr::Number(x)) = value else {
                return Err(self.wrong_kind(span, "a number for each parameter", &value, None));
            };
            if name == "sigma2" && x <= 0.0 {
                let message = format!("`sigma2` is a variance above 0, {x} was given");
                return Err(self.report(Diagnostic::error("durbin::check::out_of_range", self.at(span), message)));
            }
            out.push((name, x, Place(self.at(span))));
        }
        Ok(out)
    }

    /// `spec_curve([sdm_did(…), …], effect: total)`
    pub(crate) fn spec_curve(&mut self, call: &Expr, _: &Entry, bound: &Bound) -> Check<DesignSpec> {
        let (models, term, aspect) = self.compared(call, "spec_curve", bound)?;
        Ok(DesignSpec::SpecCurve(SpecCurveSpec { models, term, aspect }))
    }

    /// `joint([sdm_did(y ~ law | W) for y in [a, b]], reps: 499)`
    pub(crate) fn joint(&mut self, call: &Expr, entry: &Entry, bound: &Bound) -> Check<DesignSpec> {
        let reps = match bound.get("reps") {
            Some(e) => self.replications(e, "reps", 19),
            None => Ok(JOINT),
        };
        let (models, term, aspect) = self.compared(call, "joint", bound)?;
        for (_, model) in &models {
            self.not_of_changing_weights(call, entry, *model)?;
            self.errors_by_formula(entry, *model, bound)?;
            if !self.spec.models[*model].time_lags.is_empty() {
                return Err(self.later(call.span, "`joint` of models with a lag of the outcome in time"));
            }
        }
        Ok(DesignSpec::Joint(JointSpec { models, term, aspect, reps: reps? }))
    }

    /// Two models or more, the term that all of them have, and the part of its effect that is compared.
    fn compared(&mut self, call: &Expr, what: &str, bound: &Bound) -> Check<Compared> {
        let Some(list) = bound.get("models") else { return Err(Reported) };
        let value = self.value(list)?;
        let mut models = Vec::new();
        self.models_in(value, list, &mut models)?;
        let aspect = match bound.get("effect") {
            Some(e) => self.choice("effect", e, &["total", "direct", "indirect"])?,
            None => "total",
        };
        let aspect = match aspect {
            "direct" => Aspect::Direct,
            "indirect" => Aspect::Indirect,
            _ => Aspect::Total,
        };
        if models.len() < 2 {
            let message = format!("`{what}` compares models, and the list has {}", models.len());
            let fault = Diagnostic::error("durbin::check::arguments", self.at(list.span), message)
                .help(format!("`{what}([sdm_did(y ~ law | W) for W in [A, B]])`"));
            return Err(self.report(fault));
        }
        let level = |m: &(String, usize)| self.spec.models.get(m.1).map(|m| m.level);
        if models.iter().any(|m| level(m) != level(&models[0])) {
            let message = format!("`{what}` judges all models at one level, and theirs differ");
            let fault = Diagnostic::error("durbin::check::bad_option_value", self.at(list.span), message)
                .help("give all of them the same `level:`");
            return Err(self.report(fault));
        }
        let term = match bound.get("term") {
            Some(e) => self.string(e)?,
            None => self.first_term(models[0].1)?,
        };
        let lacks = |(_, m): &&(String, usize)| {
            self.spec.models.get(*m).is_none_or(|m| m.terms.iter().all(|t| t.value.text != term))
        };
        if let Some((name, _)) = models.iter().find(lacks).cloned() {
            let message = format!("`{name}` has no term `{term}`");
            let place = self.at(bound.get("term").map_or(call.span, |e| e.span));
            let fault = Diagnostic::error("durbin::check::unknown_name", place, message)
                .help("one term of all models is compared: name it with `term: \"…\"`, as formulas write it");
            return Err(self.report(fault));
        }
        Ok((models, term, aspect))
    }

    /// The treatment of a model, or its first term.
    fn first_term(&mut self, model: usize) -> Check<String> {
        let first = self.spec.models.get(model).and_then(|m| m.terms.first());
        first.map(|t| t.value.text.clone()).ok_or(Reported)
    }

    /// Models of a list and of lists inside it.
    fn models_in(&mut self, value: Value, expr: &Expr, out: &mut Vec<(String, usize)>) -> Check<()> {
        match value {
            Value::Model(m) => {
                out.push((print::expression(expr), m));
                Ok(())
            }
            Value::List(items) => items.into_iter().try_for_each(|(value, e)| self.models_in(value, &e, out)),
            Value::Broken | Value::Later(_) => Err(Reported),
            other => Err(self.wrong_kind(expr.span, "a list of models", &other, None)),
        }
    }
}
