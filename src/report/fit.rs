//! A fit on the terminal: header, coefficients, spatial lags, spatial parameters, effects, policy effects, notes.

use super::layout::{Align, Columns, Line, padded, wrapped};
use super::number::{MISSING, count, decimals_for, fixed, in_row, p_value, significant};
use super::words;
use crate::outcome::{Coefficient, Effect, Estimate, Fit, Impact, PolicyEffects, Response, WeightsUsed};

/// A fit as text; `name` is the model's, `source` the query as written.
pub fn text(name: Option<&str>, source: &str, fit: &Fit) -> String {
    let title = words::title(fit);
    let mut out = match name {
        Some(name) => format!("{name}: {title}\n"),
        None => format!("{title}\n"),
    };
    if name != Some(source) {
        out.push_str(&joined(&wrapped("  ", 4, source)));
    }
    out.push('\n');
    out.push_str(&header(fit));
    out.push('\n');
    out.push_str(&statistics(fit));
    out.push('\n');
    let mut columns = estimate_columns(&fit.distribution, fit.level);
    coefficient_lines(&mut columns, fit);
    if shows_effects(fit) {
        effect_lines(&mut columns, &fit.effects);
    }
    if let Some(policy) = &fit.policy_effects {
        policy_lines(&mut columns, policy);
    }
    columns.lines.push(Line::Rule);
    out.push_str(&columns.render(0));
    if fit.policy_effects.is_some() {
        out.push_str(EXPOSED);
    }
    out.push_str(&notes(fit));
    out
}

/// Without weights and lags in time the effects are the coefficients.
pub(super) fn shows_effects(fit: &Fit) -> bool {
    !fit.weights_used.is_empty() || fit.stability.is_some()
}

/// Effects alone, as `effects(m)` prints them.
pub fn effects_text(effects: &[Effect], responses: &[Response], policy: Option<&PolicyEffects>, level: f64) -> String {
    let mut columns = estimate_columns("", level);
    effect_lines(&mut columns, effects);
    response_lines(&mut columns, responses);
    if let Some(policy) = policy {
        policy_lines(&mut columns, policy);
    }
    columns.lines.push(Line::Rule);
    let exposed = if policy.is_some() { EXPOSED } else { "" };
    columns.render(0) + exposed
}

pub(super) fn joined(lines: &[String]) -> String {
    lines.iter().map(|l| format!("{}\n", l.trim_end())).collect()
}

/// `Key             value`, continued under the value.
pub(super) fn field(key: &str, value: &str) -> String {
    joined(&wrapped(&format!("  {}", padded(key, 17, Align::Left)), 19, value))
}

fn header(fit: &Fit) -> String {
    facts(fit).iter().map(|(key, value)| field(key, value)).collect()
}

