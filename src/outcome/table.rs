//! A table as meaning: what stands in its cells, not how a format fences it.

/// What stands in one cell of a [`Table`]: meaning, not markup.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Empty,
    Text(String),
    /// A count.
    Count(usize),
    /// A number shown with the table's digits.
    Number(f64),
    /// A number in the form it has on the terminal, and its exact value.
    Shown {
        text: String,
        exact: f64,
    },
    /// An estimate with its standard error beneath and stars by `p`.
    Estimate {
        estimate: f64,
        se: f64,
        p: f64,
    },
    /// As [`Cell::Estimate`], with something else beneath than the standard error.
    EstimateOver {
        estimate: f64,
        se: f64,
        p: f64,
        beneath: Beneath,
    },
    /// A heading over this column and those beside it that have the same one; its row stands above the headings.
    Heading(String),
}

/// What stands beneath an estimate instead of its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Beneath {
    Nothing,
    Statistic(f64),
    P(f64),
    Interval([f64; 2]),
}

/// What a table shows beneath its estimates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Under {
    #[default]
    Error,
    Statistic,
    P,
    Interval,
    Nothing,
}

/// The parts of a table of models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Coefficients,
    Lags,
    Spatial,
    Effects,
    Policy,
    Fixed,
    Fit,
}

/// The language of labels, headings and notes of tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    #[default]
    En,
    Zh,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub label: String,
    pub cells: Vec<Cell>,
}

/// A block of rows with a heading (coefficients, `C @ …`, effects, fit).
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    pub heading: Option<String>,
    pub rows: Vec<Row>,
}

/// A table as a paper shows it; the renderers of `report` turn it into text, Markdown, LaTeX, HTML, Word or CSV.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub title: Option<String>,
    /// Headings of the columns after the label column.
    pub columns: Vec<String>,
    pub blocks: Vec<Block>,
    pub notes: Vec<String>,
    /// Significant digits of numbers.
    pub digits: usize,
}
