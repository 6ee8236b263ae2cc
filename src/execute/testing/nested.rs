//! Tests of models against models: Wald, likelihood ratio, Hausman.

use super::{Named, finding, several, single};
use crate::check::spec::RestrictionSpec;
use crate::estimators::{Approach, Estimated, FixedEffects, Model, Reference};
use crate::execute::fit::operand;
use crate::execute::restrictions;
use crate::fault::{Fault, ticked_list};
use crate::inference::wald;
use crate::outcome::testing::{Distribution, Finding, TestResult};
use crate::plan::testing::{has_common_factor, parameters_of};
use nalgebra::DMatrix;

/// A restriction's statistic; `None` where the variance of the restrictions is singular.
fn statistic(model: &Named, test: &str, label: &str, values: &[f64], gradient: &[Vec<f64>]) -> Option<Finding> {
    let found = wald::wald(values, gradient, &model.fitted.fit.vcov.matrix)?;
    Some(of_restrictions(model, test, label, found, values.len()))
}

/// Wald's statistic of `q` restrictions: chi-squared of likelihood models, F of least squares.
pub(super) fn of_restrictions(model: &Named, test: &str, label: &str, wald: f64, q: usize) -> Finding {
    match model.fitted.estimated.reference {
        Reference::Normal => finding(test, label, wald, Distribution::ChiSquared(q)),
        Reference::T(df) => finding(test, label, wald / q as f64, Distribution::F(q, df)),
    }
}

pub(super) fn no_statistic(model: &Named) -> Fault {
    let message = format!(
        "the restrictions on `{}` have no statistic: their variance is singular, for they repeat each other or an estimate has no variance",
        model.name
    );
    Fault::error("durbin::estimate::no_statistic", message).help("name restrictions that do not follow from each other")
}

/// Given restrictions, or those that simplify the model.
pub(super) fn wald(model: &Named, given: &[RestrictionSpec]) -> Result<TestResult, Fault> {
    let fit = &model.fitted.fit;
    let mut about = model.about();
    about.push(("Variance", fit.se_type.clone()));
    let names = &fit.vcov.terms;
    if given.is_empty() {
        let parts = simplifications(model)?;
        let title = format!("Wald tests of {}: can it be simplified?", model.name);
        return Ok(several("wald", title, about, parts, pretest_note(model)));
    }
    let estimates: Vec<f64> = fit.coefficients.iter().map(|c| c.value.estimate).collect();
    let (values, gradient) = restrictions::values(given, names, &estimates)?;
    let texts: Vec<&str> = given.iter().map(|r| r.text.as_str()).collect();
    let null = texts.join(" and ");
    let mut one = statistic(model, "wald", "Wald", &values, &gradient).ok_or_else(|| no_statistic(model))?;
    let rejected =
        if given.len() == 1 { "the restriction does not hold" } else { "at least one restriction does not hold" };
    one = one.about(&null, rejected);
    let mut notes = Vec::new();
    if let ([value], [row]) = (&values[..], &gradient[..]) {
        let variance = quadratic(row, &fit.vcov.matrix);
        let sides = texts[0].split('=').map(str::trim).collect::<Vec<_>>();
        if let [left, right] = sides[..] {
            let what = if right == "0" { left.to_string() } else { format!("{left} - ({right})") };
            notes.push(format!(
                "{what} is {}, standard error {} (delta method)",
                shown(*value),
                shown(variance.sqrt())
            ));
        }
    }
    Ok(single(format!("Wald test of {}", model.name), about, one, notes))
}

fn shown(x: f64) -> String {
    crate::report::number::significant(x, 4)
}

fn quadratic(row: &[f64], v: &[Vec<f64>]) -> f64 {
    let used: Vec<usize> = (0..row.len()).filter(|&i| row[i] != 0.0).collect();
    used.iter().map(|&i| used.iter().map(|&j| row[i] * v[i][j] * row[j]).sum::<f64>()).sum()
}

fn pretest_note(model: &Named) -> Vec<String> {
    let fit = &model.fitted.fit;
    if fit.treatment.is_some() && model.fitted.plan.problem.model.has_durbin() {
        vec!["do not drop the spatial lag of the treatment because of a test: what is estimated after looking has wider intervals than it says".to_string()]
    } else {
        Vec::new()
    }
}

/// The coefficients of spatial lags: place of each term's own coefficient and of its lag, by matrix, lags of the outcome
/// apart.
struct Lags {
    /// Places of the lags' coefficients.
    theta: Vec<usize>,
    /// Pairs (own, lag) of a model with one matrix.
    pairs: Vec<(usize, usize)>,
    rho: Option<usize>,
    lambda: Option<usize>,
}

