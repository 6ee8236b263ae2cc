//! The middle of a sandwich: sums of products of scores over pairs of rows whose errors may be related (methods C.11).
//!
//! A score is a column times a residual, row by row: `ψ_it = z_it e_it`. Which pairs of rows count is what tells the
//! estimators apart; no factor for small samples is applied here ([`super::sandwich`] does). Whoever has moments that
//! are linear in a residual (least squares, instruments) can use [`meat`]; absent cells have residuals of zero.

use crate::estimators::{Conley, ConleyKernel, Layout, Variance, default_lags};
use crate::linalg::cells::Cells;
use crate::linalg::{cross, panel};
use crate::weights::geometry::Near;
use nalgebra::DMatrix;
use rayon::prelude::*;

/// Units whose pairs are summed together: fixed, so that the number of threads changes no bit.
const BLOCK: usize = 64;
/// Rows whose scores are formed together.
const ROWS: usize = 8192;

/// Where the rows of the scores stand.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub units: usize,
    pub periods: usize,
    /// The cells that are there, in a panel with gaps.
    pub cells: Option<&'a Cells>,
    pub layout: &'a Layout,
}

/// `Σ ψ_r ψ_s'` over the related pairs of rows, without a factor; `None` where the estimator is none of scores (`iid`,
/// `observed`, `qml`) or what it needs of the layout is not there.
///
/// `columns` are `N·T` long, unit fastest, `residual` too; scores that are finished go with a residual of ones.
pub(crate) fn meat(columns: &[&[f64]], residual: &[f64], rows: &Rows, which: Variance) -> Option<DMatrix<f64>> {
    let by = |clusters: Clusters| square(&sums(columns, residual, &clusters));
    Some(match which {
        Variance::Iid | Variance::Observed | Variance::Qml => return None,
        Variance::Robust => by_row(columns, residual),
        Variance::ClusterUnit => by(Clusters::Units(rows.units)),
        Variance::ClusterTime => by(Clusters::Periods(rows.units)),
        Variance::ClusterUnitTime => {
            by(Clusters::Units(rows.units)) + by(Clusters::Periods(rows.units)) - by_row(columns, residual)
        }
        Variance::ClusterColumn => {
            let given = &rows.layout.clusters;
            by(Clusters::Given(Some(given.as_slice()).filter(|c| c.len() == residual.len())?))
        }
        Variance::DriscollKraay(lags) => {
            let by_period = sums(columns, residual, &Clusters::Periods(rows.units));
            let lags = lags.unwrap_or_else(|| default_lags(rows.periods));
            over_time(&by_period, &rows.times(), lags, true)
        }
        Variance::Conley(conley) => near(columns, residual, rows, &conley)?,
    })
}

impl Rows<'_> {
    /// How many clusters have a row; the fewer of the two for clusters of units and periods. `None` without clusters.
    pub fn clusters(&self, which: Variance) -> Option<usize> {
        let units = self.cells.map_or(self.units, Cells::units_seen);
        let periods = self.cells.map_or(self.periods, Cells::periods_seen);
        match which {
            Variance::ClusterUnit => Some(units),
            Variance::ClusterTime => Some(periods),
            Variance::ClusterUnitTime => Some(units.min(periods)),
            Variance::ClusterColumn => {
                let there = |r: &usize| self.cells.is_none_or(|cells| cells.is_present(*r));
                let mut seen: Vec<u32> =
                    (0..self.layout.clusters.len()).filter(there).map(|r| self.layout.clusters[r]).collect();
                seen.sort_unstable();
                seen.dedup();
                Some(seen.len())
            }
            _ => None,
        }
    }

    /// The periods, counted in steps of the panel: a period that is nowhere leaves its gap.
    fn times(&self) -> Vec<i128> {
        let times: Vec<i128> = self.layout.times.iter().map(|t| i128::from(*t)).collect();
        if times.len() != self.periods {
            return (0..self.periods as i128).collect();
        }
        let step = times.windows(2).map(|w| w[1] - w[0]).fold(0, gcd).max(1);
        times.iter().map(|t| (t - times[0]) / step).collect()
    }
}

fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a.abs() } else { gcd(b, a % b) }
}

/// Groups of rows.
enum Clusters<'a> {
    /// By unit, of so many.
    Units(usize),
    /// By period, of so many units.
    Periods(usize),
    Given(&'a [u32]),
}

/// Sums of scores by cluster: a row per cluster, a column per score.
fn sums(columns: &[&[f64]], residual: &[f64], clusters: &Clusters) -> DMatrix<f64> {
    let groups = match clusters {
        Clusters::Units(n) => *n,
        Clusters::Periods(n) => residual.len() / n,
        Clusters::Given(of) => of.iter().max().map_or(0, |m| *m as usize + 1),
    };
    let mut out = DMatrix::<f64>::zeros(groups, columns.len());
    for (column, sums) in columns.iter().zip(out.as_mut_slice().chunks_exact_mut(groups.max(1))) {
        match clusters {
            Clusters::Units(n) => sums.copy_from_slice(&panel::unit_products(column, residual, *n)),
            Clusters::Periods(n) => {
                for (s, (x, e)) in sums.iter_mut().zip(column.chunks_exact(*n).zip(residual.chunks_exact(*n))) {
                    *s = crate::linalg::iterate::dot(x, e);
                }
            }
            Clusters::Given(of) => {
                for (&g, (x, e)) in of.iter().zip(column.iter().zip(residual)) {
                    sums[g as usize] += x * e;
                }
            }
        }
    }
    out
}

/// `A'A`.
fn square(sums: &DMatrix<f64>) -> DMatrix<f64> {
    sums.tr_mul(sums)
}

/// `Σ ψ_r ψ_r'`, a stretch of rows at a time.
fn by_row(columns: &[&[f64]], residual: &[f64]) -> DMatrix<f64> {
    let p = columns.len();
    let mut out = DMatrix::zeros(p, p);
    let mut scores = vec![vec![0.0; ROWS]; p];
    for first in (0..residual.len()).step_by(ROWS) {
        let e = &residual[first..(first + ROWS).min(residual.len())];
        for (score, column) in scores.iter_mut().zip(columns) {
            score.truncate(e.len());
            score.iter_mut().zip(column[first..].iter().zip(e)).for_each(|(s, (x, e))| *s = x * e);
        }
        let views: Vec<&[f64]> = scores.iter().map(Vec::as_slice).collect();
        out += cross::gram(&views);
    }
    out
}

/// `Σ_t Σ_s (1 − |t − s|/(L + 1))₊ h_t h_s'` of the rows `h_t`; without the pairs of one period unless `own`.
fn over_time(h: &DMatrix<f64>, times: &[i128], lags: usize, own: bool) -> DMatrix<f64> {
    let p = h.ncols();
    let mut out = if own { square(h) } else { DMatrix::zeros(p, p) };
    for t in 0..times.len() {
        for s in (0..t).rev() {
            let gap = times[t] - times[s];
            if gap as f64 > lags as f64 {
                break;
            }
            let weight = 1.0 - gap as f64 / (lags as f64 + 1.0);
            for j in 0..p {
                for k in 0..p {
                    out[(j, k)] += weight * (h[(t, j)] * h[(s, k)] + h[(s, j)] * h[(t, k)]);
                }
            }
        }
    }
    out
}

