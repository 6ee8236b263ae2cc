//! The tree of a program, one to one with its text: nothing is resolved, every node has a span.
//!
//! Chains of operators of one precedence are flat (`Chain`), prefixes are counted lists, so that a hundred thousand
//! additions nest nowhere and neither building, walking nor dropping the tree recurses with the length of a line.

use crate::source::Span;

/// A name as it is bound or used; `quoted` when it stands in backticks. Text is Unicode NFC.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    pub text: String,
    pub quoted: bool,
    pub span: Span,
}

/// A string literal, escapes resolved; the span includes the quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    pub text: String,
    pub span: Span,
}

/// A comment `# …` (without `##` documentation) and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    pub text: String,
    pub span: Span,
}

/// A program.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Ast {
    /// The `##` block at the head, followed by a blank line.
    pub doc: Option<String>,
    pub statements: Vec<Statement>,
    /// All comments in the order of the text, also those inside brackets.
    pub comments: Vec<Comment>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// The `##` block directly above, one line each, without the marks.
    pub doc: Option<String>,
    pub kind: StatementKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum StatementKind {
    Use(UseTarget),
    Options(Vec<Setting>),
    Data(DataBlock),
    Panel(DataBlock),
    Weights {
        name: Name,
        parameters: Option<Vec<Parameter>>,
        on: Option<Name>,
        value: Expr,
    },
    Treatment {
        name: Name,
        on: Option<Name>,
        value: Expr,
    },
    Let {
        name: Name,
        parameters: Option<Vec<Parameter>>,
        value: Expr,
    },
    /// Without a body: a native function of the standard library.
    Fn {
        name: Name,
        parameters: Vec<Parameter>,
        body: Option<Expr>,
    },
    Model {
        name: Name,
        value: Expr,
    },
    Save {
        value: Expr,
        path: Text,
    },
    Assert {
        condition: Expr,
        message: Option<Text>,
    },
    Report {
        path: Text,
        items: Vec<Statement>,
    },
    Print(Expr),
}

#[derive(Clone, Debug, PartialEq)]
pub enum UseTarget {
    /// `std::indices`
    Module {
        path: Vec<String>,
        span: Span,
    },
    File(Text),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    pub name: Name,
    pub value: Expr,
}

/// The parameter of a function, a family of weights or a native function.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    pub name: Name,
    /// `values..`: takes any number of arguments (natives only).
    pub variadic: bool,
    /// `x over d`: the dimension parameter of a native reduction.
    pub over: Option<Name>,
    pub default: Option<Expr>,
}

