//! Weights that say less than they seem to, or that the data under study have shaped.

use super::lineage::{Lineage, shared};
use crate::check::Checker;
use crate::check::spec::*;
use crate::diagnostic::Diagnostic;
use crate::estimators::FixedEffects;
use crate::fault::ticked_all;
use std::collections::BTreeSet;

impl Checker<'_> {
    /// Every lint about matrices, each cause once.
    pub(super) fn matrices(&self, lineage: &Lineage) -> Vec<Diagnostic> {
        let mut out = Vec::new();
        let mut known: BTreeSet<(usize, String)> = BTreeSet::new();
        let derived = self.derived();
        for (number, model) in self.spec.models.iter().enumerate() {
            out.extend(band_edges(model));
            if !derived.contains(&number) {
                out.extend(nearer_pairs(model));
            }
            out.extend(model.weights.iter().filter_map(|w| open_band(model, w)));
            out.extend(model.lag_weights.iter().chain(&model.error_weights).filter_map(unscaled));
            for used in uses(model) {
                out.extend(self.of_the_outcome(lineage, model, used));
                if known.insert((used.panel, used.recipe.text.clone())) {
                    out.extend(scaled_twice(&used.recipe));
                    out.extend(self.after_the_start(used));
                }
            }
        }
        let mut said: BTreeSet<(&str, String)> = BTreeSet::new();
        out.retain(|lint| said.insert((lint.code, lint.message.clone())));
        out
    }

    /// `weights_of_outcome`: economic distance measured by the outcome's own columns.
    fn of_the_outcome(&self, lineage: &Lineage, model: &ModelSpec, used: &WeightsUse) -> Option<Diagnostic> {
        let outcome = lineage.column(self, model.panel, &model.outcome).mainly;
        leaves(&used.recipe).into_iter().find_map(|leaf| {
            let (WeightsKind::Similarity { column, .. } | WeightsKind::Gravity { column, .. }) = &leaf.kind else {
                return None;
            };
            let named = Column { kind: ColumnKind::Name(column.clone()), text: column.clone(), place: leaf.place };
            let common = shared(&lineage.column(self, used.panel, &named).from, &outcome);
            let message = format!(
                "units are neighbors by their `{column}`, and {} also makes the outcome `{}`: who resembles whom is \
                 then part of the answer",
                ticked_all(&common),
                model.outcome.text
            );
            (!common.is_empty()).then(|| {
                Diagnostic::lint("durbin::check::weights_of_outcome", leaf.place.0, message)
                    .label(model.outcome.place.0, "the outcome")
                    .help("measure resemblance by a column the model does not explain, or by distance")
            })
        })
    }

    /// `post_treatment_weights`: means over periods that begin to be treated, where the program itself says when.
    fn after_the_start(&self, used: &WeightsUse) -> Option<Diagnostic> {
        let inline = self.spec.treatments.iter().filter(|t| t.panel == used.panel).filter_map(|t| match &t.rule {
            TreatmentRule::Inline(starts) => Some((t, starts.iter().map(|s| s.1).min()?)),
            _ => None,
        });
        let (treatment, first) = inline.min_by_key(|(_, first)| *first)?;
        leaves(&used.recipe).into_iter().find_map(|leaf| match &leaf.kind {
            WeightsKind::Similarity { column, until: Some(until), .. }
            | WeightsKind::Gravity { column, until: Some(until), .. }
                if *until >= first =>
            {
                let (message, help) = post_treatment_weights(column, *until, &treatment.name, first);
                Some(Diagnostic::lint("durbin::check::post_treatment_weights", leaf.place.0, message).help(help))
            }
            _ => None,
        })
    }
}

/// Message and help of `post_treatment_weights`.
pub(crate) fn post_treatment_weights(column: &str, until: i64, treatment: &str, first: i64) -> (String, String) {
    let message = format!(
        "units are neighbors by their mean `{column}` up to {until}, and `{treatment}` starts in {first}: it may have \
         shaped the weights"
    );
    (message, format!("write `until: {}`, or leave `until:` out for the last period before the first start", first - 1))
}

/// Every matrix of a model.
fn uses(model: &ModelSpec) -> impl Iterator<Item = &WeightsUse> {
    model.weights.iter().chain(&model.lag_weights).chain(&model.error_weights)
}

/// A recipe with everything in it, the outer first.
fn parts(recipe: &WeightsExpr) -> Vec<&WeightsExpr> {
    std::iter::once(recipe).chain(recipe.parts().into_iter().flat_map(parts)).collect()
}

/// The sources a recipe starts from.
fn leaves(recipe: &WeightsExpr) -> Vec<&WeightsExpr> {
    parts(recipe).into_iter().filter(|p| parts(p).len() == 1).collect()
}

/// The word that scales, and what it scales.
fn scaling(recipe: &WeightsExpr) -> Option<(&'static str, &WeightsExpr)> {
    match &recipe.kind {
        WeightsKind::Row(a) => Some(("row", a)),
        WeightsKind::Spectral(a) => Some(("spectral", a)),
        WeightsKind::MinMax(a) => Some(("minmax", a)),
        _ => None,
    }
}

