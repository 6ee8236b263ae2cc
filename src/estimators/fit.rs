//! One model from sample to estimate: search, corrections, variance, effects.

use super::kernels::{SpatialFilter, dot};
use super::optimize::{Axis, Objective, Optimum};
use super::profile::Profile;
use super::sample::{Sample, lag};
use super::solution::Solution;
use super::*;
use crate::inference::effects::{Multipliers, effects};
use crate::inference::information::{Places, expected, invert, observed};
use crate::inference::martingale::outer_product;
use crate::inference::operators::Operators;
use crate::inference::policy::policy;
use crate::inference::quasi::excess;
use crate::inference::sandwich;
use nalgebra::{DMatrix, DVector};
use std::f64::consts::PI;

/// Units above which the dense operators of this estimator are refused.
const MOST_UNITS: usize = 2000;

/// Fits one model by the formulas of methods C.1–C.6, C.11, D.1, D.2 and D.4.
pub fn estimate(problem: &Problem, interrupt: &dyn Interrupt) -> Result<Estimated, EstimateError> {
    let sample = Sample::new(problem)?;
    if problem.model.has_lag() || problem.model.has_error() {
        likelihood(problem, &sample, interrupt)
    } else {
        least_squares(&sample)
    }
}

/// The matrix of a spatial parameter with its filter.
struct Operator<'a> {
    weights: &'a Weights,
    filter: SpatialFilter,
    interval: Interval,
}

fn operator(weights: Option<&Weights>) -> Result<Option<Operator<'_>>, EstimateError> {
    let Some(weights) = weights else { return Ok(None) };
    let n = weights.matrix.rows();
    if n > MOST_UNITS {
        let bytes = (n as u64).pow(2) * 8 * 4;
        return Err(crate::linalg::LinalgError::TooLarge { what: "the dense spatial filter", bytes }.into());
    }
    let filter = SpatialFilter::new(weights)?;
    let interval = filter.interval();
    Ok(Some(Operator { weights, filter, interval }))
}

fn row_sum(weights: &Weights) -> Option<f64> {
    let sums = lag(weights, &vec![1.0; weights.matrix.rows()], 1);
    let first = *sums.first()?;
    sums.iter().all(|s| (s - first).abs() < 1e-12).then_some(first)
}

