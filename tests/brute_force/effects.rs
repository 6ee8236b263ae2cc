//! Effects (methods D.1) and policy effects (D.4) by explicit inverses, their errors by numerical gradients.

use crate::cases::{MODELS, dense, each};
use durbin::estimators::*;
use nalgebra::{DMatrix, DVector};

/// `M = S(ρ)⁻¹(β I + Σ_b θ_b W_b)` of regressor `k` at coefficients in durbin's order.
pub fn matrix(p: &Problem, coefficients: &[f64], k: usize) -> DMatrix<f64> {
    let n = p.units;
    let first = usize::from(p.fixed_effects == FixedEffects::None);
    let lagged: Vec<usize> = (0..p.regressors.len()).filter(|&j| p.regressors[j].lagged).collect();
    let mut inner = DMatrix::identity(n, n) * coefficients[first + k];
    let mut slopes = first + p.regressors.len();
    for w in &p.durbin_weights {
        if let Some(place) = lagged.iter().position(|&j| j == k) {
            inner += dense(w) * coefficients[slopes + place];
        }
        slopes += lagged.len();
    }
    match &p.lag_weights {
        Some(w) => (DMatrix::identity(n, n) - dense(w) * coefficients[slopes]).try_inverse().unwrap() * inner,
        None => inner,
    }
}

/// The value of a functional of the coefficients and its delta error: the gradient by fourth-order differences, whose
/// error (h⁴ = 1e-12 and rounding 1e-12) is below 1e-9 of the value.
pub fn measured(e: &Estimated, f: &dyn Fn(&[f64]) -> f64) -> Measured {
    let size = e.coefficients.len();
    let gradient = DVector::from_fn(size, |k, _| {
        let h = 1e-3;
        let at = |s: f64| {
            let mut c = e.coefficients.clone();
            c[k] += s * h;
            f(&c)
        };
        (at(-2.0) - at(2.0) + 8.0 * (at(1.0) - at(-1.0))) / (12.0 * h)
    });
    let v = DMatrix::from_fn(size, size, |i, k| e.vcov[i][k]);
    Measured { estimate: f(&e.coefficients), se: (v * &gradient).dot(&gradient).sqrt() }
}

pub fn same(name: &str, what: &str, got: Measured, want: Measured) {
    let gap = (got.estimate - want.estimate).abs();
    assert!(gap <= 1e-8 * want.estimate.abs().max(1.0), "{name}: {what} is {}, not {}", got.estimate, want.estimate);
    // relative 1e-7: the differences of the gradient; the squares of an error of zero leave the root of the rounding
    let gap = (got.se - want.se).abs();
    assert!(gap <= 1e-7 * want.se.max(0.1), "{name}: the error of {what} is {}, not {}", got.se, want.se);
}

#[test]
fn effects_are_means_of_explicit_inverses() {
    each(&MODELS, &mut |name, p| {
        let e = estimate(&p, &Never).unwrap();
        let n = p.units as f64;
        for k in 0..p.regressors.len() {
            let direct = |c: &[f64]| matrix(&p, c, k).trace() / n;
            let total = |c: &[f64]| matrix(&p, c, k).sum() / n;
            let found = e.effects[k];
            same(name, &format!("direct {k}"), found.direct, measured(&e, &direct));
            same(name, &format!("total {k}"), found.total, measured(&e, &total));
            same(name, &format!("indirect {k}"), found.indirect, measured(&e, &|c| total(c) - direct(c)));
        }
    });
}

/// Unit-periods of one kind.
pub struct Cells {
    pub treated: Vec<usize>,
    pub untreated: Vec<usize>,
    pub exposed: Vec<usize>,
}

/// Treated; untreated from the first treated period on; of these, those with a treated neighbor by a matrix that lags
/// regressors (that lags the outcome, where none does).
pub fn cells(p: &Problem) -> Cells {
    let (n, d) = (p.units, &p.regressors[0].values);
    let first = d.iter().position(|v| *v == 1.0).unwrap() / n;
    let untreated: Vec<usize> = (first * n..d.len()).filter(|&r| d[r] == 0.0).collect();
    let matrices: Vec<DMatrix<f64>> = if p.model.has_durbin() {
        p.durbin_weights.iter().map(|w| dense(w)).collect()
    } else {
        p.lag_weights.iter().map(|w| dense(w)).collect()
    };
    let near = |r: usize| {
        let now = DVector::from_column_slice(&d[r / n * n..(r / n + 1) * n]);
        matrices.iter().any(|w| (w.row(r % n) * &now)[0] > 0.0)
    };
    Cells {
        treated: (0..d.len()).filter(|&r| d[r] == 1.0).collect(),
        exposed: untreated.iter().copied().filter(|&r| near(r)).collect(),
        untreated,
    }
}

