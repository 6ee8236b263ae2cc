//! The sample of a model: lags on raw data, effects removed afterwards (methods 0, convention 3), and an orthonormal
//! basis of the design in which every later cross-product is well conditioned.

use super::rows::{Counts, Row};
use super::{Approach, EstimateError, FixedEffects, Likelihood, Problem, Variance};
use crate::inference::meat::Rows;
use crate::linalg::absorb::{Absorber, Factor};
use crate::linalg::cells::Cells;
use crate::linalg::iterate::{combine, dot};
use crate::linalg::{LinalgError, cross, panel};
use crate::weights::Weights;
use nalgebra::{DMatrix, DVector};
use std::borrow::Cow;

/// Columns of one problem; each is `N·T` long, unit fastest, with zeros at absent cells.
pub(crate) struct Sample<'a> {
    /// Of spatial operators: those of the problem, or all its cells in one period where weights change over time.
    pub units: usize,
    pub periods: usize,
    pub row: Row,
    pub counts: Counts,
    /// The cells that are there, in an unbalanced panel.
    pub cells: Option<Cells>,
    /// Effects beyond those of units and periods.
    pub absorber: Option<Absorber>,
    pub problem: &'a Problem,
    /// Raw outcome.
    pub outcome: Cow<'a, [f64]>,
    /// Columns of the design on raw data: intercept, regressors, their lags matrix by matrix.
    pub design: Vec<Cow<'a, [f64]>>,
    pub intercept: bool,
    /// Indices of the regressors that are lagged.
    pub lagged: Vec<usize>,
    /// `W y` on raw data, where the model has a lag.
    pub outcome_lag: Option<Vec<f64>>,
    /// Orthonormal columns B with `Q(Z) = B R`.
    pub basis: Vec<Vec<f64>>,
    /// R, upper triangular.
    pub triangle: DMatrix<f64>,
    /// `e₀ = Q(y)` and `e₁ = Q(Wy)` off the basis (methods C.3).
    pub e0: Vec<f64>,
    pub e1: Option<Vec<f64>>,
    /// `B'Q(y)` and `B'Q(Wy)`.
    pub d0: DVector<f64>,
    pub d1: Option<DVector<f64>>,
    /// `Q(y)'Q(y)`.
    pub outcome_square: f64,
}

impl<'a> Sample<'a> {
    /// Builds lags, removes effects and finds the basis; `RankDeficient` names dependent columns.
    pub fn new(problem: &'a Problem) -> Result<Self, EstimateError> {
        let (units, periods) = problem.spatial_shape();
        let changes = problem.weights_change();
        if changes && problem.matrices().any(|w| w.units() != units) {
            return Err(EstimateError::UnlikePeriods);
        }
        let marks = problem.taking_part();
        let cells = marks.map(|marks| Cells::new(&marks, problem.units, problem.periods)).transpose()?;
        let absorber = problem.absorber()?;
        let means = if changes { FixedEffects::None } else { problem.fixed_effects };
        let row = Row::new(units, periods, means, problem.likelihood)?;
        let mut counts = Counts::new(units, periods, cells.as_ref(), &row);
        if let Some(absorber) = &absorber {
            counts.dummies = absorber.rank()?;
        }
        let row = match problem.time_lags.is_empty() {
            true => row,
            false => row.dynamic(units, periods, problem.likelihood),
        };
        let counted = cells.is_some() || absorber.is_some();
        let row = if counted { row.unbalanced(&counts, problem.likelihood)? } else { row };
        let lagged = lagged(problem);
        let beyond = problem.model.has_lag() || problem.model.has_error() || row.dynamic;
        let gaps = problem.present.as_ref().is_some_and(|present| present.contains(&false));
        if gaps && (beyond || !lagged.is_empty()) {
            return Err(EstimateError::UnbalancedLags);
        }
        if (absorber.is_some() || changes) && !absorbs(problem, row.dynamic) {
            return Err(EstimateError::EffectsNotDefined);
        }
        let outcome = raw(&problem.outcome, cells.as_ref());
        let design = design(problem, &lagged, cells.as_ref());
        let remove = |x: &mut [f64]| match &absorber {
            Some(absorber) => Ok(absorber.remove(x)?),
            None => remove_effects(x, units, periods, &row, cells.as_ref()),
        };
        let mut basis: Vec<Vec<f64>> = design.iter().map(|c| c.to_vec()).collect();
        for column in &mut basis {
            remove(column)?;
        }
        let triangle = orthonormalize(&design, &mut basis)?;
        let outcome_lag = match (&problem.lag_weights, problem.model.has_lag()) {
            (Some(w), true) => Some(lag(w, &problem.outcome, periods)),
            _ => None,
        };
        let mut e0 = outcome.to_vec();
        remove(&mut e0)?;
        let outcome_square = dot(&e0, &e0);
        let mut e1 = outcome_lag.clone();
        if let Some(wy) = &mut e1 {
            remove(wy)?;
        }
        let d0 = take_off(&mut e0, &basis);
        let d1 = e1.as_mut().map(|e1| take_off(e1, &basis));
        if !outcome_square.is_finite() || e1.as_ref().is_some_and(|e| !dot(e, e).is_finite()) {
            return Err(EstimateError::NotFinite);
        }
        Ok(Sample {
            units,
            periods,
            row,
            counts,
            cells,
            absorber,
            problem,
            outcome,
            design,
            intercept: problem.has_intercept(),
            lagged,
            outcome_lag,
            basis,
            triangle,
            e0,
            e1,
            d0,
            d1,
            outcome_square,
        })
    }

