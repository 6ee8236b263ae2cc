//! Two-stage least squares with every fixed effect a dummy, lags by `I_T ⊗ W` and a projection matrix as a whole; and the
//! moments of the spatial error evaluated where they should be least.

use crate::cases::{dense, design, settings};
use crate::random::Random;
use crate::reference::Operator;
use durbin::estimators::*;
use nalgebra::{DMatrix, DVector};

const EFFECTS: [FixedEffects; 4] = [FixedEffects::None, FixedEffects::Unit, FixedEffects::Time, FixedEffects::Both];

/// Dummies of all effects, of full rank beside no intercept.
fn dummies(p: &Problem) -> Vec<DVector<f64>> {
    let (n, t) = (p.units, p.periods);
    let of = |f: &dyn Fn(usize) -> bool| DVector::from_fn(n * t, |r, _| f64::from(u8::from(f(r))));
    let unit = matches!(p.fixed_effects, FixedEffects::Unit | FixedEffects::Both);
    let time = matches!(p.fixed_effects, FixedEffects::Time | FixedEffects::Both);
    let mut out = Vec::new();
    if unit {
        out.extend((0..n).map(|i| of(&|r| r % n == i)));
    }
    if time {
        out.extend((usize::from(unit)..t).map(|s| of(&|r| r / n == s)));
    }
    out
}

/// The projection on the span of columns that may depend on each other.
fn projection(columns: &[DVector<f64>]) -> (DMatrix<f64>, usize) {
    let scaled: Vec<DVector<f64>> = columns.iter().map(|c| c / c.norm().max(1e-300)).collect();
    let svd = DMatrix::from_columns(&scaled).svd(true, false);
    let rank = svd.singular_values.iter().filter(|s| **s > 1e-9).count();
    let u = svd.u.unwrap().columns(0, rank).into_owned();
    (&u * u.transpose(), rank)
}

struct Dense {
    /// Regressors, the outcome's lag, dummies.
    a: DMatrix<f64>,
    projection: DMatrix<f64>,
    exogenous: (DMatrix<f64>, usize),
    rank: usize,
    y: DVector<f64>,
}

fn written_out(p: &Problem) -> Dense {
    let Approach::Instruments { endogenous, instruments } = &p.approach else { panic!("no instruments") };
    let y = DVector::from_column_slice(&p.outcome);
    let raw: Vec<DVector<f64>> = design(p).iter().map(|c| DVector::from_column_slice(c)).collect();
    let intercept = usize::from(p.fixed_effects == FixedEffects::None);
    let lagged: Vec<usize> = (0..p.regressors.len()).filter(|&k| p.regressors[k].lagged).collect();
    let is_endogenous = |j: usize| {
        let k = j.checked_sub(intercept);
        k.is_some_and(|k| match k.checked_sub(p.regressors.len()) {
            None => endogenous.contains(&k),
            Some(l) => endogenous.contains(&lagged[l % lagged.len()]),
        })
    };
    let exogenous: Vec<DVector<f64>> = (0..raw.len()).filter(|&j| !is_endogenous(j)).map(|j| raw[j].clone()).collect();
    let mut excluded: Vec<DVector<f64>> = instruments.iter().map(|z| DVector::from_column_slice(z)).collect();
    if endogenous.iter().any(|k| p.regressors[*k].lagged) {
        let own = excluded.clone();
        for w in &p.durbin_weights {
            let w = Operator::new(dense(w), p.periods).large;
            excluded.extend(own.iter().map(|z| &w * z));
        }
    }
    let mut a = raw.clone();
    if let Some(w) = &p.lag_weights {
        let w = Operator::new(dense(w), p.periods).large;
        let sources: Vec<DVector<f64>> = exogenous[intercept..].iter().chain(&excluded).cloned().collect();
        for z in sources {
            excluded.extend([&w * &z, &w * &w * &z]);
        }
        a.push(&w * &y);
    }
    let dummies = dummies(p);
    a.extend(dummies.clone());
    let own: Vec<DVector<f64>> = exogenous.iter().chain(&dummies).cloned().collect();
    let all: Vec<DVector<f64>> = own.iter().chain(&excluded).cloned().collect();
    let (projection, rank) = self::projection(&all);
    Dense { a: DMatrix::from_columns(&a), projection, exogenous: self::projection(&own), rank, y }
}

/// Every model with a lag or a given instrument: endogenous x, instruments related to it.
fn each(visit: &mut dyn FnMut(&str, Problem)) {
    for setting in &settings(10) {
        for model in [Model::Ols, Model::Slx, Model::Sar, Model::Sdm] {
            for effects in EFFECTS {
                for given in [false, true] {
                    if !given && !model.has_lag() {
                        continue;
                    }
                    let p = crate::cases::problem(model, setting, (effects, Likelihood::Direct), 11);
                    let mut random = Random::new(5, 3);
                    let x = p.regressors[1].values.clone();
                    let mut near = || x.iter().map(|x| x + random.normal()).collect::<Vec<f64>>();
                    let instruments = if given { vec![near(), near()] } else { Vec::new() };
                    let approach =
                        Approach::Instruments { endogenous: if given { vec![1] } else { Vec::new() }, instruments };
                    let name = format!("{}, {effects:?}, given {given}, {}", model.name(), setting.name);
                    visit(&name, Problem { approach, ..p });
                }
            }
        }
    }
}

fn near(name: &str, what: &str, got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance * want.abs().max(1.0), "{name}: {what} is {got}, not {want}");
}

