//! Intervals under departures from parallel trends against corners written out, a grid of estimators, and the size they
//! promise.

use crate::random::Random;
use durbin::designs::honest::*;
use nalgebra::{DMatrix, DVector};

const TIMES: [i64; 6] = [-4, -3, -2, 0, 1, 2];

fn path(seed: u64) -> Path {
    let mut random = Random::new(seed, 5);
    let root = DMatrix::from_vec(6, 6, random.normals(36)) * 0.1 + DMatrix::identity(6, 6) * 0.1;
    let estimates = random.normals(6).iter().map(|v| 0.3 * v).collect();
    Path::new(TIMES.to_vec(), -1, estimates, &root * root.transpose()).unwrap()
}

fn close(name: &str, got: f64, expected: f64, tolerance: f64) {
    assert!((got - expected).abs() <= tolerance * (1.0 + expected.abs()), "{name}: {got} against {expected}");
}

/// δ at the event times from the straight trend and the changes of slope, zero at the reference.
fn bent(slope: f64, changes: &[f64]) -> Vec<f64> {
    // changes at -3, -2, -1, 0, 1
    let change = |k: i64| changes[(k + 3) as usize];
    let mut delta = std::collections::BTreeMap::from([(-1i64, 0.0), (0, slope)]);
    delta.insert(0, slope + change(-1));
    delta.insert(-2, -slope);
    for e in 1..=2 {
        delta.insert(e, 2.0 * delta[&(e - 1)] - delta[&(e - 2)] + change(e - 1));
    }
    for e in [-3, -4] {
        delta.insert(e, 2.0 * delta[&(e + 1)] - delta[&(e + 2)] + change(e + 1));
    }
    TIMES.iter().map(|e| delta[e]).collect()
}

/// All corners of a box of five sides.
fn corners(size: f64) -> Vec<[f64; 5]> {
    (0..32u32).map(|m| std::array::from_fn(|k| if m >> k & 1 == 1 { size } else { -size })).collect()
}

#[test]
fn the_largest_bias_is_that_of_the_worst_corner_and_no_estimator_does_better() {
    for seed in 0..4 {
        let path = path(seed);
        for at in [Some(0), Some(2), None] {
            let target = path.target(at).unwrap();
            for bound in [0.0, 0.02, 0.2, 2.0] {
                let found = path.fixed_length(&target, bound, 0.95);
                let worst = |v: &DVector<f64>| {
                    let bias = |slope: f64, c: &[f64; 5]| {
                        let d = bent(slope, c);
                        TIMES.iter().enumerate().map(|(k, _)| v[k] * d[k]).sum::<f64>()
                    };
                    corners(bound).iter().map(|c| bias(0.0, c)).fold(0.0, f64::max)
                };
                close("bias", found.bias, worst(&found.weights), 1e-8);
                // A straight trend of any slope is no bias.
                let straight: f64 = bent(7.0, &[0.0; 5]).iter().zip(found.weights.iter()).map(|(d, v)| d * v).sum();
                close("straight trend", straight, 0.0, 1e-9);
                let half = |v: &DVector<f64>| {
                    let se = (v.transpose() * &path.vcov * v)[0].sqrt();
                    se * folded_quantile(worst(v) / se, 0.95)
                };
                close("half-length", found.half_length, half(&found.weights), 1e-8);
                let mut least = f64::INFINITY;
                let mut center = [found.weights[0], found.weights[1]];
                for width in [2.0, 0.5, 0.1, 0.02, 0.004] {
                    let from = center;
                    for i in -10..=10 {
                        for j in -10..=10 {
                            let (a, b) = (from[0] + width * i as f64 / 10.0, from[1] + width * j as f64 / 10.0);
                            let mut v = target.clone();
                            (v[0], v[1]) = (a, b);
                            let lever = |e: i64| (e + 1) as f64;
                            let sum: f64 =
                                TIMES.iter().enumerate().filter(|(k, _)| *k != 2).map(|(k, e)| v[k] * lever(*e)).sum();
                            v[2] = -sum / lever(-2);
                            let here = half(&v);
                            if here < least {
                                (least, center) = (here, [a, b]);
                            }
                        }
                    }
                }
                assert!(
                    found.half_length <= least * (1.0 + 1e-6),
                    "{} against {least} at {center:?}",
                    found.half_length
                );
            }
        }
    }
}

