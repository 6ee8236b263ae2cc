//! What non-normal errors add to the information (methods C.6, QML sandwich): Ω of `V = 𝓘⁻¹ + 𝓘⁻¹ Ω 𝓘⁻¹`.

use super::information::Places;
use super::martingale::star_diagonal;
use super::operators::{Operators, Which};
use crate::estimators::EstimateError;
use crate::estimators::solution::Solution;
use nalgebra::DMatrix;

/// Ω in the order of [`Places`].
pub(crate) fn excess(solution: &Solution, operators: &Operators) -> Result<DMatrix<f64>, EstimateError> {
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
    let f = if row.unit_effects { (t - 1.0).powi(2) / t } else { t };
    let zeta = if row.period_effects { 1.0 - 1.0 / n } else { 1.0 };
    let mut diagonals: Vec<(usize, Vec<f64>)> = Vec::new();
    for (place, which) in [(places.rho, Which::G), (places.lambda, Which::H)] {
        if let Some(place) = place {
            diagonals.push((place, star_diagonal(solution, operators, which)?));
        }
    }
    let mut out = DMatrix::zeros(places.size(), places.size());
    for (p, a) in &diagonals {
        for (q, b) in &diagonals {
            out[(*p, *q)] = f * kappa / s2.powi(2) * a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
        }
        let cross = f * kappa / (2.0 * s2.powi(3)) * a.iter().map(|x| x * zeta).sum::<f64>();
        out[(*p, places.sigma2)] = cross;
        out[(places.sigma2, *p)] = cross;
    }
    out[(places.sigma2, places.sigma2)] = f * kappa / (4.0 * s2.powi(4)) * n * zeta * zeta;
    if !row.unit_effects && !row.period_effects {
        third_moments(solution, &places, &diagonals, moment(3), &mut out);
    }
    Ok(out)
}

/// Without fixed effects third moments do not vanish: `Ω_βρ`, `Ω_βσ`.
fn third_moments(
    solution: &Solution,
    places: &Places,
    diagonals: &[(usize, Vec<f64>)],
    mu3: f64,
    out: &mut DMatrix<f64>,
) {
    let s2 = solution.sigma2;
    for (j, b) in solution.basis.iter().enumerate() {
        for (p, a) in diagonals {
            let sum: f64 = b.chunks_exact(a.len()).map(|c| c.iter().zip(a).map(|(x, y)| x * y).sum::<f64>()).sum();
            out[(j, *p)] = mu3 / s2.powi(2) * sum;
            out[(*p, j)] = out[(j, *p)];
        }
        let sum: f64 = b.iter().sum();
        out[(j, places.sigma2)] = mu3 / (2.0 * s2.powi(3)) * sum;
        out[(places.sigma2, j)] = out[(j, places.sigma2)];
    }
}
