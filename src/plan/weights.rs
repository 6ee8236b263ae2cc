//! Weights of a panel: every source is built once on the panel's units; what an estimate leaves out is struck, and
//! algebra and scaling are evaluated again on the rest (methods 0, convention 4).

use super::panels::PanelData;
use super::{Planner, Reported, Step};
use crate::check::spec::{IslandPolicy, WeightsExpr, WeightsKind, WeightsUse};
use crate::data::csv::nfc;
use crate::data::keys::padded_key;
use crate::data::numbers;
use crate::fault::{Fault, Level};
use crate::linalg::filter::SpatialFilter;
use crate::outcome::WeightsSummary;
use crate::weights::edges::{EdgeRow, edges};
use crate::weights::geometry::{Coordinates, band, inverse_distance, knn, near_edge};
use crate::weights::islands::{islands_fault, link_nearest};
use crate::weights::{Scaling, Weights, algebra, scale, summary};
use std::sync::Arc;

/// A raw matrix as its source gives it, before its islands policy.
pub(crate) struct Leaf {
    weights: Weights,
}

impl Planner<'_> {
    /// A matrix on the units of a panel, or on those of `kept`.
    pub(super) fn build(&mut self, used: &WeightsUse, panel: &PanelData, kept: Option<&[bool]>) -> Step<Arc<Weights>> {
        self.evaluate(&used.recipe, used.panel, panel, kept).map(Arc::new)
    }

    fn evaluate(
        &mut self,
        recipe: &WeightsExpr,
        number: usize,
        panel: &PanelData,
        kept: Option<&[bool]>,
    ) -> Step<Weights> {
        let mut part = |inner: &WeightsExpr| self.evaluate(inner, number, panel, kept);
        Ok(match &recipe.kind {
            WeightsKind::Add(a, b) => algebra::add(&part(a)?, &part(b)?),
            WeightsKind::Hadamard(a, b) => algebra::hadamard(&part(a)?, &part(b)?),
            WeightsKind::Product(a, b) => algebra::product(&part(a)?, &part(b)?).0,
            WeightsKind::Transpose(a) => algebra::transpose(&part(a)?),
            WeightsKind::Scale(x, a) => algebra::multiple(*x, &part(a)?),
            WeightsKind::Row(a) => scale::row(&part(a)?),
            WeightsKind::MinMax(a) => scale::minmax(&part(a)?),
            WeightsKind::Spectral(a) => {
                let raw = part(a)?;
                scale::spectral(&raw).map_err(|e| {
                    let fault = Fault::error("durbin::weights::scaling", format!("the spectral radius was not found: {e}"))
                        .help("`row(…)` and `minmax(…)` scale without eigenvalues");
                    self.report(fault, recipe.place.0)
                })?
            }
            _ => return self.source(recipe, number, panel, kept),
        })
    }

    /// A source with its islands policy applied.
    fn source(
        &mut self,
        recipe: &WeightsExpr,
        number: usize,
        panel: &PanelData,
        kept: Option<&[bool]>,
    ) -> Step<Weights> {
        let leaf = self.leaf(recipe, number, panel)?;
        let names = names_of(panel, kept);
        let weights = match kept {
            Some(kept) => crate::weights::subset::subset(&leaf.weights, kept),
            None => leaf.weights.clone(),
        };
        let coordinates = panel.coordinates.as_ref().map(|c| match kept {
            Some(kept) => struck(c, kept),
            None => c.clone(),
        });
        let policy = policy_of(&recipe.kind);
        let level = match policy {
            IslandPolicy::Error => Level::Error,
            IslandPolicy::Keep => Level::Warning,
            IslandPolicy::Nearest | IslandPolicy::Drop => Level::Note,
        };
        let Some(fault) = islands_fault(&weights, &names, coordinates.as_ref(), level) else { return Ok(weights) };
        self.report(fault, recipe.place.0);
        match (policy, &coordinates) {
            (IslandPolicy::Error, _) => Err(Reported),
            (IslandPolicy::Nearest, Some(points)) => Ok(link_nearest(&weights, points)),
            _ => Ok(weights),
        }
    }

    fn leaf(&mut self, recipe: &WeightsExpr, number: usize, panel: &PanelData) -> Step<Arc<Leaf>> {
        // A condition may need a matrix before all rows have left: the count of units tells the two apart.
        let key = (number, format!("{} {}", panel.index.units.len(), recipe.text));
        if let Some(found) = self.leaves.get(&key) {
            return found.clone().ok_or(Reported);
        }
        let built = self.raw(recipe, panel).map(|weights| Arc::new(Leaf { weights })).ok();
        self.leaves.insert(key, built.clone());
        built.ok_or(Reported)
    }

    fn raw(&mut self, recipe: &WeightsExpr, panel: &PanelData) -> Step<Weights> {
        let place = recipe.place.0;
        let units = &panel.index.units;
        let points = panel.coordinates.as_ref();
        match &recipe.kind {
            WeightsKind::Edges { file, from, to, weight, .. } => {
                let rows = self.edge_rows(file, [from, to, weight].map(|n| n.as_deref()), place)?;
                let known = |key: &str| panel.known_units.binary_search_by(|u| u.as_str().cmp(key)).is_ok();
                let (weights, warnings) =
                    edges(file, &rows, units, &known).map_err(|faults| self.report_all(faults, place))?;
                self.report_all(warnings, place);
                Ok(weights)
            }
            WeightsKind::Band { lo, hi, .. } => {
                let points = points.ok_or(Reported)?;
                let weights = band(points, *lo, *hi).map_err(|f| self.report(f, place))?;
                let bounds: Vec<f64> = [*lo, *hi].into_iter().filter(|x| *x > 0.0 && x.is_finite()).collect();
                self.near_edge(points, &bounds, place);
                Ok(weights)
            }
            WeightsKind::Knn { k, .. } => {
                let points = points.ok_or(Reported)?;
                let (weights, tied) = knn(points, *k).map_err(|f| self.report(f, place))?;
                if let Some(note) = ties(units, &tied, *k) {
                    self.report(note, place);
                }
                Ok(weights)
            }
            WeightsKind::Inverse { power, cutoff, .. } => {
                let points = points.ok_or(Reported)?;
                let weights =
                    inverse_distance(points, units, *power, *cutoff).map_err(|f| self.report(f, place))?;
                let bounds: Vec<f64> = cutoff.iter().copied().collect();
                self.near_edge(points, &bounds, place);
                Ok(weights)
            }
            _ => Err(Reported),
        }
    }

    fn near_edge(&mut self, points: &Coordinates, bounds_km: &[f64], place: crate::source::Span) {
        // All pairs are looked at: not asked where the answer would take longer than the matrix.
        const MOST_UNITS: usize = 5000;
        if points.len() > MOST_UNITS || bounds_km.is_empty() {
            return;
        }
        let pairs = near_edge(points, bounds_km);
        if pairs > 0 {
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

    fn edge_rows(
        &mut self,
        file: &str,
        [from, to, weight]: [Option<&str>; 3],
        place: crate::source::Span,
    ) -> Step<Vec<EdgeRow>> {
        let (table, warnings) = self.files.table(file).map_err(|f| self.report(f, place))?;
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
                    weight: w.map_or(1.0, |w| numbers::parse(table.get(r, w)).unwrap_or(f64::NAN)),
                    line: table.line(r),
                }
            })
            .collect())
    }

    /// Units that leave because a matrix says `islands: drop`, found again until none is left alone; `kept` is changed.
    pub(super) fn drop_islands(&mut self, used: &WeightsUse, panel: &PanelData, kept: &mut [bool]) -> Step<()> {
        let mut sources = Vec::new();
        dropping(&used.recipe, &mut sources);
        for source in sources {
            let leaf = self.leaf(source, used.panel, panel)?;
            loop {
                let struck = crate::weights::subset::subset(&leaf.weights, kept);
                let here: Vec<usize> = (0..kept.len()).filter(|&i| kept[i]).collect();
                let alone = struck.islands();
                if alone.is_empty() {
                    break;
                }
                alone.into_iter().for_each(|i| kept[here[i]] = false);
            }
        }
        Ok(())
    }

    /// What a printed matrix says.
    pub(super) fn summary(&mut self, used: &WeightsUse) -> Step<WeightsSummary> {
        let panel = self.loaded(used.panel)?.clone();
        let mut kept = vec![true; panel.index.units.len()];
        self.drop_islands(used, &panel, &mut kept)?;
        let all = kept.iter().all(|k| *k);
        let kept = (!all).then_some(kept.as_slice());
        let weights = self.build(used, &panel, kept)?;
        let units = names_of(&panel, kept);
        let interval = SpatialFilter::new(&weights.matrix, weights.symmetrizer.as_deref()).and_then(|f| f.interval());
        let interval = interval.map_err(|e| {
            let fault = Fault::error("durbin::weights::scaling", format!("the interval of rho was not found: {e}"));
            self.report(fault, used.place.0)
        })?;
        let mut shown = summary::summary(
            &weights,
            &units,
            &panel.name,
            &used.recipe.text,
            ([interval.lo, interval.hi], interval.rule),
        );
        if !all {
            let gone: Vec<String> =
                panel.index.units.iter().filter(|u| units.binary_search(u).is_err()).cloned().collect();
            shown.notes.push(format!("`islands: drop` leaves out {}", crate::fault::ticked_list(&gone)));
        }
        if has_product(&used.recipe) {
            shown.notes.push("the diagonal of a product is set to zero".to_string());
        }
        Ok(shown)
    }
}

