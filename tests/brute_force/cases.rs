//! Small panels of every model, row and kind of weights, and their reference.

use crate::random::Random;
use crate::reference::{Operator, Reference};
use durbin::estimators::*;
use durbin::weights::{Weights, scale};
use nalgebra::{DMatrix, DVector};
use sprs::TriMat;
use std::sync::Arc;

pub const UNITS: usize = 10;
pub const PERIODS: usize = 5;

pub const MODELS: [Model; 8] =
    [Model::Ols, Model::Slx, Model::Sar, Model::Sem, Model::Sdm, Model::Sdem, Model::Sac, Model::Gns];

/// Rows 1 to 8 of methods C.3; row 4 with and without the correction.
pub const ROWS: [(FixedEffects, Likelihood); 9] = [
    (FixedEffects::None, Likelihood::Direct),
    (FixedEffects::Unit, Likelihood::Direct),
    (FixedEffects::Unit, Likelihood::Transform),
    (FixedEffects::Time, Likelihood::Direct),
    (FixedEffects::Time, Likelihood::Partial),
    (FixedEffects::Time, Likelihood::Transform),
    (FixedEffects::Both, Likelihood::Transform),
    (FixedEffects::Both, Likelihood::Partial),
    (FixedEffects::Both, Likelihood::Direct),
];

/// The matrices of a case.
pub struct Setting {
    pub name: &'static str,
    pub lag: Arc<Weights>,
    pub error: Arc<Weights>,
    pub durbin: Vec<Arc<Weights>>,
    /// Which of the two regressors are lagged.
    pub lagged: [bool; 2],
    /// All rows of `lag` and `error` sum to one: period effects can be transformed away.
    pub constant_rows: bool,
}

fn from_links(n: usize, links: &[(usize, usize, f64)]) -> Weights {
    let mut triplets = TriMat::new((n, n));
    links.iter().for_each(|&(i, k, w)| triplets.add_triplet(i, k, w));
    Weights::unscaled(triplets.to_csr())
}

/// Units on a ring, some also linked across; without the links of units below `islands`.
fn symmetric(n: usize, islands: usize) -> Weights {
    let mut links = Vec::new();
    let mut link = |i: usize, k: usize, w: f64| {
        if i.min(k) >= islands {
            links.extend([(i, k, w), (k, i, w)]);
        }
    };
    for i in 0..n {
        link(i, (i + 1) % n, 1.0);
    }
    link(0, 4, 1.0);
    link(3, 7 % n, 2.0);
    link(6 % n, 9 % n, 1.0);
    from_links(n, &links)
}

/// Every unit linked to three others of its choice.
fn asymmetric(n: usize, seed: u64) -> Weights {
    let mut random = Random::new(seed, 1);
    let mut links = Vec::new();
    for i in 0..n {
        let mut others: Vec<(f64, usize)> = (0..n).filter(|&k| k != i).map(|k| (random.uniform(), k)).collect();
        others.sort_by(|a, b| a.0.total_cmp(&b.0));
        links.extend(others[..3].iter().map(|&(u, k)| (i, k, 0.5 + u)));
    }
    from_links(n, &links)
}

/// Row-standardised, spectral-scaled and island matrices, symmetric and not, alone and several together.
pub fn settings(n: usize) -> Vec<Setting> {
    let row = |w: &Weights| Arc::new(scale::row(w));
    let spectral = |w: &Weights| Arc::new(scale::spectral(w).unwrap());
    let ring = row(&symmetric(n, 0));
    let chosen = row(&asymmetric(n, 3));
    vec![
        Setting {
            name: "rows of a symmetric matrix",
            lag: ring.clone(),
            error: ring.clone(),
            durbin: vec![ring.clone()],
            lagged: [true, true],
            constant_rows: true,
        },
        Setting {
            name: "rows of an asymmetric matrix, another for errors and regressors",
            lag: chosen.clone(),
            error: ring.clone(),
            durbin: vec![row(&asymmetric(n, 4))],
            lagged: [false, true],
            constant_rows: true,
        },
        Setting {
            name: "spectral scaling, two matrices of regressors",
            lag: spectral(&symmetric(n, 0)),
            error: spectral(&asymmetric(n, 5)),
            durbin: vec![spectral(&symmetric(n, 0)), spectral(&asymmetric(n, 6))],
            lagged: [true, false],
            constant_rows: false,
        },
        Setting {
            name: "islands",
            lag: row(&symmetric(n, 1)),
            error: row(&symmetric(n, 2)),
            durbin: vec![row(&symmetric(n, 1))],
            lagged: [true, true],
            constant_rows: false,
        },
    ]
}

