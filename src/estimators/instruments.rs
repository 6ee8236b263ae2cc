//! Spatial two-stage least squares (methods C.9): the outcome's lag, and regressors said to be endogenous, by instruments
//! that are spatial lags of what is exogenous. All lags are of raw data, effects are removed afterwards.
//!
//! On an orthonormal basis of the instruments both stages are small: `C = H'A` and `H'y` are formed once.

use super::answer::answer;
use super::axis::{Axis, row_sum};
use super::moments::{error_parameter, without_variance};
use super::sample::{Sample, lag, raw};
use super::shared::Shared;
use super::*;
use crate::inference::effects::effects;
use crate::inference::events::events;
use crate::inference::operator::Operator;
use crate::inference::policy::policy;
use crate::inference::sandwich;
use crate::linalg::cross::{self, RANK_TOLERANCE};
use crate::linalg::iterate::{axpy, combine, dot, norm};
use crate::weights::Weights;
use nalgebra::{DMatrix, DVector};

/// What is left of a column after effects are removed counts as nothing below this share.
const VANISHED: f64 = 1e-11;
/// F statistics of a first stage below this deserve a warning (Staiger and Stock 1997).
const WEAK: f64 = 10.0;
/// Half-width of the window of log-determinants around ρ.
const NEAR: f64 = 0.01;

/// Fits `y = ρWy + Zβ + effects + u` by instruments; with an error matrix, `u = λW₂u + ε` by moments in between.
pub(crate) fn two_stage(
    sample: &Sample,
    shared: &Shared,
    interrupt: &dyn Interrupt,
) -> Result<Estimated, EstimateError> {
    interrupt.begin("instruments");
    let instruments = Instruments::new(sample)?;
    let mut model = Linear::new(sample);
    let mut stage = Stage::new(&instruments, &model)?;
    let first_stage = strength(sample, &instruments, &model);
    let mut lambda = None;
    let mut axis_of_error = None;
    if let Some(w2) = sample.problem.error_weights.as_ref().filter(|_| sample.problem.model.has_error()) {
        if sample.row.period_effects && row_sum(w2).is_none() {
            return Err(EstimateError::UnevenRows);
        }
        let spectrum = shared.spectrum(w2, interrupt)?;
        let axis = Axis::new(&spectrum, interrupt, shared.dense_units());
        let at = error_parameter(sample, w2, &model.residual(&stage.solution), &axis)?;
        model = model.filtered(sample, w2, at)?;
        stage = Stage::new(&instruments, &model)?;
        lambda = Some(at);
        axis_of_error = Some((axis.interval, axis.at_boundary(at)));
    }
    let residual = model.residual(&stage.solution);
    let square = dot(&residual, &residual);
    if square <= 1e-24 * sample.outcome_square {
        return Err(EstimateError::PerfectFit);
    }
    let sigma2 = square / sample.row.observations;
    let back = back(sample) * &stage.inverse_triangle;
    let fitted = stage.fitted(&instruments);
    let which = sample.problem.variance;
    let (variance, small_sample) = match which {
        Variance::Iid => (DMatrix::identity(fitted.len(), fitted.len()) * sigma2, None),
        which => {
            let found = sandwich::variance_on(sample, &fitted, &residual, which)?;
            (found.variance, found.small_sample)
        }
    };
    let homoskedastic = (&back * back.transpose()).diagonal() * sigma2;
    let sound = sandwich::sound(&back * variance * back.transpose(), &homoskedastic, which);
    let mut coefficients = model.coefficients(sample, &stage.solution);
    let mut vcov = sound.vcov;
    if let Some(at) = lambda {
        coefficients.push(at);
        vcov = without_variance(&vcov);
        if axis_of_error.is_some_and(|(_, at_end)| at_end) {
            vcov.fill(f64::NAN);
        }
    }
    let mut remarks: Vec<Remark> = sound.remark.into_iter().collect();
    let first_stage = FirstStageOf { overidentification: instruments.sargan(&stage, &residual, sigma2), ..first_stage };
    if first_stage.weakest < WEAK {
        remarks.push(Remark::WeakInstruments { f: first_stage.weakest });
    }
    if let (Some((interval, true)), Some(value)) = (axis_of_error, lambda) {
        remarks.push(Remark::Boundary { parameter: "lambda", value, interval });
    }
    let theta = DVector::from_vec(coefficients.clone());
    let found = spread(sample, shared, &theta, &vcov, interrupt)?;
    remarks.extend(found.remarks);
    let u = unfiltered(sample, &coefficients)?;
    Ok(Estimated {
        effects: found.effects,
        policy: found.policy,
        events: found.events,
        small_sample,
        sigma2,
        parameters: coefficients.len() + 1,
        reference: Reference::Normal,
        rho_interval: found.interval,
        lambda_interval: axis_of_error.map(|(interval, _)| interval),
        first_stage: Some(first_stage),
        remarks,
        ..answer(sample, &coefficients, vcov, &u, residual)?
    })
}

