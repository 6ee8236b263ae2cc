//! Data sets that add up the rows of the same keys, such as records of firms by city, industry and year.
//!
//! A text table whose clauses look at one row at a time is read as a stream and never held. Whatever has to be told of
//! its rows, and every other source, takes the table as a whole; both ways add the same rows in the same order.

use super::columns::{Eval, has_spatial_lag, looks_along_time};
use super::conditions::Gone;
use super::cubes::DataSet;
use super::panels::PanelData;
use super::{Planner, Reported, Step};
use crate::check::spec::{Column, ColumnKind, DataSpec, MissingPolicy, PanelStep, RowSource, SumsSpec};
use crate::data::array::MOST_CELLS;
use crate::data::chunk::{Chunk, Key, Numbers, Wanted};
use crate::data::csv::separator_of;
use crate::data::door::{Format, format_of};
use crate::data::keys::is_padded;
use crate::data::numbers::numbers;
use crate::data::series::{Series, Value};
use crate::data::sums::Sums;
use crate::data::table::Table;
use crate::diagnostic::Diagnostic;
use crate::fault::Fault;
use std::sync::Arc;

/// What was added up, and of how many rows.
struct Added {
    table: Table,
    records: usize,
}

/// The file a data set adds up while it is read, where its clauses look at one row at a time.
pub(super) fn streamed_file(declared: &DataSpec) -> Option<&str> {
    let RowSource::File(path) = &declared.rows.source else { return None };
    let spec = &declared.rows;
    let alone = declared.sums.is_some() && spec.joins.is_empty() && spec.mends.is_empty();
    let by_row = spec.steps.iter().all(|s| match s {
        PanelStep::Let { value, .. } | PanelStep::Where { condition: value } => looks_at_its_row(value),
    });
    (alone && by_row && format_of(path) == Ok(Format::Text)).then_some(path)
}

fn looks_at_its_row(column: &Column) -> bool {
    let mut alone = !looks_along_time(column) && !has_spatial_lag(column) && !super::arrays::is_array(column);
    column.visit(&mut |c| {
        alone &= !matches!(
            c.kind,
            ColumnKind::Label(_) | ColumnKind::Treatment(_) | ColumnKind::EventTime { .. } | ColumnKind::Near { .. }
        );
    });
    alone
}

