//! Optima, corrections and information.

use crate::cases::{UNITS, each, interval, problem, reference, settings};
use crate::reference::{Point, Reference as Written, least_squares};
use durbin::estimators::*;
use nalgebra::{DMatrix, DVector};

pub const SPATIAL: [Model; 6] = [Model::Sar, Model::Sem, Model::Sdm, Model::Sdem, Model::Sac, Model::Gns];

/// Durbin's parameters as a point of the reference, the dummies at their best.
pub fn point(r: &Written, e: &Estimated) -> Point {
    let p = r.x.ncols();
    let (rho, lambda, _) = r.places();
    let at = Point {
        beta: DVector::from_column_slice(&e.coefficients[..p]),
        rho: rho.map_or(0.0, |k| e.coefficients[k]),
        lambda: lambda.map_or(0.0, |k| e.coefficients[k]),
        sigma2: e.sigma2,
        delta: DVector::zeros(r.d.ncols()),
    };
    r.fill(&at, &r.y, false)
}

/// The greatest likelihood between the ends of the intervals.
fn maximum(r: &Written, p: &Problem) -> Point {
    let ends = |w: &Option<std::sync::Arc<durbin::weights::Weights>>| {
        w.as_ref().map_or([0.0, 0.0], |w| interval(w).map(|x| (1.0 - 1e-6) * x))
    };
    r.maximum(ends(&p.lag_weights), ends(&p.error_weights))
}

/// Whether the row's estimates are corrected for period effects (methods C.5).
pub fn is_corrected(p: &Problem) -> bool {
    p.likelihood == Likelihood::Partial && matches!(p.fixed_effects, FixedEffects::Time | FixedEffects::Both)
}

/// The optimum corrected by `𝓘⁻¹` times the score that is lost on average.
fn corrected(r: &Written, at: &Point, slopes: bool) -> Point {
    let information = r.information(at);
    let step = information.lu().solve(&r.lost_score(at, slopes)).unwrap();
    let (rho, lambda, sigma) = r.places();
    let moved = Point {
        beta: &at.beta + step.rows(0, r.x.ncols()),
        rho: at.rho + rho.map_or(0.0, |k| step[k]),
        lambda: at.lambda + lambda.map_or(0.0, |k| step[k]),
        sigma2: at.sigma2 + step[sigma],
        delta: at.delta.clone(),
    };
    r.fill(&moved, &r.y, false)
}

fn close(name: &str, what: &str, got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance, "{name}: {what} is {got}, not {want} ({:e})", (got - want).abs());
}

fn same_estimates(name: &str, r: &Written, e: &Estimated, at: &Point) {
    let (rho, lambda, _) = r.places();
    for (k, b) in at.beta.iter().enumerate() {
        close(name, &format!("slope {k}"), e.coefficients[k], *b, 1e-8 * b.abs().max(1.0));
    }
    rho.into_iter().for_each(|k| close(name, "rho", e.coefficients[k], at.rho, 1e-9));
    lambda.into_iter().for_each(|k| close(name, "lambda", e.coefficients[k], at.lambda, 1e-9));
    close(name, "sigma2", e.sigma2, at.sigma2, 1e-8 * at.sigma2);
    let log_likelihood = r.log_likelihood(at, &r.y);
    close(name, "the log-likelihood", e.loglik, log_likelihood, 1e-12 * log_likelihood.abs().max(1.0));
    assert_eq!(e.m_effective, r.observations(), "{name}");
}

/// Variances agree relative to the standard errors of their rows and columns.
pub fn same_variance(name: &str, got: &[Vec<f64>], want: &DMatrix<f64>, tolerance: f64) {
    for i in 0..got.len() {
        for k in 0..got.len() {
            let size = (want[(i, i)] * want[(k, k)]).sqrt();
            close(name, &format!("variance {i}, {k}"), got[i][k], want[(i, k)], tolerance * size);
        }
    }
}

/// Fourth-order central differences of a vector function along each parameter.
fn differences(r: &Written, at: &Point, f: &dyn Fn(&Point) -> DVector<f64>) -> DMatrix<f64> {
    let (rho, lambda, sigma) = r.places();
    let size = sigma + 1 + r.d.ncols();
    let shifted = |k: usize, h: f64| {
        let mut out = at.clone();
        match k {
            _ if k < r.x.ncols() => out.beta[k] += h,
            _ if Some(k) == rho => out.rho += h,
            _ if Some(k) == lambda => out.lambda += h,
            _ if k == sigma => out.sigma2 += h,
            _ => out.delta[k - sigma - 1] += h,
        }
        f(&out)
    };
    let columns: Vec<DVector<f64>> = (0..size)
        .map(|k| {
            let h = 1e-3;
            (shifted(k, -2.0 * h) - shifted(k, 2.0 * h) + (shifted(k, h) - shifted(k, -h)) * 8.0) / (12.0 * h)
        })
        .collect();
    DMatrix::from_columns(&columns)
}

/// The reference's own derivatives are those of its likelihood: error of the differences h⁴ = 1e-12 times fifth
/// derivatives, of which those in σ² are the largest (1e-6 of the value).
#[test]
fn the_reference_is_consistent_with_itself() {
    for (setting, row) in settings(UNITS).iter().zip([
        (FixedEffects::Both, Likelihood::Direct),
        (FixedEffects::Both, Likelihood::Transform),
        (FixedEffects::Both, Likelihood::Partial),
        (FixedEffects::None, Likelihood::Direct),
    ]) {
        let p = problem(Model::Gns, setting, row, 5);
        let r = reference(&p);
        let mut at = r.concentrated(0.2, 0.15);
        at.sigma2 = 1.3;
        let score = r.score(&at, &r.y);
        let numeric = differences(&r, &at, &|x| DVector::from_element(1, r.log_likelihood(x, &r.y)));
        for k in 0..score.len() {
            close(setting.name, &format!("score {k}"), numeric[(0, k)], score[k], 1e-6 * score.amax().max(1.0));
        }
        let curvature = r.curvature(&at, &r.y);
        let numeric = -differences(&r, &at, &|x| r.score(x, &r.y));
        assert!((&numeric - &curvature).amax() < 1e-6 * curvature.amax(), "{}", setting.name);
    }
}

