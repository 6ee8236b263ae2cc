//! Least squares on any set of effects: unit, period, groups, interactions of groups, and a linear trend of each unit
//! (methods C.2). One set of effects is taken out exactly, the others by conjugate gradients on what that leaves.
//!
//! Absent cells hold zeros, as in [`super::cells`].

use super::LinalgError;
use super::iterate::dot;
use super::linked::Linked;
use std::collections::HashMap;

/// Largest mean of a level that may be left, relative to the root mean square of the variable.
const LEFT: f64 = 1e-10;
/// Residual at which the conjugate gradients stop, relative to their right-hand side.
const GOAL: f64 = 1e-14;
/// Conjugate gradients that have not improved for so many steps have come to rounding.
const PATIENCE: usize = 60;
/// Curvature along a direction that is rounding; the largest is the number of factors.
const FLAT: f64 = 1e-14;
/// Levels of one connected part whose rank is counted by elimination.
const MOST_LEVELS: usize = 3000;
/// A pivot below this share of the level's rows is rounding.
const PIVOT: f64 = 1e-9;

/// One set of effects: the level of every cell, from 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Factor {
    pub level: Vec<u32>,
    pub levels: usize,
}

impl Factor {
    /// A level per unit of an `n × t` panel.
    pub fn units(n: usize, t: usize) -> Factor {
        Factor { level: (0..n * t).map(|r| (r % n) as u32).collect(), levels: n }
    }

    /// A level per period.
    pub fn periods(n: usize, t: usize) -> Factor {
        Factor { level: (0..n * t).map(|r| (r / n) as u32).collect(), levels: t }
    }

    /// Whether every level lies within one level of `other`, over the rows.
    pub fn is_nested_in(&self, other: &[u32], rows: &[u32]) -> bool {
        let mut of: Vec<Option<u32>> = vec![None; self.levels];
        rows.iter().all(|&r| {
            let above = other[r as usize];
            *of[self.level[r as usize] as usize].get_or_insert(above) == above
        })
    }
}

/// A linear trend in time for each level of the first factor.
#[derive(Clone, Debug)]
struct Trend {
    /// Time off the mean of the level's rows; zero at absent cells.
    time: Vec<f64>,
    /// Its sum of squares by level.
    square: Vec<f64>,
}

/// Takes effects out of variables.
#[derive(Clone, Debug)]
pub struct Absorber {
    /// The cells that are there.
    rows: Vec<u32>,
    first: Factor,
    count: Vec<f64>,
    trend: Option<Trend>,
    others: Vec<Factor>,
    /// Where the levels of each of `others` begin, and their number in all.
    offsets: Vec<usize>,
    scale: Vec<f64>,
}

/// Rows that effects fit exactly whatever the variable: alone in a level, or too few for the trend of theirs. They say
/// nothing about slopes, and without them others may be alone. `present` loses them; `trends` says that the first
/// factor has a trend.
pub fn singletons(factors: &[Factor], has_trends: bool, present: &mut [bool]) -> Vec<usize> {
    let mut gone = Vec::new();
    loop {
        let before = gone.len();
        for (k, factor) in factors.iter().enumerate() {
            let least = if k == 0 && has_trends { 2 } else { 1 };
            let mut count = vec![0usize; factor.levels];
            for (r, _) in present.iter().enumerate().filter(|(_, p)| **p) {
                count[factor.level[r] as usize] += 1;
            }
            for r in 0..present.len() {
                if present[r] && count[factor.level[r] as usize] <= least {
                    present[r] = false;
                    gone.push(r);
                }
            }
        }
        if gone.len() == before {
            gone.sort_unstable();
            return gone;
        }
    }
}

