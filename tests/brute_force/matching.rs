//! Matching against distances written out, and the weighted regression against repeated rows and explicit dummies.

use crate::random::Random;
use durbin::designs::matching::*;
use durbin::designs::staggered::Sample;
use nalgebra::{DMatrix, DVector};

const N: usize = 12;
const T: usize = 4;

fn sample() -> Sample {
    let mut random = Random::new(31, 4);
    let starts = (0..N).map(|i| [Some(3), Some(4), None, None][i % 4].filter(|_| i < 10)).collect();
    Sample {
        units: N,
        periods: (1..=T as i64).collect(),
        outcome: random.normals(N * T),
        covariates: vec![random.normals(N * T), random.normals(N * T)],
        present: None,
        starts,
        exposed: Vec::new(),
        clusters: (0..N as u32).collect(),
    }
}

fn asked(matching: Matching) -> Asked {
    Asked { matching, caliper: Caliper::None, last_period: false, common_support: false, adjust: true }
}

fn close(name: &str, got: f64, expected: f64, tolerance: f64) {
    assert!((got - expected).abs() <= tolerance * (1.0 + expected.abs()), "{name}: {got} against {expected}");
}

/// Scores by maximizing the log-likelihood with numerical gradients.
fn scores(s: &Sample) -> Vec<f64> {
    let x = |i: usize, c: usize| (0..2).map(|t| s.covariates[c][t * N + i]).sum::<f64>() / 2.0;
    let likelihood = |b: &[f64]| -> f64 {
        (0..N)
            .map(|i| {
                let v = b[0] + b[1] * x(i, 0) + b[2] * x(i, 1);
                if s.starts[i].is_some() { -(-v).exp().ln_1p() } else { -v.exp().ln_1p() }
            })
            .sum()
    };
    let mut b = vec![0.0; 3];
    let mut width = 1.0;
    while width > 1e-12 {
        let mut better = false;
        for k in 0..3 {
            for sign in [1.0, -1.0] {
                let mut next = b.clone();
                next[k] += sign * width;
                if likelihood(&next) > likelihood(&b) {
                    (b, better) = (next, true);
                }
            }
        }
        if !better {
            width *= 0.5;
        }
    }
    (0..N).map(|i| 1.0 / (1.0 + (-(b[0] + b[1] * x(i, 0) + b[2] * x(i, 1))).exp())).collect()
}

#[test]
fn weights_of_controls_are_those_of_distances_written_out() {
    let s = sample();
    let p = scores(&s);
    let (treated, controls): (Vec<usize>, Vec<usize>) = (0..N).partition(|&i| s.starts[i].is_some());
    for matching in [
        Matching::Nearest { neighbors: 1, replacement: true },
        Matching::Nearest { neighbors: 2, replacement: true },
        Matching::Nearest { neighbors: 1, replacement: false },
        Matching::Radius,
        Matching::Kernel { bandwidth: 0.3 },
    ] {
        let caliper = if matching == Matching::Radius { Caliper::OfScores(0.2) } else { Caliper::None };
        let found = matched(&s, &Asked { caliper, ..asked(matching) }).unwrap();
        let mut expected = [0.0; N];
        let mut order = treated.clone();
        order.sort_by(|a, b| p[*b].total_cmp(&p[*a]));
        let mut taken = Vec::new();
        for &i in &order {
            let mut near = controls.clone();
            near.sort_by(|a, b| (p[i] - p[*a]).abs().total_cmp(&(p[i] - p[*b]).abs()));
            let weights: Vec<(usize, f64)> = match matching {
                Matching::Nearest { neighbors, replacement } => {
                    near.retain(|c| replacement || !taken.contains(c));
                    near.truncate(neighbors);
                    near.iter().map(|&c| (c, 1.0)).collect()
                }
                Matching::Radius => near.iter().filter(|&&c| (p[i] - p[c]).abs() <= 0.2).map(|&c| (c, 1.0)).collect(),
                Matching::Kernel { bandwidth } => {
                    let k = |c: usize| (1.0 - ((p[i] - p[c]) / bandwidth).powi(2)).max(0.0);
                    near.iter().map(|&c| (c, k(c))).filter(|w| w.1 > 0.0).collect()
                }
            };
            let mass: f64 = weights.iter().map(|w| w.1).sum();
            if mass == 0.0 {
                assert!(found.without_match.contains(&i), "{matching:?} {i}");
                continue;
            }
            expected[i] = 1.0;
            for (c, w) in weights {
                expected[c] += w / mass;
                taken.push(c);
            }
        }
        for i in 0..N {
            close("score", found.scores[i].unwrap(), p[i], 1e-6);
            close(&format!("{matching:?} weight of {i}"), found.weights[i], expected[i], 1e-5);
        }
    }
}

