//! Unit effects, period effects and slopes fitted on clean cells alone (methods E.6): what an outcome would be without
//! any treatment, and by which weights it rests on clean outcomes.

use super::{Sample, StaggeredError};
use crate::linalg::dense::symmetric_inverse;
use crate::linalg::linked::Linked;
use nalgebra::{DMatrix, DVector};

/// The normal equations with unit effects eliminated.
pub(super) struct Untreated<'a> {
    sample: &'a Sample,
    clean: Vec<bool>,
    /// Clean cells of each unit.
    count: Vec<f64>,
    /// The place of a period among the unknowns: periods without clean cells have none, nor has one of each part.
    place: Vec<Option<usize>>,
    /// The part of units and of periods that clean cells link; `None` without clean cells.
    unit_part: Vec<Option<usize>>,
    period_part: Vec<Option<usize>>,
    /// Inverse of the equations of periods and slopes.
    inverse: DMatrix<f64>,
    /// Means of the covariates over the clean cells of each unit.
    means: Vec<Vec<f64>>,
}

/// Effects of units, of periods, and slopes.
pub(super) struct Fitted {
    pub unit: Vec<f64>,
    pub period: Vec<f64>,
    pub slopes: Vec<f64>,
}

impl<'a> Untreated<'a> {
    /// # Errors
    /// `NoCleanCells`; `Collinear` for covariates that clean cells do not tell apart.
    pub fn new(sample: &'a Sample, clean: Vec<bool>) -> Result<Untreated<'a>, StaggeredError> {
        let (n, t) = (sample.units, sample.periods.len());
        if !clean.contains(&true) {
            return Err(StaggeredError::NoCleanCells);
        }
        let cells = |i: usize| (0..t).map(move |s| s * n + i);
        let count: Vec<f64> = (0..n).map(|i| cells(i).filter(|&r| clean[r]).count() as f64).collect();
        let (unit_part, period_part) = parts(&clean, n, t);
        let mut place = vec![None; t];
        let mut seen = Vec::new();
        let mut periods = 0;
        for s in 0..t {
            let Some(part) = period_part[s] else { continue };
            if seen.contains(&part) {
                place[s] = Some(periods);
                periods += 1;
            } else {
                seen.push(part);
            }
        }
        let mean = |x: &Vec<f64>| -> Vec<f64> {
            (0..n).map(|i| cells(i).filter(|&r| clean[r]).map(|r| x[r]).sum::<f64>() / count[i].max(1.0)).collect()
        };
        let means = sample.covariates.iter().map(mean).collect();
        let size = periods + sample.covariates.len();
        let mut out =
            Untreated { sample, clean, count, place, unit_part, period_part, inverse: DMatrix::zeros(0, 0), means };
        if size == 0 {
            return Ok(out);
        }
        let cross = out.equations(size, periods);
        out.inverse = symmetric_inverse(&cross).map_err(|_| {
            let dependent = super::clustered::explained(&cross);
            StaggeredError::Collinear {
                covariates: dependent.into_iter().filter_map(|c| c.checked_sub(periods)).collect(),
            }
        })?;
        Ok(out)
    }

    /// Cross-products of period dummies and covariates off their means over the clean cells of each unit.
    fn equations(&self, size: usize, periods: usize) -> DMatrix<f64> {
        let (n, t, k) = (self.sample.units, self.sample.periods.len(), self.sample.covariates.len());
        let mut cross = DMatrix::zeros(size, size);
        for i in 0..n {
            let here: Vec<usize> = (0..t).filter(|s| self.clean[s * n + i]).collect();
            for &s in &here {
                let row = |c: usize| self.sample.covariates[c][s * n + i] - self.means[c][i];
                if let Some(a) = self.place[s] {
                    cross[(a, a)] += 1.0;
                    for &other in &here {
                        if let Some(b) = self.place[other] {
                            cross[(a, b)] -= 1.0 / self.count[i];
                        }
                    }
                    for c in 0..k {
                        cross[(a, periods + c)] += row(c);
                        cross[(periods + c, a)] += row(c);
                    }
                }
                for c in 0..k {
                    for d in 0..k {
                        cross[(periods + c, periods + d)] += row(c) * row(d);
                    }
                }
            }
        }
        cross
    }

    pub fn is_clean(&self, cell: usize) -> bool {
        self.clean[cell]
    }

    /// Whether clean cells say what a cell would be: of its unit, of its period, and linked.
    pub fn is_imputable(&self, cell: usize) -> bool {
        let n = self.sample.units;
        let part = self.unit_part[cell % n];
        part.is_some() && part == self.period_part[cell / n]
    }

    /// `(X₀'X₀)⁻¹` times sums over cells of `value` times a cell's row of effects and covariates.
    pub fn solve(&self, values: impl Iterator<Item = (usize, f64)>) -> Fitted {
        let (n, k) = (self.sample.units, self.sample.covariates.len());
        let size = self.inverse.nrows();
        let periods = size - k;
        let mut by_unit = vec![0.0; n];
        let mut right = DVector::zeros(size);
        for (cell, v) in values {
            by_unit[cell % n] += v;
            if let Some(a) = self.place[cell / n] {
                right[a] += v;
            }
            for c in 0..k {
                right[periods + c] += v * self.sample.covariates[c][cell];
            }
        }
        // Unit effects eliminated: their sums spread over the periods and the means of the unit's clean cells.
        for i in (0..n).filter(|&i| self.count[i] > 0.0 && by_unit[i] != 0.0) {
            let each = by_unit[i] / self.count[i];
            for (s, place) in self.place.iter().enumerate() {
                if let (Some(a), true) = (place, self.clean[s * n + i]) {
                    right[*a] -= each;
                }
            }
            for c in 0..k {
                right[periods + c] -= by_unit[i] * self.means[c][i];
            }
        }
        let found = &self.inverse * right;
        let period: Vec<f64> = self.place.iter().map(|p| p.map_or(0.0, |a| found[a])).collect();
        let slopes: Vec<f64> = (0..k).map(|c| found[periods + c]).collect();
        let unit = (0..n)
            .map(|i| {
                if self.count[i] == 0.0 {
                    return f64::NAN;
                }
                let taken: f64 = (0..self.place.len()).filter(|s| self.clean[s * n + i]).map(|s| period[s]).sum();
                let covered: f64 = (0..k).map(|c| slopes[c] * self.means[c][i]).sum();
                (by_unit[i] - taken) / self.count[i] - covered
            })
            .collect();
        Fitted { unit, period, slopes }
    }

    /// Effects and slopes of the outcome, by least squares on the clean cells.
    pub fn fit(&self) -> Fitted {
        self.solve((0..self.clean.len()).filter(|&r| self.clean[r]).map(|r| (r, self.sample.outcome[r])))
    }

    /// The row of a cell times effects and slopes.
    pub fn value(&self, fitted: &Fitted, cell: usize) -> f64 {
        let n = self.sample.units;
        let covered: f64 = fitted.slopes.iter().zip(&self.sample.covariates).map(|(b, x)| b * x[cell]).sum();
        fitted.unit[cell % n] + fitted.period[cell / n] + covered
    }
}

/// Which units and periods clean cells link, numbered from 0.
fn parts(clean: &[bool], n: usize, t: usize) -> (Vec<Option<usize>>, Vec<Option<usize>>) {
    let mut linked = Linked::of(n + t);
    let mut seen = vec![false; n + t];
    for r in (0..n * t).filter(|&r| clean[r]) {
        linked.link(r % n, n + r / n);
        (seen[r % n], seen[n + r / n]) = (true, true);
    }
    let mut known: Vec<usize> = Vec::new();
    let mut of = |k: usize| {
        if !seen[k] {
            return None;
        }
        let top = linked.part(k);
        let at = known.iter().position(|x| *x == top).unwrap_or_else(|| {
            known.push(top);
            known.len() - 1
        });
        Some(at)
    };
    let units = (0..n).map(&mut of).collect();
    let periods = (n..n + t).map(&mut of).collect();
    (units, periods)
}
