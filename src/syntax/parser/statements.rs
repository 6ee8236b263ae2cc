//! Statements.

use super::chains::infix;
use super::values::Allowed;
use super::{Builder, Node, Rule};
use crate::source::Span;
use crate::syntax::ast::{
    Ast, DataBlock, Expr, ExprKind, Name, Parameter, Setting, Statement, StatementKind, UseTarget,
};
use crate::syntax::{faults, foreign};
use pest::iterators::Pairs;

/// The pieces of `weights`, `treatment`, `let`, `fn` and `model`.
struct Declaration {
    name: Name,
    parameters: Option<Vec<Parameter>>,
    on: Option<Name>,
    value: Option<Expr>,
}

impl Builder<'_> {
    pub(super) fn program(&mut self, pairs: Pairs<Rule>) -> Ast {
        let nodes: Vec<Node> = pairs
            .filter(|p| p.as_rule() == Rule::program)
            .flat_map(Node::into_inner)
            .filter(|n| n.as_rule() == Rule::statement)
            .collect();
        let head = self.trivia.head(nodes.first().map(|n| n.as_span().start()));
        let statements = nodes.into_iter().filter_map(|node| self.statement(node)).collect();
        let comments = std::mem::take(&mut self.trivia).left(self.source);
        Ast { doc: head, statements, comments }
    }

    fn statement(&mut self, node: Node) -> Option<Statement> {
        let span = self.span(&node);
        let doc = self.trivia.doc_above(span.start as usize);
        let inner = node.into_inner().next()?;
        let kind = self.statement_kind(inner)?;
        Some(Statement { doc, kind, span })
    }

    fn statement_kind(&mut self, node: Node) -> Option<StatementKind> {
        let formula = Allowed::OneSided;
        Some(match node.as_rule() {
            Rule::use_statement => StatementKind::Use(self.use_target(node)?),
            Rule::options_statement => StatementKind::Options(self.settings(node)),
            Rule::data_statement => StatementKind::Data(self.data_block(node, "data")?),
            Rule::panel_statement => StatementKind::Panel(self.data_block(node, "panel")?),
            Rule::weights_statement => {
                let d = self.declaration(node, Allowed::Nothing)?;
                StatementKind::Weights { name: d.name, parameters: d.parameters, on: d.on, value: d.value? }
            }
            Rule::treatment_statement => {
                let d = self.declaration(node, Allowed::Nothing)?;
                StatementKind::Treatment { name: d.name, on: d.on, value: d.value? }
            }
            Rule::let_statement => {
                let d = self.declaration(node, formula)?;
                StatementKind::Let { name: d.name, parameters: d.parameters, value: d.value? }
            }
            Rule::fn_statement => {
                let d = self.declaration(node, formula)?;
                StatementKind::Fn { name: d.name, parameters: d.parameters.unwrap_or_default(), body: d.value }
            }
            Rule::model_statement => {
                let d = self.declaration(node, Allowed::Nothing)?;
                StatementKind::Model { name: d.name, value: d.value? }
            }
            Rule::save_statement => self.save(node)?,
            Rule::assert_statement => self.assertion(node)?,
            Rule::report_statement => self.report(node)?,
            Rule::value_statement => StatementKind::Print(self.printed(node)?),
            _ => return self.unknown_statement(node),
        })
    }

    fn use_target(&mut self, node: Node) -> Option<UseTarget> {
        let target = node.into_inner().nth(1)?;
        if target.as_rule() == Rule::string {
            return Some(UseTarget::File(self.text_literal(&target)));
        }
        let span = self.span(&target);
        let words = target.into_inner().filter(|p| p.as_rule() == Rule::word);
        Some(UseTarget::Module { path: words.map(|w| self.name(&w).text).collect(), span })
    }

    fn settings(&mut self, node: Node) -> Vec<Setting> {
        let inner = node.into_inner().filter(|p| p.as_rule() == Rule::settings).flat_map(Node::into_inner);
        let settings: Vec<Node> = inner.filter(|p| p.as_rule() == Rule::setting).collect();
        settings.into_iter().filter_map(|s| self.setting(s)).collect()
    }

    fn setting(&mut self, node: Node) -> Option<Setting> {
        let mut name = None;
        let mut equals = None;
        for part in node.into_inner() {
            match part.as_rule() {
                Rule::word => name = Some(self.name(&part)),
                Rule::assign => equals = Some(self.span(&part)),
                Rule::setting_value => {
                    let name = name?;
                    if let Some(at) = equals {
                        let rewritten = format!("{} {}", name.text, part.as_str());
                        self.fault(faults::equals_for_colon(at, &name.text, &rewritten));
                    }
                    return Some(Setting { name, value: self.setting_value(part)? });
                }
                _ => {}
            }
        }
        None
    }

    fn declaration(&mut self, node: Node, allowed: Allowed) -> Option<Declaration> {
        let (mut name, mut parameters, mut on, mut value) = (None, None, None, None);
        for part in node.into_inner() {
            match part.as_rule() {
                Rule::declared => name = Some(self.declared(&part)),
                Rule::parameters => parameters = Some(self.parameters(part)),
                Rule::on_panel => on = part.into_inner().find(|p| p.as_rule() == Rule::name).map(|n| self.name(&n)),
                Rule::value => value = self.value(part, allowed),
                _ => {}
            }
        }
        Some(Declaration { name: name?, parameters, on, value })
    }

    fn parameters(&mut self, node: Node) -> Vec<Parameter> {
        let all: Vec<Node> = node.into_inner().filter(|p| p.as_rule() == Rule::parameter).collect();
        all.into_iter().filter_map(|p| self.parameter(p)).collect()
    }

    fn parameter(&mut self, node: Node) -> Option<Parameter> {
        let (mut name, mut variadic, mut over, mut default) = (None, false, None, None);
        for part in node.into_inner() {
            match part.as_rule() {
                Rule::declared => name = Some(self.declared(&part)),
                Rule::ellipsis => variadic = true,
                Rule::name => over = Some(self.name(&part)),
                Rule::value => default = self.value(part, Allowed::OneSided),
                _ => {}
            }
        }
        Some(Parameter { name: name?, variadic, over, default })
    }

    fn data_block(&mut self, node: Node, block: &str) -> Option<DataBlock> {
        let (mut name, mut source, mut clauses) = (None, None, Vec::new());
        for part in node.into_inner() {
            match part.as_rule() {
                Rule::declared => name = Some(self.declared(&part)),
                Rule::source => source = self.source(part),
                Rule::clauses => clauses = self.clauses(part, block),
                _ => {}
            }
        }
        Some(DataBlock { name: name?, source: source?, clauses })
    }

    fn save(&mut self, node: Node) -> Option<StatementKind> {
        let (mut value, mut path) = (None, None);
        for part in node.into_inner() {
            match part.as_rule() {
                Rule::value => value = self.value(part, Allowed::Nothing),
                Rule::string => path = Some(self.text_literal(&part)),
                _ => {}
            }
        }
        Some(StatementKind::Save { value: value?, path: path? })
    }

    fn assertion(&mut self, node: Node) -> Option<StatementKind> {
        let (mut condition, mut message) = (None, None);
        for part in node.into_inner() {
            match part.as_rule() {
                Rule::value => condition = self.value(part, Allowed::Condition),
                Rule::string => message = Some(self.text_literal(&part)),
                _ => {}
            }
        }
        Some(StatementKind::Assert { condition: condition?, message })
    }

    fn report(&mut self, node: Node) -> Option<StatementKind> {
        let (mut path, mut items) = (None, Vec::new());
        for part in node.into_inner() {
            match part.as_rule() {
                Rule::string => path = Some(self.text_literal(&part)),
                Rule::report_body => {
                    let nodes: Vec<Node> = part.into_inner().filter(|p| p.as_rule() == Rule::value_statement).collect();
                    for item in nodes {
                        let span = self.span(&item);
                        let doc = self.trivia.doc_above(span.start as usize);
                        if let Some(value) = self.printed(item) {
                            items.push(Statement { doc, kind: StatementKind::Print(value), span });
                        }
                    }
                }
                _ => {}
            }
        }
        Some(StatementKind::Report { path: path?, items })
    }

    /// A value on a line of its own; `x = 3` and `library(x)` are statements of other languages.
    fn printed(&mut self, node: Node) -> Option<Expr> {
        let whole = self.span(&node);
        let value = node.into_inner().find(|p| p.as_rule() == Rule::value)?;
        if let Some((name, at, right)) = self.assigned_name(&value) {
            let called = right.split('(').next().unwrap_or("").trim();
            let word = if foreign::is_query(called) { "model" } else { "let" };
            let help = format!("a name is bound with `{word}`: `{word} {name} = {right}`");
            self.fault(faults::unknown_statement(at, &format!("{name} ="), &help));
            return None;
        }
        let value = self.value(value, Allowed::Nothing)?;
        if let ExprKind::Call { callee, .. } = &value.kind
            && let ExprKind::Name(name) = &callee.kind
            && foreign::is_command_call(&name.text)
        {
            let help = self.command_help(&name.text, "");
            self.fault(faults::unknown_statement(name.span, &name.text, &help));
            return None;
        }
        Some(Expr { span: whole.to(value.span), ..value })
    }

    /// `x = …`: the name, its place and the text after the mark.
    fn assigned_name(&self, value: &Node) -> Option<(String, Span, String)> {
        let expression = value.clone().into_inner().next().filter(|p| p.as_rule() == Rule::expression)?;
        let mut parts = expression.into_inner();
        let first = parts.next().filter(|p| p.as_rule() == Rule::application)?;
        let mark = parts.next().filter(|p| infix(p) == Rule::assign)?;
        let after = Span::new(self.source, mark.as_span().end(), value.as_span().end());
        Some((first.as_str().to_string(), self.span(&first), self.on_one_line(after)))
    }

    fn unknown_statement(&mut self, node: Node) -> Option<StatementKind> {
        let line = node.as_str().lines().next().unwrap_or("").to_string();
        let word = node.into_inner().next()?;
        let help = self.command_help(word.as_str(), &line);
        self.fault(faults::unknown_statement(self.span(&word), word.as_str(), &help));
        None
    }
}
