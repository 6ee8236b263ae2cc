//! Designs S7, S10, S11, S13 and S14 of methods G.2 for staggered treatments, with and without exposure, and matching.

use crate::random::Random;
use crate::tally::Tally;
use durbin::designs::matching::{Caliper, Matching, matched};
use durbin::designs::staggered::*;
use durbin::weights::geometry::{Coordinates, band};
use statrs::distribution::{ContinuousCDF, FisherSnedecor, StudentsT};

const UNITS: usize = 75;
const PERIODS: usize = 17;
const FIRST: i64 = 2006;
const REPLICATIONS: u64 = 300;
const SEED: u64 = 2025;
const SIGMA: f64 = 0.2;
const NORMAL: f64 = 1.959963984540054;

/// Units on a square of 900 km; the 27 nearest to its diagonal start between 2012 and 2016.
struct Corridor {
    places: Coordinates,
    starts: Vec<Option<i64>>,
    unit_effects: Vec<f64>,
    period_effects: Vec<f64>,
}

impl Corridor {
    fn new() -> Corridor {
        let mut random = Random::new(SEED, 1);
        let points: Vec<[f64; 2]> = (0..UNITS).map(|_| [900e3 * random.uniform(), 900e3 * random.uniform()]).collect();
        let mut order: Vec<(f64, usize)> = points.iter().enumerate().map(|(i, p)| ((p[0] - p[1]).abs(), i)).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut starts = vec![None; UNITS];
        for (place, &(_, i)) in order[..27].iter().enumerate() {
            starts[i] = Some(2012 + place as i64 % 5);
        }
        let mut random = Random::new(SEED, 2);
        let mut level = 0.0;
        let walk = |step: f64| {
            level += 0.1 * step;
            level
        };
        let period_effects = random.normals(PERIODS).into_iter().map(walk).collect();
        Corridor { places: Coordinates::Planar(points), starts, unit_effects: random.normals(UNITS), period_effects }
    }

    /// Exposure by bands of distance in km.
    fn bands(&self, bounds: &[f64]) -> Vec<Vec<Option<i64>>> {
        let of = |pair: &[f64]| exposed_from(&band(&self.places, pair[0], pair[1]).unwrap().matrix, &self.starts);
        bounds.windows(2).map(of).collect()
    }

    fn period(&self, r: usize) -> i64 {
        FIRST + (r / UNITS) as i64
    }

    fn event(&self, r: usize) -> Option<i64> {
        self.starts[r % UNITS].map(|g| self.period(r) - g)
    }

    /// A replication with these effects and errors of autocorrelation `persistence` within units.
    fn draw(&self, effect: &dyn Fn(usize) -> f64, persistence: f64, replication: u64) -> Sample {
        let mut random = Random::new(SEED ^ 0xD0B1, 1000 + replication);
        let mut noise = vec![0.0; UNITS];
        let mut outcome = Vec::with_capacity(UNITS * PERIODS);
        for t in 0..PERIODS {
            for (i, e) in noise.iter_mut().enumerate() {
                let fresh = SIGMA * random.normal();
                *e = if t == 0 { fresh } else { persistence * *e + (1.0 - persistence * persistence).sqrt() * fresh };
                outcome.push(self.unit_effects[i] + self.period_effects[t] + effect(t * UNITS + i) + *e);
            }
        }
        Sample {
            units: UNITS,
            periods: (0..PERIODS as i64).map(|t| FIRST + t).collect(),
            outcome,
            covariates: Vec::new(),
            present: None,
            starts: self.starts.clone(),
            exposed: Vec::new(),
            clusters: (0..UNITS as u32).collect(),
        }
    }
}

/// The two-way estimate.
fn two_way(sample: &Sample) -> f64 {
    bacon(sample).unwrap().estimate
}

/// A target for every wanted event time of the treated.
fn by_event(corridor: &Corridor, cells: &[usize], events: &[i64]) -> Vec<Target> {
    let of = |e: i64| Target { cells: cells.iter().copied().filter(|&r| corridor.event(r) == Some(e)).collect() };
    events.iter().map(|&e| of(e)).collect()
}

