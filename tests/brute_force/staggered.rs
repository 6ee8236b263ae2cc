//! Designs for staggered treatments against dense regressions on explicit dummies, numerical derivatives with respect to
//! the weight of each unit, and regressions on every pair of groups.

use crate::random::Random;
use durbin::designs::staggered::*;
use nalgebra::{DMatrix, DVector};
use std::collections::BTreeMap;

const N: usize = 12;
const T: usize = 6;

/// Twelve units on a ring over six periods: starts in 3, 4 and 5, neighbors of the treated exposed where `exposed`.
fn sample(seed: u64, exposed: bool, covariates: usize) -> Sample {
    let mut random = Random::new(seed, 1);
    let mut starts = vec![None; N];
    for (i, start) in [(0, 3), (1, 3), (4, 4), (5, 4), (9, 5)] {
        starts[i] = Some(start);
    }
    let mut w = sprs::TriMat::new((N, N));
    for i in 0..N - 1 {
        if i % 4 != 2 {
            w.add_triplet(i, i + 1, 1.0);
            w.add_triplet(i + 1, i, 1.0);
        }
    }
    let matrix = w.to_csr();
    Sample {
        units: N,
        periods: (1..=T as i64).collect(),
        outcome: random.normals(N * T),
        covariates: (0..covariates).map(|_| random.normals(N * T)).collect(),
        present: None,
        exposed: if exposed { vec![exposed_from(&matrix, &starts)] } else { Vec::new() },
        starts,
        clusters: (0..N as u32).collect(),
    }
}

fn close(name: &str, got: f64, expected: f64, tolerance: f64) {
    assert!((got - expected).abs() <= tolerance * (1.0 + expected.abs()), "{name}: {got} against {expected}");
}

/// A row of unit dummies, period dummies but the first, and covariates.
fn row(s: &Sample, r: usize) -> Vec<f64> {
    let mut out = vec![0.0; N + T - 1];
    out[r % N] = 1.0;
    if r / N > 0 {
        out[N + r / N - 1] = 1.0;
    }
    out.extend(s.covariates.iter().map(|x| x[r]));
    out
}

fn dense(rows: &[Vec<f64>]) -> DMatrix<f64> {
    DMatrix::from_fn(rows.len(), rows.first().map_or(0, Vec::len), |i, j| rows[i][j])
}

fn is_clean(s: &Sample, r: usize) -> bool {
    s.state(r % N, s.periods[r / N]) == State::Clean
}

fn inverse(x: &DMatrix<f64>) -> DMatrix<f64> {
    (x.transpose() * x).pseudo_inverse(1e-10).unwrap()
}

/// The mean effect on `cells` with its error, from matrices written out: by group means, or by the second stage.
fn imputed(s: &Sample, cells: &[usize], residuals: Residuals) -> (f64, f64) {
    let clean: Vec<usize> = (0..N * T).filter(|&r| is_clean(s, r)).collect();
    let x0 = dense(&clean.iter().map(|&r| row(s, r)).collect::<Vec<_>>());
    let y = |rows: &[usize]| DVector::from_iterator(rows.len(), rows.iter().map(|&r| s.outcome[r]));
    let b = inverse(&x0) * x0.transpose() * y(&clean);
    let effect = |r: usize| s.outcome[r] - (dense(&[row(s, r)]) * &b)[0];
    let mean = cells.iter().map(|&r| effect(r)).sum::<f64>() / cells.len() as f64;
    let all: Vec<usize> = (0..N * T).filter(|&r| !is_clean(s, r)).collect();
    let group = |r: usize| (s.starts[r % N], s.dirty_from(r % N), r / N);
    let mut sums: BTreeMap<_, Vec<f64>> = BTreeMap::new();
    all.iter().for_each(|&r| sums.entry(group(r)).or_default().push(effect(r)));
    let x1 = dense(&cells.iter().map(|&r| row(s, r)).collect::<Vec<_>>());
    let w = DVector::from_element(cells.len(), 1.0 / cells.len() as f64);
    let v0 = -(&x0 * inverse(&x0) * x1.transpose() * &w);
    let e0 = y(&clean) - &x0 * &b;
    let mut by_unit = [0.0; N];
    clean.iter().enumerate().for_each(|(k, r)| by_unit[r % N] += v0[k] * e0[k]);
    for &r in cells {
        let expected = match residuals {
            Residuals::ByGroup => {
                let own = &sums[&group(r)];
                own.iter().sum::<f64>() / own.len() as f64
            }
            Residuals::SecondStage => mean,
        };
        by_unit[r % N] += (effect(r) - expected) / cells.len() as f64;
    }
    (mean, by_unit.iter().map(|v| v * v).sum::<f64>().sqrt())
}

