//! What can be wrong with a text: one function per code of `durbin::syntax`, with its words, places and help.

use crate::diagnostic::Diagnostic;
use crate::fault::{counted, ticked_all};
use crate::source::{LineColumn, Span};
use crate::syntax::scan::characters;

/// Marks told by name and label; the rest is counted.
const SHOWN: usize = 5;

/// Nothing more precise: what stands there, and what was expected, in words.
pub fn unexpected(span: Span, found: &str, expected: &str, help: &str) -> Diagnostic {
    Diagnostic::error("durbin::syntax::unexpected", span, format!("found {found} where {expected} was expected"))
        .here(format!("expected {expected}"))
        .help(help)
}

pub fn unclosed_bracket(open: char, partner: char, at: Span, comment: Option<Span>) -> Diagnostic {
    let fault = Diagnostic::error("durbin::syntax::unclosed_bracket", at, format!("`{open}` is never closed"))
        .here(format!("`{open}` opens here"));
    match comment {
        Some(comment) => fault
            .label(comment, "a comment begins at `#` and takes the rest of the line")
            .help(format!("an interaction is `a:b`; `#` begins a comment, which swallowed the `{partner}`")),
        None => fault.help(format!("close it with `{partner}`")),
    }
}

/// A closing mark, and the open one it does not fit with the mark that would.
pub fn unmatched_bracket(close: (char, Span), open: Option<(char, Span, char)>) -> Diagnostic {
    let code = "durbin::syntax::unmatched_bracket";
    let (mark, at) = close;
    match open {
        Some((open, opened, fits)) => Diagnostic::error(code, at, format!("`{open}` is closed by `{mark}`"))
            .here(format!("`{mark}` does not close `{open}`"))
            .label(opened, format!("`{open}` opens here"))
            .help(format!("write `{fits}` in place of `{mark}`, or close `{open}` before it")),
        None => Diagnostic::error(code, at, format!("`{mark}` closes nothing"))
            .here("no bracket is open here")
            .help(format!("remove `{mark}`, or open it before")),
    }
}

/// `literal` is the text from the opening mark to the end of its line.
pub fn unclosed_string(at: Span, literal: &str) -> Diagnostic {
    let code = "durbin::syntax::unclosed_string";
    if literal.starts_with('`') {
        return Diagnostic::error(code, at, "a name in backticks is not closed on its line")
            .here("it opens here")
            .help("close it with a backtick: `` `GDP per head` ``");
    }
    let help = if literal.contains("\\\"") {
        "a `\\` before `\"` keeps the text open; paths have forward slashes: `\"data/panel.csv\"`".to_string()
    } else {
        "close it with `\"` on the same line; a newline inside a text is written `\\n`".to_string()
    };
    Diagnostic::error(code, at, "a text is not closed on its line").here("it opens here").help(help)
}

/// `literal` is the whole string with its quotes.
pub fn bad_escape(at: Span, escape: &str, literal: &str) -> Diagnostic {
    let path = literal.replace("\\\\", "/").replace('\\', "/");
    let help = if escape.starts_with("\\u") {
        "a character by its number is `\\u{200b}`: one to six hexadecimal digits, at most 10FFFF".to_string()
    } else {
        format!("a path has forward slashes everywhere: `{path}`; a backslash itself is written `\\\\`")
    };
    Diagnostic::error("durbin::syntax::bad_escape", at, format!("`{escape}` is no escape of a text"))
        .here("the escapes are `\\\"`, `\\\\`, `\\n`, `\\t` and `\\u{…}`")
        .help(help)
}

