//! Ast → text: the one canonical form. Comments stay where they are, lines keep to 100 columns, at most one blank line
//! stands between things, and a second pass changes nothing.

use super::ast::{Argument, Ast, Clause, ClauseKind, Comment, DataBlock, Expr, ExprKind, Name, Parameter};
use super::ast::{Setting, Statement, StatementKind, UseTarget};
use super::print::{Spelling, spaced};
use crate::source::{Source, Span};
use unicode_width::UnicodeWidthStr;

/// Columns of a line, where it can be broken.
const LINE: usize = 100;
const INDENT: usize = 2;

/// The canonical form of a program; `text` is what `ast` was parsed from.
pub fn format(text: &str, ast: &Ast) -> String {
    let formatter = Formatter { spelling: Spelling { source: Some(text) }, lines: Source::new("", text), ast };
    formatter.program()
}

/// One line, or lines, with what stands before and behind.
struct Piece {
    /// Own-line comments and documentation above, without indentation.
    above: Vec<String>,
    body: String,
    /// A comment at the end of the last line.
    trailing: Option<String>,
    /// A blank line stands before it in the program.
    parted: bool,
}

struct Formatter<'a> {
    spelling: Spelling<'a>,
    lines: Source,
    ast: &'a Ast,
}

impl Formatter<'_> {
    fn line(&self, offset: u32) -> usize {
        self.lines.line_column(offset as usize).line
    }

    fn last_line(&self, span: Span) -> usize {
        self.line(span.end.saturating_sub(1).max(span.start))
    }

    /// Whether nothing but blanks stands before a place on its line.
    fn begins_line(&self, offset: u32) -> bool {
        let at = self.lines.line_column(offset as usize);
        self.lines.line(at.line).chars().take(at.column - 1).all(|c| c.is_whitespace() || c == '\u{feff}')
    }

    fn comments_in(&self, start: u32, end: u32) -> Vec<&Comment> {
        self.ast.comments.iter().filter(|c| c.span.start >= start && c.span.start < end).collect()
    }

    /// Whether the line above a line is blank.
    fn parted(&self, line: usize) -> bool {
        line > 1 && self.lines.line(line - 1).trim().is_empty()
    }

    fn program(&self) -> String {
        let mut out = String::new();
        let end = self.lines.text.len() as u32 + 1;
        let bodies: Vec<(Span, Option<&str>, Piece)> =
            (self.ast.statements.iter()).map(|s| (s.span, s.doc.as_deref(), self.statement(s))).collect();
        let pieces = self.sequence(bodies, 0, end);
        if let Some(doc) = &self.ast.doc {
            out.push_str(&documented(doc).join("\n"));
            out.push('\n');
            if !pieces.is_empty() {
                out.push('\n');
            }
        }
        out.push_str(&laid(&pieces, 0));
        out
    }

    /// Things in order with the comments between them, from one offset to another.
    fn sequence(&self, things: Vec<(Span, Option<&str>, Piece)>, start: u32, end: u32) -> Vec<Piece> {
        let mut out: Vec<Piece> = Vec::new();
        let mut from = start;
        let mut things = things.into_iter().peekable();
        loop {
            let next = things.peek().map_or(end, |t| t.0.start);
            for comment in self.comments_in(from, next) {
                let line = self.line(comment.span.start);
                let text = comment.text.clone();
                match out.last_mut() {
                    Some(last) if !self.begins_line(comment.span.start) && last.trailing.is_none() => {
                        last.trailing = Some(text);
                    }
                    _ => out.push(Piece { above: vec![], body: text, trailing: None, parted: self.parted(line) }),
                }
            }
            let Some((span, doc, mut piece)) = things.next() else { break };
            let lines = doc.map(documented).unwrap_or_default();
            let top = self.line(span.start).saturating_sub(lines.len()).max(1);
            piece.parted = self.parted(top) && self.begins_line(span.start);
            piece.above.extend(lines);
            out.push(piece);
            from = span.end;
        }
        out
    }

    fn piece(&self, (hoisted, body): (Vec<String>, String)) -> Piece {
        Piece { above: hoisted, body, trailing: None, parted: false }
    }

    fn statement(&self, statement: &Statement) -> Piece {
        let s = &self.spelling;
        let on = |on: &Option<Name>| on.as_ref().map_or(String::new(), |n| format!(" on {}", s.name(n)));
        let span = statement.span;
        match &statement.kind {
            StatementKind::Use(UseTarget::Module { path, .. }) => self.plain(span, format!("use {}", path.join("::"))),
            StatementKind::Use(UseTarget::File(t)) => self.plain(span, format!("use {}", s.string(&t.text, t.span))),
            StatementKind::Options(settings) => self.options(span, settings),
            StatementKind::Data(block) => self.block("data", span, block),
            StatementKind::Panel(block) => self.block("panel", span, block),
            StatementKind::Weights { name, parameters, on: panel, value } => {
                let head = format!("weights {}{}{} = ", s.name(name), self.signature(parameters), on(panel));
                self.declared(span, &head, value)
            }
            StatementKind::Treatment { name, on: panel, value } => {
                self.declared(span, &format!("treatment {}{} = ", s.name(name), on(panel)), value)
            }
            StatementKind::Let { name, parameters, value } => {
                self.declared(span, &format!("let {}{} = ", s.name(name), self.signature(parameters)), value)
            }
            StatementKind::Fn { name, parameters, body } => {
                let head = format!("fn {}{}", s.name(name), self.parameters(parameters, 3 + name.text.width()));
                match body {
                    Some(body) => self.declared(span, &format!("{head} = "), body),
                    None => self.plain(span, head),
                }
            }
            StatementKind::Model { name, value } => self.declared(span, &format!("model {} = ", s.name(name)), value),
            StatementKind::Save { value, path } => {
                let mut piece = self.declared(span, "save ", value);
                piece.body.push_str(&format!(" to {}", s.string(&path.text, path.span)));
                piece
            }
            StatementKind::Assert { condition, message } => {
                let mut piece = self.declared(span, "assert ", condition);
                if let Some(m) = message {
                    piece.body.push_str(&format!(", {}", s.string(&m.text, m.span)));
                }
                piece
            }
            StatementKind::Report { path, items } => {
                let head = format!("report {} {{", s.string(&path.text, path.span));
                let bodies = items.iter().map(|i| (i.span, i.doc.as_deref(), self.statement(i))).collect();
                let start = items.first().map_or(span.end, |i| i.span.start);
                self.braced(&head, span, start, bodies)
            }
            StatementKind::Print(value) => self.declared(span, "", value),
        }
    }

    /// A statement without parts that could be broken; comments inside go above it.
    fn plain(&self, span: Span, body: String) -> Piece {
        let hoisted = self.comments_in(span.start, span.end).into_iter().map(|c| c.text.clone()).collect();
        self.piece((hoisted, body))
    }

    /// `head value`: comments of the head, and those no bracket of the value holds, go above it.
    fn declared(&self, span: Span, head: &str, value: &Expr) -> Piece {
        let (inside, laid) = self.layout(value, 0, head.width());
        let mut hoisted: Vec<String> = Vec::new();
        for comment in self.comments_in(span.start, span.end) {
            if comment.span.start < value.span.start || comment.span.start >= value.span.end {
                hoisted.push(comment.text.clone());
            }
        }
        hoisted.extend(inside);
        self.piece((hoisted, format!("{head}{laid}")))
    }

    fn signature(&self, parameters: &Option<Vec<Parameter>>) -> String {
        // Families and short functions: their parameters are few.
        parameters.as_ref().map_or(String::new(), |p| self.parameters(p, 0))
    }

    /// Parameters in their brackets, which begin in column `used`; over several lines where one is too short.
    fn parameters(&self, parameters: &[Parameter], used: usize) -> String {
        let s = &self.spelling;
        let one = |p: &Parameter| {
            let dots = if p.variadic { ".." } else { "" };
            let over = p.over.as_ref().map_or(String::new(), |d| format!(" over {}", s.name(d)));
            let default = p.default.as_ref().map_or(String::new(), |d| format!(" = {}", s.expression(d)));
            format!("{}{dots}{over}{default}", s.name(&p.name))
        };
        let spelt: Vec<String> = parameters.iter().map(one).collect();
        let line = format!("({})", spelt.join(", "));
        if used + line.width() <= LINE {
            return line;
        }
        let mut lines = vec![" ".repeat(INDENT)];
        for p in spelt {
            let last = lines.last().map_or(0, |l| l.width());
            if last > INDENT && last + p.width() + 2 > LINE {
                lines.push(" ".repeat(INDENT));
            }
            if let Some(l) = lines.last_mut() {
                let gap = if l.width() > INDENT { " " } else { "" };
                l.push_str(&format!("{gap}{p},"));
            }
        }
        format!("(\n{}\n)", lines.join("\n"))
    }

    fn options(&self, span: Span, settings: &[Setting]) -> Piece {
        let s = &self.spelling;
        let spelt: Vec<(Span, String)> = (settings.iter())
            .map(|x| (x.name.span.to(x.value.span), format!("{} {}", s.name(&x.name), s.expression(&x.value))))
            .collect();
        self.one_line_or_block("options", span, &spelt).unwrap_or_else(|| {
            let bodies = spelt.into_iter().map(|(span, body)| (span, None, self.plain(span, body))).collect();
            let start = settings.first().map_or(span.end, |x| x.name.span.start);
            self.braced("options {", span, start, bodies)
        })
    }

    fn block(&self, word: &str, span: Span, block: &DataBlock) -> Piece {
        let head =
            format!("{word} {} from {}", self.spelling.name(&block.name), self.spelling.expression(&block.source));
        let width = block.clauses.iter().map(|c| c.kind.word().len()).max().unwrap_or(0);
        let documented = block.clauses.iter().any(|c| c.doc.is_some());
        if !documented {
            let spelt: Vec<(Span, String)> = block.clauses.iter().map(|c| (c.span, self.clause(c, 0).body)).collect();
            if let Some(piece) = self.one_line_or_block(&head, span, &spelt) {
                return piece;
            }
        }
        let bodies = block.clauses.iter().map(|c| (c.span, c.doc.as_deref(), self.clause(c, width))).collect();
        let start = block.clauses.first().map_or(span.end, |c| c.span.start);
        self.braced(&format!("{head} {{"), span, start, bodies)
    }

    /// A block that stands on one line stays there while it fits and holds no comment.
    fn one_line_or_block(&self, head: &str, span: Span, spelt: &[(Span, String)]) -> Option<Piece> {
        let inside: Vec<&str> = spelt.iter().map(|s| s.1.as_str()).collect();
        let body = match inside.as_slice() {
            [] => format!("{head} {{ }}"),
            _ => format!("{head} {{ {} }}", inside.join("  ")),
        };
        let one_line = self.line(span.start) == self.last_line(span) && !body.contains('\n');
        let fits = body.width() <= LINE && self.comments_in(span.start, span.end).is_empty();
        (one_line && fits).then(|| self.piece((Vec::new(), body)))
    }

    /// `head {`, things, `}`; comments before the first thing but on the line of the head go into the block too.
    fn braced(&self, head: &str, span: Span, start: u32, bodies: Vec<(Span, Option<&str>, Piece)>) -> Piece {
        let mut pieces = self.sequence(bodies, span.start.min(start), span.end);
        if let Some(first) = pieces.first_mut() {
            first.parted = false;
        }
        let inside = laid(&pieces, INDENT);
        self.piece((Vec::new(), format!("{head}\n{inside}}}")))
    }

    fn clause(&self, clause: &Clause, width: usize) -> Piece {
        let s = &self.spelling;
        let names = |list: &[Name]| list.iter().map(|n| s.name(n)).collect::<Vec<_>>().join(", ");
        let word = format!("{:width$} ", clause.kind.word());
        let (hoisted, rest) = match &clause.kind {
            ClauseKind::Unit(n) | ClauseKind::Time(n) | ClauseKind::Missing(n) | ClauseKind::Balance(n) => {
                (vec![], s.name(n))
            }
            ClauseKind::Join { source, by, optional } => {
                let optional = if *optional { " optional" } else { "" };
                (vec![], format!("{} by {}{optional}", s.expression(source), names(by)))
            }
            ClauseKind::Coords { lon, lat, planar, ellipsoid } => {
                let surface = match (planar, ellipsoid) {
                    (true, _) => " planar",
                    (_, true) => " ellipsoid",
                    _ => "",
                };
                (vec![], format!("{}, {}{surface}", s.name(lon), s.name(lat)))
            }
            ClauseKind::Shapes { source, by, planar } => {
                let planar = if *planar { " planar" } else { "" };
                (vec![], format!("{} by {}{planar}", s.expression(source), s.name(by)))
            }
            ClauseKind::Where(e) | ClauseKind::Absent(e) => self.layout(e, INDENT, INDENT + word.width()),
            ClauseKind::Let { name, value } => {
                let head = format!("{} = ", s.name(name));
                let (hoisted, body) = self.layout(value, INDENT, INDENT + word.width() + head.width());
                (hoisted, head + &body)
            }
            ClauseKind::MissingMarkers(texts) => {
                (vec![], texts.iter().map(|t| s.string(&t.text, t.span)).collect::<Vec<_>>().join(", "))
            }
            ClauseKind::Keys(list) | ClauseKind::Value(list) | ClauseKind::Sum(list) | ClauseKind::Trim(list) => {
                (vec![], names(list))
            }
            ClauseKind::Count(name) => (vec![], s.name(name)),
            ClauseKind::Encoding(t)
            | ClauseKind::Separator(t)
            | ClauseKind::Decimal(t)
            | ClauseKind::Sheet(t)
            | ClauseKind::Range(t) => (vec![], s.string(&t.text, t.span)),
            ClauseKind::Recode { column, values } => {
                let head = format!("{} ", s.name(column));
                let (hoisted, body) = self.layout(values, INDENT, INDENT + word.width() + head.width());
                (hoisted, head + &body)
            }
        };
        let value = match &clause.kind {
            ClauseKind::Where(e)
            | ClauseKind::Absent(e)
            | ClauseKind::Let { value: e, .. }
            | ClauseKind::Recode { values: e, .. } => Some(e.span),
            _ => None,
        };
        let outside = |c: &&Comment| value.is_none_or(|v| c.span.start < v.start || c.span.start >= v.end);
        let mut above: Vec<String> = (self.comments_in(clause.span.start, clause.span.end).into_iter())
            .filter(outside)
            .map(|c| c.text.clone())
            .collect();
        above.extend(hoisted);
        self.piece((above, word + &rest))
    }

    /// An expression from column `used` on, in a statement indented by `indent`: on one line where it fits and holds no
    /// comment, else with its brackets opened or its operators at line ends. Comments that found no place come first.
    fn layout(&self, expr: &Expr, indent: usize, used: usize) -> (Vec<String>, String) {
        let line = self.spelling.expression(expr);
        let comments = self.comments_in(expr.span.start, expr.span.end);
        if comments.is_empty() && used + line.width() <= LINE {
            return (Vec::new(), line);
        }
        match &expr.kind {
            ExprKind::Call { callee, arguments } if !arguments.is_empty() => {
                let items: Vec<Item> = arguments.iter().map(Item::Argument).collect();
                self.opened(expr, Some(callee), ("(", ")"), &items, indent)
            }
            ExprKind::List(items) if !items.is_empty() => {
                self.opened(expr, None, ("[", "]"), &items.iter().map(Item::Value).collect::<Vec<_>>(), indent)
            }
            ExprKind::Record(entries) if !entries.is_empty() => {
                let items: Vec<Item> = entries.iter().map(|(k, v)| Item::Entry(self.spelling.key(k), v)).collect();
                self.opened(expr, None, ("{", "}"), &items, indent)
            }
            _ => {
                let hoisted = comments.into_iter().map(|c| c.text.clone()).collect();
                (hoisted, self.filled(expr, indent, used))
            }
        }
    }

    /// `open`, one item per line with its comments, `close`.
    fn opened(
        &self,
        expr: &Expr,
        callee: Option<&Expr>,
        (open, close): (&str, &str),
        items: &[Item],
        indent: usize,
    ) -> (Vec<String>, String) {
        let inner = indent + INDENT;
        let head = callee.map_or(String::new(), |c| self.spelling.expression(c));
        let from = callee.map_or(expr.span.start, |c| c.span.end);
        let hoisted = self.comments_in(expr.span.start, from).into_iter().map(|c| c.text.clone()).collect();
        let things = items
            .iter()
            .map(|item| {
                let label = item.label(&self.spelling);
                let (span, value) = (item.span(), item.value().span);
                let (hoisted, body) = self.layout(item.value(), inner, inner + label.width() + 1);
                // Behind the label, and around `over`.
                let beside = |from, to| self.comments_in(from, to).into_iter().map(|c| c.text.clone());
                let above = beside(span.start, value.start).chain(hoisted).chain(beside(value.end, span.end)).collect();
                let over = item.over().map_or(String::new(), |o| format!(" over {}", self.spelling.expression(o)));
                (span, None, self.piece((above, format!("{label}{body}{over},"))))
            })
            .collect();
        let mut pieces = self.sequence(things, from, expr.span.end);
        pieces.iter_mut().for_each(|p| p.parted = false);
        let pad = " ".repeat(indent);
        (hoisted, format!("{head}{open}\n{}{pad}{close}", laid(&pieces, inner)))
    }

    /// A chain or formula over several lines, broken after operators; anything else as it is.
    fn filled(&self, expr: &Expr, indent: usize, used: usize) -> String {
        let mut words = Vec::new();
        self.words(expr, &mut words);
        let pad = " ".repeat(indent + INDENT);
        let mut out = String::new();
        let mut column = used;
        for word in words {
            if column + word.trim_end().width() > LINE && !out.is_empty() {
                out.truncate(out.trim_end().len());
                out.push('\n');
                out.push_str(&pad);
                column = pad.len();
            }
            column += word.width();
            out.push_str(&word);
        }
        out.truncate(out.trim_end().len());
        out
    }

    /// An expression in pieces after each of which a line may end.
    fn words(&self, expr: &Expr, out: &mut Vec<String>) {
        match &expr.kind {
            ExprKind::Chain { first, rest } if rest.iter().all(|r| spaced(r.0).starts_with(' ')) => {
                // The canonical spelling knows which operands need brackets: cut it at the operators.
                let line = self.spelling.expression(expr);
                let parts: Vec<String> = std::iter::once(first.as_ref())
                    .chain(rest.iter().map(|r| &r.2))
                    .map(|e| self.spelling.expression(e))
                    .collect();
                let operators: Vec<String> = rest.iter().map(|r| spaced(r.0)).collect();
                let plain: String = parts
                    .iter()
                    .enumerate()
                    .map(|(i, p)| format!("{p}{}", operators.get(i).map_or("", String::as_str)))
                    .collect();
                if plain != line {
                    out.push(line);
                    return;
                }
                for (i, part) in parts.into_iter().enumerate() {
                    let operator = operators.get(i).map_or(String::new(), |o| format!("{} ", o.trim_end()));
                    out.push(part + &operator);
                }
            }
            ExprKind::Formula { outcome, terms, weights, tilde, bar } => {
                if let Some(e) = outcome {
                    out.push(format!("{} ", self.spelling.expression(e)));
                }
                if tilde.is_some() {
                    out.push("~ ".to_string());
                }
                if let Some(e) = terms {
                    self.words(e, out);
                }
                if bar.is_some() {
                    if let Some(last) = out.last_mut() {
                        last.truncate(last.trim_end().len());
                        last.push_str(" | ");
                    } else {
                        out.push("| ".to_string());
                    }
                }
                if let Some(e) = weights {
                    self.words(e, out);
                }
            }
            _ => out.push(self.spelling.expression(expr)),
        }
    }
}