impl Absorber {
    /// `present` marks the cells that are there (`None`: all). With `times`, a time for each cell, every level of the
    /// first factor has a trend. Factors nested in another are that one's business.
    ///
    /// # Errors
    /// `Shape` when there is no factor, or one of another length.
    pub fn new(factors: &[Factor], times: Option<&[f64]>, present: Option<&[bool]>) -> Result<Absorber, LinalgError> {
        let Some(cells) = factors.first().map(|f| f.level.len()) else {
            return Err(LinalgError::Shape { what: "a set of effects" });
        };
        if factors.iter().any(|f| f.level.len() != cells) || times.is_some_and(|t| t.len() != cells) {
            return Err(LinalgError::Shape { what: "a level for each cell" });
        }
        let rows: Vec<u32> = (0..cells as u32).filter(|&r| present.is_none_or(|p| p[r as usize])).collect();
        let mut kept = coarsest(factors, &rows, times.is_some());
        // the finest is taken out exactly: the fewer levels are left, the fewer steps
        let finest = if times.is_some() {
            0
        } else {
            (0..kept.len()).max_by_key(|&k| (kept[k].levels, kept.len() - k)).unwrap_or(0)
        };
        let first = kept.remove(finest);
        let mut count = vec![0.0; first.levels];
        rows.iter().for_each(|&r| count[first.level[r as usize] as usize] += 1.0);
        let trend = times.map(|times| Trend::new(times, &first, &count, &rows));
        let mut offsets = vec![0];
        let mut counts = Vec::new();
        for factor in &kept {
            let from = counts.len();
            counts.resize(from + factor.levels, 0.0f64);
            rows.iter().for_each(|&r| counts[from + factor.level[r as usize] as usize] += 1.0);
            offsets.push(counts.len());
        }
        let scale = counts.iter().map(|c| if *c > 0.0 { 1.0 / c.sqrt() } else { 0.0 }).collect();
        Ok(Absorber { rows, first, count, trend, others: kept, offsets, scale })
    }

    /// Takes all effects out of `x` by least squares over the cells that are there.
    ///
    /// # Errors
    /// `NoConvergence` when the mean of some level stays above `1e-10` of the root mean square.
    pub fn remove(&self, x: &mut [f64]) -> Result<(), LinalgError> {
        let size = (dot(x, x) / self.rows.len().max(1) as f64).sqrt();
        self.remove_first(x);
        if self.others.is_empty() {
            // a second pass takes out what rounding left
            self.remove_first(x);
            return Ok(());
        }
        let mut left = self.largest_mean(x);
        for _ in 0..4 {
            if left <= 1e-3 * LEFT * size {
                return Ok(());
            }
            let before = x.to_vec();
            let effects = self.solve(x, size);
            self.subtract(&effects, x);
            self.remove_first(x);
            let next = self.largest_mean(x);
            // Nothing but rounding was left, which another pass does not take out.
            if next >= left {
                x.copy_from_slice(&before);
                break;
            }
            left = next;
        }
        // Written so that NaN fails too.
        if left <= LEFT * size { Ok(()) } else { Err(LinalgError::NoConvergence) }
    }

    /// The largest mean of a level of the other factors.
    fn largest_mean(&self, x: &[f64]) -> f64 {
        self.sums(x).iter().zip(&self.scale).fold(0.0, |m, (v, s)| (v * s * s).abs().max(m))
    }

    /// Means, and trends, of the first factor.
    fn remove_first(&self, x: &mut [f64]) {
        let mut mean = vec![0.0; self.first.levels];
        for &r in &self.rows {
            mean[self.first.level[r as usize] as usize] += x[r as usize];
        }
        mean.iter_mut().zip(&self.count).for_each(|(m, c)| *m /= c);
        for &r in &self.rows {
            x[r as usize] -= mean[self.first.level[r as usize] as usize];
        }
        let Some(trend) = &self.trend else { return };
        let mut slope = vec![0.0; self.first.levels];
        for &r in &self.rows {
            slope[self.first.level[r as usize] as usize] += x[r as usize] * trend.time[r as usize];
        }
        slope.iter_mut().zip(&trend.square).for_each(|(s, q)| *s = if *q > 0.0 { *s / q } else { 0.0 });
        for &r in &self.rows {
            x[r as usize] -= slope[self.first.level[r as usize] as usize] * trend.time[r as usize];
        }
    }

