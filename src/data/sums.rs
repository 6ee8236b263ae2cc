//! Rows of equal keys become one: columns added up in the order of the rows, and how many rows there were.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::data::table::{Table, TextColumn};

/// Combinations of labels of which a place is kept whether or not they come: 128 MB.
const MOST_PLACES: usize = 1 << 25;
/// No group yet.
const NONE: u32 = u32::MAX;

/// One row per combination of keys, in the order in which they come first.
pub struct Sums {
    /// Of each key, the number of each label.
    numbers: Vec<HashMap<Box<str>, u32>>,
    labels: Vec<TextColumn>,
    groups: Groups,
    lines: Vec<u32>,
    /// Of each group, the sum of each column and how many rows there were.
    totals: Vec<f64>,
    columns: usize,
}

impl Sums {
    /// Of so many keys and so many columns.
    pub fn of(keys: usize, columns: usize) -> Sums {
        Sums {
            numbers: vec![HashMap::new(); keys],
            labels: vec![TextColumn::default(); keys],
            groups: Groups { sizes: vec![1; keys], ..Groups::default() },
            lines: Vec::new(),
            totals: Vec::new(),
            columns,
        }
    }

    /// How many combinations of keys there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The number of a label of a key. `None`: beyond what a table holds.
    pub fn label(&mut self, key: usize, cell: &str) -> Option<u32> {
        if let Some(&number) = self.numbers[key].get(cell) {
            return Some(number);
        }
        let number = u32::try_from(self.labels[key].len()).ok()?;
        if !self.labels[key].push(cell) {
            return None;
        }
        self.numbers[key].insert(cell.into(), number);
        Some(number)
    }

    /// The groups of rows by their labels, of which there is a column per key; `line`: where a row stands, if its group
    /// is new. `None`: beyond what a table holds.
    pub fn groups(&mut self, rows: usize, labels: &[Vec<u32>], line: impl Fn(usize) -> usize) -> Option<Vec<u32>> {
        let mut groups = self.groups.find_all(rows, labels);
        for (row, group) in groups.iter_mut().enumerate().filter(|(_, g)| **g == NONE) {
            let labels: Vec<u32> = labels.iter().map(|column| column[row]).collect();
            *group = self.group(&labels, || line(row))?;
        }
        Some(groups)
    }

    fn group(&mut self, labels: &[u32], line: impl FnOnce() -> usize) -> Option<u32> {
        if let Some(group) = self.groups.find(labels) {
            return Some(group);
        }
        let group = u32::try_from(self.lines.len()).ok().filter(|&g| g < NONE - 1)?;
        self.groups.insert(labels, group);
        self.lines.push(u32::try_from(line()).unwrap_or(u32::MAX));
        self.totals.resize(self.totals.len() + self.columns + 1, 0.0);
        Some(group)
    }

    /// Adds rows of columns to their groups, one after the other: what is missing makes the sum missing.
    pub fn add(&mut self, rows: &[u32], groups: &[u32], values: &[&[f64]]) {
        let width = self.columns + 1;
        for (&row, &group) in rows.iter().zip(groups) {
            let totals = &mut self.totals[group as usize * width..][..width];
            totals[self.columns] += 1.0;
            totals.iter_mut().zip(values).for_each(|(total, x)| *total += x[row as usize]);
        }
    }

    /// The table of the sums: the keys under their names, then the columns, then the count. A number is written so that
    /// it reads back as it is.
    pub fn table(self, file: &str, keys: &[String], columns: &[String], count: Option<&String>) -> Option<Table> {
        let header: Vec<String> = keys.iter().chain(columns).chain(count).cloned().collect();
        let (rows, width) = (self.len(), self.columns + 1);
        let mut all = Vec::new();
        for (key, labels) in self.labels.iter().enumerate() {
            all.push(column((0..rows).map(|g| labels.get(self.groups.label(g, key) as usize).into()))?);
        }
        let written = |x: f64| if x.is_nan() { String::new() } else { x.to_string() };
        for k in 0..columns.len() + usize::from(count.is_some()) {
            let place = if k < columns.len() { k } else { self.columns };
            all.push(column((0..rows).map(|g| written(self.totals[g * width + place]).into()))?);
        }
        Some(Table::new(file, header, all, self.lines))
    }
}

fn column<'c>(mut cells: impl Iterator<Item = Cow<'c, str>>) -> Option<TextColumn> {
    let mut out = TextColumn::default();
    cells.all(|cell| out.push(&cell)).then_some(out)
}

/// Groups by their labels: a place for every combination while these are few, else those that come.
#[derive(Default)]
struct Groups {
    /// The labels of every group.
    labels: Vec<u32>,
    /// Of each key, so many labels have places.
    sizes: Vec<usize>,
    places: Vec<u32>,
    others: HashMap<Box<[u32]>, u32>,
    /// There are too many combinations for places.
    many: bool,
}

impl Groups {
    fn label(&self, group: usize, key: usize) -> u32 {
        self.labels[group * self.sizes.len() + key]
    }

