//! Reductions of labelled arrays and functions along one of their dimensions.
//!
//! A reduction takes every fiber (the cells that differ only in the dimensions taken away) to one number; a missing
//! cell makes it missing, with that cell's reason, unless it is skipped. Each fiber is summed in label order.

use rayon::prelude::*;

use crate::data::array::{Array, Dimension, Reason};
use crate::data::series::Series;
use crate::data::time::{mean_sd, quantile};

/// What a fiber becomes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reduction {
    Sum,
    Mean,
    Min,
    Max,
    Median,
    /// Divisor n − 1.
    Sd,
    /// How many cells are not missing.
    Count,
    First,
    Last,
    /// Type 7 of R.
    Quantile(f64),
}

impl Reduction {
    /// The reduction of a name of the language; a quantile gets its share later.
    pub fn of(name: &str) -> Option<Reduction> {
        Some(match name {
            "sum" => Reduction::Sum,
            "mean" => Reduction::Mean,
            "min" => Reduction::Min,
            "max" => Reduction::Max,
            "median" => Reduction::Median,
            "sd" => Reduction::Sd,
            "count" => Reduction::Count,
            "first" => Reduction::First,
            "last" => Reduction::Last,
            "quantile" => Reduction::Quantile(0.5),
            _ => return None,
        })
    }

    fn apply(self, fiber: &[f64]) -> f64 {
        if fiber.is_empty() {
            return if matches!(self, Reduction::Sum | Reduction::Count) { 0.0 } else { f64::NAN };
        }
        let sorted = || {
            let mut sorted = fiber.to_vec();
            sorted.sort_unstable_by(f64::total_cmp);
            sorted
        };
        match self {
            Reduction::Sum => fiber.iter().sum(),
            Reduction::Mean => fiber.iter().sum::<f64>() / fiber.len() as f64,
            Reduction::Min => fiber.iter().copied().fold(f64::INFINITY, f64::min),
            Reduction::Max => fiber.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            Reduction::Median => quantile(&sorted(), 0.5),
            Reduction::Sd => mean_sd(fiber).1,
            Reduction::Count => fiber.len() as f64,
            Reduction::First => fiber[0],
            Reduction::Last => fiber[fiber.len() - 1],
            Reduction::Quantile(q) => quantile(&sorted(), q),
        }
    }
}

/// Where the cells of a fiber lie: the first cell of each fiber, and what each member adds to it.
struct Fibers {
    dims: Vec<Dimension>,
    starts: Vec<usize>,
    members: Vec<usize>,
}

fn fibers(dims: &[Dimension], strides: &[usize], over: &[String]) -> Fibers {
    let (mut starts, mut members, mut kept) = (vec![0], vec![0], Vec::new());
    for (dim, &stride) in dims.iter().zip(strides) {
        let taken = over.contains(&dim.name);
        let offsets = if taken { &mut members } else { &mut starts };
        *offsets = offsets.iter().flat_map(|&base| (0..dim.len()).map(move |i| base + i * stride)).collect();
        if !taken {
            kept.push(dim.clone());
        }
    }
    Fibers { dims: kept, starts, members }
}

/// Takes dimensions away. `x` is the array's numbers, one per cell. Returns how many missing cells were skipped.
pub fn reduce(array: &Array, x: &[f64], over: &[String], how: Reduction, skip: bool) -> (Array, usize) {
    let f = fibers(&array.dims, &array.strides(), over);
    let count = how == Reduction::Count;
    let reduced: Vec<(f64, Reason, usize)> = f
        .starts
        .par_iter()
        .map_init(Vec::new, |fiber: &mut Vec<f64>, &start| {
            fiber.clear();
            let mut absent = 0;
            for &m in &f.members {
                let v = x[start + m];
                if !v.is_nan() {
                    fiber.push(v);
                    continue;
                }
                if !skip && !count {
                    return (f64::NAN, array.reason(start + m), 0);
                }
                absent += 1;
            }
            (how.apply(fiber), 0, if skip { absent } else { 0 })
        })
        .collect();
    let skipped = reduced.iter().map(|r| r.2).sum();
    let why = reduced.iter().any(|r| r.1 != 0).then(|| reduced.iter().map(|r| r.1).collect());
    let values = Series::Numbers(reduced.into_iter().map(|r| r.0).collect());
    (Array { dims: f.dims, values, why }, skipped)
}

