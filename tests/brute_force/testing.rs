//! Test statistics against their definitions: explicit residual makers and Kronecker products, scores and information of
//! the written likelihood, correlations pair by pair, integrals by sums.

use crate::cases::{PERIODS, ROWS, UNITS, dense, design, problem, reference, settings};
use crate::random::Random;
use crate::reference::Operator;
use durbin::estimators::marginal::{Prior, log_marginal};
use durbin::estimators::shared::Shared;
use durbin::estimators::*;
use durbin::inference::autocorrelation::{self, Moments};
use durbin::inference::dependence::{local_pesaran, pesaran, serial, spread};
use durbin::inference::residuals::{Style, lagrange, residual_moran};
use durbin::inference::wald::{hausman, wald};
use nalgebra::{DMatrix, DVector};
use std::f64::consts::PI;

fn close(name: &str, what: &str, got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance * want.abs().max(1.0), "{name}: {what} is {got}, not {want}");
}

/// Least squares without and with spatial lags, every effect, on rows that transform.
fn each_least_squares(visit: &mut dyn FnMut(&str, Problem)) {
    for setting in &settings(UNITS) {
        for model in [Model::Ols, Model::Slx] {
            for row in ROWS {
                let name = format!("{}, {:?} effects, {:?}, {}", model.name(), row.0, row.1, setting.name);
                visit(&name, problem(model, setting, row, 17));
            }
        }
    }
}

/// Dummies of all effects, dependent columns and all.
fn effects_of(p: &Problem) -> DMatrix<f64> {
    let (n, t) = (p.units, p.periods);
    let unit = matches!(p.fixed_effects, FixedEffects::Unit | FixedEffects::Both);
    let time = matches!(p.fixed_effects, FixedEffects::Time | FixedEffects::Both);
    let mut columns = Vec::new();
    if unit {
        columns.extend((0..n).map(|i| DVector::from_fn(n * t, |r, _| f64::from(u8::from(r % n == i)))));
    }
    if time {
        columns.extend((0..t).map(|s| DVector::from_fn(n * t, |r, _| f64::from(u8::from(r / n == s)))));
    }
    if columns.is_empty() { DMatrix::zeros(n * t, 0) } else { DMatrix::from_columns(&columns) }
}

/// `I − A A⁺`.
fn residual_maker(p: &Problem) -> DMatrix<f64> {
    let x = design(p).into_iter().map(DVector::from_vec).collect::<Vec<_>>();
    let d = effects_of(p);
    let all: Vec<DVector<f64>> = x.into_iter().chain(d.column_iter().map(|c| c.into_owned())).collect();
    let a = DMatrix::from_columns(&all);
    let inverse = a.clone().pseudo_inverse(1e-10).unwrap();
    DMatrix::identity(a.nrows(), a.nrows()) - a * inverse
}

#[test]
fn moran_of_residuals_has_the_moments_of_the_explicit_residual_maker() {
    each_least_squares(&mut |name, p| {
        let w = settings(UNITS).remove(1).lag;
        let got = residual_moran(&p, &w).unwrap();
        let maker = residual_maker(&p);
        let large = Operator::new(dense(&w), PERIODS).large;
        let e = &maker * DVector::from_column_slice(&p.outcome);
        let s0 = large.sum();
        let (rows, df) = (e.len() as f64, maker.trace());
        close(name, "I", got.estimate, rows / s0 * (e.transpose() * &large * &e)[0] / e.norm_squared(), 1e-9);
        let mw = &maker * &large;
        let first = mw.trace();
        let expected = rows / s0 * first / df;
        close(name, "its mean", got.expected, expected, 1e-9);
        let traces = (&mw * &maker * large.transpose()).trace() + (&mw * &mw).trace() + first * first;
        let variance = (rows / s0).powi(2) * traces / (df * (df + 2.0)) - expected * expected;
        close(name, "its variance", got.variance, variance, 1e-9);
    });
}

