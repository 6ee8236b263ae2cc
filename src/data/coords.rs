//! Where units are: one pair of coordinates per unit from two columns, and what can be wrong with them.

use crate::data::keys::{Keys, PanelIndex};
use crate::fault::{Fault, counted, ticked_list};

/// One coordinate column: its name as written, where it stands in the table (if it is not derived), one number per
/// row of the table (NaN where missing).
#[derive(Clone, Copy, Debug)]
pub struct Coordinate<'a> {
    pub name: &'a str,
    pub column: Option<usize>,
    pub values: &'a [f64],
}

/// What coordinates are measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plane {
    /// Longitude and latitude, WGS84.
    Degrees,
    /// Projected metres.
    Planar,
}

/// The coordinates of every unit, `[lon, lat]` (or `[x, y]`), in key order, with warnings.
#[derive(Clone, Debug, PartialEq)]
pub struct Located {
    pub points: Vec<[f64; 2]>,
    pub warnings: Vec<Fault>,
}

/// Reads the coordinates of the units of `index` from its rows. Errors: `coords_vary`, `coords_missing`,
/// `coords_range`; warning: `coords_degrees`.
pub fn locate(
    keys: &Keys,
    index: &PanelIndex,
    first: Coordinate,
    second: Coordinate,
    plane: Plane,
) -> Result<Located, Vec<Fault>> {
    let pair = [first, second];
    let mut points = vec![[f64::NAN; 2]; index.units.len()];
    let mut rows = vec![[0usize; 2]; index.units.len()];
    let mut moved: Vec<(usize, usize, usize)> = Vec::new();
    for row in 0..index.unit_of.len() {
        let Some((unit, _)) = index.cell(row) else { continue };
        for (k, c) in pair.iter().enumerate() {
            let value = c.values.get(row).copied().unwrap_or(f64::NAN);
            if value.is_nan() {
                continue;
            }
            if points[unit][k].is_nan() {
                (points[unit][k], rows[unit][k]) = (value, row);
            } else if points[unit][k] != value && !moved.iter().rev().take(4).any(|m| m.0 == unit) {
                moved.push((unit, k, row));
            }
        }
    }
    let at = Places { keys, index, pair: &pair, rows: &rows };
    let faults: Vec<Fault> = vary(&at, &points, &moved)
        .into_iter()
        .chain(lacking(&at, &points))
        .chain(if plane == Plane::Degrees { range(&at, &points) } else { None })
        .collect();
    if !faults.is_empty() {
        return Err(faults);
    }
    let degrees = plane == Plane::Planar && !points.is_empty() && points.iter().all(|p| on_earth(*p));
    let warnings = degrees.then(|| {
        let message = format!("the planar coordinates of panel `{}` all look like degrees", keys.panel);
        Fault::warning("durbin::panel::coords_degrees", message)
            .help(format!("`coords {}, {}` without `planar` takes degrees", first.name, second.name))
    });
    Ok(Located { points, warnings: warnings.into_iter().collect() })
}

struct Places<'a> {
    keys: &'a Keys<'a>,
    index: &'a PanelIndex,
    pair: &'a [Coordinate<'a>; 2],
    /// The row each coordinate of each unit was taken from.
    rows: &'a [[usize; 2]],
}

impl Places<'_> {
    fn label(&self, fault: Fault, which: usize, row: usize, text: String) -> Fault {
        match self.pair[which].column {
            Some(column) => self.keys.table.label(fault, row, column, text),
            None => fault.label(&self.keys.table.file, self.keys.table.line(row), 1, text),
        }
    }

    fn unit(&self, unit: usize) -> &str {
        &self.index.units[unit]
    }
}

fn on_earth([lon, lat]: [f64; 2]) -> bool {
    lon.abs() <= 180.0 && lat.abs() <= 90.0
}

fn vary(at: &Places, points: &[[f64; 2]], moved: &[(usize, usize, usize)]) -> Option<Fault> {
    let &(unit, k, row) = moved.first()?;
    let name = at.pair[k].name;
    let (one, other) = (points[unit][k], at.pair[k].values[row]);
    let mut units: Vec<usize> = moved.iter().map(|m| m.0).collect();
    units.sort_unstable();
    units.dedup();
    let more = if units.len() > 1 { format!("; {} units have several", units.len()) } else { String::new() };
    let message = format!("`{}` has several coordinates: `{name}` is {one} and {other}{more}", at.unit(unit));
    let fault = Fault::error("durbin::panel::coords_vary", message)
        .help("a unit has one place; give it one pair of coordinates in every row");
    let fault = at.label(fault, k, at.rows[unit][k], format!("`{name}` is {one} here"));
    Some(at.label(fault, k, row, format!("and {other} here")))
}

fn lacking(at: &Places, points: &[[f64; 2]]) -> Option<Fault> {
    let without: Vec<usize> = (0..points.len()).filter(|&u| points[u].iter().any(|x| x.is_nan())).collect();
    let &first = without.first()?;
    let names: Vec<&str> = without.iter().map(|&u| at.unit(u)).collect();
    let message = format!(
        "{} of panel `{}` {} no coordinates: {}",
        counted(without.len(), "unit", "units"),
        at.keys.panel,
        if without.len() == 1 { "has" } else { "have" },
        ticked_list(&names)
    );
    let k = usize::from(!points[first][0].is_nan());
    let fault = Fault::error("durbin::panel::coords_missing", message)
        .help(format!("fill in `{}` and `{}`, or leave such units out with `where`", at.pair[0].name, at.pair[1].name));
    let row = (0..at.index.unit_of.len()).find(|&r| at.index.unit_of[r] == first as u32).unwrap_or(0);
    Some(at.label(fault, k, row, format!("no `{}` for `{}`", at.pair[k].name, at.unit(first))))
}

