//! One comparison of two groups in two periods: outcome regression, weighting by the propensity score, or both, with
//! influence functions (Sant'Anna and Zhao 2020, *Journal of Econometrics* 219:101–122; methods E.4).

use crate::designs::logit::{Logit, NoLogit, logit};
use crate::linalg::dense::symmetric_inverse;
use nalgebra::{DMatrix, DVector};

/// How a comparison uses covariates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Doubly robust.
    Dr,
    /// Outcome regression.
    Reg,
    /// Inverse probability weights.
    Ipw,
}

/// A propensity score above this leaves a control with a weight of a thousand.
const NO_OVERLAP: f64 = 0.999;

/// Changes of the outcome of `treated` units first, then of controls, with a row of covariates each (the intercept
/// first).
pub(super) struct TwoByTwo {
    pub change: Vec<f64>,
    pub design: DMatrix<f64>,
    pub treated: usize,
}

/// Why a comparison has no estimate.
#[derive(Debug, PartialEq)]
pub(super) enum Failure {
    Collinear(Vec<usize>),
    NoOverlap(f64),
}

/// The effect and its influence function over the units of the comparison, centered, for their number.
pub(super) struct Compared {
    pub estimate: f64,
    pub influence: Vec<f64>,
}

impl TwoByTwo {
    fn n(&self) -> usize {
        self.change.len()
    }

    fn is_treated(&self, i: usize) -> f64 {
        f64::from(u8::from(i < self.treated))
    }

    pub fn compare(&self, method: Method) -> Result<Compared, Failure> {
        let no_covariates = self.design.ncols() <= 1;
        match method {
            _ if no_covariates => Ok(self.means()),
            Method::Reg => self.regression(),
            Method::Ipw => self.weighting(),
            Method::Dr => self.doubly_robust(),
        }
    }

    /// The difference of mean changes.
    fn means(&self) -> Compared {
        let (n, m) = (self.n() as f64, self.treated as f64);
        let controls = n - m;
        let mean = |part: &[f64], count: f64| part.iter().sum::<f64>() / count;
        let (treated, control) = (mean(&self.change[..self.treated], m), mean(&self.change[self.treated..], controls));
        let influence = self
            .change
            .iter()
            .enumerate()
            .map(|(i, v)| if i < self.treated { (v - treated) * n / m } else { -(v - control) * n / controls })
            .collect();
        Compared { estimate: treated - control, influence }
    }

    /// Least squares of the change on covariates among controls: fitted values of all, and each unit's contribution to
    /// the coefficients.
    fn outcome_model(&self) -> Result<(Vec<f64>, DMatrix<f64>), Failure> {
        let (n, x) = (self.n(), &self.design);
        let controls = x.rows(self.treated, n - self.treated).into_owned();
        let y = DVector::from_column_slice(&self.change[self.treated..]);
        let cross = controls.transpose() * &controls;
        let inverse = inverse_or(&cross)?;
        let coefficients = &inverse * (controls.transpose() * y);
        let fitted: Vec<f64> = (x * coefficients).iter().copied().collect();
        let mut contributions = x * inverse * n as f64;
        for (i, mut row) in contributions.row_iter_mut().enumerate() {
            row *= (1.0 - self.is_treated(i)) * (self.change[i] - fitted[i]);
        }
        Ok((fitted, contributions))
    }

    /// A logit of being treated: odds of controls (1 of the treated), and each unit's contribution to the coefficients.
    fn score_model(&self) -> Result<(Vec<f64>, DMatrix<f64>), Failure> {
        let n = self.n();
        let overlap = |p: &[f64]| {
            let largest = p[self.treated..].iter().copied().fold(0.0, f64::max);
            let all = p.iter().copied().fold(0.0, f64::max);
            let met = largest <= NO_OVERLAP && all <= 1.0 - 1e-9 && largest.is_finite();
            if met { Ok(()) } else { Err(Failure::NoOverlap(largest.max(all))) }
        };
        let Logit { probabilities: p, inverse } = match logit(&self.design, self.treated, None) {
            Ok(found) => found,
            Err(NoLogit::Collinear(columns)) => return Err(Failure::Collinear(columns)),
            Err(NoLogit::Separated(p)) => {
                let largest = p.iter().copied().fold(0.0, f64::max);
                return Err(Failure::NoOverlap(largest));
            }
        };
        overlap(&p)?;
        let mut contributions = &self.design * inverse * n as f64;
        for (i, mut row) in contributions.row_iter_mut().enumerate() {
            row *= self.is_treated(i) - p[i];
        }
        let weights = (0..n).map(|i| if i < self.treated { 1.0 } else { p[i] / (1.0 - p[i]) }).collect();
        Ok((weights, contributions))
    }

