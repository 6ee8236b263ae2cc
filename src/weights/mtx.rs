//! Matrix Market files (NIST): a sparse or whole square matrix without names. Units are those of its comments
//! (`%unit 1 Alabama`, as durbin writes them) or of a list beside it.

use super::Weights;
use super::edges::{EdgeRow, links};
use super::listing::{Line, bad, lines};
use crate::data::csv::{nfc, text};
use crate::data::numbers::parse;
use crate::fault::{Fault, counted};

/// The matrix of a Matrix Market file on `units` (sorted keys), matched by key; `listed`: the file's units in its own
/// order, where they are given beside it.
pub fn mtx(
    file: &str,
    bytes: &[u8],
    listed: Option<&[String]>,
    units: &[String],
    known: &dyn Fn(&str) -> bool,
) -> Result<(Weights, Vec<Fault>), Vec<Fault>> {
    let read = text(file, bytes).and_then(|t| read(file, t, listed)).map_err(|fault| vec![fault])?;
    let named: Vec<(&str, usize)> = read.names.iter().map(|n| (n.as_str(), read.line)).collect();
    links(file, &read.rows, Some(&named), units, known)
}

struct Read {
    names: Vec<String>,
    rows: Vec<EdgeRow>,
    /// The line that says how large it is.
    line: usize,
}

