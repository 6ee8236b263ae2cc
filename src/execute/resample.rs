//! What draws change of a fit: standard errors, p-values and intervals; the estimates stay.

use super::steps::Left;
use crate::check::spec::{EffectErrors, ModelSpec};
use crate::estimators::{Draws, EstimateError, Estimated, Resampled, Spread, simulate};
use crate::fault::{Fault, Level};
use crate::outcome::{Drawn, Effect, Estimate, Fit, Impact, PolicyEffects};
use crate::plan::ModelPlan;
use statrs::distribution::{ContinuousCDF, Normal};

/// Share of discarded draws above which the rest is no sample of the distribution (methods D.2).
const MANY: f64 = 0.01;

/// Draws what the model asks for and puts it into the fit; what is said about it is returned.
pub(super) fn resample(
    seed: u64,
    spec: &ModelSpec,
    plan: &ModelPlan,
    estimated: &Estimated,
    left: &Left,
    fit: &mut Fit,
) -> Result<Vec<Fault>, EstimateError> {
    let EffectErrors::Simulate { draws: count } = spec.effect_errors else { return Ok(Vec::new()) };
    let draws = Draws { count, seed, level: spec.level };
    let found = simulate(&plan.problem, estimated, draws, left.shared, left.interrupt)?;
    fit.effect_errors = "simulate".to_string();
    fit.simulated = Some(Drawn { draws: count, discarded: found.discarded, seed });
    put(plan, &found, fit);
    Ok(discarded(count, found.discarded).into_iter().collect())
}

/// `estimate::draws_discarded`: a note, and a warning where so many are gone that the rest is cut off.
fn discarded(draws: usize, gone: usize) -> Option<Fault> {
    if gone == 0 {
        return None;
    }
    let verb = if gone == 1 {
        "lies outside the admissible region and is"
    } else {
        "lie outside the admissible region and are"
    };
    let message = format!("{gone} of {draws} draws {verb} discarded");
    let mut fault = Fault::note("durbin::estimate::draws_discarded", message);
    if gone as f64 > MANY * draws as f64 {
        fault.level = Level::Warning;
        fault.message.push_str(": the intervals are those of a truncated distribution");
        fault = fault.help("the parameter is close to the end of its interval: compare with `effects: delta`");
    }
    Some(fault)
}

/// Puts spreads in the place of delta-method errors.
fn put(plan: &ModelPlan, found: &Resampled, fit: &mut Fit) {
    let lagged = |k: &usize| plan.problem.time_lags.iter().all(|t| t.regressor != *k);
    for (effect, k) in fit.effects.iter_mut().zip((0..plan.terms.len()).filter(lagged)) {
        let Effect { direct, indirect, total, long_run, .. } = effect;
        each([direct, indirect, total], found.effects.get(k));
        if let Some(long_run) = long_run {
            let Impact { direct, indirect, total } = &mut **long_run;
            each([direct, indirect, total], found.long_run.get(k));
        }
    }
    if let Some(p) = &mut fit.policy_effects {
        let PolicyEffects {
            direct_on_treated,
            indirect_on_treated,
            total_on_treated,
            indirect_on_untreated,
            indirect_on_exposed,
            aggregate,
            ..
        } = p;
        let all = [
            direct_on_treated,
            indirect_on_treated,
            total_on_treated,
            indirect_on_untreated,
            indirect_on_exposed,
            aggregate,
        ];
        each(all, found.policy.as_ref());
    }
}

fn each<const N: usize>(estimates: [&mut Estimate; N], spreads: Option<&[Spread; N]>) {
    for (k, e) in estimates.into_iter().enumerate() {
        *e = with(e.estimate, spreads.map_or(NONE, |s| s[k]));
    }
}

const NONE: Spread = Spread { se: f64::NAN, interval: [f64::NAN; 2], p: None };

/// An estimate with its spread; without a p-value of its own by the normal distribution.
fn with(estimate: f64, spread: Spread) -> Estimate {
    let se = if spread.se > 0.0 { spread.se } else { f64::NAN };
    let statistic = estimate / se;
    let normal = if statistic.is_finite() { 2.0 * Normal::standard().sf(statistic.abs()) } else { f64::NAN };
    Estimate { estimate, se, statistic, p: spread.p.unwrap_or(normal), ci: spread.interval }
}
