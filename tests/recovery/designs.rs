//! Designs S0 to S3 of methods G.2 and one for every other model.

use crate::design::{Design, PERIODS, Truth, UNITS};
use crate::tally::Tally;
use durbin::estimators::*;
use statrs::distribution::{ContinuousCDF, StudentsT};

const REPLICATIONS: u64 = 300;
const NORMAL: f64 = 1.959963984540054;
const SEED: u64 = 2025;

fn truth(rho: f64) -> Truth {
    Truth { rho, beta: 0.1, theta: 0.06, gamma: 0.5, delta: 0.2, ..Truth::default() }
}

/// A problem with only the matrices its model has.
fn as_model(model: Model, p: Problem) -> Problem {
    Problem {
        model,
        durbin_weights: if model.has_durbin() { p.durbin_weights } else { Vec::new() },
        lag_weights: p.lag_weights.filter(|_| model.has_lag()),
        error_weights: p.error_weights.filter(|_| model.has_error()),
        ..p
    }
}

/// Every coefficient of `model` over all replications, in durbin's order; `adjust` sets what else differs.
fn replicate(
    title: &str,
    design: &Design,
    truth: &Truth,
    model: Model,
    quantile: f64,
    adjust: &dyn Fn(Problem) -> Problem,
) -> Vec<Tally> {
    let mut named = vec![("beta", truth.beta), ("gamma", truth.gamma)];
    if model.has_durbin() {
        named.extend([("theta", truth.theta), ("delta", truth.delta)]);
    }
    named.extend(model.has_lag().then_some(("rho", truth.rho)));
    named.extend(model.has_error().then_some(("lambda", truth.lambda)));
    let tally = |(name, truth): (&str, f64)| Tally::new(&format!("{title}: {name}"), truth, quantile);
    let mut tallies: Vec<Tally> = named.into_iter().map(tally).collect();
    let slopes = tallies.len();
    let policy = design.policy(truth);
    tallies.extend([("ADT", policy[0]), ("AIT", policy[1]), ("AIU", policy[2])].map(tally));
    for replication in 0..REPLICATIONS {
        let e = estimate(&adjust(as_model(model, design.draw(truth, replication))), &Never).unwrap();
        for k in 0..slopes {
            tallies[k].note(e.coefficients[k], e.vcov[k][k].sqrt());
        }
        let p = e.policy.unwrap();
        let found = [p.direct_on_treated, p.indirect_on_treated, p.indirect_on_untreated];
        for (tally, m) in tallies[slopes..].iter_mut().zip(found) {
            // a model without any spillover has none to measure
            if m.se > 0.0 {
                tally.note(m.estimate, m.se);
            }
        }
    }
    tallies.retain(|t| t.mean().is_finite());
    tallies.iter().for_each(Tally::show);
    tallies
}

fn find<'a>(tallies: &'a [Tally], name: &str) -> &'a Tally {
    tallies.iter().find(|t| t.name.ends_with(name)).unwrap()
}

/// Unbiased but for `allowed`, nominal coverage, honest standard errors.
fn holds(tallies: &[Tally], allowed: f64) {
    for t in tallies {
        t.has_bias_within(allowed);
        t.covers(0.93, 0.96);
        t.has_errors_within(0.93, 1.07);
    }
}

fn plain(p: Problem) -> Problem {
    p
}

/// S0: least squares of a panel without spatial lag, errors clustered by unit.
#[test]
#[ignore = "slow: hundreds of estimates"]
fn least_squares_recover_effects_with_clustered_errors() {
    let design = Design::corridor(SEED);
    let clustered = |p| Problem { variance: Variance::ClusterUnit, ..p };
    let t = StudentsT::new(0.0, 1.0, UNITS as f64 - 1.0).unwrap().inverse_cdf(0.975);
    let no_lags = Truth { theta: 0.0, delta: 0.0, ..truth(0.0) };
    for (title, truth, model) in [("did", no_lags, Model::Ols), ("slx_did", truth(0.0), Model::Slx)] {
        for tally in replicate(title, &design, &truth, model, t, &clustered) {
            tally.has_bias_within(0.0);
            // 27 treated clusters
            tally.covers(0.92, 0.96);
        }
    }
}

/// S1: two-way effects transformed away leave no bias; under `direct` ρ is biased down and its interval too short.
#[test]
#[ignore = "slow: hundreds of estimates"]
fn transformation_recovers_the_durbin_model_and_direct_effects_do_not() {
    let design = Design::corridor(SEED);
    for rho in [0.0, 0.2, 0.4, 0.6] {
        let title = |l: &str| format!("sdm_did, {l}, rho {rho}");
        let transform = replicate(&title("transform"), &design, &truth(rho), Model::Sdm, NORMAL, &plain);
        holds(&transform, 0.006);
        let direct = |p| Problem { likelihood: Likelihood::Direct, ..p };
        let direct = replicate(&title("direct"), &design, &truth(rho), Model::Sdm, NORMAL, &direct);
        let bias = find(&direct, "rho").mean() - find(&transform, "rho").mean();
        assert!((-0.05..=-0.01).contains(&bias), "direct differs by {bias}");
        assert!(find(&direct, "rho").coverage() < 0.93);
    }
}

