//! Bytes of a Stata file at a place: every look is bounded, whatever the file announces.

use crate::fault::Fault;

/// A file and the order of its bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes<'a> {
    pub file: &'a str,
    pub all: &'a [u8],
    pub little: bool,
}

impl<'a> Bytes<'a> {
    pub fn new(file: &'a str, all: &'a [u8]) -> Bytes<'a> {
        Bytes { file, all, little: true }
    }

    /// `length` bytes from `at`; `what` stands there where the file is whole.
    pub fn slice(&self, at: usize, length: usize, what: &str) -> Result<&'a [u8], Fault> {
        at.checked_add(length).and_then(|end| self.all.get(at..end)).ok_or_else(|| self.ends_early(what))
    }

    /// An unsigned whole number of up to eight bytes.
    pub fn unsigned(&self, at: usize, length: usize, what: &str) -> Result<u64, Fault> {
        let raw = self.slice(at, length, what)?;
        let add = |sum: u64, b: &u8| (sum << 8) | u64::from(*b);
        Ok(if self.little { raw.iter().rev().fold(0, add) } else { raw.iter().fold(0, add) })
    }

    /// A whole number that counts or places something in the file.
    pub fn count(&self, at: usize, length: usize, what: &str) -> Result<usize, Fault> {
        let n = self.unsigned(at, length, what)?;
        usize::try_from(n).ok().filter(|n| *n < isize::MAX as usize).ok_or_else(|| self.damaged(what))
    }

    /// The text between two tags from `at` on, and where it ends behind the second.
    pub fn tagged(&self, at: usize, tag: &str, length: usize) -> Result<(usize, usize), Fault> {
        let open = format!("<{tag}>");
        let found = self.slice(at, open.len(), tag)?;
        if found != open.as_bytes() {
            return Err(self.damaged(tag));
        }
        let start = at + open.len();
        let after = start.checked_add(length).ok_or_else(|| self.damaged(tag))?;
        Ok((start, after + open.len() + 1))
    }

    pub fn ends_early(&self, what: &str) -> Fault {
        let message =
            format!("{} ends early, after {} bytes: `{what}` is missing or cut off", self.file, self.all.len());
        Fault::error("durbin::data::truncated", message)
            .help("it may have been cut off on its way: get it again, or save it again from Stata")
            .label(self.file, 1, 1, format!("`{what}` is not all there"))
    }

    pub fn damaged(&self, what: &str) -> Fault {
        Fault::error("durbin::data::damaged", format!("{} is damaged: `{what}` is not what the format says", self.file))
            .help("get it again, or save it again from Stata")
            .label(self.file, 1, 1, format!("at `{what}`"))
    }
}
