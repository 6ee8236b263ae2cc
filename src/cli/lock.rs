//! `durbin lock FILE`, `durbin verify FILE`, `durbin diff A B`.

use super::input::{STANDARD_INPUT, home, program};
use super::watch::Watch;
use super::{Common, Format, misused, terminal, threads};
use crate::check::spec::Spec;
use crate::fault::{Fault, counted};
use crate::loader::DiskLoader;
use crate::record::{Lock, differences, verify};
use crate::report;
use crate::session::{Program, Run, Session};
use crate::writer::{DiskWriter, Writer};
use serde_json::json;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Numbers are equal within this share of their size, where nothing else is said: far below what is printed, far above
/// what another processor rounds differently.
const TOLERANCE: f64 = 1e-8;
/// The status of a verification that found a difference.
const DIFFERENT: u8 = 3;

#[derive(clap::Args, Debug)]
pub struct Locking {
    /// The program; its lock is FILE.lock
    file: PathBuf,
    /// Processor threads (default: all)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    #[command(flatten)]
    common: Common,
}

#[derive(clap::Args, Debug)]
pub struct Verify {
    #[command(flatten)]
    of: Locking,
    /// Numbers may move by this share of their size
    #[arg(long, value_name = "SHARE", default_value_t = TOLERANCE, value_parser = share)]
    tolerance: f64,
}

/// A number from 0 to 1.
fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if (0.0..=1.0).contains(&x) => Ok(x),
        _ => Err("a share of a number's size lies between 0 and 1".to_string()),
    }
}

#[derive(clap::Args, Debug)]
pub struct Diff {
    /// The first program
    a: PathBuf,
    /// The second program
    b: PathBuf,
    #[command(flatten)]
    common: Common,
}

/// Takes what a program saves and writes nothing: a lock holds numbers, and files are the program's own business.
struct Nowhere;

impl Writer for Nowhere {
    fn write(&self, _: &[(&str, &[u8])], _: &[&str]) -> Result<(), (usize, Fault)> {
        Ok(())
    }
}

/// `study.durbin.lock`
fn lock_of(file: &Path) -> PathBuf {
    let mut name: OsString = file.as_os_str().to_os_string();
    name.push(".lock");
    PathBuf::from(name)
}

impl Locking {
    /// The program and what it gives today; the exit status where it does not run.
    fn run(&self, sets: &[(String, String)]) -> Result<(Program, Run), ExitCode> {
        threads(self.threads);
        let loader = DiskLoader::new(&home(&self.file), &self.common.allow_read);
        let watch = Watch::start(self.common.quiet, self.common.format.into());
        let program = program(&self.file, sets);
        let run = match &program {
            Ok(program) => Session::new(&loader).writing(Nowhere).watched(&watch).run(program),
            Err(fault) => Run::refused(&self.file.to_string_lossy(), fault.clone()),
        };
        watch.end();
        if run.failed() {
            return Err(terminal::show(&run, self.common.format.into(), self.common.quiet, &loader));
        }
        terminal::diagnostics(&run, self.common.quiet, &loader);
        program.map(|program| (program, run)).map_err(|_| ExitCode::from(1))
    }

    /// Writes the lock.
    pub fn execute(&self) -> ExitCode {
        if self.file.as_os_str() == STANDARD_INPUT {
            return misused(
                "a lock stands beside its program, and standard input has no place: name the program's file",
            );
        }
        let (program, run) = match self.run(&self.common.sets) {
            Ok(done) => done,
            Err(status) => return status,
        };
        let (lock, path) = (Lock::of(&program, &run), lock_of(&self.file));
        if let Err(fault) = self.written(&path, &lock) {
            return terminal::refused(fault, self.common.format);
        }
        let (numbers, inputs) = (lock.numbers.len(), lock.inputs.len());
        let said = match self.common.format {
            Format::Json => report::json::written(&json!({
                "schema": "durbin.locked/1", "lock": path.to_string_lossy(), "numbers": numbers, "inputs": inputs,
            })),
            Format::Text => format!(
                "{}: {} of {} locked, with {}\n",
                path.display(),
                counted(numbers, "number", "numbers"),
                counted(run.entries.len(), "result", "results"),
                counted(inputs, "file", "files")
            ),
        };
        ExitCode::from(u8::from(!terminal::print(&said)))
    }
}

