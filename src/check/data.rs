//! `data` statements: long tables whose columns are labelled arrays over their keys.

use super::arrays::On;
use super::scope::Value;
use super::spec::*;
use super::{Check, Checker, DataInfo, Reported};
use crate::diagnostic::Diagnostic;
use crate::fault::ticked_list;
use crate::syntax::ast::*;

impl DataInfo {
    pub(crate) fn spec(self) -> DataSpec {
        DataSpec {
            rows: self.info.spec,
            keys: self.keys,
            values: self.values,
            sums: self.sums,
            absent: self.absent,
            keys_place: self.keys_place,
        }
    }
}

impl Checker<'_> {
    /// Checks a `data` statement and binds its name; one that fails is bound as broken.
    pub(crate) fn data_statement(&mut self, block: &DataBlock) {
        let value = match self.data_block(block) {
            Ok(i) => Value::Data(i),
            Err(Reported) => Value::Broken,
        };
        self.bind_name(&block.name, value, "data");
    }

    fn data_block(&mut self, block: &DataBlock) -> Check<usize> {
        let said = self.said_twice(block);
        let mut info = self.panel_source(block)?;
        (info.spec.unit, info.spec.time) = (String::new(), String::new());
        (info.spec.coords, info.spec.shapes) = (None, None);
        let (keys, values, absent, keys_place) = match info.spec.source {
            RowSource::Data(d) => {
                let base = &self.data[d];
                (base.keys.clone(), base.values.clone(), base.absent, base.keys_place)
            }
            RowSource::Panel(p) => {
                let base = &self.panels[p].spec;
                (vec![base.unit.clone(), base.time.clone()], None, None, base.unit_place)
            }
            RowSource::File(_) => (Vec::new(), None, None, Place(block.name.span)),
        };
        self.data.push(DataInfo { info, keys, values, sums: None, absent, keys_place });
        let at = self.data.len() - 1;
        let mut sound = said.is_ok();
        let is_key = |c: &Clause| matches!(c.kind, ClauseKind::Join { .. } | ClauseKind::Keys(_));
        for clause in block.clauses.iter().filter(|c| is_key(c)).chain(block.clauses.iter().filter(|c| !is_key(c))) {
            sound &= self.data_clause(clause, at).is_ok();
        }
        // What is added up may be a `let`.
        sound &= self.sums(block, at).is_ok();
        if self.data[at].keys.is_empty() && sound {
            sound = false;
            self.no_keys(block, at);
        }
        if sound {
            return Ok(at);
        }
        self.data.pop();
        Err(Reported)
    }

    fn no_keys(&mut self, block: &DataBlock, at: usize) {
        let columns: Vec<&String> = self.data[at].info.columns.keys().collect();
        let help = format!("add the clause `keys COLUMN, …`; the columns are {}", ticked_list(&columns));
        let message = format!("data set `{}` has no `keys`", block.name.text);
        self.report(Diagnostic::error("durbin::check::missing_key", block.name.span, message).help(help));
    }

    fn data_clause(&mut self, clause: &Clause, at: usize) -> Check<()> {
        let on = On::Data(at);
        match &clause.kind {
            ClauseKind::Keys(names) => {
                self.data[at].keys = self.known_columns(names, on)?;
                self.data[at].keys_place = Place(clause.span);
                Ok(())
            }
            ClauseKind::Value(names) => {
                // Derived columns may be values, and stand below.
                let lets = |n: &Name| self.data[at].info.columns.contains_key(&n.text);
                let (known, later): (Vec<&Name>, Vec<&Name>) = names.iter().partition(|n| lets(n));
                self.data[at].values = Some(known.iter().map(|n| n.text.clone()).collect());
                match later.first() {
                    None => Ok(()),
                    Some(n) => Err(self.unknown_column(n, on)),
                }
            }
            // Looked at when all columns are known.
            ClauseKind::Sum(_) | ClauseKind::Count(_) => Ok(()),
            ClauseKind::Join { source, by, optional } => self.join(clause, source, by, *optional, on),
            ClauseKind::Where(e) => {
                let condition = self.array(e, on)?;
                self.data[at].info.spec.steps.push(PanelStep::Where { condition });
                Ok(())
            }
            ClauseKind::Let { name, value } => {
                self.let_clause(name, value, on)?;
                if let Some(values) = &mut self.data[at].values {
                    values.push(name.text.clone());
                }
                Ok(())
            }
            ClauseKind::MissingMarkers(_) | ClauseKind::Missing(_) => self.missing_clause(clause, on),
            ClauseKind::Absent(e) => {
                self.data[at].absent = match self.value(e)? {
                    Value::Missing => None,
                    _ => Some(self.number(e, "the value of absent cells")?),
                };
                Ok(())
            }
            ClauseKind::Trim(_) | ClauseKind::Recode { .. } => self.mend_clause(clause, on),
            // Looked at before the file was.
            ClauseKind::Encoding(_)
            | ClauseKind::Separator(_)
            | ClauseKind::Decimal(_)
            | ClauseKind::Sheet(_)
            | ClauseKind::Range(_) => Ok(()),
            ClauseKind::Unit(_)
            | ClauseKind::Time(_)
            | ClauseKind::Coords { .. }
            | ClauseKind::Shapes { .. }
            | ClauseKind::Balance(_) => {
                let word = clause.kind.word();
                let message = format!("a data set has no clause `{word}`");
                let help = "`unit`, `time`, `coords`, `shapes` and `balance` belong to `panel`; a data set has `keys`, \
                            `value`, `sum`, `count`, `absent`, `join`, `where`, `let` and `missing`";
                let fault = Diagnostic::error("durbin::syntax::unknown_clause", clause.span, message).help(help);
                Err(self.report(fault))
            }
        }
    }

    /// `sum` and `count`: the columns there are beside the keys from then on.
    fn sums(&mut self, block: &DataBlock, at: usize) -> Check<()> {
        let mut sums = SumsSpec::default();
        let mut value = None;
        for clause in &block.clauses {
            match &clause.kind {
                ClauseKind::Sum(names) => {
                    sums.columns = self.known_columns(names, On::Data(at))?;
                    if let Some(key) = names.iter().find(|n| self.data[at].keys.contains(&n.text)) {
                        let message = format!("`{}` is a key, and rows of the same keys are added up", key.text);
                        let fault = Diagnostic::error("durbin::check::said_twice", key.span, message);
                        return Err(self.report(fault.help("add another column up, or leave this one out of `keys`")));
                    }
                }
                ClauseKind::Count(name) => {
                    if let Some(file) = self.data[at].info.columns.get(&name.text) {
                        let whose = if file.is_empty() { "a `let`".to_string() } else { format!("`{file}`") };
                        let message = format!("`{}` is already a column, from {whose}", name.text);
                        let fault = Diagnostic::error("durbin::check::name_taken", name.span, message);
                        return Err(self.report(fault.help("count under another name, such as `count rows`")));
                    }
                    sums.count = Some(name.text.clone());
                }
                ClauseKind::Value(_) => value = Some(clause.span),
                _ => continue,
            }
            if !matches!(clause.kind, ClauseKind::Value(_)) && sums.place == Place::default() {
                sums.place = Place(clause.span);
            }
        }
        if sums.columns.is_empty() && sums.count.is_none() {
            return Ok(());
        }
        if let Some(span) = value {
            let message = "the columns of a data set that adds rows up are those of `sum` and `count`";
            let fault = Diagnostic::error("durbin::check::said_twice", span, message);
            return Err(self.report(fault.help("leave `value` out")));
        }
        let data = &mut self.data[at];
        let made: Vec<String> = sums.columns.iter().chain(&sums.count).cloned().collect();
        data.info.columns.extend(sums.count.iter().map(|name| (name.clone(), String::new())));
        data.info.columns.retain(|name, _| data.keys.contains(name) || made.contains(name));
        (data.values, data.sums) = (Some(made), Some(sums));
        Ok(())
    }

    fn known_columns(&mut self, names: &[Name], on: On) -> Check<Vec<String>> {
        let mut out: Vec<String> = Vec::new();
        let mut failed = None;
        for n in names {
            if !self.info(on).is_some_and(|i| i.columns.contains_key(&n.text)) {
                failed = Some(self.unknown_column(n, on));
            } else if out.contains(&n.text) {
                let message = format!("the key `{}` is given twice", n.text);
                failed =
                    Some(self.report(
                        Diagnostic::error("durbin::check::said_twice", n.span, message).help("keep one of them"),
                    ));
            } else {
                out.push(n.text.clone());
            }
        }
        failed.map_or(Ok(out), Err)
    }
}
