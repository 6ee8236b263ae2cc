//! A run before it is made: its steps, what each needs and how large it is. Nothing in this file computes.
//!
//! The field names are those of `durbin plan --format json` (docs/reference/command.md) and an interface.

use super::Dropped;
use serde::Serialize;

/// The steps of a program in an order in which they can be done.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Steps {
    /// How many steps at most run at the same time.
    pub threads: usize,
    /// Estimated bytes at the worst moment.
    pub peak_bytes: u64,
    /// The number of the step at that moment; 0 where there are no steps.
    pub peak_step: usize,
    pub steps: Vec<Step>,
}

/// One step. Invariant: `needs` are numbers smaller than its own.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// From 1.
    pub number: usize,
    /// Hash of what it does and of the keys of what it needs: equal steps have equal keys and are done once.
    pub key: String,
    /// A file, a panel, a matrix, a model.
    pub name: String,
    pub needs: Vec<usize>,
    /// The models and printed values that come from it.
    pub used_by: Vec<String>,
    /// Estimated bytes that stay until the end of the run.
    pub kept_bytes: u64,
    /// Estimated bytes it needs beside while it is done.
    pub working_bytes: u64,
    #[serde(flatten)]
    pub what: What,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    /// A file is read.
    Read {
        bytes: u64,
        /// Of a table: its rows and columns; null for other files.
        rows: Option<usize>,
        columns: Option<usize>,
    },
    /// Rows and keys of a data set, whose columns are arrays.
    Data { keys: Vec<String>, labels: Vec<usize>, rows: usize, cells: usize },
    /// Rows, keys and derived columns of a panel.
    Panel {
        unit: String,
        time: String,
        units: usize,
        periods: usize,
        first_period: i64,
        last_period: i64,
        rows: usize,
        balanced: bool,
        /// Files or panels that are joined.
        joins: Vec<String>,
        /// Names of derived columns.
        derived: Vec<String>,
        dropped: Vec<Dropped>,
    },
    /// Derived columns of a panel that are spatial lags: they wait for their matrices.
    Derived { panel: String, columns: Vec<String> },
    /// Who is treated from when.
    Treatment { panel: String, units: usize, never: usize, first_start: Option<i64>, last_start: Option<i64> },
    /// A matrix on the units of a panel or of a sample.
    Weights { panel: String, recipe: String, units: usize, links: usize, islands: usize, scaling: String },
    /// What `ln|I − ρW|` needs at every ρ: eigenvalues or an analysis, and the interval of the parameter.
    LogDeterminant {
        /// `eigen`, `cholesky` or `lu`.
        method: String,
        why: String,
        /// Numbers one log-determinant holds.
        numbers: usize,
    },
    /// The interval of ρ of a matrix that is printed.
    Interval { method: String },
    /// The sample of a model and its columns.
    Design {
        query: String,
        outcome: String,
        terms: Vec<String>,
        /// Terms whose spatial lags are regressors too, and the matrices that lag them.
        lagged: Vec<String>,
        lagged_by: Vec<String>,
        units: usize,
        periods: usize,
        observations: usize,
        dropped: Vec<Dropped>,
    },
    /// Lags taken, effects removed, parameters found, variances.
    Fit {
        estimator: String,
        fixed_effects: Vec<String>,
        /// Slopes (with the intercept), `rho` and `lambda`.
        coefficients: usize,
        /// `transform`, `partial` or `direct`; null for least squares.
        likelihood: Option<String>,
        why: String,
        /// M of methods C.3.
        m_effective: f64,
        variance: String,
        /// The number of the fit whose optimum it takes over: they differ in variances alone.
        optimum_of: Option<usize>,
    },
    /// Direct, indirect and total effects.
    Effects {
        terms: Vec<String>,
        /// The treatment whose policy effects are worked out too.
        policy: Option<String>,
        /// Where their standard errors come from: `delta`, `simulate`, `wild` or `bootstrap`.
        errors: &'static str,
        /// How many draws or replications that takes.
        #[serde(skip_serializing_if = "Option::is_none")]
        draws: Option<usize>,
    },
    /// A value is printed, saved or asserted.
    Output {
        source: String,
        /// The file of a `save`.
        path: Option<String>,
    },
}

impl What {
    /// The word of its kind, as in the document.
    pub fn kind(&self) -> &'static str {
        match self {
            What::Read { .. } => "read",
            What::Data { .. } => "data",
            What::Panel { .. } => "panel",
            What::Derived { .. } => "derived",
            What::Treatment { .. } => "treatment",
            What::Weights { .. } => "weights",
            What::LogDeterminant { .. } => "log_determinant",
            What::Interval { .. } => "interval",
            What::Design { .. } => "design",
            What::Fit { .. } => "fit",
            What::Effects { .. } => "effects",
            What::Output { .. } => "output",
        }
    }
}
