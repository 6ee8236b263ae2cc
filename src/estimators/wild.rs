//! The wild cluster bootstrap of least squares with the null hypothesis imposed (Cameron, Gelbach and Miller 2008; methods
//! C.11): p-values of every coefficient and effect, and intervals of the values that the test does not reject.
//!
//! For a hypothesis `c'β = b` let `x̃` be the direction of the design in which alone `c'β` is estimated, `c'β̂ = x̃'y/x̃'x̃`.
//! The residuals under the hypothesis are `ũ = û + δx̃` with `δ = c'β̂ − b`; a replication flips them cluster by cluster,
//! `y* = fit + vũ`, and its statistic is `t* = x̃'vũ / √Σ_h (x̃_h'Mvũ)²` up to the factor both statistics share. With
//! `K_hg = (M x̃_[h])'ũ_[g]`, G × G and linear in δ, no replication touches the rows again, for any hypothesis.

use super::along::parts;
use super::sample::Sample;
use super::spread::{Resampled, Spread};
use super::{EstimateError, Estimated, Interrupt, Problem, Variance};
use crate::inference::policy::PolicyCells;
use crate::linalg::LinalgError;
use crate::linalg::iterate::{axpy, combine, dot};
use crate::linalg::probes::{below, rademacher};
use nalgebra::DVector;
use rayon::prelude::*;

/// Clusters below which Webb's weights are the default.
pub const FEW_CLUSTERS: usize = 12;
/// Clusters worked on together.
const BLOCK: usize = 32;
/// Numbers of all weights at most.
const MOST: usize = 100_000_000;
/// Keeps the streams of one seed apart.
pub(crate) const WILD: u64 = 0xD2A1_0000_0000_0002;
/// Statistics this close are equal: with few clusters flipping all signs gives the statistic itself.
const TIE: f64 = 1e-10;
/// Steps of the search for the end of an interval, in standard errors, and how many before they double. Beyond a thousand
/// standard errors the two statistics differ by rounding alone: an interval that reaches there has no end.
const STEP: f64 = 0.25;
const STEPS: usize = 80;
const DOUBLINGS: usize = 11;

/// What residuals are multiplied with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WildWeights {
    /// −1 and 1.
    Rademacher,
    /// ±√½, ±1, ±√1½ (Webb 2023).
    Webb,
}

impl WildWeights {
    /// Its word in the language.
    pub fn word(self) -> &'static str {
        match self {
            WildWeights::Rademacher => "rademacher",
            WildWeights::Webb => "webb",
        }
    }

    /// As given, or by the number of clusters (methods C.11).
    pub fn or_default(given: Option<WildWeights>, clusters: usize) -> WildWeights {
        given.unwrap_or(if clusters < FEW_CLUSTERS { WildWeights::Webb } else { WildWeights::Rademacher })
    }

    /// The weight of one cluster in one replication.
    pub fn draw(self, seed: u64, replication: u64, cluster: u64) -> f64 {
        match self {
            WildWeights::Rademacher => rademacher(seed, replication, cluster),
            WildWeights::Webb => {
                let k = below(seed, replication, cluster, 6);
                let size = [0.5f64, 1.0, 1.5][k % 3].sqrt();
                if k < 3 { -size } else { size }
            }
        }
    }
}

/// The settings of a wild cluster bootstrap.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wild {
    pub reps: usize,
    pub seed: u64,
    pub level: f64,
    /// `None`: by the number of clusters.
    pub weights: Option<WildWeights>,
}

/// What it found, and with what.
#[derive(Clone, Debug, PartialEq)]
pub struct WildFound {
    pub spreads: Resampled,
    pub clusters: usize,
    pub weights: WildWeights,
}

/// The bootstrap test of every coefficient and effect of a least-squares fit whose variance is one of clusters; standard
/// errors are those of `estimated`.
///
/// # Errors
/// `Interrupted`; `VarianceNotDefined` without clusters; `TooLarge` for too many of them.
pub fn wild(
    problem: &Problem,
    estimated: &Estimated,
    settings: Wild,
    interrupt: &dyn Interrupt,
) -> Result<WildFound, EstimateError> {
    interrupt.begin("wild cluster bootstrap");
    let sample = Sample::new(problem)?;
    let (cluster, numbers) = clusters(problem)?;
    let clusters = sample.rows().clusters(problem.variance).ok_or(EstimateError::VarianceNotDefined)?;
    if clusters.saturating_mul(settings.reps) > MOST {
        let bytes = 8 * clusters as u64 * settings.reps as u64;
        return Err(LinalgError::TooLarge { what: "the weights of a wild bootstrap", bytes }.into());
    }
    let weights = WildWeights::or_default(settings.weights, clusters);
    let seed = settings.seed ^ WILD;
    let draw = |g: usize| (0..settings.reps as u64).map(|r| weights.draw(seed, r, g as u64)).collect();
    let signs: Vec<Vec<f64>> = (0..numbers).into_par_iter().map(draw).collect();
    let test = Test { sample: &sample, cluster, signs, settings, interrupt };
    let cells = PolicyCells::of(&sample);
    let directions = directions(&sample, cells.as_ref())?;
    let errors = errors(estimated);
    let mut known: Vec<(DVector<f64>, Spread)> = Vec::new();
    let mut found = Vec::with_capacity(directions.len());
    for (k, (c, se)) in directions.iter().zip(errors).enumerate() {
        interrupt.progress(k, directions.len());
        let spread = match known.iter().find(|(d, _)| d == c) {
            Some((_, spread)) => *spread,
            None => {
                let spread = test.of(c)?;
                known.push((c.clone(), spread));
                spread
            }
        };
        found.push(Spread { se, ..spread });
    }
    let (coefficients, rest) = found.split_at(sample.slopes());
    let (effects, policy) = rest.split_at(3 * problem.regressors.len());
    let spreads = Resampled {
        used: settings.reps,
        discarded: 0,
        coefficients: coefficients.to_vec(),
        vcov: None,
        effects: effects.chunks_exact(3).map(|c| [c[0], c[1], c[2]]).collect(),
        long_run: Vec::new(),
        policy: policy.try_into().ok(),
    };
    Ok(WildFound { spreads, clusters, weights })
}

