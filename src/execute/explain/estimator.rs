//! How the coefficients were found: least squares or a likelihood, which row of methods C.3 and why, what M counts.

use super::{Context, approach, dynamics, headed, listed, paragraph, rows_sum_to_one, shown};
use crate::estimators::{FixedEffects, Likelihood};
use crate::fault::counted;
use crate::outcome::{Passage, Section};
use crate::report::layout::{LINE, wrapped_to};
use crate::report::number::{count, fixed};

/// The estimator and the likelihood's row.
pub(super) fn section(context: &Context) -> Section {
    let fit = context.fit;
    let mut passages = Vec::new();
    match fit.method.as_str() {
        _ if fit.random_effects.is_some() => return headed("Estimator", approach::random(context)),
        "gs2sls" | "2sls" => return headed("Estimator", approach::instruments(context)),
        "gmm" => return headed("Estimator", approach::moments(context)),
        _ => {}
    }
    if fit.method == "ols" {
        passages.push(paragraph(least_squares(context)));
        passages.extend(dynamics::bias(context).map(paragraph));
    } else {
        passages.push(paragraph(removal(context)));
        passages.push(Passage::Lines(likelihood(context)));
        passages.push(paragraph(search(context)));
        passages.extend(correction(context).map(paragraph));
        passages.extend(dynamics::bias(context).map(paragraph));
        passages.extend(score_adjustment(context).map(paragraph));
    }
    passages.push(paragraph(counted_observations(context)));
    headed("Estimator", passages)
}

fn least_squares(context: &Context) -> String {
    let removed = match context.plan.problem.fixed_effects {
        FixedEffects::None => "Least squares with an intercept.".to_string(),
        _ => format!("Least squares after the {} are removed from outcome and regressors.", effects_removed(context)),
    };
    let lags = if context.plan.problem.model.has_durbin() {
        " Spatial lags are taken of the raw data; effects are removed afterwards."
    } else {
        ""
    };
    let gaps = if context.plan.problem.present.is_some() {
        " The panel has gaps: effects are removed by alternating projections over the rows there are."
    } else {
        ""
    };
    format!("{removed}{lags}{gaps}")
}

/// `unit and period effects`
fn effects_removed(context: &Context) -> &'static str {
    match context.plan.problem.fixed_effects {
        FixedEffects::Both => "unit and period effects",
        FixedEffects::Unit => "unit effects",
        FixedEffects::Time => "period effects",
        FixedEffects::None => "effects",
    }
}

/// How fixed effects leave the likelihood, and why so.
fn removal(context: &Context) -> String {
    let problem = &context.plan.problem;
    if problem.fixed_effects == FixedEffects::None {
        return "Quasi-maximum likelihood without fixed effects: all observations enter as they are.".to_string();
    }
    let effects = effects_removed(context);
    let how = match problem.likelihood {
        Likelihood::Transform if context.is_dynamic() && context.has_unit_effects() => {
            let periods = if context.has_time_effects() {
                ": an orthonormal transformation takes out those of the periods, and means of each variable those of the \
                 units"
            } else {
                ", of which each variable's own means are taken"
            };
            format!("Quasi-maximum likelihood of the data without their {effects} (likelihood `transform`){periods}.")
        }
        Likelihood::Transform => format!(
            "Quasi-maximum likelihood of the data without their {effects}, which an orthonormal transformation takes \
             out (likelihood `transform`; Lee and Yu 2010): they are not estimated, so that their number \
             biases nothing."
        ),
        Likelihood::Partial => format!(
            "Quasi-maximum likelihood of the data without their {effects} (likelihood `partial`): period effects are \
             demeaned away, and what that does to the score is corrected for afterwards."
        ),
        Likelihood::Direct => format!(
            "Quasi-maximum likelihood in which the {effects} are parameters (likelihood `direct`), without a \
             correction: {}.",
            bias(context)
        ),
    };
    let order = "Spatial lags are taken of the raw data; effects are removed afterwards.";
    format!("{how} {} {order}", reason(context))
}

