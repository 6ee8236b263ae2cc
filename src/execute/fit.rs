//! An estimate with the names of its model becomes a [`Fit`]: terms, statistics, p-values, intervals, how it was made.

use crate::check::spec::{Column, ColumnKind, ModelSpec};
use crate::estimators::{
    Approach, DynamicsOf, EffectOf, Estimated, FirstStageOf, Likelihood, Measured, PolicyOf, Problem, RandomEffects,
    Reference,
};
use crate::fault::ticked_list;
use crate::outcome::{
    Coefficient, Effect, Estimate, FirstStage, Fit, Impact, PolicyEffects, Restriction, SmallSample, Stability,
    Strength, Vcov, WeightsUsed,
};
use crate::plan::{MatrixUsed, ModelPlan};
use crate::weights::summary::hash;
use nalgebra::{DMatrix, DVector};
use statrs::distribution::{ChiSquared, ContinuousCDF, Normal, StudentsT};

/// The reference distribution of a fit's statistics, at its level.
pub(super) struct Tails {
    reference: Reference,
    /// Half-width of an interval in standard errors.
    quantile: f64,
}

impl Tails {
    pub(super) fn new(reference: Reference, level: f64) -> Tails {
        let upper = 0.5 + level / 2.0;
        let quantile = match reference {
            Reference::Normal => Normal::standard().inverse_cdf(upper),
            Reference::T(df) => StudentsT::new(0.0, 1.0, df).map_or(f64::NAN, |t| t.inverse_cdf(upper)),
        };
        Tails { reference, quantile }
    }

    /// Half the width of an interval, in standard errors.
    pub(super) fn quantile(&self) -> f64 {
        self.quantile
    }

    /// The two-sided p-value of a statistic.
    fn p(&self, statistic: f64) -> f64 {
        if !statistic.is_finite() {
            return f64::NAN;
        }
        match self.reference {
            Reference::Normal => 2.0 * Normal::standard().sf(statistic.abs()),
            Reference::T(df) => StudentsT::new(0.0, 1.0, df).map_or(f64::NAN, |t| 2.0 * t.sf(statistic.abs())),
        }
    }

    fn estimate(&self, value: f64, se: f64) -> Estimate {
        let se = if se > 0.0 && se.is_finite() { se } else { f64::NAN };
        let statistic = value / se;
        let half = self.quantile * se;
        Estimate { estimate: value, se, statistic, p: self.p(statistic), ci: [value - half, value + half] }
    }

    pub(super) fn measured(&self, m: Measured) -> Estimate {
        self.estimate(m.estimate, m.se)
    }

    fn effect(&self, term: &str, e: &EffectOf) -> Effect {
        Effect {
            term: term.to_string(),
            direct: self.measured(e.direct),
            indirect: self.measured(e.indirect),
            total: self.measured(e.total),
            long_run: None,
        }
    }

    pub(super) fn impact(&self, e: &EffectOf) -> Impact {
        Impact { direct: self.measured(e.direct), indirect: self.measured(e.indirect), total: self.measured(e.total) }
    }

    /// The effects of every regressor that is no lag of the outcome.
    fn effects(&self, plan: &ModelPlan, e: &Estimated) -> Vec<Effect> {
        let time_lags = &plan.problem.time_lags;
        let of = |(k, (term, short)): (usize, (&String, &EffectOf))| {
            let long_run = e.dynamics.as_ref().and_then(|d| d.long_run.get(k)).map(|l| Box::new(self.impact(l)));
            // A unit mean moves with its term, and is no cause of its own.
            let own = k + plan.means < plan.terms.len();
            let known = own && time_lags.iter().all(|t| t.regressor != k);
            known.then(|| Effect { long_run, ..self.effect(term, short) })
        };
        plan.terms.iter().zip(&e.effects).enumerate().filter_map(of).collect()
    }

    fn stability(&self, d: &DynamicsOf) -> Stability {
        let statistic = ((d.sum.estimate - 1.0) / d.sum.se).powi(2);
        let p = ChiSquared::new(1.0).map_or(f64::NAN, |c| c.sf(statistic));
        let statistic = if statistic.is_finite() { statistic } else { f64::NAN };
        Stability {
            largest_root: d.largest_root,
            sum: self.measured(d.sum),
            unit_root: Restriction { statistic, df: 1, p: if statistic.is_nan() { f64::NAN } else { p } },
            bias_corrected: d.corrected,
        }
    }

