//! Where the ticks of an axis stand and what they say.

use crate::report::number;

/// Round numbers inside a range, at most about `count` of them: steps of 1, 2 or 5 times a power of ten.
///
/// `whole` keeps to whole numbers. Both ends are finite and ascend.
pub fn ticks(low: f64, high: f64, count: usize, whole: bool) -> Vec<f64> {
    let width = high - low;
    if !(width.is_finite() && width > 0.0) {
        return vec![low];
    }
    let rough = width / count.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let mut step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= rough * 0.999).unwrap_or(power);
    if whole {
        step = step.max(1.0);
    }
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|k| k as f64 * step).collect()
}

/// The ticks as words, all with the same decimals.
pub fn words(ticks: &[f64]) -> Vec<String> {
    let step = ticks.windows(2).map(|w| w[1] - w[0]).fold(f64::INFINITY, f64::min);
    let large = ticks.iter().fold(0f64, |m, t| m.max(t.abs()));
    if large >= 1e7 || (large > 0.0 && large < 1e-5) {
        return ticks.iter().map(|t| number::significant(*t, 3)).collect();
    }
    let decimals = if step.is_finite() { (-(step.log10() + 1e-9).floor()).clamp(0.0, 8.0) as usize } else { 2 };
    ticks.iter().map(|t| number::fixed(*t, decimals).replace('-', "\u{2212}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks(-5.0, 3.0, 9, true), [-5.0, -4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0]);
        assert_eq!(ticks(0.0, 1.0, 5, false).len(), 6);
        assert_eq!(ticks(2000.0, 2003.0, 8, true), [2000.0, 2001.0, 2002.0, 2003.0]);
        assert_eq!(ticks(1.0, 1.0, 5, false), [1.0]);
    }

    #[test]
    fn ticks_share_their_decimals() {
        assert_eq!(words(&ticks(-0.1, 0.1, 4, false)), ["\u{2212}0.10", "\u{2212}0.05", "0.00", "0.05", "0.10"]);
        assert_eq!(words(&[0.0, 200.0, 400.0]), ["0", "200", "400"]);
    }
}