#[test]
fn policy_effects_are_means_over_the_cells_they_name() {
    each(&MODELS, &mut |name, p| {
        let e = estimate(&p, &Never).unwrap();
        let (n, d) = (p.units, &p.regressors[0].values);
        let cells = cells(&p);
        let found = e.policy.unwrap();
        let counts = [found.treated_cells, found.untreated_cells, found.exposed_cells];
        assert_eq!(counts, [cells.treated.len(), cells.untreated.len(), cells.exposed.len()], "{name}");
        let effect = |m: &DMatrix<f64>, r: usize| (0..n).map(|q| m[(r % n, q)] * d[r / n * n + q]).sum::<f64>();
        let mean =
            |over: &[usize], f: &dyn Fn(usize) -> f64| over.iter().map(|&r| f(r)).sum::<f64>() / over.len() as f64;
        let own = |c: &[f64]| {
            let m = matrix(&p, c, 0);
            mean(&cells.treated, &|r| m[(r % n, r % n)])
        };
        let all = |over: &[usize], c: &[f64]| {
            let m = matrix(&p, c, 0);
            mean(over, &|r| effect(&m, r))
        };
        same(name, "direct on treated", found.direct_on_treated, measured(&e, &own));
        same(name, "total on treated", found.total_on_treated, measured(&e, &|c| all(&cells.treated, c)));
        let indirect = |c: &[f64]| all(&cells.treated, c) - own(c);
        same(name, "indirect on treated", found.indirect_on_treated, measured(&e, &indirect));
        same(name, "indirect on untreated", found.indirect_on_untreated, measured(&e, &|c| all(&cells.untreated, c)));
        if cells.exposed.is_empty() {
            assert!(found.indirect_on_exposed.estimate.is_nan(), "{name}");
        } else {
            same(name, "indirect on exposed", found.indirect_on_exposed, measured(&e, &|c| all(&cells.exposed, c)));
        }
        let everyone: Vec<usize> = (0..d.len()).collect();
        let aggregate = |c: &[f64]| all(&everyone, c) * d.len() as f64;
        same(name, "aggregate", found.aggregate, measured(&e, &aggregate));
    });
}

/// The problem with its treatment split by time since the start: the first treated period, and those after it.
fn by_event_time(p: Problem) -> Problem {
    let n = p.units;
    let d = &p.regressors[0].values;
    let starts = |r: usize| d[r] == 1.0 && (r < n || d[r - n] == 0.0);
    let first = (0..d.len()).map(|r| f64::from(u8::from(starts(r)))).collect();
    let later = (0..d.len()).map(|r| f64::from(u8::from(d[r] == 1.0 && !starts(r)))).collect();
    let lagged = p.regressors[0].lagged;
    let events = [first, later].map(|values| Regressor { values, lagged });
    let regressors = events.into_iter().chain(p.regressors.iter().skip(1).cloned()).collect();
    Problem { regressors, events: 2, treatment: None, ..p }
}

#[test]
fn effects_by_event_time_are_means_over_the_cells_at_that_time() {
    each(&MODELS, &mut |name, p| {
        let p = by_event_time(p);
        let Ok(e) = estimate(&p, &Never) else { panic!("{name}: no estimate") };
        let found = e.events.clone().unwrap();
        let n = p.units;
        let all = |c: &[f64], r: usize| -> f64 {
            let of = |event: usize, m: &DMatrix<f64>| {
                (0..n).map(|q| m[(r % n, q)] * p.regressors[event].values[r / n * n + q]).sum::<f64>()
            };
            of(0, &matrix(&p, c, 0)) + of(1, &matrix(&p, c, 1))
        };
        for event in 0..2 {
            let column = &p.regressors[event].values;
            let cells: Vec<usize> = (0..column.len()).filter(|&r| column[r] == 1.0).collect();
            assert_eq!(found.cells[event], cells.len(), "{name}");
            let mean = |f: &dyn Fn(usize) -> f64| cells.iter().map(|&r| f(r)).sum::<f64>() / cells.len() as f64;
            let own = |c: &[f64]| {
                let m = matrix(&p, c, event);
                mean(&|r| m[(r % n, r % n)])
            };
            let total = |c: &[f64]| mean(&|r| all(c, r));
            let on = found.on_treated[event];
            same(name, &format!("own effect {event}"), on.direct, measured(&e, &own));
            same(name, &format!("total effect {event}"), on.total, measured(&e, &total));
            same(name, &format!("what others add {event}"), on.indirect, measured(&e, &|c| total(c) - own(c)));
            // The covariances have the squares of the errors on their diagonal.
            let errors = [e.effects[event].direct, e.effects[event].indirect, e.effects[event].total];
            for (covariance, effect) in found.covariances.iter().zip(errors) {
                let gap = covariance[(event, event)] - effect.se * effect.se;
                assert!(gap.abs() <= 1e-10 * (1.0 + effect.se * effect.se), "{name}: a covariance is off by {gap}");
            }
        }
    });
}

