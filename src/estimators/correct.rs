//! Corrections of an optimum for what removed effects and estimated slopes take from the score (methods C.5, C.7).

use super::EstimateError;
use super::dynamics::Dynamics;
use super::sample::{Sample, lag};
use super::solution::Solution;
use crate::inference::information::{Places, expected, invert};
use crate::inference::operators::{Operators, Which};
use crate::linalg::iterate::dot;
use crate::linalg::{LinalgError, cross};
use crate::weights::Weights;
use nalgebra::DVector;

/// The corrections of methods C.5 and C.7: period effects under `partial`, unit effects beside lags of the outcome, and
/// the score adjustment for estimated slopes.
pub(crate) fn corrected<'a>(
    sample: &'a Sample<'a>,
    solution: &Solution,
    operators: &Operators,
    error: Option<&'a Weights>,
    dynamics: Option<&Dynamics>,
    at: &dyn Fn(f64, f64) -> Result<(DVector<f64>, f64), EstimateError>,
) -> Result<Solution<'a>, EstimateError> {
    let places = Places::of(solution);
    let s2 = solution.sigma2;
    let systematic = operators.systematic_lag(solution)?;
    let information = expected(solution, systematic.as_deref(), &operators.traces(sample.row.projected, true)?);
    let inverse = invert(&information).ok_or(LinalgError::NotPositiveDefinite)?;
    let mut score = DVector::zeros(places.size());
    if sample.row.corrected {
        add_period_effects(&mut score, solution, operators, error)?;
    }
    if let Some(dynamics) = dynamics {
        add_time_lags(&mut score, solution, dynamics)?;
    }
    let df_adjust = sample.problem.df_adjust;
    if df_adjust {
        add_slopes(&mut score, solution, operators)?;
    }
    let step = inverse * score;
    let rho = solution.rho + places.rho.map_or(0.0, |r| step[r]);
    let lambda = solution.lambda + places.lambda.map_or(0.0, |l| step[l]);
    if df_adjust {
        let (gamma, sse) = at(rho, lambda)?;
        let sigma2 = sse / (sample.row.adjusted - sample.slopes() as f64);
        return Ok(Solution::new(sample, error, gamma, rho, lambda, sigma2));
    }
    let gamma = &solution.gamma + step.rows(0, places.slopes);
    Ok(Solution::new(sample, error, gamma, rho, lambda, s2 + step[places.sigma2]))
}

/// `a_ρ = s'RGl/(s's)`, `a_λ = s'W₂l/(s's)`, `a_σ = 1/(2σ²)`, times m: what removing period effects takes from the score.
fn add_period_effects(
    score: &mut DVector<f64>,
    solution: &Solution,
    operators: &Operators,
    error: Option<&Weights>,
) -> Result<(), EstimateError> {
    let places = Places::of(solution);
    let (n, m) = (solution.sample.units, solution.sample.row.periods);
    let ones = vec![1.0; n];
    let s = &solution.direction;
    let norm = dot(s, s);
    if let (Some(r), Some(lag_operator)) = (places.rho, &operators.lag) {
        let gl = lag_operator.image(&ones, false)?;
        let filtered = match error {
            Some(w) => gl.iter().zip(lag(w, &gl, 1)).map(|(a, b)| a - solution.lambda * b).collect(),
            None => gl,
        };
        score[r] += m * dot(s, &filtered) / norm;
    }
    if let (Some(l), Some(w)) = (places.lambda, error) {
        score[l] += m * dot(s, &lag(w, &ones, 1)) / norm;
    }
    score[places.sigma2] += m / (2.0 * solution.sigma2);
    Ok(())
}

/// `a` of methods C.7: what removing unit effects takes from the score beside lags of the outcome.
fn add_time_lags(score: &mut DVector<f64>, solution: &Solution, dynamics: &Dynamics) -> Result<(), EstimateError> {
    let places = Places::of(solution);
    let slopes = solution.slopes();
    let (missing, of_rho) = dynamics.missing_score(slopes.as_slice(), solution.rho)?;
    // On the orthonormal basis, γ = Rβ.
    let on_basis = solution.sample.inverse_triangle().transpose() * missing;
    let mut head = score.rows_mut(0, places.slopes);
    head += on_basis;
    if let Some(r) = places.rho {
        score[r] += of_rho;
    }
    score[places.sigma2] += dynamics.missing_units() / (2.0 * solution.sigma2);
    Ok(())
}

/// `a₂` of methods C.5: what estimating the slopes takes from the score.
fn add_slopes(score: &mut DVector<f64>, solution: &Solution, operators: &Operators) -> Result<(), EstimateError> {
    let places = Places::of(solution);
    let sample = solution.sample;
    let columns: Vec<&[f64]> = solution.basis.iter().map(Vec::as_slice).collect();
    let gram = invert(&cross::gram(&columns)).ok_or(LinalgError::NotPositiveDefinite)?;
    for (place, which) in [(places.rho, Which::G), (places.lambda, Which::H)] {
        let Some(place) = place else { continue };
        for (j, b) in solution.basis.iter().enumerate() {
            let mut ab = operators.image(which, b, false)?;
            solution.project(&mut ab)?;
            score[place] += (0..sample.slopes()).map(|i| gram[(j, i)] * dot(&solution.basis[i], &ab)).sum::<f64>();
        }
    }
    score[places.sigma2] += sample.slopes() as f64 / (2.0 * solution.sigma2);
    Ok(())
}
