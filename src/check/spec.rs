//! What a program means, before any data are read: names are resolved, defaults written out, lengths in kilometers,
//! formulas expanded into terms. Two programs that differ only in layout, or in writing defaults out, give equal specs:
//! a [`Place`] equals every other place.

pub use crate::data::reduce::{Along, Reduction};
use crate::data::writing::Writing;
use crate::estimators::{FixedEffects, Likelihood, Model, RandomEffects, Scheme, Variance, WildWeights};
use crate::outcome::described::Meaning;
pub use crate::outcome::{Lang, Part, Under};
use crate::syntax::ast::Operator;
pub use crate::weights::contiguity::{Contact, LinkWeight};
pub use crate::weights::kernel::{Bandwidth, Kernel};

mod columns;
mod designs;
mod figures;
mod honest;
mod staggered;
mod steps;
pub mod testing;
mod text;
mod weights;

pub use columns::{Column, ColumnKind, Function};
pub use designs::{
    Aspect, BandSpec, Bin, DesignSpec, EventTimes, JointSpec, Permute, PlaceboSpec, SimulateSpec, SpecCurveSpec,
};
pub use figures::{FigureSpec, Picture};
pub use honest::{Departure, HonestSpec, StudiedEffect};
pub use staggered::{CaliperUse, ComparisonUse, ControlUse, MatchUse, MultiplierUse, StaggeredKind, StaggeredSpec};
pub use steps::{Output, ReportItem, Step, StepKind};
pub use testing::*;
pub use text::{Place, Written};
pub use weights::{IslandPolicy, Symmetric, WeightsExpr, WeightsKind, WeightsUse};

/// The settings of `options { … }`, with their defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub seed: u64,
    pub level: f64,
    pub draws: usize,
    /// Significant digits of tables.
    pub digits: usize,
    /// Of tables and pages.
    pub lang: Lang,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { seed: 42, level: 0.95, draws: 1000, digits: 4, lang: Lang::En }
    }
}

/// A whole program.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Spec {
    pub settings: Settings,
    /// Long tables, each with its keys.
    pub data: Vec<DataSpec>,
    pub panels: Vec<PanelSpec>,
    /// Labelled arrays that are printed, saved or asked about.
    pub arrays: Vec<ArraySpec>,
    pub treatments: Vec<TreatmentSpec>,
    pub models: Vec<ModelSpec>,
    pub tests: Vec<TestSpec>,
    /// Designs for staggered treatments.
    pub staggered: Vec<StaggeredSpec>,
    pub steps: Vec<Step>,
    /// Steps before this one were done by an earlier run; no part of what the program means.
    pub first_step: usize,
}

impl Spec {
    /// The steps that are to be done.
    pub fn fresh_steps(&self) -> &[Step] {
        self.steps.get(self.first_step..).unwrap_or_default()
    }
}

