//! The options of model queries: their values, and which of them this version executes.

use super::approach::{METHOD_CHOICES, RANDOM_CHOICES};
use super::arguments::Bound;
use super::effects::FE_CHOICES;
use super::formula::Formula;
use super::library::Entry;
use super::resampling::EFFECTS_CHOICES;
use super::spec::*;
use super::variance::{SE_CHOICES, VarianceUse};
use super::{Check, Checker, Reported};
use crate::diagnostic::Diagnostic;
use crate::estimators::{FixedEffects, Likelihood, Model};
use crate::syntax::ast::*;
use crate::syntax::print;

const LIKELIHOOD_CHOICES: [&str; 3] = ["transform", "partial", "direct"];
const TRENDS_CHOICES: [&str; 2] = ["none", "unit"];

/// The options of model queries that take words, each with what it takes, one of each kind: what the checker itself goes
/// by and offers where a value is none of them.
pub fn option_values() -> Vec<(&'static str, &'static [&'static str])> {
    vec![
        ("fe", &FE_CHOICES),
        ("trends", &TRENDS_CHOICES),
        ("se", &SE_CHOICES),
        ("method", &METHOD_CHOICES),
        ("likelihood", &LIKELIHOOD_CHOICES),
        ("effects", &EFFECTS_CHOICES),
        ("random", &RANDOM_CHOICES),
    ]
}

/// What the options of a query say; `None` where they are silent.
#[derive(Clone, Debug, Default)]
pub(crate) struct QueryOptions {
    pub fixed_effects: Option<FixedEffects>,
    pub approach: ApproachSpec,
    /// Every set of effects as written, where there are others than of units and periods.
    pub effects: Vec<EffectUse>,
    pub trends: bool,
    pub variance: Option<VarianceUse>,
    pub likelihood: Option<Likelihood>,
    pub durbin: Option<Vec<usize>>,
    pub lag_weights: Option<WeightsUse>,
    pub error_weights: Option<WeightsUse>,
    pub df_adjust: bool,
    pub level: Option<f64>,
    pub condition: Option<Column>,
    pub effect_errors: EffectErrors,
}

impl Checker<'_> {
    /// Reads every option of a query; all faults are reported.
    pub(crate) fn query_options(
        &mut self,
        entry: &Entry,
        model: Model,
        did: bool,
        bound: &Bound,
        panel: usize,
        formula: Option<&Formula>,
    ) -> Check<QueryOptions> {
        let mut options = QueryOptions::default();
        let mut failed = None;
        match self.approach(entry, model, bound, panel, formula) {
            Ok(approach) => options.approach = approach,
            Err(r) => failed = Some(r),
        }
        for (name, expr) in bound.named.iter().skip(1) {
            if let Err(r) = self.option(&mut options, name, expr, model, panel, formula) {
                failed = Some(r);
            }
        }
        if let (Some(l), Some(fe)) = (options.likelihood, options.fixed_effects)
            && l == Likelihood::Partial
            && matches!(fe, FixedEffects::Unit | FixedEffects::None)
            && let Some(e) = bound.get("likelihood")
        {
            failed = Some(
                self.report(
                    Diagnostic::error(
                        "durbin::check::bad_option_value",
                        self.at(e.span),
                        "`likelihood: partial` is for models with time effects",
                    )
                    .help("`transform` needs no row sums here: leave `likelihood:` out"),
                ),
            );
        }
        if options.effect_errors != EffectErrors::Delta
            && let Some(name) = options.variance.as_ref().filter(|v| v.resampling.is_some()).map(|v| v.name.clone())
            && let Some(e) = bound.get("effects")
        {
            let message = format!("`effects: simulate` and `se: {name}` both say how effects get their errors");
            failed = Some(
                self.report(
                    Diagnostic::error("durbin::check::bad_option_value", self.at(e.span), message)
                        .help("leave one of them out: a bootstrap covers the effects too"),
                ),
            );
        }
        if options.df_adjust && !model.has_lag() && !model.has_error() {
            failed = Some(self.no_score_to_adjust(entry, bound));
        }
        if (!options.effects.is_empty() || options.trends)
            && let Err(r) = self.more_effects(&options, model, bound, formula)
        {
            failed = Some(r);
        }
        if did && options.fixed_effects.is_some_and(|fe| fe != FixedEffects::Both) {
            let e = bound.get("fe").map_or(entry.parameters[0].name.span, |e| e.span);
            failed = Some(
                self.report(
                    Diagnostic::error(
                        "durbin::check::bad_option_value",
                        self.at(e),
                        format!("`{}` removes unit and time effects", entry.name),
                    )
                    .help(format!("leave `fe:` out, or use `{}`", model.name())),
                ),
            );
        }
        failed.map_or(Ok(options), Err)
    }

    /// `df_adjust: true` of least squares (methods C.5: the adjustment is of the score of a spatial parameter).
    fn no_score_to_adjust(&mut self, entry: &Entry, bound: &Bound) -> Reported {
        let place = bound.get("df_adjust").map_or(entry.parameters[0].name.span, |e| e.span);
        let message = format!("`df_adjust` adjusts the score of rho and lambda, and `{}` has neither", entry.name);
        self.report(
            Diagnostic::error("durbin::check::bad_option_value", self.at(place), message)
                .help("leave `df_adjust:` out: standard errors of least squares count the parameters already"),
        )
    }

    fn option(
        &mut self,
        options: &mut QueryOptions,
        name: &str,
        expr: &Expr,
        model: Model,
        panel: usize,
        formula: Option<&Formula>,
    ) -> Check<()> {
        match name {
            "fe" => {
                let (flags, effects) = self.fixed_effects(expr, panel)?;
                options.fixed_effects = Some(flags);
                options.effects = effects;
            }
            "se" => {
                let family = self.error_family(expr, model, &options.approach)?;
                options.variance = Some(self.variance(expr, family, panel)?);
            }
            // Read by `approach`, together.
            "method" | "iv" | "random" | "mundlak" => {}
            "likelihood" => {
                options.likelihood = Some(match self.choice("likelihood", expr, &LIKELIHOOD_CHOICES)? {
                    "partial" => Likelihood::Partial,
                    "direct" => Likelihood::Direct,
                    _ => Likelihood::Transform,
                });
            }
            "durbin" => options.durbin = self.durbin(expr, formula)?,
            "lag_weights" => options.lag_weights = Some(self.weights_use(expr, panel)?),
            "error_weights" => options.error_weights = Some(self.weights_use(expr, panel)?),
            "df_adjust" => options.df_adjust = self.boolean("df_adjust", expr)?,
            "level" => options.level = Some(self.level(expr)?),
            "where" => options.condition = Some(self.column(expr, panel)?),
            "effects" => options.effect_errors = self.effects_option(expr)?,
            "trends" => {
                options.trends = self.choice("trends", expr, &TRENDS_CHOICES)? == "unit";
            }
            _ => {
                self.loose(expr);
                return Err(self.later(expr.span, format!("the option `{name}:`")));
            }
        }
        Ok(())
    }

    /// A confidence level between 0 and 1.
    pub(crate) fn level(&mut self, expr: &Expr) -> Check<f64> {
        let x = self.number(expr, "`level`")?;
        if x > 0.0 && x < 1.0 {
            return Ok(x);
        }
        let fraction = if x > 1.0 && x < 100.0 { x / 100.0 } else { 0.95 };
        Err(self.report(
            Diagnostic::error(
                "durbin::check::out_of_range",
                self.at(expr.span),
                format!("`level` is {x}; it lies between 0 and 1"),
            )
            .help(format!("write `level: {fraction}`")),
        ))
    }

    /// The dimension a word means: `unit`, `time`, or the column that is one.
    pub(super) fn dimension(&self, word: &str, panel: usize) -> Option<&'static str> {
        let spec = &self.panels.get(panel)?.spec;
        match word {
            "unit" => Some("unit"),
            "time" => Some("time"),
            _ if word == spec.unit => Some("unit"),
            _ if word == spec.time => Some("time"),
            _ => None,
        }
    }

    /// The columns of units and periods where their dimensions are wanted.
    pub(super) fn named_by_column(&mut self, option: &str, expr: &Expr, words: &[&str], panel: usize) -> Reported {
        let mut meant: Vec<&str> = words.iter().filter_map(|w| self.dimension(w, panel)).collect();
        meant.dedup();
        let list = meant.join(", ");
        let value = match (option, meant.as_slice()) {
            ("se", _) => format!("cluster({list})"),
            (_, [_]) => list,
            _ => format!("[{list}]"),
        };
        let message = format!("`{}` is no value of `{option}:`", print::expression(expr));
        self.report(
            Diagnostic::error("durbin::check::bad_option_value", self.at(expr.span), message)
                .help(format!("the dimensions of a panel are `unit` and `time`: write `{option}: {value}`")),
        )
    }

    /// Which regressors are lagged, by their place among the terms.
    fn durbin(&mut self, expr: &Expr, formula: Option<&Formula>) -> Check<Option<Vec<usize>>> {
        let items: Vec<&Expr> = match &expr.kind {
            ExprKind::List(items) => items.iter().collect(),
            ExprKind::Name(n) if n.text == "all" => return Ok(None),
            _ => vec![expr],
        };
        let Some(formula) = formula else { return Err(Reported) };
        let mut chosen = Vec::new();
        for item in items {
            let text = print::expression(item);
            match formula.terms.iter().position(|t| t.value.text == text) {
                Some(i) => chosen.push(i),
                None => {
                    let terms: Vec<&str> = formula.terms.iter().map(|t| t.value.text.as_str()).collect();
                    return Err(self.bad_option_value("durbin", item, &terms));
                }
            }
        }
        chosen.sort_unstable();
        chosen.dedup();
        Ok(Some(chosen))
    }
}