    fn policy(&self, p: &PolicyOf) -> PolicyEffects {
        PolicyEffects {
            direct_on_treated: self.measured(p.direct_on_treated),
            indirect_on_treated: self.measured(p.indirect_on_treated),
            total_on_treated: self.measured(p.total_on_treated),
            indirect_on_untreated: self.measured(p.indirect_on_untreated),
            indirect_on_exposed: self.measured(p.indirect_on_exposed),
            aggregate: self.measured(p.aggregate),
            treated_cells: p.treated_cells,
            untreated_cells: p.untreated_cells,
            exposed_cells: p.exposed_cells,
        }
    }
}

/// The terms of a model in the order of its coefficients.
pub(super) fn terms(plan: &ModelPlan) -> Vec<String> {
    let problem = &plan.problem;
    let mut out = Vec::new();
    if problem.has_intercept() {
        out.push("(Intercept)".to_string());
    }
    out.extend(plan.terms.iter().cloned());
    if problem.model.has_durbin() {
        for matrix in &plan.durbin_weights {
            let lagged = plan.terms.iter().zip(&problem.regressors).filter(|(_, r)| r.lagged);
            out.extend(lagged.map(|(t, _)| format!("{} @ {}", matrix.name, operand(t))));
        }
    }
    if problem.model.has_lag() {
        out.push("rho".to_string());
    }
    if problem.model.has_error() {
        out.push("lambda".to_string());
    }
    out
}

/// A term as the right side of `@`, which binds tighter than `:` and arithmetic.
pub(super) fn operand(term: &str) -> String {
    let mut depth = 0usize;
    let mut quoted = false;
    for c in term.chars() {
        match c {
            '`' => quoted = !quoted,
            '(' | '[' if !quoted => depth += 1,
            ')' | ']' if !quoted => depth = depth.saturating_sub(1),
            ' ' | ':' if !quoted && depth == 0 => return format!("({term})"),
            _ => {}
        }
    }
    term.to_string()
}

/// Everything the JSON document says of a fit.
pub(super) fn fit(spec: &ModelSpec, panel: &str, plan: &ModelPlan, e: &Estimated) -> Fit {
    let tails = Tails::new(e.reference, spec.level);
    let terms = terms(plan);
    let se = |i: usize| e.vcov.get(i).and_then(|row| row.get(i)).map_or(f64::NAN, |v| v.sqrt());
    let coefficients = terms
        .iter()
        .zip(&e.coefficients)
        .enumerate()
        .map(|(i, (term, b))| Coefficient { term: term.clone(), value: tails.estimate(*b, se(i)) })
        .collect();
    let problem = &plan.problem;
    let name = |m: &Option<MatrixUsed>| m.as_ref().map(|m| vec![m.name.clone()]);
    let interval = |i: Option<crate::estimators::Interval>| i.map(|i| [i.lo, i.hi]);
    let spatial = e.rho_interval.or(e.lambda_interval);
    let (distribution, df) = match e.reference {
        Reference::Normal => ("normal", f64::NAN),
        Reference::T(df) => ("t", df),
    };
    let lagged = plan.terms.iter().zip(&problem.regressors).filter(|(_, r)| r.lagged && problem.model.has_durbin());
    Fit {
        model: problem.model.name().to_string(),
        query: spec.query.clone(),
        method: method(problem).to_string(),
        likelihood: likelihood(problem.likelihood).to_string(),
        m_effective: e.m_effective,
        durbin: lagged.map(|(t, _)| t.clone()).collect(),
        lag_weights: name(&plan.lag_weights),
        error_weights: name(&plan.error_weights),
        df_adjust: problem.df_adjust,
        level: spec.level,
        outcome: spec.outcome.text.clone(),
        weights: weights_text(spec),
        weights_used: weights_used(plan),
        treatment: spec.treatment.and_then(|_| plan.terms.first().cloned()),
        fixed_effects: plan.fixed_effects.clone(),
        se_type: plan.variance_name.clone(),
        small_sample: e.small_sample.map(small_sample),
        distribution: distribution.to_string(),
        distribution_df: df,
        panel: panel.to_string(),
        nobs: plan.nobs,
        units: problem.units,
        periods: problem.periods,
        first_period: plan.periods.first().copied().unwrap_or(0),
        last_period: plan.periods.last().copied().unwrap_or(0),
        dropped: plan.dropped.clone(),
        coefficients,
        effects: tails.effects(plan, e),
        random_effects: random_effects(problem).map(String::from),
        sigma2_unit: e.sigma2_unit,
        mundlak: mundlak(plan, &terms, e),
        first_stage: e.first_stage.as_ref().map(|f| first_stage(f, &terms)),
        effect_errors: "delta".to_string(),
        bootstrap: None,
        simulated: None,
        stability: e.dynamics.as_ref().map(|d| tails.stability(d)),
        policy_effects: e.policy.as_ref().map(|p| tails.policy(p)),
        sigma2: e.sigma2,
        loglik: e.loglik,
        aic: -2.0 * e.loglik + 2.0 * e.parameters as f64,
        bic: -2.0 * e.loglik + e.m_effective.ln() * e.parameters as f64,
        df_residual: e.df_residual,
        r2: e.r2,
        r2_within: e.r2_within,
        log_determinant: e.log_determinant.map(String::from),
        rho_interval: interval(e.rho_interval),
        rho_interval_rule: spatial.map(|i| i.rule.to_string()),
        lambda_interval: interval(e.lambda_interval),
        iterations: e.iterations,
        converged: e.converged,
        vcov: Vcov { terms, matrix: e.vcov.clone() },
        probes: super::remarks::probes(e),
        notes: plan
            .notes
            .iter()
            .cloned()
            .chain(super::remarks::probed(e))
            .chain(short_run(spec))
            .chain(at_zero(spec))
            .collect(),
    }
}

