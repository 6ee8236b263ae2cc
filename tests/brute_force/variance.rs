//! Variances beside the information: unit-clustered martingale differences averaged over all orders of the units, the
//! sandwich for errors that are not normal (methods C.6), and those of least squares (C.11).

use crate::cases::{Transformation, design, each, each_of, reference};
use crate::likelihood::{is_corrected, point, same_variance};
use crate::reference::{Point, Reference as Written, least_squares};
use durbin::estimators::*;
use nalgebra::{DMatrix, DVector};

/// All orders of `0..n`.
fn orders(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let shorter = orders(n - 1);
    let insert = |o: &Vec<usize>, at: usize| [&o[..at], &[n - 1], &o[at..]].concat();
    shorter.iter().flat_map(|o| (0..n).map(move |at| insert(o, at))).collect()
}

/// `I − A(A'A)⁻¹A'`.
fn annihilator(a: &DMatrix<f64>) -> DMatrix<f64> {
    let identity = DMatrix::identity(a.nrows(), a.nrows());
    if a.ncols() == 0 {
        return identity;
    }
    let q = a.clone().qr().q();
    identity - &q * q.transpose()
}

/// `P A P` off a vector.
fn projected(a: &DMatrix<f64>, s: &DVector<f64>) -> DMatrix<f64> {
    let p = annihilator(&DMatrix::from_columns(std::slice::from_ref(s)));
    &p * a * &p
}

/// What scores are made of, on `N × T` after the effects are removed.
struct Pieces {
    residual: DMatrix<f64>,
    slopes: Vec<DMatrix<f64>>,
    /// Place, `g` (zero for λ) and the operator (`Ġ*` or `H*`).
    quadratics: Vec<(usize, DMatrix<f64>, DMatrix<f64>)>,
}

fn pieces(p: &Problem, r: &Written, at: &Point) -> Pieces {
    let by = Transformation::of(p);
    let n = p.units;
    let filter = |o: &Option<std::sync::Arc<durbin::weights::Weights>>, x: f64| {
        let w = o.as_ref().map_or(DMatrix::zeros(n, n), |w| crate::cases::dense(w));
        (w.clone(), DMatrix::identity(n, n) - w * x)
    };
    let (w, s) = filter(&p.lag_weights, at.rho);
    let (w2, rr) = filter(&p.error_weights, at.lambda);
    let large = match &r.error {
        Some(o) => DMatrix::identity(r.y.len(), r.y.len()) - &o.large * at.lambda,
        None => DMatrix::identity(r.y.len(), r.y.len()),
    };
    let off = annihilator(&(&large * &r.d)) * &large;
    let back = |x: &DVector<f64>| by.back(x);
    let period = matches!(p.fixed_effects, FixedEffects::Time | FixedEffects::Both);
    let ones = DVector::from_element(n, 1.0);
    let (rho, lambda, _) = r.places();
    let mut quadratics = Vec::new();
    if let (Some(place), Some(o)) = (rho, &r.lag) {
        let inverse = (DMatrix::identity(r.y.len(), r.y.len()) - &o.large * at.rho).try_inverse().unwrap();
        // the systematic part of the outcome's lag: R G (Xβ + Dδ) off the filtered dummies
        let g = &off * (&o.large * inverse * (&r.x * &at.beta + &r.d * &at.delta));
        let plain = &rr * &w * s.try_inverse().unwrap() * rr.clone().try_inverse().unwrap();
        let transformed = period && p.likelihood == Likelihood::Transform;
        quadratics.push((place, back(&g), if transformed { projected(&plain, &ones) } else { plain }));
    }
    if let Some(place) = lambda {
        let plain = w2 * rr.clone().try_inverse().unwrap();
        let star = if period { projected(&plain, &(&rr * &ones)) } else { plain };
        quadratics.push((place, DMatrix::zeros(n, p.periods), star));
    }
    Pieces {
        residual: back(&r.innovations(at)),
        slopes: r.x.column_iter().map(|c| back(&(&off * c))).collect(),
        quadratics,
    }
}

/// Scores of the units that need no order, and for each quadratic the pairs `a_ik`.
fn scores(p: &Problem, r: &Written, at: &Point) -> (DMatrix<f64>, Vec<(usize, DMatrix<f64>)>) {
    let pieces = pieces(p, r, at);
    let (n, s2, m, sigma) = (p.units, at.sigma2, r.periods as f64, r.places().2);
    let e = &pieces.residual;
    let mut own = DMatrix::zeros(n, sigma + 1);
    let mut pairs = Vec::new();
    for i in 0..n {
        let square = e.row(i).dot(&e.row(i));
        for (k, z) in pieces.slopes.iter().enumerate() {
            own[(i, k)] = z.row(i).dot(&e.row(i)) / s2;
        }
        for (place, g, a) in &pieces.quadratics {
            own[(i, *place)] = (e.row(i).dot(&g.row(i)) + a[(i, i)] * square) / s2 - m * a[(i, i)];
        }
        own[(i, sigma)] = square / (2.0 * s2 * s2) - r.observations() / (2.0 * s2 * n as f64);
    }
    for (place, _, a) in &pieces.quadratics {
        let products = e * e.transpose() / s2;
        let mut both = (a + a.transpose()).component_mul(&products);
        both.fill_diagonal(0.0);
        pairs.push((*place, both));
    }
    (own, pairs)
}

