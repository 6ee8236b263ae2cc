//! How a number looks: decimals, significant digits, p-values, stars, counts. NaN prints as `.` everywhere.

/// What stands for a number that does not exist.
pub const MISSING: &str = ".";

/// A number with fixed decimals; a rounded `-0.00` loses its sign.
pub fn fixed(x: f64, decimals: usize) -> String {
    if x.is_nan() {
        return MISSING.to_string();
    }
    if x.is_infinite() {
        return if x > 0.0 { "inf".to_string() } else { "-inf".to_string() };
    }
    let shown = format!("{x:.decimals$}");
    let vanished = shown.starts_with('-') && shown.chars().all(|c| matches!(c, '-' | '0' | '.'));
    if vanished { shown.trim_start_matches('-').to_string() } else { shown }
}

/// A number with so many significant digits; scientific where plain digits would mislead.
pub fn significant(x: f64, digits: usize) -> String {
    if !x.is_finite() || x == 0.0 {
        return fixed(x, 0);
    }
    let digits = digits.clamp(1, 17);
    // Through the exponent form, so that 9.9996 at four digits is seen as 10.00.
    let scientific = format!("{:.*e}", digits - 1, x);
    let exponent: i32 = scientific.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
    if !(-5..=8).contains(&exponent) {
        return scientific;
    }
    fixed(x, usize::try_from(digits as i32 - 1 - exponent).unwrap_or(0))
}

/// Decimals for a row of estimate, standard error and interval: four, more where the error is small, fewer where it
/// is large; `None` asks for significant digits instead.
pub fn decimals_for(estimate: f64, se: f64) -> Option<usize> {
    let scale = if se.is_finite() && se > 0.0 { se } else { estimate.abs() };
    match scale {
        s if s == 0.0 || s.is_nan() => Some(4),
        s if !(1e-5..1e7).contains(&s) => None,
        s if s < 1e-3 => Some(6),
        s if s < 100.0 => Some(4),
        s if s < 1e4 => Some(2),
        _ => Some(0),
    }
}

/// Decimals an estimate and its standard error share in a table: `digits` significant ones of the larger, at most
/// `digits` decimals, but never fewer than two significant digits of the error.
pub fn pair_decimals(estimate: f64, se: f64, digits: usize) -> Option<usize> {
    let se = if se.is_finite() { se.abs() } else { 0.0 };
    let larger = estimate.abs().max(se);
    if larger == 0.0 || !larger.is_finite() {
        return Some(digits.min(8));
    }
    let digits = i32::try_from(digits).unwrap_or(8).clamp(1, 8);
    let wanted = (digits - 1 - exponent(larger)).min(digits);
    let least = 1 - exponent(if se > 0.0 { se } else { larger });
    let decimals = wanted.max(least);
    if decimals > 8 || exponent(larger) > 8 { None } else { Some(usize::try_from(decimals).unwrap_or(0)) }
}

/// A statistic of a fit: at least two and at most `digits` decimals, significant digits where it is tiny.
pub fn statistic(x: f64, digits: usize) -> String {
    if !x.is_finite() || x == 0.0 {
        return fixed(x, 0);
    }
    let digits = digits.clamp(2, 8);
    let exponent = exponent(x.abs());
    if exponent < 1 - digits as i32 || exponent > 12 {
        return significant(x, digits);
    }
    fixed(x, usize::try_from(digits as i32 - 1 - exponent).unwrap_or(0).clamp(2, digits))
}

/// The power of ten of a positive number.
fn exponent(x: f64) -> i32 {
    x.log10().floor() as i32
}

/// A number with the decimals its row has.
pub fn in_row(x: f64, decimals: Option<usize>) -> String {
    match decimals {
        Some(d) => fixed(x, d),
        None => significant(x, 4),
    }
}

/// A p-value: three decimals, `<0.001` below.
pub fn p_value(p: f64) -> String {
    if p < 0.001 { "<0.001".to_string() } else { fixed(p, 3) }
}

/// A count with its thousands apart: `12 345`.
pub fn count(n: usize) -> String {
    let digits = n.to_string();
    if digits.len() <= 4 {
        return digits;
    }
    let lead = digits.len() % 3;
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && i % 3 == lead {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

/// A number with a minus in the place of a hyphen: before a digit, at the beginning or after a bracket or blank.
pub fn with_minus(text: &str) -> String {
    let signs: Vec<char> = text.chars().collect();
    let minus = |i: usize| {
        signs[i] == '-'
            && signs.get(i + 1).is_some_and(char::is_ascii_digit)
            && (i == 0 || matches!(signs[i - 1], '(' | '[' | ' ' | 'e'))
    };
    (0..signs.len()).map(|i| if minus(i) { '\u{2212}' } else { signs[i] }).collect()
}

/// Stars by p: `***` below 0.01, `**` below 0.05, `*` below 0.1; none where p does not exist.
pub fn stars(p: f64) -> &'static str {
    match p {
        p if p < 0.01 => "***",
        p if p < 0.05 => "**",
        p if p < 0.1 => "*",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_do_not_exist_print_as_a_point() {
        assert_eq!([fixed(f64::NAN, 3), significant(f64::NAN, 3), p_value(f64::NAN)], [".", ".", "."]);
        assert_eq!(significant(f64::NEG_INFINITY, 3), "-inf");
    }

    #[test]
    fn significant_digits_survive_rounding_up() {
        assert_eq!(significant(9.9996, 4), "10.00");
        assert_eq!(significant(0.012345, 3), "0.0123");
        assert_eq!(significant(123456.0, 3), "123456");
        assert_eq!(significant(1.5e-7, 3), "1.50e-7");
        assert_eq!(significant(0.0, 3), "0");
    }

    #[test]
    fn a_rounded_zero_has_no_sign() {
        assert_eq!(fixed(-0.00001, 3), "0.000");
        assert_eq!(fixed(-0.2, 1), "-0.2");
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([count(528), count(1275), count(12345), count(1234567)], ["528", "1275", "12 345", "1 234 567"]);
    }

    #[test]
    fn small_p_values_are_bounded_and_starred() {
        assert_eq!([p_value(0.0004), p_value(0.0314)], ["<0.001", "0.031"]);
        assert_eq!([stars(0.005), stars(0.03), stars(0.09), stars(0.5), stars(f64::NAN)], ["***", "**", "*", "", ""]);
    }
}
