//! Tests: what is asked of which model or column, and restrictions written as text.

use super::arguments::Bound;
use super::formula::Formula;
use super::library::Entry;
use super::options::QueryOptions;
use super::query::assemble;
use super::scope::Value;
use super::spec::*;
use super::{Check, Checker, Reported};
use crate::diagnostic::Diagnostic;
use crate::estimators::{FixedEffects, Likelihood, Model, RandomEffects};
use crate::source::SourceId;
use crate::syntax::ast::*;
use crate::syntax::{parse_value, print};

/// Whether a library name is a test this file knows.
pub(crate) fn is_test(name: &str) -> bool {
    matches!(
        name,
        "moran"
            | "geary"
            | "local_moran"
            | "lm_tests"
            | "hausman"
            | "wald"
            | "lr"
            | "pesaran_cd"
            | "serial_correlation"
            | "parallel_trends"
            | "heteroskedasticity"
            | "specification_tests"
            | "compare_models"
    )
}

impl Checker<'_> {
    /// A call of a test.
    pub(crate) fn test_call(&mut self, call: &Expr, entry: &Entry, arguments: &[Argument]) -> Check<Value> {
        if entry.name == "specification_tests" {
            let query = self.specification(call, entry, arguments)?;
            return Ok(self.test(query, call));
        }
        let bound = self.bind(&entry.name, &entry.parameters, arguments, call.span)?;
        if let (true, Some(w)) = (matches!(entry.name.as_str(), "moran" | "geary" | "local_moran"), bound.get("w"))
            && self.is_list(w)
        {
            return self.for_each_matrix(call, entry, &bound, w);
        }
        let query = match entry.name.as_str() {
            "moran" | "geary" | "local_moran" => self.autocorrelation(call, entry, &bound)?,
            "lm_tests" => self.lagrange(call, &bound)?,
            "wald" => self.wald(&bound)?,
            "hausman" => {
                let (fixed, random) = self.two_models(&bound, ["fixed", "random"])?;
                TestQuery::Hausman { fixed, random }
            }
            "lr" => {
                let (small, big) = self.two_models(&bound, ["small", "big"])?;
                TestQuery::LikelihoodRatio { small, big }
            }
            "pesaran_cd" => {
                let model = self.model_of(&bound, "m")?;
                let weights = bound.get("w").map(|w| self.weights_of_model(w, model)).transpose()?;
                TestQuery::Dependence { model, weights }
            }
            "serial_correlation" => TestQuery::Serial { model: self.model_of(&bound, "m")? },
            "parallel_trends" => self.parallel_trends(call, entry, &bound)?,
            "heteroskedasticity" => TestQuery::Spread { model: self.model_of(&bound, "m")? },
            _ => self.comparison(call, &bound)?,
        };
        self.effects_of_tested(&query, call)?;
        Ok(self.test(query, call))
    }

    /// Tests of residuals and likelihoods know unit and time effects alone; restrictions rest on the variance. Where weights
    /// change over time, residuals alone are tested: multipliers and likelihood ratios rest on traces of one matrix.
    fn effects_of_tested(&mut self, query: &TestQuery, call: &Expr) -> Check<()> {
        let test = TestSpec { query: query.clone(), place: Place::default() };
        let models: Vec<&ModelSpec> = test.models().into_iter().filter_map(|m| self.spec.models.get(m)).collect();
        let restricts = matches!(query, TestQuery::Wald { .. } | TestQuery::Leads { .. });
        if restricts && models.iter().any(|m| matches!(m.resampling, Some(Resampling::Wild { .. }))) {
            return Err(self.later(call.span, "a joint test by the wild bootstrap"));
        }
        if !restricts && models.iter().any(|m| m.has_more_effects()) {
            return Err(self.later(call.span, "this test of a model with effects of groups or trends"));
        }
        let of_residuals = matches!(
            query,
            TestQuery::Residuals { .. }
                | TestQuery::Dependence { .. }
                | TestQuery::Serial { .. }
                | TestQuery::Spread { .. }
        );
        if !restricts && !of_residuals && models.iter().any(|m| m.changing().is_some()) {
            return Err(self.later(call.span, "this test of a model whose weights change over time"));
        }
        Ok(())
    }

    pub(super) fn test(&mut self, query: TestQuery, call: &Expr) -> Value {
        let test = TestSpec { query, place: Place(self.at(call.span)) };
        if let Some(known) = self.spec.tests.iter().position(|t| *t == test) {
            return Value::Test(known, None);
        }
        self.spec.tests.push(test);
        Value::Test(self.spec.tests.len() - 1, None)
    }

    /// `moran(x, C).p`, `lm_tests(m, C).lm_lag.statistic`: a number of a test, or first one of its parts.
    pub(crate) fn test_field(&mut self, expr: &Expr, test: usize, part: Option<String>, name: &Name) -> Value {
        let number = matches!(name.text.as_str(), "statistic" | "p" | "df" | "estimate" | "expected" | "variance");
        let entry = match part {
            None if !number => return Value::Test(test, Some(name.text.clone())),
            None => name.text.clone(),
            Some(part) => format!("{part}.{}", name.text),
        };
        let place = Place(self.at(expr.span));
        Value::Scalar(ScalarExpr::Answer { answer: Answer::Test, model: test, entry: Some(entry), place })
    }

    fn model_of(&mut self, bound: &Bound, parameter: &str) -> Check<usize> {
        match bound.get(parameter) {
            Some(e) => self.model_argument(e),
            None => Err(Reported),
        }
    }

    fn two_models(&mut self, bound: &Bound, parameters: [&str; 2]) -> Check<(usize, usize)> {
        let [first, second] = parameters.map(|p| self.model_of(bound, p));
        Ok((first?, second?))
    }

    /// Weights of a test, which are the same in every period.
    pub(super) fn constant_weights(&mut self, expr: &Expr, panel: usize) -> Check<WeightsUse> {
        let used = self.weights_use(expr, panel)?;
        if used.recipe.changes() {
            return Err(self.later(expr.span, format!("a test with weights that change over time (`{}`)", used.name)));
        }
        Ok(used)
    }

    fn weights_of_model(&mut self, expr: &Expr, model: usize) -> Check<WeightsUse> {
        let panel = self.spec.models.get(model).map_or(0, |m| m.panel);
        self.constant_weights(expr, panel)
    }

    /// The matrix that is given, or the model's first.
    pub(super) fn weights_or_first(&mut self, call: &Expr, bound: &Bound, model: usize) -> Check<WeightsUse> {
        if let Some(w) = bound.get("w") {
            return self.weights_of_model(w, model);
        }
        let first = self
            .spec
            .models
            .get(model)
            .and_then(|m| m.weights.first().or(m.lag_weights.as_ref()).or(m.error_weights.as_ref()).cloned());
        first.ok_or_else(|| {
            let names = self.scope.names_of(|v| matches!(v, Value::Weights(..)));
            let have = names.first().copied().unwrap_or("W_knn(6)").to_string();
            let name =
                if let ExprKind::Call { callee, .. } = &call.kind { print::expression(callee) } else { String::new() };
            let message = format!("the model has no weights, and `{name}` needs them");
            self.report(
                Diagnostic::error("durbin::check::no_weights", self.at(call.span), message)
                    .help(format!("name a matrix: `{name}(m, {have})`")),
            )
        })
    }

    pub(super) fn assembled(
        &mut self,
        model: Model,
        panel: usize,
        formula: Formula,
        options: QueryOptions,
    ) -> Check<ModelSpec> {
        let Some(entry) = self.request.library.get(model.name()).cloned() else { return Err(Reported) };
        let level = self.spec.settings.level;
        Ok(assemble(&entry, model, false, panel, formula, None, options, level))
    }

    fn lagrange(&mut self, call: &Expr, bound: &Bound) -> Check<TestQuery> {
        let model = self.model_of(bound, "m")?;
        let centered = match bound.get("style") {
            None => true,
            Some(e) => self.choice("style", e, &["centered", "elhorst"])? == "centered",
        };
        let Some(m) = self.spec.models.get(model) else { return Err(Reported) };
        let without = "test the model without it: `ols`, `slx`, `did` or `slx_did`";
        let refused = if m.model.has_lag() || m.model.has_error() {
            let asked = "`lm_tests` asks whether least squares lacks a spatial lag or error";
            Some((format!("{asked}, and `{}` estimates one already", m.query), without))
        } else if !m.time_lags.is_empty() {
            Some(("`lm_tests` are not known for models with a lag of the outcome in time".to_string(), without))
        } else {
            let fixed = "test the model with `fe: unit`, `fe: [unit, time]` or `fe: none`";
            match m.approach {
                ApproachSpec::Random { .. } => Some((
                    "`lm_tests` rests on residuals of least squares, and those of random effects share their unit's effect"
                        .to_string(),
                    fixed,
                )),
                ApproachSpec::Instruments { .. } => Some((
                    "`lm_tests` rests on residuals of least squares, which instruments do not make".to_string(),
                    "`moran(m)` tests the residuals of any model",
                )),
                ApproachSpec::Likelihood | ApproachSpec::Moments => None,
            }
        };
        if let Some((message, help)) = refused {
            let place = bound.get("m").map_or(call.span, |e| e.span);
            let fault = Diagnostic::error("durbin::check::wrong_kind", self.at(place), message).help(help);
            return Err(self.report(fault));
        }
        let weights = self.weights_or_first(call, bound, model)?;
        Ok(TestQuery::Lagrange { model, weights, centered })
    }

    fn wald(&mut self, bound: &Bound) -> Check<TestQuery> {
        let model = self.model_of(bound, "m")?;
        let mut restrictions = Vec::new();
        if let Some(e) = bound.get("restriction") {
            self.restrictions(e, &mut restrictions)?;
        }
        if restrictions.is_empty()
            && let (Some(m), Some(e)) = (self.spec.models.get(model), bound.get("m"))
            && m.model == Model::Ols
        {
            let message = "`wald` of a model without spatial terms needs a restriction";
            let fault = Diagnostic::error("durbin::check::arguments", self.at(e.span), message)
                .help(format!("`wald({}, \"x = 0\")`", print::expression(e)));
            return Err(self.report(fault));
        }
        Ok(TestQuery::Wald { model, restrictions })
    }

    /// A text `a + b = 1`, a term that is zero, or a list of such.
    fn restrictions(&mut self, expr: &Expr, out: &mut Vec<RestrictionSpec>) -> Check<()> {
        match &expr.kind {
            ExprKind::List(items) => {
                let mut failed = None;
                for item in items {
                    if let Err(r) = self.restrictions(item, out) {
                        failed = Some(r);
                    }
                }
                return failed.map_or(Ok(()), Err);
            }
            ExprKind::Text(text) => {
                out.push(self.restriction(text, expr)?);
                return Ok(());
            }
            // A name may stand for the text of a restriction, or for several.
            ExprKind::Name(n) if self.names_restrictions(n) => {
                return match self.value(expr)? {
                    Value::Scalar(ScalarExpr::Text(text)) => {
                        out.push(self.restriction(&text, expr)?);
                        Ok(())
                    }
                    Value::List(items) => items.iter().try_for_each(|(_, item)| self.restrictions(item, out)),
                    other => Err(self.wrong_kind(expr.span, "a restriction", &other, None)),
                };
            }
            _ => {}
        }
        let inner = if let ExprKind::Group(inner) = &expr.kind { inner } else { expr };
        let text = format!("{} = 0", print::expression(inner));
        let left = self.quantity(inner, expr, &text)?;
        out.push(RestrictionSpec { left, right: Quantity::Number(0.0), text });
        Ok(())
    }

    fn names_restrictions(&self, name: &Name) -> bool {
        matches!(self.scope.peek(&name.text), Some(Value::Scalar(ScalarExpr::Text(_)) | Value::List(_)))
    }

    fn restriction(&mut self, text: &str, expr: &Expr) -> Check<RestrictionSpec> {
        let sides: Vec<&str> = text.split('=').map(str::trim).collect();
        let [left, right] = sides[..] else { return Err(self.no_restriction(text, expr, "it needs exactly one `=`")) };
        let mut read = |side: &str| {
            let Ok(parsed) = parse_value(SourceId::default(), side) else {
                return Err(self.no_restriction(text, expr, &format!("`{side}` does not read as arithmetic")));
            };
            self.quantity(&parsed, expr, text)
        };
        let (left, right) = (read(left)?, read(right)?);
        Ok(RestrictionSpec { left, right, text: text.split_whitespace().collect::<Vec<_>>().join(" ") })
    }

    fn no_restriction(&mut self, text: &str, expr: &Expr, why: &str) -> Reported {
        let message = format!("`{text}` is no restriction: {why}");
        let help = "a restriction equates arithmetic of coefficients: `\"law = 0\"`, `\"a + b = 1\"`, `\"C @ law = -rho * law\"`";
        self.report(Diagnostic::error("durbin::check::bad_option_value", self.at(expr.span), message).help(help))
    }

    /// Arithmetic of coefficients; what is no arithmetic is a term.
    fn quantity(&mut self, expr: &Expr, whole: &Expr, text: &str) -> Check<Quantity> {
        Ok(match &expr.kind {
            ExprKind::Number(x) => Quantity::Number(*x),
            ExprKind::Group(inner) => match &inner.kind {
                // `(Intercept)` is a term's name, brackets included.
                ExprKind::Name(n) if n.text == "Intercept" => Quantity::Term("(Intercept)".to_string()),
                _ => self.quantity(inner, whole, text)?,
            },
            ExprKind::Prefix { operators, operand } => {
                if operators.iter().any(|(o, _)| *o == PrefixOperator::Not) {
                    return Err(self.no_restriction(text, whole, "`not` is for conditions"));
                }
                let minus = operators.iter().filter(|(o, _)| *o == PrefixOperator::Minus).count();
                let inner = self.quantity(operand, whole, text)?;
                if minus % 2 == 1 { Quantity::Negate(Box::new(inner)) } else { inner }
            }
            ExprKind::Chain { first, rest } => match rest[0].0 {
                Operator::Plus | Operator::Minus | Operator::Times | Operator::Divide | Operator::Power => {
                    let first = Box::new(self.quantity(first, whole, text)?);
                    let mut out = Vec::new();
                    for (operator, _, e) in rest {
                        out.push((*operator, self.quantity(e, whole, text)?));
                    }
                    Quantity::Chain { first, rest: out }
                }
                Operator::At | Operator::Colon => Quantity::Term(print::expression(expr)),
                other => return Err(self.no_restriction(text, whole, &format!("`{}` is no arithmetic", other.text()))),
            },
            ExprKind::Name(n) => Quantity::Term(n.text.clone()),
            ExprKind::Call { callee, arguments } => {
                let function = match &callee.kind {
                    ExprKind::Name(n) => Function::of(&n.text),
                    _ => None,
                };
                match (function, &arguments[..]) {
                    (Some(f @ (Function::Log | Function::Exp | Function::Sqrt)), [a]) if a.label.is_none() => {
                        Quantity::Call {
                            term: print::expression(expr),
                            function: f,
                            argument: Box::new(self.quantity(&a.value, whole, text)?),
                        }
                    }
                    _ => Quantity::Term(print::expression(expr)),
                }
            }
            _ => {
                let why = format!("`{}` is neither a number nor a coefficient", print::expression(expr));
                return Err(self.no_restriction(text, whole, &why));
            }
        })
    }

    /// `specification_tests(y ~ x | [A, B])`: one set of models for each matrix, and those that say whether effects are there.
    fn specification(&mut self, call: &Expr, entry: &Entry, arguments: &[Argument]) -> Check<TestQuery> {
        let formula_expr = self.formula_argument(call, entry, arguments)?;
        let bound = self.bind(&entry.name, &entry.parameters, arguments, call.span)?;
        let panel = self.formula_panel(formula_expr)?;
        let formula = self.formula(formula_expr, panel);
        let fe = match bound.get("fe") {
            None => None,
            Some(e) => {
                let (flags, effects) = self.fixed_effects(e, panel)?;
                if !effects.is_empty() {
                    return Err(self.later(e.span, "effects of groups and interactions in `specification_tests`"));
                }
                Some(flags)
            }
        };
        let formula = formula?;
        if formula.weights.is_empty() {
            let message = "`specification_tests` compares spatial models and has no weights";
            let help = format!("weights stand after the bar: `{} | W_knn(6)`", print::expression(formula_expr));
            let fault = Diagnostic::error("durbin::check::no_weights", self.at(formula_expr.span), message);
            return Err(self.report(fault.help(help)));
        }
        if let Some(lag) = formula.time_lags.first() {
            let place = formula.terms[lag.term].value.place.0;
            return Err(self.later(place, "`specification_tests` of a dynamic model"));
        }
        if let Some(w) = formula.weights.iter().find(|w| w.recipe.changes()) {
            let (name, place) = (w.name.clone(), w.place.0);
            return Err(self.later(place, format!("a test with weights that change over time (`{name}`)")));
        }
        let place = (Place(self.at(formula_expr.span)), Place(self.at(call.span)));
        let mut make = |model: Model, weights: Vec<WeightsUse>, fe, likelihood| {
            let formula = Formula { weights, ..formula.clone() };
            let options = QueryOptions { fixed_effects: fe, likelihood, ..QueryOptions::default() };
            let spec = self.assembled(model, panel, formula, options)?;
            Ok(self.interned_model(ModelSpec { formula_place: place.0, place: place.1, ..spec }))
        };
        let direct = Some(Likelihood::Direct);
        let asked = |e: FixedEffects| [e, FixedEffects::Both].contains(&fe.unwrap_or(FixedEffects::Both)).then_some(e);
        let effects = EffectsFamily {
            base: make(Model::Ols, Vec::new(), fe, None)?,
            none: make(Model::Ols, Vec::new(), Some(FixedEffects::None), direct)?,
            unit: asked(FixedEffects::Unit).map(|e| make(Model::Ols, Vec::new(), Some(e), direct)).transpose()?,
            time: asked(FixedEffects::Time).map(|e| make(Model::Ols, Vec::new(), Some(e), direct)).transpose()?,
            both: asked(FixedEffects::Both).map(|e| make(Model::Ols, Vec::new(), Some(e), direct)).transpose()?,
        };
        let mut families = Vec::new();
        for w in &formula.weights {
            let mut of = |model| make(model, vec![w.clone()], fe, None);
            let (slx, sar, sem, sdm) = (of(Model::Slx)?, of(Model::Sar)?, of(Model::Sem)?, of(Model::Sdm)?);
            families.push(Family { weights: w.clone(), slx, sar, sem, sdm, random: None });
        }
        for family in families.iter_mut().filter(|_| fe == Some(FixedEffects::Unit)) {
            let spec = self.spec.models[family.sdm].clone();
            let approach = ApproachSpec::Random { effects: RandomEffects::Kkp, mundlak: false };
            let fixed_effects = Some(FixedEffects::None);
            family.random = Some(self.interned_model(ModelSpec { approach, fixed_effects, ..spec }));
        }
        Ok(TestQuery::Specification { effects, families })
    }

    /// A model without a name among others: what is asked, of what, over which matrices.
    fn described(&self, model: usize) -> String {
        let Some(spec) = self.spec.models.get(model) else { return String::new() };
        let matrices: Vec<&str> = spec.weights.iter().map(|w| w.name.as_str()).collect();
        let bar = if matrices.is_empty() { String::new() } else { format!(" | {}", matrices.join(", ")) };
        let terms: Vec<&str> = spec.terms.iter().map(|t| t.value.text.as_str()).collect();
        format!("{}({} ~ {}{bar})", spec.query, spec.outcome.text, terms.join(" + "))
    }

    fn comparison(&mut self, call: &Expr, bound: &Bound) -> Check<TestQuery> {
        let mut models = Vec::new();
        for e in &bound.rest {
            models.extend(self.table_columns(e)?);
        }
        let models: Vec<(String, usize)> =
            models.into_iter().map(|(name, model)| (name.unwrap_or_else(|| self.described(model)), model)).collect();
        let uniform = match bound.get("prior") {
            None => true,
            Some(e) => self.choice("prior", e, &["uniform", "beta"])? == "uniform",
        };
        if models.len() < 2 {
            let fault = Diagnostic::error("durbin::check::arguments", self.at(call.span), "a comparison has at least two models")
                .help("`compare_models(a, b)`, or one model with several matrices: `compare_models([sdm(y ~ x | W) for W in [A, B]])`");
            return Err(self.report(fault));
        }
        for (name, model) in &models {
            let Some(spec) = self.spec.models.get(*model) else { return Err(Reported) };
            let why = match spec.model {
                _ if !spec.time_lags.is_empty() => "is dynamic",
                Model::Sac | Model::Gns => "has two spatial parameters",
                _ => continue,
            };
            let message = format!(
                "`{name}` {why}; posterior probabilities are known for static models with one spatial parameter"
            );
            let fault = Diagnostic::error("durbin::check::wrong_kind", self.at(call.span), message)
                .help("compare `ols`, `slx`, `sar`, `sem`, `sdm` and `sdem`");
            return Err(self.report(fault));
        }
        Ok(TestQuery::Compare { models, uniform })
    }
}
