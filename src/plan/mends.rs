//! What the author mends in a file's keys: `trim` and `recode`, each with what it changed.

use super::{Planner, Step};
use crate::check::spec::{Mend, MendSpec, PanelSpec};
use crate::data::similar::near;
use crate::data::table::Table;
use crate::fault::{Fault, counted, quoted_list};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Planner<'_> {
    /// The table of a block's file with its keys mended, in the order the clauses are written.
    pub(super) fn mended(&mut self, spec: &PanelSpec, table: Arc<Table>) -> Step<Arc<Table>> {
        let mut table = table;
        for mend in &spec.mends {
            table = Arc::new(self.mend(mend, &table)?);
        }
        Ok(table)
    }

    fn mend(&mut self, of: &MendSpec, table: &Table) -> Step<Table> {
        let Some(column) = table.column(&of.column) else { return Err(super::Reported) };
        let cells = || (0..table.rows()).map(|r| table.get(r, column));
        match &of.mend {
            Mend::Trim => {
                let padded = |cell: &str| cell.trim().len() != cell.len();
                let count = cells().filter(|c| padded(c)).count();
                let message = match cells().find(|c| padded(c)) {
                    Some(first) => format!(
                        "`trim` cut blanks off `{}` in {}, first \"{first}\"",
                        of.column,
                        counted(count, "row", "rows")
                    ),
                    None => format!("`trim` found no blanks around `{}`", of.column),
                };
                self.report(Fault::note("durbin::data::mended", message), of.place.0);
                Ok(table.change(column, &|cell| padded(cell).then(|| cell.trim().to_string())))
            }
            Mend::Recode(pairs) => {
                let mut counts: BTreeMap<&str, usize> = pairs.iter().map(|(from, _)| (from.as_str(), 0)).collect();
                for cell in cells() {
                    if let Some(count) = counts.get_mut(cell) {
                        *count += 1;
                    }
                }
                let unused: Vec<&str> = counts.iter().filter(|(_, n)| **n == 0).map(|(from, _)| *from).collect();
                if let Some(first) = unused.first() {
                    return Err(self.report(nothing_to_recode(table, column, &unused, first), of.place.0));
                }
                let rows: usize = counts.values().sum();
                let message = format!(
                    "`recode` changed `{}` in {}: {}",
                    of.column,
                    counted(rows, "row", "rows"),
                    quoted_list(&counts.keys().collect::<Vec<_>>())
                );
                self.report(Fault::note("durbin::data::mended", message), of.place.0);
                let to: BTreeMap<&str, &str> = pairs.iter().map(|(f, t)| (f.as_str(), t.as_str())).collect();
                Ok(table.change(column, &|cell| to.get(cell).map(|t| (*t).to_string())))
            }
        }
    }
}

/// A recoding that meets no row is a slip of the pen.
fn nothing_to_recode(table: &Table, column: usize, unused: &[&str], first: &str) -> Fault {
    let message = format!("no row of {} has {} in `{}`", table.file, quoted_list(unused), table.name(column));
    let mut there: Vec<&str> = (0..table.rows()).map(|r| table.get(r, column)).collect();
    there.sort_unstable();
    there.dedup();
    let fault = Fault::error("durbin::data::recode_unmatched", message);
    fault.help(match near(first, there.iter().copied()) {
        Some(other) => format!("did you mean \"{other}\"? keys are compared as written"),
        None => "keys are compared as written: leave out what the file does not have".to_string(),
    })
}
