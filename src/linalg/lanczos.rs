//! Extreme eigenvalues of a large symmetric matrix: a short Lanczos run, then Lanczos on the inverse just beyond the end,
//! where definiteness of a Cholesky factor proves on which side of the end the shift lies (methods B.6).

use super::LinalgError;
use super::cholesky::{CholeskyFactor, SparseCholesky};
use super::csr::Csr;
use super::iterate::{dot, norm};
use super::probes::rademacher;
use faer::{Mat, Side};

/// Steps of the first run, which only has to say where the end roughly is.
const ROUGH_STEPS: usize = 30;
/// Most steps with the inverse for one shift.
const INVERSE_STEPS: usize = 60;
/// Steps from one look at the Ritz values to the next.
const LOOK_EVERY: usize = 3;
/// Expected error at which the iteration stops, relative to the bound on all eigenvalues.
const GOAL: f64 = 1e-12;
/// What is proved: no eigenvalue lies farther than this beyond the answer, relative to the same bound.
const PROVED: f64 = 1e-9;

/// Which end of the spectrum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Smallest,
    Largest,
}

impl End {
    fn sign(self) -> f64 {
        match self {
            End::Smallest => -1.0,
            End::Largest => 1.0,
        }
    }
}

/// The extreme eigenvalue of `B = diag(s) W diag(s)⁻¹` at one end, to 1e-8 of `bound ≥ ϱ(W)`.
///
/// # Errors
/// `NoConvergence` when three shifts do not reach that accuracy, or when that end of the spectrum is not on its own
/// side of zero.
pub fn extreme(
    w: &Csr,
    symmetrizer: &[f64],
    cholesky: &SparseCholesky,
    bound: f64,
    end: End,
) -> Result<f64, LinalgError> {
    let sign = end.sign();
    let apply = |x: &[f64], y: &mut [f64]| {
        // B x = s ∘ W (x / s)
        let scaled: Vec<f64> = x.iter().zip(symmetrizer).map(|(x, s)| x / s).collect();
        w.multiply(&scaled, y);
        for (y, s) in y.iter_mut().zip(symmetrizer) {
            *y *= sign * s;
        }
        Ok(())
    };
    let rough = lanczos(w.n, ROUGH_STEPS, |ritz| ritz.residual <= 1e-12 * bound, apply)?;
    if rough.value <= 1e-9 * bound {
        return Err(LinalgError::NoConvergence);
    }
    let mut estimate = rough.value;
    let mut margin = rough.residual.max(1e-4 * bound);
    for _ in 0..3 {
        let (shift, factor) = shift_beyond(cholesky, sign, estimate, margin, bound)?;
        let invert = |x: &[f64], y: &mut [f64]| {
            y.copy_from_slice(x);
            cholesky.solve_symmetric(&factor, y)
        };
        // (I − (sign/σ)B)⁻¹ has the eigenvalues ν = σ / (σ − sign·ω): an error of ν is one of ω times σ/ν².
        let error = |ritz: &Ritz| ritz.error() * shift / (ritz.value * ritz.value);
        let inverse = lanczos(w.n, INVERSE_STEPS, |ritz| error(ritz) <= GOAL * bound, invert)?;
        estimate = shift - shift / inverse.value;
        // A Ritz value never lies beyond the end, and a matrix that is definite just beyond it has no eigenvalue there.
        if error(&inverse) <= PROVED * bound && cholesky.factor(sign / (estimate + PROVED * bound)).is_ok() {
            return Ok(sign * estimate);
        }
        margin = (4.0 * error(&inverse)).max(PROVED * bound);
    }
    Err(LinalgError::NoConvergence)
}

