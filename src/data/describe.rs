//! A panel in numbers: units, periods, and each column's kind, missing values, mean, spread and range.

use crate::data::array::Dimension;
use crate::data::keys::{Keys, PanelIndex};
use crate::data::numbers::{Kind, is_missing, kind_of};
use crate::data::series::{Series, Value};
use crate::data::table::Table;
use crate::data::time::mean_sd;
use crate::outcome::{ColumnSummary, DataSummary, KeySummary, PanelSummary};
use indexmap::IndexMap;
use std::collections::BTreeSet;

/// Describes the rows of a panel: the columns of the table but its keys and those without a name, then derived ones,
/// each with one value per row of the table. Standard deviations have the divisor n − 1.
pub fn describe(
    keys: &Keys,
    index: &PanelIndex,
    rows: &[u32],
    markers: &[String],
    derived: &[(&str, &Series)],
) -> PanelSummary {
    let small = index.restrict(rows);
    let rows = &index.ordered(rows)[..];
    let (units, periods) = (small.units.len(), small.periods.len());
    let own = (0..keys.table.header.len())
        .filter(|&c| c != keys.unit && c != keys.time && !keys.table.name(c).is_empty())
        .map(|c| table_column(keys, c, rows, markers));
    let columns = own.chain(derived.iter().map(|(name, values)| series(name, values, rows))).collect();
    PanelSummary {
        units,
        periods,
        rows: rows.len(),
        balanced: units * periods == rows.len(),
        first_period: small.periods.first().copied().unwrap_or(0),
        last_period: small.periods.last().copied().unwrap_or(0),
        unit: keys.table.name(keys.unit).to_string(),
        time: keys.table.name(keys.time).to_string(),
        columns,
    }
}

fn table_column(keys: &Keys, col: usize, rows: &[u32], markers: &[String]) -> ColumnSummary {
    let name = keys.table.name(col);
    let cells = || rows.iter().map(|&r| keys.table.get(r as usize, col)).filter(|c| !is_missing(c, markers));
    if kind_of(keys.table, col, markers, rows) == Kind::Number {
        let value = |&r: &u32| {
            let there = !is_missing(keys.table.get(r as usize, col), markers);
            keys.table.number(r as usize, col).filter(|_| there)
        };
        let values: Vec<f64> = rows.iter().filter_map(value).collect();
        let mut out = summary(name, Kind::Number, rows.len() - values.len(), &values);
        // The reader of Stata files puts the texts of labelled numbers beside them.
        let stata = keys.table.file_of(col).to_ascii_lowercase().ends_with(".dta");
        if stata && keys.table.column(&format!("{name}_label")).is_some() {
            out.holds = "labelled".to_string();
        }
        return out;
    }
    text(name, rows.len() - cells().count(), cells())
}

fn text<'a>(name: &str, missing: usize, cells: impl Iterator<Item = &'a str> + Clone) -> ColumnSummary {
    let mut out = summary(name, Kind::Text, missing, &[]);
    if cells.clone().next().is_some() && cells.clone().all(is_date) {
        out.holds = "date".to_string();
    }
    out.distinct = cells.collect::<BTreeSet<&str>>().len();
    out
}

/// `2015-03-01`, with a time of the day or without, as readers of workbooks and Stata files write dates too.
fn is_date(cell: &str) -> bool {
    let day = cell.trim().split([' ', 'T']).next().unwrap_or("");
    let parts: Vec<&str> = day.split('-').collect();
    let number = |p: &str, digits: usize, most: u32| {
        p.len() == digits && p.bytes().all(|b| b.is_ascii_digit()) && p.parse().is_ok_and(|n: u32| n <= most)
    };
    matches!(parts[..], [y, m, d] if number(y, 4, 9999) && number(m, 2, 12) && number(d, 2, 31))
}

fn series(name: &str, values: &Series, rows: &[u32]) -> ColumnSummary {
    let missing = rows.iter().filter(|&&r| values.is_missing(r as usize)).count();
    let there = |value: &dyn Fn(usize) -> Option<f64>| -> Vec<f64> {
        rows.iter().filter_map(|&r| value(r as usize)).filter(|x| !x.is_nan()).collect()
    };
    match values {
        Series::Texts(x) => text(name, missing, rows.iter().filter_map(|&r| x.get(r as usize))),
        Series::Numbers(x) => summary(name, Kind::Number, missing, &there(&|r| x.get(r).copied())),
        Series::Bools(x) => {
            let value = |r: usize| x.get(r).copied().flatten().map(|b| f64::from(u8::from(b)));
            summary(name, Kind::Number, missing, &there(&value))
        }
    }
}

fn summary(name: &str, kind: Kind, missing: usize, values: &[f64]) -> ColumnSummary {
    let whole = !values.is_empty() && values.iter().all(|x| x.fract() == 0.0);
    let (mean, sd) = if values.is_empty() { (f64::NAN, f64::NAN) } else { mean_sd(values) };
    ColumnSummary {
        name: name.to_string(),
        kind: kind.word().to_string(),
        holds: if whole { "integer" } else { kind.word() }.to_string(),
        missing,
        distinct: distinct(values),
        mean,
        sd,
        min: values.iter().copied().fold(f64::NAN, f64::min),
        max: values.iter().copied().fold(f64::NAN, f64::max),
    }
}

