//! Outcomes become text, CSV and LaTeX, and the JSON document of a run.
//!
//! `report` knows outcome types only. Meaning is settled before markup: [`table`] lays estimates out as semantic cells,
//! [`grid`] gives cells their text once, and [`txt`], [`csv`] and [`tex`] differ only in how they fence it.

pub mod csv;
pub mod designs;
pub mod explanation;
pub mod figure;
pub mod fit;
pub mod grid;
pub mod groups;
pub mod json;
pub mod layout;
pub mod number;
pub mod placebo;
pub mod plan;
pub mod plots;
pub mod replications;
pub mod rings;
pub mod split;
pub mod summaries;
pub mod table;
pub mod testing;
pub mod tex;
pub mod text;
pub mod txt;
pub mod words;

pub use table::{Stars, TableOptions, side_by_side};
pub use text::text;

use crate::outcome::{Entry, Outcome, Table};

/// Which extensions `save` accepts for an outcome, without the dot, in the order messages list them.
pub fn formats_of(outcome: &Outcome) -> &'static [&'static str] {
    match outcome {
        Outcome::Fit(_)
        | Outcome::Table(_)
        | Outcome::Test(_)
        | Outcome::Design(_)
        | Outcome::Effects { .. }
        | Outcome::SplitEffects(_) => &["txt", "csv", "tex"],
        Outcome::Figure(_) => &["svg"],
        Outcome::Array(_) => &["txt", "csv"],
        Outcome::Explanation(_) => &["txt", "md"],
        Outcome::Weights(_)
        | Outcome::Treatment(_)
        | Outcome::Panel(_)
        | Outcome::Data(_)
        | Outcome::Value(_)
        | Outcome::Text(_)
        | Outcome::List(_) => &["txt"],
    }
}

/// What `save` writes for an entry into a file with this extension; `None` where [`formats_of`] does not list it.
pub fn saved(entry: &Entry, extension: &str) -> Option<String> {
    if !formats_of(&entry.outcome).contains(&extension) {
        return None;
    }
    if extension == "txt" {
        return Some(text(entry));
    }
    if let (Outcome::Explanation(e), "md") = (&entry.outcome, extension) {
        return Some(explanation::markdown(e));
    }
    if let (Outcome::Array(array), "csv") = (&entry.outcome, extension) {
        return Some(csv::array(array));
    }
    if let (Outcome::Figure(figure), "svg") = (&entry.outcome, extension) {
        return Some(figure::svg(figure));
    }
    let table = as_table(entry)?;
    match extension {
        "csv" => Some(csv::table(&table)),
        "tex" => Some(tex::table(&table)),
        _ => None,
    }
}

/// The table an entry is when it is saved as one: itself, a fit in one column, effects side by side.
fn as_table(entry: &Entry) -> Option<Table> {
    match &entry.outcome {
        Outcome::Table(table) => Some(table.clone()),
        Outcome::Design(design) => Some(designs::table(design)),
        Outcome::Test(t) => Some(testing::table(t)),
        Outcome::Fit(fit) => {
            let name = entry.name.as_deref().unwrap_or(&fit.query);
            Some(side_by_side(&[(name, fit)], &TableOptions::default()))
        }
        Outcome::Effects { effects, policy_effects, .. } => {
            Some(table::effects_table(effects, policy_effects.as_ref(), &TableOptions::default()))
        }
        Outcome::SplitEffects(split) => Some(split::table(split)),
        _ => None,
    }
}

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
