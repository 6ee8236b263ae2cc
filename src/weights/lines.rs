//! How far places are from lines and points: the corridor, road or coast of a file (methods B.3).
//!
//! On the sphere the foot of a place on a segment is that on its great circle, or the nearer end. On the ellipsoid feet are
//! those of the sphere, and the way to them is measured; how far a foot is off changes the distance in second order only.

use super::ellipsoid::vincenty_km;
use super::geometry::{EARTH_RADIUS_KM, haversine_km};

/// How lengths are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Metric {
    Sphere,
    Ellipsoid,
    /// Projected meters.
    Plane,
}

/// How much longer a way on the ellipsoid may be than one of equal length on the sphere, and the other way around.
const ELLIPSOID_MARGIN: f64 = 1.012;

/// What is nearer than this, in radians or kilometers, is at no distance.
const ON_THE_LINE: f64 = 1e-13;

/// A stretch between two places; a point is one from a place to itself.
#[derive(Clone, Debug)]
struct Segment {
    from: [f64; 3],
    to: [f64; 3],
    /// Of the arc, in radians; on the plane in kilometers.
    length: f64,
}

/// Lines and points that distances are measured to.
#[derive(Clone, Debug)]
pub struct Lines {
    metric: Metric,
    segments: Vec<Segment>,
}

impl Lines {
    /// From lines as lists of places, one of a single place being a point; degrees, or meters of the plane.
    pub fn new(paths: &[Vec<[f64; 2]>], metric: Metric) -> Lines {
        let at = |p: &[f64; 2]| position(*p, metric);
        let segment = |from: [f64; 3], to: [f64; 3]| Segment { from, to, length: apart(from, to, metric) };
        let of = |path: &Vec<[f64; 2]>| -> Vec<Segment> {
            match path.as_slice() {
                [point] => vec![segment(at(point), at(point))],
                line => line.windows(2).map(|w| segment(at(&w[0]), at(&w[1]))).collect(),
            }
        };
        Lines { metric, segments: paths.iter().flat_map(of).collect() }
    }

    /// Kilometers from a place to the nearest of their points.
    pub fn distance_km(&self, place: [f64; 2]) -> f64 {
        let x = position(place, self.metric);
        let mut best = f64::INFINITY;
        for segment in &self.segments {
            // The straight way to an end less all of the segment is never longer than the way to its nearest point.
            if norm(minus(x, segment.from)) - segment.length < best {
                best = best.min(apart(x, foot(x, segment, self.metric), self.metric));
            }
        }
        // Rounding leaves a place on a line some picometers off it.
        if best < ON_THE_LINE {
            return 0.0;
        }
        match self.metric {
            Metric::Plane => best,
            Metric::Sphere => best * EARTH_RADIUS_KM,
            Metric::Ellipsoid => self.on_ellipsoid(place, x, best),
        }
    }

    /// The shortest way on the ellipsoid to a foot that is nearest, or about so, on the sphere.
    fn on_ellipsoid(&self, place: [f64; 2], x: [f64; 3], nearest: f64) -> f64 {
        let reach = ELLIPSOID_MARGIN * nearest + 1e-12;
        let mut best = f64::INFINITY;
        for segment in &self.segments {
            if norm(minus(x, segment.from)) - segment.length > reach {
                continue;
            }
            let foot = foot(x, segment, self.metric);
            if apart(x, foot, self.metric) <= reach {
                let [a, b, c] = foot;
                let at = [b.atan2(a).to_degrees(), c.atan2(a.hypot(b)).to_degrees()];
                best = best.min(vincenty_km(place, at).unwrap_or_else(|| haversine_km(place, at)));
            }
        }
        best
    }
}

/// A point of the unit sphere, or of the plane in kilometers.
fn position(p: [f64; 2], metric: Metric) -> [f64; 3] {
    if metric == Metric::Plane {
        return [p[0] / 1000.0, p[1] / 1000.0, 0.0];
    }
    let (lon, lat) = (p[0].to_radians(), p[1].to_radians());
    [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()]
}

fn apart(a: [f64; 3], b: [f64; 3], metric: Metric) -> f64 {
    match metric {
        Metric::Plane => norm(minus(a, b)),
        // By the difference, which keeps its digits where the two are near.
        _ => norm(cross(a, minus(b, a))).atan2(dot(a, b)),
    }
}

/// The point of a segment that is nearest to `x`.
fn foot(x: [f64; 3], segment: &Segment, metric: Metric) -> [f64; 3] {
    let Segment { from, to, .. } = *segment;
    let along = minus(to, from);
    if metric == Metric::Plane {
        let share = (dot(minus(x, from), along) / dot(along, along)).clamp(0.0, 1.0);
        return if share.is_nan() { from } else { plus(from, times(share, along)) };
    }
    let nearer = || if dot(minus(x, from), minus(x, from)) <= dot(minus(x, to), minus(x, to)) { from } else { to };
    let normal = cross(from, along);
    let size = norm(normal);
    if size < 1e-15 {
        return nearer();
    }
    let normal = times(1.0 / size, normal);
    let inside = dot(cross(normal, from), x) >= 0.0 && dot(cross(to, normal), x) >= 0.0;
    let on_circle = minus(x, times(dot(minus(x, from), normal), normal));
    match norm(on_circle) {
        // The pole of the great circle is as far from all of it.
        reach if reach < 1e-15 => from,
        reach if inside => times(1.0 / reach, on_circle),
        _ => nearer(),
    }
}