#[test]
fn the_weighted_regression_is_that_of_explicit_dummies() {
    let s = sample();
    let found = matched(&s, &asked(Matching::Nearest { neighbors: 2, replacement: true })).unwrap();
    let row = |r: usize| -> Vec<f64> {
        let (i, t) = (r % N, r / N);
        let mut out = vec![f64::from(u8::from(s.starts[i].is_some_and(|g| g <= s.periods[t])))];
        out.extend(s.covariates.iter().map(|x| x[r]));
        out.extend((0..N).map(|k| f64::from(u8::from(k == i))));
        out.extend((1..T).map(|k| f64::from(u8::from(k == t))));
        out
    };
    let kept: Vec<usize> = (0..N * T).filter(|r| found.weights[r % N] > 0.0).collect();
    let x = DMatrix::from_fn(kept.len(), 3 + N + T - 1, |r, c| row(kept[r])[c]);
    let w = DMatrix::from_diagonal(&DVector::from_iterator(kept.len(), kept.iter().map(|r| found.weights[r % N])));
    let y = DVector::from_iterator(kept.len(), kept.iter().map(|&r| s.outcome[r]));
    let bread = (x.transpose() * &w * &x).pseudo_inverse(1e-10).unwrap();
    let b = &bread * x.transpose() * &w * &y;
    let e = &y - &x * &b;
    let mut meat = DMatrix::zeros(x.ncols(), x.ncols());
    let units: Vec<usize> = (0..N).filter(|&i| found.weights[i] > 0.0).collect();
    for &i in &units {
        let mut score = DVector::zeros(x.ncols());
        for (k, _) in kept.iter().enumerate().filter(|(_, r)| **r % N == i) {
            score += x.row(k).transpose() * e[k] * found.weights[i];
        }
        meat += &score * score.transpose();
    }
    let (rows, g) = (kept.len() as f64, units.len() as f64);
    let factor = (rows - 1.0) / (rows - (3 + T) as f64) * g / (g - 1.0);
    let v = &bread * meat * &bread * factor;
    for k in 0..3 {
        close("slope", found.coefficients[k], b[k], 1e-8);
        close("variance", found.vcov[(k, k)], v[(k, k)], 1e-8);
    }
}

#[test]
fn perfect_twins_are_matched_and_balance_is_perfect() {
    // Every treated unit has a control with its covariates before the start.
    let mut s = sample();
    s.starts = (0..N).map(|i| (i % 2 == 0 && i < 6).then_some(3)).collect();
    for x in &mut s.covariates {
        for t in 0..T {
            for i in [0, 2, 4] {
                x[t * N + i + 1] = x[t * N + i];
            }
        }
    }
    let found =
        matched(&s, &Asked { last_period: true, ..asked(Matching::Nearest { neighbors: 1, replacement: true }) })
            .unwrap();
    for b in &found.balance {
        close("bias", b.bias[1], 0.0, 1e-6);
        close("variance ratio", b.variance_ratio[1], 1.0, 1e-6);
    }
    close("ratio", found.likelihood_ratio[1], 0.0, 1e-8);
}
