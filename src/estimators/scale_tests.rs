//! Many units: the path without whole matrices against the one with them, renumbering, threads and interruption.

use super::fit::{estimate, fit};
use super::shared::Shared;
use super::*;
use crate::linalg::{panel, samples};
use crate::weights::{Scaling, Weights};
use sprs::CsMat;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

fn row_weights(matrix: CsMat<f64>, symmetric: bool) -> Arc<Weights> {
    let symmetrizer = symmetric.then(|| samples::symmetrizer(&matrix));
    Arc::new(Weights { matrix, scaling: Scaling::Row, symmetrizer, periods: 1 })
}

/// `y = 0.4 Wy + x₁ − 0.5 x₂ + 0.3 Wx₁ + 0.2 d + effects + noise` on 6 periods; d is a treatment of a third of the units.
fn problem(model: Model, w: &Arc<Weights>) -> Problem {
    let (n, t) = (w.units(), 6);
    let x: Vec<Vec<f64>> = (0..2).map(|k| samples::vector(40 + k, n * t)).collect();
    let d: Vec<f64> = (0..n * t).map(|r| f64::from(u8::from(r % n % 3 == 0 && r / n >= 2 + r % n % 2))).collect();
    let lagged = panel::spatial_lag(&w.matrix, &x[0], n, t);
    let noise = samples::vector(50, n * t);
    let source: Vec<f64> = (0..n * t)
        .map(|r| {
            let effects = samples::uniform(51, (r % n) as u64) + (r / n) as f64;
            x[0][r] - 0.5 * x[1][r] + 0.3 * lagged[r] + 0.2 * d[r] + effects + noise[r]
        })
        .collect();
    let mut outcome = source.clone();
    for _ in 0..40 {
        outcome = panel::spatial_lag(&w.matrix, &outcome, n, t);
        outcome.iter_mut().zip(&source).for_each(|(y, s)| *y = 0.4 * *y + s);
    }
    let column = |values: &Vec<f64>| Regressor { values: values.clone(), lagged: true };
    Problem {
        model,
        units: n,
        periods: t,
        outcome,
        regressors: vec![column(&d), column(&x[0]), column(&x[1])],
        durbin_weights: if model.has_durbin() { vec![w.clone()] } else { vec![] },
        lag_weights: model.has_lag().then(|| w.clone()),
        error_weights: model.has_error().then(|| w.clone()),
        fixed_effects: FixedEffects::Both,
        approach: Approach::Likelihood,
        likelihood: Likelihood::Transform,
        variance: Variance::Iid,
        df_adjust: false,
        time_lags: Vec::new(),
        treatment: Some(0),
        events: 0,
        exposures: 0,
        present: None,
        layout: Layout::default(),
    }
}

fn close(name: &str, a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance * b.abs().max(1e-3), "{name}: {a} against {b}");
}

/// What must not depend on the path, and standard errors within what probes allow.
fn same(name: &str, a: &Estimated, b: &Estimated, errors: f64) {
    for (k, (x, y)) in a.coefficients.iter().zip(&b.coefficients).enumerate() {
        close(&format!("{name} coefficient {k}"), *x, *y, 1e-8);
        close(&format!("{name} error {k}"), a.vcov[k][k].sqrt(), b.vcov[k][k].sqrt(), errors);
    }
    close(&format!("{name} loglik"), a.loglik, b.loglik, 1e-10);
    close(&format!("{name} sigma2"), a.sigma2, b.sigma2, 1e-8);
    for (x, y) in a.effects.iter().zip(&b.effects) {
        for (x, y) in [(x.direct, y.direct), (x.indirect, y.indirect), (x.total, y.total)] {
            close(&format!("{name} effect"), x.estimate, y.estimate, 1e-8);
            close(&format!("{name} effect's error"), x.se, y.se, errors);
        }
    }
    if let (Some(x), Some(y)) = (&a.policy, &b.policy) {
        let probed = [(x.direct_on_treated, y.direct_on_treated), (x.indirect_on_treated, y.indirect_on_treated)];
        let exact = [
            (x.total_on_treated, y.total_on_treated),
            (x.indirect_on_untreated, y.indirect_on_untreated),
            (x.aggregate, y.aggregate),
        ];
        for (x, y) in exact {
            close(&format!("{name} policy"), x.estimate, y.estimate, 1e-8);
        }
        for (x, y) in probed {
            // What probes may move: a hundredth of the standard error.
            assert!((x.estimate - y.estimate).abs() <= 0.01 * y.se, "{name} {x:?} {y:?}");
        }
        for (x, y) in exact.into_iter().chain(probed) {
            close(&format!("{name} policy's error"), x.se, y.se, errors.max(0.01));
        }
    }
}

