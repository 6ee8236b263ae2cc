//! What must not change, or change in a known way (methods G.5).

use crate::cases::{MODELS, PERIODS, UNITS, allowed, dense, each, problem, reference, settings};
use crate::reference::{Operator, Reference as Written};
use durbin::estimators::*;
use durbin::weights::Weights;
use nalgebra::{DMatrix, DVector};
use sprs::TriMat;
use std::sync::Arc;

fn fitted(p: &Problem) -> Estimated {
    estimate(p, &Never).unwrap()
}

fn close(name: &str, what: &str, got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance * want.abs().max(1.0), "{name}: {what} is {got}, not {want}");
}

/// How many of the coefficients are slopes.
fn slopes(p: &Problem, e: &Estimated) -> usize {
    e.coefficients.len() - usize::from(p.model.has_lag()) - usize::from(p.model.has_error())
}

/// Both estimates in everything a reader sees, `scale` times in what bears the outcome's unit.
fn same(name: &str, p: &Problem, got: &Estimated, want: &Estimated, scale: f64, tolerance: f64) {
    let count = slopes(p, want);
    for (k, w) in want.coefficients.iter().enumerate() {
        let by = if k < count { scale } else { 1.0 };
        close(name, &format!("coefficient {k}"), got.coefficients[k], by * w, tolerance);
        // the curvature divides by a small variance
        close(name, &format!("error {k}"), got.vcov[k][k].sqrt(), by * want.vcov[k][k].sqrt(), 10.0 * tolerance);
    }
    close(name, "sigma2", got.sigma2, scale * scale * want.sigma2, tolerance);
    close(name, "the log-likelihood", got.loglik, want.loglik - want.m_effective * scale.ln(), tolerance);
    for (g, w) in got.effects.iter().zip(&want.effects) {
        close(name, "a total effect", g.total.estimate, scale * w.total.estimate, tolerance);
        close(name, "a direct effect", g.direct.estimate, scale * w.direct.estimate, tolerance);
    }
    let (g, w) = (got.policy.unwrap(), want.policy.unwrap());
    close(name, "the policy's effect", g.total_on_treated.estimate, scale * w.total_on_treated.estimate, tolerance);
}

#[test]
fn a_multiple_of_the_outcome_multiplies_slopes_and_leaves_the_spatial_parameters() {
    each(&MODELS, &mut |name, p| {
        let scaled = Problem { outcome: p.outcome.iter().map(|y| 8.0 * y).collect(), ..p.clone() };
        same(name, &p, &fitted(&scaled), &fitted(&p), 8.0, 1e-9);
    });
}

/// The matrix with its units in another order: unit `order[i]` comes to place `i`.
fn permuted(w: &Weights, order: &[usize]) -> Arc<Weights> {
    let place = |i: usize| order.iter().position(|&o| o == i).unwrap();
    let mut triplets = TriMat::new(w.matrix.shape());
    w.matrix.iter().for_each(|(v, (i, k))| triplets.add_triplet(place(i), place(k), *v));
    let symmetrizer = w.symmetrizer.as_ref().map(|s| order.iter().map(|&o| s[o]).collect());
    Arc::new(Weights { matrix: triplets.to_csr(), scaling: w.scaling, symmetrizer, periods: 1 })
}

#[test]
fn the_order_of_the_units_changes_nothing() {
    let order = [7, 2, 9, 0, 4, 1, 8, 3, 6, 5];
    let moved = |x: &[f64]| (0..x.len()).map(|r| x[r / UNITS * UNITS + order[r % UNITS]]).collect::<Vec<f64>>();
    for variance in [Variance::Iid, Variance::ClusterUnit] {
        each(&MODELS, &mut |name, p| {
            let p = Problem { variance, ..p };
            let matrix = |w: &Arc<Weights>| permuted(w, &order);
            let turned = Problem {
                outcome: moved(&p.outcome),
                regressors: p
                    .regressors
                    .iter()
                    .map(|r| Regressor { values: moved(&r.values), lagged: r.lagged })
                    .collect(),
                durbin_weights: p.durbin_weights.iter().map(matrix).collect(),
                lag_weights: p.lag_weights.as_ref().map(matrix),
                error_weights: p.error_weights.as_ref().map(matrix),
                ..p.clone()
            };
            same(name, &p, &fitted(&turned), &fitted(&p), 1.0, 1e-10);
        });
    }
}

