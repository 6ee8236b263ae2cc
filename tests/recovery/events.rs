//! S7 and S8 of methods G.2: event studies under independent and persistent errors: the size of tests of the leads, and
//! intervals of the last lag.

use crate::design::{Design, PERIODS, Truth, UNITS};
use crate::tally::{Rates, Tally};
use durbin::estimators::*;
use durbin::inference::wald::wald;
use statrs::distribution::{ChiSquared, ContinuousCDF};

const REPLICATIONS: u64 = 300;
const NORMAL: f64 = 1.959963984540054;
/// The outer bins and what lies between, without the reference −1.
const BINS: [i64; 10] = [-5, -4, -3, -2, 0, 1, 2, 3, 4, 5];
const LEADS: usize = 4;
const LAST: usize = BINS.len() - 1;

fn effect(event: i64) -> f64 {
    if event < 0 { 0.0 } else { 0.02 * (event + 1) as f64 }
}

/// One 0/1 column per bin; units that are never treated have none.
fn columns(treatment: &[f64]) -> Vec<Vec<f64>> {
    let start = |i: usize| (0..PERIODS).find(|t| treatment[t * UNITS + i] > 0.5);
    let mut out = vec![vec![0.0; treatment.len()]; BINS.len()];
    for i in 0..UNITS {
        let Some(start) = start(i) else { continue };
        for t in 0..PERIODS {
            let event = (t as i64 - start as i64).clamp(-5, 5);
            if let Some(bin) = BINS.iter().position(|b| *b == event) {
                out[bin][t * UNITS + i] = 1.0;
            }
        }
    }
    out
}

/// The p-value of a Wald test that coefficients are zero.
fn p_value(e: &Estimated, places: &[usize]) -> f64 {
    let values: Vec<f64> = places.iter().map(|&p| e.coefficients[p]).collect();
    let row = |&p: &usize| (0..e.coefficients.len()).map(|j| f64::from(u8::from(j == p))).collect();
    let gradient: Vec<Vec<f64>> = places.iter().map(row).collect();
    let statistic = wald(&values, &gradient, &e.vcov).unwrap();
    ChiSquared::new(places.len() as f64).unwrap().sf(statistic)
}

/// Rejection of leads that are zero, and the last lag's own coefficient.
fn study(title: &str, design: &Design, adjust: &dyn Fn(Problem) -> Problem) -> (Rates, Tally) {
    let truth = Truth { rho: 0.4, gamma: 0.5, delta: 0.2, ..Truth::default() };
    let events = columns(&design.treatment);
    let mut source = vec![0.0; UNITS * PERIODS];
    for (column, bin) in events.iter().zip(BINS) {
        let lagged = design.lagged(column);
        source.iter_mut().zip(column.iter().zip(&lagged)).for_each(|(s, (d, w))| *s += effect(bin) * (d + 0.6 * w));
    }
    let moved = design.spread(truth.rho, &source);
    let mut rates = Rates::default();
    let mut last = Tally::new(&format!("{title}: last lag"), effect(5), NORMAL);
    let own: Vec<usize> = (0..LEADS).collect();
    let lags: Vec<usize> = own.iter().map(|k| BINS.len() + 1 + k).collect();
    let both: Vec<usize> = own.iter().chain(&lags).copied().collect();
    for replication in 0..REPLICATIONS {
        let p = design.draw(&truth, replication);
        let x = p.regressors[1].clone();
        let outcome = p.outcome.iter().zip(&moved).map(|(y, m)| y + m).collect();
        let mut regressors: Vec<Regressor> =
            events.iter().map(|values| Regressor { values: values.clone(), lagged: true }).collect();
        regressors.push(x);
        let p = Problem { outcome, regressors, treatment: None, error_weights: None, events: BINS.len(), ..p };
        let e = estimate(&adjust(p), &Never).unwrap();
        rates.note("leads", p_value(&e, &own));
        rates.note("lags of leads", p_value(&e, &lags));
        rates.note("both", p_value(&e, &both));
        last.note(e.coefficients[LAST], e.vcov[LAST][LAST].sqrt());
    }
    rates.show(title);
    last.show();
    (rates, last)
}

#[test]
#[ignore = "slow: hundreds of estimates"]
fn tests_of_leads_have_their_size() {
    let plain = |p: Problem| p;
    let adjusted = |p: Problem| Problem { df_adjust: true, ..p };
    let clustered = |p: Problem| Problem { variance: Variance::ClusterUnit, ..p };
    let design = Design::corridor(2025);
    for (title, adjust) in
        [("iid", &plain as &dyn Fn(Problem) -> Problem), ("iid, df_adjust", &adjusted), ("cluster(unit)", &clustered)]
    {
        let (rates, last) = study(&format!("event study, independent, {title}"), &design, adjust);
        // Eight restrictions from 27 treated clusters: clustered variances of many coefficients at once are too small.
        rates.within("both", 0.04, if title == "cluster(unit)" { 0.25 } else { 0.075 });
        last.has_bias_within(0.004);
        last.covers(0.92, 0.96);
    }
    let design = Design::corridor(2025).with_persistence(0.5);
    let (rates, last) = study("event study, AR(.5), iid", &design, &plain);
    // the information does not know of persistence
    ["leads", "lags of leads", "both"].iter().for_each(|name| rates.within(name, 0.05, 0.15));
    last.has_bias_within(0.004);
    assert!(last.coverage() < 0.91, "the last lag is covered by {}", last.coverage());
    let (rates, last) = study("event study, AR(.5), cluster(unit)", &design, &clustered);
    rates.within("both", 0.04, 0.25);
    last.has_bias_within(0.004);
    last.covers(0.92, 0.96);
}
