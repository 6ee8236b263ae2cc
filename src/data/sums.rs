//! Rows of equal keys become one: columns added up in the order of the rows, and how many rows there were.

use std::collections::HashMap;

use crate::data::table::{Table, TextColumn};

/// One row per combination of keys, in the order in which they come first.
#[derive(Default)]
pub struct Sums {
    known: HashMap<Box<[u8]>, u32>,
    keys: Vec<TextColumn>,
    lines: Vec<u32>,
    counts: Vec<u64>,
    /// By column.
    totals: Vec<Vec<f64>>,
}

impl Sums {
    /// Of so many keys and so many columns.
    pub fn of(keys: usize, columns: usize) -> Sums {
        Sums { keys: vec![TextColumn::default(); keys], totals: vec![Vec::new(); columns], ..Sums::default() }
    }

    /// How many combinations of keys there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The number of a combination of keys; `line`: where it stands, if it is new. `None`: beyond what a table holds.
    pub fn group(&mut self, cells: &[&str], line: impl FnOnce() -> usize) -> Option<u32> {
        let mut key = Vec::with_capacity(16 * cells.len());
        for cell in cells {
            key.extend_from_slice(&(cell.len() as u32).to_le_bytes());
            key.extend_from_slice(cell.as_bytes());
        }
        if let Some(&group) = self.known.get(&key[..]) {
            return Some(group);
        }
        let group = u32::try_from(self.lines.len()).ok().filter(|&g| g < u32::MAX - 1)?;
        if !self.keys.iter_mut().zip(cells).all(|(column, cell)| column.push(cell)) {
            return None;
        }
        self.known.insert(key.into(), group);
        self.lines.push(u32::try_from(line()).unwrap_or(u32::MAX));
        self.counts.push(0);
        self.totals.iter_mut().for_each(|t| t.push(0.0));
        Some(group)
    }

    /// Adds a row to a group: what is missing makes the sum missing.
    pub fn add(&mut self, group: u32, values: impl Iterator<Item = f64>) {
        self.counts[group as usize] += 1;
        for (total, value) in self.totals.iter_mut().zip(values) {
            total[group as usize] += value;
        }
    }

    /// The table of the sums: the keys under their names, then the columns, then the count. A number is written so that
    /// it reads back as it is.
    pub fn table(self, file: &str, keys: &[String], columns: &[String], count: Option<&String>) -> Option<Table> {
        let header: Vec<String> = keys.iter().chain(columns).chain(count).cloned().collect();
        let mut all = self.keys;
        for total in &self.totals {
            let mut column = TextColumn::default();
            let written = |x: f64| if x.is_nan() { String::new() } else { x.to_string() };
            if !total.iter().all(|&x| column.push(&written(x))) {
                return None;
            }
            all.push(column);
        }
        if count.is_some() {
            let mut column = TextColumn::default();
            if !self.counts.iter().all(|n| column.push(&n.to_string())) {
                return None;
            }
            all.push(column);
        }
        Some(Table::new(file, header, all, self.lines))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_equal_keys_are_added_up() {
        let mut sums = Sums::of(2, 1);
        for (k, (town, year, x)) in
            [("a", "1", 0.1), ("b", "1", 5.0), ("a", "1", 0.2), ("a", "11", 1e300), ("b", "1", f64::NAN)]
                .into_iter()
                .enumerate()
        {
            let group = sums.group(&[town, year], || k + 2).unwrap();
            sums.add(group, std::iter::once(x));
        }
        let names = |n: &[&str]| n.iter().map(|s| s.to_string()).collect::<Vec<_>>();
        let table = sums.table("f.csv", &names(&["town", "year"]), &names(&["x"]), Some(&"firms".to_string())).unwrap();
        assert_eq!(table.header, ["town", "year", "x", "firms"]);
        assert_eq!(table.lines, [2, 3, 5]);
        assert_eq!(table.number(0, 2), Some(0.1 + 0.2));
        assert_eq!((table.get(1, 2), table.get(1, 3), table.number(2, 2)), ("", "2", Some(1e300)));
    }

    #[test]
    fn keys_that_run_together_are_told_apart() {
        let mut sums = Sums::of(2, 0);
        let groups = [["a", "bc"], ["ab", "c"], ["abc", ""]].map(|k| sums.group(&k, || 1));
        assert_eq!(groups, [Some(0), Some(1), Some(2)]);
    }
}