pub fn dense(w: &Weights) -> DMatrix<f64> {
    let mut out = DMatrix::zeros(w.units(), w.units());
    w.matrix.iter().for_each(|(v, (i, k))| out[(i, k)] = *v);
    out
}

/// Whether methods C.3 allow the row for these matrices.
pub fn allowed(setting: &Setting, row: (FixedEffects, Likelihood), model: Model) -> bool {
    let period = matches!(row.0, FixedEffects::Time | FixedEffects::Both);
    let spatial = model.has_lag() || model.has_error();
    !(period && row.1 == Likelihood::Transform && spatial) || setting.constant_rows
}

/// A panel drawn from the model itself, with effects of units and periods and a treatment as first regressor.
pub fn problem(model: Model, setting: &Setting, row: (FixedEffects, Likelihood), seed: u64) -> Problem {
    let mut random = Random::new(seed, 7);
    let (n, t) = (setting.lag.units(), PERIODS);
    let starts: Vec<usize> = (0..n).map(|i| if i % 3 == 1 { 1 + i % 4 } else { t }).collect();
    let treated: Vec<f64> = (0..n * t).map(|r| f64::from(u8::from(r / n >= starts[r % n]))).collect();
    let x: Vec<f64> = random.normals(n * t).iter().map(|v| 2.0 * v).collect();
    let (mu, xi) = (random.normals(n), random.normals(t));
    let noise = random.normals(n * t);
    let identity = DMatrix::<f64>::identity(n, n);
    let s = (&identity - dense(&setting.lag) * if model.has_lag() { 0.35 } else { 0.0 }).try_inverse().unwrap();
    let r = (&identity - dense(&setting.error) * if model.has_error() { 0.3 } else { 0.0 }).try_inverse().unwrap();
    let mut outcome = Vec::with_capacity(n * t);
    for p in 0..t {
        let at = |v: &[f64]| DVector::from_column_slice(&v[p * n..(p + 1) * n]);
        let mut mean = at(&treated) * 1.5 + at(&x) + DVector::from_vec(mu.clone()).add_scalar(xi[p]);
        if model.has_durbin() {
            mean += dense(&setting.durbin[0]) * at(if setting.lagged[1] { &x } else { &treated }) * 0.6;
        }
        outcome.extend((&s * (mean + &r * at(&noise) * 0.5)).iter());
    }
    let regressors = vec![
        Regressor { values: treated, lagged: setting.lagged[0] },
        Regressor { values: x, lagged: setting.lagged[1] },
    ];
    Problem {
        model,
        units: n,
        periods: t,
        outcome,
        regressors,
        durbin_weights: if model.has_durbin() { setting.durbin.clone() } else { Vec::new() },
        lag_weights: model.has_lag().then(|| setting.lag.clone()),
        error_weights: model.has_error().then(|| setting.error.clone()),
        fixed_effects: row.0,
        approach: Approach::Likelihood,
        likelihood: row.1,
        variance: Variance::Iid,
        df_adjust: false,
        time_lags: Vec::new(),
        treatment: Some(0),
        events: 0,
        exposures: 0,
        present: None,
        layout: Layout::default(),
    }
}

/// [`each_of`] on panels of [`UNITS`] units.
pub fn each(models: &[Model], visit: &mut dyn FnMut(&str, Problem)) {
    each_of(UNITS, models, visit);
}

/// Calls `visit` for every model of `models`, allowed row and setting, with words that name the case.
pub fn each_of(n: usize, models: &[Model], visit: &mut dyn FnMut(&str, Problem)) {
    for setting in &settings(n) {
        for &model in models {
            for &row in ROWS.iter().filter(|&&r| allowed(setting, r, model)) {
                let name = format!("{}, {:?} effects, {:?}, {}", model.name(), row.0, row.1, setting.name);
                visit(&name, problem(model, setting, row, 11));
            }
        }
    }
}

/// Orthonormal columns orthogonal to the vector of ones: `k × (k − 1)`.
pub fn contrasts(k: usize) -> DMatrix<f64> {
    DMatrix::from_fn(k, k - 1, |i, j| {
        let size = ((j + 1) * (j + 2)) as f64;
        match i {
            _ if i <= j => 1.0 / size.sqrt(),
            _ if i == j + 1 => -((j + 1) as f64) / size.sqrt(),
            _ => 0.0,
        }
    })
}