fn likelihood(problem: &Problem, sample: &Sample, interrupt: &dyn Interrupt) -> Result<Estimated, EstimateError> {
    let lag_op = operator(problem.lag_weights.as_deref().filter(|_| problem.model.has_lag()))?;
    let error_op = operator(problem.error_weights.as_deref().filter(|_| problem.model.has_error()))?;
    let error = error_op.as_ref().map(|o| o.weights);
    let profile = Profile::new(sample, error)?;
    if profile.at(0.0, 0.0)?.sse <= 1e-24 * sample.outcome_square {
        return Err(EstimateError::PerfectFit);
    }
    let axis = |o: &'_ Operator<'_>| (o.interval, row_sum(o.weights));
    let objective = Objective {
        row: sample.row,
        profile: &profile,
        rho: lag_op.as_ref().map(|o| Axis { filter: &o.filter, interval: axis(o).0, row_sum: axis(o).1 }),
        lambda: error_op.as_ref().map(|o| Axis { filter: &o.filter, interval: axis(o).0, row_sum: axis(o).1 }),
        interrupt,
    };
    let search = objective.search()?;
    let Some(best) = search.optima.first().copied() else { return Err(EstimateError::NotFinite) };
    let mut remarks = Vec::new();
    if let Some(other) = search.optima.get(1).filter(|o| best.loglik - o.loglik < 2.0) {
        let triple = |o: &Optimum| [o.rho, o.lambda, o.loglik];
        remarks.push(Remark::TwoOptima { best: triple(&best), other: triple(other) });
    }
    let mut boundary = false;
    for (axis, name, value) in [(&objective.rho, "rho", best.rho), (&objective.lambda, "lambda", best.lambda)] {
        if let Some(a) = axis
            && a.at_boundary(value)
        {
            boundary = true;
            remarks.push(Remark::Boundary { parameter: name, value, interval: a.interval });
        }
    }
    let m = sample.row.observations;
    let at = |rho: f64, lambda: f64| -> Result<(DVector<f64>, f64), EstimateError> {
        let point = profile.at(rho, lambda)?;
        // without an error matrix e₀ and e₁ are off the basis already: nothing to shift
        let mut gamma = if point.shift.is_empty() { sample.d0.clone() } else { &sample.d0 + &point.shift };
        if let Some(d1) = &sample.d1 {
            gamma -= d1 * rho;
        }
        Ok((gamma, point.sse))
    };
    let (gamma, sse) = at(best.rho, best.lambda)?;
    if sse <= 1e-24 * sample.outcome_square {
        return Err(EstimateError::PerfectFit);
    }
    let mut solution = Solution::new(sample, error, gamma, best.rho, best.lambda, sse / m);
    let operators_at = |s: &Solution| {
        Operators::new(
            s,
            lag_op.as_ref().map(|o| (o.weights, &o.filter)),
            error_op.as_ref().map(|o| (o.weights, &o.filter)),
        )
    };
    let mut operators = operators_at(&solution)?;
    let mut loglik = best.loglik;
    if (sample.row.corrected || problem.df_adjust) && !boundary {
        solution = corrected(sample, &solution, &operators, error, problem.df_adjust, &at)?;
        operators = operators_at(&solution)?;
        loglik = loglik_at(sample, &solution, &lag_op, &error_op)?;
    }
    interrupted(interrupt)?;
    let places = Places::of(&solution);
    let traces = operators.traces(sample.row.projected);
    let systematic = operators.systematic_lag(&solution);
    let g = systematic.as_deref();
    let information = match problem.variance {
        Variance::Observed => observed(&solution, &traces),
        _ => expected(&solution, g, &traces),
    };
    let inverse = if boundary { None } else { invert(&information) };
    let full = match (&inverse, problem.variance) {
        (None, _) => None,
        (Some(i), Variance::Iid | Variance::Observed) => Some(i.clone()),
        (Some(i), Variance::Qml) => Some(i + i * excess(&solution, &operators) * i),
        (Some(i), Variance::ClusterUnit) => {
            let n = sample.units as f64;
            Some(i * outer_product(&solution, &operators, g) * i * (n / (n - 1.0)))
        }
        _ => return Err(EstimateError::VarianceNotDefined),
    };
    if inverse.is_none() && !boundary {
        remarks.push(Remark::SingularVariance { parameters: (0..places.sigma2).collect() });
    }
    if sample.row.corrected && problem.variance == Variance::ClusterUnit {
        remarks.extend(leverage(sample, g));
    }
    let p = sample.slopes();
    let mut coefficients: Vec<f64> = solution.slopes().iter().copied().collect();
    coefficients.extend(places.rho.map(|_| solution.rho));
    coefficients.extend(places.lambda.map(|_| solution.lambda));
    let size = coefficients.len();
    // from the orthonormal basis back to the slopes
    let mut back = DMatrix::identity(size, size);
    back.view_mut((0, 0), (p, p)).copy_from(&sample.inverse_triangle());
    let vcov = match full {
        Some(v) => &back * v.view((0, 0), (size, size)) * back.transpose(),
        None => DMatrix::from_element(size, size, f64::NAN),
    };
    let multipliers = match (&operators.inverse, &operators.g_plain) {
        (Some(inverse), Some(g)) => Some(Multipliers { inverse, g }),
        _ => None,
    };
    let theta = DVector::from_vec(coefficients.clone());
    let u = structural(&solution);
    let q = size + 1;
    Ok(Estimated {
        effects: effects(sample, multipliers.as_ref(), &theta, &vcov),
        policy: policy(sample, multipliers.as_ref(), &theta, &vcov),
        sigma2: solution.sigma2,
        loglik,
        parameters: q,
        reference: Reference::Normal,
        rho_interval: lag_op.as_ref().map(|o| o.interval),
        lambda_interval: error_op.as_ref().map(|o| o.interval),
        log_determinant: lag_op.as_ref().or(error_op.as_ref()).map(|o| o.filter.method()),
        iterations: search.iterations,
        remarks,
        ..answer(sample, &coefficients, vcov, &u, solution.residual.clone())
    })
}

fn interrupted(interrupt: &dyn Interrupt) -> Result<(), EstimateError> {
    if interrupt.stop() { Err(EstimateError::Interrupted) } else { Ok(()) }
}

