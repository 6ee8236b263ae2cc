//! What a two-way estimate averages: the weight of each treated cell.

/// The weight of every treated cell in the two-way estimate of a 0/1 treatment without further terms, in the order of
/// the cells; they sum to one. `treated` is `N × T`, unit fastest. With `D̃` the treatment less its unit and period
/// means, the weight of a cell is `D̃ / Σ D̃` over treated cells (de Chaisemartin and D'Haultfœuille 2020, *American
/// Economic Review* 110:2964–2996, theorem 1). `None` where a cell is missing or effects leave nothing of the treatment.
pub fn weights_of_cells(treated: &[f64], units: usize) -> Option<Vec<f64>> {
    if units == 0 || treated.is_empty() || treated.iter().any(|d| d.is_nan()) {
        return None;
    }
    let periods = treated.len() / units;
    let mut by_unit = vec![0.0; units];
    let mut by_period = vec![0.0; periods];
    for (cell, d) in treated.iter().enumerate() {
        by_unit[cell % units] += d / periods as f64;
        by_period[cell / units] += d / units as f64;
    }
    let mean = by_unit.iter().sum::<f64>() / units as f64;
    let cells = treated.iter().enumerate().filter(|(_, d)| **d > 0.5);
    let within: Vec<f64> = cells.map(|(c, d)| d - by_unit[c % units] - by_period[c / units] + mean).collect();
    let sum: f64 = within.iter().sum();
    (sum > 1e-12).then(|| within.into_iter().map(|w| w / sum).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_start_weighs_every_treated_cell_alike() {
        // Three periods of three units, two of them treated from the second period on.
        let treated = [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0];
        assert_eq!(weights_of_cells(&treated, 3).unwrap(), vec![0.25; 4]);
    }

    #[test]
    fn an_early_start_among_late_ones_has_a_negative_weight_at_the_end() {
        // Two units, three periods, treated from the second and the third on: by hand the weights are 1, 1/2 and -1/2
        // times what makes them sum to one (the example of de Chaisemartin and D'Haultfœuille, section I).
        let treated = [0.0, 0.0, 1.0, 0.0, 1.0, 1.0];
        let weights = weights_of_cells(&treated, 2).unwrap();
        let expected = [1.0, -0.5, 0.5];
        assert!(weights.iter().zip(expected).all(|(w, e)| (w - e).abs() < 1e-12), "{weights:?}");
    }

    #[test]
    fn the_weights_make_the_estimate() {
        // Effects that differ from cell to cell: least squares with unit and period effects gives their weighted mean.
        let treated = [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0];
        let (n, t) = (4, 4);
        let effect = |c: usize| 1.0 + 0.3 * c as f64 + if c.is_multiple_of(3) { 2.0 } else { 0.0 };
        let y: Vec<f64> =
            (0..16).map(|c| 5.0 * (c % n) as f64 - 2.0 * (c / n) as f64 + treated[c] * effect(c)).collect();
        let within = |x: &[f64]| -> Vec<f64> {
            let unit = |i: usize| (0..t).map(|s| x[s * n + i]).sum::<f64>() / t as f64;
            let period = |s: usize| x[s * n..(s + 1) * n].iter().sum::<f64>() / n as f64;
            let mean = x.iter().sum::<f64>() / 16.0;
            (0..16).map(|c| x[c] - unit(c % n) - period(c / n) + mean).collect()
        };
        let (d, y) = (within(&treated), within(&y));
        let slope = d.iter().zip(&y).map(|(a, b)| a * b).sum::<f64>() / d.iter().map(|a| a * a).sum::<f64>();
        let cells = (0..16).filter(|&c| treated[c] > 0.5);
        let weights = weights_of_cells(&treated, n).unwrap();
        let mean: f64 = cells.zip(&weights).map(|(c, w)| w * effect(c)).sum();
        assert!((slope - mean).abs() < 1e-12, "{slope} {mean}");
    }

    #[test]
    fn gaps_and_everybody_have_no_weights() {
        assert_eq!(weights_of_cells(&[0.0, f64::NAN], 2), None);
        assert_eq!(weights_of_cells(&[1.0; 4], 2), None);
    }
}
