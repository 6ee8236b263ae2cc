//! Rows with missing values in the columns an estimate uses: refused, or left out and counted.

use crate::data::balance::{Kept, nothing_left};
use crate::data::keys::{Keys, PanelIndex};
use crate::data::series::Series;
use crate::fault::{Fault, counted, ticked_list};

/// A column an estimate uses: its name as written, where it stands in the table (if it is not derived), its values.
#[derive(Clone, Copy, Debug)]
pub struct Used<'a> {
    pub name: &'a str,
    pub column: Option<usize>,
    /// One value per row of the table.
    pub values: &'a Series,
}

/// Rows of `rows` in which each column is missing, and those in which any is; all ascending as `rows` is.
fn missing_rows(rows: &[u32], used: &[Used]) -> (Vec<Vec<u32>>, Vec<u32>) {
    let each: Vec<Vec<u32>> =
        used.iter().map(|u| rows.iter().copied().filter(|&r| u.values.is_missing(r as usize)).collect()).collect();
    let mut any: Vec<u32> = each.iter().flatten().copied().collect();
    any.sort_unstable();
    any.dedup();
    (each, any)
}

/// Refuses rows with a missing value in a used column (`missing error`): `missing_value`.
pub fn check_missing(keys: &Keys, index: &PanelIndex, rows: &[u32], used: &[Used]) -> Result<(), Fault> {
    let (each, any) = missing_rows(rows, used);
    if any.is_empty() {
        return Ok(());
    }
    let columns: Vec<(&Used, &Vec<u32>)> = used.iter().zip(&each).filter(|(_, rows)| !rows.is_empty()).collect();
    let named: Vec<String> = columns
        .iter()
        .take(5)
        .map(|(u, rows)| {
            let first = rows[0] as usize;
            let count = counted(rows.len(), "row", "rows");
            format!("`{}` in {count}, first {} on line {}", u.name, index.named(first), place(keys, u, first).1)
        })
        .collect();
    let more = if columns.len() > 5 { format!("; and {} more columns", columns.len() - 5) } else { String::new() };
    let message = format!("panel `{}` has missing values: {}{more}", keys.panel, named.join("; "));
    let mut fault = Fault::error("durbin::data::missing_value", message).help(cost(index, rows, &any));
    for (u, rows) in columns.iter().take(5) {
        for &row in rows.iter().take(if columns.len() == 1 { 5 } else { 1 }) {
            let text = format!("no `{}` for {}", u.name, index.named(row as usize));
            fault = match u.column {
                Some(column) => keys.table.label(fault, row as usize, column, text),
                None => fault.label(&keys.table.file, keys.table.line(row as usize), 1, text),
            };
        }
    }
    Err(fault)
}

fn place<'a>(keys: &Keys<'a>, used: &Used, row: usize) -> (&'a str, usize) {
    match used.column {
        Some(column) => keys.table.place(row, column),
        None => (&keys.table.file, keys.table.line(row)),
    }
}

/// What `missing drop` would cost.
fn cost(index: &PanelIndex, rows: &[u32], missing: &[u32]) -> String {
    let units = units_of(index, missing);
    let mut out =
        format!("`missing drop` leaves out {} of {} rows, of {}", missing.len(), rows.len(), ticked_list(&units));
    let left: Vec<u32> = rows.iter().copied().filter(|r| missing.binary_search(r).is_err()).collect();
    if !crate::data::balance::is_balanced(index, &left) {
        out.push_str(&format!("; units then lack periods, so that `balance drop` leaves {} out", units.len()));
    }
    out
}

fn units_of(index: &PanelIndex, rows: &[u32]) -> Vec<String> {
    let mut numbers: Vec<usize> = rows.iter().filter_map(|&r| index.cell(r as usize)).map(|(u, _)| u).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.into_iter().filter_map(|u| index.units.get(u)).cloned().collect()
}

