//! Tests on residuals: Lagrange multipliers, dependence across units and over time, their variance.

use super::{Named, failed, finding, several, single};
use crate::fault::Fault;
use crate::inference::dependence;
use crate::inference::residuals::{Lagrange, Style, lagrange as multipliers};
use crate::outcome::testing::{Distribution, Finding, TestResult};
use crate::plan::testing::TestPlan;
use crate::weights::Weights;
use std::sync::Arc;

/// The matrix that was planned for a test.
fn matrix(plan: &TestPlan) -> Result<&Arc<Weights>, Fault> {
    match plan {
        TestPlan::Matrix(Some(w)) => Ok(w),
        _ => Err(Fault::error("durbin::run::bug", "a test's matrix was not planned")),
    }
}

/// The five statistics of methods F.2 under their names.
pub(super) fn multiplier_findings(of: &Lagrange) -> Vec<Finding> {
    let one = Distribution::ChiSquared(1);
    vec![
        finding("lm_lag", "LM lag", of.lag, one)
            .about("rho = 0 where lambda = 0: no spatial lag of the outcome", "a spatial lag (or error) is missing"),
        finding("lm_error", "LM error", of.error, one)
            .about("lambda = 0 where rho = 0: no spatial error", "a spatial error (or lag) is missing"),
        finding("robust_lm_lag", "Robust LM lag", of.robust_lag, one)
            .about("rho = 0, whether or not there is a small lambda", "a spatial lag is missing: `sar` or `sdm`"),
        finding("robust_lm_error", "Robust LM error", of.robust_error, one)
            .about("lambda = 0, whether or not there is a small rho", "a spatial error is missing: `sem` or `sdem`"),
        finding("joint", "Joint", of.joint, Distribution::ChiSquared(2))
            .about("rho = 0 and lambda = 0", "a spatial lag, a spatial error or both are missing"),
    ]
}

pub(super) fn lagrange(model: &Named, weights: &str, plan: &TestPlan, centered: bool) -> Result<TestResult, Fault> {
    let style = if centered { Style::Centered } else { Style::Elhorst };
    let problem = &model.fitted.plan.problem;
    let found = multipliers(problem, matrix(plan)?, style).map_err(|e| failed("lm_tests", &e))?;
    let mut about = model.about();
    about.push(("Weights", weights.to_string()));
    about.push(("Scores", if centered { "centered" } else { "textbook form, not centered (Elhorst)" }.to_string()));
    let mut notes = Vec::new();
    if found.robust_lag.is_nan() {
        notes.push("the regressors leave nothing by which to tell a lag from an error: no robust forms".to_string());
    }
    Ok(several(
        "lm_tests",
        format!("Lagrange multiplier tests of {}", model.name),
        about,
        multiplier_findings(&found),
        notes,
    ))
}

const DEPENDENT: &str = "units are dependent: shocks in common or spillovers that the model does not have";

/// Pesaran's CD; its weighted form where period effects were removed; over linked pairs where a matrix is given.
pub(super) fn dependence(
    model: &Named,
    weights: Option<&str>,
    plan: &TestPlan,
    seed: u64,
) -> Result<TestResult, Fault> {
    let problem = &model.fitted.plan.problem;
    let (n, t) = (problem.units, problem.periods);
    let e = model.innovations();
    let mut about = model.about();
    let null = "residuals of different units are uncorrelated";
    let period_effects = model.fitted.fit.fixed_effects.iter().any(|e| e == "time");
    let mut notes = Vec::new();
    if let Some(name) = weights {
        let (cd, pairs) = dependence::local_pesaran(e, matrix(plan)?, t);
        about.push(("Pairs", format!("{pairs} that {name} links")));
        if period_effects {
            notes.push("removed time effects make residuals of any two units slightly unlike; with many units it hardly matters for linked pairs".to_string());
        }
        if cd.is_nan() {
            notes.push("no statistic: no residuals of two linked units vary".to_string());
        }
        let one = finding("pesaran_cd", "CD(p)", cd, Distribution::Normal)
            .about("residuals of linked units are uncorrelated", DEPENDENT);
        return Ok(single(format!("Local cross-section dependence of {}", model.name), about, one, notes));
    }
    let title = format!("Cross-section dependence of {}", model.name);
    if !period_effects {
        let cd = dependence::pesaran(e, n, t);
        if cd.is_nan() {
            notes.push(
                "no statistic: no two units have three periods in common, or residuals of a unit do not vary"
                    .to_string(),
            );
        }
        let one = finding("pesaran_cd", "CD", cd, Distribution::Normal).about(null, DEPENDENT);
        return Ok(single(title, about, one, notes));
    }
    let found = dependence::weighted_pesaran(e, n, t, seed);
    about.push(("Signs", format!("drawn by seed {seed}")));
    notes.push("Pesaran's CD does not hold where time effects were removed, which makes residuals sum to zero in every period: CD_W of Juodis and Reese stands here".to_string());
    notes.push(format!("CD_W+ adds {} correlations above 2√(ln N / T)", found.large));
    let plain = finding("pesaran_cd_w", "CD_W", found.plain, Distribution::Normal).about(null, DEPENDENT);
    let enhanced = finding("pesaran_cd_w_plus", "CD_W+", found.enhanced, Distribution::Normal).about(null, DEPENDENT);
    let whole = enhanced.clone();
    Ok(TestResult {
        null: null.to_string(),
        rejected: DEPENDENT.to_string(),
        whole: Some(whole),
        ..several("pesaran_cd", title, about, vec![plain, enhanced], notes)
    })
}

