//! Instruments and moments (methods C.9, S9 of G.2): consistent where a likelihood is not, robust where errors persist.

use crate::design::{Design, Truth, UNITS};
use crate::tally::Tally;
use durbin::estimators::*;

const REPLICATIONS: u64 = 300;
const NORMAL: f64 = 1.959963984540054;

fn by_instruments(p: Problem) -> Problem {
    let approach = Approach::Instruments { endogenous: Vec::new(), instruments: Vec::new() };
    Problem { approach, error_weights: None, variance: Variance::ClusterUnit, ..p }
}

fn tallies(title: &str, truth: &Truth) -> Vec<Tally> {
    [("beta", truth.beta), ("gamma", truth.gamma), ("theta", truth.theta), ("delta", truth.delta), ("rho", truth.rho)]
        .map(|(name, truth)| Tally::new(&format!("{title}: {name}"), truth, NORMAL))
        .into()
}

#[test]
#[ignore = "slow: hundreds of estimates"]
fn instruments_recover_the_model_under_persistent_errors() {
    let truth = Truth { rho: 0.4, beta: 0.1, theta: 0.06, gamma: 0.5, delta: 0.2, ..Truth::default() };
    for persistence in [0.0, 0.5] {
        let design = Design::corridor(2025).with_persistence(persistence);
        let mut found = tallies(&format!("gs2sls, AR {persistence}"), &truth);
        for replication in 0..REPLICATIONS {
            let e = estimate(&by_instruments(design.draw(&truth, replication)), &Never).unwrap();
            for (k, tally) in found.iter_mut().enumerate() {
                tally.note(e.coefficients[k], e.vcov[k][k].sqrt());
            }
        }
        found.iter().for_each(Tally::show);
        for tally in &found {
            tally.has_bias_within(0.008);
            tally.covers(0.90, 0.97);
            tally.has_errors_within(0.88, 1.08);
        }
    }
}

/// `x` shares a shock with the error; a third column moves `x` alone.
#[test]
#[ignore = "slow: hundreds of estimates"]
fn a_given_instrument_recovers_an_endogenous_slope() {
    let truth = Truth { rho: 0.4, gamma: 0.5, ..Truth::default() };
    let design = Design::corridor(2025);
    let names = [("gamma", truth.gamma), ("rho", truth.rho)];
    let tally = |title: &str| names.map(|(n, t)| Tally::new(&format!("{title}: {n}"), t, NORMAL));
    let (mut plain, mut given) = (tally("x taken as exogenous"), tally("x by its instrument"));
    for replication in 0..REPLICATIONS {
        let p = design.draw(&truth, replication);
        // What is left of y after its mean is the noise; a share of it in x makes x endogenous.
        let noise = design.noise(&truth, &p);
        let x: Vec<f64> = p.regressors[1].values.iter().zip(&noise).map(|(x, e)| x + 2.0 * e).collect();
        let outcome = design.shifted(&truth, &p, &x);
        let z = p.regressors[1].values.clone();
        let sar = Problem {
            model: Model::Sar,
            regressors: vec![Regressor { values: x, lagged: false }],
            outcome,
            durbin_weights: Vec::new(),
            treatment: None,
            ..by_instruments(p)
        };
        let with = Approach::Instruments { endogenous: vec![0], instruments: vec![z] };
        for (tallies, p) in [(&mut plain, sar.clone()), (&mut given, Problem { approach: with, ..sar })] {
            let e = estimate(&p, &Never).unwrap();
            tallies[0].note(e.coefficients[0], e.vcov[0][0].sqrt());
            tallies[1].note(e.coefficients[1], e.vcov[1][1].sqrt());
        }
    }
    plain.iter().chain(&given).for_each(Tally::show);
    assert!(plain[0].mean() > truth.gamma + 0.03, "no bias to take out: {}", plain[0].mean());
    for tally in &given {
        tally.has_bias_within(0.005);
        tally.covers(0.92, 0.97);
        tally.has_errors_within(0.9, 1.08);
    }
}

#[test]
#[ignore = "slow: hundreds of estimates"]
fn moments_recover_the_spatial_error() {
    let truth = Truth { lambda: 0.4, beta: 0.1, gamma: 0.5, ..Truth::default() };
    for effects in [FixedEffects::Unit, FixedEffects::Both] {
        let mut design = Design::corridor(2025);
        if effects == FixedEffects::Unit {
            design = design.without_periods();
        }
        let mut found = [("beta", truth.beta), ("gamma", truth.gamma)]
            .map(|(n, t)| Tally::new(&format!("gmm, {effects:?}: {n}"), t, NORMAL));
        let mut lambdas = Vec::new();
        for replication in 0..REPLICATIONS {
            let p = Problem {
                model: Model::Sem,
                durbin_weights: Vec::new(),
                lag_weights: None,
                approach: Approach::Moments,
                fixed_effects: effects,
                ..design.draw(&truth, replication)
            };
            let e = estimate(&p, &Never).unwrap();
            for (k, tally) in found.iter_mut().enumerate() {
                tally.note(e.coefficients[k], e.vcov[k][k].sqrt());
            }
            lambdas.push(e.coefficients[2]);
        }
        found.iter().for_each(Tally::show);
        let mean = lambdas.iter().sum::<f64>() / lambdas.len() as f64;
        println!("gmm, {effects:?}: lambda has mean {mean:.4}, true {}; N = {UNITS}", truth.lambda);
        assert!((mean - truth.lambda).abs() < 0.012, "lambda has mean {mean}");
        for tally in &found {
            tally.has_bias_within(0.004);
            tally.covers(0.92, 0.97);
            tally.has_errors_within(0.9, 1.08);
        }
    }
}
