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
        panels.push(panel(e, None, "effect", 0, |p| (&p.direct, p.uniform.direct)));
    } else {
        panels.push(panel(e, Some("Direct"), "direct effect", 0, |p| (&p.direct, p.uniform.direct)));
        panels.push(panel(e, Some("Indirect"), "indirect effect", 1, |p| (&p.indirect, p.uniform.indirect)));
    }
    Figure {
        title: Some(format!("Effects of {} on {} by time since its start", e.treatment, e.fit.outcome)),
        panels,
        notes: notes(e),
        ..Figure::default()
    }
}

fn panel(
    e: &EventStudy,
    heading: Option<&str>,
    what: &str,
    series: usize,
    of: impl Fn(&EventPeriod) -> (&Estimate, [f64; 2]),
) -> Panel {
    let intervals = e.periods.iter().map(|p| {
        let (estimate, uniform) = of(p);
        let wide = uniform.iter().all(|v| v.is_finite()).then_some(uniform);
        let units = format!("{} treated units are observed there", p.treated_units);
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
        x: whole(&format!("periods since the start of {}", e.treatment)),
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
    notes
}

fn verdict(f: &Finding) -> String {
    if f.p.is_nan() { "not computed".to_string() } else { p_in_words(f.p) }
}
