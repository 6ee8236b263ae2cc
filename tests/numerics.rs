//! Estimators against numbers of independent programs (`tests/oracle`) and against invariants.

#![allow(clippy::unwrap_used)]

use durbin::data::csv;
use durbin::estimators::*;
use durbin::weights::{Scaling, Weights};
use sprs::TriMat;
use std::collections::BTreeMap;
use std::sync::Arc;

fn read(path: &str) -> durbin::data::table::Table {
    let bytes = std::fs::read(path).unwrap();
    csv::read(path, &bytes).unwrap().0
}

/// A balanced panel from a file: units and periods sorted, columns unit fastest.
struct Panel {
    units: Vec<String>,
    periods: usize,
    columns: BTreeMap<String, Vec<f64>>,
}

fn panel(path: &str, unit: &str, time: &str, wanted: &[&str]) -> Panel {
    let table = read(path);
    let column = |name: &str| table.column(name).unwrap();
    let (u, t) = (column(unit), column(time));
    let mut units: Vec<String> = (0..table.rows()).map(|r| table.get(r, u).to_string()).collect();
    let mut times: Vec<i64> = (0..table.rows()).map(|r| table.get(r, t).parse().unwrap()).collect();
    units.sort();
    units.dedup();
    times.sort_unstable();
    times.dedup();
    let mut columns = BTreeMap::new();
    for name in wanted {
        let c = column(name);
        let mut values = vec![f64::NAN; units.len() * times.len()];
        for r in 0..table.rows() {
            let i = units.binary_search(&table.get(r, u).to_string()).unwrap();
            let p = times.binary_search(&table.get(r, t).parse().unwrap()).unwrap();
            values[p * units.len() + i] = table.get(r, c).parse().unwrap_or(f64::NAN);
        }
        columns.insert(name.to_string(), values);
    }
    Panel { units, periods: times.len(), columns }
}

/// Row-standardised weights of an edge list.
fn contiguity(path: &str, units: &[String]) -> Arc<Weights> {
    let table = read(path);
    let n = units.len();
    let mut degree = vec![0.0; n];
    let edges: Vec<(usize, usize)> = (0..table.rows())
        .map(|r| {
            let at = |c: usize| units.binary_search(&table.get(r, c).to_string()).unwrap();
            (at(0), at(1))
        })
        .collect();
    edges.iter().for_each(|e| degree[e.0] += 1.0);
    let mut triplets = TriMat::new((n, n));
    edges.iter().for_each(|&(i, k)| triplets.add_triplet(i, k, 1.0 / degree[i]));
    let symmetrizer = Some(degree.iter().map(|d: &f64| d.sqrt()).collect());
    Arc::new(Weights { matrix: triplets.to_csr(), scaling: Scaling::Row, symmetrizer, periods: 1 })
}

fn problem(model: Model, p: &Panel, y: Vec<f64>, x: &[&str], w: &Arc<Weights>) -> Problem {
    let regressors = x.iter().map(|x| Regressor { values: p.columns[*x].clone(), lagged: true }).collect();
    Problem {
        model,
        units: p.units.len(),
        periods: p.periods,
        outcome: y,
        regressors,
        durbin_weights: if model.has_durbin() { vec![w.clone()] } else { vec![] },
        lag_weights: model.has_lag().then(|| w.clone()),
        error_weights: model.has_error().then(|| w.clone()),
        fixed_effects: FixedEffects::Both,
        approach: Approach::Likelihood,
        likelihood: Likelihood::Transform,
        variance: Variance::Iid,
        df_adjust: false,
        time_lags: Vec::new(),
        treatment: None,
        events: 0,
        exposures: 0,
        present: None,
        layout: Layout::default(),
    }
}

fn terms(p: &Problem, x: &[&str]) -> Vec<String> {
    let mut out = Vec::new();
    if p.fixed_effects == FixedEffects::None {
        out.push("(Intercept)".to_string());
    }
    out.extend(x.iter().map(|x| x.to_string()));
    if p.model.has_durbin() {
        out.extend(x.iter().map(|x| format!("C @ {x}")));
    }
    if p.model.has_lag() {
        out.push("rho".into());
    }
    if p.model.has_error() {
        out.push("lambda".into());
    }
    out
}

