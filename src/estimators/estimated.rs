//! What an estimator found, what there is to remark, and why it may find nothing.

use crate::linalg::LinalgError;
use nalgebra::DMatrix;

/// An effect's value and its delta-method standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    pub estimate: f64,
    pub se: f64,
}

/// Direct, indirect, total of one regressor, in the order of [`super::Problem::regressors`].
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
    /// In the order of [`super::Problem::regressors`]; NaN for a model without a long run and for the lags of the outcome.
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