    /// Where a combination has its place, if there is room.
    fn place(&self, labels: &[u32]) -> Option<usize> {
        let mut at = 0;
        for (&label, &size) in labels.iter().zip(&self.sizes) {
            if label as usize >= size {
                return None;
            }
            at = at * size + label as usize;
        }
        Some(at)
    }

    fn find(&self, labels: &[u32]) -> Option<u32> {
        if self.many {
            return self.others.get(labels).copied();
        }
        self.place(labels).and_then(|at| self.places.get(at)).copied().filter(|&g| g != NONE)
    }

    /// The groups of rows, [`NONE`] where there is none yet; first all places, then what is in them, since waiting for
    /// memory is most of the work.
    fn find_all(&self, rows: usize, labels: &[Vec<u32>]) -> Vec<u32> {
        if self.many {
            let of = |row: usize| labels.iter().map(|column| column[row]).collect::<Vec<_>>();
            return (0..rows).map(|row| self.find(&of(row)).unwrap_or(NONE)).collect();
        }
        let mut places = vec![0; rows];
        for (column, &size) in labels.iter().zip(&self.sizes) {
            for (place, &label) in places.iter_mut().zip(column) {
                let inside = *place < usize::MAX && (label as usize) < size;
                *place = if inside { *place * size + label as usize } else { usize::MAX };
            }
        }
        places.iter().map(|&place| self.places.get(place).copied().unwrap_or(NONE)).collect()
    }

    fn insert(&mut self, labels: &[u32], group: u32) {
        self.labels.extend_from_slice(labels);
        if !self.many && self.place(labels).is_none_or(|at| at >= self.places.len()) {
            self.grow(labels);
            return;
        }
        match self.place(labels).filter(|_| !self.many) {
            Some(at) => self.places[at] = group,
            None => drop(self.others.insert(labels.into(), group)),
        }
    }

    /// Makes room for labels and puts every group in its place again.
    fn grow(&mut self, labels: &[u32]) {
        let needed = labels.iter().zip(&self.sizes).map(|(&l, &size)| size.max((l as usize + 1).next_power_of_two()));
        self.sizes = needed.collect();
        let room = self.sizes.iter().try_fold(1usize, |all, &size| all.checked_mul(size));
        let all = self.labels.chunks_exact(labels.len()).zip(0u32..);
        match room.filter(|&r| r <= MOST_PLACES) {
            Some(room) => {
                self.places = vec![NONE; room];
                for (of, group) in all {
                    let at = of.iter().zip(&self.sizes).fold(0, |at, (&l, &size)| at * size + l as usize);
                    self.places[at] = group;
                }
            }
            None => {
                self.others = all.map(|(of, group)| (of.into(), group)).collect();
                (self.many, self.places) = (true, Vec::new());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_equal_keys_are_added_up() {
        let mut sums = Sums::of(2, 1);
        let rows = [("a", "1", 0.1), ("b", "1", 5.0), ("a", "1", 0.2), ("a", "11", 1e300), ("b", "1", f64::NAN)];
        let towns = rows.iter().map(|r| sums.label(0, r.0).unwrap()).collect();
        let years = rows.iter().map(|r| sums.label(1, r.1).unwrap()).collect();
        let groups = sums.groups(rows.len(), &[towns, years], |row| row + 2).unwrap();
        sums.add(&[0, 1, 2, 3, 4], &groups, &[&rows.map(|r| r.2)]);
        let names = |n: &[&str]| n.iter().map(|s| s.to_string()).collect::<Vec<_>>();
        let table = sums.table("f.csv", &names(&["town", "year"]), &names(&["x"]), Some(&"firms".to_string())).unwrap();
        assert_eq!(table.header, ["town", "year", "x", "firms"]);
        assert_eq!(table.lines, [2, 3, 5]);
        assert_eq!(table.number(0, 2), Some(0.1 + 0.2));
        assert_eq!((table.get(1, 0), table.get(2, 1)), ("b", "11"));
        assert_eq!((table.get(1, 2), table.get(1, 3), table.number(2, 2)), ("", "2", Some(1e300)));
    }

    #[test]
    fn groups_are_the_same_with_places_and_without() {
        let mut sums = Sums::of(3, 0);
        let mut known: HashMap<[u32; 3], u32> = HashMap::new();
        // The labels of the first two keys are more than there are places for.
        for from in (0..20_000u32).step_by(1000) {
            let rows = from..from + 1000;
            let labels: [fn(u32) -> u32; 3] = [|k| k % 9000, |k| (k / 7) % 8000, |k| k % 3];
            let labels = labels.map(|label| Vec::from_iter(rows.clone().map(label)));
            for (row, group) in sums.groups(1000, &labels, |_| 1).unwrap().into_iter().enumerate() {
                let labels = [0, 1, 2].map(|key| labels[key][row]);
                assert_eq!(*known.entry(labels).or_insert(group), group, "{labels:?}");
            }
        }
        assert!(sums.groups.many);
        assert_eq!(sums.len(), known.len());
    }
}
