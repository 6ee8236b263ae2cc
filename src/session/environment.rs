//! The declarations of a session: each input's statements with their text, what they mention, and what becomes of them
//! when a name is bound again.

use super::mentions::{Among, Mention, mentions};
use crate::check::library::Library;
use crate::source::{SourceId, Sources, Span};
use crate::syntax::ast::*;
use crate::syntax::{self, print};
use std::sync::Arc;

/// The name of texts that were rewritten.
pub(super) const EARLIER: &str = "earlier input";

/// A statement of the session.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub statement: Statement,
    /// Its text, comments and documentation before it included.
    pub text: String,
    /// Where the text begins in its source.
    start: u32,
    /// The panel it is about, where that is no longer the one that is meant.
    panel: Option<String>,
}

impl Record {
    /// The name it declares.
    pub fn declares(&self) -> Option<&str> {
        declared(&self.statement.kind).map(|n| n.text.as_str())
    }

    /// Whether later inputs rest on it: it prints, saves and asserts nothing.
    pub fn stands(&self) -> bool {
        !matches!(
            self.statement.kind,
            StatementKind::Print(_)
                | StatementKind::Save { .. }
                | StatementKind::Assert { .. }
                | StatementKind::Report { .. }
        )
    }

    /// Whether the word occurs at all, whatever it means there.
    fn says(&self, name: &str) -> bool {
        mentions(&self.statement.kind).iter().any(|m| m.name.text == name) || self.panel.as_deref() == Some(name)
    }

    /// Whether it is a number, a text or another value that columns of its name come before.
    fn yields_to_columns(&self) -> bool {
        match &self.statement.kind {
            StatementKind::Treatment { .. } => false,
            StatementKind::Let { value, .. } => !matches!(value.kind, ExprKind::Formula { .. }),
            _ => true,
        }
    }

    /// Whether it is about the only panel without saying so.
    fn is_about_a_panel(&self) -> bool {
        matches!(
            self.statement.kind,
            StatementKind::Weights { parameters: None, on: None, .. }
                | StatementKind::Treatment { on: None, .. }
                | StatementKind::Model { .. }
        )
    }
}

/// Everything a session has been told.
#[derive(Clone, Debug)]
pub(super) struct Environment {
    pub sources: Sources,
    pub library: Arc<Library>,
    pub records: Vec<Arc<Record>>,
    /// The expression that `_` stands for.
    pub last: Option<String>,
    /// Panels whose names were taken by others: meant only where a name says so.
    pub retired: Vec<String>,
    /// Names that were given to old declarations.
    pub old_names: Vec<String>,
    /// Columns of each panel and data set.
    pub columns: Vec<(String, Vec<String>)>,
    /// Remarks that were made, by code and words.
    pub told: Vec<(&'static str, String)>,
    /// Files that were read.
    pub read: Vec<String>,
    pub inputs: usize,
}

impl Default for Environment {
    fn default() -> Environment {
        let mut sources = Sources::default();
        let library = Arc::new(Library::standard(&mut sources));
        Environment {
            sources,
            library,
            records: Vec::new(),
            last: None,
            retired: Vec::new(),
            old_names: Vec::new(),
            columns: Vec::new(),
            told: Vec::new(),
            read: Vec::new(),
            inputs: 0,
        }
    }
}

impl Environment {
    /// The program that the next input continues: what stands, without what was only shown.
    pub fn standing(&self) -> Vec<Statement> {
        self.records.iter().filter(|r| r.stands()).map(|r| r.statement.clone()).collect()
    }

    /// The panel that each of these statements is about, where that is settled.
    pub fn pinned(&self) -> Vec<Option<String>> {
        self.records.iter().filter(|r| r.stands()).map(|r| r.panel.clone()).collect()
    }

    /// Adds the statements of an input.
    ///
    /// Old declarations under new names that nobody rests on any more go.
    pub fn accept(&mut self, text: &str, ast: &Ast) {
        let mut from = 0;
        let last = ast.statements.len();
        for (number, statement) in ast.statements.iter().enumerate() {
            let end = if number + 1 == last { text.len() } else { statement.span.end as usize };
            let slice = text.get(from..end).unwrap_or("");
            let shift = slice.len() - slice.trim_start_matches(|c: char| c.is_whitespace() || c == ';').len();
            self.push(Record {
                statement: statement.clone(),
                text: slice[shift..].trim_end_matches(|c: char| c.is_whitespace() || c == ';').to_string(),
                start: (from + shift) as u32,
                panel: None,
            });
            from = end;
        }
        self.prune();
    }

    fn push(&mut self, record: Record) {
        // Said again, it is where it was said last.
        if record.declares().is_none() {
            self.records.retain(|r| r.text != record.text);
        }
        self.records.push(Arc::new(record));
    }

