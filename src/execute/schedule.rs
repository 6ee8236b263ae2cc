//! Runs steps that need one another: each begins when all it needs have ended, independent ones at the same time.

use rayon::Scope;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Does every step once. `needs[i]` are the steps that must have ended before step `i` begins; invariant: they all come
/// before `i`, so that there is no circle. Which of several ready steps begins first is not said.
pub(super) fn run(needs: &[Vec<usize>], step: &(dyn Fn(usize) + Sync)) {
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); needs.len()];
    let mut waiting: Vec<AtomicUsize> = Vec::with_capacity(needs.len());
    for (i, before) in needs.iter().enumerate() {
        let mut before: Vec<usize> = before.iter().copied().filter(|&b| b < i).collect();
        before.sort_unstable();
        before.dedup();
        before.iter().for_each(|&b| followers[b].push(i));
        waiting.push(AtomicUsize::new(before.len()));
    }
    let ready: Vec<usize> = (0..needs.len()).filter(|&i| waiting[i].load(Ordering::Relaxed) == 0).collect();
    let schedule = Schedule { followers, waiting, step };
    rayon::scope(|scope| ready.into_iter().for_each(|i| schedule.begin(scope, i)));
}

struct Schedule<'a> {
    followers: Vec<Vec<usize>>,
    /// How many of its needs a step still waits for.
    waiting: Vec<AtomicUsize>,
    step: &'a (dyn Fn(usize) + Sync),
}

impl Schedule<'_> {
    fn begin<'s>(&'s self, scope: &Scope<'s>, i: usize) {
        scope.spawn(move |scope| {
            (self.step)(i);
            for &next in &self.followers[i] {
                if self.waiting[next].fetch_sub(1, Ordering::AcqRel) == 1 {
                    self.begin(scope, next);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn a_step_begins_after_all_it_needs_and_runs_once() {
        let needs = vec![vec![], vec![0], vec![0], vec![1, 2, 2], vec![], vec![3, 4]];
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let ended: Mutex<Vec<usize>> = Mutex::new(Vec::new());
            pool.install(|| {
                run(&needs, &|i| {
                    let known = ended.lock().unwrap().clone();
                    assert!(needs[i].iter().all(|b| known.contains(b)), "{i} before what it needs: {known:?}");
                    ended.lock().unwrap().push(i);
                });
            });
            let mut all = ended.into_inner().unwrap();
            all.sort_unstable();
            assert_eq!(all, [0, 1, 2, 3, 4, 5]);
        }
    }

    #[test]
    fn nothing_to_do_is_done() {
        run(&[], &|_| unreachable!());
    }
}
