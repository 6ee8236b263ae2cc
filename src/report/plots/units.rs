//! Effects unit by unit, and what each order of neighbors adds.

use super::{numbers, percent, says, whole, zero};
use crate::outcome::figures::{Figure, Ink, Interval, Layer, Marks, Panel, Point};
use crate::outcome::{Estimate, Impact, OrderEffect, SplitEffects};
use crate::report::number;

/// The effects of every unit in ascending order, one panel for direct and one for indirect effects of each term.
pub fn ranked(split: &SplitEffects) -> Figure {
    let mut terms: Vec<&str> = Vec::new();
    for u in &split.units {
        if !terms.contains(&u.term.as_str()) {
            terms.push(&u.term);
        }
    }
    let mut panels = Vec::new();
    for term in terms {
        for (what, indirect) in [("direct effect", false), ("indirect effect", true)] {
            let mut of: Vec<(f64, &str)> = split
                .units
                .iter()
                .filter(|u| u.term == term)
                .map(|u| (if indirect { u.indirect } else { u.direct }, u.unit.as_str()))
                .collect();
            of.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(b.1)));
            let points = of.iter().enumerate().map(|(k, (y, unit))| Point {
                x: (k + 1) as f64,
                y: *y,
                says: format!("{unit}: {what} {}", number::significant(*y, 3)),
            });
            let ink = Ink::Series(usize::from(indirect));
            panels.push(Panel {
                heading: Some(format!("{term}, {what}")),
                x: whole("units in ascending order"),
                y: numbers(what),
                layers: vec![Layer { series: None, ink, marks: Marks::Points(points.collect()) }],
                aspect: None,
            });
        }
    }
    Figure { title: Some("Effects unit by unit".to_string()), panels, ..Figure::default() }
}

/// What each order of neighbors adds to the effects of each term.
pub fn by_order(split: &SplitEffects) -> Figure {
    let mut terms: Vec<&str> = Vec::new();
    for o in &split.orders {
        if !terms.contains(&o.term.as_str()) {
            terms.push(&o.term);
        }
    }
    let panel = |what: &str, part: fn(&Impact) -> &Estimate| {
        let mut layers = vec![zero(true)];
        for (k, term) in terms.iter().enumerate() {
            let shift = 0.12 * (k as f64 - (terms.len() as f64 - 1.0) / 2.0);
            let of = split.orders.iter().filter(|o| o.term == *term);
            let intervals = of.filter_map(|o: &OrderEffect| {
                let order = o.order?;
                let e = part(&o.impact);
                Some(Interval {
                    at: order as f64 + shift,
                    estimate: e.estimate,
                    ci: e.ci,
                    wide: None,
                    says: format!("{term}, order {order}: {}", says(what, e, split.level)),
                })
            });
            let series = (terms.len() > 1).then(|| term.to_string());
            layers.push(Layer { series, ink: Ink::Series(k), marks: Marks::Intervals(intervals.collect()) });
        }
        Panel { heading: None, x: whole("order of neighbors"), y: numbers(what), layers, aspect: None }
    };
    Figure {
        title: Some("Effects by order of neighbors".to_string()),
        panels: vec![panel("direct effect", |i| &i.direct), panel("indirect effect", |i| &i.indirect)],
        notes: vec![format!("Bars: {} intervals.", percent(split.level))],
        ..Figure::default()
    }
}