#[test]
fn imputed_effects_and_their_errors_are_those_of_dense_matrices() {
    for (exposed, covariates) in [(false, 0), (false, 2), (true, 0), (true, 1)] {
        let s = sample(11, exposed, covariates);
        for residuals in [Residuals::ByGroup, Residuals::SecondStage] {
            let pick = |cells: &[usize], state: fn(State) -> bool| -> Target {
                let keep = |r: &usize| state(s.state(r % N, s.periods[r / N]));
                Target { cells: cells.iter().copied().filter(keep).collect() }
            };
            let treated = |x: State| x == State::Treated;
            let spilled = |x: State| matches!(x, State::Exposed(_));
            let chosen = std::cell::RefCell::new(Vec::new());
            let found = imputation(&s, 0, residuals, &|cells| {
                let mut targets = vec![pick(cells, treated)];
                targets.extend(exposed.then(|| pick(cells, spilled)));
                *chosen.borrow_mut() = targets.clone();
                targets
            })
            .unwrap();
            assert!(found.left_out.is_empty(), "{:?}", found.left_out);
            for (k, target) in chosen.into_inner().iter().enumerate() {
                assert!(target.cells.len() > 3);
                let (estimate, se) = imputed(&s, &target.cells, residuals);
                close("imputed effect", found.estimates[k], estimate, 1e-9);
                close("its error", found.vcov[(k, k)].sqrt(), se, 1e-9);
            }
        }
    }
}

#[test]
fn the_second_stage_is_gardners_formula() {
    // Several dummies at once, with the cross terms of the two stages written out.
    let s = sample(3, true, 1);
    let all: Vec<usize> = (0..N * T).collect();
    let clean: Vec<usize> = (0..N * T).filter(|&r| is_clean(&s, r)).collect();
    let x1 = dense(&all.iter().map(|&r| row(&s, r)).collect::<Vec<_>>());
    let x10 = dense(
        &all.iter()
            .map(|&r| row(&s, r).iter().map(|v| if is_clean(&s, r) { *v } else { 0.0 }).collect())
            .collect::<Vec<_>>(),
    );
    let y = DVector::from_column_slice(&s.outcome);
    let b = inverse(&x10) * x10.transpose() * &y;
    let left = &y - &x1 * &b;
    let states = [State::Treated, State::Exposed(0)];
    let x2 = DMatrix::from_fn(N * T, 2, |r, k| f64::from(u8::from(s.state(r % N, s.periods[r / N]) == states[k])));
    let second = (x2.transpose() * &x2).try_inverse().unwrap();
    let delta = &second * x2.transpose() * &left;
    let e2 = &left - &x2 * &delta;
    let mut variance = DMatrix::zeros(2, 2);
    for i in 0..N {
        let mut score = DVector::zeros(2);
        let mut first = DVector::zeros(x1.ncols());
        for t in 0..T {
            let r = t * N + i;
            score += x2.row(r).transpose() * e2[r];
            first += x10.row(r).transpose() * if is_clean(&s, r) { left[r] } else { 0.0 };
        }
        let psi = &second * (score - x2.transpose() * &x1 * inverse(&x10) * first);
        variance += &psi * psi.transpose();
    }
    assert_eq!(
        clean.len()
            + states
                .iter()
                .map(|k| (0..N * T).filter(|&r| s.state(r % N, s.periods[r / N]) == *k).count())
                .sum::<usize>(),
        N * T
    );
    let found = imputation(&s, 0, Residuals::SecondStage, &|cells| {
        let of = |k: State| Target {
            cells: cells.iter().copied().filter(|r| s.state(r % N, s.periods[r / N]) == k).collect(),
        };
        states.iter().map(|k| of(*k)).collect()
    })
    .unwrap();
    for k in 0..2 {
        close("second stage", found.estimates[k], delta[k], 1e-9);
        for j in 0..2 {
            close("its variance", found.vcov[(j, k)], variance[(j, k)], 1e-9);
        }
    }
}

