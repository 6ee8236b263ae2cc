//! Who borders whom: contiguity from polygons (methods B.2), of first and higher order, or weighted by the border's length.
//!
//! Points closer than a tolerance are one point. A point that lies on another region's border cuts that border there, so
//! that a shared point or stretch is found whether or not both sides have the same corners. Two regions share a
//! point where a point of both, or a crossing of their borders, is the same (`queen`), and a stretch where two neighboring
//! points of both are (`rook`).

mod node;
mod snap;

use rayon::prelude::*;

use super::geometry::haversine_km;
use super::{Weights, from_entries};
use crate::data::shapes::Region;
use crate::fault::Fault;

/// What makes two regions neighbors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contact {
    /// One common point of the borders.
    Queen,
    /// A common stretch of positive length.
    Rook,
}

impl Contact {
    /// Its word in the language.
    pub fn word(self) -> &'static str {
        match self {
            Contact::Queen => "queen",
            Contact::Rook => "rook",
        }
    }
}

/// The value of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkWeight {
    One,
    /// The length of the common border in km.
    Length,
}

/// What coordinates of polygons are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Surface {
    Degrees,
    /// So many meters to one.
    Plane(f64),
}

/// Pairs of regions `(i, k)` with `i < k` that share a point, sorted, and the length of their common border in km.
pub struct Borders {
    pub pairs: Vec<(u32, u32, f64)>,
}

/// The tolerance within which points are one: 1e-7 of the diagonal of all of them (methods B.2), in their own unit.
pub fn usual_tolerance(regions: &[Region]) -> f64 {
    let mut bounds = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
    for p in regions.iter().flat_map(|r| &r.rings).flatten() {
        bounds = [bounds[0].min(p[0]), bounds[1].min(p[1]), bounds[2].max(p[0]), bounds[3].max(p[1])];
    }
    let diagonal = (bounds[2] - bounds[0]).hypot(bounds[3] - bounds[1]);
    if diagonal.is_finite() { 1e-7 * diagonal } else { 0.0 }
}

/// The borders that regions have in common, points closer than `tolerance` being one.
pub fn borders(regions: &[Region], tolerance: f64, surface: Surface) -> Borders {
    let noded = node::noded(regions, tolerance);
    // Points of several regions.
    let mut of_points: Vec<(u32, u32)> =
        noded.rings.iter().flat_map(|r| r.ids.iter().map(|&id| (id, r.region))).collect();
    of_points.par_sort_unstable();
    of_points.dedup();
    let mut pairs: Vec<(u32, u32, f64)> = Vec::new();
    for run in of_points.chunk_by(|a, b| a.0 == b.0).filter(|run| run.len() > 1) {
        for (k, a) in run.iter().enumerate() {
            pairs.extend(run[k + 1..].iter().map(|b| (a.1, b.1, 0.0)));
        }
    }
    pairs.extend(noded.crossings.iter().map(|&(a, b)| (a, b, 0.0)));
    // Stretches of several regions.
    let mut stretches: Vec<(u32, u32, u32)> = Vec::new();
    for ring in &noded.rings {
        for (k, &a) in ring.ids.iter().enumerate() {
            let b = ring.ids[(k + 1) % ring.ids.len()];
            if a != b {
                stretches.push((a.min(b), a.max(b), ring.region));
            }
        }
    }
    stretches.par_sort_unstable();
    stretches.dedup();
    for run in stretches.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)).filter(|run| run.len() > 1) {
        let (p, q) = (noded.points[run[0].0 as usize], noded.points[run[0].1 as usize]);
        let km = match surface {
            Surface::Degrees => haversine_km(p, q),
            Surface::Plane(meters) => (p[0] - q[0]).hypot(p[1] - q[1]) * meters / 1000.0,
        };
        for (k, a) in run.iter().enumerate() {
            pairs.extend(run[k + 1..].iter().map(|b| (a.2, b.2, km)));
        }
    }
    // Lengths are added in one order, whatever the number of threads.
    pairs.par_sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)));
    let together = |run: &[(u32, u32, f64)]| (run[0].0, run[0].1, run.iter().map(|p| p.2).sum());
    Borders { pairs: pairs.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)).map(together).collect() }
}

