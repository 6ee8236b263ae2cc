//! The size of every test under its null, at 5 %, and its power where the null is false (methods G.2: S5, S6, S8, S9, S12).

use crate::design::{Design, PERIODS, Truth, UNITS};
use crate::tally::Rates;
use durbin::estimators::*;
use durbin::inference::autocorrelation::permuted_moran;
use durbin::inference::dependence::{pesaran, serial, spread, weighted_pesaran};
use durbin::inference::residuals::{Style, lagrange, residual_moran};
use durbin::inference::wald::wald;
use statrs::distribution::{ChiSquared, ContinuousCDF, Normal, StudentsT};

const REPLICATIONS: u64 = 500;
const SEED: u64 = 2025;

fn chi2(statistic: f64, df: f64) -> f64 {
    ChiSquared::new(df).unwrap().sf(statistic.max(0.0))
}

fn normal(z: f64) -> f64 {
    2.0 * Normal::standard().sf(z.abs())
}

fn truth(rho: f64) -> Truth {
    Truth { rho, beta: 0.1, gamma: 0.5, ..Truth::default() }
}

/// A problem with the matrices its model has, the error's being that of the lag.
fn as_model(model: Model, p: &Problem) -> Problem {
    let w = p.lag_weights.clone();
    Problem {
        model,
        durbin_weights: if model.has_durbin() { p.durbin_weights.clone() } else { Vec::new() },
        lag_weights: w.clone().filter(|_| model.has_lag()),
        error_weights: w.filter(|_| model.has_error()),
        ..p.clone()
    }
}

/// Tests on least squares with two-way effects and independent errors: `adjust` sets what differs of the draw.
fn least_squares(title: &str, design: &Design, truth: &Truth, adjust: &dyn Fn(Problem) -> Problem) -> Rates {
    let mut rates = Rates::default();
    for replication in 0..REPLICATIONS {
        let drawn = adjust(design.draw(truth, replication));
        let w = drawn.lag_weights.clone().unwrap();
        let p = as_model(Model::Ols, &drawn);
        for (style, words) in [(Style::Centered, "centered"), (Style::Elhorst, "textbook")] {
            let found = lagrange(&p, &w, style).unwrap();
            rates.note(&format!("LM lag, {words}"), chi2(found.lag, 1.0));
            rates.note(&format!("LM error, {words}"), chi2(found.error, 1.0));
            rates.note(&format!("robust LM lag, {words}"), chi2(found.robust_lag, 1.0));
            rates.note(&format!("robust LM error, {words}"), chi2(found.robust_error, 1.0));
            rates.note(&format!("joint LM, {words}"), chi2(found.joint, 2.0));
        }
        rates.note("Moran of residuals, exact moments", normal(residual_moran(&p, &w).unwrap().statistic));
        let e = estimate(&p, &Never).unwrap().residuals;
        let of = serial(&e, UNITS, PERIODS, true);
        let t = StudentsT::new(0.0, 1.0, UNITS as f64 - 1.0).unwrap();
        rates.note("serial correlation", 2.0 * t.sf(of.statistic.abs()));
        rates.note("CD_W", normal(weighted_pesaran(&e, UNITS, PERIODS, replication).plain));
        rates.note("CD (time effects removed)", normal(pesaran(&e, UNITS, PERIODS)));
        let regressors: Vec<&[f64]> = p.regressors.iter().map(|r| r.values.as_slice()).collect();
        let of = spread(&e, UNITS, PERIODS, &regressors).unwrap();
        rates.note("heteroskedasticity, studentized", chi2(of.groupwise, UNITS as f64 - 1.0));
        rates.note("heteroskedasticity, modified Wald", chi2(of.modified_wald, UNITS as f64));
        rates.note("heteroskedasticity, Koenker", chi2(of.koenker, 2.0));
        rates.note("normality, Jarque and Bera", chi2(of.normality, 2.0));
        let one_way =
            estimate(&Problem { fixed_effects: FixedEffects::Unit, ..without_period_effects(&p, design) }, &Never)
                .unwrap();
        rates.note("CD (unit effects)", normal(pesaran(&one_way.residuals, UNITS, PERIODS)));
    }
    rates.show(title);
    rates
}