#[test]
fn clustered_variance_is_the_mean_over_all_orders_of_the_units() {
    let n = 6;
    let orders = orders(n);
    assert_eq!(orders.len(), 720);
    let mut count = 0;
    each_of(n, &[Model::Sar, Model::Sdm, Model::Sem, Model::Sac], &mut |name, p| {
        let p = Problem { variance: Variance::ClusterUnit, ..p };
        let e = estimate(&p, &Never).unwrap();
        if e.remarks.iter().any(|k| matches!(k, Remark::Boundary { .. })) {
            return;
        }
        let r = reference(&p);
        let at = point(&r, &e);
        let (own, pairs) = scores(&p, &r, &at);
        let mut b = DMatrix::zeros(own.ncols(), own.ncols());
        for order in &orders {
            for (place, &i) in order.iter().enumerate() {
                let mut s = own.row(i).transpose();
                for (parameter, a) in &pairs {
                    s[*parameter] += order[..place].iter().map(|&k| a[(i, k)]).sum::<f64>();
                }
                b += &s * s.transpose();
            }
        }
        let inverse = r.information(&at).try_inverse().unwrap();
        let v = &inverse * b * &inverse * (n as f64 / (n as f64 - 1.0) / orders.len() as f64);
        same_variance(name, &e.vcov, &v, 1e-7);
        if !is_corrected(&p) {
            assert!(
                (0..r.x.ncols()).all(|k| own.column(k).sum().abs() < 1e-7),
                "{name}: the slopes' score is not zero"
            );
            if let (Some(k), Some((_, a))) = (r.places().0, pairs.first()) {
                let total = own.column(k).sum() + 0.5 * a.sum();
                assert!(total.abs() < 1e-6 * own.column(k).amax().max(1.0), "{name}: rho's score is {total:e}");
            }
        }
        count += 1;
    });
    // of six units a few have their optimum at an end
    assert!(count >= 110, "{count} cases");
}

/// `Ω` of methods C.6 from the demeaned residuals' cumulants: the covariances of the parts of the score, each `l'ε/σ²` plus
/// `ε'Aε/σ²`, beyond those of normal errors. Without unit effects the third cumulant stays, for ρ through g as well.
#[test]
fn the_sandwich_for_errors_that_are_not_normal_adds_their_cumulants() {
    each(&[Model::Sar, Model::Sdem, Model::Gns], &mut |name, p| {
        let p = Problem { variance: Variance::Qml, ..p };
        let e = estimate(&p, &Never).unwrap();
        if e.remarks.iter().any(|k| matches!(k, Remark::Boundary { .. })) {
            return;
        }
        let r = reference(&p);
        let at = point(&r, &e);
        let pieces = pieces(&p, &r, &at);
        let (n, t, s2, sigma) = (p.units as f64, p.periods as f64, at.sigma2, r.places().2);
        let mean = |k: i32| pieces.residual.iter().map(|v| v.powi(k)).sum::<f64>() / (n * t);
        // Σcᵏ of a demeaned cell
        let share = |k: i32, size: f64| (1.0 - 1.0 / size).powi(k) + (size - 1.0) * (-1.0 / size).powi(k);
        let unit = matches!(p.fixed_effects, FixedEffects::Unit | FixedEffects::Both);
        let period = matches!(p.fixed_effects, FixedEffects::Time | FixedEffects::Both);
        let size = |k: i32| (if unit { share(k, t) } else { 1.0 }) * if period { share(k, n) } else { 1.0 };
        let kappa = (mean(4) - 3.0 * mean(2).powi(2)) / size(4);
        let f = if unit { (t - 1.0).powi(2) / t } else { t } * kappa;
        let mut filtered = DVector::from_element(p.units, 1.0);
        if let Some(w) = &p.error_weights {
            filtered -= crate::cases::dense(w) * &filtered * at.lambda;
        }
        let identity = DMatrix::identity(p.units, p.units);
        let zeta = if period { projected(&identity, &filtered).diagonal() } else { identity.diagonal() };
        let mut diagonals = vec![(sigma, zeta / (2.0 * s2))];
        diagonals.extend(pieces.quadratics.iter().map(|(k, _, a)| (*k, a.diagonal())));
        let mut omega = DMatrix::zeros(sigma + 1, sigma + 1);
        for (i, a) in &diagonals {
            for (k, b) in &diagonals {
                omega[(*i, *k)] = f * a.dot(b) / (s2 * s2);
            }
        }
        if !unit {
            let mut linear: Vec<(usize, &DMatrix<f64>)> = pieces.slopes.iter().enumerate().collect();
            linear.extend(pieces.quadratics.iter().map(|(k, g, _)| (*k, g)));
            for (i, l) in linear {
                for (k, a) in &diagonals {
                    let covariance = mean(3) / size(3) * l.column_sum().dot(a) / (s2 * s2);
                    omega[(i, *k)] += covariance;
                    omega[(*k, i)] += covariance;
                }
            }
        }
        let inverse = r.information(&at).try_inverse().unwrap();
        same_variance(name, &e.vcov, &(&inverse + &inverse * omega * &inverse), 1e-7);
    });
}

