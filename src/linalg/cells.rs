//! Panels with absent cells: removal of unit and period means over the cells that are there (methods C.2).
//!
//! Absent cells hold zeros, so that inner products over all `N·T` values are those over the present ones.

use super::LinalgError;
use super::iterate::dot;
use super::linked::Linked;
use faer::{Mat, Side};
use std::sync::OnceLock;

/// Largest period mean that may be left, relative to the root mean square of the variable.
const LEFT: f64 = 1e-10;
/// Residual at which the conjugate gradients stop, relative to their right-hand side.
const GOAL: f64 = 1e-14;
/// Up to this many periods, and this many additions, the equations of period effects are put together and solved directly.
const FEW_PERIODS: usize = 400;
const MOST_WORK: f64 = 4e9;
/// Eigenvalues of those equations, scaled to at most one, below this belong to levels that cells do not determine.
const UNDETERMINED: f64 = 1e-10;

/// Which cells of an `N × T` panel are there.
#[derive(Clone, Debug)]
pub struct Cells {
    units: usize,
    present: Vec<bool>,
    per_unit: Vec<f64>,
    per_period: Vec<f64>,
    /// The generalised inverse of `s ∘ (D_T − C'D_N⁻¹C) ∘ s`, where there are few periods.
    inverse: OnceLock<Option<Mat<f64>>>,
}

/// Unit and period effects of a variable, length N and T.
#[derive(Clone, Debug, PartialEq)]
pub struct TwoWay {
    pub units: Vec<f64>,
    pub periods: Vec<f64>,
}

impl Cells {
    /// Counts cells by unit and by period; `present` is `N·T`, unit fastest.
    ///
    /// # Errors
    /// `Shape` when the length is not `n·t`.
    pub fn new(present: &[bool], n: usize, t: usize) -> Result<Cells, LinalgError> {
        if present.len() != n * t || n == 0 {
            return Err(LinalgError::Shape { what: "a mark for each of N·T cells" });
        }
        let mut cells = Cells {
            units: n,
            present: present.to_vec(),
            per_unit: vec![0.0; n],
            per_period: Vec::with_capacity(t),
            inverse: OnceLock::new(),
        };
        for period in present.chunks_exact(n) {
            cells.per_period.push(period.iter().filter(|p| **p).count() as f64);
            for (count, &p) in cells.per_unit.iter_mut().zip(period) {
                *count += f64::from(u8::from(p));
            }
        }
        Ok(cells)
    }

    /// Present cells.
    pub fn rows(&self) -> usize {
        self.per_period.iter().sum::<f64>() as usize
    }

    pub fn is_present(&self, cell: usize) -> bool {
        self.present[cell]
    }

    /// Units with at least one cell.
    pub fn units_seen(&self) -> usize {
        self.per_unit.iter().filter(|c| **c > 0.0).count()
    }

    /// Periods with at least one cell.
    pub fn periods_seen(&self) -> usize {
        self.per_period.iter().filter(|c| **c > 0.0).count()
    }

    /// Groups of units and periods that no cell links: each costs one dummy less (the rank of two-way dummies is
    /// units + periods − groups).
    pub fn groups(&self) -> usize {
        let n = self.units;
        let mut linked = Linked::of(n + self.per_period.len());
        for (cell, _) in self.present.iter().enumerate().filter(|(_, p)| **p) {
            linked.link(cell % n, n + cell / n);
        }
        let seen = |k: usize| if k < n { self.per_unit[k] > 0.0 } else { self.per_period[k - n] > 0.0 };
        (0..n + self.per_period.len()).filter(|&k| linked.part(k) == k && seen(k)).count()
    }

    /// Puts zeros where there is no cell.
    pub fn clear(&self, x: &mut [f64]) {
        x.iter_mut().zip(&self.present).filter(|(_, p)| !**p).for_each(|(v, _)| *v = 0.0);
    }

    /// Puts NaN where there is no cell.
    pub fn mark(&self, x: &mut [f64]) {
        x.iter_mut().zip(&self.present).filter(|(_, p)| !**p).for_each(|(v, _)| *v = f64::NAN);
    }

    /// Subtracts each unit's mean over its cells and returns the means.
    pub fn demean_unit(&self, x: &mut [f64]) -> Vec<f64> {
        let means = self.unit_means(x);
        self.subtract(x, |i, _| means[i]);
        means
    }

    /// Subtracts each period's mean over its cells and returns the means.
    pub fn demean_time(&self, x: &mut [f64]) -> Vec<f64> {
        let means = self.period_means(x);
        self.subtract(x, |_, t| means[t]);
        means
    }

