//! `L(ρ) = ln|I − ρW|` as a function that is cheap to evaluate with its derivatives (scaling 3).

use std::sync::Arc;

/// `L`, `L′` and `L″`: exact sums over eigenvalues, or a Chebyshev interpolant on a window.
#[derive(Clone, Debug)]
pub struct LogDetInterpolant {
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    /// `(re, im)` of every eigenvalue.
    Eigenvalues(Arc<Vec<(f64, f64)>>),
    Chebyshev {
        center: f64,
        half_width: f64,
        /// Power of `1 − ρ` taken out before interpolation.
        unit_classes: f64,
        value: Vec<f64>,
        first: Vec<f64>,
        second: Vec<f64>,
    },
}

/// The points of `lo..hi` at which a polynomial through `nodes` values is close to the best one, ascending.
pub fn chebyshev_nodes(lo: f64, hi: f64, nodes: usize) -> Vec<f64> {
    let (center, half) = (0.5 * (lo + hi), 0.5 * (hi - lo));
    (0..nodes).map(|k| center - half * (std::f64::consts::PI * (k as f64 + 0.5) / nodes as f64).cos()).collect()
}

impl LogDetInterpolant {
    /// The exact function of all eigenvalues; no window.
    pub fn of_eigenvalues(eigenvalues: Arc<Vec<(f64, f64)>>) -> LogDetInterpolant {
        LogDetInterpolant { form: Form::Eigenvalues(eigenvalues) }
    }

    /// The polynomial through `values` of `L` at [`chebyshev_nodes`] of `lo..hi`, after `classes · ln(1 − ρ)` is
    /// taken out (the singular part of `L` at one, where `classes` eigenvalues are one).
    pub fn of_values(lo: f64, hi: f64, values: &[f64], classes: usize) -> LogDetInterpolant {
        let n = values.len();
        let unit_classes = if hi <= 1.0 { classes as f64 } else { 0.0 };
        let smooth: Vec<f64> = chebyshev_nodes(lo, hi, n)
            .iter()
            .zip(values)
            .map(|(rho, l)| if unit_classes == 0.0 { *l } else { l - unit_classes * (-rho).ln_1p() })
            .collect();
        let mut value = vec![0.0; n];
        for (j, c) in value.iter_mut().enumerate() {
            let sum: f64 = smooth
                .iter()
                .enumerate()
                .map(|(k, f)| {
                    // Nodes run upwards, hence x_k = −cos θ_k = cos(π − θ_k).
                    let angle = std::f64::consts::PI * (1.0 - (k as f64 + 0.5) / n as f64);
                    f * (j as f64 * angle).cos()
                })
                .sum();
            *c = sum * if j == 0 { 1.0 } else { 2.0 } / n as f64;
        }
        let half_width = 0.5 * (hi - lo);
        let first = differentiate(&value, half_width);
        let second = differentiate(&first, half_width);
        LogDetInterpolant {
            form: Form::Chebyshev { center: 0.5 * (lo + hi), half_width, unit_classes, value, first, second },
        }
    }

    /// The window outside of which the polynomial extrapolates; `None` for the exact sums.
    pub fn window(&self) -> Option<(f64, f64)> {
        match &self.form {
            Form::Eigenvalues(_) => None,
            Form::Chebyshev { center, half_width, .. } => Some((center - half_width, center + half_width)),
        }
    }

    /// Expected errors of `L` and `L′` between the nodes: what the last coefficients, falling at their pace, leave out.
    /// Zero for the exact sums.
    pub fn tail(&self) -> (f64, f64) {
        match &self.form {
            Form::Eigenvalues(_) => (0.0, 0.0),
            Form::Chebyshev { value, first, .. } => (left_out(value), left_out(first)),
        }
    }

    /// `ln|I − ρW|`.
    pub fn value(&self, rho: f64) -> f64 {
        match &self.form {
            Form::Eigenvalues(all) => log_determinant_of(all, rho),
            Form::Chebyshev { center, half_width, unit_classes, value, .. } => {
                let singular = if *unit_classes == 0.0 { 0.0 } else { unit_classes * (-rho).ln_1p() };
                clenshaw(value, (rho - center) / half_width) + singular
            }
        }
    }

    /// `L′(ρ) = −tr G`, `G = W(I − ρW)⁻¹`.
    pub fn first(&self, rho: f64) -> f64 {
        match &self.form {
            // Re(−ω / (1 − ρω))
            Form::Eigenvalues(all) => -all.iter().map(|&(a, b)| ratio(a, b, rho).0).sum::<f64>(),
            Form::Chebyshev { center, half_width, unit_classes, first, .. } => {
                clenshaw(first, (rho - center) / half_width) - singular(*unit_classes, 1.0 / (1.0 - rho))
            }
        }
    }

    /// `L″(ρ) = −tr G²`.
    pub fn second(&self, rho: f64) -> f64 {
        match &self.form {
            Form::Eigenvalues(all) => {
                let square = |&(a, b): &(f64, f64)| {
                    let (re, im) = ratio(a, b, rho);
                    re * re - im * im
                };
                -all.iter().map(square).sum::<f64>()
            }
            Form::Chebyshev { center, half_width, unit_classes, second, .. } => {
                clenshaw(second, (rho - center) / half_width) - singular(*unit_classes, (1.0 - rho).powi(-2))
            }
        }
    }
}

/// `Σ ln|1 − ρω|` over eigenvalues `(re, im)`.
pub fn log_determinant_of(eigenvalues: &[(f64, f64)], rho: f64) -> f64 {
    eigenvalues
        .iter()
        .map(|&(a, b)| if b == 0.0 { (1.0 - rho * a).abs().ln() } else { (1.0 - rho * a).hypot(rho * b).ln() })
        .sum()
}

