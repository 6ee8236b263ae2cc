//! `panel` statements, and the clauses that `data` has too: clauses said once, keys there, columns known from file headers.

use super::arrays::On;
use super::scope::Value;
use super::spec::*;
use super::{Check, Checker, PanelInfo, Reported};
use crate::diagnostic::Diagnostic;
use crate::fault::ticked_list;
use crate::source::Span;
use crate::suggest;
use crate::syntax::ast::*;
use indexmap::IndexMap;

impl Checker<'_> {
    /// Checks a `panel` statement and binds its name; a panel that fails is bound as broken.
    pub(crate) fn panel_statement(&mut self, block: &DataBlock) {
        let info = self.panel_source(block);
        let said = self.said_twice(block);
        let (Ok(info), Ok(())) = (info, said) else {
            self.broken_panel = true;
            self.bind_name(&block.name, Value::Broken, "panel");
            return;
        };
        self.panels.push(info);
        let at = self.panels.len() - 1;
        let mut keys_sound = self.keys(block, at).is_ok();
        for clause in &block.clauses {
            if matches!(clause.kind, ClauseKind::Join { .. }) {
                keys_sound &= self.panel_clause(clause, at).is_ok();
            }
        }
        for clause in &block.clauses {
            if !matches!(clause.kind, ClauseKind::Join { .. }) {
                let _ = self.panel_clause(clause, at);
            }
        }
        if keys_sound {
            self.bind_name(&block.name, Value::Panel(at), "panel");
        } else {
            self.panels.pop();
            self.broken_panel = true;
            self.bind_name(&block.name, Value::Broken, "panel");
        }
    }

    /// Where the rows come from, and the columns they have.
    pub(crate) fn panel_source(&mut self, block: &DataBlock) -> Check<PanelInfo> {
        let place = Place(block.name.span);
        let source_place = Place(block.source.span);
        let writing = self.writing(block)?;
        let (source, columns, files) = match &block.source.kind {
            ExprKind::Text(path) => {
                let header = self.header(path, &writing, block.source.span)?;
                let columns: IndexMap<String, String> =
                    header.into_iter().filter(|c| !c.is_empty()).map(|c| (c, path.clone())).collect();
                (RowSource::File(path.clone()), columns, vec![path.clone()])
            }
            ExprKind::Name(n) => match self.scope.look_up(&n.text) {
                Some(Value::Panel(p)) => {
                    let base = &self.panels[p];
                    (RowSource::Panel(p), base.columns.clone(), base.files.clone())
                }
                Some(Value::Data(d)) => {
                    let base = &self.data[d].info;
                    (RowSource::Data(d), base.columns.clone(), base.files.clone())
                }
                Some(Value::Broken) => return Err(Reported),
                Some(other) => {
                    return Err(self.wrong_kind(n.span, "a file or an earlier panel", &other, Some(&n.text)));
                }
                None => return Err(self.unknown_name(n, |v| matches!(v, Value::Panel(_)))),
            },
            _ => return Err(self.later(block.source.span, "this source of a panel")),
        };
        let base = match &source {
            RowSource::Panel(p) => Some(self.panels[*p].spec.clone()),
            RowSource::Data(d) => Some(PanelSpec { missing: MissingPolicy::Error, ..self.data[*d].info.spec.clone() }),
            RowSource::File(_) => None,
        };
        let (unit, time) = base.as_ref().map(|b| (b.unit.clone(), b.time.clone())).unwrap_or_default();
        let spec = PanelSpec {
            name: block.name.text.clone(),
            source,
            unit,
            time,
            writing,
            mends: Vec::new(),
            joins: Vec::new(),
            coords: base.as_ref().and_then(|b| b.coords.clone()),
            shapes: base.as_ref().and_then(|b| b.shapes.clone()),
            steps: Vec::new(),
            markers: base.as_ref().map(|b| b.markers.clone()).unwrap_or_default(),
            missing: base.as_ref().map_or(MissingPolicy::Error, |b| b.missing),
            balance: base.as_ref().map_or(BalancePolicy::Error, |b| b.balance),
            place,
            source_place,
            unit_place: place,
            time_place: place,
            missing_place: place,
            balance_place: place,
        };
        Ok(PanelInfo { spec, columns, broken_columns: Vec::new(), files })
    }

    /// Clauses that may stand once.
    pub(crate) fn said_twice(&mut self, block: &DataBlock) -> Check<()> {
        let mut first: IndexMap<&'static str, Span> = IndexMap::new();
        let mut failed = None;
        for clause in &block.clauses {
            let word = match &clause.kind {
                ClauseKind::Join { .. }
                | ClauseKind::Where(_)
                | ClauseKind::Let { .. }
                | ClauseKind::Trim(_)
                | ClauseKind::Recode { .. } => continue,
                ClauseKind::MissingMarkers(_) => "missing \"…\"",
                other => other.word(),
            };
            match first.get(word) {
                Some(&place) => {
                    failed = Some(
                        self.report(
                            Diagnostic::error(
                                "durbin::check::said_twice",
                                clause.span,
                                format!("`{word}` is said twice"),
                            )
                            .label(place, "first here")
                            .help("keep one of them"),
                        ),
                    );
                }
                None => {
                    first.insert(word, clause.span);
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// `unit` and `time` are there and name columns.
    fn keys(&mut self, block: &DataBlock, at: usize) -> Check<()> {
        let mut failed = None;
        for word in ["unit", "time"] {
            let clause = block.clauses.iter().find_map(|c| match &c.kind {
                ClauseKind::Unit(n) if word == "unit" => Some(n),
                ClauseKind::Time(n) if word == "time" => Some(n),
                _ => None,
            });
            let Some(name) = clause else {
                let known = if word == "unit" { &self.panels[at].spec.unit } else { &self.panels[at].spec.time };
                if known.is_empty() {
                    failed = Some(self.missing_key(block, at, word));
                }
                continue;
            };
            if !self.panels[at].columns.contains_key(&name.text) {
                failed = Some(self.unknown_column(name, at));
                continue;
            }
            let spec = &mut self.panels[at].spec;
            if word == "unit" {
                (spec.unit, spec.unit_place) = (name.text.clone(), Place(name.span));
            } else {
                (spec.time, spec.time_place) = (name.text.clone(), Place(name.span));
            }
        }
        failed.map_or(Ok(()), Err)
    }

    fn missing_key(&mut self, block: &DataBlock, at: usize, word: &str) -> Reported {
        let likely: &[&str] = if word == "time" {
            &["year", "time", "period", "t", "date", "quarter", "month", "season", "wave", "年份", "年"]
        } else {
            &["unit", "id", "region", "state", "city", "county", "country", "name", "code", "城市", "地区"]
        };
        let columns: Vec<&String> = self.panels[at].columns.keys().collect();
        let guess = likely.iter().find(|l| columns.iter().any(|c| c.to_lowercase() == **l)).copied();
        let help = match guess {
            Some(g) => format!("add the clause `{word} {g}`"),
            None => format!("add the clause `{word} COLUMN`; the columns are {}", ticked_list(&columns)),
        };
        self.report(
            Diagnostic::error(
                "durbin::check::missing_key",
                block.name.span,
                format!("panel `{}` has no `{word}`", block.name.text),
            )
            .help(help),
        )
    }

    fn known_column(&mut self, name: &Name, at: usize) -> Check<String> {
        if self.panels[at].columns.contains_key(&name.text) {
            return Ok(name.text.clone());
        }
        Err(self.unknown_column(name, at))
    }

    fn panel_clause(&mut self, clause: &Clause, at: usize) -> Check<()> {
        match &clause.kind {
            ClauseKind::Unit(_) | ClauseKind::Time(_) => Ok(()),
            ClauseKind::Join { source, by, optional } => self.join(clause, source, by, *optional, On::Panel(at)),
            ClauseKind::Coords { lon, lat, planar, ellipsoid } => {
                let (a, b) = (self.known_column(lon, at), self.known_column(lat, at));
                let place = Place(clause.span);
                let coords = CoordsSpec { lon: a?, lat: b?, planar: *planar, ellipsoid: *ellipsoid, place };
                self.panels[at].spec.coords = Some(coords);
                Ok(())
            }
            ClauseKind::Where(e) => {
                let condition = self.column(e, at)?;
                self.panels[at].spec.steps.push(PanelStep::Where { condition });
                Ok(())
            }
            ClauseKind::Let { name, value } => self.let_clause(name, value, On::Panel(at)),
            ClauseKind::MissingMarkers(_) | ClauseKind::Missing(_) => self.missing_clause(clause, On::Panel(at)),
            ClauseKind::Balance(word) => {
                let policy = match word.text.as_str() {
                    "error" => BalancePolicy::Error,
                    "drop" => BalancePolicy::Drop,
                    "allow" => BalancePolicy::Allow,
                    _ => return Err(self.bad_word("balance", word, &["error", "drop", "allow"])),
                };
                let spec = &mut self.panels[at].spec;
                (spec.balance, spec.balance_place) = (policy, Place(clause.span));
                Ok(())
            }
            ClauseKind::Keys(_)
            | ClauseKind::Value(_)
            | ClauseKind::Sum(_)
            | ClauseKind::Count(_)
            | ClauseKind::Absent(_) => {
                let word = clause.kind.word();
                Err(self.report(
                    Diagnostic::error(
                        "durbin::syntax::unknown_clause",
                        clause.span,
                        format!("a panel has no clause `{word}`"),
                    )
                    .help(
                        "`keys`, `value`, `sum`, `count` and `absent` belong to `data`; a panel has `unit` and `time`",
                    ),
                ))
            }
            ClauseKind::Shapes { source, by, planar } => self.shapes_clause(clause, source, by, *planar, at),
            ClauseKind::Trim(_) | ClauseKind::Recode { .. } => self.mend_clause(clause, On::Panel(at)),
            // Looked at before the file was.
            ClauseKind::Encoding(_)
            | ClauseKind::Separator(_)
            | ClauseKind::Decimal(_)
            | ClauseKind::Sheet(_)
            | ClauseKind::Range(_) => Ok(()),
        }
    }

    fn bad_word(&mut self, clause: &str, word: &Name, choices: &[&str]) -> Reported {
        let near = suggest::nearest(&word.text, choices.iter().copied());
        let list = crate::fault::ticked_all(choices);
        let help = near.map_or(format!("`{clause}` takes {list}"), |n| format!("did you mean `{clause} {n}`?"));
        self.report(
            Diagnostic::error(
                "durbin::check::bad_option_value",
                word.span,
                format!("`{}` is no value of `{clause}`", word.text),
            )
            .help(help),
        )
    }

    /// `missing "NA"` and `missing drop`.
    pub(crate) fn missing_clause(&mut self, clause: &Clause, on: On) -> Check<()> {
        let policy = match &clause.kind {
            ClauseKind::Missing(word) => Some(match word.text.as_str() {
                "error" => MissingPolicy::Error,
                "drop" => MissingPolicy::Drop,
                _ => return Err(self.bad_word("missing", word, &["error", "drop"])),
            }),
            _ => None,
        };
        let Some(info) = self.info_mut(on) else { return Err(Reported) };
        match (&clause.kind, policy) {
            (ClauseKind::MissingMarkers(texts), _) => {
                info.spec.markers = texts.iter().map(|t| t.text.clone()).collect();
            }
            (_, Some(policy)) => (info.spec.missing, info.spec.missing_place) = (policy, Place(clause.span)),
            _ => {}
        }
        Ok(())
    }

    /// A derived column.
    pub(crate) fn let_clause(&mut self, name: &Name, value: &Expr, on: On) -> Check<()> {
        if let Some(file) = self.info(on).and_then(|i| i.columns.get(&name.text)) {
            let whose = if file.is_empty() { "an earlier `let`".to_string() } else { format!("`{file}`") };
            return Err(self.report(
                Diagnostic::error(
                    "durbin::check::name_taken",
                    name.span,
                    format!("`{}` is already a column, from {whose}", name.text),
                )
                .help("give the derived column another name"),
            ));
        }
        let value = match on {
            On::Panel(p) => self.column(value, p),
            _ => self.array(value, on),
        };
        let Some(info) = self.info_mut(on) else { return Err(Reported) };
        match value {
            Ok(value) => {
                info.columns.insert(name.text.clone(), String::new());
                info.spec.steps.push(PanelStep::Let { name: name.text.clone(), value });
                Ok(())
            }
            Err(r) => {
                info.broken_columns.push(name.text.clone());
                Err(r)
            }
        }
    }

    pub(crate) fn join(&mut self, clause: &Clause, source: &Expr, by: &[Name], optional: bool, on: On) -> Check<()> {
        let (rows, path, columns) = match &source.kind {
            ExprKind::Text(path) => {
                (RowSource::File(path.clone()), path.clone(), self.header(path, &self.joined_writing(on), source.span)?)
            }
            ExprKind::Name(n) => match self.scope.look_up(&n.text) {
                Some(Value::Data(d)) => {
                    let info = &self.data[d].info;
                    let path = info.files.first().cloned().unwrap_or_default();
                    (RowSource::Data(d), path, info.columns.keys().cloned().collect())
                }
                Some(Value::Broken) => return Err(Reported),
                Some(other) => return Err(self.wrong_kind(n.span, "a file or a data set", &other, Some(&n.text))),
                None => return Err(self.unknown_name(n, |v| matches!(v, Value::Data(_)))),
            },
            _ => return Err(self.later(source.span, "this source of a join")),
        };
        let mut failed = None;
        for key in by {
            if !self.info(on).is_some_and(|i| i.columns.contains_key(&key.text)) {
                failed = Some(self.unknown_column(key, on));
            } else if !columns.contains(&key.text) {
                let mut fault = Diagnostic::error(
                    "durbin::check::unknown_column",
                    key.span,
                    format!("`{path}` has no column `{}` to join by", key.text),
                );
                fault.help = suggest::did_you_mean(&key.text, columns.iter().map(String::as_str));
                failed = Some(self.report(fault));
            }
        }
        if let Some(r) = failed {
            return Err(r);
        }
        for column in columns.iter().filter(|c| !c.is_empty() && !by.iter().any(|k| k.text == **c)) {
            if let Some(own) = self.info(on).and_then(|i| i.columns.get(column)) {
                let own = own.clone();
                failed = Some(
                    self.report(
                        Diagnostic::error(
                            "durbin::data::join_clash",
                            clause.span,
                            format!("column `{column}` is in both `{own}` and `{path}`"),
                        )
                        .help("rename it in one of the files"),
                    ),
                );
            } else if let Some(info) = self.info_mut(on) {
                info.columns.insert(column.clone(), path.clone());
            }
        }
        let by = by.iter().map(|k| k.text.clone()).collect();
        if let Some(info) = self.info_mut(on) {
            info.files.push(path);
            info.spec.joins.push(JoinSpec { source: rows, by, optional, place: Place(clause.span) });
        }
        failed.map_or(Ok(()), Err)
    }
}
