//! Keys that look alike: equal but for case, width, accents, blanks inside or a lost leading zero.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization;

/// A key without case, width, accents and blanks.
pub fn folded(key: &str) -> String {
    key.nfkd()
        .filter(|c| !('\u{300}'..='\u{36f}').contains(c) && !c.is_whitespace())
        .flat_map(char::to_lowercase)
        .nfc()
        .collect()
}

/// Groups of keys that look alike, each in the order given, groups by their first key.
pub fn alike<'a>(keys: impl IntoIterator<Item = &'a str>) -> Vec<Vec<&'a str>> {
    let mut groups: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for key in keys {
        groups.entry(folded(key)).or_default().push(key);
    }
    let mut out: Vec<Vec<&str>> = groups.into_values().filter(|g| g.len() > 1).collect();
    out.sort_unstable();
    out
}

/// The key among `candidates` that was probably meant, if one is near: alike, a zero lost or gained in front, or a
/// few letters away (never for numbers, where a digit is a different key).
pub fn near<'a>(key: &str, candidates: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let wanted = folded(key);
    let number = |k: &str| !k.is_empty() && k.bytes().all(|b| b.is_ascii_digit());
    let by_fold = candidates.clone().filter(|c| *c != key && folded(c) == wanted).min();
    by_fold.or_else(|| {
        if number(&wanted) {
            let bare = wanted.trim_start_matches('0');
            candidates.clone().filter(|c| number(c) && *c != key && c.trim_start_matches('0') == bare).min()
        } else {
            crate::suggest::nearest(key, candidates.clone().filter(|c| *c != key))
        }
    })
}

/// Whether two keys differ only by zeros in front.
pub fn lost_zero(a: &str, b: &str) -> bool {
    a != b && a.trim_start_matches('0') == b.trim_start_matches('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_width_accents_and_blanks_are_folded() {
        assert_eq!(folded("Ｓão  Paulo"), folded("sao paulo"));
        assert_ne!(folded("か"), folded("が"));
        assert_eq!(alike(["Bern", "Basel", "BERN"]), [vec!["Bern", "BERN"]]);
    }

    #[test]
    fn a_lost_zero_is_near_and_another_number_is_not() {
        assert_eq!(near("1001", ["01001", "1002"].into_iter()), Some("01001"));
        assert_eq!(near("1003", ["1001", "1002"].into_iter()), None);
        assert_eq!(near("Corra", ["Cora", "Elva"].into_iter()), Some("Cora"));
        assert!(lost_zero("1001", "01001"));
    }
}
