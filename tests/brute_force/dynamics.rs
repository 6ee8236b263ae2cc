//! Dynamic models (methods C.7, D.3) written out: the likelihood maximized over ρ with dense matrices, the correction as
//! printed there, roots by eigenvalues, long runs and responses by explicit inverses and powers.

use crate::cases::{PERIODS, Setting, UNITS, contrasts, dense, problem, settings};
use crate::draws::{SIMULATION, alike};
use crate::effects::{measured, same};
use durbin::estimators::*;
use nalgebra::{DMatrix, DVector};
use std::sync::Arc;

const T: usize = PERIODS - 1;

/// How the lag of the outcome enters.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lags {
    Own,
    Durbin,
    /// `lag(y)` and `W @ lag(y)` as terms of their own.
    Written,
    /// `W @ lag(y)` alone.
    SpatialAlone,
}

/// A stable panel with the outcome of the period before among the regressors; the first period is used up.
fn dynamic(model: Model, setting: &Setting, row: (FixedEffects, Likelihood), lags: Lags) -> Problem {
    let p = problem(model, setting, row, 5);
    let n = p.units;
    let mut y = p.outcome.clone();
    for r in n..y.len() {
        y[r] -= 0.15 * y[r - n];
    }
    let later = |x: &[f64]| x[n..].to_vec();
    let before = y[..n * T].to_vec();
    let w = &setting.lag;
    let spatial = panel_lag(&dense(w), &before);
    let mut regressors = Vec::new();
    let mut time_lags = Vec::new();
    if lags != Lags::SpatialAlone {
        regressors.push(Regressor { values: before, lagged: lags == Lags::Durbin });
        time_lags.push(TimeLag { regressor: 0, weights: None });
    }
    if matches!(lags, Lags::Written | Lags::SpatialAlone) {
        time_lags.push(TimeLag { regressor: regressors.len(), weights: Some(w.clone()) });
        regressors.push(Regressor { values: spatial, lagged: false });
    }
    regressors.extend(p.regressors.iter().map(|r| Regressor { values: later(&r.values), lagged: r.lagged }));
    Problem { periods: T, outcome: later(&y), regressors, time_lags, treatment: None, ..p }
}

fn panel_lag(w: &DMatrix<f64>, x: &[f64]) -> Vec<f64> {
    (w * DMatrix::from_column_slice(w.nrows(), x.len() / w.nrows(), x)).as_slice().to_vec()
}

fn each(visit: &mut dyn FnMut(&str, &Problem)) {
    let rows = [
        (FixedEffects::Unit, Likelihood::Transform),
        (FixedEffects::Both, Likelihood::Transform),
        (FixedEffects::Both, Likelihood::Partial),
        (FixedEffects::Both, Likelihood::Direct),
        (FixedEffects::None, Likelihood::Transform),
        (FixedEffects::Time, Likelihood::Partial),
    ];
    let kinds = [
        (Model::Sar, Lags::Own),
        (Model::Sar, Lags::Written),
        (Model::Sar, Lags::SpatialAlone),
        (Model::Sdm, Lags::Durbin),
        (Model::Sdm, Lags::Own),
        (Model::Ols, Lags::Own),
        (Model::Slx, Lags::Durbin),
        (Model::Slx, Lags::Written),
    ];
    for setting in &settings(UNITS) {
        for row in rows {
            let period = row.0 == FixedEffects::Both && row.1 == Likelihood::Transform;
            for (model, lags) in kinds {
                if period && !setting.constant_rows {
                    continue;
                }
                let p = dynamic(model, setting, row, lags);
                visit(&format!("{} with {lags:?}, {row:?}, {}", model.name(), setting.name), &p);
            }
        }
    }
}

/// The lags of the outcome: place among the slopes, and the matrix.
fn terms(p: &Problem) -> Vec<(usize, DMatrix<f64>)> {
    let first = usize::from(p.fixed_effects == FixedEffects::None);
    let lagged: Vec<usize> = (0..p.regressors.len()).filter(|&k| p.regressors[k].lagged).collect();
    let identity = DMatrix::identity(p.units, p.units);
    let mut out = Vec::new();
    for t in &p.time_lags {
        out.push((first + t.regressor, t.weights.as_ref().map_or(identity.clone(), |w| dense(w))));
        for (b, w) in p.durbin_weights.iter().enumerate() {
            if let Some(place) = lagged.iter().position(|&k| k == t.regressor) {
                out.push((first + p.regressors.len() + b * lagged.len() + place, dense(w)));
            }
        }
    }
    out
}