    /// Takes out unit and period effects by least squares: the period effects from their equations with the unit effects
    /// eliminated, directly where there are few periods, else by conjugate gradients, until no period mean above `1e-10` of
    /// the root mean square is left.
    ///
    /// # Errors
    /// `NoConvergence` when that is not reached.
    pub fn demean_both(&self, x: &mut [f64]) -> Result<TwoWay, LinalgError> {
        let size = (dot(x, x) / self.rows().max(1) as f64).sqrt();
        let mut found = TwoWay { units: vec![0.0; self.units], periods: vec![0.0; self.per_period.len()] };
        // A second round removes what rounding left of the first.
        for _ in 0..3 {
            let unit = self.demean_unit(x);
            let periods = self.period_effects(x);
            self.subtract(x, |_, t| periods[t]);
            let again = self.demean_unit(x);
            for (sum, (a, b)) in found.units.iter_mut().zip(unit.iter().zip(&again)) {
                *sum += a + b;
            }
            for (sum, p) in found.periods.iter_mut().zip(&periods) {
                *sum += p;
            }
            let left = self.period_means(x).iter().fold(0.0f64, |m, v| m.max(v.abs()));
            if left <= 1e-3 * LEFT * size {
                return Ok(found);
            }
        }
        let left = self.period_means(x).iter().fold(0.0f64, |m, v| m.max(v.abs()));
        // Written so that NaN fails too.
        if left <= LEFT * size { Ok(found) } else { Err(LinalgError::NoConvergence) }
    }

    /// Period effects of a variable without unit means: `(D_T − C'D_N⁻¹C) ξ = C'x`, scaled by the period counts.
    fn period_effects(&self, x: &[f64]) -> Vec<f64> {
        let scale: Vec<f64> = self.per_period.iter().map(|c| if *c > 0.0 { 1.0 / c.sqrt() } else { 0.0 }).collect();
        let mut residual = self.period_sums(x);
        residual.iter_mut().zip(&scale).for_each(|(r, s)| *r *= s);
        let t = residual.len();
        if let Some(inverse) = self.inverse.get_or_init(|| self.solved(&scale)) {
            return (0..t).map(|j| scale[j] * (0..t).map(|k| inverse[(j, k)] * residual[k]).sum::<f64>()).collect();
        }
        let goal = GOAL * GOAL * dot(&residual, &residual);
        let (mut effects, mut direction, mut square) = (vec![0.0; t], residual.clone(), dot(&residual, &residual));
        for _ in 0..4 * t + 20 {
            if square <= goal {
                break;
            }
            let image = self.schur(&direction, &scale);
            let step = square / dot(&direction, &image);
            if !step.is_finite() {
                break;
            }
            for k in 0..t {
                effects[k] += step * direction[k];
                residual[k] -= step * image[k];
            }
            let next = dot(&residual, &residual);
            for k in 0..t {
                direction[k] = residual[k] + next / square * direction[k];
            }
            square = next;
        }
        effects.iter_mut().zip(&scale).for_each(|(e, s)| *e *= s);
        effects
    }

    /// The generalised inverse of the equations of period effects: eigenvalues of zero, one for each group of cells that
    /// nothing links, are left out, as conjugate gradients leave them.
    fn solved(&self, scale: &[f64]) -> Option<Mat<f64>> {
        let t = scale.len();
        if t > FEW_PERIODS || self.per_unit.iter().map(|c| c * c).sum::<f64>() > MOST_WORK {
            return None;
        }
        let mut equations = Mat::<f64>::zeros(t, t);
        let mut there = Vec::with_capacity(t);
        for i in 0..self.units {
            there.clear();
            there.extend((0..t).filter(|s| self.present[s * self.units + i]));
            let share = 1.0 / self.per_unit[i];
            for (a, &s) in there.iter().enumerate() {
                there[..=a].iter().for_each(|&r| equations[(s, r)] -= share);
            }
        }
        for s in 0..t {
            equations[(s, s)] += self.per_period[s];
            (0..=s).for_each(|r| equations[(s, r)] *= scale[s] * scale[r]);
        }
        let found = equations.self_adjoint_eigen(Side::Lower).ok()?;
        let (values, vectors) = (found.S().column_vector(), found.U());
        let mut inverse = Mat::<f64>::zeros(t, t);
        for k in (0..t).filter(|&k| values[k] > UNDETERMINED) {
            for j in 0..t {
                (0..t).for_each(|i| inverse[(i, j)] += vectors[(i, k)] * vectors[(j, k)] / values[k]);
            }
        }
        Some(inverse)
    }

    /// `s ∘ (D_T − C'D_N⁻¹C)(s ∘ v)`.
    fn schur(&self, v: &[f64], scale: &[f64]) -> Vec<f64> {
        let scaled: Vec<f64> = v.iter().zip(scale).map(|(v, s)| v * s).collect();
        let mut x = vec![0.0; self.present.len()];
        self.subtract(&mut x, |_, t| -scaled[t]);
        self.demean_unit(&mut x);
        self.period_sums(&x).iter().zip(scale).map(|(v, s)| v * s).collect()
    }

    fn subtract(&self, x: &mut [f64], effect: impl Fn(usize, usize) -> f64) {
        for (t, (period, marks)) in
            x.chunks_exact_mut(self.units).zip(self.present.chunks_exact(self.units)).enumerate()
        {
            for (i, (v, p)) in period.iter_mut().zip(marks).enumerate() {
                if *p {
                    *v -= effect(i, t);
                }
            }
        }
    }

