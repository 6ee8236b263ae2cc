//! What differs between two specs as analyses: settings, data, panels, treatments, matrices, models, in words.

use super::models::model;
use crate::check::spec::{
    Column, ColumnKind, ModelSpec, Output, PanelSpec, PanelStep, RowSource, Spec, StepKind, TestQuery, TreatmentRule,
    WeightsExpr, WeightsKind, WeightsUse,
};
use indexmap::IndexMap;
use std::fmt::Display;
use std::sync::Arc;

/// Every difference, in the order of a program. Empty where both mean the same.
pub fn differences(a: &Spec, b: &Spec) -> Vec<String> {
    let mut out = Vec::new();
    let (s, t) = (&a.settings, &b.settings);
    changed(&mut out, "`seed`", s.seed, t.seed);
    changed(&mut out, "`level`", s.level, t.level);
    changed(&mut out, "`draws`", s.draws, t.draws);
    changed(&mut out, "`digits` of tables", s.digits, t.digits);
    panels(a, b, &mut out);
    treatments(a, b, &mut out);
    matrices(a, b, &mut out);
    models(a, b, &mut out);
    outputs(a, b, &mut out);
    if out.is_empty() && a.shown() != b.shown() {
        out.push("the programs differ in something this comparison has no words for".to_string());
    }
    out
}

/// `what` from → to, where they differ.
pub(super) fn changed<T: PartialEq + Display>(out: &mut Vec<String>, what: &str, from: T, to: T) {
    if from != to {
        out.push(format!("{what} {from} → {to}"));
    }
}

/// The numbers and texts behind the names of two expressions that read alike, where they differ.
pub(super) fn values(out: &mut Vec<String>, before: &str, a: &Column, b: &Column) {
    if a.text != b.text {
        return;
    }
    let of = |column: &Column| {
        let mut all = Vec::new();
        column.visit(&mut |part| match &part.kind {
            ColumnKind::Number(x) => all.push(x.to_string()),
            ColumnKind::Text(text) => all.push(format!("\"{text}\"")),
            _ => {}
        });
        all
    };
    let (x, y) = (of(a), of(b));
    let paired = x.len() == y.len();
    let moved = |(k, own): (usize, &String), other: &[String]| (!paired || own != &other[k]).then(|| own.clone());
    let from: Vec<String> = x.iter().enumerate().filter_map(|v| moved(v, &y)).collect();
    let to: Vec<String> = y.iter().enumerate().filter_map(|v| moved(v, &x)).collect();
    changed(out, &format!("{before}`{}` with", a.text), from.join(", "), to.join(", "));
}

/// Pairs by name: those of both, and `word` for those of one.
fn paired<'s, T>(
    a: &'s IndexMap<String, T>,
    b: &'s IndexMap<String, T>,
    word: &str,
    out: &mut Vec<String>,
) -> Vec<(&'s String, &'s T, &'s T)> {
    let both = a.iter().filter_map(|(name, x)| b.get(name).map(|y| (name, x, y))).collect();
    let only = |x: &IndexMap<String, T>, y: &IndexMap<String, T>| -> Vec<String> {
        x.keys().filter(|n| !y.contains_key(*n)).cloned().collect()
    };
    out.extend(only(a, b).iter().map(|n| format!("{word} `{n}` removed")));
    out.extend(only(b, a).iter().map(|n| format!("{word} `{n}` added")));
    both
}

