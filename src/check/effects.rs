//! The options `fe:` and `trends:`: effects of units, periods, groups and their interactions.

use super::arguments::Bound;
use super::formula::Formula;
use super::options::QueryOptions;
use super::spec::*;
use super::{Check, Checker, Reported};
use crate::diagnostic::Diagnostic;
use crate::estimators::{FixedEffects, Likelihood, Model, Variance};
use crate::syntax::ast::*;
use crate::syntax::print;

/// What `fe:` takes, one of each kind.
pub(super) const FE_CHOICES: [&str; 6] =
    ["[unit, time]", "unit", "time", "none", "random", "[unit, time, province:time]"];

impl Checker<'_> {
    /// Which of unit and period effects a model spans, and, where there are others, every set as written.
    pub(super) fn fixed_effects(&mut self, expr: &Expr, panel: usize) -> Check<(FixedEffects, Vec<EffectUse>)> {
        let words: Option<Vec<&str>> = match &expr.kind {
            ExprKind::List(items) => items
                .iter()
                .map(|e| if let ExprKind::Name(n) = &e.kind { Some(n.text.as_str()) } else { None })
                .collect(),
            ExprKind::Name(n) => Some(vec![n.text.as_str()]),
            _ => None,
        };
        let plain = |fe| Ok((fe, Vec::new()));
        match words.as_deref() {
            Some(["none"]) => return plain(FixedEffects::None),
            Some(["unit"]) => return plain(FixedEffects::Unit),
            Some(["time"]) => return plain(FixedEffects::Time),
            Some(["unit", "time"] | ["time", "unit"]) => return plain(FixedEffects::Both),
            // With the approach of random effects, whose mean is the intercept.
            Some(["random"]) => return plain(FixedEffects::None),
            Some(words) if !words.is_empty() && words.iter().all(|w| self.dimension(w, panel).is_some()) => {
                return Err(self.named_by_column("fe", expr, words, panel));
            }
            _ => {}
        }
        let items: Vec<&Expr> = match &expr.kind {
            ExprKind::List(items) => items.iter().collect(),
            _ => vec![expr],
        };
        if items.is_empty() || !items.iter().all(|e| self.known_effect(e, panel)) {
            return Err(self.bad_option_value("fe", expr, &FE_CHOICES));
        }
        let mut effects: Vec<EffectUse> = Vec::new();
        for item in items {
            let used = self.effect(item, panel)?;
            if !effects.contains(&used) {
                effects.push(used);
            }
        }
        let spans = |part: &EffectPart| effects.iter().any(|e| e.parts.contains(part));
        let flags = match (spans(&EffectPart::Unit), spans(&EffectPart::Time)) {
            (true, true) => FixedEffects::Both,
            (true, false) => FixedEffects::Unit,
            (false, true) => FixedEffects::Time,
            (false, false) => FixedEffects::None,
        };
        Ok((flags, effects))
    }

    /// Variances of likelihood models that need residuals off means of units and periods alone.
    pub(super) fn variance_beside_effects(&mut self, options: &QueryOptions, bound: &Bound, what: &str) -> Check<()> {
        let (Some(used), Some(e)) = (&options.variance, bound.get("se")) else { return Ok(()) };
        let why = if used.resampling.is_some() {
            "a bootstrap draws from residuals off effects of units and periods"
        } else if used.variance == Variance::Qml {
            "cumulants of errors are known from residuals off effects of units and periods"
        } else {
            return Ok(());
        };
        let message = format!("`se: {}` does not go with {what}: {why}", print::expression(e));
        let fault = Diagnostic::error("durbin::check::bad_option_value", self.at(e.span), message);
        Err(self.report(fault.help("use `cluster(unit)` or `iid`")))
    }

    fn known_effect(&self, expr: &Expr, panel: usize) -> bool {
        match &expr.kind {
            ExprKind::Name(n) => {
                self.dimension(&n.text, panel).is_some()
                    || self.panels.get(panel).is_some_and(|p| p.columns.contains_key(&n.text))
            }
            ExprKind::Chain { first, rest } => {
                rest.iter().all(|r| r.0 == Operator::Colon && self.known_effect(&r.2, panel))
                    && self.known_effect(first, panel)
            }
            _ => false,
        }
    }

    /// `unit`, `province`, `province:time`.
    fn effect(&mut self, expr: &Expr, panel: usize) -> Check<EffectUse> {
        let pieces: Vec<&Expr> = match &expr.kind {
            ExprKind::Chain { first, rest } => {
                std::iter::once(first.as_ref()).chain(rest.iter().map(|r| &r.2)).collect()
            }
            _ => vec![expr],
        };
        let mut parts = Vec::new();
        for piece in pieces {
            let word = if let ExprKind::Name(n) = &piece.kind { self.dimension(&n.text, panel) } else { None };
            parts.push(match word {
                Some("unit") => EffectPart::Unit,
                Some(_) => EffectPart::Time,
                None => EffectPart::Column(self.column(piece, panel)?),
            });
        }
        if parts.contains(&EffectPart::Unit) && parts.contains(&EffectPart::Time) {
            let message =
                format!("`{}` gives every row an effect of its own: nothing is left", print::expression(expr));
            return Err(self.report(
                Diagnostic::error("durbin::check::bad_option_value", self.at(expr.span), message)
                    .help("interact a group of units with `time`, as in `province:time`"),
            ));
        }
        let word = |part: &EffectPart| match part {
            EffectPart::Unit => "unit".to_string(),
            EffectPart::Time => "time".to_string(),
            EffectPart::Column(column) => column.text.clone(),
        };
        let text = parts.iter().map(word).collect::<Vec<String>>().join(":");
        Ok(EffectUse { text, parts })
    }

    /// What other effects and trends do not go with.
    pub(super) fn more_effects(
        &mut self,
        options: &QueryOptions,
        model: Model,
        bound: &Bound,
        formula: Option<&Formula>,
    ) -> Check<()> {
        let (option, what) = match (options.effects.is_empty(), bound.get("fe"), bound.get("trends")) {
            (true, _, Some(trends)) => (trends, "trends of units"),
            (_, Some(fe), _) => (fe, "effects of groups and interactions"),
            _ => return Err(Reported),
        };
        let span = option.span;
        let refuse = |checker: &mut Self, message: String, help: &str| {
            let place = checker.at(span);
            Err(checker.report(Diagnostic::error("durbin::check::bad_option_value", place, message).help(help)))
        };
        if model.has_error() {
            let message = format!("{what} beside a spatial error: its filter would move them along the matrix");
            return refuse(self, message, "`sdm` or `slx` with `se: cluster(unit)`, or `fe: [unit, time]`");
        }
        if options.trends && matches!(options.fixed_effects, Some(FixedEffects::Time | FixedEffects::None)) {
            let message = "`trends: unit` is a line for each unit, and lines need their levels".to_string();
            return refuse(self, message, "`fe: [unit, time]` or `fe: unit`");
        }
        if formula.is_some_and(|f| !f.time_lags.is_empty()) {
            let message =
                format!("{what} beside a lag of the outcome: its bias is known for unit and time effects alone");
            return refuse(self, message, "leave the lag out, or use `fe: [unit, time]`");
        }
        if options.likelihood == Some(Likelihood::Partial) {
            let message = format!("`likelihood: partial` corrects for period effects, not for {what}");
            return refuse(self, message, "leave `likelihood:` out");
        }
        if options.approach != ApproachSpec::Likelihood || !model.has_lag() {
            return Ok(());
        }
        if options.likelihood == Some(Likelihood::Transform) {
            let message = format!("`likelihood: transform` takes out effects of units and periods, not {what}");
            return refuse(
                self,
                message,
                "leave `likelihood:` out, which is `direct` here: effects are estimated beside the slopes",
            );
        }
        self.variance_beside_effects(options, bound, what)
    }
}
