//! Places in the raw bytes of a text table: the line and column of a byte as an editor counts, and where the fields of
//! a record begin.

/// Where the fields of one raw record begin, and where a quote opens that never closes.
pub(super) struct Fields {
    pub(super) starts: Vec<usize>,
    pub(super) open_quote: Option<usize>,
}

impl Fields {
    pub(super) fn of(raw: &[u8], separator: u8) -> Fields {
        let mut starts = vec![0];
        let mut open = None;
        let (mut fresh, mut closing) = (true, false);
        for (i, &b) in raw.iter().enumerate() {
            if open.is_some() && !closing {
                closing = b == b'"';
                continue;
            }
            if closing && b == b'"' {
                closing = false;
                continue;
            }
            if closing {
                (open, closing) = (None, false);
            }
            if b == separator {
                starts.push(i + 1);
                fresh = true;
            } else {
                if b == b'"' && fresh {
                    open = Some(i);
                }
                fresh = false;
            }
        }
        Fields { starts, open_quote: open.filter(|_| !closing) }
    }
}

/// Lines of a text as an editor counts: LF, CR LF and a lone CR each end one. Questions must not go backwards.
pub(super) struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
    has_cr: bool,
}

impl<'a> Lines<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Lines<'a> {
        Lines { bytes, at: 0, line: 1, has_cr: bytes.contains(&b'\r') }
    }

    pub(super) fn line_at(&mut self, offset: usize) -> usize {
        let offset = offset.min(self.bytes.len());
        if offset < self.at {
            (self.at, self.line) = (0, 1);
        }
        let passed = &self.bytes[self.at..offset];
        self.line += passed.iter().filter(|&&b| b == b'\n').count();
        if self.has_cr {
            let lone = |i: usize| self.bytes[i] == b'\r' && self.bytes.get(i + 1) != Some(&b'\n');
            self.line += (self.at..offset).filter(|&i| lone(i)).count();
        }
        self.at = offset;
        self.line
    }

    pub(super) fn start_of_line(&self, offset: usize) -> usize {
        let before = &self.bytes[..offset.min(self.bytes.len())];
        before.iter().rposition(|b| matches!(b, b'\n' | b'\r')).map_or(0, |i| i + 1)
    }

    pub(super) fn column_at(&self, offset: usize) -> usize {
        let offset = offset.min(self.bytes.len());
        String::from_utf8_lossy(&self.bytes[self.start_of_line(offset)..offset]).chars().count() + 1
    }
}