/// A shift beyond the end and the factor of `I − (sign/σ)B`, moving outwards until the factor exists.
fn shift_beyond(
    cholesky: &SparseCholesky,
    sign: f64,
    estimate: f64,
    margin: f64,
    bound: f64,
) -> Result<(f64, CholeskyFactor), LinalgError> {
    let farthest = bound * (1.0 + 1e-4);
    let mut step = margin;
    loop {
        let shift = (estimate + step).min(farthest);
        match cholesky.factor(sign / shift) {
            Ok(factor) => return Ok((shift, factor)),
            Err(LinalgError::NotPositiveDefinite) if shift < farthest => step *= 4.0,
            Err(LinalgError::NotPositiveDefinite) => return Err(LinalgError::NoConvergence),
            Err(other) => return Err(other),
        }
    }
}

/// The largest Ritz value, the norm of its residual and the distance of the next one.
struct Ritz {
    value: f64,
    residual: f64,
    gap: f64,
}

impl Ritz {
    /// How far the eigenvalue may be: the residual, or its square over the gap to the rest of the spectrum (Kato–Temple).
    fn error(&self) -> f64 {
        if self.gap > self.residual { self.residual * self.residual / self.gap } else { self.residual }
    }
}

/// The largest Ritz value of a symmetric operator after at most `steps` products.
///
/// Vectors are not orthogonalised again: the basis loses that only towards a Ritz vector that has converged (Paige 1980),
/// and there the run ends.
fn lanczos(
    n: usize,
    steps: usize,
    enough: impl Fn(&Ritz) -> bool,
    apply: impl Fn(&[f64], &mut [f64]) -> Result<(), LinalgError>,
) -> Result<Ritz, LinalgError> {
    let start = 1.0 / (n as f64).sqrt();
    // Equal moduli with pseudo-random signs, tilted so that no symmetry of the graph is orthogonal to it.
    let mut q: Vec<f64> =
        (0..n).map(|i| start * rademacher(0x01A7_C205, 0, i as u64) * (1.0 + 0.5 * (i as f64 / n as f64))).collect();
    let size = norm(&q);
    q.iter_mut().for_each(|x| *x /= size);
    let mut previous = vec![0.0; n];
    let mut next = vec![0.0; n];
    let (mut alpha, mut beta): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut ritz = Ritz { value: f64::NEG_INFINITY, residual: f64::INFINITY, gap: 0.0 };
    for step in 1..=steps.min(n) {
        apply(&q, &mut next)?;
        let b = beta.last().copied().unwrap_or(0.0);
        let a = dot(&q, &next);
        for i in 0..n {
            next[i] -= a * q[i] + b * previous[i];
        }
        alpha.push(a);
        let size = norm(&next);
        if !size.is_finite() {
            return Err(LinalgError::NoConvergence);
        }
        let exhausted = size <= 1e-14 * (a.abs() + b) || step == steps.min(n);
        if exhausted || step % LOOK_EVERY == 0 {
            ritz = largest_ritz(&alpha, &beta, size)?;
            if exhausted || enough(&ritz) {
                break;
            }
        }
        beta.push(size);
        next.iter_mut().for_each(|x| *x /= size);
        std::mem::swap(&mut previous, &mut q);
        std::mem::swap(&mut q, &mut next);
    }
    Ok(ritz)
}

/// The largest eigenvalue of the tridiagonal matrix, with `next_beta · |last component of its vector|` and the next one.
fn largest_ritz(alpha: &[f64], beta: &[f64], next_beta: f64) -> Result<Ritz, LinalgError> {
    let k = alpha.len();
    let mut t = Mat::<f64>::zeros(k, k);
    for i in 0..k {
        t[(i, i)] = alpha[i];
        if i + 1 < k {
            t[(i, i + 1)] = beta[i];
            t[(i + 1, i)] = beta[i];
        }
    }
    let decomposition = t.self_adjoint_eigen(Side::Lower).map_err(|_| LinalgError::NoConvergence)?;
    let last = k - 1;
    let value = decomposition.S().column_vector()[last];
    let gap = if last == 0 { 0.0 } else { value - decomposition.S().column_vector()[last - 1] };
    Ok(Ritz { value, residual: next_beta * decomposition.U()[(last, last)].abs(), gap })
}
