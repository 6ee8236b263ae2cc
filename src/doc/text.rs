//! Pages of the documentation for a terminal: wrapped, with styles where they are wanted.

use super::faults::FaultPage;
use super::trial::Standing;
use super::{EntryPage, ModulePage, Page, ParameterPage};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Narrower than this nothing can be read.
const NARROWEST: usize = 40;
/// Wider than this nobody reads.
const WIDEST: usize = 100;
/// What is said of an entry that is declared and not built.
pub const LATER: &str = "not available in this version";

/// How a page is laid out.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    width: usize,
    styled: bool,
}

impl Layout {
    /// A layout for a terminal of so many columns; `styled` where it shows styles.
    pub fn plain(width: usize) -> Layout {
        Layout { width: width.clamp(NARROWEST, WIDEST), styled: false }
    }

    /// The same with bold headings and colored code.
    pub fn styled(self) -> Layout {
        Layout { styled: true, ..self }
    }

    fn bold(&self, text: &str) -> String {
        if self.styled { format!("\x1b[1m{text}\x1b[0m") } else { text.to_string() }
    }

    /// Code in backticks in color; a span never crosses a line uncolored.
    fn colored(&self, line: &str, open: &mut bool) -> String {
        if !self.styled {
            return line.to_string();
        }
        let mut out = String::from(if *open { "\x1b[36m" } else { "" });
        for (number, piece) in line.split('`').enumerate() {
            if number > 0 {
                *open = !*open;
                out.push_str(if *open { "\x1b[36m" } else { "\x1b[0m" });
            }
            out.push_str(piece);
        }
        if *open {
            out.push_str("\x1b[0m");
        }
        out
    }

    /// A name and what is said of it beside it.
    fn named(&self, name: &str, column: usize, text: &str) -> String {
        let margin = column + 4;
        let body = self.prose(text, margin, 0);
        let gap = " ".repeat(column.saturating_sub(name.width()));
        format!("  {name}{gap}  {}", body.trim_start())
    }

    /// Running text, indented; further lines by `hang` more.
    fn prose(&self, text: &str, indent: usize, hang: usize) -> String {
        let mut open = false;
        let mut out = String::new();
        for (number, line) in wrapped(text, self.width.saturating_sub(indent), hang).into_iter().enumerate() {
            let margin = if number == 0 { indent } else { indent + hang };
            out.push_str(&format!("{}{}\n", " ".repeat(margin), self.colored(&line, &mut open)));
        }
        out
    }
}

/// Lines of at most `width` columns, those after the first shorter by `hang`.
fn wrapped(text: &str, width: usize, hang: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let room = if lines.is_empty() { width } else { width.saturating_sub(hang) };
        if !line.is_empty() && line.width() + 1 + word.width() > room {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// A line cut to the width, with a mark where something is left out.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_string();
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        out.push(c);
    }
    format!("{}…", out.trim_end())
}

/// `durbin doc`: every module and every entry in one line each.
pub fn overview(modules: &[ModulePage], layout: &Layout) -> String {
    let names = modules.iter().flat_map(|m| m.entries.iter().map(|e| e.name.width()));
    let column = names.max().unwrap_or(0);
    let mut out = layout.prose(
        "The standard library. `durbin doc NAME` shows a module, an entry or the code of a fault in full. Entries marked \
         `-` are not available in this version.",
        0,
        0,
    );
    for module in modules {
        let name = format!("std::{}", module.name);
        let room = layout.width.saturating_sub(name.width() + 2);
        out.push_str(&format!("\n{}  {}\n", layout.bold(&name), cut(&unmarked(&module.summary), room)));
        for entry in &module.entries {
            out.push_str(&listed(entry, column, layout));
        }
    }
    out
}

/// A sentence without the marks of code, for a line of a list.
fn unmarked(text: &str) -> String {
    text.replace('`', "")
}

fn listed(entry: &EntryPage, column: usize, layout: &Layout) -> String {
    let mark = if entry.standing == Standing::Later { '-' } else { ' ' };
    let gap = " ".repeat(column.saturating_sub(entry.name.width()));
    let room = layout.width.saturating_sub(column + 6);
    format!("  {mark} {}{gap}  {}\n", entry.name, cut(&unmarked(&entry.summary), room))
}

/// A page in full.
pub fn page(page: &Page, layout: &Layout) -> String {
    match page {
        Page::Module(module) => module_page(module, layout),
        Page::Entry(entry) => entry_page(entry, layout),
        Page::Fault(fault) => fault_page(fault, layout),
    }
}

fn module_page(module: &ModulePage, layout: &Layout) -> String {
    let mut out = format!("{}\n\n", layout.bold(&format!("std::{}", module.name)));
    for paragraph in &module.paragraphs {
        out.push_str(&layout.prose(paragraph, 0, 0));
    }
    out.push('\n');
    let column = module.entries.iter().map(|e| e.name.width()).max().unwrap_or(0);
    for entry in &module.entries {
        out.push_str(&listed(entry, column, layout));
    }
    if module.entries.iter().any(|e| e.standing == Standing::Later) {
        out.push_str(&format!("\n- {LATER}\n"));
    }
    out
}

