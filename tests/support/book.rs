//! The blocks of a document and whether they are true: programs run, outputs are those of the program above them,
//! commands print what stands below them.
//!
//! A line `…` in an output stands for lines left out, a `…` at the end of a line for the rest of it. With `DURBIN_DOCS=update` an output that is not the real one is
//! replaced by it.

use durbin::diagnostic::{Style, render};
use durbin::loader::DiskLoader;
use durbin::report;
use durbin::session::{Program, Run, Session};
use durbin::writer::DiskWriter;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A fenced block: its info string, its lines, and the line its text begins at (from 0).
#[derive(Clone, Debug)]
pub struct Block {
    pub info: String,
    pub body: String,
    pub first: usize,
}

impl Block {
    fn last(&self) -> usize {
        self.first + self.body.lines().count()
    }
}

/// Fenced blocks of a document.
pub fn blocks(text: &str) -> Vec<Block> {
    let mut out = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in text.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => {
                open = Some(Block { info: info.to_string(), body: String::new(), first: number + 1 });
            }
            (Some(_), Some(_)) => out.extend(open.take()),
            (Some(block), None) => {
                block.body.push_str(line);
                block.body.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    out
}

/// Documents below a folder, by path from the root.
pub fn documents(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "md") {
                found.push(path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}

/// What a program printed, and its diagnostics as a terminal shows them.
pub fn printed(run: &Run) -> String {
    run.entries.iter().filter(|e| e.printed).map(report::text).collect::<Vec<_>>().join("\n")
}

pub fn told(run: &Run) -> String {
    render(&run.diagnostics, &run.sources, &|_| None, Style::Plain)
}

/// The declarations of the example, and those of its models that a fragment names.
fn declarations(fragment: &str) -> String {
    let castle = fs::read_to_string(root().join("examples/castle/castle.durbin")).unwrap();
    let names = |line: &str| {
        let name = line.split_whitespace().nth(1).unwrap_or_default();
        fragment.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name)
    };
    let mut out = String::new();
    for line in castle.lines() {
        if line.starts_with("C  ") {
            break;
        }
        if !line.starts_with("model ") || names(line) {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// The program of a block, by its info string.
fn program_of(block: &Block) -> String {
    let text = &block.body;
    match block.info.as_str() {
        "durbin" | "durbin,refused" => text.clone(),
        // "layout": written otherwise than `durbin fmt` would
        "durbin,fragment" | "durbin,fragment,refused" | "durbin,layout" => format!("{}{text}", declarations(text)),
        // clauses of the panel of the example
        "durbin,clauses" => {
            let all = declarations("");
            let (before, after) = all.split_at(all.find("\n}").unwrap() + 1);
            format!("{before}{text}{after}")
        }
        other => panic!("a block of the unknown kind `{other}`"),
    }
}

/// What the checks of one document found: faults, and its text as it should be.
#[derive(Default)]
pub struct Found {
    pub faults: Vec<String>,
    replaced: Vec<(usize, usize, String)>,
}

/// Runs every block of a document.
pub fn checked(path: &str) -> Found {
    let text = fs::read_to_string(root().join(path)).unwrap();
    let mut found = Found::default();
    let mut output: Option<String> = None;
    for block in blocks(&text) {
        match block.info.as_str() {
            "text" => match output.take() {
                Some(real) => found.compare(path, &block, &real),
                None => found.faults.push(format!("{path}:{}: an output without a program above it", block.first)),
            },
            "console" => found.console(path, &block),
            "sh" => found.shell(path, &block),
            // typed into a terminal by tests/terminal/castle.sh
            "r" | "stata" | "python" | "transcript" => {}
            _ => output = Some(found.program(path, &block)),
        }
    }
    found
}

impl Found {
    fn program(&mut self, path: &str, block: &Block) -> String {
        let loader = DiskLoader::new(&root().join("examples/castle"), &[]);
        let out = copied();
        let writer = DiskWriter::new(&out, &out, Path::new("program.durbin"));
        let run = Session::new(&loader).writing(&writer).run(&Program::new("program.durbin", &program_of(block)));
        fs::remove_dir_all(out).unwrap();
        if run.failed() != block.info.ends_with("refused") {
            let what = if run.failed() { told(&run) } else { "is not refused".to_string() };
            self.faults.push(format!("{path}:{}: the program\n{what}", block.first));
        }
        if run.failed() { told(&run) } else { printed(&run) }
    }

    /// Output against what really came.
    fn compare(&mut self, path: &str, block: &Block, real: &str) {
        if !fits(&block.body, real) {
            self.faults.push(format!("{path}:{}: not printed:\n{}\nbut\n{real}", block.first, block.body));
            self.replaced.push((block.first, block.last(), real.to_string()));
        }
    }

    /// Commands after `$ `, each with what it prints below it.
    fn console(&mut self, path: &str, block: &Block) {
        let folder = copied();
        let (mut whole, before) = (String::new(), self.faults.len());
        for part in block.body.split("$ ").skip(1) {
            let (command, expected) = part.split_once('\n').unwrap_or((part, ""));
            let real = said(command, &folder);
            whole.push_str(&format!("$ {command}\n{real}"));
            if !fits(expected, &real) {
                self.faults.push(format!("{path}:{}: `{command}` prints\n{real}", block.first));
            }
        }
        if self.faults.len() > before {
            self.replaced.push((block.first, block.last(), whole));
        }
        fs::remove_dir_all(folder).unwrap();
    }

    /// Commands that are not run name what exists.
    fn shell(&mut self, path: &str, block: &Block) {
        for line in block.body.lines() {
            let known = ["cargo run", "cargo test", "cargo install", "git clone"];
            if !known.iter().any(|k| line.starts_with(k)) {
                self.faults.push(format!("{path}:{}: `{line}` is none of {known:?}", block.first));
            }
        }
    }

    /// Writes the document with real outputs, where that is asked for.
    pub fn mend(&self, path: &str) {
        if std::env::var("DURBIN_DOCS").as_deref() != Ok("update") || self.replaced.is_empty() {
            return;
        }
        let text = fs::read_to_string(root().join(path)).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_string).collect();
        for (first, last, real) in self.replaced.iter().rev() {
            lines.splice(*first..*last, real.trim_end().lines().map(str::to_string));
        }
        fs::write(root().join(path), lines.join("\n") + "\n").unwrap();
    }
}

/// Whether the parts of an output that `…` separates are found in the real one, in their order.
fn fits(expected: &str, real: &str) -> bool {
    let real: Vec<&str> = real.lines().map(str::trim_end).collect();
    let expected: Vec<&str> = expected.lines().map(str::trim_end).collect();
    let mut from = 0;
    for part in expected.split(|line| line.trim() == "…") {
        let part: &[&str] = match part {
            [head @ .., ""] => head,
            part => part,
        };
        if part.is_empty() {
            continue;
        }
        match real[from..].windows(part.len()).position(|w| w.iter().zip(part).all(same)) {
            Some(at) => from += at + part.len(),
            None => return false,
        }
    }
    !expected.is_empty() || real.is_empty()
}

/// A line that ends with `…` is the beginning of the real one.
fn same((real, expected): (&&str, &&str)) -> bool {
    expected.strip_suffix('…').map_or(real == expected, |head| real.starts_with(head))
}

/// The folder of the example, copied: commands may write there.
fn copied() -> PathBuf {
    static NUMBER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("durbin-docs-{}-{number}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    for file in fs::read_dir(root().join("examples/castle")).unwrap() {
        let file = file.unwrap();
        if file.path().is_file() {
            fs::copy(file.path(), folder.join(file.file_name())).unwrap();
        }
    }
    folder
}

/// What a command prints: remarks, then results, as a terminal shows them.
fn said(command: &str, folder: &Path) -> String {
    let mut words = command.split_whitespace();
    assert_eq!(words.next(), Some("durbin"), "`{command}`");
    let arguments: Vec<String> = words.map(|w| w.trim_matches('\'').to_string()).collect();
    let done = Command::new(env!("CARGO_BIN_EXE_durbin")).args(&arguments).current_dir(folder).output().unwrap();
    format!("{}{}", String::from_utf8(done.stderr).unwrap(), String::from_utf8(done.stdout).unwrap())
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn an_ellipsis_leaves_lines_out() {
        assert!(fits("a\n…\nc\n", "a\nb\nc\nd\n"));
        assert!(!fits("c\n…\na\n", "a\nb\nc\n"));
        assert!(!fits("a\nc\n", "a\nb\nc\n"));
        assert!(!fits("", "a\n"));
    }
}
