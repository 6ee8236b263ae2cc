//! Pictures before they are drawn: panels with axes and layers of marks, in the units of the data.
//!
//! A figure knows what it shows, not how it looks; `report/figure` draws it. Every mark can carry the sentence a
//! reader sees when pointing at it.

use serde::Serialize;

/// A picture of one or more panels under one title.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Figure {
    pub title: Option<String>,
    pub panels: Vec<Panel>,
    /// Sentences under the picture: what bars and bands are, what it was made from.
    pub notes: Vec<String>,
    /// In pixels; `None`: chosen from the panels.
    pub width: Option<f64>,
    pub height: Option<f64>,
    /// Where it was saved.
    pub path: Option<String>,
}

/// One pair of axes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Panel {
    pub heading: Option<String>,
    pub x: Axis,
    pub y: Axis,
    pub layers: Vec<Layer>,
    /// A map: so many units of y are as long as one of x, and no axes are drawn.
    pub aspect: Option<f64>,
}

/// What runs along an edge of a panel.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Axis {
    Numbers {
        label: String,
        /// Ticks at whole numbers only: periods, event times.
        whole: bool,
    },
    /// Positions 0, 1, 2 …, each with its name; from the left, or from the top.
    Names {
        label: String,
        names: Vec<String>,
        /// Names are the report's own words, which are said in the reader's language, not those of the data.
        #[serde(skip)]
        own: bool,
    },
}

/// Marks of one kind in one color; a series with a name has a line in the legend.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Layer {
    pub series: Option<String>,
    pub ink: Ink,
    pub marks: Marks,
}

/// Colors by role: series one to six are told apart without color vision too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Ink {
    Series(usize),
    /// From light to dark, 0 to 4.
    Scale(usize),
    Grey,
    Faint,
    Black,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Marks {
    Points(Vec<Point>),
    /// Points with an interval along y, and a wider, thinner one where there is one.
    Intervals(Vec<Interval>),
    /// The same along x, for names down the left.
    Bars(Vec<Interval>),
    Line(Vec<[f64; 2]>),
    Dashes(Vec<[f64; 2]>),
    /// x, low, high.
    Ribbon(Vec<[f64; 3]>),
    /// A curve filled down to zero.
    Area(Vec<[f64; 2]>),
    Columns(Vec<Column>),
    /// A rule across the panel at this y, or this x.
    Across(f64),
    Upright(f64),
    Cells(Vec<Patch>),
    Polygons(Vec<Polygon>),
    Names(Vec<Named>),
}

/// A dot.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    pub x: f64,
    pub y: f64,
    pub says: String,
}

/// An estimate with its interval at a position.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Interval {
    pub at: f64,
    pub estimate: f64,
    pub ci: [f64; 2],
    pub wide: Option<[f64; 2]>,
    pub says: String,
}

/// A column from zero up to a height.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Column {
    pub from: f64,
    pub to: f64,
    pub height: f64,
    pub says: String,
}

/// A rectangle.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Patch {
    pub x: [f64; 2],
    pub y: [f64; 2],
    pub says: String,
}

/// Outer rings and holes, by the even-odd rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Polygon {
    pub rings: Vec<Vec<[f64; 2]>>,
    pub says: String,
}

/// A word at a place, to the right of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Named {
    pub x: f64,
    pub y: f64,
    pub text: String,
}
