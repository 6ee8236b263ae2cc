//! A file as a table of text: compact columns, the line of every row, and where each cell came from.
//!
//! A column owns one buffer; a [`Table`] sees it through an optional list of rows, so that keeping some rows or
//! joining another file copies no text, and a joined cell still knows its own file and line.

use std::sync::Arc;

use crate::data::numbers;
use crate::data::writing::Decimal;
use crate::fault::Fault;

/// A row of the right side that a left row did not find.
pub const NO_ROW: u32 = u32::MAX;

/// One column of text: a buffer and where each cell ends in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TextColumn {
    text: String,
    ends: Vec<u32>,
    decimal: Decimal,
}

impl TextColumn {
    /// An empty column whose numbers are written with that mark.
    pub fn of(decimal: Decimal) -> TextColumn {
        TextColumn { decimal, ..TextColumn::default() }
    }

    /// Another text in some of its cells, the others as they are.
    pub fn with(&self, change: &dyn Fn(&str) -> Option<String>) -> TextColumn {
        let mut out = TextColumn::of(self.decimal);
        for row in 0..self.len() {
            let cell = self.get(row);
            match change(cell) {
                Some(other) => out.push(&other),
                None => out.push(cell),
            };
        }
        out
    }

    /// Adds a cell; false where the column would pass 4 GiB.
    pub fn push(&mut self, cell: &str) -> bool {
        self.text.push_str(cell);
        match u32::try_from(self.text.len()) {
            Ok(end) => {
                self.ends.push(end);
                true
            }
            Err(_) => false,
        }
    }

    /// The cell of a row, empty beyond the end.
    pub fn get(&self, row: usize) -> &str {
        let Some(&end) = self.ends.get(row) else { return "" };
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        self.text.get(start as usize..end as usize).unwrap_or("")
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

/// The file a column was read from: its path as the program writes it, and the line of each of its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    pub file: String,
    pub lines: Vec<u32>,
}

/// A column as a table sees it: `rows[r]` is the row of `text` shown in row `r` (all of them where `None`).
#[derive(Clone, Debug)]
struct View {
    text: Arc<TextColumn>,
    origin: Arc<Origin>,
    /// Which field of the file's lines it is, from 0.
    field: usize,
    rows: Option<Arc<Vec<u32>>>,
}

impl View {
    fn source_row(&self, row: usize) -> Option<usize> {
        match &self.rows {
            None => Some(row),
            Some(rows) => rows.get(row).filter(|&&r| r != NO_ROW).map(|&r| r as usize),
        }
    }
}

/// A table of text cells. Invariant: every column shows `rows()` rows; `lines[r]` is the line, in [`Table::file`],
/// on which row `r` begins as an editor counts (the header is line 1).
#[derive(Clone, Debug)]
pub struct Table {
    /// The file's path as the program writes it.
    pub file: String,
    /// Column names: trimmed, NFC, possibly empty (a column without a name cannot be used).
    pub header: Vec<String>,
    pub lines: Vec<u32>,
    columns: Vec<View>,
}

impl Table {
    /// A table of columns read from one file; `header`, `columns` and `lines` must fit each other.
    pub fn new(file: &str, header: Vec<String>, columns: Vec<TextColumn>, lines: Vec<u32>) -> Table {
        debug_assert_eq!(header.len(), columns.len());
        debug_assert!(columns.iter().all(|c| c.len() == lines.len()));
        let origin = Arc::new(Origin { file: file.to_string(), lines: lines.clone() });
        let view = |(field, column)| View { text: Arc::new(column), origin: origin.clone(), field, rows: None };
        let columns = columns.into_iter().enumerate().map(view).collect();
        Table { file: file.to_string(), header, lines, columns }
    }

    /// How many rows there are, without the header.
    pub fn rows(&self) -> usize {
        self.lines.len()
    }

    /// All row numbers, for callers without a selection.
    pub fn all_rows(&self) -> Vec<u32> {
        (0..self.rows() as u32).collect()
    }

    /// Which column bears a name (the name in NFC).
    pub fn column(&self, name: &str) -> Option<usize> {
        if name.is_empty() {
            return None;
        }
        self.header.iter().position(|h| h == name)
    }

    /// The name of a column, empty where there is none.
    pub fn name(&self, col: usize) -> &str {
        self.header.get(col).map_or("", String::as_str)
    }

    /// A cell as the file has it (NFC); empty for an optional join's missing rows and beyond the table.
    pub fn get(&self, row: usize, col: usize) -> &str {
        let Some(view) = self.columns.get(col) else { return "" };
        view.source_row(row).map_or("", |r| view.text.get(r))
    }

    /// A cell as the number its file means by it, if it is one.
    pub fn number(&self, row: usize, col: usize) -> Option<f64> {
        numbers::parse_written(self.get(row, col), self.decimal(col))
    }

    /// What a column's file writes between the whole and the fraction of a number.
    pub fn decimal(&self, col: usize) -> Decimal {
        self.columns.get(col).map_or(Decimal::Point, |v| v.text.decimal)
    }

    /// The table with other texts in some cells of a column; the places of its cells stay.
    pub fn change(&self, col: usize, change: &dyn Fn(&str) -> Option<String>) -> Table {
        let mut out = self.clone();
        if let Some(view) = out.columns.get_mut(col) {
            view.text = Arc::new(view.text.with(change));
        }
        out
    }