fn range(at: &Places, points: &[[f64; 2]]) -> Option<Fault> {
    let beyond: Vec<usize> =
        (0..points.len()).filter(|&u| !points[u].iter().any(|x| x.is_nan()) && !on_earth(points[u])).collect();
    let &unit = beyond.first()?;
    let [lon, lat] = points[unit];
    let (k, word, limit) = if lat.abs() > 90.0 { (1, "latitude", 90) } else { (0, "longitude", 180) };
    let value = points[unit][k];
    let more = if beyond.len() > 1 { format!("; {} units lie beyond it", beyond.len()) } else { String::new() };
    let message =
        format!("`{}` has {word} {value} (column `{}`), beyond ±{limit}{more}", at.unit(unit), at.pair[k].name);
    let (a, b) = (at.pair[0].name, at.pair[1].name);
    let swapped = points.iter().all(|&[x, y]| x.is_nan() || y.is_nan() || on_earth([y, x]));
    let help = if swapped {
        format!("longitude comes first: `coords {b}, {a}`")
    } else if lon.abs() > 1000.0 || lat.abs() > 1000.0 {
        format!("projected metres are declared: `coords {a}, {b} planar`")
    } else if lon > 180.0 && lon <= 360.0 && lat.abs() <= 90.0 {
        "longitudes run from -180 to 180: take 360 from those beyond 180".to_string()
    } else {
        format!("coordinates are degrees, longitude first: `coords {a}, {b}`; metres are `planar`")
    };
    let fault = Fault::error("durbin::panel::coords_range", message).help(help);
    Some(at.label(fault, k, at.rows[unit][k], format!("{word} {value}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::csv::read;
    use crate::data::keys::read_keys;
    use crate::data::numbers::numbers;

    fn located(text: &str, names: [&str; 2], plane: Plane) -> Result<Located, Vec<Fault>> {
        let table = read("t.csv", format!("u,t,lon,lat\n{text}").as_bytes()).unwrap().0;
        let rows = table.all_rows();
        let keys = Keys { panel: "towns", table: &table, unit: 0, time: 1 };
        let (index, _) = read_keys(&keys, &rows).unwrap();
        let column = |n: &str| table.column(n).unwrap();
        let values = names.map(|n| numbers(&table, column(n), &[], &rows).unwrap());
        let one = |k: usize| Coordinate { name: names[k], column: Some(column(names[k])), values: &values[k] };
        locate(&keys, &index, one(0), one(1), plane)
    }

    fn fault(text: &str, plane: Plane) -> Fault {
        located(text, ["lon", "lat"], plane).unwrap_err().remove(0)
    }

    #[test]
    fn every_unit_has_one_place() {
        let l = located("B,1,9,45\nA,1,8,44\nB,2,,45\n", ["lon", "lat"], Plane::Degrees).unwrap();
        assert_eq!(l.points, [[8.0, 44.0], [9.0, 45.0]]);
        assert!(l.warnings.is_empty());
    }

    #[test]
    fn a_unit_that_moves_shows_both_values() {
        let f = fault("A,1,9.6,45\nA,2,9.6,45\nA,3,9.7,45\n", Plane::Degrees);
        assert_eq!(f.code, "durbin::panel::coords_vary");
        assert!(f.message.contains("`A`") && f.message.contains("9.6") && f.message.contains("9.7"));
        assert_eq!(f.labels.iter().map(|l| l.line).collect::<Vec<_>>(), [2, 4]);
    }

    #[test]
    fn a_unit_without_a_place_is_named() {
        let f = fault("A,1,9,45\nB,1,9,\n", Plane::Degrees);
        assert_eq!((f.code, f.labels[0].line), ("durbin::panel::coords_missing", 3));
        assert!(f.message.contains("`B`"));
    }

    #[test]
    fn a_swap_that_would_be_valid_is_proposed() {
        let f = located("Alba,1,121.47,31.23\nB,1,9,45\n", ["lat", "lon"], Plane::Degrees).unwrap_err().remove(0);
        assert_eq!(
            (f.code, f.help.unwrap()),
            ("durbin::panel::coords_range", "longitude comes first: `coords lon, lat`".into())
        );
        assert!(f.message.contains("`Alba` has latitude 121.47"), "{}", f.message);
    }

    #[test]
    fn metres_and_full_circles_are_recognized() {
        assert!(fault("A,1,431000,5120000\n", Plane::Degrees).help.unwrap().contains("planar"));
        assert!(fault("A,1,200,45\nB,1,359,-89\n", Plane::Degrees).help.unwrap().contains("take 360"));
    }

    #[test]
    fn planar_degrees_are_warned_of() {
        let l = located("A,1,9,45\n", ["lon", "lat"], Plane::Planar).unwrap();
        assert_eq!(l.warnings[0].code, "durbin::panel::coords_degrees");
        assert!(located("A,1,431000,5120000\n", ["lon", "lat"], Plane::Planar).unwrap().warnings.is_empty());
    }
}