fn lags(model: &Named) -> Lags {
    let (fit, plan) = (&model.fitted.fit, &model.fitted.plan);
    let at = |name: &str| fit.vcov.terms.iter().position(|t| t == name);
    let mut out = Lags { theta: Vec::new(), pairs: Vec::new(), rho: at("rho"), lambda: at("lambda") };
    if !plan.problem.model.has_durbin() {
        return out;
    }
    for matrix in &plan.durbin_weights {
        for (k, term) in plan.terms.iter().enumerate().filter(|(k, _)| plan.problem.regressors[*k].lagged) {
            let lag = at(&format!("{} @ {}", matrix.name, operand(term)));
            if let (Some(own), Some(lag)) = (at(term), lag) {
                if plan.problem.time_lags.iter().all(|t| t.regressor != k) {
                    out.theta.push(lag);
                }
                out.pairs.push((own, lag));
            }
        }
    }
    out
}

/// The parts of methods F.3: every model that this one becomes under a restriction.
pub(super) fn simplifications(model: &Named) -> Result<Vec<Finding>, Fault> {
    let (fit, plan) = (&model.fitted.fit, &model.fitted.plan);
    let b: Vec<f64> = fit.coefficients.iter().map(|c| c.value.estimate).collect();
    let size = b.len();
    let family = plan.problem.model;
    let of = lags(model);
    let zero = |places: &[usize]| {
        let row = |&p: &usize| (0..size).map(|j| f64::from(u8::from(j == p))).collect::<Vec<f64>>();
        (places.iter().map(|&p| b[p]).collect::<Vec<f64>>(), places.iter().map(row).collect::<Vec<_>>())
    };
    let mut out = Vec::new();
    let mut add =
        |test: &str, label: &str, (values, gradient): (Vec<f64>, Vec<Vec<f64>>), null: &str, rejected: &str| {
            let found = statistic(model, test, label, &values, &gradient).ok_or_else(|| no_statistic(model))?;
            out.push(found.about(null, rejected));
            Ok::<(), Fault>(())
        };
    let keep = format!("keep `{}`", family.name());
    if !of.theta.is_empty() {
        let (test, label) = match family {
            Model::Slx => ("ols", "To OLS"),
            Model::Sdem => ("sem", "To SEM"),
            Model::Gns => ("sac", "To SAC"),
            _ => ("sar", "To SAR"),
        };
        add(test, label, zero(&of.theta), "theta = 0: the spatial lags of the terms have no coefficients", &keep)?;
    }
    if let (Model::Sdm, Some(rho), true) = (family, of.rho, has_common_factor(plan)) {
        let mut values = Vec::new();
        let mut gradient = Vec::new();
        for &(own, lag) in &of.pairs {
            values.push(b[lag] + b[rho] * b[own]);
            let mut row = vec![0.0; size];
            (row[lag], row[own], row[rho]) = (1.0, b[rho], b[own]);
            gradient.push(row);
        }
        add("sem", "To SEM", (values, gradient), "theta + rho beta = 0: the lags are those of a spatial error", &keep)?;
    }
    if let Some(rho) = of.rho {
        let (test, label) = match family {
            Model::Sdm => ("slx", "To SLX"),
            Model::Sac => ("sem", "To SEM"),
            Model::Gns => ("sdem", "To SDEM"),
            _ => ("ols", "To OLS"),
        };
        add(test, label, zero(&[rho]), "rho = 0: the outcome has no spatial lag", &keep)?;
    }
    if let Some(lambda) = of.lambda {
        let (test, label) = match family {
            Model::Sdem => ("slx", "To SLX"),
            Model::Sac => ("sar", "To SAR"),
            Model::Gns => ("sdm", "To SDM"),
            _ => ("ols", "To OLS"),
        };
        add(test, label, zero(&[lambda]), "lambda = 0: the error has no spatial process", &keep)?;
    }
    Ok(out)
}

/// Twice the difference of two log-likelihoods.
pub(super) fn likelihood_ratio(small: &Named, big: &Named) -> TestResult {
    let (a, b) = (&small.fitted.fit, &big.fitted.fit);
    let df = parameters_of(&big.fitted.plan) - parameters_of(&small.fitted.plan);
    let statistic = 2.0 * (b.loglik - a.loglik);
    let about = vec![
        ("Smaller", format!("{}, log-likelihood {}", small.described(), shown_loglik(a.loglik))),
        ("Larger", format!("{}, log-likelihood {}", big.described(), shown_loglik(b.loglik))),
    ];
    let same = small.name == big.name;
    let ticked = |name: &str, place: &str| if same { format!("the {place} model") } else { format!("`{name}`") };
    let (less, more) = (ticked(&small.name, "first"), ticked(&big.name, "second"));
    let null = format!("what {more} has beyond {less} is zero");
    let rejected = format!("{less} leaves out something that matters: keep {more}");
    let one = finding("lr", "Likelihood ratio", statistic, Distribution::ChiSquared(df)).about(&null, &rejected);
    let mut notes = Vec::new();
    let effects = [small, big].map(|m| m.fitted.plan.problem.fixed_effects);
    if effects[0] != effects[1] {
        notes.push("many effects beside few rows: the F test of the same effects holds in small samples, `specification_tests` has it".to_string());
    }
    if statistic < -1e-6 * a.loglik.abs().max(1.0) {
        notes
            .push("the larger model has the smaller likelihood: one of the two stopped at another optimum".to_string());
    }
    single(format!("Likelihood ratio of {} and {}", small.name, big.name), about, one, notes)
}

