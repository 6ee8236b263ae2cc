//! Variance by unit-clustered martingale differences, averaged over all orders of the units (methods C.6 item 1).

use super::information::Places;
use super::operators::{Dense, Operators};
use crate::estimators::kernels::dot;
use crate::estimators::solution::Solution;
use nalgebra::{DMatrix, DVector};

/// What one spatial parameter adds: its diagonal, `Σ_t ê g` per unit, and `a_ik = (A + A')_ik Σ_t ê_it ê_kt / σ²`.
struct Quadratic {
    place: usize,
    diagonal: Vec<f64>,
    linear: Vec<f64>,
    /// `u_i = Σ_k a_ik`.
    sums: DVector<f64>,
    pairs: Dense,
}

/// B of methods C.6 item 1, in the order of [`Places`]; the caller sandwiches it and multiplies by `N/(N − 1)`.
pub(crate) fn outer_product(solution: &Solution, operators: &Operators, g: Option<&[f64]>) -> DMatrix<f64> {
    let places = Places::of(solution);
    let sample = solution.sample;
    let (n, t, m, s2) = (sample.units, sample.periods, sample.row.periods, solution.sigma2);
    let e = &solution.residual;
    let squares: Vec<f64> = (0..n).map(|i| (0..t).map(|p| e[p * n + i].powi(2)).sum()).collect();
    let quadratics = quadratics(solution, operators, g, &places);
    let mut scores = DMatrix::zeros(n, places.size());
    for (j, b) in solution.basis.iter().enumerate() {
        for i in 0..n {
            scores[(i, j)] = (0..t).map(|p| b[p * n + i] * e[p * n + i]).sum::<f64>() / s2;
        }
    }
    let share = sample.row.observations / (2.0 * s2 * n as f64);
    for i in 0..n {
        for q in &quadratics {
            scores[(i, q.place)] = (q.linear[i] + q.diagonal[i] * squares[i]) / s2 - m * q.diagonal[i];
        }
        scores[(i, places.sigma2)] = squares[i] / (2.0 * s2 * s2) - share;
    }
    let mut out = scores.transpose() * &scores;
    for q in &quadratics {
        // The cross products of l with the martingale part: half of them precede in a random order.
        let half = scores.transpose() * &q.sums * 0.5;
        for (k, h) in half.iter().enumerate() {
            out[(q.place, k)] += h;
            out[(k, q.place)] += h;
        }
    }
    for p in &quadratics {
        for q in &quadratics {
            out[(p.place, q.place)] += p.sums.dot(&q.sums) / 3.0 + p.pairs.inner(&q.pairs) / 6.0;
        }
    }
    out
}

fn quadratics(solution: &Solution, operators: &Operators, g: Option<&[f64]>, places: &Places) -> Vec<Quadratic> {
    let sample = solution.sample;
    let (n, t) = (sample.units, sample.periods);
    let e = &solution.residual;
    let mut out = Vec::new();
    let products = Dense {
        n,
        data: {
            let by_unit: Vec<f64> = (0..n).flat_map(|i| (0..t).map(move |p| e[p * n + i])).collect();
            let mut data = vec![0.0; n * n];
            for k in 0..n {
                for i in 0..n {
                    data[k * n + i] = dot(&by_unit[i * t..(i + 1) * t], &by_unit[k * t..(k + 1) * t]);
                }
            }
            data
        },
    };
    let ones = vec![1.0; n];
    if let (Some(place), Some(matrix), Some(g)) = (places.rho, &operators.g, g) {
        let star = if sample.row.projected { matrix.projected(&ones) } else { matrix.clone() };
        let linear = (0..n).map(|i| (0..t).map(|p| e[p * n + i] * g[p * n + i]).sum()).collect();
        out.push(Quadratic::new(place, &star, linear, &products, solution.sigma2));
    }
    if let (Some(place), Some(matrix)) = (places.lambda, &operators.h) {
        let star = if sample.row.period_effects { matrix.projected(&solution.direction) } else { matrix.clone() };
        out.push(Quadratic::new(place, &star, vec![0.0; n], &products, solution.sigma2));
    }
    out
}

impl Quadratic {
    fn new(place: usize, matrix: &Dense, linear: Vec<f64>, products: &Dense, sigma2: f64) -> Self {
        let n = matrix.n;
        let mut data = vec![0.0; n * n];
        let mut sums = DVector::zeros(n);
        for k in 0..n {
            for i in (0..n).filter(|&i| i != k) {
                let a = (matrix.at(i, k) + matrix.at(k, i)) * products.at(i, k) / sigma2;
                data[k * n + i] = a;
                sums[i] += a;
            }
        }
        Quadratic { place, diagonal: matrix.diagonal(), linear, sums, pairs: Dense { n, data } }
    }
}
