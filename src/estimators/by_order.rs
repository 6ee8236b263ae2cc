//! The effects of each order of neighbors (methods D.1): `M = Σ_q ρ^q W^q (βI + Σ θ_b W_b)` sorted by powers, and what lies
//! beyond the last of them.

use super::by_unit::{matrix, rho};
use super::sample::Sample;
use super::{EffectOf, EstimateError, Estimated, Interrupt, Measured, Problem};
use crate::inference::effects::measured;
use crate::inference::long_run::{Matrix, times};
use crate::linalg::iterate::dot;
use crate::linalg::probes::{ProbedMean, signs};
use nalgebra::{DMatrix, DVector};

/// Products of entries up to which traces of powers are exact.
const EXACT: f64 = 5e9;
/// Columns carried together; where traces are not exact, the random signs that estimate them.
const BLOCK: usize = 64;
const SEED: u64 = 0x5EED_0008;

/// The effects of one regressor by order, from zero, and the rest.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderedEffects {
    pub orders: Vec<EffectOf>,
    /// The effect less all orders; without standard errors.
    pub rest: EffectOf,
}

/// [`effects_by_order`] of every regressor.
#[derive(Clone, Debug, PartialEq)]
pub struct ByOrder {
    pub regressors: Vec<OrderedEffects>,
    /// Number and largest relative error of the random probes of the traces, where they are not exact.
    pub probes: Option<(usize, f64)>,
}

/// `tr W^q X_x` and `l'W^q X_x l`: `found[q][x]`, part 0 is the identity.
struct Powers {
    found: Vec<Vec<[f64; 2]>>,
    probes: Option<(usize, f64)>,
}

/// The partition of the effects over orders `0..=orders`: β alone in order zero, `ρ^q W^q β + ρ^(q−1) W^(q−1) Σ θ_b W_b`
/// in order q. Without a lag of the outcome there are the orders zero and one.
///
/// # Errors
/// `Interrupted`, or what makes the sample impossible.
pub fn effects_by_order(
    problem: &Problem,
    estimated: &Estimated,
    orders: usize,
    interrupt: &dyn Interrupt,
) -> Result<ByOrder, EstimateError> {
    interrupt.begin("effects by order");
    let sample = Sample::new(problem)?;
    let lag = problem.lag_weights.as_deref().filter(|_| problem.model.has_lag());
    let orders = if lag.is_some() { orders } else { 1 };
    let powers = Powers::of(problem, lag, orders, interrupt)?;
    let at = Terms { sample: &sample, estimated, rho: rho(problem, estimated), vcov: matrix(&estimated.vcov) };
    let of = |k: usize| {
        let found: Vec<EffectOf> = (0..=orders).map(|q| at.order(&powers.found, k, q)).collect();
        let whole = &estimated.effects[k];
        let left = |part: &dyn Fn(&EffectOf) -> f64| Measured {
            estimate: part(whole) - found.iter().map(part).sum::<f64>(),
            se: f64::NAN,
        };
        let rest = EffectOf {
            direct: left(&|e| e.direct.estimate),
            indirect: left(&|e| e.indirect.estimate),
            total: left(&|e| e.total.estimate),
        };
        OrderedEffects { orders: found, rest }
    };
    Ok(ByOrder { regressors: (0..problem.regressors.len()).map(of).collect(), probes: powers.probes })
}

/// What the orders of one model are made of.
struct Terms<'a> {
    sample: &'a Sample<'a>,
    estimated: &'a Estimated,
    rho: f64,
    vcov: DMatrix<f64>,
}

