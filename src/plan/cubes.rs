//! Data sets: long tables read, their rows kept and joined as a panel's are, and their columns as arrays over the keys.

use super::arrays::NO_VALUE;
use super::panels::PanelData;
use super::{Planner, Reported, Step};
use crate::check::spec::{DataSpec, MissingPolicy};
use crate::data::array::{Array, Dimension, MOST_CELLS, over};
use crate::data::csv::nfc;
use crate::data::keys::padded_key;
use crate::data::numbers::numbers_unless_text;
use crate::data::series::Series;
use crate::fault::{Fault, counted, ticked_list};
use crate::source::Span;
use rayon::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;

/// A data set in memory. Invariants: `cells[k]` is the cell of row `rows.rows[k]` in the array over `dims`; no two rows
/// have one cell.
pub(crate) struct DataSet {
    pub rows: PanelData,
    pub dims: Vec<Dimension>,
    pub(super) cells: Vec<u32>,
    pub(super) absent: Option<f64>,
    /// How many rows were added up, where they were.
    pub(super) records: Option<usize>,
}

impl DataSet {
    /// Rows, and the labels of each key.
    pub fn sizes(&self) -> (usize, Vec<usize>) {
        (self.rows.rows.len(), self.dims.iter().map(Dimension::len).collect())
    }

    /// Combinations of keys that no row has, where these are missing: how many of how many, and the first.
    pub fn gaps(&self) -> Option<(String, String)> {
        let cells: usize = self.dims.iter().map(Dimension::len).product();
        if self.absent.is_some() || self.cells.len() >= cells {
            return None;
        }
        let mut there = vec![false; cells];
        self.cells.iter().for_each(|&c| there[c as usize] = true);
        let mut left = there.iter().position(|t| !t)?;
        let mut labels = Vec::new();
        for dim in self.dims.iter().rev() {
            labels.push(dim.labels[left % dim.len()].to_string());
            left /= dim.len();
        }
        labels.reverse();
        let keys: Vec<&str> = self.dims.iter().map(|d| d.name.as_str()).collect();
        let count = format!("{} of {cells} combinations of {}", cells - self.cells.len(), ticked_list(&keys));
        Some((count, labels.join(" ")))
    }
}

