//! Edge lists: rows `from, to[, weight]` of a file become a matrix, matched by key.

use super::matching::{mismatch, place};
use super::{Weights, from_entries};
use crate::fault::Fault;
use std::collections::BTreeSet;

/// One row of an edge list and the line it stands on.
#[derive(Clone, Debug, PartialEq)]
pub struct EdgeRow {
    pub from: String,
    pub to: String,
    /// NaN where the cell is no number.
    pub weight: f64,
    pub line: usize,
}

/// The matrix of an edge list on `units` (sorted keys). `known` says of a key that it is a unit left out of the panel:
/// its edges are skipped. Units no edge names are islands. All faults of the file are returned, at most one a kind.
pub fn edges(
    file: &str,
    rows: &[EdgeRow],
    units: &[String],
    known: &dyn Fn(&str) -> bool,
) -> Result<(Weights, Vec<Fault>), Vec<Fault>> {
    links(file, rows, None, units, known)
}

/// As [`edges`]; where the file also lists all its units (key and line), those of the panel must be among them.
pub(super) fn links(
    file: &str,
    rows: &[EdgeRow],
    listed: Option<&[(&str, usize)]>,
    units: &[String],
    known: &dyn Fn(&str) -> bool,
) -> Result<(Weights, Vec<Fault>), Vec<Fault>> {
    let ends = rows.iter().flat_map(|r| [(r.from.as_str(), r.line), (r.to.as_str(), r.line)]);
    let named: Vec<(&str, usize)> = listed.unwrap_or_default().iter().copied().chain(ends).collect();
    let mut faults = Vec::new();
    faults.extend(mismatch(file, &strangers(&named, units, known), listed, units));
    faults.extend(diagonal(file, rows));
    faults.extend(bad_weights(file, rows));
    let mut entries: Vec<(usize, usize, f64, usize)> =
        rows.iter().filter_map(|r| Some((place(units, &r.from)?, place(units, &r.to)?, r.weight, r.line))).collect();
    entries.sort_by_key(|e| (e.0, e.1, e.3));
    faults.extend(repeated(file, &entries, units));
    if !faults.is_empty() {
        return Err(faults);
    }
    let plain: Vec<(usize, usize, f64)> = entries.iter().map(|e| (e.0, e.1, e.2)).collect();
    let weights = Weights::unscaled(from_entries(units.len(), &plain));
    let warnings = one_way(&weights, file, units);
    Ok((weights, warnings))
}

/// The keys no unit of the panel has, each where it first stands.
fn strangers<'a>(named: &[(&'a str, usize)], units: &[String], known: &dyn Fn(&str) -> bool) -> Vec<(&'a str, usize)> {
    let unknown = |key: &str| place(units, key).is_none() && !known(key);
    let mut out: Vec<(&str, usize)> = named.iter().copied().filter(|(key, _)| unknown(key)).collect();
    out.sort_by_key(|s| s.1);
    let mut seen = BTreeSet::new();
    out.retain(|s| seen.insert(s.0));
    out
}

fn diagonal(file: &str, rows: &[EdgeRow]) -> Option<Fault> {
    let loops: Vec<&EdgeRow> = rows.iter().filter(|r| r.from == r.to).collect();
    let first = loops.first()?;
    let message = format!(
        "{} a unit with itself: \"{}\" has weight {}",
        if loops.len() == 1 { "1 row links".to_string() } else { format!("{} rows link", loops.len()) },
        first.from,
        first.weight
    );
    Some(
        Fault::error("durbin::weights::diagonal", message)
            .label(file, first.line, 1, "here")
            .help("the diagonal of a weights matrix is zero: remove the row"),
    )
}

/// Weights that are no number, and negative ones.
fn bad_weights(file: &str, rows: &[EdgeRow]) -> Vec<Fault> {
    let (good, bad): (Vec<&EdgeRow>, Vec<&EdgeRow>) = rows.iter().partition(|r| r.weight.is_finite());
    let negative: Vec<&EdgeRow> = good.into_iter().filter(|r| r.weight < 0.0).collect();
    let kinds =
        [("durbin::weights::bad_weight", "no number", bad), ("durbin::weights::negative", "negative", negative)];
    kinds.iter().filter_map(|(code, what, found)| bad_weight(file, code, what, found)).collect()
}

