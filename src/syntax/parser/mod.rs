//! Text to tree by the grammar of `grammar/`: the only folder that knows pest.
//!
//! A fault of grammar is told, the statement or clause that holds it is blanked out, and the rest is read again, so that
//! one pass tells all faults and none of them twice.

mod calls;
mod chains;
mod clauses;
mod literals;
mod rules;
mod statements;
mod values;
mod words;

use crate::diagnostic::Diagnostic;
use crate::source::{SourceId, Span};
use crate::syntax::ast::{Ast, Expr, Name};
use crate::syntax::scan::{self, Scan};
use crate::syntax::trivia::Trivia;
use crate::syntax::{faults, foreign};
use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};
use pest::iterators::Pair;

/// The rules of the grammar and the parser pest derives from them.
#[derive(pest_derive::Parser)]
#[grammar = "grammar/durbin.pest"]
#[grammar = "grammar/words.pest"]
struct Grammar;

/// Whether a word is no name inside an expression.
pub use words::is_reserved_in_expressions;

type Node<'a> = Pair<'a, Rule>;

/// Faults of grammar beyond which reading on is of no use.
const MOST_FAULTS: usize = 25;

/// Builds nodes from pairs and notes the slips the grammar lets pass.
struct Builder<'a> {
    source: SourceId,
    text: &'a str,
    trivia: Trivia,
    faults: Vec<Diagnostic>,
    /// Prefix operators inside right operands: they nest without brackets.
    depth: usize,
}

/// The tree of a program whose text has been searched.
///
/// # Errors
/// Every fault of grammar, in the order of the text.
pub fn program(source: SourceId, text: &str, scan: &Scan) -> Result<Ast, Vec<Diagnostic>> {
    let mut readable = text.to_string();
    let mut faults: Vec<Diagnostic> = Vec::new();
    while faults.len() < MOST_FAULTS {
        let error = match Grammar::parse(Rule::program, &readable) {
            Ok(pairs) => {
                let mut builder = Builder::new(source, &readable, Trivia::new(text, scan));
                let ast = builder.program(pairs);
                faults.append(&mut builder.faults);
                faults.sort_by_key(|f| f.span.map(|s| (s.start, s.end)));
                return if faults.is_empty() { Ok(ast) } else { Err(faults) };
            }
            Err(error) => error,
        };
        let slip = Slip::of(source, &readable, scan, &error);
        faults.push(slip.fault);
        if !blank(&mut readable, slip.chunk) {
            break;
        }
    }
    faults.sort_by_key(|f| f.span.map(|s| (s.start, s.end)));
    Err(faults)
}

/// One value, as `--set NAME=VALUE` gives it.
///
/// # Errors
/// Every fault of grammar.
pub fn lone_value(source: SourceId, text: &str, scan: &Scan) -> Result<Expr, Vec<Diagnostic>> {
    match Grammar::parse(Rule::lone_value, text) {
        Ok(pairs) => {
            let mut builder = Builder::new(source, text, Trivia::default());
            let value = builder.lone_value(pairs);
            match value {
                Some(value) if builder.faults.is_empty() => Ok(value),
                _ => Err(builder.faults),
            }
        }
        Err(error) => Err(vec![Slip::of(source, text, scan, &error).fault]),
    }
}

/// Whether the grammar stops only because the text ends.
pub fn stops_at_end(text: &str) -> bool {
    match Grammar::parse(Rule::program, text) {
        Ok(_) => false,
        Err(error) => {
            let at = position(&error);
            scan::next_word(text.get(at..).unwrap_or("")).is_empty() && only_blanks(text.get(at..).unwrap_or(""))
        }
    }
}

fn only_blanks(text: &str) -> bool {
    text.lines().all(|line| line.trim_start().is_empty() || line.trim_start().starts_with('#'))
}

fn position(error: &pest::error::Error<Rule>) -> usize {
    match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    }
}

/// A fault of grammar and the piece of text that holds it.
struct Slip {
    fault: Diagnostic,
    chunk: (usize, usize),
}

