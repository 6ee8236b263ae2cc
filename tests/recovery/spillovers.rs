//! S7 with clocks of exposure, S13 and S15 of methods G.2: event studies whose spillovers go by a unit's own exposure,
//! shocks that come where and when a treatment does, and a matrix that tells no neighbors apart.

use crate::design::{Design, PERIODS, Truth, UNITS};
use crate::tally::{Rates, Tally};
use durbin::estimators::*;
use durbin::inference::wald::wald;
use durbin::weights::{Weights, scale};
use sprs::TriMat;
use statrs::distribution::{ChiSquared, ContinuousCDF};
use std::sync::Arc;

const REPLICATIONS: u64 = 300;
const NORMAL: f64 = 1.959963984540054;
const SEED: u64 = 2025;
/// Event times, the outer ones with what lies beyond; the reference −1 is none.
const BINS: [i64; 6] = [-3, -2, 0, 1, 2, 3];
const LEADS: usize = 2;

fn start(treatment: &[f64], i: usize) -> Option<i64> {
    (0..PERIODS).find(|t| treatment[t * UNITS + i] > 0.5).map(|t| t as i64)
}

/// Columns of the bins: of the own start, then of the first start among neighbors while untreated.
fn clocks(design: &Design) -> Vec<Vec<f64>> {
    let starts: Vec<Option<i64>> = (0..UNITS).map(|i| start(&design.treatment, i)).collect();
    let first = |i: usize| {
        let row = design.lag.matrix.outer_view(i);
        row.and_then(|row| row.iter().filter(|(_, w)| **w > 0.0).filter_map(|(k, _)| starts[k]).min())
    };
    let at = |since: Option<i64>, t: i64, bin: i64| since.is_some_and(|s| (t - s).clamp(-3, 3) == bin);
    let mut out = Vec::new();
    for exposed in [false, true] {
        for bin in BINS {
            let of = |r: usize| {
                let (i, t) = (r % UNITS, (r / UNITS) as i64);
                let untreated = starts[i].is_none_or(|s| t < s);
                if exposed { untreated && at(first(i), t, bin) } else { at(starts[i], t, bin) }
            };
            out.push((0..UNITS * PERIODS).map(|r| f64::from(u8::from(of(r)))).collect());
        }
    }
    out
}

fn p_value(e: &Estimated, places: &[usize]) -> f64 {
    let values: Vec<f64> = places.iter().map(|&p| e.coefficients[p]).collect();
    let unit = |&p: &usize| (0..e.coefficients.len()).map(|j| f64::from(u8::from(j == p))).collect();
    let gradient: Vec<Vec<f64>> = places.iter().map(unit).collect();
    ChiSquared::new(places.len() as f64).unwrap().sf(wald(&values, &gradient, &e.vcov).unwrap())
}

#[test]
#[ignore = "slow: hundreds of estimates"]
fn clocks_of_exposure_find_what_comes_after_it_and_nothing_before() {
    let design = Design::corridor(SEED);
    let columns = clocks(&design);
    let effect = |bin: i64| if bin < 0 { 0.0 } else { 0.02 * (bin + 1) as f64 };
    for rho in [0.0, 0.4] {
        let truth = Truth { rho, gamma: 0.5, delta: 0.2, ..Truth::default() };
        let mut source = vec![0.0; UNITS * PERIODS];
        for (k, column) in columns.iter().enumerate() {
            let size = effect(BINS[k % BINS.len()]) * if k < BINS.len() { 1.0 } else { 0.6 };
            source.iter_mut().zip(column).for_each(|(s, d)| *s += size * d);
        }
        let moved = design.spread(rho, &source);
        // What reaches the exposed at the last bin, their own starts being still to come.
        let last = &columns[2 * BINS.len() - 1];
        let cells: Vec<usize> = (0..moved.len()).filter(|&r| last[r] > 0.5).collect();
        let reached = cells.iter().map(|&r| moved[r]).sum::<f64>() / cells.len() as f64;
        let title = format!("own clock, rho {rho}");
        let mut own = Tally::new(&format!("{title}: start, last bin"), effect(3), NORMAL);
        let mut spill = Tally::new(&format!("{title}: on exposed, last bin"), reached, NORMAL);
        let mut rates = Rates::default();
        for replication in 0..REPLICATIONS {
            let p = design.draw(&truth, replication);
            let x = p.regressors[1].clone();
            let outcome = p.outcome.iter().zip(&moved).map(|(y, m)| y + m).collect();
            let events = columns.iter().map(|values| Regressor { values: values.clone(), lagged: false });
            let regressors = events.chain([x]).collect();
            let (events, exposures) = (BINS.len(), 1);
            let p = Problem { outcome, regressors, treatment: None, error_weights: None, events, exposures, ..p };
            let p = if rho == 0.0 {
                Problem { model: Model::Slx, lag_weights: None, variance: Variance::ClusterUnit, ..p }
            } else {
                p
            };
            let e = estimate(&p, &Never).unwrap();
            let leads: Vec<usize> = (0..LEADS).collect();
            let exposed: Vec<usize> = leads.iter().map(|k| BINS.len() + k).collect();
            let both: Vec<usize> = leads.iter().chain(&exposed).copied().collect();
            rates.note("leads of starts", p_value(&e, &leads));
            rates.note("leads of exposure", p_value(&e, &exposed));
            rates.note("both", p_value(&e, &both));
            let k = BINS.len() - 1;
            own.note(e.coefficients[k], e.vcov[k][k].sqrt());
            let found = e.events.unwrap().on_exposed.unwrap()[k].effect;
            spill.note(found.estimate, found.se);
        }
        rates.show(&title);
        own.show();
        spill.show();
        rates.within("both", 0.03, 0.11);
        for tally in [own, spill] {
            tally.has_bias_within(0.004);
            tally.covers(0.92, 0.96);
        }
    }
}