/// The outcome less its period effects, for tests that allow none.
fn without_period_effects(p: &Problem, design: &Design) -> Problem {
    let effect = design.period_effects();
    let outcome = p.outcome.iter().enumerate().map(|(r, y)| y - effect[r / UNITS]).collect();
    Problem { outcome, ..p.clone() }
}

/// S5: no spatial process, independent errors.
#[test]
#[ignore = "slow: hundreds of estimates"]
fn tests_on_least_squares_have_their_size() {
    let rates = least_squares("S5, no spatial process", &Design::corridor(SEED), &truth(0.0), &|p| p);
    for name in [
        "LM lag, centered",
        "LM error, centered",
        "robust LM lag, centered",
        "robust LM error, centered",
        "joint LM, centered",
    ] {
        rates.within(name, 0.03, 0.07);
    }
    for name in [
        "Moran of residuals, exact moments",
        "serial correlation",
        "CD_W",
        "CD (unit effects)",
        "heteroskedasticity, Koenker",
        "normality, Jarque and Bera",
    ] {
        rates.within(name, 0.03, 0.07);
    }
    // 74 means of 17 squares are not quite normal.
    rates.within("heteroskedasticity, studentized", 0.02, 0.10);
    // What methods F.2 and F.5 say of the textbook forms.
    assert!(rates.of("LM lag, textbook") > 0.07 && rates.of("CD (time effects removed)") > 0.9);
    assert!(rates.of("heteroskedasticity, modified Wald") > 0.2);
}

/// S8: errors that persist within a unit are found, and leave the spatial tests alone.
#[test]
#[ignore = "slow: hundreds of estimates"]
fn persistent_errors_are_found() {
    let rates = least_squares("S8, AR(.5) errors", &Design::corridor(SEED).with_persistence(0.5), &truth(0.0), &|p| p);
    assert!(rates.of("serial correlation") > 0.99);
}

/// S9: errors whose deviation differs between units are found.
#[test]
#[ignore = "slow: hundreds of estimates"]
fn unequal_variances_are_found() {
    let design = Design::corridor(SEED);
    let scales: Vec<f64> =
        (0..UNITS).map(|i| (0.5 * ((i * 37 % UNITS) as f64 / UNITS as f64 * 4.0 - 2.0)).exp()).collect();
    let spread_out = |p: Problem| {
        // The outcome of a linear model is its mean plus errors of deviation .2: stretched unit by unit around the mean.
        let e = estimate(&as_model(Model::Ols, &p), &Never).unwrap().residuals;
        let outcome =
            p.outcome.iter().zip(&e).enumerate().map(|(r, (y, e))| y + (scales[r % UNITS] - 1.0) * e).collect();
        Problem { outcome, ..p }
    };
    let rates = least_squares("S9, lognormal deviations", &design, &truth(0.0), &spread_out);
    assert!(rates.of("heteroskedasticity, studentized") > 0.99);
}

/// S6: power of the multipliers grows with what they look for.
#[test]
#[ignore = "slow: hundreds of estimates"]
fn multipliers_find_lags_and_errors() {
    let design = Design::corridor(SEED);
    let mut before = 0.0;
    for rho in [0.1, 0.2, 0.3] {
        let rates = least_squares(&format!("S6, rho {rho}"), &design, &truth(rho), &|p| p);
        let found = rates.of("LM lag, centered");
        assert!(found >= before, "power falls to {found} at rho {rho}");
        before = found;
    }
    assert!(before >= 0.9);
}

