//! Panels: files read and joined, rows kept, keys indexed, derived columns computed.

use super::columns::Eval;
use super::outlines::Outlines;
use super::{Planner, Reported, Step};
use crate::check::spec::{BalancePolicy, PanelSpec, PanelStep, RowSource};
use crate::data::balance::{check_balanced, drop_unbalanced, is_balanced, nothing_left};
use crate::data::coords::{Coordinate, Plane, locate};
use crate::data::describe::{Listed, describe, listed_column, listed_series};
use crate::data::join::{Unmatched, join};
use crate::data::keys::{Keys, PanelIndex, read_keys};
use crate::data::numbers::{Kind, kind_of, numbers};
use crate::data::series::{Series, Value};
use crate::data::table::Table;
use crate::diagnostic::Diagnostic;
use crate::outcome::{Dropped, PanelSummary};
use crate::weights::geometry::Coordinates;
use indexmap::IndexMap;
use std::sync::Arc;

/// A panel in memory. Invariant: `index` covers exactly `rows`; every derived column has one value per row of `table`.
#[derive(Clone, Debug)]
pub struct PanelData {
    pub name: String,
    pub table: Arc<Table>,
    pub unit: usize,
    pub time: usize,
    /// Rows that `where` and `balance drop` left, ascending.
    pub rows: Vec<u32>,
    pub index: PanelIndex,
    /// Every unit of the file, also those that left: known, where a file of weights names them.
    pub known_units: Vec<String>,
    pub lets: IndexMap<String, Value>,
    /// Rows of a data set, which has other keys than a panel.
    pub is_data: bool,
    pub markers: Vec<String>,
    pub coordinates: Option<Coordinates>,
    /// Polygons in the order of the units.
    pub outlines: Option<Arc<Outlines>>,
    pub balanced: bool,
    pub dropped: Vec<Dropped>,
}

impl PanelData {
    /// No panel: for arrays of the program.
    pub fn nowhere() -> PanelData {
        PanelData {
            name: String::new(),
            table: Arc::new(Table::new("", Vec::new(), Vec::new(), Vec::new())),
            unit: 0,
            time: 0,
            rows: Vec::new(),
            index: PanelIndex::default(),
            known_units: Vec::new(),
            lets: IndexMap::new(),
            is_data: true,
            markers: Vec::new(),
            coordinates: None,
            outlines: None,
            balanced: false,
            dropped: Vec::new(),
        }
    }

    /// Names of its columns, derived ones included.
    pub fn columns(&self) -> Vec<String> {
        let mut all: Vec<String> = (0..self.table.header.len()).map(|c| self.table.name(c).to_string()).collect();
        all.extend(self.lets.keys().filter(|n| !all.contains(n)).cloned().collect::<Vec<_>>());
        all
    }

    pub fn keys(&self) -> Keys<'_> {
        Keys { panel: &self.name, table: &self.table, unit: self.unit, time: self.time }
    }

    /// Whether a key is a unit of the panel's file, also one that left.
    pub fn knows(&self, key: &str) -> bool {
        self.known_units.binary_search_by(|u| u.as_str().cmp(key)).is_ok()
    }

    /// What a printed panel says.
    pub fn summary(&self) -> PanelSummary {
        let keys = self.keys();
        let derived: Vec<(&str, Series)> =
            self.lets.iter().map(|(n, v)| (n.as_str(), v.spread(self.table.rows()))).collect();
        let derived: Vec<(&str, &Series)> = derived.iter().map(|(n, s)| (*n, s)).collect();
        describe(&keys, &self.index, &self.rows, &self.markers, &derived)
    }
}

impl PanelData {
    /// A column over rows; a derived one hides that of a file.
    pub fn listed(&self, name: &str, rows: &[u32]) -> Listed {
        if let Some(value) = self.lets.get(name) {
            return listed_series(&value.spread(self.table.rows()), rows);
        }
        match self.table.column(name) {
            Some(column) => listed_column(&self.table, column, &self.markers, rows),
            None => Listed::Texts(vec![None; rows.len()]),
        }
    }
}

