//! Random unit effects against the Gaussian likelihood of all `NT` outcomes at once: `y ~ N(S⁻¹Zβ, S⁻¹ΩS⁻ᵀ)` with `I_T ⊗ W`
//! and Ω as whole matrices (methods C.10), and its derivatives.

use crate::cases::{dense, design, settings};
use crate::reference::Operator;
use durbin::estimators::*;
use nalgebra::{DMatrix, DVector};
use std::f64::consts::PI;

const MODELS: [Model; 8] =
    [Model::Ols, Model::Slx, Model::Sar, Model::Sem, Model::Sdm, Model::Sdem, Model::Sac, Model::Gns];

/// Slopes, ρ, λ, σμ², σ², absent ones left out.
struct Whole {
    z: DMatrix<f64>,
    y: DVector<f64>,
    lag: Option<DMatrix<f64>>,
    error: Option<DMatrix<f64>>,
    place: RandomEffects,
    units: usize,
    periods: usize,
}

impl Whole {
    fn of(p: &Problem, place: RandomEffects) -> Whole {
        let columns: Vec<DVector<f64>> = design(p).iter().map(|c| DVector::from_column_slice(c)).collect();
        let large = |w: &Option<std::sync::Arc<durbin::weights::Weights>>| {
            w.as_ref().map(|w| Operator::new(dense(w), p.periods).large)
        };
        Whole {
            z: DMatrix::from_columns(&columns),
            y: DVector::from_column_slice(&p.outcome),
            lag: large(&p.lag_weights),
            error: large(&p.error_weights),
            place,
            units: p.units,
            periods: p.periods,
        }
    }

    fn identity(&self) -> DMatrix<f64> {
        DMatrix::identity(self.y.len(), self.y.len())
    }

    /// Mean and variance of the outcome.
    fn moments(&self, theta: &[f64]) -> (DVector<f64>, DMatrix<f64>) {
        let p = self.z.ncols();
        let mut rest = theta[p..].iter().copied();
        let rho = self.lag.as_ref().map(|w| (w, rest.next().unwrap()));
        let lambda = self.error.as_ref().map(|w| (w, rest.next().unwrap()));
        let (unit, noise) = (rest.next().unwrap(), rest.next().unwrap());
        let inverse = |of: Option<(&DMatrix<f64>, f64)>| match of {
            Some((w, x)) => (self.identity() - w * x).try_inverse().unwrap(),
            None => self.identity(),
        };
        let (s, r) = (inverse(rho), inverse(lambda));
        let ones = DMatrix::from_element(self.periods, self.periods, 1.0);
        let effects = ones.kronecker(&DMatrix::identity(self.units, self.units)) * unit;
        let omega = match self.place {
            RandomEffects::Kkp => &r * (effects + self.identity() * noise) * r.transpose(),
            RandomEffects::Baltagi => effects + &r * r.transpose() * noise,
        };
        (&s * &self.z * DVector::from_column_slice(&theta[..p]), &s * omega * s.transpose())
    }

    fn log_likelihood(&self, theta: &[f64]) -> f64 {
        let (mean, variance) = self.moments(theta);
        let factor = variance.cholesky().unwrap();
        let e = &self.y - mean;
        let determinant = 2.0 * factor.l().diagonal().iter().map(|d| d.ln()).sum::<f64>();
        -0.5 * (self.y.len() as f64 * (2.0 * PI).ln() + determinant + e.dot(&factor.solve(&e)))
    }

    /// Expected: `I_jk = m_j'V⁻¹m_k + ½ tr(V⁻¹V_jV⁻¹V_k)`, derivatives by central differences.
    fn information(&self, theta: &[f64]) -> DMatrix<f64> {
        let inverse = self.moments(theta).1.try_inverse().unwrap();
        let moved = |j: usize| {
            let h = 1e-5 * theta[j].abs().max(1e-2);
            let at = |s: f64| {
                let mut t = theta.to_vec();
                t[j] += s * h;
                self.moments(&t)
            };
            let ((m, v), (n, w)) = (at(1.0), at(-1.0));
            ((m - n) / (2.0 * h), &inverse * ((v - w) / (2.0 * h)))
        };
        let all: Vec<_> = (0..theta.len()).map(moved).collect();
        DMatrix::from_fn(theta.len(), theta.len(), |j, k| {
            all[j].0.dot(&(&inverse * &all[k].0)) + 0.5 * (&all[j].1 * &all[k].1).trace()
        })
    }

    fn gradient(&self, theta: &[f64]) -> Vec<f64> {
        (0..theta.len())
            .map(|j| {
                let h = 1e-3 * theta[j].abs().max(1e-2);
                let at = |s: f64| {
                    let mut t = theta.to_vec();
                    t[j] += s * h;
                    self.log_likelihood(&t)
                };
                (8.0 * (at(1.0) - at(-1.0)) - at(2.0) + at(-2.0)) / (12.0 * h)
            })
            .collect()
    }

    fn hessian(&self, theta: &[f64]) -> DMatrix<f64> {
        let columns: Vec<DVector<f64>> = (0..theta.len())
            .map(|j| {
                let h = 1e-3 * theta[j].abs().max(1e-2);
                let at = |s: f64| {
                    let mut t = theta.to_vec();
                    t[j] += s * h;
                    DVector::from_vec(self.gradient(&t))
                };
                ((at(1.0) - at(-1.0)) * 8.0 - at(2.0) + at(-2.0)) / (12.0 * h)
            })
            .collect();
        DMatrix::from_columns(&columns)
    }
}