/// All marks of other keyboards and word processors, and the first lines in plain characters.
pub fn foreign_punctuation(marks: &[(char, Span)], lines: &[String]) -> Diagnostic {
    let mut kinds: Vec<char> = Vec::new();
    for &(c, _) in marks {
        if !kinds.contains(&c) {
            kinds.push(c);
        }
    }
    let plain = |c: char| characters::plain_form(c).unwrap_or_default();
    let named: Vec<String> =
        kinds.iter().take(SHOWN).map(|&c| format!("`{c}` {}", characters::code_point(c))).collect();
    let more = kinds.len().saturating_sub(SHOWN);
    let message = format!(
        "{} not of the language: {}{}",
        counted(marks.len(), "character is", "characters are"),
        named.join(", "),
        if more > 0 { format!(" and {more} more") } else { String::new() }
    );
    let label = |c: char| format!("{}; the plain form is `{}`", characters::code_point(c), plain(c));
    let (first, span) = marks[0];
    let mut fault = Diagnostic::error("durbin::syntax::foreign_punctuation", span, message).here(label(first));
    for &(c, span) in marks.iter().take(SHOWN).skip(1) {
        fault = fault.label(span, label(c));
    }
    fault.help(format!("in plain characters: {}", ticked_all(lines)))
}

/// A character that leaves no trace on a screen.
pub struct Unseen {
    pub mark: char,
    pub span: Span,
    pub place: LineColumn,
    pub in_string: bool,
}

pub fn invisible_character(marks: &[Unseen]) -> Diagnostic {
    let first = &marks[0];
    let words = |m: &Unseen| format!("{} {}", characters::code_point(m.mark), characters::name(m.mark));
    let more = match marks.len() {
        1 => String::new(),
        n => format!(", and {} more", n - 1),
    };
    let message = format!(
        "an invisible character stands in line {}, column {}: {}{more}",
        first.place.line,
        first.place.column,
        words(first)
    );
    let mut fault = Diagnostic::error("durbin::syntax::invisible_character", first.span, message).here(words(first));
    for m in marks.iter().take(SHOWN).skip(1) {
        fault = fault.label(m.span, words(m));
    }
    let help = match marks.iter().find(|m| m.in_string) {
        Some(m) => format!("delete it; where a text needs it, write `\\u{{{:x}}}`", m.mark as u32),
        None => "delete it".to_string(),
    };
    fault.help(help)
}

pub fn foreign_operator(at: Span, written: &str, help: &str) -> Diagnostic {
    Diagnostic::error("durbin::syntax::foreign_operator", at, format!("`{written}` is no operator here"))
        .here("an operator of another language")
        .help(help)
}

/// `words` is what the comment says.
pub fn foreign_comment(at: Span, mark: &str, words: &str) -> Diagnostic {
    let short: String = words.chars().take(60).collect();
    Diagnostic::error("durbin::syntax::foreign_comment", at, format!("`{mark}` begins no comment here"))
        .here("a comment begins with `#`")
        .help(format!("write `# {}`", short.trim()))
}

/// `ols(y = x)`.
pub fn equals_for_tilde(at: Span, outcome: &str, terms: &str, rewritten: &str) -> Diagnostic {
    let message = format!("`=` stands between `{outcome}` and `{terms}`, where a formula has `~`");
    Diagnostic::error("durbin::syntax::equals_for_tilde", at, message)
        .here("a formula has `~` here")
        .help(format!("write `{rewritten}`"))
}

/// `ols(y ~ x, se = iid)`.
pub fn equals_for_colon(at: Span, option: &str, rewritten: &str) -> Diagnostic {
    let message = format!("the option `{option}` is given with `=`, where `:` belongs");
    Diagnostic::error("durbin::syntax::equals_for_colon", at, message)
        .here("an option has `:` here")
        .help(format!("write `{rewritten}`"))
}

pub fn equals_in_condition(at: Span, rewritten: &str) -> Diagnostic {
    Diagnostic::error("durbin::syntax::equals_in_condition", at, "`=` compares nothing: it binds a name")
        .here("a comparison has `==` here")
        .help(format!("write `{rewritten}`"))
}

