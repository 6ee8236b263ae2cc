//! Processor time of a two-way least-squares fit with Conley's errors on many units: `cargo bench --bench conley`.
//!
//! 10,000 units by default (`-- 2000` for another number) scattered over 27 degrees of longitude by 27 of latitude, 17
//! periods, five regressors. One thread; the time is that of the process for the estimate alone, the index of places included.

use cpu_time::ProcessTime;
use durbin::estimators::*;
use durbin::weights::geometry::Coordinates;
use std::sync::Arc;

const UNITS: usize = 10_000;
const PERIODS: usize = 17;
const REGRESSORS: u64 = 5;
/// Seconds for 10,000 units.
const TARGET: f64 = 5.0;

/// A reproducible number in (-1, 1).
fn noise(seed: u64, k: u64) -> f64 {
    let mut z = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ k.wrapping_mul(0xD134_2543_DE82_EF95);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    2.0 * (((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64) - 1.0
}

/// `y = Σ_k x_k / k + μ + ξ + ε` at scattered places.
fn problem(units: usize) -> Problem {
    let column = |k: u64| -> Vec<f64> { (0..units * PERIODS).map(|r| noise(20 + k, r as u64)).collect() };
    let regressors: Vec<Regressor> = (0..REGRESSORS).map(|k| Regressor { values: column(k), lagged: false }).collect();
    let mut outcome = column(40);
    for (r, y) in outcome.iter_mut().enumerate() {
        *y += noise(41, (r % units) as u64) + 0.1 * (r / units) as f64;
        *y += regressors.iter().enumerate().map(|(k, x)| x.values[r] / (k + 1) as f64).sum::<f64>();
    }
    let place = |i: usize| [110.0 + 13.5 * noise(1, i as u64), 31.0 + 13.5 * noise(2, i as u64)];
    let coordinates = Some(Arc::new(Coordinates::Degrees((0..units).map(place).collect())));
    Problem {
        model: Model::Ols,
        units,
        periods: PERIODS,
        outcome,
        regressors,
        durbin_weights: Vec::new(),
        lag_weights: None,
        error_weights: None,
        fixed_effects: FixedEffects::Both,
        approach: Approach::Likelihood,
        likelihood: Likelihood::Transform,
        variance: Variance::Iid,
        df_adjust: false,
        time_lags: Vec::new(),
        treatment: None,
        events: 0,
        exposures: 0,
        present: None,
        layout: Layout { coordinates, ..Layout::default() },
    }
}

fn main() {
    let units = std::env::args().filter_map(|a| a.parse().ok()).next().unwrap_or(UNITS);
    if let Err(error) = rayon::ThreadPoolBuilder::new().num_threads(1).build_global() {
        println!("threads: {error}");
    }
    let base = problem(units);
    println!("| units | errors | seconds | target | ratio | first slope | its error |");
    println!("|---|---|---|---|---|---|---|");
    for (cutoff_km, lags, kernel) in [
        (200.0, 0, ConleyKernel::Bartlett),
        (200.0, 2, ConleyKernel::Bartlett),
        (200.0, 2, ConleyKernel::Uniform),
        (1000.0, 2, ConleyKernel::Bartlett),
    ] {
        let variance = Variance::Conley(Conley { cutoff_km, lags, kernel });
        let problem = Problem { variance, ..base.clone() };
        let start = ProcessTime::now();
        let found = estimate(&problem, &Never);
        let seconds = start.elapsed().as_secs_f64();
        // pairs grow with the square of the units
        let target = TARGET * (units as f64 / UNITS as f64).powi(2);
        match found {
            Ok(found) => println!(
                "| {units} | conley({cutoff_km} km, lags: {lags}, kernel: {}) | {seconds:.2} | {target:.2} | {:.2} | {:.5} | {:.5} |",
                kernel.word(),
                seconds / target,
                found.coefficients[0],
                found.vcov[0][0].sqrt(),
            ),
            Err(error) => println!("no estimate: {error}"),
        }
    }
}
