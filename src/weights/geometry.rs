//! Distances between units and the matrices built from them: bands, nearest neighbors, inverse distance.
//!
//! Great-circle distances are haversine on the mean earth radius (methods B.1). A cell index over the unit sphere finds
//! candidates; membership is decided by the distance itself, which is the same from both ends, bit for bit.

use super::ellipsoid::vincenty_km;
use super::{Weights, from_entries, from_rows};
use crate::fault::Fault;
use rayon::prelude::*;
use sprs::CsMat;

/// Mean earth radius (IUGG), km.
pub const EARTH_RADIUS_KM: f64 = 6371.0088;

/// What rounding may do to a straight distance, in radii of the earth or in km on a plane.
const CLOSE: f64 = 1e-9;

/// Where the units are, in unit order.
#[derive(Clone, Debug, PartialEq)]
pub enum Coordinates {
    /// Longitude and latitude in degrees; distances on a sphere.
    Degrees(Vec<[f64; 2]>),
    /// Longitude and latitude in degrees; distances on the WGS84 ellipsoid, between near-antipodes on the sphere.
    Ellipsoid(Vec<[f64; 2]>),
    /// Projected meters.
    Planar(Vec<[f64; 2]>),
}

impl Coordinates {
    pub fn len(&self) -> usize {
        match self {
            Coordinates::Degrees(p) | Coordinates::Ellipsoid(p) | Coordinates::Planar(p) => p.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The coordinates of some of the units, in the order given.
    pub fn of(&self, units: impl Iterator<Item = usize>) -> Coordinates {
        match self {
            Coordinates::Degrees(p) => Coordinates::Degrees(units.map(|i| p[i]).collect()),
            Coordinates::Ellipsoid(p) => Coordinates::Ellipsoid(units.map(|i| p[i]).collect()),
            Coordinates::Planar(p) => Coordinates::Planar(units.map(|i| p[i]).collect()),
        }
    }

    /// Distance of two units in km; the same for (i, k) and (k, i).
    pub fn distance_km(&self, i: usize, k: usize) -> f64 {
        let (i, k) = (i.min(k), i.max(k));
        match self {
            Coordinates::Degrees(p) => haversine_km(p[i], p[k]),
            Coordinates::Ellipsoid(p) => vincenty_km(p[i], p[k]).unwrap_or_else(|| haversine_km(p[i], p[k])),
            Coordinates::Planar(p) => (p[i][0] - p[k][0]).hypot(p[i][1] - p[k][1]) / 1000.0,
        }
    }

    /// A point in space whose straight distance grows with the unit's distance.
    fn point(&self, i: usize) -> [f64; 3] {
        match self {
            Coordinates::Degrees(p) | Coordinates::Ellipsoid(p) => {
                let (lon, lat) = (p[i][0].to_radians(), p[i][1].to_radians());
                [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()]
            }
            Coordinates::Planar(p) => [p[i][0] / 1000.0, p[i][1] / 1000.0, 0.0],
        }
    }

    /// The straight distance of two points that far apart, a little enlarged for rounding, and for how much ellipsoid and
    /// sphere differ (0.56 %).
    pub(super) fn chord(&self, km: f64) -> f64 {
        let km = if matches!(self, Coordinates::Ellipsoid(_)) { 1.006 * km } else { km };
        self.straight(km) * (1.0 + 1e-9) + 1e-12
    }

    /// The straight distance of two points that far apart on a sphere or a plane.
    fn straight(&self, km: f64) -> f64 {
        match self {
            Coordinates::Degrees(_) | Coordinates::Ellipsoid(_) => {
                2.0 * (0.5 * (km / EARTH_RADIUS_KM).min(std::f64::consts::PI)).sin()
            }
            Coordinates::Planar(_) => km,
        }
    }
}

/// Great-circle distance in km of two points in degrees (methods B.1).
pub fn haversine_km(a: [f64; 2], b: [f64; 2]) -> f64 {
    let (phi_a, phi_b) = (a[1].to_radians(), b[1].to_radians());
    let half_phi = 0.5 * (phi_b - phi_a);
    let half_lambda = 0.5 * (b[0] - a[0]).to_radians();
    let h = (half_phi.sin().powi(2) + phi_a.cos() * phi_b.cos() * half_lambda.sin().powi(2)).clamp(0.0, 1.0);
    2.0 * EARTH_RADIUS_KM * h.sqrt().atan2((1.0 - h).sqrt())
}

/// Units sorted into cubes of one size.
pub(super) struct Cells<'a> {
    coordinates: &'a Coordinates,
    points: Vec<[f64; 3]>,
    size: f64,
    /// Cube and unit, sorted.
    filed: Vec<([i64; 3], usize)>,
}

impl<'a> Cells<'a> {
    pub(super) fn new(coordinates: &'a Coordinates, size: f64) -> Cells<'a> {
        let points: Vec<[f64; 3]> = (0..coordinates.len()).map(|i| coordinates.point(i)).collect();
        let mut filed: Vec<([i64; 3], usize)> =
            points.iter().enumerate().map(|(i, p)| (p.map(|x| (x / size).floor() as i64), i)).collect();
        filed.sort_unstable();
        Cells { coordinates, points, size, filed }
    }

    /// Calls `visit` for every other unit whose straight distance may be at most `chord`.
    fn near(&self, i: usize, chord: f64, visit: &mut dyn FnMut(usize)) {
        let reach = (chord / self.size).ceil();
        if !(0.0..=20.0).contains(&reach) {
            (0..self.points.len()).filter(|&k| k != i).for_each(visit);
            return;
        }
        let reach = reach as i64;
        let [x, y, z] = self.points[i].map(|p| (p / self.size).floor() as i64);
        for dx in -reach..=reach {
            for dy in -reach..=reach {
                // cubes that differ in z only stand in a row
                let from = self.filed.partition_point(|f| f.0 < [x + dx, y + dy, z - reach]);
                for &(cell, k) in &self.filed[from..] {
                    if cell > [x + dx, y + dy, z + reach] {
                        break;
                    }
                    if k != i {
                        visit(k);
                    }
                }
            }
        }
    }

    /// The other units with `lo < d ≤ hi` (km) and their distances, by unit.
    pub(super) fn within(&self, i: usize, lo: f64, hi: f64) -> Vec<(usize, f64)> {
        let chord = self.coordinates.chord(hi);
        // What is surely too far needs no distance.
        let most = (chord + CLOSE).powi(2);
        let mut out = Vec::new();
        self.near(i, chord, &mut |k| {
            if self.squared(i, k) > most {
                return;
            }
            let d = self.coordinates.distance_km(i, k);
            if d > lo && d <= hi {
                out.push((k, d));
            }
        });
        out.sort_unstable_by_key(|e| e.0);
        out
    }

    /// The square of the straight distance of two units.
    fn squared(&self, i: usize, k: usize) -> f64 {
        let (a, b) = (self.points[i], self.points[k]);
        (0..3).map(|d| (a[d] - b[d]).powi(2)).sum()
    }

    /// The row of every unit, by unit. Units that lie together are asked one after the other, on several threads.
    fn rows<T: Send>(&self, row: impl Fn(usize) -> T + Sync) -> Vec<T> {
        let mut found: Vec<(usize, T)> = self.filed.par_iter().map(|&(_, i)| (i, row(i))).collect();
        found.par_sort_unstable_by_key(|f| f.0);
        found.into_iter().map(|f| f.1).collect()
    }
}

/// `1{lo < d ≤ hi}` in km; `hi` may be infinite. `lo = 0` excludes only the unit itself.
pub fn band(coordinates: &Coordinates, lo_km: f64, hi_km: f64) -> Result<Weights, Fault> {
    let n = coordinates.len();
    let lo = if lo_km == 0.0 { -1.0 } else { lo_km };
    let cells = Cells::new(coordinates, coordinates.chord(hi_km.min(20_100.0)).max(1e-9));
    let rows = cells.rows(|i| cells.within(i, lo, hi_km).into_iter().map(|(k, _)| k as u32).collect());
    let links = links_of(n, rows);
    if links.nnz() == 0 {
        return Err(empty_band(coordinates, lo_km, hi_km));
    }
    Ok(Weights::unscaled(links))
}

/// A matrix of ones from the neighbors of each unit, sorted.
fn links_of(n: usize, rows: Vec<Vec<u32>>) -> CsMat<f64> {
    let links = rows.iter().map(Vec::len).sum();
    from_rows(
        n,
        links,
        rows.into_iter().enumerate().flat_map(|(i, row)| row.into_iter().map(move |k| (i, k as usize, 1.0))),
    )
}

/// The other units within `cutoff` km of each, from an index over space.
pub struct Near<'a> {
    cells: Cells<'a>,
    cutoff_km: f64,
}

impl<'a> Near<'a> {
    pub fn new(coordinates: &'a Coordinates, cutoff_km: f64) -> Near<'a> {
        let cells = Cells::new(coordinates, coordinates.chord(cutoff_km.min(20_100.0)).max(1e-9));
        Near { cells, cutoff_km }
    }

    /// The other units at most the cutoff away from unit `i`, with their distances in km, by unit.
    pub fn of(&self, i: usize) -> Vec<(usize, f64)> {
        self.cells.within(i, -1.0, self.cutoff_km)
    }
}

/// About how many links `band` gives: the neighbors of at most `asked` units, evenly chosen, for all.
pub fn links_within(coordinates: &Coordinates, lo_km: f64, hi_km: f64, asked: usize) -> u64 {
    let n = coordinates.len();
    let (stride, lo) = (n.div_ceil(asked.max(1)).max(1), if lo_km == 0.0 { -1.0 } else { lo_km });
    let cells = Cells::new(coordinates, coordinates.chord(hi_km.min(20_100.0)).max(1e-9));
    let (mut links, mut units) = (0u64, 0u64);
    for i in (0..n).step_by(stride) {
        links += cells.within(i, lo, hi_km).len() as u64;
        units += 1;
    }
    if units == 0 { 0 } else { (links as f64 / units as f64 * n as f64).round() as u64 }
}

/// No pair lies between two distances.
pub(super) fn empty_band(coordinates: &Coordinates, lo_km: f64, hi_km: f64) -> Fault {
    let mut ends = (f64::INFINITY, 0.0f64);
    for i in 0..coordinates.len().min(2000) {
        for k in i + 1..coordinates.len() {
            let d = coordinates.distance_km(i, k);
            ends = (ends.0.min(d), ends.1.max(d));
        }
    }
    Fault::error("durbin::weights::empty", format!("no pair of units lies in the band from {lo_km} km to {hi_km} km"))
        .help(format!("the distances there are run from {:.1} km to {:.1} km", ends.0, ends.1))
}

/// 1 for the `k` nearest; ties go to the unit whose key comes first. Also the units whose choice was a tie.
pub fn knn(coordinates: &Coordinates, k: usize) -> Result<(Weights, Vec<usize>), Fault> {
    let n = coordinates.len();
    if k >= n {
        return Err(too_many_neighbors(k, n));
    }
    let radius = first_radius(coordinates, k);
    let cells = Cells::new(coordinates, radius.max(1e-9));
    let found = cells.rows(|i| {
        let nearest = nearest(&cells, i, k, radius);
        let tied = nearest.len() > k && nearest[k - 1].0 == nearest[k].0;
        let mut row: Vec<u32> = nearest.into_iter().take(k).map(|e| e.1 as u32).collect();
        row.sort_unstable();
        (row, tied)
    });
    let tied = (0..n).filter(|&i| found[i].1).collect();
    let rows = found.into_iter().map(|f| f.0).collect();
    Ok((Weights::unscaled(links_of(n, rows)), tied))
}

/// More neighbors are wanted than there are other units.
pub(super) fn too_many_neighbors(k: usize, n: usize) -> Fault {
    Fault::error("durbin::weights::too_many_neighbors", format!("{k} neighbors are wanted of each of {n} units"))
        .help(format!("a unit has at most {} neighbors", n.saturating_sub(1)))
}

/// A straight distance within which a unit has about `2k` others, were they spread evenly.
pub(super) fn first_radius(coordinates: &Coordinates, k: usize) -> f64 {
    let n = coordinates.len() as f64;
    let mut lo = [f64::INFINITY; 3];
    let mut hi = [f64::NEG_INFINITY; 3];
    for i in 0..coordinates.len() {
        let p = coordinates.point(i);
        for d in 0..3 {
            lo[d] = lo[d].min(p[d]);
            hi[d] = hi[d].max(p[d]);
        }
    }
    let mut sides: Vec<f64> = (0..3).map(|d| hi[d] - lo[d]).collect();
    sides.sort_by(f64::total_cmp);
    (sides[2] * sides[1].max(1e-6 * sides[2]) * 2.0 * k as f64 / (n * std::f64::consts::PI)).sqrt()
}

/// At least `k` (and the next) by distance, then by unit.
pub(super) fn nearest(cells: &Cells, i: usize, k: usize, radius: f64) -> Vec<(f64, usize)> {
    let wanted = (k + 1).min(cells.points.len() - 1);
    let mut chord = radius.max(1e-9);
    // Whoever is surely nearer than all that were not looked at: on the ellipsoid straight distances say less.
    let slack = if matches!(cells.coordinates, Coordinates::Ellipsoid(_)) { 0.012 } else { 1e-9 };
    loop {
        let mut straight: Vec<(f64, usize)> = Vec::new();
        let mut sure = 0;
        cells.near(i, chord, &mut |j| {
            let far = cells.squared(i, j).sqrt();
            if far <= chord * (1.0 - slack) {
                sure += 1;
            }
            straight.push((far, j));
        });
        if sure >= wanted || straight.len() + 1 == cells.points.len() {
            // Distances are asked of those alone that may be among the nearest.
            let bound = straight.select_nth_unstable_by(wanted - 1, |a, b| a.0.total_cmp(&b.0)).1.0;
            let bound = bound * (1.0 + 2.0 * slack) + CLOSE;
            let near = straight.into_iter().filter(|s| s.0 <= bound);
            let mut found: Vec<(f64, usize)> = near.map(|(_, j)| (cells.coordinates.distance_km(i, j), j)).collect();
            found.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            return found;
        }
        chord *= 2.0;
    }
}

/// `d^{-power}` for distances up to `cutoff_km` (all, where it is `None`); shorter ones than `least_km` count as that, and
/// units at one place are a fault where there is none.
pub fn inverse_distance(
    coordinates: &Coordinates,
    units: &[String],
    power: f64,
    cutoff_km: Option<f64>,
    least_km: Option<f64>,
) -> Result<Weights, Fault> {
    let n = coordinates.len();
    let hi = cutoff_km.unwrap_or(f64::INFINITY);
    let cells = Cells::new(coordinates, coordinates.chord(hi.min(20_100.0)).max(1e-9));
    let mut entries = Vec::new();
    for i in 0..n {
        for (k, d) in cells.within(i, -1.0, hi) {
            let d = least_km.map_or(d, |least| d.max(least));
            if d == 0.0 {
                let (a, b) = (&units[i.min(k)], &units[i.max(k)]);
                return Err(Fault::error(
                    "durbin::weights::zero_distance",
                    format!("\"{a}\" and \"{b}\" are at one place: their inverse distance does not exist"),
                )
                .help("give them different coordinates, or say what the shortest distance counts as: `min_distance: 1 km`"));
            }
            entries.push((i, k, d.powf(-power)));
        }
    }
    if entries.is_empty() {
        return Err(empty_band(coordinates, 0.0, hi));
    }
    Ok(Weights::unscaled(from_entries(n, &entries)))
}

/// Pairs whose distance is within 0.6 % of a band's edge: sphere and ellipsoid may sort them differently (methods B.1).
pub fn near_edge(coordinates: &Coordinates, edges_km: &[f64]) -> usize {
    let edges = edges_km.iter().copied().filter(|e| *e > 0.0 && e.is_finite());
    edges.map(|edge| pairs_between(coordinates, 0.994 * edge, 1.006 * edge)).sum()
}

/// How many pairs of units lie with `lo < d ≤ hi` (km); a distance is asked of those alone that may.
fn pairs_between(coordinates: &Coordinates, lo: f64, hi: f64) -> usize {
    let chord = coordinates.chord(hi);
    let cells = Cells::new(coordinates, chord.max(1e-9));
    // An ellipsoid may make a pair that much nearer than a sphere does.
    let least = coordinates.straight(lo / 1.006) - CLOSE;
    let may = least.max(0.0).powi(2)..=(chord + CLOSE).powi(2);
    let pairs_of = |&(_, i): &([i64; 3], usize)| {
        let mut pairs = 0;
        cells.near(i, chord, &mut |k| {
            if k > i && may.contains(&cells.squared(i, k)) {
                let d = coordinates.distance_km(i, k);
                pairs += usize::from(d > lo && d <= hi);
            }
        });
        pairs
    };
    cells.filed.par_iter().map(pairs_of).sum()
}

/// The nearest other unit and its distance in km.
pub fn nearest_unit(coordinates: &Coordinates, i: usize) -> Option<(usize, f64)> {
    (0..coordinates.len())
        .filter(|&k| k != i)
        .map(|k| (k, coordinates.distance_km(i, k)))
        .min_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The 48 contiguous states, by name.
    fn states() -> (Vec<String>, Coordinates) {
        let mut rows: Vec<(String, [f64; 2])> = include_str!("../../examples/castle/states.csv")
            .lines()
            .skip(1)
            .map(|l| {
                let f: Vec<&str> = l.split(',').collect();
                (f[0].to_string(), [f[1].parse().unwrap(), f[2].parse().unwrap()])
            })
            .collect();
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        (rows.iter().map(|r| r.0.clone()).collect(), Coordinates::Degrees(rows.iter().map(|r| r.1).collect()))
    }

    #[test]
    fn on_the_ellipsoid_the_index_finds_what_comparing_all_pairs_finds() {
        let (_, Coordinates::Degrees(at)) = states() else { return };
        let (ellipsoid, n) = (Coordinates::Ellipsoid(at.clone()), at.len());
        let w = band(&ellipsoid, 0.0, 500.0).unwrap();
        let near = |i: usize, k: usize| i != k && vincenty_km(at[i.min(k)], at[i.max(k)]).unwrap() <= 500.0;
        assert!((0..n).all(|i| (0..n).all(|k| w.matrix.get(i, k).is_some() == near(i, k))));
        let (nearest, _) = knn(&ellipsoid, 4).unwrap();
        for i in 0..n {
            let mut all: Vec<usize> = (0..n).filter(|&k| k != i).collect();
            all.sort_by(|&a, &b| ellipsoid.distance_km(i, a).total_cmp(&ellipsoid.distance_km(i, b)));
            assert!(all[..4].iter().all(|&k| nearest.matrix.get(i, k).is_some()));
        }
        // the two metrics sort some pairs differently
        assert_ne!(band(&Coordinates::Degrees(at), 0.0, 500.0).unwrap().matrix.nnz(), 0);
    }

    #[test]
    fn links_of_the_states_agree_with_libpysal() {
        let (units, at) = states();
        let half = band(&at, 0.0, 500.0).unwrap();
        assert_eq!(half.matrix.nnz(), 194);
        assert_eq!(half.islands().iter().map(|&i| units[i].as_str()).collect::<Vec<_>>(), ["Arizona", "New Mexico"]);
        assert_eq!(band(&at, 0.0, 600.0).unwrap().matrix.nnz(), 286);
        assert_eq!(knn(&at, 4).unwrap().0.matrix.nnz(), 192);
        assert_eq!(inverse_distance(&at, &units, 1.0, Some(1000.0), None).unwrap().matrix.nnz(), 642);
    }

    /// Points all over the earth from a small recurrence, the poles and the date line among them.
    fn scattered(n: usize) -> Coordinates {
        let mut x = 12345u64;
        let mut next = move || {
            x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (x >> 11) as f64 / (1u64 << 53) as f64
        };
        let mut points: Vec<[f64; 2]> = (0..n).map(|_| [360.0 * next() - 180.0, 180.0 * next() - 90.0]).collect();
        points.extend([[179.9, 10.0], [-179.9, 10.1], [0.0, 90.0], [100.0, 89.9], [-60.0, -90.0]]);
        Coordinates::Degrees(points)
    }

    #[test]
    fn the_index_finds_what_comparing_all_pairs_finds() {
        let at = scattered(300);
        let n = at.len();
        for (lo, hi) in [(0.0, 700.0), (700.0, 2500.0), (2500.0, f64::INFINITY)] {
            let w = band(&at, lo, hi).unwrap();
            for i in 0..n {
                for k in 0..n {
                    let d = at.distance_km(i, k);
                    let inside = i != k && d > lo && d <= hi;
                    assert_eq!(w.matrix.get(i, k).is_some(), inside, "{i} {k} {d}");
                }
            }
        }
        let (w, _) = knn(&at, 7).unwrap();
        for i in 0..n {
            let mut all: Vec<(f64, usize)> = (0..n).filter(|&k| k != i).map(|k| (at.distance_km(i, k), k)).collect();
            all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            assert!(all[..7].iter().all(|e| w.matrix.get(i, e.1).is_some()));
            assert_eq!(w.matrix.outer_view(i).unwrap().nnz(), 7);
        }
    }

    #[test]
    fn bands_partition_all_pairs() {
        let (_, at) = states();
        let count = |lo, hi| band(&at, lo, hi).unwrap().matrix.nnz();
        assert_eq!(count(0.0, 500.0) + count(500.0, 1500.0) + count(1500.0, f64::INFINITY), 48 * 47);
    }

    #[test]
    fn pairs_near_an_edge_are_those_that_comparing_all_finds() {
        let (_, Coordinates::Degrees(at)) = states() else { return };
        for places in [Coordinates::Degrees(at.clone()), Coordinates::Ellipsoid(at)] {
            for edge in [300.0, 1000.0, 3000.0] {
                let near = |i: usize, k: usize| (places.distance_km(i, k) / edge - 1.0).abs() < 0.006;
                let pairs = (0..places.len()).map(|i| (0..i).filter(|&k| near(i, k)).count()).sum::<usize>();
                assert_eq!(near_edge(&places, &[edge]), pairs, "{edge}");
                assert!(edge < 1000.0 || pairs > 0);
            }
            let two = near_edge(&places, &[1000.0, 3000.0, f64::INFINITY, 0.0]);
            assert_eq!(two, near_edge(&places, &[1000.0]) + near_edge(&places, &[3000.0]));
        }
    }

    #[test]
    fn band_excludes_its_lower_edge_and_includes_its_upper() {
        let at = Coordinates::Planar(vec![[0.0, 0.0], [1000.0, 0.0], [3000.0, 0.0]]);
        let w = band(&at, 1.0, 2.0).unwrap();
        assert_eq!((w.matrix.get(0, 1), w.matrix.get(1, 2)), (None, Some(&1.0)));
    }
}
