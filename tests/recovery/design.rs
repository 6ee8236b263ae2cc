//! The panels of methods G.1: units on a square of 900 km, a corridor treated in stages, two-way effects.

use crate::random::Random;
use durbin::estimators::*;
use durbin::weights::Weights;
use durbin::weights::geometry::{Coordinates, band, knn};
use durbin::weights::scale;
use nalgebra::{DMatrix, DVector};
use std::sync::Arc;

pub const UNITS: usize = 75;
pub const PERIODS: usize = 17;
/// How many units are treated in the end.
const TREATED: usize = 27;
const SIGMA: f64 = 0.2;

/// What stays the same in every replication.
pub struct Design {
    pub lag: Arc<Weights>,
    pub error: Arc<Weights>,
    /// 0/1, unit fastest.
    pub treatment: Vec<f64>,
    unit_effects: Vec<f64>,
    period_effects: Vec<f64>,
    /// The autocorrelation of the errors within a unit; their variance stays the same.
    persistence: f64,
    stream: u64,
}

/// The parameters of the process: `y = ρWy + βD + θWD + γx + δWx + μ + ξ + u`, `u = λW₂u + ε`.
#[derive(Clone, Copy, Default)]
pub struct Truth {
    pub rho: f64,
    pub lambda: f64,
    pub beta: f64,
    pub theta: f64,
    pub gamma: f64,
    pub delta: f64,
}

impl Design {
    /// Weights of the five nearest, of the eight nearest for the errors; period effects a random walk with steps of .1.
    pub fn corridor(seed: u64) -> Design {
        let places = places(seed);
        let row = |k: usize| Arc::new(scale::row(&knn(&places, k).unwrap().0));
        Design::new(seed, &places, row(5), row(8))
    }

    /// `band(0, 90 km]` scaled by its spectral radius, with islands; period effects with this deviation (S3).
    pub fn bands(seed: u64, period_deviation: f64) -> Design {
        let places = places(seed);
        let w = Arc::new(scale::spectral(&band(&places, 0.0, 90.0).unwrap()).unwrap());
        assert!(!w.islands().is_empty());
        let mut design = Design::new(seed, &places, w.clone(), w);
        design.period_effects = Random::new(seed, 3).normals(PERIODS).iter().map(|v| period_deviation * v).collect();
        design
    }

    /// The period effects that every replication has.
    pub fn period_effects(&self) -> &[f64] {
        &self.period_effects
    }

    /// The same design with autocorrelated errors.
    pub fn with_persistence(self, persistence: f64) -> Design {
        Design { persistence, ..self }
    }

    /// The same design without period effects.
    pub fn without_periods(self) -> Design {
        Design { period_effects: vec![0.0; PERIODS], ..self }
    }

    /// `S y − mean − effects`, the error of a draw without spatial errors.
    pub fn noise(&self, truth: &Truth, p: &Problem) -> Vec<f64> {
        let mean = self.mean(truth, &p.regressors[0].values, &p.regressors[1].values);
        let wy = self.lagged(&p.outcome);
        (0..mean.len()).map(|r| p.outcome[r] - truth.rho * wy[r] - mean[r]).collect()
    }

    /// The outcome of a draw had its second regressor been `x`, with the same errors.
    pub fn shifted(&self, truth: &Truth, p: &Problem, x: &[f64]) -> Vec<f64> {
        let (noise, mean) = (self.noise(truth, p), self.mean(truth, &p.regressors[0].values, x));
        let s = Self::inverse(&self.lag, truth.rho);
        let source: Vec<f64> = mean.iter().zip(&noise).map(|(m, e)| m + e).collect();
        source.chunks_exact(UNITS).flat_map(|c| (&s * DVector::from_column_slice(c)).as_slice().to_vec()).collect()
    }

