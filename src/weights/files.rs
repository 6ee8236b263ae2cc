//! Matrices as files other programs read: GAL, GWT, a list of links as CSV, Matrix Market.

use super::Weights;
use crate::fault::{Fault, quoted_list};
use std::fmt::Write;

/// Endings of files a matrix is written to.
pub const FORMATS: [&str; 4] = [".gal", ".gwt", ".csv", ".mtx"];

/// The matrix as the text of a file with that ending, and a note where the format does not hold all of it. Error:
/// `blank_key` where the format separates by blanks and a key holds one.
pub fn written(
    weights: &Weights,
    units: &[String],
    ending: &str,
    path: &str,
) -> Result<(String, Option<Fault>), Fault> {
    if matches!(ending, "gal" | "gwt") {
        let blank: Vec<&String> =
            units.iter().filter(|u| u.chars().any(char::is_whitespace) || u.contains('"')).collect();
        if !blank.is_empty() {
            let message = format!(
                "`{path}` separates keys by blanks, and {} of {} units have one in their name: {}",
                blank.len(),
                units.len(),
                quoted_list(&blank)
            );
            return Err(Fault::error("durbin::weights::blank_key", message)
                .help("save as `.csv`, or give the units keys without blanks"));
        }
    }
    let n = units.len();
    let m = &weights.matrix;
    let mut out = String::new();
    let mut lost = None;
    // Writing into a string cannot fail.
    match ending {
        "gal" => {
            let _ = writeln!(out, "0 {n} unknown unit");
            for (unit, row) in units.iter().zip(m.outer_iterator()) {
                let neighbors: Vec<&str> = row.indices().iter().map(|&k| units[k].as_str()).collect();
                let _ = writeln!(out, "{unit} {}\n{}", neighbors.len(), neighbors.join(" "));
            }
            let plain = m.outer_iterator().all(|row| row.data().windows(2).all(|w| w[0] == w[1]));
            lost = (!plain).then(|| {
                Fault::note("durbin::weights::values_lost", format!("`{path}` holds the links and not their weights"))
                    .help("`.gwt`, `.csv` and `.mtx` hold both")
            });
        }
        "gwt" => {
            let _ = writeln!(out, "0 {n} unknown unit");
            for (v, (i, k)) in m.iter() {
                let _ = writeln!(out, "{} {} {v}", units[i], units[k]);
            }
        }
        "csv" => {
            out.push_str("from,to,weight\n");
            for (v, (i, k)) in m.iter() {
                let _ = writeln!(out, "{},{},{v}", field(&units[i]), field(&units[k]));
            }
        }
        _ => {
            out.push_str("%%MatrixMarket matrix coordinate real general\n");
            for (i, unit) in units.iter().enumerate() {
                let _ = writeln!(out, "%unit {} {unit}", i + 1);
            }
            let _ = writeln!(out, "{n} {n} {}", m.nnz());
            for (v, (i, k)) in m.iter() {
                let _ = writeln!(out, "{} {} {v}", i + 1, k + 1);
            }
        }
    }
    Ok((out, lost))
}

fn field(key: &str) -> String {
    if key.contains([',', '"', '\n', '\r']) || key.trim() != key {
        format!("\"{}\"", key.replace('"', "\"\""))
    } else {
        key.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::from_entries;

    fn matrix() -> (Weights, Vec<String>) {
        let w = Weights::unscaled(from_entries(3, &[(0, 1, 0.5), (0, 2, 0.25), (2, 0, 1.0)]));
        (w, ["a", "b", "c"].map(String::from).to_vec())
    }

    #[test]
    fn what_is_written_is_read_again() {
        let (w, units) = matrix();
        let text = |ending| written(&w, &units, ending, "w").unwrap().0;
        let known = |_: &str| false;
        let gwt = crate::weights::gwt::gwt("w.gwt", text("gwt").as_bytes(), &units, &known).unwrap().0;
        assert_eq!(gwt.matrix, w.matrix);
        let mtx = crate::weights::mtx::mtx("w.mtx", text("mtx").as_bytes(), None, &units, &known).unwrap().0;
        assert_eq!(mtx.matrix, w.matrix);
        let gal = crate::weights::gal::gal("w.gal", text("gal").as_bytes(), &units, &known).unwrap().0;
        assert_eq!(
            gal.matrix.iter().map(|e| e.1).collect::<Vec<_>>(),
            w.matrix.iter().map(|e| e.1).collect::<Vec<_>>()
        );
        assert_eq!(text("csv"), "from,to,weight\na,b,0.5\na,c,0.25\nc,a,1\n");
        assert_eq!(written(&w, &units, "gal", "w").unwrap().1.unwrap().code, "durbin::weights::values_lost");
    }

    #[test]
    fn keys_with_blanks_are_refused_where_blanks_separate() {
        let (w, mut units) = matrix();
        units[1] = "New York".into();
        assert_eq!(written(&w, &units, "gwt", "w.gwt").unwrap_err().code, "durbin::weights::blank_key");
        assert!(written(&w, &units, "mtx", "w.mtx").unwrap().0.contains("%unit 2 New York"));
    }
}
