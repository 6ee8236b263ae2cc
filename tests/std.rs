//! The standard library: every module parses, alone.

use durbin::check::library::MODULES;
use durbin::diagnostic::{Style, render};
use durbin::source::Sources;
use durbin::syntax;

#[test]
fn every_module_parses() {
    for (module, text) in MODULES {
        let mut sources = Sources::default();
        let id = sources.add(format!("std/{module}.durbin"), text);
        if let Err(faults) = syntax::parse(id, text) {
            panic!("{}", render(&faults, &sources, &|_| None, Style::Plain));
        }
    }
}
