//! Effects estimated beside the slopes of a likelihood, and weights that change over time (methods B.7): every dummy a
//! column, every matrix a block of a dense one.

use crate::cases::{PERIODS, UNITS, dense, design, problem, settings};
use crate::effects::{measured, same};
use crate::likelihood::{point, same_variance};
use crate::random::Random;
use crate::reference::{Operator, Reference};
use durbin::estimators::*;
use durbin::linalg::absorb::Factor;
use durbin::weights::periods::{repeated, stacked};
use durbin::weights::{Weights, scale};
use nalgebra::{DMatrix, DVector};
use sprs::TriMat;
use std::sync::Arc;

const CELLS: usize = UNITS * PERIODS;
const EFFECTS: [FixedEffects; 4] = [FixedEffects::None, FixedEffects::Unit, FixedEffects::Time, FixedEffects::Both];

/// A matrix of its own for each period: every unit has three neighbors of its choice, the last unit none in period 1.
fn changing(seed: u64) -> Arc<Weights> {
    let block = |t: usize| {
        let mut random = Random::new(seed, t as u64);
        let mut links = TriMat::new((UNITS, UNITS));
        for i in 0..UNITS - usize::from(t == 1) {
            let mut others: Vec<(f64, usize)> = (0..UNITS).filter(|&k| k != i).map(|k| (random.uniform(), k)).collect();
            others.sort_by(|a, b| a.0.total_cmp(&b.0));
            others[..3].iter().for_each(|&(u, k)| links.add_triplet(i, k, 0.5 + u));
        }
        Weights::unscaled(links.to_csr())
    };
    let blocks: Vec<Weights> = (0..PERIODS).map(block).collect();
    Arc::new(scale::row(&stacked(&blocks)))
}

/// Provinces of four, four and two units, in every period.
fn provinces() -> Factor {
    let level = (0..CELLS).map(|r| (r % UNITS / 4 * PERIODS + r / UNITS) as u32).collect();
    Factor { level, levels: 3 * PERIODS }
}

/// Dummies of factors and lines of units, those that are no combinations of others.
fn dummies(p: &Problem) -> DMatrix<f64> {
    let mut columns: Vec<DVector<f64>> = Vec::new();
    for factor in p.factors().iter() {
        let of = |l: usize| DVector::from_fn(CELLS, |r, _| f64::from(u8::from(factor.level[r] as usize == l)));
        columns.extend((0..factor.levels).map(of));
    }
    if p.layout.trends {
        let of = |i: usize| DVector::from_fn(CELLS, |r, _| if r % UNITS == i { (r / UNITS) as f64 } else { 0.0 });
        columns.extend((0..UNITS).map(of));
    }
    let (mut kept, mut basis): (Vec<DVector<f64>>, Vec<DVector<f64>>) = (Vec::new(), Vec::new());
    for column in columns {
        let mut rest = column.clone();
        for _ in 0..2 {
            basis.iter().for_each(|b| rest -= b * b.dot(&rest));
        }
        if rest.norm() > 1e-8 * column.norm() {
            basis.push(rest.normalize());
            kept.push(column);
        }
    }
    if kept.is_empty() { DMatrix::zeros(CELLS, 0) } else { DMatrix::from_columns(&kept) }
}

/// The matrix of all cells.
fn large(p: &Problem, w: &Weights) -> DMatrix<f64> {
    if w.changes() { dense(w) } else { Operator::new(dense(w), p.periods).large }
}

fn columns(p: &Problem) -> Vec<DVector<f64>> {
    if !p.weights_change() && !p.layout.has_more_effects() {
        return design(p).iter().map(|c| DVector::from_column_slice(c)).collect();
    }
    let mut out = Vec::new();
    if p.has_intercept() {
        out.push(DVector::from_element(CELLS, 1.0));
    }
    out.extend(p.regressors.iter().map(|r| DVector::from_column_slice(&r.values)));
    for w in &p.durbin_weights {
        let w = large(p, w);
        out.extend(p.regressors.iter().filter(|r| r.lagged).map(|r| &w * DVector::from_column_slice(&r.values)));
    }
    out
}

/// One cross-section of all cells, with every dummy a parameter.
fn written(p: &Problem) -> Reference {
    let operator = |w: &Option<Arc<Weights>>| w.as_ref().map(|w| Operator::new(large(p, w), 1));
    Reference {
        units: CELLS,
        periods: 1,
        y: DVector::from_column_slice(&p.outcome),
        x: DMatrix::from_columns(&columns(p)),
        d: dummies(p),
        lag: operator(&p.lag_weights),
        error: operator(&p.error_weights),
    }
}

