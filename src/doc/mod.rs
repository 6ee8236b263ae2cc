//! The documentation of the library: what `##` comments say, put together with signatures, defaults and what this
//! version executes, as pages that are printed ([`text`]) or written as Markdown ([`markdown`]).

pub mod comment;
pub mod faults;
pub mod markdown;
pub mod text;
pub mod trial;

use crate::check::library::{Body, Entry, Library, MODULES};
use crate::source::Sources;
use crate::suggest::did_you_mean;
use crate::syntax::{self, print};
use comment::{Comment, Shown};
use faults::FaultPage;
use trial::{Place, Standing};

/// A parameter of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterPage {
    /// As it is written in a call: `values..`, `over d`.
    pub name: String,
    /// `None` where it has to be given, `Some("")` where leaving it out has no value of its own.
    pub default: Option<String>,
    /// What is said of it; a test holds that this is never empty.
    pub text: String,
    /// Values its text names that this version refuses.
    pub later: Vec<String>,
}

/// The page of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryPage {
    pub name: String,
    pub module: &'static str,
    /// `fn` or `weights`.
    pub word: &'static str,
    /// Name and parameters.
    pub signature: Vec<String>,
    /// Its definition, where it is written in the language.
    pub body: Option<String>,
    pub paragraphs: Vec<String>,
    pub summary: String,
    pub parameters: Vec<ParameterPage>,
    pub source: Option<String>,
    pub shown: Option<Shown>,
    /// Whether this version executes its example.
    pub standing: Standing,
    /// The program its example runs after.
    pub after: &'static str,
}

/// The page of a module: its head comment and its entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModulePage {
    pub name: &'static str,
    pub paragraphs: Vec<String>,
    pub summary: String,
    pub entries: Vec<EntryPage>,
}

/// What a name leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    Module(ModulePage),
    Entry(EntryPage),
    Fault(FaultPage),
}

/// A module as it is read: its head comment and its own entries.
struct Module {
    name: &'static str,
    head: Comment,
    entries: Vec<(Entry, Comment)>,
}

/// All modules, in the order of the library.
fn modules() -> Vec<Module> {
    let library = Library::standard(&mut Sources::default());
    let mut out = Vec::new();
    for (name, text) in MODULES {
        let id = Sources::default().add(format!("std/{name}.durbin"), text);
        let head = syntax::parse(id, text).ok().and_then(|ast| ast.doc).unwrap_or_default();
        let own = library.entries.values().filter(|e| e.module == name);
        let entries = own.map(|e| (e.clone(), Comment::parse(e.doc.as_deref().unwrap_or_default()))).collect();
        out.push(Module { name, head: Comment::parse(&head), entries });
    }
    out
}

/// The names of modules, each with its page's title.
pub fn module_names() -> impl Iterator<Item = &'static str> {
    MODULES.iter().map(|(name, _)| *name)
}

/// The pages of all modules.
pub fn library() -> Vec<ModulePage> {
    let modules = modules();
    (modules.iter()).map(|m| m.page(&m.entries, true, &modules)).collect()
}

/// The modules with one line for each entry: parameters are not looked into.
pub fn overview() -> Vec<ModulePage> {
    let modules = modules();
    (modules.iter()).map(|m| m.page(&m.entries, false, &modules)).collect()
}

/// What is said of each option: entry, option and text, from the entry, from one it refers to, or from its module.
pub fn options() -> Vec<(String, String, String)> {
    let all = modules();
    let mut out = Vec::new();
    for module in &all {
        for (entry, comment) in &module.entries {
            for parameter in entry.parameters.iter().filter(|p| p.default.is_some()) {
                let name = &parameter.name.text;
                out.push((entry.name.clone(), name.clone(), module.said(name, comment, &all)));
            }
        }
    }
    out
}

