//! A text table read once and in order by several threads: one reads and cuts, some take pieces apart, and the caller
//! gets them one after the other as the file has them.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use crate::data::chunk::{Chunk, Wanted};
use crate::data::csv;
use crate::data::pieces::{Ended, pieces};
use crate::data::writing::Writing;

/// Pieces that are held at a time, per thread.
const HELD: usize = 3;

/// A piece by its number.
type Numbered<T> = (usize, T);

/// Gives every chunk of a file to `take`, in order. `None` where something in the file has to be told with its place,
/// which takes the whole of it, or where `take` wants no more.
pub fn stream(
    file: &str,
    from: Box<dyn Read + Send>,
    writing: &Writing,
    wanted: &Wanted,
    mut take: impl FnMut(Chunk) -> Option<()>,
) -> Option<Ended> {
    let threads = rayon::current_num_threads().max(1);
    std::thread::scope(|scope| {
        // A piece is read when there is room for it, and makes room when it was taken.
        let (enter, leave) = sync_channel::<()>(HELD * threads);
        let (give, work) = sync_channel::<Numbered<Vec<u8>>>(HELD * threads);
        let (done, results) = sync_channel::<Numbered<Option<Chunk>>>(HELD * threads);
        let work = Arc::new(Mutex::new(work));
        let reader = scope.spawn(move || read(file, from, writing, wanted.separator, &enter, &give));
        for _ in 0..threads {
            let (work, done) = (work.clone(), done.clone());
            scope.spawn(move || take_apart(&work, wanted, &done));
        }
        drop((work, done));
        let sound = in_order(&results, &leave, &mut take);
        // Whoever still waits for room or for a taker is told that nobody comes: the reader ends, and with it the rest.
        drop((leave, results));
        let ended = reader.join().ok().flatten();
        ended.filter(|_| sound)
    })
}

fn read(
    file: &str,
    from: Box<dyn Read + Send>,
    writing: &Writing,
    separator: u8,
    enter: &SyncSender<()>,
    give: &SyncSender<Numbered<Vec<u8>>>,
) -> Option<Ended> {
    let mut number = 0;
    pieces(file, from, writing, separator, |mut piece| {
        if number == 0 {
            match csv::text_of(file, &piece) {
                Ok(text) => drop(piece.drain(..piece.len() - text.len())),
                Err(_) => return false,
            }
        }
        number += 1;
        enter.send(()).is_ok() && give.send((number - 1, piece)).is_ok()
    })
}

fn take_apart(work: &Mutex<Receiver<Numbered<Vec<u8>>>>, wanted: &Wanted, done: &SyncSender<Numbered<Option<Chunk>>>) {
    loop {
        let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((number, piece)) = next else { return };
        if done.send((number, Chunk::of(piece, number == 0, wanted))).is_err() {
            return;
        }
    }
}

/// Whether all chunks were taken.
fn in_order(
    results: &Receiver<Numbered<Option<Chunk>>>,
    leave: &Receiver<()>,
    take: &mut impl FnMut(Chunk) -> Option<()>,
) -> bool {
    let mut waiting: BTreeMap<usize, Chunk> = BTreeMap::new();
    let mut next = 0;
    for (number, chunk) in results {
        let Some(chunk) = chunk else { return false };
        waiting.insert(number, chunk);
        while let Some(chunk) = waiting.remove(&next) {
            if take(chunk).is_none() {
                return false;
            }
            next += 1;
            if leave.recv().is_err() {
                return false;
            }
        }
    }
    true
}
