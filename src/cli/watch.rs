//! Progress on standard error for runs over a second, and Ctrl-C.
//!
//! Files are written last and all at once, so that a run may end at any step before: Ctrl-C ends it there, says which
//! step it was and what was finished, and leaves with 130.

use super::RunFormat;
use crate::diagnostic::{Diagnostic, Style, render};
use crate::fault::Fault;
use crate::report::json;
use crate::session::Interrupt;
use crate::source::Sources;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Progress is shown after this long …
const QUIET_FOR: Duration = Duration::from_secs(1);
/// … and renewed this often.
const RENEWED: Duration = Duration::from_millis(200);

#[derive(Debug)]
struct State {
    step: &'static str,
    /// Parts of the step that are done, and how many there are.
    parts: Option<(usize, usize)>,
    finished: Vec<&'static str>,
    began: Instant,
    shown: bool,
    ended: bool,
    quiet: bool,
}

/// Knows which step a run is at.
#[derive(Clone, Debug)]
pub struct Watch {
    state: Arc<Mutex<State>>,
}

impl Watch {
    /// Begins to watch; a thread of its own shows progress where standard error is a terminal.
    pub fn start(quiet: bool, format: RunFormat) -> Watch {
        let state = State {
            step: "program",
            parts: None,
            finished: Vec::new(),
            began: Instant::now(),
            shown: false,
            ended: false,
            quiet,
        };
        let watch = Watch { state: Arc::new(Mutex::new(state)) };
        let stopped = watch.clone();
        // Without a handler Ctrl-C ends the process as it always does.
        let _ = ctrlc::set_handler(move || stopped.interrupted(format));
        watch.progress();
        watch
    }

    /// Begins to watch another run.
    pub fn again(&self) {
        let mut state = self.lock();
        let (quiet, began) = (state.quiet, Instant::now());
        *state = State { step: "program", parts: None, finished: Vec::new(), began, shown: false, ended: false, quiet };
        drop(state);
        self.progress();
    }

    /// A thread of its own shows progress where standard error is a terminal.
    fn progress(&self) {
        if !self.lock().quiet && std::io::stderr().is_terminal() {
            let shown = self.clone();
            std::thread::spawn(move || while shown.renew() {});
        }
    }

    /// No more progress; from here on Ctrl-C waits for what is being written.
    pub fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        if state.shown {
            eprint!("\r\x1b[K");
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn renew(&self) -> bool {
        std::thread::sleep(RENEWED);
        let mut state = self.lock();
        if state.ended {
            return false;
        }
        let passed = state.began.elapsed();
        if passed >= QUIET_FOR {
            state.shown = true;
            let parts = state.parts.map_or(String::new(), |(done, of)| format!(", {done} of {of}"));
            eprint!("\r\x1b[K{}{parts} … {} s", state.step, passed.as_secs());
            let _ = std::io::stderr().flush();
        }
        true
    }

    fn interrupted(&self, format: RunFormat) {
        let state = self.lock();
        if state.ended {
            std::process::exit(130);
        }
        if state.shown {
            eprint!("\r\x1b[K");
        }
        let finished = match state.finished.as_slice() {
            [] => "nothing was finished".to_string(),
            steps => format!("finished: {}", steps.join(", ")),
        };
        let message = format!("interrupted while at the step `{}`; {finished}", state.step);
        let fault = Fault::error("durbin::run::interrupted", message).help("no file was written");
        let diagnostic = Diagnostic::at(fault, None);
        let sources = Sources::default();
        eprint!("{}", render(std::slice::from_ref(&diagnostic), &sources, &|_| None, Style::Plain));
        if format == RunFormat::Json {
            let document = json::refusal(vec![diagnostic.to_json(&sources)], Vec::new());
            print!("{}", json::written(&document));
            let _ = std::io::stdout().flush();
        }
        std::process::exit(130);
    }
}

impl Interrupt for Watch {
    fn stop(&self) -> bool {
        false
    }

    fn begin(&self, step: &'static str) {
        let mut state = self.lock();
        let last = state.step;
        if !state.finished.contains(&last) {
            state.finished.push(last);
        }
        state.step = step;
        state.parts = None;
    }

    fn progress(&self, done: usize, of: usize) {
        let mut state = self.lock();
        // Parts end in any order.
        let most = state.parts.filter(|p| p.1 == of).map_or(done, |p| p.0.max(done));
        state.parts = Some((most, of));
    }
}