/// The matrix of neighbors at exactly `order` steps, or of common lengths (first order alone). No pair is a fault.
pub fn contiguity(
    regions: &[Region],
    contact: Contact,
    order: usize,
    tolerance: f64,
    surface: Surface,
    weight: LinkWeight,
) -> Result<Weights, Fault> {
    let n = regions.len();
    let found = borders(regions, tolerance, surface);
    let counts = |p: &&(u32, u32, f64)| contact == Contact::Queen && weight == LinkWeight::One || p.2 > 0.0;
    let mut entries: Vec<(usize, usize, f64)> = Vec::new();
    for &(i, k, km) in found.pairs.iter().filter(counts) {
        let value = if weight == LinkWeight::Length { km } else { 1.0 };
        entries.extend([(i as usize, k as usize, value), (k as usize, i as usize, value)]);
    }
    entries.sort_by_key(|e| (e.0, e.1));
    let first = Weights::unscaled(from_entries(n, &entries));
    let weights = if order > 1 { steps(&first, order) } else { first };
    if weights.matrix.nnz() == 0 && n > 1 {
        let message = format!(
            "no two of {n} units {} (`contiguity({})`)",
            if order > 1 { format!("are {order} borders apart") } else { "have a border in common".into() },
            contact.word()
        );
        return Err(Fault::error("durbin::weights::empty", message)
            .help("where borders do not meet to the last digit, say how far apart they may be: `snap: 100 m`"));
    }
    Ok(weights)
}

