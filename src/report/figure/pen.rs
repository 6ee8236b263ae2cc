//! SVG elements: escaped text, coordinates of two decimals, one element a line, so that equal figures are equal bytes.

use std::fmt::Write;

/// Generic families after common ones, those with Chinese characters included.
pub const FONTS: &str =
    "Helvetica, Arial, 'Noto Sans', 'Noto Sans CJK SC', 'Microsoft YaHei', 'PingFang SC', sans-serif";

/// Collects elements.
#[derive(Default)]
pub struct Pen {
    out: String,
}

/// Where text stands relative to its point.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// How a stroke or a filling looks.
#[derive(Clone, Copy)]
pub struct Style {
    pub stroke: Option<&'static str>,
    pub width: f64,
    pub fill: Option<&'static str>,
    pub opacity: f64,
    pub dashed: bool,
}

impl Style {
    pub const fn stroke(color: &'static str, width: f64) -> Style {
        Style { stroke: Some(color), width, fill: None, opacity: 1.0, dashed: false }
    }

    pub const fn fill(color: &'static str, opacity: f64) -> Style {
        Style { stroke: None, width: 0.0, fill: Some(color), opacity, dashed: false }
    }

    pub const fn dashed(self) -> Style {
        Style { dashed: true, ..self }
    }

    fn attributes(&self) -> String {
        let mut a = format!(" fill=\"{}\"", self.fill.unwrap_or("none"));
        if let Some(color) = self.stroke {
            let _ = write!(a, " stroke=\"{color}\" stroke-width=\"{}\"", coordinate(self.width));
        }
        if self.opacity < 1.0 {
            let _ = write!(a, " fill-opacity=\"{}\"", coordinate(self.opacity));
        }
        if self.dashed {
            a.push_str(" stroke-dasharray=\"4 3\"");
        }
        a
    }
}

/// A coordinate with at most two decimals.
pub fn coordinate(x: f64) -> String {
    let shown = crate::report::number::fixed(x, 2);
    match shown.contains('.') {
        true => shown.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => shown,
    }
}

/// Text as XML holds it; characters that XML cannot hold become a replacement character.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

impl Pen {
    pub fn line(&mut self, from: [f64; 2], to: [f64; 2], style: Style) {
        let [x1, y1, x2, y2] = [from[0], from[1], to[0], to[1]].map(coordinate);
        let _ = writeln!(self.out, "<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"{}/>", style.attributes());
    }

    pub fn rectangle(&mut self, x: [f64; 2], y: [f64; 2], style: Style, says: &str) {
        let [left, top, width, height] =
            [x[0].min(x[1]), y[0].min(y[1]), (x[1] - x[0]).abs(), (y[1] - y[0]).abs()].map(coordinate);
        let element =
            format!("<rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\"{}", style.attributes());
        self.close(&element, "rect", says);
    }

    pub fn circle(&mut self, at: [f64; 2], radius: f64, style: Style, says: &str) {
        let [x, y, r] = [at[0], at[1], radius].map(coordinate);
        let element = format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\"{}", style.attributes());
        self.close(&element, "circle", says);
    }

    /// Straight strokes through points; several rings are filled by the even-odd rule.
    pub fn path(&mut self, rings: &[Vec<[f64; 2]>], closed: bool, style: Style, says: &str) {
        let mut d = String::new();
        for ring in rings {
            for (k, p) in ring.iter().enumerate() {
                let _ = write!(d, "{}{} {}", if k == 0 { 'M' } else { 'L' }, coordinate(p[0]), coordinate(p[1]));
            }
            if closed {
                d.push('Z');
            }
        }
        if d.is_empty() {
            return;
        }
        let rule = if closed { " fill-rule=\"evenodd\"" } else { " stroke-linejoin=\"round\"" };
        let element = format!("<path d=\"{d}\"{rule}{}", style.attributes());
        self.close(&element, "path", says);
    }

