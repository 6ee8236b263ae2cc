//! Rings cut wherever a point of another region lies on them, and borders that cross.

use rayon::prelude::*;
use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, RTree};

use super::snap::numbered;
use crate::data::shapes::Region;

/// The points of a ring with those that others put on it, and the pairs of rings that cross.
type CutRing = (Vec<u32>, Vec<(u32, u32)>);

/// A ring as numbers of its points, in order, none twice in a row.
pub(super) struct NodedRing {
    pub region: u32,
    pub ids: Vec<u32>,
}

pub(super) struct Noded {
    pub rings: Vec<NodedRing>,
    /// Where each number is.
    pub points: Vec<[f64; 2]>,
    /// Regions `(i, k)`, `i < k`, whose borders cross between points and share none.
    pub crossings: Vec<(u32, u32)>,
}

type Box2 = AABB<[f64; 2]>;

/// A ring while others are held against it.
struct Outline {
    region: u32,
    ids: Vec<u32>,
    sorted: Vec<u32>,
    bounds: [f64; 4],
    bins: Bins,
}

impl Outline {
    fn new(region: u32, ids: Vec<u32>, points: &[[f64; 2]]) -> Outline {
        let mut bounds = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
        for &id in &ids {
            let p = points[id as usize];
            bounds = [bounds[0].min(p[0]), bounds[1].min(p[1]), bounds[2].max(p[0]), bounds[3].max(p[1])];
        }
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        let bins = Bins::new(&ids, points, bounds);
        Outline { region, ids, sorted, bounds, bins }
    }

    fn has(&self, id: u32) -> bool {
        self.sorted.binary_search(&id).is_ok()
    }

    fn segment(&self, k: usize) -> (u32, u32) {
        (self.ids[k], self.ids[(k + 1) % self.ids.len()])
    }

    fn around(&self, tolerance: f64) -> Box2 {
        let [a, b, c, d] = self.bounds;
        AABB::from_corners([a - tolerance, b - tolerance], [c + tolerance, d + tolerance])
    }

    fn covers(&self, p: [f64; 2], tolerance: f64) -> bool {
        let [a, b, c, d] = self.bounds;
        p[0] >= a - tolerance && p[0] <= c + tolerance && p[1] >= b - tolerance && p[1] <= d + tolerance
    }
}

/// Segments of a ring by the heights they pass.
struct Bins {
    low: f64,
    step: f64,
    starts: Vec<u32>,
    segments: Vec<u32>,
}

impl Bins {
    fn new(ids: &[u32], points: &[[f64; 2]], bounds: [f64; 4]) -> Bins {
        let count = (ids.len() / 4).clamp(1, 1 << 16);
        let height = bounds[3] - bounds[1];
        let step = if height > 0.0 { height / count as f64 } else { 1.0 };
        let mut bins = Bins { low: bounds[1], step, starts: vec![0; count + 1], segments: Vec::new() };
        let span = |k: usize| {
            let (p, q) = (points[ids[k] as usize][1], points[ids[(k + 1) % ids.len()] as usize][1]);
            (bins.of(p.min(q)), bins.of(p.max(q)))
        };
        let spans: Vec<(usize, usize)> = (0..ids.len()).map(span).collect();
        for &(from, to) in &spans {
            (from..=to).for_each(|b| bins.starts[b + 1] += 1);
        }
        for b in 0..count {
            bins.starts[b + 1] += bins.starts[b];
        }
        let mut next = bins.starts.clone();
        bins.segments = vec![0; bins.starts[count] as usize];
        for (k, &(from, to)) in spans.iter().enumerate() {
            for b in from..=to {
                bins.segments[next[b] as usize] = k as u32;
                next[b] += 1;
            }
        }
        bins
    }

    fn of(&self, y: f64) -> usize {
        (((y - self.low) / self.step).floor().max(0.0) as usize).min(self.starts.len() - 2)
    }

    /// Segments that may pass between two heights; one may come several times.
    fn between(&self, low: f64, high: f64) -> &[u32] {
        let (from, to) = (self.of(low), self.of(high));
        &self.segments[self.starts[from] as usize..self.starts[to + 1] as usize]
    }
}

