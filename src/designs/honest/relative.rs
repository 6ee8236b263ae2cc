//! Departures bounded by the largest move of trends before the reference.
//!
//! After the reference δ is free but for its moves, so that `l'δ` takes every value within `M̄ C max|Δ|` of zero and no
//! other: Δ are the moves before the reference and `C = Σ_k |Σ_{e ≥ k} l_e|`. An effect θ is possible if
//! `|l'β − θ| ≤ M̄ C |Δ_s|` for some move s: two inequalities for each move and sign. They are tested by the conditional
//! test of Andrews, Roth and Pakes (2023, *Review of Economic Studies* 90:2763–2791) after a least-favorable one of a
//! tenth of its size; the interval holds what some move and sign do not reject.

use super::{Path, Robust};
use nalgebra::DVector;
use statrs::distribution::{ContinuousCDF, Normal};

/// The share of the size that the least-favorable test takes.
const FIRST: f64 = 0.1;
/// Points on which an end of the interval is looked for before it is pinned down.
const GRID: usize = 400;

/// Two inequalities `a'μ ≤ 0`, standardized.
struct Pair {
    /// `l'β`, the estimate of `K Δ`, and what scales either inequality.
    effect: f64,
    slack: f64,
    size: [f64; 2],
    correlation: f64,
    critical_first: f64,
    level_second: f64,
}

impl Path {
    /// Moves of δ before the reference, as weights of the estimates.
    fn moves(&self) -> Vec<DVector<f64>> {
        (self.first()..self.reference).map(|e| self.unit(e + 1) - self.unit(e)).collect()
    }

    /// `C`: how far `l'δ` goes if every move after the reference is one.
    fn reach(&self, target: &DVector<f64>) -> f64 {
        let tail = |k: i64| -> f64 { (k..=self.last()).map(|e| self.unit(e).dot(target)).sum() };
        (self.reference + 1..=self.last()).map(|k| tail(k).abs()).sum()
    }

    pub(super) fn relative(&self, target: &DVector<f64>, bound: f64, level: f64) -> Robust {
        let scale = bound * self.reach(target);
        let effect = self.value(target);
        let moves = self.moves();
        let largest = moves.iter().map(|m| self.value(m).abs()).fold(0.0, f64::max);
        let identified = [effect - scale * largest, effect + scale * largest];
        let sigma = self.variance(target, target).sqrt();
        if scale == 0.0 {
            let c = Normal::standard().inverse_cdf(0.5 + level / 2.0);
            return Robust { bound, identified, interval: [effect - c * sigma, effect + c * sigma] };
        }
        let mut interval = [f64::INFINITY, f64::NEG_INFINITY];
        for m in &moves {
            for sign in [1.0, -1.0] {
                let pair = self.pair(target, &(m * (sign * scale)), level);
                let spread = self.variance(m, m).sqrt() * scale;
                let far = (self.value(m) * scale).abs() + 6.0 * (sigma + spread);
                if let Some([lo, hi]) = pair.interval(far) {
                    interval = [interval[0].min(lo), interval[1].max(hi)];
                }
            }
        }
        Robust { bound, identified, interval }
    }

    fn pair(&self, target: &DVector<f64>, slack: &DVector<f64>, level: f64) -> Pair {
        let (above, below) = (target - slack, -target - slack);
        let size = [self.variance(&above, &above).sqrt(), self.variance(&below, &below).sqrt()];
        let correlation = (self.variance(&above, &below) / (size[0] * size[1])).clamp(-1.0, 1.0);
        let alpha = 1.0 - level;
        let first = FIRST * alpha;
        Pair {
            effect: self.value(target),
            slack: self.value(slack),
            size,
            correlation,
            critical_first: largest_of_two(correlation, first),
            level_second: (alpha - first) / (1.0 - first),
        }
    }
}

impl Pair {
    /// Whether an effect is rejected.
    fn rejects(&self, effect: f64) -> bool {
        let x = self.effect - effect;
        let t = [(x - self.slack) / self.size[0], (-x - self.slack) / self.size[1]];
        let binding = usize::from(t[1] > t[0]);
        let largest = t[binding];
        if largest > self.critical_first {
            return true;
        }
        // What is independent of the binding one says from where on it binds.
        let other = t[1 - binding] - self.correlation * largest;
        let from = if self.correlation < 1.0 - 1e-12 { other / (1.0 - self.correlation) } else { f64::NEG_INFINITY };
        let normal = Normal::standard();
        let tail = |v: f64| normal.sf(v);
        let (upper, lower) = (tail(from), tail(self.critical_first));
        // The quantile of a normal between `from` and the first critical value, by upper tails.
        let p = lower + self.level_second * (upper - lower);
        let quantile = if p > 0.0 { -normal.inverse_cdf(p) } else { from };
        largest > quantile.max(0.0)
    }

    /// The smallest and the largest effect within `far` of the estimate that is not rejected.
    fn interval(&self, far: f64) -> Option<[f64; 2]> {
        let at = |k: usize| self.effect - far + 2.0 * far * k as f64 / GRID as f64;
        let kept: Vec<usize> = (0..=GRID).filter(|&k| !self.rejects(at(k))).collect();
        let (&first, &last) = (kept.first()?, kept.last()?);
        let edge = |mut inside: f64, mut outside: f64| {
            for _ in 0..60 {
                let middle = 0.5 * (inside + outside);
                if self.rejects(middle) { outside = middle } else { inside = middle }
            }
            inside
        };
        let step = 2.0 * far / GRID as f64;
        Some([edge(at(first), at(first) - step), edge(at(last), at(last) + step)])
    }
}

/// The value that the larger of two standard normals of this correlation passes with probability `alpha`.
fn largest_of_two(correlation: f64, alpha: f64) -> f64 {
    let (mut low, mut high) = (0.0, 10.0);
    for _ in 0..80 {
        let c = 0.5 * (low + high);
        if 1.0 - both_below(c, correlation) > alpha { low = c } else { high = c }
    }
    0.5 * (low + high)
}

/// The probability that two standard normals of this correlation lie below c: Plackett's integral over the correlation.
fn both_below(c: f64, correlation: f64) -> f64 {
    let normal = Normal::standard();
    let independent = normal.cdf(c).powi(2);
    // With r = sin θ the integrand exp(−c²/(1 + sin θ))/2π is smooth up to the ends.
    let end = correlation.asin();
    let f = |theta: f64| {
        let s = 1.0 + theta.sin();
        if s <= 0.0 { 0.0 } else { (-c * c / s).exp() / std::f64::consts::TAU }
    };
    const STEPS: usize = 200;
    let h = end / STEPS as f64;
    let inner: f64 = (1..STEPS).map(|k| if k % 2 == 1 { 4.0 } else { 2.0 } * f(h * k as f64)).sum();
    independent + h / 3.0 * (f(0.0) + inner + f(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_of_two_has_known_values() {
        let normal = Normal::standard();
        for alpha in [0.05, 0.005] {
            let c = largest_of_two(0.0, alpha);
            assert!((c - normal.inverse_cdf((1.0 - alpha).sqrt())).abs() < 1e-8, "{c}");
            assert!((largest_of_two(1.0, alpha) - normal.inverse_cdf(1.0 - alpha)).abs() < 1e-6);
            // The larger of x and -x is |x|.
            assert!((largest_of_two(-1.0, alpha) - normal.inverse_cdf(1.0 - alpha / 2.0)).abs() < 1e-6);
        }
    }
}
