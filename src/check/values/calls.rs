//! Calls outside formulas: what a name called means, what a thing called that is no function was meant to be, functions
//! of numbers.

use crate::check::library::{Entry, OPTIONAL_MODULES};
use crate::check::scope::Value;
use crate::check::spec::{Function, Place, ScalarExpr};
use crate::check::{Check, Checker, Reported, foreign};
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::suggest;
use crate::syntax::ast::*;
use crate::syntax::print;

impl Checker<'_> {
    /// A call outside formulas: a query, weights, an answer, a function.
    pub(super) fn call(&mut self, expr: &Expr, callee: &Expr, arguments: &[Argument]) -> Check<Value> {
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
}
