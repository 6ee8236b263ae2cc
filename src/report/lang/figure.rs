//! The words of a figure in the reader's language: its title, headings, axes, legend, notes, and what its marks say.

use super::say;
use crate::outcome::Lang;
use crate::outcome::figures::{Axis, Figure, Marks};

/// A figure in a language. Names of units, groups, terms and models stay as they are.
pub fn figure(mut figure: Figure, language: Lang) -> Figure {
    if language == Lang::En {
        return figure;
    }
    let speak = |text: &mut String| *text = say(language, text);
    figure.title.iter_mut().for_each(speak);
    figure.notes.iter_mut().for_each(speak);
    for panel in &mut figure.panels {
        panel.heading.iter_mut().for_each(speak);
        for axis in [&mut panel.x, &mut panel.y] {
            match axis {
                Axis::Numbers { label, .. } => speak(label),
                Axis::Names { label, names, own } => {
                    speak(label);
                    names.iter_mut().filter(|_| *own).for_each(speak);
                }
            }
        }
        for layer in &mut panel.layers {
            layer.series.iter_mut().for_each(speak);
            match &mut layer.marks {
                Marks::Points(all) => all.iter_mut().for_each(|m| speak(&mut m.says)),
                Marks::Intervals(all) | Marks::Bars(all) => all.iter_mut().for_each(|m| speak(&mut m.says)),
                Marks::Columns(all) => all.iter_mut().for_each(|m| speak(&mut m.says)),
                Marks::Cells(all) => all.iter_mut().for_each(|m| speak(&mut m.says)),
                Marks::Polygons(all) => all.iter_mut().for_each(|m| speak(&mut m.says)),
                Marks::Line(_) | Marks::Dashes(_) | Marks::Ribbon(_) | Marks::Area(_) => {}
                Marks::Across(_) | Marks::Upright(_) | Marks::Names(_) => {}
            }
        }
    }
    figure
}