#[test]
fn whole_matrices_and_solves_give_the_same_estimates() {
    for (name, w) in [
        ("grid", row_weights(samples::triangulated(18), true)),
        ("nearest", row_weights(samples::knn(300, 6, 3), false)),
    ] {
        for model in [Model::Sdm, Model::Sar, Model::Sem, Model::Sdem, Model::Sac] {
            for variance in [Variance::Observed, Variance::Iid] {
                let p = Problem { variance, ..problem(model, &w) };
                let (dense, solves) = (fit(&p, &Never, 2000).unwrap(), fit(&p, &Never, 0).unwrap());
                let errors = if variance == Variance::Observed { 1e-7 } else { 0.01 };
                same(&format!("{name} {} {variance:?}", model.name()), &solves, &dense, errors);
            }
        }
    }
}

#[test]
fn clustered_errors_by_probes_are_close_to_exact_ones() {
    let w = row_weights(samples::knn(450, 6, 9), false);
    for (model, variance) in [
        (Model::Sdm, Variance::ClusterUnit),
        (Model::Sem, Variance::ClusterUnit),
        (Model::Sdm, Variance::Qml),
        (Model::Sdem, Variance::Qml),
    ] {
        let p = Problem { variance, ..problem(model, &w) };
        let (dense, solves) = (fit(&p, &Never, 2000).unwrap(), fit(&p, &Never, 0).unwrap());
        same(&format!("{} {variance:?}", model.name()), &solves, &dense, 0.01);
        let (probes, share) = probe_error(&solves).unwrap();
        assert!(probes > 0 && 0.0 < share && share < 0.01, "{probes} {share}");
        assert_eq!(probe_error(&dense), None);
    }
}

fn probe_error(found: &Estimated) -> Option<(usize, f64)> {
    let of = |r: &Remark| if let Remark::ProbedErrors { probes, share } = r { Some((*probes, *share)) } else { None };
    found.remarks.iter().find_map(of)
}

#[test]
fn two_spatial_parameters_are_clustered_without_whole_matrices() {
    let (w, other) = (row_weights(samples::knn(450, 6, 9), false), row_weights(samples::knn(450, 4, 5), false));
    for (error, variance) in [(&w, Variance::ClusterUnit), (&other, Variance::ClusterUnit), (&other, Variance::Qml)] {
        let p = Problem { variance, error_weights: Some(error.clone()), ..problem(Model::Sac, &w) };
        let (dense, solves) = (fit(&p, &Never, 2000).unwrap(), fit(&p, &Never, 0).unwrap());
        let (_, share) = probe_error(&solves).unwrap();
        // Below one percent where probes are used, above 2,000 units: errors of means over units shrink with their root.
        assert!(share * (450.0f64 / 2000.0).sqrt() < 0.01, "{share}");
        same(&format!("sac {variance:?}"), &solves, &dense, 3.0 * share);
    }
}

#[test]
fn the_probe_error_that_is_reported_is_the_one_there_is() {
    // Errors of standard errors by probes over eight samples, in units of what was reported.
    let mut squares = Vec::new();
    for seed in 0..8 {
        let w = row_weights(samples::knn(300 + 20 * seed as usize, 6, seed), false);
        let p = Problem { variance: Variance::ClusterUnit, ..problem(Model::Sdm, &w) };
        let (dense, solves) = (fit(&p, &Never, 2000).unwrap(), fit(&p, &Never, 0).unwrap());
        let (_, share) = probe_error(&solves).unwrap();
        let worst = (0..dense.coefficients.len())
            .map(|k| (solves.vcov[k][k] / dense.vcov[k][k]).sqrt() - 1.0)
            .fold(0.0f64, |m, v| m.max(v.abs()));
        squares.push((worst / share).powi(2));
    }
    let typical = (squares.iter().sum::<f64>() / squares.len() as f64).sqrt();
    assert!((0.3..2.5).contains(&typical), "{typical} {squares:?}");
}

#[test]
fn corrected_fits_agree_on_both_paths() {
    let w = row_weights(samples::band(500, 0.06, 4), true);
    assert!(!w.islands().is_empty());
    for (likelihood, df_adjust) in [(Likelihood::Partial, false), (Likelihood::Direct, true)] {
        let p = Problem { likelihood, df_adjust, variance: Variance::Iid, ..problem(Model::Sdm, &w) };
        let (dense, solves) = (fit(&p, &Never, 2000).unwrap(), fit(&p, &Never, 0).unwrap());
        // The correction itself is the information times a score: probes move it.
        let gap = (dense.coefficients[6] - solves.coefficients[6]).abs();
        assert!(gap < 1e-2 * dense.vcov[6][6].sqrt(), "{likelihood:?} {gap}");
        close("sigma2", solves.sigma2, dense.sigma2, 1e-5);
    }
}