    /// Sums by level of the other factors.
    fn sums(&self, x: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.scale.len()];
        for (factor, from) in self.others.iter().zip(&self.offsets) {
            for &r in &self.rows {
                out[from + factor.level[r as usize] as usize] += x[r as usize];
            }
        }
        out
    }

    fn subtract(&self, effects: &[f64], x: &mut [f64]) {
        for (factor, from) in self.others.iter().zip(&self.offsets) {
            for &r in &self.rows {
                x[r as usize] -= effects[from + factor.level[r as usize] as usize];
            }
        }
    }

    /// The effects of the other factors: `D'M₁D ξ = D'x`, scaled by the counts, for x without the first factor, a variable
    /// of root mean square `size`. The system is singular where factors overlap: the best that was met is the answer, for
    /// steps on a residual of rounding go anywhere.
    fn solve(&self, x: &[f64], size: f64) -> Vec<f64> {
        let scaled = |v: Vec<f64>| -> Vec<f64> { v.iter().zip(&self.scale).map(|(v, s)| v * s).collect() };
        let mut residual = scaled(self.sums(x));
        let mut square = dot(&residual, &residual);
        let rounding = (f64::EPSILON * size).powi(2) * self.rows.len() as f64;
        let goal = (GOAL * GOAL * square).max(rounding);
        let (mut effects, mut direction) = (vec![0.0; residual.len()], residual.clone());
        let (mut best, mut since, mut found) = (square, 0, effects.clone());
        let mut image = vec![0.0; x.len()];
        for _ in 0..20 + 4 * residual.len() {
            if square <= goal || since > PATIENCE {
                break;
            }
            image.fill(0.0);
            let negative: Vec<f64> = direction.iter().zip(&self.scale).map(|(v, s)| -v * s).collect();
            self.subtract(&negative, &mut image);
            self.remove_first(&mut image);
            let product = scaled(self.sums(&image));
            let curvature = dot(&direction, &product);
            let step = square / curvature;
            // Levels that nothing tells apart leave rounding: a step that far would be one into nowhere.
            if !step.is_finite() || curvature <= FLAT * dot(&direction, &direction) {
                break;
            }
            for k in 0..effects.len() {
                effects[k] += step * direction[k];
                residual[k] -= step * product[k];
            }
            let next = dot(&residual, &residual);
            for k in 0..effects.len() {
                direction[k] = residual[k] + next / square * direction[k];
            }
            square = next;
            since += 1;
            if square < best {
                (best, since) = (square, 0);
                found.copy_from_slice(&effects);
            }
        }
        scaled(found)
    }

    /// The rank of all dummies and trends: how many parameters the effects are.
    ///
    /// # Errors
    /// `TooLarge` where a connected part has more than 3,000 levels beside the first factor and no shortcut is exact.
    pub fn rank(&self) -> Result<usize, LinalgError> {
        let own = self.count.iter().filter(|c| **c > 0.0).count();
        let slopes = self.trend.as_ref().map_or(0, |t| t.square.iter().filter(|q| **q > 0.0).count());
        if self.others.is_empty() {
            return Ok(own + slopes);
        }
        let parts = self.parts();
        if self.trend.is_none() && self.others.len() == 1 {
            // the rank of two sets of dummies is their levels less the parts that no row links
            let seen = self.scale.iter().filter(|s| **s > 0.0).count();
            return Ok(own + seen - parts.len());
        }
        let mut rank = own + slopes;
        for rows in &parts {
            rank += self.rank_of(rows)?;
        }
        Ok(rank)
    }

    /// Rows by the parts that no level links, in the order of their first row.
    fn parts(&self) -> Vec<Vec<u32>> {
        let first = self.first.levels;
        let mut linked = Linked::of(first + self.scale.len());
        for &r in &self.rows {
            let own = self.first.level[r as usize] as usize;
            for (factor, from) in self.others.iter().zip(&self.offsets) {
                linked.link(own, first + from + factor.level[r as usize] as usize);
            }
        }
        let mut at: HashMap<usize, usize> = HashMap::new();
        let mut parts: Vec<Vec<u32>> = Vec::new();
        for &r in &self.rows {
            let part = linked.part(self.first.level[r as usize] as usize);
            let next = parts.len();
            let k = *at.entry(part).or_insert(next);
            if k == next {
                parts.push(Vec::new());
            }
            parts[k].push(r);
        }
        parts
    }

    /// The rank of `D'M₁D` over the rows of one part, by elimination with the largest pivot first.
    fn rank_of(&self, rows: &[u32]) -> Result<usize, LinalgError> {
        let mut place: HashMap<usize, usize> = HashMap::new();
        let mut by_first: HashMap<u32, Vec<u32>> = HashMap::new();
        for &r in rows {
            by_first.entry(self.first.level[r as usize]).or_default().push(r);
            for (factor, from) in self.others.iter().zip(&self.offsets) {
                let next = place.len();
                place.entry(from + factor.level[r as usize] as usize).or_insert(next);
            }
        }
        let size = place.len();
        if size > MOST_LEVELS {
            let bytes = 8 * (size as u64).pow(2);
            return Err(LinalgError::TooLarge { what: "counting the parameters of these effects", bytes });
        }
        let levels = |r: u32| -> Vec<usize> {
            let of = |(f, from): (&Factor, &usize)| place[&(from + f.level[r as usize] as usize)];
            self.others.iter().zip(&self.offsets).map(of).collect()
        };
        let mut square = vec![0.0; size * size];
        let mut groups: Vec<(u32, Vec<u32>)> = by_first.into_iter().collect();
        groups.sort_unstable();
        for (level, rows) in groups {
            // what M₁ takes away: the products of counts, and of sums of time
            let mut taken: std::collections::BTreeMap<usize, (f64, f64)> = std::collections::BTreeMap::new();
            for &r in &rows {
                let here = levels(r);
                let time = self.trend.as_ref().map_or(0.0, |t| t.time[r as usize]);
                for &a in &here {
                    let sums = taken.entry(a).or_default();
                    *sums = (sums.0 + 1.0, sums.1 + time);
                    for &b in &here {
                        square[a * size + b] += 1.0;
                    }
                }
            }
            let count = rows.len() as f64;
            let spread = self.trend.as_ref().map_or(0.0, |t| t.square[level as usize]);
            for (a, x) in &taken {
                for (b, y) in &taken {
                    let trend = if spread > 0.0 { x.1 * y.1 / spread } else { 0.0 };
                    square[a * size + b] -= x.0 * y.0 / count + trend;
                }
            }
        }
        Ok(eliminated(square, size))
    }
}

