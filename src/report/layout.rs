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
    /// Texts over so many columns each, from the second column on; a line is drawn beneath each text.
    Over(Vec<(String, usize)>),
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
        let mut rest: Vec<usize> = (1..self.column_count()).map(|j| self.column_width(j, usize::MAX)).collect();
        self.lines.iter().for_each(|l| {
            if let Line::Over(spans) = l {
                widened(&mut rest, spans)
            }
        });
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
                Line::Over(spans) => over(&mut out, spans, &rest, &format!("{margin}{}", " ".repeat(label))),
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

/// The columns a span takes, blanks between them included.
fn span_width(widths: &[usize], from: usize, columns: usize) -> usize {
    let own: usize = widths.iter().skip(from).take(columns).sum();
    own + 2 * columns.saturating_sub(1)
}

/// Columns wide enough for the texts over them.
fn widened(widths: &mut [usize], spans: &[(String, usize)]) {
    let mut from = 0;
    for (text, columns) in spans {
        let lacking = width(text).saturating_sub(span_width(widths, from, *columns));
        from += columns;
        if let Some(last) = from.checked_sub(1).and_then(|j| widths.get_mut(j)) {
            *last += lacking;
        }
    }
}

/// Texts in the middle of the columns they stand over, lines beneath.
fn over(out: &mut String, spans: &[(String, usize)], widths: &[usize], head: &str) {
    let (mut texts, mut rules) = (head.to_string(), head.to_string());
    let mut from = 0;
    for (text, columns) in spans {
        let room = span_width(widths, from, *columns);
        from += columns;
        let left = room.saturating_sub(width(text)) / 2;
        texts.push_str(&format!("  {}{}", " ".repeat(left), padded(text, room - left, Align::Left)));
        let mark = if text.is_empty() { " " } else { "─" };
        rules.push_str(&format!("  {}", mark.repeat(room)));
    }
    out.push_str(&format!("{}\n{}\n", texts.trim_end(), rules.trim_end()));
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
    fn a_text_over_columns_stands_in_their_middle_and_makes_room() {
        let mut c = Columns { lines: vec![Line::Over(vec![("地图 A".into(), 2), (String::new(), 1)])], left: vec![] };
        c.cells(["x", "1", "2", "3"].map(String::from).to_vec());
        assert_eq!(c.render(0), "   地图 A\n   ──────\nx  1    2  3\n");
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
