//! What non-normal errors add to the information (methods C.6, QML sandwich): Ω of `V = 𝓘⁻¹ + 𝓘⁻¹ Ω 𝓘⁻¹`.

use super::information::Places;
use super::martingale::star_diagonal;
use super::operator::variance_of_mean;
use super::operators::{Operators, Which};
use super::probing::{Probed, of_mean};
use crate::estimators::EstimateError;
use crate::estimators::solution::Solution;
use nalgebra::DMatrix;

/// Ω in the order of [`Places`] with what probes of diagonals leave open; `g` is the systematic part of the outcome's lag.
pub(crate) fn excess(solution: &Solution, operators: &Operators, g: Option<&[f64]>) -> Result<Probed, EstimateError> {
    let places = Places::of(solution);
    let row = &solution.sample.row;
    let (n, t, s2) = (solution.sample.units as f64, solution.sample.periods as f64, solution.sigma2);
    let e = &solution.residual;
    let count = e.len() as f64;
    let moment = |k: i32| e.iter().map(|v| v.powi(k)).sum::<f64>() / count;
    let share = |size: f64| (1.0 - 1.0 / size).powi(4) + (size - 1.0) / size.powi(4);
    let q_t = if row.unit_effects { share(t) } else { 1.0 };
    let q_n = if row.period_effects { share(n) } else { 1.0 };
    let kappa = (moment(4) - 3.0 * moment(2).powi(2)) / (q_t * q_n);
    // Methods C.7 count every period in a dynamic model.
    let f = if row.unit_effects && !row.dynamic { (t - 1.0).powi(2) / t } else { t };
    // ζ, the diagonal of P: (J_N)_ii where rows have one sum
    let zeta: Vec<f64> = if row.period_effects {
        let s = &solution.direction;
        let norm = s.iter().map(|v| v * v).sum::<f64>();
        s.iter().map(|v| 1.0 - v * v / norm).collect()
    } else {
        vec![1.0; solution.sample.units]
    };
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let mut diagonals: Vec<(usize, Vec<f64>)> = Vec::new();
    let mut probed: Vec<(usize, Vec<Vec<f64>>)> = Vec::new();
    for (place, which) in [(places.rho, Which::G), (places.lambda, Which::H)] {
        if let Some(place) = place {
            let found = star_diagonal(solution, operators, which)?;
            diagonals.push((place, found.values));
            probed.push((place, found.remainders));
        }
    }
    let mut out = DMatrix::zeros(places.size(), places.size());
    let mut deviations = Vec::new();
    for (p, remainders) in &probed {
        // Errors of the diagonal add their squares to its own.
        let surplus: f64 = (0..solution.sample.units).map(|i| variance_of_mean(remainders, i)).sum();
        out[(*p, *p)] -= f * kappa / s2.powi(2) * surplus;
        let change = |remainder: &Vec<f64>| {
            let mut change = DMatrix::zeros(places.size(), places.size());
            for (q, b) in &diagonals {
                let product = f * kappa / s2.powi(2) * dot(remainder, b);
                change[(*p, *q)] += product;
                change[(*q, *p)] += product;
            }
            let cross = f * kappa / (2.0 * s2.powi(3)) * dot(remainder, &zeta);
            change[(*p, places.sigma2)] = cross;
            change[(places.sigma2, *p)] = cross;
            change
        };
        deviations.extend(of_mean(&remainders.iter().map(change).collect::<Vec<_>>()));
    }
    for (p, a) in &diagonals {
        for (q, b) in &diagonals {
            out[(*p, *q)] += f * kappa / s2.powi(2) * dot(a, b);
        }
        let cross = f * kappa / (2.0 * s2.powi(3)) * dot(a, &zeta);
        out[(*p, places.sigma2)] = cross;
        out[(places.sigma2, *p)] = cross;
    }
    out[(places.sigma2, places.sigma2)] = f * kappa / (4.0 * s2.powi(4)) * dot(&zeta, &zeta);
    if !row.unit_effects {
        let q3 = if row.period_effects { (1.0 - 1.0 / n).powi(3) - (n - 1.0) / n.powi(3) } else { 1.0 };
        let sigma2: Vec<f64> = zeta.iter().map(|z| z / (2.0 * s2)).collect();
        diagonals.push((places.sigma2, sigma2));
        third_moments(solution, &places, &diagonals, g, moment(3) / q3, &mut out);
    }
    let probes = probed.iter().map(|(_, r)| r.len()).max().unwrap_or(0);
    Ok(Probed { matrix: out, deviations, probes })
}

/// Without unit effects third moments do not vanish: the score of a slope or of ρ has a part `x'ε/σ²` (x a regressor,
/// or g) whose covariance with `ε'Aε` is `μ₃ Σ x_it A_ii`. Methods C.6 give the terms of slopes; those of g belong too.
fn third_moments(
    solution: &Solution,
    places: &Places,
    diagonals: &[(usize, Vec<f64>)],
    g: Option<&[f64]>,
    mu3: f64,
    out: &mut DMatrix<f64>,
) {
    let s2 = solution.sigma2;
    let slopes = solution.basis.iter().map(Vec::as_slice).enumerate();
    for (j, x) in slopes.chain(places.rho.zip(g)) {
        for (p, a) in diagonals {
            let sum: f64 = x.chunks_exact(a.len()).map(|c| c.iter().zip(a).map(|(x, y)| x * y).sum::<f64>()).sum();
            let covariance = mu3 / s2.powi(2) * sum;
            out[(j, *p)] += covariance;
            out[(*p, j)] += covariance;
        }
    }
}
