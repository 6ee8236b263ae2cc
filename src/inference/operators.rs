//! The spatial operators of methods C.6: `G = WS⁻¹`, `Ġ = RGR⁻¹`, `H = W₂R⁻¹`, their traces and products.

use crate::estimators::EstimateError;
use crate::estimators::kernels::{SpatialFilter, axpy, dot, spatial_lag};
use crate::estimators::solution::Solution;
use crate::weights::Weights;
use faer::{Mat, MatRef};

/// A dense square matrix, column by column.
#[derive(Clone, Debug)]
pub(crate) struct Dense {
    pub n: usize,
    pub data: Vec<f64>,
}

impl Dense {
    pub fn from_mat(m: &Mat<f64>) -> Self {
        let n = m.nrows();
        let data = (0..n).flat_map(|j| (0..n).map(move |i| (i, j))).map(|(i, j)| m[(i, j)]).collect();
        Dense { n, data }
    }

    pub fn at(&self, i: usize, k: usize) -> f64 {
        self.data[k * self.n + i]
    }

    pub fn trace(&self) -> f64 {
        self.diagonal().iter().sum()
    }

    pub fn diagonal(&self) -> Vec<f64> {
        (0..self.n).map(|i| self.at(i, i)).collect()
    }

    /// `A X` for `N × k` columns.
    pub fn apply(&self, x: &[f64]) -> Vec<f64> {
        let a = MatRef::from_column_major_slice(&self.data, self.n, self.n);
        let b = MatRef::from_column_major_slice(x, self.n, x.len() / self.n);
        let product = a * b;
        (0..product.ncols())
            .flat_map(|j| (0..product.nrows()).map(move |i| (i, j)))
            .map(|(i, j)| product[(i, j)])
            .collect()
    }

    /// `W A`.
    pub fn lagged(&self, w: &Weights) -> Dense {
        Dense { n: self.n, data: spatial_lag(w, &self.data, self.n) }
    }

    /// `tr(A'B)`.
    pub fn inner(&self, other: &Dense) -> f64 {
        dot(&self.data, &other.data)
    }

    /// `tr(AB)`.
    pub fn product_trace(&self, other: &Dense) -> f64 {
        let n = self.n;
        (0..n).map(|k| (0..n).map(|i| self.data[k * n + i] * other.data[i * n + k]).sum::<f64>()).sum()
    }

    /// `P A P` with P off the vector `s`.
    pub fn projected(&self, s: &[f64]) -> Dense {
        let n = self.n;
        let norm = dot(s, s);
        let mut data = self.data.clone();
        for column in data.chunks_exact_mut(n) {
            let c = dot(s, column) / norm;
            axpy(-c, s, column);
        }
        let mut rows = vec![0.0; n];
        for (k, column) in data.chunks_exact(n).enumerate() {
            axpy(s[k] / norm, column, &mut rows);
        }
        for (k, column) in data.chunks_exact_mut(n).enumerate() {
            axpy(-s[k], &rows, column);
        }
        Dense { n, data }
    }
}

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
}

/// Dense operators at one (ρ, λ).
pub(crate) struct Operators {
    /// `S⁻¹`.
    pub inverse: Option<Dense>,
    /// `G = WS⁻¹`.
    pub g_plain: Option<Dense>,
    /// `Ġ = RGR⁻¹`.
    pub g: Option<Dense>,
    /// `H = W₂R⁻¹`.
    pub h: Option<Dense>,
}

impl Operators {
    /// Inverts the filters at the solution's parameters.
    pub fn new(
        solution: &Solution,
        lag: Option<(&Weights, &SpatialFilter)>,
        error: Option<(&Weights, &SpatialFilter)>,
    ) -> Result<Self, EstimateError> {
        let mut out = Operators { inverse: None, g_plain: None, g: None, h: None };
        let mut error_inverse = None;
        if let Some((w, filter)) = error {
            let inverse = Dense::from_mat(&filter.dense_inverse(solution.lambda)?);
            out.h = Some(inverse.lagged(w));
            error_inverse = Some(inverse);
        }
        if let Some((w, filter)) = lag {
            let inverse = Dense::from_mat(&filter.dense_inverse(solution.rho)?);
            let g = inverse.lagged(w);
            out.g = Some(match (&error_inverse, error) {
                (Some(r), Some((w2, _))) => {
                    let mut rg = g.clone();
                    axpy(-solution.lambda, &g.lagged(w2).data, &mut rg.data);
                    Dense { n: g.n, data: rg.apply(&r.data) }
                }
                _ => g.clone(),
            });
            out.g_plain = Some(g);
            out.inverse = Some(inverse);
        }
        Ok(out)
    }

    /// Traces; `projected` (rows 5, 6) takes them between `J`.
    pub fn traces(&self, projected: bool) -> Traces {
        let star =
            |m: &Option<Dense>| m.as_ref().map(|m| if projected { m.projected(&vec![1.0; m.n]) } else { m.clone() });
        let (g, h) = (star(&self.g), star(&self.h));
        let mut out = Traces::default();
        if let Some(g) = &g {
            (out.g, out.gg, out.gtg) = (g.trace(), g.product_trace(g), g.inner(g));
        }
        if let Some(h) = &h {
            (out.h, out.hh, out.hth) = (h.trace(), h.product_trace(h), h.inner(h));
        }
        if let (Some(g), Some(h)) = (&g, &h) {
            (out.hg, out.htg) = (h.product_trace(g), h.inner(g));
        }
        out
    }

    /// `g = P R Q(Wy) − P Ġ Ê`: the deterministic part of the score's direction (methods C.6, the full form).
    pub fn systematic_lag(&self, solution: &Solution) -> Option<Vec<f64>> {
        let (g, wy) = (self.g.as_ref()?, solution.outcome_lag.as_ref()?);
        let mut noise = g.apply(&solution.residual);
        solution.project(&mut noise);
        let mut out = wy.clone();
        axpy(-1.0, &noise, &mut out);
        Some(out)
    }
}
