//! Distances on the WGS84 ellipsoid (Vincenty 1975; methods B.1).

/// Half axes of the ellipsoid in km, and its flattening.
const MAJOR_KM: f64 = 6378.137;
const FLATTENING: f64 = 1.0 / 298.257_223_563;
const MINOR_KM: f64 = MAJOR_KM * (1.0 - FLATTENING);

/// Steps after which the inverse problem counts as not solved.
const MOST_STEPS: usize = 200;

/// The length in km of the geodesic between two points in degrees; `None` where the iteration does not settle, which
/// happens between nearly antipodal points.
pub fn vincenty_km(p: [f64; 2], q: [f64; 2]) -> Option<f64> {
    if p == q {
        return Some(0.0);
    }
    let difference = (q[0] - p[0]).to_radians();
    let reduced = |latitude: f64| ((1.0 - FLATTENING) * latitude.to_radians().tan()).atan();
    let ((s1, c1), (s2, c2)) = (reduced(p[1]).sin_cos(), reduced(q[1]).sin_cos());
    let mut lambda = difference;
    for _ in 0..MOST_STEPS {
        let (sin_lambda, cos_lambda) = lambda.sin_cos();
        let sin_sigma = (c2 * sin_lambda).hypot(c1 * s2 - s1 * c2 * cos_lambda);
        if sin_sigma == 0.0 {
            return Some(0.0);
        }
        let cos_sigma = s1 * s2 + c1 * c2 * cos_lambda;
        let sigma = sin_sigma.atan2(cos_sigma);
        let sin_alpha = c1 * c2 * sin_lambda / sin_sigma;
        let cos2_alpha = 1.0 - sin_alpha * sin_alpha;
        let cos_2m = if cos2_alpha > 1e-14 { cos_sigma - 2.0 * s1 * s2 / cos2_alpha } else { 0.0 };
        let c = FLATTENING / 16.0 * cos2_alpha * (4.0 + FLATTENING * (4.0 - 3.0 * cos2_alpha));
        let inner = cos_2m + c * cos_sigma * (2.0 * cos_2m * cos_2m - 1.0);
        let next = difference + (1.0 - c) * FLATTENING * sin_alpha * (sigma + c * sin_sigma * inner);
        if (next - lambda).abs() < 1e-12 {
            return Some(length(sigma, sin_sigma, cos_sigma, cos2_alpha, cos_2m));
        }
        lambda = next;
    }
    None
}

fn length(sigma: f64, sin_sigma: f64, cos_sigma: f64, cos2_alpha: f64, cos_2m: f64) -> f64 {
    let u2 = cos2_alpha * (MAJOR_KM * MAJOR_KM - MINOR_KM * MINOR_KM) / (MINOR_KM * MINOR_KM);
    let a = 1.0 + u2 / 16384.0 * (4096.0 + u2 * (-768.0 + u2 * (320.0 - 175.0 * u2)));
    let b = u2 / 1024.0 * (256.0 + u2 * (-128.0 + u2 * (74.0 - 47.0 * u2)));
    let square = 2.0 * cos_2m * cos_2m - 1.0;
    let last = b / 6.0 * cos_2m * (4.0 * sin_sigma * sin_sigma - 3.0) * (4.0 * cos_2m * cos_2m - 3.0);
    let delta = b * sin_sigma * (cos_2m + b / 4.0 * (cos_sigma * square - last));
    MINOR_KM * a * (sigma - delta)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_published_examples() {
        // Flinders Peak to Buninyong (Geoscience Australia, on GRS80, whose flattening differs in the ninth digit)
        let degrees = |d: f64, m: f64, s: f64| d + m / 60.0 + s / 3600.0;
        let flinders = [degrees(144.0, 25.0, 29.52440), -degrees(37.0, 57.0, 3.72030)];
        let buninyong = [degrees(143.0, 55.0, 35.38390), -degrees(37.0, 39.0, 10.15610)];
        let km = vincenty_km(flinders, buninyong).unwrap();
        assert!((km - 54.972271).abs() < 1e-6, "{km}");
        // a degree of the equator, and a quarter of a meridian
        assert!((vincenty_km([0.0, 0.0], [1.0, 0.0]).unwrap() - MAJOR_KM.to_radians()).abs() < 1e-9);
        assert!((vincenty_km([0.0, 0.0], [0.0, 90.0]).unwrap() - 10_001.965_729).abs() < 1e-5);
    }

    #[test]
    fn it_is_symmetric_and_gives_up_between_antipodes() {
        let (a, b) = ([121.47, 31.23], [120.15, 30.27]);
        assert!((vincenty_km(a, b).unwrap() - vincenty_km(b, a).unwrap()).abs() < 1e-9);
        assert_eq!(vincenty_km([0.0, 0.0], [179.7, 0.5]), None);
        assert_eq!(vincenty_km(a, a), Some(0.0));
    }
}
