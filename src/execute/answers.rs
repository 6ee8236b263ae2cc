//! Questions put to a fit: arrays by term or by unit and period, tables, single numbers.

use super::Fitted;
use super::explain::explain;
use super::fit::Tails;
use super::split;
use crate::check::spec::{Answer, Spec};
use crate::estimators::shared::Shared;
use crate::estimators::{EstimateError, Interrupt};
use crate::fault::Fault;
use crate::linalg::filter::SpatialFilter;
use crate::linalg::panel::spatial_lag;
use crate::outcome::{Block, Cell, Entry, LabeledArray, Outcome, Response, Row, Table};

/// A single number of a fit, or an entry of its coefficients; `None` where there is none.
pub(super) fn scalar(answer: Answer, entry: Option<&str>, fitted: &Fitted) -> Option<f64> {
    let fit = &fitted.fit;
    match (answer, entry) {
        (Answer::Coef, Some(term)) => fit.coefficients.iter().find(|c| c.term == term).map(|c| c.value.estimate),
        (Answer::Nobs, None) => Some(fit.nobs as f64),
        (Answer::Loglik, None) => Some(fit.loglik),
        (Answer::Aic, None) => Some(fit.aic),
        (Answer::Bic, None) => Some(fit.bic),
        _ => None,
    }
}

/// The whole answer.
///
/// # Errors
/// The reduced form of a prediction that cannot be solved for.
pub(super) fn answer(
    answer: Answer,
    spec: &Spec,
    model: usize,
    fitted: &Fitted,
    shared: &Shared,
    interrupt: &dyn Interrupt,
) -> Result<Outcome, Fault> {
    let fit = &fitted.fit;
    let terms = || fit.coefficients.iter().map(|c| c.term.clone()).collect::<Vec<_>>();
    Ok(match answer {
        Answer::Coef => {
            let values = fit.coefficients.iter().map(|c| c.value.estimate).collect();
            Outcome::Array(LabeledArray { dimensions: vec!["term".into()], labels: vec![terms()], values })
        }
        Answer::Vcov => Outcome::Array(LabeledArray {
            dimensions: vec!["term".into(), "with".into()],
            labels: vec![terms(), terms()],
            values: fit.vcov.matrix.concat(),
        }),
        Answer::Residuals => by_unit_and_period(fitted, &fitted.estimated.residuals),
        Answer::Fitted => by_unit_and_period(fitted, &fitted.estimated.fitted),
        Answer::Predict => by_unit_and_period(fitted, &prediction(fitted)?),
        Answer::FixedEffects => fixed_effects(fitted),
        Answer::Tidy => Outcome::Table(tidy(fitted)),
        Answer::Effects => Outcome::Effects {
            effects: fit.effects.clone(),
            responses: Vec::new(),
            policy_effects: fit.policy_effects.clone(),
            level: fit.level,
        },
        Answer::Explain => Outcome::Explanation(explain(spec, model, fitted)),
        Answer::Responses(horizons) => Outcome::Effects {
            effects: fit.effects.clone(),
            responses: responses(fitted, horizons, interrupt)?,
            policy_effects: fit.policy_effects.clone(),
            level: fit.level,
        },
        Answer::EffectsByUnit => Outcome::SplitEffects(Box::new(split::by_unit(fitted, shared, interrupt)?)),
        Answer::EffectsByOrder(orders) => Outcome::SplitEffects(Box::new(split::by_order(fitted, orders, interrupt)?)),
        Answer::Loglik | Answer::Aic | Answer::Bic | Answer::Nobs | Answer::Array | Answer::Test => {
            let x = scalar(answer, None, fitted).unwrap_or(f64::NAN);
            Outcome::Value(crate::outcome::Scalar::Number(x))
        }
    })
}

