//! What is true of the simulated corridors, from the parameters and the explicit inverse `(I - rho W)^-1`.
//!
//! By years since joining the event study is the model the data come from: its truth is the parameters' own. The pooled
//! model gives all years one effect, which no single number of the data's equation is; its truth is what it estimates as
//! noise averages out: the parameters that maximize the expected log-likelihood of the transformed model (methods C.3, C.4).

use crate::simulate::{DIV, Path, SIGMA, SPEC, Study, YEARS};
use nalgebra::{DMatrix, DVector};
use serde_json::{Value, json};

/// Direct and indirect effect averaged over places, and of the policy: on the treated, and on the untreated.
pub struct Truth {
    pub rho: f64,
    pub direct: f64,
    pub indirect: f64,
    pub policy: [f64; 3],
}

/// The text of truth.json.
pub fn document(study: &Study) -> String {
    let of = |path: &Path| {
        json!({
            "parameters": {
                "rho": path.rho, "sigma": SIGMA, "direct": path.direct, "spill": path.spill,
                "controls": path.controls, "controls_lagged": path.lagged,
            },
            "pooled": shown(&pooled(study, path)),
            "policy": policy_json(&policy(study, path)),
            "by_event_time": (0..6).map(|e| {
                let (direct, indirect) = at_event_time(study, path, e);
                json!({ "event_time": e, "direct": rounded(direct), "indirect": rounded(indirect) })
            }).collect::<Vec<Value>>(),
        })
    };
    let all = json!({
        "note": "Simulated. `pooled` is what one effect for all years estimates (the maximum of the expected likelihood); `policy` what the policy did, \
                 averaged over treated city-years and over untreated ones since the first start; `by_event_time` the marginal effects, the last from there on.",
        "spec": of(&SPEC),
        "div": of(&DIV),
    });
    format!("{all:#}\n")
}

fn rounded(x: f64) -> f64 {
    (x * 1e8).round() / 1e8
}

fn policy_json(p: &[f64; 3]) -> Value {
    json!({
        "direct_on_treated": rounded(p[0]), "indirect_on_treated": rounded(p[1]), "indirect_on_untreated": rounded(p[2]),
    })
}

fn shown(t: &Truth) -> Value {
    json!({
        "rho": rounded(t.rho), "direct": rounded(t.direct), "indirect": rounded(t.indirect), "policy": policy_json(&t.policy),
    })
}

/// Direct and indirect effect, averaged over places, so many years after joining.
pub fn at_event_time(study: &Study, path: &Path, e: usize) -> (f64, f64) {
    marginal(&effects(study, path.rho, path.direct[e], path.spill[e]))
}

/// `(I - rho W)^-1 (beta I + theta W)`.
fn effects(study: &Study, rho: f64, beta: f64, theta: f64) -> DMatrix<f64> {
    let n = study.cities.len();
    study.multiplier(rho) * (DMatrix::identity(n, n) * beta + &study.w * theta)
}

fn marginal(m: &DMatrix<f64>) -> (f64, f64) {
    let n = m.nrows() as f64;
    let direct = m.trace() / n;
    (direct, m.sum() / n - direct)
}

/// Own effect and spill-in on treated city-years, and spill-in on untreated ones once anyone is treated.
fn shares(study: &Study, each: impl Fn(usize) -> (DVector<f64>, DVector<f64>)) -> [f64; 3] {
    let (mut sums, mut treated, mut untreated) = ([0.0; 3], 0.0, 0.0);
    for t in 0..YEARS {
        let anyone = (0..study.cities.len()).any(|i| study.since(i, t).is_some());
        let (own, all) = each(t);
        for i in 0..study.cities.len() {
            if study.since(i, t).is_some() {
                treated += 1.0;
                sums[0] += own[i];
                sums[1] += all[i] - own[i];
            } else if anyone {
                untreated += 1.0;
                sums[2] += all[i];
            }
        }
    }
    [sums[0] / treated, sums[1] / treated, sums[2] / untreated]
}

/// What the policy did, with each place's effect as its years since joining have it.
pub fn policy(study: &Study, path: &Path) -> [f64; 3] {
    let inverse = study.multiplier(path.rho);
    let carried = &inverse * &study.w;
    shares(study, |t| {
        let (beta, theta) = (study.along(&path.direct, t), study.along(&path.spill, t));
        let own = DVector::from_fn(beta.len(), |i, _| inverse[(i, i)] * beta[i] + carried[(i, i)] * theta[i]);
        (own, &inverse * beta + &carried * theta)
    })
}

