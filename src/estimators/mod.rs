//! Estimators: numbers in, numbers out. Names, spans and words belong to whoever calls.
//!
//! [`Problem`] is one model on one sample (`N × T`, unit fastest); [`estimate`] fits it by the formulas of
//! methods C.1–C.6 and C.11 and returns coefficients, their variance, effects (D.1, D.2) and policy effects (D.4).

mod along;
mod answer;
pub(crate) mod axis;
mod bootstrap;
mod by_order;
mod by_unit;
mod correct;
mod draws;
mod dynamics;
#[cfg(test)]
mod effects_tests;
mod fit;
mod instruments;
pub mod marginal;
mod moments;
mod optimize;
mod profile;
mod random;
mod renumber;
mod responses;
mod rows;
pub(crate) mod sample;
#[cfg(test)]
mod scale_tests;
mod search;
pub mod shared;
mod simulate;
pub(crate) mod solution;
mod spread;
#[cfg(test)]
mod unbalanced_tests;
mod wild;

pub(crate) use bootstrap::Quiet;
pub use bootstrap::{Bootstrap, Scheme, bootstrap};
pub use by_order::{ByOrder, OrderedEffects, effects_by_order};
pub use by_unit::{ByUnit, UnitEffect, effects_by_unit};
pub(crate) use draws::Counter;
pub use fit::{estimate, estimate_with};
pub use renumber::giver;
pub use responses::{ResponsesOf, responses};
pub use rows::observations;
pub use simulate::{Draws, effects_at, simulate};
pub use spread::{Resampled, Spread};
pub use wild::{Wild, WildFound, WildWeights, wild};

use crate::linalg::LinalgError;
use crate::linalg::absorb::{Absorber, Factor};
use crate::weights::Weights;
use crate::weights::geometry::Coordinates;
use nalgebra::DMatrix;
use std::borrow::Cow;
use std::sync::Arc;

/// Which fixed effects are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FixedEffects {
    None,
    Unit,
    Time,
    Both,
}

/// How fixed effects enter the likelihood: the rows of methods C.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Likelihood {
    Transform,
    Partial,
    Direct,
}

/// Variance estimators of methods C.6 (likelihood models) and C.11 (least squares).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Variance {
    Iid,
    Observed,
    Qml,
    Robust,
    ClusterUnit,
    ClusterTime,
    ClusterUnitTime,
    /// By [`Layout::clusters`].
    ClusterColumn,
    /// Driscoll and Kraay 1998: any dependence within a period, Bartlett weights over so many periods; `None`:
    /// [`default_lags`] of the panel.
    DriscollKraay(Option<usize>),
    Conley(Conley),
}

/// `⌊4 (T/100)^(2/9)⌋`, the lags of Driscoll–Kraay errors where nobody says them (methods C.11).
pub fn default_lags(periods: usize) -> usize {
    (4.0 * (periods as f64 / 100.0).powf(2.0 / 9.0)).floor() as usize
}

/// Dependence that fades with distance, and over time within a unit (Conley 1999; Hsiang 2010). Distances come from
/// [`Layout::coordinates`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conley {
    pub cutoff_km: f64,
    /// Periods over which errors of one unit are related, with Bartlett weights; 0: none.
    pub lags: usize,
    pub kernel: ConleyKernel,
}

/// The weight of a pair of units at distance d ≤ h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConleyKernel {
    /// `1 − d/h`.
    Bartlett,
    /// 1, also at `d = h`.
    Uniform,
}

impl ConleyKernel {
    /// Its word in the language.
    pub fn word(self) -> &'static str {
        match self {
            ConleyKernel::Bartlett => "bartlett",
            ConleyKernel::Uniform => "uniform",
        }
    }
}

/// What cells have in common beside their unit and their period; empty where nothing asks for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    /// The cluster of each of `N·T` cells, from 0; any number at absent cells.
    pub clusters: Vec<u32>,
    /// Where the units are.
    pub coordinates: Option<Arc<Coordinates>>,
    /// The periods as integers, in order; empty: 0, 1, 2, …
    pub times: Vec<i64>,
    /// Every set of effects where there are others than of units and periods, or trends; those of units first.
    pub effects: Vec<Factor>,
    /// A linear trend of each unit; the first of `effects` are then those of units.
    pub trends: bool,
    /// Cells that are there, and lagged, but take no part: effects fit them exactly. Empty: none.
    pub left_out: Vec<bool>,
}

impl Layout {
    /// Effects beyond those of [`FixedEffects`].
    pub fn has_more_effects(&self) -> bool {
        !self.effects.is_empty()
    }

