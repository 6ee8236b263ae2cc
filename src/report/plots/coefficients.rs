//! Estimates with their intervals, a term a line: the effects of a spatial model, the coefficients of another.

use super::{numbers, percent, says, zero};
use crate::outcome::figures::{Axis, Figure, Ink, Interval, Layer, Marks, Panel};
use crate::outcome::{Effect, Estimate, Fit};

/// How far the marks of series on one line stand apart.
const APART: f64 = 0.22;

/// One series of estimates: its name, the level of its intervals and one estimate per term.
struct Series<'a> {
    name: String,
    level: f64,
    of: Vec<(String, &'a Estimate)>,
}

/// The effects of one fit as three series, or its coefficients where it has no neighbors.
pub fn of_one(fit: &Fit) -> Figure {
    let title = Some(format!("{} of {}", crate::report::words::short(fit), fit.outcome));
    let about = vec![format!("Bars: {} intervals, standard errors {}.", percent(fit.level), fit.se_type)];
    if fit.model == "ols" || fit.effects.is_empty() {
        let of = fit.coefficients.iter().filter(|c| c.term != "(Intercept)");
        let of = of.map(|c| (c.term.clone(), &c.value)).collect();
        let series = Series { name: String::new(), level: fit.level, of };
        return Figure { title, panels: vec![panel(&[series], "coefficient")], notes: about, ..Figure::default() };
    }
    let panels = vec![effects_panel(&fit.effects, fit.level)];
    Figure { title, panels, notes: about, ..Figure::default() }
}

/// `plot(effects(m))`.
pub fn of_effects(effects: &[Effect], level: f64) -> Figure {
    let notes = vec![format!("Bars: {} intervals.", percent(level))];
    Figure { title: None, panels: vec![effects_panel(effects, level)], notes, ..Figure::default() }
}

fn effects_panel(effects: &[Effect], level: f64) -> Panel {
    let series = |name: &str, part: fn(&Effect) -> &Estimate| Series {
        name: name.to_string(),
        level,
        of: effects.iter().map(|e| (e.term.clone(), part(e))).collect(),
    };
    let parts = [series("direct", |e| &e.direct), series("indirect", |e| &e.indirect), series("total", |e| &e.total)];
    panel(&parts, "effect")
}

/// Several fits in one picture, a series each: the direct effects in one panel and the indirect ones in another where
/// every fit has them, else the coefficients.
pub fn of_several(fits: &[(String, &Fit)]) -> Figure {
    let notes = vec![bars(fits)];
    let treated = fits.iter().all(|(_, f)| f.treatment.is_some());
    let wanted = |term: &str, fit: &Fit| !treated || fit.treatment.as_deref() == Some(term);
    // without neighbors, coefficients are all there is: a panel of indirect effects would be empty
    let has_effects = fits.iter().all(|(_, f)| !f.effects.is_empty()) && fits.iter().any(|(_, f)| f.model != "ols");
    if !has_effects {
        let series: Vec<Series> = fits
            .iter()
            .map(|(name, f)| Series {
                name: name.clone(),
                level: f.level,
                of: f
                    .coefficients
                    .iter()
                    .filter(|c| c.term != "(Intercept)" && wanted(&c.term, f))
                    .map(|c| (c.term.clone(), &c.value))
                    .collect(),
            })
            .collect();
        return Figure { title: None, panels: vec![panel(&series, "coefficient")], notes, ..Figure::default() };
    }
    let of = |what: &str, indirect: bool| {
        let series: Vec<Series> = fits
            .iter()
            .map(|(name, f)| Series {
                name: name.clone(),
                level: f.level,
                of: f
                    .effects
                    .iter()
                    .filter(|e| wanted(&e.term, f))
                    .map(|e| (e.term.clone(), if indirect { &e.indirect } else { &e.direct }))
                    .collect(),
            })
            .collect();
        panel(&series, what)
    };
    let panels = vec![of("direct effect", false), of("indirect effect", true)];
    Figure { title: None, panels, notes, ..Figure::default() }
}

/// What the bars are: one level, or each with the fits that have it.
fn bars(fits: &[(String, &Fit)]) -> String {
    let mut levels: Vec<(f64, Vec<&str>)> = Vec::new();
    for (name, fit) in fits {
        match levels.iter_mut().find(|(level, _)| *level == fit.level) {
            Some((_, names)) => names.push(name),
            None => levels.push((fit.level, vec![name])),
        }
    }
    match levels.as_slice() {
        [(level, _)] => format!("Bars: {} intervals.", percent(*level)),
        several => {
            let of = |(level, names): &(f64, Vec<&str>)| format!("{} ({})", percent(*level), names.join(", "));
            format!("Bars: intervals of {}.", several.iter().map(of).collect::<Vec<String>>().join(", "))
        }
    }
}

fn panel(series: &[Series], what: &str) -> Panel {
    let mut names: Vec<String> = Vec::new();
    for (term, _) in series.iter().flat_map(|s| &s.of) {
        if !names.contains(term) {
            names.push(term.clone());
        }
    }
    let middle = (series.len() as f64 - 1.0) / 2.0;
    let apart = (0.8 / series.len().max(1) as f64).min(APART);
    let mut layers = vec![zero(false)];
    for (k, s) in series.iter().enumerate() {
        let bars = s.of.iter().filter_map(|(term, e)| {
            let line = names.iter().position(|n| n == term)?;
            let called = if s.name.is_empty() { term.clone() } else { format!("{}, {term}", s.name) };
            Some(Interval {
                at: line as f64 + (k as f64 - middle) * apart,
                estimate: e.estimate,
                ci: e.ci,
                wide: None,
                says: format!("{called}: {}", says(what, e, s.level)),
            })
        });
        let name = (!s.name.is_empty()).then(|| s.name.clone());
        layers.push(Layer { series: name, ink: Ink::Series(k), marks: Marks::Bars(bars.collect()) });
    }
    Panel {
        heading: None,
        x: numbers(what),
        y: Axis::Names { label: String::new(), names, own: false },
        layers,
        aspect: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples::fit;

    #[test]
    fn every_level_of_intervals_is_named() {
        let (one, other) = (fit("A"), Fit { level: 0.9, ..fit("B") });
        assert_eq!(of_several(&[("m".into(), &one), ("n".into(), &one)]).notes, ["Bars: 95 % intervals."]);
        let mixed = of_several(&[("m".into(), &one), ("n".into(), &other)]);
        assert_eq!(mixed.notes, ["Bars: intervals of 95 % (m), 90 % (n)."]);
        let said = |series: usize| match &mixed.panels[0].layers[series + 1].marks {
            Marks::Bars(bars) => bars[0].says.clone(),
            other => panic!("{other:?}"),
        };
        assert!(said(0).contains("95 % interval") && said(1).contains("90 % interval"), "{} {}", said(0), said(1));
    }
}
