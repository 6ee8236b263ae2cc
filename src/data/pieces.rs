//! A text table read piece by piece: each piece is whole records, so that pieces can be looked at apart and at the same
//! time, and a file of any size needs the memory of a few of them.

use std::cell::RefCell;
use std::io::{self, BufReader, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8};
use flate2::read::MultiGzDecoder;
use memchr::{memchr, memrchr};

use crate::data::unpack::is_packed;
use crate::data::writing::Writing;

/// How much of a file is read at a time.
const PIECE: usize = 4 << 20;
/// A record beyond this is no record of a table: a quote swallowed the rows after it.
const LONGEST_RECORD: usize = 16 << 20;

/// What was read of a file when it ended.
pub struct Ended {
    pub bytes: u64,
    pub blake3: String,
    /// It is said to be in another encoding, and all of it is UTF-8.
    pub doubtful: bool,
}

/// Reads a file to its end and hands out its pieces in order; `None` where it is not read to its end: what it holds
/// has to be looked at as a whole, or nobody wants more.
pub fn pieces(
    file: &str,
    from: Box<dyn Read + Send>,
    writing: &Writing,
    separator: u8,
    mut hand_out: impl FnMut(Vec<u8>) -> bool,
) -> Option<Ended> {
    let tally = RefCell::new((blake3::Hasher::new(), 0u64));
    let raw = Counted { from, tally: &tally };
    let unpacked: Box<dyn Read + '_> = if is_packed(file) {
        Box::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 16, raw)))
    } else {
        Box::new(raw)
    };
    let doubt = RefCell::new(Doubt::default());
    let mut text: Box<dyn Read + '_> = match writing.encoding.filter(|e| *e != UTF_8) {
        Some(encoding) => Box::new(Decoded::new(unpacked, encoding, &doubt)),
        None => unpacked,
    };
    let mut rest: Vec<u8> = Vec::new();
    loop {
        let mut piece = Vec::with_capacity(PIECE + rest.len());
        piece.append(&mut rest);
        let more = (&mut text).take(PIECE as u64).read_to_end(&mut piece).ok()?;
        if more == 0 {
            if end_of_records(&piece, separator).open_quote || !(piece.is_empty() || hand_out(piece)) {
                return None;
            }
            break;
        }
        let cut = end_of_records(&piece, separator).at;
        if cut == 0 && piece.len() > LONGEST_RECORD {
            return None;
        }
        rest = piece.split_off(cut);
        if cut > 0 && !hand_out(piece) {
            return None;
        }
    }
    drop(text);
    let (hasher, bytes) = tally.into_inner();
    let doubtful = doubt.into_inner().holds(writing.encoding);
    Some(Ended { bytes, blake3: hasher.finalize().to_hex().to_string(), doubtful })
}

/// Where the last whole record ends, and whether a quote is open at the end.
struct RecordEnd {
    at: usize,
    open_quote: bool,
}

/// `text` begins where a record does. A line end inside quotes ends none; a quote opens where a field begins.
fn end_of_records(text: &[u8], separator: u8) -> RecordEnd {
    let next = |from: usize| memchr(b'"', &text[from..]).map(|q| from + q);
    let opens = |q: usize| q == 0 || text[q - 1] == separator || matches!(text[q - 1], b'\r' | b'\n');
    // Where the last quotes closed.
    let mut from = 0;
    let mut at = 0;
    loop {
        let mut open = next(from);
        while let Some(q) = open.filter(|&q| !opens(q)) {
            open = next(q + 1);
        }
        if let Some(end) = memrchr(b'\n', &text[from..open.unwrap_or(text.len())]) {
            at = from + end + 1;
        }
        let Some(open) = open else { return RecordEnd { at, open_quote: false } };
        let mut close = next(open + 1);
        // Two quotes stand for one.
        while let Some(q) = close.filter(|&q| text.get(q + 1) == Some(&b'"')) {
            close = next(q + 2);
        }
        match close {
            Some(q) => from = q + 1,
            None => return RecordEnd { at, open_quote: true },
        }
    }
}

/// Bytes on their way, counted and fingerprinted.
struct Counted<'a> {
    from: Box<dyn Read + Send>,
    tally: &'a RefCell<(blake3::Hasher, u64)>,
}

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.from.read(into)?;
        let mut tally = self.tally.borrow_mut();
        tally.0.update(&into[..n]);
        tally.1 += n as u64;
        Ok(n)
    }
}

/// Whether bytes that are said to be in another encoding are UTF-8 all along.
#[derive(Default)]
struct Doubt {
    broken: bool,
    beyond_ascii: bool,
    /// The beginning of a character that the next bytes end.
    open: Vec<u8>,
}

impl Doubt {
    fn look(&mut self, bytes: &[u8]) {
        if self.broken {
            return;
        }
        self.beyond_ascii |= !bytes.is_ascii();
        let mut all = std::mem::take(&mut self.open);
        all.extend_from_slice(bytes);
        match std::str::from_utf8(&all) {
            Err(e) if e.error_len().is_some() => self.broken = true,
            Err(e) => self.open = all.split_off(e.valid_up_to()),
            Ok(_) => {}
        }
    }

    fn holds(&self, encoding: Option<&'static Encoding>) -> bool {
        let wide = encoding.is_none_or(|e| matches!(e.name(), "UTF-16LE" | "UTF-16BE"));
        !wide && self.beyond_ascii && !self.broken && self.open.is_empty()
    }
}

/// Text in another encoding as UTF-8.
struct Decoded<'a> {
    from: Box<dyn Read + 'a>,
    decoder: Decoder,
    doubt: &'a RefCell<Doubt>,
    bytes: Vec<u8>,
    text: String,
    /// How much of `text` was taken.
    taken: usize,
    ended: bool,
}

impl<'a> Decoded<'a> {
    fn new(from: Box<dyn Read + 'a>, encoding: &'static Encoding, doubt: &'a RefCell<Doubt>) -> Decoded<'a> {
        let decoder = encoding.new_decoder_with_bom_removal();
        Decoded { from, decoder, doubt, bytes: vec![0; 1 << 16], text: String::new(), taken: 0, ended: false }
    }

    fn fill(&mut self) -> io::Result<()> {
        let n = self.from.read(&mut self.bytes)?;
        self.doubt.borrow_mut().look(&self.bytes[..n]);
        self.ended = n == 0;
        self.text.clear();
        self.taken = 0;
        self.text.reserve(self.decoder.max_utf8_buffer_length(n).unwrap_or(4 * n + 16));
        let (result, _) =
            self.decoder.decode_to_string_without_replacement(&self.bytes[..n], &mut self.text, self.ended);
        match result {
            DecoderResult::InputEmpty => Ok(()),
            _ => Err(io::Error::other("bytes that mean nothing in the encoding")),
        }
    }
}

impl Read for Decoded<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.text.len() && !self.ended {
            self.fill()?;
        }
        let left = &self.text.as_bytes()[self.taken..];
        let n = left.len().min(into.len());
        into[..n].copy_from_slice(&left[..n]);
        self.taken += n;
        Ok(n)
    }
}