#[test]
fn interactions_are_those_of_explicit_dummies() {
    for (exposed, covariates) in [(false, 0), (false, 1), (true, 1)] {
        let s = sample(5, exposed, covariates);
        let (groups, _) = s.groups(0);
        let mut keys = Vec::new();
        for (k, g) in groups.iter().enumerate() {
            keys.extend(s.periods.iter().filter(|p| **p != g.dirty - 1).map(|p| (k, *p)));
        }
        let full: Vec<Vec<f64>> = (0..N * T)
            .map(|r| {
                let mut x: Vec<f64> = keys
                    .iter()
                    .map(|(k, p)| f64::from(u8::from(groups[*k].units.contains(&(r % N)) && s.periods[r / N] == *p)))
                    .collect();
                x.extend(row(&s, r));
                x
            })
            .collect();
        let x = dense(&full);
        let bread = (x.transpose() * &x).try_inverse().unwrap();
        let y = DVector::from_column_slice(&s.outcome);
        let b = &bread * x.transpose() * &y;
        let e = &y - &x * &b;
        let mut meat = DMatrix::zeros(x.ncols(), x.ncols());
        for i in 0..N {
            let score: DVector<f64> = (0..T).map(|t| x.row(t * N + i).transpose() * e[t * N + i]).sum();
            meat += &score * score.transpose();
        }
        let (rows, p) = ((N * T) as f64, (keys.len() + covariates + T) as f64);
        let factor = (rows - 1.0) / (rows - p) * N as f64 / (N as f64 - 1.0);
        let v = &bread * meat * &bread * factor;
        let found = sun_abraham(&s, Control::Never, 0).unwrap();
        for (c, period) in found.periods.iter().enumerate() {
            let at: Vec<usize> = (0..keys.len())
                .filter(|&d| groups[keys[d].0].effect_at(keys[d].1) == (period.effect, period.event_time))
                .collect();
            let size: f64 = at.iter().map(|&d| groups[keys[d].0].units.len() as f64).sum();
            let weight = |d: usize| groups[keys[d].0].units.len() as f64 / size;
            let estimate: f64 = at.iter().map(|&d| weight(d) * b[d]).sum();
            let variance: f64 = at
                .iter()
                .flat_map(|&d| at.iter().map(move |&f| (d, f)))
                .map(|(d, f)| weight(d) * weight(f) * v[(d, f)])
                .sum();
            close("interaction", period.estimate, estimate, 1e-8);
            close("its variance", found.vcov[(c, c)], variance, 1e-8);
        }
    }
}

/// Two groups of eight and seven among thirty-two, so that a propensity score exists; covariates of half the usual size.
fn wide(seed: u64) -> Sample {
    let n = 32;
    let mut random = Random::new(seed, 2);
    let mut starts = vec![None; n];
    starts[..8].fill(Some(2));
    starts[8..15].fill(Some(3));
    Sample {
        units: n,
        periods: vec![1, 2, 3],
        outcome: random.normals(n * 3),
        covariates: vec![random.normals(n * 3).iter().map(|v| 0.5 * v).collect()],
        present: None,
        starts,
        exposed: Vec::new(),
        clusters: (0..n as u32).collect(),
    }
}

