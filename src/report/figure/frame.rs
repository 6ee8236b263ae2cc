//! The place of a panel on the page and the scales from data to pixels.

use super::pen::{Anchor, Pen, Style, width_of};
use super::ticks::{ticks, words};
use super::{BLACK, FAINT, HEADING, LABEL, SMALL};
use crate::outcome::figures::{Axis, Marks, Panel};

/// Names beneath an axis are slanted when they do not fit side by side.
const MOST_NAME: f64 = 170.0;

/// Where a panel's data area lies, and what part of the data it shows.
pub struct Frame {
    pub left_right: [f64; 2],
    pub top_bottom: [f64; 2],
    x: [f64; 2],
    y: [f64; 2],
    /// Names run from the top down.
    downward: bool,
    slanted: bool,
    heading_room: f64,
}

/// The ranges of x and y that hold every mark, with a little air; never empty.
pub fn ranges(panel: &Panel) -> [[f64; 2]; 2] {
    let mut x = [f64::INFINITY, f64::NEG_INFINITY];
    let mut y = x;
    for layer in &panel.layers {
        extend(&layer.marks, &mut x, &mut y);
    }
    let settle = |range: [f64; 2], axis: &Axis| -> [f64; 2] {
        if let Axis::Names { names, .. } = axis {
            return [-0.6, names.len() as f64 - 0.4];
        }
        let [low, high] = range;
        if !(low.is_finite() && high.is_finite()) {
            return [0.0, 1.0];
        }
        let air = if high > low { 0.04 * (high - low) } else { 0.5 * low.abs().max(1.0) };
        [low - air, high + air]
    };
    let x = settle(x, &panel.x);
    let y = settle(y, &panel.y);
    [x, y]
}

fn extend(marks: &Marks, x: &mut [f64; 2], y: &mut [f64; 2]) {
    let see = |range: &mut [f64; 2], v: f64| {
        if v.is_finite() {
            range[0] = range[0].min(v);
            range[1] = range[1].max(v);
        }
    };
    match marks {
        Marks::Points(points) => points.iter().for_each(|p| {
            see(x, p.x);
            see(y, p.y);
        }),
        Marks::Intervals(intervals) => intervals.iter().for_each(|i| {
            see(x, i.at);
            spread(i).into_iter().for_each(|v| see(y, v));
        }),
        Marks::Bars(intervals) => intervals.iter().for_each(|i| {
            see(y, i.at);
            spread(i).into_iter().for_each(|v| see(x, v));
        }),
        Marks::Line(points) | Marks::Dashes(points) => points.iter().for_each(|p| {
            see(x, p[0]);
            see(y, p[1]);
        }),
        Marks::Area(points) => points.iter().for_each(|p| {
            see(x, p[0]);
            see(y, p[1]);
            see(y, 0.0);
        }),
        Marks::Ribbon(points) => points.iter().for_each(|p| {
            see(x, p[0]);
            see(y, p[1]);
            see(y, p[2]);
        }),
        Marks::Columns(columns) => columns.iter().for_each(|c| {
            see(x, c.from);
            see(x, c.to);
            see(y, 0.0);
            see(y, c.height);
        }),
        Marks::Across(v) => see(y, *v),
        Marks::Upright(v) => see(x, *v),
        Marks::Cells(cells) => cells.iter().for_each(|c| {
            c.x.iter().for_each(|v| see(x, *v));
            c.y.iter().for_each(|v| see(y, *v));
        }),
        Marks::Polygons(polygons) => polygons.iter().flat_map(|p| &p.rings).flatten().for_each(|p| {
            see(x, p[0]);
            see(y, p[1]);
        }),
        Marks::Names(names) => names.iter().for_each(|n| {
            see(x, n.x);
            see(y, n.y);
        }),
    }
}

fn spread(i: &crate::outcome::figures::Interval) -> Vec<f64> {
    let wide = i.wide.unwrap_or(i.ci);
    vec![i.estimate, i.ci[0], i.ci[1], wide[0], wide[1]]
}