    /// The time of each cell, where units have trends.
    pub fn trend_times(&self, units: usize, periods: usize) -> Option<Vec<f64>> {
        let at = |t: usize| self.times.get(t).map_or(t as f64, |v| *v as f64);
        self.trends.then(|| (0..units * periods).map(|r| at(r / units)).collect())
    }
}

impl Problem {
    /// An intercept stands first among the coefficients where no effects take its place.
    pub fn has_intercept(&self) -> bool {
        self.fixed_effects == FixedEffects::None && !self.layout.has_more_effects()
    }

    /// The cells that take part; `None`: all.
    pub fn taking_part(&self) -> Option<Vec<bool>> {
        let cells = self.units * self.periods;
        let there = |r: usize| self.present.as_ref().is_none_or(|p| p[r]);
        let stays = |r: usize| !self.layout.left_out.get(r).copied().unwrap_or(false);
        let marks: Vec<bool> = (0..cells).map(|r| there(r) && stays(r)).collect();
        marks.contains(&false).then_some(marks)
    }

    /// What takes the effects out of a variable of this problem, where they are more than those of [`FixedEffects`].
    ///
    /// # Errors
    /// `Shape` where the layout has another size.
    pub fn absorber(&self) -> Result<Option<Absorber>, LinalgError> {
        let factors = self.factors();
        if factors.is_empty() {
            return Ok(None);
        }
        let times = self.layout.trend_times(self.units, self.periods);
        Absorber::new(&factors, times.as_deref(), self.taking_part().as_deref()).map(Some)
    }

    /// Every set of effects that is taken out as such; none where means of units and periods do.
    pub fn factors(&self) -> Cow<'_, [Factor]> {
        let (n, t) = (self.units, self.periods);
        if self.layout.has_more_effects() || !self.weights_change() {
            return Cow::Borrowed(&self.layout.effects);
        }
        match self.fixed_effects {
            FixedEffects::None => Cow::Borrowed(&[]),
            FixedEffects::Unit => Cow::Owned(vec![Factor::units(n, t)]),
            FixedEffects::Time => Cow::Owned(vec![Factor::periods(n, t)]),
            FixedEffects::Both => Cow::Owned(vec![Factor::units(n, t), Factor::periods(n, t)]),
        }
    }

    /// Every matrix of the model.
    pub fn matrices(&self) -> impl Iterator<Item = &Arc<Weights>> {
        self.durbin_weights.iter().chain(&self.lag_weights).chain(&self.error_weights)
    }

    /// Whether a matrix changes over time (methods B.7). Spatially the panel is then one cross-section of `N·T` cells, in
    /// which only cells of one period are neighbors.
    pub fn weights_change(&self) -> bool {
        self.matrices().any(|w| w.changes())
    }

    /// The units and periods of spatial operators: `N, T`, or `N·T, 1` where weights change.
    pub(crate) fn spatial_shape(&self) -> (usize, usize) {
        match self.weights_change() {
            true => (self.units * self.periods, 1),
            false => (self.units, self.periods),
        }
    }
}

/// The model family, methods C.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Model {
    Ols,
    Slx,
    Sar,
    Sem,
    Sdm,
    Sdem,
    Sac,
    Gns,
}

impl Model {
    pub fn name(self) -> &'static str {
        match self {
            Model::Ols => "ols",
            Model::Slx => "slx",
            Model::Sar => "sar",
            Model::Sem => "sem",
            Model::Sdm => "sdm",
            Model::Sdem => "sdem",
            Model::Sac => "sac",
            Model::Gns => "gns",
        }
    }

    /// The outcome's spatial lag ρ is estimated.
    pub fn has_lag(self) -> bool {
        matches!(self, Model::Sar | Model::Sdm | Model::Sac | Model::Gns)
    }

    /// The spatial error parameter λ is estimated.
    pub fn has_error(self) -> bool {
        matches!(self, Model::Sem | Model::Sdem | Model::Sac | Model::Gns)
    }

    /// Regressors enter with their spatial lags.
    pub fn has_durbin(self) -> bool {
        matches!(self, Model::Slx | Model::Sdm | Model::Sdem | Model::Gns)
    }
}

/// Where the random effect of a unit stands in a spatial error model (methods C.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RandomEffects {
    /// Inside of the spatial filter: Kapoor, Kelejian and Prucha.
    Kkp,
    /// Outside of it: Baltagi, Song and Koh.
    Baltagi,
}