#[test]
fn multipliers_are_scores_in_the_metric_of_the_information() {
    let rows = [FixedEffects::None, FixedEffects::Unit, FixedEffects::Time, FixedEffects::Both];
    for setting in settings(UNITS).into_iter().filter(|s| s.constant_rows) {
        for (base, whole) in [(Model::Ols, Model::Sac), (Model::Slx, Model::Gns)] {
            for effects in rows {
                let p = problem(base, &setting, (effects, Likelihood::Transform), 17);
                let name = format!("{}, {effects:?}, {}", base.name(), setting.name);
                let got = lagrange(&p, &setting.lag, Style::Centered).unwrap();
                let both = Some(setting.lag.clone());
                let nested = Problem { model: whole, lag_weights: both.clone(), error_weights: both, ..p };
                let r = reference(&nested);
                let at = r.concentrated(0.0, 0.0);
                let (score, information) = (r.score(&at, &r.y), r.information(&at));
                let (rho, lambda, sigma) = r.places();
                let (rho, lambda) = (rho.unwrap(), lambda.unwrap());
                let statistic = |places: &[usize]| {
                    // Given σ²: the covariance of its score with that of ρ, of order 1/N, is left out of methods F.2.
                    let kept: Vec<usize> =
                        (0..sigma).filter(|k| *k != rho && *k != lambda || places.contains(k)).collect();
                    let i = information.select_rows(&kept).select_columns(&kept);
                    let s = DVector::from_iterator(kept.len(), kept.iter().map(|&k| score[k]));
                    s.dot(&i.cholesky().unwrap().solve(&s))
                };
                close(&name, "LM lag", got.lag, statistic(&[rho]), 1e-6);
                close(&name, "LM error", got.error, statistic(&[lambda]), 1e-6);
                close(&name, "joint", got.joint, statistic(&[rho, lambda]), 1e-6);
                close(&name, "LM lag and robust error", got.lag + got.robust_error, got.joint, 1e-8);
                close(&name, "LM error and robust lag", got.error + got.robust_lag, got.joint, 1e-8);
            }
        }
    }
}

#[test]
fn moments_under_randomization_are_those_of_all_orders() {
    // Seven units have 5040 orders: the mean and variance over all of them are exact.
    let n = 7;
    let mut random = Random::new(5, 1);
    let x = random.normals(n);
    let setting = &settings(10)[1];
    let links: Vec<(usize, usize, f64)> =
        setting.lag.matrix.iter().filter(|(_, (i, k))| *i < n && *k < n).map(|(v, (i, k))| (i, k, *v)).collect();
    let mut triplets = sprs::TriMat::new((n, n));
    links.iter().for_each(|&(i, k, v)| triplets.add_triplet(i, k, v));
    let w = durbin::weights::Weights::unscaled(triplets.to_csr());
    let mut orders = vec![vec![]];
    for _ in 0..n {
        let longer = |o: &Vec<usize>| {
            (0..n).filter(|i| !o.contains(i)).map(|i| [o.clone(), vec![i]].concat()).collect::<Vec<_>>()
        };
        orders = orders.iter().flat_map(longer).collect();
    }
    let moments = |f: &dyn Fn(&[f64]) -> f64| {
        let values: Vec<f64> = orders.iter().map(|o| f(&o.iter().map(|&i| x[i]).collect::<Vec<f64>>())).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64)
    };
    let i = autocorrelation::moran(&x, &w, Moments::Randomization, 1).unwrap();
    let (mean, variance) = moments(&|x| autocorrelation::moran(x, &w, Moments::Normal, 1).unwrap().estimate);
    close("Moran", "mean", i.expected, mean, 1e-10);
    close("Moran", "variance", i.variance, variance, 1e-10);
    let c = autocorrelation::geary(&x, &w, Moments::Randomization, 1).unwrap();
    let (mean, variance) = moments(&|x| autocorrelation::geary(x, &w, Moments::Normal, 1).unwrap().estimate);
    close("Geary", "mean", c.expected, mean, 1e-10);
    close("Geary", "variance", c.variance, variance, 1e-10);
    let drawn = autocorrelation::moran(&x, &w, Moments::Permutation(20_000), 1).unwrap();
    assert!((drawn.variance / i.variance - 1.0).abs() < 0.05, "{} against {}", drawn.variance, i.variance);
    let sum: f64 = autocorrelation::local_moran(&x, &w, 99, 1).unwrap().iter().flatten().map(|l| l.estimate).sum();
    let s0: f64 = links.iter().map(|l| l.2).sum();
    close("local Moran", "the sum", sum / s0, i.estimate, 1e-10);
}

