//! What of a spec is no part of its meaning (places, expressions as written), and the spec as text without it.

use super::{Spec, Step};
use crate::source::Span;

/// Where something stands in the program; no part of what it means, and not shown with it.
#[derive(Clone, Copy, Default)]
pub struct Place(pub Span);

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("_")
    }
}

impl PartialEq for Place {
    fn eq(&self, _: &Place) -> bool {
        true
    }
}

/// An expression as written; no part of what it means, and not shown with it.
#[derive(Clone, Default)]
pub struct Written(pub String);

impl PartialEq for Written {
    fn eq(&self, _: &Written) -> bool {
        true
    }
}

impl std::fmt::Debug for Written {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("_")
    }
}

impl Spec {
    /// The whole of it as text, one field a line, without places and expressions as written: equal specs give one text.
    pub fn shown(&self) -> String {
        let all = format!("{self:#?}\n");
        let outside = ["source: \"", "first_step: "];
        let means = |l: &&str| {
            let field = l.trim_start();
            !l.ends_with("place: _,") && l.trim() != "_," && !outside.iter().any(|o| field.starts_with(o))
        };
        all.lines().filter(means).map(|l| format!("{l}\n")).collect()
    }
}

impl PartialEq for Step {
    fn eq(&self, other: &Step) -> bool {
        self.kind == other.kind
    }
}