fn lag(p: &Problem) -> DMatrix<f64> {
    p.lag_weights.as_ref().map_or(DMatrix::zeros(p.units, p.units), |w| dense(w))
}

/// `S`, and what multiplies the outcome of the period before.
fn matrices(p: &Problem, c: &[f64]) -> (DMatrix<f64>, DMatrix<f64>) {
    let n = p.units;
    let slopes = crate::cases::design(p).len();
    let rho = if p.lag_weights.is_some() { c[slopes] } else { 0.0 };
    let carried = terms(p).iter().fold(DMatrix::zeros(n, n), |sum, (slope, w)| sum + w * c[*slope]);
    (DMatrix::identity(n, n) - lag(p) * rho, carried)
}

/// Demeaned (and, across units, transformed) data: `y`, `Wy`, `Z`.
struct Data {
    y: DVector<f64>,
    wy: DVector<f64>,
    z: DMatrix<f64>,
    across: DMatrix<f64>,
}

fn data(p: &Problem) -> Data {
    let (n, t) = (p.units, p.periods);
    let period = matches!(p.fixed_effects, FixedEffects::Both | FixedEffects::Time);
    let unit = matches!(p.fixed_effects, FixedEffects::Both | FixedEffects::Unit);
    let across = if period && p.likelihood == Likelihood::Transform { contrasts(n) } else { DMatrix::identity(n, n) };
    let center = |k: usize| DMatrix::<f64>::identity(k, k) - DMatrix::from_element(k, k, 1.0 / k as f64);
    let remove = |x: &[f64]| {
        let mut m = DMatrix::from_column_slice(n, t, x);
        if unit {
            m *= center(t);
        }
        if period {
            m = center(n) * m;
        }
        DVector::from_column_slice((across.transpose() * m).as_slice())
    };
    let columns: Vec<DVector<f64>> = crate::cases::design(p).iter().map(|c| remove(c)).collect();
    Data {
        y: remove(&p.outcome),
        wy: remove(&panel_lag(&lag(p), &p.outcome)),
        z: DMatrix::from_columns(&columns),
        across: across.clone(),
    }
}

/// Slopes and residual sum of squares at ρ.
fn profile(d: &Data, rho: f64) -> (DVector<f64>, DVector<f64>) {
    let u = &d.y - &d.wy * rho;
    let b = crate::reference::least_squares(&d.z, &u);
    let e = u - &d.z * &b;
    (b, e)
}

/// The maximum over ρ by golden sections, uncorrected: slopes, ρ, σ².
fn maximum(p: &Problem, d: &Data) -> (DVector<f64>, f64, f64) {
    let m = d.y.len() as f64;
    let w = d.across.transpose() * lag(p) * &d.across;
    let size = w.nrows();
    let value = |rho: f64| {
        let e = profile(d, rho).1;
        let s = DMatrix::identity(size, size) - &w * rho;
        p.periods as f64 * s.determinant().ln() - 0.5 * m * (e.dot(&e) / m).ln()
    };
    let rho = if p.lag_weights.is_none() { 0.0 } else { golden(&value) };
    let (b, e) = profile(d, rho);
    (b, rho, e.dot(&e) / m)
}

fn golden(value: &dyn Fn(f64) -> f64) -> f64 {
    let (mut a, mut b) = (-0.95, 0.95);
    // to a step where values still differ, then the vertex of a parabola
    while b - a > 2e-3 {
        let (x, y) = (a + 0.382 * (b - a), a + 0.618 * (b - a));
        if value(x) > value(y) { b = y } else { a = x }
    }
    let mut x = 0.5 * (a + b);
    for _ in 0..8 {
        let h = 1e-3;
        let slope = (value(x - 2.0 * h) - value(x + 2.0 * h) + 8.0 * (value(x + h) - value(x - h))) / (12.0 * h);
        let second = (16.0 * (value(x + h) + value(x - h)) - value(x + 2.0 * h) - value(x - 2.0 * h) - 30.0 * value(x))
            / (12.0 * h * h);
        x -= slope / second;
    }
    x
}

