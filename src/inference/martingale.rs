//! Variance by unit-clustered martingale differences, averaged over all orders of the units (methods C.6 item 1).

use super::information::Places;
use super::operators::{Operators, Which};
use crate::estimators::EstimateError;
use crate::estimators::solution::Solution;
use crate::linalg::LinalgError;
use crate::linalg::iterate::{axpy, dot};
use crate::linalg::panel;
use crate::linalg::probes::{ProbedMean, signs};
use nalgebra::{DMatrix, DVector};

/// Probed values of `Σ a_ik²` wanted, counted in units: fewer probes where there are more units to average over.
const PROBED_UNITS: usize = 50_000;
const MOST_PROBES: usize = 8;
const SEED: u64 = 0x5EED_0004;

/// What one spatial parameter adds: its diagonal, `Σ_t ê g` per unit, and `a_ik = (A + A')_ik Σ_t ê_it ê_kt / σ²`.
struct Quadratic {
    which: Which,
    place: usize,
    diagonal: Vec<f64>,
    linear: Vec<f64>,
    /// `u_i = Σ_k a_ik`.
    sums: DVector<f64>,
}

/// B of methods C.6 item 1, in the order of [`Places`]; the caller sandwiches it and multiplies by `N/(N − 1)`.
pub(crate) fn outer_product(
    solution: &Solution,
    operators: &Operators,
    g: Option<&[f64]>,
) -> Result<DMatrix<f64>, EstimateError> {
    let places = Places::of(solution);
    let sample = solution.sample;
    let (n, m, s2) = (sample.units, sample.row.periods, solution.sigma2);
    let e = &solution.residual;
    let squares = by_unit(n, e, e);
    let quadratics = quadratics(solution, operators, g, &places, &squares)?;
    let mut scores = DMatrix::zeros(n, places.size());
    for (j, b) in solution.basis.iter().enumerate() {
        scores.column_mut(j).copy_from_slice(&by_unit(n, b, e));
    }
    scores.columns_mut(0, places.slopes).scale_mut(1.0 / s2);
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
    let pairs = pairs(solution, operators, &quadratics, &squares)?;
    for (p, row) in quadratics.iter().zip(&pairs) {
        for (q, pair) in quadratics.iter().zip(row) {
            out[(p.place, q.place)] += p.sums.dot(&q.sums) / 3.0 + pair / 6.0;
        }
    }
    Ok(out)
}

/// `Σ_t x_it y_it` for each unit.
fn by_unit(n: usize, x: &[f64], y: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; n];
    for (x, y) in x.chunks_exact(n).zip(y.chunks_exact(n)) {
        for (s, (x, y)) in sums.iter_mut().zip(x.iter().zip(y)) {
            *s += x * y;
        }
    }
    sums
}

fn quadratics(
    solution: &Solution,
    operators: &Operators,
    g: Option<&[f64]>,
    places: &Places,
    squares: &[f64],
) -> Result<Vec<Quadratic>, EstimateError> {
    let n = solution.sample.units;
    let mut out = Vec::new();
    if let (Some(place), Some(g)) = (places.rho, g) {
        let linear = by_unit(n, &solution.residual, g);
        out.push(Quadratic::new(Which::G, place, linear, solution, operators, squares)?);
    }
    if let Some(place) = places.lambda {
        out.push(Quadratic::new(Which::H, place, vec![0.0; n], solution, operators, squares)?);
    }
    Ok(out)
}

/// The vector that `A* = PAP` is off: `l` in rows 5 and 6 for Ġ, `s(λ)` with period effects for H.
fn off(solution: &Solution, which: Which) -> Option<Vec<f64>> {
    let row = &solution.sample.row;
    match which {
        Which::G => row.projected.then(|| vec![1.0; solution.sample.units]),
        Which::H => row.period_effects.then(|| solution.direction.clone()),
    }
}

/// `A* X` or `A*'X`.
fn image(
    solution: &Solution,
    operators: &Operators,
    which: Which,
    x: &[f64],
    transposed: bool,
) -> Result<Vec<f64>, EstimateError> {
    let Some(s) = off(solution, which) else { return operators.image(which, x, transposed) };
    let project = |x: &mut [f64]| {
        let norm = dot(&s, &s);
        for column in x.chunks_exact_mut(s.len()) {
            axpy(-dot(&s, column) / norm, &s, column);
        }
    };
    let mut x = x.to_vec();
    project(&mut x);
    let mut y = operators.image(which, &x, transposed)?;
    project(&mut y);
    Ok(y)
}

