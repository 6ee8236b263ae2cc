//! The spatial operators of methods C.6 at one (ρ, λ): `Ġ = RGR⁻¹` (`G` itself without an error matrix), `H = W₂R⁻¹`,
//! their traces and products.

use super::dense::Dense;
use super::operator::{ENOUGH, ENOUGH_OF_TWO, Moments, Operator, ProbedDiagonal};
use crate::estimators::axis::{Axis, Curve};
use crate::estimators::solution::Solution;
use crate::estimators::{EstimateError, Remark};
use crate::linalg::iterate::{axpy, dot};
use crate::linalg::panel;
use crate::linalg::probes::ProbedMean;

/// Traces of methods C.6, of the projected operators in rows 5 and 6.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Traces {
    /// `tr Ġ*`, `tr Ġ*²`, `tr Ġ*'Ġ*`.
    pub g: f64,
    pub gg: f64,
    pub gtg: f64,
    /// `tr H*`, `tr H*²`, `tr H*'H*`.
    pub h: f64,
    pub hh: f64,
    pub hth: f64,
    /// `tr H*Ġ*`, `tr H*'Ġ*`.
    pub hg: f64,
    pub htg: f64,
    /// Standard errors of `tr Ġ*'Ġ*`, `tr H*'H*`, `tr H*Ġ*` and `tr H*'Ġ*` where they were probed, else zero.
    pub errors: [f64; 4],
    /// Most probes of one of them.
    pub probes: usize,
}

impl Traces {
    fn note(&mut self, which: usize, probed: ProbedMean) {
        self.errors[which] = probed.error();
        self.probes = self.probes.max(probed.probes);
    }
}

/// Which of the two operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    G,
    H,
}

/// The operators at one (ρ, λ).
pub(crate) struct Operators<'a> {
    pub lag: Option<Operator<'a>>,
    pub error: Option<Operator<'a>>,
    /// `Ġ` as a whole, where it is not `G`.
    rotated: Option<Dense>,
}

impl<'a> Operators<'a> {
    /// At the solution's parameters; `curves` are the log-determinants of the search, `dense` keeps whole matrices.
    pub fn new(
        solution: &Solution,
        axes: [Option<&'a Axis<'a>>; 2],
        curves: &[Option<Curve>; 2],
        dense: bool,
    ) -> Result<Self, EstimateError> {
        let make = |k: usize, at: f64| match (axes[k], &curves[k]) {
            (Some(axis), Some(curve)) => Operator::new(axis, at, curve, dense).map(Some),
            _ => Ok(None),
        };
        let (lag, error) = (make(0, solution.rho)?, make(1, solution.lambda)?);
        let rotated = match (&lag, &error) {
            (Some(lag), Some(error)) => rotate(lag, error),
            _ => None,
        };
        Ok(Operators { lag, error, rotated })
    }

    /// `Ġ` or `H` as a whole, where matrices are held.
    pub fn whole(&self, which: Which) -> Option<&Dense> {
        match which {
            Which::G => self.rotated.as_ref().or_else(|| self.lag.as_ref()?.whole()),
            Which::H => self.error.as_ref()?.whole(),
        }
    }

    /// How exact traces have to be.
    fn enough(&self) -> f64 {
        if self.lag.is_some() && self.error.is_some() { ENOUGH_OF_TWO } else { ENOUGH }
    }

    /// What was estimated by probes so far.
    pub fn remarks(&self) -> Vec<Remark> {
        [&self.lag, &self.error].into_iter().flatten().flat_map(Operator::remarks).collect()
    }

    /// `ĠX` or `HX`, or with the transpose; zeros without that operator.
    pub fn image(&self, which: Which, x: &[f64], transposed: bool) -> Result<Vec<f64>, EstimateError> {
        match (which, &self.lag, &self.error) {
            (Which::G, Some(_), Some(_)) if self.rotated.is_some() => {
                Ok(self.rotated.as_ref().map_or_else(Vec::new, |g| g.apply(x, transposed)))
            }
            (Which::G, Some(lag), None) => lag.image(x, transposed),
            (Which::H, _, Some(error)) => error.image(x, transposed),
            (Which::G, Some(lag), Some(error)) => {
                // Ġ = R G R⁻¹, Ġ' = R⁻ᵀ G' R'
                let filter = |x: &[f64]| filtered(error, x, transposed);
                if transposed {
                    error.inverse(&lag.image(&filter(x), true)?, true)
                } else {
                    Ok(filter(&lag.image(&error.inverse(x, false)?, false)?))
                }
            }
            _ => Ok(vec![0.0; x.len()]),
        }
    }

    /// Traces; `projected` (rows 5, 6) takes them between `J`. `frobenius`: those with a transpose too.
    pub fn traces(&self, projected: bool, frobenius: bool) -> Result<Traces, EstimateError> {
        let mut out = Traces::default();
        if self.lag.is_some() {
            let probed;
            ([out.g, out.gg, out.gtg], probed) = self.own_traces(Which::G, projected, frobenius)?;
            out.note(0, probed);
        }
        if self.error.is_some() {
            let probed;
            ([out.h, out.hh, out.hth], probed) = self.own_traces(Which::H, projected, frobenius)?;
            out.note(1, probed);
        }
        if let (Some(lag), Some(_), true) = (&self.lag, &self.error, frobenius) {
            let [hg, htg] = self.cross_traces(lag, projected)?;
            (out.hg, out.htg) = (hg.mean, htg.mean);
            out.note(2, hg);
            out.note(3, htg);
        }
        Ok(out)
    }

