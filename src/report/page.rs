//! The page of a `report`: what was asked for in sections, then the program, what it read and what was remarked. It is
//! complete in one file: nothing is fetched, and it prints.

use super::json::Input;
use super::pieces::{self, Piece};
use super::{html, lang, number};
use crate::outcome::{Block, Cell, Entry, Lang, Outcome, Row, Scalar, Table};

/// A value of a report with the `##` comment above it.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    pub words: Option<String>,
    pub entry: Entry,
}

/// A remark of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    pub code: String,
    pub message: String,
    pub help: Option<String>,
}

/// What a page says about the run it is of.
#[derive(Clone, Debug)]
pub struct About<'a> {
    /// The `##` block at the head of the program: its first line is the title.
    pub doc: &'a str,
    pub program_name: &'a str,
    pub program: &'a str,
    pub program_blake3: &'a str,
    pub version: &'a str,
    pub seed: u64,
    pub inputs: &'a [Input],
    pub remarks: &'a [Remark],
    pub lang: Lang,
}

/// The page as HTML.
pub fn page(sections: &[Section], about: &About) -> String {
    let say = |text: &str| lang::say(about.lang, text);
    let mut lines = about.doc.lines();
    let title = lines.next().map(str::trim).filter(|t| !t.is_empty()).unwrap_or(about.program_name);
    let rest = lines.collect::<Vec<_>>().join("\n");
    let mut head = vec![Piece::Heading(1, title.to_string())];
    head.extend(paragraphs(&rest));
    let mut parts: Vec<Part> = Vec::new();
    for section in sections {
        add(&mut parts, section, about.lang);
    }
    parts.push(Part {
        heading: say("Program"),
        body: html::pieces(&[Piece::Program(about.program.to_string())]),
        open: false,
    });
    parts.push(Part { heading: say("Provenance"), body: html::pieces(&provenance(about)), open: false });
    let mut body = html::pieces(&head);
    body.push_str(&contents(&parts, &say("Contents")));
    for (number, part) in parts.iter().enumerate() {
        let heading = match part.heading.as_str() {
            "" => String::new(),
            text => format!("<h2>{}</h2>\n", html::spoken(text)),
        };
        body.push_str(&format!("<section id=\"s{}\">\n{heading}{}</section>\n", number + 1, part.body));
    }
    html::page(title, about.lang, &body)
}

/// A part of the page: its heading, in which backticks are code, and what stands under it.
struct Part {
    heading: String,
    body: String,
    /// Opened by a heading of the program: what follows stands under it.
    open: bool,
}

/// A text with `# ` opens a part; other text and values stand in the part that is open, else a value is a part of its own.
fn add(parts: &mut Vec<Part>, section: &Section, language: Lang) {
    if let Outcome::Value(Scalar::Text(text)) = &section.entry.outcome {
        match text.strip_prefix("# ") {
            Some(heading) => {
                parts.push(Part { heading: heading.trim().to_string(), body: String::new(), open: true });
            }
            None => under(parts, &html::pieces(&paragraphs(text))),
        }
        return;
    }
    let (heading, is_source) = heading(section, language);
    let mut body = String::new();
    if let Some(words) = &section.words {
        body.push_str(&html::pieces(&paragraphs(words)));
    }
    if !is_source && !matches!(section.entry.outcome, Outcome::Fit(_)) {
        body.push_str(&format!("<p class=\"source\"><code>{}</code></p>\n", html::escaped(&section.entry.source)));
    }
    body.push_str(&html::pieces(&pieces::body(&section.entry, language)));
    if parts.last().is_some_and(|p| p.open) {
        under(parts, &format!("<h3>{}</h3>\n{body}", html::spoken(&heading)));
    } else {
        parts.push(Part { heading, body, open: false });
    }
}

/// Adds to the last part; before all others a part without a heading.
fn under(parts: &mut Vec<Part>, body: &str) {
    if parts.is_empty() {
        parts.push(Part { heading: String::new(), body: String::new(), open: false });
    }
    if let Some(last) = parts.last_mut() {
        last.body.push_str(body);
    }
}

/// What a value is headed by, and whether that is its own expression.
fn heading(section: &Section, language: Lang) -> (String, bool) {
    let pieces = pieces::of(&section.entry, 2, language);
    match pieces.into_iter().next() {
        Some(Piece::Heading(_, text)) if text != section.entry.source => (text.replace('`', ""), false),
        _ => (format!("`{}`", section.entry.source.replace('`', "'")), true),
    }
}

/// Text parted at blank lines.
fn paragraphs(text: &str) -> Vec<Piece> {
    let mut out = Vec::new();
    for part in text.split("\n\n").map(str::trim).filter(|p| !p.is_empty()) {
        out.push(Piece::Paragraph(part.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    out
}

/// Links to the parts that have a heading.
fn contents(parts: &[Part], heading: &str) -> String {
    let link = |(number, part): (usize, &Part)| {
        let text = html::spoken(&part.heading);
        (!part.heading.is_empty()).then(|| format!("<li><a href=\"#s{}\">{text}</a></li>\n", number + 1))
    };
    let items: String = parts.iter().enumerate().filter_map(link).collect();
    format!("<nav aria-label=\"{}\">\n<ol>\n{items}</ol>\n</nav>\n", html::escaped(heading))
}

/// What the page was made from, so that it can be made again.
fn provenance(about: &About) -> Vec<Piece> {
    let say = |text: &str| lang::say(about.lang, text);
    let facts = vec![
        (say("Made with"), format!("durbin {}", about.version)),
        (say("Program"), format!("{}, blake3 {}", about.program_name, about.program_blake3)),
        (say("Seed"), about.seed.to_string()),
    ];
    let mut out = vec![Piece::Facts(facts)];
    if !about.inputs.is_empty() {
        let row = |i: &Input| Row {
            label: i.path.clone(),
            cells: vec![
                Cell::Shown {
                    text: number::count(usize::try_from(i.bytes).unwrap_or(usize::MAX)),
                    exact: i.bytes as f64,
                },
                Cell::Text(i.blake3.clone()),
            ],
        };
        let blocks = vec![Block { heading: None, rows: about.inputs.iter().map(row).collect() }];
        let columns = vec![say("bytes"), "blake3".to_string()];
        out.push(Piece::Table(Table { title: None, columns, blocks, notes: Vec::new(), digits: 6 }));
    }
    if !about.remarks.is_empty() {
        out.push(Piece::Heading(3, say("Warnings and notes")));
        let said = |r: &Remark| {
            let help = r.help.as_ref().map_or(String::new(), |h| format!(" {}: {h}.", say("Help")));
            format!("`{}`: {}.{help}", r.code, r.message)
        };
        out.push(Piece::Points(about.remarks.iter().map(said).collect()));
    }
    out
}