impl Locking {
    fn written(&self, path: &Path, lock: &Lock) -> Result<(), Fault> {
        let folder = home(&self.file);
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let writer = DiskWriter::new(&folder, &folder, &self.file);
        writer.write(&[(&name, lock.to_json().as_bytes())], &[]).map_err(|(_, fault)| fault)
    }
}

impl Verify {
    pub fn execute(&self) -> ExitCode {
        let (file, common) = (&self.of.file, &self.of.common);
        if file.as_os_str() == STANDARD_INPUT {
            return misused(
                "a lock stands beside its program, and standard input has no place: name the program's file",
            );
        }
        let locked = match read(&lock_of(file)) {
            Ok(lock) => lock,
            Err(fault) => return terminal::refused(fault, common.format),
        };
        let sets = if common.sets.is_empty() { locked.sets.clone() } else { common.sets.clone() };
        let (program, run) = match self.of.run(&sets) {
            Ok(done) => done,
            Err(status) => return status,
        };
        let now = Lock::of(&program, &run);
        let changes = in_words(&locked, &program, file, common);
        let verdict = verify(&locked, &now, changes, self.tolerance);
        let name = file.to_string_lossy();
        let said = match common.format {
            Format::Json => report::json::written(&verdict.document(&name)),
            Format::Text => verdict.text(&name),
        };
        if !terminal::print(&said) {
            return ExitCode::from(1);
        }
        ExitCode::from(if verdict.holds() { 0 } else { DIFFERENT })
    }
}

/// What changed in a program since it was locked.
fn in_words(locked: &Lock, now: &Program, file: &Path, common: &Common) -> Vec<String> {
    let before = Program { name: now.name.clone(), bytes: locked.text.clone().into_bytes(), sets: locked.sets.clone() };
    let same_text = locked.program_blake3 == blake3::hash(&now.bytes).to_hex().to_string();
    if same_text && locked.sets == now.sets {
        return Vec::new();
    }
    let loader = DiskLoader::new(&home(file), &common.allow_read);
    let session = Session::new(&loader);
    match (session.spec(&before).1, session.spec(now).1) {
        (Some(a), Some(b)) => match differences(&a, &b) {
            words if words.is_empty() => vec!["the layout of the program changed, not what it means".to_string()],
            words => words,
        },
        _ => vec!["the program changed, and as it was it no longer fits its data".to_string()],
    }
}

fn read(path: &Path) -> Result<Lock, Fault> {
    let name = path.to_string_lossy();
    let bytes = fs::read(path).map_err(|e| {
        Fault::error("durbin::io::not_found", format!("`{name}` cannot be read: {e}"))
            .help("`durbin lock FILE` writes it")
    })?;
    Lock::from_json(&name, &bytes)
}

impl Diff {
    pub fn execute(&self) -> ExitCode {
        let (a, b) = match (self.spec(&self.a), self.spec(&self.b)) {
            (Ok(a), Ok(b)) => (a, b),
            (Err(status), _) | (_, Err(status)) => return status,
        };
        let words = differences(&a, &b);
        let (effects, stale) = self.effects();
        let said = match self.common.format {
            Format::Json => {
                let effects: Vec<_> = (effects.iter())
                    .map(|(model, term, [x, y])| {
                        let part = |k: usize| json!([finite(x[k]), finite(y[k])]);
                        json!({"model": model, "term": term, "direct": part(0), "indirect": part(1), "total": part(2)})
                    })
                    .collect();
                report::json::written(&json!({
                    "schema": "durbin.diff/1",
                    "a": self.a.to_string_lossy(),
                    "b": self.b.to_string_lossy(),
                    "differences": words,
                    "effects": effects,
                    "notes": stale,
                }))
            }
            Format::Text => text(&words, &effects, &stale),
        };
        ExitCode::from(u8::from(!terminal::print(&said)))
    }

