//! Expressions over the rows of a panel: derived columns, conditions and the terms of formulas.

use super::scope::Value;
use super::spec::*;
use super::{Check, Checker, Reported, foreign};
use crate::diagnostic::Diagnostic;
use crate::fault::{ticked_all, ticked_list};
use crate::suggest;
use crate::syntax::ast::*;
use crate::syntax::print;

impl Checker<'_> {
    /// An expression over the rows of `panel`. Every fault inside is reported.
    pub(crate) fn column(&mut self, expr: &Expr, panel: usize) -> Check<Column> {
        let kind = self.column_kind(expr, panel)?;
        Ok(Column { kind, text: print::expression(expr), place: Place(self.at(expr.span)) })
    }

    fn column_kind(&mut self, expr: &Expr, panel: usize) -> Check<ColumnKind> {
        match &expr.kind {
            ExprKind::Number(x) => Ok(ColumnKind::Number(*x)),
            ExprKind::Text(t) => Ok(ColumnKind::Text(t.clone())),
            ExprKind::Bool(b) => Ok(ColumnKind::Bool(*b)),
            ExprKind::Missing => Ok(ColumnKind::Missing),
            ExprKind::Group(inner) => self.column_kind(inner, panel),
            ExprKind::Name(name) => self.column_name(name, panel),
            ExprKind::Field { of, name } => self.column_field(expr, of, name, panel),
            ExprKind::Prefix { operators, operand } => {
                let mut column = self.column(operand, panel)?;
                for (operator, _) in operators.iter().rev() {
                    let inner = Box::new(column.clone());
                    column.kind = match operator {
                        PrefixOperator::Minus => ColumnKind::Negate(inner),
                        PrefixOperator::Not => ColumnKind::Not(inner),
                        PrefixOperator::Plus => continue,
                    };
                }
                Ok(column.kind)
            }
            ExprKind::Chain { first, rest } => self.column_chain(expr, first, rest, panel),
            ExprKind::If { branches, otherwise } => {
                let mut out = Vec::new();
                for (c, v) in branches {
                    out.push((self.column(c, panel)?, self.column(v, panel)?));
                }
                Ok(ColumnKind::If { branches: out, otherwise: Box::new(self.column(otherwise, panel)?) })
            }
            ExprKind::Call { callee, arguments } => self.column_call(expr, callee, arguments, panel),
            ExprKind::Length { .. } => Err(self.report(
                Diagnostic::error(
                    "durbin::check::unit_of_measure",
                    self.at(expr.span),
                    format!("a column has no unit of length, `{}` has", print::expression(expr)),
                )
                .help("leave the unit out"),
            )),
            ExprKind::List(_) | ExprKind::Record(_) | ExprKind::Comprehension { .. } => {
                Err(self.report(Diagnostic::error(
                    "durbin::check::wrong_kind",
                    self.at(expr.span),
                    format!("a column is wanted, `{}` is none", print::expression(expr)),
                )))
            }
            ExprKind::Dot | ExprKind::Formula { .. } => Err(self.report(
                Diagnostic::error(
                    "durbin::check::not_a_term",
                    self.at(expr.span),
                    format!("`{}` is no column", print::expression(expr)),
                )
                .help("columns are named"),
            )),
        }
    }

    /// What a bare name means among columns: a treatment, a column, a constant.
    fn column_name(&mut self, name: &Name, panel: usize) -> Check<ColumnKind> {
        if let Some(Value::Treatment(t)) = self.scope.peek(&name.text) {
            let t = *t;
            self.scope.look_up(&name.text);
            let on = self.spec.treatments.get(t).map_or(panel, |t| t.panel);
            if on != panel {
                let (own, here) = (self.panels[on].spec.name.clone(), self.panels[panel].spec.name.clone());
                let message = format!("`{}` is on panel `{own}`, the columns are of panel `{here}`", name.text);
                return Err(self.report(
                    Diagnostic::error("durbin::check::which_panel", self.at(name.span), message)
                        .help(format!("declare a treatment of that panel: `treatment NAME on {here} = …`")),
                ));
            }
            return Ok(ColumnKind::Treatment(t));
        }
        let info = &self.panels[panel];
        if info.broken_columns.contains(&name.text) {
            return Err(Reported);
        }
        if info.columns.contains_key(&name.text) {
            return Ok(ColumnKind::Name(name.text.clone()));
        }
        match self.scope.look_up(&name.text) {
            Some(Value::Scalar(ScalarExpr::Number(x))) => Ok(ColumnKind::Number(x)),
            Some(Value::Scalar(ScalarExpr::Text(t))) => Ok(ColumnKind::Text(t)),
            Some(Value::Scalar(ScalarExpr::Bool(b))) => Ok(ColumnKind::Bool(b)),
            Some(Value::Broken) => Err(Reported),
            Some(other) => Err(self.wrong_kind(name.span, "a column", &other, Some(&name.text))),
            None if name.text == "inf" && !name.quoted => Ok(ColumnKind::Number(f64::INFINITY)),
            None if matches!(name.text.as_str(), "unit" | "time") && !name.quoted => {
                let spec = &self.panels[panel].spec;
                Ok(ColumnKind::Name(if name.text == "unit" { spec.unit.clone() } else { spec.time.clone() }))
            }
            None => Err(self.unknown_column(name, panel)),
        }
    }

    /// `unknown_column`: the file, a near name, or the data set that has it.
    pub(crate) fn unknown_column(&mut self, name: &Name, panel: usize) -> Reported {
        if self.scope.later.contains_key(&name.text) {
            return self.unknown_name(name, |_| true);
        }
        let info = &self.panels[panel];
        let files = ticked_list(&info.files);
        let columns: Vec<&str> = info.columns.keys().map(String::as_str).filter(|c| !c.is_empty()).collect();
        let names = self.scope.names_of(|v| matches!(v, Value::Treatment(_) | Value::Terms(_)));
        let near = suggest::nearest(&name.text, columns.iter().copied().chain(names.iter().copied()));
        let elsewhere = self.data.iter().find(|d| d.columns.contains(&name.text)).map(|d| d.name.clone());
        let other = self.panels.iter().find(|p| p.columns.contains_key(&name.text)).map(|p| p.spec.name.clone());
        let help = match (near, elsewhere, other) {
            (Some(n), _, _) => Some(format!("did you mean `{n}`?")),
            (_, Some(d), _) => Some(format!("the data set `{d}` has it: bring it in with `join {d} by …`")),
            (_, _, Some(p)) => Some(format!("panel `{p}` has it")),
            _ if columns.len() <= 12 => Some(format!("its columns are {}", ticked_all(&columns))),
            _ => None,
        };
        let mut fault = Diagnostic::error(
            "durbin::check::unknown_column",
            self.at(name.span),
            format!("panel `{}` has no column `{}` (read from {files})", info.spec.name, name.text),
        );
        fault.help = help;
        self.report(fault)
    }

    /// `towns.income`, or a prefix of Stata's.
    fn column_field(&mut self, expr: &Expr, of: &Expr, name: &Name, panel: usize) -> Check<ColumnKind> {
        let ExprKind::Name(base) = &of.kind else {
            return Err(self.report(Diagnostic::error(
                "durbin::check::wrong_kind",
                self.at(expr.span),
                format!("`{}` is no column", print::expression(expr)),
            )));
        };
        match self.scope.look_up(&base.text) {
            Some(Value::Panel(p)) if p == panel => return self.column_name(name, panel),
            Some(Value::Panel(_)) => return Err(self.later(expr.span, "a column of another panel")),
            Some(Value::Data(d)) => {
                let data = &self.data[d];
                if data.columns.contains(&name.text) {
                    return Err(self.later(expr.span, "a labelled array of a data set"));
                }
                let columns = data.columns.clone();
                let (owner, file) = (data.name.clone(), data.file.clone());
                let mut fault = Diagnostic::error(
                    "durbin::check::unknown_column",
                    self.at(name.span),
                    format!("data set `{owner}` has no column `{}` (read from `{file}`)", name.text),
                );
                fault.help = suggest::did_you_mean(&name.text, columns.iter().map(String::as_str));
                return Err(self.report(fault));
            }
            Some(Value::Broken) => return Err(Reported),
            Some(other) => return Err(self.wrong_kind(base.span, "a data set", &other, Some(&base.text))),
            None => {}
        }
        if let Some(term) = foreign::stata_term(&base.text, &print::name(&name.text)) {
            let written = format!("{}.{}", base.text, name.text);
            return Err(self.report(
                Diagnostic::error(
                    "durbin::check::stata_prefix",
                    self.at(expr.span),
                    format!("`{written}` is a prefix of Stata's"),
                )
                .help(format!("write `{term}`")),
            ));
        }
        Err(self.unknown_name(base, |v| matches!(v, Value::Panel(_) | Value::Data(_))))
    }

    fn column_chain(
        &mut self,
        expr: &Expr,
        first: &Expr,
        rest: &[(Operator, crate::source::Span, Expr)],
        panel: usize,
    ) -> Check<ColumnKind> {
        match rest[0].0 {
            Operator::At => return self.spatial_lag(first, rest, panel),
            Operator::In | Operator::NotIn => return self.column_in(first, rest, panel),
            Operator::Range => {
                return Err(self.report(Diagnostic::error(
                    "durbin::check::wrong_kind",
                    self.at(expr.span),
                    format!("a column is wanted, `{}` is a range", print::expression(expr)),
                )));
            }
            Operator::Times => {
                let operands = std::iter::once(first).chain(rest.iter().map(|r| &r.2));
                let names: Vec<&Expr> = operands.collect();
                if let Some(w) = names.iter().find(|e| self.names_weights(e)) {
                    let other: Vec<String> =
                        names.iter().filter(|e| e.span != w.span).map(|e| print::expression(e)).collect();
                    let w = print::expression(w);
                    return Err(self.report(
                        Diagnostic::error(
                            "durbin::check::weights_times_column",
                            self.at(expr.span),
                            format!("`{w}` is weights and `{}` a column: `*` does not lag", other.join(" * ")),
                        )
                        .help(format!("a spatial lag is written `{w} @ {}`", other.join(" * "))),
                    ));
                }
            }
            _ => {}
        }
        // `:` is the product of an interaction
        let mut failed = None;
        let mut columns = Vec::new();
        for e in std::iter::once(first).chain(rest.iter().map(|r| &r.2)) {
            match self.column(e, panel) {
                Ok(c) => columns.push(c),
                Err(r) => failed = Some(r),
            }
        }
        if let Some(r) = failed {
            return Err(r);
        }
        let mut columns = columns.into_iter();
        let Some(head) = columns.next() else { return Err(Reported) };
        let product = |o| if o == Operator::Colon { Operator::Times } else { o };
        let rest = rest.iter().map(|r| product(r.0)).zip(columns).collect();
        Ok(ColumnKind::Chain { first: Box::new(head), rest })
    }

    /// Whether an expression is the name of weights or a call that makes some.
    pub(crate) fn names_weights(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Name(n) => matches!(self.scope.peek(&n.text), Some(Value::Weights(..))),
            ExprKind::Group(inner) => self.names_weights(inner),
            ExprKind::Call { callee, .. } => match &callee.kind {
                ExprKind::Name(n) => {
                    matches!(self.scope.peek(&n.text), Some(Value::Family(_)))
                        || self.scope.peek(&n.text).is_none() && self.is_weights_function(&n.text)
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// `W @ x`, `W @ W @ x`: each a product with a vector, from the right.
    fn spatial_lag(
        &mut self,
        first: &Expr,
        rest: &[(Operator, crate::source::Span, Expr)],
        panel: usize,
    ) -> Check<ColumnKind> {
        let operands: Vec<&Expr> = std::iter::once(first).chain(rest.iter().map(|r| &r.2)).collect();
        let Some((last, matrices)) = operands.split_last() else { return Err(Reported) };
        let mut column = self.column(last, panel)?;
        for w in matrices.iter().rev() {
            let weights = self.weights_use(w, panel)?;
            let text = format!("{} @ {}", weights.name, column.text);
            let place = Place(self.at(w.span.to(last.span)));
            column = Column { kind: ColumnKind::SpatialLag { weights, of: Box::new(column) }, text, place };
        }
        Ok(column.kind)
    }

    fn column_in(
        &mut self,
        first: &Expr,
        rest: &[(Operator, crate::source::Span, Expr)],
        panel: usize,
    ) -> Check<ColumnKind> {
        let value = self.column(first, panel)?;
        let items = match &rest[0].2.kind {
            ExprKind::List(items) => items.clone(),
            _ => match self.value(&rest[0].2)? {
                Value::List(items) => items.into_iter().map(|(_, e)| e).collect(),
                Value::Range(lo, hi) => {
                    let span = rest[0].2.span;
                    (lo..=hi).map(|i| Expr { kind: ExprKind::Number(i as f64), span }).collect()
                }
                other => return Err(self.wrong_kind(rest[0].2.span, "a list", &other, None)),
            },
        };
        let mut list = Vec::new();
        for item in &items {
            list.push(self.column(item, panel)?);
        }
        Ok(ColumnKind::In { value: Box::new(value), list, negated: rest[0].0 == Operator::NotIn })
    }

    fn column_call(&mut self, expr: &Expr, callee: &Expr, arguments: &[Argument], panel: usize) -> Check<ColumnKind> {
        let ExprKind::Name(name) = &callee.kind else {
            let text = print::expression(callee);
            return Err(self.report(Diagnostic::error(
                "durbin::check::not_callable",
                self.at(callee.span),
                format!("`{text}` is not a function"),
            )));
        };
        if let Some(value) = self.scope.look_up(&name.text) {
            if let Value::Function(_) = value {
                return Err(self.later(expr.span, format!("the function `{}`", name.text)));
            }
            return Err(self.not_callable(name.span, &name.text, &value));
        }
        if name.text == "i" {
            return Err(self.later(expr.span, "`i(…)` as a part of an expression"));
        }
        let Some(entry) = self.request.library.get(&name.text) else {
            return Err(self.unknown_function(name, arguments));
        };
        let Some(function) = Function::of(&name.text).filter(|_| arguments.iter().all(|a| a.over.is_none())) else {
            if self.is_weights_function(&name.text) || entry.module == "models" || entry.module == "designs" {
                return Err(self.report(Diagnostic::error(
                    "durbin::check::wrong_kind",
                    self.at(expr.span),
                    format!("a column is wanted, `{}` makes none", name.text),
                )));
            }
            for a in arguments.iter().take(1) {
                let _ = self.column(&a.value, panel);
            }
            return Err(self.later(expr.span, format!("`{}`", name.text)));
        };
        self.function_call(expr, function, &name.text, arguments, panel)
    }

    /// `i(x)` as a term of its own: one dummy per level.
    pub(crate) fn levels(&mut self, expr: &Expr, arguments: &[Argument], panel: usize) -> Check<Column> {
        let [Argument { label: None, over: None, value }] = arguments else {
            return Err(self.wrong_count(expr, "i", "i(x)", arguments.len()));
        };
        let inner = self.column(value, panel)?;
        let kind = ColumnKind::Levels(Box::new(inner));
        Ok(Column { kind, text: print::expression(expr), place: Place(self.at(expr.span)) })
    }

    fn wrong_count(&mut self, expr: &Expr, name: &str, signature: &str, given: usize) -> Reported {
        self.report(
            Diagnostic::error(
                "durbin::check::arguments",
                self.at(expr.span),
                format!("`{name}` does not take {given} arguments"),
            )
            .help(format!("`{signature}`")),
        )
    }

    fn function_call(
        &mut self,
        expr: &Expr,
        function: Function,
        name: &str,
        arguments: &[Argument],
        panel: usize,
    ) -> Check<ColumnKind> {
        let mut number = 1.0;
        let mut positional: Vec<&Argument> = arguments.iter().filter(|a| a.label.is_none()).collect();
        for a in arguments {
            let Some(label) = &a.label else { continue };
            let second = self.request.library.get(name).and_then(|e| e.parameters.get(1));
            if second.is_some_and(|p| p.name.text == label.text && p.over.is_none()) && positional.len() == 1 {
                positional.push(a);
            } else {
                return Err(self.report(Diagnostic::error(
                    "durbin::check::unknown_option",
                    self.at(label.span),
                    format!("`{name}` has no option `{}`", label.text),
                )));
            }
        }
        let (least, most) = match function {
            Function::Min | Function::Max | Function::Coalesce => (1, usize::MAX),
            Function::Lag | Function::Lead | Function::Diff | Function::Growth | Function::Round => (1, 2),
            _ => (1, 1),
        };
        if positional.len() < least || positional.len() > most {
            let signature = self.request.library.get(name).map(|e| e.signature()).unwrap_or_default();
            return Err(self.wrong_count(expr, name, &signature, positional.len()));
        }
        if let (true, [_, k]) = (least == 1 && most == 2, positional.as_slice()) {
            number = self.number(&k.value, "the number of periods")?;
            if function.along_time() && (number < 0.0 || number.fract() != 0.0) {
                return Err(self.report(
                    Diagnostic::error(
                        "durbin::check::out_of_range",
                        self.at(k.value.span),
                        format!("`{name}` looks a whole number of periods back, {number} was given"),
                    )
                    .help("`lead` looks forward"),
                ));
            }
            positional.truncate(1);
        } else if function == Function::Round {
            number = 0.0;
        }
        let mut columns = Vec::new();
        let mut failed = None;
        for a in positional {
            match self.column(&a.value, panel) {
                Ok(c) => columns.push(c),
                Err(r) => failed = Some(r),
            }
        }
        failed.map_or(Ok(ColumnKind::Call { function, arguments: columns, number }), Err)
    }
}
