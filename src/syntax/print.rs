//! Expressions on one line, in the canonical spelling: how terms are named in results, and what the formatter lays out.

use super::ast::{Argument, Expr, ExprKind, Name, Operator, PrefixOperator, RecordKey};
use super::scan::characters;
use crate::source::Span;

/// The canonical spelling of an expression on one line: `W_band(0, 600) @ x`, `a:b`, `100 km`.
pub fn expression(expr: &Expr) -> String {
    Spelling { source: None }.expression(expr)
}

/// A number in its shortest form that reads back to the same value.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-5..1e16).contains(&size) { format!("{value:e}") } else { format!("{value}") }
}

/// A text in quotes, with escapes.
pub fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c == '\r' || characters::is_invisible(c) => out.push_str(&format!("\\u{{{:x}}}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A name, in backticks where it is no identifier or is a word of the language.
pub fn name(text: &str) -> String {
    if is_plain_name(text) { text.to_string() } else { format!("`{text}`") }
}

fn is_plain_name(text: &str) -> bool {
    let mut chars = text.chars();
    let starts = chars.next().is_some_and(|c| c.is_alphabetic() || c == '_');
    let foreign = |c: char| characters::plain_form(c).is_some();
    let continues =
        |c: char| c.is_alphanumeric() || c == '_' || characters::is_mark(c) || matches!(c, '\u{200c}' | '\u{200d}');
    starts && chars.all(continues) && !text.chars().any(foreign) && !super::parser::is_reserved_in_expressions(text)
}

/// How leaves are spelt: canonically, or, given the program's text, as it has them.
#[derive(Clone, Copy)]
pub(super) struct Spelling<'a> {
    pub source: Option<&'a str>,
}

impl Spelling<'_> {
    pub fn expression(&self, expr: &Expr) -> String {
        let mut out = String::new();
        self.write(&mut out, expr);
        out
    }

    /// The text of a leaf as the program has it.
    fn written(&self, span: Span) -> Option<&str> {
        self.source.and_then(|text| text.get(span.range())).filter(|t| !t.is_empty())
    }

    pub fn name(&self, n: &Name) -> String {
        match self.source {
            Some(_) if n.quoted => format!("`{}`", n.text),
            Some(_) => n.text.clone(),
            None => name(&n.text),
        }
    }

    pub fn string(&self, content: &str, span: Span) -> String {
        self.written(span).filter(|w| w.starts_with('"')).map_or_else(|| text(content), str::to_string)
    }

    fn number(&self, value: f64, span: Span) -> String {
        let plain = |w: &&str| w.starts_with(|c: char| c.is_ascii_digit());
        self.written(span).filter(plain).map_or_else(|| number(value), str::to_string)
    }

    fn write(&self, out: &mut String, expr: &Expr) {
        match &expr.kind {
            ExprKind::Number(value) => out.push_str(&self.number(*value, expr.span)),
            ExprKind::Length { value, unit } => {
                let digits = Span { end: unit.span.start.max(expr.span.start), ..expr.span };
                let digits = self.number(*value, digits);
                out.push_str(&format!("{} {}", digits.trim_end(), unit.text));
            }
            ExprKind::Text(content) => out.push_str(&self.string(content, expr.span)),
            ExprKind::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            ExprKind::Missing => out.push_str("missing"),
            ExprKind::Name(n) => out.push_str(&self.name(n)),
            ExprKind::Dot => out.push('.'),
            ExprKind::List(items) => self.bracketed(out, "[", "]", items.iter().map(|i| self.expression(i))),
            ExprKind::Comprehension { item, clauses } => {
                out.push('[');
                self.write(out, item);
                for (n, values) in clauses {
                    out.push_str(&format!(" for {} in {}", self.name(n), self.expression(values)));
                }
                out.push(']');
            }
            ExprKind::Record(entries) => {
                self.bracketed(out, "{", "}", entries.iter().map(|(k, v)| self.entry(k, v)));
            }
            ExprKind::Group(inner) => self.bracketed(out, "(", ")", std::iter::once(self.expression(inner))),
            ExprKind::Call { callee, arguments } => {
                self.write(out, callee);
                self.bracketed(out, "(", ")", arguments.iter().map(|a| self.argument(a)));
            }
            ExprKind::Field { of, name } => {
                self.write(out, of);
                out.push('.');
                out.push_str(&self.name(name));
            }
            ExprKind::Prefix { operators, operand } => self.prefix(out, operators, operand),
            ExprKind::Chain { first, rest } => self.chain(out, first, rest),
            ExprKind::If { branches, otherwise } => self.conditional(out, branches, otherwise),
            ExprKind::Formula { outcome, terms, weights, tilde, bar } => {
                let parts = [outcome, terms, weights].map(|p| p.as_deref());
                out.push_str(&self.formula(parts, tilde.is_some(), bar.is_some()));
            }
        }
    }

    fn bracketed(&self, out: &mut String, open: &str, close: &str, items: impl Iterator<Item = String>) {
        out.push_str(open);
        for (i, item) in items.enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            out.push_str(&item);
        }
        out.push_str(close);
    }

    pub fn entry(&self, key: &RecordKey, value: &Expr) -> String {
        format!("{}: {}", self.key(key), self.expression(value))
    }

    pub fn key(&self, key: &RecordKey) -> String {
        match key {
            RecordKey::Name(n) => self.name(n),
            RecordKey::Text(t) => self.string(&t.text, t.span),
            RecordKey::Number(value, span) => self.number(*value, *span),
        }
    }

    /// `label: value over d`.
    pub fn argument(&self, argument: &Argument) -> String {
        let label = argument.label.as_ref().map_or(String::new(), |l| format!("{}: ", self.name(l)));
        let over = argument.over.as_ref().map_or(String::new(), |o| format!(" over {}", self.expression(o)));
        format!("{label}{}{over}", self.expression(&argument.value))
    }

    fn formula(&self, [outcome, terms, weights]: [Option<&Expr>; 3], tilde: bool, bar: bool) -> String {
        let mut parts: Vec<String> = Vec::new();
        parts.extend(outcome.map(|e| self.expression(e)));
        if tilde {
            parts.push("~".into());
        }
        parts.extend(terms.map(|e| self.expression(e)));
        if bar {
            parts.push("|".into());
        }
        parts.extend(weights.map(|e| self.expression(e)));
        parts.join(" ")
    }

    fn prefix(&self, out: &mut String, operators: &[(PrefixOperator, Span)], operand: &Expr) {
        for (operator, _) in operators {
            out.push_str(match operator {
                PrefixOperator::Minus => "-",
                PrefixOperator::Plus => "+",
                PrefixOperator::Not => "not ",
            });
        }
        let level = if operators.last().is_some_and(|o| o.0 == PrefixOperator::Not) { 4 } else { 11 };
        self.operand(out, operand, level, true);
    }

    fn chain(&self, out: &mut String, first: &Expr, rest: &[(Operator, Span, Expr)]) {
        let level = rest.first().map_or(0, |r| r.0.precedence()) + 1;
        self.operand(out, first, level, rest.is_empty());
        for (i, (operator, _, right)) in rest.iter().enumerate() {
            out.push_str(&spaced(*operator));
            self.operand(out, right, level, i + 1 == rest.len());
        }
    }

    /// An operand of an operator of the level below `least`, in brackets where it would not group so by itself.
    fn operand(&self, out: &mut String, expr: &Expr, least: u8, last: bool) {
        let loose = match &expr.kind {
            ExprKind::Chain { rest, .. } => rest.first().is_some_and(|r| r.0.precedence() < least),
            ExprKind::Prefix { operators, .. } => {
                let not = operators.iter().any(|o| o.0 == PrefixOperator::Not);
                !last && ((not && least > 4) || least > 11)
            }
            ExprKind::If { .. } => !last,
            ExprKind::Formula { .. } => true,
            _ => false,
        };
        if loose {
            out.push('(');
        }
        self.write(out, expr);
        if loose {
            out.push(')');
        }
    }

    fn conditional(&self, out: &mut String, branches: &[(Expr, Expr)], otherwise: &Expr) {
        for (condition, value) in branches {
            out.push_str(&format!("if {} then {} else ", self.expression(condition), self.expression(value)));
        }
        self.write(out, otherwise);
    }
}

