//! Weights of a panel: every source is built once on the panel's units; what an estimate leaves out is struck, and
//! algebra and scaling are evaluated again on the rest (methods 0, convention 4).

use super::panels::PanelData;
use super::{Layout, Named, Planner, Reported, Step};
use crate::check::spec::{IslandPolicy, WeightsExpr, WeightsKind, WeightsUse};
use crate::fault::{Fault, Level};
use crate::weights::geometry::Coordinates;
use crate::weights::islands::{islands_fault, link_nearest};
use crate::weights::periods::repeated;
use crate::weights::{Scaling, Weights, algebra, contiguity, scale};
use std::sync::Arc;

/// What a matrix was built of: equal ones are the same matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BuiltOf {
    pub panel: usize,
    /// Units of the panel at the time: a condition may need a matrix before all rows have left.
    pub units: usize,
    /// Which of them stay; `None` where all do.
    pub kept: Option<Vec<bool>>,
    pub recipe: String,
}

/// A matrix that was built.
#[derive(Clone)]
pub(crate) struct Built {
    pub of: BuiltOf,
    /// Its first use.
    pub used: WeightsUse,
    /// For a column of its own panel.
    pub early: bool,
    pub weights: Arc<Weights>,
}

/// A matrix that is printed: all of its summary but the interval of ρ.
pub struct Printed {
    pub weights: Arc<Weights>,
    pub units: Vec<String>,
    pub panel: String,
    pub recipe: String,
    pub near_edge: Option<usize>,
    pub notes: Vec<String>,
}

/// A raw matrix as its source gives it, before its islands policy.
pub(crate) struct Leaf {
    weights: Weights,
}

