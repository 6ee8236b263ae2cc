//! Two models of one name, clause by clause.

use super::difference::{changed, values, word};
use crate::check::spec::{ApproachSpec, ColumnKind, EffectErrors, ModelSpec, Spec, WeightsUse};
use crate::estimators::FixedEffects;

/// What differs between them.
pub(super) fn model(name: &str, (a, m): (&Spec, &ModelSpec), (b, n): (&Spec, &ModelSpec), out: &mut Vec<String>) {
    let of = format!("`{name}`");
    let before = out.len();
    let panel = |s: &Spec, m: &ModelSpec| s.panels.get(m.panel).map_or(String::new(), |p| p.name.clone());
    changed(out, &format!("{of}: query"), &m.query, &n.query);
    changed(out, &format!("{of}: panel"), panel(a, m), panel(b, n));
    changed(out, &format!("{of}: outcome"), &m.outcome.text, &n.outcome.text);
    values(out, &format!("{of}: "), &m.outcome, &n.outcome);
    terms(&of, m, n, out);
    changed(out, &format!("{of}: weights"), names(&m.weights), names(&n.weights));
    let one = |w: &Option<WeightsUse>, m: &ModelSpec| match (w, m.weights.first()) {
        (Some(w), Some(first)) if w.name != first.name => w.name.clone(),
        (Some(w), None) => w.name.clone(),
        _ => "the first".to_string(),
    };
    changed(out, &format!("{of}: weights of the lag"), one(&m.lag_weights, m), one(&n.lag_weights, n));
    changed(out, &format!("{of}: weights of the error"), one(&m.error_weights, m), one(&n.error_weights, n));
    changed(out, &format!("{of}: terms with spatial lags"), lagged(m), lagged(n));
    changed(out, &format!("{of}: fixed effects"), effects(m), effects(n));
    changed(out, &format!("{of}: standard errors"), &m.variance_name, &n.variance_name);
    let trends = |m: &ModelSpec| if m.trends { "unit" } else { "none" };
    changed(out, &format!("{of}: trends"), trends(m), trends(n));
    let errors = |m: &ModelSpec| match m.effect_errors {
        EffectErrors::Delta => "delta".to_string(),
        EffectErrors::Simulate { draws } => format!("simulate(draws: {draws})"),
    };
    changed(out, &format!("{of}: errors of effects"), errors(m), errors(n));
    changed(out, &format!("{of}: found by"), approach(m), approach(n));
    let likelihood = |m: &ModelSpec| m.likelihood.map_or("as the matrices allow".to_string(), |l| word(&l));
    changed(out, &format!("{of}: likelihood"), likelihood(m), likelihood(n));
    changed(out, &format!("{of}: `df_adjust`"), m.df_adjust, n.df_adjust);
    changed(out, &format!("{of}: level"), m.level, n.level);
    let rows = |m: &ModelSpec| m.condition.as_ref().map_or("all".to_string(), |c| format!("`{}`", c.text));
    changed(out, &format!("{of}: rows"), rows(m), rows(n));
    if let (Some(x), Some(y)) = (&m.condition, &n.condition) {
        values(out, &format!("{of}: rows "), x, y);
    }
    if out.len() == before && meaning(a, m) != meaning(b, n) {
        out.push(format!("{of} differs in a part this comparison has no words for"));
    }
}

/// A model as text, without places, with what it refers to by name and without the recipes of its matrices, which are
/// compared on their own.
fn meaning(spec: &Spec, model: &ModelSpec) -> Vec<String> {
    let text = format!("{model:#?}");
    let (mut out, mut skipped): (Vec<String>, Option<String>) = (Vec::new(), None);
    let mut last = "";
    for line in text.lines() {
        let field = line.trim_start();
        let indent = &line[..line.len() - field.len()];
        match &skipped {
            Some(end) if line == end => skipped = None,
            Some(_) => {}
            None if field.starts_with("recipe: ") && field.ends_with('{') => skipped = Some(format!("{indent}}},")),
            None if field.ends_with("place: _,") || field == "_," => {}
            None => out.push(referred(spec, last, field).unwrap_or_else(|| line.to_string())),
        }
        last = field;
    }
    out
}

