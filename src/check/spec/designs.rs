//! What designs ask of models derived from others.

use super::{Column, HonestSpec, Place};

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
    /// So many matrices each give untreated units a clock of their exposure; 0: spillovers go by the clocks of neighbors.
    pub exposures: usize,
    pub place: Place,
}

/// What a design asks of models derived from others.
#[derive(Clone, Debug, PartialEq)]
pub enum DesignSpec {
    /// Effects by time since the start, from the model of that number; `of` is the model asked about.
    EventStudy { of: String, model: usize },
    /// The model again with each band as its matrix.
    ByBand { of: String, bands: Vec<BandSpec> },
    /// The estimate among those of random assignments of its treatment.
    Placebo(PlaceboSpec),
    /// The model on the periods before anybody is treated, with starts so many periods earlier.
    FakeTiming { of: String, model: usize, shift: usize, place: Place },
    /// The model without each group of treated units.
    LeaveOneOut { of: String, model: usize, by: Box<Column>, place: Place },
    /// The model estimated on outcomes drawn from it.
    Simulate(SimulateSpec),
    /// One effect over many models.
    SpecCurve(SpecCurveSpec),
    /// One effect in several models on the same units.
    Joint(JointSpec),
    /// Effects by group: of a model whose treatment is split, or of `model` on each group alone.
    ByGroup { of: String, model: usize, by: Box<Column>, split: bool, place: Place },
    /// A model whose first terms are the treatment and, for each of so many matrices, exposure on treated and on
    /// untreated units.
    SplitExposure { of: String, model: usize, matrices: usize },
    /// Least squares with rings, in kilometers, around the treated; the terms after the first are theirs.
    Rings { of: String, model: usize, treatment: String, rings: Vec<[f64; 2]>, place: Place },
    /// A design for staggered treatments, by its number in the spec.
    Staggered(usize),
    /// How far an event study survives departures from parallel trends.
    Honest(Box<HonestSpec>),
}

/// Outcomes drawn from a model with some of its parameters set (methods G.3).
#[derive(Clone, Debug, PartialEq)]
pub struct SimulateSpec {
    pub of: String,
    pub model: usize,
    pub reps: usize,
    /// Parameters by the names of terms, `rho`, `lambda` and `sigma2`; the others are as estimated.
    pub truth: Vec<(String, f64, Place)>,
    /// Residuals of whole units instead of normal errors.
    pub residuals: bool,
}

/// One effect of one term in models on the same units, drawn together.
#[derive(Clone, Debug, PartialEq)]
pub struct JointSpec {
    /// Each as written.
    pub models: Vec<(String, usize)>,
    pub term: String,
    pub aspect: Aspect,
    pub reps: usize,
}

/// One effect of one term over many models.
#[derive(Clone, Debug, PartialEq)]
pub struct SpecCurveSpec {
    /// Each as written.
    pub models: Vec<(String, usize)>,
    pub term: String,
    pub aspect: Aspect,
}

/// Random assignments of a model's treatment (methods E.9).
#[derive(Clone, Debug, PartialEq)]
pub struct PlaceboSpec {
    pub of: String,
    pub model: usize,
    pub reps: usize,
    pub scheme: Permute,
    /// Whose p-value leads.
    pub statistic: Aspect,
}

/// What a random assignment shuffles or moves.
#[derive(Clone, Debug, PartialEq)]
pub enum Permute {
    Units,
    /// Connected sets of treated units, or those of equal values of a column, move to other neighbors.
    Corridors(Option<Box<Column>>),
    /// Groups of units that share a course.
    Clusters(Box<Column>),
    Torus,
}

impl Permute {
    /// Its word in the language.
    pub fn word(&self) -> &'static str {
        match self {
            Permute::Units => "units",
            Permute::Corridors(_) => "corridors",
            Permute::Clusters(_) => "clusters",
            Permute::Torus => "torus",
        }
    }

    /// The column of its groups.
    pub fn by(&self) -> Option<&Column> {
        match self {
            Permute::Corridors(Some(by)) | Permute::Clusters(by) => Some(by),
            _ => None,
        }
    }
}

/// A part of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aspect {
    Direct,
    Indirect,
    Total,
}

impl Aspect {
    /// Its word in the language.
    pub fn word(self) -> &'static str {
        match self {
            Aspect::Direct => "direct",
            Aspect::Indirect => "indirect",
            Aspect::Total => "total",
        }
    }
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
            DesignSpec::Placebo(PlaceboSpec { model, .. })
            | DesignSpec::FakeTiming { model, .. }
            | DesignSpec::LeaveOneOut { model, .. }
            | DesignSpec::ByGroup { model, .. }
            | DesignSpec::SplitExposure { model, .. }
            | DesignSpec::Rings { model, .. }
            | DesignSpec::Simulate(SimulateSpec { model, .. }) => vec![*model],
            DesignSpec::Joint(joint) => joint.models.iter().map(|m| m.1).collect(),
            DesignSpec::SpecCurve(curve) => curve.models.iter().map(|m| m.1).collect(),
            DesignSpec::Staggered(_) => Vec::new(),
            DesignSpec::Honest(honest) => honest.study.models(),
        }
    }

    /// The model it makes others from, as written.
    pub fn asked_of(&self) -> Option<&str> {
        match self {
            DesignSpec::EventStudy { of, .. }
            | DesignSpec::ByBand { of, .. }
            | DesignSpec::Placebo(PlaceboSpec { of, .. })
            | DesignSpec::FakeTiming { of, .. }
            | DesignSpec::LeaveOneOut { of, .. }
            | DesignSpec::Simulate(SimulateSpec { of, .. })
            | DesignSpec::ByGroup { of, .. }
            | DesignSpec::SplitExposure { of, .. }
            | DesignSpec::Rings { of, .. } => Some(of),
            DesignSpec::SpecCurve(_) | DesignSpec::Joint(_) => None,
            DesignSpec::Staggered(_) => None,
            DesignSpec::Honest(honest) => honest.study.asked_of(),
        }
    }

    /// The design for staggered treatments it is, or rests on.
    pub fn staggered(&self) -> Option<usize> {
        match self {
            DesignSpec::Staggered(number) => Some(*number),
            DesignSpec::Honest(honest) => honest.study.staggered(),
            _ => None,
        }
    }
}
