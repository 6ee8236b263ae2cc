//! Inputs one after the other: each is checked with what stands, run, and becomes part of the session, or leaves no trace.

use super::environment::{EARLIER, Environment, declared, edited};
use super::mentions::mentions;
use super::{Overlay, Run, Session, echo};
use crate::diagnostic::Diagnostic;
use crate::fault::Fault;
use crate::source::SourceId;
use crate::syntax::ast::{Ast, Expr, ExprKind, StatementKind};
use crate::syntax::{self, print};
use std::sync::Arc;

impl Session<'_> {
    /// Evaluates statements in what the session was told before: all of them, or none where there is a fault.
    /// What was computed for earlier inputs is not computed again.
    ///
    /// ```
    /// use durbin::session::{Columns, Session};
    ///
    /// let towns = Columns::new().text("town", ["a", "a", "b", "b"]).integers("year", [1, 2, 1, 2]).numbers("y", [1.0, 2.0, 4.0, 3.0]);
    /// let mut session = Session::in_memory();
    /// session.table("towns.csv", &towns);
    /// assert!(!session.eval("panel p from \"towns.csv\" { unit town  time year }").failed());
    /// assert!(session.eval("panel p from \"nowhere.csv\" { unit town  time year }").failed());
    /// assert_eq!(session.names().len(), 1, "a failed input leaves no trace");
    /// ```
    pub fn eval(&mut self, text: &str) -> Run {
        let name = format!("input {}", self.environment.inputs + 1);
        self.eval_as(&name, text)
    }

    /// As [`Session::eval`], of a text that messages call by `name`.
    pub fn eval_as(&mut self, name: &str, text: &str) -> Run {
        self.cancel.reset();
        let mut environment = self.environment.clone();
        let mut run = Run { program_name: name.to_string(), ..Run::default() };
        run.program_blake3 = blake3::hash(text.as_bytes()).to_hex().to_string();
        if let Some((ast, text, id)) = input(&mut environment, name, text, &mut run) {
            if ast.statements.is_empty() {
                return run;
            }
            self.steps.get_or_insert_with(Arc::default);
            self.evaluated(&mut environment, &ast, &text, id, &mut run);
        } else {
            run.sources = environment.sources;
        }
        run
    }

    fn evaluated(&mut self, environment: &mut Environment, ast: &Ast, text: &str, id: SourceId, run: &mut Run) {
        run.notices = environment.make_room(ast);
        let mut whole = Ast { statements: environment.standing(), ..Ast::default() };
        let settled = whole.statements.len();
        whole.statements.extend(ast.statements.iter().cloned());
        run.sources = std::mem::take(&mut environment.sources);
        let loader = Overlay { tables: &self.tables, files: self.loader.as_ref() };
        let pinned = environment.pinned();
        let checking = super::Checking {
            library: &environment.library,
            sets: &[],
            settled,
            retired: &environment.retired,
            pinned: &pinned,
        };
        if let Some(spec) = self.checked_ast(&whole, &loader, checking, run) {
            let whole = format!("{}{text}", environment.program());
            self.run_spec(&spec, &loader, run, &whole);
        }
        // Names may be used by later inputs, and what was said once is known.
        run.diagnostics.retain(|d| d.code != "durbin::check::never_used");
        let here = |d: &Diagnostic| d.span.is_some_and(|s| s.source == id);
        let key = |d: &Diagnostic| (d.code, d.message.clone());
        // What was renamed says again, under its new name, what it said before.
        let renamed =
            |d: &Diagnostic| d.span.and_then(|s| run.sources.get(s.source)).is_some_and(|s| s.name == EARLIER);
        let again: Vec<bool> = run.diagnostics.iter().map(|d| !d.is_error() && renamed(d)).collect();
        let mut again = again.into_iter();
        run.diagnostics.retain(|_| !again.next().unwrap_or(false));
        run.diagnostics.retain(|d| d.is_error() || here(d) || !environment.told.contains(&key(d)));
        if run.failed() {
            run.notices.clear();
            return;
        }
        environment.told.extend(run.diagnostics.iter().map(key));
        environment.sources = run.sources.clone();
        environment.accept(text, ast);
        for statement in &ast.statements {
            if declared(&statement.kind).is_some() {
                let own = text.get(statement.span.range()).unwrap_or("");
                run.declared.push(echo::with_defaults(statement, own, &environment.library));
            }
            if let StatementKind::Print(value) = &statement.kind {
                environment.last = Some(bracketed(value));
            }
        }
        if !run.columns.is_empty() {
            environment.columns = run.columns.clone();
        }
        let new = run.inputs.iter().map(|f| f.path.clone()).filter(|p| !environment.read.contains(p));
        let new: Vec<String> = new.collect();
        environment.read.extend(new);
        environment.inputs += 1;
        let old = std::mem::replace(&mut self.environment, environment.clone());
        self.undo.push((old, text.trim().to_string()));
    }

    /// Takes back the last input that was evaluated, which comes back; files it saved stay. `None` where there is none.
    pub fn undo(&mut self) -> Option<String> {
        let (before, text) = self.undo.pop()?;
        self.environment = before;
        Some(text)
    }

    /// Forgets every input and everything that was computed.
    pub fn reset(&mut self) {
        self.environment = Environment::default();
        self.undo.clear();
        if let Some(steps) = &self.steps {
            steps.clear();
        }
    }

    /// The session as a program that reproduces it, in canonical form.
    pub fn program(&self) -> String {
        self.environment.program()
    }

    /// Writes the session as a program, where `save` writes and never over a file it reads.
    ///
    /// # Errors
    /// `durbin::io::…`: what stands against writing.
    pub fn save_program(&self, path: &str) -> Result<(), Fault> {
        let read: Vec<&str> = self.environment.read.iter().map(String::as_str).collect();
        self.save(&[(path, self.program().as_bytes())], &read).map_err(|(_, fault)| fault)
    }

    /// Every bound name: the name, the word it was declared with, its declaration.
    pub fn names(&self) -> Vec<(String, &'static str, String)> {
        self.environment.names()
    }

    /// The columns of every panel and data set, derived ones included.
    pub fn columns(&self) -> &[(String, Vec<String>)] {
        &self.environment.columns
    }

    /// What an input would mean and do: checked and planned with what stands, nothing estimated, nothing kept.
    pub fn plan_input(&self, text: &str) -> Run {
        let mut trial = self.same();
        trial.planning = true;
        let mut run = trial.eval(text);
        run.entries.clear();
        run
    }

    /// The kind of value an expression has, in words.
    ///
    /// # Errors
    /// The run with the faults of the expression.
    pub fn kind(&self, text: &str) -> Result<String, Box<Run>> {
        let mut run = self.plan_input(text);
        if run.failed() {
            return Err(Box::new(run));
        }
        run.kind.take().ok_or_else(|| {
            let message = format!("`{}` is no expression", text.trim());
            run.diagnostics.push(Diagnostic::at(Fault::error("durbin::check::wrong_kind", message), None));
            Box::new(run)
        })
    }
}

