//! What a reader must accept for the estimates to mean what they are called: methods E.11 for differences in
//! differences, and what every estimator of methods C needs.

use super::{Context, dynamics, headed, listed, paragraph, point};
use crate::check::spec::ApproachSpec;
use crate::estimators::{FixedEffects, Likelihood, Model};
use crate::outcome::{Passage, Section};

/// The assumptions of a fit, those that carry the most first.
pub(super) fn section(context: &Context) -> Section {
    let mut points: Vec<String> = Vec::new();
    if context.is_did() {
        points.extend(design(context));
    } else {
        points.push(exogenous(context));
    }
    points.extend(instruments(context));
    points.extend(weights(context));
    points.extend(parameters(context));
    points.push(linear(context));
    points.extend(errors(context));
    points.extend(dynamics::assumed(context));
    points.extend(asymptotics(context));
    let first = if context.is_did() {
        "For these numbers to be effects of the treatment, a reader accepts that:"
    } else {
        "For these numbers to be effects of the regressors, a reader accepts that:"
    };
    let mut passages: Vec<Passage> = vec![paragraph(first)];
    passages.extend(points.into_iter().map(point));
    headed("What has to be assumed", passages)
}

/// The first, second and fourth of methods E.11, and what they need.
fn design(context: &Context) -> Vec<String> {
    let fit = context.fit;
    let law = context.treatment();
    let outcome = match context.lag_name() {
        Some(w) => format!("{y} - rho ({w} {y})", y = fit.outcome),
        None => fit.outcome.clone(),
    };
    let outcome = match context.is_dynamic() {
        true => format!("{outcome}, less what it keeps of the period before,"),
        false => outcome,
    };
    let controls = context.symbols.of_effects().count() > 1;
    let lags = context.symbols.of_effects().skip(1).any(|r| !r.lags.is_empty());
    let given = match (controls, lags) {
        (false, _) => "unit and period effects",
        (true, false) => "unit and period effects and the controls",
        (true, true) => "unit and period effects, the controls and their spatial lags",
    };
    let mut out = vec![format!(
        "Parallel trends: without `{law}`, {outcome} would have moved in parallel in all units, given {given}. An \
         `event_study` shows whether it did before the start."
    )];
    out.push(exposure(context));
    out.push(format!(
        "Nobody reacts to `{law}` before it starts; where that is likely, the leads of an `event_study` show it."
    ));
    if controls {
        out.push(format!(
            "No control is itself moved by `{law}`: what it moves is part of its effect and must not be held constant."
        ));
    }
    out.push(homogeneous(context));
    out
}

/// The exposure mapping.
fn exposure(context: &Context) -> String {
    let law = context.treatment();
    let matrices: Vec<String> = context.symbols.matrices.iter().map(|m| format!("`{m}`")).collect();
    let lagged = context.symbols.regressors.first().is_some_and(|r| !r.lags.is_empty());
    match (lagged, context.lag_name()) {
        (true, Some(w)) => format!(
            "Spillovers run as the equation says: linearly in ({} {law}) and, through rho, along `{w}`. Of another way \
             to count exposure (a distance, a count instead of a share) nothing is known here.",
            super::listed(&context.symbols.matrices)
        ),
        (true, None) => format!(
            "Spillovers end at the neighbors in {}, and are linear in ({} {law}): a unit without a treated neighbor is \
             a clean control.",
            listed(&matrices),
            super::listed(&context.symbols.matrices)
        ),
        (false, Some(w)) => format!(
            "`{law}` reaches other units only through their neighbors' outcomes, along `{w}`; it has no spillover of \
             its own."
        ),
        (false, None) => format!(
            "There are no spillovers: `{law}` in one unit changes nothing in another. If it does, the untreated are no \
             clean controls, and the estimate is off by what reached them."
        ),
    }
}