impl Frame {
    /// The frame of a panel inside a box of the page.
    pub fn of(panel: &Panel, left_right: [f64; 2], top_bottom: [f64; 2]) -> Frame {
        let [x, y] = ranges(panel);
        let heading_room = if panel.heading.is_some() { HEADING + 12.0 } else { 8.0 };
        let mut frame = Frame {
            left_right,
            top_bottom,
            x,
            y,
            downward: matches!(panel.y, Axis::Names { .. }),
            slanted: false,
            heading_room,
        };
        if panel.aspect.is_some() {
            frame.left_right = [left_right[0] + 6.0, left_right[1] - 6.0];
            frame.top_bottom = [top_bottom[0] + heading_room, top_bottom[1] - 8.0];
            frame.keep_aspect(panel.aspect.unwrap_or(1.0));
            return frame;
        }
        let widest = frame.left_words(panel).iter().map(|w| width_of(w, SMALL)).fold(0.0, f64::max).min(MOST_NAME);
        let title = if label_of(&panel.y).is_empty() { 0.0 } else { LABEL + 12.0 };
        frame.left_right = [left_right[0] + widest + title + 12.0, left_right[1] - 10.0];
        let mut beneath = SMALL + 12.0 + if label_of(&panel.x).is_empty() { 0.0 } else { LABEL + 8.0 };
        if let Axis::Names { names, .. } = &panel.x {
            let room = (frame.left_right[1] - frame.left_right[0]) / names.len().max(1) as f64;
            let longest = names.iter().map(|n| width_of(n, SMALL)).fold(0.0, f64::max);
            frame.slanted = longest > room - 6.0;
            if frame.slanted {
                beneath += longest.min(MOST_NAME) * 0.65;
            }
        }
        frame.top_bottom = [top_bottom[0] + heading_room, top_bottom[1] - beneath];
        frame
    }

    /// Widens the shown range of one axis until both have the scale a map needs.
    fn keep_aspect(&mut self, aspect: f64) {
        let width = (self.left_right[1] - self.left_right[0]).max(1.0);
        let height = (self.top_bottom[1] - self.top_bottom[0]).max(1.0);
        let across = (self.x[1] - self.x[0]) / width;
        let down = (self.y[1] - self.y[0]) * aspect / height;
        let widen = |range: &mut [f64; 2], to: f64| {
            let middle = 0.5 * (range[0] + range[1]);
            *range = [middle - 0.5 * to, middle + 0.5 * to];
        };
        if across < down {
            widen(&mut self.x, down * width);
        } else {
            widen(&mut self.y, across * height / aspect);
        }
    }

    pub fn x(&self, v: f64) -> f64 {
        let [left, right] = self.left_right;
        left + (v - self.x[0]) / (self.x[1] - self.x[0]) * (right - left)
    }

    pub fn y(&self, v: f64) -> f64 {
        let [top, bottom] = self.top_bottom;
        let share = (v - self.y[0]) / (self.y[1] - self.y[0]);
        if self.downward { top + share * (bottom - top) } else { bottom - share * (bottom - top) }
    }

    fn x_ticks(&self, whole: bool) -> Vec<f64> {
        let room = (self.left_right[1] - self.left_right[0]) / 55.0;
        ticks(self.x[0], self.x[1], room.max(2.0) as usize, whole)
    }

    fn y_ticks(&self, whole: bool) -> Vec<f64> {
        ticks(self.y[0], self.y[1], 6, whole)
    }

    fn left_words(&self, panel: &Panel) -> Vec<String> {
        match &panel.y {
            Axis::Names { names, .. } => names.clone(),
            Axis::Numbers { whole, .. } => words(&self.y_ticks(*whole)),
        }
    }

