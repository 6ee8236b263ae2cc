//! Propensity scores of treated and controls, before and after matching.

use super::density::density;
use super::{numbers, plain};
use crate::outcome::figures::{Figure, Ink, Layer, Marks, Panel};
use crate::outcome::matching::MatchedDid;

/// One panel of all candidates, and one of those in the regression with their weights.
pub fn scores(m: &MatchedDid) -> Figure {
    let panel = |heading: &str, weight: fn(f64) -> f64| {
        let of = |treated: bool| {
            let units = m.units.iter().filter(|u| u.treated == treated && weight(u.weight) > 0.0);
            let (scores, weights): (Vec<f64>, Vec<f64>) = units.map(|u| (u.score, weight(u.weight))).unzip();
            density(&scores, Some(&weights))
        };
        let layer =
            |name: &str, k: usize, marks: Marks| Layer { series: Some(name.to_string()), ink: Ink::Series(k), marks };
        Panel {
            heading: Some(heading.to_string()),
            x: numbers("propensity score"),
            y: numbers("density"),
            layers: vec![layer("treated", 0, Marks::Line(of(true))), layer("controls", 1, Marks::Dashes(of(false)))],
            aspect: None,
        }
    };
    let after = format!("After matching: {} treated and {} controls.", m.matched_treated, m.matched_controls);
    let alike = format!("Controls count by their weights, as {} of one weight.", plain(m.effective_controls.round()));
    Figure {
        title: Some(format!("Propensity scores of {}", m.treatment)),
        panels: vec![panel("Before matching", |_| 1.0), panel("After matching", |w| w)],
        notes: vec![
            "Lines: densities by a normal kernel, the height of each scaled to one.".to_string(),
            format!("{after} {alike}"),
        ],
        ..Figure::default()
    }
}