/// The rank of a positive semidefinite matrix whose diagonal counts rows.
fn eliminated(mut a: Vec<f64>, size: usize) -> usize {
    let scale: Vec<f64> = (0..size).map(|k| a[k * size + k].max(1.0)).collect();
    let mut open: Vec<usize> = (0..size).collect();
    let mut rank = 0;
    while let Some((at, pivot)) = open
        .iter()
        .map(|&k| (k, a[k * size + k] / scale[k]))
        .max_by(|x, y| x.1.total_cmp(&y.1).then(y.0.cmp(&x.0)))
        .filter(|(_, share)| *share > PIVOT)
        .map(|(k, _)| (k, a[k * size + k]))
    {
        open.retain(|&k| k != at);
        let row: Vec<f64> = a[at * size..(at + 1) * size].to_vec();
        for &i in &open {
            let c = row[i] / pivot;
            if c != 0.0 {
                for &k in &open {
                    a[i * size + k] -= c * row[k];
                }
            }
        }
        rank += 1;
    }
    rank
}

/// Factors without those that lie within another; the first stays where it has a trend.
fn coarsest(factors: &[Factor], rows: &[u32], keep_first: bool) -> Vec<Factor> {
    let mut kept: Vec<&Factor> = Vec::new();
    for (k, factor) in factors.iter().enumerate() {
        // of two equal ones the earlier stays
        let spanned = factors.iter().enumerate().any(|(j, finer)| {
            j != k && finer.is_nested_in(&factor.level, rows) && (j < k || !factor.is_nested_in(&finer.level, rows))
        });
        if !spanned || (keep_first && k == 0) {
            kept.push(factor);
        }
    }
    kept.into_iter().cloned().collect()
}