/// The first of the links that share a fault, and how many there are.
fn bad_weight(file: &str, code: &'static str, what: &str, found: &[&EdgeRow]) -> Option<Fault> {
    let first = found.first()?;
    let value = if first.weight.is_finite() { format!(": {}", first.weight) } else { String::new() };
    let more = if found.len() > 1 { format!("; {} links have such a weight", found.len()) } else { String::new() };
    let message = format!("the weight from \"{}\" to \"{}\" is {what}{value}{more}", first.from, first.to);
    let fault = Fault::error(code, message).label(file, first.line, 1, "here");
    Some(fault.help("a weight is a positive number; a pair without a link has no row"))
}

fn repeated(file: &str, entries: &[(usize, usize, f64, usize)], units: &[String]) -> Option<Fault> {
    let pair = entries.windows(2).find(|w| (w[0].0, w[0].1) == (w[1].0, w[1].1))?;
    let message = format!("the link from \"{}\" to \"{}\" is listed twice", units[pair[0].0], units[pair[0].1]);
    Some(
        Fault::error("durbin::weights::duplicate_link", message)
            .label(file, pair[0].3, 1, "first here")
            .label(file, pair[1].3, 1, "and here again")
            .help("keep one of the rows"),
    )
}

/// Every link in one direction only.
pub(super) fn one_way(weights: &Weights, file: &str, units: &[String]) -> Vec<Fault> {
    let m = &weights.matrix;
    if m.nnz() == 0 || m.iter().any(|(_, (i, k))| m.get(k, i).is_some()) {
        return Vec::new();
    }
    let first = m.iter().next().map(|(_, (i, k))| format!("\"{}\" to \"{}\"", units[i], units[k])).unwrap_or_default();
    let message = format!("`{file}` gives each of its {} links in one direction only, first {first}", m.nnz());
    vec![
        Fault::warning("durbin::weights::one_way_links", message)
            .help("for a symmetric neighborhood write `A + transpose(A)`"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(from: &str, to: &str, weight: f64, line: usize) -> EdgeRow {
        EdgeRow { from: from.into(), to: to.into(), weight, line }
    }

    fn units() -> Vec<String> {
        ["a", "b", "c"].map(String::from).to_vec()
    }

    #[test]
    fn the_order_of_rows_changes_nothing() {
        let rows = vec![row("a", "b", 1.0, 2), row("b", "a", 2.0, 3), row("b", "c", 3.0, 4)];
        let mut turned = rows.clone();
        turned.reverse();
        let build = |r: &[EdgeRow]| edges("e.csv", r, &units(), &|_| false).unwrap().0;
        assert_eq!(build(&rows), build(&turned));
        assert_eq!(build(&rows).islands(), [2]);
    }

    #[test]
    fn every_fault_of_a_list_is_found_with_its_line() {
        let rows = vec![row("a", "z", 1.0, 2), row("b", "b", 1.0, 3), row("a", "b", -1.0, 4), row("a", "b", 1.0, 5)];
        let faults = edges("e.csv", &rows, &units(), &|_| false).unwrap_err();
        let codes: Vec<&str> = faults.iter().map(|f| f.code).collect();
        assert_eq!(
            codes,
            [
                "durbin::plan::unit_mismatch",
                "durbin::weights::diagonal",
                "durbin::weights::negative",
                "durbin::weights::duplicate_link"
            ]
        );
        assert_eq!(faults.iter().map(|f| f.labels[0].line).collect::<Vec<_>>(), [2, 3, 4, 4]);
    }

    #[test]
    fn links_of_one_direction_are_reported() {
        let rows = vec![row("a", "b", 1.0, 2), row("b", "c", 1.0, 3)];
        let warnings = edges("e.csv", &rows, &units(), &|_| false).unwrap().1;
        assert_eq!(warnings[0].code, "durbin::weights::one_way_links");
    }
}