    /// The mean over units of `weight` times a row of the design.
    fn moment(&self, weight: impl Fn(usize) -> f64) -> DVector<f64> {
        let mut out = DVector::zeros(self.design.ncols());
        for (i, row) in self.design.row_iter().enumerate() {
            out += row.transpose() * weight(i);
        }
        out / self.n() as f64
    }

    fn regression(&self) -> Result<Compared, Failure> {
        let (fitted, contributions) = self.outcome_model()?;
        let share = self.treated as f64 / self.n() as f64;
        let mean = |v: &dyn Fn(usize) -> f64| (0..self.treated).map(v).sum::<f64>() / self.treated as f64;
        let (own, imputed) = (mean(&|i| self.change[i]), mean(&|i| fitted[i]));
        let through = contributions * self.moment(|i| self.is_treated(i));
        let influence = (0..self.n())
            .map(|i| {
                let d = self.is_treated(i);
                (d * (self.change[i] - own) - d * (fitted[i] - imputed) - through[i]) / share
            })
            .collect();
        Ok(Compared { estimate: own - imputed, influence })
    }

    fn weighting(&self) -> Result<Compared, Failure> {
        let (weights, contributions) = self.score_model()?;
        Ok(self.weighted(&weights, &contributions, &self.change, None))
    }

    fn doubly_robust(&self) -> Result<Compared, Failure> {
        let (fitted, outcome) = self.outcome_model()?;
        let (weights, score) = self.score_model()?;
        let left: Vec<f64> = self.change.iter().zip(&fitted).map(|(y, f)| y - f).collect();
        Ok(self.weighted(&weights, &score, &left, Some(&outcome)))
    }

    /// The mean of `y` among the treated less its weighted mean among controls; `outcome` are contributions to a fit
    /// that was taken out of `y`.
    fn weighted(&self, w: &[f64], score: &DMatrix<f64>, y: &[f64], outcome: Option<&DMatrix<f64>>) -> Compared {
        let n = self.n();
        let share = self.treated as f64 / n as f64;
        let control = |i: usize| if i < self.treated { 0.0 } else { w[i] };
        let mass = (self.treated..n).map(|i| w[i]).sum::<f64>() / n as f64;
        let treated_mean = y[..self.treated].iter().sum::<f64>() / self.treated as f64;
        let control_mean = (self.treated..n).map(|i| w[i] * y[i]).sum::<f64>() / (mass * n as f64);
        let by_score = score * self.moment(|i| control(i) * (y[i] - control_mean));
        let mut influence: Vec<f64> = (0..n)
            .map(|i| {
                let own = self.is_treated(i) * (y[i] - treated_mean) / share;
                own - (control(i) * (y[i] - control_mean) + by_score[i]) / mass
            })
            .collect();
        if let Some(outcome) = outcome {
            let of_treated = outcome * self.moment(|i| self.is_treated(i));
            let of_controls = outcome * self.moment(control);
            for (i, v) in influence.iter_mut().enumerate() {
                *v += of_controls[i] / mass - of_treated[i] / share;
            }
        }
        Compared { estimate: treated_mean - control_mean, influence }
    }
}

/// The inverse of cross-products, or the columns that are combinations of those before them.
fn inverse_or(cross: &DMatrix<f64>) -> Result<DMatrix<f64>, Failure> {
    let inverse = symmetric_inverse(cross);
    inverse.map_err(|_| Failure::Collinear(super::clustered::explained(cross)))
}
