//! Variance by unit-clustered martingale differences, averaged over all orders of the units (methods C.6 item 1).

use super::information::Places;
use super::operator::{ProbedDiagonal, variance_of_mean};
use super::operators::{Operators, Which};
use super::probing::{Probed, of_mean};
use crate::estimators::EstimateError;
use crate::estimators::solution::Solution;
use crate::linalg::iterate::{axpy, dot};
use crate::linalg::panel::{self, unit_products};
use crate::linalg::probes::signs;
use nalgebra::{DMatrix, DVector};

/// Probed values of `Σ a_ik²` wanted at first, counted in units: fewer probes where there are more units to average over.
const PROBED_UNITS: usize = 50_000;
/// Probes added at a time, and at most.
const MORE_PROBES: usize = 4;
const MOST_PROBES: usize = 64;
/// What probed pairs may leave uncertain of a standard error, relative to it.
const ENOUGH: f64 = 0.005;
const SEED: u64 = 0x5EED_0004;

/// What one spatial parameter adds: its diagonal, `Σ_t ê g` per unit, and `a_ik = (A + A')_ik Σ_t ê_it ê_kt / σ²`.
struct Quadratic {
    which: Which,
    place: usize,
    diagonal: ProbedDiagonal,
    /// `A_ii Σ_t ê_it²` and `m A_ii`, by unit.
    own: Vec<f64>,
    expected: Vec<f64>,
    linear: Vec<f64>,
    /// `u_i = Σ_k a_ik`.
    sums: DVector<f64>,
}

/// B of methods C.6 item 1, in the order of [`Places`]; the caller sandwiches it and multiplies by `N/(N − 1)`. `share`
/// says how far deviations of a B move standard errors, relative to them.
pub(crate) fn outer_product(
    solution: &Solution,
    operators: &Operators,
    g: Option<&[f64]>,
    share: impl Fn(&DMatrix<f64>, &[DMatrix<f64>]) -> f64,
) -> Result<Probed, EstimateError> {
    let places = Places::of(solution);
    let sample = solution.sample;
    let (n, m, s2) = (sample.panel_units(), sample.row.periods, solution.sigma2);
    let e = &solution.residual;
    let squares = unit_products(e, e, n);
    // Of the units of spatial operators: where weights change over time, those are cells.
    let spatial = unit_products(e, e, sample.units);
    let quadratics = quadratics(solution, operators, g, &places, &spatial)?;
    let mut scores = DMatrix::zeros(n, places.size());
    for (j, b) in solution.basis.iter().enumerate() {
        scores.column_mut(j).copy_from_slice(&unit_products(b, e, n));
    }
    scores.columns_mut(0, places.slopes).scale_mut(1.0 / s2);
    let per_unit = sample.row.observations / (2.0 * s2 * n as f64);
    for i in 0..n {
        for q in &quadratics {
            scores[(i, q.place)] = (q.linear[i] + q.own[i]) / s2 - q.expected[i];
        }
        scores[(i, places.sigma2)] = squares[i] / (2.0 * s2 * s2) - per_unit;
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
            out[(p.place, q.place)] += p.sums.dot(&q.sums) / 3.0;
        }
    }
    let scaled: Vec<f64> = spatial.iter().map(|s| s / s2).collect();
    let mut deviations = Vec::new();
    let mut probes = 0;
    for q in &quadratics {
        out[(q.place, q.place)] -= expected_surplus(&q.diagonal, &scaled, m);
        deviations.extend(of_mean(&diagonal_changes(q, &quadratics, &scores, &scaled, m)));
        probes = probes.max(q.diagonal.remainders.len());
    }
    let known = Probed { matrix: out, deviations, probes };
    with_pairs(solution, operators, &quadratics, known, share)
}