/// Names of the units of a panel that stay.
pub(super) fn names_of(panel: &PanelData, kept: Option<&[bool]>) -> Vec<String> {
    let units = &panel.index.units;
    match kept {
        Some(kept) => units.iter().zip(kept).filter(|(_, k)| **k).map(|(u, _)| u.clone()).collect(),
        None => units.clone(),
    }
}

fn struck(points: &Coordinates, kept: &[bool]) -> Coordinates {
    let stay = |p: &[[f64; 2]]| p.iter().zip(kept).filter(|(_, k)| **k).map(|(p, _)| *p).collect();
    match points {
        Coordinates::Degrees(p) => Coordinates::Degrees(stay(p)),
        Coordinates::Planar(p) => Coordinates::Planar(stay(p)),
    }
}

fn policy_of(kind: &WeightsKind) -> IslandPolicy {
    match kind {
        WeightsKind::Edges { islands, .. }
        | WeightsKind::Matrix { islands, .. }
        | WeightsKind::Gal { islands, .. }
        | WeightsKind::Gwt { islands, .. }
        | WeightsKind::Band { islands, .. }
        | WeightsKind::Knn { islands, .. }
        | WeightsKind::Inverse { islands, .. }
        | WeightsKind::Block { islands, .. } => *islands,
        WeightsKind::Add(..)
        | WeightsKind::Hadamard(..)
        | WeightsKind::Product(..)
        | WeightsKind::Transpose(_)
        | WeightsKind::Scale(..)
        | WeightsKind::Row(_)
        | WeightsKind::Spectral(_)
        | WeightsKind::MinMax(_) => IslandPolicy::Keep,
    }
}