    /// Settings hold until they are set again.
    fn options_again(&mut self, new: &[Setting]) {
        let mut kept = Vec::new();
        for record in std::mem::take(&mut self.records) {
            let StatementKind::Options(settings) = &record.statement.kind else {
                kept.push(record);
                continue;
            };
            let left: Vec<&Setting> =
                settings.iter().filter(|s| !new.iter().any(|n| n.name.text == s.name.text)).collect();
            if left.len() == settings.len() {
                kept.push(record);
            } else if !left.is_empty() {
                let each: Vec<String> =
                    left.iter().map(|s| format!("{} {}", s.name.text, print::expression(&s.value))).collect();
                kept.extend(self.parsed(&format!("options {{ {} }}", each.join("; "))));
            }
        }
        self.records = kept;
    }

    /// A text of one statement as a record, in a source of its own.
    fn parsed(&mut self, text: &str) -> Option<Arc<Record>> {
        let id = self.sources.add(EARLIER, text);
        let ast = syntax::parse(id, text).ok()?;
        let statement = ast.statements.into_iter().next()?;
        Some(Arc::new(Record { statement, text: text.to_string(), start: 0, panel: None }))
    }

    /// Makes room for the names that an input declares: what nobody rests on goes; what others rest on gets another
    /// name, which they then use. Says what happened.
    pub fn make_room(&mut self, ast: &Ast) -> Vec<String> {
        let mut out = Vec::new();
        for statement in &ast.statements {
            if let StatementKind::Options(new) = &statement.kind {
                self.options_again(new);
            }
        }
        for name in ast.statements.iter().filter_map(|s| declared(&s.kind)) {
            let old = &name.text;
            let Some(place) = self.records.iter().position(|r| r.declares() == Some(old)) else { continue };
            let panel = matches!(self.records[place].statement.kind, StatementKind::Panel(_));
            let of = self.records[place].clone();
            let rests = |r: &Record| {
                r.declares() != Some(old) && (self.rests_on(r, &of, old) || (panel && r.is_about_a_panel()))
            };
            let touched: Vec<usize> = (0..self.records.len()).filter(|&i| rests(&self.records[i])).collect();
            let resting: Vec<usize> = touched.iter().copied().filter(|&i| self.records[i].stands()).collect();
            if resting.is_empty() {
                // What was shown of the old one is not shown of the new one.
                let gone = |i: usize| i == place || touched.contains(&i);
                let kept = self.records.iter().enumerate().filter(|(i, _)| !gone(*i)).map(|(_, r)| r.clone());
                self.records = kept.collect();
                continue;
            }
            let fresh = self.fresh(old);
            for i in touched.into_iter().chain([place]) {
                let record = self.records[i].clone();
                if let Some(renamed) = self.renamed(&record, &of, (old, &fresh)) {
                    self.records[i] = renamed;
                }
            }
            for table in self.columns.iter_mut().filter(|t| panel && t.0 == *old) {
                table.0.clone_from(&fresh);
            }
            self.old_names.push(fresh.clone());
            if panel {
                self.retired.push(fresh.clone());
            }
            let names: Vec<String> =
                resting.iter().filter_map(|&i| self.records[i].declares().map(str::to_string)).collect();
            let (verb, again) = if names.len() == 1 { ("keeps", "it") } else { ("keep", "them") };
            out.push(format!(
                "{} {verb} the old `{old}`, now called `{fresh}`; declare {again} again to use the new one",
                crate::fault::ticked_all(&names)
            ));
        }
        out
    }

