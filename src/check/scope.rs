//! Names of a program and what they are bound to while it is checked.

use super::arrays::BoundArray;
use super::spec::{Answer, DescribeSpec, DesignSpec, FigureSpec, ScalarExpr, TableSpec, WeightsExpr};
use crate::source::Span;
use crate::syntax::ast::{Expr, Parameter};
use indexmap::IndexMap;
use std::rc::Rc;
use std::sync::Arc;

/// A value as far as it is known before data are read.
#[derive(Clone, Debug)]
pub enum Value {
    Scalar(ScalarExpr),
    /// Kilometers.
    Length(f64),
    Missing,
    List(Vec<(Value, Expr)>),
    Record(Vec<(String, Value, Span)>),
    Range(i64, i64),
    /// A one-sided formula, resolved by the query that splices it.
    Terms(Rc<Expr>),
    /// A recipe and, where it was declared, the panel it is on.
    Weights(Arc<WeightsExpr>, Option<usize>),
    Family(Rc<Callable>),
    Function(Rc<Callable>),
    Treatment(usize),
    Panel(usize),
    /// `describe(panel, …)`.
    Described(Rc<DescribeSpec>),
    Data(usize),
    /// A labelled array of the program.
    Array(Rc<BoundArray>),
    /// A column's name in a list: what it is, the formula that uses it says.
    Column(Rc<Expr>),
    Model(usize),
    Answer(Answer, usize),
    Table(TableSpec),
    Design(Rc<DesignSpec>),
    Figure(Rc<FigureSpec>),
    /// A test by its number in the spec, or one of its parts by name.
    Test(usize, Option<String>),
    /// The result of a query this version does not execute; the word is its kind.
    Later(&'static str),
    /// Failed to bind and was reported: nothing that uses it is reported for that reason.
    Broken,
}

/// A function or family of weights of the program.
#[derive(Clone, Debug)]
pub struct Callable {
    pub name: String,
    pub parameters: Vec<Parameter>,
    pub body: Expr,
}

impl Value {
    /// Its kind in the words of messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Scalar(ScalarExpr::Text(_)) => "text",
            Value::Scalar(ScalarExpr::Bool(_)) => "a boolean",
            Value::Scalar(_) => "a number",
            Value::Length(_) => "a length",
            Value::Missing => "missing",
            Value::List(_) => "a list",
            Value::Record(_) => "a record",
            Value::Range(..) => "a range",
            Value::Terms(_) => "a formula",
            Value::Weights(..) => "weights",
            Value::Family(_) => "a family of weights",
            Value::Function(_) => "a function",
            Value::Treatment(_) => "a treatment",
            Value::Panel(_) => "a panel",
            Value::Described(_) => "a description",
            Value::Data(_) => "a data set",
            Value::Array(_) => "an array",
            Value::Column(_) => "a column",
            Value::Model(_) => "a model",
            Value::Answer(..) => "an answer",
            Value::Table(_) => "a table",
            Value::Design(_) => "a design",
            Value::Figure(_) => "a figure",
            Value::Test(..) => "a test",
            Value::Later(kind) => kind,
            Value::Broken => "unknown",
        }
    }
}

/// A bound name.
#[derive(Clone, Debug)]
pub struct Binding {
    pub value: Value,
    pub place: Span,
    pub used: bool,
    /// `weights`, `let`, … for lints.
    pub word: &'static str,
}

/// The names of a program in the order of their declaration.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    pub names: IndexMap<String, Binding>,
    /// Declared further down.
    pub later: IndexMap<String, Span>,
    /// The name that the statement being checked declares.
    pub declaring: Option<String>,
}

impl Scope {
    /// What a name means here; marks it used.
    pub fn look_up(&mut self, name: &str) -> Option<Value> {
        let binding = self.names.get_mut(name)?;
        binding.used = true;
        Some(binding.value.clone())
    }

    /// Without marking it used.
    pub fn peek(&self, name: &str) -> Option<&Value> {
        self.names.get(name).map(|b| &b.value)
    }

    /// Names bound to values that `wanted` accepts.
    pub fn names_of(&self, wanted: impl Fn(&Value) -> bool) -> Vec<&str> {
        self.names.iter().filter(|(_, b)| wanted(&b.value)).map(|(n, _)| n.as_str()).collect()
    }
}
