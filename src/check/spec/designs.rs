//! What designs ask of models derived from others.

use super::{HonestSpec, Place};

/// Event times from one to another; an open end gathers all beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bin {
    pub from: Option<i64>,
    pub to: Option<i64>,
}

impl Bin {
    /// Whether an event time lies in it.
    pub fn holds(&self, event: i64) -> bool {
        self.from.is_none_or(|from| from <= event) && self.to.is_none_or(|to| event <= to)
    }

    /// The event time it goes by: the first, or the last where it has no first.
    pub fn event_time(&self) -> i64 {
        self.from.or(self.to).unwrap_or_default()
    }
}

impl std::fmt::Display for Bin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.from, self.to) {
            (Some(from), Some(to)) if from == to => write!(f, "{from}"),
            (Some(from), Some(to)) => write!(f, "{from}..{to}"),
            (Some(from), None) => write!(f, ">= {from}"),
            (None, Some(to)) => write!(f, "<= {to}"),
            (None, None) => write!(f, "all"),
        }
    }
}

/// The event times of a model by time since the start (methods E.2).
#[derive(Clone, Debug, PartialEq)]
pub struct EventTimes {
    pub treatment: usize,
    /// Ascending; the reference lies in none.
    pub bins: Vec<Bin>,
    pub reference: i64,
    pub place: Place,
}

/// What a design asks of models derived from others.
#[derive(Clone, Debug, PartialEq)]
pub enum DesignSpec {
    /// Effects by time since the start, from the model of that number; `of` is the model asked about.
    EventStudy { of: String, model: usize },
    /// The model again with each band as its matrix.
    ByBand { of: String, bands: Vec<BandSpec> },
    /// A design for staggered treatments, by its number in the spec.
    Staggered(usize),
    /// How far an event study survives departures from parallel trends.
    Honest(Box<HonestSpec>),
}

/// A band in kilometers and the model that has it as its matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct BandSpec {
    pub lo: f64,
    pub hi: f64,
    pub model: usize,
}

impl DesignSpec {
    /// Models it needs.
    pub fn models(&self) -> Vec<usize> {
        match self {
            DesignSpec::EventStudy { model, .. } => vec![*model],
            DesignSpec::ByBand { bands, .. } => bands.iter().map(|b| b.model).collect(),
            DesignSpec::Staggered(_) => Vec::new(),
            DesignSpec::Honest(honest) => honest.study.models(),
        }
    }

    /// The model it makes others from, as written.
    pub fn asked_of(&self) -> Option<&str> {
        match self {
            DesignSpec::EventStudy { of, .. } | DesignSpec::ByBand { of, .. } => Some(of),
            DesignSpec::Staggered(_) => None,
            DesignSpec::Honest(honest) => honest.study.asked_of(),
        }
    }

    /// The design for staggered treatments it is, or rests on.
    pub fn staggered(&self) -> Option<usize> {
        match self {
            DesignSpec::Staggered(number) => Some(*number),
            DesignSpec::Honest(honest) => honest.study.staggered(),
            DesignSpec::EventStudy { .. } | DesignSpec::ByBand { .. } => None,
        }
    }
}