impl Planner<'_> {
    /// Loads a data set whose rows of the same keys are added up.
    pub(super) fn summed(&mut self, declared: &DataSpec, sums: &SumsSpec) -> Step<DataSet> {
        let streamed = match streamed_file(declared) {
            Some(path) => self.streamed(path, declared, sums)?,
            None => None,
        };
        let added = match streamed {
            Some(added) => added,
            None => self.added_whole(declared, sums)?,
        };
        let table = Arc::new(added.table);
        let rows = PanelData {
            name: declared.rows.name.clone(),
            rows: table.all_rows(),
            table,
            markers: Vec::new(),
            ..PanelData::nowhere()
        };
        let (dims, codes) = self.dimensions(declared, &rows)?;
        let cells = self.placed(declared, &rows, &dims, &codes)?;
        Ok(DataSet { rows, dims, cells, absent: declared.absent, records: Some(added.records) })
    }

    fn added_whole(&mut self, declared: &DataSpec, sums: &SumsSpec) -> Step<Added> {
        let mut rows = self.rows_of(&declared.rows)?;
        self.joins(&declared.rows, &mut rows)?;
        self.steps(&declared.rows, &mut rows)?;
        let mut values = Vec::new();
        for column in &sums.columns {
            values.push(match (rows.lets.get(column), rows.table.column(column)) {
                (Some(value), _) => self.addends(column, value, rows.table.rows(), sums)?,
                (None, Some(c)) => numbers(&rows.table, c, &rows.markers, &rows.rows)
                    .map_err(|faults| self.report_all(faults, sums.place.0))?,
                (None, None) => return Err(Reported),
            });
        }
        let dropped = if declared.rows.missing == MissingPolicy::Drop {
            let had = rows.rows.len();
            rows.rows.retain(|&r| values.iter().all(|x| !x[r as usize].is_nan()));
            had - rows.rows.len()
        } else {
            0
        };
        self.rows_dropped(declared, dropped);
        self.dimensions(declared, &rows)?;
        let keys: Vec<usize> = declared.keys.iter().filter_map(|k| rows.table.column(k)).collect();
        let mut total = Sums::of(keys.len(), values.len());
        let labels = keys.iter().enumerate().map(|(k, &column)| {
            rows.rows
                .iter()
                .map(|&row| total.label(k, rows.table.get(row as usize, column)))
                .collect::<Option<Vec<u32>>>()
        });
        let labels: Option<Vec<Vec<u32>>> = labels.collect();
        let line = |row: usize| rows.table.line(rows.rows[row] as usize);
        let groups = labels.and_then(|labels| total.groups(rows.rows.len(), &labels, line));
        let Some(groups) = groups.filter(|_| total.len() <= MOST_CELLS) else {
            return Err(self.too_many_sums(declared));
        };
        let values: Vec<&[f64]> = values.iter().map(Vec::as_slice).collect();
        total.add(&rows.rows, &groups, &values);
        let records = rows.rows.len();
        let table = total.table(&rows.table.file, &declared.keys, &sums.columns, sums.count.as_ref());
        table.map(|table| Added { table, records }).ok_or_else(|| self.too_many_sums(declared))
    }

    /// The numbers of a derived column that is added up; a condition counts as 0 and 1.
    fn addends(&mut self, name: &str, value: &Value, rows: usize, sums: &SumsSpec) -> Step<Vec<f64>> {
        match value.spread(rows) {
            Series::Numbers(x) => Ok(x),
            Series::Bools(b) => Ok(b.into_iter().map(|b| b.map_or(f64::NAN, |b| f64::from(u8::from(b)))).collect()),
            Series::Texts(_) => {
                let message = format!("`{name}` is text, and what is added up are numbers");
                let fault = Fault::error("durbin::check::wrong_kind", message)
                    .help("count the rows with `count NAME`, or add a condition up: `let big = size == \"big\"`");
                Err(self.report(fault, sums.place.0))
            }
        }
    }

    fn too_many_sums(&mut self, declared: &DataSpec) -> Reported {
        let message = format!("data set `{}` has too many combinations of its keys to be held", declared.rows.name);
        let help = "at most 200 million are held: leave a key out, so that more rows are added up";
        self.report(Fault::error("durbin::data::too_large", message).help(help), declared.keys_place.0)
    }

    /// Adds up a file while it is read; `None` where it has to be looked at as a whole.
    fn streamed(&mut self, path: &str, declared: &DataSpec, sums: &SumsSpec) -> Step<Option<Added>> {
        let spec = &declared.rows;
        let Ok((header, warnings)) = self.files.header(path, &spec.writing) else { return Ok(None) };
        let Some(wanted) = wanted(path, &header, declared, sums) else { return Ok(None) };
        let Ok(from) = self.files.stream(path) else { return Ok(None) };
        let mut adder = Adder::of(declared, sums, &header, &wanted);
        let ended = crate::data::stream::stream(path, from, &spec.writing, &wanted, |chunk| adder.take(self, chunk));
        if adder.total.len() > MOST_CELLS {
            return Err(self.too_many_sums(declared));
        }
        let Some(ended) = ended.filter(|_| adder.is_sound()) else { return Ok(None) };
        let Adder { total, records, dropped, gone, warnings: common, .. } = adder;
        let Some(table) = total.table(path, &declared.keys, &sums.columns, sums.count.as_ref()) else {
            return Err(self.too_many_sums(declared));
        };
        self.report_all(warnings, spec.source_place.0);
        if let Some(encoding) = spec.writing.encoding.filter(|_| ended.doubtful) {
            self.report(crate::data::unpack::doubtful(path, encoding), spec.source_place.0);
        }
        self.files.streamed(path, &spec.writing, ended.bytes, ended.blake3);
        for warning in common.unwrap_or_default() {
            self.diagnose(warning);
        }
        let conditions = spec.steps.iter().filter_map(|s| match s {
            PanelStep::Where { condition } => Some(condition),
            PanelStep::Let { .. } => None,
        });
        for (condition, gone) in conditions.zip(&gone) {
            self.condition_gone(&spec.name, condition, gone, &format!("where {}", condition.text));
        }
        self.rows_dropped(declared, dropped);
        Ok(Some(Added { table, records }))
    }
}