impl Planner<'_> {
    /// Loads a data set of the spec.
    pub(super) fn data_set(&mut self, number: usize) -> Step<DataSet> {
        let spec = self.spec;
        let declared = &spec.data[number];
        if let Some(sums) = &declared.sums {
            return self.summed(declared, sums);
        }
        let mut rows = self.rows_of(&declared.rows)?;
        self.joins(&declared.rows, &mut rows)?;
        self.steps(&declared.rows, &mut rows)?;
        if declared.rows.missing == MissingPolicy::Drop {
            self.drop_missing_cells(declared, &mut rows)?;
        }
        let (dims, codes) = self.dimensions(declared, &rows)?;
        let cells = self.placed(declared, &rows, &dims, &codes)?;
        Ok(DataSet { rows, dims, cells, absent: declared.absent, records: None })
    }

    fn drop_missing_cells(&mut self, declared: &DataSpec, rows: &mut PanelData) -> Step<()> {
        let values: Vec<usize> = match &declared.values {
            Some(names) => names.iter().filter_map(|n| rows.table.column(n)).collect(),
            None => (0..rows.table.header.len())
                .filter(|&c| !declared.keys.iter().any(|k| k == rows.table.name(c)))
                .collect(),
        };
        let gone = |r: &u32| {
            values.iter().any(|&c| crate::data::numbers::is_missing(rows.table.get(*r as usize, c), &rows.markers))
        };
        let kept: Vec<u32> = rows.rows.iter().copied().filter(|r| !gone(r)).collect();
        let dropped = rows.rows.len() - kept.len();
        rows.rows = kept;
        self.rows_dropped(declared, dropped);
        Ok(())
    }

    /// What `missing drop` left out.
    pub(super) fn rows_dropped(&mut self, declared: &DataSpec, dropped: usize) {
        if dropped > 0 {
            let message = format!(
                "`missing drop` left {} of data set `{}` out",
                counted(dropped, "row", "rows"),
                declared.rows.name
            );
            self.report(Fault::note("durbin::panel::rows_dropped", message), declared.rows.missing_place.0);
        }
    }

    /// The dimensions of a data set and the label of each row in each.
    pub(super) fn dimensions(
        &mut self,
        declared: &DataSpec,
        rows: &PanelData,
    ) -> Step<(Vec<Dimension>, Vec<Vec<u32>>)> {
        let place = declared.keys_place.0;
        let mut columns = Vec::new();
        for key in &declared.keys {
            columns.push(rows.table.column(key).ok_or(Reported)?);
        }
        let mut faults: Vec<Fault> = columns.iter().filter_map(|&c| padded_key(&rows.table, c, &rows.rows)).collect();
        let coded: Vec<(Dimension, Vec<u32>, Option<u32>)> =
            columns.par_iter().zip(&declared.keys).map(|(&c, key)| coded(rows, c, key)).collect();
        for ((_, _, empty), key) in coded.iter().zip(&declared.keys) {
            if let Some(row) = empty {
                let message = format!("a row of data set `{}` has no `{key}`", declared.rows.name);
                let fault = Fault::error("durbin::data::missing_key", message)
                    .help("fill it in, or leave the row out with `where`");
                let column = rows.table.column(key).unwrap_or(0);
                faults.push(rows.table.label(fault, *row as usize, column, "nothing stands here"));
            }
        }
        if !faults.is_empty() {
            return Err(self.report_all(faults, place));
        }
        Ok(coded.into_iter().map(|(d, codes, _)| (d, codes)).unzip())
    }

    /// The cell of each row; `duplicate_key` where two rows have the same.
    pub(super) fn placed(
        &mut self,
        declared: &DataSpec,
        rows: &PanelData,
        dims: &[Dimension],
        codes: &[Vec<u32>],
    ) -> Step<Vec<u32>> {
        let place = declared.keys_place.0;
        let cells: f64 = dims.iter().map(|d| d.len() as f64).product();
        if cells > MOST_CELLS as f64 {
            let sizes: Vec<String> = dims.iter().map(|d| format!("{} {}", d.len(), d.name)).collect();
            let message = format!("data set `{}` has {cells:.3e} cells ({})", declared.rows.name, sizes.join(" × "));
            let fault = Fault::error("durbin::data::too_large", message).help(
                "at most 200 million cells are held: sum the rows over a key first, or leave labels out with `where`",
            );
            return Err(self.report(fault, place));
        }
        let mut out = vec![0u32; rows.rows.len()];
        for (dim, codes) in dims.iter().zip(codes) {
            let n = dim.len() as u32;
            out.par_iter_mut().zip(codes).for_each(|(cell, &code)| *cell = *cell * n + code);
        }
        let mut seen = vec![u32::MAX; cells as usize];
        for (k, &cell) in out.iter().enumerate() {
            if seen[cell as usize] != u32::MAX {
                let first = rows.rows[seen[cell as usize] as usize];
                return Err(self.report(duplicate(declared, rows, [first, rows.rows[k]]), place));
            }
            seen[cell as usize] = k as u32;
        }
        Ok(out)
    }

    /// A column of a data set as an array, its dimensions under the names given.
    pub(super) fn cube(&mut self, data: usize, column: &str, dims: &[String], place: Span) -> Step<Array> {
        let set = self.data.get(data).and_then(Option::as_ref).cloned().ok_or(Reported)?;
        let values = match self.cubes.get(&(data, column.to_string())) {
            Some(known) => known.clone(),
            None => {
                let made = Arc::new(self.cube_values(&set, column, place)?);
                self.cubes.insert((data, column.to_string()), made.clone());
                made
            }
        };
        let named = set.dims.iter().zip(dims).map(|(d, n)| Dimension { name: n.clone(), labels: d.labels.clone() });
        let mut array = over(named.collect(), (*values).clone(), None);
        let gone = self.reason(&format!("{NO_VALUE}{}", set.rows.name));
        if (0..array.values.len()).any(|c| array.values.is_missing(c)) {
            array.why =
                Some((0..array.values.len()).map(|c| if array.values.is_missing(c) { gone } else { 0 }).collect());
        }
        Ok(array)
    }

    fn cube_values(&mut self, set: &DataSet, column: &str, place: Span) -> Step<Series> {
        let rows = &set.rows;
        let series = match (rows.lets.get(column), rows.table.column(column)) {
            (Some(value), _) => value.spread(rows.table.rows()),
            (None, Some(c)) => match numbers_unless_text(&rows.table, c, &rows.markers, &rows.rows) {
                Some(Ok(values)) => Series::Numbers(values),
                Some(Err(faults)) => return Err(self.report_all(faults, place)),
                None => Series::of_texts(&rows.table, c, &rows.markers),
            },
            (None, None) => return Err(Reported),
        };
        let cells: usize = set.dims.iter().map(Dimension::len).product();
        if let Series::Numbers(x) = &series {
            let mut out = vec![set.absent.unwrap_or(f64::NAN); cells];
            for (&row, &cell) in rows.rows.iter().zip(&set.cells) {
                out[cell as usize] = x[row as usize];
            }
            return Ok(Series::Numbers(out));
        }
        let mut from = vec![None; cells];
        for (&row, &cell) in rows.rows.iter().zip(&set.cells) {
            from[cell as usize] = Some(row);
        }
        Ok(series.gather(&from))
    }
}

