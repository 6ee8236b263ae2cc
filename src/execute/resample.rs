//! What draws change of a fit: standard errors, p-values and intervals; the estimates stay.

use super::steps::Left;
use crate::check::spec::{EffectErrors, ModelSpec, Resampling};
use crate::estimators::{
    Bootstrap, Draws, EstimateError, Estimated, Resampled, Scheme, Spread, Wild, WildWeights, bootstrap, simulate, wild,
};
use crate::fault::{Fault, Level};
use crate::outcome::{Bootstrapped, Drawn, Effect, Estimate, Fit, Impact, PolicyEffects};
use crate::plan::ModelPlan;
use statrs::distribution::{ContinuousCDF, Normal};

/// Share of discarded draws above which the rest is no sample of the distribution (methods D.2).
const MANY: f64 = 0.01;

/// Draws what the model asks for and puts it into the fit, the covariance of a bootstrap into the estimate too; what is
/// said about it is returned.
pub(super) fn resample(
    seed: u64,
    spec: &ModelSpec,
    plan: &ModelPlan,
    estimated: &mut Estimated,
    left: &Left,
    fit: &mut Fit,
) -> Result<Vec<Fault>, EstimateError> {
    match (spec.resampling, spec.effect_errors) {
        (Some(Resampling::Wild { reps, weights }), _) => {
            let settings = Wild { reps, seed, level: spec.level, weights };
            let found = wild(&plan.problem, estimated, settings, left.interrupt)?;
            fit.bootstrap = Some(Bootstrapped {
                scheme: "wild_cluster".to_string(),
                weights: Some(found.weights.word().to_string()),
                clusters: Some(found.clusters),
                reps,
                discarded: 0,
                seed,
            });
            fit.effect_errors = "wild".to_string();
            put(plan, &found.spreads, fit);
            Ok(Vec::new())
        }
        (Some(Resampling::Residuals { scheme, reps }), _) => {
            let settings = Bootstrap { scheme, reps, seed, level: spec.level };
            let found = bootstrap(&plan.problem, estimated, settings, left.shared, left.interrupt)?;
            let weights = WildWeights::or_default(None, plan.problem.periods).word().to_string();
            fit.bootstrap = Some(Bootstrapped {
                scheme: scheme.word().to_string(),
                weights: (scheme == Scheme::WildPeriod).then_some(weights),
                clusters: None,
                reps,
                discarded: found.discarded,
                seed,
            });
            fit.effect_errors = "bootstrap".to_string();
            if let Some(vcov) = &found.vcov {
                fit.vcov.matrix.clone_from(vcov);
                estimated.vcov.clone_from(vcov);
            }
            put(plan, &found, fit);
            Ok(failed(reps, found.discarded).into_iter().collect())
        }
        (None, EffectErrors::Simulate { draws: count }) => {
            let draws = Draws { count, seed, level: spec.level };
            let found = simulate(&plan.problem, estimated, draws, left.shared, left.interrupt)?;
            fit.effect_errors = "simulate".to_string();
            fit.simulated = Some(Drawn { draws: count, discarded: found.discarded, seed });
            put(plan, &found, fit);
            Ok(discarded(count, found.discarded).into_iter().collect())
        }
        (None, EffectErrors::Delta) => Ok(Vec::new()),
    }
}

/// The same of a bootstrap: replications whose estimate is none.
fn failed(reps: usize, gone: usize) -> Option<Fault> {
    if gone == 0 {
        return None;
    }
    let verb = if gone == 1 { "has" } else { "have" };
    let message = format!("{gone} of {reps} replications {verb} no estimate inside the admissible interval");
    let mut fault = Fault::note("durbin::estimate::draws_discarded", message);
    if gone as f64 > MANY * reps as f64 {
        fault.level = Level::Warning;
        fault.message.push_str(": standard errors and intervals are those of the others");
        fault = fault.help("compare with `se: cluster(unit)`");
    }
    Some(fault)
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
    for (c, spread) in fit.coefficients.iter_mut().zip(&found.coefficients) {
        c.value = with(c.value.estimate, *spread);
    }
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
