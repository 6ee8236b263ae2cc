//! How far away the nearest treated unit is, period by period (methods B.3, E.7).

use super::treatment::Treatment;
use crate::weights::geometry::Coordinates;

/// Kilometers to the nearest unit treated in each period, unit fastest: 0 for the treated, infinite where nobody is
/// treated or the unit's own treatment is not known.
pub fn distances(treatment: &Treatment, coordinates: &Coordinates) -> Vec<f64> {
    let n = treatment.units.len();
    let mut out = Vec::with_capacity(n * treatment.periods.len());
    let mut nearest = vec![f64::INFINITY; n];
    let mut treated: Vec<usize> = Vec::new();
    for t in 0..treatment.periods.len() {
        let now: Vec<usize> = (0..n).filter(|&i| treatment.is_treated(i, t)).collect();
        // Treated units mostly stay so: only those that are new come nearer.
        if treated.iter().any(|i| now.binary_search(i).is_err()) {
            nearest.fill(f64::INFINITY);
            treated.clear();
        }
        for &k in now.iter().filter(|k| treated.binary_search(k).is_err()) {
            for (i, d) in nearest.iter_mut().enumerate() {
                *d = if i == k { 0.0 } else { d.min(coordinates.distance_km(i, k)) };
            }
        }
        treated = now;
        out.extend(&nearest);
    }
    out
}

/// Whether a distance lies in a ring: beyond its lower bound, up to its upper one.
pub fn inside(distance: f64, [lo, hi]: [f64; 2]) -> bool {
    lo < distance && distance <= hi && distance.is_finite()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four units on a line, 100 km apart; the first treated from period 2, the last in period 3 alone.
    fn line() -> (Treatment, Coordinates) {
        let treated = [[0.0; 4], [1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]].concat();
        let treatment = Treatment {
            name: "law".to_string(),
            panel: "p".to_string(),
            units: ["a", "b", "c", "d"].map(String::from).to_vec(),
            periods: vec![1, 2, 3, 4],
            starts: vec![Some(2), None, None, Some(3)],
            after_sample: Vec::new(),
            treated,
            absorbing: false,
        };
        (treatment, Coordinates::Planar((0..4).map(|i| [100_000.0 * f64::from(i), 0.0]).collect()))
    }

    #[test]
    fn the_nearest_treated_unit_of_the_period_counts() {
        let (treatment, places) = line();
        let d = distances(&treatment, &places);
        assert!(d[..4].iter().all(|d| d.is_infinite()));
        assert_eq!(d[4..8], [0.0, 100.0, 200.0, 300.0]);
        assert_eq!(d[8..12], [0.0, 100.0, 100.0, 0.0]);
        assert_eq!(d[12..], [0.0, 100.0, 200.0, 300.0]);
    }

    #[test]
    fn a_ring_excludes_its_lower_edge_and_the_treated() {
        assert!(inside(100.0, [0.0, 100.0]) && !inside(100.0, [100.0, 200.0]) && !inside(0.0, [0.0, 100.0]));
        assert!(!inside(f64::INFINITY, [0.0, f64::INFINITY]));
    }
}
