//! What estimators remark and why they refuse, in the words of `durbin::estimate::…` and `durbin::plan::…`.

use super::fit::terms;
use super::near_collinear;
use crate::check::spec::ModelSpec;
use crate::estimators::{Approach, EstimateError, Estimated, Interval, Remark};
use crate::fault::{Fault, counted, ticked_list};
use crate::linalg::LinalgError;
use crate::outcome::Probes;
use crate::plan::ModelPlan;

/// Warnings and notes that travel with a fit.
pub(super) fn remarks(spec: &ModelSpec, plan: &ModelPlan, estimated: &Estimated) -> Vec<Fault> {
    let mut out: Vec<Fault> = estimated.remarks.iter().filter_map(|r| remark(spec, plan, r)).collect();
    let least_squares = estimated.rho_interval.is_none() && estimated.lambda_interval.is_none();
    out.extend(near_collinear::warning(spec, plan, estimated));
    let adjustable = !least_squares && plan.problem.approach == Approach::Likelihood;
    if plan.terms.len() >= 10 && !plan.problem.df_adjust && adjustable {
        out.push(many_terms(plan.terms.len()));
    }
    out
}

/// The note of methods C.5, last item.
fn many_terms(count: usize) -> Fault {
    let message = format!("{count} terms: estimating them takes away part of the score of the spatial parameter");
    Fault::note("durbin::estimate::many_terms", message).help("`df_adjust: true` adjusts for their number")
}

fn number(x: f64) -> String {
    format!("{x:.6}")
}

fn between(interval: &Interval) -> String {
    format!("({}, {})", number(interval.lo), number(interval.hi))
}

/// What was probed for the standard errors of a fit.
pub(super) fn probes(estimated: &Estimated) -> Option<Probes> {
    estimated.remarks.iter().find_map(|r| match r {
        Remark::ProbedErrors { probes, share } => Some(Probes { count: *probes, largest_error: *share }),
        _ => None,
    })
}

/// The line under a fit whose standard errors rest on random probes: how many, and what they leave uncertain.
pub(super) fn probed(estimated: &Estimated) -> Option<String> {
    let found = probes(estimated)?;
    let percent = 100.0 * found.largest_error;
    let size = if percent < 0.01 { "less than 0.01 %".to_string() } else { format!("at most {percent:.2} %") };
    Some(format!(
        "standard errors by up to {} seeded random probes; their probe error is {size} of a standard error",
        found.count
    ))
}

