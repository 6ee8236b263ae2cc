//! Outcomes drawn from a model (methods G.3) against explicit inverses, and the truth of its effects.

use crate::cases::{dense, design, each};
use crate::effects::{cells, matrix};
use durbin::designs::simulate::{Errors, Replications, Truth, simulate};
use durbin::estimators::shared::Shared;
use durbin::estimators::*;
use durbin::linalg::probes::{below, normal};
use nalgebra::{DMatrix, DVector};

const SEED: u64 = 7;
const REPS: usize = 3;
/// As in the design: the stream of drawn outcomes.
const PROCESS: u64 = 0xD2A1_0000_0000_0006;

/// The estimate with its first slope and its spatial parameters moved.
fn moved(p: &Problem, e: &Estimated) -> Truth {
    let mut coefficients = e.coefficients.clone();
    coefficients[usize::from(p.has_intercept())] = 0.4;
    let size = coefficients.len();
    if p.model.has_lag() {
        coefficients[design(p).len()] = 0.2;
    }
    if p.model.has_error() {
        coefficients[size - 1] = -0.1;
    }
    Truth { coefficients, sigma2: 0.3 }
}

fn innovations(p: &Problem, e: &Estimated, truth: &Truth, errors: Errors, r: u64) -> Vec<f64> {
    let (n, cells) = (p.units, p.units * p.periods);
    match errors {
        Errors::Normal => (0..cells).map(|c| truth.sigma2.sqrt() * normal(SEED ^ PROCESS, r, c as u64)).collect(),
        Errors::Residuals => {
            let size = e.residuals.iter().map(|v| v * v).sum::<f64>() / cells as f64;
            let unit = |c: usize| below(SEED ^ PROCESS, r, (c % n) as u64, n);
            (0..cells).map(|c| e.residuals[c / n * n + unit(c)] * (truth.sigma2 / size).sqrt()).collect()
        }
    }
}

#[test]
fn drawn_outcomes_solve_the_reduced_form_and_the_truth_is_that_of_explicit_inverses() {
    each(&[Model::Ols, Model::Slx, Model::Sar, Model::Sem, Model::Sdm, Model::Gns], &mut |name, p| {
        let e = estimate(&p, &Never).unwrap();
        let truth = moved(&p, &e);
        let (n, t) = (p.units, p.periods);
        let identity = DMatrix::<f64>::identity(n, n);
        let columns = design(&p);
        let inverse = |w: &Option<std::sync::Arc<durbin::weights::Weights>>, x: f64| match w {
            Some(w) => (&identity - dense(w) * x).try_inverse().unwrap(),
            None => identity.clone(),
        };
        let rho = if p.model.has_lag() { truth.coefficients[columns.len()] } else { 0.0 };
        let lambda = if p.model.has_error() { *truth.coefficients.last().unwrap() } else { 0.0 };
        let (s, r_inverse) = (inverse(&p.lag_weights, rho), inverse(&p.error_weights, lambda));
        for errors in [Errors::Normal, Errors::Residuals] {
            let how = Replications { reps: REPS, seed: SEED, errors };
            let found = simulate(&p, &e, &truth, how, &Shared::default(), &Never).unwrap();
            for r in 0..REPS {
                let noise = innovations(&p, &e, &truth, errors, r as u64);
                let mut outcome = Vec::new();
                for q in 0..t {
                    let at = |v: &[f64]| DVector::from_column_slice(&v[q * n..(q + 1) * n]);
                    // Zβ + effects: what the fitted values hold beside the spatial lag, moved to the truth
                    let mut mean = at(&e.fitted);
                    if let Some(w) = &p.lag_weights {
                        mean -= dense(w) * at(&p.outcome) * e.coefficients[columns.len()];
                    }
                    for (k, column) in columns.iter().enumerate() {
                        mean += at(column) * (truth.coefficients[k] - e.coefficients[k]);
                    }
                    outcome.extend((&s * (mean + &r_inverse * at(&noise))).iter());
                }
                let Ok(want) = estimate(&Problem { outcome, ..p.clone() }, &Never) else { continue };
                let Some(found) = &found.found[r] else { continue };
                for (a, b) in found.coefficients.iter().zip(&want.coefficients) {
                    assert!((a.estimate - b).abs() < 1e-6 * (1.0 + b.abs()), "{name} {errors:?} {r}: {a:?} {b}");
                }
            }
            let first = usize::from(p.has_intercept());
            for k in 0..p.regressors.len() {
                let m = matrix(&p, &truth.coefficients, k);
                let (direct, total) = (m.trace() / n as f64, m.sum() / n as f64);
                let [a, b, c] = found.truth.effects[k];
                let near = |x: f64, y: f64| assert!((x - y).abs() < 1e-10, "{name} {k} {first}: {x} {y}");
                near(a, direct);
                near(b, total - direct);
                near(c, total);
            }
            let m = matrix(&p, &truth.coefficients, 0);
            let treated = cells(&p).treated;
            let own: f64 = treated.iter().map(|r| m[(r % n, r % n)]).sum::<f64>() / treated.len() as f64;
            assert!((found.truth.policy.unwrap()[0] - own).abs() < 1e-10, "{name}");
        }
    });
}

#[test]
fn simulations_are_the_same_bits_on_any_number_of_threads() {
    let setting = &crate::cases::settings(10)[0];
    let p = crate::cases::problem(Model::Sdm, setting, (FixedEffects::Both, Likelihood::Transform), 5);
    let e = estimate(&p, &Never).unwrap();
    let truth = moved(&p, &e);
    let how = Replications { reps: 20, seed: SEED, errors: Errors::Normal };
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| simulate(&p, &e, &truth, how, &Shared::default(), &Never).unwrap().found)
    };
    assert_eq!(on(1), on(2));
}
