//! What is printed, saved and asserted.

use super::library::Entry;
use super::scope::Value;
use super::spec::*;
use super::{Check, Checker, Reported};
use crate::diagnostic::Diagnostic;
use crate::fault::ticked_all;
use crate::loader;
use crate::source::Span;
use crate::syntax::ast::*;
use crate::syntax::print;
use std::path::Path;

/// Formats a table is saved in, and those a figure will be.
const TABLE_FORMATS: [&str; 3] = [".csv", ".tex", ".txt"];
const FIGURE_FORMATS: [&str; 1] = [".svg"];
/// Formats of tables this version does not write yet.
const LATER_FORMATS: [&str; 3] = [".md", ".html", ".json"];
const ALL_FORMATS: [&str; 8] = [".csv", ".tex", ".txt", ".md", ".html", ".json", ".svg", ".png"];

/// What a value is in words, and the extensions it may be saved with.
fn kind_and_formats(output: &Output) -> (&'static str, &'static [&'static str]) {
    match output {
        Output::Table(_) => ("a table", &TABLE_FORMATS),
        Output::Test(_) => ("a test", &TABLE_FORMATS),
        Output::Fit(_) => ("a fit", &TABLE_FORMATS),
        Output::Answer {
            answer:
                Answer::Effects | Answer::Responses(_) | Answer::EffectsByUnit | Answer::EffectsByOrder(_) | Answer::Tidy,
            ..
        } => ("a table", &TABLE_FORMATS),
        Output::Answer { answer: Answer::Explain, .. } => ("an explanation", &[".md", ".txt"]),
        Output::Answer { answer: Answer::FixedEffects, .. } | Output::List(_) => ("a list", &[".txt"]),
        Output::Answer { .. } => ("an array", &[".csv", ".txt"]),
        Output::Weights(_) => ("a weights matrix", &[".txt"]),
        Output::Treatment(_) => ("a treatment", &[".txt"]),
        Output::Panel(_) => ("a panel", &[".txt"]),
        Output::Data(_) => ("a data set", &[".txt"]),
        Output::Array(_) => ("an array", &[".csv", ".txt"]),
        Output::Figure(_) => ("a figure", &FIGURE_FORMATS),
        Output::Design(_) => ("a table", &TABLE_FORMATS),
        Output::Scalar(_) => ("a single value", &[".txt"]),
    }
}

impl Checker<'_> {
    pub(crate) fn print_statement(&mut self, statement: &Statement, expr: &Expr) {
        if let Ok(output) = self.output(expr) {
            let source = self.text(expr.span).to_string();
            self.spec.steps.push(Step { kind: StepKind::Print(output), source, place: Place(statement.span) });
        }
    }

    /// What an expression shows.
    pub(crate) fn output(&mut self, expr: &Expr) -> Check<Output> {
        let value = self.value(expr)?;
        self.output_of(value, expr)
    }

    fn output_of(&mut self, value: Value, expr: &Expr) -> Check<Output> {
        Ok(match value {
            Value::Model(m) => Output::Fit(m),
            Value::Weights(recipe, on) => {
                let panel = match on {
                    Some(p) => p,
                    None => {
                        self.only_panel(expr.span, "this weights matrix", "declare it `weights NAME on PANEL = …`")?
                    }
                };
                self.needs(&recipe, panel)?;
                Output::Weights(WeightsUse { name: print::expression(expr), panel, recipe, place: Place(expr.span) })
            }
            Value::Treatment(t) => Output::Treatment(t),
            Value::Panel(p) => Output::Panel(p),
            Value::Data(d) => Output::Data(d),
            Value::Array(a) => Output::Array(self.interned(a.value.clone(), a.dims.clone())),
            Value::Table(t) => Output::Table(t),
            Value::Design(d) => Output::Design((*d).clone()),
            Value::Figure(f) => Output::Figure(Box::new((*f).clone())),
            Value::Test(t, None) => Output::Test(t),
            Value::Scalar(s) => Output::Scalar(s),
            Value::Answer(answer, model) => match self.scalar_answer(answer, model, expr.span) {
                Some(s) => Output::Scalar(s),
                None => Output::Answer { answer, model },
            },
            Value::List(items) => {
                let mut out = Vec::new();
                for (v, e) in items {
                    out.push((Written(print::expression(&e)), self.output_of(v, &e)?));
                }
                Output::List(out)
            }
            Value::Later(_) | Value::Broken => return Err(Reported),
            other => return Err(self.later(expr.span, format!("printing {}", other.kind()))),
        })
    }

    fn scalar_answer(&self, answer: Answer, model: usize, span: Span) -> Option<ScalarExpr> {
        matches!(answer, Answer::Nobs | Answer::Loglik | Answer::Aic | Answer::Bic).then_some(ScalarExpr::Answer {
            answer,
            model,
            entry: None,
            place: Place(span),
        })
    }

    pub(crate) fn assert_statement(&mut self, statement: &Statement, condition: &Expr, message: Option<&Text>) {
        let checked = self.value(condition).and_then(|v| self.scalar_of(v, condition.span));
        if let Ok(checked) = checked {
            let text = print::expression(condition);
            let message = message.map(|m| m.text.clone());
            let kind = StepKind::Assert { condition: checked, text, message };
            let source = self.text(condition.span).to_string();
            self.spec.steps.push(Step { kind, source, place: Place(statement.span) });
        }
    }

    pub(crate) fn save_statement(&mut self, statement: &Statement, value: &Expr, path: &Text) {
        let output = self.output(value);
        let (kind, fitting) = match &output {
            Ok(output) => kind_and_formats(output),
            Err(_) => ("a table", &TABLE_FORMATS[..]),
        };
        let format = self.save_path(value, path, kind, fitting);
        let (Ok(()), Ok(output)) = (format, output) else { return };
        let kind = StepKind::Save { output, path: path.text.clone(), path_place: Place(path.span) };
        let source = self.text(value.span).to_string();
        self.spec.steps.push(Step { kind, source, place: Place(statement.span) });
    }

    /// The path stays below `--out` and its extension fits the value.
    fn save_path(&mut self, value: &Expr, path: &Text, kind: &str, fitting: &[&str]) -> Check<()> {
        if let Err(f) = loader::refuse_foreign(&path.text) {
            return Err(self.report(Diagnostic::at(f, Some(path.span))));
        }
        let plain = loader::normalized(&Path::new("/a/b/c/d/e/f/g/h").join(&path.text));
        if !plain.starts_with("/a/b/c/d/e/f/g/h") {
            return Err(self.report(
                Diagnostic::error(
                    "durbin::io::outside_out",
                    path.span,
                    format!("`{}` lies outside the folder for results", path.text),
                )
                .help("save below the program's folder, or name another folder with `--out DIR`"),
            ));
        }
        let file = path.text.rsplit('/').next().unwrap_or("");
        let extension = file.rsplit_once('.').map_or(String::new(), |(_, e)| format!(".{}", e.to_lowercase()));
        if !ALL_FORMATS.contains(&extension.as_str()) {
            let shown =
                if extension.is_empty() { "no extension".into() } else { format!("the extension `{extension}`") };
            return Err(self.report(
                Diagnostic::error(
                    "durbin::output::unknown_format",
                    path.span,
                    format!("`{}` has {shown}, which says no format durbin writes", path.text),
                )
                .help(format!("this value can be saved as {}", ticked_all(fitting))),
            ));
        }
        if !fitting.contains(&extension.as_str()) {
            if fitting == TABLE_FORMATS && LATER_FORMATS.contains(&extension.as_str()) {
                return Err(self.later(path.span, format!("saving to `{extension}`")));
            }
            return Err(self.report(
                Diagnostic::error(
                    "durbin::output::format_of_kind",
                    path.span,
                    format!("`{}` is {kind}, which a file `{extension}` does not hold", print::expression(value)),
                )
                .help(format!("save it as {}", ticked_all(fitting))),
            ));
        }
        self.saves.push((path.text.clone(), path.span));
        Ok(())
    }

    /// No file is saved twice, none that is read is overwritten.
    pub(crate) fn saves_are_safe(&mut self) {
        let clean = |p: &str| loader::normalized(Path::new(p));
        let saves = self.saves.clone();
        for (i, (path, span)) in saves.iter().enumerate() {
            if let Some((_, first)) = saves[..i].iter().find(|(p, _)| clean(p) == clean(path)) {
                self.report(
                    Diagnostic::error(
                        "durbin::output::same_file_twice",
                        *span,
                        format!("`{path}` is saved twice: the second would replace the first"),
                    )
                    .label(*first, "first saved here")
                    .help("choose another name for one of them"),
                );
            }
            let input = self.inputs.iter().find(|f| clean(&f.path) == clean(path)).cloned();
            let own = clean(self.request.program_path) == clean(path);
            if input.is_some() || own {
                let what = if own { "is the program itself" } else { "is read by the program" };
                let mut fault = Diagnostic::error(
                    "durbin::io::overwrites_input",
                    *span,
                    format!("`{path}` {what} and would be overwritten"),
                )
                .help("save to another name");
                if let Some(f) = input {
                    fault = fault.label(f.place, "read here");
                }
                self.report(fault);
            }
        }
    }

    /// `table(a, b, stars: true, …)`.
    pub(crate) fn table_call(&mut self, call: &Expr, entry: &Entry, arguments: &[Argument]) -> Check<Value> {
        let bound = self.bind(&entry.name, &entry.parameters, arguments, call.span)?;
        let mut models = Vec::new();
        let mut failed = None;
        for e in &bound.rest {
            match self.table_columns(e) {
                Ok(mut m) => models.append(&mut m),
                Err(r) => failed = Some(r),
            }
        }
        let columns = self.headings(models);
        let mut table =
            TableSpec { columns, stars: true, digits: self.spec.settings.digits, labels: Vec::new(), title: None };
        for (name, e) in &bound.named {
            let read = match name.as_str() {
                "stars" => self.boolean(name, e).map(|b| table.stars = b),
                "digits" => self.digits(e).map(|d| table.digits = d),
                "title" => self.string(e).map(|t| table.title = Some(t)),
                "label" | "labels" => self.labels(e).map(|l| table.labels = l),
                _ => Err(self.later(e.span, format!("the option `{name}:` of `table`"))),
            };
            failed = failed.or(read.err());
        }
        if let Some(r) = failed {
            return Err(r);
        }
        if table.columns.is_empty() {
            return Err(self.report(
                Diagnostic::error("durbin::check::arguments", call.span, "`table` has no models")
                    .help("`table(m1, m2)` puts models side by side"),
            ));
        }
        Ok(Value::Table(table))
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
        let named = |e: &Expr| matches!(e.kind, ExprKind::Name(_)).then(|| print::expression(e));
        match self.value(expr)? {
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
            Value::Answer(..) | Value::Treatment(_) | Value::Weights(..) | Value::Panel(_) => {
                Err(self.later(expr.span, "a table of something else than models"))
            }
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
