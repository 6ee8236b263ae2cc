//! Effects by unit, by order of neighbors and by simulation (methods D.1, D.2) against explicit inverses and powers.

use crate::cases::{dense, each, interval};
use crate::effects::{cells, matrix, measured, same};
use durbin::estimators::shared::Shared;
use durbin::estimators::*;
use durbin::linalg::probes::normal;
use nalgebra::{DMatrix, DVector};

const KINDS: [Model; 5] = [Model::Slx, Model::Sar, Model::Sem, Model::Sdm, Model::Gns];
/// As in the estimators: the stream of simulated effects.
pub const SIMULATION: u64 = 0xD2A1_0000_0000_0001;

#[test]
fn effects_by_unit_are_rows_and_columns_of_explicit_inverses() {
    each(&KINDS, &mut |name, p| {
        let e = estimate(&p, &Never).unwrap();
        let found = effects_by_unit(&p, &e, &Shared::default(), &Never).unwrap();
        let n = p.units;
        assert_eq!(found.probes, None);
        for (k, units) in found.regressors.iter().enumerate() {
            assert_eq!(units.len(), n);
            for (i, unit) in units.iter().enumerate() {
                let direct = |c: &[f64]| matrix(&p, c, k)[(i, i)];
                let total = |c: &[f64]| matrix(&p, c, k).row(i).sum();
                let sent = |c: &[f64]| matrix(&p, c, k).column(i).sum() - direct(c);
                same(name, "direct", unit.on.direct, measured(&e, &direct));
                same(name, "total", unit.on.total, measured(&e, &total));
                same(name, "indirect", unit.on.indirect, measured(&e, &|c| total(c) - direct(c)));
                same(name, "from", unit.from, measured(&e, &sent));
            }
            let mean = |of: &dyn Fn(&UnitEffect) -> f64| units.iter().map(of).sum::<f64>() / n as f64;
            let whole = e.effects[k];
            for (a, b) in [
                (mean(&|u| u.on.direct.estimate), whole.direct.estimate),
                (mean(&|u| u.on.indirect.estimate), whole.indirect.estimate),
                (mean(&|u| u.from.estimate), whole.indirect.estimate),
                (mean(&|u| u.on.total.estimate), whole.total.estimate),
            ] {
                assert!((a - b).abs() < 1e-10, "{name}: units average to {a}, the summary is {b}");
            }
        }
    });
}

#[test]
fn orders_of_neighbors_are_explicit_powers_and_sum_to_the_effect() {
    each(&KINDS, &mut |name, p| {
        let e = estimate(&p, &Never).unwrap();
        let orders = 4;
        let found = effects_by_order(&p, &e, orders, &Never).unwrap();
        assert_eq!(found.probes, None);
        let n = p.units as f64;
        let identity = DMatrix::<f64>::identity(p.units, p.units);
        let slopes = e.coefficients.len() - usize::from(p.model.has_lag()) - usize::from(p.model.has_error());
        for (k, of) in found.regressors.iter().enumerate() {
            assert_eq!(of.orders.len(), if p.model.has_lag() { orders + 1 } else { 2 }, "{name}");
            for (q, order) in of.orders.iter().enumerate() {
                // β and θ apart: a model whose lags carry nothing, and one whose regressors carry nothing.
                let part = |c: &[f64]| {
                    let mut still = c.to_vec();
                    if p.model.has_lag() {
                        still[slopes] = 0.0;
                    }
                    let inner = matrix(&p, &still, k);
                    let own = usize::from(p.fixed_effects == FixedEffects::None) + k;
                    let beta = &identity * c[own];
                    let theta = &inner - &beta;
                    let power = |w: &DMatrix<f64>, q: usize| (0..q).fold(identity.clone(), |m, _| m * w);
                    match (&p.lag_weights, q) {
                        (_, 0) => beta,
                        (None, _) => theta,
                        (Some(w), _) => {
                            let w = dense(w) * c[slopes];
                            power(&w, q) * beta + power(&w, q - 1) * theta
                        }
                    }
                };
                same(name, "direct", order.direct, measured(&e, &|c| part(c).trace() / n));
                same(name, "total", order.total, measured(&e, &|c| part(c).sum() / n));
            }
            let sum: f64 = of.orders.iter().map(|o| o.total.estimate).sum();
            let whole = e.effects[k].total.estimate;
            assert!((sum + of.rest.total.estimate - whole).abs() < 1e-12, "{name}");
            if !p.model.has_lag() {
                assert!(of.rest.total.estimate.abs() < 1e-12, "{name}: nothing lies beyond the neighbors");
            }
        }
    });
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let k = place as usize;
    sorted[k] + (place - k as f64) * (sorted[(k + 1).min(sorted.len() - 1)] - sorted[k])
}