/// `data NAME from SOURCE { clauses }` and `panel NAME from SOURCE { clauses }`.
#[derive(Clone, Debug, PartialEq)]
pub struct DataBlock {
    pub name: Name,
    pub source: Expr,
    pub clauses: Vec<Clause>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    pub doc: Option<String>,
    pub kind: ClauseKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ClauseKind {
    Unit(Name),
    Time(Name),
    Join {
        source: Expr,
        by: Vec<Name>,
        optional: bool,
    },
    Coords {
        lon: Name,
        lat: Name,
        planar: bool,
        /// Distances on the ellipsoid and not on a sphere.
        ellipsoid: bool,
    },
    Shapes {
        source: Expr,
        by: Name,
        planar: bool,
    },
    Where(Expr),
    Let {
        name: Name,
        value: Expr,
    },
    /// `missing "NA", "."`
    MissingMarkers(Vec<Text>),
    /// `missing error`, `missing drop`: the word as written, judged by the checker.
    Missing(Name),
    Balance(Name),
    Keys(Vec<Name>),
    Value(Vec<Name>),
    /// Added up over the rows of the same keys.
    Sum(Vec<Name>),
    /// How many rows have the same keys.
    Count(Name),
    Absent(Expr),
    Encoding(Text),
    Separator(Text),
    Decimal(Text),
    /// Of a workbook.
    Sheet(Text),
    /// Of a sheet: `"A3:F200"`.
    Range(Text),
    Trim(Vec<Name>),
    Recode {
        column: Name,
        values: Expr,
    },
}

impl ClauseKind {
    /// The word the clause begins with.
    pub fn word(&self) -> &'static str {
        match self {
            ClauseKind::Unit(_) => "unit",
            ClauseKind::Time(_) => "time",
            ClauseKind::Join { .. } => "join",
            ClauseKind::Coords { .. } => "coords",
            ClauseKind::Shapes { .. } => "shapes",
            ClauseKind::Where(_) => "where",
            ClauseKind::Let { .. } => "let",
            ClauseKind::MissingMarkers(_) | ClauseKind::Missing(_) => "missing",
            ClauseKind::Balance(_) => "balance",
            ClauseKind::Keys(_) => "keys",
            ClauseKind::Value(_) => "value",
            ClauseKind::Sum(_) => "sum",
            ClauseKind::Count(_) => "count",
            ClauseKind::Absent(_) => "absent",
            ClauseKind::Encoding(_) => "encoding",
            ClauseKind::Separator(_) => "separator",
            ClauseKind::Decimal(_) => "decimal",
            ClauseKind::Sheet(_) => "sheet",
            ClauseKind::Range(_) => "range",
            ClauseKind::Trim(_) => "trim",
            ClauseKind::Recode { .. } => "recode",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    Number(f64),
    /// `100 km`: the number and its unit as written (`km`, `m`, `mi`, or an unknown one for the checker to answer).
    Length {
        value: f64,
        unit: Name,
    },
    Text(String),
    Bool(bool),
    Missing,
    Name(Name),
    /// `.` as a term (R's); the checker answers it.
    Dot,
    List(Vec<Expr>),
    /// `[item for x in values for z in values]`
    Comprehension {
        item: Box<Expr>,
        clauses: Vec<(Name, Expr)>,
    },
    Record(Vec<(RecordKey, Expr)>),
    /// Brackets, kept because they matter in formulas and to the formatter.
    Group(Box<Expr>),
    Call {
        callee: Box<Expr>,
        arguments: Vec<Argument>,
    },
    Field {
        of: Box<Expr>,
        name: Name,
    },
    /// Prefixes from the outside in: `not not x`, `- x`.
    Prefix {
        operators: Vec<(PrefixOperator, Span)>,
        operand: Box<Expr>,
    },
    /// Operands with operators of one precedence between them. All group left, but `@` and `^`, which group right.
    /// Comparisons and `..` have exactly one operator.
    Chain {
        first: Box<Expr>,
        rest: Vec<(Operator, Span, Expr)>,
    },
    /// `if a then b else if c then d else e`
    If {
        branches: Vec<(Expr, Expr)>,
        otherwise: Box<Expr>,
    },
    /// `y ~ a + b | W`; `~ a + b`; `y ~ a`. `terms` is `None` where nothing stands between `~` and `|`.
    Formula {
        outcome: Option<Box<Expr>>,
        terms: Option<Box<Expr>>,
        weights: Option<Box<Expr>>,
        tilde: Option<Span>,
        bar: Option<Span>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum RecordKey {
    Name(Name),
    Text(Text),
    Number(f64, Span),
}

/// `name: value` or `value`, with `over d` where it is a reduction.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    pub label: Option<Name>,
    pub value: Expr,
    pub over: Option<Expr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PrefixOperator {
    Minus,
    Plus,
    Not,
}

/// Infix operators, loosest first; those of one line group together in a `Chain`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
    In,
    NotIn,
    Range,
    Plus,
    Minus,
    Times,
    Divide,
    At,
    Colon,
    Power,
}

impl Operator {
    /// Its spelling.
    pub fn text(self) -> &'static str {
        match self {
            Operator::Or => "or",
            Operator::And => "and",
            Operator::Equal => "==",
            Operator::NotEqual => "!=",
            Operator::Less => "<",
            Operator::AtMost => "<=",
            Operator::Greater => ">",
            Operator::AtLeast => ">=",
            Operator::In => "in",
            Operator::NotIn => "not in",
            Operator::Range => "..",
            Operator::Plus => "+",
            Operator::Minus => "-",
            Operator::Times => "*",
            Operator::Divide => "/",
            Operator::At => "@",
            Operator::Colon => ":",
            Operator::Power => "^",
        }
    }

    /// Loosest 1; a prefix `not` is 3 and a sign 10 (between `:` and `^`).
    pub fn precedence(self) -> u8 {
        match self {
            Operator::Or => 1,
            Operator::And => 2,
            Operator::Equal
            | Operator::NotEqual
            | Operator::Less
            | Operator::AtMost
            | Operator::Greater
            | Operator::AtLeast
            | Operator::In
            | Operator::NotIn => 4,
            Operator::Range => 5,
            Operator::Plus | Operator::Minus => 6,
            Operator::Times | Operator::Divide => 7,
            Operator::At => 8,
            Operator::Colon => 9,
            Operator::Power => 11,
        }
    }

    /// Whether `a ∘ b ∘ c` is `a ∘ (b ∘ c)`.
    pub fn groups_right(self) -> bool {
        matches!(self, Operator::At | Operator::Power)
    }
}

/// Calls `see` with an expression and everything in it, the outer first.
pub fn visit<'e>(expr: &'e Expr, see: &mut dyn FnMut(&'e Expr)) {
    see(expr);
    match &expr.kind {
        ExprKind::Number(_)
        | ExprKind::Length { .. }
        | ExprKind::Text(_)
        | ExprKind::Bool(_)
        | ExprKind::Missing
        | ExprKind::Name(_)
        | ExprKind::Dot => {}
        ExprKind::List(items) => items.iter().for_each(|e| visit(e, see)),
        ExprKind::Comprehension { item, clauses } => {
            clauses.iter().for_each(|(_, e)| visit(e, see));
            visit(item, see);
        }
        ExprKind::Record(entries) => entries.iter().for_each(|(_, e)| visit(e, see)),
        ExprKind::Group(e) | ExprKind::Prefix { operand: e, .. } | ExprKind::Field { of: e, .. } => visit(e, see),
        ExprKind::Call { callee, arguments } => {
            visit(callee, see);
            for a in arguments {
                visit(&a.value, see);
                a.over.iter().for_each(|o| visit(o, see));
            }
        }
        ExprKind::Chain { first, rest } => {
            visit(first, see);
            rest.iter().for_each(|r| visit(&r.2, see));
        }
        ExprKind::If { branches, otherwise } => {
            for (c, v) in branches {
                visit(c, see);
                visit(v, see);
            }
            visit(otherwise, see);
        }
        ExprKind::Formula { outcome, terms, weights, .. } => {
            [outcome, terms, weights].into_iter().flatten().for_each(|e| visit(e, see));
        }
    }
}