/// Where the rows of a panel come from.
#[derive(Clone, Debug, PartialEq)]
pub enum RowSource {
    File(String),
    /// An earlier panel.
    Panel(usize),
    /// An earlier data set.
    Data(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingPolicy {
    Error,
    Drop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BalancePolicy {
    Error,
    Drop,
    Allow,
}

#[derive(Clone, Debug, PartialEq)]
pub struct JoinSpec {
    /// The file, or a data set of the program.
    pub source: RowSource,
    pub by: Vec<String>,
    pub optional: bool,
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CoordsSpec {
    pub lon: String,
    pub lat: String,
    pub planar: bool,
    /// Distances on the ellipsoid.
    pub ellipsoid: bool,
    pub place: Place,
}

/// Polygons of the units.
#[derive(Clone, Debug, PartialEq)]
pub struct ShapesSpec {
    pub file: String,
    /// The attribute that names the unit.
    pub by: String,
    /// The author says that coordinates are a projection's.
    pub planar: bool,
    pub place: Place,
}

/// `let` and `where` clauses act in the order they are written.
#[derive(Clone, Debug, PartialEq)]
pub enum PanelStep {
    Let { name: String, value: Column },
    Where { condition: Column },
}

#[derive(Clone, Debug, PartialEq)]
pub struct PanelSpec {
    pub name: String,
    pub source: RowSource,
    pub unit: String,
    pub time: String,
    /// How its file is written.
    pub writing: Writing,
    pub mends: Vec<MendSpec>,
    pub joins: Vec<JoinSpec>,
    pub coords: Option<CoordsSpec>,
    pub shapes: Option<ShapesSpec>,
    pub steps: Vec<PanelStep>,
    pub markers: Vec<String>,
    pub missing: MissingPolicy,
    pub balance: BalancePolicy,
    /// The name in the declaration.
    pub place: Place,
    pub source_place: Place,
    pub unit_place: Place,
    pub time_place: Place,
    pub missing_place: Place,
    pub balance_place: Place,
}

impl PanelSpec {
    /// How the files are written that are joined: as its own, but for what is said of one workbook.
    pub fn joined(&self) -> Writing {
        Writing { sheet: None, range: None, ..self.writing.clone() }
    }
}

/// What the author changes in the texts of a column before anything else is done with it.
#[derive(Clone, Debug, PartialEq)]
pub struct MendSpec {
    pub column: String,
    pub mend: Mend,
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Mend {
    /// Blanks around a text are cut off.
    Trim,
    /// What the file writes, and what is meant.
    Recode(Vec<(String, String)>),
}

/// A long table of any number of keys: its rows as those of a panel without keys, then what makes arrays of them.
#[derive(Clone, Debug, PartialEq)]
pub struct DataSpec {
    pub rows: PanelSpec,
    pub keys: Vec<String>,
    /// The columns that are arrays; `None`: every one that is no key.
    pub values: Option<Vec<String>>,
    /// What rows of the same keys become; `None`: there are none.
    pub sums: Option<SumsSpec>,
    /// The value of combinations of keys that no row has; `None`: missing.
    pub absent: Option<f64>,
    pub keys_place: Place,
}

/// Rows of the same keys become one: columns added up, and how many rows there were.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SumsSpec {
    pub columns: Vec<String>,
    pub count: Option<String>,
    /// The first of the clauses.
    pub place: Place,
}

/// A labelled array of the program.
#[derive(Clone, Debug, PartialEq)]
pub struct ArraySpec {
    pub value: Column,
    /// As its dimensions are shown.
    pub dims: Vec<String>,
    /// The panel whose rows it is computed on; `None`: an expression of the program.
    pub rows_of: Option<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TreatmentRule {
    Starts(Column),
    Inline(Vec<(String, i64, Place)>),
    Indicator { column: Column, reversible: bool },
}

#[derive(Clone, Debug, PartialEq)]
pub struct TreatmentSpec {
    pub name: String,
    pub panel: usize,
    pub rule: TreatmentRule,
    pub place: Place,
}

/// One term of a formula under its canonical name.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    pub value: Column,
}

/// A term that is the outcome of the period before, or its spatial lag.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeLagUse {
    /// Its place among the terms.
    pub term: usize,
    pub weights: Option<WeightsUse>,
}

/// How a query asks for its parameters to be found (methods C.9, C.10).
#[derive(Clone, Debug, PartialEq, Default)]
pub enum ApproachSpec {
    #[default]
    Likelihood,
    Instruments {
        /// Places of endogenous terms, ascending.
        endogenous: Vec<usize>,
        /// Columns that are no terms.
        instruments: Vec<Term>,
    },
    Moments,
    Random {
        effects: RandomEffects,
        /// Unit means of the terms join them.
        mundlak: bool,
    },
}

/// One set of fixed effects, `province:time`.
#[derive(Clone, Debug, PartialEq)]
pub struct EffectUse {
    pub text: String,
    pub parts: Vec<EffectPart>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum EffectPart {
    Unit,
    Time,
    Column(Column),
}

/// A model as it will be estimated: every default is written out.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelSpec {
    /// `sdm`, `sdm_did`, …
    pub query: String,
    pub model: Model,
    pub panel: usize,
    pub outcome: Column,
    pub terms: Vec<Term>,
    pub weights: Vec<WeightsUse>,
    pub time_lags: Vec<TimeLagUse>,
    /// Terms with spatial lags, by position; `None` means every term.
    pub durbin: Option<Vec<usize>>,
    pub lag_weights: Option<WeightsUse>,
    pub error_weights: Option<WeightsUse>,
    /// The treatment of a `_did` query.
    pub treatment: Option<usize>,
    /// Of a model that an event study is made from: its first terms are one column per bin.
    pub events: Option<EventTimes>,
    /// `None`: two-way, or none where the panel has one period.
    pub fixed_effects: Option<FixedEffects>,
    pub approach: ApproachSpec,
    /// Every set of effects as written, where there are others than of units and periods; else empty.
    pub effects: Vec<EffectUse>,
    /// A linear trend of each unit.
    pub trends: bool,
    pub variance: Variance,
    /// As written in results: `iid`, `cluster(unit)`.
    pub variance_name: String,
    /// The column of `cluster(col)`.
    pub cluster: Option<Column>,
    pub resampling: Option<Resampling>,
    /// `None`: as methods C.3 decides.
    pub likelihood: Option<Likelihood>,
    pub df_adjust: bool,
    pub level: f64,
    pub condition: Option<Column>,
    pub effect_errors: EffectErrors,
    /// The formula, and the whole query.
    pub formula_place: Place,
    pub place: Place,
}

impl ModelSpec {
    /// The first matrix that changes over time.
    pub fn changing(&self) -> Option<&WeightsUse> {
        let lags = self.time_lags.iter().filter_map(|l| l.weights.as_ref());
        let all = self.weights.iter().chain(&self.lag_weights).chain(&self.error_weights).chain(lags);
        all.into_iter().find(|w| w.recipe.changes())
    }

    /// Outcome, terms and instruments: every column of the sample.
    pub fn columns(&self) -> impl Iterator<Item = &Column> {
        let instruments: &[Term] = match &self.approach {
            ApproachSpec::Instruments { instruments, .. } => instruments,
            _ => &[],
        };
        let terms = self.terms.iter().chain(instruments).map(|t| &t.value);
        std::iter::once(&self.outcome).chain(terms)
    }
}

/// What is estimated or tested again and again on changed outcomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resampling {
    /// The wild cluster bootstrap of least squares, by the clusters of the variance.
    Wild { reps: usize, weights: Option<WildWeights> },
    /// The residual bootstrap of likelihood models.
    Residuals { scheme: Scheme, reps: usize },
}

impl ModelSpec {
    /// Its errors, or those of its effects, come from draws.
    pub fn is_drawn(&self) -> bool {
        self.resampling.is_some() || self.effect_errors != EffectErrors::Delta
    }

    /// Effects of groups, or trends, beside those of units and periods.
    pub fn has_more_effects(&self) -> bool {
        !self.effects.is_empty() || self.trends
    }

    /// The model without what its optimum does not depend on: variances, levels, draws.
    pub fn without_inference(&self) -> ModelSpec {
        ModelSpec {
            variance: Variance::Iid,
            variance_name: String::new(),
            level: 0.0,
            effect_errors: EffectErrors::Delta,
            cluster: None,
            resampling: None,
            ..self.clone()
        }
    }
}

/// How effects get their standard errors (methods D.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EffectErrors {
    #[default]
    Delta,
    Simulate {
        draws: usize,
    },
}

/// A question put to a fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Coef,
    Residuals,
    Fitted,
    FixedEffects,
    Vcov,
    Loglik,
    Aic,
    Bic,
    Nobs,
    Tidy,
    Predict,
    Effects,
    /// Not of a fit: the value of an array without dimensions, by its number in the spec.
    Array,
    /// `effects(m, horizons: 8)`: the responses over so many periods.
    Responses(usize),
    EffectsByUnit,
    /// So many orders of neighbors.
    EffectsByOrder(usize),
    Explain,
    /// Not of a fit: a number of a test, by its number in the spec.
    Test,
}

