//! A table's cells as strings, once for every format: an estimate takes two lines, its standard error beneath.

use super::number::{in_row, pair_decimals, stars, statistic};
use crate::outcome::{Cell, Row, Table};

/// One line of a table as strings.
#[derive(Clone, Debug, PartialEq)]
pub enum GridLine {
    /// The heading of a block.
    Heading(String),
    /// Label and cells.
    Cells(Vec<String>),
    /// Between blocks.
    Rule,
}

/// The lines below the column headings.
pub fn lines(table: &Table) -> Vec<GridLine> {
    let mut lines = Vec::new();
    for (i, block) in table.blocks.iter().enumerate() {
        if i > 0 {
            lines.push(GridLine::Rule);
        }
        if let Some(heading) = &block.heading {
            lines.push(GridLine::Heading(heading.clone()));
        }
        for row in &block.rows {
            lines.extend(row_lines(row, table.digits).into_iter().map(GridLine::Cells));
        }
    }
    lines
}

fn row_lines(row: &Row, digits: usize) -> Vec<Vec<String>> {
    let label = std::iter::once(row.label.clone());
    let first: Vec<String> = label.chain(row.cells.iter().map(|c| upper(c, digits))).collect();
    if !row.cells.iter().any(|c| matches!(c, Cell::Estimate { .. })) {
        return vec![first];
    }
    let beneath = |c: &Cell| match c {
        Cell::Estimate { se, .. } if se.is_nan() => String::new(),
        Cell::Estimate { estimate, se, .. } => format!("({})", in_row(*se, pair_decimals(*estimate, *se, digits))),
        _ => String::new(),
    };
    let second: Vec<String> = std::iter::once(String::new()).chain(row.cells.iter().map(beneath)).collect();
    if second.iter().all(String::is_empty) { vec![first] } else { vec![first, second] }
}

fn upper(cell: &Cell, digits: usize) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(t) => t.clone(),
        Cell::Count(n) => n.to_string(),
        Cell::Number(x) => statistic(*x, digits),
        Cell::Estimate { estimate, se, p } => {
            format!("{}{}", in_row(*estimate, pair_decimals(*estimate, *se, digits)), stars(*p))
        }
    }
}