/// What a fit is of and how it was made: names and what they are.
pub fn facts(fit: &Fit) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut fact = |key: &str, value: String| out.push((key.to_string(), value));
    fact("Outcome", fit.outcome.clone());
    if let Some(treatment) = &fit.treatment {
        fact("Treatment", treatment.clone());
    }
    fact("Panel", fit.panel.clone());
    let periods = match fit.periods {
        1 => format!("{}", fit.first_period),
        _ => format!("{} to {}", fit.first_period, fit.last_period),
    };
    let size = if fit.units * fit.periods == fit.nobs {
        format!("{} units × {} periods = {} ({periods})", count(fit.units), count(fit.periods), count(fit.nobs))
    } else {
        let all = format!("{} units, {} periods ({periods})", count(fit.units), count(fit.periods));
        format!("{} of {all}", count(fit.nobs))
    };
    fact("Observations", size);
    let effects = if fit.fixed_effects.is_empty() { "none".to_string() } else { fit.fixed_effects.join(", ") };
    match &fit.random_effects {
        Some(word) => fact("Unit effects", words::random_effects(word).to_string()),
        None => fact("Fixed effects", effects),
    }
    if let Some(method) = words::method(&fit.method) {
        fact("Method", method.to_string());
    }
    if words::has_likelihood(fit) {
        fact("Likelihood", words::likelihood(fit));
    } else {
        fact("Counted", format!("M = {} observations", fit.m_effective));
    }
    let errors = words::standard_errors(fit);
    let reference = if fit.bootstrap.is_none() && fit.distribution == "t" && fit.distribution_df.is_finite() {
        let degrees = if fit.distribution_df == 1.0 { "degree" } else { "degrees" };
        format!("{errors}; t with {} {degrees} of freedom", fit.distribution_df)
    } else {
        errors
    };
    fact("Standard errors", reference);
    if let Some(factor) = small_sample(fit) {
        fact("Small samples", factor);
    }
    if let Some(s) = &fit.simulated {
        let draws = format!("standard errors and intervals by {} draws, seed {}", count(s.draws), s.seed);
        let gone = if s.discarded > 0 { format!("; {} discarded", count(s.discarded)) } else { String::new() };
        fact("Effects", format!("{draws}{gone}"));
    }
    for (i, w) in fit.weights_used.iter().enumerate() {
        fact(if i == 0 { "Weights" } else { "" }, words::weights_used(w));
    }
    if !fit.converged {
        fact("Converged", format!("no, after {} iterations", fit.iterations));
    }
    out
}

/// The factor for small samples by its rule; that there is none, where one might be expected.
fn small_sample(fit: &Fit) -> Option<String> {
    let Some(s) = &fit.small_sample else {
        let bare = fit.se_type.starts_with("driscoll_kraay") || fit.se_type.starts_with("conley");
        return bare.then(|| "no factor".to_string());
    };
    let mut counts = Vec::new();
    if let Some(k) = s.counted {
        counts.push(format!("n = {}, K = {}", count(s.rows), count(k as usize)));
    }
    counts.extend(s.clusters.map(|g| format!("G = {}", count(g))));
    Some(format!("factor {} = {}, {}", fixed(s.factor, 4), s.rule, counts.join(", ")))
}

/// Fit statistics in two columns, and the admissible intervals of the spatial parameters.
fn statistics(fit: &Fit) -> String {
    let mut out = String::new();
    for [(a, x), (b, y)] in pairs(fit) {
        if !words::has_likelihood(fit) {
            out.push_str(&format!("  {}{}\n", padded(b, 17, Align::Left), padded(&y, 14, Align::Right)));
            continue;
        }
        let left = format!("  {}{}", padded(a, 17, Align::Left), padded(&x, 14, Align::Right));
        out.push_str(&format!("{left}      {}{}\n", padded(b, 12, Align::Left), padded(&y, 12, Align::Right)));
    }
    out + &parameters(fit).iter().map(|(key, value)| field(key, value)).collect::<String>()
}

/// The statistics and what is admissible, as facts of a document.
pub fn statistic_facts(fit: &Fit) -> Vec<(String, String)> {
    let named = |(key, value): (&str, String)| (key.to_string(), value);
    let told = |(key, _): &(&str, String)| words::has_likelihood(fit) || !OF_LIKELIHOOD.contains(key);
    pairs(fit).into_iter().flatten().filter(told).map(named).chain(parameters(fit)).collect()
}

/// Statistics that an estimator without a likelihood does not have.
const OF_LIKELIHOOD: [&str; 3] = ["Log-likelihood", "AIC", "BIC"];