/// An expression as it may stand inside another.
fn bracketed(value: &Expr) -> String {
    let text = print::expression(value);
    match value.kind {
        ExprKind::Number(_)
        | ExprKind::Text(_)
        | ExprKind::Bool(_)
        | ExprKind::Missing
        | ExprKind::Name(_)
        | ExprKind::List(_)
        | ExprKind::Comprehension { .. }
        | ExprKind::Record(_)
        | ExprKind::Group(_)
        | ExprKind::Call { .. }
        | ExprKind::Field { .. } => text,
        ExprKind::Length { .. }
        | ExprKind::Dot
        | ExprKind::Prefix { .. }
        | ExprKind::Chain { .. }
        | ExprKind::If { .. }
        | ExprKind::Formula { .. } => format!("({text})"),
    }
}

/// The tree of an input, with `_` replaced by the last value.
fn input(environment: &mut Environment, name: &str, text: &str, run: &mut Run) -> Option<(Ast, String, SourceId)> {
    let id = environment.sources.add(name, text);
    let parsed = syntax::parse(id, text);
    let ast = parsed.map_err(|faults| run.diagnostics.extend(faults)).ok()?;
    let used = ast.statements.iter().flat_map(|s| mentions(&s.kind));
    let blanks: Vec<_> = used.map(|m| m.name).filter(|n| n.text == "_").collect();
    if blanks.is_empty() {
        return Some((ast, text.to_string(), id));
    }
    let Some(last) = environment.last.clone() else {
        let fault = Diagnostic::error("durbin::check::unknown_name", blanks[0].span, "there is no last value yet");
        run.diagnostics.push(fault.help("`_` stands for the last expression that was printed"));
        return None;
    };
    let text = edited(text, 0, blanks.iter().map(|n| (n.span, last.clone())).collect());
    let id = environment.sources.add(name, text.as_str());
    let ast = syntax::parse(id, &text).map_err(|faults| run.diagnostics.extend(faults)).ok()?;
    Some((ast, text, id))
}