/// S10: effects that grow and differ between groups. The two-way estimate is biased; the others are not, event by event.
#[test]
#[ignore = "slow: hundreds of estimates"]
fn effects_that_differ_between_groups_are_recovered() {
    let corridor = Corridor::new();
    let effect = |r: usize| match corridor.event(r) {
        Some(e) if e >= 0 => (if corridor.starts[r % UNITS] == Some(2012) { 0.05 } else { 0.02 }) * (e + 1) as f64,
        _ => 0.0,
    };
    let events: Vec<i64> = (0..=6).collect();
    let cells: Vec<usize> = (0..UNITS * PERIODS).filter(|&r| corridor.event(r).is_some_and(|e| e >= 0)).collect();
    let mean = |cells: &[usize]| cells.iter().map(|&r| effect(r)).sum::<f64>() / cells.len() as f64;
    let truths: Vec<f64> = by_event(&corridor, &cells, &events).iter().map(|t| mean(&t.cells)).collect();
    let t = StudentsT::new(0.0, 1.0, UNITS as f64 - 1.0).unwrap().inverse_cdf(0.975);
    let tallies = |name: &str, quantile: f64| -> Vec<Tally> {
        events
            .iter()
            .zip(&truths)
            .map(|(e, truth)| Tally::new(&format!("S10 {name}, event {e}"), *truth, quantile))
            .collect()
    };
    let (mut cs, mut sa, mut bjs, mut gardner) = (
        tallies("att_gt", NORMAL),
        tallies("sun_abraham", t),
        tallies("imputation", NORMAL),
        tallies("two_stage", NORMAL),
    );
    let mut naive = Tally::new("S10 did", mean(&cells), NORMAL);
    for replication in 0..REPLICATIONS {
        let sample = corridor.draw(&effect, 0.0, replication);
        naive.note(two_way(&sample), 1.0);
        let asked = Asked { control: Control::NotYet, method: Method::Dr, base: Base::Universal, anticipation: 0 };
        let by_group = aggregates(&group_time(&sample, &asked).unwrap(), Effect::Direct);
        let study = sun_abraham(&sample, Control::Never, 0).unwrap();
        for (k, e) in events.iter().enumerate() {
            let a = by_group.dynamic.iter().find(|a| a.key == *e).unwrap();
            cs[k].note(a.estimate, standard_error(&a.influence, &sample));
            let p = study.periods.iter().position(|p| p.event_time == *e).unwrap();
            sa[k].note(study.periods[p].estimate, study.vcov[(p, p)].sqrt());
        }
        for (residuals, tallies) in [(Residuals::ByGroup, &mut bjs), (Residuals::SecondStage, &mut gardner)] {
            let found = imputation(&sample, 0, residuals, &|cells| by_event(&corridor, cells, &events)).unwrap();
            for (k, tally) in tallies.iter_mut().enumerate() {
                tally.note(found.estimates[k], found.vcov[(k, k)].sqrt());
            }
        }
    }
    println!("S10 did: true {:.4}, mean {:.4} ({:.4})", naive.truth, naive.mean(), naive.mean_error());
    assert!((naive.mean() - naive.truth).abs() > 10.0 * naive.mean_error(), "the two-way estimate has no bias");
    for tally in cs.iter().chain(&sa).chain(&bjs).chain(&gardner) {
        tally.show();
        assert!((tally.mean() - tally.truth).abs() <= 3.5 * tally.mean_error(), "{}", tally.name);
        tally.covers(0.90, 0.97);
    }
}