/// Functions that keep the dimension they look along.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Along {
    /// Minus the mean, divided by the standard deviation (divisor n − 1); missing where nothing varies.
    Standardize,
    /// Beyond the quantiles p and 1 − p, set to them.
    Winsorize(f64),
    /// From 1; ties share the mean of their ranks.
    Rank,
    /// From 1; ties in label order.
    Order,
    /// The sum of all cells up to this one in the order of a second array, ties in label order.
    Cumulate,
    /// The sum of all cells with the same value of a second array; missing where that is.
    GroupSum,
}

/// Applies a function along dimensions, which stay. `by` orders the cells of [`Along::Cumulate`] and
/// groups those of [`Along::GroupSum`]. Missing cells stay
/// missing and are left out; a running sum is missing from the first missing cell on.
pub fn along(array: &Array, x: &[f64], by: Option<&[f64]>, over: &[String], how: Along) -> Array {
    let f = fibers(&array.dims, &array.strides(), over);
    let mut out = vec![f64::NAN; x.len()];
    for &start in &f.starts {
        let mut there: Vec<(usize, f64)> = f.members.iter().map(|&m| (start + m, x[start + m])).collect();
        match how {
            Along::Cumulate => cumulate(&there, by, &mut out),
            Along::GroupSum => group_sum(&there, by, &mut out),
            _ => {
                there.retain(|c| !c.1.is_nan());
                placed(&there, how, &mut out);
            }
        }
    }
    Array { dims: array.dims.clone(), values: Series::Numbers(out), why: array.why.clone() }
}

fn cumulate(cells: &[(usize, f64)], by: Option<&[f64]>, out: &mut [f64]) {
    let mut order: Vec<(f64, usize, f64)> = cells.iter().map(|&(c, v)| (by.map_or(0.0, |b| b[c]), c, v)).collect();
    // A cell without a place in the order has no sum, and the cells are numbered in label order.
    order.retain(|o| !o.0.is_nan());
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut sum = 0.0;
    for (_, cell, v) in order {
        sum += v;
        out[cell] = sum;
    }
}

/// Groups are few or many: cells in the order of their group, then of their label.
fn group_sum(cells: &[(usize, f64)], by: Option<&[f64]>, out: &mut [f64]) {
    let mut order: Vec<(f64, usize, f64)> = cells.iter().map(|&(c, v)| (by.map_or(0.0, |b| b[c]), c, v)).collect();
    order.retain(|o| !o.0.is_nan());
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    for group in order.chunk_by(|a, b| a.0 == b.0) {
        let sum: f64 = group.iter().map(|g| g.2).sum();
        group.iter().for_each(|g| out[g.1] = sum);
    }
}

fn placed(there: &[(usize, f64)], how: Along, out: &mut [f64]) {
    let values: Vec<f64> = there.iter().map(|c| c.1).collect();
    match how {
        Along::Standardize => {
            let (mean, sd) = mean_sd(&values);
            there.iter().for_each(|&(c, v)| out[c] = if sd > 0.0 { (v - mean) / sd } else { f64::NAN });
        }
        Along::Winsorize(p) => {
            let mut sorted = values;
            sorted.sort_unstable_by(f64::total_cmp);
            let (lo, hi) = (quantile(&sorted, p.min(1.0 - p)), quantile(&sorted, p.max(1.0 - p)));
            there.iter().for_each(|&(c, v)| out[c] = v.max(lo).min(hi));
        }
        Along::Rank | Along::Order | Along::Cumulate | Along::GroupSum => {
            let mut sorted = there.to_vec();
            sorted.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
            let mut before = 0;
            for ties in sorted.chunk_by(|a, b| a.1 == b.1) {
                for (k, tie) in ties.iter().enumerate() {
                    let place = if how == Along::Order { k as f64 + 1.0 } else { (ties.len() as f64 + 1.0) / 2.0 };
                    out[tie.0] = before as f64 + place;
                }
                before += ties.len();
            }
        }
    }
}

