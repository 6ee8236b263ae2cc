//! Pictures of placebos, rings, groups and curves of models.

use super::density::density;
use super::{numbers, p_in_words, percent, plain, says, zero};
use crate::outcome::Estimate;
use crate::outcome::figures::{Axis, Figure, Ink, Interval, Layer, Marks, Panel, Point};
use crate::outcome::groups::ByGroup;
use crate::outcome::placebo::{Draw, Drawn, LeaveOneOut, Placebo};
use crate::outcome::replications::SpecCurve;
use crate::outcome::rings::Rings;
use crate::report::number;

/// Draws that are shown as points at most.
const MOST: usize = 2000;

/// Density of the estimates of random assignments, their p-values, and the actual estimate.
pub fn placebo(p: &Placebo) -> Figure {
    let word = |part: &str| if p.spatial { format!("{part} effect") } else { "effect".to_string() };
    let mut panels =
        vec![assigned(p, &word("direct"), &p.actual.effects.direct, p.p_values.direct, 0, &|d| d.effects.direct)];
    if p.spatial {
        let of = &p.actual.effects;
        panels.push(assigned(p, &word("indirect"), &of.indirect, p.p_values.indirect, 1, &|d| d.effects.indirect));
    }
    Figure {
        title: Some(format!("{} among {} random assignments", p.treatment, number::count(p.draws.len()))),
        panels,
        notes: vec![
            "Area: density of the estimates of random assignments, its height scaled to one; dots: each of them with the \
             p-value of the model."
                .to_string(),
            "Upright: the actual estimate. Placebo p: the share of assignments, the actual one among them, whose |t| is at \
             least the actual one's."
                .to_string(),
        ],
        ..Figure::default()
    }
}

fn assigned(
    p: &Placebo,
    what: &str,
    actual: &Estimate,
    share: f64,
    series: usize,
    of: &dyn Fn(&Draw) -> Drawn,
) -> Panel {
    let draws: Vec<Drawn> = p.draws.iter().map(of).filter(|d| d.estimate.is_finite() && d.p.is_finite()).collect();
    let step = draws.len().div_ceil(MOST).max(1);
    let points = draws.iter().step_by(step).map(|d| Point {
        x: d.estimate,
        y: d.p,
        says: format!("{what} {}, {}", number::significant(d.estimate, 3), p_in_words(d.p)),
    });
    let estimates: Vec<f64> = draws.iter().map(|d| d.estimate).collect();
    let layers = vec![
        Layer { series: None, ink: Ink::Faint, marks: Marks::Area(density(&estimates, None)) },
        Layer { series: None, ink: Ink::Series(series), marks: Marks::Points(points.collect()) },
        Layer { series: None, ink: Ink::Black, marks: Marks::Upright(actual.estimate) },
    ];
    let heading = format!("{what} {}, placebo {}", number::significant(actual.estimate, 3), p_in_words(share));
    Panel { heading: Some(heading), x: numbers(what), y: numbers("p-value, density"), layers, aspect: None }
}

/// Estimates with intervals under names, which are the report's own or those of the data.
fn named(
    heading: Option<&str>,
    label: &str,
    what: &str,
    series: usize,
    level: f64,
    (of, own): (&[(String, &Estimate)], bool),
) -> Panel {
    let intervals = of.iter().enumerate().map(|(k, (name, e))| Interval {
        at: k as f64,
        estimate: e.estimate,
        ci: e.ci,
        wide: None,
        says: format!("{name}: {}", says(what, e, level)),
    });
    let marks = Marks::Intervals(intervals.collect());
    Panel {
        heading: heading.map(String::from),
        x: Axis::Names { label: label.to_string(), names: of.iter().map(|(name, _)| name.clone()).collect(), own },
        y: numbers(what),
        layers: vec![zero(true), Layer { series: None, ink: Ink::Series(series), marks }],
        aspect: None,
    }
}

fn bars(level: f64) -> String {
    format!("Bars: {} intervals.", percent(level))
}

/// The treated, then the rings from near to far.
pub fn rings(r: &Rings) -> Figure {
    let mut of = vec![("treated".to_string(), &r.direct)];
    of.extend(r.rings.iter().map(|b| (format!("{}\u{2013}{} {}", plain(b.lo), plain(b.hi), b.unit), &b.value)));
    Figure {
        title: Some(format!("Effects of {} by distance", r.treatment)),
        panels: vec![named(None, "distance to the nearest treated unit", "effect", 0, r.level, (&of, true))],
        notes: vec![bars(r.level), format!("Units beyond the last ring: {}.", r.clean_units)],
        ..Figure::default()
    }
}

/// Direct and indirect effects group by group.
pub fn groups(g: &ByGroup) -> Figure {
    let direct: Vec<(String, &Estimate)> = g.groups.iter().map(|x| (x.group.clone(), &x.direct)).collect();
    let what = if g.spatial { "direct effect" } else { "effect" };
    let mut panels = vec![named(g.spatial.then_some("Direct"), &g.by, what, 0, g.level, (&direct, false))];
    if g.spatial {
        let indirect: Vec<(String, &Estimate)> = g.groups.iter().map(|x| (x.group.clone(), &x.indirect)).collect();
        panels.push(named(Some("Indirect"), &g.by, "indirect effect", 1, g.level, (&indirect, false)));
    }
    let equality = format!("The effects are the same in all groups: {}.", p_in_words(g.equality.p));
    Figure {
        title: Some(format!("Effects of {} by {}", g.treatment, g.by)),
        panels,
        notes: vec![bars(g.level), equality],
        ..Figure::default()
    }
}

/// The effect with all units, then without each group.
pub fn left_out(l: &LeaveOneOut) -> Figure {
    let all = std::iter::once(("none".to_string(), &l.actual.effects.total));
    let of: Vec<(String, &Estimate)> =
        all.chain(l.groups.iter().map(|g| (g.group.clone(), &g.actual.effects.total))).collect();
    let what = if l.spatial { "total effect" } else { "effect" };
    Figure {
        title: Some(format!("The {what} of {} without each {}", l.treatment, l.by)),
        panels: vec![named(None, "left out", what, 0, l.level, (&of, false))],
        notes: vec![bars(l.level)],
        ..Figure::default()
    }
}

/// All models from the smallest effect to the largest.
pub fn curve(c: &SpecCurve) -> Figure {
    let of: Vec<(String, &Estimate)> =
        c.specifications.iter().enumerate().map(|(k, s)| ((k + 1).to_string(), &s.value)).collect();
    let models = c.specifications.iter().enumerate().map(|(k, s)| format!("{}: {}", k + 1, s.model));
    let mut notes = vec![bars(c.level)];
    notes.extend(models);
    Figure {
        title: Some(format!("The {} effect of {} over {} models", c.effect, c.term, c.specifications.len())),
        panels: vec![named(None, "model", &format!("{} effect", c.effect), 0, c.level, (&of, false))],
        notes,
        ..Figure::default()
    }
}
