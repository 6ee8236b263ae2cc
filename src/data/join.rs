//! Many-to-one joins by value: columns of another file, one row of it per key, never by position.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::data::keys::padded_key;
use crate::data::similar::{lost_zero, near};
use crate::data::table::{NO_ROW, Table};
use crate::fault::{Fault, counted, quoted_list, ticked_list};

/// What becomes of left rows whose key the right file does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmatched {
    /// An error that names them.
    Refuse,
    /// `join … optional`: their new cells are missing.
    Missing,
}

/// Joins the columns of `right` to `left` by key columns that both have, compared as written. New cells remember the
/// right file and its lines. Errors: `padded_key`, `join_duplicate`, `join_clash`, `join_unmatched`.
pub fn join(left: &Table, right: &Table, by: &[String], unmatched: Unmatched) -> Result<Table, Vec<Fault>> {
    let (left_by, right_by) = key_columns(left, right, by)?;
    let mut faults: Vec<Fault> = Vec::new();
    for (table, columns) in [(left, &left_by), (right, &right_by)] {
        let rows = table.all_rows();
        faults.extend(columns.iter().filter_map(|&c| padded_key(table, c, &rows)));
    }
    let news: Vec<usize> =
        (0..right.header.len()).filter(|c| !right_by.contains(c) && !right.name(*c).is_empty()).collect();
    faults.extend(clash(left, right, &news));
    let mut rows_by_key: HashMap<Cow<str>, u32> = HashMap::with_capacity(right.rows());
    let mut twice: Vec<(u32, u32)> = Vec::new();
    for row in 0..right.rows() as u32 {
        let Some(key) = key_of(right, &right_by, row as usize) else { continue };
        match rows_by_key.get(&key) {
            Some(&first) => twice.push((first, row)),
            None => {
                rows_by_key.insert(key, row);
            }
        }
    }
    faults.extend(duplicate(left, right, &right_by, &twice));
    if !faults.is_empty() {
        return Err(faults);
    }
    let find = |row: usize| key_of(left, &left_by, row).and_then(|key| rows_by_key.get(&key).copied());
    let rows: Vec<u32> = (0..left.rows()).map(|row| find(row).unwrap_or(NO_ROW)).collect();
    if unmatched == Unmatched::Refuse
        && let Some(fault) = lacking(left, right, by, (&left_by, &right_by), &rows)
    {
        return Err(vec![fault]);
    }
    Ok(left.attach(right, &news, rows))
}

type Columns = Vec<usize>;

fn key_columns(left: &Table, right: &Table, by: &[String]) -> Result<(Columns, Columns), Vec<Fault>> {
    let mut faults = Vec::new();
    let mut find = |table: &Table| -> Columns {
        let mut columns = Vec::new();
        for name in by {
            match table.column(name) {
                Some(c) => columns.push(c),
                None => faults.push(no_column(table, name)),
            }
        }
        columns
    };
    let found = (find(left), find(right));
    if faults.is_empty() { Ok(found) } else { Err(faults) }
}

fn no_column(table: &Table, name: &str) -> Fault {
    let names = table.header.iter().map(String::as_str).filter(|n| !n.is_empty());
    let fault =
        Fault::error("durbin::check::unknown_column", format!("{} has no column `{name}` to join by", table.file));
    match crate::suggest::did_you_mean(name, names) {
        Some(help) => fault.help(help),
        None => fault,
    }
}

/// The key of a row; `None` where a part is empty, which matches nothing. Several parts carry their lengths, so
/// that no two keys run together.
fn key_of<'a>(table: &'a Table, columns: &[usize], row: usize) -> Option<Cow<'a, str>> {
    if columns.iter().any(|&c| table.get(row, c).is_empty()) {
        return None;
    }
    match columns {
        [one] => Some(Cow::Borrowed(table.get(row, *one))),
        _ => {
            let part = |&c: &usize| format!("{}:{}", table.get(row, c).len(), table.get(row, c));
            Some(Cow::Owned(columns.iter().map(part).collect()))
        }
    }
}

/// A key as messages show it.
fn shown(table: &Table, columns: &[usize], row: usize) -> String {
    columns.iter().map(|&c| table.get(row, c)).collect::<Vec<_>>().join(", ")
}

