//! Residuals against the quantiles of a normal distribution.

use super::numbers;
use crate::outcome::LabeledArray;
use crate::outcome::figures::{Figure, Ink, Layer, Marks, Panel, Point};
use crate::report::number;
use statrs::distribution::{ContinuousCDF, Normal};

/// Beyond so many values, those in the middle of the distribution are thinned; both ends are kept whole.
const MOST: usize = 2000;
const ENDS: usize = 200;

/// Standardized values in order against the normal quantiles of their ranks.
pub fn normal(name: &str, array: &LabeledArray) -> Figure {
    let mut values: Vec<(f64, usize)> = array.values.iter().copied().zip(0..).filter(|(v, _)| v.is_finite()).collect();
    values.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let n = values.len();
    let mean = values.iter().map(|v| v.0).sum::<f64>() / n.max(1) as f64;
    let variance = values.iter().map(|v| (v.0 - mean).powi(2)).sum::<f64>() / (n.max(2) - 1) as f64;
    let sd = if variance > 0.0 { variance.sqrt() } else { 1.0 };
    let standard = Normal::standard();
    let step = n.div_ceil(MOST).max(1);
    let shown = |k: usize| k < ENDS || k + ENDS >= n || k.is_multiple_of(step);
    let points: Vec<Point> = (0..n)
        .filter(|k| shown(*k))
        .map(|k| {
            let (value, cell) = values[k];
            let x = standard.inverse_cdf((k as f64 + 0.5) / n as f64);
            let says = format!("{}: {}", label(array, cell), number::significant(value, 4));
            Point { x, y: (value - mean) / sd, says }
        })
        .collect();
    let reach = points.iter().fold(1.0f64, |m, p| m.max(p.x.abs()));
    let mut notes =
        vec![format!("{n} values, centered and divided by their standard deviation {}.", number::significant(sd, 4))];
    let missing = array.values.len() - n;
    if missing > 0 {
        notes.push(format!("{missing} cells have no value."));
    }
    if points.len() < n {
        notes.push(format!("One of {step} values in the middle is shown; the {ENDS} at each end all are."));
    }
    Figure {
        title: Some(format!("Normal quantiles of {name}")),
        panels: vec![Panel {
            heading: None,
            x: numbers("quantile of the normal distribution"),
            y: numbers("standardized value"),
            layers: vec![
                Layer { series: None, ink: Ink::Grey, marks: Marks::Dashes(vec![[-reach, -reach], [reach, reach]]) },
                Layer { series: None, ink: Ink::Series(0), marks: Marks::Points(points) },
            ],
            aspect: None,
        }],
        notes,
        ..Figure::default()
    }
}

/// The labels of a cell, `Nanjing, 2012`.
fn label(array: &LabeledArray, cell: usize) -> String {
    let mut rest = cell;
    let mut words = Vec::new();
    for labels in array.labels.iter().rev() {
        let size = labels.len().max(1);
        words.push(labels.get(rest % size).cloned().unwrap_or_default());
        rest /= size;
    }
    words.reverse();
    words.join(", ")
}