/// What the pooled model estimates.
pub fn pooled(study: &Study, path: &Path) -> Truth {
    let limit = Limit::of(study, path);
    let rho = limit.best();
    let b = limit.at(rho).1;
    let m = effects(study, rho, b[0], b[1]);
    let (direct, indirect) = marginal(&m);
    let policy = shares(study, |t| {
        let d = study.along(&[1.0; 6], t);
        (d.component_mul(&m.diagonal()), &m * d)
    });
    Truth { rho, direct, indirect, policy }
}

/// The expected log-likelihood of the pooled model, a function of rho alone.
struct Limit<'a> {
    study: &'a Study,
    /// Treatment, controls and the lags of both, demeaned both ways: a column each.
    z: DMatrix<f64>,
    /// What outcomes are on average, by year, and the multiplier that made them.
    means: Vec<DVector<f64>>,
    inverse: DMatrix<f64>,
}

/// Demeaned by place and by year, place fastest.
fn demeaned(years: &[DVector<f64>]) -> DVector<f64> {
    let (n, t) = (years[0].len(), years.len());
    let by_place = years.iter().fold(DVector::zeros(n), |sum, y| sum + y) / t as f64;
    let grand = by_place.mean();
    let rows = years.iter().flat_map(|y| {
        let shift = grand - y.mean();
        (y - &by_place).add_scalar(shift).iter().copied().collect::<Vec<f64>>()
    });
    DVector::from_iterator(n * t, rows)
}

impl Limit<'_> {
    fn of<'a>(study: &'a Study, path: &Path) -> Limit<'a> {
        let each = |f: &dyn Fn(usize) -> DVector<f64>| (0..YEARS).map(f).collect::<Vec<_>>();
        let mut terms = vec![each(&|t| study.along(&[1.0; 6], t))];
        terms.push(each(&|t| &study.w * study.along(&[1.0; 6], t)));
        for k in 0..3 {
            terms.push(each(&|t| study.controls(t)[k].clone()));
            terms.push(each(&|t| &study.w * &study.controls(t)[k]));
        }
        let z = DMatrix::from_columns(&terms.iter().map(|years| demeaned(years)).collect::<Vec<_>>());
        let inverse = study.multiplier(path.rho);
        let means = each(&|t| &inverse * study.systematic(path, t));
        Limit { study, z, means, inverse }
    }

    /// The log-likelihood but for constants, and the coefficients.
    fn at(&self, rho: f64) -> (f64, DVector<f64>) {
        let n = self.study.cities.len();
        let filter = DMatrix::identity(n, n) - &self.study.w * rho;
        let y = demeaned(&self.means.iter().map(|m| &filter * m).collect::<Vec<_>>());
        let products = self.z.tr_mul(&self.z).cholesky().unwrap_or_else(|| panic!("the design has full rank"));
        let b = products.solve(&self.z.tr_mul(&y));
        let unexplained = (&y - &self.z * &b).norm_squared();
        // noise as the filter leaves it, without its mean over places
        let mut noise = &filter * &self.inverse;
        let column_means = noise.row_sum() / n as f64;
        for mut row in noise.row_iter_mut() {
            row -= &column_means;
        }
        let years = (YEARS - 1) as f64;
        let size = years * (n - 1) as f64;
        let sum = unexplained + years * SIGMA * SIGMA * noise.norm_squared();
        let determinant = filter.determinant().ln() - (1.0 - rho).ln();
        (years * determinant - size / 2.0 * (sum / size).ln(), b)
    }

    /// The maximum between -0.6 and 0.9, by golden sections.
    fn best(&self) -> f64 {
        let ratio = (5f64.sqrt() - 1.0) / 2.0;
        let (mut lo, mut hi) = (-0.6, 0.9);
        while hi - lo > 1e-9 {
            let (a, b) = (hi - ratio * (hi - lo), lo + ratio * (hi - lo));
            if self.at(a).0 < self.at(b).0 { lo = a } else { hi = b }
        }
        (lo + hi) / 2.0
    }
}