    /// Faint rules behind the data.
    pub fn grid(&self, pen: &mut Pen, panel: &Panel) {
        if panel.aspect.is_some() {
            return;
        }
        let rule = Style::stroke(FAINT, 1.0);
        let ([left, right], [top, bottom]) = (self.left_right, self.top_bottom);
        if let Axis::Numbers { whole, .. } = &panel.y {
            for t in self.y_ticks(*whole) {
                pen.line([left, self.y(t)], [right, self.y(t)], rule);
            }
        }
        if let (Axis::Numbers { whole, .. }, Axis::Names { .. }) = (&panel.x, &panel.y) {
            for t in self.x_ticks(*whole) {
                pen.line([self.x(t), top], [self.x(t), bottom], rule);
            }
        }
    }

    /// Heading, axes, ticks and what they say.
    pub fn labels(&self, pen: &mut Pen, panel: &Panel) {
        let ([left, right], [top, bottom]) = (self.left_right, self.top_bottom);
        if let Some(heading) = &panel.heading {
            let at = [left, top - self.heading_room + HEADING + 2.0];
            pen.heading(at, heading, HEADING, Anchor::Start, BLACK);
        }
        if panel.aspect.is_some() {
            return;
        }
        let axis = Style::stroke(BLACK, 1.0);
        pen.line([left, bottom], [right, bottom], axis);
        let mut beneath = bottom + SMALL + 6.0;
        match &panel.x {
            Axis::Numbers { whole, .. } => {
                let at = self.x_ticks(*whole);
                for (t, word) in at.iter().zip(words(&at)) {
                    pen.line([self.x(*t), bottom], [self.x(*t), bottom + 4.0], axis);
                    pen.text([self.x(*t), beneath], &word, SMALL, Anchor::Middle, BLACK);
                }
            }
            Axis::Names { names, .. } => {
                for (k, name) in names.iter().enumerate() {
                    let x = self.x(k as f64);
                    pen.line([x, bottom], [x, bottom + 4.0], axis);
                    if self.slanted {
                        pen.slanted([x + 4.0, beneath], &shortened(name), SMALL, BLACK);
                    } else {
                        pen.text([x, beneath], name, SMALL, Anchor::Middle, BLACK);
                    }
                }
                if self.slanted {
                    beneath += names.iter().map(|n| width_of(n, SMALL)).fold(0.0, f64::max).min(MOST_NAME) * 0.65;
                }
            }
        }
        if !label_of(&panel.x).is_empty() {
            let middle = 0.5 * (left + right);
            pen.text([middle, beneath + LABEL + 5.0], label_of(&panel.x), LABEL, Anchor::Middle, BLACK);
        }
        self.left_labels(pen, panel, axis);
    }

    fn left_labels(&self, pen: &mut Pen, panel: &Panel, axis: Style) {
        let ([left, _], [top, bottom]) = (self.left_right, self.top_bottom);
        let words = self.left_words(panel);
        let at: Vec<f64> = match &panel.y {
            Axis::Names { names, .. } => (0..names.len()).map(|k| k as f64).collect(),
            Axis::Numbers { whole, .. } => self.y_ticks(*whole),
        };
        for (t, word) in at.iter().zip(&words) {
            pen.text([left - 7.0, self.y(*t) + 4.0], &shortened(word), SMALL, Anchor::End, BLACK);
        }
        if matches!(panel.y, Axis::Numbers { .. }) {
            pen.line([left, top], [left, bottom], axis);
        }
        if !label_of(&panel.y).is_empty() {
            let widest = words.iter().map(|w| width_of(w, SMALL)).fold(0.0, f64::max).min(MOST_NAME);
            pen.upward([left - widest - 17.0, 0.5 * (top + bottom)], label_of(&panel.y), LABEL, BLACK);
        }
    }
}

fn label_of(axis: &Axis) -> &str {
    match axis {
        Axis::Numbers { label, .. } | Axis::Names { label, .. } => label,
    }
}

/// A name that fits beside an axis, with an ellipsis where it was cut.
fn shortened(name: &str) -> String {
    if width_of(name, SMALL) <= MOST_NAME {
        return name.to_string();
    }
    let mut short = String::new();
    for c in name.chars() {
        if width_of(&short, SMALL) > MOST_NAME - 16.0 {
            break;
        }
        short.push(c);
    }
    format!("{}\u{2026}", short.trim_end())
}