/// `M` of all cells at coefficients in durbin's order.
fn matrix(p: &Problem, coefficients: &[f64], k: usize) -> DMatrix<f64> {
    let first = usize::from(p.has_intercept());
    let lagged: Vec<usize> = (0..p.regressors.len()).filter(|&j| p.regressors[j].lagged).collect();
    let mut inner = DMatrix::identity(CELLS, CELLS) * coefficients[first + k];
    let mut slopes = first + p.regressors.len();
    for w in &p.durbin_weights {
        if let Some(place) = lagged.iter().position(|&j| j == k) {
            inner += large(p, w) * coefficients[slopes + place];
        }
        slopes += lagged.len();
    }
    match &p.lag_weights {
        Some(w) => {
            (DMatrix::identity(CELLS, CELLS) - large(p, w) * coefficients[slopes]).try_inverse().unwrap() * inner
        }
        None => inner,
    }
}

/// A draw with one of the effects, and the matrices of a model changed.
fn moving(model: Model, fixed_effects: FixedEffects) -> Problem {
    let setting = &settings(UNITS)[1];
    let p = problem(model, setting, (fixed_effects, Likelihood::Direct), 21);
    let (w, other) = (changing(5), changing(6));
    let constant = Arc::new(repeated(&setting.error, PERIODS));
    Problem {
        durbin_weights: if model.has_durbin() { vec![w.clone(), constant] } else { Vec::new() },
        lag_weights: model.has_lag().then(|| w.clone()),
        error_weights: model.has_error().then(|| other.clone()),
        ..p
    }
}

/// Optimum, information, curvature and effects of a likelihood.
fn agrees(name: &str, p: &Problem) {
    let r = written(p);
    let e = estimate(p, &Never).unwrap();
    let top = r.maximum([-0.9, 0.99], [-0.9, 0.99]);
    let (rho, lambda, _) = r.places();
    let close = |what: &str, got: f64, want: f64, tolerance: f64| {
        assert!((got - want).abs() <= tolerance, "{name}: {what} is {got}, not {want}");
    };
    top.beta.iter().enumerate().for_each(|(k, b)| close("a slope", e.coefficients[k], *b, 1e-7 * b.abs().max(1.0)));
    rho.into_iter().for_each(|k| close("rho", e.coefficients[k], top.rho, 1e-8));
    lambda.into_iter().for_each(|k| close("lambda", e.coefficients[k], top.lambda, 1e-8));
    close("sigma2", e.sigma2, top.sigma2, 1e-8 * top.sigma2);
    let log_likelihood = r.log_likelihood(&top, &r.y);
    close("the log-likelihood", e.loglik, log_likelihood, 1e-10 * log_likelihood.abs().max(1.0));
    let at = point(&r, &e);
    same_variance(name, &e.vcov, &r.information(&at).try_inverse().unwrap(), 1e-6);
    let observed = estimate(&Problem { variance: Variance::Observed, ..p.clone() }, &Never).unwrap();
    let curvature = r.without_dummies(&r.curvature(&at, &r.y)).try_inverse().unwrap();
    same_variance(name, &observed.vcov, &curvature, 1e-5);
    effects_agree(name, p, &e);
}

fn effects_agree(name: &str, p: &Problem, e: &Estimated) {
    let cells = CELLS as f64;
    for k in 0..p.regressors.len() {
        let direct = |c: &[f64]| matrix(p, c, k).trace() / cells;
        let total = |c: &[f64]| matrix(p, c, k).sum() / cells;
        same(name, "direct", e.effects[k].direct, measured(e, &direct));
        same(name, "total", e.effects[k].total, measured(e, &total));
    }
    let d = DVector::from_column_slice(&p.regressors[0].values);
    let first = d.iter().position(|v| *v > 0.5).unwrap() / UNITS * UNITS;
    let untreated: Vec<usize> = (first..CELLS).filter(|&r| d[r] < 0.5).collect();
    let on = |c: &[f64]| {
        let effect = matrix(p, c, 0) * &d;
        untreated.iter().map(|&r| effect[r]).sum::<f64>() / untreated.len() as f64
    };
    let policy = e.policy.as_ref().unwrap();
    assert_eq!(policy.untreated_cells, untreated.len(), "{name}");
    same(name, "on the untreated", policy.indirect_on_untreated, measured(e, &on));
}

#[test]
fn changing_weights_agree_with_blocks_and_dummies() {
    for model in [Model::Sar, Model::Sdm] {
        for effects in EFFECTS {
            agrees(&format!("{}, {effects:?}", model.name()), &moving(model, effects));
        }
    }
    // The filter of the errors moves effects: without them alone.
    for model in [Model::Sem, Model::Sdem, Model::Sac] {
        agrees(model.name(), &moving(model, FixedEffects::None));
        let beside = moving(model, FixedEffects::Unit);
        assert_eq!(estimate(&beside, &Never), Err(EstimateError::EffectsNotDefined));
    }
    let transformed = Problem { likelihood: Likelihood::Transform, ..moving(Model::Sar, FixedEffects::Unit) };
    assert_eq!(estimate(&transformed, &Never), Err(EstimateError::EffectsNotDefined));
}

