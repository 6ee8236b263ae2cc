//! Sources of weights on a panel: files read, neighbors searched, groups and economic distances formed.

use super::columns::{Eval, number_at};
use super::panels::PanelData;
use super::{Planner, Reported, Step};
use crate::check::spec::{Column, ColumnKind, Place, Symmetric, WeightsExpr, WeightsKind};
use crate::data::csv::nfc;
use crate::data::keys::{padded_key, parse_time};
use crate::data::series::Series;
use crate::data::writing::Writing;
use crate::fault::Fault;
use crate::source::Span;
use crate::weights::Weights;
use crate::weights::algebra::{both_ways, either_way};
use crate::weights::block::block;
use crate::weights::edges::{EdgeRow, edges};
use crate::weights::gal::gal;
use crate::weights::geometry::{Coordinates, band, inverse_distance, knn, near_edge};
use crate::weights::gravity::{exponential, gravity};
use crate::weights::gwt::gwt;
use crate::weights::kernel::kernel;
use crate::weights::matrix::matrix;
use crate::weights::mtx::mtx;
use crate::weights::periods::edges_by_period;
use crate::weights::similarity::similarity;
use crate::weights::swm::swm;

/// A file and how it is written.
type Written<'w> = (&'w str, &'w Writing);

impl Planner<'_> {
    /// The matrix of a source on all units of a panel.
    pub(super) fn raw(&mut self, recipe: &WeightsExpr, number: usize, panel: &PanelData) -> Step<Weights> {
        let place = recipe.place.0;
        let units = &panel.index.units;
        match &recipe.kind {
            WeightsKind::Edges { file, writing, from, to, weight, time, .. } => {
                let rows = self.edge_rows((file.as_str(), writing), [from, to, weight].map(|n| n.as_deref()), place)?;
                let known = |key: &str| panel.knows(key);
                match time {
                    None => self.listed(edges(file, &rows, units, &known), place),
                    Some(column) => {
                        let rows: Vec<_> =
                            self.link_periods((file.as_str(), writing), column, place)?.into_iter().zip(rows).collect();
                        let index = (units.as_slice(), panel.index.periods.as_slice());
                        self.listed(edges_by_period(file, &rows, index, &known), place)
                    }
                }
            }
            WeightsKind::Band { lo, hi, .. } => {
                let points = self.places(panel, place)?;
                let weights = band(points, *lo, *hi).map_err(|f| self.report(f, place))?;
                let bounds: Vec<f64> = [*lo, *hi].into_iter().filter(|x| *x > 0.0 && x.is_finite()).collect();
                self.near_edge(points, &bounds, place);
                Ok(weights)
            }
            WeightsKind::Knn { k, symmetric, .. } => {
                let points = self.places(panel, place)?;
                let (weights, tied) = knn(points, *k).map_err(|f| self.report(f, place))?;
                if let Some(note) = ties(units, &tied, *k) {
                    self.report(note, place);
                }
                Ok(match symmetric {
                    Symmetric::No => weights,
                    Symmetric::Or => either_way(&weights),
                    Symmetric::And => both_ways(&weights),
                })
            }
            WeightsKind::Inverse { power, cutoff, least, .. } => {
                let points = self.places(panel, place)?;
                let built = inverse_distance(points, units, *power, *cutoff, *least);
                let weights = built.map_err(|f| self.report(f, place))?;
                let bounds: Vec<f64> = cutoff.iter().copied().collect();
                self.near_edge(points, &bounds, place);
                Ok(weights)
            }
            WeightsKind::Matrix { file, writing, .. } => {
                let (table, warnings) = self.files.table(file, writing).map_err(|f| self.report(f, place))?;
                self.report_all(warnings.into_iter().filter(|w| !w.code.ends_with("unnamed_column")).collect(), place);
                self.listed(matrix(&table, units, &|key| panel.knows(key)), place)
            }
            WeightsKind::Gal { file, .. } => {
                let bytes = self.files.bytes(file).map_err(|f| self.report(f, place))?;
                self.listed(gal(file, &bytes, units, &|key| panel.knows(key)), place)
            }
            WeightsKind::Gwt { file, .. } => {
                let bytes = self.files.bytes(file).map_err(|f| self.report(f, place))?;
                self.listed(gwt(file, &bytes, units, &|key| panel.knows(key)), place)
            }
            WeightsKind::Mtx { file, units: list, .. } => {
                let listed = match list {
                    Some(list) => Some(self.first_column(list, place)?),
                    None => None,
                };
                let bytes = self.files.bytes(file).map_err(|f| self.report(f, place))?;
                self.listed(mtx(file, &bytes, listed.as_deref(), units, &|key| panel.knows(key)), place)
            }
            WeightsKind::Swm { file, .. } => {
                let bytes = self.files.bytes(file).map_err(|f| self.report(f, place))?;
                self.listed(swm(file, &bytes, units, &|key| panel.knows(key)), place)
            }
            WeightsKind::Contiguity { contact, order, snap, weight, .. } => {
                let outlines = panel.outlines.clone().ok_or(Reported)?;
                outlines.contiguity(*contact, *order, *snap, *weight).map_err(|f| self.report(f, place))
            }
            WeightsKind::Exponential { decay, cutoff, .. } => {
                let points = self.places(panel, place)?;
                let weights = exponential(points, *decay, *cutoff).map_err(|f| self.report(f, place))?;
                self.near_edge(points, &[*cutoff], place);
                Ok(weights)
            }
            WeightsKind::Gravity { column, power, cutoff, until, .. } => {
                let points = self.places(panel, place)?;
                let means = self.means(("gravity", column), *until, number, panel, place)?;
                let built = gravity(points, column, &means, units, *power, *cutoff);
                let weights = built.map_err(|f| self.report(f, place))?;
                self.near_edge(points, &[*cutoff], place);
                Ok(weights)
            }
            WeightsKind::Block { column, .. } => {
                let labels = self.labels(column, panel, place)?;
                let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
                block(column, &labels, units).map_err(|f| self.report(f, place))
            }
            WeightsKind::Kernel { shape, bandwidth, .. } => {
                let points = self.places(panel, place)?;
                kernel(points, units, *shape, *bandwidth).map_err(|f| self.report(f, place))
            }
            WeightsKind::Similarity { column, until, least, .. } => {
                let means = self.means(("similarity", column), *until, number, panel, place)?;
                similarity(column, &means, units, *least).map_err(|f| self.report(f, place))
            }
            WeightsKind::Add(..)
            | WeightsKind::Hadamard(..)
            | WeightsKind::Product(..)
            | WeightsKind::Transpose(_)
            | WeightsKind::Scale(..)
            | WeightsKind::HigherOrder(..)
            | WeightsKind::Row(_)
            | WeightsKind::Spectral(_)
            | WeightsKind::MinMax(_) => Err(Reported),
        }
    }

    /// The keys in the first column of a list.
    fn first_column(&mut self, file: &str, place: Span) -> Step<Vec<String>> {
        let (table, warnings) = self.files.table(file, &Writing::default()).map_err(|f| self.report(f, place))?;
        self.report_all(warnings, place);
        Ok((0..table.rows()).map(|r| nfc(table.get(r, 0).trim()).into_owned()).collect())
    }

    fn listed(&mut self, read: Result<(Weights, Vec<Fault>), Vec<Fault>>, place: Span) -> Step<Weights> {
        let (weights, warnings) = read.map_err(|faults| self.report_all(faults, place))?;
        self.report_all(warnings, place);
        Ok(weights)
    }

    /// One label per unit: the text of a column, which may not vary within a unit.
    fn labels(&mut self, name: &str, panel: &PanelData, place: Span) -> Step<Vec<String>> {
        let column = self.column_of(name, place);
        let value = Eval::new(self, panel, None).value(&column)?.spread(panel.table.rows());
        let text = |row: usize| match &value {
            Series::Numbers(v) => v.get(row).filter(|x| !x.is_nan()).map_or(String::new(), f64::to_string),
            Series::Texts(t) => t.get(row).map_or(String::new(), str::to_string),
            Series::Bools(b) => b.get(row).copied().flatten().map_or(String::new(), |b| b.to_string()),
        };
        let mut out: Vec<Option<String>> = vec![None; panel.index.units.len()];
        for &row in &panel.rows {
            let Some((unit, period)) = panel.index.cell(row as usize) else { continue };
            let here = text(row as usize);
            match &out[unit] {
                Some(before) if *before != here => {
                    let message = format!(
                        "`{name}` of unit \"{}\" is `{before}` and, in {}, `{here}`: groups do not vary within a unit",
                        panel.index.units[unit], panel.index.periods[period]
                    );
                    let fault = Fault::error("durbin::weights::label_varies", message)
                        .help("give every unit one label, in a file that is joined by unit");
                    return Err(self.report(fault, place));
                }
                Some(_) => {}
                None => out[unit] = Some(here),
            }
        }
        Ok(out.into_iter().map(Option::unwrap_or_default).collect())
    }

    /// The mean of a column by unit up to a period, by default the last before anybody is treated.
    fn means(
        &mut self,
        (word, name): (&str, &str),
        until: Option<i64>,
        number: usize,
        panel: &PanelData,
        place: Span,
    ) -> Step<Vec<f64>> {
        let column = self.column_of(name, place);
        let values = Eval::new(self, panel, None).numbers(&column)?;
        let declared = self.spec.treatments.iter().zip(&self.treatments).filter(|(t, _)| t.panel == number);
        let first = declared.filter_map(|(_, t)| t.as_ref()?.starts.iter().flatten().min()).min();
        let last = until.or(first.map(|f| f - 1));
        let mut sums = vec![(0.0, 0usize); panel.index.units.len()];
        for row in panel.index.ordered(&panel.rows) {
            let Some((unit, period)) = panel.index.cell(row as usize) else { continue };
            if last.is_none_or(|l| panel.index.periods[period] <= l) {
                sums[unit].0 += number_at(&values, row as usize);
                sums[unit].1 += 1;
            }
        }
        if sums.iter().all(|s| s.1 == 0) {
            let message = format!("`{word}` of `{name}` has no period up to {}", last.unwrap_or_default());
            let fault = Fault::error("durbin::check::out_of_range", message).help("a later `until:`");
            return Err(self.report(fault, place));
        }
        Ok(sums.into_iter().map(|(sum, count)| sum / count as f64).collect())
    }

    fn column_of(&self, name: &str, place: Span) -> Column {
        Column { kind: ColumnKind::Name(name.to_string()), text: name.to_string(), place: Place(place) }
    }

    fn near_edge(&mut self, points: &Coordinates, bounds_km: &[f64], place: Span) {
        let bounds_km: Vec<f64> = bounds_km.iter().copied().filter(|b| *b > 0.0 && b.is_finite()).collect();
        if let Some(pairs) = asked_near(points, &bounds_km).filter(|p| *p > 0) {
            let bounds: Vec<String> = bounds_km.iter().map(|b| format!("{b} km")).collect();
            let message = format!(
                "{} within 0.6 % of the edge at {}",
                if pairs == 1 { "1 pair of units lies".to_string() } else { format!("{pairs} pairs of units lie") },
                bounds.join(" or ")
            );
            let note = Fault::note("durbin::weights::near_edge", message)
                .help("distances are great-circle on a sphere; on an ellipsoid these pairs may fall on the other side");
            self.report(note, place);
        }
    }

    /// The period of every link of a file.
    fn link_periods(&mut self, (file, writing): Written, column: &str, place: Span) -> Step<Vec<i64>> {
        let (table, _) = self.files.table(file, writing).map_err(|f| self.report(f, place))?;
        let at = table.column(column).ok_or(Reported)?;
        let mut out = Vec::new();
        for r in table.all_rows() {
            let text = table.get(r as usize, at);
            let Some(period) = parse_time(text) else {
                let line = table.line(r as usize);
                let message = format!("`{column}` of a link of {file} is no period: `{text}`, on line {line}");
                let fault = Fault::error("durbin::data::time_not_integer", message)
                    .help("a period is a whole number, such as 2015");
                return Err(self.report(table.label(fault, r as usize, at, "here"), place));
            };
            out.push(period);
        }
        Ok(out)
    }

    fn edge_rows(
        &mut self,
        (file, writing): Written,
        [from, to, weight]: [Option<&str>; 3],
        place: Span,
    ) -> Step<Vec<EdgeRow>> {
        let (table, warnings) = self.files.table(file, writing).map_err(|f| self.report(f, place))?;
        self.report_all(warnings, place);
        let rows = table.all_rows();
        let role = |given: Option<&str>, word: &str, position: usize| match given {
            Some(name) => table.column(name),
            None => table.column(word).or((position < table.header.len()).then_some(position)),
        };
        let (Some(a), Some(b)) = (role(from, "from", 0), role(to, "to", 1)) else { return Err(Reported) };
        let w = match weight {
            Some(name) => Some(table.column(name).ok_or(Reported)?),
            None => table.column("weight").or((table.header.len() == 3 && from.is_none() && to.is_none()).then_some(2)),
        };
        let mut faults: Vec<Fault> = [a, b].iter().filter_map(|&c| padded_key(&table, c, &rows)).collect();
        for (column, name) in [(a, "from"), (b, "to")] {
            if let Some(&row) = rows.iter().find(|&&r| table.get(r as usize, column).is_empty()) {
                let fault = Fault::error(
                    "durbin::data::missing_key",
                    format!("a link of {file} has no `{name}`, first on line {}", table.line(row as usize)),
                )
                .help("name both units of every link");
                faults.push(table.label(fault, row as usize, column, "nothing stands here"));
            }
        }
        if !faults.is_empty() {
            return Err(self.report_all(faults, place));
        }
        Ok(rows
            .iter()
            .map(|&r| {
                let r = r as usize;
                EdgeRow {
                    from: nfc(table.get(r, a)).into_owned(),
                    to: nfc(table.get(r, b)).into_owned(),
                    weight: w.map_or(1.0, |w| table.number(r, w).unwrap_or(f64::NAN)),
                    line: table.line(r),
                }
            })
            .collect())
    }
}