#[test]
fn two_stages_are_those_of_the_whole_projection() {
    each(&mut |name, p| {
        let d = written_out(&p);
        let fitted = &d.projection * &d.a;
        let inverse = fitted.tr_mul(&d.a).try_inverse().unwrap();
        let solution = &inverse * fitted.tr_mul(&d.y);
        let residual = &d.y - &d.a * &solution;
        let (n, k) = (p.units, p.regressors.len());
        for variance in [Variance::Iid, Variance::Robust, Variance::ClusterUnit] {
            let e = estimate(&Problem { variance, ..p.clone() }, &Never).unwrap();
            let slopes = e.coefficients.len();
            let sigma2 = residual.norm_squared() / e.m_effective;
            near(name, "sigma2", e.sigma2, sigma2, 1e-9);
            let groups = |of: &dyn Fn(usize) -> usize, count: usize| {
                let mut sums = DMatrix::zeros(count, d.a.ncols());
                for r in 0..residual.len() {
                    let mut row = sums.row_mut(of(r));
                    row += fitted.row(r) * residual[r];
                }
                sums.tr_mul(&sums)
            };
            let rows = residual.len() as f64;
            let dummies = (d.a.ncols() - slopes) as f64;
            let df = rows - slopes as f64 - dummies;
            let (meat, factor) = match variance {
                Variance::Iid => (fitted.tr_mul(&fitted), sigma2),
                Variance::Robust => (groups(&|r| r, residual.len()), rows / df),
                _ => {
                    let counted = match p.fixed_effects {
                        FixedEffects::None => 0.0,
                        FixedEffects::Unit => 1.0,
                        FixedEffects::Time | FixedEffects::Both => p.periods as f64,
                    };
                    let g = n as f64;
                    (groups(&|r| r % n, n), (rows - 1.0) / (rows - slopes as f64 - counted) * g / (g - 1.0))
                }
            };
            let v = &inverse * meat * &inverse * factor;
            for j in 0..slopes {
                near(name, &format!("coefficient {j}"), e.coefficients[j], solution[j], 1e-8);
                near(name, &format!("{variance:?} error {j}"), e.vcov[j][j].sqrt(), v[(j, j)].sqrt(), 1e-7);
            }
            let first = e.first_stage.unwrap();
            assert_eq!(first.excluded, d.rank - d.exogenous.1, "{name}");
            for s in &first.endogenous {
                let x = d.a.column(s.coefficient);
                let own = (&d.projection * x - &d.exogenous.0 * x).norm_squared();
                let rest = (x - &d.projection * x).norm_squared();
                let f = (own / first.excluded as f64) / (rest / (rows - d.rank as f64));
                near(name, "first-stage F", s.f / f, 1.0, 1e-7);
            }
            if let Some((statistic, df)) = first.overidentification {
                assert_eq!(df, d.rank - d.a.ncols(), "{name}");
                near(name, "Sargan", statistic, (&d.projection * &residual).norm_squared() / sigma2, 1e-8);
            }
            assert_eq!(e.effects.len(), k, "{name}");
        }
    });
}

#[test]
fn the_error_parameter_is_where_its_moments_miss_least() {
    for setting in settings(10).iter().filter(|s| s.constant_rows) {
        for effects in EFFECTS {
            let p = crate::cases::problem(Model::Sem, setting, (effects, Likelihood::Transform), 21);
            let p = Problem { approach: Approach::Moments, ..p };
            let e = estimate(&p, &Never).unwrap();
            let name = format!("{effects:?}, {}", setting.name);
            let w = Operator::new(dense(&setting.error), p.periods);
            let mut columns: Vec<DVector<f64>> = design(&p).iter().map(|c| DVector::from_column_slice(c)).collect();
            let slopes = columns.len();
            let dummies = dummies(&p);
            columns.extend(dummies.clone());
            let identity = DMatrix::identity(p.units * p.periods, p.units * p.periods);
            let off = match dummies.is_empty() {
                true => identity.clone(),
                false => &identity - projection(&dummies).0,
            };
            let y = DVector::from_column_slice(&p.outcome);
            let u = &y - projection(&columns).0 * &y;
            // E e = 0, Var e = σ²·off: the expectation of each moment by its trace.
            let lag = &off * &w.large * &off;
            let shares = [1.0, (lag.tr_mul(&lag)).trace() / off.trace(), lag.trace() / off.trace()];
            let moments = |x: f64| {
                let one = &u - &lag * &u * x;
                let other = &lag * &one;
                let found = [one.dot(&one), other.dot(&other), other.dot(&one)].map(|v| v / off.trace());
                let sigma2 = found.iter().zip(&shares).map(|(f, s)| f * s).sum::<f64>()
                    / shares.iter().map(|s| s * s).sum::<f64>();
                found.iter().zip(&shares).map(|(f, s)| (f - s * sigma2).powi(2)).sum::<f64>()
            };
            let lambda = e.coefficients[slopes];
            let least = moments(lambda);
            for k in -180..=180 {
                let x = f64::from(k) / 200.0;
                assert!(moments(x) >= least * (1.0 - 1e-9), "{name}: {} at {x}, {least} at {lambda}", moments(x));
            }
            // One step of generalized least squares with dummies filtered too.
            let filter = &identity - &w.large * lambda;
            let z = &filter * DMatrix::from_columns(&columns);
            let solution = (z.tr_mul(&z)).try_inverse().unwrap() * z.tr_mul(&(&filter * &y));
            for j in 0..slopes {
                near(&name, &format!("coefficient {j}"), e.coefficients[j], solution[j], 1e-8);
            }
        }
    }
}