/// The cluster of every cell, and how many numbers they have.
pub(crate) fn clusters(problem: &Problem) -> Result<(Vec<u32>, usize), EstimateError> {
    let (n, t) = (problem.units, problem.periods);
    let cells = 0..n * t;
    match problem.variance {
        Variance::ClusterUnit => Ok((cells.map(|r| (r % n) as u32).collect(), n)),
        Variance::ClusterTime => Ok((cells.map(|r| (r / n) as u32).collect(), t)),
        Variance::ClusterColumn => {
            let given = problem.layout.clusters.clone();
            let count = given.iter().max().map_or(0, |m| *m as usize + 1);
            Ok((given, count))
        }
        _ => Err(EstimateError::VarianceNotDefined),
    }
}

/// Standard errors in the order of [`directions`].
fn errors(estimated: &Estimated) -> Vec<f64> {
    let mut out: Vec<f64> = (0..estimated.coefficients.len()).map(|k| estimated.vcov[k][k].sqrt()).collect();
    out.extend(estimated.effects.iter().flat_map(|e| [e.direct.se, e.indirect.se, e.total.se]));
    out.extend(estimated.policy.iter().flat_map(|p| {
        [
            p.direct_on_treated.se,
            p.indirect_on_treated.se,
            p.total_on_treated.se,
            p.indirect_on_untreated.se,
            p.indirect_on_exposed.se,
            p.aggregate.se,
        ]
    }));
    out
}

/// What is tested, as combinations of slopes: each slope, direct, indirect and total effects, policy effects.
fn directions(sample: &Sample, cells: Option<&PolicyCells>) -> Result<Vec<DVector<f64>>, EstimateError> {
    let p = sample.slopes();
    let parts = parts(sample, None, cells)?;
    let of = |k: usize, f: usize| {
        let mut c = DVector::zeros(p);
        c[sample.own(k)] = parts[0][f];
        for b in 0..sample.problem.durbin_weights.len() {
            if let Some(at) = sample.lag_of(b, k) {
                c[at] = parts[b + 1][f];
            }
        }
        c
    };
    let mut out: Vec<DVector<f64>> = (0..p).map(|j| DVector::from_fn(p, |i, _| f64::from(u8::from(i == j)))).collect();
    for k in 0..sample.problem.regressors.len() {
        let (direct, total) = (of(k, 0), of(k, 1));
        out.extend([direct.clone(), &total - &direct, total]);
    }
    if let Some(cells) = cells {
        let [own, treated, untreated, exposed, all] = [2, 3, 4, 5, 6].map(|f| of(cells.regressor, f));
        out.extend([own.clone(), &treated - &own, treated, untreated, exposed, all]);
    }
    Ok(out)
}

/// The bootstrap test on one sample.
struct Test<'a> {
    sample: &'a Sample<'a>,
    cluster: Vec<u32>,
    /// By cluster, then replication.
    signs: Vec<Vec<f64>>,
    settings: Wild,
    interrupt: &'a dyn Interrupt,
}

/// Numerators and squared denominators of every replication as polynomials in δ, and the same of the sample.
struct Statistics {
    numerator: [Vec<f64>; 2],
    square: [Vec<f64>; 3],
    /// `1/x̃'x̃` and `√Σ_h (x̃_h'û)²`.
    scale: f64,
    spread: f64,
}

impl Statistics {
    /// p of the hypothesis that is δ away from the estimate.
    fn p(&self, delta: f64) -> f64 {
        let actual = delta.abs() / (self.scale * self.spread) * (1.0 - TIE);
        let reps = self.numerator[0].len();
        let beyond = (0..reps).filter(|&r| {
            let numerator = (self.numerator[0][r] + delta * self.numerator[1][r]).abs();
            let [a, b, c] = [0, 1, 2].map(|k| self.square[k][r]);
            let square = a + 2.0 * delta * b + delta * delta * c;
            // without a division: a replication without spread is beyond every value
            numerator >= actual * square.max(0.0).sqrt()
        });
        (1 + beyond.count()) as f64 / (1 + reps) as f64
    }