fn clash(left: &Table, right: &Table, news: &[usize]) -> Option<Fault> {
    let both: Vec<&str> = news.iter().map(|&c| right.name(c)).filter(|n| left.column(n).is_some()).collect();
    let first = both.first()?;
    let file = left.column(first).map_or("", |c| left.file_of(c));
    let message = format!(
        "{} and {} both have {} {}",
        file,
        right.file,
        if both.len() == 1 { "column" } else { "columns" },
        ticked_list(&both)
    );
    Some(
        Fault::error("durbin::data::join_clash", message)
            .help("rename it in one of the files, or add it to the keys after `by` if it is one")
            .label(&right.file, 1, 1, format!("`{first}` comes again with this file")),
    )
}

fn duplicate(left: &Table, right: &Table, by: &[usize], twice: &[(u32, u32)]) -> Option<Fault> {
    let &(first, second) = twice.first()?;
    let key = shown(right, by, first as usize);
    let more = if twice.len() > 1 { format!("; {} rows repeat a key", twice.len()) } else { String::new() };
    let (a, b) = (right.line(first as usize), right.line(second as usize));
    let message = format!(
        "\"{key}\" stands on lines {a} and {b} of {}; a join takes one row for each row of {}{more}",
        right.file, left.file
    );
    let fault = Fault::error("durbin::data::join_duplicate", message)
        .help(format!("keep one row per key in {}, or name every key after `by`", right.file));
    let fault = right.label(fault, first as usize, by.first().copied().unwrap_or(0), format!("\"{key}\" is here"));
    Some(right.label(fault, second as usize, by.first().copied().unwrap_or(0), "and here again"))
}

/// Left keys without a right row, with a near key of the right side.
fn lacking(
    left: &Table,
    right: &Table,
    by: &[String],
    (left_by, right_by): (&Columns, &Columns),
    rows: &[u32],
) -> Option<Fault> {
    let without: Vec<usize> = (0..rows.len()).filter(|&r| rows[r] == NO_ROW).collect();
    without.first()?;
    let mut keys: Vec<String> = Vec::new();
    let mut firsts: Vec<usize> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for &row in &without {
        let key = shown(left, left_by, row);
        if seen.insert(key.clone()) {
            keys.push(key);
            firsts.push(row);
        }
    }
    let message = format!(
        "{} of {} ({}) {} no row in {}: {}",
        counted(keys.len(), "key", "keys"),
        left.file,
        counted(without.len(), "row", "rows"),
        if keys.len() == 1 { "has" } else { "have" },
        right.file,
        quoted_list(&keys)
    );
    let optional =
        format!("`join \"{}\" by {} optional` leaves the new columns missing there", right.file, by.join(", "));
    let (hint, place) = near_hint(right, right_by, &keys);
    let mut fault = Fault::error("durbin::data::join_unmatched", message).help(format!("{hint}{optional}"));
    let column = left_by.first().copied().unwrap_or(0);
    for (&row, key) in firsts.iter().zip(&keys).take(5) {
        fault = left.label(fault, row, column, format!("\"{key}\""));
    }
    if let Some((row, text)) = place {
        fault = right.label(fault, row, right_by.first().copied().unwrap_or(0), text);
    }
    Some(fault)
}

