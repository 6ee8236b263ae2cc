//! Random assignments of a treatment (methods E.9) against problems put together by hand and explicit dummies.

use crate::cases::{dense, problem, settings};
use durbin::designs::assignment::Assignment;
use durbin::designs::early::{NoRoom, early};
use durbin::designs::placebo::{assigned, p_value, quantities, replicate};
use durbin::estimators::shared::Shared;
use durbin::estimators::*;
use durbin::weights::Weights;
use nalgebra::{DMatrix, DVector};
use sprs::TriMat;
use std::sync::Arc;

const REPS: usize = 12;
const SEED: u64 = 42;

fn two_way(model: Model) -> Problem {
    let p = problem(model, &settings(10)[0], (FixedEffects::Both, Likelihood::Transform), 5);
    Problem { variance: Variance::ClusterUnit, ..p }
}

/// Every unit of a problem but its treatment moved to the place `to[i]`.
fn relabeled(p: &Problem, to: &[usize]) -> Problem {
    let n = p.units;
    let moved = |x: &[f64]| {
        let mut out = x.to_vec();
        x.iter().enumerate().for_each(|(r, v)| out[r / n * n + to[r % n]] = *v);
        out
    };
    let matrix = |w: &Arc<Weights>| {
        let mut t = TriMat::new((n, n));
        w.matrix.iter().for_each(|(v, (i, k))| t.add_triplet(to[i], to[k], *v));
        Arc::new(Weights {
            matrix: t.to_csr(),
            scaling: w.scaling,
            symmetrizer: w.symmetrizer.as_ref().map(|s| moved(s)),
            periods: w.periods,
        })
    };
    let mut out = Problem {
        outcome: moved(&p.outcome),
        durbin_weights: p.durbin_weights.iter().map(matrix).collect(),
        lag_weights: p.lag_weights.as_ref().map(matrix),
        error_weights: p.error_weights.as_ref().map(matrix),
        ..p.clone()
    };
    out.regressors[1].values = moved(&p.regressors[1].values);
    out
}

/// Another assignment of the treatment is another assignment of everything else: outcome, control and matrices.
#[test]
fn a_shuffled_treatment_is_a_map_with_its_units_exchanged() {
    for model in [Model::Sdm, Model::Slx, Model::Sar] {
        let p = two_way(model);
        let by = Assignment::Units { units: p.units };
        let found = replicate(&p, 0, &by, (REPS, SEED), &Shared::default(), &Never).unwrap();
        assert_eq!(found.len(), REPS);
        for (r, found) in found.iter().enumerate() {
            let taken = by.draw(SEED, r as u64).unwrap();
            // unit i has the course of taken[i]: everything else of i belongs at the place taken[i]
            let to: Vec<usize> = taken.iter().map(|t| t.unwrap() as usize).collect();
            let moved = relabeled(&p, &to);
            let again = estimate(&moved, &Never).unwrap();
            let want = quantities(&moved, 0, &again).unwrap();
            for (a, b) in found.unwrap().iter().zip(&want) {
                let near = |x: f64, y: f64| (x - y).abs() < 1e-8 * (1.0 + y.abs());
                assert!(near(a.estimate, b.estimate) && near(a.se, b.se), "{model:?} {r}: {a:?} {b:?}");
            }
        }
    }
}

/// Least squares with a dummy for every unit and period, and the sandwich of clusters by unit written out.
#[test]
fn draws_of_least_squares_are_those_of_explicit_dummies() {
    let p = two_way(Model::Ols);
    let (n, t) = (p.units, p.periods);
    let by = Assignment::Units { units: n };
    let found = replicate(&p, 0, &by, (REPS, SEED), &Shared::default(), &Never).unwrap();
    for (r, found) in found.iter().enumerate() {
        let taken = by.draw(SEED, r as u64).unwrap();
        let d = |cell: usize| p.regressors[0].values[cell / n * n + taken[cell % n].unwrap() as usize];
        let x = DMatrix::from_fn(n * t, 2 + n + t - 1, |cell, j| match j {
            0 => d(cell),
            1 => p.regressors[1].values[cell],
            j if j < 2 + n => f64::from(u8::from(cell % n == j - 2)),
            j => f64::from(u8::from(cell / n == j - 1 - n)),
        });
        let y = DVector::from_column_slice(&p.outcome);
        let bread = (x.transpose() * &x).try_inverse().unwrap();
        let b = &bread * x.transpose() * &y;
        let e = &y - &x * &b;
        let mut meat = DMatrix::zeros(x.ncols(), x.ncols());
        for i in 0..n {
            let mut score = DVector::zeros(x.ncols());
            (0..t).for_each(|s| score += x.row(s * n + i).transpose() * e[s * n + i]);
            meat += &score * score.transpose();
        }
        let (rows, counted, g) = ((n * t) as f64, (2 + t) as f64, n as f64);
        let factor = (rows - 1.0) / (rows - counted) * g / (g - 1.0);
        let se = ((&bread * meat * &bread)[(0, 0)] * factor).sqrt();
        let [coefficient, direct, _, _] = found.unwrap();
        assert!((coefficient.estimate - b[0]).abs() < 1e-8 && (coefficient.se - se).abs() < 1e-8, "{r}");
        assert!((direct.estimate - b[0]).abs() < 1e-8, "{r}");
    }
}

