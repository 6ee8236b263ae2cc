//! Any outcome as plain text for the terminal, at most [`LINE`](super::layout::LINE) columns wide where labels allow.

use super::layout::{Columns, Line};
use super::split;
use super::summaries::plain;
use super::{designs, explanation, fit, number, summaries, testing, txt};
use crate::outcome::figures::Figure;
use crate::outcome::{Entry, LabeledArray, Outcome, Scalar};

/// How many rows of an array are shown.
pub(super) const ROWS: usize = 12;

/// An entry as the terminal shows it; ends with a newline.
pub fn text(entry: &Entry) -> String {
    let source = entry.source.as_str();
    match &entry.outcome {
        Outcome::Fit(f) => fit::text(entry.name.as_deref(), source, f),
        Outcome::Weights(w) => summaries::weights(source, w),
        Outcome::Treatment(t) => summaries::treatment(source, t),
        Outcome::Panel(p) => summaries::panel(source, p),
        Outcome::Described(d) => summaries::description(source, d),
        Outcome::Data(d) => summaries::data(source, d),
        Outcome::Table(t) => txt::table(t),
        Outcome::Design(d) => designs::text(source, d),
        Outcome::Figure(f) => figure(source, f),
        Outcome::Test(t) => testing::text(t),
        Outcome::Array(a) => array(source, a),
        Outcome::Value(v) => format!("{}\n", scalar(v)),
        Outcome::Text(t) => format!("{}\n", t.trim_end()),
        Outcome::Explanation(e) => explanation::text(e),
        Outcome::Effects { effects, responses, policy_effects, level } => {
            format!("{source}\n\n{}", fit::effects_text(effects, responses, policy_effects.as_ref(), *level))
        }
        Outcome::SplitEffects(split) => format!("{source}\n\n{}", txt::table(&split::table(split))),
        Outcome::List(items) => list(items),
    }
}

pub(super) fn scalar(value: &Scalar) -> String {
    match value {
        Scalar::Bool(b) => b.to_string(),
        Scalar::Number(x) if x.is_nan() => number::MISSING.to_string(),
        Scalar::Number(x) => x.to_string(),
        Scalar::Text(t) => t.clone(),
    }
}

/// What a terminal can say of a figure: its title and notes, and how to see it.
fn figure(source: &str, f: &Figure) -> String {
    let title = f.title.as_deref().unwrap_or(source);
    let mut lines = vec![format!("{title} (a figure)"), String::new()];
    lines.extend(f.notes.iter().cloned());
    if f.path.is_none() {
        lines.push(format!("Save it to see it: save {source} to \"figure.svg\""));
    }
    format!("{}\n", lines.join("\n"))
}

fn list(items: &[Entry]) -> String {
    if items.is_empty() {
        return "an empty list\n".to_string();
    }
    let parts: Vec<String> =
        items.iter().enumerate().map(|(i, e)| format!("[{} of {}] {}", i + 1, items.len(), text(e))).collect();
    parts.join("\n")
}

fn array(source: &str, a: &LabeledArray) -> String {
    if a.dimensions.is_empty() {
        return format!("{}\n", a.values.first().map_or(number::MISSING.to_string(), |&x| plain(x)));
    }
    let sizes: Vec<String> = a
        .dimensions
        .iter()
        .zip(&a.labels)
        .map(|(d, l)| format!("{} {}", number::count(l.len()), plural(d, l.len())))
        .collect();
    let missing = a.values.iter().filter(|x| x.is_nan()).count();
    let gaps = if missing > 0 { format!(", {} missing", number::count(missing)) } else { String::new() };
    let mut out = format!("{source}: {}{gaps}\n\n", sizes.join(" × "));
    let mut columns = Columns { lines: vec![], left: (1..a.dimensions.len()).collect() };
    columns.cells(a.dimensions.iter().cloned().chain(["value".to_string()]).collect());
    columns.lines.push(Line::Rule);
    for i in 0..a.values.len().min(ROWS) {
        columns.cells(array_row(a, i));
    }
    out.push_str(&columns.render(2));
    if a.values.len() > ROWS {
        out.push_str(&format!("  … and {} more\n", number::count(a.values.len() - ROWS)));
    }
    out
}

/// `units`, `periods`, `terms`: a dimension in words.
fn plural(dimension: &str, count: usize) -> String {
    let word = if dimension == "time" { "period" } else { dimension };
    let plural = match word.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ => format!("{word}s"),
    };
    if count == 1 || word == "with" { word.to_string() } else { plural }
}

fn array_row(a: &LabeledArray, i: usize) -> Vec<String> {
    let value = a.values.get(i).map_or(number::MISSING.to_string(), |&x| plain(x));
    labels_at(a, i).into_iter().map(String::from).chain([value]).collect()
}

/// The labels of the `i`-th value, the last dimension running fastest.
pub(super) fn labels_at(a: &LabeledArray, i: usize) -> Vec<&str> {
    let mut rest = i;
    let mut labels: Vec<&str> = Vec::with_capacity(a.labels.len());
    for dimension in a.labels.iter().rev() {
        let n = dimension.len().max(1);
        labels.push(dimension.get(rest % n).map_or("", String::as_str));
        rest /= n;
    }
    labels.reverse();
    labels
}