/// An operator with the blanks that belong around it.
pub(super) fn spaced(operator: Operator) -> String {
    match operator {
        Operator::Range | Operator::Colon | Operator::Power => operator.text().to_string(),
        _ => format!(" {} ", operator.text()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceId;
    use crate::syntax::parse_value;

    fn canonical(text: &str) -> String {
        let value = parse_value(SourceId(0), &format!("f({text})")).unwrap();
        let ExprKind::Call { arguments, .. } = &value.kind else { panic!("no call") };
        Spelling { source: None }.argument(&arguments[0])
    }

    #[test]
    fn terms_have_one_spelling() {
        for (written, spelt) in [
            ("W_band(0,600)@x", "W_band(0, 600) @ x"),
            ("( a : b )", "(a:b)"),
            ("i(region)", "i(region)"),
            ("x^2", "x^2"),
            ("- x ^ - 2", "-x^-2"),
            ("band(0,100km)", "band(0, 100 km)"),
            ("-5 .. 3", "-5..3"),
            ("se:cluster( unit )", "se: cluster(unit)"),
            ("y~a+b|[A,B]", "y ~ a + b | [A, B]"),
            ("y ~ | W", "y ~ | W"),
            ("~a", "~ a"),
            ("x over [a,b]", "x over [a, b]"),
            ("`income`+`GDP per head`", "income + `GDP per head`"),
            ("`over`", "`over`"),
            ("{\"a\":1,b:2}", "{\"a\": 1, b: 2}"),
            ("not  a and b", "not a and b"),
            ("if a then b else  if c then d else e", "if a then b else if c then d else e"),
            ("1_000", "1000"),
            ("2.50e-3", "0.0025"),
            ("1e300", "1e300"),
            ("\"a\\u{200b}\\n\\\"\"", "\"a\\u{200b}\\n\\\"\""),
            ("jobs.employed", "jobs.employed"),
            ("[sdm(y ~ x | W) for y in [a,b]]", "[sdm(y ~ x | W) for y in [a, b]]"),
            ("a - (b - c)", "a - (b - c)"),
        ] {
            assert_eq!(canonical(written), spelt, "{written}");
        }
    }
}