/// S2: the correction of methods C.5 arrives where the transformation does.
#[test]
#[ignore = "slow: hundreds of estimates"]
fn the_correction_agrees_with_the_transformation() {
    let design = Design::corridor(SEED);
    let partial = |p| Problem { likelihood: Likelihood::Partial, ..p };
    for rho in [0.0, 0.2, 0.4, 0.6] {
        let title = |l: &str| format!("sdm_did, {l}, rho {rho}");
        let a = replicate(&title("partial"), &design, &truth(rho), Model::Sdm, NORMAL, &partial);
        let b = replicate(&title("transform"), &design, &truth(rho), Model::Sdm, NORMAL, &plain);
        let gap = find(&a, "rho").mean() - find(&b, "rho").mean();
        assert!(gap.abs() < 0.005, "the means differ by {gap}");
    }
}

/// S3: a matrix without constant row sums, with islands, under large period effects, which help to find ρ, and small
/// ones, which leave the bias that the correction takes out.
#[test]
#[ignore = "slow: hundreds of estimates"]
fn the_correction_recovers_rho_under_a_general_matrix() {
    let partial = |p| Problem { likelihood: Likelihood::Partial, ..p };
    let direct = |p| Problem { likelihood: Likelihood::Direct, ..p };
    let clustered = |p| Problem { variance: Variance::ClusterUnit, ..partial(p) };
    for (deviation, bias) in [(1.0, 0.002), (0.1, 0.03)] {
        let design = Design::bands(SEED, deviation);
        let title = |l: &str| format!("bands, xi {deviation}, {l}");
        let corrected = replicate(&title("partial"), &design, &truth(0.3), Model::Sdm, NORMAL, &partial);
        for tally in &corrected {
            tally.has_bias_within(0.006);
            tally.covers(0.93, 0.98);
            tally.has_errors_within(0.95, 1.08);
        }
        // `direct` is `partial` before its correction, with the variance of errors over all T periods
        let raw = replicate(&title("direct"), &design, &truth(0.3), Model::Sdm, NORMAL, &direct);
        let periods = PERIODS as f64;
        let raw = find(&raw, "rho").stretched(&title("uncorrected: rho"), (periods / (periods - 1.0)).sqrt());
        raw.show();
        raw.has_bias_within(bias);
        raw.covers(0.90, 0.96);
        // the same draws: the difference is the correction alone
        let taken_out = find(&corrected, "rho").mean() - raw.mean();
        assert!(taken_out > if deviation < 1.0 { 0.003 } else { 0.0 }, "the correction is {taken_out}");
        // the clustered interval of ρ is short where few units carry what is known of it (methods C.6)
        for tally in replicate(&title("partial, clustered"), &design, &truth(0.3), Model::Sdm, NORMAL, &clustered) {
            tally.has_bias_within(0.006);
            let least = if tally.name.ends_with(": rho") { 0.78 } else { 0.90 };
            tally.covers(least, 0.97);
        }
    }
}

/// One test for each other model: transformed two-way effects, information errors.
fn recovers(model: Model, truth: Truth) {
    let design = Design::corridor(SEED);
    holds(&replicate(model.name(), &design, &truth, model, NORMAL, &plain), 0.008);
}

#[test]
#[ignore = "slow: hundreds of estimates"]
fn sar_recovers_its_parameters() {
    recovers(Model::Sar, Truth { theta: 0.0, delta: 0.0, ..truth(0.4) });
}

#[test]
#[ignore = "slow: hundreds of estimates"]
fn sem_recovers_its_parameters() {
    recovers(Model::Sem, Truth { lambda: 0.4, theta: 0.0, delta: 0.0, ..truth(0.0) });
}

#[test]
#[ignore = "slow: hundreds of estimates"]
fn sdem_recovers_its_parameters() {
    recovers(Model::Sdem, Truth { lambda: 0.4, ..truth(0.0) });
}

#[test]
#[ignore = "slow: hundreds of estimates"]
fn sac_recovers_its_parameters() {
    recovers(Model::Sac, Truth { lambda: 0.3, theta: 0.0, delta: 0.0, ..truth(0.4) });
}

/// Clustered errors hold with independent errors (S1) and with errors that persist within a unit, which make
/// information errors too small (methods C.6, S8).
#[test]
#[ignore = "slow: hundreds of estimates"]
fn clustered_errors_hold_where_errors_persist() {
    let clustered = |p| Problem { variance: Variance::ClusterUnit, ..p };
    let persistent = Design::corridor(SEED).with_persistence(0.5);
    let iid = replicate("AR(.5), information", &persistent, &truth(0.4), Model::Sdm, NORMAL, &plain);
    for name in ["beta", "theta"] {
        assert!(find(&iid, name).coverage() < 0.92, "information covers {name}");
    }
    for (errors, design) in [("independent", Design::corridor(SEED)), ("AR(.5)", persistent)] {
        let title = format!("{errors}, cluster(unit)");
        for tally in replicate(&title, &design, &truth(0.4), Model::Sdm, NORMAL, &clustered) {
            tally.has_bias_within(0.006);
            tally.covers(0.92, 0.96);
        }
    }
}
