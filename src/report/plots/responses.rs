//! Impulse responses of a dynamic model: what a change of one period does later, and what a lasting one adds up to.

use super::{numbers, percent, says, whole, zero};
use crate::outcome::figures::{Figure, Ink, Interval, Layer, Marks, Panel};
use crate::outcome::{Estimate, Impact, Response};

/// One line per term in four panels: direct and indirect, of an impulse and of a lasting change.
pub fn responses(all: &[Response], level: f64) -> Figure {
    let mut terms: Vec<&str> = Vec::new();
    for r in all {
        if !terms.contains(&r.term.as_str()) {
            terms.push(&r.term);
        }
    }
    let panels = vec![
        panel(all, &terms, "Direct, impulse", level, |r| &r.impulse, |i| &i.direct),
        panel(all, &terms, "Indirect, impulse", level, |r| &r.impulse, |i| &i.indirect),
        panel(all, &terms, "Direct, lasting change", level, |r| &r.cumulated, |i| &i.direct),
        panel(all, &terms, "Indirect, lasting change", level, |r| &r.cumulated, |i| &i.indirect),
    ];
    let notes = vec![format!("Bands: {} intervals of each horizon.", percent(level))];
    Figure { title: None, panels, notes, ..Figure::default() }
}

fn panel(
    all: &[Response],
    terms: &[&str],
    heading: &str,
    level: f64,
    change: impl Fn(&Response) -> &Impact,
    part: impl Fn(&Impact) -> &Estimate,
) -> Panel {
    let mut layers = vec![zero(true)];
    for (k, term) in terms.iter().enumerate() {
        let of: Vec<(f64, &Estimate)> =
            all.iter().filter(|r| r.term == *term).map(|r| (r.horizon as f64, part(change(r)))).collect();
        let ink = Ink::Series(k);
        let ribbon = of.iter().map(|(h, e)| [*h, e.ci[0], e.ci[1]]).collect();
        layers.push(Layer { series: None, ink, marks: Marks::Ribbon(ribbon) });
        let line = of.iter().map(|(h, e)| [*h, e.estimate]).collect();
        let series = (terms.len() > 1).then(|| term.to_string());
        layers.push(Layer { series, ink, marks: Marks::Line(line) });
        let dots = of.iter().map(|(h, e)| Interval {
            at: *h,
            estimate: e.estimate,
            ci: [f64::NAN; 2],
            wide: None,
            says: format!("{term}, after {h} periods: {}", says("response", e, level)),
        });
        layers.push(Layer { series: None, ink, marks: Marks::Intervals(dots.collect()) });
    }
    Panel {
        heading: Some(heading.to_string()),
        x: whole("periods after the change"),
        y: numbers("response"),
        layers,
        aspect: None,
    }
}
