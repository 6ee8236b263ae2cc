//! Estimates that are not of a likelihood with fixed effects: instruments, moments (methods C.9), or
//! with random unit effects (C.10).

use super::{Context, listed, paragraph, shown};
use crate::estimators::FixedEffects;
use crate::fault::counted;
use crate::outcome::{FirstStage, Passage};
use crate::report::number::{count, fixed, p_value};

/// Spatial two-stage least squares: what is endogenous, by what it is explained, and how well.
pub(super) fn instruments(context: &Context) -> Vec<Passage> {
    let mut out = vec![paragraph(stages(context))];
    if context.family().has_error() {
        out.push(paragraph(
            "The residuals of that give lambda by the moments of Kelejian and Prucha (1999); outcome and regressors are \
             then filtered by I - lambda W and the second stage is repeated (Kelejian and Prucha 1998). lambda has no \
             standard error.",
        ));
    }
    if let Some(first) = &context.fit.first_stage {
        out.push(paragraph(strength(first)));
    }
    out.push(paragraph(counted_rows(context)));
    out
}

fn stages(context: &Context) -> String {
    let fit = context.fit;
    let first = fit.first_stage.as_ref();
    let y = fit.outcome.as_str();
    let names: Vec<String> = first
        .iter()
        .flat_map(|f| &f.endogenous)
        .map(|s| match (s.term.as_str(), context.lag_name()) {
            ("rho", Some(w)) => format!("({w} {y})"),
            (term, _) => term.to_string(),
        })
        .collect();
    let instruments = match context.lag_name() {
        Some(w) => format!(
            "the regressors that are not, the instruments given, and their spatial lags {w} and {w}² (with spatial lags \
             among the regressors up to {w}³)"
        ),
        None => "the regressors that are not and the instruments given".to_string(),
    };
    let removed = match context.plan.problem.fixed_effects {
        FixedEffects::None => "",
        _ => " Lags are taken of the raw data; effects are removed afterwards.",
    };
    format!(
        "Two-stage least squares. {} {} endogenous; what stands in for {} is the projection on {instruments}.{removed} \
         With A the regressors and A* their projections, the estimate is (A*'A)^-1 A*'{y}.",
        listed(&names),
        if names.len() == 1 { "is" } else { "are" },
        if names.len() == 1 { "it" } else { "them" },
    )
}

fn strength(first: &FirstStage) -> String {
    let of = |s: &crate::outcome::Strength| {
        format!("F({}, {}) = {} for {}", fixed(s.df[0], 0), fixed(s.df[1], 0), fixed(s.f, 2), s.term)
    };
    let each: Vec<String> = first.endogenous.iter().map(of).collect();
    let weakest = if each.len() > 1 {
        format!(" Together the weakest direction has {} (Cragg and Donald 1993).", fixed(first.weakest, 2))
    } else {
        String::new()
    };
    let dropped = match first.dropped {
        0 => String::new(),
        n => format!(" {} left out as combinations of others.", counted(n, "instrument was", "instruments were")),
    };
    let over = first.overidentification.as_ref().map_or(String::new(), |r| {
        format!(
            " Sargan's test that they agree, valid under independent errors of one variance: chi-squared({}) = {}, p {}.",
            r.df,
            fixed(r.statistic, 2),
            p_value(r.p).trim()
        )
    });
    let (verb, explain) =
        if first.excluded == 1 { ("is no regressor", "explains") } else { ("are no regressors", "explain") };
    format!(
        "{} that {verb} {explain} what is endogenous with {}; an F below 10 is that of weak \
         instruments.{weakest}{dropped}{over}",
        counted(first.excluded, "instrument", "instruments"),
        listed(&each),
    )
}

/// Random unit effects by maximum likelihood.
pub(super) fn random(context: &Context) -> Vec<Passage> {
    let fit = context.fit;
    let mut parameters: Vec<String> = Vec::new();
    parameters.extend(context.lag_name().map(|_| "rho".to_string()));
    parameters.extend(context.error_name().map(|_| "lambda".to_string()));
    parameters.push("the share of the unit effects in the variance".to_string());
    let place = match (fit.random_effects.as_deref(), context.error_name()) {
        (Some("kkp"), Some(w)) => format!(
            " They stand inside of the spatial error, mu_i + e_it = u_it - lambda ({w} u)_it (Kapoor, Kelejian and Prucha \
             2007): neighbors share them as they share the errors."
        ),
        (Some("baltagi"), Some(w)) => format!(
            " They stand outside of the spatial error, e_it = u_it - lambda ({w} u)_it (Baltagi, Song and Koh 2003): \
             neighbors share the errors, not the unit effects."
        ),
        _ => String::new(),
    };
    let variance = fit.sigma2_unit.unwrap_or(f64::NAN);
    let mut out = vec![
        paragraph(format!(
            "Maximum likelihood with random effects of units: mu_i is drawn with variance {}, e_it with {}, and both are \
             integrated out.{place} Means of units count as much as differences over time wherever the variances say so: \
             with sigma2 = s2, phi2 = s2/(T s2(mu) + s2) = {}, values less 1 - phi of their unit's mean are regressed.",
            shown(variance),
            shown(fit.sigma2),
            shown(fit.sigma2 / (fit.periods as f64 * variance + fit.sigma2)),
        )),
        paragraph(format!(
            "The likelihood is maximized over {} from several starts, every log-determinant exact; slopes and sigma2 follow. \
             All {} observations count; the log-likelihood is {} with every constant, and AIC counts both variances.",
            listed(&parameters),
            count(fit.nobs),
            shown(fit.loglik)
        )),
    ];
    if let Some(r) = &fit.mundlak {
        out.push(paragraph(format!(
            "Unit means of the terms are among the regressors (Mundlak 1978): the coefficients of the terms are then those \
             of changes within units. That the means do not matter has chi-squared({}) = {}, p {}; if they do, random \
             effects without them are biased.",
            r.df,
            fixed(r.statistic, 2),
            p_value(r.p).trim()
        )));
    }
    out
}

/// The spatial error by moments.
pub(super) fn moments(context: &Context) -> Vec<Passage> {
    let w = context.error_name().unwrap_or_else(|| "W".to_string());
    let shares = if context.has_time_effects() {
        "their expectations are those of errors from which period means were taken"
    } else {
        "for normal errors and others alike"
    };
    vec![
        paragraph(format!(
            "Generalized moments (Kelejian and Prucha 1999): least-squares residuals u give lambda, with e = u - lambda \
             {w} u, by the three moments of e'e, ({w} e)'({w} e) and ({w} e)'e, unweighted; {shares}."
        )),
        paragraph(format!(
            "Outcome and regressors are then filtered by I - lambda {w} and the slopes are those of least squares of the \
             filtered data. lambda has no standard error; those of the slopes take it as given."
        )),
        paragraph(counted_rows(context)),
    ]
}

fn counted_rows(context: &Context) -> String {
    let fit = context.fit;
    format!(
        "sigma2 = SSE/M with M = {} of {} rows. There is no likelihood, hence no information criterion.",
        if fit.m_effective.fract() == 0.0 { fixed(fit.m_effective, 0) } else { shown(fit.m_effective) },
        count(fit.nobs)
    )
}
