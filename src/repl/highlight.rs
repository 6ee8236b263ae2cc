//! Colors of an input: words of the language, functions, strings, numbers, comments. The width of the text stays.

use super::words::{CLAUSES, STATEMENTS, WORDS};

const KEYWORD: &str = "\x1b[1;34m";
const FUNCTION: &str = "\x1b[36m";
const TEXT: &str = "\x1b[32m";
const NUMBER: &str = "\x1b[35m";
const COMMENT: &str = "\x1b[2m";
const COMMAND: &str = "\x1b[33m";
const END: &str = "\x1b[0m";

/// The input in color; `is_function` knows the names of the library.
pub fn colored(text: &str, is_function: impl Fn(&str) -> bool) -> String {
    let mut out = String::with_capacity(2 * text.len());
    let mut rest = text;
    if let Some(end) = text.starts_with(':').then(|| text.find(char::is_whitespace).unwrap_or(text.len())) {
        out.push_str(&format!("{COMMAND}{}{END}", &text[..end]));
        rest = &text[end..];
    }
    while let Some(c) = rest.chars().next() {
        let (length, color) = match c {
            '#' => (rest.find('\n').unwrap_or(rest.len()), COMMENT),
            '"' => (string(rest), TEXT),
            _ if c.is_ascii_digit() => (run(rest, |c| c.is_ascii_digit() || c == '_' || c == '.'), NUMBER),
            _ if c.is_alphabetic() || c == '_' => {
                let length = run(rest, |c| c.is_alphanumeric() || c == '_');
                (length, of_word(&rest[..length], &rest[length..], &is_function))
            }
            _ => (c.len_utf8(), ""),
        };
        let (piece, after) = rest.split_at(length);
        if color.is_empty() {
            out.push_str(piece);
        } else {
            // A color ends with its line.
            let lines: Vec<String> = piece.split('\n').map(|l| format!("{color}{l}{END}")).collect();
            out.push_str(&lines.join("\n"));
        }
        rest = after;
    }
    out
}

fn of_word(word: &str, after: &str, is_function: &impl Fn(&str) -> bool) -> &'static str {
    let called = after.starts_with('(');
    match word {
        _ if called && is_function(word) => FUNCTION,
        _ if STATEMENTS.contains(&word) || WORDS.contains(&word) || word == "from" || word == "over" => KEYWORD,
        _ if CLAUSES.contains(&word) && after.starts_with(' ') && !after.trim_start().starts_with([',', ')', '|']) => {
            KEYWORD
        }
        _ => "",
    }
}

fn run(text: &str, within: impl Fn(char) -> bool) -> usize {
    text.find(|c| !within(c)).unwrap_or(text.len())
}

/// A string with its quotes, or what there is of it.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text without its colors.
    fn bare(text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('\x1b') {
            out.push_str(&rest[..at]);
            rest = &rest[at + rest[at..].find('m').unwrap() + 1..];
        }
        out + rest
    }

    #[test]
    fn colors_change_no_character() {
        for text in
            ["model m = sdm(y ~ x | W, se: \"a\\\"b\") # note\n1.5e3", ":plan sdm(", "\"open", "专业化 + `a b`", ""]
        {
            let shown = colored(text, |w| w == "sdm");
            assert_eq!(bare(&shown), text);
        }
        assert!(colored("sdm(y)", |w| w == "sdm").starts_with(FUNCTION));
        assert_eq!(colored("y ~ x", |_| false), "y ~ x");
    }
}