#[test]
fn influence_functions_are_derivatives_with_respect_to_the_weight_of_a_unit() {
    let s = wide(9);
    let n = s.units;
    let (groups, _) = s.groups(0);
    for method in [Method::Dr, Method::Reg, Method::Ipw] {
        for control in [Control::Never, Control::NotYet] {
            let asked = Asked { control, method, base: Base::Varying, anticipation: 0 };
            let found = group_time(&s, &asked).unwrap();
            let cell_effect = |c: usize, w: &[f64]| {
                let cell = &found.cells[c];
                let until = cell.time.max(cell.base);
                let dirty = |i: usize| s.dirty_from(i).unwrap_or(i64::MAX);
                let is_control = |i: &usize| match control {
                    Control::Never => dirty(*i) == i64::MAX,
                    Control::NotYet => dirty(*i) > until && !groups[cell.group].units.contains(i),
                };
                let controls: Vec<usize> = (0..n).filter(is_control).collect();
                let at = |p: i64| s.periods.iter().position(|q| *q == p).unwrap();
                let group = &groups[cell.group].units;
                let units: Vec<usize> = group.iter().chain(&controls).copied().collect();
                let take = |x: &[f64], p: i64| -> Vec<f64> { units.iter().map(|&i| x[at(p) * n + i]).collect() };
                let xs: Vec<Vec<f64>> = s.covariates.iter().map(|x| take(x, cell.base)).collect();
                let (now, before) = (take(&s.outcome, cell.time), take(&s.outcome, cell.base));
                let weights: Vec<f64> = units.iter().map(|&i| w[i]).collect();
                effect_of(&now, &before, &xs, group.len(), method, &weights)
            };
            let simple = |w: &[f64]| {
                let share = |c: usize| groups[found.cells[c].group].units.iter().map(|&i| w[i]).sum::<f64>();
                let post: Vec<usize> = (0..found.cells.len()).filter(|&c| found.cells[c].post).collect();
                let mass: f64 = post.iter().map(|&c| share(c)).sum();
                post.iter().map(|&c| share(c) * cell_effect(c, w)).sum::<f64>() / mass
            };
            let derivative = |f: &dyn Fn(&[f64]) -> f64, i: usize| {
                let step = |h: f64| {
                    let mut w = vec![1.0; n];
                    w[i] += h;
                    f(&w)
                };
                n as f64 * (step(1e-4) - step(-1e-4)) / 2e-4
            };
            let averages = aggregates(&found, Effect::Direct);
            let average = averages.simple.as_ref().unwrap();
            close("simple", average.estimate, simple(&vec![1.0; n]), 1e-9);
            for i in (0..n).step_by(3) {
                for c in 0..found.cells.len() {
                    close("estimate", found.cells[c].estimate, cell_effect(c, &vec![1.0; n]), 1e-8);
                    let expected = derivative(&|w| cell_effect(c, w), i);
                    close(&format!("{method:?} {control:?} influence of {i}"), found.influence[(i, c)], expected, 2e-6);
                }
                close("influence on the average", average.influence[i], derivative(&simple, i), 2e-6);
            }
        }
    }
}

