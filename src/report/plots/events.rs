//! The event plot: direct and indirect effects by time since the start, with intervals and what the leads say.

use super::{numbers, p_in_words, percent, plain, says, whole, zero};
use crate::outcome::Estimate;
use crate::outcome::designs::{EventPeriod, EventStudy};
use crate::outcome::figures::{Figure, Ink, Interval, Layer, Marks, Panel, Point};
use crate::outcome::testing::Finding;

/// Direct and indirect effects in panels of their own; one panel where the model has no neighbors.
pub fn study(e: &EventStudy) -> Figure {
    let mut panels = Vec::new();
    if e.fit.model == "ols" {
        panels.push(panel(e, None, "effect", 0, direct));
    } else {
        let own_clock = e.spill_clock == "own";
        let headings = if own_clock { ["On the treated", "On the exposed"] } else { ["Direct", "Indirect"] };
        panels.push(panel(e, Some(headings[0]), "direct effect", 0, direct));
        panels.push(panel(e, Some(headings[1]), "indirect effect", 1, |p| Shown {
            estimate: &p.indirect,
            uniform: p.uniform.indirect,
            units: p.exposed_units.unwrap_or(p.treated_units),
        }));
    }
    Figure {
        title: Some(format!("Effects of {} on {} by time since its start", e.treatment, e.fit.outcome)),
        panels,
        notes: notes(e),
        ..Figure::default()
    }
}

/// What a panel shows of an event time.
struct Shown<'e> {
    estimate: &'e Estimate,
    uniform: [f64; 2],
    units: usize,
}

fn direct(p: &EventPeriod) -> Shown<'_> {
    Shown { estimate: &p.direct, uniform: p.uniform.direct, units: p.treated_units }
}

fn panel(
    e: &EventStudy,
    heading: Option<&str>,
    what: &str,
    series: usize,
    of: impl Fn(&EventPeriod) -> Shown<'_>,
) -> Panel {
    // With clocks of exposure the second panel counts from the first start among neighbors.
    let exposed = series == 1 && e.spill_clock == "own";
    let who = if exposed { "exposed untreated" } else { "treated" };
    let since = if exposed { "periods since the exposure to" } else { "periods since the start of" };
    let intervals = e.periods.iter().map(|p| {
        let Shown { estimate, uniform, units } = of(p);
        let wide = uniform.iter().all(|v| v.is_finite()).then_some(uniform);
        let units = format!("{units} {who} units are observed there");
        Interval {
            at: p.event_time as f64,
            estimate: estimate.estimate,
            ci: estimate.ci,
            wide,
            says: format!("{}: {}; {units}", p.label, says(what, estimate, e.level)),
        }
    });
    let reference = e.reference as f64;
    let at_reference = Point { x: reference, y: 0.0, says: format!("{}: the reference", e.reference) };
    Panel {
        heading: heading.map(String::from),
        x: whole(&format!("{since} {}", e.treatment)),
        y: numbers(what),
        layers: vec![
            zero(true),
            Layer { series: None, ink: Ink::Grey, marks: Marks::Upright(reference + 0.5) },
            Layer { series: None, ink: Ink::Series(series), marks: Marks::Intervals(intervals.collect()) },
            Layer { series: None, ink: Ink::Grey, marks: Marks::Points(vec![at_reference]) },
        ],
        aspect: None,
    }
}

fn notes(e: &EventStudy) -> Vec<String> {
    let level = percent(e.level);
    let reference = e.reference as f64;
    let mut notes = vec![format!("Bars: {level} intervals of each event time; the reference is {}.", plain(reference))];
    if e.uniform_critical[0].is_finite() {
        notes.push(format!("Dashes: {level} intervals that hold at all event times at once."));
    }
    if let Some(leads) = &e.leads {
        let mut parts = vec![format!("all leads are zero: {}", verdict(&leads.pretrend))];
        parts.extend(leads.pretrend_own.iter().map(|t| format!("own {}", verdict(t))));
        parts.extend(leads.pretrend_spillover.iter().map(|t| format!("spillovers {}", verdict(t))));
        notes.push(format!("Tests before the start: {}.", parts.join("; ")));
    }
    let units: Vec<String> = e.periods.iter().map(|p| format!("{}: {}", p.label, p.treated_units)).collect();
    notes.push(format!("Treated units observed at each event time: {}.", units.join(", ")));
    let exposed = |p: &EventPeriod| p.exposed_units.map(|n| format!("{}: {n}", p.label));
    let exposed: Vec<String> = e.periods.iter().filter_map(exposed).collect();
    if !exposed.is_empty() {
        notes.push(format!("Exposed untreated units at each time since the exposure: {}.", exposed.join(", ")));
    }
    notes
}

fn verdict(f: &Finding) -> String {
    if f.p.is_nan() { "not computed".to_string() } else { p_in_words(f.p) }
}
