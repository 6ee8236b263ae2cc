//! What an estimator is asked: a model, its sample, and how uncertain it is to be taken.

use crate::linalg::LinalgError;
use crate::linalg::absorb::{Absorber, Factor};
use crate::weights::Weights;
use crate::weights::geometry::Coordinates;
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
