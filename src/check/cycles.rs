//! Declarations that need themselves, by the names their texts mention.

use super::{Checker, Reported};
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::syntax::ast::*;
use indexmap::IndexMap;
use std::collections::HashSet;

/// What one declaration mentions, in the order of its text, each name once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mentions {
    names: Vec<String>,
    /// Of these, what is called.
    called: Vec<String>,
    /// Takes parameters: a body that is expanded where it is called.
    callable: bool,
}

/// The declarations of a program and what each mentions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Declarations {
    all: IndexMap<String, Mentions>,
    /// Functions and families whose calls may lead back to them; none in a sound program.
    suspected: HashSet<String>,
}

impl Declarations {
    pub fn of(program: &Ast) -> Declarations {
        let mut found: IndexMap<String, Mentions> = IndexMap::new();
        for statement in &program.statements {
            let (name, parameters, bodies): (&Name, &[Parameter], Vec<&Expr>) = match &statement.kind {
                StatementKind::Let { name, parameters, value } => {
                    (name, parameters.as_deref().unwrap_or_default(), vec![value])
                }
                StatementKind::Weights { name, parameters, value, .. } => {
                    (name, parameters.as_deref().unwrap_or_default(), vec![value])
                }
                StatementKind::Fn { name, parameters, body } => (name, parameters, body.iter().collect()),
                StatementKind::Model { name, value } | StatementKind::Treatment { name, value, .. } => {
                    (name, &[], vec![value])
                }
                StatementKind::Data(block) | StatementKind::Panel(block) => {
                    let joined = block.clauses.iter().filter_map(|c| match &c.kind {
                        ClauseKind::Join { source, .. } => Some(source),
                        _ => None,
                    });
                    (&block.name, &[], std::iter::once(&block.source).chain(joined).collect())
                }
                _ => continue,
            };
            let mut reader =
                Reader { local: parameters.iter().map(|p| p.name.text.as_str()).collect(), found: Mentions::default() };
            reader.found.callable = !parameters.is_empty() || matches!(statement.kind, StatementKind::Fn { .. });
            parameters.iter().filter_map(|p| p.default.as_ref()).chain(bodies).for_each(|e| reader.expr(e));
            found.entry(name.text.clone()).or_insert(reader.found);
        }
        let suspected = suspected(&found);
        Declarations { all: found, suspected }
    }

    /// The shortest way from one declaration to another over what is mentioned, both ends included.
    fn way(&self, from: &str, to: &str, mentioned: impl Fn(&Mentions) -> Vec<String>) -> Option<Vec<String>> {
        let start = self.all.get_index_of(from)?;
        // Each with the one before it on the way.
        let mut reached: Vec<(usize, usize)> = vec![(start, 0)];
        let mut seen: HashSet<usize> = HashSet::from([start]);
        let mut at = 0;
        while let Some(&(declaration, _)) = reached.get(at) {
            for next in mentioned(&self.all[declaration]) {
                if next == to {
                    return Some(self.chain(&reached, at, next));
                }
                if let Some(index) = self.all.get_index_of(&next)
                    && seen.insert(index)
                {
                    reached.push((index, at));
                }
            }
            at += 1;
        }
        None
    }

    /// The names from the first that was reached to `at`, and `last`.
    fn chain(&self, reached: &[(usize, usize)], at: usize, last: String) -> Vec<String> {
        let mut back = vec![last];
        let mut here = at;
        loop {
            let (declaration, before) = reached[here];
            back.extend(self.all.get_index(declaration).map(|d| d.0.clone()));
            if here == 0 {
                break;
            }
            here = before;
        }
        back.reverse();
        back
    }
}

/// What is left when callables that call none that is left are taken away, one after the other.
fn suspected(all: &IndexMap<String, Mentions>) -> HashSet<String> {
    let callable = |name: &String| all.get_index_of(name).filter(|&at| all[at].callable);
    let mut open: Vec<usize> = vec![0; all.len()];
    let mut callers: Vec<Vec<usize>> = vec![Vec::new(); all.len()];
    let mut done: Vec<usize> = Vec::new();
    for (at, mentions) in all.values().enumerate().filter(|(_, m)| m.callable) {
        for called in mentions.called.iter().filter_map(callable) {
            open[at] += 1;
            callers[called].push(at);
        }
        if open[at] == 0 {
            done.push(at);
        }
    }
    while let Some(called) = done.pop() {
        for &caller in &callers[called] {
            open[caller] -= 1;
            if open[caller] == 0 {
                done.push(caller);
            }
        }
    }
    let left = all.iter().zip(&open).filter(|((_, m), open)| m.callable && **open > 0);
    left.map(|((name, _), _)| name.clone()).collect()
}