pub fn alike(name: &str, what: &str, found: Spread, mut values: Vec<f64>) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let se = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    values.sort_by(f64::total_cmp);
    let want = [se, quantile(&values, 0.05), quantile(&values, 0.95)];
    for (a, b) in [found.se, found.interval[0], found.interval[1]].into_iter().zip(want) {
        let near = (a - b).abs() <= 1e-7 * b.abs().max(0.1) || (a.is_nan() && b.is_nan());
        assert!(near, "{name}: {what} is {a}, not {b}");
    }
}

/// Every draw's effects by its own explicit inverse.
#[test]
fn simulated_effects_are_those_of_explicit_inverses_at_every_draw() {
    each(&KINDS, &mut |name, p| {
        let e = estimate(&p, &Never).unwrap();
        let draws = Draws { count: 80, seed: 7, level: 0.9 };
        let found = simulate(&p, &e, draws, &Shared::default(), &Never).unwrap();
        let size = e.coefficients.len();
        let root = DMatrix::from_fn(size, size, |i, k| e.vcov[i][k]).cholesky().unwrap().unpack();
        let slopes = size - usize::from(p.model.has_lag()) - usize::from(p.model.has_error());
        let open = p.lag_weights.as_ref().map(|w| interval(w));
        let mut kept: Vec<Vec<f64>> = Vec::new();
        for r in 0..draws.count as u64 {
            let z = DVector::from_fn(size, |j, _| normal(7 ^ SIMULATION, r, j as u64));
            let c = DVector::from_vec(e.coefficients.clone()) + &root * z;
            if open.is_none_or(|[lo, hi]| lo < c[slopes] && c[slopes] < hi) {
                kept.push(c.as_slice().to_vec());
            }
        }
        assert_eq!((found.used, found.discarded), (kept.len(), draws.count - kept.len()), "{name}");
        let n = p.units as f64;
        for (k, [direct, indirect, total]) in found.effects.iter().enumerate() {
            let all: Vec<DMatrix<f64>> = kept.iter().map(|c| matrix(&p, c, k)).collect();
            alike(name, "direct", *direct, all.iter().map(|m| m.trace() / n).collect());
            alike(name, "total", *total, all.iter().map(|m| m.sum() / n).collect());
            alike(name, "indirect", *indirect, all.iter().map(|m| (m.sum() - m.trace()) / n).collect());
        }
        let (cells, d) = (cells(&p), &p.regressors[0].values);
        let all: Vec<DMatrix<f64>> = kept.iter().map(|c| matrix(&p, c, 0)).collect();
        let effect = |m: &DMatrix<f64>, r: usize| {
            (0..p.units).map(|q| m[(r % p.units, q)] * d[r / p.units * p.units + q]).sum::<f64>()
        };
        let mean = |of: &dyn Fn(&DMatrix<f64>, usize) -> f64, over: &[usize]| -> Vec<f64> {
            all.iter().map(|m| over.iter().map(|&r| of(m, r)).sum::<f64>() / over.len() as f64).collect()
        };
        let policy = found.policy.unwrap();
        alike(name, "direct on treated", policy[0], mean(&|m, r| m[(r % p.units, r % p.units)], &cells.treated));
        alike(name, "total on treated", policy[2], mean(&effect, &cells.treated));
        alike(name, "on untreated", policy[3], mean(&effect, &cells.untreated));
        if !cells.exposed.is_empty() {
            alike(name, "on exposed", policy[4], mean(&effect, &cells.exposed));
        }
    });
}
