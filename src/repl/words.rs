//! Where the cursor stands: in a string, in a call, behind an option's colon, at the start of a statement or clause.

/// Words that begin statements.
pub const STATEMENTS: [&str; 12] =
    ["assert", "data", "fn", "let", "model", "options", "panel", "report", "save", "treatment", "use", "weights"];
/// Words that begin clauses of `panel` and `data`.
pub const CLAUSES: [&str; 21] = [
    "absent",
    "balance",
    "coords",
    "count",
    "decimal",
    "encoding",
    "join",
    "keys",
    "let",
    "missing",
    "range",
    "recode",
    "separator",
    "shapes",
    "sheet",
    "sum",
    "time",
    "trim",
    "unit",
    "value",
    "where",
];
/// Words of expressions.
pub const WORDS: [&str; 10] = ["and", "else", "false", "if", "in", "missing", "not", "or", "then", "true"];
/// Settings of `options`.
pub const SETTINGS: [&str; 5] = ["digits", "draws", "lang", "level", "seed"];

/// What stands around the cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The beginning of the word, or of the file's path, that is being written.
    pub start: usize,
    /// The cursor is in a string.
    pub in_string: bool,
    /// … or in a comment.
    pub in_comment: bool,
    /// The innermost open call: its name, labels given so far, and how many arguments came before this one.
    pub call: Option<Call>,
    /// The label of the argument that is being written.
    pub label: Option<String>,
    /// The word of the block the cursor is in: `panel`, `data`, `options`.
    pub block: Option<String>,
    /// The word its clause begins with.
    pub clause: Option<String>,
    /// Nothing but blanks stands before the word in its statement or clause.
    pub begins: bool,
    /// Strings of the statement before the cursor that follow `from` or `join`.
    pub files: Vec<String>,
}

/// An open call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    pub name: String,
    pub labels: Vec<String>,
    pub before: usize,
}

/// A bracket that is open.
struct Open {
    bracket: char,
    call: Call,
    label: Option<String>,
    /// What the last token was: an argument begins behind a bracket or comma.
    fresh: bool,
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Looks at everything before the cursor.
pub fn place(text: &str, cursor: usize) -> Place {
    let text = text.get(..cursor).unwrap_or(text);
    let mut walk = Walk { begins: true, ..Walk::default() };
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        if walk.string.is_some() {
            walk.in_string(text, at, c);
            continue;
        }
        match c {
            '#' => {
                walk.comment = true;
                while rest.next_if(|(_, c)| *c != '\n').is_some() {}
                walk.comment = rest.peek().is_none();
            }
            '"' => walk.string = Some(at + 1),
            _ if is_word(c) => {
                let mut end = at + c.len_utf8();
                while let Some((i, c)) = rest.next_if(|(_, c)| is_word(*c)) {
                    end = i + c.len_utf8();
                }
                walk.word(text, at, end);
            }
            _ => walk.mark(c),
        }
    }
    walk.end(text)
}

#[derive(Default)]
struct Walk {
    open: Vec<Open>,
    string: Option<usize>,
    escaped: bool,
    comment: bool,
    begins: bool,
    statement: String,
    clause: String,
    last: String,
    last_end: usize,
    before_last: bool,
    files: Vec<String>,
}

impl Walk {
    fn in_string(&mut self, text: &str, at: usize, c: char) {
        match c {
            _ if self.escaped => self.escaped = false,
            '\\' => self.escaped = true,
            '"' => {
                let start = self.string.take().unwrap_or(at);
                if ["from", "join"].contains(&self.last.as_str()) {
                    self.files.push(text[start..at].to_string());
                }
                self.begins = false;
            }
            _ => {}
        }
    }

    fn word(&mut self, text: &str, start: usize, end: usize) {
        self.before_last = self.begins;
        if self.begins && self.open.is_empty() {
            self.statement = text[start..end].to_string();
            if self.statement == "panel" || self.statement == "data" {
                self.files.clear();
            }
        }
        if self.begins && !self.open.is_empty() {
            self.clause = text[start..end].to_string();
        }
        self.last = text[start..end].to_string();
        self.last_end = end;
        self.begins = false;
    }