/// `𝓘` of methods C.6 and `a` of methods C.7, at the uncorrected maximum.
fn correction(p: &Problem, d: &Data, b: &DVector<f64>, rho: f64, s2: f64) -> DVector<f64> {
    let (n, t) = (p.units, p.periods as f64);
    let mut c: Vec<f64> = b.iter().copied().collect();
    c.push(rho);
    let (s, carried) = matrices(p, &c);
    let small = {
        let w = d.across.transpose() * lag(p) * &d.across;
        let k = w.nrows();
        &w * (DMatrix::identity(k, k) - &w * rho).try_inverse().unwrap()
    };
    let e = &d.y - &d.wy * rho - &d.z * b;
    let noise = &small * DMatrix::from_column_slice(small.nrows(), p.periods, e.as_slice());
    let period = p.fixed_effects == FixedEffects::Both;
    let noise = if period && p.likelihood == Likelihood::Partial {
        let k = noise.nrows();
        (DMatrix::<f64>::identity(k, k) - DMatrix::from_element(k, k, 1.0 / k as f64)) * noise
    } else {
        noise
    };
    let g = &d.wy - DVector::from_column_slice(noise.as_slice());
    let k = b.len();
    let has_rho = usize::from(p.lag_weights.is_some());
    let mut information = DMatrix::zeros(k + has_rho + 1, k + has_rho + 1);
    information.view_mut((0, 0), (k, k)).copy_from(&(d.z.tr_mul(&d.z) / s2));
    if has_rho == 1 {
        let cross = d.z.tr_mul(&g) / s2;
        for j in 0..k {
            information[(j, k)] = cross[j];
            information[(k, j)] = cross[j];
        }
        information[(k, k)] = g.dot(&g) / s2 + t * ((&small * &small).trace() + small.norm_squared());
        information[(k, k + 1)] = t * small.trace() / s2;
        information[(k + 1, k)] = t * small.trace() / s2;
    }
    let last = k + has_rho;
    information[(last, last)] = d.y.len() as f64 / (2.0 * s2 * s2);
    let mut a = DVector::zeros(last + 1);
    let j = DMatrix::from_element(n, n, 1.0 / n as f64);
    let projector = if period { DMatrix::identity(n, n) - &j } else { DMatrix::identity(n, n) };
    let trace = |x: &DMatrix<f64>| (&projector * x * &projector).trace();
    let long = (&s - &carried).try_inverse().unwrap();
    let inverse = s.try_inverse().unwrap();
    for (slope, w) in terms(p) {
        a[slope] = trace(&(w * &long));
    }
    let whole = lag(p) * &inverse;
    if has_rho == 1 {
        a[k] = trace(&(&whole * &carried * &long)) + trace(&whole);
    }
    a[last] = projector.trace() / (2.0 * s2);
    if period && p.likelihood == Likelihood::Partial {
        if has_rho == 1 {
            a[k] += t * (&j * &whole).trace();
        }
        a[last] += if has_rho == 1 { t / (2.0 * s2) } else { 0.0 };
    }
    information.try_inverse().unwrap() * a
}

#[test]
fn the_bias_of_unit_effects_is_taken_out_as_methods_say() {
    each(&mut |name, p| {
        let e = estimate(p, &Never).unwrap();
        let d = data(p);
        let (b, rho, s2) = maximum(p, &d);
        let mut want: Vec<f64> = b.iter().copied().collect();
        want.extend(p.lag_weights.as_ref().map(|_| rho));
        want.push(s2);
        let unit = matches!(p.fixed_effects, FixedEffects::Unit | FixedEffects::Both);
        if unit && p.likelihood != Likelihood::Direct {
            let step = correction(p, &d, &b, rho, s2);
            want.iter_mut().zip(&step).for_each(|(w, s)| *w += s);
        } else if p.fixed_effects == FixedEffects::Time && p.lag_weights.is_some() {
            // the static correction of methods C.5 alone, held elsewhere
            return;
        }
        let mut got = e.coefficients.clone();
        got.push(e.sigma2);
        for (k, (g, w)) in got.iter().zip(&want).enumerate() {
            assert!((g - w).abs() < 1e-7 * w.abs().max(1.0), "{name}: parameter {k} is {g}, not {w}");
        }
    });
}

