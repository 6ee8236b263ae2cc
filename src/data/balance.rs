//! Whether every unit has every period, what `balance drop` leaves out, and the cells of a balanced sample.

use crate::data::keys::{Keys, PanelIndex};
use crate::data::similar::folded;
use crate::fault::{Fault, counted, ticked_list};

/// Rows that stay, with the note that says what did not.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Rows of the table, ascending.
    pub rows: Vec<u32>,
    /// What was left out, where anything was.
    pub note: Option<Fault>,
    /// Units that left altogether, in key order.
    pub units: Vec<String>,
    /// How many rows were left out.
    pub dropped: usize,
}

/// How many of the index's periods each unit has, by unit.
fn periods_had(index: &PanelIndex) -> Vec<usize> {
    let mut had = vec![0; index.units.len()];
    for row in 0..index.unit_of.len() {
        if let Some((unit, _)) = index.cell(row) {
            had[unit] += 1;
        }
    }
    had
}

/// Whether every unit of these rows has every period that any of them has.
pub fn is_balanced(index: &PanelIndex, rows: &[u32]) -> bool {
    let index = index.restrict(rows);
    periods_had(&index).iter().all(|&had| had == index.periods.len())
}

/// Refuses rows of which some unit lacks a period (`balance error`): `unbalanced`.
pub fn check_balanced(keys: &Keys, index: &PanelIndex, rows: &[u32]) -> Result<(), Fault> {
    let index = index.restrict(rows);
    let had = periods_had(&index);
    let lacking: Vec<usize> = (0..had.len()).filter(|&u| had[u] < index.periods.len()).collect();
    let Some(&first) = lacking.first() else { return Ok(()) };
    let cells = index.cell_map();
    let absent = |unit: usize| -> Vec<i64> {
        (0..index.periods.len()).filter(|&p| cells.row(unit, p).is_none()).map(|p| index.periods[p]).collect()
    };
    let named: Vec<String> =
        lacking.iter().take(5).map(|&u| format!("`{}` lacks {}", index.units[u], years(&absent(u)))).collect();
    let more = if lacking.len() > 5 { format!("; and {} more", lacking.len() - 5) } else { String::new() };
    let message = format!(
        "{} of {} of panel `{}` {} a period that others have: {}{more}",
        lacking.len(),
        counted(index.units.len(), "unit", "units"),
        keys.panel,
        if lacking.len() == 1 { "lacks" } else { "lack" },
        named.join("; ")
    );
    let mut fault = Fault::error("durbin::panel::unbalanced", message).help(help(&index, &had, &lacking));
    let row = (0..index.unit_of.len()).find(|&r| index.unit_of[r] == first as u32);
    if let Some(row) = row {
        fault = fault.label(&keys.table.file, keys.table.line(row), 1, format!("`{}` begins here", index.units[first]));
    }
    Err(fault)
}

/// What each way out costs, and a key that looks alike where that may be the cause.
fn help(index: &PanelIndex, had: &[usize], lacking: &[usize]) -> String {
    let rows: usize = lacking.iter().map(|&u| had[u]).sum();
    let all: usize = had.iter().sum();
    let drop = if lacking.len() == had.len() {
        "`balance drop` would leave no unit".to_string()
    } else {
        format!(
            "`balance drop` leaves out {} of {} and {rows} of {}",
            lacking.len(),
            counted(had.len(), "unit", "units"),
            counted(all, "row", "rows")
        )
    };
    let mut out = format!("{drop}; `balance allow` keeps them, for queries that take gaps, such as `ols` and `did`");
    let alike = lacking.iter().take(100).find_map(|&u| {
        let key = folded(&index.units[u]);
        let other = index.units.iter().enumerate().find(|(k, name)| *k != u && folded(name) == key)?;
        Some(format!("; \"{}\" looks like \"{}\": one unit written in two ways lacks periods", index.units[u], other.1))
    });
    out.push_str(&alike.unwrap_or_default());
    out
}

/// The first five periods and how many more; runs of consecutive ones as a range.
fn years(periods: &[i64]) -> String {
    let runs: Vec<String> = periods
        .chunk_by(|a, b| a.checked_add(1) == Some(*b))
        .map(|run| match run {
            [one] => one.to_string(),
            [a, b] => format!("{a}, {b}"),
            _ => format!("{} to {}", run[0], run[run.len() - 1]),
        })
        .collect();
    let more = if runs.len() > 5 { format!(" and {} more", runs.len() - 5) } else { String::new() };
    format!("{}{more}", runs[..runs.len().min(5)].join(", "))
}

