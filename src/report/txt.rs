//! A table as plain text; one with more columns than the line holds is continued below.

use super::fit::joined;
use super::grid::{GridLine, lines};
use super::layout::{Columns, LINE, Line, width, wrapped};
use crate::outcome::Table;

/// The table as text, ending with a newline.
pub fn table(table: &Table) -> String {
    let grid = lines(table);
    let mut out = table.title.as_ref().map_or(String::new(), |t| format!("{t}\n\n"));
    let parts = parts_of(table, &grid);
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            out.push_str("\ncontinued\n\n");
        }
        out.push_str(&part_text(table, &grid, part));
    }
    for note in &table.notes {
        out.push_str(&joined(&wrapped("", 2, note)));
    }
    out
}

/// Consecutive columns (from 1, the labels being 0) that fit on a line together.
fn parts_of(table: &Table, grid: &[GridLine]) -> Vec<Vec<usize>> {
    let widths = widths_of(table, grid);
    let label = widths.first().copied().unwrap_or(0) + 2;
    let mut parts: Vec<Vec<usize>> = vec![vec![]];
    let mut used = label;
    for (j, w) in widths.iter().enumerate().skip(1) {
        if used + w + 2 > LINE && parts.last().is_some_and(|p| !p.is_empty()) {
            parts.push(vec![]);
            used = label;
        }
        used += w + 2;
        if let Some(part) = parts.last_mut() {
            part.push(j);
        }
    }
    parts
}

fn widths_of(table: &Table, grid: &[GridLine]) -> Vec<usize> {
    let mut widths = vec![0];
    widths.extend(table.columns.iter().map(|c| width(c)));
    for line in grid {
        let GridLine::Cells(cells) = line else { continue };
        for (w, cell) in widths.iter_mut().zip(cells) {
            *w = (*w).max(width(&aligned(cell)));
        }
    }
    widths
}

fn part_text(table: &Table, grid: &[GridLine], part: &[usize]) -> String {
    let mut columns = Columns { lines: vec![Line::Rule], left: vec![] };
    let pick = |cells: &[String]| -> Vec<String> {
        part.iter().map(|&j| aligned(cells.get(j).map_or("", String::as_str))).collect()
    };
    let heads: Vec<String> = std::iter::once(String::new()).chain(table.columns.iter().cloned()).collect();
    columns.cells(std::iter::once(String::new()).chain(pick(&heads)).collect());
    columns.lines.push(Line::Rule);
    let mut indented = false;
    for line in grid {
        match line {
            GridLine::Rule => {
                columns.lines.push(Line::Blank);
                indented = false;
            }
            GridLine::Heading(text) => {
                columns.heading(text.as_str());
                indented = true;
            }
            GridLine::Cells(cells) => {
                let label = cells.first().map_or("", String::as_str);
                let label = if indented { format!("  {label}") } else { label.to_string() };
                columns.cells(std::iter::once(label).chain(pick(cells)).collect());
            }
        }
    }
    columns.lines.push(Line::Rule);
    columns.render(0)
}

/// Leaves room for three stars after a number, one place after a bracket less, so that digits stand under digits.
fn aligned(cell: &str) -> String {
    if cell.is_empty() {
        return String::new();
    }
    let stars = cell.chars().rev().take_while(|&c| c == '*').count();
    let taken = if cell.ends_with(')') && cell.starts_with('(') { 1 } else { stars };
    format!("{cell}{}", " ".repeat(3 - taken.min(3)))
}
