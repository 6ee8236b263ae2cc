//! Seconds of 500 replications of an SDM difference in differences on 75 cities and 17 years: `cargo bench --bench placebo`.
//!
//! Two-way effects, three controls with their lags, errors clustered by unit; random assignments by shuffled units, and
//! outcomes drawn from the estimate. The clock is that of the wall; the target is for all threads there are.

use durbin::designs::assignment::Assignment;
use durbin::designs::placebo::replicate;
use durbin::designs::simulate::{Errors, Replications, Truth, simulate};
use durbin::estimators::shared::Shared;
use durbin::estimators::*;
use durbin::weights::{Scaling, Weights};
use sprs::TriMat;
use std::sync::Arc;
use std::time::Instant;

const UNITS: usize = 75;
const PERIODS: usize = 17;
const REPS: usize = 500;
/// Seconds that all replications may take.
const TARGET: f64 = 2.0;

/// A reproducible number in (-1, 1).
fn noise(seed: u64, k: u64) -> f64 {
    let mut z = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ k.wrapping_mul(0xD134_2543_DE82_EF95);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    2.0 * (((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64) - 1.0
}

/// Each of scattered points with its five nearest, rows of one fifth.
fn nearest() -> Arc<Weights> {
    let at = |i: usize| [noise(1, 2 * i as u64), noise(1, 2 * i as u64 + 1)];
    let mut t = TriMat::new((UNITS, UNITS));
    for i in 0..UNITS {
        let far = |k: &usize| (at(i)[0] - at(*k)[0]).hypot(at(i)[1] - at(*k)[1]);
        let mut others: Vec<usize> = (0..UNITS).filter(|k| *k != i).collect();
        others.sort_by(|a, b| far(a).total_cmp(&far(b)));
        others[..5].iter().for_each(|&k| t.add_triplet(i, k, 0.2));
    }
    Arc::new(Weights { matrix: t.to_csr(), scaling: Scaling::Row, symmetrizer: None, periods: 1 })
}

fn problem() -> Problem {
    let w = nearest();
    let treated = |r: usize| (r % UNITS).is_multiple_of(6) && r / UNITS >= 7 + r % UNITS % 5;
    let column = |seed: u64| (0..UNITS * PERIODS).map(|k| noise(seed, k as u64)).collect::<Vec<f64>>();
    let law = (0..UNITS * PERIODS).map(|r| f64::from(u8::from(treated(r)))).collect();
    let values = [law, column(2), column(3), column(4)];
    let mut outcome: Vec<f64> = column(5);
    for (k, y) in outcome.iter_mut().enumerate() {
        *y += 0.1 * values[0][k] + values[1][k] + noise(6, (k % UNITS) as u64);
    }
    Problem {
        model: Model::Sdm,
        units: UNITS,
        periods: PERIODS,
        outcome,
        regressors: values.map(|values| Regressor { values, lagged: true }).to_vec(),
        durbin_weights: vec![w.clone()],
        lag_weights: Some(w),
        error_weights: None,
        fixed_effects: FixedEffects::Both,
        likelihood: Likelihood::Transform,
        approach: Approach::Likelihood,
        variance: Variance::ClusterUnit,
        df_adjust: false,
        time_lags: Vec::new(),
        treatment: Some(0),
        events: 0,
        exposures: 0,
        present: None,
        layout: Layout::default(),
    }
}

fn main() {
    let p = problem();
    let shared = Shared::default();
    let Ok(e) = estimate_with(&p, &shared, None, &Never) else { return println!("no estimate") };
    println!("| replications | threads | seconds | target | ratio |\n|---|---|---|---|---|");
    for threads in [1, 2] {
        let Ok(pool) = rayon::ThreadPoolBuilder::new().num_threads(threads).build() else { continue };
        let say = |what: &str, begun: Instant| {
            let seconds = begun.elapsed().as_secs_f64();
            println!("| {what}, {REPS} | {threads} | {seconds:.2} | {TARGET:.2} | {:.2} |", seconds / TARGET);
        };
        pool.install(|| {
            let begun = Instant::now();
            let by = Assignment::Units { units: UNITS };
            match replicate(&p, 0, &by, (REPS, 42), &shared, &Never) {
                Ok(found) if found.iter().all(Option::is_some) => say("placebo", begun),
                other => println!("placebo: {:?} assignments without an estimate", other.map(|f| f.len())),
            }
            let begun = Instant::now();
            let truth = Truth { coefficients: e.coefficients.clone(), sigma2: e.sigma2 };
            let how = Replications { reps: REPS, seed: 42, errors: Errors::Normal };
            match simulate(&p, &e, &truth, how, &shared, &Never) {
                Ok(_) => say("simulate", begun),
                Err(error) => println!("simulate: {error}"),
            }
        });
    }
}