    /// `x` and outcome of a draw with these unit effects in place of the design's, inside of the spatial error or not.
    pub fn with_random_effects(
        &self,
        truth: &Truth,
        p: &Problem,
        effects: &[f64],
        inside: bool,
    ) -> (Vec<f64>, Vec<f64>) {
        let d = &p.regressors[0].values;
        let own = |r: usize| self.unit_effects[r % UNITS];
        let x: Vec<f64> = p.regressors[1].values.iter().enumerate().map(|(r, x)| x - 0.5 * own(r)).collect();
        let noise = self.noise(truth, p);
        let spread = Self::inverse(&self.error, truth.lambda) * DVector::from_column_slice(effects);
        let source: Vec<f64> = self
            .mean(truth, d, &x)
            .iter()
            .zip(&noise)
            .enumerate()
            .map(|(r, (m, e))| m + e - own(r) + if inside { spread[r % UNITS] } else { effects[r % UNITS] })
            .collect();
        let s = Self::inverse(&self.lag, truth.rho);
        let outcome =
            source.chunks_exact(UNITS).flat_map(|c| (&s * DVector::from_column_slice(c)).as_slice().to_vec()).collect();
        (x, outcome)
    }

    fn mean(&self, truth: &Truth, d: &[f64], x: &[f64]) -> Vec<f64> {
        let (wd, wx) = (self.lagged(d), self.lagged(x));
        let of = |r: usize| {
            let effects = self.unit_effects[r % UNITS] + self.period_effects[r / UNITS];
            truth.beta * d[r] + truth.theta * wd[r] + truth.gamma * x[r] + truth.delta * wx[r] + effects
        };
        (0..d.len()).map(of).collect()
    }

    /// `S⁻¹x`, period by period.
    pub fn spread(&self, rho: f64, x: &[f64]) -> Vec<f64> {
        let s = Self::inverse(&self.lag, rho);
        x.chunks_exact(UNITS).flat_map(|c| (&s * DVector::from_column_slice(c)).as_slice().to_vec()).collect()
    }

    /// Diagonal of `G = WS⁻¹`.
    pub fn own_feedback(&self, rho: f64) -> Vec<f64> {
        let s = Self::inverse(&self.lag, rho);
        let at =
            |i: usize| self.lag.matrix.outer_view(i).map_or(0.0, |row| row.iter().map(|(k, w)| w * s[(k, i)]).sum());
        (0..UNITS).map(at).collect()
    }

    /// `Wx`, period by period.
    pub fn lagged(&self, x: &[f64]) -> Vec<f64> {
        let at = |c: &[f64]| -> Vec<f64> {
            self.lag.matrix.outer_iterator().map(|row| row.iter().map(|(k, w)| w * c[k]).sum()).collect()
        };
        x.chunks_exact(UNITS).flat_map(at).collect()
    }

    fn new(seed: u64, at: &Coordinates, lag: Arc<Weights>, error: Arc<Weights>) -> Design {
        let mut random = Random::new(seed, 2);
        let Coordinates::Planar(points) = at else { unreachable!("coordinates are planar") };
        // the corridor is the diagonal of the square; its nearest units start between the 8th and the 12th of 17 years
        let mut order: Vec<(f64, usize)> = points.iter().enumerate().map(|(i, p)| ((p[0] - p[1]).abs(), i)).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut starts = vec![PERIODS; UNITS];
        for (place, &(_, i)) in order[..TREATED].iter().enumerate() {
            starts[i] = 7 + place % 5;
        }
        let treatment = (0..UNITS * PERIODS).map(|r| f64::from(u8::from(r / UNITS >= starts[r % UNITS]))).collect();
        let mut level = 0.0;
        let walk = |step: f64| {
            level += 0.1 * step;
            level
        };
        let period_effects = random.normals(PERIODS).into_iter().map(walk).collect();
        Design {
            lag,
            error,
            treatment,
            unit_effects: random.normals(UNITS),
            period_effects,
            persistence: 0.0,
            stream: seed,
        }
    }

    fn inverse(w: &Weights, x: f64) -> DMatrix<f64> {
        let mut out = DMatrix::identity(UNITS, UNITS);
        w.matrix.iter().for_each(|(v, (i, k))| out[(i, k)] -= x * v);
        out.try_inverse().unwrap()
    }