impl Terms<'_> {
    fn order(&self, powers: &[Vec<[f64; 2]>], k: usize, q: usize) -> EffectOf {
        let [(direct, d), (total, t)] = [0, 1].map(|f| self.functional(powers, k, q, f));
        EffectOf {
            direct: measured(direct, &d, &self.vcov),
            indirect: measured(total - direct, &(&t - &d), &self.vcov),
            total: measured(total, &t, &self.vcov),
        }
    }

    /// The value of one functional of one order, and its gradient.
    fn functional(&self, powers: &[Vec<[f64; 2]>], k: usize, q: usize, f: usize) -> (f64, DVector<f64>) {
        let (sample, rho) = (self.sample, self.rho);
        let n = sample.units as f64;
        let mut gradient = DVector::zeros(self.vcov.nrows());
        let mut value = 0.0;
        let mut add = |place: usize, power: usize, x: usize| {
            let coefficient = self.estimated.coefficients[place];
            let base = powers[power][x][f] / n;
            gradient[place] += base * rho.powi(power as i32);
            value += coefficient * base * rho.powi(power as i32);
            if sample.problem.model.has_lag() && power > 0 {
                gradient[sample.slopes()] += coefficient * base * power as f64 * rho.powi(power as i32 - 1);
            }
        };
        if q == 0 || sample.problem.model.has_lag() {
            add(sample.own(k), q, 0);
        }
        for b in (0..sample.problem.durbin_weights.len()).filter(|_| q > 0) {
            if let Some(place) = sample.lag_of(b, k) {
                add(place, q - 1, b + 1);
            }
        }
        (value, gradient)
    }
}

impl Powers {
    fn of(problem: &Problem, lag: Matrix, orders: usize, interrupt: &dyn Interrupt) -> Result<Powers, EstimateError> {
        let n = problem.durbin_weights.first().or(problem.lag_weights.as_ref()).map_or(problem.units, |w| w.units());
        let inner: Vec<Matrix> =
            std::iter::once(None).chain(problem.durbin_weights.iter().map(|w| Some(&**w))).collect();
        let links = inner.iter().chain([&lag]).flatten().map(|w| w.matrix.nnz()).max().unwrap_or(0);
        let exact = (n * orders * inner.len()) as f64 * links as f64 <= EXACT;
        let last = if exact { n } else { BLOCK };
        let width = (orders + 1) * inner.len();
        // One value for each column of z and each power and part.
        let mut columns: Vec<Vec<f64>> = vec![Vec::new(); width];
        for first in (0..last).step_by(BLOCK) {
            if interrupt.stop() {
                return Err(EstimateError::Interrupted);
            }
            let here = first..(first + BLOCK).min(last);
            let z: Vec<f64> = if exact {
                here.flat_map(|k| (0..n).map(move |i| f64::from(u8::from(i == k)))).collect()
            } else {
                here.flat_map(|k| signs(SEED, k as u64, n)).collect()
            };
            for (column, values) in columns.iter_mut().zip(forms(&inner, lag, orders, &z, n)) {
                column.extend(values);
            }
        }
        let ones = vec![1.0; n];
        let sums = forms(&inner, lag, orders, &ones, n);
        let mut probes = None;
        let mut trace = |values: &[f64]| {
            if exact {
                return values.iter().sum();
            }
            let found = ProbedMean::of(values);
            let error = found.relative_error * found.mean.abs() / n as f64;
            probes = Some((BLOCK, probes.map_or(error, |(_, e): (usize, f64)| e.max(error))));
            found.mean
        };
        let parts = inner.len();
        let place = |q: usize, x: usize| q * parts + x;
        let found = (0..=orders)
            .map(|q| (0..parts).map(|x| [trace(&columns[place(q, x)]), sums[place(q, x)][0]]).collect())
            .collect();
        Ok(Powers { found, probes })
    }
}

/// `z'W^q X_x z` for every column of z: by power, then part.
fn forms(inner: &[Matrix], lag: Matrix, orders: usize, z: &[f64], n: usize) -> Vec<Vec<f64>> {
    let mut current: Vec<Vec<f64>> = inner.iter().map(|x| times(*x, z, n)).collect();
    let mut out = Vec::new();
    for q in 0..=orders {
        for v in &mut current {
            if q > 0 {
                *v = lag.map_or_else(|| vec![0.0; v.len()], |_| times(lag, v, n));
            }
            out.push(z.chunks_exact(n).zip(v.chunks_exact(n)).map(|(a, b)| dot(a, b)).collect());
        }
    }
    out
}