/// Conley's sum: pairs of one period by distance, and of one unit over time.
fn near(columns: &[&[f64]], residual: &[f64], rows: &Rows, conley: &Conley) -> Option<DMatrix<f64>> {
    let coordinates = rows.layout.coordinates.as_ref().filter(|c| c.len() == rows.units)?;
    let (n, t, p) = (rows.units, rows.periods, columns.len());
    // Unit by unit: the T scores of the first column, of the second, …
    let mut scores = vec![0.0; n * t * p];
    for (j, column) in columns.iter().enumerate() {
        let product: Vec<f64> = column.iter().zip(residual).map(|(x, e)| x * e).collect();
        for (i, own) in panel::transpose(&product, n, t).chunks_exact(t).enumerate() {
            scores[(i * p + j) * t..(i * p + j + 1) * t].copy_from_slice(own);
        }
    }
    let of = |i: usize| &scores[i * p * t..(i + 1) * p * t];
    let index = Near::new(coordinates, conley.cutoff_km);
    let times = rows.times();
    let block = |first: usize| {
        let mut out = DMatrix::zeros(p, p);
        for i in first..(first + BLOCK).min(n) {
            // Each pair is met once, from the later unit; its transpose is added at the end.
            let mut others = vec![0.0; p * t];
            for (k, d) in index.of(i).into_iter().take_while(|(k, _)| *k < i) {
                let weight = match conley.kernel {
                    ConleyKernel::Bartlett => 1.0 - d / conley.cutoff_km,
                    ConleyKernel::Uniform => 1.0,
                };
                others.iter_mut().zip(of(k)).for_each(|(o, s)| *o += weight * s);
            }
            let own = of(i);
            for j in 0..p {
                for k in 0..p {
                    let (own_k, other_j) = (&own[k * t..(k + 1) * t], &others[j * t..(j + 1) * t]);
                    out[(j, k)] += own_k.iter().zip(other_j).map(|(a, b)| a * b).sum::<f64>();
                }
            }
        }
        out
    };
    let firsts: Vec<usize> = (0..n).step_by(BLOCK).collect();
    let blocks: Vec<DMatrix<f64>> = firsts.into_par_iter().map(block).collect();
    let pairs = blocks.into_iter().fold(DMatrix::zeros(p, p), |a, b| a + b);
    let mut out = &pairs + pairs.transpose() + by_row(columns, residual);
    if conley.lags > 0 {
        for i in 0..n {
            let h = DMatrix::from_column_slice(t, p, of(i));
            out += over_time(&h, &times, conley.lags, false);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::samples;
    use crate::weights::geometry::Coordinates;
    use std::sync::Arc;

    const N: usize = 23;
    const T: usize = 6;

    fn layout() -> Layout {
        let at = |i: u64| [500_000.0 * samples::uniform(8, i), 500_000.0 * samples::uniform(9, i)];
        Layout {
            clusters: (0..N * T).map(|r| (r % N % 5) as u32).collect(),
            coordinates: Some(Arc::new(Coordinates::Planar((0..N as u64).map(at).collect()))),
            times: vec![1990, 1992, 1994, 2000, 2002, 2004],
            ..Layout::default()
        }
    }

    /// Every pair of rows with its weight, written out.
    fn by_hand(columns: &[&[f64]], e: &[f64], weight: &dyn Fn(usize, usize) -> f64) -> DMatrix<f64> {
        let p = columns.len();
        let mut out = DMatrix::zeros(p, p);
        for r in 0..N * T {
            for s in 0..N * T {
                let w = weight(r, s);
                for j in 0..p {
                    for k in 0..p {
                        out[(j, k)] += w * columns[j][r] * e[r] * columns[k][s] * e[s];
                    }
                }
            }
        }
        out
    }

    #[test]
    fn every_estimator_sums_the_pairs_it_names() {
        let layout = layout();
        let at = layout.coordinates.clone().unwrap();
        let (x, z, e) = (samples::vector(1, N * T), samples::vector(2, N * T), samples::vector(3, N * T));
        let columns = [x.as_slice(), z.as_slice()];
        let one = |b: bool| f64::from(u8::from(b));
        let (unit, period) = (|r: usize| r % N, |r: usize| r / N);
        let gap = |r: usize, s: usize| (layout.times[period(r)] - layout.times[period(s)]).abs() as f64 / 2.0;
        let bartlett = |g: f64, lags: f64| (1.0 - g / (lags + 1.0)).max(0.0);
        let conley = |kernel| Variance::Conley(Conley { cutoff_km: 120.0, lags: 3, kernel });
        let space = |r: usize, s: usize, uniform: bool| {
            let d = at.distance_km(unit(r), unit(s));
            if uniform { one(d <= 120.0) } else { (1.0 - d / 120.0).max(0.0) }
        };
        let both = |r: usize, s: usize, uniform: bool| {
            if period(r) == period(s) {
                space(r, s, uniform)
            } else {
                one(unit(r) == unit(s)) * bartlett(gap(r, s), 3.0)
            }
        };
        type Weight<'a> = Box<dyn Fn(usize, usize) -> f64 + 'a>;
        let cases: Vec<(Variance, Weight)> = vec![
            (Variance::Robust, Box::new(|r, s| one(r == s))),
            (Variance::ClusterUnit, Box::new(|r, s| one(unit(r) == unit(s)))),
            (Variance::ClusterTime, Box::new(|r, s| one(period(r) == period(s)))),
            (Variance::ClusterUnitTime, Box::new(|r, s| one(unit(r) == unit(s) || period(r) == period(s)))),
            (Variance::ClusterColumn, Box::new(|r, s| one(unit(r) % 5 == unit(s) % 5))),
            (Variance::DriscollKraay(Some(0)), Box::new(|r, s| one(period(r) == period(s)))),
            (Variance::DriscollKraay(Some(2)), Box::new(|r, s| bartlett(gap(r, s), 2.0))),
            (conley(ConleyKernel::Bartlett), Box::new(|r, s| both(r, s, false))),
            (conley(ConleyKernel::Uniform), Box::new(|r, s| both(r, s, true))),
        ];
        let rows = Rows { units: N, periods: T, cells: None, layout: &layout };
        for (which, weight) in cases {
            let found = meat(&columns, &e, &rows, which).unwrap();
            let gap = (found - by_hand(&columns, &e, &weight)).amax();
            assert!(gap < 1e-11, "{which:?}: {gap}");
        }
        assert_eq!(rows.clusters(Variance::ClusterColumn), Some(5));
        assert_eq!(
            meat(&columns, &e, &Rows { layout: &Layout::default(), ..rows }, conley(ConleyKernel::Uniform)),
            None
        );
    }

    /// Differences of such periods do not fit their own type.
    #[test]
    fn periods_at_the_ends_of_all_integers_have_their_gaps() {
        let of = |times: Vec<i64>| {
            let layout = Layout { times, ..Layout::default() };
            let rows = Rows { units: N, periods: 3, cells: None, layout: &layout };
            let (x, e) = (samples::vector(1, N * 3), samples::vector(3, N * 3));
            meat(&[&x], &e, &rows, Variance::DriscollKraay(Some(2))).unwrap()
        };
        assert_eq!(of(vec![i64::MIN, 0, i64::MAX]), of(vec![-i64::MAX, -2, i64::MAX]));
        assert_eq!(of(vec![i64::MIN, -1, i64::MAX - 1]), of(vec![0, 1, 2]));
    }

    #[test]
    fn threads_change_no_bit_of_conleys_sum() {
        let n = 700;
        let at = |i: u64| [900_000.0 * samples::uniform(8, i), 900_000.0 * samples::uniform(9, i)];
        let layout = Layout {
            coordinates: Some(Arc::new(Coordinates::Planar((0..n as u64).map(at).collect()))),
            ..Layout::default()
        };
        let (x, e) = (samples::vector(1, n * 3), samples::vector(2, n * 3));
        let which = Variance::Conley(Conley { cutoff_km: 90.0, lags: 1, kernel: ConleyKernel::Bartlett });
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let rows = Rows { units: n, periods: 3, cells: None, layout: &layout };
            pool.install(|| meat(&[&x], &e, &rows, which)).unwrap()
        };
        assert_eq!(run(1), run(3));
    }
}