    /// One replication: `x = μ/2 + N(0, 1)` and the errors are drawn anew.
    pub fn draw(&self, truth: &Truth, replication: u64) -> Problem {
        let mut random = Random::new(self.stream ^ 0xD0B1, 1000 + replication);
        let (s, r) = (Self::inverse(&self.lag, truth.rho), Self::inverse(&self.error, truth.lambda));
        let x: Vec<f64> = (0..UNITS * PERIODS).map(|c| 0.5 * self.unit_effects[c % UNITS] + random.normal()).collect();
        let lagged = |v: &DVector<f64>| {
            DVector::from_vec(
                self.lag
                    .matrix
                    .outer_iterator()
                    .map(|row| row.iter().map(|(k, w)| w * v[k]).sum())
                    .collect::<Vec<f64>>(),
            )
        };
        let mut outcome = Vec::with_capacity(x.len());
        let mut noise = DVector::zeros(UNITS);
        for t in 0..PERIODS {
            let now = |v: &[f64]| DVector::from_column_slice(&v[t * UNITS..(t + 1) * UNITS]);
            let (d, x) = (now(&self.treatment), now(&x));
            let fresh = DVector::from_vec(random.normals(UNITS)) * SIGMA;
            let phi = if t == 0 { 0.0 } else { self.persistence };
            noise = &noise * phi + fresh * (1.0 - phi * phi).sqrt();
            let mean = &d * truth.beta + lagged(&d) * truth.theta + &x * truth.gamma + lagged(&x) * truth.delta;
            let effects = DVector::from_column_slice(&self.unit_effects).add_scalar(self.period_effects[t]);
            outcome.extend((&s * (mean + effects + &r * &noise)).iter());
        }
        Problem {
            model: Model::Sdm,
            units: UNITS,
            periods: PERIODS,
            outcome,
            regressors: [self.treatment.clone(), x].map(|values| Regressor { values, lagged: true }).to_vec(),
            durbin_weights: vec![self.lag.clone()],
            lag_weights: Some(self.lag.clone()),
            error_weights: Some(self.error.clone()),
            fixed_effects: FixedEffects::Both,
            approach: Approach::Likelihood,
            likelihood: Likelihood::Transform,
            variance: Variance::Iid,
            df_adjust: false,
            time_lags: Vec::new(),
            treatment: Some(0),
            events: 0,
            exposures: 0,
            present: None,
            layout: Layout::default(),
        }
    }

    /// Direct and indirect effect on the treated, indirect on the untreated, at the true parameters (methods D.4).
    pub fn policy(&self, truth: &Truth) -> [f64; 3] {
        let s = Self::inverse(&self.lag, truth.rho);
        let mut inner = DMatrix::identity(UNITS, UNITS) * truth.beta;
        self.lag.matrix.iter().for_each(|(v, (i, k))| inner[(i, k)] += truth.theta * v);
        let m = s * inner;
        let d = &self.treatment;
        let first = d.iter().position(|v| *v == 1.0).unwrap() / UNITS * UNITS;
        let effect = |r: usize| (0..UNITS).map(|q| m[(r % UNITS, q)] * d[r / UNITS * UNITS + q]).sum::<f64>();
        let mean =
            |cells: &[usize], f: &dyn Fn(usize) -> f64| cells.iter().map(|&r| f(r)).sum::<f64>() / cells.len() as f64;
        let treated: Vec<usize> = (0..d.len()).filter(|&r| d[r] == 1.0).collect();
        let untreated: Vec<usize> = (first..d.len()).filter(|&r| d[r] == 0.0).collect();
        let own = |r: usize| m[(r % UNITS, r % UNITS)];
        [mean(&treated, &own), mean(&treated, &|r| effect(r) - own(r)), mean(&untreated, &effect)]
    }
}

pub fn places(seed: u64) -> Coordinates {
    let mut random = Random::new(seed, 1);
    Coordinates::Planar((0..UNITS).map(|_| [900e3 * random.uniform(), 900e3 * random.uniform()]).collect())
}
