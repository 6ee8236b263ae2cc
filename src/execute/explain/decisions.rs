//! What was left out, what was decided, what was remarked, and the query with every default written out.

use super::{Context, headed, paragraph, point};
use crate::check::spec::{ApproachSpec, BalancePolicy, MissingPolicy, Term};
use crate::estimators::{FixedEffects, RandomEffects};
use crate::execute::remarks::remarks;
use crate::fault::{Level, counted, quoted_list};
use crate::outcome::{Dropped, Passage, Section};
use crate::report::layout::{LINE, width, wrapped_to};
use crate::report::number::count;

/// Sample and decisions.
pub(super) fn section(context: &Context) -> Section {
    let mut passages: Vec<Passage> = vec![paragraph(rows(context))];
    let left_out = context.fit.dropped.iter().filter(|d| d.rows > 0).map(|d| point(dropped(d)));
    passages.extend(left_out);
    passages.extend(context.fit.notes.iter().map(|n| point(format!("{}.", n.trim_end_matches('.')))));
    passages.extend(islands(context).into_iter().map(point));
    passages.extend(said(context).into_iter().map(point));
    passages
        .push(paragraph("The query with every option written out, also those the program leaves to their defaults:"));
    passages.push(Passage::Lines(query(context)));
    headed("Sample and decisions", passages)
}

fn rows(context: &Context) -> String {
    let fit = context.fit;
    let panel = &context.spec.panels[context.model.panel];
    let missing = match panel.missing {
        MissingPolicy::Error => "a missing value would have stopped the run (`missing error`)",
        MissingPolicy::Drop => "rows with a missing value are left out (`missing drop`)",
    };
    let balance = match panel.balance {
        BalancePolicy::Error => "so would a gap (`balance error`)",
        BalancePolicy::Drop => "units with gaps are left out (`balance drop`)",
        BalancePolicy::Allow => "gaps are allowed (`balance allow`)",
    };
    let balance = if (panel.missing, panel.balance) == (MissingPolicy::Drop, BalancePolicy::Error) {
        "a gap would have stopped the run (`balance error`)"
    } else {
        balance
    };
    let chosen = match &context.model.condition {
        Some(c) => format!(" Rows were chosen by `where: {}`.", c.text),
        None => String::new(),
    };
    let lost: usize = fit.dropped.iter().map(|d| d.rows).sum();
    let out = if lost == 0 {
        "no row was left out".to_string()
    } else {
        format!("{} left out", counted(lost, "row", "rows"))
    };
    format!(
        "{} rows of panel `{}` were used, {out}. In this panel {missing}, and {balance}.{chosen}",
        count(fit.nobs),
        fit.panel
    )
}

fn dropped(d: &Dropped) -> String {
    let mut text = format!("{} left out: {}", counted(d.rows, "row", "rows"), d.reason);
    if let Some(units) = &d.units {
        text.push_str(&format!(" ({})", quoted_list(units)));
    }
    if let Some(detail) = &d.detail {
        text.push_str(&format!("; {detail}"));
    }
    text.push('.');
    text
}

/// Units without a neighbor stay in the sample with a lag of zero.
fn islands(context: &Context) -> Vec<String> {
    let kept = context.fit.weights_used.iter().filter(|w| !w.islands.is_empty());
    kept.map(|w| {
        let units = counted(w.islands.len(), "unit", "units");
        let verb = if w.islands.len() == 1 { "has" } else { "have" };
        format!(
            "{units} {verb} no neighbor in `{}` ({}): spatial lags are zero there.",
            w.name,
            quoted_list(&w.islands)
        )
    })
    .collect()
}

/// Warnings and notes that travel with this fit.
fn said(context: &Context) -> Vec<String> {
    let all = remarks(context.model, context.plan, &context.fitted.estimated);
    all.iter()
        .map(|f| {
            let word = if f.level == Level::Warning { "Warning" } else { "Note" };
            let help = f.help.as_ref().map_or(String::new(), |h| format!(" ({h})"));
            format!("{word}: {}{help}.", f.message)
        })
        .collect()
}

