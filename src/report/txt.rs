//! A table as plain text; one with more columns than the line holds is continued below.

use super::fit::joined;
use super::grid::{GridLine, Span, lines, spans, word_columns};
use super::layout::{Columns, LINE, Line, width, wrapped, wrapped_to};
use crate::outcome::Table;

/// How wide a column of words may be.
const WORDS: usize = 40;

/// The table as text, ending with a newline.
pub fn table(table: &Table) -> String {
    let words = word_columns(table);
    let grid = folded(lines(table), &words);
    let mut out = table.title.as_ref().map_or(String::new(), |t| format!("{t}\n\n"));
    let parts = parts_of(table, &grid);
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            out.push_str("\ncontinued\n\n");
        }
        out.push_str(&part_text(table, &grid, part, &words));
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

/// Cells of words wider than [`WORDS`] go on in lines of their own.
fn folded(grid: Vec<GridLine>, words: &[bool]) -> Vec<GridLine> {
    let mut out = Vec::new();
    for line in grid {
        let GridLine::Cells(cells) = line else {
            out.push(line);
            continue;
        };
        let fold = |(j, cell): (usize, &String)| -> Vec<String> {
            if j == 0 || words.get(j - 1) != Some(&true) { vec![cell.clone()] } else { wrapped_to(WORDS, "", 0, cell) }
        };
        let parts: Vec<Vec<String>> = cells.iter().enumerate().map(fold).collect();
        let height = parts.iter().map(Vec::len).max().unwrap_or(1);
        for k in 0..height {
            out.push(GridLine::Cells(parts.iter().map(|p| p.get(k).cloned().unwrap_or_default()).collect()));
        }
    }
    out
}

fn part_text(table: &Table, grid: &[GridLine], part: &[usize], words: &[bool]) -> String {
    let left = part.iter().enumerate().filter(|(_, j)| words.get(**j - 1) == Some(&true)).map(|(k, _)| k + 1);
    let mut columns = Columns { lines: vec![Line::Rule], left: left.collect() };
    let pick = |cells: &[String]| -> Vec<String> {
        part.iter().map(|&j| aligned(cells.get(j).map_or("", String::as_str))).collect()
    };
    columns.lines.extend(spans(table).iter().map(|row| Line::Over(over_part(row, part))));
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
                // What goes on in another part has no line here.
                if label.is_empty() && part.iter().all(|&j| cells.get(j).is_none_or(String::is_empty)) {
                    continue;
                }
                let label = if indented { format!("  {label}") } else { label.to_string() };
                columns.cells(std::iter::once(label).chain(pick(cells)).collect());
            }
        }
    }
    columns.lines.push(Line::Rule);
    columns.render(0)
}

/// What of a row of headings stands over the columns of a part.
fn over_part(row: &[Span], part: &[usize]) -> Vec<(String, usize)> {
    let texts: Vec<&str> = row.iter().flat_map(|s| std::iter::repeat_n(s.text.as_str(), s.columns)).collect();
    let mut out: Vec<(String, usize)> = Vec::new();
    for &column in part {
        let text = texts.get(column - 1).copied().unwrap_or("");
        match out.last_mut() {
            Some(last) if last.0 == text => last.1 += 1,
            _ => out.push((text.to_string(), 1)),
        }
    }
    out
}

/// Leaves room for three stars after a number, one place after a bracket less, so that digits stand under digits.
fn aligned(cell: &str) -> String {
    if cell.is_empty() {
        return String::new();
    }
    // Words have no stars.
    let stars = cell.chars().rev().take_while(|&c| c == '*').count();
    let bracketed = (cell.starts_with('(') && cell.ends_with(')')) || (cell.starts_with('[') && cell.ends_with(']'));
    let taken = if bracketed { 1 } else { stars };
    format!("{cell}{}", " ".repeat(3 - taken.min(3)))
}
