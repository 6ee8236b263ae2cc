//! Who might have been treated instead: assignments of a treatment drawn at random (methods E.9).
//!
//! An assignment says, for every unit, whose course of treatment it takes. Each is a function of seed and replication
//! alone, so that replications may be made in any order.

use crate::linalg::probes::{below, uniform_bits};
use crate::weights::Weights;
use crate::weights::geometry::Coordinates;

/// Keeps the streams of one seed apart.
const ASSIGNMENT: u64 = 0xD2A1_0000_0000_0005;
/// Places tried for a corridor before an assignment is given up.
const ATTEMPTS: usize = 50;

/// The unit whose course of treatment each unit takes; `None`: untreated throughout.
pub type Taken = Vec<Option<u32>>;

/// How assignments are drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Assignment {
    /// Courses are shuffled over all units: cohorts keep their sizes.
    Units { units: usize },
    /// Each corridor moves as a whole to a set of neighbors of the same size.
    Corridors { corridors: Vec<Vec<usize>>, neighbors: Vec<Vec<usize>> },
    /// Courses are shuffled over clusters, whose units share one.
    Clusters { cluster: Vec<usize>, clusters: usize },
    /// The whole map is shifted on a torus; each unit takes the course of the nearest shifted one.
    Torus { places: Vec<[f64; 2]>, period: [f64; 2] },
}

/// Who is next to whom by the links of a matrix, in either direction; ascending.
pub fn neighbors(weights: &Weights) -> Vec<Vec<usize>> {
    let mut out = vec![Vec::new(); weights.units()];
    for (value, (i, k)) in weights.matrix.iter().filter(|(_, (i, k))| i != k) {
        if *value != 0.0 {
            out[i].push(k);
            out[k].push(i);
        }
    }
    out.iter_mut().for_each(|list| {
        list.sort_unstable();
        list.dedup();
    });
    out
}

/// The connected sets of the marked units, each in breadth-first order, the largest first.
pub fn connected(marked: &[bool], neighbors: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut left = marked.to_vec();
    let mut out: Vec<Vec<usize>> = Vec::new();
    for first in 0..marked.len() {
        if left[first] {
            out.push(spread(first, &mut left, neighbors));
        }
    }
    out.sort_by_key(|set| std::cmp::Reverse(set.len()));
    out
}

/// The units of a set in breadth-first order, one connected piece after the other.
pub fn in_order(set: &[usize], neighbors: &[Vec<usize>]) -> Vec<usize> {
    let mut left = vec![false; neighbors.len()];
    set.iter().for_each(|&i| left[i] = true);
    let mut out = Vec::with_capacity(set.len());
    for &first in set {
        if left[first] {
            out.extend(spread(first, &mut left, neighbors));
        }
    }
    out
}

/// Everything of `left` that links lead to from one unit; it is left no more.
fn spread(first: usize, left: &mut [bool], neighbors: &[Vec<usize>]) -> Vec<usize> {
    let mut set = vec![first];
    left[first] = false;
    let mut at = 0;
    while at < set.len() {
        for &k in &neighbors[set[at]] {
            if std::mem::replace(&mut left[k], false) {
                set.push(k);
            }
        }
        at += 1;
    }
    set
}

impl Assignment {
    /// Shifts of a map; longitudes are shrunk to the scale of latitudes at the mean one.
    pub fn torus(coordinates: &Coordinates) -> Assignment {
        let places: Vec<[f64; 2]> = match coordinates {
            Coordinates::Planar(points) => points.clone(),
            Coordinates::Degrees(points) | Coordinates::Ellipsoid(points) => {
                let mean = points.iter().map(|p| p[1]).sum::<f64>() / points.len() as f64;
                let scale = mean.to_radians().cos();
                points.iter().map(|p| [p[0] * scale, p[1]]).collect()
            }
        };
        // One spacing more than the extent: the two edges that meet are neighbors, not the same place.
        let period = [0, 1].map(|k| {
            let lo = places.iter().map(|p| p[k]).fold(f64::INFINITY, f64::min);
            let hi = places.iter().map(|p| p[k]).fold(f64::NEG_INFINITY, f64::max);
            (hi - lo) * (1.0 + 1.0 / (places.len() as f64).sqrt())
        });
        Assignment::Torus { places, period }
    }

