//! The units of a file and those of the panel, matched by key.

use crate::fault::{Fault, counted, quoted_list};
use crate::suggest;

/// The position of a key among the panel's sorted units.
pub(super) fn place(units: &[String], key: &str) -> Option<usize> {
    units.binary_search_by(|u| u.as_str().cmp(key)).ok()
}

/// Keys on one side only: `strangers` (key and line) of the file, and, where the file lists all its units, the panel's
/// units that are not `listed`. `None` where both sides agree.
pub(super) fn mismatch(
    file: &str,
    strangers: &[(&str, usize)],
    listed: Option<&[(&str, usize)]>,
    units: &[String],
) -> Option<Fault> {
    let absent = listed.map(|l| absent(l, units)).unwrap_or_default();
    if strangers.is_empty() && absent.is_empty() {
        return None;
    }
    let names: Vec<&str> = strangers.iter().map(|s| s.0).collect();
    let message = match listed {
        None => format!(
            "`{file}` names {} the panel does not have among its {}: {}",
            counted(names.len(), "unit", "units"),
            units.len(),
            quoted_list(&names)
        ),
        Some(l) => format!(
            "`{file}` has {} and the panel {}{}{}",
            counted(l.len(), "unit", "units"),
            units.len(),
            one_sided("the file", &names),
            one_sided("the panel", &absent)
        ),
    };
    let mut fault = Fault::error("durbin::plan::unit_mismatch", message);
    for (name, line) in strangers.iter().take(5) {
        fault = fault.label(file, *line, 1, format!("\"{name}\" is no unit of the panel"));
    }
    let near = names.first().and_then(|first| suggest::nearest(first, units.iter().map(String::as_str)));
    let near = near.map(|n| format!("did you mean \"{n}\"? ")).unwrap_or_default();
    Some(
        fault.help(format!(
            "{near}mend the key, or rebuild the weights on the panel's units; keys are compared as written"
        )),
    )
}

fn absent<'a>(listed: &[(&str, usize)], units: &'a [String]) -> Vec<&'a str> {
    let mut keys: Vec<&str> = listed.iter().map(|l| l.0).collect();
    keys.sort_unstable();
    units.iter().map(String::as_str).filter(|u| keys.binary_search(u).is_err()).collect()
}

fn one_sided(side: &str, names: &[&str]) -> String {
    if names.is_empty() { String::new() } else { format!("; {} only in {side}: {}", names.len(), quoted_list(names)) }
}
