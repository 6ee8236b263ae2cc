//! An evaluation on a thread of its own, so that Ctrl-C always comes back to the prompt: the thread is asked to stop, and
//! where it is in the middle of something long, the prompt does not wait for it. What it works on is a clone.

use crate::session::{Interrupt, Session};
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often the signal is looked at.
const LOOK: Duration = Duration::from_millis(10);
/// How long the thread is waited for once it was asked to stop.
const PATIENCE: Duration = Duration::from_millis(120);
/// Progress is shown after this long …
const QUIET_FOR: Duration = Duration::from_secs(1);
/// … and renewed this often.
const RENEWED: Duration = Duration::from_millis(200);
/// Of an evaluation's thread: trees of expressions are walked on it.
const STACK: usize = 64 << 20;

/// Set by Ctrl-C.
#[derive(Clone, Debug, Default)]
pub struct Signal(Arc<AtomicBool>);

impl Signal {
    /// Listens from now on; where nothing can listen, Ctrl-C ends the process as it always does.
    pub fn listen(&self) {
        let flag = self.0.clone();
        let _ = ctrlc::set_handler(move || flag.store(true, Ordering::Release));
    }

    /// Whether it was given since it was last asked for.
    pub fn taken(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
    }
}

/// What an evaluation is at, and what it has done.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    step: &'static str,
    /// Parts of the step that are done, and how many there are.
    parts: Option<(usize, usize)>,
    done: BTreeMap<&'static str, usize>,
}

impl Progress {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often a kind of step was done.
    pub fn count(&self, kind: &str) -> usize {
        self.lock().done.get(kind).copied().unwrap_or(0)
    }
}

impl Interrupt for Progress {
    fn stop(&self) -> bool {
        false
    }

    fn begin(&self, step: &'static str) {
        let mut state = self.lock();
        (state.step, state.parts) = (step, None);
    }

    fn progress(&self, done: usize, of: usize) {
        let mut state = self.lock();
        // Parts end in any order.
        let most = state.parts.filter(|p| p.1 == of).map_or(done, |p| p.0.max(done));
        state.parts = Some((most, of));
    }

    fn done(&self, kind: &'static str, _: &str) {
        *self.lock().done.entry(kind).or_default() += 1;
    }
}

/// Does `work` on a clone of the session, which takes its place when it is done; `None` where Ctrl-C came first, and the
/// session is as it was.
pub fn evaluate<R: Send + 'static>(
    session: &mut Session<'static>,
    signal: &Signal,
    progress: &Progress,
    work: impl FnOnce(&mut Session<'static>) -> R + Send + 'static,
) -> Option<R> {
    let mut attempt = session.clone().watched(progress.clone());
    let cancel = attempt.canceller();
    let (send, receive) = channel();
    let began = Instant::now();
    // A signal from before this evaluation is not meant for it.
    signal.taken();
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(move || {
        let result = work(&mut attempt);
        // Nobody waits for what was abandoned.
        let _ = send.send((attempt, result));
    });
    thread.ok()?;
    let (mut asked, mut shown): (Option<Instant>, Option<Instant>) = (None, None);
    let outcome = loop {
        match receive.recv_timeout(LOOK) {
            Ok((attempt, result)) => break (asked.is_none() || !cancel.cancelled()).then_some((attempt, result)),
            Err(RecvTimeoutError::Disconnected) => break None,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if signal.taken() && cancel.cancel() {
            asked = Some(Instant::now());
        }
        if asked.is_some_and(|at| at.elapsed() > PATIENCE) {
            break None;
        }
        if began.elapsed() >= QUIET_FOR && shown.is_none_or(|at| at.elapsed() >= RENEWED) && show(progress, began) {
            shown = Some(Instant::now());
        }
    };
    if shown.is_some() {
        eprint!("\r\x1b[K");
    }
    let (attempt, result) = outcome?;
    *session = attempt;
    Some(result)
}

/// The step and its seconds, on a terminal.
fn show(progress: &Progress, began: Instant) -> bool {
    if !std::io::stderr().is_terminal() {
        return false;
    }
    let (step, parts) = {
        let state = progress.lock();
        (state.step, state.parts.map_or(String::new(), |(done, of)| format!(", {done} of {of}")))
    };
    eprint!("\r\x1b[K{step}{parts} … {} s", began.elapsed().as_secs());
    let _ = std::io::stderr().flush();
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ctrl_c_comes_back_whatever_is_going_on() {
        let mut session = Session::in_memory();
        assert!(!session.eval("let k = 1").failed());
        let signal = Signal::default();
        let flag = signal.0.clone();
        let given = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            flag.store(true, Ordering::Release);
            Instant::now()
        });
        let result = evaluate(&mut session, &signal, &Progress::default(), |s| {
            s.eval("let k = 2");
            // Nothing here looks at the signal, and nothing is being written any more.
            std::thread::sleep(Duration::from_secs(5));
        });
        let back = Instant::now();
        let waited = back.duration_since(given.join().unwrap());
        assert!(result.is_none() && waited < Duration::from_millis(200), "{waited:?}");
        assert_eq!(session.names()[0].2, "let k = 1\n", "the session is as it was");
        assert!(evaluate(&mut session, &signal, &Progress::default(), |s| s.eval("k").number()) == Some(Some(1.0)));
    }
}
