//! What GAL and GWT files share: numbered lines of words, and the header that announces how many units follow.

use crate::data::csv::nfc;
use crate::fault::Fault;

/// A line that is not blank, with its number as an editor counts.
pub(super) struct Line<'a> {
    pub(super) number: usize,
    text: &'a str,
}

impl<'a> Line<'a> {
    pub(super) fn starts_with(&self, mark: char) -> bool {
        self.text.trim_start().starts_with(mark)
    }

    /// What follows a beginning of the line.
    pub(super) fn rest(&self, beginning: &str) -> Option<&'a str> {
        self.text.trim().strip_prefix(beginning)
    }

    /// Its words (NFC): what stands between blanks, or between quotes.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut rest = self.text.trim_start();
        while !rest.is_empty() {
            let quoted = rest.strip_prefix('"').and_then(|r| r.split_once('"'));
            let (word, after) = match quoted {
                Some((word, after)) => (word, after),
                None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
            };
            words.push(nfc(word).into_owned());
            rest = after.trim_start();
        }
        words
    }
}

/// The lines of a text that are not blank; LF, CR LF and a lone CR each end one.
pub(super) fn lines(text: &str) -> Vec<Line<'_>> {
    let ended = text.split('\n').flat_map(|l| l.strip_suffix('\r').unwrap_or(l).split('\r'));
    let numbered = ended.enumerate().map(|(i, text)| Line { number: i + 1, text });
    numbered.filter(|l| !l.text.trim().is_empty()).collect()
}

/// How many units a header announces: `n`, or `0 n shapefile key`.
pub(super) fn header(file: &str, line: &Line) -> Result<usize, Fault> {
    let words = line.words();
    let count = if words.len() == 1 { words.first() } else { words.get(1).filter(|_| words[0] == "0") };
    count.and_then(|w| w.parse().ok()).ok_or_else(|| {
        let found = line.text.trim();
        bad(file, line.number, format!("line {} of `{file}` is no header: \"{found}\"", line.number), "here")
            .help("the first line is the number of units, or `0`, that number, the shapefile and its key")
    })
}

/// `durbin::weights::bad_gal` at a line.
pub(super) fn bad(file: &str, line: usize, message: String, label: &str) -> Fault {
    Fault::error("durbin::weights::bad_gal", message).label(file, line, 1, label)
}