    /// P, the columns of the design.
    pub fn slopes(&self) -> usize {
        self.design.len()
    }

    /// Rows less slopes less the dummies the effects stand for (methods C.11).
    pub fn df_residual(&self) -> f64 {
        self.counts.rows as f64 - self.slopes() as f64 - self.counts.dummies as f64
    }

    /// Takes the effects out of a variable: the projection that outcome, regressors and instruments share.
    pub fn remove(&self, x: &mut [f64]) -> Result<(), EstimateError> {
        match &self.absorber {
            Some(absorber) => Ok(absorber.remove(x)?),
            None => remove_effects(x, self.units, self.periods, &self.row, self.cells.as_ref()),
        }
    }

    /// Where its rows stand, for the variance of scores.
    pub fn rows(&self) -> Rows<'_> {
        let Problem { units, periods, layout, .. } = self.problem;
        Rows { units: *units, periods: *periods, cells: self.cells.as_ref(), layout }
    }

    /// Units of the panel, whatever those of spatial operators are.
    pub fn panel_units(&self) -> usize {
        self.problem.units
    }

    /// What K of methods C.11 counts beside the slopes: the dummies of effects that are not nested in the clusters, and
    /// at least one constant where there are effects.
    pub fn effects_beside(&self, clusters: Variance) -> Result<usize, EstimateError> {
        if self.absorber.is_some() {
            return self.more_effects_beside(clusters);
        }
        let (unit_nested, time_nested) = match clusters {
            Variance::ClusterUnit => (true, false),
            Variance::ClusterTime => (false, true),
            Variance::ClusterUnitTime => (true, true),
            Variance::ClusterColumn => self.nested_in_column(),
            _ => (false, false),
        };
        let counts = &self.counts;
        let own = |count: usize, nested: bool| if nested { 1 } else { count };
        Ok(match self.problem.fixed_effects {
            FixedEffects::None => 0,
            FixedEffects::Unit => own(counts.units, unit_nested),
            FixedEffects::Time => own(counts.periods, time_nested),
            FixedEffects::Both => match (unit_nested, time_nested) {
                (true, true) => 1,
                (true, false) => counts.periods,
                (false, true) => counts.units,
                (false, false) => counts.dummies,
            },
        })
    }

    /// The rank of the effects that are not nested in the clusters. Trends go with their units.
    fn more_effects_beside(&self, clusters: Variance) -> Result<usize, EstimateError> {
        let (n, t, layout) = (self.problem.units, self.problem.periods, &self.problem.layout);
        let groupings: Vec<Vec<u32>> = match clusters {
            Variance::ClusterUnit => vec![Factor::units(n, t).level],
            Variance::ClusterTime => vec![Factor::periods(n, t).level],
            Variance::ClusterUnitTime => vec![Factor::units(n, t).level, Factor::periods(n, t).level],
            Variance::ClusterColumn => vec![layout.clusters.clone()],
            _ => Vec::new(),
        };
        let there = |r: &u32| self.cells.as_ref().is_none_or(|cells| cells.is_present(*r as usize));
        let rows: Vec<u32> = (0..(n * t) as u32).filter(there).collect();
        let free = |factor: &&Factor| !groupings.iter().any(|g| factor.is_nested_in(g, &rows));
        let factors = self.problem.factors();
        let left: Vec<Factor> = factors.iter().filter(free).cloned().collect();
        if left.is_empty() {
            return Ok(1);
        }
        let trends = layout.trends && factors.first().is_some_and(|units| free(&units));
        let times = if trends { layout.trend_times(n, t) } else { None };
        Ok(Absorber::new(&left, times.as_deref(), self.problem.taking_part().as_deref())?.rank()?)
    }

    /// Whether every unit, and every period, lies in one cluster of [`super::Layout::clusters`].
    fn nested_in_column(&self) -> (bool, bool) {
        let (n, clusters) = (self.problem.units, &self.problem.layout.clusters);
        let nested = |groups: usize, of: &dyn Fn(usize) -> usize| {
            let mut first: Vec<Option<u32>> = vec![None; groups];
            let there = |r: &usize| self.cells.as_ref().is_none_or(|cells| cells.is_present(*r));
            (0..clusters.len()).filter(there).all(|r| *first[of(r)].get_or_insert(clusters[r]) == clusters[r])
        };
        (nested(n, &|r| r % n), nested(self.problem.periods, &|r| r / n))
    }

    /// Coefficients on the design from coefficients on the basis: `β = R⁻¹ γ`.
    pub fn slopes_from(&self, gamma: &DVector<f64>) -> DVector<f64> {
        self.triangle.solve_upper_triangular(gamma).unwrap_or_else(|| DVector::from_element(gamma.len(), f64::NAN))
    }

    /// `R⁻¹`, which turns variances of basis coefficients into those of slopes.
    pub fn inverse_triangle(&self) -> DMatrix<f64> {
        let p = self.slopes();
        self.triangle
            .solve_upper_triangular(&DMatrix::identity(p, p))
            .unwrap_or_else(|| DMatrix::from_element(p, p, f64::NAN))
    }

    /// Position of regressor `k` among the slopes.
    pub fn own(&self, k: usize) -> usize {
        usize::from(self.intercept) + k
    }

    /// Regressor `k` as neighbors meet it: with its values at cells that take no part but are there (methods C.2), as the
    /// lags of the design are taken; zeros at absent ones.
    pub fn met(&self, k: usize) -> Cow<'_, [f64]> {
        let values = &self.problem.regressors[k].values;
        match &self.problem.present {
            Some(present) => Cow::Owned(values.iter().zip(present).map(|(v, p)| if *p { *v } else { 0.0 }).collect()),
            None => Cow::Borrowed(values),
        }
    }

    /// Position of the lag of regressor `k` by durbin matrix `b` among the slopes, if it is lagged.
    pub fn lag_of(&self, b: usize, k: usize) -> Option<usize> {
        let place = self.lagged.iter().position(|&j| j == k)?;
        Some(usize::from(self.intercept) + self.problem.regressors.len() + b * self.lagged.len() + place)
    }
}

