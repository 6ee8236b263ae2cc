//! Comments and documentation: which `##` block belongs to what, and all that is left over.

use crate::source::{Source, SourceId, Span};
use crate::syntax::ast::Comment;
use crate::syntax::scan::Scan;

/// `##` lines that follow each other directly.
#[derive(Clone, Debug)]
struct DocBlock {
    first: usize,
    last: usize,
    lines: Vec<Comment>,
    taken: bool,
}

/// The comments of a text, handed out to the statements and clauses they document.
#[derive(Clone, Debug, Default)]
pub struct Trivia {
    lines: Option<Source>,
    comments: Vec<Comment>,
    blocks: Vec<DocBlock>,
}

impl Trivia {
    pub fn new(text: &str, scan: &Scan) -> Trivia {
        let lines = Source::new("", text);
        let mut comments = Vec::new();
        let mut blocks: Vec<DocBlock> = Vec::new();
        for scanned in &scan.comments {
            let (start, end) = (scanned.range.hash, scanned.range.end);
            let written = text.get(start..end).unwrap_or("").trim_end();
            let span = Span::new(SourceId::default(), start, start + written.len());
            let comment = Comment { text: written.to_string(), span };
            if !scanned.documents {
                comments.push(comment);
                continue;
            }
            let line = lines.line_column(start).line;
            match blocks.last_mut() {
                Some(block) if block.last + 1 == line => {
                    block.last = line;
                    block.lines.push(comment);
                }
                _ => blocks.push(DocBlock { first: line, last: line, lines: vec![comment], taken: false }),
            }
        }
        Trivia { lines: Some(lines), comments, blocks }
    }

    /// The block directly above the line of `offset`, once.
    pub fn doc_above(&mut self, offset: usize) -> Option<String> {
        let line = self.lines.as_ref()?.line_column(offset).line;
        let index = self.blocks.binary_search_by_key(&(line.checked_sub(1)?), |b| b.last).ok()?;
        let block = self.blocks.get_mut(index).filter(|b| !b.taken)?;
        block.taken = true;
        Some(words(block))
    }

    /// The block at the head, when a blank line follows it and nothing but comments comes before it.
    pub fn head(&mut self, first_statement: Option<usize>) -> Option<String> {
        let lines = self.lines.as_ref()?;
        let block = self.blocks.first_mut().filter(|b| !b.taken)?;
        let above = first_statement.is_none_or(|at| lines.line_column(at).line > block.last);
        if !above || !lines.line(block.last + 1).trim().is_empty() || block.first > block.last {
            return None;
        }
        block.taken = true;
        Some(words(block))
    }

    /// All comments that document nothing, in the order of the text.
    pub fn left(self, source: SourceId) -> Vec<Comment> {
        let loose = self.blocks.into_iter().filter(|b| !b.taken).flat_map(|b| b.lines);
        let mut all: Vec<Comment> = self.comments.into_iter().chain(loose).collect();
        all.sort_by_key(|c| c.span.start);
        for comment in &mut all {
            comment.span.source = source;
        }
        all
    }
}

fn words(block: &DocBlock) -> String {
    let bare = |c: &Comment| {
        let text = c.text.strip_prefix("##").unwrap_or(&c.text);
        text.strip_prefix(' ').unwrap_or(text).to_string()
    };
    block.lines.iter().map(bare).collect::<Vec<_>>().join("\n")
}
