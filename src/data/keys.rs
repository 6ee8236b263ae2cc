//! The two keys of a panel: a unit and a period for every row, and what can be wrong with them.

use std::collections::HashMap;

use crate::data::similar::alike;
use crate::data::table::Table;
use crate::fault::{Fault, counted};

/// A row that is not in the panel.
pub const NONE: u32 = u32::MAX;

/// Which columns of which table are the keys of a panel.
#[derive(Clone, Copy, Debug)]
pub struct Keys<'a> {
    /// The panel's name, for messages.
    pub panel: &'a str,
    pub table: &'a Table,
    /// Column numbers of the unit and of the time.
    pub unit: usize,
    pub time: usize,
}

/// Unit and period of every row. Invariants: `units` sorted by Unicode code points (NFC), `periods` ascending,
/// both without repetition and without one that no row has; `unit_of` and `period_of` have an entry per row of the
/// table, [`NONE`] for rows that are not in the panel; no unit and period stand twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PanelIndex {
    pub units: Vec<String>,
    pub periods: Vec<i64>,
    pub unit_of: Vec<u32>,
    pub period_of: Vec<u32>,
}

impl PanelIndex {
    /// The number of a unit, in key order.
    pub fn unit(&self, name: &str) -> Option<usize> {
        self.units.binary_search_by(|u| u.as_str().cmp(name)).ok()
    }

    /// The number of a period.
    pub fn period(&self, period: i64) -> Option<usize> {
        self.periods.binary_search(&period).ok()
    }

    /// Unit and period numbers of a row of the table, if it is in the panel.
    pub fn cell(&self, row: usize) -> Option<(usize, usize)> {
        match (self.unit_of.get(row), self.period_of.get(row)) {
            (Some(&u), Some(&p)) if u != NONE && p != NONE => Some((u as usize, p as usize)),
            _ => None,
        }
    }

    /// The name of a row's unit, empty outside the panel.
    pub fn unit_name(&self, row: usize) -> &str {
        self.cell(row).and_then(|(u, _)| self.units.get(u)).map_or("", String::as_str)
    }

    /// The period of a row, if it is in the panel.
    pub fn period_at(&self, row: usize) -> Option<i64> {
        self.cell(row).and_then(|(_, p)| self.periods.get(p)).copied()
    }

    /// `unit period` as messages name a row: `` `Bera` 2003``.
    pub fn named(&self, row: usize) -> String {
        match self.period_at(row) {
            Some(period) => format!("`{}` {period}", self.unit_name(row)),
            None => String::new(),
        }
    }

    /// Rows of the table that are in the panel, ascending.
    pub fn rows(&self) -> Vec<u32> {
        (0..self.unit_of.len() as u32).filter(|&r| self.unit_of[r as usize] != NONE).collect()
    }

    /// Rows by unit and period: sums over them do not depend on the order of the file.
    pub fn ordered(&self, rows: &[u32]) -> Vec<u32> {
        let mut rows = rows.to_vec();
        rows.sort_by_key(|&r| self.cell(r as usize));
        rows
    }

    /// The index of some of its rows; units and periods without a row leave.
    pub fn restrict(&self, rows: &[u32]) -> PanelIndex {
        let (mut has_unit, mut has_period) = (vec![false; self.units.len()], vec![false; self.periods.len()]);
        let mut kept = vec![false; self.unit_of.len()];
        for &row in rows {
            if let Some((u, p)) = self.cell(row as usize) {
                (has_unit[u], has_period[p], kept[row as usize]) = (true, true, true);
            }
        }
        let (unit_now, period_now) = (renumbered(&has_unit), renumbered(&has_period));
        let moved = |of: &[u32], now: &[u32]| {
            of.iter().zip(&kept).map(|(&k, &kept)| if kept { now[k as usize] } else { NONE }).collect()
        };
        PanelIndex {
            units: self.units.iter().zip(&has_unit).filter(|(_, h)| **h).map(|(u, _)| u.clone()).collect(),
            periods: self.periods.iter().zip(&has_period).filter(|(_, h)| **h).map(|(p, _)| *p).collect(),
            unit_of: moved(&self.unit_of, &unit_now),
            period_of: moved(&self.period_of, &period_now),
        }
    }