/// What squaring the errors `ε_i` of a probed diagonal adds to `B_ρρ`: `l_i` has `ε_i(x_i − m)` of them and `u_i` and `a_ii`
/// have `−2ε_i x_i`, `x_i = Σ_t ê_it²/σ²`.
fn expected_surplus(diagonal: &ProbedDiagonal, scaled: &[f64], m: f64) -> f64 {
    if diagonal.remainders.is_empty() {
        return 0.0;
    }
    scaled.iter().enumerate().map(|(i, x)| variance_of_mean(&diagonal.remainders, i) * (x * x + m * m)).sum()
}

/// What each probe of the diagonal of one parameter changes of B, to first order.
fn diagonal_changes(
    of: &Quadratic,
    quadratics: &[Quadratic],
    scores: &DMatrix<f64>,
    scaled: &[f64],
    m: f64,
) -> Vec<DMatrix<f64>> {
    let (n, size) = scores.shape();
    let one = |remainder: &Vec<f64>| {
        let each = |f: &dyn Fn(f64) -> f64| -> DVector<f64> {
            let cells: Vec<f64> = remainder.iter().zip(scaled).map(|(r, x)| r * f(*x)).collect();
            DVector::from_vec(folded(&cells, n))
        };
        let of_score = each(&|x| x - m);
        let of_sum = each(&|x| -2.0 * x);
        let mut row = scores.transpose() * (&of_score + &of_sum * 0.5);
        for q in quadratics {
            row[q.place] += 0.5 * of_score.dot(&q.sums) + of_sum.dot(&q.sums) / 3.0;
        }
        let mut out = DMatrix::zeros(size, size);
        for (k, v) in row.iter().enumerate() {
            out[(of.place, k)] += v;
            out[(k, of.place)] += v;
        }
        out
    };
    of.diagonal.remainders.iter().map(one).collect()
}

/// Sums by unit of the panel.
fn folded(x: &[f64], units: usize) -> Vec<f64> {
    (0..units).map(|i| x[i..].iter().step_by(units).sum()).collect()
}

fn quadratics(
    solution: &Solution,
    operators: &Operators,
    g: Option<&[f64]>,
    places: &Places,
    squares: &[f64],
) -> Result<Vec<Quadratic>, EstimateError> {
    let n = solution.sample.panel_units();
    let mut out = Vec::new();
    if let (Some(place), Some(g)) = (places.rho, g) {
        let linear = unit_products(&solution.residual, g, n);
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
) -> Result<ProbedDiagonal, EstimateError> {
    let mut diagonal = operators.diagonal(which)?;
    if let Some(s) = off(solution, which) {
        let norm = dot(&s, &s);
        let (a, at) = (operators.image(which, &s, false)?, operators.image(which, &s, true)?);
        let middle = dot(&s, &a) / (norm * norm);
        for i in 0..s.len() {
            diagonal.values[i] += -s[i] * (a[i] + at[i]) / norm + middle * s[i] * s[i];
        }
    }
    Ok(diagonal)
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
        let (n, m) = (solution.sample.panel_units(), solution.sample.row.periods);
        let diagonal = star_diagonal(solution, operators, which)?;
        let each = |f: &dyn Fn(f64) -> f64| -> Vec<f64> {
            let cells: Vec<f64> = diagonal.values.iter().zip(squares).map(|(d, s)| d * f(*s)).collect();
            folded(&cells, n)
        };
        let (own, expected) = (each(&|s| s), each(&|_| m));
        // u = [Σ_t ê ∘ (A* + A*')ê]/σ² without its diagonal part.
        let mut both = image(solution, operators, which, e, false)?;
        axpy(1.0, &image(solution, operators, which, e, true)?, &mut both);
        let mut sums = unit_products(e, &both, n);
        for i in 0..n {
            sums[i] = (sums[i] - 2.0 * own[i]) / solution.sigma2;
        }
        Ok(Quadratic { which, place, diagonal, own, expected, linear, sums: DVector::from_vec(sums) })
    }
}

