//! The model's equation with the names of the program, what the names stand for, and the coefficients by letter.

use super::symbols::grouped;
use super::{Context, dynamics, headed, paragraph, rows_sum_to_one, shown, with_error};
use crate::check::spec::{Column, ColumnKind, PanelSpec, PanelStep, RowSource, Spec, TreatmentRule};
use crate::execute::fit::operand;
use crate::fault::counted;
use crate::outcome::{Passage, Section};
use crate::plan::columns::names_of;
use crate::report::layout::{Align, LINE, padded, width};
use crate::report::number::count;
use crate::report::words;

/// Lines of an explanation stand this far in.
const INDENT: usize = 4;

/// The equation (methods C.1) and what stands in it.
pub(super) fn model(context: &Context) -> Section {
    let mut passages = vec![paragraph(kind(context)), Passage::Lines(equation(context))];
    passages.push(Passage::Lines(defined(&definitions(context))));
    headed("The model", passages)
}

/// Every coefficient by its letter, with its standard error.
pub(super) fn coefficients(context: &Context) -> Section {
    let rows: Vec<[String; 3]> = context
        .symbols
        .coefficients
        .iter()
        .zip(&context.fit.coefficients)
        .map(|((letter, term), c)| {
            let term = match letter.as_str() {
                "rho" => "spatial lag of the outcome",
                "lambda" => "spatial lag of the error",
                _ => term,
            };
            [letter.clone(), with_error(&c.value), term.to_string()]
        })
        .collect();
    let wide = |j: usize| rows.iter().map(|r| width(&r[j])).max().unwrap_or(0);
    let (letters, numbers) = (wide(0), wide(1));
    let line = |r: &[String; 3]| {
        let number = padded(&r[1], numbers, Align::Left);
        format!("{} = {number}   {}", padded(&r[0], letters, Align::Left), r[2])
    };
    let lines = rows.iter().map(line).collect();
    let words = "Estimates, standard errors in brackets.";
    headed("Coefficients", vec![paragraph(words), Passage::Lines(lines)])
}

/// What kind of model it is, in a sentence.
fn kind(context: &Context) -> String {
    let fit = context.fit;
    let what = match fit.model.as_str() {
        "ols" => "The outcome depends on a unit's own regressors alone.",
        "slx" => "The outcome depends on a unit's own regressors and on those of its neighbors.",
        "sar" => "The outcome depends on a unit's own regressors and on the outcomes of its neighbors.",
        "sem" => {
            "The outcome depends on a unit's own regressors; what the model leaves out is correlated between neighbors."
        }
        "sdm" => {
            "The outcome depends on a unit's own regressors, on those of its neighbors and on the outcomes of its neighbors."
        }
        "sdem" => {
            "The outcome depends on a unit's own regressors and on those of its neighbors; what the model leaves out is correlated between neighbors."
        }
        "sac" => {
            "The outcome depends on a unit's own regressors and on the outcomes of its neighbors; what the model leaves out is correlated between neighbors."
        }
        _ => {
            "The outcome depends on a unit's own regressors, on those of its neighbors and on the outcomes of its neighbors; what the model leaves out is correlated between neighbors."
        }
    };
    let design = if context.is_did() {
        format!(" As a difference-in-differences it asks what `{}` did.", context.treatment())
    } else {
        String::new()
    };
    format!("{}. {what}{}{design}", words::title(fit), dynamics::kind(context))
}

