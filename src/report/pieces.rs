//! An outcome as the parts of a document (headings, facts, tables, text), which Markdown, HTML and Word set each in
//! their own way. Nothing here knows markup.

use super::lang;
use super::text::{ROWS, labels_at, scalar};
use super::{as_table, estimates, figure, fit, number, summaries, testing, words};
use crate::outcome::{Block, Cell};
use crate::outcome::{Entry, Explanation, Fit, LabeledArray, Lang, Outcome, Passage, Row, Table};

/// A part of a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// With its level: 1 is the document's own.
    Heading(usize, String),
    /// Running text; what stands in backticks is code.
    Paragraph(String),
    Points(Vec<String>),
    /// Names and what they are.
    Facts(Vec<(String, String)>),
    /// Lines as they stand.
    Code(String),
    /// A program of the language.
    Program(String),
    Table(Table),
    /// A figure as SVG, and what it is called where it cannot be shown.
    Picture {
        svg: String,
        words: String,
    },
}

/// The parts of an entry. Its heading has `level`; an entry without a heading of its own is headed by its expression.
pub fn of(entry: &Entry, level: usize, language: Lang) -> Vec<Piece> {
    let mut out = Vec::new();
    if let Outcome::Explanation(e) = &entry.outcome {
        explanation(&mut out, e, level);
        return out;
    }
    if let Outcome::List(items) = &entry.outcome {
        out.push(Piece::Heading(level, entry.source.clone()));
        items.iter().for_each(|item| out.extend(of(item, level + 1, language)));
        return out;
    }
    out.push(Piece::Heading(level, heading(entry, language)));
    out.extend(body(entry, language));
    out
}

fn heading(entry: &Entry, language: Lang) -> String {
    match &entry.outcome {
        Outcome::Fit(fit) => {
            let title = lang::say(language, &words::title(fit));
            entry.name.as_ref().map_or(title.clone(), |name| format!("{name}: {title}"))
        }
        Outcome::Test(t) => lang::say(language, &t.title),
        Outcome::Table(Table { title: Some(title), .. }) => title.clone(),
        _ => entry.source.clone(),
    }
}

/// The parts below the heading.
pub fn body(entry: &Entry, language: Lang) -> Vec<Piece> {
    let say = |facts: Vec<(String, String)>| Piece::Facts(said(facts, language));
    match &entry.outcome {
        Outcome::Fit(f) => fitted(entry, f, language),
        Outcome::Value(v) => vec![Piece::Code(scalar(v))],
        Outcome::Text(t) => vec![Piece::Paragraph(t.clone())],
        Outcome::Explanation(e) => {
            let mut out = Vec::new();
            explanation(&mut out, e, 2);
            // Its title is the heading.
            out.remove(0);
            out
        }
        Outcome::List(items) => items.iter().flat_map(|item| of(item, 3, language)).collect(),
        Outcome::Array(a) => array(a),
        Outcome::Figure(f) => {
            vec![Piece::Picture { svg: figure::svg(f), words: f.title.clone().unwrap_or_else(|| entry.source.clone()) }]
        }
        Outcome::Panel(p) => vec![say(summaries::panel_facts(p)), Piece::Table(translated(entry, language))],
        Outcome::Described(d) => {
            vec![say(summaries::panel_facts(&d.panel)), Piece::Table(translated(entry, language))]
        }
        Outcome::Data(d) => vec![say(summaries::data_facts(d)), Piece::Table(translated(entry, language))],
        Outcome::Weights(w) => vec![say(summaries::weights_facts(w))],
        Outcome::Treatment(t) => vec![say(summaries::treatment_facts(t)), Piece::Table(translated(entry, language))],
        // Its title is the heading.
        Outcome::Test(t) => vec![Piece::Table(lang::table(Table { title: None, ..testing::table(t) }, language))],
        Outcome::Table(t) => vec![Piece::Table(Table { title: None, ..t.clone() })],
        Outcome::Design(_) | Outcome::Effects { .. } | Outcome::SplitEffects(_) => {
            vec![Piece::Table(translated(entry, language))]
        }
    }
}

/// Facts in a language: their names, and yes, no and none.
fn said(facts: Vec<(String, String)>, language: Lang) -> Vec<(String, String)> {
    let value = |v: String| if matches!(v.as_str(), "yes" | "no" | "none") { lang::say(language, &v) } else { v };
    facts.into_iter().map(|(k, v)| (lang::say(language, &k), value(v))).collect()
}

/// The table of an entry in a language.
fn translated(entry: &Entry, language: Lang) -> Table {
    as_table(entry, language).unwrap_or_default()
}

/// The head of a fit, its statistics and its estimates.
fn fitted(entry: &Entry, f: &Fit, language: Lang) -> Vec<Piece> {
    let mut out = Vec::new();
    if entry.name.as_deref() != Some(&entry.source) {
        out.push(Piece::Program(entry.source.clone()));
    }
    let facts = fit::facts(f).into_iter().chain(fit::statistic_facts(f));
    out.push(Piece::Facts(said(facts.collect(), language)));
    out.push(Piece::Table(estimates::table(f, language)));
    out
}

fn explanation(out: &mut Vec<Piece>, e: &Explanation, level: usize) {
    out.push(Piece::Heading(level, e.title.clone()));
    for section in &e.sections {
        out.push(Piece::Heading(level + 1, section.heading.clone()));
        for passage in &section.passages {
            match (passage, out.last_mut()) {
                (Passage::Point(words), Some(Piece::Points(points))) => points.push(words.clone()),
                (Passage::Point(words), _) => out.push(Piece::Points(vec![words.clone()])),
                (Passage::Paragraph(words), _) => out.push(Piece::Paragraph(words.clone())),
                (Passage::Lines(lines), _) => out.push(Piece::Code(lines.join("\n"))),
            }
        }
    }
}

/// The first rows of an array, and how many more there are.
fn array(a: &LabeledArray) -> Vec<Piece> {
    if a.dimensions.is_empty() {
        return vec![Piece::Code(a.values.first().map_or(number::MISSING.to_string(), |&x| summaries::plain(x)))];
    }
    let columns: Vec<String> = a.dimensions.iter().skip(1).cloned().chain(["value".to_string()]).collect();
    let row = |i: usize| {
        let mut labels = labels_at(a, i).into_iter();
        let label = labels.next().unwrap_or("").to_string();
        let exact = a.values.get(i).copied().unwrap_or(f64::NAN);
        let value = Cell::Shown { text: summaries::plain(exact), exact };
        Row { label, cells: labels.map(|l| Cell::Text(l.to_string())).chain([value]).collect() }
    };
    let more = a.values.len().saturating_sub(ROWS);
    let notes = if more > 0 { vec![format!("… and {} more", number::count(more))] } else { vec![] };
    let blocks = vec![Block { heading: None, rows: (0..a.values.len().min(ROWS)).map(row).collect() }];
    vec![Piece::Table(Table { title: None, columns, blocks, notes, digits: 6 })]
}
