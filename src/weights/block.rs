//! Links within groups: `1{c_i = c_k}` (methods B.2).

use super::{Weights, from_entries};
use crate::fault::{Fault, counted, quoted_list};
use std::collections::BTreeMap;

/// The matrix that links all units of one label; `labels` is the text of `column` for each of `units`, empty where it
/// is missing.
pub fn block(column: &str, labels: &[&str], units: &[String]) -> Result<Weights, Fault> {
    let bare: Vec<&String> = units.iter().zip(labels).filter(|(_, l)| l.trim().is_empty()).map(|(u, _)| u).collect();
    if !bare.is_empty() {
        let verb = if bare.len() == 1 { "has" } else { "have" };
        let message = format!("{} of {} units {verb} no `{column}`: {}", bare.len(), units.len(), quoted_list(&bare));
        return Err(Fault::error("durbin::weights::missing_label", message)
            .help(format!("fill `{column}` in; a unit that stands alone bears a label of its own")));
    }
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (i, label) in labels.iter().enumerate() {
        groups.entry(label).or_default().push(i);
    }
    let mut entries = Vec::new();
    for (i, label) in labels.iter().enumerate() {
        let members = groups.get(label).into_iter().flatten();
        entries.extend(members.filter(|&&k| k != i).map(|&k| (i, k, 1.0)));
    }
    if entries.is_empty() {
        let message = format!("no two of {} have the same `{column}`", counted(units.len(), "unit", "units"));
        return Err(Fault::error("durbin::weights::empty", message)
            .help("`block` links the units of one group: take a column whose values several units share"));
    }
    Ok(Weights::unscaled(from_entries(units.len(), &entries)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units() -> Vec<String> {
        ["a", "b", "c", "d"].map(String::from).to_vec()
    }

    #[test]
    fn units_of_one_label_are_linked() {
        let w = block("province", &["x", "y", "x", "x"], &units()).unwrap();
        let links: Vec<(usize, usize)> = w.matrix.iter().map(|(_, at)| at).collect();
        assert_eq!(links, [(0, 2), (0, 3), (2, 0), (2, 3), (3, 0), (3, 2)]);
        assert_eq!(w.islands(), [1]);
        assert!(w.symmetrizer.is_some());
    }

    #[test]
    fn labels_that_are_missing_or_all_different_are_faults() {
        let missing = block("province", &["x", "", "x", " "], &units()).unwrap_err();
        assert_eq!(missing.code, "durbin::weights::missing_label");
        assert!(missing.message.contains("2 of 4 units have no `province`: \"b\", \"d\""), "{}", missing.message);
        assert_eq!(block("province", &["x", "y", "z", "w"], &units()).unwrap_err().code, "durbin::weights::empty");
    }
}