/// Of weights that change over time every period has its own; the same ones in every period change nothing.
#[test]
fn morans_i_of_residuals_takes_the_weights_of_each_period() {
    let (n, t) = (9, 4);
    let mut random = Random::new(6, 2);
    let e = random.normals(n * t);
    let drawn = |w: &durbin::weights::Weights| autocorrelation::permuted_moran(&e, w, t, 199, 7).unwrap();
    let matrix = |size: usize, entries: &[(usize, usize, f64)]| {
        let mut triplets = sprs::TriMat::new((size, size));
        entries.iter().for_each(|&(i, k, v)| triplets.add_triplet(i, k, v));
        durbin::weights::Weights::unscaled(triplets.to_csr())
    };
    let link = |i: usize, step: usize| (i, (i + step) % n, 1.0 + i as f64);
    let once: Vec<_> = (0..n).map(|i| link(i, 1)).collect();
    let again: Vec<_> = (0..t).flat_map(|s| once.iter().map(move |(i, k, v)| (s * n + i, s * n + k, *v))).collect();
    let (one, many) = (drawn(&matrix(n, &once)), drawn(&matrix(n * t, &again).over(t)));
    for (name, a, b) in [
        ("estimate", one.estimate, many.estimate),
        ("mean", one.expected, many.expected),
        ("variance", one.variance, many.variance),
        ("p", one.p.unwrap(), many.p.unwrap()),
    ] {
        close("the same in every period", name, b, a, 1e-12);
    }
    let moving: Vec<_> = (0..t)
        .flat_map(|s| (0..n).map(move |i| (s, link(i, s + 1))))
        .map(|(s, (i, k, v))| (s * n + i, s * n + k, v))
        .collect();
    let sum: f64 = moving.iter().map(|(i, k, v)| v * e[*i] * e[*k]).sum();
    let s0: f64 = moving.iter().map(|m| m.2).sum();
    let square: f64 = e.iter().map(|v| v * v).sum();
    let found = drawn(&matrix(n * t, &moving).over(t));
    close("other neighbors every period", "estimate", found.estimate, (n * t) as f64 / s0 * sum / square, 1e-12);
}