/// How the parameters are found.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Approach {
    /// Quasi-maximum likelihood, or least squares where there is no spatial parameter.
    #[default]
    Likelihood,
    /// Spatial two-stage least squares (methods C.9): the outcome's lag and the regressors named here are endogenous.
    Instruments {
        /// Positions among [`Problem::regressors`], ascending.
        endogenous: Vec<usize>,
        /// Raw columns that are no regressors, `N·T` each; their spatial lags join them.
        instruments: Vec<Vec<f64>>,
    },
    /// The spatial error by the moments of Kelejian and Prucha, then one step of generalized least squares.
    Moments,
    /// Random unit effects by maximum likelihood (methods C.10); [`Problem::fixed_effects`] are none.
    Random(RandomEffects),
}

/// A regressor and its place among the spatial lags.
#[derive(Clone, Debug, PartialEq)]
pub struct Regressor {
    /// Raw values, `N·T`, unit fastest.
    pub values: Vec<f64>,
    /// Which of [`Problem::durbin_weights`] lag it: empty, or all of them.
    pub lagged: bool,
}

/// A regressor that is the outcome of the period before, or its spatial lag by `weights` (methods C.7).
#[derive(Clone, Debug)]
pub struct TimeLag {
    /// Its place among [`Problem::regressors`].
    pub regressor: usize,
    pub weights: Option<Arc<Weights>>,
}

/// One model on one sample, balanced unless [`Problem::present`] says otherwise.
#[derive(Clone, Debug)]
pub struct Problem {
    pub model: Model,
    pub units: usize,
    pub periods: usize,
    /// Raw outcome, `N·T`, unit fastest.
    pub outcome: Vec<f64>,
    /// Without the intercept, which is added where there are no fixed effects.
    pub regressors: Vec<Regressor>,
    /// Matrices of the spatial lags of regressors, in the order of the formula.
    pub durbin_weights: Vec<Arc<Weights>>,
    pub lag_weights: Option<Arc<Weights>>,
    pub error_weights: Option<Arc<Weights>>,
    pub fixed_effects: FixedEffects,
    pub approach: Approach,
    pub likelihood: Likelihood,
    pub variance: Variance,
    pub df_adjust: bool,
    /// Empty in a static model.
    pub time_lags: Vec<TimeLag>,
    /// Position of the treatment among the regressors, for the policy effects of a `_did` query.
    pub treatment: Option<usize>,
    /// So many first regressors are the event times of an event study (methods E.2).
    pub events: usize,
    /// After them the untreated units by the time since a neighbor's start: so many regressors for each of so many matrices.
    pub exposures: usize,
    /// Which of the `N·T` cells are there, unit fastest; outcome and regressors are NaN elsewhere. `None`: all of them.
    /// Only models without spatial lags take absent cells.
    pub present: Option<Vec<bool>>,
    pub layout: Layout,
}

/// An effect's value and its delta-method standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    pub estimate: f64,
    pub se: f64,
}

/// Direct, indirect, total of one regressor, in the order of [`Problem::regressors`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EffectOf {
    pub direct: Measured,
    pub indirect: Measured,
    pub total: Measured,
}

/// The policy effects of methods D.4; averages over no cells are NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PolicyOf {
    pub direct_on_treated: Measured,
    pub indirect_on_treated: Measured,
    pub total_on_treated: Measured,
    pub indirect_on_untreated: Measured,
    pub indirect_on_exposed: Measured,
    pub aggregate: Measured,
    pub treated_cells: usize,
    pub untreated_cells: usize,
    pub exposed_cells: usize,
}

/// What an event study has beside the effects of its event times (methods E.2), in the order of its bins.
#[derive(Clone, Debug, PartialEq)]
pub struct EventsOf {
    /// Means over the unit-periods at the event time: the own effect, what comes from other units, their sum (D.4).
    pub on_treated: Vec<EffectOf>,
    /// Unit-periods at the event time.
    pub cells: Vec<usize>,
    /// Covariances across event times of the direct, indirect and total effects, averaged over units; where units have
    /// clocks of their exposure the indirect ones are those on exposed units.
    pub covariances: [DMatrix<f64>; 3],
    /// Where units have clocks of their exposure: what comes from other units to the untreated, by their clock's time.
    pub on_exposed: Option<Vec<Exposure>>,
}

/// What comes from other units to untreated ones at a time of the clock of their exposure, and their unit-periods.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exposure {
    pub effect: Measured,
    pub cells: usize,
}

/// What a dynamic model has beside its short-run effects (methods C.7, D.3).
#[derive(Clone, Debug, PartialEq)]
pub struct DynamicsOf {
    /// In the order of [`Problem::regressors`]; NaN for a model without a long run and for the lags of the outcome.
    pub long_run: Vec<EffectOf>,
    /// The largest modulus of an eigenvalue of `A = S⁻¹(τI + ηW)`.
    pub largest_root: f64,
    /// `τ + ρ + η`, with the Wald test of one.
    pub sum: Measured,
    /// Whether the correction for estimated unit effects was applied.
    pub corrected: bool,
}