/// Event times with leads, and clocks of exposure by each matrix in the place of their lags: the lead, the start, the rest.
fn with_clocks(model: Model, setting: usize) -> Problem {
    let setting = &crate::cases::settings(10)[setting];
    let mut p = crate::cases::problem(model, setting, (FixedEffects::Both, Likelihood::Direct), 5);
    let n = p.units;
    let starts: [i64; 10] = [9, 1, 2, 3, 9, 9, 2, 9, 9, 9];
    let bins = |e: i64| [e <= -2, e == 0, e >= 1];
    let column = |of: &dyn Fn(usize, i64) -> bool| -> Vec<f64> {
        (0..p.outcome.len()).map(|r| f64::from(u8::from(of(r % n, (r / n) as i64)))).collect()
    };
    let treated = |i: usize| starts[i] < 9;
    let mut columns: Vec<Vec<f64>> = (0..3).map(|k| column(&|i, t| treated(i) && bins(t - starts[i])[k])).collect();
    for w in &p.durbin_weights {
        let w = dense(w);
        let first = |i: usize| (0..n).filter(|&q| w[(i, q)] > 0.0 && treated(q)).map(|q| starts[q]).min();
        columns
            .extend((0..3).map(|k| column(&|i, t| t < starts[i] && first(i).is_some_and(|first| bins(t - first)[k]))));
    }
    let control = p.regressors[1].clone();
    let own = columns.into_iter().map(|values| Regressor { values, lagged: false });
    p.exposures = p.durbin_weights.len();
    p.regressors = own.chain([Regressor { lagged: true, ..control }]).collect();
    Problem { events: 3, treatment: None, ..p }
}

#[test]
fn exposure_by_clocks_of_their_own_is_what_explicit_inverses_bring_to_the_untreated() {
    for (model, setting) in
        [(Model::Slx, 0), (Model::Sdm, 0), (Model::Sdem, 0), (Model::Gns, 0), (Model::Slx, 3), (Model::Sdm, 3)]
    {
        let p = with_clocks(model, setting);
        let name = format!("{}, setting {setting}", model.name());
        let e = estimate(&p, &Never).unwrap_or_else(|f| panic!("{name}: {f}"));
        let (n, found) = (p.units, e.events.clone().unwrap());
        let exposures = found.on_exposed.unwrap();
        let size = e.coefficients.len();
        let at_rho = size - 1 - usize::from(model.has_error());
        let inverse = |c: &[f64]| match &p.lag_weights {
            Some(w) => (DMatrix::identity(n, n) - dense(w) * c[at_rho]).try_inverse().unwrap(),
            None => DMatrix::identity(n, n),
        };
        let terms = 3 * (1 + p.exposures);
        let at = |k: usize, r: usize| p.regressors[k].values[r];
        // All that reaches a cell, and what its own event times do there by themselves.
        let all = |c: &[f64], s: &DMatrix<f64>, r: usize| -> f64 {
            let source = |q: usize| (0..terms).map(|k| c[k] * at(k, r / n * n + q)).sum::<f64>();
            (0..n).map(|q| s[(r % n, q)] * source(q)).sum()
        };
        let own =
            |c: &[f64], s: &DMatrix<f64>, r: usize| (0..3).map(|k| c[k] * at(k, r) * s[(r % n, r % n)]).sum::<f64>();
        for event in 0..3 {
            let exposed: Vec<usize> =
                (0..p.outcome.len()).filter(|&r| (1..=p.exposures).any(|b| at(3 * b + event, r) > 0.5)).collect();
            let treated: Vec<usize> = (0..p.outcome.len()).filter(|&r| at(event, r) > 0.5).collect();
            assert_eq!(exposures[event].cells, exposed.len(), "{name}");
            let mean = |cells: &[usize], f: &dyn Fn(usize) -> f64| {
                cells.iter().map(|&r| f(r)).sum::<f64>() / cells.len() as f64
            };
            let spill = |c: &[f64]| {
                let s = inverse(c);
                mean(&exposed, &|r| all(c, &s, r) - own(c, &s, r))
            };
            same(&name, &format!("on exposed {event}"), exposures[event].effect, measured(&e, &spill));
            let total = |c: &[f64]| {
                let s = inverse(c);
                mean(&treated, &|r| all(c, &s, r))
            };
            same(&name, &format!("total on treated {event}"), found.on_treated[event].total, measured(&e, &total));
            let gap = found.covariances[1][(event, event)] - exposures[event].effect.se.powi(2);
            assert!(
                gap.abs() <= 1e-10 * (1.0 + exposures[event].effect.se.powi(2)),
                "{name}: a covariance is off by {gap}"
            );
            // Without a lag of the outcome an exposure of one matrix is its coefficient.
            if p.lag_weights.is_none() && p.exposures == 1 {
                let coefficient = e.coefficients[3 + event];
                assert!((exposures[event].effect.estimate - coefficient).abs() < 1e-10, "{name}");
            }
        }
    }
}
