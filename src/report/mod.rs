//! Outcomes become text, Markdown, HTML, LaTeX, Word, CSV, and the JSON document of a run.
//!
//! `report` knows outcome types only. Meaning is settled before markup: [`table`] lays estimates out as semantic cells,
//! [`grid`] gives cells their text once, [`pieces`] makes any outcome a document's parts, and each format differs only in
//! how it fences them. [`lang`] says labels and notes in the language a program asks for.

pub mod csv;
pub mod described;
pub mod designs;
pub mod docx;
pub mod estimates;
pub mod explanation;
pub mod figure;
pub mod fit;
pub mod grid;
pub mod groups;
pub mod honest;
pub mod html;
pub mod json;
pub mod lang;
pub mod layout;
pub mod matching;
pub mod md;
pub mod number;
pub mod page;
pub mod pieces;
pub mod placebo;
pub mod plan;
pub mod plots;
pub mod replications;
pub mod rings;
pub mod split;
pub mod staggered;
pub mod summaries;
pub mod table;
pub mod testing;
pub mod tex;
pub mod text;
pub mod txt;
pub mod words;
pub mod zip;

pub use table::{Stars, TableOptions, relabelled, side_by_side};
pub use text::text;

use crate::outcome::{Entry, Lang, Outcome, Table};

/// Formats of what is a table, of text, of arrays and of single values.
const TABLE: &[&str] = &["csv", "docx", "html", "json", "md", "tex", "txt"];
const TEXT: &[&str] = &["docx", "html", "json", "md", "txt"];
const ARRAY: &[&str] = &["csv", "json", "txt"];
const VALUE: &[&str] = &["json", "txt"];
const FIGURE: &[&str] = &["html", "json", "svg"];

/// Which extensions `save` accepts for an outcome, without the dot, in the order messages list them.
pub fn formats_of(outcome: &Outcome) -> &'static [&'static str] {
    match outcome {
        Outcome::Fit(_)
        | Outcome::Table(_)
        | Outcome::Test(_)
        | Outcome::Design(_)
        | Outcome::Effects { .. }
        | Outcome::SplitEffects(_)
        | Outcome::Treatment(_)
        | Outcome::Panel(_)
        | Outcome::Described(_)
        | Outcome::Data(_) => TABLE,
        Outcome::Array(_) => ARRAY,
        Outcome::Explanation(_) | Outcome::Weights(_) | Outcome::Text(_) | Outcome::List(_) => TEXT,
        Outcome::Value(_) => VALUE,
        Outcome::Figure(_) => FIGURE,
    }
}

/// What `save` writes for an entry into a file with this extension; `None` where [`formats_of`] does not list it.
pub fn saved(entry: &Entry, extension: &str, language: Lang) -> Option<Vec<u8>> {
    if !formats_of(&entry.outcome).contains(&extension) {
        return None;
    }
    let text = match extension {
        "txt" => plain(entry, language),
        "json" => json::written(&json::entry(entry)),
        "md" => markdown(entry, language),
        "html" => page(entry, language),
        "docx" => return Some(docx::document(&alone(entry, language))),
        "csv" => match &entry.outcome {
            Outcome::Array(array) => csv::array(array),
            _ => csv::table(&as_table(entry, language)?),
        },
        "tex" => tex::table(&as_table(entry, language)?),
        "svg" => match &entry.outcome {
            Outcome::Figure(figure) => figure::svg(figure),
            _ => return None,
        },
        _ => return None,
    };
    Some(text.into_bytes())
}

/// A file of text: a table in its language, everything else as the terminal shows it.
fn plain(entry: &Entry, language: Lang) -> String {
    match (&entry.outcome, language) {
        (Outcome::List(_), _) => as_table(entry, language).map_or_else(|| text(entry), |t| txt::table(&t)),
        (Outcome::Design(_) | Outcome::Effects { .. } | Outcome::SplitEffects(_) | Outcome::Described(_), Lang::Zh) => {
            as_table(entry, language).map_or_else(|| text(entry), |t| txt::table(&t))
        }
        _ => text(entry),
    }
}

