//! Operators and comments of other languages.

use super::Walker;
use crate::syntax::{faults, foreign};

/// Spelling elsewhere and what to write here, the longest first where one begins another.
const FOREIGN: &[(&str, &str)] = &[
    ("%in%", "`in`"),
    ("%*%", "`@`, the product of weights with weights or a column"),
    ("%>%", "a call: `f(x)`"),
    ("%%", "nothing here: the language has no remainder"),
    ("%/%", "`/`"),
    ("<<-", "`=`"),
    ("<->", "nothing here"),
    ("<-", "`=`"),
    ("->", "`=`"),
    ("**", "`^`"),
    ("&&", "`and`"),
    ("||", "`or`"),
    ("|>", "a call: `f(x)`"),
    ("<>", "`!=`"),
    ("~=", "`!=`"),
    ("===", "`==`"),
    (":=", "`=`"),
    ("+=", "a new name: `let y = x + 1`"),
    ("-=", "a new name: `let y = x - 1`"),
    ("*=", "a new name: `let y = 2 * x`"),
    ("/=", "a new name: `let y = x / 2`"),
    ("=>", "`>=`, or `:` in a record"),
    ("&", "`and`"),
    ("$", "`.`, as in `jobs.employed`"),
    ("%", "nothing here: the language has no remainder"),
];

impl Walker<'_> {
    /// A mark that is neither bracket, quote nor comment.
    pub(super) fn operator(&mut self, c: char) {
        let rest = self.rest();
        if rest.starts_with("//") || rest.starts_with("/*") || (matches!(c, '*' | '%') && self.begins_line_outside()) {
            return self.foreign_comment();
        }
        if c == '!' && !rest.starts_with("!=") {
            return self.foreign_operator("!", "`not`");
        }
        if let Some(&(written, here)) = FOREIGN.iter().find(|(written, _)| rest.starts_with(written)) {
            return self.foreign_operator(written, here);
        }
        if matches!(c, ',' | ';' | '~' | '|') {
            self.leave_ifs();
        }
        let two = ["==", "!=", "<=", ">=", "..", "::"].iter().any(|o| rest.starts_with(o));
        self.token(if rest.starts_with("...") { 3 } else { 1 + usize::from(two) });
    }

    fn begins_line_outside(&self) -> bool {
        self.line_is_blank && self.outside()
    }

    /// From the mark to the end of the line, or to `*/`.
    fn foreign_comment(&mut self) {
        let start = self.at;
        let rest = self.rest();
        let mark = ["//", "/*"].into_iter().find(|m| rest.starts_with(m)).unwrap_or(&rest[..1]);
        let end = match mark {
            "/*" => rest.find("*/").map_or(self.text.len(), |n| start + n + 2),
            _ => self.line_end(start),
        };
        let words = self.text[start..self.line_end(start)].trim_matches(['/', '*', '%', ' ', '\t']);
        let fault = faults::foreign_comment(self.span(start, start + mark.len()), mark, words);
        self.fault(fault);
        self.at = end;
    }

    fn foreign_operator(&mut self, written: &str, here: &str) {
        if self.is_full() {
            return self.token(written.len());
        }
        let (start, end) = (self.at, self.at + written.len());
        let line_start = self.text[..start].rfind(['\n', '\r', ';']).map_or(0, |n| n + 1);
        let left = self.text[line_start..start].trim();
        let right = self.text[end..self.line_end(end)].split('#').next().unwrap_or("").trim();
        let help = match written {
            "<-" | "<<-" | "->" | ":=" => {
                let (name, value) = if written == "->" { (right, left) } else { (left, right) };
                foreign::assignment(name, value, written == "<-")
            }
            _ => format!("write {here}"),
        };
        let fault = faults::foreign_operator(self.span(start, end), written, &help);
        self.fault(fault);
        self.token(written.len());
    }
}
