//! A lock against a run of today: which inputs changed, and which numbers moved by how much.

use super::{Lock, both, change, shown};
use crate::fault::{counted, size};
use serde_json::{Value, json};

/// Numbers that moved, on a terminal.
const MOST_SHOWN: usize = 60;

/// A number that is not what it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Moved {
    pub place: String,
    /// `None`: it was not there.
    pub locked: Option<f64>,
    /// `None`: it is no longer there.
    pub now: Option<f64>,
}

/// What a comparison found.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Verdict {
    /// What changed, in words: program, options, data, version.
    pub changes: Vec<String>,
    pub moved: Vec<Moved>,
    /// Numbers that are as they were.
    pub held: usize,
}

impl Verdict {
    /// Whether every number is as it was.
    pub fn holds(&self) -> bool {
        self.moved.is_empty()
    }

    /// For the terminal.
    pub fn text(&self, program: &str) -> String {
        let mut out = String::new();
        if self.holds() {
            out.push_str(&format!("{program}: {} as locked\n", counted(self.held, "number", "numbers")));
        } else {
            let (moved, all) = (self.moved.len(), self.moved.len() + self.held);
            out.push_str(&format!("{program}: {moved} of {} moved\n", counted(all, "number", "numbers")));
        }
        let heading = if self.holds() { "Changed, without effect on any number" } else { "Changed" };
        if !self.changes.is_empty() {
            out.push_str(&format!("\n{heading}\n"));
            self.changes.iter().for_each(|c| out.push_str(&format!("  {c}\n")));
        } else if !self.holds() {
            out.push_str("\nNeither the program, nor its data, nor the version of durbin changed.\n");
        }
        if !self.holds() {
            out.push_str("\nMoved\n");
            self.moved.iter().take(MOST_SHOWN).for_each(|m| out.push_str(&format!("  {}\n", m.words())));
            if let Some(more) = self.moved.len().checked_sub(MOST_SHOWN).filter(|n| *n > 0) {
                out.push_str(&format!("  … and {more} more; `--format json` has all of them\n"));
            }
        }
        out
    }

    /// As data.
    pub fn document(&self, program: &str) -> Value {
        let number = |x: &Option<f64>| x.filter(|x| x.is_finite()).map_or(Value::Null, |x| json!(x));
        let moved: Vec<Value> = (self.moved.iter())
            .map(|m| json!({"place": m.place, "locked": number(&m.locked), "now": number(&m.now)}))
            .collect();
        json!({
            "schema": "durbin.verify/1",
            "program": program,
            "holds": self.holds(),
            "held": self.held,
            "changes": self.changes,
            "moved": moved,
        })
    }
}

impl Moved {
    /// One line.
    pub fn words(&self) -> String {
        match (self.locked, self.now) {
            (Some(a), Some(b)) => {
                let (from, to) = both(a, b);
                format!("{}: {from} → {to}{}", self.place, change(a, b))
            }
            (Some(a), None) => format!("{}: was {}, is no longer there", self.place, shown(a)),
            (None, Some(b)) => format!("{}: {} is new", self.place, shown(b)),
            (None, None) => self.place.clone(),
        }
    }
}

/// Compares; `program` says what changed in the program, in words. Numbers are equal within `tolerance` of their size.
pub fn verify(locked: &Lock, now: &Lock, program: Vec<String>, tolerance: f64) -> Verdict {
    let mut changes = program;
    changes.extend(inputs(locked, now));
    if locked.version != now.version {
        changes.push(format!("durbin {} → {}", locked.version, now.version));
    }
    let (mut moved, mut held) = (Vec::new(), 0);
    for (place, &was) in &locked.numbers {
        let found = now.number(place);
        match found {
            Some(x) if same(was, x, tolerance) => held += 1,
            _ => moved.push(Moved { place: place.clone(), locked: Some(was), now: found }),
        }
    }
    for (place, &is) in now.numbers.iter().filter(|(place, _)| locked.number(place).is_none()) {
        moved.push(Moved { place: place.clone(), locked: None, now: Some(is) });
    }
    Verdict { changes, moved, held }
}

fn same(a: f64, b: f64, tolerance: f64) -> bool {
    (a.is_nan() && b.is_nan()) || a == b || (a - b).abs() <= tolerance * a.abs().max(b.abs())
}

/// Files that are not what they were.
fn inputs(locked: &Lock, now: &Lock) -> Vec<String> {
    let mut out = Vec::new();
    for file in &locked.inputs {
        match now.inputs.iter().find(|f| f.path == file.path) {
            None => out.push(format!("`{}` is no longer read", file.path)),
            Some(f) if f.blake3 == file.blake3 => {}
            Some(f) if f.bytes == file.bytes => {
                out.push(format!("the content of `{}` changed, its size did not ({} B)", f.path, f.bytes));
            }
            Some(f) => {
                let by = f.bytes as i64 - file.bytes as i64;
                out.push(format!("the content of `{}` changed: {by:+} B, now {}", f.path, size(f.bytes)));
            }
        }
    }
    let new = now.inputs.iter().filter(|f| !locked.inputs.iter().any(|l| l.path == f.path));
    out.extend(new.map(|f| format!("`{}` is read and was not", f.path)));
    out
}
