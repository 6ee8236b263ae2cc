//! Designs around a model: each is checked here and becomes models derived from the one it is asked of.

use super::arguments::Bound;
use super::library::Entry;
use super::scope::Value;
use super::spec::*;
use super::{Check, Checker, Reported};
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::syntax::ast::*;
use crate::syntax::print;
use std::rc::Rc;

/// Event times of `parallel_trends(m)` without a window: three leads, the first gathering those before it.
const LEADS: (i64, i64) = (-4, 0);
/// Event times a window may have.
const MOST_BINS: usize = 200;

impl Checker<'_> {
    /// A design this version executes; `None` for any other name.
    pub(crate) fn design_call(&mut self, call: &Expr, entry: &Entry, arguments: &[Argument]) -> Option<Check<Value>> {
        if let Some(value) = self.staggered_call(call, entry, arguments) {
            return Some(value);
        }
        let design = match entry.name.as_str() {
            "event_study" => Checker::event_study,
            "by_band" => Checker::by_band,
            "placebo" => Checker::placebo,
            "fake_timing" => Checker::fake_timing,
            "leave_one_out" => Checker::leave_one_out,
            "simulate" => Checker::simulate_design,
            "spec_curve" => Checker::spec_curve,
            "joint" => Checker::joint,
            "rings_did" => Checker::rings_did,
            "by_group" => Checker::by_group,
            "split_exposure" => Checker::split_exposure,
            "honest" => Checker::honest,
            _ => return None,
        };
        let bound = match self.bind(&entry.name, &entry.parameters, arguments, call.span) {
            Ok(bound) => bound,
            Err(reported) => return Some(Err(reported)),
        };
        Some(design(self, call, entry, &bound).map(|d| Value::Design(Rc::new(d))))
    }

    /// The model a design is asked of, with its name or text.
    pub(crate) fn design_model(&mut self, bound: &Bound) -> Check<(usize, String)> {
        let Some(expr) = bound.get("m") else { return Err(Reported) };
        Ok((self.model_argument(expr)?, print::expression(expr)))
    }

    /// The same of a model with a treatment.
    pub(crate) fn treated_model(&mut self, call: &Expr, entry: &Entry, bound: &Bound) -> Check<(usize, String)> {
        let (model, of) = self.design_model(bound)?;
        let spec = &self.spec.models[model];
        let Some(treatment) = spec.treatment else {
            return match bound.get("m") {
                Some(expr) => Err(self.no_treatment(call, entry, expr)),
                None => Err(Reported),
            };
        };
        if spec.is_drawn() {
            let what = format!("`{}` of a model whose errors are drawn (`simulate`, `wild`, `bootstrap`)", entry.name);
            return Err(self.later(call.span, what));
        }
        let with_it = spec.terms.iter().skip(1).map(|t| &t.value).find(|term| {
            let mut found = false;
            term.visit(&mut |c| {
                found |= match c.kind {
                    ColumnKind::Treatment(t) | ColumnKind::Near { treatment: t, .. } => t == treatment,
                    _ => false,
                }
            });
            found
        });
        if let Some(term) = with_it {
            let name = &self.spec.treatments[treatment].name;
            let message = format!(
                "`{}` puts something else in the place of `{name}`, and `{}` would keep it",
                entry.name, term.text
            );
            let fault = Diagnostic::error("durbin::check::wrong_kind", self.at(call.span), message)
                .label(term.place.0, "the treatment in another term")
                .help(format!("leave `{}` out of the model that is asked", term.text));
            return Err(self.report(fault));
        }
        Ok((model, of))
    }

    /// `event_study(m, -5..3, reference: -1, spill_clock: neighbor)`
    fn event_study(&mut self, call: &Expr, entry: &Entry, bound: &Bound) -> Check<DesignSpec> {
        let found = self.treated_model(call, entry, bound);
        let reference = match bound.get("reference") {
            Some(e) => self.whole(e, "`reference`"),
            None => Ok(-1),
        };
        let Some(window) = bound.get("window") else { return Err(Reported) };
        let bins = self.window(window, reference?)?;
        let (base, of) = found?;
        let own_clock = self.own_clock(bound, base, &of)?;
        Ok(DesignSpec::EventStudy { of, model: self.event_model(base, bins, own_clock, window.span) })
    }

    /// `parallel_trends(m)`: the leads of an event study.
    pub(crate) fn parallel_trends(&mut self, call: &Expr, entry: &Entry, bound: &Bound) -> Check<TestQuery> {
        let (base, of) = self.treated_model(call, entry, bound)?;
        let (bins, place) = match bound.get("window") {
            Some(window) => (self.window(window, -1)?, window.span),
            None => (gathered(LEADS, -1), call.span),
        };
        if bins.0.iter().all(|bin| bin.event_time() > bins.1) {
            let message = "a test of parallel trends needs event times before the reference";
            return Err(self.report(
                Diagnostic::error("durbin::check::out_of_range", self.at(place), message)
                    .help("begin the window before -1, such as `-4..0`"),
            ));
        }
        let own_clock = self.own_clock(bound, base, &of)?;
        Ok(TestQuery::Leads { of, model: self.event_model(base, bins, own_clock, place) })
    }

    /// A constant whole number, negative ones among them.
    pub(crate) fn whole(&mut self, expr: &Expr, what: &str) -> Check<i64> {
        let x = self.number(expr, what)?;
        if x.fract() != 0.0 || x.abs() > 1e9 {
            let message = format!("{what} is a whole number of periods, {x} was given");
            return Err(self.report(Diagnostic::error("durbin::check::out_of_range", self.at(expr.span), message)));
        }
        Ok(x as i64)
    }

    /// The bins of a window and its reference: a range, or a list of event times and ranges.
    fn window(&mut self, expr: &Expr, reference: i64) -> Check<(Vec<Bin>, i64)> {
        let value = self.value(expr)?;
        let ranges = match value {
            Value::Range(lo, hi) => {
                self.reference_inside(expr, (lo, hi), reference)?;
                return self.not_too_many(expr, gathered((lo, hi), reference));
            }
            Value::List(items) => {
                let mut ranges = Vec::new();
                for (value, item) in items {
                    ranges.push(match value {
                        Value::Range(lo, hi) => (lo, hi),
                        _ => {
                            let at = self.whole(&item, "an event time")?;
                            (at, at)
                        }
                    });
                }
                ranges
            }
            other => return Err(self.wrong_kind(expr.span, "a range of event times", &other, None)),
        };
        let bins = self.grouped(expr, ranges, reference)?;
        self.not_too_many(expr, (bins, reference))
    }

    /// Bins as they are listed: in order, without a hole but the reference; the outer ones gather what lies beyond.
    fn grouped(&mut self, expr: &Expr, mut ranges: Vec<(i64, i64)>, reference: i64) -> Check<Vec<Bin>> {
        let (Some(first), Some(last)) = (ranges.first().copied(), ranges.last().copied()) else {
            return Err(self.no_reference(expr, "no event time", reference));
        };
        self.reference_inside(expr, (first.0.min(reference), last.1.max(reference)), reference)?;
        ranges.retain(|r| *r != (reference, reference));
        let mut next = if first.0 > reference { reference + 1 } else { first.0 };
        let place = self.at(expr.span);
        let wrong = |message: String| {
            Diagnostic::error("durbin::check::out_of_range", place, message)
                .help("list each event time once and in order, such as `[-4..-2, 0..2, 3..5]`; the reference stays out")
        };
        for &(lo, hi) in &ranges {
            if lo == reference + 1 && next == reference {
                next = lo;
            }
            if lo <= reference && reference <= hi {
                let message = format!("the reference {reference} lies in the bin {lo}..{hi}");
                return Err(self.report(wrong(message)));
            }
            if lo != next {
                let message = format!("the event time {next} should come next, and the bin begins at {lo}");
                return Err(self.report(wrong(message)));
            }
            next = hi + 1;
        }
        let bins = ranges.iter().map(|&(lo, hi)| Bin { from: Some(lo), to: Some(hi) }).collect();
        Ok(open_ended(bins, reference))
    }

    fn reference_inside(&mut self, expr: &Expr, (lo, hi): (i64, i64), reference: i64) -> Check<()> {
        if lo <= reference && reference < hi {
            return Ok(());
        }
        Err(self.no_reference(expr, &format!("the window {lo}..{hi}"), reference))
    }

    fn no_reference(&mut self, expr: &Expr, what: &str, reference: i64) -> Reported {
        self.report(
            Diagnostic::error(
                "durbin::treatment::no_reference",
                self.at(expr.span),
                format!("{what} does not hold the reference {reference} and event times after it"),
            )
            .help("effects are differences from the reference: widen the window, or name another with `reference:`"),
        )
    }

    fn not_too_many(&mut self, expr: &Expr, found: (Vec<Bin>, i64)) -> Check<(Vec<Bin>, i64)> {
        if found.0.len() <= MOST_BINS {
            return Ok(found);
        }
        let message = format!("the window has {} event times; at most {MOST_BINS} are allowed", found.0.len());
        Err(self.report(Diagnostic::error("durbin::check::range_too_long", self.at(expr.span), message)))
    }

    /// Whether untreated units have a clock of their own exposure (`spill_clock: own`) in the place of the lags of event
    /// times: of a model that has such lags, by matrices that say once who is next to whom.
    fn own_clock(&mut self, bound: &Bound, base: usize, of: &str) -> Check<bool> {
        let Some(expr) = bound.get("spill_clock") else { return Ok(false) };
        if self.choice("spill_clock", expr, &["neighbor", "own"])? == "neighbor" {
            return Ok(false);
        }
        let (place, spec) = (self.at(expr.span), &self.spec.models[base]);
        let lagged = spec.model.has_durbin() && spec.durbin.as_ref().is_none_or(|chosen| chosen.contains(&0));
        if !lagged || spec.weights.is_empty() {
            let message = format!("`{of}` has no spatial lag of its treatment: nobody has a clock of exposure to it");
            let fault = Diagnostic::error("durbin::check::no_weights", place, message)
                .help("ask it of a model with such a lag: `slx_did`, `sdm_did` or `sdem_did`");
            return Err(self.report(fault));
        }
        if let Some(w) = spec.weights.iter().find(|w| w.recipe.changes()).map(|w| w.name.clone()) {
            let message =
                format!("`{w}` changes over time: a unit's neighbors of one year would start its clock in another");
            let fault = Diagnostic::error("durbin::check::bad_option_value", place, message)
                .help("leave `spill_clock:` out: the lags of event times take the neighbors of each period");
            return Err(self.report(fault));
        }
        Ok(true)
    }

    /// The model with a column per bin in the place of its treatment; with a clock of exposure also a column per bin and
    /// matrix in the place of its lags.
    fn event_model(&mut self, base: usize, (bins, reference): (Vec<Bin>, i64), own_clock: bool, place: Span) -> usize {
        let place = Place(self.at(place));
        let base = self.spec.models[base].clone();
        let Some(treatment) = base.treatment else { return self.interned_model(base) };
        let name = self.spec.treatments[treatment].name.clone();
        let term = |kind: ColumnKind, text: String| Term { value: Column { kind, text, place } };
        let own = bins.iter().map(|&bin| term(ColumnKind::EventTime { treatment, bin }, format!("{name}[{bin}]")));
        let mut terms: Vec<Term> = own.collect();
        for weights in base.weights.iter().filter(|_| own_clock) {
            terms.extend(bins.iter().map(|&bin| {
                let kind = ColumnKind::ExposureTime { treatment, bin, weights: weights.clone() };
                term(kind, format!("exposed by {}[{bin}]", weights.name))
            }));
        }
        let more = terms.len() - 1;
        terms.extend(base.terms.iter().skip(1).cloned());
        // The treatment was the first term; it is as many now.
        let moved = |at: usize| if at == 0 { 0 } else { at + more };
        let durbin = match base.durbin {
            None if own_clock => Some((more + 1..terms.len()).collect()),
            Some(chosen) if own_clock => Some(chosen.into_iter().filter(|at| *at > 0).map(moved).collect()),
            chosen => chosen.map(|chosen| {
                let spread = |at: usize| if at == 0 { 0..=more } else { moved(at)..=moved(at) };
                chosen.into_iter().flat_map(spread).collect()
            }),
        };
        let time_lags = base.time_lags.into_iter().map(|lag| TimeLagUse { term: moved(lag.term), ..lag }).collect();
        let approach = match base.approach {
            ApproachSpec::Instruments { endogenous, instruments } => {
                let spread = |at: usize| if at == 0 { 0..=more } else { moved(at)..=moved(at) };
                ApproachSpec::Instruments { endogenous: endogenous.into_iter().flat_map(spread).collect(), instruments }
            }
            other => other,
        };
        let exposures = if own_clock { base.weights.len() } else { 0 };
        let events = Some(EventTimes { treatment, bins, reference, exposures, place });
        self.interned_model(ModelSpec { terms, durbin, time_lags, events, approach, treatment: None, ..base })
    }

    /// `by_band(m, [0, 100, 250])`: the model once per band.
    fn by_band(&mut self, call: &Expr, entry: &Entry, bound: &Bound) -> Check<DesignSpec> {
        let found = self.treated_model(call, entry, bound);
        let Some(list) = bound.get("bounds") else { return Err(Reported) };
        let bounds = self.bounds(list);
        let ((base, of), bounds) = (found?, bounds?);
        let spec = &self.spec.models[base];
        if !spec.model.has_lag() && !spec.model.has_durbin() {
            let message = format!("`{of}` has no indirect effect: bands say how far one reaches");
            return Err(self.report(
                Diagnostic::error("durbin::check::no_weights", self.at(call.span), message)
                    .help("ask it of a model with a spatial lag, such as `sdm_did`"),
            ));
        }
        if spec.weights.len() > 1 {
            let message = format!("`{of}` has {} matrices, and each band takes the place of one", spec.weights.len());
            return Err(self.report(
                Diagnostic::error("durbin::check::arguments", self.at(call.span), message).help(
                    "bands that stand together are matrices of one model: `| [W_band(0, 100), W_band(100, 250)]`",
                ),
            ));
        }
        let mut bands = Vec::new();
        for pair in bounds.windows(2) {
            let model = self.band_model(base, (pair[0], pair[1]), list.span)?;
            bands.push(BandSpec { lo: pair[0], hi: pair[1], model });
        }
        Ok(DesignSpec::ByBand { of, bands })
    }

    /// Ascending bounds in kilometers, two at least.
    pub(crate) fn bounds(&mut self, list: &Expr) -> Check<Vec<f64>> {
        let items = match self.value(list)? {
            Value::List(items) => items,
            other => return Err(self.wrong_kind(list.span, "a list of distances", &other, None)),
        };
        let mut bounds = Vec::new();
        for (_, item) in &items {
            bounds.push(self.length(item, "a bound")?);
        }
        let rising = bounds.windows(2).all(|pair| pair[0] < pair[1]) && bounds.first().is_some_and(|lo| *lo >= 0.0);
        if bounds.len() >= 2 && rising {
            return Ok(bounds);
        }
        let shown: Vec<String> = bounds.iter().map(f64::to_string).collect();
        let message = format!("the bounds of bands ascend from 0 or more, [{}] was given", shown.join(", "));
        Err(self.report(
            Diagnostic::error("durbin::check::out_of_range", self.at(list.span), message)
                .help("`[0, 100, 250]` are the bands from 0 to 100 km and from 100 to 250 km"),
        ))
    }

    /// The model with `W_band(lo, hi)` for every matrix it has.
    fn band_model(&mut self, base: usize, (lo, hi): (f64, f64), span: Span) -> Check<usize> {
        let number = |x: f64| Argument { label: None, value: Expr { kind: ExprKind::Number(x), span }, over: None };
        let callee = Expr { kind: ExprKind::Name(Name { text: "W_band".to_string(), span, quoted: false }), span };
        let arguments = vec![number(lo), number(hi)];
        let expr = Expr { kind: ExprKind::Call { callee: Box::new(callee), arguments: arguments.clone() }, span };
        // That of the library, whatever the program calls by its name.
        let Some(entry) = self.request.library.get("W_band").cloned() else { return Err(Reported) };
        let Value::Weights(recipe, _) = self.weights_call(&expr, &entry, &arguments)? else { return Err(Reported) };
        let panel = self.spec.models[base].panel;
        self.needs(&recipe, panel)?;
        let used = WeightsUse { name: print::expression(&expr), panel, recipe, place: Place(self.at(span)) };
        let base = self.spec.models[base].clone();
        let has = |matrix: &Option<WeightsUse>| matrix.as_ref().map(|_| used.clone());
        let (lag_weights, error_weights) = (has(&base.lag_weights), has(&base.error_weights));
        let time_lags = base
            .time_lags
            .iter()
            .map(|lag| TimeLagUse { term: lag.term, weights: lag.weights.as_ref().map(|_| used.clone()) })
            .collect();
        Ok(self.interned_model(ModelSpec { weights: vec![used], lag_weights, error_weights, time_lags, ..base }))
    }
}

/// One bin per event time of a range but the reference; the ends gather what lies beyond.
fn gathered((lo, hi): (i64, i64), reference: i64) -> (Vec<Bin>, i64) {
    let within = (lo..=hi).take(MOST_BINS + 2).filter(|e| *e != reference);
    (open_ended(within.map(|e| Bin { from: Some(e), to: Some(e) }).collect(), reference), reference)
}

/// The outer bins without their outer bounds, on the sides of the reference that have bins.
fn open_ended(mut bins: Vec<Bin>, reference: i64) -> Vec<Bin> {
    if let Some(first) = bins.first_mut().filter(|b| b.to.is_some_and(|to| to < reference)) {
        first.from = None;
    }
    if let Some(last) = bins.last_mut().filter(|b| b.from.is_some_and(|from| from > reference)) {
        last.to = None;
    }
    bins
}