fn minus(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

fn plus(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

fn times(s: f64, a: [f64; 3]) -> [f64; 3] {
    a.map(|v| s * v)
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

fn norm(a: [f64; 3]) -> f64 {
    dot(a, a).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::samples::uniform;

    fn on_line(paths: &[Vec<[f64; 2]>], metric: Metric, place: [f64; 2]) -> f64 {
        Lines::new(paths, metric).distance_km(place)
    }

    /// A point of the arc between two places, by spherical interpolation.
    fn between(p: [f64; 2], q: [f64; 2], share: f64) -> [f64; 2] {
        let (a, b) = (position(p, Metric::Sphere), position(q, Metric::Sphere));
        let angle = dot(a, b).clamp(-1.0, 1.0).acos();
        let (u, v) = (((1.0 - share) * angle).sin() / angle.sin(), (share * angle).sin() / angle.sin());
        let [x, y, z] = plus(times(u, a), times(v, b));
        [y.atan2(x).to_degrees(), z.atan2(x.hypot(y)).to_degrees()]
    }

    #[test]
    fn no_sampled_point_of_a_line_is_nearer_and_some_is_as_near() {
        for k in 0..40 {
            let place = |j: u64| [-180.0 + 360.0 * uniform(3, 9 * k + j), -85.0 + 170.0 * uniform(4, 9 * k + j)];
            // A line of three segments, of many lengths and over the date line, and a place near or far.
            let start = place(0);
            let step = 0.01 * 10f64.powf(3.0 * uniform(5, k));
            let line: Vec<[f64; 2]> = (0..4)
                .map(|j| [start[0] + step * j as f64, (start[1] + step * uniform(6, 4 * k + j)).clamp(-89.0, 89.0)])
                .collect();
            let near = [start[0] + 3.0 * step * uniform(7, k), (start[1] + step).clamp(-89.0, 89.0)];
            let at = if k % 2 == 0 { near } else { place(1) };
            let found = on_line(std::slice::from_ref(&line), Metric::Sphere, at);
            let fine = 4000;
            let sampled = line
                .windows(2)
                .flat_map(|w| (0..=fine).map(move |s| between(w[0], w[1], s as f64 / fine as f64)))
                .map(|p| haversine_km(at, p))
                .fold(f64::INFINITY, f64::min);
            let spacing = 111.2 * 1.5 * step / fine as f64;
            assert!(found <= sampled + 1e-7, "{k}: {found} {sampled}");
            assert!(sampled - found <= spacing, "{k}: {found} {sampled} {spacing}");
        }
    }

    #[test]
    fn a_meridian_the_equator_and_ends_are_as_far_as_they_are() {
        let degree = EARTH_RADIUS_KM * 1f64.to_radians();
        let meridian = [vec![[10.0, 0.0], [10.0, 40.0]]];
        assert!((on_line(&meridian, Metric::Sphere, [11.0, 0.0]) - degree).abs() < 1e-9);
        assert!((on_line(&meridian, Metric::Sphere, [10.0, 43.0]) - 3.0 * degree).abs() < 1e-9);
        assert_eq!(on_line(&meridian, Metric::Sphere, [10.0, 0.0]), 0.0);
        // Over the date line, not around the world.
        let across = [vec![[179.0, 0.0], [-179.0, 0.0]]];
        assert!((on_line(&across, Metric::Sphere, [180.0, 2.0]) - 2.0 * degree).abs() < 1e-9);
        // The pole is ninety degrees from the equator, wherever on it.
        assert!((on_line(&[vec![[0.0, 0.0], [20.0, 0.0]]], Metric::Sphere, [0.0, 90.0]) - 90.0 * degree).abs() < 1e-9);
        let point = [vec![[13.4, 52.5]]];
        assert!(
            (on_line(&point, Metric::Sphere, [2.35, 48.86]) - haversine_km([13.4, 52.5], [2.35, 48.86])).abs() < 1e-9
        );
    }

    #[test]
    fn on_the_plane_and_on_the_ellipsoid() {
        let line = [vec![[0.0, 0.0], [10_000.0, 0.0], [10_000.0, 10_000.0]]];
        assert!((on_line(&line, Metric::Plane, [4_000.0, 3_000.0]) - 3.0).abs() < 1e-12);
        assert!((on_line(&line, Metric::Plane, [13_000.0, 14_000.0]) - 5.0).abs() < 1e-12);
        // To a meridian the nearest point is on one parallel at the equator.
        let meridian = [vec![[10.0, -5.0], [10.0, 5.0]]];
        let known = vincenty_km([11.0, 0.0], [10.0, 0.0]).unwrap();
        assert!((on_line(&meridian, Metric::Ellipsoid, [11.0, 0.0]) - known).abs() < 1e-9);
        // Elsewhere no sampled point is nearer.
        let found = on_line(&[vec![[5.0, 40.0], [15.0, 47.0]]], Metric::Ellipsoid, [9.0, 45.0]);
        let sampled = (0..=20_000)
            .map(|s| vincenty_km([9.0, 45.0], between([5.0, 40.0], [15.0, 47.0], f64::from(s) / 20_000.0)).unwrap())
            .fold(f64::INFINITY, f64::min);
        assert!((found - sampled).abs() < 1e-2 && found > 0.0, "{found} {sampled}");
    }
}
