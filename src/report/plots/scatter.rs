//! The Moran scatter: each unit against the mean of its neighbors.

use super::{numbers, p_in_words};
use crate::outcome::figures::{Figure, Ink, Layer, Marks, Named, Panel, Point};
use crate::outcome::testing::{Scatter, TestResult};
use crate::report::number;

/// Units named beside their points: those farthest out.
const NAMED: usize = 8;

/// Standardized values against their spatial lags; the slope is Moran's I where rows of the matrix sum to one.
pub fn moran(test: &TestResult, s: &Scatter) -> Figure {
    let says = |k: usize| {
        let shown = |x: f64| number::significant(x, 3);
        format!("{}: {} against {} of its neighbors", s.units[k], shown(s.z[k]), shown(s.lag[k]))
    };
    let points = (0..s.z.len()).map(|k| Point { x: s.z[k], y: s.lag[k], says: says(k) }).collect();
    let square: f64 = s.z.iter().map(|z| z * z).sum();
    let slope = s.z.iter().zip(&s.lag).map(|(z, l)| z * l).sum::<f64>() / square;
    let reach = s.z.iter().fold(1.0f64, |m, z| m.max(z.abs()));
    let mut far: Vec<usize> = (0..s.z.len()).collect();
    far.sort_by(|a, b| distance(s, *b).total_cmp(&distance(s, *a)).then(a.cmp(b)));
    let names = far.iter().take(NAMED).map(|k| Named { x: s.z[*k], y: s.lag[*k], text: s.units[*k].clone() });
    let layers = vec![
        Layer { series: None, ink: Ink::Grey, marks: Marks::Across(0.0) },
        Layer { series: None, ink: Ink::Grey, marks: Marks::Upright(0.0) },
        Layer {
            series: None,
            ink: Ink::Series(1),
            marks: Marks::Line(vec![[-reach, -slope * reach], [reach, slope * reach]]),
        },
        Layer { series: None, ink: Ink::Series(0), marks: Marks::Points(points) },
        Layer { series: None, ink: Ink::Black, marks: Marks::Names(names.collect()) },
    ];
    let notes = match &test.whole {
        Some(whole) => {
            let i = whole.moments.map_or(f64::NAN, |m| m[0]);
            vec![format!("Moran's I = {}, {}.", number::significant(i, 4), p_in_words(whole.p))]
        }
        None => vec![format!("Slope of the line: {}.", number::significant(slope, 4))],
    };
    Figure {
        title: Some(format!("{}, {}", test.title, s.period)),
        panels: vec![Panel {
            heading: None,
            x: numbers("standardized value"),
            y: numbers("its spatial lag"),
            layers,
            aspect: None,
        }],
        notes,
        ..Figure::default()
    }
}

/// One panel for each test, as of several periods, columns or matrices.
pub fn several(tests: &[(&TestResult, &Scatter)]) -> Figure {
    let mut out = Figure::default();
    for (test, s) in tests {
        let one = moran(test, s);
        let heading = one.title.unwrap_or_default();
        let notes = one.notes.into_iter().map(|n| format!("{heading}: {n}"));
        out.notes.extend(notes);
        out.panels.extend(one.panels.into_iter().map(|p| Panel { heading: Some(heading.clone()), ..p }));
    }
    out
}

fn distance(s: &Scatter, k: usize) -> f64 {
    let d = s.z[k] * s.z[k] + s.lag[k] * s.lag[k];
    if d.is_finite() { d } else { 0.0 }
}
