//! What may stand at the cursor: words, names, options with their values, columns, files.

use super::words::{CLAUSES, Place, SETTINGS, STATEMENTS, WORDS, place};
use crate::check::library::{Body, Entry, Library};
use crate::source::Sources;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Commands of the prompt and what they do.
pub const COMMANDS: [(&str, &str); 11] = [
    (":help", "this list; `:help NAME` shows an entry of the library, a module or a fault"),
    (":doc", "the same as `:help`"),
    (":kind", "`:kind EXPR`: what kind of value an expression has"),
    (":plan", "`:plan EXPR`: what would be done for it, and what it takes"),
    (":time", "`:time EXPR`: evaluates it and says how long that took and what was done"),
    (":names", "what is declared"),
    (":load", "`:load FILE`: the statements of a file, as if they were typed"),
    (":save", "`:save FILE`: the session as a program"),
    (":undo", "takes the last input back"),
    (":reset", "forgets everything"),
    (":quit", "ends the session; Ctrl-D does too"),
];

/// Bytes of a hint, about.
const HINT: usize = 50;

/// What is known of the session when the cursor moves.
pub struct Knowledge {
    library: Library,
    /// The values that the documentation names for each option, by entry and option.
    values: BTreeMap<(String, String), Vec<String>>,
    /// Names the session bound.
    pub names: Vec<String>,
    /// Columns of its panels.
    pub columns: Vec<String>,
    /// The folder that paths are relative to.
    home: PathBuf,
    /// The beginning of a file as statements read it; nothing of one they may not read.
    heads: Box<Heads>,
}

/// Reads the beginning of a file.
type Heads = dyn Fn(&str) -> Vec<u8>;

impl Knowledge {
    /// Nothing declared yet.
    pub fn new(home: &Path, heads: impl Fn(&str) -> Vec<u8> + 'static) -> Knowledge {
        let library = Library::standard(&mut Sources::default());
        let mut values = BTreeMap::new();
        for (entry, option, text) in crate::doc::options() {
            values.insert((entry, option), named(&text));
        }
        Knowledge {
            library,
            values,
            names: Vec::new(),
            columns: Vec::new(),
            home: home.to_path_buf(),
            heads: Box::new(heads),
        }
    }

    /// Whether a word is a function of the library.
    pub fn is_function(&self, word: &str) -> bool {
        self.library.get(word).is_some()
    }

    /// The beginning of what is completed, and what it may become.
    pub fn complete(&self, text: &str, cursor: usize) -> (usize, Vec<String>) {
        let before = text.get(..cursor).unwrap_or(text);
        if before.starts_with(':') {
            return self.command(before);
        }
        let here = place(text, cursor);
        let written = &before[here.start.min(before.len())..];
        let found = match &here {
            Place { in_comment: true, .. } => Vec::new(),
            Place { in_string: true, .. } => return self.files(before, here.start, ""),
            _ => self.words(&here),
        };
        (here.start, fitting(found, written))
    }

    fn command(&self, before: &str) -> (usize, Vec<String>) {
        let Some((word, argument)) = before.split_once(char::is_whitespace) else {
            let all = COMMANDS.iter().map(|c| format!("{} ", c.0)).collect();
            return (0, fitting(all, before));
        };
        let start = before.len() - argument.len();
        match word {
            ":load" | ":save" => self.files(before, start, ".durbin"),
            ":help" | ":doc" => (start, fitting(self.library.names().map(str::to_string).collect(), argument)),
            ":kind" | ":plan" | ":time" => {
                let (inner, found) = self.complete(argument, argument.len());
                (start + inner, found)
            }
            _ => (start, Vec::new()),
        }
    }

