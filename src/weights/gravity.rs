//! Interaction by mass and distance: `v_i v_k / d_ik^p` of one value for each unit (methods B.2), and exponential decay.

use super::geometry::{Coordinates, Near, empty_band};
use super::{Weights, from_entries};
use crate::fault::{Fault, quoted_list};

/// `v_i v_k d_ik^{-power}` for distances up to `cutoff_km` (all, where it is infinite); `means` is the mean of `column` of each
/// of `units`, not a number where it is missing. Masses are positive, no two units at one place.
pub fn gravity(
    coordinates: &Coordinates,
    column: &str,
    means: &[f64],
    units: &[String],
    power: f64,
    cutoff_km: f64,
) -> Result<Weights, Fault> {
    let without: Vec<&String> = units.iter().zip(means).filter(|(_, x)| !x.is_finite()).map(|(u, _)| u).collect();
    if !without.is_empty() {
        let verb = if without.len() == 1 { "has" } else { "have" };
        let message =
            format!("{} of {} units {verb} no `{column}`: {}", without.len(), units.len(), quoted_list(&without));
        return Err(
            Fault::error("durbin::weights::missing_label", message).help("`gravity` needs a mass of every unit")
        );
    }
    let light: Vec<&String> = units.iter().zip(means).filter(|(_, x)| **x <= 0.0).map(|(u, _)| u).collect();
    if !light.is_empty() {
        let message =
            format!("`{column}` of {} of {} units is not positive: {}", light.len(), units.len(), quoted_list(&light));
        return Err(Fault::error("durbin::weights::negative", message).help("the mass of a unit is a positive number"));
    }
    pairs(coordinates, units, cutoff_km, &|i, k, d| means[i] * means[k] * d.powf(-power))
}

/// `exp(−decay d_ik)` for distances up to `cutoff_km`, `decay` in 1/km.
pub fn exponential(coordinates: &Coordinates, decay: f64, cutoff_km: f64) -> Result<Weights, Fault> {
    let near = Near::new(coordinates, cutoff_km);
    let n = coordinates.len();
    let of = |i: usize| near.of(i).into_iter().map(move |(k, d)| (i, k, (-decay * d).exp()));
    let entries: Vec<(usize, usize, f64)> = (0..n).flat_map(of).collect();
    if entries.is_empty() {
        return Err(empty_band(coordinates, 0.0, cutoff_km));
    }
    Ok(Weights::unscaled(from_entries(n, &entries)))
}

fn pairs(
    coordinates: &Coordinates,
    units: &[String],
    cutoff_km: f64,
    value: &dyn Fn(usize, usize, f64) -> f64,
) -> Result<Weights, Fault> {
    let near = Near::new(coordinates, cutoff_km);
    let mut entries = Vec::new();
    for i in 0..coordinates.len() {
        for (k, d) in near.of(i) {
            if d == 0.0 {
                let message = format!(
                    "\"{}\" and \"{}\" are at one place: nothing falls with their distance",
                    units[i.min(k)],
                    units[i.max(k)]
                );
                return Err(
                    Fault::error("durbin::weights::zero_distance", message).help("give them different coordinates")
                );
            }
            // one order of factors from both ends: symmetric to the last bit
            entries.push((i, k, value(i.min(k), i.max(k), d)));
        }
    }
    if entries.is_empty() {
        return Err(empty_band(coordinates, 0.0, cutoff_km));
    }
    Ok(Weights::unscaled(from_entries(coordinates.len(), &entries)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> (Vec<String>, Coordinates) {
        let at = [0.0, 1.0, 3.0].map(|x| [1000.0 * x, 0.0]).to_vec();
        (["a", "b", "c"].map(String::from).to_vec(), Coordinates::Planar(at))
    }

    #[test]
    fn masses_attract_by_their_product_over_distance() {
        let (units, at) = line();
        let w = gravity(&at, "pop", &[2.0, 3.0, 10.0], &units, 2.0, f64::INFINITY).unwrap();
        assert_eq!(
            (w.matrix.get(0, 1), w.matrix.get(1, 2), w.matrix.get(2, 0)),
            (Some(&6.0), Some(&7.5), Some(&(20.0 * 3f64.powf(-2.0))))
        );
        assert!(w.symmetrizer.is_some());
        let code = |means: &[f64]| gravity(&at, "pop", means, &units, 1.0, f64::INFINITY).unwrap_err().code;
        assert_eq!(code(&[1.0, f64::NAN, 1.0]), "durbin::weights::missing_label");
        assert_eq!(code(&[1.0, 0.0, 1.0]), "durbin::weights::negative");
    }

    #[test]
    fn decay_is_exponential_up_to_the_cutoff() {
        let (_, at) = line();
        let w = exponential(&at, 0.5, 2.5).unwrap();
        assert_eq!(w.matrix.nnz(), 4);
        assert_eq!(w.matrix.get(1, 2), Some(&(-1.0f64).exp()));
        assert_eq!(exponential(&at, 0.5, 0.5).unwrap_err().code, "durbin::weights::empty");
    }
}