/// Leaves out rows with a missing value in a used column (`missing drop`); an error where none would stay. `units`
/// of the answer are those all of whose rows left.
pub fn drop_missing(keys: &Keys, index: &PanelIndex, rows: &[u32], used: &[Used]) -> Result<Kept, Fault> {
    let (each, any) = missing_rows(rows, used);
    let mut kept: Vec<u32> = rows.iter().copied().filter(|r| any.binary_search(r).is_err()).collect();
    kept.sort_unstable();
    if any.is_empty() {
        return Ok(Kept { rows: kept, note: None, units: Vec::new(), dropped: 0 });
    }
    if kept.is_empty() {
        return Err(nothing_left(keys.panel, "missing drop", rows.len())
            .help("every row lacks a value in a column that is used"));
    }
    let columns: Vec<String> = used
        .iter()
        .zip(&each)
        .filter(|(_, rows)| !rows.is_empty())
        .map(|(u, rows)| format!("`{}` is missing in {}", u.name, rows.len()))
        .collect();
    let message = format!(
        "`missing drop` left {} out of panel `{}`: {}",
        counted(any.len(), "row", "rows"),
        keys.panel,
        columns.join(", ")
    );
    let (gone, stay) = (units_of(index, &any), units_of(index, &kept));
    let units = gone.into_iter().filter(|u| stay.binary_search(u).is_err()).collect();
    Ok(Kept { rows: kept, note: Some(Fault::note("durbin::panel::rows_dropped", message)), units, dropped: any.len() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::csv::read;
    use crate::data::keys::read_keys;
    use crate::data::numbers::numbers;

    const TEXT: &str = "town,year,jobs,trade\nA,1,5,1\nA,2,6,\nCora,1,,2\nCora,2,,\n";

    fn with<R>(f: impl Fn(&Keys, &PanelIndex, &[u32], &[Used]) -> R) -> R {
        let table = read("t.csv", TEXT.as_bytes()).unwrap().0;
        let keys = Keys { panel: "towns", table: &table, unit: 0, time: 1 };
        let rows = table.all_rows();
        let (index, _) = read_keys(&keys, &rows).unwrap();
        let columns = [2, 3].map(|c| Series::Numbers(numbers(&table, c, &[], &rows).unwrap()));
        let used = [("jobs", 2), ("trade", 3)].map(|(name, c)| Used { name, column: Some(c), values: &columns[c - 2] });
        f(&keys, &index, &rows, &used)
    }

    #[test]
    fn missing_values_are_placed_and_the_cost_is_said() {
        let f = with(|k, i, r, u| check_missing(k, i, r, &u[..1]).unwrap_err());
        assert_eq!((f.code, f.labels[0].line), ("durbin::data::missing_value", 4));
        assert!(f.message.contains("`jobs` in 2 rows, first `Cora` 1 on line 4"), "{}", f.message);
        assert!(f.help.unwrap().starts_with("`missing drop` leaves out 2 of 4 rows, of `Cora`"));
        let f = with(|k, i, r, u| check_missing(k, i, r, u).unwrap_err());
        assert!(f.message.contains("`trade` in 2 rows, first `A` 2") && f.help.unwrap().contains("3 of 4 rows"));
        assert!(with(|k, i, _, u| check_missing(k, i, &[0, 1], &u[..1]).is_ok()));
    }

    #[test]
    fn dropping_counts_rows_by_column() {
        let kept = with(|k, i, r, u| drop_missing(k, i, r, &u[..1]).unwrap());
        assert_eq!((kept.rows, kept.dropped, kept.units), (vec![0, 1], 2, vec!["Cora".to_string()]));
        let note = kept.note.unwrap();
        assert_eq!(note.code, "durbin::panel::rows_dropped");
        assert!(note.message.contains("2 rows") && note.message.contains("`jobs`"));
        let f = with(|k, i, _, u| drop_missing(k, i, &[2, 3], u).unwrap_err());
        assert!(f.message.contains("`missing drop` leaves no row"));
    }
}
