//! Sensitivity to departures from parallel trends, as it will be computed.

use super::DesignSpec;

/// Which effects of a study.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StudiedEffect {
    Direct,
    /// Of neighbors: the spillover where the study has one.
    Indirect,
    Total,
}

impl StudiedEffect {
    /// Its word in the language.
    pub fn word(self) -> &'static str {
        match self {
            StudiedEffect::Direct => "direct",
            StudiedEffect::Indirect => "indirect",
            StudiedEffect::Total => "total",
        }
    }
}

/// How trends may depart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// By so many times their largest move before the reference.
    Relative,
    /// By changes of slope of at most the bound.
    Smooth,
}

/// The question put to an event study.
#[derive(Clone, Debug, PartialEq)]
pub struct HonestSpec {
    /// The study as written.
    pub of: String,
    pub study: DesignSpec,
    pub effect: StudiedEffect,
    /// An event time; `None`: the mean from 0 on.
    pub at: Option<i64>,
    pub departure: Departure,
    /// Empty: a few of the size that matters.
    pub bounds: Vec<f64>,
    pub level: f64,
}
