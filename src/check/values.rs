//! Values of the language before data are read: constants are folded, results of estimates stay expressions.

use super::library::{Entry, OPTIONAL_MODULES};
use super::scope::Value;
use super::spec::*;
use super::{Check, Checker, Reported, foreign};
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::suggest;
use crate::syntax::ast::*;
use crate::syntax::print;
use std::rc::Rc;

/// Kilometers in a unit of length.
pub(crate) fn kilometers(unit: &str) -> Option<f64> {
    match unit {
        "km" => Some(1.0),
        "m" => Some(0.001),
        "mi" => Some(1.609344),
        _ => None,
    }
}

/// The longest range a program may write.
const LONGEST_RANGE: f64 = 100_000.0;

impl Checker<'_> {
    /// The value of an expression outside formulas and panel clauses.
    pub(crate) fn value(&mut self, expr: &Expr) -> Check<Value> {
        match &expr.kind {
            ExprKind::Number(x) => Ok(Value::Scalar(ScalarExpr::Number(*x))),
            ExprKind::Length { value, unit } => Ok(Value::Length(value * self.length_unit(unit)?)),
            ExprKind::Text(t) => Ok(Value::Scalar(ScalarExpr::Text(t.clone()))),
            ExprKind::Bool(b) => Ok(Value::Scalar(ScalarExpr::Bool(*b))),
            ExprKind::Missing => Ok(Value::Missing),
            ExprKind::Name(name) => self.name_value(name),
            ExprKind::Group(inner) => self.value(inner),
            ExprKind::List(items) => self.list(items),
            ExprKind::Record(entries) => self.record(entries),
            ExprKind::Comprehension { item, clauses } => self.comprehension(expr, item, clauses),
            ExprKind::Call { callee, arguments } => self.call(expr, callee, arguments),
            ExprKind::Field { of, name } => self.field(expr, of, name),
            ExprKind::Prefix { operators, operand } => self.prefixed(operators, operand),
            ExprKind::Chain { first, rest } => self.chain(expr, first, rest),
            ExprKind::If { branches, otherwise } => self.conditional(expr, branches, otherwise),
            ExprKind::Formula { outcome: None, terms: Some(_), weights: None, .. } => {
                Ok(Value::Terms(Rc::new(expr.clone())))
            }
            ExprKind::Formula { .. } => Err(self.report(
                Diagnostic::error("durbin::syntax::unexpected", self.at(expr.span), "a formula stands alone")
                    .help("a formula is the first argument of a query: `sdm(y ~ x | W)`"),
            )),
            ExprKind::Dot => Err(self.report(
                Diagnostic::error("durbin::check::not_a_term", self.at(expr.span), "`.` stands for nothing here")
                    .help("name the columns"),
            )),
        }
    }

    pub(crate) fn length_unit(&mut self, unit: &Name) -> Check<f64> {
        kilometers(&unit.text).ok_or_else(|| {
            let near = suggest::nearest(&unit.text, ["km", "m", "mi"]).unwrap_or("km");
            self.report(
                Diagnostic::error(
                    "durbin::check::unknown_length_unit",
                    self.at(unit.span),
                    format!("`{}` is no unit of length", unit.text),
                )
                .help(format!("lengths are in `km`, `m` or `mi`; did you mean `{near}`?")),
            )
        })
    }

    fn name_value(&mut self, name: &Name) -> Check<Value> {
        match self.bound(name) {
            Some(Value::Broken) => Err(Reported),
            Some(v) => Ok(v),
            None if name.text == "inf" && !name.quoted => Ok(Value::Scalar(ScalarExpr::Number(f64::INFINITY))),
            None => Err(self.unknown_name(name, |_| true)),
        }
    }

    /// `unknown_name`, `used_before_definition`, with names of the wanted kind.
    pub(crate) fn unknown_name(&mut self, name: &Name, wanted: impl Fn(&Value) -> bool) -> Reported {
        let declaring = self.scope.declaring.as_ref() == Some(&name.text);
        if (declaring || self.scope.later.contains_key(&name.text))
            && let Some(chain) = self.chain_through(&name.text)
        {
            return self.cycle_once(name.span, chain);
        }
        if let Some(&place) = self.scope.later.get(&name.text) {
            return self.report(
                Diagnostic::error(
                    "durbin::check::used_before_definition",
                    self.at(name.span),
                    format!("`{}` is used above its declaration", name.text),
                )
                .label(place, "declared here")
                .help("move the declaration up"),
            );
        }
        let candidates = self.scope.names_of(wanted);
        let help = suggest::did_you_mean(&name.text, candidates);
        let mut fault = Diagnostic::error(
            "durbin::check::unknown_name",
            self.at(name.span),
            format!("nothing is called `{}`", name.text),
        );
        fault.help = help;
        self.report(fault)
    }

    /// `wrong_kind`: what was wanted, what it is, where it was bound.
    pub(crate) fn wrong_kind(&mut self, span: Span, wanted: &str, found: &Value, name: Option<&str>) -> Reported {
        if matches!(found, Value::Broken) {
            return Reported;
        }
        let what = name.map_or_else(|| format!("this is {}", found.kind()), |n| format!("`{n}` is {}", found.kind()));
        let mut fault = Diagnostic::error(
            "durbin::check::wrong_kind",
            self.at(span),
            format!("{wanted} {} wanted, {what}", if wanted == "weights" { "are" } else { "is" }),
        );
        if let Some(binding) = name.and_then(|n| self.scope.names.get(n)) {
            fault = fault.label(binding.place, "bound here");
        }
        self.report(fault)
    }

    fn record(&mut self, entries: &[(RecordKey, Expr)]) -> Check<Value> {
        let mut out: Vec<(String, Value, Span)> = Vec::new();
        for (key, value) in entries {
            let (name, span) = match key {
                RecordKey::Name(n) => (n.text.clone(), n.span),
                RecordKey::Text(t) => (t.text.clone(), t.span),
                RecordKey::Number(x, s) => (x.to_string(), *s),
            };
            if let Some((_, _, first)) = out.iter().find(|(key, _, _)| *key == name) {
                return Err(self.key_twice(&name, span, *first));
            }
            out.push((name, self.value(value)?, span));
        }
        Ok(Value::Record(out))
    }

    /// `said_twice` of a key of a record.
    pub(crate) fn key_twice(&mut self, key: &str, span: Span, first: Span) -> Reported {
        self.report(
            Diagnostic::error(
                "durbin::check::said_twice",
                self.at(span),
                format!("`{key}` stands twice in the record"),
            )
            .label(first, "first here")
            .help("keep one of them"),
        )
    }

    fn field(&mut self, expr: &Expr, of: &Expr, name: &Name) -> Check<Value> {
        match self.value(of)? {
            Value::Answer(Answer::Coef, model) => Ok(Value::Scalar(ScalarExpr::Answer {
                answer: Answer::Coef,
                model,
                entry: Some(name.text.clone()),
                place: Place(expr.span),
            })),
            Value::Test(test, part) => Ok(self.test_field(expr, test, part, name)),
            Value::Record(entries) => match entries.into_iter().find(|(k, _, _)| *k == name.text) {
                Some((_, v, _)) => Ok(v),
                None => Err(self.unknown_name(name, |_| false)),
            },
            Value::Panel(_) | Value::Data(_) => self.array_value(expr),
            Value::Later(_) => Err(Reported),
            other => Err(self.wrong_kind(of.span, "a record, or the coefficients of a model", &other, None)),
        }
    }

    fn prefixed(&mut self, operators: &[(PrefixOperator, Span)], operand: &Expr) -> Check<Value> {
        let mut value = match self.value(operand)? {
            Value::Array(_) => {
                return self.array_value(&Expr {
                    kind: ExprKind::Prefix { operators: operators.to_vec(), operand: Box::new(operand.clone()) },
                    span: operators.first().map_or(operand.span, |o| o.1.to(operand.span)),
                });
            }
            Value::Length(km) if operators.iter().all(|(o, _)| *o != PrefixOperator::Not) => {
                let minus = operators.iter().filter(|(o, _)| *o == PrefixOperator::Minus).count();
                return Ok(Value::Length(if minus % 2 == 1 { -km } else { km }));
            }
            other => self.scalar_of(other, operand.span)?,
        };
        for (operator, _) in operators.iter().rev() {
            value = match operator {
                PrefixOperator::Plus => value,
                PrefixOperator::Minus => self.folded(ScalarExpr::Negate(Box::new(value)), operand.span)?,
                PrefixOperator::Not => self.folded(ScalarExpr::Not(Box::new(value)), operand.span)?,
            };
        }
        Ok(Value::Scalar(value))
    }

    /// A scalar, or `wrong_kind`.
    pub(crate) fn scalar_of(&mut self, value: Value, span: Span) -> Check<ScalarExpr> {
        match value {
            Value::Scalar(s) => Ok(s),
            Value::Answer(answer, model)
                if matches!(answer, Answer::Nobs | Answer::Loglik | Answer::Aic | Answer::Bic) =>
            {
                Ok(ScalarExpr::Answer { answer, model, entry: None, place: Place(span) })
            }
            Value::Later(_) => Err(Reported),
            Value::Length(_) => Err(self.report(
                Diagnostic::error(
                    "durbin::check::unit_of_measure",
                    self.at(span),
                    "a number is wanted, a length was found",
                )
                .help("leave the unit out, or use the length where a distance is wanted"),
            )),
            other => Err(self.wrong_kind(span, "a number", &other, None)),
        }
    }

    fn chain(&mut self, expr: &Expr, first: &Expr, rest: &[(Operator, Span, Expr)]) -> Check<Value> {
        match rest[0].0 {
            Operator::Range => return self.range(expr, first, &rest[0].2),
            Operator::At => return self.product(expr, first, rest),
            Operator::Colon => {
                return Err(self.report(
                    Diagnostic::error(
                        "durbin::syntax::unexpected",
                        self.at(rest[0].1),
                        "`:` interacts terms of a formula",
                    )
                    .help("a range is written `-5..3`"),
                ));
            }
            Operator::In | Operator::NotIn => return self.membership(expr, first, rest),
            _ => {}
        }
        let mut values = vec![self.value(first)];
        for (_, _, e) in rest {
            values.push(self.value(e));
        }
        let values = values.into_iter().collect::<Result<Vec<Value>, Reported>>()?;
        if values.iter().any(|v| matches!(v, Value::Array(_))) {
            return self.array_value(expr);
        }
        if values.iter().any(|v| matches!(v, Value::Weights(..))) {
            return self.weights_arithmetic(expr, first, rest, values);
        }
        if values.iter().any(|v| matches!(v, Value::Length(_))) {
            return self.length_arithmetic(rest, values);
        }
        let spans: Vec<Span> = std::iter::once(first.span).chain(rest.iter().map(|r| r.2.span)).collect();
        let mut scalars = Vec::new();
        for (v, s) in values.into_iter().zip(spans) {
            scalars.push(self.scalar_of(v, s)?);
        }
        let mut scalars = scalars.into_iter();
        let Some(head) = scalars.next() else { return Err(Reported) };
        let rest: Vec<(Operator, ScalarExpr)> = rest.iter().map(|r| r.0).zip(scalars).collect();
        let chain = ScalarExpr::Chain { first: Box::new(head), rest, place: Place(expr.span) };
        Ok(Value::Scalar(self.folded(chain, expr.span)?))
    }

    /// Lengths add, subtract and compare among themselves and scale by numbers.
    fn length_arithmetic(&mut self, rest: &[(Operator, Span, Expr)], values: Vec<Value>) -> Check<Value> {
        let mut values = values.into_iter();
        let Some(mut total) = values.next() else { return Err(Reported) };
        for ((operator, span, _), next) in rest.iter().zip(values) {
            let number = |v: &Value| if let Value::Scalar(ScalarExpr::Number(x)) = v { Some(*x) } else { None };
            total = match (&total, operator, &next) {
                (Value::Length(a), Operator::Plus, Value::Length(b)) => Value::Length(a + b),
                (Value::Length(a), Operator::Minus, Value::Length(b)) => Value::Length(a - b),
                (Value::Length(a), Operator::Divide, Value::Length(b)) => Value::Scalar(ScalarExpr::Number(a / b)),
                (Value::Length(a), Operator::Times, v) if number(v).is_some() => {
                    Value::Length(a * number(v).unwrap_or(f64::NAN))
                }
                (v, Operator::Times, Value::Length(b)) if number(v).is_some() => {
                    Value::Length(b * number(v).unwrap_or(f64::NAN))
                }
                (Value::Length(a), Operator::Divide, v) if number(v).is_some() => {
                    Value::Length(a / number(v).unwrap_or(f64::NAN))
                }
                (Value::Length(a), op, Value::Length(b)) if op.precedence() == 4 => {
                    let chain = ScalarExpr::Chain {
                        first: Box::new(ScalarExpr::Number(*a)),
                        rest: vec![(*op, ScalarExpr::Number(*b))],
                        place: Place(*span),
                    };
                    Value::Scalar(self.folded(chain, *span)?)
                }
                (a, op, b) => {
                    let message =
                        format!("{} `{}` {}: a length and a number do not mix", a.kind(), op.text(), b.kind());
                    return Err(self.report(
                        Diagnostic::error("durbin::check::unit_of_measure", self.at(*span), message)
                            .help("give the number a unit, such as `100 km`, or leave the unit out"),
                    ));
                }
            };
        }
        Ok(total)
    }

    fn membership(&mut self, expr: &Expr, first: &Expr, rest: &[(Operator, Span, Expr)]) -> Check<Value> {
        let value = self.value(first)?;
        if let Value::Array(_) = value {
            return self.array_value(expr);
        }
        let value = self.scalar_of(value, first.span)?;
        let items = match self.value(&rest[0].2)? {
            Value::List(items) => items,
            other => return Err(self.wrong_kind(rest[0].2.span, "a list", &other, None)),
        };
        let mut list = Vec::new();
        for (v, e) in items {
            list.push(self.scalar_of(v, e.span)?);
        }
        let negated = rest[0].0 == Operator::NotIn;
        Ok(Value::Scalar(ScalarExpr::In { value: Box::new(value), list, negated }))
    }

    fn range(&mut self, expr: &Expr, lo: &Expr, hi: &Expr) -> Check<Value> {
        let lo = self.number(lo, "the beginning of a range")?;
        let hi = self.number(hi, "the end of a range")?;
        let show = |x: f64| format!("{x}");
        if lo > hi {
            return Err(self.report(
                Diagnostic::error(
                    "durbin::check::empty_range",
                    self.at(expr.span),
                    format!("the range from {} to {} is empty", show(lo), show(hi)),
                )
                .help(format!("write `{}..{}`", show(hi), show(lo))),
            ));
        }
        if lo.fract() != 0.0 || hi.fract() != 0.0 {
            return Err(self.report(Diagnostic::error(
                "durbin::check::out_of_range",
                self.at(expr.span),
                format!("the ends of a range are whole numbers, {} and {} were given", show(lo), show(hi)),
            )));
        }
        if hi - lo + 1.0 > LONGEST_RANGE {
            return Err(self.report(Diagnostic::error(
                "durbin::check::range_too_long",
                self.at(expr.span),
                if hi - lo < 1e15 {
                    format!("the range has {} values; at most 100000 are allowed", hi - lo + 1.0)
                } else {
                    "the range has more than 1e15 values; at most 100000 are allowed".to_string()
                },
            )));
        }
        Ok(Value::Range(lo as i64, hi as i64))
    }

    /// A constant number.
    pub(crate) fn number(&mut self, expr: &Expr, what: &str) -> Check<f64> {
        match self.value(expr)? {
            Value::Scalar(ScalarExpr::Number(x)) => Ok(x),
            Value::Length(_) => Err(self.report(
                Diagnostic::error(
                    "durbin::check::unit_of_measure",
                    self.at(expr.span),
                    format!("{what} is a number, `{}` is a length", print::expression(expr)),
                )
                .help("leave the unit out"),
            )),
            Value::Later(_) => Err(Reported),
            Value::Scalar(found) => {
                let found = match found {
                    ScalarExpr::Text(_) => "is text",
                    ScalarExpr::Bool(_) => "is a boolean",
                    _ => "is known only after estimation",
                };
                let message = format!("{what} is a number, `{}` {found}", print::expression(expr));
                Err(self.report(Diagnostic::error("durbin::check::wrong_kind", self.at(expr.span), message)))
            }
            other => Err(self.wrong_kind(expr.span, "a number", &other, None)),
        }
    }

    /// A length in kilometers; a bare number is one.
    pub(crate) fn length(&mut self, expr: &Expr, what: &str) -> Check<f64> {
        match self.value(expr)? {
            Value::Length(km) => Ok(km),
            Value::Scalar(ScalarExpr::Number(x)) => Ok(x),
            other => {
                let wanted = format!("a length for {what}");
                Err(self.wrong_kind(expr.span, &wanted, &other, None))
            }
        }
    }

    /// A constant text.
    pub(crate) fn string(&mut self, expr: &Expr) -> Check<String> {
        match self.value(expr)? {
            Value::Scalar(ScalarExpr::Text(t)) => Ok(t),
            other => Err(self.wrong_kind(expr.span, "text", &other, None)),
        }
    }

    /// A constant boolean.
    pub(crate) fn boolean(&mut self, option: &str, expr: &Expr) -> Check<bool> {
        match &expr.kind {
            ExprKind::Bool(b) => Ok(*b),
            _ => match self.value(expr) {
                Ok(Value::Scalar(ScalarExpr::Bool(b))) => Ok(b),
                Ok(_) => Err(self.bad_option_value(option, expr, &["true", "false"])),
                Err(e) => Err(e),
            },
        }
    }

    fn conditional(&mut self, expr: &Expr, branches: &[(Expr, Expr)], otherwise: &Expr) -> Check<Value> {
        let mut out = Vec::new();
        for (condition, then) in branches {
            let c = self.value(condition)?;
            if let Value::Array(_) = c {
                return self.array_value(expr);
            }
            let c = self.scalar_of(c, condition.span)?;
            let t = self.value(then)?;
            if let ScalarExpr::Number(_) | ScalarExpr::Text(_) = c {
                return Err(self.wrong_kind(condition.span, "a condition", &Value::Scalar(c), None));
            }
            if let ScalarExpr::Bool(b) = c
                && out.is_empty()
            {
                if b {
                    return Ok(t);
                }
                continue;
            }
            out.push((c, self.scalar_of(t, then.span)?));
        }
        let last = self.value(otherwise)?;
        if out.is_empty() {
            return Ok(last);
        }
        let last = self.scalar_of(last, otherwise.span)?;
        Ok(Value::Scalar(ScalarExpr::If { branches: out, otherwise: Box::new(last) }))
    }

    /// A call outside formulas: a query, weights, an answer, a function.
    fn call(&mut self, expr: &Expr, callee: &Expr, arguments: &[Argument]) -> Check<Value> {
        let ExprKind::Name(name) = &callee.kind else {
            let v = self.value(callee)?;
            return Err(self.not_callable(callee.span, &print::expression(callee), &v));
        };
        if let Some(v) = self.bound(name) {
            return match v {
                Value::Family(f) => self.expand_family(&f, arguments, expr),
                Value::Function(f) => self.expand(&f, arguments, expr, |checker, body| checker.value(body)),
                Value::Broken => Err(Reported),
                other => Err(self.not_callable(name.span, &name.text, &other)),
            };
        }
        if self.library_entry(name).is_some() {
            return self.library_call(expr, name, arguments);
        }
        if self.scope.later.contains_key(&name.text) || self.scope.declaring.as_ref() == Some(&name.text) {
            return Err(self.unknown_name(name, |_| true));
        }
        Err(self.unknown_function(name, arguments))
    }

    /// The entry of the library a name means, where its module is in use.
    pub(crate) fn library_entry(&self, name: &Name) -> Option<Entry> {
        let entry = self.request.library.get(&name.text)?;
        let there = !OPTIONAL_MODULES.contains(&entry.module)
            || self.used_modules.iter().any(|m| m == entry.module)
            || self.is_library_span(name.span);
        there.then(|| entry.clone())
    }

    /// `not_callable`: what it is and where it was bound; the spatial lag that a call of weights may mean.
    pub(crate) fn not_callable(&mut self, span: Span, text: &str, value: &Value) -> Reported {
        if matches!(value, Value::Broken) {
            return Reported;
        }
        let message = format!("`{text}` is {}, not a function", value.kind());
        let mut fault = Diagnostic::error("durbin::check::not_callable", self.at(span), message);
        if let Some(binding) = self.scope.names.get(text) {
            fault = fault.label(binding.place, "bound here");
        }
        if matches!(value, Value::Weights(..)) {
            fault = fault.help(format!("a spatial lag is written `{text} @ x`; dummies of levels are `i(x)`"));
        }
        self.report(fault)
    }

    /// `foreign_function`, `unknown_function`.
    pub(crate) fn unknown_function(&mut self, name: &Name, arguments: &[Argument]) -> Reported {
        let inside: Vec<String> = arguments.iter().map(|a| print::expression(&a.value)).collect();
        if let Some(help) = foreign::function(&name.text, &inside.join(", ")) {
            return self.report(
                Diagnostic::error(
                    "durbin::check::foreign_function",
                    self.at(name.span),
                    format!("`{}` is a word of another package", name.text),
                )
                .help(help),
            );
        }
        if let Some(entry) = self.request.library.get(&name.text) {
            let (module, message) =
                (entry.module, format!("`{}` is a function of the module `std::{}`", name.text, entry.module));
            return self.report(
                Diagnostic::error("durbin::check::unknown_function", self.at(name.span), message)
                    .help(format!("bring its names in: `use std::{module}`")),
            );
        }
        let own = self.scope.names_of(|v| matches!(v, Value::Family(_) | Value::Function(_)));
        let near = suggest::nearest(&name.text, self.request.library.names().chain(own));
        let help = match near {
            Some(n) => format!("did you mean `{n}`?"),
            None => "`durbin doc` lists the functions there are".into(),
        };
        self.report(
            Diagnostic::error(
                "durbin::check::unknown_function",
                self.at(name.span),
                format!("there is no function `{}`", name.text),
            )
            .help(help),
        )
    }

    /// An element-wise function of numbers known before estimation or after it.
    pub(crate) fn scalar_call(
        &mut self,
        expr: &Expr,
        entry: &Entry,
        function: Function,
        arguments: &[Argument],
    ) -> Check<Value> {
        let bound = self.bind(&entry.name, &entry.parameters, arguments, expr.span)?;
        if entry.parameters.iter().any(|p| p.variadic) && !bound.named.is_empty() {
            return Err(self.later(expr.span, format!("`{}` with further options", entry.name)));
        }
        let mut scalars = Vec::new();
        let named = entry.parameters.iter().filter_map(|p| bound.get(&p.name.text));
        for e in named.chain(bound.rest.iter().copied()) {
            let v = self.value(e)?;
            if let Value::Array(_) = v {
                return self.array_value(expr);
            }
            scalars.push(self.scalar_of(v, e.span)?);
        }
        let call = ScalarExpr::Call { function, arguments: scalars, place: Place(expr.span) };
        Ok(Value::Scalar(self.folded(call, expr.span)?))
    }

    /// Folds an expression of constants into a constant; where its parts do not fit together, that is a fault. One that
    /// asks a fit for something stays an expression.
    fn folded(&mut self, expr: ScalarExpr, span: Span) -> Check<ScalarExpr> {
        let mut asks = false;
        let value = super::scalar::evaluate(&expr, &|_, _, _| None);
        super::scalar::each_answer(&expr, &mut |_, _, _| asks = true);
        match value {
            Some(value) => Ok(value),
            None if asks => Ok(expr),
            None => Err(self.report(
                Diagnostic::error("durbin::check::wrong_kind", self.at(span), super::scalar::UNFIT)
                    .help(super::scalar::FITTING),
            )),
        }
    }
}
