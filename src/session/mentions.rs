//! The names that a statement uses: not those that it binds itself, and each with what else the word could mean there.

use crate::syntax::ast::*;

/// Where a name stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Among<'a> {
    /// A value is wanted, and a column is none.
    Values,
    /// In a clause of the panel or data set of this name, where its columns come first.
    Clause(&'a str),
    /// In a query, where the columns of its panel come before numbers and texts.
    Query,
}

/// A name that is used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mention<'a> {
    pub name: &'a Name,
    pub among: Among<'a>,
}

/// Functions whose arguments are columns.
const OF_COLUMNS: [&str; 3] = ["starts", "indicator", "cluster"];
/// Options whose values are columns.
const COLUMN_OPTIONS: [&str; 1] = ["where"];

/// Words that stand in an option or a call of this name: a bare one is never a name of the user.
const WORDS: [(&str, &[&str]); 33] = [
    ("se", &["iid", "observed", "qml", "robust", "cluster", "driscoll_kraay", "conley", "wild", "bootstrap"]),
    ("fe", &["unit", "time", "none", "random"]),
    ("cluster", &["unit", "time"]),
    ("bootstrap", &["wild_period", "block_unit"]),
    ("weights", &["rademacher", "webb"]),
    ("trends", &["none", "unit"]),
    ("likelihood", &["transform", "partial", "direct"]),
    ("method", &["qml", "gs2sls", "gmm", "interaction", "subsample"]),
    ("effects", &["delta", "simulate"]),
    ("islands", &["error", "keep", "nearest", "drop"]),
    ("kernel", &["gaussian", "epanechnikov", "bisquare", "triangular", "uniform", "bartlett"]),
    ("contiguity", &["queen", "rook"]),
    ("kind", &["queen", "rook"]),
    ("by", &["unit", "order"]),
    ("variance", &["randomization", "normal", "permutation"]),
    ("style", &["centered", "elhorst"]),
    ("prior", &["uniform", "beta"]),
    ("reference", &["all", "panel"]),
    ("ties", &["mean", "first"]),
    ("permute", &["units", "corridors", "clusters", "torus"]),
    ("statistic", &["direct", "indirect", "total"]),
    ("effect", &["direct", "indirect", "total"]),
    ("errors", &["normal", "residuals"]),
    ("weight", &["one", "length"]),
    ("control", &["never", "not_yet", "last"]),
    ("estimator", &["dr", "reg", "ipw"]),
    ("base", &["varying", "universal"]),
    ("multiplier", &["rademacher", "mammen"]),
    ("match", &["nearest", "radius", "kernel"]),
    ("restriction", &["relative", "smooth"]),
    ("beneath", &["se", "t", "p", "interval", "none"]),
    ("show", &["coefficients", "lags", "spatial", "effects", "policy", "fixed", "fit"]),
    ("spill_clock", &["neighbor", "own"]),
];

/// Every name that a statement uses and does not bind itself.
pub(super) fn mentions(kind: &StatementKind) -> Vec<Mention<'_>> {
    let mut walk = Walk::default();
    walk.statement(kind);
    walk.found
}

#[derive(Default)]
struct Walk<'a> {
    /// Parameters, variables of comprehensions and earlier columns of the block.
    bound: Vec<&'a str>,
    /// Words that may stand here.
    words: &'static [&'static str],
    found: Vec<Mention<'a>>,
}

impl<'a> Walk<'a> {
    fn statement(&mut self, kind: &'a StatementKind) {
        match kind {
            StatementKind::Use(_) => {}
            StatementKind::Options(settings) => settings.iter().for_each(|s| self.value(&s.value)),
            StatementKind::Data(block) | StatementKind::Panel(block) => self.block(block),
            StatementKind::Weights { on, value, parameters, .. } => {
                on.iter().for_each(|n| self.name(n, Among::Values));
                self.function(parameters.as_deref().unwrap_or_default(), Some(value));
            }
            StatementKind::Treatment { on, value, .. } => {
                on.iter().for_each(|n| self.name(n, Among::Values));
                self.value(value);
            }
            StatementKind::Let { value, parameters, .. } => {
                self.function(parameters.as_deref().unwrap_or_default(), Some(value));
            }
            StatementKind::Fn { parameters, body, .. } => self.function(parameters, body.as_ref()),
            StatementKind::Model { value, .. } | StatementKind::Save { value, .. } | StatementKind::Print(value) => {
                self.value(value);
            }
            StatementKind::Assert { condition, .. } => self.value(condition),
            StatementKind::Report { items, .. } => items.iter().for_each(|i| self.statement(&i.kind)),
        }
    }

    /// A default may use the parameters before it.
    fn function(&mut self, parameters: &'a [Parameter], body: Option<&'a Expr>) {
        let before = self.bound.len();
        for parameter in parameters {
            parameter.default.iter().for_each(|d| self.value(d));
            self.bound.push(&parameter.name.text);
            self.bound.extend(parameter.over.iter().map(|o| o.text.as_str()));
        }
        body.into_iter().for_each(|b| self.value(b));
        self.bound.truncate(before);
    }