impl Trend {
    fn new(times: &[f64], first: &Factor, count: &[f64], rows: &[u32]) -> Trend {
        let mut mean = vec![0.0; first.levels];
        rows.iter().for_each(|&r| mean[first.level[r as usize] as usize] += times[r as usize]);
        mean.iter_mut().zip(count).for_each(|(m, c)| *m /= c);
        let mut time = vec![0.0; times.len()];
        let mut square = vec![0.0; first.levels];
        for &r in rows {
            let level = first.level[r as usize] as usize;
            time[r as usize] = times[r as usize] - mean[level];
            square[level] += time[r as usize].powi(2);
        }
        Trend { time, square }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::{panel, samples};

    const N: usize = 30;
    const T: usize = 8;

    /// A province per unit, five units each, times a period; three quarters of the cells.
    fn setting() -> (Vec<Factor>, Vec<f64>, Vec<bool>) {
        let province_time =
            Factor { level: (0..N * T).map(|r| (r % N / 5 * T + r / N) as u32).collect(), levels: 6 * T };
        let times = (0..N * T).map(|r| (r / N) as f64).collect();
        let present = (0..N * T).map(|r| samples::uniform(3, r as u64) > 0.25).collect();
        (vec![Factor::units(N, T), Factor::periods(N, T), province_time], times, present)
    }

    /// Dummies and trends as columns, absent cells zero; rank and residuals by elimination of the columns in turn.
    fn by_hand(factors: &[Factor], times: Option<&[f64]>, present: &[bool], x: &[f64]) -> (usize, Vec<f64>) {
        let mut columns: Vec<Vec<f64>> = Vec::new();
        for (k, factor) in factors.iter().enumerate() {
            for level in 0..factor.levels {
                let here = |r: usize| present[r] && factor.level[r] as usize == level;
                columns.push((0..x.len()).map(|r| f64::from(u8::from(here(r)))).collect());
                if let (0, Some(times)) = (k, times) {
                    columns.push((0..x.len()).map(|r| if here(r) { times[r] } else { 0.0 }).collect());
                }
            }
        }
        let mut basis: Vec<Vec<f64>> = Vec::new();
        let off = |basis: &[Vec<f64>], v: &mut Vec<f64>| {
            for _ in 0..2 {
                for b in basis {
                    let c = dot(b, v);
                    v.iter_mut().zip(b).for_each(|(v, b)| *v -= c * b);
                }
            }
        };
        for mut column in columns {
            let size = dot(&column, &column).sqrt();
            off(&basis, &mut column);
            let left = dot(&column, &column).sqrt();
            if left > 1e-9 * size.max(1.0) {
                column.iter_mut().for_each(|v| *v /= left);
                basis.push(column);
            }
        }
        let mut x = x.to_vec();
        off(&basis, &mut x);
        (basis.len(), x)
    }

    /// Its sums over a province are rounding, along which steps of the conjugate gradients would not end.
    #[test]
    fn what_is_left_of_a_variable_in_one_unit_has_residuals_too() {
        let (n, t) = (10, 5);
        let group_time =
            Factor { level: (0..n * t).map(|r| (r % n * 3 / n * t + r / n) as u32).collect(), levels: 3 * t };
        let factors = [Factor::units(n, t), group_time];
        let absorber = Absorber::new(&factors, None, None).unwrap();
        for seed in 0..200 {
            let mut x = samples::vector(seed, n * t);
            absorber.remove(&mut x).unwrap();
            let mut own: Vec<f64> = (0..n * t).map(|r| if r as u64 % 10 == seed % 10 { x[r] } else { 0.0 }).collect();
            let (_, want) = by_hand(&factors, None, &[true; 50], &own);
            absorber.remove(&mut own).unwrap();
            assert!(own.iter().zip(&want).all(|(a, b)| (a - b).abs() < 1e-10), "{seed}");
        }
    }

    #[test]
    fn residuals_and_rank_are_those_of_a_regression_on_dummies_and_trends() {
        let (all, times, present) = setting();
        for (which, with_trend) in [
            (vec![0], true),
            (vec![0, 1], false),
            (vec![0, 1], true),
            (vec![0, 1, 2], false),
            (vec![0, 1, 2], true),
            (vec![2], false),
            (vec![1, 2], false),
        ] {
            let factors: Vec<Factor> = which.iter().map(|&k| all[k].clone()).collect();
            let times = with_trend.then_some(times.as_slice());
            for marks in [Some(present.as_slice()), None] {
                let mut x = samples::vector(5, N * T);
                let everywhere = vec![true; N * T];
                let there = marks.unwrap_or(&everywhere);
                x.iter_mut().zip(there).filter(|(_, p)| !**p).for_each(|(v, _)| *v = 0.0);
                let (rank, expected) = by_hand(&factors, times, there, &x);
                let absorber = Absorber::new(&factors, times, marks).unwrap();
                absorber.remove(&mut x).unwrap();
                let gap = x.iter().zip(&expected).fold(0.0f64, |m, (a, b)| m.max((a - b).abs()));
                assert!(gap < 1e-11, "{which:?} {with_trend}: {gap}");
                // What is out is out: sets that overlap leave nothing that rounding could grow along.
                let once = x.clone();
                absorber.remove(&mut x).unwrap();
                let gap = x.iter().zip(&once).fold(0.0f64, |m, (a, b)| m.max((a - b).abs()));
                assert!(gap < 1e-12, "{which:?} {with_trend}, again: {gap}");
                assert_eq!(absorber.rank().unwrap(), rank, "{which:?} {with_trend}");
            }
        }
    }

    #[test]
    fn unit_and_period_effects_are_the_balanced_transformation() {
        let mut x = samples::vector(5, N * T);
        let mut y = x.clone();
        Absorber::new(&[Factor::units(N, T), Factor::periods(N, T)], None, None).unwrap().remove(&mut x).unwrap();
        panel::demean_both(&mut y, N, T);
        assert!(x.iter().zip(&y).all(|(a, b)| (a - b).abs() < 1e-14));
    }

    #[test]
    fn rows_alone_in_a_level_leave_and_take_others_with_them() {
        // Unit 0 has two cells; the second period's is alone in its group, and then the first is alone in its unit.
        let (n, t) = (3, 2);
        let group = Factor { level: vec![0, 0, 0, 1, 2, 2], levels: 3 };
        let mut present = vec![true; n * t];
        let gone = singletons(&[Factor::units(n, t), group], false, &mut present);
        assert_eq!(gone, [0, 3]);
        // A trend fits two rows of a unit.
        let mut present = vec![true; n * t];
        assert_eq!(singletons(&[Factor::units(n, t)], true, &mut present).len(), 6);
    }

    #[test]
    fn a_regression_without_effects_to_take_out_is_refused() {
        assert!(matches!(Absorber::new(&[], None, None), Err(LinalgError::Shape { .. })));
    }
}
