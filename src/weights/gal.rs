//! GAL files (GeoDa, PySAL): who is a neighbor of whom, every link with weight 1.
//!
//! A header, then two lines a unit: its key and how many neighbors it has, and their keys. The second line of a unit
//! without neighbors is blank or left out.

use super::Weights;
use super::edges::{EdgeRow, links};
use super::listing::{Line, bad, header, lines};
use crate::data::csv::text;
use crate::fault::{Fault, counted};

/// One unit of the file and the links that leave it.
struct Record {
    key: String,
    line: usize,
    neighbors: Vec<EdgeRow>,
}

/// The matrix of a GAL file on `units` (sorted keys). Every unit of the panel must have its record in the file; `known`
/// says of a key that it is a unit left out of the panel: its links are skipped.
pub fn gal(
    file: &str,
    bytes: &[u8],
    units: &[String],
    known: &dyn Fn(&str) -> bool,
) -> Result<(Weights, Vec<Fault>), Vec<Fault>> {
    let records = text(file, bytes).and_then(|t| read(file, &lines(t))).map_err(|fault| vec![fault])?;
    let listed: Vec<(&str, usize)> = records.iter().map(|r| (r.key.as_str(), r.line)).collect();
    let rows: Vec<EdgeRow> = records.iter().flat_map(|r| r.neighbors.iter().cloned()).collect();
    links(file, &rows, Some(&listed), units, known)
}

fn read(file: &str, lines: &[Line]) -> Result<Vec<Record>, Fault> {
    let Some((first, mut rest)) = lines.split_first() else { return Ok(Vec::new()) };
    let announced = header(file, first)?;
    let mut records: Vec<Record> = Vec::new();
    while let Some((line, after)) = rest.split_first() {
        let (key, count) = unit(file, line)?;
        let neighbors = if count == 0 { None } else { after.first() };
        rest = if neighbors.is_some() { &after[1..] } else { after };
        let neighbors = self::neighbors(file, line, &key, count, neighbors)?;
        records.push(Record { key, line: line.number, neighbors });
    }
    if records.len() != announced {
        let message = format!(
            "the header of `{file}` announces {}, found {}",
            counted(announced, "unit", "units"),
            records.len()
        );
        return Err(bad(file, first.number, message, "announced here").help("the file may have been cut off"));
    }
    twice(file, &records).map_or(Ok(records), Err)
}

/// The key of a unit and how many neighbors are announced.
fn unit(file: &str, line: &Line) -> Result<(String, usize), Fault> {
    let words = line.words();
    let parsed = match &words[..] {
        [key, count] => count.parse().ok().map(|n| (key.clone(), n)),
        _ => None,
    };
    parsed.ok_or_else(|| {
        let message = format!(
            "line {} of `{file}` should hold a unit and its number of neighbors, found {}",
            line.number,
            counted(words.len(), "word", "words")
        );
        bad(file, line.number, message, "here").help("a key with blanks in it stands in quotes")
    })
}

fn neighbors(file: &str, unit: &Line, key: &str, announced: usize, line: Option<&Line>) -> Result<Vec<EdgeRow>, Fault> {
    let words = line.map(Line::words).unwrap_or_default();
    let number = line.map_or(unit.number, |l| l.number);
    if words.len() != announced {
        let message = format!(
            "line {} of `{file}` announces {} of \"{key}\", found {}",
            unit.number,
            counted(announced, "neighbor", "neighbors"),
            words.len()
        );
        let fault = bad(file, unit.number, message, "announced here");
        return Err(match line {
            Some(_) => fault.label(file, number, 1, "these are the neighbors"),
            None => fault,
        });
    }
    Ok(words.into_iter().map(|to| EdgeRow { from: key.to_string(), to, weight: 1.0, line: number }).collect())
}

