//! What a column is computed from, through the `let`s of panels and data sets, and when it is measured.

use crate::check::Checker;
use crate::check::scope::Value;
use crate::check::spec::*;
use crate::syntax::ast::Operator;
use indexmap::IndexMap;
use std::collections::BTreeSet;

/// A panel or a data set of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Table {
    Panel(usize),
    Data(usize),
}

/// A column of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Origin {
    file: String,
    pub column: String,
}

/// What is known of a value.
#[derive(Clone, Debug, Default)]
pub(super) struct Traits {
    /// Columns of files it is computed from.
    pub from: BTreeSet<Origin>,
    /// Those of them that it grows with: not divisors, exponents and conditions.
    pub mainly: BTreeSet<Origin>,
    /// Some part of it is measured anew in every period of every unit.
    pub current: bool,
    /// It looks into later periods.
    pub ahead: bool,
}

impl Traits {
    fn take(&mut self, other: &Traits) {
        self.take_aside(other);
        self.mainly.extend(other.mainly.iter().cloned());
    }

    /// A part that only divides or decides.
    fn take_aside(&mut self, other: &Traits) {
        self.from.extend(other.from.iter().cloned());
        self.current |= other.current;
        self.ahead |= other.ahead;
    }
}

/// The derived columns of every panel and data set.
pub(super) struct Lineage {
    tables: IndexMap<Table, IndexMap<String, Traits>>,
}

impl Lineage {
    /// Tables in the order in which they are declared: each after what it is made from.
    pub fn of(checker: &Checker) -> Lineage {
        let mut lineage = Lineage { tables: IndexMap::new() };
        let declared = checker.scope.names.values().filter_map(|b| match b.value {
            Value::Panel(p) => Some(Table::Panel(p)),
            Value::Data(d) => Some(Table::Data(d)),
            _ => None,
        });
        for table in declared {
            let mut known = match checker.table(table).source {
                RowSource::File(_) => IndexMap::new(),
                RowSource::Panel(p) => lineage.tables.get(&Table::Panel(p)).cloned().unwrap_or_default(),
                RowSource::Data(d) => lineage.tables.get(&Table::Data(d)).cloned().unwrap_or_default(),
            };
            for step in &checker.table(table).steps {
                if let PanelStep::Let { name, value } = step {
                    let traits = lineage.traits(checker, table, &known, value);
                    known.insert(name.clone(), traits);
                }
            }
            lineage.tables.insert(table, known);
        }
        lineage
    }

    /// What is known of an expression over the rows of a panel.
    pub fn column(&self, checker: &Checker, panel: usize, column: &Column) -> Traits {
        let none = IndexMap::new();
        let known = self.tables.get(&Table::Panel(panel)).unwrap_or(&none);
        self.traits(checker, Table::Panel(panel), known, column)
    }

    /// What is known of a treatment's own columns.
    pub fn treatment(&self, checker: &Checker, treatment: usize) -> Traits {
        let Some(spec) = checker.spec.treatments.get(treatment) else { return Traits::default() };
        match &spec.rule {
            TreatmentRule::Starts(column) | TreatmentRule::Indicator { column, .. } => {
                self.column(checker, spec.panel, column)
            }
            TreatmentRule::Inline(_) => Traits::default(),
        }
    }

    fn traits(&self, checker: &Checker, table: Table, known: &IndexMap<String, Traits>, column: &Column) -> Traits {
        let part = |c: &Column| self.traits(checker, table, known, c);
        let mut out = Traits::default();
        match &column.kind {
            ColumnKind::Name(name) => return known.get(name).cloned().unwrap_or_else(|| base(checker, table, name)),
            ColumnKind::Foreign { panel, column, .. } => return self.other(checker, Table::Panel(*panel), column),
            ColumnKind::Data { data, column, dims } => {
                out = self.other(checker, Table::Data(*data), column);
                out.current = dims.iter().any(|d| d == "unit") && dims.iter().any(|d| d == "time");
            }
            ColumnKind::Chain { first, rest } => {
                out = part(first);
                for (operator, operand) in rest {
                    match operator {
                        Operator::Divide | Operator::Power => out.take_aside(&part(operand)),
                        _ => out.take(&part(operand)),
                    }
                }
            }
            ColumnKind::In { value, .. } => out.take_aside(&part(value)),
            ColumnKind::If { branches, otherwise } => {
                out = part(otherwise);
                for (condition, value) in branches {
                    out.take_aside(&part(condition));
                    out.take(&part(value));
                }
            }
            ColumnKind::Call { function, .. } => {
                column.parts().into_iter().for_each(|c| out.take(&part(c)));
                out.ahead |= *function == Function::Lead;
            }
            ColumnKind::Reduce { how, of, over, .. } => {
                out = part(of);
                // The first period stays the first; every other summary of all periods has later ones in it.
                out.current &= !(over.iter().any(|d| d == "time") && *how == Reduction::First);
            }
            _ => column.parts().into_iter().for_each(|c| out.take(&part(c))),
        }
        out
    }

    fn other(&self, checker: &Checker, table: Table, name: &str) -> Traits {
        let derived = self.tables.get(&table).and_then(|t| t.get(name));
        derived.cloned().unwrap_or_else(|| base(checker, table, name))
    }
}

/// A column of a file: a key, or joined by unit alone, it says nothing anew in each period.
fn base(checker: &Checker, table: Table, name: &str) -> Traits {
    let spec = checker.table(table);
    let info = match table {
        Table::Panel(p) => &checker.panels[p],
        Table::Data(d) => &checker.data[d].info,
    };
    let file = info.columns.get(name).cloned().unwrap_or_default();
    let key = name == spec.unit || name == spec.time;
    let joined = spec.joins.iter().find(|j| matches!(&j.source, RowSource::File(f) if *f == file));
    let by_one_key = joined.is_some_and(|j| j.by.len() == 1 && (j.by[0] == spec.unit || j.by[0] == spec.time));
    let origin = Origin { file, column: name.to_string() };
    let from = BTreeSet::from([origin]);
    Traits { mainly: from.clone(), from, current: !key && !by_one_key, ahead: false }
}

impl Checker<'_> {
    pub(super) fn table(&self, table: Table) -> &PanelSpec {
        match table {
            Table::Panel(p) => &self.panels[p].spec,
            Table::Data(d) => &self.data[d].info.spec,
        }
    }
}

/// Names of columns that two values share, as the author wrote them.
pub(super) fn shared(a: &BTreeSet<Origin>, b: &BTreeSet<Origin>) -> Vec<String> {
    a.intersection(b).map(|o| o.column.clone()).collect()
}
