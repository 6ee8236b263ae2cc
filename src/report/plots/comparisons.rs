//! The comparisons that a two-way estimate is a weighted mean of: how large each is, and how much it counts.

use super::numbers;
use crate::outcome::figures::{Figure, Ink, Layer, Marks, Panel, Point};
use crate::outcome::staggered::Decomposition;
use crate::report::number;

/// Weights along the bottom and estimates up the side, a color for each type of comparison, the two-way estimate as a
/// dashed line (Goodman-Bacon 2021).
pub fn weights(b: &Decomposition) -> Figure {
    let mut types: Vec<&str> = Vec::new();
    for c in &b.comparisons {
        if !types.contains(&c.versus) {
            types.push(c.versus);
        }
    }
    let shown = |x: f64| number::significant(x, 3);
    let reach = b.comparisons.iter().map(|c| c.weight).fold(0.0, f64::max);
    let mut layers = vec![
        super::zero(true),
        Layer { series: None, ink: Ink::Grey, marks: Marks::Dashes(vec![[0.0, b.estimate], [reach, b.estimate]]) },
    ];
    for (k, kind) in types.iter().enumerate() {
        let points = b.comparisons.iter().filter(|c| c.versus == *kind).map(|c| {
            let control = c.control.map_or("never treated".to_string(), |year| format!("treated from {year}"));
            let says = format!(
                "treated from {} against {control}: {}, weight {}",
                c.treated,
                shown(c.estimate),
                shown(c.weight)
            );
            Point { x: c.weight, y: c.estimate, says }
        });
        let label = match kind.split_once("_vs_") {
            Some((one, other)) => format!("{one} against {other}"),
            None => format!("against {} treated", kind.replace('_', " ")),
        };
        layers.push(Layer { series: Some(label), ink: Ink::Series(k), marks: Marks::Points(points.collect()) });
    }
    Figure {
        title: Some(format!("Comparisons in the two-way estimate of {}", b.treatment)),
        panels: vec![Panel { heading: None, x: numbers("weight"), y: numbers("estimate"), layers, aspect: None }],
        notes: vec![format!("Dashes: the two-way estimate {}, the weighted mean of all points.", shown(b.estimate))],
        ..Figure::default()
    }
}
