//! A table as a LaTeX fragment: a booktabs `tabular` to be `\input`, special characters escaped, Unicode kept.

use super::grid::{GridLine, lines};
use crate::outcome::Table;

/// The fragment; it needs `\usepackage{booktabs}`, and for Chinese labels XeLaTeX or LuaLaTeX with `ctex`.
pub fn table(table: &Table) -> String {
    let columns = table.columns.len() + 1;
    let mut out = String::from("% needs \\usepackage{booktabs}\n");
    out.push_str(&format!("\\begin{{tabular}}{{l{}}}\n", "c".repeat(table.columns.len())));
    if let Some(title) = &table.title {
        out.push_str(&format!("\\multicolumn{{{columns}}}{{c}}{{{}}} \\\\\n", escaped(title)));
    }
    out.push_str("\\toprule\n");
    let heads: Vec<String> = std::iter::once(String::new()).chain(table.columns.iter().map(|c| escaped(c))).collect();
    out.push_str(&row(&heads));
    out.push_str("\\midrule\n");
    for line in lines(table) {
        match line {
            GridLine::Rule => out.push_str("\\midrule\n"),
            GridLine::Heading(text) => {
                out.push_str(&format!("\\multicolumn{{{columns}}}{{l}}{{\\textit{{{}}}}} \\\\\n", escaped(&text)));
            }
            GridLine::Cells(cells) => out.push_str(&row(&cells.iter().map(|c| cell(c)).collect::<Vec<_>>())),
        }
    }
    out.push_str("\\bottomrule\n");
    for note in &table.notes {
        // `p` breaks a long note within the page's own width.
        let text =
            format!("\\multicolumn{{{columns}}}{{p{{0.9\\linewidth}}}}{{\\footnotesize {}}} \\\\\n", escaped(note));
        out.push_str(&text);
    }
    out.push_str("\\end{tabular}\n");
    out
}

fn row(cells: &[String]) -> String {
    format!("{} \\\\\n", cells.join(" & ").trim_end())
}

/// Stars are raised, a minus before a digit is a minus and no hyphen.
fn cell(text: &str) -> String {
    let bare = text.trim_end_matches('*');
    let stars = &text[bare.len()..];
    let mut out = minus(bare);
    if !stars.is_empty() {
        out.push_str(&format!("$^{{{stars}}}$"));
    }
    out
}

fn minus(text: &str) -> String {
    let inner = text.strip_prefix('(').unwrap_or(text);
    let number = inner.strip_prefix('-').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    match number {
        Some(rest) if inner.len() < text.len() => format!("($-${}", escaped(rest)),
        Some(rest) => format!("$-${}", escaped(rest)),
        None => escaped(text),
    }
}

/// Text without meaning for LaTeX. A leading `[` would be read as the argument of the `\\` before it.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            '\\' => out.push_str("\\textbackslash{}"),
            '~' => out.push_str("\\textasciitilde{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            '<' => out.push_str("\\textless{}"),
            '>' => out.push_str("\\textgreater{}"),
            '|' => out.push_str("\\textbar{}"),
            // Every font encoding has it, unlike \textquotedbl.
            '"' => out.push_str("{\\char34}"),
            '[' => out.push_str("{[}"),
            '*' if out.is_empty() => out.push_str("{*}"),
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