/// The effect from changes, covariates and weights of the treated first, then of controls.
fn effect_of(now: &[f64], before: &[f64], xs: &[Vec<f64>], treated: usize, method: Method, w: &[f64]) -> f64 {
    let m = now.len();
    let d = |k: usize| f64::from(u8::from(k < treated));
    let x = DMatrix::from_fn(m, 1 + xs.len(), |k, j| if j == 0 { 1.0 } else { xs[j - 1][k] });
    let dy = DVector::from_fn(m, |k, _| now[k] - before[k]);
    let diagonal = |f: &dyn Fn(usize) -> f64| DMatrix::from_diagonal(&DVector::from_fn(m, |k, _| w[k] * f(k)));
    let wc = diagonal(&|k| 1.0 - d(k));
    let b = (x.transpose() * &wc * &x).try_inverse().unwrap() * (x.transpose() * &wc * &dy);
    let mut a = DVector::zeros(x.ncols());
    for _ in 0..100 {
        let p = (&x * &a).map(|v: f64| 1.0 / (1.0 + (-v).exp()));
        let gap = DVector::from_fn(m, |k, _| w[k] * (d(k) - p[k]));
        a += (x.transpose() * diagonal(&|k| p[k] * (1.0 - p[k])) * &x).try_inverse().unwrap() * x.transpose() * gap;
    }
    let odds = (&x * &a).map(f64::exp);
    let fitted = &x * b;
    let mean = |weight: &dyn Fn(usize) -> f64, value: &dyn Fn(usize) -> f64| {
        let mass: f64 = (0..m).map(weight).sum();
        (0..m).map(|k| weight(k) * value(k)).sum::<f64>() / mass
    };
    let own = |k: usize| w[k] * d(k);
    let by_odds = |k: usize| w[k] * (1.0 - d(k)) * odds[k];
    match method {
        Method::Reg => mean(&own, &|k| dy[k] - fitted[k]),
        Method::Ipw => mean(&own, &|k| dy[k]) - mean(&by_odds, &|k| dy[k]),
        Method::Dr => mean(&own, &|k| dy[k] - fitted[k]) - mean(&by_odds, &|k| dy[k] - fitted[k]),
    }
}

/// Two-way least squares on a part of the panel: the slope of the treatment and its mean square off the effects.
fn part(s: &Sample, units: &[usize], periods: std::ops::Range<usize>) -> (f64, f64) {
    let cells: Vec<(usize, usize)> = periods.clone().flat_map(|t| units.iter().map(move |&i| (i, t))).collect();
    let treated = |&(i, t): &(usize, usize)| f64::from(u8::from(s.starts[i].is_some_and(|g| g <= s.periods[t])));
    let effects = DMatrix::from_fn(cells.len(), units.len() + periods.len(), |r, k| {
        let (i, t) = cells[r];
        f64::from(u8::from(if k < units.len() { units[k] == i } else { periods.start + k - units.len() == t }))
    });
    let d = DVector::from_iterator(cells.len(), cells.iter().map(treated));
    let within =
        &d - &effects * (effects.transpose() * &effects).pseudo_inverse(1e-10).unwrap() * effects.transpose() * &d;
    let y = DVector::from_iterator(cells.len(), cells.iter().map(|&(i, t)| s.outcome[t * N + i]));
    (within.dot(&y) / within.norm_squared(), within.norm_squared() / cells.len() as f64)
}

#[test]
fn every_comparison_is_a_regression_on_its_part_of_the_panel() {
    let mut s = sample(21, false, 0);
    s.starts[11] = Some(1);
    let found = bacon(&s).unwrap();
    let everyone: Vec<usize> = (0..N).collect();
    let (estimate, spread) = part(&s, &everyone, 0..T);
    close("two-way estimate", found.estimate, estimate, 1e-10);
    let of = |start: Option<i64>| -> Vec<usize> { (0..N).filter(|&i| s.starts[i] == start).collect() };
    let (mut weights, mut sum) = (0.0, 0.0);
    for c in &found.comparisons {
        let control = if c.versus == Versus::Never { of(None) } else { of(c.control) };
        let units: Vec<usize> = of(Some(c.treated)).into_iter().chain(control).collect();
        let at = |p: i64| s.periods.iter().position(|q| *q == p).unwrap();
        let periods = match c.versus {
            Versus::Never | Versus::Always => 0..T,
            Versus::Later => 0..at(c.control.unwrap()),
            Versus::Earlier => at(c.control.unwrap())..T,
        };
        let share = (units.len() * periods.len()) as f64 / (N * T) as f64;
        let (slope, own) = part(&s, &units, periods);
        close("comparison", c.estimate, slope, 1e-9);
        close("weight", c.weight, share * share * own / spread, 1e-10);
        weights += c.weight;
        sum += c.weight * c.estimate;
    }
    close("weights", weights, 1.0, 1e-10);
    close("weighted sum", sum, estimate, 1e-10);
    assert_eq!(found.comparisons.len(), 3 + 3 + 6);
}