/// The responses of every term but lags of the outcome, horizon by horizon.
fn responses(fitted: &Fitted, horizons: usize, interrupt: &dyn Interrupt) -> Result<Vec<Response>, Fault> {
    let (plan, e) = (&fitted.plan, &fitted.estimated);
    let found = crate::estimators::responses(&plan.problem, e, horizons, interrupt).map_err(|e| match e {
        EstimateError::Interrupted => Fault::error("durbin::run::interrupted", "stopped"),
        e => Fault::error("durbin::estimate::not_converged", format!("the responses were not found: {e}")),
    })?;
    let tails = Tails::new(e.reference, fitted.fit.level);
    let mut out = Vec::new();
    for (k, (term, of)) in plan.terms.iter().zip(&found).enumerate() {
        if plan.problem.time_lags.iter().any(|t| t.regressor == k) {
            continue;
        }
        out.extend(of.impulse.iter().zip(&of.cumulated).enumerate().map(|(horizon, (impulse, cumulated))| Response {
            term: term.clone(),
            horizon,
            impulse: tails.impact(impulse),
            cumulated: tails.impact(cumulated),
        }));
    }
    Ok(out)
}

/// Values with the unit fastest become an array whose period runs fastest.
fn by_unit_and_period(fitted: &Fitted, values: &[f64]) -> Outcome {
    let plan = &fitted.plan;
    let (n, t) = (plan.units.len(), plan.periods.len());
    let at = |i: usize, p: usize| values.get(p * n + i).copied().unwrap_or(f64::NAN);
    Outcome::Array(LabeledArray {
        dimensions: vec!["unit".into(), "time".into()],
        labels: vec![plan.units.clone(), plan.periods.iter().map(i64::to_string).collect()],
        values: (0..n).flat_map(|i| (0..t).map(move |p| at(i, p))).collect(),
    })
}

/// The reduced form `S⁻¹(Zβ + effects)` of methods I, from the one-step fit `ρWy + Zβ + effects`.
fn prediction(fitted: &Fitted) -> Result<Vec<f64>, Fault> {
    let problem = &fitted.plan.problem;
    let mut out = fitted.estimated.fitted.clone();
    let rho = fitted.fit.coefficients.iter().find(|c| c.term == "rho").map(|c| c.value.estimate);
    let (Some(rho), Some(w)) = (rho, &problem.lag_weights) else { return Ok(out) };
    let (units, periods) = problem.spatial_shape();
    let wy = spatial_lag(&w.matrix, &problem.outcome, units, periods);
    out.iter_mut().zip(&wy).for_each(|(v, lag)| *v -= rho * lag);
    let failed = |e| Fault::error("durbin::estimate::not_converged", format!("the reduced form was not found: {e}"));
    let filter = SpatialFilter::new(&w.matrix, w.symmetrizer.as_deref()).map_err(failed)?;
    for period in out.chunks_exact_mut(units) {
        filter.solve(rho, period).map_err(failed)?;
    }
    Ok(out)
}

fn fixed_effects(fitted: &Fitted) -> Outcome {
    let (plan, e) = (&fitted.plan, &fitted.estimated);
    let mut items = Vec::new();
    let periods = plan.periods.iter().map(i64::to_string).collect();
    for (dimension, labels, values) in
        [("unit", plan.units.clone(), &e.unit_effects), ("time", periods, &e.time_effects)]
    {
        if !values.is_empty() {
            let array =
                LabeledArray { dimensions: vec![dimension.into()], labels: vec![labels], values: values.clone() };
            items.push(Entry {
                name: Some(dimension.to_string()),
                source: format!("{dimension} effects"),
                outcome: Outcome::Array(array),
                printed: true,
            });
        }
    }
    Outcome::List(items)
}

/// Coefficients as a table of numbers.
fn tidy(fitted: &Fitted) -> Table {
    let fit = &fitted.fit;
    let rows = fit.coefficients.iter().map(|c| {
        let v = &c.value;
        let cells = [v.estimate, v.se, v.statistic, v.p, v.ci[0], v.ci[1]];
        let cell = |x: f64| if x.is_nan() { Cell::Empty } else { Cell::Number(x) };
        Row { label: c.term.clone(), cells: cells.into_iter().map(cell).collect() }
    });
    let columns = ["estimate", "se", "statistic", "p", "lower", "upper"].map(String::from).to_vec();
    let blocks = vec![Block { heading: None, rows: rows.collect() }];
    let notes = vec![format!("lower and upper: {} % interval", fit.level * 100.0)];
    Table { title: None, columns, blocks, notes, digits: 6 }
}
