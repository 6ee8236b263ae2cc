//! Declarations as they were understood: canonical, with the defaults written out.

use super::environment::canonical;
use crate::check::library::Library;
use crate::syntax::ast::*;
use crate::syntax::print;

/// A statement's text with every default that it leaves to the library.
pub(super) fn with_defaults(statement: &Statement, text: &str, library: &Library) -> String {
    let filled = |e: &Expr| print::expression(&filled(e, library));
    let head = |word: &str, name: &Name, on: &Option<Name>| {
        let on = on.as_ref().map_or(String::new(), |p| format!(" on {}", print::name(&p.text)));
        format!("{word} {}{on} = ", print::name(&name.text))
    };
    let long = match &statement.kind {
        StatementKind::Panel(block) => panel(block, text),
        StatementKind::Weights { name, on, value, parameters: None } => head("weights", name, on) + &filled(value),
        StatementKind::Treatment { name, on, value } => head("treatment", name, on) + &filled(value),
        StatementKind::Model { name, value } => head("model", name, &None) + &filled(value),
        _ => text.to_string(),
    };
    canonical(&long)
}

/// Policies are the defaults of a panel.
fn panel(block: &DataBlock, text: &str) -> String {
    let has = |word: &str| {
        block.clauses.iter().any(|c| match &c.kind {
            ClauseKind::Missing(_) => word == "missing",
            ClauseKind::Balance(_) => word == "balance",
            _ => false,
        })
    };
    let Some(close) = text.rfind('}') else { return text.to_string() };
    let mut out = text[..close].trim_end().to_string();
    for word in ["missing", "balance"] {
        if !has(word) {
            out.push_str(&format!("\n{word} error"));
        }
    }
    out + "\n}"
}

/// An expression in which every call of the library says its options.
fn filled(expr: &Expr, library: &Library) -> Expr {
    let ExprKind::Call { callee, arguments } = &expr.kind else { return expr.clone() };
    let ExprKind::Name(name) = &callee.kind else { return expr.clone() };
    let mut out: Vec<Argument> =
        arguments.iter().map(|a| Argument { value: filled(&a.value, library), ..a.clone() }).collect();
    let parameters = library.get(&name.text).map(|e| e.parameters.as_slice()).unwrap_or_default();
    let by_place = arguments.iter().filter(|a| a.label.is_none()).count();
    for parameter in parameters.iter().skip(by_place) {
        let given = arguments.iter().any(|a| a.label.as_ref().is_some_and(|l| l.text == parameter.name.text));
        let silent = |d: &&Expr| !matches!(d.kind, ExprKind::Missing);
        if let Some(default) = parameter.default.as_ref().filter(silent).filter(|_| !given && !parameter.variadic) {
            out.push(Argument { label: Some(parameter.name.clone()), value: default.clone(), over: None });
        }
    }
    Expr { kind: ExprKind::Call { callee: callee.clone(), arguments: out }, span: expr.span }
}
