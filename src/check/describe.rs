//! `describe(panel, …)`: which columns, by what, and what each column means.

use super::library::Entry;
use super::scope::Value;
use super::spec::*;
use super::{Check, Checker};
use crate::diagnostic::Diagnostic;
use crate::outcome::described::Meaning;
use crate::suggest;
use crate::syntax::ast::*;
use crate::syntax::print;
use indexmap::IndexMap;
use std::rc::Rc;

impl Checker<'_> {
    /// `describe(cities)`: a panel in numbers; of a data set, a matrix or a treatment what printing it says.
    pub(super) fn describe_call(&mut self, call: &Expr, entry: &Entry, arguments: &[Argument]) -> Check<Value> {
        let bound = self.bind(&entry.name, &entry.parameters, arguments, call.span)?;
        let what = entry.parameters.first().and_then(|p| bound.get(&p.name.text)).or(bound.rest.first().copied());
        let Some(what) = what else { return Err(self.wrong_count(call, &entry.name, &entry.signature(), 0)) };
        let value = self.value(what)?;
        let panel = match value {
            Value::Panel(p) => p,
            Value::Data(_) | Value::Weights(..) | Value::Treatment(_) => {
                if let Some((name, e)) = bound.named.iter().nth(1) {
                    let message =
                        format!("`{name}:` is for panels, and `{}` is {}", print::expression(what), value.kind());
                    return Err(self.report(
                        Diagnostic::error("durbin::check::bad_option_value", self.at(e.span), message)
                            .help("leave it out"),
                    ));
                }
                return Ok(value);
            }
            other => {
                return Err(self.wrong_kind(what.span, "a panel, a data set, weights or a treatment", &other, None));
            }
        };
        let mut spec = DescribeSpec { panel, columns: None, by: None, codebook: Vec::new() };
        if let Some(e) = bound.get("columns") {
            spec.columns = Some(self.described_columns(e, panel)?);
        }
        if let Some(e) = bound.get("by") {
            spec.by = Some(self.described_by(e, panel)?);
        }
        if let Some(e) = bound.get("codebook")
            && self.boolean("codebook", e)?
        {
            spec.codebook = self.codebook(panel, spec.columns.as_deref());
        }
        Ok(Value::Described(Rc::new(spec)))
    }

    /// Columns by name, as a formula, a list or a name bound to a formula.
    fn described_columns(&mut self, expr: &Expr, panel: usize) -> Check<Vec<String>> {
        let mut terms = Vec::new();
        match &expr.kind {
            ExprKind::List(items) => {
                for item in items {
                    self.term(item, panel, &mut terms)?;
                }
            }
            _ => self.term(expr, panel, &mut terms)?,
        }
        let mut out: Vec<String> = Vec::new();
        for term in terms {
            match term.value.kind {
                ColumnKind::Name(name) => out.push(name),
                _ => {
                    let message = format!("`{}` is computed, and `describe` takes columns by name", term.value.text);
                    return Err(self.report(
                        Diagnostic::error("durbin::check::bad_option_value", self.at(expr.span), message)
                            .help("make a column of it: `let NAME = …` in the panel"),
                    ));
                }
            }
        }
        Ok(out)
    }

    /// A treatment of the panel, or a column.
    fn described_by(&mut self, expr: &Expr, panel: usize) -> Check<DescribedBy> {
        let ExprKind::Name(name) = &expr.kind else {
            return Err(self.bad_option_value("by", expr, &["a treatment", "a column"]));
        };
        if let Some(Value::Treatment(t)) = self.bound(name) {
            if self.spec.treatments[t].panel == panel {
                return Ok(DescribedBy::Treatment(t));
            }
            let message = format!("`{}` is a treatment of another panel", name.text);
            return Err(self.report(
                Diagnostic::error("durbin::check::bad_option_value", self.at(expr.span), message)
                    .help("name a treatment of the panel that is described, or one of its columns"),
            ));
        }
        if self.panels[panel].columns.contains_key(&name.text) {
            return Ok(DescribedBy::Column(name.text.clone()));
        }
        let mut names: Vec<String> = self.panels[panel].columns.keys().cloned().collect();
        names.extend(self.spec.treatments.iter().filter(|t| t.panel == panel).map(|t| t.name.clone()));
        let message = format!("`{}` is neither a treatment nor a column of the panel", name.text);
        let mut fault = Diagnostic::error("durbin::check::unknown_name", self.at(expr.span), message);
        fault.help = suggest::did_you_mean(&name.text, names.iter().map(String::as_str));
        Err(self.report(fault))
    }

    /// What each column means: the `##` comment of its `let`, or the item ``- `column`: …`` in the comment of the panel.
    fn codebook(&self, panel: usize, columns: Option<&[String]>) -> Vec<Meaning> {
        let info = &self.panels[panel];
        let docs = self.docs_of(&info.spec.name);
        let keys = [&info.spec.unit, &info.spec.time];
        let all = info.columns.keys().filter(|name| !keys.contains(name)).cloned().collect();
        let wanted = columns.map_or(all, <[String]>::to_vec);
        let meaning = |name: &String| {
            let computed = info.spec.steps.iter().rev().find_map(|s| match s {
                PanelStep::Let { name: n, value } if n == name => Some(value.text.clone()),
                _ => None,
            });
            let mut out = docs.get(name).map_or_else(Meaning::default, |doc| of_comment(doc));
            out.name.clone_from(name);
            out.computed = computed.unwrap_or_default();
            if out.source.is_empty() {
                out.source = info.columns.get(name).cloned().unwrap_or_default();
            }
            out
        };
        wanted.iter().map(meaning).collect()
    }

    /// Comments of the columns of a panel, those of the panel it derives from included.
    fn docs_of(&self, panel: &str) -> IndexMap<String, String> {
        let modules = self.request.modules.values().flat_map(|m| &m.statements);
        let statements = modules.chain(&self.request.program.statements);
        let mut out: IndexMap<String, String> = IndexMap::new();
        out.extend(items(self.request.program.doc.as_deref().unwrap_or("")));
        for statement in statements {
            let (StatementKind::Panel(block) | StatementKind::Data(block)) = &statement.kind else { continue };
            if block.name.text != panel {
                continue;
            }
            if let ExprKind::Name(parent) = &block.source.kind
                && parent.text != panel
            {
                out.extend(self.docs_of(&parent.text));
            }
            out.extend(items(statement.doc.as_deref().unwrap_or("")));
            for clause in &block.clauses {
                if let (ClauseKind::Let { name, .. }, Some(doc)) = (&clause.kind, &clause.doc) {
                    out.insert(name.text.clone(), doc.clone());
                }
            }
        }
        out
    }
}

/// The items ``- `name`: text`` of a comment.
fn items(doc: &str) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = Vec::new();
    for line in doc.lines() {
        match line.strip_prefix("- `").and_then(|rest| rest.split_once("`:")) {
            Some((name, text)) => out.push((name.to_string(), text.trim().to_string())),
            None if line.starts_with(' ') => {
                if let Some((_, text)) = out.last_mut() {
                    text.push('\n');
                    text.push_str(line.trim());
                }
            }
            None => {}
        }
    }
    out
}

/// A comment taken apart: lines `Unit:`, `Source:` and `Symbol:` are those, the others the definition.
fn of_comment(doc: &str) -> Meaning {
    let mut out = Meaning::default();
    let mut words: Vec<&str> = Vec::new();
    for line in doc.lines().map(str::trim).filter(|l| !l.is_empty()) {
        match line.split_once(':') {
            Some(("Unit", unit)) => out.unit = unit.trim().to_string(),
            Some(("Source", source)) => out.source = source.trim().to_string(),
            Some(("Symbol", symbol)) => out.symbol = symbol.trim().to_string(),
            _ => words.push(line),
        }
    }
    out.definition = words.join(" ");
    out
}