/// `[B, e₁]` and `e₀` of the sample, or their spatial filtrates: a regression whose coefficients turn into slopes and ρ.
struct Linear {
    columns: Vec<Vec<f64>>,
    outcome: Vec<f64>,
}

impl Linear {
    fn new(sample: &Sample) -> Linear {
        let mut columns = sample.basis.clone();
        columns.extend(sample.e1.clone());
        Linear { columns, outcome: sample.e0.clone() }
    }

    /// `Q(x − λW₂x)`.
    fn filtered(&self, sample: &Sample, w2: &Weights, lambda: f64) -> Result<Linear, EstimateError> {
        let filter = |x: &Vec<f64>| -> Result<Vec<f64>, EstimateError> {
            let mut lagged = lag(w2, x, sample.periods);
            sample.remove(&mut lagged)?;
            let mut out = x.clone();
            axpy(-lambda, &lagged, &mut out);
            Ok(out)
        };
        let columns = self.columns.iter().map(filter).collect::<Result<_, _>>()?;
        Ok(Linear { columns, outcome: filter(&self.outcome)? })
    }

    fn residual(&self, solution: &DVector<f64>) -> Vec<f64> {
        let mut out = self.outcome.clone();
        let terms: Vec<(f64, &[f64])> = solution.iter().zip(&self.columns).map(|(c, x)| (-c, x.as_slice())).collect();
        combine(&terms, &mut out);
        out
    }

    /// Slopes, then ρ: `β = R⁻¹(d₀ + δ − ρd₁)`.
    fn coefficients(&self, sample: &Sample, solution: &DVector<f64>) -> Vec<f64> {
        let p = sample.slopes();
        let mut gamma = &sample.d0 + solution.rows(0, p);
        if let Some(d1) = &sample.d1 {
            gamma -= d1 * solution[p];
        }
        let mut out: Vec<f64> = sample.slopes_from(&gamma).iter().copied().collect();
        out.extend(sample.d1.as_ref().map(|_| solution[p]));
        out
    }
}

/// From coefficients on `[B, e₁]` to slopes and ρ.
fn back(sample: &Sample) -> DMatrix<f64> {
    let p = sample.slopes();
    let inverse = sample.inverse_triangle();
    let Some(d1) = &sample.d1 else { return inverse };
    let mut out = DMatrix::identity(p + 1, p + 1);
    out.view_mut((0, p), (p, 1)).copy_from(&-(&inverse * d1));
    out.view_mut((0, 0), (p, p)).copy_from(&inverse);
    out
}

/// An orthonormal basis of the instruments, those of the model itself first.
struct Instruments {
    basis: Vec<Vec<f64>>,
    exogenous: usize,
    /// Whether an excluded instrument is a spatial lag of the treatment.
    of_treatment: Vec<bool>,
    dropped: usize,
}

impl Instruments {
    fn new(sample: &Sample) -> Result<Instruments, EstimateError> {
        let problem = sample.problem;
        let Approach::Instruments { endogenous, instruments } = &problem.approach else {
            return Err(EstimateError::VarianceNotDefined);
        };
        let bases = 0..problem.durbin_weights.len();
        let own: Vec<usize> = endogenous.iter().map(|&k| sample.own(k)).collect();
        let lagged: Vec<usize> =
            endogenous.iter().flat_map(|&k| bases.clone().filter_map(move |b| sample.lag_of(b, k))).collect();
        let is_endogenous = |j: &usize| own.contains(j) || lagged.contains(j);
        let mut out = Instruments { basis: Vec::new(), exogenous: 0, of_treatment: Vec::new(), dropped: 0 };
        let exogenous: Vec<usize> = (0..sample.slopes()).filter(|j| !is_endogenous(j)).collect();
        for &j in &exogenous {
            out.absorb(sample, &sample.design[j])?;
        }
        out.exogenous = out.basis.len();
        for (column, of_treatment) in excluded(sample, &exogenous, instruments, !lagged.is_empty()) {
            if out.absorb(sample, &column)? {
                out.of_treatment.push(of_treatment);
            } else {
                out.dropped += 1;
            }
        }
        let count = own.len() + lagged.len() + usize::from(sample.e1.is_some());
        let found = out.excluded().len();
        if found < count {
            return Err(EstimateError::UnderIdentified { instruments: found, endogenous: count });
        }
        Ok(out)
    }

