//! What is particular to dynamic models (methods C.7, D.3): the lag of the outcome in the equation, the bias of estimated
//! unit effects, stability, effects of the long run, and what a lag of the outcome asks a reader to accept.

use super::effects::aligned;
use super::symbols::Regressor;
use super::{Context, headed, paragraph, rows_sum_to_one, shown, with_error};
use crate::outcome::{Impact, Passage, Section, Stability};
use crate::report::number::{fixed, p_value};

/// The outcome of the period before, at home or through a matrix.
pub(super) fn before(outcome: &str, matrix: Option<&str>) -> String {
    match matrix {
        Some(w) => format!("({w} {outcome})_i,t-1"),
        None => format!("{outcome}_i,t-1"),
    }
}

/// Added to what kind of model it is.
pub(super) fn kind(context: &Context) -> &'static str {
    let mut past = context.symbols.regressors.iter().filter_map(|r| r.past.as_ref());
    let Some(first) = past.next() else { return "" };
    let neighbors =
        past.any(|m| m.is_some()) || context.symbols.regressors.iter().any(|r| r.past.is_some() && !r.lags.is_empty());
    match (first.is_some(), neighbors) {
        (true, _) => " It is dynamic: it also depends on what its neighbors were the period before.",
        (false, true) => {
            " It is dynamic: it also depends on what it was itself, and its neighbors were, the period before."
        }
        (false, false) => " It is dynamic: it also depends on what it was itself the period before.",
    }
}

/// How unit effects leave a dynamic model, after the words of the estimator.
pub(super) fn bias(context: &Context) -> Option<String> {
    let stability = context.fit.stability.as_ref()?;
    let text = if stability.bias_corrected {
        "Unit means are taken of each variable over the periods it is used in, so that the lag of the outcome, less its \
         mean, is related to the errors: its coefficient would be biased by a term of order 1/T (Nickell 1981). \
         Estimates are therefore corrected, theta + I^-1 a, with a what this takes from the expectation of the score \
         (Yu, de Jong and Lee 2008; with period effects Lee and Yu 2010). Coefficients, standard errors and effects are \
         those after the correction; a bias of order 1/T^2 is left."
    } else if !context.has_unit_effects() {
        "There are no unit effects, so that the lag of the outcome needs no correction; lasting differences between \
         units then pass for persistence."
    } else if stability.largest_root >= 1.0 {
        "The coefficient of the lag is biased by a term of order 1/T, for unit effects are estimated beside it (Nickell \
         1981). The correction exists for a stable model alone, and was not made."
    } else {
        "The coefficient of the lag is biased by a term of order 1/T, for unit effects are estimated beside it (Nickell \
         1981): nothing is corrected under `likelihood: direct`."
    };
    Some(text.to_string())
}

/// Roots: whether a shock dies out, and how fast.
pub(super) fn stability(context: &Context) -> Option<Section> {
    let s = context.fit.stability.as_ref()?;
    let words = if s.largest_root < 1.0 {
        format!(
            "Left alone, a deviation from one period to the next is multiplied by A; its largest root in modulus is \
             {}, below one: what a change sets off dies out{}, and there is a long run.",
            fixed(s.largest_root, 4),
            half_life(s)
        )
    } else {
        format!(
            "Left alone, a deviation from one period to the next is multiplied by A; its largest root in modulus is \
             {}, not below one: what a change sets off does not die out, and there is no long run.",
            fixed(s.largest_root, 4)
        )
    };
    let lines = vec![
        format!("A = {}", transition(context)),
        format!(
            "{} = {}, equal to one: chi-squared(1) = {}, p {}",
            sum(context),
            with_error(&s.sum),
            fixed(s.unit_root.statistic, 2),
            equal(p_value(s.unit_root.p).trim())
        ),
    ];
    Some(headed("Stability", vec![paragraph(words), Passage::Lines(lines)]))
}

fn equal(p: &str) -> String {
    if p.starts_with('<') { p.replace('<', "< ") } else { format!("= {p}") }
}

/// `, half of it within 1.2 periods`
fn half_life(s: &Stability) -> String {
    let periods = (0.5f64).ln() / s.largest_root.ln();
    if periods.is_finite() && periods > 0.0 {
        format!(", the slowest part of it by half within {} periods", shown(periods))
    } else {
        String::new()
    }
}

/// The letters of the lags of the outcome: those at home, and those through a matrix with its name.
fn letters(context: &Context) -> (Option<String>, Vec<(String, String)>) {
    let names = &context.symbols.matrices;
    let (mut own, mut spatial) = (None, Vec::new());
    for r in context.symbols.regressors.iter() {
        match &r.past {
            None => continue,
            Some(None) => own = Some(r.own.clone()),
            Some(Some(w)) => spatial.push((r.own.clone(), w.clone())),
        }
        let lags = r.lags.iter().filter_map(|(letter, j)| Some((letter.clone(), names.get(*j)?.clone())));
        spatial.extend(lags);
    }
    (own, spatial)
}

/// `tau + rho + eta`, as far as they are in the model.
fn sum(context: &Context) -> String {
    let (own, spatial) = letters(context);
    let rho = context.lag_name().map(|_| "rho".to_string());
    let parts: Vec<String> = own.into_iter().chain(rho).chain(spatial.into_iter().map(|s| s.0)).collect();
    parts.join(" + ")
}

/// `(I - rho W)^-1 (tau I + eta W)`
fn transition(context: &Context) -> String {
    let (own, spatial) = letters(context);
    let own = own.map(|l| format!("{l} I"));
    let parts: Vec<String> = own.into_iter().chain(spatial.iter().map(|(l, w)| format!("{l} {w}"))).collect();
    let inner = parts.join(" + ");
    match context.lag_name() {
        Some(w) if parts.len() > 1 => format!("(I - rho {w})^-1 ({inner})"),
        Some(w) => format!("(I - rho {w})^-1 {inner}"),
        None => inner,
    }
}

