//! Terms that hardly differ once fixed effects are removed: a warning, for their coefficients are then hard to tell apart.

use crate::check::spec::ModelSpec;
use crate::estimators::{Estimated, FixedEffects};
use crate::fault::{Fault, ticked_list};
use crate::plan::ModelPlan;
use nalgebra::{DMatrix, DVector};

/// Condition numbers above this deserve a warning (methods B.7; Belsley, Kuh & Welsch 1980, section 3.3).
const LIMIT: f64 = 30.0;
/// A term is involved where near dependencies make up this share of its coefficient's variance (the same, section 3.2).
const INVOLVED: f64 = 0.5;

/// The condition number of the terms the formula writes, off the fixed effects (off the intercept where there are none)
/// and scaled to unit length. Levels of one column are taken together on a basis of their own: which level is left out
/// is no property of the data.
pub(super) fn warning(spec: &ModelSpec, plan: &ModelPlan, estimated: &Estimated) -> Option<Fault> {
    let (columns, origin) = scaled(plan, estimated)?;
    let dependency = Dependency::of(&columns)?;
    if dependency.condition <= LIMIT {
        return None;
    }
    let shares: Vec<f64> = (0..spec.terms.len())
        .map(|term| {
            let sum =
                |v: &DVector<f64>| -> f64 { v.iter().zip(&origin).filter(|(_, o)| **o == term).map(|(x, _)| x).sum() };
            let total = sum(&dependency.variances);
            if total > 0.0 { sum(&dependency.near) / total } else { 0.0 }
        })
        .collect();
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by(|&a, &b| shares[b].total_cmp(&shares[a]));
    // A dependency has two sides, also where one of them has variance enough of its own.
    let mut involved: Vec<usize> =
        order.iter().enumerate().filter(|(place, t)| *place < 2 || shares[**t] >= INVOLVED).map(|(_, t)| *t).collect();
    involved.sort_unstable();
    let names: Vec<&str> = involved.iter().map(|&t| spec.terms[t].value.text.as_str()).collect();
    let within = match plan.problem.fixed_effects {
        _ if plan.problem.layout.has_more_effects() => " within the fixed effects",
        FixedEffects::None => "",
        FixedEffects::Unit => " within the unit effects",
        FixedEffects::Time => " within the time effects",
        FixedEffects::Both => " within the unit and time effects",
    };
    let message = format!(
        "{} are nearly collinear{within}: the condition number of the terms is {:.0}",
        ticked_list(&names),
        dependency.condition
    );
    Some(
        Fault::warning("durbin::plan::near_collinear", message)
            .help("their coefficients can hardly be told apart: leave one out, or read them together"),
    )
}

/// Columns of unit length with the inner products of the terms' own columns, and the term of each.
fn scaled(plan: &ModelPlan, estimated: &Estimated) -> Option<(DMatrix<f64>, Vec<usize>)> {
    let skip = usize::from(plan.problem.has_intercept());
    let p = plan.terms.len();
    let mut out = DMatrix::zeros(p, p);
    for i in 0..p {
        let row = estimated.triangle.get(skip + i)?;
        for j in 0..p {
            out[(i, j)] = *row.get(skip + j)?;
        }
    }
    let origin = plan.origin.clone();
    let mut first = 0;
    while first < p {
        let count = origin[first..].iter().take_while(|o| **o == origin[first]).count();
        // Of one column this is the column at unit length.
        let basis = out.columns(first, count).into_owned().qr().q();
        if basis.ncols() != count {
            return None;
        }
        out.columns_mut(first, count).copy_from(&basis);
        first += count;
    }
    Some((out, origin))
}

/// How near columns are to dependence.
struct Dependency {
    /// Largest over smallest singular value.
    condition: f64,
    /// Of each coefficient, its variance for unit errors, and the part that near dependencies make up.
    variances: DVector<f64>,
    near: DVector<f64>,
}

impl Dependency {
    /// From the singular values μ and right vectors V: the variance of coefficient j is `Σ_k v_jk²/μ_k²`.
    fn of(columns: &DMatrix<f64>) -> Option<Dependency> {
        if columns.ncols() < 2 || !columns.iter().all(|v| v.is_finite()) {
            return None;
        }
        let decomposed = columns.clone().svd(false, true);
        let right = decomposed.v_t?;
        let values = decomposed.singular_values;
        let (most, least) = (values.max(), values.min());
        if least <= 0.0 {
            return None;
        }
        let p = columns.ncols();
        let part = |j: usize, k: usize| (right[(k, j)] / values[k]).powi(2);
        let near = |k: &usize| most / values[*k] > LIMIT;
        Some(Dependency {
            condition: most / least,
            variances: DVector::from_fn(p, |j, _| (0..p).map(|k| part(j, k)).sum()),
            near: DVector::from_fn(p, |j, _| (0..p).filter(near).map(|k| part(j, k)).sum()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_columns_at_a_small_angle_have_the_condition_number_of_the_angle() {
        // cos 2a between unit columns: singular values √(1 ± cos 2a), their ratio cot a.
        let a: f64 = 0.02;
        let columns = DMatrix::from_row_slice(3, 3, &[a.cos(), a.cos(), 0.0, a.sin(), -a.sin(), 0.0, 0.0, 0.0, 1.0]);
        let d = Dependency::of(&columns).unwrap();
        assert!((d.condition - 1.0 / a.tan()).abs() < 1e-9, "{}", d.condition);
        let shares = d.near.component_div(&d.variances);
        assert!(shares[0] > 0.99 && shares[1] > 0.99 && shares[2] < 1e-6, "{shares}");
    }
}