/// Whether effects are estimated beside the slopes, or weights may change over time: in least squares, by instruments, and
/// in the `direct` likelihood of a spatial lag. A filter of the errors would move effects with it: without them only.
fn absorbs(problem: &Problem, dynamic: bool) -> bool {
    if dynamic || problem.model.has_error() && !problem.factors().is_empty() {
        return false;
    }
    let spatial = problem.model.has_lag() || problem.model.has_error();
    match problem.approach {
        Approach::Likelihood => !spatial || problem.likelihood == Likelihood::Direct,
        Approach::Instruments { .. } => true,
        Approach::Moments | Approach::Random(_) => false,
    }
}

/// The regressors that are lagged by the durbin matrices.
fn lagged(problem: &Problem) -> Vec<usize> {
    if !problem.model.has_durbin() || problem.durbin_weights.is_empty() {
        return Vec::new();
    }
    (0..problem.regressors.len()).filter(|&k| problem.regressors[k].lagged).collect()
}

/// Values as they are, with zeros at absent cells.
pub(crate) fn raw<'a>(x: &'a [f64], cells: Option<&Cells>) -> Cow<'a, [f64]> {
    let Some(cells) = cells else { return Cow::Borrowed(x) };
    let mut cleared = x.to_vec();
    cells.clear(&mut cleared);
    Cow::Owned(cleared)
}

