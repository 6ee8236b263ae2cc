//! Moran's I and Geary's C of columns and residuals.

use super::{Named, failed, finding, several, single};
use crate::check::spec::{Autocorrelation, MomentsOf};
use crate::fault::{Fault, counted};
use crate::inference::autocorrelation::{
    Measured, Moments, false_discovery, geary, local_moran, moran, permuted_moran, standardized_with_lag,
};
use crate::inference::residuals::residual_moran;
use crate::outcome::testing::{Distribution, Finding, Key, Scatter, TestResult};
use crate::plan::testing::{Sections, TestPlan};

/// What is asked of a column.
pub(super) struct Asked<'a> {
    pub statistic: Autocorrelation,
    pub moments: MomentsOf,
    pub draws: usize,
    pub seed: u64,
    pub column: &'a str,
    pub weights: &'a str,
}

/// Moran's I, Geary's C or local Moran's I of a column's cross-sections.
pub(super) fn column(asked: &Asked, plan: &TestPlan) -> Result<TestResult, Fault> {
    let TestPlan::Sections(sections) = plan else {
        return Err(Fault::error("durbin::run::bug", "a column's cross-sections were not planned"));
    };
    if asked.statistic == Autocorrelation::LocalMoran {
        return local(asked, sections);
    }
    let (test, symbol) = match asked.statistic {
        Autocorrelation::Geary => ("geary", "Geary's C"),
        _ => ("moran", "Moran's I"),
    };
    let moments = match asked.moments {
        MomentsOf::Randomization => Moments::Randomization,
        MomentsOf::Normal => Moments::Normal,
        MomentsOf::Permutation => Moments::Permutation(asked.draws),
    };
    let null = match asked.moments {
        MomentsOf::Normal => format!("values of `{}` are independent draws of one normal distribution", asked.column),
        _ => format!("values of `{}` are spread over the units at random", asked.column),
    };
    let rejected = "neighbors are more alike (statistic above zero) or less alike (below) than chance makes them";
    let mut notes = dropped(sections);
    let mut found = Vec::new();
    for (period, values) in &sections.periods {
        let of = match asked.statistic {
            Autocorrelation::Geary => geary(values, &sections.weights, moments, asked.seed),
            _ => moran(values, &sections.weights, moments, asked.seed),
        };
        if of.is_none() {
            notes.push(format!("`{}` is the same everywhere in {period}: there is nothing to test", asked.column));
        }
        found.push((*period, measured(test, symbol, of, asked.draws)));
    }
    let years: Vec<i64> = sections.periods.iter().map(|p| p.0).collect();
    let (first, last) = (years.first().copied().unwrap_or(0), years.last().copied().unwrap_or(0));
    let when = if years.len() == 1 { first.to_string() } else { format!("{first} to {last}, each on its own") };
    let how = match asked.moments {
        MomentsOf::Randomization => "under randomization".to_string(),
        MomentsOf::Normal => "under normality".to_string(),
        MomentsOf::Permutation => format!("from {} drawn orders, seed {}", asked.draws, asked.seed),
    };
    let about = vec![
        ("Weights", asked.weights.to_string()),
        ("Sample", format!("{}, {when}", counted(sections.units.len(), "unit", "units"))),
        ("Moments", how),
    ];
    let title = format!("{symbol} of {}", asked.column);
    if let [(_, _)] = &found[..] {
        let (_, one) = found.remove(0);
        let scatter = sections.periods.first().and_then(|section| spread(section, sections));
        return Ok(TestResult { scatter, ..single(title, about, one.about(&null, rejected), notes) });
    }
    let part = |(period, f): (i64, Finding)| Finding { key: Key::Time(period), label: period.to_string(), ..f };
    let parts = found.into_iter().map(part).collect();
    Ok(TestResult { null, rejected: rejected.to_string(), ..several(test, title, about, parts, notes) })
}

/// A statistic with its moments as a finding; without variation all is missing.
fn measured(test: &str, label: &str, of: Option<Measured>, draws: usize) -> Finding {
    let Some(m) = of else {
        return Finding { moments: Some([f64::NAN; 3]), ..finding(test, label, f64::NAN, Distribution::Normal) };
    };
    let moments = Some([m.estimate, m.expected, m.variance]);
    match m.p {
        Some(p) => Finding { moments, p, ..finding(test, label, m.statistic, Distribution::Permutation(draws)) },
        None => Finding { moments, ..finding(test, label, m.statistic, Distribution::Normal) },
    }
}