/// Zero without unit classes, so that ρ = 1 does not make NaN of nothing.
fn singular(classes: f64, term: f64) -> f64 {
    if classes == 0.0 { 0.0 } else { classes * term }
}

/// `ω / (1 − ρω)` for `ω = a + bi`.
fn ratio(a: f64, b: f64, rho: f64) -> (f64, f64) {
    let (x, y) = (1.0 - rho * a, -rho * b);
    let size = x * x + y * y;
    ((a * x + b * y) / size, (b * x - a * y) / size)
}

/// The size of the first coefficient that is missing, if they go on falling as the last two pairs do.
fn left_out(coefficients: &[f64]) -> f64 {
    let [.., a, b, c, d] = coefficients else {
        return coefficients.iter().fold(0.0, |m, v| m.max(v.abs()));
    };
    // Pairs, since even and odd coefficients may differ in size.
    let (before, last) = (a.abs().max(b.abs()), c.abs().max(d.abs()));
    if before == 0.0 { last } else { last * (last / before).min(1.0) }
}

/// Chebyshev coefficients of the derivative with respect to ρ.
fn differentiate(coefficients: &[f64], half_width: f64) -> Vec<f64> {
    let n = coefficients.len();
    if n < 2 {
        return vec![0.0];
    }
    let mut out = vec![0.0; n - 1];
    for k in (1..n).rev() {
        out[k - 1] = 2.0 * k as f64 * coefficients[k] + out.get(k + 1).copied().unwrap_or(0.0);
    }
    out[0] *= 0.5;
    out.iter().map(|c| c / half_width).collect()
}

fn clenshaw(coefficients: &[f64], x: f64) -> f64 {
    let (mut b1, mut b2) = (0.0, 0.0);
    for &c in coefficients.iter().skip(1).rev() {
        (b1, b2) = (2.0 * x * b1 - b2 + c, b1);
    }
    x * b1 - b2 + coefficients.first().copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_polynomial_is_reproduced_with_its_derivatives() {
        let f = |x: f64| 3.0 - 2.0 * x + 0.5 * x.powi(3) - 4.0 * x.powi(4);
        let values: Vec<f64> = chebyshev_nodes(-0.4, 0.9, 6).into_iter().map(f).collect();
        let p = LogDetInterpolant::of_values(-0.4, 0.9, &values, 0);
        for x in [-0.4, -0.1, 0.3, 0.88] {
            assert!((p.value(x) - f(x)).abs() < 1e-13);
            assert!((p.first(x) - (-2.0 + 1.5 * x * x - 16.0 * x.powi(3))).abs() < 1e-12);
            assert!((p.second(x) - (3.0 * x - 48.0 * x * x)).abs() < 1e-11);
        }
    }

    #[test]
    fn the_logarithm_of_one_minus_rho_is_taken_out_exactly() {
        let f = |x: f64| 2.0 * (1.0 - x).ln() + x * x;
        let values: Vec<f64> = chebyshev_nodes(0.2, 0.999, 4).into_iter().map(f).collect();
        let p = LogDetInterpolant::of_values(0.2, 0.999, &values, 2);
        for x in [0.25, 0.6, 0.99] {
            assert!((p.value(x) - f(x)).abs() < 1e-13);
            assert!((p.first(x) - (-2.0 / (1.0 - x) + 2.0 * x)).abs() < 1e-11);
            assert!((p.second(x) - (-2.0 / (1.0 - x).powi(2) + 2.0)).abs() < 1e-9);
        }
    }

    #[test]
    fn the_tail_says_how_large_errors_are() {
        let f = |x: f64| (1.0 - 0.8 * x).ln();
        for (nodes, least) in [(6, 1e-7), (8, 1e-9)] {
            let values: Vec<f64> = chebyshev_nodes(0.3, 0.5, nodes).into_iter().map(f).collect();
            let p = LogDetInterpolant::of_values(0.3, 0.5, &values, 0);
            let worst = (0..=20).map(|k| 0.3 + 0.01 * k as f64).fold(0.0f64, |m, x| m.max((p.value(x) - f(x)).abs()));
            let slope = (0..=20)
                .map(|k| 0.3 + 0.01 * k as f64)
                .fold(0.0f64, |m, x| m.max((p.first(x) + 0.8 / (1.0 - 0.8 * x)).abs()));
            assert!(worst < 10.0 * p.tail().0 + 1e-14 && p.tail().0 < least, "{worst} {:?}", p.tail());
            assert!(slope < 10.0 * p.tail().1 + 1e-12, "{slope} {:?}", p.tail());
        }
        assert_eq!(LogDetInterpolant::of_eigenvalues(Arc::new(vec![(0.5, 0.0)])).tail(), (0.0, 0.0));
    }

    #[test]
    fn complex_pairs_enter_by_their_modulus() {
        let all = Arc::new(vec![(0.3, 0.4), (0.3, -0.4), (-0.5, 0.0)]);
        let p = LogDetInterpolant::of_eigenvalues(all);
        let f = |r: f64| ((1.0 - 0.3 * r).powi(2) + (0.4 * r).powi(2)).ln() + (1.0 + 0.5 * r).ln();
        let (r, h) = (0.7, 1e-4);
        assert!((p.value(r) - f(r)).abs() < 1e-14);
        assert!((p.first(r) - (f(r + h) - f(r - h)) / (2.0 * h)).abs() < 1e-7);
        assert!((p.second(r) - (f(r + h) - 2.0 * f(r) + f(r - h)) / (h * h)).abs() < 1e-6);
    }
}
