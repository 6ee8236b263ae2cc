//! An explanation on the terminal and as Markdown: headings, wrapped paragraphs, lists, lines of formulas.

use super::fit::joined;
use super::layout::wrapped;
use crate::outcome::{Explanation, Passage};

/// As the terminal shows it, within the line.
pub fn text(explanation: &Explanation) -> String {
    let mut out = format!("{}\n", explanation.title);
    for section in &explanation.sections {
        out.push_str(&format!("\n{}\n", section.heading));
        let mut previous: Option<&Passage> = None;
        for passage in &section.passages {
            // Points of a list stand close, everything else apart.
            if previous.is_some() && !matches!((previous, passage), (Some(Passage::Point(_)), Passage::Point(_))) {
                out.push('\n');
            }
            out.push_str(&match passage {
                Passage::Paragraph(words) => joined(&wrapped("  ", 2, words)),
                Passage::Point(words) => joined(&wrapped("  - ", 4, words)),
                Passage::Lines(lines) => lines.iter().map(|l| format!("    {l}\n")).collect(),
            });
            previous = Some(passage);
        }
    }
    out
}

/// As Markdown: formulas are fenced, so that no sign of them is read as markup; column names in running text are not.
pub fn markdown(explanation: &Explanation) -> String {
    let mut out = format!("# {}\n", escaped(&explanation.title));
    for section in &explanation.sections {
        out.push_str(&format!("\n## {}\n", escaped(&section.heading)));
        let mut previous: Option<&Passage> = None;
        for passage in &section.passages {
            if !matches!((previous, passage), (Some(Passage::Point(_)), Passage::Point(_))) {
                out.push('\n');
            }
            out.push_str(&match passage {
                Passage::Paragraph(words) => format!("{}\n", escaped(words)),
                Passage::Point(words) => format!("- {}\n", escaped(words)),
                Passage::Lines(lines) => format!("```text\n{}\n```\n", lines.join("\n")),
            });
            previous = Some(passage);
        }
    }
    out
}

/// Text whose signs Markdown would read as markup outside backticks.
fn escaped(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    let mut quoted = false;
    for c in words.chars() {
        match c {
            '`' => quoted = !quoted,
            '_' | '*' | '<' | '[' | ']' | '|' | '\\' | '#' if !quoted => out.push('\\'),
            _ => {}
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Section;

    fn sample() -> Explanation {
        let passages = vec![
            Passage::Paragraph("Why x_it and `x_it` differ. ".repeat(8).trim_end().to_string()),
            Passage::Lines(vec!["y_it = b1 x_it + e_it".into()]),
            Passage::Point("first".into()),
            Passage::Point("second".into()),
        ];
        Explanation { title: "m: Linear model".into(), sections: vec![Section { heading: "Model".into(), passages }] }
    }

    #[test]
    fn text_keeps_to_the_line_and_lists_stand_close() {
        let shown = text(&sample());
        assert!(shown.lines().all(|l| l.chars().count() <= 100));
        assert!(shown.contains("\n\n    y_it = b1 x_it + e_it\n\n  - first\n  - second\n"));
    }

    #[test]
    fn markdown_fences_formulas_and_escapes_words() {
        let shown = markdown(&sample());
        assert!(shown.starts_with("# m: Linear model\n\n## Model\n\nWhy x\\_it and `x_it` differ."));
        assert!(shown.contains("```text\ny_it = b1 x_it + e_it\n```\n\n- first\n- second\n"));
    }
}
