//! The wild cluster bootstrap by explicit regressions on every dummy, and the residual bootstrap by explicit inverses and
//! estimates again (methods C.6 item 4, C.11).

use crate::cases::{PERIODS, UNITS, dense, design, problem, settings};
use crate::reference::least_squares;
use durbin::estimators::shared::Shared;
use durbin::estimators::*;
use durbin::linalg::absorb::Factor;
use durbin::linalg::probes::below;
use nalgebra::{DMatrix, DVector};

/// As in the estimators.
const WILD: u64 = 0xD2A1_0000_0000_0002;
const BOOTSTRAP: u64 = 0xD2A1_0000_0000_0003;

/// Slopes' columns, then explicit dummies of units and periods.
fn with_dummies(p: &Problem) -> DMatrix<f64> {
    let (n, t) = (p.units, p.periods);
    let mut columns: Vec<DVector<f64>> = design(p).into_iter().map(DVector::from_vec).collect();
    let unit = matches!(p.fixed_effects, FixedEffects::Unit | FixedEffects::Both);
    let period = matches!(p.fixed_effects, FixedEffects::Time | FixedEffects::Both);
    if unit {
        columns.extend((0..n).map(|i| DVector::from_fn(n * t, |r, _| f64::from(u8::from(r % n == i)))));
    }
    if period {
        let from = usize::from(unit);
        columns.extend((from..t).map(|s| DVector::from_fn(n * t, |r, _| f64::from(u8::from(r / n == s)))));
    }
    DMatrix::from_columns(&columns)
}

/// `c'β̂` and its clustered standard error without a factor.
fn tested(z: &DMatrix<f64>, y: &DVector<f64>, c: &DVector<f64>, cluster: &[usize]) -> (f64, f64) {
    let b = least_squares(z, y);
    let e = y - z * &b;
    let bread = z.tr_mul(z).try_inverse().unwrap();
    let groups = cluster.iter().max().unwrap() + 1;
    let mut meat = DMatrix::zeros(z.ncols(), z.ncols());
    for g in 0..groups {
        let mut score = DVector::zeros(z.ncols());
        for r in (0..y.len()).filter(|&r| cluster[r] == g) {
            score += z.row(r).transpose() * e[r];
        }
        meat += &score * score.transpose();
    }
    (b.dot(c), (c.transpose() * &bread * meat * bread * c)[0].sqrt())
}

/// p of `c'β = b0` with that imposed by restricted least squares.
fn p_value(z: &DMatrix<f64>, y: &DVector<f64>, c: &DVector<f64>, cluster: &[usize], b0: f64, reps: u64) -> f64 {
    let groups = cluster.iter().max().unwrap() + 1;
    let weights = WildWeights::or_default(None, groups);
    let bread = z.tr_mul(z).try_inverse().unwrap();
    let free = least_squares(z, y);
    let lift = &bread * c / (c.transpose() * &bread * c)[0];
    let restricted = &free - &lift * (free.dot(c) - b0);
    let (fit, e) = (z * &restricted, y - z * &restricted);
    let (estimate, se) = tested(z, y, c, cluster);
    let actual = ((estimate - b0) / se).abs();
    let beyond = (0..reps).filter(|&r| {
        let flipped = DVector::from_fn(y.len(), |k, _| fit[k] + e[k] * weights.draw(9 ^ WILD, r, cluster[k] as u64));
        let (b, se) = tested(z, &flipped, c, cluster);
        ((b - b0) / se).abs() >= actual * (1.0 - 1e-9)
    });
    (1 + beyond.count()) as f64 / (1 + reps) as f64
}

#[test]
fn wild_p_values_are_those_of_explicit_restricted_regressions() {
    for (model, effects, variance) in [
        (Model::Ols, FixedEffects::Both, Variance::ClusterUnit),
        (Model::Slx, FixedEffects::Both, Variance::ClusterUnit),
        (Model::Ols, FixedEffects::None, Variance::ClusterUnit),
        (Model::Ols, FixedEffects::Unit, Variance::ClusterTime),
    ] {
        let base = problem(model, &settings(UNITS)[0], (effects, Likelihood::Transform), 4);
        let p = Problem { variance, ..base };
        let n = p.units;
        let of = |r: usize| if variance == Variance::ClusterUnit { r % n } else { r / n };
        let cluster: Vec<usize> = (0..n * PERIODS).map(of).collect();
        let z = with_dummies(&p);
        let found = wild_holds(&format!("{model:?}"), &p, &z, &cluster);
        if model == Model::Slx {
            // The total effect is the sum of the slopes, for rows that sum to one.
            let first = usize::from(effects == FixedEffects::None);
            let one = |k: usize| DVector::from_fn(z.ncols(), |i, _| f64::from(u8::from(i == k)));
            let y = DVector::from_column_slice(&p.outcome);
            let want = p_value(&z, &y, &(one(first) + one(first + 2)), &cluster, 0.0, REPS as u64);
            assert!((found.spreads.effects[0][2].p.unwrap() - want).abs() < 1e-12);
        }
    }
}