    /// Which row holds a unit and period.
    pub fn cell_map(&self) -> CellMap {
        let periods = self.periods.len();
        let size = self.units.len().saturating_mul(periods);
        let rows = (0..self.unit_of.len()).filter_map(|r| self.cell(r).map(|(u, p)| (u * periods + p, r as u32)));
        let map = if size <= 1024 + 8 * self.unit_of.len() {
            let mut dense = vec![NONE; size];
            for (at, row) in rows {
                dense[at] = row;
            }
            Cells::Dense(dense)
        } else {
            Cells::Sparse(rows.collect())
        };
        CellMap { periods, map }
    }
}

/// New numbers of what is kept, [`NONE`] for the rest.
fn renumbered(kept: &[bool]) -> Vec<u32> {
    let mut next = 0;
    kept.iter()
        .map(|&k| {
            if !k {
                return NONE;
            }
            next += 1;
            next - 1
        })
        .collect()
}

/// From unit and period to the row of the table; dense where most cells exist.
#[derive(Clone, Debug)]
pub struct CellMap {
    periods: usize,
    map: Cells,
}

#[derive(Clone, Debug)]
enum Cells {
    Dense(Vec<u32>),
    Sparse(HashMap<usize, u32>),
}

impl CellMap {
    /// The row of a unit and period, if there is one.
    pub fn row(&self, unit: usize, period: usize) -> Option<usize> {
        if period >= self.periods {
            return None;
        }
        let at = unit * self.periods + period;
        let row = match &self.map {
            Cells::Dense(rows) => rows.get(at),
            Cells::Sparse(rows) => rows.get(&at),
        };
        row.filter(|&&r| r != NONE).map(|&r| r as usize)
    }
}

/// Reads the keys of the rows asked for. Errors: `missing_key`, `padded_key`, `time_not_integer`, and, where those
/// are sound, `duplicate_key`; warnings: `similar_keys`, `period_gap`.
pub fn read_keys(keys: &Keys, rows: &[u32]) -> Result<(PanelIndex, Vec<Fault>), Vec<Fault>> {
    let table = keys.table;
    let mut faults = Vec::new();
    faults.extend(missing_key(table, keys.unit, rows));
    faults.extend(missing_key(table, keys.time, rows));
    faults.extend(padded_key(table, keys.unit, rows));
    let times = match read_times(table, keys.time, rows) {
        Ok(times) => times,
        Err(fault) => {
            faults.push(fault);
            Vec::new()
        }
    };
    if !faults.is_empty() {
        return Err(faults);
    }
    let index = build(keys, rows, &times);
    if let Some(fault) = duplicate_key(keys, &index, rows) {
        return Err(vec![fault]);
    }
    let warnings = similar_keys(keys, &index).into_iter().chain(period_gap(keys.panel, &index)).collect();
    Ok((index, warnings))
}

fn build(keys: &Keys, rows: &[u32], times: &[i64]) -> PanelIndex {
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    let mut names: Vec<&str> = Vec::new();
    let mut unit_of = vec![NONE; keys.table.rows()];
    let mut last: Option<(&str, u32)> = None;
    for &row in rows {
        let name = keys.table.get(row as usize, keys.unit);
        let number = match last {
            Some((same, number)) if same == name => number,
            _ => *numbers.entry(name).or_insert_with(|| {
                names.push(name);
                names.len() as u32 - 1
            }),
        };
        last = Some((name, number));
        if let Some(slot) = unit_of.get_mut(row as usize) {
            *slot = number;
        }
    }
    let mut order: Vec<u32> = (0..names.len() as u32).collect();
    order.sort_unstable_by_key(|&k| names[k as usize]);
    let mut rank = vec![0u32; names.len()];
    for (new, &old) in order.iter().enumerate() {
        rank[old as usize] = new as u32;
    }
    for u in unit_of.iter_mut().filter(|u| **u != NONE) {
        *u = rank[*u as usize];
    }
    let mut periods = times.to_vec();
    periods.sort_unstable();
    periods.dedup();
    let mut period_of = vec![NONE; keys.table.rows()];
    for (&row, time) in rows.iter().zip(times) {
        if let (Some(slot), Ok(p)) = (period_of.get_mut(row as usize), periods.binary_search(time)) {
            *slot = p as u32;
        }
    }
    let units = order.iter().map(|&k| names[k as usize].to_string()).collect();
    PanelIndex { units, periods, unit_of, period_of }
}

