//! A table's cells as strings, once for every format: an estimate takes two lines, its standard error beneath.

use super::number::{fixed, in_row, p_value, pair_decimals, significant, stars, statistic};
use crate::outcome::{Beneath, Cell, Row, Table};

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

/// A heading over so many columns; empty where columns have none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub text: String,
    pub columns: usize,
}

/// Rows of headings over columns, in the order they stand above the columns' own.
pub fn spans(table: &Table) -> Vec<Vec<Span>> {
    let rows = table.blocks.iter().flat_map(|b| &b.rows).filter(|r| is_span_row(r));
    rows.map(|row| {
        let mut out: Vec<Span> = Vec::new();
        for cell in &row.cells {
            let text = if let Cell::Heading(t) = cell { t.clone() } else { String::new() };
            match out.last_mut() {
                Some(last) if last.text == text => last.columns += 1,
                _ => out.push(Span { text, columns: 1 }),
            }
        }
        out
    })
    .collect()
}

/// Whether a row stands above the headings of columns.
fn is_span_row(row: &Row) -> bool {
    row.cells.iter().any(|c| matches!(c, Cell::Heading(_)))
}

/// The lines below the column headings.
pub fn lines(table: &Table) -> Vec<GridLine> {
    let mut lines = Vec::new();
    for block in &table.blocks {
        let mut rows = block.rows.iter().filter(|r| !is_span_row(r)).peekable();
        if rows.peek().is_none() {
            continue;
        }
        if !lines.is_empty() {
            lines.push(GridLine::Rule);
        }
        if let Some(heading) = &block.heading {
            lines.push(GridLine::Heading(heading.clone()));
        }
        for row in rows {
            lines.extend(row_lines(row, table.digits).into_iter().map(GridLine::Cells));
        }
    }
    lines
}

fn row_lines(row: &Row, digits: usize) -> Vec<Vec<String>> {
    let label = std::iter::once(row.label.clone());
    let first: Vec<String> = label.chain(row.cells.iter().map(|c| upper(c, digits))).collect();
    let second: Vec<String> =
        std::iter::once(String::new()).chain(row.cells.iter().map(|c| lower(c, digits))).collect();
    if second.iter().all(String::is_empty) { vec![first] } else { vec![first, second] }
}

/// A cell's own line.
pub fn upper(cell: &Cell, digits: usize) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(t) | Cell::Heading(t) => t.clone(),
        Cell::Shown { text, .. } => text.clone(),
        Cell::Count(n) => n.to_string(),
        Cell::Number(x) => statistic(*x, digits),
        Cell::Estimate { estimate, se, p } | Cell::EstimateOver { estimate, se, p, .. } => {
            format!("{}{}", in_row(*estimate, pair_decimals(*estimate, *se, digits)), stars(*p))
        }
    }
}

/// What stands beneath it.
pub fn lower(cell: &Cell, digits: usize) -> String {
    let (Cell::Estimate { estimate, se, .. } | Cell::EstimateOver { estimate, se, .. }) = cell else {
        return String::new();
    };
    let decimals = pair_decimals(*estimate, *se, digits);
    match cell {
        Cell::EstimateOver { beneath, .. } => match beneath {
            Beneath::Nothing => String::new(),
            Beneath::Statistic(x) | Beneath::P(x) if x.is_nan() => String::new(),
            Beneath::Statistic(x) if x.abs() >= 1e4 => format!("({})", significant(*x, 3)),
            Beneath::Statistic(x) => format!("({})", fixed(*x, 2)),
            Beneath::P(p) => format!("({})", p_value(*p)),
            Beneath::Interval([lo, hi]) if lo.is_nan() && hi.is_nan() => String::new(),
            Beneath::Interval([lo, hi]) => format!("[{}, {}]", in_row(*lo, decimals), in_row(*hi, decimals)),
        },
        _ if se.is_nan() => String::new(),
        _ => format!("({})", in_row(*se, decimals)),
    }
}

/// Which columns hold words and no number: they stand to the left.
pub fn word_columns(table: &Table) -> Vec<bool> {
    let words = |j: usize| {
        let cells = table.blocks.iter().flat_map(|b| &b.rows).filter_map(|r| r.cells.get(j));
        let mut some = false;
        for cell in cells.filter(|c| !matches!(c, Cell::Empty | Cell::Heading(_))) {
            if !matches!(cell, Cell::Text(t) if !is_number(t)) {
                return false;
            }
            some = true;
        }
        some
    };
    (0..table.columns.len()).map(words).collect()
}

/// Whether a text is a number, a number with one in brackets, or an interval.
fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || "-+.<([".contains(c))
        && text.chars().all(|c| c.is_ascii_digit() || " .,+-*()[]<>%e".contains(c))
}
