//! Values of the language before data are read: constants are folded, results of estimates stay expressions.

mod calls;
mod constants;

use super::scope::Value;
use super::spec::*;
use super::{Check, Checker, Reported};
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::suggest;
use crate::syntax::ast::*;
use std::rc::Rc;

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
