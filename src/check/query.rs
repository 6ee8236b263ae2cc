//! Queries: models with their options, questions put to models, and the calls this version declares but does not execute.

use super::arguments::Bound;
use super::arrays::ALONG;
use super::formula::Formula;
use super::library::{Body, Entry};
use super::options::QueryOptions;
use super::scope::{Callable, Value};
use super::spec::*;
use super::variance::VarianceUse;
use super::{Check, Checker, Reported};
use crate::diagnostic::Diagnostic;
use crate::estimators::{FixedEffects, Model, Variance};
use crate::syntax::ast::*;
use crate::syntax::print;

/// The family of a query and whether it is a difference-in-differences.
pub(crate) fn model_query(name: &str) -> Option<(Model, bool)> {
    Some(match name {
        "ols" => (Model::Ols, false),
        "slx" => (Model::Slx, false),
        "sar" => (Model::Sar, false),
        "sem" => (Model::Sem, false),
        "sdm" => (Model::Sdm, false),
        "sdem" => (Model::Sdem, false),
        "sac" => (Model::Sac, false),
        "gns" => (Model::Gns, false),
        "did" => (Model::Ols, true),
        "slx_did" => (Model::Slx, true),
        "sar_did" => (Model::Sar, true),
        "sem_did" => (Model::Sem, true),
        "sdm_did" => (Model::Sdm, true),
        "sdem_did" => (Model::Sdem, true),
        "sac_did" => (Model::Sac, true),
        _ => return None,
    })
}

