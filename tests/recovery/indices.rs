//! S16 of methods G.2: employment of 75 cities in 19 industries, Dirichlet-multinomial; a treatment draws the shares of
//! treated cities toward the national ones, which raises the logarithm of relative diversity by as much. A
//! difference-in-differences of the index finds it, and the identities of methods A.1 hold on the counts.

use crate::random::Random;
use crate::tally::Tally;
use durbin::loader::MemoryLoader;
use durbin::session::{Program, Session};
use serde_json::Value;

const CITIES: usize = 75;
const INDUSTRIES: usize = 19;
const YEARS: usize = 10;
/// Treated from the sixth year on.
const TREATED: usize = 25;
const REPLICATIONS: u64 = 300;
/// What the treatment adds to log RDI.
const SHIFT: f64 = 0.08;
/// How closely shares of a city keep to its own mean, and mean shares to the national ones.
const KEEP: [f64; 2] = [120.0, 30.0];
const JOBS: f64 = 400_000.0;

/// A Gamma draw of shape `a` (Marsaglia and Tsang 2000; below one by the power of a uniform).
fn gamma(random: &mut Random, a: f64) -> f64 {
    if a < 1.0 {
        let u = random.uniform();
        return gamma(random, a + 1.0) * u.powf(1.0 / a);
    }
    let d = a - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = random.normal();
        let v = (1.0 + c * x).powi(3);
        let u = random.uniform();
        if v > 0.0 && u.ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d * v;
        }
    }
}

fn dirichlet(random: &mut Random, mean: &[f64], keep: f64) -> Vec<f64> {
    let draws: Vec<f64> = mean.iter().map(|m| gamma(random, keep * m)).collect();
    let total: f64 = draws.iter().sum();
    draws.iter().map(|d| d / total).collect()
}

/// Counts of so many jobs: binomials one after the other, each by its normal approximation.
fn multinomial(random: &mut Random, shares: &[f64]) -> Vec<f64> {
    let (mut left, mut rest) = (JOBS, 1.0);
    let mut out = Vec::new();
    for (j, s) in shares.iter().enumerate() {
        let p = (s / rest).clamp(0.0, 1.0);
        let draw = left * p + (left * p * (1.0 - p)).sqrt() * random.normal();
        let count = if j + 1 == shares.len() { left } else { draw.round().clamp(0.0, left) };
        out.push(count);
        left -= count;
        rest = (rest - s).max(1e-12);
    }
    out
}

fn files(replication: u64) -> MemoryLoader {
    let mut random = Random::new(1600, replication);
    // Shares of industries as uneven as those of two-digit ones are.
    let raw: Vec<f64> = (0..INDUSTRIES).map(|j| 1.0 / (j as f64 + 2.0)).collect();
    let national: Vec<f64> = raw.iter().map(|r| r / raw.iter().sum::<f64>()).collect();
    let mut jobs = "city,year,industry,employed\n".to_string();
    let mut panel = "city,year,law\n".to_string();
    let mut nation = "year,industry,employed\n".to_string();
    for t in 0..YEARS {
        national.iter().enumerate().for_each(|(j, s)| nation.push_str(&format!("{t},j{j:02},{}\n", 1e9 * s)));
    }
    for i in 0..CITIES {
        let own = dirichlet(&mut random, &national, KEEP[1]);
        for t in 0..YEARS {
            let law = i < TREATED && t >= YEARS / 2;
            let keep = if law { (-SHIFT).exp() } else { 1.0 };
            let shares = dirichlet(&mut random, &own, KEEP[0]);
            let shares: Vec<f64> = shares.iter().zip(&national).map(|(s, n)| n + keep * (s - n)).collect();
            panel.push_str(&format!("c{i:02},{t},{}\n", u8::from(law)));
            for (j, count) in multinomial(&mut random, &shares).iter().enumerate() {
                jobs.push_str(&format!("c{i:02},{t},j{j:02},{count}\n"));
            }
        }
    }
    let mut files = MemoryLoader::default();
    for (name, text) in [("jobs.csv", jobs), ("panel.csv", panel), ("nation.csv", nation)] {
        files.files.insert(name.into(), text.into_bytes());
    }
    files
}

const PROGRAM: &str = r#"
use std::indices
data jobs from "jobs.csv" { keys city, year, industry }
data nation from "nation.csv" { keys year, industry }
panel cities from "panel.csv" {
  unit city
  time year
  let div = log(relative_diversity(jobs.employed, industry, reference: nation.employed))
}
treatment reform = indicator(law)
did(div ~ reform)
"#;

/// Of these every cell is zero, up to rounding.
const IDENTITIES: &[&str] = &[
    "krugman(E, J) * relative_diversity(E, J) - 1",
    "diversity(E, J) * herfindahl(E, J) - 1",
    "specialization_coefficient(E, J) - krugman(E, J) / 2",
    "absolute_theil(E, J) - log(19) + shannon(E, J)",
    "min(sqrt(herfindahl(E, J)) - specialization(E, J), 0)",
    "min(specialization(E, J) - herfindahl(E, J), 0)",
    "hachman(E, J) * (1 + sum((share(E, J) - share(sum(E over unit), J))^2 / share(sum(E over unit), J) over J)) - 1",
    "krugman(E, J) - krugman(3 * E, J)",
];

fn results(program: &str, files: &MemoryLoader) -> Value {
    let run = Session::new(files).run(&Program::new("s16.durbin", program));
    assert!(!run.failed(), "{:?}", run.diagnostics);
    run.document()["results"].clone()
}

#[test]
#[ignore = "minutes"]
fn relative_diversity_recovers_the_shift_of_shares() {
    let t = statrs::distribution::StudentsT::new(0.0, 1.0, CITIES as f64 - 1.0).unwrap();
    let quantile = statrs::distribution::ContinuousCDF::inverse_cdf(&t, 0.975);
    let mut tally = Tally::new("S16: shift of log RDI", SHIFT, quantile);
    for replication in 0..REPLICATIONS {
        let found = results(PROGRAM, &files(replication));
        let reform = &found[0]["coefficients"][0];
        assert_eq!(reform["term"], "reform", "{reform}");
        tally.note(reform["estimate"].as_f64().unwrap(), reform["se"].as_f64().unwrap());
    }
    tally.show();
    // Counting moves shares by a thousandth, and with them log RDI by less than 0.0005.
    tally.has_bias_within(0.0005);
    tally.covers(0.93, 0.97);
    tally.has_errors_within(0.95, 1.05);
}

#[test]
#[ignore = "minutes"]
fn identities_hold_on_counts_of_75_cities() {
    let head: String = PROGRAM.lines().take_while(|l| !l.starts_with("treatment")).map(|l| format!("{l}\n")).collect();
    let lines: Vec<String> =
        IDENTITIES.iter().map(|e| e.replace('E', "jobs.employed").replace('J', "industry")).collect();
    for replication in 0..5 {
        let found = results(&format!("{head}{}\n", lines.join("\n")), &files(replication));
        for (result, name) in found.as_array().unwrap().iter().zip(IDENTITIES) {
            let values = result["values"].as_array().unwrap();
            assert_eq!(values.len(), CITIES * YEARS, "{name}");
            let largest = values.iter().map(|v| v.as_f64().unwrap().abs()).fold(0.0, f64::max);
            assert!(largest < 1e-12, "{name} is off by {largest}");
        }
    }
}