/// The integer a time is written as: `2003`, `2003.0`, blanks around.
pub fn parse_time(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(time) = text.parse::<i64>() {
        return Some(time);
    }
    let time: f64 = text.parse().ok()?;
    let whole = time.is_finite() && time.fract() == 0.0 && time.abs() < 9e15;
    whole.then_some(time as i64)
}

fn read_times(table: &Table, col: usize, rows: &[u32]) -> Result<Vec<i64>, Fault> {
    let mut times = Vec::with_capacity(rows.len());
    let mut bad: Vec<usize> = Vec::new();
    let mut last: Option<(&str, Option<i64>)> = None;
    for &row in rows {
        let text = table.get(row as usize, col);
        let time = match last {
            Some((same, time)) if same == text => time,
            _ => parse_time(text),
        };
        last = Some((text, time));
        match time {
            Some(time) => times.push(time),
            None if text.trim().is_empty() => {}
            None => bad.push(row as usize),
        }
    }
    let Some(&first) = bad.first() else { return Ok(times) };
    let value = table.get(first, col);
    let more = if bad.len() > 1 { format!("; {} rows have such a time", bad.len()) } else { String::new() };
    let fault = Fault::error(
        "durbin::data::time_not_integer",
        format!("\"{value}\" in time column `{}` is not an integer{more}", table.name(col)),
    )
    .help("write an integer for each period in a column of its own: the year, or quarters counted one after another");
    Err(table.label(fault, first, col, format!("\"{value}\" stands here")))
}

/// An empty key: its line, and how many.
fn missing_key(table: &Table, col: usize, rows: &[u32]) -> Option<Fault> {
    let empty: Vec<usize> = rows.iter().map(|&r| r as usize).filter(|&r| table.get(r, col).trim().is_empty()).collect();
    let &first = empty.first()?;
    let name = table.name(col);
    let (_, line) = table.place(first, col);
    let message = if empty.len() == 1 {
        format!("key column `{name}` is empty on line {line} of {}", table.file_of(col))
    } else {
        format!("key column `{name}` is empty in {} rows of {}, first on line {line}", empty.len(), table.file_of(col))
    };
    let fault = Fault::error("durbin::data::missing_key", message)
        .help(format!("fill `{name}` in, or leave such rows out of the file"));
    Some(table.label(fault, first, col, format!("no `{name}` here")))
}

/// Whether a key has blanks around it.
pub fn is_padded(key: &str) -> bool {
    key.len() != key.trim().len() && !key.trim().is_empty()
}

/// A key with blanks around it: the key in quotes, its line, and how many.
pub fn padded_key(table: &Table, col: usize, rows: &[u32]) -> Option<Fault> {
    let padded: Vec<usize> = rows.iter().map(|&r| r as usize).filter(|&r| is_padded(table.get(r, col))).collect();
    let &first = padded.first()?;
    let key = table.get(first, col);
    let (_, line) = table.place(first, col);
    let mut message = format!(
        "the key \"{key}\" in column `{}` on line {line} of {} has blanks around it",
        table.name(col),
        table.file_of(col)
    );
    if padded.len() > 1 {
        message.push_str(&format!("; {} rows have such a key", padded.len()));
    }
    let fault = Fault::error("durbin::data::padded_key", message)
        .help(format!("write \"{}\" in the file: keys are compared as written", key.trim()));
    Some(table.label(fault, first, col, format!("\"{key}\"")))
}

/// One unit and period on several rows.
fn duplicate_key(keys: &Keys, index: &PanelIndex, rows: &[u32]) -> Option<Fault> {
    let mut order: Vec<(u32, u32, u32)> =
        rows.iter().map(|&r| (index.unit_of[r as usize], index.period_of[r as usize], r)).collect();
    order.sort_unstable();
    let mut groups: Vec<&[(u32, u32, u32)]> =
        order.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)).filter(|g| g.len() > 1).collect();
    groups.sort_unstable_by_key(|g| g[0].2);
    let first = *groups.first()?;
    let table = keys.table;
    let (unit, time) = (table.name(keys.unit), table.name(keys.time));
    let names: Vec<String> = groups.iter().take(5).map(|g| index.named(g[0].2 as usize)).collect();
    let message = if groups.len() == 1 {
        format!("{} rows of panel `{}` have the same {unit} and {time}: {}", first.len(), keys.panel, names[0])
    } else {
        let more = if groups.len() > 5 { format!(" and {} more", groups.len() - 5) } else { String::new() };
        format!(
            "{} pairs of {unit} and {time} stand on several rows of panel `{}`: {}{more}",
            groups.len(),
            keys.panel,
            names.join(", ")
        )
    };
    let mut fault = Fault::error("durbin::panel::duplicate_key", message)
        .help(format!("keep one of them in {}, or choose one with `where`", table.file));
    for (k, &(_, _, row)) in first.iter().take(5).enumerate() {
        let text = if k == 0 { format!("{} is here", names[0]) } else { "and here again".to_string() };
        fault = fault.label(&table.file, table.line(row as usize), 1, text);
    }
    Some(fault)
}

