//! Designs for staggered treatments: effects by time since the start, and spillovers by time since the exposure.

use super::{numbers, p_in_words, percent, says, whole, zero};
use crate::outcome::figures::{Figure, Ink, Interval, Layer, Marks, Panel};
use crate::outcome::staggered::{EventEffect, Staggered};

/// Effects on the treated, and on the exposed where there are some, in a panel each.
pub fn study(s: &Staggered) -> Figure {
    let own: Vec<&EventEffect> = s.leads.iter().chain(s.dynamic()).collect();
    let since = format!("periods since the start of {}", s.treatment);
    let spill = s.spillover.as_ref().map(|x| x.dynamic()).filter(|d| !d.is_empty());
    let heading = spill.map(|_| "On the treated");
    let mut panels = vec![panel(s, heading, "effect", &since, 0, &own)];
    if let Some(dynamic) = spill {
        let periods: Vec<&EventEffect> = dynamic.iter().collect();
        panels.push(panel(s, Some("On the exposed"), "spillover", "periods since the exposure", 1, &periods));
    }
    let mut notes = vec![format!("Bars: {} intervals of each event time.", percent(s.level))];
    if s.bootstrap.as_ref().is_some_and(|b| b.critical_dynamic.is_finite()) {
        notes.push(format!("Dashes: {} intervals that hold at all event times at once.", percent(s.level)));
    }
    if !s.leads.is_empty() {
        notes.push("Before the start: from unit-periods that are neither treated nor exposed alone.".to_string());
    }
    if let Some(test) = s.pretrend.as_ref().filter(|t| !t.p.is_nan()) {
        notes.push(format!("No effect before the start: {}.", p_in_words(test.p)));
    }
    let title = Some(format!("Effects of {} on {} by time since its start", s.treatment, s.outcome));
    Figure { title, panels, notes, ..Figure::default() }
}

fn panel(
    s: &Staggered,
    heading: Option<&str>,
    what: &str,
    since: &str,
    series: usize,
    periods: &[&EventEffect],
) -> Panel {
    let intervals = periods.iter().map(|p| Interval {
        at: p.event_time as f64,
        estimate: p.value.estimate,
        ci: p.value.ci,
        wide: p.uniform.filter(|u| u.iter().all(|v| v.is_finite())),
        says: format!("{}: {}; {} units", p.event_time, says(what, &p.value, s.level), p.units),
    });
    Panel {
        heading: heading.map(String::from),
        x: whole(since),
        y: numbers(what),
        layers: vec![
            zero(true),
            Layer { series: None, ink: Ink::Grey, marks: Marks::Upright(-0.5) },
            Layer { series: None, ink: Ink::Series(series), marks: Marks::Intervals(intervals.collect()) },
        ],
        aspect: None,
    }
}
