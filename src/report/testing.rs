//! Tests as tables: statistic, distribution, p; the null in words, and what a rejection means.

use super::fit::{field, joined};
use super::layout::{Columns, Line, wrapped};
use super::number::{decimals_for, fixed, p_value, significant, stars, statistic};
use crate::outcome::testing::{Distribution, Finding, Key, TestResult};
use crate::outcome::{Block, Cell, Row, Table};

/// Parts of a test by unit beyond these are in the document and in files only.
const SHOWN: usize = 20;
/// Matrices beside each other on a line.
const MATRICES: usize = 3;

/// As the terminal shows it.
pub fn text(t: &TestResult) -> String {
    let mut out = format!("{}\n\n", t.title);
    for (name, value) in &t.about {
        out.push_str(&field(name, value));
    }
    if !t.null.is_empty() {
        out.push_str(&field("Null", &t.null));
    }
    out.push('\n');
    out.push_str(&body(t));
    if !t.rejected.is_empty() {
        out.push('\n');
        out.push_str(&field("If rejected", &t.rejected));
    }
    let said = hypotheses(t);
    if !said.is_empty() {
        out.push_str("\n  Null hypotheses, and what a rejection means\n");
        for h in &said {
            out.push_str(&joined(&wrapped("    ", 6, &format!("{}: {}.", h.labels.join("; "), h.null))));
            out.push_str(&joined(&wrapped("      Rejected: ", 8, &format!("{}.", h.rejected))));
        }
    }
    if !t.notes.is_empty() && (!said.is_empty() || t.rejected.is_empty()) {
        out.push('\n');
    }
    for note in &t.notes {
        out.push_str(&field("Note", note));
    }
    out
}

/// The findings, one a line; of a test with several matrices one column each.
fn body(t: &TestResult) -> String {
    let names = matrices(t);
    if names.len() > 1 {
        return side_by_side(t, &names);
    }
    let all = findings(t);
    let shown = listed(&all);
    let mut columns = Columns { lines: vec![], left: left_columns(&all) };
    columns.cells(header(&all));
    columns.lines.push(Line::Rule);
    for f in &shown {
        columns.cells(cells(f, &all));
    }
    let mut out = columns.render(2);
    if shown.len() < all.len() {
        out.push_str(&format!("  … and {} more, in the order of p\n", all.len() - shown.len()));
    }
    out
}

/// A column for each matrix, so many of them beside each other; tests without a matrix below.
fn side_by_side(t: &TestResult, names: &[&str]) -> String {
    let mut out = String::new();
    for (k, some) in names.chunks(MATRICES).enumerate() {
        if k > 0 {
            out.push('\n');
        }
        let mut columns = Columns { lines: vec![], left: vec![1] };
        let heads = ["Statistic (p)", "Distribution"].map(String::from);
        columns.cells(heads.into_iter().chain(some.iter().map(|n| n.to_string())).collect());
        columns.lines.push(Line::Rule);
        for (label, d) in labels(t) {
            let of = |w: &&str| part(t, label, w).map_or(String::new(), with_p);
            let row = [label.to_string(), distribution(d)].into_iter().chain(some.iter().map(of));
            columns.cells(row.collect());
        }
        out.push_str(&columns.render(2));
    }
    let rest: Vec<&Finding> = t.parts.iter().filter(|f| f.weights.is_none()).collect();
    if !rest.is_empty() {
        let mut columns = Columns { lines: vec![Line::Blank], left: left_columns(&rest) };
        columns.cells(header(&rest));
        columns.lines.push(Line::Rule);
        rest.iter().for_each(|f| columns.cells(cells(f, &rest)));
        out.push_str(&columns.render(2));
    }
    out
}

/// Tests done with matrices, in order, each once.
fn labels(t: &TestResult) -> Vec<(&str, Distribution)> {
    let mut out: Vec<(&str, Distribution)> = Vec::new();
    for f in t.parts.iter().filter(|f| f.weights.is_some()) {
        if !out.iter().any(|(l, _)| *l == f.label) {
            out.push((&f.label, f.distribution));
        }
    }
    out
}

fn part<'t>(t: &'t TestResult, label: &str, weights: &str) -> Option<&'t Finding> {
    t.parts.iter().find(|f| f.weights.as_deref() == Some(weights) && f.label == label)
}

/// `8.797 (0.066)`; nothing of a statistic that does not exist.
fn with_p(f: &Finding) -> String {
    if f.statistic.is_nan() { String::new() } else { format!("{} ({})", statistic(f.statistic, 4), p_value(f.p)) }
}

/// The finding of the whole, unless it is one of the parts, then those of the parts.
fn findings(t: &TestResult) -> Vec<&Finding> {
    let alone = |whole: &&Finding| t.parts.iter().all(|part| part.key != whole.key);
    t.whole.iter().filter(alone).chain(&t.parts).collect()
}

/// Many units are shown by their p, smallest first.
fn listed<'a>(all: &[&'a Finding]) -> Vec<&'a Finding> {
    let mut out = all.to_vec();
    if all.len() > SHOWN && all.iter().all(|f| matches!(f.key, Key::Unit(_))) {
        let rank = |f: &Finding| if f.p.is_nan() { f64::INFINITY } else { f.p };
        out.sort_by(|a, b| rank(a).total_cmp(&rank(b)));
        out.truncate(SHOWN);
    }
    out
}

