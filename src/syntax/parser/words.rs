//! The rules of the grammar in words, what stands at a place, and the smallest text that would parse there.

use super::Rule;
use super::rules::words;
use crate::suggest;
use crate::syntax::scan::{self, Scan};

/// Statements, and the smallest text of each.
const STATEMENTS: &[(&str, &str)] = &[
    ("use", "use std::indices"),
    ("options", "options { seed 42 }"),
    ("data", "data NAME from \"FILE.csv\" { keys A, B  value C }"),
    ("panel", "panel NAME from \"FILE.csv\" { unit A  time B }"),
    ("weights", "weights NAME = row(edges(\"FILE.csv\"))"),
    ("treatment", "treatment NAME = starts(COLUMN)"),
    ("let", "let NAME = VALUE"),
    ("fn", "fn NAME(x) = VALUE"),
    ("model", "model NAME = ols(y ~ x)"),
    ("save", "save VALUE to \"FILE.tex\""),
    ("assert", "assert CONDITION, \"message\""),
    ("report", "report \"FILE.html\" { VALUE }"),
];

/// Clauses of `panel` and `data`, the smallest text of each, and whether a panel and a data block have it.
const CLAUSES: &[(&str, &str, bool, bool)] = &[
    ("unit", "unit COLUMN", true, false),
    ("time", "time COLUMN", true, false),
    ("join", "join \"FILE.csv\" by COLUMN", true, true),
    ("coords", "coords LON, LAT", true, false),
    ("shapes", "shapes \"FILE.geojson\" by COLUMN", true, false),
    ("where", "where CONDITION", true, true),
    ("let", "let NAME = VALUE", true, true),
    ("missing", "missing drop` or `missing \"NA\"", true, true),
    ("balance", "balance drop", true, false),
    ("keys", "keys COLUMN, COLUMN", false, true),
    ("value", "value COLUMN", false, true),
    ("sum", "sum COLUMN", false, true),
    ("count", "count NAME", false, true),
    ("absent", "absent 0", false, true),
    ("encoding", "encoding \"gb18030\"", true, true),
    ("separator", "separator \";\"", true, true),
    ("decimal", "decimal \",\"", true, true),
    ("sheet", "sheet \"SHEET\"", true, true),
    ("range", "range \"A1:F200\"", true, true),
    ("trim", "trim COLUMN", true, true),
    ("recode", "recode COLUMN { \"AS WRITTEN\": \"AS MEANT\" }", true, true),
];

const RESERVED: &[&str] = &["if", "then", "else", "and", "or", "not", "in", "for", "over", "true", "false", "missing"];

/// Whether a word cannot be bound as a name.
pub fn is_reserved(word: &str) -> bool {
    RESERVED.contains(&word) || begins_statement(word)
}

/// Whether a word is no name inside an expression.
pub fn is_reserved_in_expressions(word: &str) -> bool {
    RESERVED.contains(&word)
}

pub fn begins_statement(word: &str) -> bool {
    STATEMENTS.iter().any(|(s, _)| *s == word)
}

/// `did you mean` for the first word of a statement.
pub fn nearest_statement(word: &str) -> Option<String> {
    let near = suggest::nearest(word, STATEMENTS.iter().map(|(s, _)| *s))?;
    let text = STATEMENTS.iter().find(|(s, _)| *s == near).map_or("", |(_, text)| text);
    Some(format!("did you mean `{near}`? `{text}`"))
}

pub fn statement_list() -> String {
    crate::fault::ticked_all(&STATEMENTS.iter().map(|(s, _)| *s).collect::<Vec<_>>())
}

/// The clauses of a `panel` or `data` block.
pub fn clauses_of(block: &str) -> Vec<&'static str> {
    CLAUSES.iter().filter(|c| if block == "panel" { c.2 } else { c.3 }).map(|c| c.0).collect()
}

fn clause_text(word: &str) -> Option<&'static str> {
    CLAUSES.iter().find(|c| c.0 == word).map(|c| c.1)
}