/// Holds an estimate against every number of `case` under `name`; answers how many there were.
fn agrees(case: &str, name: &str, p: &Problem, x: &[&str]) -> usize {
    let e = estimate(p, &Never).unwrap();
    let names = terms(p, x);
    let expected = read("tests/oracle/expected.csv");
    let mut seen = 0;
    for r in 0..expected.rows() {
        let (of, at) = (expected.get(r, 0), expected.get(r, 1));
        let Some(at) = at.strip_prefix(&format!("{name}/")).filter(|_| of == case) else { continue };
        let parts: Vec<&str> = at.split('/').collect();
        let q = e.parameters as f64;
        let got = match parts.as_slice() {
            ["coefficients", term, "estimate"] => e.coefficients[names.iter().position(|n| n == term).unwrap()],
            ["coefficients", term, "se"] => {
                let k = names.iter().position(|n| n == term).unwrap();
                e.vcov[k][k].sqrt()
            }
            ["effects", term, which, field] => {
                let effect = &e.effects[x.iter().position(|n| n == term).unwrap()];
                let value = match *which {
                    "direct" => effect.direct,
                    "indirect" => effect.indirect,
                    _ => effect.total,
                };
                if *field == "se" { value.se } else { value.estimate }
            }
            ["sigma2"] => e.sigma2,
            ["loglik"] => e.loglik,
            ["aic"] => -2.0 * e.loglik + 2.0 * q,
            ["bic"] => -2.0 * e.loglik + e.m_effective.ln() * q,
            _ => continue,
        };
        let number = |c: usize| expected.get(r, c).parse::<f64>().unwrap();
        let (want, rtol, atol) = (number(2), number(3), number(4));
        let gap = (got - want).abs();
        assert!(gap <= atol + rtol * want.abs(), "{case} {name} {at}: got {got}, wanted {want}");
        seen += 1;
    }
    assert!(seen > 0, "no number of {case} {name}");
    seen
}

fn castle() -> (Panel, Arc<Weights>) {
    let wanted = ["homicide", "robbery", "unemployrt", "poverty", "l_police", "law_year", "year"];
    let mut p = panel("examples/castle/panel.csv", "state", "year", &wanted);
    let starts = p.columns["law_year"].clone();
    let law = starts.iter().zip(&p.columns["year"]).map(|(g, t)| f64::from(u8::from(t >= g))).collect();
    p.columns.insert("law".into(), law);
    let w = contiguity("examples/castle/contiguity.csv", &p.units);
    (p, w)
}

fn logged(p: &Panel, name: &str) -> Vec<f64> {
    p.columns[name].iter().map(|v| v.ln()).collect()
}

#[test]
fn a_two_way_panel_agrees_with_independent_programs() {
    let x = ["unemployrt", "poverty", "l_police"];
    let (p, w) = castle();
    let y = logged(&p, "homicide");
    agrees("castle_sdm_default", "m", &problem(Model::Sdm, &p, y.clone(), &x, &w), &x);
    agrees("castle_sdm_default", "fit_o", &problem(Model::Ols, &p, y, &x, &w), &x);
    let y = logged(&p, "robbery");
    agrees("castle_sar_robbery", "m", &problem(Model::Sar, &p, y.clone(), &x, &w), &x);
    let sdem = Problem {
        fixed_effects: FixedEffects::Unit,
        approach: Approach::Likelihood,
        likelihood: Likelihood::Direct,
        ..problem(Model::Sdem, &p, y, &x, &w)
    };
    agrees("castle_sar_robbery", "fit_d", &sdem, &x);
}

#[test]
fn clustered_errors_agree_with_independent_programs() {
    let x = ["unemployrt", "poverty", "l_police"];
    let (p, w) = castle();
    let clustered = |model, x: &[&str]| Problem {
        variance: Variance::ClusterUnit,
        ..problem(model, &p, logged(&p, "homicide"), x, &w)
    };
    agrees("castle_sdm_clustered", "m", &clustered(Model::Sdm, &x), &x);
    let with_law = ["law", "unemployrt", "poverty", "l_police"];
    agrees("castle_did_default", "m", &clustered(Model::Ols, &with_law), &with_law);
    agrees("castle_slx_did", "m", &clustered(Model::Slx, &with_law), &with_law);
}

#[test]
fn scaling_the_outcome_scales_effects_and_leaves_rho() {
    let x = ["poverty", "l_police"];
    let (p, w) = castle();
    let y = logged(&p, "homicide");
    let one = estimate(&problem(Model::Sdm, &p, y.clone(), &x, &w), &Never).unwrap();
    let ten = estimate(&problem(Model::Sdm, &p, y.iter().map(|v| 10.0 * v).collect(), &x, &w), &Never).unwrap();
    let rho = one.coefficients.len() - 1;
    assert!((one.coefficients[rho] - ten.coefficients[rho]).abs() < 1e-9);
    assert!((10.0 * one.effects[0].total.estimate - ten.effects[0].total.estimate).abs() < 1e-8);
    assert!((one.loglik - ten.loglik - one.m_effective * 10f64.ln()).abs() < 1e-6);
}

#[test]
fn policy_effects_add_up() {
    let x = ["law", "poverty"];
    let (p, w) = castle();
    let did = Problem { treatment: Some(0), ..problem(Model::Sdm, &p, logged(&p, "homicide"), &x, &w) };
    let policy = estimate(&did, &Never).unwrap().policy.unwrap();
    let sum = policy.direct_on_treated.estimate + policy.indirect_on_treated.estimate;
    assert!((sum - policy.total_on_treated.estimate).abs() < 1e-12);
    let all = policy.treated_cells as f64 * policy.total_on_treated.estimate
        + policy.untreated_cells as f64 * policy.indirect_on_untreated.estimate;
    assert!((all - policy.aggregate.estimate).abs() < 1e-9 * all.abs().max(1.0));
}