impl Checker<'_> {
    /// A call of a name of the standard library, outside formulas.
    pub(crate) fn library_call(&mut self, call: &Expr, name: &Name, arguments: &[Argument]) -> Check<Value> {
        let Some(entry) = self.request.library.get(&name.text).cloned() else { return Err(Reported) };
        if let Some((model, did)) = model_query(&name.text) {
            return self.model_call(call, &entry, model, did, arguments).map(Value::Model);
        }
        if self.is_weights_function(&name.text) {
            return self.weights_call(call, &entry, arguments);
        }
        match entry.name.as_str() {
            "plot" | "map" => return self.figure_call(call, &entry, arguments),
            "table" => return self.table_call(call, &entry, arguments),
            "starts" | "indicator" => {
                return Err(self.report(
                    Diagnostic::error(
                        "durbin::check::wrong_kind",
                        self.at(call.span),
                        format!("`{}` makes a treatment, which is declared", entry.name),
                    )
                    .help(format!("write `treatment NAME = {}`", print::expression(call))),
                ));
            }
            _ => {}
        }
        if super::testing::is_test(&entry.name) {
            return self.test_call(call, &entry, arguments);
        }
        if let Some(answer) = answer(&entry.name) {
            return self.answer_call(call, &entry, answer, arguments);
        }
        let over = arguments.iter().any(|a| a.over.is_some());
        if let Some(function) = Function::of(&entry.name).filter(|f| !f.along_time() && !over) {
            return self.scalar_call(call, &entry, function, arguments);
        }
        if let Body::Function(body) = &entry.body {
            let f = Callable { name: entry.name.clone(), parameters: entry.parameters.clone(), body: body.clone() };
            return self.expand(&f, arguments, call, |checker, body| checker.value(body));
        }
        if entry.name == "describe" {
            return self.describe_call(call, &entry, arguments);
        }
        let array_function = Reduction::of(&entry.name).is_some()
            || ALONG.contains(&entry.name.as_str())
            || Function::of(&entry.name).is_some_and(Function::along_time);
        if array_function || entry.name == "undefined" {
            return self.array_value(call);
        }
        if let Some(value) = self.design_call(call, &entry, arguments) {
            return value;
        }
        self.later_call(call, &entry, arguments)
    }

    /// `sdm(y ~ x | W, …)`: the model it asks for, interned in the spec.
    pub(crate) fn model_call(
        &mut self,
        call: &Expr,
        entry: &Entry,
        model: Model,
        did: bool,
        arguments: &[Argument],
    ) -> Check<usize> {
        let formula_expr = self.formula_argument(call, entry, arguments)?;
        let bound = self.bind(&entry.name, &entry.parameters, arguments, call.span);
        let panel = self.formula_panel(formula_expr)?;
        let formula = self.formula(formula_expr, panel);
        let options = bound.and_then(|b| {
            let mut options = self.query_options(entry, model, did, &b, panel, formula.as_ref().ok())?;
            if let Ok(formula) = &formula {
                self.approach_options(entry, &b, formula, &options)?;
                self.dynamic_options(entry, model, &b, formula, &mut options)?;
                self.changing_options(model, did, &b, formula, &options)?;
            }
            Ok(options)
        });
        let formula = formula?;
        self.weights_fit(call, model, did, formula_expr, &formula)?;
        let treatment = if did { Some(self.first_treatment(&formula)?) } else { None };
        let options = options?;
        let place = Place(self.at(call.span));
        let spec = assemble(entry, model, did, panel, formula, treatment, options, self.settings_level());
        let spec = ModelSpec { formula_place: Place(self.at(formula_expr.span)), place, ..spec };
        Ok(self.interned_model(spec))
    }

    /// The number of a model; equal models have one.
    pub(crate) fn interned_model(&mut self, spec: ModelSpec) -> usize {
        if let Some(known) = self.spec.models.iter().position(|m| *m == spec) {
            return known;
        }
        self.spec.models.push(spec);
        self.spec.models.len() - 1
    }

    fn settings_level(&self) -> f64 {
        self.spec.settings.level
    }

    /// The formula of a query, or `no_formula` with the one that was meant.
    pub(crate) fn formula_argument<'e>(
        &mut self,
        call: &Expr,
        entry: &Entry,
        arguments: &'e [Argument],
    ) -> Check<&'e Expr> {
        let first = arguments.iter().find(|a| a.label.is_none());
        let formula = first.map(|a| &a.value).map(unwrap_group);
        if let Some(e) = formula
            && let ExprKind::Formula { tilde: Some(_), .. } = &e.kind
        {
            return Ok(e);
        }
        if self.panels.is_empty() && !self.broken_panel {
            self.only_panel(call.span, "a query", "")?;
        }
        let words: Vec<String> = arguments
            .iter()
            .filter(|a| a.label.is_none())
            .map(|a| match &a.value.kind {
                ExprKind::Formula { outcome: Some(e), .. } => print::expression(e),
                _ => print::expression(&a.value),
            })
            .collect();
        let weights = self.scope.names_of(|v| matches!(v, Value::Weights(..)));
        let (model, _) = model_query(&entry.name).unwrap_or((Model::Ols, false));
        let spatial = !matches!(model, Model::Ols);
        let bar = if spatial { format!(" | {}", weights.first().unwrap_or(&"W")) } else { String::new() };
        let repaired = match words.split_first() {
            None => format!("{}(y ~ x{bar})", entry.name),
            Some((y, [])) => format!("{}({y} ~ x{bar})", entry.name),
            Some((y, x)) => format!("{}({y} ~ {}{bar})", entry.name, x.join(" + ")),
        };
        Err(self.report(
            Diagnostic::error(
                "durbin::check::no_formula",
                self.at(call.span),
                format!("`{}` takes a formula, none was given", entry.name),
            )
            .help(format!("write `{repaired}`")),
        ))
    }

    /// Spatial queries have weights, `ols` and `did` do without.
    fn weights_fit(&mut self, call: &Expr, model: Model, did: bool, expr: &Expr, formula: &Formula) -> Check<()> {
        if model == Model::Ols {
            if let Some(w) = formula.weights.first() {
                let sibling = if did { "slx_did" } else { "slx" };
                self.report(
                    Diagnostic::lint(
                        "durbin::check::unused_weights",
                        w.place.0,
                        format!("`{}` uses no weights; `{}` is ignored", call_name(call), w.name),
                    )
                    .help(format!("leave the weights out, or ask for spatial lags with `{sibling}`")),
                );
            }
            return Ok(());
        }
        if formula.weights.is_empty() {
            let names = self.scope.names_of(|v| matches!(v, Value::Weights(..)));
            let have = names.first().copied().unwrap_or("W_knn(6)").to_string();
            return Err(self.report(
                Diagnostic::error(
                    "durbin::check::no_weights",
                    self.at(expr.span),
                    format!("`{}` is a spatial model and has no weights", call_name(call)),
                )
                .help(format!("weights stand after the bar: `{} | {have}`", print::expression(expr))),
            ));
        }
        Ok(())
    }

    /// The treatment a `_did` query begins with.
    pub(crate) fn first_treatment(&mut self, formula: &Formula) -> Check<usize> {
        let Some(first) = formula.terms.first() else { return Err(Reported) };
        if let ColumnKind::Treatment(t) = first.value.kind {
            return Ok(t);
        }
        let later = formula.terms.iter().position(|t| matches!(t.value.kind, ColumnKind::Treatment(_)));
        let help = match later {
            Some(i) => {
                let mut names: Vec<&str> = formula.terms.iter().map(|t| t.value.text.as_str()).collect();
                let treatment = names.remove(i);
                names.insert(0, treatment);
                let bar = if formula.weights.is_empty() {
                    String::new()
                } else {
                    let uses: Vec<&str> = formula.weights.iter().map(|w| w.name.as_str()).collect();
                    if uses.len() == 1 { format!(" | {}", uses[0]) } else { format!(" | [{}]", uses.join(", ")) }
                };
                format!("write `{} ~ {}{bar}`", formula.outcome.text, names.join(" + "))
            }
            None => match self.scope.names_of(|v| matches!(v, Value::Treatment(_))).as_slice() {
                [] => "declare one: `treatment NAME = starts(COLUMN)`".to_string(),
                names => format!("the program's treatments: {}", crate::fault::ticked_all(names)),
            },
        };
        let fault = Diagnostic::error(
            "durbin::check::first_term_not_treatment",
            self.at(first.value.place.0),
            format!("the first term of a difference-in-differences is its treatment; `{}` is none", first.value.text),
        )
        .here("the first term")
        .help(help);
        let found = later.map(|i| self.at(formula.terms[i].value.place.0));
        Err(self.report(match found {
            Some(place) => fault.label(place, "the treatment"),
            None => fault,
        }))
    }

    /// `coef(m)`, `nobs(m)`, `effects(m)`.
    fn answer_call(&mut self, call: &Expr, entry: &Entry, answer: Answer, arguments: &[Argument]) -> Check<Value> {
        let bound = self.bind(&entry.name, &entry.parameters, arguments, call.span)?;
        let first = entry.parameters.first().and_then(|p| bound.get(&p.name.text));
        let Some(model) = first else { return Err(Reported) };
        let model = self.model_argument(model)?;
        if answer == Answer::Effects && bound.rest.is_empty() {
            return Ok(Value::Answer(self.effects_answer(call, model, &bound)?, model));
        }
        let asked = matches!(answer, Answer::Explain | Answer::FixedEffects);
        if let Some(m) = self.spec.models.get(model).filter(|_| asked) {
            let (more, changing) = (m.has_more_effects(), m.changing().is_some());
            if more || changing {
                let what = if more { "with other effects or trends" } else { "whose weights change over time" };
                return Err(self.later(call.span, format!("`{}` of a model {what}", entry.name)));
            }
        }
        let extra = bound.named.len() > 1 || !bound.rest.is_empty();
        if extra {
            for (_, e) in bound.named.iter().skip(1) {
                let _ = self.loose(e);
            }
            return Err(self.later(call.span, format!("`{}` with further options", entry.name)));
        }
        Ok(Value::Answer(answer, model))
    }

    /// A model by name or as a query.
    pub(crate) fn model_argument(&mut self, expr: &Expr) -> Check<usize> {
        let name = if let ExprKind::Name(n) = &expr.kind { Some(n.text.clone()) } else { None };
        if let ExprKind::Name(n) = &expr.kind
            && self.scope.peek(&n.text).is_none()
        {
            return Err(self.unknown_name(n, |v| matches!(v, Value::Model(_))));
        }
        match self.value(expr)? {
            Value::Model(m) => Ok(m),
            Value::Later(_) | Value::Broken => Err(Reported),
            other => Err(self.wrong_kind(expr.span, "a model", &other, name.as_deref())),
        }
    }

    /// A query of the language that this version does not execute: its arguments are checked, then it is refused.
    fn later_call(&mut self, call: &Expr, entry: &Entry, arguments: &[Argument]) -> Check<Value> {
        let bound = self.bind(&entry.name, &entry.parameters, arguments, call.span)?;
        self.later_arguments(call, entry, &bound);
        Err(self.later(call.span, format!("`{}`", entry.name)))
    }

    fn later_arguments(&mut self, call: &Expr, entry: &Entry, bound: &Bound) {
        let needs_treatment = matches!(
            entry.name.as_str(),
            "event_study" | "placebo" | "att_gt" | "sun_abraham" | "imputation" | "bacon" | "rings_did"
        );
        for (i, (parameter, e)) in bound.named.iter().enumerate() {
            let out_of_range = match parameter.as_str() {
                "reps" | "draws" => Some((1.0, 1e7, "from 1 to 10000000")),
                "level" => Some((f64::MIN_POSITIVE, 1.0 - f64::EPSILON, "between 0 and 1, such as `0.95`")),
                _ => None,
            };
            if let Some((lo, hi, allowed)) = out_of_range {
                if let Ok(x) = self.number(e, &format!("`{parameter}`"))
                    && !(lo..=hi).contains(&x)
                {
                    self.report(
                        Diagnostic::error(
                            "durbin::check::out_of_range",
                            self.at(e.span),
                            format!("`{parameter}` is {x}; it lies {allowed}"),
                        )
                        .help(format!("`{parameter}:` lies {allowed}")),
                    );
                }
                continue;
            }
            let value = self.loose(e);
            if let (0, true, Some(Value::Model(m))) = (i, needs_treatment, value)
                && self.spec.models.get(m).is_some_and(|m| m.treatment.is_none())
            {
                self.no_treatment(call, entry, e);
            }
        }
        for e in &bound.rest {
            self.loose(e);
        }
    }

    pub(crate) fn no_treatment(&mut self, call: &Expr, entry: &Entry, model: &Expr) -> Reported {
        self.report(
            Diagnostic::error(
                "durbin::check::no_treatment",
                self.at(call.span),
                format!("`{}` needs a treatment, and `{}` has none", entry.name, print::expression(model)),
            )
            .help("use a model of a `_did` query, whose first term is a treatment"),
        )
    }

    /// Checks an argument whose kind depends on a query not built yet: names must exist, ranges must be sound.
    pub(crate) fn loose(&mut self, expr: &Expr) -> Option<Value> {
        match &expr.kind {
            ExprKind::Formula { tilde: Some(_), outcome: Some(_), .. } => {
                if let Ok(panel) = self.formula_panel(expr) {
                    let _ = self.formula(expr, panel);
                }
                None
            }
            ExprKind::Name(n) => {
                if self.scope.peek(&n.text).is_some() {
                    return self.scope.look_up(&n.text);
                }
                None
            }
            ExprKind::List(items) => {
                for i in items {
                    self.loose(i);
                }
                None
            }
            ExprKind::Call { callee, .. } => {
                let ExprKind::Name(n) = &callee.kind else { return None };
                let known = self.scope.peek(&n.text).is_some() || self.request.library.get(&n.text).is_some();
                if known { self.value(expr).ok() } else { None }
            }
            ExprKind::Chain { rest, .. } if rest[0].0 == Operator::Range => self.value(expr).ok(),
            ExprKind::Length { unit, .. } => {
                let _ = self.length_unit(unit);
                None
            }
            _ => None,
        }
    }
}