/// Distinct matrices of the parts, in order.
fn matrices(t: &TestResult) -> Vec<&str> {
    let mut out: Vec<&str> = Vec::new();
    for w in t.parts.iter().filter_map(|f| f.weights.as_deref()) {
        if !out.contains(&w) {
            out.push(w);
        }
    }
    out
}

/// Which columns the findings have.
struct Shape {
    moments: bool,
    tested: bool,
}

fn shape(all: &[&Finding]) -> Shape {
    Shape {
        moments: all.iter().any(|f| f.moments.is_some()),
        tested: all.iter().any(|f| f.distribution != Distribution::None),
    }
}

fn header(all: &[&Finding]) -> Vec<String> {
    let of = shape(all);
    let mut out = vec![match all.first().map(|f| &f.key) {
        Some(Key::Time(_)) => "Period".to_string(),
        Some(Key::Unit(_)) => "Unit".to_string(),
        _ => String::new(),
    }];
    if let Some(first) = all.first() {
        out.extend(first.words.iter().map(|(name, _)| headed(name)));
    }
    if of.moments {
        out.extend(["Estimate", "Expected", "Std. dev."].map(String::from));
    }
    if of.tested {
        out.extend(["Statistic", "Distribution", "p"].map(String::from));
    }
    if let Some(first) = all.first() {
        out.extend(first.numbers.iter().map(|(name, _)| headed(name)));
    }
    out
}

fn headed(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    match letters.next() {
        Some(first) if name != "q" => first.to_uppercase().chain(letters).collect(),
        _ => words,
    }
}

/// Words stand to the left.
fn left_columns(all: &[&Finding]) -> Vec<usize> {
    let words = all.first().map_or(0, |f| f.words.len());
    let of = shape(all);
    let moments = if of.moments { 3 } else { 0 };
    let distribution = if of.tested { vec![2 + words + moments] } else { Vec::new() };
    (1..=words).chain(distribution).collect()
}

fn cells(f: &Finding, all: &[&Finding]) -> Vec<String> {
    let of = shape(all);
    let mut out = vec![f.label.clone()];
    out.extend(f.words.iter().map(|(_, w)| w.clone()));
    if of.moments {
        let [estimate, expected, variance] = f.moments.unwrap_or([f64::NAN; 3]);
        let sd = variance.sqrt();
        let decimals = decimals_for(estimate, sd).unwrap_or(4).clamp(4, 9);
        out.extend([estimate, expected, sd].map(|x| number(x, decimals)));
    }
    if of.tested {
        out.push(if f.statistic.is_nan() { super::number::MISSING.to_string() } else { statistic(f.statistic, 4) });
        out.push(distribution(f.distribution));
        out.push(marked(f.p));
    }
    out.extend(f.numbers.iter().map(|(name, x)| match *name {
        "probability" | "q" if !x.is_nan() => fixed(*x, 4),
        "log_marginal" => number(*x, 3),
        _ => significant(*x, 4),
    }));
    out
}

fn number(x: f64, decimals: usize) -> String {
    if x.is_nan() { super::number::MISSING.to_string() } else { fixed(x, decimals) }
}

fn marked(p: f64) -> String {
    if p.is_nan() {
        return super::number::MISSING.to_string();
    }
    format!("{}{:<3}", p_value(p), stars(p))
}

/// `chi-squared(2)`, `F(2, 505)`.
pub(super) fn distribution(d: Distribution) -> String {
    let number = |x: f64| if x.fract() == 0.0 { fixed(x, 0) } else { fixed(x, 1) };
    match d {
        Distribution::Normal => "normal".to_string(),
        Distribution::ChiSquared(df) => format!("chi-squared({df})"),
        Distribution::F(above, below) => format!("F({above}, {})", number(below)),
        Distribution::T(df) => format!("t({})", number(df)),
        Distribution::Permutation(_) => "permutation".to_string(),
        Distribution::None => String::new(),
    }
}

/// The hypothesis of parts that share it.
struct Hypothesis<'t> {
    labels: Vec<&'t str>,
    null: &'t str,
    rejected: &'t str,
}

/// Nulls and rejections of parts that have their own, once each.
fn hypotheses(t: &TestResult) -> Vec<Hypothesis<'_>> {
    let mut out: Vec<Hypothesis> = Vec::new();
    if !t.null.is_empty() {
        return out;
    }
    for f in t.parts.iter().filter(|f| !f.null.is_empty()) {
        match out.iter_mut().find(|h| h.null == f.null && h.rejected == f.rejected) {
            Some(h) if h.labels.contains(&f.label.as_str()) => {}
            Some(h) => h.labels.push(&f.label),
            None => out.push(Hypothesis { labels: vec![&f.label], null: &f.null, rejected: &f.rejected }),
        }
    }
    out
}

