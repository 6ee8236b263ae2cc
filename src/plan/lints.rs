//! The lints of `--pedantic` that need data: when units start, how far apart they are. The others stand in
//! `check::pedantic`.

use super::rollout::RollOut;
use super::{ModelPlan, Planner};
use crate::check::spec::{TreatmentRule, WeightsExpr, WeightsKind};
use crate::check::{Lints, post_treatment_weights};
use crate::designs::two_way::weights_of_cells;
use crate::estimators::FixedEffects;
use crate::fault::{Fault, counted};
use crate::source::Span;
use crate::weights::geometry::Coordinates;
use std::sync::Arc;

/// Pairs that are looked at for the bounds of a band: enough for every panel but those of many thousand units.
const MOST_PAIRS: usize = 25_000_000;

impl Planner<'_> {
    /// Every lint that is pedantic and needs data.
    pub(super) fn lints(&mut self, models: &[Option<Arc<ModelPlan>>]) {
        if self.means.lints == Lints::Usual {
            return;
        }
        self.staggered(models);
        self.bands_beyond();
        self.weights_after_starts();
    }

    /// `staggered`: a two-way difference-in-differences over several starts.
    fn staggered(&mut self, models: &[Option<Arc<ModelPlan>>]) {
        let spec = self.spec;
        let mut found: Vec<(Fault, Span)> = Vec::new();
        for (model, plan) in spec.models.iter().zip(models) {
            let (Some(plan), Some(treatment)) = (plan, model.treatment.and_then(|t| spec.treatments.get(t))) else {
                continue;
            };
            let two_way = plan.problem.fixed_effects == FixedEffects::Both;
            let Some(rollout) = RollOut::of(plan).filter(|r| two_way && r.is_staggered()) else { continue };
            let starts = counted(rollout.starts.len(), "period", "periods");
            let mut message = format!(
                "`{}` starts in {starts}: the two-way estimate also compares units treated late with units treated \
                 earlier",
                treatment.name
            );
            if let Some((negative, cells)) = negative_weights(plan) {
                message += &format!("; {negative} of the {cells} treated cells have a negative weight in it");
            }
            let fault = Fault::lint("durbin::treatment::staggered", message)
                .help("estimate each start by itself as well, `where:` leaving the other treated units out");
            found.push((fault, model.terms.first().map_or(model.place.0, |t| t.value.place.0)));
        }
        for (fault, place) in found {
            self.report(fault, place);
        }
    }

    /// `band_beyond`: a bound no pair of units reaches.
    fn bands_beyond(&mut self) {
        let mut found: Vec<(Fault, Span)> = Vec::new();
        for built in &self.built {
            let Some(panel) = self.panels.get(built.of.panel).and_then(Option::as_ref) else { continue };
            let Some(points) = &panel.coordinates else { continue };
            if points.len().saturating_mul(points.len()) > MOST_PAIRS {
                continue;
            }
            for leaf in leaves(&built.used.recipe) {
                found.extend(beyond(leaf, points, &panel.name));
            }
        }
        for (fault, place) in found {
            self.report(fault, place);
        }
    }

    /// `post_treatment_weights`, where only the data say when the treatment starts.
    fn weights_after_starts(&mut self) {
        let mut found: Vec<(Fault, Span)> = Vec::new();
        for built in &self.built {
            let first = self.spec.treatments.iter().zip(&self.treatments).filter_map(|(spec, treatment)| {
                let elsewhere = spec.panel != built.of.panel || matches!(spec.rule, TreatmentRule::Inline(_));
                let first = treatment.as_ref()?.starts.iter().flatten().min()?;
                (!elsewhere).then_some((*first, &spec.name))
            });
            let Some((first, name)) = first.min_by_key(|f| f.0) else { continue };
            for leaf in leaves(&built.used.recipe) {
                if let WeightsKind::Similarity { column, until: Some(until), .. }
                | WeightsKind::Gravity { column, until: Some(until), .. } = &leaf.kind
                    && *until >= first
                {
                    let (message, help) = post_treatment_weights(column, *until, name, first);
                    let fault = Fault::lint("durbin::check::post_treatment_weights", message).help(help);
                    found.push((fault, leaf.place.0));
                }
            }
        }
        for (fault, place) in found {
            self.report(fault, place);
        }
    }
}

/// Treated cells with a negative weight in the two-way estimate, and all treated cells; `None` where the panel has gaps.
fn negative_weights(plan: &ModelPlan) -> Option<(usize, usize)> {
    let problem = &plan.problem;
    let treated = &problem.regressors.get(problem.treatment?)?.values;
    let weights = weights_of_cells(treated, problem.units)?;
    // A weight of rounding alone is none.
    let negative = weights.iter().filter(|w| **w < -1e-12).count();
    Some((negative, weights.len()))
}

/// The sources a recipe starts from.
fn leaves(recipe: &WeightsExpr) -> Vec<&WeightsExpr> {
    let inner = recipe.parts();
    if inner.is_empty() { vec![recipe] } else { inner.into_iter().flat_map(leaves).collect() }
}

/// The lint of a bound, in km, beyond the largest distance of a panel.
fn beyond(leaf: &WeightsExpr, points: &Coordinates, panel: &str) -> Option<(Fault, Span)> {
    let bound = match &leaf.kind {
        WeightsKind::Band { hi, .. } => *hi,
        WeightsKind::Inverse { cutoff: Some(cutoff), .. } => *cutoff,
        _ => return None,
    };
    if bound.is_infinite() {
        return None;
    }
    let n = points.len();
    let mut pairs = (0..n).flat_map(|i| (0..i).map(move |k| points.distance_km(i, k)));
    // Ends at the first pair beyond the bound.
    let largest = pairs.try_fold(0.0, |most: f64, d| (d <= bound).then(|| most.max(d)))?;
    let message = format!(
        "no two units of `{panel}` are {bound} km apart: the largest distance is {largest:.1} km, and the bound \
         cuts nothing off"
    );
    let help = match &leaf.kind {
        WeightsKind::Inverse { .. } => "a cutoff within the distances there are, or none",
        _ => "a bound within the distances there are, or `inf`",
    };
    Some((Fault::lint("durbin::weights::band_beyond", message).help(help), leaf.place.0))
}
