//! What is printed, saved and asserted.

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

/// Formats of what is a table, of text, of arrays, of single values and of figures.
const TABLE: &[&str] = &[".csv", ".docx", ".html", ".json", ".md", ".tex", ".txt"];
const TEXT: &[&str] = &[".docx", ".html", ".json", ".md", ".txt"];
const ARRAY: &[&str] = &[".csv", ".json", ".txt"];
const VALUE: &[&str] = &[".json", ".txt"];
const FIGURE: &[&str] = &[".html", ".json", ".png", ".svg"];
/// Of a matrix: its links, and what a text says of it.
const MATRIX: &[&str] = &[".csv", ".docx", ".gal", ".gwt", ".html", ".json", ".md", ".mtx", ".txt"];
const ALL: [&str; 12] =
    [".csv", ".docx", ".html", ".json", ".md", ".tex", ".txt", ".svg", ".png", ".gal", ".gwt", ".mtx"];

/// What a value is in words, and the extensions it may be saved with.
fn kind_and_formats(output: &Output, tests: &[TestSpec]) -> (&'static str, &'static [&'static str]) {
    match output {
        Output::List(items) if beside(items, tests) => ("a list of tests", TABLE),
        Output::Table(_) | Output::Design(_) => ("a table", TABLE),
        Output::Test(_) => ("a test", TABLE),
        Output::Fit(_) => ("a fit", TABLE),
        Output::Answer {
            answer:
                Answer::Effects | Answer::Responses(_) | Answer::EffectsByUnit | Answer::EffectsByOrder(_) | Answer::Tidy,
            ..
        } => ("a table", TABLE),
        Output::Answer { answer: Answer::Explain, .. } => ("an explanation", TEXT),
        Output::Answer { answer: Answer::FixedEffects, .. } | Output::List(_) => ("a list", TEXT),
        Output::Answer { .. } | Output::Array(_) => ("an array", ARRAY),
        Output::Weights(_) => ("a weights matrix", MATRIX),
        Output::Treatment(_) => ("a treatment", TABLE),
        Output::Panel(_) => ("a panel", TABLE),
        Output::Described(_) => ("a description", TABLE),
        Output::Data(_) => ("a data set", TABLE),
        Output::Figure(_) => ("a figure", FIGURE),
        Output::Scalar(_) => ("a single value", VALUE),
    }
}

/// Tests of the autocorrelation of columns: their table has them beside each other.
fn beside(items: &[(Written, Output)], tests: &[TestSpec]) -> bool {
    items.len() > 1 && items.iter().all(|(_, o)| matches!(o, Output::Test(number) if tests[*number].is_of_column()))
}

impl Checker<'_> {
    pub(crate) fn print_statement(&mut self, statement: &Statement, expr: &Expr) {
        let Ok(output) = self.output(expr) else {
            self.gave_up = true;
            return;
        };
        let source = self.text(expr.span).to_string();
        self.spec.steps.push(Step { kind: StepKind::Print(output), source, place: Place(statement.span) });
    }

    /// What an expression shows.
    pub(crate) fn output(&mut self, expr: &Expr) -> Check<Output> {
        let value = self.value(expr)?;
        self.output_of(value, expr)
    }

    pub(crate) fn output_of(&mut self, value: Value, expr: &Expr) -> Check<Output> {
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
            Value::Described(d) => Output::Described((*d).clone()),
            Value::Data(d) => Output::Data(d),
            Value::Array(a) => {
                let (value, dims) = (a.value.clone(), a.dims.clone());
                Output::Array(self.interned(ArraySpec { value, dims, rows_of: None }))
            }
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
            Ok(output) => kind_and_formats(output, &self.spec.tests),
            // What it is was not found out: any format may be right.
            Err(_) => ("a value", &ALL[..]),
        };
        let format = self.save_path(&print::expression(value), path, kind, fitting);
        let (Ok(()), Ok(output)) = (format, output) else {
            self.gave_up = true;
            return;
        };
        let kind = StepKind::Save { output, path: path.text.clone(), path_place: Place(path.span) };
        let source = self.text(value.span).to_string();
        self.spec.steps.push(Step { kind, source, place: Place(statement.span) });
    }

    /// `report "paper.html" { VALUE… }`.
    pub(crate) fn report_statement(&mut self, statement: &Statement, path: &Text, items: &[Statement]) {
        let mut checked = Vec::new();
        let mut failed = self.save_path("a report", path, "a report", &[".html"]).is_err();
        for item in items {
            let StatementKind::Print(e) = &item.kind else { continue };
            match self.output(e) {
                Ok(output) => {
                    let source = Written(self.text(e.span).to_string());
                    checked.push(ReportItem { output, source, words: item.doc.clone() });
                }
                Err(_) => failed = true,
            }
        }
        if items.is_empty() {
            let message = format!("the report `{}` holds nothing", path.text);
            let fault = Diagnostic::error("durbin::check::arguments", statement.span, message)
                .help("write one value a line between `{` and `}`: tables, models, tests, text in quotes");
            self.report(fault);
            return;
        }
        if failed {
            return;
        }
        let doc = Written(self.request.program.doc.clone().unwrap_or_default());
        let kind = StepKind::Report { items: checked, path: path.text.clone(), path_place: Place(path.span), doc };
        let source = format!("report \"{}\"", path.text);
        self.spec.steps.push(Step { kind, source, place: Place(statement.span) });
    }

    /// The path stays below `--out` and its extension fits the value.
    fn save_path(&mut self, value: &str, path: &Text, kind: &str, fitting: &[&str]) -> Check<()> {
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
        if !ALL.contains(&extension.as_str()) {
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
            return Err(self.report(
                Diagnostic::error(
                    "durbin::output::format_of_kind",
                    path.span,
                    if value == kind {
                        format!("{kind} is a page, which a file `{extension}` does not hold")
                    } else {
                        format!("`{value}` is {kind}, which a file `{extension}` does not hold")
                    },
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
}
