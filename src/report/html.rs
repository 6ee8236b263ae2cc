//! HTML: a table, and a page that is complete in one file. Everything a user wrote is escaped, nothing is asked of the
//! network, and the page forbids it.

use super::grid::{lower, spans, upper, word_columns};
use super::lang;
use super::number::significant;
use super::pieces::Piece;
use crate::outcome::{Cell, Lang, Row, Table};

/// How a page looks on screens of any width and on paper.
const SHEET: &str = include_str!("page.css");

/// A table; numbers say more where the pointer rests on them.
pub fn table(table: &Table) -> String {
    let fields = table.columns.len() + 1;
    let mut out = String::from("<div class=\"wide\"><table>\n");
    if let Some(title) = &table.title {
        out.push_str(&format!("<caption>{}</caption>\n", escaped(title)));
    }
    out.push_str("<thead>\n");
    for row in spans(table) {
        out.push_str("<tr><td></td>");
        for span in row {
            let class = if span.text.is_empty() { "" } else { " class=\"over\"" };
            out.push_str(&format!("<th{class} colspan=\"{}\">{}</th>", span.columns, escaped(&span.text)));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("<tr><td></td>");
    let words = word_columns(table);
    for (column, words) in table.columns.iter().zip(&words) {
        let class = if *words { " class=\"words\"" } else { "" };
        out.push_str(&format!("<th{class} scope=\"col\">{}</th>", escaped(column)));
    }
    out.push_str("</tr>\n</thead>\n");
    for block in &table.blocks {
        let rows: Vec<&Row> =
            block.rows.iter().filter(|r| !r.cells.iter().any(|c| matches!(c, Cell::Heading(_)))).collect();
        if rows.is_empty() {
            continue;
        }
        out.push_str("<tbody>\n");
        if let Some(heading) = &block.heading {
            let heading = escaped(heading);
            out.push_str(&format!(
                "<tr class=\"block\"><th colspan=\"{fields}\" scope=\"rowgroup\">{heading}</th></tr>\n"
            ));
        }
        rows.iter().for_each(|row| out.push_str(&table_row(row, table, &words)));
        out.push_str("</tbody>\n");
    }
    out.push_str("</table></div>\n");
    if !table.notes.is_empty() {
        let notes: Vec<String> = table.notes.iter().map(|n| spoken(n)).collect();
        out.push_str(&format!("<p class=\"notes\">{}</p>\n", notes.join("<br>\n")));
    }
    out
}

fn table_row(row: &Row, table: &Table, words: &[bool]) -> String {
    let mut out = format!("<tr><th scope=\"row\">{}</th>", escaped(&row.label));
    for j in 0..table.columns.len() {
        let cell = row.cells.get(j).unwrap_or(&Cell::Empty);
        let class = if words.get(j) == Some(&true) { " class=\"words\"" } else { "" };
        let title = exact(cell).map_or(String::new(), |t| format!(" title=\"{}\"", escaped(&t)));
        out.push_str(&format!("<td{class}{title}>{}", starred(&upper(cell, table.digits))));
        let below = lower(cell, table.digits);
        if !below.is_empty() {
            out.push_str(&format!("<br><small>{}</small>", number(&below)));
        }
        out.push_str("</td>");
    }
    out + "</tr>\n"
}

/// A number with all that is known of it, for the pointer that rests on it.
fn exact(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Number(x) | Cell::Shown { exact: x, .. } if x.is_finite() => Some(plainly(*x)),
        Cell::Estimate { estimate, se, p } | Cell::EstimateOver { estimate, se, p, .. } if estimate.is_finite() => {
            let mut parts = vec![format!("estimate {}", plainly(*estimate))];
            if se.is_finite() {
                parts.push(format!("standard error {}", plainly(*se)));
            }
            if p.is_finite() {
                parts.push(format!("p {}", plainly(*p)));
            }
            Some(parts.join(", "))
        }
        _ => None,
    }
}

/// As many digits as a reader can want, whole numbers without decimals.
fn plainly(x: f64) -> String {
    if x.fract() == 0.0 && x.abs() < 1e15 { x.to_string() } else { significant(x, 8) }
}

/// Stars are raised.
fn starred(text: &str) -> String {
    let bare = text.trim_end_matches('*');
    let stars = &text[bare.len()..];
    let raised = if stars.is_empty() { String::new() } else { format!("<sup>{stars}</sup>") };
    number(bare) + &raised
}

/// A hyphen that begins a number is a minus.
fn number(text: &str) -> String {
    escaped(&super::number::with_minus(text))
}

/// Pieces of a document as the inside of a page.
pub fn pieces(pieces: &[Piece]) -> String {
    let mut out = String::new();
    for piece in pieces {
        match piece {
            Piece::Heading(level, text) => out.push_str(&format!("<h{level}>{}</h{level}>\n", escaped(text))),
            Piece::Paragraph(text) => out.push_str(&format!("<p>{}</p>\n", spoken(text))),
            Piece::Points(points) => {
                let point = |p: &String| format!("<li>{}</li>\n", spoken(p));
                out.push_str(&format!("<ul>\n{}</ul>\n", points.iter().map(point).collect::<String>()));
            }
            Piece::Facts(facts) => {
                let fact = |(k, v): &(String, String)| format!("<dt>{}</dt><dd>{}</dd>\n", escaped(k), number(v));
                out.push_str(&format!("<dl>\n{}</dl>\n", facts.iter().map(fact).collect::<String>()));
            }
            Piece::Code(text) => out.push_str(&format!("<pre>{}</pre>\n", escaped(text.trim_end()))),
            Piece::Program(text) => out.push_str(&listing(text)),
            Piece::Table(t) => out.push_str(&table(t)),
            // Its title and its notes are drawn with it.
            Piece::Picture { svg, .. } => out.push_str(&format!("<figure>{}</figure>\n", inline(svg))),
        }
    }
    out
}

/// A program with numbers before its lines, which are not copied with it.
fn listing(text: &str) -> String {
    let line = |l: &str| format!("<span>{}</span>\n", escaped(l));
    format!("<pre class=\"program\">{}</pre>\n", text.trim_end().lines().map(line).collect::<String>())
}

/// A picture without the head that only a file of its own has. Names of its parts bear a mark of its content: another
/// picture of the page has the same ones.
fn inline(svg: &str) -> String {
    let inside = svg.find("<svg").map_or("", |at| svg[at..].trim_end());
    let mark = inside.bytes().fold(0x811c_9dc5_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193));
    let inside = inside.replacen(" xmlns=\"http://www.w3.org/2000/svg\"", "", 1);
    inside.replace("id=\"p", &format!("id=\"f{mark:08x}p")).replace("url(#p", &format!("url(#f{mark:08x}p"))
}

/// A whole page.
pub fn page(title: &str, language: Lang, body: &str) -> String {
    let code = lang::code(language);
    let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";
    format!(
        "<!DOCTYPE html>\n<html lang=\"{code}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <link rel=\"icon\" href=\"data:,\">\n<title>{}</title>\n<style>\n{SHEET}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n",
        escaped(title)
    )
}

/// Running text: what stands in backticks is code.
pub fn spoken(words: &str) -> String {
    let parts: Vec<&str> = words.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return escaped(words);
    }
    let part =
        |(i, text): (usize, &&str)| if i % 2 == 1 { format!("<code>{}</code>", escaped(text)) } else { escaped(text) };
    parts.iter().enumerate().map(part).collect()
}

/// Text without meaning for HTML, in elements and in quoted attributes; signs that no document may hold are left out.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || c == '\u{fffe}' || c == '\u{ffff}' => {}
            c => out.push(c),
        }
    }
    out
}
