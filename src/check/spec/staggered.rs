//! Designs for treatments that start at different times, as they will be estimated.

use super::{ModelSpec, Place};

/// Who is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlUse {
    Never,
    NotYet,
    /// The last group before its start, where nobody stays untreated.
    Last,
}

impl ControlUse {
    /// Its word in the language.
    pub fn word(self) -> &'static str {
        match self {
            ControlUse::Never => "never",
            ControlUse::NotYet => "not_yet",
            ControlUse::Last => "last",
        }
    }
}

/// How a comparison uses covariates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComparisonUse {
    Dr,
    Reg,
    Ipw,
}

impl ComparisonUse {
    pub fn word(self) -> &'static str {
        match self {
            ComparisonUse::Dr => "dr",
            ComparisonUse::Reg => "reg",
            ComparisonUse::Ipw => "ipw",
        }
    }
}

/// Random multipliers of influence functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MultiplierUse {
    Rademacher,
    Mammen,
}

/// How controls are chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MatchUse {
    Nearest { neighbors: usize, replacement: bool },
    Radius,
    Kernel { bandwidth: f64 },
}

/// How far apart a pair may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CaliperUse {
    None,
    /// 0.2 standard deviations of the log odds.
    OfLogOdds,
    OfScores(f64),
}

/// What is estimated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StaggeredKind {
    /// Callaway and Sant'Anna; without `varying` every comparison has the last clean period as its base.
    GroupTime {
        control: ControlUse,
        estimator: ComparisonUse,
        varying: bool,
        draws: usize,
        multiplier: MultiplierUse,
    },
    SunAbraham {
        control: ControlUse,
    },
    /// Borusyak, Jaravel and Spiess, with so many leads tested.
    Imputation {
        leads: usize,
    },
    /// Gardner, with so many leads tested.
    TwoStage {
        leads: usize,
    },
    Bacon,
    /// Difference in differences on units matched by a propensity score.
    Matched {
        matching: MatchUse,
        caliper: CaliperUse,
        last_period: bool,
        common_support: bool,
        adjust: bool,
    },
}

/// A design on one sample.
#[derive(Clone, Debug, PartialEq)]
pub struct StaggeredSpec {
    /// `att_gt`, …
    pub query: String,
    /// The formula or the model it is asked of, as written.
    pub of: String,
    pub kind: StaggeredKind,
    pub anticipation: i64,
    /// Says outcome, treatment, covariates, condition, clusters and, as its matrices, who is exposed; never estimated.
    pub sample: ModelSpec,
    pub place: Place,
}