    /// File and line a cell came from: those of the right file for a joined column, of the row itself where an
    /// optional join found nothing.
    pub fn place(&self, row: usize, col: usize) -> (&str, usize) {
        let own = (self.file.as_str(), self.line(row));
        let Some(view) = self.columns.get(col) else { return own };
        match view.source_row(row) {
            Some(r) => view.origin.lines.get(r).map_or(own, |&l| (view.origin.file.as_str(), l as usize)),
            None => own,
        }
    }

    /// The file a column was read from.
    pub fn file_of(&self, col: usize) -> &str {
        self.columns.get(col).map_or(&self.file, |v| &v.origin.file)
    }

    /// The line on which a row begins in the table's own file.
    pub fn line(&self, row: usize) -> usize {
        self.lines.get(row).map_or(0, |&l| l as usize)
    }

    /// Labels a cell of the table in a fault.
    pub fn label(&self, fault: Fault, row: usize, col: usize, text: impl Into<String>) -> Fault {
        let (file, line) = self.place(row, col);
        match self.columns.get(col).filter(|v| v.source_row(row).is_some()) {
            Some(view) => fault.label_field(file, line, view.field, text),
            None => fault.label(file, line, 1, text),
        }
    }

    /// The table of some rows, in the order given; rows beyond the table are left out.
    pub fn keep(&self, rows: &[u32]) -> Table {
        let rows: Vec<u32> = rows.iter().copied().filter(|&r| (r as usize) < self.rows()).collect();
        let lines = rows.iter().map(|&r| self.lines[r as usize]).collect();
        let plain = Arc::new(rows);
        let mut composed: Vec<Composed> = Vec::new();
        let columns = self
            .columns
            .iter()
            .map(|view| View { rows: Some(compose(view, &plain, &mut composed)), ..view.clone() })
            .collect();
        Table { file: self.file.clone(), header: self.header.clone(), lines, columns }
    }

    /// Adds columns of another table: row `r` shows `right`'s row `rows[r]`, or nothing where that is [`NO_ROW`].
    pub fn attach(&self, right: &Table, columns: &[usize], rows: Vec<u32>) -> Table {
        let plain = Arc::new(rows);
        let mut composed = Vec::new();
        let mut out = self.clone();
        for &c in columns {
            let Some(view) = right.columns.get(c) else { continue };
            let rows = compose(view, &plain, &mut composed);
            out.columns.push(View { rows: Some(rows), ..view.clone() });
            out.header.push(right.header[c].clone());
        }
        out
    }
}

/// A list of rows and what it became when seen through another.
type Composed = (Arc<Vec<u32>>, Arc<Vec<u32>>);

/// The rows a view shows when seen through `outer`; columns that share their rows share the result.
fn compose(view: &View, outer: &Arc<Vec<u32>>, known: &mut Vec<Composed>) -> Arc<Vec<u32>> {
    let Some(inner) = &view.rows else { return outer.clone() };
    if let Some((_, done)) = known.iter().find(|(k, _)| Arc::ptr_eq(k, inner)) {
        return done.clone();
    }
    let through = |&r: &u32| inner.get(r as usize).copied().unwrap_or(NO_ROW);
    let done = Arc::new(outer.iter().map(through).collect::<Vec<u32>>());
    known.push((inner.clone(), done.clone()));
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(cells: &[&str]) -> TextColumn {
        let mut c = TextColumn::default();
        for cell in cells {
            assert!(c.push(cell));
        }
        c
    }

    fn towns() -> Table {
        let header = vec!["town".to_string(), "x".to_string()];
        Table::new("t.csv", header, vec![column(&["A", "", "é"]), column(&["1", "2", "3"])], vec![2, 3, 5])
    }

    #[test]
    fn cells_are_what_was_pushed() {
        let t = towns();
        assert_eq!((t.get(0, 0), t.get(1, 0), t.get(2, 0), t.get(2, 1)), ("A", "", "é", "3"));
        assert_eq!((t.get(9, 0), t.get(0, 9)), ("", ""));
        assert_eq!(t.place(2, 0), ("t.csv", 5));
        assert_eq!(t.column("x"), Some(1));
        assert_eq!(t.column(""), None);
    }

    #[test]
    fn kept_rows_remember_their_lines() {
        let t = towns().keep(&[2, 0, 77]);
        assert_eq!(t.rows(), 2);
        assert_eq!((t.get(0, 1), t.line(0), t.get(1, 0)), ("3", 5, "A"));
        let again = t.keep(&[1]);
        assert_eq!((again.get(0, 1), again.place(0, 1)), ("1", ("t.csv", 2)));
    }

    #[test]
    fn attached_cells_point_into_their_own_file() {
        let right = Table::new("r.csv", vec!["k".into(), "z".into()], vec![column(&["A"]), column(&["9"])], vec![2]);
        let t = towns().attach(&right, &[1], vec![0, NO_ROW, 0]).keep(&[1, 2]);
        assert_eq!(t.header, ["town", "x", "z"]);
        assert_eq!((t.get(0, 2), t.place(0, 2)), ("", ("t.csv", 3)));
        assert_eq!((t.get(1, 2), t.place(1, 2)), ("9", ("r.csv", 2)));
    }
}