    fn excluded(&self) -> &[Vec<f64>] {
        &self.basis[self.exogenous..]
    }

    /// Adds a raw column to the basis; `false` where it is a combination of those before it.
    fn absorb(&mut self, sample: &Sample, column: &[f64]) -> Result<bool, EstimateError> {
        let mut x = column.to_vec();
        sample.remove(&mut x)?;
        let before = norm(&x);
        if !before.is_finite() {
            return Err(EstimateError::NotFinite);
        }
        if before <= VANISHED * norm(column) {
            return Ok(false);
        }
        // Twice: what the first pass leaves of a nearly dependent column is not orthogonal to rounding.
        for _ in 0..2 {
            off(&mut x, &self.basis);
        }
        let after = norm(&x);
        if after <= RANK_TOLERANCE * before {
            return Ok(false);
        }
        x.iter_mut().for_each(|v| *v /= after);
        off(&mut x, &self.basis);
        self.basis.push(x);
        Ok(true)
    }

    fn coordinates(&self, x: &[f64]) -> DVector<f64> {
        DVector::from_vec(cross::against(&views(&self.basis), x))
    }

    /// `e'P_He/σ²` and its degrees of freedom, where there are more instruments than needed.
    fn sargan(&self, stage: &Stage, residual: &[f64], sigma2: f64) -> Option<(f64, usize)> {
        let df = self.basis.len() - stage.solution.len();
        let projected = self.coordinates(residual);
        (df > 0).then(|| (projected.norm_squared() / sigma2, df))
    }
}

fn views(columns: &[Vec<f64>]) -> Vec<&[f64]> {
    columns.iter().map(Vec::as_slice).collect()
}

/// Takes the span of orthonormal columns out of `x`.
fn off(x: &mut [f64], basis: &[Vec<f64>]) {
    let views = views(basis);
    let terms: Vec<(f64, &[f64])> = cross::against(&views, x).iter().map(|c| -c).zip(views.iter().copied()).collect();
    combine(&terms, x);
}

/// Raw instruments that are no regressors, and whether they are lags of the treatment: those given and their lags where
/// an endogenous regressor is lagged, and `L z`, `L² z` of all that is exogenous, `L` the matrix of the outcome's lag.
fn excluded(sample: &Sample, exogenous: &[usize], given: &[Vec<f64>], lagged: bool) -> Vec<(Vec<f64>, bool)> {
    let problem = sample.problem;
    let treatment = problem.treatment.map(|k| sample.own(k));
    let of_treatment = |j: usize| {
        let lags = (0..problem.durbin_weights.len()).filter_map(|b| sample.lag_of(b, problem.treatment?));
        treatment == Some(j) || lags.into_iter().any(|l| l == j)
    };
    let mut out: Vec<(Vec<f64>, bool)> =
        given.iter().map(|z| (raw(z, sample.cells.as_ref()).to_vec(), false)).collect();
    if lagged {
        let own: Vec<Vec<f64>> = out.iter().map(|(z, _)| z.clone()).collect();
        for w in &problem.durbin_weights {
            out.extend(own.iter().map(|z| (lag(w, z, sample.periods), false)));
        }
    }
    let Some(w) = problem.lag_weights.as_ref().filter(|_| problem.model.has_lag()) else { return out };
    let slopes = exogenous.iter().filter(|&&j| !(sample.intercept && j == 0));
    let mut sources: Vec<(Vec<f64>, bool)> = slopes.map(|&j| (sample.design[j].to_vec(), of_treatment(j))).collect();
    sources.extend(out.iter().cloned());
    // The lag of a regressor may be a regressor: it is no instrument left out.
    let known = |x: &[f64]| sample.design.iter().any(|d| **d == *x);
    for _ in 0..2 {
        for (z, _) in &mut sources {
            *z = lag(w, z, sample.periods);
        }
        for (z, t) in &sources {
            if !known(z) && !out.iter().any(|(o, _)| o == z) {
                out.push((z.clone(), *t));
            }
        }
    }
    out
}