/// `scaled_twice`: the outer scaling undoes the inner one, or does nothing.
fn scaled_twice(recipe: &WeightsExpr) -> Option<Diagnostic> {
    parts(recipe).into_iter().find_map(|part| {
        let (outer, inside) = scaling(part)?;
        let (inner, _) = scaling(inside)?;
        let message = match (outer, inner) {
            ("row", _) => format!("`row` of `{inner}` is `row` alone: the inner scaling leaves no trace"),
            (_, "row") => format!("`{outer}` of `row` changes little or nothing: the rows already sum to one"),
            _ => format!("`{outer}` of `{inner}` differs from `{outer}` alone by nothing but rounding"),
        };
        let help = match outer == inner {
            true => format!("scale once: `{outer}(…)`"),
            false => format!("keep one of them: `{outer}(…)` or `{inner}(…)`"),
        };
        Some(Diagnostic::lint("durbin::check::scaled_twice", part.place.0, message).help(help))
    })
}

/// `unscaled_weights`: a matrix whose rows have no common size, where rho multiplies it. A file may hold scaled numbers.
fn unscaled(used: &WeightsUse) -> Option<Diagnostic> {
    let raw = match &used.recipe.kind {
        WeightsKind::Edges { weight, .. } => weight.is_none(),
        WeightsKind::Gal { .. }
        | WeightsKind::Band { .. }
        | WeightsKind::Knn { .. }
        | WeightsKind::Inverse { .. }
        | WeightsKind::Block { .. }
        | WeightsKind::Kernel { .. }
        | WeightsKind::Contiguity { .. }
        | WeightsKind::Exponential { .. }
        | WeightsKind::Gravity { .. }
        | WeightsKind::HigherOrder(..)
        | WeightsKind::Similarity { .. } => true,
        _ => false,
    };
    let message = format!(
        "`{}` is not scaled: its spatial parameter is in units of the weights and has no interval near (-1, 1)",
        used.name
    );
    raw.then(|| {
        Diagnostic::lint("durbin::check::unscaled_weights", used.recipe.place.0, message)
            .help("`row(…)` makes lags averages of neighbors; `spectral(…)` keeps a symmetric matrix symmetric")
    })
}

/// The bounds of a band, scaled or not.
fn bounds(recipe: &WeightsExpr) -> Option<(f64, f64)> {
    match &recipe.kind {
        WeightsKind::Band { lo, hi, .. } => Some((*lo, *hi)),
        WeightsKind::Scale(_, a) => bounds(a),
        _ => bounds(scaling(recipe)?.1),
    }
}

/// `band_edges`: bands of one model that share pairs, or leave pairs out between them.
fn band_edges(model: &ModelSpec) -> Option<Diagnostic> {
    let bands: Vec<((f64, f64), &WeightsUse)> =
        model.weights.iter().map(|w| bounds(&w.recipe).map(|b| (b, w))).collect::<Option<_>>()?;
    let mut sorted = bands;
    sorted.sort_by(|a, b| a.0.0.total_cmp(&b.0.0).then(a.0.1.total_cmp(&b.0.1)));
    sorted.windows(2).find_map(|pair| {
        let [((_, near), _), ((far, end), used)] = pair else { return None };
        let (near, far, end) = (*near, *far, *end);
        let (what, help) = if far < near {
            let last = near.min(end);
            (format!("pairs {far} to {last} km apart are in two bands"), format!("begin the second band at {near} km"))
        } else if far > near {
            let gap = format!("pairs {near} to {far} km apart are in no band between the nearest and the farthest");
            (gap, format!("begin the second band at {near} km"))
        } else {
            return None;
        };
        Some(Diagnostic::lint("durbin::check::band_edges", used.place.0, what).help(help))
    })
}

/// `nearer_pairs_left_out`: a model all of whose bands begin at a distance (methods D.5, ii).
fn nearer_pairs(model: &ModelSpec) -> Option<Diagnostic> {
    let first = model.weights.first()?;
    let starts: Vec<f64> = model.weights.iter().map(|w| bounds(&w.recipe).map(|b| b.0)).collect::<Option<_>>()?;
    let lo = starts.into_iter().fold(f64::INFINITY, f64::min);
    let message = format!(
        "`{}` links no pairs up to {lo} km apart, and no other matrix of the model does: what nearer neighbors do is \
         taken for the band's",
        first.name
    );
    (lo > 0.0).then(|| {
        let help = format!("estimate the bands together: `| [W_band(0, {lo}), {}]`", first.name);
        Diagnostic::lint("durbin::check::nearer_pairs_left_out", first.place.0, message).help(help)
    })
}

/// `open_band`: the average of almost all units hardly differs from a period effect (methods D.5).
fn open_band(model: &ModelSpec, used: &WeightsUse) -> Option<Diagnostic> {
    let averaged = matches!(used.recipe.kind, WeightsKind::Row(_));
    let periods = matches!(model.fixed_effects, None | Some(FixedEffects::Both | FixedEffects::Time));
    let (lo, hi) = bounds(&used.recipe)?;
    let message = format!(
        "`{}` averages everything beyond {lo} km, which is almost the period effect: its coefficient is practically \
         not identified",
        used.name
    );
    (averaged && periods && hi == f64::INFINITY).then(|| {
        Diagnostic::lint("durbin::check::open_band", used.place.0, message)
            .help("end the last band where effects can still be told apart, and take the rest as the reference")
    })
}
