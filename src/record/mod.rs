//! An analysis under version control: a lock with every number of its results, whether they still come out, and what
//! differs between two programs as analyses.

mod difference;
mod lock;
mod models;
mod verify;

pub use difference::differences;
pub use lock::{Lock, LockedNumber};
pub use verify::{Moved, Verdict, verify};

use crate::report::number::significant;

/// A number as sentences show it.
fn shown(x: f64) -> String {
    if x.is_nan() { "none".to_string() } else { significant(x, 6) }
}

/// The change from one number to another, in percent where that says something.
fn change(from: f64, to: f64) -> String {
    if from.is_nan() || to.is_nan() || from == 0.0 {
        return String::new();
    }
    let share = 100.0 * (to - from) / from.abs();
    if share.abs() < 1e-6 { " (by less than 1e-6 %)".to_string() } else { format!(" ({share:+.3} %)") }
}
