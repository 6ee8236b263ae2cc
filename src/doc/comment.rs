//! A `##` comment of the library taken apart: text, parameters, source, example.
//!
//! ```text
//! ## What it is, in sentences.
//! ## - `name`: what the parameter means; a line that goes on is indented.
//! ## Source: where the formula stands.
//! ## Example: `expression`
//! ```
//!
//! `Usage:` shows how an entry is called where the example cannot run as it stands; an example of several lines follows
//! `Example:` and is indented by four blanks.

/// How an entry is shown in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Runs as it stands, after the statements its module names.
    Example(String),
    /// Needs what the module's example does not have.
    Usage(String),
}

impl Shown {
    pub fn text(&self) -> &str {
        match self {
            Shown::Example(text) | Shown::Usage(text) => text,
        }
    }
}

/// What stands under the names of one or more parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub names: Vec<String>,
    pub text: String,
}

/// The parts of a comment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comment {
    pub paragraphs: Vec<String>,
    pub items: Vec<Item>,
    pub source: Option<String>,
    pub shown: Option<Shown>,
}

/// Where the next line goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Text,
    Item,
    Source,
    Example,
}

impl Comment {
    /// Takes the lines of a comment, without their marks, apart.
    pub fn parse(text: &str) -> Comment {
        let mut comment = Comment::default();
        let mut part = Part::Text;
        let mut fresh = true;
        for line in text.lines() {
            part = comment.line(line, part, fresh);
            fresh = line.trim().is_empty();
        }
        comment
    }

    fn line(&mut self, line: &str, part: Part, fresh: bool) -> Part {
        let bare = line.trim();
        if part == Part::Example && line.starts_with("    ") {
            if let Some(Shown::Example(text)) = &mut self.shown {
                text.push_str(if text.is_empty() { "" } else { "\n" });
                text.push_str(line.get(4..).unwrap_or(bare).trim_end());
            }
            return part;
        }
        if let Some(item) = bare.strip_prefix("- `").and_then(item_of) {
            self.items.push(item);
            return Part::Item;
        }
        if let Some(source) = bare.strip_prefix("Source: ") {
            self.source = Some(source.to_string());
            return Part::Source;
        }
        if let Some(example) = bare.strip_prefix("Example:") {
            self.shown = Some(Shown::Example(unticked(example)));
            return Part::Example;
        }
        if let Some(usage) = bare.strip_prefix("Usage:") {
            self.shown = Some(Shown::Usage(unticked(usage)));
            return Part::Text;
        }
        self.prose(line, part, fresh)
    }

    /// A line of running text: it goes on with what came before, where that can go on.
    fn prose(&mut self, line: &str, part: Part, fresh: bool) -> Part {
        let bare = line.trim();
        if bare.is_empty() || bare == "Options" {
            return Part::Text;
        }
        match (part, self.items.last_mut(), self.source.as_mut()) {
            (Part::Item, Some(item), _) if line.starts_with("  ") => append(&mut item.text, bare),
            (Part::Source, _, Some(source)) => append(source, bare),
            _ => {
                match self.paragraphs.last_mut() {
                    Some(last) if part == Part::Text && !fresh => append(last, bare),
                    _ => self.paragraphs.push(bare.to_string()),
                }
                return Part::Text;
            }
        }
        part
    }

    /// The first sentence.
    pub fn summary(&self) -> &str {
        let text = self.paragraphs.first().map_or("", String::as_str);
        let ends = |(at, _): &(usize, &str)| {
            text.get(at + 2..).is_some_and(|t| t.starts_with(|c: char| c.is_uppercase() || c == '`'))
        };
        let end = text.match_indices(". ").find(ends).map_or(text.len(), |(at, _)| at + 1);
        text.get(..end).unwrap_or(text)
    }

    /// What is said of a parameter here.
    pub fn item(&self, name: &str) -> Option<&Item> {
        self.items.iter().find(|i| i.names.iter().any(|n| n == name))
    }

    /// The entry whose parameters these are too: `Options are those of `ols`; …`.
    pub fn like(&self) -> Option<&str> {
        let after = self.paragraphs.iter().find_map(|p| p.split_once("those of `"))?.1;
        after.split('`').next()
    }
}

/// The rest of a line that begins with a name in backticks: further names, a colon, the text.
fn item_of(rest: &str) -> Option<Item> {
    let (names, text) = rest.split_once("`: ").or_else(|| rest.strip_suffix("`:").map(|n| (n, "")))?;
    let names: Vec<String> = names.split("`, `").map(str::to_string).collect();
    let names_alone = names.iter().all(|n| !n.is_empty() && !n.contains(['`', ' ']));
    names_alone.then(|| Item { names, text: text.trim().to_string() })
}

fn unticked(text: &str) -> String {
    text.trim().trim_matches('`').to_string()
}

fn append(text: &mut String, more: &str) {
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(more);
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNN: &str = "The nearest units. Ties are\nbroken by key.\n\nA second paragraph.\n## Options\n- `k`: how many,\n  \
                       at least one\n- `a`, `b`: two of them\nSource: methods B.2,\nkernels.\nExample: `row(knn(4))`";

    #[test]
    fn a_comment_has_its_parts() {
        let comment = Comment::parse(&KNN.replace("## Options", "Options"));
        assert_eq!(comment.paragraphs, ["The nearest units. Ties are broken by key.", "A second paragraph."]);
        assert_eq!(comment.summary(), "The nearest units.");
        assert_eq!(comment.item("k").unwrap().text, "how many, at least one");
        assert_eq!(comment.item("b").unwrap().names, ["a", "b"]);
        assert_eq!(comment.source.as_deref(), Some("methods B.2, kernels."));
        assert_eq!(comment.shown, Some(Shown::Example("row(knn(4))".into())));
    }

    #[test]
    fn an_example_may_have_several_lines() {
        let comment = Comment::parse("Text.\nExample:\n    let a = 1\n      a\nMore text.");
        assert_eq!(comment.shown, Some(Shown::Example("let a = 1\n  a".into())));
        assert_eq!(comment.paragraphs, ["Text.", "More text."]);
    }

    #[test]
    fn the_options_of_another_entry_are_named() {
        assert_eq!(Comment::parse("As there. Options are those of `ols`; `se` differs.").like(), Some("ols"));
        assert_eq!(Comment::parse("A sentence with i.e. a point.").summary(), "A sentence with i.e. a point.");
    }
}
