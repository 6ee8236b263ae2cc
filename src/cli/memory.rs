//! `--memory SIZE`, and what the machine has left where it says so.

use crate::session::Limit;
use std::fs;
use std::str::FromStr;

/// A size in bytes: a number and `B`, `kB`, `MB`, `GB` or `TB`, powers of a thousand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Size, String> {
        let expected = || "expected a size such as 4GB or 512MB".to_string();
        let digits = text.trim().trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
        let unit = text.trim()[digits.len()..].trim().to_ascii_lowercase();
        let power = match unit.as_str() {
            "b" => 0,
            "kb" => 1,
            "mb" => 2,
            "gb" => 3,
            "tb" => 4,
            _ => return Err(expected()),
        };
        let plain = digits.chars().all(|c| c.is_ascii_digit() || c == '.');
        let value: f64 = digits.parse().map_err(|_| expected())?;
        let bytes = value * 1000f64.powi(power);
        if !plain || !(1.0..1e18).contains(&bytes) {
            return Err(expected());
        }
        Ok(Size(bytes as u64))
    }
}

/// The limit a run has: as given, else what the machine has left. Linux says so in one line of a file; elsewhere there
/// is no limit.
pub fn limit(given: Option<Size>) -> Option<Limit> {
    match given {
        Some(Size(bytes)) => Some(Limit::Given(bytes)),
        None => fs::read_to_string("/proc/meminfo").ok().and_then(|text| available(&text)).map(Limit::Available),
    }
}

/// `MemAvailable:   12345 kB`, in bytes.
fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_number_and_a_unit() {
        let bytes = |text: &str| text.parse::<Size>().map(|s| s.0);
        assert_eq!(bytes("4GB"), Ok(4_000_000_000));
        assert_eq!(bytes("1.5 mb"), Ok(1_500_000));
        assert_eq!(bytes("512kB"), Ok(512_000));
        for bad in ["", "4", "GB", "4GiB", "-1GB", "4G B", "1e9GB", "nanGB", "infGB", "0MB", "99999999TB", "4.4.4MB"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_the_machine_has_left_stands_in_one_line() {
        assert_eq!(available("MemTotal: 3 kB\nMemAvailable:    2048 kB\n"), Some(2_097_152));
        assert_eq!(available("MemTotal: 3 kB\n"), None);
        assert_eq!(available("MemAvailable: many kB\n"), None);
    }
}