fn dropped(sections: &Sections) -> Vec<String> {
    let line = |d: &crate::outcome::Dropped| format!("{} left out: {}", counted(d.rows, "row", "rows"), d.reason);
    sections.dropped.iter().filter(|d| d.rows > 0).map(line).collect()
}

fn local(asked: &Asked, sections: &Sections) -> Result<TestResult, Fault> {
    let Some((period, values)) = sections.periods.first() else {
        return Err(Fault::error("durbin::run::bug", "a cross-section was not planned"));
    };
    let Some(found) = local_moran(values, &sections.weights, asked.draws, asked.seed) else {
        let message = format!("`{}` is the same everywhere in {period}: there is nothing to test", asked.column);
        return Err(Fault::error("durbin::estimate::no_statistic", message).help("look at the column and at `where`"));
    };
    let p: Vec<f64> = found.iter().map(|f| f.map_or(f64::NAN, |f| f.p)).collect();
    let adjusted = false_discovery(&p);
    let mut parts = Vec::new();
    for ((unit, f), q) in sections.units.iter().zip(&found).zip(&adjusted) {
        let m = f.map(|f| Measured {
            estimate: f.estimate,
            expected: f.expected,
            variance: f.variance,
            statistic: f.statistic,
            p: Some(f.p),
        });
        let kind = f.map_or("island", |f| match (f.high, f.neighbors_high) {
            (true, true) => "high among high",
            (true, false) => "high among low",
            (false, true) => "low among high",
            (false, false) => "low among low",
        });
        parts.push(Finding {
            key: Key::Unit(unit.clone()),
            label: unit.clone(),
            numbers: vec![("q", *q)],
            words: vec![("kind", kind.to_string())],
            ..measured("local_moran", unit, m, asked.draws)
        });
    }
    let about = vec![
        ("Weights", asked.weights.to_string()),
        ("Sample", format!("{}, {period}", counted(sections.units.len(), "unit", "units"))),
        ("Moments", format!("from {} drawn orders of the other units, seed {}", asked.draws, asked.seed)),
    ];
    let mut notes = dropped(sections);
    let below = |limit: f64| adjusted.iter().filter(|q| **q <= limit).count();
    notes.push(format!(
        "q is the smallest false discovery rate at which a unit stands out (Benjamini and Hochberg): {} of {} at 5 %",
        below(0.05),
        found.len()
    ));
    let title = format!("Local Moran's I of {}", asked.column);
    let null = format!("values of `{}` among a unit's neighbors are those of any other units", asked.column);
    let rejected =
        "the unit and its neighbors are more alike (above zero) or less alike (below) than chance makes them";
    let scatter = sections.periods.first().and_then(|section| spread(section, sections));
    Ok(TestResult {
        null,
        rejected: rejected.to_string(),
        scatter,
        ..several("local_moran", title, about, parts, notes)
    })
}

/// What a Moran scatter shows of a cross-section.
fn spread((period, values): &(i64, Vec<f64>), sections: &Sections) -> Option<Scatter> {
    let (z, lag) = standardized_with_lag(values, &sections.weights)?;
    Some(Scatter { period: *period, units: sections.units.clone(), z, lag })
}

/// Moran's I of a model's residuals: exact moments of least squares, else drawn orders of whole units.
pub(super) fn residuals(
    model: &Named,
    weights: &str,
    plan: &TestPlan,
    draws: usize,
    seed: u64,
) -> Result<TestResult, Fault> {
    let TestPlan::Matrix(Some(w)) = plan else {
        return Err(Fault::error("durbin::run::bug", "a test's matrix was not planned"));
    };
    let problem = &model.fitted.plan.problem;
    // the moments rest on traces of one matrix
    let exact = model.is_static_least_squares() && !w.changes();
    let found = if exact {
        Some(residual_moran(problem, w).map_err(|e| failed("moran", &e))?)
    } else {
        permuted_moran(model.innovations(), w, problem.periods, draws, seed)
    };
    let how = if exact {
        "exact given the regressors and effects (Cliff and Ord)".to_string()
    } else {
        format!("from {draws} drawn orders of whole units, seed {seed}")
    };
    let mut about = model.about();
    about.extend([("Weights", weights.to_string()), ("Moments", how)]);
    let null = "residuals of neighbors are no more alike than those of any units";
    let rejected = "the model leaves spatial autocorrelation: a lag, an error process or a regressor is missing";
    let one = measured("moran", "Moran's I", found, draws).about(null, rejected);
    Ok(single(format!("Moran's I of the residuals of {}", model.name), about, one, Vec::new()))
}