/// A value known only after estimation, or a constant.
#[derive(Clone, Debug, PartialEq)]
pub enum ScalarExpr {
    Number(f64),
    Text(String),
    Bool(bool),
    /// `nobs(m)`, or an entry `coef(m).law`.
    Answer {
        answer: Answer,
        model: usize,
        entry: Option<String>,
        place: Place,
    },
    Negate(Box<ScalarExpr>),
    Not(Box<ScalarExpr>),
    Chain {
        first: Box<ScalarExpr>,
        rest: Vec<(Operator, ScalarExpr)>,
        place: Place,
    },
    If {
        branches: Vec<(ScalarExpr, ScalarExpr)>,
        otherwise: Box<ScalarExpr>,
    },
    Call {
        function: Function,
        arguments: Vec<ScalarExpr>,
        place: Place,
    },
    In {
        value: Box<ScalarExpr>,
        list: Vec<ScalarExpr>,
        negated: bool,
    },
}

/// What a table is of, and how it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct TableSpec {
    /// Heading and model of each column.
    pub columns: Vec<(String, usize)>,
    /// What it is a table of, where that is no models.
    pub of: Option<Box<Output>>,
    pub stars: bool,
    pub under: Under,
    pub digits: usize,
    pub labels: Vec<(String, String)>,
    pub title: Option<String>,
    /// Terms that one row stands for.
    pub controls: Vec<String>,
    /// `None`: every part.
    pub show: Option<Vec<Part>>,
    /// Headings over so many columns each.
    pub groups: Vec<(String, usize)>,
}

/// What is said of the columns of a panel.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeSpec {
    pub panel: usize,
    /// `None`: every column.
    pub columns: Option<Vec<String>>,
    pub by: Option<DescribedBy>,
    /// What the columns mean, where that is asked instead of numbers.
    pub codebook: Vec<Meaning>,
}

/// Whose rows stand beside whose.
#[derive(Clone, Debug, PartialEq)]
pub enum DescribedBy {
    /// Units that are treated at some time and those that never are.
    Treatment(usize),
    /// Rows by the values of a column.
    Column(String),
}
