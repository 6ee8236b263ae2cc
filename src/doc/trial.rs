//! What this version executes, found by trying: an example, or an option's value, is checked after the statements of
//! the program its module names, and what comes back tells.
//!
//! Nothing is estimated and no list is kept: an entry becomes available by being built.

use super::comment::Comment;
use crate::loader::MemoryLoader;
use crate::session::{Program, Session};

/// What came of trying a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is checked without an error.
    Available,
    /// The language has it, this version does not execute it.
    Later,
    /// Another fault: its code and message.
    Refused(String),
}

/// A program that examples run after, with its files.
#[derive(Clone, Copy, Debug)]
pub struct World {
    /// Its path in the repository, by which a module's comment names it.
    pub path: &'static str,
    pub program: &'static str,
    files: &'static [(&'static str, &'static str)],
}

/// The programs that examples run after; the first one where a module names none.
const WORLDS: [World; 2] = [CASTLE, JOBS];

const CASTLE: World = World {
    path: "examples/castle/castle.durbin",
    program: include_str!("../../examples/castle/castle.durbin"),
    files: &[
        ("panel.csv", include_str!("../../examples/castle/panel.csv")),
        ("states.csv", include_str!("../../examples/castle/states.csv")),
        ("contiguity.csv", include_str!("../../examples/castle/contiguity.csv")),
        ("contiguity_matrix.csv", include_str!("../../std/examples/contiguity_matrix.csv")),
        ("contiguity.gal", include_str!("../../std/examples/contiguity.gal")),
        ("nearest.gwt", include_str!("../../std/examples/nearest.gwt")),
    ],
};

const JOBS: World = World {
    path: "std/examples/jobs.durbin",
    program: include_str!("../../std/examples/jobs.durbin"),
    files: &[
        ("employment.csv", include_str!("../../std/examples/employment.csv")),
        ("regions.csv", include_str!("../../std/examples/regions.csv")),
    ],
};

/// The words by which a module says that its examples are columns.
const COLUMNS: &str = "Examples are columns of its panel";

/// Words that begin a clause of a panel and no statement.
const CLAUSES: [&str; 10] =
    ["unit", "time", "join", "coords", "shapes", "where", "missing", "balance", "encoding", "separator"];

/// Where the examples of a module stand.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub world: World,
    /// Examples without `~` are columns of the panel.
    columns: bool,
}

impl Place {
    /// As the head comment of the module says.
    pub fn of(head: &Comment) -> Place {
        let names = |w: &&World| head.paragraphs.iter().any(|p| p.contains(w.path));
        let world = WORLDS.iter().find(names).unwrap_or(&WORLDS[0]);
        Place { world: *world, columns: head.paragraphs.iter().any(|p| p.contains(COLUMNS)) }
    }

    /// The files of the program, by name.
    pub fn files(&self) -> MemoryLoader {
        let owned = self.world.files.iter().map(|(name, text)| ((*name).to_string(), text.as_bytes().to_vec()));
        MemoryLoader { files: owned.collect() }
    }

    /// The whole program of an example.
    pub fn program(&self, example: &str) -> Program {
        let text = if self.is_column(example) {
            self.with_clauses(&format!("  let example = {example}\n"))
        } else {
            format!("{}\n{example}\n", self.world.program)
        };
        Program::new(self.name(), &text)
    }

    fn is_column(&self, example: &str) -> bool {
        self.columns && !example.contains('~')
    }

