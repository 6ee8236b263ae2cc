//! The leads of an event study: before the start nothing may happen (methods E.2).

use super::nested::{no_statistic, of_restrictions};
use super::{Finding, Named, single};
use crate::check::spec::{Bin, EventTimes};
use crate::execute::designs::label;
use crate::fault::Fault;
use crate::inference::wald::wald;
use crate::outcome::designs::Leads;
use crate::outcome::testing::TestResult;

fn before(bin: &Bin, events: &EventTimes) -> bool {
    bin.to.is_some_and(|to| to < events.reference)
}

/// The joint tests that leads are zero; `None` where the window has none.
pub(in crate::execute) fn of(model: &Named, events: &EventTimes) -> Option<Leads> {
    let problem = &model.fitted.plan.problem;
    let count = events.bins.iter().filter(|bin| before(bin, events)).count();
    if count == 0 {
        return None;
    }
    let first = usize::from(problem.has_intercept());
    // The leads are the first of the regressors, and of each block of lags where they are lagged.
    let own: Vec<usize> = (0..count).map(|k| first + k).collect();
    let lagged = problem.regressors.iter().filter(|r| r.lagged).count();
    let spread = problem.regressors.first().is_some_and(|r| r.lagged);
    let blocks = if spread { problem.durbin_weights.len() } else { 0 };
    let of_neighbors = (0..blocks).map(|b| first + problem.regressors.len() + b * lagged);
    let of_clocks = (0..problem.exposures).map(|b| first + problem.events * (b + 1));
    let lags: Vec<usize> = of_neighbors.chain(of_clocks).flat_map(|at| at..at + count).collect();
    let all: Vec<usize> = own.iter().chain(&lags).copied().collect();
    let part = |test: &str, label: &str, at: &[usize]| (!lags.is_empty()).then(|| zero(model, test, label, at));
    Some(Leads {
        pretrend: zero(model, "leads", "all leads", &all),
        pretrend_own: part("own", "own leads", &own),
        pretrend_spillover: part(
            "spillover",
            if problem.exposures > 0 { "leads of exposure" } else { "leads of neighbors" },
            &lags,
        ),
    })
}

/// The Wald test that coefficients are zero; its statistic is NaN where their variance is singular.
fn zero(model: &Named, test: &str, label: &str, at: &[usize]) -> Finding {
    let fit = &model.fitted.fit;
    let values: Vec<f64> = at.iter().map(|&i| fit.coefficients[i].value.estimate).collect();
    let unit = |i: usize| (0..fit.coefficients.len()).map(|j| f64::from(u8::from(i == j))).collect();
    let gradient: Vec<Vec<f64>> = at.iter().map(|&i| unit(i)).collect();
    let found = wald(&values, &gradient, &fit.vcov.matrix).unwrap_or(f64::NAN);
    of_restrictions(model, test, label, found, at.len())
}

/// `parallel_trends(m)`: all leads, and the own and the neighbors' by themselves.
pub(super) fn parallel_trends(model: &Named, events: &EventTimes, treatment: &str) -> Result<TestResult, Fault> {
    let Some(leads) = of(model, events).filter(|leads| leads.pretrend.statistic.is_finite()) else {
        return Err(no_statistic(model));
    };
    let named: Vec<String> = events.bins.iter().filter(|bin| before(bin, events)).map(label).collect();
    let mut about = model.about();
    about.push(("Event times", format!("{}; reference {}", named.join(", "), events.reference)));
    about.push(("Variance", model.fitted.fit.se_type.clone()));
    let null = format!("before `{treatment}` starts its effects are zero, at home and from neighbors");
    let finding = leads.pretrend.about(&null, "units took another course before they were treated");
    let note = "a test that does not reject does not show that trends were parallel: with few units it has little power, \
                and selecting on it distorts what follows (Roth 2022)";
    let title = format!("Were trends parallel before `{treatment}`?");
    let parts = leads.pretrend_own.into_iter().chain(leads.pretrend_spillover).collect();
    Ok(TestResult { parts, ..single(title, about, finding, vec![note.to_string()]) })
}