fn entry_page(entry: &EntryPage, layout: &Layout) -> String {
    let mut out = format!("{}  std::{}\n", layout.bold(&entry.name), entry.module);
    if entry.standing == Standing::Later {
        out.push_str(&format!("{LATER}\n"));
    }
    out.push_str(&format!("\n{}", signature(entry, layout)));
    for paragraph in &entry.paragraphs {
        out.push('\n');
        out.push_str(&layout.prose(paragraph, 0, 0));
    }
    if !entry.parameters.is_empty() {
        out.push_str(&format!("\n{}\n", layout.bold("Parameters")));
        let column = entry.parameters.iter().map(|p| p.name.width()).max().unwrap_or(0);
        for parameter in &entry.parameters {
            out.push_str(&layout.named(&parameter.name, column, &described(parameter)));
        }
    }
    if let Some(source) = &entry.source {
        out.push_str(&format!("\n{}\n{}", layout.bold("Source"), layout.prose(source, 2, 0)));
    }
    if let Some(shown) = &entry.shown {
        let word = match shown {
            super::Shown::Example(_) => "Example",
            super::Shown::Usage(_) => "Usage",
        };
        out.push_str(&format!("\n{}\n", layout.bold(word)));
        if matches!(shown, super::Shown::Example(_)) {
            out.push_str(&layout.prose(&format!("after the statements of {}:", entry.after), 2, 0));
        }
        for line in shown.text().lines() {
            out.push_str(&format!("  {line}\n"));
        }
    }
    out
}

/// The text of a parameter with its default and what is not available.
fn described(parameter: &ParameterPage) -> String {
    let mut text = parameter.text.clone();
    match parameter.default.as_deref() {
        Some("") | None => {}
        Some(default) => text.push_str(&format!(" [default: `{default}`]")),
    }
    if !parameter.later.is_empty() {
        text.push_str(&format!(" ({LATER}: {})", crate::fault::ticked_all(&parameter.later)));
    }
    text
}

/// The signature on one line, or its parameters wrapped between the brackets; a family or function with its body, below
/// where it does not fit beside.
fn signature(entry: &EntryPage, layout: &Layout) -> String {
    let body = entry.body.as_ref().map(|b| format!(" = {b}")).unwrap_or_default();
    let call = format!("{} {}({}){body}", entry.word, entry.name, entry.signature.join(", "));
    if call.width() + 2 <= layout.width {
        return format!("  {call}\n");
    }
    let head = format!("  {} {}({})", entry.word, entry.name, entry.signature.join(", "));
    if let Some(body) = &entry.body
        && head.width() + 2 <= layout.width
    {
        let lines = wrapped(body, layout.width.saturating_sub(4), 0);
        return format!("{head} =\n    {}\n", lines.join("\n    "));
    }
    let mut out = format!("  {} {}(\n", entry.word, entry.name);
    let mut line = String::new();
    for parameter in &entry.signature {
        if !line.is_empty() && line.width() + parameter.width() + 6 > layout.width {
            out.push_str(&format!("    {}\n", line.trim_end()));
            line.clear();
        }
        line.push_str(&format!("{parameter}, "));
    }
    out.push_str(&format!("    {}\n  ){body}\n", line.trim_end()));
    out
}

fn fault_page(fault: &FaultPage, layout: &Layout) -> String {
    let mut out = format!("{}  {}\n\n", layout.bold(&fault.code), fault.level);
    out.push_str(&layout.prose(&format!("When: {}", fault.when), 0, 2));
    if !fault.repair.is_empty() {
        out.push_str(&layout.prose(&format!("What to do: {}", fault.repair), 0, 2));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc;

    #[test]
    fn no_line_of_prose_is_wider_than_the_terminal() {
        let layout = Layout::plain(60);
        for name in ["std::models", "knn", "similarity", "durbin::panel::duplicate_key"] {
            let shown = page(&doc::find(name).unwrap(), &layout);
            assert!(shown.lines().all(|l| l.width() <= 60), "{shown}");
        }
    }

    #[test]
    fn styles_come_where_they_are_wanted_alone() {
        let found = doc::find("knn").unwrap();
        assert!(!page(&found, &Layout::plain(80)).contains('\x1b'));
        assert!(page(&found, &Layout::plain(80).styled()).contains("\x1b[1mknn\x1b[0m"));
    }

    #[test]
    fn a_cut_line_has_a_mark() {
        assert_eq!(cut("specialization", 6), "speci…");
        assert_eq!(cut("专业化", 5), "专业…");
        assert_eq!(cut("short", 6), "short");
    }

    #[test]
    fn code_that_goes_over_a_line_stays_colored() {
        let mut open = false;
        let layout = Layout::plain(80).styled();
        assert_eq!(layout.colored("a `b", &mut open), "a \x1b[36mb\x1b[0m");
        assert_eq!(layout.colored("c` d", &mut open), "\x1b[36mc\x1b[0m d");
    }
}