fn read(file: &str, text: &str, listed: Option<&[String]>) -> Result<Read, Fault> {
    let all = lines(text);
    let fault = |line: usize, message: String| bad(file, line, message, "here");
    let Some((head, rest)) = all.split_first() else { return Err(fault(1, format!("`{file}` is empty"))) };
    let words: Vec<String> = head.words().iter().map(|w| w.to_ascii_lowercase()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let [
        mark,
        "matrix",
        form @ ("coordinate" | "array"),
        field @ ("real" | "integer" | "pattern"),
        shape @ ("general" | "symmetric"),
    ] = words[..]
    else {
        return Err(fault(
            head.number,
            format!("the first line of `{file}` says no Matrix Market file of real numbers"),
        )
        .help("it begins `%%MatrixMarket matrix coordinate real general`"));
    };
    if mark != "%%matrixmarket" {
        return Err(fault(head.number, format!("`{file}` does not begin with `%%MatrixMarket`")));
    }
    let comments = rest.iter().take_while(|l| l.starts_with('%')).count();
    let Some((size, entries)) = rest[comments..].split_first() else {
        return Err(fault(head.number, format!("`{file}` has no line with its size")));
    };
    let numbers: Vec<Option<usize>> = size.words().iter().map(|w| w.parse().ok()).collect();
    let (n, count) = match numbers[..] {
        [Some(n), Some(m), Some(count)] if n == m && form == "coordinate" => (n, count),
        [Some(n), Some(m)] if n == m && form == "array" => (n, n.saturating_mul(n)),
        _ => {
            return Err(fault(
                size.number,
                format!("line {} of `{file}` is not the size of a square matrix", size.number),
            ));
        }
    };
    let names = names(file, &rest[..comments], n, listed, size.number)?;
    let mut rows = Vec::new();
    let mut add = |i: usize, k: usize, weight: f64, line: usize| {
        // Whole matrices hold their zeros.
        if weight != 0.0 {
            rows.push(EdgeRow { from: names[i].clone(), to: names[k].clone(), weight, line });
        }
    };
    if form == "array" && shape == "symmetric" {
        return Err(fault(head.number, format!("`{file}` is a whole symmetric matrix, which is not read"))
            .help("write it `general`, or `coordinate`"));
    }
    let width = if form == "array" {
        1
    } else if field == "pattern" {
        2
    } else {
        3
    };
    if entries.len() != count {
        let message = format!("`{file}` announces {}, found {}", counted(count, "entry", "entries"), entries.len());
        return Err(fault(size.number, message).help("the file may have been cut off"));
    }
    for (at, line) in entries.iter().enumerate() {
        let words = line.words();
        let place = |k: usize| words.get(k).and_then(|w| w.parse::<usize>().ok()).filter(|p| (1..=n).contains(p));
        let value = if field == "pattern" { Some(1.0) } else { words.get(width - 1).and_then(|w| parse(w)) };
        match (form, place(0), place(1), value) {
            _ if words.len() != width => return Err(no_entry(file, line)),
            ("array", _, _, Some(x)) => add(at % n, at / n, x, line.number),
            ("coordinate", Some(i), Some(k), Some(x)) => {
                add(i - 1, k - 1, x, line.number);
                if shape == "symmetric" && i != k {
                    add(k - 1, i - 1, x, line.number);
                }
            }
            _ => return Err(no_entry(file, line)),
        }
    }
    Ok(Read { names, rows, line: size.number })
}

fn no_entry(file: &str, line: &Line) -> Fault {
    let message = format!("line {} of `{file}` is no entry of the matrix", line.number);
    bad(file, line.number, message, "here").help("an entry is a row, a column (from 1, within the size) and a number")
}

/// Names of the rows: those listed, else those of comments.
fn names(
    file: &str,
    comments: &[Line],
    n: usize,
    listed: Option<&[String]>,
    line: usize,
) -> Result<Vec<String>, Fault> {
    let unnamed = || {
        let message = format!("`{file}` does not name its {n} rows");
        bad(file, line, message, "the size of the matrix")
            .help("give the units in its order: `mtx(\"W.mtx\", units: \"units.csv\")`; they are never matched by position alone")
    };
    if let Some(listed) = listed {
        if listed.len() != n {
            let message = format!("`{file}` has {} and the list of units {}", counted(n, "row", "rows"), listed.len());
            return Err(bad(file, line, message, "the size of the matrix")
                .help("list one unit a row, in the order of the matrix"));
        }
        return if listed.iter().any(String::is_empty) { Err(unnamed()) } else { Ok(listed.to_vec()) };
    }
    // Every name is a line of its own, so that a size in words is not believed.
    if n > comments.len() {
        return Err(unnamed());
    }
    let mut names = vec![String::new(); n];
    for comment in comments {
        let Some((number, name)) = comment.rest("%unit ").and_then(|r| r.split_once(' ')) else { continue };
        if let Some(slot) = number.parse::<usize>().ok().and_then(|k| names.get_mut(k.wrapping_sub(1))) {
            *slot = nfc(name.trim()).into_owned();
        }
    }
    if names.iter().any(String::is_empty) { Err(unnamed()) } else { Ok(names) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units() -> Vec<String> {
        ["a", "b", "c"].map(String::from).to_vec()
    }

    fn build(text: &str, listed: Option<&[String]>) -> Result<Weights, Vec<Fault>> {
        mtx("w.mtx", text.as_bytes(), listed, &units(), &|_| false).map(|r| r.0)
    }

    #[test]
    fn rows_are_named_by_comments_or_a_list_and_never_by_position() {
        let body = "3 3 2\n1 2 0.5\n3 1 2\n";
        let head = "%%MatrixMarket matrix coordinate real general\n";
        let named = build(&format!("{head}%unit 1 c\n%unit 2 a\n%unit 3 b\n{body}"), None).unwrap();
        assert_eq!(named.matrix.iter().map(|(v, at)| (at, *v)).collect::<Vec<_>>(), [((1, 2), 2.0), ((2, 0), 0.5)]);
        let listed = ["c", "a", "b"].map(String::from);
        assert_eq!(build(&format!("{head}{body}"), Some(&listed)).unwrap(), named);
        let fault = build(&format!("{head}{body}"), None).unwrap_err().remove(0);
        assert!(fault.help.unwrap().contains("units:"));
    }

    #[test]
    fn symmetric_and_whole_matrices_are_read() {
        let listed = units();
        let half =
            build("%%MatrixMarket matrix coordinate pattern symmetric\n3 3 2\n2 1\n3 2\n", Some(&listed)).unwrap();
        let whole = "%%MatrixMarket matrix array real general\n3 3\n0\n1\n0\n1\n0\n1\n0\n1\n0\n";
        assert_eq!(build(whole, Some(&listed)).unwrap(), half);
    }

    #[test]
    fn what_does_not_fit_is_placed() {
        let listed = units();
        let line = |text: &str| build(text, Some(&listed)).unwrap_err()[0].labels[0].line;
        assert_eq!(line("%%MatrixMarket matrix coordinate real general\n3 3 2\n1 2 0.5\n"), 2);
        assert_eq!(line("%%MatrixMarket matrix coordinate real general\n3 3 1\n1 9 0.5\n"), 3);
        assert_eq!(line("%%MatrixMarket matrix coordinate complex general\n3 3 0\n"), 1);
    }
}