/// Units that look alike.
fn similar_keys(keys: &Keys, index: &PanelIndex) -> Option<Fault> {
    let groups = alike(index.units.iter().map(String::as_str));
    let first = groups.first()?;
    let shown: Vec<String> = groups
        .iter()
        .take(5)
        .map(|g| g.iter().take(5).map(|k| format!("\"{k}\"")).collect::<Vec<_>>().join(" and "))
        .collect();
    let more = if groups.len() > 5 { format!("; and {} more", groups.len() - 5) } else { String::new() };
    let message = format!(
        "{} of panel `{}` {} only in case, width, accents or blanks: {}{more}",
        if groups.len() == 1 { "units".to_string() } else { counted(groups.len(), "group", "groups of units") },
        keys.panel,
        if groups.len() == 1 { "that differ" } else { "differ" },
        shown.join("; ")
    );
    let mut fault = Fault::warning("durbin::data::similar_keys", message)
        .help("they count as different units; if they are one, write them alike in the file");
    for key in first.iter().take(2) {
        let row = index.unit(key).and_then(|u| index.unit_of.iter().position(|&k| k == u as u32));
        if let Some(row) = row {
            fault = keys.table.label(fault, row, keys.unit, format!("\"{key}\""));
        }
    }
    Some(fault)
}

/// Periods between the first and the last that no unit has: the first five, and how many there are.
pub fn gaps(index: &PanelIndex) -> (Vec<i64>, u64) {
    let mut first = Vec::new();
    let mut count = 0u64;
    for pair in index.periods.windows(2) {
        let lacking = pair[1].abs_diff(pair[0]).saturating_sub(1);
        count = count.saturating_add(lacking);
        let wanted = (5usize.saturating_sub(first.len()) as u64).min(lacking);
        first.extend((1..=wanted).map(|k| pair[0].saturating_add_unsigned(k)));
    }
    (first, count)
}