/// Both stages on the instruments' basis.
struct Stage {
    /// Orthonormal factor and inverse triangle of `C = H'A`.
    orthonormal: DMatrix<f64>,
    inverse_triangle: DMatrix<f64>,
    solution: DVector<f64>,
}

impl Stage {
    fn new(instruments: &Instruments, model: &Linear) -> Result<Stage, EstimateError> {
        let k = model.columns.len();
        let coordinates: Vec<DVector<f64>> = model.columns.iter().map(|x| instruments.coordinates(x)).collect();
        let c = DMatrix::from_columns(&coordinates);
        let sizes: Vec<f64> = model.columns.iter().map(|x| norm(x)).collect();
        let qr = c.qr();
        let triangle = qr.r();
        let bare = |j: usize| triangle[(j, j)].abs() <= RANK_TOLERANCE * sizes[j];
        if (0..k).any(bare) {
            let endogenous = k - instruments.exogenous.min(k);
            return Err(EstimateError::UnderIdentified { instruments: instruments.excluded().len(), endogenous });
        }
        let inverse_triangle =
            triangle.solve_upper_triangular(&DMatrix::identity(k, k)).ok_or(EstimateError::NotFinite)?;
        let orthonormal = qr.q();
        let solution = &inverse_triangle * orthonormal.tr_mul(&instruments.coordinates(&model.outcome));
        Ok(Stage { orthonormal, inverse_triangle, solution })
    }

    /// Orthonormal columns that span `P_H A`.
    fn fitted(&self, instruments: &Instruments) -> Vec<Vec<f64>> {
        let rows = instruments.basis.first().map_or(0, Vec::len);
        self.orthonormal
            .column_iter()
            .map(|c| {
                let mut out = vec![0.0; rows];
                let terms: Vec<(f64, &[f64])> =
                    c.iter().zip(&instruments.basis).map(|(c, b)| (*c, b.as_slice())).collect();
                combine(&terms, &mut out);
                out
            })
            .collect()
    }
}

/// Partial F statistics of the excluded instruments, for every endogenous variable.
fn strength(sample: &Sample, instruments: &Instruments, model: &Linear) -> FirstStageOf {
    let (q, excluded) = (instruments.exogenous, instruments.excluded().len());
    let df = [excluded as f64, (sample.counts.rows - sample.counts.dummies) as f64 - (q + excluded) as f64];
    let Approach::Instruments { endogenous, .. } = &sample.problem.approach else {
        return FirstStageOf {
            endogenous: Vec::new(),
            excluded,
            dropped: 0,
            weakest: f64::NAN,
            overidentification: None,
        };
    };
    let mut places: Vec<usize> = endogenous.iter().map(|&k| sample.own(k)).collect();
    for b in 0..sample.problem.durbin_weights.len() {
        places.extend(endogenous.iter().filter_map(|&k| sample.lag_of(b, k)));
    }
    // Off the exogenous columns the triangle of the design gives raw columns back from the basis.
    let column = |j: usize| -> Vec<f64> {
        let mut out = vec![0.0; model.outcome.len()];
        let terms: Vec<(f64, &[f64])> =
            (0..=j).map(|i| (sample.triangle[(i, j)], model.columns[i].as_slice())).collect();
        combine(&terms, &mut out);
        out
    };
    let mut variables: Vec<(usize, Vec<f64>)> = places.into_iter().map(|j| (j, column(j))).collect();
    if let (Some(e1), Some(d1)) = (&sample.e1, &sample.d1) {
        let mut wy = e1.clone();
        let terms: Vec<(f64, &[f64])> = d1.iter().zip(&sample.basis).map(|(d, b)| (*d, b.as_slice())).collect();
        combine(&terms, &mut wy);
        variables.push((sample.slopes(), wy));
    }
    for (_, x) in &mut variables {
        off(x, &instruments.basis[..q]);
    }
    let explained: Vec<DVector<f64>> =
        variables.iter().map(|(_, x)| DVector::from_vec(cross::against(&views(instruments.excluded()), x))).collect();
    let product = |i: usize, j: usize| dot(&variables[i].1, &variables[j].1);
    let count = variables.len();
    let fit = DMatrix::from_fn(count, count, |i, j| explained[i].dot(&explained[j]));
    let left = DMatrix::from_fn(count, count, product) - &fit;
    let by_treatment: Vec<usize> = (0..excluded).filter(|&z| instruments.of_treatment[z]).collect();
    let of = |(i, (coefficient, _)): (usize, &(usize, Vec<f64>))| {
        let (own, rest) = (fit[(i, i)], left[(i, i)]);
        let part: f64 = by_treatment.iter().map(|&z| explained[i][z].powi(2)).sum();
        let k = by_treatment.len() as f64;
        let alone = (k > 0.0).then(|| (part / k) / ((own + rest - part) / (df[1] + df[0] - k)));
        StrengthOf {
            coefficient: *coefficient,
            f: (own / df[0]) / (rest / df[1]),
            df,
            partial_r2: own / (own + rest),
            treatment_f: alone,
        }
    };
    FirstStageOf {
        endogenous: variables.iter().enumerate().map(of).collect(),
        excluded,
        dropped: instruments.dropped,
        weakest: cragg_donald(&fit, &left, df),
        overidentification: None,
    }
}

