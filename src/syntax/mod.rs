//! Text to tree: the characters are examined first, then the grammar, then the builder, which knows the right spelling.

pub mod ast;
mod decode;
mod faults;
mod foreign;
mod format;
mod parser;
pub mod print;
mod scan;
pub mod substitute;
mod trivia;

pub use decode::{NotUtf8, decode};
pub use format::format;

use crate::diagnostic::Diagnostic;
use crate::source::{SourceId, Span};
use ast::{Ast, Expr};

/// The tree of a program; `source` is the id its spans bear.
///
/// # Errors
/// Every fault of `durbin::syntax` found in one pass, in the order of the text. Faults of characters, strings and
/// brackets come first: where there are any, the grammar is not consulted.
pub fn parse(source: SourceId, text: &str) -> Result<Ast, Vec<Diagnostic>> {
    if text.len() > MOST_BYTES {
        return Err(vec![faults::too_long(Span::new(source, 0, 0), text.len(), MOST_BYTES)]);
    }
    let scanned = scan::scan(source, text);
    if scanned.faults.is_empty() { parser::program(source, text, &scanned) } else { Err(scanned.faults) }
}

/// The longest text that is read as a program: what is longer holds data.
const MOST_BYTES: usize = 16 << 20;

/// A value alone, as `--set NAME=VALUE` gives it.
///
/// # Errors
/// As [`parse`].
pub fn parse_value(source: SourceId, text: &str) -> Result<Expr, Vec<Diagnostic>> {
    let scanned = scan::scan(source, text);
    if scanned.faults.is_empty() { parser::lone_value(source, text, &scanned) } else { Err(scanned.faults) }
}

/// Whether a text is the beginning of a program and only its end is missing: an open bracket, an operator without its
/// right side, a declaration without a value. A string left open is a fault and not a beginning.
pub fn is_unfinished(text: &str) -> bool {
    let scanned = scan::scan(SourceId::default(), text);
    scanned.still_open || (scanned.faults.is_empty() && parser::stops_at_end(text))
}
