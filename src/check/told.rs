//! What was reported: every fault once, and of one code no more than anybody reads, with how many there are beyond.

use crate::diagnostic::Diagnostic;
use crate::fault::{Fault, Level, counted};
use crate::source::Span;
use indexmap::IndexMap;
use std::collections::HashMap;

/// Diagnostics of one code that are listed.
const MOST_OF_A_CODE: usize = 100;

/// What is known of the diagnostics so far.
#[derive(Default)]
pub(crate) struct Told {
    /// Where in the list those of a code and place stand.
    places: HashMap<(&'static str, Option<Span>), Vec<usize>>,
    counts: IndexMap<&'static str, (Level, usize)>,
}

impl Told {
    /// Adds a diagnostic to the list, unless it is there or its code has had its share.
    pub fn add(&mut self, list: &mut Vec<Diagnostic>, diagnostic: Diagnostic) {
        let same = self.places.entry((diagnostic.code, diagnostic.span)).or_default();
        if same.iter().any(|&at| list.get(at) == Some(&diagnostic)) {
            return;
        }
        let (_, count) = self.counts.entry(diagnostic.code).or_insert((diagnostic.level, 0));
        *count += 1;
        if *count <= MOST_OF_A_CODE {
            same.push(list.len());
            list.push(diagnostic);
        }
    }

    /// For each code that went beyond its share, how far.
    pub fn beyond(&self) -> Vec<Diagnostic> {
        let over = self.counts.iter().filter(|(_, (_, count))| *count > MOST_OF_A_CODE);
        over.map(|(&code, &(level, count))| {
            let more = counted(count - MOST_OF_A_CODE, "more of these is", "more of these are");
            Diagnostic::at(Fault::new(level, code, format!("{more} not listed")), None)
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceId;

    #[test]
    fn one_fault_is_told_once_and_many_of_a_code_are_counted() {
        let (mut told, mut list) = (Told::default(), Vec::new());
        for at in 0..250 {
            for _ in 0..2 {
                let place = Span::new(SourceId::default(), at, at + 1);
                told.add(&mut list, Diagnostic::lint("durbin::check::never_used", place, format!("nothing uses {at}")));
            }
            if at == 50 {
                assert!(told.beyond().is_empty() && list.len() == 51);
            }
        }
        assert_eq!(list.len(), MOST_OF_A_CODE);
        // Of those that are not listed nothing is kept to compare with: each is counted as often as it came.
        assert_eq!(told.beyond()[0].message, "300 more of these are not listed");
    }
}