/// What the transformation of a problem's row does: `V ↦ F_N' V F_T`.
pub struct Transformation {
    pub across: DMatrix<f64>,
    pub along: DMatrix<f64>,
}

impl Transformation {
    pub fn of(p: &Problem) -> Transformation {
        let unit = matches!(p.fixed_effects, FixedEffects::Unit | FixedEffects::Both);
        let period = matches!(p.fixed_effects, FixedEffects::Time | FixedEffects::Both);
        let (n, t) = (p.units, p.periods);
        let transform = p.likelihood == Likelihood::Transform;
        Transformation {
            across: if period && transform { contrasts(n) } else { DMatrix::identity(n, n) },
            along: if unit && p.likelihood != Likelihood::Direct { contrasts(t) } else { DMatrix::identity(t, t) },
        }
    }

    pub fn apply(&self, x: &[f64]) -> DVector<f64> {
        let matrix = DMatrix::from_column_slice(self.across.nrows(), self.along.nrows(), x);
        let small = self.across.tr_mul(&matrix) * &self.along;
        DVector::from_column_slice(small.as_slice())
    }

    /// From the transformed back to `N × T`.
    pub fn back(&self, x: &DVector<f64>) -> DMatrix<f64> {
        let small = DMatrix::from_column_slice(self.across.ncols(), self.along.ncols(), x.as_slice());
        &self.across * small * self.along.transpose()
    }
}

/// Columns of the design on raw data: intercept, regressors, their lags matrix by matrix.
pub fn design(p: &Problem) -> Vec<Vec<f64>> {
    let mut out = Vec::new();
    if p.fixed_effects == FixedEffects::None {
        out.push(vec![1.0; p.units * p.periods]);
    }
    out.extend(p.regressors.iter().map(|r| r.values.clone()));
    for w in &p.durbin_weights {
        let large = Operator::new(dense(w), p.periods).large;
        for r in p.regressors.iter().filter(|r| r.lagged) {
            out.push((&large * DVector::from_column_slice(&r.values)).as_slice().to_vec());
        }
    }
    out
}

/// The dummies that stay parameters.
fn dummies(p: &Problem, units: usize, periods: usize) -> DMatrix<f64> {
    let direct = p.likelihood == Likelihood::Direct;
    let of_units = direct && matches!(p.fixed_effects, FixedEffects::Unit | FixedEffects::Both);
    let of_periods =
        p.likelihood != Likelihood::Transform && matches!(p.fixed_effects, FixedEffects::Time | FixedEffects::Both);
    let mut columns: Vec<DVector<f64>> = Vec::new();
    if of_units {
        columns
            .extend((0..units).map(|i| DVector::from_fn(units * periods, |r, _| f64::from(u8::from(r % units == i)))));
    }
    if of_periods {
        let from = usize::from(of_units);
        columns.extend(
            (from..periods).map(|t| DVector::from_fn(units * periods, |r, _| f64::from(u8::from(r / units == t)))),
        );
    }
    if columns.is_empty() { DMatrix::zeros(units * periods, 0) } else { DMatrix::from_columns(&columns) }
}

/// The reference of a problem.
pub fn reference(p: &Problem) -> Reference {
    let by = Transformation::of(p);
    let (units, periods) = (by.across.ncols(), by.along.ncols());
    let columns: Vec<DVector<f64>> = design(p).iter().map(|c| by.apply(c)).collect();
    let operator =
        |w: &Option<Arc<Weights>>| w.as_ref().map(|w| Operator::new(by.across.tr_mul(&dense(w)) * &by.across, periods));
    Reference {
        units,
        periods,
        y: by.apply(&p.outcome),
        x: DMatrix::from_columns(&columns),
        d: dummies(p, units, periods),
        lag: operator(&p.lag_weights),
        error: operator(&p.error_weights),
    }
}

/// The open interval around zero on which `I − xW` is regular: reciprocals of the extreme real eigenvalues (methods
/// B.6); where no real eigenvalue is negative, the lower end is minus the reciprocal of the spectral radius.
pub fn interval(w: &Weights) -> [f64; 2] {
    let eigenvalues = dense(w).complex_eigenvalues();
    let real = eigenvalues.iter().filter(|e| e.im.abs() < 1e-9).map(|e| e.re);
    let (lo, hi) = real.fold((0.0f64, 0.0f64), |(lo, hi), e| (lo.min(e), hi.max(e)));
    let radius = eigenvalues.iter().map(|e| e.norm()).fold(0.0, f64::max);
    [if lo < -1e-12 { 1.0 / lo } else { -1.0 / radius }, 1.0 / hi]
}
