//! GWT files (GeoDa, PySAL): a header, then one link a line: from, to and its weight.

use super::Weights;
use super::edges::{EdgeRow, links};
use super::listing::{Line, bad, header, lines};
use crate::data::csv::text;
use crate::data::numbers::parse;
use crate::fault::{Fault, counted};
use std::collections::BTreeMap;

/// The matrix of a GWT file on `units` (sorted keys). A unit no link names is an island, where the header announces as
/// many units as the panel has; `known` says of a key that it is a unit left out of the panel: its links are skipped.
pub fn gwt(
    file: &str,
    bytes: &[u8],
    units: &[String],
    known: &dyn Fn(&str) -> bool,
) -> Result<(Weights, Vec<Fault>), Vec<Fault>> {
    let read = text(file, bytes).and_then(|t| read(file, &lines(t)));
    let (announced, rows) = read.map_err(|fault| vec![fault])?;
    let named = named(&rows);
    // a file about fewer units than the panel has cannot hold all of them
    let listed = (announced < units.len()).then_some(&named[..]);
    links(file, &rows, listed, units, known)
}

/// The number of units announced, and the links.
fn read(file: &str, lines: &[Line]) -> Result<(usize, Vec<EdgeRow>), Fault> {
    let Some((first, rest)) = lines.split_first() else { return Ok((0, Vec::new())) };
    let announced = header(file, first)?;
    let rows = rest.iter().map(|line| link(file, line)).collect::<Result<Vec<EdgeRow>, Fault>>()?;
    let found = named(&rows).len();
    if found > announced {
        let message =
            format!("the header of `{file}` announces {}, found {found}", counted(announced, "unit", "units"));
        return Err(bad(file, first.number, message, "announced here"));
    }
    Ok((announced, rows))
}

fn link(file: &str, line: &Line) -> Result<EdgeRow, Fault> {
    match &line.words()[..] {
        [from, to, weight] => {
            let weight = parse(weight).unwrap_or(f64::NAN);
            Ok(EdgeRow { from: from.clone(), to: to.clone(), weight, line: line.number })
        }
        words => {
            let found = counted(words.len(), "word", "words");
            let message =
                format!("line {} of `{file}` should hold 3 words (from, to, weight), found {found}", line.number);
            Err(bad(file, line.number, message, "here").help("a key with blanks in it stands in quotes"))
        }
    }
}

/// Every key once, with the line where it first stands.
fn named(rows: &[EdgeRow]) -> Vec<(&str, usize)> {
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        first.entry(&row.from).or_insert(row.line);
        first.entry(&row.to).or_insert(row.line);
    }
    first.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units() -> Vec<String> {
        ["a", "b", "c"].map(String::from).to_vec()
    }

    fn codes(text: &str) -> Vec<(&'static str, usize)> {
        let faults = gwt("w.gwt", text.as_bytes(), &units(), &|_| false).unwrap_err();
        faults.iter().map(|f| (f.code, f.labels.first().map_or(0, |l| l.line))).collect()
    }

    #[test]
    fn links_are_read_with_their_weights() {
        let text = "\u{feff}0 3 towns town\r\na b 0.5\r\nb a 2e1\r\n\r\n";
        let (w, warnings) = gwt("w.gwt", text.as_bytes(), &units(), &|_| false).unwrap();
        assert!(warnings.is_empty());
        assert_eq!((w.matrix.get(0, 1), w.matrix.get(1, 0)), (Some(&0.5), Some(&20.0)));
        assert_eq!(w.islands(), [2]);
    }

    #[test]
    fn counts_that_do_not_fit_are_named_with_their_line() {
        assert_eq!(codes("0 3 t k\na b 1\nb a\n"), [("durbin::weights::bad_gal", 3)]);
        assert_eq!(codes("2\na b 1\nb c 1\n"), [("durbin::weights::bad_gal", 1)]);
        assert_eq!(codes("a b 1\nb a 1\n"), [("durbin::weights::bad_gal", 1)]);
        let short = gwt("w.gwt", b"2\na b 1\nb a 1\n", &units(), &|_| false).unwrap_err();
        assert_eq!(short[0].code, "durbin::plan::unit_mismatch");
        assert!(short[0].message.contains("only in the panel: \"c\""), "{}", short[0].message);
    }

    #[test]
    fn bad_links_are_found() {
        let text = "0 4 t k\na z 1\nb b 1\na b -1\na b 1\nb c x\n";
        assert_eq!(
            codes(text),
            [
                ("durbin::plan::unit_mismatch", 2),
                ("durbin::weights::diagonal", 3),
                ("durbin::weights::bad_weight", 6),
                ("durbin::weights::negative", 4),
                ("durbin::weights::duplicate_link", 4)
            ]
        );
        assert!(gwt("w.gwt", b"0 4 t k\na z 1\nb a 1\n", &units(), &|k| k == "z").is_ok());
    }
}