/// The query as if its author had left nothing out, broken between its options.
fn query(context: &Context) -> Vec<String> {
    let (model, fit) = (context.model, context.fit);
    let formula: Vec<&str> = model.terms.iter().map(|t| t.value.text.as_str()).collect();
    let weights = fit.weights.as_ref().map_or(String::new(), |w| format!(" | {w}"));
    let mut options: Vec<String> = Vec::new();
    options.push(format!("fe: {}", effects(context)));
    options.push(format!("se: {}", fit.se_type));
    if fit.random_effects.is_none() {
        options.push(format!("likelihood: {}", fit.likelihood));
    }
    if context.family().has_durbin() {
        options.push(format!("durbin: {}", durbin(context)));
    }
    if let Some(w) = &context.plan.lag_weights {
        options.push(format!("lag_weights: {}", w.name));
    }
    if let Some(w) = &context.plan.error_weights {
        options.push(format!("error_weights: {}", w.name));
    }
    if !matches!(fit.method.as_str(), "ols" | "2sls") {
        options.push(format!("method: {}", fit.method));
        options.push(format!("df_adjust: {}", fit.df_adjust));
    }
    options.extend(instruments(context));
    if let ApproachSpec::Random { effects, mundlak } = &context.model.approach {
        if context.family().has_error() {
            let word = if *effects == RandomEffects::Kkp { "kkp" } else { "baltagi" };
            options.push(format!("random: {word}"));
        }
        options.push(format!("mundlak: {mundlak}"));
    }
    match &fit.simulated {
        Some(s) => options.push(format!("effects: simulate(draws: {})", s.draws)),
        None if fit.bootstrap.is_some() => {}
        None => options.push("effects: delta".to_string()),
    }
    options.push(format!("level: {}", fit.level));
    options.extend(model.condition.as_ref().map(|c| format!("where: {}", c.text)));
    let head = format!("{}({} ~ {}{weights}", model.query, fit.outcome, formula.join(" + "));
    let mut lines = wrapped_to(LINE - 4, "", 4, &head);
    for option in options {
        let Some(last) = lines.last_mut() else { continue };
        last.push(',');
        if 4 + width(last) + width(&option) + 3 > LINE {
            lines.push(format!("    {option}"));
        } else {
            last.push_str(&format!(" {option}"));
        }
    }
    if let Some(last) = lines.last_mut() {
        last.push(')');
    }
    lines
}

/// `iv: x ~ z1 + z2`: every endogenous term with all instruments, for each stands for all.
fn instruments(context: &Context) -> Option<String> {
    let ApproachSpec::Instruments { endogenous, instruments } = &context.model.approach else { return None };
    let names = |of: &mut dyn Iterator<Item = &Term>| of.map(|t| t.value.text.clone()).collect::<Vec<_>>().join(" + ");
    let right = names(&mut instruments.iter());
    let each: Vec<String> =
        endogenous.iter().map(|&k| format!("{} ~ {right}", context.model.terms[k].value.text)).collect();
    match each.as_slice() {
        [] => None,
        [one] => Some(format!("iv: {one}")),
        several => Some(format!("iv: [{}]", several.join(", "))),
    }
}

fn effects(context: &Context) -> &'static str {
    if context.fit.random_effects.is_some() {
        return "random";
    }
    match context.plan.problem.fixed_effects {
        FixedEffects::None => "none",
        FixedEffects::Unit => "unit",
        FixedEffects::Time => "time",
        FixedEffects::Both => "[unit, time]",
    }
}

fn durbin(context: &Context) -> String {
    let texts: Vec<&str> = match &context.model.durbin {
        None => context.model.terms.iter().map(|t| t.value.text.as_str()).collect(),
        Some(chosen) => {
            chosen.iter().filter_map(|&i| context.model.terms.get(i)).map(|t| t.value.text.as_str()).collect()
        }
    };
    format!("[{}]", texts.join(", "))
}