fn remark(spec: &ModelSpec, plan: &ModelPlan, remark: &Remark) -> Option<Fault> {
    Some(match remark {
        Remark::Boundary { parameter, value, interval } => Fault::warning(
            "durbin::estimate::boundary",
            format!(
                "`{parameter}` = {} of `{}` is at the end of its interval {}: there are no standard errors",
                number(*value),
                spec.query,
                between(interval)
            ),
        )
        .help("compare with `ols`, or take other weights: the data may hold more dependence than this model can"),
        Remark::SingularVariance { parameters } if parameters.is_empty() => Fault::warning(
            "durbin::estimate::perfect_fit",
            format!("the residuals of `{}` are zero: its regressors reproduce it", spec.outcome.text),
        )
        .help("look for a regressor that holds the outcome"),
        Remark::SingularVariance { parameters } => {
            let names = terms(plan);
            let involved: Vec<&String> = parameters.iter().filter_map(|&p| names.get(p)).collect();
            Fault::warning(
                "durbin::estimate::singular",
                format!(
                    "the variance matrix is not positive definite: no standard errors for {}",
                    ticked_list(&involved)
                ),
            )
            .help("another `se:`, or fewer terms")
        }
        Remark::RepairedVariance { parameters } => {
            let names = terms(plan);
            let involved: Vec<&String> = parameters.iter().filter_map(|&p| names.get(p)).collect();
            let mut message = format!(
                "the variance matrix by `{}` is not positive definite: its negative eigenvalues are set to zero",
                plan.variance_name
            );
            if !involved.is_empty() {
                message.push_str(&format!(", and there are no standard errors for {}", ticked_list(&involved)));
            }
            Fault::warning("durbin::estimate::singular", message).help("`cluster(unit)`, or fewer terms")
        }
        Remark::IndefiniteVariance { parameters } => {
            let names = terms(plan);
            let involved: Vec<&String> = parameters.iter().filter_map(|&p| names.get(p)).collect();
            let mut message = format!(
                "the variance matrix by `{}` is not positive definite: joint tests of several terms are unreliable",
                plan.variance_name
            );
            if !involved.is_empty() {
                let names = ticked_list(&involved);
                message
                    .push_str(&format!(", and there are no standard errors for {names}, whose variance is negative"));
            }
            Fault::warning("durbin::estimate::singular", message)
                .help("`kernel: bartlett`, another cutoff, or `cluster(unit)`")
        }
        Remark::TwoOptima { best, other } => Fault::warning(
            "durbin::estimate::two_optima",
            format!("two optima lie within 2 log-likelihood units: {} and {}", optimum(best), optimum(other)),
        )
        .help("the higher one is reported; with one matrix for both, rho and lambda may change places"),
        Remark::Leverage { unit, share } => {
            let name = plan.units.get(*unit).map_or("", String::as_str);
            Fault::warning(
                "durbin::plan::leverage",
                format!(
                    "unit \"{name}\" carries {:.0} % of what identifies rho: its clustered standard error is too small",
                    share * 100.0
                ),
            )
            .help("`se: iid` does not rest on single units")
        }
        Remark::Unstable { largest_root, corrected } => {
            let bias = if *corrected {
                ""
            } else {
                "; the bias of its coefficients is not corrected, for that rests on stability"
            };
            Fault::warning(
                "durbin::estimate::unstable",
                format!(
                    "the largest root of `{}` is {}: there are no long-run effects{bias}",
                    spec.query,
                    number(*largest_root)
                ),
            )
            .help("model spatial differences, `y - W @ y`, or growth instead of levels")
        }
        Remark::Outside { parameter, value, interval } => Fault::warning(
            "durbin::estimate::outside",
            format!(
                "`{parameter}` = {} of `{}` is outside of its interval {}: there are no effects",
                number(*value),
                spec.query,
                between(interval)
            ),
        )
        .help("the instruments may be weak: compare with `method: qml`, which stays inside"),
        Remark::WeakInstruments { f } => Fault::warning(
            "durbin::estimate::weak_instruments",
            format!(
                "the instruments of `{}` are weak: the first-stage F is {f:.2}, and below 10 estimates lean towards \
                 least squares and intervals are too short",
                spec.query
            ),
        )
        .help("other instruments, or `method: qml`, which needs none for rho"),
        Remark::NoUnitVariance => Fault::warning(
            "durbin::estimate::no_unit_variance",
            format!("the variance of the random unit effects of `{}` is zero: this is the pooled model", spec.query),
        )
        .help("`fe: none` says so, `fe: unit` does not rest on it"),
        Remark::Probes { .. } | Remark::ProbedErrors { .. } => return None,
    })
}

fn optimum([rho, lambda, loglik]: &[f64; 3]) -> String {
    format!("rho {}, lambda {} ({loglik:.3})", number(*rho), number(*lambda))
}

