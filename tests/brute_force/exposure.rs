//! Exposure on treated and untreated units apart (methods D.4) by explicit inverses, errors by numerical gradients.

use crate::cases::{dense, problem, settings};
use crate::effects::{cells, measured, same};
use durbin::designs::exposure::exposed;
use durbin::estimators::shared::Shared;
use durbin::estimators::*;
use nalgebra::{DMatrix, DVector};

/// The treatment, its lag on treated and on untreated units, and the control with its lag.
fn split(model: Model) -> (Problem, Problem) {
    let mut base = problem(model, &settings(10)[0], (FixedEffects::Both, Likelihood::Transform), 5);
    // Three units next to each other on the ring, and one apart.
    let start = |i: usize| [9, 1, 2, 3, 9, 9, 2, 9, 9, 9][i];
    base.regressors[0].values = (0..base.outcome.len()).map(|r| f64::from(u8::from(r / 10 >= start(r % 10)))).collect();
    let (n, w) = (base.units, dense(&base.durbin_weights[0]));
    let d = &base.regressors[0].values;
    let wd = |r: usize| (0..n).map(|k| w[(r % n, k)] * d[r / n * n + k]).sum::<f64>();
    let of = |f: &dyn Fn(usize) -> f64| Regressor { values: (0..d.len()).map(f).collect(), lagged: false };
    let regressors = vec![
        Regressor { values: d.clone(), lagged: false },
        of(&|r| d[r] * wd(r)),
        of(&|r| (1.0 - d[r]) * wd(r)),
        base.regressors[1].clone(),
    ];
    (Problem { regressors, ..base.clone() }, base)
}

#[test]
fn what_split_exposure_did_is_that_of_explicit_inverses() {
    for model in [Model::Slx, Model::Sdm, Model::Sdem] {
        let (p, base) = split(model);
        let e = estimate(&p, &Never).unwrap();
        let found = exposed(&p, &e, 1, &Shared::default(), &Never).unwrap();
        let (n, name) = (p.units, model.name());
        let at = cells(&base);
        assert_eq!((found.treated_cells, found.exposed_cells), (at.treated.len(), at.exposed.len()));
        assert!(found.untreated_cells == at.untreated.len() && !at.exposed.is_empty());
        // coefficients: four regressors, the lag of the last, ρ
        let effect = |c: &[f64], own: bool| -> Vec<f64> {
            let s = match &p.lag_weights {
                Some(w) => (DMatrix::identity(n, n) - dense(w) * c[5]).try_inverse().unwrap(),
                None => DMatrix::identity(n, n),
            };
            let column = |k: usize, t: usize| DVector::from_column_slice(&p.regressors[k].values[t * n..(t + 1) * n]);
            let mut out = Vec::new();
            for t in 0..p.periods {
                let mut sum = column(1, t) * c[1];
                if own {
                    sum += column(0, t) * c[0] + column(2, t) * c[2];
                }
                out.extend((&s * sum).iter());
            }
            out
        };
        let mean = |x: &[f64], cells: &[usize]| cells.iter().map(|&r| x[r]).sum::<f64>() / cells.len() as f64;
        let of = |cells: &[usize], own: bool| measured(&e, &|c| mean(&effect(c, own), cells));
        same(name, "on treated", found.on_treated, of(&at.treated, true));
        same(name, "by exposure", found.by_exposure_on_treated, of(&at.treated, false));
        same(name, "on untreated", found.on_untreated, of(&at.untreated, true));
        same(name, "on exposed", found.on_exposed, of(&at.exposed, true));
    }
}

/// Where exposure acts alike on both, the policy is that of the model with one lag.
#[test]
fn equal_exposure_gives_the_policy_effects_of_one_lag() {
    let (p, base) = split(Model::Sdm);
    let whole = estimate(&base, &Never).unwrap();
    let c = &whole.coefficients;
    // β, θ twice, γ, δ, ρ from β, γ, θ, δ, ρ
    let coefficients = vec![c[0], c[2], c[2], c[1], c[3], c[4]];
    let e = Estimated { coefficients, ..estimate(&p, &Never).unwrap() };
    let found = exposed(&p, &e, 1, &Shared::default(), &Never).unwrap();
    let policy = whole.policy.unwrap();
    let near = |a: Measured, b: Measured| assert!((a.estimate - b.estimate).abs() < 1e-10, "{a:?} {b:?}");
    near(found.on_treated, policy.total_on_treated);
    near(found.on_untreated, policy.indirect_on_untreated);
    near(found.on_exposed, policy.indirect_on_exposed);
}
