//! Models, likelihoods and standard errors in words, as a methods section names them.

use super::number::count;
use crate::fault::counted;
use crate::outcome::{Bootstrapped, Fit, WeightsUsed};

/// The model family in words (methods C.1).
pub fn model(name: &str) -> &str {
    match name {
        "ols" => "Linear model",
        "slx" => "Spatial lag of X model",
        "sar" => "Spatial autoregressive model",
        "sem" => "Spatial error model",
        "sdm" => "Spatial Durbin model",
        "sdem" => "Spatial Durbin error model",
        "sac" => "Spatial autoregressive model with spatial errors",
        "gns" => "General nesting spatial model",
        other => other,
    }
}

/// Whether a fit is of a query that ends in `did`.
pub fn is_did(fit: &Fit) -> bool {
    fit.query == "did" || fit.query.ends_with("_did")
}

/// `Spatial Durbin model, difference-in-differences`.
pub fn title(fit: &Fit) -> String {
    if !is_did(fit) {
        return model(&fit.model).to_string();
    }
    let base = if fit.model == "ols" { "Two-way fixed effects" } else { model(&fit.model) };
    format!("{base}, difference-in-differences")
}

/// The short name of a table's `Model` row: `SDM-DiD`.
pub fn short(fit: &Fit) -> String {
    match (is_did(fit), fit.model.as_str()) {
        (true, "ols") => "DiD".to_string(),
        (true, m) => format!("{}-DiD", m.to_uppercase()),
        (false, m) => m.to_uppercase(),
    }
}

/// The method in words; nothing for quasi-maximum likelihood, whose line is the likelihood's.
pub fn method(name: &str) -> Option<&str> {
    match name {
        "qml" => None,
        "ols" => Some("least squares"),
        "gs2sls" => Some("spatial two-stage least squares"),
        "2sls" => Some("two-stage least squares"),
        "gmm" => Some("generalized method of moments"),
        other => Some(other),
    }
}

/// Random unit effects in words.
pub fn random_effects(word: &str) -> &'static str {
    match word {
        "kkp" => "random, inside of the spatial error (Kapoor, Kelejian and Prucha)",
        "baltagi" => "random, outside of the spatial error (Baltagi, Song and Koh)",
        _ => "random",
    }
}

/// How fixed effects entered, and how many observations count.
pub fn likelihood(fit: &Fit) -> String {
    let how = match fit.likelihood.as_str() {
        "transform" => "transformed (fixed effects removed by an orthonormal transformation)",
        "partial" => "partial (unit effects transformed out, time effects corrected for)",
        "direct" => "direct (fixed effects as parameters, no correction)",
        other => other,
    };
    let how = match (&fit.stability, fit.likelihood.as_str()) {
        (Some(s), "transform") if s.bias_corrected => {
            "time effects transformed out, the bias of lags of the outcome corrected"
        }
        (Some(s), "partial") if s.bias_corrected => "the bias of time effects and of lags of the outcome corrected",
        (Some(_), "transform" | "partial") if fit.fixed_effects.iter().any(|e| e == "unit") => {
            "the bias of lags of the outcome not corrected"
        }
        _ => how,
    };
    if fit.random_effects.is_some() {
        return format!("of all observations, unit effects integrated out, M = {}", fit.m_effective);
    }
    let how = if fit.fixed_effects.is_empty() { "of all observations (no fixed effects)" } else { how };
    if fit.m_effective.is_finite() { format!("{how}, M = {}", fit.m_effective) } else { how.to_string() }
}

/// Whether a fit maximizes or reports a likelihood.
pub fn has_likelihood(fit: &Fit) -> bool {
    matches!(fit.method.as_str(), "qml" | "ols")
}

/// Standard errors in words; likelihood models and least squares mean different things by `iid`.
pub fn standard_errors(fit: &Fit) -> String {
    let least_squares = fit.method != "qml";
    if let Some(b) = &fit.bootstrap {
        return bootstrap(fit, b);
    }
    match fit.se_type.as_str() {
        "iid" if least_squares => "iid".to_string(),
        "iid" if fit.random_effects.is_some() => "iid (observed information)".to_string(),
        "iid" => "iid (expected information)".to_string(),
        "observed" => "observed information".to_string(),
        "qml" => "quasi-maximum likelihood sandwich".to_string(),
        "robust" => "robust to heteroskedasticity".to_string(),
        other if other.starts_with("driscoll_kraay(") => format!("Driscoll–Kraay, {}", inside(other)),
        other if other.starts_with("conley(") => format!("Conley, {}", inside(other)),
        other => match other.strip_prefix("cluster(").and_then(|r| r.strip_suffix(')')) {
            Some(by) => format!("clustered by {}", by.replace(", ", " and ")),
            None => other.to_string(),
        },
    }
}

/// A bootstrap in words, with what it was drawn from.
fn bootstrap(fit: &Fit, b: &Bootstrapped) -> String {
    let drawn = format!("{} replications, seed {}", count(b.reps), b.seed);
    let gone = if b.discarded > 0 { format!(", {} without an estimate", count(b.discarded)) } else { String::new() };
    let weights = b.weights.as_deref().map_or(String::new(), |w| match w {
        "webb" => "Webb weights, ".to_string(),
        _ => "Rademacher weights, ".to_string(),
    });
    match b.scheme.as_str() {
        "wild_cluster" => {
            let by = fit.se_type.strip_prefix("wild(cluster: ").and_then(|r| r.split(',').next()).unwrap_or("unit");
            let clusters = b.clusters.map_or(String::new(), |g| format!(" ({})", counted(g, "cluster", "clusters")));
            format!(
                "clustered by {by}{clusters}; p-values and intervals by the wild bootstrap, null imposed ({weights}{drawn})"
            )
        }
        "wild_period" => format!("residual bootstrap, periods drawn and flipped ({weights}{drawn}{gone})"),
        _ => format!("residual bootstrap, units drawn ({drawn}{gone})"),
    }
}

/// The arguments of a variance estimator in words.
fn inside(name: &str) -> String {
    let arguments = name.split_once('(').map_or("", |(_, rest)| rest.trim_end_matches(')'));
    let of = |part: &str| match part.split_once(": ") {
        Some(("lags", n)) => counted(n.parse().unwrap_or(0), "lag", "lags"),
        Some(("kernel", word)) => format!("{word} kernel"),
        _ => match part.parse::<usize>() {
            Ok(n) => counted(n, "lag", "lags"),
            Err(_) => format!("cutoff {part}"),
        },
    };
    arguments.split(", ").map(of).collect::<Vec<String>>().join(", ")
}

/// A scaling in words: `row-standardized`.
pub fn scaling(word: &str) -> String {
    match word {
        "row" => "row-standardized".to_string(),
        "spectral" => "scaled by the spectral radius".to_string(),
        "minmax" => "scaled by min-max".to_string(),
        "none" => "not scaled".to_string(),
        other => other.to_string(),
    }
}

/// `no islands`, `1 island ("Hawaii")`, the first five names.
pub fn islands(names: &[String]) -> String {
    if names.is_empty() {
        return "no islands".to_string();
    }
    format!("{} ({})", counted(names.len(), "island", "islands"), crate::fault::quoted_list(names))
}

/// One matrix of a fit: `C: 214 links, row-standardized, no islands`.
pub fn weights_used(w: &WeightsUsed) -> String {
    let links = format!("{} {}", count(w.links), if w.links == 1 { "link" } else { "links" });
    format!("{}: {links}, {}, {}", w.name, scaling(&w.scaling), islands(&w.islands))
}