fn ties(units: &[String], tied: &[usize], k: usize) -> Option<Fault> {
    let names: Vec<&String> = tied.iter().filter_map(|&i| units.get(i)).collect();
    if names.is_empty() {
        return None;
    }
    let message = format!(
        "{} of {} units {} equal distances around neighbor number {k}: {}",
        names.len(),
        units.len(),
        if names.len() == 1 { "has" } else { "have" },
        crate::fault::ticked_list(&names)
    );
    Some(Fault::note("durbin::weights::ties", message).help("ties are broken by the order of the units' keys"))
}

/// Pairs of units within 0.6 % of bounds. On a plane there is one distance, and on the ellipsoid it is the right one.
fn asked_near(points: &Coordinates, bounds_km: &[f64]) -> Option<usize> {
    let asked = !bounds_km.is_empty() && matches!(points, Coordinates::Degrees(_));
    asked.then(|| near_edge(points, bounds_km))
}

/// Pairs of units within 0.6 % of a bound of distance that some source of a matrix has.
pub(super) fn pairs_near_edge(recipe: &WeightsExpr, panel: &PanelData) -> Option<usize> {
    let mut bounds: Vec<f64> = Vec::new();
    bounds_of(recipe, &mut bounds);
    bounds.retain(|b| *b > 0.0 && b.is_finite());
    bounds.sort_by(f64::total_cmp);
    bounds.dedup();
    asked_near(panel.coordinates.as_ref()?, &bounds)
}

fn bounds_of(recipe: &WeightsExpr, out: &mut Vec<f64>) {
    match &recipe.kind {
        WeightsKind::Band { lo, hi, .. } => out.extend([*lo, *hi]),
        WeightsKind::Inverse { cutoff, .. } => out.extend(*cutoff),
        WeightsKind::Exponential { cutoff, .. } | WeightsKind::Gravity { cutoff, .. } => out.push(*cutoff),
        _ => recipe.parts().into_iter().for_each(|part| bounds_of(part, out)),
    }
}