impl Slip {
    fn of(source: SourceId, text: &str, scan: &Scan, error: &pest::error::Error<Rule>) -> Slip {
        let at = position(error).min(text.len());
        let chunk = chunk(text, scan, at);
        let ErrorVariant::ParsingError { positives, .. } = &error.variant else {
            // pest's own guard of the stack: the search of brackets keeps texts from coming near it.
            return Slip { fault: faults::too_deep(Span::new(source, at, at)), chunk };
        };
        if let Some(end) = unfinished_line(text, scan, chunk, at) {
            let place = Span::new(source, end.saturating_sub(1), end);
            let help = words::help(text, chunk, scan, at, positives);
            let fault = faults::unexpected(place, "the end of the line", "a value", &help);
            return Slip { fault, chunk: (chunk.0, end) };
        }
        let (found, length) = words::found(text, at);
        let in_brackets = !scan.cuts.is_empty() && words::closing_bracket_follows(text, at, chunk.1);
        let expected = words::expected(positives, in_brackets);
        let help = words::help(text, chunk, scan, at, positives);
        let fault = faults::unexpected(Span::new(source, at, at + length), &found, &expected, &help);
        Slip { fault, chunk }
    }
}

/// The statement or clause around `at`.
fn chunk(text: &str, scan: &Scan, at: usize) -> (usize, usize) {
    let block = scan.blocks.iter().copied().find(|&(open, close)| open < at && at <= close);
    let ends = |cut: &&scan::Cut| {
        cut.in_block == block.is_some()
            && !cut.continues
            && !matches!(scan::next_word(&text[cut.at..]), "then" | "else")
            && block.is_none_or(|(open, close)| open < cut.at && cut.at < close)
    };
    let before = scan.cuts.partition_point(|cut| cut.at < at);
    let start = scan.cuts[..before].iter().rfind(ends).map(|cut| cut.at);
    let end = scan.cuts[before..].iter().find(ends).map(|cut| cut.at);
    let (first, last) = block.map_or((0, text.len()), |(open, close)| (open + 1, close));
    let (start, end) = (start.unwrap_or(first), end.unwrap_or(last));
    match (text[start..end].trim().is_empty(), block) {
        // Nothing of the clause to blank: the whole statement goes.
        (true, Some((open, _))) => chunk(text, &Scan { cuts: scan.cuts.clone(), ..Scan::default() }, open),
        _ => (start, end),
    }
}

/// `let x =`, and the next line begins a statement: the end of the line that asks for more.
fn unfinished_line(text: &str, scan: &Scan, chunk: (usize, usize), at: usize) -> Option<usize> {
    let before = scan.cuts.partition_point(|cut| cut.at < at);
    let cut = scan.cuts[..before].iter().rfind(|cut| cut.continues && cut.at > chunk.0)?;
    let begins = words::begins_statement(scan::next_word(&text[cut.at..]));
    begins.then(|| text[..cut.at].trim_end().len())
}

/// Replaces a piece of text by blanks, byte for byte; whether anything was there.
fn blank(text: &mut String, (start, end): (usize, usize)) -> bool {
    let Some(piece) = text.get(start..end) else { return false };
    if piece.trim().is_empty() {
        return false;
    }
    let blanks: String = piece.bytes().map(|b| if matches!(b, b'\n' | b'\r') { char::from(b) } else { ' ' }).collect();
    text.replace_range(start..end, &blanks);
    true
}

impl<'a> Builder<'a> {
    fn new(source: SourceId, text: &'a str, trivia: Trivia) -> Builder<'a> {
        Builder { source, text, trivia, faults: Vec::new(), depth: 0 }
    }

    fn span(&self, node: &Node) -> Span {
        let span = node.as_span();
        Span::new(self.source, span.start(), span.end())
    }

    fn slice(&self, span: Span) -> &'a str {
        self.text.get(span.range()).unwrap_or("")
    }

    /// The text under a span on one line, runs of blanks and line ends being one blank.
    fn on_one_line(&self, span: Span) -> String {
        self.slice(span).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn fault(&mut self, fault: Diagnostic) {
        self.faults.push(fault);
    }

    /// A name where it is used.
    fn name(&self, node: &Node) -> Name {
        literals::name(self.span(node), node.as_str())
    }

    /// A name where it is bound: no word of the language.
    fn declared(&mut self, node: &Node) -> Name {
        let name = self.name(node);
        if !name.quoted && words::is_reserved(&name.text) {
            self.fault(faults::reserved_word(name.span, &name.text));
        }
        name
    }

    /// The help for a statement of another language.
    fn command_help(&self, word: &str, line: &str) -> String {
        let arguments: Vec<&str> = line.split([' ', '\t', ',']).filter(|a| !a.is_empty()).skip(1).collect();
        foreign::command_help(word, &arguments)
            .or_else(|| words::nearest_statement(word))
            .unwrap_or_else(|| format!("a statement begins with {}, or is a value", words::statement_list()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_words() {
        for rule in Rule::all_rules() {
            let words = rules::words(*rule);
            assert!(!words.is_empty() && !words.contains("_"), "{rule:?}: {words}");
        }
    }
}
