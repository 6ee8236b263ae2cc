//! Along time, by calendar period and never by position: lags, leads, differences, growth, running sums.

use crate::data::keys::{CellMap, PanelIndex};
use crate::data::series::Series;
use crate::fault::Fault;

/// The row each row's unit has `lag` periods earlier (later where negative); `None` where there is none.
pub fn shifted_rows(index: &PanelIndex, cells: &CellMap, lag: i64) -> Vec<Option<u32>> {
    let source: Vec<Option<usize>> =
        index.periods.iter().map(|p| p.checked_sub(lag).and_then(|p| index.period(p))).collect();
    (0..index.unit_of.len())
        .map(|row| {
            let (unit, period) = index.cell(row)?;
            cells.row(unit, source[period]?).map(|r| r as u32)
        })
        .collect()
}

/// `lag(x, k)`: the value of period t − k of the same unit (`lead(x, k)` is the lag −k).
pub fn lag(x: &Series, index: &PanelIndex, lag: i64) -> Series {
    x.gather(&shifted_rows(index, &index.cell_map(), lag))
}

/// `diff(x, k)`: x − lag(x, k).
pub fn diff(x: &[f64], index: &PanelIndex, lag: i64) -> Vec<f64> {
    with_lag(x, index, lag, |now, before| now - before)
}

/// `growth(x, k)`: x / lag(x, k) − 1.
pub fn growth(x: &[f64], index: &PanelIndex, lag: i64) -> Vec<f64> {
    with_lag(x, index, lag, |now, before| now / before - 1.0)
}

fn with_lag(x: &[f64], index: &PanelIndex, lag: i64, f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let value = |row: usize| x.get(row).copied().unwrap_or(f64::NAN);
    let rows = shifted_rows(index, &index.cell_map(), lag);
    rows.iter().enumerate().map(|(r, from)| from.map_or(f64::NAN, |from| f(value(r), value(from as usize)))).collect()
}

/// `cumsum(x)`: the sum from the unit's first period on; missing from the first missing value or gap on.
pub fn cumsum(x: &[f64], index: &PanelIndex) -> Vec<f64> {
    let cells = index.cell_map();
    let mut out = vec![f64::NAN; index.unit_of.len()];
    for unit in 0..index.units.len() {
        let mut sum: Option<f64> = None;
        for period in 0..index.periods.len() {
            let Some(row) = cells.row(unit, period) else {
                sum = sum.map(|_| f64::NAN);
                continue;
            };
            let total = sum.unwrap_or(0.0) + x.get(row).copied().unwrap_or(f64::NAN);
            out[row] = total;
            sum = Some(total);
        }
    }
    out
}

/// Refuses a lag that reaches into a period no unit has, between the first and the last (`period_gap`); `written` is
/// the expression as the program has it.
pub fn check_gap(panel: &str, index: &PanelIndex, lag: i64, written: &str) -> Result<(), Fault> {
    let (Some(&first), Some(&last)) = (index.periods.first(), index.periods.last()) else { return Ok(()) };
    let crossing = index.periods.iter().find_map(|&p| {
        let source = p.checked_sub(lag)?;
        (source > first && source < last && index.period(source).is_none()).then_some((p, source))
    });
    let Some((period, source)) = crossing else { return Ok(()) };
    let message = format!("`{written}` in {period} needs {source}, which no unit of panel `{panel}` has");
    Err(Fault::error("durbin::panel::period_gap", message)
        .help("number the periods one after another in a column of their own, or leave those before the gap out"))
}

/// Mean and standard deviation (divisor n − 1) of values, in two passes.
pub fn mean_sd(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    (mean, if values.len() > 1 { (squares / (n - 1.0)).sqrt() } else { f64::NAN })
}

/// The quantile of sorted values by linear interpolation at (n − 1)p (R's type 7); NaN of nothing.
pub fn quantile(sorted: &[f64], p: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let at = p.clamp(0.0, 1.0) * last as f64;
    let (lo, share) = (at.floor() as usize, at.fract());
    let (a, b) = (sorted[lo.min(last)], sorted[(lo + 1).min(last)]);
    if share == 0.0 { a } else { a + share * (b - a) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::csv::read;
    use crate::data::keys::{Keys, read_keys};

    const NA: f64 = f64::NAN;

    fn index(text: &str) -> PanelIndex {
        let table = read("t.csv", format!("u,t\n{text}").as_bytes()).unwrap().0;
        read_keys(&Keys { panel: "p", table: &table, unit: 0, time: 1 }, &table.all_rows()).unwrap().0
    }

    fn same(a: &[f64], b: &[f64]) {
        assert_eq!(a.len(), b.len());
        assert!(a.iter().zip(b).all(|(a, b)| a == b || (a.is_nan() && b.is_nan())), "{a:?} {b:?}");
    }

    #[test]
    fn lags_go_by_calendar_and_never_cross_units() {
        // B lacks period 2; rows in no order.
        let i = index("B,3\nA,2\nA,1\nB,1\nA,3\n");
        let x = [30.0, 2.0, 1.0, 10.0, 3.0];
        let Series::Numbers(l) = lag(&Series::Numbers(x.to_vec()), &i, 1) else { unreachable!() };
        same(&l, &[NA, 1.0, NA, NA, 2.0]);
        let Series::Numbers(l) = lag(&Series::Numbers(x.to_vec()), &i, -2) else { unreachable!() };
        same(&l, &[NA, NA, 3.0, 30.0, NA]);
        same(&diff(&x, &i, 1), &[NA, 1.0, NA, NA, 1.0]);
        same(&growth(&x, &i, 2), &[2.0, NA, NA, NA, 2.0]);
        same(&cumsum(&x, &i), &[NA, 3.0, 1.0, 10.0, 6.0]);
    }

    #[test]
    fn a_lag_across_a_gap_is_refused() {
        let i = index("A,2001\nA,2002\nA,2004\n");
        let f = check_gap("p", &i, 1, "lag(x)").unwrap_err();
        assert_eq!((f.code, f.level), ("durbin::panel::period_gap", crate::fault::Level::Error));
        assert!(f.message.contains("`lag(x)` in 2004 needs 2003"), "{}", f.message);
        assert!(check_gap("p", &index("A,1\nA,2\n"), 1, "lag(x)").is_ok());
        assert!(check_gap("p", &index("A,1\nA,3\n"), 2, "lag(x, 2)").is_ok());
    }

    #[test]
    fn quantiles_are_of_type_seven() {
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.5), 2.5);
        assert!(quantile(&[], 0.5).is_nan());
    }
}