/// Constants of units vanish with unit effects under any matrix; those of periods with period effects where every row
/// of the lag's matrix has the same sum, or where the outcome is not lagged.
#[test]
fn constants_of_units_and_periods_vanish() {
    each(&MODELS, &mut |name, p| {
        let unit = matches!(p.fixed_effects, FixedEffects::Unit | FixedEffects::Both);
        let period = matches!(p.fixed_effects, FixedEffects::Time | FixedEffects::Both);
        let equal_rows = p.lag_weights.as_ref().is_none_or(|w| w.row_sums().iter().all(|s| (s - 1.0).abs() < 1e-12));
        let shift = |r: usize| {
            let of_unit = if unit { 3.0 * (r % UNITS) as f64 } else { 0.0 };
            let of_period = if period && equal_rows { -2.0 * (r / UNITS) as f64 } else { 0.0 };
            of_unit + of_period
        };
        let outcome = p.outcome.iter().enumerate().map(|(r, y)| y + shift(r)).collect();
        same(name, &p, &fitted(&Problem { outcome, ..p.clone() }), &fitted(&p), 1.0, 1e-8);
    });
}

#[test]
fn a_durbin_model_without_lagged_regressors_is_its_plain_sibling() {
    let plain = |m: Model| match m {
        Model::Slx => Model::Ols,
        Model::Sdm => Model::Sar,
        Model::Sdem => Model::Sem,
        _ => Model::Sac,
    };
    each(&[Model::Slx, Model::Sdm, Model::Sdem, Model::Gns], &mut |name, mut p| {
        p.regressors.iter_mut().for_each(|r| r.lagged = false);
        let sibling = Problem { model: plain(p.model), durbin_weights: Vec::new(), ..p.clone() };
        let (a, b) = (fitted(&p), fitted(&sibling));
        assert_eq!(a.coefficients, b.coefficients, "{name}");
        assert_eq!((a.loglik, a.sigma2, a.vcov), (b.loglik, b.sigma2, b.vcov), "{name}");
    });
}

/// At ρ = 0 the likelihood of a lag is that of least squares, and the best ρ is no worse; more parameters are no worse.
#[test]
fn log_likelihoods_are_nested() {
    for setting in &settings(UNITS) {
        let row = (FixedEffects::Unit, Likelihood::Transform);
        let p =
            |m: Model| Problem { outcome: problem(Model::Gns, setting, row, 2).outcome, ..problem(m, setting, row, 2) };
        let value = |m: Model| fitted(&p(m)).loglik;
        let r = reference(&p(Model::Sar));
        close(
            setting.name,
            "the value at 0",
            value(Model::Ols),
            r.log_likelihood(&r.concentrated(0.0, 0.0), &r.y),
            1e-12,
        );
        let chains: [&[Model]; 4] = [
            &[Model::Ols, Model::Sar, Model::Sdm, Model::Gns],
            &[Model::Ols, Model::Sem, Model::Sdem, Model::Gns],
            &[Model::Ols, Model::Slx, Model::Sdm],
            &[Model::Sem, Model::Sac, Model::Gns],
        ];
        for chain in chains {
            for pair in chain.windows(2) {
                let (less, more) = (value(pair[0]), value(pair[1]));
                assert!(more >= less - 1e-9, "{}: {pair:?} have {less} and {more}", setting.name);
            }
        }
    }
}

