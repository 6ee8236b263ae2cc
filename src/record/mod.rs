//! An analysis under version control: a lock with every number of its results, whether they still come out, and what
//! differs between two programs as analyses.

mod difference;
mod lock;
mod models;
mod verify;

pub use difference::differences;
pub use lock::{Lock, LockedNumbers};
pub use verify::{Moved, Verdict, verify};

use crate::report::number::significant;

/// A number as sentences show it: counts and seeds in full.
fn shown(x: f64) -> String {
    match x {
        x if x.is_nan() => "none".to_string(),
        x if whole(x) => x.to_string(),
        x => significant(x, 6),
    }
}

fn whole(x: f64) -> bool {
    x.fract() == 0.0 && x.abs() < 1e15
}

/// Two numbers with as many digits as tell them apart.
fn both(a: f64, b: f64) -> (String, String) {
    let with = |digits: usize| (significant(a, digits), significant(b, digits));
    if a.is_nan() || b.is_nan() || (whole(a) && whole(b)) {
        return (shown(a), shown(b));
    }
    (6..=16).map(with).find(|(x, y)| x != y).unwrap_or_else(|| (a.to_string(), b.to_string()))
}

/// The change from one number to another, in percent where that says something.
fn change(from: f64, to: f64) -> String {
    if from.is_nan() || to.is_nan() || from == 0.0 {
        return String::new();
    }
    let share = 100.0 * (to - from) / from.abs();
    if share.abs() < 0.001 { format!(" ({share:+.1e} %)") } else { format!(" ({share:+.3} %)") }
}
