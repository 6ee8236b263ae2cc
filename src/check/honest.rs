//! `honest(es)`: which effects of which study, under which departures from parallel trends.

use super::arguments::Bound;
use super::library::Entry;
use super::scope::Value;
use super::spec::*;
use super::{Check, Checker, Reported};
use crate::diagnostic::Diagnostic;
use crate::syntax::ast::*;
use crate::syntax::print;

impl Checker<'_> {
    pub(crate) fn honest(&mut self, call: &Expr, _entry: &Entry, bound: &Bound) -> Check<DesignSpec> {
        let Some(es) = bound.get("es") else { return Err(Reported) };
        let study = match self.value(es)? {
            Value::Design(design) => self.studied(es, &design)?,
            Value::Later(_) | Value::Broken => return Err(Reported),
            other => return Err(self.wrong_kind(es.span, "an event study", &other, None)),
        };
        let mut word = |option: &str, choices: &[&'static str]| match bound.get(option) {
            Some(e) => self.choice(option, e, choices),
            None => Ok(choices[0]),
        };
        let effect = match word("effect", &["direct", "indirect", "total"])? {
            "direct" => StudiedEffect::Direct,
            "indirect" => StudiedEffect::Indirect,
            _ => StudiedEffect::Total,
        };
        let departure = match word("restriction", &["relative", "smooth"])? {
            "relative" => Departure::Relative,
            _ => Departure::Smooth,
        };
        let at = match bound.get("at") {
            None => Some(0),
            Some(e) if matches!(&e.kind, ExprKind::Name(n) if n.text == "average") => None,
            Some(e) => Some(self.whole(e, "`at`")?),
        };
        if let (Some(refusal), StudiedEffect::Total) = (self.no_totals(&study), effect) {
            let place = bound.get("effect").map_or(call.span, |e| e.span);
            let (message, help) = refusal;
            let fault = Diagnostic::error("durbin::check::bad_option_value", self.at(place), message).help(help);
            return Err(self.report(fault));
        }
        let bounds = match bound.get("bound") {
            Some(e) => self.departures(e)?,
            None => Vec::new(),
        };
        let level = match bound.get("level") {
            Some(e) => self.level(e)?,
            None => self.spec.settings.level,
        };
        let spec = HonestSpec { of: print::expression(es), study, effect, at, departure, bounds, level };
        Ok(DesignSpec::Honest(Box::new(spec)))
    }

    /// Why a study has no total effects, and what to ask instead.
    fn no_totals(&self, study: &DesignSpec) -> Option<(String, &'static str)> {
        match study {
            DesignSpec::Staggered(number) => Some((
                format!(
                    "`{}` has direct effects and, with exposure, indirect ones, and no totals",
                    self.spec.staggered[*number].query
                ),
                "its effects on the treated include what treated neighbors add: `effect: direct`",
            )),
            DesignSpec::EventStudy { model, .. } => {
                let own_clock = self.spec.models[*model].events.as_ref().is_some_and(|e| e.exposures > 0);
                own_clock.then(|| {
                    (
                        "with `spill_clock: own` direct and indirect effects are those on different units, and have no total"
                            .to_string(),
                        "ask about `effect: direct` or `effect: indirect`, or leave `spill_clock: own` out of the study",
                    )
                })
            }
            _ => None,
        }
    }

    /// A design whose event times are one estimate against one reference.
    fn studied(&mut self, es: &Expr, design: &DesignSpec) -> Check<DesignSpec> {
        let help = match design {
            DesignSpec::EventStudy { model, .. } => {
                let events = self.spec.models[*model].events.clone();
                let several = |b: &Bin| matches!((b.from, b.to), (Some(from), Some(to)) if from < to);
                match events.is_some_and(|e| e.bins.iter().any(several)) {
                    false => return Ok(design.clone()),
                    true => "event times in bins have no path: list them one by one, `-5..3`",
                }
            }
            DesignSpec::Staggered(number) => match self.spec.staggered[*number].kind {
                StaggeredKind::SunAbraham { .. } | StaggeredKind::GroupTime { varying: false, .. } => {
                    return Ok(design.clone());
                }
                StaggeredKind::GroupTime { .. } => {
                    "effects before the start are changes from the period before: `base: universal` gives them one \
                     reference"
                }
                _ => {
                    "its leads come from another regression than its effects: use `sun_abraham`, `att_gt` with `base: \
                     universal`, or `event_study`"
                }
            },
            _ => "it takes an `event_study`, a `sun_abraham`, or an `att_gt` with `base: universal`",
        };
        let message = format!("`{}` is no path of effects with one reference", print::expression(es));
        Err(self.report(Diagnostic::error("durbin::check::wrong_kind", self.at(es.span), message).help(help)))
    }

    /// A bound of 0 or more, or a list of them.
    fn departures(&mut self, expr: &Expr) -> Check<Vec<f64>> {
        let items: Vec<&Expr> = match &expr.kind {
            ExprKind::List(items) => items.iter().collect(),
            _ => vec![expr],
        };
        let mut out = Vec::new();
        for item in items {
            let x = self.number(item, "`bound`")?;
            if !(x >= 0.0 && x.is_finite()) {
                let message = format!("`bound` is {x}; departures are bounded by 0 or more");
                return Err(self.report(Diagnostic::error("durbin::check::out_of_range", self.at(item.span), message)));
            }
            out.push(x);
        }
        Ok(out)
    }
}