    /// How many units it assigns.
    pub fn units(&self) -> usize {
        match self {
            Assignment::Units { units } => *units,
            Assignment::Corridors { neighbors, .. } => neighbors.len(),
            Assignment::Clusters { cluster, .. } => cluster.len(),
            Assignment::Torus { places, .. } => places.len(),
        }
    }

    /// One assignment; `None` where a corridor found no room.
    pub fn draw(&self, seed: u64, replication: u64) -> Option<Taken> {
        let mut numbers = Numbers { seed: seed ^ ASSIGNMENT, replication, next: 0 };
        match self {
            Assignment::Units { units } => Some(numbers.shuffled(*units).into_iter().map(|i| Some(i as u32)).collect()),
            Assignment::Clusters { cluster, clusters } => {
                let order = numbers.shuffled(*clusters);
                // Any unit of a cluster stands for it.
                let first: Vec<Option<u32>> =
                    (0..*clusters).map(|c| cluster.iter().position(|x| *x == c).map(|i| i as u32)).collect();
                Some(cluster.iter().map(|&c| first[order[c]]).collect())
            }
            Assignment::Corridors { corridors, neighbors } => relocated(corridors, neighbors, &mut numbers),
            Assignment::Torus { places, period } => {
                let shift = [0, 1].map(|k| numbers.share() * period[k]);
                Some(places.iter().map(|p| Some(nearest(p, &shift, places, period) as u32)).collect())
            }
        }
    }
}

/// The place nearest to a shifted one on a torus.
fn nearest(place: &[f64; 2], shift: &[f64; 2], places: &[[f64; 2]], period: &[f64; 2]) -> usize {
    let away = |q: &[f64; 2], k: usize| {
        if period[k] <= 0.0 {
            return 0.0;
        }
        let d = (place[k] + shift[k] - q[k]).rem_euclid(period[k]);
        d.min(period[k] - d)
    };
    let distance = |q: &[f64; 2]| away(q, 0).hypot(away(q, 1));
    let mut best = (f64::INFINITY, 0);
    for (k, q) in places.iter().enumerate() {
        let d = distance(q);
        if d < best.0 {
            best = (d, k);
        }
    }
    best.1
}

/// Every corridor in a new place: it grows from a random unit by random neighbors and deals its courses in the order in
/// which it grew, so that units that were close when they started are close again.
fn relocated(corridors: &[Vec<usize>], neighbors: &[Vec<usize>], numbers: &mut Numbers) -> Option<Taken> {
    let mut free = vec![true; neighbors.len()];
    let mut taken: Taken = vec![None; neighbors.len()];
    for corridor in corridors {
        let grown = (0..ATTEMPTS).find_map(|_| grown(corridor.len(), &free, neighbors, numbers))?;
        for (&to, &from) in grown.iter().zip(corridor) {
            free[to] = false;
            taken[to] = Some(from as u32);
        }
    }
    Some(taken)
}

/// A connected set of free units; `None` where its surroundings are too small.
fn grown(size: usize, free: &[bool], neighbors: &[Vec<usize>], numbers: &mut Numbers) -> Option<Vec<usize>> {
    let open: Vec<usize> = (0..free.len()).filter(|&i| free[i]).collect();
    if open.len() < size {
        return None;
    }
    let mut seen: Vec<bool> = free.iter().map(|f| !f).collect();
    let first = open[numbers.below(open.len())];
    seen[first] = true;
    let mut edge = vec![first];
    let mut set = Vec::with_capacity(size);
    while set.len() < size && !edge.is_empty() {
        let next = edge.swap_remove(numbers.below(edge.len()));
        set.push(next);
        for &k in &neighbors[next] {
            if !std::mem::replace(&mut seen[k], true) {
                edge.push(k);
            }
        }
    }
    (set.len() == size).then_some(set)
}

/// Random numbers of one replication, one after the other.
struct Numbers {
    seed: u64,
    replication: u64,
    next: u64,
}

impl Numbers {
    fn below(&mut self, count: usize) -> usize {
        self.next += 1;
        below(self.seed, self.replication, self.next, count)
    }

