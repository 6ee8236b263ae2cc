//! The formula of every effect beside the number it gave: averages over units (methods D.1), and what the policy did
//! (methods D.4).

use super::symbols::Regressor;
use super::{Context, headed, paragraph, rows_sum_to_one, shown, with_error};
use crate::outcome::{Effect, Estimate, Passage, PolicyEffects, Section};
use crate::report::layout::{Align, padded, width};
use crate::report::number::count;

/// Direct, indirect and total effects.
pub(super) fn effects(context: &Context) -> Section {
    let mut passages = vec![paragraph(meaning(context))];
    passages.extend(reading(context).map(paragraph));
    let each = context.fit.effects.iter().zip(context.symbols.of_effects()).map(|(e, r)| of_term(context, e, r));
    if context.family().has_lag() || context.family().has_durbin() {
        passages.extend(each.map(Passage::Lines));
    } else {
        passages.push(Passage::Lines(each.flatten().collect()));
    }
    let run = if context.is_dynamic() { " of the short run" } else { "" };
    headed(&format!("Effects{run}, averaged over units"), passages)
}

/// What the three averages are, for this family.
fn meaning(context: &Context) -> String {
    let n = context.fit.units;
    if !context.family().has_lag() && !context.family().has_durbin() {
        let error = if context.family().has_error() {
            " Spatially correlated errors change no effect: there is no feedback through the outcome."
        } else {
            ""
        };
        let nothing = if context.is_dynamic() { "Within a period nothing" } else { "Nothing" };
        return format!("{nothing} leads from one unit to another: the direct effect is the coefficient.{error}");
    }
    let how = if context.family().has_lag() {
        "M = dy/dx' says what a unit more of x in one place does everywhere, once every neighbor has answered every \
         other."
    } else {
        "M = dy/dx' says what a unit more of x in one place does there and at its neighbors; there is no feedback."
    };
    format!(
        "{how} direct = tr(M)/N, the mean over the {n} units of what x at home does at home; total = 1'M1/N, the mean \
         of what x everywhere does; indirect = total - direct (LeSage and Pace 2009). Standard errors in brackets."
    )
}

/// What a coefficient is not (methods H, traps 26 and 27).
fn reading(context: &Context) -> Option<&'static str> {
    if !context.family().has_lag() {
        return None;
    }
    Some(if context.family().has_durbin() {
        "The coefficient of a spatial lag is not the indirect effect: rho passes both coefficients on, and their signs \
         may differ."
    } else {
        "Without spatial lags of the regressors the ratio of indirect to direct effect is the same for every regressor."
    })
}

/// `(I - rho C)^-1 (b1 I + t1 C)`
fn matrix(context: &Context, r: &Regressor) -> String {
    let names = &context.symbols.matrices;
    let lags: Vec<String> =
        r.lags.iter().filter_map(|(letter, j)| names.get(*j).map(|name| format!("{letter} {name}"))).collect();
    let inner = std::iter::once(format!("{} I", r.own)).chain(lags).collect::<Vec<_>>().join(" + ");
    match context.lag_name() {
        Some(w) if r.lags.is_empty() => format!("(I - rho {w})^-1 {}", r.own),
        Some(w) => format!("(I - rho {w})^-1 ({inner})"),
        None => inner,
    }
}

fn of_term(context: &Context, effect: &Effect, r: &Regressor) -> Vec<String> {
    let plain = r.lags.is_empty() && !context.family().has_lag();
    if plain {
        return vec![format!("{}: {} = {}", effect.term, r.own, with_error(&effect.direct))];
    }
    let rows = [
        ("direct", &effect.direct, direct_formula(context, r)),
        ("indirect", &effect.indirect, indirect_formula(context, r)),
        ("total", &effect.total, total_formula(context, r)),
    ];
    let mut lines = vec![format!("{}: M = {}", effect.term, matrix(context, r))];
    lines.extend(aligned(rows.into_iter().map(|(l, e, f)| (l.to_string(), with_error(e), f)).collect()));
    lines
}

/// Labels, numbers and formulas under each other, two blanks in.
pub(super) fn aligned(rows: Vec<(String, String, String)>) -> Vec<String> {
    let label = rows.iter().map(|r| width(&r.0)).max().unwrap_or(0);
    let number = rows.iter().map(|r| width(&r.1)).max().unwrap_or(0);
    rows.into_iter()
        .map(|(l, n, f)| {
            let line = format!("  {}  {}  {f}", padded(&l, label, Align::Left), padded(&n, number, Align::Left));
            line.trim_end().to_string()
        })
        .collect()
}

fn direct_formula(context: &Context, r: &Regressor) -> String {
    if context.family().has_lag() { "= tr(M)/N".to_string() } else { format!("= {}", r.own) }
}