/// As a file or a paper shows it.
pub fn table(t: &TestResult) -> Table {
    let names = matrices(t);
    let mut notes: Vec<String> = t.about.iter().map(|(k, v)| format!("{k}: {v}")).collect();
    if !t.null.is_empty() {
        notes.push(format!("Null: {}", t.null));
    }
    if !t.rejected.is_empty() {
        notes.push(format!("If rejected: {}", t.rejected));
    }
    let said = hypotheses(t);
    notes.extend(said.iter().map(|h| format!("{}: {}. Rejected: {}.", h.labels.join("; "), h.null, h.rejected)));
    notes.extend(t.notes.iter().cloned());
    let title = Some(t.title.clone());
    if names.len() > 1 {
        return Table {
            title,
            columns: names.iter().map(|n| n.to_string()).collect(),
            blocks: by_matrix(t, &names),
            notes,
            digits: 4,
        };
    }
    let all = findings(t);
    let columns = header(&all).into_iter().skip(1).collect();
    let row = |f: &&Finding| {
        let mut cells = cells(f, &all).into_iter();
        let label = cells.next().unwrap_or_default();
        Row { label, cells: cells.map(|c| Cell::Text(c.trim_end().to_string())).collect() }
    };
    let rows = all.iter().map(row).collect();
    Table { title, columns, blocks: vec![Block { heading: None, rows }], notes, digits: 4 }
}

/// Autocorrelation with several matrices, of several columns or in several periods: a row per period or unit, and the
/// columns of each test beside each other. Nothing for other tests.
pub fn beside(tests: &[&TestResult]) -> Option<Table> {
    let all: Vec<Vec<&Finding>> = tests.iter().map(|t| findings(t)).collect();
    if tests.len() < 2 || all.iter().flatten().any(|f| f.moments.is_none()) {
        return None;
    }
    let weights = |t: &TestResult| t.about.iter().find(|a| a.0 == "Weights").map_or(String::new(), |a| a.1.clone());
    let first = tests[0];
    let names = tests.iter().map(|t| match (t.title == first.title, weights(t) == weights(first)) {
        (true, _) => weights(t),
        (false, true) => t.title.clone(),
        (false, false) => format!("{}, {}", t.title, weights(t)),
    });
    let columns = names.flat_map(|n| [n, "Std. dev.".to_string(), "z".to_string(), "p".to_string()]).collect();
    let mut labels: Vec<&str> = Vec::new();
    for f in all.iter().flatten() {
        if !labels.contains(&f.label.as_str()) {
            labels.push(&f.label);
        }
    }
    let of = |findings: &Vec<&Finding>, label: &str| match findings.iter().find(|f| f.label == label) {
        Some(f) => {
            let [estimate, _, variance] = f.moments.unwrap_or([f64::NAN; 3]);
            let p = marked(f.p).trim_end().to_string();
            [number(estimate, 4), number(variance.sqrt(), 4), number(f.statistic, 3), p].map(Cell::Text)
        }
        None => [const { Cell::Empty }; 4],
    };
    let rows = labels.iter().map(|label| Row {
        label: label.to_string(),
        cells: all.iter().flat_map(|findings| of(findings, label)).collect(),
    });
    let mut notes = Vec::new();
    let expected: Vec<f64> = all.iter().flatten().filter_map(|f| f.moments.map(|m| m[1])).collect();
    let (low, high) = expected.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |m, e| (m.0.min(*e), m.1.max(*e)));
    if high - low < 5e-5 {
        notes.push(format!("Expected under the null: {}", fixed(low, 4)));
    }
    let about = tests.iter().flat_map(|t| &t.about).filter(|a| a.0 != "Weights").map(|(k, v)| format!("{k}: {v}"));
    let said = [format!("Null: {}", first.null), format!("If rejected: {}", first.rejected)];
    for note in about.chain(said).chain(tests.iter().flat_map(|t| t.notes.iter().cloned())) {
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    let title = tests.iter().all(|t| t.title == first.title).then(|| first.title.clone());
    Some(Table { title, columns, blocks: vec![Block { heading: None, rows: rows.collect() }], notes, digits: 4 })
}

/// One row per test, one column per matrix: statistic and p; tests without a matrix in a block of their own.
fn by_matrix(t: &TestResult, names: &[&str]) -> Vec<Block> {
    let shown = |f: &Finding| if f.statistic.is_nan() { Cell::Empty } else { Cell::Text(with_p(f)) };
    let rows = labels(t).into_iter().map(|(label, d)| {
        let of = |w: &&str| part(t, label, w).map_or(Cell::Empty, shown);
        Row { label: format!("{label}, {}", distribution(d)), cells: names.iter().map(of).collect() }
    });
    let mut blocks = vec![Block { heading: Some("Statistic (p)".to_string()), rows: rows.collect() }];
    let row =
        |f: &Finding| Row { label: format!("{}, {}", f.label, distribution(f.distribution)), cells: vec![shown(f)] };
    let rest: Vec<Row> = t.parts.iter().filter(|f| f.weights.is_none()).map(row).collect();
    if !rest.is_empty() {
        blocks.push(Block { heading: Some("Effects".to_string()), rows: rest });
    }
    blocks
}
