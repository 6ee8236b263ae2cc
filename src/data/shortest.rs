//! Numbers as the shortest text that stands for them, as programs write them to CSV.

use std::fmt::Write;

/// Appends a double; nothing where it is not finite.
pub fn double(x: f64, out: &mut String) {
    if x.is_finite() {
        // Writing into a string cannot fail.
        let _ = if is_plain(x) { write!(out, "{x}") } else { write!(out, "{x:e}") };
    }
}

/// Appends a single-precision number in its own precision: 0.1 and not 0.10000000149; nothing where it is not finite.
/// Of two shortest texts that are equally near, the one with the even last digit, as NumPy and R write it.
pub fn single(x: f32, out: &mut String) {
    if !x.is_finite() {
        return;
    }
    let value = f64::from(x);
    let written = format!("{x:e}");
    let text = even(x, &written).unwrap_or(written);
    match text.parse::<f64>() {
        Ok(decimal) if is_plain(value) => double(decimal, out),
        _ => out.push_str(&text),
    }
}

fn is_plain(x: f64) -> bool {
    x == 0.0 || (1e-5..1e16).contains(&x.abs())
}

/// The text with the last digit one less, where that is as near and even.
fn even(x: f32, written: &str) -> Option<String> {
    let (digits, exponent) = written.split_once('e')?;
    let sign = if digits.starts_with('-') { "-" } else { "" };
    let decimals = digits.split_once('.').map_or(0, |d| d.1.len() as i32);
    let whole: i64 = digits.trim_start_matches('-').replace('.', "").parse().ok()?;
    let last = exponent.parse::<i32>().ok()? - decimals;
    // Twice the number in units of the last digit is exact there, and no tie is elsewhere.
    if whole % 2 == 0 || !(-12..0).contains(&last) {
        return None;
    }
    let twice = 2.0 * f64::from(x).abs() * 10f64.powi(-last);
    let lower = format!("{sign}{}e{last}", whole - 1);
    (twice == (2 * whole - 1) as f64 && lower.parse::<f32>() == Ok(x)).then_some(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(x: f32) -> String {
        let mut out = String::new();
        single(x, &mut out);
        out
    }

    #[test]
    fn single_numbers_are_written_as_numpy_does() {
        assert_eq!(of(0.1), "0.1");
        assert_eq!(of(2_702_063.25_f64 as f32), "2702063.2");
        assert_eq!(of(4_183_317.25_f64 as f32), "4183317.2");
        assert_eq!(of(-1_289_211.625_f64 as f32), "-1289211.6");
        assert_eq!(of(35_311_968.0), "35311970");
        assert_eq!(of(-3.5e-7), "-3.5e-7");
        assert_eq!((of(0.0), of(f32::NAN)), ("0".to_string(), String::new()));
    }
}