    /// The nearest δ in one direction that is rejected; infinite where none is.
    fn end(&self, se: f64, sign: f64, size: f64) -> f64 {
        let mut inner = 0.0;
        let mut step = STEP * se;
        for k in 0..STEPS + DOUBLINGS {
            let outer = inner + step;
            if self.p(sign * outer) <= size {
                return sign * self.between(inner, outer, sign, size);
            }
            inner = outer;
            if k >= STEPS {
                step *= 2.0;
            }
        }
        sign * f64::INFINITY
    }

    fn between(&self, mut inner: f64, mut outer: f64, sign: f64, size: f64) -> f64 {
        while outer - inner > 1e-9 * outer {
            let middle = 0.5 * (inner + outer);
            if self.p(sign * middle) <= size { outer = middle } else { inner = middle }
        }
        outer
    }
}

impl Test<'_> {
    /// p of `c'β = 0` and the interval of what is not rejected; the standard error is left to the caller.
    fn of(&self, c: &DVector<f64>) -> Result<Spread, EstimateError> {
        let a = self.sample.inverse_triangle().tr_mul(c);
        let scale = a.dot(&a);
        if !(scale > 0.0 && scale.is_finite()) {
            return Ok(Spread::NONE);
        }
        let statistics = self.statistics(&a, scale)?;
        let estimate = a.dot(&self.sample.d0);
        let se = statistics.scale * statistics.spread;
        if se.is_nan() || se <= 0.0 {
            return Ok(Spread::NONE);
        }
        let size = 1.0 - self.settings.level;
        let (below, above) = (statistics.end(se, -1.0, size), statistics.end(se, 1.0, size));
        Ok(Spread { se, interval: [estimate - above, estimate - below], p: Some(statistics.p(estimate)) })
    }

    fn statistics(&self, a: &DVector<f64>, scale: f64) -> Result<Statistics, EstimateError> {
        let sample = self.sample;
        let mut x = vec![0.0; sample.units * sample.periods];
        let terms: Vec<(f64, &[f64])> = a.iter().zip(&sample.basis).map(|(a, b)| (a / scale, b.as_slice())).collect();
        combine(&terms, &mut x);
        let residual = &sample.e0;
        let reps = self.settings.reps;
        let (own, square) = (self.sums(&x, residual), self.sums(&x, &x));
        let mut out = Statistics {
            numerator: [self.flipped(&own), self.flipped(&square)],
            square: [vec![0.0; reps], vec![0.0; reps], vec![0.0; reps]],
            scale,
            spread: dot(&own, &own).sqrt(),
        };
        let groups = self.signs.len();
        for first in (0..groups).step_by(BLOCK) {
            if self.interrupt.stop() {
                return Err(EstimateError::Interrupted);
            }
            let block: Vec<usize> = (first..(first + BLOCK).min(groups)).collect();
            let scores = |h: &usize| -> Result<[Vec<f64>; 2], EstimateError> {
                let left = self.off_design(&x, *h)?;
                Ok([self.flipped(&self.sums(&left, residual)), self.flipped(&self.sums(&left, &x))])
            };
            // Collected in order, so that sums do not depend on threads.
            let block: Vec<[Vec<f64>; 2]> = block.par_iter().map(scores).collect::<Result<_, _>>()?;
            for [u, v] in &block {
                for r in 0..reps {
                    out.square[0][r] += u[r] * u[r];
                    out.square[1][r] += u[r] * v[r];
                    out.square[2][r] += v[r] * v[r];
                }
            }
        }
        Ok(out)
    }

    /// `Σ x y` by cluster.
    fn sums(&self, x: &[f64], y: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.signs.len()];
        for (g, (x, y)) in self.cluster.iter().zip(x.iter().zip(y)) {
            out[*g as usize] += x * y;
        }
        out
    }

    /// `Σ_g v_g k_g` of every replication.
    fn flipped(&self, k: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.settings.reps];
        k.iter().zip(&self.signs).filter(|(k, _)| **k != 0.0).for_each(|(k, signs)| axpy(*k, signs, &mut out));
        out
    }

    /// `M x̃_[h]`: one cluster of the direction, off effects and design.
    fn off_design(&self, x: &[f64], h: usize) -> Result<Vec<f64>, EstimateError> {
        let sample = self.sample;
        let mut out: Vec<f64> =
            x.iter().zip(&self.cluster).map(|(x, g)| if *g as usize == h { *x } else { 0.0 }).collect();
        sample.remove(&mut out)?;
        let inside: Vec<f64> = sample.basis.iter().map(|b| dot(b, &out)).collect();
        let terms: Vec<(f64, &[f64])> = inside.iter().zip(&sample.basis).map(|(c, b)| (-c, b.as_slice())).collect();
        combine(&terms, &mut out);
        Ok(out)
    }
}