    fn words(&self, here: &Place) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        let add = |out: &mut Vec<String>, words: &[&str]| out.extend(words.iter().map(|w| w.to_string()));
        match (here.block.as_deref(), here.begins) {
            (Some("options"), _) => {
                add(&mut out, &SETTINGS);
                return out;
            }
            (Some(_), true) => {
                add(&mut out, &CLAUSES);
                return out;
            }
            (None, true) => add(&mut out, &STATEMENTS),
            _ => {}
        }
        // Clauses that take columns take nothing else.
        if matches!(here.clause.as_deref(), Some("unit" | "time" | "keys" | "value" | "coords" | "join")) {
            return here.files.iter().flat_map(|f| self.header(f)).collect();
        }
        if let Some(call) = &here.call {
            let of = |option: &String| self.values.get(&(call.name.clone(), option.clone()));
            if let Some(values) = here.label.as_ref().and_then(of).filter(|v| !v.is_empty()) {
                return values.clone();
            }
            if let Some(entry) = self.library.get(&call.name) {
                let open = entry.parameters.iter().filter(|p| p.default.is_some());
                let open = open.filter(|p| !call.labels.contains(&p.name.text));
                out.extend(open.map(|p| format!("{}: ", p.name.text)));
            }
        }
        for file in &here.files {
            out.extend(self.header(file));
        }
        out.extend(self.columns.iter().cloned());
        out.extend(self.names.iter().cloned());
        out.extend(self.library.entries.values().map(called));
        if !here.begins {
            add(&mut out, &WORDS);
        }
        out
    }

    /// Columns of a file that the statement reads.
    fn header(&self, file: &str) -> Vec<String> {
        let bytes = (self.heads)(file);
        let first = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
        let Ok(line) = std::str::from_utf8(first) else { return Vec::new() };
        if line.is_empty() {
            return Vec::new();
        }
        let names = line.trim_start_matches('\u{feff}').trim_end().split([',', ';', '\t']);
        names.map(|n| crate::syntax::print::name(n.trim_matches('"'))).collect()
    }

    fn files(&self, before: &str, start: usize, extension: &str) -> (usize, Vec<String>) {
        let written = &before[start.min(before.len())..];
        let (folder, start) = match written.rfind('/') {
            Some(slash) => (&written[..=slash], start + slash + 1),
            None => ("", start),
        };
        let full = |path: &Path| fs::canonicalize(path).ok();
        let (home, below) = (full(&self.home), full(&self.home.join(folder)));
        let inside = below.zip(home).is_some_and(|(below, home)| below.starts_with(home));
        if !inside || folder.starts_with('/') {
            return (start, Vec::new());
        }
        let mut out = Vec::new();
        for entry in fs::read_dir(self.home.join(folder)).into_iter().flatten().flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name.starts_with('.') {
                continue;
            }
            if entry.path().is_dir() {
                out.push(format!("{name}/"));
            } else if name.ends_with(extension) {
                out.push(name);
            }
        }
        (start, fitting(out, &before[start.min(before.len())..]))
    }

    /// What is still to be given to the call that is being written.
    pub fn hint(&self, text: &str) -> Option<String> {
        if text.starts_with(':') {
            return None;
        }
        let trimmed = text.trim_end();
        if !trimmed.ends_with(['(', ',']) {
            return None;
        }
        let here = place(text, text.len());
        let call = here.call.filter(|_| !here.in_string && !here.in_comment)?;
        let entry = self.library.get(&call.name)?;
        let left: Vec<String> = entry
            .parameters
            .iter()
            .enumerate()
            .filter(|(i, p)| *i >= call.before && !call.labels.contains(&p.name.text))
            .map(|(_, p)| if p.default.is_some() { format!("{}: …", p.name.text) } else { p.name.text.clone() })
            .collect();
        let lead = if text.ends_with(',') { " " } else { "" };
        if left.is_empty() {
            return None;
        }
        let mut shown = String::new();
        for part in &left {
            if shown.len() + part.len() > HINT {
                return Some(format!("{lead}{shown}, …)"));
            }
            shown.push_str(if shown.is_empty() { "" } else { ", " });
            shown.push_str(part);
        }
        Some(format!("{lead}{shown})"))
    }
}

/// A function is followed by its bracket.
fn called(entry: &Entry) -> String {
    match entry.body {
        Body::Native | Body::Function(_) | Body::Family(_) if !entry.parameters.is_empty() => {
            format!("{}(", entry.name)
        }
        _ => entry.name.clone(),
    }
}

/// Those that begin as written, in order, each once.
fn fitting(mut all: Vec<String>, written: &str) -> Vec<String> {
    all.retain(|w| w.starts_with(written) && w != written);
    all.sort();
    all.dedup();
    all
}

/// The values that the text of an option names in backticks.
fn named(text: &str) -> Vec<String> {
    let mut values: Vec<String> = text.split('`').skip(1).step_by(2).map(str::to_string).collect();
    values.retain(|v| !v.contains(char::is_whitespace) || v.contains('(') || v.starts_with('['));
    values.dedup();
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knowledge() -> Knowledge {
        let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/castle");
        let folder = home.clone();
        let heads = move |file: &str| fs::read(folder.join(file)).unwrap_or_default();
        let mut knowledge = Knowledge::new(&home, heads);
        knowledge.names = vec!["states".into(), "C".into(), "law".into()];
        knowledge.columns = vec!["poverty".into(), "population".into(), "lhom".into()];
        knowledge
    }

    fn completed(text: &str) -> Vec<String> {
        knowledge().complete(text, text.len()).1
    }

    #[test]
    fn words_fit_their_place() {
        assert_eq!(completed("mod"), ["model"]);
        assert_eq!(completed("model m = sdm(lhom ~ po"), ["population", "poverty"]);
        assert_eq!(completed("model m = sdm(lhom ~ poverty | C, lag_w"), ["lag_weights: "]);
        assert_eq!(completed("panel p from \"panel.csv\" {\n  bal"), ["balance"]);
        assert_eq!(completed("panel p from \"panel.csv\" { unit sta"), ["state"]);
        assert_eq!(completed("options { se"), ["seed"]);
        assert!(completed("# mod").is_empty());
    }

    #[test]
    fn options_know_their_values() {
        let values = completed("sdm_did(lhom ~ law | C, se: ");
        assert!(values.contains(&"qml".to_string()) && values.contains(&"cluster(unit)".to_string()), "{values:?}");
        assert_eq!(completed("sdm(lhom ~ law | C, se: q"), ["qml"]);
        assert_eq!(completed("row(knn(4, islands: n"), ["nearest"]);
    }

    #[test]
    fn files_and_commands_are_completed() {
        assert_eq!(completed("panel p from \"pan"), ["panel.csv"]);
        assert_eq!(completed(":he"), [":help "]);
        assert_eq!(completed(":load cas"), ["castle.durbin"]);
        assert_eq!(completed(":plan sdm(lhom ~ pov"), ["poverty"]);
        for outside in ["/etc/pass", "../", "../../src/", "~/"] {
            assert_eq!(completed(&format!("weights W = edges(\"{outside}")), Vec::<String>::new(), "{outside}");
        }
    }

    #[test]
    fn hints_name_what_is_left() {
        let hint = knowledge().hint("sdm(").unwrap();
        assert!(hint.starts_with("formula, fe: …"), "{hint}");
        assert!(knowledge().hint("row(knn(4,").unwrap().contains("islands: …"));
        assert_eq!(knowledge().hint("sdm(y"), None);
    }
}
