//! What a run returns: plain data that knows everything needed to print it and to say how it was made.
//!
//! The field names are those of the JSON document (docs/reference/command.md) and an interface. Numbers that do not exist are
//! NaN here and `null` there. Nothing in this file computes.

pub mod described;
pub mod designs;
pub mod figures;
pub mod groups;
pub mod honest;
pub mod matching;
pub mod placebo;
pub mod replications;
pub mod rings;
pub mod staggered;
pub mod steps;
pub mod table;
pub mod testing;

pub use table::{Beneath, Block, Cell, Lang, Part, Row, Table, Under};

use serde::Serialize;
use serde::ser::SerializeMap;

/// One estimated quantity with its inference at the fit's level; `se` and what follows are NaN where there is none.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimate {
    pub estimate: f64,
    pub se: f64,
    pub statistic: f64,
    pub p: f64,
    pub ci: [f64; 2],
}

/// A coefficient: a regressor as written, its spatial lag `W @ x`, `rho`, `lambda` or `(Intercept)`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Coefficient {
    pub term: String,
    #[serde(flatten)]
    pub value: Estimate,
}

/// Direct, indirect and total effect of a term, averaged over units (methods D.1).
///
/// Those of a dynamic model are of the short run, beside those of the long run (methods D.3).
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    pub term: String,
    pub direct: Estimate,
    pub indirect: Estimate,
    pub total: Estimate,
    pub long_run: Option<Box<Impact>>,
}

/// Direct, indirect and total.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Impact {
    pub direct: Estimate,
    pub indirect: Estimate,
    pub total: Estimate,
}

impl Serialize for Effect {
    /// Flat in a static model; `short_run` and `long_run` in a dynamic one.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("term", &self.term)?;
        let (direct, indirect, total) = (&self.direct, &self.indirect, &self.total);
        match &self.long_run {
            None => {
                map.serialize_entry("direct", direct)?;
                map.serialize_entry("indirect", indirect)?;
                map.serialize_entry("total", total)?;
            }
            Some(long_run) => {
                let short_run = Impact { direct: direct.clone(), indirect: indirect.clone(), total: total.clone() };
                map.serialize_entry("short_run", &short_run)?;
                map.serialize_entry("long_run", long_run)?;
            }
        }
        map.end()
    }
}

/// The response to an impulse of one period after `horizon` periods, and to a permanent change (methods D.3).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Response {
    pub term: String,
    pub horizon: usize,
    #[serde(flatten)]
    pub impulse: Impact,
    pub cumulated: Impact,
}

/// What a dynamic model says about its stability (methods C.7).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stability {
    /// The largest modulus of a root; long-run effects need one below one.
    pub largest_root: f64,
    /// τ + ρ + η, and the Wald test that it is one.
    pub sum: Estimate,
    pub unit_root: Restriction,
    /// Whether the bias of estimated unit effects was taken out.
    pub bias_corrected: bool,
}

/// A test of restrictions on coefficients.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Restriction {
    pub statistic: f64,
    pub df: usize,
    pub p: f64,
}

/// How well the excluded instruments explain what is endogenous (methods C.9).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FirstStage {
    pub endogenous: Vec<Strength>,
    /// Instruments that are no regressors, and those left out as combinations of others.
    pub excluded: usize,
    pub dropped: usize,
    /// The statistic of Cragg and Donald: with one endogenous variable its F.
    pub weakest: f64,
    /// Sargan's test that the instruments agree, under iid errors; none where there are just enough.
    pub overidentification: Option<Restriction>,
}

/// The first stage of one endogenous variable.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Strength {
    /// The coefficient it is about: `rho` for the outcome's lag.
    pub term: String,
    /// The partial F of the excluded instruments, with its degrees of freedom.
    pub f: f64,
    pub df: [f64; 2],
    pub partial_r2: f64,
    /// The F of the spatial lags of the treatment alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub treatment_f: Option<f64>,
}

/// The effects on and from one unit (`effects(m, by: unit)`; methods D.1).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UnitEffect {
    pub unit: String,
    pub term: String,
    /// Of a change in the unit itself.
    pub direct: f64,
    /// Of a change in all other units.
    pub indirect: f64,
    /// Of a change everywhere.
    pub total: f64,
    /// Of a change in the unit on all others together.
    pub from: f64,
    pub se: UnitErrors,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UnitErrors {
    pub direct: f64,
    pub indirect: f64,
    pub total: f64,
    pub from: f64,
}

/// What one order of neighbors adds to the effects of a term (`effects(m, by: order)`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OrderEffect {
    pub term: String,
    /// `None`: all orders beyond the last one listed.
    pub order: Option<usize>,
    #[serde(flatten)]
    pub impact: Impact,
}