/// Leaves out units that lack a period (`balance drop`); an error where no unit would stay.
pub fn drop_unbalanced(keys: &Keys, index: &PanelIndex, rows: &[u32]) -> Result<Kept, Fault> {
    let small = index.restrict(rows);
    let had = periods_had(&small);
    let stays: Vec<bool> = had.iter().map(|&h| h == small.periods.len()).collect();
    let kept: Vec<u32> = small.rows().into_iter().filter(|&r| stays[small.unit_of[r as usize] as usize]).collect();
    let units: Vec<String> =
        small.units.iter().zip(&stays).filter(|(_, stays)| !**stays).map(|(u, _)| u.clone()).collect();
    let dropped = small.rows().len() - kept.len();
    if units.is_empty() {
        return Ok(Kept { rows: kept, note: None, units, dropped });
    }
    if kept.is_empty() {
        return Err(nothing_left(keys.panel, "balance drop", rows.len())
            .help("no unit has every period; `balance allow` keeps gaps, `where` can shorten the panel"));
    }
    let message = format!(
        "`balance drop` left {} out of panel `{}`, with {}: {}",
        counted(units.len(), "unit", "units"),
        keys.panel,
        counted(dropped, "row", "rows"),
        ticked_list(&units)
    );
    Ok(Kept { rows: kept, note: Some(Fault::note("durbin::panel::units_dropped", message)), units, dropped })
}

/// No row left by a clause: `panel::empty` names the clause and how many rows there were.
pub fn nothing_left(panel: &str, clause: &str, had: usize) -> Fault {
    Fault::error("durbin::panel::empty", format!("`{clause}` leaves no row of panel `{panel}`; there {}", were(had)))
}

fn were(rows: usize) -> String {
    format!("{} {}", if rows == 1 { "was" } else { "were" }, counted(rows, "row", "rows"))
}

/// The row of each unit and period of an index, at position `t·N + i` (unit fastest, methods 0); `None` where the
/// panel has a gap.
pub fn cells(index: &PanelIndex, rows: &[u32]) -> Vec<Option<u32>> {
    let units = index.units.len();
    let mut out = vec![None; units * index.periods.len()];
    for &row in rows {
        if let Some((unit, period)) = index.cell(row as usize) {
            out[period * units + unit] = Some(row);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::csv::read;
    use crate::data::keys::read_keys;
    use crate::data::table::Table;

    fn with<R>(text: &str, f: impl Fn(&Keys, &PanelIndex, &[u32]) -> R) -> R {
        let table: Table = read("t.csv", text.as_bytes()).unwrap().0;
        let keys = Keys { panel: "towns", table: &table, unit: 0, time: 1 };
        let (index, _) = read_keys(&keys, &table.all_rows()).unwrap();
        f(&keys, &index, &table.all_rows())
    }

    const GAP: &str = "u,t\nA,1\nA,2\nA,3\nDora,1\nDora,3\nB,1\nB,2\nB,3\n";

    #[test]
    fn a_gap_is_named_with_what_dropping_costs() {
        let f = with(GAP, |k, i, r| check_balanced(k, i, r).unwrap_err());
        assert_eq!((f.code, f.labels[0].line), ("durbin::panel::unbalanced", 5));
        assert!(f.message.contains("`Dora` lacks 2") && f.message.contains("1 of 3 units"), "{}", f.message);
        let help = f.help.unwrap();
        assert!(help.contains("`balance drop` leaves out 1 of 3 units and 2 of 8 rows"), "{help}");
        assert!(help.contains("`balance allow`"));
    }

    #[test]
    fn a_key_in_two_spellings_is_given_as_the_cause() {
        let help =
            with("u,t\nBern,1\nBERN,2\nA,1\nA,2\n", |k, i, r| check_balanced(k, i, r).unwrap_err().help.unwrap());
        assert!(help.contains("\"BERN\" looks like \"Bern\""), "{help}");
    }

    #[test]
    fn rows_in_use_decide() {
        assert!(!with(GAP, |_, i, r| is_balanced(i, r)));
        assert!(with(GAP, |_, i, _| is_balanced(i, &[0, 2, 3, 4])));
    }

    impl Kept {
        fn parts(self) -> (Vec<u32>, Vec<String>, usize, Fault) {
            (self.rows, self.units, self.dropped, self.note.unwrap())
        }
    }

    #[test]
    fn dropping_names_the_units() {
        let (rows, units, dropped, note) = with(GAP, |k, i, r| drop_unbalanced(k, i, r).unwrap().parts());
        assert_eq!((rows, units, dropped), (vec![0, 1, 2, 5, 6, 7], vec!["Dora".to_string()], 2));
        assert!(note.message.contains("`Dora`") && note.message.contains("1 unit "));
        let f = with("u,t\nA,1\nB,2\n", |k, i, r| drop_unbalanced(k, i, r).unwrap_err());
        assert_eq!(f.code, "durbin::panel::empty");
        assert!(f.message.contains("`balance drop`") && f.message.contains("2 rows"));
    }

    #[test]
    fn cells_run_over_units_first() {
        let c = with("u,t\nB,1\nA,2\nA,1\n", |_, i, r| cells(i, r));
        assert_eq!(c, [Some(2), Some(0), Some(1), None]);
    }

    #[test]
    fn runs_of_years_are_shortened() {
        assert_eq!(years(&[1, 2, 3, 5, 8, 9]), "1 to 3, 5, 8, 9");
    }
}
