//! The statements that do something, and what they show or save.

use super::{Answer, DescribeSpec, DesignSpec, FigureSpec, Place, ScalarExpr, TableSpec, WeightsUse, Written};

/// What a statement shows or saves.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    Fit(usize),
    Weights(WeightsUse),
    Treatment(usize),
    Panel(usize),
    Described(DescribeSpec),
    Data(usize),
    Array(usize),
    Scalar(ScalarExpr),
    Answer {
        answer: Answer,
        model: usize,
    },
    Table(TableSpec),
    Design(DesignSpec),
    /// A test by its number in the spec.
    Test(usize),
    Figure(Box<FigureSpec>),
    List(Vec<(Written, Output)>),
}

impl Output {
    fn designs<'a>(&'a self, out: &mut Vec<&'a DesignSpec>) {
        match self {
            Output::Design(design) => out.push(design),
            Output::Figure(figure) => figure.of.designs(out),
            Output::List(items) => items.iter().for_each(|(_, item)| item.designs(out)),
            Output::Table(table) => table.of.iter().for_each(|inner| inner.designs(out)),
            _ => {}
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum StepKind {
    /// A named model.
    Model {
        name: String,
        model: usize,
    },
    Print(Output),
    Save {
        output: Output,
        path: String,
        path_place: Place,
    },
    Assert {
        condition: ScalarExpr,
        text: String,
        message: Option<String>,
    },
    /// A page of values.
    Report {
        items: Vec<ReportItem>,
        path: String,
        path_place: Place,
        /// The words at the head of the program.
        doc: Written,
    },
}

impl StepKind {
    /// What a step shows or saves.
    pub fn outputs(&self) -> Vec<&Output> {
        match self {
            StepKind::Model { .. } | StepKind::Assert { .. } => Vec::new(),
            StepKind::Print(output) | StepKind::Save { output, .. } => vec![output],
            StepKind::Report { items, .. } => items.iter().map(|i| &i.output).collect(),
        }
    }

    /// Every design it shows or saves, those inside figures, lists and tables among them.
    pub fn designs(&self) -> Vec<&DesignSpec> {
        let mut out = Vec::new();
        self.outputs().into_iter().for_each(|output| output.designs(&mut out));
        out
    }
}

/// A value of a report.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportItem {
    pub output: Output,
    /// The expression as written, and the comment above it.
    pub source: Written,
    pub words: Option<String>,
}

/// One statement that does something, in program order.
#[derive(Clone, Debug)]
pub struct Step {
    pub kind: StepKind,
    /// The expression as written; no part of what it means.
    pub source: String,
    pub place: Place,
}