    /// In [0, 1).
    fn share(&mut self) -> f64 {
        self.next += 1;
        (uniform_bits(self.seed, self.replication, self.next) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Fisher and Yates.
    fn shuffled(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for i in (1..count).rev() {
            let k = self.below(i + 1);
            order.swap(i, k);
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ring of `n` units.
    fn ring(n: usize) -> Vec<Vec<usize>> {
        (0..n).map(|i| vec![(i + n - 1) % n, (i + 1) % n]).collect()
    }

    fn sorted(taken: &Taken) -> Vec<Option<u32>> {
        let mut out = taken.clone();
        out.sort_unstable();
        out
    }

    #[test]
    fn shuffled_units_are_a_permutation_and_every_place_is_as_likely() {
        let by = Assignment::Units { units: 6 };
        let mut counts = [[0usize; 6]; 6];
        for r in 0..6000 {
            let taken = by.draw(42, r).unwrap();
            assert_eq!(sorted(&taken), (0..6).map(Some).collect::<Vec<_>>());
            taken.iter().enumerate().for_each(|(i, from)| counts[i][from.unwrap() as usize] += 1);
        }
        // 1000 each, with a standard deviation of 29
        assert!(counts.iter().flatten().all(|c| c.abs_diff(1000) < 130), "{counts:?}");
        assert_eq!(by.draw(42, 7), by.draw(42, 7));
        assert_ne!(by.draw(42, 7), by.draw(43, 7));
    }

    #[test]
    fn corridors_stay_connected_and_apart_and_keep_their_courses() {
        let neighbors = ring(12);
        let corridors = vec![vec![2, 3, 4, 5], vec![9, 10]];
        let by = Assignment::Corridors { corridors, neighbors: neighbors.clone() };
        let mut starts = [0usize; 12];
        let mut drawn = 0;
        for r in 0..3000 {
            let Some(taken) = by.draw(1, r) else { continue };
            drawn += 1;
            let courses: Vec<u32> = sorted(&taken).into_iter().flatten().collect();
            assert_eq!(courses, [2, 3, 4, 5, 9, 10]);
            for set in [[2, 3, 4, 5].as_slice(), &[9, 10]] {
                let marked: Vec<bool> = taken.iter().map(|t| t.is_some_and(|t| set.contains(&(t as usize)))).collect();
                assert_eq!(connected(&marked, &neighbors).len(), 1, "{taken:?}");
            }
            starts[taken.iter().position(|t| *t == Some(2)).unwrap()] += 1;
        }
        // On a ring every unit is as likely to be the first.
        assert_eq!(drawn, 3000);
        assert!(starts.iter().all(|c| c.abs_diff(250) < 70), "{starts:?}");
    }

    #[test]
    fn a_corridor_without_room_is_given_up() {
        let neighbors = vec![vec![1], vec![0], vec![3], vec![2]];
        let by = Assignment::Corridors { corridors: vec![vec![0, 1, 2]], neighbors };
        assert_eq!(by.draw(1, 0), None);
    }

    #[test]
    fn units_of_a_cluster_share_a_course() {
        let by = Assignment::Clusters { cluster: vec![0, 0, 1, 2, 2, 2], clusters: 3 };
        for r in 0..50 {
            let taken = by.draw(9, r).unwrap();
            assert!(taken[0] == taken[1] && taken[3] == taken[4] && taken[4] == taken[5]);
            let mut of_clusters = vec![taken[0], taken[2], taken[3]];
            of_clusters.sort_unstable();
            assert_eq!(of_clusters, [Some(0), Some(2), Some(3)]);
        }
    }

    #[test]
    fn a_shifted_lattice_is_a_lattice() {
        // A 6 × 6 grid of unit squares: with a period of 7 a shift by whole steps that stays inside is exact.
        let places: Vec<[f64; 2]> = (0..36).map(|k| [(k % 6) as f64, (k / 6) as f64]).collect();
        let period = [6.0, 6.0];
        for (place, q) in places.iter().zip(0..) {
            let to = nearest(place, &[2.0, 1.0], &places, &period);
            assert_eq!(to, (q % 6 + 2) % 6 + 6 * ((q / 6 + 1) % 6));
        }
        let Assignment::Torus { period, .. } = Assignment::torus(&Coordinates::Planar(places)) else { unreachable!() };
        assert!((period[0] - 5.0 * (1.0 + 1.0 / 6.0)).abs() < 1e-12);
    }

    #[test]
    fn connected_sets_come_in_breadth_first_order_the_largest_first() {
        let marked = [true, false, true, true, true, false];
        assert_eq!(connected(&marked, &ring(6)), [vec![2, 3, 4], vec![0]]);
        assert_eq!(in_order(&[4, 0, 3], &ring(6)), [4, 3, 0]);
    }
}
