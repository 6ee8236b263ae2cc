//! A square labelled table: the first row and the first column hold the names of the units, in any order.

use super::edges::one_way;
use super::matching::{mismatch, place};
use super::{Weights, from_entries};
use crate::data::table::Table;
use crate::fault::{Fault, counted, quoted_list};
use std::collections::BTreeSet;

/// The matrix of a table on `units` (sorted keys). Rows and columns are matched by key; every unit of the panel must be
/// among them, and `known` says of a key that it is a unit left out of the panel: its row and column are skipped.
pub fn matrix(
    table: &Table,
    units: &[String],
    known: &dyn Fn(&str) -> bool,
) -> Result<(Weights, Vec<Fault>), Vec<Fault>> {
    let file = table.file.as_str();
    let rows: Vec<(&str, usize)> = (0..table.rows()).map(|r| (table.get(r, 0).trim(), table.line(r))).collect();
    let columns: Vec<&str> = table.header.iter().skip(1).map(String::as_str).collect();
    if let Some(fault) = not_square(file, &rows, &columns) {
        return Err(vec![fault]);
    }
    let strangers: Vec<(&str, usize)> =
        rows.iter().copied().filter(|(key, _)| place(units, key).is_none() && !known(key)).collect();
    let mut faults: Vec<Fault> = mismatch(file, &strangers, Some(&rows), units).into_iter().collect();
    let places: Vec<Option<usize>> = columns.iter().map(|key| place(units, key)).collect();
    let mut bad = BadCells::default();
    let mut entries = Vec::new();
    for (r, (from, _)) in rows.iter().enumerate() {
        let i = place(units, from);
        for (c, to) in columns.iter().enumerate() {
            let value = table.number(r, c + 1);
            bad.note((r, c), from == to, value);
            if let (Some(i), Some(k), Some(v)) = (i, places[c], value) {
                entries.push((i, k, v));
            }
        }
    }
    faults.extend(bad.faults(table, &rows, &columns));
    if !faults.is_empty() {
        return Err(faults);
    }
    entries.sort_by_key(|e| (e.0, e.1));
    let weights = Weights::unscaled(from_entries(units.len(), &entries));
    let warnings = one_way(&weights, file, units);
    Ok((weights, warnings))
}

/// Rows and columns that do not bear the same labels.
fn not_square(file: &str, rows: &[(&str, usize)], columns: &[&str]) -> Option<Fault> {
    let of_rows: BTreeSet<&str> = rows.iter().map(|r| r.0).collect();
    let of_columns: BTreeSet<&str> = columns.iter().copied().collect();
    let alone: Vec<(&str, usize)> = rows.iter().copied().filter(|r| !of_columns.contains(r.0)).collect();
    let missing: Vec<&str> = columns.iter().copied().filter(|c| !of_rows.contains(c)).collect();
    if alone.is_empty() && missing.is_empty() && rows.len() == columns.len() {
        return None;
    }
    let mut message = format!(
        "the matrix in `{file}` has {} and {}",
        counted(rows.len(), "row", "rows"),
        counted(columns.len(), "column", "columns")
    );
    let names: Vec<&str> = alone.iter().map(|a| a.0).collect();
    for (side, names) in [("a row", &names), ("a column", &missing)] {
        if !names.is_empty() {
            message += &format!("; {} only as {side}: {}", names.len(), quoted_list(names));
        }
    }
    let mut fault = Fault::error("durbin::weights::not_square", message)
        .help("the first row and the first column hold the units' names, the same on both sides");
    for (name, line) in alone.iter().take(5) {
        fault = fault.label(file, *line, 1, format!("no column is named \"{name}\""));
    }
    let mut seen = BTreeSet::new();
    if let Some((name, line)) = rows.iter().find(|r| !seen.insert(r.0)) {
        fault = fault.label(file, *line, 1, format!("\"{name}\" again"));
    }
    Some(fault)
}

/// The first cell of each kind that cannot be a weight, by row and column, and how often.
#[derive(Default)]
struct BadCells {
    diagonal: Vec<((usize, usize), f64)>,
    missing: Vec<(usize, usize)>,
    negative: Vec<((usize, usize), f64)>,
}

impl BadCells {
    fn note(&mut self, cell: (usize, usize), on_diagonal: bool, value: Option<f64>) {
        match value {
            None => self.missing.push(cell),
            Some(v) if on_diagonal && v != 0.0 => self.diagonal.push((cell, v)),
            Some(v) if v < 0.0 => self.negative.push((cell, v)),
            Some(_) => {}
        }
    }