fn shown_loglik(x: f64) -> String {
    crate::report::number::fixed(x, 3)
}

/// `σ²(Z'Σ⁻¹Z)⁻¹`: the variance of slopes by generalized least squares, the parameters of the variance given.
fn generalized(e: &Estimated) -> Vec<Vec<f64>> {
    let p = e.triangle.len();
    let r = DMatrix::from_fn(p, p, |i, j| e.triangle[i][j]);
    let Some(inverse) = r.solve_upper_triangular(&DMatrix::identity(p, p)) else {
        return vec![vec![f64::NAN; p]; p];
    };
    let v = &inverse * inverse.transpose() * e.sigma2;
    v.row_iter().map(|row| row.iter().copied().collect()).collect()
}

/// The Hausman statistic over the slopes that both models have (methods F.4).
pub(super) fn hausman(fixed: &Named, random: &Named) -> Result<TestResult, Fault> {
    let (a, b) = (&fixed.fitted.fit, &random.fitted.fit);
    let mut common = Vec::new();
    for c in a.coefficients.iter().filter(|c| !matches!(c.term.as_str(), "rho" | "lambda" | "(Intercept)")) {
        if let Some(k) = b.coefficients.iter().position(|o| o.term == c.term) {
            let i = a.vcov.terms.iter().position(|t| *t == c.term).unwrap_or(usize::MAX);
            common.push((c.term.clone(), i, k));
        }
    }
    let pick = |v: &[Vec<f64>], at: &[usize]| {
        at.iter().map(|&i| at.iter().map(|&j| v[i][j]).collect()).collect::<Vec<Vec<f64>>>()
    };
    let (left, right): (Vec<usize>, Vec<usize>) = common.iter().map(|(_, i, k)| (*i, *k)).unzip();
    let of = |fit: &crate::outcome::Fit, at: &[usize]| {
        at.iter().map(|&i| fit.coefficients[i].value.estimate).collect::<Vec<f64>>()
    };
    let efficient = match random.fitted.plan.problem.approach {
        Approach::Random(_) => generalized(&random.fitted.estimated),
        _ => b.vcov.matrix.clone(),
    };
    let found = wald::hausman(
        &of(a, &left),
        &of(b, &right),
        &pick(&a.vcov.matrix, &left),
        &pick(&efficient, &right),
    )
    .filter(|f| f.df > 0)
    .ok_or_else(|| {
        let message =
            "the variances of the two models leave nothing to compare: the one assumed efficient is nowhere smaller";
        Fault::error("durbin::estimate::no_statistic", message).help("give both models `se: iid`")
    })?;
    let names: Vec<&str> = common.iter().map(|c| c.0.as_str()).collect();
    let about = vec![("Fixed", fixed.described()), ("Random", random.described()), ("Compared", ticked_list(&names))];
    let pooled = matches!(random.fitted.plan.problem.fixed_effects, FixedEffects::None | FixedEffects::Time)
        && b.random_effects.is_none();
    let (null, rejected) = if pooled {
        (
            "units do not differ: both estimates are consistent, the second is efficient",
            "units differ: keep fixed effects",
        )
    } else {
        (
            "the effects are uncorrelated with the regressors: both estimates are consistent, the second is efficient",
            "random effects are biased: keep fixed effects",
        )
    };
    let one = finding("hausman", "Hausman", found.statistic, Distribution::ChiSquared(found.df)).about(null, rejected);
    let mut notes = Vec::new();
    if found.generalized {
        notes.push(format!(
            "the difference of the variances is not positive definite: its positive part, of rank {}, was inverted; unit means of the regressors in a random-effects model (Mundlak) give a test without this",
            found.df
        ));
    }
    if a.se_type != "iid" || b.se_type != "iid" {
        notes.push("the comparison of variances assumes independent errors: `se: iid` in both models".to_string());
    }
    if pooled {
        notes.push("the second model has no random effects: this asks whether units differ at all".to_string());
    }
    Ok(single(format!("Hausman test of {} and {}", fixed.name, random.name), about, one, notes))
}
