//! Inference by draws: percentile intervals of simulated effects, the size of the wild cluster bootstrap with few
//! clusters (S14), coverage of the residual bootstraps (S1, S8).

use crate::design::{Design, PERIODS, Truth, UNITS};
use crate::random::Random;
use durbin::estimators::shared::Shared;
use durbin::estimators::*;
use statrs::distribution::{ContinuousCDF, StudentsT};

const SEED: u64 = 2025;

fn truth(rho: f64) -> Truth {
    Truth { rho, beta: 0.1, theta: 0.06, gamma: 0.5, delta: 0.2, ..Truth::default() }
}

/// A share with what Monte Carlo leaves open: four standard errors.
fn within(name: &str, share: f64, count: usize, lo: f64, hi: f64) {
    println!("{name:<60} {share:.3} of {count}");
    let error = |p: f64| 4.0 * (p * (1.0 - p) / count as f64).sqrt();
    assert!(share >= lo - error(lo) && share <= hi + error(hi), "{name}: {share}");
}

/// The durbin model of a design without the error matrix.
fn durbin_model(p: Problem) -> Problem {
    Problem { model: Model::Sdm, error_weights: None, ..p }
}

#[test]
#[ignore = "slow: hundreds of estimates"]
fn percentile_intervals_of_simulated_effects_cover() {
    let design = Design::corridor(SEED);
    const REPLICATIONS: u64 = 300;
    for rho in [0.4, 0.6] {
        let truth = truth(rho);
        let [adt, ait, aiu] = design.policy(&truth);
        let mut hits = [0usize; 3];
        let (mut ratio, mut count) = (0.0, 0.0);
        for replication in 0..REPLICATIONS {
            let p = durbin_model(design.draw(&truth, replication));
            let e = estimate(&p, &Never).unwrap();
            let draws = Draws { count: 500, seed: replication, level: 0.95 };
            let found = simulate(&p, &e, draws, &Shared::default(), &Never).unwrap();
            let policy = found.policy.unwrap();
            for (hit, (spread, true_value)) in
                hits.iter_mut().zip([(0, adt), (1, ait), (3, aiu)].map(|(k, v)| (policy[k], v)))
            {
                *hit += usize::from(spread.interval[0] <= true_value && true_value <= spread.interval[1]);
            }
            ratio += policy[1].se / e.policy.unwrap().indirect_on_treated.se;
            count += 1.0;
        }
        println!("rho {rho}: simulated over delta standard error of AIT {:.3}", ratio / count);
        assert!((ratio / count - 1.0).abs() < 0.03);
        for (name, hit) in ["ADT", "AIT", "AIU"].into_iter().zip(hits) {
            let share = hit as f64 / REPLICATIONS as f64;
            within(
                &format!("simulated effects, rho {rho}: coverage of {name}"),
                share,
                REPLICATIONS as usize,
                0.93,
                0.96,
            );
        }
    }
}

/// Ten corridors, three of them treated, with shocks that a corridor shares and that persist: no effect.
fn corridors(replication: u64) -> Problem {
    const CORRIDORS: usize = 10;
    let mut random = Random::new(SEED ^ 0xC0, replication);
    let of = |i: usize| i % CORRIDORS;
    let mut shock = random.normals(CORRIDORS);
    let mut outcome = Vec::with_capacity(UNITS * PERIODS);
    let effects = random.normals(UNITS);
    for t in 0..PERIODS {
        let fresh = random.normals(CORRIDORS);
        shock.iter_mut().zip(&fresh).for_each(|(s, f)| *s = 0.7 * *s + f);
        let noise = random.normals(UNITS);
        outcome.extend((0..UNITS).map(|i| effects[i] + 0.1 * t as f64 + 0.5 * shock[of(i)] + noise[i]));
    }
    let treated = |r: usize| f64::from(u8::from(of(r % UNITS) < 3 && r / UNITS >= 8));
    Problem {
        model: Model::Ols,
        units: UNITS,
        periods: PERIODS,
        outcome,
        regressors: vec![Regressor { values: (0..UNITS * PERIODS).map(treated).collect(), lagged: false }],
        durbin_weights: Vec::new(),
        lag_weights: None,
        error_weights: None,
        fixed_effects: FixedEffects::Both,
        approach: Approach::Likelihood,
        likelihood: Likelihood::Transform,
        variance: Variance::ClusterColumn,
        df_adjust: false,
        time_lags: Vec::new(),
        treatment: Some(0),
        present: None,
        events: 0,
        exposures: 0,
        layout: Layout { clusters: (0..UNITS * PERIODS).map(|r| of(r % UNITS) as u32).collect(), ..Layout::default() },
    }
}