/// S6: multiplier, likelihood ratio and Wald statistic of one spatial parameter, from its null on.
#[test]
#[ignore = "slow: hundreds of estimates"]
fn three_tests_of_one_parameter_find_it() {
    let mut design = Design::corridor(SEED);
    // one matrix for lag and errors, as a test of either takes it
    design.error = design.lag.clone();
    let lag = [0.0, 0.1, 0.2, 0.3].map(truth);
    let error = [0.0, 0.2, 0.4].map(|lambda| Truth { lambda, ..truth(0.0) });
    for (model, parameter, truths) in [(Model::Sar, "rho", &lag[..]), (Model::Sem, "lambda", &error[..])] {
        let names = ["LM", "LR", "Wald"];
        let mut before = [0.0; 3];
        for (step, truth) in truths.iter().enumerate() {
            let mut rates = Rates::default();
            for replication in 0..REPLICATIONS {
                let drawn = design.draw(truth, replication);
                let none = as_model(Model::Ols, &drawn);
                let found = lagrange(&none, drawn.lag_weights.as_ref().unwrap(), Style::Centered).unwrap();
                let simple = estimate(&none, &Never).unwrap();
                let e = estimate(&as_model(model, &drawn), &Never).unwrap();
                let last = e.coefficients.len() - 1;
                let multiplier = if model == Model::Sar { found.lag } else { found.error };
                let statistics =
                    [multiplier, 2.0 * (e.loglik - simple.loglik), e.coefficients[last].powi(2) / e.vcov[last][last]];
                names.iter().zip(statistics).for_each(|(name, s)| rates.note(name, chi2(s, 1.0)));
            }
            rates.show(&format!("S6, {parameter} {}", truth.rho + truth.lambda));
            for (name, before) in names.iter().zip(&mut before) {
                let power = rates.of(name);
                assert!(power >= *before, "{name} of {parameter} falls from {before} to {power}");
                *before = power;
                if step == 0 {
                    rates.within(name, 0.03, 0.07);
                }
            }
        }
        assert!(before.iter().all(|power| *power >= 0.9), "power ends at {before:?}");
    }
}

/// Simplification tests of the Durbin model under each of their nulls.
#[test]
#[ignore = "slow: hundreds of estimates"]
fn simplification_tests_have_their_size() {
    let design = Design::corridor(SEED);
    let base = |rho: f64| Truth { rho, beta: 0.1, gamma: 0.5, ..Truth::default() };
    let common = |rho: f64| Truth { theta: -rho * 0.1, delta: -rho * 0.5, ..base(rho) };
    let lagged = |rho: f64| Truth { theta: 0.06, delta: 0.2, ..base(rho) };
    let mut rates = Rates::default();
    for replication in 0..REPLICATIONS {
        let fit = |model: Model, p: &Problem| estimate(&as_model(model, p), &Never).unwrap();
        let unit = |k: usize| (0..5).map(|j| f64::from(u8::from(j == k))).collect::<Vec<f64>>();
        let p = design.draw(&base(0.3), replication);
        let (sdm, sar) = (fit(Model::Sdm, &p), fit(Model::Sar, &p));
        rates.note(
            "Wald, SDM to SAR",
            chi2(wald(&sdm.coefficients[2..4], &[unit(2), unit(3)], &sdm.vcov).unwrap(), 2.0),
        );
        rates.note("LR, SDM to SAR", chi2(2.0 * (sdm.loglik - sar.loglik), 2.0));
        let e = &sar.residuals;
        rates.note(
            "Moran of SAR residuals, permuted",
            permuted_moran(e, p.lag_weights.as_ref().unwrap(), PERIODS, 199, replication).unwrap().p.unwrap(),
        );
        let p = design.draw(&common(0.3), replication);
        let (sdm, sem) = (fit(Model::Sdm, &p), fit(Model::Sem, &p));
        let b = &sdm.coefficients;
        let values = [b[2] + b[4] * b[0], b[3] + b[4] * b[1]];
        let gradient = [vec![b[4], 0.0, 1.0, 0.0, b[0]], vec![0.0, b[4], 0.0, 1.0, b[1]]];
        rates.note("Wald, SDM to SEM", chi2(wald(&values, &gradient, &sdm.vcov).unwrap(), 2.0));
        rates.note("LR, SDM to SEM", chi2(2.0 * (sdm.loglik - sem.loglik), 2.0));
        let p = design.draw(&lagged(0.0), replication);
        let (sdm, slx) = (fit(Model::Sdm, &p), fit(Model::Slx, &p));
        rates.note("Wald, SDM to SLX", chi2(wald(&sdm.coefficients[4..], &[unit(4)], &sdm.vcov).unwrap(), 1.0));
        rates.note("LR, SDM to SLX", chi2(2.0 * (sdm.loglik - slx.loglik), 1.0));
    }
    rates.show("simplification of the Durbin model");
    for r in &rates.0 {
        rates.within(&r.name, 0.03, 0.07);
    }
}