/// Pairs whose shortest way has exactly so many links.
pub fn steps(weights: &Weights, order: usize) -> Weights {
    let n = weights.units();
    let row = |i: usize| -> Vec<(usize, usize, f64)> {
        let mut seen = vec![i];
        let mut edge = vec![i];
        for _ in 0..order {
            let mut next: Vec<usize> =
                edge.iter().filter_map(|&u| weights.matrix.outer_view(u)).flat_map(|r| r.indices().to_vec()).collect();
            next.sort_unstable();
            next.dedup();
            next.retain(|k| seen.binary_search(k).is_err());
            seen.extend(&next);
            seen.sort_unstable();
            edge = next;
        }
        edge.into_iter().map(|k| (i, k, 1.0)).collect()
    };
    let entries: Vec<(usize, usize, f64)> = (0..n).into_par_iter().flat_map_iter(row).collect();
    Weights::unscaled(from_entries(n, &entries))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(x: f64, y: f64, side: f64) -> Region {
        Region { rings: vec![vec![[x, y], [x + side, y], [x + side, y + side], [x, y + side]]] }
    }

    fn pairs(regions: &[Region], contact: Contact) -> Vec<(usize, usize)> {
        let plane = Surface::Plane(1000.0);
        match contiguity(regions, contact, 1, usual_tolerance(regions), plane, LinkWeight::One) {
            Ok(w) => w.matrix.iter().map(|(_, at)| at).filter(|(i, k)| i < k).collect(),
            Err(_) => Vec::new(),
        }
    }

    #[test]
    fn a_corner_makes_queens_and_an_edge_makes_rooks() {
        let regions: Vec<Region> = (0..9).map(|k| square((k % 3) as f64, (k / 3) as f64, 1.0)).collect();
        assert_eq!(pairs(&regions, Contact::Queen).len(), 20);
        assert_eq!(pairs(&regions, Contact::Rook).len(), 12);
    }

    #[test]
    fn a_corner_on_the_middle_of_a_border_counts() {
        // one large square beside two small ones, whose common corner the large one does not have
        let regions = [square(0.0, 0.0, 2.0), square(2.0, 0.0, 1.0), square(2.0, 1.0, 1.0), square(2.0, 2.0, 1.0)];
        assert_eq!(pairs(&regions, Contact::Rook), [(0, 1), (0, 2), (1, 2), (2, 3)]);
        assert_eq!(pairs(&regions, Contact::Queen), [(0, 1), (0, 2), (0, 3), (1, 2), (2, 3)]);
        let found = borders(&regions, 1e-7, Surface::Plane(1000.0));
        let km = |i, k| found.pairs.iter().find(|p| (p.0, p.1) == (i, k)).map(|p| p.2);
        assert_eq!((km(0, 1), km(0, 2), km(0, 3)), (Some(1.0), Some(1.0), Some(0.0)));
        // a point of one region inside the edge of another touches it
        let spike = Region { rings: vec![vec![[1.0, 2.0], [1.5, 3.0], [0.5, 3.0]]] };
        let touching = [square(0.0, 0.0, 2.0), spike];
        assert_eq!(pairs(&touching, Contact::Queen), [(0, 1)]);
        assert_eq!(pairs(&touching, Contact::Rook), []);
    }

    #[test]
    fn points_within_the_tolerance_are_one_and_no_others() {
        let near = [square(0.0, 0.0, 1.0), square(1.0 + 1e-9, 1e-9, 1.0)];
        assert_eq!(pairs(&near, Contact::Rook), [(0, 1)]);
        let apart = [square(0.0, 0.0, 1.0), square(1.001, 0.0, 1.0)];
        assert_eq!(pairs(&apart, Contact::Queen), []);
        let plane = Surface::Plane(1000.0);
        assert!(contiguity(&apart, Contact::Rook, 1, 0.01, plane, LinkWeight::One).is_ok());
    }

    #[test]
    fn borders_that_cross_share_a_point_and_a_hole_is_a_border() {
        assert_eq!(pairs(&[square(0.0, 0.0, 2.0), square(1.0, 1.0, 2.0)], Contact::Queen), [(0, 1)]);
        assert_eq!(pairs(&[square(0.0, 0.0, 2.0), square(1.0, 1.0, 2.0)], Contact::Rook), []);
        let mut around = square(0.0, 0.0, 3.0);
        around.rings.push(vec![[1.0, 1.0], [1.0, 2.0], [2.0, 2.0], [2.0, 1.0]]);
        assert_eq!(pairs(&[around, square(1.0, 1.0, 1.0)], Contact::Rook), [(0, 1)]);
        // inside another without touching its border
        assert_eq!(pairs(&[square(0.0, 0.0, 3.0), square(1.0, 1.0, 1.0)], Contact::Queen), []);
    }

    #[test]
    fn higher_orders_are_shortest_ways() {
        let regions: Vec<Region> = (0..5).map(|k| square(k as f64, 0.0, 1.0)).collect();
        let plane = Surface::Plane(1000.0);
        let second = contiguity(&regions, Contact::Rook, 2, 1e-7, plane, LinkWeight::One).unwrap();
        let links: Vec<(usize, usize)> = second.matrix.iter().map(|(_, at)| at).collect();
        assert_eq!(links, [(0, 2), (1, 3), (2, 0), (2, 4), (3, 1), (4, 2)]);
    }

    #[test]
    fn comparing_all_pairs_finds_the_same() {
        // a jittered lattice whose cells share some corners and have others on their edges
        let mut x = 7u64;
        let mut next = move || {
            x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (x >> 11) as f64 / (1u64 << 53) as f64
        };
        let regions: Vec<Region> = (0..60)
            .map(|_| square((next() * 12.0).floor(), (next() * 12.0).floor(), 1.0 + (next() * 3.0).floor()))
            .collect();
        let touch = |a: &Region, b: &Region, rook: bool| {
            let (p, q) = (&a.rings[0], &b.rings[0]);
            let edges = |r: &[[f64; 2]]| (0..r.len()).map(|k| (r[k], r[(k + 1) % r.len()])).collect::<Vec<_>>();
            edges(p).iter().any(|e| {
                edges(q).iter().any(|f| {
                    // axis-parallel edges: the common part of two boxes without area
                    let lo = [e.0[0].min(e.1[0]).max(f.0[0].min(f.1[0])), e.0[1].min(e.1[1]).max(f.0[1].min(f.1[1]))];
                    let hi = [e.0[0].max(e.1[0]).min(f.0[0].max(f.1[0])), e.0[1].max(e.1[1]).min(f.0[1].max(f.1[1]))];
                    let there = lo[0] <= hi[0] && lo[1] <= hi[1];
                    there && (!rook || hi[0] > lo[0] || hi[1] > lo[1])
                })
            })
        };
        for contact in [Contact::Queen, Contact::Rook] {
            let mut expected = Vec::new();
            for i in 0..regions.len() {
                for k in i + 1..regions.len() {
                    if touch(&regions[i], &regions[k], contact == Contact::Rook) {
                        expected.push((i, k));
                    }
                }
            }
            assert!(expected.len() > 50);
            assert_eq!(pairs(&regions, contact), expected, "{contact:?}");
        }
    }
}
