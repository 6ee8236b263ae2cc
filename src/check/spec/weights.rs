//! Recipes of spatial weights, and where they are used.

use super::{Bandwidth, Contact, Kernel, LinkWeight, Place};
use crate::data::writing::Writing;
use std::sync::Arc;

/// What becomes of units without neighbors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IslandPolicy {
    Error,
    Keep,
    Nearest,
    Drop,
}

/// What becomes of links that go one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symmetric {
    /// They stay.
    No,
    /// They go both ways.
    Or,
    /// They are left out.
    And,
}

impl Symmetric {
    /// Its word in the language.
    pub fn word(self) -> &'static str {
        match self {
            Symmetric::No => "none",
            Symmetric::Or => "or",
            Symmetric::And => "and",
        }
    }
}

/// How a matrix is built; `text` is the recipe in canonical spelling, lengths in km, defaults written out.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightsExpr {
    pub kind: WeightsKind,
    pub text: String,
    pub place: Place,
}

impl WeightsExpr {
    /// The recipes it is made of.
    pub fn parts(&self) -> Vec<&WeightsExpr> {
        match &self.kind {
            WeightsKind::Add(a, b) | WeightsKind::Hadamard(a, b) | WeightsKind::Product(a, b) => vec![a, b],
            WeightsKind::Transpose(a)
            | WeightsKind::Scale(_, a)
            | WeightsKind::HigherOrder(_, a)
            | WeightsKind::Row(a)
            | WeightsKind::Spectral(a)
            | WeightsKind::MinMax(a) => vec![a],
            _ => Vec::new(),
        }
    }

    /// Whether there is a matrix for each period.
    pub fn changes(&self) -> bool {
        matches!(self.kind, WeightsKind::Edges { time: Some(_), .. }) || self.parts().into_iter().any(Self::changes)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum WeightsKind {
    Edges {
        file: String,
        /// How the file is written, here and below.
        writing: Writing,
        from: Option<String>,
        to: Option<String>,
        weight: Option<String>,
        /// The column of periods: a matrix for each.
        time: Option<String>,
        islands: IslandPolicy,
    },
    Matrix {
        file: String,
        writing: Writing,
        islands: IslandPolicy,
    },
    Gal {
        file: String,
        islands: IslandPolicy,
    },
    Gwt {
        file: String,
        islands: IslandPolicy,
    },
    /// Matrix Market; `units`: the file that lists its units, where its comments do not.
    Mtx {
        file: String,
        units: Option<String>,
        islands: IslandPolicy,
    },
    /// Of ArcGIS.
    Swm {
        file: String,
        islands: IslandPolicy,
    },
    Contiguity {
        contact: Contact,
        order: usize,
        /// The distance within which points are one, in km; `None`: 1e-7 of the diagonal.
        snap: Option<f64>,
        weight: LinkWeight,
        islands: IslandPolicy,
    },
    /// `exp(−decay d)`, `decay` in 1/km.
    Exponential {
        decay: f64,
        cutoff: f64,
        islands: IslandPolicy,
    },
    /// `v_i v_k / d^power` of unit means, as those of `Similarity`.
    Gravity {
        column: String,
        power: f64,
        cutoff: f64,
        until: Option<i64>,
        islands: IslandPolicy,
    },
    /// Pairs that are exactly so many links of another matrix apart.
    HigherOrder(usize, Arc<WeightsExpr>),
    Band {
        lo: f64,
        hi: f64,
        islands: IslandPolicy,
    },
    Knn {
        k: usize,
        symmetric: Symmetric,
        islands: IslandPolicy,
    },
    Inverse {
        power: f64,
        cutoff: Option<f64>,
        /// Shorter distances count as this one.
        least: Option<f64>,
        islands: IslandPolicy,
    },
    Block {
        column: String,
        islands: IslandPolicy,
    },
    Kernel {
        shape: Kernel,
        bandwidth: Bandwidth,
        islands: IslandPolicy,
    },
    /// `1/|x_i − x_k|` of unit means up to a period; `None`: up to the last one before the first start.
    Similarity {
        column: String,
        until: Option<i64>,
        /// Smaller differences count as this one.
        least: Option<f64>,
        islands: IslandPolicy,
    },
    Add(Arc<WeightsExpr>, Arc<WeightsExpr>),
    Hadamard(Arc<WeightsExpr>, Arc<WeightsExpr>),
    Product(Arc<WeightsExpr>, Arc<WeightsExpr>),
    Transpose(Arc<WeightsExpr>),
    Scale(f64, Arc<WeightsExpr>),
    Row(Arc<WeightsExpr>),
    Spectral(Arc<WeightsExpr>),
    MinMax(Arc<WeightsExpr>),
}

/// A matrix as a formula names it, on one panel.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightsUse {
    pub name: String,
    pub panel: usize,
    pub recipe: Arc<WeightsExpr>,
    pub place: Place,
}