pub fn second_tilde(first: Span, second: Span) -> Diagnostic {
    Diagnostic::error("durbin::syntax::second_tilde", second, "a formula has two `~`")
        .here("the second `~`")
        .label(first, "the first `~`")
        .help("one `~` per formula: `y ~ a + b | W`")
}

pub fn second_bar(first: Span, second: Span) -> Diagnostic {
    Diagnostic::error("durbin::syntax::second_bar", second, "a formula has two `|`")
        .here("the second `|`")
        .label(first, "the first `|`; the weights follow it")
        .help(
            "after `|` stand weights; instruments, fixed effects and clusters are options: \
             `ols(y ~ x, fe: [unit, time], se: cluster(unit))`",
        )
}

/// One fault for all commas missing between one pair of brackets.
pub fn missing_comma(places: &[Span], rewritten: &str) -> Diagnostic {
    let message = match places.len() {
        1 => "a comma is missing between two values".to_string(),
        n => format!("{n} commas are missing between values"),
    };
    let mut fault =
        Diagnostic::error("durbin::syntax::missing_comma", places[0], message).here("a comma belongs before this");
    for &place in places.iter().take(SHOWN).skip(1) {
        fault = fault.label(place, "and before this");
    }
    fault.help(format!("write `{rewritten}`"))
}

pub fn bad_range(at: Span, written: &str, rewritten: &str) -> Diagnostic {
    Diagnostic::error("durbin::syntax::bad_range", at, format!("`{written}` is no range"))
        .here("a range has two points")
        .help(format!("write `{rewritten}`: both ends are included"))
}

pub fn bad_number(at: Span, written: &str, why: &str, write: &str) -> Diagnostic {
    Diagnostic::error("durbin::syntax::bad_number", at, format!("`{written}` is no number: {why}"))
        .here(why)
        .help(format!("write {write}"))
}

pub fn reserved_word(at: Span, word: &str) -> Diagnostic {
    Diagnostic::error("durbin::syntax::reserved_word", at, format!("`{word}` is a word of the language, not a name"))
        .here("a name is bound here")
        .help(format!("choose another name; where it is a column of a file, put it in backticks: `` `{word}` ``"))
}

pub fn unknown_statement(at: Span, word: &str, help: &str) -> Diagnostic {
    Diagnostic::error("durbin::syntax::unknown_statement", at, format!("no statement begins with `{word}`"))
        .here("no statement of the language")
        .help(help)
}

/// `block` is `panel` or `data`.
pub fn unknown_clause(at: Span, word: &str, block: &str, help: &str) -> Diagnostic {
    Diagnostic::error("durbin::syntax::unknown_clause", at, format!("a `{block}` has no clause `{word}`"))
        .here(format!("no clause of a `{block}`"))
        .help(help)
}

pub fn too_deep(at: Span) -> Diagnostic {
    let levels = crate::syntax::scan::DEEPEST;
    Diagnostic::error("durbin::syntax::too_deep", at, format!("more than {levels} levels of nesting"))
        .here(format!("level {} begins here", levels + 1))
        .help("name the inner parts with `let`, and use the names")
}

/// More text than a program has.
pub fn too_long(at: Span, bytes: usize, most: usize) -> Diagnostic {
    let message = format!("the program has {} MiB; at most {} are read as a program", bytes >> 20, most >> 20);
    Diagnostic::error("durbin::syntax::too_long", at, message)
        .help("data belong in files of their own: `panel NAME from \"FILE.csv\"`")
}

/// The program is in another encoding; `line` is that of the first byte that is not UTF-8.
pub fn not_utf8(at: Span, name: &str, line: usize, likely: &str) -> Diagnostic {
    let message = format!("`{name}` is not UTF-8: line {line} holds bytes of another encoding, likely {likely}");
    Diagnostic::error("durbin::syntax::not_utf8", at, message)
        .here("the first byte that is not UTF-8")
        .help("save the program as UTF-8")
}
