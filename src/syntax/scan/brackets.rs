//! Which bracket belongs to which, and what to say when one has no partner.

use crate::diagnostic::Diagnostic;
use crate::source::{SourceId, Span};
use crate::syntax::faults;

/// A bracket and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bracket {
    pub at: usize,
    pub mark: char,
}

/// A comment the text holds: `hash` is where its `#` stands, `end` the end of its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommentRange {
    pub hash: usize,
    pub end: usize,
}

/// The mark that closes what `open` opened.
pub fn partner(open: char) -> char {
    match open {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}

/// The opening form of a closing bracket.
pub fn opens(mark: char) -> bool {
    matches!(mark, '(' | '[' | '{')
}

/// What is wrong with a row of brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slip {
    Unclosed(Bracket),
    /// A closing bracket, and the open one it does not fit.
    Unmatched(Bracket, Option<Bracket>),
}

/// The first bracket without its partner, if there is one: one slip is one fault.
pub fn examine(source: SourceId, text: &str, brackets: &[Bracket], comments: &[CommentRange]) -> Option<Diagnostic> {
    // A bracket of another script is longer than the mark it stands for.
    let length = |b: Bracket| text[b.at..].chars().next().map_or(0, char::len_utf8);
    let at = |b: Bracket| Span::new(source, b.at, b.at + length(b));
    match first_slip(brackets)? {
        Slip::Unmatched(close, open) => Some(faults::unmatched_bracket(
            (close.mark, at(close)),
            open.map(|open| (open.mark, at(open), partner(open.mark))),
        )),
        Slip::Unclosed(open) => {
            let swallowed = swallowed_by_comment(text, open, comments).map(|c| Span::new(source, c.hash, c.end));
            Some(faults::unclosed_bracket(open.mark, partner(open.mark), at(open), swallowed))
        }
    }
}

/// Whether the only thing wrong is that brackets are still open at the end.
pub fn still_open(brackets: &[Bracket]) -> bool {
    matches!(strict(&mut Vec::new(), brackets), Err((Slip::Unclosed(_), _)))
}

fn first_slip(brackets: &[Bracket]) -> Option<Slip> {
    let mut stack = Vec::new();
    let (slip, index) = strict(&mut stack, brackets).err()?;
    let Slip::Unmatched(_, Some(open)) = slip else { return Some(slip) };
    // `(… }`: either the closing mark is the wrong one, or the one before it is missing. What makes the rest fit is true.
    stack.pop();
    let wrong_mark = strict(&mut stack.clone(), &brackets[index + 1..]).is_ok();
    let one_missing = strict(&mut stack, &brackets[index..]).is_ok();
    Some(if one_missing && !wrong_mark { Slip::Unclosed(open) } else { slip })
}

/// Matches brackets until one does not fit; the stack is left as it was there, with the index of that bracket.
fn strict(stack: &mut Vec<Bracket>, brackets: &[Bracket]) -> Result<(), (Slip, usize)> {
    for (i, &b) in brackets.iter().enumerate() {
        if opens(b.mark) {
            stack.push(b);
            continue;
        }
        match stack.last() {
            Some(open) if partner(open.mark) == b.mark => {
                stack.pop();
            }
            open => return Err((Slip::Unmatched(b, open.copied()), i)),
        }
    }
    match stack.last() {
        Some(&open) => Err((Slip::Unclosed(open), brackets.len())),
        None => Ok(()),
    }
}

/// The comment after `open` that begins within a word and holds the closing bracket, as in Stata's `a#b)`.
fn swallowed_by_comment(text: &str, open: Bracket, comments: &[CommentRange]) -> Option<CommentRange> {
    comments.iter().copied().filter(|c| c.hash > open.at).find(|c| {
        let clings = text[..c.hash].chars().next_back().is_some_and(|b| b.is_alphanumeric() || b == '_' || b == '`');
        clings && text[c.hash..c.end].contains(partner(open.mark))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Vec<Bracket> {
        text.char_indices().map(|(at, mark)| Bracket { at, mark }).collect()
    }

    #[test]
    fn a_wrong_mark_is_told_from_a_missing_one() {
        assert!(matches!(first_slip(&row("([))")), Some(Slip::Unmatched(c, Some(o))) if c.at == 2 && o.at == 1));
        assert!(matches!(first_slip(&row("{(}")), Some(Slip::Unclosed(o)) if o.at == 1));
        assert!(matches!(first_slip(&row("())")), Some(Slip::Unmatched(c, None)) if c.at == 2));
        assert_eq!(first_slip(&row("{([])}()")), None);
    }
}
