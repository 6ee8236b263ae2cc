//! Residuals, fitted values and fixed effects of an estimate (methods I).

use crate::cases::{MODELS, Transformation, dense, design, each, reference};
use crate::likelihood::point;
use crate::reference::Operator;
use durbin::estimators::*;
use nalgebra::{DMatrix, DVector};

fn near(name: &str, what: &str, got: &[f64], want: &DVector<f64>) {
    assert_eq!(got.len(), want.len(), "{name}: {what}");
    let gap = got.iter().zip(want.iter()).map(|(g, w)| (g - w).abs()).fold(0.0, f64::max);
    assert!(gap < 1e-9, "{name}: {what} differ by {gap:e}");
}

/// `y − ρWy − Zβ` on raw data.
fn left(p: &Problem, e: &Estimated) -> DVector<f64> {
    let y = DVector::from_column_slice(&p.outcome);
    let columns = design(p);
    let mut out = y.clone();
    for (column, b) in columns.iter().zip(&e.coefficients) {
        out -= DVector::from_column_slice(column) * *b;
    }
    match &p.lag_weights {
        Some(w) => out - Operator::new(dense(w), p.periods).large * y * e.coefficients[columns.len()],
        None => out,
    }
}

#[test]
fn fixed_effects_are_means_of_what_the_slopes_leave() {
    each(&MODELS, &mut |name, p| {
        let e = estimate(&p, &Never).unwrap();
        let rest = DMatrix::from_column_slice(p.units, p.periods, left(&p, &e).as_slice());
        let both = p.fixed_effects == FixedEffects::Both;
        let center = if both { rest.mean() } else { 0.0 };
        let units = rest.column_mean().add_scalar(-center);
        let periods = rest.row_mean().transpose().add_scalar(-center);
        let none = DVector::zeros(0);
        let has = |one: FixedEffects| both || p.fixed_effects == one;
        near(name, "unit effects", &e.unit_effects, if has(FixedEffects::Unit) { &units } else { &none });
        near(name, "period effects", &e.time_effects, if has(FixedEffects::Time) { &periods } else { &none });
    });
}

/// The residuals are the innovations without their effects; filtering what the fit leaves of the outcome gives them back.
#[test]
fn the_outcome_is_its_fit_and_residuals_filtered_back() {
    each(&MODELS, &mut |name, p| {
        let e = estimate(&p, &Never).unwrap();
        let r = reference(&p);
        let innovations = Transformation::of(&p).back(&r.innovations(&point(&r, &e)));
        near(name, "residuals", &e.residuals, &DVector::from_column_slice(innovations.as_slice()));
        let rest = DVector::from_column_slice(&p.outcome) - DVector::from_column_slice(&e.fitted);
        let filtered = match &p.error_weights {
            Some(w) => &rest - Operator::new(dense(w), p.periods).large * &rest * *e.coefficients.last().unwrap(),
            None => rest.clone(),
        };
        near(name, "filtered rests", filtered.as_slice(), &DVector::from_column_slice(&e.residuals));
        let y = DVector::from_column_slice(&p.outcome);
        let centered = y.add_scalar(-y.mean());
        let r2 = 1.0 - rest.dot(&rest) / centered.dot(&centered);
        assert!((e.r2 - r2).abs() < 1e-10, "{name}: r2 is {}, not {r2}", e.r2);
    });
}
