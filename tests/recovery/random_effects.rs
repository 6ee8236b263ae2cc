//! Random unit effects (methods C.10, S12 of G.2): effects drawn anew in every replication, unrelated to the regressors.

use crate::design::{Design, PERIODS, Truth, UNITS};
use crate::random::Random;
use crate::tally::{Rates, Tally};
use durbin::estimators::*;
use durbin::inference::wald::hausman;
use nalgebra::DMatrix;
use statrs::distribution::{ChiSquared, ContinuousCDF};

const REPLICATIONS: u64 = 300;
const NORMAL: f64 = 1.959963984540054;
const UNIT: f64 = 0.3;

/// A draw with other unit effects: `x` without the part that goes with them, μ outside of the spatial error.
fn drawn(design: &Design, truth: &Truth, place: RandomEffects, replication: u64) -> Problem {
    let p = design.draw(truth, replication);
    let mut random = Random::new(98, replication);
    let effects: Vec<f64> = random.normals(UNITS).iter().map(|v| UNIT * v).collect();
    let (x, outcome) = design.with_random_effects(truth, &p, &effects, place == RandomEffects::Kkp);
    let regressors = vec![p.regressors[0].clone(), Regressor { values: x, lagged: true }];
    Problem { regressors, outcome, fixed_effects: FixedEffects::None, approach: Approach::Random(place), ..p }
}

/// The standard error of the share `s` of variance that lies between units: in a balanced panel the logarithm of
/// `σ₁²/σ² = 1 + Ts/(1 − s)` has the variance `2/N + 2/(N(T − 1))` by the information.
fn share_error(s: f64) -> f64 {
    let (n, t) = (UNITS as f64, PERIODS as f64);
    let ratio = 1.0 + t * s / (1.0 - s);
    (2.0 / n + 2.0 / (n * (t - 1.0))).sqrt() * ratio * (1.0 - s).powi(2) / t
}

#[test]
#[ignore = "slow: hundreds of estimates"]
fn random_effects_recover_the_model() {
    let cases = [
        (Model::Sdm, RandomEffects::Kkp, 0.4, 0.0),
        (Model::Sdem, RandomEffects::Kkp, 0.0, 0.4),
        (Model::Sdem, RandomEffects::Baltagi, 0.0, 0.4),
    ];
    for (model, place, rho, lambda) in cases {
        let truth = Truth { rho, lambda, beta: 0.1, theta: 0.06, gamma: 0.5, delta: 0.2 };
        let design = Design::corridor(2025).without_periods();
        let spatial = if model.has_lag() { ("rho", rho) } else { ("lambda", lambda) };
        let names =
            [("beta", truth.beta), ("gamma", truth.gamma), ("theta", truth.theta), ("delta", truth.delta), spatial];
        let title = format!("random {}, {place:?}", model.name());
        let mut found = names.map(|(n, t)| Tally::new(&format!("{title}: {n}"), t, NORMAL));
        let mut variances = [0.0; 2];
        let mut share = Tally::new(&format!("{title}: share of units"), UNIT * UNIT / (UNIT * UNIT + 0.04), NORMAL);
        for replication in 0..REPLICATIONS {
            let p = drawn(&design, &truth, place, replication);
            let p = Problem {
                model,
                lag_weights: p.lag_weights.clone().filter(|_| model.has_lag()),
                error_weights: p.error_weights.clone().filter(|_| model.has_error()),
                ..p
            };
            let e = estimate(&p, &Never).unwrap();
            // The intercept stands first.
            for (k, tally) in found.iter_mut().enumerate() {
                tally.note(e.coefficients[k + 1], e.vcov[k + 1][k + 1].sqrt());
            }
            variances[0] += e.sigma2 / REPLICATIONS as f64;
            let of_units = e.sigma2_unit.unwrap();
            variances[1] += of_units / REPLICATIONS as f64;
            let found = of_units / (of_units + e.sigma2);
            share.note(found, share_error(found));
        }
        found.iter().chain([&share]).for_each(Tally::show);
        println!(
            "{title}: sigma2 {:.5} (true .04), of units {:.5} (true {:.2})",
            variances[0],
            variances[1],
            UNIT * UNIT
        );
        assert!((variances[0] - 0.04).abs() < 0.001 && (variances[1] - UNIT * UNIT).abs() < 0.006);
        for tally in found.iter().chain([&share]) {
            tally.has_bias_within(0.006);
            tally.covers(0.92, 0.97);
            tally.has_errors_within(0.9, 1.08);
        }
    }
}

/// `σ²(Z'Σ⁻¹Z)⁻¹`, the variance of slopes with the parameters of the errors given.
fn generalized(e: &Estimated) -> DMatrix<f64> {
    let p = e.triangle.len();
    let r = DMatrix::from_fn(p, p, |i, j| e.triangle[i][j]);
    let inverse = r.try_inverse().unwrap();
    &inverse * inverse.transpose() * e.sigma2
}

/// S12: the size of the Hausman test where unit effects have nothing to do with regressors.
#[test]
#[ignore = "slow: hundreds of estimates"]
fn the_hausman_test_has_its_size() {
    let truth = Truth { rho: 0.4, lambda: 0.0, beta: 0.1, theta: 0.06, gamma: 0.5, delta: 0.2 };
    let design = Design::corridor(2025).without_periods();
    let mut rates = Rates::default();
    for replication in 0..REPLICATIONS {
        let p = Problem { error_weights: None, ..drawn(&design, &truth, RandomEffects::Kkp, replication) };
        let random = estimate(&p, &Never).unwrap();
        let p = Problem { fixed_effects: FixedEffects::Unit, approach: Approach::Likelihood, ..p };
        let fixed = estimate(&p, &Never).unwrap();
        let slopes = fixed.coefficients.len() - 1;
        let own: Vec<Vec<f64>> = (0..slopes).map(|i| fixed.vcov[i][..slopes].to_vec()).collect();
        let v = generalized(&random);
        let other: Vec<Vec<f64>> = (0..slopes).map(|i| (0..slopes).map(|j| v[(i + 1, j + 1)]).collect()).collect();
        let found = hausman(&fixed.coefficients[..slopes], &random.coefficients[1..=slopes], &own, &other).unwrap();
        rates.note("hausman", ChiSquared::new(found.df as f64).unwrap().sf(found.statistic));
    }
    rates.show("sdm, random effects");
    rates.within("hausman", 0.02, 0.10);
}