#[test]
fn the_weight_of_exposed_controls_is_what_a_spillover_adds() {
    let mut s = sample(2, true, 0);
    let (weight, cells) = exposed_weight(&s).unwrap();
    let spilled = |r: usize| matches!(s.state(r % N, s.periods[r / N]), State::Exposed(_));
    assert_eq!(cells, (0..N * T).filter(|&r| spilled(r)).count());
    s.outcome = (0..N * T).map(|r| if spilled(r) { 2.5 } else { 0.0 }).collect();
    close("bias", bacon(&s).unwrap().estimate, 2.5 * weight, 1e-12);
    assert!(weight < -0.05, "{weight}");
}

#[test]
fn without_covariates_interactions_are_group_time_effects() {
    for exposed in [false, true] {
        let s = sample(8, exposed, 0);
        let asked = Asked { control: Control::Never, method: Method::Dr, base: Base::Universal, anticipation: 0 };
        let by_group = aggregates(&group_time(&s, &asked).unwrap(), Effect::Direct);
        let study = sun_abraham(&s, Control::Never, 0).unwrap();
        for period in study.periods.iter().filter(|p| p.effect == Effect::Direct) {
            let same = by_group.dynamic.iter().find(|a| a.key == period.event_time).unwrap();
            close("event time", period.estimate, same.estimate, 1e-9);
        }
    }
}

#[test]
fn effects_of_units_and_periods_and_the_order_of_units_change_nothing() {
    let s = sample(4, true, 1);
    let mut random = Random::new(4, 9);
    let (mu, xi) = (random.normals(N), random.normals(T));
    let shifted = Sample {
        outcome: (0..N * T).map(|r| s.outcome[r] + 50.0 * mu[r % N] + 9.0 * xi[r / N]).collect(),
        ..s.clone()
    };
    let turned = |x: &[f64]| -> Vec<f64> { (0..N * T).map(|r| x[r / N * N + (N - 1 - r % N)]).collect() };
    let back = |x: &[Option<i64>]| -> Vec<Option<i64>> { x.iter().rev().copied().collect() };
    let reversed = Sample {
        outcome: turned(&s.outcome),
        covariates: s.covariates.iter().map(|x| turned(x)).collect(),
        starts: back(&s.starts),
        exposed: s.exposed.iter().map(|x| back(x)).collect(),
        ..s.clone()
    };
    let all = |s: &Sample| -> Vec<f64> {
        let asked = Asked { control: Control::NotYet, method: Method::Reg, base: Base::Varying, anticipation: 0 };
        let found = group_time(s, &asked).unwrap();
        let average = aggregates(&found, Effect::Spillover).simple.unwrap();
        let study = sun_abraham(s, Control::Never, 0).unwrap();
        let imputed = imputation(s, 0, Residuals::ByGroup, &|cells| vec![Target { cells: cells.to_vec() }]).unwrap();
        let mut out: Vec<f64> = found.cells.iter().map(|c| c.estimate).collect();
        out.extend([
            average.estimate,
            standard_error(&average.influence, s),
            imputed.estimates[0],
            imputed.vcov[(0, 0)],
        ]);
        out.extend(study.periods.iter().map(|p| p.estimate));
        out.extend(leads(s, 0, 2).unwrap().unwrap().estimates.iter().map(|e| e.1));
        out
    };
    let (one, two, three) = (all(&s), all(&shifted), all(&reversed));
    for (k, v) in one.iter().enumerate() {
        close("with effects", two[k], *v, 1e-9);
        close("reversed", three[k], *v, 1e-9);
    }
}