/// Every family without fixed effects, the unit effect inside and outside of the spatial error.
fn each(visit: &mut dyn FnMut(&str, &Problem, &Whole)) {
    for setting in &settings(8) {
        for model in MODELS {
            for place in [RandomEffects::Kkp, RandomEffects::Baltagi] {
                if place == RandomEffects::Baltagi && !model.has_error() {
                    continue;
                }
                let row = (FixedEffects::None, Likelihood::Transform);
                let p = crate::cases::problem(model, setting, row, 31);
                let p = Problem { approach: Approach::Random(place), ..p };
                let name = format!("{}, {place:?}, {}", model.name(), setting.name);
                visit(&name, &p, &Whole::of(&p, place));
            }
        }
    }
}

fn point(e: &Estimated) -> Vec<f64> {
    let mut theta = e.coefficients.clone();
    theta.extend([e.sigma2_unit.unwrap(), e.sigma2]);
    theta
}

#[test]
fn the_optimum_is_that_of_the_whole_likelihood() {
    each(&mut |name, p, whole| {
        let e = estimate(p, &Never).unwrap();
        let theta = point(&e);
        let value = whole.log_likelihood(&theta);
        assert!((e.loglik - value).abs() < 1e-9 * value.abs(), "{name}: {} against {value}", e.loglik);
        // Steps to the optimum by Newton on the whole likelihood are small.
        let information = whole.information(&theta);
        let step = information.clone().try_inverse().unwrap() * DVector::from_vec(whole.gradient(&theta));
        for (j, s) in step.iter().enumerate() {
            let error = information[(j, j)].sqrt().recip();
            assert!(s.abs() < 1e-5 * error.max(1e-3 * theta[j].abs()), "{name}: parameter {j} is off by {s:e}");
        }
    });
}

#[test]
fn variances_are_inverses_of_the_whole_hessian() {
    each(&mut |name, p, whole| {
        let e = estimate(p, &Never).unwrap();
        let observed = (-whole.hessian(&point(&e))).try_inverse().unwrap();
        for j in 0..e.coefficients.len() {
            let (got, want) = (e.vcov[j][j].sqrt(), observed[(j, j)].sqrt());
            assert!((got / want - 1.0).abs() < 2e-4, "{name}: error {j} is {got}, not {want}");
        }
    });
}

/// The fit holds the unit effects as best predicted, `E(μ | y)`.
#[test]
fn predicted_effects_and_residuals_add_up_to_the_outcome() {
    each(&mut |name, p, whole| {
        let e = estimate(p, &Never).unwrap();
        let mean = whole.y.clone() - DVector::from_column_slice(&e.fitted);
        let mut fitted = &whole.z * DVector::from_column_slice(&e.coefficients[..whole.z.ncols()]);
        if let Some(w) = &whole.lag {
            fitted += w * &whole.y * e.coefficients[whole.z.ncols()];
        }
        for r in 0..whole.y.len() {
            let rest = whole.y[r] - fitted[r] - e.unit_effects[r % p.units];
            assert!((rest - mean[r]).abs() < 1e-9, "{name}: row {r}");
        }
        // E(μ | y) by the whole variance.
        let theta = point(&e);
        let unit = theta[theta.len() - 2];
        let (m, v) = whole.moments(&theta);
        let inverse = v.try_inverse().unwrap();
        let n = p.units;
        let s = match &whole.lag {
            Some(w) => (whole.identity() - w * theta[whole.z.ncols()]).try_inverse().unwrap(),
            None => whole.identity(),
        };
        let r = match (&whole.error, whole.place) {
            (Some(w), RandomEffects::Kkp) => (whole.identity() - w * theta[theta.len() - 3]).try_inverse().unwrap(),
            _ => whole.identity(),
        };
        let all = DMatrix::from_element(p.periods, 1, 1.0).kronecker(&DMatrix::<f64>::identity(n, n));
        let effect = r.view((0, 0), (n, n)).into_owned();
        let found = &effect * (&all * unit).tr_mul(&((&s * &r).transpose() * (&inverse * (&whole.y - m))));
        for i in 0..n {
            assert!((found[i] - e.unit_effects[i]).abs() < 1e-7, "{name}: effect of unit {i}");
        }
    });
}

/// Above 200 units log-determinants are curves through exact values in windows: the score of the whole likelihood is zero
/// there too.
#[test]
fn an_optimum_in_windows_is_one_of_the_whole_likelihood() {
    let setting = &settings(240)[0];
    let cases =
        [(Model::Sar, RandomEffects::Kkp), (Model::Sem, RandomEffects::Kkp), (Model::Sem, RandomEffects::Baltagi)];
    for (model, place) in cases {
        let p = crate::cases::problem(model, setting, (FixedEffects::None, Likelihood::Transform), 41);
        let rows = 2 * p.units;
        let regressors =
            p.regressors.iter().map(|r| Regressor { values: r.values[..rows].to_vec(), lagged: r.lagged }).collect();
        let outcome = p.outcome[..rows].to_vec();
        let p = Problem { periods: 2, outcome, regressors, approach: Approach::Random(place), treatment: None, ..p };
        let e = estimate(&p, &Never).unwrap();
        assert_ne!(e.log_determinant, Some("eigen"));
        let whole = Whole::of(&p, place);
        let theta = point(&e);
        let value = whole.log_likelihood(&theta);
        assert!(
            (e.loglik - value).abs() < 1e-8 * value.abs(),
            "{}, {place:?}: {} is not {value}",
            model.name(),
            e.loglik
        );
        for j in [theta.len() - 3, theta.len() - 2] {
            let h = 1e-4;
            let at = |s: f64| {
                let mut t = theta.clone();
                t[j] += s * h;
                whole.log_likelihood(&t)
            };
            let (up, down) = (at(1.0), at(-1.0));
            let step = 0.5 * h * (up - down) / (2.0 * value - up - down);
            assert!(step.abs() < 1e-6, "{}, {place:?}: parameter {j} is off by {step:e}", model.name());
        }
    }
}
