//! Spatial weights matrix files of ArcGIS (`.swm`), as libpysal documents the format: a line of text, then for each unit its
//! whole number, its neighbors and their weights.

use super::Weights;
use super::edges::{EdgeRow, links};
use crate::fault::{Fault, counted};

/// The matrix of a `.swm` file on `units` (sorted keys), whose keys are the file's whole numbers.
pub fn swm(
    file: &str,
    bytes: &[u8],
    units: &[String],
    known: &dyn Fn(&str) -> bool,
) -> Result<(Weights, Vec<Fault>), Vec<Fault>> {
    let (names, rows) = read(file, bytes).map_err(|fault| vec![fault])?;
    let named: Vec<(&str, usize)> = names.iter().enumerate().map(|(k, n)| (n.as_str(), k + 1)).collect();
    links(file, &rows, Some(&named), units, known)
}

fn read(file: &str, bytes: &[u8]) -> Result<(Vec<String>, Vec<EdgeRow>), Fault> {
    let end = bytes.iter().take(4096).position(|b| *b == b'\n').ok_or_else(|| no_swm(file))?;
    let head = String::from_utf8_lossy(&bytes[..end]);
    if !head.contains(';') && !head.contains('@') {
        return Err(no_swm(file));
    }
    let fixed = head.to_ascii_uppercase().contains("FIXEDWEIGHTS@TRUE");
    let mut at = end + 1;
    let mut unit = 1;
    let mut take = |length: usize, unit: usize| {
        let raw = bytes.get(at..at.saturating_add(length)).ok_or_else(|| cut(file, unit))?;
        at += length;
        Ok::<&[u8], Fault>(raw)
    };
    let whole = |raw: &[u8]| i32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]]);
    let real = |raw: &[u8]| raw.try_into().map_or(f64::NAN, f64::from_le_bytes);
    let announced = usize::try_from(whole(take(8, unit)?)).map_err(|_| cut(file, unit))?;
    let (mut names, mut rows) = (Vec::new(), Vec::new());
    while unit <= announced {
        let pair = take(8, unit)?;
        let (own, count) = (whole(pair), usize::try_from(whole(&pair[4..])).map_err(|_| cut(file, unit))?);
        names.push(own.to_string());
        if count > 0 {
            let neighbors = take(count.checked_mul(4).ok_or_else(|| cut(file, unit))?, unit)?;
            let values = take(if fixed { 8 } else { 8 * count }, unit)?;
            take(8, unit)?;
            for (k, to) in neighbors.chunks_exact(4).enumerate() {
                let weight = real(if fixed { values } else { &values[8 * k..8 * k + 8] });
                let (from, to) = (own.to_string(), whole(to).to_string());
                // What weighs nothing is no link, nor is the unit itself (ArcGIS keeps it among its neighbors).
                if weight != 0.0 && from != to {
                    rows.push(EdgeRow { from, to, weight, line: unit });
                }
            }
        }
        unit += 1;
    }
    Ok((names, rows))
}

fn no_swm(file: &str) -> Fault {
    Fault::error("durbin::weights::bad_gal", format!("`{file}` is no spatial weights matrix of ArcGIS"))
        .label(file, 1, 1, "its first line names no field of units")
        .help("neighbors are also read from `.gal`, `.gwt`, `.mtx` and lists of links")
}

fn cut(file: &str, unit: usize) -> Fault {
    Fault::error("durbin::weights::bad_gal", format!("`{file}` ends early, at {}", counted(unit, "unit", "units")))
        .label(file, unit, 1, "this unit is not all there")
        .help("the file may have been cut off")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(fixed: bool) -> Vec<u8> {
        let mut out = format!(
            "VERSION@10.1;UNIQUEID@ID;SPATIALREFNAME@x;ROWSTANDARD@False;FIXEDWEIGHTS@{}\n",
            if fixed { "True" } else { "False" }
        )
        .into_bytes();
        let mut whole = |x: i32| out.extend(x.to_le_bytes());
        [2, 0, 7, 1, 9].into_iter().for_each(&mut whole);
        out.extend(0.5f64.to_le_bytes());
        out.extend(0.5f64.to_le_bytes());
        [9, 0].into_iter().for_each(|x: i32| out.extend(x.to_le_bytes()));
        out
    }

    #[test]
    fn units_are_the_numbers_of_the_file() {
        let units = ["7".to_string(), "9".to_string()];
        for fixed in [false, true] {
            let (w, _) = swm("w.swm", &file(fixed), &units, &|_| false).unwrap();
            assert_eq!(w.matrix.iter().map(|(v, at)| (at, *v)).collect::<Vec<_>>(), [((0, 1), 0.5)]);
        }
        let whole = file(false);
        for end in 0..whole.len() {
            assert_eq!(
                swm("w.swm", &whole[..end], &units, &|_| false).unwrap_err()[0].code,
                "durbin::weights::bad_gal"
            );
        }
    }
}
