//! The center of a region: that of its area, on the sphere or on the plane.

use crate::data::shapes::{Region, Ring};

/// The center of area in degrees: the direction of ∫ r dA over the spherical polygons, which is half the sum over their
/// edges of the arc's length times the normal of its plane (Stokes). Right across the date line and around a pole.
pub fn spherical_centroid(region: &Region) -> [f64; 2] {
    let point = |p: [f64; 2]| {
        let (lon, lat) = (p[0].to_radians(), p[1].to_radians());
        [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()]
    };
    let (mut total, mut corners) = ([0.0; 3], [0.0; 3]);
    for ring in &region.rings {
        for (a, b) in edges(ring) {
            let (p, q) = (point(a), point(b));
            let n = [p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]];
            let sine = n.iter().map(|x| x * x).sum::<f64>().sqrt();
            let cosine: f64 = p.iter().zip(&q).map(|(x, y)| x * y).sum();
            for k in 0..3 {
                corners[k] += p[k];
                if sine > 0.0 {
                    total[k] += 0.5 * sine.atan2(cosine) * n[k] / sine;
                }
            }
        }
    }
    let along: f64 = total.iter().zip(&corners).map(|(x, y)| x * y).sum();
    let size = total.iter().map(|x| x * x).sum::<f64>().sqrt();
    // A region of no area is where its corners are.
    let v = if size < 1e-15 { corners } else { total.map(|x| if along < 0.0 { -x } else { x }) };
    [v[1].atan2(v[0]).to_degrees(), v[2].atan2(v[0].hypot(v[1])).to_degrees()]
}

/// The center of area on the plane.
pub fn planar_centroid(region: &Region) -> [f64; 2] {
    let Some(origin) = region.rings.first().and_then(|r| r.first()).copied() else { return [f64::NAN; 2] };
    let (mut area, mut sum, mut corners, mut count) = (0.0, [0.0; 2], [0.0; 2], 0.0);
    for ring in &region.rings {
        for (a, b) in edges(ring) {
            let (a, b) = ([a[0] - origin[0], a[1] - origin[1]], [b[0] - origin[0], b[1] - origin[1]]);
            let cross = a[0] * b[1] - a[1] * b[0];
            area += cross;
            count += 1.0;
            for k in 0..2 {
                sum[k] += cross * (a[k] + b[k]) / 3.0;
                corners[k] += a[k];
            }
        }
    }
    let of = |k: usize| if area == 0.0 { corners[k] / count } else { sum[k] / area };
    [origin[0] + of(0), origin[1] + of(1)]
}

fn edges(ring: &Ring) -> impl Iterator<Item = ([f64; 2], [f64; 2])> + '_ {
    (0..ring.len()).map(|k| (ring[k], ring[(k + 1) % ring.len()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: [f64; 2], b: [f64; 2], within: f64) {
        assert!((a[0] - b[0]).abs() < within && (a[1] - b[1]).abs() < within, "{a:?} {b:?}");
    }

    fn square(x: f64, y: f64, half: f64) -> Ring {
        vec![[x - half, y - half], [x + half, y - half], [x + half, y + half], [x - half, y + half]]
    }

    #[test]
    fn centers_of_areas_are_found() {
        let mut region = Region { rings: vec![square(2.0, 1.0, 1.0)] };
        close(planar_centroid(&region), [2.0, 1.0], 1e-12);
        // half of it cut away by a hole on the right
        let mut hole = square(2.5, 1.0, 0.5);
        hole.reverse();
        region.rings.push(hole);
        close(planar_centroid(&region), [(4.0 * 2.0 - 2.5) / 3.0, 1.0], 1e-12);
    }

    #[test]
    fn on_the_sphere_symmetry_holds_anywhere() {
        let at_equator = Region { rings: vec![square(10.0, 0.0, 1.0)] };
        close(spherical_centroid(&at_equator), [10.0, 0.0], 1e-9);
        let date_line = Region { rings: vec![vec![[179.0, -1.0], [-179.0, -1.0], [-179.0, 1.0], [179.0, 1.0]]] };
        assert!(spherical_centroid(&date_line)[0].abs() > 179.999_999);
        let cap: Ring = (0..36).map(|k| [10.0 * k as f64 - 180.0, 80.0]).collect();
        assert!(spherical_centroid(&Region { rings: vec![cap] })[1] > 89.999_999);
        // small regions: that of the plane
        let small = Region { rings: vec![vec![[9.0, 45.0], [9.02, 45.0], [9.02, 45.01], [9.0, 45.02]]] };
        close(spherical_centroid(&small), planar_centroid(&small), 2e-6);
        let reversed = Region { rings: small.rings.iter().map(|r| r.iter().rev().copied().collect()).collect() };
        close(spherical_centroid(&reversed), spherical_centroid(&small), 1e-9);
    }
}