fn panels(a: &Spec, b: &Spec, out: &mut Vec<String>) {
    let by_name = |s: &Spec| -> IndexMap<String, (PanelSpec, Vec<String>)> {
        let data = s.data.iter().map(|d| (d.rows.name.clone(), (d.rows.clone(), d.keys.clone())));
        data.chain(s.panels.iter().map(|p| (p.name.clone(), (p.clone(), Vec::new())))).collect()
    };
    let (x, y) = (by_name(a), by_name(b));
    for (name, (p, keys), (q, other)) in paired(&x, &y, "panel", out) {
        let of = format!("`{name}`");
        changed(out, &format!("source of {of}"), source(a, &p.source), source(b, &q.source));
        changed(out, &format!("keys of {of}"), keys.join(", "), other.join(", "));
        changed(out, &format!("unit of {of}"), &p.unit, &q.unit);
        changed(out, &format!("time of {of}"), &p.time, &q.time);
        let joins = |s: &Spec, p: &PanelSpec| -> IndexMap<String, String> {
            let one = |j: &crate::check::spec::JoinSpec| {
                let optional = if j.optional { " optional" } else { "" };
                (source(s, &j.source), format!("{}{optional}", j.by.join(", ")))
            };
            p.joins.iter().map(one).collect()
        };
        let (j, k) = (joins(a, p), joins(b, q));
        for (file, by, now) in paired(&j, &k, &format!("in {of}, join"), out) {
            changed(out, &format!("in {of}, `{file}` is joined by"), by, now);
        }
        let coords = |p: &PanelSpec| {
            p.coords.as_ref().map_or("none".to_string(), |c| {
                format!("{}, {}{}", c.lon, c.lat, if c.planar { " planar" } else { "" })
            })
        };
        changed(out, &format!("coordinates of {of}"), coords(p), coords(q));
        derived(&of, p, q, out);
        changed(out, &format!("missing values of {of}:"), word(&p.missing), word(&q.missing));
        changed(out, &format!("gaps of {of}:"), word(&p.balance), word(&q.balance));
        changed(out, &format!("markers of missing values of {of}"), p.markers.join(", "), q.markers.join(", "));
    }
}

/// `let` and `where` of a panel.
fn derived(of: &str, p: &PanelSpec, q: &PanelSpec, out: &mut Vec<String>) {
    let lets = |p: &PanelSpec| -> IndexMap<String, Column> {
        let one = |s: &PanelStep| match s {
            PanelStep::Let { name, value } => Some((name.clone(), value.clone())),
            PanelStep::Where { .. } => None,
        };
        p.steps.iter().filter_map(one).collect()
    };
    let (x, y) = (lets(p), lets(q));
    for (name, from, to) in paired(&x, &y, &format!("in {of}, column"), out) {
        changed(out, &format!("in {of}, `{name}` ="), &from.text, &to.text);
        values(out, &format!("in {of}, `{name}` = "), from, to);
    }
    let wheres = |p: &PanelSpec| -> IndexMap<String, Column> {
        let one = |s: &PanelStep| match s {
            PanelStep::Where { condition } => Some((condition.text.clone(), condition.clone())),
            PanelStep::Let { .. } => None,
        };
        p.steps.iter().filter_map(one).collect()
    };
    let (x, y) = (wheres(p), wheres(q));
    out.extend(x.keys().filter(|c| !y.contains_key(*c)).map(|c| format!("{of} no longer keeps `{c}` alone")));
    out.extend(y.keys().filter(|c| !x.contains_key(*c)).map(|c| format!("{of} keeps `{c}` alone")));
    for (text, from) in &x {
        y.get(text).into_iter().for_each(|to| values(out, &format!("rows of {of}: "), from, to));
    }
}

fn source(spec: &Spec, source: &RowSource) -> String {
    match source {
        RowSource::File(path) => path.clone(),
        RowSource::Panel(p) => spec.panels.get(*p).map_or(String::new(), |p| p.name.clone()),
        RowSource::Data(d) => spec.data.get(*d).map_or(String::new(), |d| d.rows.name.clone()),
    }
}

/// The word of a policy.
pub(super) fn word(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}").to_lowercase()
}

fn treatments(a: &Spec, b: &Spec, out: &mut Vec<String>) {
    let by_name = |s: &Spec| -> IndexMap<String, String> {
        s.treatments.iter().map(|t| (t.name.clone(), rule(&t.rule))).collect()
    };
    let (x, y) = (by_name(a), by_name(b));
    for (name, from, to) in paired(&x, &y, "treatment", out) {
        changed(out, &format!("treatment `{name}`"), from, to);
    }
}

fn rule(rule: &TreatmentRule) -> String {
    match rule {
        TreatmentRule::Starts(column) => format!("starts({})", column.text),
        TreatmentRule::Indicator { column: Column { text, .. }, reversible: false } => format!("indicator({text})"),
        TreatmentRule::Indicator { column, .. } => format!("indicator({}, reversible: true)", column.text),
        TreatmentRule::Inline(list) => {
            let each: Vec<String> = list.iter().map(|(u, s, _)| format!("\"{u}\": {s}")).collect();
            format!("starts({{ {} }})", each.join(", "))
        }
    }
}

/// Matrices by the name under which formulas use them.
fn matrices(a: &Spec, b: &Spec, out: &mut Vec<String>) {
    let (x, y) = (used(a), used(b));
    for (name, from) in &x {
        if let Some(to) = y.get(name) {
            recipe(&format!("`{name}`"), from, to, out);
        }
    }
}