/// `y_it = rho (W y)_it + …`, broken between its terms.
fn equation(context: &Context) -> Vec<String> {
    let symbols = &context.symbols;
    let it = symbols.index;
    let outcome = context.fit.outcome.as_str();
    let mut parts: Vec<String> = Vec::new();
    if let Some(w) = context.lag_name() {
        parts.push(format!("rho {}", symbols.lagged(&w, outcome)));
    }
    if context.fit.fixed_effects.is_empty() {
        parts.push("a".to_string());
    }
    let y = operand(outcome);
    parts.extend(symbols.regressors.iter().map(|r| match &r.past {
        Some(matrix) => format!("{} {}", r.own, dynamics::before(&y, matrix.as_deref())),
        None => format!("{} {}", r.own, symbols.indexed(&r.term)),
    }));
    for (j, matrix) in symbols.matrices.iter().enumerate() {
        for r in &symbols.regressors {
            let Some((letter, _)) = r.lags.iter().find(|(_, of)| *of == j) else { continue };
            parts.push(match r.past {
                Some(_) => format!("{letter} {}", dynamics::before(&y, Some(matrix))),
                None => format!("{letter} {}", symbols.lagged(matrix, &r.term)),
            });
        }
    }
    let random = context.fit.random_effects.as_deref();
    let mu = context.has_unit_effects() || matches!(random, Some("unit" | "baltagi"));
    parts.extend(mu.then(|| "mu_i".to_string()));
    parts.extend(context.has_time_effects().then(|| "xi_t".to_string()));
    let error = context.error_name();
    parts.push(format!("{}_{it}", if error.is_some() { "u" } else { "e" }));
    let mut lines = broken(&format!("{} = ", symbols.indexed(outcome)), &parts);
    if let Some(w) = error {
        let inside = if random == Some("kkp") { "mu_i + " } else { "" };
        lines.push(format!("u_{it} = lambda ({w} u)_{it} + {inside}e_{it}"));
    }
    lines
}

/// A sum broken before its plus signs, continued under the sign of equality.
fn broken(left: &str, parts: &[String]) -> Vec<String> {
    let hang = width(left).min(24).saturating_sub(2);
    let mut lines = vec![left.to_string()];
    for (i, part) in parts.iter().enumerate() {
        let joint = if i == 0 { "" } else { " + " };
        let Some(last) = lines.last_mut() else { continue };
        if i > 0 && INDENT + width(last) + width(part) + 3 > LINE {
            lines.push(format!("{}+ {part}", " ".repeat(hang)));
        } else {
            last.push_str(joint);
            last.push_str(part);
        }
    }
    lines
}

/// What a name stands for, by name.
fn definitions(context: &Context) -> Vec<(String, String)> {
    let (fit, plan) = (context.fit, context.plan);
    let panel = &context.spec.panels[context.model.panel];
    let it = context.symbols.index;
    let mut out = vec![("i".to_string(), format!("{} ({})", counted(fit.units, "unit", "units"), panel.unit))];
    if fit.periods > 1 {
        let span = format!("({}, {} to {})", panel.time, fit.first_period, fit.last_period);
        out.push(("t".to_string(), format!("{} periods {span}", fit.periods)));
    }
    if context.is_dynamic() {
        let past = dynamics::before(&operand(&fit.outcome), None);
        out.push((past, format!("{} of the period before", fit.outcome)));
    }
    out.extend(derived(context, panel));
    if let Some(rule) = treatment(context) {
        out.push((context.symbols.indexed(context.treatment()), rule));
    }
    let mut seen: Vec<&str> = Vec::new();
    for matrix in plan.durbin_weights.iter().chain(&plan.lag_weights).chain(&plan.error_weights) {
        if seen.contains(&matrix.name.as_str()) {
            continue;
        }
        seen.push(&matrix.name);
        let Some(used) = fit.weights_used.iter().find(|w| w.name == matrix.name) else { continue };
        let sum = if rows_sum_to_one(matrix) {
            "the mean of x over the neighbors of i"
        } else if used.scaling == "row" {
            "the mean of x over the neighbors of i, zero where there is none"
        } else {
            "the weighted sum of x over the neighbors of i, zero where there is none"
        };
        let facts = format!(
            "{}, {}, {}",
            counted(used.links, "link", "links"),
            words::scaling(&used.scaling),
            words::islands(&used.islands)
        );
        let built = if matrix.recipe == matrix.name { String::new() } else { format!("{}; ", matrix.recipe) };
        out.push((grouped(&matrix.name), format!("{built}{facts}")));
        out.push((format!("({} x)_{it}", grouped(&matrix.name)), sum.to_string()));
    }
    if context.has_unit_effects() {
        out.push(("mu_i".to_string(), "an effect of every unit: whatever does not change over time".to_string()));
    }
    if let Some(variance) = fit.sigma2_unit {
        out.push(("mu_i".to_string(), format!("a random effect of every unit, with variance {}", shown(variance))));
    }
    if context.has_time_effects() {
        out.push(("xi_t".to_string(), "an effect of every period: whatever is common to all units".to_string()));
    }
    out.push((format!("e_{it}"), format!("the error, with variance sigma2 = {}", shown(fit.sigma2))));
    out
}

