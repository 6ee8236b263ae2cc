//! Random orders of units that depend on the seed and on their number only, whatever is drawn beside them.

use crate::linalg::probes::uniform_bits;
use rayon::prelude::*;

/// Orders of `0..n` by their numbers.
#[derive(Clone, Copy)]
pub(crate) struct Shuffles {
    seed: u64,
    /// Which of several streams of one seed.
    stream: u64,
    n: usize,
    /// How many positions of each order are wanted.
    wanted: usize,
}

/// A sample below this share of all is drawn without writing all of them down.
const FEW: usize = 16;

impl Shuffles {
    pub fn new(seed: u64, n: usize) -> Shuffles {
        Shuffles::of(seed, 0, n)
    }

    pub fn of(seed: u64, stream: u64, n: usize) -> Shuffles {
        Shuffles { seed, stream, n, wanted: n }
    }

    /// Only the first `k` positions of each order: a sample without replacement.
    pub fn some(self, k: usize) -> Shuffles {
        Shuffles { wanted: k.min(self.n), ..self }
    }

    /// The order of a number: Fisher and Yates from the front, so that a short sample costs no more than its length.
    pub fn order(&self, draw: u64) -> Vec<u32> {
        let key = uniform_bits(self.seed, self.stream, draw);
        let partner = |i: usize| {
            // The high half of a product: the bias of room/2⁶⁴ is far below what draws can show.
            let room = (self.n - i) as u64;
            i + ((u128::from(uniform_bits(key, draw, i as u64)) * u128::from(room)) >> 64) as usize
        };
        let moves = self.wanted.min(self.n);
        if moves * FEW < self.n {
            // What stands elsewhere than at its own place.
            let mut moved: Vec<(usize, u32)> = Vec::with_capacity(moves);
            let find =
                |moved: &[(usize, u32)], i: usize| moved.iter().rev().find(|m| m.0 == i).map_or(i as u32, |m| m.1);
            let mut out = Vec::with_capacity(moves);
            for i in 0..moves {
                let j = partner(i);
                let (here, there) = (find(&moved, i), find(&moved, j));
                out.push(there);
                moved.push((j, here));
            }
            return out;
        }
        let mut order: Vec<u32> = (0..self.n as u32).collect();
        (0..moves).for_each(|i| order.swap(i, partner(i)));
        order.truncate(self.wanted);
        order
    }

    /// `f` of so many orders, in their order, on all threads.
    pub fn values(&self, draws: usize, f: &(dyn Fn(&[u32]) -> f64 + Sync)) -> Vec<f64> {
        (0..draws as u64).into_par_iter().map(|d| f(&self.order(d))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_orders_and_each_place_is_equally_likely() {
        let (n, draws) = (5usize, 20_000usize);
        let mut counts = vec![[0usize; 5]; n];
        for draw in 0..draws as u64 {
            let order = Shuffles::new(7, n).order(draw);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2, 3, 4]);
            order.iter().enumerate().for_each(|(place, &i)| counts[i as usize][place] += 1);
        }
        let expected = draws as f64 / n as f64;
        let chi2: f64 = counts.iter().flatten().map(|&c| (c as f64 - expected).powi(2) / expected).sum();
        // 16 degrees of freedom: 39 is passed once in a thousand times.
        assert!(chi2 < 39.0, "{chi2}");
    }

    #[test]
    fn an_order_depends_on_its_number_only_and_a_sample_is_its_beginning() {
        let all = Shuffles::new(1, 90);
        assert_ne!(all.order(2), Shuffles::new(2, 90).order(2));
        assert_ne!(all.order(2), all.order(3));
        for few in [3, 40] {
            assert_eq!(all.some(few).order(2), all.order(2)[..few]);
        }
    }
}