#[test]
#[ignore = "slow: hundreds of estimates"]
fn the_wild_bootstrap_keeps_its_size_where_few_clusters_are_treated() {
    const REPLICATIONS: u64 = 600;
    let critical = StudentsT::new(0.0, 1.0, 9.0).unwrap().inverse_cdf(0.975);
    let (mut by_unit, mut by_corridor, mut by_wild, mut covered) = (0, 0, 0, 0);
    for replication in 0..REPLICATIONS {
        let p = corridors(replication);
        let e = estimate(&p, &Never).unwrap();
        let t = |e: &Estimated| (e.coefficients[0] / e.vcov[0][0].sqrt()).abs();
        by_corridor += usize::from(t(&e) > critical);
        let units = estimate(&Problem { variance: Variance::ClusterUnit, ..p.clone() }, &Never).unwrap();
        by_unit += usize::from(t(&units) > 1.993);
        let settings = Wild { reps: 399, seed: replication, level: 0.95, weights: None };
        let found = wild(&p, &e, settings, &Never).unwrap();
        assert_eq!((found.clusters, found.weights), (10, WildWeights::Webb));
        let spread = found.spreads.coefficients[0];
        by_wild += usize::from(spread.p.unwrap() <= 0.05);
        covered += usize::from(spread.interval[0] <= 0.0 && 0.0 <= spread.interval[1]);
    }
    let share = |hits: usize| hits as f64 / REPLICATIONS as f64;
    println!("size of cluster(unit), 5 %: {:.3}; of cluster(corridor): {:.3}", share(by_unit), share(by_corridor));
    assert!(share(by_unit) > 0.15, "clustering by unit is far too optimistic here");
    within("wild(cluster: corridor): size at 5 %", share(by_wild), REPLICATIONS as usize, 0.03, 0.07);
    within("wild(cluster: corridor): coverage at 95 %", share(covered), REPLICATIONS as usize, 0.93, 0.97);
}

#[test]
#[ignore = "slow: thousands of estimates"]
fn residual_bootstraps_cover() {
    const REPLICATIONS: u64 = 150;
    let truth = truth(0.4);
    for (name, persistence, scheme) in [
        ("wild_period, iid errors", 0.0, Scheme::WildPeriod),
        ("block_unit, iid errors", 0.0, Scheme::BlockUnit),
        ("block_unit, AR(.5) errors", 0.5, Scheme::BlockUnit),
    ] {
        let design = Design::corridor(SEED).with_persistence(persistence);
        let mut hits = [0usize; 3];
        for replication in 0..REPLICATIONS {
            let p = durbin_model(design.draw(&truth, replication));
            let e = estimate(&p, &Never).unwrap();
            let settings = Bootstrap { scheme, reps: 199, seed: replication, level: 0.95 };
            let found = bootstrap(&p, &e, settings, &Shared::default(), &Never).unwrap();
            for (hit, (k, value)) in hits.iter_mut().zip([(0, truth.beta), (2, truth.theta), (4, truth.rho)]) {
                let [lo, hi] = found.coefficients[k].interval;
                *hit += usize::from(lo <= value && value <= hi);
            }
        }
        for (parameter, hit) in ["beta", "theta", "rho"].into_iter().zip(hits) {
            let share = hit as f64 / REPLICATIONS as f64;
            within(&format!("{name}: coverage of {parameter}"), share, REPLICATIONS as usize, 0.88, 0.97);
        }
    }
}
