//! The standard library as the checker sees it: what every name is called with.
//!
//! The modules of `std/` are written in the language. A `fn` or a family of `weights` with a body is expanded where it
//! is called; one without is native, and its Rust stands in `execute` or is declared unavailable by the checker.

use crate::source::{SourceId, Sources};
use crate::syntax::{self, ast::*};
use indexmap::IndexMap;
use std::sync::{Arc, OnceLock};

/// The modules of the standard library and their texts.
pub const MODULES: [(&str, &str); 8] = [
    ("prelude", include_str!("../../std/prelude.durbin")),
    ("weights", include_str!("../../std/weights.durbin")),
    ("models", include_str!("../../std/models.durbin")),
    ("designs", include_str!("../../std/designs.durbin")),
    ("tests", include_str!("../../std/tests.durbin")),
    ("answers", include_str!("../../std/answers.durbin")),
    ("functions", include_str!("../../std/functions.durbin")),
    ("indices", include_str!("../../std/indices.durbin")),
];

/// Modules whose names a program brings in with `use`; those of the others are always there.
pub const OPTIONAL_MODULES: [&str; 1] = ["indices"];

/// Modules the language names and this version does not have yet.
pub const LATER_MODULES: [&str; 1] = ["report"];

/// What a library name is.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Supplied by Rust.
    Native,
    /// `fn NAME(…) = …`
    Function(Expr),
    /// `weights NAME(…) = …`
    Family(Expr),
}

/// One entry of the standard library.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub name: String,
    pub module: &'static str,
    pub parameters: Vec<Parameter>,
    pub body: Body,
    pub doc: Option<String>,
}

impl Entry {
    /// `knn(k, islands = error)`: the signature as the documentation shows it.
    pub fn signature(&self) -> String {
        signature(&self.name, &self.parameters)
    }
}

/// A signature in words of the language.
pub fn signature(name: &str, parameters: &[Parameter]) -> String {
    let shown: Vec<String> = parameters
        .iter()
        .map(|p| {
            let dots = if p.variadic { ".." } else { "" };
            let over = p.over.as_ref().map(|d| format!(" over {}", d.text)).unwrap_or_default();
            match &p.default {
                Some(d) => format!("{}{dots}{over} = {}", p.name.text, syntax::print::expression(d)),
                None => format!("{}{dots}{over}", p.name.text),
            }
        })
        .collect();
    format!("{name}({})", shown.join(", "))
}

/// All entries by name.
#[derive(Clone, Debug, Default)]
pub struct Library {
    pub entries: Arc<IndexMap<String, Entry>>,
    /// The texts of its modules.
    texts: Vec<SourceId>,
}

impl Library {
    /// The embedded modules; their texts join `sources`, so that spans into them resolve. They are read once where they
    /// follow a single text, as in every session.
    pub fn standard(sources: &mut Sources) -> Library {
        static READ: OnceLock<Library> = OnceLock::new();
        let texts: Vec<SourceId> =
            MODULES.iter().map(|(module, text)| sources.add(format!("std/{module}.durbin"), *text)).collect();
        match texts.first() {
            Some(SourceId(1)) => READ.get_or_init(|| Library::read(texts)).clone(),
            _ => Library::read(texts),
        }
    }

    /// A module that does not parse is a bug of this crate: it is reported by a test and skipped here.
    fn read(texts: Vec<SourceId>) -> Library {
        let mut entries = IndexMap::new();
        for ((module, text), &id) in MODULES.iter().zip(&texts) {
            let Ok(ast) = syntax::parse(id, text) else { continue };
            let named = ast.statements.into_iter().filter_map(|s| entry(module, s));
            entries.extend(named.map(|e| (e.name.clone(), e)));
        }
        Library { entries: Arc::new(entries), texts }
    }

    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// Whether a text is one of its modules: by number, as a program may lie in a folder `std` too.
    pub fn holds(&self, text: SourceId) -> bool {
        self.texts.contains(&text)
    }

    /// Names for *did you mean*.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }
}

/// The entry a statement of a module declares.
fn entry(module: &'static str, statement: Statement) -> Option<Entry> {
    let doc = statement.doc;
    let (name, parameters, body) = match statement.kind {
        StatementKind::Fn { name, parameters, body: None } => (name, parameters, Body::Native),
        StatementKind::Fn { name, parameters, body: Some(b) } => (name, parameters, Body::Function(b)),
        StatementKind::Weights { name, parameters: Some(p), value, .. } => (name, p, Body::Family(value)),
        _ => return None,
    };
    Some(Entry { name: name.text, module, parameters, body, doc })
}