#[test]
fn identified_sets_are_those_of_the_corners() {
    let path = path(9);
    for at in [Some(0), Some(1), None] {
        let target = path.target(at).unwrap();
        let effect: f64 = target.iter().zip(&path.estimates).map(|(l, b)| l * b).sum();
        let b = &path.estimates;
        // Relative: moves after the reference, each at a corner.
        let largest = [b[1] - b[0], b[2] - b[1], -b[2]].iter().fold(0.0f64, |m, v| m.max(v.abs()));
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for mask in 0..8u32 {
            let step = |k: u32| if mask >> k & 1 == 1 { 1.5 * largest } else { -1.5 * largest };
            let delta = [step(0), step(0) + step(1), step(0) + step(1) + step(2)];
            let left = effect - (0..3).map(|k| target[3 + k] * delta[k]).sum::<f64>();
            (least, most) = (least.min(left), most.max(left));
        }
        let found = path.robust(&target, Restriction::Relative, 1.5, 0.95).unwrap();
        close("least", found.identified[0], least, 1e-10);
        close("most", found.identified[1], most, 1e-10);
        // Smooth: what the leads fix, and changes after them at a corner.
        let changes = [b[2] - 2.0 * b[1] + b[0], -2.0 * b[2] + b[1]];
        let bound = 1.2 * changes.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for mask in 0..8u32 {
            let c = |k: u32| if mask >> k & 1 == 1 { bound } else { -bound };
            let d = bent(-b[2], &[changes[0], changes[1], c(0), c(1), c(2)]);
            (0..3).for_each(|k| close("lead", d[k], b[k], 1e-9));
            let left = effect - (0..3).map(|k| target[3 + k] * d[3 + k]).sum::<f64>();
            (least, most) = (least.min(left), most.max(left));
        }
        let found = path.robust(&target, Restriction::Smooth, bound, 0.95).unwrap();
        close("least", found.identified[0], least, 1e-9);
        close("most", found.identified[1], most, 1e-9);
        let none = path.robust(&target, Restriction::Smooth, 0.5 * bound / 1.2, 0.95).unwrap();
        assert!(none.identified[0].is_nan());
    }
}

#[test]
fn intervals_grow_with_the_bound_scale_with_the_outcome_and_break_down_where_they_say() {
    let base = path(3);
    let strong = Path {
        estimates: base.estimates.iter().enumerate().map(|(k, b)| if k < 3 { 0.2 * b } else { b + 3.0 }).collect(),
        ..base
    };
    let scaled = Path {
        estimates: strong.estimates.iter().map(|b| 1e3 * b).collect(),
        vcov: &strong.vcov * 1e6,
        ..strong.clone()
    };
    let target = strong.target(Some(1)).unwrap();
    for (restriction, unit) in [(Restriction::Relative, 1.0), (Restriction::Smooth, 1e3)] {
        let mut last = [f64::INFINITY, f64::NEG_INFINITY];
        for bound in [0.0, 0.1, 0.5, 1.0, 3.0] {
            let found = strong.robust(&target, restriction, bound, 0.9).unwrap();
            assert!(
                found.interval[0] <= last[0] + 1e-9 && found.interval[1] >= last[1] - 1e-9,
                "{restriction:?} {bound}"
            );
            let large = scaled.robust(&target, restriction, unit * bound, 0.9).unwrap();
            for k in 0..2 {
                close("scaled", large.interval[k], 1e3 * found.interval[k], 1e-5);
            }
            last = found.interval;
        }
        let found = strong.breakdown(&target, restriction, 0.9, 0.5).unwrap().unwrap();
        let lower = |m: f64| strong.robust(&target, restriction, m, 0.9).unwrap().interval[0];
        assert!(found > 0.0 && lower(0.999 * found) > 0.0 && lower(1.001 * found) < 1e-6, "{restriction:?} {found}");
    }
    let weak = Path { estimates: vec![0.0; 6], ..strong };
    assert_eq!(weak.breakdown(&target, Restriction::Relative, 0.9, 1.0), Ok(None));
}

#[test]
fn relative_intervals_cover_where_the_bound_is_reached() {
    // The largest move before the reference is one of three alike; after it δ goes on by exactly as much.
    let (step, sd) = (0.2, 0.1);
    let delta = [3.0 * step, 2.0 * step, step, -step, -2.0 * step, -3.0 * step];
    let vcov = DMatrix::from_fn(6, 6, |i, j| sd * sd * if i == j { 1.0 } else { 0.5 });
    let root = vcov.clone().cholesky().unwrap().l();
    let mut random = Random::new(77, 1);
    let mut covered = 0;
    let reps = 400;
    for _ in 0..reps {
        let noise = &root * DVector::from_vec(random.normals(6));
        let estimates = (0..6).map(|k| delta[k] + noise[k] + if k > 2 { 1.0 } else { 0.0 }).collect();
        let path = Path::new(TIMES.to_vec(), -1, estimates, vcov.clone()).unwrap();
        let target = path.target(Some(0)).unwrap();
        let [lo, hi] = path.robust(&target, Restriction::Relative, 1.0, 0.95).unwrap().interval;
        covered += usize::from(lo <= 1.0 && 1.0 <= hi);
    }
    assert!(covered as f64 / reps as f64 >= 0.925, "{covered} of {reps}");
}

#[test]
fn what_has_no_path_is_refused() {
    let v = DMatrix::identity(3, 3);
    assert_eq!(Path::new(vec![-3, 0, 1], -1, vec![0.0; 3], v.clone()), Err(HonestError::Gap { before: -3, after: 0 }));
    let after = Path::new(vec![0, 1, 2], -1, vec![0.0; 3], v.clone()).unwrap();
    let target = after.target(Some(0)).unwrap();
    assert_eq!(
        after.robust(&target, Restriction::Relative, 1.0, 0.95),
        Err(HonestError::FewLeads { have: 0, needed: 1 })
    );
    assert_eq!(after.target(Some(5)), Err(HonestError::NoSuchTime(5)));
    assert_eq!(Path::new(vec![-2, 0, 1], -1, vec![0.0; 3], v * 0.0), Err(HonestError::NoVariance));
}
