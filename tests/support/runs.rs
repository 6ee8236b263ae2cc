//! Runs of programs with what they saved.

use crate::cases::two_threads;
use durbin::fault::Fault;
use durbin::loader::Loader;
use durbin::session::{Limit, Program, Run, Session};
use durbin::writer::Writer;
use std::sync::Mutex;

/// Takes saved files and shows them.
#[derive(Default)]
struct MemoryWriter {
    shown: Mutex<String>,
}

impl Writer for MemoryWriter {
    fn write(&self, files: &[(&str, &[u8])], _inputs: &[&str]) -> Result<(), (usize, Fault)> {
        let mut shown = self.shown.lock().unwrap();
        for (path, content) in files {
            if path.ends_with(".json") {
                let rounded = rounded(serde_json::from_slice(content).unwrap());
                shown.push_str(&format!("── {path}\n{rounded:#}\n"));
                continue;
            }
            match std::str::from_utf8(content) {
                Ok(text) => shown.push_str(&format!("── {path}\n{}\n", without_sheet(text))),
                Err(_) => shown.push_str(&format!("── {path}\n{}\n", document(content))),
            }
        }
        Ok(())
    }
}

/// A document whose numbers have six digits: the last ones differ between machines.
fn rounded(document: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match document {
        Value::Number(n) if n.is_f64() => {
            let x: f64 = format!("{:.5e}", n.as_f64().unwrap()).parse().unwrap();
            Value::from(x)
        }
        Value::Array(items) => items.into_iter().map(rounded).collect(),
        Value::Object(fields) => Value::Object(fields.into_iter().map(|(k, v)| (k, rounded(v))).collect()),
        other => other,
    }
}

/// A page without its style sheet, which is the same in all.
fn without_sheet(text: &str) -> String {
    match (text.split_once("<style>"), text.split_once("</style>")) {
        (Some((head, _)), Some((_, rest))) => format!("{head}<style>…</style>{rest}"),
        _ => text.to_string(),
    }
}

/// The text of a Word document, a paragraph a line: its parts are stored as they are.
fn document(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let inside = text.split("<w:body>").nth(1).and_then(|t| t.split("</w:body>").next());
    inside.map_or(format!("{} bytes", bytes.len()), |t| t.replace("</w:p>", "</w:p>\n"))
}

/// A line `# memory BYTES` at the head of a case is what `--memory` would say.
fn memory(program: &Program) -> Option<Limit> {
    let text = String::from_utf8_lossy(&program.bytes);
    let bytes = text.lines().next()?.strip_prefix("# memory ")?.trim().parse().ok()?;
    Some(Limit::Given(bytes))
}

/// Runs a program on `files`: the run, and what it saved.
pub fn run(program: &Program, files: &dyn Loader) -> (Run, String) {
    let writer = MemoryWriter::default();
    let session = Session::new(files).writing(&writer).limited(memory(program));
    let run = two_threads(|| session.run(program));
    drop(session);
    let saved = writer.shown.into_inner().unwrap();
    (run, saved)
}