#[test]
fn dependence_is_that_of_pairs() {
    let (n, t) = (8, 6);
    let mut random = Random::new(3, 2);
    let e = random.normals(n * t);
    let series = |i: usize| (0..t).map(|s| e[s * n + i]).collect::<Vec<f64>>();
    let correlation = |a: &[f64], b: &[f64]| {
        let m = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
        let (ma, mb) = (m(a), m(b));
        let cross =
            |x: &[f64], mx: f64, y: &[f64], my: f64| x.iter().zip(y).map(|(x, y)| (x - mx) * (y - my)).sum::<f64>();
        cross(a, ma, b, mb) / (cross(a, ma, a, ma) * cross(b, mb, b, mb)).sqrt()
    };
    let mut sum = 0.0;
    for i in 0..n {
        for k in i + 1..n {
            sum += correlation(&series(i), &series(k));
        }
    }
    let want = (2.0 * t as f64 / (n * (n - 1)) as f64).sqrt() * sum;
    close("CD", "the statistic", pesaran(&e, n, t), want, 1e-10);
    // A gap that takes no common period from any pair but shortens some: by hand through the pairs that are left.
    let mut gaps = e.clone();
    gaps[2 * n + 1] = f64::NAN;
    let mut sum = 0.0;
    for i in 0..n {
        for k in i + 1..n {
            let both: Vec<usize> = (0..t).filter(|&s| (i != 1 && k != 1) || s != 2).collect();
            let pick = |j: usize| both.iter().map(|&s| e[s * n + j]).collect::<Vec<f64>>();
            sum += (both.len() as f64).sqrt() * correlation(&pick(i), &pick(k));
        }
    }
    close("CD with a gap", "the statistic", pesaran(&gaps, n, t), (2.0 / (n * (n - 1)) as f64).sqrt() * sum, 1e-10);
    // Two units that are never seen together three times: a pair less, in the sum and in its number.
    for s in 0..t {
        gaps[s * n + if s < 4 { 2 } else { 3 }] = f64::NAN;
    }
    let mut of_pairs = Vec::new();
    for i in 0..n {
        for k in i + 1..n {
            let both: Vec<usize> = (0..t).filter(|&s| !gaps[s * n + i].is_nan() && !gaps[s * n + k].is_nan()).collect();
            let pick = |j: usize| both.iter().map(|&s| e[s * n + j]).collect::<Vec<f64>>();
            if both.len() >= 3 {
                of_pairs.push((both.len() as f64).sqrt() * correlation(&pick(i), &pick(k)));
            }
        }
    }
    assert_eq!(of_pairs.len(), n * (n - 1) / 2 - (n - 1));
    let want = of_pairs.iter().sum::<f64>() / (of_pairs.len() as f64).sqrt();
    close("CD of fewer pairs", "the statistic", pesaran(&gaps, n, t), want, 1e-10);
    let mut triplets = sprs::TriMat::new((n, n));
    [(0, 1), (1, 0), (2, 5)].iter().for_each(|&(i, k)| triplets.add_triplet(i, k, 1.0));
    let w = durbin::weights::Weights::unscaled(triplets.to_csr());
    let linked = correlation(&series(0), &series(1)) + correlation(&series(2), &series(5));
    let (found, pairs) = local_pesaran(&e, &w, t);
    close("CD(p)", "the statistic", found, (t as f64).sqrt() * linked / 2f64.sqrt(), 1e-10);
    assert_eq!(pairs, 2);
    // Unit 2 has no correlation: the pair of 0 and 1 is left.
    let mut flat = e.clone();
    (0..t).for_each(|s| flat[s * n + 2] = f64::NAN);
    let (found, pairs) = local_pesaran(&flat, &w, t);
    close("CD(p) of one pair", "it", found, (t as f64).sqrt() * correlation(&series(0), &series(1)), 1e-10);
    assert_eq!(pairs, 1);
    let (none, pairs) = local_pesaran(&vec![f64::NAN; n * t], &w, t);
    assert!(none.is_nan() && pairs == 0);
}

/// Independent errors with gaps, unit means removed: the slope of a unit by the covariance of its residuals written out, and
/// a test of size 0.05 that rejects as often, though errors of short units have four times the variance.
#[test]
fn serial_correlation_expects_what_removed_means_bring_with_gaps() {
    let (n, t) = (240, 8);
    // Units of 2, 3 and 7 periods, the last with a hole; the rest of 8, but for one that is seen every other period.
    let seen = |i: usize, s: usize| match i % 4 {
        0 => s < 2,
        1 => (3..6).contains(&s),
        2 => s != 4,
        _ => i > 3 || s.is_multiple_of(2),
    };
    let here = |i: usize| (0..t).filter(|&s| seen(i, s)).collect::<Vec<usize>>();
    let pairs = |i: usize| here(i).windows(2).filter(|w| w[1] == w[0] + 1).map(|w| (w[0], w[1])).collect::<Vec<_>>();
    let slope = |i: usize| {
        let m = here(i).len();
        let maker = DMatrix::<f64>::identity(m, m) - DMatrix::from_element(m, m, 1.0 / m as f64);
        let covariance = &maker * maker.transpose();
        covariance[(0, 1)] / covariance[(0, 0)]
    };
    let replications = 2000;
    let mut rejected = 0;
    for replication in 0..replications {
        let mut e = Random::new(11, replication).normals(n * t);
        for i in 0..n {
            let scale = if i % 4 == 1 { 2.0 } else { 1.0 };
            let mean = here(i).iter().map(|&s| e[s * n + i]).sum::<f64>() / here(i).len() as f64;
            (0..t).for_each(|s| e[s * n + i] = if seen(i, s) { scale * (e[s * n + i] - mean) } else { f64::NAN });
        }
        let found = serial(&e, n, t, true);
        if replication == 0 {
            let square = |i: usize| pairs(i).iter().map(|&(b, _)| e[b * n + i].powi(2)).sum::<f64>();
            let all: f64 = (0..n).map(square).sum();
            let want = (0..n).map(|i| slope(i) * square(i)).sum::<f64>() / all;
            close("serial with gaps", "what is expected", found.expected, want, 1e-12);
            let product = |i: usize| pairs(i).iter().map(|&(b, s)| e[b * n + i] * e[s * n + i]).sum::<f64>();
            close("serial with gaps", "the slope", found.estimate, (0..n).map(product).sum::<f64>() / all, 1e-12);
        }
        // 60 units of two periods tell nothing, nor does the one without two in a row.
        assert_eq!(found.df, 178.0);
        rejected += usize::from(found.statistic.abs() > 1.9734);
    }
    let rate = rejected as f64 / replications as f64;
    assert!((rate - 0.05).abs() < 0.015, "{rate}");
}

