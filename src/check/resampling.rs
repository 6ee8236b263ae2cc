//! What is drawn at random: effects by simulation, and how a fit's effects are asked for unit by unit or by order.

use super::arguments::Bound;
use super::spec::*;
use super::{Check, Checker};
use crate::diagnostic::Diagnostic;
use crate::syntax::ast::*;

/// The largest number of draws or replications.
const MOST: f64 = 1e7;
/// What `effects:` takes.
pub(super) const EFFECTS_CHOICES: [&str; 2] = ["delta", "simulate(draws: 1000)"];
/// Orders of neighbors: by default, and at most.
const ORDERS: usize = 10;
const MOST_ORDERS: usize = 1000;

impl Checker<'_> {
    /// `effects: delta`, `effects: simulate(draws: 1000)`.
    pub(crate) fn effects_option(&mut self, expr: &Expr) -> Check<EffectErrors> {
        let word = self.word(expr).map(str::to_string);
        let arguments: &[Argument] = match &expr.kind {
            ExprKind::Call { arguments, .. } => arguments,
            _ => &[],
        };
        match word.as_deref() {
            Some("delta") if matches!(expr.kind, ExprKind::Name(_)) => Ok(EffectErrors::Delta),
            Some("simulate") => {
                self.settings_once("simulate", arguments)?;
                if arguments.len() > 1 {
                    return Err(self.bad_option_value("effects", expr, &EFFECTS_CHOICES));
                }
                let mut draws = self.spec.settings.draws;
                for a in arguments {
                    match a.label.as_ref().map(|l| l.text.as_str()) {
                        None | Some("draws") => draws = self.replications(&a.value, "draws", 2)?,
                        Some(_) => return Err(self.bad_option_value("effects", expr, &EFFECTS_CHOICES)),
                    }
                }
                Ok(EffectErrors::Simulate { draws })
            }
            _ => Err(self.bad_option_value("effects", expr, &EFFECTS_CHOICES)),
        }
    }

    /// A number of draws or replications.
    pub(crate) fn replications(&mut self, expr: &Expr, name: &str, least: usize) -> Check<usize> {
        let x = self.number(expr, &format!("`{name}`"))?;
        if x.fract() == 0.0 && (least as f64..=MOST).contains(&x) {
            return Ok(x as usize);
        }
        let message = format!("`{name}` is a whole number from {least} to {MOST}, {x} was given");
        Err(self.report(Diagnostic::error("durbin::check::out_of_range", self.at(expr.span), message)))
    }

    /// `effects(m, by: unit)`, `effects(m, by: order, orders: 10)`, `effects(m, horizons: 8)`.
    pub(crate) fn effects_answer(&mut self, call: &Expr, model: usize, bound: &Bound) -> Check<Answer> {
        let by = match bound.get("by") {
            Some(e) => Some(self.choice("by", e, &["unit", "order"])?),
            None => None,
        };
        let (orders, horizons) = (bound.get("orders"), bound.get("horizons"));
        let clash = match (by, orders, horizons) {
            (Some(_), _, Some(e)) => Some((e, "`horizons:` and `by:` are two questions", "ask `effects` twice")),
            (None | Some("unit"), Some(e), _) => {
                Some((e, "`orders:` counts orders of neighbors", "write `by: order` beside it"))
            }
            _ => None,
        };
        if let Some((e, message, help)) = clash {
            let fault = Diagnostic::error("durbin::check::bad_option_value", self.at(e.span), message).help(help);
            return Err(self.report(fault));
        }
        let changing = self.spec.models.get(model).is_some_and(|m| m.changing().is_some());
        if let (Some(word), true) = (by, changing) {
            return Err(self.later(call.span, format!("`effects` by {word} of a model whose weights change over time")));
        }
        let drawn = self.spec.models.get(model).is_some_and(ModelSpec::is_drawn);
        if drawn && (by.is_some() || horizons.is_some()) {
            let what = "`by:` and `horizons:` of a model whose errors are drawn (`simulate`, `wild`, `bootstrap`)";
            return Err(self.later(call.span, what));
        }
        match (by, horizons) {
            (Some("unit"), _) => Ok(Answer::EffectsByUnit),
            (Some(_), _) => {
                let orders = match orders {
                    Some(e) => self.count(e, "orders", 1)?,
                    None => ORDERS,
                };
                if orders <= MOST_ORDERS {
                    return Ok(Answer::EffectsByOrder(orders));
                }
                let message = format!("`orders` is a whole number from 1 to {MOST_ORDERS}, {orders} was given");
                let place = self.at(bound.get("orders").map_or(call.span, |e| e.span));
                Err(self.report(Diagnostic::error("durbin::check::out_of_range", place, message)))
            }
            (None, Some(e)) => self.responses(call, model, e),
            (None, None) => Ok(Answer::Effects),
        }
    }
}