/// `M = (…)⁻¹(βI + Σ θ_b W_b)` of regressor `k`.
fn inner(p: &Problem, c: &[f64], k: usize) -> DMatrix<f64> {
    let n = p.units;
    let first = usize::from(p.fixed_effects == FixedEffects::None);
    let lagged: Vec<usize> = (0..p.regressors.len()).filter(|&j| p.regressors[j].lagged).collect();
    let mut out = DMatrix::identity(n, n) * c[first + k];
    for (b, w) in p.durbin_weights.iter().enumerate() {
        if let Some(place) = lagged.iter().position(|&j| j == k) {
            out += dense(w) * c[first + p.regressors.len() + b * lagged.len() + place];
        }
    }
    out
}

#[test]
fn long_runs_are_explicit_inverses_and_roots_are_eigenvalues() {
    let mut compared = 0;
    each(&mut |name, p| {
        let e = estimate(p, &Never).unwrap();
        let found = e.dynamics.as_ref().unwrap();
        let (s, carried) = matrices(p, &e.coefficients);
        let a = s.try_inverse().unwrap() * carried;
        let root = a.complex_eigenvalues().iter().map(|z| z.norm()).fold(0.0, f64::max);
        assert!((found.largest_root - root).abs() < 1e-8, "{name}: root {} not {root}", found.largest_root);
        // close to one the numerical gradients of the reference lose their digits
        if root > 0.7 {
            return;
        }
        compared += 1;
        let n = p.units as f64;
        let own = p.regressors.len() - 2;
        for k in own..p.regressors.len() {
            let multiplier = |c: &[f64]| {
                let (s, carried) = matrices(p, c);
                (s - carried).try_inverse().unwrap() * inner(p, c, k)
            };
            let direct = measured(&e, &|c| multiplier(c).trace() / n);
            let total = measured(&e, &|c| multiplier(c).sum() / n);
            let indirect = measured(&e, &|c| (multiplier(c).sum() - multiplier(c).trace()) / n);
            same(name, "direct, long run", found.long_run[k].direct, direct);
            same(name, "indirect, long run", found.long_run[k].indirect, indirect);
            same(name, "total, long run", found.long_run[k].total, total);
        }
        let sum = measured(&e, &|c| {
            let rho = if p.lag_weights.is_some() { c[c.len() - 1] } else { 0.0 };
            rho + terms(p).iter().map(|(slope, _)| c[*slope]).sum::<f64>()
        });
        same(name, "the sum", found.sum, sum);
    });
    assert!(compared > 80, "{compared} models compared");
}

#[test]
fn responses_are_powers_and_add_up_to_the_long_run() {
    each(&mut |name, p| {
        if p.fixed_effects != FixedEffects::Both || p.likelihood == Likelihood::Direct {
            return;
        }
        let e = estimate(p, &Never).unwrap();
        let n = p.units as f64;
        let k = p.regressors.len() - 1;
        let found = &responses(p, &e, 3, &Never).unwrap()[k];
        let power = |c: &[f64], h: usize| {
            let (s, carried) = matrices(p, c);
            let inverse = s.try_inverse().unwrap();
            let a = &inverse * carried;
            (0..h).fold(inverse * inner(p, c, k), |m, _| &a * m)
        };
        for h in 0..=3 {
            let so_far = |c: &[f64]| (0..=h).map(|s| power(c, s)).fold(DMatrix::zeros(p.units, p.units), |a, b| a + b);
            same(name, "impulse", found.impulse[h].direct, measured(&e, &|c| power(c, h).trace() / n));
            same(name, "impulse", found.impulse[h].total, measured(&e, &|c| power(c, h).sum() / n));
            same(name, "cumulated", found.cumulated[h].direct, measured(&e, &|c| so_far(c).trace() / n));
            same(name, "cumulated", found.cumulated[h].total, measured(&e, &|c| so_far(c).sum() / n));
        }
        let far = &responses(p, &e, 400, &Never).unwrap()[k].cumulated[400];
        let long = e.dynamics.as_ref().unwrap().long_run[k];
        same(name, "the far end", far.total, long.total);
        same(name, "the far end", far.direct, long.direct);
        same(name, "the near end", found.impulse[0].total, e.effects[k].total);
    });
}

