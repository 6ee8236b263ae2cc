//! Stopping an evaluation from another thread: it ends before anything is written, or what it writes is complete.

use crate::estimators::Interrupt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

const RUNNING: u8 = 0;
const CANCELLED: u8 = 1;
const WRITING: u8 = 2;

/// A handle that stops what its session is doing. Clones stop the same evaluation; the session's next one begins anew.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicU8>);

impl Cancel {
    /// Asks for the end. False where files are being written already: that is short, and is finished.
    pub fn cancel(&self) -> bool {
        self.0.compare_exchange(RUNNING, CANCELLED, Ordering::AcqRel, Ordering::Acquire) != Err(WRITING)
    }

    /// Whether the end was asked for.
    pub fn cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire) == CANCELLED
    }

    /// From here on nothing stops it; false where it was stopped.
    pub(super) fn commit(&self) -> bool {
        self.0.compare_exchange(RUNNING, WRITING, Ordering::AcqRel, Ordering::Acquire) != Err(CANCELLED)
    }

    /// A new evaluation.
    pub(super) fn reset(&self) {
        self.0.store(RUNNING, Ordering::Release);
    }
}

/// An evaluation that two may stop: its watch and its session's handle.
pub(super) struct Watched<'a> {
    pub of: &'a dyn Interrupt,
    pub cancel: &'a Cancel,
}

impl Interrupt for Watched<'_> {
    fn stop(&self) -> bool {
        self.cancel.cancelled() || self.of.stop()
    }

    fn begin(&self, step: &'static str) {
        self.of.begin(step);
    }

    fn progress(&self, done: usize, of: usize) {
        self.of.progress(done, of);
    }

    fn done(&self, kind: &'static str, key: &str) {
        self.of.done(kind, key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cancelled_is_not_written_and_what_is_written_not_cancelled() {
        let cancel = Cancel::default();
        assert!(cancel.clone().cancel() && cancel.cancelled() && !cancel.commit());
        cancel.reset();
        assert!(cancel.commit() && !cancel.cancel() && !cancel.cancelled());
    }
}