/// How well excluded instruments explain what is endogenous (methods C.9).
#[derive(Clone, Debug, PartialEq)]
pub struct FirstStageOf {
    pub endogenous: Vec<StrengthOf>,
    /// Instruments that are no regressors and no combination of others.
    pub excluded: usize,
    /// Instruments left out as combinations of others.
    pub dropped: usize,
    /// The smallest eigenvalue of the matrix of first-stage F statistics (Cragg and Donald 1993); F where one variable is
    /// endogenous.
    pub weakest: f64,
    /// Sargan's test of the instruments beyond those needed: statistic and degrees of freedom; valid under iid errors.
    pub overidentification: Option<(f64, usize)>,
}

/// The first stage of one endogenous variable: the partial F of the excluded instruments.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StrengthOf {
    /// Its position among the coefficients.
    pub coefficient: usize,
    pub f: f64,
    pub df: [f64; 2],
    pub partial_r2: f64,
    /// The F of spatial lags of the treatment alone, where the problem has one.
    pub treatment_f: Option<f64>,
}

/// The reference distribution of statistics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reference {
    Normal,
    /// Student's t with these degrees of freedom.
    T(f64),
}

/// The interval of a spatial parameter and how it was found (methods B.6).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub lo: f64,
    pub hi: f64,
    /// `eigen` or `unit`.
    pub rule: &'static str,
}

/// What a variance was multiplied by for the smallness of the sample (methods C.11).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SmallSample {
    pub factor: f64,
    /// n, the rows.
    pub rows: usize,
    /// K: slopes, and the effects that are not nested in the clusters. `None` where nothing is counted.
    pub counted: Option<f64>,
    /// G.
    pub clusters: Option<usize>,
}