    /// A column of the block is one from its `let` on; before, its name means what it means outside.
    fn block(&mut self, block: &'a DataBlock) {
        self.value(&block.source);
        let before = self.bound.len();
        let lets: Vec<&str> = (block.clauses.iter())
            .filter_map(|c| if let ClauseKind::Let { name, .. } = &c.kind { Some(name.text.as_str()) } else { None })
            .collect();
        for clause in &block.clauses {
            let first = self.found.len();
            let among = Among::Clause(&block.name.text);
            match &clause.kind {
                ClauseKind::Join { source, .. } | ClauseKind::Shapes { source, .. } => self.value(source),
                ClauseKind::Absent(e) => self.value(e),
                ClauseKind::Where(e) => self.expression(e, among),
                ClauseKind::Let { name, value } => {
                    self.expression(value, among);
                    self.bound.push(&name.text);
                }
                ClauseKind::Unit(_)
                | ClauseKind::Time(_)
                | ClauseKind::Coords { .. }
                | ClauseKind::MissingMarkers(_)
                | ClauseKind::Missing(_)
                | ClauseKind::Balance(_)
                | ClauseKind::Keys(_)
                | ClauseKind::Value(_)
                | ClauseKind::Sum(_)
                | ClauseKind::Count(_)
                | ClauseKind::Encoding(_)
                | ClauseKind::Separator(_)
                | ClauseKind::Decimal(_)
                | ClauseKind::Sheet(_)
                | ClauseKind::Range(_)
                | ClauseKind::Trim(_)
                | ClauseKind::Recode { .. } => {}
            }
            for mention in &mut self.found[first..] {
                if lets.contains(&mention.name.text.as_str()) {
                    mention.among = Among::Values;
                }
            }
        }
        self.bound.truncate(before);
    }

    fn name(&mut self, name: &'a Name, among: Among<'a>) {
        let text = name.text.as_str();
        if !self.bound.contains(&text) && !self.words.contains(&text) {
            self.found.push(Mention { name, among });
        }
    }

    fn value(&mut self, expr: &'a Expr) {
        self.expression(expr, Among::Values);
    }

    fn expression(&mut self, expr: &'a Expr, among: Among<'a>) {
        match &expr.kind {
            ExprKind::Name(name) => self.name(name, among),
            ExprKind::Comprehension { item, clauses } => {
                let before = self.bound.len();
                for (variable, values) in clauses {
                    self.expression(values, among);
                    self.bound.push(&variable.text);
                }
                self.expression(item, among);
                self.bound.truncate(before);
            }
            ExprKind::Call { callee, arguments } => self.call(callee, arguments, among),
            ExprKind::Formula { outcome, terms, weights, .. } => {
                [outcome, terms].into_iter().flatten().for_each(|e| self.expression(e, Among::Query));
                weights.iter().for_each(|e| self.value(e));
            }
            ExprKind::Number(_)
            | ExprKind::Length { .. }
            | ExprKind::Text(_)
            | ExprKind::Bool(_)
            | ExprKind::Missing
            | ExprKind::Dot => {}
            ExprKind::List(items) => items.iter().for_each(|e| self.expression(e, among)),
            ExprKind::Record(entries) => entries.iter().for_each(|(_, e)| self.expression(e, among)),
            ExprKind::Field { of, .. } => self.value(of),
            ExprKind::Group(e) | ExprKind::Prefix { operand: e, .. } => self.expression(e, among),
            ExprKind::Chain { first, rest } => {
                self.expression(first, among);
                rest.iter().for_each(|r| self.expression(&r.2, among));
            }
            ExprKind::If { branches, otherwise } => {
                for (condition, value) in branches {
                    self.expression(condition, among);
                    self.expression(value, among);
                }
                self.expression(otherwise, among);
            }
        }
    }

    /// No column is called.
    fn call(&mut self, callee: &'a Expr, arguments: &'a [Argument], among: Among<'a>) {
        self.value(callee);
        let outer = self.words;
        let of_columns = matches!(&callee.kind, ExprKind::Name(n) if OF_COLUMNS.contains(&n.text.as_str()));
        for argument in arguments {
            let option = argument.label.as_ref().is_some_and(|l| COLUMN_OPTIONS.contains(&l.text.as_str()));
            let here = if among == Among::Values && (of_columns || option) { Among::Query } else { among };
            let key = argument.label.as_ref().map(|l| l.text.as_str()).or(match &callee.kind {
                ExprKind::Name(n) => Some(n.text.as_str()),
                _ => None,
            });
            self.words = WORDS.iter().find(|w| Some(w.0) == key).map_or(&[], |w| w.1);
            self.expression(&argument.value, here);
            self.words = outer;
            argument.over.iter().for_each(|o| self.expression(o, here));
        }
    }
}