/// The smallest eigenvalue of `Σ^(−½) (Y'P_F Y) Σ^(−½) / k`, `Σ` the first stages' variance.
fn cragg_donald(fit: &DMatrix<f64>, left: &DMatrix<f64>, df: [f64; 2]) -> f64 {
    let variance = left / df[1];
    let Some(factor) = variance.cholesky() else { return f64::NAN };
    let l = factor.l();
    let Some(half) = l.solve_lower_triangular(fit) else { return f64::NAN };
    let Some(both) = l.solve_lower_triangular(&half.transpose()) else { return f64::NAN };
    ((&both + both.transpose()) * 0.5).symmetric_eigenvalues().min() / df[0]
}

/// Effects and policy effects, where the filter has an inverse in the admissible interval.
struct Spread {
    effects: Vec<EffectOf>,
    policy: Option<PolicyOf>,
    events: Option<EventsOf>,
    interval: Option<Interval>,
    remarks: Vec<Remark>,
}

fn spread(
    sample: &Sample,
    shared: &Shared,
    theta: &DVector<f64>,
    vcov: &DMatrix<f64>,
    interrupt: &dyn Interrupt,
) -> Result<Spread, EstimateError> {
    let Some(weights) = sample.problem.lag_weights.as_ref().filter(|_| sample.problem.model.has_lag()) else {
        return Ok(Spread {
            effects: effects(sample, None, theta, vcov)?,
            policy: policy(sample, None, theta, vcov)?,
            events: events(sample, None, theta, vcov)?,
            interval: None,
            remarks: Vec::new(),
        });
    };
    let spectrum = shared.spectrum(weights, interrupt)?;
    let axis = Axis::new(&spectrum, interrupt, shared.dense_units());
    let (rho, (lo, hi)) = (theta[sample.slopes()], axis.open());
    if !(lo < rho && rho < hi) {
        let none = Measured { estimate: f64::NAN, se: f64::NAN };
        let effects = vec![EffectOf { direct: none, indirect: none, total: none }; sample.problem.regressors.len()];
        let remarks = vec![Remark::Outside { parameter: "rho", value: rho, interval: axis.interval }];
        return Ok(Spread { effects, policy: None, events: None, interval: Some(axis.interval), remarks });
    }
    let curve = axis.window(rho, NEAR)?;
    let operator = Operator::new(&axis, rho, &curve, sample.units <= shared.dense_units())?;
    interrupt.begin("effects");
    let effects = effects(sample, Some(&operator), theta, vcov)?;
    let policy = policy(sample, Some(&operator), theta, vcov)?;
    let events = events(sample, Some(&operator), theta, vcov)?;
    Ok(Spread { effects, policy, events, interval: Some(axis.interval), remarks: operator.remarks() })
}

/// `Q(y − ρWy − Zβ)`.
fn unfiltered(sample: &Sample, coefficients: &[f64]) -> Result<Vec<f64>, EstimateError> {
    let mut out = sample.outcome.to_vec();
    let mut terms: Vec<(f64, &[f64])> = sample.design.iter().zip(coefficients).map(|(x, b)| (-b, &**x)).collect();
    if let (Some(wy), Some(rho)) = (&sample.outcome_lag, coefficients.get(sample.slopes())) {
        terms.push((-rho, wy));
    }
    combine(&terms, &mut out);
    sample.remove(&mut out)?;
    Ok(out)
}