#[test]
fn replications_are_the_same_bits_on_any_number_of_threads() {
    let p = two_way(Model::Sdm);
    let neighbors = durbin::designs::assignment::neighbors(&p.durbin_weights[0]);
    let treated: Vec<bool> =
        (0..p.units).map(|i| p.regressors[0].values[(p.periods - 1) * p.units + i] > 0.5).collect();
    let corridors = durbin::designs::assignment::connected(&treated, &neighbors);
    for by in [Assignment::Units { units: p.units }, Assignment::Corridors { corridors, neighbors }] {
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| replicate(&p, 0, &by, (40, SEED), &Shared::default(), &Never).unwrap())
        };
        let bits = |found: Vec<Option<[Measured; 4]>>| -> Vec<u64> {
            found.into_iter().flatten().flatten().flat_map(|m| [m.estimate.to_bits(), m.se.to_bits()]).collect()
        };
        assert_eq!(bits(on(1)), bits(on(2)));
    }
}

#[test]
fn the_actual_assignment_gives_the_estimate_itself() {
    let p = two_way(Model::Sdm);
    let itself = (0..p.units as u32).map(Some).collect();
    let again = estimate(&assigned(&p, 0, &itself), &Never).unwrap();
    let e = estimate(&p, &Never).unwrap();
    assert_eq!(quantities(&p, 0, &e), quantities(&p, 0, &again));
    let q = quantities(&p, 0, &e).unwrap();
    assert_eq!(p_value(q[0].estimate / q[0].se, [q[0].estimate / q[0].se].into_iter()), 1.0);
}

/// Moved starts of a likelihood model: the first periods alone, each start earlier.
#[test]
fn earlier_starts_are_those_of_a_panel_cut_by_hand() {
    let mut p = two_way(Model::Sdm);
    let n = p.units;
    // Units 1 and 4 start in the fourth and fifth of five periods.
    let start = |i: usize| match i {
        1 => 3,
        4 => 4,
        _ => 9,
    };
    p.regressors[0].values = (0..n * p.periods).map(|r| f64::from(u8::from(r / n >= start(r % n)))).collect();
    let found = early(&p, 0, 2).unwrap();
    let cut = |x: &[f64]| x[..3 * n].to_vec();
    let mut by_hand = Problem { periods: 3, outcome: cut(&p.outcome), treatment: Some(0), ..p.clone() };
    by_hand.regressors[1].values = cut(&p.regressors[1].values);
    by_hand.regressors[0].values =
        (0..3 * n).map(|r| f64::from(u8::from((r % n == 1 && r / n >= 1) || (r % n == 4 && r / n >= 2)))).collect();
    assert_eq!((found.periods, found.cells, found.treated), (3, 3 * n, 3));
    assert_eq!(found.starts, [(1, 1), (2, 1)]);
    let (a, b) = (estimate(&found.problem, &Never).unwrap(), estimate(&by_hand, &Never).unwrap());
    assert_eq!((a.coefficients, a.vcov), (b.coefficients, b.vcov));
    assert_eq!(early(&p, 0, 5).unwrap_err(), NoRoom::Starts(3));
}

/// Least squares leaves out treated and exposed cells: dummies over the rest.
#[test]
fn earlier_starts_of_least_squares_leave_out_what_treatment_touched() {
    let p = two_way(Model::Slx);
    let (n, t) = (p.units, p.periods);
    let d = &p.regressors[0].values;
    let w = dense(&p.durbin_weights[0]);
    let wd = |x: &[f64], r: usize| (0..n).map(|k| w[(r % n, k)] * x[r / n * n + k]).sum::<f64>();
    let stays: Vec<usize> = (0..n * t).filter(|&r| d[r] < 0.5 && wd(d, r) == 0.0).collect();
    let found = early(&p, 0, 1).unwrap();
    assert_eq!(found.cells, stays.len());
    let starts: Vec<Option<usize>> = (0..n).map(|i| (0..t).find(|s| d[s * n + i] > 0.5)).collect();
    let moved: Vec<f64> =
        (0..n * t).map(|r| f64::from(u8::from(starts[r % n].is_some_and(|s| r / n + 1 >= s)))).collect();
    assert_eq!(found.problem.regressors[0].values, moved);
    let e = estimate(&found.problem, &Never).unwrap();
    let units: Vec<usize> = (0..n).filter(|i| stays.iter().any(|r| r % n == *i)).collect();
    let periods: Vec<usize> = (0..t).filter(|s| stays.iter().any(|r| r / n == *s)).collect();
    let control = &p.regressors[1].values;
    let x = DMatrix::from_fn(stays.len(), 4 + units.len() + periods.len() - 1, |row, j| {
        let r = stays[row];
        match j {
            0 => moved[r],
            1 => control[r],
            2 => wd(&moved, r),
            3 => wd(control, r),
            j if j < 4 + units.len() => f64::from(u8::from(r % n == units[j - 4])),
            j => f64::from(u8::from(r / n == periods[j - 3 - units.len()])),
        }
    });
    let y = DVector::from_iterator(stays.len(), stays.iter().map(|&r| p.outcome[r]));
    let b = (x.transpose() * &x).try_inverse().unwrap() * x.transpose() * y;
    for k in 0..4 {
        assert!((e.coefficients[k] - b[k]).abs() < 1e-8, "{k}: {} {}", e.coefficients[k], b[k]);
    }
}
