//! Matrices that change over time (methods B.7): a block on the diagonal for each period, in the order of the periods.

use super::edges::{EdgeRow, edges};
use super::{Weights, from_entries};
use crate::fault::{Fault, Level};

/// The blocks of matrices on the same units.
pub fn stacked(blocks: &[Weights]) -> Weights {
    let n = blocks.first().map_or(0, Weights::units);
    let entries: Vec<(usize, usize, f64)> = blocks
        .iter()
        .enumerate()
        .flat_map(|(t, w)| w.matrix.iter().map(move |(v, (i, k))| (t * n + i, t * n + k, *v)))
        .collect();
    Weights::unscaled(from_entries(n * blocks.len(), &entries)).over(blocks.len())
}

/// The matrix of one period.
pub fn block(w: &Weights, period: usize) -> Weights {
    let n = w.units() / w.periods;
    let from = period * n;
    let rows = w.matrix.outer_iterator().skip(from).take(n).enumerate();
    let entries: Vec<(usize, usize, f64)> =
        rows.flat_map(|(i, row)| row.iter().map(|(k, v)| (i, k - from, *v)).collect::<Vec<_>>()).collect();
    Weights {
        matrix: from_entries(n, &entries),
        scaling: w.scaling,
        symmetrizer: w.symmetrizer.as_ref().map(|s| s[from..from + n].to_vec()),
        periods: 1,
    }
}

/// A matrix that stays the same, once for each of so many periods; its scaling is that of every block.
pub fn repeated(w: &Weights, periods: usize) -> Weights {
    let n = w.units();
    let entries: Vec<(usize, usize, f64)> =
        (0..periods).flat_map(|t| w.matrix.iter().map(move |(v, (i, k))| (t * n + i, t * n + k, *v))).collect();
    Weights {
        matrix: from_entries(n * periods, &entries),
        scaling: w.scaling,
        symmetrizer: w.symmetrizer.as_ref().map(|s| s.repeat(periods)),
        periods,
    }
}

/// The matrices of an edge list by period, `rows` with the period of each. All faults are returned, at most one a kind; a
/// period of the panel without a link is one, links of other periods are a note.
pub fn edges_by_period(
    file: &str,
    rows: &[(i64, EdgeRow)],
    (units, periods): (&[String], &[i64]),
    known: &dyn Fn(&str) -> bool,
) -> Result<(Weights, Vec<Fault>), Vec<Fault>> {
    let mut faults: Vec<Fault> = Vec::new();
    let empty: Vec<String> =
        periods.iter().filter(|p| !rows.iter().any(|(q, _)| q == *p)).map(i64::to_string).collect();
    if !empty.is_empty() {
        let message = format!("`{file}` has no link in {}", empty.join(", "));
        let help = "weights that change over time have links in every period of the panel: add them, or leave the periods out with `where`";
        faults.push(Fault::error("durbin::weights::no_period", message).help(help));
    }
    let mut blocks = Vec::new();
    let mut warnings: Vec<Fault> = Vec::new();
    for period in periods {
        let of: Vec<EdgeRow> = rows.iter().filter(|(p, _)| p == period).map(|(_, row)| row.clone()).collect();
        match edges(file, &of, units, known) {
            Ok((block, found)) => {
                blocks.push(block);
                add(&mut warnings, found, *period);
            }
            Err(found) => add(&mut faults, found, *period),
        }
    }
    let others = rows.iter().filter(|(p, _)| !periods.contains(p)).count();
    if others > 0 {
        let message =
            format!("{others} links of `{file}` are of periods that the panel does not have: they are left out");
        warnings.push(Fault::new(Level::Note, "durbin::weights::other_periods", message));
    }
    if faults.is_empty() { Ok((stacked(&blocks), warnings)) } else { Err(faults) }
}

/// The first of each kind, with its period.
fn add(all: &mut Vec<Fault>, found: Vec<Fault>, period: i64) {
    for mut fault in found {
        if !all.iter().any(|f| f.code == fault.code) {
            fault.message = format!("in {period}, {}", fault.message);
            all.push(fault);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::scale;

    fn row(from: &str, to: &str, line: usize) -> EdgeRow {
        EdgeRow { from: from.into(), to: to.into(), weight: 1.0, line }
    }

    #[test]
    fn blocks_stand_in_the_order_of_periods() {
        let units = ["a", "b", "c"].map(String::from);
        let rows =
            [(2001, row("b", "c", 2)), (2000, row("a", "b", 3)), (2001, row("a", "c", 4)), (1999, row("a", "b", 5))];
        let (w, notes) = edges_by_period("e.csv", &rows, (&units, &[2000, 2001]), &|_| false).unwrap();
        let links: Vec<(usize, usize)> = w.matrix.iter().map(|(_, at)| at).collect();
        assert_eq!((w.periods, links), (2, vec![(0, 1), (3, 5), (4, 5)]));
        assert!(notes.iter().any(|f| f.code == "durbin::weights::other_periods"));
        let missing = edges_by_period("e.csv", &rows, (&units, &[2000, 2002]), &|_| false).unwrap_err();
        assert_eq!(missing[0].code, "durbin::weights::no_period");
    }

    #[test]
    fn scaling_rows_of_blocks_is_stacking_scaled_rows() {
        let of = |links: &[(usize, usize, f64)]| Weights::unscaled(from_entries(3, links));
        let a = of(&[(0, 1, 1.0), (0, 2, 1.0), (1, 0, 2.0)]);
        let b = of(&[(2, 1, 1.0)]);
        let together = scale::row(&stacked(&[a.clone(), b.clone()]));
        let apart = stacked(&[scale::row(&a), scale::row(&b)]);
        assert_eq!(together.matrix, apart.matrix);
        assert_eq!(block(&together, 0), scale::row(&a));
        let radius = |w: &Weights| scale::spectral_radius(w).unwrap();
        assert!((radius(&stacked(&[a.clone(), b.clone()])) - radius(&a).max(radius(&b))).abs() < 1e-12);
        assert_eq!(repeated(&a, 2).matrix, stacked(&[a.clone(), a]).matrix);
    }
}
