//! The statements of a program in order: each binds a name or adds a step.

use super::library::{LATER_MODULES, MODULES};
use super::scope::{Binding, Callable, Value};
use super::spec::*;
use super::{Check, Checker, Reported};
use crate::diagnostic::Diagnostic;
use crate::fault::ticked_all;
use crate::suggest;
use crate::syntax::ast::*;
use crate::syntax::print;
use std::rc::Rc;

const SETTINGS: [&str; 5] = ["seed", "level", "draws", "digits", "lang"];

impl Checker<'_> {
    /// Checks every statement, then what concerns the whole program.
    pub(crate) fn run(&mut self) {
        let program = self.request.program;
        for statement in &program.statements {
            if let Some(name) = declared(&statement.kind) {
                self.scope.later.entry(name.text.clone()).or_insert(name.span);
            }
        }
        self.set_names();
        self.all_options();
        for (number, statement) in program.statements.iter().enumerate() {
            if number == self.request.settled {
                self.spec.first_step = self.spec.steps.len();
            }
            self.pinned = self.request.pinned.get(number).and_then(Option::as_ref);
            let name = declared(&statement.kind);
            if let Some(name) = name {
                self.scope.later.swap_remove(&name.text);
            }
            self.scope.declaring = name.map(|n| n.text.clone());
            self.statement(statement);
        }
        self.saves_are_safe();
        self.never_used();
        self.pedantic();
    }

    /// `--set` names must be top-level `let`s.
    fn set_names(&mut self) {
        let lets: Vec<&str> = (self.request.program.statements.iter())
            .filter_map(|s| match &s.kind {
                StatementKind::Let { name, .. } => Some(name.text.as_str()),
                _ => None,
            })
            .collect();
        for (name, _) in self.request.sets {
            if lets.contains(&name.as_str()) {
                continue;
            }
            let help = suggest::did_you_mean(name, lets.iter().copied());
            let message = format!("`--set {name}=…`: the program has no `let {name}`");
            let mut fault = crate::fault::Fault::error("durbin::check::unknown_set_name", message);
            fault.help = help;
            self.report(Diagnostic::at(fault, None));
        }
    }

    /// Binds a name once.
    pub(crate) fn bind_name(&mut self, name: &Name, value: Value, word: &'static str) {
        if let Some(earlier) = self.scope.names.get(&name.text) {
            let place = earlier.place;
            self.report(
                Diagnostic::error("durbin::check::name_taken", name.span, format!("`{}` is bound twice", name.text))
                    .label(place, "first here")
                    .help("choose another name"),
            );
            return;
        }
        self.scope.names.insert(name.text.clone(), Binding { value, place: name.span, used: false, word });
    }

    fn bind_checked(&mut self, name: &Name, value: Check<Value>, word: &'static str) {
        self.gave_up |= value.is_err();
        self.bind_name(name, value.unwrap_or(Value::Broken), word);
    }

    /// A function or a family; one that calls itself is bound as broken.
    fn bind_callable(&mut self, name: &Name, value: Value, word: &'static str) {
        let value = if self.calls_itself(name) { Value::Broken } else { value };
        self.bind_name(name, value, word);
    }

    fn statement(&mut self, statement: &Statement) {
        match &statement.kind {
            StatementKind::Use(target) => self.use_statement(target),
            StatementKind::Options(_) => {}
            StatementKind::Data(block) => self.data_statement(block),
            StatementKind::Panel(block) => self.panel_statement(block),
            StatementKind::Weights { name, parameters: Some(p), value, .. } => {
                let family = Callable { name: name.text.clone(), parameters: p.clone(), body: value.clone() };
                self.bind_callable(name, Value::Family(Rc::new(family)), "weights");
            }
            StatementKind::Weights { name, on, value, .. } => {
                let value = self.weights_statement(name, on.as_ref(), value);
                self.bind_checked(name, value, "weights");
            }
            StatementKind::Treatment { name, on, value } => {
                let value = self.treatment_statement(name, on.as_ref(), value);
                self.bind_checked(name, value, "treatment");
            }
            StatementKind::Let { name, parameters: Some(p), value } => {
                let function = Callable { name: name.text.clone(), parameters: p.clone(), body: value.clone() };
                self.bind_callable(name, Value::Function(Rc::new(function)), "let");
            }
            StatementKind::Let { name, value, .. } => {
                let set = self.request.sets.iter().find(|(n, _)| *n == name.text).map(|(_, e)| e.clone());
                let value = match &set {
                    Some(Expr { kind: ExprKind::Name(n), .. }) if self.scope.peek(&n.text).is_none() => {
                        Ok(Value::Scalar(ScalarExpr::Text(n.text.clone())))
                    }
                    Some(e) => self.value(e),
                    None => self.value(value),
                };
                self.bind_checked(name, value, "let");
            }
            StatementKind::Fn { name, parameters, body } => {
                let Some(body) = body else {
                    self.later(name.span, "a function without a body");
                    return;
                };
                let function = Callable { name: name.text.clone(), parameters: parameters.clone(), body: body.clone() };
                self.bind_callable(name, Value::Function(Rc::new(function)), "fn");
            }
            StatementKind::Model { name, value } => self.model_statement(name, value),
            StatementKind::Save { value, path } => self.save_statement(statement, value, path),
            StatementKind::Assert { condition, message } => {
                self.assert_statement(statement, condition, message.as_ref());
            }
            StatementKind::Report { path, items } => self.report_statement(statement, path, items),
            StatementKind::Print(e) => self.print_statement(statement, e),
        }
    }

    fn use_statement(&mut self, target: &UseTarget) {
        match target {
            UseTarget::File(text) => self.use_file(text),
            UseTarget::Module { path, span } => {
                let known: Vec<&str> = MODULES.iter().map(|m| m.0).chain(LATER_MODULES).collect();
                let module = path.get(1).map_or("", String::as_str);
                if path.len() != 2 || path[0] != "std" || !known.contains(&module) {
                    let near = suggest::nearest(module, known.iter().copied());
                    let help = match near {
                        Some(n) => format!("did you mean `use std::{n}`?"),
                        None => format!("the modules of `std` are {}", ticked_all(&known)),
                    };
                    self.report(
                        Diagnostic::error(
                            "durbin::check::unknown_module",
                            *span,
                            format!("there is no module `{}`", path.join("::")),
                        )
                        .help(help),
                    );
                } else if LATER_MODULES.contains(&module) {
                    self.later(*span, format!("the module `std::{module}`"));
                } else {
                    self.used_modules.push(module.to_string());
                }
            }
        }
    }

    /// The declarations of a file, as if they stood here; a file is taken in once.
    fn use_file(&mut self, file: &Text) {
        let modules = self.request.modules;
        let Some(ast) = modules.get(&file.text) else { return };
        if self.used_files.contains(&file.text) {
            return;
        }
        self.used_files.push(file.text.clone());
        self.inputs.push(super::Input { path: file.text.clone(), place: file.span });
        for statement in &ast.statements {
            match &statement.kind {
                StatementKind::Print(_)
                | StatementKind::Save { .. }
                | StatementKind::Report { .. }
                | StatementKind::Options(_)
                | StatementKind::Assert { .. } => {
                    let message = format!("`{}` is used for its declarations, and this is none", file.text);
                    let fault = Diagnostic::error("durbin::check::not_a_declaration", statement.span, message)
                        .label(file.span, "used here")
                        .help("a file that is used declares; what it prints, saves or sets belongs to the program");
                    self.report(fault);
                }
                _ => {
                    self.scope.declaring = declared(&statement.kind).map(|n| n.text.clone());
                    self.statement(statement);
                }
            }
        }
    }

    /// Settings are of the whole program, wherever it says them.
    fn all_options(&mut self) {
        let program = self.request.program;
        let blocks = program.statements.iter().filter_map(|s| match &s.kind {
            StatementKind::Options(settings) => Some(settings),
            _ => None,
        });
        let mut first: Vec<&Name> = Vec::new();
        for setting in blocks.flatten() {
            let name = setting.name.text.as_str();
            if let Some(earlier) = first.iter().find(|n| n.text == name) {
                self.report(
                    Diagnostic::error(
                        "durbin::check::said_twice",
                        setting.name.span,
                        format!("the setting `{name}` is given twice"),
                    )
                    .label(earlier.span, "first here")
                    .help("keep one of them"),
                );
                continue;
            }
            first.push(&setting.name);
            if !SETTINGS.contains(&name) {
                let mut fault = Diagnostic::error(
                    "durbin::check::unknown_setting",
                    setting.name.span,
                    format!("there is no setting `{name}`"),
                );
                fault.help = suggest::did_you_mean(name, SETTINGS);
                self.report(fault);
                continue;
            }
            let _ = self.setting(name, &setting.value);
        }
    }

    fn setting(&mut self, name: &str, value: &Expr) -> Check<()> {
        if name == "level" {
            self.spec.settings.level = self.level(value)?;
            return Ok(());
        }
        if name == "lang" {
            self.spec.settings.lang = self.language(value)?;
            return Ok(());
        }
        let (least, most) = match name {
            "draws" => (1.0, 1e7),
            "digits" => (1.0, 15.0),
            _ => (0.0, 9e15),
        };
        let x = self.number(value, &format!("`{name}`"))?;
        if x.fract() != 0.0 || !(least..=most).contains(&x) {
            return Err(self.report(Diagnostic::error(
                "durbin::check::out_of_range",
                value.span,
                format!("`{name}` is a whole number from {least} to {most}, {x} was given"),
            )));
        }
        match name {
            "seed" => self.spec.settings.seed = x as u64,
            "draws" => self.spec.settings.draws = x as usize,
            _ => self.spec.settings.digits = x as usize,
        }
        Ok(())
    }

    /// The language of labels and notes.
    fn language(&mut self, value: &Expr) -> Check<Lang> {
        match self.string(value)?.as_str() {
            "en" => Ok(Lang::En),
            "zh" => Ok(Lang::Zh),
            other => Err(self.report(
                Diagnostic::error(
                    "durbin::check::bad_option_value",
                    value.span,
                    format!("tables are not made in the language `{other}`"),
                )
                .help("`lang` is \"en\" (English) or \"zh\" (Chinese)"),
            )),
        }
    }

    fn weights_statement(&mut self, name: &Name, on: Option<&Name>, value: &Expr) -> Check<Value> {
        let recipe = self.recipe(value)?;
        let repair = format!("say which: `weights {} on PANEL = …`", name.text);
        let panel = self.panel_of(on, name.span, "this weights matrix", &repair)?;
        self.needs(&recipe, panel)?;
        Ok(Value::Weights(recipe, Some(panel)))
    }

    fn treatment_statement(&mut self, name: &Name, on: Option<&Name>, value: &Expr) -> Check<Value> {
        let repair = format!("say which: `treatment {} on PANEL = …`", name.text);
        let panel = self.panel_of(on, name.span, "this treatment", &repair)?;
        let ExprKind::Call { callee, arguments } = &value.kind else {
            return Err(self.no_treatment_rule(value));
        };
        let word = if let ExprKind::Name(n) = &callee.kind { n.text.as_str() } else { "" };
        let positional = arguments.iter().find(|a| a.label.is_none()).map(|a| &a.value);
        let rule = match (word, positional) {
            ("starts", Some(Expr { kind: ExprKind::Record(entries), .. })) => {
                TreatmentRule::Inline(self.inline_starts(entries)?)
            }
            ("starts", Some(e)) if arguments.len() == 1 => TreatmentRule::Starts(self.column(e, panel)?),
            ("indicator", Some(e)) => {
                let Some(entry) = self.request.library.get("indicator") else { return Err(Reported) };
                let bound = self.bind("indicator", &entry.parameters, arguments, value.span)?;
                let reversible = match bound.get("reversible") {
                    Some(r) => self.boolean("reversible", r)?,
                    None => false,
                };
                TreatmentRule::Indicator { column: self.column(e, panel)?, reversible }
            }
            _ => return Err(self.no_treatment_rule(value)),
        };
        self.spec.treatments.push(TreatmentSpec { name: name.text.clone(), panel, rule, place: Place(value.span) });
        Ok(Value::Treatment(self.spec.treatments.len() - 1))
    }

    fn no_treatment_rule(&mut self, value: &Expr) -> Reported {
        self.report(
            Diagnostic::error(
                "durbin::check::wrong_kind",
                value.span,
                format!("`{}` is no treatment", print::expression(value)),
            )
            .help("a treatment is `starts(COLUMN)`, `starts({ \"UNIT\": 2016 })` or `indicator(COLUMN)`"),
        )
    }

    fn inline_starts(&mut self, entries: &[(RecordKey, Expr)]) -> Check<Vec<(String, i64, Place)>> {
        let mut out: Vec<(String, i64, Place)> = Vec::new();
        for (key, value) in entries {
            let (unit, span) = match key {
                RecordKey::Name(n) => (n.text.clone(), n.span),
                RecordKey::Text(t) => (t.text.clone(), t.span),
                RecordKey::Number(x, s) => (x.to_string(), *s),
            };
            if let Some((_, _, first)) = out.iter().find(|(known, _, _)| *known == unit) {
                return Err(self.key_twice(&unit, span, first.0));
            }
            let start = self.number(value, "a start")?;
            if start.fract() != 0.0 || start.abs() > 9e15 {
                return Err(self.report(Diagnostic::error(
                    "durbin::treatment::bad_start",
                    value.span,
                    format!("\"{unit}\" starts in {start}; a start is a whole number"),
                )));
            }
            out.push((unit, start as i64, Place(span)));
        }
        Ok(out)
    }

    fn model_statement(&mut self, name: &Name, value: &Expr) {
        let checked = match self.value(value) {
            Ok(Value::Model(model)) => {
                let kind = StepKind::Model { name: name.text.clone(), model };
                let source = self.text(value.span).to_string();
                self.spec.steps.push(Step { kind, source, place: Place(value.span) });
                Ok(Value::Model(model))
            }
            Ok(Value::Later(k)) => Ok(Value::Later(k)),
            Ok(other) => Err(self.wrong_kind(value.span, "a model query", &other, None)),
            Err(r) => Err(r),
        };
        self.bind_checked(name, checked, "model");
    }
}

/// The name a statement declares.
fn declared(kind: &StatementKind) -> Option<&Name> {
    match kind {
        StatementKind::Data(b) | StatementKind::Panel(b) => Some(&b.name),
        StatementKind::Weights { name, .. }
        | StatementKind::Treatment { name, .. }
        | StatementKind::Let { name, .. }
        | StatementKind::Fn { name, .. }
        | StatementKind::Model { name, .. } => Some(name),
        _ => None,
    }
}