/// Cuts every ring of every region at the points of others that lie on it.
pub(super) fn noded(regions: &[Region], tolerance: f64) -> Noded {
    let all: Vec<[f64; 2]> = regions.iter().flat_map(|r| &r.rings).flatten().copied().collect();
    let (numbers, points) = numbered(&all, tolerance);
    let mut rings: Vec<(u32, Vec<u32>)> = Vec::new();
    let mut at = 0;
    for (region, ring) in regions.iter().enumerate().flat_map(|(i, r)| r.rings.iter().map(move |ring| (i, ring))) {
        let mut ids = numbers[at..at + ring.len()].to_vec();
        at += ring.len();
        ids.dedup();
        while ids.len() > 1 && ids.first() == ids.last() {
            ids.pop();
        }
        rings.push((region as u32, ids));
    }
    drop((all, numbers));
    let outlines: Vec<Outline> =
        rings.into_par_iter().map(|(region, ids)| Outline::new(region, ids, &points)).collect();
    let boxes = outlines.iter().enumerate().map(|(k, o)| {
        let [a, b, c, d] = o.bounds;
        GeomWithData::new(Rectangle::from_corners([a, b], [c, d]), k)
    });
    let tree = RTree::bulk_load(boxes.collect());
    let near = |o: &Outline| -> Vec<usize> {
        let mut found: Vec<usize> = tree.locate_in_envelope_intersecting(o.around(tolerance)).map(|g| g.data).collect();
        found.retain(|&k| outlines[k].region != o.region);
        found.sort_unstable();
        found
    };
    let cut: Vec<CutRing> = outlines
        .par_iter()
        .map(|o| {
            let others = near(o);
            let later = others.iter().filter(|&&k| outlines[k].region > o.region);
            let crossed = later.filter(|&&k| crosses(o, &outlines[k], &points, tolerance));
            (
                cut_ring(o, &others, &outlines, &points, tolerance),
                crossed.map(|&k| (o.region, outlines[k].region)).collect(),
            )
        })
        .collect();
    let mut crossings: Vec<(u32, u32)> = cut.iter().flat_map(|c| c.1.iter().copied()).collect();
    crossings.sort_unstable();
    crossings.dedup();
    let rings = outlines.iter().zip(cut).map(|(o, (ids, _))| NodedRing { region: o.region, ids }).collect();
    Noded { rings, points, crossings }
}

/// The ring with the points of others that lie on its segments.
fn cut_ring(o: &Outline, others: &[usize], outlines: &[Outline], points: &[[f64; 2]], tolerance: f64) -> Vec<u32> {
    // Segment, how far along it, and the point.
    let mut cuts: Vec<(u32, f64, u32)> = Vec::new();
    for other in others.iter().map(|&k| &outlines[k]) {
        for &id in &other.ids {
            let p = points[id as usize];
            if !o.covers(p, tolerance) || o.has(id) {
                continue;
            }
            for &k in o.bins.between(p[1] - tolerance, p[1] + tolerance) {
                let (a, b) = o.segment(k as usize);
                if let Some(along) = on_segment(p, points[a as usize], points[b as usize], tolerance) {
                    cuts.push((k, along, id));
                }
            }
        }
    }
    if cuts.is_empty() {
        return o.ids.clone();
    }
    cuts.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2)));
    cuts.dedup();
    let mut out = Vec::with_capacity(o.ids.len() + cuts.len());
    let mut next = cuts.into_iter().peekable();
    for (k, &id) in o.ids.iter().enumerate() {
        out.push(id);
        while let Some(cut) = next.next_if(|c| c.0 as usize == k) {
            out.push(cut.2);
        }
    }
    out.dedup();
    out
}

/// How far along a segment (0 to 1) a point lies on it; `None` where it lies elsewhere.
fn on_segment(p: [f64; 2], a: [f64; 2], b: [f64; 2], tolerance: f64) -> Option<f64> {
    let (d, r) = ([b[0] - a[0], b[1] - a[1]], [p[0] - a[0], p[1] - a[1]]);
    let squared = d[0] * d[0] + d[1] * d[1];
    if squared == 0.0 {
        return None;
    }
    let along = (r[0] * d[0] + r[1] * d[1]) / squared;
    let off = (r[0] * d[1] - r[1] * d[0]).abs() / squared.sqrt();
    // A point near an end is that end, which both rings would have.
    (along > 0.0 && along < 1.0 && off <= tolerance).then_some(along)
}

/// Whether two outlines that share no point have segments that cross.
fn crosses(a: &Outline, b: &Outline, points: &[[f64; 2]], tolerance: f64) -> bool {
    if a.ids.iter().any(|&id| b.has(id)) {
        return false;
    }
    let (small, large) = if a.ids.len() <= b.ids.len() { (a, b) } else { (b, a) };
    (0..small.ids.len()).any(|k| {
        let (p, q) = small.segment(k);
        let (p, q) = (points[p as usize], points[q as usize]);
        let (low, high) = (p[1].min(q[1]), p[1].max(q[1]));
        let [left, bottom, right, top] = large.bounds;
        let outside = high < bottom - tolerance || low > top + tolerance;
        if outside || p[0].max(q[0]) < left - tolerance || p[0].min(q[0]) > right + tolerance {
            return false;
        }
        large.bins.between(low, high).iter().any(|&s| {
            let (r, t) = large.segment(s as usize);
            cross(p, q, points[r as usize], points[t as usize])
        })
    })
}

/// Whether two segments cross in their insides.
fn cross(p: [f64; 2], q: [f64; 2], r: [f64; 2], s: [f64; 2]) -> bool {
    let side = |a: [f64; 2], b: [f64; 2], c: [f64; 2]| (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
    let apart = |x: f64, y: f64| (x > 0.0 && y < 0.0) || (x < 0.0 && y > 0.0);
    apart(side(p, q, r), side(p, q, s)) && apart(side(r, s, p), side(r, s, q))
}