/// S11: spillovers on untreated units within 100 and 250 km. The bias of the two-way estimate is the one its weights
/// predict; rings of exposure recover the effects.
#[test]
#[ignore = "slow: hundreds of estimates"]
fn spillovers_bias_the_two_way_estimate_as_predicted_and_rings_recover_them() {
    let corridor = Corridor::new();
    let exposed = corridor.bands(&[0.0, 100.0, 250.0]);
    let blank = Sample { exposed: exposed.clone(), ..corridor.draw(&|_| 0.0, 0.0, 0) };
    let state = |r: usize| blank.state(r % UNITS, corridor.period(r));
    let spill = |r: usize| match state(r) {
        State::Exposed(0) => 0.08,
        State::Exposed(_) => 0.04,
        _ => 0.0,
    };
    let effect = |r: usize| if state(r) == State::Treated { 0.1 } else { spill(r) };
    let predicted = 0.1 + two_way(&Sample { outcome: (0..UNITS * PERIODS).map(spill).collect(), ..blank.clone() });
    let mut naive = Tally::new("S11 did", predicted, NORMAL);
    let named = [("direct", 0.1), ("within 100 km", 0.08), ("100 to 250 km", 0.04)];
    let tallies = |of: &str| named.map(|(n, truth)| Tally::new(&format!("S11 {of}, {n}"), truth, NORMAL));
    let (mut rings, mut conservative) = (tallies("two_stage"), tallies("imputation"));
    let mut unaware = Tally::new("S11 imputation without exposure", 0.1, NORMAL);
    let mut group = Tally::new("S11 att_gt with exposure", 0.1, NORMAL);
    for replication in 0..REPLICATIONS {
        let plain = corridor.draw(&effect, 0.0, replication);
        naive.note(two_way(&plain), 1.0);
        let sample = Sample { exposed: exposed.clone(), ..plain.clone() };
        let states = [State::Treated, State::Exposed(0), State::Exposed(1)];
        let targets = |cells: &[usize]| -> Vec<Target> {
            states
                .iter()
                .map(|s| Target { cells: cells.iter().copied().filter(|&r| state(r) == *s).collect() })
                .collect()
        };
        for (residuals, tallies) in [(Residuals::SecondStage, &mut rings), (Residuals::ByGroup, &mut conservative)] {
            let found = imputation(&sample, 0, residuals, &targets).unwrap();
            for (k, tally) in tallies.iter_mut().enumerate() {
                tally.note(found.estimates[k], found.vcov[(k, k)].sqrt());
            }
        }
        let found = imputation(&plain, 0, Residuals::ByGroup, &|cells| vec![Target { cells: cells.to_vec() }]).unwrap();
        unaware.note(found.estimates[0], found.vcov[(0, 0)].sqrt());
        let asked = Asked { control: Control::NotYet, method: Method::Dr, base: Base::Varying, anticipation: 0 };
        let average = aggregates(&group_time(&sample, &asked).unwrap(), Effect::Direct).simple.unwrap();
        group.note(average.estimate, standard_error(&average.influence, &sample));
    }
    let (weight, cells) = exposed_weight(&blank).unwrap();
    println!(
        "S11 did: predicted {predicted:.4}, mean {:.4} ({:.4}); {cells} exposed cells with weight {weight:.3}; {} clean units",
        naive.mean(),
        naive.mean_error(),
        blank.never_dirty().len()
    );
    assert!((naive.mean() - predicted).abs() <= 3.5 * naive.mean_error());
    unaware.show();
    assert!((unaware.mean() - 0.1).abs() > 5.0 * unaware.mean_error());
    for tally in rings.iter().chain(&conservative).chain([&group]) {
        tally.show();
        assert!((tally.mean() - tally.truth).abs() <= 3.5 * tally.mean_error(), "{}", tally.name);
        tally.covers(0.90, 0.98);
    }
}

