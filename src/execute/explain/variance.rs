//! The variance estimator: its formula, what it allows and what it does not.

use super::{Context, headed, paragraph, shown};
use crate::outcome::{Bootstrapped, Passage, Section};
use crate::report::number::fixed;
use crate::report::words;

/// Methods C.6 for likelihoods, C.11 for least squares.
pub(super) fn section(context: &Context) -> Section {
    let fit = context.fit;
    let (formula, words) = if fit.method == "qml" { of_likelihood(context) } else { of_least_squares(context) };
    // Those of instruments and moments are those of least squares with other columns.
    let (formula, columns) = match fit.method.as_str() {
        "gs2sls" | "2sls" if fit.se_type == "iid" => (Some("V = sigma2 (A*'A*)^-1".to_string()), None),
        "gmm" if fit.se_type == "iid" => {
            (Some("V = sigma2 (Z*'Z*)^-1".to_string()), Some("Z* are the filtered regressors"))
        }
        "gs2sls" | "2sls" => (formula, Some("z are the projected regressors A* of the second stage")),
        "gmm" => (formula, Some("z are the filtered regressors")),
        _ => (formula, None),
    };
    let columns = columns.map_or(String::new(), |c| format!(" In the formula {c}."));
    let mut passages = vec![paragraph(format!("{words}{columns}"))];
    passages.extend(fit.bootstrap.as_ref().map(|b| paragraph(resampled(b))));
    if let Some(formula) = formula {
        passages.push(Passage::Lines(formula.split('\n').map(str::to_string).collect()));
    }
    passages.push(paragraph(reference(context)));
    headed("Standard errors", passages)
}

fn of_least_squares(context: &Context) -> (Option<String>, String) {
    let fit = context.fit;
    let clusters = |by: &str, n: usize| {
        format!(
            "Clustered by {by} ({n} clusters): errors may be correlated in any way within a cluster and have any \
             variance, and are independent between clusters. The factor for small samples counts the effects that \
             are not nested in the clusters.{}",
            few(n)
        )
    };
    match fit.se_type.as_str() {
        "iid" => (
            Some("V = s2 (Z'Z)^-1,  s2 = SSE / (rows - slopes - effects)".to_string()),
            "Errors are taken to be independent and of one variance.".to_string(),
        ),
        "robust" => (
            Some("V = (Z'Z)^-1 [sum of e_it^2 z_it z_it'] (Z'Z)^-1 × rows / (rows - slopes - effects)".to_string()),
            "Robust to unequal variances (HC1); errors are taken to be uncorrelated, over time as well.".to_string(),
        ),
        "cluster(unit)" => (
            Some("V = (Z'Z)^-1 [sum over i of s_i s_i'] (Z'Z)^-1 × factor,  s_i = sum over t of z_it e_it".to_string()),
            clusters("unit", fit.units),
        ),
        "cluster(time)" => (
            Some("V = (Z'Z)^-1 [sum over t of s_t s_t'] (Z'Z)^-1 × factor,  s_t = sum over i of z_it e_it".to_string()),
            clusters("time", fit.periods),
        ),
        "cluster(unit, time)" => (
            Some("V = V(by unit) + V(by time) - V(by observation)".to_string()),
            format!(
                "Clustered by unit and by time: errors may be correlated within a unit over time and between units \
                 of one period.{}",
                few(fit.units.min(fit.periods))
            ),
        ),
        other if other.starts_with("driscoll_kraay") => (
            Some(
                "V = (Z'Z)^-1 [G_0 + sum over l of (1 - l/(L+1)) (G_l + G_l')] (Z'Z)^-1,\n\
                 G_l = sum over t of h_t h_(t-l)',  h_t = sum over i of z_it e_it"
                    .to_string(),
            ),
            format!(
                "{} (Driscoll and Kraay 1998): errors of one period may be related in any way, and those of \
                 different periods up to L periods apart. It rests on many periods, of which there are {}; no \
                 factor for small samples is applied.",
                words::standard_errors(fit),
                fit.periods
            ),
        ),
        other if other.starts_with("conley") => (
            Some(
                "V = (Z'Z)^-1 B (Z'Z)^-1,  B = sum over t, i, k of K(d_ik/h) s_it s_kt'\n\
                 + sum over i and t /= r of (1 - |t - r|/(L+1)) s_it s_ir',  s_it = z_it e_it"
                    .to_string(),
            ),
            format!(
                "{} (Conley 1999): errors of one period may be related up to the cutoff h, errors of one unit \
                 up to as many periods as `lags` says, with weights that fall to zero (Hsiang 2010); errors of \
                 different units in different periods are taken to be unrelated. No factor for small samples is \
                 applied.",
                words::standard_errors(fit)
            ),
        ),
        other if other.starts_with("cluster(") => (
            Some("V = (Z'Z)^-1 [sum over c of s_c s_c'] (Z'Z)^-1 × factor,  s_c = sum over c of z_it e_it".to_string()),
            clusters(&format!("`{}`", &other["cluster(".len()..other.len() - 1]), fit.distribution_df as usize + 1),
        ),
        _ => (None, format!("Standard errors: {}.", words::standard_errors(fit))),
    }
}