fn used(spec: &Spec) -> IndexMap<String, Arc<WeightsExpr>> {
    let mut out = IndexMap::new();
    let mut add = |w: &WeightsUse| {
        out.entry(w.name.clone()).or_insert_with(|| w.recipe.clone());
    };
    for panel in spec.data.iter().map(|d| &d.rows).chain(&spec.panels) {
        for step in &panel.steps {
            let (PanelStep::Let { value: column, .. } | PanelStep::Where { condition: column }) = step;
            lags(column, &mut add);
        }
    }
    spec.models.iter().for_each(|m| of_model(m, &mut add));
    for test in &spec.tests {
        match &test.query {
            TestQuery::Column { sample, weights, .. } => {
                of_model(sample, &mut add);
                add(weights);
            }
            TestQuery::Residuals { weights, .. } | TestQuery::Lagrange { weights, .. } => add(weights),
            TestQuery::Dependence { weights, .. } => weights.iter().for_each(&mut add),
            TestQuery::Specification { families, .. } => families.iter().for_each(|f| add(&f.weights)),
            TestQuery::Hausman { .. }
            | TestQuery::Wald { .. }
            | TestQuery::LikelihoodRatio { .. }
            | TestQuery::Serial { .. }
            | TestQuery::Spread { .. }
            | TestQuery::Leads { .. }
            | TestQuery::Compare { .. } => {}
        }
    }
    spec.steps.iter().flat_map(|step| step.kind.outputs()).for_each(|output| printed(output, &mut add));
    out
}

/// The matrices of a model: those of its spatial parts, and those of lags among its columns.
fn of_model(m: &ModelSpec, add: &mut dyn FnMut(&WeightsUse)) {
    let in_time = m.time_lags.iter().filter_map(|l| l.weights.as_ref());
    m.weights.iter().chain(&m.lag_weights).chain(&m.error_weights).chain(in_time).for_each(&mut *add);
    let columns = m.terms.iter().map(|t| &t.value).chain([&m.outcome]).chain(&m.condition);
    columns.for_each(|c| lags(c, add));
}

fn lags(column: &Column, add: &mut dyn FnMut(&WeightsUse)) {
    column.visit(&mut |part| {
        if let ColumnKind::SpatialLag { weights, .. } | ColumnKind::ExposureTime { weights, .. } = &part.kind {
            add(weights);
        }
    });
}

fn printed(output: &Output, add: &mut dyn FnMut(&WeightsUse)) {
    match output {
        Output::Weights(w) => add(w),
        Output::List(items) => items.iter().for_each(|(_, item)| printed(item, add)),
        _ => {}
    }
}

/// Two recipes, by what they have in common.
fn recipe(of: &str, a: &WeightsExpr, b: &WeightsExpr, out: &mut Vec<String>) {
    use WeightsKind::*;
    if a.text == b.text {
        return;
    }
    match (&a.kind, &b.kind) {
        (Row(x), Row(y)) | (Spectral(x), Spectral(y)) | (MinMax(x), MinMax(y)) | (Transpose(x), Transpose(y)) => {
            recipe(of, x, y, out);
        }
        (Band { lo, hi, islands }, Band { lo: l, hi: h, islands: i }) => {
            match (lo == l, hi == h) {
                (true, false) => changed(out, &format!("band of {of}"), km(*hi), km(*h)),
                (false, true) => changed(out, &format!("lower end of the band of {of}"), km(*lo), km(*l)),
                _ => {
                    let from = format!("{} to {}", km(*lo), km(*hi));
                    changed(out, &format!("band of {of}"), from, format!("{} to {}", km(*l), km(*h)));
                }
            }
            changed(out, &format!("islands of {of}:"), word(islands), word(i));
        }
        (Knn { k, symmetric: a, islands }, Knn { k: j, symmetric: b, islands: i }) if a == b => {
            changed(out, &format!("nearest neighbors of {of}"), k, j);
            changed(out, &format!("islands of {of}:"), word(islands), word(i));
        }
        (Inverse { power, cutoff, least, islands }, Inverse { power: p, cutoff: c, least: l, islands: i })
            if least == l =>
        {
            changed(out, &format!("power of {of}"), power, p);
            let shown = |c: &Option<f64>| c.map_or("none".to_string(), km);
            changed(out, &format!("cutoff of {of}"), shown(cutoff), shown(c));
            changed(out, &format!("islands of {of}:"), word(islands), word(i));
        }
        _ => changed(out, of, &format!("`{}`", a.text), &format!("`{}`", b.text)),
    }
}

