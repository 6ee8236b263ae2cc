//! Designs S11 and S14 of methods G.2: spillovers that a plain difference in differences takes for its effect, and a policy
//! without an effect in places that have shocks in common.

use crate::design::{Design, PERIODS, Truth, UNITS, places};
use crate::random::Random;
use durbin::designs::assignment::{Assignment, connected, neighbors};
use durbin::designs::nearest::{distances, inside};
use durbin::designs::placebo::{p_value, quantities, replicate};
use durbin::designs::treatment::Treatment;
use durbin::estimators::shared::Shared;
use durbin::estimators::*;
use durbin::linalg::panel;
use rayon::prelude::*;

const SEED: u64 = 2025;
const PANELS: u64 = 300;
const REPS: usize = 99;

/// Least squares of the outcome on the treatment alone, errors clustered by unit.
fn did(p: Problem) -> Problem {
    Problem {
        model: Model::Ols,
        regressors: p.regressors.into_iter().take(1).collect(),
        durbin_weights: Vec::new(),
        lag_weights: None,
        error_weights: None,
        variance: Variance::ClusterUnit,
        ..p
    }
}

/// S14: how often tests of level 0.05 find a policy that does nothing, where neighbors share shocks.
#[test]
#[ignore = "slow: hundreds of panels, each estimated a hundred times"]
fn shuffled_units_find_too_much_where_neighbors_share_shocks() {
    let design = Design::corridor(SEED);
    let truth = Truth { lambda: 0.8, ..Truth::default() };
    let at = neighbors(&design.lag);
    let treated: Vec<bool> = (0..UNITS).map(|i| design.treatment[(PERIODS - 1) * UNITS + i] > 0.5).collect();
    let schemes = [
        ("units", Assignment::Units { units: UNITS }),
        ("corridors", Assignment::Corridors { corridors: connected(&treated, &at), neighbors: at.clone() }),
        ("torus", Assignment::torus(&places(SEED))),
    ];
    let rejections: Vec<[bool; 4]> = (0..PANELS)
        .into_par_iter()
        .map(|r| {
            let p = did(design.draw(&truth, r));
            let q = quantities(&p, 0, &estimate(&p, &Never).unwrap()).unwrap()[0];
            let t = q.estimate / q.se;
            let mut out = [t.abs() > 1.993, false, false, false];
            for (k, (_, by)) in schemes.iter().enumerate() {
                let found = replicate(&p, 0, by, (REPS, r), &Shared::default(), &Never).unwrap();
                let draws = found.iter().flatten().map(|q| q[0].estimate / q[0].se);
                out[k + 1] = p_value(t, draws) <= 0.05;
            }
            out
        })
        .collect();
    let share = |k: usize| rejections.iter().filter(|r| r[k]).count() as f64 / PANELS as f64;
    let error = (0.05 * 0.95 / PANELS as f64).sqrt();
    println!("null policy, errors with lambda .8, tests of level .05 (Monte Carlo error {error:.3}):");
    for (k, name) in ["t, clustered by unit", "units", "corridors", "torus"].iter().enumerate() {
        println!("  {name:<24} {:.3}", share(k));
    }
    // Standard errors by unit and shuffled units both miss what neighbors share.
    assert!(share(0) > 0.05 + 4.0 * error && share(1) > 0.05 + 4.0 * error);
    // Corridors that move as a whole do so far less, and a shifted map not beyond chance.
    assert!(share(2) < 0.5 * share(1) && share(3) < share(2) + 2.0 * error);
    assert!(share(3) < 0.05 + 4.0 * error, "{}", share(3));
}

/// S11: rings recover effects by distance; a plain difference in differences is off by what spills onto its controls.
#[test]
#[ignore = "slow: hundreds of estimates"]
fn rings_recover_what_a_plain_difference_in_differences_mixes() {
    let design = Design::corridor(SEED);
    let at = places(SEED);
    let d = &design.treatment;
    let start = |i: usize| (0..PERIODS).find(|t| d[t * UNITS + i] > 0.5).map(|t| t as i64);
    let treatment = Treatment {
        name: "law".to_string(),
        panel: "p".to_string(),
        units: (0..UNITS).map(|i| format!("{i:03}")).collect(),
        periods: (0..PERIODS as i64).collect(),
        starts: (0..UNITS).map(start).collect(),
        after_sample: Vec::new(),
        treated: d.clone(),
        absorbing: true,
    };
    let km = distances(&treatment, &at);
    let (bounds, truth) = ([[0.0, 100.0], [100.0, 250.0]], [0.10, 0.08, 0.04]);
    let rings = bounds.map(|b| km.iter().map(|x| f64::from(u8::from(inside(*x, b)))).collect::<Vec<f64>>());
    let spill: Vec<f64> = (0..d.len()).map(|r| truth[1] * rings[0][r] + truth[2] * rings[1][r]).collect();
    let mut within = d.clone();
    panel::demean_both(&mut within, UNITS, PERIODS);
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let predicted = product(&within, &spill) / product(&within, &within);
    let (mut naive, mut found) = (Vec::new(), [Vec::new(), Vec::new(), Vec::new()]);
    for r in 0..PANELS {
        let mut random = Random::new(SEED ^ 0x511, 1000 + r);
        let noise = random.normals(d.len());
        let outcome: Vec<f64> = (0..d.len()).map(|c| truth[0] * d[c] + spill[c] + 0.2 * noise[c]).collect();
        let base = did(Problem { outcome, ..design.draw(&Truth::default(), r) });
        naive.push(estimate(&base, &Never).unwrap().coefficients[0]);
        let mut with = base.clone();
        with.regressors.extend(rings.iter().map(|x| Regressor { values: x.clone(), lagged: false }));
        let e = estimate(&with, &Never).unwrap();
        found.iter_mut().zip(&e.coefficients).for_each(|(all, b)| all.push(*b));
    }
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let error = |x: &[f64]| {
        let m = mean(x);
        (x.iter().map(|v| (v - m).powi(2)).sum::<f64>() / (x.len() - 1) as f64 / x.len() as f64).sqrt()
    };
    println!(
        "S11: plain difference in differences off by {:.4} ({:.4}), predicted {predicted:.4}",
        mean(&naive) - truth[0],
        error(&naive)
    );
    assert!((mean(&naive) - truth[0] - predicted).abs() < 4.0 * error(&naive));
    assert!(predicted.abs() > 4.0 * error(&naive), "the bias is there to be seen: {predicted}");
    for (k, all) in found.iter().enumerate() {
        println!(
            "  {}: true {}, mean {:.4} ({:.4})",
            ["treated", "0 to 100 km", "100 to 250 km"][k],
            truth[k],
            mean(all),
            error(all)
        );
        assert!((mean(all) - truth[k]).abs() < 4.0 * error(all), "{k}");
    }
}