#[test]
fn optima_corrections_and_information_agree() {
    let mut count = 0;
    each(&SPATIAL, &mut |name, p| {
        let r = reference(&p);
        let e = estimate(&p, &Never).unwrap();
        assert!(!e.remarks.iter().any(|k| matches!(k, Remark::Boundary { .. })), "{name}: {:?}", e.remarks);
        let top = maximum(&r, &p);
        let at = if is_corrected(&p) { corrected(&r, &top, false) } else { top };
        same_estimates(name, &r, &e, &at);
        let information = r.information(&point(&r, &e));
        same_variance(name, &e.vcov, &information.try_inverse().unwrap(), 1e-7);
        count += 1;
    });
    assert_eq!(count, 6 * (9 + 9 + 7 + 7));
}

/// Away from the optimum, where corrections lead, the information of methods C.6 leaves out terms that vanish there.
#[test]
fn the_observed_information_is_the_curvature_at_the_optimum() {
    each(&SPATIAL, &mut |name, p| {
        if is_corrected(&p) {
            return;
        }
        let p = Problem { variance: Variance::Observed, ..p };
        let r = reference(&p);
        let e = estimate(&p, &Never).unwrap();
        let at = point(&r, &e);
        let score = r.score(&at, &r.y);
        let curvature = r.curvature(&at, &r.y);
        let step = curvature.clone().lu().solve(&score).unwrap();
        let (rho, lambda, sigma) = r.places();
        assert!(step.rows(0, r.x.ncols()).amax() < 1e-8, "{name}: slopes are {step} from the top");
        for k in rho.into_iter().chain(lambda) {
            assert!(step[k].abs() < 1e-9, "{name}: parameter {k} is {:e} from the top", step[k]);
        }
        assert!(step[sigma].abs() < 1e-8 * at.sigma2, "{name}");
        let inverse = r.without_dummies(&curvature).try_inverse().unwrap();
        same_variance(name, &e.vcov, &inverse, 1e-7);
    });
}

/// With the score adjustment the slopes' share of the score is given back too: `β = b₀ − ρb₁`, `σ² = SSE/(M° − P)`.
#[test]
fn the_score_adjustment_gives_back_what_slopes_take() {
    each(&[Model::Sar, Model::Sdm, Model::Sem, Model::Gns], &mut |name, p| {
        let p = Problem { df_adjust: true, ..p };
        let r = reference(&p);
        let top = maximum(&r, &p);
        let mut lost = r.lost_score(&top, true);
        if !is_corrected(&p) {
            // only the slopes' share: the dummies' own is that of methods C.5
            lost -= r.lost_score(&top, false);
        }
        let step = r.information(&top).lu().solve(&lost).unwrap();
        let (rho, lambda, _) = r.places();
        let moved =
            r.concentrated(top.rho + rho.map_or(0.0, |k| step[k]), top.lambda + lambda.map_or(0.0, |k| step[k]));
        let (n, t) = (p.units as f64, p.periods as f64);
        let unit = matches!(p.fixed_effects, FixedEffects::Unit | FixedEffects::Both);
        let period = matches!(p.fixed_effects, FixedEffects::Time | FixedEffects::Both);
        let counted = if p.likelihood == Likelihood::Direct {
            n * t
        } else {
            (if period { n - 1.0 } else { n }) * (if unit { t - 1.0 } else { t })
        };
        let at = Point { sigma2: r.sum_of_squares(&moved) / (counted - r.x.ncols() as f64), ..moved };
        same_estimates(name, &r, &estimate(&p, &Never).unwrap(), &at);
    });
}

#[test]
fn least_squares_are_those_of_explicit_dummies() {
    each(&[Model::Ols, Model::Slx], &mut |name, p| {
        let r = reference(&p);
        let e = estimate(&p, &Never).unwrap();
        let both = crate::reference::beside(&r.x, &r.d);
        let fit = least_squares(&both, &r.y);
        let residual = &r.y - &both * &fit;
        for k in 0..e.coefficients.len() {
            close(name, &format!("slope {k}"), e.coefficients[k], fit[k], 1e-8);
        }
        let m = r.observations();
        let sigma2 = residual.dot(&residual) / m;
        close(name, "sigma2", e.sigma2, sigma2, 1e-10 * sigma2);
        let log_likelihood = -0.5 * m * ((2.0 * std::f64::consts::PI * sigma2).ln() + 1.0);
        close(name, "the log-likelihood", e.loglik, log_likelihood, 1e-12 * log_likelihood.abs().max(1.0));
    });
}

#[test]
fn the_interval_lies_between_the_reciprocals_of_the_extreme_real_eigenvalues() {
    for setting in &settings(UNITS) {
        let p = problem(Model::Gns, setting, (FixedEffects::Unit, Likelihood::Transform), 3);
        let e = estimate(&p, &Never).unwrap();
        for (found, w) in [(e.rho_interval, &setting.lag), (e.lambda_interval, &setting.error)] {
            let (found, [lo, hi]) = (found.unwrap(), interval(w));
            // a defective eigenvalue moves by the square root of the rounding
            close(setting.name, "the lower end", found.lo, lo, 1e-7 * lo.abs());
            close(setting.name, "the upper end", found.hi, hi, 1e-7 * hi);
        }
    }
}
