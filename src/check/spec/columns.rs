//! Expressions over the rows of a panel or the cells of arrays.

use super::{Along, Bin, Place, Reduction, WeightsUse};
use crate::syntax::ast::Operator;
use crate::weights::lines::Metric;

/// An expression over the rows of a panel; `text` is its canonical spelling.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub kind: ColumnKind,
    pub text: String,
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ColumnKind {
    Number(f64),
    Text(String),
    Bool(bool),
    Missing,
    /// A column of the panel, from its files or a `let`.
    Name(String),
    /// The 0/1 column of a treatment.
    Treatment(usize),
    /// 1 where the time since a unit's start lies in the bin.
    EventTime {
        treatment: usize,
        bin: Bin,
    },
    /// 1 for untreated units where the time since the first start among their neighbors lies in the bin.
    ExposureTime {
        treatment: usize,
        bin: Bin,
        weights: WeightsUse,
    },
    /// 1 for untreated units whose nearest unit treated in the period lies in the ring, in kilometers; without a ring
    /// the distance itself.
    Near {
        treatment: usize,
        ring: Option<[f64; 2]>,
    },
    /// Kilometers from a row's place to the lines and points of a file, or 1 where they lie in the ring.
    NearLine {
        file: String,
        ring: Option<[f64; 2]>,
        metric: Metric,
        /// Its longitude and latitude, or coordinates of the plane.
        at: Box<[Column; 2]>,
    },
    /// A treatment with one column for each group of treated units; only as a term of its own.
    Split {
        of: Box<Column>,
        by: Box<Column>,
    },
    Negate(Box<Column>),
    Not(Box<Column>),
    /// Operators of one precedence, grouping as the language does.
    Chain {
        first: Box<Column>,
        rest: Vec<(Operator, Column)>,
    },
    In {
        value: Box<Column>,
        list: Vec<Column>,
        negated: bool,
    },
    If {
        branches: Vec<(Column, Column)>,
        otherwise: Box<Column>,
    },
    Call {
        function: Function,
        arguments: Vec<Column>,
        number: f64,
    },
    /// `W @ x`
    SpatialLag {
        weights: WeightsUse,
        of: Box<Column>,
    },
    /// `i(x)`: one dummy per level but the first; only as a term of its own.
    Levels(Box<Column>),
    /// A column of a data set: an array over its keys, here under the names of its dimensions.
    Data {
        data: usize,
        column: String,
        dims: Vec<String>,
    },
    /// A column of another panel, or of a panel outside it: an array over unit and time.
    Foreign {
        panel: usize,
        column: String,
        dims: [String; 2],
    },
    /// The label of a dimension: text, but a number for `time`.
    Label(String),
    /// `sum(x over d)`: takes dimensions away.
    Reduce {
        how: Reduction,
        of: Box<Column>,
        over: Vec<String>,
        skip: bool,
        /// Only the panel's units, not all of the data.
        of_panel: bool,
    },
    /// `rank(x over d)`: looks along dimensions, which stay.
    Along {
        how: Along,
        of: Box<Column>,
        by: Option<Box<Column>>,
        over: Vec<String>,
    },
    /// `undefined("…")`: missing, and why.
    Undefined(String),
}

impl Column {
    /// The expressions it is made of.
    pub fn parts(&self) -> Vec<&Column> {
        match &self.kind {
            ColumnKind::Number(_)
            | ColumnKind::Text(_)
            | ColumnKind::Bool(_)
            | ColumnKind::Missing
            | ColumnKind::Name(_)
            | ColumnKind::Treatment(_)
            | ColumnKind::EventTime { .. }
            | ColumnKind::ExposureTime { .. }
            | ColumnKind::Near { .. }
            | ColumnKind::Data { .. }
            | ColumnKind::Foreign { .. }
            | ColumnKind::Label(_)
            | ColumnKind::Undefined(_) => Vec::new(),
            ColumnKind::Negate(inner) | ColumnKind::Not(inner) | ColumnKind::Levels(inner) => vec![inner],
            ColumnKind::NearLine { at, .. } => at.iter().collect(),
            ColumnKind::Split { of, by } => vec![of, by],
            ColumnKind::Chain { first, rest } => std::iter::once(&**first).chain(rest.iter().map(|r| &r.1)).collect(),
            ColumnKind::In { value, list, .. } => std::iter::once(&**value).chain(list).collect(),
            ColumnKind::If { branches, otherwise } => {
                let parts = branches.iter().flat_map(|(c, v)| [c, v]);
                parts.chain(std::iter::once(&**otherwise)).collect()
            }
            ColumnKind::Call { arguments, .. } => arguments.iter().collect(),
            ColumnKind::SpatialLag { of, .. } | ColumnKind::Reduce { of, .. } => vec![of],
            ColumnKind::Along { of, by, .. } => std::iter::once(&**of).chain(by.as_deref()).collect(),
        }
    }

    /// Calls `see` with the expression and everything in it, the outer first.
    pub fn visit<'c>(&'c self, see: &mut dyn FnMut(&'c Column)) {
        see(self);
        self.parts().into_iter().for_each(|part| part.visit(see));
    }
}

/// Functions of columns; those along time take their lag in `number`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Log,
    Exp,
    Sqrt,
    Abs,
    Round,
    Min,
    Max,
    IsMissing,
    Coalesce,
    Lag,
    Lead,
    Diff,
    Growth,
    Cumsum,
    /// Supplied by an embedding program, by the number of its registration.
    Native(u64),
}

impl Function {
    /// The function of a name of the language.
    pub fn of(name: &str) -> Option<Function> {
        Some(match name {
            "log" => Function::Log,
            "exp" => Function::Exp,
            "sqrt" => Function::Sqrt,
            "abs" => Function::Abs,
            "round" => Function::Round,
            "min" => Function::Min,
            "max" => Function::Max,
            "is_missing" => Function::IsMissing,
            "coalesce" => Function::Coalesce,
            "lag" => Function::Lag,
            "lead" => Function::Lead,
            "diff" => Function::Diff,
            "growth" => Function::Growth,
            "cumsum" => Function::Cumsum,
            _ => return None,
        })
    }

    /// Looks along the unit's time.
    pub fn along_time(self) -> bool {
        matches!(self, Function::Lag | Function::Lead | Function::Diff | Function::Growth | Function::Cumsum)
    }
}
