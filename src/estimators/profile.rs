//! The sum of squares of every model of the family as a function of (ρ, λ), from cross-products formed once.
//!
//! Columns `e₀`, `e₁` and the basis of the design are filtered by `R(λ) = I − λW₂` and each period is projected off
//! `s(λ) = R(λ)l` (methods C.3, SEM/SDEM). Starting from data with period means removed is exact: `R(λ)l` lies in the
//! space projected away.

use super::EstimateError;
use super::axis::row_sum;
use super::sample::{Sample, lag};
use crate::linalg::iterate::dot;
use crate::linalg::{cross, panel};
use crate::weights::Weights;
use nalgebra::{DMatrix, DVector};

/// `SSE(ρ, λ)` with the slopes concentrated out, its gradient, and the coefficients on the basis off `e₀ − ρe₁`.
pub(crate) struct Point {
    pub sse: f64,
    pub d_rho: f64,
    pub d_lambda: f64,
    pub shift: DVector<f64>,
}

/// Polynomials in λ of the cross-products of `[e₀, (e₁), basis]`.
pub(crate) struct Profile {
    lag: bool,
    /// Coefficients of 1, λ, λ², … of `V'R'RV`.
    gram: [DMatrix<f64>; 3],
    /// Coefficients of 1, λ, …, λ⁴ of `Σ_t (V_t'R's)(s'RV_t)`, where there are period effects.
    period: Option<[DMatrix<f64>; 5]>,
    /// Coefficients of 1, λ, λ² of `s's`, or of `l'l`.
    period_norm: [f64; 3],
}

impl Profile {
    /// Forms the cross-products: the basis takes part only where an error matrix moves it.
    pub fn new(sample: &Sample, error: Option<&Weights>) -> Result<Self, EstimateError> {
        let mut columns: Vec<&[f64]> = vec![&sample.e0];
        columns.extend(sample.e1.iter().map(Vec::as_slice));
        let lag_present = sample.e1.is_some();
        let Some(error) = error else {
            let gram = cross::gram(&columns);
            let zero = DMatrix::zeros(columns.len(), columns.len());
            return Ok(Profile {
                lag: lag_present,
                gram: [gram, zero.clone(), zero],
                period: None,
                period_norm: [1.0, 0.0, 0.0],
            });
        };
        columns.extend(sample.basis.iter().map(Vec::as_slice));
        let lagged = panel::spatial_lags(&error.matrix, &columns, sample.units, sample.periods);
        let lagged: Vec<&[f64]> = lagged.iter().map(Vec::as_slice).collect();
        let all: Vec<&[f64]> = columns.iter().chain(&lagged).copied().collect();
        let (k, gram) = (columns.len(), cross::gram(&all));
        let block = |i: usize, j: usize| gram.view((i * k, j * k), (k, k)).into_owned();
        let mixed = block(0, 1);
        let gram = [block(0, 0), &mixed + mixed.transpose(), block(1, 1)];
        let ones = vec![1.0; sample.units];
        // Where rows have one sum κ, s = (1 − κλ)l: off l whatever λ is, without the cancellation in 1 − κλ near its end.
        let w = if row_sum(error).is_some() { vec![0.0; sample.units] } else { lag(error, &ones, 1) };
        let period = sample.row.period_effects.then(|| {
            // s'R v_t = l'v_t − λ (l'W₂v_t + w'v_t) + λ² w'W₂v_t with w = W₂l, or zero for the direction l.
            let own = contract(&columns, &ones);
            let first = contract(&lagged, &ones) + contract(&columns, &w);
            let second = contract(&lagged, &w);
            let (ot, ft) = (&own * first.transpose(), &first * second.transpose());
            let os = &own * second.transpose();
            [
                &own * own.transpose(),
                &ot + ot.transpose(),
                &os + os.transpose() + &first * first.transpose(),
                &ft + ft.transpose(),
                &second * second.transpose(),
            ]
        });
        let period_norm = [sample.units as f64, -2.0 * dot(&ones, &w), dot(&w, &w)];
        Ok(Profile { lag: lag_present, gram, period, period_norm })
    }

    /// The cross-product matrix at λ and its derivative.
    fn matrices(&self, lambda: f64) -> (DMatrix<f64>, DMatrix<f64>) {
        let [g0, g1, g2] = &self.gram;
        let mut a = g0 - g1 * lambda + g2 * (lambda * lambda);
        let mut d = g2 * (2.0 * lambda) - g1;
        if let Some([p0, p1, p2, p3, p4]) = &self.period {
            let (l, l2) = (lambda, lambda * lambda);
            let top = p0 - p1 * l + p2 * l2 - p3 * (l2 * l) + p4 * (l2 * l2);
            let slope = -p1 + p2 * (2.0 * l) - p3 * (3.0 * l2) + p4 * (4.0 * l2 * l);
            let [n0, n1, n2] = self.period_norm;
            let (norm, norm_slope) = (n0 + n1 * l + n2 * l2, n1 + 2.0 * n2 * l);
            a -= &top / norm;
            d -= slope / norm - top * (norm_slope / (norm * norm));
        }
        (a, d)
    }

    /// `ln|B(λ)'B(λ)|` of the filtered basis; zero where no error matrix moves it.
    pub fn log_design(&self, lambda: f64) -> f64 {
        let (a, _) = self.matrices(lambda);
        let head = 1 + usize::from(self.lag);
        let p = a.nrows() - head;
        let square = a.view((head, head), (p, p)).into_owned();
        square.cholesky().map_or(f64::NAN, |c| 2.0 * c.l_dirty().diagonal().iter().map(|d| d.ln()).sum::<f64>())
    }

    /// `SSE`, gradient and slopes at (ρ, λ).
    pub fn at(&self, rho: f64, lambda: f64) -> Result<Point, EstimateError> {
        let (a, d) = self.matrices(lambda);
        let head = 1 + usize::from(self.lag);
        let p = a.nrows() - head;
        let mut v = DVector::zeros(a.nrows());
        v[0] = 1.0;
        if self.lag {
            v[1] = -rho;
        }
        let mut shift = DVector::zeros(p);
        if p > 0 {
            let right = (&a * &v).rows(head, p).into_owned();
            let square = a.view((head, head), (p, p)).into_owned();
            let factor = square.cholesky().ok_or(EstimateError::NotFinite)?;
            shift = factor.solve(&right);
            v.rows_mut(head, p).copy_from(&-&shift);
        }
        let av = &a * &v;
        Ok(Point {
            sse: v.dot(&av),
            d_rho: if self.lag { -2.0 * av[1] } else { 0.0 },
            d_lambda: v.dot(&(&d * &v)),
            shift,
        })
    }
}

/// `s'v_t` for each column (rows) and period (columns).
fn contract(columns: &[&[f64]], s: &[f64]) -> DMatrix<f64> {
    let periods = columns.first().map_or(0, |c| c.len() / s.len());
    DMatrix::from_fn(columns.len(), periods, |j, t| dot(&columns[j][t * s.len()..(t + 1) * s.len()], s))
}
