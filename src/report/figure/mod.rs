//! Figures become SVG: `frame` gives panels their place and scales, `marks` draws what stands in them, `ticks`
//! labels the axes, and `pen` writes the elements. Equal figures are equal bytes.

mod frame;
mod marks;
pub mod pen;
pub mod png;
mod ticks;

use crate::outcome::figures::{Figure, Ink, Layer, Marks, Panel};
use frame::Frame;
use pen::{Anchor, Pen, Style, width_of, wrapped};

/// The colors of Okabe and Ito, told apart in every kind of color vision and, in this order, in grey.
const SERIES: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
/// One hue from light to dark.
const SCALE: [&str; 5] = ["#c6dbef", "#8cb8dc", "#5596c8", "#2a6fa8", "#0b3f73"];
const GREY: &str = "#7a7a7a";
const FAINT: &str = "#e4e4e4";
const BLACK: &str = "#1a1a1a";

/// Sizes of text in pixels.
const TITLE: f64 = 15.0;
const HEADING: f64 = 13.0;
const LABEL: f64 = 12.0;
const SMALL: f64 = 11.0;

/// The edge around everything, and the room between panels.
const EDGE: f64 = 12.0;

fn color(ink: Ink) -> &'static str {
    match ink {
        Ink::Series(k) => SERIES[k % SERIES.len()],
        Ink::Scale(k) => SCALE[k.min(SCALE.len() - 1)],
        Ink::Grey => GREY,
        Ink::Faint => FAINT,
        Ink::Black => BLACK,
    }
}

/// A figure as a self-contained SVG document.
pub fn svg(figure: &Figure) -> String {
    let columns = columns(figure);
    let width = figure.width.unwrap_or(if columns == 1 { 640.0 } else { 860.0 }).clamp(160.0, 4000.0);
    let cell = (width - 2.0 * EDGE) / columns as f64;
    let mut pen = Pen::default();
    let mut top = EDGE;
    if let Some(title) = &figure.title {
        for line in wrapped(title, TITLE, width - 2.0 * EDGE) {
            top += TITLE;
            pen.heading([EDGE, top], &line, TITLE, Anchor::Start, BLACK);
            top += 4.0;
        }
        top += 4.0;
    }
    top = legend(&mut pen, figure, width, top);
    let notes: Vec<String> = figure.notes.iter().flat_map(|n| wrapped(n, SMALL, width - 2.0 * EDGE)).collect();
    let below = if notes.is_empty() { 0.0 } else { 8.0 + notes.len() as f64 * (SMALL + 4.0) };
    let rows = figure.panels.len().div_ceil(columns);
    let spare = figure.height.map(|h| (h.clamp(120.0, 4000.0) - top - below - EDGE) / rows.max(1) as f64);
    for (row, panels) in figure.panels.chunks(columns).enumerate() {
        let height = spare
            .map(|s| s.max(80.0))
            .unwrap_or_else(|| panels.iter().map(|p| natural_height(p, cell)).fold(0.0, f64::max));
        for (k, panel) in panels.iter().enumerate() {
            let left = EDGE + k as f64 * cell;
            let id = format!("p{}", row * columns + k);
            draw(&mut pen, panel, [left, left + cell], [top, top + height], &id);
        }
        top += height;
    }
    if !notes.is_empty() {
        top += 8.0;
        for line in &notes {
            top += SMALL;
            pen.text([EDGE, top], line, SMALL, Anchor::Start, "#4a4a4a");
            top += 4.0;
        }
    }
    let spoken = figure.title.as_deref().or_else(|| figure.panels.first()?.heading.as_deref()).unwrap_or("figure");
    pen.document(width, top + EDGE, spoken)
}

/// Panels side by side: two where there are two or four and none has names down its left.
fn columns(figure: &Figure) -> usize {
    let names = figure.panels.iter().any(|p| matches!(p.y, crate::outcome::figures::Axis::Names { .. }));
    if figure.panels.len() >= 2 && !names { 2 } else { 1 }
}

fn natural_height(panel: &Panel, width: f64) -> f64 {
    if let Some(aspect) = panel.aspect {
        let [x, y] = frame::ranges(panel);
        return ((width - 20.0) * (y[1] - y[0]) * aspect / (x[1] - x[0])).clamp(160.0, 900.0) + 40.0;
    }
    match &panel.y {
        crate::outcome::figures::Axis::Names { names, .. } => (24.0 * names.len() as f64).max(60.0) + 84.0,
        crate::outcome::figures::Axis::Numbers { .. } => (width * 0.62).clamp(240.0, 360.0),
    }
}

/// One line with a swatch for every named series, wrapped; returns where the panels begin.
fn legend(pen: &mut Pen, figure: &Figure, width: f64, top: f64) -> f64 {
    let mut seen: Vec<(&str, &Layer)> = Vec::new();
    for layer in figure.panels.iter().flat_map(|p| &p.layers) {
        if let Some(name) = layer.series.as_deref()
            && !seen.iter().any(|(n, _)| *n == name)
        {
            seen.push((name, layer));
        }
    }
    if seen.is_empty() {
        return top;
    }
    let (mut x, mut y) = (EDGE, top + LABEL);
    for (name, layer) in seen {
        let needed = 22.0 + width_of(name, LABEL) + 18.0;
        if x + needed > width - EDGE && x > EDGE {
            x = EDGE;
            y += LABEL + 6.0;
        }
        swatch(pen, layer, [x, y - 4.0]);
        pen.text([x + 22.0, y], name, LABEL, Anchor::Start, BLACK);
        x += needed;
    }
    y + 10.0
}

fn swatch(pen: &mut Pen, layer: &Layer, at: [f64; 2]) {
    let c = color(layer.ink);
    let [x, y] = at;
    match &layer.marks {
        Marks::Line(_) | Marks::Across(_) | Marks::Upright(_) => pen.line([x, y], [x + 16.0, y], Style::stroke(c, 2.0)),
        Marks::Dashes(_) => pen.line([x, y], [x + 16.0, y], Style::stroke(c, 2.0).dashed()),
        Marks::Points(_) | Marks::Names(_) => pen.circle([x + 8.0, y], 4.0, Style::fill(c, 1.0), ""),
        Marks::Intervals(_) | Marks::Bars(_) => {
            pen.line([x, y], [x + 16.0, y], Style::stroke(c, 1.5));
            pen.circle([x + 8.0, y], 3.5, Style::fill(c, 1.0), "");
        }
        Marks::Ribbon(_) | Marks::Area(_) => {
            pen.rectangle([x, x + 16.0], [y - 5.0, y + 5.0], Style::fill(c, 0.3), "");
        }
        Marks::Columns(_) | Marks::Cells(_) | Marks::Polygons(_) => {
            pen.rectangle([x, x + 16.0], [y - 5.0, y + 5.0], Style::fill(c, 0.85), "");
        }
    }
}

fn draw(pen: &mut Pen, panel: &Panel, x: [f64; 2], y: [f64; 2], id: &str) {
    let frame = Frame::of(panel, x, y);
    frame.grid(pen, panel);
    pen.clipped(id, frame.left_right, frame.top_bottom, |pen| {
        for layer in &panel.layers {
            marks::draw(pen, layer, &frame);
        }
    });
    let dots = marks::dots(&panel.layers, &frame);
    for layer in &panel.layers {
        marks::names(pen, layer, &dots, &frame);
    }
    frame.labels(pen, panel);
}