/// The effects of a fit, unit by unit or order by order.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SplitEffects {
    pub effects: Vec<Effect>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<UnitEffect>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub orders: Vec<OrderEffect>,
    pub level: f64,
    pub notes: Vec<String>,
}

/// How many parameter draws or replications an inference rests on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drawn {
    /// Asked for.
    pub draws: usize,
    /// Outside the admissible or stable region, or without an estimate.
    pub discarded: usize,
    pub seed: u64,
}

/// The bootstrap a fit's inference rests on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bootstrapped {
    /// `wild_cluster`, `wild_period` or `block_unit`.
    pub scheme: String,
    /// `rademacher` or `webb`; units are drawn without weights.
    pub weights: Option<String>,
    pub clusters: Option<usize>,
    pub reps: usize,
    /// Replications without an estimate.
    pub discarded: usize,
    pub seed: u64,
}

/// What the policy did (methods D.4), pooled over treated (untreated, exposed) unit-periods.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PolicyEffects {
    pub direct_on_treated: Estimate,
    pub indirect_on_treated: Estimate,
    pub total_on_treated: Estimate,
    pub indirect_on_untreated: Estimate,
    pub indirect_on_exposed: Estimate,
    pub aggregate: Estimate,
    /// Unit-periods each average runs over.
    pub treated_cells: usize,
    pub untreated_cells: usize,
    pub exposed_cells: usize,
}

/// Rows that did not enter an estimate, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Dropped {
    pub reason: String,
    pub rows: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub units: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// A variance matrix with the names of its rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Vcov {
    pub terms: Vec<String>,
    pub matrix: Vec<Vec<f64>>,
}

/// Standard errors that rest on random signs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Probes {
    /// Most vectors of signs behind one number.
    pub count: usize,
    /// The largest standard error they leave in a standard error, relative to it.
    pub largest_error: f64,
}

/// A weights matrix as a fit uses it, for the header of the report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WeightsUsed {
    pub name: String,
    pub links: usize,
    pub islands: Vec<String>,
    pub scaling: String,
    pub source: String,
    pub hash: String,
}

/// The factor of a variance for small samples, and what it counts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SmallSample {
    pub factor: f64,
    /// As a formula in n, K and G.
    pub rule: String,
    pub rows: usize,
    pub counted: Option<f64>,
    pub clusters: Option<usize>,
}

/// One estimated model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fit {
    pub model: String,
    /// The query as asked for, e.g. `sdm_did`.
    pub query: String,
    pub method: String,
    pub likelihood: String,
    pub m_effective: f64,
    pub durbin: Vec<String>,
    pub lag_weights: Option<Vec<String>>,
    pub error_weights: Option<Vec<String>>,
    pub df_adjust: bool,
    pub level: f64,
    pub outcome: String,
    pub weights: Option<String>,
    pub weights_used: Vec<WeightsUsed>,
    pub treatment: Option<String>,
    pub fixed_effects: Vec<String>,
    pub se_type: String,
    /// `null` where the variance has no factor.
    pub small_sample: Option<SmallSample>,
    /// The reference distribution: `normal`, or `t` with its degrees of freedom.
    pub distribution: String,
    pub distribution_df: f64,
    pub panel: String,
    pub nobs: usize,
    pub units: usize,
    pub periods: usize,
    pub first_period: i64,
    pub last_period: i64,
    pub dropped: Vec<Dropped>,
    pub coefficients: Vec<Coefficient>,
    pub effects: Vec<Effect>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_effects: Option<PolicyEffects>,
    /// `unit`, `kkp` or `baltagi` where unit effects are random.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub random_effects: Option<String>,
    /// The variance of the random unit effects; `sigma2` is that of the errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sigma2_unit: Option<f64>,
    /// The test that unit means of the terms do not matter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mundlak: Option<Restriction>,
    /// Of a model by instruments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_stage: Option<FirstStage>,
    /// How effects got their standard errors: `delta`, `simulate` or `bootstrap`.
    pub effect_errors: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bootstrap: Option<Bootstrapped>,
    /// The draws of simulated effects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub simulated: Option<Drawn>,
    /// Of a dynamic model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stability: Option<Stability>,
    pub sigma2: f64,
    pub loglik: f64,
    pub aic: f64,
    pub bic: f64,
    pub df_residual: f64,
    pub r2: f64,
    pub r2_within: f64,
    pub log_determinant: Option<String>,
    pub rho_interval: Option<[f64; 2]>,
    pub rho_interval_rule: Option<String>,
    pub lambda_interval: Option<[f64; 2]>,
    pub iterations: usize,
    pub converged: bool,
    pub vcov: Vcov,
    /// Where standard errors rest on random probes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probes: Option<Probes>,
    /// Decisions worth a line under the table (likelihood chosen and why, what was dropped, caveats).
    pub notes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NeighborCounts {
    pub min: usize,
    pub mean: f64,
    pub max: usize,
}