/// The labels of a key in key order, the label of each row, and the first row without one.
fn coded(rows: &PanelData, column: usize, key: &str) -> (Dimension, Vec<u32>, Option<u32>) {
    let mut known: HashMap<&str, u32> = HashMap::new();
    let mut names: Vec<&str> = Vec::new();
    let mut codes: Vec<u32> = Vec::with_capacity(rows.rows.len());
    let mut empty = None;
    let mut last: Option<(&str, u32)> = None;
    for &r in &rows.rows {
        let cell = rows.table.get(r as usize, column);
        if let Some((_, code)) = last.filter(|l| l.0 == cell) {
            codes.push(code);
            continue;
        }
        if cell.is_empty() && empty.is_none() {
            empty = Some(r);
        }
        let code = *known.entry(cell).or_insert_with(|| {
            names.push(cell);
            names.len() as u32 - 1
        });
        last = Some((cell, code));
        codes.push(code);
    }
    let dim = Dimension::new(key, names.iter().map(|n| Arc::from(nfc(n).as_ref())));
    let place: HashMap<&str, u32> = dim.labels.iter().enumerate().map(|(i, l)| (l.as_ref(), i as u32)).collect();
    let of: Vec<u32> = names.iter().map(|n| place.get(nfc(n).as_ref()).copied().unwrap_or(0)).collect();
    codes.iter_mut().for_each(|c| *c = of[*c as usize]);
    (dim, codes, empty)
}

fn duplicate(declared: &DataSpec, rows: &PanelData, twice: [u32; 2]) -> Fault {
    let keys: Vec<String> = (declared.keys.iter())
        .filter_map(|k| rows.table.column(k).map(|c| format!("{k} {}", rows.table.get(twice[0] as usize, c))))
        .collect();
    let message = format!("two rows of data set `{}` have the same keys: {}", declared.rows.name, keys.join(", "));
    let mut fault = Fault::error("durbin::data::duplicate_key", message).help(format!(
        "keep one of them, or name a further key beside {}; a column that tells them apart belongs among `keys`",
        ticked_list(&declared.keys)
    ));
    for (row, text) in twice.into_iter().zip(["the first is here", "and here again"]) {
        fault = fault.label(&rows.table.file, rows.table.line(row as usize), 1, text);
    }
    fault
}

/// What a printed data set says.
pub(crate) fn described(set: &DataSet, spec: &DataSpec) -> crate::outcome::DataSummary {
    let rows = &set.rows;
    let mut out = crate::data::describe::describe_data(&rows.table, &rows.rows, &rows.markers, &set.dims, &rows.lets);
    out.records = set.records;
    if let Some(values) = &spec.values {
        out.columns.retain(|c| values.contains(&c.name));
    }
    out
}
