//! Why a design has no full rank, in the names of its columns: what effects absorb, what other columns make up.

use super::fit::terms;
use crate::check::spec::ModelSpec;
use crate::estimators::FixedEffects;
use crate::fault::Fault;
use crate::linalg::cross::{combination, vanished};
use crate::linalg::panel;
use crate::plan::ModelPlan;
use crate::plan::faults::{absorbed, collinear};
use crate::weights::Weights;

/// One fault per column that depends on others, in the order of the design.
pub(super) fn faults(spec: &ModelSpec, plan: &ModelPlan, dependent: &[usize]) -> Vec<Fault> {
    let problem = &plan.problem;
    let (n, t) = (problem.units, problem.periods);
    let names = terms(plan);
    let raw = design(plan);
    let demeaned: Vec<Vec<f64>> = raw.iter().map(|c| without(c, problem.fixed_effects, plan)).collect();
    let now: Vec<&[f64]> = demeaned.iter().map(Vec::as_slice).collect();
    let before: Vec<&[f64]> = raw.iter().map(Vec::as_slice).collect();
    let gone = vanished(&now, &before);
    let mut out = Vec::new();
    for &j in dependent.iter().filter(|&&j| j < now.len()) {
        let name = names.get(j).map_or("(Intercept)", String::as_str);
        if gone.contains(&j) {
            out.push(absorbed(name, absorber(&raw[j], n, t, plan)));
            continue;
        }
        let others: Vec<(String, f64)> =
            combination(&now, j).into_iter().filter_map(|(k, c)| Some((names.get(k)?.clone(), c))).collect();
        let effects = match problem.fixed_effects {
            _ if problem.layout.has_more_effects() => Some("fixed"),
            FixedEffects::None => None,
            FixedEffects::Unit => Some("unit"),
            FixedEffects::Time => Some("time"),
            FixedEffects::Both => Some("unit and time"),
        };
        let complete = plan.durbin_weights.iter().any(|m| name.starts_with(&m.name) && is_complete(&m.weights));
        out.push(collinear(name, &others, effects, complete));
    }
    if out.is_empty() {
        let message = format!("the regressors of `{}` are linear combinations of one another", spec.outcome.text);
        out.push(Fault::error("durbin::plan::collinear", message).help("leave one of them out"));
    }
    out
}

/// The columns of the design on raw data, as estimators order them; rows absent from the sample are left out.
fn design(plan: &ModelPlan) -> Vec<Vec<f64>> {
    let problem = &plan.problem;
    let (n, t) = problem.spatial_shape();
    let mut out = Vec::new();
    if problem.has_intercept() {
        out.push(vec![1.0; n * t]);
    }
    out.extend(problem.regressors.iter().map(|r| r.values.clone()));
    if problem.model.has_durbin() {
        for w in &problem.durbin_weights {
            for r in problem.regressors.iter().filter(|r| r.lagged) {
                out.push(panel::spatial_lag(&w.matrix, &r.values, n, t));
            }
        }
    }
    out
}

/// A column off the effects; in a panel with gaps by as many sweeps as settle it.
fn without(column: &[f64], effects: FixedEffects, plan: &ModelPlan) -> Vec<f64> {
    let (n, t) = (plan.problem.units, plan.problem.periods);
    let mut x = column.to_vec();
    if let Ok(Some(absorber)) = plan.problem.absorber() {
        if let Some(marks) = plan.problem.taking_part() {
            x.iter_mut().zip(&marks).filter(|(_, m)| !**m).for_each(|(v, _)| *v = 0.0);
        }
        // what cannot be taken out is not told apart here
        let _ = absorber.remove(&mut x);
        return x;
    }
    let Some(present) = &plan.problem.present else {
        match effects {
            FixedEffects::None => {}
            FixedEffects::Unit => panel::demean_unit(&mut x, n, t),
            FixedEffects::Time => panel::demean_time(&mut x, n, t),
            FixedEffects::Both => panel::demean_both(&mut x, n, t),
        }
        return x;
    };
    let units = matches!(effects, FixedEffects::Unit | FixedEffects::Both);
    let periods = matches!(effects, FixedEffects::Time | FixedEffects::Both);
    for _ in 0..200 {
        if units {
            (0..n).for_each(|i| center(&mut x, present, (0..t).map(|p| p * n + i)));
        }
        if periods {
            (0..t).for_each(|p| center(&mut x, present, p * n..(p + 1) * n));
        }
    }
    x.iter().zip(present).filter(|(_, p)| **p).map(|(v, _)| *v).collect()
}

/// Takes the mean of the present cells among `places` off them.
fn center(x: &mut [f64], present: &[bool], places: impl Iterator<Item = usize> + Clone) {
    let here = places.filter(|&k| present[k]);
    let (sum, count) = here.clone().fold((0.0, 0usize), |(s, c), k| (s + x[k], c + 1));
    let mean = sum / count.max(1) as f64;
    here.for_each(|k| x[k] -= mean);
}

/// Which effect alone leaves nothing of a column.
fn absorber(raw: &[f64], n: usize, t: usize, plan: &ModelPlan) -> &'static str {
    let alone = |effects| {
        let left = without(raw, effects, plan);
        !vanished(&[&left], &[raw]).is_empty() || left.iter().all(|v| *v == 0.0)
    };
    debug_assert_eq!(raw.len(), n * t);
    if plan.problem.layout.has_more_effects() {
        return "fixed";
    }
    match plan.problem.fixed_effects {
        FixedEffects::Unit | FixedEffects::Both if alone(FixedEffects::Unit) => "unit",
        FixedEffects::Time | FixedEffects::Both if alone(FixedEffects::Time) => "time",
        _ => "unit and time",
    }
}

/// Whether a matrix links every pair of units with one weight.
fn is_complete(weights: &Weights) -> bool {
    let n = weights.units();
    let first = weights.matrix.data().first().copied().unwrap_or(0.0);
    weights.matrix.nnz() == n * n.saturating_sub(1)
        && weights.matrix.data().iter().all(|v| (v - first).abs() <= 1e-12 * first.abs())
}
