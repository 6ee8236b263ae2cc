//! `never_used`, the parts a usual run does not mention: models, data sets, derived columns, parameters, modules.

use super::lineage::Table;
use crate::check::Checker;
use crate::check::library::OPTIONAL_MODULES;
use crate::check::spec::*;
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::syntax::ast::{self, Expr, ExprKind, Parameter, StatementKind, UseTarget};
use std::collections::BTreeSet;

const CODE: &str = "durbin::check::never_used";

impl Checker<'_> {
    pub(super) fn unused(&self) -> Vec<Diagnostic> {
        let mut out = self.unused_names();
        out.extend(self.unused_columns());
        out.extend(self.unused_parameters());
        out.extend(self.unused_modules());
        out
    }

    fn unused_names(&self) -> Vec<Diagnostic> {
        let idle = self.scope.names.iter().filter(|(_, b)| !b.used && matches!(b.word, "model" | "data"));
        idle.map(|(name, b)| match b.word {
            "model" => Diagnostic::lint(CODE, b.place, format!("`{name}` is estimated, and nothing shows it"))
                .help(format!("print it with a line `{name}`, or remove it")),
            _ => Diagnostic::lint(CODE, b.place, format!("nothing uses the data set `{name}`")).help("remove it"),
        })
        .collect()
    }

    /// Derived columns that no estimate, no weights and no other column need. A panel that is shown shows them.
    fn unused_columns(&self) -> Vec<Diagnostic> {
        let mut used: BTreeSet<(Table, String)> = BTreeSet::new();
        let mut shown: BTreeSet<Table> = BTreeSet::new();
        self.mark_models(&mut used);
        for (table, spec) in self.tables() {
            for step in &spec.steps {
                match step {
                    PanelStep::Let { value, .. } => self.mark(table, value, &mut used),
                    PanelStep::Where { condition } => self.mark(table, condition, &mut used),
                }
            }
            let keys = spec.joins.iter().flat_map(|j| &j.by).chain([&spec.unit, &spec.time]);
            let points = spec.coords.iter().flat_map(|c| [&c.lon, &c.lat]);
            for name in keys.chain(points) {
                self.mark_name(table, name, &mut used);
            }
        }
        for (number, data) in self.data.iter().enumerate() {
            let summed = data.sums.iter().flat_map(|s| &s.columns);
            summed.for_each(|name| self.mark_name(Table::Data(number), name, &mut used));
        }
        for step in &self.spec.steps {
            step.kind.outputs().into_iter().for_each(|output| shown_tables(output, &mut shown));
        }
        let mut out = Vec::new();
        for (table, spec) in self.tables() {
            for step in &spec.steps {
                let PanelStep::Let { name, value } = step else { continue };
                if !shown.contains(&table) && !used.contains(&(table, name.clone())) {
                    let message = format!("nothing uses the column `{name}` of `{}`", spec.name);
                    out.push(Diagnostic::lint(CODE, value.place.0, message).help("remove the `let`"));
                }
            }
        }
        out
    }

    fn tables(&self) -> impl Iterator<Item = (Table, &PanelSpec)> {
        let panels = self.panels.iter().enumerate().map(|(i, p)| (Table::Panel(i), &p.spec));
        panels.chain(self.data.iter().enumerate().map(|(i, d)| (Table::Data(i), &d.info.spec)))
    }

    fn mark_models(&self, used: &mut BTreeSet<(Table, String)>) {
        for model in &self.spec.models {
            let table = Table::Panel(model.panel);
            let columns = std::iter::once(&model.outcome).chain(model.terms.iter().map(|t| &t.value));
            let effects = model.effects.iter().flat_map(|e| &e.parts).filter_map(|part| match part {
                EffectPart::Column(column) => Some(column),
                EffectPart::Unit | EffectPart::Time => None,
            });
            columns
                .chain(&model.condition)
                .chain(&model.cluster)
                .chain(effects)
                .for_each(|c| self.mark(table, c, used));
        }
        for test in &self.spec.tests {
            if let TestQuery::Column { sample, .. } = &test.query {
                self.mark(Table::Panel(sample.panel), &sample.outcome, used);
            }
        }
        for treatment in &self.spec.treatments {
            if let TreatmentRule::Starts(column) | TreatmentRule::Indicator { column, .. } = &treatment.rule {
                self.mark(Table::Panel(treatment.panel), column, used);
            }
        }
        for array in &self.spec.arrays {
            self.mark(Table::Panel(array.rows_of.unwrap_or(0)), &array.value, used);
        }
        // `similarity(gdp)` and `block(region)` name columns of their panel.
        self.expressions(&mut |e| {
            if let ExprKind::Call { arguments, .. } = &e.kind {
                for name in
                    arguments.iter().filter_map(|a| if let ExprKind::Name(n) = &a.value.kind { Some(n) } else { None })
                {
                    (0..self.panels.len()).for_each(|p| self.mark_name(Table::Panel(p), &name.text, used));
                }
            }
        });
    }

    fn mark(&self, table: Table, column: &Column, used: &mut BTreeSet<(Table, String)>) {
        column.visit(&mut |c| match &c.kind {
            ColumnKind::Name(name) => self.mark_name(table, name, used),
            ColumnKind::Foreign { panel, column, .. } => self.mark_name(Table::Panel(*panel), column, used),
            ColumnKind::Data { data, column, .. } => self.mark_name(Table::Data(*data), column, used),
            _ => {}
        });
    }

    /// Marks a column where it is defined: in the table, or in one it is made from.
    fn mark_name(&self, table: Table, name: &str, used: &mut BTreeSet<(Table, String)>) {
        let mut table = table;
        loop {
            used.insert((table, name.to_string()));
            table = match self.table(table).source {
                RowSource::Panel(p) => Table::Panel(p),
                RowSource::Data(d) => Table::Data(d),
                RowSource::File(_) => return,
            };
        }
    }

    fn unused_parameters(&self) -> Vec<Diagnostic> {
        let functions = self.request.program.statements.iter().filter_map(|s| match &s.kind {
            StatementKind::Fn { name, parameters, body: Some(body) } => Some((name, parameters, body)),
            StatementKind::Let { name, parameters: Some(p), value }
            | StatementKind::Weights { name, parameters: Some(p), value, .. } => Some((name, p, value)),
            _ => None,
        });
        let mut out = Vec::new();
        for (function, parameters, body) in functions {
            let mentioned = mentioned(parameters, body);
            for p in parameters.iter().filter(|p| !mentioned.contains(p.name.text.as_str())) {
                let message = format!("`{}` does not use its parameter `{}`", function.text, p.name.text);
                out.push(
                    Diagnostic::lint(CODE, p.name.span, message).help("remove it from the function and its calls"),
                );
            }
        }
        out
    }

    fn unused_modules(&self) -> Vec<Diagnostic> {
        let modules = self.request.program.statements.iter().filter_map(|s| match &s.kind {
            StatementKind::Use(UseTarget::Module { path, span }) => Some((path.get(1)?.as_str(), *span)),
            _ => None,
        });
        let mut called: BTreeSet<&str> = BTreeSet::new();
        self.expressions(&mut |e| {
            if let ExprKind::Name(n) = &e.kind {
                called.insert(&n.text);
            }
        });
        let modules: Vec<(&str, Span)> = modules.collect();
        let of = |module: &str| called.iter().any(|n| self.request.library.get(n).is_some_and(|e| e.module == module));
        // Files of declarations may be what uses it.
        let idle = modules.into_iter().filter(|(m, _)| self.used_files.is_empty() && !of(m));
        idle.map(|(module, span)| {
            let reason = match OPTIONAL_MODULES.contains(&module) {
                true => format!("nothing uses `std::{module}`"),
                false => format!("the names of `std::{module}` are there without `use`"),
            };
            Diagnostic::lint(CODE, span, reason).help("remove the line")
        })
        .collect()
    }
}

/// Names that a body, or the default of a parameter, mentions.
fn mentioned<'e>(parameters: &'e [Parameter], body: &'e Expr) -> BTreeSet<&'e str> {
    let mut out = BTreeSet::new();
    let mut see = |e: &'e Expr| {
        if let ExprKind::Name(n) = &e.kind {
            out.insert(n.text.as_str());
        }
    };
    ast::visit(body, &mut see);
    parameters.iter().filter_map(|p| p.default.as_ref()).for_each(|d| ast::visit(d, &mut see));
    out
}

/// Panels and data sets that an output shows whole.
fn shown_tables(output: &Output, out: &mut BTreeSet<Table>) {
    match output {
        Output::Panel(p) => drop(out.insert(Table::Panel(*p))),
        Output::Described(d) => drop(out.insert(Table::Panel(d.panel))),
        Output::Data(d) => drop(out.insert(Table::Data(*d))),
        Output::List(items) => items.iter().for_each(|(_, o)| shown_tables(o, out)),
        Output::Table(table) => table.of.iter().for_each(|of| shown_tables(of, out)),
        _ => {}
    }
}
