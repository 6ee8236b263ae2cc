//! The standard library as the checker sees it: what every name is called with.
//!
//! The modules of `std/` are written in the language. A `fn` or a family of `weights` with a body is expanded where it
//! is called; one without is native, and its Rust stands in `execute` or is declared unavailable by the checker.

use crate::source::{SourceId, Sources};
use crate::syntax::{self, ast::*};
use indexmap::IndexMap;

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
    pub entries: IndexMap<String, Entry>,
    /// The texts of its modules.
    texts: Vec<SourceId>,
}

impl Library {
    /// Reads the embedded modules; their texts join `sources`, so that spans into them resolve.
    /// A module that does not parse is a bug of this crate: it is reported by a test and skipped here.
    pub fn standard(sources: &mut Sources) -> Library {
        let mut library = Library::default();
        for (module, text) in MODULES {
            let id = sources.add(format!("std/{module}.durbin"), text);
            library.texts.push(id);
            let Ok(ast) = syntax::parse(id, text) else { continue };
            for statement in ast.statements {
                library.add(module, statement);
            }
        }
        library
    }

    fn add(&mut self, module: &'static str, statement: Statement) {
        let doc = statement.doc;
        let (name, parameters, body) = match statement.kind {
            StatementKind::Fn { name, parameters, body: None } => (name, parameters, Body::Native),
            StatementKind::Fn { name, parameters, body: Some(b) } => (name, parameters, Body::Function(b)),
            StatementKind::Weights { name, parameters: Some(p), value, .. } => (name, p, Body::Family(value)),
            _ => return,
        };
        let entry = Entry { name: name.text.clone(), module, parameters, body, doc };
        self.entries.insert(name.text, entry);
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