fn period_gap(panel: &str, index: &PanelIndex) -> Option<Fault> {
    let (first, count) = gaps(index);
    if count == 0 {
        return None;
    }
    let shown: Vec<String> = first.iter().map(i64::to_string).collect();
    let more = if count > 5 { format!(" and {} more", count - 5) } else { String::new() };
    let periods = if count == 1 { "period" } else { "periods" };
    Some(
        Fault::warning(
            "durbin::panel::period_gap",
            format!("no unit of panel `{panel}` has {periods} {}{more}", shown.join(", ")),
        )
        .help("models take the periods there are as consecutive; a `lag` or `diff` across a gap is an error"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::csv::read;
    use proptest::prelude::*;

    fn table(text: &str) -> Table {
        read("t.csv", text.as_bytes()).unwrap().0
    }

    fn keyed(table: &Table) -> Result<(PanelIndex, Vec<Fault>), Vec<Fault>> {
        read_keys(&Keys { panel: "towns", table, unit: 0, time: 1 }, &table.all_rows())
    }

    fn fault(text: &str) -> Fault {
        keyed(&table(text)).unwrap_err().remove(0)
    }

    #[test]
    fn units_are_sorted_and_periods_ascend() {
        let (index, warnings) = keyed(&table("u,t\nb,2002\nNA,2001.0\nÉ,2002\nb, 2001\n")).unwrap();
        assert_eq!(index.units, ["NA", "b", "É"]);
        assert_eq!(index.periods, [2001, 2002]);
        assert_eq!(index.unit_of, [1, 0, 2, 1]);
        assert_eq!(index.period_of, [1, 0, 1, 0]);
        assert!(warnings.is_empty());
        assert_eq!(index.named(0), "`b` 2002");
        assert_eq!(index.cell_map().row(1, 0), Some(3));
        assert_eq!(index.cell_map().row(0, 1), None);
    }

    #[test]
    fn keys_are_text_as_written() {
        let (index, _) = keyed(&table("u,t\n01,1\n1,1\n")).unwrap();
        assert_eq!(index.units, ["01", "1"]);
    }

    #[test]
    fn an_empty_key_has_its_line() {
        let f = fault("town,year\nA,1\n,1\n\n,2\n");
        assert_eq!((f.code, f.labels[0].line), ("durbin::data::missing_key", 3));
        assert!(f.message.contains("`town`") && f.message.contains("2 rows"));
        assert_eq!(fault("town,year\nA,\n").labels[0].line, 2);
    }

    #[test]
    fn a_padded_key_is_quoted() {
        let f = fault("town,year\nA,1\n\"Bera \",1\n");
        assert_eq!((f.code, f.labels[0].line), ("durbin::data::padded_key", 3));
        assert!(f.message.contains("\"Bera \""));
    }

    #[test]
    fn times_are_integers() {
        for bad in ["2003.5", "2003Q1", "2003-01-01", "Jan", "NA", "inf", "1e300"] {
            let f = fault(&format!("town,year\nA,1\nB,{bad}\n"));
            assert_eq!((f.code, f.labels[0].line), ("durbin::data::time_not_integer", 3));
            assert!(f.message.contains(bad));
        }
    }

    #[test]
    fn a_key_twice_shows_every_line() {
        let f = fault("town,year\nBera,2003\nA,1\nBera,2003.0\n");
        assert_eq!(f.code, "durbin::panel::duplicate_key");
        assert_eq!(f.message, "2 rows of panel `towns` have the same town and year: `Bera` 2003");
        assert_eq!(f.labels.iter().map(|l| l.line).collect::<Vec<_>>(), [2, 4]);
        assert_eq!(f.labels[0].text, "`Bera` 2003 is here");
        let f = fault("town,year\nA,1\nA,1\nB,1\nB,1\n");
        assert!(f.message.starts_with("2 pairs of town and year stand on several rows of panel `towns`: `A` 1, `B` 1"));
    }

    #[test]
    fn similar_units_and_gaps_are_warned_of() {
        let (_, w) = keyed(&table("town,year\nBern,2001\nBERN,2001\nBern,2004\nBERN,2004\n")).unwrap();
        assert_eq!(w[0].code, "durbin::data::similar_keys");
        assert!(w[0].message.contains("\"BERN\" and \"Bern\""), "{}", w[0].message);
        assert_eq!(w[0].labels.iter().map(|l| l.line).collect::<Vec<_>>(), [3, 2]);
        assert_eq!(w[1].code, "durbin::panel::period_gap");
        assert!(w[1].message.contains("periods 2002, 2003"), "{}", w[1].message);
    }

    #[test]
    fn enormous_times_do_not_hang() {
        let (_, w) = keyed(&table("u,t\nA,-9000000000000000000\nA,9000000000000000000\n")).unwrap();
        assert!(w[0].message.contains("more"));
    }

    #[test]
    fn a_restricted_index_forgets_units_and_periods() {
        let (index, _) = keyed(&table("u,t\nA,1\nA,2\nB,2\nC,3\n")).unwrap();
        let small = index.restrict(&[1, 2]);
        assert_eq!((small.units.len(), small.periods.clone()), (2, vec![2]));
        assert_eq!(small.unit_of, [NONE, 0, 1, NONE]);
        assert_eq!(small.rows(), [1, 2]);
    }

    proptest! {
        #[test]
        fn the_order_of_rows_changes_no_cell(seed in prop::collection::vec(any::<u32>(), 12)) {
            let mut pairs: Vec<(String, i64)> = (0..4).flat_map(|u| (0..3).map(move |t| (format!("u{u}"), t))).collect();
            let sorted = pairs.clone();
            pairs.sort_by_key(|p| seed[(p.0.len() + p.1 as usize * 4 + p.0.as_bytes()[1] as usize) % 12]);
            let text: String = pairs.iter().map(|(u, t)| format!("{u},{t}\n")).collect();
            let (index, _) = keyed(&table(&format!("u,t\n{text}"))).unwrap();
            let map = index.cell_map();
            for (u, t) in sorted {
                let row = map.row(index.unit(&u).unwrap(), index.period(t).unwrap()).unwrap();
                prop_assert_eq!(&pairs[row], &(u, t));
            }
        }
    }
}
