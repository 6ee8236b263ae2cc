//! Arguments meet parameters: unknown options, missing and superfluous arguments, words where words are wanted.

use super::library::signature;
use super::{Check, Checker, foreign};
use crate::diagnostic::Diagnostic;
use crate::fault::{counted, ticked_all};
use crate::source::Span;
use crate::suggest;
use crate::syntax::ast::*;
use indexmap::IndexMap;

/// The arguments of one call by parameter; what falls to a variadic parameter is in `rest`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bound<'e> {
    pub named: IndexMap<String, &'e Expr>,
    pub rest: Vec<&'e Expr>,
}

impl<'e> Bound<'e> {
    pub fn get(&self, name: &str) -> Option<&'e Expr> {
        self.named.get(name).copied()
    }
}

impl Checker<'_> {
    /// Sorts the arguments of a call by parameter. Every fault of the call is reported; `Err` after any.
    pub(crate) fn bind<'e>(
        &mut self,
        callee: &str,
        parameters: &[Parameter],
        arguments: &'e [Argument],
        span: Span,
    ) -> Check<Bound<'e>> {
        let mut bound = Bound::default();
        let mut failed = None;
        let mut next = 0;
        let mut extra = 0;
        for argument in arguments {
            let Some(label) = &argument.label else {
                match parameters.get(next) {
                    Some(p) if p.variadic => bound.rest.push(&argument.value),
                    Some(p) => {
                        bound.named.insert(p.name.text.clone(), &argument.value);
                        next += 1;
                    }
                    None => extra += 1,
                }
                continue;
            };
            if !parameters.iter().any(|p| p.name.text == label.text) {
                failed = Some(self.unknown_option(callee, parameters, label));
            } else if bound.named.contains_key(&label.text) {
                failed = Some(self.given_twice(label));
            } else {
                bound.named.insert(label.text.clone(), &argument.value);
            }
        }
        if extra > 0 {
            let taken = parameters.len();
            failed = Some(
                self.report(
                    Diagnostic::error(
                        "durbin::check::arguments",
                        self.at(span),
                        format!(
                            "`{callee}` takes {}, {} given",
                            counted(taken, "argument", "arguments"),
                            taken + extra
                        ),
                    )
                    .help(format!("`{}`", signature(callee, parameters))),
                ),
            );
        }
        let lacking: Vec<&str> = parameters
            .iter()
            .filter(|p| p.default.is_none() && !p.variadic && !bound.named.contains_key(&p.name.text))
            .map(|p| p.name.text.as_str())
            .collect();
        if !lacking.is_empty() && failed.is_none() {
            failed = Some(
                self.report(
                    Diagnostic::error(
                        "durbin::check::arguments",
                        self.at(span),
                        format!("`{callee}` lacks a value for {}", ticked_all(&lacking)),
                    )
                    .help(format!("`{}`", signature(callee, parameters))),
                ),
            );
        }
        failed.map_or(Ok(bound), Err)
    }

    fn given_twice(&mut self, label: &Name) -> super::Reported {
        self.report(
            Diagnostic::error("durbin::check::said_twice", label.span, format!("`{}` is given twice", label.text))
                .help("keep one of them"),
        )
    }

    /// The settings of an option that is written as a call, such as `wild(cluster: unit)`: one value without a name at
    /// most, and no name twice.
    pub(crate) fn settings_once(&mut self, option: &str, arguments: &[Argument]) -> Check<()> {
        let mut failed = None;
        for (i, argument) in arguments.iter().enumerate() {
            let Some(label) = &argument.label else {
                if arguments[..i].iter().any(|a| a.label.is_none()) {
                    let message = format!("`{option}` takes one value without a name");
                    let fault = Diagnostic::error("durbin::check::arguments", self.at(argument.value.span), message);
                    failed = Some(self.report(fault.help("name the others, such as `reps: 499`")));
                }
                continue;
            };
            if arguments[..i].iter().any(|a| a.label.as_ref().is_some_and(|l| l.text == label.text)) {
                failed = Some(self.given_twice(label));
            }
        }
        failed.map_or(Ok(()), Err)
    }

    fn unknown_option(&mut self, callee: &str, parameters: &[Parameter], label: &Name) -> super::Reported {
        let options: Vec<&str> =
            parameters.iter().filter(|p| p.default.is_some()).map(|p| p.name.text.as_str()).collect();
        let near = suggest::nearest(&label.text, parameters.iter().map(|p| p.name.text.as_str()));
        let help = match (foreign::option(&label.text), near) {
            (Some("| W"), _) => Some("weights stand after the bar of the formula: `y ~ x | W`".to_string()),
            (Some(word), _) if options.contains(&word) => Some(format!("the option here is `{word}:`")),
            (_, Some(near)) => Some(format!("did you mean `{near}:`?")),
            _ if options.is_empty() => Some(format!("`{}`", signature(callee, parameters))),
            _ => Some(format!("its options are {}", ticked_all(&options))),
        };
        let mut fault = Diagnostic::error(
            "durbin::check::unknown_option",
            self.at(label.span),
            format!("`{callee}` has no option `{}`", label.text),
        );
        fault.help = help;
        self.report(fault)
    }

    /// A bare word where words are wanted.
    pub(crate) fn word<'e>(&mut self, expr: &'e Expr) -> Option<&'e str> {
        match &expr.kind {
            ExprKind::Name(n) => Some(&n.text),
            ExprKind::Call { callee, .. } => self.word(callee),
            _ => None,
        }
    }

    /// A word out of `choices`, or a fault that lists them.
    pub(crate) fn choice<'c>(&mut self, option: &str, expr: &Expr, choices: &[&'c str]) -> Check<&'c str> {
        if let ExprKind::Name(n) = &expr.kind
            && let Some(c) = choices.iter().find(|c| **c == n.text)
        {
            return Ok(c);
        }
        Err(self.bad_option_value(option, expr, choices))
    }

    /// `bad_option_value`: what was written, the choices, the nearest.
    pub(crate) fn bad_option_value(&mut self, option: &str, expr: &Expr, choices: &[&str]) -> super::Reported {
        let written = crate::syntax::print::expression(expr);
        let near = suggest::nearest(&written, choices.iter().copied());
        let list = format!("`{option}:` takes {}", ticked_all(choices));
        let help = match near {
            Some(n) => format!("did you mean `{n}`? {list}"),
            None => list,
        };
        self.report(
            Diagnostic::error(
                "durbin::check::bad_option_value",
                self.at(expr.span),
                format!("`{written}` is no value of `{option}:`"),
            )
            .help(help),
        )
    }
}