/// The parts of a recipe.
fn parts(recipe: &WeightsExpr) -> Vec<&WeightsExpr> {
    match &recipe.kind {
        WeightsKind::Add(a, b) | WeightsKind::Hadamard(a, b) | WeightsKind::Product(a, b) => vec![a, b],
        WeightsKind::Transpose(a)
        | WeightsKind::Scale(_, a)
        | WeightsKind::Row(a)
        | WeightsKind::Spectral(a)
        | WeightsKind::MinMax(a) => vec![a],
        _ => Vec::new(),
    }
}

fn dropping<'r>(recipe: &'r WeightsExpr, out: &mut Vec<&'r WeightsExpr>) {
    let inner = parts(recipe);
    if inner.is_empty() && policy_of(&recipe.kind) == IslandPolicy::Drop {
        out.push(recipe);
    }
    inner.into_iter().for_each(|p| dropping(p, out));
}

fn has_product(recipe: &WeightsExpr) -> bool {
    matches!(recipe.kind, WeightsKind::Product(..)) || parts(recipe).into_iter().any(has_product)
}

fn ties(units: &[String], tied: &[usize], k: usize) -> Option<Fault> {
    let names: Vec<&String> = tied.iter().filter_map(|&i| units.get(i)).collect();
    if names.is_empty() {
        return None;
    }
    let message = format!(
        "{} of {} units have equal distances around their {k}th neighbor: {}",
        names.len(),
        units.len(),
        crate::fault::ticked_list(&names)
    );
    Some(Fault::note("durbin::weights::ties", message).help("ties are broken by the order of the units' keys"))
}

/// Whether every row sums to one, to rounding.
pub(super) fn sums_to_one(weights: &Weights) -> bool {
    weights.scaling == Scaling::Row && weights.row_sums().iter().all(|s| (s - 1.0).abs() < 1e-9)
        || weights.row_sums().iter().all(|s| (s - 1.0).abs() < 1e-12)
}