impl Planner<'_> {
    /// Loads one panel of the spec.
    pub(super) fn panel(&mut self, number: usize) -> Step<PanelData> {
        let spec = &self.spec.panels[number];
        let mut data = self.rows_of(spec)?;
        self.joins(spec, &mut data)?;
        let deferred = self.where_and_let(spec, &mut data)?;
        self.index(spec, &mut data)?;
        self.balance(spec, &mut data)?;
        // Coordinates may be derived columns, and spatial lags need coordinates.
        let (mut plain, mut spatial) = super::columns::split_spatial(&deferred);
        let computed = self.compute(spec, &mut data, &mut plain);
        self.coordinates(spec, &mut data)?;
        self.outlines(spec, &mut data)?;
        computed?;
        self.compute(spec, &mut data, &mut spatial)?;
        Ok(data)
    }

    /// Keeps rows and computes what must be computed before rows leave; the derived columns that may wait come back.
    fn where_and_let<'s>(&mut self, spec: &'s PanelSpec, data: &mut PanelData) -> Step<Vec<&'s PanelStep>> {
        let mut deferred: Vec<&PanelStep> = Vec::new();
        for step in &spec.steps {
            match step {
                PanelStep::Where { condition } => {
                    let had = data.rows.len();
                    self.keep_where(spec, data, &deferred, condition)?;
                    if data.rows.is_empty() {
                        let clause = format!("where {}", condition.text);
                        return Err(self.report(
                            nothing_left(&data.name, &clause, had)
                                .help("the condition holds for no row: look at its values and their spelling"),
                            condition.place.0,
                        ));
                    }
                }
                PanelStep::Let { value, .. } if super::columns::looks_along_time(value) => {
                    // What needs coordinates or weights waits until the rows are known.
                    deferred.push(step);
                    let (mut now, later) = super::columns::split_spatial(&deferred);
                    self.compute(spec, data, &mut now)?;
                    deferred = later;
                }
                PanelStep::Let { .. } => deferred.push(step),
            }
        }
        Ok(deferred)
    }

    /// The `where` and `let` clauses of a data set.
    pub(super) fn steps(&mut self, spec: &PanelSpec, data: &mut PanelData) -> Step<()> {
        let mut deferred = self.where_and_let(spec, data)?;
        self.compute(spec, data, &mut deferred)
    }

    pub(super) fn rows_of(&mut self, spec: &PanelSpec) -> Step<PanelData> {
        // A data set has no unit and no time; its keys are looked at later.
        let key = |table: &Table, name: &str| if name.is_empty() { Ok(0) } else { table.column(name).ok_or(Reported) };
        match &spec.source {
            RowSource::File(path) => {
                let (table, warnings) =
                    self.files.table(path, &spec.writing).map_err(|f| self.report(f, spec.source_place.0))?;
                self.report_all(warnings, spec.source_place.0);
                let table = self.mended(spec, table)?;
                Ok(PanelData {
                    name: spec.name.clone(),
                    unit: key(&table, &spec.unit)?,
                    time: key(&table, &spec.time)?,
                    rows: table.all_rows(),
                    table,
                    index: PanelIndex::default(),
                    known_units: Vec::new(),
                    lets: IndexMap::new(),
                    is_data: spec.unit.is_empty(),
                    markers: spec.markers.clone(),
                    coordinates: None,
                    outlines: None,
                    balanced: false,
                    dropped: Vec::new(),
                })
            }
            RowSource::Panel(parent) => {
                let mut data = self.loaded(*parent)?.clone();
                data.name = spec.name.clone();
                data.is_data = spec.unit.is_empty();
                data.unit = key(&data.table, &spec.unit)?;
                data.time = key(&data.table, &spec.time)?;
                data.markers
                    .extend(spec.markers.iter().filter(|m| !data.markers.contains(m)).cloned().collect::<Vec<_>>());
                data.dropped.clear();
                Ok(data)
            }
            RowSource::Data(parent) => {
                let mut data = self.data.get(*parent).and_then(Option::as_ref).ok_or(Reported)?.rows.clone();
                data.name = spec.name.clone();
                data.is_data = spec.unit.is_empty();
                data.unit = key(&data.table, &spec.unit)?;
                data.time = key(&data.table, &spec.time)?;
                data.markers
                    .extend(spec.markers.iter().filter(|m| !data.markers.contains(m)).cloned().collect::<Vec<_>>());
                Ok(data)
            }
        }
    }

    pub(super) fn joins(&mut self, spec: &PanelSpec, data: &mut PanelData) -> Step<()> {
        for j in &spec.joins {
            let right = match &j.source {
                RowSource::File(path) => {
                    let (right, warnings) =
                        self.files.table(path, &spec.joined()).map_err(|f| self.report(f, j.place.0))?;
                    self.report_all(warnings, j.place.0);
                    right
                }
                RowSource::Data(d) => {
                    let rows = &self.data.get(*d).and_then(Option::as_ref).ok_or(Reported)?.rows;
                    Arc::new(rows.table.keep(&rows.rows))
                }
                RowSource::Panel(p) => {
                    let rows = self.loaded(*p)?;
                    Arc::new(rows.table.keep(&rows.rows))
                }
            };
            let unmatched = if j.optional { Unmatched::Missing } else { Unmatched::Refuse };
            match join(&data.table, &right, &j.by, unmatched) {
                Ok(table) => data.table = Arc::new(table),
                Err(faults) => return Err(self.report_all(faults, j.place.0)),
            }
        }
        Ok(())
    }

    fn keep_where(
        &mut self,
        spec: &PanelSpec,
        data: &mut PanelData,
        deferred: &[&PanelStep],
        condition: &crate::check::spec::Column,
    ) -> Step<()> {
        // Derived columns the condition needs are computed on the rows there are now; the others wait.
        let needed = super::columns::names_of(condition);
        let mut wanted: Vec<&PanelStep> = Vec::new();
        let mut names: Vec<String> = needed;
        for step in deferred.iter().rev() {
            if let PanelStep::Let { name, value } = step
                && names.contains(name)
            {
                names.extend(super::columns::names_of(value));
                wanted.insert(0, step);
            }
        }
        let mut scratch = data.clone();
        self.compute(spec, &mut scratch, &mut wanted)?;
        let value = Eval::new(self, &scratch, None).condition(condition)?;
        let clause = format!("where {}", condition.text);
        let gone = self.condition_missing(&scratch, condition, &value, &clause);
        data.dropped.extend(gone);
        let kept = match value {
            Value::Column(Series::Bools(b)) => {
                data.rows.iter().copied().filter(|&r| b.get(r as usize).copied().flatten() == Some(true)).collect()
            }
            Value::Bool(true) => data.rows.clone(),
            _ => Vec::new(),
        };
        data.rows = kept;
        Ok(())
    }

    /// Computes the derived columns that wait, in order.
    fn compute(&mut self, _: &PanelSpec, data: &mut PanelData, deferred: &mut Vec<&PanelStep>) -> Step<()> {
        let mut failed = false;
        for step in deferred.drain(..) {
            let PanelStep::Let { name, value } = step else { continue };
            let mut eval = Eval::new(self, data, None);
            let computed = eval.value(value);
            let why = eval.why.take();
            match computed {
                Ok(v) => {
                    if let Some(why) = why {
                        self.undefined(name, data, &why, value.place.0);
                    }
                    data.lets.insert(name.clone(), v);
                }
                Err(Reported) => failed = true,
            }
        }
        if failed { Err(Reported) } else { Ok(()) }
    }

    fn index(&mut self, spec: &PanelSpec, data: &mut PanelData) -> Step<()> {
        let found = read_keys(&data.keys(), &data.rows);
        match found {
            Ok((index, warnings)) => {
                data.index = index;
                for w in warnings {
                    let place = if w.code.ends_with("period_gap") { spec.time_place } else { spec.unit_place };
                    self.report(w, place.0);
                }
            }
            Err(faults) => {
                for f in faults {
                    let place = if f.code.contains("time") { spec.time_place } else { spec.unit_place };
                    self.report(f, place.0);
                }
                return Err(Reported);
            }
        }
        let every: Vec<&str> = (0..data.table.rows()).map(|r| data.table.get(r, data.unit)).collect();
        let mut known: Vec<String> = every.into_iter().map(|u| crate::data::csv::nfc(u).into_owned()).collect();
        known.sort_unstable();
        known.dedup();
        data.known_units = known;
        Ok(())
    }

    fn balance(&mut self, spec: &PanelSpec, data: &mut PanelData) -> Step<()> {
        match spec.balance {
            BalancePolicy::Allow => {}
            BalancePolicy::Error => {
                // Where `missing drop` takes rows out too, each estimate is asked for its own balance.
                let checked = check_balanced(&data.keys(), &data.index, &data.rows);
                checked.map_err(|f| self.report(f, spec.place.0))?;
            }
            BalancePolicy::Drop => {
                let kept = drop_unbalanced(&data.keys(), &data.index, &data.rows)
                    .map_err(|f| self.report(f, spec.balance_place.0))?;
                if let Some(note) = kept.note {
                    self.report(note, spec.balance_place.0);
                    data.dropped.push(Dropped {
                        reason: "unbalanced".into(),
                        rows: kept.dropped,
                        units: Some(kept.units),
                        detail: None,
                    });
                }
                data.index = data.index.restrict(&kept.rows);
                data.rows = kept.rows;
            }
        }
        data.balanced = is_balanced(&data.index, &data.rows);
        Ok(())
    }

    fn coordinates(&mut self, spec: &PanelSpec, data: &mut PanelData) -> Step<()> {
        let Some(coords) = &spec.coords else { return Ok(()) };
        let mut read = Vec::new();
        for name in [&coords.lon, &coords.lat] {
            let values = match (data.lets.get(name), data.table.column(name)) {
                (Some(v), _) => match v.spread(data.table.rows()) {
                    Series::Numbers(v) => v,
                    _ => return Err(Reported),
                },
                (None, Some(column)) => numbers(&data.table, column, &data.markers, &data.rows)
                    .map_err(|f| self.report_all(f, coords.place.0))?,
                (None, None) => return Err(Reported),
            };
            read.push(values);
        }
        let side = |k: usize, name: &'_ str| (data.table.column(name), read[k].as_slice());
        let ((c0, v0), (c1, v1)) = (side(0, &coords.lon), side(1, &coords.lat));
        let plane = if coords.planar { Plane::Planar } else { Plane::Degrees };
        let located = locate(
            &data.keys(),
            &data.index,
            Coordinate { name: &coords.lon, column: c0, values: v0 },
            Coordinate { name: &coords.lat, column: c1, values: v1 },
            plane,
        );
        match located {
            Ok(found) => {
                self.report_all(found.warnings, coords.place.0);
                data.coordinates = Some(match (coords.planar, coords.ellipsoid) {
                    (true, _) => Coordinates::Planar(found.points),
                    (_, true) => Coordinates::Ellipsoid(found.points),
                    _ => Coordinates::Degrees(found.points),
                });
                Ok(())
            }
            Err(faults) => Err(self.report_all(faults, coords.place.0)),
        }
    }

    /// Whether a column of a panel's files holds numbers.
    pub(super) fn is_number(data: &PanelData, column: usize) -> bool {
        kind_of(&data.table, column, &data.markers, &data.rows) == Kind::Number
    }

    /// A diagnostic at a place that adds to what a fault says.
    pub(super) fn say(&mut self, diagnostic: Diagnostic) -> Reported {
        self.diagnose(diagnostic)
    }
}
