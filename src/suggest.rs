//! *Did you mean*: the names near a misspelt one.
//!
//! Case and width are ignored, a swap of two letters counts as one edit; at most 1 edit for names of up to 4
//! letters, 2 up to 8, 3 beyond; ties alphabetically.

use unicode_normalization::UnicodeNormalization;

fn folded(name: &str) -> String {
    name.nfkc().collect::<String>().to_lowercase()
}

fn allowed_edits(name: &str) -> usize {
    match name.chars().count() {
        0..=4 => 1,
        5..=8 => 2,
        _ => 3,
    }
}

/// The nearest of `candidates`, if one is near enough.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = folded(name);
    candidates
        .into_iter()
        .filter(|c| !c.is_empty())
        .map(|c| (strsim::damerau_levenshtein(&wanted, &folded(c)), c))
        .filter(|&(d, _)| d <= allowed_edits(name))
        .min()
        .map(|(_, c)| c)
}

/// The help of an unknown name: the nearest, or all candidates where they are few.
pub fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut all: Vec<&str> = candidates.into_iter().collect();
    all.sort_unstable();
    all.dedup();
    if let Some(best) = nearest(name, all.iter().copied()) {
        return Some(format!("did you mean `{best}`?"));
    }
    if all.is_empty() || all.len() > 12 {
        return None;
    }
    Some(format!("there {} {}", if all.len() == 1 { "is" } else { "are" }, crate::fault::ticked_all(&all)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_is_one_edit_and_case_is_none() {
        assert_eq!(nearest("smd", ["sdm", "sem"]), Some("sdm"));
        assert_eq!(nearest("INCOME", ["income"]), Some("income"));
        assert_eq!(nearest("unemplyrt", ["unemployrt", "poverty"]), Some("unemployrt"));
    }

    #[test]
    fn what_is_far_is_not_suggested() {
        assert_eq!(nearest("abcd", ["wxyz"]), None);
        assert_eq!(did_you_mean("abcd", ["wxyz", "uvw"]), Some("there are `uvw`, `wxyz`".into()));
    }
}
