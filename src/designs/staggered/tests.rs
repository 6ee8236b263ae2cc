//! Roll-outs and comparisons small enough to be done by hand.

use super::*;

/// Six units over four periods, a line of neighbors 0-1-2-3-4-5: unit 0 starts in 3, unit 5 in 4.
fn line() -> Sample {
    let mut w = sprs::TriMat::new((6, 6));
    for i in 0..5 {
        w.add_triplet(i, i + 1, 1.0);
        w.add_triplet(i + 1, i, 1.0);
    }
    let starts = vec![Some(3), None, None, None, None, Some(4)];
    let exposed = vec![exposed_from(&w.to_csr(), &starts)];
    Sample {
        units: 6,
        periods: vec![1, 2, 3, 4],
        outcome: (0..24).map(|r| ((r * 7919) % 13) as f64).collect(),
        covariates: Vec::new(),
        present: None,
        starts,
        exposed,
        clusters: (0..6).collect(),
    }
}

#[test]
fn neighbors_of_the_treated_are_exposed_from_the_first_start_on() {
    let sample = line();
    assert_eq!(sample.exposed[0], [None, Some(3), None, None, Some(4), None]);
    assert_eq!(sample.never_dirty(), [2, 3]);
    assert_eq!((sample.state(1, 2), sample.state(1, 3)), (State::Clean, State::Exposed(0)));
    assert_eq!(sample.state(0, 3), State::Treated);
    let (groups, without) = sample.groups(0);
    let keys: Vec<_> = groups.iter().map(|g| (g.start, g.dirty, g.units.len())).collect();
    assert_eq!(keys, [(Some(3), 3, 1), (Some(4), 4, 1), (None, 3, 1), (None, 4, 1)]);
    assert!(without.is_empty());
    assert_eq!(groups[2].effect_at(4), (Effect::Spillover, 1));
    assert_eq!(groups[0].effect_at(1), (Effect::Direct, -2));
}

#[test]
fn anticipation_takes_the_base_period_away() {
    let sample = line();
    assert_eq!(sample.base_of(3, 1), Some(0));
    let (groups, without) = sample.groups(2);
    assert_eq!((groups.len(), without.len()), (2, 2));
}

#[test]
fn a_comparison_by_hand() {
    let sample = line();
    let asked = Asked { control: Control::Never, method: Method::Dr, base: Base::Varying, anticipation: 0 };
    let found = group_time(&sample, &asked).unwrap();
    let y = |i: usize, s: usize| sample.outcome[s * 6 + i];
    let cell = found.cells.iter().find(|c| c.group == 0 && c.time == 4).unwrap();
    let by_hand = y(0, 3) - y(0, 1) - 0.5 * (y(2, 3) - y(2, 1) + y(3, 3) - y(3, 1));
    assert!((cell.estimate - by_hand).abs() < 1e-12);
    let spill = found.cells.iter().find(|c| c.effect == Effect::Spillover && c.post && c.time == 4).unwrap();
    let by_hand = y(1, 3) - y(1, 1) - 0.5 * (y(2, 3) - y(2, 1) + y(3, 3) - y(3, 1));
    assert!((spill.estimate - by_hand).abs() < 1e-12, "{spill:?}");
}

#[test]
fn everybody_exposed_leaves_no_control() {
    let mut sample = line();
    sample.exposed = vec![vec![Some(2); 6]];
    let asked = Asked { control: Control::Never, method: Method::Dr, base: Base::Varying, anticipation: 0 };
    assert_eq!(group_time(&sample, &asked), Err(StaggeredError::NoNever));
    assert_eq!(sun_abraham(&sample, Control::Never, 0), Err(StaggeredError::NoNever));
}
