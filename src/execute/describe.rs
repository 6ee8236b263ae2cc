//! `describe(panel, …)`: columns over the rows of a panel and of its groups.

use super::Run;
use crate::check::spec::{DescribeSpec, DescribedBy};
use crate::data::collinear::inflation;
use crate::data::describe::{Listed, summarized};
use crate::fault::{Fault, counted};
use crate::outcome::described::{Description, Group};
use crate::plan::panels::PanelData;

/// Groups a table has room for.
const MOST_GROUPS: usize = 40;

impl Run<'_> {
    pub(super) fn described(&self, spec: &DescribeSpec) -> Result<Description, Fault> {
        let data = &self.panels[spec.panel];
        let mut panel = data.summary();
        if let Some(wanted) = &spec.columns {
            let all = std::mem::take(&mut panel.columns);
            panel.columns = wanted.iter().filter_map(|w| all.iter().find(|c| c.name == *w).cloned()).collect();
        }
        let rows = data.index.ordered(&data.rows);
        let names: Vec<&str> = panel.columns.iter().map(|c| c.name.as_str()).collect();
        let listed: Vec<Listed> = names.iter().map(|n| data.listed(n, &rows)).collect();
        let (vif, vif_rows) = inflated(&listed, rows.len(), spec.columns.is_some());
        let (by, groups) = match &spec.by {
            None => (None, Vec::new()),
            Some(by) => {
                let (name, labels) = self.labels(by, data, &rows)?;
                (Some(name), grouped(&names, &listed, &labels, data, &rows))
            }
        };
        Ok(Description { panel, vif, vif_rows, by, groups, codebook: spec.codebook.clone() })
    }

    /// What the groups are by, and the group of each row; groups in the order they are to stand.
    fn labels(&self, by: &DescribedBy, data: &PanelData, rows: &[u32]) -> Result<(String, Labels), Fault> {
        let (name, of, order) = match by {
            DescribedBy::Treatment(number) => {
                let Some(treatment) = self.treatments.get(*number).and_then(Option::as_ref) else {
                    return Err(Fault::error("durbin::run::bug", "a treatment was not read"));
                };
                let treated = |&r: &u32| {
                    let start = data.index.cell(r as usize).and_then(|(unit, _)| treatment.starts.get(unit));
                    usize::from(!start.is_some_and(|s| s.is_some()))
                };
                let order = vec!["Treated".to_string(), "Never treated".to_string()];
                (treatment.name.clone(), rows.iter().map(treated).collect::<Vec<usize>>(), order)
            }
            DescribedBy::Column(column) => {
                let values = data.listed(column, rows).labels();
                let mut order: Vec<&String> = values.iter().collect();
                order.sort_unstable_by(|a, b| number_first(a, b));
                order.dedup();
                if order.len() > MOST_GROUPS {
                    let many = counted(order.len(), "value", "values");
                    let message = format!("`{column}` has {many}, and a table has room for {MOST_GROUPS} groups");
                    let help = "describe by a column of fewer values";
                    return Err(Fault::error("durbin::check::out_of_range", message).help(help));
                }
                let place = |v: &String| order.binary_search_by(|o| number_first(o, v)).unwrap_or(0);
                let of = values.iter().map(place).collect();
                (column.clone(), of, order.into_iter().cloned().collect())
            }
        };
        Ok((name, Labels { of, order }))
    }
}

/// The group of each row.
struct Labels {
    of: Vec<usize>,
    order: Vec<String>,
}

/// Numbers by size, those of one size by how they are written, then texts by their letters.
fn number_first(a: &str, b: &str) -> std::cmp::Ordering {
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(x), Ok(y)) => x.total_cmp(&y).then_with(|| a.cmp(b)),
        (Ok(_), Err(_)) => std::cmp::Ordering::Less,
        (Err(_), Ok(_)) => std::cmp::Ordering::Greater,
        _ => a.cmp(b),
    }
}

/// Variance inflation of each column, and the rows it is from: complete rows of columns that were named, else columns
/// without missing values.
fn inflated(listed: &[Listed], rows: usize, named: bool) -> (Vec<f64>, usize) {
    let numbers = |l: &Listed| match l {
        Listed::Numbers(x) if named || x.iter().all(|v| v.is_finite()) => Some(x.clone()),
        _ => None,
    };
    let there: Vec<(usize, Vec<f64>)> = listed.iter().enumerate().filter_map(|(j, l)| Some((j, numbers(l)?))).collect();
    let complete: Vec<usize> = (0..rows).filter(|&r| there.iter().all(|(_, x)| x[r].is_finite())).collect();
    let mut out = vec![f64::NAN; listed.len()];
    if there.len() < 2 || complete.len() <= there.len() {
        return (out, complete.len());
    }
    let columns: Vec<Vec<f64>> = there.iter().map(|(_, x)| complete.iter().map(|&r| x[r]).collect()).collect();
    for ((j, _), factor) in there.iter().zip(inflation(&columns)) {
        out[*j] = factor;
    }
    (out, complete.len())
}

fn grouped(names: &[&str], listed: &[Listed], labels: &Labels, data: &PanelData, rows: &[u32]) -> Vec<Group> {
    let group = |(number, label): (usize, &String)| {
        let mine: Vec<usize> = (0..rows.len()).filter(|&r| labels.of[r] == number).collect();
        let mut units: Vec<usize> =
            mine.iter().filter_map(|&r| data.index.cell(rows[r] as usize)).map(|(unit, _)| unit).collect();
        units.sort_unstable();
        units.dedup();
        let columns = names.iter().zip(listed).map(|(name, l)| summarized(name, l, &mine)).collect();
        Group { group: label.clone(), units: units.len(), rows: mine.len(), columns }
    };
    let groups = labels.order.iter().enumerate().map(group);
    groups.filter(|g| g.rows > 0).collect()
}
