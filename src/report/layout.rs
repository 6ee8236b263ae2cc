//! Plain text set in columns: display width (a Chinese character takes two), padding, wrapping, aligned lines.

use unicode_width::UnicodeWidthStr;

/// How wide a line of the terminal may be.
pub const LINE: usize = 100;

/// The columns a text takes on a terminal.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Where a text stands in its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// A text filled up with blanks to `columns`.
pub fn padded(text: &str, columns: usize, align: Align) -> String {
    let fill = " ".repeat(columns.saturating_sub(width(text)));
    match align {
        Align::Left => format!("{text}{fill}"),
        Align::Right => format!("{fill}{text}"),
    }
}

/// Breaks a text at blanks so that `first` begins the first line and `rest` blanks the others, within [`LINE`].
pub fn wrapped(first: &str, rest: usize, text: &str) -> Vec<String> {
    wrapped_to(LINE, first, rest, text)
}

/// As [`wrapped`], within a line of its own width.
pub fn wrapped_to(line: usize, first: &str, rest: usize, text: &str) -> Vec<String> {
    let most = line;
    let mut lines = vec![first.to_string()];
    let mut fresh = true;
    for word in text.split_whitespace() {
        let last = lines.last().map_or(0, |l| width(l));
        if !fresh && last + 1 + width(word) > most {
            lines.push(" ".repeat(rest));
            fresh = true;
        }
        if let Some(line) = lines.last_mut() {
            if !fresh {
                line.push(' ');
            }
            line.push_str(word);
        }
        fresh = false;
    }
    lines
}

/// One line of a [`Columns`].
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    Cells(Vec<String>),
    /// Text across all columns.
    Heading(String),
    Rule,
    Blank,
}

/// Lines whose cells stand under each other: the first column to the left, the others to the right.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns {
    pub lines: Vec<Line>,
    /// Aligned left although not first.
    pub left: Vec<usize>,
}

impl Columns {
    pub fn cells(&mut self, cells: Vec<String>) {
        self.lines.push(Line::Cells(cells));
    }

    pub fn heading(&mut self, text: impl Into<String>) {
        self.lines.push(Line::Heading(text.into()));
    }

    /// As text, every line indented; a first cell that would push a line beyond [`LINE`] takes a line of its own.
    pub fn render(&self, indent: usize) -> String {
        let rest: Vec<usize> = (1..self.column_count()).map(|j| self.column_width(j, usize::MAX)).collect();
        let numbers: usize = rest.iter().map(|w| w + 2).sum();
        let room = LINE.saturating_sub(indent + numbers).max(12);
        let label = self.column_width(0, room);
        let total = label + numbers;
        let margin = " ".repeat(indent);
        let mut out = String::new();
        for line in &self.lines {
            match line {
                Line::Cells(cells) => out.push_str(&self.cell_line(cells, label, &rest, &margin)),
                Line::Heading(text) => out.push_str(&format!("{margin}{text}\n")),
                Line::Rule => out.push_str(&format!("{margin}{}\n", "─".repeat(total))),
                Line::Blank => out.push('\n'),
            }
        }
        out
    }

    fn cell_line(&self, cells: &[String], label: usize, rest: &[usize], margin: &str) -> String {
        let first = cells.first().map_or("", String::as_str);
        let alone = width(first) > label;
        let mut line = format!("{margin}{}", padded(if alone { "" } else { first }, label, Align::Left));
        for (j, w) in rest.iter().enumerate() {
            let align = if self.left.contains(&(j + 1)) { Align::Left } else { Align::Right };
            line.push_str("  ");
            line.push_str(&padded(cells.get(j + 1).map_or("", String::as_str), *w, align));
        }
        let line = line.trim_end();
        if !alone {
            return format!("{line}\n");
        }
        if line.is_empty() { format!("{margin}{first}\n") } else { format!("{margin}{first}\n{line}\n") }
    }

    fn column_count(&self) -> usize {
        self.lines.iter().map(|l| if let Line::Cells(c) = l { c.len() } else { 0 }).max().unwrap_or(0)
    }

    /// The widest cell of a column that is not wider than `most`.
    fn column_width(&self, column: usize, most: usize) -> usize {
        let cells = self.lines.iter().filter_map(|l| if let Line::Cells(c) = l { c.get(column) } else { None });
        cells.map(|c| width(c)).filter(|&w| w <= most).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_character_takes_two_columns() {
        let mut c = Columns::default();
        c.cells(vec!["专业化".into(), "1".into()]);
        c.cells(vec!["abc".into(), "22".into()]);
        assert_eq!(c.render(0), "专业化   1\nabc     22\n");
    }

    #[test]
    fn a_label_too_long_takes_its_own_line() {
        let mut c = Columns::default();
        c.cells(vec!["x".repeat(95), "123456".into()]);
        c.cells(vec!["law".into(), "1".into()]);
        assert_eq!(c.render(0), format!("{}\n     123456\nlaw       1\n", "x".repeat(95)));
    }

    #[test]
    fn wrapped_text_keeps_to_the_line() {
        let lines = wrapped("Notes  ", 7, &"word ".repeat(40));
        assert!(lines.len() > 1 && lines.iter().all(|l| width(l) <= LINE));
        assert!(lines[1].starts_with("       word"));
    }
}