/// Derived columns that outcome and terms use, in the order of the panel; those of a `let` through which they go, too.
fn derived(context: &Context, panel: &PanelSpec) -> Vec<(String, String)> {
    let lets = lets(context.spec, panel);
    let model = context.model;
    let columns = model.columns();
    let mut open: Vec<String> = columns.flat_map(names_of).collect();
    let mut used: Vec<String> = Vec::new();
    while let Some(name) = open.pop() {
        if used.contains(&name) {
            continue;
        }
        if let Some((_, value)) = lets.iter().find(|(n, _)| *n == name) {
            open.extend(names_of(value));
            used.push(name);
        }
    }
    lets.iter()
        .filter(|(name, _)| used.iter().any(|u| u == name))
        .map(|(name, value)| ((*name).to_string(), value.text.clone()))
        .collect()
}

/// The `let` clauses of a panel and of those it derives from, the earliest first.
pub(super) fn lets<'s>(spec: &'s Spec, panel: &'s PanelSpec) -> Vec<(&'s str, &'s Column)> {
    let mut out = match panel.source {
        RowSource::Panel(parent) => spec.panels.get(parent).map_or(Vec::new(), |p| lets(spec, p)),
        RowSource::Data(parent) => spec.data.get(parent).map_or(Vec::new(), |d| lets(spec, &d.rows)),
        RowSource::File(_) => Vec::new(),
    };
    out.extend(panel.steps.iter().filter_map(|s| match s {
        PanelStep::Let { name, value } => Some((name.as_str(), value)),
        PanelStep::Where { .. } => None,
    }));
    out
}

/// When the treatment is on, and who starts when in the sample.
fn treatment(context: &Context) -> Option<String> {
    let roll_out = context.roll_out.as_ref()?;
    let declared = context.spec.treatments.get(context.model.treatment?)?;
    let rule = match &declared.rule {
        TreatmentRule::Starts(column) => format!("1 from the period in `{}` on, before it 0", column.text),
        TreatmentRule::Inline(_) => "1 from the start written in the program on, before it 0".to_string(),
        TreatmentRule::Indicator { column, .. } => match &column.kind {
            ColumnKind::Name(name) => format!("the 0/1 column `{name}`"),
            _ => format!("1 where `{}`, else 0", column.text),
        },
    };
    let mut groups: Vec<String> = Vec::new();
    if roll_out.always > 0 {
        groups.push(format!("{} from the first period on", count(roll_out.always)));
    }
    groups.extend(roll_out.starts.iter().map(|(period, units)| format!("{} from {period}", count(*units))));
    if roll_out.never > 0 {
        groups.push(format!("{} never", count(roll_out.never)));
    }
    Some(format!("{rule}; units treated: {}", groups.join(", ")))
}

/// Names and their meaning under each other.
fn defined(definitions: &[(String, String)]) -> Vec<String> {
    let name = definitions.iter().map(|(n, _)| width(n)).filter(|w| *w <= 24).max().unwrap_or(0);
    let mut out = Vec::new();
    for (key, value) in definitions {
        let first = padded(key, name, Align::Left) + "  ";
        let room = LINE.saturating_sub(INDENT);
        let mut lines = crate::report::layout::wrapped_to(room, &first, name + 2, value);
        out.append(&mut lines);
    }
    out
}