/// How the parameters were found, in a word.
fn method(problem: &Problem) -> &'static str {
    let spatial = problem.model.has_lag() || problem.model.has_error();
    match (&problem.approach, spatial) {
        (Approach::Instruments { .. }, true) => "gs2sls",
        (Approach::Instruments { .. }, false) => "2sls",
        (Approach::Moments, _) => "gmm",
        (Approach::Random(_), _) | (Approach::Likelihood, true) => "qml",
        (Approach::Likelihood, false) => "ols",
    }
}

/// Where the random effect of a unit stands: `unit` without a spatial error, else `kkp` or `baltagi`.
fn random_effects(problem: &Problem) -> Option<&'static str> {
    match (&problem.approach, problem.model.has_error()) {
        (Approach::Random(_), false) => Some("unit"),
        (Approach::Random(RandomEffects::Kkp), true) => Some("kkp"),
        (Approach::Random(RandomEffects::Baltagi), true) => Some("baltagi"),
        _ => None,
    }
}

/// The Wald test that the coefficients of unit means are zero (Mundlak 1978): then random effects will do.
fn mundlak(plan: &ModelPlan, terms: &[String], e: &Estimated) -> Option<Restriction> {
    let names = &plan.terms[plan.terms.len() - plan.means..];
    let is_mean = |term: &str| {
        let lag = |m: &MatrixUsed| term.strip_prefix(&format!("{} @ ", m.name)).is_some_and(|x| known(names, x));
        known(names, term) || plan.durbin_weights.iter().any(lag)
    };
    let places: Vec<usize> = (0..terms.len()).filter(|&j| is_mean(&terms[j])).collect();
    if places.is_empty() {
        return None;
    }
    let df = places.len();
    let vcov = DMatrix::from_fn(df, df, |i, j| e.vcov[places[i]][places[j]]);
    let b = DVector::from_fn(df, |i, _| e.coefficients[places[i]]);
    let statistic = vcov.cholesky().map_or(f64::NAN, |factor| b.dot(&factor.solve(&b)));
    let p = ChiSquared::new(df as f64).map_or(f64::NAN, |c| c.sf(statistic));
    Some(Restriction { statistic, df, p: if statistic.is_nan() { f64::NAN } else { p } })
}

fn known(names: &[String], term: &str) -> bool {
    names.iter().any(|n| n == term)
}

