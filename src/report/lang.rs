//! Labels, headings and notes in English or Chinese. Reports are made in English; what the dictionary knows is then said
//! in the other language, what it does not know (names of columns, of models, of units) stays as it is.

mod figure;
mod zh;

pub use figure::figure;

use super::grid;
use crate::outcome::{Cell, Lang, Row, Table};

/// How deep phrases within phrases are looked for.
const DEPTH: usize = 8;

/// The language's code in HTML.
pub fn code(language: Lang) -> &'static str {
    match language {
        Lang::En => "en",
        Lang::Zh => "zh-CN",
    }
}

/// A label, heading or note in a language.
pub fn say(language: Lang, english: &str) -> String {
    match language {
        Lang::En => english.to_string(),
        Lang::Zh => spoken(english, DEPTH).unwrap_or_else(|| english.to_string()),
    }
}

/// A table whose every label is one of the report's own.
pub fn table(table: Table, language: Lang) -> Table {
    if language == Lang::En {
        return table;
    }
    let mut out = table;
    let words = grid::word_columns(&out);
    out.title = out.title.map(|t| say(language, &t));
    out.columns.iter_mut().for_each(|c| *c = say(language, c));
    for block in &mut out.blocks {
        block.heading = block.heading.take().map(|h| say(language, &h));
        for row in &mut block.rows {
            row.label = say(language, &row.label);
            for cell in &mut row.cells {
                if let Cell::Heading(t) = cell {
                    *t = say(language, t);
                }
            }
            for (cell, _) in row.cells.iter_mut().zip(&words).filter(|(_, w)| **w) {
                if let Cell::Text(t) = cell {
                    *t = say(language, t);
                }
            }
        }
    }
    out.notes.iter_mut().for_each(|n| *n = say(language, n));
    out
}

/// A row whose label is the report's own; its cells are not, but for Yes and No.
pub fn row(row: Row, language: Lang) -> Row {
    let cell = |c: Cell| match c {
        Cell::Text(t) if t == "Yes" || t == "No" => Cell::Text(say(language, &t)),
        other => other,
    };
    Row { label: say(language, &row.label), cells: row.cells.into_iter().map(cell).collect() }
}

/// A phrase in Chinese: as a whole, by a pattern whose gaps are phrases again, or piece by piece.
fn spoken(english: &str, depth: usize) -> Option<String> {
    let text = english.trim();
    if text.is_empty() || depth == 0 {
        return None;
    }
    if let Some((_, chinese)) = zh::PHRASES.iter().find(|(e, _)| *e == text) {
        return Some((*chinese).to_string());
    }
    let inside = |gap: &str| spoken(gap, depth - 1).unwrap_or_else(|| gap.to_string());
    // A sentence before its parts, and these before what stands in them.
    let is_sentence = |pattern: &str| pattern.ends_with('.') || pattern.contains(';');
    by_pattern(text, is_sentence, inside)
        .or_else(|| in_parts(text, "; ", "；", depth))
        .or_else(|| by_pattern(text, |p| !is_sentence(p), inside))
        .or_else(|| in_parts(text, ", ", "，", depth))
        .or_else(|| in_parts(text, ": ", "：", depth))
}

/// By the first of some patterns that fits.
fn by_pattern(text: &str, some: impl Fn(&str) -> bool, inside: impl Fn(&str) -> String) -> Option<String> {
    for (pattern, chinese) in zh::PATTERNS.iter().filter(|(p, _)| some(p)) {
        let Some(gaps) = gaps(pattern, text) else { continue };
        let mut gaps = gaps.into_iter().map(&inside);
        let mut parts = chinese.split("{}");
        let mut out = parts.next().unwrap_or("").to_string();
        for part in parts {
            out.push_str(&gaps.next().unwrap_or_default());
            out.push_str(part);
        }
        return Some(out);
    }
    None
}

/// Piece by piece, where at least one is known.
fn in_parts(text: &str, between: &str, chinese: &str, depth: usize) -> Option<String> {
    let parts: Vec<&str> = text.split(between).collect();
    if parts.len() < 2 {
        return None;
    }
    let said: Vec<Option<String>> = parts.iter().map(|p| spoken(p, depth - 1)).collect();
    if said.iter().all(Option::is_none) {
        return None;
    }
    let all = said.into_iter().zip(parts).map(|(s, p)| s.unwrap_or_else(|| p.to_string()));
    Some(all.collect::<Vec<_>>().join(chinese))
}

/// What stands in the gaps `{}` of a pattern, where it fits; no gap is empty.
fn gaps<'t>(pattern: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let parts: Vec<&str> = pattern.split("{}").collect();
    let (first, last) = (parts.first()?, parts.last()?);
    let mut rest = text.strip_prefix(*first)?.strip_suffix(*last)?;
    let mut out = Vec::new();
    for (k, part) in parts.iter().enumerate().take(parts.len() - 1).skip(1) {
        // What stands last in brackets is what the last gap is for.
        let at = if k + 2 == parts.len() { rest.rfind(part)? } else { rest.find(part)? };
        out.push(&rest[..at]);
        rest = &rest[at + part.len()..];
    }
    out.push(rest);
    out.iter().all(|g| !g.is_empty()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_said_within_phrases_and_names_are_kept() {
        let zh = |t: &str| say(Lang::Zh, t);
        assert_eq!(zh("Observations"), "观测值");
        assert_eq!(zh("Spatial lags: W_band(0, 600) @ x"), "空间滞后项：W_band(0, 600) @ x");
        assert_eq!(zh("Standard errors in brackets: clustered by unit."), "括号内为标准误：按个体聚类。");
        assert_eq!(
            zh("Standard errors in brackets: clustered by unit (a); quasi-maximum likelihood sandwich (b)."),
            "括号内为标准误：按个体聚类（a）；拟极大似然稳健标准误（b）。"
        );
        assert_eq!(zh("iid (expected information) (a, b)"), "同方差（期望信息矩阵）（a, b）");
        assert_eq!(zh("-5 and before"), "-5及以前");
        assert_eq!(zh("lngdp"), "lngdp");
        assert_eq!(
            zh("-4: direct effect -0.112, 95 % interval -0.281 to 0.057"),
            "-4：直接效应 -0.112，95 % 置信区间 -0.281 至 0.057"
        );
        assert_eq!(zh("never (28 units)"), "从未处理（28 个个体）");
        assert_eq!(say(Lang::En, "Observations"), "Observations");
    }

    #[test]
    fn every_pattern_has_as_many_gaps_in_both_languages() {
        for (english, chinese) in zh::PATTERNS {
            assert_eq!(english.matches("{}").count(), chinese.matches("{}").count(), "{english}");
            assert!(english.contains("{}"), "{english} is a phrase");
        }
    }
}