/// What stands at `at`, and its length in bytes.
pub fn found(text: &str, at: usize) -> (String, usize) {
    let rest = text.get(at..).unwrap_or("");
    let Some(c) = rest.chars().next() else { return ("the end of the text".into(), 0) };
    let line = &rest[..rest.find(['\n', '\r']).unwrap_or(rest.len())];
    if line.trim_start().is_empty() || line.trim_start().starts_with('#') {
        let end = if rest.trim().is_empty() { "the end of the text" } else { "the end of the line" };
        return (end.into(), 0);
    }
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let length = match c {
        '"' | '`' => line[1..].find(c).map_or(line.len(), |n| n + 2),
        _ if is_word(c) => line.find(|c| !is_word(c)).unwrap_or(line.len()),
        _ => ["...", "..", "==", "!=", "<=", ">=", "::"]
            .iter()
            .find(|o| line.starts_with(**o))
            .map_or(c.len_utf8(), |o| o.len()),
    };
    let length = if c.is_whitespace() { c.len_utf8() } else { length };
    let shown: String = line[..length].chars().take(40).collect();
    if c.is_whitespace() { ("a blank".into(), length) } else { (format!("`{shown}`"), length) }
}

/// Whether `at` lies within brackets of its statement, seen from the marks after it.
pub fn closing_bracket_follows(text: &str, at: usize, end: usize) -> bool {
    let mut open = 0usize;
    for c in text.get(at..end.max(at)).unwrap_or("").chars() {
        match c {
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' if open == 0 => return true,
            ')' | ']' | '}' => open -= 1,
            _ => {}
        }
    }
    false
}

/// What was expected, in words, the most telling first.
pub fn expected(rules: &[Rule], in_brackets: bool) -> String {
    if rules.contains(&Rule::infix) || rules.contains(&Rule::missing_comma) {
        let end = if in_brackets { "`,` or the closing bracket" } else { "the end of the line" };
        return if in_brackets { format!("an operator, {end}") } else { format!("an operator or {end}") };
    }
    let mut list: Vec<&str> = Vec::new();
    for &rule in rules {
        let words = words(rule);
        let noise = matches!(rule, Rule::EOI | Rule::field | Rule::arguments | Rule::semicolon);
        if !(list.contains(&words) || noise && rules.len() > 1) {
            list.push(words);
        }
    }
    list.truncate(4);
    match list.split_last() {
        None => "something else".into(),
        Some((last, [])) => (*last).to_string(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}

/// The smallest text that would parse where a fault stands.
pub fn help(text: &str, chunk: (usize, usize), scan: &Scan, at: usize, rules: &[Rule]) -> String {
    let piece = text.get(chunk.0..chunk.1).unwrap_or("");
    let first = scan::next_word(piece);
    let rest = text.get(at..).unwrap_or("");
    if rest.starts_with('{') && text[..at].trim_end_matches([' ', '\t']).ends_with(['\n', '\r']) {
        return "`{` stands on the line of its statement: `panel NAME from \"FILE.csv\" {`".into();
    }
    if first.is_empty() && piece.trim_start().starts_with(|c: char| "+-*/^@:=<>~|,.".contains(c)) {
        return "a line that goes on ends with its operator: move the mark to the end of the line above".into();
    }
    if rest.starts_with(',') {
        return "leave the `,` out, or write a value before it".into();
    }
    let in_block = scan.blocks.iter().any(|&(open, close)| open < at && at <= close);
    if let Some(clause) = clause_text(first).filter(|_| in_block) {
        return format!("write `{clause}`");
    }
    if let Some((_, statement)) = STATEMENTS.iter().find(|(s, _)| *s == first) {
        return format!("write `{statement}`");
    }
    if rules.contains(&Rule::statement) {
        return format!("a statement begins with {}, or is a value", statement_list());
    }
    "write one value to a line: `table(m)`, `x + 1`, `ols(y ~ x, fe: none)`".into()
}
