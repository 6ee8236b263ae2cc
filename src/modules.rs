//! Files of declarations that a program brings in with `use "common.durbin"`: found, parsed, and those they use in turn.

use crate::diagnostic::Diagnostic;
use crate::loader::Loader;
use crate::plan::InputFile;
use crate::source::Sources;
use crate::syntax::ast::{Ast, StatementKind, Text, UseTarget};
use crate::syntax::{self, decode};
use indexmap::IndexMap;

/// What `use` brought.
#[derive(Default)]
pub struct Modules {
    /// The trees by path, as the program writes it.
    pub trees: IndexMap<String, Ast>,
    pub inputs: Vec<InputFile>,
    pub faults: Vec<Diagnostic>,
}

/// Reads every file that a program uses, directly or through another.
pub fn load(program: &str, ast: &Ast, loader: &dyn Loader, sources: &mut Sources) -> Modules {
    let mut modules = Modules::default();
    let mut chain = vec![program.to_string()];
    modules.follow(ast, loader, sources, &mut chain);
    modules
}

impl Modules {
    fn follow(&mut self, ast: &Ast, loader: &dyn Loader, sources: &mut Sources, chain: &mut Vec<String>) {
        for statement in &ast.statements {
            let StatementKind::Use(UseTarget::File(file)) = &statement.kind else { continue };
            if let Some(from) = chain.iter().position(|c| *c == file.text) {
                self.faults.push(cycle(&chain[from..], file));
                continue;
            }
            if self.trees.contains_key(&file.text) {
                continue;
            }
            let Some(tree) = self.read(file, loader, sources) else { continue };
            chain.push(file.text.clone());
            self.follow(&tree, loader, sources, chain);
            chain.pop();
            self.trees.insert(file.text.clone(), tree);
        }
    }

    fn read(&mut self, file: &Text, loader: &dyn Loader, sources: &mut Sources) -> Option<Ast> {
        let bytes = match loader.read(&file.text) {
            Ok(bytes) => bytes,
            Err(fault) => {
                self.faults.push(Diagnostic::at(fault, Some(file.span)));
                return None;
            }
        };
        let blake3 = blake3::hash(&bytes).to_hex().to_string();
        self.inputs.push(InputFile { path: file.text.clone(), bytes: bytes.len() as u64, blake3 });
        let parsed = match decode(&file.text, &bytes) {
            Ok(text) => {
                let id = sources.known_or_add(&file.text, &text);
                syntax::parse(id, &text)
            }
            Err(foreign) => {
                let id = sources.add(&file.text, &foreign.text);
                Err(vec![foreign.diagnostic(id)])
            }
        };
        parsed.map_err(|faults| self.faults.extend(faults)).ok()
    }
}

fn cycle(chain: &[String], file: &Text) -> Diagnostic {
    let names: Vec<&str> = chain.iter().map(String::as_str).chain([file.text.as_str()]).collect();
    let message = format!("`{}` uses itself: `{}`", file.text, names.join(" → "));
    Diagnostic::error("durbin::check::cycle", file.span, message)
        .help("move what both need into a third file that uses neither")
}