/// `Q(y − ρWy − Zβ)` with the period effects of the filtered model taken out.
fn structural(solution: &Solution) -> Vec<f64> {
    let mut u = solution.unfiltered_residual();
    if solution.error.is_some() && solution.sample.row.period_effects {
        let filtered = solution.filtered(&u);
        let norm = dot(&solution.direction, &solution.direction);
        let n = solution.sample.units;
        for (column, f) in u.chunks_exact_mut(n).zip(filtered.chunks_exact(n)) {
            let effect = dot(&solution.direction, f) / norm;
            column.iter_mut().for_each(|v| *v -= effect);
        }
    }
    u
}

/// The corrections of methods C.5: period effects under `partial`, and the score adjustment for estimated slopes.
fn corrected<'a>(
    sample: &'a Sample<'a>,
    solution: &Solution,
    operators: &Operators,
    error: Option<&'a Weights>,
    df_adjust: bool,
    at: &dyn Fn(f64, f64) -> Result<(DVector<f64>, f64), EstimateError>,
) -> Result<Solution<'a>, EstimateError> {
    let places = Places::of(solution);
    let (n, m, s2) = (sample.units, sample.row.periods, solution.sigma2);
    let systematic = operators.systematic_lag(solution);
    let information = expected(solution, systematic.as_deref(), &operators.traces(sample.row.projected));
    let Some(inverse) = invert(&information) else {
        return Err(crate::linalg::LinalgError::NotPositiveDefinite.into());
    };
    let ones = vec![1.0; n];
    let mut score = DVector::zeros(places.size());
    if sample.row.corrected {
        let s = &solution.direction;
        let norm = dot(s, s);
        if let (Some(r), Some(g)) = (places.rho, &operators.g_plain) {
            let gl = g.apply(&ones);
            let filtered = match error {
                Some(w) => gl.iter().zip(lag(w, &gl, 1)).map(|(a, b)| a - solution.lambda * b).collect(),
                None => gl,
            };
            score[r] += m * dot(s, &filtered) / norm;
        }
        if let (Some(l), Some(w)) = (places.lambda, error) {
            score[l] += m * dot(s, &lag(w, &ones, 1)) / norm;
        }
        score[places.sigma2] += m / (2.0 * s2);
    }
    if df_adjust {
        let gram =
            DMatrix::from_fn(sample.slopes(), sample.slopes(), |i, j| dot(&solution.basis[i], &solution.basis[j]));
        let Some(gram) = invert(&gram) else { return Err(crate::linalg::LinalgError::NotPositiveDefinite.into()) };
        for (place, matrix) in [(places.rho, &operators.g), (places.lambda, &operators.h)] {
            let (Some(place), Some(a)) = (place, matrix) else { continue };
            for (j, b) in solution.basis.iter().enumerate() {
                let mut ab = a.apply(b);
                solution.project(&mut ab);
                score[place] += (0..sample.slopes()).map(|i| gram[(j, i)] * dot(&solution.basis[i], &ab)).sum::<f64>();
            }
        }
        score[places.sigma2] += sample.slopes() as f64 / (2.0 * s2);
    }
    let step = inverse * score;
    let rho = solution.rho + places.rho.map_or(0.0, |r| step[r]);
    let lambda = solution.lambda + places.lambda.map_or(0.0, |l| step[l]);
    if df_adjust {
        let (gamma, sse) = at(rho, lambda)?;
        let sigma2 = sse / (sample.row.adjusted - sample.slopes() as f64);
        return Ok(Solution::new(sample, error, gamma, rho, lambda, sigma2));
    }
    let gamma = &solution.gamma + step.rows(0, places.slopes);
    Ok(Solution::new(sample, error, gamma, rho, lambda, s2 + step[places.sigma2]))
}

/// The log-likelihood of methods C.4 away from the optimum.
fn loglik_at(
    sample: &Sample,
    solution: &Solution,
    lag_op: &Option<Operator>,
    error_op: &Option<Operator>,
) -> Result<f64, EstimateError> {
    let row = &sample.row;
    let sse = dot(&solution.residual, &solution.residual);
    let mut value = -0.5 * row.observations * (2.0 * PI * solution.sigma2).ln() - sse / (2.0 * solution.sigma2);
    for (operator, x) in [(lag_op, solution.rho), (error_op, solution.lambda)] {
        if let Some(o) = operator {
            value += row.periods * o.filter.log_determinant(x)?[0];
            value -= row.constant * (1.0 - row_sum(o.weights).unwrap_or(1.0) * x).ln();
        }
    }
    Ok(value)
}