/// Finds the page of an entry, a module (`weights`, `std::weights`), an entry by its module (`std::weights::knn`) or a
/// fault (`durbin::panel::duplicate_key`, `panel::duplicate_key`, `duplicate_key`).
///
/// # Errors
/// The help for a name that leads nowhere: the nearest one.
pub fn find(name: &str) -> Result<Page, Option<String>> {
    let modules = modules();
    let name = name.trim();
    let path = name.strip_prefix("std::").unwrap_or(name);
    if let Some(module) = modules.iter().find(|m| m.name == path) {
        return Ok(Page::Module(module.page(&module.entries, false, &modules)));
    }
    let (of, entry) = path.rsplit_once("::").map_or((None, path), |(module, entry)| (Some(module), entry));
    for module in modules.iter().filter(|m| of.is_none_or(|name| name == m.name)) {
        if let Some(found) = module.entries.iter().find(|(e, _)| e.name == entry) {
            let page = module.page(std::slice::from_ref(found), true, &modules);
            return page.entries.into_iter().next().map(Page::Entry).ok_or(None);
        }
    }
    let faults = faults::catalogue();
    let meant = |f: &&FaultPage| f.code == name || f.short() == name;
    let named: Vec<&FaultPage> = faults.iter().filter(|f| f.name() == name).collect();
    if let Some(fault) = faults.iter().find(meant).or(if named.len() == 1 { named.first().copied() } else { None }) {
        return Ok(Page::Fault(fault.clone()));
    }
    if !named.is_empty() {
        return Err(Some(format!("there are {}", several(&named))));
    }
    Err(near(name, &modules, &faults))
}

/// The nearest entry or module; where none is near, the nearest fault.
fn near(name: &str, modules: &[Module], faults: &[FaultPage]) -> Option<String> {
    let entries = modules.iter().flat_map(|m| m.entries.iter().map(|(e, _)| e.name.clone()));
    let paths = modules.iter().flat_map(|m| [m.name.to_string(), format!("std::{}", m.name)]);
    let library: Vec<String> = entries.chain(paths).collect();
    let codes = faults.iter().flat_map(|f| [f.code.as_str(), f.short(), f.name()]);
    did_you_mean(name, library.iter().map(String::as_str)).or_else(|| did_you_mean(name, codes))
}

fn several(faults: &[&FaultPage]) -> String {
    crate::fault::ticked_all(&faults.iter().map(|f| f.code.as_str()).collect::<Vec<_>>())
}

impl Module {
    /// The page with some of its entries; what is not available is tried for all of them at once.
    fn page(&self, entries: &[(Entry, Comment)], in_full: bool, all: &[Module]) -> ModulePage {
        let place = Place::of(&self.head);
        let mut pages: Vec<EntryPage> = entries.iter().map(|(e, c)| self.entry(e, c, all, place)).collect();
        let mut trials = Trials::default();
        for (number, page) in pages.iter().enumerate() {
            trials.of_entry(number, page, in_full);
        }
        let found = place.standings(&trials.texts);
        for (target, standing) in trials.targets.into_iter().zip(found) {
            target.told(standing, &mut pages);
        }
        ModulePage {
            name: self.name,
            paragraphs: self.head.paragraphs.clone(),
            summary: self.head.summary().to_string(),
            entries: pages,
        }
    }

    fn entry(&self, entry: &Entry, comment: &Comment, all: &[Module], place: Place) -> EntryPage {
        let body = match &entry.body {
            Body::Native => None,
            Body::Function(value) | Body::Family(value) => Some(print::expression(value)),
        };
        EntryPage {
            name: entry.name.clone(),
            module: self.name,
            word: if matches!(entry.body, Body::Family(_)) { "weights" } else { "fn" },
            signature: entry.parameters.iter().map(written).collect(),
            body,
            paragraphs: comment.paragraphs.clone(),
            summary: comment.summary().to_string(),
            parameters: self.parameters(entry, comment, all),
            source: comment.source.clone(),
            shown: comment.shown.clone(),
            standing: Standing::Available,
            after: place.world.path,
        }
    }

