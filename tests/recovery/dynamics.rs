//! Dynamic panels (methods C.7, G.6): the bias of lags of the outcome is there without the correction and gone with it.

use crate::random::Random;
use crate::tally::Tally;
use durbin::estimators::*;
use durbin::weights::Weights;
use durbin::weights::geometry::{Coordinates, knn};
use durbin::weights::scale;
use nalgebra::{DMatrix, DVector};
use std::sync::Arc;

const UNITS: usize = 75;
const BURN: usize = 40;
const REPLICATIONS: u64 = 300;
const NORMAL: f64 = 1.959963984540054;
/// τ, β, η, θ, ρ of methods G.6.
const TRUTH: [f64; 5] = [0.5, 0.4, -0.1, 0.2, 0.3];
const SIGMA: f64 = 0.3;

fn weights() -> Arc<Weights> {
    let mut random = Random::new(77, 1);
    let places = Coordinates::Planar((0..UNITS).map(|_| [random.uniform() * 9e5, random.uniform() * 9e5]).collect());
    Arc::new(scale::row(&knn(&places, 5).unwrap().0))
}

/// `y_t = τy_{t−1} + ρWy_t + ηWy_{t−1} + βx_t + θWx_t + μ + ξ_t + ε_t`, after a burn-in.
fn draw(w: &Arc<Weights>, periods: usize, replication: u64) -> Problem {
    let [tau, beta, eta, theta, rho] = TRUTH;
    let mut random = Random::new(78, replication);
    let mut dense = DMatrix::zeros(UNITS, UNITS);
    w.matrix.iter().for_each(|(v, (i, k))| dense[(i, k)] = *v);
    let s = (DMatrix::identity(UNITS, UNITS) - &dense * rho).try_inverse().unwrap();
    let effects = DVector::from_vec(random.normals(UNITS));
    let mut y = DVector::zeros(UNITS);
    let (mut outcome, mut before, mut regressor) = (Vec::new(), Vec::new(), Vec::new());
    for t in 0..BURN + periods {
        let x = DVector::from_vec(random.normals(UNITS)) + &effects * 0.5;
        let shock = random.normal() * 0.3;
        let noise = DVector::from_vec(random.normals(UNITS)) * SIGMA;
        let mean = &y * tau + &dense * &y * eta + &x * beta + &dense * &x * theta + &effects + noise;
        let next = &s * mean.add_scalar(shock);
        if t >= BURN {
            outcome.extend(next.iter());
            before.extend(y.iter());
            regressor.extend(x.iter());
        }
        y = next;
    }
    Problem {
        model: Model::Sdm,
        units: UNITS,
        periods,
        outcome,
        regressors: [before, regressor].map(|values| Regressor { values, lagged: true }).to_vec(),
        durbin_weights: vec![w.clone()],
        lag_weights: Some(w.clone()),
        error_weights: None,
        fixed_effects: FixedEffects::Both,
        approach: Approach::Likelihood,
        likelihood: Likelihood::Transform,
        variance: Variance::Iid,
        df_adjust: false,
        time_lags: vec![TimeLag { regressor: 0, weights: None }],
        treatment: None,
        events: 0,
        exposures: 0,
        present: None,
        layout: Layout::default(),
    }
}

fn replicate(title: &str, periods: usize, adjust: &dyn Fn(Problem) -> Problem) -> Vec<Tally> {
    let w = weights();
    let names = ["tau", "beta", "eta", "theta", "rho"];
    let mut tallies: Vec<Tally> =
        names.iter().zip(TRUTH).map(|(name, truth)| Tally::new(&format!("{title}: {name}"), truth, NORMAL)).collect();
    let [tau, beta, eta, theta, rho] = TRUTH;
    tallies.push(Tally::new(&format!("{title}: long run"), (beta + theta) / (1.0 - tau - rho - eta), NORMAL));
    for replication in 0..REPLICATIONS {
        let e = estimate(&adjust(draw(&w, periods, replication)), &Never).unwrap();
        for (k, tally) in tallies[..5].iter_mut().enumerate() {
            tally.note(e.coefficients[k], e.vcov[k][k].sqrt());
        }
        let long = e.dynamics.unwrap().long_run[1].total;
        tallies[5].note(long.estimate, long.se);
    }
    tallies.iter().for_each(Tally::show);
    tallies
}

#[test]
#[ignore = "slow: hundreds of estimates"]
fn the_correction_recovers_the_coefficient_of_the_lag() {
    let direct = |p| Problem { likelihood: Likelihood::Direct, ..p };
    for (periods, lost) in [(16, 0.02), (50, 0.006)] {
        let corrected = replicate(&format!("dynamic, T = {periods}"), periods, &|p| p);
        for tally in &corrected[..5] {
            tally.has_bias_within(0.004);
            tally.covers(0.92, 0.97);
            tally.has_errors_within(0.9, 1.08);
        }
        corrected[5].covers(0.90, 0.97);
        let raw = replicate(&format!("uncorrected, T = {periods}"), periods, &direct);
        assert!(raw[0].mean() < TRUTH[0] - lost, "tau without correction is {}", raw[0].mean());
    }
}