/// What a near key on the right suggests, and where that key stands.
fn near_hint(right: &Table, by: &[usize], keys: &[String]) -> (String, Option<(usize, String)>) {
    let others: Vec<String> = (0..right.rows()).map(|r| shown(right, by, r)).collect();
    for key in keys.iter().take(5).filter(|k| !k.is_empty()) {
        let Some(other) = near(key, others.iter().map(String::as_str)) else { continue };
        let place = others.iter().position(|o| o == other).map(|row| (row, format!("\"{other}\"")));
        let hint = if lost_zero(key, other) {
            format!("\"{key}\" is \"{other}\" with a zero in front lost: write keys as text in both files; ")
        } else {
            format!("{} has \"{other}\", near \"{key}\"; ", right.file)
        };
        return (hint, place);
    }
    (String::new(), None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::csv::read;
    use proptest::prelude::*;

    fn table(file: &str, text: &str) -> Table {
        read(file, text.as_bytes()).unwrap().0
    }

    fn joined(left: &str, right: &str, by: &[&str], unmatched: Unmatched) -> Result<Table, Vec<Fault>> {
        let by: Vec<String> = by.iter().map(ToString::to_string).collect();
        join(&table("l.csv", left), &table("r.csv", right), &by, unmatched)
    }

    fn fault(left: &str, right: &str) -> Fault {
        joined(left, right, &["k"], Unmatched::Refuse).unwrap_err().remove(0)
    }

    #[test]
    fn cells_come_by_key_and_remember_their_file() {
        let t = joined("k,x\nB,1\nA,2\nB,3\n", "z,k\n9,A\n8,B\n", &["k"], Unmatched::Refuse).unwrap();
        assert_eq!(t.header, ["k", "x", "z"]);
        assert_eq!([t.get(0, 2), t.get(1, 2), t.get(2, 2)], ["8", "9", "8"]);
        assert_eq!(t.place(0, 2), ("r.csv", 3));
    }

    #[test]
    fn several_keys_do_not_run_together() {
        let t = joined("a,b\n1,12\n11,2\n", "a,b,z\n11,2,y\n1,12,x\n", &["a", "b"], Unmatched::Refuse).unwrap();
        assert_eq!([t.get(0, 2), t.get(1, 2)], ["x", "y"]);
    }

    #[test]
    fn unmatched_keys_are_counted_and_the_near_one_shown() {
        let f = fault("k,x\nElva,1\nA,2\nElva,3\n", "k,z\nA,1\nElvs,2\n");
        assert_eq!((f.code, f.labels[0].line), ("durbin::data::join_unmatched", 2));
        assert!(f.message.contains("1 key of l.csv (2 rows) has no row in r.csv: \"Elva\""), "{}", f.message);
        let help = f.help.unwrap();
        assert!(help.contains("\"Elvs\"") && help.contains("optional"), "{help}");
        assert_eq!((f.labels[1].file.as_str(), f.labels[1].line), ("r.csv", 3));
        let f = fault("k,x\n1001,1\n", "k,z\n01001,1\n");
        assert!(f.help.unwrap().contains("zero in front lost"));
    }

    #[test]
    fn optional_leaves_cells_missing() {
        let t = joined("k,x\nB,1\nA,2\n,3\n", "k,z\nA,1\n,7\n,8\n", &["k"], Unmatched::Missing).unwrap();
        assert_eq!([t.get(0, 2), t.get(1, 2), t.get(2, 2)], ["", "1", ""]);
        assert_eq!(t.place(0, 2), ("l.csv", 2));
    }

    #[test]
    fn a_key_twice_on_the_right_shows_both_lines() {
        let f = fault("k,x\nA,1\n", "k,z\nA,1\nB,1\nA,1\n");
        assert_eq!(f.code, "durbin::data::join_duplicate");
        assert_eq!(
            f.labels.iter().map(|l| (l.file.as_str(), l.line)).collect::<Vec<_>>(),
            [("r.csv", 2), ("r.csv", 4)]
        );
        assert!(f.message.contains("\"A\"") && f.message.contains("l.csv"));
    }

    #[test]
    fn clashes_padded_keys_and_lacking_columns_are_refused() {
        let f = fault("k,x\nA,1\n", "k,x\nA,1\n");
        assert_eq!(f.code, "durbin::data::join_clash");
        assert!(f.message.contains("`x`"));
        let f = fault("k,x\nA,1\n", "k,z\n\"A \",1\n");
        assert_eq!((f.code, f.labels[0].file.as_str()), ("durbin::data::padded_key", "r.csv"));
        assert_eq!(fault("k,x\nA,1\n", "kk,z\nA,1\n").code, "durbin::check::unknown_column");
    }

    proptest! {
        #[test]
        fn the_order_of_right_rows_changes_nothing(order in Just((0..20usize).collect::<Vec<_>>()).prop_shuffle()) {
            let left: String = (0..20).map(|k| format!("k{}\n", (k * 7) % 20)).collect();
            let right: String = order.iter().map(|k| format!("k{k},{}\n", k * k)).collect();
            let t = joined(&format!("k\n{left}"), &format!("k,z\n{right}"), &["k"], Unmatched::Refuse).unwrap();
            for row in 0..20 {
                let k = (row * 7) % 20;
                prop_assert_eq!(t.get(row, 1), (k * k).to_string());
            }
        }
    }
}