#[test]
fn regressions_of_residuals_are_those_of_least_squares() {
    let (n, t) = (9, 5);
    let mut random = Random::new(8, 2);
    let (e, x) = (random.normals(n * t), random.normals(n * t));
    let before = DVector::from_column_slice(&e[..n * (t - 1)]);
    let now = DVector::from_column_slice(&e[n..]);
    let found = serial(&e, n, t, true);
    let delta = before.dot(&now) / before.norm_squared();
    close("serial", "the slope", found.estimate, delta, 1e-12);
    close("serial", "what is expected", found.expected, -0.25, 1e-12);
    let u = &now - &before * delta;
    let meat: f64 = (0..n).map(|i| (0..t - 1).map(|s| before[s * n + i] * u[s * n + i]).sum::<f64>().powi(2)).sum();
    let want = meat / before.norm_squared().powi(2) * n as f64 / (n as f64 - 1.0);
    close("serial", "its variance", found.variance, want, 1e-12);
    let squares = DVector::from_iterator(n * t, e.iter().map(|v| v * v));
    let fit = |a: DMatrix<f64>| {
        let b = a.clone().pseudo_inverse(1e-12).unwrap() * &squares;
        let mean = squares.mean();
        let rest = (&squares - a * b).norm_squared();
        (n * t) as f64 * (1.0 - rest / squares.add_scalar(-mean).norm_squared())
    };
    let of = spread(&e, n, t, &[&x]).unwrap();
    close(
        "spread",
        "Koenker",
        of.koenker,
        fit(DMatrix::from_fn(n * t, 2, |r, c| if c == 0 { 1.0 } else { x[r] })),
        1e-10,
    );
    let units = DMatrix::from_fn(n * t, n, |r, c| f64::from(u8::from(r % n == c)));
    close("spread", "between units", of.groupwise, fit(units), 1e-10);
}

/// A restriction of least squares: Wald's statistic over its number is the F of two sums of squares.
#[test]
fn wald_of_least_squares_is_the_f_of_two_fits() {
    let setting = &settings(UNITS)[0];
    let p = problem(Model::Slx, setting, (FixedEffects::Both, Likelihood::Transform), 17);
    let big = estimate(&p, &Never).unwrap();
    let small = estimate(&Problem { model: Model::Ols, durbin_weights: Vec::new(), ..p.clone() }, &Never).unwrap();
    let gradient = |k: usize| (0..4).map(|j| f64::from(u8::from(j == k))).collect::<Vec<f64>>();
    let found = wald(&big.coefficients[2..], &[gradient(2), gradient(3)], &big.vcov).unwrap() / 2.0;
    let (rest, all) = (big.sigma2 * big.m_effective, small.sigma2 * small.m_effective);
    close("wald", "F", found, (all - rest) / 2.0 / (rest / big.df_residual), 1e-9);
}

