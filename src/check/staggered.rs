//! Designs for staggered treatments: a formula or a model gives outcome, treatment and covariates; its matrices say who
//! is exposed.

use super::arguments::Bound;
use super::library::Entry;
use super::options::QueryOptions;
use super::query::assemble;
use super::scope::Value;
use super::spec::*;
use super::variance::VarianceUse;
use super::{Check, Checker, Reported};
use crate::diagnostic::Diagnostic;
use crate::estimators::{FixedEffects, Model, Variance};
use crate::syntax::ast::*;
use crate::syntax::print;
use std::rc::Rc;

/// Draws of the multiplier bootstrap where none are asked for.
const DRAWS: usize = 999;
const MOST_DRAWS: usize = 1_000_000;
/// Leads tested where none are asked for.
const LEADS: usize = 3;

impl Checker<'_> {
    /// A call of a design of this file; `None` for any other name.
    pub(crate) fn staggered_call(
        &mut self,
        call: &Expr,
        entry: &Entry,
        arguments: &[Argument],
    ) -> Option<Check<Value>> {
        if !matches!(entry.name.as_str(), "att_gt" | "sun_abraham" | "imputation" | "two_stage" | "bacon" | "psm_did") {
            return None;
        }
        let design = self.staggered(call, entry, arguments);
        Some(design.map(|spec| {
            let known = self.spec.staggered.iter().position(|s| *s == spec);
            let number = known.unwrap_or_else(|| {
                self.spec.staggered.push(spec);
                self.spec.staggered.len() - 1
            });
            Value::Design(Rc::new(DesignSpec::Staggered(number)))
        }))
    }

    fn staggered(&mut self, call: &Expr, entry: &Entry, arguments: &[Argument]) -> Check<StaggeredSpec> {
        let bound = self.bind(&entry.name, &entry.parameters, arguments, call.span)?;
        let (sample, of) = self.design_sample(call, entry, &bound, arguments)?;
        if let Some(w) = sample.changing() {
            let what = format!("`{}` with weights that change over time (`{}`)", entry.name, w.name);
            return Err(self.later(call.span, what));
        }
        let kind = self.staggered_kind(entry, &bound)?;
        let anticipation = match bound.get("anticipation") {
            Some(e) => self.count(e, "anticipation", 0)? as i64,
            None => 0,
        };
        if kind == StaggeredKind::Bacon && sample.terms.len() > 1 {
            let treatment = &sample.terms[0].value.text;
            let more: Vec<&str> = sample.terms.iter().skip(1).map(|t| t.value.text.as_str()).collect();
            let message = format!(
                "the decomposition is of the two-way estimate without covariates, and the formula has {}",
                crate::fault::ticked_list(&more)
            );
            let repaired = format!("bacon({} ~ {treatment})", sample.outcome.text);
            return Err(self.report(
                Diagnostic::error("durbin::check::bad_option_value", self.at(call.span), message)
                    .help(format!("write `{repaired}`")),
            ));
        }
        if matches!(kind, StaggeredKind::Matched { .. }) && sample.terms.len() < 2 {
            let message = "`psm_did` matches on covariates, and the formula has none";
            return Err(self.report(Diagnostic::error("durbin::check::no_terms", self.at(call.span), message).help(
                format!(
                    "write them after the treatment: `{} ~ {} + x`",
                    sample.outcome.text, sample.terms[0].value.text
                ),
            )));
        }
        let place = Place(self.at(call.span));
        Ok(StaggeredSpec { query: entry.name.clone(), of, kind, anticipation, sample, place })
    }

    fn staggered_kind(&mut self, entry: &Entry, bound: &Bound) -> Check<StaggeredKind> {
        let leads = match bound.get("leads") {
            Some(e) => self.count(e, "leads", 0)?,
            None => LEADS,
        };
        Ok(match entry.name.as_str() {
            "att_gt" => {
                let mut word = |option: &str, choices: &[&'static str]| match bound.get(option) {
                    Some(e) => self.choice(option, e, choices),
                    None => Ok(choices[0]),
                };
                let control = match word("control", &["never", "not_yet"])? {
                    "never" => ControlUse::Never,
                    _ => ControlUse::NotYet,
                };
                let estimator = match word("estimator", &["dr", "reg", "ipw"])? {
                    "dr" => ComparisonUse::Dr,
                    "reg" => ComparisonUse::Reg,
                    _ => ComparisonUse::Ipw,
                };
                let varying = word("base", &["varying", "universal"])? == "varying";
                let multiplier = match word("multiplier", &["rademacher", "mammen"])? {
                    "rademacher" => MultiplierUse::Rademacher,
                    _ => MultiplierUse::Mammen,
                };
                let draws = self.design_draws(bound)?;
                StaggeredKind::GroupTime { control, estimator, varying, draws, multiplier }
            }
            "sun_abraham" => {
                let control = match bound.get("control") {
                    Some(e) if self.choice("control", e, &["never", "last"])? == "last" => ControlUse::Last,
                    _ => ControlUse::Never,
                };
                StaggeredKind::SunAbraham { control }
            }
            "imputation" => StaggeredKind::Imputation { leads },
            "two_stage" => StaggeredKind::TwoStage { leads },
            "psm_did" => self.matched_kind(bound)?,
            _ => StaggeredKind::Bacon,
        })
    }

    fn design_draws(&mut self, bound: &Bound) -> Check<usize> {
        let Some(e) = bound.get("draws") else { return Ok(DRAWS) };
        let draws = self.count(e, "draws", 99)?;
        if draws <= MOST_DRAWS {
            return Ok(draws);
        }
        let message = format!("`draws` is {draws}; at most {MOST_DRAWS} are allowed");
        Err(self.report(Diagnostic::error("durbin::check::out_of_range", self.at(e.span), message)))
    }

    /// The sample of a design from its first argument, a formula or a model, and the options that change it. As a model
    /// it is never estimated: it lags nothing, and its matrices are those of exposure.
    pub(crate) fn design_sample(
        &mut self,
        call: &Expr,
        entry: &Entry,
        bound: &Bound,
        arguments: &[Argument],
    ) -> Check<(ModelSpec, String)> {
        let Some(first) = bound.get("formula") else { return Err(Reported) };
        let is_formula = matches!(&ungrouped(first).kind, ExprKind::Formula { tilde: Some(_), .. });
        let lent = match is_formula {
            true => self.sample_of_formula(call, entry, arguments)?,
            false => self.sample_of_model(call, entry, first)?,
        };
        let panel = lent.panel;
        let condition = bound.get("where").map(|e| self.column(e, panel)).transpose();
        let level = bound.get("level").map(|e| self.level(e)).transpose();
        let exposure = bound.get("exposure").map(|e| self.exposure(e, panel)).transpose();
        let variance = bound.get("se").map(|e| self.clusters_of_units(e, panel)).transpose();
        let weights = exposure?.unwrap_or_else(|| lent.weights.clone());
        let model = if weights.is_empty() { Model::Ols } else { Model::Slx };
        let mut sample = ModelSpec { model, weights, ..lent };
        if let Some(condition) = condition? {
            sample.condition = Some(condition);
        }
        if let Some(level) = level? {
            sample.level = level;
        }
        if let Some(VarianceUse { variance, name, cluster, .. }) = variance? {
            (sample.variance, sample.variance_name, sample.cluster) = (variance, name, cluster);
        }
        Ok((sample, print::expression(ungrouped(first))))
    }

    fn sample_of_formula(&mut self, call: &Expr, entry: &Entry, arguments: &[Argument]) -> Check<ModelSpec> {
        let expr = self.formula_argument(call, entry, arguments)?;
        let panel = self.formula_panel(expr)?;
        let formula = self.formula(expr, panel)?;
        let treatment = self.first_treatment(&formula)?;
        if let Some(lag) = formula.time_lags.first() {
            let lag = formula.terms.get(lag.term).map_or(call.span, |t| t.value.place.0);
            return Err(self.later(lag, format!("`{}` with a lag of the outcome", entry.name)));
        }
        let level = self.spec.settings.level;
        let spec = assemble(entry, Model::Slx, true, panel, formula, Some(treatment), QueryOptions::default(), level);
        let places = (Place(self.at(expr.span)), Place(self.at(call.span)));
        Ok(ModelSpec { durbin: Some(Vec::new()), formula_place: places.0, place: places.1, ..spec })
    }

    /// A model lends formula, panel, condition and level; its clusters where they are of units.
    fn sample_of_model(&mut self, call: &Expr, entry: &Entry, expr: &Expr) -> Check<ModelSpec> {
        let model = self.model_argument(expr)?;
        let lent = self.spec.models[model].clone();
        if lent.treatment.is_none() {
            return Err(self.no_treatment(call, entry, expr));
        }
        if !lent.time_lags.is_empty() || !lent.effects.is_empty() || lent.trends {
            let what =
                if lent.time_lags.is_empty() { "with other effects or trends" } else { "with a lag of the outcome" };
            return Err(self.later(call.span, format!("`{}` of a model {what}", entry.name)));
        }
        let of_units = matches!(lent.variance, Variance::ClusterUnit | Variance::ClusterColumn);
        let (variance, variance_name, cluster) = match of_units {
            true => (lent.variance, lent.variance_name.clone(), lent.cluster.clone()),
            false => (Variance::ClusterUnit, "cluster(unit)".to_string(), None),
        };
        Ok(ModelSpec {
            query: entry.name.clone(),
            durbin: Some(Vec::new()),
            lag_weights: None,
            error_weights: None,
            fixed_effects: Some(FixedEffects::Both),
            variance,
            variance_name,
            cluster,
            resampling: None,
            likelihood: None,
            df_adjust: false,
            effect_errors: EffectErrors::Delta,
            formula_place: Place(self.at(expr.span)),
            place: Place(self.at(call.span)),
            ..lent
        })
    }

    /// `exposure: C`, `exposure: [A, B]`, `exposure: none`.
    fn exposure(&mut self, expr: &Expr, panel: usize) -> Check<Vec<WeightsUse>> {
        let mut uses = Vec::new();
        let none = matches!(&expr.kind, ExprKind::Name(n) if n.text == "none" && self.scope.peek("none").is_none());
        if !none {
            self.formula_weights(expr, panel, &mut uses)?;
        }
        Ok(uses)
    }

    /// `se: cluster(unit)`, `se: cluster(region)`: what influence functions are summed by.
    fn clusters_of_units(&mut self, expr: &Expr, panel: usize) -> Check<VarianceUse> {
        let found = self.variance(expr, Model::Ols, panel)?;
        let of_units = matches!(found.variance, Variance::ClusterUnit | Variance::ClusterColumn);
        if of_units && found.resampling.is_none() {
            return Ok(found);
        }
        let message = format!("`{}` is no value of `se:` here", print::expression(expr));
        Err(self.report(
            Diagnostic::error("durbin::check::bad_option_value", self.at(expr.span), message)
                .help("errors are clustered by units, `cluster(unit)`, or by groups of them, `cluster(COLUMN)`"),
        ))
    }
}

fn ungrouped(expr: &Expr) -> &Expr {
    match &expr.kind {
        ExprKind::Group(inner) => ungrouped(inner),
        _ => expr,
    }
}