fn km(x: f64) -> String {
    if x.is_finite() { format!("{x} km") } else { "no end".to_string() }
}

fn models(a: &Spec, b: &Spec, out: &mut Vec<String>) {
    let named = |s: &Spec| -> IndexMap<String, usize> {
        let one = |step: &crate::check::spec::Step| match &step.kind {
            StepKind::Model { name, model } => Some((name.clone(), *model)),
            _ => None,
        };
        s.steps.iter().filter_map(one).collect()
    };
    let (x, y) = (named(a), named(b));
    let mut pairs: Vec<(String, usize, usize)> =
        paired(&x, &y, "model", out).into_iter().map(|(name, m, n)| (name.clone(), *m, *n)).collect();
    // Those without a name by query and outcome, what is left of them by their place.
    let (mut u, mut v) = (unnamed(a, &x), unnamed(b, &y));
    let both: Vec<String> = u.keys().filter(|k| v.contains_key(*k)).cloned().collect();
    for name in both {
        if let (Some(m), Some(n)) = (u.shift_remove(&name), v.shift_remove(&name)) {
            pairs.push((name, m, n));
        }
    }
    let places = u.len().min(v.len());
    pairs.extend(u.iter().zip(v.values()).map(|((name, m), n)| (name.clone(), *m, *n)));
    out.extend(u.keys().skip(places).map(|name| format!("model `{name}` removed")));
    out.extend(v.keys().skip(places).map(|name| format!("model `{name}` added")));
    for (name, m, n) in pairs {
        model(&name, (a, &a.models[m]), (b, &b.models[n]), out);
    }
}

/// Models without a name by query and outcome; what was made from a named one differs as that does.
fn unnamed(spec: &Spec, named: &IndexMap<String, usize>) -> IndexMap<String, usize> {
    let made = derived_models(spec, named);
    let mut out = IndexMap::new();
    for (k, m) in spec.models.iter().enumerate() {
        if made.contains(&k) || named.values().any(|n| *n == k) {
            continue;
        }
        let name = format!("{}({} ~ …)", m.query, m.outcome.text);
        let times = (2..).map(|n| format!("{name} ({n})"));
        let free = std::iter::once(name.clone()).chain(times).find(|n| !out.contains_key(n));
        out.insert(free.unwrap_or(name), k);
    }
    out
}

/// Models that designs and tests make from named ones.
fn derived_models(spec: &Spec, named: &IndexMap<String, usize>) -> Vec<usize> {
    let mut out = Vec::new();
    for test in &spec.tests {
        match &test.query {
            TestQuery::Leads { of, model } if named.contains_key(of) => out.push(*model),
            _ => {}
        }
    }
    fn designs(output: &Output, named: &IndexMap<String, usize>, out: &mut Vec<usize>) {
        match output {
            Output::Design(design) if design.asked_of().is_some_and(|of| named.contains_key(of)) => {
                out.extend(design.models());
            }
            Output::List(items) => items.iter().for_each(|(_, item)| designs(item, named, out)),
            Output::Table(table) => table.of.iter().for_each(|of| designs(of, named, out)),
            _ => {}
        }
    }
    spec.steps.iter().flat_map(|step| step.kind.outputs()).for_each(|output| designs(output, named, &mut out));
    out
}

/// What is printed, saved and asserted.
fn outputs(a: &Spec, b: &Spec, out: &mut Vec<String>) {
    let all = |s: &Spec| -> Vec<String> {
        let one = |step: &crate::check::spec::Step| {
            let text = step.source.split_whitespace().collect::<Vec<_>>().join(" ");
            match &step.kind {
                StepKind::Model { .. } => None,
                StepKind::Print(_) => Some(format!("output `{text}`")),
                StepKind::Save { path, .. } => Some(format!("`{path}` of `{text}`")),
                StepKind::Assert { text, .. } => Some(format!("assertion `{text}`")),
                StepKind::Report { path, .. } => Some(format!("report `{path}`")),
            }
        };
        s.steps.iter().filter_map(one).collect()
    };
    let (x, y) = (all(a), all(b));
    out.extend(x.iter().filter(|o| !y.contains(o)).map(|o| format!("{o} removed")));
    out.extend(y.iter().filter(|o| !x.contains(o)).map(|o| format!("{o} added")));
}