/// S7: nothing before the start, effects after it. Tests of the leads reject as often as they say.
#[test]
#[ignore = "slow: hundreds of estimates"]
fn tests_of_leads_have_their_size() {
    let corridor = Corridor::new();
    let effect = |r: usize| corridor.event(r).filter(|e| *e >= 0).map_or(0.0, |e| 0.02 * (e + 1) as f64);
    for persistence in [0.0, 0.5] {
        let mut rejected = [0usize; 3];
        for replication in 0..REPLICATIONS {
            let sample = corridor.draw(&effect, persistence, replication);
            let f = |estimates: &[f64], vcov: &nalgebra::DMatrix<f64>| {
                let q = estimates.len() as f64;
                FisherSnedecor::new(q, UNITS as f64 - 1.0).unwrap().sf(wald(estimates, vcov).unwrap() / q)
            };
            let study = sun_abraham(&sample, Control::Never, 0).unwrap();
            let at: Vec<usize> =
                (0..study.periods.len()).filter(|&k| (-5..-1).contains(&study.periods[k].event_time)).collect();
            let estimates: Vec<f64> = at.iter().map(|&k| study.periods[k].estimate).collect();
            rejected[0] += usize::from(f(&estimates, &study.vcov.select_rows(&at).select_columns(&at)) < 0.05);
            let found = leads(&sample, 0, 3).unwrap().unwrap();
            let estimates: Vec<f64> = found.estimates.iter().map(|e| e.1).collect();
            rejected[1] += usize::from(f(&estimates, &found.vcov) < 0.05);
            let asked = Asked { control: Control::NotYet, method: Method::Dr, base: Base::Universal, anticipation: 0 };
            let by_group = aggregates(&group_time(&sample, &asked).unwrap(), Effect::Direct);
            let four: Vec<&Aggregate> = by_group.dynamic.iter().filter(|a| (-5..-1).contains(&a.key)).collect();
            let influence = nalgebra::DMatrix::from_fn(UNITS, four.len(), |i, k| four[k].influence[i]);
            let vcov = influence.tr_mul(&influence) / (UNITS * UNITS) as f64;
            rejected[2] += usize::from(f(&four.iter().map(|a| a.estimate).collect::<Vec<_>>(), &vcov) < 0.05);
        }
        for (name, count) in
            ["sun_abraham, four leads", "imputation, three leads", "att_gt, four leads"].iter().zip(rejected)
        {
            let rate = count as f64 / REPLICATIONS as f64;
            println!("S7 size, autocorrelation {persistence}: {name:<26} {rate:.3}");
            assert!(rate > 0.01 && rate < 0.14, "{name}: {rate}");
        }
    }
}

/// S13: a shock to the corridor and its surroundings that comes with the treatment: no design tells it from the effect.
#[test]
#[ignore = "slow: hundreds of estimates"]
fn a_shock_that_comes_with_the_treatment_is_taken_for_its_effect() {
    let corridor = Corridor::new();
    let exposed = corridor.bands(&[0.0, 100.0, 250.0]);
    let shocked = Sample { exposed: corridor.bands(&[0.0, 250.0]), ..corridor.draw(&|_| 0.0, 0.0, 0) };
    let hit = |r: usize| shocked.state(r % UNITS, corridor.period(r)) != State::Clean;
    let effect = |r: usize| if hit(r) { 0.1 } else { 0.0 };
    let mut direct = Tally::new("S13 imputation with exposure, direct", 0.0, NORMAL);
    let mut spill = Tally::new("S13 imputation with exposure, spillover", 0.0, NORMAL);
    let mut naive = Tally::new("S13 did", 0.0, NORMAL);
    for replication in 0..REPLICATIONS {
        let sample = Sample { exposed: exposed.clone(), ..corridor.draw(&effect, 0.0, replication) };
        naive.note(two_way(&sample), 1.0);
        let found = imputation(&sample, 0, Residuals::ByGroup, &|cells| {
            let of = |treated: bool| {
                let is = |r: &usize| (sample.state(r % UNITS, corridor.period(*r)) == State::Treated) == treated;
                Target { cells: cells.iter().copied().filter(is).collect() }
            };
            vec![of(true), of(false)]
        })
        .unwrap();
        direct.note(found.estimates[0], found.vcov[(0, 0)].sqrt());
        spill.note(found.estimates[1], found.vcov[(1, 1)].sqrt());
    }
    println!("S13 did: true 0, mean {:.4} ({:.4})", naive.mean(), naive.mean_error());
    direct.show();
    spill.show();
    assert!(direct.mean() > 0.08 && spill.mean() > 0.08);
}