/// The value `lag` steps of the calendar earlier along a dimension of whole numbers; missing where there is none.
pub fn shifted(array: &Array, dimension: usize, lag: i64) -> Array {
    let dim = &array.dims[dimension];
    let stride = array.strides()[dimension];
    let times: Vec<Option<i64>> = dim.labels.iter().map(|l| crate::data::keys::parse_time(l)).collect();
    let place: std::collections::HashMap<i64, usize> =
        times.iter().enumerate().filter_map(|(i, t)| t.map(|t| (t, i))).collect();
    let source: Vec<Option<usize>> =
        times.iter().map(|t| t.and_then(|t| t.checked_sub(lag)).and_then(|t| place.get(&t).copied())).collect();
    let from: Vec<Option<u32>> = (0..array.cells())
        .map(|cell| {
            let at = cell / stride % dim.len();
            source[at].map(|s| (cell - at * stride + s * stride) as u32)
        })
        .collect();
    let why = array.why.as_ref().map(|w| from.iter().map(|f| f.map_or(0, |f| w[f as usize])).collect());
    Array { dims: array.dims.clone(), values: array.values.gather(&from), why }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::array::over;
    use std::sync::Arc;

    const NA: f64 = f64::NAN;

    fn cube(values: &[f64]) -> Array {
        let dim = |n: &str, labels: &[&str]| Dimension::new(n, labels.iter().map(|l| Arc::from(*l)));
        over(vec![dim("u", &["a", "b"]), dim("j", &["x", "y", "z"])], Series::Numbers(values.to_vec()), None)
    }

    fn reduced(values: &[f64], dims: &[&str], how: Reduction, skip: bool) -> Vec<f64> {
        let dims: Vec<String> = dims.iter().map(|d| d.to_string()).collect();
        match reduce(&cube(values), values, &dims, how, skip).0.values {
            Series::Numbers(x) => x,
            other => panic!("{other:?}"),
        }
    }

    fn same(a: &[f64], b: &[f64]) {
        assert!(a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b || a.is_nan() && b.is_nan()), "{a:?} {b:?}");
    }

    #[test]
    fn reductions_take_dimensions_away() {
        let x = [1., 2., 6., 4., 5., 9.];
        same(&reduced(&x, &["j"], Reduction::Sum, false), &[9., 18.]);
        same(&reduced(&x, &["u"], Reduction::Max, false), &[4., 5., 9.]);
        same(&reduced(&x, &["u", "j"], Reduction::Mean, false), &[4.5]);
        same(&reduced(&x, &["j"], Reduction::Median, false), &[2., 5.]);
        same(&reduced(&x, &["j"], Reduction::Quantile(0.25), false), &[1.5, 4.5]);
        same(&reduced(&x, &["j"], Reduction::First, false), &[1., 4.]);
        same(&reduced(&x, &["j"], Reduction::Last, false), &[6., 9.]);
    }

    #[test]
    fn a_missing_cell_makes_a_fiber_missing_unless_it_is_skipped() {
        let x = [1., NA, 6., 4., 5., 9.];
        same(&reduced(&x, &["j"], Reduction::Sum, false), &[NA, 18.]);
        same(&reduced(&x, &["j"], Reduction::Sum, true), &[7., 18.]);
        same(&reduced(&x, &["j"], Reduction::Count, false), &[2., 3.]);
        let mut array = cube(&x);
        array.why = Some(vec![0, 7, 0, 0, 0, 0]);
        let (out, _) = reduce(&array, &x, &["j".into()], Reduction::Sum, false);
        assert_eq!(out.why, Some(vec![7, 0]));
        assert_eq!(reduce(&array, &x, &["j".into()], Reduction::Sum, true).1, 1);
    }

    #[test]
    fn functions_along_a_dimension_keep_it() {
        let x = [3., 1., 1., 4., NA, 9.];
        let run = |how, by: Option<&[f64]>| match along(&cube(&x), &x, by, &["j".into()], how).values {
            Series::Numbers(v) => v,
            other => panic!("{other:?}"),
        };
        same(&run(Along::Rank, None), &[3., 1.5, 1.5, 1., NA, 2.]);
        same(&run(Along::Order, None), &[3., 1., 2., 1., NA, 2.]);
        same(&run(Along::Cumulate, None), &[3., 4., 5., 4., NA, NA]);
        same(&run(Along::Cumulate, Some(&[2., 3., 1., 1., 3., 2.])), &[4., 5., 1., 4., NA, 13.]);
        same(&run(Along::Standardize, None)[3..], &[-1. / 2f64.sqrt(), NA, 1. / 2f64.sqrt()]);
    }

    #[test]
    fn lags_go_by_the_calendar() {
        let t = Dimension::new("t", ["2001", "2002", "2004"].map(Arc::from));
        let a = over(vec![t], Series::Numbers(vec![1., 2., 4.]), None);
        let Series::Numbers(x) = shifted(&a, 0, 1).values else { unreachable!() };
        same(&x, &[NA, 1., NA]);
        let Series::Numbers(x) = shifted(&a, 0, -2).values else { unreachable!() };
        same(&x, &[NA, 4., NA]);
    }
}