/// Serial correlation of residuals, clustered by unit.
pub(super) fn serial(model: &Named) -> TestResult {
    let problem = &model.fitted.plan.problem;
    let unit_effects = model.fitted.fit.fixed_effects.iter().any(|e| e == "unit");
    let e = model.innovations();
    let of = dependence::serial(e, problem.units, problem.periods, unit_effects);
    let null = match (unit_effects, e.iter().any(|v| v.is_nan())) {
        (true, false) => {
            "errors of a unit are uncorrelated over time: residuals regress on those before with -1/(T - 1)"
        }
        (true, true) => {
            "errors of a unit are uncorrelated over time: residuals regress on those before with what removing the means of \
             units of these lengths brings"
        }
        _ => "errors of a unit are uncorrelated over time: residuals do not regress on those before",
    };
    let rejected = "standard errors that take errors as independent are wrong: `se: cluster(unit)`";
    let one = Finding {
        moments: Some([of.estimate, of.expected, of.variance]),
        ..finding("serial_correlation", "Regression on the period before", of.statistic, Distribution::T(of.df))
    };
    let title = format!("Serial correlation of the residuals of {}", model.name);
    let none = "no statistic: too few periods in a row, or residuals that follow from those before";
    let notes = if of.statistic.is_nan() { vec![none.to_string()] } else { Vec::new() };
    single(title, model.about(), one.about(null, rejected), notes)
}

/// Heteroskedasticity and normality of residuals.
pub(super) fn spread(model: &Named) -> Result<TestResult, Fault> {
    let problem = &model.fitted.plan.problem;
    let regressors: Vec<&[f64]> = problem.regressors.iter().map(|r| r.values.as_slice()).collect();
    let e = model.innovations();
    let of = dependence::spread(e, problem.units, problem.periods, &regressors)
        .map_err(|e| failed("heteroskedasticity", &e))?;
    let robust = "variances differ: `se: robust` or `se: cluster(unit)`";
    let mut parts = Vec::new();
    let mut notes = Vec::new();
    if problem.periods >= 3 {
        parts.push(
            finding(
                "groupwise_lm",
                "Between units, studentized",
                of.groupwise,
                Distribution::ChiSquared(of.groups.saturating_sub(1)),
            )
            .about("errors of every unit have one variance", robust),
        );
        parts.push(
            finding(
                "modified_wald",
                "Between units, modified Wald",
                of.modified_wald,
                Distribution::ChiSquared(of.groups),
            )
            .about("errors of every unit have one variance", robust),
        );
        notes.push("the modified Wald form holds as T grows and rejects far too often in short panels: read the studentized one".to_string());
    }
    if of.regressors > 0 {
        parts.push(
            finding(
                "breusch_pagan",
                "Along the regressors (Koenker)",
                of.koenker,
                Distribution::ChiSquared(of.regressors),
            )
            .about("the variance of errors does not move with the regressors", robust),
        );
    }
    parts.push(finding("jarque_bera", "Normality (Jarque and Bera)", of.normality, Distribution::ChiSquared(2)).about(
        "errors have the skewness and kurtosis of a normal distribution",
        "errors are not normal: `se: qml` or `se: cluster(unit)` for likelihood models",
    ));
    Ok(several(
        "heteroskedasticity",
        format!("Variance of the residuals of {}", model.name),
        model.about(),
        parts,
        notes,
    ))
}
