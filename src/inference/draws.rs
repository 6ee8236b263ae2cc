//! Random orders of units that depend on the seed and on their number only, whatever is drawn beside them.

use crate::linalg::probes::uniform_bits;

/// Orders of `0..n`, one after the other.
pub(crate) struct Shuffles {
    seed: u64,
    /// Which of several streams of one seed.
    stream: u64,
    n: usize,
    /// How many positions of each order are wanted.
    wanted: usize,
    next: u64,
}

impl Shuffles {
    pub fn new(seed: u64, n: usize) -> Shuffles {
        Shuffles::of(seed, 0, n)
    }

    pub fn of(seed: u64, stream: u64, n: usize) -> Shuffles {
        Shuffles { seed, stream, n, wanted: n, next: 0 }
    }

    /// Only the first `k` positions of each order: a sample without replacement.
    pub fn some(self, k: usize) -> Shuffles {
        Shuffles { wanted: k.min(self.n), ..self }
    }
}

impl Iterator for Shuffles {
    type Item = Vec<u32>;

    /// Fisher and Yates from the front, so that a short sample costs no more than its length in draws.
    fn next(&mut self) -> Option<Vec<u32>> {
        let draw = self.next;
        self.next += 1;
        let mut order: Vec<u32> = (0..self.n as u32).collect();
        let key = uniform_bits(self.seed, self.stream, draw);
        for i in 0..self.wanted.min(self.n.saturating_sub(1)) {
            let room = (self.n - i) as u64;
            // The high half of a product: the bias of room/2⁶⁴ is far below what draws can show.
            let step = (u128::from(uniform_bits(key, draw, i as u64)) * u128::from(room)) >> 64;
            order.swap(i, i + step as usize);
        }
        order.truncate(self.wanted);
        Some(order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_orders_and_each_place_is_equally_likely() {
        let (n, draws) = (5usize, 20_000usize);
        let mut counts = vec![[0usize; 5]; n];
        for order in Shuffles::new(7, n).take(draws) {
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
    fn an_order_depends_on_its_number_only() {
        let third = Shuffles::new(1, 9).nth(2);
        assert_eq!(third, Shuffles::new(1, 9).nth(2));
        assert_ne!(third, Shuffles::new(2, 9).nth(2));
        let few: Vec<u32> = Shuffles::new(1, 9).some(3).nth(2).unwrap();
        assert_eq!(few, third.unwrap()[..3]);
    }
}