/// A printed weights matrix.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WeightsSummary {
    pub panel: String,
    pub units: usize,
    /// Non-zero entries.
    pub links: usize,
    pub neighbors: NeighborCounts,
    /// Units without neighbours, in key order.
    pub islands: Vec<String>,
    pub components: usize,
    pub symmetric: bool,
    /// `none`, `row`, `spectral` or `minmax`.
    pub scaling: String,
    pub rho_interval: [f64; 2],
    pub rho_interval_rule: String,
    /// The rule that built it, e.g. `row(band(0 km, 600 km))`.
    pub recipe: String,
    pub hash: String,
    /// Pairs of units within 0.6 % of a bound of distance, which an ellipsoid could sort differently; `None` where the
    /// rule has no such bound.
    pub near_edge: Option<usize>,
    pub notes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cohort {
    pub time: i64,
    pub units: usize,
    #[serde(skip)]
    pub names: Vec<String>,
}

/// A printed treatment: the roll-out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TreatmentSummary {
    pub panel: String,
    pub units: usize,
    pub never: usize,
    /// Treated at or before the first period.
    pub always: usize,
    pub starts: Vec<Cohort>,
    pub absorbing: bool,
    pub first_period: i64,
    pub last_period: i64,
    /// Treated units in each period, from the first to the last.
    pub treated_by_period: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ColumnSummary {
    pub name: String,
    /// `number` or `text`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What its values are: `integer`, `number`, `date`, `text`, or `labelled` (numbers with texts beside them, as
    /// Stata's value labels).
    pub holds: String,
    pub missing: usize,
    /// Different values, what is missing left out.
    pub distinct: usize,
    pub mean: f64,
    pub sd: f64,
    pub min: f64,
    pub max: f64,
}

/// A printed panel.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PanelSummary {
    pub units: usize,
    pub periods: usize,
    pub rows: usize,
    pub balanced: bool,
    pub first_period: i64,
    pub last_period: i64,
    pub unit: String,
    pub time: String,
    pub columns: Vec<ColumnSummary>,
}

/// A key of a data set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KeySummary {
    pub name: String,
    pub labels: usize,
    pub first: String,
    pub last: String,
}

/// A printed data set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DataSummary {
    /// How many rows of the source were added up, where they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<usize>,
    pub rows: usize,
    /// Combinations of keys, and those that no row has.
    pub cells: usize,
    pub absent: usize,
    pub keys: Vec<KeySummary>,
    pub columns: Vec<ColumnSummary>,
}

/// A scalar of the language.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Scalar {
    Bool(bool),
    Number(f64),
    Text(String),
}

/// Labelled values, e.g. residuals by unit and period.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LabeledArray {
    pub dimensions: Vec<String>,
    /// One list of labels per dimension.
    pub labels: Vec<Vec<String>>,
    /// Row-major: the last dimension runs fastest. NaN where missing.
    pub values: Vec<f64>,
}

/// One passage of an [`Explanation`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Passage {
    /// Running text, wrapped where it is shown.
    Paragraph(String),
    /// A sentence of a list.
    Point(String),
    /// Formulas and numbers set line by line, shown as they are.
    Lines(Vec<String>),
}

/// A heading and what stands under it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Section {
    pub heading: String,
    pub passages: Vec<Passage>,
}

/// How an estimate was made and what a reader must accept, in words (`explain(m)`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    pub title: String,
    pub sections: Vec<Section>,
}

/// The value of one statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Fit(Box<Fit>),
    Weights(WeightsSummary),
    Treatment(TreatmentSummary),
    Panel(PanelSummary),
    /// `describe(panel, …)`.
    Described(Box<described::Description>),
    Data(DataSummary),
    Table(Table),
    Array(LabeledArray),
    Value(Scalar),
    Text(String),
    /// `explain(m)`.
    Explanation(Explanation),
    Design(designs::Design),
    Test(Box<testing::TestResult>),
    Figure(Box<figures::Figure>),
    /// `effects(m)`; with `horizons:` the responses of a dynamic model too.
    Effects {
        effects: Vec<Effect>,
        responses: Vec<Response>,
        policy_effects: Option<PolicyEffects>,
        level: f64,
    },
    /// `effects(m, by: unit)` and `effects(m, by: order)`.
    SplitEffects(Box<SplitEffects>),
    List(Vec<Entry>),
}

/// An outcome with its name and the expression as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The model's name.
    pub name: Option<String>,
    pub source: String,
    pub outcome: Outcome,
    /// Whether the report prints it (a model that is only named is in the document but not on the terminal).
    pub printed: bool,
}
