//! The marks of a layer.

use super::frame::Frame;
use super::pen::{Anchor, Pen, Style};
use super::{BLACK, SMALL, color};
use crate::outcome::figures::{Interval, Layer, Marks};

/// Everything but names, inside the clip of the panel.
pub fn draw(pen: &mut Pen, layer: &Layer, frame: &Frame) {
    let c = color(layer.ink);
    match &layer.marks {
        Marks::Points(points) => {
            for p in points.iter().filter(|p| p.x.is_finite() && p.y.is_finite()) {
                let style = Style { stroke: Some("#ffffff"), width: 0.8, ..Style::fill(c, 0.9) };
                pen.circle([frame.x(p.x), frame.y(p.y)], 4.0, style, &p.says);
            }
        }
        Marks::Intervals(intervals) => intervals.iter().for_each(|i| interval(pen, i, c, frame, false)),
        Marks::Bars(intervals) => intervals.iter().for_each(|i| interval(pen, i, c, frame, true)),
        Marks::Line(points) => stroke(pen, points, Style::stroke(c, 1.8), frame),
        Marks::Dashes(points) => stroke(pen, points, Style::stroke(c, 1.4).dashed(), frame),
        Marks::Ribbon(points) => {
            let finite: Vec<&[f64; 3]> = points.iter().filter(|p| p.iter().all(|v| v.is_finite())).collect();
            let over = finite.iter().map(|p| [frame.x(p[0]), frame.y(p[2])]);
            let back = finite.iter().rev().map(|p| [frame.x(p[0]), frame.y(p[1])]);
            pen.path(&[over.chain(back).collect()], true, Style::fill(c, 0.2), "");
        }
        Marks::Area(points) => {
            let (Some(first), Some(last)) = (points.first(), points.last()) else { return };
            let base = frame.y(0.0);
            let mut ring = vec![[frame.x(first[0]), base]];
            ring.extend(points.iter().map(|p| [frame.x(p[0]), frame.y(p[1])]));
            ring.push([frame.x(last[0]), base]);
            pen.path(&[ring], true, Style::fill(c, 0.3), "");
            stroke(pen, points, Style::stroke(c, 1.5), frame);
        }
        Marks::Columns(columns) => {
            for k in columns {
                let x = [frame.x(k.from) + 0.5, frame.x(k.to) - 0.5];
                pen.rectangle(x, [frame.y(0.0), frame.y(k.height)], Style::fill(c, 0.85), &k.says);
            }
        }
        Marks::Across(v) => {
            let [left, right] = frame.left_right;
            pen.line([left, frame.y(*v)], [right, frame.y(*v)], Style::stroke(c, 1.2));
        }
        Marks::Upright(v) => {
            let [top, bottom] = frame.top_bottom;
            pen.line([frame.x(*v), top], [frame.x(*v), bottom], Style::stroke(c, 1.2).dashed());
        }
        Marks::Cells(cells) => {
            let style = Style { stroke: Some("#ffffff"), width: 0.7, ..Style::fill(c, 1.0) };
            for cell in cells {
                let [x0, x1] = cell.x.map(|v| frame.x(v));
                let [y0, y1] = cell.y.map(|v| frame.y(v));
                pen.rectangle([x0, x1], [y0, y1], style, &cell.says);
            }
        }
        Marks::Polygons(polygons) => {
            let style = Style { stroke: Some("#ffffff"), width: 0.6, ..Style::fill(c, 0.9) };
            for polygon in polygons {
                let placed = |ring: &Vec<[f64; 2]>| ring.iter().map(|p| [frame.x(p[0]), frame.y(p[1])]).collect();
                let rings: Vec<Vec<[f64; 2]>> = polygon.rings.iter().map(placed).collect();
                pen.path(&rings, true, style, &polygon.says);
            }
        }
        Marks::Names(_) => {}
    }
}

/// Where the dots of a panel are, in pixels.
pub fn dots(layers: &[Layer], frame: &Frame) -> Vec<[f64; 2]> {
    let points = layers.iter().filter_map(|l| if let Marks::Points(all) = &l.marks { Some(all) } else { None });
    points.flatten().map(|p| [frame.x(p.x), frame.y(p.y)]).collect()
}

/// Names stand above the rest and may reach beyond the panel; where they can, they cover no dot.
pub fn names(pen: &mut Pen, layer: &Layer, dots: &[[f64; 2]], frame: &Frame) {
    if let Marks::Names(names) = &layer.marks {
        let size = SMALL - 1.0;
        let mut taken: Vec<[f64; 4]> = Vec::new();
        for n in names {
            let (x, y) = (frame.x(n.x), frame.y(n.y) + 3.5);
            let width = super::width_of(&n.text, size);
            // to the right, to the left, above, below; a name without room is left out, its point still says it
            let places = [
                (x + 7.0, y, Anchor::Start, x + 7.0),
                (x - 7.0, y, Anchor::End, x - 7.0 - width),
                (x, y - 9.0, Anchor::Middle, x - 0.5 * width),
                (x, y + 12.0, Anchor::Middle, x - 0.5 * width),
            ];
            let free = places.into_iter().filter(|(_, y, _, left)| {
                let inside = *left >= frame.left_right[0] - 4.0 && left + width <= frame.left_right[1] + 4.0;
                let over = |b: &[f64; 4]| *left < b[1] && left + width > b[0] && y - size < b[3] && y + 2.0 > b[2];
                inside && !taken.iter().any(over)
            });
            let covered = |(_, y, _, left): &(f64, f64, Anchor, f64)| {
                let across = |d: &[f64; 2]| d[0] > left - 3.0 && d[0] < left + width + 3.0;
                dots.iter().filter(|d| across(d) && d[1] > y - size - 2.0 && d[1] < y + 4.0).count()
            };
            // the first of those that cover fewest
            if let Some((x, y, anchor, left)) = free.min_by_key(covered) {
                taken.push([left, left + width, y - size, y + 2.0]);
                pen.text([x, y], &n.text, size, anchor, BLACK);
            }
        }
    }
}

fn stroke(pen: &mut Pen, points: &[[f64; 2]], style: Style, frame: &Frame) {
    let finite = points.split(|p| !(p[0].is_finite() && p[1].is_finite()));
    let strokes: Vec<Vec<[f64; 2]>> =
        finite.filter(|s| !s.is_empty()).map(|s| s.iter().map(|p| [frame.x(p[0]), frame.y(p[1])]).collect()).collect();
    pen.path(&strokes, false, style, "");
}

/// The interval with caps, the wide one thinner behind it, the estimate on top.
fn interval(pen: &mut Pen, i: &Interval, c: &'static str, frame: &Frame, along_x: bool) {
    if !i.estimate.is_finite() {
        return;
    }
    let place = |v: f64, off: f64| {
        if along_x { [frame.x(v), frame.y(i.at) + off] } else { [frame.x(i.at) + off, frame.y(v)] }
    };
    if let Some([low, high]) = i.wide.filter(|w| w.iter().all(|v| v.is_finite())) {
        pen.line(place(low, 0.0), place(high, 0.0), Style::stroke(c, 0.8).dashed());
    }
    if i.ci.iter().all(|v| v.is_finite()) {
        let style = Style::stroke(c, 1.8);
        pen.line(place(i.ci[0], 0.0), place(i.ci[1], 0.0), style);
        for end in i.ci {
            pen.line(place(end, -3.0), place(end, 3.0), style);
        }
    }
    let dot = Style { stroke: Some("#ffffff"), width: 0.8, ..Style::fill(c, 1.0) };
    pen.circle(place(i.estimate, 0.0), 4.2, dot, &i.says);
}