/// Homogeneous effects, and what staggered starts make of it.
fn homogeneous(context: &Context) -> String {
    let law = context.treatment();
    let lags = context.symbols.regressors.first().is_some_and(|r| !r.lags.is_empty());
    let both = if lags { ", for its spatial lag too" } else { "" };
    let Some(roll_out) = &context.roll_out else { return String::new() };
    let when = if context.is_dynamic() { " within a period" } else { "" };
    let mut text =
        format!("The effect of `{law}`{when} is the same in every unit and every period since its start{both}.");
    if roll_out.is_staggered() {
        let starts: Vec<String> = roll_out.starts.keys().map(i64::to_string).collect();
        let starts = match starts.as_slice() {
            [first, .., last] if starts.len() > 6 => format!("{} periods from {first} to {last}", starts.len()),
            _ => listed(&starts),
        };
        text.push_str(&format!(
            " Starts are staggered ({starts}): where effects differ by cohort or grow with time, the two-way estimate \
             is a weighted mean in which units already treated serve as controls, and some of its weights may be \
             negative (Goodman-Bacon 2021). `bacon`, an `event_study` and `imputation` beside it show how much that matters."
        ));
    }
    if roll_out.never == 0 {
        text.push_str(
            " No unit stays untreated: the estimate rests on who started earlier or later, not on a group that never \
             started.",
        );
    }
    if roll_out.reverses {
        text.push_str(" The treatment is switched off again in some units: the effect is taken to vanish at once.");
    }
    text
}

fn exogenous(context: &Context) -> String {
    let given = match context.plan.problem.fixed_effects {
        FixedEffects::Both => "given unit and period effects, ",
        FixedEffects::Unit => "given unit effects, ",
        FixedEffects::Time => "given period effects, ",
        FixedEffects::None => "",
    };
    let around = if context.family().has_durbin() || context.family().has_lag() { ", at home or nearby," } else { "" };
    let unseen = match context.plan.problem.fixed_effects {
        _ if context.fit.mundlak.is_some() => {
            " Random unit effects are related to the regressors through the means of units alone. There are no period \
             effects: shocks common to all units are taken for effects of what moves with them."
        }
        _ if context.fit.random_effects.is_some() => {
            " The random unit effects are unrelated to the regressors too, which is what fixed effects do without: compare \
             with `fe: unit`, or say `mundlak: true`. There are no period effects: shocks common to all units are taken \
             for effects of what moves with them."
        }
        FixedEffects::None | FixedEffects::Time => {
            " There are no unit effects: whatever lasting trait of a unit moves both a regressor and the outcome is \
             taken for an effect of the regressor."
        }
        FixedEffects::Unit => {
            " There are no period effects: shocks common to all units are taken for effects of what moves with them."
        }
        FixedEffects::Both => "",
    };
    let time = if context.fit.periods > 1 { " in any period" } else { "" };
    let some = match &context.model.approach {
        ApproachSpec::Instruments { endogenous, .. } if !endogenous.is_empty() => " that are not endogenous",
        _ => "",
    };
    if context.is_dynamic() {
        return format!(
            "The regressors{some}{around} but the lag of the outcome are strictly exogenous: {given}no error in any period \
             is related to them; where a regressor answers to earlier outcomes, they are not. The lag itself is \
             predetermined: it is related to earlier errors, not to the present one or later ones.{unseen}"
        );
    }
    format!("The regressors{some}{around} are strictly exogenous: {given}no error{time} is related to them.{unseen}")
}

/// What instruments have to be.
fn instruments(context: &Context) -> Option<String> {
    let ApproachSpec::Instruments { endogenous, instruments } = &context.model.approach else { return None };
    let mut which: Vec<String> = instruments.iter().map(|z| z.value.text.clone()).collect();
    if context.family().has_lag() {
        which.push("the spatial lags of whatever is exogenous".to_string());
    }
    let free = match endogenous.len() {
        0 => String::new(),
        _ => {
            let names = endogenous.iter().map(|&k| context.model.terms[k].value.text.clone()).collect::<Vec<_>>();
            format!(" Nothing of the kind is assumed of {}.", listed(&names))
        }
    };
    Some(format!(
        "The instruments ({}) have nothing to do with the errors, and act on the outcome only through what they stand \
         for.{free}",
        listed(&which)
    ))
}

/// The third of methods E.11.
fn weights(context: &Context) -> Option<String> {
    let mut names: Vec<String> = Vec::new();
    for w in &context.fit.weights_used {
        names.push(format!("`{}`", w.name));
    }
    if names.is_empty() {
        return None;
    }
    let (are, cause) = match context.is_did() {
        true => ("is", format!("not a result of `{}` or of the outcome", context.treatment())),
        false => ("is", "not a result of the outcome".to_string()),
    };
    let are = if names.len() > 1 { "are" } else { are };
    Some(format!(
        "{} {are} given beforehand and right: {cause}, the same in every period, and chosen before the results were \
         seen. Nothing in the data proves a matrix; report every one that was tried.",
        listed(&names)
    ))
}