    /// `tr A*`, `tr A*²`, `tr A*'A*`, and how the last was probed.
    fn own_traces(
        &self,
        which: Which,
        projected: bool,
        frobenius: bool,
    ) -> Result<([f64; 3], ProbedMean), EstimateError> {
        let operator = if which == Which::G { &self.lag } else { &self.error };
        let none = ProbedMean::exact(0.0);
        let Some(operator) = operator else { return Ok(([0.0; 3], none)) };
        if let Some(a) = self.whole(which) {
            let star = if projected { &a.projected(&vec![1.0; a.n]) } else { a };
            let transposed = if frobenius { star.inner(star) } else { 0.0 };
            return Ok(([star.trace(), star.product_trace(star), transposed], none));
        }
        // Similar matrices have the same traces: those of Ġ are those of G.
        let Moments { g, square } = operator.moments();
        let own = which == Which::H || self.error.is_none();
        let probed = match (frobenius, own) {
            (false, _) => none,
            (true, true) => operator.frobenius(self.enough())?,
            (true, false) => operator
                .probed(0.0, self.enough(), &|z| Ok(squares(&self.image(which, z, false)?, operator.units())))?,
        };
        let mut out = [g, square, probed.mean];
        if projected {
            let n = operator.units() as f64;
            let ones = vec![1.0; operator.units()];
            let (al, atl) = (self.image(which, &ones, false)?, self.image(which, &ones, true)?);
            let mean = panel::sum(&al) / n;
            out[0] -= mean;
            out[1] += -2.0 * dot(&atl, &al) / n + mean * mean;
            out[2] -= if frobenius { (dot(&al, &al) + dot(&atl, &atl)) / n - mean * mean } else { 0.0 };
        }
        Ok((out, probed))
    }

    /// `tr H*Ġ*`, `tr H*'Ġ*`.
    fn cross_traces(&self, lag: &Operator, projected: bool) -> Result<[ProbedMean; 2], EstimateError> {
        if let (Some(g), Some(h)) = (self.whole(Which::G), self.whole(Which::H)) {
            let star = |a: &Dense| if projected { a.projected(&vec![1.0; a.n]) } else { a.clone() };
            let (g, h) = (star(g), star(h));
            return Ok([h.product_trace(&g), h.inner(&g)].map(ProbedMean::exact));
        }
        let n = lag.units();
        let center = |x: &mut Vec<f64>| {
            if projected {
                let columns = x.len() / n;
                panel::demean_time(x, n, columns);
            }
        };
        let form = |z: &[f64], transposed: bool| -> Result<Vec<f64>, EstimateError> {
            let mut z = z.to_vec();
            center(&mut z);
            let mut gz = self.image(Which::G, &z, false)?;
            center(&mut gz);
            let hz = self.image(Which::H, &z, transposed)?;
            Ok(gz.chunks_exact(n).zip(hz.chunks_exact(n)).map(|(a, b)| dot(a, b)).collect())
        };
        let probed = |transposed: bool| lag.probed(0.0, self.enough(), &|z| form(z, transposed));
        Ok([probed(true)?, probed(false)?])
    }

    /// Diagonal of `Ġ` or `H`; zeros without that operator.
    pub fn diagonal(&self, which: Which) -> Result<ProbedDiagonal, EstimateError> {
        if let Some(a) = self.whole(which) {
            return Ok(ProbedDiagonal { values: a.diagonal(), remainders: Vec::new() });
        }
        match (which, &self.lag, &self.error) {
            // Polynomials of one matrix commute: Ġ = G.
            (Which::G, Some(lag), Some(error)) if lag.axis.weights.matrix != error.axis.weights.matrix => {
                lag.walked_diagonal(&|z| self.image(Which::G, z, false))
            }
            (Which::G, Some(operator), _) | (Which::H, _, Some(operator)) => operator.diagonal().cloned(),
            _ => Ok(ProbedDiagonal { values: Vec::new(), remainders: Vec::new() }),
        }
    }

    /// `g = P R Q(Wy) − P Ġ Ê`: the deterministic part of the score's direction (methods C.6, the full form).
    pub fn systematic_lag(&self, solution: &Solution) -> Result<Option<Vec<f64>>, EstimateError> {
        let (Some(_), Some(wy)) = (&self.lag, solution.outcome_lag.as_ref()) else { return Ok(None) };
        let mut noise = self.image(Which::G, &solution.residual, false)?;
        solution.project(&mut noise)?;
        let mut out = wy.clone();
        axpy(-1.0, &noise, &mut out);
        Ok(Some(out))
    }
}

fn squares(x: &[f64], n: usize) -> Vec<f64> {
    x.chunks_exact(n).map(|y| dot(y, y)).collect()
}

/// `R X` or `R'X`.
fn filtered(error: &Operator, x: &[f64], transposed: bool) -> Vec<f64> {
    let n = error.units();
    let lagged = if transposed {
        panel::spatial_lag(&error.axis.weights.matrix.transpose_view().to_csr(), x, n, x.len() / n)
    } else {
        panel::spatial_lag(&error.axis.weights.matrix, x, n, x.len() / n)
    };
    let mut out = x.to_vec();
    axpy(-error.at, &lagged, &mut out);
    out
}

/// `Ġ = R G R⁻¹` as a whole.
fn rotate(lag: &Operator, error: &Operator) -> Option<Dense> {
    let (g, inverse) = (lag.whole()?, error.whole_inverse()?);
    let data = filtered(error, &g.data, false);
    Some(Dense { n: g.n, data: Dense { n: g.n, data }.apply(&inverse.data, false) })
}