/// S14: no effect, treatment given to three of ten groups of units that share persistent shocks: errors by unit are far
/// too small, those by group less so.
#[test]
#[ignore = "slow: hundreds of estimates"]
fn groups_of_units_that_share_shocks_are_the_clusters() {
    let (groups, members) = (10usize, 8usize);
    let n = groups * members;
    let mut rejected = [[0usize; 2]; 2];
    for replication in 0..2 * REPLICATIONS {
        let mut random = Random::new(SEED ^ 14, replication);
        let mut shared = vec![0.0; groups];
        let mut outcome = Vec::new();
        for _ in 0..PERIODS {
            for s in &mut shared {
                *s = 0.7 * *s + 0.51f64.sqrt() * 0.1 * random.normal();
            }
            outcome.extend((0..n).map(|i| shared[i / members] + 0.1 * random.normal()));
        }
        let treated =
            |i: usize| ((i / members) % 4 == 1 && i / members < 10).then_some(FIRST + 8 + (i % members / 4) as i64);
        for (c, by_group) in [false, true].into_iter().enumerate() {
            let sample = Sample {
                units: n,
                periods: (0..PERIODS as i64).map(|t| FIRST + t).collect(),
                outcome: outcome.clone(),
                covariates: Vec::new(),
                present: None,
                starts: (0..n).map(treated).collect(),
                exposed: Vec::new(),
                clusters: (0..n as u32).map(|i| if by_group { i / members as u32 } else { i }).collect(),
            };
            let found = imputation(&sample, 0, Residuals::SecondStage, &|cells| vec![Target { cells: cells.to_vec() }])
                .unwrap();
            rejected[0][c] += usize::from(found.estimates[0].abs() > NORMAL * found.vcov[(0, 0)].sqrt());
            let asked = Asked { control: Control::NotYet, method: Method::Dr, base: Base::Varying, anticipation: 0 };
            let average = aggregates(&group_time(&sample, &asked).unwrap(), Effect::Direct).simple.unwrap();
            rejected[1][c] +=
                usize::from(average.estimate.abs() > NORMAL * standard_error(&average.influence, &sample));
        }
    }
    for (name, counts) in ["two_stage", "att_gt"].iter().zip(rejected) {
        let rates = counts.map(|c| c as f64 / (2 * REPLICATIONS) as f64);
        println!("S14 size of {name}: by unit {:.3}, by group {:.3}", rates[0], rates[1]);
        assert!(rates[0] > 0.2 && rates[1] < rates[0], "{name}: {rates:?}");
    }
}

/// Treatment that depends on a covariate which also bends trends: the two-way estimate is biased, matching takes the bias
/// out.
#[test]
#[ignore = "slow: hundreds of estimates"]
fn matching_takes_out_what_a_covariate_decides() {
    let (n, t) = (400usize, 8usize);
    let mut naive = Tally::new("psm: did", 0.1, NORMAL);
    let kinds = [
        ("nearest", Matching::Nearest { neighbors: 1, replacement: true }),
        ("five nearest", Matching::Nearest { neighbors: 5, replacement: true }),
        ("kernel", Matching::Kernel { bandwidth: 0.06 }),
    ];
    let mut found: Vec<Tally> =
        kinds.iter().map(|(name, _)| Tally::new(&format!("psm: {name}"), 0.1, NORMAL)).collect();
    for replication in 0..REPLICATIONS {
        let mut random = Random::new(SEED ^ 8, replication);
        let x = random.normals(n);
        let treated: Vec<bool> = x.iter().map(|x| random.uniform() < 1.0 / (1.0 + (1.2 - 0.8 * x).exp())).collect();
        let mu = random.normals(n);
        let outcome = (0..n * t)
            .map(|r| {
                let (i, s) = (r % n, r / n);
                let effect = if treated[i] && s >= 4 { 0.1 } else { 0.0 };
                mu[i] + 0.05 * x[i] * s as f64 + effect + SIGMA * random.normal()
            })
            .collect();
        let sample = Sample {
            units: n,
            periods: (0..t as i64).collect(),
            outcome,
            covariates: vec![(0..n * t).map(|r| x[r % n]).collect()],
            present: None,
            starts: treated.iter().map(|d| d.then_some(4)).collect(),
            exposed: Vec::new(),
            clusters: (0..n as u32).collect(),
        };
        naive.note(two_way(&sample), 1.0);
        for ((_, matching), tally) in kinds.iter().zip(&mut found) {
            let asked = durbin::designs::matching::Asked {
                matching: *matching,
                caliper: Caliper::None,
                last_period: false,
                common_support: true,
                adjust: false,
            };
            let m = matched(&sample, &asked).unwrap();
            tally.note(m.coefficients[0], m.vcov[(0, 0)].sqrt());
        }
    }
    println!("psm: did: true 0.1, mean {:.4} ({:.4})", naive.mean(), naive.mean_error());
    assert!(naive.mean() > 0.15);
    for tally in &found {
        tally.show();
        tally.has_bias_within(0.02);
    }
}
