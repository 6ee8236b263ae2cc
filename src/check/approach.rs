//! How a query asks for its parameters to be found: by likelihood, instruments, moments, or with random unit effects
//! (methods C.9, C.10), and which other options go with that.

use super::arguments::Bound;
use super::formula::Formula;
use super::library::Entry;
use super::options::QueryOptions;
use super::spec::*;
use super::{Check, Checker, Reported};
use crate::diagnostic::Diagnostic;
use crate::estimators::{Model, RandomEffects};
use crate::syntax::ast::*;
use crate::syntax::print;

/// What `method:` and `random:` take.
pub(super) const METHOD_CHOICES: [&str; 3] = ["qml", "gs2sls", "gmm"];
pub(super) const RANDOM_CHOICES: [&str; 2] = ["kkp", "baltagi"];

/// The words of `method:` a model has.
fn methods(model: Model) -> &'static [&'static str] {
    match (model.has_lag(), model.has_error()) {
        (true, _) => &["qml", "gs2sls"],
        (false, true) => &["qml", "gmm"],
        (false, false) => &["qml"],
    }
}

impl Checker<'_> {
    /// `method:`, `iv:`, `fe: random`, `random:` and `mundlak:` together.
    pub(crate) fn approach(
        &mut self,
        entry: &Entry,
        model: Model,
        bound: &Bound,
        panel: usize,
        formula: Option<&Formula>,
    ) -> Check<ApproachSpec> {
        let method = match bound.get("method") {
            Some(e) => Some((self.method(entry, model, e)?, e)),
            None => None,
        };
        if bound.get("fe").is_some_and(is_random) {
            return self.random(model, bound, method);
        }
        for option in ["random", "mundlak"] {
            if let Some(e) = bound.get(option) {
                // A default written out asks for nothing.
                if option == "mundlak" && !self.boolean(option, e)? {
                    continue;
                }
                let message = format!("`{option}:` is about random effects, and there are none");
                return Err(self.no_value(e, message, "write `fe: random`"));
            }
        }
        if let Some(e) = bound.get("iv") {
            if let Some((_, m)) = method.filter(|(word, _)| *word == "qml") {
                let help = "leave `method:` out, or write `method: gs2sls`";
                return Err(self.no_value(m, "a likelihood has no place for the instruments of `iv:`", help));
            }
            let Some(formula) = formula else { return Err(Reported) };
            return self.instruments(e, panel, formula);
        }
        Ok(match method {
            Some(("gs2sls", _)) => ApproachSpec::Instruments { endogenous: Vec::new(), instruments: Vec::new() },
            Some(("gmm", _)) => ApproachSpec::Moments,
            _ => ApproachSpec::Likelihood,
        })
    }

    fn method(&mut self, entry: &Entry, model: Model, expr: &Expr) -> Check<&'static str> {
        let word = self.choice("method", expr, &METHOD_CHOICES)?;
        if methods(model).contains(&word) {
            return Ok(word);
        }
        if word == "gmm" && !model.has_error() {
            return Err(self.later(expr.span, format!("`method: gmm` of `{}`", entry.name)));
        }
        let (message, help) = match word {
            "gs2sls" => (
                format!("`{}` has no lag of the outcome for instruments to stand for", entry.name),
                "`method: gmm` finds lambda by moments",
            ),
            _ => (
                format!("`method: {word}` is not defined for `{}`", entry.name),
                "`method: gs2sls` finds rho by instruments and lambda by moments",
            ),
        };
        Err(self.no_value(expr, message, help))
    }

    fn no_value(&mut self, expr: &Expr, message: impl Into<String>, help: &str) -> Reported {
        let place = self.at(expr.span);
        self.report(Diagnostic::error("durbin::check::bad_option_value", place, message.into()).help(help.to_string()))
    }

    fn random(&mut self, model: Model, bound: &Bound, method: Option<(&'static str, &Expr)>) -> Check<ApproachSpec> {
        if let Some((word, e)) = method.filter(|(word, _)| *word != "qml") {
            let message = format!("random effects are estimated by maximum likelihood, not by `{word}`");
            return Err(self.no_value(e, message, "leave `method:` out, or remove fixed effects: `fe: unit`"));
        }
        if let Some(e) = bound.get("iv") {
            let help = "remove fixed effects: `fe: unit`";
            return Err(self.no_value(e, "`iv:` does not go with random effects", help));
        }
        if let Some(e) = bound.get("likelihood") {
            let help = "leave `likelihood:` out: it says how fixed effects enter";
            return Err(self.no_value(e, "random effects have one likelihood, of all observations", help));
        }
        let mut effects = RandomEffects::Kkp;
        if let Some(e) = bound.get("random") {
            if self.choice("random", e, &RANDOM_CHOICES)? == "baltagi" {
                effects = RandomEffects::Baltagi;
            }
            if !model.has_error() {
                let help = "leave `random:` out";
                let message =
                    "`random:` says whether the unit effect is inside of the spatial error, and there is none";
                return Err(self.no_value(e, message, help));
            }
        }
        let mundlak = match bound.get("mundlak") {
            Some(e) => self.boolean("mundlak", e)?,
            None => false,
        };
        Ok(ApproachSpec::Random { effects, mundlak })
    }

    /// `iv: x ~ z1 + z2`, or a list of such formulas.
    fn instruments(&mut self, expr: &Expr, panel: usize, formula: &Formula) -> Check<ApproachSpec> {
        let items: Vec<&Expr> = match &expr.kind {
            ExprKind::List(items) => items.iter().collect(),
            _ => vec![expr],
        };
        let terms: Vec<&str> = formula.terms.iter().map(|t| t.value.text.as_str()).collect();
        let (mut endogenous, mut instruments): (Vec<usize>, Vec<Term>) = (Vec::new(), Vec::new());
        for item in items {
            let item = if let ExprKind::Group(inner) = &item.kind { inner } else { item };
            let ExprKind::Formula { outcome: Some(left), terms: Some(right), weights: None, .. } = &item.kind else {
                let first = terms.first().copied().unwrap_or("x");
                let message = format!("`{}` does not say which term its instruments are for", print::expression(item));
                let help = format!("write the term left of the `~`: `iv: {first} ~ z`, or a list of such formulas");
                return Err(self.no_value(item, message, &help));
            };
            let text = print::expression(left);
            let Some(term) = formula.terms.iter().position(|t| t.value.text == text) else {
                return Err(self.bad_option_value("iv", left, &terms));
            };
            endogenous.push(term);
            self.terms(right, panel, &mut instruments)?;
        }
        endogenous.sort_unstable();
        endogenous.dedup();
        for z in &instruments {
            let (text, place) = (z.value.text.as_str(), z.value.place.0);
            let what = if text == formula.outcome.text {
                "the outcome"
            } else if terms.contains(&text) {
                "a term of the formula"
            } else {
                continue;
            };
            let message = format!("`{text}` is {what} and no instrument beside it");
            let help = "terms of the formula that are exogenous are instruments already: name columns left out of it";
            let fault = Diagnostic::error("durbin::check::bad_option_value", place, message).help(help);
            return Err(self.report(fault));
        }
        Ok(ApproachSpec::Instruments { endogenous, instruments })
    }

    /// Refuses errors that the approach does not have, and answers the model whose errors it has: those of instruments and
    /// moments are of least squares.
    pub(crate) fn error_family(&mut self, expr: &Expr, model: Model, approach: &ApproachSpec) -> Check<Model> {
        let word = print::expression(expr);
        let draws = word.starts_with("wild") || word.starts_with("bootstrap");
        let refused = match approach {
            ApproachSpec::Likelihood => return Ok(model),
            ApproachSpec::Random { .. } if matches!(word.as_str(), "iid" | "observed") => return Ok(Model::Sdm),
            ApproachSpec::Random { .. } => "with random effects",
            ApproachSpec::Instruments { .. } if draws || matches!(word.as_str(), "observed" | "qml") => {
                "with instruments"
            }
            ApproachSpec::Moments if draws || matches!(word.as_str(), "observed" | "qml") => "with moments",
            _ => return Ok(Model::Slx),
        };
        let help = match approach {
            ApproachSpec::Random { .. } => "use `iid`, which is the observed information here",
            _ => "use `iid`, `robust`, `cluster(unit)`, `driscoll_kraay(3)` or `conley(200 km)`",
        };
        Err(self.no_value(expr, format!("`se: {word}` is not defined {refused}"), help))
    }

    /// Refuses what methods C.9 and C.10 have no estimator for.
    pub(crate) fn approach_options(
        &mut self,
        entry: &Entry,
        bound: &Bound,
        formula: &Formula,
        options: &QueryOptions,
    ) -> Check<()> {
        let how = match options.approach {
            ApproachSpec::Likelihood => return Ok(()),
            ApproachSpec::Instruments { .. } => "by instruments",
            ApproachSpec::Moments => "by moments",
            ApproachSpec::Random { .. } => "with random effects",
        };
        if let Some(e) = bound.get("df_adjust").filter(|_| options.df_adjust) {
            let message = format!("`df_adjust` adjusts a score that `{}` {how} does not have", entry.name);
            return Err(self.no_value(e, message, "leave `df_adjust:` out"));
        }
        if let Some(first) = formula.time_lags.first() {
            let term = &formula.terms[first.term].value;
            return Err(self.later(term.place.0, format!("a dynamic model {how} (`{}`)", term.text)));
        }
        Ok(())
    }
}

fn is_random(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Name(n) => n.text == "random",
        ExprKind::List(items) => items.len() == 1 && is_random(&items[0]),
        _ => false,
    }
}