/// Three groups of units.
fn group(r: usize) -> usize {
    r % UNITS * 3 / UNITS
}

#[test]
fn wild_p_values_by_a_column_and_with_absorbed_effects_are_too() {
    // Clusters that cut across units and periods, out of order, and clusters of units.
    let across = |r: usize| (7 * (r % UNITS) + 3 * (r / UNITS)) % 5;
    let corridor = |r: usize| (r % UNITS) % 6;
    for model in [Model::Ols, Model::Slx] {
        let base = problem(model, &settings(UNITS)[0], (FixedEffects::Both, Likelihood::Transform), 4);
        for (name, of) in [("across", &across as &dyn Fn(usize) -> usize), ("corridors", &corridor)] {
            let cluster: Vec<usize> = (0..UNITS * PERIODS).map(of).collect();
            let clusters = cluster.iter().map(|c| *c as u32).collect();
            let layout = Layout { clusters, ..Layout::default() };
            let p = Problem { variance: Variance::ClusterColumn, layout, ..base.clone() };
            wild_holds(&format!("{model:?}, {name}"), &p, &with_dummies(&p), &cluster);
            // `fe: [unit, group:time]`: a dummy less per group, which its units have.
            let level = (0..UNITS * PERIODS).map(|r| (group(r) * PERIODS + r / UNITS) as u32).collect();
            let own = Factor { level, levels: 3 * PERIODS };
            let layout = Layout { effects: vec![Factor::units(UNITS, PERIODS), own], ..p.layout.clone() };
            let absorbed = Problem { layout, ..p };
            let mut z = with_dummies(&Problem { fixed_effects: FixedEffects::Unit, ..absorbed.clone() });
            for (g, s) in (0..3).flat_map(|g| (1..PERIODS).map(move |s| (g, s))) {
                let at = z.ncols();
                z = z.insert_column(at, 0.0);
                z.set_column(
                    at,
                    &DVector::from_fn(UNITS * PERIODS, |r, _| f64::from(u8::from(group(r) == g && r / UNITS == s))),
                );
            }
            wild_holds(&format!("{model:?}, {name}, group:time"), &absorbed, &z, &cluster);
        }
    }
}

const REPS: usize = 59;

/// Every p of a slope, and both ends of its interval, against the explicit test with the columns `z`, slopes first.
fn wild_holds(name: &str, p: &Problem, z: &DMatrix<f64>, cluster: &[usize]) -> WildFound {
    let e = estimate(p, &Never).unwrap_or_else(|e| panic!("{name}: {e:?}"));
    let settings = Wild { reps: REPS, seed: 9, level: 0.8, weights: None };
    let found = wild(p, &e, settings, &Never).unwrap_or_else(|e| panic!("{name}: {e:?}"));
    assert_eq!(found.clusters, cluster.iter().max().unwrap() + 1, "{name}");
    let y = DVector::from_column_slice(&p.outcome);
    for k in 0..e.coefficients.len() {
        let c = DVector::from_fn(z.ncols(), |i, _| f64::from(u8::from(i == k)));
        let test = |b: f64| p_value(z, &y, &c, cluster, b, REPS as u64);
        let (spread, want) = (found.spreads.coefficients[k], test(0.0));
        assert!((spread.p.unwrap() - want).abs() < 1e-12, "{name} {k}: {:?} not {want}", spread.p);
        assert_eq!(spread.se, e.vcov[k][k].sqrt());
        // The ends of the interval are where the explicit test turns.
        let [lo, hi] = spread.interval;
        let width = hi - lo;
        if width.is_finite() {
            for (inside, outside) in [(lo + 1e-6 * width, lo - 1e-6 * width), (hi - 1e-6 * width, hi + 1e-6 * width)] {
                assert!(test(inside) > 0.2 - 1e-12 && test(outside) <= 0.2 + 1e-12, "{name} {k}");
            }
        }
    }
    found
}