/// Why there is no estimate.
pub(super) fn refusal(spec: &ModelSpec, plan: &ModelPlan, error: &EstimateError) -> Fault {
    let outcome = &spec.outcome.text;
    match error {
        EstimateError::NotConverged { iterations, score, interval } => Fault::error(
            "durbin::estimate::not_converged",
            format!(
                "the optimizer stopped after {iterations} iterations with a score of {score:.3e}, in the interval {}",
                between(interval)
            ),
        )
        .help("rescale the regressors, or leave terms out"),
        EstimateError::PerfectFit => {
            let regressors = ticked_list(&plan.terms);
            Fault::error(
                "durbin::estimate::perfect_fit",
                format!(
                    "the residuals of `{outcome}` are zero, so that the likelihood has no maximum: {regressors} {} it",
                    if plan.terms.len() == 1 { "reproduces" } else { "reproduce" }
                ),
            )
            .help("look for a regressor that holds the outcome")
        }
        EstimateError::NotFinite => not_finite(spec, plan),
        EstimateError::RankDeficient { .. } => {
            Fault::error("durbin::plan::collinear", format!("the regressors of `{outcome}` are linear combinations"))
        }
        EstimateError::Linalg(LinalgError::TooLarge { what, bytes }) => Fault::error(
            "durbin::plan::memory",
            format!("{what} for {} units would need {:.1} GB", plan.problem.units, *bytes as f64 / 1e9),
        )
        .help("sparser weights (a cutoff), or `se: iid`"),
        EstimateError::Linalg(e) => {
            Fault::error("durbin::estimate::not_converged", format!("the spatial filter of `{}` failed: {e}", spec.query))
                .help("look at the weights: their scaling, and links of very different size")
        }
        EstimateError::UnlikePeriods => {
            let message = format!("the matrices of `{}` are not of the periods of its sample", spec.query);
            Fault::error("durbin::run::bug", message)
        }
        EstimateError::UnbalancedLags => Fault::error(
            "durbin::plan::needs_balanced",
            format!("`{}` needs a balanced panel, and this one has gaps", spec.query),
        )
        .help("`balance drop` leaves units with gaps out; `ols` and `did` take a panel with gaps"),
        EstimateError::UnderIdentified { instruments, endogenous } => Fault::error(
            "durbin::estimate::under_identified",
            format!(
                "`{}` has {} and {} that tell them apart: instruments that are no regressors and no combination of others",
                spec.query,
                counted(*endogenous, "endogenous variable", "endogenous variables"),
                counted(*instruments, "instrument", "instruments"),
            ),
        )
        .help("name more instruments in `iv:`; spatial lags of treatments and dummies alone often say the same"),
        EstimateError::UnevenRows => Fault::error(
            "durbin::plan::row_sums",
            format!(
                "the moments of `{}` need a matrix of the error whose rows have one sum, for period effects are removed",
                spec.query
            ),
        )
        .help("scale it with `row(…)`, or leave period effects out: `fe: unit`"),
        EstimateError::EffectsNotDefined => Fault::error(
            "durbin::check::not_available",
            format!("`{}` does not take effects of groups, interactions or trends", spec.query),
        )
        .help("`ols`, `slx`, `did` and `slx_did` do"),
        EstimateError::Interrupted => Fault::error("durbin::run::interrupted", "stopped"),
        EstimateError::VarianceNotDefined => Fault::error(
            "durbin::check::bad_option_value",
            format!("`se: {}` is not defined for `{}`", spec.variance_name, spec.query),
        )
        .help("`iid`, `observed`, `qml` and `cluster(unit)` are for likelihood models; `iid`, `robust`, `cluster(…)`, `driscoll_kraay(…)` and `conley(…)` for least squares"),
    }
}

/// The column whose size makes sums overflow.
fn not_finite(spec: &ModelSpec, plan: &ModelPlan) -> Fault {
    let size = |v: &[f64]| v.iter().filter(|x| !x.is_nan()).fold(0.0, |m: f64, x| m.max(x.abs()));
    let outcome = (spec.outcome.text.as_str(), size(&plan.problem.outcome));
    let terms = plan.terms.iter().zip(&plan.problem.regressors).map(|(t, r)| (t.as_str(), size(&r.values)));
    let (name, scale) = terms.fold(outcome, |a, b| if b.1 > a.1 { b } else { a });
    let matrices = plan.durbin_weights.iter().chain(&plan.lag_weights).chain(&plan.error_weights);
    let sizes = matrices.map(|m| (m.name.as_str(), size(m.weights.matrix.data())));
    if let Some((weights, most)) = sizes.reduce(|a, b| if b.1 > a.1 { b } else { a })
        && most > scale
    {
        let message = format!("sums overflow: weights of `{weights}` reach {most:e}");
        return Fault::error("durbin::estimate::not_finite", message)
            .help(format!("scale them: `row({weights})`, `spectral({weights})`"));
    }
    Fault::error("durbin::estimate::not_finite", format!("sums overflow: values of `{name}` reach {scale:e}"))
        .help(format!("rescale `{name}`, for instance to thousands or millions"))
}