    /// Means over the cells of each unit, NaN without any.
    fn unit_means(&self, x: &[f64]) -> Vec<f64> {
        let mut means = vec![0.0; self.units];
        for period in x.chunks_exact(self.units) {
            for (m, v) in means.iter_mut().zip(period) {
                *m += v;
            }
        }
        means.iter().zip(&self.per_unit).map(|(m, c)| m / c).collect()
    }

    fn period_sums(&self, x: &[f64]) -> Vec<f64> {
        x.chunks_exact(self.units).map(super::panel::sum).collect()
    }

    /// Means over the cells of each period that has any, else zero.
    fn period_means(&self, x: &[f64]) -> Vec<f64> {
        let mean = |(sum, count): (f64, &f64)| if *count > 0.0 { sum / count } else { 0.0 };
        self.period_sums(x).into_iter().zip(&self.per_period).map(mean).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::{cross, panel, samples};

    /// Two thirds of the cells of 40 × 9, and one period without any.
    fn holes() -> (Cells, usize, usize) {
        let (n, t) = (40, 9);
        let present: Vec<bool> = (0..n * t).map(|k| k / n != 4 && samples::uniform(3, k as u64) > 0.35).collect();
        (Cells::new(&present, n, t).unwrap(), n, t)
    }

    #[test]
    fn two_way_residuals_are_those_of_a_regression_on_dummies() {
        let (cells, n, t) = holes();
        let mut x = samples::vector(5, n * t);
        cells.clear(&mut x);
        let y = x.clone();
        let mut dummies: Vec<Vec<f64>> = Vec::new();
        let dummy = |f: &dyn Fn(usize) -> bool| {
            let mut d: Vec<f64> = (0..n * t).map(|k| f64::from(u8::from(f(k)))).collect();
            cells.clear(&mut d);
            d
        };
        dummies.extend((0..n).map(|i| dummy(&|k| k % n == i)));
        dummies.extend((1..t).filter(|&s| s != 4).map(|s| dummy(&|k| k / n == s)));
        let views: Vec<&[f64]> = dummies.iter().map(Vec::as_slice).collect();
        let b = cross::least_squares(&views, &y).unwrap();
        assert_eq!((cells.groups(), cells.units_seen(), cells.periods_seen()), (1, n, t - 1));
        let found = cells.demean_both(&mut x).unwrap();
        for k in 0..n * t {
            let fitted: f64 = views.iter().zip(&b).map(|(d, b)| d[k] * b).sum();
            let gap = if cells.is_present(k) { y[k] - fitted - x[k] } else { x[k] };
            assert!(gap.abs() < 1e-12, "{k}: {gap}");
            let effects = if cells.is_present(k) { found.units[k % n] + found.periods[k / n] } else { 0.0 };
            assert!((effects - (y[k] - x[k])).abs() < 1e-11);
        }
    }

    #[test]
    fn few_and_many_periods_have_the_same_residuals() {
        // More periods than are solved directly against the same panel seen the other way round.
        let (n, t) = (30, FEW_PERIODS + 20);
        let present: Vec<bool> = (0..n * t).map(|k| samples::uniform(4, k as u64) > 0.3).collect();
        let wide = Cells::new(&present, n, t).unwrap();
        let flags: Vec<f64> = present.iter().map(|p| f64::from(u8::from(*p))).collect();
        let turned: Vec<bool> = panel::transpose(&flags, n, t).iter().map(|f| *f > 0.0).collect();
        let long = Cells::new(&turned, t, n).unwrap();
        let mut x = samples::vector(6, n * t);
        wide.clear(&mut x);
        let mut y = panel::transpose(&x, n, t);
        wide.demean_both(&mut x).unwrap();
        long.demean_both(&mut y).unwrap();
        assert!(wide.inverse.get().is_some_and(Option::is_none) && long.inverse.get().is_some_and(Option::is_some));
        assert!(panel::transpose(&x, n, t).iter().zip(&y).all(|(a, b)| (a - b).abs() < 1e-11));
    }

    #[test]
    fn without_holes_it_is_the_balanced_transformation() {
        let (n, t) = (30, 7);
        let cells = Cells::new(&vec![true; n * t], n, t).unwrap();
        let mut x = samples::vector(2, n * t);
        let mut y = x.clone();
        cells.demean_both(&mut x).unwrap();
        panel::demean_both(&mut y, n, t);
        assert!(x.iter().zip(&y).all(|(a, b)| (a - b).abs() < 1e-14));
    }

    #[test]
    fn unlinked_cells_are_groups_of_their_own() {
        let present = [true, false, false, true, true, false];
        let cells = Cells::new(&present, 3, 2).unwrap();
        assert_eq!((cells.rows(), cells.units_seen(), cells.periods_seen(), cells.groups()), (3, 2, 2, 1));
        let apart = Cells::new(&[true, false, false, true], 2, 2).unwrap();
        assert_eq!(apart.groups(), 2);
        let mut x = vec![3.0, 0.0, 0.0, 5.0];
        apart.demean_both(&mut x).unwrap();
        assert_eq!(x, vec![0.0; 4]);
    }
}