    fn faults(&self, table: &Table, rows: &[(&str, usize)], columns: &[&str]) -> Vec<Fault> {
        let fault = |code, (r, c): (usize, usize), message: String| {
            table.label(Fault::error(code, message), r, c + 1, "in this row")
        };
        let pair = |(r, c): (usize, usize)| format!("from \"{}\" to \"{}\"", rows[r].0, columns[c]);
        let mut out = Vec::new();
        if let Some(&(at, v)) = self.diagonal.first() {
            let many = counted(self.diagonal.len(), "unit a weight", "units weights");
            let message = format!("`{}` gives {many} with itself: \"{}\" has {v}", table.file, rows[at.0].0);
            out.push(
                fault("durbin::weights::diagonal", at, message)
                    .help("the diagonal of a weights matrix is zero: write 0 there"),
            );
        }
        if let Some(&at) = self.missing.first() {
            let message = format!(
                "the weight {} is no number: \"{}\"; {} of `{}`",
                pair(at),
                table.get(at.0, at.1 + 1),
                counted(self.missing.len(), "such cell", "such cells"),
                table.file
            );
            out.push(
                fault("durbin::weights::bad_weight", at, message).help("every cell holds a number; 0 where no link is"),
            );
        }
        if let Some(&(at, v)) = self.negative.first() {
            let more = counted(self.negative.len(), "negative weight", "negative weights");
            let message = format!("the weight {} is negative: {v}; `{}` has {more}", pair(at), table.file);
            out.push(fault("durbin::weights::negative", at, message));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::csv::read;

    fn units() -> Vec<String> {
        ["a", "b", "c"].map(String::from).to_vec()
    }

    fn build(text: &str, known: &dyn Fn(&str) -> bool) -> Result<(Weights, Vec<Fault>), Vec<Fault>> {
        matrix(&read("w.csv", text.as_bytes()).unwrap().0, &units(), known)
    }

    #[test]
    fn rows_and_columns_are_matched_by_key() {
        let straight = build(",a,b,c\na,0,1,2\nb,3,0,0\nc,0,5,0\n", &|_| false).unwrap().0;
        assert_eq!(straight.matrix.nnz(), 4);
        assert_eq!((straight.matrix.get(0, 2), straight.matrix.get(2, 1)), (Some(&2.0), Some(&5.0)));
        let turned = build("w,c,a,b\nb,0,3,0\nc,0,0,5\na,2,0,1\n", &|_| false).unwrap().0;
        assert_eq!(turned, straight);
        let wider = build("w,c,a,z,b\nb,0,3,9,0\nz,1,1,0,1\nc,0,0,9,5\na,2,0,9,1\n", &|k| k == "z").unwrap().0;
        assert_eq!(wider, straight);
    }

    #[test]
    fn what_is_not_square_says_which_labels_stand_on_one_side() {
        let faults = build("w,a,b,d\na,0,1,0\nb,1,0,0\n\nc,0,0,0\n", &|_| false).unwrap_err();
        assert_eq!(faults[0].code, "durbin::weights::not_square");
        assert!(faults[0].message.contains("only as a row: \"c\"; 1 only as a column: \"d\""), "{}", faults[0].message);
        assert_eq!(faults[0].labels[0].line, 5);
        let repeated = build("w,a,b\na,0,1\nb,1,0\nb,1,0\n", &|_| false).unwrap_err();
        assert_eq!((repeated[0].code, repeated[0].labels[0].line), ("durbin::weights::not_square", 4));
    }

    #[test]
    fn every_fault_of_a_matrix_is_found_with_its_line() {
        let faults = build("w,a,b,z\na,0,-1,x\nb,1,0.5,\nz,0,0,0\n", &|_| false).unwrap_err();
        let found: Vec<(&str, usize)> = faults.iter().map(|f| (f.code, f.labels[0].line)).collect();
        assert_eq!(
            found,
            [
                ("durbin::plan::unit_mismatch", 4),
                ("durbin::weights::diagonal", 3),
                ("durbin::weights::bad_weight", 2),
                ("durbin::weights::negative", 2)
            ]
        );
        assert!(faults[0].message.ends_with("1 only in the file: \"z\"; 1 only in the panel: \"c\""));
        assert!(faults[2].message.contains("2 such cells"), "{}", faults[2].message);
    }

    #[test]
    fn a_triangle_is_reported() {
        let (_, warnings) = build("w,a,b,c\na,0,1,1\nb,0,0,1\nc,0,0,0\n", &|_| false).unwrap();
        assert_eq!(warnings[0].code, "durbin::weights::one_way_links");
    }
}
