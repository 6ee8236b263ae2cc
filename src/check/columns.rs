//! Expressions over the rows of a panel or a data set: derived columns, conditions and the terms of formulas. Inside
//! them labelled arrays may have further dimensions (`arrays`), which a panel's columns may not keep.

use super::arrays::{ALONG, On};
use super::library::{Body, Entry};
use super::scope::{Callable, Value};
use super::spec::*;
use super::{Check, Checker, Reported, foreign};
use crate::diagnostic::Diagnostic;
use crate::fault::{ticked_all, ticked_list};
use crate::suggest;
use crate::syntax::ast::*;
use crate::syntax::print;

impl Checker<'_> {
    /// An expression over the rows of a panel. Every fault inside is reported.
    pub(crate) fn column(&mut self, expr: &Expr, panel: usize) -> Check<Column> {
        let column = self.array(expr, On::Panel(panel))?;
        self.no_dimension_left(&column, panel)?;
        Ok(column)
    }

    /// An expression with any dimensions.
    pub(crate) fn array(&mut self, expr: &Expr, on: On) -> Check<Column> {
        if let ExprKind::Group(inner) = &expr.kind
            && !reads_otherwise_as_a_term(inner)
        {
            return self.array(inner, on);
        }
        let kind = self.column_kind(expr, on)?;
        Ok(Column { kind, text: print::expression(expr), place: Place(self.at(expr.span)) })
    }

    fn column_kind(&mut self, expr: &Expr, on: On) -> Check<ColumnKind> {
        match &expr.kind {
            ExprKind::Number(x) => Ok(ColumnKind::Number(*x)),
            ExprKind::Text(t) => Ok(ColumnKind::Text(t.clone())),
            ExprKind::Bool(b) => Ok(ColumnKind::Bool(*b)),
            ExprKind::Missing => Ok(ColumnKind::Missing),
            ExprKind::Group(inner) => self.column_kind(inner, on),
            ExprKind::Name(name) => self.column_name(name, on),
            ExprKind::Field { of, name } => self.column_field(expr, of, name, on),
            ExprKind::Prefix { operators, operand } => {
                let mut column = self.array(operand, on)?;
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
            ExprKind::Chain { first, rest } => self.column_chain(expr, first, rest, on),
            ExprKind::If { branches, otherwise } => {
                let mut out = Vec::new();
                for (c, v) in branches {
                    out.push((self.array(c, on)?, self.array(v, on)?));
                }
                Ok(ColumnKind::If { branches: out, otherwise: Box::new(self.array(otherwise, on)?) })
            }
            ExprKind::Call { callee, arguments } => self.column_call(expr, callee, arguments, on),
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

    /// What a bare name means among columns: the label of a dimension, a treatment, a column, a constant.
    fn column_name(&mut self, name: &Name, on: On) -> Check<ColumnKind> {
        if let Some(kind) = self.label_name(name, on) {
            return Ok(kind);
        }
        if let On::Panel(panel) = on
            && let Some(Value::Treatment(t)) = self.scope.peek(&name.text)
        {
            return self.treatment_column(name, *t, panel);
        }
        if let Some(info) = self.info(on) {
            if info.broken_columns.contains(&name.text) {
                return Err(Reported);
            }
            if info.columns.contains_key(&name.text) {
                return Ok(ColumnKind::Name(name.text.clone()));
            }
        }
        match self.bound(name) {
            Some(Value::Scalar(ScalarExpr::Number(x))) => Ok(ColumnKind::Number(x)),
            Some(Value::Scalar(ScalarExpr::Text(t))) => Ok(ColumnKind::Text(t)),
            Some(Value::Scalar(ScalarExpr::Bool(b))) => Ok(ColumnKind::Bool(b)),
            Some(Value::Missing) => Ok(ColumnKind::Missing),
            Some(Value::Array(array)) => self.adopted(name, &array, on),
            Some(Value::Column(column)) if column.span != name.span => self.column_kind(&column, on),
            Some(Value::Broken) => Err(Reported),
            Some(other) => Err(self.wrong_kind(name.span, "a column", &other, Some(&name.text))),
            None if name.text == "inf" && !name.quoted => Ok(ColumnKind::Number(f64::INFINITY)),
            None => match self.dimension_name(name, on) {
                Some(kind) => Ok(kind),
                None => Err(self.unknown_column(name, on)),
            },
        }
    }

    fn treatment_column(&mut self, name: &Name, t: usize, panel: usize) -> Check<ColumnKind> {
        self.scope.look_up(&name.text);
        let on = self.spec.treatments.get(t).map_or(panel, |t| t.panel);
        if on == panel {
            return Ok(ColumnKind::Treatment(t));
        }
        let (own, here) = (self.panels[on].spec.name.clone(), self.panels[panel].spec.name.clone());
        let message = format!("`{}` is on panel `{own}`, the columns are of panel `{here}`", name.text);
        Err(self.report(
            Diagnostic::error("durbin::check::which_panel", self.at(name.span), message)
                .help(format!("declare a treatment of that panel: `treatment NAME on {here} = …`")),
        ))
    }

    /// `unknown_column`: the file, a near name, or the data set that has it.
    pub(crate) fn unknown_column(&mut self, name: &Name, on: impl Into<On>) -> Reported {
        let on = on.into();
        if self.scope.later.contains_key(&name.text) {
            return self.unknown_name(name, |_| true);
        }
        let Some(info) = self.info(on) else { return self.unknown_name(name, |v| matches!(v, Value::Array(_))) };
        let files = ticked_list(&info.files);
        let columns: Vec<&str> = info.columns.keys().map(String::as_str).filter(|c| !c.is_empty()).collect();
        let names = self.scope.names_of(|v| matches!(v, Value::Treatment(_) | Value::Terms(_)));
        let near = suggest::nearest(&name.text, columns.iter().copied().chain(names.iter().copied()));
        let elsewhere =
            self.data.iter().find(|d| d.info.columns.contains_key(&name.text)).map(|d| d.info.spec.name.clone());
        let other = self.panels.iter().find(|p| p.columns.contains_key(&name.text)).map(|p| p.spec.name.clone());
        let help = match (near, elsewhere, other) {
            (Some(n), _, _) => Some(format!("did you mean `{n}`?")),
            (_, Some(d), _) => {
                let array = format!("{d}.{}", print::name(&name.text));
                Some(format!("the data set `{d}` has it: `{array}` is its array, `join {d} by …` brings it in"))
            }
            (_, _, Some(p)) => Some(format!("panel `{p}` has it")),
            _ if columns.len() <= 12 => Some(format!("its columns are {}", ticked_all(&columns))),
            _ => None,
        };
        let mut fault = Diagnostic::error(
            "durbin::check::unknown_column",
            self.at(name.span),
            format!("{} `{}` has no column `{}` (read from {files})", on.word(), info.spec.name, name.text),
        );
        fault.help = help;
        self.report(fault)
    }

    /// `towns.income`, or a prefix of Stata's.
    fn column_field(&mut self, expr: &Expr, of: &Expr, name: &Name, on: On) -> Check<ColumnKind> {
        let ExprKind::Name(base) = &of.kind else {
            return Err(self.report(Diagnostic::error(
                "durbin::check::wrong_kind",
                self.at(expr.span),
                format!("`{}` is no column", print::expression(expr)),
            )));
        };
        match self.bound(base) {
            Some(Value::Panel(p)) if on == On::Panel(p) => return self.column_name(name, on),
            Some(Value::Panel(p)) => return self.foreign_column(name, p, on),
            Some(Value::Data(d)) => return self.data_column(name, d, on),
            Some(Value::Record(entries)) => {
                if let Some((_, Value::Scalar(s), _)) = entries.iter().find(|(k, _, _)| *k == name.text) {
                    return match s {
                        ScalarExpr::Number(x) => Ok(ColumnKind::Number(*x)),
                        ScalarExpr::Text(t) => Ok(ColumnKind::Text(t.clone())),
                        ScalarExpr::Bool(b) => Ok(ColumnKind::Bool(*b)),
                        _ => Err(self.wrong_kind(expr.span, "a column", &Value::Scalar(s.clone()), None)),
                    };
                }
                return Err(self.unknown_name(name, |_| false));
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
        on: On,
    ) -> Check<ColumnKind> {
        match rest[0].0 {
            Operator::At => return self.spatial_lag(first, rest, on),
            Operator::In | Operator::NotIn => return self.column_in(first, rest, on),
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
            match self.array(e, on) {
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
        on: On,
    ) -> Check<ColumnKind> {
        let operands: Vec<&Expr> = std::iter::once(first).chain(rest.iter().map(|r| &r.2)).collect();
        let Some((last, matrices)) = operands.split_last() else { return Err(Reported) };
        let On::Panel(panel) = on else {
            return Err(self.later(first.span.to(last.span), "a spatial lag outside formulas and panel clauses"));
        };
        let mut column = self.array(last, on)?;
        self.no_dimension_left(&column, panel)?;
        for w in matrices.iter().rev() {
            let weights = self.weights_use(w, panel)?;
            let text = format!("{} @ {}", weights.name, column.text);
            let place = Place(self.at(w.span.to(last.span)));
            column = Column { kind: ColumnKind::SpatialLag { weights, of: Box::new(column) }, text, place };
        }
        Ok(column.kind)
    }

    fn column_in(&mut self, first: &Expr, rest: &[(Operator, crate::source::Span, Expr)], on: On) -> Check<ColumnKind> {
        let value = self.array(first, on)?;
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
            list.push(self.array(item, on)?);
        }
        Ok(ColumnKind::In { value: Box::new(value), list, negated: rest[0].0 == Operator::NotIn })
    }

    fn column_call(&mut self, expr: &Expr, callee: &Expr, arguments: &[Argument], on: On) -> Check<ColumnKind> {
        let ExprKind::Name(name) = &callee.kind else {
            let text = print::expression(callee);
            return Err(self.report(Diagnostic::error(
                "durbin::check::not_callable",
                self.at(callee.span),
                format!("`{text}` is not a function"),
            )));
        };
        match self.bound(name) {
            Some(Value::Function(f)) => {
                return self.expand(&f, arguments, expr, |checker, body| checker.column_kind(body, on));
            }
            Some(value) => return Err(self.not_callable(name.span, &name.text, &value)),
            None => {}
        }
        if name.text == "i" {
            return Err(self.later(expr.span, "`i(…)` as a part of an expression"));
        }
        if let Some(native) = self.request.natives.iter().find(|n| n.name == name.text) {
            let function = Function::Native(native.id);
            return self.function_call(expr, function, &name.text, arguments, on);
        }
        let Some(entry) = self.library_entry(name) else { return Err(self.unknown_function(name, arguments)) };
        if let Body::Function(body) = &entry.body {
            let f = Callable { name: entry.name.clone(), parameters: entry.parameters.clone(), body: body.clone() };
            return self.expand(&f, arguments, expr, |checker, body| checker.column_kind(body, on));
        }
        let over = arguments.iter().any(|a| a.over.is_some());
        if let Some(how) = Reduction::of(&name.text).filter(|_| over) {
            return self.reduction(expr, &entry, how, arguments, on);
        }
        if ALONG.contains(&name.text.as_str()) && (over || name.text != "cumsum") {
            return self.along(expr, &entry, arguments, on);
        }
        if name.text == "undefined" {
            return self.undefined(expr, &entry, arguments);
        }
        if matches!(name.text.as_str(), "ring" | "distance_to") {
            return self.near_call(expr, &entry, arguments, on);
        }
        let Some(function) = Function::of(&name.text).filter(|_| !over) else {
            return Err(self.no_column_function(expr, &entry, over));
        };
        self.function_call(expr, function, &name.text, arguments, on)
    }

    /// A library function that makes no column, or not in this way.
    fn no_column_function(&mut self, expr: &Expr, entry: &Entry, over: bool) -> Reported {
        let (code, message) = if Reduction::of(&entry.name).is_some() {
            ("durbin::check::arguments", format!("`{}` lacks the dimension it takes away", entry.name))
        } else if over {
            ("durbin::check::arguments", format!("`{}` is no reduction: it takes no `over`", entry.name))
        } else {
            ("durbin::check::wrong_kind", format!("a column is wanted, `{}` makes none", entry.name))
        };
        self.report(Diagnostic::error(code, self.at(expr.span), message).help(format!("`{}`", entry.signature())))
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

    pub(crate) fn wrong_count(&mut self, expr: &Expr, name: &str, signature: &str, given: usize) -> Reported {
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
        on: On,
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
            Function::Native(id) => {
                let arity = self.request.natives.iter().find(|n| n.id == id).map_or(1, |n| n.arity);
                (arity, arity)
            }
            _ => (1, 1),
        };
        if positional.len() < least || positional.len() > most {
            let shown = || format!("{name}({})", vec!["x"; least].join(", "));
            let signature = self.request.library.get(name).map_or_else(shown, |e| e.signature());
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
            match self.array(&a.value, on) {
                Ok(c) => columns.push(c),
                Err(r) => failed = Some(r),
            }
        }
        failed.map_or(Ok(ColumnKind::Call { function, arguments: columns, number }), Err)
    }
}

/// Whether brackets have a meaning in a formula: `(a * b)` is a product, `a * b` crosses its factors.
fn reads_otherwise_as_a_term(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Chain { rest, .. } if rest.iter().any(|r| r.0 != Operator::At))
}