    fn mark(&mut self, c: char) {
        match c {
            '(' | '[' | '{' => {
                let name = if c == '(' { self.last.clone() } else { String::new() };
                let call = Call { name, ..Call::default() };
                self.open.push(Open { bracket: c, call, label: None, fresh: true });
                self.begins = c == '{';
            }
            ')' | ']' | '}' => {
                self.open.pop();
                self.begins = false;
            }
            ',' => {
                if let Some(open) = self.open.last_mut() {
                    if open.label.is_none() {
                        open.call.before += 1;
                    }
                    open.label = None;
                    open.fresh = true;
                }
            }
            ':' => {
                let last = self.last.clone();
                if let Some(open) = self.open.last_mut()
                    && open.bracket == '('
                    && open.fresh
                {
                    open.call.labels.push(last.clone());
                    open.label = Some(last);
                    open.fresh = false;
                }
            }
            '\n' | ';' if self.open.last().is_none_or(|o| o.bracket == '{') => self.begins = true,
            c if c.is_whitespace() => return,
            _ => {
                self.begins = false;
                if let Some(open) = self.open.last_mut() {
                    open.fresh = false;
                }
            }
        }
        if !c.is_whitespace() && c != '(' {
            self.last.clear();
        }
    }

    fn end(self, text: &str) -> Place {
        if let Some(start) = self.string {
            return Place { start, in_string: true, files: self.files, ..Place::default() };
        }
        let in_word = self.last_end == text.len() && !self.last.is_empty();
        let start = if in_word { self.last_end - self.last.len() } else { text.len() };
        let begins = if in_word { self.before_last } else { self.begins };
        let call = self.open.iter().rev().find(|o| o.bracket == '(' && !o.call.name.is_empty());
        let block = self.open.iter().any(|o| o.bracket == '{').then(|| self.statement.clone());
        Place {
            start,
            in_string: false,
            in_comment: self.comment,
            label: self.open.last().and_then(|o| o.label.clone()),
            call: call.map(|o| o.call.clone()),
            clause: block.as_ref().filter(|_| !begins).map(|_| self.clause.clone()),
            block,
            begins,
            files: self.files,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_end(text: &str) -> Place {
        place(text, text.len())
    }

    #[test]
    fn statements_and_clauses_have_beginnings() {
        assert!(at_end("").begins && at_end("mod").begins && at_end("x\nmo").begins);
        assert!(!at_end("model ").begins && !at_end("model b").begins);
        let clause = at_end("panel p from \"a.csv\" {\n  un");
        assert!(clause.begins);
        assert_eq!((clause.block.as_deref(), clause.files.as_slice()), (Some("panel"), &["a.csv".to_string()][..]));
        let column = at_end("panel p from \"a.csv\" { unit st");
        assert_eq!(column.clause.as_deref(), Some("unit"));
        assert!(!column.begins && column.start == "panel p from \"a.csv\" { unit ".len());
    }

    #[test]
    fn calls_know_what_was_given() {
        let call = at_end("model m = sdm(y ~ x + log(z) | W, se: cl");
        assert_eq!(call.label.as_deref(), Some("se"));
        let of = call.call.unwrap();
        assert_eq!((of.name.as_str(), of.labels, of.before), ("sdm", vec!["se".to_string()], 1));
        assert_eq!(at_end("sdm(y ~ x:z").label, None, "a colon inside a formula interacts");
        assert_eq!(at_end("sdm(y ~ x, fe: [unit, ti").label, None);
        assert_eq!(at_end("f(a) + g").call, None);
    }

    #[test]
    fn strings_and_comments_are_no_code() {
        let path = at_end("weights W = edges(\"data/co");
        assert!(path.in_string && path.start == "weights W = edges(\"".len());
        assert!(at_end("x # not co").in_comment && !at_end("x # a\ny").in_comment);
        assert!(!at_end("edges(\"a\\\"b\"").in_string);
    }
}