/// The number of a panel, data set or treatment as its name.
fn referred(spec: &Spec, last: &str, field: &str) -> Option<String> {
    let (what, number) = match field.split_once(": ") {
        Some((what, number)) => (what, number),
        None if last.ends_with("Treatment(") || last == "treatment: Some(" => ("treatment", field),
        None => return None,
    };
    let number: usize = number.strip_suffix(',')?.parse().ok()?;
    let name = match what {
        "panel" => &spec.panels.get(number)?.name,
        "data" => &spec.data.get(number)?.rows.name,
        "treatment" => &spec.treatments.get(number)?.name,
        _ => return None,
    };
    Some(format!("{what} {name}"))
}

fn terms(of: &str, m: &ModelSpec, n: &ModelSpec, out: &mut Vec<String>) {
    let kind = |m: &ModelSpec, k: usize| match m.terms[k].value.kind {
        ColumnKind::Treatment(_) => "treatment",
        _ if m.treatment.is_some() => "control",
        _ => "term",
    };
    let text = |m: &ModelSpec, k: usize| m.terms[k].value.text.clone();
    let has = |m: &ModelSpec, t: &str| m.terms.iter().any(|x| x.value.text == t);
    let (gone, new): (Vec<usize>, Vec<usize>) = (
        (0..m.terms.len()).filter(|&k| !has(n, &text(m, k))).collect(),
        (0..n.terms.len()).filter(|&k| !has(m, &text(n, k))).collect(),
    );
    out.extend(gone.iter().map(|&k| format!("{of}: {} `{}` removed", kind(m, k), text(m, k))));
    out.extend(new.iter().map(|&k| format!("{of}: {} `{}` added", kind(n, k), text(n, k))));
    for term in &m.terms {
        if let Some(other) = n.terms.iter().find(|t| t.value.text == term.value.text) {
            values(out, &format!("{of}: "), &term.value, &other.value);
        }
    }
    let order = |m: &ModelSpec| (0..m.terms.len()).map(|k| text(m, k)).collect::<Vec<_>>();
    if gone.is_empty() && new.is_empty() {
        changed(out, &format!("{of}: order of terms"), order(m).join(" + "), order(n).join(" + "));
    }
}

fn names(weights: &[WeightsUse]) -> String {
    let all: Vec<&str> = weights.iter().map(|w| w.name.as_str()).collect();
    if all.is_empty() { "none".to_string() } else { all.join(", ") }
}

fn lagged(m: &ModelSpec) -> String {
    match &m.durbin {
        None => "all".to_string(),
        Some(chosen) => {
            chosen.iter().filter_map(|&k| m.terms.get(k)).map(|t| t.value.text.as_str()).collect::<Vec<_>>().join(", ")
        }
    }
}

/// How the parameters are found.
fn approach(m: &ModelSpec) -> String {
    let texts = |of: Vec<&str>| if of.is_empty() { "none".to_string() } else { of.join(" + ") };
    match &m.approach {
        ApproachSpec::Likelihood => "likelihood or least squares".to_string(),
        ApproachSpec::Instruments { endogenous, instruments } => {
            let own = endogenous.iter().filter_map(|&k| m.terms.get(k)).map(|t| t.value.text.as_str()).collect();
            let by = instruments.iter().map(|t| t.value.text.as_str()).collect();
            format!("two stages, endogenous {}, instruments {}", texts(own), texts(by))
        }
        ApproachSpec::Moments => "moments".to_string(),
        ApproachSpec::Random { effects, mundlak } => {
            let means = if *mundlak { ", with unit means" } else { "" };
            format!("random effects ({}){means}", word(effects))
        }
    }
}

fn effects(m: &ModelSpec) -> String {
    if !m.effects.is_empty() {
        return m.effects.iter().map(|e| e.text.as_str()).collect::<Vec<_>>().join(", ");
    }
    match m.fixed_effects {
        None => "unit and time, where there are periods",
        Some(FixedEffects::None) => "none",
        Some(FixedEffects::Unit) => "unit",
        Some(FixedEffects::Time) => "time",
        Some(FixedEffects::Both) => "unit and time",
    }
    .to_string()
}
