//! A logit of being treated by Newton's method (methods E.4, E.8).

use crate::linalg::dense::{dependent, symmetric_inverse};
use nalgebra::{DMatrix, DVector};

/// Newton steps.
const STEPS: usize = 100;

/// Probabilities of being treated at the maximum of the likelihood.
pub(super) struct Logit {
    pub probabilities: Vec<f64>,
    /// Of the information.
    pub inverse: DMatrix<f64>,
}

/// Why a logit has no maximum.
#[derive(Debug, PartialEq)]
pub(super) enum NoLogit {
    /// These columns are combinations of those before them.
    Collinear(Vec<usize>),
    /// Covariates tell the treated from the others: the probabilities on the way.
    Separated(Vec<f64>),
}

/// Fits it to the rows of `design`, of which the first `treated` are; `weights` multiply rows.
pub(super) fn logit(design: &DMatrix<f64>, treated: usize, weights: Option<&[f64]>) -> Result<Logit, NoLogit> {
    let (n, k) = design.shape();
    let weight = |i: usize| weights.map_or(1.0, |w| w[i]);
    let probabilities =
        |b: &DVector<f64>| -> Vec<f64> { (design * b).iter().map(|v: &f64| 1.0 / (1.0 + (-v).exp())).collect() };
    let inverse = |p: &[f64]| {
        let mut weighted = design.clone();
        weighted.row_iter_mut().enumerate().for_each(|(i, mut row)| row *= weight(i) * p[i] * (1.0 - p[i]));
        symmetric_inverse(&design.tr_mul(&weighted)).map_err(|_| match dependent(&design.tr_mul(design)) {
            columns if columns.is_empty() => NoLogit::Separated(p.to_vec()),
            columns => NoLogit::Collinear(columns),
        })
    };
    let mut b = DVector::zeros(k);
    let mut p = probabilities(&b);
    for _ in 0..STEPS {
        let gap = DVector::from_fn(n, |i, _| weight(i) * (f64::from(u8::from(i < treated)) - p[i]));
        let step = inverse(&p)? * design.tr_mul(&gap);
        b += &step;
        p = probabilities(&b);
        let moved = step.iter().zip(b.iter()).fold(0.0f64, |m, (s, b)| m.max(s.abs() / (1.0 + b.abs())));
        // A separated logit runs away: probabilities say so.
        if moved < 1e-12 || p.iter().any(|p| *p > 1.0 - 1e-12) {
            break;
        }
    }
    let inverse = inverse(&p)?;
    Ok(Logit { probabilities: p, inverse })
}
