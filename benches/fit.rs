//! Processor time and memory of one fit with effects, against the targets: `cargo bench --bench fit [-- units …]`.
//!
//! One two-way spatial Durbin model, 17 periods, four regressors, on a jittered triangulated grid with shuffled labels
//! (about six neighbors) or the ten nearest of scattered points; and one with `lag(y)` and `W @ lag(y)` beside them. One
//! thread; times are those of the process.

use cpu_time::ProcessTime;
use durbin::estimators::*;
use durbin::weights::{Scaling, Weights};
use sprs::TriMat;
use std::sync::Arc;

const PERIODS: usize = 17;
const REGRESSORS: usize = 4;
const RHO: f64 = 0.5;
/// Units, and the seconds that one fit with independent errors may take on the grid.
const TARGETS: [(usize, f64); 4] = [(75, 0.005), (3_025, 0.06), (36_100, 1.0), (100_000, 3.0)];
/// The same for a dynamic model.
const DYNAMIC: (usize, f64) = (3_025, 0.3);
/// What ten nearest neighbors may take more.
const ASYMMETRIC: f64 = 1.3;

/// A reproducible number in (-1, 1).
fn noise(seed: u64, k: u64) -> f64 {
    let mut z = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ k.wrapping_mul(0xD134_2543_DE82_EF95);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    2.0 * (((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64) - 1.0
}

/// Row-standardised weights of neighbor lists; `symmetric` ones carry their symmetrizer.
fn weights(neighbors: &[Vec<usize>], symmetric: bool) -> Arc<Weights> {
    let n = neighbors.len();
    let mut t = TriMat::new((n, n));
    for (i, row) in neighbors.iter().enumerate() {
        row.iter().for_each(|&k| t.add_triplet(i, k, 1.0 / row.len() as f64));
    }
    let symmetrizer = symmetric.then(|| neighbors.iter().map(|row| (row.len() as f64).sqrt()).collect());
    Arc::new(Weights { matrix: t.to_csr(), scaling: Scaling::Row, symmetrizer, periods: 1 })
}

/// Labels in random order.
fn shuffled(n: usize) -> Vec<usize> {
    let mut labels: Vec<usize> = (0..n).collect();
    labels.sort_by(|&a, &b| noise(11, a as u64).total_cmp(&noise(11, b as u64)));
    labels
}

/// A grid of squares, each cut by one of its diagonals at random.
fn triangulated(n: usize) -> Arc<Weights> {
    let width = (n as f64).sqrt().ceil() as usize;
    let label = shuffled(n);
    let mut neighbors = vec![Vec::new(); n];
    let mut link = |a: usize, b: usize| {
        if a < n && b < n {
            neighbors[label[a]].push(label[b]);
            neighbors[label[b]].push(label[a]);
        }
    };
    for a in 0..n {
        let (inside, below) = (a % width + 1 < width, a + width);
        if inside {
            link(a, a + 1);
            if noise(12, a as u64) > 0.0 { link(a, below + 1) } else { link(a + 1, below) }
        }
        link(a, below);
    }
    weights(&neighbors, true)
}

/// The ten nearest of points scattered over a square, found cell by cell.
fn nearest(n: usize) -> Arc<Weights> {
    let points: Vec<[f64; 2]> = (0..n as u64).map(|i| [noise(13, 2 * i), noise(13, 2 * i + 1)]).collect();
    let side = ((n as f64 / 5.0).sqrt().floor() as usize).max(1);
    let cell = |p: [f64; 2]| p.map(|x| (((x + 1.0) * 0.5 * side as f64) as usize).min(side - 1));
    let mut cells = vec![Vec::new(); side * side];
    points.iter().enumerate().for_each(|(i, p)| cells[cell(*p)[0] * side + cell(*p)[1]].push(i));
    let around = |i: usize| {
        let [r, c] = cell(points[i]);
        let mut reach = 2;
        loop {
            let span = |x: usize| x.saturating_sub(reach)..(x + reach + 1).min(side);
            let mut found: Vec<(f64, usize)> = span(r)
                .flat_map(|a| span(c).map(move |b| a * side + b))
                .flat_map(|k| cells[k].iter().copied())
                .filter(|&k| k != i)
                .map(|k| ((points[i][0] - points[k][0]).powi(2) + (points[i][1] - points[k][1]).powi(2), k))
                .collect();
            found.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            if found.len() >= 10 && (found[9].0.sqrt() <= 2.0 * reach as f64 / side as f64 || reach >= side) {
                let mut ten: Vec<usize> = found[..10].iter().map(|f| f.1).collect();
                ten.sort_unstable();
                return ten;
            }
            reach += 1;
        }
    };
    weights(&(0..n).map(around).collect::<Vec<_>>(), false)
}

/// `y = 0.5 Wy + Xβ + WXθ + μ + ξ + ε`, by the sum of powers of `0.5 W`.
fn problem(w: &Arc<Weights>, variance: Variance) -> Problem {
    let n = w.units();
    let column = |seed: u64| (0..n * PERIODS).map(|k| noise(seed, k as u64)).collect::<Vec<f64>>();
    let regressors: Vec<Regressor> =
        (0..REGRESSORS as u64).map(|k| Regressor { values: column(20 + k), lagged: true }).collect();
    let mut source = column(30);
    for (k, x) in regressors.iter().enumerate() {
        let lagged = durbin::linalg::panel::spatial_lag(&w.matrix, &x.values, n, PERIODS);
        for (s, (x, l)) in source.iter_mut().zip(x.values.iter().zip(&lagged)) {
            *s += (1.0 - 0.2 * k as f64) * x + 0.3 * l;
        }
    }
    for (k, s) in source.iter_mut().enumerate() {
        *s += noise(31, (k % n) as u64) + 0.1 * (k / n) as f64;
    }
    let mut outcome = source.clone();
    for _ in 0..60 {
        outcome = durbin::linalg::panel::spatial_lag(&w.matrix, &outcome, n, PERIODS);
        outcome.iter_mut().zip(&source).for_each(|(y, s)| *y = RHO * *y + s);
    }
    Problem {
        model: Model::Sdm,
        units: n,
        periods: PERIODS,
        outcome,
        regressors,
        durbin_weights: vec![w.clone()],
        lag_weights: Some(w.clone()),
        error_weights: None,
        fixed_effects: FixedEffects::Both,
        approach: Approach::Likelihood,
        likelihood: Likelihood::Transform,
        variance,
        df_adjust: false,
        time_lags: Vec::new(),
        treatment: None,
        events: 0,
        exposures: 0,
        present: None,
        layout: Layout::default(),
    }
}

/// `y_t = 0.5 Wy_t + 0.3 y_{t−1} − 0.1 Wy_{t−1} + …` from an outcome of zero, with the first period before the sample.
fn dynamic(w: &Arc<Weights>, variance: Variance) -> Problem {
    let n = w.units();
    let still = problem(w, variance);
    // The outcome without its own lag tells the source of each period: S y₀.
    let lag = |x: &[f64]| durbin::linalg::panel::spatial_lag(&w.matrix, x, n, x.len() / n);
    let (mut outcome, mut previous) = (vec![0.0; n], vec![0.0; n]);
    let of_still = lag(&still.outcome);
    for (y, wy) in still.outcome.chunks_exact(n).zip(of_still.chunks_exact(n)) {
        let carried = lag(&previous);
        let source: Vec<f64> = (0..n).map(|i| y[i] - RHO * wy[i] + 0.3 * previous[i] - 0.1 * carried[i]).collect();
        let mut now = source.clone();
        for _ in 0..60 {
            now = lag(&now);
            now.iter_mut().zip(&source).for_each(|(y, s)| *y = RHO * *y + s);
        }
        outcome.extend_from_slice(&now);
        previous = now;
    }
    let before = outcome[..n * PERIODS].to_vec();
    let lagged = lag(&before);
    let mut regressors: Vec<Regressor> =
        [before, lagged].into_iter().map(|values| Regressor { values, lagged: false }).collect();
    regressors.extend(still.regressors.iter().cloned());
    let time_lags = vec![TimeLag { regressor: 0, weights: None }, TimeLag { regressor: 1, weights: Some(w.clone()) }];
    Problem { outcome: outcome[n..].to_vec(), regressors, time_lags, ..still }
}

/// Says how long each step takes, when asked to.
struct Steps {
    since: std::sync::Mutex<(ProcessTime, &'static str)>,
    told: bool,
}

impl Steps {
    fn tell(&self, next: &'static str) {
        if let (true, Ok(mut since)) = (self.told, self.since.lock()) {
            println!("    {:8.4} s  {}", since.0.elapsed().as_secs_f64(), since.1);
            *since = (ProcessTime::now(), next);
        }
    }
}

impl Interrupt for Steps {
    fn stop(&self) -> bool {
        false
    }

    fn begin(&self, step: &'static str) {
        self.tell(step);
    }
}

/// Largest resident memory of the process so far in MB, where the system tells.
fn peak() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
}

/// Median processor seconds of one estimate, and its last ρ̂.
fn measure(problem: &Problem, told: bool) -> (f64, f64) {
    let runs = if problem.units > 10_000 { 1 } else { 5 };
    let mut times: Vec<f64> = Vec::new();
    let mut rho = f64::NAN;
    for _ in 0..runs {
        let steps = Steps { since: std::sync::Mutex::new((ProcessTime::now(), "start")), told };
        let start = ProcessTime::now();
        match estimate(problem, &steps) {
            Ok(found) => rho = found.coefficients.last().copied().unwrap_or(f64::NAN),
            Err(error) => println!("no estimate: {error}"),
        }
        times.push(start.elapsed().as_secs_f64());
        steps.tell("end");
    }
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], rho)
}

