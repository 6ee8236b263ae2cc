//! The prompt without a terminal: what is piped in, what comes out, and with which status.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A copy of the castle example, gone at its end.
struct Castle(PathBuf);

impl Castle {
    fn new(name: &str) -> Castle {
        let folder = std::env::temp_dir().join(format!("durbin-repl-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/castle")).unwrap().flatten() {
            if file.path().is_file() {
                fs::copy(file.path(), folder.join(file.file_name())).unwrap();
            }
        }
        Castle(folder)
    }

    /// Status, standard output, standard error.
    fn durbin(&self, arguments: &[&str], input: &str) -> (i32, String, String) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_durbin"))
            .args(arguments)
            .current_dir(&self.0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let done = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (done.status.code().unwrap_or(-1), text(done.stdout), text(done.stderr))
    }
}

impl Drop for Castle {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const DECLARED: &str = "panel states from \"panel.csv\" {\n  unit state\n  time year\n  let lhom = log(homicide)\n}\n\
                        weights C = row(edges(\"contiguity.csv\"))\n";

#[test]
fn piped_inputs_have_no_prompt_no_echo_and_no_color() {
    let castle = Castle::new("piped");
    let (status, out, err) = castle.durbin(&["repl"], &format!("{DECLARED}nobs(sar(lhom ~ poverty | C))\n"));
    assert_eq!((status, out.as_str(), err.as_str()), (0, "528\n", ""));
    let (status, out, err) = castle.durbin(&["repl"], "nobs(\n# unfinished");
    assert!(status == 1 && out.is_empty() && err.contains("durbin::syntax::unclosed_bracket"), "{err}");
}

#[test]
fn after_a_fault_the_next_input_is_evaluated() {
    let castle = Castle::new("fault");
    let (status, out, err) = castle.durbin(&["repl"], &format!("{DECLARED}nobs(nothing)\nlet k = 3\nk\n"));
    assert_eq!((status, out.as_str()), (1, "3\n"));
    assert!(err.contains("input 3:1:6") && !err.contains('\u{1b}'), "{err}");
}

#[test]
fn commands_say_what_they_did() {
    let castle = Castle::new("commands");
    let input = format!(
        "{DECLARED}:kind lhom ~ poverty\n:kind nobs(ols(lhom ~ poverty))\n:time ols(lhom ~ poverty)\n:time _\n:undo\n:names\n:nmes\n:load\n:help knn\n:quit\nk\n"
    );
    let (status, out, err) = castle.durbin(&["repl"], &input);
    assert_eq!(status, 1);
    assert!(out.contains("a number\n") && out.contains(": 1 model fitted\n"), "{out}");
    assert!(out.contains(": nothing had to be computed\n"), "{out}");
    assert!(out.contains("taken back: ols(lhom ~ poverty)\n") && out.contains("weights C = row(edges"), "{out}");
    assert!(out.contains("fn knn(k, islands = error, symmetric"));
    assert!(err.contains("there is no command `:nmes`") && err.contains("did you mean `:names`?"), "{err}");
    assert!(err.contains("`:load FILE`") && !err.contains("`k`"), "{err}");
}

#[test]
fn a_saved_session_runs_to_the_same_numbers() {
    let castle = Castle::new("saved");
    let ask = "model m = sdm(lhom ~ poverty | C)\nm\n";
    let (status, typed, err) =
        castle.durbin(&["repl"], &format!("{DECLARED}{ask}:save study.durbin\n:save panel.csv\n"));
    assert!(status == 1 && err.contains("durbin::io::overwrites_input"), "{err}");
    let (status, run, _) = castle.durbin(&["run", "study.durbin"], "");
    assert_eq!(status, 0);
    assert_eq!(typed, format!("{run}saved study.durbin\n"));
    let (status, again, err) = castle.durbin(&["repl", "study.durbin"], "nobs(m)\n");
    assert_eq!((status, again), (0, format!("{run}528\n")), "{err}");
    let (status, loaded, _) = castle.durbin(&["repl"], ":load study.durbin\n");
    assert_eq!((status, loaded), (0, run));
}

#[test]
fn a_program_may_be_given_on_the_command_line() {
    let castle = Castle::new("code");
    let program = format!("{DECLARED}nobs(sar(lhom ~ poverty | C))");
    let shown = (0, "528\n".to_string(), String::new());
    assert_eq!(castle.durbin(&["-e", &program], ""), shown);
    assert_eq!(castle.durbin(&["-"], &program), shown);
    assert_eq!(castle.durbin(&[], &program), shown);
    let (status, _, err) = castle.durbin(&["-e", "nobs(m)"], "");
    assert!(status == 1 && err.contains("[-e:1:6]"), "{err}");
    assert_eq!(castle.durbin(&["-e", "1", "-"], "").0, 2);
}

/// Waits for a file to hold a text, ten seconds at most.
fn wait_for(path: &Path, text: &str) -> bool {
    (0..200).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        fs::read_to_string(path).is_ok_and(|shown| shown.contains(text))
    })
}

