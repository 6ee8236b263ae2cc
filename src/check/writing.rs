//! How the file of a block is written, and what its author mends in it: `encoding`, `separator`, `decimal`, `sheet`,
//! `range`, `trim`, `recode`.

use super::arguments::Bound;
use super::arrays::On;
use super::spec::*;
use super::{Check, Checker, Reported};
use crate::data::door;
use crate::data::writing::{Decimal, ENCODINGS, Writing, encoding, range};
use crate::diagnostic::Diagnostic;
use crate::fault::ticked_all;
use crate::suggest;
use crate::syntax::ast::*;

impl Checker<'_> {
    /// What the clauses of a block say of how its file is written.
    pub(crate) fn writing(&mut self, block: &DataBlock) -> Check<Writing> {
        let mut out = Writing::default();
        let mut failed = None;
        for clause in &block.clauses {
            if let Err(r) = self.written(&clause.kind, &mut out) {
                failed = Some(r);
            }
        }
        if let Some(r) = failed {
            return Err(r);
        }
        let said = |c: &&Clause| {
            matches!(
                c.kind,
                ClauseKind::Encoding(_)
                    | ClauseKind::Separator(_)
                    | ClauseKind::Decimal(_)
                    | ClauseKind::Sheet(_)
                    | ClauseKind::Range(_)
            )
        };
        let Some(first) = block.clauses.iter().find(said) else { return Ok(out) };
        let ExprKind::Text(path) = &block.source.kind else {
            let word = first.kind.word();
            let message =
                format!("`{word}` says how a file is written, and `{}` is made from no file", block.name.text);
            let fault = Diagnostic::error("durbin::check::bad_option_value", first.span, message);
            return Err(self.report(fault.help(format!("write `{word}` where the file is read"))));
        };
        match door::out_of_place(path, &out) {
            Some(fault) => Err(self.report(Diagnostic::at(fault, Some(first.span)))),
            None => Ok(out),
        }
    }

    /// What the arguments `encoding`, `separator` and `decimal` say of how a file is written.
    pub(crate) fn written_arguments(&mut self, file: &Expr, bound: &Bound) -> Check<Writing> {
        let mut out = Writing::default();
        for word in ["encoding", "separator", "decimal"] {
            let Some(e) = bound.get(word) else { continue };
            let text = Text { text: self.string(e)?, span: self.at(e.span) };
            let clause = match word {
                "encoding" => ClauseKind::Encoding(text),
                "separator" => ClauseKind::Separator(text),
                _ => ClauseKind::Decimal(text),
            };
            self.written(&clause, &mut out)?;
        }
        if out.is_usual() {
            return Ok(out);
        }
        let path = self.string(file)?;
        match door::out_of_place(&path, &out) {
            Some(fault) => Err(self.report(Diagnostic::at(fault, Some(self.at(file.span))))),
            None => Ok(out),
        }
    }

    fn written(&mut self, clause: &ClauseKind, out: &mut Writing) -> Check<()> {
        match clause {
            ClauseKind::Encoding(t) => match encoding(&t.text) {
                Some(known) => out.encoding = Some(known),
                None => {
                    let near = suggest::nearest(&t.text.to_ascii_lowercase(), ENCODINGS);
                    let near = near.map_or(String::new(), |n| format!("did you mean `\"{n}\"`? "));
                    let help = format!("{near}encodings are those of the web, such as {}", ticked_all(&ENCODINGS));
                    return Err(self.bad_text("encoding", t, "is no encoding", help));
                }
            },
            ClauseKind::Separator(t) => match t.text.as_bytes() {
                [b] if !b.is_ascii_alphanumeric() && !matches!(b, b'"' | b'\n' | b'\r' | b'.' | b'-' | b'+') => {
                    out.separator = Some(*b);
                }
                _ => {
                    let help = "a separator is one mark: `separator \";\"`, `separator \"\\t\"`, `separator \"|\"`";
                    return Err(self.bad_text("separator", t, "cannot separate fields", help.into()));
                }
            },
            ClauseKind::Decimal(t) => match t.text.as_str() {
                "," => out.decimal = Decimal::Comma,
                "." => out.decimal = Decimal::Point,
                _ => {
                    let help = "`decimal \",\"` reads `3,5` as three and a half; a point needs no clause";
                    return Err(self.bad_text("decimal", t, "is no decimal mark", help.into()));
                }
            },
            ClauseKind::Sheet(t) => out.sheet = Some(t.text.clone()),
            ClauseKind::Range(t) => match range(&t.text) {
                Some(cells) => out.range = Some(cells),
                None => {
                    let help = "a range is written as in the spreadsheet: `range \"A3:F200\"`, `range \"A3\"` (from there on), `range \"A:F\"`";
                    return Err(self.bad_text("range", t, "is no range of cells", help.into()));
                }
            },
            _ => {}
        }
        Ok(())
    }

    fn bad_text(&mut self, clause: &str, text: &Text, what: &str, help: String) -> Reported {
        let message = format!("\"{}\" {what} (`{clause}`)", text.text);
        self.report(Diagnostic::error("durbin::check::bad_option_value", text.span, message).help(help))
    }

    /// How the files are written that a block joins.
    pub(crate) fn joined_writing(&self, on: On) -> Writing {
        self.info(on).map(|i| i.spec.joined()).unwrap_or_default()
    }

    /// `trim COL`, `recode COL { "a": "b" }`: columns of the block's own file.
    pub(crate) fn mend_clause(&mut self, clause: &Clause, on: On) -> Check<()> {
        let mut mends = Vec::new();
        match &clause.kind {
            ClauseKind::Trim(columns) => {
                for name in columns {
                    mends.push((self.own_column(name, on)?, Mend::Trim));
                }
            }
            ClauseKind::Recode { column, values } => {
                let column = self.own_column(column, on)?;
                mends.push((column, Mend::Recode(self.recoded(values)?)));
            }
            _ => {}
        }
        let Some(info) = self.info_mut(on) else { return Err(Reported) };
        let place = Place(clause.span);
        info.spec.mends.extend(mends.into_iter().map(|(column, mend)| MendSpec { column, mend, place }));
        Ok(())
    }

    /// A column of the file a block reads.
    fn own_column(&mut self, name: &Name, on: On) -> Check<String> {
        let Some(info) = self.info(on) else { return Err(Reported) };
        let RowSource::File(path) = &info.spec.source else {
            let message =
                format!("`{}` is made from no file: its keys are mended where the file is read", info.spec.name);
            let fault = Diagnostic::error("durbin::check::bad_option_value", name.span, message)
                .help("write the clause in the block that reads the file");
            return Err(self.report(fault));
        };
        let (path, from) = (path.clone(), info.columns.get(&name.text).cloned());
        match from {
            Some(from) if from == path => Ok(name.text.clone()),
            Some(from) => {
                let message = format!("`{}` is no column of `{path}`, but of `{from}`", name.text);
                let help = format!("read `{from}` in a `data` block of its own, mend it there and join that");
                Err(self.report(Diagnostic::error("durbin::check::bad_option_value", name.span, message).help(help)))
            }
            None => Err(self.unknown_column(name, on)),
        }
    }

    fn recoded(&mut self, values: &Expr) -> Check<Vec<(String, String)>> {
        let ExprKind::Record(entries) = &values.kind else {
            let fault = Diagnostic::error("durbin::check::wrong_kind", values.span, "`recode` takes a record of texts")
                .help("write what the file has and what is meant: `recode city { \"Huaian\": \"Huai'an\" }`");
            return Err(self.report(fault));
        };
        let mut out: Vec<(String, String)> = Vec::new();
        for (key, value) in entries {
            let (text, span) = match key {
                RecordKey::Name(n) => (n.text.clone(), n.span),
                RecordKey::Text(t) => (t.text.clone(), t.span),
                RecordKey::Number(x, s) => (x.to_string(), *s),
            };
            let from = crate::data::csv::nfc(&text).into_owned();
            let to = match self.value(value)? {
                super::scope::Value::Scalar(ScalarExpr::Text(t)) => crate::data::csv::nfc(&t).into_owned(),
                super::scope::Value::Missing => String::new(),
                other => return Err(self.wrong_kind(value.span, "a text", &other, None)),
            };
            if out.iter().any(|(f, _)| *f == from) {
                let message = format!("\"{from}\" is recoded twice");
                let fault = Diagnostic::error("durbin::check::said_twice", span, message).help("keep one of them");
                return Err(self.report(fault));
            }
            out.push((from, to));
        }
        Ok(out)
    }
}