/// Fit statistics, two beside each other.
fn pairs(fit: &Fit) -> [[(&'static str, String); 2]; 3] {
    [
        [("Log-likelihood", fixed(fit.loglik, 4)), ("sigma2", significant(fit.sigma2, 6))],
        [("AIC", fixed(fit.aic, 4)), ("R2", fixed(fit.r2, 4))],
        [("BIC", fixed(fit.bic, 4)), ("R2 within", fixed(fit.r2_within, 4))],
    ]
}

/// Variances of random effects, spatial parameters with their admissible intervals, the strength of instruments, and the
/// stability of a dynamic model.
fn parameters(fit: &Fit) -> Vec<(String, String)> {
    let mut out = Vec::new();
    if let Some(variance) = fit.sigma2_unit {
        let share = variance / (variance + fit.sigma2);
        let value = format!("{}, {} of both variances", significant(variance, 6), fixed(share, 4));
        out.push(("sigma2 of units".to_string(), value));
    }
    if let Some(r) = &fit.mundlak {
        let p = equation(p_value(r.p).trim());
        let value = format!("unit means of the terms: chi-squared({}) = {}, p {p}", r.df, fixed(r.statistic, 2));
        out.push(("Mundlak".to_string(), value));
    }
    let intervals = [("rho", fit.rho_interval), ("lambda", fit.lambda_interval)];
    for (name, interval) in intervals {
        let Some([lo, hi]) = interval else { continue };
        let Some(c) = fit.coefficients.iter().find(|c| c.term == name) else { continue };
        let value = format!("{}, admissible between {} and {}", fixed(c.value.estimate, 4), fixed(lo, 4), fixed(hi, 4));
        out.push((name.to_string(), value));
    }
    out.extend(first_stage(fit));
    out.extend(stability(fit).map(|value| ("Stability".to_string(), value)));
    out
}

/// The head of every table of estimates: `z` or `t` by the reference distribution.
fn estimate_columns(distribution: &str, level: f64) -> Columns {
    let statistic = match distribution {
        "t" => "t",
        "normal" => "z",
        _ => "z or t",
    };
    let percent = significant(100.0 * level, 3);
    let percent = if percent.contains('.') { percent.trim_end_matches('0').trim_end_matches('.') } else { &percent };
    let mut columns = Columns { lines: vec![Line::Rule], left: vec![] };
    let interval = format!("{percent} % interval ");
    columns.cells(["", "Estimate", "Std. error", statistic, "p", &interval].map(String::from).to_vec());
    columns.lines.push(Line::Rule);
    columns
}

fn estimate_line(columns: &mut Columns, label: String, e: &Estimate) {
    let d = decimals_for(e.estimate, e.se);
    let [lo, hi] = e.ci.map(|x| in_row(x, d));
    let interval = match (lo.as_str(), hi.as_str()) {
        (MISSING, MISSING) => MISSING.to_string(),
        _ => format!("[{}, {}]", padded(&lo, 7, Align::Right), padded(&hi, 7, Align::Right)),
    };
    let statistic = if e.statistic.abs() >= 1e4 { significant(e.statistic, 3) } else { fixed(e.statistic, 2) };
    columns.cells(vec![label, in_row(e.estimate, d), in_row(e.se, d), statistic, p_value(e.p), interval]);
}

fn coefficient_lines(columns: &mut Columns, fit: &Fit) {
    let blocks = Blocks::of(fit);
    let mut block = |heading: String, list: &[(String, &Coefficient)]| {
        if list.is_empty() {
            return;
        }
        columns.heading(heading);
        for (label, c) in list {
            estimate_line(columns, format!("  {label}"), &c.value);
        }
    };
    block("Coefficients".to_string(), &blocks.own);
    for (weights, lags) in &blocks.lags {
        block(format!("Spatial lags: {weights} @ x"), lags);
    }
    block("Spatial parameters".to_string(), &blocks.spatial);
}

/// The coefficients of a fit, sorted as a report shows them.
pub(super) struct Blocks<'a> {
    pub own: Vec<(String, &'a Coefficient)>,
    /// By matrix, in the order of the coefficients; labels without the matrix.
    pub lags: Vec<(String, Vec<(String, &'a Coefficient)>)>,
    pub spatial: Vec<(String, &'a Coefficient)>,
}

impl<'a> Blocks<'a> {
    pub fn of(fit: &'a Fit) -> Blocks<'a> {
        let mut blocks = Blocks { own: vec![], lags: vec![], spatial: vec![] };
        for c in &fit.coefficients {
            match lag_of(fit, &c.term) {
                Some((weights, x)) => match blocks.lags.iter_mut().find(|(w, _)| w == weights) {
                    Some((_, list)) => list.push((x.to_string(), c)),
                    None => blocks.lags.push((weights.to_string(), vec![(x.to_string(), c)])),
                },
                None if is_spatial(fit, &c.term) => blocks.spatial.push((c.term.clone(), c)),
                None => blocks.own.push((c.term.clone(), c)),
            }
        }
        blocks
    }
}

/// A regressor may be called `rho`; the parameter stands where the model has one.
fn is_spatial(fit: &Fit, term: &str) -> bool {
    match term {
        "rho" => matches!(fit.model.as_str(), "sar" | "sdm" | "sac" | "gns"),
        "lambda" => matches!(fit.model.as_str(), "sem" | "sdem" | "sac" | "gns"),
        _ => false,
    }
}

/// A spatial lag's matrix and regressor, where the matrix is one the fit uses.
fn lag_of<'a>(fit: &Fit, term: &'a str) -> Option<(&'a str, &'a str)> {
    let split = |w: &WeightsUsed| {
        let x = term.strip_prefix(w.name.as_str())?.strip_prefix(" @ ")?;
        Some((&term[..w.name.len()], x))
    };
    // Of `A` and `A @ B` the longer is meant.
    fit.weights_used.iter().filter_map(split).max_by_key(|(w, _)| w.len())
}

fn effect_lines(columns: &mut Columns, effects: &[Effect]) {
    if effects.is_empty() {
        return;
    }
    let is_dynamic = effects.iter().any(|e| e.long_run.is_some());
    let run = if is_dynamic { " of the short run" } else { "" };
    columns.heading(format!("Effects{run}, averaged over units"));
    for e in effects {
        columns.heading(format!("  {}", e.term));
        impact_lines(columns, [&e.direct, &e.indirect, &e.total]);
    }
    if is_dynamic {
        columns.heading("Effects of the long run, averaged over units");
        for (term, e) in effects.iter().filter_map(|e| Some((&e.term, e.long_run.as_ref()?))) {
            columns.heading(format!("  {term}"));
            impact_lines(columns, [&e.direct, &e.indirect, &e.total]);
        }
    }
}

/// One of the two responses.
type PartOf = fn(&Response) -> &Impact;

/// Responses term by term and horizon by horizon.
fn response_lines(columns: &mut Columns, responses: &[Response]) {
    let kinds: [(&str, PartOf); 2] =
        [("an impulse of one period", |r| &r.impulse), ("a permanent change", |r| &r.cumulated)];
    for (kind, of) in kinds.into_iter().filter(|_| !responses.is_empty()) {
        columns.heading(format!("Responses to {kind}"));
        for r in responses {
            columns.heading(format!("  {}, after {}", r.term, crate::fault::counted(r.horizon, "period", "periods")));
            let Impact { direct, indirect, total } = of(r);
            impact_lines(columns, [direct, indirect, total]);
        }
    }
}

fn impact_lines(columns: &mut Columns, parts: [&Estimate; 3]) {
    for (label, e) in ["direct", "indirect", "total"].into_iter().zip(parts) {
        estimate_line(columns, format!("    {label}"), e);
    }
}

/// The strength of instruments, one line for each endogenous variable, and the test that they agree.
fn first_stage(fit: &Fit) -> Vec<(String, String)> {
    let Some(first) = &fit.first_stage else { return Vec::new() };
    let mut out = Vec::new();
    for (i, s) in first.endogenous.iter().enumerate() {
        let of = if s.term == "rho" { format!("lag of {}", fit.outcome) } else { s.term.clone() };
        let treatment = match (s.treatment_f, &fit.treatment) {
            (Some(f), Some(t)) => format!("; lags of {t} alone: F = {}", fixed(f, 2)),
            _ => String::new(),
        };
        let [k, df] = s.df.map(|d| fixed(d, 0));
        let value = format!("{of}: F({k}, {df}) = {}, partial R2 {}{treatment}", fixed(s.f, 2), fixed(s.partial_r2, 4));
        out.push((if i == 0 { "First stage" } else { "" }.to_string(), value));
    }
    if first.endogenous.len() > 1 {
        out.push((String::new(), format!("weakest direction {} (Cragg and Donald)", fixed(first.weakest, 2))));
    }
    let dropped = match first.dropped {
        0 => String::new(),
        n => format!(", {n} left out as combinations of others"),
    };
    let own = if first.excluded == 1 { "is no regressor" } else { "are no regressors" };
    out.push(("Instruments".to_string(), format!("{} that {own}{dropped}", first.excluded)));
    if let Some(r) = &first.overidentification {
        let p = equation(p_value(r.p).trim());
        let value = format!("chi-squared({}) = {}, p {p} (Sargan, under iid errors)", r.df, fixed(r.statistic, 2));
        out.push(("Overidentified".to_string(), value));
    }
    out
}

/// Roots of a dynamic model, and the test of a unit root.
fn stability(fit: &Fit) -> Option<String> {
    let s = fit.stability.as_ref()?;
    let sum = if is_lagged(fit) { "tau + rho + eta" } else { "tau + eta" };
    Some(format!(
        "largest root {}; {sum} = {} ({}), equal to one: chi-squared(1) = {}, p {}",
        fixed(s.largest_root, 4),
        fixed(s.sum.estimate, 4),
        fixed(s.sum.se, 4),
        fixed(s.unit_root.statistic, 2),
        equation(p_value(s.unit_root.p).trim())
    ))
}

/// `= 0.031`, `< 0.001`.
fn equation(p: &str) -> String {
    p.strip_prefix('<').map_or_else(|| format!("= {p}"), |bound| format!("< {bound}"))
}

fn is_lagged(fit: &Fit) -> bool {
    fit.lag_weights.is_some()
}

/// The policy effects with plain labels and how many unit-periods each averages over (methods D.4).
pub(super) fn policy_rows(p: &PolicyEffects) -> [(&'static str, &Estimate, Option<usize>); 6] {
    [
        ("direct, on the treated", &p.direct_on_treated, Some(p.treated_cells)),
        ("indirect, on the treated", &p.indirect_on_treated, Some(p.treated_cells)),
        ("total, on the treated", &p.total_on_treated, Some(p.treated_cells)),
        ("indirect, on the untreated", &p.indirect_on_untreated, Some(p.untreated_cells)),
        ("indirect, on the exposed", &p.indirect_on_exposed, Some(p.exposed_cells)),
        ("aggregate, summed over all", &p.aggregate, None),
    ]
}

fn policy_lines(columns: &mut Columns, p: &PolicyEffects) {
    columns.heading("Policy effects, averaged over (n) unit-periods");
    for (label, e, cells) in policy_rows(p) {
        let n = cells.map_or(String::new(), |n| format!(" ({})", count(n)));
        estimate_line(columns, format!("  {label}{n}"), e);
    }
}

fn notes(fit: &Fit) -> String {
    remarks(fit).iter().map(|text| joined(&wrapped("Note: ", 6, text))).collect()
}

/// Rows left out and why, then what was decided.
pub(super) fn remarks(fit: &Fit) -> Vec<String> {
    let mut out = Vec::new();
    for d in fit.dropped.iter().filter(|d| d.rows > 0) {
        let mut text = format!("{} rows left out: {}", count(d.rows), d.reason);
        if let Some(units) = &d.units {
            text.push_str(&format!(" ({})", crate::fault::quoted_list(units)));
        }
        if let Some(detail) = &d.detail {
            text.push_str(&format!("; {detail}"));
        }
        out.push(text);
    }
    out.extend(fit.notes.iter().cloned());
    out
}

/// What `exposed` means beneath a block of policy effects.
const EXPOSED: &str = "Exposed: untreated unit-periods with a treated neighbor.\n";