#[test]
fn a_watched_program_runs_again_when_it_is_saved() {
    let castle = Castle::new("watch");
    let file = castle.0.join("p.durbin");
    fs::write(&file, format!("{DECLARED}nobs(ols(lhom ~ poverty))\n")).unwrap();
    let shown = castle.0.join("shown.txt");
    let mut child = Command::new(env!("CARGO_BIN_EXE_durbin"))
        .args(["run", "p.durbin", "--watch"])
        .current_dir(&castle.0)
        .stdout(fs::File::create(&shown).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let first = wait_for(&shown, "528\n");
    fs::write(&file, format!("{DECLARED}nobs(ols(lhom ~ poverty)) + 1000\n")).unwrap();
    let second = wait_for(&shown, "1528\n");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(first && second, "{}", fs::read_to_string(&shown).unwrap());
}

#[test]
fn a_watched_program_runs_again_when_a_missing_file_is_there_or_a_fault_in_it_mended() {
    let castle = Castle::new("mended");
    let data = castle.0.join("towns.csv");
    let program = "panel towns from \"towns.csv\" { unit town  time year }\nsum(towns.x over [town, year])\n";
    fs::write(castle.0.join("p.durbin"), program).unwrap();
    let shown = castle.0.join("shown.txt");
    let both = fs::File::create(&shown).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_durbin"))
        .args(["run", "p.durbin", "--watch"])
        .current_dir(&castle.0)
        .stdout(both.try_clone().unwrap())
        .stderr(both)
        .spawn()
        .unwrap();
    let missing = wait_for(&shown, "durbin::io::not_found");
    fs::write(&data, "town,year,x\na,1,2\na,1,3\n").unwrap();
    let fault = wait_for(&shown, "durbin::panel::duplicate_key");
    fs::write(&data, "town,year,x\na,1,2\na,2,5000\n").unwrap();
    let mended = wait_for(&shown, "5002");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(missing && fault && mended, "{}", fs::read_to_string(&shown).unwrap());
    let (status, _, err) = castle.durbin(&["run", "-", "--watch"], "1\n");
    assert!(status == 2 && err.contains("standard input is none"), "{err}");
}

#[test]
fn a_line_that_is_not_utf8_is_a_fault_and_the_next_is_evaluated() {
    let castle = Castle::new("latin");
    fs::write(castle.0.join("typed"), b"let k = 3\n\"Caf\xe9\"\nk + 1\n").unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_durbin"))
        .arg("repl")
        .current_dir(&castle.0)
        .stdin(fs::File::open(castle.0.join("typed")).unwrap())
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert_eq!((done.status.code(), &*out), (Some(1), "4\n"), "{err}");
    assert!(err.contains("UTF-8") && err.contains("standard input"), "{err}");
}

#[test]
#[ignore = "types into a terminal: needs tmux"]
fn the_castle_study_is_typed_from_nothing() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let script = root.join("tests/terminal/castle.sh");
    let done = Command::new("bash").arg(script).arg(env!("CARGO_BIN_EXE_durbin")).output().unwrap();
    let (out, err) = (String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap());
    assert!(done.status.success(), "{out}{err}");
    println!("{err}");
    // The book shows what the terminal shows, but for parts left out.
    let book = fs::read_to_string(root.join("docs/repl.md")).unwrap();
    let shown = book.split("```transcript\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let mut real = out.lines();
    for line in shown.lines().filter(|l| *l != "…" && !l.ends_with("nothing had to be computed")) {
        assert!(real.any(|l| l == line), "the terminal does not show, in its place: {line}");
    }
}
