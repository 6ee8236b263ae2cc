//! A treatment split by groups of units: one column per group with a treated cell.

use super::laid_out;
use crate::check::spec::Column;
use crate::fault::{Fault, counted, ticked_list};
use crate::plan::columns::Eval;
use crate::plan::panels::PanelData;
use crate::plan::placebo::label;
use crate::plan::{Planner, Step};

impl Planner<'_> {
    /// The columns of a split treatment with their names, groups in the order of theirs.
    pub(super) fn split(
        &mut self,
        of: &Column,
        by: &Column,
        panel: &PanelData,
        kept: Option<&[bool]>,
        cells: &[Option<u32>],
    ) -> Step<Vec<(String, Vec<f64>)>> {
        let values = Eval::new(self, panel, kept).numbers(of)?;
        let values = laid_out(&values, cells);
        let groups = Eval::new(self, panel, kept).value(by)?.spread(panel.table.rows());
        let named: Vec<Option<String>> = cells.iter().map(|c| c.and_then(|row| label(&groups, row as usize))).collect();
        let treated = |r: usize| values[r] > 0.5;
        let mut without: Vec<String> = (0..cells.len())
            .filter(|&r| treated(r) && named[r].is_none())
            .filter_map(|r| cells[r].map(|row| panel.index.unit_name(row as usize).to_string()))
            .collect();
        without.sort_unstable();
        without.dedup();
        if !without.is_empty() {
            let message = format!(
                "`{}` is missing for {}: {}",
                by.text,
                counted(without.len(), "treated unit", "treated units"),
                ticked_list(&without)
            );
            let fault = Fault::error("durbin::treatment::missing_group", message)
                .help("every treated unit needs its group; `coalesce(x, \"other\")` gives one to the rest");
            return Err(self.report(fault, by.place.0));
        }
        let mut groups: Vec<&String> =
            (0..cells.len()).filter(|&r| treated(r)).filter_map(|r| named[r].as_ref()).collect();
        groups.sort_unstable();
        groups.dedup();
        let column = |group: &String| -> Vec<f64> {
            let of_group = |r: usize| named[r].as_ref() == Some(group);
            let value = |r: usize| if values[r].is_nan() || of_group(r) { values[r] } else { 0.0 };
            (0..cells.len()).map(value).collect()
        };
        Ok(groups.into_iter().map(|g| (format!("{}[{g}]", of.text), column(g))).collect())
    }
}
