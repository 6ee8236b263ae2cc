//! `table(…)`: models side by side, or one other value as a table; how it is shown.

use super::arguments::Bound;
use super::library::Entry;
use super::scope::Value;
use super::spec::*;
use super::{Check, Checker, Reported};
use crate::diagnostic::Diagnostic;
use crate::fault::counted;
use crate::syntax::ast::*;
use crate::syntax::print;

/// Words of `beneath:`.
const UNDER: [(&str, Under); 5] = [
    ("se", Under::Error),
    ("t", Under::Statistic),
    ("p", Under::P),
    ("interval", Under::Interval),
    ("none", Under::Nothing),
];
/// Words of `show:`.
const PARTS: [(&str, Part); 7] = [
    ("coefficients", Part::Coefficients),
    ("lags", Part::Lags),
    ("spatial", Part::Spatial),
    ("effects", Part::Effects),
    ("policy", Part::Policy),
    ("fixed", Part::Fixed),
    ("fit", Part::Fit),
];
/// Options of tables of models alone, and of tables of estimates.
const OF_MODELS: [&str; 3] = ["controls", "show", "groups"];
const OF_ESTIMATES: [&str; 3] = ["stars", "beneath", "digits"];

impl Checker<'_> {
    /// `table(a, b, stars: true, …)`.
    pub(crate) fn table_call(&mut self, call: &Expr, entry: &Entry, arguments: &[Argument]) -> Check<Value> {
        // `label:` says the same, as in other packages.
        let renamed = |a: &Argument| {
            let label =
                a.label.clone().map(|l| if l.text == "label" { Name { text: "labels".to_string(), ..l } } else { l });
            Argument { label, ..a.clone() }
        };
        let arguments: Vec<Argument> = arguments.iter().map(renamed).collect();
        let bound = self.bind(&entry.name, &entry.parameters, &arguments, call.span)?;
        let mut table = TableSpec {
            columns: Vec::new(),
            of: None,
            stars: true,
            under: Under::Error,
            digits: self.spec.settings.digits,
            labels: Vec::new(),
            title: None,
            controls: Vec::new(),
            show: None,
            groups: Vec::new(),
        };
        self.table_values(&bound, &mut table)?;
        if table.columns.is_empty() && table.of.is_none() {
            return Err(self.report(
                Diagnostic::error("durbin::check::arguments", call.span, "`table` has nothing to show")
                    .help("`table(m1, m2)` puts models side by side; `table(effects(m))` shows one other value"),
            ));
        }
        self.options_fit(&bound, &table)?;
        let mut failed = None;
        for (name, e) in &bound.named {
            failed = failed.or(self.table_option(name, e, &mut table).err());
        }
        if let Some(r) = failed {
            return Err(r);
        }
        self.groups_fit(&bound, &table)?;
        Ok(Value::Table(table))
    }

    /// Models, or one value that is a table of its own.
    fn table_values(&mut self, bound: &Bound, table: &mut TableSpec) -> Check<()> {
        let mut models = Vec::new();
        let mut failed = None;
        for e in &bound.rest {
            match self.value(e) {
                Ok(value) if is_tabular(&value, &self.spec.tests) => {
                    if bound.rest.len() > 1 {
                        failed = Some(self.one_alone(e, &value));
                        continue;
                    }
                    match self.output_of(value, e) {
                        Ok(output) => table.of = Some(Box::new(output)),
                        Err(r) => failed = Some(r),
                    }
                }
                Ok(value) => match self.models_among(value, e) {
                    Ok(mut m) => models.append(&mut m),
                    Err(r) => failed = Some(r),
                },
                Err(r) => failed = Some(r),
            }
        }
        table.columns = self.headings(models);
        failed.map_or(Ok(()), Err)
    }

    fn one_alone(&mut self, expr: &Expr, value: &Value) -> Reported {
        let message = format!("`{}` is {}, which stands in a table alone", print::expression(expr), value.kind());
        self.report(
            Diagnostic::error("durbin::check::arguments", self.at(expr.span), message)
                .help("only models stand side by side; make a table of each other value"),
        )
    }

    fn table_option(&mut self, name: &str, e: &Expr, table: &mut TableSpec) -> Check<()> {
        match name {
            "stars" => table.stars = self.boolean(name, e)?,
            "digits" => table.digits = self.digits(e)?,
            "title" => table.title = Some(self.string(e)?),
            "labels" => table.labels = self.labels(e)?,
            "beneath" => {
                let words = UNDER.map(|u| u.0);
                let word = self.choice(name, e, &words)?;
                table.under = UNDER.iter().find(|u| u.0 == word).map_or(Under::Error, |u| u.1);
            }
            "controls" => table.controls = self.controls(e, &table.columns)?,
            "show" => table.show = Some(self.parts(e)?),
            "groups" => table.groups = self.column_groups(e)?,
            _ => return Err(Reported),
        }
        Ok(())
    }

    /// Options that have nothing to act on are refused.
    fn options_fit(&mut self, bound: &Bound, table: &TableSpec) -> Check<()> {
        let Some(of) = &table.of else { return Ok(()) };
        let estimates = match &**of {
            Output::Design(DesignSpec::Staggered(number)) => {
                self.spec.staggered.get(*number).is_none_or(|s| s.kind != StaggeredKind::Bacon)
            }
            Output::Design(design) => matches!(design, DesignSpec::EventStudy { .. } | DesignSpec::ByBand { .. }),
            Output::Answer { answer, .. } => matches!(answer, Answer::Effects | Answer::Responses(_)),
            _ => false,
        };
        for (name, e) in &bound.named {
            let models_only = OF_MODELS.contains(&name.as_str());
            if models_only || (OF_ESTIMATES.contains(&name.as_str()) && !estimates) {
                let what = if models_only { "models" } else { "estimates" };
                let message = format!("`{name}:` is for tables of {what}, and this is none");
                return Err(self.report(
                    Diagnostic::error("durbin::check::bad_option_value", self.at(e.span), message)
                        .help("leave it out; `title:` and `labels:` are for every table"),
                ));
            }
        }
        Ok(())
    }

    /// The terms of a formula that one row stands for.
    fn controls(&mut self, expr: &Expr, columns: &[(String, usize)]) -> Check<Vec<String>> {
        let Some(&(_, model)) = columns.first() else { return Err(Reported) };
        let panel = self.spec.models[model].panel;
        let mut terms = Vec::new();
        match &expr.kind {
            ExprKind::List(items) => {
                for item in items {
                    self.term(item, panel, &mut terms)?;
                }
            }
            _ => self.term(expr, panel, &mut terms)?,
        }
        let names: Vec<String> = terms.iter().map(|t| t.value.text.clone()).collect();
        let known = |name: &&String| {
            columns.iter().any(|(_, m)| self.spec.models[*m].terms.iter().any(|t| t.value.text == **name))
        };
        if let Some(unknown) = names.iter().find(|n| !known(n)) {
            let message = format!("no model of the table has the term `{unknown}`");
            return Err(self.report(
                Diagnostic::error("durbin::check::bad_option_value", self.at(expr.span), message)
                    .help("`controls:` names terms that a row `Controls` stands for"),
            ));
        }
        Ok(names)
    }

    fn parts(&mut self, expr: &Expr) -> Check<Vec<Part>> {
        let words = PARTS.map(|p| p.0);
        let items: Vec<&Expr> = match &expr.kind {
            ExprKind::List(items) => items.iter().collect(),
            _ => vec![expr],
        };
        let mut out = Vec::new();
        for item in items {
            let word = self.choice("show", item, &words)?;
            out.extend(PARTS.iter().find(|p| p.0 == word).map(|p| p.1));
        }
        Ok(out)
    }

    /// `{"Contiguity": 2, "Distance": 3}`: headings over so many columns each.
    fn column_groups(&mut self, expr: &Expr) -> Check<Vec<(String, usize)>> {
        let entries = match self.value(expr)? {
            Value::Record(entries) => entries,
            other => return Err(self.wrong_kind(expr.span, "a record of headings", &other, None)),
        };
        let mut out = Vec::new();
        for (text, value, span) in entries {
            match value {
                Value::Scalar(ScalarExpr::Number(n)) if n.fract() == 0.0 && (1.0..=1000.0).contains(&n) => {
                    out.push((text, n as usize));
                }
                other => return Err(self.wrong_kind(span, "a number of columns", &other, None)),
            }
        }
        Ok(out)
    }

    fn groups_fit(&mut self, bound: &Bound, table: &TableSpec) -> Check<()> {
        let Some(e) = bound.get("groups") else { return Ok(()) };
        let over: usize = table.groups.iter().map(|g| g.1).sum();
        if over <= table.columns.len() {
            return Ok(());
        }
        let columns = counted(table.columns.len(), "column", "columns");
        let message = format!("`groups:` has headings over {over} columns, and the table has {columns}");
        Err(self.report(
            Diagnostic::error("durbin::check::bad_option_value", self.at(e.span), message)
                .help("each number says over how many columns, from the left, its heading stands"),
        ))
    }

    /// Significant digits: more than 15 a number does not have.
    fn digits(&mut self, expr: &Expr) -> Check<usize> {
        let digits = self.count(expr, "digits", 1)?;
        if digits <= 15 {
            return Ok(digits);
        }
        let message = format!("`digits` is a whole number from 1 to 15, {digits} was given");
        Err(self.report(Diagnostic::error("durbin::check::out_of_range", self.at(expr.span), message)))
    }

    /// Models of a table with their headings: the name of a model, else its query and the number of the column, for a
    /// whole formula is no heading.
    fn headings(&self, models: Vec<(Option<String>, usize)>) -> Vec<(String, usize)> {
        let heading = |(at, (name, model)): (usize, (Option<String>, usize))| {
            let query = self.spec.models.get(model).map_or("model", |m| m.query.as_str());
            (name.unwrap_or_else(|| format!("{query} ({})", at + 1)), model)
        };
        models.into_iter().enumerate().map(heading).collect()
    }

    /// Models listed as arguments, each with its name where it has one.
    pub(crate) fn table_columns(&mut self, expr: &Expr) -> Check<Vec<(Option<String>, usize)>> {
        let value = self.value(expr)?;
        self.models_among(value, expr)
    }

    fn models_among(&mut self, value: Value, expr: &Expr) -> Check<Vec<(Option<String>, usize)>> {
        let named = |e: &Expr| matches!(e.kind, ExprKind::Name(_)).then(|| print::expression(e));
        match value {
            Value::Model(m) => Ok(vec![(named(expr), m)]),
            Value::List(items) => {
                let mut out = Vec::new();
                for (v, e) in items {
                    match v {
                        Value::Model(m) => out.push((named(&e), m)),
                        other => return Err(self.wrong_kind(e.span, "a model", &other, None)),
                    }
                }
                Ok(out)
            }
            Value::Later(_) | Value::Broken => Err(Reported),
            other => Err(self.wrong_kind(expr.span, "a model", &other, None)),
        }
    }

    fn labels(&mut self, expr: &Expr) -> Check<Vec<(String, String)>> {
        match self.value(expr)? {
            Value::Record(entries) => entries
                .into_iter()
                .map(|(k, v, span)| match v {
                    Value::Scalar(ScalarExpr::Text(t)) => Ok((k, t)),
                    other => Err(self.wrong_kind(span, "text", &other, None)),
                })
                .collect(),
            other => Err(self.wrong_kind(expr.span, "a record of labels", &other, None)),
        }
    }
}

/// Whether a value is a table of its own.
fn is_tabular(value: &Value, tests: &[TestSpec]) -> bool {
    match value {
        Value::Design(_)
        | Value::Treatment(_)
        | Value::Panel(_)
        | Value::Described(_)
        | Value::Data(_)
        | Value::Test(_, None) => true,
        Value::List(items) => {
            let of_column = |v: &Value| matches!(v, Value::Test(number, None) if tests[*number].is_of_column());
            items.len() > 1 && items.iter().all(|(v, _)| of_column(v))
        }
        Value::Answer(answer, _) => matches!(
            answer,
            Answer::Effects | Answer::Responses(_) | Answer::EffectsByUnit | Answer::EffectsByOrder(_) | Answer::Tidy
        ),
        _ => false,
    }
}
