//! What a figure is made of.

use super::{Output, Written};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Picture {
    Plot,
    /// Of the units of that panel, where they are; columns in this period, or in the last one.
    Map {
        panel: usize,
        at: Option<i64>,
    },
}

/// `plot(x)` or `map(x)`.
#[derive(Clone, Debug, PartialEq)]
pub struct FigureSpec {
    pub picture: Picture,
    pub of: Output,
    /// What it shows, as written.
    pub name: Written,
    pub title: Option<String>,
    /// In pixels.
    pub width: Option<f64>,
    pub height: Option<f64>,
}