/// B with `Σ_i Σ_k a_ik b_ik / 6` over pairs of different units, for each two parameters; where they are probed, with as
/// many probes as standard errors need.
fn with_pairs(
    solution: &Solution,
    operators: &Operators,
    quadratics: &[Quadratic],
    mut known: Probed,
    share: impl Fn(&DMatrix<f64>, &[DMatrix<f64>]) -> f64,
) -> Result<Probed, EstimateError> {
    let whole: Option<Vec<Vec<f64>>> = quadratics.iter().map(|q| whole_pairs(solution, operators, q)).collect();
    if let Some(whole) = whole {
        known.matrix += between(quadratics, &whole, known.matrix.nrows());
        return Ok(known);
    }
    let n = solution.sample.panel_units();
    let mut wanted = (PROBED_UNITS / n).clamp(2, 2 * MORE_PROBES);
    let mut values: Vec<DMatrix<f64>> = Vec::new();
    loop {
        while values.len() < wanted {
            let z = signs(SEED, values.len() as u64, n);
            let images: Result<Vec<Vec<f64>>, _> =
                quadratics.iter().map(|q| pairs_image(solution, operators, q, &z)).collect();
            values.push(between(quadratics, &images?, known.matrix.nrows()));
        }
        let mut matrix = known.matrix.clone();
        values.iter().for_each(|v| matrix += v / values.len() as f64);
        let deviations = of_mean(&values);
        if share(&matrix, &deviations) <= ENOUGH || values.len() >= MOST_PROBES {
            known.deviations.extend(deviations);
            return Ok(Probed { matrix, probes: known.probes.max(values.len()), ..known });
        }
        wanted += MORE_PROBES;
    }
}

/// Inner products of what each parameter has, over six, at the places of parameters.
fn between(quadratics: &[Quadratic], of: &[Vec<f64>], size: usize) -> DMatrix<f64> {
    let mut out = DMatrix::zeros(size, size);
    for (p, a) in quadratics.iter().zip(of) {
        for (q, b) in quadratics.iter().zip(of) {
            out[(p.place, q.place)] = dot(a, b) / 6.0;
        }
    }
    out
}

/// All `a_ik`, where matrices are held.
fn whole_pairs(solution: &Solution, operators: &Operators, q: &Quadratic) -> Option<Vec<f64>> {
    let a = operators.whole(q.which)?;
    let star = off(solution, q.which).map_or_else(|| a.clone(), |s| a.projected(&s));
    let (n, t) = (solution.sample.panel_units(), solution.sample.problem.periods);
    let mut data = vec![0.0; n * n];
    if star.n > n {
        // A block for each period.
        for (period, e) in solution.residual.chunks_exact(n).enumerate() {
            let at = |i: usize, k: usize| star.at(period * n + i, period * n + k);
            for k in 0..n {
                for i in (0..n).filter(|&i| i != k) {
                    data[k * n + i] += (at(i, k) + at(k, i)) * e[i] * e[k] / solution.sigma2;
                }
            }
        }
        return Some(data);
    }
    let by_unit = panel::transpose(&solution.residual, n, t);
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

/// `Az = Σ_t ê_t ∘ (A* + A*')(ê_t ∘ z)/σ²` without its diagonal part: over signs z, `E (Az)'Bz = Σ a_ik b_ik`.
fn pairs_image(
    solution: &Solution,
    operators: &Operators,
    q: &Quadratic,
    z: &[f64],
) -> Result<Vec<f64>, EstimateError> {
    let (n, e) = (solution.sample.panel_units(), &solution.residual);
    if let Some(operator) = operators.lag.as_ref().or(operators.error.as_ref()) {
        operator.axis.interrupt.begin("pairs of units by probes");
    }
    let spread: Vec<f64> = e.chunks_exact(n).flat_map(|e| e.iter().zip(z).map(|(e, z)| e * z)).collect();
    let mut both = image(solution, operators, q.which, &spread, false)?;
    axpy(1.0, &image(solution, operators, q.which, &spread, true)?, &mut both);
    let mut az = unit_products(e, &both, n);
    for i in 0..n {
        az[i] = (az[i] - 2.0 * q.own[i] * z[i]) / solution.sigma2;
    }
    Ok(az)
}
