//! The catalogue of faults, read from `docs/faults.md`, which is also its page in the book.

/// The catalogue as the book shows it.
const PAGE: &str = include_str!("../../docs/faults.md");

/// One code of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultPage {
    /// `durbin::panel::duplicate_key`
    pub code: String,
    pub level: String,
    pub when: String,
    /// What to do about it; empty where nothing is to be done.
    pub repair: String,
}

impl FaultPage {
    /// `panel::duplicate_key`, as the code is also asked for.
    pub fn short(&self) -> &str {
        self.code.strip_prefix("durbin::").unwrap_or(&self.code)
    }

    /// The last part of the code.
    pub fn name(&self) -> &str {
        self.code.rsplit("::").next().unwrap_or(&self.code)
    }
}

/// All codes in the order of the page.
pub fn catalogue() -> Vec<FaultPage> {
    let mut part = "";
    let mut out = Vec::new();
    for line in PAGE.lines() {
        if let Some((_, rest)) = line.split_once("`durbin::").filter(|_| line.starts_with("## ")) {
            part = rest.split("::").next().unwrap_or(rest);
        } else if let Some(row) = line.strip_prefix("| `") {
            out.extend(page(part, row));
        }
    }
    out
}

/// The cells of a row: code, level, when, what to do. A bar within a cell is written `\|`.
fn page(part: &str, row: &str) -> Option<FaultPage> {
    let cells = row.trim_end().trim_end_matches('|').replace("\\|", "\u{0}");
    let mut cells = cells.split('|').map(|c| c.trim().replace('\u{0}', "|"));
    let name = cells.next()?;
    let code = format!("durbin::{part}::{}", name.trim_end_matches('`'));
    let (level, when) = (cells.next()?, cells.next()?);
    let repair = cells.next().filter(|r| r != "–").unwrap_or_default();
    Some(FaultPage { code, level, when, repair })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_becomes_a_page() {
        let all = catalogue();
        let one = all.iter().find(|f| f.code == "durbin::panel::duplicate_key").unwrap();
        assert_eq!((one.level.as_str(), one.short(), one.name()), ("error", "panel::duplicate_key", "duplicate_key"));
        let bar = all.iter().find(|f| f.name() == "second_bar").unwrap();
        assert!(bar.when.contains("`|`"), "{}", bar.when);
        assert!(all.iter().find(|f| f.name() == "rows_dropped").unwrap().repair.is_empty());
        assert!(all.len() > 100);
    }
}