/// S13: nothing is done, and a shock of .1 comes with the treatment to the treated and to all who have a treated neighbor.
#[test]
#[ignore = "slow: hundreds of estimates"]
fn a_shock_that_comes_with_the_treatment_is_taken_for_its_effect() {
    let design = Design::corridor(SEED);
    let d = &design.treatment;
    let near = design.lagged(d);
    let shock: Vec<f64> = d.iter().zip(&near).map(|(d, w)| if *d > 0.5 || *w > 0.0 { 0.1 } else { 0.0 }).collect();
    let names = ["rho", "direct, on the treated", "indirect, on the treated", "indirect, on the exposed"];
    let mut tallies = names.map(|n| Tally::new(&format!("S13, sdm_did: {n}"), 0.0, NORMAL));
    for replication in 0..REPLICATIONS {
        let p = design.draw(&Truth { gamma: 0.5, ..Truth::default() }, replication);
        let outcome = p.outcome.iter().zip(&shock).map(|(y, s)| y + s).collect();
        let variance = Variance::ClusterUnit;
        let e = estimate(&Problem { outcome, error_weights: None, variance, ..p }, &Never).unwrap();
        let (policy, rho) = (e.policy.unwrap(), e.coefficients.len() - 1);
        tallies[0].note(e.coefficients[rho], e.vcov[rho][rho].sqrt());
        let found = [policy.direct_on_treated, policy.indirect_on_treated, policy.indirect_on_exposed];
        tallies[1..].iter_mut().zip(found).for_each(|(t, m)| t.note(m.estimate, m.se));
    }
    tallies.iter().for_each(Tally::show);
    // Most of it is taken for a spillover, and no test of the model sees it.
    for tally in &tallies[2..] {
        assert!(tally.mean() > 4.0 * tally.mean_error() && tally.coverage() < 0.8);
    }
}

/// S15: where everybody is everybody's neighbor the lag of a treatment is a combination of it and of period effects.
#[test]
fn a_complete_matrix_has_no_lag_of_a_treatment_apart_from_it() {
    let design = Design::corridor(SEED);
    let mut links = TriMat::new((UNITS, UNITS));
    (0..UNITS * UNITS).filter(|c| c / UNITS != c % UNITS).for_each(|c| links.add_triplet(c / UNITS, c % UNITS, 1.0));
    let complete = Arc::new(scale::row(&Weights::unscaled(links.to_csr())));
    for model in [Model::Slx, Model::Sdm, Model::Sdem] {
        let p = Problem {
            model,
            durbin_weights: vec![complete.clone()],
            lag_weights: model.has_lag().then(|| complete.clone()),
            error_weights: model.has_error().then(|| complete.clone()),
            ..design.draw(&Truth::default(), 0)
        };
        let found = estimate(&p, &Never);
        assert!(matches!(found, Err(EstimateError::RankDeficient { .. })), "{model:?}: {found:?}");
    }
}