    fn close(&mut self, element: &str, name: &str, says: &str) {
        let _ = if says.is_empty() {
            writeln!(self.out, "{element}/>")
        } else {
            writeln!(self.out, "{element}><title>{}</title></{name}>", escaped(says))
        };
    }

    pub fn text(&mut self, at: [f64; 2], text: &str, size: f64, anchor: Anchor, color: &str) {
        self.element(at, text, size, anchor, color, "");
    }

    pub fn heading(&mut self, at: [f64; 2], text: &str, size: f64, anchor: Anchor, color: &str) {
        self.element(at, text, size, anchor, color, " font-weight=\"600\"");
    }

    /// Text that reads upwards.
    pub fn upward(&mut self, at: [f64; 2], text: &str, size: f64, color: &str) {
        let [x, y] = at.map(coordinate);
        self.element(at, text, size, Anchor::Middle, color, &format!(" transform=\"rotate(-90 {x} {y})\""));
    }

    /// Text that rises to the right and ends at its point.
    pub fn slanted(&mut self, at: [f64; 2], text: &str, size: f64, color: &str) {
        let [x, y] = at.map(coordinate);
        self.element(at, text, size, Anchor::End, color, &format!(" transform=\"rotate(-40 {x} {y})\""));
    }

    fn element(&mut self, at: [f64; 2], text: &str, size: f64, anchor: Anchor, color: &str, more: &str) {
        let [x, y] = at.map(coordinate);
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let size = coordinate(size);
        let _ = writeln!(
            self.out,
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"{color}\"{anchor}{more}>{}</text>",
            escaped(text)
        );
    }

    /// What is drawn inside is cut off at a rectangle.
    pub fn clipped(&mut self, id: &str, x: [f64; 2], y: [f64; 2], draw: impl FnOnce(&mut Pen)) {
        let [left, top, width, height] = [x[0], y[0], x[1] - x[0], y[1] - y[0]].map(coordinate);
        let _ = writeln!(
            self.out,
            "<clipPath id=\"{id}\"><rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\"/></clipPath>"
        );
        let _ = writeln!(self.out, "<g clip-path=\"url(#{id})\">");
        draw(self);
        let _ = writeln!(self.out, "</g>");
    }

    /// The document; `title` is what a screen reader says first.
    pub fn document(self, width: f64, height: f64, title: &str) -> String {
        let [w, h] = [width, height].map(coordinate);
        let title = escaped(title);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" role=\"img\" \
             font-family=\"{FONTS}\">\n<title>{title}</title>\n<rect width=\"{w}\" height=\"{h}\" fill=\"#ffffff\"/>\n{}</svg>\n",
            self.out
        )
    }
}

/// How wide text is, in pixels, near enough to leave room for it: full-width characters are one em.
pub fn width_of(text: &str, size: f64) -> f64 {
    text.chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' | '(' | ')' | '[' | ']' | 'f' | 't' => 0.3,
            'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.88,
            c if c.is_ascii_uppercase() => 0.68,
            c if c.is_ascii() => 0.556,
            c if ('\u{2e80}'..='\u{ffef}').contains(&c) || c >= '\u{20000}' => 1.0,
            _ => 0.58,
        })
        .sum::<f64>()
        * size
}

/// How much wider than estimated the widest common font sets a line.
const WIDEST: f64 = 1.14;

/// Text broken at spaces (and between full-width characters) into lines no wider than `limit` pixels.
pub fn wrapped(text: &str, size: f64, limit: f64) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_inclusive(|c: char| c == ' ' || ('\u{2e80}'..='\u{ffef}').contains(&c)) {
        let line = lines.last_mut().map(|l| format!("{l}{word}")).unwrap_or_default();
        if WIDEST * width_of(line.trim_end(), size) > limit && lines.last().is_some_and(|l| !l.is_empty()) {
            lines.push(word.to_string());
        } else if let Some(last) = lines.last_mut() {
            *last = line;
        }
    }
    lines.into_iter().map(|l| l.trim_end().to_string()).collect()
}