/// How many different numbers there are.
fn distinct(values: &[f64]) -> usize {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.dedup();
    sorted.len()
}

/// Describes a data set: its keys, then every other column over its rows.
pub fn describe_data(
    table: &Table,
    rows: &[u32],
    markers: &[String],
    dims: &[Dimension],
    derived: &IndexMap<String, Value>,
) -> DataSummary {
    let keys: Vec<KeySummary> = (dims.iter())
        .map(|d| KeySummary {
            name: d.name.clone(),
            labels: d.len(),
            first: d.labels.first().map(|l| l.to_string()).unwrap_or_default(),
            last: d.labels.last().map(|l| l.to_string()).unwrap_or_default(),
        })
        .collect();
    let whole = Keys { panel: "", table, unit: usize::MAX, time: usize::MAX };
    let own = (0..table.header.len())
        .filter(|&c| !table.name(c).is_empty() && !dims.iter().any(|d| d.name == table.name(c)))
        .map(|c| table_column(&whole, c, rows, markers));
    let lets = derived.iter().map(|(name, v)| series(name, &v.spread(table.rows()), rows));
    let cells = dims.iter().map(Dimension::len).product();
    let columns = own.chain(lets).collect();
    DataSummary { records: None, rows: rows.len(), cells, absent: cells - rows.len().min(cells), keys, columns }
}

/// A column over rows, row by row.
#[derive(Clone, Debug, PartialEq)]
pub enum Listed {
    /// NaN where missing.
    Numbers(Vec<f64>),
    Texts(Vec<Option<String>>),
}

impl Listed {
    /// Its values as they are grouped by; a missing one has a group of its own.
    pub fn labels(&self) -> Vec<String> {
        let missing = || "missing".to_string();
        match self {
            Listed::Numbers(x) => x.iter().map(|v| if v.is_nan() { missing() } else { v.to_string() }).collect(),
            Listed::Texts(x) => x.iter().map(|t| t.clone().unwrap_or_else(missing)).collect(),
        }
    }
}

/// A column of a table over rows.
pub fn listed_column(table: &Table, col: usize, markers: &[String], rows: &[u32]) -> Listed {
    let cells = rows.iter().map(|&r| table.get(r as usize, col));
    if kind_of(table, col, markers, rows) == Kind::Number {
        let there = |&&r: &&u32| !is_missing(table.get(r as usize, col), markers);
        let number = |r: &u32| Some(r).filter(there).and_then(|&r| table.number(r as usize, col)).unwrap_or(f64::NAN);
        return Listed::Numbers(rows.iter().map(number).collect());
    }
    Listed::Texts(cells.map(|c| (!is_missing(c, markers)).then(|| c.to_string())).collect())
}

/// A derived column over rows.
pub fn listed_series(values: &Series, rows: &[u32]) -> Listed {
    let number = |value: &dyn Fn(usize) -> Option<f64>| {
        Listed::Numbers(rows.iter().map(|&r| value(r as usize).unwrap_or(f64::NAN)).collect())
    };
    match values {
        Series::Texts(t) => Listed::Texts(rows.iter().map(|&r| t.get(r as usize).map(String::from)).collect()),
        Series::Numbers(x) => number(&|r| x.get(r).copied()),
        Series::Bools(x) => number(&|r| x.get(r).copied().flatten().map(|b| f64::from(u8::from(b)))),
    }
}

/// What is known of a column over some of the rows it is listed over.
pub fn summarized(name: &str, listed: &Listed, rows: &[usize]) -> ColumnSummary {
    match listed {
        Listed::Numbers(x) => {
            let there: Vec<f64> = rows.iter().map(|&r| x[r]).filter(|v| !v.is_nan()).collect();
            summary(name, Kind::Number, rows.len() - there.len(), &there)
        }
        Listed::Texts(x) => {
            let there = rows.iter().filter_map(|&r| x[r].as_deref());
            text(name, rows.len() - there.clone().count(), there)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::csv::read;
    use crate::data::keys::read_keys;

    #[test]
    fn columns_are_described_over_the_rows_in_use() {
        let table = read("t.csv", b"u,t,x,name,\nA,1,1,NA,0\nA,2,3,b,0\nB,1,NA,b,0\nB,2,99,c,0\n").unwrap().0;
        let keys = Keys { panel: "p", table: &table, unit: 0, time: 1 };
        let (index, _) = read_keys(&keys, &table.all_rows()).unwrap();
        let derived = Series::Bools(vec![Some(true), Some(false), None, Some(true)]);
        let s = describe(&keys, &index, &[0, 1, 2], &["NA".into()], &[("big", &derived)]);
        assert_eq!((s.units, s.periods, s.rows, s.balanced), (2, 2, 3, false));
        assert_eq!((s.first_period, s.last_period, s.unit.as_str()), (1, 2, "u"));
        let names: Vec<&str> = s.columns.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["x", "name", "big"]);
        let x = &s.columns[0];
        assert_eq!((x.missing, x.mean, x.sd, x.min, x.max), (1, 2.0, 2f64.sqrt(), 1.0, 3.0));
        assert_eq!((s.columns[1].kind.as_str(), s.columns[1].missing), ("text", 1));
        assert_eq!((s.columns[2].missing, s.columns[2].mean), (1, 0.5));
    }
}