/// What `direct` costs (methods C.3, C.5 and G.6).
fn bias(context: &Context) -> &'static str {
    match context.plan.problem.fixed_effects {
        FixedEffects::Unit => "the slopes are those of `transform`, sigma2 is too small by the factor (T - 1)/T",
        FixedEffects::Time => "spatial parameters are biased downward by a term of order 1/N",
        _ => "spatial parameters are biased downward by a term of order 1/N, sigma2 by one of order 1/N and 1/T",
    }
}

/// Why this row: asked for, or chosen by the sums of rows.
fn reason(context: &Context) -> String {
    let plan = context.plan;
    if let Some(asked) = context.model.likelihood {
        let word = match asked {
            Likelihood::Transform => "transform",
            Likelihood::Partial => "partial",
            Likelihood::Direct => "direct",
        };
        return format!("The program asks for it: `likelihood: {word}`.");
    }
    if !context.has_time_effects() {
        return "It is the default with unit effects, whatever the weights.".to_string();
    }
    let mut names: Vec<String> = Vec::new();
    for matrix in plan.lag_weights.iter().chain(&plan.error_weights) {
        let name = format!("`{}`", matrix.name);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let even = plan.lag_weights.iter().chain(&plan.error_weights).all(rows_sum_to_one);
    if even {
        format!("It was chosen because every row of {} sums to one.", listed(&names))
    } else {
        format!("It was chosen because not every row of {} sums to one.", listed(&names))
    }
}

/// The concentrated log-likelihood (methods C.3) and its constants.
fn likelihood(context: &Context) -> Vec<String> {
    let fit = context.fit;
    let determinants: Vec<(&str, String)> = [("rho", context.lag_name()), ("lambda", context.error_name())]
        .into_iter()
        .filter_map(|(letter, name)| name.map(|n| (letter, n)))
        .collect();
    let letters: Vec<&str> = determinants.iter().map(|d| d.0).collect();
    let all = letters.join(", ");
    let sum: Vec<String> = determinants.iter().map(|(l, w)| format!("ln|I - {l} {w}|")).collect();
    let bracket = |s: String| if determinants.len() > 1 { format!("({s})") } else { s };
    let mut last = format!("          + m {}", bracket(sum.join(" + ")));
    let (periods, constant) = counts(context);
    if constant > 0 {
        let factors: Vec<String> = letters.iter().map(|l| format!("ln(1 - {l})")).collect();
        last.push_str(&format!(" - c {}", bracket(factors.join(" + "))));
    }
    let m_effective = plain(fit.m_effective);
    let mut constants = format!("M = {m_effective}, m = {periods}");
    if constant > 0 {
        constants.push_str(&format!(", c = {constant}"));
    }
    let mut lines = vec![format!("lnL({all}) = -(M/2) (ln(2 pi) + 1) - (M/2) ln(SSE({all})/M)"), last, constants];
    let sse = format!("SSE({all}): sum of squared residuals of {}, effects removed", filtered(context));
    lines.extend(wrapped_to(LINE - 4, "", 4, &sse));
    lines
}

/// What is regressed on what at given spatial parameters.
fn filtered(context: &Context) -> String {
    let y = context.fit.outcome.as_str();
    match (context.lag_name(), context.error_name()) {
        (Some(w), None) => format!("{y} - rho ({w} {y}) on the regressors"),
        (None, Some(w)) => format!("{y} on the regressors, both filtered by I - lambda {w}"),
        (Some(w), Some(v)) => format!("{y} - rho ({w} {y}) on the regressors, both filtered by I - lambda {v}"),
        (None, None) => format!("{y} on the regressors"),
    }
}

/// m and c of methods C.3.
fn counts(context: &Context) -> (usize, usize) {
    let problem = &context.plan.problem;
    let along = match problem.likelihood {
        Likelihood::Direct => problem.periods,
        _ if context.has_unit_effects() && !context.is_dynamic() => problem.periods.saturating_sub(1),
        _ => problem.periods,
    };
    let transformed = context.has_time_effects() && problem.likelihood == Likelihood::Transform;
    (along, if transformed { along } else { 0 })
}

fn search(context: &Context) -> String {
    let fit = context.fit;
    let rule = match fit.rho_interval_rule.as_deref() {
        Some("eigen") => "bounded by the extreme real eigenvalues of the weights",
        _ => "bounded by the spectral radius of the weights",
    };
    let mut intervals: Vec<String> = Vec::new();
    for (letter, interval) in [("rho", fit.rho_interval), ("lambda", fit.lambda_interval)] {
        if let Some([lo, hi]) = interval {
            intervals.push(format!("{letter} between {} and {}", fixed(lo, 4), fixed(hi, 4)));
        }
    }
    let method = match fit.log_determinant.as_deref() {
        Some("eigen") => "the eigenvalues of the weights".to_string(),
        Some("cholesky") => "sparse Cholesky factors".to_string(),
        Some("lu") => "sparse LU factors".to_string(),
        Some(other) => format!("the method `{other}`"),
        None => "factors".to_string(),
    };
    let slopes = "The slopes and sigma2 = SSE/M follow from it.";
    format!("It is maximized over {}, {rule}; log-determinants come from {method}. {slopes}", listed(&intervals))
}

/// The correction of methods C.5 after `partial`.
fn correction(context: &Context) -> Option<String> {
    let applies = context.has_time_effects() && context.plan.problem.likelihood == Likelihood::Partial;
    applies.then(|| {
        "Estimates are then corrected, theta + m I^-1 a: taking period effects out of data whose filter does not keep \
         constants leaves the score an expectation of -m a, and I is the expected information (Lee and Yu 2010). \
         Coefficients, standard errors and effects are those after the correction."
            .to_string()
    })
}

fn score_adjustment(context: &Context) -> Option<String> {
    context.fit.df_adjust.then(|| {
        "`df_adjust: true`: the score is also adjusted for the number of slopes, whose estimation takes part of it \
         away; likelihood-ratio tests do not apply to such a fit."
            .to_string()
    })
}

/// What M counts, with the numbers.
fn counted_observations(context: &Context) -> String {
    let fit = context.fit;
    let problem = &context.plan.problem;
    let (n, t) = (fit.units, fit.periods);
    let rows = format!("{} rows", count(fit.nobs));
    let m = plain(fit.m_effective);
    if problem.present.is_some() {
        return format!("Of {rows}, M = {m} count: as many as the effects leave.");
    }
    let across = context.has_time_effects() && problem.likelihood == Likelihood::Transform;
    // A dynamic model counts every period it can use (methods C.7).
    let along = context.has_unit_effects() && problem.likelihood != Likelihood::Direct && !context.is_dynamic();
    let (formula, numbers) = match (across, along) {
        (true, true) => ("(N - 1)(T - 1)", format!("{} × {}", n - 1, t - 1)),
        (true, false) => ("(N - 1) T", format!("{} × {t}", n - 1)),
        (false, true) => ("N (T - 1)", format!("{n} × {}", t - 1)),
        (false, false) => ("N T", format!("{n} × {t}")),
    };
    let lost = match (across, along) {
        (true, true) => "each unit's mean and each period's mean take one away",
        (true, false) => "each period's mean takes one away",
        (false, true) => "each unit's mean takes one away",
        (false, false) => "all of them",
    };
    let spatial = if fit.method == "ols" { "" } else { ", spatial parameters" };
    let units = counted(n, "unit", "units");
    let periods = counted(t, "period", "periods");
    format!(
        "Of {rows} ({units} × {periods}), M = {formula} = {numbers} = {m} count: {lost}. The log-likelihood is {} with \
         every constant; AIC counts the slopes{spatial} and sigma2, not the effects; BIC takes ln M.",
        shown(fit.loglik)
    )
}

/// A count that is held as a float.
fn plain(x: f64) -> String {
    if x.fract() == 0.0 { fixed(x, 0) } else { shown(x) }
}