/// Diagonal of `A* = A − (As s' + s s'A)/s's + s (s'As) s'/(s's)²`.
pub(crate) fn star_diagonal(
    solution: &Solution,
    operators: &Operators,
    which: Which,
) -> Result<Vec<f64>, EstimateError> {
    let operator = if which == Which::G { &operators.lag } else { &operators.error };
    let mut diagonal = match (operators.whole(which), operator) {
        (Some(a), _) => a.diagonal(),
        (None, Some(operator)) if which == Which::H || operators.error.is_none() => operator.diagonal()?.to_vec(),
        _ => return Err(two_parameters(solution)),
    };
    if let Some(s) = off(solution, which) {
        let norm = dot(&s, &s);
        let (a, at) = (operators.image(which, &s, false)?, operators.image(which, &s, true)?);
        let middle = dot(&s, &a) / (norm * norm);
        for i in 0..s.len() {
            diagonal[i] += -s[i] * (a[i] + at[i]) / norm + middle * s[i] * s[i];
        }
    }
    Ok(diagonal)
}

/// Diagonals of Ġ are not at hand without whole matrices.
fn two_parameters(solution: &Solution) -> EstimateError {
    let bytes = 32 * (solution.sample.units as u64).pow(2);
    LinalgError::TooLarge { what: "this variance of a model with two spatial parameters", bytes }.into()
}

impl Quadratic {
    fn new(
        which: Which,
        place: usize,
        linear: Vec<f64>,
        solution: &Solution,
        operators: &Operators,
        squares: &[f64],
    ) -> Result<Self, EstimateError> {
        let e = &solution.residual;
        let n = solution.sample.units;
        let diagonal = star_diagonal(solution, operators, which)?;
        // u = [Σ_t ê ∘ (A* + A*')ê]/σ² without its diagonal part.
        let mut both = image(solution, operators, which, e, false)?;
        axpy(1.0, &image(solution, operators, which, e, true)?, &mut both);
        let mut sums = by_unit(n, e, &both);
        for i in 0..n {
            sums[i] = (sums[i] - 2.0 * diagonal[i] * squares[i]) / solution.sigma2;
        }
        Ok(Quadratic { which, place, diagonal, linear, sums: DVector::from_vec(sums) })
    }
}

/// `Σ_i Σ_k a_ik b_ik` over pairs of different units, for each two parameters.
fn pairs(
    solution: &Solution,
    operators: &Operators,
    quadratics: &[Quadratic],
    squares: &[f64],
) -> Result<Vec<Vec<f64>>, EstimateError> {
    let whole: Option<Vec<Vec<f64>>> = quadratics.iter().map(|q| whole_pairs(solution, operators, q)).collect();
    if let Some(whole) = whole {
        return Ok(whole.iter().map(|a| whole.iter().map(|b| dot(a, b)).collect()).collect());
    }
    if quadratics.len() > 1 {
        return Err(two_parameters(solution));
    }
    quadratics.iter().map(|q| Ok(vec![probed_pairs(solution, operators, q, squares)?])).collect()
}

/// All `a_ik`, where matrices are held.
fn whole_pairs(solution: &Solution, operators: &Operators, q: &Quadratic) -> Option<Vec<f64>> {
    let a = operators.whole(q.which)?;
    let star = off(solution, q.which).map_or_else(|| a.clone(), |s| a.projected(&s));
    let (n, t) = (star.n, solution.sample.periods);
    let by_unit = panel::transpose(&solution.residual, n, t);
    let mut data = vec![0.0; n * n];
    for k in 0..n {
        for i in 0..k {
            let product = dot(&by_unit[i * t..(i + 1) * t], &by_unit[k * t..(k + 1) * t]);
            let a = (star.at(i, k) + star.at(k, i)) * product / solution.sigma2;
            data[k * n + i] = a;
            data[i * n + k] = a;
        }
    }
    Some(data)
}

/// `Σ a_ik² = E‖Az‖²` with `Az = Σ_t ê_t ∘ (A* + A*')(ê_t ∘ z)/σ²` without its diagonal part.
fn probed_pairs(
    solution: &Solution,
    operators: &Operators,
    q: &Quadratic,
    squares: &[f64],
) -> Result<f64, EstimateError> {
    let (n, e) = (solution.sample.units, &solution.residual);
    let probes = (PROBED_UNITS / n).clamp(2, MOST_PROBES);
    let operator = if q.which == Which::G { &operators.lag } else { &operators.error };
    let Some(operator) = operator else { return Ok(0.0) };
    operator.axis.interrupt.begin("pairs of units by probes");
    let mut values = Vec::with_capacity(probes);
    for probe in 0..probes {
        let z = signs(SEED, probe as u64, n);
        let spread: Vec<f64> = e.chunks_exact(n).flat_map(|e| e.iter().zip(&z).map(|(e, z)| e * z)).collect();
        let mut both = image(solution, operators, q.which, &spread, false)?;
        axpy(1.0, &image(solution, operators, q.which, &spread, true)?, &mut both);
        let mut az = by_unit(n, e, &both);
        for i in 0..n {
            az[i] = (az[i] - 2.0 * q.diagonal[i] * squares[i] * z[i]) / solution.sigma2;
        }
        values.push(dot(&az, &az));
    }
    let found = ProbedMean::of(&values);
    operator.remark(found);
    Ok(found.mean)
}
