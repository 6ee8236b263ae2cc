//! A table as a LaTeX fragment: a booktabs `tabular` to be `\input`, special characters escaped, Unicode kept.

use super::grid::{GridLine, Span, lines, spans, word_columns};
use crate::outcome::{Cell, Table};

/// The fragment; it needs `\usepackage{booktabs}`, and for Chinese labels XeLaTeX or LuaLaTeX with `ctex`.
pub fn table(table: &Table) -> String {
    let columns = table.columns.len() + 1;
    let mut out = String::from("% needs \\usepackage{booktabs}\n");
    let align = alignment(table);
    out.push_str(&format!("\\begin{{tabular}}{{l{align}}}\n"));
    if let Some(title) = &table.title {
        out.push_str(&format!("\\multicolumn{{{columns}}}{{c}}{{{}}} \\\\\n", escaped(title)));
    }
    out.push_str("\\toprule\n");
    spans(table).iter().for_each(|row| out.push_str(&span_row(row)));
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
    out.push_str("\\end{tabular}\n");
    if !table.notes.is_empty() {
        // Beneath the table and not in it: a long note would widen its columns.
        let notes: Vec<String> = table.notes.iter().map(|n| spoken(n)).collect();
        let notes = notes.join("\\par\n");
        out.push_str(&format!(
            "\n\\smallskip\n\\begin{{minipage}}{{0.9\\linewidth}}\\footnotesize\n{notes}\n\\end{{minipage}}\n"
        ));
    }
    out
}

/// Numbers stand in the middle, words to the left, long words in lines of a fixed width.
fn alignment(table: &Table) -> String {
    let cells = |j: usize| table.blocks.iter().flat_map(|b| &b.rows).filter_map(move |r| r.cells.get(j));
    let long = |j: &usize| cells(*j).any(|c| matches!(c, Cell::Text(t) if t.chars().count() > LONG));
    let words = word_columns(table);
    let many = (0..words.len()).filter(|j| words[*j]).filter(long).count().max(1);
    // Beside many columns little room is left.
    let room = if words.len() > 2 { 0.4 } else { 0.7 };
    let width = (room / many as f64 * 100.0).floor() / 100.0;
    let column = |j: usize| match words[j] {
        true if long(&j) => format!("p{{{width}\\linewidth}}"),
        true => "l".to_string(),
        false => "c".to_string(),
    };
    (0..words.len()).map(column).collect()
}

/// Words of more letters are broken into lines.
const LONG: usize = 40;

/// Headings over columns with a line beneath each.
fn span_row(spans: &[Span]) -> String {
    let (mut cells, mut rules) = (vec![String::new()], Vec::new());
    let mut column = 2;
    for span in spans {
        cells.push(format!("\\multicolumn{{{}}}{{c}}{{{}}}", span.columns, escaped(&span.text)));
        if !span.text.is_empty() {
            rules.push(format!("\\cmidrule(lr){{{column}-{}}}", column + span.columns - 1));
        }
        column += span.columns;
    }
    format!("{}{}\n", row(&cells), rules.join(" "))
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

/// A hyphen before a digit, at the beginning of a number, is a minus.
fn minus(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('-') {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        let begins = before.is_empty() && out.is_empty() || before.ends_with(['(', '[', ' ']);
        out.push_str(&escaped_from(before, out.is_empty()));
        out.push_str(if begins && after.starts_with(|c: char| c.is_ascii_digit()) { "$-$" } else { "-" });
        rest = after;
    }
    out.push_str(&escaped_from(rest, out.is_empty()));
    out
}

/// Running text: what stands in backticks is set as code.
fn spoken(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return escaped(text);
    }
    let part = |(i, t): (usize, &&str)| if i % 2 == 1 { format!("\\texttt{{{}}}", escaped(t)) } else { escaped(t) };
    parts.iter().enumerate().map(part).collect()
}

/// Text without meaning for LaTeX. A leading `[` would be read as the argument of the `\\` before it.
fn escaped(text: &str) -> String {
    escaped_from(text, true)
}

/// The same of a part of a text. A `*` that begins a cell would be read as `\\*`.
fn escaped_from(text: &str, begins: bool) -> String {
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
            '*' if begins && out.is_empty() => out.push_str("{*}"),
            '\u{2212}' => out.push_str("$-$"),
            c if c.is_control() => out.push(' '),
            c => match in_mathematics(c) {
                Some(command) => out.push_str(&format!("$\\{command}$")),
                None => out.push(c),
            },
        }
    }
    out
}

/// Signs that the fonts of running text may not have.
fn in_mathematics(c: char) -> Option<&'static str> {
    Some(match c {
        '≤' => "leq",
        '≥' => "geq",
        '≠' => "neq",
        '≈' => "approx",
        '∞' => "infty",
        '→' => "rightarrow",
        'α' => "alpha",
        'β' => "beta",
        'γ' => "gamma",
        'δ' => "delta",
        'ε' => "varepsilon",
        'η' => "eta",
        'θ' => "theta",
        'λ' => "lambda",
        'μ' => "mu",
        'ξ' => "xi",
        'π' => "pi",
        'ρ' => "rho",
        'σ' => "sigma",
        'τ' => "tau",
        'φ' => "varphi",
        'χ' => "chi",
        'ψ' => "psi",
        'ω' => "omega",
        'Δ' => "Delta",
        'Σ' => "Sigma",
        'Ω' => "Omega",
        _ => return None,
    })
}