#[test]
fn effects_of_groups_and_trends_agree_with_dummies() {
    let setting = &settings(UNITS)[2];
    for model in [Model::Sar, Model::Sdm] {
        for trends in [false, true] {
            let layout =
                Layout { effects: vec![Factor::units(UNITS, PERIODS), provinces()], trends, ..Layout::default() };
            let p = problem(model, setting, (FixedEffects::Both, Likelihood::Direct), 23);
            agrees(&format!("{}, province:time, trends {trends}", model.name()), &Problem { layout, ..p });
        }
    }
    let layout = Layout { effects: vec![Factor::units(UNITS, PERIODS), provinces()], ..Layout::default() };
    let both = Problem { layout, ..moving(Model::Sdm, FixedEffects::Both) };
    agrees("sdm, province:time, changing weights", &both);
}

/// The same matrix in every period is the matrix: every variance that both have.
#[test]
fn weights_that_could_change_and_do_not_are_constant_weights() {
    let setting = &settings(UNITS)[1];
    let likelihoods = [Variance::Iid, Variance::Observed, Variance::ClusterUnit];
    let squares = [Variance::Iid, Variance::Robust, Variance::ClusterUnit, Variance::ClusterTime];
    for model in [Model::Slx, Model::Sar, Model::Sdm, Model::Sem, Model::Gns] {
        for effects in EFFECTS {
            if model.has_error() && effects != FixedEffects::None {
                continue;
            }
            let variances: &[Variance] = if model == Model::Slx { &squares } else { &likelihoods };
            for &variance in variances {
                let p = problem(model, setting, (effects, Likelihood::Direct), 31);
                let p = Problem { variance, ..p };
                let over = |w: &Arc<Weights>| Arc::new(repeated(w, PERIODS));
                let q = Problem {
                    durbin_weights: p.durbin_weights.iter().map(over).collect(),
                    lag_weights: p.lag_weights.as_ref().map(over),
                    error_weights: p.error_weights.as_ref().map(over),
                    ..p.clone()
                };
                let (a, b) = (estimate(&p, &Never).unwrap(), estimate(&q, &Never).unwrap());
                let name = format!("{}, {effects:?}, {variance:?}", model.name());
                let v = DMatrix::from_fn(a.vcov.len(), a.vcov.len(), |i, k| a.vcov[i][k]);
                same_variance(&name, &b.vcov, &v, 1e-7);
                a.coefficients.iter().zip(&b.coefficients).for_each(|(x, y)| assert!((x - y).abs() < 1e-8, "{name}"));
                let (x, y) = (a.policy.unwrap(), b.policy.unwrap());
                same(&name, "aggregate", y.aggregate, x.aggregate);
                same(&name, "direct on treated", y.direct_on_treated, x.direct_on_treated);
                for (x, y) in a.effects.iter().zip(&b.effects) {
                    same(&name, "indirect", y.indirect, x.indirect);
                }
            }
        }
    }
}

/// Two stages with dummies as columns: interacted effects, trends and changing weights.
#[test]
fn instruments_agree_beside_estimated_effects() {
    let approach = Approach::Instruments { endogenous: Vec::new(), instruments: Vec::new() };
    let groups = Layout { effects: vec![Factor::units(UNITS, PERIODS), provinces()], ..Layout::default() };
    let lines = Layout { trends: true, ..groups.clone() };
    let setting = &settings(UNITS)[1];
    let drawn = problem(Model::Sar, setting, (FixedEffects::Both, Likelihood::Transform), 41);
    let cases = [
        ("groups", Problem { layout: groups.clone(), ..drawn.clone() }),
        ("trends", Problem { layout: lines, ..drawn }),
        ("changing", moving(Model::Sar, FixedEffects::Both)),
        ("changing, groups", Problem { layout: groups, ..moving(Model::Sar, FixedEffects::Both) }),
    ];
    for (name, p) in cases {
        let p = Problem { approach: approach.clone(), ..p };
        let e = estimate(&p, &Never).unwrap();
        let (x, d, y) = (columns(&p), dummies(&p), DVector::from_column_slice(&p.outcome));
        let w = large(&p, p.lag_weights.as_ref().unwrap());
        let lags: Vec<DVector<f64>> = x.iter().flat_map(|x| [&w * x, &w * &w * x]).collect();
        let dummies: Vec<DVector<f64>> = d.column_iter().map(|c| c.into_owned()).collect();
        let a = DMatrix::from_columns(&[x.clone(), vec![&w * &y], dummies.clone()].concat());
        let z = DMatrix::from_columns(&[x, lags, dummies].concat());
        let svd = z.svd(true, false);
        let rank = svd.singular_values.iter().filter(|s| **s > 1e-9 * svd.singular_values[0]).count();
        let u = svd.u.unwrap().columns(0, rank).into_owned();
        let (ua, uy) = (u.tr_mul(&a), u.tr_mul(&y));
        let found = ua.clone().svd(true, true).solve(&uy, 1e-12).unwrap();
        for (k, b) in e.coefficients.iter().enumerate() {
            assert!((b - found[k]).abs() < 1e-8, "{name}: coefficient {k} is {b}, not {}", found[k]);
        }
    }
}
