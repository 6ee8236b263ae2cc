//! Hand-made outcomes for the renderers' tests.

use crate::outcome::*;

pub fn estimate(estimate: f64, se: f64, p: f64) -> Estimate {
    Estimate { estimate, se, statistic: estimate / se, p, ci: [estimate - 1.96 * se, estimate + 1.96 * se] }
}

pub fn coefficient(term: &str, e: Estimate) -> Coefficient {
    Coefficient { term: term.to_string(), value: e }
}

/// A spatial Durbin difference-in-differences over weights of any name.
pub fn fit(weights: &str) -> Fit {
    let own =
        [("law", 0.0957, 0.0386, 0.013), ("unemployrt", -0.0021, 0.00008, 0.0002), ("人均GDP", 1250.5, 402.25, 0.07)];
    let mut coefficients: Vec<Coefficient> =
        own.iter().map(|(t, b, s, p)| coefficient(t, estimate(*b, *s, *p))).collect();
    let lags = own.iter().map(|(t, b, s, p)| coefficient(&format!("{weights} @ {t}"), estimate(-b / 2.0, *s, *p)));
    coefficients.extend(lags);
    coefficients.push(coefficient("rho", estimate(0.1234, 0.05, 0.0136)));
    let effect = |t: &str, b: f64| Effect {
        long_run: None,
        term: t.to_string(),
        direct: estimate(b, 0.04, 0.02),
        indirect: estimate(-0.03, 0.08, 0.71),
        total: estimate(b - 0.03, 0.09, 0.45),
    };
    let nan = f64::NAN;
    Fit {
        model: "sdm".into(),
        query: "sdm_did".into(),
        method: "qml".into(),
        likelihood: "transform".into(),
        m_effective: 470.0,
        durbin: vec!["law".into()],
        lag_weights: Some(vec![weights.into()]),
        error_weights: None,
        df_adjust: false,
        level: 0.95,
        outcome: "lhom".into(),
        weights: Some(weights.into()),
        weights_used: vec![WeightsUsed {
            name: weights.into(),
            links: 214,
            islands: vec!["Maine".into()],
            scaling: "row".into(),
            source: "edges".into(),
            hash: "0".into(),
        }],
        treatment: Some("law".into()),
        fixed_effects: vec!["unit".into(), "time".into()],
        se_type: "cluster(unit)".into(),
        small_sample: None,
        distribution: "normal".into(),
        distribution_df: nan,
        panel: "states".into(),
        nobs: 528,
        units: 48,
        periods: 11,
        first_period: 2000,
        last_period: 2010,
        dropped: vec![Dropped { reason: "missing".into(), rows: 48, units: None, detail: None }],
        coefficients,
        effects: vec![effect("law", 0.096), effect("unemployrt", -0.002)],
        random_effects: None,
        sigma2_unit: None,
        mundlak: None,
        first_stage: None,
        effect_errors: "delta".to_string(),
        bootstrap: None,
        simulated: None,
        stability: None,
        policy_effects: Some(PolicyEffects {
            direct_on_treated: estimate(0.096, 0.04, 0.016),
            indirect_on_treated: estimate(0.01, 0.02, 0.6),
            total_on_treated: estimate(0.106, 0.05, 0.03),
            indirect_on_untreated: estimate(-0.005, 0.01, 0.6),
            indirect_on_exposed: estimate(-0.008, 0.016, 0.6),
            aggregate: Estimate { estimate: 7.5, se: nan, statistic: nan, p: nan, ci: [nan, nan] },
            treated_cells: 95,
            untreated_cells: 193,
            exposed_cells: 120,
        }),
        sigma2: 0.0312345,
        loglik: 123.456,
        aic: -230.9,
        bic: -190.1,
        df_residual: 460.0,
        r2: 0.9123,
        r2_within: 0.0456,
        log_determinant: Some("eigenvalues".into()),
        rho_interval: Some([-1.3912, 1.0]),
        rho_interval_rule: Some("eigen".into()),
        lambda_interval: None,
        iterations: 12,
        converged: true,
        vcov: Vcov { terms: vec!["law".into()], matrix: vec![vec![nan]] },
        probes: None,
        notes: vec!["the transformed likelihood was chosen because every row of the weights sums to one".into()],
    }
}

pub fn entry(name: Option<&str>, source: &str, outcome: Outcome) -> Entry {
    Entry { name: name.map(String::from), source: source.into(), outcome, printed: true }
}

pub fn treatment() -> TreatmentSummary {
    TreatmentSummary {
        panel: "states".into(),
        units: 48,
        never: 27,
        always: 0,
        starts: vec![
            Cohort { time: 2005, units: 1, names: vec!["Florida".into()] },
            Cohort { time: 2006, units: 20, names: vec![] },
        ],
        absorbing: true,
        first_period: 2004,
        last_period: 2006,
        treated_by_period: vec![0, 1, 21],
    }
}

pub fn array() -> LabeledArray {
    LabeledArray {
        dimensions: vec!["unit".into(), "time".into()],
        labels: vec![(0..7).map(|i| format!("城{i}")).collect(), vec!["2001".into(), "2002".into()]],
        values: (0..14).map(|i| if i == 1 { f64::NAN } else { i as f64 / 3.0 }).collect(),
    }
}

pub fn weights() -> WeightsSummary {
    WeightsSummary {
        panel: "states".into(),
        units: 48,
        links: 214,
        neighbors: NeighborCounts { min: 0, mean: 214.0 / 48.0, max: 8 },
        islands: vec!["Maine".into()],
        components: 2,
        symmetric: false,
        scaling: "row".into(),
        rho_interval: [-1.3912, 1.0],
        rho_interval_rule: "eigen".into(),
        recipe: "row(edges(\"contiguity.csv\"))".into(),
        hash: "0".into(),
        near_edge: None,
        notes: vec![],
    }
}

pub fn panel() -> PanelSummary {
    let nan = f64::NAN;
    let column = |name: &str, kind: &str, missing, [mean, sd, min, max]: [f64; 4]| ColumnSummary {
        name: name.into(),
        kind: kind.into(),
        holds: kind.into(),
        missing,
        distinct: 7,
        mean,
        sd,
        min,
        max,
    };
    PanelSummary {
        units: 48,
        periods: 11,
        rows: 528,
        balanced: true,
        first_period: 2000,
        last_period: 2010,
        unit: "state".into(),
        time: "year".into(),
        columns: vec![
            column("人均GDP", "number", 0, [0.123456789, 1.5, -2.0, 1e10]),
            column("law_year", "number", 297, [2006.5, 0.8, 2005.0, 2009.0]),
            column("region", "text", 0, [nan; 4]),
        ],
    }
}

/// Least squares without weights: no lags, no spatial parameters.
pub fn plain_fit() -> Fit {
    let mut f = fit("C");
    f.model = "ols".into();
    f.query = "did".into();
    f.method = "ols".into();
    f.weights = None;
    f.weights_used = vec![];
    f.lag_weights = None;
    f.rho_interval = None;
    f.policy_effects = None;
    f.distribution = "t".into();
    f.distribution_df = 47.0;
    f.coefficients.retain(|c| !c.term.contains('@') && c.term != "rho");
    f.dropped = vec![];
    f.notes = vec![];
    f
}
