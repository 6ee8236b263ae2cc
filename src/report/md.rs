//! Markdown (GitHub's tables): every sign that would be markup is escaped, so that a name stands as it was written.

use super::grid::{GridLine, lines, spans, word_columns};
use super::pieces::Piece;
use crate::outcome::Table;

/// A table with its title above and its notes below.
pub fn table(table: &Table) -> String {
    let mut out = table.title.as_ref().map_or(String::new(), |t| format!("**{}**\n\n", escaped(t)));
    let over: Vec<Vec<String>> = spans(table)
        .into_iter()
        .map(|row| row.into_iter().flat_map(|s| std::iter::repeat_n(s.text, s.columns)).collect())
        .collect();
    // A table has one row of headings here: what stands over a column is said before it.
    let head = |(j, own): (usize, &String)| {
        let above = over.iter().filter_map(|row| row.get(j)).filter(|t| !t.is_empty());
        above.chain([own]).map(|t| escaped(t)).collect::<Vec<_>>().join(": ")
    };
    let heads: Vec<String> = table.columns.iter().enumerate().map(head).collect();
    row(&mut out, &std::iter::once(String::new()).chain(heads).collect::<Vec<_>>());
    let align = |words: &bool| if *words { ":---|" } else { "---:|" };
    out.push_str(&format!("|:---|{}\n", word_columns(table).iter().map(align).collect::<String>()));
    let fields = table.columns.len() + 1;
    for line in lines(table) {
        match line {
            GridLine::Rule => {}
            GridLine::Heading(text) => {
                let mut cells = vec![format!("**{}**", escaped(&text))];
                cells.resize(fields, String::new());
                row(&mut out, &cells);
            }
            GridLine::Cells(cells) => {
                let mut cells: Vec<String> = cells.iter().map(|c| escaped(c)).collect();
                cells.resize(fields, String::new());
                row(&mut out, &cells);
            }
        }
    }
    for note in &table.notes {
        out.push_str(&format!("\n{}\n", spoken(note)));
    }
    out
}

fn row(out: &mut String, cells: &[String]) {
    out.push('|');
    for cell in cells {
        out.push_str(&if cell.is_empty() { " |".to_string() } else { format!(" {cell} |") });
    }
    out.push('\n');
}

/// Pieces of a document one after the other; ends with a newline.
pub fn pieces(pieces: &[Piece]) -> String {
    let mut parts: Vec<String> = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Heading(level, text) => parts.push(format!("{} {}\n", "#".repeat(*level), escaped(text))),
            Piece::Paragraph(text) => parts.push(format!("{}\n", spoken(text))),
            Piece::Points(points) => parts.push(points.iter().map(|p| format!("- {}\n", spoken(p))).collect()),
            Piece::Facts(facts) => {
                let line = |(key, value): &(String, String)| format!("- **{}**: {}\n", escaped(key), escaped(value));
                parts.push(facts.iter().map(line).collect());
            }
            Piece::Code(text) => parts.push(fenced(text, "text")),
            Piece::Program(text) => parts.push(fenced(text, "durbin")),
            Piece::Table(t) => parts.push(table(t)),
            Piece::Picture { words, .. } => parts.push(format!("{} (a figure)\n", escaped(words))),
        }
    }
    parts.join("\n")
}

/// A block whose fence is longer than any run of backticks in it.
fn fenced(text: &str, word: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat((longest + 1).max(3));
    format!("{fence}{word}\n{}\n{fence}\n", text.trim_end())
}

/// Running text: what stands in backticks stays code, the rest is escaped.
pub fn spoken(words: &str) -> String {
    let parts: Vec<&str> = words.split('`').collect();
    // An odd number of backticks encloses nothing.
    if parts.len().is_multiple_of(2) {
        return escaped(words);
    }
    let part = |(i, text): (usize, &&str)| if i % 2 == 1 { format!("`{text}`") } else { escaped(text) };
    parts.iter().enumerate().map(part).collect()
}

/// Text without meaning for Markdown and for the HTML it may become.
pub fn escaped(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    for (i, c) in words.char_indices() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '_' | '*' | '[' | '|' | '\\' | '`' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            '#' | '+' | '-' | '=' if i == 0 && !is_number(words) => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn is_number(words: &str) -> bool {
    words.get(1..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || c == '.'))
}