impl Checker<'_> {
    /// `cycle`: the whole chain of names, the first again at its end.
    pub(crate) fn cycle(&mut self, span: Span, chain: &[String]) -> Reported {
        let message = format!("`{}` needs itself: `{}`", chain.first().map_or("", String::as_str), chain.join(" → "));
        self.report(
            Diagnostic::error("durbin::check::cycle", self.at(span), message)
                .help("the language has no recursion: write the value out, or give the inner one another name"),
        )
    }

    /// Where `name`, which nothing binds yet, needs what is being declared: that whole chain.
    pub(crate) fn chain_through(&self, name: &str) -> Option<Vec<String>> {
        let declared = self.scope.declaring.clone()?;
        if name == declared {
            return self.declarations.way(name, name, |m| m.names.clone()).or(Some(vec![declared.clone(), declared]));
        }
        let back = self.declarations.way(name, &declared, |m| m.names.clone())?;
        Some(std::iter::once(declared).chain(back).collect())
    }

    /// Reports a function or family that calls itself, by itself or through others.
    pub(crate) fn calls_itself(&mut self, name: &Name) -> bool {
        let declarations = &self.declarations;
        if !declarations.suspected.contains(&name.text) {
            return false;
        }
        let calls = |m: &Mentions| -> Vec<String> {
            let callable = |n: &&String| declarations.all.get(*n).is_some_and(|m| m.callable);
            m.called.iter().filter(callable).cloned().collect()
        };
        let Some(chain) = declarations.way(&name.text, &name.text, calls) else { return false };
        self.cycle_once(name.span, chain);
        true
    }

    /// Reports a chain none of whose names is in one that was reported.
    pub(crate) fn cycle_once(&mut self, span: Span, chain: Vec<String>) -> Reported {
        if !chain.iter().any(|n| self.circular.contains(n)) {
            self.cycle(span, &chain);
        }
        self.circular.extend(chain);
        Reported
    }
}

/// Collects the names an expression mentions, parameters and names of comprehensions left out.
struct Reader<'e> {
    local: Vec<&'e str>,
    found: Mentions,
}

impl<'e> Reader<'e> {
    fn name(&mut self, name: &Name, called: bool) {
        if self.local.contains(&name.text.as_str()) {
            return;
        }
        let add = |list: &mut Vec<String>| {
            if !list.contains(&name.text) {
                list.push(name.text.clone());
            }
        };
        add(&mut self.found.names);
        if called {
            add(&mut self.found.called);
        }
    }

    fn expr(&mut self, expr: &'e Expr) {
        match &expr.kind {
            ExprKind::Number(_)
            | ExprKind::Length { .. }
            | ExprKind::Text(_)
            | ExprKind::Bool(_)
            | ExprKind::Missing
            | ExprKind::Dot => {}
            ExprKind::Name(name) => self.name(name, false),
            ExprKind::List(items) => items.iter().for_each(|e| self.expr(e)),
            ExprKind::Comprehension { item, clauses } => {
                let outer = self.local.len();
                for (name, values) in clauses {
                    self.expr(values);
                    self.local.push(&name.text);
                }
                self.expr(item);
                self.local.truncate(outer);
            }
            ExprKind::Record(entries) => entries.iter().for_each(|(_, e)| self.expr(e)),
            ExprKind::Group(inner) => self.expr(inner),
            ExprKind::Call { callee, arguments } => {
                match &callee.kind {
                    ExprKind::Name(name) => self.name(name, true),
                    _ => self.expr(callee),
                }
                arguments.iter().for_each(|a| self.expr(&a.value));
            }
            ExprKind::Field { of, .. } => self.expr(of),
            ExprKind::Prefix { operand, .. } => self.expr(operand),
            ExprKind::Chain { first, rest } => {
                self.expr(first);
                rest.iter().for_each(|(_, _, e)| self.expr(e));
            }
            ExprKind::If { branches, otherwise } => {
                for (condition, value) in branches {
                    self.expr(condition);
                    self.expr(value);
                }
                self.expr(otherwise);
            }
            // The outcome is a column.
            ExprKind::Formula { terms, weights, .. } => {
                terms.iter().chain(weights).for_each(|e| self.expr(e));
            }
        }
    }
}