fn markdown(entry: &Entry, language: Lang) -> String {
    match &entry.outcome {
        Outcome::Explanation(e) => explanation::markdown(e),
        _ => md::pieces(&alone(entry, language)),
    }
}

fn page(entry: &Entry, language: Lang) -> String {
    html::page(&title(entry), language, &html::pieces(&alone(entry, language)))
}

/// The parts of an entry that is a file of its own: a table stands without a heading, under its title.
fn alone(entry: &Entry, language: Lang) -> Vec<pieces::Piece> {
    match &entry.outcome {
        Outcome::Table(_)
        | Outcome::Design(_)
        | Outcome::Effects { .. }
        | Outcome::SplitEffects(_)
        | Outcome::Test(_) => as_table(entry, language).map(pieces::Piece::Table).into_iter().collect(),
        Outcome::List(entries) => match as_table(entry, language) {
            Some(table) => vec![pieces::Piece::Table(table)],
            // its parts have headings of their own
            None => entries.iter().flat_map(|e| pieces::of(e, 2, language)).collect(),
        },
        Outcome::Figure(_) => pieces::body(entry, language),
        _ => pieces::of(entry, 1, language),
    }
}

/// What a page is called.
fn title(entry: &Entry) -> String {
    match &entry.outcome {
        Outcome::Table(Table { title: Some(title), .. }) => title.clone(),
        Outcome::Test(t) => t.title.clone(),
        Outcome::Figure(figure) => figure.title.clone().unwrap_or_else(|| entry.source.clone()),
        _ => entry.name.clone().unwrap_or_else(|| entry.source.clone()),
    }
}

/// The table an entry is when it is saved as one: itself, a fit in one column, effects side by side.
pub fn as_table(entry: &Entry, language: Lang) -> Option<Table> {
    let options = TableOptions::in_language(language);
    match &entry.outcome {
        // It was made in its language.
        Outcome::Table(table) => Some(table.clone()),
        Outcome::Fit(fit) => {
            let name = entry.name.as_deref().unwrap_or(&fit.query);
            Some(side_by_side(&[(name, fit)], &options))
        }
        other => Some(lang::table(table_of(other, &options)?, language)),
    }
}

/// The table of an outcome that is none of models, in English.
pub fn table_of(outcome: &Outcome, options: &TableOptions) -> Option<Table> {
    match outcome {
        Outcome::Design(design) => Some(designs::table(design, options)),
        Outcome::Test(t) => Some(testing::table(t)),
        Outcome::List(entries) => {
            let tests = entries.iter().map(|e| if let Outcome::Test(t) = &e.outcome { Some(t.as_ref()) } else { None });
            testing::beside(&tests.collect::<Option<Vec<_>>>()?)
        }
        Outcome::Effects { effects, policy_effects, .. } => {
            Some(table::effects_table(effects, policy_effects.as_ref(), options))
        }
        Outcome::SplitEffects(split) => Some(split::table(split)),
        Outcome::Treatment(t) => Some(described::cohorts(t)),
        Outcome::Panel(p) => Some(described::described(&p.columns, p.rows)),
        Outcome::Described(d) => Some(described::description(d)),
        Outcome::Data(d) => Some(described::described(&d.columns, d.rows)),
        Outcome::Table(table) => Some(table.clone()),
        _ => None,
    }
}

/// The printed entries of a run as one Markdown document.
pub fn markdown_run(entries: &[Entry], language: Lang) -> String {
    let printed = entries.iter().filter(|e| e.printed);
    md::pieces(&printed.flat_map(|e| pieces::of(e, 2, language)).collect::<Vec<_>>())
}

/// The printed entries of a run as one page of HTML.
pub fn html_run(title: &str, entries: &[Entry], language: Lang) -> String {
    let printed = entries.iter().filter(|e| e.printed);
    let mut all = vec![pieces::Piece::Heading(1, title.to_string())];
    all.extend(printed.flat_map(|e| pieces::of(e, 2, language)));
    html::page(title, language, &html::pieces(&all))
}

#[cfg(test)]
mod format_tests;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
