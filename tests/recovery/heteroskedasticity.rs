//! S9 of methods G.2: errors of unequal variance, unrelated to a unit's place in the network or going with it.

use crate::design::{Design, Truth, UNITS};
use crate::random::Random;
use crate::tally::Tally;
use durbin::estimators::*;

const REPLICATIONS: u64 = 300;
const NORMAL: f64 = 1.959963984540054;
const RHO: f64 = 0.4;

/// Estimates of ρ where the errors of unit `i` are multiplied by `scale[i]`, whose mean square is one.
fn replicate(title: &str, design: &Design, scale: &[f64], adjust: &dyn Fn(Problem) -> Problem) -> Tally {
    let truth = Truth { rho: RHO, beta: 0.1, theta: 0.06, gamma: 0.5, delta: 0.2, ..Truth::default() };
    let mut rho = Tally::new(&format!("{title}: rho"), RHO, NORMAL);
    for replication in 0..REPLICATIONS {
        let p = design.draw(&truth, replication);
        let noise = design.noise(&truth, &p);
        let more: Vec<f64> = noise.iter().enumerate().map(|(r, e)| (scale[r % UNITS] - 1.0) * e).collect();
        let outcome = p.outcome.iter().zip(design.spread(RHO, &more)).map(|(y, m)| y + m).collect();
        let e = estimate(&adjust(Problem { outcome, error_weights: None, ..p }), &Never).unwrap();
        let at = e.coefficients.len() - 1;
        rho.note(e.coefficients[at], e.vcov[at][at].sqrt());
    }
    rho.show();
    rho
}

fn of_mean_square_one(scale: Vec<f64>) -> Vec<f64> {
    let size = (scale.iter().map(|s| s * s).sum::<f64>() / scale.len() as f64).sqrt();
    scale.into_iter().map(|s| s / size).collect()
}

#[test]
#[ignore = "slow: hundreds of estimates"]
fn unequal_variances_bias_a_likelihood_where_they_go_with_the_network() {
    let design = Design::corridor(2025);
    let unrelated = of_mean_square_one(Random::new(7, 1).normals(UNITS).iter().map(|z| (0.5 * z).exp()).collect());
    let feedback = of_mean_square_one(design.own_feedback(RHO).iter().map(|g| g.max(0.0).sqrt()).collect());
    let clustered = |p: Problem| Problem { variance: Variance::ClusterUnit, ..p };
    let instruments = |p: Problem| Problem {
        variance: Variance::ClusterUnit,
        approach: Approach::Instruments { endogenous: Vec::new(), instruments: Vec::new() },
        ..p
    };
    let none = replicate("S9 a, qml", &design, &unrelated, &clustered);
    none.has_bias_within(0.004);
    none.covers(0.91, 0.97);
    replicate("S9 a, gs2sls", &design, &unrelated, &instruments).has_bias_within(0.008);
    let biased = replicate("S9 b, qml", &design, &feedback, &clustered);
    assert!(biased.mean() - RHO > 0.0, "a likelihood takes the variance of well linked units for rho");
    replicate("S9 b, gs2sls", &design, &feedback, &instruments).has_bias_within(0.008);
}
