//! Least squares with absent cells, against explicit dummies.

use super::*;
use crate::linalg::samples;
use crate::weights::Weights;
use std::sync::Arc;

const N: usize = 30;
const T: usize = 8;

fn present() -> Vec<bool> {
    (0..N * T).map(|k| samples::uniform(9, k as u64) > 0.3).collect()
}

fn with_holes(x: Vec<f64>) -> Vec<f64> {
    x.into_iter().zip(present()).map(|(v, p)| if p { v } else { f64::NAN }).collect()
}

fn problem(fixed_effects: FixedEffects, variance: Variance) -> Problem {
    let x = samples::vector(1, N * T);
    let d: Vec<f64> = (0..N * T).map(|r| f64::from(u8::from(r % N < 10 && r / N >= 4))).collect();
    let e = samples::vector(2, N * T);
    let y = (0..N * T).map(|r| 2.0 * x[r] - 0.5 * d[r] + (r % N) as f64 * 0.1 + (r / N) as f64 + e[r]).collect();
    let column = |values| Regressor { values: with_holes(values), lagged: false };
    Problem {
        model: Model::Ols,
        units: N,
        periods: T,
        outcome: with_holes(y),
        regressors: vec![column(x), column(d)],
        durbin_weights: vec![],
        lag_weights: None,
        error_weights: None,
        fixed_effects,
        approach: Approach::Likelihood,
        likelihood: Likelihood::Transform,
        variance,
        df_adjust: false,
        time_lags: Vec::new(),
        treatment: Some(1),
        events: 0,
        exposures: 0,
        present: Some(present()),
        layout: Layout::default(),
    }
}

/// The same model with its effects spelled out as regressors, and an intercept in place of the first of each.
fn with_dummies(p: &Problem) -> Problem {
    let dummy = |f: &dyn Fn(usize) -> bool| Regressor {
        values: with_holes((0..N * T).map(|r| f64::from(u8::from(f(r)))).collect()),
        lagged: false,
    };
    let mut regressors = p.regressors.clone();
    if matches!(p.fixed_effects, FixedEffects::Unit | FixedEffects::Both) {
        regressors.extend((1..N).map(|i| dummy(&|r| r % N == i)));
    }
    if matches!(p.fixed_effects, FixedEffects::Time | FixedEffects::Both) {
        regressors.extend((1..T).map(|t| dummy(&|r| r / N == t)));
    }
    Problem { regressors, fixed_effects: FixedEffects::None, ..p.clone() }
}

#[test]
fn absent_cells_leave_what_dummies_would_estimate() {
    for effects in [FixedEffects::Unit, FixedEffects::Time, FixedEffects::Both] {
        for variance in [Variance::Iid, Variance::Robust] {
            let p = problem(effects, variance);
            let (a, b) = (estimate(&p, &Never).unwrap(), estimate(&with_dummies(&p), &Never).unwrap());
            assert_eq!(a.df_residual, b.df_residual);
            for k in 0..2 {
                assert!((a.coefficients[k] - b.coefficients[k + 1]).abs() < 1e-11, "{effects:?} {k}");
                let (se, exact) = (a.vcov[k][k].sqrt(), b.vcov[k + 1][k + 1].sqrt());
                assert!((se / exact - 1.0).abs() < 1e-10, "{effects:?} {variance:?}: {se} {exact}");
            }
            for (r, there) in present().iter().enumerate() {
                assert_eq!(a.residuals[r].is_nan(), !there);
                assert_eq!(a.fitted[r].is_nan(), !there);
                assert!(!there || (a.residuals[r] - b.residuals[r]).abs() < 1e-10);
                assert!(!there || (a.fitted[r] - b.fitted[r]).abs() < 1e-10);
            }
            assert!((a.r2 - b.r2).abs() < 1e-12);
        }
    }
}

#[test]
fn clusters_count_the_rows_there_are() {
    let p = problem(FixedEffects::Both, Variance::ClusterUnit);
    let (a, b) = (estimate(&p, &Never).unwrap(), estimate(&with_dummies(&p), &Never).unwrap());
    // With dummies in the design K counts them all; with effects only the periods and the slopes (methods C.11).
    let rows = present().iter().filter(|p| **p).count() as f64;
    let ratio = (rows - (2 + N + T - 1) as f64) / (rows - (2 + T) as f64);
    assert!((a.vcov[0][0] / b.vcov[1][1] / ratio - 1.0).abs() < 1e-10);
    assert_eq!(a.reference, Reference::T(N as f64 - 1.0));
}

#[test]
fn effects_of_units_and_periods_are_those_of_the_dummies() {
    let p = problem(FixedEffects::Both, Variance::Iid);
    let (a, b) = (estimate(&p, &Never).unwrap(), estimate(&with_dummies(&p), &Never).unwrap());
    let contrast = a.unit_effects[7] - a.unit_effects[0];
    assert!((contrast - b.coefficients[3 + 6]).abs() < 1e-10);
    let contrast = a.time_effects[5] - a.time_effects[0];
    assert!((contrast - b.coefficients[3 + N - 1 + 4]).abs() < 1e-10);
    assert!(a.unit_effects.iter().sum::<f64>().abs() < 1e-10 && a.time_effects.iter().sum::<f64>().abs() < 1e-10);
}

#[test]
fn the_policy_counts_present_cells() {
    let policy = estimate(&problem(FixedEffects::Both, Variance::Iid), &Never).unwrap().policy.unwrap();
    let treated = (0..N * T).filter(|&r| present()[r] && r % N < 10 && r / N >= 4).count();
    let untreated = (0..N * T).filter(|&r| present()[r] && r % N >= 10 && r / N >= 4).count();
    assert_eq!((policy.treated_cells, policy.untreated_cells), (treated, untreated));
    let total = policy.total_on_treated.estimate * treated as f64;
    assert!((policy.aggregate.estimate - total).abs() < 1e-12);
}

#[test]
fn full_marks_are_a_balanced_panel() {
    let mut p = problem(FixedEffects::Both, Variance::ClusterUnit);
    let fill = |x: &mut Vec<f64>| x.iter_mut().filter(|v| v.is_nan()).for_each(|v| *v = 0.25);
    fill(&mut p.outcome);
    p.regressors.iter_mut().for_each(|r| fill(&mut r.values));
    let marked = Problem { present: Some(vec![true; N * T]), ..p.clone() };
    let plain = Problem { present: None, ..p };
    let [marked, plain] = [marked, plain].map(|p| estimate(&p, &Never).unwrap());
    assert_eq!((&marked.coefficients, &marked.vcov, &marked.fitted), (&plain.coefficients, &plain.vcov, &plain.fitted));
    assert_eq!((marked.df_residual, marked.loglik), (plain.df_residual, plain.loglik));
}

#[test]
fn spatial_lags_of_absent_cells_are_refused() {
    let w = Arc::new(Weights::unscaled(samples::ring(N)));
    let base = problem(FixedEffects::Both, Variance::Iid);
    let regressors: Vec<Regressor> =
        base.regressors.iter().map(|r| Regressor { values: r.values.clone(), lagged: true }).collect();
    let slx = Problem { model: Model::Slx, regressors, durbin_weights: vec![w.clone()], ..base.clone() };
    assert_eq!(estimate(&slx, &Never), Err(EstimateError::UnbalancedLags));
    let sar = Problem { model: Model::Sar, lag_weights: Some(w), ..base };
    assert_eq!(estimate(&sar, &Never), Err(EstimateError::UnbalancedLags));
}