/// One thing between brackets.
enum Item<'a> {
    Argument(&'a Argument),
    Value(&'a Expr),
    Entry(String, &'a Expr),
}

impl Item<'_> {
    fn value(&self) -> &Expr {
        match self {
            Item::Argument(a) => &a.value,
            Item::Value(e) | Item::Entry(_, e) => e,
        }
    }

    fn over(&self) -> Option<&Expr> {
        if let Item::Argument(a) = self { a.over.as_ref() } else { None }
    }

    fn label(&self, spelling: &Spelling) -> String {
        match self {
            Item::Argument(a) => a.label.as_ref().map_or(String::new(), |l| format!("{}: ", spelling.name(l))),
            Item::Value(_) => String::new(),
            Item::Entry(key, _) => format!("{key}: "),
        }
    }

    fn span(&self) -> Span {
        match self {
            Item::Argument(a) => {
                let start = a.label.as_ref().map_or(a.value.span, |l| l.span);
                start.to(a.over.as_ref().map_or(a.value.span, |o| o.span))
            }
            Item::Value(e) | Item::Entry(_, e) => e.span,
        }
    }
}

fn documented(doc: &str) -> Vec<String> {
    doc.split('\n').map(|l| if l.is_empty() { "##".to_string() } else { format!("## {l}") }).collect()
}

/// Pieces as lines; comments at the ends of lines that follow each other stand in one column.
fn laid(pieces: &[Piece], indent: usize) -> String {
    let pad = " ".repeat(indent);
    let mut lines: Vec<(String, Option<&str>)> = Vec::new();
    for (i, piece) in pieces.iter().enumerate() {
        if piece.parted && i > 0 {
            lines.push((String::new(), None));
        }
        lines.extend(piece.above.iter().map(|a| (format!("{pad}{a}"), None)));
        lines.push((format!("{pad}{}", piece.body), piece.trailing.as_deref()));
    }
    let mut out = String::new();
    let end_of = |text: &str| text.rsplit('\n').next().unwrap_or("").width();
    for (i, (text, trailing)) in lines.iter().enumerate() {
        out.push_str(text);
        if let Some(comment) = trailing {
            let commented = |l: &&(String, Option<&str>)| l.1.is_some();
            let before = lines[..i].iter().rev().take_while(commented);
            let after = lines[i..].iter().take_while(commented);
            let column = before.chain(after).map(|l| end_of(&l.0)).max().unwrap_or(0);
            out.push_str(&" ".repeat(column - end_of(text) + 2));
            out.push_str(comment);
        }
        out.push('\n');
    }
    out
}
