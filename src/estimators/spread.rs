//! What a set of draws says about an estimate: its standard deviation and percentiles (methods D.2).

/// The spread of one quantity over draws, or its bootstrap test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub se: f64,
    /// Percentiles, or the values a test does not reject.
    pub interval: [f64; 2],
    /// `None`: from the estimate, its standard error and the normal distribution.
    pub p: Option<f64>,
}

impl Spread {
    /// Of nothing.
    pub(crate) const NONE: Spread = Spread { se: f64::NAN, interval: [f64::NAN; 2], p: None };

    /// Standard deviation (divisor n − 1) and central interval of values; none of fewer than two.
    pub(crate) fn of(values: &mut [f64], level: f64) -> Spread {
        if values.len() < 2 || values.iter().any(|v| !v.is_finite()) {
            return Spread::NONE;
        }
        let se = deviation(values);
        values.sort_by(f64::total_cmp);
        let tail = (1.0 - level) / 2.0;
        Spread { se, interval: [quantile(values, tail), quantile(values, 1.0 - tail)], p: None }
    }
}

/// What resampling changes of an estimate; the point estimates stay.
#[derive(Clone, Debug, PartialEq)]
pub struct Resampled {
    /// Draws or replications that were used.
    pub used: usize,
    /// Those outside the admissible or stable region, or without an estimate.
    pub discarded: usize,
    /// By coefficient; empty where coefficients stay as they are.
    pub coefficients: Vec<Spread>,
    /// The covariance of the draws, where coefficients were drawn by estimating again.
    pub vcov: Option<Vec<Vec<f64>>>,
    /// Direct, indirect, total by regressor.
    pub effects: Vec<[Spread; 3]>,
    /// Of a dynamic model with a long run, else empty.
    pub long_run: Vec<[Spread; 3]>,
    /// In the order of [`super::PolicyOf`].
    pub policy: Option<[Spread; 6]>,
}

fn deviation(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1.0)).sqrt()
}

/// Of sorted values, interpolated linearly (R type 7).
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_interpolate_between_draws() {
        let found = Spread::of(&mut [4.0, 1.0, 2.0, 3.0, 5.0], 0.5);
        assert_eq!(found.interval, [2.0, 4.0]);
        assert!((found.se - 2.5f64.sqrt()).abs() < 1e-15);
        assert!(Spread::of(&mut [1.0], 0.9).se.is_nan());
    }
}