    fn spec(&self, file: &Path) -> Result<Spec, ExitCode> {
        let loader = DiskLoader::new(&home(file), &self.common.allow_read);
        let (run, spec) = match program(file, &self.common.sets) {
            Ok(program) => Session::new(&loader).spec(&program),
            Err(fault) => (Run::refused(&file.to_string_lossy(), fault), None),
        };
        spec.ok_or_else(|| terminal::show(&run, self.common.format.into(), self.common.quiet, &loader))
    }

    /// Headline effects of models that both locks have; where a lock is of something else, what to do instead.
    fn effects(&self) -> (Vec<Headline>, Vec<String>) {
        let files = [&self.a, &self.b];
        if files.iter().any(|f| !lock_of(f).exists()) {
            return Default::default();
        }
        let (mut locks, mut stale) = (Vec::new(), Vec::new());
        for file in files {
            match read(&lock_of(file)) {
                Ok(lock) => {
                    stale.extend(self.stale(&lock, file));
                    locks.push(lock);
                }
                Err(fault) => stale.push(format!("effects are not compared: {}", fault.message)),
            }
        }
        let (true, Some(b), Some(a)) = (stale.is_empty(), locks.pop(), locks.pop()) else { return (Vec::new(), stale) };
        let other = b.headlines();
        let pair = |(model, term, x): (String, String, [f64; 3])| {
            let y = other.iter().find(|h| h.0 == model && h.1 == term)?.2;
            Some((model, term, [x, y]))
        };
        (a.headlines().into_iter().filter_map(pair).collect(), Vec::new())
    }

    /// Why a lock is not that of the program as it is read now.
    fn stale(&self, lock: &Lock, file: &Path) -> Option<String> {
        let now = program(file, &self.common.sets).ok()?;
        let file = file.display();
        if lock.program_blake3 != blake3::hash(&now.bytes).to_hex().as_str() {
            return Some(format!(
                "`{file}` is not as it was when `{file}.lock` was written: lock it again to compare effects"
            ));
        }
        if lock.sets == now.sets {
            return None;
        }
        let words: Vec<String> = lock.sets.iter().map(|(name, value)| format!("--set {name}={value}")).collect();
        let with = if words.is_empty() { "without `--set`".to_string() } else { format!("with `{}`", words.join(" ")) };
        Some(format!("`{file}.lock` was written {with}: compare so, or lock it again, to see effects"))
    }
}

/// Model, term, and its direct, indirect and total effect in both programs.
type Headline = (String, String, [[f64; 3]; 2]);

fn finite(x: f64) -> serde_json::Value {
    if x.is_finite() { json!(x) } else { serde_json::Value::Null }
}

fn text(words: &[String], effects: &[Headline], stale: &[String]) -> String {
    let mut out: String = words.iter().map(|w| format!("{w}\n")).collect();
    if words.is_empty() {
        out.push_str("no difference: both programs mean the same\n");
    }
    if !stale.is_empty() {
        out.push('\n');
        stale.iter().for_each(|line| out.push_str(&format!("{line}\n")));
    }
    if !effects.is_empty() {
        out.push_str("\nEffects, as locked\n");
    }
    for (model, term, [x, y]) in effects {
        let part = |k: usize, name: &str| {
            let show = |v: f64| report::number::significant(v, 4);
            if x[k] == y[k] {
                format!("{name} {} as before", show(x[k]))
            } else {
                format!("{name} {} → {}", show(x[k]), show(y[k]))
            }
        };
        out.push_str(&format!(
            "  `{model}`, {term}: {}, {}, {}\n",
            part(0, "direct"),
            part(1, "indirect"),
            part(2, "total")
        ));
    }
    out
}