impl Planner<'_> {
    /// A matrix on the units of a panel, or on those of `kept`; one recipe on the same units is built once.
    ///
    /// Of a matrix that changes over time `kept` may be by unit, or by unit and period.
    pub(super) fn build(&mut self, used: &WeightsUse, panel: &PanelData, kept: Option<&[bool]>) -> Step<Arc<Weights>> {
        let cells = kept.filter(|_| used.recipe.changes()).map(|kept| by_cell(kept, panel));
        let kept = cells.as_deref().or(kept);
        let of = BuiltOf {
            panel: used.panel,
            units: panel.index.units.len(),
            kept: kept.filter(|kept| kept.contains(&false)).map(<[bool]>::to_vec),
            recipe: used.recipe.text.clone(),
        };
        if let Some(known) = self.built.iter().find(|b| b.of == of).cloned() {
            self.used.push(known.clone());
            return Ok(known.weights);
        }
        let recipe = &used.recipe;
        let key = self.weights_key("weights", recipe, used.panel, of.units, of.kept.as_deref());
        let named = Named { key, layout: Layout::of_recipe(recipe), origin: recipe.place.0 };
        let weights = self.remembered_matrix(named, |planner| {
            let weights = planner.evaluate(recipe, used.panel, panel, kept)?;
            planner.means.interrupt.done("weights", &recipe.text);
            Ok(weights)
        })?;
        // A panel that is still being loaded needs the matrix for its own columns.
        let early = self.panels.len() <= used.panel;
        self.use_again(Built { of, used: used.clone(), early, weights: weights.clone() });
        Ok(weights)
    }

    fn evaluate(
        &mut self,
        recipe: &WeightsExpr,
        number: usize,
        panel: &PanelData,
        kept: Option<&[bool]>,
    ) -> Step<Weights> {
        let mut part = |inner: &WeightsExpr| self.evaluate(inner, number, panel, kept);
        let mut both = |a: &WeightsExpr, b: &WeightsExpr| -> Step<(Weights, Weights)> { Ok(alike(part(a)?, part(b)?)) };
        Ok(match &recipe.kind {
            WeightsKind::Add(a, b) => both(a, b).map(|(a, b)| algebra::add(&a, &b))?,
            WeightsKind::Hadamard(a, b) => both(a, b).map(|(a, b)| algebra::hadamard(&a, &b))?,
            WeightsKind::Product(a, b) => both(a, b).map(|(a, b)| algebra::product(&a, &b).0)?,
            WeightsKind::Transpose(a) => algebra::transpose(&part(a)?),
            WeightsKind::Scale(x, a) => algebra::multiple(*x, &part(a)?),
            WeightsKind::Row(a) => scale::row(&part(a)?),
            WeightsKind::MinMax(a) => scale::minmax(&part(a)?),
            WeightsKind::HigherOrder(order, a) => contiguity::steps(&part(a)?, *order),
            WeightsKind::Spectral(a) => {
                let raw = part(a)?;
                scale::spectral(&raw).map_err(|e| {
                    let fault =
                        Fault::error("durbin::weights::scaling", format!("the spectral radius was not found: {e}"))
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
        // Beside a matrix that changes, what stays is by unit and period.
        let units = kept.filter(|_| !leaf.weights.changes()).map(|kept| by_unit(kept, panel));
        let kept = units.as_deref().or(kept);
        let names = match leaf.weights.changes() {
            true => names_of_cells(panel, kept),
            false => names_of(panel, kept),
        };
        let weights = match kept {
            Some(kept) => {
                let blocks = kept.chunks_exact(panel.index.units.len()).filter(|k| k.contains(&true)).count();
                crate::weights::subset::subset(&leaf.weights, kept).over(blocks)
            }
            None => leaf.weights.clone(),
        };
        let coordinates = panel.coordinates.as_ref().filter(|_| !weights.changes()).map(|c| match kept {
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
            (IslandPolicy::Nearest, None) => Err(self.no_places(panel, recipe.place.0)),
            _ => Ok(weights),
        }
    }

    fn leaf(&mut self, recipe: &WeightsExpr, number: usize, panel: &PanelData) -> Step<Arc<Leaf>> {
        // A condition may need a matrix before all rows have left: the count of units tells the two apart.
        let key = (number, format!("{} {}", panel.index.units.len(), recipe.text));
        if let Some(found) = self.leaves.get(&key) {
            return found.clone().ok_or(Reported);
        }
        let named = Named {
            key: self.weights_key("source", recipe, number, panel.index.units.len(), None),
            layout: Layout::of_recipe(recipe),
            origin: recipe.place.0,
        };
        let bytes = |l: &Leaf| super::memory::weights(l.weights.units(), l.weights.matrix.nnz() as u64).kept;
        let make = |planner: &mut Self| {
            planner.room_for(recipe, panel)?;
            planner.raw(recipe, number, panel).map(|weights| Leaf { weights })
        };
        let built = self.remembered(named, bytes, make).ok();
        self.leaves.insert(key, built.clone());
        built.ok_or(Reported)
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

    /// A matrix that is printed.
    pub(super) fn printed(&mut self, used: &WeightsUse) -> Step<Printed> {
        let panel = self.panels.get(used.panel).cloned().flatten().ok_or(Reported)?;
        let mut kept = vec![true; panel.index.units.len()];
        self.drop_islands(used, &panel, &mut kept)?;
        let all = kept.iter().all(|k| *k);
        let kept = (!all).then_some(kept.as_slice());
        let weights = self.build(used, &panel, kept)?;
        let units = if weights.changes() { names_of_cells(&panel, None) } else { names_of(&panel, kept) };
        let mut notes = Vec::new();
        if weights.changes() {
            let periods = &panel.index.periods;
            let (first, last) = (periods.first().unwrap_or(&0), periods.last().unwrap_or(&0));
            notes.push(format!(
                "a matrix for each of {} periods, {first} to {last}: units are counted once in each",
                weights.periods
            ));
        }
        if !all {
            let gone: Vec<String> =
                panel.index.units.iter().filter(|u| units.binary_search(u).is_err()).cloned().collect();
            notes.push(format!("`islands: drop` leaves out {}", crate::fault::ticked_list(&gone)));
        }
        if has_product(&used.recipe) {
            notes.push("the diagonal of a product is set to zero".to_string());
        }
        let near_edge = super::sources::pairs_near_edge(&used.recipe, &panel);
        Ok(Printed { weights, units, panel: panel.name.clone(), recipe: used.recipe.text.clone(), near_edge, notes })
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

/// The names of units in periods, unit fastest.
pub(super) fn names_of_cells(panel: &PanelData, kept: Option<&[bool]>) -> Vec<String> {
    let (units, periods) = (&panel.index.units, &panel.index.periods);
    let all = periods.iter().flat_map(|p| units.iter().map(move |u| format!("{u} in {p}")));
    all.enumerate().filter(|(r, _)| kept.is_none_or(|k| k.get(*r) == Some(&true))).map(|(_, name)| name).collect()
}

/// Which units and periods stay, from the units that do.
fn by_cell(kept: &[bool], panel: &PanelData) -> Vec<bool> {
    let cells = panel.index.units.len() * panel.index.periods.len();
    if kept.len() == cells { kept.to_vec() } else { kept.iter().copied().cycle().take(cells).collect() }
}

/// Which units stay in some period.
fn by_unit(kept: &[bool], panel: &PanelData) -> Vec<bool> {
    let n = panel.index.units.len();
    (0..n).map(|i| kept.iter().skip(i).step_by(n).any(|k| *k)).collect()
}

/// Both with a block for each period, where one has.
fn alike(a: Weights, b: Weights) -> (Weights, Weights) {
    match (a.changes(), b.changes()) {
        (true, false) => {
            let b = repeated(&b, a.periods);
            (a, b)
        }
        (false, true) => (repeated(&a, b.periods), b),
        _ => (a, b),
    }
}

pub(super) fn struck(points: &Coordinates, kept: &[bool]) -> Coordinates {
    points.of((0..kept.len()).filter(|&i| kept[i]))
}

fn policy_of(kind: &WeightsKind) -> IslandPolicy {
    match kind {
        WeightsKind::Edges { islands, .. }
        | WeightsKind::Matrix { islands, .. }
        | WeightsKind::Gal { islands, .. }
        | WeightsKind::Gwt { islands, .. }
        | WeightsKind::Mtx { islands, .. }
        | WeightsKind::Swm { islands, .. }
        | WeightsKind::Contiguity { islands, .. }
        | WeightsKind::Exponential { islands, .. }
        | WeightsKind::Gravity { islands, .. }
        | WeightsKind::Band { islands, .. }
        | WeightsKind::Knn { islands, .. }
        | WeightsKind::Inverse { islands, .. }
        | WeightsKind::Block { islands, .. }
        | WeightsKind::Kernel { islands, .. }
        | WeightsKind::Similarity { islands, .. } => *islands,
        WeightsKind::Add(..)
        | WeightsKind::Hadamard(..)
        | WeightsKind::Product(..)
        | WeightsKind::Transpose(_)
        | WeightsKind::Scale(..)
        | WeightsKind::HigherOrder(..)
        | WeightsKind::Row(_)
        | WeightsKind::Spectral(_)
        | WeightsKind::MinMax(_) => IslandPolicy::Keep,
    }
}

fn dropping<'r>(recipe: &'r WeightsExpr, out: &mut Vec<&'r WeightsExpr>) {
    let inner = recipe.parts();
    if inner.is_empty() && policy_of(&recipe.kind) == IslandPolicy::Drop {
        out.push(recipe);
    }
    inner.into_iter().for_each(|p| dropping(p, out));
}

fn has_product(recipe: &WeightsExpr) -> bool {
    matches!(recipe.kind, WeightsKind::Product(..)) || recipe.parts().into_iter().any(has_product)
}

/// Whether every row sums to one, to rounding.
pub(super) fn sums_to_one(weights: &Weights) -> bool {
    weights.scaling == Scaling::Row && weights.row_sums().iter().all(|s| (s - 1.0).abs() < 1e-9)
        || weights.row_sums().iter().all(|s| (s - 1.0).abs() < 1e-12)
}
