//! Processor time and memory of a two-way least-squares fit with clustered errors on many rows:
//! `cargo bench --bench least_squares`.
//!
//! Ten million rows by default (`-- 1000000` for another number), five regressors, twenty periods. The data are made in
//! memory: no file is read. One thread; the time is that of the process for the estimate alone, the memory the peak of the
//! process, data included.

use cpu_time::ProcessTime;
use durbin::estimators::*;

const ROWS: usize = 10_000_000;
const PERIODS: usize = 20;
const REGRESSORS: usize = 5;
/// Seconds for ten million rows.
const TARGET: f64 = 3.0;

/// A reproducible number in (-1, 1).
fn noise(seed: u64, k: u64) -> f64 {
    let mut z = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ k.wrapping_mul(0xD134_2543_DE82_EF95);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    2.0 * (((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64) - 1.0
}

/// `y = Σ_k x_k / k + μ + ξ + ε`; in an unbalanced panel a tenth of the cells is absent.
fn problem(rows: usize, gaps: bool) -> Problem {
    let (n, t) = (rows / PERIODS, PERIODS);
    let present: Option<Vec<bool>> = gaps.then(|| (0..n * t).map(|r| noise(9, r as u64) > -0.8).collect());
    let absent = |r: usize| present.as_ref().is_some_and(|p| !p[r]);
    let column = |k: u64| -> Vec<f64> {
        (0..n * t).map(|r| if absent(r) { f64::NAN } else { noise(20 + k, r as u64) }).collect()
    };
    let regressors: Vec<Regressor> =
        (0..REGRESSORS as u64).map(|k| Regressor { values: column(k), lagged: false }).collect();
    let mut outcome = column(40);
    for (r, y) in outcome.iter_mut().enumerate() {
        *y += noise(41, (r % n) as u64) + 0.1 * (r / n) as f64;
        *y += regressors.iter().enumerate().map(|(k, x)| x.values[r] / (k + 1) as f64).sum::<f64>();
    }
    Problem {
        model: Model::Ols,
        units: n,
        periods: t,
        outcome,
        regressors,
        durbin_weights: Vec::new(),
        lag_weights: None,
        error_weights: None,
        fixed_effects: FixedEffects::Both,
        approach: Approach::Likelihood,
        likelihood: Likelihood::Transform,
        variance: Variance::ClusterUnit,
        df_adjust: false,
        time_lags: Vec::new(),
        treatment: None,
        events: 0,
        exposures: 0,
        present,
        layout: Layout::default(),
    }
}

/// Largest resident memory of the process so far in MB, where the system tells.
fn peak() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
}

fn main() {
    let rows = std::env::args().filter_map(|a| a.parse().ok()).next().unwrap_or(ROWS);
    if let Err(error) = rayon::ThreadPoolBuilder::new().num_threads(1).build_global() {
        println!("threads: {error}");
    }
    println!("| rows | columns | panel | errors | seconds | target | ratio | peak MB | first slope | its error |");
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for (panel, gaps) in [("balanced", false), ("a tenth absent", true)] {
        let problem = problem(rows, gaps);
        let start = ProcessTime::now();
        let found = estimate(&problem, &Never);
        let seconds = start.elapsed().as_secs_f64();
        let memory = peak().map_or_else(|| "-".to_string(), |mb| format!("{mb:.0}"));
        match found {
            Ok(found) => println!(
                "| {rows} | {REGRESSORS} | {panel} | cluster(unit) | {seconds:.2} | {:.2} | {:.2} | {memory} | {:.5} | {:.5} |",
                TARGET * rows as f64 / ROWS as f64,
                seconds / TARGET * ROWS as f64 / rows as f64,
                found.coefficients[0],
                found.vcov[0][0].sqrt(),
            ),
            Err(error) => println!("no estimate: {error}"),
        }
    }
}