/// `[(1 - tau) I - (rho + eta) W]^-1`: what multiplies a permanent change; one bracket per matrix.
fn multiplier(context: &Context) -> String {
    let (own, spatial) = letters(context);
    let mut by_matrix: Vec<(String, Vec<String>)> = Vec::new();
    let lag = context.lag_name().map(|w| ("rho".to_string(), w));
    for (letter, matrix) in lag.into_iter().chain(spatial) {
        match by_matrix.iter_mut().find(|(name, _)| *name == matrix) {
            Some((_, letters)) => letters.push(letter),
            None => by_matrix.push((matrix, vec![letter])),
        }
    }
    let identity = own.map_or("I".to_string(), |l| format!("(1 - {l}) I"));
    let parts = by_matrix.iter().map(|(name, letters)| match letters.as_slice() {
        [one] => format!(" - {one} {name}"),
        several => format!(" - ({}) {name}", several.join(" + ")),
    });
    let whole = std::iter::once(identity).chain(parts).collect::<String>();
    format!("[{whole}]^-1")
}

/// Direct, indirect and total effects of a change that lasts (methods D.3).
pub(super) fn long_run(context: &Context) -> Option<Section> {
    let s = context.fit.stability.as_ref()?;
    let heading = "Effects of the long run, averaged over units";
    if s.largest_root >= 1.0 {
        let words = "There are none: the model has no long run. First differences in space or time may have one.";
        return Some(headed(heading, vec![paragraph(words)]));
    }
    let (_, spatial) = letters(context);
    let across = context.lag_name().is_some() || context.family().has_durbin() || !spatial.is_empty();
    let words = if across {
        "What a unit more of x, for good, does once everything has come to rest: the matrix L, with the averages as \
         above (Debarsy, Ertur and LeSage 2012). Standard errors in brackets; `effects(m, horizons: 8)` shows the way \
         there."
    } else {
        "What a unit more of x, for good, does once everything has come to rest. Standard errors in brackets."
    };
    let mut passages = vec![paragraph(words)];
    for (effect, r) in context.fit.effects.iter().zip(context.symbols.of_effects()) {
        if let Some(long) = &effect.long_run {
            passages.push(Passage::Lines(of_term(context, &effect.term, long, r, across)));
        }
    }
    Some(headed(heading, passages))
}

fn of_term(context: &Context, term: &str, long: &Impact, r: &Regressor, across: bool) -> Vec<String> {
    if !across {
        let (own, _) = letters(context);
        let divisor = own.map_or(String::new(), |l| format!(" / (1 - {l})"));
        return vec![format!("{term}: {}{divisor} = {}", r.own, with_error(&long.direct))];
    }
    let names = &context.symbols.matrices;
    let lags: Vec<String> =
        r.lags.iter().filter_map(|(letter, j)| names.get(*j).map(|name| format!("{letter} {name}"))).collect();
    let inner = match lags.is_empty() {
        true => r.own.clone(),
        false => format!("({} I + {})", r.own, lags.join(" + ")),
    };
    let rows = [
        ("direct", &long.direct, "= tr(L)/N".to_string()),
        ("indirect", &long.indirect, "= total - direct".to_string()),
        ("total", &long.total, total(context, r)),
    ];
    let mut lines = vec![format!("{term}: L = {} {inner}", multiplier(context))];
    lines.extend(aligned(rows.into_iter().map(|(l, e, f)| (l.to_string(), with_error(e), f)).collect()));
    lines
}

/// The closed form of the total, where every matrix has rows that sum to one.
fn total(context: &Context, r: &Regressor) -> String {
    let plan = context.plan;
    let past = plan.problem.time_lags.iter().filter_map(|t| t.weights.as_deref());
    let past_even = past.into_iter().all(|w| w.row_sums().iter().all(|s| (s - 1.0).abs() < 1e-9));
    if !(past_even && plan.durbin_weights.iter().chain(&plan.lag_weights).all(rows_sum_to_one)) {
        return "= 1'L1/N".to_string();
    }
    let top: Vec<&str> = std::iter::once(r.own.as_str()).chain(r.lags.iter().map(|l| l.0.as_str())).collect();
    let top = if top.len() == 1 { top.join("") } else { format!("({})", top.join(" + ")) };
    format!("= {top} / (1 - {}), rows summing to one", sum(context).replace(" + ", " - "))
}

/// What a lag of the outcome asks a reader to accept.
pub(super) fn assumed(context: &Context) -> Vec<String> {
    let Some(s) = &context.fit.stability else { return Vec::new() };
    let mut out = vec![
        "The errors of a unit are independent over time. Beside a lag of the outcome this is not a matter of standard \
         errors alone: where an error is related to the one before it, it is related to the lag, and every estimate is \
         inconsistent."
            .to_string(),
        "One lag holds all there is of the past, and the first period of the data is given, not explained.".to_string(),
    ];
    if s.bias_corrected {
        out.push(format!(
            "Periods are many enough: with T = {} the correction leaves a bias of the order 1/T^2.",
            context.fit.periods
        ));
    }
    if context.is_did() {
        out.push(format!(
            "What lasts of `{law}` lasts through the lag: its coefficient is its effect within the period, and what \
             earlier treatment still does is counted as persistence of the outcome. An `event_study` of the static model \
             asks the same in another way; the two are not to be added.",
            law = context.treatment()
        ));
    }
    out
}
