//! The effects of a fit, unit by unit and order by order.

use super::Fitted;
use super::fit::Tails;
use crate::estimators::shared::Shared;
use crate::estimators::{EstimateError, Interrupt, effects_by_order, effects_by_unit};
use crate::fault::Fault;
use crate::outcome::{OrderEffect, SplitEffects, UnitEffect, UnitErrors};

/// Why there is no such answer.
fn failed(error: EstimateError) -> Fault {
    match error {
        EstimateError::Interrupted => Fault::error("durbin::run::interrupted", "stopped"),
        e => Fault::error("durbin::estimate::not_converged", format!("the effects were not found: {e}")),
    }
}

fn split(fitted: &Fitted) -> SplitEffects {
    let fit = &fitted.fit;
    let notes = if fit.stability.is_some() { vec!["Effects of the short run.".to_string()] } else { Vec::new() };
    SplitEffects { effects: fit.effects.clone(), units: Vec::new(), orders: Vec::new(), level: fit.level, notes }
}

/// Regressors that have effects, with their terms: lags of the outcome have none.
fn with_effects(fitted: &Fitted) -> impl Iterator<Item = (usize, &String)> {
    let plan = &fitted.plan;
    plan.terms.iter().enumerate().filter(|(k, _)| plan.problem.time_lags.iter().all(|t| t.regressor != *k))
}

/// `effects(m, by: unit)`.
pub(super) fn by_unit(fitted: &Fitted, shared: &Shared, interrupt: &dyn Interrupt) -> Result<SplitEffects, Fault> {
    let plan = &fitted.plan;
    let found = effects_by_unit(&plan.problem, &fitted.estimated, shared, interrupt).map_err(failed)?;
    let mut out = split(fitted);
    for (k, term) in with_effects(fitted) {
        out.units.extend(plan.units.iter().zip(&found.regressors[k]).map(|(unit, e)| UnitEffect {
            unit: unit.clone(),
            term: term.clone(),
            direct: e.on.direct.estimate,
            indirect: e.on.indirect.estimate,
            total: e.on.total.estimate,
            from: e.from.estimate,
            se: UnitErrors {
                direct: e.on.direct.se,
                indirect: e.on.indirect.se,
                total: e.on.total.se,
                from: e.from.se,
            },
        }));
    }
    if let Some((probes, error)) = found.probes {
        out.notes.push(format!(
            "Diagonals beyond their first powers by {probes} seeded random probes: to within {:.2} % of their size.",
            100.0 * error
        ));
    }
    Ok(out)
}

/// `effects(m, by: order)`.
pub(super) fn by_order(fitted: &Fitted, orders: usize, interrupt: &dyn Interrupt) -> Result<SplitEffects, Fault> {
    let found = effects_by_order(&fitted.plan.problem, &fitted.estimated, orders, interrupt).map_err(failed)?;
    let tails = Tails::new(fitted.estimated.reference, fitted.fit.level);
    let mut out = split(fitted);
    for (k, term) in with_effects(fitted) {
        let of = &found.regressors[k];
        let numbered = of.orders.iter().enumerate().map(|(q, e)| (Some(q), e));
        out.orders.extend(numbered.chain([(None, &of.rest)]).map(|(order, e)| OrderEffect {
            term: term.clone(),
            order,
            impact: tails.impact(e),
        }));
    }
    if let Some((probes, error)) = found.probes {
        out.notes.push(format!(
            "Direct and indirect parts of an order by {probes} seeded random probes: to within {:.1e} of the coefficients.",
            error
        ));
    }
    Ok(out)
}
