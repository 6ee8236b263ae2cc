//! How far random probes move standard errors (methods C.6, Large N): deviations of what was probed, carried through
//! `V = 𝓘⁻¹ M 𝓘⁻¹` to first order.

use super::information::Places;
use super::operators::Traces;
use nalgebra::DMatrix;

/// What one vector of random signs, or the standard error of one trace, may change of a symmetric matrix: squares of what
/// several of them change of a number add up to its variance.
pub(crate) type Deviations = Vec<DMatrix<f64>>;

/// A matrix of which something was probed.
pub(crate) struct Probed {
    pub matrix: DMatrix<f64>,
    pub deviations: Deviations,
    /// Most vectors of signs behind one number of it.
    pub probes: usize,
}

impl Probed {
    /// A matrix without probes.
    pub fn exact(matrix: DMatrix<f64>) -> Probed {
        Probed { matrix, deviations: Vec::new(), probes: 0 }
    }
}

/// The deviations of a mean of `values`: `(v − v̄)/√(m(m − 1))` each.
pub(crate) fn of_mean(values: &[DMatrix<f64>]) -> Deviations {
    let m = values.len() as f64;
    let Some(first) = values.first().filter(|_| m > 1.0) else { return Vec::new() };
    let mut mean = DMatrix::zeros(first.nrows(), first.ncols());
    values.iter().for_each(|v| mean += v);
    mean /= m;
    values.iter().map(|v| (v - &mean) / (m * (m - 1.0)).sqrt()).collect()
}

/// Those of the information by its traces with a transpose.
pub(crate) fn of_information(places: &Places, m: f64, traces: &Traces) -> Deviations {
    let single = |a: Option<usize>, b: Option<usize>, error: f64| {
        let (a, b) = (a?, b?);
        let mut out = DMatrix::zeros(places.size(), places.size());
        out[(a, b)] = m * error;
        out[(b, a)] = m * error;
        (error > 0.0).then_some(out)
    };
    let (r, l) = (places.rho, places.lambda);
    let [g, h, hg, htg] = traces.errors;
    [single(r, r, g), single(l, l, h), single(r, l, hg), single(r, l, htg)].into_iter().flatten().collect()
}

/// The variance of parameters with the bread it is made of.
pub(crate) struct Bread<'a> {
    /// `𝓘⁻¹` on the basis, the spatial parameters and σ².
    pub inverse: &'a DMatrix<f64>,
    /// From the basis to the slopes; the parameters that are reported.
    pub back: &'a DMatrix<f64>,
}

impl Bread<'_> {
    /// `𝓘⁻¹ M 𝓘⁻¹`.
    pub fn around(&self, meat: &DMatrix<f64>) -> DMatrix<f64> {
        self.inverse * meat * self.inverse
    }

    /// What changes of 𝓘 do to `V = 𝓘⁻¹ M 𝓘⁻¹`; `within`: 𝓘 is a part of M too.
    pub fn through_information(
        &self,
        variance: &DMatrix<f64>,
        deviations: &[DMatrix<f64>],
        within: bool,
    ) -> Deviations {
        let one = |d: &DMatrix<f64>| {
            let left = self.inverse * d * variance;
            let both = -(&left + left.transpose());
            if within { both + self.around(d) } else { both }
        };
        deviations.iter().map(one).collect()
    }

    /// The largest standard error of a standard error, relative to it; zero without deviations.
    pub fn largest_share(&self, variance: &DMatrix<f64>, deviations: &[DMatrix<f64>]) -> f64 {
        let size = self.back.nrows();
        let diagonal = |v: &DMatrix<f64>| (self.back * v.view((0, 0), (size, size)) * self.back.transpose()).diagonal();
        let mut squares = vec![0.0; size];
        for d in deviations {
            squares.iter_mut().zip(diagonal(d).iter()).for_each(|(s, d)| *s += d * d);
        }
        let of = diagonal(variance);
        squares.iter().zip(of.iter()).filter(|(_, v)| **v > 0.0).map(|(s, v)| 0.5 * s.sqrt() / v).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(values: [f64; 4]) -> DMatrix<f64> {
        DMatrix::from_row_slice(2, 2, &values)
    }

    #[test]
    fn first_order_changes_are_those_of_small_steps() {
        let (information, meat) = (matrix([4.0, 1.0, 1.0, 3.0]), matrix([5.0, 0.5, 0.5, 2.0]));
        let step = matrix([0.3, -0.2, -0.2, 0.1]) * 1e-6;
        let v = |i: &DMatrix<f64>, m: &DMatrix<f64>| {
            let inverse = i.clone().try_inverse().unwrap();
            &inverse * m * &inverse
        };
        let inverse = information.clone().try_inverse().unwrap();
        let bread = Bread { inverse: &inverse, back: &DMatrix::identity(2, 2) };
        let base = v(&information, &meat);
        for (within, changed) in [(false, meat.clone()), (true, &meat + &step)] {
            let exact = v(&(&information + &step), &changed) - &base;
            let found = bread.through_information(&base, std::slice::from_ref(&step), within);
            assert!((exact - &found[0]).amax() < 1e-11, "{within}");
        }
    }

    #[test]
    fn the_share_is_that_of_the_standard_error() {
        let bread = Bread { inverse: &DMatrix::identity(2, 2), back: &(DMatrix::identity(2, 2) * 3.0) };
        // V₀₀ = 4 moves by 0.04 (3² cancels): its root by half a percent.
        let share = bread.largest_share(&matrix([4.0, 0.0, 0.0, 9.0]), &[matrix([0.04, 0.0, 0.0, 0.0])]);
        assert!((share - 0.005).abs() < 1e-15);
        assert_eq!(bread.largest_share(&matrix([4.0, 0.0, 0.0, 9.0]), &[]), 0.0);
    }

    #[test]
    fn deviations_of_a_mean_add_up_to_its_variance() {
        let values: Vec<DMatrix<f64>> = [1.0, 2.0, 6.0].iter().map(|v| DMatrix::from_element(1, 1, *v)).collect();
        let sum: f64 = of_mean(&values).iter().map(|d| d[(0, 0)] * d[(0, 0)]).sum();
        assert!((sum - 14.0 / 6.0).abs() < 1e-14);
        assert!(of_mean(&values[..1]).is_empty());
    }
}