/// An explosive outcome: no long run, no correction, and both are said.
#[test]
fn an_explosive_model_has_no_long_run_and_is_not_corrected() {
    let setting = &settings(UNITS)[0];
    let mut p = dynamic(Model::Sar, setting, (FixedEffects::Unit, Likelihood::Transform), Lags::Own);
    let n = p.units;
    for r in n..p.outcome.len() {
        p.outcome[r] += 1.6 * p.outcome[r - n];
    }
    let first = p.regressors[0].values[..n].to_vec();
    p.regressors[0].values = [first, p.outcome[..n * (T - 1)].to_vec()].concat();
    let e = estimate(&p, &Never).unwrap();
    let d = e.dynamics.unwrap();
    assert!(d.largest_root > 1.0 && !d.corrected && d.long_run[1].total.estimate.is_nan());
    assert!(e.remarks.iter().any(|r| matches!(r, Remark::Unstable { corrected: false, .. })));
    let raw = estimate(&Problem { likelihood: Likelihood::Direct, ..p }, &Never).unwrap();
    assert_eq!(raw.coefficients, e.coefficients);
}

/// Whole matrices or none: the multiplier and the roots agree where both can be had.
#[test]
fn one_matrix_under_two_names_is_one_matrix() {
    let setting = &settings(UNITS)[0];
    let p = dynamic(Model::Sdm, setting, (FixedEffects::Unit, Likelihood::Transform), Lags::Durbin);
    let copy = Arc::new(setting.lag.as_ref().clone());
    let other = Problem { durbin_weights: vec![copy], ..p.clone() };
    let (a, b) = (estimate(&p, &Never).unwrap(), estimate(&other, &Never).unwrap());
    assert_eq!(a.dynamics, b.dynamics);
    assert_eq!(a.coefficients, b.coefficients);
}

/// Simulated effects of the short and the long run at every draw by its own explicit inverses; draws with a root at or
/// beyond one are discarded.
#[test]
fn simulated_long_runs_are_explicit_inverses_at_every_draw() {
    let mut discarded = 0;
    each(&mut |name, p| {
        if p.likelihood == Likelihood::Direct {
            return;
        }
        let e = estimate(p, &Never).unwrap();
        if e.dynamics.as_ref().unwrap().largest_root >= 1.0 {
            return;
        }
        let draws = Draws { count: 40, seed: 3, level: 0.9 };
        let found = simulate(p, &e, draws, &shared::Shared::default(), &Never).unwrap();
        let size = e.coefficients.len();
        let root = DMatrix::from_fn(size, size, |i, k| e.vcov[i][k]).cholesky().unwrap().unpack();
        let mut kept: Vec<Vec<f64>> = Vec::new();
        for r in 0..draws.count as u64 {
            let z = DVector::from_fn(size, |j, _| durbin::linalg::probes::normal(3 ^ SIMULATION, r, j as u64));
            let c = DVector::from_vec(e.coefficients.clone()) + &root * z;
            let (s, carried) = matrices(p, c.as_slice());
            let inside = p.lag_weights.as_ref().is_none_or(|w| {
                let [lo, hi] = crate::cases::interval(w);
                lo < c[size - 1] && c[size - 1] < hi
            });
            let roots = (s.try_inverse().unwrap() * carried).complex_eigenvalues();
            if inside && roots.iter().all(|z| z.norm() < 1.0) {
                kept.push(c.as_slice().to_vec());
            }
        }
        discarded += found.discarded;
        assert_eq!((found.used, found.discarded), (kept.len(), draws.count - kept.len()), "{name}");
        let n = p.units as f64;
        for k in 0..p.regressors.len() {
            let long = |c: &[f64]| {
                let (s, carried) = matrices(p, c);
                (s - carried).try_inverse().unwrap() * inner(p, c, k)
            };
            let short = |c: &[f64]| matrices(p, c).0.try_inverse().unwrap() * inner(p, c, k);
            let all = |of: &dyn Fn(&[f64]) -> f64| kept.iter().map(|c| of(c)).collect::<Vec<f64>>();
            alike(name, "direct, short run", found.effects[k][0], all(&|c| short(c).trace() / n));
            alike(name, "total, short run", found.effects[k][2], all(&|c| short(c).sum() / n));
            alike(name, "direct, long run", found.long_run[k][0], all(&|c| long(c).trace() / n));
            alike(name, "total, long run", found.long_run[k][2], all(&|c| long(c).sum() / n));
        }
    });
    assert!(discarded > 0);
}