/// The fields of a file that are wanted, by what for; `None` where a name is no column.
fn wanted(path: &str, header: &[String], declared: &DataSpec, sums: &SumsSpec) -> Option<Wanted> {
    let spec = &declared.rows;
    let field = |name: &String| header.iter().position(|h| h == name);
    let lets: Vec<&String> = spec.steps.iter().filter_map(let_name).collect();
    let mut texts: Vec<usize> = Vec::new();
    for step in &spec.steps {
        let (PanelStep::Let { value, .. } | PanelStep::Where { condition: value }) = step;
        for name in super::columns::names_of(value).iter().filter(|n| !lets.contains(n)) {
            let field = field(name)?;
            if !texts.contains(&field) {
                texts.push(field);
            }
        }
    }
    Some(Wanted {
        fields: header.len(),
        keys: declared.keys.iter().map(field).collect::<Option<_>>()?,
        numbers: sums.columns.iter().filter(|c| !lets.contains(c)).map(field).collect::<Option<_>>()?,
        texts,
        separator: separator_of(path, &spec.writing),
        decimal: spec.writing.decimal,
        markers: spec.markers.clone(),
    })
}

fn let_name(step: &PanelStep) -> Option<&String> {
    match step {
        PanelStep::Let { name, .. } => Some(name),
        PanelStep::Where { .. } => None,
    }
}

/// Derived columns that are added up, by name.
type Derived = Vec<(String, Vec<f64>)>;

/// Whether −999 in a column of numbers is judged a mark for missing, over all pieces.
#[derive(Clone, Default)]
struct Judged {
    sentinels: bool,
    numbers: bool,
    negative: bool,
}

/// Adds up chunk after chunk.
struct Adder<'s> {
    declared: &'s DataSpec,
    sums: &'s SumsSpec,
    /// Names of the columns that conditions need.
    texts: Vec<String>,
    total: Sums,
    records: usize,
    dropped: usize,
    /// Of each condition, the rows in which it is missing.
    gone: Vec<Gone>,
    /// Warnings that every chunk gave: what one of them has is there.
    warnings: Option<Vec<Diagnostic>>,
    judged: Vec<Judged>,
    /// Lines before the chunk.
    line: usize,
}

