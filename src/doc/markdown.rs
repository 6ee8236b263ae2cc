//! The reference of the book: one Markdown page per module, written anew whenever the library changes.

use super::comment::Shown;
use super::trial::Standing;
use super::{EntryPage, ModulePage, ParameterPage};
use crate::fault::ticked_all;

/// The head of every page: nobody should mend a page by hand.
const HEAD: &str = "<!-- written by `durbin doc --write docs/reference`; edit `std/` instead -->\n";

/// A page of the reference: its file name and text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub name: String,
    pub text: String,
}

/// The pages of the library: an index and one page per module.
pub fn library(modules: &[ModulePage]) -> Vec<File> {
    let mut files = vec![File { name: "index.md".to_string(), text: index(modules) }];
    files.extend(modules.iter().map(|m| File { name: format!("{}.md", m.name), text: module(m) }));
    files
}

/// A page of text that is shown as it is: the help of a command under its title.
pub fn command(parts: &[(String, String)]) -> File {
    let mut text = format!("{HEAD}\n# The command\n");
    for (title, help) in parts {
        text.push_str(&format!("\n## `{title}`\n\n```help\n{}\n```\n", help.trim_end()));
    }
    File { name: "command.md".to_string(), text }
}

fn index(modules: &[ModulePage]) -> String {
    let mut out = format!("{HEAD}\n# The standard library\n\n");
    out.push_str(
        "Everything a program may call, by module. *Later* marks what the language has and this version does not\n",
    );
    out.push_str("execute: it is refused with `durbin::check::not_available`.\n");
    for module in modules {
        out.push_str(&format!("\n## [`std::{0}`]({0}.md)\n\n{1}\n\n", module.name, module.summary));
        out.push_str("| entry | | what |\n| --- | --- | --- |\n");
        for entry in &module.entries {
            let later = if entry.standing == Standing::Later { "later" } else { "" };
            let link = format!("[`{0}`]({1}.md#{2})", entry.name, module.name, anchor(&entry.name));
            out.push_str(&format!("| {link} | {later} | {} |\n", cell(&entry.summary)));
        }
    }
    out
}

/// The anchor a heading gets.
fn anchor(name: &str) -> String {
    name.to_lowercase()
}

fn module(module: &ModulePage) -> String {
    let mut out = format!("{HEAD}\n# `std::{}`\n", module.name);
    for paragraph in &module.paragraphs {
        out.push_str(&format!("\n{paragraph}\n"));
    }
    for page in &module.entries {
        out.push_str(&entry(page));
    }
    out
}

fn entry(entry: &EntryPage) -> String {
    let mut out = format!("\n## `{}`\n\n", entry.name);
    let later = entry.standing == Standing::Later;
    if later {
        out.push_str("*Not available in this version.*\n\n");
    }
    let body = entry.body.as_ref().map(|b| format!(" = {b}")).unwrap_or_default();
    let lines = filled(&entry.signature, 90);
    let inner = if lines.len() == 1 { lines.concat() } else { format!("\n  {}\n", lines.join("\n  ")) };
    out.push_str(&format!("```signature\n{} {}({inner}){body}\n```\n", entry.word, entry.name));
    for paragraph in &entry.paragraphs {
        out.push_str(&format!("\n{paragraph}\n"));
    }
    if !entry.parameters.is_empty() {
        out.push_str("\n| parameter | default | meaning |\n| --- | --- | --- |\n");
        entry.parameters.iter().for_each(|p| out.push_str(&parameter(p)));
    }
    if let Some(source) = &entry.source {
        out.push_str(&format!("\nSource: {source}\n"));
    }
    if let Some(shown) = &entry.shown {
        let (word, fence) = match shown {
            Shown::Example(_) if !later => ("Example", "durbin,example"),
            Shown::Example(_) => ("Example", "durbin,later"),
            Shown::Usage(_) => ("Usage", "durbin,usage"),
        };
        out.push_str(&format!("\n{word}:\n\n```{fence}\n{}\n```\n", shown.text()));
    }
    out
}

/// Parameters in lines of at most so many characters.
fn filled(parameters: &[String], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (number, parameter) in parameters.iter().enumerate() {
        let comma = if number + 1 < parameters.len() { "," } else { "" };
        match lines.last_mut() {
            Some(line) if line.chars().count() + parameter.chars().count() + 2 <= width => {
                line.push_str(&format!(" {parameter}{comma}"));
            }
            _ => lines.push(format!("{parameter}{comma}")),
        }
    }
    lines
}

fn parameter(parameter: &ParameterPage) -> String {
    let default = match parameter.default.as_deref() {
        None => "required".to_string(),
        Some("") => "–".to_string(),
        Some(value) => format!("`{}`", cell(value)),
    };
    let mut text = cell(&parameter.text);
    if !parameter.later.is_empty() {
        text.push_str(&format!(" *Not available in this version:* {}.", cell(&ticked_all(&parameter.later))));
    }
    format!("| `{}` | {default} | {text} |\n", cell(&parameter.name))
}

/// A bar would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_does_not_end_a_cell() {
        let page = ParameterPage {
            name: "formula".into(),
            default: None,
            text: "`y ~ x | W`".into(),
            later: vec!["iv: ~ z".into()],
        };
        let row = parameter(&page);
        assert_eq!(row, "| `formula` | required | `y ~ x \\| W` *Not available in this version:* `iv: ~ z`. |\n");
    }

    #[test]
    fn long_signatures_are_filled() {
        let lines = filled(&["a = 1".to_string(), "b".to_string(), "c".to_string()], 8);
        assert_eq!(lines, ["a = 1,", "b, c"]);
    }
}