#[test]
fn the_order_of_many_units_changes_nothing() {
    let natural = samples::triangulated(46);
    let n = natural.rows();
    let mut order: Vec<u32> = (0..n as u32).collect();
    order.sort_by(|a, b| samples::uniform(5, u64::from(*a)).total_cmp(&samples::uniform(5, u64::from(*b))));
    let p = Problem { variance: Variance::Observed, ..problem(Model::Sdm, &row_weights(natural.clone(), true)) };
    let moved = |x: &[f64]| crate::linalg::order::permute_panel(x, &order);
    let w = row_weights(crate::linalg::order::permute_matrix(&natural, &order).unwrap(), true);
    let shuffled = Problem {
        outcome: moved(&p.outcome),
        regressors: p.regressors.iter().map(|r| Regressor { values: moved(&r.values), lagged: true }).collect(),
        durbin_weights: vec![w.clone()],
        lag_weights: Some(w),
        ..p.clone()
    };
    let (a, b) = (estimate(&p, &Never).unwrap(), estimate(&shuffled, &Never).unwrap());
    same("order", &a, &b, 1e-8);
    for (x, y) in moved(&a.residuals).iter().zip(&b.residuals).chain(moved(&a.unit_effects).iter().zip(&b.unit_effects))
    {
        assert!((x - y).abs() < 1e-9);
    }
}

#[test]
fn threads_change_no_bit_of_an_estimate() {
    for w in [row_weights(samples::triangulated(20), true), row_weights(samples::knn(260, 5, 2), false)] {
        let p = Problem { variance: Variance::ClusterUnit, ..problem(Model::Sdm, &w) };
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| fit(&p, &Never, 0).unwrap())
        };
        let (one, two) = (run(1), run(2));
        assert_eq!(one.vcov, two.vcov);
        assert_eq!(one, two);
    }
}

/// Stops at the given question and remembers what it heard.
struct StopsAt {
    questions: AtomicUsize,
    last: usize,
    heard: Mutex<Vec<&'static str>>,
}

impl Interrupt for StopsAt {
    fn stop(&self) -> bool {
        self.questions.fetch_add(1, Ordering::SeqCst) + 1 >= self.last
    }

    fn begin(&self, step: &'static str) {
        self.heard.lock().unwrap().push(step);
    }
}

#[test]
fn an_estimate_ends_wherever_it_is_stopped() {
    let p = Problem {
        variance: Variance::ClusterUnit,
        ..problem(Model::Sdm, &row_weights(samples::triangulated(16), true))
    };
    let at = |last: usize| StopsAt { questions: AtomicUsize::new(0), last, heard: Mutex::new(Vec::new()) };
    let never = at(usize::MAX);
    fit(&p, &never, 0).unwrap();
    let heard = never.heard.lock().unwrap().clone();
    for step in ["sample", "first look at the log-determinant", "clustered variance", "effects"] {
        assert!(heard.contains(&step), "{step} not in {heard:?}");
    }
    assert!(heard.iter().any(|h| h.starts_with("log-determinant at")));
    let questions = never.questions.load(Ordering::SeqCst);
    assert!(questions > 40);
    for last in [1, 2, 31, 33, 40, questions / 2, questions] {
        assert_eq!(fit(&p, &at(last), 0), Err(EstimateError::Interrupted), "{last} of {questions}");
    }
}

#[test]
fn effects_by_unit_and_by_draws_agree_with_and_without_whole_matrices() {
    for w in [row_weights(samples::triangulated(18), true), row_weights(samples::knn(300, 6, 3), false)] {
        let p = problem(Model::Sdm, &w);
        let e = fit(&p, &Never, 2000).unwrap();
        let [dense, solves] = [2000, 0].map(|units| effects_by_unit(&p, &e, &Shared::with(units), &Never).unwrap());
        assert!(dense.probes.is_none() && solves.probes.is_some_and(|(_, error)| error < 0.05));
        for (a, b) in dense.regressors.iter().flatten().zip(solves.regressors.iter().flatten()) {
            close("total on a unit", b.on.total.estimate, a.on.total.estimate, 1e-8);
            close(
                "direct and from",
                b.from.estimate + b.on.direct.estimate,
                a.from.estimate + a.on.direct.estimate,
                1e-8,
            );
            close("direct", b.on.direct.estimate, a.on.direct.estimate, 0.01);
        }
        let draws = Draws { count: 60, seed: 2, level: 0.9 };
        let [dense, solves] = [2000, 0].map(|units| simulate(&p, &e, draws, &Shared::with(units), &Never).unwrap());
        assert_eq!((dense.used, dense.discarded), (solves.used, solves.discarded));
        for (a, b) in dense.effects.iter().flatten().zip(solves.effects.iter().flatten()) {
            close("simulated", b.se, a.se, 1e-6);
            close("lower end", b.interval[0], a.interval[0], 1e-6);
        }
    }
}