fn twice(file: &str, records: &[Record]) -> Option<Fault> {
    let mut order: Vec<&Record> = records.iter().collect();
    order.sort_by_key(|r| (r.key.as_str(), r.line));
    let pair = order.windows(2).find(|w| w[0].key == w[1].key)?;
    let message = format!("`{file}` announces 1 list of neighbors for each unit, found 2 of \"{}\"", pair[0].key);
    Some(bad(file, pair[0].line, message, "first here").label(file, pair[1].line, 1, "and here again"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units() -> Vec<String> {
        ["New York", "a", "b"].map(String::from).to_vec()
    }

    fn codes(text: &str) -> Vec<(&'static str, usize)> {
        let faults = gal("w.gal", text.as_bytes(), &units(), &|_| false).unwrap_err();
        faults.iter().map(|f| (f.code, f.labels.first().map_or(0, |l| l.line))).collect()
    }

    #[test]
    fn both_headers_quotes_marks_and_line_ends_read_the_same() {
        let plain = "3\na 2\nb \"New York\"\nb 1\na\n\"New York\" 0\n\n";
        let (w, warnings) = gal("w.gal", plain.as_bytes(), &units(), &|_| false).unwrap();
        assert!(warnings.is_empty());
        assert_eq!(
            w.matrix.iter().map(|(v, at)| (at, *v)).collect::<Vec<_>>(),
            [((1, 0), 1.0), ((1, 2), 1.0), ((2, 1), 1.0)]
        );
        let dressed = format!("\u{feff}{}", plain.replacen('3', "0 3 us 48.shp name", 1).replace('\n', "\r\n"));
        assert_eq!(gal("w.gal", dressed.as_bytes(), &units(), &|_| false).unwrap().0, w);
        let old = plain.replace('\n', "\r");
        assert_eq!(gal("w.gal", old.as_bytes(), &units(), &|_| false).unwrap().0, w);
    }

    #[test]
    fn counts_that_do_not_fit_are_named_with_their_line() {
        let bad = "durbin::weights::bad_gal";
        assert_eq!(codes("3\na 2\nb\nb 1\na\n\"New York\" 0\n"), [(bad, 2)]);
        assert_eq!(codes("4\na 1\nb\nb 1\na\n\"New York\" 0\n"), [(bad, 1)]);
        assert_eq!(codes("three\na 1\nb\n"), [(bad, 1)]);
        assert_eq!(codes("3\na 1\nb\nb 1\na\nNew York 0\n"), [(bad, 6)]);
        assert_eq!(codes("3\na 1\nb\na 1\nb\nb 1\na\n"), [(bad, 2)]);
        assert_eq!(codes("3\na 1\nb\nb 1\na\n\"New York\" 1"), [(bad, 6)]);
    }

    #[test]
    fn keys_on_one_side_only_and_bad_links_are_found() {
        let text = "3\na 2\nb b\n\nb 2\nb Z\n\nZ 1\na\n";
        assert_eq!(
            codes(text),
            [
                ("durbin::plan::unit_mismatch", 6),
                ("durbin::weights::diagonal", 6),
                ("durbin::weights::duplicate_link", 3)
            ]
        );
        let faults = gal("w.gal", text.as_bytes(), &units(), &|k| k == "Z").unwrap_err();
        assert_eq!(faults[0].message, "`w.gal` has 3 units and the panel 3; 1 only in the panel: \"New York\"");
    }

    #[test]
    fn units_left_out_of_the_panel_lose_their_links() {
        let text = "4\na 2\nb Z\nb 1\na\n\"New York\" 1\nZ\nZ 2\na b\n";
        let (w, _) = gal("w.gal", text.as_bytes(), &units(), &|k| k == "Z").unwrap();
        assert_eq!(w.matrix.nnz(), 2);
        assert_eq!(w.islands(), [0]);
    }

    #[test]
    fn other_encodings_are_named() {
        let faults = gal("w.gal", b"1\nM\xfcnchen 0\n", &units(), &|_| false).unwrap_err();
        assert_eq!((faults[0].code, faults[0].labels[0].line), ("durbin::data::not_utf8", 2));
    }
}