#[test]
fn hausman_of_a_positive_definite_difference_inverts_it() {
    let (v1, v0) = (vec![vec![2.0, 0.5], vec![0.5, 1.5]], vec![vec![1.0, 0.2], vec![0.2, 0.9]]);
    let d = DVector::from_vec(vec![0.7, -1.1]);
    let m = DMatrix::from_row_slice(2, 2, &[1.0, 0.3, 0.3, 0.6]);
    let want = d.dot(&m.cholesky().unwrap().solve(&d));
    let found = hausman(&[1.7, 0.0], &[1.0, 1.1], &v1, &v0).unwrap();
    close("hausman", "the statistic", found.statistic, want, 1e-10);
    assert!(found.df == 2 && !found.generalized);
    let less = hausman(&[1.7, 0.0], &[1.0, 1.1], &v1, &[vec![1.0, 0.2], vec![0.2, 1.9]]).unwrap();
    assert!(less.df == 1 && less.generalized && less.statistic >= 0.0);
}

/// The marginal likelihood by sums over ρ and ln σ², β integrated as a Gaussian: what settles its constant.
#[test]
fn marginal_likelihoods_are_integrals() {
    let setting = &settings(UNITS)[0];
    for model in [Model::Ols, Model::Slx, Model::Sar, Model::Sem, Model::Sdm, Model::Sdem] {
        for effects in [FixedEffects::None, FixedEffects::Unit, FixedEffects::Both] {
            let p = problem(model, setting, (effects, Likelihood::Transform), 23);
            let r = reference(&p);
            let m = r.observations();
            let scale = |v: &DVector<f64>| v.norm() / m.sqrt();
            let y = &r.y / scale(&r.y);
            let z = DMatrix::from_columns(
                &r.x.column_iter().map(|c| c.into_owned() / scale(&c.into_owned())).collect::<Vec<_>>(),
            );
            let k = z.ncols() as f64;
            let operator = r.lag.as_ref().or(r.error.as_ref());
            let [lo, hi] = operator.map_or([0.0, 0.0], |_| crate::cases::interval(&setting.lag));
            let log_given = |x: f64| {
                let filter = operator.map(|o| DMatrix::identity(m as usize, m as usize) - &o.large * x);
                let (a, b) = match (&filter, r.error.is_some()) {
                    (Some(f), true) => (f * &y, f * &z),
                    (Some(f), false) => (f * &y, z.clone()),
                    (None, _) => (y.clone(), z.clone()),
                };
                let square = b.tr_mul(&b);
                let rest =
                    a.norm_squared() - b.tr_mul(&a).dot(&square.clone().cholesky().unwrap().solve(&b.tr_mul(&a)));
                let determinant = filter.map_or(0.0, |f| f.determinant().ln());
                // ∫ d ln σ² of the Gaussian in β
                let (nodes, step) = (4000, 0.01);
                let log_at = |i: usize| {
                    let s = (-20.0 + step * i as f64).exp();
                    -0.5 * (m - k) * (2.0 * PI * s).ln() - rest / (2.0 * s)
                };
                let most = (0..nodes).map(log_at).fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = (0..nodes).map(|i| (log_at(i) - most).exp()).sum();
                determinant - 0.5 * square.determinant().ln() + most + (sum * step).ln()
            };
            let want = match operator {
                None => log_given(0.0),
                Some(_) => {
                    let (nodes, width) = (400, hi - lo);
                    let step = width / nodes as f64;
                    let logs: Vec<f64> = (0..nodes).map(|i| log_given(lo + step * (i as f64 + 0.5))).collect();
                    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    most + (logs.iter().map(|l| (l - most).exp()).sum::<f64>() * step).ln() - width.ln()
                }
            };
            let got = log_marginal(&p, &Shared::default(), Prior::Uniform, &Never).unwrap();
            let name = format!("{}, {effects:?}", model.name());
            close(&name, "the log marginal likelihood", got, want, 2e-4);
        }
    }
}