/// Intercept where there are no effects, regressors, their lags matrix by matrix.
fn design<'a>(problem: &'a Problem, lagged: &[usize], cells: Option<&Cells>) -> Vec<Cow<'a, [f64]>> {
    let (units, periods) = problem.spatial_shape();
    let mut design = Vec::new();
    if problem.has_intercept() {
        let mut ones = vec![1.0; units * periods];
        if let Some(cells) = cells {
            cells.clear(&mut ones);
        }
        design.push(Cow::Owned(ones));
    }
    design.extend(problem.regressors.iter().map(|r| raw(&r.values, cells)));
    if !lagged.is_empty() {
        let sources: Vec<&[f64]> = lagged.iter().map(|&k| problem.regressors[k].values.as_slice()).collect();
        for w in &problem.durbin_weights {
            for mut lag in panel::spatial_lags(&w.matrix, &sources, units, periods) {
                if let Some(cells) = cells {
                    cells.clear(&mut lag);
                }
                design.push(Cow::Owned(lag));
            }
        }
    }
    design
}

/// `(I_T ⊗ W) x`.
pub(crate) fn lag(weights: &Weights, x: &[f64], periods: usize) -> Vec<f64> {
    panel::spatial_lag(&weights.matrix, x, weights.matrix.rows(), periods)
}

/// Q of methods C.2.
pub(crate) fn remove_effects(
    x: &mut [f64],
    units: usize,
    periods: usize,
    row: &Row,
    cells: Option<&Cells>,
) -> Result<(), EstimateError> {
    match (row.unit_effects, row.period_effects, cells) {
        (true, true, None) => panel::demean_both(x, units, periods),
        (true, false, None) => panel::demean_unit(x, units, periods),
        (false, true, None) => panel::demean_time(x, units, periods),
        (true, true, Some(cells)) => drop(cells.demean_both(x)?),
        (true, false, Some(cells)) => drop(cells.demean_unit(x)),
        (false, true, Some(cells)) => drop(cells.demean_time(x)),
        (false, false, _) => {}
    }
    Ok(())
}

/// Takes the basis out of `x` and returns the coordinates.
fn take_off(x: &mut [f64], basis: &[Vec<f64>]) -> DVector<f64> {
    let columns: Vec<&[f64]> = basis.iter().map(Vec::as_slice).collect();
    let coordinates = DVector::from_vec(cross::against(&columns, x));
    let terms: Vec<(f64, &[f64])> = coordinates.iter().zip(columns).map(|(c, b)| (-c, b)).collect();
    combine(&terms, x);
    coordinates
}

/// Turns demeaned columns into an orthonormal basis. Columns of which demeaning left only rounding count as dependent.
fn orthonormalize(raw: &[Cow<[f64]>], demeaned: &mut [Vec<f64>]) -> Result<DMatrix<f64>, EstimateError> {
    if demeaned.iter().any(|c| !dot(c, c).is_finite()) {
        return Err(EstimateError::NotFinite);
    }
    let sources: Vec<&[f64]> = raw.iter().map(|c| &**c).collect();
    let views: Vec<&[f64]> = demeaned.iter().map(Vec::as_slice).collect();
    let mut dependent = cross::vanished(&views, &sources);
    if dependent.is_empty() {
        return match cross::orthonormalize(demeaned) {
            Err(LinalgError::RankDeficient { columns }) => Err(EstimateError::RankDeficient { columns }),
            other => Ok(other?),
        };
    }
    let others: Vec<usize> = (0..views.len()).filter(|j| !dependent.contains(j)).collect();
    let rest: Vec<&[f64]> = others.iter().map(|&j| views[j]).collect();
    if let Err(LinalgError::RankDeficient { columns }) = cross::rank(&rest, cross::RANK_TOLERANCE) {
        dependent.extend(columns.iter().map(|&j| others[j]));
        dependent.sort_unstable();
    }
    Err(EstimateError::RankDeficient { columns: dependent })
}