/// Without a lag of the outcome: the coefficients of the lags times the mean sums of rows.
fn indirect_formula(context: &Context, r: &Regressor) -> String {
    if context.family().has_lag() {
        return "= total - direct".to_string();
    }
    let parts = r.lags.iter().map(|(letter, j)| match context.plan.durbin_weights.get(*j) {
        Some(m) if !rows_sum_to_one(m) => {
            let sums = m.weights.row_sums();
            format!("{letter} × {} (mean row sum)", shown(sums.iter().sum::<f64>() / sums.len() as f64))
        }
        _ => letter.clone(),
    });
    let sum = parts.collect::<Vec<_>>().join(" + ");
    format!("= {}", if sum.is_empty() { "0" } else { &sum })
}

/// The closed form, where every matrix has rows that sum to one.
fn total_formula(context: &Context, r: &Regressor) -> String {
    let plan = context.plan;
    let durbin_even = r.lags.iter().all(|(_, j)| plan.durbin_weights.get(*j).is_some_and(rows_sum_to_one));
    let sum = std::iter::once(&r.own).chain(r.lags.iter().map(|(letter, _)| letter)).cloned().collect::<Vec<_>>();
    if !context.family().has_lag() {
        return "= direct + indirect".to_string();
    }
    let even = plan.lag_weights.iter().all(rows_sum_to_one);
    if !even || !durbin_even {
        return "= 1'M1/N".to_string();
    }
    let top = if sum.len() == 1 { sum.join("") } else { format!("({})", sum.join(" + ")) };
    format!("= {top} / (1 - rho), rows summing to one")
}

/// What the policy did, against no policy anywhere.
pub(super) fn policy(context: &Context) -> Option<Section> {
    let policy = context.fit.policy_effects.as_ref()?;
    let regressor = context.symbols.of_effects().next()?;
    let law = context.treatment();
    let words = format!(
        "The averages above ask what one more treated unit does anywhere. These ask what `{law}` did where and when it \
         was on, against no `{law}` anywhere: with D_t the 0/1 vector of period t, its effect is the vector M D_t. Its \
         part M_ii D_it stayed at home, the rest came from other treated units. Means pool unit-periods; untreated ones \
         count from the first period with a treatment on.{}",
        if context.is_dynamic() {
            " All of it is within the period: what earlier treatment still does through the lag of the outcome is not \
             in it."
        } else {
            ""
        }
    );
    let matrix = format!("M = {}", matrix(context, regressor));
    let mut lines = vec![matrix];
    lines.extend(aligned(policy_lines(policy)));
    let exposed = exposure(context);
    let mut passages = vec![paragraph(words), Passage::Lines(lines)];
    passages.extend(exposed.map(paragraph));
    passages.extend(nowhere(context, policy).map(paragraph));
    Some(headed("What the policy did", passages))
}

fn policy_lines(p: &PolicyEffects) -> Vec<(String, String, String)> {
    let over = |n: usize, who: &str| format!("over {} {who}", count(n));
    let treated = over(p.treated_cells, "treated");
    let line = |label: &str, e: &Estimate, formula: String| (label.to_string(), with_error(e), format!("= {formula}"));
    vec![
        line("direct, on the treated", &p.direct_on_treated, format!("mean of M_ii {treated}")),
        line("indirect, on the treated", &p.indirect_on_treated, format!("mean of (M D_t)_i - M_ii {treated}")),
        line("total, on the treated", &p.total_on_treated, format!("mean of (M D_t)_i {treated}")),
        line(
            "indirect, on the untreated",
            &p.indirect_on_untreated,
            format!("mean of (M D_t)_i {}", over(p.untreated_cells, "untreated")),
        ),
        line(
            "indirect, on the exposed",
            &p.indirect_on_exposed,
            format!("mean of (M D_t)_i {}", over(p.exposed_cells, "exposed")),
        ),
        line("aggregate", &p.aggregate, "sum of (M D_t)_i over all unit-periods".to_string()),
    ]
}

/// Who is exposed, and that a lag of the outcome reaches the others too (methods D.4).
fn exposure(context: &Context) -> Option<String> {
    let lag = context.lag_name();
    let mut names: Vec<String> = context.symbols.matrices.iter().map(|m| format!("`{m}`")).collect();
    if names.is_empty() {
        names.extend(lag.as_ref().map(|w| format!("`{w}`")));
    }
    if names.is_empty() {
        return None;
    }
    let far = if lag.is_some() {
        " Through rho the policy also reaches untreated units without a treated neighbor: they are no clean controls."
    } else {
        ""
    };
    Some(format!("Exposed are untreated units with a treated neighbor in {}.{far}", super::listed(&names)))
}

/// Averages over nobody.
fn nowhere(context: &Context, p: &PolicyEffects) -> Option<String> {
    let without_weights = context.symbols.matrices.is_empty() && context.lag_name().is_none();
    if without_weights {
        return Some("Without weights no unit counts as exposed.".to_string());
    }
    let groups = [(p.untreated_cells, "untreated"), (p.exposed_cells, "exposed")];
    let none: Vec<String> = groups.iter().filter(|g| g.0 == 0).map(|g| g.1.to_string()).collect();
    (!none.is_empty()).then(|| {
        let what = if none.len() == 1 { "a mean is" } else { "means are" };
        format!("There are no {} unit-periods: {what} missing.", super::listed(&none))
    })
}
