//! Effects of groups, interactions and trends against regressions on their dummies.

use super::*;
use crate::linalg::absorb::Factor;
use crate::linalg::samples;
use crate::weights::Weights;
use std::sync::Arc;

const N: usize = 12;
const T: usize = 6;

/// Three provinces of four units.
fn province(r: usize) -> usize {
    r % N / 4
}

fn problem(regressors: Vec<Vec<f64>>, fixed_effects: FixedEffects, layout: Layout, variance: Variance) -> Problem {
    Problem {
        model: Model::Ols,
        units: N,
        periods: T,
        outcome: samples::vector(1, N * T),
        regressors: regressors.into_iter().map(|values| Regressor { values, lagged: false }).collect(),
        durbin_weights: Vec::new(),
        lag_weights: None,
        error_weights: None,
        fixed_effects,
        approach: Approach::Likelihood,
        likelihood: Likelihood::Transform,
        variance,
        df_adjust: false,
        time_lags: Vec::new(),
        treatment: None,
        events: 0,
        exposures: 0,
        present: None,
        layout,
    }
}

/// `fe: [unit, province:time]`, with `trends: unit` where asked for.
fn absorbed(trends: bool, variance: Variance) -> Problem {
    let groups = Factor { level: (0..N * T).map(|r| (province(r) * T + r / N) as u32).collect(), levels: 3 * T };
    let layout = Layout { effects: vec![Factor::units(N, T), groups], trends, ..Layout::default() };
    problem(vec![samples::vector(2, N * T), samples::vector(3, N * T)], FixedEffects::Both, layout, variance)
}

/// The same with an intercept and one column per free parameter.
fn with_dummies(trends: bool, variance: Variance) -> Problem {
    let column = |f: &dyn Fn(usize) -> f64| (0..N * T).map(f).collect::<Vec<f64>>();
    let one = |b: bool| f64::from(u8::from(b));
    let mut columns = vec![samples::vector(2, N * T), samples::vector(3, N * T)];
    columns.extend((1..N).map(|i| column(&|r| one(r % N == i))));
    for p in 0..3 {
        columns.extend((1..T).map(|t| column(&|r| one(province(r) == p && r / N == t))));
    }
    if trends {
        // the first unit of each province has the trend of its periods
        let own = (0..N).filter(|i| i % 4 != 0);
        columns.extend(own.map(|i| column(&|r| if r % N == i { (r / N) as f64 } else { 0.0 })));
    }
    problem(columns, FixedEffects::None, Layout::default(), variance)
}

#[test]
fn absorbed_effects_give_the_slopes_and_errors_of_their_dummies() {
    for trends in [false, true] {
        for variance in [Variance::Iid, Variance::Robust] {
            let (a, b) = (absorbed(trends, variance), with_dummies(trends, variance));
            let (a, b) = (estimate(&a, &Never).unwrap(), estimate(&b, &Never).unwrap());
            assert_eq!(a.df_residual, b.df_residual, "{trends}");
            for k in 0..2 {
                assert!((a.coefficients[k] - b.coefficients[k + 1]).abs() < 1e-11, "{trends} {k}");
                let (x, y) = (a.vcov[k][k], b.vcov[k + 1][k + 1]);
                assert!((x / y - 1.0).abs() < 1e-9, "{trends} {variance:?}: {x} {y}");
            }
            assert_eq!(a.m_effective, a.df_residual + 2.0);
        }
    }
}

#[test]
fn clusters_count_the_effects_that_are_not_nested_in_them() {
    let counted = |trends, variance| {
        let found = estimate(&absorbed(trends, variance), &Never).unwrap();
        found.small_sample.and_then(|s| s.counted).unwrap()
    };
    // units, and their trends, lie in their clusters: 18 groups are left beside two slopes
    assert_eq!(counted(false, Variance::ClusterUnit), 20.0);
    assert_eq!(counted(true, Variance::ClusterUnit), 20.0);
    // groups lie in periods: 12 units are left
    assert_eq!(counted(false, Variance::ClusterTime), 14.0);
    assert_eq!(counted(false, Variance::ClusterUnitTime), 3.0);
    assert_eq!(counted(false, Variance::Robust), 2.0 + 27.0);
}

