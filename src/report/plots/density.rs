//! Densities by a normal kernel.

/// Points of a density's curve.
const STEPS: usize = 120;

/// The density of values, weighed or alike, with Silverman's bandwidth; its highest point is 1. Nothing where all are the same.
pub fn density(values: &[f64], weights: Option<&[f64]>) -> Vec<[f64; 2]> {
    let weight = |k: usize| weights.map_or(1.0, |w| w[k]);
    let total: f64 = (0..values.len()).map(weight).sum();
    let mean = values.iter().enumerate().map(|(k, v)| weight(k) * v).sum::<f64>() / total;
    let sd = (values.iter().enumerate().map(|(k, v)| weight(k) * (v - mean).powi(2)).sum::<f64>() / total).sqrt();
    if values.len() < 2 || sd.is_nan() || sd <= 0.0 {
        return Vec::new();
    }
    // so many values of one weight would tell as much
    let alike = total * total / (0..values.len()).map(|k| weight(k).powi(2)).sum::<f64>();
    let width = 1.06 * sd * alike.powf(-0.2);
    let lo = values.iter().copied().fold(f64::INFINITY, f64::min) - 2.0 * width;
    let hi = values.iter().copied().fold(f64::NEG_INFINITY, f64::max) + 2.0 * width;
    let at = |k: usize| lo + (hi - lo) * k as f64 / (STEPS - 1) as f64;
    let height = |x: f64| {
        values.iter().enumerate().map(|(k, v)| weight(k) * (-0.5 * ((x - v) / width).powi(2)).exp()).sum::<f64>()
    };
    let curve: Vec<[f64; 2]> = (0..STEPS).map(|k| [at(k), height(at(k))]).collect();
    let most = curve.iter().map(|c| c[1]).fold(0.0, f64::max);
    curve.into_iter().map(|[x, y]| [x, y / most]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_density_is_one_at_its_highest_and_symmetric_for_symmetric_values() {
        let found = density(&[-1.0, 0.0, 1.0], None);
        assert_eq!(found.len(), STEPS);
        assert!(found.iter().all(|p| p[1] <= 1.0) && found.iter().any(|p| p[1] == 1.0));
        for (a, b) in found.iter().zip(found.iter().rev()) {
            assert!((a[1] - b[1]).abs() < 1e-9 && (a[0] + b[0]).abs() < 1e-9);
        }
        assert!(density(&[2.0, 2.0], None).is_empty());
    }

    #[test]
    fn a_weight_of_nothing_leaves_a_value_out_of_the_heights() {
        let found = density(&[0.0, 1.0, 9.0], Some(&[1.0, 1.0, 0.0]));
        assert!(found.iter().filter(|p| p[0] > 5.0).all(|p| p[1] < 1e-9));
    }
}