    /// The program's own file name.
    fn name(&self) -> &'static str {
        self.world.path.rsplit('/').next().unwrap_or(self.world.path)
    }

    /// The program with clauses added at the end of its first panel.
    fn with_clauses(&self, clauses: &str) -> String {
        let text = self.world.program;
        let end = text.find("\n}").map_or(text.len(), |at| at + 1);
        let (before, after) = text.split_at(end);
        format!("{before}{clauses}{after}")
    }

    /// Tries texts, all in one program: the checker reports every fault at its place.
    pub fn standings(&self, texts: &[String]) -> Vec<Standing> {
        let mut out = vec![Standing::Available; texts.len()];
        let (columns, statements): (Vec<usize>, Vec<usize>) =
            (0..texts.len()).partition(|&i| texts.get(i).is_some_and(|t| self.is_column(t)));
        let (alone, together): (Vec<usize>, Vec<usize>) =
            statements.into_iter().partition(|&i| texts.get(i).is_some_and(|t| declares(t)));
        let single = alone.into_iter().map(|i| (vec![i], false));
        for (group, columns) in [(columns, true), (together, false)].into_iter().chain(single) {
            for (place, standing) in self.tried(&group, texts, columns) {
                if let Some(slot) = out.get_mut(place) {
                    *slot = standing;
                }
            }
        }
        out
    }

    /// Tries phrases of any kind: statements, expressions, and clauses of a panel.
    pub fn phrases(&self, texts: &[String]) -> Vec<Standing> {
        let clause = |t: &String| CLAUSES.contains(&t.split_whitespace().next().unwrap_or_default());
        let one = |(i, t): (usize, &String)| self.standing(texts, i, clause(t));
        texts.iter().enumerate().map(one).collect()
    }

    fn standing(&self, texts: &[String], i: usize, clause: bool) -> Standing {
        let found = match texts.get(i).filter(|_| clause) {
            Some(text) => self.checked(&self.with_clauses(&format!("  {text}\n"))),
            None => self.tried(&[i], texts, false).into_iter().next().map(|(_, s)| s),
        };
        found.unwrap_or(Standing::Available)
    }

    /// What stands against a whole program.
    fn checked(&self, text: &str) -> Option<Standing> {
        let files = self.files();
        let run = Session::new(&files).check(&Program::new(self.name(), text));
        let errors = run.diagnostics.iter().filter(|d| d.is_error());
        Some(errors.fold(Standing::Available, |now, fault| worse(&now, fault.code, &fault.message)))
    }

    /// One program of many texts, or one each where the many cannot be told apart.
    fn tried(&self, group: &[usize], texts: &[String], columns: bool) -> Vec<(usize, Standing)> {
        if group.is_empty() {
            return Vec::new();
        }
        let lines: Vec<String> = (group.iter().enumerate())
            .filter_map(|(n, &i)| texts.get(i).map(|t| (n, t)))
            .map(|(n, t)| if columns { format!("  let example_{n} = {t}\n") } else { format!("{t}\n") })
            .collect();
        let (text, begin) = if columns {
            (self.with_clauses(&lines.concat()), self.world.program.find("\n}").map_or(0, |at| at + 1))
        } else {
            (format!("{}\n{}", self.world.program, lines.concat()), self.world.program.len() + 1)
        };
        let files = self.files();
        let run = Session::new(&files).check(&Program::new(self.name(), &text));
        let mut ends = begin;
        let ranges: Vec<(usize, usize)> = (lines.iter())
            .map(|l| {
                let start = ends;
                ends += l.len();
                (start, ends)
            })
            .collect();
        let mut found: Vec<(usize, Standing)> = group.iter().map(|&i| (i, Standing::Available)).collect();
        let mut placed = true;
        for fault in run.diagnostics.iter().filter(|d| d.is_error()) {
            let at = fault.span.filter(|s| s.source.0 == 0).map(|s| s.start as usize);
            let line = at.and_then(|at| ranges.iter().position(|&(start, end)| at >= start && at < end));
            match line.and_then(|n| found.get_mut(n)) {
                Some((_, standing)) => *standing = worse(standing, fault.code, &fault.message),
                None => placed = false,
            }
        }
        let syntax = run.diagnostics.iter().any(|d| d.code.starts_with("durbin::syntax"));
        if group.len() > 1 && (syntax || !placed) {
            return group.iter().flat_map(|&i| self.tried(&[i], texts, columns)).collect();
        }
        found
    }
}

/// Whether a text declares something: it is tried alone, since what it declares may change what others mean.
fn declares(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    text.contains('\n') || ["panel", "data", "weights", "treatment", "let", "fn", "model", "use"].contains(&first)
}

/// What is refused for another reason is no question of this version.
fn worse(now: &Standing, code: &str, message: &str) -> Standing {
    match now {
        Standing::Refused(_) => now.clone(),
        _ if code == "durbin::check::not_available" => Standing::Later,
        _ => Standing::Refused(format!("{code}: {message}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(columns: bool) -> Place {
        Place { world: WORLDS[0], columns }
    }

    #[test]
    fn texts_tried_together_are_told_apart() {
        let texts =
            ["C", "sdn(lhom ~ law | C)", "treatment again = starts(law_year)", "treatment again = starts(law_year)"];
        let found = place(false).standings(&texts.map(String::from));
        assert!(matches!(&found[1], Standing::Refused(r) if r.contains("unknown_function")), "{found:?}");
        assert!([0, 2, 3].iter().all(|&i| found[i] == Standing::Available), "{found:?}");
    }

    #[test]
    fn a_text_that_does_not_parse_spoils_no_other() {
        let found = place(true).standings(&["log(homicide)", "log(", "ols(lhom ~ poverty)"].map(String::from));
        assert_eq!(found[0], Standing::Available);
        assert!(matches!(&found[1], Standing::Refused(_)));
        assert_eq!(found[2], Standing::Available);
    }
}