fn of_likelihood(context: &Context) -> (Option<String>, String) {
    let fit = context.fit;
    match fit.se_type.as_str() {
        "iid" if fit.random_effects.is_some() => (
            Some("V = H^-1,  H = minus the second derivatives of the log-likelihood".to_string()),
            "Errors and unit effects are taken to be independent, normal and of one variance each; the information is the \
             observed one. Serial correlation beyond the unit effects makes these standard errors too small."
                .to_string(),
        ),
        "iid" => (
            Some("V = I^-1,  I = the expected information".to_string()),
            "Errors are taken to be independent, normal and of one variance. Serial correlation makes these standard \
             errors too small."
                .to_string(),
        ),
        "observed" => (
            Some("V = H^-1,  H = minus the second derivatives of the log-likelihood".to_string()),
            "Errors are taken to be independent, normal and of one variance; the information is the observed one."
                .to_string(),
        ),
        "qml" => (
            Some("V = I^-1 + I^-1 Omega I^-1,  Omega from the fourth moment of the errors".to_string()),
            "Errors are taken to be independent and of one variance, but need not be normal.".to_string(),
        ),
        "cluster(unit)" => (
            Some("V = I^-1 B I^-1 × N/(N - 1),  B = sum over units of the outer products of their scores".to_string()),
            format!(
                "Clustered by unit ({} clusters): errors of a unit may be correlated over time in any way, errors of \
                 different units are independent. The scores of units are martingale differences, averaged over all \
                 orders of the units, so that renaming units changes nothing (Kelejian and Prucha 2001; Yang 2018). \
                 Shocks that neighbors share, beyond what the model's spatial terms take up, are not allowed for.{}",
                fit.units,
                few(fit.units)
            ),
        ),
        _ => (None, format!("Standard errors: {}.", words::standard_errors(fit))),
    }
}

/// What a bootstrap does, in words (methods C.6, C.11).
fn resampled(b: &Bootstrapped) -> String {
    match b.scheme.as_str() {
        "wild_cluster" => format!(
            "p-values come from the wild cluster bootstrap with the null hypothesis imposed (Cameron, Gelbach and Miller \
             2008): for each hypothesis its restricted residuals are flipped cluster by cluster in {} replications \
             (seed {}); p = (1 + replications whose |t| is not below the sample's)/(1 + replications). Intervals hold \
             the values that this test does not reject; standard errors are the clustered ones.",
            b.reps, b.seed
        ),
        scheme => format!(
            "Residuals are resampled {}, outcomes rebuilt from them by the reduced form, and the model estimated again \
             in {} replications (seed {}; {} without an estimate). Residuals are scaled up for what estimated effects \
             took from their variance. Standard errors are standard deviations, intervals percentiles.",
            if scheme == "wild_period" {
                "by drawing whole periods with replacement, each multiplied with one random weight, which keeps what units \
                 of a period share"
            } else {
                "by drawing whole units with replacement, which keeps what a unit shares over time"
            },
            b.reps,
            b.seed,
            b.discarded
        ),
    }
}

/// Fewer than 30 clusters (C.11).
fn few(clusters: usize) -> &'static str {
    if clusters < 30 { " So few clusters make intervals too short." } else { "" }
}

/// The reference distribution, the level, and how effects get theirs.
fn reference(context: &Context) -> String {
    let fit = context.fit;
    let by = match fit.distribution.as_str() {
        "t" if fit.distribution_df.is_finite() => {
            format!("Student's t with {} degrees of freedom", plain(fit.distribution_df))
        }
        _ => "the normal distribution".to_string(),
    };
    let boundary =
        if fit.coefficients.iter().all(|c| c.value.se.is_nan()) { " There are none for this fit." } else { "" };
    let effects = match &fit.simulated {
        Some(s) => format!(
            "Standard errors and intervals of effects are the standard deviation and the percentiles over {} draws of \
             the parameters from the normal distribution around the estimate with variance V (seed {}); draws outside \
             the admissible region are discarded ({} were). The effects shown are those at the estimate.",
            s.draws, s.seed, s.discarded
        ),
        None if fit.bootstrap.is_some() => "Effects get theirs the same way.".to_string(),
        None => "Standard errors of effects follow from V by the delta method.".to_string(),
    };
    if fit.bootstrap.as_ref().is_some_and(|b| b.scheme == "wild_cluster") {
        return format!("Intervals have the level {}. {effects}{boundary}", fit.level);
    }
    format!("Statistics are compared with {by}; intervals have the level {}. {effects}{boundary}", fit.level)
}

fn plain(x: f64) -> String {
    if x.fract() == 0.0 { fixed(x, 0) } else { shown(x) }
}