/// The strength of instruments, by the names of what is endogenous.
fn first_stage(of: &FirstStageOf, terms: &[String]) -> FirstStage {
    let endogenous = of.endogenous.iter().map(|s| Strength {
        term: match terms.get(s.coefficient).map(String::as_str) {
            Some("rho") | None => "rho".to_string(),
            Some(term) => term.to_string(),
        },
        f: s.f,
        df: s.df,
        partial_r2: s.partial_r2,
        treatment_f: s.treatment_f,
    });
    let p = |(statistic, df): (f64, usize)| Restriction {
        statistic,
        df,
        p: ChiSquared::new(df as f64).map_or(f64::NAN, |c| c.sf(statistic)),
    };
    FirstStage {
        endogenous: endogenous.collect(),
        excluded: of.excluded,
        dropped: of.dropped,
        weakest: of.weakest,
        overidentification: of.overidentification.map(p),
    }
}

fn small_sample(s: crate::estimators::SmallSample) -> SmallSample {
    let rule = match (s.counted, s.clusters) {
        (Some(_), Some(_)) => "(n - 1)/(n - K) × G/(G - 1)",
        (None, Some(_)) => "G/(G - 1)",
        _ => "n/(n - K)",
    };
    SmallSample { factor: s.factor, rule: rule.to_string(), rows: s.rows, counted: s.counted, clusters: s.clusters }
}

/// The caution of methods C.7 on treatments beside the lag of the outcome.
fn short_run(spec: &ModelSpec) -> Option<String> {
    let both = spec.treatment.is_some() && !spec.time_lags.is_empty();
    both.then(|| "with the lag of the outcome among the terms, policy effects are those of the short run".to_string())
}

/// Where products with the treatment are terms of their own, its effects are those where the other factor is zero.
fn at_zero(spec: &ModelSpec) -> Option<String> {
    let treatment = spec.treatment?;
    let takes_part = |column: &Column| {
        let mut found = false;
        column.visit(&mut |c| found |= matches!(c.kind, ColumnKind::Treatment(t) if t == treatment));
        found
    };
    let products =
        spec.terms.iter().filter(|t| !matches!(t.value.kind, ColumnKind::Treatment(_)) && takes_part(&t.value));
    let names: Vec<&str> = products.map(|t| t.value.text.as_str()).collect();
    (!names.is_empty()).then(|| {
        let (what, are) = (ticked_list(&names), if names.len() == 1 { "is" } else { "are" });
        format!("policy effects are those of the treatment where {what} {are} zero: center the other factor to read them at its mean")
    })
}

fn likelihood(likelihood: Likelihood) -> &'static str {
    match likelihood {
        Likelihood::Transform => "transform",
        Likelihood::Partial => "partial",
        Likelihood::Direct => "direct",
    }
}

/// What stands after the bar.
fn weights_text(spec: &ModelSpec) -> Option<String> {
    match spec.weights.as_slice() {
        [] => None,
        [one] => Some(one.name.clone()),
        several => {
            let names: Vec<&str> = several.iter().map(|w| w.name.as_str()).collect();
            Some(format!("[{}]", names.join(", ")))
        }
    }
}

/// Every matrix of a model once, in the order terms, lag, error.
fn weights_used(plan: &ModelPlan) -> Vec<WeightsUsed> {
    let mut out: Vec<WeightsUsed> = Vec::new();
    for m in plan.durbin_weights.iter().chain(&plan.lag_weights).chain(&plan.error_weights) {
        if out.iter().any(|u| u.name == m.name) {
            continue;
        }
        let n = plan.units.len().max(1);
        let name = |i: usize| match (m.weights.changes(), plan.periods.get(i / n)) {
            (true, Some(period)) => Some(format!("{} in {period}", plan.units.get(i % n)?)),
            _ => plan.units.get(i).cloned(),
        };
        let islands = m.weights.islands().into_iter().filter_map(name).collect();
        out.push(WeightsUsed {
            name: m.name.clone(),
            links: m.weights.matrix.nnz(),
            islands,
            scaling: m.weights.scaling.word().to_string(),
            source: m.recipe.clone(),
            hash: hash(&m.weights, &plan.units),
        });
    }
    out
}
