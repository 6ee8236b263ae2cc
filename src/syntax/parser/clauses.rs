//! Clauses of `panel` and `data`, and the sources they read.

use super::values::Allowed;
use super::{Builder, Node, Rule, words};
use crate::syntax::ast::{Clause, ClauseKind, Expr, ExprKind, Name, Text};
use crate::syntax::{faults, foreign};
use crate::{fault, suggest};

/// The parts of a clause, sorted by what they are.
#[derive(Default)]
struct Parts {
    columns: Vec<Name>,
    texts: Vec<Text>,
    source: Option<Expr>,
    value: Option<Expr>,
    declared: Option<Name>,
    word: Option<Name>,
    /// `optional` or `planar` stands at the end.
    marked: bool,
    /// `ellipsoid` does.
    ellipsoid: bool,
}

impl Builder<'_> {
    pub(super) fn clauses(&mut self, node: Node, block: &str) -> Vec<Clause> {
        let all: Vec<Node> = node.into_inner().filter(|p| p.as_rule() == Rule::clause).collect();
        all.into_iter().filter_map(|c| self.clause(c, block)).collect()
    }

    fn clause(&mut self, node: Node, block: &str) -> Option<Clause> {
        let span = self.span(&node);
        let doc = self.trivia.doc_above(span.start as usize);
        let inner = node.into_inner().next()?;
        let rule = inner.as_rule();
        if rule == Rule::unknown_clause {
            let word = inner.into_inner().next()?;
            self.unknown_clause(&self.name(&word), block);
            return None;
        }
        let word = inner.clone().into_inner().next().map(|w| self.name(&w))?;
        if !words::clauses_of(block).contains(&word.text.as_str()) {
            self.unknown_clause(&word, block);
            return None;
        }
        let parts = self.clause_parts(inner);
        let kind = clause_kind(rule, parts)?;
        Some(Clause { doc, kind, span })
    }

    fn clause_parts(&mut self, node: Node) -> Parts {
        let allowed = if node.as_rule() == Rule::where_clause { Allowed::Condition } else { Allowed::Nothing };
        let mut parts = Parts::default();
        for part in node.into_inner().skip(1) {
            match part.as_rule() {
                Rule::column => parts.columns.push(self.name(&part)),
                Rule::string => parts.texts.push(self.text_literal(&part)),
                Rule::source => parts.source = self.source(part),
                Rule::value => parts.value = self.value(part, allowed),
                Rule::declared => parts.declared = Some(self.declared(&part)),
                Rule::word => parts.word = Some(self.name(&part)),
                Rule::optional_word | Rule::planar_word => parts.marked = true,
                Rule::ellipsoid_word => parts.ellipsoid = true,
                _ => {}
            }
        }
        parts
    }

    /// A clause the block does not have: what others call it, a near word, and all there are.
    fn unknown_clause(&mut self, word: &Name, block: &str) {
        let all = words::clauses_of(block);
        let known = foreign::clause_help(&word.text)
            .or(match (word.text.as_str(), block) {
                ("unit" | "time", "data") => Some("keys"),
                ("keys", _) => Some("unit"),
                _ => None,
            })
            .filter(|k| all.contains(k));
        let near = known.or_else(|| suggest::nearest(&word.text, all.iter().copied()));
        let list = format!("the clauses of a `{block}` are {}", fault::ticked_all(&all));
        let help = match (near, word.text.as_str()) {
            (_, "keys") => format!("a panel has two keys, `unit` and `time`; {list}"),
            (Some(near), _) => format!("did you mean `{near}`? {list}"),
            (None, _) => list,
        };
        self.fault(faults::unknown_clause(word.span, &word.text, block, &help));
    }

    /// A file, an earlier panel or data set, or a call that reads one.
    pub(super) fn source(&mut self, node: Node) -> Option<Expr> {
        let inner = node.into_inner().next()?;
        let span = self.span(&inner);
        let kind = match inner.as_rule() {
            Rule::string => ExprKind::Text(self.text_literal(&inner).text),
            Rule::word_call => return self.word_call(inner),
            _ => ExprKind::Name(self.name(&inner)),
        };
        Some(Expr { kind, span })
    }
}

fn clause_kind(rule: Rule, mut parts: Parts) -> Option<ClauseKind> {
    let mut columns = std::mem::take(&mut parts.columns).into_iter();
    let text = |parts: Parts| parts.texts.into_iter().next();
    Some(match rule {
        Rule::unit_clause => ClauseKind::Unit(columns.next()?),
        Rule::time_clause => ClauseKind::Time(columns.next()?),
        Rule::join_clause => ClauseKind::Join { source: parts.source?, by: columns.collect(), optional: parts.marked },
        Rule::coords_clause => ClauseKind::Coords {
            lon: columns.next()?,
            lat: columns.next()?,
            planar: parts.marked,
            ellipsoid: parts.ellipsoid,
        },
        Rule::shapes_clause => ClauseKind::Shapes { source: parts.source?, by: columns.next()?, planar: parts.marked },
        Rule::where_clause => ClauseKind::Where(parts.value?),
        Rule::let_clause => ClauseKind::Let { name: parts.declared?, value: parts.value? },
        Rule::missing_clause => match parts.word {
            Some(word) => ClauseKind::Missing(word),
            None => ClauseKind::MissingMarkers(parts.texts),
        },
        Rule::balance_clause => ClauseKind::Balance(parts.word?),
        Rule::keys_clause => ClauseKind::Keys(columns.collect()),
        Rule::value_clause => ClauseKind::Value(columns.collect()),
        Rule::sum_clause => ClauseKind::Sum(columns.collect()),
        Rule::count_clause => ClauseKind::Count(parts.declared?),
        Rule::absent_clause => ClauseKind::Absent(parts.value?),
        Rule::encoding_clause => ClauseKind::Encoding(text(parts)?),
        Rule::separator_clause => ClauseKind::Separator(text(parts)?),
        Rule::decimal_clause => ClauseKind::Decimal(text(parts)?),
        Rule::sheet_clause => ClauseKind::Sheet(text(parts)?),
        Rule::range_clause => ClauseKind::Range(text(parts)?),
        Rule::trim_clause => ClauseKind::Trim(columns.collect()),
        Rule::recode_clause => ClauseKind::Recode { column: columns.next()?, values: parts.value? },
        _ => return None,
    })
}