impl<'s> Adder<'s> {
    fn of(declared: &'s DataSpec, sums: &'s SumsSpec, header: &[String], wanted: &Wanted) -> Adder<'s> {
        let conditions = declared.rows.steps.iter().filter(|s| let_name(s).is_none()).count();
        Adder {
            declared,
            sums,
            texts: wanted.texts.iter().map(|&f| header[f].clone()).collect(),
            total: Sums::of(declared.keys.len(), sums.columns.len()),
            records: 0,
            dropped: 0,
            gone: (0..conditions).map(|_| Gone::default()).collect(),
            warnings: None,
            judged: vec![Judged::default(); wanted.numbers.len()],
            line: 0,
        }
    }

    /// Whether nothing is left to be told with its place.
    fn is_sound(&self) -> bool {
        self.records > 0 && !self.judged.iter().any(|j| j.sentinels && j.numbers && !j.negative)
    }

    /// Adds a chunk; `None` where something in it has to be told.
    fn take(&mut self, planner: &mut Planner, mut chunk: Chunk) -> Option<()> {
        let (mut rows, lets) = self.rows_left(planner, &mut chunk)?;
        let mut from_file = chunk.numbers.iter().zip(&mut self.judged);
        let mut values: Vec<&[f64]> = Vec::new();
        for column in &self.sums.columns {
            values.push(match lets.iter().find(|(name, _)| name == column) {
                Some((_, values)) => values,
                None => {
                    let (numbers, judged) = from_file.next()?;
                    judge(numbers, &rows, judged)?;
                    &numbers.values
                }
            });
        }
        if self.declared.rows.missing == MissingPolicy::Drop {
            let had = rows.len();
            rows.retain(|&r| values.iter().all(|x| !x[r as usize].is_nan()));
            self.dropped += had - rows.len();
        }
        let mut labels = Vec::new();
        for (k, key) in chunk.keys.iter().enumerate() {
            labels.push(self.labels(k, key, &rows)?);
        }
        let line = |row: usize| self.line + chunk.lines[rows[row] as usize] as usize;
        let groups = self.total.groups(rows.len(), &labels, line)?;
        self.total.add(&rows, &groups, &values);
        self.records += rows.len();
        self.line += chunk.line_ends;
        (self.total.len() <= MOST_CELLS).then_some(())
    }

    /// The labels of rows by a key, as numbers; `None` where one of them has to be told.
    fn labels(&mut self, number: usize, key: &Key, rows: &[u32]) -> Option<Vec<u32>> {
        let mut known: Vec<Option<u32>> = vec![None; key.labels.len()];
        let label = |&row: &u32| {
            let local = key.codes[row as usize] as usize;
            if known[local].is_none() {
                let cell = key.labels.get(local);
                let sound = !cell.is_empty() && !is_padded(cell);
                known[local] = Some(if sound { self.total.label(number, cell)? } else { return None });
            }
            known[local]
        };
        rows.iter().map(label).collect()
    }

    /// The rows that conditions leave, and the derived columns that are added up.
    fn rows_left(&mut self, planner: &mut Planner, chunk: &mut Chunk) -> Option<(Vec<u32>, Derived)> {
        let steps = &self.declared.rows.steps;
        let all: Vec<u32> = (0..chunk.rows() as u32).collect();
        if steps.is_empty() || all.is_empty() {
            return Some((all, Vec::new()));
        }
        let spec = &self.declared.rows;
        let lines = vec![0; chunk.rows()];
        let mut data = PanelData {
            name: spec.name.clone(),
            table: Arc::new(Table::new("", self.texts.clone(), std::mem::take(&mut chunk.texts), lines)),
            rows: all,
            markers: spec.markers.clone(),
            ..PanelData::nowhere()
        };
        let before = planner.diagnostics.len();
        let outcome = self.steps(planner, &mut data);
        let said = planner.diagnostics.split_off(before);
        if outcome.is_err() || said.iter().any(Diagnostic::is_error) {
            return None;
        }
        match &mut self.warnings {
            None => self.warnings = Some(said),
            Some(known) => known.retain(|k| said.iter().any(|s| (s.code, s.span) == (k.code, k.span))),
        }
        let lets: Vec<(String, &Value)> =
            (self.sums.columns.iter()).filter_map(|c| data.lets.get(c).map(|value| (c.clone(), value))).collect();
        let mut added = Vec::new();
        for (name, value) in lets {
            added.push((name.clone(), planner.addends(&name, value, chunk.rows(), self.sums).ok()?));
        }
        Some((data.rows, added))
    }

    fn steps(&mut self, planner: &mut Planner, data: &mut PanelData) -> Step<()> {
        let mut condition_number = 0;
        for step in &self.declared.rows.steps {
            match step {
                PanelStep::Let { name, value } => {
                    let value = Eval::new(planner, data, None).value(value)?;
                    data.lets.insert(name.clone(), value);
                }
                PanelStep::Where { condition } => {
                    let value = Eval::new(planner, data, None).condition(condition)?;
                    self.gone[condition_number].and(Gone::of(data, condition, &value));
                    condition_number += 1;
                    match value {
                        Value::Column(Series::Bools(b)) => {
                            data.rows.retain(|&r| b.get(r as usize).copied().flatten() == Some(true));
                        }
                        Value::Bool(true) => {}
                        _ => data.rows.clear(),
                    }
                }
            }
        }
        Ok(())
    }
}

/// Notes what a column of numbers holds in some rows; `None` where one of them is no number.
fn judge(numbers: &Numbers, rows: &[u32], judged: &mut Judged) -> Option<()> {
    if numbers.odd.iter().any(|r| rows.binary_search(r).is_ok()) {
        return None;
    }
    let sentinels = numbers.sentinels.iter().filter(|r| rows.binary_search(r).is_ok()).count();
    judged.sentinels |= sentinels > 0;
    if !(judged.numbers && judged.negative) {
        let is_sentinel = |r: &u32| numbers.sentinels.binary_search(r).is_ok();
        let there = |r: &&u32| !numbers.values[**r as usize].is_nan() && !is_sentinel(r);
        judged.numbers |= rows.iter().any(|r| there(&r));
        judged.negative |= rows.iter().filter(there).any(|&r| numbers.values[r as usize] < 0.0);
    }
    Some(())
}