/// The fifth of methods E.11, and what is known of each spatial parameter.
fn parameters(context: &Context) -> Vec<String> {
    let mut out = Vec::new();
    let y = &context.fit.outcome;
    if context.family().has_lag() {
        out.push(format!(
            "rho is interaction of outcomes ({y} here answers {y} there), not common shocks: spatially correlated \
             shocks the model has no term for load on rho, and through it on every indirect effect."
        ));
    }
    if context.family().has_error() && !context.family().has_lag() {
        out.push(
            "lambda describes errors alone: if neighbors' outcomes act on each other, slopes are biased and no \
             spillover is reported."
                .to_string(),
        );
    }
    match context.family() {
        Model::Sac if context.fit.method != "qml" => {}
        Model::Sac => out.push(
            "rho and lambda can be told apart. With one matrix for both they may change places; a second optimum, \
             where there is one, is reported."
                .to_string(),
        ),
        Model::Gns => out.push(
            "rho, lambda and the spatial lags can be told apart, which data seldom allow: this model is weakly \
             identified (Elhorst 2014), `sdm` or `sdem` beside it show what it adds."
                .to_string(),
        ),
        _ => {}
    }
    out
}

fn linear(context: &Context) -> String {
    let lagged = if context.family().has_durbin() { " and spatial lags" } else { "" };
    format!("The equation is linear, and its slopes{lagged} are the same for all units and periods.")
}

fn errors(context: &Context) -> Option<String> {
    let fit = context.fit;
    if fit.method != "qml" {
        let words = match fit.se_type.as_str() {
            // That they are independent over time is said with the lag.
            "robust" | "cluster(unit)" if context.is_dynamic() => return None,
            "iid" => "Errors are independent and of one variance (for standard errors).",
            "robust" => "Errors are uncorrelated, between units and over time (for standard errors).",
            "cluster(unit)" => "Errors of different units are independent (for standard errors).",
            "cluster(time)" => "Errors of different periods are independent (for standard errors).",
            _ => "Standard errors allow what is said above, and no other dependence.",
        };
        return Some(words.to_string());
    }
    let normal = "Errors need not be normal, but have one variance: where the variance of a unit goes with its place \
                  in the network, a likelihood estimate of a spatial parameter is biased (Lin and Lee 2010).";
    let dependence = match fit.se_type.as_str() {
        _ if context.is_dynamic() => " Errors of different units are independent.",
        _ if fit.bootstrap.as_ref().is_some_and(|b| b.scheme == "block_unit") => {
            " Errors of different units are independent; those of one unit may be related over time."
        }
        _ if fit.bootstrap.is_some() => {
            " Errors of different periods are independent; those of one period may be related between units."
        }
        "cluster(unit)" => " Errors of different units are independent; those of one unit may be related over time.",
        _ => " Errors are independent, also over time (for standard errors).",
    };
    Some(format!("{normal}{dependence}"))
}

/// What the likelihood's row needs.
fn asymptotics(context: &Context) -> Option<String> {
    let problem = &context.plan.problem;
    if context.fit.method != "qml" || problem.fixed_effects == FixedEffects::None {
        return None;
    }
    match problem.likelihood {
        Likelihood::Direct => Some(match problem.fixed_effects {
            FixedEffects::Unit => {
                format!("Periods are many: sigma2 is too small by the factor {}.", share(problem.periods))
            }
            FixedEffects::Time => format!("Units are many: {} leave a bias of order 1/N.", problem.units),
            _ => format!(
                "Units and periods are many: {} and {} leave biases of order 1/N and 1/T.",
                problem.units, problem.periods
            ),
        }),
        Likelihood::Partial => Some(
            "Units are many: the correction removes the bias of order 1/N, not what is of higher order.".to_string(),
        ),
        Likelihood::Transform => None,
    }
}

/// `(T - 1)/T` in numbers.
fn share(periods: usize) -> String {
    format!("{}/{periods}", periods.saturating_sub(1))
}