/// Fixed effects as explicit dummies, whatever the likelihood.
fn all_dummies(p: &Problem) -> DMatrix<f64> {
    let direct = Problem { likelihood: Likelihood::Direct, ..p.clone() };
    reference(&direct).d
}

/// K of methods C.11: the slopes, and the effects that are not nested in the clusters, at least one.
fn counted(p: &Problem, slopes: usize) -> f64 {
    let (n, t) = (p.units, p.periods);
    let by_unit = matches!(p.variance, Variance::ClusterUnit | Variance::ClusterUnitTime);
    let by_time = matches!(p.variance, Variance::ClusterTime | Variance::ClusterUnitTime);
    let effects = match p.fixed_effects {
        FixedEffects::None => 0,
        FixedEffects::Unit => {
            if by_unit {
                1
            } else {
                n
            }
        }
        FixedEffects::Time => {
            if by_time {
                1
            } else {
                t
            }
        }
        FixedEffects::Both => match (by_unit, by_time) {
            (true, true) => 1,
            (true, false) => t,
            (false, true) => n,
            (false, false) => n + t - 1,
        },
    };
    (slopes + effects) as f64
}

#[test]
fn least_squares_variances_are_sums_over_their_clusters() {
    each(&[Model::Ols, Model::Slx], &mut |name, base| {
        let d = all_dummies(&base);
        let columns: Vec<DVector<f64>> = design(&base).into_iter().map(DVector::from_vec).collect();
        let z = annihilator(&d) * DMatrix::from_columns(&columns);
        let y = annihilator(&d) * DVector::from_column_slice(&base.outcome);
        let residual = &y - &z * least_squares(&z, &y);
        let bread = z.tr_mul(&z).try_inverse().unwrap();
        let (n, t, rows) = (base.units, base.periods, y.len());
        let meat = |of: &dyn Fn(usize) -> usize, groups: usize| {
            let mut out = DMatrix::zeros(z.ncols(), z.ncols());
            for g in 0..groups {
                let cells = (0..rows).filter(|&r| of(r) == g);
                let sum: DVector<f64> = cells.map(|r| z.row(r).transpose() * residual[r]).sum();
                out += &sum * sum.transpose();
            }
            out
        };
        let free = (rows - z.ncols() - d.ncols()) as f64;
        for variance in
            [Variance::Iid, Variance::Robust, Variance::ClusterUnit, Variance::ClusterTime, Variance::ClusterUnitTime]
        {
            let p = Problem { variance, ..base.clone() };
            let k = counted(&p, z.ncols());
            let factor = |g: usize| (rows as f64 - 1.0) / (rows as f64 - k) * g as f64 / (g as f64 - 1.0);
            let by_unit = || meat(&|r| r % n, n);
            let by_time = || meat(&|r| r / n, t);
            let by_row = || meat(&|r| r, rows);
            let (middle, reference) = match variance {
                Variance::Robust => (by_row() * (rows as f64 / free), free),
                Variance::ClusterUnit => (by_unit() * factor(n), n as f64 - 1.0),
                Variance::ClusterTime => (by_time() * factor(t), t as f64 - 1.0),
                Variance::ClusterUnitTime => {
                    ((by_unit() + by_time() - by_row()) * factor(n.min(t)), n.min(t) as f64 - 1.0)
                }
                _ => (z.tr_mul(&z) * (residual.dot(&residual) / free), free),
            };
            let v = &bread * middle * &bread;
            let e = estimate(&p, &Never).unwrap();
            assert_eq!(e.reference, Reference::T(reference), "{name} {variance:?}");
            if variance == Variance::ClusterUnitTime && v.clone().symmetric_eigenvalues().min() < 0.0 {
                // negative eigenvalues are set to zero, and in which basis is a choice
                continue;
            }
            same_variance(&format!("{name}, {variance:?}"), &e.vcov, &v, 1e-7);
        }
    });
}