fn main() {
    let asked: Vec<usize> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let told = std::env::args().any(|a| a == "--steps");
    if let Err(error) = rayon::ThreadPoolBuilder::new().num_threads(1).build_global() {
        println!("threads: {error}");
    }
    println!("| model | units | neighbors | errors | seconds | target | ratio | peak MB | rho |");
    println!("|---|---|---|---|---|---|---|---|---|");
    let wanted = |units: usize| asked.is_empty() || asked.contains(&units);
    for (units, target) in TARGETS.into_iter().filter(|t| wanted(t.0)) {
        graphs(units, |graph, w, factor| rows("sdm", graph, target * factor, |v| problem(w, v), told));
    }
    let (units, target) = DYNAMIC;
    if wanted(units) {
        graphs(units, |graph, w, factor| rows("dynamic sdm", graph, target * factor, |v| dynamic(w, v), told));
    }
}

/// Both graphs, with what their edges may cost.
fn graphs(units: usize, each: impl Fn(&str, &Arc<Weights>, f64)) {
    each("6, grid", &triangulated(units), 1.0);
    each("10 nearest", &nearest(units), ASYMMETRIC);
}

/// The rows of one model: with independent errors against the target, and with clustered ones.
fn rows(model: &str, graph: &str, target: f64, problem: impl Fn(Variance) -> Problem, told: bool) {
    for (errors, variance) in [("iid", Variance::Iid), ("cluster(unit)", Variance::ClusterUnit)] {
        let problem = problem(variance);
        let (seconds, rho) = measure(&problem, told);
        let memory = peak().map_or_else(|| "-".to_string(), |mb| format!("{mb:.0}"));
        let (limit, ratio) = match variance {
            Variance::Iid => (format!("{target:.4}"), format!("{:.2}", seconds / target)),
            _ => ("-".to_string(), "-".to_string()),
        };
        let units = problem.units;
        println!("| {model} | {units} | {graph} | {errors} | {seconds:.4} | {limit} | {ratio} | {memory} | {rho:.6} |");
    }
}