/// One unit with more than a quarter of g'g (methods C.6, item 1).
fn leverage(sample: &Sample, g: Option<&[f64]>) -> Option<Remark> {
    let g = g?;
    let total = dot(g, g);
    (0..sample.units)
        .map(|i| (i, (0..sample.periods).map(|t| g[t * sample.units + i].powi(2)).sum::<f64>() / total))
        .filter(|(_, share)| *share > 0.25)
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(unit, share)| Remark::Leverage { unit, share })
}

fn least_squares(sample: &Sample) -> Result<Estimated, EstimateError> {
    let residual = sample.e0.clone();
    let (variance, reference) =
        sandwich::variance(sample, &residual, sample.problem.variance).ok_or(EstimateError::VarianceNotDefined)?;
    let back = sample.inverse_triangle();
    let vcov = &back * variance * back.transpose();
    let slopes = sample.slopes_from(&sample.d0);
    let m = sample.row.observations;
    let sigma2 = dot(&residual, &residual) / m;
    let coefficients: Vec<f64> = slopes.iter().copied().collect();
    let remarks = if sigma2 * m <= 1e-24 * sample.outcome_square {
        vec![Remark::SingularVariance { parameters: Vec::new() }]
    } else {
        Vec::new()
    };
    Ok(Estimated {
        effects: effects(sample, None, &slopes, &vcov),
        policy: policy(sample, None, &slopes, &vcov),
        sigma2,
        loglik: -0.5 * m * ((2.0 * PI * sigma2).ln() + 1.0),
        parameters: coefficients.len() + 1,
        reference,
        remarks,
        ..answer(sample, &coefficients, vcov, &residual, residual.clone())
    })
}

/// What every estimate has: fit, residuals, effects of units and periods (methods I).
fn answer(sample: &Sample, coefficients: &[f64], vcov: DMatrix<f64>, u: &[f64], residuals: Vec<f64>) -> Estimated {
    let y = &sample.problem.outcome;
    let (n, t) = (sample.units, sample.periods);
    let count = (n * t) as f64;
    let mut raw = y.clone();
    for (column, b) in sample.design.iter().zip(coefficients) {
        super::kernels::axpy(-b, column, &mut raw);
    }
    if let (Some(wy), Some(rho)) = (&sample.outcome_lag, coefficients.get(sample.slopes())) {
        super::kernels::axpy(-rho, wy, &mut raw);
    }
    let mean = |x: &mut dyn Iterator<Item = f64>, k: usize| x.sum::<f64>() / k as f64;
    let overall = mean(&mut raw.iter().copied(), n * t);
    let both = sample.row.unit_effects && sample.row.period_effects;
    let shift = if both { overall } else { 0.0 };
    let unit_effects = if sample.row.unit_effects {
        (0..n).map(|i| mean(&mut (0..t).map(|p| raw[p * n + i]), t) - shift).collect()
    } else {
        Vec::new()
    };
    let time_effects = if sample.row.period_effects {
        (0..t).map(|p| mean(&mut (0..n).map(|i| raw[p * n + i]), n) - shift).collect()
    } else {
        Vec::new()
    };
    let y_mean = mean(&mut y.iter().copied(), n * t);
    let square = dot(u, u);
    let total: f64 = y.iter().map(|v| (v - y_mean).powi(2)).sum();
    let mut within = y.clone();
    super::sample::remove_effects(&mut within, n, t, &sample.row);
    let within_mean = mean(&mut within.iter().copied(), n * t);
    let within_total: f64 = within.iter().map(|v| (v - within_mean).powi(2)).sum();
    let size = coefficients.len();
    Estimated {
        coefficients: coefficients.to_vec(),
        vcov: (0..size).map(|i| (0..size).map(|j| vcov[(i, j)]).collect()).collect(),
        sigma2: f64::NAN,
        loglik: f64::NAN,
        m_effective: sample.row.observations,
        parameters: 0,
        df_residual: count - size as f64 - sample.row.dummies(n, t) as f64,
        reference: Reference::Normal,
        r2: 1.0 - square / total,
        r2_within: 1.0 - square / within_total,
        effects: Vec::new(),
        policy: None,
        rho_interval: None,
        lambda_interval: None,
        log_determinant: None,
        iterations: 0,
        converged: true,
        fitted: y.iter().zip(u).map(|(y, u)| y - u).collect(),
        residuals,
        unit_effects,
        time_effects,
        remarks: Vec::new(),
    }
}