fn unwrap_group(expr: &Expr) -> &Expr {
    match &expr.kind {
        ExprKind::Group(inner) => unwrap_group(inner),
        _ => expr,
    }
}

fn answer(name: &str) -> Option<Answer> {
    Some(match name {
        "coef" => Answer::Coef,
        "residuals" => Answer::Residuals,
        "fitted" => Answer::Fitted,
        "fixed_effects" => Answer::FixedEffects,
        "vcov" => Answer::Vcov,
        "loglik" => Answer::Loglik,
        "aic" => Answer::Aic,
        "bic" => Answer::Bic,
        "nobs" => Answer::Nobs,
        "tidy" => Answer::Tidy,
        "predict" => Answer::Predict,
        "effects" => Answer::Effects,
        "explain" => Answer::Explain,
        _ => return None,
    })
}

/// Writes the defaults out.
#[allow(clippy::too_many_arguments)]
pub(crate) fn assemble(
    entry: &Entry,
    model: Model,
    did: bool,
    panel: usize,
    formula: Formula,
    treatment: Option<usize>,
    options: QueryOptions,
    level: f64,
) -> ModelSpec {
    let spatial = model != Model::Ols;
    let first = formula.weights.first().filter(|_| spatial).cloned();
    let lag_weights = if model.has_lag() { options.lag_weights.or_else(|| first.clone()) } else { None };
    let error_weights = if model.has_error() { options.error_weights.or(first) } else { None };
    let default = || match did {
        true => VarianceUse::plain(Variance::ClusterUnit, "cluster(unit)"),
        false => VarianceUse::plain(Variance::Iid, "iid"),
    };
    let VarianceUse { variance, name, cluster, resampling } = options.variance.unwrap_or_else(default);
    ModelSpec {
        query: entry.name.clone(),
        model,
        panel,
        outcome: formula.outcome,
        terms: formula.terms,
        weights: if spatial { formula.weights } else { Vec::new() },
        time_lags: formula.time_lags,
        durbin: if model.has_durbin() { options.durbin } else { Some(Vec::new()) },
        lag_weights,
        error_weights,
        treatment,
        events: None,
        fixed_effects: if did {
            Some(options.fixed_effects.unwrap_or(FixedEffects::Both))
        } else {
            options.fixed_effects
        },
        approach: options.approach,
        effects: options.effects,
        trends: options.trends,
        variance,
        variance_name: name,
        cluster,
        resampling,
        likelihood: options.likelihood,
        df_adjust: options.df_adjust,
        level: options.level.unwrap_or(level),
        condition: options.condition,
        effect_errors: options.effect_errors,
        formula_place: Place::default(),
        place: Place::default(),
    }
}

/// What is called, as the program spells it.
fn call_name(call: &Expr) -> String {
    match &call.kind {
        ExprKind::Call { callee, .. } => print::expression(callee),
        _ => print::expression(call),
    }
}