/// A doubtful or noteworthy circumstance of an estimate, for the caller to put in words.
#[derive(Clone, Debug, PartialEq)]
pub enum Remark {
    /// The optimum is within 1e-3 of the interval's width from its end: no standard errors.
    Boundary { parameter: &'static str, value: f64, interval: Interval },
    /// A variance matrix is not positive definite; the standard errors of these parameters are NaN.
    SingularVariance { parameters: Vec<usize> },
    /// Negative eigenvalues of a least-squares variance matrix were set to zero; the standard errors of the parameters
    /// that this moves are NaN.
    RepairedVariance { parameters: Vec<usize> },
    /// A least-squares variance matrix is left as it is although an eigenvalue is negative (methods C.11, Conley); the
    /// standard errors of these parameters, whose variance is negative, are NaN.
    IndefiniteVariance { parameters: Vec<usize> },
    /// Two optima within 2 log-likelihood units: (rho, lambda, log-likelihood) each.
    TwoOptima { best: [f64; 3], other: [f64; 3] },
    /// One unit carries this share of g'g in a clustered `partial` fit.
    Leverage { unit: usize, share: f64 },
    /// A dynamic model with a root at or beyond one (methods C.7); `corrected` says whether its bias was taken out.
    Unstable { largest_root: f64, corrected: bool },
    /// An estimate outside of the interval on which the spatial filter has an inverse: no effects.
    Outside { parameter: &'static str, value: f64, interval: Interval },
    /// The excluded instruments hardly explain what is endogenous: the smallest F.
    WeakInstruments { f: f64 },
    /// The variance of the random unit effects is zero at the optimum: the model is the pooled one.
    NoUnitVariance,
    /// A trace or a diagonal by probes: their number and its relative standard error.
    Probes { probes: usize, relative_error: f64 },
    /// Standard errors with something probed in them: most probes, and the largest standard error that leaves in one of
    /// them, relative to it.
    ProbedErrors { probes: usize, share: f64 },
}

/// Why there is no estimate.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EstimateError {
    #[error("the optimiser stopped after {iterations} iterations with score {score}")]
    NotConverged { iterations: usize, score: f64, interval: Interval },
    /// Residuals are zero: the likelihood has no maximum.
    #[error("residuals are zero")]
    PerfectFit,
    /// Columns of the design (intercept first where there is one, then regressors, then their lags) that are combinations.
    #[error("columns {columns:?} are linear combinations of others")]
    RankDeficient { columns: Vec<usize> },
    #[error("sums overflow")]
    NotFinite,
    #[error("{0}")]
    Linalg(LinalgError),
    /// Weights that change over time beside constant ones, or of other periods.
    #[error("matrices of different periods")]
    UnlikePeriods,
    /// Spatial lags on a panel with absent cells (methods C.2).
    #[error("spatial lags need a balanced panel")]
    UnbalancedLags,
    /// Fewer excluded instruments than endogenous variables, or ones that do not tell these apart.
    #[error("{instruments} instruments for {endogenous} endogenous variables")]
    UnderIdentified { instruments: usize, endogenous: usize },
    /// Moments under period effects need rows of one sum.
    #[error("rows of the matrix of the error have no common sum")]
    UnevenRows,
    /// Effects beyond units and periods, or weights that change over time, beside a spatial error, lags of the outcome or
    /// a likelihood that transforms effects out.
    #[error("these fixed effects are for least squares, instruments and `direct` likelihoods of a spatial lag")]
    EffectsNotDefined,
    #[error("interrupted")]
    Interrupted,
    /// The variance estimator does not exist for this estimator; the planner refuses it earlier with words.
    #[error("this variance estimator does not apply")]
    VarianceNotDefined,
}

impl From<LinalgError> for EstimateError {
    fn from(error: LinalgError) -> Self {
        match error {
            LinalgError::Stopped => EstimateError::Interrupted,
            other => EstimateError::Linalg(other),
        }
    }
}

/// What an estimator found. The parameter order is: intercept (no fixed effects), regressors, their lags (all of the
/// first matrix, then the second, …), rho, lambda. `vcov` has that order too; sigma2 is reported apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimated {
    pub coefficients: Vec<f64>,
    /// Square, in the order of `coefficients`; NaN where there is no variance.
    pub vcov: Vec<Vec<f64>>,
    /// R, upper triangular, row by row: `R'R` are the cross-products of the design off its effects, in the order of the
    /// slopes.
    pub triangle: Vec<Vec<f64>>,
    pub sigma2: f64,
    pub loglik: f64,
    /// M of methods C.3.
    pub m_effective: f64,
    /// q of methods C.4: slopes, rho, lambda, sigma2; never the fixed effects.
    pub parameters: usize,
    pub df_residual: f64,
    pub reference: Reference,
    /// `None` where the variance has no factor.
    pub small_sample: Option<SmallSample>,
    pub r2: f64,
    pub r2_within: f64,
    pub effects: Vec<EffectOf>,
    pub policy: Option<PolicyOf>,
    /// Of a model of an event study.
    pub events: Option<EventsOf>,
    pub rho_interval: Option<Interval>,
    pub lambda_interval: Option<Interval>,
    /// `eigen`, `cholesky` or `lu`.
    pub log_determinant: Option<&'static str>,
    pub iterations: usize,
    pub converged: bool,
    /// Of a dynamic model; its [`Estimated::effects`] are those of the short run.
    pub dynamics: Option<DynamicsOf>,
    /// The variance of random unit effects.
    pub sigma2_unit: Option<f64>,
    /// Of instruments.
    pub first_stage: Option<FirstStageOf>,
    /// Structural residuals after effects are removed, `N·T`; NaN at absent cells, as the fitted values.
    pub residuals: Vec<f64>,
    /// One-step fitted values `ρ̂Wy + Zβ̂ + effects`, on the outcome's scale.
    pub fitted: Vec<f64>,
    /// Unit effects (sum to zero with both), length N or empty.
    pub unit_effects: Vec<f64>,
    /// Period effects, length T or empty.
    pub time_effects: Vec<f64>,
    pub remarks: Vec<Remark>,
}

/// Says whether to go on and hears what is going on.
pub trait Interrupt: Send + Sync {
    /// Asked between the expensive steps of an estimate; where it says yes, the estimate ends with `Interrupted`.
    fn stop(&self) -> bool;

    /// An expensive step begins.
    fn begin(&self, _step: &'static str) {}

    /// So many parts of the step that began last are done.
    fn progress(&self, _done: usize, _of: usize) {}

    /// A step of the plan was done: its kind, and the key that equal steps share.
    fn done(&self, _kind: &'static str, _key: &str) {}
}

impl<T: Interrupt + ?Sized> Interrupt for &T {
    fn stop(&self) -> bool {
        (**self).stop()
    }

    fn begin(&self, step: &'static str) {
        (**self).begin(step);
    }

    fn progress(&self, done: usize, of: usize) {
        (**self).progress(done, of);
    }

    fn done(&self, kind: &'static str, key: &str) {
        (**self).done(kind, key);
    }
}

/// Never stops.
pub struct Never;

impl Interrupt for Never {
    fn stop(&self) -> bool {
        false
    }
}