#[test]
fn cells_left_out_change_nothing_wherever_their_values_are() {
    let mut p = absorbed(false, Variance::ClusterUnit);
    p.layout.left_out = (0..N * T).map(|r| r == 5 || r == 17).collect();
    let first = estimate(&p, &Never).unwrap();
    p.outcome[5] = 1e3;
    p.regressors[0].values[17] = -1e3;
    let second = estimate(&p, &Never).unwrap();
    assert_eq!(first.coefficients, second.coefficients);
    assert!(first.residuals[5].is_nan() && second.fitted[17].is_nan());
}

/// Unit `i` has the neighbor `i + 1` alone. Unit 1 is treated in period 2 and left out there, before any other; unit 6 is
/// from period 4 on, and left out in period 5.
fn with_treated_cells_left_out() -> Problem {
    let on = |r: usize| (r % N == 1 && r / N == 2) || (r % N == 6 && r / N >= 4);
    let mut triplets = sprs::TriMat::new((N, N));
    (0..N).for_each(|i| triplets.add_triplet(i, (i + 1) % N, 1.0));
    let mut p = absorbed(false, Variance::ClusterUnit);
    p.model = Model::Slx;
    p.durbin_weights = vec![Arc::new(Weights::unscaled(triplets.to_csr()))];
    p.regressors[0] = Regressor { values: (0..N * T).map(|r| f64::from(u8::from(on(r)))).collect(), lagged: true };
    p.treatment = Some(0);
    p.layout.left_out = (0..N * T).map(|r| r == 2 * N + 1 || r == 5 * N + 6).collect();
    p
}

#[test]
fn a_treated_cell_that_is_left_out_reaches_its_neighbors() {
    let found = estimate(&with_treated_cells_left_out(), &Never).unwrap();
    let (own, spill) = (found.coefficients[0], found.coefficients[2]);
    let policy = found.policy.unwrap();
    // Treated and there: unit 6 in period 4, whose neighbor 7 is not.
    assert_eq!(policy.treated_cells, 1);
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
    close(policy.total_on_treated.estimate, own);
    close(policy.indirect_on_treated.estimate, 0.0);
    // Exposed: unit 0 in period 2, unit 5 in periods 4 and 5; the first and the last by cells that are left out.
    assert_eq!((policy.exposed_cells, policy.untreated_cells), (3, 4 * N - 3));
    close(policy.indirect_on_exposed.estimate, spill);
    close(policy.indirect_on_untreated.estimate, 3.0 * spill / (4 * N - 3) as f64);
    close(policy.aggregate.estimate, own + 3.0 * spill);
}

#[test]
fn draws_and_event_times_meet_it_too() {
    let p = with_treated_cells_left_out();
    let sample = sample::Sample::new(&p).unwrap();
    let cells = crate::inference::policy::PolicyCells::of(&sample).unwrap();
    let parts = along::parts(&sample, None, Some(&cells)).unwrap();
    // Own part and lag: means over treated, untreated and exposed, and the sum.
    assert_eq!(parts[0][3..], [1.0, 0.0, 0.0, 1.0]);
    assert_eq!(parts[1][3..], [0.0, 3.0 / (4 * N - 3) as f64, 1.0, 3.0]);
    // One event time beside the other regressor; unit 5, whose neighbor is treated and left out in period 5, is at it as well.
    let mut p = Problem { events: 1, treatment: None, ..p };
    p.regressors[0].values[5 * N + 5] = 1.0;
    let found = estimate(&p, &Never).unwrap();
    let events = found.events.unwrap();
    assert_eq!(events.cells, [2]);
    let indirect = events.on_treated[0].indirect.estimate;
    assert!((indirect - found.coefficients[2] / 2.0).abs() < 1e-12, "{indirect}");
}

#[test]
fn a_spatial_parameter_does_not_go_with_them() {
    let w = Arc::new(Weights::unscaled(samples::ring(N)));
    let sar = Problem { model: Model::Sar, lag_weights: Some(w), ..absorbed(false, Variance::Iid) };
    assert_eq!(estimate(&sar, &Never), Err(EstimateError::EffectsNotDefined));
}