    /// The places where a record means the declaration `of` by a name.
    fn meant<'r>(&self, record: &'r Record, of: &Record, name: &str) -> Vec<&'r Name> {
        let column = |among: Among| {
            let has = |table: &(String, Vec<String>)| table.1.iter().any(|c| c == name);
            match among {
                Among::Values => false,
                Among::Clause(table) => self.columns.iter().any(|t| t.0 == table && has(t)),
                Among::Query if !of.yields_to_columns() => false,
                Among::Query => match &record.panel {
                    Some(panel) => self.columns.iter().any(|t| t.0 == *panel && has(t)),
                    None => self.columns.iter().any(|t| !self.retired.contains(&t.0) && has(t)),
                },
            }
        };
        let meant = |m: &Mention| m.name.text == name && !m.name.quoted && !column(m.among);
        mentions(&record.statement.kind).into_iter().filter(meant).map(|m| m.name).collect()
    }

    fn rests_on(&self, record: &Record, of: &Record, name: &str) -> bool {
        record.panel.as_deref() == Some(name) || !self.meant(record, of, name).is_empty()
    }

    /// Lets old declarations go that nobody rests on any more.
    fn prune(&mut self) {
        loop {
            let idle = |r: &Record| {
                r.declares().is_some_and(|name| {
                    self.old_names.iter().any(|o| o == name) && !self.records.iter().any(|other| other.says(name))
                })
            };
            let kept: Vec<Arc<Record>> = self.records.iter().filter(|r| !idle(r)).cloned().collect();
            if kept.len() == self.records.len() {
                return;
            }
            self.records = kept;
        }
    }

    /// `W_1`, `W_2`, …: the first that is free.
    fn fresh(&self, name: &str) -> String {
        let free = |n: &String| {
            let column = self.columns.iter().any(|t| t.1.contains(n));
            let said = self.records.iter().any(|r| r.declares() == Some(n) || r.says(n));
            !said && !column && self.library.get(n).is_none()
        };
        let mut numbers = 1usize..;
        numbers.by_ref().map(|k| format!("{name}_{k}")).find(free).unwrap_or_default()
    }

    /// A statement with the name of `of` replaced; what is about the panel of that name says so.
    fn renamed(&mut self, record: &Record, of: &Record, (old, fresh): (&str, &str)) -> Option<Arc<Record>> {
        let kind = &record.statement.kind;
        let panel = matches!(of.statement.kind, StatementKind::Panel(_));
        let of_name = declared(kind).filter(|n| n.text == old);
        let meant = self.meant(record, of, old).into_iter();
        let mut edits: Vec<(Span, String)> = meant.chain(of_name).map(|n| (n.span, fresh.to_string())).collect();
        if let (true, StatementKind::Weights { name, .. } | StatementKind::Treatment { name, .. }) =
            (panel && record.is_about_a_panel(), kind)
        {
            let after = Span { start: name.span.end, ..name.span };
            edits.push((after, format!(" on {fresh}")));
        }
        let pinned = match (panel, kind) {
            // A query cannot say its panel: it is remembered which one it is about.
            (true, StatementKind::Model { .. } | StatementKind::Print(_)) if record.panel.is_none() => {
                Some(fresh.to_string())
            }
            _ if record.panel.as_deref() == Some(old) => Some(fresh.to_string()),
            _ => record.panel.clone(),
        };
        let text = edited(&record.text, record.start, edits);
        let renamed = self.parsed(&text)?;
        Some(Arc::new(Record { panel: pinned, ..(*renamed).clone() }))
    }

    /// The session as a program in canonical form.
    pub fn program(&self) -> String {
        let all: Vec<String> = self.records.iter().map(|r| canonical(&r.text)).collect();
        let mut out = String::new();
        for (i, text) in all.iter().enumerate() {
            let apart = |t: &str| t.lines().count() > 1;
            if i > 0 && (apart(text) || apart(&all[i - 1])) {
                out.push('\n');
            }
            out.push_str(text);
        }
        out
    }

    /// Every bound name with the word it was declared with and its text in canonical form.
    pub fn names(&self) -> Vec<(String, &'static str, String)> {
        let of = |r: &Arc<Record>| r.declares().map(|n| (n.to_string(), word(&r.statement.kind), canonical(&r.text)));
        self.records.iter().filter_map(of).collect()
    }
}

/// A text with some of its parts replaced; spans are those of its source, in which it begins at `start`.
pub(super) fn edited(text: &str, start: u32, mut edits: Vec<(Span, String)>) -> String {
    edits.sort_by_key(|e| std::cmp::Reverse((e.0.start, e.0.end)));
    edits.dedup_by_key(|e| e.0);
    let mut out = text.to_string();
    for (span, with) in edits {
        let range = span.start.saturating_sub(start) as usize..span.end.saturating_sub(start) as usize;
        if out.get(range.clone()).is_some() {
            out.replace_range(range, &with);
        }
    }
    out
}

/// The canonical form of a text that parses.
pub(super) fn canonical(text: &str) -> String {
    match syntax::parse(SourceId::default(), text) {
        Ok(ast) => syntax::format(text, &ast),
        Err(_) => format!("{text}\n"),
    }
}

fn word(kind: &StatementKind) -> &'static str {
    match kind {
        StatementKind::Data(_) => "data",
        StatementKind::Panel(_) => "panel",
        StatementKind::Weights { .. } => "weights",
        StatementKind::Treatment { .. } => "treatment",
        StatementKind::Let { .. } => "let",
        StatementKind::Fn { .. } => "fn",
        StatementKind::Model { .. } => "model",
        StatementKind::Use(_) => "use",
        StatementKind::Options(_) => "options",
        StatementKind::Save { .. } => "save",
        StatementKind::Assert { .. } => "assert",
        StatementKind::Report { .. } => "report",
        StatementKind::Print(_) => "value",
    }
}

/// The name a statement declares.
pub(super) fn declared(kind: &StatementKind) -> Option<&Name> {
    match kind {
        StatementKind::Data(b) | StatementKind::Panel(b) => Some(&b.name),
        StatementKind::Weights { name, .. }
        | StatementKind::Treatment { name, .. }
        | StatementKind::Let { name, .. }
        | StatementKind::Fn { name, .. }
        | StatementKind::Model { name, .. } => Some(name),
        StatementKind::Use(_)
        | StatementKind::Options(_)
        | StatementKind::Save { .. }
        | StatementKind::Assert { .. }
        | StatementKind::Report { .. }
        | StatementKind::Print(_) => None,
    }
}