#[test]
fn direct_and_transformed_unit_effects_differ_in_the_variance_only() {
    for setting in &settings(UNITS) {
        for model in MODELS {
            let of = |l: Likelihood| fitted(&problem(model, setting, (FixedEffects::Unit, l), 4));
            let (direct, transform) = (of(Likelihood::Direct), of(Likelihood::Transform));
            for (a, b) in direct.coefficients.iter().zip(&transform.coefficients) {
                close(setting.name, "a coefficient", *a, *b, 1e-9);
            }
            let ratio = PERIODS as f64 / (PERIODS as f64 - 1.0);
            close(setting.name, "sigma2", direct.sigma2 * ratio, transform.sigma2, 1e-9);
        }
    }
}

/// The second of two periods less the first.
fn difference(x: &[f64]) -> Vec<f64> {
    let n = x.len() / 2;
    (0..n).map(|i| x[n + i] - x[i]).collect()
}

/// With two periods unit effects leave the cross-section of differences without a constant (row 3), and period effects
/// give it one: the log-likelihood is `(N/2) ln 2` higher because the transformation divides by √2 (methods G.5).
#[test]
fn two_periods_are_the_cross_section_of_their_difference() {
    for setting in &settings(UNITS) {
        for model in [Model::Sar, Model::Sdm] {
            let five = problem(model, setting, (FixedEffects::Unit, Likelihood::Transform), 8);
            let cut = |x: &[f64]| [&x[..UNITS], &x[2 * UNITS..3 * UNITS]].concat();
            let two = Problem {
                periods: 2,
                outcome: cut(&five.outcome),
                regressors: five
                    .regressors
                    .iter()
                    .map(|r| Regressor { values: cut(&r.values), lagged: r.lagged })
                    .collect(),
                ..five
            };
            let w = dense(two.lag_weights.as_ref().unwrap());
            let mut columns: Vec<DVector<f64>> =
                two.regressors.iter().map(|r| DVector::from_vec(difference(&r.values))).collect();
            for b in &two.durbin_weights {
                let lagged = two.regressors.iter().filter(|r| r.lagged);
                columns.extend(lagged.map(|r| dense(b) * DVector::from_vec(difference(&r.values))));
            }
            let section = |constant: bool| Written {
                units: UNITS,
                periods: 1,
                y: DVector::from_vec(difference(&two.outcome)),
                x: DMatrix::from_columns(&columns),
                d: DMatrix::from_element(UNITS, usize::from(constant), 1.0),
                lag: Some(Operator::new(w.clone(), 1)),
                error: None,
            };
            let ends = crate::cases::interval(two.lag_weights.as_ref().unwrap());
            let (r, e) = (section(false), fitted(&two));
            let at = r.maximum(ends, [0.0, 0.0]);
            close(setting.name, "rho", *e.coefficients.last().unwrap(), at.rho, 1e-9);
            let constant = 0.5 * UNITS as f64 * 2f64.ln();
            close(setting.name, "the log-likelihood", e.loglik, r.log_likelihood(&at, &r.y) + constant, 1e-11);
            // the direct row has the profile of row 7 before its correction, twice
            let both = Problem { fixed_effects: FixedEffects::Both, likelihood: Likelihood::Direct, ..two.clone() };
            let at = section(true).maximum(ends, [0.0, 0.0]);
            close(setting.name, "rho", *fitted(&both).coefficients.last().unwrap(), at.rho, 1e-9);
        }
    }
}

/// Two matrices of regressors in the other order give the same model with its lags in the other order.
#[test]
fn the_order_of_the_matrices_is_the_order_of_the_lags() {
    let setting = &settings(UNITS)[2];
    let row = (FixedEffects::Both, Likelihood::Partial);
    assert!(allowed(setting, row, Model::Sdm) && setting.durbin.len() == 2);
    let p = problem(Model::Sdm, setting, row, 6);
    let turned = Problem { durbin_weights: p.durbin_weights.iter().rev().cloned().collect(), ..p.clone() };
    let (a, b) = (fitted(&p), fitted(&turned));
    for (k, j) in [(0, 0), (1, 1), (2, 3), (3, 2), (4, 4)] {
        close("two matrices", "a coefficient", b.coefficients[k], a.coefficients[j], 1e-9);
    }
}