#[test]
fn replications_are_explicit_reduced_forms_estimated_again() {
    let reps = 12;
    for (model, row, scheme) in [
        (Model::Sdm, (FixedEffects::Both, Likelihood::Transform), Scheme::WildPeriod),
        (Model::Sdm, (FixedEffects::Both, Likelihood::Partial), Scheme::BlockUnit),
        (Model::Sac, (FixedEffects::Unit, Likelihood::Transform), Scheme::BlockUnit),
        (Model::Sem, (FixedEffects::None, Likelihood::Direct), Scheme::WildPeriod),
    ] {
        let setting = &settings(UNITS)[0];
        let p = problem(model, setting, row, 6);
        let e = estimate(&p, &Never).unwrap();
        let found =
            bootstrap(&p, &e, Bootstrap { scheme, reps, seed: 5, level: 0.9 }, &Shared::default(), &Never).unwrap();
        let (n, t) = (p.units, p.periods);
        let size = e.coefficients.len();
        let (rho, lambda) = match model {
            Model::Sem => (0.0, e.coefficients[size - 1]),
            Model::Sac => (e.coefficients[size - 2], e.coefficients[size - 1]),
            _ => (e.coefficients[size - 1], 0.0),
        };
        let w = dense(&setting.lag);
        let identity = DMatrix::<f64>::identity(n, n);
        let (s, r) = (&identity - &w * rho, &identity - dense(&setting.error) * lambda);
        let (s, r) = (s.try_inverse().unwrap(), r.try_inverse().unwrap());
        let left = (if row.0 == FixedEffects::Both { n - 1 } else { n })
            * (if row.0 == FixedEffects::None { t } else { t - 1 });
        let scale = ((n * t) as f64 / left as f64).sqrt();
        let weights = WildWeights::or_default(None, t);
        let mut rows: Vec<Vec<f64>> = Vec::new();
        for b in 0..reps as u64 {
            let mut outcome = Vec::new();
            for period in 0..t {
                let at = |x: &[f64]| DVector::from_column_slice(&x[period * n..(period + 1) * n]);
                let own = at(&e.residuals) * scale;
                let drawn = match scheme {
                    Scheme::WildPeriod => {
                        let from = below(5 ^ BOOTSTRAP, b, (t + period) as u64, t);
                        let other = DVector::from_column_slice(&e.residuals[from * n..(from + 1) * n]) * scale;
                        other * weights.draw(5 ^ BOOTSTRAP, b, period as u64)
                    }
                    Scheme::BlockUnit => DVector::from_fn(n, |i, _| own[below(5 ^ BOOTSTRAP, b, i as u64, n)]),
                };
                let mean = at(&e.fitted) - &w * at(&p.outcome) * rho;
                outcome.extend((&s * (mean + &r * drawn)).iter());
            }
            let again = Problem { outcome, ..p.clone() };
            let found = estimate(&again, &Never).ok();
            let inside = |e: &Estimated| !e.remarks.iter().any(|r| matches!(r, Remark::Boundary { .. }));
            rows.extend(found.filter(inside).map(|e| e.coefficients));
        }
        let vcov = found.vcov.unwrap();
        let count = rows.len() as f64;
        for k in 0..size {
            let mean = rows.iter().map(|r| r[k]).sum::<f64>() / count;
            let want = rows.iter().map(|r| (r[k] - mean).powi(2)).sum::<f64>() / (count - 1.0);
            assert!((vcov[k][k] - want).abs() < 1e-7 * want, "{model:?} {k}: {} not {want}", vcov[k][k]);
            assert!((found.coefficients[k].se - want.sqrt()).abs() < 1e-7 * want.sqrt());
        }
    }
}

/// One thread or two: the same bits.
#[test]
fn threads_change_no_bit_of_draws() {
    let setting = &settings(UNITS)[0];
    let p = problem(Model::Sdm, setting, (FixedEffects::Both, Likelihood::Transform), 6);
    let ols = Problem {
        variance: Variance::ClusterUnit,
        ..problem(Model::Slx, setting, (FixedEffects::Both, Likelihood::Transform), 6)
    };
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let e = estimate(&p, &Never).unwrap();
            let shared = Shared::default();
            let settings = Bootstrap { scheme: Scheme::WildPeriod, reps: 30, seed: 1, level: 0.95 };
            let drawn = Draws { count: 200, seed: 1, level: 0.95 };
            let tests = Wild { reps: 99, seed: 1, level: 0.95, weights: None };
            (
                bootstrap(&p, &e, settings, &shared, &Never).unwrap(),
                simulate(&p, &e, drawn, &shared, &Never).unwrap(),
                wild(&ols, &estimate(&ols, &Never).unwrap(), tests, &Never).unwrap(),
            )
        })
    };
    // Means over no cells are NaN, which equals nothing.
    assert_eq!(format!("{:?}", run(1)), format!("{:?}", run(2)));
}