    /// What is said of a parameter: by the entry itself, by the entry it refers to, by the module.
    fn said(&self, name: &str, comment: &Comment, all: &[Module]) -> String {
        let other =
            |name: &str| all.iter().flat_map(|m| &m.entries).find(|(e, _)| e.name == name).map(|(_, comment)| comment);
        let like = comment.like().and_then(other);
        let item = comment.item(name).or_else(|| like.and_then(|c| c.item(name))).or_else(|| self.head.item(name));
        item.map(|i| i.text.clone()).unwrap_or_default()
    }

    /// The parameters of an entry with what is said of them.
    fn parameters(&self, entry: &Entry, comment: &Comment, all: &[Module]) -> Vec<ParameterPage> {
        let said = |name: &str| self.said(name, comment, all);
        let mut out = Vec::new();
        for parameter in &entry.parameters {
            let default = parameter.default.as_ref().map(|d| match print::expression(d).as_str() {
                "missing" => String::new(),
                written => written.to_string(),
            });
            let dots = if parameter.variadic { ".." } else { "" };
            let name = format!("{}{dots}", parameter.name.text);
            out.push(ParameterPage { name, default, text: said(&parameter.name.text), later: Vec::new() });
            if let Some(over) = &parameter.over {
                let name = format!("over {}", over.text);
                out.push(ParameterPage { name, default: None, text: said(&over.text), later: Vec::new() });
            }
        }
        out
    }
}

/// A parameter as the signature shows it.
fn written(parameter: &syntax::ast::Parameter) -> String {
    let dots = if parameter.variadic { ".." } else { "" };
    let over = parameter.over.as_ref().map(|d| format!(" over {}", d.text)).unwrap_or_default();
    let default = parameter.default.as_ref().map(|d| format!(" = {}", print::expression(d))).unwrap_or_default();
    format!("{}{dots}{over}{default}", parameter.name.text)
}

/// What a trial is about: an entry, or a value of one of its parameters.
struct Target {
    entry: usize,
    value: Option<(usize, String)>,
}

impl Target {
    fn told(self, standing: Standing, pages: &mut [EntryPage]) {
        let Some(page) = pages.get_mut(self.entry) else { return };
        match self.value {
            None => page.standing = standing,
            // A value is listed where the entry itself can be used.
            Some((parameter, value)) if standing == Standing::Later && page.standing != Standing::Later => {
                if let Some(p) = page.parameters.get_mut(parameter) {
                    p.later.push(value);
                }
            }
            Some(_) => {}
        }
    }
}

/// Texts to try and what each is about; an entry stands before its values.
#[derive(Default)]
struct Trials {
    texts: Vec<String>,
    targets: Vec<Target>,
}

impl Trials {
    fn of_entry(&mut self, entry: usize, page: &EntryPage, in_full: bool) {
        let Some(shown) = &page.shown else { return };
        self.texts.push(shown.text().to_string());
        self.targets.push(Target { entry, value: None });
        if !in_full {
            return;
        }
        for (number, parameter) in page.parameters.iter().enumerate() {
            for (value, text) in values(page, parameter, shown.text()) {
                self.texts.push(text);
                self.targets.push(Target { entry, value: Some((number, value)) });
            }
        }
    }
}

/// The values a parameter's text names in backticks, each with the example that uses it.
pub fn values(page: &EntryPage, parameter: &ParameterPage, example: &str) -> Vec<(String, String)> {
    let call = format!("{}(", page.name);
    if parameter.default.is_none() || !example.starts_with(&call) || !example.ends_with(')') || example.contains('\n') {
        return Vec::new();
    }
    let named = parameter.text.split('`').skip(1).step_by(2);
    let option = format!("{}:", parameter.name);
    let stem = example.strip_suffix(')').unwrap_or(example);
    // What is about random effects goes with them.
    let random = matches!(parameter.name.as_str(), "random" | "mundlak") && !example.contains("fe:");
    let beside = if random { ", fe: random" } else { "" };
    named
        .filter(|value| !example.contains(&option) && !value.is_empty())
        .map(|value| (value.to_string(), format!("{stem}{beside}, {option} {value})")))
        .collect()
}
